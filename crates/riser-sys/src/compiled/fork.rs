//! Noticing that this process is a copy: pages of code are then shared with the process that it is a copy of, and its one
//! thread has another number.

use super::{interrupt, signals};
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

/// How often the process became a copy.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Tells this process from those that it was copied from and to, if it was by `fork`.
pub(super) fn generation() -> u32 {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: the function sets two variables. Where it cannot be installed there is no memory for anything else either.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    GENERATION.load(Ordering::Relaxed)
}

unsafe extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    interrupt::forget_thread_id();
    signals::forget_prepared_thread();
}
