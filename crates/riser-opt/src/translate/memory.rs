//! Operators on whole memories. The runtime does them, but for sizes, and for copying and filling of a few bytes whose
//! number is a constant: that is how compilers write assignments of structures.

use super::Translator;
use super::access::{Place, Reach};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::*;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Type, Value};
use riser_abi::{GROW_FAILED, Status, builtin};
use riser_ops::{DataIdx, MemoryIdx};

/// Copies and fills of up to so many bytes are done in place: eight vectors.
const INLINE_BYTES_MAX: u64 = 128;

/// The pieces in which `len` bytes (at least one) are copied: where each begins, and its type. The last one comes first:
/// if it does not leave its memory, none does. Pieces may overlap.
fn pieces(len: u64) -> (Type, Vec<i32>) {
    let ty = match len {
        1 => I8,
        2..=3 => I16,
        4..=7 => I32,
        8..=15 => I64,
        _ => I8X16,
    };
    let width = u64::from(ty.bytes());
    let last = len - width;
    let whole = (0..last).step_by(width as usize);
    (ty, core::iter::once(last).chain(whole).map(|at| at as i32).collect())
}

impl Translator<'_> {
    /// `memory.size`
    pub fn lower_memory_size(&mut self, memory: MemoryIdx) {
        let page = self.env.module.memories[memory.index()].page_size_log2;
        let len = self.memory_len(memory);
        let pages = self.b.ins().ushr_imm_u(len, i64::from(page));
        self.push_size(pages, self.is_memory64(memory));
    }

    /// `memory.grow`
    pub fn lower_memory_grow(&mut self, memory: MemoryIdx) {
        let is_wide = self.is_memory64(memory);
        let delta = self.pop();
        let delta = self.wide(delta, is_wide);
        let index = self.index(memory.0);
        let old = self.builtin(builtin::memory_grow, &[index, delta]);
        self.push_grown(old, is_wide);
    }

    /// `memory.copy`
    pub fn lower_memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx) {
        let len = self.pop();
        let (to, from) = self.pop2();
        if let Some(len) = self.inline_len(len) {
            return self.copy_inline((dst, to), (src, from), len);
        }
        let (dst_wide, src_wide) = (self.is_memory64(dst), self.is_memory64(src));
        let to = self.wide(to, dst_wide);
        let from = self.wide(from, src_wide);
        let len = self.wide(len, dst_wide && src_wide);
        let (dst, src) = (self.index(dst.0), self.index(src.0));
        let status = self.builtin(builtin::memory_copy, &[dst, src, to, from, len]);
        self.checked(status);
    }

    /// `memory.fill`
    pub fn lower_memory_fill(&mut self, memory: MemoryIdx) {
        let len = self.pop();
        let (to, byte) = self.pop2();
        if let Some(len) = self.inline_len(len) {
            return self.fill_inline(memory, to, byte, len);
        }
        let is_wide = self.is_memory64(memory);
        let (to, len) = (self.wide(to, is_wide), self.wide(len, is_wide));
        let index = self.index(memory.0);
        let status = self.builtin(builtin::memory_fill, &[index, to, byte, len]);
        self.checked(status);
    }

    /// `memory.init`
    pub fn lower_memory_init(&mut self, data: DataIdx, memory: MemoryIdx) {
        let len = self.pop();
        let (to, from) = self.pop2();
        let is_wide = self.is_memory64(memory);
        let to = self.wide(to, is_wide);
        let (data, memory) = (self.index(data.0), self.index(memory.0));
        let status = self.builtin(builtin::memory_init, &[data, memory, to, from, len]);
        self.checked(status);
    }

    /// `data.drop`
    pub fn lower_data_drop(&mut self, data: DataIdx) {
        let data = self.index(data.0);
        let status = self.builtin(builtin::data_drop, &[data]);
        self.checked(status);
    }

    /// An index of the module, as builtins take it.
    pub(super) fn index(&mut self, index: u32) -> Value {
        self.b.ins().iconst(I32, i64::from(index))
    }

    /// Pushes a number of pages or elements, which has 64 bits.
    pub(super) fn push_size(&mut self, size: Value, is_wide: bool) {
        let size = if is_wide { size } else { self.b.ins().ireduce(I32, size) };
        self.push(size);
    }

    /// Pushes what a builtin that grows something gave, unless that says that execution ends.
    pub(super) fn push_grown(&mut self, old: Value, is_wide: bool) {
        let failed = self.b.ins().icmp_imm_s(IntCC::Equal, old, GROW_FAILED);
        let error = self.b.ins().iconst(I32, i64::from(Status::HOST_ERROR.bits()));
        let well = self.b.ins().iconst(I32, 0);
        let status = self.b.ins().select(failed, error, well);
        self.checked(status);
        self.push_size(old, is_wide);
    }

    fn is_memory64(&self, memory: MemoryIdx) -> bool {
        self.env.module.memories[memory.index()].memory64
    }

    /// A number of bytes, if it is a constant and small. (None at all is for the runtime, too: it is not worth thinking
    /// about where that is out of bounds.)
    fn inline_len(&self, len: Value) -> Option<u64> {
        self.constant(len).filter(|len| (1..=INLINE_BYTES_MAX).contains(len))
    }

    /// An integer, if it is a constant and not negative.
    pub(super) fn constant(&self, value: Value) -> Option<u64> {
        let dfg = &self.b.func.dfg;
        let inst = dfg.value_def(dfg.resolve_aliases(value)).inst()?;
        let InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } = dfg.insts[inst] else {
            return None;
        };
        u64::try_from(imm.bits()).ok()
    }

    /// Copies bytes after reading all of them, so that it does not matter whether they overlap, and nothing is written
    /// if any of them is out of bounds.
    fn copy_inline(&mut self, dst: (MemoryIdx, Value), src: (MemoryIdx, Value), len: u64) {
        let from = self.place(Reach { memory: src.0, offset: 0, width: len }, src.1);
        let to = self.place(Reach { memory: dst.0, offset: 0, width: len }, dst.1);
        let (ty, pieces) = pieces(len);
        let load = |at: &i32| self.b.ins().load(ty, from.flags, from.base, from.offset + at);
        let values: Vec<Value> = pieces.iter().map(load).collect();
        for (at, value) in pieces.into_iter().zip(values) {
            self.b.ins().store(to.flags, value, to.base, to.offset + at);
        }
    }

    fn fill_inline(&mut self, memory: MemoryIdx, to: Value, byte: Value, len: u64) {
        let Place { base, offset, flags } = self.place(Reach { memory, offset: 0, width: len }, to);
        let (ty, pieces) = pieces(len);
        let byte = self.b.ins().ireduce(I8, byte);
        let value =
            if ty == I8X16 { self.b.ins().splat(I8X16, byte) } else { self.repeated(byte, ty) };
        for at in pieces {
            self.b.ins().store(flags, value, base, offset + at);
        }
    }

    /// An integer each byte of which is the given one.
    fn repeated(&mut self, byte: Value, ty: Type) -> Value {
        if ty == I8 {
            return byte;
        }
        let byte = self.b.ins().uextend(ty, byte);
        let ones = 0x0101_0101_0101_0101_u64 >> (64 - ty.bits());
        let ones = self.b.ins().iconst(ty, ones as i64);
        self.b.ins().imul(byte, ones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_exactly_the_bytes_and_the_last_comes_first() {
        for len in 1..=INLINE_BYTES_MAX {
            let (ty, pieces) = pieces(len);
            let width = ty.bytes() as i32;
            assert_eq!(pieces[0] + width, len as i32);
            let mut covered = vec![false; len as usize];
            for at in pieces {
                (at..at + width).for_each(|at| covered[at as usize] = true);
            }
            assert!(covered.into_iter().all(|covered| covered), "{len}");
        }
    }
}
