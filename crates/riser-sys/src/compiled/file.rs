//! Files that are mapped to be read.

use crate::mapping::{FileUsage, Mapping};
use crate::{OutOfMemory, faults};
use std::fs::File;

/// The first bytes of a file, read from the disk as they are looked at.
#[derive(Debug)]
pub struct FileMapping {
    pages: Mapping,
    len: usize,
}

impl FileMapping {
    /// Maps the first `len` bytes of a file.
    pub fn new(file: &File, len: usize) -> Result<FileMapping, OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let there = file.metadata().is_ok_and(|file| file.len() >= len as u64);
        if !there || faults::refuses() {
            return Err(error);
        }
        let pages = Mapping::of_file(file, 0, len, FileUsage::Read).ok_or(error)?;
        Ok(FileMapping { pages, len })
    }

    /// The bytes.
    ///
    /// # Safety
    /// Nobody changes the file or makes it shorter while the result is in use.
    pub unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped as long as `self` is there, and do not change, says the caller. The address
        // of a mapping is never null.
        unsafe { core::slice::from_raw_parts(self.pages.base(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_mapped_is_the_start_of_the_file() {
        let path = std::env::temp_dir().join(format!("riser-mapped-{}", std::process::id()));
        let mut file = File::create_new(&path).unwrap();
        file.write_all(b"content").unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for len in [0, 4, 7] {
            let mapping = FileMapping::new(&file, len).unwrap();
            // SAFETY: the file has no name any more, and this test does not change it.
            assert_eq!(unsafe { mapping.bytes() }, &b"content"[..len]);
        }
        assert!(FileMapping::new(&file, 8).is_err());
    }
}
