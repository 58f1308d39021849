//! x86-64: the registers of an interrupted thread, and coming back to it with all of them.

use super::interrupt::call_hook;
use super::signals::Registers;
use core::arch::naked_asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
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

/// The registers that tell where a thread is.
pub(super) fn registers(context: &ucontext_t) -> Registers {
    let [pc, sp, fp] = [REG_RIP, REG_RSP, REG_RBP].map(|name| register(context, name));
    Registers { pc, sp, fp }
}

/// Lets the thread go on in a function that never returns.
///
/// # Safety
/// The thread's stack pointer is in a stack with room for the function, whose address and arguments these are.
pub(super) unsafe fn redirect(context: &mut ucontext_t, function: usize, arguments: [usize; 4]) {
    let Registers { pc, sp, .. } = registers(context);
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
    let Registers { pc, sp, .. } = registers(context);
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

/// The stub with two ways to save and restore vectors: `SAVE; RESTORE`, at `[rsp]`. It is entered with the address to go back
/// to on the stack, below the red zone.
macro_rules! stub {
    ($name:ident, $room:literal, $save:literal, $restore:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "push rbp; mov rbp, rsp; pushfq; push rax; push rbx; push rcx; push rdx; push rsi; push rdi",
                "push r8; push r9; push r10; push r11; push r12; push r13; push r14; push r15",
                "mov rbx, rsp", $room, "and rsp, -64; cld", $save,
                "mov rdi, [rbp + 8]; mov rsi, [rbp]; call {hook}", $restore,
                "mov rsp, rbx; pop r15; pop r14; pop r13; pop r12; pop r11; pop r10; pop r9; pop r8",
                "pop rdi; pop rsi; pop rdx; pop rcx; pop rbx; pop rax; popfq; pop rbp; ret {red_zone}",
                hook = sym call_hook, bytes = sym XSAVE_BYTES, red_zone = const RED_ZONE,
            )
        }
    };
}

stub!(
    xsave_stub,
    "sub rsp, [rip + {bytes}]",
    // The header behind the legacy area must be zero. All features that are enabled are saved.
    "lea rdi, [rsp + 512]; xor eax, eax; mov ecx, 8; rep stosq; mov eax, -1; mov edx, -1; xsave64 [rsp]",
    "mov eax, -1; mov edx, -1; xrstor64 [rsp]"
);
stub!(fxsave_stub, "/* {bytes} */ sub rsp, 512", "fxsave64 [rsp]", "fxrstor64 [rsp]");
