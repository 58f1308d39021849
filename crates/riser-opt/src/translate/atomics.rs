//! Atomic accesses, waiting and notifying. All are sequentially consistent.
//!
//! Alignment is checked before bounds. Narrow accesses cut their operands and extend their results by zeros.

use super::access::{Place, Reach, int_type};
use super::{Translator, clif_trap, clif_type};
use cranelift_codegen::ir::types::*;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Type, Value};
use riser_abi::builtin;
use riser_front::MemArg;
use riser_ops::{AccessKind, AccessRow, TrapCode, ValType};

impl Translator<'_> {
    /// `atomic.fence`
    pub fn lower_atomic_fence(&mut self) {
        self.b.ins().fence();
    }

    pub(super) fn atomic_load(&mut self, row: &AccessRow, arg: MemArg) {
        let (address, flags) = self.pop_aligned(row, arg);
        let value = self.b.ins().atomic_load(int_type(row), flags, address);
        self.push_extended(row, value);
    }

    pub(super) fn atomic_store(&mut self, row: &AccessRow, arg: MemArg) {
        let value = self.pop_cut(row);
        let (address, flags) = self.pop_aligned(row, arg);
        self.b.ins().atomic_store(flags, value, address);
    }

    pub(super) fn atomic_rmw(&mut self, row: &AccessRow, arg: MemArg) {
        let op = match row.kind {
            AccessKind::AtomicRmwAdd => AtomicRmwOp::Add,
            AccessKind::AtomicRmwSub => AtomicRmwOp::Sub,
            AccessKind::AtomicRmwAnd => AtomicRmwOp::And,
            AccessKind::AtomicRmwOr => AtomicRmwOp::Or,
            AccessKind::AtomicRmwXor => AtomicRmwOp::Xor,
            AccessKind::AtomicRmwXchg => AtomicRmwOp::Xchg,
            _ => unreachable!("the table has no other operators that replace what they read"),
        };
        let value = self.pop_cut(row);
        let (address, flags) = self.pop_aligned(row, arg);
        let old = self.b.ins().atomic_rmw(int_type(row), flags, op, address, value);
        self.push_extended(row, old);
    }

    pub(super) fn atomic_cmpxchg(&mut self, row: &AccessRow, arg: MemArg) {
        let new = self.pop_cut(row);
        let expected = self.pop_cut(row);
        let (address, flags) = self.pop_aligned(row, arg);
        let old = self.b.ins().atomic_cas(flags, address, expected, new);
        self.push_extended(row, old);
    }

    /// `memory.atomic.wait32` and `memory.atomic.wait64`
    pub(super) fn wait(&mut self, row: &AccessRow, arg: MemArg) {
        let timeout = self.pop();
        let expected = self.pop();
        let (memory, address) = self.pop_effective(arg);
        let wait = match row.width {
            4 => builtin::memory_atomic_wait32,
            _ => builtin::memory_atomic_wait64,
        };
        let result = self.result_slot();
        let status = self.builtin(wait, &[memory, address, expected, timeout, result]);
        self.push_result(status, result);
    }

    /// `memory.atomic.notify`
    pub(super) fn notify(&mut self, arg: MemArg) {
        let count = self.pop();
        let (memory, address) = self.pop_effective(arg);
        let result = self.result_slot();
        let args = [memory, address, count, result];
        let status = self.builtin(builtin::memory_atomic_notify, &args);
        self.push_result(status, result);
    }

    /// Where a builtin writes its result.
    fn result_slot(&mut self) -> Value {
        let slot = self.operand_slots(1);
        self.b.ins().stack_addr(I64, slot, 0)
    }

    /// Pushes the result of a builtin that did not fail.
    fn push_result(&mut self, status: Value, slot: Value) {
        self.checked(status);
        let flags = self.trusted();
        let result = self.load_slot(flags, ValType::I32, slot, 0);
        self.push(result);
    }

    /// The memory as builtins know it, and the address operand with the offset added.
    fn pop_effective(&mut self, arg: MemArg) -> (Value, Value) {
        let address = self.pop();
        let address = self.effective_address(arg, address);
        (self.b.ins().iconst(I32, i64::from(arg.memory.0)), address)
    }

    /// An address with the offset added. A sum beyond 64 bits is out of bounds of any memory.
    fn effective_address(&mut self, arg: MemArg, address: Value) -> Value {
        let address = self.wide(address, arg.memory64);
        if arg.offset == 0 {
            return address;
        }
        let offset = self.b.ins().iconst(I64, arg.offset as i64);
        if arg.memory64 {
            let code = clif_trap(TrapCode::MemoryOutOfBounds);
            self.b.ins().uadd_overflow_trap(address, offset, code)
        } else {
            self.b.ins().iadd(address, offset)
        }
    }

    /// Where an access goes whose address is on the stack; traps unless that is aligned.
    fn pop_aligned(&mut self, row: &AccessRow, arg: MemArg) -> (Value, MemFlagsData) {
        let address = self.pop();
        let effective = self.effective_address(arg, address);
        if row.width > 1 {
            let low = self.b.ins().band_imm_s(effective, i64::from(row.width) - 1);
            self.trap_if(low, TrapCode::UnalignedAtomic);
        }
        let reach = Reach { memory: arg.memory, offset: arg.offset, width: row.width.into() };
        let Place { base, offset, flags } = self.effective_place(reach, effective);
        (self.b.ins().iadd_imm_s(base, i64::from(offset)), flags)
    }

    /// Takes an operand, cut to the access's width.
    fn pop_cut(&mut self, row: &AccessRow) -> Value {
        let value = self.pop();
        let ty = int_type(row);
        if ty == clif_type(row.ty) { value } else { self.b.ins().ireduce(ty, value) }
    }

    /// Pushes what was in memory, extended to an operand.
    fn push_extended(&mut self, row: &AccessRow, value: Value) {
        let ty: Type = clif_type(row.ty);
        let value = if int_type(row) == ty { value } else { self.b.ins().uextend(ty, value) };
        self.push(value);
    }
}
