//! Runs one process and says how long it took.

use std::process::Command;
use std::time::{Duration, Instant};

/// What one run of a process, or the best of several, took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From before it is started until it has ended.
    pub wall: Duration,
    /// Processor time outside of the kernel, of all its threads, where the system tells it; in steps of 10 ms.
    pub user: Option<Duration>,
}

impl Sample {
    /// The smaller of each time: what disturbs a run only makes it longer.
    pub fn best(self, other: Self) -> Self {
        let user = match (self.user, other.user) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { wall: self.wall.min(other.wall), user }
    }
}

/// Runs `command` to its end; an error unless it ends well and the last line it prints is `expected`.
pub fn measure(command: &mut Command, expected: &str) -> Result<Sample, String> {
    let user_before = children_user_time();
    let start = Instant::now();
    let output = command.output().map_err(|e| format!("cannot be started: {e}"))?;
    let wall = start.elapsed();
    let user = user_before.zip(children_user_time()).map(|(before, after)| after - before);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let complaint = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        return Err(format!("{}: {complaint}", output.status));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    if last != expected {
        return Err(format!("printed `{last}`, not `{expected}`"));
    }
    Ok(Sample { wall, user })
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
        };
        let best = sample(30, Some(10)).best(sample(20, Some(15)));
        assert_eq!((best.wall.as_millis(), best.user.unwrap().as_millis()), (20, 10));
        assert_eq!(sample(1, None).best(sample(2, None)).user, None);
    }

    #[test]
    fn what_is_printed_is_checked() {
        let cargo = || {
            let mut command = Command::new(env!("CARGO"));
            command.arg("--version");
            command
        };
        let printed = String::from_utf8(cargo().output().unwrap().stdout).unwrap();
        assert!(measure(&mut cargo(), printed.trim()).is_ok());
        assert!(measure(&mut cargo(), "something else").unwrap_err().contains("something else"));
        assert!(measure(cargo().arg("--no-such-option"), "").unwrap_err().contains("exit"));
        assert!(measure(&mut Command::new("no-such-program-anywhere"), "").is_err());
    }
}
