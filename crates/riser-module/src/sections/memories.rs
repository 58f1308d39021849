//! The memory section.
//! Source: WebAssembly 3.0, section 5.5.8.

use crate::decode::{Decoder, Result};
use crate::reader::Reader;
use riser_ops::Features;

impl<'a> Decoder<'a> {
    pub(crate) fn memory_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let offset = reader.pos();
        let count = reader.u32()?;
        let total = self.memories.len() + count as usize;
        self.check_room(total, self.limits.memories, Features::MULTI_MEMORY, "memories", offset)?;
        for _ in 0..count {
            let memory = self.read_memory_type(reader)?;
            self.memories.push(memory);
        }
        Ok(())
    }
}
