//! What is not there yet.
use super::Translator;
use riser_front::{BlockSignature, Catch, End, Target};
use riser_ops::{DataIdx, ElemIdx, FuncIdx, FuncType, HeapType, RefType, TagIdx, TypeIdx, ValType};
impl Translator<'_> {
    pub(super) fn lower_ref_null(&mut self, _: HeapType) {
        self.fail("`ref_null`, yet");
    }
    pub(super) fn lower_ref_is_null(&mut self, _: RefType) {
        self.fail("`ref_is_null`, yet");
    }
    pub(super) fn lower_ref_func(&mut self, _: FuncIdx) {
        self.fail("`ref_func`, yet");
    }
    pub(super) fn lower_ref_as_non_null(&mut self, _: RefType) {
        self.fail("`ref_as_non_null`, yet");
    }
    pub(super) fn lower_ref_eq(&mut self) {
        self.fail("`ref_eq`, yet");
    }
    pub(super) fn lower_ref_test(&mut self, _: RefType, _: RefType) {
        self.fail("`ref_test`, yet");
    }
    pub(super) fn lower_ref_cast(&mut self, _: RefType, _: RefType) {
        self.fail("`ref_cast`, yet");
    }
    pub(super) fn lower_br_on_cast(&mut self, _: Target, _: RefType, _: RefType) {
        self.fail("`br_on_cast`, yet");
    }
    pub(super) fn lower_br_on_cast_fail(&mut self, _: Target, _: RefType, _: RefType) {
        self.fail("`br_on_cast_fail`, yet");
    }
    pub(super) fn lower_any_convert_extern(&mut self, _: RefType) {
        self.fail("`any_convert_extern`, yet");
    }
    pub(super) fn lower_extern_convert_any(&mut self, _: RefType) {
        self.fail("`extern_convert_any`, yet");
    }
    pub(super) fn lower_ref_i31(&mut self) {
        self.fail("`ref_i31`, yet");
    }
    pub(super) fn lower_i31_get(&mut self, _: bool) {
        self.fail("`i31_get`, yet");
    }
    pub(super) fn lower_struct_new(&mut self, _: TypeIdx) {
        self.fail("`struct_new`, yet");
    }
    pub(super) fn lower_struct_new_default(&mut self, _: TypeIdx) {
        self.fail("`struct_new_default`, yet");
    }
    pub(super) fn lower_struct_get(&mut self, _: TypeIdx, _: u32, _: Option<bool>) {
        self.fail("`struct_get`, yet");
    }
    pub(super) fn lower_struct_set(&mut self, _: TypeIdx, _: u32) {
        self.fail("`struct_set`, yet");
    }
    pub(super) fn lower_array_new(&mut self, _: TypeIdx) {
        self.fail("`array_new`, yet");
    }
    pub(super) fn lower_array_new_default(&mut self, _: TypeIdx) {
        self.fail("`array_new_default`, yet");
    }
    pub(super) fn lower_array_new_fixed(&mut self, _: TypeIdx, _: u32) {
        self.fail("`array_new_fixed`, yet");
    }
    pub(super) fn lower_array_new_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.fail("`array_new_data`, yet");
    }
    pub(super) fn lower_array_new_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.fail("`array_new_elem`, yet");
    }
    pub(super) fn lower_array_get(&mut self, _: TypeIdx, _: Option<bool>) {
        self.fail("`array_get`, yet");
    }
    pub(super) fn lower_array_set(&mut self, _: TypeIdx) {
        self.fail("`array_set`, yet");
    }
    pub(super) fn lower_array_len(&mut self) {
        self.fail("`array_len`, yet");
    }
    pub(super) fn lower_array_fill(&mut self, _: TypeIdx) {
        self.fail("`array_fill`, yet");
    }
    pub(super) fn lower_array_copy(&mut self, _: TypeIdx, _: TypeIdx) {
        self.fail("`array_copy`, yet");
    }
    pub(super) fn lower_array_init_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.fail("`array_init_data`, yet");
    }
    pub(super) fn lower_array_init_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.fail("`array_init_elem`, yet");
    }
    pub(super) fn lower_throw(&mut self, _: TagIdx, _: &FuncType) {
        self.fail("`throw`, yet");
    }
    pub(super) fn lower_throw_ref(&mut self) {
        self.fail("`throw_ref`, yet");
    }
    pub(super) fn lower_try_table(&mut self, _: BlockSignature<'_>, _: &[Catch]) {
        self.fail("`try_table`, yet");
    }
    pub(super) fn lower_try(&mut self, _: BlockSignature<'_>) {
        self.fail("`try_`, yet");
    }
    pub(super) fn lower_catch(&mut self, _: TagIdx, _: &FuncType, _: BlockSignature<'_>, _: bool) {
        self.fail("`catch`, yet");
    }
    pub(super) fn lower_catch_all(&mut self, _: BlockSignature<'_>, _: bool) {
        self.fail("`catch_all`, yet");
    }
    pub(super) fn lower_delegate(&mut self, _: u32, _: End, _: &[ValType]) {
        self.fail("`delegate`, yet");
    }
    pub(super) fn lower_rethrow(&mut self, _: u32) {
        self.fail("`rethrow`, yet");
    }
}
