//! The runtimes: how each is found, what versions will do, and how it is told to run something.

use super::measure::{Expected, Sample, measure, measure_memory};
use super::table::Row;
use crate::tree;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One thing to run, in terms that every runtime has.
#[derive(Clone)]
pub struct Job {
    pub name: String,
    /// The module, seen from `folder`.
    pub file: PathBuf,
    /// Where the runtime is started.
    pub folder: PathBuf,
    /// An export to call with one argument; none: the program's `_start`.
    pub invoke: Option<(&'static str, String)>,
    /// Folders, and what the guest sees them as.
    pub preopens: Vec<(PathBuf, &'static str)>,
    pub env: Vec<(&'static str, &'static str)>,
    pub args: Vec<&'static str>,
    /// A file as standard input.
    pub stdin: Option<PathBuf>,
    pub expected: Expected,
}

/// How a runtime spells its command line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dialect {
    Riser,
    Wasmi,
    Wasmtime,
    /// A script of ours runs one export; no WASI.
    Node,
}

/// A way to run things: a column of a table.
struct Peer {
    label: &'static str,
    /// What its program may be called, the likeliest first.
    names: &'static [&'static str],
    dialect: Dialect,
    /// What it is told besides what to run.
    flags: &'static [&'static str],
    /// Older major versions are not compared with.
    major_min: u32,
}

/// The ways to run things in Riser, of which the first is how it is used.
const RISER: &[(&str, &[&str])] = &[
    ("riser", &[]),
    ("riser interp", &["--interp", "--no-cache"]),
    ("riser cold", &["--no-cache"]),
];

/// Of `wasmtime`, the compilation cache is off unless the label says otherwise: it is on by default, and would make a second
/// run another experiment than the first.
const PEERS: &[Peer] = &[
    Peer {
        label: "wasmi",
        names: &["wasmi", "wasmi_cli"],
        dialect: Dialect::Wasmi,
        flags: &[],
        major_min: 1,
    },
    wasmtime("wasmtime", &["-C", "cache=n"]),
    wasmtime("wasmtime cached", &[]),
    // What collects is chosen by name, since the default may change.
    wasmtime("wasmtime drc", &["-C", "collector=drc", "-W", "gc=y,function-references=y"]),
    wasmtime("wasmtime copying", &["-C", "collector=copying", "-W", "gc=y,function-references=y"]),
    Peer {
        label: "node",
        names: &["node", "node26", "node25", "node24"],
        dialect: Dialect::Node,
        flags: &[],
        major_min: 24,
    },
];

const fn wasmtime(label: &'static str, flags: &'static [&'static str]) -> Peer {
    Peer { label, names: &["wasmtime"], dialect: Dialect::Wasmtime, flags, major_min: 30 }
}

/// A runtime that is there.
#[derive(Debug)]
pub struct Runtime {
    pub label: &'static str,
    pub version: String,
    program: PathBuf,
    dialect: Dialect,
    flags: &'static [&'static str],
}

/// What there is to compare; Riser is the first.
pub struct Runtimes {
    pub found: Vec<Runtime>,
    /// A sentence for each that is not there.
    pub missing: Vec<String>,
}

/// How a job is run for a measurement.
type Measure = fn(Command, &Expected) -> Result<Sample, String>;

impl Runtimes {
    /// Looks for the peers on the `PATH`.
    pub fn find(riser: &Path) -> Result<Self, String> {
        let program = riser
            .canonicalize()
            .map_err(|e| format!("there is no riser at {}: {e}", riser.display()))?;
        let version =
            version_of(&program).ok_or(format!("{} --version says nothing", riser.display()))?;
        let ours = RISER.iter().map(|&(label, flags)| Runtime {
            label,
            version: version.clone(),
            program: program.clone(),
            dialect: Dialect::Riser,
            flags,
        });
        let mut runtimes = Self { found: ours.collect(), missing: vec![] };
        for peer in PEERS {
            match peer.find() {
                Ok(runtime) => runtimes.found.push(runtime),
                Err(why) => runtimes.missing.push(why),
            }
        }
        Ok(runtimes)
    }

    /// Runs every job in every runtime that can, in turn, `runs` times over. What fails is told on standard error
    /// and stands in its cell as `failed`; what a runtime cannot run at all has a dash.
    pub fn compare(&self, jobs: &[Job], labels: &[&str], runs: u32) -> Vec<Row> {
        self.compare_by(jobs, labels, runs, |mut command, expected| measure(&mut command, expected))
    }

