//! Each program in `guests/` does what its first lines say.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use common::{Program, Scratch};
use riser::{Trap, WasmBacktrace};
use riser_testkit::golden;

fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../guests/{name}.wasm"))
}

fn program(name: &str, args: &[&str]) -> Program {
    Program::new(guest(name), &[&[name], args].concat())
}

#[test]
fn hello_prints_a_line() {
    assert_eq!(program("hello", &[]).run().quiet_success(), "Hello from WebAssembly, WASI 1!\n");
}

#[test]
fn args_prints_arguments_and_environment() {
    let outcome = program("args", &["a b", "c"]).env("K", "v=w").run();
    assert_eq!(outcome.status, 2);
    let expected = "argument 0: args\nargument 1: a b\nargument 2: c\nvariable: K=v=w\n";
    assert_eq!(outcome.text(), expected);
}

#[test]
fn mandelbrot_draws() {
    let drawn = program("mandelbrot", &[]).run().quiet_success();
    assert_eq!(drawn.lines().count(), 36);
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mandelbrot.txt");
    golden::check(expected, &drawn);
}

#[test]
fn cat_copies_files_and_standard_input() {
    let scratch = Scratch::new();
    scratch.file("a", "one\n");
    let cat = |args: &[&str]| program("cat", args).dir(scratch.path(), "/").stdin("two\n").run();
    assert_eq!(cat(&["a", "-", "/a"]).quiet_success(), "one\ntwo\none\n");
    let outcome = cat(&["missing", "a"]);
    assert_eq!((outcome.status, outcome.text().as_str()), (1, "one\n"));
    assert_eq!(outcome.stderr, "cat: missing: No such file or directory\n");
}

#[test]
fn wc_counts() {
    let scratch = Scratch::new();
    scratch.file("a", "one two\nthree\n");
    scratch.file("d/b", "  x");
    let wc =
        |args: &[&str]| program("wc", args).dir_read_only(scratch.path(), ".").stdin("\n").run();
    assert_eq!(wc(&[]).quiet_success(), "      1       0       1\n");
    let expected =
        "      2       3      14 a\n      0       1       3 d/b\n      2       4      17 total\n";
    assert_eq!(wc(&["a", "d/b"]).quiet_success(), expected);
    let outcome = wc(&["/etc/passwd"]);
    assert_eq!((outcome.status, outcome.text()), (1, String::new()));
}

#[test]
fn ls_lists_folders_in_folders() {
    let scratch = Scratch::new();
    scratch.file("a", "12345");
    scratch.file("d/e/f", "");
    scratch.file("d/z", "1");
    std::os::unix::fs::symlink("../a", scratch.path().join("d/link")).unwrap();
    let listed = program("ls", &["/x"]).dir_read_only(scratch.path(), "/x").run().quiet_success();
    let expected = "/x:\na 5\nd/\n\n/x/d:\ne/\nlink -> ../a\nz 1\n\n/x/d/e:\nf 0\n";
    assert_eq!(listed, expected);
    let outcome = program("ls", &["/y"]).dir_read_only(scratch.path(), "/x").run();
    assert_eq!(outcome.status, 1);
    assert!(outcome.stderr.starts_with("ls: /y: "), "{}", outcome.stderr);
}

#[test]
fn grep_finds_lines() {
    let scratch = Scratch::new();
    scratch.file("a", "fn main() {\n    let x = 1;\n}\n");
    scratch.file("b", "x+y\n\nxx\n");
    let grep = |args: &[&str]| {
        program("grep", args).dir_read_only(scratch.path(), ".").stdin("in\n").run()
    };
    assert_eq!(grep(&["x", "a", "b"]).quiet_success(), "a:    let x = 1;\nb:x+y\nb:xx\n");
    assert_eq!(grep(&["^[a-z]+ [^ ]*()", "a"]).quiet_success(), "fn main() {\n");
    assert_eq!(grep(&["^x\\+*y?$", "b"]).quiet_success(), "x+y\n");
    assert_eq!(grep(&["^$", "b"]).quiet_success(), "\n");
    assert_eq!(grep(&["i.$"]).quiet_success(), "in\n");
    assert_eq!(grep(&["z", "a"]).status, 1);
    assert_eq!(grep(&["x", "a", "missing"]).status, 2);
    assert_eq!(grep(&[]).stderr, "usage: grep PATTERN [FILE...]\n");
}

