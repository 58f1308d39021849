//! `cargo xtask bench`: how fast Riser is, as ratios to the other runtimes that are on the `PATH`.
//!
//! Everything that is compared is run interleaved, in one session, as whole processes; the best of several runs counts, since
//! what disturbs a run only ever makes it slower. What comes out is a Markdown table for `docs/measurements.md`. This file reads
//! the arguments and says what was measured where; `bench/runtimes.rs` knows how each runtime is called, `bench/measure.rs`
//! runs processes, `bench/kernels.rs`, `bench/peak.rs`, `bench/gc.rs`, `bench/start.rs`, `bench/totals.rs` and `bench/tiers.rs` choose
//! what to run, `bench/table.rs` does the arithmetic and the text, `bench/goals.rs` says which ratios are good enough. What needs the others as crates are programs outside the workspace, which are only started
//! here. Nothing here is a test: no number fails a build.

mod gc;
mod goals;
mod kernels;
mod measure;
mod peak;
mod runtimes;
mod start;
mod table;
mod tiers;
mod totals;

use crate::tree;
use goals::Outcome;
use runtimes::{Job, Runtimes};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const USAGE: &str = "cargo xtask bench [kernels|peak|gc|start|totals|tiers|goals|rates|embed|compile|validate|all] [--only NAME]... [--runs N] [--riser PATH] [FILE...]";
/// What is measured with the command line, in whole processes.
const IN_PROCESSES: &[(&str, Run)] = &[
    ("peak", peak::run),
    ("gc", gc::run),
    ("start", start::run),
    ("totals", totals::run),
    ("tiers", tiers::run),
    ("kernels", kernels::run),
];
type Run = fn(&Path, &Runtimes, &Request) -> Result<Outcome, String>;
/// All groups, and what runs several of them.
const GROUPS: &[&str] = &[
    "kernels", "peak", "gc", "start", "totals", "tiers", "goals", "rates", "embed", "compile",
    "validate", "all",
];
/// The groups in which there are goals that `goals` gives together.
const WITH_GOALS: &[&str] = &["start", "totals", "tiers", "rates"];
/// How often each program runs, if `--runs` does not say: enough for one run without a disturbance.
const RUNS: u32 = 3;
/// What is validated if no file is named, as far as it is installed: large modules from different compilers.
const VALIDATED: &[&str] = &[
    "quickjs/quickjs.wasm",
    "python-3.11/python.wasm",
    "ruby-3.2/ruby.wasm",
    "clang-8/clang.wasm",
    "duckdb/duckdb-eh.wasm",
    "imagemagick/magick64.wasm",
    "flet/main.dart.wasm",
    "pandoc/pandoc.wasm",
    "yosys/yosys.wasm",
    "clang-22/llvm.wasm",
];

/// What is compiled if no file is named, after the kernels, as far as it is installed.
const COMPILED: &[&str] = &["qjs/qjs.wasm", "sqlite/sqlite.wasm", "python-3.11/python.wasm"];
/// What is validated and compiled by the baseline compiler if no file is named, besides the kernels.
const RATED: &[&str] = &[
    "qjs/qjs.wasm",
    "sqlite/sqlite.wasm",
    "python-3.11/python.wasm",
    "php-8.2/php-cgi.wasm",
    "ruby-3.2/ruby.wasm",
];
/// Whose largest functions are compiled, as far as it is installed.
const LARGE: &[&str] = &["python-3.11/python.wasm", "clang-8/clang.wasm", "sqlite/sqlite.wasm"];

/// Measures what the arguments ask for; an error if Riser fails or computes something else than the others.
pub fn run(args: &[String]) -> Result<(), String> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("usage: {USAGE}");
        return Ok(());
    }
    let request = Request::parse(args)?;
    let mut all = Outcome::default();
    if IN_PROCESSES.iter().any(|(what, _)| request.wants(what)) {
        let riser = match &request.riser {
            Some(path) => path.clone(),
            None => build_riser()?,
        };
        let runtimes = Runtimes::find(&riser)?;
        println!("{}", surroundings(&runtimes));
        for (what, run) in IN_PROCESSES {
            if request.wants(what) {
                let outcome = run(&tree::root(), &runtimes, &request)?;
                all.failed.extend(outcome.failed);
                all.measured.extend(outcome.measured);
            }
        }
        println!("load at the end: {}\n", load());
    }
    if request.wants("rates") {
        all.measured.extend(rates(&request)?);
    }
    if request.wants("embed") {
        beside("bench/embed", "embed", &["--runs", &(5 * request.runs).to_string()])?;
    }
    if request.wants("compile") {
        compile(&request)?;
    }
    if request.wants("validate") {
        validate(&request)?;
    }
    println!("{}", goals::table(&all.measured));
    let failed = all.failed.join(", ");
    if failed.is_empty() { Ok(()) } else { Err(format!("riser failed: {failed}")) }
}

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
struct Request {
    what: String,
    /// Names of kernels or programs; empty: all.
    only: Vec<String>,
    runs: u32,
    /// A binary that is there already.
    riser: Option<PathBuf>,
    /// Modules to compile or to validate; empty: some that are there.
    files: Vec<String>,
}

