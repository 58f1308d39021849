//! References: what they are, what they may become, and the objects that they lead to.
//!
//! `gc_cast.rs` asks what a reference refers to, `gc_access.rs` reads and writes objects, `gc_alloc.rs` makes small ones; the
//! rest the runtime does. To make an object, it gets the operands in the row, as the interpreter's frames have them. It may
//! collect garbage, which moves objects: so the places with references in the row stand in the call's stack map, and the
//! reference to the new object is read from the row's beginning afterwards.
//!
//! A module without types of objects leaves everything to the runtime: its instances' heaps need not be where code finds them.

use super::Translator;
use super::vm::Arg;
use crate::asm::{Alu, Cond, Mem, Shift, Width};
use crate::convention::Kind;
use crate::frame::Frame;
use crate::operands::{At, Operand};
use alloc::vec::Vec;
use riser_abi::{BuiltinSignature, builtin};
use riser_ops::{
    CompositeType, DataIdx, ElemIdx, FuncIdx, HeapType, RefType, StorageType, TypeIdx,
};

impl Translator<'_> {
    /// The elements of an array type.
    pub(super) fn element_type(&self, ty: TypeIdx) -> StorageType {
        match self.env.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Array(field)) => field.storage,
            _ => StorageType::I8,
        }
    }

    /// Copies operands from one on to the row, and says how long that is and where references are in it, in bytes.
    pub(super) fn copy_to_row(&mut self, first: usize) -> (u32, Vec<u32>) {
        let (mut offset, mut references) = (0, Vec::new());
        for number in first..self.height() {
            let operand = self.operands.stack[number];
            if operand.kind == Kind::Ref {
                references.push(offset);
            }
            self.store_operand(operand, Frame::row_at(offset, 0));
            offset += 8 * operand.kind.slots();
        }
        // What is made goes there as well.
        self.frame.need_row(offset.max(8));
        (offset, references)
    }

    /// Calls a builtin that makes an object of a type out of the top operands, and replaces them by the reference.
    pub(super) fn allocate(
        &mut self,
        builtin: BuiltinSignature,
        ty: TypeIdx,
        count: usize,
        more: Option<u32>,
    ) {
        let first = self.height() - count;
        let (_, references) = self.copy_to_row(first);
        self.cut(first as u32);
        let all = [Arg::TypeId(ty, 0), Arg::Row(0), Arg::Imm(more.unwrap_or(0).into())];
        let args = if more.is_some() { &all[..] } else { &all[..2] };
        self.checked(builtin, args, &references);
        let object = self.alloc();
        self.asm.load(Width::W32, object, Frame::row_at(0, 0));
        self.push_gpr(Kind::Ref, object);
    }

    pub(super) fn lower_ref_null(&mut self, heap: HeapType) {
        let ty = RefType::new(true, heap).val_type();
        self.push(Kind::of(ty), At::Const(0));
    }

    pub(super) fn lower_ref_is_null(&mut self, _: RefType) {
        let operand = self.pop();
        let reference = self.gpr(operand);
        self.asm.test(Width::W64, reference, reference);
        self.free(reference);
        self.push(Kind::I32, At::Flags(Cond::E));
    }

    pub(super) fn lower_ref_func(&mut self, func: FuncIdx) {
        let func = self.builtin(builtin::ref_func, &[Arg::Imm(func.0.into())], &[]);
        self.push_gpr(Kind::Func, func);
    }

    pub(super) fn lower_ref_as_non_null(&mut self, _: RefType) {
        let operand = self.pop();
        let reference = self.gpr(operand);
        self.trap_if_null(reference);
        self.push_read(operand, reference);
    }

    pub(super) fn lower_ref_eq(&mut self) {
        let second = self.pop();
        let first = self.pop();
        let gpr = self.gpr(first);
        let rm = self.rm(second);
        self.asm.alu(Alu::Cmp, Width::W64, gpr, rm);
        self.free(gpr);
        self.free_rm(rm);
        self.push(Kind::I32, At::Flags(Cond::E));
    }

    pub(super) fn lower_any_convert_extern(&mut self, _: RefType) {}

    pub(super) fn lower_extern_convert_any(&mut self, _: RefType) {}

    pub(super) fn lower_ref_i31(&mut self) {
        let operand = self.pop();
        if let Some(value) = Self::const_of(operand) {
            let bits = (value as u32) << 1 | 1;
            return self.push(Kind::Ref, At::Const(bits.into()));
        }
        let gpr = self.owned(operand);
        self.asm.lea(Width::W32, gpr, Mem::indexed(gpr, gpr, 0, 1));
        self.push_gpr(Kind::Ref, gpr);
    }

    pub(super) fn lower_i31_get(&mut self, signed: bool) {
        let operand = self.pop();
        let gpr = self.owned(operand);
        self.trap_if_null(gpr);
        let shift = if signed { Shift::Sar } else { Shift::Shr };
        self.asm.shift_imm(shift, Width::W32, gpr, 1);
        self.push_gpr(Kind::I32, gpr);
    }

    pub(super) fn lower_struct_new(&mut self, ty: TypeIdx) {
        let layout = self.struct_layout(ty);
        if !self.make_struct(ty, &layout, true) {
            self.allocate(builtin::struct_new, ty, layout.fields.len(), None);
        }
    }

    pub(super) fn lower_struct_new_default(&mut self, ty: TypeIdx) {
        let layout = self.struct_layout(ty);
        if !self.make_struct(ty, &layout, false) {
            self.allocate(builtin::struct_new_default, ty, 0, None);
        }
    }

    pub(super) fn lower_struct_get(&mut self, ty: TypeIdx, field: u32, signed: Option<bool>) {
        let (storage, offset) = self.struct_layout(ty).fields[field as usize];
        self.read_field(offset, storage, signed == Some(true));
    }

    pub(super) fn lower_struct_set(&mut self, ty: TypeIdx, field: u32) {
        let (storage, offset) = self.struct_layout(ty).fields[field as usize];
        self.write_field(offset, storage);
    }

    pub(super) fn lower_array_new(&mut self, ty: TypeIdx) {
        if !self.make_array(ty, true) {
            let width = Kind::of(self.element_type(ty).unpacked()).slots();
            self.allocate(builtin::array_new, ty, 2, Some(width));
        }
    }

    pub(super) fn lower_array_new_default(&mut self, ty: TypeIdx) {
        self.make_array(ty, false);
    }

    pub(super) fn lower_array_new_fixed(&mut self, ty: TypeIdx, count: u32) {
        if !self.make_fixed_array(ty, count) {
            self.allocate(builtin::array_new_fixed, ty, count as usize, Some(count));
        }
    }

    pub(super) fn lower_array_new_data(&mut self, ty: TypeIdx, data: DataIdx) {
        self.allocate(builtin::array_new_data, ty, 2, Some(data.0));
    }

    pub(super) fn lower_array_new_elem(&mut self, ty: TypeIdx, elem: ElemIdx) {
        self.allocate(builtin::array_new_elem, ty, 2, Some(elem.0));
    }

    pub(super) fn lower_array_get(&mut self, ty: TypeIdx, signed: Option<bool>) {
        self.read_element(self.element_type(ty), signed == Some(true));
    }

    pub(super) fn lower_array_set(&mut self, ty: TypeIdx) {
        self.write_element(self.element_type(ty));
    }

    pub(super) fn lower_array_len(&mut self) {
        let operand = self.pop();
        if self.accesses_objects() {
            let array = self.owned(operand);
            self.read_array_len(array);
            return self.push_gpr(Kind::I32, array);
        }
        self.frame.need_row(8);
        self.checked(builtin::array_len, &[Arg::Operand(operand), Arg::Row(0)], &[]);
        let len = self.alloc();
        self.asm.load(Width::W32, len, Frame::row_at(0, 0));
        self.push_gpr(Kind::I32, len);
    }

    pub(super) fn lower_array_fill(&mut self, _: TypeIdx) {
        let len = self.pop();
        let value = self.pop();
        let index = self.pop();
        let array = self.pop();
        let width = value.kind.slots();
        self.frame.need_row(8 * width);
        self.store_operand(value, Frame::row_at(0, 0));
        self.free_operand(value);
        let args = [
            Arg::Operand(array),
            Arg::Operand(index),
            Arg::Row(0),
            Arg::Imm(width.into()),
            Arg::Operand(len),
        ];
        self.checked(builtin::array_fill, &args, &[]);
    }

    pub(super) fn lower_array_copy(&mut self, _: TypeIdx, _: TypeIdx) {
        self.checked_with(builtin::array_copy, &[], 5);
    }

    pub(super) fn lower_array_init_data(&mut self, _: TypeIdx, data: DataIdx) {
        self.array_init(builtin::array_init_data, data.0);
    }

    pub(super) fn lower_array_init_elem(&mut self, _: TypeIdx, elem: ElemIdx) {
        self.array_init(builtin::array_init_elem, elem.0);
    }

    /// Sets elements from a segment.
    fn array_init(&mut self, builtin: BuiltinSignature, segment: u32) {
        let [len, start, index, array]: [Operand; 4] = [(); 4].map(|()| self.pop());
        let args = [
            Arg::Operand(array),
            Arg::Imm(segment.into()),
            Arg::Operand(index),
            Arg::Operand(start),
            Arg::Operand(len),
        ];
        self.checked(builtin, &args, &[]);
    }
}
