//! Instructions on vector registers: floats, and vectors of 128 bits.
//!
//! Most are rows of the table in `sse.rs`, emitted by [`Asm::sse`] and [`Asm::sse_imm`]. What stands here besides moves between kinds of
//! registers or memory.
//!
//! An operand in memory of an instruction on whole vectors must be aligned to 16 bytes, except that of the `movups` forms and of those that
//! read less than 16 bytes. Constants are.

use super::encode::{Bits, M0F, M3A, NP, Op, P66, PF2, PF3, Place, word_or_double};
use super::finish::{Fixup, Kind};
use super::{Asm, Const, Fma, Gpr, Mem, Rm, Sse, SseImm, VecShift, Width, Xmm, XmmRm};

/// What [`SseImm::Cmpps`] and its like compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FloatCmp {
    /// Equal.
    Eq,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Unordered: one is a NaN.
    Unord,
    /// Not equal, or unordered.
    Neq,
    /// Not less, or unordered.
    Nlt,
    /// Not less or equal, or unordered.
    Nle,
    /// Ordered: none is a NaN.
    Ord,
}

/// How [`SseImm::Roundps`] and its like round. Being inexact is not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rounding {
    /// To the nearest, ties to even.
    Nearest = 8,
    /// Down.
    Floor = 9,
    /// Up.
    Ceil = 10,
    /// Towards zero.
    Trunc = 11,
}

/// Rows of the tables.
impl Asm {
    /// `dst = dst op src`, or `dst = op src` if there is one operand.
    #[inline]
    pub fn sse(&mut self, op: Sse, dst: Xmm, src: impl Into<XmmRm>) {
        self.emit_xmm(Op(op as u64), dst.number(), src.into());
    }

    /// As [`Asm::sse`], with an immediate.
    pub fn sse_imm(&mut self, op: SseImm, dst: Xmm, src: impl Into<XmmRm>, imm: u8) {
        let (op, imm) = (Op(op as u64), Bits::byte(imm));
        match src.into() {
            XmmRm::Reg(src) => self.emit_reg_imm(op, dst.number(), src.number(), imm),
            XmmRm::Mem(src) => self.emit_mem_imm(op, dst.number(), src, imm),
            XmmRm::Const(src) => self.emit_const(op, dst.number(), src, imm),
        }
    }

    /// Shifts all lanes by a constant. If that is larger than a lane, arithmetic shifts leave the sign everywhere, others zero.
    pub fn sse_shift_imm(&mut self, op: VecShift, dst: Xmm, by: u8) {
        let op = Op(op as u64);
        self.emit_reg_imm(op, op.digit(), dst.number(), Bits::byte(by));
    }

    /// Multiplies and adds, see [`Fma`]. Needs FMA.
    pub fn fma(&mut self, op: Fma, a: Xmm, b: Xmm, c: impl Into<XmmRm>) {
        self.emit_vex(Op(op as u64), a.number(), b.number(), c.into(), Bits::NONE);
    }
}

/// Moving between registers, memory and constants.
impl Asm {
    /// `dst = src`, all of it.
    #[inline]
    pub fn mov_xmm(&mut self, dst: Xmm, src: Xmm) {
        self.sse(Sse::Movaps, dst, src);
    }

    /// `dst = 0`. Flags stay.
    #[inline]
    pub fn zero_xmm(&mut self, dst: Xmm) {
        self.sse(Sse::Xorps, dst, dst);
    }

    /// Loads a constant, with zeros above if it is smaller than the register.
    pub fn load_const(&mut self, dst: Xmm, src: Const) {
        let op = match src.bytes() {
            16 => Sse::Movaps,
            8 => Sse::Movsd,
            _ => Sse::Movss,
        };
        self.sse(op, dst, src);
    }

    /// Loads 32 bits, with zeros above.
    #[inline]
    pub fn load_f32(&mut self, dst: Xmm, src: Mem) {
        self.sse(Sse::Movss, dst, src);
    }

