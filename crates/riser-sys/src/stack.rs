//! Stacks: the interpreter's own, and how far down the host's has come and may go.

use crate::arch::machine;
#[cfg(not(target_family = "wasm"))]
use crate::thread_stack::thread_stack;
use crate::{OutOfMemory, Region};
use core::cell::Cell;

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

/// A function of the host that is called where no other guest may be called has so much of a smaller stack, unless that is more than half of it.
#[cfg(not(target_family = "wasm"))]
const HOST_ROOM_BYTES: usize = 128 << 10;

/// How far down the host's stack may go from here while guests and hosts call each other.
#[cfg(not(target_family = "wasm"))]
#[inline]
pub fn host_stack_limit() -> usize {
    let here = stack_pointer();
    let limit = here.saturating_sub(HOST_STACK_BYTES);
    let stack = THREAD.get();
    // Who switches stacks may be anywhere else.
    if here.wrapping_sub(stack.start) < stack.bytes {
        return limit.max(stack.lowest);
    }
    if stack.is_known { limit } else { measured(here, limit) }
}

/// The same where nobody has asked before on this thread.
#[cfg(not(target_family = "wasm"))]
#[cold]
fn measured(here: usize, limit: usize) -> usize {
    let stack = thread_stack();
    let lowest = stack.start + HOST_ROOM_BYTES.min(stack.len() / 2);
    THREAD.set(ThreadStack { start: stack.start, bytes: stack.len(), lowest, is_known: true });
    if stack.contains(&here) { limit.max(lowest) } else { limit }
}

/// Where a thread's stack is.
#[derive(Clone, Copy)]
#[cfg_attr(target_family = "wasm", expect(dead_code, reason = "there it is not known"))]
struct ThreadStack {
    /// Where it begins, and its size: nothing, if that is not known.
    start: usize,
    bytes: usize,
    /// How far down guests and hosts may call each other.
    lowest: usize,
    /// Whether somebody has asked.
    is_known: bool,
}

thread_local! {
    static THREAD: Cell<ThreadStack> =
        const { Cell::new(ThreadStack { start: 0, bytes: 0, lowest: 0, is_known: false }) };
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
    THREAD.with(|mark| core::ptr::from_ref(mark).addr())
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
    fn a_small_stack_is_not_left() {
        let limits = || (stack_pointer(), host_stack_limit(), thread_stack());
        let of = |bytes| std::thread::Builder::new().stack_size(bytes).spawn(limits).unwrap();
        for bytes in [64 << 10, 256 << 10, 1 << 20, 16 << 20] {
            // The C library may give a larger one that it has.
            let (here, limit, stack) = of(bytes).join().unwrap();
            assert!(limit < here && here - limit <= HOST_STACK_BYTES, "{bytes}");
            // On systems that say where it is.
            if !cfg!(target_os = "linux") || cfg!(riser_portable) {
                continue;
            }
            assert!(stack.contains(&here) && stack.start < limit, "{bytes}: {stack:x?}, {limit:x}");
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
