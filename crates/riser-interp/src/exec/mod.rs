//! Execution of lowered code. The only place of this crate with `unsafe`.
//!
//! Every instruction has a *handler*, a function that takes the interpreter's registers ([`Regs`]) as
//! arguments, does its work, and ends with a call of the next instruction's handler ([`next`]). An
//! optimizing compiler turns that call into a jump, so the registers stay in machine registers and
//! every handler has a dispatch of its own. Where the compiler cannot be trusted with that (see
//! `build.rs`), a handler returns to a loop instead. A handler that leaves the interpreter (a trap, the
//! end of an activation) just returns.
//!
//! `operand.rs` reads operands and writes results; `simple`, `access`, `atomics`, `control`, `calls`, `memory`, `table`,
//! `gc`, `exceptions` hold the handlers by topic, `handlers.rs` finds the handler of an opcode; `activation.rs` is the way in
//! and knows the stack, `header.rs` what a function looks like to its callers.
//!
//! # What the handlers rely on
//!
//! Lowering, of a body that was validated, establishes what makes the `unsafe` here sound:
//!
//! 1. *Code*. `ip` points to the opcode word of an instruction of a function whose code lives as long as
//!    its `InterpModule`, which every instance of the module outlives its use of. Fields follow the word in
//!    the layout that the handler reads. Jumps lead to instructions of the same function. Code never runs
//!    off its end: the last instruction is a return, a jump or a trap.
//! 2. *Frame*. A slot field names a slot below the function's frame size. A call checks that the callee's
//!    whole frame lies between its first argument and the control stack, inside the store's stack area,
//!    before it is entered.
//! 3. *Values*. Each slot and accumulator that is read was written before with a value of that type, on
//!    every path: the validator's typing, and zeroed locals. Slots are plain 64-bit cells, so that a
//!    wrong type would give a wrong number but, except for references to functions, no access.
//!    References are only made by the runtime.
//! 4. *Instance*. `cx.vmctx` is the instance of the running function; it and everything it points to is
//!    live while its store runs. Indices of functions, memories, tables and globals in code are in
//!    range for every instance of the module.
//! 5. *Memory*. `mem` and `len` are base and length of the instance's memory 0, at most outdated by a
//!    concurrent growth of a shared memory, whose base never moves. (No memory: length 0.) They are read
//!    anew after everything that may grow it.
//!
//! SAFETY comments below refer to these by number.
#![allow(unsafe_code, reason = "the interpreter works on raw frames and memories; see above")]

mod access;
mod activation;
mod atomics;
mod calls;
mod control;
mod exceptions;
mod gc;
mod handlers;
mod header;
mod locals;
mod memory;
mod operand;
mod simple;
mod table;
mod watch;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod tests;

use activation::Cx;
pub use activation::{call, frames, visit_frames, visit_references};
pub(crate) use handlers::link;
pub use header::HostEntry;
pub(crate) use header::{FuncHeader, HeaderTable};

use riser_abi::{Slot, Status};
use riser_ops::TrapCode;

/// The bytes of an opcode word.
pub(crate) const WORD: usize = size_of::<Handler>();

/// The interpreter's registers.
#[derive(Clone, Copy)]
pub(crate) struct Regs {
    /// The current instruction.
    ip: *const u8,
    /// The current frame.
    fp: *mut Slot,
    /// The first byte of memory 0.
    mem: *mut u8,
    /// The length of memory 0.
    len: usize,
    /// Everything else.
    cx: *mut Cx,
    /// The accumulator for integers and references.
    acc: u64,
    /// The accumulator for `f32`.
    s: f32,
    /// The accumulator for `f64`.
    d: f64,
}

/// A value at any address. Reading it so, and not with `read_unaligned`, keeps handlers free of variables in
/// memory even where the library checks its callers; a handler with such a variable could not end with a jump.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned<T>(T);

/// Whether work with vectors is done in functions of their own.
///
/// Vectors pass through arrays in memory. An optimizing build dissolves those; one with assertions keeps
/// calls that take their addresses, and then a handler could not end with a jump.
const APART: bool = cfg!(debug_assertions);

/// Where a handler is, for functions of their own: few enough words to be passed in registers.
#[derive(Clone, Copy)]
struct At {
    ip: *const u8,
    fp: *mut Slot,
}

impl At {
    #[inline(always)]
    fn of(r: &Regs) -> At {
        At { ip: r.ip, fp: r.fp }
    }

    /// Registers that are good enough to read fields and slots.
    #[inline(always)]
    fn regs(self) -> Regs {
        let At { ip, fp } = self;
        let mem = core::ptr::null_mut();
        let cx = core::ptr::null_mut();
        Regs { ip, fp, mem, len: 0, cx, acc: 0, s: 0.0, d: 0.0 }
    }
}

/// What a handler tells the loop that called it, if there is one.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Flow {
    /// The activation is over; `cx.exit` says how.
    Left = 0,
    /// Call the handler of the next instruction.
    #[cfg_attr(riser_tail_calls, allow(dead_code, reason = "handlers call each other"))]
    Next = 1,
}

/// The function of an instruction. See the module's documentation for what it may assume.
pub(crate) type Handler = unsafe extern "C" fn(
    ip: *const u8,
    fp: *mut Slot,
    mem: *mut u8,
    len: usize,
    cx: *mut Cx,
    acc: u64,
    s: f32,
    d: f64,
) -> Flow;

