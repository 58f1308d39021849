//! The data section and the data count section: bytes to be copied into memories.
//! Source: WebAssembly 3.0, sections 5.5.15, 5.5.16 and 3.5.8.

use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::module::{DataMode, DataSegment};
use crate::reader::Reader;
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
