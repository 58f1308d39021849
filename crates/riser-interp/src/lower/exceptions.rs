//! Exceptions: `throw`, `try_table`, and the legacy instructions.
//!
//! A `try` makes no code. What it covers is a *region*, and what happens to exceptions in it stands in the function's
//! table of catches (`catches.rs`). Whoever unwinds writes the payload to the canonical slots of the operands that the
//! handler finds on its stack, so that a clause of `try_table` leads straight to the label that it names, and a legacy `catch` begins
//! where its clause leads to. No instruction may move over the edge of a region.
//!
//! Only instructions that call can be left by an exception. Before them, all operands that are not virtual are in their
//! slots, and a block begins by writing virtual locals there: so a handler finds the operands below its block.
//!
//! A legacy `rethrow` needs what was caught. Functions that have one get hidden locals behind their own, one for each
//! depth of nested handlers, in which handlers leave their exceptions. How many there must be is known only when
//! the function has been lowered; then it is lowered once more.

use super::control::Label;
use super::operands::{Class, Local, Zeroing};
use super::{Lowerer, NONE};
use crate::catches::Clause;
use crate::code::Misc;
use riser_front::{BlockSignature, Catch, End};
use riser_ops::{FuncType, TagIdx, ValType};

/// What a label has to do with exceptions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// The region that the code of the block is in now.
    pub(super) region: u32,
    /// Of a legacy `try`: its own region, in which the code before the first handler is.
    own: u32,
    /// In a handler of a legacy `try`: how many other handlers are around it.
    depth: u32,
    /// The latest clause that leads to the block's end: each clause's target has the number of the one before until
    /// the end is known.
    pub(super) clauses: u32,
}

impl Guard {
    /// That of a block in a region.
    pub(super) fn new(region: u32) -> Guard {
        Guard { region, own: NONE, depth: NONE, clauses: NONE }
    }
}

