//! x86-64: the registers of an interrupted thread, and coming back to it with all of them.

use super::interrupt::call_hook;
use crate::{Gate, Place};
use core::arch::naked_asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::mem::offset_of;
use core::sync::atomic::{AtomicUsize, Ordering};
use libc::{
    REG_EFL, REG_RBP, REG_RCX, REG_RDI, REG_RDX, REG_RIP, REG_RSI, REG_RSP, greg_t, ucontext_t,
};

/// Below the stack pointer a function may use so many bytes.
const RED_ZONE: usize = 128;

/// In the flags: string instructions go downwards.
const DIRECTION_FLAG: greg_t = 1 << 10;

/// What `xsave` writes, or 0 where there is no such instruction.
static XSAVE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// What stands before the features in the area of `xsave`, and all that `fxsave` writes.
const LEGACY_BYTES: usize = 512;

fn register(context: &ucontext_t, register: i32) -> usize {
    context.uc_mcontext.gregs[register as usize] as usize
}

fn set_register(context: &mut ucontext_t, register: i32, value: usize) {
    context.uc_mcontext.gregs[register as usize] = value as greg_t;
}

/// Where a thread is.
pub(super) fn place(context: &ucontext_t) -> Place {
    let [pc, sp, fp] = [REG_RIP, REG_RSP, REG_RBP].map(|name| register(context, name));
    Place { pc, sp, fp, link: 0, coming_back: false }
}

/// Lets the thread go on elsewhere.
pub(super) fn set_pc(context: &mut ucontext_t, pc: usize) {
    set_register(context, REG_RIP, pc);
}

/// Lets the thread go on in a function that never returns.
///
/// # Safety
/// The thread's stack pointer is in a stack with room for the function, whose address and arguments these are.
pub(super) unsafe fn redirect(context: &mut ucontext_t, function: usize, arguments: [usize; 4]) {
    let Place { pc, sp, .. } = place(context);
    // As after a call, which is from where the fault was.
    let sp = ((sp - RED_ZONE) & !15) - 8;
    // SAFETY: the caller promises room on the stack.
    unsafe { core::ptr::with_exposed_provenance_mut::<usize>(sp).write(pc) };
    for (name, argument) in [REG_RDI, REG_RSI, REG_RDX, REG_RCX].into_iter().zip(arguments) {
        set_register(context, name, argument);
    }
    set_register(context, REG_RSP, sp);
    set_register(context, REG_RIP, function);
    context.uc_mcontext.gregs[REG_EFL as usize] &= !DIRECTION_FLAG;
}

/// Finds out what there is to save.
pub(super) fn prepare_interrupts() {
    const OS_USES_XSAVE: u32 = 1 << 27;
    let has_xsave = __cpuid(1).ecx & OS_USES_XSAVE != 0;
    let bytes = if has_xsave { __cpuid_count(13, 0).ebx as usize } else { 0 };
    XSAVE_BYTES.store(bytes, Ordering::Relaxed);
}

/// Lets the thread go on in the stub, which comes back to where it is.
///
/// # Safety
/// The thread's stack pointer is in a stack with room for the stub and what that calls.
pub(super) unsafe fn divert(context: &mut ucontext_t) {
    let Place { pc, sp, .. } = place(context);
    let sp = sp - RED_ZONE - 8;
    // SAFETY: the caller promises room on the stack.
    unsafe { core::ptr::with_exposed_provenance_mut::<usize>(sp).write(pc) };
    set_register(context, REG_RSP, sp);
    let stub =
        if XSAVE_BYTES.load(Ordering::Relaxed) >= LEGACY_BYTES { xsave_stub } else { fxsave_stub };
    set_register(context, REG_RIP, (stub as *const ()).expose_provenance());
}

/// Whether the thread is at the end of a stub that cannot restore all registers by itself. None is needed here.
///
/// # Safety
/// None; the twin has some.
pub(super) unsafe fn come_back(_context: &mut ucontext_t) -> bool {
    false
}

/// Where the last three instructions of the stub are, in bytes from where it calls the hook: each takes something from the stack, the flags, the frame
/// pointer, and where to go on.
const LAST: usize = 192;

