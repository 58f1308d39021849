//! Copies: the binary of a module beside what its start needs, as a file that is mapped rather than read. So a large module is ready without
//! looking at most of its bytes.
//!
//! All numbers are little-endian.
//!
//! | part | content |
//! | --- | --- |
//! | header | 128 bytes, with numbers where the module `at` says |
//! | memories | a row of 24 bytes each: index, address of the first byte, number of bytes |
//! | bodies | where each body is in the module: start and end, 4 bytes each |
//! | module | the module's binary, from a multiple of [`ALIGNMENT`] on |
//! | images | what the memories hold at first, in the order of the rows, each from a multiple of [`ALIGNMENT`] on |
//!
//! The *head*, which is everything before the module, has a checksum that is always compared. All that follows has another one, which takes
//! longer: about 3 ms for 27 MB. When that is compared is for the owner of the file to decide. As in images of code (`image.rs`), checksums are for
//! accidents.

use crate::image::{CODE_ALIGNMENT, checksum, u32_at, u64_at};
use alloc::vec::Vec;
use core::ops::Range;

/// What a copy begins with.
const MAGIC: [u8; 8] = *b"\x7Frs-mod\n";

/// The format that this code reads and writes.
const VERSION: u32 = 1;

/// Where module and images begin: a multiple of this.
const ALIGNMENT: u64 = CODE_ALIGNMENT;

const HEADER_BYTES: usize = 128;
const MEMORY_BYTES: usize = 24;
const BODY_BYTES: usize = 8;

/// Each data segment is an active one at a constant address within a memory whose image the copy has.
const FLAG_PLACED: u32 = 1;

/// Where numbers stand in the header.
mod at {
    pub const CHECKSUM: usize = 8;
    pub const VERSION: usize = 16;
    pub const FLAGS: usize = 20;
    pub const HASH: usize = 24;
    pub const MEMORIES: usize = 56;
    pub const BODIES: usize = 60;
    pub const MODULE_BYTES: usize = 64;
    pub const FILE_BYTES: usize = 72;
    pub const CONTENT: usize = 80;
}

/// What a copy is made of.
#[derive(Clone, Debug)]
pub struct CopySource<'a> {
    /// The hash of the module's bytes.
    pub hash: [u8; 32],
    /// The module's binary.
    pub module: &'a [u8],
    /// Where each body is in it.
    pub bodies: &'a [(u32, u32)],
    /// What memories hold at first: index, address of the first byte (a multiple of the page size), the bytes.
    pub images: &'a [(u32, u64, &'a [u8])],
    /// Whether that is all data of the module.
    pub data_is_placed: bool,
}

/// What a memory holds at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedMemory {
    /// Its index.
    pub memory: u32,
    /// The address of the first byte in the memory.
    pub address: u64,
    /// How many bytes there are.
    pub bytes: u64,
    /// Where they are in the file.
    pub start: u64,
}

/// Where the parts of a copy are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyLayout {
    flags: u32,
    hash: [u8; 32],
    memories: u32,
    bodies: u32,
    module_bytes: u64,
    file_bytes: u64,
    content: u64,
}

impl CopyLayout {
    /// Reads the head of a file of `file_bytes`, of which `bytes` is the start. `None` if it is something else, or damaged.
    pub fn read(bytes: &[u8], file_bytes: u64) -> Option<CopyLayout> {
        let is_it = bytes.get(..MAGIC.len())? == MAGIC && u32_at(bytes, at::VERSION)? == VERSION;
        let layout = CopyLayout {
            flags: u32_at(bytes, at::FLAGS)?,
            hash: bytes.get(at::HASH..at::HASH + 32)?.try_into().ok()?,
            memories: u32_at(bytes, at::MEMORIES)?,
            bodies: u32_at(bytes, at::BODIES)?,
            module_bytes: u64_at(bytes, at::MODULE_BYTES)?,
            file_bytes: u64_at(bytes, at::FILE_BYTES)?,
            content: u64_at(bytes, at::CONTENT)?,
        };
        let head = bytes.get(..usize::try_from(layout.head_bytes()).ok()?)?;
        let sum = u64_at(head, at::CHECKSUM)?;
        // A fuzzer does not find checksums, and what is behind them must not rely on them.
        let is_whole = cfg!(fuzzing) || checksum(&head[at::VERSION..]) == sum;
        let fits = layout.file_bytes == file_bytes && layout.parts_fit(bytes)?;
        (is_it && is_whole && fits && layout.flags & !FLAG_PLACED == 0).then_some(layout)
    }

    /// Whether the images follow each other and end where the file does.
    fn parts_fit(&self, bytes: &[u8]) -> Option<bool> {
        let mut end = self.module_start().checked_add(self.module_bytes)?;
        for nth in 0..self.memories {
            let row = self.row(bytes, nth)?;
            end = end.checked_next_multiple_of(ALIGNMENT)?.checked_add(row.1)?;
        }
        Some(end == self.file_bytes)
    }

    /// How many bytes there are before the module.
    fn head_bytes(&self) -> u64 {
        self.bodies_start() + u64::from(self.bodies) * BODY_BYTES as u64
    }

