//! CPython 3.11 runs tests of its own, with the same verdicts as under another runtime.
//!
//! The golden file has what wasmtime 49 prints for the same modules: how many tests ran, how many were skipped, and the names
//! of those that fail there too (the tests are of a later version than the interpreter).

mod common;

use std::fs;
use std::path::Path;

use common::{Program, Scratch};
use riser_testkit::corpus;

/// The modules, of the package `test`. Each takes a few seconds at most.
const MODULES: [&str; 20] = [
    "test_base64",
    "test_binascii",
    "test_bisect",
    "test_call",
    "test_contextlib",
    "test_copy",
    "test_filecmp",
    "test_fnmatch",
    "test_generators",
    "test_glob",
    "test_grammar",
    "test_iter",
    "test_linecache",
    "test_operator",
    "test_scope",
    "test_string",
    "test_textwrap",
    "test_types",
    "test_urlparse",
    "test_wave",
];

/// Prints the verdict of each module.
const SCRIPT: &str = "
import sys, unittest
for name in sys.argv[1:]:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromName('test.' + name).run(result)
    bad = sorted({test.id() for test, _ in result.failures + result.errors})
    summary = f'{name}: {result.testsRun} run, {len(result.skipped)} skipped, {len(bad)} bad'
    print(summary, *bad, sep='\\n  ', flush=True)
";

/// What another runtime says.
const VERDICTS: &str = include_str!("golden/python-tests.txt");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs some of the modules and compares.
fn check(modules: &[&str]) {
    let Some(python) = corpus::find("python-3.11/python.wasm") else { return };
    let Some(library) = corpus::find("python-3.11/fs") else { return };
    let Some(tests) = corpus::find_optional("python-tests/test") else { return };
    let Some(support) = corpus::find_optional("python-test-support/test") else { return };
    // Python wants the package in one folder, and the tests write to the current folder, which is the root.
    let scratch = Scratch::new();
    copy(&library, scratch.path());
    copy(&tests, &scratch.path().join("t/test"));
    copy(&support, &scratch.path().join("t/test"));
    fs::create_dir(scratch.path().join("tmp")).unwrap();
    let args = [&["python", "-c", SCRIPT], modules].concat();
    let program = Program::new(python, &args).env("PYTHONPATH", "/t").dir(scratch.path(), "/");
    let verdicts = program.run().success();
    let expected: String = VERDICTS
        .split_inclusive('\n')
        .scan(false, |wanted, line| {
            if let Some((name, _)) = line.split_once(": ") {
                *wanted = modules.contains(&name);
            }
            Some(if *wanted { line } else { "" })
        })
        .collect();
    assert_eq!(verdicts, expected);
}

#[test]
fn verdicts_are_those_of_another_runtime_first_part() {
    check(&MODULES[..10]);
}

#[test]
fn verdicts_are_those_of_another_runtime_second_part() {
    check(&MODULES[10..]);
}
