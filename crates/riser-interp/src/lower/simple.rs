//! The simple operators.

use super::emit::Acc;
use super::operands::{Class, Enc, Operand, Place};
use super::{Lowerer, NONE};
use crate::code::{COMPARISONS, Misc, Opcode, binary as at, unary};
use riser_front::SimpleImm;
use riser_ops::{Effect, NanShape, SimpleOp, ValType};

/// The operator that gives the same result for exchanged operands, if there is one.
fn swapped(op: SimpleOp) -> Option<SimpleOp> {
    use SimpleOp as O;
    Some(match op {
        O::I32Eq | O::I32Ne | O::I32Add | O::I32Mul | O::I32And | O::I32Or | O::I32Xor => op,
        O::I64Eq | O::I64Ne | O::I64Add | O::I64Mul | O::I64And | O::I64Or | O::I64Xor => op,
        O::F32Eq | O::F32Ne | O::F64Eq | O::F64Ne => op,
        O::I32LtS => O::I32GtS,
        O::I32LtU => O::I32GtU,
        O::I32GtS => O::I32LtS,
        O::I32GtU => O::I32LtU,
        O::I32LeS => O::I32GeS,
        O::I32LeU => O::I32GeU,
        O::I32GeS => O::I32LeS,
        O::I32GeU => O::I32LeU,
        O::I64LtS => O::I64GtS,
        O::I64LtU => O::I64GtU,
        O::I64GtS => O::I64LtS,
        O::I64GtU => O::I64LtU,
        O::I64LeS => O::I64GeS,
        O::I64LeU => O::I64GeU,
        O::I64GeS => O::I64LeS,
        O::I64GeU => O::I64LeU,
        O::F32Lt => O::F32Gt,
        O::F32Gt => O::F32Lt,
        O::F32Le => O::F32Ge,
        O::F32Ge => O::F32Le,
        O::F64Lt => O::F64Gt,
        O::F64Gt => O::F64Lt,
        O::F64Le => O::F64Ge,
        O::F64Ge => O::F64Le,
        _ => return None,
    })
}

/// The comparison of integers that holds if `op` does not.
fn inverse(op: SimpleOp) -> Option<SimpleOp> {
    use SimpleOp as O;
    Some(match op {
        O::I32Eq => O::I32Ne,
        O::I32Ne => O::I32Eq,
        O::I32LtS => O::I32GeS,
        O::I32LtU => O::I32GeU,
        O::I32GtS => O::I32LeS,
        O::I32GtU => O::I32LeU,
        O::I32LeS => O::I32GtS,
        O::I32LeU => O::I32GtU,
        O::I32GeS => O::I32LtS,
        O::I32GeU => O::I32LtU,
        O::I64Eq => O::I64Ne,
        O::I64Ne => O::I64Eq,
        O::I64LtS => O::I64GeS,
        O::I64LtU => O::I64GeU,
        O::I64GtS => O::I64LeS,
        O::I64GtU => O::I64LeU,
        O::I64LeS => O::I64GtS,
        O::I64LeU => O::I64GtU,
        O::I64GeS => O::I64LtS,
        O::I64GeU => O::I64LtU,
        _ => return None,
    })
}

/// Whether a branch can be fused with the operator.
fn is_fusable(op: SimpleOp) -> bool {
    (op as usize) < COMPARISONS || op == SimpleOp::I32And
}

