//! The data section and the data count section: bytes to be copied into memories.
//! Source: WebAssembly 3.0, sections 5.5.15, 5.5.16 and 3.5.8.

use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::module::{ConstExpr, ConstOp, ConstOps, DataMode, DataSegment};
use crate::reader::Reader;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use riser_ops::{Features, MemoryIdx};

impl<'a> Decoder<'a> {
    /// The number of segments ahead of the code, so that bodies can be validated in one pass.
    pub(crate) fn data_count_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        self.require(Features::BULK_MEMORY, "data count sections", reader.pos())?;
        self.data_count = Some(reader.count(self.limits.data_segments, "data segments")?);
        Ok(())
    }

    pub(crate) fn data_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let offset = reader.pos();
        let count = reader.count(self.limits.data_segments, "data segments")?;
        if self.data_count.is_some_and(|announced| announced != count) {
            let message = "data count and data section have inconsistent lengths";
            return Err(ModuleError::malformed(offset, message));
        }
        if self.outline.as_ref().is_some_and(|outline| outline.data_is_placed) {
            self.later_data = Some((count as usize, reader.pos()..reader.end()));
            reader.skip_rest();
            return Ok(());
        }
        self.data.reserve(reader.capacity(count, 2));
        for _ in 0..count {
            let mode = self.read_data_mode(reader)?;
            let content = reader.sized()?;
            self.data.push(DataSegment { mode, range: content.pos()..content.end() });
        }
        Ok(())
    }

    fn read_data_mode(&mut self, reader: &mut Reader<'a>) -> Result<DataMode> {
        let offset = reader.pos();
        let memory = match reader.u32()? {
            0 => MemoryIdx(0),
            1 => {
                self.require(Features::BULK_MEMORY, "passive data segments", offset)?;
                return Ok(DataMode::Passive);
            }
            2 => MemoryIdx(reader.u32()?),
            _ => return Err(ModuleError::malformed(offset, "malformed data segment kind")),
        };
        let Some(ty) = self.memories.get(memory.index()) else {
            return Err(unknown("memory", memory.0, offset));
        };
        let offset = self.const_expr(reader, ty.index_type())?;
        Ok(DataMode::Active { memory, offset })
    }
}

/// Reads the segments of a section that was read before, and in which all segments were active ones at constant addresses. Others end
/// the list, which does not happen as long as that is true.
pub(crate) fn read_placed(bytes: &[u8], section: &Range<usize>) -> Box<[DataSegment]> {
    let Some(window) = bytes.get(..section.end) else { return Box::default() };
    let mut reader = Reader::window(window, section.clone());
    let mut segments = Vec::new();
    while let Some(segment) = read_placed_segment(&mut reader) {
        segments.push(segment);
    }
    segments.into()
}

fn read_placed_segment(reader: &mut Reader<'_>) -> Option<DataSegment> {
    let memory = match reader.u32().ok()? {
        0 => 0,
        2 => reader.u32().ok()?,
        _ => return None,
    };
    let address = match reader.u8().ok()? {
        I32_CONST => ConstOp::I32Const(reader.s32().ok()?),
        I64_CONST => ConstOp::I64Const(reader.s64().ok()?),
        _ => return None,
    };
    if reader.u8().ok()? != END {
        return None;
    }
    let content = reader.sized().ok()?;
    let offset = ConstExpr { ops: ConstOps::One(address) };
    let mode = DataMode::Active { memory: MemoryIdx(memory), offset };
    Some(DataSegment { mode, range: content.pos()..content.end() })
}

/// The operators that a constant address is made of.
const I32_CONST: u8 = 0x41;
const I64_CONST: u8 = 0x42;
const END: u8 = 0x0B;