    /// Loads 64 bits, with zeros above.
    #[inline]
    pub fn load_f64(&mut self, dst: Xmm, src: Mem) {
        self.sse(Sse::Movsd, dst, src);
    }

    /// Loads 128 bits, from any address.
    #[inline]
    pub fn load_v128(&mut self, dst: Xmm, src: Mem) {
        self.sse(Sse::Movups, dst, src);
    }

    /// Stores the low 32 bits.
    #[inline]
    pub fn store_f32(&mut self, dst: Mem, src: Xmm) {
        self.emit_mem(Op::of(PF3, M0F, 0x11), src.number(), dst);
    }

    /// Stores the low 64 bits.
    #[inline]
    pub fn store_f64(&mut self, dst: Mem, src: Xmm) {
        self.emit_mem(Op::of(PF2, M0F, 0x11), src.number(), dst);
    }

    /// Stores 128 bits, to any address.
    #[inline]
    pub fn store_v128(&mut self, dst: Mem, src: Xmm) {
        self.emit_mem(Op::of(NP, M0F, 0x11), src.number(), dst);
    }

    /// Stores the high 64 bits.
    pub fn store_high(&mut self, dst: Mem, src: Xmm) {
        self.emit_mem(Op::of(NP, M0F, 0x17), src.number(), dst);
    }

    /// `movd` or `movq`: the low 32 or 64 bits are those of an integer, with zeros above.
    pub fn mov_to_xmm(&mut self, w: Width, dst: Xmm, src: impl Into<Rm>) {
        self.emit(word_or_double(w, Op::of(P66, M0F, 0x6E)), dst.number(), src.into());
    }

    /// `movd` or `movq`: the low 32 or 64 bits as an integer; of 32, zeros are above.
    pub fn mov_from_xmm(&mut self, w: Width, dst: Gpr, src: Xmm) {
        let op = word_or_double(w, Op::of(P66, M0F, 0x7E));
        self.emit_reg(op, src.number(), dst.number());
    }

    /// Replaces a lane by an integer of its width.
    pub fn pinsr(&mut self, w: Width, dst: Xmm, src: impl Into<Rm>, lane: u8) {
        let op = match w {
            Width::W8 => Op::of(P66, M3A, 0x20),
            Width::W16 => Op::of(P66, M0F, 0xC4),
            Width::W32 => Op::of(P66, M3A, 0x22),
            Width::W64 => Op::of(P66, M3A, 0x22).wide(true),
        };
        self.emit_imm(op, dst.number(), src.into(), Bits::byte(lane));
    }

    /// A lane as an integer; in a register, zeros are above.
    pub fn pextr(&mut self, w: Width, dst: impl Into<Rm>, src: Xmm, lane: u8) {
        let op = match w {
            Width::W8 => Op::of(P66, M3A, 0x14),
            Width::W16 => Op::of(P66, M3A, 0x15),
            Width::W32 => Op::of(P66, M3A, 0x16),
            Width::W64 => Op::of(P66, M3A, 0x16).wide(true),
        };
        match (w, dst.into()) {
            // Shorter, but for registers only.
            (Width::W16, Rm::Reg(dst)) => self.emit_reg_imm(
                Op::of(P66, M0F, 0xC5),
                dst.number(),
                src.number(),
                Bits::byte(lane),
            ),
            (_, dst) => self.emit_imm(op, src.number(), dst, Bits::byte(lane)),
        }
    }

    /// The signs of the four lanes of 32 bits, as the low bits of an integer.
    pub fn movmskps(&mut self, dst: Gpr, src: Xmm) {
        self.emit_reg(Op::of(NP, M0F, 0x50), dst.number(), src.number());
    }

