//! `cargo xtask guests`: makes the modules in `guests/` from their sources.
//!
//! `guests/build.txt` has a command per program or kind of source. With `--check` nothing is replaced: what comes out is
//! compared, byte by byte, with the modules that are there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes the modules of all programs, or of those named.
pub fn run(args: &[String]) -> Result<(), String> {
    let (options, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| arg.starts_with('-'));
    if let Some(unknown) = options.iter().find(|option| **option != "--check") {
        return Err(format!("guests has no option `{unknown}`\n  help: [--check] [NAME...]"));
    }
    let folder = crate::tree::root().join("guests");
    let text = fs::read_to_string(folder.join("build.txt"))
        .map_err(|error| format!("guests/build.txt cannot be read: {error}"))?;
    let commands = Commands::parse(&text)?;
    let mut sources = sources(&folder)?;
    if let Some(unknown) =
        names.iter().find(|name| !sources.iter().any(|source| source.name == ***name))
    {
        return Err(format!("there is no source of `{unknown}` in guests/"));
    }
    sources.retain(|source| names.is_empty() || names.iter().any(|name| **name == source.name));
    let mut different = Vec::new();
    for source in &sources {
        let module = folder.join(format!("{}.wasm", source.name));
        let made = make(&folder, &commands, source)?;
        let is_same = fs::read(&module).is_ok_and(|old| old == made);
        println!(
            "{:<12} {:>7} bytes{}",
            source.name,
            made.len(),
            if is_same { "" } else { ", not what was there" }
        );
        if is_same {
            continue;
        }
        different.push(source.name.as_str());
        if options.is_empty() {
            fs::write(&module, made)
                .map_err(|error| format!("{} cannot be written: {error}", module.display()))?;
        }
    }
    if options.is_empty() || different.is_empty() {
        return Ok(());
    }
    Err(format!("not what their sources make: {}", different.join(", ")))
}

/// A source of a program.
struct Source {
    name: String,
    extension: String,
}

/// The sources, in order.
fn sources(folder: &Path) -> Result<Vec<Source>, String> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("the folder {} cannot be read: {error}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let part = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let (name, extension) = (part(path.file_stem()), part(path.extension()));
        if ["c", "wat"].contains(&extension.as_str()) {
            found.push(Source { name, extension });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The lines of `build.txt`: what each is for, and the command.
#[derive(Debug)]
struct Commands<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Commands<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let split = |line: &'a str| {
            line.split_once(": ").ok_or_else(|| {
                format!("guests/build.txt: `{line}` is not of the form NAME: COMMAND")
            })
        };
        Ok(Self(lines.map(split).collect::<Result<_, _>>()?))
    }

    /// The words of the command for a source.
    fn of(&self, source: &Source, folder: &Path, out: &Path) -> Result<Vec<String>, String> {
        let kind = format!("*.{}", source.extension);
        let find = |name: &str| self.0.iter().find(|line| line.0 == name);
        let (_, command) = find(&source.name)
            .or_else(|| find(&kind))
            .ok_or_else(|| format!("guests/build.txt has no command for {}", source.name))?;
        let fill = |word: &str| {
            word.replace("{name}", &source.name)
                .replace("{out}", &out.display().to_string())
                .replace("{here}", &folder.display().to_string())
        };
        Ok(command.split_whitespace().map(fill).collect())
    }
}

/// Runs the command for a source in a scratch folder: the module.
fn make(folder: &Path, commands: &Commands<'_>, source: &Source) -> Result<Vec<u8>, String> {
    let scratch = std::env::temp_dir().join(format!("riser-guests-{}", std::process::id()));
    let at = |error| format!("the folder {} cannot be used: {error}", scratch.display());
    fs::create_dir_all(&scratch).map_err(at)?;
    let out = scratch.join(format!("{}.wasm", source.name));
    let words = commands.of(source, folder, &out)?;
    let outcome = execute(folder, &scratch, &words).and_then(|()| {
        fs::read(&out).map_err(|error| format!("`{}` made no module: {error}", words.join(" ")))
    });
    fs::remove_dir_all(&scratch).map_err(at)?;
    outcome
}

fn execute(folder: &Path, scratch: &Path, words: &[String]) -> Result<(), String> {
    let [program, args @ ..] = words else {
        return Err("an empty command in guests/build.txt".into());
    };
    if args.first().is_some_and(|arg| arg == "-m") {
        require_module(program, args)?;
    }
    let mut command = if program == "riser" { riser() } else { Command::new(program) };
    command.args(args).current_dir(folder).env("ZIG_LOCAL_CACHE_DIR", cache(scratch));
    let status = command.status().map_err(|error| missing(program, &error.to_string()))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", words.join(" "))) }
}

/// Where the C compiler keeps what it may use again. Not in the source tree.
fn cache(scratch: &Path) -> PathBuf {
    scratch.join("cache")
}

/// This project's own program.
fn riser() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let manifest = crate::tree::root().join("Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--package", "riser-cli", "--manifest-path"]);
    command.arg(manifest).arg("--");
    command
}

/// Checks that a module of Python is there, whose absence Python reports as any other failure.
fn require_module(python: &str, args: &[String]) -> Result<(), String> {
    let module = args.get(1).map_or("", String::as_str);
    let found = Command::new(python)
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status()
        .map_err(|error| missing(python, &error.to_string()))?;
    if found.success() {
        return Ok(());
    }
    Err(missing(&format!("{python} -m {module}"), "there is no such module"))
}

fn missing(program: &str, why: &str) -> String {
    format!(
        "`{program}` cannot be run: {why}\n  help: the C sources need a C compiler with a library for WASI: \
         `python3 -m pip install ziglang==0.17.1`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_its_own_comes_before_that_of_the_kind() {
        let text = "# how\n\n*.c: cc -o {out} {name}.c\nb: cc -g -map={here} -o {out} {name}.c\n";
        let commands = Commands::parse(text).unwrap();
        let words = |name: &str, extension: &str| {
            let source = Source { name: name.into(), extension: extension.into() };
            commands.of(&source, Path::new("/g"), Path::new("/t/x.wasm"))
        };
        assert_eq!(words("a", "c").unwrap(), ["cc", "-o", "/t/x.wasm", "a.c"]);
        assert_eq!(words("b", "c").unwrap(), ["cc", "-g", "-map=/g", "-o", "/t/x.wasm", "b.c"]);
        assert!(words("a", "wat").unwrap_err().contains("no command for a"));
        assert!(Commands::parse("nonsense").unwrap_err().contains("NAME: COMMAND"));
    }

    #[test]
    fn every_source_has_a_command_and_a_module() {
        let folder = crate::tree::root().join("guests");
        let text = fs::read_to_string(folder.join("build.txt")).unwrap();
        let commands = Commands::parse(&text).unwrap();
        let sources = sources(&folder).unwrap();
        assert!(sources.len() >= 12);
        for source in sources {
            commands.of(&source, &folder, Path::new("x")).unwrap();
            let module = folder.join(format!("{}.wasm", source.name));
            assert!(module.exists(), "{} is missing: run `cargo xtask guests`", module.display());
        }
    }
}
