//! The table section.
//! Source: WebAssembly 3.0, sections 5.5.7 and 3.5.7.

use crate::decode::{Decoder, Result};
use crate::error::ModuleError;
use crate::module::Table;
use crate::reader::Reader;
use riser_ops::Features;

/// Begins a table that has an initialiser; it is no reference type.
const WITH_INIT: u8 = 0x40;

impl<'a> Decoder<'a> {
    pub(crate) fn table_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let offset = reader.pos();
        let count = reader.u32()?;
        let total = self.tables.len() + count as usize;
        self.check_room(total, self.limits.tables, Features::REFERENCE_TYPES, "tables", offset)?;
        self.tables.reserve(reader.capacity(count, 3));
        for _ in 0..count {
            let table = self.read_table(reader)?;
            self.tables.push(table);
        }
        Ok(())
    }

    fn read_table(&mut self, reader: &mut Reader<'a>) -> Result<Table> {
        let offset = reader.pos();
        if reader.peek() != Some(WITH_INIT) {
            let ty = self.read_table_type(reader)?;
            if !ty.element.is_nullable() {
                let message =
                    "type mismatch: a table of non-nullable references needs an initialiser";
                return Err(ModuleError::invalid(offset, message));
            }
            return Ok(Table { ty, init: None });
        }
        reader.u8()?;
        if reader.u8()? != 0 {
            return Err(ModuleError::malformed(offset, "malformed table"));
        }
        self.require(Features::FUNCTION_REFERENCES, "table initialisers", offset)?;
        let ty = self.read_table_type(reader)?;
        let init = self.const_expr(reader, ty.element.val_type())?;
        Ok(Table { ty, init: Some(init) })
    }
}
