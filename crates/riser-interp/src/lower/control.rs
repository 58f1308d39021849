//! Blocks and branches.

use super::emit::{Compare, Fields};
use super::exceptions::Guard;
use super::operands::{Class, Enc, Operand, Place};
use super::simple::swapped;
use super::{Lowerer, NONE};
use crate::code::{Misc, Opcode, add_branch, binary, branch as at, unary, wide_position};
use crate::exec::WORD;
use riser_front::{BlockSignature, End, Target};
use riser_ops::{SimpleOp, ValType};

/// So many operands are copied one by one.
const FEW: usize = 2;

/// A block that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    /// The latest jump to its end: each jump's field has the place of the one before until the end is known.
    jumps: u32,
    /// Of a loop: where it begins.
    pub(super) head: u32,
    /// The canonical slot of the first operand that a branch carries.
    pub(super) base: u32,
    /// Of an `if`, until its `else`: the jump that is taken if the condition is false.
    else_jump: u32,
    /// The stub that the `br_table` with this number has for the label, and where it is.
    stub: (u32, u32),
    /// What it has to do with exceptions.
    pub(super) guard: Guard,
}

/// A condition as a branch tests it: the branch that is taken if it holds, and the fields before the jump.
struct Condition {
    opcode: Opcode,
    fields: Fields,
}

