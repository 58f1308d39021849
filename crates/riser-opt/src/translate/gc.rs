//! References and objects.

use super::Translator;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use riser_ops::{DataIdx, ElemIdx, FuncIdx, HeapType, RefType, TypeIdx};

impl Translator<'_> {
    pub fn lower_ref_null(&mut self, _: HeapType) {
        self.fail("an operator");
    }

    pub fn lower_ref_is_null(&mut self, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_ref_func(&mut self, _: FuncIdx) {
        self.fail("an operator");
    }

    pub fn lower_ref_as_non_null(&mut self, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_ref_eq(&mut self) {
        self.fail("an operator");
    }

    pub fn lower_ref_test(&mut self, _: RefType, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_ref_cast(&mut self, _: RefType, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_any_convert_extern(&mut self, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_extern_convert_any(&mut self, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_ref_i31(&mut self) {
        self.fail("an operator");
    }

    pub fn lower_i31_get(&mut self, _: bool) {
        self.fail("an operator");
    }

    pub fn lower_struct_new(&mut self, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_struct_new_default(&mut self, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_struct_get(&mut self, _: TypeIdx, _: u32, _: Option<bool>) {
        self.fail("an operator");
    }

    pub fn lower_struct_set(&mut self, _: TypeIdx, _: u32) {
        self.fail("an operator");
    }

    pub fn lower_array_new(&mut self, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_new_default(&mut self, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_new_fixed(&mut self, _: TypeIdx, _: u32) {
        self.fail("an operator");
    }

    pub fn lower_array_new_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_new_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_get(&mut self, _: TypeIdx, _: Option<bool>) {
        self.fail("an operator");
    }

    pub fn lower_array_set(&mut self, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_len(&mut self) {
        self.fail("an operator");
    }

    pub fn lower_array_fill(&mut self, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_copy(&mut self, _: TypeIdx, _: TypeIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_init_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.fail("an operator");
    }

    pub fn lower_array_init_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.fail("an operator");
    }

    /// Whether a reference of type `from` is a `to`, as an `i32`.
    pub fn ref_test_value(&mut self, _: Value, _: RefType, _: RefType) -> Value {
        self.fail("an operator");
        self.b.ins().iconst(types::I32, 0)
    }
}
