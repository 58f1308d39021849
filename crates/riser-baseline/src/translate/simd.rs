//! Vectors: the forms that operators have in common, comparisons, bits, tests, and moving lanes.
//!
//! Which operator does what stands in `simple.rs`; arithmetic on integers in `simd_int.rs`, on floats in `simd_float.rs`. Relaxed
//! operators have one meaning each on all machines, that of `riser-numerics`.
//!
//! Registers are asked for before [`XMM_SCRATCH`] is written, since whoever gives one may use that.

use super::Translator;
use super::numbers::{Float, Sign};
use crate::asm::{Cond, FloatCmp, Sse, SseImm, Width, Xmm, XmmRm};
use crate::convention::Kind;
use crate::operands::{At, Operand, XMM_SCRATCH};
use riser_front::SimpleImm;

/// Which half of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Low,
    High,
}

/// For [`SseImm::Pshufd`]: the high half, twice.
pub(super) const HIGH_HALF: u8 = 0b11_10_11_10;
/// The same: in both halves of 64 bits, the upper 32 bits, twice.
pub(super) const UPPER_WORDS: u8 = 0b11_11_01_01;

/// The lane that an operator names.
fn lane(imm: SimpleImm) -> u8 {
    match imm {
        SimpleImm::Lane(lane) => lane,
        SimpleImm::None | SimpleImm::Shuffle(_) => unreachable!("the operator has a lane"),
    }
}

/// A vector whose lanes are all the same.
pub(super) fn repeated(w: Width, lane: u64) -> u128 {
    match w {
        Width::W8 => u128::from(lane as u8) * (u128::MAX / 0xFF),
        Width::W16 => u128::from(lane as u16) * (u128::MAX / 0xFFFF),
        Width::W32 => u128::from(lane as u32) * (u128::MAX / 0xFFFF_FFFF),
        Width::W64 => u128::from(lane) << 64 | u128::from(lane),
    }
}

/// The comparison for equality of lanes.
fn equal(w: Width) -> Sse {
    match w {
        Width::W8 => Sse::Pcmpeqb,
        Width::W16 => Sse::Pcmpeqw,
        Width::W32 => Sse::Pcmpeqd,
        Width::W64 => Sse::Pcmpeqq,
    }
}

/// The forms of operators.
impl Translator<'_> {
    /// A constant vector as an operand of an instruction.
    pub(super) fn vector(&mut self, value: u128) -> XmmRm {
        XmmRm::Const(self.asm.const128(value))
    }

    /// The same, with all lanes equal.
    pub(super) fn all_lanes(&mut self, w: Width, lane: u64) -> XmmRm {
        self.vector(repeated(w, lane))
    }

    /// The top vector, in a register that is to be pushed or freed.
    pub(super) fn pop_owned_vector(&mut self) -> Xmm {
        let operand = self.pop();
        self.owned_xmm(operand)
    }

    pub(super) fn push_vector(&mut self, xmm: Xmm) {
        self.push_xmm(Kind::V128, xmm);
    }

    /// The top vector, and a register for the result, which may be the same.
    pub(super) fn vector_and_target(&mut self) -> (Xmm, Xmm) {
        let operand = self.pop();
        self.with_target(operand)
    }

    fn with_target(&mut self, operand: Operand) -> (Xmm, Xmm) {
        if let (At::Local(_), Some(from)) = (operand.at, self.xmm_of(operand)) {
            return (from, self.alloc_xmm());
        }
        let xmm = self.owned_xmm(operand);
        (xmm, xmm)
    }

    /// The top vector in a register that is read only, and another one for the result.
    pub(super) fn vector_and_other(&mut self) -> (Xmm, Xmm) {
        let operand = self.pop();
        (self.xmm(operand), self.alloc_xmm())
    }

    /// Two vectors: the first in a register that may be changed, the second in one that is read only.
    pub(super) fn pop_vectors(&mut self) -> (Xmm, Xmm) {
        let (left, right) = self.pop2();
        let other = self.xmm(right);
        (self.owned_xmm(left), other)
    }

    /// An instruction of one operand.
    pub(super) fn lanes1(&mut self, op: Sse) {
        let (from, to) = self.vector_and_target();
        self.asm.sse(op, to, from);
        self.push_vector(to);
    }

    /// An instruction with a constant for its second operand.
    pub(super) fn lanes_with(&mut self, op: Sse, constant: u128) {
        let xmm = self.pop_owned_vector();
        let constant = self.vector(constant);
        self.asm.sse(op, xmm, constant);
        self.push_vector(xmm);
    }

    /// An instruction of two operands.
    pub(super) fn lanes2(&mut self, op: Sse) {
        let (left, right) = self.pop2();
        self.lanes2_of(op, left, right);
    }

    /// One that has its operands in the other order.
    pub(super) fn lanes2_swapped(&mut self, op: Sse) {
        let (left, right) = self.pop2();
        self.lanes2_of(op, right, left);
    }

    /// One whose operands may change places.
    pub(super) fn lanes2_commuting(&mut self, op: Sse) {
        let (left, right) = self.pop2();
        if matches!(right.at, At::Xmm(_)) {
            return self.lanes2_of(op, right, left);
        }
        self.lanes2_of(op, left, right);
    }

    fn lanes2_of(&mut self, op: Sse, first: Operand, second: Operand) {
        let other = self.xmm(second);
        let xmm = self.owned_xmm(first);
        self.asm.sse(op, xmm, other);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    /// Changes all bits.
    fn invert(&mut self, xmm: Xmm) {
        self.asm.sse(Sse::Pcmpeqd, XMM_SCRATCH, XMM_SCRATCH);
        self.asm.sse(Sse::Pxor, xmm, XMM_SCRATCH);
    }
}

