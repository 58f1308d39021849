//! Real debuggers and profilers see names, source lines and frames of the program that riser runs. Where there is none, the tests say
//! so and are skipped.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{Folder, guest, text_of};

/// Whether a program can be run.
fn is_there(program: &str) -> bool {
    let found =
        Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if !found {
        println!("skipped: `{program}` is not installed");
    }
    found && riser_sys::COMPILED_CODE
}

/// Whether programs can be debugged: the system may forbid it.
fn has_gdb() -> bool {
    if !is_there("gdb") {
        return false;
    }
    let output = Command::new("gdb")
        .args(["-nx", "-batch", "-ex", "run", "--args", "true"])
        .output()
        .unwrap();
    let works = text_of(&output.stdout).contains("exited normally");
    if !works {
        println!("skipped: `gdb` cannot run programs here: {}", text_of(&output.stderr));
    }
    works
}

/// The folder in which the sources are found by the names that debug information has.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What `gdb` prints when it runs a program with these commands.
fn gdb(name: &str, commands: &str, riser: &[&str]) -> String {
    gdb_of(env!("CARGO_BIN_EXE_riser").as_ref(), name, commands, riser)
}

/// As before, of a copy of riser.
fn gdb_of(program: &Path, name: &str, commands: &str, riser: &[&str]) -> String {
    let folder = Folder::new(name, &[("commands", commands.as_bytes())]);
    let mut command = Command::new("gdb");
    // Nothing of who runs the test, and nothing from the network.
    command.args(["-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-x"]);
    command.arg(folder.path().join("commands")).arg("--args");
    command.arg(program).args(["run", "--no-cache", "--debug-info"]).args(riser);
    let output = command.current_dir(root()).env_remove("DEBUGINFOD_URLS").output().unwrap();
    format!("{}{}", text_of(&output.stdout), text_of(&output.stderr))
}

/// The numbered lines of a backtrace down to the frame through which riser entered the program, without addresses.
fn frames(printed: &str) -> Vec<String> {
    let frames = printed.lines().filter(|line| line.starts_with('#'));
    let name = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        match words[0].starts_with("0x") {
            true => words[2..].join(" "),
            false => words.join(" "),
        }
    };
    let mut names: Vec<String> = frames.map(name).collect();
    if let Some(entry) = names.iter().position(|name| name.starts_with("riser_enter_wasm")) {
        assert!(names[entry..].iter().any(|name| name.starts_with("main ")), "{printed}");
        names.truncate(entry + 1);
    }
    names
}

const SETTINGS: &str = "set pagination off\nset confirm off\nset breakpoint pending on\n";

#[test]
fn a_debugger_stops_in_functions_of_the_program() {
    if !has_gdb() {
        return;
    }
    let folder = Folder::new("gdb-input", &[("digits", b"1234")]);
    let digits = folder.path().join("digits");
    // Riser has a function of that name too.
    let commands = format!(
        "{SETTINGS}break trap.c:divide\nrun\nbacktrace\nlist\ninfo source\nfinish\ninfo symbol $pc\ncontinue\n"
    );
    let program = guest("trap.wasm");
    let args = ["--stdin", digits.to_str().unwrap(), program.to_str().unwrap()];
    let printed = gdb("gdb-functions", &commands, &args);
    let expected = [
        "divide () at guests/trap.c:15",
        "average () at guests/trap.c:26",
        "_start () at guests/trap.c:35",
        "riser_enter_wasm ()",
    ];
    assert_eq!(frames(&printed), expected, "{printed}");
    assert!(printed.contains("15\t    return sum / count;"), "the source is listed: {printed}");
    assert!(printed.contains("Current source file is guests/trap.c"), "{printed}");
    assert!(printed.contains("average + "), "`finish` goes on to the caller: {printed}");
    assert!(printed.contains("average 2\n") && printed.contains("exited normally"), "{printed}");
}

#[test]
fn a_debugger_stops_at_lines_and_where_the_program_traps() {
    if !has_gdb() {
        return;
    }
    let folder = Folder::new("gdb-empty", &[("digits", b"")]);
    let digits = folder.path().join("digits");
    // A division by zero is a signal, which riser would make a trap of.
    let commands =
        format!("{SETTINGS}break trap.c:33\nrun\nbacktrace 1\ncontinue\nbacktrace\nkill\n");
    let program = guest("trap.wasm");
    let args = ["--stdin", digits.to_str().unwrap(), program.to_str().unwrap()];
    let printed = gdb("gdb-lines", &commands, &args);
    let frames = frames(&printed);
    assert_eq!(frames[0], "_start () at guests/trap.c:33", "{printed}");
    let rest: Vec<&str> = frames[1..].iter().map(String::as_str).collect();
    let expected = [
        "divide () at guests/trap.c:15",
        "average () at guests/trap.c:26",
        "_start () at guests/trap.c:35",
    ];
    assert_eq!(rest[..3], expected, "{printed}");
}

