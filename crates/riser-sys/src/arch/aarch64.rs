//! The aarch64 twin: what must be said in instructions. The procedure call standard for C, Cranelift's `tail` convention
//! for compiled code: integers in x2 to x7, floats and vectors in v0 to v7; x1 may hold the callee's address. Neither has
//! arguments in x16 and x17, so that a jump between functions may use these.

use super::StackEntry;
use core::arch::{asm, naked_asm};
use core::ops::Range;

/// Defines where compiled code enters the runtime by the C convention: `fn NAME => TARGET, BACK; runtime: A, fp: B, pc: C, mark: M,
/// inside: I`. The function finds a block at `[first argument + A]`, says at `I` that control is no more in code, stores the caller's frame
/// pointer and return address at `B` and `C`, and calls `TARGET` with all arguments as they were, which are in registers. Then it goes on in
/// `BACK`, a [`way_back!`](crate::way_back) with `after_builtin_asm`.
#[macro_export]
macro_rules! exit_entry {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $target:path, $back:path; runtime: $runtime:expr, fp: $fp:expr,
     pc: $pc:expr, mark: $mark:expr, inside: $inside:expr $(,)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        $vis unsafe extern "C" fn $name() {
            ::core::arch::naked_asm!(
                ".cfi_startproc; ldr x16, [x0, #{runtime}]; str wzr, [x16, #{inside}]",
                "str x29, [x16, #{fp}]; str x30, [x16, #{pc}]",
                "stp x16, x30, [sp, #-16]!; .cfi_adjust_cfa_offset 16; .cfi_offset x30, -8; bl {target}",
                "ldp x16, x30, [sp], #16; .cfi_adjust_cfa_offset -16; .cfi_restore x30",
                "b {back}; .cfi_endproc /* {mark} */",
                runtime = const $runtime, fp = const $fp, pc = const $pc, mark = const $mark, inside = const $inside,
                target = sym $target, back = sym $back,
            )
        }
    };
}

/// Defines what lazy stubs jump to, as [`exit_entry!`](crate::exit_entry): it calls `TARGET(first argument, index of the stub) -> code` by
/// the C convention, and goes on in that code with all arguments as they were, by `BACK`, a [`way_back!`](crate::way_back) with
/// `after_stub_asm`.
#[macro_export]
macro_rules! lazy_entry {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $target:path, $back:path; runtime: $runtime:expr, fp: $fp:expr,
     pc: $pc:expr, mark: $mark:expr, inside: $inside:expr $(,)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        $vis unsafe extern "C" fn $name() {
            ::core::arch::naked_asm!(
                ".cfi_startproc; ldr x16, [x2, #{runtime}]; str wzr, [x16, #{inside}]",
                $crate::save_arguments_asm!(),
                "ldp x9, x10, [x29]; str x9, [x16, #{fp}]; str x10, [x16, #{pc}]",
                "mov x0, x2; mov w1, w17; bl {target}; mov x16, x0",
                $crate::restore_arguments_asm!(),
                "b {back}; .cfi_endproc /* {mark} */",
                runtime = const $runtime, fp = const $fp, pc = const $pc, mark = const $mark, inside = const $inside,
                target = sym $target, back = sym $back,
            )
        }
    };
}

/// Defines a way back to code: `fn NAME => CALLED, ASM; runtime: A, fp: B, pc: C, mark: M, inside: I`, where `ASM` says which. It says at `I` of the
/// block that control is in code, looks at the mark at `M`, and goes to code if there is none; else it says that
/// control is outside, calls `CALLED(block)`, which may not come back, and begins anew.
///
/// The first [`WAY_BACK_BYTES`] bytes are this way without a mark. A thread that was stopped anywhere among them (or right behind them) can begin anew too.
#[macro_export]
macro_rules! way_back {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $called:path, $asm:ident; runtime: $runtime:expr, fp: $fp:expr,
     pc: $pc:expr, mark: $mark:expr, inside: $inside:expr $(,)?) => {
        $(#[$meta])*
        #[unsafe(naked)]
        $vis unsafe extern "C" fn $name() {
            ::core::arch::naked_asm!(
                $crate::$asm!(), "/* {runtime} {fp} {pc} */",
                runtime = const $runtime, fp = const $fp, pc = const $pc, mark = const $mark, inside = const $inside,
                called = sym $called,
            )
        }
    };
}

/// See [`way_back!`](crate::way_back).
pub const WAY_BACK_BYTES: usize = 32;

