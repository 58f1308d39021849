//! Counting what is executed, and the way to better code.
//!
//! A function has a budget, which all who use the module share. Each entry takes something from it, and each turn of a loop.
//! When it is spent, the runtime hears of it. Where that happens in a loop, the runtime may have code for the rest of the function by
//! then: the frame is left as by a tail call, and the code finds what was in it (`VmRuntime::replacement`).
//!
//! Turns take from a count that is the call's own, in a register or in its frame, and when that is spent it gets another part of the budget, which
//! is paid at once. What the count begins with is paid by nobody. So it is anything from nothing to a part, by chance: then calls
//! whose turns are worth a tenth of a part pay a part every tenth time.

use super::{Cold, ColdCode, NO_SCOPE, Spent, Translator};
use crate::asm::{Alu, Cond, Gpr, Label, Mem, Rm, Shift, Width};
use crate::convention::{AREA, C_PARAMS, Kind, RESULT, VMCTX};
use crate::emit::Root;
use crate::frame::{OWN_AREA, OWN_VMCTX};
use crate::operands::SCRATCH;
use riser_abi::{BUDGET_ENTRIES, BUDGET_UNIT, builtin};

/// Where the code takes from the budget for a turn of a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// The offset of how much, in the code.
    cost: u32,
    /// The offset of the loop, in the module.
    at: u32,
}

/// What is left of a budget times this has high bits that follow no pattern: 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4).
const CHANCE: i32 = 0x9E37_79B1_u32 as i32;

/// A register for operands, while there are none.
const LEFT: Gpr = Gpr::RAX;

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
        if self.env.budgets.is_none() {
            return;
        }
        let (cost, budget) = (entry_cost(self.body_bytes()), self.budget());
        let Some(count) = self.count else {
            self.asm.alu_imm(Alu::Sub, Width::W32, budget, cost);
            self.when_spent(ColdCode::Hot);
            return;
        };
        // No local is in it, and no parameter.
        let left = match count {
            Rm::Reg(count) => count,
            Rm::Mem(_) => LEFT,
        };
        self.asm.load(Width::W32, left, budget);
        self.asm.alu_imm(Alu::Sub, Width::W32, left, cost);
        self.asm.store(Width::W32, budget, left);
        self.when_spent(ColdCode::Hot);
        match self.part_log2() {
            0 => self.asm.zero(left),
            log2 => {
                self.asm.imul_imm(Width::W32, left, left, CHANCE);
                self.asm.shift_imm(Shift::Shr, Width::W32, left, (u32::BITS - log2) as u8);
            }
        }
        if let Rm::Mem(count) = count {
            self.asm.store(Width::W32, count, left);
        }
    }

    /// A loop begins, or begins again.
    pub(super) fn count_turn(&mut self) {
        let Some(count) = self.count else { return };
        let cost = self.asm.alu_imm32(Alu::Sub, Width::W32, count, turn_cost(MOST));
        self.when_spent(ColdCode::Replace);
        let at = self.offset;
        if let Some(block) = self.blocks.last_mut() {
            block.turn = Some(Turn { cost, at });
        }
    }

    /// A loop is over: now it is known how long it is.
    pub(super) fn price_turn(&mut self, turn: Turn) {
        let cost = turn_cost(self.offset - turn.at);
        self.asm.patch_u32(turn.cost, cost as u32);
    }

    fn body_bytes(&self) -> u32 {
        self.env.module.bodies[self.defined as usize].len()
    }

    /// What a count gets at once, as a logarithm: see [`riser_abi::Budgets::part_log2`].
    fn part_log2(&self) -> u32 {
        self.env.budgets.map_or(0, |budgets| budgets.part_log2(self.body_bytes()))
    }

    /// Where the function's budget is.
    fn budget(&mut self) -> Mem {
        // Not found through the `VmCtx`: that is read from frames, so in a recursion it is known late, and some processors hold up what is read
        // behind a store whose address is not known. `calls` took 2.2 times as long on an Intel Xeon (docs/measurements.md, "Baseline code").
        self.asm.mov_imm(SCRATCH, self.env.budget.expose_provenance() as u64);
        Mem::at(SCRATCH, 0)
    }

    /// Goes on elsewhere if what was taken from is negative now.
    fn when_spent(&mut self, what: fn(Spent) -> ColdCode) {
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
        if let Some(count) = self.count {
            self.asm.zero(if let Rm::Reg(count) = count { count } else { LEFT });
        }
        self.asm.jmp(spent.back);
    }

    /// The count is spent: gives it as many parts of the budget as it lacks, and goes on if the budget has them. Nothing is in the registers for operands.
    fn pay(&mut self, back: Label) {
        let Some(count) = self.count else { return };
        let budget = self.budget();
        // So much less than nothing.
        match count {
            Rm::Reg(count) => self.asm.mov(Width::W32, LEFT, count),
            Rm::Mem(count) => self.asm.load(Width::W32, LEFT, count),
        }
        self.asm.alu_imm(Alu::And, Width::W32, LEFT, -1 << self.part_log2());
        match count {
            Rm::Reg(count) => self.asm.alu(Alu::Sub, Width::W32, count, LEFT),
            Rm::Mem(count) => self.asm.alu_store(Alu::Sub, Width::W32, count, LEFT),
        }
        self.asm.alu_store(Alu::Add, Width::W32, budget, LEFT);
        self.asm.jcc(Cond::Ns, back);
    }

    /// See [`ColdCode::Replace`].
    pub(super) fn replace_loop(&mut self, spent: Spent) {
        self.pay(spent.back);
        self.leave_registers(spent);
        let [_, defined, at, slots, count, _] = C_PARAMS;
        self.asm.mov_imm(defined, u64::from(self.defined));
        self.asm.mov_imm(at, u64::from(self.offset));
        let last = self.frame.slot(spent.slots.saturating_sub(1), Kind::I64);
        self.asm.lea(Width::W64, slots, last);
        self.asm.mov_imm(count, u64::from(spent.slots));
        self.call_from(spent, builtin::replace_loop);
        self.reload(false);
        // Then the next part is due with the next turn. The flags are still to be set.
        if let Some(Rm::Reg(count)) = self.count {
            self.asm.zero(count);
        }
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
