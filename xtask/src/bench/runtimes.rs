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
    /// Ways to run it, by how their labels begin, that there are not, or that are not wanted.
    pub without: &'static [&'static str],
    pub expected: Expected,
}

/// How a runtime spells its command line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dialect {
    Riser,
    Wasmi,
    Wasmtime,
    /// A script of ours runs an export, or a program for WASI.
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
    ("riser baseline", &["--tier=baseline", "--no-cache"]),
    // It begins in the same code, which counts besides.
    ("riser counting", &["--tier-up-budget=never", "--no-cache"]),
    (RISER_AHEAD, &[]),
];

/// Runs what was compiled before.
const RISER_AHEAD: &str = "riser ahead";
const WASMTIME_AHEAD: &str = "wasmtime ahead";

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
    wasmtime("wasmtime", &["-C", "cache=n", "-W", "exceptions=y"]),
    wasmtime("wasmtime cached", &["-W", "exceptions=y"]),
    wasmtime(WASMTIME_AHEAD, &["-W", "exceptions=y", "--allow-precompiled"]),
    wasmtime("winch", &["-C", "compiler=winch", "-C", "cache=n"]),
    wasmtime("winch cached", &["-C", "compiler=winch"]),
    // What collects is chosen by name, since the default may change.
    wasmtime("wasmtime drc", &["-C", "collector=drc", "-W", "gc=y,function-references=y"]),
    wasmtime("wasmtime copying", &["-C", "collector=copying", "-W", "gc=y,function-references=y"]),
    Peer {
        label: "node",
        names: &["node", "node26", "node25", "node24"],
        dialect: Dialect::Node,
        flags: &["--no-warnings"],
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
        self.compare_by(jobs, labels, Rounds::All(runs), time)
    }

    /// Lets a runtime run programs so often, which fills its cache. What fails there fails in the comparison, too.
    pub fn fill_cache(&self, jobs: &[Job], label: &str, runs: u32) {
        let Some(runtime) = self.found.iter().find(|runtime| runtime.label == label) else {
            return;
        };
        for job in jobs {
            let commands = (0..runs).map_while(|_| runtime.command(job)?.ok());
            commands.for_each(|command| _ = time(command, &job.expected));
        }
    }

    /// As [`Runtimes::compare`], for the memory that they need.
    pub fn compare_memory(&self, jobs: &[Job], labels: &[&str], runs: u32) -> Vec<Row> {
        self.compare_by(jobs, labels, Rounds::All(runs), |command, expected| {
            measure_memory(&command, expected)
        })
    }

    /// The same where only the best of the others matters: those that are far from it do not run again after the first `least`
    /// rounds.
    pub fn compare_best(&self, jobs: &[Job], labels: &[&str], runs: u32, least: u32) -> Vec<Row> {
        self.compare_by(jobs, labels, Rounds::Contest { runs, least }, time)
    }

    fn compare_by(
        &self,
        jobs: &[Job],
        labels: &[&str],
        rounds: Rounds,
        measure: Measure,
    ) -> Vec<Row> {
        let columns: Vec<Option<&Runtime>> = labels
            .iter()
            .map(|label| self.found.iter().find(|runtime| runtime.label == *label))
            .collect();
        jobs.iter().map(|job| compare_one(job, labels, &columns, rounds, measure)).collect()
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

fn time(mut command: Command, expected: &Expected) -> Result<Sample, String> {
    measure(&mut command, expected)
}

/// How often each runtime runs a job.
#[derive(Clone, Copy)]
enum Rounds {
    /// So often.
    All(u32),
    /// `runs` times if it takes about a second, oftener if it is over soon; but not again after `least` rounds if another is
    /// three times as fast.
    Contest { runs: u32, least: u32 },
}

impl Rounds {
    /// How many there are, by how long Riser took in the first.
    fn count(self, first: Option<&Sample>) -> u32 {
        match (self, first.map(|sample| sample.wall.as_millis())) {
            (Self::All(runs), _) => runs,
            (Self::Contest { runs, .. }, Some(..=200)) => 3 * runs,
            (Self::Contest { runs, least }, Some(2000..)) => runs.div_ceil(3).max(least),
            (Self::Contest { runs, least }, _) => runs.max(least),
        }
    }

    /// Whether a runtime need not run again: it is not Riser, and it was far from the best of the others.
    fn is_decided(self, run: u32, column: usize, cells: &[Result<Sample, String>]) -> bool {
        let best = cells.iter().skip(1).flatten().map(|sample| sample.wall).min();
        let far = || Some(cells.get(column)?.as_ref().ok()?.wall > 3 * best?);
        let is_late = matches!(self, Self::Contest { least, .. } if run >= least);
        is_late && column > 0 && far() == Some(true)
    }
}

fn compare_one(
    job: &Job,
    labels: &[&str],
    columns: &[Option<&Runtime>],
    rounds: Rounds,
    measure: Measure,
) -> Row {
    let mut cells: Vec<Result<Sample, String>> = columns
        .iter()
        .map(|found| Err(if found.is_some() { "-" } else { "absent" }.into()))
        .collect();
    let (mut run, mut runs) = (0, 1);
    while run < runs {
        for (column, (runtime, label)) in columns.iter().zip(labels).enumerate() {
            if rounds.is_decided(run, column, &cells) {
                continue;
            }
            let Some(command) = runtime.and_then(|runtime| runtime.command(job)) else {
                continue;
            };
            let cell = &mut cells[column];
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
        runs = rounds.count(cells[0].as_ref().ok());
        run += 1;
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
        if job.without.iter().any(|label| self.label.starts_with(label)) {
            return None;
        }
        let mut command = Command::new(&self.program);
        command.current_dir(&job.folder);
        if self.dialect == Dialect::Node {
            self.command_of_node(job, &mut command);
            return Some(with_input(job, command));
        }
        let file = match self.ahead(job) {
            None => job.file.clone(),
            Some(Ok(compiled)) => compiled,
            Some(Err(why)) => return Some(Err(why)),
        };
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
        command.arg(&file).args(&job.args);
        if let Some((_, argument)) = &job.invoke {
            command.arg(argument);
        }
        Some(with_input(job, command))
    }

    /// Node runs a script of ours, which runs the job.
    fn command_of_node(&self, job: &Job, command: &mut Command) {
        command.args(self.flags).arg(tree::root().join("bench/run-in-node.mjs")).arg(&job.file);
        if let Some((export, argument)) = &job.invoke {
            command.args(["--invoke", export, argument.as_str()]);
            return;
        }
        for (host, guest) in &job.preopens {
            command.arg("--dir").arg(format!("{}::{guest}", host.display()));
        }
        for (name, value) in &job.env {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.arg("--").args(&job.args);
    }

    /// The job's file, compiled if that was not done yet; none if this is not a way to run what was compiled ahead of time.
    fn ahead(&self, job: &Job) -> Option<Result<PathBuf, String>> {
        let flags: &[&str] = match self.label {
            RISER_AHEAD => &[],
            WASMTIME_AHEAD => &["-W", "exceptions=y"],
            _ => return None,
        };
        let folder = scratch();
        let name = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let compiled = folder.join(format!("{}-{}.compiled", name(self.label), name(&job.name)));
        if compiled.is_file() {
            return Some(Ok(compiled));
        }
        let made = std::fs::create_dir_all(&folder).and_then(|()| {
            let mut command = Command::new(&self.program);
            command.current_dir(&job.folder).arg("compile").args(flags);
            command.arg(&job.file).arg("-o").arg(&compiled).output()
        });
        Some(match made {
            Ok(output) if output.status.success() => Ok(compiled),
            Ok(output) => Err(format!(
                "does not compile: {}",
                String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("")
            )),
            Err(e) => Err(format!("{}: {e}", folder.display())),
        })
    }
}

/// Where files of compiled code are, until the end.
fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("riser-bench-ahead-{}", std::process::id()))
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        // It is there only if something was compiled ahead of time.
        let _ = std::fs::remove_dir_all(scratch());
    }
}

