//! Stands in for `compiled/` where there is no compiled code: none can be published, so that nothing needs the rest.

use crate::OutOfMemory;
use core::ops::Range;
use std::fs::File;

/// Memory for code, which cannot be had here.
#[derive(Debug, Default)]
pub struct CodeMemory {}

impl CodeMemory {
    /// Memory without any code.
    pub const fn new() -> CodeMemory {
        CodeMemory {}
    }

    /// Refused.
    pub fn publish(&mut self, code: &[u8], _align: usize) -> Result<*const u8, OutOfMemory> {
        Err(OutOfMemory { bytes: code.len() })
    }

    /// Refused.
    pub fn publish_with(
        &mut self,
        len: usize,
        _align: usize,
        _write: impl FnOnce(*const u8, &mut [u8]),
    ) -> Result<*const u8, OutOfMemory> {
        Err(OutOfMemory { bytes: len })
    }

    /// Refused.
    pub fn map_file(
        &mut self,
        _file: &File,
        _offset: u64,
        len: usize,
    ) -> Result<*const u8, OutOfMemory> {
        Err(OutOfMemory { bytes: len })
    }

    /// None.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        core::iter::empty()
    }
}

/// A stack for compiled code, of which there is none.
#[derive(Debug)]
pub enum MachineStack {}

impl MachineStack {
    /// Refused.
    pub fn new(bytes: usize, spare: usize) -> Result<MachineStack, OutOfMemory> {
        Err(OutOfMemory { bytes: bytes.saturating_add(spare) })
    }

    /// Of no stack.
    pub fn top(&self) -> *mut u8 {
        match *self {}
    }

    /// Of no stack.
    pub fn limit(&self) -> *mut u8 {
        match *self {}
    }

    /// Of no stack.
    pub fn base(&self) -> *mut u8 {
        match *self {}
    }
}
