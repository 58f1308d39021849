//! From floats to integers.

use super::Translator;
use super::numbers::{Float, Sign};
use crate::asm::{Alu, Cond, Gpr, Sse, Width, Xmm, XmmRm};
use crate::convention::Kind;
use crate::operands::{SCRATCH, XMM_SCRATCH};
use riser_ops::TrapCode;

/// The bits of a float for each of the two widths.
fn bits(float: Float, single: f32, double: f64) -> u64 {
    match float {
        Float::F32 => u64::from(single.to_bits()),
        Float::F64 => double.to_bits(),
    }
}

/// 2^63 as a float.
fn two_to_63(float: Float) -> u64 {
    bits(float, 9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0)
}

impl Translator<'_> {
    /// Truncates the top operand. What no integer is near traps or, if `saturates`, becomes the integer that is nearest, and
    /// a NaN 0.
    pub(super) fn truncate(&mut self, float: Float, w: Width, sign: Sign, saturates: bool) {
        let operand = self.pop();
        let xmm = self.xmm(operand);
        let to = self.alloc();
        match (w, sign) {
            (_, Sign::S) => self.truncate_signed(float, w, xmm, to, saturates),
            (Width::W32, Sign::U) => self.truncate_u32(float, xmm, to, saturates),
            (_, Sign::U) => self.truncate_u64(float, xmm, to, saturates),
        }
        self.free_xmm(xmm);
        self.push_gpr(if w == Width::W32 { Kind::I32 } else { Kind::I64 }, to);
    }

    /// The instruction: what does not fit becomes the lowest integer.
    fn truncation(&mut self, float: Float, w: Width, to: Gpr, from: Xmm) {
        match float {
            Float::F32 => self.asm.cvttss2si(w, to, from),
            Float::F64 => self.asm.cvttsd2si(w, to, from),
        }
    }

    fn compare_floats(&mut self, float: Float, left: Xmm, right: XmmRm) {
        let op = if float == Float::F32 { Sse::Ucomiss } else { Sse::Ucomisd };
        self.asm.sse(op, left, right);
    }

    fn float_const(&mut self, float: Float, bits: u64) -> XmmRm {
        XmmRm::Const(match float {
            Float::F32 => self.asm.const32(bits as u32),
            Float::F64 => self.asm.const64(bits),
        })
    }

    fn trap_if_nan(&mut self, float: Float, xmm: Xmm) {
        self.compare_floats(float, xmm, XmmRm::Reg(xmm));
        self.trap_if(Cond::P, TrapCode::InvalidConversionToInteger);
    }

    fn truncate_signed(&mut self, float: Float, w: Width, xmm: Xmm, to: Gpr, saturates: bool) {
        let done = self.asm.new_label();
        self.truncation(float, w, to, xmm);
        // Only the lowest integer less 1 overflows.
        self.asm.alu_imm(Alu::Cmp, w, to, 1);
        self.asm.jcc(Cond::No, done);
        if saturates {
            let number = self.asm.new_label();
            self.compare_floats(float, xmm, XmmRm::Reg(xmm));
            self.asm.jcc(Cond::Np, number);
            self.asm.mov_imm(to, 0);
            self.asm.jmp(done);
            self.asm.bind(number);
            let zero = self.float_const(float, 0);
            self.compare_floats(float, xmm, zero);
            self.asm.jcc(Cond::B, done);
            let max = if w == Width::W32 { i32::MAX as u64 } else { i64::MAX as u64 };
            self.asm.mov_imm(to, max);
        } else {
            self.trap_if_nan(float, xmm);
            // The lowest integer may be right: is anything below it but what is cut to it?
            let (least, outside) = match (float, w) {
                (Float::F64, Width::W32) => (bits(float, 0.0, -2_147_483_649.0), Cond::Be),
                (_, Width::W32) => (bits(float, -2_147_483_648.0, 0.0), Cond::B),
                _ => {
                    let least = -9_223_372_036_854_775_808.0;
                    (bits(float, least as f32, least), Cond::B)
                }
            };
            let least = self.float_const(float, least);
            self.compare_floats(float, xmm, least);
            self.trap_if(outside, TrapCode::IntegerOverflow);
            let zero = self.float_const(float, 0);
            self.compare_floats(float, xmm, zero);
            self.trap_if(Cond::Ae, TrapCode::IntegerOverflow);
        }
        self.asm.bind(done);
    }

    fn truncate_u32(&mut self, float: Float, xmm: Xmm, to: Gpr, saturates: bool) {
        let done = self.asm.new_label();
        self.truncation(float, Width::W64, to, xmm);
        self.asm.mov(Width::W32, SCRATCH, to);
        self.asm.alu(Alu::Cmp, Width::W64, SCRATCH, to);
        self.asm.jcc(Cond::E, done);
        if saturates {
            self.nearest_unsigned(float, xmm, to);
            let zero = self.asm.new_label();
            self.asm.jcc(Cond::Be, zero);
            self.asm.mov_imm(to, u64::from(u32::MAX));
            self.asm.bind(zero);
        } else {
            self.trap_if_nan(float, xmm);
            let label = self.far_trap(TrapCode::IntegerOverflow);
            self.asm.jmp(label);
        }
        self.asm.bind(done);
    }

    /// Makes the result 0, and compares with 0: a NaN is not above it.
    fn nearest_unsigned(&mut self, float: Float, xmm: Xmm, to: Gpr) {
        self.asm.mov_imm(to, 0);
        let zero = self.float_const(float, 0);
        self.compare_floats(float, xmm, zero);
    }

    fn truncate_u64(&mut self, float: Float, xmm: Xmm, to: Gpr, saturates: bool) {
        let done = self.asm.new_label();
        self.truncation(float, Width::W64, to, xmm);
        self.asm.test(Width::W64, to, to);
        self.asm.jcc(Cond::Ns, done);
        if saturates {
            self.nearest_unsigned(float, xmm, to);
            self.asm.jcc(Cond::Be, done);
        } else {
            self.trap_if_nan(float, xmm);
        }
        // What is left of 2^63 or more.
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        let large = self.float_const(float, two_to_63(float));
        let op = if float == Float::F32 { Sse::Subss } else { Sse::Subsd };
        self.asm.sse(op, XMM_SCRATCH, large);
        self.truncation(float, Width::W64, to, XMM_SCRATCH);
        self.asm.test(Width::W64, to, to);
        if saturates {
            let fits = self.asm.new_label();
            self.asm.jcc(Cond::Ns, fits);
            self.asm.mov_imm(to, u64::MAX);
            self.asm.jmp(done);
            self.asm.bind(fits);
        } else {
            self.trap_if(Cond::S, TrapCode::IntegerOverflow);
        }
        self.asm.mov_imm(SCRATCH, 1 << 63);
        self.asm.alu(Alu::Xor, Width::W64, to, SCRATCH);
        self.asm.bind(done);
    }
}
