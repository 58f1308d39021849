//! Instructions on general registers and memory.

use super::encode::{Bits, M0F, M3A, M38, NP, Op, P66, PF2, PF3, word_or_double};
use super::{Alu, Asm, Cond, Gpr, Mem, Rm, Shift, Width, Xmm, XmmRm};

/// An operation by width, where the opcode for bytes is an even number and that for wider operands follows it.
const fn sizes(bytes: Op) -> [Op; 4] {
    let word = bytes.plus(1);
    [bytes, word.half(), word, word.wide(true)]
}

/// As [`sizes`], with an opcode of one byte.
#[inline]
const fn sized(w: Width, opcode: u8) -> Op {
    const ZERO: [Op; 4] = sizes(Op::one(0));
    ZERO[w as usize].plus(opcode)
}

/// As [`sizes`], with an opcode after `0F`.
#[inline]
const fn sized_two(w: Width, opcode: u8) -> Op {
    const ZERO: [Op; 4] = sizes(Op::two(0));
    ZERO[w as usize].plus(opcode)
}

/// An operation for a width, where there is none on bytes.
///
/// # Panics
///
/// On bytes: no instruction does what was asked for.
#[inline]
const fn no_bytes(w: Width, op: Op) -> Op {
    match w {
        Width::W8 => panic!("the instruction has no form on bytes"),
        Width::W16 => op.half(),
        Width::W32 => op,
        Width::W64 => op.wide(true),
    }
}

/// Marks a register operand that is a byte.
#[inline]
const fn with_register(w: Width, op: Op, register: Gpr) -> Op {
    if matches!(w, Width::W8) { op.byte_register(register.number()) } else { op }
}

/// Marks an operand that is a byte.
#[inline]
const fn with_operand(w: Width, op: Op, operand: Rm) -> Op {
    match operand {
        Rm::Reg(register) => with_register(w, op, register),
        Rm::Mem(_) => op,
    }
}

/// An immediate of a width. That of 64 bits has 32, and is extended with its sign.
#[inline]
const fn immediate(w: Width, value: i32) -> Bits {
    match w {
        Width::W8 => Bits::byte(value as u8),
        Width::W16 => Bits::half(value as u16),
        Width::W32 | Width::W64 => Bits::word(value as u32),
    }
}

/// Whether an immediate of a width is a byte extended with its sign.
#[inline]
const fn is_short(w: Width, value: i32) -> bool {
    match w {
        Width::W8 => false,
        Width::W16 => value as i16 == value as i8 as i16,
        Width::W32 | Width::W64 => value == value as i8 as i32,
    }
}

/// Arithmetic.
impl Asm {
    /// `dst = dst op src`; [`Alu::Cmp`] only sets flags.
    #[inline]
    pub fn alu(&mut self, op: Alu, w: Width, dst: Gpr, src: impl Into<Rm>) {
        let src = src.into();
        let op = with_register(w, sized(w, (op as u8) << 3 | 2), dst);
        self.emit(with_operand(w, op, src), dst.number(), src);
    }

    /// `dst = dst op imm`, in the shortest form. The immediate is extended with its sign, or cut, to the width.
    pub fn alu_imm(&mut self, op: Alu, w: Width, dst: impl Into<Rm>, imm: i32) {
        let dst = dst.into();
        if is_short(w, imm) {
            let word = no_bytes(w, Op::one(0x83));
            return self.emit_imm(word, op as u8, dst, Bits::byte(imm as u8));
        }
        if dst == Rm::Reg(Gpr::RAX) {
            return self.emit_accumulator(w, (op as u8) << 3 | 4, imm);
        }
        let word = with_operand(w, sized(w, 0x80), dst);
        self.emit_imm(word, op as u8, dst, immediate(w, imm));
    }

    /// As [`Asm::alu_imm`] on 32 or 64 bits, always with an immediate of four bytes, whose offset is returned: for what is known
    /// later ([`Asm::patch_u32`]).
    pub fn alu_imm32(&mut self, op: Alu, w: Width, dst: impl Into<Rm>, imm: i32) -> u32 {
        assert!(matches!(w, Width::W32 | Width::W64), "the immediate has four bytes");
        self.emit_imm(sized(w, 0x80), op as u8, dst.into(), Bits::word(imm as u32));
        self.offset() - 4
    }

    /// `dst = dst op src`, in memory.
    pub fn alu_store(&mut self, op: Alu, w: Width, dst: Mem, src: Gpr) {
        let word = with_register(w, sized(w, (op as u8) << 3), src);
        self.emit_mem(word, src.number(), dst);
    }