/// The part of the stub that calls the hook and comes back.
fn hook_part() -> usize {
    let part =
        if XSAVE_BYTES.load(Ordering::Relaxed) >= LEGACY_BYTES { xsave_hook } else { fxsave_hook };
    (part as *const ()).expose_provenance()
}

/// Whether the thread calls the hook, or comes back from it and has all that was saved still on its stack.
pub(super) fn is_coming_back(pc: usize) -> bool {
    (hook_part()..hook_part() + LAST).contains(&pc)
}

/// Where a thread that comes back can go on to call the hook again.
pub(super) fn again() -> usize {
    hook_part()
}

/// If the thread is at one of the stub's last instructions: does what is left to do, so that the thread is where it was interrupted.
///
/// # Safety
/// The context is that of a signal.
pub(super) unsafe fn finish(context: &mut ucontext_t) {
    let Some(done @ 0..3) = register(context, REG_RIP).checked_sub(hook_part() + LAST) else {
        return;
    };
    let sp = core::ptr::with_exposed_provenance::<usize>(register(context, REG_RSP));
    // SAFETY: nothing else goes there, and there the stack has what the stub is about to take.
    let word = |at: usize| unsafe { sp.add(at).read() };
    let frame = 2 - done;
    if done < 1 {
        set_register(context, REG_EFL, word(0));
    }
    if done < 2 {
        set_register(context, REG_RBP, word(frame - 1));
    }
    set_register(context, REG_RIP, word(frame));
    set_register(context, REG_RSP, sp.addr() + (frame + 1) * 8 + RED_ZONE);
}

/// The first part of the stub with two ways to save vectors: `ROOM; SAVE`, at `[rsp]`. It is entered with the address to go back
/// to on the stack, below the red zone.
macro_rules! stub {
    ($name:ident => $hook_part:ident; $room:literal, $save:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "push rbp; mov rbp, rsp; pushfq; push rax; push rbx; push rcx; push rdx; push rsi; push rdi",
                "push r8; push r9; push r10; push r11; push r12; push r13; push r14; push r15",
                $room, "and rsp, -64; cld", $save, "jmp {hook_part}",
                hook_part = sym $hook_part, bytes = sym XSAVE_BYTES,
            )
        }
    };
}

/// The second part: calls the hook, and again as long as the gate has a mark, restores everything, and goes on where the thread was.
macro_rules! hook_part {
    ($name:ident; $restore:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "2: mov rdi, [rbp + 8]; mov rsi, [rbp]; call {hook}",
                "mov dword ptr [rax + {inside}], 1; cmp dword ptr [rax + {mark}], 0; je 3f",
                "mov dword ptr [rax + {inside}], 0; jmp 2b; 3:", $restore,
                "mov rax, [rbp - 16]; mov rbx, [rbp - 24]; mov rcx, [rbp - 32]; mov rdx, [rbp - 40]; mov rsi, [rbp - 48]",
                "mov rdi, [rbp - 56]; mov r8, [rbp - 64]; mov r9, [rbp - 72]; mov r10, [rbp - 80]; mov r11, [rbp - 88]",
                "mov r12, [rbp - 96]; mov r13, [rbp - 104]; mov r14, [rbp - 112]; mov r15, [rbp - 120]",
                "jmp 4f; .org 2b + {last} - 4, 0xcc; 4: lea rsp, [rbp - 8]",
                // What is executed from here on is what `finish` does.
                ".org 2b + {last}, 0xcc; popfq; pop rbp; ret {red_zone}",
                hook = sym call_hook, red_zone = const RED_ZONE, last = const LAST,
                inside = const offset_of!(Gate, inside), mark = const offset_of!(Gate, mark),
            )
        }
    };
}

stub!(
    xsave_stub => xsave_hook;
    "sub rsp, [rip + {bytes}]",
    // The header behind the legacy area must be zero. All features that are enabled are saved.
    "lea rdi, [rsp + 512]; xor eax, eax; mov ecx, 8; rep stosq; mov eax, -1; mov edx, -1; xsave64 [rsp]"
);
hook_part!(xsave_hook; "mov eax, -1; mov edx, -1; xrstor64 [rsp]");
stub!(fxsave_stub => fxsave_hook; "/* {bytes} */ sub rsp, 512", "fxsave64 [rsp]");
hook_part!(fxsave_hook; "fxrstor64 [rsp]");
