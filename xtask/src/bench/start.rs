//! How long it takes until something comes out, and how much memory that needs: a program in C that prints one line, CPython,
//! Ruby, and a tool of 69 MB.

use super::Request;
use super::goals::{Outcome, key};
use super::measure::{Expected, TIME};
use super::runtimes::{Job, Runtimes};
use super::table::{Row, Unit, comparison, ratio_to, worst_first};
use std::path::Path;

/// All that is run, in turn.
const LABELS: &[&str] = &[
    "riser cold",
    "riser interp",
    "wasmtime",
    "wasmi",
    "node",
    "riser",
    "wasmtime cached",
    "wasmtime ahead",
];

/// The tables that are made of it: what each shows, and its columns.
const TABLES: &[(&str, &[usize])] = &[
    ("cold start", &[0, 2, 4]),
    ("cold start, interpreted", &[1, 2, 3]),
    ("warm start", &[5, 6, 7]),
];

/// A cache gets what a short program needs within so many of its runs: each is over before much is optimized.
const FILLING_RUNS: u32 = 30;

/// Whose memory is compared.
const MEMORY_LABELS: &[&str] = &["riser", "wasmtime cached"];
const COLD_MEMORY_LABELS: &[&str] = &["riser cold", "wasmtime cached"];

/// Runs the programs that are asked for and prints their tables.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Outcome, String> {
    let jobs = request.installed(jobs(root));
    let mut outcome = Outcome::default();
    if jobs.is_empty() {
        return Ok(outcome);
    }
    // What compiles for a minute before it prints anything is not disturbed by much, and not run often.
    let (slow, quick): (Vec<Job>, Vec<Job>) = jobs.iter().cloned().partition(is_slow);
    runtimes.fill_cache(&quick, "riser", FILLING_RUNS);
    let mut rows = runtimes.compare(&quick, LABELS, request.runs);
    rows.extend(runtimes.compare(&slow, LABELS, request.runs.div_ceil(3)));
    for (subject, columns) in TABLES {
        let labels: Vec<&str> = columns.iter().map(|&column| LABELS[column]).collect();
        let rows: Vec<Row> = rows.iter().map(|row| row.choose(columns)).collect();
        note(&mut outcome, subject, &labels, &rows, TIMES);
        print_table(subject, &labels, rows, TIMES);
    }
    if Path::new(TIME).is_file() {
        for (subject, labels) in
            [("peak memory, warm", MEMORY_LABELS), ("peak memory, cold", COLD_MEMORY_LABELS)]
        {
            let rows = runtimes.compare_memory(&quick, labels, request.runs.div_ceil(3));
            note(&mut outcome, subject, labels, &rows, Unit::Megabytes);
            print_table(subject, labels, rows, Unit::Megabytes);
        }
    } else {
        println!("peak memory: there is no {TIME}");
    }
    let failed = |row: &Row| [0, 1, 5].iter().any(|&column: &usize| row.is_failed(column));
    outcome.failed = rows.into_iter().filter(failed).map(|row| row.name).collect();
    Ok(outcome)
}

/// Notes what the rows say about goals.
fn note(outcome: &mut Outcome, subject: &str, labels: &[&str], rows: &[Row], unit: Unit) {
    for row in rows {
        for (column, against) in labels.iter().enumerate().skip(1) {
            let what = format!("{subject}: {}", row.name);
            outcome.note(&key(&what, against), ratio_to(row, column, unit));
        }
    }
}

/// Whether others compile it for a minute.
pub fn is_slow(job: &Job) -> bool {
    job.name == "yosys"
}

const TIMES: Unit = Unit::FirstMilliseconds;

fn print_table(subject: &str, labels: &[&str], mut rows: Vec<Row>, unit: Unit) {
    worst_first(&mut rows, unit);
    println!("{}", comparison(subject, labels, &rows, unit));
}

/// What Yosys says about itself.
const YOSYS: &str = "Yosys 0.70 (git sha1 28ba3cb92, Release, Clang /workspace/YoWASP/yosys/wasi-sdk-33.0-x86_64-linux/\
    share/cmake/../..//bin/clang++ 22.1.0)";

/// The programs.
pub fn jobs(root: &Path) -> Vec<Job> {
    let hello = Job {
        name: "hello".into(),
        file: "hello.wasm".into(),
        folder: root.join("bench/start"),
        invoke: None,
        preopens: vec![],
        env: vec![],
        args: vec![],
        stdin: None,
        without: &[],
        expected: Expected::Line("Hello from 32 bits, WebAssembly and 3.14!".into()),
    };
    let python = Job {
        name: "python".into(),
        file: "python.wasm".into(),
        folder: super::corpus(root).join("python-3.11"),
        preopens: vec![("fs".into(), "/")],
        args: vec!["-c", "print(1)"],
        expected: Expected::Line("1".into()),
        ..hello.clone()
    };
    // Not every runtime can give a folder another name in the guest, so the library is found by its path.
    let by_path = Job {
        name: "python by path".into(),
        preopens: vec![("fs".into(), "fs")],
        env: vec![("PYTHONPATH", "fs/usr/local/lib/python311.zip")],
        ..python.clone()
    };
    let ruby = Job {
        name: "ruby".into(),
        file: "ruby.wasm".into(),
        folder: super::corpus(root).join("ruby-3.2"),
        args: vec!["-e", "puts 1"],
        ..python.clone()
    };
    // Others compile it for a minute: once is enough, and what is in caches says nothing new.
    let yosys = Job {
        name: "yosys".into(),
        file: "yosys.wasm".into(),
        folder: super::corpus(root).join("yosys"),
        args: vec!["-V"],
        without: &["node", "wasmi", "riser interp", "wasmtime cached", "wasmtime ahead"],
        expected: Expected::Line(YOSYS.into()),
        ..python.clone()
    };
    vec![hello, python, by_path, ruby, yosys]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn the_first_program_is_in_the_tree_and_says_what_is_expected() {
        let hello = &jobs(&tree::root())[0];
        assert!(hello.folder.join(&hello.file).is_file());
        let source = std::fs::read_to_string(hello.folder.join("hello.c")).unwrap();
        assert!(source.contains("Hello from %d bits, %s and %.2f!"), "{:?}", hello.expected);
        let bytes = std::fs::metadata(hello.folder.join(&hello.file)).unwrap().len();
        assert!((100_000..205_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn every_table_has_columns_that_are_measured_and_riser_first() {
        for (subject, columns) in TABLES {
            assert!(columns.iter().all(|&column| column < LABELS.len()), "{subject}");
            assert!(LABELS[columns[0]].starts_with("riser"), "{subject}");
        }
    }
}
