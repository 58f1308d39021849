//! What lowering hears from the walker: each operator goes to the file of its topic.

use super::Lowerer;
use super::operands::Class;
use crate::code::Misc;
use riser_front::{BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target};
use riser_module::Module;
use riser_ops::{
    AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx, MemoryIdx,
    RefType, SimpleOp, StructuralOp, TableIdx, TagIdx, TypeIdx, ValType,
};

/// Results of operators that are not executed yet.
const I32: &[ValType] = &[ValType::I32];
const REF: &[ValType] = &[ValType::ANYREF];

impl BodySink for Lowerer<'_> {
    fn begin(&mut self, _: &Module, func: FuncIdx, ty: &FuncType, locals: &[(u32, ValType)]) {
        self.begin_frame(ty, locals);
        self.open_body();
        self.watch_entry(func);
    }

    fn at(&mut self, offset: u32) {
        self.offset = offset;
        if self.options.fuel {
            self.meter();
        }
    }

    fn finish(&mut self, _: &BodyFacts) {
        self.end_prefix();
        debug_assert!(self.labels.len() == 1, "blocks are closed");
    }

    fn simple(&mut self, op: SimpleOp, imm: SimpleImm) {
        self.op_simple(op, imm);
    }

    fn access(&mut self, op: AccessOp, arg: MemArg) {
        self.op_access(op, arg);
    }

    fn atomic_fence(&mut self) {
        self.emit(Misc::AtomicFence);
    }

    fn i32_const(&mut self, value: i32) {
        self.push_const(Class::Int, i64::from(value) as u64);
    }

    fn i64_const(&mut self, value: i64) {
        self.push_const(Class::Int, value as u64);
    }

    fn f32_const(&mut self, bits: u32) {
        self.push_const(Class::F32, bits.into());
    }

    fn f64_const(&mut self, bits: u64) {
        self.push_const(Class::F64, bits);
    }

    fn v128_const(&mut self, bits: u128) {
        self.op_v128_const(bits);
    }

    fn unreachable(&mut self) {
        self.op_unreachable();
    }

    fn nop(&mut self) {}

    fn drop(&mut self, _: ValType) {
        self.pop();
        self.last = None;
    }

    fn select(&mut self, ty: ValType) {
        self.op_select(ty);
    }

    fn local_get(&mut self, local: LocalIdx, _: ValType) {
        self.op_local_get(local);
    }

    fn local_set(&mut self, local: LocalIdx, _: ValType) {
        self.op_local_set(local);
    }

    fn local_tee(&mut self, local: LocalIdx, _: ValType) {
        self.op_local_tee(local);
    }

    fn global_get(&mut self, global: GlobalIdx, ty: ValType) {
        self.op_global_get(global, ty);
    }

    fn global_set(&mut self, global: GlobalIdx, _: ValType) {
        self.op_global_set(global);
    }

    fn block(&mut self, signature: BlockSignature<'_>) {
        self.op_block(signature);
    }

    fn loop_(&mut self, signature: BlockSignature<'_>) {
        self.op_loop(signature);
    }

    fn if_(&mut self, signature: BlockSignature<'_>) {
        self.op_if(signature);
    }

    fn else_(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.op_else(signature, falls_through);
    }

    fn end(&mut self, end: End, results: &[ValType]) {
        self.op_end(end, results);
    }

    fn br(&mut self, target: Target) {
        self.op_br(target);
    }

    fn br_if(&mut self, target: Target) {
        self.op_br_if(target);
    }

    fn br_table(&mut self, targets: &[Target], default: Target) {
        self.op_br_table(targets, default);
    }

    fn return_(&mut self, _: Target) {
        self.op_return();
    }

    fn call(&mut self, func: FuncIdx, ty: &FuncType) {
        self.op_call(func, ty);
    }

    fn call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        self.op_call_indirect(type_idx, table, ty);
    }

    fn call_ref(&mut self, _: TypeIdx, ty: &FuncType) {
        self.op_call_ref(ty);
    }

    fn return_call(&mut self, func: FuncIdx, ty: &FuncType) {
        self.op_return_call(func, ty);
    }

    fn return_call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        self.op_return_call_indirect(type_idx, table, ty);
    }

    fn return_call_ref(&mut self, _: TypeIdx, ty: &FuncType) {
        self.op_return_call_ref(ty);
    }

    fn memory_size(&mut self, memory: MemoryIdx) {
        self.op_memory_size(memory);
    }

    fn memory_grow(&mut self, memory: MemoryIdx) {
        self.op_memory_grow(memory);
    }

    fn memory_init(&mut self, data: DataIdx, memory: MemoryIdx) {
        self.op_memory_init(data, memory);
    }

    fn data_drop(&mut self, data: DataIdx) {
        self.op_data_drop(data);
    }

    fn memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx) {
        self.op_memory_copy(dst, src);
    }

    fn memory_fill(&mut self, memory: MemoryIdx) {
        self.op_memory_fill(memory);
    }

    fn table_get(&mut self, table: TableIdx, element: RefType) {
        self.op_table_get(table, element);
    }

    fn table_set(&mut self, table: TableIdx, _: RefType) {
        self.op_table_set(table);
    }

    fn table_size(&mut self, table: TableIdx) {
        self.op_table_size(table);
    }

    fn table_grow(&mut self, table: TableIdx) {
        self.op_table_grow(table);
    }

    fn table_fill(&mut self, table: TableIdx) {
        self.op_table_fill(table);
    }

    fn table_init(&mut self, elem: ElemIdx, table: TableIdx) {
        self.op_table_init(elem, table);
    }

    fn elem_drop(&mut self, elem: ElemIdx) {
        self.op_elem_drop(elem);
    }

    fn table_copy(&mut self, dst: TableIdx, src: TableIdx) {
        self.op_table_copy(dst, src);
    }

    fn ref_null(&mut self, _: HeapType) {
        self.push_const(Class::Int, 0);
    }

    fn ref_is_null(&mut self, _: RefType) {
        self.op_simple(SimpleOp::I64Eqz, SimpleImm::None);
    }

    fn ref_func(&mut self, func: FuncIdx) {
        self.op_ref_func(func);
    }

    fn ref_as_non_null(&mut self, _: RefType) {
        self.op_ref_as_non_null();
    }

    fn ref_eq(&mut self) {
        self.op_simple(SimpleOp::I64Eq, SimpleImm::None);
    }

    fn br_on_null(&mut self, target: Target, _: RefType) {
        self.op_br_on_null(target);
    }

    fn br_on_non_null(&mut self, target: Target, _: RefType) {
        self.op_br_on_non_null(target);
    }

    fn ref_test(&mut self, _: RefType, to: RefType) {
        let nullable = to.is_nullable();
        self.gap(if nullable { StructuralOp::RefTestNull } else { StructuralOp::RefTest }, 1, I32);
    }

    fn ref_cast(&mut self, _: RefType, to: RefType) {
        let nullable = to.is_nullable();
        let op = if nullable { StructuralOp::RefCastNull } else { StructuralOp::RefCast };
        self.gap(op, 1, &[to.val_type()]);
    }

    fn br_on_cast(&mut self, _: Target, _: RefType, _: RefType) {
        self.cast_branch(StructuralOp::BrOnCast);
    }

    fn br_on_cast_fail(&mut self, _: Target, _: RefType, _: RefType) {
        self.cast_branch(StructuralOp::BrOnCastFail);
    }

    fn any_convert_extern(&mut self, _: RefType) {
        self.gap(StructuralOp::AnyConvertExtern, 1, REF);
    }

    fn extern_convert_any(&mut self, _: RefType) {
        self.gap(StructuralOp::ExternConvertAny, 1, REF);
    }

    fn ref_i31(&mut self) {
        self.gap(StructuralOp::RefI31, 1, REF);
    }

    fn i31_get(&mut self, signed: bool) {
        self.gap(if signed { StructuralOp::I31GetS } else { StructuralOp::I31GetU }, 1, I32);
    }

    fn struct_new(&mut self, type_idx: TypeIdx) {
        self.gap(StructuralOp::StructNew, self.fields(type_idx), REF);
    }

    fn struct_new_default(&mut self, _: TypeIdx) {
        self.gap(StructuralOp::StructNewDefault, 0, REF);
    }

    fn struct_get(&mut self, type_idx: TypeIdx, field: u32, signed: Option<bool>) {
        let op = match signed {
            None => StructuralOp::StructGet,
            Some(true) => StructuralOp::StructGetS,
            Some(false) => StructuralOp::StructGetU,
        };
        self.gap(op, 1, &[self.field_type(type_idx, field)]);
    }

    fn struct_set(&mut self, _: TypeIdx, _: u32) {
        self.gap(StructuralOp::StructSet, 2, &[]);
    }

    fn array_new(&mut self, _: TypeIdx) {
        self.gap(StructuralOp::ArrayNew, 2, REF);
    }

    fn array_new_default(&mut self, _: TypeIdx) {
        self.gap(StructuralOp::ArrayNewDefault, 1, REF);
    }

    fn array_new_fixed(&mut self, _: TypeIdx, count: u32) {
        self.gap(StructuralOp::ArrayNewFixed, count as usize, REF);
    }

    fn array_new_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.gap(StructuralOp::ArrayNewData, 2, REF);
    }

    fn array_new_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.gap(StructuralOp::ArrayNewElem, 2, REF);
    }

    fn array_get(&mut self, type_idx: TypeIdx, signed: Option<bool>) {
        let op = match signed {
            None => StructuralOp::ArrayGet,
            Some(true) => StructuralOp::ArrayGetS,
            Some(false) => StructuralOp::ArrayGetU,
        };
        self.gap(op, 2, &[self.element_type(type_idx)]);
    }

    fn array_set(&mut self, _: TypeIdx) {
        self.gap(StructuralOp::ArraySet, 3, &[]);
    }

    fn array_len(&mut self) {
        self.gap(StructuralOp::ArrayLen, 1, I32);
    }

    fn array_fill(&mut self, _: TypeIdx) {
        self.gap(StructuralOp::ArrayFill, 4, &[]);
    }

    fn array_copy(&mut self, _: TypeIdx, _: TypeIdx) {
        self.gap(StructuralOp::ArrayCopy, 5, &[]);
    }

    fn array_init_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.gap(StructuralOp::ArrayInitData, 4, &[]);
    }

    fn array_init_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.gap(StructuralOp::ArrayInitElem, 4, &[]);
    }

    fn throw(&mut self, _: TagIdx, ty: &FuncType) {
        self.op_throw(StructuralOp::Throw, ty.params().len());
    }

    fn throw_ref(&mut self) {
        self.op_throw(StructuralOp::ThrowRef, 1);
    }

    fn try_table(&mut self, signature: BlockSignature<'_>, _: &[Catch]) {
        self.op_try(StructuralOp::TryTable, signature);
    }

    fn try_(&mut self, signature: BlockSignature<'_>) {
        self.op_try(StructuralOp::Try, signature);
    }

    fn catch(
        &mut self,
        _: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.op_catch(Some(ty), signature, falls_through);
    }

    fn catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.op_catch(None, signature, falls_through);
    }

    fn delegate(&mut self, _: u32, end: End, results: &[ValType]) {
        self.op_delegate(end, results);
    }

    fn rethrow(&mut self, _: u32) {
        self.op_throw(StructuralOp::Rethrow, 0);
    }
}
