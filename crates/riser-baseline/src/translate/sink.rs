//! What the compiler hears from the walker: each operator goes to the file of its topic.

use super::Translator;
use riser_front::{BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target};
use riser_module::Module;
use riser_ops::{
    AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx, MemoryIdx,
    RefType, SimpleOp, TableIdx, TagIdx, TypeIdx, ValType,
};

impl BodySink for Translator<'_> {
    fn begin(&mut self, _: &Module, _: FuncIdx, ty: &FuncType, locals: &[(u32, ValType)]) {
        self.begin_body(ty, locals);
    }

    #[inline]
    fn at(&mut self, offset: u32) {
        self.next_operator(offset);
    }

    fn finish(&mut self, facts: &BodyFacts) {
        self.frame.slots += facts.max_operand_slots;
    }

    fn simple(&mut self, op: SimpleOp, imm: SimpleImm) {
        if self.goes_on() {
            self.lower_simple(op, imm);
        }
    }

    fn access(&mut self, op: AccessOp, arg: MemArg) {
        if self.goes_on() {
            self.lower_access(op, arg);
        }
    }

    fn atomic_fence(&mut self) {
        if self.goes_on() {
            self.lower_atomic_fence();
        }
    }

    fn i32_const(&mut self, value: i32) {
        if self.goes_on() {
            self.lower_i32_const(value);
        }
    }

    fn i64_const(&mut self, value: i64) {
        if self.goes_on() {
            self.lower_i64_const(value);
        }
    }

    fn f32_const(&mut self, bits: u32) {
        if self.goes_on() {
            self.lower_f32_const(bits);
        }
    }

    fn f64_const(&mut self, bits: u64) {
        if self.goes_on() {
            self.lower_f64_const(bits);
        }
    }

    fn v128_const(&mut self, bits: u128) {
        if self.goes_on() {
            self.lower_v128_const(bits);
        }
    }

    fn unreachable(&mut self) {
        if self.goes_on() {
            self.lower_unreachable();
        }
    }

    fn nop(&mut self) {
        if self.goes_on() {
            self.lower_nop();
        }
    }

    fn drop(&mut self, ty: ValType) {
        if self.goes_on() {
            self.lower_drop(ty);
        }
    }

    fn select(&mut self, ty: ValType) {
        if self.goes_on() {
            self.lower_select(ty);
        }
    }

    fn local_get(&mut self, local: LocalIdx, ty: ValType) {
        if self.goes_on() {
            self.lower_local_get(local, ty);
        }
    }

    fn local_set(&mut self, local: LocalIdx, ty: ValType) {
        if self.goes_on() {
            self.lower_local_set(local, ty);
        }
    }

    fn local_tee(&mut self, local: LocalIdx, ty: ValType) {
        if self.goes_on() {
            self.lower_local_tee(local, ty);
        }
    }

    fn global_get(&mut self, global: GlobalIdx, ty: ValType) {
        if self.goes_on() {
            self.lower_global_get(global, ty);
        }
    }

    fn global_set(&mut self, global: GlobalIdx, ty: ValType) {
        if self.goes_on() {
            self.lower_global_set(global, ty);
        }
    }

    fn block(&mut self, signature: BlockSignature<'_>) {
        if self.goes_on() {
            self.lower_block(signature);
        }
    }

    fn loop_(&mut self, signature: BlockSignature<'_>, _: &[ValType]) {
        if self.goes_on() {
            self.lower_loop(signature);
        }
    }

    fn if_(&mut self, signature: BlockSignature<'_>) {
        if self.goes_on() {
            self.lower_if(signature);
        }
    }

    fn else_(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        if self.goes_on() {
            self.lower_else(signature, falls_through);
        }
    }

    fn end(&mut self, end: End, results: &[ValType]) {
        if self.goes_on() {
            self.lower_end(end, results);
        }
    }

    fn br(&mut self, target: Target) {
        if self.goes_on() {
            self.lower_br(target);
        }
    }

    fn br_if(&mut self, target: Target) {
        if self.goes_on() {
            self.lower_br_if(target);
        }
    }

    fn br_table(&mut self, targets: &[Target], default: Target) {
        if self.goes_on() {
            self.lower_br_table(targets, default);
        }
    }

    fn return_(&mut self, target: Target) {
        if self.goes_on() {
            self.lower_return(target);
        }
    }

    fn call(&mut self, func: FuncIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_call(func, ty);
        }
    }

    fn call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_call_indirect(type_idx, table, ty);
        }
    }

    fn call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_call_ref(type_idx, ty);
        }
    }

    fn return_call(&mut self, func: FuncIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_return_call(func, ty);
        }
    }

    fn return_call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_return_call_indirect(type_idx, table, ty);
        }
    }

    fn return_call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_return_call_ref(type_idx, ty);
        }
    }

    fn memory_size(&mut self, memory: MemoryIdx) {
        if self.goes_on() {
            self.lower_memory_size(memory);
        }
    }

    fn memory_grow(&mut self, memory: MemoryIdx) {
        if self.goes_on() {
            self.lower_memory_grow(memory);
        }
    }

    fn memory_init(&mut self, data: DataIdx, memory: MemoryIdx) {
        if self.goes_on() {
            self.lower_memory_init(data, memory);
        }
    }

    fn data_drop(&mut self, data: DataIdx) {
        if self.goes_on() {
            self.lower_data_drop(data);
        }
    }

    fn memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx) {
        if self.goes_on() {
            self.lower_memory_copy(dst, src);
        }
    }

    fn memory_fill(&mut self, memory: MemoryIdx) {
        if self.goes_on() {
            self.lower_memory_fill(memory);
        }
    }

    fn table_get(&mut self, table: TableIdx, element: RefType) {
        if self.goes_on() {
            self.lower_table_get(table, element);
        }
    }

    fn table_set(&mut self, table: TableIdx, element: RefType) {
        if self.goes_on() {
            self.lower_table_set(table, element);
        }
    }

    fn table_size(&mut self, table: TableIdx) {
        if self.goes_on() {
            self.lower_table_size(table);
        }
    }

    fn table_grow(&mut self, table: TableIdx) {
        if self.goes_on() {
            self.lower_table_grow(table);
        }
    }

    fn table_fill(&mut self, table: TableIdx) {
        if self.goes_on() {
            self.lower_table_fill(table);
        }
    }

    fn table_init(&mut self, elem: ElemIdx, table: TableIdx) {
        if self.goes_on() {
            self.lower_table_init(elem, table);
        }
    }

    fn elem_drop(&mut self, elem: ElemIdx) {
        if self.goes_on() {
            self.lower_elem_drop(elem);
        }
    }

    fn table_copy(&mut self, dst: TableIdx, src: TableIdx) {
        if self.goes_on() {
            self.lower_table_copy(dst, src);
        }
    }

    fn ref_null(&mut self, heap: HeapType) {
        if self.goes_on() {
            self.lower_ref_null(heap);
        }
    }

    fn ref_is_null(&mut self, ty: RefType) {
        if self.goes_on() {
            self.lower_ref_is_null(ty);
        }
    }

    fn ref_func(&mut self, func: FuncIdx) {
        if self.goes_on() {
            self.lower_ref_func(func);
        }
    }

    fn ref_as_non_null(&mut self, ty: RefType) {
        if self.goes_on() {
            self.lower_ref_as_non_null(ty);
        }
    }

    fn ref_eq(&mut self) {
        if self.goes_on() {
            self.lower_ref_eq();
        }
    }

    fn br_on_null(&mut self, target: Target, ty: RefType) {
        if self.goes_on() {
            self.lower_br_on_null(target, ty);
        }
    }

    fn br_on_non_null(&mut self, target: Target, ty: RefType) {
        if self.goes_on() {
            self.lower_br_on_non_null(target, ty);
        }
    }

    fn ref_test(&mut self, from: RefType, to: RefType) {
        if self.goes_on() {
            self.lower_ref_test(from, to);
        }
    }

    fn ref_cast(&mut self, from: RefType, to: RefType) {
        if self.goes_on() {
            self.lower_ref_cast(from, to);
        }
    }

    fn br_on_cast(&mut self, target: Target, from: RefType, to: RefType) {
        if self.goes_on() {
            self.lower_br_on_cast(target, from, to);
        }
    }

    fn br_on_cast_fail(&mut self, target: Target, from: RefType, to: RefType) {
        if self.goes_on() {
            self.lower_br_on_cast_fail(target, from, to);
        }
    }

    fn any_convert_extern(&mut self, from: RefType) {
        if self.goes_on() {
            self.lower_any_convert_extern(from);
        }
    }

    fn extern_convert_any(&mut self, from: RefType) {
        if self.goes_on() {
            self.lower_extern_convert_any(from);
        }
    }

    fn ref_i31(&mut self) {
        if self.goes_on() {
            self.lower_ref_i31();
        }
    }

    fn i31_get(&mut self, signed: bool) {
        if self.goes_on() {
            self.lower_i31_get(signed);
        }
    }

    fn struct_new(&mut self, type_idx: TypeIdx) {
        if self.goes_on() {
            self.lower_struct_new(type_idx);
        }
    }

    fn struct_new_default(&mut self, type_idx: TypeIdx) {
        if self.goes_on() {
            self.lower_struct_new_default(type_idx);
        }
    }

    fn struct_get(&mut self, type_idx: TypeIdx, field: u32, signed: Option<bool>) {
        if self.goes_on() {
            self.lower_struct_get(type_idx, field, signed);
        }
    }

    fn struct_set(&mut self, type_idx: TypeIdx, field: u32) {
        if self.goes_on() {
            self.lower_struct_set(type_idx, field);
        }
    }

    fn array_new(&mut self, type_idx: TypeIdx) {
        if self.goes_on() {
            self.lower_array_new(type_idx);
        }
    }

    fn array_new_default(&mut self, type_idx: TypeIdx) {
        if self.goes_on() {
            self.lower_array_new_default(type_idx);
        }
    }

    fn array_new_fixed(&mut self, type_idx: TypeIdx, count: u32) {
        if self.goes_on() {
            self.lower_array_new_fixed(type_idx, count);
        }
    }

    fn array_new_data(&mut self, type_idx: TypeIdx, data: DataIdx) {
        if self.goes_on() {
            self.lower_array_new_data(type_idx, data);
        }
    }

    fn array_new_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx) {
        if self.goes_on() {
            self.lower_array_new_elem(type_idx, elem);
        }
    }

    fn array_get(&mut self, type_idx: TypeIdx, signed: Option<bool>) {
        if self.goes_on() {
            self.lower_array_get(type_idx, signed);
        }
    }

    fn array_set(&mut self, type_idx: TypeIdx) {
        if self.goes_on() {
            self.lower_array_set(type_idx);
        }
    }

    fn array_len(&mut self) {
        if self.goes_on() {
            self.lower_array_len();
        }
    }

    fn array_fill(&mut self, type_idx: TypeIdx) {
        if self.goes_on() {
            self.lower_array_fill(type_idx);
        }
    }

    fn array_copy(&mut self, dst: TypeIdx, src: TypeIdx) {
        if self.goes_on() {
            self.lower_array_copy(dst, src);
        }
    }

    fn array_init_data(&mut self, type_idx: TypeIdx, data: DataIdx) {
        if self.goes_on() {
            self.lower_array_init_data(type_idx, data);
        }
    }

    fn array_init_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx) {
        if self.goes_on() {
            self.lower_array_init_elem(type_idx, elem);
        }
    }

    fn throw(&mut self, tag: TagIdx, ty: &FuncType) {
        if self.goes_on() {
            self.lower_throw(tag, ty);
        }
    }

    fn throw_ref(&mut self) {
        if self.goes_on() {
            self.lower_throw_ref();
        }
    }

    fn try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]) {
        if self.goes_on() {
            self.lower_try_table(signature, catches);
        }
    }

    fn try_(&mut self, signature: BlockSignature<'_>) {
        if self.goes_on() {
            self.lower_try(signature);
        }
    }

    fn catch(
        &mut self,
        tag: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        if self.goes_on() {
            self.lower_catch(tag, ty, signature, falls_through);
        }
    }

    fn catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        if self.goes_on() {
            self.lower_catch_all(signature, falls_through);
        }
    }

    fn delegate(&mut self, handler: u32, end: End, results: &[ValType]) {
        if self.goes_on() {
            self.lower_delegate(handler, end, results);
        }
    }

    fn rethrow(&mut self, handler: u32) {
        if self.goes_on() {
            self.lower_rethrow(handler);
        }
    }
}
