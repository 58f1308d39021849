//! Faults and interrupts. Each case is a process of its own, since handlers belong to the process: this program
//! starts itself with the name of the case.

mod faults;
mod forks;
mod guests;
mod interrupts;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

const CASE: &str = "RISER_SYS_CASE";

/// The command that runs programs of this machine, where this is another one.
const EMULATOR: &str = "RISER_EMULATOR";

/// What becomes of a child process that runs a case.
fn child(case: &str) -> Output {
    let this = std::env::current_exe().unwrap();
    let emulator = std::env::var(EMULATOR).unwrap_or_default();
    let mut words = emulator.split_whitespace();
    let mut command = Command::new(words.next().map_or(this.as_os_str(), |word| word.as_ref()));
    if !emulator.is_empty() {
        command.args(words).arg(&this);
    }
    command.args(["--exact", "compiled::tests::as_a_child", "--nocapture"]).env(CASE, case);
    command.output().unwrap()
}

/// The child ends as if nothing had happened.
fn succeeds(case: &str) -> String {
    let output = child(case);
    assert!(output.status.success(), "{case}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The child is ended by a signal.
fn dies(case: &str, signal: i32) {
    let output = child(case);
    assert_eq!(output.status.signal(), Some(signal), "{case}: {output:?}");
}

/// The child exits with a number.
fn exits(case: &str, code: i32) {
    let output = child(case);
    assert_eq!(output.status.code(), Some(code), "{case}: {output:?}");
}

#[test]
fn as_a_child() {
    // Without the variable this is no child: there is nothing to do.
    let Ok(case) = std::env::var(CASE) else { return };
    match case.split_once('/').unwrap() {
        ("faults", case) => faults::run(case),
        ("forks", case) => forks::run(case),
        ("interrupts", case) => interrupts::run(case),
        other => panic!("no case {other:?}"),
    }
}
