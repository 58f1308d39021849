//! Loads and stores, and where they go.
//!
//! A memory with a guard (see [`riser_abi::is_guarded`]) needs no comparison: what lies beyond its length faults, and the
//! position of the faulting instruction says which trap that is. Other accesses are compared with the memory's length.
//!
//! Accesses to parts of vectors are in `simd_access.rs`, atomic ones in `atomics.rs`.

use super::Translator;
use crate::asm::{Alu, Cond, Gpr, Mem, Width};
use crate::convention::Kind;
use crate::operands::{At, Operand, SCRATCH, width};
use core::mem::offset_of;
use riser_abi::{GUARD_BYTES, MemoryDef};
use riser_front::MemArg;
use riser_ops::{AccessKind, AccessOp, AccessRow, Extension, MemoryIdx, TrapCode, ValType};

/// Where an access goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub at: Mem,
    /// Registers that the address is made of.
    held: [Option<Gpr>; 2],
}

/// What is known of an access before its address is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    pub memory: MemoryIdx,
    /// Added to the operand.
    pub offset: u64,
    /// How many bytes are touched from there on.
    pub width: u64,
}

impl Reach {
    /// That of an access.
    pub fn of(row: &AccessRow, arg: MemArg) -> Reach {
        Reach { memory: arg.memory, offset: arg.offset, width: row.width.into() }
    }
}

/// What is frequent: accesses of integers, which have a shorter way where the first byte of the first memory is in a register, so that there
/// is a guard.
#[derive(Clone, Copy, Debug)]
struct Shape {
    frequent: Option<Frequent>,
    kind: Kind,
    width: Width,
}

/// See [`Shape`].
#[derive(Clone, Copy, Debug)]
enum Frequent {
    /// With whether it extends by the sign.
    Load(bool),
    Store,
}

static SHAPES: [Shape; AccessOp::ROWS.len()] = shapes();

const fn shapes() -> [Shape; AccessOp::ROWS.len()] {
    let mut shapes =
        [Shape { frequent: None, kind: Kind::I32, width: Width::W64 }; AccessOp::ROWS.len()];
    let mut at = 0;
    while at < shapes.len() {
        let row = &AccessOp::ROWS[at];
        let kind = if matches!(row.ty, ValType::I64) { Kind::I64 } else { Kind::I32 };
        let frequent = match row.kind {
            _ if !matches!(row.ty, ValType::I32 | ValType::I64) => None,
            AccessKind::Load => Some(Frequent::Load(matches!(row.extension, Extension::Sign))),
            AccessKind::Store => Some(Frequent::Store),
            _ => None,
        };
        shapes[row.op as usize] = Shape { frequent, kind, width: width_of(row) };
        at += 1;
    }
    shapes
}

