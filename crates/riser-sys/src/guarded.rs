//! The Linux twin: reservations whose inaccessible rest is as large as what an address can reach, so that compiled code
//! needs no comparison. They are kept for the next one when they are released.
//!
//! Mapping and unmapping 4 GiB takes 16 µs, and each page that is touched for the first time 1.5 µs more. A released
//! reservation therefore goes to a pool: what may have been written is cleared, the mapping and a few resident pages stay.
//! So making and dropping one takes 0.5 µs with 64 KiB accessible, all of them touched; with 1 MiB accessible, 1.4 µs if
//! one page at the start is touched, 35 µs if sixteen are that lie apart (`making_and_dropping` below, on an EPYC of 2.6 GHz; one that is mapped
//! anew takes 16 µs with one page touched and 38 µs with sixteen).

use crate::image::MemoryImage;
use crate::mapping::Mapping;
use crate::{OutOfMemory, faults};
use core::ops::Range;
use rustix::mm::{Advice, madvise};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many released reservations are kept.
const POOLED_MAX: usize = 64;

/// Reservations of which more was accessible are unmapped: their page tables may have become large.
const POOLED_BYTES_MAX: usize = 64 << 20;

/// So many bytes at the start of a pooled reservation are cleared by writing, and stay resident: 0.4 µs against 2.7 µs for
/// giving back one touched page, and 26 µs for sixteen. A first use is not enough for that, because
/// then most pages may not be there yet.
const RESIDENT_BYTES: usize = 64 << 10;

/// A reservation of which a first part is accessible.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// Present until it is dropped.
    mapping: Option<Mapping>,
    reserve: usize,
    image: Option<Arc<MemoryImage>>,
    reused: bool,
}

/// A released reservation: zeros, but for the bytes of the image.
#[derive(Debug)]
struct Pooled {
    mapping: Mapping,
    image: Option<(u64, Range<usize>)>,
}

static POOL: Mutex<Vec<Pooled>> = Mutex::new(Vec::new());

/// Nothing panics halfway while it holds the lock.
fn pool() -> MutexGuard<'static, Vec<Pooled>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unmaps the reservations that show an image: nobody will ask for it again.
pub(crate) fn forget_image(id: u64) {
    let shows = |pooled: &Pooled| pooled.image.as_ref().is_some_and(|(image, _)| *image == id);
    let mut forgotten = Vec::new();
    let mut pool = pool();
    while let Some(at) = pool.iter().position(shows) {
        forgotten.push(pool.swap_remove(at));
    }
    // Unmapping takes its time: not under the lock.
    drop(pool);
    drop(forgotten);
}

/// Unmaps all reservations that wait for their next use. Whether there were any.
fn drain() -> bool {
    let pooled = core::mem::take(&mut *pool());
    !pooled.is_empty()
}

impl Guarded {
    /// Reserves `total` bytes of which the first `len` are accessible and may become `reserve`, zeros and above them the bytes of the image.
    pub(crate) fn new(
        len: usize,
        reserve: usize,
        total: usize,
        image: Option<&Arc<MemoryImage>>,
    ) -> Result<Guarded, OutOfMemory> {
        let error = OutOfMemory { bytes: total };
        let fits = image.is_none_or(|image| image.pages().end <= len);
        if reserve < len || total < reserve || !fits || faults::refuses() {
            return Err(error);
        }
        if let Some(pooled) = take(len, total, image)
            && let Some(mapping) = adapt(pooled, len, image)
        {
            return Ok(Guarded {
                mapping: Some(mapping),
                reserve,
                image: image.cloned(),
                reused: true,
            });
        }
        let new = || Mapping::new(len, total);
        let mut mapping = new().or_else(|error| if drain() { new() } else { Err(error) })?;
        if let Some(image) = image {
            mapping = image.show(mapping).ok_or(error)?;
        }
        Ok(Guarded { mapping: Some(mapping), reserve, image: image.cloned(), reused: false })
    }

    fn mapping(&self) -> &Mapping {
        self.mapping.as_ref().expect("taken when dropped only")
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.mapping().base()
    }

    pub(crate) fn reserved(&self) -> usize {
        self.reserve
    }

    /// Makes the first `len` bytes accessible, at most what is reserved.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if len > self.reserve {
            return Err(OutOfMemory { bytes: len });
        }
        self.mapping.as_mut().expect("taken when dropped only").grow(len)
    }
}

/// The pooled reservation that needs the least to become what is asked for.
fn take(len: usize, total: usize, image: Option<&Arc<MemoryImage>>) -> Option<Pooled> {
    let wanted = image.map(|image| image.id());
    let effort = |pooled: &Pooled| {
        let shown = pooled.image.as_ref().map(|(id, _)| *id);
        let other_image = 2 * u32::from(shown != wanted && shown.is_some());
        other_image + u32::from(shown != wanted) + u32::from(pooled.mapping.accessible() != len)
    };
    let mut pool = pool();
    let fitting = pool.iter().enumerate().filter(|(_, pooled)| pooled.mapping.reserved() == total);
    let (at, _) = fitting.min_by_key(|(_, pooled)| effort(pooled))?;
    Some(pool.swap_remove(at))
}