    /// The same for the memory that they need.
    pub fn compare_memory(&self, jobs: &[Job], labels: &[&str], runs: u32) -> Vec<Row> {
        self.compare_by(jobs, labels, runs, |command, expected| measure_memory(&command, expected))
    }

    fn compare_by(&self, jobs: &[Job], labels: &[&str], runs: u32, measure: Measure) -> Vec<Row> {
        let columns: Vec<Option<&Runtime>> = labels
            .iter()
            .map(|label| self.found.iter().find(|runtime| runtime.label == *label))
            .collect();
        jobs.iter().map(|job| compare_one(job, labels, &columns, runs, measure)).collect()
    }

    /// Makes the binary module of a text, which not every runtime reads.
    pub fn assemble(&self, text: &Path, binary: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.found[0].program);
        let output = command.arg("wat").arg(text).arg("-o").arg(binary).output();
        let output = output.map_err(|e| format!("riser cannot be started: {e}"))?;
        let complaint = || String::from_utf8_lossy(&output.stderr).trim().to_string();
        output.status.success().then_some(()).ok_or_else(complaint)
    }
}

fn compare_one(
    job: &Job,
    labels: &[&str],
    columns: &[Option<&Runtime>],
    runs: u32,
    measure: Measure,
) -> Row {
    let mut cells: Vec<Result<Sample, String>> = columns
        .iter()
        .map(|found| Err(if found.is_some() { "-" } else { "absent" }.into()))
        .collect();
    for run in 0..runs {
        for ((cell, runtime), label) in cells.iter_mut().zip(columns).zip(labels) {
            let Some(command) = runtime.and_then(|runtime| runtime.command(job)) else {
                continue;
            };
            let command = command.and_then(|command| measure(command, &job.expected));
            match (command, &*cell) {
                // One failure is not forgotten because another run went well.
                (_, Err(why)) if run > 0 && why == "failed" => {}
                (Ok(sample), Ok(before)) => *cell = Ok(sample.best(*before)),
                (Ok(sample), Err(_)) => *cell = Ok(sample),
                (Err(why), _) => {
                    eprintln!("{} in {label}: {why}", job.name);
                    *cell = Err("failed".into());
                }
            }
        }
    }
    Row { name: job.name.clone(), cells }
}

impl Peer {
    fn find(&self) -> Result<Runtime, String> {
        let mut unfit = None;
        for name in self.names {
            let Some(program) = on_path(name) else { continue };
            let Some(version) = version_of(&program) else {
                unfit = Some(format!("{}: `{name} --version` says nothing", self.label));
                continue;
            };
            if major(&version).is_some_and(|major| major >= self.major_min) {
                let Self { label, dialect, flags, .. } = *self;
                return Ok(Runtime { label, version, program, dialect, flags });
            }
            let least = self.major_min;
            unfit =
                Some(format!("{}: `{name}` is {version}; at least {least} is needed", self.label));
        }
        let names = self.names.join(" or ");
        Err(unfit.unwrap_or(format!("{}: not found on the PATH as {names}", self.label)))
    }
}

impl Runtime {
    /// How this runtime is told to do `job`; none if it has no way to.
    fn command(&self, job: &Job) -> Option<Result<Command, String>> {
        let mut command = Command::new(&self.program);
        command.current_dir(&job.folder);
        if self.dialect == Dialect::Node {
            let (export, argument) = job.invoke.as_ref()?;
            command.arg(tree::root().join("bench/run-in-node.mjs")).arg(&job.file);
            command.args([export, argument.as_str()]);
            return Some(Ok(command));
        }
        command.arg("run").args(self.flags);
        for (host, guest) in &job.preopens {
            let host = host.display();
            if host.to_string() == *guest {
                command.args(["--dir", guest]);
            } else if self.dialect == Dialect::Wasmi {
                // It cannot give a folder another name.
                return None;
            } else {
                command.arg("--dir").arg(format!("{host}::{guest}"));
            }
        }
        for (name, value) in &job.env {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        if let Some((export, _)) = &job.invoke {
            command.args(["--invoke", export]);
        }
        command.arg(&job.file).args(&job.args);
        if let Some((_, argument)) = &job.invoke {
            command.arg(argument);
        }
        match &job.stdin {
            None => command.stdin(Stdio::null()),
            Some(file) => match File::open(file) {
                Ok(file) => command.stdin(file),
                Err(e) => return Some(Err(format!("{}: {e}", file.display()))),
            },
        };
        Some(Ok(command))
    }
}

/// The program of this name, in the first folder of the `PATH` that has it.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|folder| folder.join(&file)).find(|program| program.is_file())
}

