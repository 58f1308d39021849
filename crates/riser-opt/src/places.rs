//! Which operator machine code is of, where one instruction does what two operators say.
//!
//! A machine that computes with operands in memory loads as it computes: of `i32.load` and the `i32.add` behind it becomes one
//! instruction, which Cranelift says is of the addition; or of nothing, where the optimizer has put something of its own in
//! its place. If it faults, it is the load that traps. So what may take a load in is said to be of the load's operator,
//! unless it can trap itself.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode, SourceLoc, Value};

/// A load that may trap.
struct Load {
    loc: SourceLoc,
    /// What the address is computed of, and where from there.
    address: Option<(Value, i32)>,
}

/// The loads so far, and what was computed of them.
#[derive(Default)]
struct Loads {
    all: Vec<Load>,
    /// Nothing can take in one of the first so many: since then something had an effect, or a block ended.
    settled: usize,
    /// The number of the load, from 1, of which a value is computed; of several the last. Another load in between is no obstacle: it may be taken in
    /// itself, further down.
    origins: SecondaryMap<Value, usize>,
}

/// Says of what may take a load in that it is of the load's operator. For optimized code that is about to be lowered.
pub(crate) fn attribute(func: &mut Function) {
    let mut loads = Loads::default();
    let mut next_block = func.layout.entry_block();
    while let Some(block) = next_block {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            loads.step(func, inst);
            next = func.layout.next_inst(inst);
        }
        next_block = func.layout.next_block(block);
    }
}

impl Loads {
    fn step(&mut self, func: &mut Function, inst: Inst) {
        if let Some(load) = load(func, inst) {
            self.all.push(load);
            self.note_results(func, inst, self.all.len());
            return;
        }
        let opcode = func.dfg.insts[inst].opcode();
        let effect = opcode.other_side_effects() || opcode.can_store() || opcode.can_trap();
        let origins = func.dfg.inst_args(inst).iter().map(|&arg| self.origins[arg]);
        let origin = origins.max().filter(|&origin| origin > self.settled);
        if let Some(origin) = origin {
            let load = &self.all[origin - 1];
            // What is stored where it was loaded from may be computed in place. The load traps first.
            let in_place = opcode == Opcode::Store && address(func, inst) == load.address;
            if in_place || !effect && !opcode.is_call() {
                func.set_srcloc(inst, load.loc);
                self.note_results(func, inst, origin);
            }
        }
        if effect || opcode.is_call() || opcode.is_terminator() {
            self.settled = self.all.len();
        }
    }

    fn note_results(&mut self, func: &Function, inst: Inst, origin: usize) {
        for &result in func.dfg.inst_results(inst) {
            self.origins[result] = origin;
        }
    }
}

/// The load that an instruction is, if it may trap.
fn load(func: &Function, inst: Inst) -> Option<Load> {
    let data = &func.dfg.insts[inst];
    let loc = func.srcloc(inst);
    if !data.opcode().can_load() || loc.is_default() || data.memflags_trap_code(&func.dfg).is_none()
    {
        return None;
    }
    Some(Load { loc, address: address(func, inst) })
}

/// Where a simple load or store goes.
fn address(func: &Function, inst: Inst) -> Option<(Value, i32)> {
    match func.dfg.insts[inst] {
        InstructionData::Load { arg, offset, .. } => Some((arg, offset.into())),
        InstructionData::Store { args, offset, .. } => Some((args[1], offset.into())),
        _ => None,
    }
}
