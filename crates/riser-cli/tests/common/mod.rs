//! What the tests of the command share: fresh folders, running the command, and transcripts for golden files.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for a test, with the files that it names.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder anew.
    pub fn new(name: &str, files: &[(&str, &[u8])]) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        for (name, content) in files {
            fs::write(path.join(name), content).unwrap();
        }
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The command, to be run in this folder.
    pub fn riser(&self) -> Command {
        let mut command = riser();
        command.current_dir(&self.0);
        command
    }

    /// Another command, to be run in this folder.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0);
        command
    }

    /// Runs the command in this folder.
    pub fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Output {
        self.riser().args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs each line of words and writes down what one would see on a terminal.
    pub fn session(&self, lines: &[&str]) -> String {
        let transcripts: Vec<String> = lines
            .iter()
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                transcript(line, &self.run(&words))
            })
            .collect();
        transcripts.join("\n")
    }
}

/// The command, with nothing from the surroundings that could change what it prints.
pub fn riser() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riser"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command.env("RISER_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

/// The path of one of the guests of the repository.
pub fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests").join(name)
}

/// A run as text: the line typed, what came out, the status if it is not 0.
pub fn transcript(line: &str, output: &Output) -> String {
    let mut text = format!("$ riser {line}\n");
    text += &text_of(&output.stdout);
    text += &text_of(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(status) => text += &format!("[exit status {status}]\n"),
        None => text += &format!("[{}]\n", output.status),
    }
    text
}

pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is text")
}

/// Compares with a golden file of this crate.
pub fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    riser_testkit::golden::check(path, actual);
}

/// Runs a command with this standard input.
pub fn with_input(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || {
        // The command may end without reading everything.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

/// Asserts success and gives standard output.
pub fn stdout_of(output: Output) -> String {
    let stderr = text_of(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    assert_eq!(stderr, "");
    text_of(&output.stdout)
}
