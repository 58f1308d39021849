//! Stands in for `slots.rs` where pages cannot be given back one by one: every request is refused, so that `region.rs`
//! takes an ordinary allocation.

use crate::OutOfMemory;

/// No slot has any bytes.
pub(crate) const SLOT_BYTES: usize = 0;

/// No value of this type exists.
#[derive(Debug)]
pub(crate) enum Slot {}

impl Slot {
    pub(crate) fn new(len: usize) -> Result<Slot, OutOfMemory> {
        Err(OutOfMemory { bytes: len })
    }

    pub(crate) fn base(&self) -> *mut u8 {
        match *self {}
    }

    pub(crate) fn grow(&mut self, _len: usize) -> Result<(), OutOfMemory> {
        match *self {}
    }
}
