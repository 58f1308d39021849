//! `BodySink`: what a walk over a function body tells those who make something of it.
//!
//! The walker keeps the control stack and the type stack, so that no tier has to. A sink hears only
//! *live* operators: after an unconditional branch nothing is sent until a label that something branches
//! to. Immediates are decoded, indices are in range, operand types are known, and branch targets are
//! resolved to a [`Target`]. There are no default methods: a tier that misses an operator does not
//! compile.
//!
//! # Order of calls
//!
//! `begin`, then for every live operator `at(offset)` followed by the operator's method, then `finish`.
//! Blocks are well nested: each of `block`, `loop_`, `if_`, `try_table`, `try_` is closed by exactly one
//! `end` (or `delegate`); between `if_` and its `end` there may be one `else_`; between `try_` and its
//! `end` there may be `catch` and `catch_all`. The function's own body is a block too, opened by
//! `begin` and closed by an `end`: branching to it is returning.
//!
//! # The operand stack
//!
//! A sink that follows the operand stack pushes and pops exactly as the operators say. At `else_`,
//! `catch`, `catch_all` and `end` it cuts the stack to the height of the block (see [`Target::height`])
//! and pushes what the block gives there (parameters for `else_`, payload for `catch`, results for
//! `end`), whether or not the code before was live.

use riser_module::{Module, TableWrites};
use riser_ops::{
    AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx, MemoryIdx,
    RefType, SimpleOp, TableIdx, TagIdx, TypeIdx, ValType,
};

/// A branch target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The label: position of the block on the control stack, counted from the function's body (0).
    /// A branch to label 0 returns.
    pub label: u32,
    /// How many operands the branch carries.
    pub arity: u32,
    /// How many operands lie below the block. After the branch the operands carried lie right on top.
    pub height: u32,
    /// Whether the target is the head of a loop (otherwise it is the end of a block).
    pub is_loop: bool,
}

/// The type of a block: what it takes and what it leaves.
#[derive(Clone, Copy, Debug)]
pub struct BlockSignature<'a> {
    /// Operands that the block takes over; they lie on the stack already.
    pub params: &'a [ValType],
    /// What it leaves.
    pub results: &'a [ValType],
    /// How many operands lie below its parameters.
    pub height: u32,
}

/// The immediate of a simple operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimpleImm {
    /// None.
    None,
    /// A lane, in range.
    Lane(u8),
    /// Sixteen lanes, each below 32.
    Shuffle([u8; 16]),
}

/// The memory argument of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemArg {
    /// The memory.
    pub memory: MemoryIdx,
    /// Added to the address operand, without wrapping.
    pub offset: u64,
    /// The alignment that the code promises, as an exponent. A hint only.
    pub align_log2: u8,
    /// The lane, for accesses to one lane; otherwise 0.
    pub lane: u8,
    /// Whether the memory's addresses are 64-bit.
    pub memory64: bool,
}

/// A handler of a `try_table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Catch {
    /// The exceptions that it takes; `None` means all.
    pub tag: Option<TagIdx>,
    /// Whether a reference to the exception is passed as the last operand.
    pub with_ref: bool,
    /// Where it goes, carrying the payload (and the reference).
    pub target: Target,
}

/// How a sink hears that a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The block's label, as in [`Target::label`].
    pub label: u32,
    /// Whether control can fall out of the code before.
    pub falls_through: bool,
    /// Whether the code behind is live: something falls through or branches here.
    pub live_after: bool,
    /// How many operands lie below the block's results.
    pub height: u32,
}

/// What is known of a body after its walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyFacts {
    /// Locals, parameters included.
    pub locals: u32,
    /// The most operands on the stack at once (live or not).
    pub max_operands: u32,
    /// Operands never take more 8-byte slots than this (a vector takes two); exact if there are no vectors.
    pub max_operand_slots: u32,
    /// The deepest nesting of blocks, the function's body included.
    pub max_depth: u32,
    /// How many live loops there are.
    pub loops: u32,
    /// Whether live code calls anything.
    pub calls: bool,
    /// The tables that it writes, dead code included.
    pub table_writes: TableWrites,
}

/// Receives the live operators of one body. See the module's documentation for the order of calls.
pub trait BodySink {
    /// The body begins: the module, the function, its type and its declared locals as runs of equal types
    /// (parameters are not repeated).
    fn begin(&mut self, module: &Module, func: FuncIdx, ty: &FuncType, locals: &[(u32, ValType)]);

