//! The `riser` command.
//!
//! `options.rs` declares what can be typed, `commands/` has a file per command, `errors/` turns what goes wrong
//! into messages. `input.rs` reads modules, `decoded.rs`, `proposals.rs` and `hosts.rs` look into them, `engine.rs` sets up what
//! runs them, `style.rs` and `progress.rs` speak to the terminal.
#![forbid(unsafe_code)]

mod commands;
mod decoded;
mod engine;
mod errors;
mod hosts;
mod input;
mod options;
mod progress;
mod proposals;
#[cfg(test)]
mod reference;
mod style;
mod values;

use std::process;

use options::{Cli, Command, General};

fn main() {
    let Cli { command, general, .. } = match errors::parse(std::env::args_os().collect()) {
        Ok(Some(cli)) => cli,
        Ok(None) => return,
        Err(report) => {
            report.print(false);
            process::exit(report.exit_status().into());
        }
    };
    style::set_color(general.color);
    let outcome = run(&command, &general);
    // Leaving at once spares the time to give back what the system takes back anyway.
    process::exit(outcome.unwrap_or_else(|report| {
        report.print(general.quiet);
        report.exit_status().into()
    }))
}

fn run(command: &Command, general: &General) -> Result<i32, errors::Report> {
    match command {
        Command::Run(options) => commands::run::run(options, general),
        Command::Validate(options) => commands::validate::run(options, general),
        Command::Inspect(options) => commands::inspect::run(options, general),
        Command::Wat(options) => commands::wat::run(options),
        Command::Compile(options) => commands::compile::run(options, general),
        Command::Cache(options) => commands::cache::run(options, general),
        Command::Completions(options) => commands::completions::run(options),
        Command::Man(options) => commands::man::run(options),
        Command::Wast(options) => commands::wast::run(options, general),
    }
}
