//! The command as its users see it: help, results, errors, exit statuses.
//!
//! What is printed stands in `golden/`, as transcripts of sessions. Real programs are in `programs.rs`.

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, golden, guest, riser, stdout_of, text_of, transcript, with_input};

const ADD: &[u8] = br#"(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func (export "pair") (param i64 f32) (result i64 f32)
    (local.get 0) (local.get 1))
  (func (export "splat") (param i32) (result v128)
    (i32x4.splat (local.get 0)))
  (func (export "is_null") (param externref) (result i32)
    (ref.is_null (local.get 0))))
"#;

const TRAP: &[u8] = br#"(module
  (func $div (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func $_ZN3app4work17h05af221e174051e9E (result i32)
    (call $div (i32.const 1) (i32.const 0)))
  (func $_start (export "_start")
    (drop (call $_ZN3app4work17h05af221e174051e9E)))
  (func $deep (export "deep") (call $deep))
  (func $_ZN3app5abortEv (export "abort") unreachable)
  (func (export "nameless") (drop (call $div (i32.const 1) (i32.const 0)))))
"#;

const SENSOR_USER: &[u8] = br#"(module
  (import "env" "read_sensor" (func $read_sensor (param i32) (result f64)))
  (func $main (export "main") (result f64)
    (call $read_sensor (i32.const 1))))
"#;

const SENSOR: &[u8] = br#"(module
  (func (export "read_sensor") (param i32) (result f64) (f64.const 36.6)))
"#;

const MANY_IMPORTS: &[u8] = br#"(module
  (import "env" "read_sensor" (func $read_sensor (param i32) (result f64)))
  (import "env" "on_event" (func $on_event (param i32)))
  (import "wasi_snapshot_preview1" "fd_wrte" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 1 4))
  (import "env" "base" (global $base i32))
  (import "env" "un\nused" (func (param i32 i32)))
  (table 1 funcref)
  (elem (i32.const 0) $on_event)
  (func $main (export "_start")
    (drop (call $read_sensor (i32.const 1)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"#;

const JAVASCRIPT_MODULE: &[u8] = br#"(module
  (import "wbg" "__wbindgen_throw" (func $throw (param i32 i32)))
  (func (export "f") (call $throw (i32.const 0) (i32.const 0))))
"#;

/// A module that goes on writing `y` lines until it fails, and then goes on all the same.
const YES: &[u8] = br#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "y\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 2))
    (loop $forever
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $forever))))
"#;

