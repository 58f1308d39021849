//! Not yet.

use super::Translator;
use riser_ops::{FuncIdx, FuncType, TableIdx, TypeIdx};

impl Translator<'_> {
    pub fn lower_call(&mut self, _: FuncIdx, _: &FuncType) {
        self.fail("an operator");
    }

    pub fn lower_call_indirect(&mut self, _: TypeIdx, _: TableIdx, _: &FuncType) {
        self.fail("an operator");
    }

    pub fn lower_call_ref(&mut self, _: TypeIdx, _: &FuncType) {
        self.fail("an operator");
    }

    pub fn lower_return_call(&mut self, _: FuncIdx, _: &FuncType) {
        self.fail("an operator");
    }

    pub fn lower_return_call_indirect(&mut self, _: TypeIdx, _: TableIdx, _: &FuncType) {
        self.fail("an operator");
    }

    pub fn lower_return_call_ref(&mut self, _: TypeIdx, _: &FuncType) {
        self.fail("an operator");
    }
}
