//! Real programs use WASI as their authors meant it.
//!
//! They are those that `cargo xtask corpus` installs. Without them a test says that it was skipped, unless
//! `RISER_REQUIRE_CORPUS=1` says that they must be there.

use std::path::{Path, PathBuf};

use riser::{Engine, Linker, Module, Store};
use riser_wasi::{
    DirPerms, FilePerms, I32Exit, MemoryInputPipe, MemoryOutputPipe, WasiCtx, WasiCtxBuilder,
};

/// Far more than any of the programs writes.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The path of an installed file, if it is there.
fn corpus(relative: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RISER_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus"), PathBuf::from);
    let path = folder.join(relative);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("RISER_REQUIRE_CORPUS").is_some_and(|value| value == "1");
    assert!(!required, "{} is missing: run `cargo xtask corpus`", path.display());
    println!("skipped: {relative} is not installed (`cargo xtask corpus` installs it)");
    None
}

/// Runs a program and returns its status, standard output and standard error.
fn run(program: &Path, builder: &mut WasiCtxBuilder) -> (i32, String, String) {
    let outputs = [(); 2].map(|()| MemoryOutputPipe::new(OUTPUT_BYTES_MAX));
    builder.stdout(outputs[0].clone()).stderr(outputs[1].clone());
    let engine = Engine::default();
    let module = Module::from_file(&engine, program).unwrap();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&engine, builder.build());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let outcome = start.call(&mut store, ());
    let [stdout, stderr] =
        outputs.map(|output| String::from_utf8_lossy(&output.contents()).into_owned());
    let status = match outcome {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => exit.0,
            None => panic!("{error:?}\nstdout: {stdout}\nstderr: {stderr}"),
        },
    };
    (status, stdout, stderr)
}

fn succeeded(stdout: &str) -> (i32, String, String) {
    (0, stdout.to_owned(), String::new())
}

#[test]
fn quickjs_evaluates_a_program() {
    let Some(program) = corpus("qjs/qjs.wasm") else { return };
    let mut builder = WasiCtx::builder();
    builder.args(&["qjs", "-e", "console.log([1, 2, 3].map(x => x * x).join())"]);
    assert_eq!(run(&program, &mut builder), succeeded("1,4,9\n"));
}

/// CPython with its library as `/usr`, run with the given arguments.
fn python(args: &[&str], stdin: &str) -> Option<(i32, String, String)> {
    let program = corpus("python-3.11/python.wasm")?;
    let mut builder = WasiCtx::builder();
    builder.arg("python").args(args).stdin(MemoryInputPipe::new(stdin));
    builder.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    let fs = corpus("python-3.11/fs")?;
    builder.preopened_dir(fs, "/", DirPerms::READ, FilePerms::READ).unwrap();
    Some(run(&program, &mut builder))
}

#[test]
fn python_prints_one() {
    let Some(outcome) = python(&["-c", "print(1)"], "") else { return };
    assert_eq!(outcome, succeeded("1\n"));
}

#[test]
fn python_runs_a_script_from_standard_input() {
    let script = "
import json, os, re, sys, time
print(json.dumps({'words': re.findall(r'\\w+', 'a bc, d')}))
print(sorted(os.listdir('/'))[:1], sys.argv)
try:
    open('/new', 'w')
except OSError as error:
    print(type(error).__name__, error.strerror)
try:
    open('/../../etc/passwd')
except OSError as error:
    print(type(error).__name__)
print(time.monotonic() <= time.monotonic(), len(os.urandom(7)))
sys.exit(3)
";
    let Some((status, stdout, stderr)) = python(&["-", "x"], script) else { return };
    let expected = "{\"words\": [\"a\", \"bc\", \"d\"]}
['usr'] ['-', 'x']
OSError Read-only file system
PermissionError
True 7
";
    assert_eq!((status, stdout.as_str(), stderr.as_str()), (3, expected, ""));
}

#[test]
fn sqlite_of_the_older_version_keeps_a_database() {
    let Some(program) = corpus("sqlite/sqlite.wasm") else { return };
    let dir = std::env::temp_dir().join(format!("riser-wasi-sqlite-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let sql = |script: &str| {
        let mut builder = WasiCtx::builder();
        builder.args(&["sqlite", "-batch", "/t.db"]).stdin(MemoryInputPipe::new(script));
        builder.preopened_dir(&dir, "/", DirPerms::all(), FilePerms::all()).unwrap();
        run(&program, &mut builder)
    };
    let created = sql("create table t(a, b); insert into t values (1, 'x'), (2, 'y');\n");
    let queried = sql("select sum(a), group_concat(b) from t;\n");
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(created, succeeded(""));
    assert_eq!(queried, succeeded("3|x,y\n"));
}

#[test]
fn ruby_reads_and_writes_files() {
    let Some(program) = corpus("ruby-3.2/ruby.wasm") else { return };
    let scratch = std::env::temp_dir().join(format!("riser-wasi-ruby-{}", std::process::id()));
    std::fs::create_dir_all(scratch.join("dir")).unwrap();
    let script = "File.write('/tmp/dir/a', 'data'); File.rename('/tmp/dir/a', '/tmp/b')
puts File.read('/tmp/b'), Dir.children('/tmp').sort.inspect, File.stat('/tmp/b').size
begin; File.read('/tmp/../etc/passwd'); rescue SystemCallError => e; puts e.class; end
exit 7";
    let mut builder = WasiCtx::builder();
    builder.args(&["ruby", "--disable=gems", "-e", script]);
    builder.preopened_dir(&scratch, "/tmp", DirPerms::all(), FilePerms::all()).unwrap();
    let outcome = run(&program, &mut builder);
    std::fs::remove_dir_all(&scratch).unwrap();
    let expected = "data\n[\"b\", \"dir\"]\n4\nErrno::EPERM\n";
    assert_eq!((outcome.0, outcome.1.as_str()), (7, expected), "{}", outcome.2);
}

#[test]
fn php_runs_a_script_from_a_folder() {
    let Some(program) = corpus("php-8.2/php-cgi.wasm") else { return };
    let scratch = std::env::temp_dir().join(format!("riser-wasi-php-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let script =
        "<?php echo implode(',', scandir('/')), \"\\n\", strlen(random_bytes(4)), \"\\n\";";
    std::fs::write(scratch.join("t.php"), script).unwrap();
    let mut builder = WasiCtx::builder();
    builder.args(&["php-cgi", "-q", "/t.php"]);
    builder.preopened_dir(&scratch, "/", DirPerms::READ, FilePerms::READ).unwrap();
    let outcome = run(&program, &mut builder);
    std::fs::remove_dir_all(&scratch).unwrap();
    assert_eq!(outcome, succeeded(".,..,t.php\n4\n"));
}
