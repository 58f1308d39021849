//! `cargo xtask aarch64`: the tests of the core as programs for aarch64 Linux, on whatever machine this is: Debian's `qemu-user` runs
//! them. They are the tests of the crates next to the machine, those of the library where it matters, and the official suite in
//! compiled code.
//!
//! It needs a linker and an emulator, and the standard library for that machine: as a target that is installed, or, with a nightly
//! compiler, as sources, which are then built.

use crate::tree;
use std::path::Path;
use std::process::{Command, Stdio};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64";
/// Where the emulator finds the C library, which comes with the linker.
const RUNNER: &str = "qemu-aarch64 -L /usr/aarch64-linux-gnu";

/// What cargo is told besides the arguments. The last is for tests that start themselves.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER),
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER),
    ("RISER_EMULATOR", RUNNER),
];

/// The tests of the library in which frames, faults, signals and other threads matter.
const LIBRARY: [&str; 7] = ["calls", "epochs", "exceptions", "gc", "objects", "signals", "threads"];

/// The ways in which the suite runs: see `crates/riser-testkit/tests/spec.rs`.
const WAYS: [&str; 2] = ["opt", "opt-gc-stress"];

/// Builds the tests, and runs them.
pub fn run(args: &[String]) -> Result<(), String> {
    if !args.is_empty() {
        return Err("usage: cargo xtask aarch64".into());
    }
    check_program(LINKER, "gcc-aarch64-linux-gnu")?;
    check_program(EMULATOR, "qemu-user")?;
    let mut command = vec!["test", "--target", TARGET];
    command.extend(standard_library()?);
    let units = ["--package", "riser-sys", "--package", "riser-vm", "--lib"];
    // The emulator's list of mappings is its own: it does not say that pages are shared.
    let skipped = ["--", "--skip", "code_is_on_the_pages_that_were_asked_for"];
    tree::cargo(&[&command[..], &units, &skipped].concat(), &ENVIRONMENT)?;
    let tests = LIBRARY.into_iter().flat_map(|name| ["--test", name]);
    let library = ["--package", "riser"].into_iter().chain(tests);
    tree::cargo(&command.iter().copied().chain(library).collect::<Vec<_>>(), &ENVIRONMENT)?;
    let suite = ["--package", "riser-testkit", "--test", "spec", "--", "--nocapture"];
    for way in WAYS {
        let environment = [&ENVIRONMENT[..], &[("RISER_SPEC_WAY", way)]].concat();
        tree::cargo(&[&command[..], &suite].concat(), &environment)?;
    }
    Ok(())
}

/// Whether a program is there.
fn check_program(name: &str, package: &str) -> Result<(), String> {
    let status =
        Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name} --version` failed ({status})")),
        Err(e) => Err(format!("cannot start {name}: {e}\n  help: Debian has it as {package}")),
    }
}

/// What cargo must be told to have a standard library for the target.
fn standard_library() -> Result<Option<&'static str>, String> {
    if Path::new(&rustc(&["--print", "target-libdir", "--target", TARGET])?).is_dir() {
        return Ok(None);
    }
    let sources = Path::new(&rustc(&["--print", "sysroot"])?).join("lib/rustlib/src/rust/library");
    if sources.is_dir() && rustc(&["--version"])?.contains("nightly") {
        return Ok(Some("-Zbuild-std"));
    }
    Err(format!(
        "rustc has no standard library for {TARGET}\n  help: `rustup target add {TARGET}`; or `rustup component add --toolchain nightly rust-src`, and `cargo +nightly xtask aarch64`"
    ))
}

/// What the compiler answers.
fn rustc(args: &[&str]) -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).args(args).output().map_err(|e| format!("cannot start rustc: {e}"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`rustc {}` failed: {}", args.join(" "), message.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}
