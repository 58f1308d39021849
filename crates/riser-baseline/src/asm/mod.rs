//! Writing instructions for x86-64.
//!
//! An [`Asm`] is a buffer of code with a method per instruction. What is written cannot be wrong in form, only in meaning: operands
//! are registers, places in memory ([`Mem`]), constants behind the code ([`Const`]) and labels. Instructions for integers stand
//! in `integer.rs`, those on vector registers in `vector.rs` with their table in `sse.rs`, jumps, labels and jump tables in
//! `control.rs`. `encode.rs` makes the bytes, `pool.rs` collects constants, `finish.rs` puts everything together.
//!
//! Nothing is allocated per instruction, and an `Asm` that is cleared keeps its memory. Code that
//! becomes too long does not panic: [`Asm::finish`] says so.

mod control;
mod encode;
mod finish;
mod integer;
mod operands;
mod pool;
mod sse;
mod vector;

pub use finish::{AsmError, Code};
pub use operands::{Alu, Cond, Const, CpuFeatures, Gpr, Label, Mem, Rm, Shift, Width, Xmm, XmmRm};
pub use sse::{Fma, Sse, SseImm, VecShift};
pub use vector::{FloatCmp, Rounding};

use alloc::vec::Vec;
use encode::{Imm, Op, Place, join};
use finish::Fixup;
use pool::Pool;

/// No code is longer: distances within it must fit 32 bits with a sign, including what stands behind it.
const CODE_BYTES_MAX: usize = 1 << 30;
/// What is written at once. An instruction has at most 15 bytes.
const CHUNK_BYTES: usize = 16;
/// The first size of the buffer.
const BUFFER_BYTES: usize = 4096;

/// Code that is being written.
#[derive(Debug, Default)]
pub struct Asm {
    /// The code, then room. What lies beyond `len` means nothing.
    buffer: Vec<u8>,
    len: usize,
    /// Where each label is, or [`control::UNBOUND`].
    labels: Vec<u32>,
    fixups: Vec<Fixup>,
    pool: Pool,
    /// Jump tables: the label of each, and how many entries of `targets` are its.
    tables: Vec<(Label, u32)>,
    targets: Vec<Label>,
    too_long: bool,
}

impl Asm {
    /// No code yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, and keeps the memory for what comes next.
    pub fn clear(&mut self) {
        self.len = 0;
        self.labels.clear();
        self.fixups.clear();
        self.pool.clear();
        self.tables.clear();
        self.targets.clear();
        self.too_long = false;
    }

    /// How many bytes of code there are: where the next instruction begins.
    #[inline]
    pub fn offset(&self) -> u32 {
        self.len as u32
    }

    /// Replaces four bytes of the code, little endian.
    ///
    /// # Panics
    ///
    /// They must have been written.
    pub fn patch_u32(&mut self, at: u32, value: u32) {
        let at = at as usize;
        assert!(at + 4 <= self.len, "what is patched was not written");
        self.buffer[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Writes the low `count` bits, at most 16 bytes.
    #[inline]
    fn put(&mut self, bits: u128, count: u32) {
        let free = self.buffer.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut::<CHUNK_BYTES>);
        let Some(chunk) = free else { return self.put_after_growth(bits, count) };
        *chunk = bits.to_le_bytes();
        self.len += count as usize / 8;
    }

    #[cold]
    #[inline(never)]
    fn put_after_growth(&mut self, bits: u128, count: u32) {
        if self.len + CHUNK_BYTES > CODE_BYTES_MAX {
            // Goes on in the same memory, for nothing: the whole is refused in the end.
            self.too_long = true;
            self.len = 0;
        } else {
            let bytes = (2 * self.buffer.len()).clamp(BUFFER_BYTES, CODE_BYTES_MAX);
            self.buffer.resize(bytes, 0);
        }
        self.put(bits, count);
    }

    /// An instruction with operands `reg` and `rm`, in registers.
    fn emit_reg(&mut self, op: Op, reg: u8, rm: u8, imm: Imm) {
        let place = Place::reg(reg, rm);
        let (bits, count) = join(op.legacy(place.rxb), place, imm);
        self.put(bits, count);
    }

    /// An instruction with operands `reg` and `mem`.
    fn emit_mem(&mut self, op: Op, reg: u8, mem: Mem, imm: Imm) {
        let place = Place::mem(reg, mem);
        let (bits, count) = join(op.legacy(place.rxb), place, imm);
        self.put(bits, count);
    }

    /// An instruction with operands `reg` and `rm`.
    #[inline]
    fn emit(&mut self, op: Op, reg: u8, rm: Rm, imm: Imm) {
        match rm {
            Rm::Reg(rm) => self.emit_reg(op, reg, rm.number(), imm),
            Rm::Mem(mem) => self.emit_mem(op, reg, mem, imm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_too_long_is_refused_at_the_end() {
        let mut asm = Asm::new();
        asm.buffer.resize(64, 0);
        let label = asm.new_label();
        asm.jmp(label);
        // As if all of it had been written before.
        asm.len = CODE_BYTES_MAX - 3;
        asm.ud2();
        asm.bind(label);
        assert_eq!(asm.finish().unwrap_err(), AsmError::TooLong);
        asm.clear();
        asm.ud2();
        assert_eq!(asm.finish().unwrap().bytes, [0x0F, 0x0B]);
    }
}
