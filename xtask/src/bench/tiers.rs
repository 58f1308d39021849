//! How fast the code of the baseline compiler is, and what it costs that it counts. Compared is the time of the processor, which
//! hardly depends on what else runs, in runs that are long enough for it.

use super::Request;
use super::goals::{Outcome, key};
use super::kernels::load;
use super::runtimes::{Job, Runtimes};
use super::table::{Unit, comparison, mean_to, worst_first};
use std::path::Path;

/// The tables: what each shows, its columns, and against what its goals are, by the column.
const TABLES: &[(&str, &[&str], &[&str])] = &[
    (
        "baseline code",
        &["riser baseline", "winch cached", "wasmtime cached"],
        &["winch", "wasmtime"],
    ),
    ("counting", &["riser counting", "riser baseline"], &["without"]),
];

/// Runs the kernels and the programs on matrices, and prints the tables.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Outcome, String> {
    let mut jobs: Vec<Job> = Vec::new();
    for (folder, list) in [("bench/kernels", "kernels.txt"), ("bench/programs", "programs.txt")] {
        let folder = root.join(folder);
        jobs.extend(load(&folder, list)?.iter().map(|kernel| kernel.long_job(&folder)));
    }
    jobs.retain(|job| request.names(&job.name));
    let mut outcome = Outcome::default();
    if jobs.is_empty() {
        return Ok(outcome);
    }
    for (subject, labels, goals) in TABLES {
        let mut rows = runtimes.compare(&jobs, labels, request.runs);
        for (index, against) in goals.iter().enumerate() {
            let what = format!("{subject}: geometric mean");
            outcome.note(&key(&what, against), mean_to(&rows, index + 1, Unit::UserSeconds));
        }
        let failed = rows.iter().filter(|row| row.is_failed(0));
        outcome.failed.extend(failed.map(|row| row.name.clone()));
        worst_first(&mut rows, Unit::UserSeconds);
        println!("{}", comparison(subject, labels, &rows, Unit::UserSeconds));
    }
    Ok(outcome)
}
