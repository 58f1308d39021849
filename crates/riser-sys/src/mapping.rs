//! The Unix twin: address space that is reserved at once and made accessible bit by bit.
//!
//! Accessible bytes need no swap or memory before they are touched (`MAP_NORESERVE`), so a large reservation
//! costs page tables only.

use crate::{OutOfMemory, faults};
#[cfg(target_os = "linux")]
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
#[cfg(target_os = "linux")]
use rustix::mm::{Advice, MremapFlags, madvise, mmap, mremap};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// A range of address space; its first `accessible` bytes can be used and were zero at first.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    reserved: usize,
    accessible: usize,
}

/// How many mappings the process may have before new requests are refused. Each is two to the kernel (accessible and
/// reserved), or four if it shows an image, whose own limit is 65,530 by default, and the allocator needs some as well. At
/// 4 GiB each they take half of the 47-bit address space.
const MAPPINGS_MAX: usize = 16_000;

static MAPPINGS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the range belongs to this value alone; sharing it gives out only its address.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

fn round_to_pages(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(rustix::param::page_size())
}

impl Mapping {
    /// Whether address space can be mapped here at all.
    pub(crate) const EXISTS: bool = true;

    /// Reserves `reserve` bytes and makes the first `len` of them accessible.
    pub(crate) fn new(len: usize, reserve: usize) -> Result<Mapping, OutOfMemory> {
        let error = OutOfMemory { bytes: reserve };
        if faults::refuses() || MAPPINGS.load(Ordering::Relaxed) >= MAPPINGS_MAX {
            return Err(error);
        }
        let reserved = round_to_pages(reserve.max(len).max(1)).ok_or(error)?;
        let accessible = round_to_pages(len).ok_or(error)?;
        let (prot, rest) = if accessible == reserved {
            (ProtFlags::READ | ProtFlags::WRITE, 0)
        } else {
            (ProtFlags::empty(), accessible)
        };
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address that the system chooses touches nothing that exists.
        let base = unsafe { mmap_anonymous(core::ptr::null_mut(), reserved, prot, flags) };
        let base = base.ok().and_then(|base| NonNull::new(base.cast::<u8>())).ok_or(error)?;
        MAPPINGS.fetch_add(1, Ordering::Relaxed);
        let mut mapping = Mapping { base, reserved, accessible: accessible - rest };
        mapping.grow(len)?;
        Ok(mapping)
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// How many bytes are accessible: whole pages.
    #[cfg(target_os = "linux")]
    pub(crate) fn accessible(&self) -> usize {
        self.accessible
    }

    /// Makes the first `len` bytes accessible. Fails if they exceed the reservation, or if the system refuses.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let wanted = round_to_pages(len).filter(|&wanted| wanted <= self.reserved).ok_or(error)?;
        if wanted <= self.accessible {
            return Ok(());
        }
        if faults::refuses() {
            return Err(error);
        }
        let more = wanted - self.accessible;
        // SAFETY: the range lies in this reservation, and nobody uses it yet since it was inaccessible.
        let done = unsafe {
            let start = self.base.as_ptr().add(self.accessible);
            mprotect(start.cast(), more, MprotectFlags::READ | MprotectFlags::WRITE)
        };
        done.map_err(|_| error)?;
        self.accessible = wanted;
        Ok(())
    }
}

/// What a mapping of a file is for.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileUsage {
    /// To be read.
    Read,
    /// To be written, for all who map the file.
    Write,
    /// To be executed, as it is and as others write it.
    Execute,
    /// To be executed, as it is.
    ExecutePrivate,
}

/// What mappings of files need.
#[cfg(target_os = "linux")]
impl Mapping {
    /// `len` bytes of a file from `offset` on, a multiple of the page size. Nothing of it counts as accessible.
    pub(crate) fn of_file(
        file: &std::fs::File,
        offset: u64,
        len: usize,
        usage: FileUsage,
    ) -> Option<Mapping> {
        if len == 0 {
            return Mapping::new(0, 0).ok();
        }
        if MAPPINGS.load(Ordering::Relaxed) >= MAPPINGS_MAX {
            return None;
        }
        let (prot, flags) = match usage {
            FileUsage::Read => (ProtFlags::READ, MapFlags::PRIVATE),
            FileUsage::Write => (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED),
            FileUsage::Execute => (ProtFlags::READ | ProtFlags::EXEC, MapFlags::SHARED),
            FileUsage::ExecutePrivate => (ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE),
        };
        // SAFETY: a new mapping at an address that the system chooses touches nothing that exists.
        let base = unsafe { mmap(core::ptr::null_mut(), len, prot, flags, file, offset) };
        let base = NonNull::new(base.ok()?.cast::<u8>())?;
        MAPPINGS.fetch_add(1, Ordering::Relaxed);
        Some(Mapping { base, reserved: len, accessible: 0 })
    }

