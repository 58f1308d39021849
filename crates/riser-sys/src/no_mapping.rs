//! Stands in for `mapping.rs` where no address space can be reserved: every request is refused, so that
//! `region.rs` takes the portable twin.

use crate::OutOfMemory;

/// No value of this type exists.
#[derive(Debug)]
pub(crate) enum Mapping {}

impl Mapping {
    pub(crate) const EXISTS: bool = false;

    pub(crate) fn new(_len: usize, reserve: usize) -> Result<Mapping, OutOfMemory> {
        Err(OutOfMemory { bytes: reserve })
    }

    pub(crate) fn base(&self) -> *mut u8 {
        match *self {}
    }

    pub(crate) fn reserved(&self) -> usize {
        match *self {}
    }

    pub(crate) fn grow(&mut self, _len: usize) -> Result<(), OutOfMemory> {
        match *self {}
    }
}
