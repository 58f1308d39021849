//! Calls.
//!
//! A function is an address and the `VmCtx` that it gets. Those of the module stand in its code table, since where
//! they are changes when they are compiled; imported ones in the instance's own block; all others in what the reference leads to.
//! A function that calls itself calls the code at hand: there is never any better.

use super::vm::Region;
use super::{Translator, clif_trap};
use crate::artifact::own_name;
use crate::signature;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, ExtFuncData, ExternalName, InstBuilder, MemFlagsData, SigRef, StackSlotData,
    StackSlotKind, Value, types,
};
use riser_abi::{FuncRef, ImportedFunc, VmCtx, VmRuntime, builtin, returns_in_area};
use riser_ops::{FuncIdx, FuncType, HeapType, RefType, TableIdx, TrapCode, TypeIdx, ValType};

/// What is called.
#[derive(Clone, Copy, Debug)]
struct Callee {
    signature: SigRef,
    code: Code,
    vmctx: Value,
}

/// Where the code of a callee is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Code {
    At(Value),
    /// The function's own.
    Own(ir::FuncRef),
}

impl Translator<'_> {
    /// How functions of a type are called.
    fn signature(&mut self, type_idx: TypeIdx, ty: &FuncType) -> SigRef {
        if let Some(&signature) = self.signatures.get(&type_idx) {
            return signature;
        }
        let signature = self.b.import_signature(signature::function(ty));
        self.signatures.insert(type_idx, signature);
        signature
    }

    /// A function of the module's index space.
    fn function(&mut self, func: FuncIdx, ty: &FuncType) -> Callee {
        let module = self.env.module;
        let signature = self.signature(module.funcs[func.index()], ty);
        let own = self.vmctx;
        if module.is_imported(func) {
            let place = self.env.layout.imported_func(func);
            let entry = place + offset_of!(ImportedFunc, entry) as u32;
            let address = self.constant_load(types::I64, own, entry);
            let vmctx = place + offset_of!(ImportedFunc, vmctx) as u32;
            let vmctx = self.constant_load(types::I64, own, vmctx);
            self.leaves();
            return Callee { signature, code: Code::At(address), vmctx };
        }
        if let Some(itself) = self.itself(func, signature) {
            return Callee { signature, code: Code::Own(itself), vmctx: own };
        }
        let table = self.constant_load(types::I64, own, offset_of!(VmCtx, code) as u32);
        let flags = self.in_region(MemFlagsData::trusted(), Region::Code);
        // There are at most a million functions.
        let place = 8 * (func.0 - module.imported.funcs) as i32;
        let address = self.b.ins().load(types::I64, flags, table, place);
        Callee { signature, code: Code::At(address), vmctx: own }
    }

    /// The function at hand, if this is it and it can be called at the place where it is: where it begins in a loop, there is only a
    /// part of it.
    fn itself(&mut self, func: FuncIdx, signature: SigRef) -> Option<ir::FuncRef> {
        if func != self.func || self.replacement.is_some() || !self.env.calls_itself {
            return None;
        }
        if self.itself.is_none() {
            let name = self.b.func.declare_imported_user_function(own_name(func));
            self.itself = Some(self.b.import_function(ExtFuncData {
                name: ExternalName::user(name),
                signature,
                colocated: true,
                patchable: false,
            }));
        }
        self.itself
    }

    /// A call follows that may leave the instance: whoever is called may ask who calls.
    fn leaves(&mut self) {
        let runtime = self.runtime();
        let flags = self.in_region(MemFlagsData::trusted(), Region::Runtime);
        let offset = offset_of!(VmRuntime, caller) as i32;
        self.b.ins().store(flags, self.vmctx, runtime, offset);
    }

    /// The function that a reference leads to. If it is null, that is a trap with a code.
    fn referenced(&mut self, func: Value, signature: SigRef, null: TrapCode) -> Callee {
        let address = self.entry(func, null);
        let vmctx = offset_of!(FuncRef, vmctx) as i32;
        let flags = self.reference_flags(null);
        let vmctx = self.b.ins().load(types::I64, flags, func, vmctx);
        self.leaves();
        Callee { signature, code: Code::At(address), vmctx }
    }

    /// Where the function that a reference leads to begins. If it is null, that is a trap with a code.
    fn entry(&mut self, func: Value, null: TrapCode) -> Value {
        let flags = self.reference_flags(null);
        let entry = offset_of!(FuncRef, entry) as i32;
        self.b.ins().load(types::I64, flags, func, entry)
    }

    /// How what a reference leads to is read, where null is a trap with a code.
    fn reference_flags(&mut self, null: TrapCode) -> MemFlagsData {
        let flags = MemFlagsData::new().with_aligned().with_trap_code(Some(clif_trap(null)));
        self.in_region(flags, Region::Code)
    }

    /// The function in a table that the top operand says.
    fn in_table(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) -> Callee {
        let index = self.pop();
        if let Some(func) = self.known_element(table, index, type_idx) {
            return self.function(func, ty);
        }
        let func = self.table_function(table, index);
        self.check_type(func, type_idx, table);
        let signature = self.signature(type_idx, ty);
        let null = TrapCode::UninitializedElement;
        if self.env.module.constant_table(table).is_some_and(|table| table.is_own) {
            // It does not leave the instance.
            let address = self.entry(func, null);
            return Callee { signature, code: Code::At(address), vmctx: self.vmctx };
        }
        self.referenced(func, signature, null)
    }

    /// The function in a table, if that never changes, the index is a constant, and the function has the type that is expected.
    fn known_element(&self, table: TableIdx, index: Value, type_idx: TypeIdx) -> Option<FuncIdx> {
        let module = self.env.module;
        let func = module.constant_element(table, self.constant(index)?)?;
        let type_id = |ty| module.type_at(ty).map(|ty| ty.id);
        let is_expected = type_id(*module.funcs.get(func.index())?) == type_id(type_idx);
        is_expected.then_some(func)
    }

    /// An element of a table of functions.
    fn table_function(&mut self, table: TableIdx, index: Value) -> Value {
        let (address, flags) = self.table_element(table, index, TrapCode::UndefinedElement);
        self.b.ins().load(types::I64, flags, address, 0)
    }

    /// Traps unless a function from a table has a type, or a subtype of it.
    fn check_type(&mut self, func: Value, type_idx: TypeIdx, table: TableIdx) {
        let module = self.env.module;
        let Some(ty) = module.type_at(type_idx) else { return };
        let expected = RefType::new(true, HeapType::Concrete(ty.id, ty.ty.composite.kind()));
        let element = module.tables[table.index()].ty.element;
        let all = module.constant_table(table).and_then(|table| table.type_id);
        let all = all.map(|id| RefType::new(true, HeapType::Concrete(id, ty.ty.composite.kind())));
        let fits = |actual: RefType| module.matches(actual.val_type(), expected.val_type());
        if fits(element) || all.is_some_and(fits) {
            // The table has no others.
            return;
        }
        let null = clif_trap(TrapCode::UninitializedElement);
        let flags = MemFlagsData::new().with_aligned().with_trap_code(Some(null)).with_readonly();
        let offset = offset_of!(FuncRef, type_id) as i32;
        let actual = self.b.ins().load(types::I32, flags, func, offset);
        let ids = self.constant_load(types::I64, self.vmctx, offset_of!(VmCtx, type_ids) as u32);
        let expected = self.constant_load(types::I32, ids, 4 * type_idx.0);
        let differs = self.b.ins().icmp(IntCC::NotEqual, actual, expected);
        let mismatch = clif_trap(TrapCode::IndirectCallTypeMismatch);
        if ty.ty.is_final {
            self.b.ins().trapnz(differs, mismatch);
            return;
        }
        let (cold, fits) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(differs, cold, &[], fits, &[]);
        self.enter(cold);
        let is_subtype = self.builtin(builtin::is_subtype, &[actual, expected]);
        self.b.ins().trapz(is_subtype, mismatch);
        self.b.ins().jump(fits, &[]);
        self.enter(fits);
    }

    /// The function that the top operand refers to.
    fn by_reference(&mut self, type_idx: TypeIdx, ty: &FuncType) -> Callee {
        let func = self.pop();
        let signature = self.signature(type_idx, ty);
        self.referenced(func, signature, TrapCode::NullReference)
    }

    /// Calls a function with the top operands.
    fn call_with(&mut self, callee: Callee, ty: &FuncType) {
        let operands = self.pop_many(ty.params().len());
        let mut args = vec![callee.vmctx];
        let area = returns_in_area(ty.results()).then(|| self.result_area(ty.results()));
        args.extend(area);
        args.extend(operands);
        let results = self.call_in_scope(callee.signature, callee.code, &args);
        let Some(area) = area else {
            for (value, &ty) in results.into_iter().zip(ty.results()) {
                self.push_typed(value, ty);
            }
            return;
        };
        let mut offset = 0;
        for &ty in ty.results() {
            let value = self.load_slot(MemFlagsData::trusted(), ty, area, offset);
            self.push_typed(value, ty);
            offset += 8 * ty.slots() as i32;
        }
    }

    /// Room for results. All calls share it.
    fn result_area(&mut self, results: &[ValType]) -> Value {
        let size = 8 * results.iter().map(|ty| ty.slots()).sum::<u32>();
        let slot = *self.results.get_or_insert_with(|| {
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
            self.b.create_sized_stack_slot(data)
        });
        let data = &mut self.b.func.sized_stack_slots[slot];
        data.size = data.size.max(size);
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    /// Calls a function with the top operands in place of this one.
    fn tail_call_with(&mut self, callee: Callee, ty: &FuncType) {
        let operands = self.pop_many(ty.params().len());
        let mut args = vec![callee.vmctx];
        // Its results are this function's, so it has an area as well or none.
        args.extend(self.area);
        args.extend(operands);
        self.has_calls = true;
        match callee.code {
            Code::At(address) => {
                self.b.ins().return_call_indirect(callee.signature, address, &args)
            }
            Code::Own(itself) => self.b.ins().return_call(itself, &args),
        };
    }

    pub(super) fn lower_call(&mut self, func: FuncIdx, ty: &FuncType) {
        let callee = self.function(func, ty);
        self.call_with(callee, ty);
    }

    pub(super) fn lower_call_indirect(
        &mut self,
        type_idx: TypeIdx,
        table: TableIdx,
        ty: &FuncType,
    ) {
        let callee = self.in_table(type_idx, table, ty);
        self.call_with(callee, ty);
    }

    pub(super) fn lower_call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType) {
        let callee = self.by_reference(type_idx, ty);
        self.call_with(callee, ty);
    }

    pub(super) fn lower_return_call(&mut self, func: FuncIdx, ty: &FuncType) {
        let callee = self.function(func, ty);
        self.tail_call_with(callee, ty);
    }

    pub(super) fn lower_return_call_indirect(
        &mut self,
        type_idx: TypeIdx,
        table: TableIdx,
        ty: &FuncType,
    ) {
        let callee = self.in_table(type_idx, table, ty);
        self.tail_call_with(callee, ty);
    }

    pub(super) fn lower_return_call_ref(&mut self, type_idx: TypeIdx, ty: &FuncType) {
        let callee = self.by_reference(type_idx, ty);
        self.tail_call_with(callee, ty);
    }
}
