//! What the process has used so far.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The processor time of all threads of the process.
pub fn cpu_time() -> Option<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
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
}
