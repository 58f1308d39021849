//! The way into compiled code.

use super::interrupts::reached;
use crate::store::VmStore;
use core::cell::Cell;
use core::ffi::c_void;
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{Ordering, fence};
use riser_abi::{ENTRY_PAUSED, ENTRY_RETURNED, FuncRef, HostCtx, Slot, Status, VmRuntime};
use riser_ops::TrapCode;
use riser_sys::{StackEntry, call_on_stack, prepare_thread, stack_pointer};
use std::io;

/// A call from the host into a store, as long as it lasts.
#[derive(Debug)]
pub(crate) struct Activation {
    pub runtime: *mut VmRuntime,
    /// The store's activation below.
    pub outer: *mut Activation,
    /// Where the store's code had been left before.
    pub exit_fp: usize,
    pub exit_pc: usize,
    /// The thread's activation below, of whatever store.
    thread_outer: *mut Activation,
    /// How far the stack was used when the activation above was made.
    left_at: usize,
    /// The trampoline, and where its frame pointer points to.
    pub trampoline: *const u8,
    pub entry_fp: usize,
}

thread_local! {
    /// The innermost activation of this thread. Read in signal handlers.
    static INNERMOST: Cell<*mut Activation> = const { Cell::new(ptr::null_mut()) };
}

/// The store's block of the innermost activation of this thread; null if there is none.
pub(crate) fn running() -> *mut VmRuntime {
    let innermost = INNERMOST.get();
    if innermost.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: an activation is there as long as `INNERMOST` says so.
    unsafe { (*innermost).runtime }
}

/// Below an address of the stack, compiled code and the runtime may use what is there; this much is left alone, so that nothing of the
/// caller's is overwritten.
const RED_ZONE: usize = 256;

/// A function begins by saving return address and frame pointer, which then points there.
const FRAME_RECORD: usize = 16;

impl Activation {
    /// Where the stack of the activation is to begin.
    ///
    /// # Safety
    /// `self.runtime` is that of a live store.
    unsafe fn stack_top(&self) -> Result<usize, Status> {
        // SAFETY: the caller's promise; activations below are still there.
        unsafe {
            let (base, end) = ((*self.runtime).stack_base.addr(), (*self.runtime).stack_end.addr());
            let here = stack_pointer();
            let in_use = if (base..end).contains(&here) {
                here
            } else {
                let mut below = self.thread_outer;
                while !below.is_null() && !(base..end).contains(&(*below).left_at) {
                    below = (*below).thread_outer;
                }
                match below.is_null() {
                    false => (*below).left_at,
                    true if self.outer.is_null() => end,
                    // Whoever called the store has lent it to this thread, and it is not known how far it uses the stack there.
                    true => return Err(elsewhere(self.runtime)),
                }
            };
            let top = in_use.saturating_sub(RED_ZONE) & !63;
            // An interrupted store has no room either.
            match top > (*self.runtime).stack_limit.load(Ordering::Relaxed) {
                true => Ok(top),
                false => Err(exhausted(self.runtime)),
            }
        }
    }
}

impl Drop for Activation {
    fn drop(&mut self) {
        INNERMOST.set(self.thread_outer);
        // SAFETY: the store outlives its activations.
        unsafe {
            (*self.runtime).activation = self.outer.cast::<c_void>();
            (*self.runtime).exit_fp = self.exit_fp;
            (*self.runtime).exit_pc = self.exit_pc;
        }
    }
}

