//! The bytes behind a heap, and how to read numbers from them.

use alloc::vec::Vec;
use riser_abi::BumpArea;

/// The system has no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// Bytes that can become more. What they are is of no consequence to safety: the heap checks what it reads.
pub trait HeapMemory {
    /// All bytes.
    fn bytes(&self) -> &[u8];

    /// All bytes.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Makes it at least `len` bytes; those that are there stay. They may move: whoever knows the address must
    /// ask again.
    ///
    /// # Errors
    /// If there is no memory; nothing has changed then.
    fn grow(&mut self, len: usize) -> Result<(), OutOfMemory>;

    /// Where the heap keeps what code needs to allocate, if there is such code; always the same.
    #[inline]
    fn bump(&self) -> Option<&BumpArea> {
        None
    }

    /// Called when there are more functions that stand in fields, or they lie elsewhere: all by their numbers, null first.
    fn publish_funcs(&mut self, funcs: &[u64]) {
        _ = funcs;
    }
}

impl HeapMemory for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let more = len.saturating_sub(self.len());
        self.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
        self.resize(self.len() + more, 0);
        Ok(())
    }
}

/// The bytes at a place; `None` if it is not in the memory.
#[inline]
pub(crate) fn load<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Writes to a place; `None` if it is not in the memory.
#[inline]
pub(crate) fn store<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = value;
    Some(())
}

/// The word at a place; `None` if it is not in the memory.
#[inline]
pub(crate) fn load_word(bytes: &[u8], at: usize) -> Option<u32> {
    load(bytes, at).map(u32::from_le_bytes)
}

/// Writes a word to a place; `None` if it is not in the memory.
#[inline]
pub(crate) fn store_word(bytes: &mut [u8], at: usize, value: u32) -> Option<()> {
    store(bytes, at, value.to_le_bytes())
}
