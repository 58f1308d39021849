//! `riser man`: manual pages, made from the declarations of the options.

use std::fs;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::errors::{Report, similar};
use crate::options::{ManOptions, with_run};
use crate::style;

/// Runs the command.
pub fn run(options: &ManOptions) -> Result<i32, Report> {
    let mut all = with_run();
    all.build();
    if let Some(folder) = &options.output {
        write_all(&all, folder)?;
        return Ok(0);
    }
    let page = match &options.command {
        None => page(&all)?,
        Some(name) => page(all.find_subcommand(name).ok_or_else(|| unknown(&all, name))?)?,
    };
    style::print_bytes(&page);
    Ok(0)
}

/// A page of a command. Its name is that of the whole, as in `riser-run`.
fn page(command: &Command) -> Result<Vec<u8>, Report> {
    let mut text = Vec::new();
    Man::new(command.clone())
        .manual("Riser")
        .source(concat!("riser ", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .map_err(|error| Report::new(format!("the page cannot be made: {error}")))?;
    Ok(text)
}

fn write_all(all: &Command, folder: &Path) -> Result<(), Report> {
    fs::create_dir_all(folder).map_err(|error| {
        Report::new(format!("the folder {} cannot be made: {error}", folder.display()))
    })?;
    let commands = all.get_subcommands().filter(|command| command.get_name() != "help");
    for command in commands.chain([all]) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let path = folder.join(format!("{name}.1"));
        fs::write(&path, page(command)?).map_err(|error| {
            Report::new(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    Ok(())
}

fn unknown(all: &Command, name: &str) -> Report {
    let report = Report::usage(format!("there is no command `{name}`"));
    match similar(name, all.get_subcommands().map(Command::get_name)) {
        Some(near) => report.help(format!("did you mean `riser man {near}`?")),
        None => report.help("`riser help` lists the commands"),
    }
}
