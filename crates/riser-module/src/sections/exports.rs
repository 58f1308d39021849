//! The export section.
//! Source: WebAssembly 3.0, sections 5.5.11 and 3.5.11.

use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::module::{EntityIdx, Export};
use crate::reader::Reader;
use alloc::format;
use hashbrown::HashSet;
use riser_ops::{Features, FuncIdx, GlobalIdx, MemoryIdx, TableIdx, TagIdx};

impl<'a> Decoder<'a> {
    pub(crate) fn export_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let count = reader.count(self.limits.exports, "exports")?;
        let capacity = reader.capacity(count, 3);
        self.exports.reserve(capacity);
        let mut names = HashSet::with_capacity(capacity);
        for _ in 0..count {
            let offset = reader.pos();
            let name = reader.name(self.limits.name_bytes)?;
            let item = self.read_export(reader)?;
            if !names.insert(name) {
                return Err(ModuleError::invalid(
                    offset,
                    format!("duplicate export name {name:?}"),
                ));
            }
            self.exports.push(Export { name: name.into(), item });
        }
        Ok(())
    }

    fn read_export(&mut self, reader: &mut Reader<'a>) -> Result<EntityIdx> {
        let offset = reader.pos();
        let kind = reader.u8()?;
        let index_offset = reader.pos();
        let index = reader.u32()?;
        let within = |count: usize, space: &'static str| {
            if (index as usize) < count { Ok(()) } else { Err(unknown(space, index, index_offset)) }
        };
        match kind {
            0 => {
                self.declare(FuncIdx(index), index_offset)?;
                Ok(EntityIdx::Func(FuncIdx(index)))
            }
            1 => {
                within(self.tables.len(), "table")?;
                Ok(EntityIdx::Table(TableIdx(index)))
            }
            2 => {
                within(self.memories.len(), "memory")?;
                Ok(EntityIdx::Memory(MemoryIdx(index)))
            }
            3 => {
                within(self.globals.len(), "global")?;
                if self.globals[index as usize].ty.mutable {
                    self.require(Features::MUTABLE_GLOBAL, "exports of mutable globals", offset)?;
                }
                Ok(EntityIdx::Global(GlobalIdx(index)))
            }
            4 => {
                within(self.tags.len(), "tag")?;
                Ok(EntityIdx::Tag(TagIdx(index)))
            }
            _ => Err(ModuleError::malformed(offset, "malformed export kind")),
        }
    }
}
