//! The twin with compiled code: stacks that it runs on, below each of which lies what cannot be accessed.

use crate::mapping::Mapping;
use crate::{OutOfMemory, faults};
use rustix::mm::{Advice, madvise};
use std::sync::{Mutex, PoisonError};

/// The inaccessible part below a stack. A page would do for code that touches each page; more of it costs nothing.
const GUARD_BYTES: usize = 64 << 10;

/// How many stacks are kept for their next use, and of each how much at its top stays resident: a store that comes and goes
/// then maps nothing and touches no new page.
const POOLED_MAX: usize = 32;
const RESIDENT_BYTES: usize = 16 << 10;

/// A stack for compiled code. What is not touched takes no memory.
#[derive(Debug)]
pub struct MachineStack {
    /// Present until it is dropped. The stack is its upper part.
    mapping: Option<Mapping>,
    spare: usize,
}

static POOL: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());

impl MachineStack {
    /// A stack of `bytes` bytes with `spare` more below them, for what must still run when they are used up. Both are rounded up
    /// to pages.
    pub fn new(bytes: usize, spare: usize) -> Result<MachineStack, OutOfMemory> {
        let error = OutOfMemory { bytes: bytes.saturating_add(spare) };
        let pages = |bytes: usize| bytes.checked_next_multiple_of(rustix::param::page_size());
        let guard = pages(GUARD_BYTES).ok_or(error)?;
        let spare = pages(spare).ok_or(error)?;
        let usable = pages(bytes).and_then(|bytes| bytes.checked_add(spare)).ok_or(error)?;
        let total = usable.checked_add(guard).ok_or(error)?;
        if faults::refuses() {
            return Err(error);
        }
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pool.iter().position(|mapping| mapping.reserved() == total);
        let mapping = kept.map(|at| pool.swap_remove(at));
        drop(pool);
        let mapping = match mapping {
            Some(mapping) => mapping,
            None => Mapping::with_guard(guard, total)?,
        };
        Ok(MachineStack { mapping: Some(mapping), spare })
    }

    fn mapping(&self) -> &Mapping {
        self.mapping.as_ref().expect("taken when dropped only")
    }

    /// The end of the stack, where it begins to grow down: a multiple of the page size.
    pub fn top(&self) -> *mut u8 {
        self.base().wrapping_add(self.mapping().accessible())
    }

    /// The lowest address where the stack pointer may be while the spare part is not needed.
    pub fn limit(&self) -> *mut u8 {
        self.base().wrapping_add(self.spare)
    }

    /// The lowest address that can be accessed.
    pub fn base(&self) -> *mut u8 {
        let mapping = self.mapping();
        mapping.base().wrapping_add(mapping.reserved() - mapping.accessible())
    }
}

impl Drop for MachineStack {
    fn drop(&mut self) {
        let (base, Some(mapping)) = (self.base(), self.mapping.take()) else { return };
        let kept = mapping.accessible().min(RESIDENT_BYTES);
        // SAFETY: these pages of the stack are accessible, private and anonymous, and nobody uses it any more.
        let cleared = unsafe {
            madvise(base.cast(), mapping.accessible() - kept, Advice::LinuxDontNeed).is_ok()
        };
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if cleared && pool.len() < POOLED_MAX {
            pool.push(mapping);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_writable_from_the_base_to_the_top() {
        for bytes in [1 << 20, 100_000, 1 << 20, 0] {
            let stack = MachineStack::new(bytes, 64 << 10).unwrap();
            let (base, limit, top) = (stack.base(), stack.limit(), stack.top());
            assert!(top.addr() - limit.addr() >= bytes && limit.addr() - base.addr() == 64 << 10);
            assert_eq!(top.addr() % 4096, 0);
            // SAFETY: the stack is accessible from its base to its top, and this test alone has it.
            unsafe {
                base.write(1);
                top.sub(1).write(2);
                assert_eq!((*base, *top.sub(1)), (1, 2));
            }
        }
    }

    #[test]
    fn stacks_apart_from_each_other_and_errors_for_the_impossible() {
        let (a, b) =
            (MachineStack::new(1 << 16, 0).unwrap(), MachineStack::new(1 << 16, 0).unwrap());
        let (low, high) = if a.top() < b.top() { (&a, &b) } else { (&b, &a) };
        assert!(low.top() < high.base());
        assert!(MachineStack::new(usize::MAX, 0).is_err());
        assert!(MachineStack::new(0, usize::MAX).is_err());
        assert!(MachineStack::new(usize::MAX / 2, usize::MAX / 2).is_err());
    }

    /// Prints what it measures: `cargo test -p riser-sys making_a_stack -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn making_a_stack() {
        let begin = std::time::Instant::now();
        for _ in 0..20_000 {
            let stack = MachineStack::new(1 << 20, 64 << 10).unwrap();
            // SAFETY: the byte is on the stack.
            unsafe { stack.top().sub(1).write_volatile(1) };
        }
        println!("a stack of which one page is touched: {:?}", begin.elapsed() / 20_000);
    }
}
