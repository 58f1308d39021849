//! The Linux twin: what a memory holds at first, in a file without a name that is mapped copy-on-write, so that a
//! page costs nothing before it is touched.

use crate::mapping::{FileUsage, Mapping};
use crate::{OutOfMemory, faults, file_bytes_max, guarded};
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// What a memory holds at first: pieces, and zeros elsewhere.
#[derive(Debug)]
pub struct MemoryImage {
    file: File,
    /// Where in the file they begin.
    start: u64,
    /// Which pages of a memory the file has, in bytes.
    pages: Range<usize>,
    /// The file's bytes to be read.
    view: Mapping,
    id: u64,
    _counted: Counted,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// How many images the process may have: each keeps a file open, of which a process has 1024 where nobody says otherwise.
const IMAGES_MAX: usize = 256;

static IMAGES: AtomicUsize = AtomicUsize::new(0);

/// Counts an image.
#[derive(Debug)]
struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(counter: &'static AtomicUsize) -> Option<Counted> {
        let add = |images| (images < IMAGES_MAX).then_some(images + 1);
        let added = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.is_ok().then(|| Counted(counter))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl MemoryImage {
    /// An image of pieces and where they lie in a memory; later ones cover earlier ones.
    pub fn new(pieces: &[(usize, &[u8])]) -> Result<MemoryImage, OutOfMemory> {
        let pieces = || pieces.iter().filter(|(_, bytes)| !bytes.is_empty());
        let page = rustix::param::page_size();
        let start = pieces().map(|(at, _)| *at).min().unwrap_or(0) / page * page;
        let mut end = start;
        for (at, bytes) in pieces() {
            let behind =
                at.checked_add(bytes.len()).and_then(|end| end.checked_next_multiple_of(page));
            end = end.max(behind.ok_or(OutOfMemory { bytes: usize::MAX })?);
        }
        let error = OutOfMemory { bytes: end - start };
        if faults::refuses() {
            return Err(error);
        }
        // The system would end the process.
        if file_bytes_max().is_some_and(|max| max < (end - start) as u64) {
            return Err(error);
        }
        let counted = Counted::new(&IMAGES).ok_or(error)?;
        let file = File::from(
            memfd_create("riser-memory", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
                .map_err(|_| error)?,
        );
        file.set_len((end - start) as u64).map_err(|_| error)?;
        for (at, bytes) in pieces() {
            file.write_all_at(bytes, (at - start) as u64).map_err(|_| error)?;
        }
        // Nobody else knows the file; that it cannot change is a second wall, which old systems do not have.
        let _ = fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW);
        let view = Mapping::of_file(&file, 0, end - start, FileUsage::Read).ok_or(error)?;
        Ok(MemoryImage {
            file,
            start: 0,
            pages: start..end,
            view,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            _counted: counted,
        })
    }

    /// An image that is in a file, from `start` on, a multiple of the page size. `pages` are those of a memory, in bytes; those of the file behind
    /// them are zeros or its end.
    ///
    /// # Errors
    /// If the file does not have so many bytes, or cannot be mapped, or there are too many images.
    ///
    /// # Safety
    /// Nobody changes the file or makes it shorter while the image, or a memory that shows it, is in use.
    pub unsafe fn of_file(
        file: File,
        start: u64,
        pages: Range<usize>,
    ) -> Result<MemoryImage, OutOfMemory> {
        let page = rustix::param::page_size();
        let error = OutOfMemory { bytes: pages.len() };
        let end = start.checked_add(pages.len() as u64).ok_or(error)?;
        let is_there = file.metadata().is_ok_and(|metadata| metadata.len() >= end);
        let whole = [pages.start, pages.end].iter().all(|place| place.is_multiple_of(page));
        if !is_there || !whole || !start.is_multiple_of(page as u64) || faults::refuses() {
            return Err(error);
        }
        let counted = Counted::new(&IMAGES).ok_or(error)?;
        let view = Mapping::of_file(&file, start, pages.len(), FileUsage::Read).ok_or(error)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(MemoryImage { file, start, pages, view, id, _counted: counted })
    }

    /// The bytes of a memory that the image covers: whole pages of the system.
    pub fn pages(&self) -> Range<usize> {
        self.pages.clone()
    }

    /// What they hold.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the view has so many bytes, which can be read and stay while it does. They never change: nobody else has the file, or who
        // gave it promised that.
        unsafe { core::slice::from_raw_parts(self.view.base(), self.pages.len()) }
    }

    /// Tells it from all other images of the process, also from those that are no more.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Maps the image into a reservation, whose accessible part reaches to its end. Where the system refuses,
    /// the reservation is lost.
    pub(crate) fn show(&self, mapping: Mapping) -> Option<Mapping> {
        if self.pages.is_empty() {
            return Some(mapping);
        }
        mapping.cover_with_file(self.pages(), &self.file, self.start)
    }

    /// Writes what the image has of the first `len` bytes of a memory. The caller has them for itself.
    pub(crate) fn write_to(&self, base: *mut u8, len: usize) {
        let written = self.pages.end.min(len).saturating_sub(self.pages.start);
        // SAFETY: so many bytes are in the view, and behind `base` plus where they begin.
        unsafe {
            base.add(self.pages.start.min(len)).copy_from_nonoverlapping(self.view.base(), written);
        }
    }
}

impl Drop for MemoryImage {
    fn drop(&mut self) {
        guarded::forget_image(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_not_too_many_images() {
        // Other tests make images meanwhile.
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let counted: Vec<Counted> = core::iter::from_fn(|| Counted::new(&COUNTER)).collect();
        assert_eq!(counted.len(), IMAGES_MAX);
        drop(counted);
        assert!(Counted::new(&COUNTER).is_some());
    }

    #[test]
    fn an_image_in_a_file_is_as_one_that_was_made() {
        let path = std::env::temp_dir().join(format!("riser-image-{}", std::process::id()));
        let page = rustix::param::page_size();
        let mut bytes = vec![1; page];
        bytes.extend(vec![2; 2 * page]);
        std::fs::write(&path, &bytes).unwrap();
        let open = || File::open(&path).unwrap();
        let pages = 4 * page..6 * page;
        let of = |start, pages| {
            // SAFETY: nobody else knows the file.
            unsafe { MemoryImage::of_file(open(), start, pages) }
        };
        let image = of(page as u64, pages.clone()).unwrap();
        assert_eq!((image.pages(), image.bytes()), (pages.clone(), &bytes[page..]));
        let len = 8 * page;
        let shown = crate::guarded::Guarded::new(len, len, len, Some(&std::sync::Arc::new(image)));
        let shown = shown.unwrap();
        // SAFETY: so many bytes are accessible, and the memory is this test's.
        let memory = unsafe { core::slice::from_raw_parts_mut(shown.base(), len) };
        assert_eq!(memory[pages.clone()], bytes[page..]);
        assert!(memory[..pages.start].iter().chain(&memory[pages.end..]).all(|&byte| byte == 0));
        memory.fill(9);
        assert!(std::fs::read(&path).unwrap() == bytes, "the file stays as it is");
        assert!(of(2 * page as u64, pages.clone()).is_err(), "beyond the end");
        assert!(of(1, pages.clone()).is_err() && of(0, 1..page).is_err());
        drop(shown);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn pieces_lie_where_they_belong() {
        let image = MemoryImage::new(&[(70_000, b"abc"), (140_000, b""), (70_001, b"x")]).unwrap();
        let pages = image.pages();
        assert!(pages.start <= 70_000 && pages.end >= 70_003 && pages.len() <= 128 << 10);
        let at = 70_000 - pages.start;
        assert_eq!(&image.bytes()[at - 1..at + 4], b"\0axc\0");
        assert!(MemoryImage::new(&[]).unwrap().bytes().is_empty());
        assert!(MemoryImage::new(&[(usize::MAX - 1, b"abc")]).is_err());
        crate::faults::plan(0..1);
        assert!(MemoryImage::new(&[(0, b"abc")]).is_err());
        crate::faults::plan(0..0);
    }
}
