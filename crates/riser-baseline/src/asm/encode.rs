//! How an instruction becomes bytes.
//!
//! An [`Op`] is what an instruction is without its operands: prefixes and opcode, in one word that is a constant
//! wherever it is used. An instruction is written in three parts: its *prefixes*, at most two bytes; its *head*, which is
//! REX, opcode, ModRM and SIB, at most six; and its *tail*, displacement and immediate, at most eight. Each is written as a whole word over
//! what the one before it had too much, with one check of the buffer's bounds for all (`Asm::put` in `mod.rs`). Nearly all of this is without
//! branches: they would depend on which registers are used, which is hard to predict.

use super::operands::{Mem, NEEDS_DISP, Width};

/// An instruction without its operands.
///
/// From the low bits: 8 for REX as far as it is known, or zero; 24 for the opcode with its escape bytes; 8, how many bits of these there are; 4,
/// how many bytes of prefixes; 4 for a digit in the place of a register; 16 for the prefixes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op(pub(super) u64);

const OPCODE: u32 = 8;
const OPCODE_BITS: u32 = 32;
const PREFIX_BYTES: u32 = 40;
const DIGIT: u32 = 44;
const PREFIXES: u32 = 48;

/// 64-bit operands: REX.W.
const WIDE: u64 = 8;
/// REX even if it says nothing, so that the byte registers 4 to 7 are those of `rsp` to `rdi`.
const REX: u64 = 0x40;

// Mandatory prefixes.
pub(super) const NP: u64 = 0;
pub(super) const P66: u64 = 0x66;
pub(super) const PF3: u64 = 0xF3;
pub(super) const PF2: u64 = 0xF2;

// Opcode maps, by their escape bytes.
pub(super) const M0: u64 = 0;
pub(super) const M0F: u64 = 0x0F;
pub(super) const M38: u64 = 0x380F;
pub(super) const M3A: u64 = 0x3A0F;

/// REX.W or VEX.W is zero.
pub(super) const W0: bool = false;
/// REX.W or VEX.W is set.
pub(super) const W1: bool = true;

/// The word of an instruction.
pub(super) const fn row(prefix: u64, map: u64, opcode: u64) -> u64 {
    let escape_bits = match map {
        M0 => 0,
        M0F => 8,
        _ => 16,
    };
    let bytes = map | opcode << escape_bits;
    let op = Op(bytes << OPCODE | (escape_bits + 8) << OPCODE_BITS);
    if prefix == NP { op.0 } else { op.prefixed(prefix).0 }
}

/// The word of an instruction that may have REX.W or VEX.W.
pub(super) const fn row_w(prefix: u64, map: u64, opcode: u64, wide: bool) -> u64 {
    Op(row(prefix, map, opcode)).wide(wide).0
}

/// The word of a group of vector shifts by a constant: they differ in the digit that stands in the place of a register.
pub(super) const fn group(opcode: u64, digit: u64) -> u64 {
    row(P66, M0F, opcode) | digit << DIGIT
}

impl Op {
    /// No prefixes: for a head that has them in it.
    pub(super) const NONE: Self = Self(0);

    /// An opcode of one byte.
    pub(super) const fn one(opcode: u8) -> Self {
        Self::of(NP, M0, opcode)
    }

    /// An opcode after `0F`.
    pub(super) const fn two(opcode: u8) -> Self {
        Self::of(NP, M0F, opcode)
    }

    /// An opcode with everything said.
    pub(super) const fn of(prefix: u64, map: u64, opcode: u8) -> Self {
        Self(row(prefix, map, opcode as u64))
    }

    /// With 64-bit operands, or not.
    #[inline]
    pub(super) const fn wide(self, wide: bool) -> Self {
        Self(self.0 | if wide { WIDE } else { 0 })
    }

    /// With 16-bit operands.
    pub(super) const fn half(self) -> Self {
        self.prefixed(0x66)
    }

    /// With the prefix LOCK.
    pub(super) const fn locked(self) -> Self {
        self.prefixed(0xF0)
    }

    /// With a prefix before the others.
    const fn prefixed(self, prefix: u64) -> Self {
        let prefixes = prefix | self.0 >> PREFIXES << 8;
        assert!(prefixes >> 16 == 0, "too many prefixes");
        let rest = self.0 & ((1 << PREFIXES) - 1);
        Self((rest | prefixes << PREFIXES) + (1 << PREFIX_BYTES))
    }

    /// With a number added to the opcode.
    #[inline]
    pub(super) const fn plus(self, number: u8) -> Self {
        Self(self.0 + ((number as u64) << self.opcode_bits()))
    }

    /// For a byte register: the second four have their names only with REX.
    #[inline]
    pub(super) const fn byte_register(self, number: u8) -> Self {
        Self(self.0 | if number & 0xC == 4 { REX } else { 0 })
    }

    /// The digit that stands in the place of a register.
    pub(super) const fn digit(self) -> u8 {
        (self.0 >> DIGIT) as u8 & 15
    }

    /// The prefixes in the order of memory.
    #[inline]
    pub(super) const fn prefixes(self) -> u16 {
        (self.0 >> PREFIXES) as u16
    }

    /// How many bytes of prefixes there are, at most two.
    #[inline]
    pub(super) const fn prefix_bytes(self) -> u32 {
        (self.0 >> PREFIX_BYTES) as u32 & 3
    }

