//! A reader of sections that gives up when it has read too much.
//!
//! DWARF is full of references, so a few bytes can ask for any amount of work: a million units that share one list of a
//! million ranges, a thousand file names that all are the same long string. Each read, and each byte that is looked at or
//! copied, is charged to one account; when that is empty every read fails, and whoever reads in a loop stops.
//!
//! What is read of the tables of abbreviations and files is kept in memory, so these have an allowance besides, which is
//! set anew for each unit.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use gimli::{Error, LittleEndian, Reader, ReaderOffsetId, Result};

/// How much may still be read.
pub struct Meter {
    left: Cell<u64>,
    /// How much may be read of what is kept.
    kept: Cell<u64>,
}

impl Meter {
    /// An account of so many reads.
    pub fn new(reads: u64) -> Meter {
        Meter { left: Cell::new(reads), kept: Cell::new(0) }
    }

    /// Sets how much may be read of what is kept.
    pub fn allow_kept(&self, reads: u64) {
        self.kept.set(reads);
    }

    /// How much is left.
    pub fn left(&self) -> u64 {
        self.left.get()
    }

    /// Pays for some work.
    pub fn charge(&self, cost: usize) -> Result<()> {
        take(&self.left, cost)
    }
}

fn take(account: &Cell<u64>, cost: usize) -> Result<()> {
    let left = account.get().checked_sub(cost as u64);
    account.set(left.unwrap_or(0));
    left.map(drop).ok_or(Error::Io)
}

/// Bytes of a section, to be read at the expense of a [`Meter`].
#[derive(Clone, Copy)]
pub struct Metered<'a> {
    bytes: &'a [u8],
    meter: &'a Meter,
    is_kept: bool,
}

impl<'a> Metered<'a> {
    /// A whole section; `is_kept` says whether what is read of it is kept in memory.
    pub fn new(bytes: &'a [u8], meter: &'a Meter, is_kept: bool) -> Metered<'a> {
        Metered { bytes, meter, is_kept }
    }

    /// The bytes up to `len`, which are taken away.
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        self.meter.charge(1)?;
        if self.is_kept {
            take(&self.meter.kept, 1)?;
        }
        let (taken, rest) = self
            .bytes
            .split_at_checked(len)
            .ok_or_else(|| Error::UnexpectedEof(self.offset_id()))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn place(&self) -> usize {
        self.bytes.as_ptr().addr()
    }
}

impl fmt::Debug for Metered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

impl Reader for Metered<'_> {
    type Endian = LittleEndian;
    type Offset = usize;

    fn endian(&self) -> LittleEndian {
        LittleEndian
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn empty(&mut self) {
        self.bytes = &self.bytes[..0];
    }

    fn truncate(&mut self, len: usize) -> Result<()> {
        let rest = self.take(len)?;
        self.bytes = rest;
        Ok(())
    }

    fn offset_from(&self, base: &Self) -> usize {
        self.place().saturating_sub(base.place())
    }

    fn offset_id(&self) -> ReaderOffsetId {
        ReaderOffsetId(self.place() as u64)
    }

    fn lookup_offset_id(&self, id: ReaderOffsetId) -> Option<usize> {
        let offset = usize::try_from(id.0).ok()?.checked_sub(self.place())?;
        (offset <= self.bytes.len()).then_some(offset)
    }

    fn find(&self, byte: u8) -> Result<usize> {
        let found = self.bytes.iter().position(|other| *other == byte);
        // Looking is cheap, but not free: 16 bytes cost as much as a read.
        self.meter.charge(1 + found.unwrap_or(self.bytes.len()) / 16)?;
        found.ok_or_else(|| Error::UnexpectedEof(self.offset_id()))
    }

    fn skip(&mut self, len: usize) -> Result<()> {
        self.take(len).map(drop)
    }

    fn split(&mut self, len: usize) -> Result<Self> {
        let bytes = self.take(len)?;
        Ok(Metered { bytes, ..*self })
    }

    fn to_slice(&self) -> Result<Cow<'_, [u8]>> {
        self.meter.charge(1 + self.bytes.len())?;
        Ok(self.bytes.into())
    }

    fn to_string(&self) -> Result<Cow<'_, str>> {
        self.meter.charge(1 + self.bytes.len())?;
        std::str::from_utf8(self.bytes).map(Cow::from).map_err(|_| Error::BadUtf8)
    }

    fn to_string_lossy(&self) -> Result<Cow<'_, str>> {
        self.meter.charge(1 + self.bytes.len())?;
        Ok(String::from_utf8_lossy(self.bytes))
    }

    fn read_slice(&mut self, buf: &mut [u8]) -> Result<()> {
        buf.copy_from_slice(self.take(buf.len())?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_when_the_account_is_empty() {
        let meter = Meter::new(3);
        let mut reader = Metered::new(&[1, 0, 2, 0, 3, 0], &meter, false);
        assert_eq!(reader.read_u16(), Ok(1));
        assert_eq!(reader.read_u16(), Ok(2));
        assert!(
            Metered::new(b"abc", &meter, false).to_string().is_err(),
            "too long for what is left"
        );
        assert!(reader.read_u16().is_err());
        assert!(reader.is_empty() || reader.read_u8().is_err());
    }

    #[test]
    fn what_is_kept_has_an_allowance_of_its_own() {
        let meter = Meter::new(100);
        let mut reader = Metered::new(&[1, 2, 3, 4], &meter, true);
        assert!(reader.read_u8().is_err());
        meter.allow_kept(2);
        assert_eq!((reader.read_u8(), reader.read_u8()), (Ok(1), Ok(2)));
        assert!(reader.read_u8().is_err());
        assert_eq!(Metered::new(&[5], &meter, false).read_u8(), Ok(5));
    }

    #[test]
    fn offsets_are_within_the_section() {
        let meter = Meter::new(100);
        let whole = Metered::new(b"abc\0def\0", &meter, false);
        let mut rest = whole;
        assert_eq!(rest.read_null_terminated_slice().unwrap().to_string().unwrap(), "abc");
        assert_eq!(rest.offset_from(&whole), 4);
        assert_eq!(whole.lookup_offset_id(rest.offset_id()), Some(4));
        assert_eq!(rest.lookup_offset_id(whole.offset_id()), None);
        assert!(rest.skip(5).is_err());
        rest.truncate(2).unwrap();
        assert_eq!((rest.len(), rest.find(b'f').is_err()), (2, true));
    }
}
