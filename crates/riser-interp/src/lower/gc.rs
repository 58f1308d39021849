//! Operators on the garbage-collected heap.
//!
//! Those that allocate find their operands side by side in their canonical slots, where the collector, which they may
//! wake, finds them as well; the reference to the new object goes to the first of these slots. Conversions between
//! internal and external references, and 31-bit integers, need no instruction of their own.

use super::Lowerer;
use super::operands::{Class, Place};
use crate::code::Misc;
use riser_abi::object_access;
use riser_front::{SimpleImm, Target};
use riser_module::Module;
use riser_ops::{
    CompositeType, DataIdx, ElemIdx, HeapType, RefType, SimpleOp, StorageType, TypeId, TypeIdx,
    ValType,
};

/// How the accesses of a field or element are to be.
fn access_bits(ty: ValType, signed: Option<bool>) -> u16 {
    let signed = if signed == Some(true) { object_access::SIGNED } else { 0 };
    let vector = if ty == ValType::V128 { object_access::VECTOR } else { 0 };
    (signed | vector) as u16
}

/// The canonical type at an index. A valid body has no other.
fn type_id(module: &Module, ty: TypeIdx) -> TypeId {
    module.type_at(ty).map_or(TypeId(TypeId::MAX), |ty| ty.id)
}

