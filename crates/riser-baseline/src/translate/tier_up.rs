//! Counting what is executed, and the way to better code.
//!
//! A function has a budget, which all who use the module share. Each entry takes something from it, and each turn of a loop.
//! When it is spent, the runtime hears of it. Where that happens in a loop, the runtime may have code for the rest of the function by
//! then: the frame is left as by a tail call, and the code finds what was in it (`VmRuntime::replacement`).

use super::{Cold, ColdCode, NO_SCOPE, Spent, Translator};
use crate::asm::{Alu, Cond, Gpr, Mem, Width};
use crate::convention::{AREA, C_PARAMS, Kind, RESULT, VMCTX};
use crate::emit::Root;
use crate::frame::{OWN_AREA, OWN_VMCTX};
use crate::operands::SCRATCH;
use core::mem::offset_of;
use riser_abi::{BUDGET_ENTRIES, BUDGET_UNIT, VmCtx, builtin};

/// Where the code takes from the budget for a turn of a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// The offset of how much, in the code.
    cost: u32,
    /// The offset of the loop, in the module.
    at: u32,
}

// Estimates, of which only the order of what is optimized depends; what that order gives was measured with all of them together
// (docs/measurements.md, "Totals").

/// What a call costs, in bytes of ordinary operators.
const CALL: u32 = 16;

/// A call executes about one in so many bytes of a function.
const EXECUTED: u32 = 4;

/// A turn of a loop costs so much more than its body.
const TURN: u32 = 8;

/// No call and no turn counts for more: of long bodies most is not executed.
const MOST: u32 = 256;

/// What entering a function of so many bytes takes from its budget.
fn entry_cost(bytes: u32) -> i32 {
    whole(CALL + (bytes / EXECUTED).min(MOST)) + 1
}

/// What a turn of a loop of so many bytes takes.
fn turn_cost(bytes: u32) -> i32 {
    whole(TURN + bytes.min(MOST))
}

/// A multiple of what tells entries.
fn whole(bytes: u32) -> i32 {
    ((bytes * BUDGET_UNIT).div_ceil(BUDGET_ENTRIES) * BUDGET_ENTRIES) as i32
}

impl Translator<'_> {
    /// The function was entered.
    pub(super) fn count_entry(&mut self) {
        let bytes = self.env.module.bodies[self.defined as usize].len();
        // It is still in its register.
        self.count(entry_cost(bytes), VMCTX, ColdCode::Hot);
    }

    /// A loop begins, or begins again.
    pub(super) fn count_turn(&mut self) {
        if !self.env.counts {
            return;
        }
        let vmctx = self.own_vmctx(SCRATCH);
        let cost = self.count(turn_cost(MOST), vmctx, ColdCode::Replace);
        let at = self.offset;
        if let Some(block) = self.blocks.last_mut() {
            block.turn = cost.map(|cost| Turn { cost, at });
        }
    }

    /// A loop is over: now it is known how long it is.
    pub(super) fn price_turn(&mut self, turn: Turn) {
        let cost = turn_cost(self.offset - turn.at);
        self.asm.patch_u32(turn.cost, cost as u32);
    }

    /// Takes something from the budget, if anything counts; the own `VmCtx` is in a register. The offset of how much.
    fn count(&mut self, cost: i32, vmctx: Gpr, what: fn(Spent) -> ColdCode) -> Option<u32> {
        if !self.env.counts {
            return None;
        }
        let budgets = Mem::at(vmctx, offset_of!(VmCtx, budgets) as i32);
        self.asm.load(Width::W64, SCRATCH, budgets);
        // There are at most a million functions.
        let budget = Mem::at(SCRATCH, 4 * self.defined as i32);
        let cost = self.asm.alu_imm32(Alu::Sub, Width::W32, budget, cost);
        let (label, back) = (self.asm.new_label(), self.asm.new_label());
        self.asm.jcc(Cond::S, label);
        self.asm.bind(back);
        let first = self.spent_references.len() as u32;
        for number in 0..self.operands.references.len() {
            let operand = self.operands.stack[self.operands.references[number] as usize];
            self.spent_references.push(operand.slot);
        }
        let references = (first, self.operands.references.len() as u32);
        let spent = Spent { back, dirty: self.dirty, slots: self.next_slot(), references };
        self.cold.push(Cold { label, wasm: self.offset, what: what(spent) });
        Some(cost)
    }

    /// Everything goes to its slot where the budget is spent, and registers are free.
    fn leave_registers(&mut self, spent: Spent) {
        self.dirty = spent.dirty;
        self.clean();
    }

    /// Calls a builtin there: the arguments are in their registers.
    fn call_from(&mut self, spent: Spent, builtin: riser_abi::BuiltinSignature) {
        self.call_builtin_unnoted(builtin);
        self.note_call(NO_SCOPE, &[]);
        let (first, count) = spent.references;
        for number in first..first + count {
            let slot = self.spent_references[number as usize];
            let below = self.frame.below(slot, Kind::Ref);
            self.notes.references.push(Root::Below(below));
        }
    }

    /// See [`ColdCode::Hot`].
    pub(super) fn say_hot(&mut self, spent: Spent) {
        self.leave_registers(spent);
        self.asm.mov_imm(C_PARAMS[1], u64::from(self.defined));
        self.call_from(spent, builtin::hot);
        self.reload(false);
        self.asm.jmp(spent.back);
    }

    /// See [`ColdCode::Replace`].
    pub(super) fn replace_loop(&mut self, spent: Spent) {
        self.leave_registers(spent);
        let [_, defined, at, slots, count, _] = C_PARAMS;
        self.asm.mov_imm(defined, u64::from(self.defined));
        self.asm.mov_imm(at, u64::from(self.offset));
        let last = self.frame.slot(spent.slots.saturating_sub(1), Kind::I64);
        self.asm.lea(Width::W64, slots, last);
        self.asm.mov_imm(count, u64::from(spent.slots));
        self.call_from(spent, builtin::replace_loop);
        self.reload(false);
        self.asm.test(Width::W64, RESULT, RESULT);
        self.asm.jcc(Cond::E, spent.back);
        self.asm.load(Width::W64, VMCTX, OWN_VMCTX);
        if self.frame.has_area {
            self.asm.load(Width::W64, AREA, OWN_AREA);
        }
        self.restore_saved();
        self.leave_for(RESULT, 0);
    }

    /// Leaves the frame for code that takes so many bytes of parameters, which are where they belong, and returns in the
    /// function's place.
    pub(super) fn leave_for(&mut self, code: Gpr, bytes: u32) {
        // Parameters are at the top of the room for them, and the return address goes below.
        let room = (self.frame.args - bytes) as i32;
        self.asm.load(Width::W64, SCRATCH, Mem::at(Gpr::RBP, 8));
        self.asm.load(Width::W64, Gpr::R10, Mem::at(Gpr::RBP, 0));
        if room > 0 {
            self.asm.store(Width::W64, Mem::at(Gpr::RBP, 8 + room), SCRATCH);
        }
        self.asm.lea(Width::W64, Gpr::RSP, Mem::at(Gpr::RBP, 8 + room));
        self.asm.mov(Width::W64, Gpr::RBP, Gpr::R10);
        self.asm.jmp_rm(code);
    }
}
