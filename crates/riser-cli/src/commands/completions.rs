//! `riser completions`: a script for a shell that completes riser's options, made from their declarations.

use crate::errors::Report;
use crate::options::{CompletionsOptions, with_run};
use crate::style;

/// Runs the command.
pub fn run(options: &CompletionsOptions) -> Result<i32, Report> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut with_run(), "riser", &mut script);
    style::print_bytes(&script);
    Ok(0)
}