/// Comparisons, bits and tests.
impl Translator<'_> {
    pub(super) fn lanes_unequal(&mut self, w: Width) {
        self.lanes2_commuting(equal(w));
        self.invert_top();
    }

    pub(super) fn lanes_equal(&mut self, w: Width) {
        self.lanes2_commuting(equal(w));
    }

    /// Whether the first of two lanes is their least, or greatest: "less or equal", and "greater or equal".
    pub(super) fn lanes_first_is(&mut self, extreme: Sse, w: Width) {
        let (xmm, other) = self.pop_vectors();
        self.first_is(extreme, w, xmm, other);
        self.push_vector(xmm);
    }

    /// Whether it is not: "greater", and "less".
    pub(super) fn lanes_first_is_not(&mut self, extreme: Sse, w: Width) {
        let (xmm, other) = self.pop_vectors();
        self.first_is(extreme, w, xmm, other);
        self.invert(xmm);
        self.push_vector(xmm);
    }

    fn first_is(&mut self, extreme: Sse, w: Width, xmm: Xmm, other: Xmm) {
        self.asm.mov_xmm(XMM_SCRATCH, other);
        self.asm.sse(extreme, XMM_SCRATCH, xmm);
        self.asm.sse(equal(w), xmm, XMM_SCRATCH);
        self.free_xmm(other);
    }

    /// Whether signed lanes of 64 bits are greater (or not less, …): operands change places, and the result is inverted.
    pub(super) fn compare_i64x2(&mut self, swaps: bool, inverts: bool) {
        let (mut left, mut right) = self.pop2();
        if swaps {
            (left, right) = (right, left);
        }
        let other = self.xmm(right);
        let xmm = self.owned_xmm(left);
        if self.env.features.sse42 {
            self.asm.sse(Sse::Pcmpgtq, xmm, other);
        } else {
            self.greater_i64x2(xmm, other);
        }
        self.free_xmm(other);
        if inverts {
            self.invert(xmm);
        }
        self.push_vector(xmm);
    }

    /// Where the upper words differ they decide; else the sign of the difference does, which has no overflow then.
    fn greater_i64x2(&mut self, xmm: Xmm, other: Xmm) {
        let same = self.alloc_xmm();
        self.asm.mov_xmm(XMM_SCRATCH, other);
        self.asm.sse(Sse::Psubq, XMM_SCRATCH, xmm);
        self.asm.mov_xmm(same, xmm);
        self.asm.sse(Sse::Pcmpeqd, same, other);
        self.asm.sse(Sse::Pand, XMM_SCRATCH, same);
        self.asm.sse(Sse::Pcmpgtd, xmm, other);
        self.asm.sse(Sse::Por, xmm, XMM_SCRATCH);
        self.asm.sse_imm(SseImm::Pshufd, xmm, xmm, UPPER_WORDS);
        self.free_xmm(same);
    }

    pub(super) fn compare_float_lanes(&mut self, float: Float, cmp: FloatCmp, swaps: bool) {
        let (mut left, mut right) = self.pop2();
        if swaps {
            (left, right) = (right, left);
        }
        let other = self.xmm(right);
        let xmm = self.owned_xmm(left);
        self.asm.sse_imm(float.pick(SseImm::Cmpps, SseImm::Cmppd), xmm, other, cmp as u8);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    pub(super) fn invert_top(&mut self) {
        let xmm = self.pop_owned_vector();
        self.invert(xmm);
        self.push_vector(xmm);
    }

    pub(super) fn bitselect(&mut self) {
        let mask = self.pop();
        let (left, right) = self.pop2();
        let mask = self.xmm(mask);
        let other = self.xmm(right);
        let xmm = self.owned_xmm(left);
        self.asm.mov_xmm(XMM_SCRATCH, mask);
        self.asm.sse(Sse::Pandn, XMM_SCRATCH, other);
        self.asm.sse(Sse::Pand, xmm, mask);
        self.asm.sse(Sse::Por, xmm, XMM_SCRATCH);
        self.free_xmm(mask);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    pub(super) fn any_true(&mut self) {
        let operand = self.pop();
        let xmm = self.xmm(operand);
        self.asm.sse(Sse::Ptest, xmm, xmm);
        self.free_xmm(xmm);
        self.push(Kind::I32, At::Flags(Cond::Ne));
    }

    pub(super) fn all_true(&mut self, w: Width) {
        let operand = self.pop();
        let xmm = self.xmm(operand);
        self.asm.zero_xmm(XMM_SCRATCH);
        self.asm.sse(equal(w), XMM_SCRATCH, xmm);
        self.asm.sse(Sse::Ptest, XMM_SCRATCH, XMM_SCRATCH);
        self.free_xmm(xmm);
        self.push(Kind::I32, At::Flags(Cond::E));
    }

    /// The signs of all lanes.
    pub(super) fn bitmask(&mut self, w: Width) {
        let operand = self.pop();
        let xmm = self.xmm(operand);
        let gpr = self.alloc();
        match w {
            Width::W8 => self.asm.pmovmskb(gpr, xmm),
            Width::W16 => {
                self.asm.mov_xmm(XMM_SCRATCH, xmm);
                self.asm.sse(Sse::Packsswb, XMM_SCRATCH, XMM_SCRATCH);
                self.asm.pmovmskb(gpr, XMM_SCRATCH);
                self.asm.extend_unsigned(Width::W8, gpr, gpr);
            }
            Width::W32 => self.asm.movmskps(gpr, xmm),
            Width::W64 => self.asm.movmskpd(gpr, xmm),
        }
        self.free_xmm(xmm);
        self.push_gpr(Kind::I32, gpr);
    }
}

/// Moving lanes.
impl Translator<'_> {
    pub(super) fn shuffle(&mut self, imm: SimpleImm) {
        let SimpleImm::Shuffle(lanes) = imm else { unreachable!("the operator has sixteen lanes") };
        let (left, right) = self.pop2();
        // Which byte of a vector goes where; 128 is none of them.
        let of_left = lanes.map(|lane| if lane < 16 { lane } else { 0x80 });
        let of_right = lanes.map(|lane| lane.checked_sub(16).unwrap_or(0x80));
        if lanes.iter().all(|&lane| lane < 16) {
            self.free_operand(right);
            return self.shuffle_one(left, of_left);
        }
        if lanes.iter().all(|&lane| lane >= 16) {
            self.free_operand(left);
            return self.shuffle_one(right, of_right);
        }
        let other = self.xmm(right);
        let xmm = self.owned_xmm(left);
        let is_run = lanes.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        self.asm.mov_xmm(XMM_SCRATCH, other);
        if is_run {
            self.asm.sse_imm(SseImm::Palignr, XMM_SCRATCH, xmm, lanes[0]);
            self.asm.mov_xmm(xmm, XMM_SCRATCH);
        } else {
            let of_right = self.vector(u128::from_le_bytes(of_right));
            self.asm.sse(Sse::Pshufb, XMM_SCRATCH, of_right);
            let of_left = self.vector(u128::from_le_bytes(of_left));
            self.asm.sse(Sse::Pshufb, xmm, of_left);
            self.asm.sse(Sse::Por, xmm, XMM_SCRATCH);
        }
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    /// A shuffle that takes nothing from its other operand.
    fn shuffle_one(&mut self, operand: Operand, bytes: [u8; 16]) {
        let xmm = self.owned_xmm(operand);
        let bytes = self.vector(u128::from_le_bytes(bytes));
        self.asm.sse(Sse::Pshufb, xmm, bytes);
        self.push_vector(xmm);
    }

    pub(super) fn swizzle(&mut self) {
        let (xmm, indices) = self.pop_vectors();
        self.asm.mov_xmm(XMM_SCRATCH, indices);
        // What is 16 or more gets the highest bit, which says zero.
        let limit = self.all_lanes(Width::W8, 0x70);
        self.asm.sse(Sse::Paddusb, XMM_SCRATCH, limit);
        self.asm.sse(Sse::Pshufb, xmm, XMM_SCRATCH);
        self.free_xmm(indices);
        self.push_vector(xmm);
    }

    /// All lanes are the top operand, an integer.
    pub(super) fn splat(&mut self, w: Width) {
        let operand = self.pop();
        if let Some(bits) = Self::const_of(operand) {
            return self.lower_v128_const(repeated(w, bits));
        }
        let from = self.rm(operand);
        let xmm = self.alloc_xmm();
        let moved = if w == Width::W64 { Width::W64 } else { Width::W32 };
        self.asm.mov_to_xmm(moved, xmm, from);
        self.free_rm(from);
        self.repeat_lowest(w, xmm);
        self.push_vector(xmm);
    }

    /// All lanes become the lowest one.
    pub(super) fn repeat_lowest(&mut self, w: Width, xmm: Xmm) {
        match w {
            Width::W8 => {
                self.asm.zero_xmm(XMM_SCRATCH);
                self.asm.sse(Sse::Pshufb, xmm, XMM_SCRATCH);
            }
            Width::W16 => {
                self.asm.sse_imm(SseImm::Pshuflw, xmm, xmm, 0);
                self.asm.sse_imm(SseImm::Pshufd, xmm, xmm, 0);
            }
            Width::W32 => self.asm.sse_imm(SseImm::Pshufd, xmm, xmm, 0),
            Width::W64 => self.asm.sse(Sse::Punpcklqdq, xmm, xmm),
        }
    }

    pub(super) fn splat_float(&mut self, float: Float) {
        let operand = self.pop();
        let w = float.pick(Width::W32, Width::W64);
        if let Some(bits) = Self::const_of(operand) {
            return self.lower_v128_const(repeated(w, bits));
        }
        let (from, to) = self.with_target(operand);
        match float {
            Float::F32 => self.asm.sse_imm(SseImm::Pshufd, to, from, 0),
            Float::F64 => self.asm.sse(Sse::Movddup, to, from),
        }
        self.push_vector(to);
    }

    /// A lane as an integer, extended.
    pub(super) fn extract_lane(&mut self, w: Width, sign: Sign, imm: SimpleImm) {
        let operand = self.pop();
        let xmm = self.xmm(operand);
        let gpr = self.alloc();
        match (w, lane(imm)) {
            (Width::W32 | Width::W64, 0) => self.asm.mov_from_xmm(w, gpr, xmm),
            (_, lane) => self.asm.pextr(w, gpr, xmm, lane),
        }
        if sign == Sign::S {
            self.asm.extend_signed(w, Width::W32, gpr, gpr);
        }
        self.free_xmm(xmm);
        self.push_gpr(if w == Width::W64 { Kind::I64 } else { Kind::I32 }, gpr);
    }

    pub(super) fn replace_lane(&mut self, w: Width, imm: SimpleImm) {
        let (left, right) = self.pop2();
        let value = self.rm(right);
        let xmm = self.owned_xmm(left);
        self.asm.pinsr(w, xmm, value, lane(imm));
        self.free_rm(value);
        self.push_vector(xmm);
    }

    pub(super) fn extract_float(&mut self, float: Float, imm: SimpleImm) {
        let (from, to) = self.vector_and_target();
        match (float, lane(imm)) {
            (_, 0) => self.move_xmm(to, from),
            (Float::F32, lane) => self.asm.sse_imm(SseImm::Pshufd, to, from, lane),
            (Float::F64, _) => self.asm.sse_imm(SseImm::Pshufd, to, from, HIGH_HALF),
        }
        self.push_xmm(float.kind(), to);
    }

    pub(super) fn replace_float(&mut self, float: Float, imm: SimpleImm) {
        let (left, right) = self.pop2();
        let value = self.xmm_rm(right);
        let xmm = self.owned_xmm(left);
        match (float, lane(imm), value) {
            (Float::F32, lane, _) => self.asm.sse_imm(SseImm::Insertps, xmm, value, lane << 4),
            (Float::F64, 0, XmmRm::Reg(_)) => self.asm.sse(Sse::Movsd, xmm, value),
            (Float::F64, 0, _) => self.asm.sse(Sse::Movlps, xmm, value),
            (Float::F64, _, _) => self.asm.sse(Sse::Movhps, xmm, value),
        }
        self.free_xmm_rm(value);
        self.push_vector(xmm);
    }

    /// Half of the lanes of a vector, twice as wide.
    pub(super) fn widen(&mut self, op: Sse, half: Half, to: Xmm, from: Xmm) {
        match half {
            Half::Low => self.asm.sse(op, to, from),
            Half::High => {
                self.asm.sse_imm(SseImm::Pshufd, to, from, HIGH_HALF);
                self.asm.sse(op, to, to);
            }
        }
    }

    pub(super) fn extend_half(&mut self, op: Sse, half: Half) {
        let (from, to) = self.vector_and_target();
        self.widen(op, half, to, from);
        self.push_vector(to);
    }
}