#[test]
fn sha256_agrees_with_the_standards_examples() {
    let sum = |text: &str| program("sha256", &[]).stdin(text).run().quiet_success();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n";
    assert_eq!(sum("abc"), abc);
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -\n";
    assert_eq!(sum(""), empty);
    let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0  -\n";
    assert_eq!(sum(&"a".repeat(1_000_000)), million);
}

#[test]
fn echo_serves_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let clients = std::thread::spawn(move || {
        let long = "x".repeat(300_000);
        for message in ["hello", "", &long] {
            let mut connection = TcpStream::connect(address).unwrap();
            let mut writer = connection.try_clone().unwrap();
            let sent = message.to_owned();
            let writing = std::thread::spawn(move || {
                writer.write_all(sent.as_bytes()).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            writing.join().unwrap();
            assert!(answer == message, "{} bytes came back", answer.len());
        }
        TcpStream::connect(address).unwrap().write_all(b"quit\n").unwrap();
    });
    let outcome = program("echo", &[]).socket(listener).run();
    clients.join().unwrap();
    assert_eq!(outcome.quiet_success(), "served 3 connections\n");
    let outcome = program("echo", &[]).run();
    assert_eq!(outcome.status, 1);
    assert!(outcome.stderr.starts_with("echo: no socket to serve: "), "{}", outcome.stderr);
}

#[test]
fn threads_count_primes() {
    assert_eq!(program("threads", &[]).run().quiet_success(), "primes below 20000: 2262\n");
}

#[test]
fn exceptions_are_thrown_and_caught() {
    let add = |text: &str| program("exceptions", &[text]).run();
    assert_eq!(add("12ab3").quiet_success(), "sum 06 letters 02 \n");
    let outcome = add("12ab!3");
    let expected = "an exclamation mark ended it\nsum 03 letters 02 \n";
    assert_eq!((outcome.status, outcome.text().as_str()), (1, expected));
    let outcome = add("4a?!");
    let expected = "a question mark ended it\nsum 04 letters 01 \n";
    assert_eq!((outcome.status, outcome.text().as_str()), (2, expected));
}

#[test]
fn trap_traps_three_calls_deep_with_debug_information() {
    assert_eq!(program("trap", &[]).stdin("1 3 5").run().quiet_success(), "average 3\n");
    let (ended, _) = program("trap", &[]).try_run();
    let error = ended.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::IntegerDivisionByZero));
    let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
    let names: Vec<_> = trace.frames().iter().map(|frame| frame.func_name().unwrap()).collect();
    assert_eq!(names, ["divide", "average", "_start"]);
    let bytes = std::fs::read(guest("trap")).unwrap();
    assert!(bytes.windows(11).any(|window| window == b".debug_line"));
}

#[test]
fn memory64_sieves_primes() {
    assert_eq!(program("memory64", &[]).run().quiet_success(), "78498 primes below 1000000\n");
}

#[test]
fn simd_turns_a_picture_grey() {
    let (width, height) = (37, 5);
    let pixels: Vec<u8> = (0..3 * width * height).map(|at| (at * 7 + at / 3) as u8).collect();
    let mut picture = format!("P6 {width} {height} 255\n").into_bytes();
    picture.extend(&pixels);
    let outcome = program("simd", &[]).stdin(picture).run();
    let grey = |pixel: &[u8]| {
        ((u32::from(pixel[0]) * 77 + u32::from(pixel[1]) * 150 + u32::from(pixel[2]) * 29) >> 8)
            as u8
    };
    let mut expected = format!("P5\n{width} {height}\n255\n").into_bytes();
    for row in pixels.chunks(3 * width).rev() {
        expected.extend(row.chunks(3).map(grey));
    }
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout == expected);
    assert_eq!(program("simd", &[]).stdin("no picture").run().status, 1);
}
