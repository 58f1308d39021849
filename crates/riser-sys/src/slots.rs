//! The Linux twin: small memories in slots of one size, which cost nothing before they are touched.
//!
//! The ordinary allocator clears what it hands out, and so makes all of it resident; a mapping per memory costs ten times as
//! much, and a process has thousands of mappings, not millions. A slab is one mapping of many slots. A slot that was
//! never used is clean, and so is one whose pages were given back to the system. Some that were used are kept as they
//! are and cleared when they are needed again: a store that comes and goes finds the same slot, in the processor's cache.

use crate::mapping::Mapping;
use crate::{OutOfMemory, faults};
use core::ptr::NonNull;
use rustix::mm::{Advice, madvise};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bytes of a slot: a page of WebAssembly.
pub(crate) const SLOT_BYTES: usize = 64 << 10;

/// The slots of a slab, a bit each.
const SLOTS: usize = 64;

/// How many used slots are kept as they are, 1 MiB: stores that are made and dropped one after the other have few.
const USED_MAX: usize = 16;

/// A slot in use: zeroed bytes.
#[derive(Debug)]
pub(crate) struct Slot {
    base: NonNull<u8>,
    slab: u32,
    /// So many bytes, from the first on, may have been written.
    len: usize,
}

// SAFETY: the bytes belong to this value alone; sharing it gives out only their address.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

#[derive(Debug)]
struct Slab {
    mapping: Mapping,
    /// The slots that are clean and free.
    clean: u64,
}

/// A free slot with what somebody wrote.
#[derive(Debug)]
struct Used(Slot);

#[derive(Debug)]
struct Pool {
    /// By number; `None` where a slab was given back.
    slabs: Vec<Option<Slab>>,
    /// The numbers of the slabs that have clean slots, each once.
    open: Vec<u32>,
    used: Vec<Used>,
}

static POOL: Mutex<Pool> =
    Mutex::new(Pool { slabs: Vec::new(), open: Vec::new(), used: Vec::new() });

