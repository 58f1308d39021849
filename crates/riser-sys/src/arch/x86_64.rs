//! The x86-64 twin: what must be said in instructions. System V convention for C, Cranelift's `tail` convention for
//! compiled code: integers in rdi, rsi, rdx, rcx, r8, r9, floats and vectors in xmm0 to xmm7. Neither has
//! arguments in rax, r10 and r11, so that a jump between functions may use these.

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
                ".cfi_startproc; mov r11, [rdi + {runtime}]; mov dword ptr [r11 + {inside}], 0",
                "mov [r11 + {fp}], rbp; mov r10, [rsp]; mov [r11 + {pc}], r10",
                "push r11; .cfi_adjust_cfa_offset 8; call {target}; pop r11; .cfi_adjust_cfa_offset -8",
                "jmp {back}; .cfi_endproc /* {mark} */",
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
                ".cfi_startproc; mov r11, [rdi + {runtime}]; mov dword ptr [r11 + {inside}], 0",
                $crate::save_arguments_asm!(),
                "mov r10, [rbp]; mov [r11 + {fp}], r10; mov r10, [rbp + 8]; mov [r11 + {pc}], r10",
                "mov esi, eax; call {target}",
                $crate::restore_arguments_asm!(),
                "jmp {back}; .cfi_endproc /* {mark} */",
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

/// The way back from builtins, which return to code: the block in r11, a result in rax.
#[doc(hidden)]
#[macro_export]
macro_rules! after_builtin_asm {
    () => {
        ".cfi_startproc
         2: mov dword ptr [r11 + {inside}], 1; cmp dword ptr [r11 + {mark}], 0; jne 3f; ret
         .org 2b + 32, 0xcc
         3: mov dword ptr [r11 + {inside}], 0
         push r11; .cfi_adjust_cfa_offset 8; push rax; .cfi_adjust_cfa_offset 8; sub rsp, 8; .cfi_adjust_cfa_offset 8
         mov rdi, r11; call {called}
         add rsp, 8; .cfi_adjust_cfa_offset -8; pop rax; .cfi_adjust_cfa_offset -8; pop r11; .cfi_adjust_cfa_offset -8
         jmp 2b; .cfi_endproc"
    };
}

/// The way back from lazy stubs: arguments in their registers, the code in rax.
#[doc(hidden)]
#[macro_export]
macro_rules! after_stub_asm {
    () => {
        concat!(
            ".cfi_startproc
             2: mov r11, [rdi + {runtime}]; mov dword ptr [r11 + {inside}], 1; cmp dword ptr [r11 + {mark}], 0; jne 3f; jmp rax
             .org 2b + 32, 0xcc
             3: mov dword ptr [r11 + {inside}], 0
            ",
            $crate::save_arguments_asm!(),
            "
             mov [rsp + 176], rax; mov rdi, r11; call {called}; mov rax, [rsp + 176]
            ",
            $crate::restore_arguments_asm!(),
            "
             jmp 2b; .cfi_endproc"
        )
    };
}

/// The way to a handler, `fn(pc, sp, fp, block)`, as [`resume`] without payload; if there is a mark, the frame of the handler is the one that was left.
#[doc(hidden)]
#[macro_export]
macro_rules! to_handler_asm {
    () => {
        "2: mov dword ptr [rcx + {inside}], 1; cmp dword ptr [rcx + {mark}], 0; jne 3f; mov rbp, rdx; mov rsp, rsi; jmp rdi
         .org 2b + 32, 0xcc
         3: mov dword ptr [rcx + {inside}], 0; mov rbp, rdx; mov rsp, rsi
         mov [rcx + {fp}], rdx; lea rax, [rdi + 1]; mov [rcx + {pc}], rax
         push rdi; push rsi; push rdx; push rcx; mov rdi, rcx; call {called}; pop rcx; pop rdx; pop rsi; pop rdi
         jmp 2b"
    };
}

/// Makes a frame with all arguments that may be in registers, and room for one more number. Changes none but the stack and frame pointer.
#[doc(hidden)]
#[macro_export]
macro_rules! save_arguments_asm {
    () => {
        "push rbp; .cfi_def_cfa_offset 16; .cfi_offset rbp, -16
         mov rbp, rsp; .cfi_def_cfa_register rbp; sub rsp, 192
         movups [rsp], xmm0; movups [rsp + 16], xmm1; movups [rsp + 32], xmm2; movups [rsp + 48], xmm3
         movups [rsp + 64], xmm4; movups [rsp + 80], xmm5; movups [rsp + 96], xmm6; movups [rsp + 112], xmm7
         mov [rsp + 128], rdi; mov [rsp + 136], rsi; mov [rsp + 144], rdx
         mov [rsp + 152], rcx; mov [rsp + 160], r8; mov [rsp + 168], r9"
    };
}

/// Takes back what `save_arguments_asm` did.
#[doc(hidden)]
#[macro_export]
macro_rules! restore_arguments_asm {
    () => {
        "movups xmm0, [rsp]; movups xmm1, [rsp + 16]; movups xmm2, [rsp + 32]; movups xmm3, [rsp + 48]
         movups xmm4, [rsp + 64]; movups xmm5, [rsp + 80]; movups xmm6, [rsp + 96]; movups xmm7, [rsp + 112]
         mov rdi, [rsp + 128]; mov rsi, [rsp + 136]; mov rdx, [rsp + 144]
         mov rcx, [rsp + 152]; mov r8, [rsp + 160]; mov r9, [rsp + 168]
         leave; .cfi_def_cfa rsp, 8; .cfi_restore rbp"
    };
}

/// The stack pointer.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let here;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags)) };
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
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdi",
        "mov rax, rsi",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "mov rdx, r8",
        "call rax",
        "leave",
        ".cfi_def_cfa rsp, 8",
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
    naked_asm!("mov rax, rcx", "mov rbp, rdx", "mov rdx, r8", "mov rsp, rsi", "jmp rdi",)
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
    code.extend_from_slice(&[0xcc; 8]);
    for index in indices {
        // mov eax, index
        code.push(0xb8);
        code.extend_from_slice(&index.to_le_bytes());
        // jmp [rip + distance from the end of the instruction to the start of the block]
        code.extend_from_slice(&[0xff, 0x25]);
        let distance = -(code.len() as i32 + 4);
        code.extend_from_slice(&distance.to_le_bytes());
        code.extend_from_slice(&[0xcc; 5]);
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
        // mov rax, [rdi + table]
        code.extend_from_slice(&[0x48, 0x8b, 0x87]);
        code.extend_from_slice(&(table as u32).to_le_bytes());
        // jmp [rax + 8 * index]
        code.extend_from_slice(&[0xff, 0xa0]);
        code.extend_from_slice(&(index * 8).to_le_bytes());
        code.extend_from_slice(&[0xcc; 3]);
    }
    code
}

/// Makes `len` bytes that were written at `written` be what the processors execute at `executed`. This machine sees to that itself.
pub(crate) fn publish_instructions(_written: *const u8, _executed: *const u8, _len: usize) -> bool {
    true
}

/// Whether the processor has an extension of x86-64, by the name that the standard library gives it; `None` on other machines.
pub fn x86_64_extension(name: &str) -> Option<bool> {
    use std::arch::is_x86_feature_detected as has;
    Some(match name {
        "lzcnt" => has!("lzcnt"),
        "bmi1" => has!("bmi1"),
        "bmi2" => has!("bmi2"),
        "popcnt" => has!("popcnt"),
        "sse4.2" => has!("sse4.2"),
        "fma" => has!("fma"),
        "avx" => has!("avx"),
        _ => false,
    })
}
