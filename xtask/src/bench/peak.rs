//! How fast compiled code is: the kernels, the programs on matrices, and real programs that run scripts of ours.
//!
//! Real programs are run as often as it takes for their compiled code to be in the caches, and what is then left of the start
//! counts. What all of it takes from nothing is the second table.

use super::Request;
use super::goals::Outcome;
use super::kernels::load;
use super::measure::Expected;
use super::runtimes::{Job, Runtimes};
use super::table::{Row, Unit, comparison, worst_first};
use std::path::Path;

/// The columns of the table, and of the one without caches.
const LABELS: &[&str] = &["riser", "wasmtime cached", "node"];
const COLD_LABELS: &[&str] = &["riser cold", "wasmtime"];

/// Runs the programs that are asked for and prints their tables.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Outcome, String> {
    let mut jobs = Vec::new();
    for (folder, list) in [("bench/kernels", "kernels.txt"), ("bench/programs", "programs.txt")] {
        let folder = root.join(folder);
        jobs.extend(load(&folder, list)?.iter().map(|kernel| kernel.long_job(&folder)));
    }
    jobs.extend(scripts(root, &super::corpus(root)));
    let jobs = request.installed(jobs);
    let warm = table("peak", runtimes, &jobs, LABELS, request.runs);
    // Compiling a large program takes its peer a minute, and a disturbance is a small part of that.
    let cold = table("with compiling", runtimes, &jobs, COLD_LABELS, request.runs.div_ceil(3));
    let failed = warm.into_iter().chain(cold).filter(|row| row.cells[0].is_err());
    Ok(Outcome { failed: failed.map(|row| row.name).collect(), measured: vec![] })
}

fn table(subject: &str, runtimes: &Runtimes, jobs: &[Job], labels: &[&str], runs: u32) -> Vec<Row> {
    let mut rows = runtimes.compare(jobs, labels, runs);
    worst_first(&mut rows, Unit::Seconds);
    if !rows.is_empty() {
        println!("{}", comparison(subject, labels, &rows, Unit::Seconds));
    }
    rows
}

/// The real programs with what they are given to do; `/s` is the folder of the scripts.
pub fn scripts(root: &Path, corpus: &Path) -> Vec<Job> {
    let folder = root.join("bench/programs/scripts");
    let job = |name: &str, program: &str, args: &[&'static str], line: &str| Job {
        name: name.into(),
        file: corpus.join(program),
        folder: folder.clone(),
        invoke: None,
        preopens: vec![(".".into(), "/s")],
        env: vec![],
        args: args.to_vec(),
        stdin: None,
        without: &[],
        expected: Expected::Line(line.into()),
    };
    let with_root = |job: Job, root: &str| {
        let mut preopens = job.preopens.clone();
        preopens.push((corpus.join(root), "/"));
        Job { preopens, ..job }
    };
    let python = |name: &str, script: &'static str, line: &str| {
        with_root(job(name, "python-3.11/python.wasm", &[script], line), "python-3.11/fs")
    };
    let ruby = job(
        "ruby",
        "ruby-3.2/ruby.wasm",
        &["/s/objects.rb"],
        "[[[:round, 74812722], [:square, 96860680]], \
            [[\"y\", 673], [\"f\", 669], [\"x\", 665]], 14833, 12978]",
    );
    let sqlite = job(
        "sqlite",
        "sqlite/sqlite.wasm",
        &["-batch"],
        "7944088 14624250 128700 1632 394598754 900900",
    );
    let clang = job("clang", "clang-8/clang.wasm", CLANG, "");
    vec![
        job("quickjs", "qjs/qjs.wasm", &["/s/objects.js"], "986.600010 551 724 1672"),
        Job { stdin: Some(folder.join("queries.sql")), without: OLD_WASI, ..sqlite },
        python("python numbers", "/s/numbers.py", "78498 2.716666667 38315 267 661402187 4115"),
        python(
            "python text",
            "/s/text.py",
            "846818 tag13 1768 ('h', 2364) 1503 12000 72af97b285f9",
        ),
        with_root(ruby, "ruby-3.2/fs"),
        job(
            "php",
            "php-8.2/php-cgi.wasm",
            &["-q", "/s/objects.php"],
            "310724353 {\"d\":738,\"f\":734,\"r\":733} 10172019 082ce96bda413769a5686e1da3a3011d",
        ),
        Job { expected: Expected::Sha256(CLANG_OBJECT), without: OLD_WASI, ..clang },
    ]
}

/// Node's `wasi_unstable` has the functions of its successor, which take other arguments.
const OLD_WASI: &[&str] = &["node"];

/// How clang is told to compile a file to an object, which it prints.
const CLANG: &[&str] = &[
    "-cc1",
    "-triple",
    "wasm32-unknown-wasi",
    "-disable-free",
    "-O2",
    "-emit-obj",
    "-o",
    "-",
    "-x",
    "c",
    "/s/unit.c",
];
const CLANG_OBJECT: &str = "937faa512dd164dd03b34e79a54d213327d5bdcf1cd99d0890be6a14360202fd";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn every_script_is_there_and_is_run() {
        let root = tree::root();
        let jobs = scripts(&root, Path::new("corpus"));
        let folder = root.join("bench/programs/scripts");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let guest = format!("/s/{}", path.file_name().unwrap().to_str().unwrap());
            let run =
                |job: &Job| job.args.contains(&guest.as_str()) || job.stdin.as_ref() == Some(&path);
            assert_eq!(jobs.iter().filter(|job| run(job)).count(), 1, "{guest}");
        }
    }
}
