//! A sink that writes one line of text for every call: for tests, golden files, and people who look.
//!
//! A line is the offset in the module, indentation by nesting, the mnemonic, and what a tier hears with it.

use crate::sink::{BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target};
use core::fmt::{self, Write};
use riser_module::Module;
use riser_ops::{
    AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx, MemoryIdx,
    RefType, SimpleOp, TableIdx, TagIdx, TypeIdx, ValType,
};

/// Writes what it hears as text.
#[derive(Debug, Default)]
pub struct TraceSink<W> {
    out: W,
    depth: usize,
    offset: Option<u32>,
    error: Option<fmt::Error>,
}

impl<W: Write> TraceSink<W> {
    /// A sink that writes to `out`.
    pub fn new(out: W) -> TraceSink<W> {
        TraceSink { out, depth: 0, offset: None, error: None }
    }

    /// Gives back what was written to.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn finish_writing(self) -> Result<W, fmt::Error> {
        self.error.map_or(Ok(self.out), Err)
    }

    fn line(&mut self, depth: usize, text: fmt::Arguments<'_>) {
        let indent = 2 * depth;
        let written = match self.offset.take() {
            Some(offset) => writeln!(self.out, "{offset:#07x}: {:indent$}{text}", ""),
            None => writeln!(self.out, "         {:indent$}{text}", ""),
        };
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
    }

    /// A line inside the innermost block.
    fn op(&mut self, text: fmt::Arguments<'_>) {
        self.line(self.depth, text);
    }

    /// A line that opens a block.
    fn open(&mut self, text: fmt::Arguments<'_>) {
        self.line(self.depth, text);
        self.depth += 1;
    }

    /// A line between two parts of a block.
    fn between(&mut self, text: fmt::Arguments<'_>) {
        self.line(self.depth.saturating_sub(1), text);
    }

    /// A line that closes a block.
    fn close(&mut self, text: fmt::Arguments<'_>) {
        self.depth = self.depth.saturating_sub(1);
        self.line(self.depth, text);
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = if self.is_loop { "head of " } else { "" };
        write!(f, "{head}@{} carrying {} above {}", self.label, self.arity, self.height)
    }
}

impl fmt::Display for BlockSignature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        types(f, self.params)?;
        f.write_str(" -> ")?;
        types(f, self.results)?;
        write!(f, " above {}", self.height)
    }
}

impl fmt::Display for MemArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "memory {} offset={} align={}",
            self.memory,
            self.offset,
            1u64 << self.align_log2
        )?;
        if self.memory64 {
            f.write_str(" (64-bit)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Catch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = if self.with_ref { "_ref" } else { "" };
        match self.tag {
            Some(tag) => write!(f, "catch{reference} {tag} {}", self.target),
            None => write!(f, "catch_all{reference} {}", self.target),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.falls_through { "falls through" } else { "not fallen through" };
        let to = if self.live_after { "live after" } else { "dead after" };
        write!(f, "@{} {from}, {to}, above {}", self.label, self.height)
    }
}

fn types(f: &mut fmt::Formatter<'_>, types: &[ValType]) -> fmt::Result {
    f.write_str("(")?;
    for (i, ty) in types.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        write!(f, "{space}{ty}")?;
    }
    f.write_str(")")
}

/// Shows types as `(i32 i64)`.
struct Types<'a>(&'a [ValType]);

impl fmt::Display for Types<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        types(f, self.0)
    }
}

/// The ending of an operator's name that says how packed values are extended.
fn sign(signed: Option<bool>) -> &'static str {
    match signed {
        None => "",
        Some(true) => "_s",
        Some(false) => "_u",
    }
}

/// Says whether the part of a block before was live at its end.
fn fell(falls_through: bool) -> &'static str {
    if falls_through { "after live code" } else { "after dead code" }
}

impl<W: Write> BodySink for TraceSink<W> {
    fn begin(&mut self, _: &Module, func: FuncIdx, ty: &FuncType, locals: &[(u32, ValType)]) {
        self.depth = 0;
        self.offset = None;
        self.open(format_args!("func {func} {ty}"));
        for (count, ty) in locals {
            self.op(format_args!("local {count} {ty}"));
        }
    }

