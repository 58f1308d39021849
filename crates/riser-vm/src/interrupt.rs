//! Ending what a store executes from another thread, wherever it is: in a loop, or waiting at an address of a shared
//! memory.
//!
//! Interpreted code that watches the epoch finds the deadline reached, since interrupting sets it to 0, and asks the runtime, which
//! ends the call; compiled code gets a signal (`compiled/interrupts.rs`). A waiting thread is woken. Interrupting is for good: the store executes nothing more.

use crate::parking::{Parking, Waiter};
use crate::store::VmStore;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};
use riser_abi::{Status, VmRuntime};
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

/// Deadlines. Fields of the block are used under the store's exclusive borrow, or are atomic; whoever set the epoch keeps it.
impl VmStore {
    /// Moves the deadline to so many ticks from now.
    pub fn set_epoch_deadline(&mut self, ticks: u64) {
        // SAFETY: the block is the store's, and the epoch is kept.
        unsafe {
            let runtime = self.runtime();
            let now = (*(*runtime).epoch).load(Ordering::Relaxed);
            (*runtime).epoch_deadline.store(now.saturating_add(ticks), Ordering::SeqCst);
            if self.is_interrupted() {
                (*runtime).epoch_deadline.store(0, Ordering::SeqCst);
            }
        }
        self.mark();
    }

    /// Says what happens when the epoch reaches the deadline.
    pub fn set_on_deadline(&mut self, hook: unsafe fn(*mut VmStore) -> Status) {
        self.on_deadline = hook;
        self.mark();
    }

    /// Sets the mark for compiled code if there is a reason to interrupt it, or else takes it away.
    pub(crate) fn mark(&self) {
        self.mark_since(None);
    }

    /// As [`VmStore::mark`]; that the deadline is reached is only a reason if the epoch is not `seen` any more.
    pub(crate) fn mark_since(&self, seen: Option<u64>) {
        let is_new = || seen != Some(self.epoch());
        let is_over = || self.watch.is_some() && self.is_deadline_reached() && is_new();
        let wanted = || self.is_interrupted() || is_over();
        // SAFETY: the block is the store's.
        let mark = unsafe { &(*self.runtime()).interrupt };
        mark.store(0, Ordering::SeqCst);
        // In this order: whoever asks for it sets the mark last.
        if wanted() {
            mark.store(1, Ordering::SeqCst);
        }
    }

    /// The epoch.
    pub(crate) fn epoch(&self) -> u64 {
        // SAFETY: the block is the store's, and the epoch is kept. In this order: whoever ticks advances the epoch before looking
        // at the deadline, which was set before this is asked.
        unsafe { (*(*self.runtime()).epoch).load(Ordering::SeqCst) }
    }

    /// Whether the epoch has reached the deadline.
    pub(crate) fn is_deadline_reached(&self) -> bool {
        // SAFETY: the block is the store's.
        self.epoch() >= unsafe { (*self.runtime()).epoch_deadline.load(Ordering::SeqCst) }
    }
}