/// Nothing panics halfway while it holds the lock.
fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    /// Zeroed bytes of which `len` will be used, at most [`SLOT_BYTES`].
    pub(crate) fn new(len: usize) -> Result<Slot, OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        if len > SLOT_BYTES || faults::refuses() {
            return Err(error);
        }
        let used = pool().used.pop();
        let (base, slab) = match used {
            Some(Used(slot)) => {
                let slot = core::mem::ManuallyDrop::new(slot);
                // SAFETY: the slot is at least so long, and nobody else has it.
                unsafe { slot.base.write_bytes(0, slot.len) };
                (slot.base, slot.slab)
            }
            None => pool().take_clean().ok_or(error)?,
        };
        Ok(Slot { base, slab, len })
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Says that `len` bytes will be used, if there are as many.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if len > SLOT_BYTES {
            return Err(OutOfMemory { bytes: len });
        }
        self.len = self.len.max(len);
        Ok(())
    }

    /// Makes it clean: all its pages go back to the system. Where that is refused, they are cleared.
    fn clean(&mut self) {
        // SAFETY: the slot is mapped, private and anonymous, so that its pages read as zeros afterwards; nobody else has it.
        unsafe {
            if madvise(self.base().cast(), SLOT_BYTES, Advice::LinuxDontNeed).is_err() {
                self.base.write_bytes(0, self.len);
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (base, slab, len) = (self.base, self.slab, self.len);
        {
            let mut pool = pool();
            if pool.used.len() < USED_MAX {
                pool.used.push(Used(Slot { base, slab, len }));
                return;
            }
        }
        self.clean();
        // The mapping of a slab that is empty is given back after the lock is released.
        let empty = pool().put_clean(base, slab);
        drop(empty);
    }
}

impl Pool {
    /// A clean slot: its address and the number of its slab.
    fn take_clean(&mut self) -> Option<(NonNull<u8>, u32)> {
        loop {
            let Some(&number) = self.open.last() else {
                self.add_slab()?;
                continue;
            };
            match self.slabs.get_mut(number as usize) {
                Some(Some(slab)) if slab.clean != 0 => {
                    let at = slab.clean.trailing_zeros();
                    slab.clean &= slab.clean - 1;
                    if slab.clean == 0 {
                        self.open.pop();
                    }
                    // SAFETY: the slab has so many slots.
                    let base = unsafe { slab.mapping.base().add(at as usize * SLOT_BYTES) };
                    return Some((NonNull::new(base)?, number));
                }
                _ => drop(self.open.pop()),
            }
        }
    }

    fn add_slab(&mut self) -> Option<()> {
        let bytes = SLOTS * SLOT_BYTES;
        let mapping = Mapping::new(bytes, bytes).ok()?;
        // SAFETY: exactly the new mapping. Touching a page must not make a larger one resident; a system that does not
        // know the advice has no larger ones.
        let _ = unsafe { madvise(mapping.base().cast(), bytes, Advice::LinuxNoHugepage) };
        let slab = Some(Slab { mapping, clean: u64::MAX });
        let vacant = self.slabs.iter().position(Option::is_none);
        let number = vacant.unwrap_or(self.slabs.len());
        match vacant {
            Some(number) => self.slabs[number] = slab,
            None => self.slabs.push(slab),
        }
        self.open.push(number as u32);
        Some(())
    }

    /// Takes back a clean slot; gives its slab if that is not needed any more.
    fn put_clean(&mut self, base: NonNull<u8>, number: u32) -> Option<Slab> {
        let place = self.slabs.get_mut(number as usize)?;
        let slab = place.as_mut()?;
        if slab.clean == 0 {
            self.open.push(number);
        }
        slab.clean |= 1 << ((base.addr().get() - slab.mapping.base().addr()) / SLOT_BYTES);
        // One open slab stays, so that a slot that comes and goes does not map one each time.
        if slab.clean != u64::MAX || self.open.len() == 1 {
            return None;
        }
        let slab = place.take();
        self.open.retain(|&other| other != number);
        slab
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_zero(slot: &Slot) -> bool {
        // SAFETY: the slot has so many bytes, and this test alone has it.
        let bytes = unsafe { core::slice::from_raw_parts(slot.base(), SLOT_BYTES) };
        bytes.iter().all(|&byte| byte == 0)
    }

    #[test]
    fn slots_are_zero_and_apart_however_they_come_and_go() {
        for round in 0..3 {
            let mut slots: Vec<Slot> = (0..200).map(|_| Slot::new(100).unwrap()).collect();
            for (n, slot) in slots.iter_mut().enumerate() {
                assert!(is_zero(slot), "{n} in round {round}");
                slot.grow(SLOT_BYTES).unwrap();
                // SAFETY: the slot has so many bytes.
                unsafe { slot.base().write_bytes(n as u8 + 1, SLOT_BYTES) };
            }
            for (n, slot) in slots.iter().enumerate() {
                // SAFETY: as above.
                let ends = unsafe { (*slot.base(), *slot.base().add(SLOT_BYTES - 1)) };
                assert_eq!(ends, (n as u8 + 1, n as u8 + 1));
            }
            // In another order than they came.
            while !slots.is_empty() {
                slots.swap_remove(slots.len() * 2 / 3);
            }
        }
        let pool = pool();
        let open = pool.slabs.iter().flatten().filter(|slab| slab.clean != 0).count();
        assert_eq!(open, pool.open.len());
        assert!(pool.slabs.iter().flatten().count() <= 4 + USED_MAX, "{pool:?}");
        drop(pool);
        assert!(Slot::new(SLOT_BYTES + 1).is_err());
        assert!(Slot::new(1).unwrap().grow(SLOT_BYTES + 1).is_err());
    }

    #[test]
    fn threads_share_the_slots() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for n in 0..300 {
                        let slots: Vec<Slot> = (0..n % 40).map(|_| Slot::new(9).unwrap()).collect();
                        for slot in &slots {
                            // SAFETY: the slot has so many bytes, and this thread alone has it.
                            unsafe {
                                assert_eq!(*slot.base(), 0);
                                *slot.base() = thread + 1;
                            }
                        }
                        // SAFETY: as above.
                        assert!(slots.iter().all(|slot| unsafe { *slot.base() } == thread + 1));
                    }
                });
            }
        });
    }
}
