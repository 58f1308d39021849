//! Lowering: one walk over a body that writes register code.
//!
//! `operands.rs` follows the operand stack without emitting code for it: a `local.get` or a constant stays
//! *virtual* until an instruction takes it as its operand. `emit.rs` writes instructions and knows what
//! the accumulators hold. `sink.rs` is the border to the walker; it passes each operator on to the file of
//! its topic: `simple`, `access`, `control`, `calls`, `memory`, `table`, `locals`, `gc`, `exceptions`; `watch` adds what bounds
//! execution.
//!
//! # Canonical places
//!
//! Every operand has a canonical slot, given by the operands below it, as `riser_abi::FrameLayout` says. At
//! labels, operands lie there; between labels they may be virtual. Values of locals that are virtual are
//! written to their slots before a block is entered, so that all paths through it agree, and before
//! the local is overwritten.
//!
//! # Frames that 16 bits cannot describe
//!
//! A field names one of 65,536 slots. If a function needs more, it is lowered again as a *huge* one: behind
//! its parameters lie 16 slots of scratch, and far operands are copied there and back.

mod access;
mod calls;
mod control;
mod emit;
mod exceptions;
mod gc;
mod locals;
mod memory;
mod operands;
mod simple;
mod sink;
mod table;
mod watch;

use crate::InterpOptions;
use crate::catches::Catches;
use crate::code::{Lowered, Misc};
use crate::frame_map::{FrameMap, FrameSource, FrameValue};
use alloc::vec::Vec;
use control::Label;
use emit::{Acc, Last};
use operands::{Local, Operand, Place};
use riser_abi::VmCtxLayout;
use riser_module::Module;
use riser_ops::ValType;

/// No slot, instruction or position.
const NONE: u32 = u32::MAX;

/// Scratch slots of a huge function: enough for the operands and the result of any instruction.
const SCRATCH: u32 = 16;

/// Lowers one body: a sink for the walker.
pub(crate) struct Lowerer<'m> {
    module: &'m Module,
    options: InterpOptions,
    layout: VmCtxLayout,
    out: Lowered,
    /// The offset of the operator at hand.
    offset: u32,
    /// The function's results.
    results: Vec<ValType>,
    locals: Vec<Local>,
    operands: Vec<Operand>,
    /// The canonical slot of the next operand.
    top: u32,
    /// So many operands, counted from the bottom, are no virtual locals.
    flushed: usize,
    labels: Vec<Label>,
    accs: [Acc; 3],
    last: Option<Last>,
    /// Whether everything so far is executed exactly once, first, and seen by nobody: what is known of
    /// locals' first uses holds.
    prefix: bool,
    /// The latest place that something jumps to.
    barrier: u32,
    /// Copies must not read accumulators: they are emitted before an instruction that is written already.
    ignore_accs: bool,
    /// Where scratch slots begin, in a huge function.
    scratch: Option<u32>,
    next_scratch: u32,
    /// A slot was too far for a field: the function must be lowered as a huge one.
    needs_huge: bool,
    /// How many `br_table` there were: marks the stubs of one.
    tables: u32,
    /// The fuel of pure operators that no instruction takes yet.
    unpaid: u32,
    /// Where values are at the places where somebody may look, if that is recorded.
    map: Option<FrameMap>,
    /// How many hidden locals keep what handlers of legacy `try` caught, and how many there should be.
    caught: u32,
    needs_caught: u32,
    /// The first of them.
    first_caught: u32,
    /// How many such handlers are open.
    catch_depth: u32,
}

/// What lowering a function takes that is known only afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// It is a huge one.
    pub(crate) is_huge: bool,
    /// So many hidden locals for caught exceptions.
    pub(crate) caught: u32,
}

impl<'m> Lowerer<'m> {
    /// A sink for one body.
    pub(crate) fn new(
        module: &'m Module,
        options: InterpOptions,
        layout: VmCtxLayout,
        needs: Needs,
    ) -> Lowerer<'m> {
        Lowerer {
            module,
            options,
            layout,
            out: Lowered::default(),
            offset: 0,
            results: Vec::new(),
            locals: Vec::new(),
            operands: Vec::new(),
            top: 0,
            flushed: 0,
            labels: Vec::new(),
            accs: [Acc::NOTHING; 3],
            last: None,
            prefix: true,
            barrier: 0,
            ignore_accs: false,
            scratch: needs.is_huge.then_some(0),
            next_scratch: 0,
            needs_huge: needs.is_huge,
            tables: 0,
            unpaid: 0,
            map: None,
            caught: needs.caught,
            needs_caught: needs.caught,
            first_caught: 0,
            catch_depth: 0,
        }
    }

    /// Records where values are.
    pub(crate) fn record(&mut self, map: FrameMap) {
        self.map = Some(map);
    }

    /// What was recorded.
    pub(crate) fn into_map(mut self) -> FrameMap {
        self.cut(0);
        let mut map = self.map.unwrap_or_default();
        map.finish(self.out.entry);
        map
    }

    /// The last instruction is one at which somebody may look at the frame: the collector (which rewrites references),
    /// the host. The operands that are on the stack now must be in their slots, or virtual; no accumulator is good
    /// any more, and nothing may be moved before the instruction.
    fn safepoint(&mut self) {
        self.record_point();
        self.keep_slots();
        self.accs = [Acc::NOTHING; 3];
        self.last = None;
    }

    fn record_point(&mut self) {
        let (Some(map), Some(instr)) = (&mut self.map, self.out.instrs.last()) else { return };
        let locals = &self.locals;
        let values = self.operands.iter().map(|operand| {
            let source = match operand.place {
                Place::Slot => FrameSource::Slot(operand.slot),
                Place::Local(local) => FrameSource::Slot(locals[local as usize].slot),
                Place::Const(bits) => FrameSource::Const(bits),
            };
            FrameValue { ty: operand.ty, source }
        });
        map.point(instr.at, instr.wasm_offset, values);
    }

    /// What the function takes. If that is more than was given, it must be lowered again.
    pub(crate) fn needs(&self) -> Needs {
        Needs { is_huge: self.needs_huge, caught: self.needs_caught }
    }

    /// The code. If the walk failed, which cannot be after validation, it is one that traps.
    pub(crate) fn into_lowered(mut self, complete: bool) -> Lowered {
        if !complete {
            self.out.code.clear();
            self.out.instrs.clear();
            self.out.catches = Catches::default();
            self.emit(Misc::Unreachable);
            self.out.entry = 0;
        }
        self.out
    }
}
