//! Blocks and branches.
//!
//! When a block begins, all operands are in their slots, and stay there until it ends: so a branch has nothing to put in order but what it
//! carries. A single result of a block is in the register in which functions return one; several, and the parameters of a
//! loop, are in their slots. Pinned locals are in their registers everywhere; which of their slots are outdated is known at
//! each place, as the union of what is known where control comes from.

use super::exceptions::Own;
use super::tier_up::Turn;
use super::{Translator, kinds};
use crate::asm::{Alu, Cond, Gpr, Label, Mem, Rm, Width};
use crate::convention::{Kind, Passed, RESULT, Results, XMM_RESULT};
use crate::frame::OWN_AREA;
use crate::operands::{At, Operand, SCRATCH, width};
use riser_front::{BlockSignature, End, Target};
use riser_ops::{FuncType, RefType, TrapCode, ValType};

/// An open block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its end, or its head if it is a loop.
    label: Label,
    pub is_loop: bool,
    /// Whether anything branches to its end.
    is_used: bool,
    /// The slot of the first operand above those below it.
    base: u32,
    /// Of an `if`, until its `else`: where the second arm begins, and which slots are outdated there.
    other: Option<(Label, u32)>,
    /// Which slots are outdated when something branches to its end.
    dirty: u32,
    /// The scope that the code of the block is in.
    pub scope: u32,
    /// The scopes of the block itself, if it has some and the code at hand is in them.
    pub own: Option<Own>,
    /// Of a legacy `try` whose handlers have begun: the scope that gets their clauses.
    pub handled: Option<u32>,
    /// How many handlers of legacy `try` are open here, the block's own one included.
    pub handlers: u32,
    /// While a `br_table` is translated: where it branches to.
    way: Option<Label>,
    /// Of a loop, if its turns are counted.
    pub turn: Option<Turn>,
}