    /// The same `len` bytes twice, a multiple of the page size: to be executed, and to be written. Nothing of them counts as accessible.
    pub(crate) fn twice(len: usize) -> Option<(Mapping, Mapping)> {
        if MAPPINGS.load(Ordering::Relaxed) >= MAPPINGS_MAX {
            return None;
        }
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        let of = |base: *mut core::ffi::c_void| {
            let base = NonNull::new(base.cast::<u8>())?;
            MAPPINGS.fetch_add(1, Ordering::Relaxed);
            Some(Mapping { base, reserved: len, accessible: 0 })
        };
        // SAFETY: new mappings at addresses that the system chooses touch nothing that exists. Pages that are shared stay where they
        // are when no bytes of them are moved (as `mremap(2)` says), and have another address then.
        let (executed, written) = unsafe {
            let written = of(mmap_anonymous(core::ptr::null_mut(), len, prot, flags).ok()?)?;
            let from = written.base.as_ptr().cast();
            (of(mremap(from, 0, len, MremapFlags::MAYMOVE).ok()?)?, written)
        };
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: the whole new mapping, which nobody uses yet.
        unsafe { mprotect(executed.base.as_ptr().cast(), len, flags) }.ok()?;
        Some((executed, written))
    }

    /// Reserves `total` bytes of which all but the first `guard` are accessible, a multiple of the page size.
    pub(crate) fn with_guard(guard: usize, total: usize) -> Result<Mapping, OutOfMemory> {
        let mut mapping = Mapping::new(total, total)?;
        // SAFETY: the range is in the new mapping, which nobody uses yet. Touching a page must not make a larger one
        // resident; a system that does not know the advice has no larger ones.
        let done = unsafe {
            let _ = madvise(mapping.base().cast(), total, Advice::LinuxNoHugepage);
            mprotect(mapping.base().cast(), guard, MprotectFlags::empty())
        };
        done.map_err(|_| OutOfMemory { bytes: total })?;
        mapping.accessible = total - guard;
        Ok(mapping)
    }

    /// Makes pages executable instead of writable. All are accessible; what of them is still to be written is the caller's affair.
    pub(crate) fn make_executable(&mut self, pages: Range<usize>) -> Result<(), OutOfMemory> {
        assert!(pages.end <= self.accessible);
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: the range is accessible and held mutably.
        let done =
            unsafe { mprotect(self.base.as_ptr().add(pages.start).cast(), pages.len(), flags) };
        done.map_err(|_| OutOfMemory { bytes: pages.len() })
    }

    /// Asks the system for large pages, as far as it has some. All pages are accessible, and none was touched.
    pub(crate) fn prefer_large(&mut self, pages: Range<usize>) {
        self.advise(pages, Advice::LinuxHugepage);
    }

    /// Gives the memory of accessible pages back, which are zero from now on.
    pub(crate) fn forget(&mut self, pages: Range<usize>) {
        self.advise(pages, Advice::LinuxDontNeed);
    }

    fn advise(&mut self, pages: Range<usize>, advice: Advice) {
        assert!(pages.start <= pages.end && pages.end <= self.accessible);
        // SAFETY: the range is accessible private memory and held mutably.
        let advised =
            unsafe { madvise(self.base.as_ptr().add(pages.start).cast(), pages.len(), advice) };
        // Who does not follow it has more work, or less memory.
        let _ = advised;
    }

    /// Makes all but the first `len` bytes inaccessible. What was in them must be zero, for that is what those expect who
    /// make them accessible again.
    pub(crate) fn shrink(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let wanted = round_to_pages(len).ok_or(error)?;
        if wanted >= self.accessible {
            return Ok(());
        }
        let less = self.accessible - wanted;
        // SAFETY: the range lies in this reservation, of which nobody uses anything: it is held mutably.
        let done = unsafe {
            mprotect(self.base.as_ptr().add(wanted).cast(), less, MprotectFlags::empty())
        };
        done.map_err(|_| error)?;
        self.accessible = wanted;
        Ok(())
    }

    /// Replaces accessible pages by a private copy of bytes of a file, from `start` on.
    pub(crate) fn cover_with_file(
        self,
        pages: Range<usize>,
        file: &std::fs::File,
        start: u64,
    ) -> Option<Mapping> {
        let (prot, flags) =
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        assert!(pages.end <= self.accessible && !pages.is_empty());
        // SAFETY: the range is in this mapping, which nobody uses yet, since it is owned here.
        let covered = unsafe {
            let at = self.base.as_ptr().add(pages.start).cast();
            mmap(at, pages.len(), prot, flags | MapFlags::NORESERVE, file, start)
        };
        self.unless_broken(covered.is_ok())
    }

    /// Replaces accessible pages by zeros.
    pub(crate) fn cover_with_zeros(self, pages: Range<usize>) -> Option<Mapping> {
        if pages.is_empty() {
            return Some(self);
        }
        let (prot, flags) =
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        assert!(pages.end <= self.accessible);
        // SAFETY: as above.
        let covered = unsafe {
            let at = self.base.as_ptr().add(pages.start).cast();
            mmap_anonymous(at, pages.len(), prot, flags | MapFlags::NORESERVE)
        };
        self.unless_broken(covered.is_ok())
    }

    /// Gives up a mapping that the system may have left with a hole. It is not unmapped, because somebody else's mapping may
    /// be in the hole by now.
    fn unless_broken(self, whole: bool) -> Option<Mapping> {
        if whole {
            return Some(self);
        }
        core::mem::forget(self);
        None
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `new` mapped, and nobody else has a claim on it. If the system refuses
        // to unmap, the address space is lost and nothing else.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.reserved) };
        MAPPINGS.fetch_sub(1, Ordering::Relaxed);
    }
}
