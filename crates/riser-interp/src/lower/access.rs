//! Loads and stores.

use super::emit::Acc;
use super::operands::{Class, Enc, Operand, Place};
use super::{Lowerer, NONE};
use crate::code::{Opcode, atomic, binary, indexed, region, store, unary};
use riser_front::MemArg;
use riser_ops::{AccessKind, AccessOp, MemoryIdx, SimpleOp, ValType};

impl Lowerer<'_> {
    pub(super) fn op_access(&mut self, op: AccessOp, arg: MemArg) {
        match op.row().kind {
            AccessKind::Load
            | AccessKind::LoadSplat
            | AccessKind::LoadZero
            | AccessKind::LoadWiden => {
                self.load(op, arg);
            }
            AccessKind::Store => self.store(op, arg),
            AccessKind::LoadLane => self.load_lane(op, arg),
            AccessKind::StoreLane => self.store_lane(op, arg),
            _ => self.atomic(op, arg),
        }
    }

    /// The offset of a fast access: memory 0, 32-bit addresses, and with a constant address added in.
    fn near_offset(&self, address: &Operand, arg: MemArg) -> Option<(u32, bool)> {
        let offset = u32::try_from(arg.offset).ok()?;
        if arg.memory != MemoryIdx(0) || arg.memory64 {
            return None;
        }
        let Place::Const(address) = address.place else { return Some((offset, false)) };
        // A sum beyond 32 bits is out of every such memory's bounds; the plain form finds that out.
        Some((address as u32).checked_add(offset).map_or((offset, false), |sum| (sum, true)))
    }

    /// The variant of an access to any memory.
    fn far_variant(arg: MemArg, narrow: u16, wide: u16) -> u16 {
        if arg.memory64 { wide } else { narrow }
    }

    /// The fields of an access to any memory.
    fn far_fields(&mut self, arg: MemArg) {
        self.u32(self.layout.memory(arg.memory));
        self.u64(arg.offset);
    }

    fn load(&mut self, op: AccessOp, arg: MemArg) {
        let address = self.pop();
        let ty = op.row().ty;
        let class = Class::of(ty);
        let near = self.near_offset(&address, arg);
        if let Some((offset, false)) = near
            && self.load_indexed(op, offset, &address)
        {
            return;
        }
        let enc = match near {
            Some((_, true)) => Enc::I(0),
            Some((_, false)) => self.use_slot_or_acc(&address),
            None => Enc::S(self.use_slot(&address)),
        };
        let variant = match (near, enc) {
            (None, _) => Self::far_variant(arg, unary::FAR32, unary::FAR64),
            (_, Enc::S(_) | Enc::W(_)) => unary::S,
            (_, Enc::A) => unary::A,
            (_, Enc::I(_)) => unary::I,
        };
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, class.width());
        let number = self.emit(Opcode::access(op, variant));
        self.u16(dest.field);
        if let Enc::S(slot) = enc {
            self.u16(slot);
        }
        match near {
            Some((offset, _)) => self.u32(offset),
            None => self.far_fields(arg),
        }
        let number = (class != Class::V128).then_some(number);
        self.written(dest, class, class.width(), number);
        if near.is_none() {
            self.keep_slots();
        }
    }

    /// If the address is a sum that was computed by the last instruction, takes that back and lets the load
    /// compute it.
    fn load_indexed(&mut self, op: AccessOp, offset: u32, address: &Operand) -> bool {
        let Some(opcode) = self.computed_by(address) else { return false };
        let scaled = opcode.0.checked_sub(region::MUL_ADD);
        let variant = match (opcode.as_scalar(SimpleOp::I32Add), scaled) {
            (Some(binary::SS), _) => indexed::SS,
            (Some(binary::AS | binary::SA), _) => indexed::AS,
            (Some(binary::SI), _) => indexed::SI,
            (Some(binary::AI), _) => indexed::AI,
            (None, Some(0)) => indexed::SCALED_S,
            (None, Some(1)) => indexed::SCALED_A,
            _ => return false,
        };
        let sum = self.take_last();
        let ty = op.row().ty;
        let class = Class::of(ty);
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, class.width());
        let number = self.emit(Opcode::indexed(op, variant));
        self.u16(dest.field);
        self.copy_fields(&sum);
        self.u32(offset);
        let number = (class != Class::V128).then_some(number);
        self.written(dest, class, class.width(), number);
        true
    }

    fn store(&mut self, op: AccessOp, arg: MemArg) {
        let value = self.pop();
        let address = self.pop();
        let near = self.near_offset(&address, arg);
        let Some((offset, constant)) = near.filter(|_| value.class != Class::V128) else {
            return self.store_slots(op, arg, near, &address, &value);
        };
        let bits_fit = |bits: u64| op.row().width <= 4 || bits as i64 == i64::from(bits as i32);
        let x = if constant { Enc::I(0) } else { self.use_slot_or_acc(&address) };
        let y = match value.place {
            Place::Const(bits) if bits_fit(bits) => Enc::I(bits),
            _ => self.use_slot_or_acc(&value),
        };
        let variant = match (x, y) {
            (Enc::S(_), Enc::S(_)) => store::SS,
            (Enc::S(_), Enc::A) => store::SA,
            (Enc::S(_), Enc::I(_)) => store::SI,
            (Enc::A, Enc::S(_)) => store::AS,
            (Enc::A, Enc::A) => store::AA,
            (Enc::A, Enc::I(_)) => store::AI,
            (_, Enc::S(_)) => store::IS,
            (_, Enc::A) => store::IA,
            _ => store::II,
        };
        self.emit(Opcode::access(op, variant));
        if let Enc::S(slot) = x {
            self.u16(slot);
        }
        // An immediate is always 32 bits here, whatever the type.
        self.enc(y, Class::Int);
        self.u32(offset);
    }

    /// A store of a vector, or to any memory.
    fn store_slots(
        &mut self,
        op: AccessOp,
        arg: MemArg,
        near: Option<(u32, bool)>,
        address: &Operand,
        value: &Operand,
    ) {
        let fields = [self.use_slot(address), self.use_slot(value)];
        let near = near.map(|_| arg.offset as u32);
        let far = Self::far_variant(arg, store::FAR32, store::FAR64);
        self.emit(Opcode::access(op, if near.is_some() { store::SS } else { far }));
        self.u16s(&fields);
        match near {
            Some(offset) => self.u32(offset),
            None => self.far_fields(arg),
        }
    }

    fn load_lane(&mut self, op: AccessOp, arg: MemArg) {
        let vector = self.pop();
        let address = self.pop();
        let near = self.near_offset(&address, arg).map(|_| arg.offset as u32);
        let fields = [self.use_slot(&address), self.use_slot(&vector)];
        let slot = self.push_slot(ValType::V128);
        let dest = self.dest(slot, 2);
        let far = Self::far_variant(arg, unary::FAR32, unary::FAR64);
        self.emit(Opcode::access(op, if near.is_some() { unary::S } else { far }));
        self.u16(dest.field);
        self.lane_fields(fields, arg, near);
        self.written(dest, Class::V128, 2, None);
    }

    fn store_lane(&mut self, op: AccessOp, arg: MemArg) {
        let vector = self.pop();
        let address = self.pop();
        let near = self.near_offset(&address, arg).map(|_| arg.offset as u32);
        let fields = [self.use_slot(&address), self.use_slot(&vector)];
        let far = Self::far_variant(arg, store::FAR32, store::FAR64);
        self.emit(Opcode::access(op, if near.is_some() { store::SS } else { far }));
        self.lane_fields(fields, arg, near);
    }

    fn lane_fields(&mut self, slots: [u16; 2], arg: MemArg, near: Option<u32>) {
        self.u16s(&slots);
        self.u16(arg.lane.into());
        match near {
            Some(offset) => self.u32(offset),
            None => self.far_fields(arg),
        }
    }

    /// An atomic access: operands in slots, any memory.
    fn atomic(&mut self, op: AccessOp, arg: MemArg) {
        let (operands, result) = op.row().signature();
        let mut slots = [0; 3];
        let slots = &mut slots[..1 + operands.len()];
        for slot in slots.iter_mut().rev() {
            let operand = self.pop();
            *slot = self.use_slot(&operand);
        }
        let dest = result.map(|ty| {
            let slot = self.push_slot(ty);
            self.dest(slot, 1)
        });
        let variant = Self::far_variant(arg, atomic::FAR32, atomic::FAR64);
        self.emit(Opcode::access(op, variant));
        if let Some(dest) = &dest {
            self.u16(dest.field);
        }
        self.u16s(slots);
        // What calls the runtime names the memory by its index.
        let calls_runtime = matches!(op.row().kind, AccessKind::Wait | AccessKind::Notify);
        if calls_runtime {
            self.u32(arg.memory.0);
            self.u64(arg.offset);
        } else {
            self.far_fields(arg);
        }
        if let Some(dest) = dest {
            let slot = dest.slot;
            self.written(dest, Class::Int, 1, None);
            if !calls_runtime {
                // The handler leaves the result in the accumulator, too; it is no longer what it was.
                self.set_acc(Class::Int, Acc { slot, producer: NONE });
            }
        }
    }
}
