//! Ending what a store executes from another thread, wherever it is: in a loop, or waiting at an address of a shared
//! memory.
//!
//! Interpreted code that watches the epoch finds the deadline reached, since interrupting sets it to 0, and asks the runtime, which
//! ends the call; compiled code gets a signal (`compiled/interrupts.rs`). A waiting thread is woken. Interrupting is for good: the store executes nothing more.

use crate::parking::{Parking, Waiter};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};
use riser_abi::VmRuntime;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ends what one store executes. Clones are of the same store; one that outlives the store does nothing.
#[derive(Clone, Debug)]
pub struct Interrupter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    requested: AtomicBool,
    /// The store's block, until the store goes.
    runtime: Mutex<Option<NonNull<VmRuntime>>>,
    /// Where the store's thread waits.
    waiting: Mutex<Option<(Arc<Parking>, Arc<Waiter>)>>,
}

// SAFETY: of the block behind the pointer only an atomic field is used, under the lock under which the store takes the
// pointer away before it frees the block.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// Nothing panics while it holds one of the locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Interrupter {
    /// For a store with this block.
    ///
    /// # Safety
    /// The block is valid until [`Interrupter::detach`] was called.
    pub(crate) unsafe fn new(runtime: NonNull<VmRuntime>) -> Interrupter {
        let requested = AtomicBool::new(false);
        let (runtime, waiting) = (Mutex::new(Some(runtime)), Mutex::new(None));
        Interrupter(Arc::new(Shared { requested, runtime, waiting }))
    }

    /// Forgets the store's block.
    pub(crate) fn detach(&self) {
        *lock(&self.0.runtime) = None;
    }

    /// Ends what the store executes, now and later.
    pub fn interrupt(&self) {
        // In this order: whoever sets a deadline afterwards sees the request, see `VmStore::set_epoch_deadline`; so does
        // whoever begins to wait.
        self.0.requested.store(true, Ordering::SeqCst);
        if let Some(runtime) = *lock(&self.0.runtime) {
            // SAFETY: `new` was promised that the block is valid; `detach` waits for the lock.
            unsafe {
                (*runtime.as_ptr()).epoch_deadline.store(0, Ordering::SeqCst);
                crate::compiled::interrupt(runtime);
            }
        }
        let waiting = lock(&self.0.waiting).clone();
        if let Some((parking, waiter)) = waiting {
            parking.wake(&waiter);
        }
    }

    /// Whether the store is to execute nothing more.
    pub fn is_interrupted(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Notes that the store's thread is about to wait.
    pub(crate) fn enter(&self, parking: &Arc<Parking>, waiter: &Arc<Waiter>) {
        *lock(&self.0.waiting) = Some((parking.clone(), waiter.clone()));
    }

    /// Notes that it waits no more.
    pub(crate) fn leave(&self) {
        *lock(&self.0.waiting) = None;
    }
}
