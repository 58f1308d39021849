//! Stand-ins for compiled code, in instructions of x86-64, check what entries and stubs do to registers and stacks.

use super::*;
use crate::{exit_entry, lazy_entry, way_back};
use core::arch::naked_asm;
use core::mem::offset_of;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

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
    vectors: [[u64; 2]; 8],
    stack_argument: u64,
    return_address: usize,
    frame: usize,
    code: *const u8,
    asked: u32,
}

fn block(runtime: &mut Runtime) -> Block {
    Block {
        table: core::ptr::null(),
        runtime,
        integers: [0; 6],
        vectors: [[0; 2]; 8],
        stack_argument: 0,
        return_address: 0,
        frame: 0,
        code: core::ptr::null(),
        asked: 0,
    }
}

/// Pages that can be executed, with this in them.
fn executable(code: &[u8]) -> *const u8 {
    let flags = MapFlags::PRIVATE;
    // SAFETY: a new mapping of the length of the code, written before it is made executable, and never unmapped.
    unsafe {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let base = mmap_anonymous(core::ptr::null_mut(), code.len(), prot, flags).unwrap();
        base.cast::<u8>().copy_from_nonoverlapping(code.as_ptr(), code.len());
        mprotect(base, code.len(), MprotectFlags::READ | MprotectFlags::EXEC).unwrap();
        base.cast()
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
        clobber();
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
        "push rbp", "mov rbp, rsp", "mov [rdi + {frame}], rbp", "lea rax, [rip + 2f]",
        "mov [rdi + {return_address}], rax", "mov esi, 10", "mov edx, 20", "mov ecx, 30", "mov r8d, 40",
        "mov r9d, 50", "call {entry}", "2:", "pop rbp", "ret",
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
        assert_ne!(runtime.exit_pc, 0);
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
    // SAFETY: the caller gives a block that nobody else uses.
    unsafe {
        (*block).asked = index;
        clobber();
        (*block).code
    }
}

/// Overwrites the registers of arguments, with the stack aligned for vectors.
fn clobber() {
    // SAFETY: says what it overwrites.
    unsafe {
        core::arch::asm!(
            "mov rdi, -1",
            "mov rsi, -1",
            "mov rdx, -1",
            "mov rcx, -1",
            "mov r8, -1",
            "mov r9, -1",
            "pcmpeqd xmm0, xmm0",
            "pcmpeqd xmm1, xmm1",
            "pcmpeqd xmm2, xmm2",
            "pcmpeqd xmm3, xmm3",
            "pcmpeqd xmm4, xmm4",
            "pcmpeqd xmm5, xmm5",
            "pcmpeqd xmm6, xmm6",
            "pcmpeqd xmm7, xmm7",
            clobber_abi("C"),
        );
    }
}

/// As a compiled function: notes all its arguments.
#[unsafe(naked)]
unsafe extern "C" fn notes_arguments() {
    naked_asm!(
        "mov [rdi + {i}], rdi", "mov [rdi + {i} + 8], rsi", "mov [rdi + {i} + 16], rdx", "mov [rdi + {i} + 24], rcx",
        "mov [rdi + {i} + 32], r8", "mov [rdi + {i} + 40], r9",
        "movups [rdi + {v}], xmm0", "movups [rdi + {v} + 16], xmm1", "movups [rdi + {v} + 32], xmm2",
        "movups [rdi + {v} + 48], xmm3", "movups [rdi + {v} + 64], xmm4", "movups [rdi + {v} + 80], xmm5",
        "movups [rdi + {v} + 96], xmm6", "movups [rdi + {v} + 112], xmm7",
        "mov rax, [rsp + 8]", "mov [rdi + {stack}], rax", "mov eax, 77", "ret 16",
        i = const offset_of!(Block, integers), v = const offset_of!(Block, vectors),
        stack = const offset_of!(Block, stack_argument),
    )
}

/// Calls `code` with numbers in all registers of arguments and one on the stack, which the callee pops.
#[unsafe(naked)]
unsafe extern "C" fn calls_with_arguments(_block: *mut Block, _code: *const u8) -> u64 {
    naked_asm!(
        "push rbp", "mov rbp, rsp", "mov [rdi + {frame}], rbp", "lea rax, [rip + 2f]",
        "mov [rdi + {return_address}], rax", "mov r10, rsi",
        "movups xmm0, [rdi + {v}]", "movups xmm1, [rdi + {v} + 16]", "movups xmm2, [rdi + {v} + 32]",
        "movups xmm3, [rdi + {v} + 48]", "movups xmm4, [rdi + {v} + 64]", "movups xmm5, [rdi + {v} + 80]",
        "movups xmm6, [rdi + {v} + 96]", "movups xmm7, [rdi + {v} + 112]",
        "mov esi, 10", "mov edx, 20", "mov ecx, 30", "mov r8d, 40", "mov r9d, 50",
        "sub rsp, 16", "mov qword ptr [rsp], 60", "call r10", "2:", "cmp rsp, rbp", "je 3f", "ud2", "3:", "pop rbp", "ret",
        frame = const offset_of!(Block, frame), return_address = const offset_of!(Block, return_address),
        v = const offset_of!(Block, vectors),
    )
}

const VECTORS: [[u64; 2]; 8] =
    [[1, 11], [2, 12], [3, 13], [4, 14], [5, 15], [6, 16], [7, 17], [8, u64::MAX - 1]];

#[test]
fn lazy_stubs_keep_all_arguments() {
    let stubs = lazy_stubs(100_000..100_003, compile_entry as *const u8);
    assert_eq!(stubs.len(), LAZY_STUBS_HEADER + 3 * STUB_BYTES);
    let stubs = executable(&stubs);
    for (n, mark) in [(0, 0), (1, 1), (2, 0)] {
        let mut runtime = Runtime { mark, ..Runtime::default() };
        let mut block = block(&mut runtime);
        block.vectors = VECTORS;
        block.code = notes_arguments as *const u8;
        // SAFETY: the stub is in the block, whose entry gives code for the block of the test.
        let result = unsafe {
            calls_with_arguments(&mut block, stubs.add(LAZY_STUBS_HEADER + n * STUB_BYTES))
        };
        assert_eq!((result, block.asked), (77, 100_000 + n as u32));
        let this = (&raw const block).addr() as u64;
        assert_eq!(block.integers, [this, 10, 20, 30, 40, 50]);
        assert_eq!((block.vectors, block.stack_argument), (VECTORS, 60));
        assert_eq!((runtime.exit_fp, runtime.exit_pc), (block.frame, block.return_address));
        assert_eq!(way(&runtime), (1, 2 * mark));
    }
}

#[test]
fn table_stubs_jump_through_the_table() {
    let mut table = vec![core::ptr::null(); 70_001];
    table[70_000] = notes_arguments as *const u8;
    let stubs = executable(&table_stubs(69_999..70_001, offset_of!(Block, table)));
    let mut runtime = Runtime::default();
    let mut block = block(&mut runtime);
    block.vectors = VECTORS;
    block.table = table.as_ptr();
    // SAFETY: the second stub is for the entry of the table that is code.
    let result = unsafe { calls_with_arguments(&mut block, stubs.add(STUB_BYTES)) };
    assert_eq!((result, block.vectors, block.stack_argument), (77, VECTORS, 60));
    assert_eq!(block.integers[1..], [10, 20, 30, 40, 50]);
}

/// Notes its stack and frame pointers.
#[unsafe(naked)]
unsafe extern "C" fn notes_stack(_a: *mut u8, _b: *const u8, _c: *mut u64) -> u32 {
    naked_asm!(
        "mov [rdx], rsp",
        "mov [rdx + 8], rbp",
        "mov [rdx + 16], rdi",
        "mov [rdx + 24], rsi",
        "mov eax, 5",
        "ret"
    )
}

#[test]
fn calls_on_another_stack_come_back() {
    let mut stack = vec![0u128; 256];
    let top = stack.as_mut_ptr_range().end.cast::<u8>();
    let mut seen = [0u64; 4];
    let (a, b) = (core::ptr::without_provenance_mut(3), core::ptr::without_provenance(4));
    // SAFETY: the stack is aligned and large enough for a function that uses none of it.
    let result = unsafe { call_on_stack(top, notes_stack, a, b, seen.as_mut_ptr()) };
    assert_eq!((result, seen[0], seen[2], seen[3]), (5, top.addr() as u64 - 8, 3, 4));
    // The frame pointer is that of a frame on the old stack: somewhere near the numbers of this test.
    let here = seen.as_ptr().addr() as u64;
    assert!((here - 4096..here + 4096).contains(&seen[1]), "{seen:?}");
}

way_back! {
    /// To handlers.
    fn to_handler => pauses, to_handler_asm;
    runtime: offset_of!(Block, runtime), fp: offset_of!(Runtime, exit_fp), pc: offset_of!(Runtime, exit_pc),
    mark: offset_of!(Runtime, mark), inside: offset_of!(Runtime, inside)
}

/// What a landing begins with, and then how often it was looked for a mark.
#[repr(C)]
struct Handled {
    landing: [usize; 3],
    runtime: Runtime,
}

unsafe extern "C" fn goes_to_handler(handled: *mut u8, _: *const u8, _: *mut u64) -> u32 {
    // SAFETY: as `resumes`; the way back takes what is said there.
    unsafe {
        let handled = handled.cast::<Handled>();
        let [pc, sp, fp] = (*handled).landing;
        type Way = unsafe extern "C" fn(usize, usize, usize, *mut Runtime) -> u32;
        let way = core::mem::transmute::<unsafe extern "C" fn(), Way>(to_handler);
        way(pc, sp, fp, &raw mut (*handled).runtime)
    }
}

#[test]
fn a_handler_is_reached_when_there_is_no_mark() {
    let mut stack = vec![0u128; 4096];
    for mark in [0, 1] {
        let runtime = Runtime { mark, ..Runtime::default() };
        let mut handled = Handled { landing: [0; 3], runtime };
        let top = stack.as_mut_ptr_range().end.cast();
        // SAFETY: the stack is aligned and large enough for a function that goes to the frame above.
        unsafe { prepared((&raw mut handled).cast(), top, goes_to_handler) };
        let [pc, _, fp] = handled.landing;
        assert_eq!(way(&handled.runtime), (1, 2 * mark));
        if mark != 0 {
            assert_eq!((handled.runtime.exit_fp, handled.runtime.exit_pc), (fp, pc + 1));
        }
    }
}

/// Calls [`call_on_stack`] with what it is given, and is prepared to be resumed.
#[unsafe(naked)]
unsafe extern "C" fn prepared(
    _landing: *mut [usize; 3],
    _stack_top: *mut u8,
    _entry: StackEntry,
) -> u64 {
    naked_asm!(
        "push rbp", "mov rbp, rsp", "push rbx", "push r12", "lea rax, [rip + 2f]", "mov [rdi], rax",
        "mov [rdi + 8], rsp", "mov [rdi + 16], rbp", "mov rcx, rdx", "mov rdx, rdi", "mov rdi, rsi", "mov rsi, rcx",
        "call {call}", "ud2", "2:", "lea rax, [rax + 2 * rdx]", "pop r12", "pop rbx", "pop rbp", "ret",
        call = sym call_on_stack,
    )
}

unsafe extern "C" fn resumes(landing: *mut u8, _: *const u8, _: *mut u64) -> u32 {
    // SAFETY: `prepared` gives its landing, whose frame is active and has nothing in registers.
    unsafe {
        let [pc, sp, fp] = *landing.cast::<[usize; 3]>();
        resume(pc, sp, fp, 100, 11)
    }
}

#[test]
fn a_frame_is_resumed_across_stacks() {
    let mut stack = vec![0u128; 4096];
    let mut landing = [0; 3];
    for _ in 0..3 {
        // SAFETY: the stack is aligned and large enough for a function that resumes the frame above.
        let result =
            unsafe { prepared(&mut landing, stack.as_mut_ptr_range().end.cast(), resumes) };
        assert_eq!(result, 122);
    }
}
