//! The way into the interpreter, and its stack.
//!
//! The store's stack area is used from both ends. Frames grow from its start: a callee's frame begins at its
//! first argument in the caller's frame. [`Record`]s, one per call, grow from its end. The stack is
//! exhausted when they would meet.
//!
//! An *activation* is one call from the host: a [`Cx`] on the host's stack, linked from
//! `VmRuntime.activation`. While a host function runs that was called from Wasm, `stack_top` says where
//! frames may go on, and the innermost activation's `csp` where records may.

use super::calls::{Callee, Pending};
use super::header::{FuncHeader, HostEntry, owner};
use super::{Flow, Handler, Regs, Slot, Unaligned, calls, control};
use crate::{Backtrace, Exit, ExitReason, FrameInfo};
use alloc::collections::BTreeMap;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use riser_abi::{FuncRef, MemoryDef, Status, VmCtx, VmRuntime};
use riser_ops::{TrapCode, TypeId};

/// A call: how to return, and who was called.
///
/// A call into another instance takes two: the caller's return, without a callee, and above it one that
/// returns to [`RESTORE`] and holds the caller's instance instead of a frame.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    /// The instruction to return to.
    pub(super) ret_ip: *const u8,
    /// The caller's frame; for [`RESTORE`], the caller's `VmCtx`.
    pub(super) fp: *mut Slot,
    /// The callee. Null where the next record (above) has it, and while a host function runs that replaced it.
    pub(super) header: *const FuncHeader,
}

/// An activation: what handlers need beyond the registers.
#[repr(C)]
pub(crate) struct Cx {
    /// The top of the control stack.
    pub(super) csp: *mut Record,
    /// The running instance.
    pub(super) vmctx: *mut VmCtx,
    /// Its `code`.
    pub(super) code: *const u8,
    /// Its memory 0.
    pub(super) memory: *const MemoryDef,
    /// The store.
    pub(super) runtime: *mut VmRuntime,
    /// The instruction and the frame at the last moment when control left the interpreter.
    pub(super) ip: *const u8,
    pub(super) fp: *mut Slot,
    /// How the activation ended.
    pub(super) exit: Status,
    /// What handlers give when they leave the interpreter.
    pub(super) left: Flow,
    /// The call that a slow path goes on with.
    pub(super) pending: Pending,
    /// The activation below.
    previous: *mut Cx,
    /// The registers, where handlers return to a loop.
    #[cfg(not(riser_tail_calls))]
    pub(super) regs: Option<Regs>,
}

/// A piece of code that belongs to no function.
pub(super) struct StaticCode(#[allow(dead_code, reason = "read as code")] Handler);

impl StaticCode {
    pub(super) fn ip(&'static self) -> *const u8 {
        (&raw const *self).cast()
    }
}

/// Where the outermost function of an activation returns to.
pub(super) static EXIT: StaticCode = StaticCode(control::exit);
/// Where a function returns to that was called from another instance.
pub(super) static RESTORE: StaticCode = StaticCode(calls::restore);

/// The memory of instances that have none.
struct NoMemory(MemoryDef);
// SAFETY: nobody writes it.
unsafe impl Sync for NoMemory {}
static NO_MEMORY: NoMemory =
    NoMemory(MemoryDef { base: ptr::dangling_mut(), len: AtomicUsize::new(0) });

impl Cx {
    /// Makes `vmctx` the running instance.
    ///
    /// # Safety
    ///
    /// It must be a live instance of an interpreted module.
    pub(super) unsafe fn set_instance(&mut self, vmctx: *mut VmCtx) {
        // SAFETY: `code` is the module's header row, before which its owner says where memory 0 is.
        unsafe {
            self.vmctx = vmctx;
            self.code = (*vmctx).code;
            self.memory = match owner(self.code).memory0 {
                0 => &raw const NO_MEMORY.0,
                offset => *vmctx.cast::<u8>().add(offset as usize).cast::<*const MemoryDef>(),
            };
        }
    }

    /// Lowers a function of the module whose headers begin at `code_table`.
    ///
    /// # Safety
    ///
    /// `header` must be one of them.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn lower(code_table: *const u8, header: *const FuncHeader) {
        // SAFETY: the owner lives as long as its headers.
        unsafe {
            let defined = header.offset_from(code_table.cast::<FuncHeader>()) as usize;
            (*owner(code_table).shared).lower(defined);
        }
    }
}

impl Regs {
    /// Reads base and length of memory 0 anew.
    ///
    /// # Safety
    ///
    /// `cx` must be the running activation.
    #[inline(always)]
    pub(super) unsafe fn reload_memory(&mut self) {
        // SAFETY: fact 4 of the module's documentation.
        unsafe {
            let memory = (*self.cx).memory;
            self.mem = (*memory).base;
            self.len = (*memory).len.load(Ordering::Relaxed);
        }
    }

