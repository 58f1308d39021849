//! Stands in for `image.rs` where memories cannot show a file: the bytes are kept to be copied.

use crate::OutOfMemory;
use core::ops::Range;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// What a memory holds at first: pieces, and zeros elsewhere.
#[derive(Debug)]
pub struct MemoryImage {
    start: usize,
    bytes: Vec<u8>,
}

impl MemoryImage {
    /// An image of pieces and where they lie in a memory; later ones cover earlier ones.
    pub fn new(pieces: &[(usize, &[u8])]) -> Result<MemoryImage, OutOfMemory> {
        let pieces = || pieces.iter().filter(|(_, bytes)| !bytes.is_empty());
        let start = pieces().map(|(at, _)| *at).min().unwrap_or(0);
        let mut image = MemoryImage { start, bytes: Vec::new() };
        for (at, bytes) in pieces() {
            let end = (at - start).saturating_add(bytes.len());
            let more = end.saturating_sub(image.bytes.len());
            image.bytes.try_reserve(more).map_err(|_| OutOfMemory { bytes: end })?;
            image.bytes.resize(image.bytes.len() + more, 0);
            image.bytes[at - start..end].copy_from_slice(bytes);
        }
        Ok(image)
    }

    /// An image that is in a file, from `start` on.
    ///
    /// # Errors
    /// If the file does not have so many bytes.
    ///
    /// # Safety
    /// None is needed here: the bytes are copied.
    pub unsafe fn of_file(
        mut file: File,
        start: u64,
        pages: Range<usize>,
    ) -> Result<MemoryImage, OutOfMemory> {
        let error = OutOfMemory { bytes: pages.len() };
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(pages.len()).map_err(|_| error)?;
        bytes.resize(pages.len(), 0);
        file.seek(SeekFrom::Start(start)).map_err(|_| error)?;
        file.read_exact(&mut bytes).map_err(|_| error)?;
        Ok(MemoryImage { start: pages.start, bytes })
    }

    /// The bytes of a memory that the image covers.
    pub fn pages(&self) -> Range<usize> {
        self.start..self.start + self.bytes.len()
    }

    /// What they hold.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
