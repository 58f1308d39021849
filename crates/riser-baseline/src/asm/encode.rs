//! How an instruction becomes bytes.
//!
//! An [`Op`] is what an instruction is without its operands: opcode, mandatory prefix and flags, in one word that is a constant
//! wherever it is used. A [`Place`] is its operands as ModRM, SIB and displacement. Prefixes and opcode are at most six
//! bytes, ModRM and SIB two, so that these fit a word; displacement and immediate fit another. The two are joined and
//! written at once, with one check of the buffer's bounds (`Asm::put` in `mod.rs`).

use super::operands::{Mem, NO_INDEX, Width};

/// An instruction without its operands.
///
/// Bits 0 to 23: escape bytes and opcode, in the order of memory; 24 and 25: how many these are; 26 and 27: the mandatory prefix;
/// then the flags below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op(pub(super) u32);

/// 64-bit operands: REX.W.
const WIDE: u32 = 1 << 28;
/// 16-bit operands: the prefix 66, besides a mandatory one.
const HALF: u32 = 1 << 29;
/// The prefix LOCK.
const LOCK: u32 = 1 << 30;
/// REX even if it says nothing, so that the byte registers 4 to 7 are those of `rsp` to `rdi`.
const FORCE_REX: u32 = 1 << 31;

// Mandatory prefixes, numbered as VEX does.
pub(super) const NP: u32 = 0;
pub(super) const P66: u32 = 1;
pub(super) const PF3: u32 = 2;
pub(super) const PF2: u32 = 3;

// Opcode maps, by their escape bytes.
pub(super) const M0: u32 = 0;
pub(super) const M0F: u32 = 0x0F;
pub(super) const M38: u32 = 0x380F;
pub(super) const M3A: u32 = 0x3A0F;

/// REX.W or VEX.W is zero.
pub(super) const W0: bool = false;
/// REX.W or VEX.W is set.
pub(super) const W1: bool = true;

/// The word of an instruction.
pub(super) const fn row(prefix: u32, map: u32, opcode: u32) -> u32 {
    let escapes = match map {
        M0 => 0,
        M0F => 1,
        _ => 2,
    };
    map | opcode << (8 * escapes) | (escapes + 1) << 24 | prefix << 26
}

/// The word of an instruction that may have REX.W or VEX.W.
pub(super) const fn row_w(prefix: u32, map: u32, opcode: u32, wide: bool) -> u32 {
    row(prefix, map, opcode) | if wide { WIDE } else { 0 }
}

/// A word for a group of vector shifts by a constant: they differ in the digit that stands in the place of a register. It
/// is kept in the third byte of the opcode, which these do not have.
pub(super) const fn group(opcode: u32, digit: u32) -> u32 {
    row(P66, M0F, opcode) | digit << 16
}

impl Op {
    /// An opcode of one byte.
    pub(super) const fn one(opcode: u8) -> Self {
        Self(row(NP, M0, opcode as u32))
    }

    /// An opcode after `0F`.
    pub(super) const fn two(opcode: u8) -> Self {
        Self(row(NP, M0F, opcode as u32))
    }

    /// An opcode with everything said.
    pub(super) const fn of(prefix: u32, map: u32, opcode: u8) -> Self {
        Self(row(prefix, map, opcode as u32))
    }

    /// A group's word and digit.
    pub(super) const fn of_group(word: u32) -> (Self, u8) {
        (Self(word & !0xFF_0000), (word >> 16) as u8)
    }

    pub(super) const fn wide(self, wide: bool) -> Self {
        if wide { Self(self.0 | WIDE) } else { self }
    }

    pub(super) const fn half(self) -> Self {
        Self(self.0 | HALF)
    }

    pub(super) const fn locked(self) -> Self {
        Self(self.0 | LOCK)
    }

    /// For a byte register: the second four have their names only with REX.
    pub(super) const fn byte_register(self, number: u8) -> Self {
        if number >= 4 && number < 8 { Self(self.0 | FORCE_REX) } else { self }
    }

    const fn opcode_bits(self) -> u32 {
        8 * (self.0 >> 24 & 3)
    }

    /// Prefixes and opcode in legacy encoding, for the extensions R, X and B (4, 2 and 1) of the operands' numbers.
    #[inline]
    pub(super) const fn legacy(self, rxb: u8) -> Bits {
        let mut bits = Bits { value: 0, count: 0 };
        if self.0 & (HALF | LOCK) != 0 {
            if self.0 & LOCK != 0 {
                bits = bits.then(0xF0, 8);
            }
            if self.0 & HALF != 0 {
                bits = bits.then(0x66, 8);
            }
        }
        let prefix = self.0 >> 26 & 3;
        bits = bits
            .then((0xF2F3_6600_u32 >> (8 * prefix)) as u64 & 0xFF, if prefix == 0 { 0 } else { 8 });
        let rex = rxb as u32 | self.0 >> 25 & 8 | self.0 >> 31 << 6;
        let (rex, rex_bits) = if rex == 0 { (0, 0) } else { (rex | 0x40, 8) };
        bits = bits.then(rex as u64, rex_bits);
        bits.then(self.0 as u64 & 0xFF_FFFF, self.opcode_bits())
    }

