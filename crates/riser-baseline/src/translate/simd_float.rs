//! Vectors of floats: arithmetic, conversions, and what becomes of NaNs.

use super::Translator;
use super::numbers::{Float, Sign};
use super::simd::repeated;
use super::vm::Arg;
use crate::asm::{FloatCmp, Fma, Rounding, Sse, SseImm, VecShift, Width, Xmm};
use crate::convention::Kind;
use crate::frame::Frame;
use crate::operands::XMM_SCRATCH;
use riser_abi::builtin;
use riser_ops::{Effect, NanShape, SimpleOp};

const CANONICAL_NAN_32: u64 = 0x7FC0_0000;
const CANONICAL_NAN_64: u64 = 0x7FF8_0000_0000_0000;

/// The bits of floats, for constants.
const TWO_TO_31: u64 = 2_147_483_648_f32.to_bits() as u64;
const TWO_TO_52: u64 = 4_503_599_627_370_496_f64.to_bits();
const I32_MAX: u64 = 2_147_483_647_f64.to_bits();
const U32_MAX: u64 = 4_294_967_295_f64.to_bits();

impl Float {
    /// The width of its lanes.
    fn lane(self) -> Width {
        self.pick(Width::W32, Width::W64)
    }

    /// A comparison of its lanes.
    fn compare(self) -> SseImm {
        self.pick(SseImm::Cmpps, SseImm::Cmppd)
    }
}