/// Makes `len` bytes accessible and the image visible. Where the system refuses, the reservation is given back.
fn adapt(pooled: Pooled, len: usize, image: Option<&Arc<MemoryImage>>) -> Option<Mapping> {
    let Pooled { mut mapping, image: shown } = pooled;
    if shown.as_ref().map(|(id, _)| *id) != image.map(|image| image.id()) {
        if let Some((_, pages)) = shown {
            mapping = mapping.cover_with_zeros(pages)?;
        }
        // What was accessible stays so until the image is in its place.
        mapping.grow(len).ok()?;
        if let Some(image) = image {
            mapping = image.show(mapping)?;
        }
    }
    mapping.grow(len).ok()?;
    mapping.shrink(len).ok()?;
    Some(mapping)
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let Some(mapping) = self.mapping.take() else { return };
        if mapping.accessible() > POOLED_BYTES_MAX {
            return;
        }
        let image = self.image.as_deref();
        if !clear(&mapping, image, self.reused) {
            return;
        }
        let image = image.map(|image| (image.id(), image.pages()));
        let mut pool = pool();
        if pool.len() < POOLED_MAX {
            pool.push(Pooled { mapping, image });
        }
    }
}

/// Makes all accessible bytes zero, or what the image says. Whether that could be done.
fn clear(mapping: &Mapping, image: Option<&MemoryImage>, reused: bool) -> bool {
    let accessible = mapping.accessible();
    let written = if reused { accessible.min(RESIDENT_BYTES) } else { 0 };
    // SAFETY: the bytes are accessible, and nobody else uses the reservation any more.
    unsafe { mapping.base().write_bytes(0, written) };
    if let Some(image) = image {
        image.write_to(mapping.base(), written);
    }
    if accessible == written {
        return true;
    }
    // SAFETY: the range is accessible, private, and nobody else uses it any more: anonymous pages
    // read as zeros afterwards, those of a file as the file.
    unsafe {
        let rest = mapping.base().add(written);
        madvise(rest.cast(), accessible - written, Advice::LinuxDontNeed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: usize = (1 << 32) + (32 << 20);
    const PAGE: usize = 64 << 10;

    fn bytes(guarded: &mut Guarded, len: usize) -> &mut [u8] {
        // SAFETY: tests ask for what is accessible, and use one borrow at a time.
        unsafe { core::slice::from_raw_parts_mut(guarded.base(), len) }
    }

    #[test]
    fn recycled_bytes_are_zero_whatever_was_written() {
        for round in 0..300 {
            let len = [1, 2, 16, 3][round % 4] * PAGE;
            let mut guarded = Guarded::new(len, 1 << 32, TOTAL, None).unwrap();
            assert!(bytes(&mut guarded, len).iter().all(|&byte| byte == 0), "{round}");
            let grown = len + (round % 3) * PAGE;
            guarded.grow(grown).unwrap();
            assert!(bytes(&mut guarded, grown).iter().all(|&byte| byte == 0), "{round}");
            bytes(&mut guarded, grown).fill(round as u8 | 1);
        }
    }

    #[test]
    fn images_are_shown_and_restored() {
        let first = [7u8; 5000];
        let image =
            Arc::new(MemoryImage::new(&[(PAGE - 100, &first), (3 * PAGE, b"end")]).unwrap());
        let other = Arc::new(MemoryImage::new(&[(10, b"other")]).unwrap());
        let len = 4 * PAGE;
        for round in 0..60 {
            let shown = [Some(&image), None, Some(&other), Some(&image), Some(&image)][round % 5];
            let mut guarded = Guarded::new(len, 1 << 32, TOTAL, shown).unwrap();
            let mut expected = vec![0; len];
            match round % 5 {
                1 => {}
                2 => expected[10..15].copy_from_slice(b"other"),
                _ => {
                    expected[PAGE - 100..PAGE + 4900].fill(7);
                    expected[3 * PAGE..3 * PAGE + 3].copy_from_slice(b"end");
                }
            }
            assert!(bytes(&mut guarded, len) == expected, "{round}");
            bytes(&mut guarded, len).fill(9);
        }
        let shows = |id| pool().iter().any(|p| p.image.as_ref().is_some_and(|(i, _)| *i == id));
        let id = image.id();
        drop(image);
        assert!(!shows(id));
    }

    #[test]
    fn an_image_beyond_the_length_is_refused() {
        let image = Arc::new(MemoryImage::new(&[(PAGE, b"x")]).unwrap());
        assert!(Guarded::new(PAGE, 1 << 32, TOTAL, Some(&image)).is_err());
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        assert!(Guarded::new(PAGE, 0, TOTAL, None).is_err());
        assert!(Guarded::new(PAGE, TOTAL, PAGE, None).is_err());
        assert!(Guarded::new(PAGE, usize::MAX / 2, usize::MAX / 2, None).is_err());
        let mut guarded = Guarded::new(PAGE, 2 * PAGE, TOTAL, None).unwrap();
        guarded.grow(2 * PAGE).unwrap();
        assert!(guarded.grow(3 * PAGE).is_err());
    }

    #[test]
    fn threads_share_the_pool() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for n in 0..200 {
                        let len = (n % 3 + 1) * PAGE;
                        let mut guarded = Guarded::new(len, 1 << 32, TOTAL, None).unwrap();
                        assert!(
                            bytes(&mut guarded, len).iter().step_by(512).all(|&byte| byte == 0)
                        );
                        bytes(&mut guarded, len)
                            .iter_mut()
                            .step_by(512)
                            .for_each(|byte| *byte = thread);
                    }
                });
            }
        });
    }

    /// Prints what it measures: `cargo test --release -p riser-sys making -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn making_and_dropping() {
        for len in [PAGE, 16 * PAGE] {
            for touched in [1, 16] {
                let begin = std::time::Instant::now();
                for _ in 0..20_000 {
                    let mut guarded = Guarded::new(len, 1 << 32, TOTAL, None).unwrap();
                    bytes(&mut guarded, len)
                        .iter_mut()
                        .step_by(len / touched)
                        .for_each(|byte| *byte = 1);
                }
                println!("{len} bytes, {touched} pages touched: {:?}", begin.elapsed() / 20_000);
            }
        }
    }
}
