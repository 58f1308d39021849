//! Programs that make objects, `bench/gc/`: one table against `wasmtime` with each of its collectors, and V8.

use super::Request;
use super::goals::Outcome;
use super::kernels::load;
use super::runtimes::{Job, Runtimes};
use super::table::{Unit, comparison, worst_first};
use crate::tree;
use std::path::Path;

/// The table's columns.
const LABELS: &[&str] = &["riser", "wasmtime drc", "wasmtime copying", "node", "riser interp"];

/// Runs the programs that are asked for and prints their table.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Outcome, String> {
    let folder = root.join("bench/gc");
    // The modules are made here from their texts, since Node reads no text.
    let made = tree::root().join("target/bench-gc");
    std::fs::create_dir_all(&made).map_err(|e| format!("{}: {e}", made.display()))?;
    let mut jobs: Vec<Job> = Vec::new();
    for program in load(&folder, "programs.txt")? {
        if request.names(&program.name) {
            let text = folder.join(format!("{}.wat", program.name));
            runtimes.assemble(&text, &made.join(format!("{}.wasm", program.name)))?;
            jobs.push(program.long_job(&made));
        }
    }
    if jobs.is_empty() {
        return Ok(Outcome::default());
    }
    let mut rows = runtimes.compare(&jobs, LABELS, request.runs);
    worst_first(&mut rows, Unit::Seconds);
    println!("{}", comparison("objects", LABELS, &rows, Unit::Seconds));
    let failed = rows.into_iter().filter(|row| row.cells[0].is_err());
    Ok(Outcome { failed: failed.map(|row| row.name).collect(), measured: vec![] })
}