#[test]
fn help_fits_80_columns() {
    let folder = Folder::new("help", &[]);
    let mut all = String::new();
    for (name, line) in [
        ("help.txt", "-h"),
        ("help-long.txt", "--help"),
        ("help-run.txt", "run -h"),
        ("help-run-long.txt", "help run"),
        ("help-validate.txt", "help validate"),
        ("help-inspect.txt", "help inspect"),
        ("help-wat.txt", "help wat"),
        ("help-wast.txt", "help wast"),
        ("help-cache.txt", "help cache"),
        ("help-compile.txt", "help compile"),
        ("help-man.txt", "help man"),
        ("help-completions.txt", "help completions"),
    ] {
        let text = folder.session(&[line]);
        golden(name, &text);
        all += &text;
    }
    for line in all.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_version_is_the_package_s() {
    let version = stdout_of(riser().arg("--version").output().unwrap());
    assert_eq!(version, format!("riser {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_explained() {
    let folder = Folder::new("usage", &[("add.wat", ADD), ("hello.wat", ADD)]);
    let session = folder.session(&[
        "vaildate add.wat",
        "hello",
        "nothing",
        "run --drr . add.wat",
        "--drr . add.wat",
        "run",
        "inspect",
        "inspect add.wat more",
        "run --color sometimes add.wat",
        "run --wasm simdd add.wat",
        "run --wasm=simd=maybe add.wat",
        "run --dir :ro add.wat",
        "run --link env add.wat",
        "run --max-stack 5X add.wat",
        "run --invoke",
        "validate -v -q add.wat",
        "inspect --json --all add.wat",
    ]);
    golden("usage.txt", &session);
    let bare = riser().output().unwrap();
    assert_eq!(bare.status.code(), Some(2));
    assert!(text_of(&bare.stderr).contains("Usage: riser COMMAND"));
}

#[test]
fn files_that_cannot_run_are_explained() {
    let component = b"\0asm\x0d\0\x01\0";
    let mut cut = wat::parse_bytes(ADD).unwrap().to_vec();
    cut.truncate(cut.len() - 20);
    let folder = Folder::new(
        "files",
        &[
            ("component.wasm", component),
            ("component.wat", b"(component)"),
            ("empty.wasm", b""),
            ("header.wasm", b"\0asm\x01"),
            ("version.wasm", b"\0asm\x02\0\0\0"),
            ("cut.wasm", &cut),
            ("native.wasm", b"\x7fELF\x02\x01\x01\0"),
            ("page.wasm", b"<!DOCTYPE html><title>404</title>"),
            ("prose.wasm", b"This is not a module.\n"),
            ("script.py", b"print(1)\n"),
            ("source.rs", b"fn main() {}\n"),
            ("latin1.wat", b"(module (; caf\xe9 ;))"),
            ("typo.wat", b"(module\n  (func (export \"f\") (result i32)\n    i32.cnst 4))\n"),
            ("script.wast", b"(module)\n(assert_return (invoke \"f\"))\n"),
            (
                "invalid.wat",
                b"(module (func) (func $area (param f64) (result i32) (f64.mul (local.get 0) (local.get 0))))",
            ),
            ("malformed.wasm", b"\0asm\x01\0\0\0\x01\x05\x01\x60\xff\xff\xff"),
            ("simd.wat", b"(module (func $v (export \"v\") (drop (v128.const i64x2 0 0))))"),
        ],
    );
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let session = folder.session(&[
        "missing.wasm",
        "cmponent.wasm",
        "run component",
        "run folder",
        "component.wasm",
        "component.wat",
        "empty.wasm",
        "header.wasm",
        "version.wasm",
        "cut.wasm",
        "native.wasm",
        "page.wasm",
        "prose.wasm",
        "script.py",
        "source.rs",
        "latin1.wat",
        "typo.wat",
        "script.wast",
        "invalid.wat",
        "malformed.wasm",
        "--wasm simd=off --invoke v simd.wat",
        "--quiet invalid.wat",
    ]);
    golden("files.txt", &session);
}

#[test]
fn functions_are_called_with_typed_arguments() {
    let folder = Folder::new("invoke", &[("add.wat", ADD)]);
    let session = folder.session(&[
        "--invoke add add.wat 1 2",
        "run --invoke add add.wat -1 0x7fffffff",
        "--invoke pair add.wat -0x8000000000000000 1e30",
        "--invoke pair add.wat 1 nan",
        "--invoke splat add.wat -2",
        "--invoke is_null add.wat null",
        "--invoke add add.wat 1",
        "--invoke add add.wat 1 4294967296",
        "--invoke pair add.wat 1 one",
        "--invoke is_null add.wat 7",
        "--invoke ad add.wat 1 2",
        "add.wat",
    ]);
    golden("invoke.txt", &session);
}

#[test]
fn modules_without_functions_say_so() {
    let starts = br#"(module (func $f) (start $f))"#;
    let folder = Folder::new("plain", &[("empty.wat", b"(module)"), ("starts.wat", starts)]);
    golden("plain.txt", &folder.session(&["empty.wat", "--invoke f empty.wat", "starts.wat"]));
}

#[test]
fn reactors_are_initialized_first() {
    let reactor = br#"(module
      (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.const 42)))
      (func (export "ready") (result i32) (global.get $ready)))"#;
    let folder = Folder::new("reactor", &[("reactor.wat", reactor)]);
    assert_eq!(stdout_of(folder.run(&["--invoke", "ready", "reactor.wat"])), "42\n");
}

#[test]
fn traps_are_shown_with_the_calls_that_led_there() {
    let folder = Folder::new("trap", &[("app.wat", TRAP)]);
    let session = folder.session(&[
        "app.wat",
        "--invoke abort app.wat",
        "--invoke nameless app.wat",
        "--invoke deep app.wat",
        "--quiet app.wat",
    ]);
    golden("trap.txt", &session);
    let colours = folder.run(&["--color", "always", "app.wat"]);
    golden("trap-colours.txt", &transcript("--color always app.wat", &colours));
}

#[test]
fn the_stack_is_as_large_as_it_is_said_to_be() {
    let recursion = br#"(module
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
          (then (i32.const 7))
          (else (call $down (i32.sub (local.get 0) (i32.const 1)))))))"#;
    let folder = Folder::new("stack", &[("recursion.wat", recursion)]);
    let down = |size, depth| {
        folder.run(&["run", "--max-stack", size, "--invoke", "down", "recursion.wat", depth])
    };
    assert_eq!(stdout_of(down("16M", "20000")), "7\n");
    assert_eq!(stdout_of(down("64K", "100")), "7\n");
    let output = down("64K", "20000");
    assert_eq!(output.status.code(), Some(134));
    assert!(text_of(&output.stderr).contains("trapped: call stack exhausted"));
}

