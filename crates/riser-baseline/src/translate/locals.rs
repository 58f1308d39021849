//! How a function begins; locals, globals, constants, `drop` and `select`.

use super::vm::Moves;
use super::{Local, Place, Translator};
use crate::asm::{Alu, Cond, Gpr, Mem, Rm, Width, Xmm};
use crate::convention::{Kind, Params, Passed, VMCTX};
use crate::frame::{OWN_AREA, OWN_VMCTX};
use crate::operands::{
    At, LEAF_BASE, LEAF_COUNT, LEAF_GPRS, LEAF_VMCTX, PINNED_GPRS, PINNED_XMMS, SCRATCH, width,
};
use core::mem::offset_of;
use riser_abi::{VmCtx, VmRuntime, returns_in_area};
use riser_ops::{FuncType, GlobalIdx, LocalIdx, MemoryIdx, TrapCode, ValType};

/// A local must be used so often (see `plan.rs`) to get a register.
const MIN_USES: u32 = 3;

/// The first memory must be accessed so often for its first byte to get a register.
const MIN_ACCESSES: u32 = 3;

/// A frame of so many bytes needs no check of the stack if the function calls nothing, and otherwise may be made before it: below the limit
/// there is room for that.
pub(super) const LEAF_FRAME: u32 = 1024;

/// So many slots are zeroed without a loop.
const FEW_SLOTS: u32 = 16;

/// So many locals have registers for integers at most.
const GPRS_MAX: usize = PINNED_GPRS.len() + LEAF_GPRS.len();

/// Locals that are used most: how often, and which. The first is used most.
type Best<const N: usize> = [(u32, u32); N];

