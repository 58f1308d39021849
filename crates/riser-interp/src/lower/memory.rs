//! Operators on whole memories.

use super::Lowerer;
use super::operands::Class;
use crate::code::Misc;
use riser_ops::{DataIdx, MemoryIdx, ValType};

impl Lowerer<'_> {
    fn memory64(&self, memory: MemoryIdx) -> bool {
        self.module.memories.get(memory.index()).is_some_and(|memory| memory.memory64)
    }

    fn index_type(is_wide: bool) -> ValType {
        if is_wide { ValType::I64 } else { ValType::I32 }
    }

    /// Emits an operator on three operands in slots.
    pub(super) fn bulk(&mut self, op: Misc, indices: &[u32], mask: u16) {
        let mut fields = [0; 3];
        for field in fields.iter_mut().rev() {
            let operand = self.pop();
            *field = self.use_slot(&operand);
        }
        self.emit(op);
        self.u16s(&fields);
        for &index in indices {
            self.u32(index);
        }
        self.u16(mask);
    }

    /// Bit `n` of the result: operand `n` is 32-bit.
    pub(super) fn narrow_mask(wide: [bool; 3]) -> u16 {
        let [a, b, c] = wide.map(|wide| u16::from(!wide));
        a | b << 1 | c << 2
    }

    pub(super) fn op_memory_size(&mut self, memory: MemoryIdx) {
        let page = self.module.memories.get(memory.index()).map_or(16, |ty| ty.page_size_log2);
        let slot = self.push_slot(Self::index_type(self.memory64(memory)));
        let dest = self.dest(slot, 1);
        self.emit(Misc::MemorySize);
        self.u16(dest.field);
        self.u32(self.layout.memory(memory));
        self.u16(page as u16);
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_memory_grow(&mut self, memory: MemoryIdx) {
        let delta = self.pop();
        let delta = self.use_slot(&delta);
        let is_wide = self.memory64(memory);
        let slot = self.push_slot(Self::index_type(is_wide));
        let dest = self.dest(slot, 1);
        self.emit(Misc::MemoryGrow);
        self.u16(dest.field);
        self.u16(delta);
        self.u32(memory.0);
        self.u16((!is_wide).into());
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx) {
        let wide = [self.memory64(dst), self.memory64(src)];
        let mask = Self::narrow_mask([wide[0], wide[1], wide[0] && wide[1]]);
        self.bulk(Misc::MemoryCopy, &[dst.0, src.0], mask);
    }

    pub(super) fn op_memory_fill(&mut self, memory: MemoryIdx) {
        let wide = self.memory64(memory);
        self.bulk(Misc::MemoryFill, &[memory.0], Self::narrow_mask([wide, false, wide]));
    }

    pub(super) fn op_memory_init(&mut self, data: DataIdx, memory: MemoryIdx) {
        let wide = self.memory64(memory);
        self.bulk(Misc::MemoryInit, &[data.0, memory.0], Self::narrow_mask([wide, false, false]));
    }

    pub(super) fn op_data_drop(&mut self, data: DataIdx) {
        self.emit(Misc::DataDrop);
        self.u32(data.0);
    }
}
