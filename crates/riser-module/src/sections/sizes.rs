//! Sizes of tables and memories, which the format calls limits, with the flags before them.
//! Source: WebAssembly 3.0, sections 5.3.11 and 3.2.14; threads and custom page sizes add flags.

use crate::decode::{Decoder, Result};
use crate::error::ModuleError;
use crate::module::Limits;
use crate::reader::Reader;
use alloc::format;
use riser_ops::Features;

const HAS_MAX: u8 = 1;
const SHARED: u8 = 2;
const INDEX64: u8 = 4;
const PAGE_SIZE: u8 = 8;

/// Limits as they were read.
pub(crate) struct Sizes {
    pub(crate) limits: Limits,
    pub(crate) shared: bool,
    pub(crate) index64: bool,
    pub(crate) page_size_log2: Option<u32>,
}

impl<'a> Decoder<'a> {
    /// Reads the limits of a table.
    pub(crate) fn table_sizes(&self, reader: &mut Reader<'a>) -> Result<Sizes> {
        let offset = reader.pos();
        let sizes = self.sizes(reader, HAS_MAX | SHARED | INDEX64)?;
        if sizes.shared {
            return Err(ModuleError::invalid(offset, "tables cannot be shared"));
        }
        let most = if sizes.index64 { u64::MAX } else { u64::from(u32::MAX) };
        let message = "table size must be at most 2^32 - 1";
        self.check_range(&sizes.limits, most, message, offset)?;
        Ok(sizes)
    }

    /// Reads the limits of a memory.
    pub(crate) fn memory_sizes(&self, reader: &mut Reader<'a>) -> Result<Sizes> {
        let offset = reader.pos();
        let sizes = self.sizes(reader, HAS_MAX | SHARED | INDEX64 | PAGE_SIZE)?;
        if let Some(log2) = sizes.page_size_log2 {
            self.require(Features::CUSTOM_PAGE_SIZES, "custom page sizes", offset)?;
            if log2 != 0 && log2 != 16 {
                return Err(ModuleError::invalid(offset, "invalid custom page size"));
            }
        }
        // The number of pages must fit the index type even where all bytes together do not.
        let (most, message) = match (sizes.index64, sizes.page_size_log2 == Some(0)) {
            (false, false) => (1 << 16, "memory size must be at most 65536 pages (4GiB)"),
            (false, true) => (u64::from(u32::MAX), "memory size must be at most 2^32 - 1 bytes"),
            (true, false) => (1 << 48, "memory size must be at most 2^48 pages"),
            (true, true) => (u64::MAX, ""),
        };
        self.check_range(&sizes.limits, most, message, offset)?;
        if sizes.shared {
            self.require(Features::THREADS, "shared memories", offset)?;
            if sizes.limits.max.is_none() {
                return Err(ModuleError::invalid(offset, "shared memory must have maximum"));
            }
        }
        Ok(sizes)
    }

    fn sizes(&self, reader: &mut Reader<'a>, flags_known: u8) -> Result<Sizes> {
        let offset = reader.pos();
        let flags = reader.u8()?;
        if flags & !flags_known != 0 {
            return Err(ModuleError::malformed(offset, "malformed limits flags"));
        }
        let min = self.size(reader)?;
        let max = if flags & HAS_MAX != 0 { Some(self.size(reader)?) } else { None };
        if flags & INDEX64 != 0 {
            self.require(Features::MEMORY64, "64-bit memories and tables", offset)?;
        }
        let page_size_log2 = if flags & PAGE_SIZE != 0 { Some(reader.u32()?) } else { None };
        if page_size_log2.is_some_and(|log2| log2 >= 64) {
            return Err(ModuleError::malformed(offset, "invalid custom page size"));
        }
        Ok(Sizes {
            limits: Limits { min, max },
            shared: flags & SHARED != 0,
            index64: flags & INDEX64 != 0,
            page_size_log2,
        })
    }

    /// A size has 64 bits since there are 64-bit memories, for all memories.
    fn size(&self, reader: &mut Reader<'a>) -> Result<u64> {
        if self.features.contains(Features::MEMORY64) {
            reader.u64()
        } else {
            reader.u32().map(u64::from)
        }
    }

    fn check_range(
        &self,
        limits: &Limits,
        most: u64,
        message: &'static str,
        offset: usize,
    ) -> Result<()> {
        let Limits { min, max } = *limits;
        if min > most || max.is_some_and(|max| max > most) {
            return Err(ModuleError::invalid(offset, message));
        }
        if max.is_some_and(|max| min > max) {
            return Err(ModuleError::invalid(
                offset,
                "size minimum must not be greater than maximum",
            ));
        }
        Ok(())
    }

    /// How many tables or memories there may be: one, before a proposal allowed more.
    pub(crate) fn check_room(
        &self,
        total: usize,
        limit: u32,
        gate: Features,
        what: &'static str,
        offset: usize,
    ) -> Result<()> {
        if total > 1 && !self.features.allows(gate) {
            return Err(ModuleError::invalid(offset, format!("multiple {what}")));
        }
        if total > limit as usize {
            return Err(ModuleError::limit(
                offset,
                format!("{total} {what} exceed the limit of {limit}"),
            ));
        }
        Ok(())
    }
}
