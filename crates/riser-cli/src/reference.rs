//! `docs/reference.md`, made from the declarations of the options. A test compares; `BLESS=1` rewrites the page.

use std::fmt::Write;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};

use crate::options::{Cli, described};

const HEAD: &str = "\
# Reference

Every command with its options. This page is made from the declarations in `crates/riser-cli/src/options.rs`; a test compares
them, and `BLESS=1 cargo test -p riser-cli` writes the page anew. `riser help COMMAND` prints the same.

`riser FILE` is short for `riser run FILE`: options of `run` work without its name.
";

/// The whole page.
fn page() -> String {
    let mut all = Cli::command();
    all.build();
    let mut page = String::from(HEAD);
    let general: Vec<&Arg> = all.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
    for command in all.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut page, command, &general);
    }
    page += "\n## Options of all commands\n\n";
    general.iter().for_each(|arg| option(&mut page, arg));
    page += STATUS;
    page += SPELLINGS;
    for (theirs, ours) in described() {
        let _ = writeln!(page, "| `{theirs}` | {ours} |");
    }
    page
}

const STATUS: &str = "
## Exit status

| status | meaning |
| --- | --- |
| that of the program | it ended by itself |
| 0 | success |
| 1 | an error that is none of the others: a file that is not there, a module that is not valid, an import that nothing provides |
| 2 | riser was called wrongly |
| 124 | the time of `--timeout` was up |
| 130 | Ctrl-C (a shell shows the end by this signal so) |
| 134 | the program trapped |
| 141 | nobody reads standard output any more |
";

const SPELLINGS: &str = "
## Options of other runtimes

What people type who come from another runtime works here if something here means the same; else the error says what to do. `-W` also takes the names of
features.

| there | here |
| --- | --- |
";

fn section(page: &mut String, command: &Command, general: &[&Arg]) {
    let _ = write!(page, "\n## riser {}\n\n", command.get_name());
    let about = command.get_long_about().or(command.get_about());
    let _ = write!(page, "{}\n\n", about.map(text).unwrap_or_default());
    let usage = text(&command.clone().render_usage());
    let _ = write!(
        page,
        "```\n{}\n```\n",
        usage.trim_start_matches("Usage: ").replace("\n       ", "\n")
    );
    let is_general = |arg: &Arg| general.iter().any(|other| other.get_id() == arg.get_id());
    let own = || command.get_arguments().filter(|arg| !is_general(arg) && !arg.is_hide_set());
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in own() {
        let heading = heading(arg);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        match heading {
            Some(heading) => drop(write!(page, "\n### {heading}\n\n")),
            None => page.push('\n'),
        }
        own().filter(|arg| self::heading(arg) == heading).for_each(|arg| option(page, arg));
    }
    if let Some(examples) = command.get_after_long_help() {
        let examples = text(examples);
        let examples = examples.split("\n\nExit status").next().unwrap_or_default();
        let examples = examples.trim_start_matches("Examples:\n");
        let _ = write!(page, "\n```\n{}\n```\n", examples.replace("\n  ", "\n").trim());
    }
}

fn heading(arg: &Arg) -> Option<&str> {
    arg.get_help_heading()
}

fn option(page: &mut String, arg: &Arg) {
    let names: Vec<&str> =
        arg.get_value_names().unwrap_or_default().iter().map(|name| &**name).collect();
    let value = names.join(" ");
    let takes_value = arg.get_action().takes_values();
    let mut name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => value.clone(),
    };
    if takes_value && arg.get_long().is_some() {
        name += &match arg.is_require_equals_set() {
            true => format!("[={value}]"),
            false => format!(" {value}"),
        };
    }
    let help = arg.get_long_help().or(arg.get_help()).map(text).unwrap_or_default();
    let mut paragraphs = help.split("\n\n");
    let _ = writeln!(page, "- `{name}`: {}", end(paragraphs.next().unwrap_or_default()));
    for paragraph in paragraphs {
        let _ = writeln!(page, "\n  {}", paragraph.trim());
    }
}

/// The paragraph with a full stop.
fn end(paragraph: &str) -> String {
    let paragraph = paragraph.trim();
    if paragraph.ends_with(['.', ')']) { paragraph.into() } else { format!("{paragraph}.") }
}

/// Help without styles.
fn text(styled: &StyledStr) -> String {
    styled.to_string()
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    riser_testkit::golden::check(path, &page());
}
