//! A reader of the binary format's atoms: bytes, LEB128 integers, names, counts.
//!
//! It knows no section and no operator. Offsets are absolute: a [`Reader`] over a window of the module sees
//! the module's bytes up to the window's end, so that its position is the offset that errors report.
//! One-byte integers, by far the most common, are read inline; everything else is out of line.
//! Source: WebAssembly 3.0, section 5.2.

use crate::error::ModuleError;
use alloc::format;
use core::ops::Range;

/// A position in the bytes of a module.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

type Result<T> = core::result::Result<T, ModuleError>;

impl<'a> Reader<'a> {
    /// A reader of all of `bytes`.
    #[inline(always)]
    pub const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, pos: 0 }
    }

    /// A reader of a range of `bytes`; offsets still count from the start of `bytes`.
    ///
    /// # Panics
    /// If the range is not within `bytes`.
    #[inline]
    pub fn window(bytes: &'a [u8], range: Range<usize>) -> Reader<'a> {
        assert!(range.start <= range.end);
        Reader { bytes: &bytes[..range.end], pos: range.start }
    }

    /// The offset of the next byte.
    #[inline(always)]
    pub const fn pos(&self) -> usize {
        self.pos
    }

    /// The offset behind the last byte.
    #[inline(always)]
    pub const fn end(&self) -> usize {
        self.bytes.len()
    }

    /// The number of bytes left.
    #[inline(always)]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.pos
    }

    /// Whether no byte is left.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    /// The next byte, without moving.
    #[inline(always)]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// Reads a byte.
    #[inline(always)]
    pub fn u8(&mut self) -> Result<u8> {
        match self.bytes.get(self.pos) {
            Some(&byte) => {
                self.pos += 1;
                Ok(byte)
            }
            None => Err(self.unexpected_end()),
        }
    }

    /// Reads an unsigned 32-bit LEB128 integer.
    #[inline(always)]
    pub fn u32(&mut self) -> Result<u32> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(byte as u32)
            }
            _ => self.unsigned::<32>().map(|value| value as u32),
        }
    }

    /// Reads an unsigned 64-bit LEB128 integer.
    #[inline(always)]
    pub fn u64(&mut self) -> Result<u64> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(byte as u64)
            }
            _ => self.unsigned::<64>(),
        }
    }

    /// Reads a signed 32-bit LEB128 integer.
    #[inline(always)]
    pub fn s32(&mut self) -> Result<i32> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(i32::from((byte << 1) as i8 >> 1))
            }
            _ => self.signed::<32>().map(|value| value as i32),
        }
    }

    /// Reads a signed 33-bit LEB128 integer, as block types and heap types have it.
    #[inline(always)]
    pub fn s33(&mut self) -> Result<i64> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(i64::from((byte << 1) as i8 >> 1))
            }
            _ => self.signed::<33>(),
        }
    }

    /// Reads a signed 64-bit LEB128 integer.
    #[inline(always)]
    pub fn s64(&mut self) -> Result<i64> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(i64::from((byte << 1) as i8 >> 1))
            }
            _ => self.signed::<64>(),
        }
    }

    /// Reads the bits of a 32-bit float.
    #[inline]
    pub fn f32_bits(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads the bits of a 64-bit float.
    #[inline]
    pub fn f64_bits(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads the bits of a vector, lane 0 lowest.
    #[inline]
    pub fn v128_bits(&mut self) -> Result<u128> {
        self.array().map(u128::from_le_bytes)
    }

    /// Reads `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.bytes[self.pos..].first_chunk::<N>() {
            Some(chunk) => {
                self.pos += N;
                Ok(*chunk)
            }
            None => Err(self.unexpected_end()),
        }
    }

    /// Reads `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        if len > self.remaining() {
            return Err(ModuleError::malformed(self.pos, "length out of bounds"));
        }
        let start = self.pos;
        self.pos += len;
        Ok(&self.bytes[start..self.pos])
    }

    /// The bytes that are left, without moving.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    /// Skips the rest.
    #[inline]
    pub fn skip_rest(&mut self) {
        self.pos = self.bytes.len();
    }

    /// Reads a byte count and that many bytes, as a reader of its own.
    pub fn sized(&mut self) -> Result<Reader<'a>> {
        let len = self.u32()? as usize;
        let start = self.pos;
        self.take(len)?;
        Ok(Reader { bytes: &self.bytes[..self.pos], pos: start })
    }

    /// Reads a name: a byte count and UTF-8 of at most `max` bytes.
    pub fn name(&mut self, max: u32) -> Result<&'a str> {
        let start = self.pos;
        let len = self.u32()?;
        if len > max {
            return Err(ModuleError::limit(
                start,
                format!("name of {len} bytes exceeds the limit of {max}"),
            ));
        }
        let start = self.pos;
        let bytes = self.take(len as usize)?;
        core::str::from_utf8(bytes)
            .map_err(|_| ModuleError::malformed(start, "malformed UTF-8 encoding"))
    }

    /// Reads the number of entries of a vector, at most `max`. `what` names the entries in the error.
    ///
    /// The count is the guest's claim: reserve memory for it only by [`Reader::capacity`].
    pub fn count(&mut self, max: u32, what: &'static str) -> Result<u32> {
        let start = self.pos;
        let count = self.u32()?;
        if count > max {
            return Err(ModuleError::limit(
                start,
                format!("{count} {what} exceed the limit of {max}"),
            ));
        }
        Ok(count)
    }

    /// How many of `count` claimed entries, each at least `min_bytes` long, the bytes left could hold.
    #[inline]
    pub fn capacity(&self, count: u32, min_bytes: usize) -> usize {
        (count as usize).min(self.remaining() / min_bytes.max(1))
    }

    #[cold]
    #[inline(never)]
    fn unexpected_end(&self) -> ModuleError {
        ModuleError::malformed(self.bytes.len(), "unexpected end")
    }

    /// Reads an integer of up to four bytes: its bits, and how many there are. `None` leaves it to the loops
    /// below. Every integer type here has more bits than that, so nothing can be too large. There are no
    /// branches by length, which nothing predicts: where 30 % of the integers are longer than a byte, 4.0 ns
    /// for each instead of 8.7 ns by a loop.
    #[inline(always)]
    fn short(&mut self) -> Option<(u32, u32)> {
        let word = u32::from_le_bytes(*self.bytes.get(self.pos..)?.first_chunk()?);
        let stops = !word & 0x8080_8080;
        if stops == 0 {
            return None;
        }
        // All bits below the first stop bit, which is the highest bit of the integer's last byte.
        let word = word & (stops ^ (stops - 1)) & 0x7F7F_7F7F;
        let pairs = word & 0x007F_007F | (word & 0x7F00_7F00) >> 1;
        let len = stops.trailing_zeros() / 8 + 1;
        self.pos += len as usize;
        Some((pairs & 0x3FFF | (pairs & 0x3FFF_0000) >> 2, 7 * len))
    }

    #[inline(never)]
    fn unsigned<const BITS: u32>(&mut self) -> Result<u64> {
        match self.short() {
            Some((bits, _)) => Ok(u64::from(bits)),
            None => self.unsigned_long::<BITS>(),
        }
    }

    #[inline(never)]
    fn signed<const BITS: u32>(&mut self) -> Result<i64> {
        match self.short() {
            Some((bits, count)) => Ok(i64::from((bits << (32 - count)) as i32 >> (32 - count))),
            None => self.signed_long::<BITS>(),
        }
    }

    #[cold]
    #[inline(never)]
    fn unsigned_long<const BITS: u32>(&mut self) -> Result<u64> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.u8()?;
            let left = BITS - shift;
            if left < 8 && byte >> left != 0 {
                return Err(self.bad_integer(byte));
            }
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    #[cold]
    #[inline(never)]
    fn signed_long<const BITS: u32>(&mut self) -> Result<i64> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.u8()?;
            let left = BITS - shift;
            if left < 8 {
                // The last byte: no continuation, and all bits from the sign bit upwards are equal.
                let high = (byte << 1) as i8 >> left;
                if byte >= 0x80 || (high != 0 && high != -1) {
                    return Err(self.bad_integer(byte));
                }
            }
            value |= i64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                let unused = 64u32.saturating_sub(shift);
                return Ok(value << unused >> unused);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn bad_integer(&self, last: u8) -> ModuleError {
        let message =
            if last >= 0x80 { "integer representation too long" } else { "integer too large" };
        ModuleError::malformed(self.pos - 1, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn message<T: core::fmt::Debug>(result: Result<T>) -> alloc::string::String {
        result.unwrap_err().message().into()
    }

    fn leb_u(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = (value & 0x7F) as u8;
            value >>= 7;
            if value == 0 {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    fn leb_s(mut value: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = (value & 0x7F) as u8;
            value >>= 7;
            if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    #[test]
    fn integers_round_trip_at_every_power_of_two() {
        for bit in 0..64 {
            for value in [1u64 << bit, (1u64 << bit).wrapping_sub(1), u64::MAX >> bit] {
                assert_eq!(Reader::new(&leb_u(value)).u64().unwrap(), value);
                let narrow = Reader::new(&leb_u(value)).u32().ok();
                assert_eq!(narrow, u32::try_from(value).ok());
                for value in [value as i64, (value as i64).wrapping_neg()] {
                    let bytes = leb_s(value);
                    assert_eq!(Reader::new(&bytes).s64().unwrap(), value);
                    assert_eq!(Reader::new(&bytes).s32().ok(), i32::try_from(value).ok());
                    let fits33 = (-(1i64 << 32)..1 << 32).contains(&value);
                    assert_eq!(Reader::new(&bytes).s33().ok(), fits33.then_some(value));
                }
            }
        }
    }

    #[test]
    fn padding_is_allowed_up_to_the_width_and_no_further() {
        assert_eq!(Reader::new(&[0x82, 0x80, 0x80, 0x80, 0x00]).u32().unwrap(), 2);
        let six = [0x82, 0x80, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(message(Reader::new(&six).u32()), "integer representation too long");
        assert_eq!(message(Reader::new(&six).s32()), "integer representation too long");
        assert_eq!(Reader::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x7F]).s32().unwrap(), -1);
        assert_eq!(
            message(Reader::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x4F]).s32()),
            "integer too large"
        );
        assert_eq!(
            message(Reader::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F]).u32()),
            "integer too large"
        );
        assert_eq!(message(Reader::new(&[0x80]).u32()), "unexpected end");
    }

    #[test]
    fn offsets_are_absolute_in_windows() {
        let bytes = [9, 9, 3, b'a', b'b', b'c', 9];
        let mut reader = Reader::window(&bytes, 2..6);
        let mut inner = reader.sized().unwrap();
        assert!(reader.is_empty());
        assert_eq!((inner.pos(), inner.end()), (3, 6));
        assert_eq!(inner.take(3).unwrap(), b"abc");
        assert_eq!(inner.u8().unwrap_err().offset(), 6);
    }

    #[test]
    fn names_are_utf8_and_bounded() {
        assert_eq!(Reader::new(b"\x02hi").name(2).unwrap(), "hi");
        assert_eq!(message(Reader::new(b"\x01\xFF").name(9)), "malformed UTF-8 encoding");
        assert_eq!(message(Reader::new(b"\x05hi").name(9)), "length out of bounds");
        assert_eq!(
            Reader::new(b"\x03abc").name(2).unwrap_err().kind(),
            crate::ErrorKind::LimitExceeded
        );
    }
}