impl Lowerer<'_> {
    /// The function's body as a block.
    pub(super) fn open_body(&mut self) {
        self.labels.push(self.label(0));
    }

    /// A block whose first operand has the slot `base`.
    fn label(&self, base: u32) -> Label {
        let guard = Guard::new(self.region());
        Label { jumps: NONE, head: NONE, base, else_jump: NONE, stub: (0, 0), guard }
    }

    pub(super) fn op_block(&mut self, signature: BlockSignature<'_>) {
        self.flush_locals();
        let base = self.slot_at(signature.height);
        self.labels.push(self.label(base));
    }

    pub(super) fn op_loop(&mut self, signature: BlockSignature<'_>) {
        self.flush_locals();
        self.settle_from(signature.height);
        let base = self.slot_at(signature.height);
        self.forget_accs();
        self.labels.push(Label { head: self.here(), ..self.label(base) });
        self.watch_epoch();
    }

    pub(super) fn op_if(&mut self, signature: BlockSignature<'_>) {
        let cond = self.pop();
        if self.operands.len() > signature.height as usize || self.operands.len() > self.flushed {
            self.settle_before_if(signature.height, &cond);
        }
        let base = self.slot_at(signature.height);
        let condition = self.condition(&cond);
        self.keep_slots();
        let field = self.branch(condition, false);
        self.set_word_at(field, NONE);
        self.labels.push(Label { else_jump: field, ..self.label(base) });
    }

    /// Before an `if`, writes virtual locals and the block's parameters to their slots, without losing the
    /// comparison that may have computed the condition.
    fn settle_before_if(&mut self, height: u32, cond: &Operand) {
        if cond.place != Place::Slot || self.last.is_none_or(|last| last.dst != cond.slot) {
            self.flush_locals();
            return self.settle_from(height);
        }
        self.flush_locals();
        self.settle_before_last(|this| this.settle_from(height));
    }

    pub(super) fn op_else(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.next_arm(signature, falls_through);
        for &param in signature.params {
            self.push_slot(param);
        }
        self.flushed = self.operands.len();
    }

    /// The arm of a block is over, and the next one begins, without operands.
    pub(super) fn next_arm(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        let Some(label) = self.labels.last().copied() else { return };
        if falls_through {
            self.prepare_moves(signature.results.len());
            self.moves(label.base, signature.results.len());
            self.jump(self.labels.len() - 1);
        }
        if label.else_jump != NONE {
            let here = self.here();
            self.set_word_at(label.else_jump, here.wrapping_sub(label.else_jump));
        }
        if let Some(label) = self.labels.last_mut() {
            label.else_jump = NONE;
        }
        self.forget_accs();
        self.cut(signature.height);
    }

    pub(super) fn op_end(&mut self, end: End, results: &[ValType]) {
        if end.label == 0 {
            if end.falls_through {
                self.op_return();
            }
            return self.return_caught();
        }
        let Some(label) = self.labels.pop() else { return };
        let is_caught_for = label.guard.clauses != NONE;
        let joins = label.jumps != NONE || label.else_jump != NONE || is_caught_for;
        if end.falls_through && joins {
            self.prepare_moves(results.len());
            self.moves(label.base, results.len());
        }
        if joins {
            self.bind(label);
        }
        if joins || !end.falls_through {
            self.cut(end.height);
            for &result in results {
                self.push_slot(result);
            }
        }
        self.leave_regions(label);
    }

    /// Makes all jumps to a block's end lead here.
    fn bind(&mut self, label: Label) {
        let here = self.here();
        let mut field = label.jumps;
        while field != NONE {
            let next = self.word_at(field);
            self.set_word_at(field, here.wrapping_sub(field));
            field = next;
        }
        if label.else_jump != NONE {
            self.set_word_at(label.else_jump, here.wrapping_sub(label.else_jump));
        }
        self.bind_clauses(&label);
        self.forget_accs();
    }

    /// Emits an unconditional branch to a block's end, or to its head if it is a loop. Copies that come before
    /// it become part of it.
    fn jump(&mut self, label: usize) {
        self.end_prefix();
        let joined = self.last_instr().and_then(|instr| match instr.opcode {
            copy if copy == Misc::CopyS.into() => Some(Misc::BrCopy),
            copy if copy == Misc::Copy2.into() => Some(Misc::BrCopy2),
            _ => None,
        });
        match (joined, self.out.instrs.last_mut()) {
            (Some(joined), Some(instr)) => instr.opcode = joined.into(),
            _ => _ = self.emit(Misc::Br),
        }
        self.last = None;
        let field = self.here();
        self.u32(NONE);
        self.aim(field, label);
    }

    /// Makes the jump field at `field` lead to a block's end, or to its head if it is a loop.
    fn aim(&mut self, field: u32, label: usize) {
        let label = &mut self.labels[label];
        let word = if label.head != NONE {
            label.head.wrapping_sub(field)
        } else {
            core::mem::replace(&mut label.jumps, field)
        };
        self.set_word_at(field, word);
    }

    /// Copies the top `count` operands to the canonical slots from `base` on. They stay on the stack.
    ///
    /// No source lies below its destination, so in ascending order none is overwritten too early.
    fn moves(&mut self, base: u32, count: usize) {
        let first = self.operands.len() - count;
        if count > FEW {
            let from = self.operands[first].slot;
            if from != base {
                self.emit(Misc::CopyMany);
                self.u32(base);
                self.u32(from);
                self.u32(self.top - from);
                (base..base + self.top - from).for_each(|slot| self.wrote(slot));
            }
            return;
        }
        let mut to = base;
        for number in first..self.operands.len() {
            let operand = self.operands[number];
            self.copy(to, &operand);
            to += operand.class.width();
        }
    }

    /// Makes ready for [`Lowerer::moves`]: many operands are copied at once, so that a branch takes the same
    /// code however much it carries; for that they must be in their slots. (Each is written there once,
    /// however many branches follow.) The last instruction stays the last one.
    fn prepare_moves(&mut self, count: usize) {
        let is_virtual = |operand: &Operand| operand.place != Place::Slot;
        let first = self.operands.len() - count;
        if count > FEW && self.operands[first..].iter().any(is_virtual) {
            self.settle_before_last(|this| this.settle_top(count));
        }
    }

    /// Whether the operands that a branch carries are where it wants them.
    fn in_place(&self, target: Target) -> bool {
        let mut to = self.labels[target.label as usize].base;
        let carried = &self.operands[self.operands.len() - target.arity as usize..];
        carried.iter().all(|operand| {
            let at = to;
            to += operand.class.width();
            operand.place == Place::Slot && operand.slot == at
        })
    }

    /// The code of an unconditional branch. The operands stay on the stack.
    fn go(&mut self, target: Target) {
        if target.label == 0 {
            return self.return_values();
        }
        let base = self.labels[target.label as usize].base;
        self.moves(base, target.arity as usize);
        self.jump(target.label as usize);
    }

    /// The code of a branch that is taken if `condition` holds (`sense`) or not. The operands stay on the
    /// stack.
    fn go_if(&mut self, condition: Condition, sense: bool, target: Target) {
        if target.arity > 0 {
            self.keep_slots();
        }
        if target.label != 0 && self.in_place(target) {
            let field = self.branch(condition, sense);
            return self.aim(field, target.label as usize);
        }
        let over = self.branch(condition, !sense);
        let accs = self.accs;
        self.go(target);
        let here = self.here();
        self.set_word_at(over, here.wrapping_sub(over));
        // Nothing on the way to the target concerns the code that goes on here.
        self.accs = accs;
        self.last = None;
        self.barrier = here;
    }

    pub(super) fn op_br(&mut self, target: Target) {
        self.prepare_moves(target.arity as usize);
        self.go(target);
    }

    pub(super) fn op_br_if(&mut self, target: Target) {
        let cond = self.pop();
        self.prepare_moves(target.arity as usize);
        let condition = self.condition(&cond);
        self.go_if(condition, true, target);
    }

    /// A branch on the `i32` on top, with the operands below it, of which the last stays whether it is taken or not.
    pub(super) fn branch_on_test(&mut self, target: Target, sense: bool) {
        let cond = self.pop();
        self.prepare_moves(target.arity as usize);
        let condition = self.condition(&cond);
        self.go_if(condition, sense, target);
    }

    pub(super) fn op_br_on_null(&mut self, target: Target) {
        let operand = self.pop();
        self.prepare_moves(target.arity as usize);
        let condition = self.is_null(&operand);
        self.go_if(condition, true, target);
        self.push(operand.place, operand.ty);
    }

    pub(super) fn op_br_on_non_null(&mut self, target: Target) {
        self.prepare_moves(target.arity as usize);
        let Some(&operand) = self.operands.last() else { return };
        let condition = self.is_null(&operand);
        self.go_if(condition, false, target);
        self.pop();
    }

    /// The condition that a reference, which is still needed, is null.
    fn is_null(&mut self, operand: &Operand) -> Condition {
        self.keep_slots();
        let enc = self.peek(operand);
        Self::test(SimpleOp::I64Eqz, enc, 0)
    }

    /// A condition on one operand.
    fn test(op: SimpleOp, enc: Enc, negate: u16) -> Condition {
        let mut fields = ([0; 24], 0);
        let mut variant = unary::A;
        if let Enc::S(slot) = enc {
            fields.0[..2].copy_from_slice(&slot.to_ne_bytes());
            fields.1 = 2;
            variant = unary::S;
        }
        Condition { opcode: Opcode::branch(op as u16, variant + negate), fields }
    }

    /// The condition that an operand, which was taken off the stack, is not zero. If it was just computed by a
    /// comparison, that one is taken back.
    fn condition(&mut self, cond: &Operand) -> Condition {
        let fused = self
            .last
            .filter(|last| cond.place == Place::Slot && last.dst == cond.slot)
            .and_then(|last| last.compare);
        let Some(compare) = fused else {
            let enc = self.use_slot_or_acc(cond);
            return Self::test(SimpleOp::I32Eqz, enc, at::NOT);
        };
        let Compare { op, variant, wide, negated } = compare;
        let fields = self.take_last();
        let mut condition = if let Some(position) = wide_position(op).filter(|_| wide) {
            Condition { opcode: Opcode::wide_branch(position, variant), fields }
        } else {
            debug_assert!(variant < binary::IS, "a constant first operand was swapped");
            let comparison = if op == SimpleOp::I32And { at::AND } else { op as u16 };
            let plain = Condition { opcode: Opcode::branch(comparison, variant), fields };
            self.add_before(op, variant, &plain.fields).unwrap_or(plain)
        };
        if negated {
            condition.opcode.0 ^= at::NOT;
        }
        condition
    }

    /// If a comparison (which was taken back) has an operand in the accumulator to which the instruction before
    /// added a constant, takes that back as well: a loop's counter and its test.
    fn add_before(&mut self, op: SimpleOp, variant: u16, fields: &Fields) -> Option<Condition> {
        let add = self.last_instr()?;
        let slot = u32::from(self.slot_field(add.at, 0));
        let is_add = add.opcode == Opcode::scalar(SimpleOp::I32Add, binary::SI);
        if op as u16 > SimpleOp::I32GeU as u16 || !is_add || self.accs[0].slot != slot {
            return None;
        }
        let opcode = match variant {
            unary::A if op == SimpleOp::I32Eqz => Opcode::add_branch(op, 0),
            _ if op == SimpleOp::I32Eqz => return None,
            binary::AS => Opcode::add_branch(op, add_branch::S),
            binary::AI => Opcode::add_branch(op, add_branch::I),
            binary::SA => Opcode::add_branch(swapped(op)?, add_branch::S),
            _ => return None,
        };
        let sum = &self.out.code[add.at as usize + WORD..];
        let mut all = ([0; 24], sum.len() + fields.1);
        all.0[..sum.len()].copy_from_slice(sum);
        all.0[sum.len()..all.1].copy_from_slice(&fields.0[..fields.1]);
        self.remove_last();
        self.accs[0].producer = NONE;
        Some(Condition { opcode, fields: all })
    }

    /// Emits a branch taken if the condition is `sense`. Gives the place of its jump field, which is empty.
    fn branch(&mut self, condition: Condition, sense: bool) -> u32 {
        let Condition { mut opcode, fields } = condition;
        if !sense {
            opcode.0 ^= at::NOT;
        }
        self.end_prefix();
        self.emit(opcode);
        self.copy_fields(&fields);
        let field = self.here();
        self.u32(NONE);
        field
    }

    /// Begins a `br_table`: its index, and a constant that was added to that by the last instruction.
    fn br_table_index(&mut self, index: &Operand) {
        let (is_sub, variant) = match self.computed_by(index) {
            Some(opcode) => match opcode.as_scalar(SimpleOp::I32Add) {
                Some(variant) => (false, Some(variant)),
                None => (true, opcode.as_scalar(SimpleOp::I32Sub)),
            },
            None => (false, None),
        };
        if !matches!(variant, Some(binary::SI | binary::AI)) {
            let enc = self.use_slot_or_acc(index);
            self.keep_slots();
            self.emit(if enc == Enc::A { Misc::BrTableA } else { Misc::BrTableS });
            self.enc(enc, Class::Int);
            return self.u32(0);
        }
        let (fields, len) = self.take_last();
        let (operand, constant) = fields[..len].split_at(len.saturating_sub(4));
        let constant = u32::from_ne_bytes(constant.first_chunk().copied().unwrap_or_default());
        self.keep_slots();
        self.emit(if operand.is_empty() { Misc::BrTableA } else { Misc::BrTableS });
        self.out.code.extend(operand);
        self.u32(if is_sub { constant.wrapping_neg() } else { constant });
    }

    pub(super) fn op_br_table(&mut self, targets: &[Target], default: Target) {
        let index = self.pop();
        self.end_prefix();
        self.prepare_moves(default.arity as usize);
        self.br_table_index(&index);
        self.u32(targets.len() as u32 + 1);
        let first = self.here();
        let all = || targets.iter().copied().chain([default]);
        self.out.code.extend(core::iter::repeat_n(0, 4 * (targets.len() + 1)));
        let is_direct = |this: &Self, target: Target| target.label != 0 && this.in_place(target);
        for (i, target) in all().enumerate() {
            if is_direct(self, target) {
                self.aim(first + 4 * i as u32, target.label as usize);
            }
        }
        // The other targets need code on the way: one stub for each label.
        self.tables += 1;
        let accs = self.accs;
        for (i, target) in all().enumerate() {
            if is_direct(self, target) {
                continue;
            }
            let label = target.label as usize;
            if self.labels[label].stub.0 != self.tables {
                self.forget_accs();
                self.accs = accs;
                self.labels[label].stub = (self.tables, self.here());
                self.go(target);
            }
            let field = first + 4 * i as u32;
            self.set_word_at(field, self.labels[label].stub.1.wrapping_sub(field));
        }
    }

    /// `return`, or the end of the body.
    pub(super) fn op_return(&mut self) {
        self.prepare_moves(self.results.len());
        self.return_values();
    }

    /// The code of a return. The operands stay on the stack.
    pub(super) fn return_values(&mut self) {
        self.end_prefix();
        match *self.results {
            [] => _ = self.emit(Misc::Ret),
            [ty] if ty != ValType::V128 => self.return_one(),
            _ => self.return_many(),
        }
    }

    fn return_one(&mut self) {
        let Some(&operand) = self.operands.last() else { return };
        if let (Class::Int, Place::Const(bits)) = (operand.class, operand.place)
            && operand.class.fits_immediate(bits)
        {
            self.emit(Misc::RetIntI);
            return self.u32(bits as u32);
        }
        self.keep_slots();
        let enc = self.peek(&operand);
        self.emit(match (enc, operand.class) {
            (Enc::A, Class::F32) => Misc::RetF32A,
            (Enc::A, Class::F64) => Misc::RetF64A,
            (Enc::A, _) => Misc::RetIntA,
            (_, Class::F32) => Misc::RetF32S,
            (_, Class::F64) => Misc::RetF64S,
            (..) => Misc::RetIntS,
        });
        self.enc(enc, operand.class);
    }

    fn return_many(&mut self) {
        let count = self.results.len();
        let first = self.operands.len() - count;
        self.keep_slots();
        if count > FEW {
            self.moves(0, count);
            _ = self.emit(Misc::Ret);
            return;
        }
        // Results go to where the first locals are: a local that is a result itself is saved before.
        let width: u32 = self.results.iter().map(|ty| ty.slots()).sum();
        let mut saved = [None; FEW];
        for (number, saved) in (first..).zip(&mut saved[..count]) {
            let mut operand = self.operands[number];
            if self.slot_of(&operand) < width && matches!(operand.place, Place::Local(_)) {
                self.copy(operand.slot, &operand);
                operand.place = Place::Slot;
                *saved = Some(operand);
            }
        }
        let mut to = 0;
        for (number, saved) in (first..).zip(saved[..count].iter()) {
            let operand = saved.unwrap_or(self.operands[number]);
            self.copy(to, &operand);
            to += operand.class.width();
        }
        self.emit(Misc::Ret);
    }

    pub(super) fn op_unreachable(&mut self) {
        self.emit(Misc::Unreachable);
    }
}