#[test]
fn options_for_what_is_to_come_are_accepted() {
    let folder = Folder::new("accepted", &[("add.wat", ADD)]);
    let options = ["run", "--interp", "--no-cache", "--invoke", "add", "add.wat", "1", "2"];
    assert_eq!(stdout_of(folder.run(&options)), "3\n");
}

#[test]
fn verbose_tells_what_is_done() {
    let folder = Folder::new("verbose", &[("add.wat", ADD)]);
    let output = folder.run(&["run", "-v", "--invoke", "add", "add.wat", "1", "2"]);
    assert_eq!(text_of(&output.stdout), "3\n");
    let said = text_of(&output.stderr);
    assert!(said.starts_with("riser: add.wat: ") && said.contains("ready in"), "{said}");
}

#[test]
fn a_trap_at_the_start_is_a_trap() {
    let module = br#"(module (memory 1) (data (i32.const 70000) "x") (func (export "_start")))"#;
    let folder = Folder::new("start", &[("data.wat", module)]);
    let output = folder.run(&["data.wat"]);
    assert_eq!(output.status.code(), Some(134));
    assert!(
        text_of(&output.stderr).starts_with("error: data.wat trapped: out of bounds memory access")
    );
}

#[test]
fn an_exception_that_nothing_catches_is_shown_like_a_trap() {
    let module =
        br#"(module (tag $e) (func $thrower (throw $e)) (func (export "_start") (call $thrower)))"#;
    let folder = Folder::new("exception", &[("throw.wat", module)]);
    let output = folder.run(&["throw.wat"]);
    assert_eq!(output.status.code(), Some(134));
    let said = text_of(&output.stderr);
    assert!(said.starts_with("error: throw.wat threw an exception that nothing catches"), "{said}");
    assert!(said.contains("in `thrower`") && said.contains("called by `_start`"), "{said}");
}

#[test]
fn missing_imports_are_listed_all_at_once() {
    let object =
        wat::parse_str(r#"(module (import "env" "puts" (func)) (@custom "linking" ""))"#).unwrap();
    let folder = Folder::new(
        "imports",
        &[
            ("app.wat", SENSOR_USER),
            ("many.wat", MANY_IMPORTS),
            ("js.wat", JAVASCRIPT_MODULE),
            ("object.wasm", &object),
        ],
    );
    let session = folder.session(&[
        "--invoke main app.wat",
        "many.wat",
        "js.wat",
        "--invoke f js.wat",
        "--invoke main --stub-imports app.wat",
        "object.wasm",
        "--invoke f object.wasm",
    ]);
    golden("imports.txt", &session);
}

#[test]
fn modules_can_be_linked() {
    let other = br#"(module (func (export "read_sensor") (param i64) (result f64) (f64.const 0)))"#;
    let folder = Folder::new(
        "link",
        &[("app.wat", SENSOR_USER), ("sensor.wat", SENSOR), ("other.wat", other)],
    );
    let session = folder.session(&[
        "run --link env=sensor.wat --invoke main app.wat",
        "run --link env=other.wat --invoke main app.wat",
        "run --link env=other.wat --stub-imports --invoke main app.wat",
        "run --link env=missing.wat --invoke main app.wat",
    ]);
    golden("link.txt", &session);
}

#[test]
fn programs_get_what_is_granted_and_nothing_else() {
    let folder = Folder::new("grants", &[("data.txt", b"the data\n")]);
    let args = guest("args.wasm");
    let output = folder
        .riser()
        .args(["run", "--env", "A=1=2", "--env", "COPIED", "--env", "ABSENT", "--argv0", "me"])
        .arg(&args)
        .args(["--dir", "-v", "--", "two words"])
        .env("COPIED", "yes")
        .env("SECRET", "no")
        .env_remove("ABSENT")
        .output()
        .unwrap();
    let expected = "argument 0: me\nargument 1: --dir\nargument 2: -v\nargument 3: --\nargument 4: two words\n\
                    variable: A=1=2\nvariable: COPIED=yes\n";
    assert_eq!(text_of(&output.stdout), expected);
    assert_eq!(
        text_of(&output.stderr),
        "warning: --env ABSENT: there is no variable `ABSENT` to copy\n"
    );
    assert_eq!(output.status.code(), Some(4));

    let output = folder.riser().arg(&args).args(["--", "-x"]).output().unwrap();
    assert_eq!(text_of(&output.stdout), "argument 0: args.wasm\nargument 1: -x\n");

    let cat = guest("cat.wasm");
    let output = folder.riser().arg(&cat).arg("data.txt").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output.stderr).starts_with("cat: data.txt: "));
    for dir in [".", ".:ro"] {
        let output =
            folder.riser().args(["--dir", dir]).arg(&cat).arg("data.txt").output().unwrap();
        assert_eq!(stdout_of(output), "the data\n");
    }
    let output =
        folder.riser().args(["--dir", ".::/srv"]).arg(&cat).arg("/srv/data.txt").output().unwrap();
    assert_eq!(stdout_of(output), "the data\n");
    let output = folder.riser().args(["--stdin", "data.txt"]).arg(&cat).output().unwrap();
    assert_eq!(stdout_of(output), "the data\n");

    let session = folder.session(&[
        "--dir data.txt x.wasm",
        "--dir missing x.wasm",
        "--stdin missing x.wasm",
    ]);
    assert!(session.contains("x.wasm does not exist"), "{session}");
    std::fs::write(folder.path().join("x.wat"), "(module (func (export \"_start\")))").unwrap();
    let session = folder.session(&[
        "--dir data.txt x.wat",
        "--dir missing x.wat",
        "--dir .:/data x.wat",
        "--stdin missing x.wat",
    ]);
    golden("grants.txt", &session);
}

