//! What a compiler makes of one function.

use alloc::vec::Vec;
use riser_ops::TrapCode;

/// The machine code of one function or trampoline, and what is known of places in it. All offsets are in bytes from the
/// start of the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeArtifact {
    /// The machine code, constants included. It works at any address that is aligned.
    pub code: Vec<u8>,
    /// A power of two: what the address of the code must be a multiple of. At most 64.
    pub alignment: u32,
    /// Instructions that may fault, sorted by offset.
    pub traps: Vec<TrapSite>,
    /// Which operator the code is of, sorted by offset.
    pub positions: Vec<Position>,
    /// The calls after which somebody may look at the frame, sorted by offset.
    pub calls: Vec<CallSite>,
    /// Where locals and operands are during calls; `None` if the code keeps only what it needs, wherever it likes.
    pub slots: Option<SlotLayout>,
}

/// A [`CodeArtifact`] in memory that is used again for the next one.
#[derive(Clone, Copy, Debug)]
pub struct ArtifactView<'a> {
    /// The machine code.
    pub code: &'a [u8],
    /// A power of two.
    pub alignment: u32,
    /// Sorted by offset.
    pub traps: &'a [TrapSite],
    /// Sorted by offset.
    pub positions: &'a [Position],
    /// Sorted by offset.
    pub calls: &'a [CallSite],
    /// Where locals and operands are, if that is known.
    pub slots: Option<SlotLayout>,
}

impl CodeArtifact {
    /// The same, borrowed.
    pub fn view(&self) -> ArtifactView<'_> {
        let CodeArtifact { code, alignment, traps, positions, calls, slots } = self;
        let (alignment, slots) = (*alignment, *slots);
        ArtifactView { code, alignment, traps, positions, calls, slots }
    }

    /// The encoded tables.
    pub fn encode_tables(&self) -> Vec<u8> {
        self.view().encode_tables()
    }
}

impl ArtifactView<'_> {
    /// The same in memory of its own.
    pub fn to_artifact(&self) -> CodeArtifact {
        CodeArtifact {
            code: self.code.to_vec(),
            alignment: self.alignment,
            traps: self.traps.to_vec(),
            positions: self.positions.to_vec(),
            calls: self.calls.to_vec(),
            slots: self.slots,
        }
    }
}

/// A frame whose locals and operands are in the slots of the canonical frame during all calls, but for the operands that the operator
/// at hand has taken. Slots go down from the frame pointer; a vector takes two, with its low half in the lower address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotLayout {
    /// How many bytes lie between the frame pointer and the first slot; never 0.
    pub below: u32,
    /// The slot of the first operand. Locals begin at slot 0; what lies between them and the operands is the compiler's own.
    pub first_operand: u32,
}

/// An instruction that traps by a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapSite {
    /// The instruction.
    pub offset: u32,
    /// What its fault means.
    pub code: TrapCode,
}

/// From here on, up to the next position, code is of one operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Where it begins.
    pub offset: u32,
    /// The operator, as an offset in the module's bytes; [`Position::NONE`] for code that is of none.
    pub wasm: u32,
}

impl Position {
    /// No operator.
    pub const NONE: u32 = u32::MAX;

    /// In trampolines: control is about to go to code, and it was seen already that nobody wants to interrupt it.
    pub const TO_CODE: u32 = 0;
}

/// A call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSite {
    /// The return address.
    pub offset: u32,
    /// How far the stack pointer is below the frame pointer when the call is made.
    pub frame_bytes: u32,
    /// Where references into the heap of objects are (32 bits each), in bytes from the stack pointer.
    pub references: Vec<u32>,
    /// What handles exceptions that the call throws, the first that fits.
    pub handlers: Vec<Handler>,
}

/// A handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// The tag, as an index of the module's; `None` for all exceptions (and, in trampolines that enter code, whatever ends it).
    pub tag: Option<u32>,
    /// Where the address of the `VmCtx` is whose module has the tag, in bytes from the stack pointer. Not used without tag.
    pub vmctx: u32,
    /// Where to go on.
    pub target: u32,
}
