//! The x86-64 twin: what must be said in instructions. System V convention for C, Cranelift's `tail` convention for
//! compiled code: integers in rdi, rsi, rdx, rcx, r8, r9, floats and vectors in xmm0 to xmm7. Neither has
//! arguments in rax, r10 and r11, so that a jump between functions may use these.

use super::StackEntry;
use core::arch::naked_asm;
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
                "mov r11, [rdi + {runtime}]", "mov [r11 + {fp}], rbp", "mov r10, [rsp]", "mov [r11 + {pc}], r10",
                "jmp {target}",
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
        ".cfi_startproc; push rbp; .cfi_def_cfa_offset 16; .cfi_offset rbp, -16
         mov rbp, rsp; .cfi_def_cfa_register rbp; sub rsp, 176
         movups [rsp], xmm0; movups [rsp + 16], xmm1; movups [rsp + 32], xmm2; movups [rsp + 48], xmm3
         movups [rsp + 64], xmm4; movups [rsp + 80], xmm5; movups [rsp + 96], xmm6; movups [rsp + 112], xmm7
         mov [rsp + 128], rdi; mov [rsp + 136], rsi; mov [rsp + 144], rdx
         mov [rsp + 152], rcx; mov [rsp + 160], r8; mov [rsp + 168], r9
         mov r11, [rdi + {runtime}]
         mov r10, [rbp]; mov [r11 + {fp}], r10; mov r10, [rbp + 8]; mov [r11 + {pc}], r10
         mov esi, eax; call {target}
         movups xmm0, [rsp]; movups xmm1, [rsp + 16]; movups xmm2, [rsp + 32]; movups xmm3, [rsp + 48]
         movups xmm4, [rsp + 64]; movups xmm5, [rsp + 80]; movups xmm6, [rsp + 96]; movups xmm7, [rsp + 112]
         mov rdi, [rsp + 128]; mov rsi, [rsp + 136]; mov rdx, [rsp + 144]
         mov rcx, [rsp + 152]; mov r8, [rsp + 160]; mov r9, [rsp + 168]
         leave; .cfi_def_cfa rsp, 8; jmp rax; .cfi_endproc"
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
