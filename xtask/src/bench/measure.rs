//! Runs one process and says what it took.

use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run of a process, or the best of several, took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From before it is started until it has ended.
    pub wall: Duration,
    /// Processor time outside of the kernel, of all its threads, where the system tells it; in steps of 10 ms.
    pub user: Option<Duration>,
    /// From before it is started until something comes out of it.
    pub first: Option<Duration>,
    /// The most memory that it had resident at once, in KiB, if that was asked for.
    pub memory: Option<u64>,
}

impl Sample {
    /// The smaller of each: what disturbs a run only makes it longer.
    pub fn best(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            user: smaller(self.user, other.user),
            first: smaller(self.first, other.first),
            memory: smaller(self.memory, other.memory),
        }
    }
}

fn smaller<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What a process must print to have done its work.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// This as its last line.
    Line(String),
    /// Something with this SHA-256, in lower-case hexadecimal.
    Sha256(&'static str),
}

impl Expected {
    fn check(&self, printed: &[u8]) -> Result<(), String> {
        match self {
            Self::Line(line) => {
                let printed = String::from_utf8_lossy(printed);
                let mut lines = printed.lines().rev().map(str::trim);
                let last = lines.find(|line| !line.is_empty()).unwrap_or("");
                (last == line).then_some(()).ok_or(format!("printed `{last}`, not `{line}`"))
            }
            Self::Sha256(sum) => {
                let found: String =
                    Sha256::digest(printed).iter().map(|byte| format!("{byte:02x}")).collect();
                let wrong = || format!("printed {} bytes of SHA-256 {found}", printed.len());
                (found == *sum).then_some(()).ok_or_else(wrong)
            }
        }
    }
}

/// Runs `command` to its end; an error unless it ends well and prints what is expected.
pub fn measure(command: &mut Command, expected: &Expected) -> Result<Sample, String> {
    let user_before = children_user_time();
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot be started: {e}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let complaints = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = stderr.map_or(Ok(0), |mut stderr| stderr.read_to_end(&mut text));
        read.map(|_| text)
    });
    let mut stdout = stdout.ok_or("it has no output")?;
    let mut printed = vec![0; 1 << 16];
    let read = stdout.read(&mut printed).map_err(|e| format!("its output: {e}"))?;
    let first = start.elapsed();
    printed.truncate(read);
    stdout.read_to_end(&mut printed).map_err(|e| format!("its output: {e}"))?;
    let status = child.wait().map_err(|e| format!("cannot be waited for: {e}"))?;
    let wall = start.elapsed();
    let user = user_before.zip(children_user_time()).map(|(before, after)| after - before);
    if !status.success() {
        let complaint = complaints.join().ok().and_then(Result::ok).unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint);
        let complaint = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        return Err(format!("{status}: {complaint}"));
    }
    expected.check(&printed)?;
    Ok(Sample { wall, user, first: (read > 0).then_some(first), memory: None })
}

/// The program that tells how much memory another one had; GNU time, not the shell's word.
pub const TIME: &str = "/usr/bin/time";

/// The same with the memory that it needed, and without times, which the program between makes longer.
pub fn measure_memory(command: &Command, expected: &Expected) -> Result<Sample, String> {
    let report = std::env::temp_dir().join(format!("riser-bench-memory-{}", std::process::id()));
    let mut timed = Command::new(TIME);
    timed.args(["-f", "%M", "-o"]).arg(&report);
    timed.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    let sample = measure(&mut timed, expected);
    let memory = read_number(&report);
    // What is left behind in the temporary folder if this fails is one short file.
    let _ = std::fs::remove_file(&report);
    Ok(Sample { memory: Some(memory.ok_or(format!("{TIME} reports nothing"))?), ..sample? })
}

/// The number in the last line of a file.
fn read_number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.lines().next_back()?.trim().parse().ok()
}

/// The user time of all children that this process has waited for; none where there is no `/proc`.
fn children_user_time() -> Option<Duration> {
    cutime(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// The field `cutime` of a `stat` file (proc_pid_stat(5)), which counts in ticks of the constant USER_HZ, a hundredth of a second.
fn cutime(stat: &str) -> Option<Duration> {
    // The second field is the program's name in parentheses and may hold blanks; the next one is the third.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(16 - 3)?.parse().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutime_is_the_sixteenth_field() {
        let stat = "7 (a (b) c) S 4 5 6 7 8 9 10 11 12 13 14 15 160 17 18";
        assert_eq!(cutime(stat), Some(Duration::from_millis(1600)));
        assert_eq!(cutime("7 (a) S 1"), None);
    }

    #[test]
    fn the_best_is_the_smaller_of_each() {
        let sample = |wall, user: Option<u64>| Sample {
            wall: Duration::from_millis(wall),
            user: user.map(Duration::from_millis),
            first: Some(Duration::from_millis(wall / 2)),
            memory: user,
        };
        let best = sample(30, Some(10)).best(sample(20, Some(15)));
        assert_eq!((best.wall.as_millis(), best.user.unwrap().as_millis()), (20, 10));
        assert_eq!((best.first.unwrap().as_millis(), best.memory), (10, Some(10)));
        assert_eq!(sample(1, None).best(sample(2, None)).user, None);
    }

    #[test]
    fn what_is_printed_is_checked() {
        let cargo = || {
            let mut command = Command::new(env!("CARGO"));
            command.arg("--version");
            command
        };
        let line = |text: &str| Expected::Line(text.into());
        let printed = String::from_utf8(cargo().output().unwrap().stdout).unwrap();
        let sample = measure(&mut cargo(), &line(printed.trim())).unwrap();
        assert!(sample.first.unwrap() <= sample.wall);
        let wrong = measure(&mut cargo(), &line("something else")).unwrap_err();
        assert!(wrong.contains("something else"), "{wrong}");
        assert!(measure(cargo().arg("--no-such-option"), &line("")).unwrap_err().contains("exit"));
        assert!(measure(&mut Command::new("no-such-program-anywhere"), &line("")).is_err());
    }

    #[test]
    fn bytes_are_compared_by_their_sum() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Expected::Sha256(sum).check(b"abc"), Ok(()));
        assert!(Expected::Sha256(sum).check(b"abd").is_err());
    }

    #[test]
    fn memory_is_measured_where_there_is_a_program_for_it() {
        if !Path::new(TIME).is_file() {
            return;
        }
        let mut command = Command::new(env!("CARGO"));
        command.arg("--version");
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let sample = measure_memory(&command, &Expected::Line(printed.trim().into())).unwrap();
        assert!(sample.memory.unwrap() > 100);
    }
}