    /// What lies at an offset of the running instance's `VmCtx`.
    ///
    /// # Safety
    ///
    /// The offset must come from the layout of the instance's module.
    #[inline(always)]
    pub(super) unsafe fn vmctx_at<T>(&self, offset: u32) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { (*self.cx).vmctx.cast::<u8>().add(offset as usize).cast() }
    }
}

/// Restores the store's view of the stack when an activation ends, however it ends.
struct Restore {
    runtime: *mut VmRuntime,
    stack_top: *mut Slot,
    activation: *mut core::ffi::c_void,
}

impl Drop for Restore {
    fn drop(&mut self) {
        // SAFETY: the store outlives the activation.
        unsafe {
            (*self.runtime).stack_top = self.stack_top;
            (*self.runtime).activation = self.activation;
        }
    }
}

/// Calls a function from the host: the way into the interpreter.
///
/// `slots` holds the arguments, one after the other in slots (a vector takes two), and has room for the
/// larger of arguments and results; the results are left there. Calls may nest: a host function that runs
/// in the store may call again. When the call ends, however it ends, `stack_top` and `activation` of the
/// store are as before.
///
/// # Errors
///
/// The reason for which execution ended early, with the frames active at that moment.
///
/// # Safety
///
/// `runtime` must be a live store's that runs on this thread, with its stack area and builtins set; `func`
/// must be a function of that store, whose `entry` is [`crate::InterpModule::entry`] of a live module or a
/// [`HostEntry`], and whose `vmctx` fits it; `slots` must hold arguments of the function's type.
pub unsafe fn call(
    runtime: *mut VmRuntime,
    func: *const FuncRef,
    slots: &mut [Slot],
) -> Result<(), Exit> {
    // SAFETY: the caller gives a live store and function, and arguments of the right type.
    unsafe {
        let here = 0_u8;
        if (&raw const here as usize) < (*runtime).host_stack_limit {
            return Err(overflow(runtime));
        }
        let header = (*func).entry.cast::<FuncHeader>();
        if (*header).is_host() {
            return call_host(runtime, func, slots);
        }
        let code_table = (*(*func).vmctx).code;
        if (*header).code().is_null() {
            Cx::lower(code_table, header);
        }
        let fp = (*runtime).stack_top;
        let previous = (*runtime).activation.cast::<Cx>();
        let end = if previous.is_null() { (*runtime).stack_end } else { (*previous).csp.cast() };
        let needed = (*header).frame_bytes().max(slots.len() * 8 + size_of::<Record>());
        if end as usize - fp as usize <= needed {
            return Err(overflow(runtime));
        }
        let csp = end.cast::<Record>().sub(1);
        csp.write(Record { ret_ip: EXIT.ip(), fp, header });
        fp.copy_from_nonoverlapping(slots.as_ptr(), slots.len());
        let exit = run(runtime, previous, csp, (*func).vmctx, (*header).code());
        slots.as_mut_ptr().copy_from_nonoverlapping(fp, slots.len());
        exit
    }
}

/// A host function called by the host.
unsafe fn call_host(
    runtime: *mut VmRuntime,
    func: *const FuncRef,
    slots: &mut [Slot],
) -> Result<(), Exit> {
    // SAFETY: the entry says that it is a host function's; `slots` has room for arguments and results.
    unsafe {
        let entry = (*func).entry.cast::<HostEntry>();
        debug_assert!(slots.len() >= (*entry).slots as usize);
        let status = ((*entry).call)((*func).vmctx, ptr::null_mut(), slots.as_mut_ptr());
        if status.is_ok() { Ok(()) } else { Err(exit(runtime, status)) }
    }
}

/// Runs a new activation whose first frame and record are in place.
unsafe fn run(
    runtime: *mut VmRuntime,
    previous: *mut Cx,
    csp: *mut Record,
    vmctx: *mut VmCtx,
    code: *const u8,
) -> Result<(), Exit> {
    // SAFETY: as the caller's.
    unsafe {
        let fp = (*csp).fp;
        let mut cx = Cx {
            csp,
            vmctx,
            code: ptr::null(),
            memory: ptr::null(),
            runtime,
            ip: code,
            fp,
            exit: Status::OK,
            left: Flow::Left,
            pending: Pending {
                callee: Callee { header: ptr::null(), vmctx },
                args: ptr::null_mut(),
                size: 0,
                actual: TypeId(0),
                expected: TypeId(0),
            },
            previous,
            #[cfg(not(riser_tail_calls))]
            regs: None,
        };
        cx.set_instance(vmctx);
        let cx = &raw mut cx;
        let _restore =
            Restore { runtime, stack_top: (*runtime).stack_top, activation: (*runtime).activation };
        (*runtime).activation = cx.cast();
        let mut r = Regs { ip: code, fp, mem: ptr::null_mut(), len: 0, cx, acc: 0, s: 0.0, d: 0.0 };
        r.reload_memory();
        drive(r);
        if (*cx).exit.is_ok() {
            return Ok(());
        }
        Err(exit(runtime, (*cx).exit))
    }
}

