//! The kernels of `bench/kernels/`: their list, and one table of what they take in each runtime.

use super::Request;
use super::runtimes::{Job, Runtimes};
use super::table::{Unit, comparison};
use std::path::Path;

/// The table's columns.
const LABELS: &[&str] = &["riser", "wasmi", "wasmtime", "node"];

/// One line of `kernels.txt`.
#[derive(Debug, PartialEq)]
struct Kernel {
    name: String,
    /// What `run` is called with, and what it must return.
    argument: i32,
    checksum: i64,
    /// The same for tests, which have no time to lose.
    test_argument: i32,
    test_checksum: i64,
}

/// Runs the kernels that are asked for and prints their table; returns those that failed in Riser.
pub fn run(root: &Path, runtimes: &Runtimes, request: &Request) -> Result<Vec<String>, String> {
    let list = root.join("bench/kernels/kernels.txt");
    let text = std::fs::read_to_string(&list).map_err(|e| format!("{}: {e}", list.display()))?;
    let kernels = parse(&text)?;
    let jobs: Vec<Job> = kernels
        .iter()
        .filter(|kernel| request.names(&kernel.name))
        .map(|kernel| kernel.job(root))
        .collect();
    if jobs.is_empty() {
        if request.what == "all" {
            return Ok(vec![]);
        }
        let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name.as_str()).collect();
        return Err(format!("no kernel has that name\n  help: {}", names.join(", ")));
    }
    let rows = runtimes.compare(&jobs, LABELS, request.runs);
    println!("{}", comparison("kernel", LABELS, &rows, Unit::Seconds));
    Ok(rows.into_iter().filter(|row| row.cells[0].is_err()).map(|row| row.name).collect())
}

impl Kernel {
    fn job(&self, root: &Path) -> Job {
        Job {
            name: self.name.clone(),
            file: format!("{}.wasm", self.name).into(),
            folder: root.join("bench/kernels"),
            invoke: Some(("run", self.argument.to_string())),
            preopen: None,
            env: vec![],
            args: vec![],
            expected: self.checksum.to_string(),
        }
    }
}

/// Reads the list: five words a line, comments from `#` on.
fn parse(text: &str) -> Result<Vec<Kernel>, String> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("");
        if line.trim().is_empty() {
            continue;
        }
        let wrong = || format!("kernels.txt:{}: not a name and four numbers", index + 1);
        let kernel = parse_line(line).ok_or_else(wrong)?;
        if kernels.iter().any(|other| other.name == kernel.name) {
            return Err(format!("kernels.txt:{}: `{}` a second time", index + 1, kernel.name));
        }
        kernels.push(kernel);
    }
    Ok(kernels)
}

fn parse_line(line: &str) -> Option<Kernel> {
    let mut words = line.split_whitespace();
    let kernel = Kernel {
        name: words.next()?.to_string(),
        argument: words.next()?.parse().ok()?,
        checksum: words.next()?.parse().ok()?,
        test_argument: words.next()?.parse().ok()?,
        test_checksum: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(kernel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn a_line_is_a_name_and_four_numbers() {
        let kernels = parse("# comment\n\n a  10 -5 2 7 # more\n").unwrap();
        let expected = Kernel {
            name: "a".into(),
            argument: 10,
            checksum: -5,
            test_argument: 2,
            test_checksum: 7,
        };
        assert_eq!(kernels, [expected]);
    }

    #[test]
    fn wrong_lines_are_told_with_their_number() {
        for wrong in ["a 1 2 3", "a 1 2 3 4 5", "a 1 2 3 x", "a 1 99999999999999999999 3 4"] {
            let error = parse(&format!("#\n{wrong}\n")).unwrap_err();
            assert!(error.starts_with("kernels.txt:2:"), "{error}");
        }
        assert!(parse("a 1 2 3 4\na 1 2 3 4").unwrap_err().contains("a second time"));
    }

    #[test]
    fn every_kernel_has_its_source_its_module_and_its_line() {
        let folder = tree::root().join("bench/kernels");
        let list = std::fs::read_to_string(folder.join("kernels.txt")).unwrap();
        let kernels = parse(&list).unwrap();
        assert_eq!(kernels.len(), 16);
        for kernel in &kernels {
            // A kernel returns zero when its own check of its work fails.
            assert!(kernel.checksum != 0 && kernel.test_checksum != 0, "{}", kernel.name);
            assert!(kernel.test_argument < kernel.argument, "{}", kernel.name);
            assert!(folder.join(format!("{}.c", kernel.name)).is_file(), "{}", kernel.name);
            let module = std::fs::read(folder.join(format!("{}.wasm", kernel.name))).unwrap();
            assert!(module.starts_with(b"\0asm\x01\0\0\0"), "{}", kernel.name);
        }
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                let name = path.file_stem().unwrap().to_string_lossy();
                assert!(kernels.iter().any(|kernel| kernel.name == name), "{name}");
            }
        }
    }
}
