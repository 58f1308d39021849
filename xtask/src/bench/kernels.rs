//! Programs that are one function, `run(i32) -> i64`: their lists, and the table of the interpreter on the kernels.

use super::Request;
use super::goals::Outcome;
use super::measure::Expected;
use super::runtimes::{Job, Runtimes};
use super::table::{Unit, comparison, worst_first};
use std::path::Path;

/// The table's columns.
const LABELS: &[&str] = &["riser interp", "wasmi", "wasmtime cached", "node"];

/// One line of a list.
#[derive(Debug, PartialEq)]
pub struct Kernel {
    pub name: String,
    /// What `run` is called with, and what it must return.
    long: (i32, i64),
    /// The same for an interpreter, where compiled code is done too soon with what an interpreter needs a second for.
    short: (i32, i64),
    /// The same for tests, which have no time to lose.
    test: (i32, i64),
}

/// Runs the kernels that are asked for and prints their table.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Outcome, String> {
    let folder = root.join("bench/kernels");
    let kernels = load(&folder, "kernels.txt")?;
    let jobs: Vec<Job> = kernels
        .iter()
        .filter(|kernel| request.names(&kernel.name))
        .map(|kernel| kernel.job(&folder, kernel.short))
        .collect();
    if jobs.is_empty() {
        if request.what == "all" {
            return Ok(Outcome::default());
        }
        let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name.as_str()).collect();
        return Err(format!("no kernel has that name\n  help: {}", names.join(", ")));
    }
    let mut rows = runtimes.compare(&jobs, LABELS, request.runs);
    worst_first(&mut rows, Unit::Seconds);
    println!("{}", comparison("kernel", LABELS, &rows, Unit::Seconds));
    let failed = rows.into_iter().filter(|row| row.cells[0].is_err());
    Ok(Outcome { failed: failed.map(|row| row.name).collect(), measured: vec![] })
}

/// The list of a folder.
pub fn load(folder: &Path, file: &str) -> Result<Vec<Kernel>, String> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse(&text).map_err(|(line, what)| format!("{file}:{line}: {what}"))
}

impl Kernel {
    /// How it is run in compiled code.
    pub fn long_job(&self, folder: &Path) -> Job {
        self.job(folder, self.long)
    }

    fn job(&self, folder: &Path, (argument, checksum): (i32, i64)) -> Job {
        Job {
            name: self.name.clone(),
            file: format!("{}.wasm", self.name).into(),
            folder: folder.to_path_buf(),
            invoke: Some(("run", argument.to_string())),
            preopens: vec![],
            env: vec![],
            args: vec![],
            stdin: None,
            without: &[],
            expected: Expected::Line(checksum.to_string()),
        }
    }
}

/// Reads a list: five words a line, or seven, comments from `#` on. What is wrong comes with the number of its line.
fn parse(text: &str) -> Result<Vec<Kernel>, (usize, String)> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("");
        if line.trim().is_empty() {
            continue;
        }
        let wrong = || (index + 1, "not a name and four numbers, or six".to_string());
        let kernel = parse_line(line).ok_or_else(wrong)?;
        if kernels.iter().any(|other| other.name == kernel.name) {
            return Err((index + 1, format!("`{}` a second time", kernel.name)));
        }
        kernels.push(kernel);
    }
    Ok(kernels)
}

fn parse_line(line: &str) -> Option<Kernel> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_string();
    let mut pair = || {
        let argument = words.next()?;
        Some((argument.parse().ok()?, words.next()?.parse().ok()?))
    };
    let (short, test) = (pair()?, pair()?);
    let long = match line.split_whitespace().count() {
        5 => short,
        7 => pair()?,
        _ => return None,
    };
    Some(Kernel { name, long, short, test })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn a_line_is_a_name_and_four_numbers_or_six() {
        let kernels = parse("# comment\n\n a  10 -5 2 7 # more\nb 1 2 3 4 5 6").unwrap();
        let expected = [
            Kernel { name: "a".into(), long: (10, -5), short: (10, -5), test: (2, 7) },
            Kernel { name: "b".into(), long: (5, 6), short: (1, 2), test: (3, 4) },
        ];
        assert_eq!(kernels, expected);
    }

    #[test]
    fn wrong_lines_are_told_with_their_number() {
        let long = "a 1 99999999999999999999 3 4";
        for wrong in ["a 1 2 3", "a 1 2 3 4 5", "a 1 2 3 4 5 6 7", "a 1 2 3 x", long] {
            assert_eq!(parse(&format!("#\n{wrong}\n")).unwrap_err().0, 2, "{wrong}");
        }
        assert!(parse("a 1 2 3 4\na 1 2 3 4").unwrap_err().1.contains("a second time"));
    }

    /// Checks a folder: a list of so many, and for each its source and, if they are kept, its module.
    fn check(folder: &str, list: &str, count: usize, source: &str, modules: bool) {
        let folder = tree::root().join(folder);
        let kernels = load(&folder, list).unwrap();
        assert_eq!(kernels.len(), count);
        for kernel in &kernels {
            // A kernel returns zero when its own check of its work fails.
            assert!(kernel.short.1 != 0 && kernel.test.1 != 0, "{}", kernel.name);
            assert!(kernel.test.0 < kernel.short.0, "{}", kernel.name);
            assert!(folder.join(format!("{}.{source}", kernel.name)).is_file(), "{}", kernel.name);
            if modules {
                let module = std::fs::read(folder.join(format!("{}.wasm", kernel.name))).unwrap();
                assert!(module.starts_with(b"\0asm\x01\0\0\0"), "{}", kernel.name);
            }
        }
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if extension.is_some_and(|extension| ["wasm", "wat", "c"].contains(&extension)) {
                let name = path.file_stem().unwrap().to_string_lossy();
                assert!(kernels.iter().any(|kernel| kernel.name == name), "{name}");
            }
        }
    }

    #[test]
    fn every_kernel_has_its_source_its_module_and_its_line() {
        check("bench/kernels", "kernels.txt", 16, "c", true);
        check("bench/programs", "programs.txt", 12, "c", true);
        check("bench/gc", "programs.txt", 5, "wat", false);
    }
}