#[test]
fn a_module_can_come_from_standard_input() {
    let hello = std::fs::read(guest("hello.wasm")).unwrap();
    let output = with_input(riser().args(["run", "-"]), &hello);
    assert_eq!(stdout_of(output), "Hello from WebAssembly, WASI 1!\n");
    let output = with_input(riser().args(["--invoke", "add", "-", "40", "2"]), ADD);
    assert_eq!(stdout_of(output), "42\n");
}

#[test]
fn standard_streams_are_the_guest_s() {
    let input = "line\n".repeat(10_000);
    let output = with_input(riser().arg(guest("cat.wasm")), input.as_bytes());
    assert_eq!(stdout_of(output), input);
}

#[test]
fn mandelbrot_draws_its_picture() {
    let picture = stdout_of(riser().arg("run").arg(guest("mandelbrot.wasm")).output().unwrap());
    golden("mandelbrot.txt", &picture);
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let folder = Folder::new("pipe", &[("yes.wat", YES)]);
    let mut child = folder
        .riser()
        .args(["run", "yes.wat"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "y\n");
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it goes on although nobody reads");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(text_of(&output.stderr), "");
    assert_eq!(output.status.code(), Some(141));
}

#[test]
fn an_interrupt_ends_an_endless_program() {
    let endless = br#"(module (func (export "_start") (loop $l (br $l))))"#;
    let folder = Folder::new("interrupt", &[("endless.wat", endless)]);
    // Whoever runs the tests in the background may have them ignore interrupts, and children inherit that.
    let mut child = folder
        .command("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_riser"), "endless.wat"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it must still run");
    let kill = format!("kill -INT {}", child.id());
    let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(killed.success());
    // A shell reports the end by SIGINT (2) as status 130.
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn validate_says_nothing_of_valid_modules() {
    let invalid = b"(module (func $sum (export \"sum\") (result i32) (f64.const 1)))";
    let tail = b"(module (func $f (return_call $f)))";
    let folder =
        Folder::new("validate", &[("add.wat", ADD), ("invalid.wat", invalid), ("tail.wat", tail)]);
    let session = folder.session(&[
        "validate add.wat tail.wat",
        "validate add.wat invalid.wat missing.wat",
        "validate --wasm 2.0,tail-call tail.wat",
        "validate --wasm 2.0 tail.wat",
        "validate --wasm tail-call=off tail.wat",
    ]);
    golden("validate.txt", &session);
    let verbose = text_of(&folder.run(&["validate", "--verbose", "add.wat"]).stdout);
    assert!(verbose.starts_with("add.wat: valid, "), "{verbose}");
}

#[test]
fn inspect_shows_what_a_module_consists_of() {
    let rich = br#"(module $rich
      (type $point (struct (field (mut f64)) (field (mut f64))))
      (type $callback (func (param (ref null $point)) (result i32 i64)))
      (import "env" "log" (func $log (param i32)))
      (import "env" "limit" (global $limit (mut i32)))
      (memory (export "memory") 2 16)
      (memory $big i64 1)
      (table $callbacks 4 funcref)
      (tag $oops (param i32))
      (global $zero v128 (v128.const i64x2 0 0))
      (func $setup (call $log (i32.const 1)))
      (func $work (export "work") (param i32) (result i32)
        (memory.fill (i32.const 0) (i32.const 0) (local.get 0))
        (i64.store8 1 (i64.const 0) (i64.const 7))
        (drop (i32x4.splat (local.get 0)))
        (if (i32.eqz (local.get 0)) (then (throw $oops (i32.const 1))))
        (return_call $work (i32.sub (local.get 0) (i32.const 1))))
      (start $setup)
      (elem (i32.const 0) $setup)
      (data (i32.const 8) "hello"))"#;
    let invalid = b"(module (func $area (param f64) (result i32) (local.get 0)))";
    let asks = br#"(module
      (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "sock_accept" (func (param i32 i32 i32) (result i32)))
      (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (import "env" "memory" (memory 17 16384 shared))
      (import "sqlite" "open" (func))
      (func (export "_start")))"#;
    let many: String = (0..30).map(|i| format!("(func (export \"f{i}\"))")).collect();
    let many = format!("(module {many})");
    let folder = Folder::new(
        "inspect",
        &[
            ("rich.wat", rich),
            ("invalid.wat", invalid),
            ("many.wat", many.as_bytes()),
            ("asks.wat", asks),
            ("bad.wasm", b"\0asm\x01\0\0\0\x63\0"),
        ],
    );
    golden(
        "inspect.txt",
        &folder.session(&[
            "inspect rich.wat",
            "inspect invalid.wat",
            "inspect many.wat",
            "inspect asks.wat",
            "inspect bad.wasm",
        ]),
    );
    golden(
        "inspect-json.txt",
        &folder.session(&["inspect --json rich.wat", "inspect --json invalid.wat"]),
    );
    let all = stdout_of(folder.run(&["inspect", "--all", "many.wat"]));
    assert!(all.contains("f29") && !all.contains("--all"));
    let output = riser().arg("inspect").arg(guest("hello.wasm")).output().unwrap();
    assert!(stdout_of(output).contains("WASI 0.1 command"));
}

#[test]
fn wat_translates_both_ways() {
    let folder = Folder::new("wat", &[("add.wat", ADD), ("bad.wasm", b"\0asm\x01\0\0\0\x63\0")]);
    let output = folder.run(&["wat", "add.wat"]);
    assert!(output.status.success());
    assert_eq!(output.stdout, wat::parse_bytes(ADD).unwrap().as_ref());
    assert_eq!(stdout_of(folder.run(&["wat", "add.wat", "-o", "add.wasm"])), "");
    assert_eq!(std::fs::read(folder.path().join("add.wasm")).unwrap(), output.stdout);
    let text = stdout_of(folder.run(&["wat", "add.wasm"]));
    golden("add.wat", &text);
    let again = with_input(folder.riser().args(["wat", "-"]), text.as_bytes());
    assert_eq!(again.stdout, output.stdout);
    golden(
        "wat.txt",
        &folder.session(&["wat bad.wasm", "wat missing.wat", "wat add.wat -o no/such/folder"]),
    );
    // The text of a real program is the program.
    let hello = stdout_of(folder.riser().arg("wat").arg(guest("hello.wasm")).output().unwrap());
    std::fs::write(folder.path().join("hello.wat"), hello).unwrap();
    assert_eq!(stdout_of(folder.run(&["hello.wat"])), "Hello from WebAssembly, WASI 1!\n");
}

#[test]
fn wast_runs_scripts_and_tells_what_failed() {
    let passes = br#"(module (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3))
(assert_invalid (module (func (result i32))) "type mismatch")
"#;
    let fails = br#"(module (func (export "one") (result i32) (i32.const 1)))
(assert_return (invoke "one") (i32.const 1))
(assert_return (invoke "one") (i32.const 2))
(assert_trap (invoke "one") "unreachable")
"#;
    let folder = Folder::new(
        "wast",
        &[("passes.wast", passes), ("fails.wast", fails), ("broken.wast", b"(module\n  (fnc))\n")],
    );
    let session = folder.session(&[
        "wast passes.wast",
        "wast --verbose passes.wast fails.wast",
        "wast broken.wast",
        "wast missing.wast",
    ]);
    golden("wast.txt", &session);
}

#[test]
fn limits_end_programs_and_say_so() {
    let endless = br#"(module (func $go (export "_start") (loop $l (br $l))))"#;
    let large = br#"(module (memory 100) (func (export "_start")))"#;
    let tables = br#"(module (table 1000 funcref) (func (export "_start")))"#;
    // Asks for one page after the other until there is none, then stops at an assertion.
    let greedy = br#"(module (memory 1) (func $grow (export "_start")
        (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))"#;
    let waits = br#"(module
      (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 24) "\00\00\00\00\00\10\00\00")
      (func (export "_start")
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;
    let files: [(&str, &[u8]); 5] = [
        ("endless.wat", endless),
        ("large.wat", large),
        ("tables.wat", tables),
        ("greedy.wat", greedy),
        ("waits.wat", waits),
    ];
    let folder = Folder::new("limits", &files);
    let session = folder.session(&[
        // Where compiled code is interrupted, between two instructions, is not for a golden file.
        "--interp --timeout 100ms endless.wat",
        "--timeout 100ms waits.wat",
        "--fuel 1k endless.wat",
        "--max-memory 1M large.wat",
        "--max-memory 1M greedy.wat",
        "--max-table 999 tables.wat",
        "--max-memory 8M --max-table 1000 --timeout 1h --fuel 1T large.wat",
    ]);
    golden("limits.txt", &session);
}

