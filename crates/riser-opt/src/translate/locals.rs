//! Locals, globals, constants, `drop` and `select`.

use super::vm::Region;
use super::{Translator, clif_type};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::Variable;
use riser_ops::{FuncType, GlobalIdx, LocalIdx, ValType};

/// A local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    ty: ValType,
    /// Its variable, once it was used. A variable that is read before it is written is zero, which is what a local
    /// is: so nothing is said of the locals when a function begins.
    variable: Option<Variable>,
}

impl Translator<'_> {
    /// The function's locals, of which the first have the values of its parameters.
    pub(super) fn begin_locals(
        &mut self,
        ty: &FuncType,
        locals: &[(u32, ValType)],
        params: &[Value],
    ) {
        let all = ty.params().iter().map(|&ty| (1, ty)).chain(locals.iter().copied());
        for (count, ty) in all {
            self.locals.extend((0..count).map(|_| Local { ty, variable: None }));
        }
        for (number, &param) in params.iter().enumerate() {
            let variable = self.variable(LocalIdx(number as u32));
            self.b.def_var(variable, param);
        }
    }

    fn variable(&mut self, local: LocalIdx) -> Variable {
        let Local { ty, variable } = self.locals[local.index()];
        if let Some(variable) = variable {
            return variable;
        }
        let variable = self.b.declare_var(clif_type(ty));
        if ty.is_heap_reference() {
            self.b.declare_var_needs_stack_map(variable);
        }
        self.locals[local.index()].variable = Some(variable);
        variable
    }

    pub(super) fn lower_local_get(&mut self, local: LocalIdx, _: ValType) {
        let variable = self.variable(local);
        let value = self.b.use_var(variable);
        self.push(value);
    }

    pub(super) fn lower_local_set(&mut self, local: LocalIdx, _: ValType) {
        let value = self.pop();
        let variable = self.variable(local);
        self.b.def_var(variable, value);
    }

    pub(super) fn lower_local_tee(&mut self, local: LocalIdx, ty: ValType) {
        self.lower_local_set(local, ty);
        self.lower_local_get(local, ty);
    }

    /// The cell of a global, and flags for accesses to it.
    fn global(&mut self, global: GlobalIdx) -> (Value, MemFlagsData) {
        let cell = self.env.layout.global(global);
        let cell = self.constant_load(types::I64, self.vmctx, cell);
        let ty = &self.env.module.globals[global.index()].ty;
        let flags = MemFlagsData::trusted();
        if !ty.mutable {
            return (cell, flags.with_readonly().with_can_move());
        }
        (cell, self.in_region(flags, Region::Global(global.0)))
    }

    pub(super) fn lower_global_get(&mut self, global: GlobalIdx, ty: ValType) {
        let (cell, mut flags) = self.global(global);
        if ty.is_heap_reference() {
            // The collector moves objects, and says so by writing to the global.
            flags = self.in_region(MemFlagsData::trusted(), Region::Global(global.0));
        }
        let value = self.load_slot(flags, ty, cell, 0);
        self.push_typed(value, ty);
    }

    pub(super) fn lower_global_set(&mut self, global: GlobalIdx, ty: ValType) {
        let value = self.pop();
        let (cell, flags) = self.global(global);
        self.store_slot(flags, ty, value, cell, 0);
    }

    pub(super) fn lower_i32_const(&mut self, value: i32) {
        let value = self.b.ins().iconst(types::I32, i64::from(value));
        self.push(value);
    }

    pub(super) fn lower_i64_const(&mut self, value: i64) {
        let value = self.b.ins().iconst(types::I64, value);
        self.push(value);
    }

    pub(super) fn lower_f32_const(&mut self, bits: u32) {
        let value = self.b.ins().f32const(Ieee32::with_bits(bits));
        self.push(value);
    }

    pub(super) fn lower_f64_const(&mut self, bits: u64) {
        let value = self.b.ins().f64const(Ieee64::with_bits(bits));
        self.push(value);
    }

    pub(super) fn lower_v128_const(&mut self, bits: u128) {
        let bytes = self.b.func.dfg.constants.insert(bits.to_le_bytes().to_vec().into());
        let value = self.b.ins().vconst(types::I8X16, bytes);
        self.push(value);
    }

    pub(super) fn lower_nop(&mut self) {}

    pub(super) fn lower_drop(&mut self, _: ValType) {
        self.pop();
    }

    pub(super) fn lower_select(&mut self, ty: ValType) {
        let condition = self.pop();
        let (first, second) = self.pop2();
        let value = self.b.ins().select(condition, first, second);
        self.push_typed(value, ty);
    }
}
