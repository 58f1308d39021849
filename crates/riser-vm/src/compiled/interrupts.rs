//! Interrupting compiled code, which never looks whether it should stop.
//!
//! Who wants to interrupt a store sets the mark of its block (`VmRuntime::interrupt`), and sends a signal to the thread that runs it. If that
//! is in the code of a function at that moment, the signal's handler lets it go on in [`interrupted`], on the stack of
//! the guest, with everything saved. Anywhere else the mark is seen when control is about to go back to code.
//!
//! # Why no signal is lost
//!
//! Control goes to code on few ways: from builtins, lazy stubs, and to handlers of exceptions (`entries.rs`), through trampolines (`riser-opt`,
//! `trampolines.rs`), and back from [`interrupted`] (`riser-sys`). Each of them first notes that control is inside (`VmRuntime::inside`), and then looks
//! at the mark; what follows, up to the first instruction of code, is in a range that the handler knows. Whatever leaves code notes that
//! control is not inside any more. The mark is set before the signal is sent, so when [`stopped`] runs on the thread,
//!
//! - control is not inside: then the look at the mark is still to come, and sees it;
//! - or it is inside and in code: then that is interrupted;
//! - or on one of the ways, past the look: then it begins the way anew, or is interrupted there, as code;
//! - or code is being left: then the look is still to come;
//! - or it is nowhere of all that: then code was stopped by another signal, whose handler runs. The signal is sent again, and waits until that
//!   handler returns, since it cannot arrive before.
//!
//! If the store has been entered on another thread meanwhile, that has noted its number before it looks at the mark, and who interrupts reads the number after setting
//! it: one of both sees the other.
//!
//! The place where code was interrupted is no safepoint: nobody knows where its references are, and it may hold any address that it has
//! read. So nothing is collected, made or moved while the host decides what to do (`VmStore::suspended`), though it may call guests; and what code
//! leaves in the store on its way to a call or a handler is as it was when it goes on.

use super::activation::running;
use super::entries::{is_leaving, way_back_at};
use super::registry::{self, CodeKind};
use super::sampling::note;
use super::unwind::unwind;
use crate::store::VmStore;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};
use riser_abi::{Status, VmRuntime};
use riser_ops::TrapCode;
use riser_sys::{Answer, Gate, Place};

/// The mark was seen on a way back to code, where control does not count as inside.
///
/// # Safety
/// `runtime` is that of the running store, where control left code is recorded. Nothing between that code and here
/// must be dropped.
pub(super) unsafe extern "C" fn pause(runtime: *mut VmRuntime) {
    // SAFETY: the caller's promise.
    unsafe {
        let status = reached(runtime);
        if !status.is_ok() {
            unwind(runtime, status);
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
        let now = (*store).epoch();
        // What is on its way to better code is not mixed with what guests leave there meanwhile.
        let replacement = core::mem::take(&mut (*store).replacement);
        let status = ((*store).on_deadline)(store);
        (*runtime).replacement = replacement.as_ptr();
        (*store).replacement = replacement;
        (*store).suspended = suspended;
        (*store).heap.set_frozen(frozen);
        if status.is_ok() {
            (*store).pending_exception = exception;
            // A deadline that was put to where the epoch is comes with the next tick, or nothing would ever go on.
            (*store).mark_since(Some(now));
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
        // SAFETY: blocks on the list are valid.
        self.each(|runtime| unsafe {
            if (*runtime.as_ptr()).epoch_deadline.load(Ordering::SeqCst) <= now {
                interrupt(runtime);
            }
        });
    }

    /// Gives the block of each store to `visit`.
    pub(crate) fn each(&self, mut visit: impl FnMut(NonNull<VmRuntime>)) {
        self.with(|stores| stores.iter().for_each(|&runtime| visit(runtime)));
    }
}

/// In a signal handler: what becomes of the thread. See the module's documentation.
pub(super) fn stopped(place: &Place) -> Answer {
    let runtime = running();
    if runtime.is_null() {
        return Answer::GoOn;
    }
    // SAFETY: the block of a running store lives, and only one of its atomic fields is looked at.
    if unsafe { (*runtime).inside.load(Ordering::Relaxed) } == 0 {
        return Answer::GoOn;
    }
    // SAFETY: it runs here.
    unsafe { note(runtime, place.pc) };
    // SAFETY: as above.
    let runtime = unsafe { &mut *runtime };
    if runtime.interrupt.load(Ordering::Relaxed) == 0 {
        return Answer::GoOn;
    }
    let exit = match registry::find(place.pc) {
        _ if place.coming_back => None,
        Some(found) => match found.kind {
            CodeKind::Function(_) => Some((place.fp, place.pc + 1)),
            // SAFETY: a stub is jumped to as a function, and changes nothing of the stack.
            CodeKind::Stub => Some((place.fp, unsafe { place.return_address() })),
            // The exit is recorded: for the host's trampolines it is the caller, for an entry there is none.
            CodeKind::Entry | CodeKind::Host if found.goes_to_code(place.pc) => None,
            CodeKind::Entry | CodeKind::Host => return Answer::GoOn,
        },
        None => match way_back_at(place.pc) {
            Some(start) => return Answer::GoTo(start),
            None if is_leaving(place.pc) => return Answer::GoOn,
            None => return Answer::Later,
        },
    };
    if let Some((fp, pc)) = exit {
        (runtime.exit_fp, runtime.exit_pc) = (fp, pc);
    }
    runtime.inside.store(0, Ordering::Relaxed);
    Answer::CallHook
}

/// Where interrupted code is, on its stack, with everything saved below it.
pub(super) unsafe extern "C" fn interrupted(_pc: usize, _fp: usize) -> *const Gate {
    let runtime = running();
    // SAFETY: the handler has seen that code of this store runs, and has recorded where. A gate is made of the same two fields.
    unsafe {
        pause(runtime);
        (&raw const (*runtime).interrupt).cast::<Gate>()
    }
}

const _: () = {
    let (mark, inside) = (offset_of!(VmRuntime, interrupt), offset_of!(VmRuntime, inside));
    assert!(inside - mark == offset_of!(Gate, inside) && offset_of!(Gate, mark) == 0);
};
