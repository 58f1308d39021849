//! aarch64: the registers of an interrupted thread, and coming back to it with all of them.
//!
//! No instruction jumps and leaves all registers as they were. So the stub ends with an instruction that is never
//! defined, and the handler of that fault restores what was saved.

use super::interrupt::call_hook;
use super::signals::Registers;
use core::arch::naked_asm;
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

/// The registers that tell where a thread is.
pub(super) fn registers(context: &ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    let [pc, sp, fp] = [machine.pc, machine.sp, machine.regs[29]].map(|value| value as usize);
    Registers { pc, sp, fp }
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

/// If the thread is at the end of the stub: lets it go on where it was interrupted.
///
/// # Safety
/// The context is that of a fault.
pub(super) unsafe fn come_back(context: &mut ucontext_t) -> bool {
    let machine = &mut context.uc_mcontext;
    if machine.pc != (interrupt_end as *const ()).expose_provenance() as u64 {
        return false;
    }
    // SAFETY: nothing else jumps there, and the stub's stack pointer is then again where `divert` wrote this.
    let saved = unsafe { core::ptr::with_exposed_provenance::<Saved>(machine.sp as usize).read() };
    machine.regs = saved.regs;
    machine.sp = saved.sp;
    machine.pc = saved.pc;
    machine.pstate = saved.pstate;
    true
}

/// Saves the vectors, calls the hook with the arguments as they are, restores the vectors.
#[unsafe(naked)]
unsafe extern "C" fn interrupt_stub() {
    naked_asm!(
        "sub sp, sp, #528",
        "stp q0, q1, [sp]; stp q2, q3, [sp, #32]; stp q4, q5, [sp, #64]; stp q6, q7, [sp, #96]",
        "stp q8, q9, [sp, #128]; stp q10, q11, [sp, #160]; stp q12, q13, [sp, #192]; stp q14, q15, [sp, #224]",
        "stp q16, q17, [sp, #256]; stp q18, q19, [sp, #288]; stp q20, q21, [sp, #320]; stp q22, q23, [sp, #352]",
        "stp q24, q25, [sp, #384]; stp q26, q27, [sp, #416]; stp q28, q29, [sp, #448]; stp q30, q31, [sp, #480]",
        "mrs x9, fpcr; mrs x10, fpsr; str x9, [sp, #512]; str x10, [sp, #520]",
        // A frame of the interrupted function's frame pointer and address, for whoever walks the stack.
        "stp x1, x0, [sp, #-16]!; mov x29, sp",
        "bl {hook}",
        "add sp, sp, #16",
        "ldr x9, [sp, #512]; ldr x10, [sp, #520]; msr fpcr, x9; msr fpsr, x10",
        "ldp q0, q1, [sp]; ldp q2, q3, [sp, #32]; ldp q4, q5, [sp, #64]; ldp q6, q7, [sp, #96]",
        "ldp q8, q9, [sp, #128]; ldp q10, q11, [sp, #160]; ldp q12, q13, [sp, #192]; ldp q14, q15, [sp, #224]",
        "ldp q16, q17, [sp, #256]; ldp q18, q19, [sp, #288]; ldp q20, q21, [sp, #320]; ldp q22, q23, [sp, #352]",
        "ldp q24, q25, [sp, #384]; ldp q26, q27, [sp, #416]; ldp q28, q29, [sp, #448]; ldp q30, q31, [sp, #480]",
        "add sp, sp, #528",
        "b {end}",
        hook = sym call_hook, end = sym interrupt_end,
    )
}

/// Where the stub ends: a fault whose handler restores the rest.
#[unsafe(naked)]
unsafe extern "C" fn interrupt_end() {
    naked_asm!("udf #0x515")
}
