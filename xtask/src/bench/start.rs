//! How long it takes until something comes out, and how much memory that needs: a program that prints one line, CPython and
//! Ruby.

use super::Request;
use super::measure::{Expected, TIME};
use super::runtimes::{Job, Runtimes};
use super::table::{Row, Unit, comparison, worst_first};
use std::path::Path;

/// All that is run, in turn; Node starts itself for longer than any of these runs.
const LABELS: &[&str] =
    &["riser cold", "riser interp", "wasmtime", "wasmi", "riser", "wasmtime cached"];

/// The tables that are made of it: what each shows, and its columns.
const TABLES: &[(&str, &[usize])] =
    &[("cold start", &[0, 2]), ("cold start, interpreted", &[1, 2, 3]), ("warm start", &[4, 5])];

/// Whose memory is compared.
const MEMORY_LABELS: &[&str] = &["riser", "wasmtime cached"];

/// Runs the programs that are asked for and prints their tables; returns those that failed in Riser.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Vec<String>, String> {
    let (jobs, absent): (Vec<Job>, Vec<Job>) = jobs(root)
        .into_iter()
        .filter(|job| request.names(&job.name))
        .partition(|job| job.folder.join(&job.file).is_file());
    for job in absent {
        println!("{}: not installed; `cargo xtask corpus` does", job.name);
    }
    if jobs.is_empty() {
        return Ok(vec![]);
    }
    let rows = runtimes.compare(&jobs, LABELS, request.runs);
    for (subject, columns) in TABLES {
        let labels: Vec<&str> = columns.iter().map(|&column| LABELS[column]).collect();
        print_table(subject, &labels, rows.iter().map(|row| row.choose(columns)), TIMES);
    }
    if Path::new(TIME).is_file() {
        let rows = runtimes.compare_memory(&jobs, MEMORY_LABELS, request.runs);
        print_table("peak memory, warm", MEMORY_LABELS, rows.into_iter(), Unit::Megabytes);
    } else {
        println!("peak memory: there is no {TIME}");
    }
    let failed = |row: &Row| [0, 1, 4].iter().any(|&column: &usize| row.cells[column].is_err());
    Ok(rows.into_iter().filter(failed).map(|row| row.name).collect())
}

const TIMES: Unit = Unit::FirstMilliseconds;

fn print_table(subject: &str, labels: &[&str], rows: impl Iterator<Item = Row>, unit: Unit) {
    let mut rows: Vec<Row> = rows.collect();
    worst_first(&mut rows, unit);
    println!("{}", comparison(subject, labels, &rows, unit));
}

fn jobs(root: &Path) -> Vec<Job> {
    let hello = Job {
        name: "hello".into(),
        file: "hello.wasm".into(),
        folder: root.join("guests"),
        invoke: None,
        preopens: vec![],
        env: vec![],
        args: vec![],
        stdin: None,
        expected: Expected::Line("Hello from WebAssembly, WASI 1!".into()),
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
    vec![hello, python, by_path, ruby]
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
        assert!(source.contains("Hello from WebAssembly, %s %d!"), "{:?}", hello.expected);
    }

    #[test]
    fn every_table_has_columns_that_are_measured_and_riser_first() {
        for (subject, columns) in TABLES {
            assert!(columns.iter().all(|&column| column < LABELS.len()), "{subject}");
            assert!(LABELS[columns[0]].starts_with("riser"), "{subject}");
        }
    }
}
