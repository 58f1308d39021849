//! Threads that wait for a notification at an address of a shared memory.
//!
//! One lock guards all queues of a memory. Whoever waits compares the memory's content under it and joins a queue
//! before releasing it, so that no notification after the comparison is lost. Every waiting thread has a condition
//! variable of its own: a notification wakes those that it is for, in the order in which they came.
//! Where a thread cannot wait, an operator that would have to traps.
//! Source: WebAssembly threads proposal, "Wait and notify operators".

use crate::interrupt::Interrupter;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use riser_ops::TrapCode;
use riser_sys::CAN_WAIT;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How waiting ended. The numbers are those that a guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitResult {
    /// A notification woke the thread.
    Ok = 0,
    /// The memory did not hold what was expected; the thread did not wait.
    Mismatch = 1,
    /// The time had passed.
    TimedOut = 2,
}

type Queues = HashMap<u64, VecDeque<Arc<Waiter>>>;

/// The queues of a memory, by address. There are no empty ones.
#[derive(Debug, Default)]
pub(crate) struct Parking {
    queues: Mutex<Queues>,
}

/// A waiting thread.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    woken: Condvar,
    /// Written and read under the lock of the queues.
    notified: AtomicBool,
}

impl Parking {
    /// Nothing panics while it holds the lock, so that a poisoned one is as good as another.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at `address`, if `holds` is true, until notified or until `timeout` has passed. `None` if the thread was
    /// interrupted.
    pub(crate) fn wait(
        self: &Arc<Self>,
        address: u64,
        holds: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        interrupter: Option<&Interrupter>,
    ) -> Result<WaitResult, TrapCode> {
        if !CAN_WAIT {
            // Nobody else could write meanwhile, so nothing is lost without a queue.
            return match timeout {
                _ if !holds() => Ok(WaitResult::Mismatch),
                Some(Duration::ZERO) => Ok(WaitResult::TimedOut),
                _ => Err(TrapCode::CannotWait),
            };
        }
        let waiter = Arc::new(Waiter::default());
        // Before the lock is taken: whoever interrupts holds only one lock at a time, and so does this.
        if let Some(interrupter) = interrupter {
            interrupter.enter(self, &waiter);
        }
        let result = self.wait_as(&waiter, address, holds, timeout, interrupter);
        if let Some(interrupter) = interrupter {
            interrupter.leave();
        }
        result.ok_or(TrapCode::Interrupt)
    }

    fn wait_as(
        &self,
        waiter: &Arc<Waiter>,
        address: u64,
        holds: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        interrupter: Option<&Interrupter>,
    ) -> Option<WaitResult> {
        // A time that the clock cannot express never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut queues = self.lock();
        if !holds() {
            return Some(WaitResult::Mismatch);
        }
        queues.entry(address).or_default().push_back(waiter.clone());
        loop {
            if waiter.notified.load(Ordering::Relaxed) {
                return Some(WaitResult::Ok);
            }
            if interrupter.is_some_and(Interrupter::is_interrupted) {
                Parking::leave(&mut queues, address, waiter);
                return None;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            queues = match left {
                None => waiter.woken.wait(queues).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    Parking::leave(&mut queues, address, waiter);
                    return Some(WaitResult::TimedOut);
                }
                Some(left) => {
                    let woken = waiter.woken.wait_timeout(queues, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Wakes a thread to look whether it was interrupted. The lock makes sure that it does not look just before it goes
    /// to sleep.
    pub(crate) fn wake(&self, waiter: &Waiter) {
        let _queues = self.lock();
        waiter.woken.notify_one();
    }

    /// Takes a waiter that was not notified out of its queue.
    fn leave(queues: &mut Queues, address: u64, waiter: &Arc<Waiter>) {
        if let Some(queue) = queues.get_mut(&address) {
            queue.retain(|other| !Arc::ptr_eq(other, waiter));
            if queue.is_empty() {
                queues.remove(&address);
            }
        }
    }

    /// Wakes the first `count` of those that wait at `address`: how many there were.
    pub(crate) fn notify(&self, address: u64, count: u32) -> u32 {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&address) else { return 0 };
        let mut woken = 0;
        while woken < count
            && let Some(waiter) = queue.pop_front()
        {
            waiter.notified.store(true, Ordering::Relaxed);
            waiter.woken.notify_one();
            woken += 1;
        }
        if queue.is_empty() {
            queues.remove(&address);
        }
        woken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_notified_times_out_and_leaves() {
        let parking = Arc::new(Parking::default());
        assert_eq!(parking.wait(8, || false, None, None), Ok(WaitResult::Mismatch));
        let short = Some(Duration::from_millis(2));
        assert_eq!(parking.wait(8, || true, short, None), Ok(WaitResult::TimedOut));
        let no_time = Some(Duration::ZERO);
        assert_eq!(parking.wait(8, || true, no_time, None), Ok(WaitResult::TimedOut));
        assert_eq!(parking.notify(8, u32::MAX), 0);
        assert!(parking.lock().is_empty());
    }

    #[test]
    fn notifications_wake_as_many_as_they_say_at_their_address() {
        let parking = Arc::new(Parking::default());
        let waiting = |address| parking.lock().get(&address).map_or(0, VecDeque::len);
        std::thread::scope(|scope| {
            let parking = &parking;
            let wait = |address| scope.spawn(move || parking.wait(address, || true, None, None));
            let threads = [wait(0), wait(0), wait(0), wait(4)];
            while waiting(0) < 3 || waiting(4) < 1 {
                std::thread::yield_now();
            }
            assert_eq!(parking.notify(0, 0), 0);
            assert_eq!(parking.notify(0, 2), 2);
            assert_eq!((waiting(0), waiting(4)), (1, 1));
            assert_eq!(parking.notify(0, 9), 1);
            assert_eq!(parking.notify(4, 9), 1);
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Ok(WaitResult::Ok));
            }
        });
        assert!(parking.lock().is_empty());
    }
}
