//! How an instruction becomes bytes.
//!
//! An [`Op`] is what an instruction is without its operands: prefixes and opcode, in one word that is a constant
//! wherever it is used. With the operands' ModRM and SIB it is at most seven bytes, the *head*; displacement and immediate are at most eight, the
//! *tail*. The two are written over each other, eight bytes each, with one check of the buffer's bounds (`Asm::put` in `mod.rs`).
//! Nearly all of this is without branches: they would depend on which registers are used, which is hard to predict.

use super::operands::{Mem, NEEDS_DISP, Width};

/// An instruction without its operands.
///
/// From the low bits: 32 for prefixes (other than REX) and opcode in the order of memory; 8, how many bits of these are prefixes;
/// 8, how many there are; 8 for what is always in REX; 8 for a digit in the place of a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op(pub(super) u64);

const PREFIX_BITS: u32 = 32;
const BITS: u32 = 40;
const REX: u32 = 48;
const DIGIT: u32 = 56;

/// 64-bit operands: REX.W.
const WIDE: u64 = 8 << REX;
/// REX even if it says nothing, so that the byte registers 4 to 7 are those of `rsp` to `rdi`.
const FORCE_REX: u64 = 0x40 << REX;

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
    let op = Op(map | opcode << escape_bits | (escape_bits + 8) << BITS);
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

    /// With a prefix before everything else.
    const fn prefixed(self, prefix: u64) -> Self {
        let bytes = prefix | (self.0 & 0xFFFF_FFFF) << 8;
        assert!(bytes >> 32 == 0, "too many prefixes");
        Self((self.0 >> 32 << 32 | bytes) + (8 << BITS) + (8 << PREFIX_BITS))
    }

    /// With a number added to the opcode.
    #[inline]
    pub(super) const fn plus(self, number: u8) -> Self {
        Self(self.0 + ((number as u64) << (self.bits() - 8)))
    }

    /// For a byte register: the second four have their names only with REX.
    #[inline]
    pub(super) const fn byte_register(self, number: u8) -> Self {
        Self(self.0 | if number & 0xC == 4 { FORCE_REX } else { 0 })
    }

    /// The digit that stands in the place of a register.
    pub(super) const fn digit(self) -> u8 {
        (self.0 >> DIGIT) as u8
    }

    #[inline]
    const fn prefix_bits(self) -> u32 {
        (self.0 >> PREFIX_BITS) as u8 as u32
    }

    #[inline]
    const fn bits(self) -> u32 {
        (self.0 >> BITS) as u8 as u32
    }

    /// Prefixes and opcode in legacy encoding, for the extensions R, X and B (4, 2 and 1) of the operands' numbers.
    #[inline]
    pub(super) const fn legacy(self, rxb: u8) -> Bits {
        let rex = rxb | (self.0 >> REX) as u8;
        let (rex, rex_bits) = if rex == 0 { (0, 0) } else { (0x40 | rex as u64, 8) };
        let prefix_bits = self.prefix_bits();
        let bytes = self.0 & 0xFFFF_FFFF;
        let prefixes = bytes & ((1 << prefix_bits) - 1);
        let value = prefixes | rex << prefix_bits | (bytes ^ prefixes) << rex_bits;
        Bits { value, count: self.bits() + rex_bits }
    }

    /// Prefixes and opcode in VEX encoding on 128 bits, with the number of the operand between.
    #[inline]
    pub(super) const fn vex(self, rxb: u8, between: u8) -> Bits {
        let bytes = self.0 & 0xFFFF_FFFF;
        let prefix = match bytes & ((1 << self.prefix_bits()) - 1) {
            P66 => 1,
            PF3 => 2,
            PF2 => 3,
            _ => 0,
        };
        let map = match bytes >> self.prefix_bits() & 0xFFFF {
            M38 => 2,
            M3A => 3,
            _ => 1,
        };
        let opcode = bytes >> (self.bits() - 8);
        let second = (!rxb as u64 & 7) << 5 | map;
        let third = (self.0 & WIDE) >> REX << 4 | (!between as u64 & 15) << 3 | prefix;
        Bits { value: 0xC4 | second << 8 | third << 16 | opcode << 24, count: 32 }
    }
}

/// Bits in the order of memory, at most 64. Above them are zeros.
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

    /// A register and a place in memory.
    #[inline]
    pub(super) const fn mem(reg: u8, mem: Mem) -> Self {
        let is_byte = mem.disp == mem.disp as i8 as i32;
        let is_zero = mem.disp == 0 && mem.flags & NEEDS_DISP == 0;
        // No displacement, one of 8 bits, or one of 32.
        let mode = 2 - is_byte as u64 - is_zero as u64;
        let disp_bits = 32 - 24 * is_byte as u32 - 8 * is_zero as u32;
        let disp = mem.disp as u32 as u64 & ((1 << disp_bits) - 1);
        let form = mem.form as u64 | mode << 6 | (reg as u64 & 7) << 3;
        Self {
            rxb: reg >> 3 << 2 | mem.flags & 3,
            form: Bits { value: form, count: mem.form_bits as u32 },
            disp: Bits { value: disp, count: disp_bits },
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
