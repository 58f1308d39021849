//! What the memories of a module's instances hold at first, as images that are mapped copy-on-write: then data that an instance
//! does not touch costs it nothing.
//!
//! Images are made when a module is instantiated for the second time. A process that makes one instance would copy all data into the image and
//! then what is touched out of it again. Where there is a copy of the module (`copies.rs`), the images are in it, and the first instance has them too.
//!
//! A module has images only if it is certain, before anything is known of an instance, that its data segments will be copied, all of them, and
//! to where: to memories of its own, at constant addresses within their initial size. So no order of segments can be
//! observed but one: segments of elements come before, and if one of them does not fit, no data is written (see [`hide`]).

use crate::memory::Memory;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};
use riser_abi::is_guarded;
use riser_module::{ConstExpr, ConstOp, DataMode, DataSegment, MemoryType, Module};
use riser_ops::MemoryIdx;
use riser_sys::MemoryImage;
use std::sync::{Arc, OnceLock};

/// Memories with less data than this have no image: with 64 KiB, which a reservation that is used again keeps resident, it is copied as fast. With
/// 128 KiB an instance of which eight pages of data are touched takes 54 to 59 µs, and 77 to 97 if all is copied.
const DATA_MIN: usize = 128 << 10;

/// An image may be so many times as long as the data in it. What is between takes address space and page tables.
const STRETCH_MAX: usize = 16;

/// Only the first memories of a module have images.
const MEMORIES_MAX: usize = 64;

/// The images of a module.
#[derive(Debug, Default)]
pub(crate) struct MemoryImages {
    /// Whether there was an instance.
    used: AtomicBool,
    /// By memory; empty if there is none.
    images: OnceLock<Box<[Option<Arc<MemoryImage>>]>>,
    /// Whether it is known that each data segment is an active one that an image has.
    have_all: bool,
}

impl MemoryImages {
    /// Images that were made before.
    pub(crate) fn known(images: Box<[Option<Arc<MemoryImage>>]>, have_all: bool) -> MemoryImages {
        MemoryImages { used: AtomicBool::new(true), images: images.into(), have_all }
    }

    /// Whether all data segments are those of memories that show images.
    pub(crate) fn have_all(&self, shown: Shown) -> bool {
        let images = self.images.get().filter(|_| self.have_all);
        images.is_some_and(|images| {
            let shows = |at: usize| shown.contains(MemoryIdx(at as u32));
            images.iter().enumerate().all(|(at, image)| image.is_none() || shows(at))
        })
    }

    /// The images, made now unless they are there.
    pub(crate) fn of(&self, module: &Module) -> &[Option<Arc<MemoryImage>>] {
        self.images.get_or_init(|| images(module))
    }

    /// The images for the next instance, by memory.
    pub(crate) fn for_instance(&self, module: &Module) -> &[Option<Arc<MemoryImage>>] {
        if self.images.get().is_none() && !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
            return &[];
        }
        self.of(module)
    }
}

/// Whether each data segment is an active one, at a constant address in a memory that has an image.
pub(crate) fn have_all(module: &Module, images: &[Option<Arc<MemoryImage>>]) -> bool {
    module.data().iter().all(|segment| match &segment.mode {
        DataMode::Active { memory, offset } => {
            let image = images.get(memory.index());
            address(offset).is_some() && image.is_some_and(Option::is_some)
        }
        DataMode::Passive => false,
    })
}

/// Whether the memory of an instance shows an image: a bit for each memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown(u64);

impl Shown {
    pub(crate) fn insert(&mut self, memory: MemoryIdx) {
        self.0 |= 1 << memory.0;
    }

    pub(crate) fn contains(self, memory: MemoryIdx) -> bool {
        (memory.index() < MEMORIES_MAX) && self.0 >> memory.0 & 1 != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Whether a memory of this type can show an image, where memories have guards.
fn can_show(ty: &MemoryType) -> bool {
    !ty.shared && is_guarded(ty.memory64, ty.page_size_log2)
}

fn images(module: &Module) -> Box<[Option<Arc<MemoryImage>>]> {
    let Some(placed) = placed(module) else { return Box::default() };
    let image = |(at, ty): (usize, &MemoryType)| {
        let of_this = || placed.iter().filter(|(memory, ..)| memory.index() == at);
        let len: usize = of_this().map(|(_, _, data)| data.len()).sum();
        let start = of_this().map(|(_, start, _)| *start).min()?;
        let end = of_this().map(|(_, start, data)| start + data.len()).max()?;
        if !can_show(ty) || len < DATA_MIN || (end - start) / STRETCH_MAX > len {
            return None;
        }
        let pieces: Vec<(usize, &[u8])> =
            of_this().map(|(_, start, data)| (*start, *data)).collect();
        // Where the system has no file for it, data is copied.
        MemoryImage::new(&pieces).ok().map(Arc::new)
    };
    let images = module.memories.iter().enumerate().take(MEMORIES_MAX).map(image);
    let images: Box<[_]> = images.collect();
    if images.iter().all(Option::is_none) { Box::default() } else { images }
}

/// Whether pages of the system lie in a memory that an instance makes, and that may show an image.
pub(crate) fn fits(module: &Module, memory: MemoryIdx, pages: &Range<usize>) -> bool {
    /// The smallest page that systems have. Where theirs are larger, a memory with small pages of its own may show no image.
    const PAGE_BYTES: u64 = 4096;
    let own = (module.imported.memories..MEMORIES_MAX as u32).contains(&memory.0);
    let ty = module.memories.get(memory.index()).filter(|_| own);
    let size = ty.and_then(|ty| ty.limits.min.checked_mul(ty.page_size()));
    let end = size.and_then(|size| size.checked_next_multiple_of(PAGE_BYTES));
    end.is_some_and(|end| pages.end as u64 <= end)
}

/// Where all data goes, in order; `None` if that depends on the instance or does not fit.
fn placed(module: &Module) -> Option<Vec<(MemoryIdx, usize, &[u8])>> {
    let place = |segment: &DataSegment| match &segment.mode {
        DataMode::Active { memory, offset } => Some((*memory, address(offset))),
        DataMode::Passive => None,
    };
    let active = module.data().iter().filter_map(|segment| Some((place(segment)?, segment)));
    let mut placed = Vec::new();
    for ((memory, start), segment) in active {
        let ty = module.memories.get(memory.index())?;
        let imported = memory.0 < module.imported.memories;
        let data = module.bytes.get(segment.range.clone())?;
        let size = ty.limits.min.checked_mul(ty.page_size())?;
        let end = start?.checked_add(data.len() as u64)?;
        if imported || end > size {
            return None;
        }
        placed.push((memory, usize::try_from(start?).ok()?, data));
    }
    Some(placed)
}

fn address(offset: &ConstExpr) -> Option<u64> {
    match *offset.ops() {
        [ConstOp::I32Const(address)] => Some(u64::from(address as u32)),
        [ConstOp::I64Const(address)] => Some(address as u64),
        _ => None,
    }
}

/// Makes the bytes of a memory that shows an image zero: the instance ends before its data is copied, and a function of it that is in a table
/// already may see the memory.
///
/// # Safety
/// Nobody else uses the memory.
pub(crate) unsafe fn hide(memory: *mut Memory, image: &MemoryImage) {
    let pages = image.pages();
    // SAFETY: the caller's promise. An image lies within the memory's bytes.
    unsafe { (*memory).base().add(pages.start).write_bytes(0, pages.len()) };
}