    fn at(&mut self, offset: u32) {
        self.offset = Some(offset);
    }

    fn finish(&mut self, facts: &BodyFacts) {
        let BodyFacts { locals, max_operands, max_operand_slots, max_depth, loops, calls, .. } =
            facts;
        self.op(format_args!(
            "locals {locals}, operands {max_operands}, slots {max_operand_slots}, \
             depth {max_depth}, loops {loops}, calls {calls}"
        ));
    }

    fn simple(&mut self, op: SimpleOp, imm: SimpleImm) {
        let mnemonic = op.row().mnemonic;
        match imm {
            SimpleImm::None => self.op(format_args!("{mnemonic}")),
            SimpleImm::Lane(lane) => self.op(format_args!("{mnemonic} {lane}")),
            SimpleImm::Shuffle(lanes) => self.op(format_args!("{mnemonic} {lanes:?}")),
        }
    }

    fn access(&mut self, op: AccessOp, arg: MemArg) {
        let row = op.row();
        if row.kind.has_lane() {
            self.op(format_args!("{} {arg} lane {}", row.mnemonic, arg.lane));
        } else {
            self.op(format_args!("{} {arg}", row.mnemonic));
        }
    }

    fn atomic_fence(&mut self) {
        self.op(format_args!("atomic.fence"));
    }

    fn i32_const(&mut self, value: i32) {
        self.op(format_args!("i32.const {value}"));
    }

    fn i64_const(&mut self, value: i64) {
        self.op(format_args!("i64.const {value}"));
    }

    fn f32_const(&mut self, bits: u32) {
        self.op(format_args!("f32.const {bits:#x}"));
    }

    fn f64_const(&mut self, bits: u64) {
        self.op(format_args!("f64.const {bits:#x}"));
    }

    fn v128_const(&mut self, bits: u128) {
        self.op(format_args!("v128.const {bits:#x}"));
    }

    fn unreachable(&mut self) {
        self.op(format_args!("unreachable"));
    }

    fn nop(&mut self) {
        self.op(format_args!("nop"));
    }

    fn drop(&mut self, ty: ValType) {
        self.op(format_args!("drop {ty}"));
    }

    fn select(&mut self, ty: ValType) {
        self.op(format_args!("select {ty}"));
    }

    fn local_get(&mut self, local: LocalIdx, ty: ValType) {
        self.op(format_args!("local.get {local} {ty}"));
    }

    fn local_set(&mut self, local: LocalIdx, ty: ValType) {
        self.op(format_args!("local.set {local} {ty}"));
    }

    fn local_tee(&mut self, local: LocalIdx, ty: ValType) {
        self.op(format_args!("local.tee {local} {ty}"));
    }

    fn global_get(&mut self, global: GlobalIdx, ty: ValType) {
        self.op(format_args!("global.get {global} {ty}"));
    }

    fn global_set(&mut self, global: GlobalIdx, ty: ValType) {
        self.op(format_args!("global.set {global} {ty}"));
    }

    fn block(&mut self, signature: BlockSignature<'_>) {
        self.open(format_args!("block {signature}"));
    }

    fn loop_(&mut self, signature: BlockSignature<'_>, _: &[ValType]) {
        self.open(format_args!("loop {signature}"));
    }

    fn if_(&mut self, signature: BlockSignature<'_>) {
        self.open(format_args!("if {signature}"));
    }

    fn else_(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.between(format_args!("else {signature} {}", fell(falls_through)));
    }

    fn end(&mut self, end: End, results: &[ValType]) {
        self.close(format_args!("end {end} {}", Types(results)));
    }

    fn br(&mut self, target: Target) {
        self.op(format_args!("br {target}"));
    }

    fn br_if(&mut self, target: Target) {
        self.op(format_args!("br_if {target}"));
    }

    fn br_table(&mut self, targets: &[Target], default: Target) {
        self.op(format_args!("br_table"));
        for target in targets {
            self.op(format_args!("  {target}"));
        }
        self.op(format_args!("  default {default}"));
    }

