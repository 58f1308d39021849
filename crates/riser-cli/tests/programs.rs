//! Programs that other people made: they run, and print what they should.
//!
//! `cargo xtask corpus` installs them. Without them these tests say that they were skipped, unless
//! `RISER_REQUIRE_CORPUS=1` makes that a failure.

mod common;

use std::path::PathBuf;

use common::{Folder, stdout_of, with_input};
use riser_testkit::corpus;

/// Prints checksums of what a JavaScript engine must get right: closures, generators, sorting, regular expressions, JSON, big
/// integers, exceptions.
const JAVASCRIPT: &str = r#"
const primes = n => { const p = []; for (let i = 2; p.length < n; i++) if (p.every(q => i % q)) p.push(i); return p; };
function* fibonacci() { let [a, b] = [0n, 1n]; for (;;) { yield a; [a, b] = [b, a + b]; } }
const fib = []; for (const x of fibonacci()) { fib.push(x); if (fib.length > 100) break; }
const words = "the quick brown fox jumps over the lazy dog".match(/\w+/g).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
let caught; try { null.x } catch (e) { caught = e instanceof TypeError; }
console.log(primes(50).reduce((a, b) => a + b), fib[100].toString());
console.log(JSON.stringify({ words, caught, pi: Math.PI.toFixed(8), date: new Date(0).toISOString() }));
"#;

const JAVASCRIPT_PRINTS: &str = r#"5117 354224848179261915075
{"words":["dog","fox","the","the","lazy","over","brown","jumps","quick"],"caught":true,"pi":"3.14159265","date":"1970-01-01T00:00:00.000Z"}
"#;

#[test]
fn quickjs_evaluates_a_program() {
    let Some(quickjs) = corpus::find("quickjs/quickjs.wasm") else { return };
    let folder = Folder::new("quickjs", &[("program.js", JAVASCRIPT.as_bytes())]);
    // It imports functions of sockets that are no part of WASI 0.1, and calls them only for the network.
    let options = ["run", "--dir", ".", "--stub-imports"];
    let output = folder.riser().args(options).arg(&quickjs).arg("program.js").output().unwrap();
    assert_eq!(stdout_of(output), JAVASCRIPT_PRINTS);
}

#[test]
fn another_quickjs_evaluates_a_program() {
    let Some(qjs) = corpus::find("qjs/qjs.wasm") else { return };
    let folder = Folder::new("qjs", &[("program.js", JAVASCRIPT.as_bytes())]);
    let output =
        folder.riser().args(["run", "--dir", "."]).arg(&qjs).arg("program.js").output().unwrap();
    assert_eq!(stdout_of(output), JAVASCRIPT_PRINTS);
}

/// CPython 3.11 and the folder with its library, if they are installed.
fn python() -> Option<(PathBuf, String)> {
    let python = corpus::find("python-3.11/python.wasm")?;
    let library = corpus::find("python-3.11/fs")?;
    Some((python, format!("{}::/", library.display())))
}

#[test]
fn cpython_prints_1() {
    let Some((python, library)) = python() else { return };
    let folder = Folder::new("python", &[]);
    let output = folder
        .riser()
        .args(["run", "--dir", &library])
        .arg(&python)
        .args(["-c", "print(1)"])
        .output();
    assert_eq!(stdout_of(output.unwrap()), "1\n");
}

#[test]
fn cpython_runs_a_script_that_imports_json_and_re() {
    let Some((python, library)) = python() else { return };
    let script = r#"
import json, re, sys
text = json.dumps({"numbers": [n * n for n in range(10)], "nested": {"a": None, "b": 1.5}}, sort_keys=True)
numbers = [int(n) for n in re.findall(r"\b\d+\b", text)]
print(text)
print(sum(numbers), re.sub(r"(\w)(\w*)", lambda m: m[1].upper() + m[2], "hello from wasm"))
print(sys.argv[1:], sys.stdin.read().split())
sys.exit(3)
"#;
    let folder = Folder::new("python-script", &[("script.py", script.as_bytes())]);
    let mut command = folder.riser();
    command.args(["run", "--dir", &library, "--dir", ".::/scripts"]);
    command.arg(&python).args(["--", "/scripts/script.py", "--verbose", "x"]);
    let output = with_input(&mut command, b"some words\n");
    let expected = r#"{"nested": {"a": null, "b": 1.5}, "numbers": [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]}
291 Hello From Wasm
['--verbose', 'x'] ['some', 'words']
"#;
    assert_eq!(common::text_of(&output.stderr), "");
    assert_eq!(common::text_of(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_trap_in_cpython_tells_where_and_what_to_do() {
    let Some((python, library)) = python() else { return };
    let folder = Folder::new("python-trap", &[]);
    let run = |more: &[&str], code: &str| {
        let mut command = folder.riser();
        command.args(["run", "--dir", &library]).args(more).arg(&python).args(["-c", code]);
        // The name of the file is that of the machine.
        let output = command.output().unwrap();
        common::transcript(code, &output).replace(&*python.to_string_lossy(), "python.wasm")
    };
    const DEEP: &str = "import sys; sys.setrecursionlimit(10**9); f = []\nfor i in range(100000): f = [f]\nprint(repr(f))";
    let abort = run(&["--deterministic"], "import os; os.abort()");
    let deep = run(&["--deterministic", "--max-stack", "256K"], DEEP);
    common::golden("python-trap.txt", &format!("{abort}\n{deep}"));
}
