//! The twin for machines and systems without compiled code: everything is there, so that what uses it compiles, and
//! nothing can be reached, because no code is ever published ([`COMPILED_CODE`](super::COMPILED_CODE)).

use super::StackEntry;
use core::ops::Range;

/// Defines where compiled code would enter the runtime.
#[macro_export]
macro_rules! exit_entry {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $target:path, $back:path; runtime: $runtime:expr, fp: $fp:expr,
     pc: $pc:expr, mark: $mark:expr, inside: $inside:expr $(,)?) => {
        $(#[$meta])*
        $vis unsafe extern "C" fn $name() {
            let _ = ($target as *const (), $back as *const (), const { [$runtime, $fp, $pc, $mark, $inside] });
            unreachable!("there is no compiled code on this machine")
        }
    };
}

/// Defines what lazy stubs would jump to.
#[macro_export]
macro_rules! lazy_entry {
    ($($entry:tt)*) => { $crate::exit_entry! { $($entry)* } };
}

/// Defines a way back to code.
#[macro_export]
macro_rules! way_back {
    ($(#[$meta:meta])* $vis:vis fn $name:ident => $called:path, $asm:ident; runtime: $runtime:expr, fp: $fp:expr,
     pc: $pc:expr, mark: $mark:expr, inside: $inside:expr $(,)?) => {
        $(#[$meta])*
        $vis unsafe extern "C" fn $name() {
            let _ = ($called as *const (), stringify!($asm), const { [$runtime, $fp, $pc, $mark, $inside] });
            unreachable!("there is no compiled code on this machine")
        }
    };
}

/// The bytes of a way back to code.
pub const WAY_BACK_BYTES: usize = 32;

/// The bytes of the head of an entry.
pub const EXIT_HEAD_BYTES: usize = 16;

/// About where the stack pointer stands: the address of a local of this function.
#[inline(never)]
pub(crate) fn stack_pointer() -> usize {
    let marker = 0u8;
    core::hint::black_box(&raw const marker).addr()
}

/// Nothing has a stack of its own here.
///
/// # Safety
/// Cannot be called soundly or otherwise: there is no entry for it.
///
/// # Panics
/// Always.
pub unsafe extern "C" fn call_on_stack(
    _stack_top: *mut u8,
    _entry: StackEntry,
    _a: *mut u8,
    _b: *const u8,
    _c: *mut u64,
) -> u32 {
    unreachable!("there is no compiled code on this machine")
}

/// Nothing can be resumed here.
///
/// # Safety
/// Cannot be called soundly or otherwise: there is no code to go on in.
///
/// # Panics
/// Always.
pub unsafe extern "C" fn resume(
    _pc: usize,
    _sp: usize,
    _fp: usize,
    _payload0: usize,
    _payload1: usize,
) -> ! {
    unreachable!("there is no compiled code on this machine")
}

/// The bytes before the first lazy stub of a block.
pub const LAZY_STUBS_HEADER: usize = 16;

/// No stubs.
pub fn lazy_stubs(_indices: Range<u32>, _common: *const u8) -> Vec<u8> {
    Vec::new()
}

/// No stubs.
pub fn table_stubs(_indices: Range<u32>, _table: usize) -> Vec<u8> {
    Vec::new()
}

/// Whether the processor has an extension of x86-64: this is another machine.
pub fn x86_64_extension(_name: &str) -> Option<bool> {
    None
}