    fn return_(&mut self, target: Target) {
        self.op(format_args!("return {target}"));
    }

    fn call(&mut self, func: FuncIdx, ty: &FuncType) {
        self.op(format_args!("call {func} {ty}"));
    }

    fn call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        self.op(format_args!("call_indirect type {type_idx} table {table} {ty}"));
    }

    fn call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType) {
        self.op(format_args!("call_ref type {type_idx} {ty}"));
    }

    fn return_call(&mut self, func: FuncIdx, ty: &FuncType) {
        self.op(format_args!("return_call {func} {ty}"));
    }

    fn return_call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        self.op(format_args!("return_call_indirect type {type_idx} table {table} {ty}"));
    }

    fn return_call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType) {
        self.op(format_args!("return_call_ref type {type_idx} {ty}"));
    }

    fn memory_size(&mut self, memory: MemoryIdx) {
        self.op(format_args!("memory.size {memory}"));
    }

    fn memory_grow(&mut self, memory: MemoryIdx) {
        self.op(format_args!("memory.grow {memory}"));
    }

    fn memory_init(&mut self, data: DataIdx, memory: MemoryIdx) {
        self.op(format_args!("memory.init {data} {memory}"));
    }

    fn data_drop(&mut self, data: DataIdx) {
        self.op(format_args!("data.drop {data}"));
    }

    fn memory_copy(&mut self, dst: MemoryIdx, src: MemoryIdx) {
        self.op(format_args!("memory.copy {dst} {src}"));
    }

    fn memory_fill(&mut self, memory: MemoryIdx) {
        self.op(format_args!("memory.fill {memory}"));
    }

    fn table_get(&mut self, table: TableIdx, element: RefType) {
        self.op(format_args!("table.get {table} {element}"));
    }

    fn table_set(&mut self, table: TableIdx, element: RefType) {
        self.op(format_args!("table.set {table} {element}"));
    }

    fn table_size(&mut self, table: TableIdx) {
        self.op(format_args!("table.size {table}"));
    }

    fn table_grow(&mut self, table: TableIdx) {
        self.op(format_args!("table.grow {table}"));
    }

    fn table_fill(&mut self, table: TableIdx) {
        self.op(format_args!("table.fill {table}"));
    }

    fn table_init(&mut self, elem: ElemIdx, table: TableIdx) {
        self.op(format_args!("table.init {elem} {table}"));
    }

    fn elem_drop(&mut self, elem: ElemIdx) {
        self.op(format_args!("elem.drop {elem}"));
    }

    fn table_copy(&mut self, dst: TableIdx, src: TableIdx) {
        self.op(format_args!("table.copy {dst} {src}"));
    }

    fn ref_null(&mut self, heap: HeapType) {
        self.op(format_args!("ref.null {heap}"));
    }

    fn ref_is_null(&mut self, ty: RefType) {
        self.op(format_args!("ref.is_null {ty}"));
    }

    fn ref_func(&mut self, func: FuncIdx) {
        self.op(format_args!("ref.func {func}"));
    }

    fn ref_as_non_null(&mut self, ty: RefType) {
        self.op(format_args!("ref.as_non_null {ty}"));
    }

    fn ref_eq(&mut self) {
        self.op(format_args!("ref.eq"));
    }

    fn br_on_null(&mut self, target: Target, ty: RefType) {
        self.op(format_args!("br_on_null {target} {ty}"));
    }

    fn br_on_non_null(&mut self, target: Target, ty: RefType) {
        self.op(format_args!("br_on_non_null {target} {ty}"));
    }

    fn ref_test(&mut self, from: RefType, to: RefType) {
        self.op(format_args!("ref.test {from} {to}"));
    }

    fn ref_cast(&mut self, from: RefType, to: RefType) {
        self.op(format_args!("ref.cast {from} {to}"));
    }

    fn br_on_cast(&mut self, target: Target, from: RefType, to: RefType) {
        self.op(format_args!("br_on_cast {target} {from} {to}"));
    }

    fn br_on_cast_fail(&mut self, target: Target, from: RefType, to: RefType) {
        self.op(format_args!("br_on_cast_fail {target} {from} {to}"));
    }

    fn any_convert_extern(&mut self, from: RefType) {
        self.op(format_args!("any.convert_extern {from}"));
    }

    fn extern_convert_any(&mut self, from: RefType) {
        self.op(format_args!("extern.convert_any {from}"));
    }

    fn ref_i31(&mut self) {
        self.op(format_args!("ref.i31"));
    }

    fn i31_get(&mut self, signed: bool) {
        self.op(format_args!("i31.get{}", sign(Some(signed))));
    }

    fn struct_new(&mut self, type_idx: TypeIdx) {
        self.op(format_args!("struct.new {type_idx}"));
    }

    fn struct_new_default(&mut self, type_idx: TypeIdx) {
        self.op(format_args!("struct.new_default {type_idx}"));
    }

    fn struct_get(&mut self, type_idx: TypeIdx, field: u32, signed: Option<bool>) {
        self.op(format_args!("struct.get{} {type_idx} {field}", sign(signed)));
    }

    fn struct_set(&mut self, type_idx: TypeIdx, field: u32) {
        self.op(format_args!("struct.set {type_idx} {field}"));
    }

    fn array_new(&mut self, type_idx: TypeIdx) {
        self.op(format_args!("array.new {type_idx}"));
    }

    fn array_new_default(&mut self, type_idx: TypeIdx) {
        self.op(format_args!("array.new_default {type_idx}"));
    }

    fn array_new_fixed(&mut self, type_idx: TypeIdx, count: u32) {
        self.op(format_args!("array.new_fixed {type_idx} {count}"));
    }

    fn array_new_data(&mut self, type_idx: TypeIdx, data: DataIdx) {
        self.op(format_args!("array.new_data {type_idx} {data}"));
    }

    fn array_new_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx) {
        self.op(format_args!("array.new_elem {type_idx} {elem}"));
    }

    fn array_get(&mut self, type_idx: TypeIdx, signed: Option<bool>) {
        self.op(format_args!("array.get{} {type_idx}", sign(signed)));
    }

    fn array_set(&mut self, type_idx: TypeIdx) {
        self.op(format_args!("array.set {type_idx}"));
    }

    fn array_len(&mut self) {
        self.op(format_args!("array.len"));
    }

    fn array_fill(&mut self, type_idx: TypeIdx) {
        self.op(format_args!("array.fill {type_idx}"));
    }

    fn array_copy(&mut self, dst: TypeIdx, src: TypeIdx) {
        self.op(format_args!("array.copy {dst} {src}"));
    }

    fn array_init_data(&mut self, type_idx: TypeIdx, data: DataIdx) {
        self.op(format_args!("array.init_data {type_idx} {data}"));
    }

    fn array_init_elem(&mut self, type_idx: TypeIdx, elem: ElemIdx) {
        self.op(format_args!("array.init_elem {type_idx} {elem}"));
    }

    fn throw(&mut self, tag: TagIdx, ty: &FuncType) {
        self.op(format_args!("throw {tag} {ty}"));
    }

    fn throw_ref(&mut self) {
        self.op(format_args!("throw_ref"));
    }

    fn try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]) {
        self.open(format_args!("try_table {signature}"));
        for catch in catches {
            self.op(format_args!("{catch}"));
        }
    }

    fn try_(&mut self, signature: BlockSignature<'_>) {
        self.open(format_args!("try {signature}"));
    }

    fn catch(
        &mut self,
        tag: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.between(format_args!("catch {tag} {ty} {signature} {}", fell(falls_through)));
    }

    fn catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.between(format_args!("catch_all {signature} {}", fell(falls_through)));
    }

    fn delegate(&mut self, handler: u32, end: End, results: &[ValType]) {
        self.close(format_args!("delegate @{handler} {end} {}", Types(results)));
    }

    fn rethrow(&mut self, handler: u32) {
        self.op(format_args!("rethrow @{handler}"));
    }
}