    /// Prefixes and opcode in VEX encoding on 128 bits, with the number of the operand between.
    #[inline]
    pub(super) const fn vex(self, rxb: u8, between: u8) -> Bits {
        let map = match self.0 & 0xFFFF {
            M38 => 2,
            M3A => 3,
            _ => 1,
        };
        let opcode = self.0 as u64 >> (self.opcode_bits() - 8) & 0xFF;
        let second = (!rxb as u64 & 7) << 5 | map;
        let third =
            (self.0 as u64 >> 28 & 1) << 7 | (!between as u64 & 15) << 3 | self.0 as u64 >> 26 & 3;
        Bits { value: 0xC4 | second << 8 | third << 16 | opcode << 24, count: 32 }
    }
}

/// The first bits of an instruction, at most 64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits {
    pub(super) value: u64,
    pub(super) count: u32,
}

impl Bits {
    #[inline]
    const fn then(self, value: u64, count: u32) -> Self {
        Self { value: self.value | value << self.count, count: self.count + count }
    }
}

/// Operands as an instruction says them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The extensions of the operands' numbers: R is 4, X is 2, B is 1.
    pub(super) rxb: u8,
    /// ModRM and perhaps SIB.
    pub(super) form: u64,
    pub(super) form_bits: u32,
    pub(super) disp: u32,
    pub(super) disp_bits: u32,
}

impl Place {
    /// Two registers.
    #[inline]
    pub(super) const fn reg(reg: u8, rm: u8) -> Self {
        Self {
            rxb: reg >> 3 << 2 | rm >> 3,
            form: (0xC0 | (reg & 7) << 3 | rm & 7) as u64,
            form_bits: 8,
            disp: 0,
            disp_bits: 0,
        }
    }

    /// A register and a place in memory.
    #[inline]
    pub(super) const fn mem(reg: u8, mem: Mem) -> Self {
        let base = mem.base & 7;
        let rxb = reg >> 3 << 2 | mem.index >> 3 << 1 | mem.base >> 3;
        // `rbp` and `r13` without a displacement mean something else, and so say a displacement of zero.
        let (mode, disp, disp_bits) = if mem.disp == 0 && base != 5 {
            (0, 0, 0)
        } else if mem.disp == mem.disp as i8 as i32 {
            (1, mem.disp as u8 as u32, 8)
        } else {
            (2, mem.disp as u32, 32)
        };
        let modrm = (mode << 6 | (reg & 7) << 3) as u64;
        // `rsp` and `r12` as a base mean that a SIB follows, and so need one.
        let (form, form_bits) = if mem.index == NO_INDEX && base != 4 {
            (modrm | base as u64, 8)
        } else {
            (modrm | 4 | ((mem.scale << 6 | (mem.index & 7) << 3 | base) as u64) << 8, 16)
        };
        Self { rxb, form, form_bits, disp, disp_bits }
    }

    /// A register and something at a distance from the instruction's end, to be filled in.
    #[inline]
    pub(super) const fn relative(reg: u8) -> Self {
        Self {
            rxb: reg >> 3 << 2,
            form: ((reg & 7) << 3 | 5) as u64,
            form_bits: 8,
            disp: 0,
            disp_bits: 32,
        }
    }
}

/// An immediate operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Imm {
    pub(super) value: u32,
    pub(super) bits: u32,
}

impl Imm {
    pub(super) const NONE: Self = Self { value: 0, bits: 0 };

    #[inline]
    pub(super) const fn byte(value: u8) -> Self {
        Self { value: value as u32, bits: 8 }
    }

    #[inline]
    pub(super) const fn half(value: u16) -> Self {
        Self { value: value as u32, bits: 16 }
    }

    #[inline]
    pub(super) const fn word(value: i32) -> Self {
        Self { value: value as u32, bits: 32 }
    }
}

/// The bits of a whole instruction.
#[inline]
pub(super) const fn join(head: Bits, place: Place, imm: Imm) -> (u128, u32) {
    let head = head.then(place.form, place.form_bits);
    let tail = place.disp as u64 | (imm.value as u64) << place.disp_bits;
    let bits = head.value as u128 | (tail as u128) << head.count;
    (bits, head.count + place.disp_bits + imm.bits)
}

/// An operation that there is on 32 and 64 bits only.
#[inline]
pub(super) const fn word_or_double(w: Width, op: Op) -> Op {
    match w {
        Width::W8 | Width::W16 => panic!("the instruction works on 32 or 64 bits"),
        Width::W32 => op,
        Width::W64 => op.wide(true),
    }
}
