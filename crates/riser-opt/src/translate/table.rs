//! Operators on tables. Elements are read and written in place; the runtime does the rest.

use super::vm::Region;
use super::{Translator, clif_trap};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::*;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use riser_abi::{TableDef, builtin};
use riser_module::TableType;
use riser_ops::{ElemIdx, RefType, TableIdx, TrapCode};

impl Translator<'_> {
    /// `table.get`
    pub fn lower_table_get(&mut self, table: TableIdx, element: RefType) {
        let index = self.pop();
        let (address, flags) = self.table_element(table, index, TrapCode::TableOutOfBounds);
        let ty = element.val_type();
        let value = self.load_slot(flags, ty, address, 0);
        self.push_typed(value, ty);
    }

    /// `table.set`
    pub fn lower_table_set(&mut self, table: TableIdx, element: RefType) {
        let value = self.pop();
        let index = self.pop();
        let (address, flags) = self.table_element(table, index, TrapCode::TableOutOfBounds);
        self.store_slot(flags, element.val_type(), value, address, 0);
    }

    /// `table.size`
    pub fn lower_table_size(&mut self, table: TableIdx) {
        let len = self.table_len(table);
        self.push_size(len, self.is_table64(table));
    }

    /// `table.grow`
    pub fn lower_table_grow(&mut self, table: TableIdx) {
        let is_wide = self.is_table64(table);
        let (init, delta) = self.pop2();
        let init = self.slot_of(init, self.table_type(table).element);
        let delta = self.wide(delta, is_wide);
        let table = self.index(table.0);
        let old = self.builtin(builtin::table_grow, &[table, init, delta]);
        self.push_grown(old, is_wide);
    }

    /// `table.fill`
    pub fn lower_table_fill(&mut self, table: TableIdx) {
        let is_wide = self.is_table64(table);
        let len = self.pop();
        let (to, value) = self.pop2();
        let (to, len) = (self.wide(to, is_wide), self.wide(len, is_wide));
        let value = self.slot_of(value, self.table_type(table).element);
        let table = self.index(table.0);
        let status = self.builtin(builtin::table_fill, &[table, to, value, len]);
        self.checked(status);
    }

    /// `table.init`
    pub fn lower_table_init(&mut self, elem: ElemIdx, table: TableIdx) {
        let len = self.pop();
        let (to, from) = self.pop2();
        let to = self.wide(to, self.is_table64(table));
        let (elem, table) = (self.index(elem.0), self.index(table.0));
        let status = self.builtin(builtin::table_init, &[elem, table, to, from, len]);
        self.checked(status);
    }

    /// `elem.drop`
    pub fn lower_elem_drop(&mut self, elem: ElemIdx) {
        let elem = self.index(elem.0);
        let status = self.builtin(builtin::elem_drop, &[elem]);
        self.checked(status);
    }

    /// `table.copy`
    pub fn lower_table_copy(&mut self, dst: TableIdx, src: TableIdx) {
        let (dst_wide, src_wide) = (self.is_table64(dst), self.is_table64(src));
        let len = self.pop();
        let (to, from) = self.pop2();
        let to = self.wide(to, dst_wide);
        let from = self.wide(from, src_wide);
        let len = self.wide(len, dst_wide && src_wide);
        let (dst, src) = (self.index(dst.0), self.index(src.0));
        let status = self.builtin(builtin::table_copy, &[dst, src, to, from, len]);
        self.checked(status);
    }

    /// The address of an element (of 8 bytes), and the flags to access it with; the index is an operand. An index out of
    /// bounds traps with `code`, here or when the address is accessed, which must happen at once.
    pub(super) fn table_element(
        &mut self,
        table: TableIdx,
        index: Value,
        code: TrapCode,
    ) -> (Value, MemFlagsData) {
        let index = self.wide(index, self.is_table64(table));
        let len = self.table_len(table);
        let outside = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, len);
        let flags = self.in_region(self.trusted(), Region::Table(table.0));
        if !self.env.options.spectre {
            self.trap_if(outside, code);
        }
        let base = self.table_base(table);
        let distance = self.b.ins().ishl_imm_u(index, 3);
        let address = self.b.ins().iadd(base, distance);
        if !self.env.options.spectre {
            return (address, flags);
        }
        // As for memories: what is out of bounds faults at address 0, whatever the processor guesses.
        (self.or_null(outside, address), flags.with_trap_code(Some(clif_trap(code))))
    }

    /// The size of a table that never grows, and so never moves.
    fn fixed_size(&self, table: TableIdx) -> Option<u64> {
        let limits = self.table_type(table).limits;
        let constant = || self.env.module.constant_table(table).map(|table| table.size);
        limits.max.filter(|&max| max == limits.min).or_else(constant)
    }

    /// The number of elements.
    fn table_len(&mut self, table: TableIdx) -> Value {
        if let Some(size) = self.fixed_size(table) {
            return self.b.ins().iconst(I64, size as i64);
        }
        self.table_field(table, offset_of!(TableDef, len))
    }

    /// The first element.
    fn table_base(&mut self, table: TableIdx) -> Value {
        if self.fixed_size(table).is_some() {
            let at = self.env.layout.table_base(table);
            return self.constant_load(I64, self.vmctx, at);
        }
        self.table_field(table, offset_of!(TableDef, base))
    }

    /// A field of the runtime's description of a table that may grow.
    fn table_field(&mut self, table: TableIdx, offset: usize) -> Value {
        let at = self.env.layout.table(table);
        let def = self.constant_load(I64, self.vmctx, at);
        let flags = self.in_region(self.trusted(), Region::TableDef(table.0));
        self.b.ins().load(I64, flags, def, offset as i32)
    }

    /// A reference as builtins take it.
    fn slot_of(&mut self, value: Value, ty: RefType) -> Value {
        let is_narrow = ty.val_type().is_heap_reference();
        self.wide(value, !is_narrow)
    }

    fn table_type(&self, table: TableIdx) -> &TableType {
        &self.env.module.tables[table.index()].ty
    }

    fn is_table64(&self, table: TableIdx) -> bool {
        self.table_type(table).table64
    }
}
