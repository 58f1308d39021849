//! The portable twin: a zeroed allocation that moves when it grows.

use crate::{OutOfMemory, faults};
use std::alloc::{Layout, dealloc};
use std::ptr::NonNull;

/// Aligned for vectors and for every atomic access.
const ALIGN: usize = 16;

/// Zeroed bytes on the ordinary heap.
#[derive(Debug)]
pub(crate) struct HeapBytes {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes belong to this value alone; sharing it gives out only their address.
unsafe impl Send for HeapBytes {}
// SAFETY: as above.
unsafe impl Sync for HeapBytes {}

fn layout(len: usize) -> Result<Layout, OutOfMemory> {
    Layout::from_size_align(len, ALIGN).map_err(|_| OutOfMemory { bytes: len })
}

impl HeapBytes {
    /// `len` zero bytes.
    pub(crate) fn new(len: usize) -> Result<HeapBytes, OutOfMemory> {
        let layout = layout(len)?;
        if len == 0 {
            return Ok(HeapBytes { base: NonNull::<u128>::dangling().cast(), len });
        }
        let base = faults::allocate(layout, true).ok_or(OutOfMemory { bytes: len })?;
        Ok(HeapBytes { base, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Makes this `len` bytes long; the new ones are zero. The base may move.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if len <= self.len {
            return Ok(());
        }
        let larger = HeapBytes::new(len)?;
        // SAFETY: both blocks are at least `self.len` bytes long, and the new one was just made.
        unsafe { larger.base.copy_from_nonoverlapping(self.base, self.len) };
        *self = larger;
        Ok(())
    }
}

impl Drop for HeapBytes {
    fn drop(&mut self) {
        if let Ok(layout) = layout(self.len)
            && self.len > 0
        {
            // SAFETY: allocated in `new` with this layout.
            unsafe { dealloc(self.base.as_ptr(), layout) };
        }
    }
}
