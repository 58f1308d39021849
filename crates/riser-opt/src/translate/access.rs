//! Loads and stores, and where they go.
//!
//! A memory with a guard (see [`riser_abi::is_guarded`]) needs no comparison: what lies beyond its length faults, and the
//! position of the faulting instruction says which trap that is. Other accesses are compared with the memory's length.
//!
//! Atomic accesses are in `atomics.rs`.

use super::vm::Region;
use super::{Translator, clif_trap, clif_type};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::*;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value};
use riser_abi::{GUARD_BYTES, MemoryDef};
use riser_front::MemArg;
use riser_ops::{AccessKind, AccessOp, AccessRow, Extension, MemoryIdx, TrapCode};

/// Where an access goes, and the flags that it needs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub base: Value,
    /// Added to `base`.
    pub offset: i32,
    pub flags: MemFlagsData,
}

/// What is known of an access before its address is.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub memory: MemoryIdx,
    /// Added to the operand.
    pub offset: u64,
    /// How many bytes are touched from there on.
    pub width: u64,
}

impl Translator<'_> {
    /// A load or store.
    pub fn lower_access(&mut self, op: AccessOp, arg: MemArg) {
        let row = op.row();
        match row.kind {
            AccessKind::Load => self.load(row, arg),
            AccessKind::LoadSplat => self.load_splat(row, arg),
            AccessKind::LoadZero => self.load_zero(row, arg),
            AccessKind::LoadWiden => self.load_widen(op, arg),
            AccessKind::LoadLane => self.load_lane(row, arg),
            AccessKind::Store => self.store(row, arg),
            AccessKind::StoreLane => self.store_lane(row, arg),
            AccessKind::AtomicLoad => self.atomic_load(row, arg),
            AccessKind::AtomicStore => self.atomic_store(row, arg),
            AccessKind::AtomicRmwAdd
            | AccessKind::AtomicRmwSub
            | AccessKind::AtomicRmwAnd
            | AccessKind::AtomicRmwOr
            | AccessKind::AtomicRmwXor
            | AccessKind::AtomicRmwXchg => self.atomic_rmw(row, arg),
            AccessKind::AtomicCmpxchg => self.atomic_cmpxchg(row, arg),
            AccessKind::Wait => self.wait(row, arg),
            AccessKind::Notify => self.notify(arg),
        }
    }

    fn load(&mut self, row: &AccessRow, arg: MemArg) {
        let Place { base, offset, flags } = self.pop_place(row, arg);
        let ty = clif_type(row.ty);
        let i = self.b.ins();
        let value = match (row.extension, row.width) {
            (Extension::None, _) => i.load(ty, flags, base, offset),
            (Extension::Sign, 1) => i.sload8(ty, flags, base, offset),
            (Extension::Sign, 2) => i.sload16(ty, flags, base, offset),
            (Extension::Sign, _) => i.sload32(flags, base, offset),
            (Extension::Zero, 1) => i.uload8(ty, flags, base, offset),
            (Extension::Zero, 2) => i.uload16(ty, flags, base, offset),
            (Extension::Zero, _) => i.uload32(flags, base, offset),
        };
        self.push(value);
    }

    fn store(&mut self, row: &AccessRow, arg: MemArg) {
        let value = self.pop();
        let Place { base, offset, flags } = self.pop_place(row, arg);
        let is_whole = u32::from(row.width) == clif_type(row.ty).bytes();
        let i = self.b.ins();
        match row.width {
            _ if is_whole => i.store(flags, value, base, offset),
            1 => i.istore8(flags, value, base, offset),
            2 => i.istore16(flags, value, base, offset),
            _ => i.istore32(flags, value, base, offset),
        };
    }

    fn load_splat(&mut self, row: &AccessRow, arg: MemArg) {
        let lane = self.load_scalar(row, arg);
        let vector = self.vector_type(row);
        let value = self.b.ins().splat(vector, lane);
        self.push_lanes(value);
    }

    /// The first lane; the others are zero.
    fn load_zero(&mut self, row: &AccessRow, arg: MemArg) {
        let lane = self.load_scalar(row, arg);
        let vector = self.vector_type(row);
        let value = self.b.ins().scalar_to_vector(vector, lane);
        self.push_lanes(value);
    }

    fn load_widen(&mut self, op: AccessOp, arg: MemArg) {
        let Place { base, offset, flags } = self.pop_place(op.row(), arg);
        let i = self.b.ins();
        let value = match op {
            AccessOp::V128Load8x8S => i.sload8x8(flags, base, offset),
            AccessOp::V128Load8x8U => i.uload8x8(flags, base, offset),
            AccessOp::V128Load16x4S => i.sload16x4(flags, base, offset),
            AccessOp::V128Load16x4U => i.uload16x4(flags, base, offset),
            AccessOp::V128Load32x2S => i.sload32x2(flags, base, offset),
            AccessOp::V128Load32x2U => i.uload32x2(flags, base, offset),
            _ => unreachable!("the table has no other loads that widen"),
        };
        self.push_lanes(value);
    }

    fn load_lane(&mut self, row: &AccessRow, arg: MemArg) {
        let vector = self.vector_type(row);
        let x = self.pop_lanes(vector);
        let lane = self.load_scalar(row, arg);
        let value = self.b.ins().insertlane(x, lane, arg.lane);
        self.push_lanes(value);
    }

    fn store_lane(&mut self, row: &AccessRow, arg: MemArg) {
        let vector = self.vector_type(row);
        let x = self.pop_lanes(vector);
        let Place { base, offset, flags } = self.pop_place(row, arg);
        let value = self.b.ins().extractlane(x, arg.lane);
        self.b.ins().store(flags, value, base, offset);
    }

    /// Loads as many bytes as the access touches, as an integer of that width.
    fn load_scalar(&mut self, row: &AccessRow, arg: MemArg) -> Value {
        let Place { base, offset, flags } = self.pop_place(row, arg);
        self.b.ins().load(int_type(row), flags, base, offset)
    }

    /// The vector whose lanes are as wide as an access.
    fn vector_type(&self, row: &AccessRow) -> Type {
        int_type(row).by(16 / u32::from(row.width)).expect("vectors have 16 bytes")
    }

    /// Takes the address of an access off the stack.
    fn pop_place(&mut self, row: &AccessRow, arg: MemArg) -> Place {
        let address = self.pop();
        let width = row.width.into();
        self.place(Reach { memory: arg.memory, offset: arg.offset, width }, address)
    }

    /// Where an access goes that begins `reach.offset` bytes behind `address`, an operand.
    pub(super) fn place(&mut self, reach: Reach, address: Value) -> Place {
        let is_wide = self.env.module.memories[reach.memory.index()].memory64;
        let address = self.wide(address, is_wide);
        if self.is_within_guard(reach) {
            return self.guarded_place(reach.memory, address, reach.offset as i32);
        }
        self.compared_place(reach, address)
    }

    /// The same for an address that `reach.offset` was added to, without overflow.
    pub(super) fn effective_place(&mut self, reach: Reach, effective: Value) -> Place {
        if self.is_within_guard(reach) {
            return self.guarded_place(reach.memory, effective, 0);
        }
        self.compared_place(Reach { offset: 0, ..reach }, effective)
    }

    /// An operand that is an `i32` unless it is wide, zero-extended.
    pub(super) fn wide(&mut self, value: Value, is_wide: bool) -> Value {
        if is_wide { value } else { self.b.ins().uextend(I64, value) }
    }

    /// Whether an access that is out of bounds faults, whatever the operand is.
    fn is_within_guard(&self, reach: Reach) -> bool {
        self.env.is_guarded(reach.memory) && reach.offset.saturating_add(reach.width) <= GUARD_BYTES
    }

    fn guarded_place(&mut self, memory: MemoryIdx, address: Value, offset: i32) -> Place {
        let base = self.memory_base(memory);
        let base = self.b.ins().iadd(base, address);
        Place { base, offset, flags: self.memory_flags(memory) }
    }

    /// Flags of an access to a memory, which traps if it faults.
    fn memory_flags(&mut self, memory: MemoryIdx) -> MemFlagsData {
        let flags = MemFlagsData::new()
            .with_endianness(Endianness::Little)
            .with_trap_code(Some(clif_trap(TrapCode::MemoryOutOfBounds)));
        self.in_region(flags, Region::Memory(memory.0))
    }

    /// Where an access goes, after comparing it with the memory's length.
    ///
    /// With masking, one that is out of bounds goes to address 0 and faults there, so that there is nothing to predict;
    /// otherwise a comparison traps.
    fn compared_place(&mut self, reach: Reach, address: Value) -> Place {
        let outside = self.is_outside(reach, address);
        let spectre = self.env.options.spectre;
        if !spectre {
            self.trap_if(outside, TrapCode::MemoryOutOfBounds);
        }
        let base = self.memory_base(reach.memory);
        let base = self.b.ins().iadd(base, address);
        let base = self.b.ins().iadd_imm_s(base, reach.offset as i64);
        let base = if spectre { self.or_null(outside, base) } else { base };
        Place { base, offset: 0, flags: self.memory_flags(reach.memory) }
    }

    /// Null if a condition holds, even where the processor guesses otherwise.
    pub(super) fn or_null(&mut self, condition: Value, address: Value) -> Value {
        let null = self.b.ins().iconst(I64, 0);
        self.b.ins().select_spectre_guard(condition, null, address)
    }

    /// Whether an access leaves its memory.
    fn is_outside(&mut self, reach: Reach, address: Value) -> Value {
        let Reach { memory, offset, width } = reach;
        let ty = &self.env.module.memories[memory.index()];
        let Some(size) = offset.checked_add(width) else { return self.b.ins().iconst(I8, 1) };
        // No memory becomes shorter than it was at first.
        let least = ty.limits.min.checked_shl(ty.page_size_log2).unwrap_or(0);
        let memory64 = ty.memory64;
        let len = self.memory_len(memory);
        if size <= least {
            let size = self.b.ins().iconst(I64, size as i64);
            let last = self.b.ins().isub(len, size);
            return self.b.ins().icmp(IntCC::UnsignedGreaterThan, address, last);
        }
        let size = self.b.ins().iconst(I64, size as i64);
        let end = if memory64 {
            let code = clif_trap(TrapCode::MemoryOutOfBounds);
            self.b.ins().uadd_overflow_trap(address, size, code)
        } else {
            // The sum of two numbers of at most 33 bits.
            self.b.ins().iadd(address, size)
        };
        self.b.ins().icmp(IntCC::UnsignedGreaterThan, end, len)
    }

    /// The runtime's description of a memory.
    fn memory_def(&mut self, memory: MemoryIdx) -> Value {
        let at = self.env.layout.memory(memory);
        self.constant_load(I64, self.vmctx, at)
    }

    /// The first byte of a memory.
    fn memory_base(&mut self, memory: MemoryIdx) -> Value {
        if self.env.is_guarded(memory) {
            let at = self.env.layout.memory_base(memory);
            return self.constant_load(I64, self.vmctx, at);
        }
        let is_shared = self.env.module.memories[memory.index()].shared;
        let def = self.memory_def(memory);
        let at = offset_of!(MemoryDef, base);
        if is_shared {
            // Shared memories never move.
            return self.constant_load(I64, def, at as u32);
        }
        let flags = self.in_region(self.trusted(), Region::MemoryDef(memory.0));
        self.b.ins().load(I64, flags, def, at as i32)
    }

    /// The length of a memory in bytes.
    pub(super) fn memory_len(&mut self, memory: MemoryIdx) -> Value {
        let is_shared = self.env.module.memories[memory.index()].shared;
        let def = self.memory_def(memory);
        let at = offset_of!(MemoryDef, len);
        let flags = self.in_region(self.trusted(), Region::MemoryDef(memory.0));
        if is_shared {
            // Other threads may grow it.
            let len = self.b.ins().iadd_imm_s(def, at as i64);
            return self.b.ins().atomic_load(I64, flags, len);
        }
        self.b.ins().load(I64, flags, def, at as i32)
    }
}

/// The integer of an access's width.
pub(super) fn int_type(row: &AccessRow) -> Type {
    Type::int(u16::from(row.width) * 8).expect("accesses have widths of powers of two")
}
