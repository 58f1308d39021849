//! What is known of a body before its code is made.
//!
//! How often locals are used is counted, and use in a loop counts more. The most used ones are *pinned*: they live in
//! registers of their own for the whole function. A quick survey does that for most bodies; those with rare operators are walked over.

use crate::convention::Params;
use alloc::vec::Vec;
use riser_front::{
    BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Survey, Target, Walker,
};
use riser_module::{Module, ModuleError};
use riser_ops::{
    AccessKind, AccessOp, DataIdx, ElemIdx, FuncIdx, FuncType, GlobalIdx, HeapType, LocalIdx,
    MemoryIdx, RefType, SimpleOp, TableIdx, TagIdx, TypeIdx, ValType,
};

/// What is found. Its memory is used for one body after the other.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// How often each local is used, weighted.
    pub uses: Vec<u32>,
    /// How often something is called, weighted in the same way.
    pub calls: u32,
    /// How often the first memory is accessed, weighted.
    pub accesses: u32,
    /// Whether there are loops.
    pub has_loops: bool,
    /// Whether anything is called at all, the runtime included.
    pub calls_anything: bool,
    /// Whether the machine multiplies and adds: otherwise the runtime does. To be said before the walk.
    pub has_fma: bool,
    /// The most bytes of parameters on the stack that a tail call passes.
    pub tail_args: u32,
    /// How many loops are open.
    loops: u32,
    /// How much counts what is walked now.
    weight: u32,
    /// The open blocks.
    blocks: Vec<Open>,
    /// Whether there are only operators of one byte that are frequent: those own few registers at once.
    pub is_simple: bool,
    /// The locals among the first 64 that are written, before anything reads them or the frame, wherever control goes: a bit for each. They need
    /// not be zero at first.
    pub written_first: u64,
    /// The locals among the first 64 that were read or written.
    touched: u64,
    /// Whether control has come here from the beginning without a choice and without calling anything.
    is_straight: bool,
    /// Whether the frame turned out to be large.
    pub has_large_frame: bool,
    /// How many handlers of legacy `try` are open.
    handlers: u32,
    /// Whether there are handlers of exceptions.
    pub has_handlers: bool,
    /// So many exceptions must be kept, one for each depth of nested handlers, for `rethrow`.
    pub caught: u32,
}

/// An open block.
#[derive(Clone, Copy, Debug)]
struct Open {
    is_loop: bool,
    /// The depth of the handler of a legacy `try` that is open.
    handler: Option<u32>,
}

/// How much more something counts in a loop than before it.
const LOOP_WEIGHT: u32 = 8;

/// Loops nested deeper than this weigh no more.
const DEEPEST: u32 = 4;

impl Plan {
    /// Finds what there is to know of a function's body, which is valid.
    pub fn make(
        &mut self,
        walker: &mut Walker,
        module: &Module,
        func: FuncIdx,
    ) -> Result<(), ModuleError> {
        let params = module.func_type(func).map_or(0, |ty| ty.params().len());
        self.begin_with(params);
        if riser_front::survey(module, func, self).is_none() {
            // The walk begins anew.
            walker.trusted(module, func, self)?;
            (self.is_simple, self.written_first) = (false, 0);
        }
        Ok(())
    }

    /// Forgets everything.
    fn begin_with(&mut self, locals: usize) {
        self.uses.clear();
        self.uses.resize(locals, 0);
        self.blocks.clear();
        self.blocks.push(Open { is_loop: false, handler: None });
        (self.loops, self.weight, self.has_loops) = (0, 1, false);
        (self.calls, self.accesses, self.calls_anything) = (0, 0, false);
        (self.tail_args, self.handlers, self.caught, self.has_handlers) = (0, 0, 0, false);
        (self.has_large_frame, self.is_simple) = (false, true);
        (self.written_first, self.touched, self.is_straight) = (0, 0, true);
    }

    #[inline]
    fn use_local(&mut self, local: u32) {
        if let Some(uses) = self.uses.get_mut(local as usize) {
            *uses = uses.saturating_add(self.weight);
        }
    }

    fn accesses_first_memory(&mut self) {
        self.accesses = self.accesses.saturating_add(self.weight);
    }