    fn bodies_start(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.memories) * MEMORY_BYTES as u64
    }

    fn module_start(&self) -> u64 {
        self.head_bytes().next_multiple_of(ALIGNMENT)
    }

    /// The index and address in the memory, and the number of bytes.
    fn row(&self, bytes: &[u8], nth: u32) -> Option<((u32, u64), u64)> {
        let start = HEADER_BYTES + nth as usize * MEMORY_BYTES;
        let row = bytes.get(start..start + MEMORY_BYTES)?;
        Some(((u32_at(row, 0)?, u64_at(row, 8)?), u64_at(row, 16)?))
    }

    /// The hash of the module's bytes.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Whether each data segment is an active one at a constant address within a memory whose image the copy has.
    pub fn data_is_placed(&self) -> bool {
        self.flags & FLAG_PLACED != 0
    }

    /// Whether all that follows the head is what was written. `bytes` is the whole file.
    pub fn is_whole(&self, bytes: &[u8]) -> bool {
        let part = |range: Range<u64>| {
            bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
        };
        let image = |memory: CopiedMemory| part(memory.start..memory.start + memory.bytes);
        let parts = [part(self.module_range())].into_iter();
        let parts: Option<Vec<&[u8]>> = parts.chain(self.memories(bytes).map(image)).collect();
        parts.is_some_and(|parts| cfg!(fuzzing) || content_checksum(&parts) == self.content)
    }

    /// Where the module is in the file.
    pub fn module_range(&self) -> Range<u64> {
        self.module_start()..self.module_start() + self.module_bytes
    }

    /// Where the bodies are in the module. `bytes` is the start of the file, up to the module at least.
    pub fn bodies<'a>(&self, bytes: &'a [u8]) -> impl ExactSizeIterator<Item = (u32, u32)> + 'a {
        let range = self.bodies_start() as usize..self.head_bytes() as usize;
        let rows = bytes.get(range).unwrap_or_default().as_chunks::<BODY_BYTES>().0;
        rows.iter().map(|&[a, b, c, d, e, f, g, h]| {
            (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
        })
    }

    /// What the memories hold at first. `bytes` is as before.
    pub fn memories(&self, bytes: &[u8]) -> impl Iterator<Item = CopiedMemory> {
        let mut end = self.module_range().end;
        (0..self.memories).map_while(move |nth| {
            let ((memory, address), len) = self.row(bytes, nth)?;
            let start = end.checked_next_multiple_of(ALIGNMENT)?;
            end = start.checked_add(len)?;
            Some(CopiedMemory { memory, address, bytes: len, start })
        })
    }
}

/// Hands over a copy piece by piece, in order.
///
/// # Errors
/// Those of `put`. `None` if there are more parts than can be counted.
pub fn write<E>(
    source: &CopySource<'_>,
    put: impl FnMut(&[u8]) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let mut layout = CopyLayout {
        flags: if source.data_is_placed { FLAG_PLACED } else { 0 },
        hash: source.hash,
        memories: u32::try_from(source.images.len()).ok()?,
        bodies: u32::try_from(source.bodies.len()).ok()?,
        module_bytes: source.module.len() as u64,
        file_bytes: 0,
        content: 0,
    };
    let padding = |at: u64| (at.next_multiple_of(ALIGNMENT) - at) as usize;
    let zeros = [0; ALIGNMENT as usize];
    let images = source.images.iter().map(|(_, _, image)| *image);
    let parts: Vec<&[u8]> = [source.module].into_iter().chain(images).collect();
    layout.content = content_checksum(&parts);
    layout.file_bytes = layout.module_start();
    let behind_head = padding(layout.head_bytes());
    let mut padded: Vec<&[u8]> = Vec::new();
    for part in parts {
        let between = padding(layout.file_bytes);
        padded.extend([&zeros[..between], part]);
        layout.file_bytes += (between + part.len()) as u64;
    }
    let head = head(&layout, source);
    let mut all = [&*head, &zeros[..behind_head]].into_iter().chain(padded);
    Some(all.try_for_each(put))
}

fn content_checksum(parts: &[&[u8]]) -> u64 {
    parts.iter().fold(parts.len() as u64, |sum, part| sum.rotate_left(1) ^ checksum(part))
}

fn head(layout: &CopyLayout, source: &CopySource<'_>) -> Vec<u8> {
    let mut head = Vec::from([0; HEADER_BYTES]);
    let mut set = |at: usize, value: &[u8]| head[at..at + value.len()].copy_from_slice(value);
    set(0, &MAGIC);
    set(at::VERSION, &VERSION.to_le_bytes());
    set(at::FLAGS, &layout.flags.to_le_bytes());
    set(at::HASH, &layout.hash);
    set(at::MEMORIES, &layout.memories.to_le_bytes());
    set(at::BODIES, &layout.bodies.to_le_bytes());
    set(at::MODULE_BYTES, &layout.module_bytes.to_le_bytes());
    set(at::FILE_BYTES, &layout.file_bytes.to_le_bytes());
    set(at::CONTENT, &layout.content.to_le_bytes());
    for (memory, address, image) in source.images {
        head.extend(u64::from(*memory).to_le_bytes());
        head.extend(address.to_le_bytes());
        head.extend((image.len() as u64).to_le_bytes());
    }
    for (start, end) in source.bodies {
        head.extend(start.to_le_bytes());
        head.extend(end.to_le_bytes());
    }
    let sum = checksum(&head[at::VERSION..]);
    head[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
    head
}

#[cfg(test)]
mod tests;