    #[inline]
    const fn opcode_bits(self) -> u32 {
        (self.0 >> OPCODE_BITS) as u8 as u32
    }

    /// REX for the extensions R, X and B (4, 2 and 1) of the operands' numbers; 0 if it says nothing.
    #[inline]
    pub(super) const fn rex(self, rxb: u8) -> u8 {
        let rex = self.0 as u8 | rxb;
        if rex == 0 { 0 } else { rex | REX as u8 }
    }

    /// The opcode without REX.
    #[inline]
    pub(super) const fn opcode(self) -> Bits {
        Bits { value: (self.0 as u32 >> OPCODE) as u64, count: self.opcode_bits() }
    }

    /// REX and opcode, for the extensions R, X and B (4, 2 and 1) of the operands' numbers.
    #[inline]
    pub(super) const fn legacy(self, rxb: u8) -> Bits {
        let bytes = self.0 & 0xFFFF_FFFF | rxb as u64;
        let rex_bits = if bytes & 0xFF == 0 { 0 } else { 8 };
        Bits { value: (bytes | REX) >> (8 - rex_bits), count: self.opcode_bits() + rex_bits }
    }

    /// The same instruction in VEX form on 128 bits, with the number of the operand between: the prefix becomes part of the head.
    #[inline]
    pub(super) const fn vex(self, rxb: u8, between: u8) -> Bits {
        let prefix = match self.prefixes() as u64 {
            P66 => 1,
            PF3 => 2,
            PF2 => 3,
            _ => 0,
        };
        let bytes = (self.0 & 0xFFFF_FFFF) >> OPCODE;
        let map = match bytes & 0xFFFF {
            M38 => 2,
            M3A => 3,
            _ => 1,
        };
        let opcode = bytes >> (self.opcode_bits() - 8);
        let second = (!rxb as u64 & 7) << 5 | map;
        let third = (self.0 & WIDE) << 4 | (!between as u64 & 15) << 3 | prefix;
        Bits { value: 0xC4 | second << 8 | third << 16 | opcode << 24, count: 32 }
    }
}

/// Bits in the order of memory, at most 64. Above them are zeros, unless said otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits {
    pub(super) value: u64,
    pub(super) count: u32,
}

impl Bits {
    pub(super) const NONE: Self = Self { value: 0, count: 0 };

    #[inline]
    pub(super) const fn byte(value: u8) -> Self {
        Self { value: value as u64, count: 8 }
    }

    #[inline]
    pub(super) const fn half(value: u16) -> Self {
        Self { value: value as u64, count: 16 }
    }

    #[inline]
    pub(super) const fn word(value: u32) -> Self {
        Self { value: value as u64, count: 32 }
    }

    /// The low bits, and zeros above.
    #[inline]
    pub(super) const fn cut(self) -> Self {
        Self { value: self.value & ((1 << self.count) - 1), count: self.count }
    }

    /// These, then those; together at most 64.
    #[inline]
    pub(super) const fn then(self, next: Self) -> Self {
        Self { value: self.value | next.value << self.count, count: self.count + next.count }
    }
}

/// Operands as an instruction says them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The extensions of the operands' numbers: R is 4, X is 2, B is 1.
    pub(super) rxb: u8,
    /// ModRM and perhaps SIB.
    pub(super) form: Bits,
    pub(super) disp: Bits,
}

impl Place {
    /// Two registers.
    #[inline]
    pub(super) const fn reg(reg: u8, rm: u8) -> Self {
        Self {
            rxb: reg >> 3 << 2 | rm >> 3,
            form: Bits::byte(0xC0 | (reg & 7) << 3 | rm & 7),
            disp: Bits::NONE,
        }
    }

    /// How a place in memory says its displacement: not at all, with 8 bits (1), or with 32 (2). The square is how many bytes it has.
    #[inline]
    pub(super) const fn mode(mem: Mem) -> u32 {
        let is_long = mem.disp != mem.disp as i8 as i32;
        let is_there = (mem.disp != 0) as u32 | (mem.flags as u32 / NEEDS_DISP as u32);
        is_there + is_long as u32
    }

    /// A register and a place in memory. Above the displacement may be bits that mean nothing.
    #[inline]
    pub(super) const fn mem(reg: u8, mem: Mem) -> Self {
        let mode = Self::mode(mem);
        let disp_bits = 8 * mode * mode;
        let form = mem.form as u64 | ((mode as u64) << 6) | ((reg as u64 & 7) << 3);
        Self {
            rxb: reg >> 3 << 2 | mem.flags & 3,
            form: Bits { value: form, count: mem.form_bits as u32 },
            disp: Bits { value: mem.disp as u32 as u64, count: disp_bits },
        }
    }

    /// A register and something at a distance from the instruction's end, to be filled in.
    #[inline]
    pub(super) const fn relative(reg: u8) -> Self {
        let form = Bits::byte((reg & 7) << 3 | 5);
        Self { rxb: reg >> 3 << 2, form, disp: Bits::word(0) }
    }
}

/// An operation that there is on 32 and 64 bits only.
#[inline]
pub(super) const fn word_or_double(w: Width, op: Op) -> Op {
    assert!(matches!(w, Width::W32 | Width::W64), "the instruction works on 32 or 64 bits");
    op.wide(matches!(w, Width::W64))
}
