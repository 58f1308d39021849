//! Reading a body's immediates. `riser-module`'s reader does the work; the lengths that are frequent in bodies
//! (indices of up to three bytes, constants of up to four) have shorter ways here.
//!
//! Positions are offsets in the module, so that every error and every `at` of a sink needs no sum.

use core::ops::Range;
use riser_module::{ModuleError, Reader};

/// A position in the bytes of a module, bounded by the end of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    /// The module's bytes up to the end of the body.
    bytes: &'a [u8],
    /// Offset of the next byte.
    pos: usize,
}

type Result<T> = core::result::Result<T, ModuleError>;

impl<'a> Cursor<'a> {
    /// A cursor over a range of `bytes`, which must be within them.
    pub(crate) fn window(bytes: &'a [u8], range: Range<usize>) -> Cursor<'a> {
        Cursor { bytes: &bytes[..range.end], pos: range.start }
    }

    /// Offset of the next byte.
    #[inline(always)]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Moves to `pos`.
    #[inline(always)]
    pub(crate) fn seek(&mut self, pos: usize) {
        self.pos = pos;
    }

    /// All bytes from the beginning of the module to the end of the body.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.pos)
    }

    /// The next byte, without moving.
    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// Reads by the general reader.
    #[inline(always)]
    fn read<T>(&mut self, read: impl FnOnce(&mut Reader<'a>) -> Result<T>) -> Result<T> {
        let mut reader = Reader::window(self.bytes, self.pos..self.bytes.len());
        let value = read(&mut reader)?;
        self.pos = reader.pos();
        Ok(value)
    }

    /// Reads a byte.
    #[inline(always)]
    pub(crate) fn u8(&mut self) -> Result<u8> {
        match self.bytes.get(self.pos) {
            Some(&byte) => {
                self.pos += 1;
                Ok(byte)
            }
            None => self.read_u8(),
        }
    }

    #[cold]
    fn read_u8(&mut self) -> Result<u8> {
        self.read(Reader::u8)
    }

    /// Reads an unsigned 32-bit integer.
    #[inline(always)]
    pub(crate) fn u32(&mut self) -> Result<u32> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(u32::from(byte))
            }
            _ => self.u32_long(),
        }
    }

    #[inline(never)]
    fn u32_long(&mut self) -> Result<u32> {
        match short(self.bytes, self.pos) {
            Some((value, len)) => {
                self.pos += len;
                Ok(value)
            }
            None => self.read(Reader::u32),
        }
    }

    /// Reads an unsigned 64-bit integer.
    #[inline(always)]
    pub(crate) fn u64(&mut self) -> Result<u64> {
        match short(self.bytes, self.pos) {
            Some((value, len)) => {
                self.pos += len;
                Ok(u64::from(value))
            }
            None => self.u64_long(),
        }
    }

    #[inline(never)]
    fn u64_long(&mut self) -> Result<u64> {
        self.read(Reader::u64)
    }

    /// Reads a signed 32-bit integer.
    #[inline(never)]
    pub(crate) fn s32(&mut self) -> Result<i32> {
        self.read(Reader::s32)
    }

    /// Reads a signed 33-bit integer.
    #[inline(never)]
    pub(crate) fn s33(&mut self) -> Result<i64> {
        self.read(Reader::s33)
    }

    /// Reads a signed 64-bit integer.
    #[inline(never)]
    pub(crate) fn s64(&mut self) -> Result<i64> {
        self.read(Reader::s64)
    }

    /// Reads `N` bytes.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.read(Reader::array)
    }
}

/// An unsigned 32-bit integer in LEB128 at `pos`, and its length. `None` if it is malformed, or if it takes several
/// bytes and stands so near to the end that five cannot be read.
#[inline(always)]
pub(crate) fn short(bytes: &[u8], pos: usize) -> Option<(u32, usize)> {
    match bytes.get(pos) {
        Some(&byte) if byte < 0x80 => Some((u32::from(byte), 1)),
        _ => {
            let (low, fifth, len) = several(bytes, pos)?;
            (fifth < 0x10).then_some((low | u32::from(fifth) << 28, len))
        }
    }
}

/// A signed 32-bit integer in LEB128 at `pos`, and its length; `None` as for [`short`].
#[inline(always)]
pub(crate) fn short_signed(bytes: &[u8], pos: usize) -> Option<(i32, usize)> {
    match bytes.get(pos) {
        Some(&byte) if byte < 0x80 => Some((i32::from((byte << 1) as i8 >> 1), 1)),
        _ => {
            let (low, fifth, len) = several(bytes, pos)?;
            if len == 5 {
                // The unused bits of the fifth byte repeat the sign.
                let fits = fifth < 0x08 || (0x78..0x80).contains(&fifth);
                return fits.then_some(((low | u32::from(fifth) << 28) as i32, len));
            }
            let unused = 32 - 7 * len as u32;
            Some(((low << unused) as i32 >> unused, len))
        }
    }
}

/// The low 28 bits of an integer of two to five bytes, its fifth byte if it has one, and its length: linkers pad
/// what they may have to change to five bytes, so both that and two or three are frequent.
#[inline(always)]
fn several(bytes: &[u8], pos: usize) -> Option<(u32, u8, usize)> {
    let &[a, b, c, d, fifth] = bytes.get(pos..).and_then(|rest| rest.first_chunk::<5>())?;
    let word = u32::from_le_bytes([a, b, c, d]);
    let lasts = !word & 0x8080_8080;
    if lasts == 0 {
        return Some((pack(word), fifth, 5));
    }
    // `bits` is 8, 16, 24 or 32. The bytes behind the last one are cut off.
    let bits = lasts.trailing_zeros() + 1;
    Some((pack(word & (u32::MAX >> (32 - bits))), 0, bits as usize / 8))
}

/// Puts the low seven bits of each byte together.
#[inline(always)]
fn pack(word: u32) -> u32 {
    (word & 0x7F) | (word & 0x7F00) >> 1 | (word & 0x7F_0000) >> 2 | (word & 0x7F00_0000) >> 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn short_integers_are_those_of_the_reader() {
        for first in 0..=255 {
            for second in [0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF] {
                for third in [0, 0x40, 0x7F, 0x80, 0xFF] {
                    for fifth in [0, 1, 7, 8, 0x0F, 0x10, 0x40, 0x70, 0x77, 0x78, 0x7F, 0x80, 0xFF]
                    {
                        let bytes: Vec<u8> = [first, second, third, third, fifth, 0, 0].into();
                        let mut reader = Reader::new(&bytes);
                        let expected = reader.u32().ok().map(|value| (value, reader.pos()));
                        assert_eq!(short(&bytes, 0), expected, "{bytes:x?}");
                        let mut reader = Reader::new(&bytes);
                        let expected = reader.s32().ok().map(|value| (value, reader.pos()));
                        assert_eq!(short_signed(&bytes, 0), expected, "{bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn reading_beyond_the_end_is_an_error() {
        let mut cursor = Cursor::window(&[1, 2, 0x80, 9], 1..3);
        assert_eq!(cursor.u32(), Ok(2));
        assert_eq!(cursor.u32().map_err(|error| error.offset()), Err(3));
        assert!(cursor.array::<2>().is_err());
        assert!(cursor.u64().is_err());
    }
}