impl Request {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut request =
            Self { what: "kernels".into(), only: vec![], runs: RUNS, riser: None, files: vec![] };
        let mut args = args.iter();
        let mut first = true;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value\n  help: {USAGE}"));
            match arg.as_str() {
                "--only" => request.only.push(value()?.clone()),
                "--runs" => {
                    let value = value()?;
                    request.runs = value
                        .parse()
                        .ok()
                        .filter(|runs| *runs > 0)
                        .ok_or(format!("--runs needs a number of at least 1, not `{value}`"))?;
                }
                "--riser" => request.riser = Some(PathBuf::from(value()?)),
                group if first && GROUPS.contains(&group) => request.what = arg.clone(),
                option if option.starts_with('-') => {
                    return Err(format!("bench has no option `{option}`\n  help: {USAGE}"));
                }
                _ if ["compile", "validate", "rates"].contains(&request.what.as_str()) => {
                    request.files.push(arg.clone());
                }
                _ => return Err(format!("bench does not know `{arg}`\n  help: {USAGE}")),
            }
            first = false;
        }
        Ok(request)
    }

    fn wants(&self, what: &str) -> bool {
        let is_in_goals = self.what == "goals" && WITH_GOALS.contains(&what);
        self.what == what || is_in_goals || self.what == "all"
    }

    fn names(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// The jobs that are asked for and whose programs are there. Says which are not.
    fn installed(&self, jobs: Vec<Job>) -> Vec<Job> {
        let wanted = jobs.into_iter().filter(|job| self.names(&job.name));
        let (jobs, absent): (Vec<Job>, Vec<Job>) =
            wanted.partition(|job| job.folder.join(&job.file).is_file());
        for job in absent {
            println!("{}: not installed; `cargo xtask corpus` does", job.name);
        }
        jobs
    }
}

