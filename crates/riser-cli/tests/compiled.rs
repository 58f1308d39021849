//! Compiled code as users of the command see it.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use common::{Folder, guest, stdout_of, text_of, with_input};

const ADD: &[u8] = br#"(module
  (import "env" "log" (func $log (param i32)))
  (func $_ZN3app3add17h05af221e174051e9E (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func $spin (loop (br 0))))
"#;

#[test]
fn what_the_compiler_makes_of_a_function_is_shown() {
    let folder = Folder::new("inspect-code", &[("add.wat", ADD)]);
    let show = |form: &str, func: &str| stdout_of(folder.run(&["inspect", form, func, "add.wat"]));
    let clif = show("--clif", "add");
    assert!(clif.starts_with("; `app::add` (func 1): (i32, i32) -> i32\nfunction u0:1("), "{clif}");
    assert_eq!(clif.matches("iadd").count(), 2, "before and after: {clif}");
    for func in ["1", "app::add", "_ZN3app3add17h05af221e174051e9E", "wasm[1]"] {
        assert_eq!(show("--clif", func), clif);
    }
    let assembly = show("--asm", "$spin");
    assert!(assembly.starts_with("# `spin` (func 2): () -> ()\n"), "{assembly}");
    assert!(assembly.contains("j"), "{assembly}");
}

/// Jumps, a table of them, a division that traps, a constant, a call with an exception handler and one with a live reference.
const LISTED: &[u8] = br#"(module
  (tag $e)
  (func $leaf (param i32) (result i32)
    (block $a (block $b (block $c (br_table $a $b $c (local.get 0)))
      (return (i32.const 10)))
      (return (i32.const 20)))
    (i32.const 30))
  (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $constant (param v128) (result v128)
    (i8x16.add (local.get 0) (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)))
  (func $catches (param externref) (result externref)
    (block (try_table (catch $e 0) (drop (call $leaf (i32.const 1)))))
    (local.get 0))
)"#;

#[test]
fn machine_code_is_shown_with_operators_and_what_is_known_of_it() {
    if riser_sys::ELF_MACHINE != 62 {
        return;
    }
    let folder = Folder::new("inspect-listing", &[("listed.wat", LISTED)]);
    let show = |func: &str| {
        let text = stdout_of(folder.run(&["inspect", "--asm", func, "listed.wat"]));
        assert!(
            !text.contains('\u{1b}') && !text.contains("(bad)"),
            "no colours in a file: {text}"
        );
        text
    };
    let leaf = show("leaf");
    assert_eq!(leaf.matches(".long").count(), 3, "{leaf}");
    let returns = leaf.lines().filter(|line| line.ends_with("  ret")).count();
    assert_eq!(returns, 3, "what is behind the table is code again: {leaf}");
    for constant in ["$0xa,", "$0x14,", "$0x1e,"] {
        assert!(leaf.contains(constant), "{leaf}");
    }
    assert!(leaf.contains(" br_table"), "{leaf}");
    let divide = show("divide");
    assert!(divide.contains(" i32.div_s\n"), "{divide}");
    let idiv = divide.lines().find(|line| line.contains("idiv")).expect("a division");
    assert!(idiv.ends_with("# traps: integer overflow"), "{idiv}");
    assert!(divide.contains("# traps: integer divide by zero"), "{divide}");
    let constant = show("constant");
    assert!(constant.contains(".byte 0x01, 0x02, 0x03"), "{constant}");
    assert!(
        constant.lines().filter(|line| line.contains(" add ")).count() == 0,
        "no gap is read: {constant}"
    );
    let catches = show("catches");
    let call = catches.lines().find(|line| line.contains("  call ")).expect("a call");
    assert!(call.contains("# references at ") && call.contains("tag 0 to "), "{call}");
    // Of each operator where it is in the body, and what is in slots during a call.
    let shown = |args: &[&str]| {
        stdout_of(folder.run(&[&["inspect"], args, &["catches", "listed.wat"]].concat()))
    };
    let baseline = shown(&["--asm=baseline"]);
    assert_eq!(baseline, shown(&["--compiler", "baseline", "--asm"]));
    assert_ne!(baseline, catches);
    for operator in [" call 0 ", " end @0 "] {
        assert!(baseline.contains(operator), "no {operator}: {baseline}");
    }
    let call = baseline.lines().find(|line| line.contains("references at ")).expect("a call");
    assert!(call.contains("call") && call.contains("tag 0 to "), "{call}");
    assert!(baseline.contains("  subl $") && baseline.contains("  js "), "it counts: {baseline}");
    assert_eq!(catches, shown(&["--asm=opt"]));
    let colored =
        stdout_of(folder.run(&["--color=always", "inspect", "--asm", "leaf", "listed.wat"]));
    assert!(colored.contains('\u{1b}'), "{colored}");
}

