//! The code between the host and compiled functions, as `riser-opt` makes it too (there it is said what it is for).
//!
//! ```text
//!  entry                                       host
//!  rbp →   the caller's rbp                    rbp →   the caller's rbp
//!          rbx, r12, r13, r14, r15                     the store's block
//!          VmCtx                                       address of the result area, if there is one
//!          address of the slots                rsp →   the row: arguments, then results
//!  rsp →   (parameters on the stack)
//! ```

use crate::asm::{Alu, Asm, AsmError, Cond, Gpr, Label, Mem, Width};
use crate::compiler::{CompileContext, Compiler};
use crate::convention::{AREA, C_PARAMS, Kind, Params, Passed, RESULT, Results, VMCTX};
use crate::operands::{SCRATCH, XMM_SCRATCH};
use crate::translate::kinds;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::offset_of;
use riser_abi::{
    BuiltinSignature, ENTRY_ENDED, ENTRY_PAUSED, ENTRY_RETURNED, EXIT_ON_STACK, HostCtx,
    SMALL_ROW_SLOTS, VmCtx, VmRuntime, builtin, returns_in_area, row_slots,
};
use riser_code::{CallSite, CodeArtifact, CompileError, Handler, Position, TrapSite};
use riser_ops::{FuncType, TrapCode, ValType};

/// The registers that the C convention leaves to the caller, and functions use.
const SAVED: [Gpr; 5] = [Gpr::RBX, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];
const ENTRY_VMCTX: Mem = Mem::at(Gpr::RBP, -48);
const ENTRY_SLOTS: Mem = Mem::at(Gpr::RBP, -56);
const ENTRY_BYTES: u32 = 64;

const HOST_RUNTIME: Mem = Mem::at(Gpr::RBP, -8);
const HOST_AREA: Mem = Mem::at(Gpr::RBP, -16);
const HOST_HEADER: u32 = 16;

/// The store's block. No parameter and no result is here, nor in [`SCRATCH`].
const RUNTIME: Gpr = Gpr::R10;

impl Compiler {
    /// What the host calls to call a function of a type: see `entry_trampoline` of the optimizing compiler.
    ///
    /// # Errors
    /// If the type is larger than the compiler can take.
    pub fn entry_trampoline(
        &self,
        cx: &mut CompileContext,
        ty: &FuncType,
    ) -> Result<CodeArtifact, CompileError> {
        check(ty)?;
        let mut trampoline = Trampoline::new(cx.asm());
        trampoline.entry(ty);
        trampoline.finish()
    }

    /// The entry of host functions of a type: see `host_trampoline` of the optimizing compiler.
    ///
    /// # Errors
    /// If the type is larger than the compiler can take.
    pub fn host_trampoline(
        &self,
        cx: &mut CompileContext,
        ty: &FuncType,
    ) -> Result<CodeArtifact, CompileError> {
        check(ty)?;
        let mut trampoline = Trampoline::new(cx.asm());
        trampoline.host(ty);
        trampoline.finish()
    }
}

/// Types of modules have a thousand parameters and results at most; hosts may make larger ones.
fn check(ty: &FuncType) -> Result<(), CompileError> {
    if row_slots(ty) > MOST_SLOTS {
        return Err(CompileError::new("a type with so many parameters or results"));
    }
    Ok(())
}

/// The bytes of so many slots are few enough for `ret` to take them off the stack.
const MOST_SLOTS: u32 = 4096;

struct Trampoline<'a> {
    asm: &'a mut Asm,
    calls: Vec<CallSite>,
    positions: Vec<Position>,
    traps: Vec<TrapSite>,
}

