//! The element section: references to be copied into tables.
//! Source: WebAssembly 3.0, sections 5.5.13 and 3.5.9.

use super::values::ref_type;
use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::module::{ConstExpr, ElementItems, ElementMode, ElementSegment};
use crate::reader::Reader;
use alloc::format;
use alloc::vec::Vec;
use riser_ops::{Features, FuncIdx, HeapType, RefType, TableIdx};

/// The three bits that begin a segment.
const PASSIVE_OR_DECLARED: u32 = 1;
/// A table index follows; with the bit above, the segment is declared.
const EXPLICIT: u32 = 2;
const EXPRS: u32 = 4;

impl<'a> Decoder<'a> {
    pub(crate) fn element_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let count = reader.count(self.limits.element_segments, "element segments")?;
        self.elements.reserve(reader.capacity(count, 4));
        for _ in 0..count {
            let segment = self.read_element_segment(reader)?;
            self.elements.push(segment);
        }
        Ok(())
    }

    fn read_element_segment(&mut self, reader: &mut Reader<'a>) -> Result<ElementSegment> {
        let offset = reader.pos();
        let flags = reader.u32()?;
        if flags > (PASSIVE_OR_DECLARED | EXPLICIT | EXPRS) {
            return Err(ModuleError::malformed(offset, "malformed elements segment kind"));
        }
        let mode = self.read_element_mode(flags, reader)?;
        let exprs = flags & EXPRS != 0;
        let ty = if flags & (PASSIVE_OR_DECLARED | EXPLICIT) != 0 {
            self.read_element_type(exprs, reader)?
        } else if exprs {
            if !self.features.contains(Features::REFERENCE_TYPES) {
                self.require(Features::REFERENCE_TYPES, "element expressions", offset)?;
            }
            RefType::FUNCREF
        } else {
            RefType::new(false, HeapType::Func)
        };
        if let ElementMode::Active { table, .. } = mode {
            let table_type = self.tables[table.index()].ty.element;
            if !self.subtyping.matches(ty.val_type(), table_type.val_type()) {
                let message =
                    format!("type mismatch: expected elements of {table_type}, found {ty}");
                return Err(ModuleError::invalid(offset, message));
            }
        }
        let items = if exprs {
            ElementItems::Exprs(self.read_element_exprs(ty, reader)?.into())
        } else {
            ElementItems::Funcs(self.read_element_funcs(reader)?.into())
        };
        Ok(ElementSegment { mode, ty, items })
    }

    fn read_element_mode(&mut self, flags: u32, reader: &mut Reader<'a>) -> Result<ElementMode> {
        let offset = reader.pos();
        if flags & PASSIVE_OR_DECLARED != 0 {
            self.require(Features::BULK_MEMORY, "segments that are not active", offset)?;
            let declared = flags & EXPLICIT != 0;
            return Ok(if declared { ElementMode::Declared } else { ElementMode::Passive });
        }
        let table = TableIdx(if flags & EXPLICIT != 0 { reader.u32()? } else { 0 });
        let Some(found) = self.tables.get(table.index()) else {
            return Err(unknown("table", table.0, offset));
        };
        let offset = self.const_expr(reader, found.ty.index_type())?;
        Ok(ElementMode::Active { table, offset })
    }

    fn read_element_type(&self, exprs: bool, reader: &mut Reader<'a>) -> Result<RefType> {
        if exprs {
            return ref_type(reader, self.features, &*self.types);
        }
        let offset = reader.pos();
        match reader.u8()? {
            0 => Ok(RefType::new(false, HeapType::Func)),
            _ => Err(ModuleError::malformed(offset, "malformed element kind")),
        }
    }

    fn read_element_funcs(&mut self, reader: &mut Reader<'a>) -> Result<Vec<FuncIdx>> {
        let count = reader.count(self.limits.segment_elements, "elements of a segment")?;
        let mut funcs = Vec::with_capacity(reader.capacity(count, 1));
        for _ in 0..count {
            let offset = reader.pos();
            let func = FuncIdx(reader.u32()?);
            self.declare(func, offset)?;
            funcs.push(func);
        }
        Ok(funcs)
    }

    fn read_element_exprs(
        &mut self,
        ty: RefType,
        reader: &mut Reader<'a>,
    ) -> Result<Vec<ConstExpr>> {
        let count = reader.count(self.limits.segment_elements, "elements of a segment")?;
        let mut exprs = Vec::with_capacity(reader.capacity(count, 3));
        for _ in 0..count {
            exprs.push(self.const_expr(reader, ty.val_type())?);
        }
        Ok(exprs)
    }
}
