//! The aarch64 twin: what must be said in instructions. The procedure call standard for C, Cranelift's `tail` convention
//! for compiled code: integers in x2 to x7, floats and vectors in v0 to v7; x1 may hold the callee's address. Neither has
//! arguments in x16 and x17, so that a jump between functions may use these.

use super::StackEntry;
use core::arch::{asm, naked_asm};
use core::ops::Range;

/// Defines where compiled code enters the runtime by the C convention: `fn NAME => TARGET; runtime: A, fp: B, pc: C`. The
/// function finds a block at `[first argument + A]`, stores the caller's frame pointer and return address at `B` and `C` in
/// it, and goes on in `TARGET` with all arguments as they were.
#[macro_export]
macro_rules! exit_entry {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $target:path;
     runtime: $runtime:expr, fp: $fp:expr, pc: $pc:expr $(,)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        $vis unsafe extern "C" fn $name() {
            ::core::arch::naked_asm!(
                "ldr x16, [x0, #{runtime}]", "str x29, [x16, #{fp}]", "str x30, [x16, #{pc}]", "b {target}",
                runtime = const $runtime, fp = const $fp, pc = const $pc, target = sym $target,
            )
        }
    };
}

/// Defines what lazy stubs jump to: `fn NAME => TARGET; runtime: A, fp: B, pc: C`. It records its caller as
/// [`exit_entry!`](crate::exit_entry) does, and calls `TARGET(first argument, index of the stub) -> code` by the C convention;
/// then it goes on in that code with all arguments as they were.
#[macro_export]
macro_rules! lazy_entry {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $target:path;
     runtime: $runtime:expr, fp: $fp:expr, pc: $pc:expr $(,)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        $vis unsafe extern "C" fn $name() {
            ::core::arch::naked_asm!(
                $crate::lazy_entry_asm!(),
                runtime = const $runtime, fp = const $fp, pc = const $pc, target = sym $target,
            )
        }
    };
}

