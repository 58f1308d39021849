//! Operators on tables, and on references that need no heap.

use super::Lowerer;
use super::operands::{Class, Place};
use crate::code::Misc;
use riser_ops::{ElemIdx, FuncIdx, RefType, TableIdx, ValType};

impl Lowerer<'_> {
    fn is_wide_table(&self, table: TableIdx) -> bool {
        self.module.tables.get(table.index()).is_some_and(|table| table.ty.table64)
    }

    fn table_index_type(&self, table: TableIdx) -> ValType {
        if self.is_wide_table(table) { ValType::I64 } else { ValType::I32 }
    }

    pub(super) fn op_table_get(&mut self, table: TableIdx, element: RefType) {
        let index = self.pop();
        let index = self.use_slot(&index);
        let slot = self.push_slot(element.val_type());
        let dest = self.dest(slot, 1);
        self.emit(Misc::TableGet);
        self.u16(dest.field);
        self.u16(index);
        self.u32(self.layout.table(table));
        self.u16((!self.is_wide_table(table)).into());
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_table_set(&mut self, table: TableIdx) {
        let value = self.pop();
        let index = self.pop();
        let (index, value) = (self.use_slot(&index), self.use_slot(&value));
        self.emit(Misc::TableSet);
        self.u16(index);
        self.u16(value);
        self.u32(self.layout.table(table));
        self.u16((!self.is_wide_table(table)).into());
    }

    pub(super) fn op_table_size(&mut self, table: TableIdx) {
        let slot = self.push_slot(self.table_index_type(table));
        let dest = self.dest(slot, 1);
        self.emit(Misc::TableSize);
        self.u16(dest.field);
        self.u32(self.layout.table(table));
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_table_grow(&mut self, table: TableIdx) {
        let delta = self.pop();
        let init = self.pop();
        let (init, delta) = (self.use_slot(&init), self.use_slot(&delta));
        let slot = self.push_slot(self.table_index_type(table));
        let dest = self.dest(slot, 1);
        self.emit(Misc::TableGrow);
        self.u16(dest.field);
        self.u16(init);
        self.u16(delta);
        self.u32(table.0);
        self.u16((!self.is_wide_table(table)).into());
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_table_fill(&mut self, table: TableIdx) {
        let wide = self.is_wide_table(table);
        self.bulk(Misc::TableFill, &[table.0], Self::narrow_mask([wide, true, wide]));
    }

    pub(super) fn op_table_copy(&mut self, dst: TableIdx, src: TableIdx) {
        let wide = [self.is_wide_table(dst), self.is_wide_table(src)];
        let mask = Self::narrow_mask([wide[0], wide[1], wide[0] && wide[1]]);
        self.bulk(Misc::TableCopy, &[dst.0, src.0], mask);
    }

    pub(super) fn op_table_init(&mut self, elem: ElemIdx, table: TableIdx) {
        let wide = self.is_wide_table(table);
        self.bulk(Misc::TableInit, &[elem.0, table.0], Self::narrow_mask([wide, false, false]));
    }

    pub(super) fn op_elem_drop(&mut self, elem: ElemIdx) {
        self.emit(Misc::ElemDrop);
        self.u32(elem.0);
    }

    pub(super) fn op_ref_func(&mut self, func: FuncIdx) {
        let slot = self.push_slot(ValType::FUNCREF);
        let dest = self.dest(slot, 1);
        self.emit(Misc::RefFunc);
        self.u16(dest.field);
        self.u32(func.0);
        self.written(dest, Class::Int, 1, None);
    }

    pub(super) fn op_ref_as_non_null(&mut self) {
        let operand = self.pop();
        let slot = self.use_slot(&operand);
        self.emit(Misc::RefAsNonNull);
        self.u16(slot);
        self.keep_slots();
        match operand.place {
            // A null constant: the instruction traps, and what follows is of no consequence.
            Place::Const(_) => self.push(Place::Slot, operand.ty),
            place => self.push(place, operand.ty),
        };
    }
}
