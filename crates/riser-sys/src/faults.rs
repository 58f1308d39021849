//! Memory that is refused on purpose: tests plan which requests of their thread fail, and see that each failure is an
//! error and nothing else.
//!
//! Every request whose size a guest has a say in comes by here: memories, stacks, tables, the blocks of instances and what
//! stores keep of them. Without a plan that costs a look at a variable of the thread.

use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;
use std::alloc::{Layout, alloc, alloc_zeroed};

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan { requests: 0, first: 0, end: 0 }) };
}

#[derive(Clone, Copy)]
struct Plan {
    requests: u64,
    first: u64,
    end: u64,
}

/// From now on this thread's requests with these numbers, counted from 0, are refused.
pub fn plan(refused: Range<u64>) {
    PLAN.set(Plan { requests: 0, first: refused.start, end: refused.end });
}

/// How many requests this thread made since the plan.
pub fn requests() -> u64 {
    PLAN.get().requests
}

/// Counts a request: whether the plan refuses it.
#[inline]
pub fn refuses() -> bool {
    let mut plan = PLAN.get();
    let refuses = (plan.first..plan.end).contains(&plan.requests);
    plan.requests += 1;
    PLAN.set(plan);
    refuses
}

/// Memory from the ordinary allocator, unless it or the plan refuses. To be given back as any other.
///
/// # Panics
/// If the layout has no bytes.
pub fn allocate(layout: Layout, zeroed: bool) -> Option<NonNull<u8>> {
    assert!(layout.size() > 0);
    if refuses() {
        return None;
    }
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_requests_are_refused() {
        plan(2..4);
        let refused: Vec<bool> = (0..6).map(|_| refuses()).collect();
        assert_eq!(refused, [false, false, true, true, false, false]);
        assert_eq!(requests(), 6);
        // Other threads have plans of their own.
        plan(0..9);
        assert!(!std::thread::spawn(refuses).join().unwrap());
        assert!(crate::Region::new(1 << 16, 1 << 20).is_err());
        assert!(crate::Region::new(1 << 20, 1 << 20).is_err());
        plan(0..0);
        let mut region = crate::Region::new(1 << 20, 1 << 21).unwrap();
        plan(0..9);
        assert!(region.grow((1 << 20) + (1 << 16)).is_err() || region.reserved() < 1 << 20);
        plan(0..0);
    }
}