/// The first line that `--version` prints.
fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_string())
}

/// The first number of a version line such as `v26.10.0` or `wasmtime 49.0.3 (f96eabaa1 2026-10-14)`.
fn major(version: &str) -> Option<u32> {
    let word = version
        .split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    word.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(invoke: Option<(&'static str, String)>) -> Job {
        Job {
            name: "job".into(),
            file: "f.wasm".into(),
            folder: ".".into(),
            invoke,
            preopens: vec![("fs".into(), "fs")],
            env: vec![("A", "b")],
            args: vec!["-c", "x"],
            stdin: None,
            expected: Expected::Line(String::new()),
        }
    }

    fn arguments(dialect: Dialect, job: &Job) -> Option<String> {
        arguments_with(dialect, &[], job)
    }

    fn arguments_with(
        dialect: Dialect,
        flags: &'static [&'static str],
        job: &Job,
    ) -> Option<String> {
        let version = String::new();
        let runtime = Runtime { label: "r", version, program: "r".into(), dialect, flags };
        let command = runtime.command(job)?.unwrap();
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        Some(words.join(" "))
    }

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(major("v26.10.0"), Some(26));
        assert_eq!(major("wasmtime 49.0.3 (f96eabaa1 2026-10-14)"), Some(49));
        assert_eq!(major("wasmi 2.0.0"), Some(2));
        assert_eq!(major("a development version"), None);
    }

    #[test]
    fn every_runtime_gets_its_own_words() {
        let program = job(None);
        let words = "--dir fs --env A=b f.wasm -c x";
        assert_eq!(arguments(Dialect::Riser, &program), Some(format!("run {words}")));
        assert_eq!(arguments(Dialect::Wasmi, &program), Some(format!("run {words}")));
        let cold = arguments_with(Dialect::Wasmtime, &["-C", "cache=n"], &program);
        assert_eq!(cold, Some(format!("run -C cache=n {words}")));
        assert_eq!(arguments(Dialect::Node, &program), None);
    }

    #[test]
    fn an_export_is_called_with_its_argument() {
        let mut call = job(Some(("run", "7".into())));
        (call.preopens, call.env, call.args) = (vec![], vec![], vec![]);
        assert_eq!(arguments(Dialect::Wasmi, &call).unwrap(), "run --invoke run f.wasm 7");
        assert!(arguments(Dialect::Node, &call).unwrap().ends_with("f.wasm run 7"));
    }

    #[test]
    fn a_folder_may_have_another_name_in_the_guest() {
        let mut program = job(None);
        program.preopens = vec![("fs".into(), "/")];
        let words = "run --dir fs::/ --env A=b f.wasm -c x";
        assert_eq!(arguments(Dialect::Riser, &program), Some(words.into()));
        assert_eq!(arguments(Dialect::Wasmi, &program), None);
    }

    #[test]
    fn an_input_that_is_not_there_is_an_error() {
        let mut program = job(None);
        program.stdin = Some("no such file".into());
        let runtime = Runtime {
            label: "r",
            version: String::new(),
            program: "r".into(),
            dialect: Dialect::Riser,
            flags: &[],
        };
        assert!(runtime.command(&program).unwrap().is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_said_to_be_absent() {
        let peer = Peer {
            label: "none",
            names: &["no-such-program"],
            dialect: Dialect::Wasmi,
            flags: &[],
            major_min: 1,
        };
        assert_eq!(peer.find().unwrap_err(), "none: not found on the PATH as no-such-program");
        let peer = Peer { label: "old", names: &["cargo"], major_min: 1000, ..peer };
        assert!(peer.find().unwrap_err().ends_with("at least 1000 is needed"));
    }

    #[test]
    fn a_failing_runtime_keeps_its_cell() {
        let program = PathBuf::from(env!("CARGO"));
        let version = version_of(&program).unwrap();
        let cargo =
            Runtime { label: "cargo", version, program, dialect: Dialect::Riser, flags: &[] };
        let run: Measure = |mut command, expected| measure(&mut command, expected);
        let row = compare_one(&job(None), &["cargo", "gone"], &[Some(&cargo), None], 2, run);
        assert_eq!(row.cells[0].as_ref().unwrap_err(), "failed");
        assert_eq!(row.cells[1].as_ref().unwrap_err(), "absent");
    }
}
