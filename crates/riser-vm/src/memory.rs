//! Linear memories.

use crate::interrupt::Interrupter;
use crate::parking::{Parking, WaitResult};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use riser_abi::{GUARDED_BYTES, MemoryDef, is_guarded};
use riser_module::MemoryType;
use riser_ops::TrapCode;
use riser_sys::{MemoryImage, OutOfMemory, Region};
use std::sync::{Arc, Mutex, PoisonError};

/// Address space that a memory reserves at most, so that its base does not move: all that 32 bits reach.
const RESERVE_MAX: u64 = 1 << 32;

/// Address space that a shared memory with 64-bit addresses takes at most. It cannot grow beyond that.
const SHARED_MAX: u64 = 1 << 34;

/// The index of a memory that belongs to no store.
const NO_INDEX: u32 = u32::MAX;

/// The largest size in bytes that any memory may reach, whatever its type allows. No system has more.
const BYTES_MAX: u64 = 1 << 47;

/// A memory. What code sees comes first, so that the address of one is the address of the other.
#[repr(C)]
#[derive(Debug)]
pub struct Memory {
    def: MemoryDef,
    backing: Backing,
    ty: MemoryType,
    index: u32,
}

#[derive(Debug)]
enum Backing {
    /// The bytes of one store. They may move when they grow.
    Own(Region),
    /// The bytes of any number of stores on any threads. They never move; whoever grows them holds the lock.
    Shared(Mutex<Region>, Arc<Parking>),
}

/// A memory that stores on several threads can have in common.
#[derive(Debug)]
pub struct SharedMemory(Memory);

