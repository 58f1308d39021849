//! Interrupting compiled code, which never looks whether it should stop.
//!
//! Who wants to interrupt a store sets the mark of its block (`VmRuntime::interrupt`), and sends a signal to the thread that runs it. If that
//! is in the code of a function at that moment, the signal's handler lets it go on in [`interrupted`], on the stack of
//! the guest, with everything saved. Anywhere else the signal does nothing, and the mark is seen when control is
//! about to go back to code: at the end of each builtin, of each host function, and at each entry.
//!
//! The place where code was interrupted is no safepoint: nobody knows where its references are, and it may hold any address that it has
//! read. So nothing is collected, made or moved while the host decides what to do (`VmStore::suspended`), though it may call guests; and what code
//! leaves in the store on its way to a call or a handler is as it was when it goes on.

use super::activation::running;
use super::registry::{self, CodeKind};
use super::unwind::unwind;
use crate::store::VmStore;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};
use riser_abi::{Status, VmRuntime};
use riser_ops::TrapCode;

/// Control is about to go back to code: if somebody wants to interrupt it, this is the time.
///
/// # Safety
/// `runtime` is that of the running store, where control left code is recorded. Nothing between that code and here
/// must be dropped.
#[inline(always)]
pub(super) unsafe fn notice(runtime: *mut VmRuntime) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*runtime).interrupt.load(Ordering::Relaxed) != 0 {
            let status = reached(runtime);
            if !status.is_ok() {
                unwind(runtime, status);
            }
        }
    }
}

/// Whether execution may go on, now that the mark was set.
///
/// # Safety
/// `runtime` is that of the running store, which nobody borrows.
#[cold]
pub(super) unsafe fn reached(runtime: *mut VmRuntime) -> Status {
    // SAFETY: the caller's promise. The hook gets the store itself, so nothing of it is borrowed meanwhile.
    unsafe {
        let store = (*runtime).store.cast::<VmStore>();
        (*store).mark();
        if (*runtime).interrupt.load(Ordering::SeqCst) == 0 {
            return Status::OK;
        }
        if (*store).is_interrupted() {
            return Status::trap(TrapCode::Interrupt);
        }
        let exit = ((*runtime).exit_fp, (*runtime).exit_pc, (*runtime).caller);
        let exception = (*store).pending_exception.take();
        let frozen = (*store).heap.set_frozen(true);
        let suspended = core::mem::replace(&mut (*store).suspended, true);
        let status = ((*store).on_deadline)(store);
        (*store).suspended = suspended;
        (*store).heap.set_frozen(frozen);
        if status.is_ok() {
            (*store).pending_exception = exception;
        }
        ((*runtime).exit_fp, (*runtime).exit_pc, (*runtime).caller) = exit;
        status
    }
}

/// Sets the mark of a store, and sends a signal to the thread that runs it.
///
/// # Safety
/// The block is valid.
pub(crate) unsafe fn interrupt(runtime: NonNull<VmRuntime>) {
    // SAFETY: the caller's promise; only atomic fields are used.
    unsafe {
        let runtime = runtime.as_ptr();
        // In this order: whoever enters code says so before looking at the mark.
        (*runtime).interrupt.store(1, Ordering::SeqCst);
        let thread = (*runtime).thread.load(Ordering::SeqCst);
        if thread != 0 {
            riser_sys::interrupt_thread(thread);
        }
    }
}

/// The stores that are to be interrupted when the epoch reaches their deadlines.
#[derive(Debug, Default)]
pub struct EpochWatch {
    stores: UnsafeCell<Vec<NonNull<VmRuntime>>>,
    /// The thread that uses `stores`, as the system knows it; 0 for none.
    user: AtomicU32,
}

// SAFETY: `stores` is only used by who has written its thread to `user`; of the blocks only atomic fields are used.
unsafe impl Send for EpochWatch {}
// SAFETY: as above.
unsafe impl Sync for EpochWatch {}

impl EpochWatch {
    /// Uses the list. A signal handler that interrupts a use on its own thread gets nothing.
    fn with(&self, body: impl FnOnce(&mut Vec<NonNull<VmRuntime>>)) {
        let this = riser_sys::thread_id();
        while let Err(user) =
            self.user.compare_exchange(0, this, Ordering::SeqCst, Ordering::SeqCst)
        {
            if user == this {
                return;
            }
            std::thread::yield_now();
        }
        // SAFETY: nobody else uses it, as `user` says.
        body(unsafe { &mut *self.stores.get() });
        self.user.store(0, Ordering::SeqCst);
    }

    /// # Safety
    /// The block is valid until it is removed.
    pub(crate) unsafe fn add(&self, runtime: NonNull<VmRuntime>) {
        self.with(|stores| stores.push(runtime));
    }

    pub(crate) fn remove(&self, runtime: NonNull<VmRuntime>) {
        self.with(|stores| stores.retain(|&other| other != runtime));
    }

    /// The epoch has come to `now`. May be called in a signal handler; what such a handler finds out while its own thread makes
    /// or drops a store, it learns with the next tick.
    pub fn tick(&self, now: u64) {
        self.with(|stores| {
            for &mut runtime in stores {
                // SAFETY: blocks on the list are valid.
                unsafe {
                    if (*runtime.as_ptr()).epoch_deadline.load(Ordering::SeqCst) <= now {
                        interrupt(runtime);
                    }
                }
            }
        });
    }
}

/// A function of the host is about to return to code: how it is to end, now that it has succeeded.
///
/// # Safety
/// `runtime` is that of the running store, which nobody borrows.
#[inline(always)]
pub unsafe fn after_host_call(runtime: *mut VmRuntime) -> Status {
    // SAFETY: the caller's promise.
    unsafe {
        match (*runtime).interrupt.load(Ordering::Relaxed) {
            0 => Status::OK,
            _ => reached(runtime),
        }
    }
}

/// In a signal handler: whether the thread is in code that is to be interrupted.
pub(super) fn is_interruptible(pc: usize) -> bool {
    let runtime = running();
    // SAFETY: the block of a running store lives.
    let wanted = !runtime.is_null() && unsafe { (*runtime).interrupt.load(Ordering::Relaxed) != 0 };
    wanted
        && matches!(registry::find(pc), Some(found) if matches!(found.kind, CodeKind::Function(_)))
}

/// Where interrupted code is, on its stack, with everything saved below it.
pub(super) unsafe extern "C" fn interrupted(pc: usize, fp: usize) {
    let runtime = running();
    // SAFETY: the handler has seen that code of this store runs.
    unsafe {
        (*runtime).exit_fp = fp;
        (*runtime).exit_pc = pc + 1;
        notice(runtime);
    }
}
