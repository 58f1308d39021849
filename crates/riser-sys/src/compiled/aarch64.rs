//! aarch64: the registers of an interrupted thread, and coming back to it with all of them.
//!
//! No instruction jumps and leaves all registers as they were. So the stub ends with an instruction that is never
//! defined, and the handler of that fault restores what was saved.

use super::interrupt::call_hook;
use crate::{Gate, Place};
use core::arch::naked_asm;
use core::mem::offset_of;
use libc::ucontext_t;

/// In the state of the processor: that a jump to an address in a register was the last instruction.
const BRANCH_TYPE: u64 = 3 << 10;

/// What is saved of an interrupted thread, on its stack.
#[repr(C, align(16))]
struct Saved {
    regs: [u64; 31],
    sp: u64,
    pc: u64,
    pstate: u64,
}

/// Where a thread is.
pub(super) fn place(context: &ucontext_t) -> Place {
    let machine = &context.uc_mcontext;
    let [fp, link] = [machine.regs[29], machine.regs[30]].map(|value| value as usize);
    Place { pc: machine.pc as usize, sp: machine.sp as usize, fp, link, coming_back: false }
}

/// Lets the thread go on elsewhere.
pub(super) fn set_pc(context: &mut ucontext_t, pc: usize) {
    context.uc_mcontext.pc = pc as u64;
    context.uc_mcontext.pstate &= !BRANCH_TYPE;
}

/// Lets the thread go on in a function that never returns.
///
/// # Safety
/// The thread's stack pointer is in a stack with room for the function, whose address and arguments these are.
pub(super) unsafe fn redirect(context: &mut ucontext_t, function: usize, arguments: [usize; 4]) {
    let machine = &mut context.uc_mcontext;
    for (register, argument) in machine.regs.iter_mut().zip(arguments) {
        *register = argument as u64;
    }
    // As after a call, which is from where the fault was.
    machine.regs[30] = machine.pc;
    machine.sp &= !15;
    machine.pc = function as u64;
    machine.pstate &= !BRANCH_TYPE;
}

/// Nothing has to be found out here.
pub(super) fn prepare_interrupts() {}

/// Lets the thread go on in the stub, which comes back to where it is.
///
/// # Safety
/// The thread's stack pointer is in a stack with room for the stub and what that calls.
pub(super) unsafe fn divert(context: &mut ucontext_t) {
    let machine = &mut context.uc_mcontext;
    let sp = ((machine.sp & !15) - size_of::<Saved>() as u64) as usize;
    let (regs, pc, pstate) = (machine.regs, machine.pc, machine.pstate);
    // SAFETY: the caller promises room on the stack; there the stack pointer is a multiple of 16.
    unsafe {
        core::ptr::with_exposed_provenance_mut::<Saved>(sp).write(Saved {
            regs,
            sp: machine.sp,
            pc,
            pstate,
        });
    }
    machine.regs[0] = pc;
    machine.regs[1] = regs[29];
    machine.sp = sp as u64;
    machine.pc = (interrupt_stub as *const ()).expose_provenance() as u64;
    machine.pstate &= !BRANCH_TYPE;
}

/// Where the stub ends, in bytes from where it calls the hook.
const LAST: usize = 192;

/// What the stub saves by itself, and the frame that it makes, lie below what `divert` has saved.
const BELOW: usize = 528 + 16;

fn hook_part() -> usize {
    (interrupt_hook as *const ()).expose_provenance()
}

/// Whether the thread calls the hook, or comes back from it.
pub(super) fn is_coming_back(pc: usize) -> bool {
    (hook_part()..hook_part() + LAST).contains(&pc)
}

/// Where a thread that comes back can go on to call the hook again.
pub(super) fn again() -> usize {
    hook_part()
}

/// If the thread is at the end of the stub: lets it be where it was interrupted.
///
/// # Safety
/// The context is that of a signal.
pub(super) unsafe fn finish(context: &mut ucontext_t) {
    // SAFETY: the caller's promise.
    unsafe { come_back(context) };
}

/// If the thread is at the end of the stub: lets it go on where it was interrupted.
///
/// # Safety
/// The context is that of a signal.
pub(super) unsafe fn come_back(context: &mut ucontext_t) -> bool {
    let machine = &mut context.uc_mcontext;
    if machine.pc as usize != hook_part() + LAST {
        return false;
    }
    let saved = machine.sp as usize + BELOW;
    // SAFETY: nothing else goes there, and the stub's stack pointer is then below what `divert` wrote.
    let saved = unsafe { core::ptr::with_exposed_provenance::<Saved>(saved).read() };
    machine.regs = saved.regs;
    machine.sp = saved.sp;
    machine.pc = saved.pc;
    machine.pstate = saved.pstate;
    true
}

/// Saves the vectors, and makes a frame of the interrupted function's frame pointer and address, for whoever walks the stack.
#[unsafe(naked)]
unsafe extern "C" fn interrupt_stub() {
    naked_asm!(
        "sub sp, sp, #528",
        "stp q0, q1, [sp]; stp q2, q3, [sp, #32]; stp q4, q5, [sp, #64]; stp q6, q7, [sp, #96]",
        "stp q8, q9, [sp, #128]; stp q10, q11, [sp, #160]; stp q12, q13, [sp, #192]; stp q14, q15, [sp, #224]",
        "stp q16, q17, [sp, #256]; stp q18, q19, [sp, #288]; stp q20, q21, [sp, #320]; stp q22, q23, [sp, #352]",
        "stp q24, q25, [sp, #384]; stp q26, q27, [sp, #416]; stp q28, q29, [sp, #448]; stp q30, q31, [sp, #480]",
        "mrs x9, fpcr; mrs x10, fpsr; str x9, [sp, #512]; str x10, [sp, #520]",
        "stp x1, x0, [sp, #-16]!; mov x29, sp",
        "b {hook_part}",
        hook_part = sym interrupt_hook,
    )
}

/// Calls the hook, and again as long as the gate has a mark; restores the vectors. It ends with a fault whose handler restores the rest.
#[unsafe(naked)]
unsafe extern "C" fn interrupt_hook() {
    naked_asm!(
        "2: ldp x1, x0, [sp]; bl {hook}",
        "mov w9, #1; str w9, [x0, #{inside}]; ldr w9, [x0, #{mark}]; cbz w9, 3f",
        "str wzr, [x0, #{inside}]; b 2b",
        "3: add x11, sp, #16; ldr x9, [x11, #512]; ldr x10, [x11, #520]; msr fpcr, x9; msr fpsr, x10",
        "ldp q0, q1, [x11]; ldp q2, q3, [x11, #32]; ldp q4, q5, [x11, #64]; ldp q6, q7, [x11, #96]",
        "ldp q8, q9, [x11, #128]; ldp q10, q11, [x11, #160]; ldp q12, q13, [x11, #192]; ldp q14, q15, [x11, #224]",
        "ldp q16, q17, [x11, #256]; ldp q18, q19, [x11, #288]; ldp q20, q21, [x11, #320]; ldp q22, q23, [x11, #352]",
        "ldp q24, q25, [x11, #384]; ldp q26, q27, [x11, #416]; ldp q28, q29, [x11, #448]; ldp q30, q31, [x11, #480]",
        "b 4f",
        ".org 2b + {last}", "4: udf #0x515",
        hook = sym call_hook, last = const LAST,
        inside = const offset_of!(Gate, inside), mark = const offset_of!(Gate, mark),
    )
}
