//! Reaching the runtime: its blocks, its builtins; and traps.

use super::locals::LEAF_FRAME;
use super::{Cold, ColdCode, NO_SCOPE, Translator};
use crate::asm::{Cond, Gpr, Label, Mem, Width};
use crate::convention::{C_PARAMS, Kind, RESULT, VMCTX};
use crate::emit::{Call, FarTrap, Root};
use crate::frame::{Frame, OWN_VMCTX, VMCTX_BELOW};
use crate::operands::{LEAF_VMCTX, Operand, SCRATCH};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem::offset_of;
use riser_abi::{BuiltinSignature, MachineType, Status, VmCtx, VmRuntime, builtin};
use riser_code::{CompileError, Position, SlotLayout, TrapSite};
use riser_ops::{TrapCode, TypeIdx};

/// What a builtin is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arg {
    /// A popped operand.
    Operand(Operand),
    /// What is in a register that the operator owns.
    Gpr(Gpr),
    /// A number, such as an index.
    Imm(u64),
    /// The canonical id of a type of the module, with these bits added.
    TypeId(TypeIdx, u32),
    /// The address of something in the row, so many bytes from its start.
    Row(u32),
}

/// So many references, in the maps of all calls together, are noted for one function.
const MOST_REFERENCES: usize = 1 << 22;