// SAFETY: a shared memory changes only through atomics and under locks: its base is fixed, its length is atomic, its
// region and the queues of waiting threads are behind mutexes. Its bytes are only reached through raw pointers.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    /// A memory of its type's smallest size, all zero. The type must be a shared one. With `guards`, as compiled code expects
    /// it (see [`riser_abi::is_guarded`]).
    pub fn new(ty: MemoryType, guards: bool) -> Result<SharedMemory, OutOfMemory> {
        debug_assert!(ty.shared);
        let len = bytes_of(&ty, ty.limits.min).ok_or(OutOfMemory { bytes: usize::MAX })?;
        let max = max_pages(&ty).saturating_mul(ty.page_size()).min(SHARED_MAX);
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let region = match guards && is_guarded(ty.memory64, ty.page_size_log2) {
            true => Region::guarded(len, max, GUARDED_BYTES as usize, None)?,
            false => Region::fixed(len, max)?,
        };
        let def = MemoryDef { base: region.base(), len: AtomicUsize::new(len) };
        let backing = Backing::Shared(Mutex::new(region), Arc::default());
        Ok(SharedMemory(Memory { def, backing, ty, index: NO_INDEX }))
    }

    /// The memory itself.
    pub fn memory(&self) -> &Memory {
        &self.0
    }

    /// Copies bytes out, each read at some moment; `false` if they are not all there. Other threads may write
    /// meanwhile.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> bool {
        let Some(bytes) = self.bytes(address, buffer.len()) else { return false };
        for (byte, from) in buffer.iter_mut().zip(bytes) {
            *byte = from.load(Ordering::Relaxed);
        }
        true
    }

    /// Copies bytes in, one after the other; `false` if there is no room for all. Other threads may read meanwhile.
    pub fn write(&self, address: u64, buffer: &[u8]) -> bool {
        let Some(bytes) = self.bytes(address, buffer.len()) else { return false };
        for (byte, to) in buffer.iter().zip(bytes) {
            to.store(*byte, Ordering::Relaxed);
        }
        true
    }

    fn bytes(&self, address: u64, len: usize) -> Option<&[AtomicU8]> {
        let end = address.checked_add(len as u64)?;
        if end > self.0.len() as u64 {
            return None;
        }
        // SAFETY: in bounds, as just compared; the memory neither moves nor shrinks, and all access to its bytes from other
        // threads is by atomics or by code, whose accesses are no less atomic than those of single bytes.
        Some(unsafe {
            core::slice::from_raw_parts(self.0.base().add(address as usize).cast::<AtomicU8>(), len)
        })
    }

    /// Grows by `delta` pages as far as its type and the system allow: the old size in pages.
    pub fn grow(&self, delta: u64) -> Option<u64> {
        self.0.grow_shared(delta, |_, _, _| Ok(()), |_| ()).ok()
    }
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
    /// The same without an image.
    #[cfg(test)]
    fn new(ty: MemoryType, index: u32, guards: bool) -> Result<Memory, OutOfMemory> {
        Memory::showing(ty, index, guards, None)
    }

    /// A memory of its type's smallest size, with guards if its type and `guards` say so. All is zero but the bytes of the image, which only memories
    /// with guards can show.
    pub(crate) fn showing(
        ty: MemoryType,
        index: u32,
        guards: bool,
        image: Option<&Arc<MemoryImage>>,
    ) -> Result<Memory, OutOfMemory> {
        let len = bytes_of(&ty, ty.limits.min).ok_or(OutOfMemory { bytes: usize::MAX })?;
        let max = max_pages(&ty).saturating_mul(ty.page_size()).min(RESERVE_MAX);
        let max = usize::try_from(max).unwrap_or(len);
        let region = match guards && is_guarded(ty.memory64, ty.page_size_log2) {
            true => Region::guarded(len, max, GUARDED_BYTES as usize, image)?,
            false if image.is_some() => return Err(OutOfMemory { bytes: len }),
            false => Region::new(len, max)?,
        };
        let def = MemoryDef { base: region.base(), len: AtomicUsize::new(len) };
        Ok(Memory { def, backing: Backing::Own(region), ty, index })
    }

    /// Its position in the store, unless it is shared.
    pub(crate) fn index(&self) -> Option<u32> {
        (!self.is_shared()).then_some(self.index)
    }

    /// Whether other threads may use it at the same time.
    #[inline]
    pub fn is_shared(&self) -> bool {
        matches!(self.backing, Backing::Shared(..))
    }

    /// Its type, with the size that it was made with.
    pub fn ty(&self) -> &MemoryType {
        &self.ty
    }

    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.def.len.load(Ordering::SeqCst)
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

    /// Its first byte. Valid until it grows; that of a shared memory never changes.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        self.def.base
    }

    /// The size in bytes after growing by `delta` pages, if its type allows that.
    pub(crate) fn grown(&self, delta: u64) -> Option<usize> {
        self.grown_from(self.pages(), delta)
    }

    fn grown_from(&self, pages: u64, delta: u64) -> Option<usize> {
        let pages = pages.checked_add(delta).filter(|&n| n <= max_pages(&self.ty))?;
        bytes_of(&self.ty, pages)
    }

    /// The size in bytes that growing by `delta` pages would give, whatever its type allows; the largest number
    /// if that cannot be said.
    pub(crate) fn wanted(&self, delta: u64) -> usize {
        let pages = self.pages().saturating_add(delta);
        usize::try_from(pages.saturating_mul(self.ty.page_size())).unwrap_or(usize::MAX)
    }

    /// Whether the bytes stay where they are when there are `len` of them.
    pub(crate) fn stays(&self, len: usize) -> bool {
        match &self.backing {
            Backing::Own(region) => len <= region.reserved(),
            Backing::Shared(..) => true,
        }
    }

    /// Grows to `len` bytes, which came from [`Memory::grown`]. Not for shared memories.
    pub(crate) fn grow_to(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let Backing::Own(region) = &mut self.backing else {
            return Err(OutOfMemory { bytes: len });
        };
        region.grow(len)?;
        self.def.base = region.base();
        self.def.len.store(len, Ordering::Release);
        Ok(())
    }

    /// Grows a shared memory by `delta` pages if `ask` (current size, wanted size, largest size, in bytes) allows it: the
    /// old size in pages. `tell` makes the error where growing fails although it was allowed. The lock is not held
    /// while `ask` runs, which may take any time.
    pub(crate) fn grow_shared<E>(
        &self,
        delta: u64,
        mut ask: impl FnMut(usize, usize, Option<usize>) -> core::result::Result<(), E>,
        tell: impl FnOnce(Option<OutOfMemory>) -> E,
    ) -> core::result::Result<u64, E> {
        let Backing::Shared(region, _) = &self.backing else { return Err(tell(None)) };
        loop {
            let old = self.len();
            let pages = old as u64 >> self.ty.page_size_log2;
            let len = self.grown_from(pages, delta);
            if delta > 0 {
                ask(old, len.unwrap_or(self.wanted(delta)), self.max_bytes())?;
            }
            let Some(len) = len else { return Err(tell(None)) };
            let mut region = region.lock().unwrap_or_else(PoisonError::into_inner);
            if self.len() != old {
                // Another thread was faster: what was allowed is not what would happen now.
                continue;
            }
            if let Err(error) = region.grow_in_place(len) {
                drop(region);
                return Err(tell(Some(error)));
            }
            self.def.len.store(len, Ordering::SeqCst);
            return Ok(pages);
        }
    }

    /// The address of an atomic access of `width` bytes.
    fn atomic(&self, address: u64, width: u64) -> Result<*mut u8, TrapCode> {
        if !address.is_multiple_of(width) {
            return Err(TrapCode::UnalignedAtomic);
        }
        if address.checked_add(width).is_none_or(|end| end > self.len() as u64) {
            return Err(TrapCode::MemoryOutOfBounds);
        }
        // SAFETY: in bounds, as just compared; a memory does not shrink.
        Ok(unsafe { self.base().add(address as usize) })
    }

    fn parking(&self) -> Result<&Arc<Parking>, TrapCode> {
        match &self.backing {
            Backing::Shared(_, parking) => Ok(parking),
            Backing::Own(_) => Err(TrapCode::AtomicWaitOnUnsharedMemory),
        }
    }

    /// Blocks until notified or until the timeout passes, unless the memory does not hold `expected`.
    pub fn atomic_wait32(
        &self,
        address: u64,
        expected: u32,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, TrapCode> {
        self.wait32(address, expected, timeout, None)
    }

    /// The same for a thread that can be interrupted.
    pub(crate) fn wait32(
        &self,
        address: u64,
        expected: u32,
        timeout: Option<Duration>,
        interrupter: Option<&Interrupter>,
    ) -> Result<WaitResult, TrapCode> {
        let at = self.atomic(address, 4)?.cast::<u32>();
        // SAFETY: in bounds and aligned, as just checked (bases are aligned for every atomic access), and the bytes live as
        // long as the memory.
        let holds =
            || unsafe { AtomicU32::from_ptr(at) }.load(Ordering::SeqCst) == expected.to_le();
        self.parking()?.wait(address, holds, timeout, interrupter)
    }

    /// The same for 64 bits.
    pub fn atomic_wait64(
        &self,
        address: u64,
        expected: u64,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, TrapCode> {
        self.wait64(address, expected, timeout, None)
    }

    /// The same for a thread that can be interrupted.
    pub(crate) fn wait64(
        &self,
        address: u64,
        expected: u64,
        timeout: Option<Duration>,
        interrupter: Option<&Interrupter>,
    ) -> Result<WaitResult, TrapCode> {
        let at = self.atomic(address, 8)?.cast::<u64>();
        // SAFETY: as for 32 bits.
        let holds =
            || unsafe { AtomicU64::from_ptr(at) }.load(Ordering::SeqCst) == expected.to_le();
        self.parking()?.wait(address, holds, timeout, interrupter)
    }

    /// Wakes at most `count` threads that wait at `address`: how many it woke.
    pub fn atomic_notify(&self, address: u64, count: u32) -> Result<u32, TrapCode> {
        self.atomic(address, 4)?;
        Ok(self.parking().map_or(0, |parking| parking.notify(address, count)))
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
        let memory = Memory::new(ty(1, Some(3), false, 16), 0, false).unwrap();
        assert_eq!(memory.grown(2), Some(3 << 16));
        assert_eq!(memory.grown(3), None);
        assert_eq!(memory.grown(u64::MAX), None);
        let memory = Memory::new(ty(1, None, false, 16), 0, false).unwrap();
        assert_eq!(memory.grown(65535), Some(1 << 32));
        assert_eq!(memory.grown(65536), None);
        let bytes = Memory::new(ty(1, None, false, 0), 0, false).unwrap();
        assert_eq!(bytes.grown((1 << 32) - 2), Some((1 << 32) - 1));
        assert_eq!(bytes.grown((1 << 32) - 1), None);
        let wide = Memory::new(ty(1, None, true, 16), 0, false).unwrap();
        assert_eq!(wide.grown(1 << 48), None);
    }

    #[test]
    fn what_cannot_be_addressed_is_an_error() {
        assert!(Memory::new(ty(1 << 48, None, true, 16), 0, false).is_err());
        assert!(Memory::new(ty(1 << 31, None, true, 16), 0, false).is_err());
    }

    #[test]
    fn shared_memories_grow_in_place_from_any_thread() {
        let ty = MemoryType { shared: true, ..ty(1, Some(9), false, 16) };
        let memory = SharedMemory::new(ty, false).unwrap();
        let base = memory.memory().base();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2).for_each(|_| assert!(memory.grow(1).is_some())));
            }
        });
        assert_eq!((memory.memory().pages(), memory.grow(1)), (9, None));
        assert_eq!((memory.memory().base(), memory.memory().index()), (base, None));
        // What was not allowed did not happen.
        let memory = SharedMemory::new(ty, false).unwrap();
        let small = |_, wanted: usize, _| if wanted < 1 << 17 { Ok(()) } else { Err("refused") };
        assert_eq!(memory.memory().grow_shared(1, small, |_| "failed"), Err("refused"));
        assert_eq!(memory.memory().pages(), 1);
    }

    #[test]
    fn growing_keeps_content() {
        let mut memory = Memory::new(ty(1, None, true, 16), 0, false).unwrap();
        // SAFETY: in bounds.
        unsafe { *memory.base().add(65535) = 5 };
        let len = memory.grown(9).unwrap();
        memory.grow_to(len).unwrap();
        assert_eq!(memory.pages(), 10);
        // SAFETY: in bounds.
        assert_eq!(unsafe { (*memory.base().add(65535), *memory.base().add(len - 1)) }, (5, 0));
    }
}
