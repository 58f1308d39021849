//! Stacks: the interpreter's own, and how far down the host's has come and may go.

use crate::arch::machine;
use crate::{OutOfMemory, Region};

/// The interpreter's stack: 8-byte slots, zero when it is new. The system commits them as they are touched.
#[derive(Debug)]
pub struct SlotStack {
    region: Region,
}

impl SlotStack {
    /// A stack of `bytes` bytes, rounded down to whole slots.
    pub fn new(bytes: usize) -> Result<SlotStack, OutOfMemory> {
        let bytes = bytes & !7;
        Ok(SlotStack { region: Region::mapped(bytes, bytes)? })
    }

    /// The first slot.
    pub fn base(&self) -> *mut u64 {
        self.region.base().cast()
    }

    /// The number of slots.
    pub fn slots(&self) -> usize {
        self.region.len() / 8
    }
}

/// Frames of the host between those of guests may take this much of its stack: a thread has 2 MiB by default, of
/// which the embedder may have used some when it calls first.
#[cfg(not(target_family = "wasm"))]
const HOST_STACK_BYTES: usize = 1 << 20;

/// How far down the host's stack may go from here while guests and hosts call each other.
#[cfg(not(target_family = "wasm"))]
#[inline]
pub fn host_stack_limit() -> usize {
    stack_pointer().saturating_sub(HOST_STACK_BYTES)
}

/// How far down the host's stack may go from here while guests and hosts call each other. In WebAssembly the stack of
/// addressable variables is 1 MiB that linkers put at the start of memory, and the engine outside has one of its own
/// for everything else, often of 512 KiB, which cannot be measured. In wasmtime 49 that one is used up about twice as fast: an eighth of the first
/// keeps clear of both.
#[cfg(target_family = "wasm")]
pub fn host_stack_limit() -> usize {
    stack_pointer() / 8 * 7
}

/// Something that tells the thread at hand from others that live.
#[inline]
pub fn thread_mark() -> usize {
    thread_local! {
        static MARK: u8 = const { 0 };
    }
    MARK.with(|mark| core::ptr::from_ref(mark).addr())
}

/// About where the host's stack pointer stands.
#[inline(always)]
pub fn stack_pointer() -> usize {
    machine::stack_pointer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_can_be_written() {
        let stack = SlotStack::new(8 * 1000 + 3).unwrap();
        assert_eq!(stack.slots(), 1000);
        // SAFETY: the last slot is in bounds.
        unsafe {
            *stack.base().add(999) = u64::MAX;
            assert_eq!(*stack.base().add(998), 0);
        }
    }

    #[test]
    fn the_stack_pointer_moves_down_with_calls() {
        #[inline(never)]
        fn deeper() -> usize {
            let room = core::hint::black_box([0u8; 4096]);
            stack_pointer() + usize::from(room[7])
        }
        assert!(deeper() < stack_pointer());
    }
}
