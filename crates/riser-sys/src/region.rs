//! The bytes of a linear memory: an allocation that moves while it is small, a reservation that grows in place once
//! it is not.

use crate::guarded::Guarded;
use crate::heap::HeapBytes;
use crate::mapping::Mapping;
use crate::slots::{SLOT_BYTES, Slot};
use crate::{MemoryImage, OutOfMemory};
use std::sync::Arc;

/// Regions of at most this many bytes are allocated: that costs a tenth of mapping, unmapping and two faults (2 µs
/// against 20 µs for one page of 64 KiB), and a process can have millions of them.
const ALLOCATED_MAX: usize = 64 << 10;

/// Regions of more bytes than this (a page of the system) are worth a slot, whose pages take memory when they are touched.
const SLOT_MIN: usize = 4 << 10;

/// Where the system refuses to map this many bytes, it is not for the number of mappings.
const FALLBACK_MAX: usize = 64 << 20;

/// What a region that must not move may reserve on the ordinary heap, where address space cannot be had otherwise.
const FIXED_HEAP_MAX: usize = 1 << 30;

/// Zeroed bytes that can become more. Growing keeps the content.
#[derive(Debug)]
pub struct Region {
    backing: Backing,
    len: usize,
    /// How far it will probably grow.
    reserve: usize,
}

#[derive(Debug)]
enum Backing {
    Mapped(Mapping),
    Guarded(Guarded),
    Slot(Slot),
    Heap(HeapBytes),
}

impl Region {
    /// `len` zero bytes. Once there are more than a few, address space for `reserve` bytes is taken if the system has
    /// it, so that growing up to there does not move the base again.
    pub fn new(len: usize, reserve: usize) -> Result<Region, OutOfMemory> {
        if (SLOT_MIN + 1..=SLOT_BYTES).contains(&len)
            && let Ok(slot) = Slot::new(len)
        {
            return Ok(Region { backing: Backing::Slot(slot), len, reserve });
        }
        if len <= ALLOCATED_MAX {
            return Ok(Region { backing: Backing::Heap(HeapBytes::new(len)?), len, reserve });
        }
        Region::mapped(len, reserve)
    }

    /// `len` zero bytes, mapped if the system can: none of them takes memory before it is touched.
    pub fn mapped(len: usize, reserve: usize) -> Result<Region, OutOfMemory> {
        let mapped = Mapping::new(len, reserve).or_else(|_| Mapping::new(len, len));
        let backing = match mapped {
            Ok(mapping) => Backing::Mapped(mapping),
            Err(error) if Mapping::EXISTS && len > FALLBACK_MAX => return Err(error),
            // The number of mappings of a process is limited; allocations may still be had.
            Err(_) => Backing::Heap(HeapBytes::new(len)?),
        };
        Ok(Region { backing, len, reserve })
    }

    /// `len` zero bytes that never move: [`Region::grow_in_place`] makes them up to `max`.
    pub fn fixed(len: usize, max: usize) -> Result<Region, OutOfMemory> {
        let max = max.max(len);
        if max <= ALLOCATED_MAX {
            return Ok(Region { backing: Backing::Heap(HeapBytes::new(max)?), len, reserve: max });
        }
        let limit = if Mapping::EXISTS { FALLBACK_MAX } else { FIXED_HEAP_MAX };
        let backing = match Mapping::new(len, max) {
            Ok(mapping) => Backing::Mapped(mapping),
            Err(error) if max > limit => return Err(error),
            Err(_) => Backing::Heap(HeapBytes::new(max)?),
        };
        Ok(Region { backing, len, reserve: max })
    }

    /// `len` bytes that never move and can become `reserve`. What follows them, up to `total` bytes from the start, faults when it is accessed.
    /// The bytes are zero but for those of the image, whose pages must lie within `len`. `len` and `total` are multiples of the
    /// system's page size, or are rounded up to one. Fails where the system cannot do that.
    pub fn guarded(
        len: usize,
        reserve: usize,
        total: usize,
        image: Option<&Arc<MemoryImage>>,
    ) -> Result<Region, OutOfMemory> {
        let guarded = Guarded::new(len, reserve, total, image)?;
        Ok(Region { backing: Backing::Guarded(guarded), len, reserve })
    }