impl Translator<'_> {
    /// An access.
    #[inline]
    pub fn lower_access(&mut self, op: AccessOp, arg: MemArg) {
        let shape = &SHAPES[op as usize];
        let is_near = arg.memory.0 == 0 && arg.offset <= GUARD_BYTES - 8;
        match (self.memory_base, shape.frequent) {
            (Some(base), Some(Frequent::Load(sign))) if is_near => {
                self.frequent_load(shape, sign, base, arg.offset as i32);
            }
            (Some(base), Some(Frequent::Store)) if is_near => {
                self.frequent_store(shape, base, arg.offset as i32);
            }
            _ => self.any_access(op, arg),
        }
    }

    fn frequent_load(&mut self, shape: &Shape, sign: bool, base: Gpr, offset: i32) {
        if let Some((index, to)) = self.top_in_gpr() {
            let at = Mem::indexed(base, index, 0, offset);
            self.load_frequent(shape, sign, to, at);
            return self.become_gpr(shape.kind, to);
        }
        let address = self.pop();
        let (at, index) = self.near(base, offset, address);
        let to = match index {
            Some(index) if self.is_for_operands(index) => index,
            _ => self.alloc(),
        };
        self.load_frequent(shape, sign, to, at);
        self.push_gpr(shape.kind, to);
    }

    #[inline(always)]
    fn load_frequent(&mut self, shape: &Shape, sign: bool, to: Gpr, at: Mem) {
        self.may_trap(TrapCode::MemoryOutOfBounds);
        if sign {
            self.asm.load_signed(shape.width, width(shape.kind), to, at);
        } else {
            self.asm.load(shape.width, to, at);
        }
    }

    fn frequent_store(&mut self, shape: &Shape, base: Gpr, offset: i32) {
        let value = self.pop();
        let address = self.pop();
        let immediate = Self::immediate_of(value);
        let from = if immediate.is_none() { Some(self.gpr(value)) } else { None };
        let (at, index) = self.near(base, offset, address);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        match (from, immediate) {
            (Some(from), _) => {
                self.asm.store(shape.width, at, from);
                self.free(from);
            }
            (None, immediate) => self.asm.store_imm(shape.width, at, immediate.unwrap_or(0)),
        }
        if let Some(index) = index {
            self.free(index);
        }
    }

    /// Where a frequent access goes, and the register with its address.
    #[inline(always)]
    fn near(&mut self, base: Gpr, offset: i32, address: Operand) -> (Mem, Option<Gpr>) {
        if let At::Const(constant) = address.at
            && let Ok(at) = i32::try_from(constant + offset as u64)
        {
            return (Mem::at(base, at), None);
        }
        let index = self.gpr(address);
        (Mem::indexed(base, index, 0, offset), Some(index))
    }

    #[inline(never)]
    fn any_access(&mut self, op: AccessOp, arg: MemArg) {
        let row = op.row();
        match row.kind {
            AccessKind::Load => self.load(row, arg),
            AccessKind::Store => self.store(row, arg),
            AccessKind::LoadSplat => self.load_splat(row, arg),
            AccessKind::LoadZero => self.load_zero(row, arg),
            AccessKind::LoadWiden => self.load_widen(op, arg),
            AccessKind::LoadLane => self.load_lane(row, arg),
            AccessKind::StoreLane => self.store_lane(row, arg),
            AccessKind::AtomicLoad => self.atomic_load(row, arg),
            AccessKind::AtomicStore => self.atomic_store(row, arg),
            AccessKind::AtomicRmwAdd => self.atomic_add(row, arg, false),
            AccessKind::AtomicRmwSub => self.atomic_add(row, arg, true),
            AccessKind::AtomicRmwAnd => self.atomic_update(Alu::And, row, arg),
            AccessKind::AtomicRmwOr => self.atomic_update(Alu::Or, row, arg),
            AccessKind::AtomicRmwXor => self.atomic_update(Alu::Xor, row, arg),
            AccessKind::AtomicRmwXchg => self.atomic_exchange(row, arg),
            AccessKind::AtomicCmpxchg => self.atomic_cmpxchg(row, arg),
            AccessKind::Wait => self.wait(row, arg),
            AccessKind::Notify => self.notify(arg),
        }
    }

    fn load(&mut self, row: &AccessRow, arg: MemArg) {
        let kind = Kind::of(row.ty);
        let address = self.pop();
        let place = self.place(Reach::of(row, arg), address);
        if kind.is_float() {
            let xmm = self.alloc_xmm();
            self.may_trap(TrapCode::MemoryOutOfBounds);
            self.load_xmm(kind, xmm, place.at);
            self.free_place(place);
            return self.push_xmm(kind, xmm);
        }
        let gpr = self.reuse(place);
        let width = width_of(row);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        match row.extension {
            Extension::Sign => {
                let to = if kind == Kind::I32 { Width::W32 } else { Width::W64 };
                self.asm.load_signed(width, to, gpr, place.at);
            }
            Extension::None | Extension::Zero => self.asm.load(width, gpr, place.at),
        }
        self.push_gpr(kind, gpr);
    }

    fn store(&mut self, row: &AccessRow, arg: MemArg) {
        let value = self.pop();
        let address = self.pop();
        let kind = value.kind;
        if kind.is_float() {
            let xmm = self.xmm(value);
            let place = self.place(Reach::of(row, arg), address);
            self.may_trap(TrapCode::MemoryOutOfBounds);
            self.store_xmm(kind, place.at, xmm);
            self.free_xmm(xmm);
            return self.free_place(place);
        }
        let width = width_of(row);
        if let Some(immediate) = Self::immediate_of(value) {
            let place = self.place(Reach::of(row, arg), address);
            self.may_trap(TrapCode::MemoryOutOfBounds);
            self.asm.store_imm(width, place.at, immediate);
            return self.free_place(place);
        }
        let gpr = self.gpr(value);
        let place = self.place(Reach::of(row, arg), address);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.store(width, place.at, gpr);
        self.free(gpr);
        self.free_place(place);
    }

    /// A place is not needed any more.
    pub fn free_place(&mut self, place: Place) {
        for gpr in place.held.into_iter().flatten() {
            self.free(gpr);
        }
    }

    /// A register for what is read from a place: one of those that the address is made of, if it is owned.
    pub(super) fn reuse(&mut self, place: Place) -> Gpr {
        let mut found = None;
        for gpr in place.held.into_iter().flatten() {
            if found.is_none() && self.is_for_operands(gpr) {
                found = Some(gpr);
            } else {
                self.free(gpr);
            }
        }
        found.unwrap_or_else(|| self.alloc())
    }

    /// Where an access goes that begins `reach.offset` bytes behind a popped operand.
    pub fn place(&mut self, reach: Reach, address: Operand) -> Place {
        if self.is_within_guard(reach) {
            return self.guarded_place(reach, address);
        }
        let address = self.owned(address);
        self.compared_place(reach, address)
    }

    /// Whether an access that is out of bounds faults, whatever the operand is.
    pub(super) fn is_within_guard(&self, reach: Reach) -> bool {
        self.env.is_guarded(reach.memory) && reach.offset.saturating_add(reach.width) <= GUARD_BYTES
    }

    fn guarded_place(&mut self, reach: Reach, address: Operand) -> Place {
        if let Some(constant) = Self::const_of(address) {
            // At most 4 GiB and the guard; an instruction can add half of that.
            if let Ok(at) = i32::try_from(constant + reach.offset) {
                let (base, held) = self.guarded_base(reach.memory);
                return Place { at: Mem::at(base, at), held: [held, None] };
            }
        }
        let index = self.gpr(address);
        self.guarded_place_at(reach, index)
    }

    /// The same for an address in a register, which becomes part of the place.
    pub(super) fn guarded_place_at(&mut self, reach: Reach, index: Gpr) -> Place {
        let (base, held) = self.guarded_base(reach.memory);
        let at = Mem::indexed(base, index, 0, reach.offset as i32);
        Place { at, held: [Some(index), held] }
    }

    /// The first byte of a guarded memory, and the register that is to be freed.
    fn guarded_base(&mut self, memory: MemoryIdx) -> (Gpr, Option<Gpr>) {
        if let (MemoryIdx(0), Some(base)) = (memory, self.memory_base) {
            return (base, None);
        }
        let base = self.load_own(self.env.layout.memory_base(memory));
        (base, Some(base))
    }

    /// Where an access goes, after comparing it with the memory's length.
    ///
    /// With masking, one that is out of bounds goes to address 0 and faults there, so that there is nothing to predict;
    /// otherwise a comparison traps. The address is in an owned register, which becomes part of the place.
    pub(super) fn compared_place(&mut self, reach: Reach, address: Gpr) -> Place {
        let at = self.compared(reach, address);
        Place { at: Mem::at(at, 0), held: [Some(at), None] }
    }

    /// The same for an address in an owned register, which becomes the place.
    fn compared(&mut self, reach: Reach, address: Gpr) -> Gpr {
        let out_of_bounds = TrapCode::MemoryOutOfBounds;
        let memory64 = self.env.module.memories[reach.memory.index()].memory64;
        let Some(size) = reach.offset.checked_add(reach.width) else {
            let label = self.far_trap(out_of_bounds);
            self.asm.jmp(label);
            return address;
        };
        let def = self.load_own(self.env.layout.memory(reach.memory));
        // The end of the access.
        self.asm.mov_imm(SCRATCH, size);
        self.asm.alu(Alu::Add, Width::W64, SCRATCH, address);
        if memory64 {
            self.trap_if(Cond::B, out_of_bounds);
        }
        if reach.offset > 0 {
            self.asm.lea(Width::W64, address, Mem::at(SCRATCH, -(reach.width as i32)));
        }
        let base = Mem::at(def, offset_of!(MemoryDef, base) as i32);
        self.asm.alu(Alu::Add, Width::W64, address, base);
        let len = Mem::at(def, offset_of!(MemoryDef, len) as i32);
        self.asm.alu(Alu::Cmp, Width::W64, SCRATCH, len);
        if self.env.options.spectre {
            self.asm.mov_imm(def, 0);
            self.asm.cmov(Cond::A, Width::W64, address, def);
        } else {
            self.trap_if(Cond::A, out_of_bounds);
        }
        self.free(def);
        address
    }
}

/// The width of an access that is at most eight bytes wide.
pub(crate) const fn width_of(row: &AccessRow) -> Width {
    match row.width {
        1 => Width::W8,
        2 => Width::W16,
        4 => Width::W32,
        _ => Width::W64,
    }
}
