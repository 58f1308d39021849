//! Stand-ins for compiled code, in instructions of aarch64, check what entries and stubs do to registers and stacks.

use super::*;
use crate::{CodeMemory, exit_entry, lazy_entry, way_back};
use core::arch::naked_asm;
use core::mem::offset_of;

/// What compiled code would have of a store.
#[repr(C)]
#[derive(Default)]
struct Runtime {
    unused: u64,
    exit_fp: usize,
    exit_pc: usize,
    mark: u32,
    inside: u32,
    called: u32,
}

/// What compiled code would have of an instance, and where tests note what they see.
#[repr(C)]
struct Block {
    table: *const *const u8,
    runtime: *mut Runtime,
    integers: [u64; 6],
    stack_argument: u64,
    return_address: usize,
    frame: usize,
    code: *const u8,
    vectors: [[u64; 2]; 8],
    asked: u32,
}

const VECTORS: [[u64; 2]; 8] =
    [[1, 11], [2, 12], [3, 13], [4, 14], [5, 15], [6, 16], [7, 17], [8, u64::MAX - 1]];

fn block(runtime: &mut Runtime) -> Block {
    Block {
        table: core::ptr::null(),
        runtime,
        integers: [0; 6],
        stack_argument: 0,
        return_address: 0,
        frame: 0,
        code: notes_arguments as *const u8,
        vectors: VECTORS,
        asked: 0,
    }
}

way_back! {
    /// From builtins.
    fn after_builtin => pauses, after_builtin_asm;
    runtime: offset_of!(Block, runtime), fp: offset_of!(Runtime, exit_fp), pc: offset_of!(Runtime, exit_pc),
    mark: offset_of!(Runtime, mark), inside: offset_of!(Runtime, inside)
}

way_back! {
    /// From lazy stubs.
    fn after_stub => pauses, after_stub_asm;
    runtime: offset_of!(Block, runtime), fp: offset_of!(Runtime, exit_fp), pc: offset_of!(Runtime, exit_pc),
    mark: offset_of!(Runtime, mark), inside: offset_of!(Runtime, inside)
}

/// What a mark leads to: it is taken away the second time.
unsafe extern "C" fn pauses(runtime: *mut Runtime) {
    // SAFETY: tests give blocks that nobody else uses.
    unsafe {
        assert_eq!(((*runtime).inside, (*runtime).mark), (0, 1));
        (*runtime).called += 1;
        (*runtime).mark = u32::from((*runtime).called < 2);
        core::arch::asm!(
            "mov x2, #-1; mov x3, #-1; mov x4, #-1; mov x5, #-1; mov x6, #-1; mov x7, #-1; mov x16, #-1; movi v0.16b, #255",
            "movi v1.16b, #255; movi v2.16b, #255; movi v3.16b, #255; movi v4.16b, #255; movi v7.16b, #255",
            clobber_abi("C"),
        );
    }
}

/// Whether control counts as in code, and how often it has paused.
fn way(runtime: &Runtime) -> (u32, u32) {
    (runtime.inside, runtime.called)
}

exit_entry! {
    /// As a builtin of the runtime.
    fn builtin_entry => builtin, after_builtin;
    runtime: offset_of!(Block, runtime), fp: offset_of!(Runtime, exit_fp), pc: offset_of!(Runtime, exit_pc),
    mark: offset_of!(Runtime, mark), inside: offset_of!(Runtime, inside)
}

unsafe extern "C" fn builtin(block: *mut Block, a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    // SAFETY: the caller gives a block that nobody else uses.
    unsafe { (*block).integers = [1, a, b, c, d, e] };
    a + b + c + d + e
}

/// Calls `builtin_entry` with numbers, and notes its own frame and where the call returns to.
#[unsafe(naked)]
unsafe extern "C" fn calls_builtin(_block: *mut Block) -> u64 {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!; mov x29, sp; str x29, [x0, #{frame}]; adr x9, 2f; str x9, [x0, #{return_address}]",
        "mov x1, #10; mov x2, #20; mov x3, #30; mov x4, #40; mov x5, #50; bl {entry}",
        "2: ldp x29, x30, [sp], #16; ret",
        frame = const offset_of!(Block, frame), return_address = const offset_of!(Block, return_address),
        entry = sym builtin_entry,
    )
}

#[test]
fn builtin_entries_record_their_caller() {
    for mark in [0, 1] {
        let mut runtime = Runtime { mark, ..Runtime::default() };
        let mut block = block(&mut runtime);
        // SAFETY: the block has a runtime, and both outlive the call.
        let sum = unsafe { calls_builtin(&mut block) };
        assert_eq!((sum, block.integers), (150, [1, 10, 20, 30, 40, 50]));
        assert_eq!((runtime.exit_fp, runtime.exit_pc), (block.frame, block.return_address));
        assert_eq!(way(&runtime), (1, 2 * mark));
    }
}