/// Builds the command line as it is released, and says where it is.
fn build_riser() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(tree::root())
        .args(["build", "--release", "--package", "riser-cli"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    if !output.status.success() {
        return Err(format!("riser-cli does not build ({})", output.status));
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or("cargo built riser-cli but named no executable".into())
}

/// The executable that cargo's messages, one JSON object a line, name last.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .next_back()
}

/// Measures the rate of validation, with `wasmparser` as a crate.
fn validate(request: &Request) -> Result<(), String> {
    let files = match request.files.as_slice() {
        [] => installed(&corpus(&tree::root()), VALIDATED),
        files => files.to_vec(),
    };
    if files.is_empty() {
        return Err(
            "there is nothing to validate\n  help: name files, or `cargo xtask corpus`".into()
        );
    }
    let runs = request.runs.to_string();
    let mut args = vec!["--runs", &runs];
    args.extend(files.iter().map(String::as_str));
    beside("bench/compare", "compare", &args)
}

/// Measures the rates of validation and of the baseline compiler, and reads their means from the table that is printed.
fn rates(request: &Request) -> Result<Vec<(String, f64)>, String> {
    let root = tree::root();
    let mut files = request.files.clone();
    if files.is_empty() {
        files = installed(&corpus(&root), RATED);
        files.push(root.join("bench/kernels").display().to_string());
    }
    let runs = request.runs.to_string();
    let mut args = vec!["rates", "--runs", &runs];
    args.extend(files.iter().map(String::as_str));
    let printed = beside_printing("bench/embed", "compile", &args)?;
    let columns = [
        ("rate of validation", "wasmparser"),
        ("rate of baseline code, trusted", "winch"),
        ("rate of both", "winch"),
    ];
    let means = printed.lines().find(|line| line.starts_with("| geometric mean"));
    let means = means.into_iter().flat_map(|line| line.split('|'));
    let means = means.filter_map(|cell| cell.trim().parse().ok());
    Ok(columns.into_iter().map(|(what, against)| goals::key(what, against)).zip(means).collect())
}

/// Measures the rate of compilation, how it grows with the size of a body, and the largest functions of large programs.
fn compile(request: &Request) -> Result<(), String> {
    let root = tree::root();
    let (mut files, mut large) = (request.files.clone(), request.files.clone());
    if files.is_empty() {
        files = vec![root.join("bench/kernels").display().to_string()];
        files.extend(installed(&corpus(&root), COMPILED));
        large = installed(&corpus(&root), LARGE);
    }
    let runs = request.runs.to_string();
    let mut args = vec!["rate", "--runs", &runs];
    args.extend(files.iter().map(String::as_str));
    beside("bench/embed", "compile", &args)?;
    beside("bench/embed", "compile", &["growth", "--runs", &runs])?;
    if large.is_empty() {
        return Ok(());
    }
    let mut args = vec!["largest"];
    args.extend(large.iter().map(String::as_str));
    beside("bench/embed", "compile", &args)
}

/// Builds and starts a program outside the workspace, which has others as crates.
fn beside(folder: &str, program: &str, args: &[&str]) -> Result<(), String> {
    beside_printing(folder, program, args).map(|_| ())
}

/// The same, and what it printed, which is printed here, too.
fn beside_printing(folder: &str, program: &str, args: &[&str]) -> Result<String, String> {
    let manifest = format!("{folder}/Cargo.toml");
    println!("{program}: {}, load {}\n", processors(), load());
    let mut command =
        vec!["run", "--release", "--quiet", "--manifest-path", &manifest, "--bin", program, "--"];
    command.extend(args);
    let printed = tree::cargo_output(&command)?;
    println!("{printed}\nload at the end: {}\n", load());
    Ok(printed)
}

/// The files of a list that are there.
fn installed(corpus: &Path, list: &[&str]) -> Vec<String> {
    let paths = list.iter().map(|name| corpus.join(name));
    paths.filter(|path| path.is_file()).map(|path| path.display().to_string()).collect()
}

/// Where `cargo xtask corpus` installs real programs.
fn corpus(root: &Path) -> PathBuf {
    match std::env::var_os("RISER_CORPUS") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => root.join("corpus"),
    }
}

/// What a reader must know to judge the numbers.
fn surroundings(runtimes: &Runtimes) -> String {
    let mut text = format!("machine: {}, load {}\n", processors(), load());
    for runtime in &runtimes.found {
        let version = &runtime.version;
        let named = version.contains(runtime.label.split(' ').next().unwrap_or(runtime.label));
        let line = if named { version.clone() } else { format!("{} {version}", runtime.label) };
        // One program may stand in several columns.
        if !text.lines().any(|other| other == line) {
            text += &format!("{line}\n");
        }
    }
    for missing in &runtimes.missing {
        text += &format!("{missing}\n");
    }
    text
}

fn processors() -> String {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_string())
    });
    match model {
        Some(model) => format!("{count} × {model}"),
        None => format!("{count} processors"),
    }
}

/// The load averages of 1, 5 and 15 minutes, where the system tells them.
fn load() -> String {
    match std::fs::read_to_string("/proc/loadavg") {
        Ok(text) => text.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
        Err(_) => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &str) -> Result<Request, String> {
        Request::parse(&args.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn kernels_are_measured_by_default() {
        let request = parse("").unwrap();
        assert!(request.wants("kernels") && !request.wants("start") && !request.wants("validate"));
        assert_eq!(request.runs, RUNS);
        assert!(request.names("anything"));
    }

    #[test]
    fn options_are_read() {
        assert_eq!(parse("compile a.wasm").unwrap().files, ["a.wasm"]);
        let request = parse("all --only lz --only json --runs 5 --riser r").unwrap();
        assert!(request.wants("kernels") && request.wants("start") && request.wants("validate"));
        assert!(request.names("lz") && request.names("json") && !request.names("calls"));
        assert_eq!((request.runs, request.riser), (5, Some(PathBuf::from("r"))));
        assert_eq!(parse("validate a.wasm b.wasm").unwrap().files, ["a.wasm", "b.wasm"]);
    }

    #[test]
    fn wrong_arguments_are_told() {
        for wrong in ["speed", "--runs 0", "--runs many", "--only", "--loud", "kernels a.wasm"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_executable_is_read_from_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/t/release/riser\"}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/release/riser")));
        assert_eq!(executable("{\"reason\":\"build-finished\"}"), None);
    }

    #[test]
    fn a_corpus_that_is_not_there_has_no_modules() {
        assert!(installed(Path::new("no such folder"), VALIDATED).is_empty());
    }
}