    /// Makes the region `len` bytes long without moving it; the new ones are zero. Fails beyond
    /// [`Region::reserved`]. A smaller `len` changes nothing.
    pub fn grow_in_place(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if len > self.reserved() {
            return Err(OutOfMemory { bytes: len });
        }
        match &mut self.backing {
            Backing::Mapped(mapping) => mapping.grow(len)?,
            Backing::Guarded(guarded) => guarded.grow(len)?,
            Backing::Slot(_) | Backing::Heap(_) => {}
        }
        self.len = self.len.max(len);
        Ok(())
    }

    /// The first byte. Valid until the region grows or is dropped.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        match &self.backing {
            Backing::Mapped(mapping) => mapping.base(),
            Backing::Guarded(guarded) => guarded.base(),
            Backing::Slot(slot) => slot.base(),
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
            Backing::Guarded(guarded) => guarded.reserved(),
            Backing::Slot(_) => SLOT_BYTES,
            Backing::Heap(bytes) => bytes.len(),
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
            Backing::Guarded(guarded) => guarded.grow(len)?,
            Backing::Slot(slot) if len <= SLOT_BYTES => slot.grow(len)?,
            // Bytes behind the length were never given out: they are zero.
            Backing::Heap(bytes) if len <= bytes.len() => {}
            Backing::Heap(bytes) if len <= ALLOCATED_MAX => bytes.grow(len)?,
            _ => return self.grow_elsewhere(len),
        }
        self.len = len;
        Ok(())
    }

    /// To a larger reservation. Where it ends before what may be needed (on the ordinary heap, or beyond what was
    /// expected), it has room so that growing step by step stays linear.
    fn grow_elsewhere(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let ample = len.saturating_add(len / 2);
        let larger = if Mapping::EXISTS {
            Region::new(len, if len <= self.reserve { self.reserve } else { ample })?
        } else {
            let room = if len <= self.reserve { ample.min(self.reserve) } else { ample };
            let bytes = HeapBytes::new(room).or_else(|_| HeapBytes::new(len))?;
            Region { backing: Backing::Heap(bytes), len, reserve: self.reserve }
        };
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
        region.grow(1 << 17).unwrap();
        let base = region.base();
        region.grow(1 << 20).unwrap();
        if region.reserved() >= 1 << 32 {
            assert_eq!(region.base(), base);
        }
        assert_eq!(*byte(&mut region, 65535), 7);
        assert_eq!(*byte(&mut region, (1 << 20) - 1), 0);
    }

    #[test]
    fn growing_step_by_step_moves_seldom() {
        let mut region = Region::new(1 << 16, 1 << 32).unwrap();
        let mut moves = 0;
        for pages in 2..=1024 {
            let base = region.base();
            region.grow(pages << 16).unwrap();
            *byte(&mut region, (pages << 16) - 1) = 1;
            moves += u32::from(region.base() != base);
        }
        assert!(moves <= 20, "{moves}");
        assert!((0..1024).all(|page| *byte(&mut region, page << 16) == 0));
    }

    #[test]
    fn growing_beyond_the_reservation_moves() {
        let mut region = Region::new(100, 100).unwrap();
        *byte(&mut region, 99) = 9;
        region.grow(1 << 22).unwrap();
        assert_eq!((*byte(&mut region, 99), *byte(&mut region, 1 << 21)), (9, 0));
    }

    #[test]
    fn fixed_regions_grow_without_moving() {
        let mut region = Region::fixed(0, 1 << 20).unwrap();
        let base = region.base();
        region.grow_in_place(1 << 16).unwrap();
        *byte(&mut region, 65535) = 3;
        region.grow_in_place(1 << 20).unwrap();
        assert_eq!((region.base(), region.len()), (base, 1 << 20));
        assert_eq!((*byte(&mut region, 65535), *byte(&mut region, (1 << 20) - 1)), (3, 0));
        assert!(region.grow_in_place((1 << 20) + (1 << 16)).is_err());
        assert!(Region::fixed(0, usize::MAX / 2).is_err());
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
