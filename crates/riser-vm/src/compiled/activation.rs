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
use riser_sys::{MachineStack, StackEntry, call_on_stack, prepare_thread, stack_pointer};
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

/// Where the stack of a new activation is to begin, above `below`; `None` if there is no room.
///
/// # Safety
/// `runtime` is that of a live store, and `below` the innermost activation of this thread, or null.
#[inline]
unsafe fn stack_top(runtime: *const VmRuntime, mut below: *mut Activation) -> Option<usize> {
    // SAFETY: the caller's promise; activations below are still there.
    unsafe {
        let (base, end) = ((*runtime).stack_base.addr(), (*runtime).stack_end.addr());
        let mut in_use = end;
        // Without an activation nobody is on a store's stack.
        if !below.is_null() {
            let here = stack_pointer();
            (*below).left_at = here;
            while !below.is_null() && !(base..end).contains(&(*below).left_at) {
                below = (*below).thread_outer;
            }
            if !below.is_null() {
                in_use = (*below).left_at;
            }
        }
        let top = in_use.saturating_sub(RED_ZONE) & !63;
        // An interrupted store has no room either.
        (top > (*runtime).stack_limit.load(Ordering::Relaxed)).then_some(top)
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
        let thread = match prepare_thread() {
            Ok(thread) => thread,
            Err(error) => return Err(unprepared(runtime, error)),
        };
        // Mostly it is the same thread again, and ordering a store before the loads that follow takes longer than all else here.
        if (*runtime).thread.load(Ordering::Relaxed) != thread {
            if !(*runtime).activation.is_null() {
                return call_elsewhere(runtime, thread, func, trampoline, slots);
            }
            (*runtime).thread.store(thread, Ordering::SeqCst);
            // In this order: whoever interrupts the store sets the mark, at which the trampoline looks, before looking for the thread.
            fence(Ordering::SeqCst);
        }
        let thread_outer = INNERMOST.get();
        let Some(top) = stack_top(runtime, thread_outer) else { return Err(exhausted(runtime)) };
        let mut activation = Activation {
            runtime,
            outer: (*runtime).activation.cast(),
            exit_fp: (*runtime).exit_fp,
            exit_pc: (*runtime).exit_pc,
            thread_outer,
            left_at: 0,
            trampoline,
            entry_fp: top - FRAME_RECORD,
        };
        let address = &raw mut activation;
        (*runtime).activation = address.cast();
        INNERMOST.set(address);
        // No code was left in this activation.
        (*runtime).exit_pc = 0;
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

/// Calls a function while code of the store waits on another thread, where a host function lets this one use the store. How far down the
/// store's stack that function is, nobody knows here: the store gets another one for this call.
#[cold]
unsafe fn call_elsewhere(
    runtime: *mut VmRuntime,
    thread: u32,
    func: *const FuncRef,
    trampoline: *const u8,
    slots: &mut [Slot],
) -> Result<(), Status> {
    // SAFETY: the caller's promises. The other thread waits, and finds everything as it left it.
    unsafe {
        let (base, end) = ((*runtime).stack_base, (*runtime).stack_end);
        let limit = (*runtime).stack_limit.load(Ordering::Relaxed);
        let (bytes, spare) = (end.addr().saturating_sub(limit), limit.saturating_sub(base.addr()));
        let Ok(stack) = MachineStack::new(bytes, spare) else { return Err(exhausted(runtime)) };
        let waiting = (*runtime).thread.load(Ordering::Relaxed);
        (*runtime).stack_base = stack.base().cast();
        (*runtime).stack_end = stack.top().cast();
        (*runtime).stack_limit.store(stack.limit().addr(), Ordering::Relaxed);
        (*runtime).thread.store(thread, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let outcome = call_compiled(runtime, func, trampoline, slots);
        (*runtime).stack_base = base;
        (*runtime).stack_end = end;
        (*runtime).stack_limit.store(limit, Ordering::Relaxed);
        // Who sent an interrupt here by now has set the mark, which the host function's end looks at.
        (*runtime).thread.store(waiting, Ordering::SeqCst);
        outcome
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

/// This thread may not run code.
#[cold]
unsafe fn unprepared(runtime: *mut VmRuntime, error: io::Error) -> Status {
    // SAFETY: as the caller's.
    unsafe { (*(*runtime).store.cast::<VmStore>()).compile_error = Some(error.into()) };
    Status::HOST_ERROR
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