lazy_entry! {
    /// What lazy stubs jump to.
    fn compile_entry => compile, after_stub;
    runtime: offset_of!(Block, runtime), fp: offset_of!(Runtime, exit_fp), pc: offset_of!(Runtime, exit_pc),
    mark: offset_of!(Runtime, mark), inside: offset_of!(Runtime, inside)
}

unsafe extern "C" fn compile(block: *mut Block, index: u32) -> *const u8 {
    // SAFETY: the caller gives a block that nobody else uses; the assembly says what it overwrites.
    unsafe {
        (*block).asked = index;
        core::arch::asm!(
            "mov x2, #-1; mov x3, #-1; mov x4, #-1; mov x5, #-1; mov x6, #-1; mov x7, #-1; movi v0.16b, #255",
            "movi v1.16b, #255; movi v2.16b, #255; movi v3.16b, #255; movi v4.16b, #255; movi v7.16b, #255",
            clobber_abi("C"),
        );
        (*block).code
    }
}

/// As a compiled function: notes all its arguments, and pops the one on the stack.
#[unsafe(naked)]
unsafe extern "C" fn notes_arguments() {
    naked_asm!(
        "stp x2, x3, [x2, #{i}]; stp x4, x5, [x2, #{i} + 16]; stp x6, x7, [x2, #{i} + 32]",
        "add x9, x2, #{v}; stp q0, q1, [x9]; stp q2, q3, [x9, #32]; stp q4, q5, [x9, #64]; stp q6, q7, [x9, #96]",
        "ldr x9, [sp], #16; str x9, [x2, #{stack}]; mov x0, #77; ret",
        i = const offset_of!(Block, integers), v = const offset_of!(Block, vectors),
        stack = const offset_of!(Block, stack_argument),
    )
}

/// Calls `code` with numbers in all registers of arguments and one on the stack, which the callee pops.
#[unsafe(naked)]
unsafe extern "C" fn calls_with_arguments(_block: *mut Block, _code: *const u8) -> u64 {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!; mov x29, sp; str x29, [x0, #{frame}]; adr x9, 2f; str x9, [x0, #{return_address}]",
        "add x9, x0, #{v}; ldp q0, q1, [x9]; ldp q2, q3, [x9, #32]; ldp q4, q5, [x9, #64]; ldp q6, q7, [x9, #96]",
        "mov x2, x0; mov x3, #10; mov x4, #20; mov x5, #30; mov x6, #40; mov x7, #50; mov x9, #60; str x9, [sp, #-16]!; blr x1",
        "2: mov x9, sp; cmp x9, x29; b.eq 3f; udf #0",
        "3: ldp x29, x30, [sp], #16; ret",
        frame = const offset_of!(Block, frame), return_address = const offset_of!(Block, return_address),
        v = const offset_of!(Block, vectors),
    )
}

/// Clears the notes of `block`, calls `code`, and compares what was noted.
fn check(block: &mut Block, code: *const u8) {
    // SAFETY: the code comes to `notes_arguments`.
    assert_eq!(unsafe { calls_with_arguments(block, code) }, 77);
    let this = (&raw const *block).addr() as u64;
    assert_eq!((block.integers, block.stack_argument), ([this, 10, 20, 30, 40, 50], 60));
    assert_eq!(block.vectors, VECTORS);
}

#[test]
fn lazy_stubs_keep_all_arguments() {
    let count = LAZY_STUBS_MAX as u32;
    let mut memory = CodeMemory::new();
    let bytes = lazy_stubs(100_000..100_000 + count, compile_entry as *const u8);
    let stubs = memory.publish(&bytes, 16).unwrap().wrapping_add(LAZY_STUBS_HEADER);
    for n in [0, 1, 70_000 % count, count - 1] {
        let mut runtime = Runtime { mark: n % 2, ..Runtime::default() };
        let mut block = block(&mut runtime);
        check(&mut block, stubs.wrapping_add(n as usize * STUB_BYTES));
        assert_eq!(block.asked, 100_000 + n);
        assert_eq!(way(&runtime), (1, 2 * (n % 2)));
        assert_eq!((runtime.exit_fp, runtime.exit_pc), (block.frame, block.return_address));
    }
}

#[test]
fn table_stubs_jump_through_the_table() {
    let mut table = vec![core::ptr::null(); 70_002];
    table[70_000] = notes_arguments as *const u8;
    let mut memory = CodeMemory::new();
    let bytes = table_stubs(69_999..70_001, offset_of!(Block, table));
    let stubs = memory.publish(&bytes, 16).unwrap();
    let mut runtime = Runtime::default();
    let mut block = block(&mut runtime);
    block.table = table.as_ptr();
    check(&mut block, stubs.wrapping_add(STUB_BYTES));
}
