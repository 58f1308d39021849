//! `cargo xtask spec`: the official specification suite, with the table of counts that its runner prints.
//!
//! The runner itself is `crates/riser-testkit`; the ordinary test run executes the same test and only hides what it prints.

use crate::tree;

/// The variable by which the test is told which scripts to run.
const FILTER: &str = "RISER_SPEC_FILTER";

/// Runs the suite, or the scripts whose name contains the argument.
pub fn run(args: &[String]) -> Result<(), String> {
    let command =
        ["test", "--quiet", "--package", "riser-testkit", "--test", "spec", "--", "--nocapture"];
    match args {
        [] => tree::cargo(&command, &[]),
        [filter] => tree::cargo(&command, &[(FILTER, filter)]),
        _ => Err("usage: cargo xtask spec [FILTER]".into()),
    }
}