/// Arithmetic.
impl Translator<'_> {
    /// After an operator: NaNs that it computed in the lanes of a vector become canonical ones, if that is wanted.
    pub(super) fn canonicalize_top(&mut self, op: SimpleOp) {
        let float = match op.row().effect {
            Effect::ComputesNan(NanShape::F32x4) => Float::F32,
            Effect::ComputesNan(NanShape::F64x2) => Float::F64,
            _ => return,
        };
        let xmm = self.pop_owned_vector();
        self.mark_nans(float, xmm);
        // All bits where there is a NaN, but for those that the canonical one does not have.
        self.asm.sse(Sse::Orps, xmm, XMM_SCRATCH);
        let others = self.all_lanes(float.lane(), !float.pick(CANONICAL_NAN_32, CANONICAL_NAN_64));
        self.asm.sse(Sse::Andps, XMM_SCRATCH, others);
        self.asm.sse(Sse::Xorps, xmm, XMM_SCRATCH);
        self.push_vector(xmm);
    }

    pub(super) fn abs_float_lanes(&mut self, float: Float) {
        let sign = float.pick(1 << 31, 1 << 63);
        self.lanes_with(Sse::Andps, !repeated(float.lane(), sign));
    }

    pub(super) fn negate_float_lanes(&mut self, float: Float) {
        let sign = float.pick(1 << 31, 1 << 63);
        self.lanes_with(Sse::Xorps, repeated(float.lane(), sign));
    }

    pub(super) fn round_lanes(&mut self, float: Float, rounding: Rounding) {
        let (from, to) = self.vector_and_target();
        let op = float.pick(SseImm::Roundps, SseImm::Roundpd);
        self.asm.sse_imm(op, to, from, rounding as u8);
        self.push_vector(to);
    }

    /// The least of two lanes. The instruction gives its second operand if one is a NaN, or both are zeros: so both orders are
    /// asked, and what differs is put together.
    pub(super) fn min_lanes(&mut self, float: Float) {
        let (xmm, other) = self.pop_vectors();
        let min = float.pick(Sse::Minps, Sse::Minpd);
        self.asm.mov_xmm(XMM_SCRATCH, other);
        self.asm.sse(min, XMM_SCRATCH, xmm);
        self.asm.sse(min, xmm, other);
        self.free_xmm(other);
        // A sign, if there is one; a NaN, if there is one.
        self.asm.sse(Sse::Orps, xmm, XMM_SCRATCH);
        self.mark_nans(float, xmm);
        self.asm.sse(Sse::Orps, xmm, XMM_SCRATCH);
        self.clear_payloads(float, xmm);
        self.push_vector(xmm);
    }

    /// The greatest of two lanes, in the same way.
    pub(super) fn max_lanes(&mut self, float: Float) {
        let (xmm, other) = self.pop_vectors();
        let max = float.pick(Sse::Maxps, Sse::Maxpd);
        self.asm.mov_xmm(XMM_SCRATCH, other);
        self.asm.sse(max, XMM_SCRATCH, xmm);
        self.asm.sse(max, xmm, other);
        self.free_xmm(other);
        // Where they differ these are NaNs, or zeros with different signs: -0 - -0 is 0.
        self.asm.sse(Sse::Xorps, XMM_SCRATCH, xmm);
        self.asm.sse(Sse::Orps, xmm, XMM_SCRATCH);
        self.asm.sse(float.pick(Sse::Subps, Sse::Subpd), xmm, XMM_SCRATCH);
        self.mark_nans(float, xmm);
        self.clear_payloads(float, xmm);
        self.push_vector(xmm);
    }

    /// All ones in the scratch register where a lane is a NaN, else zeros.
    fn mark_nans(&mut self, float: Float, xmm: Xmm) {
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse_imm(float.compare(), XMM_SCRATCH, XMM_SCRATCH, FloatCmp::Unord as u8);
    }

    /// Where there is a mark, leaves of a quiet NaN only what the canonical one has, and the sign.
    fn clear_payloads(&mut self, float: Float, xmm: Xmm) {
        let (shift, by) = float.pick((VecShift::Psrld, 10), (VecShift::Psrlq, 13));
        self.asm.sse_shift_imm(shift, XMM_SCRATCH, by);
        self.asm.sse(Sse::Andnps, XMM_SCRATCH, xmm);
        self.asm.mov_xmm(xmm, XMM_SCRATCH);
    }

    /// `x * y + z`, rounded once, with the sign of the product changed if asked for.
    pub(super) fn multiply_add(&mut self, float: Float, negates: bool) {
        if !self.env.features.fma {
            return self.call_multiply_add(float, negates);
        }
        let addend = self.pop();
        let addend = self.xmm(addend);
        let (xmm, other) = self.pop_vectors();
        let op = match negates {
            false => float.pick(Fma::Vfmadd213ps, Fma::Vfmadd213pd),
            true => float.pick(Fma::Vfnmadd213ps, Fma::Vfnmadd213pd),
        };
        self.asm.fma(op, xmm, other, addend);
        self.free_xmm(other);
        self.free_xmm(addend);
        self.push_vector(xmm);
    }

    /// The same where the machine has no instruction for it.
    fn call_multiply_add(&mut self, float: Float, negates: bool) {
        self.frame.need_row(48);
        let addend = self.pop();
        self.store_operand(addend, Frame::row_at(32, 0));
        self.free_operand(addend);
        let (left, right) = self.pop2();
        self.store_operand(right, Frame::row_at(16, 0));
        self.free_operand(right);
        if negates {
            let xmm = self.owned_xmm(left);
            let sign = self.all_lanes(float.lane(), float.pick(1 << 31, 1 << 63));
            self.asm.sse(Sse::Xorps, xmm, sign);
            self.asm.store_v128(Frame::row_at(0, 0), xmm);
            self.free_xmm(xmm);
        } else {
            self.store_operand(left, Frame::row_at(0, 0));
            self.free_operand(left);
        }
        let callee = float.pick(builtin::f32x4_madd, builtin::f64x2_madd);
        self.checked(callee, &[Arg::Row(0)], &[]);
        let xmm = self.alloc_xmm();
        self.load_xmm(Kind::V128, xmm, Frame::row_at(0, 0));
        self.push_vector(xmm);
    }
}

