//! Operators on tables. Elements are read and written in place; the runtime does the rest.

use super::Translator;
use super::vm::Arg;
use crate::asm::{Alu, Cond, Gpr, Mem, Width};
use crate::convention::Kind;
use crate::operands::SCRATCH;
use core::mem::offset_of;
use riser_abi::{TableDef, builtin};
use riser_module::TableType;
use riser_ops::{ElemIdx, RefType, TableIdx, TrapCode};

impl Translator<'_> {
    pub(super) fn lower_table_get(&mut self, table: TableIdx, element: RefType) {
        let address = self.table_element(table, TrapCode::TableOutOfBounds);
        self.may_trap(TrapCode::TableOutOfBounds);
        self.asm.load(Width::W64, address, Mem::at(address, 0));
        self.push_gpr(Kind::of(element.val_type()), address);
    }

    pub(super) fn lower_table_set(&mut self, table: TableIdx, _: RefType) {
        let operand = self.pop();
        let value = self.gpr(operand);
        let address = self.table_element(table, TrapCode::TableOutOfBounds);
        self.may_trap(TrapCode::TableOutOfBounds);
        self.asm.store(Width::W64, Mem::at(address, 0), value);
        self.free(value);
        self.free(address);
    }

    pub(super) fn lower_table_size(&mut self, table: TableIdx) {
        let def = self.load_own(self.env.layout.table(table));
        self.asm.load(Width::W64, def, Mem::at(def, offset_of!(TableDef, len) as i32));
        self.push_gpr(self.table_index_kind(table), def);
    }

    pub(super) fn lower_table_grow(&mut self, table: TableIdx) {
        let delta = self.pop();
        let init = self.pop();
        let args = [Arg::Imm(table.0.into()), Arg::Operand(init), Arg::Operand(delta)];
        let old = self.builtin(builtin::table_grow, &args, &[]);
        self.push_grown(old, self.table_index_kind(table));
    }

    pub(super) fn lower_table_fill(&mut self, table: TableIdx) {
        self.checked_with(builtin::table_fill, &[table.0], 3);
    }

    pub(super) fn lower_table_init(&mut self, elem: ElemIdx, table: TableIdx) {
        self.checked_with(builtin::table_init, &[elem.0, table.0], 3);
    }

    pub(super) fn lower_elem_drop(&mut self, elem: ElemIdx) {
        self.checked_with(builtin::elem_drop, &[elem.0], 0);
    }

    pub(super) fn lower_table_copy(&mut self, dst: TableIdx, src: TableIdx) {
        self.checked_with(builtin::table_copy, &[dst.0, src.0], 3);
    }

    /// The function that the top operand says, in a register that the operator owns: null if there is none.
    pub(super) fn table_function(&mut self, table: TableIdx) -> Gpr {
        let address = self.table_element(table, TrapCode::UndefinedElement);
        self.may_trap(TrapCode::UndefinedElement);
        self.asm.load(Width::W64, address, Mem::at(address, 0));
        address
    }

    /// The address of the element that the top operand says, in a register that the operator owns. An index out of
    /// bounds traps with `code`, here or when the address is accessed, which must happen at once.
    fn table_element(&mut self, table: TableIdx, code: TrapCode) -> Gpr {
        let operand = self.pop();
        let index = self.owned(operand);
        let def = self.load_own(self.env.layout.table(table));
        let len = Mem::at(def, offset_of!(TableDef, len) as i32);
        self.asm.alu(Alu::Cmp, Width::W64, index, len);
        if !self.env.options.spectre {
            self.trap_if(Cond::Ae, code);
        }
        self.asm.load(Width::W64, def, Mem::at(def, offset_of!(TableDef, base) as i32));
        // Changes no flags.
        self.asm.lea(Width::W64, index, Mem::indexed(def, index, 3, 0));
        if self.env.options.spectre {
            // As for memories: what is out of bounds faults at address 0, whatever the processor guesses.
            self.asm.mov_imm(SCRATCH, 0);
            self.asm.cmov(Cond::Ae, Width::W64, index, SCRATCH);
        }
        self.free(def);
        index
    }

    fn table_index_kind(&self, table: TableIdx) -> Kind {
        if self.table_type(table).table64 { Kind::I64 } else { Kind::I32 }
    }

    fn table_type(&self, table: TableIdx) -> &TableType {
        &self.env.module.tables[table.index()].ty
    }
}
