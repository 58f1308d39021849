//! Operators on whole memories. The runtime does them, but for sizes.

use super::vm::Arg;
use super::{ColdCode, Translator};
use crate::asm::{Alu, Cond, Gpr, Mem, Shift, Width};
use crate::convention::Kind;
use core::mem::offset_of;
use riser_abi::{GROW_FAILED, MemoryDef, builtin};
use riser_ops::{DataIdx, MemoryIdx};

impl Translator<'_> {
    pub(super) fn lower_memory_size(&mut self, memory: MemoryIdx) {
        let page = self.env.module.memories[memory.index()].page_size_log2;
        let def = self.load_own(self.env.layout.memory(memory));
        self.asm.load(Width::W64, def, Mem::at(def, offset_of!(MemoryDef, len) as i32));
        if page > 0 {
            self.asm.shift_imm(Shift::Shr, Width::W64, def, page as u8);
        }
        self.push_gpr(self.index_kind(memory), def);
    }

    pub(super) fn lower_memory_grow(&mut self, memory: MemoryIdx) {
        let delta = self.pop();
        let args = [Arg::Imm(memory.0.into()), Arg::Operand(delta)];
        let old = self.builtin(builtin::memory_grow, &args, &[]);
        self.push_grown(old, self.index_kind(memory));
    }

    pub(super) fn lower_memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx) {
        self.checked_with(builtin::memory_copy, &[dst.0, src.0], 3);
    }

    pub(super) fn lower_memory_fill(&mut self, memory: MemoryIdx) {
        self.checked_with(builtin::memory_fill, &[memory.0], 3);
    }

    pub(super) fn lower_memory_init(&mut self, data: DataIdx, memory: MemoryIdx) {
        self.checked_with(builtin::memory_init, &[data.0, memory.0], 3);
    }

    pub(super) fn lower_data_drop(&mut self, data: DataIdx) {
        self.checked_with(builtin::data_drop, &[data.0], 0);
    }

    /// Pushes what a builtin that grows something gave, unless that says that execution ends.
    pub(super) fn push_grown(&mut self, old: Gpr, kind: Kind) {
        self.asm.alu_imm(Alu::Cmp, Width::W64, old, GROW_FAILED as i32);
        let failed = self.cold(ColdCode::RaiseHostError);
        self.asm.jcc(Cond::E, failed);
        if kind == Kind::I32 {
            self.asm.mov(Width::W32, old, old);
        }
        self.push_gpr(kind, old);
    }

    fn index_kind(&self, memory: MemoryIdx) -> Kind {
        if self.env.module.memories[memory.index()].memory64 { Kind::I64 } else { Kind::I32 }
    }
}
