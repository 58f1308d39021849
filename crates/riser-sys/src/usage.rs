//! What the process has used so far, and may use; what profilers know it by.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The processor time of all threads of the process.
pub fn cpu_time() -> Option<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// The time that passed since some point in the past, as profilers of the system count it.
pub fn profiler_time() -> Option<Duration> {
    let time = clock_gettime(ClockId::Monotonic);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// The most memory that the process had resident at any time, in bytes. `None` where the system does not tell.
pub fn peak_memory() -> Option<u64> {
    // The line is `VmHWM:      1234 kB` (proc_pid_status(5)).
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Whether the process may have so little address space that reserving 4 GiB for each memory would fail soon: in a
/// container, a batch system or a shell with `ulimit -v`.
pub fn address_space_limited() -> bool {
    size_of::<usize>() < 8 || is_little(getrlimit(Resource::As).current)
}

fn is_little(limit: Option<u64>) -> bool {
    limit.is_some_and(|limit| limit < 64 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_grows_with_use() {
        let before = cpu_time().unwrap();
        let block = vec![1u8; 32 << 20];
        assert_eq!(block.iter().map(|byte| usize::from(*byte)).sum::<usize>(), 32 << 20);
        assert!(cpu_time().unwrap() > before);
        assert!(peak_memory().is_none_or(|peak| peak > 32 << 20));
    }

    #[test]
    fn a_limit_of_address_space_is_noticed() {
        assert!(is_little(Some(1 << 30)) && !is_little(Some(1 << 40)) && !is_little(None));
        // Whoever runs the tests has a limit, or none: the shell says it in KiB.
        let ulimit = std::process::Command::new("sh").args(["-c", "ulimit -v"]).output().unwrap();
        let limit = String::from_utf8(ulimit.stdout).unwrap().trim().parse::<u64>().ok();
        assert_eq!(address_space_limited(), is_little(limit.map(|kib| kib << 10)));
    }
}
