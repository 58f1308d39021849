//! How long whole runs take, from a hundredth of a second to ten: each against the best of the others, which is another one for
//! short programs than for long ones. And programs that are one long loop, which must not stay in the code they began in.

use super::Request;
use super::goals::{Outcome, key};
use super::kernels::load;
use super::measure::Expected;
use super::runtimes::{Job, Runtimes};
use super::table::{
    Row, Unit, aligned, best_other, comparison, geometric_mean, ratio_text, ratio_to, worst_first,
};
use super::{peak, start};
use std::path::Path;

/// Without any caches.
const COLD_LABELS: &[&str] = &["riser cold", "wasmtime", "winch", "node", "wasmi"];
/// With caches, filled by the first round.
const WARM_LABELS: &[&str] = &["riser", "wasmtime cached", "node"];
/// Begun in baseline code, against the same program compiled before by the same optimizing compiler.
const LOOP_LABELS: &[&str] = &["riser cold", "riser ahead", "wasmtime"];

/// The programs that are one long loop, in `bench/loops/`.
const LOOPS: &[&str] = &["flat", "nested", "machine"];

/// Runs what is asked for and prints three tables.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Outcome, String> {
    let jobs = request.installed(jobs(root)?);
    let mut outcome = Outcome::default();
    for (subject, labels, rounds_min) in
        [("total, cold", COLD_LABELS, 1), ("total, warm", WARM_LABELS, 2)]
    {
        let rows = runtimes.compare_best(&jobs, labels, request.runs, rounds_min);
        outcome.failed.extend(failed(&rows));
        let rows = against_best(rows);
        let ratios: Vec<f64> = rows.iter().map(|row| row.ratio).collect();
        for (name, ratio) in
            [("geometric mean", geometric_mean(&ratios)), ("worst", ratios.first().copied())]
        {
            let what = format!("{subject}: {name}");
            outcome.note(&key(&what, "best of the others"), ratio);
        }
        if !rows.is_empty() {
            println!("{}", table(subject, labels, &rows));
        }
    }
    let jobs: Vec<Job> = loops(root).into_iter().filter(|job| request.names(&job.name)).collect();
    let mut rows = runtimes.compare(&jobs, LOOP_LABELS, request.runs);
    outcome.failed.extend(failed(&rows));
    worst_first(&mut rows, Unit::Seconds);
    if !rows.is_empty() {
        println!("{}", comparison("one long loop, cold", LOOP_LABELS, &rows, Unit::Seconds));
        let worst = rows.iter().filter_map(|row| ratio_to(row, 1, Unit::Seconds));
        let worst = worst.max_by(f64::total_cmp);
        outcome.note(&key("one long loop, cold: worst", "riser ahead"), worst);
    }
    Ok(outcome)
}

fn failed(rows: &[Row]) -> Vec<String> {
    rows.iter().filter(|row| row.is_failed(0)).map(|row| row.name.clone()).collect()
}

/// A row with the best of the others.
struct Best {
    name: String,
    riser: f64,
    best: f64,
    /// Its column.
    column: usize,
    ratio: f64,
    /// The ratio of processor time to the same.
    user: Option<f64>,
}

/// The worst first; what has no ratio was told already, and is left out.
fn against_best(rows: Vec<Row>) -> Vec<Best> {
    let best = |row: Row| {
        let (column, sample) = best_other(&row)?;
        let riser = row.cells[0].as_ref().ok()?.wall.as_secs_f64();
        let best = sample.wall.as_secs_f64();
        let user = ratio_to(&row, column, Unit::UserSeconds);
        Some(Best { riser, best, column, ratio: riser / best, user, name: row.name })
    };
    let mut rows: Vec<Best> = rows.into_iter().filter_map(best).collect();
    rows.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    rows
}

fn table(subject: &str, labels: &[&str], rows: &[Best]) -> String {
    let head = [subject, "riser s", "best s", "of", "ratio", "of user time"];
    let mut lines = vec![head.map(String::from).to_vec()];
    let text = |ratio: Option<f64>| ratio.map_or("-".into(), ratio_text);
    for row in rows {
        lines.push(vec![
            row.name.clone(),
            format!("{:.3}", row.riser),
            format!("{:.3}", row.best),
            labels[row.column].into(),
            ratio_text(row.ratio),
            text(row.user),
        ]);
    }
    let ratios: Vec<f64> = rows.iter().map(|row| row.ratio).collect();
    let users: Vec<f64> = rows.iter().filter_map(|row| row.user).collect();
    let above = ratios.iter().filter(|ratio| **ratio > 1.1).count();
    let line = |name: String, ratio: String, user: String| {
        vec![name, String::new(), String::new(), String::new(), ratio, user]
    };
    let (mean, user) = (text(geometric_mean(&ratios)), text(geometric_mean(&users)));
    lines.push(line("geometric mean".into(), mean, user));
    lines.push(line(format!("above 1.10, of {}", rows.len()), above.to_string(), String::new()));
    aligned(&lines)
}