impl Lowerer<'_> {
    /// The type of a structure's field, as it is read.
    fn field_type(&self, ty: TypeIdx, field: u32) -> ValType {
        match self.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Struct(fields)) => {
                fields.get(field as usize).map_or(ValType::I32, |field| field.storage.unpacked())
            }
            _ => ValType::I32,
        }
    }

    /// The number of a structure's fields.
    fn field_count(&self, ty: TypeIdx) -> usize {
        match self.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Struct(fields)) => fields.len(),
            _ => 0,
        }
    }

    /// The type of an array's elements, as they are read.
    fn element_type(&self, ty: TypeIdx) -> ValType {
        match self.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Array(field)) => field.storage.unpacked(),
            _ => StorageType::I8.unpacked(),
        }
    }

    /// An operator that allocates an object of a type: settles its operands, and puts the result into the place of
    /// the first. `more` are further fields.
    fn allocate(&mut self, op: Misc, ty: TypeIdx, operands: usize, more: &[u32]) {
        self.settle_top(operands);
        self.keep_slots();
        let height = self.operands.len() - operands;
        let base = self.slot_at(height as u32);
        let id = type_id(self.module, ty);
        self.emit(op);
        self.u32(id.0);
        self.u32(base);
        for &field in more {
            self.u32(field);
        }
        self.safepoint();
        self.cut(height as u32);
        let kind = self.module.type_at(ty).map(|ty| ty.ty.composite.kind());
        let heap = kind.map_or(HeapType::Eq, |kind| HeapType::Concrete(id, kind));
        self.push_slot(RefType::new(false, heap).val_type());
    }

    pub(super) fn op_struct_new(&mut self, ty: TypeIdx) {
        self.allocate(Misc::StructNew, ty, self.field_count(ty), &[]);
    }

    pub(super) fn op_struct_new_default(&mut self, ty: TypeIdx) {
        self.allocate(Misc::StructNewDefault, ty, 0, &[]);
    }

    pub(super) fn op_array_new(&mut self, ty: TypeIdx) {
        let width = self.element_type(ty).slots();
        self.allocate(Misc::ArrayNew, ty, 2, &[width]);
    }

    pub(super) fn op_array_new_default(&mut self, ty: TypeIdx) {
        self.allocate(Misc::ArrayNewDefault, ty, 1, &[]);
    }

    pub(super) fn op_array_new_fixed(&mut self, ty: TypeIdx, count: u32) {
        self.allocate(Misc::ArrayNewFixed, ty, count as usize, &[count]);
    }

    pub(super) fn op_array_new_data(&mut self, ty: TypeIdx, data: DataIdx) {
        self.allocate(Misc::ArrayNewData, ty, 2, &[data.0]);
    }

    pub(super) fn op_array_new_elem(&mut self, ty: TypeIdx, elem: ElemIdx) {
        self.allocate(Misc::ArrayNewElem, ty, 2, &[elem.0]);
    }

    pub(super) fn op_struct_get(&mut self, ty: TypeIdx, field: u32, signed: Option<bool>) {
        let result = self.field_type(ty, field);
        let from = self.pop();
        let from = self.use_slot(&from);
        let class = Class::of(result);
        let slot = self.push_slot(result);
        let dest = self.dest(slot, class.width());
        self.emit(Misc::StructGet);
        self.u16(dest.field);
        self.u16(from);
        self.u32(field);
        self.u16(access_bits(result, signed));
        self.written(dest, class, class.width(), None);
    }

    pub(super) fn op_struct_set(&mut self, ty: TypeIdx, field: u32) {
        let value = self.pop();
        let object = self.pop();
        let (object, value) = (self.use_slot(&object), self.use_slot(&value));
        self.emit(Misc::StructSet);
        self.u16s(&[object, value]);
        self.u32(field);
        self.u16(access_bits(self.field_type(ty, field), None));
    }

    pub(super) fn op_array_get(&mut self, ty: TypeIdx, signed: Option<bool>) {
        let result = self.element_type(ty);
        let index = self.pop();
        let array = self.pop();
        let (array, index) = (self.use_slot(&array), self.use_slot(&index));
        let class = Class::of(result);
        let slot = self.push_slot(result);
        let dest = self.dest(slot, class.width());
        self.emit(Misc::ArrayGet);
        self.u16s(&[dest.field, array, index, access_bits(result, signed)]);
        self.written(dest, class, class.width(), None);
    }

    pub(super) fn op_array_set(&mut self, ty: TypeIdx) {
        let bits = access_bits(self.element_type(ty), None);
        let value = self.pop();
        let index = self.pop();
        let array = self.pop();
        let fields = [self.use_slot(&array), self.use_slot(&index), self.use_slot(&value), bits];
        self.emit(Misc::ArraySet);
        self.u16s(&fields);
    }

    pub(super) fn op_array_len(&mut self) {
        let array = self.pop();
        let array = self.use_slot(&array);
        let slot = self.push_slot(ValType::I32);
        let dest = self.dest(slot, 1);
        self.emit(Misc::ArrayLen);
        self.u16s(&[dest.field, array]);
        self.written(dest, Class::Int, 1, None);
    }

    /// An operator that writes many elements, with its operands side by side.
    fn array_bulk(&mut self, op: Misc, operands: usize, field: Option<u32>) {
        self.settle_top(operands);
        self.keep_slots();
        let height = (self.operands.len() - operands) as u32;
        let base = self.slot_at(height);
        self.emit(op);
        self.u32(base);
        if let Some(field) = field {
            self.u32(field);
        }
        self.cut(height);
    }

    pub(super) fn op_array_fill(&mut self, ty: TypeIdx) {
        let width = self.element_type(ty).slots();
        self.array_bulk(Misc::ArrayFill, 4, Some(width));
    }

    pub(super) fn op_array_copy(&mut self) {
        self.array_bulk(Misc::ArrayCopy, 5, None);
    }

    pub(super) fn op_array_init_data(&mut self, data: DataIdx) {
        self.array_bulk(Misc::ArrayInitData, 4, Some(data.0));
    }

    pub(super) fn op_array_init_elem(&mut self, elem: ElemIdx) {
        self.array_bulk(Misc::ArrayInitElem, 4, Some(elem.0));
    }

    pub(super) fn op_ref_test(&mut self, to: RefType) {
        let operand = self.pop();
        let from = self.use_slot(&operand);
        self.test_reference(from, to);
    }

    /// Pushes whether the reference in a slot is of a type.
    fn test_reference(&mut self, from: u16, to: RefType) {
        let slot = self.push_slot(ValType::I32);
        let dest = self.dest(slot, 1);
        self.emit(Misc::RefTest);
        self.u16s(&[dest.field, from]);
        self.u32(to.val_type().to_bits());
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_ref_cast(&mut self, to: RefType) {
        let operand = self.pop();
        let slot = self.use_slot(&operand);
        self.emit(Misc::RefCast);
        self.u16(slot);
        self.u32(to.val_type().to_bits());
        self.keep_slots();
        match operand.place {
            // `use_slot` wrote the constant there.
            Place::Const(_) => self.push(Place::Slot, to.val_type()),
            place => self.push(place, to.val_type()),
        };
    }

    /// `br_on_cast` (`sense`) and `br_on_cast_fail`: a test, then a branch. The reference stays on the stack.
    pub(super) fn op_br_on_cast(&mut self, target: Target, to: RefType, sense: bool) {
        let count = self.operands.len() as u32;
        if let Some(Place::Const(_)) = self.operands.last().map(|operand| operand.place) {
            self.settle_top(1);
        }
        let Some(&operand) = self.operands.last() else { return };
        self.keep_slots();
        let from = self.use_slot(&operand);
        self.test_reference(from, to);
        self.branch_on_test(target, sense);
        debug_assert_eq!(self.operands.len() as u32, count);
    }

    pub(super) fn op_convert(&mut self, to: RefType) {
        let operand = self.pop();
        self.push(operand.place, to.val_type());
    }

    pub(super) fn op_ref_i31(&mut self) {
        // The integer above a set lowest bit.
        for (op, constant) in [(SimpleOp::I32Shl, 1), (SimpleOp::I32Or, 1)] {
            self.push_const(ValType::I32, constant);
            self.op_simple(op, SimpleImm::None);
        }
        let operand = self.pop();
        self.push(operand.place, RefType::new(false, HeapType::I31).val_type());
    }

    pub(super) fn op_i31_get(&mut self, signed: bool) {
        self.op_ref_as_non_null();
        let operand = self.pop();
        self.push(operand.place, ValType::I32);
        self.push_const(ValType::I32, 1);
        let op = if signed { SimpleOp::I32ShrS } else { SimpleOp::I32ShrU };
        self.op_simple(op, SimpleImm::None);
    }
}
