//! Colours, and the two streams on which riser itself speaks.
//!
//! Colour appears on terminals only, unless `--color` says otherwise; `NO_COLOR` is honoured. When the reader
//! of standard output goes away (`riser inspect x | head`), riser ends quietly as other programs do.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Effects, Style};

use crate::options::Color;

/// Headings.
pub const HEADING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
/// What is typed as it stands.
pub const LITERAL: Style = AnsiColor::Green.on_default();
/// What stands for something else.
pub const PLACEHOLDER: Style = AnsiColor::Cyan.on_default();
/// The word before an error.
pub const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// The word before a warning.
pub const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
/// The word before advice.
pub const HELP: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);
/// Names of functions, imports, files.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// What matters less: offsets, indices.
pub const DIM: Style = Style::new().effects(Effects::DIMMED);

/// The exit status of a process that writes to a pipe that nobody reads: 128 + SIGPIPE.
const BROKEN_PIPE_STATUS: i32 = 141;

/// Something in a style.
pub fn styled(style: Style, what: impl Display) -> String {
    format!("{style}{what}{style:#}")
}

/// Decides once, for both streams.
pub fn set_color(color: Color) {
    let choice = match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    choice.write_global();
}

/// Writes to standard output. Styles are dropped where they do not belong.
pub fn print(text: &str) {
    let mut stream = anstream::stdout().lock();
    finish(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
}

/// Writes bytes to standard output as they are.
pub fn print_bytes(bytes: &[u8]) {
    let mut stream = io::stdout().lock();
    finish(stream.write_all(bytes).and_then(|()| stream.flush()));
}

/// Writes to standard error. If that fails there is nobody left to tell.
pub fn eprint(text: &str) {
    let mut stream = anstream::stderr().lock();
    let _ = stream.write_all(text.as_bytes());
}

/// Ends the process if its output cannot be written: quietly, if only the reader is gone.
fn finish(result: io::Result<()>) {
    match result {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::BrokenPipe => broken_pipe(),
        Err(e) => {
            eprint(&format!("{}: cannot write to standard output: {e}\n", styled(ERROR, "error")));
            process::exit(1);
        }
    }
}

/// Ends the process as a broken pipe ends programs that do not handle it.
pub fn broken_pipe() -> ! {
    process::exit(BROKEN_PIPE_STATUS)
}
