//! Stacks: the interpreter's own, and how far down the host's has come.

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

/// About where the host's stack pointer stands: the address of a local of this function.
#[inline(never)]
pub fn stack_pointer() -> usize {
    let marker = 0u8;
    core::hint::black_box(&raw const marker).addr()
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