#[test]
fn a_debugger_shows_names_without_debug_information() {
    if !has_gdb() {
        return;
    }
    let module = br#"(module
      (func $_ZN3app5inner17h05af221e174051e9E (param i32) (result i32)
        (i32.div_s (i32.const 7) (local.get 0)))
      (func $outer (export "outer") (param i32) (result i32) (i32.add (call 0 (local.get 0)) (i32.const 1))))"#;
    let folder = Folder::new("gdb-names", &[("app.wat", module)]);
    let app = folder.path().join("app.wat");
    let commands = format!("{SETTINGS}break app::inner\nrun\nbacktrace\ncontinue\n");
    let printed =
        gdb("gdb-commands", &commands, &["--invoke", "outer", app.to_str().unwrap(), "3"]);
    assert_eq!(frames(&printed), ["app::inner ()", "outer ()", "riser_enter_wasm ()"], "{printed}");
    assert!(printed.contains("\n3\n"), "{printed}");
}

#[test]
fn a_debugger_finds_functions_without_symbols_of_riser() {
    if !has_gdb() || !is_there("strip") {
        return;
    }
    let folder =
        Folder::new("gdb-stripped", &[("app.wat", b"(module (func $work (export \"f\")))")]);
    let (copy, app) = (folder.path().join("riser"), folder.path().join("app.wat"));
    let riser = env!("CARGO_BIN_EXE_riser");
    let strip = Command::new("strip").arg("-o").arg(&copy).arg(riser).status().unwrap();
    assert!(strip.success());
    let commands = format!("{SETTINGS}break work\nrun\nbacktrace 1\ncontinue\n");
    let args = ["--invoke", "f", app.to_str().unwrap()];
    let printed = gdb_of(&copy, "gdb-stripped-commands", &commands, &args);
    assert_eq!(frames(&printed), ["work ()"], "{printed}");
}

/// Runs `perf` in a folder; `None` if it cannot be used here.
fn perf(folder: &Folder, args: &[&str]) -> Option<Output> {
    let output = Command::new("perf").args(args).current_dir(folder.path()).output().unwrap();
    if !output.status.success() {
        println!("skipped: perf {args:?}: {}", text_of(&output.stderr));
        return None;
    }
    Some(output)
}

/// Long enough to be seen by a clock.
const BUSY: &[u8] = br#"(module (func $busy_loop (export "busy") (param i32) (result i32)
  (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (local.get 0)))"#;

/// Records a run, and what `perf report` says of it.
fn profile(name: &str, form: &str) -> Option<(Folder, String)> {
    if !is_there("perf") {
        return None;
    }
    let folder = Folder::new(name, &[("busy.wat", BUSY)]);
    let riser = env!("CARGO_BIN_EXE_riser");
    let record = [
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-k",
        "mono",
        "-o",
        "data",
        riser,
        "run",
        "--no-cache",
        form,
    ];
    let record = [&record[..], &["--invoke", "busy", "busy.wat", "300000000"]].concat();
    perf(&folder, &record)?;
    let mut data = "data";
    if form == "--profile=jitdump" {
        perf(&folder, &["inject", "--jit", "-i", "data", "-o", "injected"])?;
        data = "injected";
    }
    let report = ["report", "-i", data, "--stdio", "-F", "overhead,sym"];
    let report = text_of(&perf(&folder, &report)?.stdout);
    Some((folder, report))
}

#[test]
fn profiles_name_functions_by_a_map() {
    let Some((_, report)) = profile("perf-map", "--profile=perfmap") else { return };
    assert!(report.contains("busy_loop"), "{report}");
}

#[test]
fn profiles_name_functions_by_a_dump() {
    let Some((folder, report)) = profile("perf-dump", "--profile=jitdump") else { return };
    assert!(report.contains("busy_loop"), "{report}");
    assert!(!images(&folder).is_empty());
}

/// The object files that `perf inject` made.
fn images(folder: &Folder) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let is_image = |path: &Path| path.extension().is_some_and(|extension| extension == "so");
    entries.filter(|path| is_image(path)).map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn profiles_have_source_lines() {
    if !is_there("perf") {
        return;
    }
    let folder = Folder::new("perf-lines", &[("digits", b"1234")]);
    let (riser, program) = (env!("CARGO_BIN_EXE_riser"), guest("trap.wasm"));
    let record = ["record", "-q", "-e", "cpu-clock", "-k", "mono", "-o", "data", riser, "run"];
    let run = ["--no-cache", "--profile=jitdump", "--stdin", "digits", program.to_str().unwrap()];
    if perf(&folder, &[&record[..], &run].concat()).is_none() {
        return;
    }
    perf(&folder, &["inject", "--jit", "-i", "data", "-o", "injected"])
        .expect("`perf inject` works");
    let has = |image: &[u8], text: &str| image.windows(text.len()).any(|at| at == text.as_bytes());
    let images = images(&folder);
    let divide =
        images.iter().find(|image| has(image, "divide")).expect("an image of the function");
    assert!(has(divide, "guests/trap.c") && has(divide, ".debug_line"));
}
