//! Calls.
//!
//! A function is an address and the `VmCtx` that it gets. Those of the module stand in its code table, since where
//! they are changes when they are compiled; imported ones in the instance's own block; all others in what the reference leads to.

use super::vm::Moves;
use super::{Translator, kinds};
use crate::asm::{Alu, Cond, Gpr, Mem, Width};
use crate::convention::{AREA, C_PARAMS, Params, Passed, Results, VMCTX};
use crate::frame::{Frame, OWN_AREA, OWN_VMCTX};
use crate::operands::{At, SCRATCH, XMM_SCRATCH};
use core::mem::offset_of;
use riser_abi::{FuncRef, ImportedFunc, VmCtx, VmRuntime, builtin, returns_in_area};
use riser_ops::{FuncIdx, FuncType, HeapType, RefType, TableIdx, TrapCode, TypeIdx};

/// What is called.
#[derive(Clone, Copy, Debug)]
enum Callee {
    /// A function of the module.
    Defined(u32),
    /// An imported one.
    Imported(FuncIdx),
    /// What a reference leads to, in a register that the operator owns; a null one is this trap.
    Ref(Gpr, TrapCode),
}

/// Where the reference to a callee is while arguments are put in their places.
const CALLEE: Gpr = Gpr::RAX;

impl Translator<'_> {
    fn function(&self, func: FuncIdx) -> Callee {
        if self.env.module.is_imported(func) {
            Callee::Imported(func)
        } else {
            Callee::Defined(func.0 - self.env.module.imported.funcs)
        }
    }

    pub(super) fn lower_call(&mut self, func: FuncIdx, ty: &FuncType) {
        let callee = self.function(func);
        self.call_with_operands(callee, ty);
    }

    pub(super) fn lower_call_indirect(
        &mut self,
        type_idx: TypeIdx,
        table: TableIdx,
        ty: &FuncType,
    ) {
        let callee = self.in_table(type_idx, table);
        self.call_with_operands(callee, ty);
    }

    pub(super) fn lower_call_ref(&mut self, _: TypeIdx, ty: &FuncType) {
        let callee = self.referenced();
        self.call_with_operands(callee, ty);
    }

    pub(super) fn lower_return_call(&mut self, func: FuncIdx, ty: &FuncType) {
        let callee = self.function(func);
        self.return_call_with_operands(callee, ty);
    }

    pub(super) fn lower_return_call_indirect(
        &mut self,
        type_idx: TypeIdx,
        table: TableIdx,
        ty: &FuncType,
    ) {
        let callee = self.in_table(type_idx, table);
        self.return_call_with_operands(callee, ty);
    }

    pub(super) fn lower_return_call_ref(&mut self, _: TypeIdx, ty: &FuncType) {
        let callee = self.referenced();
        self.return_call_with_operands(callee, ty);
    }

    /// The function that the top operand refers to.
    fn referenced(&mut self) -> Callee {
        let operand = self.pop();
        Callee::Ref(self.owned(operand), TrapCode::NullReference)
    }

    /// The function in a table that the top operand says, of a type or a subtype of it.
    fn in_table(&mut self, type_idx: TypeIdx, table: TableIdx) -> Callee {
        let func = self.table_function(table);
        self.check_type(func, type_idx, table);
        Callee::Ref(func, TrapCode::UninitializedElement)
    }

    /// Traps unless a function from a table has a type, or a subtype of it.
    fn check_type(&mut self, func: Gpr, type_idx: TypeIdx, table: TableIdx) {
        let module = self.env.module;
        let Some(ty) = module.type_at(type_idx) else { return };
        let expected = RefType::new(true, HeapType::Concrete(ty.id, ty.ty.composite.kind()));
        let element = module.tables[table.index()].ty.element;
        if module.matches(element.val_type(), expected.val_type()) {
            // The table has no others.
            return;
        }
        let is_final = ty.ty.is_final;
        if !is_final {
            // The runtime may have to be asked.
            self.settle_for_call();
        }
        let id = self.type_id(type_idx);
        self.may_trap(TrapCode::UninitializedElement);
        let actual = Mem::at(func, offset_of!(FuncRef, type_id) as i32);
        self.asm.alu(Alu::Cmp, Width::W32, id, actual);
        if is_final {
            self.trap_if(Cond::Ne, TrapCode::IndirectCallTypeMismatch);
        } else {
            self.check_subtype(func, id);
        }
        self.free(id);
    }

    /// Asks the runtime whether a function's type is a subtype of one, unless the flags say that they are equal. All operands are in
    /// their slots.
    fn check_subtype(&mut self, func: Gpr, id: Gpr) {
        let fits = self.asm.new_label();
        self.asm.jcc(Cond::E, fits);
        self.frame.need_row(8);
        self.asm.store(Width::W64, Frame::row_at(0, 0), func);
        self.asm.mov(Width::W64, SCRATCH, func);
        let [_, first, second, ..] = C_PARAMS;
        if id != second {
            self.asm.mov(Width::W32, second, id);
        }
        let actual = Mem::at(SCRATCH, offset_of!(FuncRef, type_id) as i32);
        self.asm.load(Width::W32, first, actual);
        self.call_builtin(builtin::is_subtype, &[]);
        self.asm.test(Width::W32, Gpr::RAX, Gpr::RAX);
        self.trap_if(Cond::E, TrapCode::IndirectCallTypeMismatch);
        self.asm.load(Width::W64, func, Frame::row_at(0, 0));
        self.reload(false);
        self.asm.bind(fits);
    }

    /// Calls a function whose arguments are the top operands, and pushes what it returns.
    fn call_with_operands(&mut self, callee: Callee, ty: &FuncType) {
        let count = ty.params().len();
        self.settle_below(count);
        self.clean();
        let bytes = Params::stack_bytes_of(ty);
        let in_area = returns_in_area(ty.results());
        if in_area {
            let area: u32 = kinds(ty.results()).map(|kind| 8 * kind.slots()).sum();
            self.frame.need_row(area);
        }
        if bytes > 0 {
            self.asm.alu_imm(Alu::Sub, Width::W64, Gpr::RSP, bytes as i32);
        }
        self.pass_operands(callee, ty, 0);
        if in_area {
            self.asm.lea(Width::W64, AREA, Frame::row_at(0, bytes));
        }
        let target = self.callee_address(callee);
        self.note_position();
        self.asm.call_rm(target);
        self.note_call(self.scope(), &[]);
        self.reload(false);
        self.push_results(ty, in_area);
    }

    /// Pops the arguments of a call and puts them where the convention says, those on the stack from `stack` bytes above the stack
    /// pointer on. A callee that is a reference goes to [`CALLEE`].
    fn pass_operands(&mut self, callee: Callee, ty: &FuncType, stack: u32) {
        let count = ty.params().len();
        let first = self.height() - count;
        let mut params = Params::of(ty);
        let mut has_loads = false;
        let mut moves = Moves::new(SCRATCH);
        let mut xmm_moves = Moves::new(XMM_SCRATCH);
        if let Callee::Ref(func, _) = callee {
            moves.add(CALLEE, func);
        }
        for number in first..first + count {
            let operand = self.operands.stack[number];
            match params.next(operand.kind) {
                Passed::Stack(at) => {
                    self.store_operand(operand, Frame::row_at(at + stack, 0));
                }
                Passed::Gpr(to) => match self.gpr_of(operand) {
                    Some(from) => moves.add(to, from),
                    None => has_loads = true,
                },
                Passed::Xmm(to) => match self.xmm_of(operand) {
                    Some(from) => xmm_moves.add(to, from),
                    None => has_loads = true,
                },
            }
        }
        moves.emit(SCRATCH, |to, from| self.asm.mov(Width::W64, to, from));
        xmm_moves.emit(XMM_SCRATCH, |to, from| self.asm.mov_xmm(to, from));
        if has_loads {
            self.load_arguments(first, ty);
        }
        self.cut(first as u32);
        if let Callee::Ref(func, _) = callee {
            self.free(func);
        }
    }

    /// Puts the arguments in registers that are in none yet: the operands from `first` on.
    fn load_arguments(&mut self, first: usize, ty: &FuncType) {
        let mut params = Params::of(ty);
        for number in first..first + ty.params().len() {
            let operand = self.operands.stack[number];
            match params.next(operand.kind) {
                Passed::Gpr(to) if self.gpr_of(operand).is_none() => self.move_to(operand, to),
                Passed::Xmm(to) if self.xmm_of(operand).is_none() => self.move_to_xmm(operand, to),
                _ => {}
            }
        }
    }

    /// Puts the `VmCtx` of a callee where it belongs, and gives the place with the address of its code. A call that may leave
    /// the instance says who calls: whoever is called may ask.
    fn callee_address(&mut self, callee: Callee) -> Mem {
        match callee {
            Callee::Defined(defined) => {
                self.asm.load(Width::W64, VMCTX, OWN_VMCTX);
                let table = Mem::at(VMCTX, offset_of!(VmCtx, code) as i32);
                self.asm.load(Width::W64, CALLEE, table);
                // There are at most a million functions.
                Mem::at(CALLEE, 8 * defined as i32)
            }
            Callee::Imported(func) => {
                let place = self.env.layout.imported_func(func);
                self.asm.load(Width::W64, CALLEE, OWN_VMCTX);
                self.note_caller(CALLEE);
                let vmctx = place + offset_of!(ImportedFunc, vmctx) as u32;
                self.asm.load(Width::W64, VMCTX, Mem::at(CALLEE, vmctx as i32));
                Mem::at(CALLEE, (place + offset_of!(ImportedFunc, entry) as u32) as i32)
            }
            Callee::Ref(_, null) => {
                self.may_trap(null);
                let vmctx = Mem::at(CALLEE, offset_of!(FuncRef, vmctx) as i32);
                self.asm.load(Width::W64, VMCTX, vmctx);
                self.asm.load(Width::W64, SCRATCH, OWN_VMCTX);
                self.note_caller(SCRATCH);
                Mem::at(CALLEE, offset_of!(FuncRef, entry) as i32)
            }
        }
    }

    /// Writes the own `VmCtx`, which is in a register, to where the store has the caller.
    fn note_caller(&mut self, own: Gpr) {
        let runtime = Gpr::R10;
        self.asm.load(Width::W64, runtime, Mem::at(own, offset_of!(VmCtx, runtime) as i32));
        let caller = Mem::at(runtime, offset_of!(VmRuntime, caller) as i32);
        self.asm.store(Width::W64, caller, own);
    }

    /// Pushes what a function has returned.
    fn push_results(&mut self, ty: &FuncType, in_area: bool) {
        if in_area {
            let mut offset = 0;
            for kind in kinds(ty.results()) {
                let slot = self.frame.slot(self.next_slot(), kind);
                self.copy(kind, Frame::row_at(offset, 0), slot);
                offset += 8 * kind.slots();
                self.push(kind, At::Slot);
            }
            return;
        }
        let mut registers = Results::default();
        for kind in kinds(ty.results()) {
            match registers.next(kind) {
                Passed::Gpr(gpr) => {
                    self.claim(gpr);
                    if kind.is_narrow() {
                        self.asm.mov(Width::W32, gpr, gpr);
                    }
                    self.push_gpr(kind, gpr);
                }
                Passed::Xmm(xmm) => {
                    self.claim_xmm(xmm);
                    self.push_xmm(kind, xmm);
                }
                Passed::Stack(_) => {}
            }
        }
    }

    /// Leaves the function for another one, which returns in its place.
    fn return_call_with_operands(&mut self, callee: Callee, ty: &FuncType) {
        let bytes = Params::stack_bytes_of(ty);
        self.frame.need_row(bytes);
        self.pass_operands(callee, ty, 0);
        if returns_in_area(ty.results()) {
            self.asm.load(Width::W64, AREA, OWN_AREA);
        }
        let target = self.callee_address(callee);
        self.asm.load(Width::W64, CALLEE, target);
        self.restore_saved();
        // Parameters go to the top of the room for them.
        let room = (self.frame.args - bytes) as i32;
        for at in (0..bytes as i32).step_by(16).rev() {
            self.asm.load_v128(XMM_SCRATCH, Mem::at(Gpr::RSP, at));
            self.asm.store_v128(Mem::at(Gpr::RBP, 16 + room + at), XMM_SCRATCH);
        }
        self.leave_for(CALLEE, bytes);
    }
}
