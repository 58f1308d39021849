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
use encode::{Bits, Op, Place};
use finish::Fixup;
use pool::Pool;

/// No code is longer: distances within it must fit 32 bits with a sign, including what stands behind it.
const CODE_BYTES_MAX: usize = 1 << 30;
/// The room that writing an instruction takes. It has at most 15 bytes, but is written with more that mean nothing.
const CHUNK_BYTES: usize = 24;
/// The first size of the buffer.
const BUFFER_BYTES: usize = 4096;

/// Code that is being written.
#[derive(Debug, Default)]
pub struct Asm {
    /// The code, then room. What lies beyond `len` means nothing.
    buffer: Vec<u8>,
    len: u32,
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
        self.len
    }

    /// Replaces four bytes of the code, little endian.
    ///
    /// # Panics
    ///
    /// They must have been written.
    pub fn patch_u32(&mut self, at: u32, value: u32) {
        let at = at as usize;
        if self.too_long {
            return;
        }
        assert!(at + 4 <= self.len as usize, "what is patched was not written");
        self.buffer[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Writes an instruction: prefixes of an operation, at most six bytes of head, at most eight of tail.
    #[inline]
    fn put(&mut self, op: Op, head: Bits, tail: Bits) {
        let at = self.len as usize;
        let Some(chunk) = self.buffer.get_mut(at..at + CHUNK_BYTES) else {
            return self.put_after_growth(op, head, tail);
        };
        // The mask says what is known anyway, so that nothing is checked.
        let head_at = op.prefix_bytes() as usize;
        let tail_at = head_at + ((head.count as usize / 8) & 7);
        chunk[..2].copy_from_slice(&op.prefixes().to_le_bytes());
        chunk[head_at..][..8].copy_from_slice(&head.value.to_le_bytes());
        chunk[tail_at..][..8].copy_from_slice(&tail.value.to_le_bytes());
        self.len += tail_at as u32 + tail.count / 8;
    }

    #[cold]
    #[inline(never)]
    fn put_after_growth(&mut self, op: Op, head: Bits, tail: Bits) {
        self.grow();
        self.put(op, head, tail);
    }

    /// The same for operands at a place: its form follows the opcode, then comes the tail.
    #[inline]
    fn put_at(&mut self, op: Op, place: Place, tail: Bits) {
        let at = self.len as usize;
        let Some(chunk) = self.buffer.get_mut(at..at + CHUNK_BYTES) else {
            return self.put_after_growth(op, op.legacy(place.rxb).then(place.form), tail);
        };
        let rex = op.rex(place.rxb);
        let head = op.opcode().then(place.form);
        // The masks say what is known anyway, so that nothing is checked.
        let rex_at = op.prefix_bytes() as usize;
        let head_at = rex_at + usize::from(rex != 0);
        let tail_at = head_at + ((head.count as usize / 8) & 7);
        chunk[..2].copy_from_slice(&op.prefixes().to_le_bytes());
        chunk[rex_at] = rex;
        chunk[head_at..][..8].copy_from_slice(&head.value.to_le_bytes());
        chunk[tail_at..][..8].copy_from_slice(&tail.value.to_le_bytes());
        self.len += tail_at as u32 + tail.count / 8;
    }

    /// Writes at most 8 bytes as they are.
    #[inline]
    fn put_bits(&mut self, bits: Bits) {
        let at = self.len as usize;
        let Some(chunk) = self.buffer.get_mut(at..at + CHUNK_BYTES) else {
            return self.put_bits_after_growth(bits);
        };
        chunk[..8].copy_from_slice(&bits.value.to_le_bytes());
        self.len += bits.count / 8;
    }

    #[cold]
    #[inline(never)]
    fn put_bits_after_growth(&mut self, bits: Bits) {
        self.grow();
        self.put_bits(bits);
    }

    /// Makes room for a chunk.
    fn grow(&mut self) {
        if self.len as usize + CHUNK_BYTES > CODE_BYTES_MAX {
            // Goes on in the same memory, for nothing: the whole is refused in the end.
            self.too_long = true;
            self.len = 0;
        } else {
            let bytes = (2 * self.buffer.len()).clamp(BUFFER_BYTES, CODE_BYTES_MAX);
            self.buffer.resize(bytes, 0);
        }
    }

    /// An instruction with operands `reg` and `rm`, in registers.
    fn emit_reg(&mut self, op: Op, reg: u8, rm: u8) {
        let place = Place::reg(reg, rm);
        self.put_at(op, place, Bits::NONE);
    }

    /// An instruction with operands `reg` and `rm`, in registers, and an immediate.
    fn emit_reg_imm(&mut self, op: Op, reg: u8, rm: u8, imm: Bits) {
        let place = Place::reg(reg, rm);
        self.put_at(op, place, imm);
    }

    /// An instruction with operands `reg` and `mem`.
    fn emit_mem(&mut self, op: Op, reg: u8, mem: Mem) {
        let place = Place::mem(reg, mem);
        self.put_at(op, place, place.disp);
    }

    /// The same where the opcode is one byte and there are no prefixes but REX, which is said: what most loads and stores are.
    fn emit_mem_short(&mut self, opcode: u8, wide: bool, reg: u8, mem: Mem) {
        let at = self.len as usize;
        let Some(chunk) = self.buffer.get_mut(at..at + CHUNK_BYTES) else {
            return self.emit_mem_after_growth(opcode, wide, reg, mem);
        };
        let rex = u8::from(wide) << 3 | reg >> 3 << 2 | mem.flags & 3;
        let mode = Place::mode(mem);
        let form = u32::from(mem.form) | (mode << 6) | ((u32::from(reg) & 7) << 3);
        let head_at = usize::from(rex != 0);
        let tail_at = head_at + 1 + ((usize::from(mem.form_bits) / 8) & 3);
        chunk[0] = rex | 0x40;
        chunk[head_at..][..4].copy_from_slice(&(u32::from(opcode) | form << 8).to_le_bytes());
        chunk[tail_at..][..4].copy_from_slice(&mem.disp.to_le_bytes());
        self.len += tail_at as u32 + mode * mode;
    }

    #[cold]
    #[inline(never)]
    fn emit_mem_after_growth(&mut self, opcode: u8, wide: bool, reg: u8, mem: Mem) {
        self.grow();
        self.emit_mem_short(opcode, wide, reg, mem);
    }

    /// An instruction with operands `reg` and `mem`, and an immediate.
    fn emit_mem_imm(&mut self, op: Op, reg: u8, mem: Mem, imm: Bits) {
        let place = Place::mem(reg, mem);
        self.put_at(op, place, place.disp.cut().then(imm));
    }

    /// An instruction with operands `reg` and `rm`.
    #[inline]
    fn emit(&mut self, op: Op, reg: u8, rm: Rm) {
        match rm {
            Rm::Reg(rm) => self.emit_reg(op, reg, rm.number()),
            Rm::Mem(mem) => self.emit_mem(op, reg, mem),
        }
    }

    /// An instruction with operands `reg` and `rm`, and an immediate.
    #[inline]
    fn emit_imm(&mut self, op: Op, reg: u8, rm: Rm, imm: Bits) {
        match rm {
            Rm::Reg(rm) => self.emit_reg_imm(op, reg, rm.number(), imm),
            Rm::Mem(mem) => self.emit_mem_imm(op, reg, mem, imm),
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
        asm.len = CODE_BYTES_MAX as u32 - 3;
        asm.ud2();
        asm.bind(label);
        asm.patch_u32(1000, 0);
        assert_eq!(asm.finish().unwrap_err(), AsmError::TooLong);
        asm.clear();
        asm.ud2();
        assert_eq!(asm.finish().unwrap().bytes, [0x0F, 0x0B]);
    }
}
