//! `riser validate`: says nothing of valid modules, and of others what is wrong and where.

use std::path::Path;
use std::time::Instant;

use riser::{Engine, Module};

use crate::decoded::count;
use crate::engine;
use crate::errors::{Report, module_failed};
use crate::input::Input;
use crate::options::{General, ValidateOptions};
use crate::progress::Progress;
use crate::style;

/// Runs the command.
pub fn run(options: &ValidateOptions, general: &General) -> Result<i32, Report> {
    let engine = engine::engine(&engine::config(&options.wasm)?)?;
    let mut status = 0;
    for file in &options.files {
        let progress = Progress::start(format!("checking {}", file.display()), general.quiet);
        let outcome = validate(&engine, file);
        drop(progress);
        match outcome {
            Ok(line) if general.verbose => style::print(&line),
            Ok(_) => {}
            Err(report) => {
                report.print(general.quiet);
                status = report.exit_status().into();
            }
        }
    }
    Ok(status)
}

fn validate(engine: &Engine, file: &Path) -> Result<String, Report> {
    let input = Input::load(file)?;
    let start = Instant::now();
    Module::validate(engine, &input.bytes).map_err(|error| module_failed(&input, &error))?;
    let bytes = count(input.bytes.len() as u64, "byte");
    Ok(format!("{}: valid, {bytes}, {:.1} ms\n", input.name, start.elapsed().as_secs_f64() * 1e3))
}