    /// The next operator stands at byte `offset` of the module.
    fn at(&mut self, offset: u32);

    /// The body has ended.
    fn finish(&mut self, facts: &BodyFacts);

    /// A simple operator.
    fn simple(&mut self, op: SimpleOp, imm: SimpleImm);
    /// An access to linear memory.
    fn access(&mut self, op: AccessOp, arg: MemArg);
    /// `atomic.fence`
    fn atomic_fence(&mut self);

    /// `i32.const`
    fn i32_const(&mut self, value: i32);
    /// `i64.const`
    fn i64_const(&mut self, value: i64);
    /// `f32.const`, as bits.
    fn f32_const(&mut self, bits: u32);
    /// `f64.const`, as bits.
    fn f64_const(&mut self, bits: u64);
    /// `v128.const`, lane 0 lowest.
    fn v128_const(&mut self, bits: u128);

    /// `unreachable`
    fn unreachable(&mut self);
    /// `nop`
    fn nop(&mut self);
    /// `drop` of an operand of type `ty`.
    fn drop(&mut self, ty: ValType);
    /// `select` between operands of type `ty`.
    fn select(&mut self, ty: ValType);

    /// `local.get`
    fn local_get(&mut self, local: LocalIdx, ty: ValType);
    /// `local.set`
    fn local_set(&mut self, local: LocalIdx, ty: ValType);
    /// `local.tee`
    fn local_tee(&mut self, local: LocalIdx, ty: ValType);
    /// `global.get`
    fn global_get(&mut self, global: GlobalIdx, ty: ValType);
    /// `global.set`
    fn global_set(&mut self, global: GlobalIdx, ty: ValType);

    /// `block`
    fn block(&mut self, signature: BlockSignature<'_>);
    /// `loop`; `operands` are the types of all operands, the parameters of the loop last.
    fn loop_(&mut self, signature: BlockSignature<'_>, operands: &[ValType]);
    /// `if`; the condition is popped first.
    fn if_(&mut self, signature: BlockSignature<'_>);
    /// `else`; `falls_through` says whether the first arm reaches its end. The second arm is live.
    fn else_(&mut self, signature: BlockSignature<'_>, falls_through: bool);
    /// `end` of any block, or of the body. An `if` without `else` also reaches it when its condition is 0.
    fn end(&mut self, end: End, results: &[ValType]);
    /// `br`
    fn br(&mut self, target: Target);
    /// `br_if`
    fn br_if(&mut self, target: Target);
    /// `br_table`; all targets carry the same number of operands.
    fn br_table(&mut self, targets: &[Target], default: Target);
    /// `return`; `target` is the function's own label.
    fn return_(&mut self, target: Target);

    /// `call`
    fn call(&mut self, func: FuncIdx, ty: &FuncType);
    /// `call_indirect`
    fn call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType);
    /// `call_ref`
    fn call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType);
    /// `return_call`
    fn return_call(&mut self, func: FuncIdx, ty: &FuncType);
    /// `return_call_indirect`
    fn return_call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType);
    /// `return_call_ref`
    fn return_call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType);

