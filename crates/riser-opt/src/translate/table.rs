//! Tables.

use super::Translator;
use riser_ops::{ElemIdx, RefType, TableIdx};

impl Translator<'_> {
    pub fn lower_table_get(&mut self, _: TableIdx, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_table_set(&mut self, _: TableIdx, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_table_size(&mut self, _: TableIdx) {
        self.fail("an operator");
    }

    pub fn lower_table_grow(&mut self, _: TableIdx) {
        self.fail("an operator");
    }

    pub fn lower_table_fill(&mut self, _: TableIdx) {
        self.fail("an operator");
    }

    pub fn lower_table_init(&mut self, _: ElemIdx, _: TableIdx) {
        self.fail("an operator");
    }

    pub fn lower_elem_drop(&mut self, _: ElemIdx) {
        self.fail("an operator");
    }

    pub fn lower_table_copy(&mut self, _: TableIdx, _: TableIdx) {
        self.fail("an operator");
    }
}
