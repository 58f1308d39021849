//! The bytes of a linear memory: a reservation that grows in place, or an allocation that moves.

use crate::OutOfMemory;
use crate::heap::HeapBytes;
use crate::mapping::Mapping;

/// Zeroed bytes that can become more. Growing keeps the content.
#[derive(Debug)]
pub struct Region {
    backing: Backing,
    len: usize,
}

#[derive(Debug)]
enum Backing {
    Mapped(Mapping),
    Heap(HeapBytes),
}

impl Region {
    /// `len` zero bytes, with address space for `reserve` bytes if the system has it: up to there growing does
    /// not move the base.
    pub fn new(len: usize, reserve: usize) -> Result<Region, OutOfMemory> {
        if reserve.max(len) == 0 {
            return Ok(Region { backing: Backing::Heap(HeapBytes::new(0)?), len });
        }
        let mapped = Mapping::new(len, reserve).or_else(|_| Mapping::new(len, len));
        let backing = match mapped {
            Ok(mapping) => Backing::Mapped(mapping),
            // The number of mappings of a process is limited too; small memories fit between.
            Err(_) => Backing::Heap(HeapBytes::new(len)?),
        };
        Ok(Region { backing, len })
    }

    /// The first byte. Valid until the region grows or is dropped.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        match &self.backing {
            Backing::Mapped(mapping) => mapping.base(),
            Backing::Heap(bytes) => bytes.base(),
        }
    }

    /// The size in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Up to which size growing does not move the base.
    pub fn reserved(&self) -> usize {
        match &self.backing {
            Backing::Mapped(mapping) => mapping.reserved(),
            Backing::Heap(_) => self.len,
        }
    }

    /// Makes the region `len` bytes long; the new ones are zero. A failure leaves it as it was. A smaller `len`
    /// changes nothing.
    pub fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if len <= self.len {
            return Ok(());
        }
        match &mut self.backing {
            Backing::Mapped(mapping) if len <= mapping.reserved() => mapping.grow(len)?,
            Backing::Heap(bytes) if self.len > 0 => bytes.grow(len)?,
            _ => return self.grow_elsewhere(len),
        }
        self.len = len;
        Ok(())
    }

    /// Beyond the reservation: a larger one, with room so that growing step by step stays linear.
    fn grow_elsewhere(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let room = len.saturating_add(len / 2);
        let larger = Region::new(len, room)?;
        // SAFETY: both have at least `self.len` bytes, and the new region was just made.
        unsafe { larger.base().copy_from_nonoverlapping(self.base(), self.len) };
        *self = larger;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byte(region: &mut Region, at: usize) -> &mut u8 {
        assert!(at < region.len());
        // SAFETY: in bounds, and the region is borrowed exclusively.
        unsafe { &mut *region.base().add(at) }
    }

    #[test]
    fn growing_within_the_reservation_keeps_content_and_zeroes_the_rest() {
        let mut region = Region::new(1 << 16, 1 << 32).unwrap();
        *byte(&mut region, 65535) = 7;
        let base = region.base();
        region.grow(1 << 20).unwrap();
        if region.reserved() >= 1 << 32 {
            assert_eq!(region.base(), base);
        }
        assert_eq!(*byte(&mut region, 65535), 7);
        assert_eq!(*byte(&mut region, (1 << 20) - 1), 0);
    }

    #[test]
    fn growing_beyond_the_reservation_moves() {
        let mut region = Region::new(100, 100).unwrap();
        *byte(&mut region, 99) = 9;
        region.grow(1 << 22).unwrap();
        assert_eq!((*byte(&mut region, 99), *byte(&mut region, 1 << 21)), (9, 0));
    }

    #[test]
    fn empty_regions_grow_too() {
        let mut region = Region::new(0, 0).unwrap();
        assert!(region.is_empty());
        region.grow(10).unwrap();
        *byte(&mut region, 9) = 1;
        region.grow(20).unwrap();
        assert_eq!((*byte(&mut region, 9), *byte(&mut region, 19)), (1, 0));
    }

    #[test]
    fn the_impossible_is_an_error() {
        assert!(Region::new(usize::MAX, usize::MAX).is_err());
        assert!(Region::new(isize::MAX as usize, 0).is_err());
        let mut region = Region::new(16, 16).unwrap();
        assert!(region.grow(usize::MAX - 1).is_err());
        assert_eq!(region.len(), 16);
    }
}
