//! The instructions of operators on numbers.

use super::Translator;
use crate::asm::{Alu, Cond, Gpr, Mem, Rm, Rounding, Shift, Sse, SseImm, Width, Xmm, XmmRm};
use crate::convention::Kind;
use crate::operands::{At, Operand, SCRATCH, XMM_SCRATCH, width};
use riser_ops::TrapCode;

/// One of the two widths of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F32,
    F64,
}

impl Float {
    pub fn kind(self) -> Kind {
        match self {
            Float::F32 => Kind::F32,
            Float::F64 => Kind::F64,
        }
    }

    pub fn pick<T>(self, single: T, double: T) -> T {
        match self {
            Float::F32 => single,
            Float::F64 => double,
        }
    }
}

/// Numbers are signed, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    S,
    U,
}

/// The kind of integers of a width.
fn int(w: Width) -> Kind {
    if w == Width::W32 { Kind::I32 } else { Kind::I64 }
}

impl Translator<'_> {
    /// The operand below the top, and the top.
    #[inline]
    pub(super) fn pop2(&mut self) -> (Operand, Operand) {
        let top = self.pop();
        (self.pop(), top)
    }

    /// Addition, and what is like it but for the instruction.
    pub(super) fn int_binary(&mut self, op: Alu, w: Width) {
        let (mut left, mut right) = self.pop2();
        let commutes = op != Alu::Sub;
        if commutes && (matches!(left.at, At::Const(_)) || matches!(right.at, At::Gpr(_))) {
            (left, right) = (right, left);
        }
        if let Some(immediate) = Self::immediate_of(right) {
            if op == Alu::Add
                && !matches!(left.at, At::Gpr(_))
                && let Some(from) = self.gpr_of(left)
            {
                let to = self.alloc();
                self.asm.lea(w, to, Mem::at(from, immediate));
                return self.push_gpr(int(w), to);
            }
            let to = self.owned(left);
            self.asm.alu_imm(op, w, to, immediate);
            return self.push_gpr(int(w), to);
        }
        let other = self.rm(right);
        let to = self.owned(left);
        self.asm.alu(op, w, to, other);
        self.free_rm(other);
        self.push_gpr(int(w), to);
    }

    pub(super) fn multiply(&mut self, w: Width) {
        let (mut left, mut right) = self.pop2();
        if matches!(left.at, At::Const(_)) || matches!(right.at, At::Gpr(_)) {
            (left, right) = (right, left);
        }
        if let Some(immediate) = Self::immediate_of(right) {
            let from = self.rm(left);
            let to = match from {
                Rm::Reg(gpr) if self.is_for_operands(gpr) => gpr,
                _ => self.alloc(),
            };
            self.asm.imul_imm(w, to, from, immediate);
            return self.push_gpr(int(w), to);
        }
        let other = self.rm(right);
        let to = self.owned(left);
        self.asm.imul(w, to, other);
        self.free_rm(other);
        self.push_gpr(int(w), to);
    }

    pub(super) fn divide(&mut self, w: Width, sign: Sign) {
        self.quotient_or_rest(w, sign, false);
    }

    pub(super) fn remainder(&mut self, w: Width, sign: Sign) {
        self.quotient_or_rest(w, sign, true);
    }

    fn quotient_or_rest(&mut self, w: Width, sign: Sign, wants_rest: bool) {
        let (quotient, rest) = (Gpr::RAX, Gpr::RDX);
        self.take(quotient);
        self.take(rest);
        let (left, right) = self.pop2();
        let constant = Self::const_of(right);
        let divisor = match constant {
            // There may be no other register left.
            Some(value) => {
                self.asm.mov_imm(SCRATCH, value);
                Rm::Reg(SCRATCH)
            }
            None => self.rm(right),
        };
        if constant.is_none_or(|value| value == 0) {
            self.compare_rm(w, divisor, 0);
            self.trap_if(Cond::E, TrapCode::IntegerDivideByZero);
        }
        self.move_to(left, quotient);
        self.free_operand(left);
        let done = self.asm.new_label();
        match sign {
            Sign::U => {
                self.asm.mov_imm(rest, 0);
                self.asm.div(w, divisor);
            }
            Sign::S => {
                let minus_one = if w == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
                if constant.is_none_or(|value| value == minus_one) {
                    let other = self.asm.new_label();
                    self.compare_rm(w, divisor, -1);
                    self.asm.jcc(Cond::Ne, other);
                    if wants_rest {
                        self.asm.mov_imm(rest, 0);
                    } else {
                        self.asm.neg(w, quotient);
                        self.trap_if(Cond::O, TrapCode::IntegerOverflow);
                    }
                    self.asm.jmp(done);
                    self.asm.bind(other);
                }
                self.asm.cdq(w);
                self.asm.idiv(w, divisor);
            }
        }
        self.asm.bind(done);
        self.free_rm(divisor);
        let (result, other) = if wants_rest { (rest, quotient) } else { (quotient, rest) };
        self.free(other);
        self.push_gpr(int(w), result);
    }

    fn compare_rm(&mut self, w: Width, rm: Rm, immediate: i32) {
        match rm {
            Rm::Reg(gpr) if immediate == 0 => self.asm.test(w, gpr, gpr),
            rm => self.asm.alu_imm(Alu::Cmp, w, rm, immediate),
        }
    }

    pub(super) fn shift(&mut self, op: Shift, w: Width) {
        let by = self.operands.stack.last().copied();
        if let Some(by) = by.and_then(Self::const_of) {
            self.pop();
            let operand = self.pop();
            let gpr = self.owned(operand);
            let mask = if w == Width::W32 { 31 } else { 63 };
            if by as u8 & mask != 0 {
                self.asm.shift_imm(op, w, gpr, by as u8 & mask);
            }
            return self.push_gpr(int(w), gpr);
        }
        let has_three_operands = matches!(op, Shift::Shl | Shift::Shr | Shift::Sar);
        if has_three_operands && self.env.features.bmi2 {
            let (left, right) = self.pop2();
            let by = self.gpr(right);
            let from = self.rm(left);
            let to = match from {
                Rm::Reg(gpr) if self.is_for_operands(gpr) => gpr,
                _ => self.alloc(),
            };
            self.asm.shiftx(op, w, to, from, by);
            self.free(by);
            return self.push_gpr(int(w), to);
        }
        let count = Gpr::RCX;
        self.take(count);
        let (left, right) = self.pop2();
        let gpr = self.owned(left);
        self.move_to(right, count);
        self.asm.shift_cl(op, w, gpr);
        self.free(count);
        self.free_operand(right);
        self.push_gpr(int(w), gpr);
    }

    pub(super) fn clz(&mut self, w: Width) {
        let (from, to) = self.source_and_target();
        if self.env.features.lzcnt {
            self.asm.lzcnt(w, to, from);
        } else {
            let bits = if w == Width::W32 { 32 } else { 64 };
            self.asm.bsr(w, to, from);
            self.asm.mov_imm(SCRATCH, 2 * bits - 1);
            self.asm.cmov(Cond::E, w, to, SCRATCH);
            self.asm.alu_imm(Alu::Xor, w, to, bits as i32 - 1);
        }
        self.push_gpr(int(w), to);
    }

    pub(super) fn ctz(&mut self, w: Width) {
        let (from, to) = self.source_and_target();
        if self.env.features.bmi1 {
            self.asm.tzcnt(w, to, from);
        } else {
            let bits = if w == Width::W32 { 32 } else { 64 };
            self.asm.bsf(w, to, from);
            self.asm.mov_imm(SCRATCH, bits);
            self.asm.cmov(Cond::E, w, to, SCRATCH);
        }
        self.push_gpr(int(w), to);
    }

    pub(super) fn popcnt(&mut self, w: Width) {
        if self.env.features.popcnt {
            let (from, to) = self.source_and_target();
            self.asm.popcnt(w, to, from);
            return self.push_gpr(int(w), to);
        }
        // Sums of neighbours: of bits, then of pairs, then of nibbles, then of bytes.
        let operand = self.pop();
        let to = self.owned(operand);
        let mask = self.alloc();
        let all = if w == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
        self.asm.mov(Width::W64, SCRATCH, to);
        self.asm.shift_imm(Shift::Shr, w, SCRATCH, 1);
        self.asm.mov_imm(mask, 0x5555_5555_5555_5555 & all);
        self.asm.alu(Alu::And, w, SCRATCH, mask);
        self.asm.alu(Alu::Sub, w, to, SCRATCH);
        self.asm.mov_imm(mask, 0x3333_3333_3333_3333 & all);
        self.asm.mov(Width::W64, SCRATCH, to);
        self.asm.shift_imm(Shift::Shr, w, SCRATCH, 2);
        self.asm.alu(Alu::And, w, SCRATCH, mask);
        self.asm.alu(Alu::And, w, to, mask);
        self.asm.alu(Alu::Add, w, to, SCRATCH);
        self.asm.mov(Width::W64, SCRATCH, to);
        self.asm.shift_imm(Shift::Shr, w, SCRATCH, 4);
        self.asm.alu(Alu::Add, w, to, SCRATCH);
        self.asm.mov_imm(mask, 0x0F0F_0F0F_0F0F_0F0F & all);
        self.asm.alu(Alu::And, w, to, mask);
        self.asm.mov_imm(mask, 0x0101_0101_0101_0101 & all);
        self.asm.imul(w, to, mask);
        self.asm.shift_imm(Shift::Shr, w, to, if w == Width::W32 { 24 } else { 56 });
        self.free(mask);
        self.push_gpr(int(w), to);
    }

    /// The top operand, and a register for the result, which may be the same.
    fn source_and_target(&mut self) -> (Rm, Gpr) {
        let operand = self.pop();
        let from = self.rm(operand);
        let to = match from {
            Rm::Reg(gpr) if self.is_for_operands(gpr) => gpr,
            _ => self.alloc(),
        };
        (from, to)
    }

    /// A test for 0.
    pub(super) fn eqz(&mut self, w: Width) {
        let operand = self.pop();
        if let At::Flags(cond) = operand.at {
            return self.push(Kind::I32, At::Flags(cond.inverse()));
        }
        let rm = self.rm(operand);
        self.compare_rm(w, rm, 0);
        self.free_rm(rm);
        self.push(Kind::I32, At::Flags(Cond::E));
    }

    /// A comparison of integers.
    pub(super) fn compare(&mut self, cond: Cond, w: Width) {
        let (left, right) = self.pop2();
        if let Some(immediate) = Self::immediate_of(right) {
            let rm = self.rm(left);
            self.compare_rm(w, rm, immediate);
            self.free_rm(rm);
        } else {
            let other = self.rm(right);
            let gpr = self.gpr(left);
            self.asm.alu(Alu::Cmp, w, gpr, other);
            self.free(gpr);
            self.free_rm(other);
        }
        self.push(Kind::I32, At::Flags(cond));
    }

    /// Sets the flags for two floats: above, below, equal; parity if one is a NaN, with below and equal.
    fn compare_xmm(&mut self, float: Float, left: Xmm, right: XmmRm) {
        self.asm.sse(float.pick(Sse::Ucomiss, Sse::Ucomisd), left, right);
    }

    /// A comparison of floats that is false if one is a NaN: `left` above (or equal to) `right`, or the other way round.
    pub(super) fn compare_order(&mut self, float: Float, cond: Cond, swaps: bool) {
        let (mut left, mut right) = self.pop2();
        if swaps {
            (left, right) = (right, left);
        }
        let other = self.xmm_rm(right);
        let xmm = self.xmm(left);
        self.compare_xmm(float, xmm, other);
        self.free_xmm(xmm);
        self.free_xmm_rm(other);
        self.push(Kind::I32, At::Flags(cond));
    }

    /// Whether two floats are equal, or are not.
    pub(super) fn compare_equal(&mut self, float: Float, is_equal: bool) {
        let (left, right) = self.pop2();
        let other = self.xmm_rm(right);
        let xmm = self.xmm(left);
        let result = self.alloc();
        self.compare_xmm(float, xmm, other);
        self.free_xmm(xmm);
        self.free_xmm_rm(other);
        // A NaN is equal to nothing, and sets the flag for equal nevertheless.
        let (cond, parity) = if is_equal { (Cond::E, Cond::Np) } else { (Cond::Ne, Cond::P) };
        self.asm.setcc(cond, result);
        self.asm.setcc(parity, SCRATCH);
        let op = if is_equal { Alu::And } else { Alu::Or };
        self.asm.alu(op, Width::W32, result, SCRATCH);
        self.asm.extend_unsigned(Width::W8, result, result);
        self.push_gpr(Kind::I32, result);
    }

    /// Extends the low bits of the top operand by their sign.
    pub(super) fn extend(&mut self, from: Width, to: Width) {
        let operand = self.pop();
        let gpr = self.owned(operand);
        self.asm.extend_signed(from, to, gpr, gpr);
        self.push_gpr(int(to), gpr);
    }

    pub(super) fn wrap(&mut self) {
        let operand = self.pop();
        if let Some(value) = Self::const_of(operand) {
            return self.push(Kind::I32, At::Const(u64::from(value as u32)));
        }
        // In memory, the low half is where it all begins.
        if self.gpr_of(operand).is_some() {
            let gpr = self.owned(operand);
            self.asm.mov(Width::W32, gpr, gpr);
            return self.push_gpr(Kind::I32, gpr);
        }
        let at = match self.rm(operand) {
            Rm::Mem(at) => at,
            Rm::Reg(_) => return self.fail("an operand that is nowhere"),
        };
        let gpr = self.alloc();
        self.asm.load(Width::W32, gpr, at);
        self.push_gpr(Kind::I32, gpr);
    }

    pub(super) fn extend_unsigned(&mut self) {
        let operand = self.pop();
        if let Some(value) = Self::const_of(operand) {
            return self.push(Kind::I64, At::Const(value));
        }
        // In a register it is extended already.
        let gpr = self.owned(operand);
        self.push_gpr(Kind::I64, gpr);
    }

    /// `i64.add128` and `i64.sub128`
    pub(super) fn add_wide(&mut self, low: Alu, high: Alu) {
        let (right_low, right_high) = self.pop2();
        let (left_low, left_high) = self.pop2();
        let others = (self.rm(right_low), self.rm(right_high));
        let results = (self.owned(left_low), self.owned(left_high));
        self.asm.alu(low, Width::W64, results.0, others.0);
        self.asm.alu(high, Width::W64, results.1, others.1);
        self.free_rm(others.0);
        self.free_rm(others.1);
        self.push_gpr(Kind::I64, results.0);
        self.push_gpr(Kind::I64, results.1);
    }

    pub(super) fn multiply_wide(&mut self, sign: Sign) {
        let (low, high) = (Gpr::RAX, Gpr::RDX);
        self.take(low);
        self.take(high);
        let (left, right) = self.pop2();
        self.move_to(left, low);
        self.free_operand(left);
        let other = self.rm(right);
        match sign {
            Sign::S => self.asm.imul_wide(Width::W64, other),
            Sign::U => self.asm.mul(Width::W64, other),
        }
        self.free_rm(other);
        self.push_gpr(Kind::I64, low);
        self.push_gpr(Kind::I64, high);
    }

    /// A NaN that was computed becomes the canonical one, if that is wanted.
    fn canonical(&mut self, float: Float, xmm: Xmm) {
        if !self.env.options.canonicalize_nans {
            return;
        }
        let done = self.asm.new_label();
        self.compare_xmm(float, xmm, XmmRm::Reg(xmm));
        self.asm.jcc(Cond::Np, done);
        self.xmm_const(float.kind(), xmm, float.pick(0x7FC0_0000, 0x7FF8_0000_0000_0000));
        self.asm.bind(done);
    }

    pub(super) fn float_binary(&mut self, float: Float, single: Sse, double: Sse) {
        let (left, right) = self.pop2();
        let other = self.xmm_rm(right);
        let xmm = self.owned_xmm(left);
        self.asm.sse(float.pick(single, double), xmm, other);
        self.free_xmm_rm(other);
        self.canonical(float, xmm);
        self.push_xmm(float.kind(), xmm);
    }

    /// `min` or `max`.
    pub(super) fn extremum(&mut self, float: Float, is_min: bool) {
        let (left, right) = self.pop2();
        let other = self.xmm(right);
        let xmm = self.owned_xmm(left);
        let [nan, equal, done] = [(); 3].map(|()| self.asm.new_label());
        self.compare_xmm(float, xmm, XmmRm::Reg(other));
        self.asm.jcc(Cond::P, nan);
        self.asm.jcc(Cond::E, equal);
        let op = match is_min {
            true => float.pick(Sse::Minss, Sse::Minsd),
            false => float.pick(Sse::Maxss, Sse::Maxsd),
        };
        self.asm.sse(op, xmm, other);
        self.asm.jmp(done);
        // Zeros may differ in their signs.
        self.asm.bind(equal);
        self.asm.sse(if is_min { Sse::Orps } else { Sse::Andps }, xmm, other);
        self.asm.jmp(done);
        self.asm.bind(nan);
        self.asm.sse(float.pick(Sse::Addss, Sse::Addsd), xmm, other);
        self.asm.bind(done);
        self.free_xmm(other);
        self.canonical(float, xmm);
        self.push_xmm(float.kind(), xmm);
    }

    pub(super) fn sqrt(&mut self, float: Float) {
        let operand = self.pop();
        let xmm = self.owned_xmm(operand);
        self.asm.sse(float.pick(Sse::Sqrtss, Sse::Sqrtsd), xmm, xmm);
        self.canonical(float, xmm);
        self.push_xmm(float.kind(), xmm);
    }

    pub(super) fn round(&mut self, float: Float, rounding: Rounding) {
        let operand = self.pop();
        let xmm = self.owned_xmm(operand);
        let op = float.pick(SseImm::Roundss, SseImm::Roundsd);
        self.asm.sse_imm(op, xmm, xmm, rounding as u8);
        self.canonical(float, xmm);
        self.push_xmm(float.kind(), xmm);
    }

    /// A vector whose first lane is all ones but for the sign.
    fn all_but_sign(&mut self, float: Float) -> XmmRm {
        let bits = float.pick(0x7FFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF);
        XmmRm::Const(self.asm.const128(bits))
    }

    /// A vector with the sign of the first lane.
    fn only_sign(&mut self, float: Float) -> XmmRm {
        let bits = float.pick(0x8000_0000, 0x8000_0000_0000_0000);
        XmmRm::Const(self.asm.const128(bits))
    }

    pub(super) fn abs(&mut self, float: Float) {
        let operand = self.pop();
        let xmm = self.owned_xmm(operand);
        let mask = self.all_but_sign(float);
        self.asm.sse(Sse::Andps, xmm, mask);
        self.push_xmm(float.kind(), xmm);
    }

    pub(super) fn negate(&mut self, float: Float) {
        let operand = self.pop();
        let xmm = self.owned_xmm(operand);
        let sign = self.only_sign(float);
        self.asm.sse(Sse::Xorps, xmm, sign);
        self.push_xmm(float.kind(), xmm);
    }

    pub(super) fn copysign(&mut self, float: Float) {
        let (left, right) = self.pop2();
        let xmm = self.owned_xmm(left);
        self.move_to_xmm(right, XMM_SCRATCH);
        self.free_operand(right);
        let sign = self.only_sign(float);
        self.asm.sse(Sse::Andps, XMM_SCRATCH, sign);
        let mask = self.all_but_sign(float);
        self.asm.sse(Sse::Andps, xmm, mask);
        self.asm.sse(Sse::Orps, xmm, XMM_SCRATCH);
        self.push_xmm(float.kind(), xmm);
    }

    /// Between `f32` and `f64`.
    pub(super) fn change_float(&mut self, to: Float) {
        let operand = self.pop();
        let xmm = self.owned_xmm(operand);
        self.asm.sse(to.pick(Sse::Cvtsd2ss, Sse::Cvtss2sd), xmm, xmm);
        self.canonical(to, xmm);
        self.push_xmm(to.kind(), xmm);
    }

    pub(super) fn reinterpret_as_int(&mut self, w: Width) {
        let operand = self.pop();
        if let Some(bits) = Self::const_of(operand) {
            return self.push(int(w), At::Const(bits));
        }
        let xmm = self.xmm(operand);
        let gpr = self.alloc();
        self.asm.mov_from_xmm(w, gpr, xmm);
        self.free_xmm(xmm);
        self.push_gpr(int(w), gpr);
    }

    pub(super) fn reinterpret_as_float(&mut self, float: Float) {
        let operand = self.pop();
        if let Some(bits) = Self::const_of(operand) {
            return self.push(float.kind(), At::Const(bits));
        }
        let gpr = self.gpr(operand);
        let xmm = self.alloc_xmm();
        self.asm.mov_to_xmm(width(operand.kind), xmm, gpr);
        self.free(gpr);
        self.push_xmm(float.kind(), xmm);
    }

    /// From an integer to a float.
    pub(super) fn convert(&mut self, float: Float, w: Width, sign: Sign) {
        let operand = self.pop();
        let xmm = self.alloc_xmm();
        // The instruction keeps the upper lanes, and so would wait for them.
        self.asm.zero_xmm(xmm);
        match (w, sign) {
            (Width::W64, Sign::U) => {
                let gpr = self.owned(operand);
                self.convert_u64(float, xmm, gpr);
                self.free(gpr);
            }
            (_, sign) => {
                let gpr = self.gpr(operand);
                // An `i32` is extended by zeros.
                let w = if sign == Sign::U { Width::W64 } else { w };
                self.convert_signed(float, w, xmm, gpr);
                self.free(gpr);
            }
        }
        self.push_xmm(float.kind(), xmm);
    }

    fn convert_signed(&mut self, float: Float, w: Width, xmm: Xmm, gpr: Gpr) {
        match float {
            Float::F32 => self.asm.cvtsi2ss(w, xmm, gpr),
            Float::F64 => self.asm.cvtsi2sd(w, xmm, gpr),
        }
    }

    fn convert_u64(&mut self, float: Float, xmm: Xmm, gpr: Gpr) {
        let [large, done] = [(); 2].map(|()| self.asm.new_label());
        self.asm.test(Width::W64, gpr, gpr);
        self.asm.jcc(Cond::S, large);
        self.convert_signed(float, Width::W64, xmm, gpr);
        self.asm.jmp(done);
        // Half of it, rounded to odd, so that rounding is right; and that twice.
        self.asm.bind(large);
        self.asm.mov(Width::W64, SCRATCH, gpr);
        self.asm.shift_imm(Shift::Shr, Width::W64, SCRATCH, 1);
        self.asm.alu_imm(Alu::And, Width::W32, gpr, 1);
        self.asm.alu(Alu::Or, Width::W64, SCRATCH, gpr);
        self.convert_signed(float, Width::W64, xmm, SCRATCH);
        self.asm.sse(float.pick(Sse::Addss, Sse::Addsd), xmm, xmm);
        self.asm.bind(done);
    }
}
