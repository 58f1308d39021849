//! From the words typed to [`Cli`], and mistakes in them told in our form.
//!
//! The first word that is a file and not a command means `run`: [`parse`] puts it in before clap sees the words.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::errors::Report;
use crate::input::neighbour;
use crate::options::{Cli, Color, separate_compiler, translate};
use crate::style;

/// Parses the words of the command line, the program's own name first. `None` if help or the version was asked for
/// and is printed now.
pub fn parse(mut words: Vec<OsString>) -> Result<Option<Cli>, Report> {
    let command = Cli::command();
    let start = Start::find(&command, &words);
    if let Some(color) = start.color {
        style::set_color(color);
    }
    if start.runs_file {
        words.insert(start.position, "run".into());
    }
    if words.get(start.position).is_some_and(|word| word == "run")
        && let Some(run) = command.find_subcommand("run")
    {
        words = translate(run, words, start.position + 1)?;
    }
    if words.get(start.position).is_some_and(|word| word == "inspect") {
        separate_compiler(&mut words, start.position + 1);
    }
    let command = command.color(match start.color {
        Some(Color::Always) => ColorChoice::Always,
        Some(Color::Never) => ColorChoice::Never,
        Some(Color::Auto) | None => ColorChoice::Auto,
    });
    let parsed =
        command.try_get_matches_from(&words).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Ok(Some(cli)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                style::print(&error.render().ansi().to_string());
                Ok(None)
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if words.len() < 2 => {
                style::eprint(&error.render().ansi().to_string());
                std::process::exit(super::STATUS_USAGE.into())
            }
            _ => {
                let command = words.get(start.position).and_then(|word| word.to_str());
                Err(mistake(&error, command.unwrap_or_default()))
            }
        },
    }
}

/// Where the options of all commands end and the rest begins.
struct Start {
    position: usize,
    /// Whether the rest is what `run` takes, without the word `run`.
    runs_file: bool,
    color: Option<Color>,
}

impl Start {
    fn find(command: &clap::Command, words: &[OsString]) -> Start {
        let mut start = Start { position: 1, runs_file: false, color: None };
        while let Some(word) = words.get(start.position) {
            let text = word.to_str().unwrap_or_default();
            match text {
                "-v" | "--verbose" | "-q" | "--quiet" => start.position += 1,
                "--color" => {
                    let value = words.get(start.position + 1).and_then(|value| value.to_str());
                    start.color = value.and_then(color);
                    start.position += 2;
                }
                "-h" | "--help" | "-V" | "--version" | "help" => return start,
                _ if text.starts_with("--color=") => {
                    start.color = color(&text["--color=".len()..]);
                    start.position += 1;
                }
                _ => {
                    let known = command.get_subcommands().any(|command| command.get_name() == text);
                    start.runs_file = !known && means_run(word);
                    start.color = start.color.or_else(|| later_color(&words[start.position..]));
                    return start;
                }
            }
        }
        start
    }
}

fn color(value: &str) -> Option<Color> {
    <Color as clap::ValueEnum>::from_str(value, false).ok()
}

/// The value of a `--color` behind the command. What belongs to a guest may be taken for it, which does no harm
/// to the guest: it only decides how riser's own messages about a wrong command line look.
fn later_color(words: &[OsString]) -> Option<Color> {
    let at = words.iter().position(|word| word.to_string_lossy().starts_with("--color"))?;
    match words[at].to_str()?.split_once('=') {
        Some((_, value)) => color(value),
        None => color(words.get(at + 1)?.to_str()?),
    }
}

/// Whether a word that is no command is something that `run` would take: an option, or a file.
fn means_run(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    text.starts_with('-') || text.contains(['.', '/']) || Path::new(word).exists()
}

/// A mistake on the command line, told in our form. `command` is the word at the place of the command.
fn mistake(error: &clap::Error, command: &str) -> Report {
    let arg = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    let report = match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => unknown_option(error, &arg),
        ErrorKind::UnknownArgument => Report::usage(format!("unexpected argument `{arg}`")),
        ErrorKind::InvalidSubcommand => return unknown_command(error),
        ErrorKind::MissingRequiredArgument => {
            let name =
                arg.split(['<', '>', ' ', '.']).find(|word| !word.is_empty()).unwrap_or_default();
            Report::usage(format!("missing argument: {name}"))
        }
        ErrorKind::ArgumentConflict => {
            let prior = one(error, ContextKind::PriorArg);
            Report::usage(format!("`{arg}` and `{prior}` exclude each other"))
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            Report::usage(format!("`{arg}` needs a value"))
        }
        ErrorKind::InvalidValue => {
            let valid = many(error, ContextKind::ValidValue).join(", ");
            Report::usage(format!("`{value}` is not a value of `{arg}`"))
                .detail(format!("possible values: {valid}"))
        }
        ErrorKind::ValueValidation => {
            let report = Report::usage(format!("`{value}` is not a value of `{arg}`"));
            match error.source() {
                Some(source) => report.detail(source.to_string()),
                None => report,
            }
        }
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            Report::usage(first.trim_start_matches("error: "))
        }
    };
    let known = Cli::command().get_subcommands().any(|each| each.get_name() == command);
    let which = if known { format!("riser help {command}") } else { "riser help".into() };
    report.help(format!("`{which}` shows what can be given"))
}

fn unknown_option(error: &clap::Error, arg: &str) -> Report {
    let report = Report::usage(format!("there is no option `{arg}`"));
    match one(error, ContextKind::SuggestedArg).as_str() {
        "" => report,
        suggested => report.help(format!("did you mean `{suggested}`?")),
    }
}

fn unknown_command(error: &clap::Error) -> Report {
    let word = one(error, ContextKind::InvalidSubcommand);
    let report = Report::usage(format!("`{word}` is neither a command nor a file"));
    if let Some(file) = neighbour(Path::new(&word)) {
        return report.help(format!("did you mean the file `{file}`?"));
    }
    match many(error, ContextKind::SuggestedSubcommand).pop() {
        Some(suggested) => report.help(format!("did you mean `riser {suggested}`?")),
        None => report.help("`riser help` lists the commands"),
    }
}

/// The strings that clap attached to an error.
fn many(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn one(error: &clap::Error, kind: ContextKind) -> String {
    many(error, kind).into_iter().next().unwrap_or_default()
}