impl Translator<'_> {
    /// The code with which a function begins.
    pub(super) fn begin_body(&mut self, ty: &FuncType, locals: &[(u32, ValType)]) {
        let mut slot = 0;
        let all = ty.params().iter().map(|&ty| (1, ty)).chain(locals.iter().copied());
        for (count, ty) in all {
            let kind = Kind::of(ty);
            for _ in 0..count {
                if kind == Kind::Ref {
                    self.references.push(self.locals.len() as u32);
                }
                self.locals.push(Local { kind, slot, place: Place::Slot, aliases: 0 });
                slot += kind.slots();
            }
        }
        self.first_caught = self.locals.len() as u32;
        for _ in 0..self.plan.caught {
            self.references.push(self.locals.len() as u32);
            self.locals.push(Local { kind: Kind::Ref, slot, place: Place::Slot, aliases: 0 });
            slot += 1;
        }
        self.first_operand = slot;
        self.operands.begin_at(slot);
        self.pin_locals(ty);
        // Those of operands are added when it is known how many there are.
        self.frame.slots = slot;
        self.frame.has_area = returns_in_area(ty.results());
        self.frame.row = 0;
        self.frame.incoming = Params::stack_bytes_of(ty);
        self.frame.args = self.frame.incoming.max(self.plan.tail_args);
        self.frame.begin_slots();
        if self.frame.has_count {
            self.count = Some(self.frame.count().into());
        }
        self.prologue();
        self.receive_params(ty);
        self.zero_locals(ty.params().len());
        self.load_memory_base(VMCTX);
        self.open_body(ty);
        self.count_entry();
    }

    /// Reads the first byte of the first memory to its register, if it has one.
    pub(crate) fn load_memory_base(&mut self, vmctx: Gpr) {
        if let Some(base) = self.memory_base {
            let at = self.env.layout.memory_base(MemoryIdx(0));
            self.asm.load(Width::W64, base, Mem::at(vmctx, at as i32));
        }
    }

    /// Gives registers to the locals that are used most, and perhaps to the first byte of the first memory.
    fn pin_locals(&mut self, ty: &FuncType) {
        self.frame.saved.clear();
        self.frame.has_count = false;
        self.memory_base = None;
        let memories = &self.env.module.memories;
        let guarded = !memories.is_empty() && self.env.is_guarded(MemoryIdx(0));
        // What such a function does leaves enough registers for its operands.
        let is_leaf =
            self.plan.is_simple && !self.plan.calls_anything && (guarded || memories.is_empty());
        let mut gprs = &PINNED_GPRS[..];
        self.keeps_vmctx = is_leaf;
        if is_leaf {
            self.operands.give_away(LEAF_VMCTX);
            if self.plan.accesses > 0 {
                self.memory_base = Some(LEAF_BASE);
                self.operands.give_away(LEAF_BASE);
            }
        } else if guarded && self.plan.accesses >= MIN_ACCESSES {
            let (base, rest) = PINNED_GPRS.split_last().expect("there are some");
            self.memory_base = Some(*base);
            gprs = rest;
        }
        let leaf_gprs = if is_leaf { &LEAF_GPRS[..] } else { &[] };
        let min_uses = if is_leaf { 1 } else { MIN_USES };
        let (best_gprs, best_xmms) = self.most_used(min_uses);
        let mut free = leaf_gprs.iter().chain(gprs).fold(0, |free, gpr| free | 1 << gpr.number());
        for (uses, local) in best_gprs {
            let gpr = self.register_for(ty, local, leaf_gprs, gprs, free);
            let Some(gpr) = gpr.filter(|_| uses > 0) else { break };
            let is_saved = !leaf_gprs.contains(&gpr);
            if is_saved && uses < MIN_USES {
                break;
            }
            free &= !(1 << gpr.number());
            self.operands.give_away(gpr);
            let bit = self.pinned.len() as u32;
            self.locals[local as usize].place = Place::Gpr(gpr, bit);
            self.pinned.push(local);
            if is_saved {
                self.frame.saved.push(gpr);
            }
        }
        self.frame.saved.extend(self.memory_base.filter(|&base| base != LEAF_BASE));
        self.place_count(leaf_gprs, gprs, free);
        if self.plan.has_handlers {
            // Callees that an exception ends do not restore what they have saved.
            self.frame.saved.clear();
            self.frame.saved.extend(PINNED_GPRS);
        }
        for (&xmm, &(uses, local)) in PINNED_XMMS.iter().zip(&best_xmms) {
            if uses > 0 {
                let bit = self.pinned.len() as u32;
                self.locals[local as usize].place = Place::Xmm(xmm, bit);
                self.pinned.push(local);
            }
        }
        // Nothing of them is in their slots yet.
        self.dirty = self.all_dirty();
    }

    /// The locals that are used most, in lists that are as long as there are registers.
    fn most_used(&self, min_uses: u32) -> (Best<GPRS_MAX>, Best<{ PINNED_XMMS.len() }>) {
        let mut best_gprs = Best::<GPRS_MAX>::default();
        let mut best_xmms = Best::<{ PINNED_XMMS.len() }>::default();
        for (number, (local, &uses)) in (0..).zip(self.locals.iter().zip(&self.plan.uses)) {
            if uses < min_uses || local.kind == Kind::Ref {
                continue;
            }
            if !local.kind.is_float() {
                insert(&mut best_gprs, (uses, number));
            } else if uses >= MIN_USES && uses > 2 * self.plan.calls {
                // Each call costs a store and a load.
                insert(&mut best_xmms, (uses, number));
            }
        }
        (best_gprs, best_xmms)
    }

    /// Finds a place for the count of turns: a register that no local wants, or one that operands can do without, or one in the frame.
    fn place_count(&mut self, leaf_gprs: &[Gpr], gprs: &[Gpr], free: u16) {
        if self.env.budgets.is_none() || !self.plan.has_loops {
            return;
        }
        let unwanted = |gprs: &[Gpr]| {
            let mut gprs = gprs.iter().copied();
            gprs.find(|gpr| free & 1 << gpr.number() != 0)
        };
        let gpr = if self.keeps_vmctx {
            unwanted(leaf_gprs).or_else(|| self.owns_few().then_some(LEAF_COUNT))
        } else {
            // Callees that an exception ends do not restore registers.
            unwanted(gprs).filter(|_| !self.plan.has_handlers)
        };
        self.frame.has_count = gpr.is_none();
        self.count = gpr.map(Rm::Reg);
        if let Some(gpr) = gpr {
            self.operands.give_away(gpr);
            if PINNED_GPRS.contains(&gpr) {
                self.frame.saved.push(gpr);
            }
        }
    }

    /// Whether operators of a function that calls nothing own at most three registers at once: those that compare addresses own more.
    fn owns_few(&self) -> bool {
        let memories = 0..self.env.module.memories.len() as u32;
        memories.map(MemoryIdx).all(|memory| self.env.is_guarded(memory))
    }

    /// A register for a local among the free ones: that in which it comes, or else the first.
    fn register_for(
        &self,
        ty: &FuncType,
        local: u32,
        leaf_gprs: &[Gpr],
        gprs: &[Gpr],
        free: u16,
    ) -> Option<Gpr> {
        let is_free = |gpr: &Gpr| free & 1 << gpr.number() != 0;
        if leaf_gprs.iter().any(is_free) && (local as usize) < ty.params().len() {
            let mut params = Params::of(ty);
            let mut kinds = super::kinds(&ty.params()[..=local as usize]);
            let last = kinds.next_back().map(|last| {
                kinds.for_each(|kind| {
                    params.next(kind);
                });
                params.next(last)
            });
            if let Some(Passed::Gpr(gpr)) = last
                && is_free(&gpr)
            {
                return Some(gpr);
            }
        }
        leaf_gprs.iter().chain(gprs).copied().find(is_free)
    }

    /// The bits of all pinned locals.
    pub(super) fn all_dirty(&self) -> u32 {
        (1 << self.pinned.len()) - 1
    }

    /// The frame of the function: see `frame.rs`.
    fn prologue(&mut self) {
        self.asm.push(Gpr::RBP);
        self.asm.mov(Width::W64, Gpr::RBP, Gpr::RSP);
        let more = self.frame.args - self.frame.incoming;
        if more > 0 {
            // Room for the parameters of tail calls: what the caller left goes down.
            self.asm.alu_imm(Alu::Sub, Width::W64, Gpr::RSP, more as i32);
            for at in [0, 8] {
                self.asm.load(Width::W64, SCRATCH, Mem::at(Gpr::RBP, at));
                self.asm.store(Width::W64, Mem::at(Gpr::RSP, at), SCRATCH);
            }
            self.asm.mov(Width::W64, Gpr::RBP, Gpr::RSP);
        }
        let is_large = self.plan.has_large_frame || self.frame.bytes() > LEAF_FRAME;
        if self.plan.calls_anything && !is_large {
            // Below the limit there is room for such a frame, so that it may be made before it is compared.
            self.frame_size_at = self.asm.alu_imm32(Alu::Sub, Width::W64, Gpr::RSP, 0);
            let runtime = SCRATCH;
            self.asm.load(Width::W64, runtime, Mem::at(VMCTX, offset_of!(VmCtx, runtime) as i32));
            let limit = Mem::at(runtime, offset_of!(VmRuntime, stack_limit) as i32);
            self.asm.alu(Alu::Cmp, Width::W64, Gpr::RSP, limit);
            let overflow = self.far_trap_of_none(TrapCode::StackOverflow);
            self.asm.jcc(Cond::B, overflow);
        } else if is_large {
            self.compares_first = true;
            // Neither register has a parameter.
            let (runtime, bottom) = (Gpr::R10, SCRATCH);
            self.asm.load(Width::W64, runtime, Mem::at(VMCTX, offset_of!(VmCtx, runtime) as i32));
            self.asm.mov(Width::W64, bottom, Gpr::RSP);
            self.frame_size_at = self.asm.alu_imm32(Alu::Sub, Width::W64, bottom, 0);
            let limit = Mem::at(runtime, offset_of!(VmRuntime, stack_limit) as i32);
            self.asm.alu(Alu::Cmp, Width::W64, bottom, limit);
            let overflow = self.far_trap_of_none(TrapCode::StackOverflow);
            self.asm.jcc(Cond::B, overflow);
            self.asm.mov(Width::W64, Gpr::RSP, bottom);
        } else {
            self.frame_size_at = self.asm.alu_imm32(Alu::Sub, Width::W64, Gpr::RSP, 0);
        }
        if !self.keeps_vmctx {
            self.asm.store(Width::W64, OWN_VMCTX, VMCTX);
        }
        for number in 0..self.frame.saved.len() {
            let (at, gpr) = (self.frame.saved_at(number), self.frame.saved[number]);
            self.asm.store(Width::W64, at, gpr);
        }
        if self.frame.has_area {
            self.asm.store(Width::W64, OWN_AREA, crate::convention::AREA);
        }
    }

    /// Moves parameters to where the function has them.
    fn receive_params(&mut self, ty: &FuncType) {
        let mut params = Params::of(ty);
        let mut moves = Moves::new(SCRATCH);
        let mut narrow = 0_u16;
        for number in 0..ty.params().len() {
            let Local { kind, slot, place, .. } = self.locals[number];
            let slot = self.frame.slot(slot, kind);
            match (params.next(kind), place) {
                (Passed::Gpr(from), Place::Gpr(to, _)) => {
                    moves.add(to, from);
                    // What is narrow is extended by zeros.
                    narrow |= u16::from(kind.is_narrow()) << to.number();
                    if to == from && kind.is_narrow() {
                        self.asm.mov(Width::W32, to, from);
                    }
                }
                (Passed::Gpr(from), _) => {
                    if kind == Kind::Ref {
                        self.asm.mov(Width::W32, from, from);
                    }
                    self.asm.store(width(kind), slot, from);
                }
                (Passed::Xmm(from), Place::Xmm(to, _)) => self.asm.mov_xmm(to, from),
                (Passed::Xmm(from), _) => self.store_xmm(kind, slot, from),
                (Passed::Stack(_), _) => {}
            }
        }
        moves.emit(SCRATCH, |to, from| {
            let is_narrow = narrow & 1 << to.number() != 0;
            self.asm.mov(if is_narrow { Width::W32 } else { Width::W64 }, to, from);
        });
        if self.frame.incoming > 0 {
            self.receive_from_stack(ty);
        }
    }

    /// The same for those that are on the stack.
    fn receive_from_stack(&mut self, ty: &FuncType) {
        let mut params = Params::of(ty);
        for number in 0..ty.params().len() {
            let Local { kind, slot, place, .. } = self.locals[number];
            let slot = self.frame.slot(slot, kind);
            match (params.next(kind), place) {
                (Passed::Gpr(_) | Passed::Xmm(_), _) => {}
                (Passed::Stack(at), Place::Gpr(to, _)) => {
                    let from = self.frame.incoming_at(at);
                    self.asm.load(width(kind), to, from);
                }
                (Passed::Stack(at), Place::Xmm(to, _)) => {
                    let from = self.frame.incoming_at(at);
                    self.load_xmm(kind, to, from);
                }
                (Passed::Stack(at), Place::Slot) => {
                    let from = self.frame.incoming_at(at);
                    if kind == Kind::Ref {
                        self.asm.load(Width::W32, SCRATCH, from);
                        self.asm.store(Width::W64, slot, SCRATCH);
                    } else {
                        self.copy(kind, from, slot);
                    }
                }
            }
        }
    }

    /// Makes all locals zero but the parameters. The collector looks at the slots of references whatever place they have.
    fn zero_locals(&mut self, params: usize) {
        let Some(first) = self.locals.get(params).map(|local| local.slot) else { return };
        let few = self.first_operand - first <= FEW_SLOTS;
        let zero = Gpr::RAX;
        if !few {
            self.asm.zero(zero);
        }
        let mut is_zero = !few;
        for number in params..self.locals.len() {
            let local = self.locals[number];
            let is_written = number < 64 && self.plan.written_first & 1 << number != 0;
            if is_written && local.kind != Kind::Ref {
                continue;
            }
            if few && local.place == Place::Slot && !is_zero {
                self.asm.zero(zero);
                is_zero = true;
            }
            match local.place {
                Place::Gpr(gpr, _) => self.asm.zero(gpr),
                Place::Xmm(xmm, _) => self.asm.zero_xmm(xmm),
                Place::Slot if few => {
                    for half in 0..local.kind.slots() {
                        let slot = self.frame.slot(local.slot + half, Kind::I64);
                        self.asm.store(Width::W64, slot, zero);
                    }
                }
                Place::Slot => {}
            }
        }
        if few {
            return;
        }
        // Upwards from the last slot. Parameters are out of the registers by now, but for the `VmCtx`.
        let (at, left) = (SCRATCH, Gpr::RCX);
        let last = self.frame.slot(self.first_operand - 1, Kind::I64);
        self.asm.lea(Width::W64, at, last);
        self.asm.mov_imm(left, u64::from(self.first_operand - first));
        let again = self.asm.label_here();
        self.asm.store(Width::W64, Mem::at(at, 0), zero);
        self.asm.alu_imm(Alu::Add, Width::W64, at, 8);
        self.asm.alu_imm(Alu::Sub, Width::W32, left, 1);
        self.asm.jcc(Cond::Ne, again);
    }

    pub(super) fn lower_local_get(&mut self, local: LocalIdx, _: ValType) {
        self.push_local(local.0);
    }

    pub(super) fn lower_local_set(&mut self, local: LocalIdx, _: ValType) {
        let value = self.pop();
        if value.at == At::Local(local.0) {
            return;
        }
        self.unalias(local.0);
        let Local { kind, slot, place, .. } = self.locals[local.index()];
        match place {
            Place::Slot => {
                let slot = self.frame.slot(slot, kind);
                self.store_operand(value, slot);
            }
            Place::Gpr(gpr, bit) => {
                self.move_to(value, gpr);
                self.dirty |= 1 << bit;
            }
            Place::Xmm(xmm, bit) => {
                self.move_to_xmm(value, xmm);
                self.dirty |= 1 << bit;
            }
        }
        self.free_operand(value);
    }

    pub(super) fn lower_local_tee(&mut self, local: LocalIdx, ty: ValType) {
        let value = self.operands.stack.last().copied();
        let keeps = value.is_some_and(|value| {
            matches!(value.at, At::Gpr(_) | At::Xmm(_))
                && self.locals[local.index()].place == Place::Slot
        });
        self.lower_local_set(local, ty);
        match value {
            // The register is still what it was.
            Some(value) if keeps => {
                match value.at {
                    At::Gpr(gpr) => self.claim(gpr),
                    At::Xmm(xmm) => self.claim_xmm(xmm),
                    _ => {}
                }
                self.push(value.kind, value.at);
            }
            Some(value) if matches!(value.at, At::Const(_)) => self.push(value.kind, value.at),
            _ => self.lower_local_get(local, ty),
        }
    }

    /// A register, which is to be freed, and where a global is, which that register may say.
    fn global_cell(&mut self, global: GlobalIdx) -> (Gpr, Mem) {
        let Some(own) = self.env.layout.own_global(global) else {
            let cell = self.load_own(self.env.layout.global(global));
            return (cell, Mem::at(cell, 0));
        };
        let gpr = self.alloc();
        let vmctx = self.own_vmctx(gpr);
        (gpr, Mem::at(vmctx, own as i32))
    }

    pub(super) fn lower_global_get(&mut self, global: GlobalIdx, ty: ValType) {
        let kind = Kind::of(ty);
        let (cell, from) = self.global_cell(global);
        if kind.is_float() {
            let xmm = self.alloc_xmm();
            self.load_xmm(kind, xmm, from);
            self.free(cell);
            self.push_xmm(kind, xmm);
        } else {
            self.asm.load(width(kind), cell, from);
            self.push_gpr(kind, cell);
        }
    }

    pub(super) fn lower_global_set(&mut self, global: GlobalIdx, _: ValType) {
        let value = self.pop();
        let (cell, to) = self.global_cell(global);
        self.store_operand(value, to);
        self.free(cell);
        self.free_operand(value);
    }

    pub(super) fn lower_i32_const(&mut self, value: i32) {
        self.push_const(Kind::I32, u64::from(value as u32));
    }

    pub(super) fn lower_i64_const(&mut self, value: i64) {
        self.push_const(Kind::I64, value as u64);
    }

    pub(super) fn lower_f32_const(&mut self, bits: u32) {
        self.push(Kind::F32, At::Const(u64::from(bits)));
    }

    pub(super) fn lower_f64_const(&mut self, bits: u64) {
        self.push(Kind::F64, At::Const(bits));
    }

    pub(super) fn lower_v128_const(&mut self, bits: u128) {
        let xmm = self.alloc_xmm();
        let bits = self.asm.const128(bits);
        self.asm.load_const(xmm, bits);
        self.push_xmm(Kind::V128, xmm);
    }

    pub(super) fn lower_nop(&mut self) {}

    pub(super) fn lower_drop(&mut self, _: ValType) {
        self.pop_and_free();
    }

    pub(super) fn lower_select(&mut self, ty: ValType) {
        let condition = self.pop();
        let second = self.pop();
        let first = self.pop();
        if Kind::of(ty).is_float() {
            let result = self.owned_xmm(first);
            let other: Xmm = self.xmm(second);
            let cond = self.condition(condition);
            let done = self.asm.new_label();
            self.asm.jcc_short(cond, done);
            self.asm.mov_xmm(result, other);
            self.asm.bind(done);
            self.free_xmm(other);
            self.push_xmm(first.kind, result);
            return;
        }
        let result = self.owned(first);
        let other = self.rm(second);
        let cond = self.condition(condition);
        self.asm.cmov(cond.inverse(), width(first.kind), result, other);
        self.free_rm(other);
        self.push_gpr(first.kind, result);
    }
}

/// Puts an entry into a list of the largest ones, if it belongs there.
fn insert(best: &mut [(u32, u32)], entry: (u32, u32)) {
    let at = best.partition_point(|other| other.0 >= entry.0);
    if at < best.len() {
        best[at..].rotate_right(1);
        best[at] = entry;
    }
}
