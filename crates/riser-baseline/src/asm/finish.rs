//! Putting code, constants and jump tables together, and filling in the distances between them.

use super::control::UNBOUND;
use super::encode::Bits;
use super::{Asm, CODE_BYTES_MAX, Label};
use core::fmt;

/// A distance that is written when everything has its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixup {
    /// Where the distance stands in the code.
    pub(super) at: u32,
    /// The number of a label or a constant.
    pub(super) target: u32,
    pub(super) kind: Kind,
}

/// How a distance is written, and to what. It counts from the end of its instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To a label, in four bytes.
    Near,
    /// To a label, in one byte.
    Short,
    /// To a constant, in four bytes, with so many bytes of the instruction after them.
    Const(u8),
}

impl Kind {
    /// How many bytes the distance to a label has.
    pub(super) const fn bytes(self) -> u32 {
        match self {
            Self::Short => 1,
            Self::Near | Self::Const(_) => 4,
        }
    }
}

/// Finished code. All distances in it are relative: it may be put anywhere that has its alignment.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// Instructions, then constants and jump tables.
    pub bytes: &'a [u8],
    /// How many of the bytes are instructions.
    pub instruction_bytes: u32,
    /// The alignment in bytes that constants, jump tables and [`Asm::align`] rely on.
    pub align: u32,
}

impl Code<'_> {
    /// The greatest alignment of code.
    pub const ALIGN_MAX: u32 = 64;
}

/// Why there is no code in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsmError {
    /// It has more than a gibibyte.
    TooLong,
    /// A label is used that is nowhere.
    Unbound(Label),
    /// The short jump whose distance stands at this offset has a label that is too far away.
    TooFar(u32),
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "more than {CODE_BYTES_MAX} bytes of machine code"),
            Self::Unbound(label) => write!(f, "label {} is nowhere", label.0),
            Self::TooFar(at) => write!(f, "the label of the short jump at {at} is too far away"),
        }
    }
}

impl core::error::Error for AsmError {}

impl Asm {
    /// Puts constants and jump tables behind the code and fills in all distances. The next thing to do is [`Asm::clear`].
    ///
    /// # Errors
    ///
    /// The code is too long, uses a label that was never bound, or a short jump is too far from its label.
    pub fn finish(&mut self) -> Result<Code<'_>, AsmError> {
        let instruction_bytes = self.offset();
        let constants = self.place_constants();
        self.place_tables()?;
        if self.too_long {
            return Err(AsmError::TooLong);
        }
        for index in 0..self.fixups.len() {
            self.fill_in(self.fixups[index], constants)?;
        }
        Ok(Code { bytes: self.bytes(), instruction_bytes, align: Code::ALIGN_MAX })
    }

    /// What was written so far, for which [`Asm::finish`] may still have to be called.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len as usize]
    }

    /// Gives where the constants begin.
    fn place_constants(&mut self) -> usize {
        let pool = core::mem::take(&mut self.pool);
        if !pool.is_empty() {
            self.fill_up(pool.align());
        }
        let begin = self.len as usize;
        pool.each(|value, bytes| self.put_bits(Bits { value, count: 8 * bytes }));
        self.pool = pool;
        begin
    }

    fn place_tables(&mut self) -> Result<(), AsmError> {
        let mut first = 0;
        for index in 0..self.tables.len() {
            let (label, count) = self.tables[index];
            self.fill_up(4);
            let begin = self.offset();
            self.labels[label.0 as usize] = begin;
            for target in first..first + count as usize {
                let offset = self.place(self.targets[target])?;
                self.put_bits(Bits::word(offset.wrapping_sub(begin)));
            }
            first += count as usize;
        }
        Ok(())
    }

    /// Writes breakpoints up to a multiple of `align`: nothing runs there.
    fn fill_up(&mut self, align: u32) {
        while !self.len.is_multiple_of(align) {
            self.int3();
        }
    }

    fn place(&self, label: Label) -> Result<u32, AsmError> {
        match self.labels[label.0 as usize] {
            UNBOUND => Err(AsmError::Unbound(label)),
            offset => Ok(offset),
        }
    }

    fn fill_in(&mut self, fixup: Fixup, constants: usize) -> Result<(), AsmError> {
        let at = fixup.at as usize;
        let (target, end) = match fixup.kind {
            Kind::Near => (self.place(Label(fixup.target))?, fixup.at + 4),
            Kind::Short => (self.place(Label(fixup.target))?, fixup.at + 1),
            Kind::Const(after) => {
                let target = constants + self.pool.offset(fixup.target);
                (target as u32, fixup.at + 4 + u32::from(after))
            }
        };
        // Both are below 2^30.
        let distance = target.wrapping_sub(end) as i32;
        if fixup.kind == Kind::Short {
            let distance = i8::try_from(distance).map_err(|_| AsmError::TooFar(fixup.at))?;
            self.buffer[at] = distance as u8;
        } else {
            self.buffer[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        Ok(())
    }
}
