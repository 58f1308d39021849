//! Looking where guests are, for whoever wants to know how much runs in which code.
//!
//! Nothing of it is in code. Who samples sends the signal of interrupts to threads that are inside (see `interrupts.rs`), without setting the
//! mark: the handler notes in which code the thread is, and lets it go on. Places that are no function's code (the runtime, the host, trampolines) are
//! not noted.

use super::interrupts::EpochWatch;
use super::registry::{self, CodeKind};
use crate::store::VmStore;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use riser_abi::VmRuntime;

/// Whether any store was ever looked at.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// The stores of an engine that are looked at, and what was seen.
#[derive(Debug, Default)]
pub struct CodeSamples {
    stores: EpochWatch,
    /// How often a thread was in code whose values are in slots, which is that of the baseline compiler.
    baseline: AtomicU64,
    optimized: AtomicU64,
}

impl CodeSamples {
    /// Looks at all threads that are in code now. What is seen is counted a moment later.
    pub fn look(&self) {
        self.stores.each(|runtime| {
            // SAFETY: blocks on the list are valid, and only atomic fields are used.
            let (inside, thread) = unsafe {
                let runtime = runtime.as_ptr();
                (
                    (*runtime).inside.load(Ordering::Relaxed),
                    (*runtime).thread.load(Ordering::SeqCst),
                )
            };
            if inside != 0 && thread != 0 {
                riser_sys::interrupt_thread(thread);
            }
        });
    }

    /// How often a thread was in baseline code so far, and how often in optimized code.
    pub fn counts(&self) -> [u64; 2] {
        [&self.baseline, &self.optimized].map(|count| count.load(Ordering::Relaxed))
    }

    /// # Safety
    /// The block is valid until it is removed.
    pub(crate) unsafe fn add(&self, runtime: NonNull<VmRuntime>) {
        IS_USED.store(true, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { self.stores.add(runtime) };
    }

    pub(crate) fn remove(&self, runtime: NonNull<VmRuntime>) {
        self.stores.remove(runtime);
    }
}

/// In a signal handler: notes where a thread is that runs a store.
///
/// # Safety
/// `runtime` is that of the store that runs on this thread, at `pc`.
pub(super) unsafe fn note(runtime: *const VmRuntime, pc: usize) {
    if !IS_USED.load(Ordering::Relaxed) {
        return;
    }
    let Some(found) = registry::find(pc) else { return };
    let CodeKind::Function(_) = found.kind else { return };
    // SAFETY: code runs, so it is registered, and nobody borrows the store meanwhile.
    let (samples, tables) =
        unsafe { (&(*(*runtime).store.cast::<VmStore>()).samples, found.tables()) };
    if let Some(samples) = samples {
        let is_baseline = tables.slots().is_some();
        let count = if is_baseline { &samples.baseline } else { &samples.optimized };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