    /// Sets flags for `a & b`.
    pub fn test(&mut self, w: Width, a: impl Into<Rm>, b: Gpr) {
        let a = a.into();
        let word = with_operand(w, with_register(w, sized(w, 0x84), b), a);
        self.emit(word, b.number(), a);
    }

    /// Sets flags for `a & imm`. A small positive immediate is tested on the low byte of a register, which gives the same flags.
    pub fn test_imm(&mut self, w: Width, a: impl Into<Rm>, imm: i32) {
        let a = a.into();
        let w = if matches!(a, Rm::Reg(_)) && (0..128).contains(&imm) { Width::W8 } else { w };
        if a == Rm::Reg(Gpr::RAX) {
            return self.emit_accumulator(w, 0xA8, imm);
        }
        let word = with_operand(w, sized(w, 0xF6), a);
        self.emit_imm(word, 0, a, immediate(w, imm));
    }

    /// An instruction on `rax` with an immediate, without ModRM.
    fn emit_accumulator(&mut self, w: Width, opcode: u8, imm: i32) {
        let op = sized(w, opcode);
        self.put(op, op.legacy(0), immediate(w, imm));
    }

    /// `dst = dst * src`, the low bits. Not on bytes.
    pub fn imul(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.emit(no_bytes(w, Op::two(0xAF)), dst.number(), src.into());
    }

    /// `dst = src * imm`, the low bits. Not on bytes.
    pub fn imul_imm(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>, imm: i32) {
        let (opcode, imm) = if is_short(w, imm) {
            (0x6B, Bits::byte(imm as u8))
        } else {
            (0x69, immediate(w, imm))
        };
        self.emit_imm(no_bytes(w, Op::one(opcode)), dst.number(), src.into(), imm);
    }

    /// `rdx:rax = rax * src`, unsigned; on bytes `ax = al * src`.
    pub fn mul(&mut self, w: Width, src: impl Into<Rm>) {
        self.unary(w, 4, src.into());
    }

    /// `rdx:rax = rax * src`, signed; on bytes `ax = al * src`.
    pub fn imul_wide(&mut self, w: Width, src: impl Into<Rm>) {
        self.unary(w, 5, src.into());
    }

    /// `rax = rdx:rax / src`, `rdx` is the rest, unsigned. The machine traps if the divisor is zero or the quotient does not fit.
    pub fn div(&mut self, w: Width, src: impl Into<Rm>) {
        self.unary(w, 6, src.into());
    }

    /// `rax = rdx:rax / src`, `rdx` is the rest, signed. The machine traps if the divisor is zero or the quotient does not fit.
    pub fn idiv(&mut self, w: Width, src: impl Into<Rm>) {
        self.unary(w, 7, src.into());
    }

    /// `dst = -dst`
    pub fn neg(&mut self, w: Width, dst: impl Into<Rm>) {
        self.unary(w, 3, dst.into());
    }

    /// `dst = !dst`. Flags stay.
    pub fn not(&mut self, w: Width, dst: impl Into<Rm>) {
        self.unary(w, 2, dst.into());
    }

    fn unary(&mut self, w: Width, digit: u8, operand: Rm) {
        self.emit(with_operand(w, sized(w, 0xF6), operand), digit, operand);
    }

    /// Fills `rdx` with the sign of `rax` (`cwd`, `cdq`, `cqo`). Not on bytes.
    pub fn cdq(&mut self, w: Width) {
        self.plain(no_bytes(w, Op::one(0x99)));
    }

    /// An instruction without operands.
    pub(super) fn plain(&mut self, op: Op) {
        self.put(op, op.legacy(0), Bits::NONE);
    }

    /// Shifts or rotates by `cl`, modulo 32, or 64 for 64 bits.
    pub fn shift_cl(&mut self, op: Shift, w: Width, dst: impl Into<Rm>) {
        let dst = dst.into();
        self.emit(with_operand(w, sized(w, 0xD2), dst), op as u8, dst);
    }

    /// Shifts or rotates by a constant, modulo 32, or 64 for 64 bits.
    pub fn shift_imm(&mut self, op: Shift, w: Width, dst: impl Into<Rm>, by: u8) {
        let dst = dst.into();
        let (opcode, imm) = if by == 1 { (0xD0, Bits::NONE) } else { (0xC0, Bits::byte(by)) };
        self.emit_imm(with_operand(w, sized(w, opcode), dst), op as u8, dst, imm);
    }

    /// `dst = src shifted by by`, flags stay. Needs BMI2. On 32 or 64 bits.
    ///
    /// # Panics
    ///
    /// There are no such rotations, see [`Asm::rorx`].
    pub fn shiftx(&mut self, op: Shift, w: Width, dst: Gpr, src: impl Into<Rm>, by: Gpr) {
        let prefix = match op {
            Shift::Shl => P66,
            Shift::Shr => PF2,
            Shift::Sar => PF3,
            Shift::Rol | Shift::Ror => panic!("no rotation takes three registers"),
        };
        let word = word_or_double(w, Op::of(prefix, M38, 0xF7));
        self.emit_vex(word, dst.number(), by.number(), as_vex(src.into()), Bits::NONE);
    }

