//! Errors as people see them: what happened, where, and what to try.
//!
//! Every failure of the command ends as a [`Report`], made by the file here that knows its kind: `usage.rs`
//! for mistakes on the command line, `module.rs` for files that are not valid modules, `imports.rs` for
//! imports that nothing provides, `guest.rs` for what happens while a program runs. Files that cannot be
//! read are reported where they are read, in `input.rs`.

mod guest;
mod imports;
mod module;
mod usage;

pub use guest::{Running, SHOWN_FRAMES, call_failed, time_is_up, too_large};
pub use imports::{different_imports, link_failed, missing_imports};
pub use module::{module_failed, refused};
pub use usage::parse;

use std::fmt::Write;

use crate::style::{self, styled};

/// The exit status for a command line that cannot be meant.
pub const STATUS_USAGE: u8 = 2;
/// The exit status for a trap: 128 + SIGABRT, as if the program had called `abort`.
pub const STATUS_TRAP: u8 = 134;
/// The exit status for a program whose time was up, as that of timeout(1).
pub const STATUS_TIMEOUT: u8 = 124;
const STATUS_OTHER: u8 = 1;

/// A failure, ready to be shown.
#[derive(Debug)]
pub struct Report {
    message: String,
    details: Vec<String>,
    help: Vec<String>,
    status: u8,
}

impl Report {
    /// A failure: what happened, in one line.
    pub fn new(message: impl Into<String>) -> Report {
        Report {
            message: message.into(),
            details: Vec::new(),
            help: Vec::new(),
            status: STATUS_OTHER,
        }
    }

    /// A command line that cannot be meant.
    pub fn usage(message: impl Into<String>) -> Report {
        Report::new(message).status(STATUS_USAGE)
    }

    /// Adds where it happened, or what more is known. May have several lines.
    pub fn detail(mut self, detail: impl Into<String>) -> Report {
        self.details.push(detail.into());
        self
    }

    /// Adds what to try.
    pub fn help(mut self, help: impl Into<String>) -> Report {
        self.help.push(help.into());
        self
    }

    /// Sets the exit status, which is 1 otherwise.
    pub fn status(mut self, status: u8) -> Report {
        self.status = status;
        self
    }

    /// The exit status.
    pub fn exit_status(&self) -> u8 {
        self.status
    }

    /// Shows the failure on standard error; if `brief`, only what happened.
    pub fn print(&self, brief: bool) {
        style::eprint(&self.render(brief));
    }

    /// The failure as text.
    pub fn render(&self, brief: bool) -> String {
        let mut text = String::new();
        let (message, more) = self.message.split_once('\n').unwrap_or((&self.message, ""));
        let _ = writeln!(text, "{}: {}", styled(style::ERROR, "error"), clean(message));
        if brief {
            return text;
        }
        for line in more.lines() {
            let _ = writeln!(text, "  {}", clean(line));
        }
        for line in self.details.iter().flat_map(|detail| detail.lines()) {
            let _ = writeln!(text, "  {}", clean(line));
        }
        for help in &self.help {
            for (i, line) in help.lines().enumerate() {
                let lead = if i == 0 { styled(style::HELP, "help") + ": " } else { " ".repeat(6) };
                let _ = writeln!(text, "  {lead}{}", clean(line));
            }
        }
        text
    }
}

/// Says something that is not an error.
pub fn warn(message: &str) {
    style::eprint(&format!("{}: {}\n", styled(style::WARNING, "warning"), clean(message)));
}

/// The text with characters that could command the terminal made visible: names come from modules, which are not trusted.
pub fn clean(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let harmless =
                !c.is_control() && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
            let escaped = (!harmless).then(|| c.escape_default());
            escaped.into_iter().flatten().chain(harmless.then_some(c))
        })
        .collect()
}

/// The most of a name that is shown. Templates of C++ have names of several hundred letters; longer ones tell nobody more.
const NAME_MAX: usize = 500;

/// A name from a module, cleaned, and cut if it is very long.
pub fn clean_name(name: &str) -> String {
    match name.char_indices().nth(NAME_MAX) {
        None => clean(name),
        Some((end, _)) => format!("{}...", clean(&name[..end])),
    }
}

/// The candidate that `word` was probably meant to be.
pub fn similar<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 5).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate, most), candidate))
        .filter(|(distance, candidate)| *distance <= most && *candidate != word)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of characters to insert, delete, change or swap with the next to make `b` of `a`. Gives up on pairs
/// whose lengths differ by more than `most`: names come from modules and may be very long.
fn distance(a: &str, b: &str, most: usize) -> usize {
    if a.len().abs_diff(b.len()) > 4 * most || a.len() > 200 {
        return usize::MAX;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Rows of the table of distances between prefixes: the one before the previous, the previous, the current.
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        let [before, previous, current] = &mut rows;
        current[0] = i;
        for j in 1..=b.len() {
            let change = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            current[j] = change.min(previous[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                current[j] = current[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_three_parts() {
        let report = Report::new("it broke").detail("here\nand here").help("try\nagain");
        let plain = anstream::adapter::strip_str(&report.render(false)).to_string();
        assert_eq!(plain, "error: it broke\n  here\n  and here\n  help: try\n        again\n");
        let brief = anstream::adapter::strip_str(&report.render(true)).to_string();
        assert_eq!(brief, "error: it broke\n");
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202E}é"), "a\\u{1b}[2Jb\\u{202e}é");
    }

    #[test]
    fn names_have_an_end() {
        assert_eq!(clean_name("n\u{e4}me\0"), "n\u{e4}me\\u{0}");
        assert_eq!(clean_name(&"\u{e4}".repeat(100_000)).chars().count(), NAME_MAX + 3);
    }

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("dir", "dir", 1), 0);
        assert_eq!(distance("vaildate", "validate", 2), 1);
        assert_eq!(distance("", "abc", 1), 3);
        assert_eq!(distance("kitten", "sitting", 2), 3);
    }

    #[test]
    fn similar_words_are_near() {
        assert_eq!(similar("simdd", ["gc", "simd", "threads"]), Some("simd"));
        assert_eq!(similar("add", ["subtract", "main"]), None);
    }
}