impl Translator<'_> {
    /// The function's body as a block.
    pub(super) fn open_body(&mut self, _: &FuncType) {
        let base = self.first_operand;
        self.open_block(base, false);
    }

    /// Opens a block.
    pub(super) fn open_block(&mut self, base: u32, is_loop: bool) {
        let (scope, handlers) = match self.blocks.last() {
            Some(block) => (block.scope, block.handlers),
            None => (super::NO_SCOPE, 0),
        };
        let label = self.asm.new_label();
        self.blocks.push(Block {
            label,
            is_loop,
            is_used: false,
            base,
            other: None,
            dirty: 0,
            scope,
            own: None,
            handled: None,
            handlers,
            way: None,
            turn: None,
        });
    }

    /// The slot of the operand at a height.
    fn slot_at(&self, height: u32) -> u32 {
        match self.operands.stack.get(height as usize) {
            Some(operand) => operand.slot,
            None => self.next_slot(),
        }
    }

    /// A condition that a popped operand is not 0. Frees the operand.
    pub(super) fn condition(&mut self, operand: Operand) -> Cond {
        if let At::Flags(cond) = operand.at {
            return cond;
        }
        let rm = self.rm(operand);
        match rm {
            Rm::Reg(gpr) => self.asm.test(width(operand.kind), gpr, gpr),
            memory => self.asm.alu_imm(Alu::Cmp, width(operand.kind), memory, 0),
        }
        self.free_rm(rm);
        Cond::Ne
    }

    /// The first slot of what a branch carries that has it in slots.
    pub(super) fn slot_of(&self, target: Target) -> u32 {
        self.blocks[target.label as usize].base
    }

    /// Puts what a branch carries where its target expects it. The operands stay what they are.
    fn carry(&mut self, target: Target) {
        let count = target.arity as usize;
        if count == 0 {
            return;
        }
        let first = self.height() - count;
        if count == 1 && !target.is_loop {
            let operand = self.operands.stack[first];
            if operand.kind.is_float() {
                self.move_to_xmm(operand, XMM_RESULT);
            } else {
                self.move_to(operand, RESULT);
            }
            return;
        }
        let mut slot = self.slot_of(target);
        // Downwards or nowhere, the lowest first: none is overwritten before it is read.
        for number in first..self.height() {
            let operand = self.operands.stack[number];
            let to = self.frame.slot(slot, operand.kind);
            self.store_operand(operand, to);
            slot += operand.kind.slots();
        }
    }

    /// Notes that control comes to a block's label from here.
    pub(super) fn comes_to(&mut self, label: u32) -> Label {
        let dirty = self.dirty;
        let block = &mut self.blocks[label as usize];
        block.is_used = true;
        block.dirty |= dirty;
        block.label
    }

    /// Branches.
    pub(super) fn go(&mut self, target: Target) {
        self.carry(target);
        let label = self.comes_to(target.label);
        self.asm.jmp(label);
    }

    /// Branches if a condition holds.
    pub(super) fn go_if(&mut self, cond: Cond, target: Target) {
        if self.carries_nothing(target) {
            let label = self.comes_to(target.label);
            self.asm.jcc(cond, label);
            return;
        }
        let next = self.asm.new_label();
        self.asm.jcc(cond.inverse(), next);
        self.go(target);
        self.asm.bind(next);
    }

    /// Whether what a branch carries is where it is expected.
    fn carries_nothing(&self, target: Target) -> bool {
        match (target.arity, self.operands.stack.last()) {
            (0, _) => true,
            (1, Some(top)) if !target.is_loop => {
                top.at == At::Gpr(RESULT) || top.at == At::Xmm(XMM_RESULT)
            }
            _ => false,
        }
    }

    pub(super) fn lower_unreachable(&mut self) {
        self.note_position();
        self.trap_here(TrapCode::Unreachable);
    }

    pub(super) fn lower_block(&mut self, signature: BlockSignature<'_>) {
        self.settle_all();
        let base = self.slot_at(signature.height);
        self.open_block(base, false);
    }

    pub(super) fn lower_loop(&mut self, signature: BlockSignature<'_>) {
        self.settle_all();
        let base = self.slot_at(signature.height);
        self.open_block(base, true);
        // Whatever comes back from below may have changed them.
        self.dirty = self.all_dirty();
        let label = self.blocks[self.blocks.len() - 1].label;
        self.asm.bind(label);
        self.count_turn();
    }

    pub(super) fn lower_if(&mut self, signature: BlockSignature<'_>) {
        let condition = self.pop();
        self.settle_all();
        let cond = self.condition(condition);
        let base = self.slot_at(signature.height);
        self.open_block(base, false);
        let other = self.asm.new_label();
        self.asm.jcc(cond.inverse(), other);
        let dirty = self.dirty;
        if let Some(block) = self.blocks.last_mut() {
            block.other = Some((other, dirty));
        }
    }

    pub(super) fn lower_else(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.end_arm(signature, falls_through);
        let Some((other, dirty)) = self.blocks.last_mut().and_then(|block| block.other.take())
        else {
            return;
        };
        self.asm.bind(other);
        self.dirty = dirty;
        for kind in kinds(signature.params) {
            self.push(kind, At::Slot);
        }
    }

    /// The arm of a block is over: goes to the block's end.
    pub(super) fn end_arm(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        if falls_through {
            let label = self.blocks.len() as u32 - 1;
            let arity = signature.results.len() as u32;
            self.go(Target { label, arity, height: signature.height, is_loop: false });
        }
        self.cut(signature.height);
    }

    pub(super) fn lower_end(&mut self, end: End, results: &[ValType]) {
        let end = self.leave_scopes(end, results);
        if end.label == 0 {
            return self.end_of_body(end, results);
        }
        let number = self.blocks.len() - 1;
        if self.blocks[number].is_loop {
            let turn = self.blocks.pop().and_then(|block| block.turn);
            turn.into_iter().for_each(|turn| self.price_turn(turn));
            if !end.falls_through {
                self.cut(end.height);
            }
            return;
        }
        let other = self.blocks[number].other.take();
        let joins = self.blocks[number].is_used || other.is_some() || !end.falls_through;
        let arity = results.len() as u32;
        let target = Target { label: end.label, arity, height: end.height, is_loop: false };
        if end.falls_through && joins {
            self.carry(target);
            let label = self.comes_to(end.label);
            if other.is_some() && arity == 1 {
                self.asm.jmp(label);
            }
        }
        if let Some((other, dirty)) = other {
            // The second arm is empty: the results are the parameters, in their slots.
            self.asm.bind(other);
            self.cut(end.height);
            self.dirty = dirty;
            for kind in kinds(results) {
                self.push(kind, At::Slot);
            }
            self.carry(target);
            self.comes_to(end.label);
        }
        let Some(block) = self.blocks.pop() else { return };
        if !joins {
            return;
        }
        self.asm.bind(block.label);
        self.dirty = block.dirty;
        self.cut(end.height);
        self.push_carried(results);
    }

    /// Pushes the results of a block that has ended.
    pub(super) fn push_carried(&mut self, results: &[ValType]) {
        if let [ty] = results {
            let kind = Kind::of(*ty);
            if kind.is_float() {
                self.claim_xmm(XMM_RESULT);
                self.push_xmm(kind, XMM_RESULT);
            } else {
                self.claim(RESULT);
                self.push_gpr(kind, RESULT);
            }
            return;
        }
        for kind in kinds(results) {
            self.push(kind, At::Slot);
        }
    }

    /// The function returns, by falling out of its body or by a branch to its end.
    fn end_of_body(&mut self, end: End, results: &[ValType]) {
        if end.falls_through {
            let arity = results.len() as u32;
            self.carry(Target { label: 0, arity, height: 0, is_loop: false });
        }
        let label = self.blocks[0].label;
        self.asm.bind(label);
        self.cut(0);
        if results.len() > 1 {
            self.return_from_slots(results);
        }
        self.restore_saved();
        self.asm.mov(Width::W64, Gpr::RSP, Gpr::RBP);
        self.asm.pop(Gpr::RBP);
        // There are at most a thousand parameters.
        self.asm.ret(self.frame.args as u16);
        self.blocks.clear();
    }

    /// The registers that are the caller's get their values back.
    pub(super) fn restore_saved(&mut self) {
        for number in 0..self.frame.saved.len() {
            let (at, gpr) = (self.frame.saved_at(number), self.frame.saved[number]);
            self.asm.load(Width::W64, gpr, at);
        }
    }

    /// Results that are in slots go where the convention says.
    fn return_from_slots(&mut self, results: &[ValType]) {
        let mut slot = self.first_operand;
        let mut registers = Results::default();
        let area = Gpr::R10;
        if self.frame.has_area {
            self.asm.load(Width::W64, area, OWN_AREA);
        }
        let mut offset = 0;
        for kind in kinds(results) {
            let from = self.frame.slot(slot, kind);
            slot += kind.slots();
            if self.frame.has_area {
                let to = Mem::at(area, offset);
                offset += 8 * kind.slots() as i32;
                self.copy(kind, from, to);
                continue;
            }
            match registers.next(kind) {
                Passed::Gpr(gpr) => self.asm.load(width(kind), gpr, from),
                Passed::Xmm(xmm) => self.load_xmm(kind, xmm, from),
                Passed::Stack(_) => {}
            }
        }
    }

    pub(super) fn lower_br(&mut self, target: Target) {
        self.go(target);
    }

    pub(super) fn lower_br_if(&mut self, target: Target) {
        let condition = self.pop();
        let cond = self.condition(condition);
        self.go_if(cond, target);
    }

    pub(super) fn lower_br_table(&mut self, targets: &[Target], default: Target) {
        let operand = self.pop();
        let index = self.owned(operand);
        // What is beyond the table goes to its last entry, without anything to predict.
        let last = i32::try_from(targets.len()).expect("a body is shorter");
        self.asm.mov_imm(SCRATCH, last as u64);
        self.asm.alu(Alu::Cmp, Width::W32, index, SCRATCH);
        self.asm.cmov(Cond::A, Width::W32, index, SCRATCH);
        let all = || targets.iter().chain([&default]);
        for target in all() {
            if self.blocks[target.label as usize].way.is_none() {
                let way = match self.carries_nothing(*target) {
                    true => self.comes_to(target.label),
                    false => self.asm.new_label(),
                };
                self.blocks[target.label as usize].way = Some(way);
            }
        }
        let blocks = &*self.blocks;
        let ways = all().filter_map(|target| blocks[target.label as usize].way);
        let table = self.asm.jump_table(ways);
        self.asm.lea_label(SCRATCH, table);
        self.asm.load_signed(Width::W32, Width::W64, index, Mem::indexed(SCRATCH, index, 2, 0));
        self.asm.alu(Alu::Add, Width::W64, SCRATCH, index);
        self.asm.jmp_rm(SCRATCH);
        self.free(index);
        for target in all() {
            let Some(way) = self.blocks[target.label as usize].way.take() else { continue };
            if !self.asm.is_bound(way) && way != self.blocks[target.label as usize].label {
                self.asm.bind(way);
                if self.is_too_long() {
                    return;
                }
                self.go(*target);
            }
        }
    }

    pub(super) fn lower_return(&mut self, target: Target) {
        self.go(target);
    }

    pub(super) fn lower_br_on_null(&mut self, target: Target, _: RefType) {
        let operand = self.pop();
        let gpr = self.gpr(operand);
        self.asm.test(Width::W64, gpr, gpr);
        self.go_if(Cond::E, target);
        self.push_read(operand, gpr);
    }

    pub(super) fn lower_br_on_non_null(&mut self, target: Target, _: RefType) {
        let operand = self.pop();
        let gpr = self.gpr(operand);
        self.asm.test(Width::W64, gpr, gpr);
        self.push_read(operand, gpr);
        self.go_if(Cond::Ne, target);
        self.pop_and_free();
    }

    /// Pushes an operand again that [`Translator::gpr`] has put into a register.
    pub(super) fn push_read(&mut self, operand: Operand, gpr: Gpr) {
        match operand.at {
            At::Local(_) => {
                self.push(operand.kind, operand.at);
                if self.gpr_of(operand).is_none() {
                    self.free(gpr);
                }
            }
            _ => self.push_gpr(operand.kind, gpr),
        }
    }
}