impl<'a> Trampoline<'a> {
    fn new(asm: &'a mut Asm) -> Trampoline<'a> {
        asm.clear();
        Trampoline { asm, calls: Vec::new(), positions: Vec::new(), traps: Vec::new() }
    }

    fn finish(self) -> Result<CodeArtifact, CompileError> {
        let Trampoline { asm, calls, positions, traps } = self;
        let failed = |error: AsmError| CompileError::new(error.to_string());
        let code = asm.finish().map_err(failed)?;
        let (alignment, code) = (code.align, code.bytes.to_vec());
        Ok(CodeArtifact { code, alignment, traps, positions, calls, slots: None })
    }

    /// See [`Compiler::entry_trampoline`].
    fn entry(&mut self, ty: &FuncType) {
        let [_, entry, slots, ..] = C_PARAMS;
        let (paused, done) = (self.asm.new_label(), self.asm.new_label());
        self.begin(ENTRY_BYTES);
        for (at, gpr) in SAVED.into_iter().enumerate() {
            self.asm.store(Width::W64, saved_at(at), gpr);
        }
        self.asm.store(Width::W64, ENTRY_VMCTX, VMCTX);
        self.asm.store(Width::W64, ENTRY_SLOTS, slots);
        self.load(RUNTIME, VMCTX, offset_of!(VmCtx, runtime));
        self.position(Position::TO_CODE);
        self.enter_code_unless_marked(paused);
        self.asm.mov(Width::W64, RESULT, entry);
        self.asm.mov(Width::W64, SCRATCH, slots);
        self.pass(ty);
        self.asm.call_rm(RESULT);
        let call = self.asm.offset();
        self.position(Position::NONE);
        self.asm.load(Width::W64, RUNTIME, ENTRY_VMCTX);
        self.load(RUNTIME, RUNTIME, offset_of!(VmCtx, runtime));
        self.set_inside(0);
        if !returns_in_area(ty.results()) {
            self.asm.load(Width::W64, SCRATCH, ENTRY_SLOTS);
            self.store_results(ty);
        }
        self.asm.mov_imm(RESULT, ENTRY_RETURNED.into());
        self.asm.bind(done);
        for (at, gpr) in SAVED.into_iter().enumerate() {
            self.asm.load(Width::W64, gpr, saved_at(at));
        }
        self.end(0);

        self.asm.bind(paused);
        self.set_inside(0);
        self.asm.mov_imm(RESULT, ENTRY_PAUSED.into());
        self.asm.jmp(done);

        let target = self.asm.offset();
        self.asm.mov_imm(RESULT, ENTRY_ENDED.into());
        self.asm.jmp(done);
        let handlers = vec![Handler { tag: None, vmctx: 0, target }];
        let references = Vec::new();
        self.calls.push(CallSite { offset: call, frame_bytes: ENTRY_BYTES, references, handlers });
    }

    /// See [`Compiler::host_trampoline`].
    fn host(&mut self, ty: &FuncType) {
        let frame_bytes = (HOST_HEADER + 8 * row_slots(ty)).next_multiple_of(16);
        let (failed, marked) = (self.asm.new_label(), self.asm.new_label());
        let (well, overflow) = (self.asm.new_label(), self.asm.new_label());
        let checks_stack = row_slots(ty) > SMALL_ROW_SLOTS;
        let runtime = offset_of!(HostCtx, ctx) + offset_of!(VmCtx, runtime);
        self.asm.push(Gpr::RBP);
        self.asm.mov(Width::W64, Gpr::RBP, Gpr::RSP);
        if checks_stack {
            self.load(RUNTIME, VMCTX, runtime);
            self.asm.lea(Width::W64, SCRATCH, Mem::at(Gpr::RSP, -(frame_bytes as i32)));
            let limit = Mem::at(RUNTIME, offset_of!(VmRuntime, stack_limit) as i32);
            self.asm.alu(Alu::Cmp, Width::W64, SCRATCH, limit);
            self.asm.jcc(Cond::B, overflow);
        }
        self.asm.alu_imm(Alu::Sub, Width::W64, Gpr::RSP, frame_bytes as i32);
        if returns_in_area(ty.results()) {
            self.asm.store(Width::W64, HOST_AREA, AREA);
        }
        self.store_params(ty);
        self.load(RUNTIME, VMCTX, runtime);
        self.asm.store(Width::W64, HOST_RUNTIME, RUNTIME);
        self.set_inside(0);
        self.record_exit();
        let [_, caller, slots, ..] = C_PARAMS;
        self.load(caller, RUNTIME, offset_of!(VmRuntime, caller));
        self.asm.mov(Width::W64, slots, Gpr::RSP);
        self.asm.call_rm(Mem::at(VMCTX, offset_of!(HostCtx, call) as i32));
        self.note_call(frame_bytes);
        self.asm.test(Width::W32, RESULT, RESULT);
        self.asm.jcc(Cond::Ne, failed);
        self.asm.bind(well);
        self.asm.load(Width::W64, RUNTIME, HOST_RUNTIME);
        self.position(Position::TO_CODE);
        self.enter_code_unless_marked(marked);
        self.load_results(ty);
        self.end(Params::stack_bytes_of(ty));

        self.position(Position::NONE);
        self.asm.bind(marked);
        // The builtin records this frame as the one that is left.
        self.call_builtin(builtin::pause, frame_bytes);
        self.asm.load(Width::W64, RUNTIME, HOST_RUNTIME);
        self.record_exit();
        self.asm.jmp(well);

        self.asm.bind(failed);
        let [_, status, ..] = C_PARAMS;
        self.asm.mov(Width::W32, status, RESULT);
        self.asm.load(Width::W64, RUNTIME, HOST_RUNTIME);
        self.call_builtin(builtin::raise, frame_bytes);
        self.trap(TrapCode::Unreachable);
        self.asm.bind(overflow);
        if checks_stack {
            self.trap(TrapCode::StackOverflow);
        }
    }

    /// A frame of so many bytes.
    fn begin(&mut self, frame_bytes: u32) {
        self.asm.push(Gpr::RBP);
        self.asm.mov(Width::W64, Gpr::RBP, Gpr::RSP);
        self.asm.alu_imm(Alu::Sub, Width::W64, Gpr::RSP, frame_bytes as i32);
    }

    /// Returns, and takes so many bytes of parameters off the stack.
    fn end(&mut self, popped: u32) {
        self.asm.mov(Width::W64, Gpr::RSP, Gpr::RBP);
        self.asm.pop(Gpr::RBP);
        // At most `MOST_SLOTS` of 8 bytes, and some between them.
        self.asm.ret(popped as u16);
    }

    /// Reads an address from a block of the runtime.
    fn load(&mut self, to: Gpr, base: Gpr, offset: usize) {
        self.asm.load(Width::W64, to, Mem::at(base, offset as i32));
    }

    /// From here on code is on the way to code, or not.
    fn position(&mut self, wasm: u32) {
        self.positions.push(Position { offset: self.asm.offset(), wasm });
    }

    fn trap(&mut self, code: TrapCode) {
        self.traps.push(TrapSite { offset: self.asm.offset(), code });
        self.asm.ud2();
    }

    /// A call ends here, in a frame of so many bytes.
    fn note_call(&mut self, frame_bytes: u32) {
        let offset = self.asm.offset();
        self.calls.push(CallSite { offset, frame_bytes, ..CallSite::default() });
    }

    /// Says whether control is in code.
    fn set_inside(&mut self, inside: i32) {
        let at = Mem::at(RUNTIME, offset_of!(VmRuntime, inside) as i32);
        self.asm.store_imm(Width::W32, at, inside);
    }

    /// Says that control is on its way to code, and then looks at the mark. In this order: whoever sets the mark sends a signal, whose
    /// handler looks whether control is inside.
    fn enter_code_unless_marked(&mut self, marked: Label) {
        self.set_inside(1);
        let mark = Mem::at(RUNTIME, offset_of!(VmRuntime, interrupt) as i32);
        self.asm.alu_imm(Alu::Cmp, Width::W32, mark, 0);
        self.asm.jcc(Cond::Ne, marked);
    }

    /// Notes the caller as the frame that is left: this one leads to it. (Who is stopped at the end of a trampoline has taken the first of its words off
    /// the stack. It is still there: handlers of signals leave 128 bytes alone.)
    fn record_exit(&mut self) {
        let [fp, pc] = [offset_of!(VmRuntime, exit_fp), offset_of!(VmRuntime, exit_pc)];
        self.asm.store(Width::W64, Mem::at(RUNTIME, fp as i32), Gpr::RBP);
        self.asm.store_imm(Width::W64, Mem::at(RUNTIME, pc as i32), EXIT_ON_STACK as i32);
    }

    /// Calls a builtin of the store's block, whose other arguments are in their places.
    fn call_builtin(&mut self, builtin: BuiltinSignature, frame_bytes: u32) {
        // Any block of the store does, and who called has left its own.
        self.load(VMCTX, RUNTIME, offset_of!(VmRuntime, caller));
        self.load(SCRATCH, RUNTIME, offset_of!(VmRuntime, builtins));
        self.asm.call_rm(Mem::at(SCRATCH, builtin.offset as i32));
        self.note_call(frame_bytes);
    }

    /// Passes what is in the row that [`SCRATCH`] leads to.
    fn pass(&mut self, ty: &FuncType) {
        let bytes = Params::stack_bytes_of(ty);
        if bytes > 0 {
            self.asm.alu_imm(Alu::Sub, Width::W64, Gpr::RSP, bytes as i32);
        }
        if returns_in_area(ty.results()) {
            // The arguments were read when the results are written.
            self.asm.mov(Width::W64, AREA, SCRATCH);
        }
        let mut params = Params::of(ty);
        for (kind, offset) in row(ty.params()) {
            let from = Mem::at(SCRATCH, offset);
            match params.next(kind) {
                Passed::Stack(at) => self.copy(kind, from, Mem::at(Gpr::RSP, at as i32)),
                to => self.read(kind, to, from),
            }
        }
    }

    /// Writes parameters to the row at the stack pointer.
    fn store_params(&mut self, ty: &FuncType) {
        let mut params = Params::of(ty);
        for (kind, offset) in row(ty.params()) {
            let to = Mem::at(Gpr::RSP, offset);
            match params.next(kind) {
                Passed::Stack(at) => self.copy(kind, Mem::at(Gpr::RBP, 16 + at as i32), to),
                from => self.write(kind, from, to),
            }
        }
    }

    /// Gives what is in the row at the stack pointer.
    fn load_results(&mut self, ty: &FuncType) {
        if returns_in_area(ty.results()) {
            self.asm.load(Width::W64, AREA, HOST_AREA);
            for (kind, offset) in row(ty.results()) {
                self.copy(kind, Mem::at(Gpr::RSP, offset), Mem::at(AREA, offset));
            }
            return;
        }
        let mut results = Results::default();
        for (kind, offset) in row(ty.results()) {
            let to = results.next(kind);
            self.read(kind, to, Mem::at(Gpr::RSP, offset));
        }
    }

    /// Writes results to the row that [`SCRATCH`] leads to.
    fn store_results(&mut self, ty: &FuncType) {
        let mut results = Results::default();
        for (kind, offset) in row(ty.results()) {
            let from = results.next(kind);
            self.write(kind, from, Mem::at(SCRATCH, offset));
        }
    }

    /// From a slot to a register.
    fn read(&mut self, kind: Kind, to: Passed, from: Mem) {
        match (to, kind) {
            (Passed::Gpr(to), _) => self.asm.load(width(kind), to, from),
            (Passed::Xmm(to), Kind::F32) => self.asm.load_f32(to, from),
            (Passed::Xmm(to), Kind::F64) => self.asm.load_f64(to, from),
            (Passed::Xmm(to), _) => self.asm.load_v128(to, from),
            (Passed::Stack(_), _) => {}
        }
    }

    /// From a register to a slot.
    fn write(&mut self, kind: Kind, from: Passed, to: Mem) {
        match (from, kind) {
            (Passed::Gpr(from), Kind::Ref) => {
                // The high half is read as well.
                self.asm.mov(Width::W32, from, from);
                self.asm.store(Width::W64, to, from);
            }
            (Passed::Gpr(from), _) => self.asm.store(width(kind), to, from),
            (Passed::Xmm(from), Kind::F32) => self.asm.store_f32(to, from),
            (Passed::Xmm(from), Kind::F64) => self.asm.store_f64(to, from),
            (Passed::Xmm(from), _) => self.asm.store_v128(to, from),
            (Passed::Stack(_), _) => {}
        }
    }

    /// From a slot to a slot.
    fn copy(&mut self, kind: Kind, from: Mem, to: Mem) {
        // In both directions a register that has nothing else now.
        let free = Passed::Gpr(RUNTIME);
        match kind {
            Kind::F32 => self.copy(Kind::I32, from, to),
            Kind::F64 => self.copy(Kind::I64, from, to),
            Kind::V128 => {
                self.read(kind, Passed::Xmm(XMM_SCRATCH), from);
                self.write(kind, Passed::Xmm(XMM_SCRATCH), to);
            }
            _ => {
                self.read(kind, free, from);
                self.write(kind, free, to);
            }
        }
    }
}

fn width(kind: Kind) -> Width {
    if kind.is_narrow() { Width::W32 } else { Width::W64 }
}

/// Where a saved register is.
fn saved_at(number: usize) -> Mem {
    Mem::at(Gpr::RBP, -8 * (1 + number as i32))
}

/// Values of types in a row of slots, each with its distance from the first.
fn row(types: &[ValType]) -> impl Iterator<Item = (Kind, i32)> {
    kinds(types).scan(0, |offset, kind| {
        let at = *offset;
        *offset += 8 * kind.slots() as i32;
        Some((kind, at))
    })
}