#[test]
fn the_same_run_twice_is_the_same_when_it_is_deterministic() {
    let asks = br#"(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "look") (result i64 i64 i32)
        (drop (call $random (i32.const 0) (i32.const 8)))
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 8)))
        (i64.load (i32.const 0)) (i64.load (i32.const 8))
        (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))))"#;
    let folder = Folder::new("deterministic", &[("asks.wat", asks)]);
    let look = |more: &[&str]| {
        let args = [more, &["--invoke", "look", "asks.wat"]].concat();
        stdout_of(folder.run(&args))
    };
    assert_eq!(look(&["--deterministic"]), look(&["--deterministic"]));
    assert!(look(&["--deterministic"]).contains("\n946684800000"), "the year 2000");
    assert_ne!(look(&[]), look(&[]));
}

/// How deep a recursion gets depends on when the function gets better code, whose frames are smaller.
#[test]
fn a_deterministic_recursion_is_always_as_deep() {
    let deep = br#"(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\10\00\00\00\01\00\00\00")
      (func $deeper (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $deeper)))"#;
    let folder = Folder::new("deep", &[("deep.wat", deep)]);
    let depth = || {
        let output = folder.run(&["--deterministic", "--max-stack", "256K", "deep.wat"]);
        assert!(text_of(&output.stderr).contains("stack"), "{}", text_of(&output.stderr));
        output.stdout.len()
    };
    let first = depth();
    assert!(first > 100);
    (0..4).for_each(|_| assert_eq!(depth(), first));
}