/// Conversions.
impl Translator<'_> {
    /// To signed integers. The instruction gives the least number for all that does not fit.
    pub(super) fn trunc_f32x4_s(&mut self) {
        let xmm = self.pop_owned_vector();
        // NaNs become zeros.
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse_imm(SseImm::Cmpps, XMM_SCRATCH, XMM_SCRATCH, FloatCmp::Ord as u8);
        self.asm.sse(Sse::Andps, xmm, XMM_SCRATCH);
        // Where it is too large, all bits are changed, which makes the greatest number of the least.
        let limit = self.all_lanes(Width::W32, TWO_TO_31);
        self.asm.sse(Sse::Movaps, XMM_SCRATCH, limit);
        self.asm.sse_imm(SseImm::Cmpps, XMM_SCRATCH, xmm, FloatCmp::Le as u8);
        self.asm.sse(Sse::Cvttps2dq, xmm, xmm);
        self.asm.sse(Sse::Pxor, xmm, XMM_SCRATCH);
        self.push_vector(xmm);
    }

    /// To unsigned integers: a number from 2^31 on is converted as the sum of that, which is what the instruction gives for it, and
    /// the rest.
    pub(super) fn trunc_f32x4_u(&mut self) {
        let xmm = self.pop_owned_vector();
        let rest = self.alloc_xmm();
        // NaNs and what is negative become zeros.
        self.asm.zero_xmm(XMM_SCRATCH);
        self.asm.sse(Sse::Maxps, xmm, XMM_SCRATCH);
        let limit = self.all_lanes(Width::W32, TWO_TO_31);
        self.asm.mov_xmm(rest, xmm);
        self.asm.sse(Sse::Subps, rest, limit);
        // The rest is none, or is too large as well.
        self.asm.sse(Sse::Movaps, XMM_SCRATCH, limit);
        self.asm.sse_imm(SseImm::Cmpps, XMM_SCRATCH, rest, FloatCmp::Le as u8);
        self.asm.sse(Sse::Cvttps2dq, rest, rest);
        self.asm.sse(Sse::Pxor, rest, XMM_SCRATCH);
        self.asm.zero_xmm(XMM_SCRATCH);
        self.asm.sse(Sse::Pmaxsd, rest, XMM_SCRATCH);
        self.asm.sse(Sse::Cvttps2dq, xmm, xmm);
        self.asm.sse(Sse::Paddd, xmm, rest);
        self.free_xmm(rest);
        self.push_vector(xmm);
    }

    /// To two signed integers and zeros.
    pub(super) fn trunc_f64x2_s(&mut self) {
        let xmm = self.pop_owned_vector();
        // The greatest number, but zero for NaNs: where one is a NaN, the minimum is the second operand.
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse_imm(SseImm::Cmppd, XMM_SCRATCH, XMM_SCRATCH, FloatCmp::Ord as u8);
        let greatest = self.all_lanes(Width::W64, I32_MAX);
        self.asm.sse(Sse::Andpd, XMM_SCRATCH, greatest);
        self.asm.sse(Sse::Minpd, xmm, XMM_SCRATCH);
        self.asm.sse(Sse::Cvttpd2dq, xmm, xmm);
        self.push_vector(xmm);
    }

    /// To two unsigned integers and zeros: they stand in the low bits of the number plus 2^52.
    pub(super) fn trunc_f64x2_u(&mut self) {
        let xmm = self.pop_owned_vector();
        self.asm.zero_xmm(XMM_SCRATCH);
        self.asm.sse(Sse::Maxpd, xmm, XMM_SCRATCH);
        let greatest = self.all_lanes(Width::W64, U32_MAX);
        self.asm.sse(Sse::Minpd, xmm, greatest);
        self.asm.sse_imm(SseImm::Roundpd, xmm, xmm, Rounding::Trunc as u8);
        let shifter = self.all_lanes(Width::W64, TWO_TO_52);
        self.asm.sse(Sse::Addpd, xmm, shifter);
        self.asm.sse_imm(SseImm::Shufps, xmm, XMM_SCRATCH, 0b10_00_10_00);
        self.push_vector(xmm);
    }

    /// From unsigned integers: both halves are exact, and so is twice the half of the upper one; only their sum is rounded.
    pub(super) fn convert_f32x4_u(&mut self) {
        let xmm = self.pop_owned_vector();
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse_shift_imm(VecShift::Pslld, XMM_SCRATCH, 16);
        self.asm.sse_shift_imm(VecShift::Psrld, XMM_SCRATCH, 16);
        self.asm.sse(Sse::Psubd, xmm, XMM_SCRATCH);
        self.asm.sse(Sse::Cvtdq2ps, XMM_SCRATCH, XMM_SCRATCH);
        self.asm.sse_shift_imm(VecShift::Psrld, xmm, 1);
        self.asm.sse(Sse::Cvtdq2ps, xmm, xmm);
        self.asm.sse(Sse::Addps, xmm, xmm);
        self.asm.sse(Sse::Addps, xmm, XMM_SCRATCH);
        self.push_vector(xmm);
    }

    /// From the low half.
    pub(super) fn convert_low(&mut self, sign: Sign) {
        if sign == Sign::S {
            return self.lanes1(Sse::Cvtdq2pd);
        }
        let xmm = self.pop_owned_vector();
        // With these upper words they are 2^52 more than they should be.
        let upper = self.all_lanes(Width::W32, TWO_TO_52 >> 32);
        self.asm.sse(Sse::Unpcklps, xmm, upper);
        let shifter = self.all_lanes(Width::W64, TWO_TO_52);
        self.asm.sse(Sse::Subpd, xmm, shifter);
        self.push_vector(xmm);
    }
}
