//! `riser wast`: runs scripts in the format of the specification's test suite.

use riser_testkit::wast::{Report as Tally, run_script};

use crate::engine;
use crate::errors::{Report, clean};
use crate::input;
use crate::options::{General, WastOptions};
use crate::style::{self, styled};

/// Runs the command. Failures go to standard output: they are what the command is asked for.
pub fn run(options: &WastOptions, general: &General) -> Result<i32, Report> {
    let config = engine::config(&options.wasm)?;
    let mut total = Tally::default();
    let mut failed_files = 0;
    for file in &options.files {
        let name = input::display_name(file);
        let tally = run_script(&name, &input::read_text(file)?, &config);
        for failure in &tally.failures {
            let place = format!("{}:{}:{}", failure.file, failure.line, failure.column);
            let message: Vec<String> = failure.message.lines().map(clean).collect();
            style::print(&format!("{}: {}\n", styled(style::NAME, place), message.join("\n    ")));
        }
        if general.verbose {
            style::print(&format!("{name}: {tally}\n"));
        }
        failed_files += usize::from(!tally.is_success());
        total += tally;
    }
    if !general.quiet {
        style::print(&format!("{total}\n"));
    }
    Ok(i32::from(failed_files > 0))
}