#[test]
fn calls_of_the_system_are_traced() {
    let folder = Folder::new("trace", &[("data.txt", b"the \"data\"\n\x1b[2J\xff")]);
    let trace = |args: &[&str]| {
        let output = folder.riser().arg("--trace").args(args).output().unwrap();
        // Times differ from run to run.
        let text = text_of(&output.stderr);
        let lines = text.lines().map(|line| match line.rsplit_once(" <0.") {
            Some((call, _)) => format!("{call} <time>\n"),
            None => format!("{line}\n"),
        });
        lines.collect::<String>()
    };
    let cat = guest("cat.wasm");
    let cat = cat.to_str().unwrap();
    let mut text = trace(&["--dir", ".", cat, "data.txt", "missing"]);
    std::fs::write(folder.path().join("stub.wat"), SENSOR_USER).unwrap();
    text += &trace(&["--stub-imports", "--invoke", "main", "stub.wat"]);
    golden("trace.txt", &text);
}

#[test]
fn reports_say_what_was_used() {
    let folder = Folder::new("report", &[]);
    let hello = guest("hello.wasm");
    let output =
        folder.riser().args(["--report=json", "--fuel", "1M"]).arg(&hello).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(report["exit_status"], 0);
    assert_eq!(report["host_calls"]["fd_write"]["calls"], 1);
    assert!(report["fuel"].as_u64().unwrap() > 1000 && report["fuel"].as_u64().unwrap() < 100_000);
    assert!(report["functions_called"].as_u64().unwrap() < report["functions"].as_u64().unwrap());
    assert!(report["memory_bytes"].as_u64().unwrap() >= 65536);
    assert!(report["wall_seconds"].as_f64().unwrap() > 0.0);
    let tiers = &report["tiers"];
    let made = ["baseline", "optimized"].map(|tier| tiers[tier]["functions"].as_u64().unwrap());
    let kept = tiers["functions_from_cache"].as_u64().unwrap();
    assert!(made.iter().sum::<u64>() + kept >= report["functions_called"].as_u64().unwrap());
    let output = folder.riser().arg("--report").arg(&hello).output().unwrap();
    let text = text_of(&output.stderr);
    for word in ["Report of ", "wall time", "system calls    2", "fd_write", "functions "] {
        assert!(text.contains(word), "{text}");
    }
    // The report of a program that traps comes behind the error.
    std::fs::write(folder.path().join("trap.wat"), TRAP).unwrap();
    let text = text_of(&folder.run(&["--report", "trap.wat"]).stderr);
    let (error, report) = (text.find("trapped"), text.find("exit status     134"));
    assert!(error.is_some() && error < report, "{text}");
    assert_eq!(folder.run(&["--report", "trap.wat"]).status.code(), Some(134));
}