impl Translator<'_> {
    /// Reads a word of the function's own `VmCtx`. The register is to be freed.
    pub fn load_own(&mut self, offset: u32) -> Gpr {
        let gpr = self.alloc();
        let vmctx = self.own_vmctx(gpr);
        self.asm.load(Width::W64, gpr, Mem::at(vmctx, offset as i32));
        gpr
    }

    /// A register with the own `VmCtx`: this one, or the one that keeps it.
    pub fn own_vmctx(&mut self, gpr: Gpr) -> Gpr {
        if self.keeps_vmctx {
            return LEAF_VMCTX;
        }
        self.asm.load(Width::W64, gpr, OWN_VMCTX);
        gpr
    }

    /// The store's block. The register is to be freed.
    pub fn runtime(&mut self) -> Gpr {
        self.load_own(offset_of!(VmCtx, runtime) as u32)
    }

    /// The canonical id of a type of the module. It is another in each engine, so code asks for it. The register is to be freed.
    pub fn type_id(&mut self, ty: TypeIdx) -> Gpr {
        let gpr = self.load_own(offset_of!(VmCtx, type_ids) as u32);
        self.asm.load(Width::W32, gpr, Mem::at(gpr, 4 * ty.0 as i32));
        gpr
    }

    /// The instruction emitted next traps by a fault.
    #[inline]
    pub fn may_trap(&mut self, code: TrapCode) {
        self.note_position();
        self.notes.traps.push(TrapSite { offset: self.asm.offset(), code });
    }

    /// Traps.
    pub fn trap_here(&mut self, code: TrapCode) {
        self.may_trap(code);
        self.asm.ud2();
    }

    /// Where to jump to trap.
    pub fn far_trap(&mut self, code: TrapCode) -> Label {
        let wasm = self.offset;
        self.far_trap_of(code, wasm)
    }

    /// The same, of no operator.
    pub fn far_trap_of_none(&mut self, code: TrapCode) -> Label {
        self.far_trap_of(code, Position::NONE)
    }

    fn far_trap_of(&mut self, code: TrapCode, wasm: u32) -> Label {
        if let Some(last) = self.notes.far_traps.last()
            && last.code == code
            && last.wasm == wasm
        {
            return last.label;
        }
        let label = self.asm.new_label();
        self.notes.far_traps.push(FarTrap { label, code, wasm });
        label
    }

    /// Traps if a condition holds.
    pub fn trap_if(&mut self, cond: Cond, code: TrapCode) {
        let label = self.far_trap(code);
        self.asm.jcc(cond, label);
    }

    /// Everything is in its slot, as it must be before a call.
    pub fn settle_for_call(&mut self) {
        self.settle_all();
        self.clean();
    }

    /// A call instruction stands here: whoever looks for its return address finds what the frame has. Operands that are
    /// references are in their slots. What the callee throws is handled by the clauses of a scope.
    pub fn note_call(&mut self, scope: u32, row: &[u32]) {
        let references = self.notes.references.len() as u32;
        self.notes.calls.push(Call { offset: self.asm.offset(), references, scope });
        self.exceptions.note_use(scope);
        for number in 0..self.references.len() {
            let slot = self.locals[self.references[number] as usize].slot;
            let below = self.frame.below(slot, Kind::Ref);
            self.notes.references.push(Root::Below(below));
        }
        for number in 0..self.operands.references.len() {
            let operand = self.operands.stack[self.operands.references[number] as usize];
            let below = self.frame.below(operand.slot, Kind::Ref);
            self.notes.references.push(Root::Below(below));
        }
        self.notes.references.extend(row.iter().map(|&at| Root::Row(at)));
        if self.notes.references.len() > MOST_REFERENCES {
            self.fail("that many references during calls");
        }
    }

    /// The scope that the code at hand is in.
    pub fn scope(&self) -> u32 {
        self.blocks.last().map_or(NO_SCOPE, |block| block.scope)
    }

    /// Calls a builtin, with arguments in the order of its signature. Operands among them are popped; all others are moved to
    /// their slots. The result is in [`RESULT`], which the operator at hand owns; a narrow one is extended by zeros.
    ///
    /// `row` says where references are in the row, which the collector must know.
    pub fn builtin(&mut self, builtin: BuiltinSignature, args: &[Arg], row: &[u32]) -> Gpr {
        self.settle_for_call();
        // Operands and registers first: the others are made from nothing.
        let mut moves = Moves::new(SCRATCH);
        for (&arg, &to) in args.iter().zip(&C_PARAMS[1..]) {
            if let Some(from) = self.gpr_of_arg(arg) {
                moves.add(to, from);
            }
        }
        moves.emit(SCRATCH, |to, from| self.asm.mov(Width::W64, to, from));
        for (&arg, &to) in args.iter().zip(&C_PARAMS[1..]) {
            if self.gpr_of_arg(arg).is_none() {
                self.make_arg(to, arg);
            }
        }
        for arg in args {
            match *arg {
                Arg::Operand(operand) => self.free_operand(operand),
                Arg::Gpr(gpr) => self.free(gpr),
                _ => {}
            }
        }
        self.call_builtin(builtin, row);
        self.reload(false);
        self.claim(RESULT);
        if builtin.result == MachineType::I32 {
            self.asm.mov(Width::W32, RESULT, RESULT);
        }
        RESULT
    }

    /// The register that an argument is in.
    fn gpr_of_arg(&self, arg: Arg) -> Option<Gpr> {
        match arg {
            Arg::Operand(operand) => self.gpr_of(operand),
            Arg::Gpr(from) => Some(from),
            Arg::Imm(_) | Arg::TypeId(..) | Arg::Row(_) => None,
        }
    }

    pub(super) fn make_arg(&mut self, to: Gpr, arg: Arg) {
        match arg {
            Arg::Operand(operand) => self.move_to(operand, to),
            Arg::Gpr(from) => self.asm.mov(Width::W64, to, from),
            Arg::Imm(value) => self.asm.mov_imm(to, value),
            Arg::TypeId(ty, bits) => {
                self.asm.load(Width::W64, to, OWN_VMCTX);
                let ids = offset_of!(VmCtx, type_ids) as i32;
                self.asm.load(Width::W64, to, Mem::at(to, ids));
                self.asm.load(Width::W32, to, Mem::at(to, 4 * ty.0 as i32));
                if bits != 0 {
                    self.asm.alu_imm(crate::asm::Alu::Or, Width::W32, to, bits as i32);
                }
            }
            Arg::Row(offset) => self.asm.lea(Width::W64, to, Frame::row_at(offset, 0)),
        }
    }

    /// The call itself: arguments are where they belong.
    pub(super) fn call_builtin(&mut self, builtin: BuiltinSignature, row: &[u32]) {
        self.call_builtin_unnoted(builtin);
        // Only `raise` ends with an exception.
        self.note_call(NO_SCOPE, row);
    }

    /// The same; what the frame has is noted by who calls this.
    pub(super) fn call_builtin_unnoted(&mut self, builtin: BuiltinSignature) {
        if self.keeps_vmctx {
            self.asm.store(Width::W64, OWN_VMCTX, VMCTX);
        } else {
            self.asm.load(Width::W64, VMCTX, OWN_VMCTX);
        }
        self.load_builtins(SCRATCH);
        self.note_position();
        self.asm.call_rm(Mem::at(SCRATCH, builtin.offset as i32));
    }

    /// The table of builtins; the own `VmCtx` is in its register.
    fn load_builtins(&mut self, to: Gpr) {
        self.asm.load(Width::W64, to, Mem::at(VMCTX, offset_of!(VmCtx, runtime) as i32));
        self.asm.load(Width::W64, to, Mem::at(to, offset_of!(VmRuntime, builtins) as i32));
    }

    /// Calls a builtin that gives a status, and goes on if that says that all is well.
    pub fn checked(&mut self, builtin: BuiltinSignature, args: &[Arg], row: &[u32]) {
        let status = self.builtin(builtin, args, row);
        self.check_status(status);
    }

    /// The same with indices of the module, and then so many operands, as arguments.
    pub fn checked_with(&mut self, builtin: BuiltinSignature, indices: &[u32], operands: usize) {
        let first = self.height() - operands;
        let mut args: Vec<Arg> = indices.iter().map(|&index| Arg::Imm(index.into())).collect();
        let indices = args.len();
        while self.height() > first {
            args.push(Arg::Operand(self.pop()));
        }
        args[indices..].reverse();
        self.checked(builtin, &args, &[]);
    }

    /// Goes on if a status, where integers are returned, says that all is well, and raises it otherwise.
    pub fn check_status(&mut self, status: Gpr) {
        debug_assert_eq!(status, RESULT);
        self.asm.test(Width::W32, status, status);
        let label = self.cold(ColdCode::Raise);
        self.asm.jcc(Cond::Ne, label);
        self.free(status);
    }

    /// Code that stands behind the function's.
    pub fn cold(&mut self, what: ColdCode) -> Label {
        let (label, wasm) = (self.asm.new_label(), self.offset);
        self.cold.push(Cold { label, wasm, what });
        label
    }

    /// Raises the status that is in [`RESULT`]: code ends here. What builtins fail with is no exception, so nobody in the function
    /// handles it, except after [`builtin::throw`] and [`builtin::throw_ref`].
    pub fn raise(&mut self, scope: u32) {
        self.asm.mov(Width::W32, C_PARAMS[1], RESULT);
        self.asm.load(Width::W64, VMCTX, OWN_VMCTX);
        self.load_builtins(SCRATCH);
        self.note_position();
        self.asm.call_rm(Mem::at(SCRATCH, builtin::raise.offset as i32));
        self.note_call(scope, &[]);
        self.trap_here(TrapCode::Unreachable);
    }

    /// Whether the function compares the stack pointer with the limit before it makes its frame, if it must.
    pub fn frame_fits(&self) -> bool {
        self.compares_first || self.frame.bytes() <= LEAF_FRAME
    }

    /// Emits what stands behind the function's code, and puts everything together where [`Buffers`](super::Buffers) has it. Where locals and
    /// operands are.
    pub fn finish(mut self) -> Result<SlotLayout, CompileError> {
        self.operands.clear();
        for at in 0..self.cold.len() {
            let cold = self.cold[at];
            self.asm.bind(cold.label);
            self.offset = cold.wasm;
            if self.env.notes_operators {
                self.note_position();
            }
            match cold.what {
                ColdCode::Raise => self.raise(NO_SCOPE),
                ColdCode::RaiseHostError => {
                    self.asm.mov_imm(RESULT, u64::from(Status::HOST_ERROR.bits()));
                    self.raise(NO_SCOPE);
                }
                ColdCode::Hot(spent) => self.say_hot(spent),
                ColdCode::Replace(spent) => self.replace_loop(spent),
            }
        }
        let lists = self.finish_scopes();
        for at in 0..self.notes.far_traps.len() {
            let far = self.notes.far_traps[at];
            self.asm.bind(far.label);
            self.offset = far.wasm;
            self.trap_here(far.code);
        }
        if let Some(what) = self.failure {
            return Err(CompileError::new(what));
        }
        let frame_bytes = self.frame.bytes();
        assert!(self.frame_fits(), "a frame that nobody has compared");
        self.asm.patch_u32(self.frame_size_at, frame_bytes);
        let mut notes = core::mem::take(self.notes);
        let handlers = |number: usize| self.handlers_of(&lists, number, frame_bytes - VMCTX_BELOW);
        notes.make_sites(frame_bytes, handlers);
        *self.notes = notes;
        self.asm.finish().map_err(|error| CompileError::new(error.to_string()))?;
        Ok(SlotLayout { below: self.frame.header, first_operand: self.first_operand })
    }
}

