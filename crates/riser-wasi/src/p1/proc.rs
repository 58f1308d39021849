//! `proc_*` and `sched_yield`: the functions that need no memory.

use riser::Result;

use super::types::Errno;
use crate::I32Exit;

/// Ends the program: the call that entered the guest fails with an [`I32Exit`].
pub(super) fn proc_exit(code: i32) -> Result<()> {
    Err(I32Exit(code).into())
}

/// Does what a signal does to a program that has not said otherwise, and a guest of 0.1 cannot.
///
/// A program that a signal terminates ends with the status that a shell would report, 128 and the number of the
/// signal. Stopping is not supported: nobody could make the program continue.
pub(super) fn proc_raise(signal: i32) -> Result<i32> {
    match default_action(signal) {
        Some(Action::Terminate) => Err(I32Exit(128 + signal).into()),
        Some(Action::Nothing) => Ok(Errno::SUCCESS.raw()),
        Some(Action::Stop) => Ok(Errno::NOTSUP.raw()),
        None => Ok(Errno::INVAL.raw()),
    }
}

pub(super) fn sched_yield() -> i32 {
    std::thread::yield_now();
    Errno::SUCCESS.raw()
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Nothing,
    Stop,
    Terminate,
}

/// What the specification says of each signal.
fn default_action(signal: i32) -> Option<Action> {
    match signal {
        // none, pipe, chld, cont (the program is running already), urg, winch
        0 | 13 | 16 | 17 | 22 | 27 => Some(Action::Nothing),
        // stop, tstp, ttin, ttou
        18..=21 => Some(Action::Stop),
        1..=30 => Some(Action::Terminate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abort_ends_the_program_with_the_status_of_a_shell() {
        let error = proc_raise(6).unwrap_err();
        assert_eq!(error.downcast_ref::<I32Exit>(), Some(&I32Exit(134)));
        assert!(matches!(proc_raise(27), Ok(0)));
        assert_eq!(default_action(31), None);
        assert_eq!(default_action(-1), None);
    }
}