    /// `dst = src rotated right`, flags stay. Needs BMI2. On 32 or 64 bits.
    pub fn rorx(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>, by: u8) {
        let word = word_or_double(w, Op::of(PF2, M3A, 0xF0));
        self.emit_vex(word, dst.number(), 0, as_vex(src.into()), Bits::byte(by));
    }

    /// How many zeros lead. Needs LZCNT. Not on bytes.
    pub fn lzcnt(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.scan(PF3, 0xBD, w, dst, src.into());
    }

    /// How many zeros trail. Needs BMI1. Not on bytes.
    pub fn tzcnt(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.scan(PF3, 0xBC, w, dst, src.into());
    }

    /// How many bits are set. Needs POPCNT. Not on bytes.
    pub fn popcnt(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.scan(PF3, 0xB8, w, dst, src.into());
    }

    /// The number of the highest bit that is set; if there is none, sets the zero flag and leaves `dst`. Not on bytes.
    pub fn bsr(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.scan(NP, 0xBD, w, dst, src.into());
    }

    /// The number of the lowest bit that is set; if there is none, sets the zero flag and leaves `dst`. Not on bytes.
    pub fn bsf(&mut self, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.scan(NP, 0xBC, w, dst, src.into());
    }

    fn scan(&mut self, prefix: u64, opcode: u8, w: Width, dst: Gpr, src: Rm) {
        let word = no_bytes(w, Op::of(prefix, M0F, opcode));
        self.emit(word, dst.number(), src);
    }

    /// The low byte of `dst` is 1 if the condition holds, else 0; the rest stays.
    pub fn setcc(&mut self, cond: Cond, dst: Gpr) {
        let word = Op::two(0x90 | cond as u8).byte_register(dst.number());
        self.emit_reg(word, 0, dst.number());
    }

    /// `dst = src` if the condition holds. Memory is read in any case, and the upper half of `dst` becomes zero on 32 bits in any case. Not on
    /// bytes.
    pub fn cmov(&mut self, cond: Cond, w: Width, dst: Gpr, src: impl Into<Rm>) {
        self.emit(no_bytes(w, Op::two(0x40 | cond as u8)), dst.number(), src.into());
    }
}

/// An operand by its number: instructions in VEX form say both kinds of registers alike.
#[inline]
fn as_vex(rm: Rm) -> XmmRm {
    match rm {
        Rm::Reg(register) => XmmRm::Reg(Xmm::new(register.number())),
        Rm::Mem(mem) => XmmRm::Mem(mem),
    }
}

/// Moving.
impl Asm {
    /// `dst = src`: all 64 bits, or with a smaller width 32 bits, and zeros above.
    #[inline]
    pub fn mov(&mut self, w: Width, dst: Gpr, src: Gpr) {
        let word = Op::one(0x8B).wide(matches!(w, Width::W64));
        self.emit_reg(word, dst.number(), src.number());
    }

    /// `dst = imm`, in the shortest form that leaves the flags.
    pub fn mov_imm(&mut self, dst: Gpr, imm: u64) {
        let number = dst.number();
        let op = Op::one(0xB8).plus(number & 7);
        if let Ok(imm) = u32::try_from(imm) {
            self.put_bits(op.legacy(number >> 3).then(Bits::word(imm)));
        } else if imm as i64 == i64::from(imm as i32) {
            self.emit_reg_imm(Op::one(0xC7).wide(true), 0, number, Bits::word(imm as u32));
        } else {
            self.put(op, op.wide(true).legacy(number >> 3), Bits { value: imm, count: 64 });
        }
    }

    /// `dst = 0`, shorter than [`Asm::mov_imm`]; flags are lost.
    #[inline]
    pub fn zero(&mut self, dst: Gpr) {
        self.emit_reg(Op::one(0x33), dst.number(), dst.number());
    }

    /// Loads, with zeros above.
    #[inline]
    pub fn load(&mut self, w: Width, dst: Gpr, src: Mem) {
        match w {
            Width::W8 => self.emit_mem(Op::two(0xB6), dst.number(), src),
            Width::W16 => self.emit_mem(Op::two(0xB7), dst.number(), src),
            Width::W32 => self.emit_mem_short(0x8B, false, dst.number(), src),
            Width::W64 => self.emit_mem_short(0x8B, true, dst.number(), src),
        }
    }