/// The instructions of [`lazy_entry!`](crate::lazy_entry).
#[doc(hidden)]
#[macro_export]
macro_rules! lazy_entry_asm {
    () => {
        ".cfi_startproc; stp x29, x30, [sp, #-16]!
         .cfi_def_cfa_offset 16; .cfi_offset x29, -16; .cfi_offset x30, -8
         mov x29, sp; .cfi_def_cfa_register x29; sub sp, sp, #192
         stp q0, q1, [sp]; stp q2, q3, [sp, #32]; stp q4, q5, [sp, #64]; stp q6, q7, [sp, #96]
         stp x2, x3, [sp, #128]; stp x4, x5, [sp, #144]; stp x6, x7, [sp, #160]; str x8, [sp, #176]
         ldr x16, [x2, #{runtime}]
         ldp x9, x10, [x29]; str x9, [x16, #{fp}]; str x10, [x16, #{pc}]
         mov x0, x2; mov w1, w17; bl {target}
         mov x16, x0
         ldp q0, q1, [sp]; ldp q2, q3, [sp, #32]; ldp q4, q5, [sp, #64]; ldp q6, q7, [sp, #96]
         ldp x2, x3, [sp, #128]; ldp x4, x5, [sp, #144]; ldp x6, x7, [sp, #160]; ldr x8, [sp, #176]
         mov sp, x29; ldp x29, x30, [sp], #16
         .cfi_def_cfa sp, 0; .cfi_restore x29; .cfi_restore x30
         br x16; .cfi_endproc"
    };
}

/// Calls `entry(a, b, c)` with the stack pointer at `stack_top`, and comes back to this stack with what it returns. The
/// chain of frame pointers leads from one stack to the other.
///
/// # Safety
/// `stack_top` is a multiple of 16 and the end of memory that nothing else uses meanwhile, and that is large enough; `entry` may be called with these
/// arguments and does not unwind. If it does not return, because something resumes a frame above, nothing
/// of its stack is needed again.
#[unsafe(naked)]
pub unsafe extern "C" fn call_on_stack(
    stack_top: *mut u8,
    entry: StackEntry,
    a: *mut u8,
    b: *const u8,
    c: *mut u64,
) -> u32 {
    naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "mov sp, x0",
        "mov x16, x1",
        "mov x0, x2",
        "mov x1, x3",
        "mov x2, x4",
        "blr x16",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        ".cfi_restore x29",
        ".cfi_restore x30",
        "ret",
        ".cfi_endproc",
    )
}

/// Goes on at `pc` with these stack and frame pointers and the payload in the registers where Cranelift's exception
/// handlers expect it. All that was called since that frame is forgotten.
///
/// # Safety
/// `pc` is where code of the frame with `sp` and `fp` is prepared to go on with all other registers lost, the frame is
/// further up on this stack (or on one that is in use), and no frame that is forgotten has anything to drop.
#[unsafe(naked)]
pub unsafe extern "C" fn resume(
    pc: usize,
    sp: usize,
    fp: usize,
    payload0: usize,
    payload1: usize,
) -> ! {
    naked_asm!("mov x16, x0", "mov sp, x1", "mov x29, x2", "mov x0, x3", "mov x1, x4", "br x16",)
}

/// The bytes before the first lazy stub of a block.
pub const LAZY_STUBS_HEADER: usize = 16;

/// A block of stubs that jump to `common` with their index: `index` of the range is at [`LAZY_STUBS_HEADER`] plus
/// [`STUB_BYTES`](super::STUB_BYTES) for each before it. The block may lie anywhere that is a multiple of 16.
///
/// # Panics
/// If there are more than [`LAZY_STUBS_MAX`](super::LAZY_STUBS_MAX).
pub fn lazy_stubs(indices: Range<u32>, common: *const u8) -> Vec<u8> {
    assert!(indices.len() <= super::LAZY_STUBS_MAX);
    let mut code = Vec::with_capacity(LAZY_STUBS_HEADER + indices.len() * super::STUB_BYTES);
    code.extend_from_slice(&(common.addr() as u64).to_le_bytes());
    code.extend_from_slice(&[0; 8]);
    for index in indices {
        let (low, high) = (index & 0xffff, index >> 16);
        let words = code.len() as u32 / 4 + 2;
        let back = words.wrapping_neg() & 0x7_ffff;
        // movz w17, low; movk w17, high, lsl 16; ldr x16, the start of the block; br x16
        push(
            &mut code,
            [0x5280_0011 | low << 5, 0x72a0_0011 | high << 5, 0x5800_0010 | back << 5, 0xd61f_0200],
        );
    }
    code
}

/// A block of stubs that jump to where entry `index` of a table of addresses says, [`STUB_BYTES`](super::STUB_BYTES) for each
/// index of the range; the address of the table is at `[first argument + table]`. The block may lie anywhere that is a
/// multiple of 16.
///
/// # Panics
/// If an index is not below [`TABLE_STUB_INDEX_MAX`](super::TABLE_STUB_INDEX_MAX), or if `table` is not a multiple of 8
/// below 32 KiB.
pub fn table_stubs(indices: Range<u32>, table: usize) -> Vec<u8> {
    assert!(
        indices.end <= super::TABLE_STUB_INDEX_MAX && table < 1 << 15 && table.is_multiple_of(8)
    );
    let mut code = Vec::with_capacity(indices.len() * super::STUB_BYTES);
    for index in indices {
        let (high, low) = (index * 8 >> 12, index % 512);
        // ldr x16, [x2, table]; add x16, x16, high, lsl 12; ldr x16, [x16, low * 8]; br x16
        let load = 0xf940_0050 | (table as u32 / 8) << 10;
        push(&mut code, [load, 0x9140_0210 | high << 10, 0xf940_0210 | low << 10, 0xd61f_0200]);
    }
    code
}

fn push(code: &mut Vec<u8>, instructions: [u32; 4]) {
    for instruction in instructions {
        code.extend_from_slice(&instruction.to_le_bytes());
    }
}

/// Makes `len` bytes that were written at `written` be what the processors execute at `executed`. Whether the system can do that.
pub(crate) fn publish_instructions(written: *const u8, executed: *const u8, len: usize) -> bool {
    let lines: u64;
    // SAFETY: reads a register that tells the sizes of the caches' lines, as Linux lets programs do.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) lines, options(nomem, nostack, preserves_flags)) };
    let (instruction, data) = (4usize << (lines & 15), 4usize << (lines >> 16 & 15));
    let from = |start: *const u8, line: usize| {
        (start.addr() & !(line - 1)..start.addr() + len).step_by(line)
    };
    for address in from(written, data) {
        // SAFETY: writes a line back that is mapped, which changes nothing that a program sees.
        unsafe { asm!("dc cvau, {}", in(reg) address, options(nostack, preserves_flags)) };
    }
    // SAFETY: waits for that.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for address in from(executed, instruction) {
        // SAFETY: forgets a line that is mapped, which changes nothing that a program sees but what it executes there.
        unsafe { asm!("ic ivau, {}", in(reg) address, options(nostack, preserves_flags)) };
    }
    // SAFETY: waits for that, and forgets what was fetched.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    other_processors_forget_instructions()
}

/// Makes the other threads of the process forget what they have fetched. Whether the system can do that.
fn other_processors_forget_instructions() -> bool {
    use rustix::thread::{MembarrierCommand, membarrier};
    let here = || membarrier(MembarrierCommand::PrivateExpeditedSyncCore).is_ok();
    let register = || membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore).is_ok();
    here() || register() && here() || membarrier(MembarrierCommand::Global).is_ok()
}