/// So many bytes of an [`exit_entry!`](crate::exit_entry) or [`lazy_entry!`](crate::lazy_entry) are executed before control counts as outside.
pub const EXIT_HEAD_BYTES: usize = 16;

/// The way back from builtins, which return to code: the block in x16, a result in x0.
#[doc(hidden)]
#[macro_export]
macro_rules! after_builtin_asm {
    () => {
        ".cfi_startproc
         2: mov w17, #1; str w17, [x16, #{inside}]; ldr w17, [x16, #{mark}]; cbnz w17, 3f; ret
         .org 2b + 32
         3: str wzr, [x16, #{inside}]
         stp x16, x30, [sp, #-32]!; .cfi_adjust_cfa_offset 32; .cfi_offset x30, -24; str x0, [sp, #16]
         mov x0, x16; bl {called}
         ldr x0, [sp, #16]; ldp x16, x30, [sp], #32; .cfi_adjust_cfa_offset -32; .cfi_restore x30
         b 2b; .cfi_endproc"
    };
}

/// The way back from lazy stubs: arguments in their registers, the code in x16.
#[doc(hidden)]
#[macro_export]
macro_rules! after_stub_asm {
    () => {
        concat!(
            ".cfi_startproc
             2: ldr x17, [x2, #{runtime}]; mov w9, #1; str w9, [x17, #{inside}]; ldr w9, [x17, #{mark}]; cbnz w9, 3f; br x16
             .org 2b + 32
             3: str wzr, [x17, #{inside}]
            ",
            $crate::save_arguments_asm!(),
            "
             str x16, [sp, #184]; mov x0, x17; bl {called}; ldr x16, [sp, #184]
            ",
            $crate::restore_arguments_asm!(),
            "
             b 2b; .cfi_endproc"
        )
    };
}

/// The way to a handler, `fn(pc, sp, fp, block)`, as [`resume`] without payload; if there is a mark, the frame of the handler is the one that was left.
#[doc(hidden)]
#[macro_export]
macro_rules! to_handler_asm {
    () => {
        "2: mov w9, #1; str w9, [x3, #{inside}]; ldr w9, [x3, #{mark}]; cbnz w9, 3f
         mov x29, x2; mov sp, x1; mov x16, x0; br x16
         .org 2b + 32
         3: str wzr, [x3, #{inside}]; mov x29, x2; mov sp, x1
         str x2, [x3, #{fp}]; add x9, x0, #1; str x9, [x3, #{pc}]
         stp x0, x1, [sp, #-32]!; stp x2, x3, [sp, #16]; mov x0, x3; bl {called}
         ldp x2, x3, [sp, #16]; ldp x0, x1, [sp], #32
         b 2b"
    };
}

/// Makes a frame with all arguments that may be in registers, and room for one more number. Changes none but the stack and frame pointer.
#[doc(hidden)]
#[macro_export]
macro_rules! save_arguments_asm {
    () => {
        "stp x29, x30, [sp, #-16]!
         .cfi_def_cfa_offset 16; .cfi_offset x29, -16; .cfi_offset x30, -8
         mov x29, sp; .cfi_def_cfa_register x29; sub sp, sp, #192
         stp q0, q1, [sp]; stp q2, q3, [sp, #32]; stp q4, q5, [sp, #64]; stp q6, q7, [sp, #96]
         stp x2, x3, [sp, #128]; stp x4, x5, [sp, #144]; stp x6, x7, [sp, #160]; str x8, [sp, #176]"
    };
}

/// Takes back what `save_arguments_asm` did.
#[doc(hidden)]
#[macro_export]
macro_rules! restore_arguments_asm {
    () => {
        "ldp q0, q1, [sp]; ldp q2, q3, [sp, #32]; ldp q4, q5, [sp, #64]; ldp q6, q7, [sp, #96]
         ldp x2, x3, [sp, #128]; ldp x4, x5, [sp, #144]; ldp x6, x7, [sp, #160]; ldr x8, [sp, #176]
         mov sp, x29; ldp x29, x30, [sp], #16
         .cfi_def_cfa sp, 0; .cfi_restore x29; .cfi_restore x30"
    };
}

/// The stack pointer.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let here;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, sp", out(reg) here, options(nomem, nostack, preserves_flags)) };
    here
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

/// Whether the processor has an extension of x86-64: this is another machine.
pub fn x86_64_extension(_name: &str) -> Option<bool> {
    None
}