    /// `memory.size`
    fn memory_size(&mut self, memory: MemoryIdx);
    /// `memory.grow`
    fn memory_grow(&mut self, memory: MemoryIdx);
    /// `memory.init`
    fn memory_init(&mut self, data: DataIdx, memory: MemoryIdx);
    /// `data.drop`
    fn data_drop(&mut self, data: DataIdx);
    /// `memory.copy`
    fn memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx);
    /// `memory.fill`
    fn memory_fill(&mut self, memory: MemoryIdx);

    /// `table.get`
    fn table_get(&mut self, table: TableIdx, element: RefType);
    /// `table.set`
    fn table_set(&mut self, table: TableIdx, element: RefType);
    /// `table.size`
    fn table_size(&mut self, table: TableIdx);
    /// `table.grow`
    fn table_grow(&mut self, table: TableIdx);
    /// `table.fill`
    fn table_fill(&mut self, table: TableIdx);
    /// `table.init`
    fn table_init(&mut self, elem: ElemIdx, table: TableIdx);
    /// `elem.drop`
    fn elem_drop(&mut self, elem: ElemIdx);
    /// `table.copy`
    fn table_copy(&mut self, dst: TableIdx, src: TableIdx);

    /// `ref.null`
    fn ref_null(&mut self, heap: HeapType);
    /// `ref.is_null` of an operand of type `ty`.
    fn ref_is_null(&mut self, ty: RefType);
    /// `ref.func`
    fn ref_func(&mut self, func: FuncIdx);
    /// `ref.as_non_null` of an operand of type `ty`.
    fn ref_as_non_null(&mut self, ty: RefType);
    /// `ref.eq`
    fn ref_eq(&mut self);
    /// `br_on_null`: branches without the operand of type `ty`, falls through with it.
    fn br_on_null(&mut self, target: Target, ty: RefType);
    /// `br_on_non_null`: branches with the operand of type `ty` on top, falls through without it.
    fn br_on_non_null(&mut self, target: Target, ty: RefType);

    /// `ref.test` of an operand of type `from`.
    fn ref_test(&mut self, from: RefType, to: RefType);
    /// `ref.cast` of an operand of type `from`.
    fn ref_cast(&mut self, from: RefType, to: RefType);
    /// `br_on_cast`: branches if the operand of type `from` is a `to`.
    fn br_on_cast(&mut self, target: Target, from: RefType, to: RefType);
    /// `br_on_cast_fail`: branches if the operand of type `from` is not a `to`.
    fn br_on_cast_fail(&mut self, target: Target, from: RefType, to: RefType);
    /// `any.convert_extern`
    fn any_convert_extern(&mut self, from: RefType);
    /// `extern.convert_any`
    fn extern_convert_any(&mut self, from: RefType);

    /// `ref.i31`
    fn ref_i31(&mut self);
    /// `i31.get_s` and `i31.get_u`
    fn i31_get(&mut self, signed: bool);
    /// `struct.new`
    fn struct_new(&mut self, type_idx: TypeIdx);
    /// `struct.new_default`
    fn struct_new_default(&mut self, type_idx: TypeIdx);
    /// `struct.get`, `struct.get_s`, `struct.get_u`; `signed` is `None` for a field that is not packed.
    fn struct_get(&mut self, type_idx: TypeIdx, field: u32, signed: Option<bool>);
    /// `struct.set`
    fn struct_set(&mut self, type_idx: TypeIdx, field: u32);
    /// `array.new`
    fn array_new(&mut self, type_idx: TypeIdx);
    /// `array.new_default`
    fn array_new_default(&mut self, type_idx: TypeIdx);
    /// `array.new_fixed`
    fn array_new_fixed(&mut self, type_idx: TypeIdx, count: u32);
    /// `array.new_data`
    fn array_new_data(&mut self, type_idx: TypeIdx, data: DataIdx);
    /// `array.new_elem`
    fn array_new_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx);
    /// `array.get`, `array.get_s`, `array.get_u`; `signed` is `None` for elements that are not packed.
    fn array_get(&mut self, type_idx: TypeIdx, signed: Option<bool>);
    /// `array.set`
    fn array_set(&mut self, type_idx: TypeIdx);
    /// `array.len`
    fn array_len(&mut self);
    /// `array.fill`
    fn array_fill(&mut self, type_idx: TypeIdx);
    /// `array.copy`
    fn array_copy(&mut self, dst: TypeIdx, src: TypeIdx);
    /// `array.init_data`
    fn array_init_data(&mut self, type_idx: TypeIdx, data: DataIdx);
    /// `array.init_elem`
    fn array_init_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx);

    /// `throw`
    fn throw(&mut self, tag: TagIdx, ty: &FuncType);
    /// `throw_ref`
    fn throw_ref(&mut self);
    /// `try_table`
    fn try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]);
    /// Legacy `try`
    fn try_(&mut self, signature: BlockSignature<'_>);
    /// Legacy `catch`; `falls_through` says whether the code before reaches the block's end.
    fn catch(
        &mut self,
        tag: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    );
    /// Legacy `catch_all`
    fn catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool);
    /// Legacy `delegate`: ends a `try` and passes its exceptions to the handlers of `handler`, a label.
    fn delegate(&mut self, handler: u32, end: End, results: &[ValType]);
    /// Legacy `rethrow` of the exception caught by the block `handler`, a label.
    fn rethrow(&mut self, handler: u32);
}