impl Lowerer<'_> {
    pub(super) fn op_simple(&mut self, op: SimpleOp, imm: SimpleImm) {
        let row = op.row();
        if op.is_vector() {
            self.in_slots(op, Opcode::vector(op), imm);
        } else if row.results.len() == 2 {
            self.wide(op);
        } else if row.params.len() == 1 {
            self.unary(op);
        } else {
            self.binary(op);
        }
        if let (Effect::ComputesNan(shape), true) = (row.effect, self.options.canonicalize_nans) {
            self.canonicalize(shape);
        }
    }

    fn unary(&mut self, op: SimpleOp) {
        let operand = self.pop();
        if op == SimpleOp::I32Eqz && self.negate_last(&operand) {
            return;
        }
        let enc = self.use_slot_or_acc(&operand);
        let variant = if enc == Enc::A { unary::A } else { unary::S };
        self.result(op, variant, &[(enc, operand.class)]);
    }

    /// If the operand of `i32.eqz` was just computed by a comparison of integers, turns that into its inverse.
    fn negate_last(&mut self, operand: &Operand) -> bool {
        let Some(last) = &mut self.last else { return false };
        let Some((op, variant)) = last.compare else { return false };
        let Some(inverse) = inverse(op) else { return false };
        let Some(instr) = self.out.instrs.last_mut() else { return false };
        if operand.place != Place::Slot || last.dst != operand.slot {
            return false;
        }
        instr.opcode = Opcode::scalar(inverse, variant);
        last.compare = Some((inverse, variant));
        self.push_slot(ValType::I32);
        true
    }

    pub(super) fn binary(&mut self, mut op: SimpleOp) {
        let mut second = self.pop();
        let mut first = self.pop();
        let slot = first.slot;
        let is_const = |operand: &Operand| matches!(operand.place, Place::Const(_));
        if is_const(&first)
            && !is_const(&second)
            && let Some(swapped) = swapped(op)
        {
            op = swapped;
            core::mem::swap(&mut first, &mut second);
        }
        let x = if is_const(&second) { self.use_slot_or_acc(&first) } else { self.use_any(&first) };
        let y = if matches!(x, Enc::I(_)) {
            self.use_slot_or_acc(&second)
        } else {
            self.use_any(&second)
        };
        let variant = match (x, y) {
            (Enc::S(_), Enc::S(_)) => at::SS,
            (Enc::A, Enc::S(_)) => at::AS,
            (Enc::S(_), Enc::A) => at::SA,
            (Enc::S(_), Enc::I(_)) => at::SI,
            (Enc::A, Enc::I(_)) => at::AI,
            (Enc::A, Enc::A) => at::AA,
            (Enc::I(_), Enc::S(_)) => at::IS,
            (Enc::I(_), Enc::A | Enc::I(_)) => at::IA,
        };
        debug_assert_eq!(slot, self.top);
        self.result(op, variant, &[(x, first.class), (y, second.class)]);
    }

    /// Emits a scalar operator whose result goes to the next operand.
    fn result(&mut self, op: SimpleOp, variant: u16, operands: &[(Enc, Class)]) {
        let ty = op.row().results[0];
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, 1);
        let number = self.emit(Opcode::scalar(op, variant));
        self.u16(dest.field);
        for &(enc, class) in operands {
            self.enc(enc, class);
        }
        self.written(dest, Class::of(ty), 1, Some(number));
        if let Some(last) = self.last.as_mut().filter(|_| is_fusable(op)) {
            last.compare = Some((op, variant));
        }
    }

    /// An operator with two results: all operands in slots, the results side by side.
    fn wide(&mut self, op: SimpleOp) {
        self.in_slots(op, Opcode::scalar(op, 0), SimpleImm::None);
    }

    /// Emits an operator with all operands in slots.
    fn in_slots(&mut self, op: SimpleOp, opcode: Opcode, imm: SimpleImm) {
        let row = op.row();
        let mut fields = [0; 4];
        for field in fields[..row.params.len()].iter_mut().rev() {
            let operand = self.pop();
            *field = self.use_slot(&operand);
        }
        let first = self.top;
        for &ty in row.results {
            self.push_slot(ty);
        }
        let width = self.top - first;
        let dest = self.dest(first, width);
        self.emit(opcode);
        self.u16(dest.field);
        for &field in &fields[..row.params.len()] {
            self.u16(field);
        }
        match imm {
            SimpleImm::None => {}
            SimpleImm::Lane(lane) => self.out.code.push(lane),
            SimpleImm::Shuffle(lanes) => self.out.code.extend(lanes),
        }
        let class = Class::of(row.results[0]);
        self.written(dest, class, width, None);
        if let [result] = row.results {
            self.set_acc(Class::of(*result), Acc { slot: first, producer: NONE });
        } else {
            self.last = None;
        }
    }

    /// Makes a NaN in the top operand, which was just computed, canonical.
    fn canonicalize(&mut self, shape: NanShape) {
        let operand = self.pop();
        let (op, ty) = match shape {
            NanShape::F32 => (Misc::CanonF32, ValType::F32),
            NanShape::F64 => (Misc::CanonF64, ValType::F64),
            NanShape::F32x4 => (Misc::CanonF32x4, ValType::V128),
            NanShape::F64x2 => (Misc::CanonF64x2, ValType::V128),
        };
        let class = Class::of(ty);
        let from = self.use_slot(&operand);
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, class.width());
        self.emit(op);
        self.u16(dest.field);
        self.u16(from);
        self.written(dest, class, class.width(), None);
    }
}