/// Runs until the activation is left.
#[inline(always)]
unsafe fn drive(r: Regs) {
    // SAFETY: the registers are at the first instruction of a function, or at the one that the last
    // handler went on to.
    unsafe {
        let handler = (*r.ip.cast::<Unaligned<Handler>>()).0;
        let flow = handler(r.ip, r.fp, r.mem, r.len, r.cx, r.acc, r.s, r.d);
        #[cfg(riser_tail_calls)]
        debug_assert!(flow == Flow::Left);
        #[cfg(not(riser_tail_calls))]
        {
            let mut flow = flow;
            while flow == Flow::Next {
                let Some(r) = (*r.cx).regs.take() else { break };
                let handler = (*r.ip.cast::<Unaligned<Handler>>()).0;
                flow = handler(r.ip, r.fp, r.mem, r.len, r.cx, r.acc, r.s, r.d);
            }
        }
    }
}

/// The stack has no room for a call from the host.
unsafe fn overflow(runtime: *mut VmRuntime) -> Exit {
    // SAFETY: as the caller's.
    unsafe { exit(runtime, Status::trap(TrapCode::StackOverflow)) }
}

/// Why an activation ended, with the frames that are active now.
#[cold]
unsafe fn exit(runtime: *mut VmRuntime, status: Status) -> Exit {
    // SAFETY: as the caller's.
    let frames = unsafe { frames(runtime) };
    let reason = match status.trap_code() {
        Some(code) => ExitReason::Trap(code),
        None if status == Status::EXCEPTION => ExitReason::Exception,
        None => ExitReason::HostError,
    };
    Exit { reason, frames }
}

/// The active frames of a store, innermost first. For host functions that run in it.
///
/// # Safety
///
/// `runtime` must be a live store's that runs on this thread.
pub unsafe fn frames(runtime: *const VmRuntime) -> Backtrace {
    let mut trace = Backtrace::default();
    // SAFETY: as the caller's.
    unsafe { visit_frames(runtime, &mut |frame, _| trace.push(frame)) };
    trace
}

/// Gives each active frame of a store and its first slot to `visit`, innermost first. What is in the slots,
/// [`InterpModule::frame_state`](crate::InterpModule::frame_state) says.
///
/// # Safety
///
/// As for [`frames`].
pub unsafe fn visit_frames(runtime: *const VmRuntime, visit: &mut dyn FnMut(FrameInfo, *mut Slot)) {
    // SAFETY: the caller gives a live store; its activations are linked, innermost first.
    unsafe {
        let mut cx = (*runtime).activation.cast::<Cx>().cast_const();
        while !cx.is_null() {
            frames_of(&*cx, visit);
            cx = (*cx).previous;
        }
    }
}

/// Gives each slot of an active frame that holds a reference into the heap (or null) to `visit`, once.
///
/// # Safety
///
/// As for [`frames`]; and the store's code waits for a host function, or for a builtin that may collect garbage.
pub unsafe fn visit_references(runtime: *const VmRuntime, visit: &mut dyn FnMut(*mut Slot)) {
    // Few functions have many frames.
    let mut maps = BTreeMap::new();
    let mut visit_frame = |frame: FrameInfo, fp: *mut Slot| {
        // SAFETY: the frame is of a live instance, and a map names slots of its function's frame.
        unsafe {
            let shared = owner((*frame.vmctx).code).shared;
            let map = maps
                .entry((shared, frame.func))
                .or_insert_with(|| (*shared).frame_map(frame.func as usize));
            let number = map.number(frame.pc);
            debug_assert!(number.is_some(), "a frame can be looked at where its function waits");
            if let Some(number) = number {
                map.references(number, &mut |slot| visit(fp.add(slot as usize)));
            }
        }
    };
    // SAFETY: as the caller's.
    unsafe { visit_frames(runtime, &mut visit_frame) };
}

/// Gives the frames of one activation to `visit`.
unsafe fn frames_of(cx: &Cx, visit: &mut dyn FnMut(FrameInfo, *mut Slot)) {
    let (mut ip, mut vmctx, mut frame) = (cx.ip, cx.vmctx, cx.fp);
    // A return address points behind its call; the address where control left points at it.
    let mut behind = 0;
    let mut record = cx.csp;
    // SAFETY: the records from `csp` up to the one that returns to `EXIT` are the activation's.
    unsafe {
        loop {
            let Record { ret_ip, fp, header } = *record;
            if !header.is_null() {
                let func = header.offset_from((*vmctx).code.cast::<FuncHeader>()) as u32;
                let pc = ip.offset_from((*header).code()) as u32 - behind;
                visit(FrameInfo { vmctx, func, pc }, frame);
            }
            if ret_ip == EXIT.ip() {
                return;
            }
            if ret_ip == RESTORE.ip() {
                vmctx = fp.cast();
            } else {
                (ip, frame, behind) = (ret_ip, fp, 1);
            }
            record = record.add(1);
        }
    }
}
