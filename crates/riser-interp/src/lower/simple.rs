//! The simple operators.

use super::emit::{Acc, Compare};
use super::operands::{Class, Enc, Operand, Place};
use super::{Lowerer, NONE};
use crate::code::{COMPARISONS, Misc, Opcode, binary as at, region, unary, wide_position};
use riser_front::SimpleImm;
use riser_ops::{Effect, NanShape, SimpleOp, ValType};

/// The operator that gives the same result for exchanged operands, if there is one.
pub(super) fn swapped(op: SimpleOp) -> Option<SimpleOp> {
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

/// Whether an instruction multiplies an `i32` with a constant (as a product, or by shifting it), and whether
/// its operand is in the accumulator.
fn product(opcode: Opcode) -> Option<(bool, bool)> {
    let shift = opcode.as_scalar(SimpleOp::I32Shl).map(|variant| (true, variant));
    let times = opcode.as_scalar(SimpleOp::I32Mul).map(|variant| (false, variant));
    match shift.or(times)? {
        (is_shift, at::SI) => Some((is_shift, false)),
        (is_shift, at::AI) => Some((is_shift, true)),
        _ => None,
    }
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
        if self.retype(op, &operand) || (op == SimpleOp::I32Eqz && self.negate_last(&operand)) {
            return;
        }
        let negated = self.last_compare(&operand).filter(|_| op == SimpleOp::I32Eqz);
        let accs_before = self.last.map(|last| last.accs_before);
        let enc = self.use_slot_or_acc(&operand);
        let variant = if enc == Enc::A { unary::A } else { unary::S };
        self.result(op, variant, &[(enc, operand.class)]);
        // A comparison that has no inverse stays, and a branch on the negation takes both back.
        if let (Some(compare), Some(accs_before), Enc::A) = (negated, accs_before, enc)
            && let Some(last) = &mut self.last
        {
            last.compare = Some(Compare { negated: !compare.negated, ..compare });
            last.accs_before = accs_before;
        }
    }

    /// Operators that leave the bits of a slot as they are need no instruction: their result is their operand
    /// under another type. (What an `i32` leaves in the high half of its slot is of no consequence.)
    fn retype(&mut self, op: SimpleOp, operand: &Operand) -> bool {
        match op {
            SimpleOp::I32WrapI64
            | SimpleOp::I32ReinterpretF32
            | SimpleOp::I64ReinterpretF64
            | SimpleOp::F32ReinterpretI32
            | SimpleOp::F64ReinterpretI64 => {}
            _ => return false,
        }
        let ty = op.row().results[0];
        let place = match (operand.place, ty) {
            (Place::Const(bits), ValType::I32) => Place::Const(i64::from(bits as i32) as u64),
            (Place::Const(bits), ValType::F32) => Place::Const(u64::from(bits as u32)),
            (place, _) => place,
        };
        self.push(place, ty);
        true
    }

    /// The comparison that computed an operand, if it was the last instruction and a single one.
    fn last_compare(&self, operand: &Operand) -> Option<Compare> {
        let last =
            self.last.filter(|last| operand.place == Place::Slot && last.dst == operand.slot)?;
        last.compare.filter(|compare| !compare.negated)
    }

    /// If the operand of `i32.eqz` was just computed by a comparison of integers, turns that into its inverse.
    fn negate_last(&mut self, operand: &Operand) -> bool {
        let Some(compare) = self.last_compare(operand) else { return false };
        let Some(op) = inverse(compare.op) else { return false };
        let (Some(last), Some(instr)) = (&mut self.last, self.out.instrs.last_mut()) else {
            return false;
        };
        let compare = Compare { op, ..compare };
        instr.opcode = match wide_position(op).filter(|_| compare.wide) {
            Some(position) => Opcode::wide(position, compare.variant),
            None => Opcode::scalar(op, compare.variant),
        };
        last.compare = Some(compare);
        self.push_slot(ValType::I32);
        true
    }

    pub(super) fn binary(&mut self, mut op: SimpleOp) {
        let mut second = self.pop();
        let mut first = self.pop();
        let is_const = |operand: &Operand| matches!(operand.place, Place::Const(_));
        if is_const(&first)
            && !is_const(&second)
            && let Some(swapped) = swapped(op)
        {
            op = swapped;
            core::mem::swap(&mut first, &mut second);
        }
        if self.global_sum(op, &first, &second) || self.scaled_sum(op, &first, &second) {
            return;
        }
        let x = if is_const(&second) { self.use_slot_or_acc(&first) } else { self.use_any(&first) };
        let y = match second.place {
            Place::Const(bits) if second.class.fits_immediate(bits) => Enc::I(bits),
            Place::Const(bits) if wide_position(op).is_some() => Enc::W(bits),
            _ => self.use_slot_or_acc(&second),
        };
        let variant = match (x, y) {
            (Enc::S(_), Enc::S(_)) => at::SS,
            (Enc::A, Enc::S(_)) => at::AS,
            (Enc::S(_), Enc::A) => at::SA,
            (Enc::S(_), Enc::I(_)) => at::SI,
            (Enc::A, Enc::I(_)) => at::AI,
            (Enc::A, Enc::A) => at::AA,
            (Enc::I(_), Enc::S(_)) => at::IS,
            (Enc::A, Enc::W(_)) => unary::A,
            (_, Enc::W(_)) => unary::S,
            (Enc::I(_) | Enc::W(_), _) => at::IA,
        };
        self.result(op, variant, &[(x, first.class), (y, second.class)]);
    }

    /// If a constant is added to a global that was read by the last instruction, does both at once.
    fn global_sum(&mut self, op: SimpleOp, first: &Operand, second: &Operand) -> bool {
        let Place::Const(bits) = second.place else { return false };
        let constant = match op {
            SimpleOp::I32Add => bits as i32,
            SimpleOp::I32Sub => (bits as i32).wrapping_neg(),
            _ => return false,
        };
        if self.computed_by(first) != Some(Opcode(region::GLOBAL)) {
            return false;
        }
        let global = self.take_last();
        let slot = self.push_slot(ValType::I32);
        let dest = self.dest(slot, 1);
        let number = self.emit(Opcode(region::GLOBAL_ADD));
        self.u16(dest.field);
        self.copy_fields(&global);
        self.u32(constant as u32);
        self.written(dest, Class::Int, 1, Some(number));
        true
    }

    /// If a product with a constant that was computed by the last instruction is added to a slot, does both at
    /// once.
    fn scaled_sum(&mut self, op: SimpleOp, first: &Operand, second: &Operand) -> bool {
        if op != SimpleOp::I32Add {
            return false;
        }
        let by_first = self.computed_by(first).and_then(product);
        let by_second = self.computed_by(second).and_then(product);
        let (is_shift, in_acc, summand) = match (by_first, by_second) {
            (Some((is_shift, in_acc)), _) => (is_shift, in_acc, second),
            (_, Some((is_shift, in_acc))) => (is_shift, in_acc, first),
            _ => return false,
        };
        if matches!(summand.place, Place::Const(_)) {
            return false;
        }
        let (fields, len) = self.take_last();
        let (operand, factor) = fields[..len].split_at(len.saturating_sub(4));
        let factor = i32::from_ne_bytes(factor.first_chunk().copied().unwrap_or_default());
        let factor = if is_shift { 1_i32.wrapping_shl(factor as u32) } else { factor };
        let summand = self.use_slot(summand);
        let slot = self.push_slot(ValType::I32);
        let dest = self.dest(slot, 1);
        let number = self.emit(Opcode(region::MUL_ADD + u16::from(in_acc)));
        self.u16(dest.field);
        self.out.code.extend(operand);
        self.u32(factor as u32);
        self.u16(summand);
        self.written(dest, Class::Int, 1, Some(number));
        true
    }

    /// Emits a scalar operator whose result goes to the next operand.
    fn result(&mut self, op: SimpleOp, variant: u16, operands: &[(Enc, Class)]) {
        let ty = op.row().results[0];
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, 1);
        let wide = wide_position(op).filter(|_| matches!(operands, [_, (Enc::W(_), _)]));
        let number = self.emit(match wide {
            Some(position) => Opcode::wide(position, variant),
            None => Opcode::scalar(op, variant),
        });
        self.u16(dest.field);
        for &(enc, class) in operands {
            self.enc(enc, class);
        }
        self.written(dest, Class::of(ty), 1, Some(number));
        if let Some(last) = self.last.as_mut().filter(|_| is_fusable(op)) {
            let wide = wide.is_some();
            last.compare = Some(Compare { op, variant, wide, negated: false });
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