/// Defines handlers: `fn name[generics](regs) { body }`; the body gives a [`Flow`].
macro_rules! handler {
    ($($(#[$attr:meta])* fn $name:ident[$($generics:tt)*]($r:ident) $body:block)*) => { $(
        $(#[$attr])*
        #[allow(clippy::too_many_arguments, unused_mut, reason = "the registers")]
        pub(super) unsafe extern "C" fn $name<$($generics)*>(
            ip: *const u8, fp: *mut Slot, mem: *mut u8, len: usize, cx: *mut Cx, acc: u64, s: f32, d: f64,
        ) -> Flow {
            let mut $r = Regs { ip, fp, mem, len, cx, acc, s, d };
            // SAFETY: handlers are only called with the registers at an instruction of theirs, which
            // gives the five facts in the module's documentation.
            unsafe { $body }
        }
    )* };
}
use handler;

/// Goes on with the instruction at `ip`.
///
/// # Safety
///
/// `r.ip` must point to an instruction, and the facts in the module's documentation must hold.
#[inline(always)]
unsafe fn next(r: Regs) -> Flow {
    #[cfg(riser_tail_calls)]
    {
        // SAFETY: an opcode word holds the address of a handler (fact 1).
        unsafe {
            let handler = (*r.ip.cast::<Unaligned<Handler>>()).0;
            handler(r.ip, r.fp, r.mem, r.len, r.cx, r.acc, r.s, r.d)
        }
    }
    #[cfg(not(riser_tail_calls))]
    {
        // SAFETY: `cx` is the activation that runs, which nothing else refers to meanwhile.
        unsafe { (*r.cx).regs = Some(r) };
        Flow::Next
    }
}

/// Goes on behind an instruction whose fields take `fields` bytes.
///
/// # Safety
///
/// As for [`next`], for the instruction behind.
#[inline(always)]
unsafe fn next_after(mut r: Regs, fields: usize) -> Flow {
    // SAFETY: code does not end with an instruction that goes on behind itself (fact 1).
    unsafe {
        r.ip = r.ip.add(WORD + fields);
        next(r)
    }
}

/// Goes on in another handler at the same instruction: what a handler does that has a slow path. Slow paths
/// are handlers of their own because a function that takes [`Regs`] takes it in memory, so that a call of it
/// would be no tail call.
///
/// # Safety
///
/// The handler's own conditions must hold.
#[inline(always)]
unsafe fn divert(r: Regs, handler: Handler) -> Flow {
    // SAFETY: the caller's promise.
    unsafe { handler(r.ip, r.fp, r.mem, r.len, r.cx, r.acc, r.s, r.d) }
}

handler! {
    /// Leaves the interpreter; `cx.exit` says how.
    #[cold]
    #[inline(never)]
    fn left[](r) {
        (*r.cx).ip = r.ip;
        (*r.cx).fp = r.fp;
        // Always `Flow::Left`; but if the compiler knew it, callers would not end with a jump to here.
        (*r.cx).left
    }
}

/// Leaves the interpreter.
#[inline(always)]
unsafe fn leave(r: Regs, status: Status) -> Flow {
    // SAFETY: `cx` is the activation that runs.
    unsafe {
        (*r.cx).exit = status;
        divert(r, left)
    }
}

/// Leaves the interpreter with a trap at the current instruction.
#[inline(always)]
unsafe fn trap(r: Regs, code: TrapCode) -> Flow {
    // SAFETY: as the caller's.
    unsafe { leave(r, Status::trap(code)) }
}

impl Regs {
    /// The field at `at` bytes behind the opcode word.
    ///
    /// # Safety
    ///
    /// There must be such a field (fact 1).
    #[inline(always)]
    unsafe fn field<T: Copy>(&self, at: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { (*self.ip.add(WORD + at).cast::<Unaligned<T>>()).0 }
    }

    /// The slot that the field at `at` names.
    ///
    /// # Safety
    ///
    /// The field must name a slot (facts 1 and 2).
    #[inline(always)]
    unsafe fn slot(&self, at: usize) -> *mut Slot {
        // SAFETY: the caller's promise; the slot lies in the frame.
        unsafe {
            let slot = self.fp.add(usize::from(self.field::<u16>(at)));
            self.check_slot(slot);
            slot
        }
    }

    /// In builds with assertions: the slot lies between the frame's start and the control stack. (The place of
    /// the arguments of a call without arguments may be the frame's end.)
    #[inline(always)]
    unsafe fn check_slot(&self, slot: *mut Slot) {
        // SAFETY: `cx` is the activation that runs, or null in a function of its own (see `At`).
        let end = unsafe { self.cx.as_ref() }.map_or(slot, |cx| cx.csp.cast());
        debug_assert!(slot >= self.fp && slot <= end);
    }

    /// Follows the jump in the field at `at`.
    ///
    /// # Safety
    ///
    /// The field must be a jump (fact 1).
    #[inline(always)]
    unsafe fn jump(&mut self, at: usize) {
        // SAFETY: the caller's promise; the target lies in the same code.
        unsafe {
            let distance = self.field::<i32>(at);
            self.ip = self.ip.add(WORD + at).offset(distance as isize);
        }
    }
}
