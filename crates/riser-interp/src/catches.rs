//! Which exceptions a function catches, and where: a table that lies behind its code and is looked at only when
//! something is thrown.
//!
//! The code is cut into pieces by [`Mark`]s. A piece has a chain of [`Clause`]s: those of the innermost `try` around
//! it, then those of the next one outwards, and so on.

use alloc::vec::Vec;

/// In [`Clause::tag`]: catches everything. In other places: nothing, nowhere.
pub(crate) const NONE: u32 = u32::MAX;

/// A place in the code from which on, up to the next mark, other clauses are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Offset in the code.
    pub(crate) from: u32,
    /// The clause to be tried first; [`NONE`] if the function catches nothing there. (While a function is lowered: the
    /// region.)
    pub(crate) first: u32,
}

/// What is done with an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// Where a `VmCtx` has the tag of the exceptions that it takes; [`NONE`] if it takes all.
    pub(crate) tag: u32,
    /// The slot from which on the values are written, if the tag is known.
    pub(crate) payload: u32,
    /// The slot to which the exception itself is written, or [`NONE`].
    pub(crate) reference: u32,
    /// Where execution goes on: an offset in the code.
    pub(crate) target: u32,
    /// The clause to be tried if this one does not take it, or [`NONE`].
    pub(crate) next: u32,
}

/// A `try` while its function is lowered.
#[derive(Clone, Copy, Debug)]
struct Region {
    /// The region that gets what this one does not catch, or [`NONE`].
    outer: u32,
    /// Its first and its last clause, or [`NONE`].
    first: u32,
    last: u32,
}

/// The table of a function.
#[derive(Debug, Default)]
pub(crate) struct Catches {
    /// In the order of places.
    pub(crate) marks: Vec<Mark>,
    pub(crate) clauses: Vec<Clause>,
    regions: Vec<Region>,
}

impl Catches {
    /// A new region inside of `outer`.
    pub(crate) fn region(&mut self, outer: u32) -> u32 {
        self.regions.push(Region { outer, first: NONE, last: NONE });
        self.regions.len() as u32 - 1
    }

    /// The region around a region.
    pub(crate) fn outer(&self, region: u32) -> u32 {
        self.regions.get(region as usize).map_or(NONE, |region| region.outer)
    }

    /// Makes a region without clauses pass everything to another one, which must be older.
    pub(crate) fn delegate(&mut self, region: u32, outer: u32) {
        debug_assert!(outer == NONE || outer < region, "a delegate names a block around it");
        if let Some(region) = self.regions.get_mut(region as usize) {
            debug_assert_eq!(region.first, NONE);
            region.outer = outer;
        }
    }

    /// Adds a clause behind those that a region has. Gives its number.
    pub(crate) fn clause(&mut self, region: u32, clause: Clause) -> u32 {
        let number = self.clauses.len() as u32;
        self.clauses.push(clause);
        if let Some(region) = self.regions.get_mut(region as usize) {
            let last = core::mem::replace(&mut region.last, number);
            match self.clauses.get_mut(last as usize) {
                Some(last) => last.next = number,
                None => region.first = number,
            }
        }
        number
    }

    /// Code from `from` on is in a region.
    pub(crate) fn mark(&mut self, from: u32, region: u32) {
        if self.marks.last().is_some_and(|mark| mark.from == from) {
            self.marks.pop();
        }
        if self.marks.last().map_or(NONE, |mark| mark.first) != region {
            self.marks.push(Mark { from, first: region });
        }
    }

    /// Everything is known: replaces regions by clauses.
    pub(crate) fn resolve(&mut self) {
        // The chain of a region begins with its own first clause, or it is that of the region around, which is older.
        let mut chains: Vec<u32> = Vec::with_capacity(self.regions.len());
        let chain_of = |chains: &[u32], region: u32| chains.get(region as usize).copied();
        for region in self.regions.drain(..) {
            let outer = chain_of(&chains, region.outer).unwrap_or(NONE);
            if let Some(last) = self.clauses.get_mut(region.last as usize) {
                last.next = outer;
            }
            chains.push(if region.first == NONE { outer } else { region.first });
        }
        for mark in &mut self.marks {
            mark.first = chain_of(&chains, mark.first).unwrap_or(NONE);
        }
        self.marks.dedup_by_key(|mark| mark.first);
        if self.clauses.is_empty() {
            self.marks.clear();
        }
    }

    /// Adds the table behind `code`, with offsets counted from `entry`. Gives where it begins, counted likewise; `None`
    /// if there is nothing to be caught.
    pub(crate) fn write(&self, code: &mut Vec<u8>, entry: u32) -> Option<u32> {
        if self.marks.is_empty() {
            return None;
        }
        let at = code.len() as u32 - entry;
        let mut word = |word: u32| code.extend(word.to_ne_bytes());
        word(self.marks.len() as u32);
        for mark in &self.marks {
            word(mark.from.saturating_sub(entry));
            word(mark.first);
        }
        for clause in &self.clauses {
            word(clause.tag);
            word(clause.payload);
            word(clause.reference);
            word(clause.target.saturating_sub(entry));
            word(clause.next);
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn clause(tag: u32) -> Clause {
        Clause { tag, payload: 0, reference: NONE, target: 0, next: NONE }
    }

    #[test]
    fn chains_lead_outwards_and_empty_regions_vanish() {
        let mut catches = Catches::default();
        let outer = catches.region(NONE);
        catches.mark(10, outer);
        let empty = catches.region(outer);
        catches.mark(20, empty);
        let inner = catches.region(empty);
        catches.mark(20, inner);
        catches.clause(inner, clause(1));
        catches.clause(outer, clause(2));
        catches.clause(inner, clause(3));
        let skipping = catches.region(inner);
        catches.delegate(skipping, outer);
        catches.mark(30, skipping);
        catches.mark(40, inner);
        catches.mark(50, NONE);
        catches.resolve();
        let marks: Vec<_> = catches.marks.iter().map(|mark| (mark.from, mark.first)).collect();
        assert_eq!(marks, [(10, 1), (20, 0), (30, 1), (40, 0), (50, NONE)]);
        let nexts: Vec<_> = catches.clauses.iter().map(|clause| clause.next).collect();
        assert_eq!(nexts, [2, NONE, 1]);
    }

    #[test]
    fn nothing_is_written_where_nothing_is_caught() {
        let mut catches = Catches::default();
        let region = catches.region(NONE);
        catches.mark(0, region);
        catches.mark(8, NONE);
        catches.resolve();
        assert_eq!(catches.write(&mut vec![0; 8], 0), None);
    }
}