/// Runs for long enough, in one function, to be replaced in its loop and to be looked at often.
const LONG: &str = r#"(module (func (export "long") (param i64) (result i64) (local i64)
    (loop
        (local.set 1 (i64.add (i64.mul (local.get 1) (i64.const 3)) (local.get 0)))
        (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
        (br_if 0 (i64.ne (local.get 0) (i64.const 0))))
    (local.get 1)))"#;

#[test]
fn reports_say_which_compilers_made_what_ran() {
    let folder = Folder::new("report-tiers", &[("long.wat", LONG.as_bytes())]);
    let run = |tier: &str, turns: &str| {
        let args = ["--no-cache", tier, "--report=json", "--invoke", "long", "long.wat", turns];
        let output = folder.riser().args(args).output().unwrap();
        assert!(output.status.success(), "{}", text_of(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stderr).unwrap()
    };
    assert!(run("--tier=interp", "10")["tiers"].is_null());
    if riser_sys::ELF_MACHINE != 62 {
        return;
    }
    let tiers = &run("--tier=auto", "400000000")["tiers"];
    assert_eq!(tiers["baseline"]["functions"], 1, "{tiers}");
    assert_eq!(tiers["loops_replaced"], 1, "{tiers}");
    assert!(tiers["optimized"]["samples"].as_u64().unwrap() > 20, "{tiers}");
    assert!(tiers["mostly_optimized_after_seconds"].as_f64().unwrap() > 0.0, "{tiers}");
    let tiers = &run("--tier=baseline", "100000000")["tiers"];
    assert!(tiers["baseline"]["samples"].as_u64().unwrap() > 0, "{tiers}");
    assert_eq!(tiers["optimized"]["samples"], 0, "{tiers}");
    assert!(tiers["mostly_optimized_after_seconds"].is_null(), "{tiers}");
}

#[test]
fn variables_come_from_files_too() {
    let env = b"# a comment\n\nA=1\n  B=x=y\nCOPIED\n";
    let folder = Folder::new("env-file", &[("env", env), ("bad", b"\xff")]);
    let mut command = folder.riser();
    command
        .args(["--env-file", "env", "--env", "A=2"])
        .arg(guest("args.wasm"))
        .env("COPIED", "yes");
    let printed = text_of(&command.output().unwrap().stdout);
    assert_eq!(
        printed,
        "argument 0: args.wasm\nvariable: A=2\nvariable: B=x=y\nvariable: COPIED=yes\n"
    );
    let args = guest("args.wasm");
    let output = folder.riser().args(["--env-file", "bad"]).arg(args).output().unwrap();
    assert!(text_of(&output.stderr).contains("bad is not text"));
}

#[test]
fn sockets_are_opened_for_the_program() {
    // Accepts one connection on descriptor 3, answers, and ends.
    let server = br#"(module
      (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\10\00\00\00\06\00\00\00")
      (data (i32.const 16) "hello\n")
      (func (export "_start")
        (if (call $accept (i32.const 3) (i32.const 0) (i32.const 8)) (then (call $exit (i32.const 1))))
        (drop (call $send (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 12)))))"#;
    let folder = Folder::new("listen", &[("server.wat", server)]);
    let mut child = folder
        .riser()
        .args(["--listen", "0", "--timeout", "60s", "server.wat"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("riser: listening on ").expect(&line);
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut std::net::TcpStream::connect(address).unwrap(), &mut answer)
        .unwrap();
    assert_eq!(answer, "hello\n");
    assert!(child.wait().unwrap().success());
}

/// The long options that the help of all commands lists.
fn listed_options() -> Vec<String> {
    let mut options = Vec::new();
    for command in ["run", "validate", "inspect", "wat", "wast", "completions", "man"] {
        let help = stdout_of(riser().args(["help", command]).output().unwrap());
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        for word in lines.flat_map(|line| line.split([' ', ',', '[', '='])) {
            if word.starts_with("--") && !options.iter().any(|known| known == word) {
                options.push(word.to_string());
            }
        }
    }
    assert!(options.len() > 25, "{options:?}");
    options
}

#[test]
fn completions_and_man_pages_have_every_option() {
    let options = listed_options();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout_of(riser().args(["completions", shell]).output().unwrap());
        for option in &options {
            // Fish has the names without the dashes.
            let name =
                if shell == "fish" { format!("-l {}", &option[2..]) } else { option.clone() };
            assert!(script.contains(&name), "{shell} does not complete {option}");
        }
        if shell == "bash" {
            let checked = with_input(Command::new("bash").arg("-n"), script.as_bytes());
            assert_eq!(text_of(&checked.stderr), "");
        }
    }
    let folder = Folder::new("man", &[("file", b"")]);
    assert_eq!(stdout_of(folder.run(&["man", "-o", "share/man1"])), "");
    let mut pages = String::new();
    let commands =
        ["run", "compile", "validate", "inspect", "wat", "wast", "cache", "completions", "man"];
    for command in [String::new()].into_iter().chain(commands.map(|name| format!("-{name}"))) {
        let path = folder.path().join(format!("share/man1/riser{command}.1"));
        pages += &std::fs::read_to_string(path).unwrap().replace("\\-", "-");
    }
    let own = stdout_of(riser().arg("man").output().unwrap()).replace("\\-", "-");
    for option in &options {
        assert!(pages.contains(option.as_str()), "no page has {option}");
        let others = ["--json", "--all", "--output", "--clif", "--asm", "--compiler"];
        let of_run = !others.contains(&option.as_str());
        assert!(!of_run || own.contains(option.as_str()), "riser(1) has no {option}");
    }
    let session = folder.session(&["man vaildate", "completions tcsh", "man -o file"]);
    golden("man.txt", &session);
}

/// The program of `crates/riser-inspect/tests/fixtures/`, which has debug information.
const AVERAGE: &str = "../riser-inspect/tests/fixtures/average.wasm";

#[test]
fn traps_name_the_file_and_the_line() {
    let average =
        std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(AVERAGE)).unwrap();
    let folder = Folder::new("dwarf", &[("average.wasm", &average)]);
    golden("dwarf.txt", &folder.session(&["--invoke main average.wasm 0"]));
}