    fn calls(&mut self) {
        self.calls_anything = true;
        self.calls = self.calls.saturating_add(self.weight);
    }

    fn weigh(&mut self) {
        self.weight = LOOP_WEIGHT.pow(self.loops.min(DEEPEST));
    }

    fn tail_call(&mut self, ty: &FuncType) {
        self.calls();
        self.tail_args = self.tail_args.max(Params::stack_bytes_of(ty));
    }

    fn begin_block(&mut self, is_loop: bool) {
        self.blocks.push(Open { is_loop, handler: None });
        if is_loop {
            self.loops += 1;
            self.has_loops = true;
            self.weigh();
        }
    }

    fn end_block(&mut self) {
        let Some(Open { is_loop, handler }) = self.blocks.pop() else { return };
        self.handlers -= u32::from(handler.is_some());
        if is_loop {
            self.loops -= 1;
            self.weigh();
        }
    }

    fn handles(&mut self) {
        self.calls();
        self.has_handlers = true;
        if let Some(block) = self.blocks.last_mut()
            && block.handler.is_none()
        {
            block.handler = Some(self.handlers);
            self.handlers += 1;
        }
    }
}

impl Survey for Plan {
    fn declared(&mut self, locals: u32) {
        let all = self.uses.len() + locals as usize;
        self.uses.resize(all, 0);
    }
    #[inline]
    fn local(&mut self, local: u32, reads: bool) {
        self.use_local(local);
        if self.is_straight && local < u64::BITS && self.touched & 1 << local == 0 {
            self.touched |= 1 << local;
            self.written_first |= u64::from(!reads) << local;
        }
    }
    #[inline]
    fn access(&mut self) {
        self.accesses_first_memory();
    }
    fn open(&mut self, is_loop: bool) {
        self.begin_block(is_loop);
    }
    fn close(&mut self) {
        self.end_block();
    }
    #[inline]
    fn branch(&mut self) {
        self.is_straight = false;
    }
    fn prefixed(&mut self) {
        self.is_simple = false;
    }
    fn call(&mut self) {
        self.is_straight = false;
        self.calls();
    }
}

