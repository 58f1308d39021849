//! Ending what is executed: the innermost handler of an exception, or the end of the activation.

use super::activation::{Activation, running};
use super::entries::resume_at_handler;
use super::interrupts::{interrupted, stopped};
use super::registry::{self, CodeKind};
use super::walk::{MachineFrame, visit_compiled_frames};
use crate::instance::Instance;
use crate::store::VmStore;
use core::ops::ControlFlow;
use core::ptr;
use core::sync::atomic::Ordering;
use riser_abi::{Status, TagDef, VmCtx, VmRuntime};
use riser_code::Handler;
use riser_ops::{TagIdx, TrapCode};
use riser_sys::{InterruptHooks, Redirect, install_fault_hook, install_interrupt_hooks, resume};
use std::io;

/// The builtin `raise`: does not return to its caller, whose frame is recorded.
///
/// # Safety
/// The contract of builtins, called by compiled code.
pub(super) unsafe extern "C" fn raise(vmctx: *mut VmCtx, status: Status) -> Status {
    // SAFETY: the contract of builtins.
    unsafe {
        let runtime = (*vmctx).runtime;
        unwind(runtime, status)
    }
}

/// Goes on where an exception is handled, or else returns to the host.
///
/// # Safety
/// `runtime` is that of the running store, where control left compiled code is recorded, and nothing of the host stands
/// between that frame and here that must be dropped.
pub(super) unsafe fn unwind(runtime: *mut VmRuntime, status: Status) -> ! {
    // SAFETY: facts 1 to 3 of the module's documentation; the store lives, and is not borrowed while its code runs.
    unsafe {
        let store = (*runtime).store.cast::<VmStore>();
        let activation = (*runtime).activation.cast::<Activation>();
        if status == Status::EXCEPTION {
            let tag = pending_tag(store);
            let mut next = MachineFrame::left((*runtime).exit_fp, (*runtime).exit_pc);
            while let Some(frame) = next.filter(|frame| frame.function.kind != CodeKind::Entry) {
                if let Some(landing) = handler(&frame, tag) {
                    resume_at_handler(landing.pc, landing.sp, frame.fp, runtime);
                }
                next = frame.caller();
            }
        }
        (*store).raised = status;
        (*store).note_frames();
        leave(&*activation)
    }
}

/// Returns to the host: the trampoline through which it entered goes on as if its call had failed.
///
/// # Safety
/// The activation is the innermost one of this thread; for the rest as for [`unwind`].
unsafe fn leave(activation: &Activation) -> ! {
    let landing = registry::find(activation.trampoline.addr()).and_then(|entry| {
        // SAFETY: an entry's code is registered as long as it runs.
        let call = unsafe { entry.tables() }
            .calls()
            .find_map(|call| Some((call.frame_bytes, call.handlers().next()?)))?;
        let pc = entry.start + call.1.target as usize;
        Some(Landing { pc, sp: activation.entry_fp - call.0 as usize })
    });
    // Who could go on otherwise? Not the code that asked, which does not expect it.
    let Some(landing) = landing else { std::process::abort() };
    // SAFETY: the entry waits in its call, with a handler for whatever ends it; fact 3 of the module's documentation.
    unsafe { resume(landing.pc, landing.sp, activation.entry_fp, 0, 0) }
}

/// Where to go on in a frame.
struct Landing {
    pc: usize,
    sp: usize,
}

/// Where a frame handles an exception with this tag.
///
/// # Safety
/// The frame is active.
unsafe fn handler(frame: &MachineFrame, tag: *const TagDef) -> Option<Landing> {
    // SAFETY: the code of a frame is registered; fact 3 of the module's documentation.
    unsafe {
        let call = frame.function.tables().call_at(frame.function.offset(frame.pc))?;
        let sp = frame.fp - call.frame_bytes as usize;
        let fits = |handler: &Handler| match handler.tag {
            None => true,
            Some(index) => {
                let at = sp + handler.vmctx as usize;
                let vmctx = ptr::with_exposed_provenance::<*mut VmCtx>(at).read();
                let instance = (*vmctx).instance.cast::<Instance>();
                ptr::eq((*instance).tag(TagIdx(index)).cast::<TagDef>(), tag)
            }
        };
        let handler = call.handlers().find(fits)?;
        Some(Landing { pc: frame.function.start + handler.target as usize, sp })
    }
}

/// The tag of the exception that is under way; null if there is none.
///
/// # Safety
/// The store lives and is not borrowed.
unsafe fn pending_tag(store: *mut VmStore) -> *const TagDef {
    // SAFETY: the caller's promise.
    unsafe {
        let tag = (*store).pending_exception.and_then(|at| (*store).exception_tag(at).ok());
        tag.map_or(ptr::null(), |tag| ptr::from_ref((*store).tag(tag)).cast())
    }
}

impl VmStore {
    /// Notes the frames that are active, as many as are wanted.
    pub(crate) fn note_frames(&mut self) {
        let (runtime, max) = (self.runtime(), self.frames_max);
        let frames = &mut self.raised_frames;
        frames.clear();
        if max == 0 {
            return;
        }
        // SAFETY: the store's code waits, or has trapped.
        unsafe {
            visit_compiled_frames(runtime, &mut |frame| {
                // A function for which the stack has no room is at no operator: it was not entered.
                if frame.wasm_offset.is_some() {
                    frames.push(frame);
                }
                if frames.len() < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
        }
    }
}

/// Makes faults of compiled code traps, and lets it be interrupted, in this process from now on.
///
/// # Errors
/// If the system refuses.
pub fn install_traps() -> io::Result<()> {
    let hooks = InterruptHooks { stopped, interrupted };
    // SAFETY: where the hooks say so, code of a store runs, on a stack which has spare room for all that they call; both
    // functions take what they are given.
    unsafe {
        install_fault_hook(on_fault)?;
        install_interrupt_hooks(hooks)
    }
}

/// In a signal handler: where to go on after a fault at `pc`, if it is one of compiled code.
fn on_fault(pc: usize, fp: usize, _sp: usize, _address: usize) -> Option<Redirect> {
    let function = registry::find(pc)?;
    // SAFETY: the code runs, so it is registered.
    let code = unsafe { function.tables() }.trap_at(function.offset(pc))?;
    let runtime = running();
    if runtime.is_null() {
        return None;
    }
    // SAFETY: the block of a running store lives.
    unsafe { (*runtime).inside.store(0, Ordering::Relaxed) };
    Some(Redirect {
        pc: (trapped as *const ()).expose_provenance(),
        args: [pc, fp, code as usize, 0],
    })
}

/// Where control goes after a fault of compiled code, on the stack of that code.
unsafe extern "C" fn trapped(pc: usize, fp: usize, code: usize) -> ! {
    let runtime = running();
    let code = u8::try_from(code).ok().and_then(TrapCode::from_u8).unwrap_or(TrapCode::Unreachable);
    // SAFETY: `on_fault` has seen that code of this store runs; nothing of the host stands between.
    unsafe {
        (*runtime).exit_fp = fp;
        // Others go on behind the instruction that they are at.
        (*runtime).exit_pc = pc + 1;
        unwind(runtime, Status::trap(code))
    }
}