#[test]
fn threads_are_limited_traced_and_ended_as_others_are() {
    let waits = br#"(module
      (import "env" "memory" (memory 2 40 shared))
      (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (export "memory" (memory 0))
      (data (i32.const 16) "\18\00\00\00\06\00\00\00hello\n")
      (func $spin (export "wasi_thread_start") (param i32 i32) (loop br 0))
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))
        (drop (call $spawn (i32.const 1)))
        (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"#;
    let folder = Folder::new("threads", &[("waits.wat", waits)]);
    let output = folder.run(&["--trace", "--timeout", "100ms", "waits.wat"]);
    assert_eq!(output.status.code(), Some(124));
    let said = text_of(&output.stderr);
    assert!(said.starts_with("fd_write(1, \"hello\\n\") = 6 <"), "{said}");
    assert!(said.contains("waits.wat was stopped: its time of 100ms was up"), "{said}");
    let output = folder.run(&["--max-memory", "64K", "waits.wat"]);
    assert!(text_of(&output.stderr).contains("needs 128 KiB of memory"));
    let output = folder.run(&["--fuel", "10k", "waits.wat"]);
    assert_eq!(output.status.code(), Some(134));
}

#[test]
fn a_program_that_waits_for_input_ends_when_its_time_is_up() {
    let mut child = riser()
        .args(["--timeout", "100ms"])
        .arg(guest("cat.wasm"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It stays open, and nothing comes.
    let input = child.stdin.take();
    let status = child.wait().unwrap();
    drop(input);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(status.code(), Some(124), "{said}");
    assert!(said.contains("its time of 100ms was up\n  in "), "it knows where it was: {said}");
}

/// A page of the book.
fn page(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_book_names_no_option_that_is_not_there() {
    // Options of cargo, rustup, zig and of programs in examples, and names that stand for others.
    let foreign = [
        "--path",
        "--target",
        "--args",
        "--jit",
        "--sort",
        "--strip",
        "--release",
        "--open",
        "--color",
        "--size",
        "--version",
        "--help",
    ];
    let options = listed_options();
    let mut found = 0;
    for name in ["getting-started.md", "running.md", "sandbox.md", "errors.md", "embedding.md"] {
        let text = page(name);
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        for (at, _) in text.match_indices("--") {
            let word: String = text[at..].chars().take_while(|c| is_part(*c)).collect();
            let is_option = word.len() > 3 && !text[..at].ends_with(|c: char| is_part(c));
            if is_option && !foreign.contains(&&*word) {
                assert!(options.contains(&word), "docs/{name} names {word}");
                found += 1;
            }
        }
    }
    assert!(found > 60, "only {found} options were found");
}

#[test]
fn the_first_program_of_the_book_prints_what_it_says() {
    let text = page("getting-started.md");
    let program = text.split("```\n").find(|block| block.starts_with("(module")).unwrap();
    let session = text.split("```\n").find(|block| block.starts_with("$ riser")).unwrap();
    let (line, printed) = session.split_once('\n').unwrap();
    let folder = Folder::new("book", &[("add.wat", program.as_bytes())]);
    let words: Vec<&str> = line.split(' ').skip(2).collect();
    assert_eq!(stdout_of(folder.run(&words)), printed);
}
