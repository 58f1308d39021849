//! Which operator machine code is of, where one instruction does what two operators say.
//!
//! A machine that computes with operands in memory loads as it computes: of `i32.load` and the `i32.add` behind it becomes one
//! instruction, which Cranelift says is of the addition; or of nothing, where the optimizer has put something of its own in
//! its place. If it faults, it is the load that traps. So what may take a load in is said to be of the load's operator,
//! unless it can trap itself.

use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode, SourceLoc, Value};

/// A load that may trap, and what was computed of it since, with nothing in between that has an effect.
struct Load {
    loc: SourceLoc,
    /// What the address is computed of, and where from there.
    address: Option<(Value, i32)>,
    derived: Vec<Value>,
}

/// Says of what may take a load in that it is of the load's operator. For optimized code that is about to be lowered.
pub(crate) fn attribute(func: &mut Function) {
    let mut next_block = func.layout.entry_block();
    while let Some(block) = next_block {
        let mut load = None;
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            load = step(func, inst, load);
            next = func.layout.next_inst(inst);
        }
        next_block = func.layout.next_block(block);
    }
}

/// Looks at an instruction behind a load: the load that the next instruction is behind.
fn step(func: &mut Function, inst: Inst, load: Option<Load>) -> Option<Load> {
    if let Some(load) = loads(func, inst) {
        return Some(load);
    }
    let mut load = load?;
    let opcode = func.dfg.insts[inst].opcode();
    let effect = opcode.other_side_effects() || opcode.can_store() || opcode.can_trap();
    if func.dfg.inst_args(inst).iter().any(|arg| load.derived.contains(arg)) {
        // What is stored where it was loaded from may be computed in place. The load traps first.
        let in_place = opcode == Opcode::Store && address(func, inst) == load.address;
        if in_place || !effect && !opcode.is_call() {
            func.set_srcloc(inst, load.loc);
            load.derived.extend(func.dfg.inst_results(inst));
        }
    }
    if effect || opcode.is_call() || opcode.is_terminator() { None } else { Some(load) }
}

/// The load that an instruction is, if it may trap.
fn loads(func: &Function, inst: Inst) -> Option<Load> {
    let data = &func.dfg.insts[inst];
    let loc = func.srcloc(inst);
    if !data.opcode().can_load() || loc.is_default() || data.memflags_trap_code(&func.dfg).is_none()
    {
        return None;
    }
    Some(Load { loc, address: address(func, inst), derived: func.dfg.inst_results(inst).to_vec() })
}

/// Where a simple load or store goes.
fn address(func: &Function, inst: Inst) -> Option<(Value, i32)> {
    match func.dfg.insts[inst] {
        InstructionData::Load { arg, offset, .. } => Some((arg, offset.into())),
        InstructionData::Store { args, offset, .. } => Some((args[1], offset.into())),
        _ => None,
    }
}