/// The command with what it reads.
fn with_input(job: &Job, mut command: Command) -> Result<Command, String> {
    let input = match &job.stdin {
        None => Stdio::null(),
        Some(file) => File::open(file).map_err(|e| format!("{}: {e}", file.display()))?.into(),
    };
    command.stdin(input);
    Ok(command)
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
            without: &[],
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
        let node = arguments(Dialect::Node, &program).unwrap();
        assert!(node.ends_with("run-in-node.mjs f.wasm --dir fs::fs --env A=b -- -c x"), "{node}");
        let without = Job { without: &["r"], ..program };
        assert_eq!(arguments(Dialect::Wasmi, &without), None);
    }

    #[test]
    fn who_is_far_from_the_best_of_the_others_runs_once() {
        let sample = |wall| {
            let wall = std::time::Duration::from_millis(wall);
            Ok(Sample { wall, user: None, first: None, memory: None })
        };
        let cells = [sample(900), sample(100), sample(299), sample(301), Err("failed".into())];
        let (cold, warm) =
            (Rounds::Contest { runs: 3, least: 1 }, Rounds::Contest { runs: 3, least: 2 });
        let decided =
            |rounds: Rounds, run| [0, 1, 2, 3, 4].map(|at| rounds.is_decided(run, at, &cells));
        assert_eq!(decided(cold, 1), [false, false, false, true, false]);
        assert_eq!((decided(cold, 0), decided(warm, 1)), ([false; 5], [false; 5]));
        assert_eq!(decided(Rounds::All(3), 1), [false; 5]);
        let count = |rounds: Rounds, wall| rounds.count(sample(wall).as_ref().ok());
        assert_eq!([10, 500, 5000].map(|wall| count(cold, wall)), [9, 3, 1]);
        assert_eq!([10, 500, 5000].map(|wall| count(warm, wall)), [9, 3, 2]);
        assert_eq!((cold.count(None), Rounds::All(2).count(None)), (3, 2));
    }

    #[test]
    fn an_export_is_called_with_its_argument() {
        let mut call = job(Some(("run", "7".into())));
        (call.preopens, call.env, call.args) = (vec![], vec![], vec![]);
        assert_eq!(arguments(Dialect::Wasmi, &call).unwrap(), "run --invoke run f.wasm 7");
        assert!(arguments(Dialect::Node, &call).unwrap().ends_with("f.wasm --invoke run 7"));
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
        let columns = [Some(&cargo), None];
        let row = compare_one(&job(None), &["cargo", "gone"], &columns, Rounds::All(2), time);
        assert_eq!(row.cells[0].as_ref().unwrap_err(), "failed");
        assert_eq!(row.cells[1].as_ref().unwrap_err(), "absent");
    }
}