impl Lowerer<'_> {
    /// The region that the code at hand is in.
    pub(super) fn region(&self) -> u32 {
        self.labels.last().map_or(NONE, |label| label.guard.region)
    }

    /// The code that follows is in another region.
    fn enter_region(&mut self, region: u32) {
        self.last = None;
        self.barrier = self.here();
        self.out.catches.mark(self.here(), region);
        if let Some(label) = self.labels.last_mut() {
            label.guard.region = region;
        }
    }

    /// A block has ended, and the code that follows is in the region around it.
    pub(super) fn leave_regions(&mut self, label: Label) {
        if label.guard.depth != NONE {
            self.catch_depth -= 1;
        }
        let region = self.region();
        if region != label.guard.region {
            self.enter_region(region);
        }
    }

    /// Makes all clauses that lead to a block's end lead here.
    pub(super) fn bind_clauses(&mut self, label: &Label) {
        let here = self.here();
        let mut number = label.guard.clauses;
        while let Some(clause) = self.out.catches.clauses.get_mut(number as usize) {
            number = core::mem::replace(&mut clause.target, here);
        }
    }

    pub(super) fn op_try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]) {
        self.op_block(signature);
        if catches.is_empty() {
            return;
        }
        self.end_prefix();
        let region = self.out.catches.region(self.region());
        for catch in catches {
            self.table_clause(region, catch);
        }
        self.enter_region(region);
    }

    /// A clause of `try_table`.
    fn table_clause(&mut self, region: u32, catch: &Catch) {
        let target = catch.target.label as usize;
        // To leave the function, operands are returned from where they would be without any below.
        let payload = if target == 0 { self.slot_at(0) } else { self.labels[target].base };
        let types = catch.tag.and_then(|tag| self.module.tag_type(tag)).map(FuncType::params);
        let width: u32 = types.unwrap_or_default().iter().map(|ty| ty.slots()).sum();
        let reference = if catch.with_ref { payload + width } else { NONE };
        self.out.frame_slots = self.out.frame_slots.max(payload + width + 1);
        let tag = catch.tag.map_or(NONE, |tag| self.layout.tag(tag));
        let clause = Clause { tag, payload, reference, target: NONE, next: NONE };
        let number = self.out.catches.clause(region, clause);
        let label = &mut self.labels[target];
        let to = match label.head {
            NONE => core::mem::replace(&mut label.guard.clauses, number),
            head => head,
        };
        self.out.catches.clauses[number as usize].target = to;
    }

    /// The code for clauses that leave the function: behind everything else.
    pub(super) fn return_caught(&mut self) {
        let Some(label) = self.labels.first().copied() else { return };
        if label.guard.clauses == NONE {
            return;
        }
        self.forget_accs();
        self.bind_clauses(&label);
        self.cut(0);
        for number in 0..self.results.len() {
            self.push_slot(self.results[number]);
        }
        self.return_values();
    }

    /// Legacy `try`.
    pub(super) fn op_try(&mut self, signature: BlockSignature<'_>) {
        self.op_block(signature);
        self.end_prefix();
        let region = self.out.catches.region(self.region());
        self.enter_region(region);
        if let Some(label) = self.labels.last_mut() {
            label.guard.own = region;
        }
    }

    /// Legacy `catch` and `catch_all` begin a handler: what came before leaves the block.
    pub(super) fn op_catch(
        &mut self,
        tag: Option<(TagIdx, &FuncType)>,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.next_arm(signature, falls_through);
        let Some(label) = self.labels.last_mut() else { return };
        let own = label.guard.own;
        if label.guard.depth == NONE {
            label.guard.depth = self.catch_depth;
            self.catch_depth += 1;
        }
        let depth = label.guard.depth;
        self.enter_region(self.out.catches.outer(own));
        let (payload, target) = (self.top, self.here());
        for &ty in tag.map_or(&[][..], |(_, ty)| ty.params()) {
            self.push_slot(ty);
        }
        self.flushed = self.operands.len();
        let clause = Clause {
            tag: tag.map_or(NONE, |(tag, _)| self.layout.tag(tag)),
            payload,
            reference: self.caught(depth).unwrap_or(NONE),
            target,
            next: NONE,
        };
        self.out.catches.clause(own, clause);
    }

    pub(super) fn op_delegate(&mut self, handler: u32, end: End, results: &[ValType]) {
        let handler = self.labels.get(handler as usize).map_or(NONE, |label| label.guard.region);
        if let Some(label) = self.labels.last() {
            self.out.catches.delegate(label.guard.own, handler);
        }
        self.op_end(end, results);
    }

    /// Adds the hidden locals that keep caught exceptions.
    pub(super) fn add_caught(&mut self) {
        self.first_caught = self.locals.len() as u32;
        for _ in 0..self.caught {
            let (slot, ty) = (self.top, ValType::EXNREF);
            let class = Class::of(ty);
            self.locals.push(Local { slot, class, ty, operand: NONE, zeroing: Zeroing::Yes });
            if let Some(map) = &mut self.map {
                map.hidden_reference(slot);
            }
            self.top += class.width();
        }
    }

    /// The slot that keeps what was caught by a handler inside of so many others, if any `rethrow` needs it.
    fn caught(&self, depth: u32) -> Option<u32> {
        let is_kept = depth < self.caught;
        is_kept.then(|| self.locals[(self.first_caught + depth) as usize].slot)
    }

    pub(super) fn op_throw(&mut self, tag: TagIdx, ty: &FuncType) {
        self.settle_arguments(ty);
        let height = self.operands.len() - ty.params().len();
        let base = self.slot_at(height as u32);
        self.emit(Misc::Throw);
        self.u32(tag.0);
        self.u32(base);
        // An exception is an object: to make it may wake the collector, who finds the values.
        self.safepoint();
        self.cut(height as u32);
    }

    pub(super) fn op_throw_ref(&mut self) {
        let exception = self.pop();
        let slot = self.use_slot(&exception);
        self.keep_slots();
        self.emit(Misc::ThrowRef);
        self.u16(slot);
    }

    /// Legacy `rethrow` of what the handler that is open at a label caught.
    pub(super) fn op_rethrow(&mut self, label: u32) {
        let depth = self.labels.get(label as usize).map_or(NONE, |label| label.guard.depth);
        debug_assert_ne!(depth, NONE, "the body was validated");
        if depth != NONE {
            self.needs_caught = self.needs_caught.max(depth + 1);
        }
        let slot = self.caught(depth);
        self.keep_slots();
        let field = self.near(slot.unwrap_or(0), 1);
        self.emit(Misc::ThrowRef);
        self.u16(field);
    }
}
