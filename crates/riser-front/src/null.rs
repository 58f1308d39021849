//! A sink that does nothing: validation alone.

use crate::sink::{BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target};
use riser_module::Module;
use riser_ops::{
    AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx, MemoryIdx,
    RefType, SimpleOp, TableIdx, TagIdx, TypeIdx, ValType,
};

/// Hears everything and does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

#[rustfmt::skip] // A line per method.
impl BodySink for NullSink {
    #[inline(always)] fn begin(&mut self, _: &Module, _: FuncIdx, _: &FuncType, _: &[(u32, ValType)]) {}
    #[inline(always)] fn at(&mut self, _: u32) {}
    #[inline(always)] fn finish(&mut self, _: &BodyFacts) {}
    #[inline(always)] fn simple(&mut self, _: SimpleOp, _: SimpleImm) {}
    #[inline(always)] fn access(&mut self, _: AccessOp, _: MemArg) {}
    #[inline(always)] fn atomic_fence(&mut self) {}
    #[inline(always)] fn i32_const(&mut self, _: i32) {}
    #[inline(always)] fn i64_const(&mut self, _: i64) {}
    #[inline(always)] fn f32_const(&mut self, _: u32) {}
    #[inline(always)] fn f64_const(&mut self, _: u64) {}
    #[inline(always)] fn v128_const(&mut self, _: u128) {}
    #[inline(always)] fn unreachable(&mut self) {}
    #[inline(always)] fn nop(&mut self) {}
    #[inline(always)] fn drop(&mut self, _: ValType) {}
    #[inline(always)] fn select(&mut self, _: ValType) {}
    #[inline(always)] fn local_get(&mut self, _: LocalIdx, _: ValType) {}
    #[inline(always)] fn local_set(&mut self, _: LocalIdx, _: ValType) {}
    #[inline(always)] fn local_tee(&mut self, _: LocalIdx, _: ValType) {}
    #[inline(always)] fn global_get(&mut self, _: GlobalIdx, _: ValType) {}
    #[inline(always)] fn global_set(&mut self, _: GlobalIdx, _: ValType) {}
    #[inline(always)] fn block(&mut self, _: BlockSignature<'_>) {}
    #[inline(always)] fn loop_(&mut self, _: BlockSignature<'_>, _: &[ValType]) {}
    #[inline(always)] fn if_(&mut self, _: BlockSignature<'_>) {}
    #[inline(always)] fn else_(&mut self, _: BlockSignature<'_>, _: bool) {}
    #[inline(always)] fn end(&mut self, _: End, _: &[ValType]) {}
    #[inline(always)] fn br(&mut self, _: Target) {}
    #[inline(always)] fn br_if(&mut self, _: Target) {}
    #[inline(always)] fn br_table(&mut self, _: &[Target], _: Target) {}
    #[inline(always)] fn return_(&mut self, _: Target) {}
    #[inline(always)] fn call(&mut self, _: FuncIdx, _: &FuncType) {}
    #[inline(always)] fn call_indirect(&mut self, _: TypeIdx, _: TableIdx, _: &FuncType) {}
    #[inline(always)] fn call_ref(&mut self, _: TypeIdx, _: &FuncType) {}
    #[inline(always)] fn return_call(&mut self, _: FuncIdx, _: &FuncType) {}
    #[inline(always)] fn return_call_indirect(&mut self, _: TypeIdx, _: TableIdx, _: &FuncType) {}
    #[inline(always)] fn return_call_ref(&mut self, _: TypeIdx, _: &FuncType) {}
    #[inline(always)] fn memory_size(&mut self, _: MemoryIdx) {}
    #[inline(always)] fn memory_grow(&mut self, _: MemoryIdx) {}
    #[inline(always)] fn memory_init(&mut self, _: DataIdx, _: MemoryIdx) {}
    #[inline(always)] fn data_drop(&mut self, _: DataIdx) {}
    #[inline(always)] fn memory_copy(&mut self, _: MemoryIdx, _: MemoryIdx) {}
    #[inline(always)] fn memory_fill(&mut self, _: MemoryIdx) {}
    #[inline(always)] fn table_get(&mut self, _: TableIdx, _: RefType) {}
    #[inline(always)] fn table_set(&mut self, _: TableIdx, _: RefType) {}
    #[inline(always)] fn table_size(&mut self, _: TableIdx) {}
    #[inline(always)] fn table_grow(&mut self, _: TableIdx) {}
    #[inline(always)] fn table_fill(&mut self, _: TableIdx) {}
    #[inline(always)] fn table_init(&mut self, _: ElemIdx, _: TableIdx) {}
    #[inline(always)] fn elem_drop(&mut self, _: ElemIdx) {}
    #[inline(always)] fn table_copy(&mut self, _: TableIdx, _: TableIdx) {}
    #[inline(always)] fn ref_null(&mut self, _: HeapType) {}
    #[inline(always)] fn ref_is_null(&mut self, _: RefType) {}
    #[inline(always)] fn ref_func(&mut self, _: FuncIdx) {}
    #[inline(always)] fn ref_as_non_null(&mut self, _: RefType) {}
    #[inline(always)] fn ref_eq(&mut self) {}
    #[inline(always)] fn br_on_null(&mut self, _: Target, _: RefType) {}
    #[inline(always)] fn br_on_non_null(&mut self, _: Target, _: RefType) {}
    #[inline(always)] fn ref_test(&mut self, _: RefType, _: RefType) {}
    #[inline(always)] fn ref_cast(&mut self, _: RefType, _: RefType) {}
    #[inline(always)] fn br_on_cast(&mut self, _: Target, _: RefType, _: RefType) {}
    #[inline(always)] fn br_on_cast_fail(&mut self, _: Target, _: RefType, _: RefType) {}
    #[inline(always)] fn any_convert_extern(&mut self, _: RefType) {}
    #[inline(always)] fn extern_convert_any(&mut self, _: RefType) {}
    #[inline(always)] fn ref_i31(&mut self) {}
    #[inline(always)] fn i31_get(&mut self, _: bool) {}
    #[inline(always)] fn struct_new(&mut self, _: TypeIdx) {}
    #[inline(always)] fn struct_new_default(&mut self, _: TypeIdx) {}
    #[inline(always)] fn struct_get(&mut self, _: TypeIdx, _: u32, _: Option<bool>) {}
    #[inline(always)] fn struct_set(&mut self, _: TypeIdx, _: u32) {}
    #[inline(always)] fn array_new(&mut self, _: TypeIdx) {}
    #[inline(always)] fn array_new_default(&mut self, _: TypeIdx) {}
    #[inline(always)] fn array_new_fixed(&mut self, _: TypeIdx, _: u32) {}
    #[inline(always)] fn array_new_data(&mut self, _: TypeIdx, _: DataIdx) {}
    #[inline(always)] fn array_new_elem(&mut self, _: TypeIdx, _: ElemIdx) {}
    #[inline(always)] fn array_get(&mut self, _: TypeIdx, _: Option<bool>) {}
    #[inline(always)] fn array_set(&mut self, _: TypeIdx) {}
    #[inline(always)] fn array_len(&mut self) {}
    #[inline(always)] fn array_fill(&mut self, _: TypeIdx) {}
    #[inline(always)] fn array_copy(&mut self, _: TypeIdx, _: TypeIdx) {}
    #[inline(always)] fn array_init_data(&mut self, _: TypeIdx, _: DataIdx) {}
    #[inline(always)] fn array_init_elem(&mut self, _: TypeIdx, _: ElemIdx) {}
    #[inline(always)] fn throw(&mut self, _: TagIdx, _: &FuncType) {}
    #[inline(always)] fn throw_ref(&mut self) {}
    #[inline(always)] fn try_table(&mut self, _: BlockSignature<'_>, _: &[Catch]) {}
    #[inline(always)] fn try_(&mut self, _: BlockSignature<'_>) {}
    #[inline(always)] fn catch(&mut self, _: TagIdx, _: &FuncType, _: BlockSignature<'_>, _: bool) {}
    #[inline(always)] fn catch_all(&mut self, _: BlockSignature<'_>, _: bool) {}
    #[inline(always)] fn delegate(&mut self, _: u32, _: End, _: &[ValType]) {}
    #[inline(always)] fn rethrow(&mut self, _: u32) {}
}
