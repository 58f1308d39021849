//! The cache as users of the command see it.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::{Folder, golden, guest, stdout_of, text_of, transcript};

/// A folder whose cache is in `cache`.
struct Cached(Folder);

impl Cached {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Cached {
        Cached(Folder::new(name, files))
    }

    fn riser(&self) -> std::process::Command {
        let mut command = self.0.riser();
        command.env("RISER_CACHE_DIR", "cache");
        command
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn session(&self, lines: &[&str]) -> String {
        let run = |line: &&str| {
            let output = self.riser().args(line.split_whitespace()).output().unwrap();
            transcript(line, &output)
        };
        lines.iter().map(run).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_cache_is_shown_and_emptied() {
    let cached = Cached::new("cache-command", &[]);
    let mut session = cached.session(&["cache path", "cache stats"]);
    fs::write(cached.cache().join(format!("{}.rsr", "0".repeat(64))), vec![0; 10_000]).unwrap();
    fs::write(cached.cache().join("mine.txt"), "").unwrap();
    session += "\n";
    session += &cached.session(&[
        "cache stats",
        "cache stats --json",
        "cache path --json",
        "cache clear",
        "cache clear --json",
        "cache -q clear",
        "cache",
        "cache cleer",
    ]);
    golden("cache.txt", &session);
    assert!(cached.cache().join("mine.txt").exists());
    let mode = fs::metadata(cached.cache()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let cached = Cached::new("cache-shared", &[]);
    fs::create_dir(cached.cache()).unwrap();
    fs::set_permissions(cached.cache(), fs::Permissions::from_mode(0o777)).unwrap();
    golden(
        "cache-shared.txt",
        &cached.session(&["cache stats", "cache stats --json", "cache clear"]),
    );
}

#[test]
fn the_folder_follows_the_environment() {
    let folder = Folder::new("cache-environment", &[]);
    let path = |variables: &[(&str, &str)]| {
        let mut command = folder.riser();
        for name in ["RISER_CACHE_DIR", "XDG_CACHE_HOME", "HOME"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).args(["cache", "path"]).output().unwrap()
    };
    assert_eq!(stdout_of(path(&[("HOME", "/h")])), "/h/.cache/riser\n");
    assert_eq!(stdout_of(path(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")])), "/x/riser\n");
    let none = path(&[]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text_of(&none.stderr).contains("set RISER_CACHE_DIR"), "{}", text_of(&none.stderr));
}

const PROGRAM: &[u8] = br#"(module
  (func $square (export "square") (param i32) (result i32)
    (i32.mul (local.get 0) (local.get 0)))
  (func $cube (export "cube") (param i32) (result i32)
    (i32.mul (local.get 0) (call $square (local.get 0)))))
"#;

/// The entries of the cache, with their contents.
fn entries(cached: &Cached) -> Vec<(String, Vec<u8>)> {
    let Ok(listed) = fs::read_dir(cached.cache()) else { return Vec::new() };
    let mut entries: Vec<_> = listed
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "rsr"))
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    entries.sort();
    entries
}

const OPT: &[&str] = &["--tier=opt"];

/// Code that is made quickly is not kept, so all is made by the optimizing compiler unless `options` say who makes it.
fn call(cached: &Cached, options: &[&str], name: &str) -> String {
    let mut command = cached.riser();
    let options = if options.contains(&"--interp") { options } else { &[options, OPT].concat() };
    command.args(options).args(["--invoke", name, "app.wat", "3"]);
    stdout_of(command.output().unwrap())
}

#[test]
fn runs_add_what_they_compiled() {
    let cached = Cached::new("cache-runs", &[("app.wat", PROGRAM)]);
    assert_eq!(call(&cached, &["--no-cache"], "square"), "9\n");
    assert_eq!(call(&cached, &["--interp"], "square"), "9\n");
    assert!(!cached.cache().exists());
    assert_eq!(call(&cached, &[], "square"), "9\n");
    let first = entries(&cached);
    assert_eq!(first.len(), 1);
    assert_eq!(call(&cached, &[], "square"), "9\n");
    assert_eq!(entries(&cached), first, "nothing was compiled");
    assert_eq!(call(&cached, &[], "cube"), "27\n");
    let second = entries(&cached);
    assert_eq!((&second[0].0, second.len()), (&first[0].0, 1));
    assert!(second[0].1.len() > first[0].1.len());
}

#[test]
fn many_processes_share_the_cache() {
    let cached = Cached::new("cache-shared-by-many", &[("app.wat", PROGRAM)]);
    for round in 0..5 {
        if round % 2 == 0 {
            stdout_of(cached.riser().args(["cache", "-q", "clear"]).output().unwrap());
        }
        let start = |name: &str| {
            let mut command = cached.riser();
            command.args(OPT).args(["--invoke", name, "app.wat", "3"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        };
        let running: Vec<_> =
            (0..6).map(|nth| start(if nth % 2 == 0 { "square" } else { "cube" })).collect();
        for (nth, process) in running.into_iter().enumerate() {
            let output = stdout_of(process.wait_with_output().unwrap());
            assert_eq!(output, if nth % 2 == 0 { "9\n" } else { "27\n" });
        }
        assert_eq!(entries(&cached).len(), 1);
    }
    assert_eq!(call(&cached, &[], "cube"), "27\n");
    let names = fs::read_dir(cached.cache()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_str().unwrap().starts_with(".tmp")).count(), 0);
}

#[test]
fn a_cache_that_cannot_be_written_does_no_harm() {
    let cached = Cached::new("cache-unwritable", &[("app.wat", PROGRAM)]);
    // A file where the folder should be.
    fs::write(cached.cache(), "").unwrap();
    assert_eq!(call(&cached, &[], "square"), "9\n");
    let mut verbose = cached.riser();
    verbose.args(["-v", "--invoke", "square", "app.wat", "3"]);
    let said = text_of(&verbose.output().unwrap().stderr);
    assert!(said.contains("riser: nothing is cached: cache is not a folder"), "{said}");
    fs::remove_file(cached.cache()).unwrap();
    // The system ends processes that write more than they may; 4 is less than an entry.
    let binary = env!("CARGO_BIN_EXE_riser");
    let limited = format!("ulimit -f 4; exec '{binary}' --tier=opt --invoke square app.wat 3");
    let mut shell = cached.0.command("sh");
    shell.args(["-c", &limited]).env("RISER_CACHE_DIR", "cache");
    assert_eq!(stdout_of(shell.output().unwrap()), "9\n");
    assert_eq!(entries(&cached), []);
    assert_eq!(call(&cached, &[], "square"), "9\n");
    assert_eq!(entries(&cached).len(), 1);
}

#[test]
fn programs_start_from_the_cache() {
    let cached = Cached::new("cache-program", &[]);
    // With one compiler, what is kept does not depend on how long a run takes.
    let run = || stdout_of(cached.riser().args(OPT).arg(guest("hello.wasm")).output().unwrap());
    let first = run();
    let kept = entries(&cached);
    assert_eq!((run(), entries(&cached) == kept), (first, true));
}

/// What is hot here becomes better while it runs: loops inside of each other, and functions that are called from them.
const HOT: &[u8] = br#"(module
    (func $mix (param i64 i64) (result i64)
        (i64.rotl (i64.add (i64.mul (local.get 0) (i64.const 31)) (local.get 1)) (i64.const 7)))
    (func $inner (param i64) (result i64) (local i32 i64)
        (loop
            (local.set 2 (call $mix (local.get 2) (i64.add (local.get 0) (i64.extend_i32_u (local.get 1)))))
            (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000))))
        (local.get 2))
    (func (export "run") (param i32) (result i64) (local i64)
        (loop
            (local.set 1 (call $mix (local.get 1) (call $inner (i64.extend_i32_u (local.get 0)))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

/// Several processes write while what they run becomes better, and while others end.
#[test]
fn programs_that_become_hot_share_the_cache() {
    let cached = Cached::new("cache-hot", &[("hot.wat", HOT)]);
    let seconds = std::env::var("RISER_RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds.unwrap_or(1));
    let turns = ["10", "3000", "30000", "500", "12000"];
    let start = |turns: &str, options: &[&str]| {
        let mut command = cached.riser();
        command.args(options).args(["--invoke", "run", "hot.wat", turns]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let ended = |process: std::process::Child| stdout_of(process.wait_with_output().unwrap());
    let expected = turns.map(|turns| ended(start(turns, &["--no-cache", "--tier=opt"])));
    for round in 0.. {
        if round % 2 == 0 {
            stdout_of(cached.riser().args(["cache", "-q", "clear"]).output().unwrap());
        }
        let running = turns.map(|turns| start(turns, &[]));
        assert_eq!(running.map(ended), expected, "round {round}");
        if std::time::Instant::now() > end {
            break;
        }
    }
    // Whatever was kept is whole.
    let run = start("10", &["--report=json"]).wait_with_output().unwrap();
    assert_eq!(text_of(&run.stdout), expected[0]);
    let report: serde_json::Value = serde_json::from_slice(&run.stderr).unwrap();
    if riser_sys::ELF_MACHINE == 62 {
        assert!(report["tiers"]["functions_from_cache"].as_u64().unwrap() > 0, "{report}");
    }
    let names = fs::read_dir(cached.cache()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_str().unwrap().starts_with(".tmp")).count(), 0);
}
