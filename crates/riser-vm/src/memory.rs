//! Linear memories.

use core::sync::atomic::{AtomicUsize, Ordering};
use riser_abi::MemoryDef;
use riser_module::MemoryType;
use riser_sys::{OutOfMemory, Region};

/// Address space that a memory reserves at most, so that its base does not move: all that 32 bits reach.
const RESERVE_MAX: u64 = 1 << 32;

/// The largest size in bytes that any memory may reach, whatever its type allows. No system has more.
const BYTES_MAX: u64 = 1 << 47;

/// A memory. What code sees comes first, so that the address of one is the address of the other.
#[repr(C)]
#[derive(Debug)]
pub struct Memory {
    def: MemoryDef,
    region: Region,
    ty: MemoryType,
    index: u32,
}

/// The size in bytes of `pages` pages, if that can be addressed.
fn bytes_of(ty: &MemoryType, pages: u64) -> Option<usize> {
    let bytes = pages.checked_mul(ty.page_size())?;
    usize::try_from(bytes).ok().filter(|_| bytes <= BYTES_MAX)
}

/// The most pages that a memory of this type may have.
fn max_pages(ty: &MemoryType) -> u64 {
    // With pages of one byte, the size itself must fit the index type.
    let index_bits = if ty.memory64 { 64 } else { 32 };
    let all = (1u128 << (index_bits - ty.page_size_log2)) - u128::from(ty.page_size_log2 == 0);
    let all = u64::try_from(all).unwrap_or(u64::MAX);
    ty.limits.max.unwrap_or(all).min(all)
}

impl Memory {
    /// A memory of its type's smallest size, all zero.
    pub(crate) fn new(ty: MemoryType, index: u32) -> Result<Memory, OutOfMemory> {
        let len = bytes_of(&ty, ty.limits.min).ok_or(OutOfMemory { bytes: usize::MAX })?;
        let max = max_pages(&ty).saturating_mul(ty.page_size()).min(RESERVE_MAX);
        let region = Region::new(len, usize::try_from(max).unwrap_or(len))?;
        let def = MemoryDef { base: region.base(), len: AtomicUsize::new(len) };
        Ok(Memory { def, region, ty, index })
    }

    /// Its position in the store.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its type, with the size that it was made with.
    pub fn ty(&self) -> &MemoryType {
        &self.ty
    }

    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.def.len.load(Ordering::Relaxed)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its size in pages.
    pub fn pages(&self) -> u64 {
        self.len() as u64 >> self.ty.page_size_log2
    }

    /// The most bytes that its type allows, if it says.
    pub fn max_bytes(&self) -> Option<usize> {
        let max = self.ty.limits.max?.saturating_mul(self.ty.page_size());
        Some(usize::try_from(max).unwrap_or(usize::MAX))
    }

    /// Its first byte. Valid until it grows.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        self.def.base
    }

    /// The size in bytes after growing by `delta` pages, if its type allows that.
    pub(crate) fn grown(&self, delta: u64) -> Option<usize> {
        let pages = self.pages().checked_add(delta).filter(|&n| n <= max_pages(&self.ty))?;
        bytes_of(&self.ty, pages)
    }

    /// The size in bytes that growing by `delta` pages would give, whatever its type allows; the largest number
    /// if that cannot be said.
    pub(crate) fn wanted(&self, delta: u64) -> usize {
        let pages = self.pages().saturating_add(delta);
        usize::try_from(pages.saturating_mul(self.ty.page_size())).unwrap_or(usize::MAX)
    }

    /// Grows to `len` bytes, which came from [`Memory::grown`].
    pub(crate) fn grow_to(&mut self, len: usize) -> Result<(), OutOfMemory> {
        self.region.grow(len)?;
        self.def.base = self.region.base();
        self.def.len.store(len, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use riser_module::Limits;

    fn ty(min: u64, max: Option<u64>, memory64: bool, page_size_log2: u32) -> MemoryType {
        MemoryType { limits: Limits { min, max }, memory64, shared: false, page_size_log2 }
    }

    #[test]
    fn growth_ends_where_the_type_ends() {
        let memory = Memory::new(ty(1, Some(3), false, 16), 0).unwrap();
        assert_eq!(memory.grown(2), Some(3 << 16));
        assert_eq!(memory.grown(3), None);
        assert_eq!(memory.grown(u64::MAX), None);
        let memory = Memory::new(ty(1, None, false, 16), 0).unwrap();
        assert_eq!(memory.grown(65535), Some(1 << 32));
        assert_eq!(memory.grown(65536), None);
        let bytes = Memory::new(ty(1, None, false, 0), 0).unwrap();
        assert_eq!(bytes.grown((1 << 32) - 2), Some((1 << 32) - 1));
        assert_eq!(bytes.grown((1 << 32) - 1), None);
        let wide = Memory::new(ty(1, None, true, 16), 0).unwrap();
        assert_eq!(wide.grown(1 << 48), None);
    }

    #[test]
    fn what_cannot_be_addressed_is_an_error() {
        assert!(Memory::new(ty(1 << 48, None, true, 16), 0).is_err());
        assert!(Memory::new(ty(1 << 31, None, true, 16), 0).is_err());
    }

    #[test]
    fn growing_keeps_content() {
        let mut memory = Memory::new(ty(1, None, true, 16), 0).unwrap();
        // SAFETY: in bounds.
        unsafe { *memory.base().add(65535) = 5 };
        let len = memory.grown(9).unwrap();
        memory.grow_to(len).unwrap();
        assert_eq!(memory.pages(), 10);
        // SAFETY: in bounds.
        assert_eq!(unsafe { (*memory.base().add(65535), *memory.base().add(len - 1)) }, (5, 0));
    }
}
