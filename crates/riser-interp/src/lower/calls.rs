//! Calls. Arguments are written to the top of the caller's operands, where the callee's frame begins.

use super::emit::Acc;
use super::operands::{Class, Enc};
use super::{Lowerer, NONE};
use crate::code::Misc;
use crate::exec::FuncHeader;
use riser_ops::{FuncIdx, FuncType, TableIdx, TypeIdx, ValType};

impl Lowerer<'_> {
    /// Writes the arguments to their slots.
    pub(super) fn settle_arguments(&mut self, ty: &FuncType) {
        self.settle_top(ty.params().len());
        self.keep_slots();
    }

    /// Takes the arguments off the stack. Gives the first slot.
    fn take_arguments(&mut self, ty: &FuncType) -> u32 {
        let height = self.operands.len() - ty.params().len();
        self.cut(height as u32);
        self.top
    }

    /// Both.
    fn arguments(&mut self, ty: &FuncType) -> u32 {
        self.settle_arguments(ty);
        self.take_arguments(ty)
    }

    /// The results lie where the arguments were.
    fn results(&mut self, ty: &FuncType) {
        self.safepoint();
        self.forget_accs();
        let base = self.top;
        for &result in ty.results() {
            self.push_slot(result);
        }
        if let [result] = ty.results() {
            self.set_acc(Class::of(*result), Acc { slot: base, producer: NONE });
        }
    }

    /// Where a defined function's header is, from the first one on.
    fn header(&self, func: FuncIdx) -> u32 {
        (func.0 - self.module.imported.funcs) * size_of::<FuncHeader>() as u32
    }

    pub(super) fn op_call(&mut self, func: FuncIdx, ty: &FuncType) {
        let base = self.arguments(ty);
        if self.module.is_imported(func) {
            self.emit(Misc::CallImport);
            self.u32(self.layout.imported_func(func));
            self.u32(base);
        } else if let Ok(base) = u16::try_from(base) {
            self.emit_call();
            self.u32(self.header(func));
            self.u16(base);
        } else {
            self.emit(Misc::CallFar);
            self.u32(self.header(func));
            self.u32(base);
        }
        self.results(ty);
    }

    /// Begins a call of a function of the module. Copies that come before it become part of it.
    fn emit_call(&mut self) {
        let joined = self.last_instr().and_then(|instr| match instr.opcode {
            copy if copy == Misc::CopyS.into() => Some(Misc::CallCopy),
            copy if copy == Misc::Copy2.into() => Some(Misc::CallCopy2),
            _ => None,
        });
        match (joined, self.out.instrs.last_mut()) {
            (Some(joined), Some(instr)) => {
                instr.opcode = joined.into();
                instr.wasm_offset = self.offset;
            }
            _ => _ = self.emit(Misc::Call),
        }
        self.last = None;
    }

    pub(super) fn op_call_indirect(&mut self, type_idx: TypeIdx, table: TableIdx, ty: &FuncType) {
        let index = self.pop();
        self.settle_arguments(ty);
        let is_wide = self.table64(table);
        let enc =
            if is_wide { Enc::S(self.use_slot(&index)) } else { self.use_slot_or_acc(&index) };
        let base = self.take_arguments(ty);
        self.emit(match enc {
            _ if is_wide => Misc::CallIndirect64,
            Enc::A => Misc::CallIndirectA,
            _ => Misc::CallIndirectS,
        });
        self.enc(enc, Class::Int);
        self.table_and_type(table, type_idx);
        self.u32(base);
        self.results(ty);
    }

    pub(super) fn op_call_ref(&mut self, ty: &FuncType) {
        let func = self.pop();
        self.settle_arguments(ty);
        let func = self.use_slot(&func);
        let base = self.take_arguments(ty);
        self.emit(Misc::CallRef);
        self.u16(func);
        self.u32(base);
        self.results(ty);
    }

    pub(super) fn op_return_call(&mut self, func: FuncIdx, ty: &FuncType) {
        let base = self.arguments(ty);
        if self.module.is_imported(func) {
            self.emit(Misc::ReturnCallImport);
            self.u32(self.layout.imported_func(func));
        } else {
            self.emit(Misc::ReturnCall);
            self.u32(self.header(func));
        }
        self.moved(base, ty);
    }

    pub(super) fn op_return_call_indirect(
        &mut self,
        type_idx: TypeIdx,
        table: TableIdx,
        ty: &FuncType,
    ) {
        let index = self.pop();
        self.settle_arguments(ty);
        let index = self.use_slot(&index);
        let base = self.take_arguments(ty);
        self.emit(if self.table64(table) {
            Misc::ReturnCallIndirect64
        } else {
            Misc::ReturnCallIndirect
        });
        self.u16(index);
        self.table_and_type(table, type_idx);
        self.moved(base, ty);
    }

    pub(super) fn op_return_call_ref(&mut self, ty: &FuncType) {
        let func = self.pop();
        self.settle_arguments(ty);
        let func = self.use_slot(&func);
        let base = self.take_arguments(ty);
        self.emit(Misc::ReturnCallRef);
        self.u16(func);
        self.moved(base, ty);
    }

    /// The fields of a tail call that say which arguments to move.
    fn moved(&mut self, base: u32, ty: &FuncType) {
        let slots: u32 = ty.params().iter().map(|ty: &ValType| ty.slots()).sum();
        self.u32(base);
        // At most a thousand parameters.
        self.u16(slots as u16);
    }

    fn table_and_type(&mut self, table: TableIdx, ty: TypeIdx) {
        self.u32(self.layout.table(table));
        self.u32(self.module.type_at(ty).map_or(NONE, |ty| ty.id.0));
    }

    fn table64(&self, table: TableIdx) -> bool {
        self.module.tables.get(table.index()).is_some_and(|table| table.ty.table64)
    }
}
