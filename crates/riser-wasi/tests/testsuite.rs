//! The official tests of WASI 0.1, from a folder named by the environment.
//!
//! `RISER_WASI_TESTSUITE` is a folder of programs `NAME.wasm`, each with an optional `NAME.json` that gives arguments,
//! environment, a folder to grant as `/` (of which each test gets a fresh copy), expected exit status and expected
//! output. The folder is used in place. `tests/testsuite.failing` lists programs that are known to fail; a listed
//! program that passes fails the test, so that the list only shrinks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use riser::{Engine, Linker, Module, Store};
use riser_wasi::{DirPerms, FilePerms, I32Exit, MemoryOutputPipe, WasiCtx};
use serde_json::Value;

const VARIABLE: &str = "RISER_WASI_TESTSUITE";

/// Far more than any of the programs writes.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

#[test]
fn the_official_tests_pass() {
    let Some(dir) = std::env::var_os(VARIABLE) else {
        println!("skipped: {VARIABLE} not set");
        return;
    };
    let dir = PathBuf::from(dir);
    let expected: BTreeSet<String> =
        include_str!("testsuite.failing").lines().map(str::to_owned).collect();
    let programs = programs(&dir);
    assert!(!programs.is_empty(), "no programs in {}", dir.display());
    let mut failed = BTreeSet::new();
    for program in &programs {
        let name = program.file_stem().unwrap().to_str().unwrap().to_owned();
        if let Err(why) = run(program) {
            println!("{name}: {why}\n");
            failed.insert(name);
        }
    }
    println!("{} programs, {} failed", programs.len(), failed.len());
    let unexpected: Vec<_> = failed.difference(&expected).collect();
    let surprising: Vec<_> = expected.difference(&failed).collect();
    assert!(unexpected.is_empty(), "failed: {unexpected:?}");
    assert!(surprising.is_empty(), "listed as failing, but passed or absent: {surprising:?}");
}

/// All programs in a folder and the folders in it, sorted.
fn programs(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "wasm") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Runs one program and compares what it did with what its description says.
fn run(program: &Path) -> Result<(), String> {
    let description = fs::read_to_string(program.with_extension("json")).unwrap_or("{}".into());
    let description: Value =
        serde_json::from_str(&description).map_err(|error| error.to_string())?;
    let (stdout, stderr) =
        (MemoryOutputPipe::new(OUTPUT_BYTES_MAX), MemoryOutputPipe::new(OUTPUT_BYTES_MAX));
    let mut builder = WasiCtx::builder();
    builder.stdout(stdout.clone()).stderr(stderr.clone());
    builder.arg(program.file_name().unwrap().to_str().unwrap());
    for arg in description["args"].as_array().into_iter().flatten() {
        builder.arg(arg.as_str().unwrap());
    }
    for (key, value) in description["env"].as_object().into_iter().flatten() {
        builder.env(key, value.as_str().unwrap());
    }
    let root =
        description["root"].as_str().map(|root| Scratch::copy_of(&program.with_file_name(root)));
    if let Some(root) = &root {
        builder
            .preopened_dir(&root.0, "/", DirPerms::all(), FilePerms::all())
            .map_err(|error| error.to_string())?;
    }
    let status = start(program, builder.build());
    let stderr = String::from_utf8_lossy(&stderr.contents()).into_owned();
    let status = status.map_err(|error| format!("{error:?}\n{stderr}"))?;
    let expected = description["exit_code"].as_i64().unwrap_or(0);
    if i64::from(status) != expected {
        return Err(format!("status {status} instead of {expected}\n{stderr}"));
    }
    compare("stdout", &String::from_utf8_lossy(&stdout.contents()), &description["stdout"])?;
    compare("stderr", &stderr, &description["stderr"])
}

fn compare(name: &str, actual: &str, expected: &Value) -> Result<(), String> {
    match expected.as_str() {
        Some(expected) if actual != expected => {
            Err(format!("{name} is {actual:?} instead of {expected:?}"))
        }
        _ => Ok(()),
    }
}

/// Calls `_start` and returns the exit status.
fn start(program: &Path, ctx: WasiCtx) -> riser::Result<i32> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, program)?;
    let mut linker = Linker::<WasiCtx>::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(&engine, ctx);
    let instance = linker.instantiate(&mut store, &module)?;
    match instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0),
            None => Err(error),
        },
    }
}

/// A folder that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn copy_of(from: &Path) -> Self {
        let name = format!(
            "riser-wasi-testsuite-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        copy(from, &path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

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