    /// The signs of the two lanes of 64 bits, as the low bits of an integer.
    pub fn movmskpd(&mut self, dst: Gpr, src: Xmm) {
        self.emit_reg(Op::of(P66, M0F, 0x50), dst.number(), src.number());
    }

    /// The signs of the sixteen bytes, as the low bits of an integer.
    pub fn pmovmskb(&mut self, dst: Gpr, src: Xmm) {
        self.emit_reg(Op::of(P66, M0F, 0xD7), dst.number(), src.number());
    }
}

/// Conversions between integers and floats.
impl Asm {
    /// A signed integer of 32 or 64 bits to a 32-bit float in the lowest lane; the other lanes stay.
    pub fn cvtsi2ss(&mut self, w: Width, dst: Xmm, src: impl Into<Rm>) {
        self.emit(word_or_double(w, Op::of(PF3, M0F, 0x2A)), dst.number(), src.into());
    }

    /// A signed integer of 32 or 64 bits to a 64-bit float in the lowest lane; the other lane stays.
    pub fn cvtsi2sd(&mut self, w: Width, dst: Xmm, src: impl Into<Rm>) {
        self.emit(word_or_double(w, Op::of(PF2, M0F, 0x2A)), dst.number(), src.into());
    }

    /// A 32-bit float, cut off, to a signed integer of 32 or 64 bits: the least one if it does not fit.
    pub fn cvttss2si(&mut self, w: Width, dst: Gpr, src: impl Into<XmmRm>) {
        let op = word_or_double(w, Op::of(PF3, M0F, 0x2C));
        self.emit_xmm(op, dst.number(), src.into());
    }

    /// A 64-bit float, cut off, to a signed integer of 32 or 64 bits: the least one if it does not fit.
    pub fn cvttsd2si(&mut self, w: Width, dst: Gpr, src: impl Into<XmmRm>) {
        let op = word_or_double(w, Op::of(PF2, M0F, 0x2C));
        self.emit_xmm(op, dst.number(), src.into());
    }
}

/// Encoding.
impl Asm {
    #[inline]
    fn emit_xmm(&mut self, op: Op, reg: u8, rm: XmmRm) {
        match rm {
            XmmRm::Reg(rm) => self.emit_reg(op, reg, rm.number()),
            XmmRm::Mem(mem) => self.emit_mem(op, reg, mem),
            XmmRm::Const(constant) => self.emit_const(op, reg, constant, Bits::NONE),
        }
    }

    fn emit_const(&mut self, op: Op, reg: u8, constant: Const, imm: Bits) {
        self.emit_relative(op, reg, imm);
        self.fix_const(constant, imm);
    }

    /// An instruction with an operand at a distance that [`Asm::finish`] fills in.
    pub(super) fn emit_relative(&mut self, op: Op, reg: u8, imm: Bits) {
        let place = Place::relative(reg);
        self.put(op, op.legacy(place.rxb).then(place.form), place.disp.then(imm));
    }

    /// Has the distance to a constant written before the immediate that ends the last instruction.
    fn fix_const(&mut self, constant: Const, imm: Bits) {
        let after = (imm.count / 8) as u8;
        let at = self.offset().wrapping_sub(4 + u32::from(after));
        self.fixups.push(Fixup { at, target: constant.0, kind: Kind::Const(after) });
    }

    /// An instruction in VEX form with operands `reg`, `between` and `rm`.
    pub(super) fn emit_vex(&mut self, op: Op, reg: u8, between: u8, rm: XmmRm, imm: Bits) {
        let place = match rm {
            XmmRm::Reg(rm) => Place::reg(reg, rm.number()),
            XmmRm::Mem(mem) => Place::mem(reg, mem),
            XmmRm::Const(_) => Place::relative(reg),
        };
        let head = op.vex(place.rxb, between).then(place.form);
        self.put(Op::NONE, head, place.disp.cut().then(imm));
        if let XmmRm::Const(constant) = rm {
            self.fix_const(constant, imm);
        }
    }
}
