//! Where the locals and operands of a function's frame are, at each place where somebody may look: calls, and what
//! else may reach the host or the collector.
//!
//! Code does not carry this: a function is lowered again, with recording on, when it is first needed. What the collector
//! asks for (slots with references) is kept; all operands are recorded for one place only, and anew each time. Either takes
//! memory and time that grow with the body alone, however many operands are on the stack at however many places.
//!
//! An operand that lowering kept virtual is described as what it is: the value of a local, or a constant.

use alloc::vec::Vec;
use riser_ops::ValType;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSource {
    /// In the frame, from this slot on.
    Slot(u32),
    /// Nowhere: it is a constant. An `i32` is sign-extended.
    Const(u64),
}

/// A local or an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameValue {
    /// Its type. An operand's may be a supertype or a subtype of what the validator says.
    pub ty: ValType,
    /// Where it is.
    pub source: FrameSource,
}

/// A frame at one place of its function.
#[derive(Clone, Debug)]
pub struct FrameState {
    /// Offset in the module of the operator that is executed. It has taken its operands already, unless it allocates.
    pub wasm_offset: u32,
    /// The locals, parameters first.
    pub locals: Vec<FrameValue>,
    /// The operands that stay on the stack, the lowest first.
    pub operands: Vec<FrameValue>,
}

/// A place in the code.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Offset in the code, counted from the entry, of its instruction.
    at: u32,
    /// Offset in the module of the operator.
    wasm_offset: u32,
}

/// An operand's slot, while it holds a reference into the heap: from one place (by its number) up to another.
#[derive(Clone, Copy, Debug)]
struct Held {
    slot: u32,
    from: u32,
    to: u32,
}

/// The frames of a function.
#[derive(Debug, Default)]
pub(crate) struct FrameMap {
    locals: Vec<FrameValue>,
    /// The slots of locals that hold references into the heap.
    references: Vec<u32>,
    points: Vec<Point>,
    /// By `from`, once everything is recorded.
    held: Vec<Held>,
    /// `held` as a balanced tree whose root is in the middle: the largest `to` in the tree below each.
    latest: Vec<u32>,
    /// The place whose operands are wanted.
    wanted: Option<u32>,
    operands: Vec<FrameValue>,
}

impl FrameMap {
    /// An empty one, in which the operands at one place will be recorded, or those at none.
    pub(crate) fn new(wanted: Option<u32>) -> FrameMap {
        FrameMap { wanted, ..FrameMap::default() }
    }

    /// Adds a local, in order.
    pub(crate) fn local(&mut self, slot: u32, ty: ValType) {
        self.locals.push(FrameValue { ty, source: FrameSource::Slot(slot) });
        if ty.is_heap_reference() {
            self.references.push(slot);
        }
    }

    /// Adds a slot that holds a reference into the heap of which the function's body knows nothing.
    pub(crate) fn hidden_reference(&mut self, slot: u32) {
        self.references.push(slot);
    }

    /// The number of the next place.
    pub(crate) fn next_point(&self) -> u32 {
        self.points.len() as u32
    }

    /// A slot held a reference into the heap from a place on, and does not any more at the next one.
    pub(crate) fn held(&mut self, slot: u32, from: u32) {
        let to = self.next_point();
        if from < to {
            self.held.push(Held { slot, from, to });
        }
    }

    /// Adds a place behind all others.
    pub(crate) fn point(
        &mut self,
        at: u32,
        wasm_offset: u32,
        operands: impl Iterator<Item = FrameValue>,
    ) {
        if self.wanted == Some(self.next_point()) {
            self.operands.extend(operands);
        }
        self.points.push(Point { at, wasm_offset });
    }

    /// Everything is recorded; places count from `entry`.
    pub(crate) fn finish(&mut self, entry: u32) {
        for point in &mut self.points {
            point.at = point.at.saturating_sub(entry);
        }
        self.held.sort_unstable_by_key(|held| held.from);
        self.latest.resize(self.held.len(), 0);
        build(&self.held, &mut self.latest);
    }

    /// The number of a place in the code (see [`crate::FrameInfo::pc`]). `None` if nobody can look there.
    pub(crate) fn number(&self, pc: u32) -> Option<u32> {
        let behind = self.points.partition_point(|point| point.at <= pc);
        behind.checked_sub(1).map(|number| number as u32)
    }

    /// Gives the slots that hold references into the heap (or null) at a place to `visit`, each once.
    pub(crate) fn references(&self, number: u32, visit: &mut dyn FnMut(u32)) {
        if (number as usize) < self.points.len() {
            self.references.iter().for_each(|&slot| visit(slot));
            stab(&self.held, &self.latest, number, visit);
        }
    }

    /// The frame at the place whose operands were wanted.
    pub(crate) fn into_state(self) -> Option<FrameState> {
        let point = *self.points.get(self.wanted? as usize)?;
        let FrameMap { locals, operands, .. } = self;
        Some(FrameState { wasm_offset: point.wasm_offset, locals, operands })
    }
}

/// Fills in the largest `to` below each node; gives that of all.
fn build(held: &[Held], latest: &mut [u32]) -> u32 {
    if held.is_empty() {
        return 0;
    }
    let middle = held.len() / 2;
    let below = build(&held[..middle], &mut latest[..middle]);
    let above = build(&held[middle + 1..], &mut latest[middle + 1..]);
    latest[middle] = held[middle].to.max(below).max(above);
    latest[middle]
}

/// Finds what is held at a place: the depth of the tree, and what is found, bound the steps.
fn stab(held: &[Held], latest: &[u32], number: u32, visit: &mut dyn FnMut(u32)) {
    let middle = held.len() / 2;
    if latest.get(middle).is_none_or(|&latest| latest <= number) {
        return;
    }
    stab(&held[..middle], &latest[..middle], number, visit);
    let Held { slot, from, to } = held[middle];
    if from <= number {
        if number < to {
            visit(slot);
        }
        stab(&held[middle + 1..], &latest[middle + 1..], number, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_held_is_found_where_it_is() {
        let mut map = FrameMap::new(None);
        let mut expected: Vec<Vec<u32>> = vec![Vec::new(); 64];
        let mut state = 1_u32;
        let mut open = Vec::new();
        for number in 0..64 {
            map.point(number * 10, 0, core::iter::empty());
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            for _ in 0..state >> 30 {
                open.push((open.len() as u32, number + 1));
            }
            for _ in 0..(state >> 28) & 3 {
                let Some((slot, from)) = open.pop() else { break };
                map.held(slot, from);
                (from..=number).for_each(|at| expected[at as usize].push(slot));
            }
        }
        while let Some((slot, from)) = open.pop() {
            map.held(slot, from);
            (from..64).for_each(|at| expected[at as usize].push(slot));
        }
        map.finish(0);
        for (number, expected) in (0..).zip(&mut expected) {
            let mut found = Vec::new();
            map.references(number, &mut |slot| found.push(slot));
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, *expected, "at {number}");
            assert_eq!(map.number(number * 10 + 9), Some(number));
        }
    }
}