    /// Loads `from` bits and extends them with their sign to `to`, 32 or 64 bits; with 32, zeros are above.
    pub fn load_signed(&mut self, from: Width, to: Width, dst: Gpr, src: Mem) {
        self.emit_mem(sign_extending(from, to), dst.number(), src);
    }

    /// Stores the low bits of a register.
    #[inline]
    pub fn store(&mut self, w: Width, dst: Mem, src: Gpr) {
        match w {
            Width::W32 => self.emit_mem_short(0x89, false, src.number(), dst),
            Width::W64 => self.emit_mem_short(0x89, true, src.number(), dst),
            w => self.emit_mem(with_register(w, sized(w, 0x88), src), src.number(), dst),
        }
    }

    /// Stores a constant. One of 64 bits is extended with its sign from 32.
    pub fn store_imm(&mut self, w: Width, dst: Mem, imm: i32) {
        self.emit_mem_imm(sized(w, 0xC6), 0, dst, immediate(w, imm));
    }

    /// The address itself, all of it or its low 32 bits with zeros above.
    pub fn lea(&mut self, w: Width, dst: Gpr, src: Mem) {
        let word = Op::one(0x8D).wide(matches!(w, Width::W64));
        self.emit_mem(word, dst.number(), src);
    }

    /// `dst = src`, the low bits, with zeros above.
    pub fn extend_unsigned(&mut self, from: Width, dst: Gpr, src: Gpr) {
        let word = match from {
            Width::W8 => Op::two(0xB6).byte_register(src.number()),
            Width::W16 => Op::two(0xB7),
            Width::W32 => Op::one(0x8B),
            Width::W64 => Op::one(0x8B).wide(true),
        };
        self.emit_reg(word, dst.number(), src.number());
    }

    /// `dst = src`, the low bits extended with their sign to `to`, 32 or 64 bits; with 32, zeros are above.
    pub fn extend_signed(&mut self, from: Width, to: Width, dst: Gpr, src: Gpr) {
        let word = with_register(from, sign_extending(from, to), src);
        self.emit_reg(word, dst.number(), src.number());
    }

    /// Pushes all of a register.
    pub fn push(&mut self, src: Gpr) {
        self.push_or_pop(0x50, src);
    }

    /// Pops all of a register.
    pub fn pop(&mut self, dst: Gpr) {
        self.push_or_pop(0x58, dst);
    }

    fn push_or_pop(&mut self, opcode: u8, register: Gpr) {
        let op = Op::one(opcode).plus(register.number() & 7);
        self.put_bits(op.legacy(register.number() >> 3));
    }
}

/// The operation that extends with the sign. From a width to itself it moves.
#[inline]
const fn sign_extending(from: Width, to: Width) -> Op {
    let wide = matches!(to, Width::W64);
    match from {
        Width::W8 => Op::two(0xBE).wide(wide),
        Width::W16 => Op::two(0xBF).wide(wide),
        Width::W32 if wide => Op::one(0x63).wide(true),
        Width::W32 | Width::W64 => Op::one(0x8B).wide(wide),
    }
}

/// Atomic operations.
impl Asm {
    /// Exchanges, sequentially consistent if one is in memory.
    pub fn xchg(&mut self, w: Width, a: impl Into<Rm>, b: Gpr) {
        let a = a.into();
        let word = with_operand(w, with_register(w, sized(w, 0x86), b), a);
        self.emit(word, b.number(), a);
    }

    /// `(dst, src) = (dst + src, dst)`, atomically. On a smaller width the upper bits of `src` stay, on 32 they become zero.
    pub fn lock_xadd(&mut self, w: Width, dst: Mem, src: Gpr) {
        let word = with_register(w, sized_two(w, 0xC0), src).locked();
        self.emit_mem(word, src.number(), dst);
    }

    /// If `dst == rax` then `dst = src`, else `rax = dst`, atomically. Sets the zero flag if they were equal.
    pub fn lock_cmpxchg(&mut self, w: Width, dst: Mem, src: Gpr) {
        let word = with_register(w, sized_two(w, 0xB0), src).locked();
        self.emit_mem(word, src.number(), dst);
    }

    /// `dst = dst op src`, in memory, atomically. Not for [`Alu::Cmp`].
    pub fn lock_alu(&mut self, op: Alu, w: Width, dst: Mem, src: Gpr) {
        assert!(op != Alu::Cmp, "a comparison writes nothing");
        let word = with_register(w, sized(w, (op as u8) << 3), src).locked();
        self.emit_mem(word, src.number(), dst);
    }

    /// Everything before is visible before everything after.
    pub fn mfence(&mut self) {
        self.put_bits(Bits { value: 0xF0_AE0F, count: 24 });
    }
}
