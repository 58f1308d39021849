//! The import section.
//! Source: WebAssembly 3.0, sections 5.5.5 and 3.5.12.

use super::types::mutability;
use super::values::{any_ref_type, check_ref_type, val_type};
use crate::decode::{Decoder, Result};
use crate::error::ModuleError;
use crate::module::{EntityType, Global, GlobalType, Import, MemoryType, Table, TableType};
use crate::reader::Reader;
use alloc::format;
use riser_ops::{Features, RefType, TypeIdx};

impl<'a> Decoder<'a> {
    pub(crate) fn import_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let count = reader.count(self.limits.imports, "imports")?;
        self.imports.reserve(reader.capacity(count, 4));
        for _ in 0..count {
            let module = reader.name(self.limits.name_bytes)?;
            let name = reader.name(self.limits.name_bytes)?;
            let ty = self.read_entity_type(reader)?;
            self.imports.push(Import { module: module.into(), name: name.into(), ty });
        }
        Ok(())
    }

    /// Reads what is imported and adds it to its index space.
    fn read_entity_type(&mut self, reader: &mut Reader<'a>) -> Result<EntityType> {
        let offset = reader.pos();
        match reader.u8()? {
            0 => {
                let ty = self.read_func(reader)?;
                self.funcs.push(ty);
                self.imported.funcs += 1;
                self.check_count(self.funcs.len(), self.limits.funcs, "functions", offset)?;
                Ok(EntityType::Func(ty))
            }
            1 => {
                let ty = self.read_table_type(reader)?;
                self.tables.push(Table { ty, init: None });
                self.imported.tables += 1;
                let (total, limit) = (self.tables.len(), self.limits.tables);
                self.check_room(total, limit, Features::REFERENCE_TYPES, "tables", offset)?;
                Ok(EntityType::Table(ty))
            }
            2 => {
                let ty = self.read_memory_type(reader)?;
                self.memories.push(ty);
                self.imported.memories += 1;
                let (total, limit) = (self.memories.len(), self.limits.memories);
                self.check_room(total, limit, Features::MULTI_MEMORY, "memories", offset)?;
                Ok(EntityType::Memory(ty))
            }
            3 => {
                let ty = self.read_global_type(reader)?;
                if ty.mutable {
                    self.require(Features::MUTABLE_GLOBAL, "imports of mutable globals", offset)?;
                }
                self.globals.push(Global { ty, init: None });
                self.imported.globals += 1;
                self.check_count(self.globals.len(), self.limits.globals, "globals", offset)?;
                Ok(EntityType::Global(ty))
            }
            // Without exceptions there is no such kind.
            4 if self.features.allows(Features::ANY_EXCEPTIONS) => {
                let ty = self.read_tag(reader)?;
                self.tags.push(ty);
                self.imported.tags += 1;
                self.check_count(self.tags.len(), self.limits.tags, "tags", offset)?;
                Ok(EntityType::Tag(ty))
            }
            _ => Err(ModuleError::malformed(offset, "malformed import kind")),
        }
    }

    fn check_count(&self, total: usize, limit: u32, what: &str, offset: usize) -> Result<()> {
        if total > limit as usize {
            return Err(ModuleError::limit(
                offset,
                format!("{total} {what} exceed the limit of {limit}"),
            ));
        }
        Ok(())
    }

    /// Reads the type index of a function.
    pub(crate) fn read_func(&self, reader: &mut Reader<'a>) -> Result<TypeIdx> {
        let offset = reader.pos();
        let ty = TypeIdx(reader.u32()?);
        self.func_type(ty, offset)?;
        Ok(ty)
    }

    /// Reads the type of a table.
    pub(crate) fn read_table_type(&self, reader: &mut Reader<'a>) -> Result<TableType> {
        let offset = reader.pos();
        let element = any_ref_type(reader, &*self.types)?;
        // Tables of functions are older than reference types.
        if element != RefType::FUNCREF {
            check_ref_type(element, self.features, offset)?;
        }
        let sizes = self.table_sizes(reader)?;
        Ok(TableType {
            element,
            limits: sizes.limits,
            table64: sizes.index64,
            shared: sizes.shared,
        })
    }

    /// Reads the type of a memory.
    pub(crate) fn read_memory_type(&self, reader: &mut Reader<'a>) -> Result<MemoryType> {
        let sizes = self.memory_sizes(reader)?;
        Ok(MemoryType {
            limits: sizes.limits,
            memory64: sizes.index64,
            shared: sizes.shared,
            page_size_log2: sizes.page_size_log2.unwrap_or(16),
        })
    }

    /// Reads the type of a global.
    pub(crate) fn read_global_type(&self, reader: &mut Reader<'a>) -> Result<GlobalType> {
        let ty = val_type(reader, self.features, &*self.types)?;
        let mutable = mutability(reader)?;
        Ok(GlobalType { ty, mutable, shared: false })
    }

    /// Reads the type of a tag: an attribute that is always zero, and a function type without results.
    pub(crate) fn read_tag(&self, reader: &mut Reader<'a>) -> Result<TypeIdx> {
        let offset = reader.pos();
        self.require(Features::ANY_EXCEPTIONS, "tags", offset)?;
        if reader.u8()? != 0 {
            return Err(ModuleError::malformed(offset, "malformed tag attribute"));
        }
        let offset = reader.pos();
        let ty = TypeIdx(reader.u32()?);
        if !self.func_type(ty, offset)?.results().is_empty() {
            return Err(ModuleError::invalid(offset, "non-empty tag result type"));
        }
        Ok(ty)
    }
}
