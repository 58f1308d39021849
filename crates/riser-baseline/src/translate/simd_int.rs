//! Vectors of integers: arithmetic and shifts.

use super::Translator;
use super::numbers::Sign;
use super::simd::{Half, UPPER_WORDS, repeated};
use crate::asm::{Alu, Sse, SseImm, VecShift, Width, Xmm};
use crate::operands::{Operand, SCRATCH, XMM_SCRATCH};

/// How far lanes are shifted.
#[derive(Clone, Copy, Debug)]
enum Count {
    Const(u8),
    /// As the scratch register says.
    Scratch,
}

/// An instruction that shifts lanes by what a register says, and its twin for constants.
type LaneShift = (Sse, VecShift);

const PSLLW: LaneShift = (Sse::Psllw, VecShift::Psllw);
const PSRLW: LaneShift = (Sse::Psrlw, VecShift::Psrlw);
const PSRAW: LaneShift = (Sse::Psraw, VecShift::Psraw);
const PSRLQ: LaneShift = (Sse::Psrlq, VecShift::Psrlq);

/// Arithmetic.
impl Translator<'_> {
    pub(super) fn negate_lanes(&mut self, subtract: Sse) {
        let (from, to) = self.vector_and_other();
        self.asm.zero_xmm(to);
        self.asm.sse(subtract, to, from);
        self.free_xmm(from);
        self.push_vector(to);
    }

    pub(super) fn abs_i64x2(&mut self) {
        let xmm = self.pop_owned_vector();
        // All ones where it is negative: -x is !x + 1.
        self.asm.sse_imm(SseImm::Pshufd, XMM_SCRATCH, xmm, UPPER_WORDS);
        self.asm.sse_shift_imm(VecShift::Psrad, XMM_SCRATCH, 31);
        self.asm.sse(Sse::Pxor, xmm, XMM_SCRATCH);
        self.asm.sse(Sse::Psubq, xmm, XMM_SCRATCH);
        self.push_vector(xmm);
    }

    /// The bits of each byte: those of its halves, looked up.
    pub(super) fn popcnt_i8x16(&mut self) {
        let xmm = self.pop_owned_vector();
        let low = self.alloc_xmm();
        let counts =
            self.vector(u128::from_le_bytes([0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4]));
        let nibble = self.all_lanes(Width::W8, 0x0F);
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse(Sse::Pand, XMM_SCRATCH, nibble);
        self.asm.sse(Sse::Movaps, low, counts);
        self.asm.sse(Sse::Pshufb, low, XMM_SCRATCH);
        self.asm.sse_shift_imm(VecShift::Psrlw, xmm, 4);
        self.asm.sse(Sse::Pand, xmm, nibble);
        self.asm.sse(Sse::Movaps, XMM_SCRATCH, counts);
        self.asm.sse(Sse::Pshufb, XMM_SCRATCH, xmm);
        self.asm.sse(Sse::Paddb, low, XMM_SCRATCH);
        self.free_xmm(xmm);
        self.push_vector(low);
    }

    /// The low halves' product, and above it the sum of the mixed ones.
    pub(super) fn multiply_i64x2(&mut self) {
        let (xmm, other) = self.pop_vectors();
        let mixed = self.alloc_xmm();
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse_shift_imm(VecShift::Psrlq, XMM_SCRATCH, 32);
        self.asm.sse(Sse::Pmuludq, XMM_SCRATCH, other);
        self.asm.mov_xmm(mixed, other);
        self.asm.sse_shift_imm(VecShift::Psrlq, mixed, 32);
        self.asm.sse(Sse::Pmuludq, mixed, xmm);
        self.asm.sse(Sse::Paddq, mixed, XMM_SCRATCH);
        self.asm.sse_shift_imm(VecShift::Psllq, mixed, 32);
        self.asm.sse(Sse::Pmuludq, xmm, other);
        self.asm.sse(Sse::Paddq, xmm, mixed);
        self.free_xmm(mixed);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    pub(super) fn q15mulr(&mut self) {
        let (xmm, other) = self.pop_vectors();
        self.asm.sse(Sse::Pmulhrsw, xmm, other);
        // Only the product of the least number with itself is too large: it comes out as that number.
        let least = self.all_lanes(Width::W16, 0x8000);
        self.asm.sse(Sse::Movaps, XMM_SCRATCH, least);
        self.asm.sse(Sse::Pcmpeqw, XMM_SCRATCH, xmm);
        self.asm.sse(Sse::Pxor, xmm, XMM_SCRATCH);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    /// The products of lanes that are widened first, half of them.
    pub(super) fn multiply_half(&mut self, widen: Sse, multiply: Sse, half: Half) {
        let (xmm, other) = self.pop_vectors();
        self.widen(widen, half, XMM_SCRATCH, other);
        self.widen(widen, half, xmm, xmm);
        self.asm.sse(multiply, xmm, XMM_SCRATCH);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    /// The same for lanes of 32 bits: the instruction takes each second one.
    pub(super) fn multiply_half_i32x4(&mut self, multiply: Sse, half: Half) {
        let (xmm, other) = self.pop_vectors();
        let lanes = if half == Half::Low { 0b01_01_00_00 } else { 0b11_11_10_10 };
        self.asm.sse_imm(SseImm::Pshufd, XMM_SCRATCH, other, lanes);
        self.asm.sse_imm(SseImm::Pshufd, xmm, xmm, lanes);
        self.asm.sse(multiply, xmm, XMM_SCRATCH);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    /// Sums of neighbouring bytes. The instruction multiplies unsigned bytes of its first operand with signed ones of its second.
    pub(super) fn add_pairs_i8x16(&mut self, sign: Sign) {
        if sign == Sign::U {
            return self.lanes_with(Sse::Pmaddubsw, repeated(Width::W8, 1));
        }
        let (from, to) = self.vector_and_other();
        let ones = self.all_lanes(Width::W8, 1);
        self.asm.sse(Sse::Movaps, to, ones);
        self.asm.sse(Sse::Pmaddubsw, to, from);
        self.free_xmm(from);
        self.push_vector(to);
    }

    /// Sums of neighbouring lanes of 16 bits, which the instruction takes for signed.
    pub(super) fn add_pairs_i16x8(&mut self, sign: Sign) {
        if sign == Sign::S {
            return self.lanes_with(Sse::Pmaddwd, repeated(Width::W16, 1));
        }
        let xmm = self.pop_owned_vector();
        let half = self.all_lanes(Width::W16, 1 << 15);
        let ones = self.all_lanes(Width::W16, 1);
        let both = self.all_lanes(Width::W32, 2 << 15);
        self.asm.sse(Sse::Pxor, xmm, half);
        self.asm.sse(Sse::Pmaddwd, xmm, ones);
        self.asm.sse(Sse::Paddd, xmm, both);
        self.push_vector(xmm);
    }

    /// The sums of neighbouring products of signed bytes; only four times -128 is too large for 16 bits.
    fn byte_dot(&mut self, xmm: Xmm, other: Xmm) {
        let bytes = self.alloc_xmm();
        // The odd ones.
        self.asm.mov_xmm(bytes, other);
        self.asm.sse_shift_imm(VecShift::Psraw, bytes, 8);
        self.asm.mov_xmm(XMM_SCRATCH, xmm);
        self.asm.sse_shift_imm(VecShift::Psraw, XMM_SCRATCH, 8);
        self.asm.sse(Sse::Pmullw, XMM_SCRATCH, bytes);
        // The even ones.
        self.asm.mov_xmm(bytes, other);
        for even in [bytes, xmm] {
            self.asm.sse_shift_imm(VecShift::Psllw, even, 8);
            self.asm.sse_shift_imm(VecShift::Psraw, even, 8);
        }
        self.asm.sse(Sse::Pmullw, xmm, bytes);
        self.asm.sse(Sse::Paddsw, xmm, XMM_SCRATCH);
        self.free_xmm(bytes);
    }

    pub(super) fn dot_i8x16(&mut self) {
        let (xmm, other) = self.pop_vectors();
        self.byte_dot(xmm, other);
        self.free_xmm(other);
        self.push_vector(xmm);
    }

    pub(super) fn dot_i8x16_add(&mut self) {
        let addend = self.pop();
        let addend = self.xmm(addend);
        let (xmm, other) = self.pop_vectors();
        self.byte_dot(xmm, other);
        let ones = self.all_lanes(Width::W16, 1);
        self.asm.sse(Sse::Pmaddwd, xmm, ones);
        self.asm.sse(Sse::Paddd, xmm, addend);
        self.free_xmm(other);
        self.free_xmm(addend);
        self.push_vector(xmm);
    }
}

/// Shifts. The count is taken modulo the width of a lane.
impl Translator<'_> {
    /// The vector, in a register that may be changed, and the count.
    fn pop_shift(&mut self) -> (Xmm, Operand) {
        let (left, right) = self.pop2();
        (self.owned_xmm(left), right)
    }

    /// The count of a shift, with some bits masked and something added. The scratch register has it until it is written again.
    fn shift_count(&mut self, operand: Operand, mask: u8, added: u8) -> Count {
        if let Some(by) = Self::const_of(operand) {
            return Count::Const((by as u8 & mask) + added);
        }
        self.move_to(operand, SCRATCH);
        self.free_operand(operand);
        self.asm.alu_imm(Alu::And, Width::W32, SCRATCH, mask.into());
        if added > 0 {
            self.asm.alu_imm(Alu::Add, Width::W32, SCRATCH, added.into());
        }
        self.asm.mov_to_xmm(Width::W32, XMM_SCRATCH, SCRATCH);
        Count::Scratch
    }

    fn shift_by(&mut self, (by_register, by_constant): LaneShift, xmm: Xmm, count: Count) {
        match count {
            Count::Const(0) => {}
            Count::Const(by) => self.asm.sse_shift_imm(by_constant, xmm, by),
            Count::Scratch => self.asm.sse(by_register, xmm, XMM_SCRATCH),
        }
    }

    /// Shifts that there are instructions for.
    pub(super) fn shift_lanes(&mut self, by_register: Sse, by_constant: VecShift, mask: u8) {
        let (xmm, count) = self.pop_shift();
        let count = self.shift_count(count, mask, 0);
        self.shift_by((by_register, by_constant), xmm, count);
        self.push_vector(xmm);
    }

    /// `i8x16.shl`: as lanes of 16 bits, and what came from the lower byte is cut off.
    pub(super) fn shl_i8x16(&mut self) {
        let (xmm, count) = self.pop_shift();
        let mask = self.alloc_xmm();
        let count = self.shift_count(count, 7, 0);
        self.shift_by(PSLLW, xmm, count);
        if let Count::Const(by) = count {
            let kept = self.all_lanes(Width::W8, 0xFF << by);
            self.asm.sse(Sse::Pand, xmm, kept);
        } else {
            let low = self.all_lanes(Width::W16, 0xFF);
            self.asm.sse(Sse::Movaps, mask, low);
            self.asm.sse(Sse::Psllw, mask, XMM_SCRATCH);
            self.asm.sse(Sse::Pand, mask, low);
            self.asm.mov_xmm(XMM_SCRATCH, mask);
            self.asm.sse_shift_imm(VecShift::Psllw, XMM_SCRATCH, 8);
            self.asm.sse(Sse::Por, mask, XMM_SCRATCH);
            self.asm.sse(Sse::Pand, xmm, mask);
        }
        self.free_xmm(mask);
        self.push_vector(xmm);
    }

    /// `i8x16.shr_s` and `i8x16.shr_u`: each byte twice makes a lane of 16 bits, which is shifted by 8 more.
    pub(super) fn shr_i8x16(&mut self, sign: Sign) {
        let (xmm, count) = self.pop_shift();
        let high = self.alloc_xmm();
        let count = self.shift_count(count, 7, 8);
        let (shift, pack) = match sign {
            Sign::S => (PSRAW, Sse::Packsswb),
            Sign::U => (PSRLW, Sse::Packuswb),
        };
        self.asm.mov_xmm(high, xmm);
        self.asm.sse(Sse::Punpckhbw, high, high);
        self.asm.sse(Sse::Punpcklbw, xmm, xmm);
        self.shift_by(shift, high, count);
        self.shift_by(shift, xmm, count);
        self.asm.sse(pack, xmm, high);
        self.free_xmm(high);
        self.push_vector(xmm);
    }

    /// `i64x2.shr_s`: shifts in zeros, and then subtracts the sign, where that has gone.
    pub(super) fn shr_s_i64x2(&mut self) {
        let (xmm, count) = self.pop_shift();
        let sign = self.alloc_xmm();
        let count = self.shift_count(count, 63, 0);
        let highest = self.all_lanes(Width::W64, 1 << 63);
        self.asm.sse(Sse::Movaps, sign, highest);
        self.shift_by(PSRLQ, sign, count);
        self.shift_by(PSRLQ, xmm, count);
        self.asm.sse(Sse::Pxor, xmm, sign);
        self.asm.sse(Sse::Psubq, xmm, sign);
        self.free_xmm(sign);
        self.push_vector(xmm);
    }
}
