//! Atomic accesses, waiting and notifying. All are sequentially consistent.
//!
//! Alignment is checked before bounds. Narrow accesses cut their operands and extend their results by zeros. An aligned load is
//! atomic as it is, since every store exchanges.

use super::Translator;
use super::access::{Place, Reach, width_of};
use super::vm::Arg;
use crate::asm::{Alu, Cond, Gpr, Mem, Width};
use crate::convention::Kind;
use crate::frame::Frame;
use crate::operands::SCRATCH;
use riser_abi::builtin;
use riser_front::MemArg;
use riser_ops::{AccessRow, TrapCode};

/// What `cmpxchg` compares with, and where what was there is afterwards.
const OLD: Gpr = Gpr::RAX;

impl Translator<'_> {
    pub(super) fn lower_atomic_fence(&mut self) {
        self.asm.mfence();
    }

    pub(super) fn atomic_load(&mut self, row: &AccessRow, arg: MemArg) {
        let place = self.pop_aligned(row, arg);
        let gpr = self.reuse(place);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.load(width_of(row), gpr, place.at);
        self.push_gpr(Kind::of(row.ty), gpr);
    }

    pub(super) fn atomic_store(&mut self, row: &AccessRow, arg: MemArg) {
        let value = self.pop();
        let gpr = self.owned(value);
        let place = self.pop_aligned(row, arg);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.xchg(width_of(row), place.at, gpr);
        self.free(gpr);
        self.free_place(place);
    }

    /// Operators that an instruction gives the old value for.
    pub(super) fn atomic_add(&mut self, row: &AccessRow, arg: MemArg, negates: bool) {
        let value = self.pop();
        let gpr = self.owned(value);
        let place = self.pop_aligned(row, arg);
        if negates {
            self.asm.neg(Width::W64, gpr);
        }
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.lock_xadd(width_of(row), place.at, gpr);
        self.free_place(place);
        self.push_old(row, gpr);
    }

    pub(super) fn atomic_exchange(&mut self, row: &AccessRow, arg: MemArg) {
        let value = self.pop();
        let gpr = self.owned(value);
        let place = self.pop_aligned(row, arg);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.xchg(width_of(row), place.at, gpr);
        self.free_place(place);
        self.push_old(row, gpr);
    }

    /// Other operators: what they make of a value replaces it if it is still there.
    pub(super) fn atomic_update(&mut self, op: Alu, row: &AccessRow, arg: MemArg) {
        self.take(OLD);
        let value = self.pop();
        let gpr = self.gpr(value);
        let place = self.pop_aligned(row, arg);
        let width = width_of(row);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.load(width, OLD, place.at);
        let again = self.asm.label_here();
        self.asm.mov(Width::W64, SCRATCH, OLD);
        self.asm.alu(op, Width::W64, SCRATCH, gpr);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.lock_cmpxchg(width, place.at, SCRATCH);
        self.asm.jcc(Cond::Ne, again);
        self.free(gpr);
        self.free_place(place);
        self.push_old(row, OLD);
    }

    pub(super) fn atomic_cmpxchg(&mut self, row: &AccessRow, arg: MemArg) {
        self.take(OLD);
        let (expected, new) = self.pop2();
        let gpr = self.gpr(new);
        self.move_to(expected, OLD);
        self.free_operand(expected);
        let place = self.pop_aligned(row, arg);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.lock_cmpxchg(width_of(row), place.at, gpr);
        self.free(gpr);
        self.free_place(place);
        self.push_old(row, OLD);
    }

    /// Pushes what was in memory, of which a register has the low bits.
    fn push_old(&mut self, row: &AccessRow, gpr: Gpr) {
        let width = width_of(row);
        if width != Width::W64 {
            self.asm.extend_unsigned(width, gpr, gpr);
        }
        self.push_gpr(Kind::of(row.ty), gpr);
    }

    /// `memory.atomic.wait32` and `memory.atomic.wait64`
    pub(super) fn wait(&mut self, row: &AccessRow, arg: MemArg) {
        let (expected, timeout) = self.pop2();
        let address = self.pop_effective(arg);
        let wait = match row.width {
            4 => builtin::memory_atomic_wait32,
            _ => builtin::memory_atomic_wait64,
        };
        let memory = Arg::Imm(arg.memory.0.into());
        let (expected, timeout) = (Arg::Operand(expected), Arg::Operand(timeout));
        self.frame.need_row(8);
        self.checked(wait, &[memory, Arg::Gpr(address), expected, timeout, Arg::Row(0)], &[]);
        self.push_from_row();
    }

    /// `memory.atomic.notify`
    pub(super) fn notify(&mut self, arg: MemArg) {
        let count = self.pop();
        let address = self.pop_effective(arg);
        let memory = Arg::Imm(arg.memory.0.into());
        let args = [memory, Arg::Gpr(address), Arg::Operand(count), Arg::Row(0)];
        self.frame.need_row(8);
        self.checked(builtin::memory_atomic_notify, &args, &[]);
        self.push_from_row();
    }

    /// Pushes the `i32` that a builtin wrote.
    fn push_from_row(&mut self) {
        let gpr = self.alloc();
        self.asm.load(Width::W32, gpr, Frame::row_at(0, 0));
        self.push_gpr(Kind::I32, gpr);
    }

    /// An address operand with the offset added, in a register that the operator owns. A sum beyond 64 bits is out of bounds of
    /// any memory.
    fn pop_effective(&mut self, arg: MemArg) -> Gpr {
        let address = self.pop();
        let gpr = self.owned(address);
        if arg.offset == 0 {
            return gpr;
        }
        match i32::try_from(arg.offset) {
            Ok(offset) => self.asm.alu_imm(Alu::Add, Width::W64, gpr, offset),
            Err(_) => {
                self.asm.mov_imm(SCRATCH, arg.offset);
                self.asm.alu(Alu::Add, Width::W64, gpr, SCRATCH);
            }
        }
        if arg.memory64 {
            self.trap_if(Cond::B, TrapCode::MemoryOutOfBounds);
        }
        gpr
    }

    /// Where an access goes whose address is the top operand; traps unless that is aligned.
    fn pop_aligned(&mut self, row: &AccessRow, arg: MemArg) -> Place {
        let reach = Reach::of(row, arg);
        let low = i32::from(row.width) - 1;
        if self.is_within_guard(reach) {
            let address = self.pop();
            let gpr = self.gpr(address);
            if arg.offset & low as u64 == 0 {
                self.trap_if_unaligned(gpr, low);
            } else {
                self.asm.lea(Width::W64, SCRATCH, Mem::at(gpr, arg.offset as i32));
                self.trap_if_unaligned(SCRATCH, low);
            }
            return self.guarded_place_at(reach, gpr);
        }
        let effective = self.pop_effective(arg);
        self.trap_if_unaligned(effective, low);
        self.compared_place(Reach { offset: 0, ..reach }, effective)
    }

    fn trap_if_unaligned(&mut self, gpr: Gpr, low: i32) {
        if low > 0 {
            self.asm.test_imm(Width::W32, gpr, low);
            self.trap_if(Cond::Ne, TrapCode::UnalignedAtomic);
        }
    }
}