#[test]
fn functions_that_cannot_be_shown_are_explained() {
    let invalid = b"(module (func $bad (result i32)))";
    let files: [(&str, &[u8]); 2] = [("add.wat", ADD), ("bad.wat", invalid)];
    let folder = Folder::new("inspect-code-errors", &files);
    let error = |args: &[&str]| {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(1));
        text_of(&output.stderr)
    };
    let imported = error(&["inspect", "--asm", "0", "add.wat"]);
    assert!(imported.contains("is imported"), "{imported}");
    let beyond = error(&["inspect", "--asm", "3", "add.wat"]);
    assert!(beyond.contains("it has 3 functions"), "{beyond}");
    let near = error(&["inspect", "--clif", "spinn", "add.wat"]);
    assert!(near.contains("did you mean `spin`?"), "{near}");
    let part = error(&["inspect", "--clif", "pp::a", "add.wat"]);
    assert!(part.contains("did you mean `app::add`?"), "{part}");
    let bad = error(&["inspect", "--clif", "bad", "bad.wat"]);
    assert!(bad.contains("bad.wat is not valid"), "{bad}");
}

/// A program that prints its arguments' number, and one that fails.
const PROGRAM: &[u8] = br#"(module
  (func $square (export "square") (param i32) (result i32)
    (i32.mul (local.get 0) (local.get 0)))
  (func (export "third") (param i32) (result i32)
    (i32.div_u (i32.const 1) (i32.sub (local.get 0) (local.get 0)))))
"#;

#[test]
fn what_was_compiled_runs_like_its_module() {
    let folder = Folder::new("compiled", &[("app.wat", PROGRAM)]);
    assert_eq!(stdout_of(folder.run(&["compile", "app.wat"])), "");
    let square = |args: &[&str]| stdout_of(folder.run(&[args, &["app.rsr", "12"]].concat()));
    assert_eq!(square(&["run", "--invoke", "square"]), "144\n");
    assert_eq!(square(&["--invoke", "square"]), "144\n");
    assert_eq!(square(&["--interp", "--invoke", "square"]), "144\n");
    assert_eq!(square(&["--no-cache", "--invoke", "square"]), "144\n");
    assert_eq!(square(&["--timeout", "1m", "--invoke", "square"]), "144\n");
    let trap = |file: &str| {
        let output = folder.run(&["--invoke", "third", file, "1"]);
        assert_eq!(output.status.code(), Some(134));
        text_of(&output.stderr).replace("app.rsr", "app.wat")
    };
    assert_eq!(trap("app.rsr"), trap("app.wat"));
    let first = fs::read(folder.path().join("app.rsr")).unwrap();
    stdout_of(folder.run(&["compile", "app.wat", "-o", "other.rsr"]));
    assert!(
        fs::read(folder.path().join("other.rsr")).unwrap() == first,
        "it is the same each time"
    );
    let wat = stdout_of(folder.run(&["wat", "app.rsr"]));
    assert!(wat.contains("i32.mul"), "{wat}");
    assert!(stdout_of(folder.run(&["inspect", "app.rsr"])).contains("square"));
    assert_eq!(stdout_of(folder.run(&["validate", "app.rsr"])), "");
}

