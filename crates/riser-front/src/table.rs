//! Operators on tables and element segments.

use crate::memory::smaller;
use crate::messages;
use crate::sink::BodySink;
use crate::walker::Walk;
use riser_module::{ModuleError, TableType};
use riser_ops::{ElemIdx, RefType, TableIdx, ValType};

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// The type of a table.
    pub(crate) fn table_type(&self, table: u32) -> Result<TableType, ModuleError> {
        match self.module.tables.get(table as usize) {
            Some(table) => Ok(table.ty),
            None => Err(messages::unknown(self.at, "table", table)),
        }
    }

    /// The type of an element segment.
    pub(crate) fn elem_type(&self, elem: u32) -> Result<RefType, ModuleError> {
        match self.module.elements.get(elem as usize) {
            Some(segment) => Ok(segment.ty),
            None => Err(messages::unknown(self.at, "elem segment", elem)),
        }
    }

    /// Checks that references of one type may be copied to where there are those of another.
    pub(crate) fn check_copy(
        &self,
        what: &str,
        from: RefType,
        to: RefType,
    ) -> Result<(), ModuleError> {
        if CHECK && !self.matches(from.val_type(), to.val_type()) {
            return Err(messages::not_a_subtype(self.at, self.module, what, from, to));
        }
        Ok(())
    }

    pub(crate) fn table_get(&mut self) -> Result<(), ModuleError> {
        let table = self.reader.u32()?;
        let ty = self.table_type(table)?;
        self.pop(ty.index_type())?;
        self.push(ty.element.val_type());
        self.emit(|sink| sink.table_get(TableIdx(table), ty.element));
        Ok(())
    }

    pub(crate) fn table_set(&mut self) -> Result<(), ModuleError> {
        let table = self.reader.u32()?;
        let ty = self.table_type(table)?;
        self.pop_all(&[ty.index_type(), ty.element.val_type()])?;
        self.table_writes.insert(TableIdx(table));
        self.emit(|sink| sink.table_set(TableIdx(table), ty.element));
        Ok(())
    }

    pub(crate) fn table_size(&mut self) -> Result<(), ModuleError> {
        let table = self.reader.u32()?;
        let ty = self.table_type(table)?;
        self.push(ty.index_type());
        self.emit(|sink| sink.table_size(TableIdx(table)));
        Ok(())
    }

    pub(crate) fn table_grow(&mut self) -> Result<(), ModuleError> {
        let table = self.reader.u32()?;
        let ty = self.table_type(table)?;
        self.pop_all(&[ty.element.val_type(), ty.index_type()])?;
        self.push(ty.index_type());
        self.table_writes.insert(TableIdx(table));
        self.emit(|sink| sink.table_grow(TableIdx(table)));
        Ok(())
    }

    pub(crate) fn table_fill(&mut self) -> Result<(), ModuleError> {
        let table = self.reader.u32()?;
        let ty = self.table_type(table)?;
        self.pop_all(&[ty.index_type(), ty.element.val_type(), ty.index_type()])?;
        self.table_writes.insert(TableIdx(table));
        self.emit(|sink| sink.table_fill(TableIdx(table)));
        Ok(())
    }

    pub(crate) fn table_init(&mut self) -> Result<(), ModuleError> {
        let (elem, table) = (self.reader.u32()?, self.reader.u32()?);
        let ty = self.table_type(table)?;
        let elem_type = self.elem_type(elem)?;
        self.check_copy("element segment to table", elem_type, ty.element)?;
        self.pop_all(&[ty.index_type(), ValType::I32, ValType::I32])?;
        self.table_writes.insert(TableIdx(table));
        self.emit(|sink| sink.table_init(ElemIdx(elem), TableIdx(table)));
        Ok(())
    }

    pub(crate) fn elem_drop(&mut self) -> Result<(), ModuleError> {
        let elem = self.reader.u32()?;
        self.elem_type(elem)?;
        self.emit(|sink| sink.elem_drop(ElemIdx(elem)));
        Ok(())
    }

    pub(crate) fn table_copy(&mut self) -> Result<(), ModuleError> {
        let (dst, src) = (self.reader.u32()?, self.reader.u32()?);
        let (dst_type, src_type) = (self.table_type(dst)?, self.table_type(src)?);
        self.check_copy("table to table", src_type.element, dst_type.element)?;
        let (dst_index, src_index) = (dst_type.index_type(), src_type.index_type());
        self.pop_all(&[dst_index, src_index, smaller(dst_index, src_index)])?;
        self.table_writes.insert(TableIdx(dst));
        self.emit(|sink| sink.table_copy(TableIdx(dst), TableIdx(src)));
        Ok(())
    }
}
