//! From operators to instructions.
//!
//! The [`Translator`] is the sink of the second walk. `sink.rs` passes each operator on to the file of its topic. Where operands
//! are, and how registers are given to them, stands in `operands.rs` of the crate.

mod access;
mod atomics;
mod calls;
mod control;
mod exceptions;
mod fuel;
mod gc;
mod gc_access;
mod gc_alloc;
mod gc_cast;
mod locals;
mod memory;
mod numbers;
mod simd;
mod simd_access;
mod simd_float;
mod simd_int;
mod simple;
mod sink;
mod table;
mod tier_up;
mod truncate;
mod vm;

use crate::asm::{Asm, Code, Gpr, Label, Rm, Xmm};
use crate::compiler::Env;
use crate::convention::Kind;
use crate::emit::Notes;
use crate::frame::Frame;
use crate::operands::Operands;
use crate::plan::Plan;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use control::Block;
use exceptions::Exceptions;
use riser_abi::StructLayout;
use riser_code::{ArtifactView, SlotLayout};
use riser_ops::ValType;

/// Where a local is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    pub kind: Kind,
    pub slot: u32,
    pub place: Place,
    /// How many operands are this local, unchanged since they were pushed.
    pub aliases: u32,
}

/// See [`Local`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In its slot.
    Slot,
    /// In a register of its own. While its bit in [`Translator::dirty`] is set, the slot may be outdated.
    Gpr(Gpr, u32),
    Xmm(Xmm, u32),
}

/// Memory that is used for one function after the other.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub asm: Asm,
    pub notes: Notes,
    pub frame: Frame,
    pub operands: Operands,
    pub locals: Vec<Local>,
    /// The locals in registers, by their bits.
    pub pinned: Vec<u32>,
    /// The locals that are references into the heap of objects.
    pub references: Vec<u32>,
    pub blocks: Vec<Block>,
    pub cold: Vec<Cold>,
    pub exceptions: Exceptions,
}

impl Buffers {
    /// What [`Translator::finish`] has put together.
    pub fn view(&self, slots: SlotLayout) -> ArtifactView<'_> {
        let (code, alignment) = (self.asm.bytes(), Code::ALIGN_MAX);
        let Notes { traps, positions, sites, .. } = &self.notes;
        ArtifactView { code, alignment, traps, positions, calls: sites, slots: Some(slots) }
    }
}

/// Code that stands behind the function's, and is hardly ever reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cold {
    pub label: Label,
    pub wasm: u32,
    pub what: ColdCode,
}

/// See [`Cold`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColdCode {
    /// Raises the status that is where integers are returned.
    Raise,
    /// Raises the error that the store keeps.
    RaiseHostError,
    /// Says that the function is hot, and goes back.
    Hot(Spent),
    /// Says that a loop is hot, and goes back, or goes on in better code.
    Replace(Spent),
}

/// A place where the function's budget may be spent. All operands are in their slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// Where the function goes on.
    pub back: Label,
    /// The slots that are outdated there.
    pub dirty: u32,
    /// How many slots are in use.
    pub slots: u32,
    /// The operands that are references: so many slots of [`Translator::spent_references`], from there on.
    pub references: (u32, u32),
}

/// More code is not made of one function. A body has at most 7.3 MiB, and real ones become at most four times as long.
const MOST_CODE_BYTES: u32 = 64 << 20;

/// Code whose exceptions leave the function.
pub(crate) const NO_SCOPE: u32 = u32::MAX;

/// See the module's documentation.
pub(crate) struct Translator<'a> {
    pub env: &'a Env<'a>,
    pub plan: &'a Plan,
    pub asm: &'a mut Asm,
    pub notes: &'a mut Notes,
    pub frame: &'a mut Frame,
    pub operands: &'a mut Operands,
    pub locals: &'a mut Vec<Local>,
    pub pinned: &'a mut Vec<u32>,
    pub references: &'a mut Vec<u32>,
    pub blocks: &'a mut Vec<Block>,
    pub cold: &'a mut Vec<Cold>,
    /// The function, counted from the first defined one.
    pub defined: u32,
    pub exceptions: &'a mut Exceptions,
    /// The layouts of structure types that the body has used, by the indices of the types.
    pub layouts: BTreeMap<u32, Rc<StructLayout>>,
    /// The first of the hidden locals that keep what handlers of legacy `try` caught.
    pub first_caught: u32,
    /// The first slot of the operands.
    pub first_operand: u32,
    /// The pinned locals whose slots may be outdated, a bit for each.
    pub dirty: u32,
    /// What turns of loops take from, if they are counted.
    pub count: Option<Rm>,
    /// The register that has the first byte of the first memory.
    pub memory_base: Option<Gpr>,
    /// Whether the own `VmCtx` stays in [`LEAF_VMCTX`](crate::operands::LEAF_VMCTX), and gets to the frame only where the runtime is called.
    pub keeps_vmctx: bool,
    /// The offset of the operator at hand in the module's bytes.
    pub offset: u32,
    /// The fuel of pure operators that was not taken yet.
    pub unpaid: u32,
    /// The slots of operands that are references, in places where the budget may be spent.
    pub spent_references: Vec<u32>,
    /// Where the instruction with the size of the frame has it.
    pub frame_size_at: u32,
    /// Whether the function compares the stack pointer with the limit before it makes its frame.
    pub compares_first: bool,
    /// Whether there is something to be done before each operator.
    pub is_careful: bool,
    /// Why translation was ended.
    pub failure: Option<&'static str>,
}

