//! Bulk operators on memories, and their sizes.

use super::Translator;
use riser_ops::{DataIdx, MemoryIdx};

impl Translator<'_> {
    pub fn lower_memory_size(&mut self, _: MemoryIdx) {
        self.fail("an operator");
    }

    pub fn lower_memory_grow(&mut self, _: MemoryIdx) {
        self.fail("an operator");
    }

    pub fn lower_memory_init(&mut self, _: DataIdx, _: MemoryIdx) {
        self.fail("an operator");
    }

    pub fn lower_data_drop(&mut self, _: DataIdx) {
        self.fail("an operator");
    }

    pub fn lower_memory_copy(&mut self, _: MemoryIdx, _: MemoryIdx) {
        self.fail("an operator");
    }

    pub fn lower_memory_fill(&mut self, _: MemoryIdx) {
        self.fail("an operator");
    }
}