/// All that is run: kernels and programs with arguments of several sizes, real programs with long scripts, and with nothing to do.
fn jobs(root: &Path) -> Result<Vec<Job>, String> {
    let mut jobs = listed(root)?;
    for (folder, list) in [("bench/kernels", "kernels.txt"), ("bench/programs", "programs.txt")] {
        let folder = root.join(folder);
        for kernel in load(&folder, list)? {
            jobs.push(Job { without: INTERPRETERS, ..kernel.long_job(&folder) });
        }
    }
    jobs.extend(peak::scripts(root, &super::corpus(root)));
    let start = start::jobs(root).into_iter().filter(|job| !start::is_slow(job));
    jobs.extend(start.map(|job| Job { name: format!("{} to its end", job.name), ..job }));
    Ok(jobs)
}

/// They are not the best where there is much to execute.
const INTERPRETERS: &[&str] = &["wasmi"];

/// The lines of `bench/totals.txt`.
fn listed(root: &Path) -> Result<Vec<Job>, String> {
    let path = root.join("bench/totals.txt");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut jobs: Vec<Job> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() || words[0] == "#" {
            continue;
        }
        let [folder, name, argument, checksum] = words[..] else {
            return Err(format!("totals.txt:{}: not a folder, a name and two numbers", index + 1));
        };
        let file = format!("{name}.wasm");
        let is_first = !jobs.iter().any(|job| job.file == Path::new(&file));
        jobs.push(Job {
            name: format!("{name} {argument}"),
            file: file.into(),
            folder: root.join("bench").join(folder),
            invoke: Some(("run", argument.into())),
            preopens: vec![],
            env: vec![],
            args: vec![],
            stdin: None,
            without: if is_first { &[] } else { INTERPRETERS },
            expected: Expected::Line(checksum.into()),
        });
    }
    Ok(jobs)
}

fn loops(root: &Path) -> Vec<Job> {
    let job = |name: &&str| Job {
        name: name.to_string(),
        file: format!("{name}.wasm").into(),
        folder: root.join("bench/loops"),
        invoke: None,
        preopens: vec![],
        env: vec![],
        args: vec![],
        stdin: None,
        without: &[],
        // They print nothing, and trap if their result is wrong.
        expected: Expected::Line(String::new()),
    };
    LOOPS.iter().map(job).collect()
}

#[cfg(test)]
mod tests {
    use super::super::measure::Sample;
    use super::*;
    use crate::tree;
    use std::time::Duration;

    #[test]
    fn everything_listed_is_in_the_tree() {
        let root = tree::root();
        let listed = listed(&root).unwrap();
        assert!(listed.len() >= 60, "{}", listed.len());
        for job in listed.into_iter().chain(loops(&root)) {
            assert!(job.folder.join(&job.file).is_file(), "{}", job.name);
            assert!(job.folder.join(job.file.with_extension("c")).is_file(), "{}", job.name);
        }
    }

    #[test]
    fn names_are_different() {
        let mut names: Vec<String> =
            jobs(&tree::root()).unwrap().into_iter().map(|job| job.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn riser_is_compared_with_the_best_of_the_others() {
        let sample = |wall| {
            let user = Some(Duration::from_millis(wall / 2));
            let wall = Duration::from_millis(wall);
            Ok(Sample { wall, user, first: None, memory: None })
        };
        let failed = || Err("failed".to_string());
        let rows = vec![
            Row { name: "good".into(), cells: vec![sample(100), failed(), sample(200)] },
            Row { name: "bad".into(), cells: vec![sample(120), sample(100), sample(140)] },
            Row { name: "alone".into(), cells: vec![sample(120), failed(), failed()] },
        ];
        let expected = "\
| cold             | riser s | best s |  of | ratio | of user time |
| ---------------- | ------: | -----: | --: | ----: | -----------: |
| bad              |   0.120 |  0.100 |   a |  1.20 |         1.20 |
| good             |   0.100 |  0.200 |   b |  0.50 |         0.50 |
| geometric mean   |         |        |     |  0.77 |         0.77 |
| above 1.10, of 2 |         |        |     |     1 |              |
";
        assert_eq!(table("cold", &["r", "a", "b"], &against_best(rows)), expected);
    }
}
