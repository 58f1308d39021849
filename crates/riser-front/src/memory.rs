//! Operators on whole memories and data segments.

use crate::messages;
use crate::sink::BodySink;
use crate::walker::Walk;
use riser_module::ModuleError;
use riser_ops::{DataIdx, Features, MemoryIdx, ValType};

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Reads a memory index that was a zero byte before there were several memories.
    fn memory_or_zero(&mut self) -> Result<u32, ModuleError> {
        if self.features.contains(Features::MULTI_MEMORY) {
            return self.reader.u32();
        }
        match self.reader.u8()? {
            0 => Ok(0),
            _ => Err(messages::zero_byte_expected(self.reader.pos() - 1)),
        }
    }

    /// The address type of a memory.
    fn memory_type(&self, memory: u32) -> Result<ValType, ModuleError> {
        match self.module.memories.get(memory as usize) {
            Some(memory) => Ok(memory.index_type()),
            None => Err(messages::unknown(self.at, "memory", memory)),
        }
    }

    /// Checks the index of a data segment, which needs the data count section.
    pub(crate) fn check_data(&self, data: u32) -> Result<(), ModuleError> {
        match self.module.data_count {
            _ if !CHECK => Ok(()),
            Some(count) if data < count => Ok(()),
            Some(_) => Err(messages::unknown(self.at, "data segment", data)),
            None => Err(messages::data_count_required(self.at)),
        }
    }

    pub(crate) fn memory_size(&mut self) -> Result<(), ModuleError> {
        let memory = self.memory_or_zero()?;
        let ty = self.memory_type(memory)?;
        self.push(ty);
        self.emit(|sink| sink.memory_size(MemoryIdx(memory)));
        Ok(())
    }

    pub(crate) fn memory_grow(&mut self) -> Result<(), ModuleError> {
        let memory = self.memory_or_zero()?;
        let ty = self.memory_type(memory)?;
        self.pop(ty)?;
        self.push(ty);
        self.emit(|sink| sink.memory_grow(MemoryIdx(memory)));
        Ok(())
    }

    pub(crate) fn memory_init(&mut self) -> Result<(), ModuleError> {
        let (data, memory) = (self.reader.u32()?, self.reader.u32()?);
        let ty = self.memory_type(memory)?;
        self.check_data(data)?;
        self.pop_all(&[ty, ValType::I32, ValType::I32])?;
        self.emit(|sink| sink.memory_init(DataIdx(data), MemoryIdx(memory)));
        Ok(())
    }

    pub(crate) fn data_drop(&mut self) -> Result<(), ModuleError> {
        let data = self.reader.u32()?;
        self.check_data(data)?;
        self.emit(|sink| sink.data_drop(DataIdx(data)));
        Ok(())
    }

    pub(crate) fn memory_copy(&mut self) -> Result<(), ModuleError> {
        let (dst, src) = (self.reader.u32()?, self.reader.u32()?);
        let (dst_type, src_type) = (self.memory_type(dst)?, self.memory_type(src)?);
        let len_type = smaller(dst_type, src_type);
        self.pop_all(&[dst_type, src_type, len_type])?;
        self.emit(|sink| sink.memory_copy(MemoryIdx(dst), MemoryIdx(src)));
        Ok(())
    }

    pub(crate) fn memory_fill(&mut self) -> Result<(), ModuleError> {
        let memory = self.reader.u32()?;
        let ty = self.memory_type(memory)?;
        self.pop_all(&[ty, ValType::I32, ty])?;
        self.emit(|sink| sink.memory_fill(MemoryIdx(memory)));
        Ok(())
    }
}

/// The type of a length that must fit both of two index types.
pub(crate) fn smaller(a: ValType, b: ValType) -> ValType {
    if a == ValType::I64 { b } else { a }
}
