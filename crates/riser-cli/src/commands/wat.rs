//! `riser wat`: from the binary format to the text format and back.

use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::Path;

use crate::errors::Report;
use crate::input::{self, Content};
use crate::options::WatOptions;
use crate::style;

/// Runs the command.
pub fn run(options: &WatOptions) -> Result<i32, Report> {
    let name = input::display_name(&options.file);
    let bytes = input::read_module(&options.file)?;
    match Content::of(&bytes) {
        Content::Text => write_binary(options, &input::assemble(&name, &bytes)?)?,
        Content::Compiled => {
            let module = input::module_in(&name, &bytes)?;
            write_text(options, &print(&options.file, &module)?)?;
        }
        Content::Binary | Content::Component => {
            write_text(options, &print(&options.file, &bytes)?)?;
        }
    }
    Ok(0)
}

fn write_binary(options: &WatOptions, bytes: &[u8]) -> Result<(), Report> {
    match &options.output {
        Some(file) => write(file, bytes),
        None if stdout().is_terminal() => {
            Err(Report::usage("a binary does not belong on a terminal")
                .help("name a file with -o OUT, or send it to a pipe"))
        }
        None => {
            style::print_bytes(bytes);
            Ok(())
        }
    }
}

fn write_text(options: &WatOptions, text: &str) -> Result<(), Report> {
    match &options.output {
        Some(file) => write(file, text.as_bytes()),
        None => {
            style::print_bytes(text.as_bytes());
            Ok(())
        }
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Report> {
    fs::write(file, bytes)
        .map_err(|error| Report::new(format!("{} cannot be written: {error}", file.display())))
}

/// The text of a binary, or why it has none.
fn print(file: &Path, bytes: &[u8]) -> Result<String, Report> {
    wasmprinter::print_bytes(bytes).or_else(|error| {
        // Our own decoder says better what is wrong, where it finds something wrong.
        input::Input::of_binary(file, bytes.to_vec()).and_then(|input| {
            crate::decoded::Decoded::new(&input, riser_ops::Features::ALL)
                .map_err(|error| crate::errors::refused(&input, &error))
        })?;
        Err(Report::new(format!("{} cannot be printed: {error:#}", input::display_name(file))))
    })
}