#[test]
fn a_program_that_runs_is_replaced_and_not_changed() {
    let folder = Folder::new("compiled-replaced", &[("app.wat", PROGRAM)]);
    let inode = || fs::metadata(folder.path().join("app.rsr")).unwrap().ino();
    stdout_of(folder.run(&["compile", "app.wat"]));
    let first = inode();
    stdout_of(folder.run(&["compile", "app.wat"]));
    assert_ne!(inode(), first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
}

#[test]
fn code_that_cannot_be_used_is_made_anew() {
    let folder = Folder::new("compiled-other", &[("app.wat", PROGRAM)]);
    stdout_of(folder.run(&["compile", "--deterministic", "app.wat"]));
    let run = |options: &[&str]| {
        let output = folder.run(&[options, &["--invoke", "square", "app.rsr", "3"]].concat());
        assert_eq!(text_of(&output.stdout), "9\n");
        text_of(&output.stderr)
    };
    assert_eq!(run(&["--deterministic"]), "");
    let said = run(&[]);
    assert!(said.starts_with("warning: the code in app.rsr is not used: "), "{said}");
    assert!(said.contains("canonicalize_nans=true"), "{said}");
    assert_eq!((run(&["-q"]), run(&["--interp"])), (String::new(), String::new()));
    let whole = fs::read(folder.path().join("app.rsr")).unwrap();
    let piped = with_input(
        folder.riser().args(["--deterministic", "--invoke", "square", "-", "4"]),
        &whole,
    );
    assert_eq!(stdout_of(piped), "16\n");
    fs::write(folder.path().join("app.rsr"), &whole[..whole.len() / 2]).unwrap();
    let output = folder.run(&["--invoke", "square", "app.rsr", "3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output.stderr).contains("`riser compile`"), "{}", text_of(&output.stderr));
}

#[test]
fn what_cannot_be_compiled_is_explained() {
    let invalid = b"(module (func $bad (result i32)))";
    let files: [(&str, &[u8]); 2] = [("app.wat", PROGRAM), ("bad.wat", invalid)];
    let folder = Folder::new("compiled-errors", &files);
    let error = |args: &[&str], status: i32| {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(status));
        text_of(&output.stderr)
    };
    assert!(error(&["compile", "bad.wat"], 1).contains("bad.wat is not valid"));
    assert!(error(&["compile", "nothing.wasm"], 1).contains("does not exist"));
    assert!(error(&["compile", "app.wat", "-o", "no/app.rsr"], 1).contains("cannot be written"));
    assert!(error(&["compile", "-"], 2).contains("-o OUT"));
    stdout_of(folder.run(&["compile", "app.wat"]));
    assert!(error(&["compile", "app.rsr"], 2).contains("compiled already"));
    assert!(error(&["--interp", "--profile=perfmap", "app.wat"], 2).contains("--profile"));
}

#[test]
fn profilers_learn_the_names_of_functions() {
    let folder = Folder::new("profiled", &[("app.wat", PROGRAM)]);
    let run = |form: &str| {
        let mut command = folder.riser();
        command.args([form, "--invoke", "square", "app.wat", "5"]);
        let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let id = child.id();
        assert_eq!(stdout_of(child.wait_with_output().unwrap()), "25\n");
        id
    };
    let map = format!("/tmp/perf-{}.map", run("--profile=perfmap"));
    let lines = fs::read_to_string(&map).unwrap();
    fs::remove_file(map).unwrap();
    assert!(lines.lines().any(|line| line.ends_with(" square")), "{lines}");
    let dump = folder.path().join(format!("jit-{}.dump", run("--profile=jitdump")));
    let bytes = fs::read(dump).unwrap();
    assert!(bytes.starts_with(b"DTiJ"), "{:?}", &bytes[..4]);
    assert!(bytes.windows(7).any(|bytes| bytes == b"square\0"));
}

#[test]
fn real_programs_run_from_compiled_files() {
    let folder = Folder::new("compiled-program", &[]);
    let program = guest("hello.wasm");
    let program = program.to_str().unwrap();
    let module = stdout_of(folder.run(&["--interp", program]));
    stdout_of(folder.run(&["compile", program, "-o", "program.rsr"]));
    assert_eq!(stdout_of(folder.run(&["program.rsr"])), module);
}

/// A memory at its end, a trap behind it, recursion without end.
const MEMORY: &[u8] = br#"(module
  (memory 1)
  (func (export "at") (param i32) (result i32)
    (i32.store (local.get 0) (i32.const 42)) (i32.load (local.get 0)))
  (func $deep (export "deep") (param i32) (result i32) (call $deep (local.get 0))))
"#;

#[test]
#[cfg(target_os = "linux")]
fn programs_run_where_address_space_is_short() {
    let folder = Folder::new("short-of-addresses", &[("memory.wat", MEMORY)]);
    // In KiB: less than one memory with guards would take.
    let limited = |words: &str| {
        let shell = format!("ulimit -v 4000000; exec '{}' {words}", env!("CARGO_BIN_EXE_riser"));
        folder.command("sh").args(["-c", &shell]).output().unwrap()
    };
    let hello = guest("hello.wasm");
    let hello = Path::new(&hello).display();
    let free = stdout_of(folder.riser().arg("--no-cache").arg(hello.to_string()).output().unwrap());
    assert_eq!(stdout_of(limited(&format!("--no-cache '{hello}'"))), free);
    for way in ["--no-cache", "--interp"] {
        let call = |call: &str| limited(&format!("{way} --invoke {call}"));
        assert_eq!(stdout_of(call("at memory.wat 65532")), "42\n");
        for (words, message) in [
            ("at memory.wat 65533", "out of bounds memory access"),
            ("at memory.wat -1", "out of bounds memory access"),
            ("deep memory.wat 1", "call stack exhausted"),
        ] {
            let output = call(words);
            let said = text_of(&output.stderr);
            assert!(!output.status.success() && said.contains(message), "{way} {words}: {said}");
        }
    }
}

/// A program of one long function that is hot at once, and takes the optimizing compiler far longer than it runs.
fn hot_and_long(statements: u32) -> String {
    let mut text =
        String::from(r#"(module (func $long (param i64) (result i64) (local i64 i64 i64)"#);
    for nth in 0..statements {
        let (to, other) = (1 + nth % 3, 1 + (nth + 1) % 3);
        text += &format!(
            "(local.set {to} (i64.add (local.get {other}) (i64.mul (local.get {to}) (i64.const {}))))
             (if (i64.lt_u (local.get {to}) (local.get 0)) (then (local.set {other} (i64.const {nth}))))",
            2 * nth + 1
        );
    }
    text + r#"(local.get 1))
        (func (export "run") (param i32) (result i64) (local i64)
            (loop (local.set 1 (i64.add (local.get 1) (call $long (i64.extend_i32_u (local.get 0)))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#
}

#[test]
fn the_end_of_a_program_waits_for_no_compiler() {
    let text = hot_and_long(10_000);
    let folder = Folder::new("end-while-compiling", &[("long.wat", text.as_bytes())]);
    let run = |args: &[&str]| {
        let begun = std::time::Instant::now();
        let mut command = folder.riser();
        command.args(args).args(["--no-cache", "--invoke", "run", "long.wat", "4000"]);
        (stdout_of(command.output().unwrap()), begun.elapsed())
    };
    let (expected, optimized) = run(&["--tier=opt"]);
    let fastest = (0..5).map(|_| {
        let (result, time) = run(&[]);
        assert_eq!(result, expected);
        time
    });
    let fastest = fastest.min().unwrap();
    println!("{fastest:?}, and {optimized:?} for who waits for the compiler");
    let tiers = riser_sys::ELF_MACHINE == 62;
    assert!(!tiers || fastest < optimized, "{fastest:?}, {optimized:?}");
}