impl BodySink for Plan {
    fn begin(&mut self, _: &Module, _: FuncIdx, ty: &FuncType, locals: &[(u32, ValType)]) {
        let declared: u32 = locals.iter().map(|(count, _)| count).sum();
        self.begin_with(ty.params().len() + declared as usize);
    }
    fn at(&mut self, _: u32) {}
    fn finish(&mut self, _: &BodyFacts) {}
    fn simple(&mut self, op: SimpleOp, _: SimpleImm) {
        use SimpleOp::*;
        let is_madd = matches!(
            op,
            F32x4RelaxedMadd | F32x4RelaxedNmadd | F64x2RelaxedMadd | F64x2RelaxedNmadd
        );
        if is_madd && !self.has_fma {
            self.calls();
        }
    }
    fn access(&mut self, op: AccessOp, arg: MemArg) {
        if arg.memory.0 == 0 {
            self.accesses_first_memory();
        }
        if matches!(op.row().kind, AccessKind::Wait | AccessKind::Notify) {
            self.calls();
        }
    }
    fn atomic_fence(&mut self) {}
    fn i32_const(&mut self, _: i32) {}
    fn i64_const(&mut self, _: i64) {}
    fn f32_const(&mut self, _: u32) {}
    fn f64_const(&mut self, _: u64) {}
    fn v128_const(&mut self, _: u128) {}
    fn unreachable(&mut self) {}
    fn nop(&mut self) {}
    fn drop(&mut self, _: ValType) {}
    fn select(&mut self, _: ValType) {}
    fn local_get(&mut self, local: LocalIdx, _: ValType) {
        self.use_local(local.0);
    }
    fn local_set(&mut self, local: LocalIdx, _: ValType) {
        self.use_local(local.0);
    }
    fn local_tee(&mut self, local: LocalIdx, _: ValType) {
        self.use_local(local.0);
    }
    fn global_get(&mut self, _: GlobalIdx, _: ValType) {}
    fn global_set(&mut self, _: GlobalIdx, _: ValType) {}
    fn block(&mut self, _: BlockSignature<'_>) {
        self.begin_block(false);
    }
    fn loop_(&mut self, _: BlockSignature<'_>, _: &[ValType]) {
        self.begin_block(true);
    }
    fn if_(&mut self, _: BlockSignature<'_>) {
        self.begin_block(false);
    }
    fn else_(&mut self, _: BlockSignature<'_>, _: bool) {}
    fn end(&mut self, _: End, _: &[ValType]) {
        self.end_block();
    }
    fn br(&mut self, _: Target) {}
    fn br_if(&mut self, _: Target) {}
    fn br_table(&mut self, _: &[Target], _: Target) {}
    fn return_(&mut self, _: Target) {}
    fn call(&mut self, _: FuncIdx, _: &FuncType) {
        self.calls();
    }
    fn call_indirect(&mut self, _: TypeIdx, _: TableIdx, _: &FuncType) {
        self.calls();
    }
    fn call_ref(&mut self, _: TypeIdx, _: &FuncType) {
        self.calls();
    }
    fn return_call(&mut self, _: FuncIdx, ty: &FuncType) {
        self.tail_call(ty);
    }
    fn return_call_indirect(&mut self, _: TypeIdx, _: TableIdx, ty: &FuncType) {
        self.tail_call(ty);
    }
    fn return_call_ref(&mut self, _: TypeIdx, ty: &FuncType) {
        self.tail_call(ty);
    }
    fn memory_size(&mut self, _: MemoryIdx) {}
    fn memory_grow(&mut self, _: MemoryIdx) {
        self.calls();
    }
    fn memory_init(&mut self, _: DataIdx, _: MemoryIdx) {
        self.calls();
    }
    fn data_drop(&mut self, _: DataIdx) {
        self.calls();
    }
    fn memory_copy(&mut self, _: MemoryIdx, _: MemoryIdx) {
        self.calls();
    }
    fn memory_fill(&mut self, _: MemoryIdx) {
        self.calls();
    }
    fn table_get(&mut self, _: TableIdx, _: RefType) {}
    fn table_set(&mut self, _: TableIdx, _: RefType) {}
    fn table_size(&mut self, _: TableIdx) {}
    fn table_grow(&mut self, _: TableIdx) {
        self.calls();
    }
    fn table_fill(&mut self, _: TableIdx) {
        self.calls();
    }
    fn table_init(&mut self, _: ElemIdx, _: TableIdx) {
        self.calls();
    }
    fn elem_drop(&mut self, _: ElemIdx) {
        self.calls();
    }
    fn table_copy(&mut self, _: TableIdx, _: TableIdx) {
        self.calls();
    }
    fn ref_null(&mut self, _: HeapType) {}
    fn ref_is_null(&mut self, _: RefType) {}
    fn ref_func(&mut self, _: FuncIdx) {
        self.calls();
    }
    fn ref_as_non_null(&mut self, _: RefType) {}
    fn ref_eq(&mut self) {}
    fn br_on_null(&mut self, _: Target, _: RefType) {}
    fn br_on_non_null(&mut self, _: Target, _: RefType) {}
    fn ref_test(&mut self, _: RefType, _: RefType) {
        self.calls();
    }
    fn ref_cast(&mut self, _: RefType, _: RefType) {
        self.calls();
    }
    fn br_on_cast(&mut self, _: Target, _: RefType, _: RefType) {
        self.calls();
    }
    fn br_on_cast_fail(&mut self, _: Target, _: RefType, _: RefType) {
        self.calls();
    }
    fn any_convert_extern(&mut self, _: RefType) {}
    fn extern_convert_any(&mut self, _: RefType) {}
    fn ref_i31(&mut self) {}
    fn i31_get(&mut self, _: bool) {}
    fn struct_new(&mut self, _: TypeIdx) {
        self.calls();
    }
    fn struct_new_default(&mut self, _: TypeIdx) {
        self.calls();
    }
    fn struct_get(&mut self, _: TypeIdx, _: u32, _: Option<bool>) {
        self.calls();
    }
    fn struct_set(&mut self, _: TypeIdx, _: u32) {
        self.calls();
    }
    fn array_new(&mut self, _: TypeIdx) {
        self.calls();
    }
    fn array_new_default(&mut self, _: TypeIdx) {
        self.calls();
    }
    fn array_new_fixed(&mut self, _: TypeIdx, _: u32) {
        self.calls();
    }
    fn array_new_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.calls();
    }
    fn array_new_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.calls();
    }
    fn array_get(&mut self, _: TypeIdx, _: Option<bool>) {
        self.calls();
    }
    fn array_set(&mut self, _: TypeIdx) {
        self.calls();
    }
    fn array_len(&mut self) {
        self.calls();
    }
    fn array_fill(&mut self, _: TypeIdx) {
        self.calls();
    }
    fn array_copy(&mut self, _: TypeIdx, _: TypeIdx) {
        self.calls();
    }
    fn array_init_data(&mut self, _: TypeIdx, _: DataIdx) {
        self.calls();
    }
    fn array_init_elem(&mut self, _: TypeIdx, _: ElemIdx) {
        self.calls();
    }
    fn throw(&mut self, _: TagIdx, _: &FuncType) {
        self.calls();
    }
    fn throw_ref(&mut self) {
        self.calls();
    }
    fn try_table(&mut self, _: BlockSignature<'_>, catches: &[Catch]) {
        self.calls();
        self.has_handlers |= !catches.is_empty();
        self.begin_block(false);
    }
    fn try_(&mut self, _: BlockSignature<'_>) {
        self.calls();
        self.begin_block(false);
    }
    fn catch(&mut self, _: TagIdx, _: &FuncType, _: BlockSignature<'_>, _: bool) {
        self.handles();
    }
    fn catch_all(&mut self, _: BlockSignature<'_>, _: bool) {
        self.handles();
    }
    fn delegate(&mut self, _: u32, _: End, _: &[ValType]) {
        self.end_block();
    }
    fn rethrow(&mut self, label: u32) {
        self.calls();
        let block = self.blocks.get(label as usize);
        if let Some(depth) = block.and_then(|block| block.handler) {
            self.caught = self.caught.max(depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use riser_module::{ModuleBytes, ModuleLimits, TypeRegistry};
    use riser_ops::Features;
    use std::path::Path;
    use std::vec::Vec;

    /// What either way finds.
    fn found(plan: &Plan) -> (Vec<u32>, [u32; 5], [bool; 2]) {
        let numbers = [plan.calls, plan.accesses, plan.tail_args, plan.caught, plan.loops];
        (plan.uses.clone(), numbers, [plan.calls_anything, plan.has_handlers])
    }

    #[test]
    fn a_survey_finds_what_a_walk_finds() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (mut surveyed, mut all) = (0, 0);
        for folder in ["bench/kernels", "crates/riser-testkit/tests/ladder"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let bytes = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("wasm") => std::fs::read(&path).unwrap(),
                    Some("wat") => wat::parse_file(&path).unwrap(),
                    _ => continue,
                };
                let (registry, limits) = (TypeRegistry::new(), ModuleLimits::DEFAULT);
                let module =
                    Module::decode(ModuleBytes::new(bytes), &registry, Features::ALL, &limits);
                let module = module.unwrap();
                let mut walker = Walker::new();
                for func in module.imported.funcs..module.funcs.len() as u32 {
                    let (mut walk, mut made) = (Plan::default(), Plan::default());
                    walker.trusted(&module, FuncIdx(func), &mut walk).unwrap();
                    made.make(&mut walker, &module, FuncIdx(func)).unwrap();
                    all += 1;
                    if riser_front::survey(&module, FuncIdx(func), &mut Plan::default()).is_none() {
                        continue;
                    }
                    surveyed += 1;
                    // Dead code counts in a survey.
                    let (walked, made) = (found(&walk), found(&made));
                    let is_more = walked.0.iter().zip(&made.0).all(|(walked, made)| walked <= made)
                        && walked.1.iter().zip(&made.1).all(|(walked, made)| walked <= made);
                    assert!(is_more && walked.0.len() == made.0.len(), "{path:?} {func}");
                    assert!(made.2[0] || !walked.2[0], "{path:?} {func}");
                    assert_eq!(walked.2[1], made.2[1], "{path:?} {func}");
                }
            }
        }
        assert!(surveyed * 2 > all, "{surveyed} of {all}");
    }
}