/// Calls a function from the host: the way into compiled code.
///
/// `slots` holds the arguments, one after the other in slots (a vector takes two), and has room for the larger of
/// arguments and results; the results are left there. Calls may nest.
///
/// # Errors
/// How execution ended early; the store keeps the frames that were active then.
///
/// # Safety
/// `runtime` is that of a live store of a compiled engine that runs on this thread; `func` is a function of that store, and `trampoline`
/// the entry trampoline of its type; `slots` holds arguments of its type.
pub unsafe fn call_compiled(
    runtime: *mut VmRuntime,
    func: *const FuncRef,
    trampoline: *const u8,
    slots: &mut [Slot],
) -> Result<(), Status> {
    // SAFETY: the caller gives a live store and function, and arguments of the right type.
    unsafe {
        let callee = (*func).vmctx;
        if (*callee).instance.is_null() {
            return call_host(runtime, callee.cast(), slots);
        }
        prepare(runtime)?;
        let thread_outer = INNERMOST.get();
        if !thread_outer.is_null() {
            (*thread_outer).left_at = stack_pointer();
        }
        let mut activation = Activation {
            runtime,
            outer: (*runtime).activation.cast(),
            exit_fp: (*runtime).exit_fp,
            exit_pc: (*runtime).exit_pc,
            thread_outer,
            left_at: 0,
            trampoline,
            entry_fp: 0,
        };
        let top = activation.stack_top()?;
        activation.entry_fp = top - FRAME_RECORD;
        let address = &raw mut activation;
        (*runtime).activation = address.cast();
        INNERMOST.set(address);
        // No code was left in this activation.
        (*runtime).exit_pc = 0;
        let thread = riser_sys::thread_id();
        // Mostly it is the same thread again, and ordering a store before the loads that follow takes longer than all else here.
        if (*runtime).thread.load(Ordering::Relaxed) != thread {
            (*runtime).thread.store(thread, Ordering::SeqCst);
            // In this order: whoever interrupts the store sets the mark, at which the trampoline looks, before looking for the thread.
            fence(Ordering::SeqCst);
        }
        let entry = (*func).entry;
        let top = ptr::with_exposed_provenance_mut(top);
        let trampoline = transmute::<*const u8, StackEntry>(trampoline);
        loop {
            let slots = slots.as_mut_ptr();
            match call_on_stack(top, trampoline, callee.cast(), entry, slots) {
                ENTRY_RETURNED => return Ok(()),
                ENTRY_PAUSED => before_entering(runtime)?,
                _ => return Err((*(*runtime).store.cast::<VmStore>()).raised),
            }
        }
    }
}

/// The trampoline has seen the mark, and called nothing.
#[cold]
unsafe fn before_entering(runtime: *mut VmRuntime) -> Result<(), Status> {
    // SAFETY: as the caller's.
    unsafe {
        let status = reached(runtime);
        if status.is_ok() {
            return Ok(());
        }
        (*(*runtime).store.cast::<VmStore>()).note_frames();
        Err(status)
    }
}

/// A host function that the host calls.
unsafe fn call_host(
    runtime: *mut VmRuntime,
    callee: *mut HostCtx,
    slots: &mut [Slot],
) -> Result<(), Status> {
    // SAFETY: as the caller's.
    unsafe {
        let here = stack_pointer();
        let (base, end) = ((*runtime).stack_base.addr(), (*runtime).stack_end.addr());
        let limit = if (base..end).contains(&here) {
            (*runtime).stack_limit.load(Ordering::Relaxed)
        } else {
            (*runtime).host_stack_limit
        };
        if here < limit {
            return Err(exhausted(runtime));
        }
        let call = (*callee).call;
        let status = call(callee.cast(), ptr::null_mut(), slots.as_mut_ptr());
        if status.is_ok() {
            return Ok(());
        }
        (*(*runtime).store.cast::<VmStore>()).note_frames();
        Err(status)
    }
}

/// Sees to it that this thread may run code.
unsafe fn prepare(runtime: *mut VmRuntime) -> Result<(), Status> {
    // SAFETY: as the caller's.
    prepare_thread().map_err(|error| unsafe { refused(runtime, error) })
}

/// Keeps an error for the host.
unsafe fn refused(runtime: *mut VmRuntime, error: io::Error) -> Status {
    // SAFETY: as the caller's.
    unsafe { (*(*runtime).store.cast::<VmStore>()).compile_error = Some(error.into()) };
    Status::HOST_ERROR
}

/// The store's code waits on another thread.
#[cold]
unsafe fn elsewhere(runtime: *mut VmRuntime) -> Status {
    let what =
        "code of the store waits on another thread, so no code of it can be entered on this one";
    // SAFETY: as the caller's.
    unsafe { refused(runtime, io::Error::other(what)) }
}

/// There is no room for a call from the host, or the store was interrupted.
#[cold]
unsafe fn exhausted(runtime: *mut VmRuntime) -> Status {
    // SAFETY: as the caller's.
    unsafe {
        let store = (*runtime).store.cast::<VmStore>();
        (*store).note_frames();
        if (*store).is_interrupted() {
            return Status::trap(TrapCode::Interrupt);
        }
    }
    Status::trap(TrapCode::StackOverflow)
}