impl<'a> Translator<'a> {
    /// A sink for one body.
    pub fn new(
        env: &'a Env<'a>,
        plan: &'a Plan,
        buffers: &'a mut Buffers,
        defined: u32,
    ) -> Translator<'a> {
        let Buffers { asm, notes, frame, operands, locals, pinned, references, blocks, .. } =
            buffers;
        let Buffers { cold, exceptions, .. } = buffers;
        asm.clear();
        notes.clear();
        operands.clear();
        locals.clear();
        pinned.clear();
        references.clear();
        blocks.clear();
        cold.clear();
        exceptions.clear();
        Translator {
            env,
            plan,
            asm,
            notes,
            frame,
            operands,
            locals,
            pinned,
            references,
            blocks,
            cold,
            defined,
            exceptions,
            layouts: BTreeMap::new(),
            first_caught: 0,
            first_operand: 0,
            dirty: 0,
            count: None,
            memory_base: None,
            keeps_vmctx: false,
            offset: riser_code::Position::NONE,
            unpaid: 0,
            spent_references: Vec::new(),
            frame_size_at: 0,
            compares_first: false,
            is_careful: env.options.fuel || env.notes_operators,
            failure: None,
        }
    }

    /// Ends translation: there is no code for what the body has.
    pub fn fail(&mut self, what: &'static str) {
        self.failure.get_or_insert(what);
        self.is_careful = true;
    }

    /// Whether translation was not ended.
    pub fn goes_on(&self) -> bool {
        self.failure.is_none()
    }

    /// The next operator.
    #[inline]
    fn next_operator(&mut self, offset: u32) {
        self.offset = offset;
        let is_plain = !self.operands.has_condition && !self.is_careful;
        if !is_plain || self.asm.offset() > MOST_CODE_BYTES {
            self.look_before();
        }
    }

    /// What is to be done before some operators.
    #[inline(never)]
    fn look_before(&mut self) {
        self.operands.has_condition = false;
        if !self.goes_on() || self.is_too_long() {
            return;
        }
        if self.env.options.fuel {
            self.meter();
        }
        if self.operands.top_is_condition() && !self.takes_condition() {
            self.settle_condition();
        }
        if self.env.notes_operators {
            self.note_position();
        }
    }

    /// Ends translation if there is so much code that no honest function has it. A few bytes of a body can ask for much: a branch may
    /// carry a thousand operands, and leaves them where they are.
    pub fn is_too_long(&mut self) -> bool {
        let is_too_long = self.asm.offset() > MOST_CODE_BYTES;
        if is_too_long {
            self.fail("that much code");
        }
        is_too_long
    }

    /// Whether the operator at hand can use a condition as it is in the machine's flags.
    fn takes_condition(&self) -> bool {
        const IF: u8 = 0x04;
        const BR_IF: u8 = 0x0D;
        const SELECT: u8 = 0x1B;
        const I32_EQZ: u8 = 0x45;
        let byte = self.env.bytes.get(self.offset as usize);
        matches!(byte, Some(&(IF | BR_IF | SELECT | I32_EQZ)))
    }

    /// What instructions emitted from here on are of: whoever looks for a trap or a call finds the operator at hand.
    pub fn note_position(&mut self) {
        self.notes.position(self.asm.offset(), self.offset);
    }
}

/// The types of values.
pub(crate) fn kinds(types: &[ValType]) -> impl DoubleEndedIterator<Item = Kind> + Clone + '_ {
    types.iter().map(|&ty| Kind::of(ty))
}
