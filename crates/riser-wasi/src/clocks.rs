//! The clocks core: wall time, monotonic time, and waiting.
//!
//! Both clocks can be replaced, so that a run is repeatable. A replaced monotonic clock also decides what waiting
//! means: a virtual clock advances itself. Where real time has to pass, `poll.rs` waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::ClockId;

/// A clock that tells the time of day.
pub trait HostWallClock: Send + Sync {
    /// The smallest step of the clock. Not zero.
    fn resolution(&self) -> Duration;
    /// The time since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;
}

/// A clock that never goes backwards, counted in nanoseconds from an unspecified moment.
pub trait HostMonotonicClock: Send + Sync {
    /// The smallest step of the clock in nanoseconds. Not zero.
    fn resolution(&self) -> u64;
    /// The current value in nanoseconds.
    fn now(&self) -> u64;
    /// Asks a clock that has its own time to move on by `duration`, instead of waiting for it. `false`, the default,
    /// means that real time has to pass.
    fn advance(&self, duration: Duration) -> bool {
        let _ = duration;
        false
    }
}

/// The two clocks of a guest.
pub(crate) struct Clocks {
    pub(crate) wall: Box<dyn HostWallClock>,
    pub(crate) monotonic: Box<dyn HostMonotonicClock>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { wall: Box::new(SystemWallClock), monotonic: Box::new(SystemMonotonicClock::new()) }
    }
}

/// The time of day of the operating system.
struct SystemWallClock;

impl HostWallClock for SystemWallClock {
    fn resolution(&self) -> Duration {
        system_resolution(ClockId::Realtime)
    }

    fn now(&self) -> Duration {
        // A machine whose clock stands before 1970 reports 1970.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// The monotonic clock of the operating system, counted from the moment the context was made: a guest does not
/// learn for how long the machine has been running.
struct SystemMonotonicClock {
    start: Instant,
}

impl SystemMonotonicClock {
    fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl HostMonotonicClock for SystemMonotonicClock {
    fn resolution(&self) -> u64 {
        nanoseconds(system_resolution(ClockId::Monotonic))
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }
}

/// A clock for repeatable runs: it stands still except that each reading, and each wait, moves it on.
///
/// It serves as wall clock and as monotonic clock. Each reading adds `step`, so that a guest that spins until time
/// has passed comes to an end; a wait adds its whole duration at once and takes no real time.
#[derive(Debug)]
pub struct VirtualClock {
    now: AtomicU64,
    step: u64,
}

impl VirtualClock {
    /// A clock that starts at `start` nanoseconds and moves on by `step` nanoseconds at each reading.
    pub fn new(start: u64, step: u64) -> Self {
        Self { now: AtomicU64::new(start), step }
    }

    fn read(&self) -> u64 {
        self.now.fetch_add(self.step, Ordering::Relaxed)
    }
}

impl HostWallClock for VirtualClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(self.step.max(1))
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.read())
    }
}

impl HostMonotonicClock for VirtualClock {
    fn resolution(&self) -> u64 {
        self.step.max(1)
    }

    fn now(&self) -> u64 {
        self.read()
    }

    fn advance(&self, duration: Duration) -> bool {
        self.now.fetch_add(nanoseconds(duration), Ordering::Relaxed);
        true
    }
}

/// A duration in nanoseconds, or the largest number if it does not fit (after 584 years).
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn system_resolution(clock: ClockId) -> Duration {
    let resolution = rustix::time::clock_getres(clock);
    let seconds = u64::try_from(resolution.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(resolution.tv_nsec).unwrap_or(1);
    Duration::new(seconds, nanoseconds).max(Duration::from_nanos(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clocks_run() {
        let clocks = Clocks::default();
        assert!(clocks.wall.now() > Duration::from_secs(1_500_000_000));
        assert!(clocks.wall.resolution() > Duration::ZERO);
        let before = clocks.monotonic.now();
        assert!(!clocks.monotonic.advance(Duration::from_millis(2)), "real time has to pass");
        std::thread::sleep(Duration::from_millis(2));
        assert!(clocks.monotonic.now() - before >= 2_000_000);
    }

    #[test]
    fn a_virtual_clock_waits_in_no_time() {
        let clock = VirtualClock::new(7, 1);
        let started = Instant::now();
        assert!(HostMonotonicClock::advance(&clock, Duration::from_secs(3600)));
        assert!(started.elapsed() < Duration::from_secs(60));
        assert_eq!(HostMonotonicClock::now(&clock), 3_600_000_000_007);
        assert_eq!(HostMonotonicClock::now(&clock), 3_600_000_000_008);
    }
}
