//! The poll core: wait until one of several things happens, or a time has passed.
//!
//! Waiting is the system's `poll`: no busy loop. What needs no wait (a regular file, a buffer in memory) is
//! [`Interest::Ready`] and makes the whole wait end at once.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::clocks::Clocks;
use crate::error::{ErrorCode, Result};
use crate::stop::Stop;

/// What a guest wants to do with a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// One thing to wait for.
pub(crate) enum Interest<'fd> {
    /// It is there already, with this many bytes.
    Ready(u64),
    /// A descriptor of the host.
    Fd(BorrowedFd<'fd>, Direction),
}

/// What has happened to one of the things waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// How many bytes can be read or written at least.
    pub(crate) bytes: u64,
    /// Whether the other side is gone.
    pub(crate) hangup: bool,
}

/// Waits until something has happened or `timeout` has passed. For each interest, in order: what happened to it. The
/// end of the program is `Interrupted`.
pub(crate) fn wait(
    clocks: &Clocks,
    stop: Option<&Stop>,
    interests: &[Interest<'_>],
    timeout: Option<Duration>,
) -> Result<Vec<Option<Readiness>>> {
    let ready_now = interests.iter().any(|interest| matches!(interest, Interest::Ready(_)));
    let timeout = if ready_now { Some(Duration::ZERO) } else { timeout };
    let mut fds: Vec<PollFd<'_>> = interests.iter().filter_map(poll_fd).collect();
    if !fds.is_empty() {
        poll_or_stop(&mut fds, stop, timeout)?;
    } else if !ready_now && let Some(timeout) = timeout {
        // Only time is waited for, which is nothing to a virtual clock.
        if !clocks.monotonic.advance(timeout) {
            sleep(stop, timeout)?;
        }
    }
    let mut polled = fds.iter();
    let outcome = |interest: &Interest<'_>| match interest {
        Interest::Ready(bytes) => Some(Readiness { bytes: *bytes, hangup: false }),
        Interest::Fd(fd, direction) => {
            polled.next().and_then(|poll| readiness(poll, *fd, *direction))
        }
    };
    Ok(interests.iter().map(outcome).collect())
}

/// Waits without limit for one descriptor.
pub(crate) fn wait_fd(fd: BorrowedFd<'_>, direction: Direction) -> Result<(), Errno> {
    rustix::event::poll(&mut [PollFd::from_borrowed_fd(fd, flags(direction))], None).map(drop)
}

/// Waits without limit for one descriptor, or for the end of the program, which is `Interrupted`.
pub(crate) fn wait_fd_or_stop(fd: BorrowedFd<'_>, direction: Direction, stop: &Stop) -> Result<()> {
    poll_or_stop(&mut vec![PollFd::from_borrowed_fd(fd, flags(direction))], Some(stop), None)
}

/// One `poll`.
fn poll_or_stop<'fd>(
    fds: &mut Vec<PollFd<'fd>>,
    stop: Option<&'fd Stop>,
    timeout: Option<Duration>,
) -> Result<()> {
    fds.extend(stop.map(|stop| PollFd::from_borrowed_fd(stop.host_fd(), PollFlags::IN)));
    let polled = rustix::event::poll(fds, timeout.map(timespec).as_ref());
    if stop.is_some() {
        fds.pop();
    }
    match stop.is_some_and(Stop::has_ended) {
        true => Err(ErrorCode::Interrupted),
        false => Ok(polled.map(drop)?),
    }
}

/// Lets real time pass. A signal may cut it short, which the guest is told: it may have been sent to stop it.
fn sleep(stop: Option<&Stop>, duration: Duration) -> Result<()> {
    poll_or_stop(&mut Vec::new(), stop, Some(duration))
}

/// Whether a read or write would return at once.
pub(crate) fn is_ready(fd: BorrowedFd<'_>, direction: Direction) -> Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, flags(direction))];
    Ok(rustix::event::poll(&mut fds, Some(&timespec(Duration::ZERO)))? > 0)
}

fn flags(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    }
}

fn poll_fd<'fd>(interest: &Interest<'fd>) -> Option<PollFd<'fd>> {
    match interest {
        Interest::Ready(_) => None,
        Interest::Fd(fd, direction) => Some(PollFd::from_borrowed_fd(*fd, flags(*direction))),
    }
}

fn readiness(poll: &PollFd<'_>, fd: BorrowedFd<'_>, direction: Direction) -> Option<Readiness> {
    let events = poll.revents();
    if events.is_empty() {
        return None;
    }
    let bytes = match direction {
        Direction::Read => rustix::io::ioctl_fionread(fd).unwrap_or(0),
        Direction::Write => 1,
    };
    Some(Readiness { bytes, hangup: events.contains(PollFlags::HUP) })
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::os::fd::AsFd;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_pipe_becomes_readable_when_written_and_hangs_up_when_closed() {
        let clocks = Clocks::default();
        let (reader, mut writer) = io::pipe().unwrap();
        let poll = |timeout| {
            wait(&clocks, None, &[Interest::Fd(reader.as_fd(), Direction::Read)], Some(timeout))
                .unwrap()[0]
        };
        assert_eq!(poll(Duration::from_millis(1)), None);
        writer.write_all(b"abc").unwrap();
        assert_eq!(poll(Duration::from_secs(60)), Some(Readiness { bytes: 3, hangup: false }));
        drop(writer);
        assert_eq!(poll(Duration::from_secs(60)), Some(Readiness { bytes: 3, hangup: true }));
    }

    #[test]
    fn what_is_ready_ends_the_wait_at_once() {
        let clocks = Clocks::default();
        let (reader, _writer) = io::pipe().unwrap();
        let started = Instant::now();
        let interests = [Interest::Fd(reader.as_fd(), Direction::Read), Interest::Ready(5)];
        let outcome = wait(&clocks, None, &interests, Some(Duration::from_secs(60))).unwrap();
        assert_eq!(outcome, [None, Some(Readiness { bytes: 5, hangup: false })]);
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
