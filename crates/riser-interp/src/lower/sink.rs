//! What lowering hears from the walker: each operator goes to the file of its topic.

use super::Lowerer;
use crate::code::Misc;
use riser_front::{BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target};
use riser_module::Module;
use riser_ops::{
    AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx, MemoryIdx,
    RefType, SimpleOp, TableIdx, TagIdx, TypeIdx, ValType,
};

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
        self.out.catches.resolve();
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
        self.push_const(ValType::I32, i64::from(value) as u64);
    }

    fn i64_const(&mut self, value: i64) {
        self.push_const(ValType::I64, value as u64);
    }

    fn f32_const(&mut self, bits: u32) {
        self.push_const(ValType::F32, bits.into());
    }

    fn f64_const(&mut self, bits: u64) {
        self.push_const(ValType::F64, bits);
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

    fn loop_(&mut self, signature: BlockSignature<'_>, _: &[ValType]) {
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

    fn ref_null(&mut self, heap: HeapType) {
        self.push_const(RefType::new(true, heap).val_type(), 0);
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
        self.op_ref_test(to);
    }

    fn ref_cast(&mut self, _: RefType, to: RefType) {
        self.op_ref_cast(to);
    }

    fn br_on_cast(&mut self, target: Target, _: RefType, to: RefType) {
        self.op_br_on_cast(target, to, true);
    }

    fn br_on_cast_fail(&mut self, target: Target, _: RefType, to: RefType) {
        self.op_br_on_cast(target, to, false);
    }

    fn any_convert_extern(&mut self, from: RefType) {
        self.op_convert(RefType::new(from.is_nullable(), HeapType::Any));
    }

    fn extern_convert_any(&mut self, from: RefType) {
        self.op_convert(RefType::new(from.is_nullable(), HeapType::Extern));
    }

    fn ref_i31(&mut self) {
        self.op_ref_i31();
    }

    fn i31_get(&mut self, signed: bool) {
        self.op_i31_get(signed);
    }

    fn struct_new(&mut self, type_idx: TypeIdx) {
        self.op_struct_new(type_idx);
    }

    fn struct_new_default(&mut self, type_idx: TypeIdx) {
        self.op_struct_new_default(type_idx);
    }

    fn struct_get(&mut self, type_idx: TypeIdx, field: u32, signed: Option<bool>) {
        self.op_struct_get(type_idx, field, signed);
    }

    fn struct_set(&mut self, type_idx: TypeIdx, field: u32) {
        self.op_struct_set(type_idx, field);
    }

    fn array_new(&mut self, type_idx: TypeIdx) {
        self.op_array_new(type_idx);
    }

    fn array_new_default(&mut self, type_idx: TypeIdx) {
        self.op_array_new_default(type_idx);
    }

    fn array_new_fixed(&mut self, type_idx: TypeIdx, count: u32) {
        self.op_array_new_fixed(type_idx, count);
    }

    fn array_new_data(&mut self, type_idx: TypeIdx, data: DataIdx) {
        self.op_array_new_data(type_idx, data);
    }

    fn array_new_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx) {
        self.op_array_new_elem(type_idx, elem);
    }

    fn array_get(&mut self, type_idx: TypeIdx, signed: Option<bool>) {
        self.op_array_get(type_idx, signed);
    }

    fn array_set(&mut self, type_idx: TypeIdx) {
        self.op_array_set(type_idx);
    }

    fn array_len(&mut self) {
        self.op_array_len();
    }

    fn array_fill(&mut self, type_idx: TypeIdx) {
        self.op_array_fill(type_idx);
    }

    fn array_copy(&mut self, _: TypeIdx, _: TypeIdx) {
        self.op_array_copy();
    }

    fn array_init_data(&mut self, _: TypeIdx, data: DataIdx) {
        self.op_array_init_data(data);
    }

    fn array_init_elem(&mut self, _: TypeIdx, elem: ElemIdx) {
        self.op_array_init_elem(elem);
    }

    fn throw(&mut self, tag: TagIdx, ty: &FuncType) {
        self.op_throw(tag, ty);
    }

    fn throw_ref(&mut self) {
        self.op_throw_ref();
    }

    fn try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]) {
        self.op_try_table(signature, catches);
    }

    fn try_(&mut self, signature: BlockSignature<'_>) {
        self.op_try(signature);
    }

    fn catch(
        &mut self,
        tag: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.op_catch(Some((tag, ty)), signature, falls_through);
    }

    fn catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.op_catch(None, signature, falls_through);
    }

    fn delegate(&mut self, handler: u32, end: End, results: &[ValType]) {
        self.op_delegate(handler, end, results);
    }

    fn rethrow(&mut self, handler: u32) {
        self.op_rethrow(handler);
    }
}