/// Moves between registers, all at once. No register is written twice, so there are at most as many as registers.
#[derive(Debug)]
pub(crate) struct Moves<R> {
    moves: [(R, R); 16],
    len: usize,
}

impl<R: Copy + PartialEq> Moves<R> {
    /// None; `any` is some register.
    pub fn new(any: R) -> Moves<R> {
        Moves { moves: [(any, any); 16], len: 0 }
    }

    /// `to` is to have what `from` has.
    pub fn add(&mut self, to: R, from: R) {
        if to != from {
            self.moves[self.len] = (to, from);
            self.len += 1;
        }
    }

    /// Tells `mov` one after the other, target first, in an order that overwrites nothing that is needed. May change `scratch`.
    pub fn emit(mut self, scratch: R, mut mov: impl FnMut(R, R)) {
        while self.len > 0 {
            let moves = &mut self.moves[..self.len];
            let is_read = |to: R| moves.iter().any(|&(_, from)| from == to);
            match moves.iter().position(|&(to, _)| !is_read(to)) {
                Some(at) => {
                    let (to, from) = moves[at];
                    mov(to, from);
                    moves[at] = moves[self.len - 1];
                    self.len -= 1;
                }
                None => {
                    // A circle: the first register is read from elsewhere.
                    let (to, _) = moves[0];
                    mov(scratch, to);
                    for (_, from) in moves {
                        if *from == to {
                            *from = scratch;
                        }
                    }
                }
            }
        }
    }
}
