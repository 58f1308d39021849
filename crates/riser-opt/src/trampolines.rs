//! The code between the host and compiled functions.
//!
//! The host knows arguments and results as a row of slots, and calls by the platform's C convention; functions take and give
//! values as `riser-abi` says (`compiled.rs`). There is one trampoline in each direction per function type.

use crate::compiler::{CompileContext, Compiler};
use crate::signature::{self, LowHalf, load_slot, store_slot};
use crate::translate::clif_trap;
use core::mem::offset_of;
use cranelift_codegen::ir::{
    AbiParam, Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, InstBuilder,
    MemFlagsData, Signature, SourceLoc, StackSlotData, StackSlotKind, UserFuncName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use riser_abi::{
    BuiltinSignature, ENTRY_ENDED, ENTRY_PAUSED, ENTRY_RETURNED, HostCtx, SMALL_ROW_SLOTS, VmCtx,
    VmRuntime, builtin, returns_in_area, row_slots,
};
use riser_code::{CodeArtifact, CompileError, Position};
use riser_ops::{FuncType, TrapCode, ValType};

impl Compiler {
    /// What the host calls to call a function of a type: by the C convention,
    /// `fn(vmctx: *mut VmCtx, entry: *const u8, slots: *mut Slot) -> u32`, where `vmctx` and `entry` are as in the function's `FuncRef`, and
    /// `slots` has the arguments and room for the results. Gives [`ENTRY_RETURNED`] if the function returned, [`ENTRY_ENDED`] if whatever ended it sent
    /// control to the handler of the call, which is one for everything, and [`ENTRY_PAUSED`] if it was not called because there is a
    /// mark (`VmRuntime::interrupt`).
    ///
    /// # Errors
    /// If the type is larger than the compiler can take.
    pub fn entry_trampoline(
        &self,
        cx: &mut CompileContext,
        ty: &FuncType,
    ) -> Result<CodeArtifact, CompileError> {
        let conv = self.isa().default_call_conv();
        let mut own = Signature::new(conv);
        own.params = vec![AbiParam::new(types::I64); 3];
        own.returns = vec![AbiParam::new(types::I32)];
        self.trampoline(cx, own, |b, low, params| entry(b, low, params, ty))
    }

    /// The entry of host functions of a type: a function as all others, whose `vmctx` is a [`HostCtx`]. It writes its arguments
    /// to slots on its stack, where the results are to be, says in the store's block where it was called, and calls
    /// the host.
    ///
    /// # Errors
    /// If the type is larger than the compiler can take.
    pub fn host_trampoline(
        &self,
        cx: &mut CompileContext,
        ty: &FuncType,
    ) -> Result<CodeArtifact, CompileError> {
        let conv = self.isa().default_call_conv();
        self.trampoline(cx, signature::function(ty), |b, low, params| {
            let mut call = Signature::new(conv);
            call.params = vec![AbiParam::new(types::I64); 3];
            call.returns = vec![AbiParam::new(types::I32)];
            host(b, low, params, ty, call);
            // Nobody else looks whether large rows of slots have room. A caller that is within its limit leaves room for small ones.
            if row_slots(ty) > SMALL_ROW_SLOTS {
                b.func.stack_limit = signature::stack_limit(b);
            }
        })
    }

    /// Compiles a function of one's own.
    fn trampoline(
        &self,
        cx: &mut CompileContext,
        signature: Signature,
        body: impl FnOnce(&mut FunctionBuilder<'_>, LowHalf, &[Value]),
    ) -> Result<CodeArtifact, CompileError> {
        cx.context.clear();
        cx.context.func.name = UserFuncName::user(1, 0);
        cx.context.func.signature = signature;
        let mut b = FunctionBuilder::new(&mut cx.context.func, &mut cx.builder);
        let first = b.create_block();
        b.append_block_params_for_function_params(first);
        b.switch_to_block(first);
        let params = b.block_params(first).to_vec();
        body(&mut b, LowHalf::of(self.isa()), &params);
        b.seal_all_blocks();
        b.finalize(self.isa().frontend_config());
        let mut artifact = self.compile(cx)?;
        artifact.positions = way_to_code(&artifact);
        Ok(artifact)
    }
}

/// The positions of a trampoline in one piece. What the compiler adds between blocks, of no position, is on the way to code as well: what is not lies
/// before and behind.
fn way_to_code(artifact: &CodeArtifact) -> Vec<Position> {
    let positions = &artifact.positions;
    let is_way = |position: &Position| position.wasm == Position::TO_CODE;
    let Some(first) = positions.iter().find(|position| is_way(position)) else { return Vec::new() };
    let last = positions.iter().rposition(is_way).and_then(|last| positions.get(last + 1));
    let end = last.map_or(artifact.code.len() as u32, |position| position.offset);
    vec![*first, Position { offset: end, wasm: Position::NONE }]
}

/// Values of types in a row of slots, each with its distance from the first.
fn row(row: &[ValType]) -> impl Iterator<Item = (ValType, i32)> {
    row.iter().scan(0, |offset, &ty| {
        let at = *offset;
        *offset += 8 * ty.slots() as i32;
        Some((ty, at))
    })
}

/// See [`Compiler::entry_trampoline`].
fn entry(b: &mut FunctionBuilder<'_>, low: LowHalf, params: &[Value], ty: &FuncType) {
    let &[vmctx, entry, slots] = params else { return };
    let flags = MemFlagsData::trusted();
    let runtime = field(b, vmctx, offset_of!(VmCtx, runtime));
    let (go, paused) = (b.create_block(), b.create_block());
    b.set_cold_block(paused);
    to_code_unless_marked(b, runtime, go, paused);

    b.switch_to_block(paused);
    b.set_srcloc(SourceLoc::default());
    set_inside(b, runtime, 0);
    let status = b.ins().iconst(types::I32, i64::from(ENTRY_PAUSED));
    b.ins().return_(&[status]);

    b.switch_to_block(go);
    b.set_srcloc(to_code());
    let mut args = vec![vmctx];
    if returns_in_area(ty.results()) {
        // The arguments were read when the results are written.
        args.push(slots);
    }
    for (ty, offset) in row(ty.params()) {
        args.push(load_slot(b, low, flags, ty, slots, offset));
    }
    let signature = signature::function(ty);
    let returns = signature.returns.clone();
    let signature = b.import_signature(signature);
    let (returned, ended) = (b.create_block(), b.create_block());
    b.set_cold_block(ended);
    for result in &returns {
        b.append_block_param(returned, result.value_type);
    }
    let pool = &mut b.func.dfg.value_lists;
    let results = (0..returns.len() as u32).map(BlockArg::TryCallRet);
    let normal = BlockCall::new(returned, results, pool);
    let handler = ExceptionTableItem::Default(BlockCall::new(ended, [], pool));
    let table = ExceptionTableData::new(signature, normal, [handler]);
    let table = b.func.dfg.exception_tables.push(table);
    b.ins().try_call_indirect(entry, &args, table);

    b.switch_to_block(returned);
    b.set_srcloc(SourceLoc::default());
    let runtime = field(b, vmctx, offset_of!(VmCtx, runtime));
    set_inside(b, runtime, 0);
    let values = b.block_params(returned).to_vec();
    for (&value, (ty, offset)) in values.iter().zip(row(ty.results())) {
        store_slot(b, low, flags, ty, value, slots, offset);
    }
    let status = b.ins().iconst(types::I32, i64::from(ENTRY_RETURNED));
    b.ins().return_(&[status]);

    b.switch_to_block(ended);
    let status = b.ins().iconst(types::I32, i64::from(ENTRY_ENDED));
    b.ins().return_(&[status]);
}

/// See [`Compiler::host_trampoline`].
fn host(
    b: &mut FunctionBuilder<'_>,
    low: LowHalf,
    params: &[Value],
    ty: &FuncType,
    call: Signature,
) {
    let Some((&callee, params)) = params.split_first() else { return };
    let (area, params) = match returns_in_area(ty.results()) {
        true => params.split_at(1),
        false => (&[][..], params),
    };
    let flags = MemFlagsData::trusted();
    let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8 * row_slots(ty), 4);
    let slots = b.create_sized_stack_slot(data);
    let slots = b.ins().stack_addr(types::I64, slots, 0);
    for (&value, (ty, offset)) in params.iter().zip(row(ty.params())) {
        store_slot(b, low, flags, ty, value, slots, offset);
    }
    let runtime = field(b, callee, offset_of!(HostCtx, ctx) + offset_of!(VmCtx, runtime));
    set_inside(b, runtime, 0);
    record_exit(b, runtime);
    let conv = call.call_conv;
    let address = field(b, callee, offset_of!(HostCtx, call));
    let caller = field(b, runtime, offset_of!(VmRuntime, caller));
    let call = b.import_signature(call);
    let call = b.ins().call_indirect(call, address, &[callee, caller, slots]);
    let status = b.inst_results(call)[0];
    let (failed, well) = (b.create_block(), b.create_block());
    let (marked, back) = (b.create_block(), b.create_block());
    b.set_cold_block(failed);
    b.set_cold_block(marked);
    b.ins().brif(status, failed, &[], well, &[]);

    // Read anew in both blocks, so that nothing but `callee` must be saved.
    b.switch_to_block(failed);
    let runtime = field(b, callee, offset_of!(HostCtx, ctx) + offset_of!(VmCtx, runtime));
    call_builtin(b, conv, &builtin::raise, runtime, &[callee, status]);
    b.ins().trap(clif_trap(TrapCode::Unreachable));

    b.switch_to_block(well);
    let runtime = field(b, callee, offset_of!(HostCtx, ctx) + offset_of!(VmCtx, runtime));
    to_code_unless_marked(b, runtime, back, marked);

    b.switch_to_block(marked);
    b.set_srcloc(SourceLoc::default());
    // The builtin records this frame as the one that is left.
    call_builtin(b, conv, &builtin::pause, runtime, &[callee]);
    record_exit(b, runtime);
    b.ins().jump(well, &[]);

    b.switch_to_block(back);
    b.set_srcloc(to_code());
    let results = row(ty.results());
    let Some(&area) = area.first() else {
        let results: Vec<Value> =
            results.map(|(ty, offset)| load_slot(b, low, flags, ty, slots, offset)).collect();
        b.ins().return_(&results);
        return;
    };
    for (ty, offset) in results {
        let value = load_slot(b, low, flags, ty, slots, offset);
        store_slot(b, low, flags, ty, value, area, offset);
    }
    b.ins().return_(&[]);
}

/// Control goes to code from here on: what follows is in the range that signal handlers know by this position.
fn to_code() -> SourceLoc {
    SourceLoc::new(Position::TO_CODE)
}

/// Says that control is on its way to code, and then looks at the mark. In this order: whoever sets the mark sends a signal, whose handler
/// looks whether control is inside.
fn to_code_unless_marked(b: &mut FunctionBuilder<'_>, runtime: Value, go: Block, marked: Block) {
    b.set_srcloc(to_code());
    set_inside(b, runtime, 1);
    let at = offset_of!(VmRuntime, interrupt) as i32;
    let mark = b.ins().load(types::I32, MemFlagsData::trusted(), runtime, at);
    b.ins().brif(mark, marked, &[], go, &[]);
}

/// Says whether control is in code.
fn set_inside(b: &mut FunctionBuilder<'_>, runtime: Value, inside: i64) {
    let inside = b.ins().iconst(types::I32, inside);
    let at = offset_of!(VmRuntime, inside) as i32;
    b.ins().store(MemFlagsData::trusted(), inside, runtime, at);
}

/// Notes the caller as the frame that is left.
fn record_exit(b: &mut FunctionBuilder<'_>, runtime: Value) {
    let flags = MemFlagsData::trusted();
    // A frame begins with the caller's frame pointer and the address where the caller goes on.
    let frame = b.ins().get_frame_pointer(types::I64);
    let fp = field(b, frame, 0);
    b.ins().store(flags, fp, runtime, offset_of!(VmRuntime, exit_fp) as i32);
    let pc = field(b, frame, size_of::<u64>());
    b.ins().store(flags, pc, runtime, offset_of!(VmRuntime, exit_pc) as i32);
}

/// Calls a builtin that gives a status, which is not looked at.
fn call_builtin(
    b: &mut FunctionBuilder<'_>,
    conv: CallConv,
    builtin: &BuiltinSignature,
    runtime: Value,
    args: &[Value],
) {
    let params = args.iter().map(|&arg| AbiParam::new(b.func.dfg.value_type(arg))).collect();
    let signature = Signature { params, returns: vec![AbiParam::new(types::I32)], call_conv: conv };
    let signature = b.import_signature(signature);
    let builtins = field(b, runtime, offset_of!(VmRuntime, builtins));
    let address = field(b, builtins, builtin.offset);
    b.ins().call_indirect(signature, address, args);
}

/// Reads an address from a block of the runtime.
fn field(b: &mut FunctionBuilder<'_>, base: Value, offset: usize) -> Value {
    b.ins().load(types::I64, MemFlagsData::trusted(), base, offset as i32)
}
