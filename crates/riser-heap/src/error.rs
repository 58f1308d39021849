//! How things fail here.

use core::fmt;

/// The bytes of the heap are not what this crate wrote, or a reference does not lead to what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapCorrupted;

impl fmt::Display for HeapCorrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store's heap is damaged")
    }
}

impl core::error::Error for HeapCorrupted {}

/// The heap has no room for another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapFull;

impl fmt::Display for HeapFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store's heap is full")
    }
}

impl core::error::Error for HeapFull {}

/// Why there is no new object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocError {
    /// There is once `bytes` were given to [`Heap::collect`](crate::Heap::collect).
    NeedsCollection {
        /// What to give.
        bytes: usize,
    },
    /// There is no room for it, and no collection can make any.
    Full,
    /// See [`HeapCorrupted`]. Also: there is no layout for the type.
    Corrupted,
}

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AllocError::NeedsCollection { .. } => {
                f.write_str("the store's heap must be collected first")
            }
            AllocError::Full => HeapFull.fmt(f),
            AllocError::Corrupted => HeapCorrupted.fmt(f),
        }
    }
}

impl core::error::Error for AllocError {}

impl From<HeapCorrupted> for AllocError {
    fn from(_: HeapCorrupted) -> AllocError {
        AllocError::Corrupted
    }
}

impl From<HeapFull> for AllocError {
    fn from(_: HeapFull) -> AllocError {
        AllocError::Full
    }
}

/// Why an access did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// It leaves its array.
    OutOfBounds,
    /// The host has no memory to note another function reference.
    Full,
    /// See [`HeapCorrupted`].
    Corrupted,
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessError::OutOfBounds => f.write_str("out of bounds array access"),
            AccessError::Full => HeapFull.fmt(f),
            AccessError::Corrupted => HeapCorrupted.fmt(f),
        }
    }
}

impl core::error::Error for AccessError {}

impl From<HeapCorrupted> for AccessError {
    fn from(_: HeapCorrupted) -> AccessError {
        AccessError::Corrupted
    }
}

impl From<HeapFull> for AccessError {
    fn from(_: HeapFull) -> AccessError {
        AccessError::Full
    }
}
