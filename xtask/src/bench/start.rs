//! How long small things take from nothing: a program that prints one line, in C and in Python.

use super::Request;
use super::runtimes::{Job, Runtimes};
use super::table::{Unit, comparison};
use std::path::Path;

/// The table's columns; Node starts itself for longer than any of these runs.
const LABELS: &[&str] = &["riser", "wasmi", "wasmtime", "wasmtime cached"];

/// Runs the programs that are asked for and prints their table; returns those that failed in Riser.
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
    println!("{}", comparison("start", LABELS, &rows, Unit::Milliseconds));
    Ok(rows.into_iter().filter(|row| row.cells[0].is_err()).map(|row| row.name).collect())
}

fn jobs(root: &Path) -> Vec<Job> {
    let hello = Job {
        name: "hello".into(),
        file: "hello.wasm".into(),
        folder: root.join("guests"),
        invoke: None,
        preopen: None,
        env: vec![],
        args: vec![],
        expected: "Hello from WebAssembly, WASI 1!".into(),
    };
    // Not every runtime can give a folder another name in the guest, so the library is found by its path.
    let python = Job {
        name: "python".into(),
        file: "python.wasm".into(),
        folder: super::corpus(root).join("python-3.11"),
        invoke: None,
        preopen: Some("fs"),
        env: vec![("PYTHONPATH", "fs/usr/local/lib/python311.zip")],
        args: vec!["-c", "print(1)"],
        expected: "1".into(),
    };
    vec![hello, python]
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
        assert!(source.contains("Hello from WebAssembly, %s %d!"), "{}", hello.expected);
    }
}
