//! `cargo xtask spec`: the official specification suite, with the table of counts that its runner prints.
//!
//! The runner itself is `crates/riser-testkit`; the ordinary test run executes the same test and only hides what it prints.

use crate::tree;

/// Runs the suite; the arguments are handed to the test runner as filters.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut command = vec![
        "test",
        "--quiet",
        "--package",
        "riser-testkit",
        "--test",
        "spec",
        "--",
        "--nocapture",
    ];
    command.extend(args.iter().map(String::as_str));
    tree::cargo(&command, &[])
}
