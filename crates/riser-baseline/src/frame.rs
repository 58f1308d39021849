//! Where the slots of a frame are.
//!
//! ```text
//!  above   parameters on the stack
//!          return address
//!  rbp →   the caller's rbp
//!          VmCtx
//!          address of the result area, if there is one
//!          what turns of loops take from, if they take from the frame
//!          saved registers
//!          slot 0, slot 1, …          the canonical frame: locals, then operands
//!  rsp →   the row                    what builtins take and give, results in an area
//! ```
//!
//! A vector's two slots are next to each other, its low half in the lower address.

use crate::asm::{Gpr, Mem};
use crate::convention::Kind;
use alloc::vec::Vec;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// Bytes between `rbp` and the first slot.
    pub header: u32,
    /// Whether there is a result area.
    pub has_area: bool,
    /// Whether turns of loops are counted in the frame.
    pub has_count: bool,
    /// Registers that are the caller's.
    pub saved: Vec<Gpr>,
    /// Slots of locals and operands.
    pub slots: u32,
    /// Bytes of the row.
    pub row: u32,
    /// Bytes of the function's own parameters on the stack.
    pub incoming: u32,
    /// Bytes that are there for parameters: those of a tail call may be more.
    pub args: u32,
}

/// The function's own `VmCtx`.
pub(crate) const OWN_VMCTX: Mem = Mem::at(Gpr::RBP, -8);
/// Where its results go.
pub(crate) const OWN_AREA: Mem = Mem::at(Gpr::RBP, -16);
/// How far [`OWN_VMCTX`] is below the frame pointer.
pub(crate) const VMCTX_BELOW: u32 = 8;

impl Frame {
    /// Makes room for what comes before the slots.
    pub fn begin_slots(&mut self) {
        let words = 1 + u32::from(self.has_area) + u32::from(self.has_count);
        self.header = 8 * (words + self.saved.len() as u32);
    }

    /// Where turns of loops are counted.
    pub fn count(&self) -> Mem {
        let at = 8 * (2 + u32::from(self.has_area)) as i32;
        Mem::at(Gpr::RBP, -at)
    }

    /// Where a saved register is.
    pub fn saved_at(&self, number: usize) -> Mem {
        let words = 2 + usize::from(self.has_area) + usize::from(self.has_count);
        let at = 8 * (words + number) as i32;
        Mem::at(Gpr::RBP, -at)
    }

    /// How far a slot is below the frame pointer.
    pub fn below(&self, slot: u32, kind: Kind) -> u32 {
        self.header + 8 * (slot + kind.slots())
    }

    /// Where a value in a slot is.
    pub fn slot(&self, slot: u32, kind: Kind) -> Mem {
        Mem::at(Gpr::RBP, -(self.below(slot, kind) as i32))
    }

    /// Makes room in the row.
    pub fn need_row(&mut self, bytes: u32) {
        self.row = self.row.max(bytes);
    }

    /// Where something in the row is, with so many bytes pushed below it.
    pub fn row_at(offset: u32, pushed: u32) -> Mem {
        Mem::at(Gpr::RSP, (offset + pushed) as i32)
    }

    /// How far the stack pointer is below the frame pointer.
    pub fn bytes(&self) -> u32 {
        (self.header + 8 * self.slots + self.row).next_multiple_of(16)
    }

    /// Where a parameter is that was passed on the stack.
    pub fn incoming_at(&self, offset: u32) -> Mem {
        Mem::at(Gpr::RBP, (16 + self.args - self.incoming + offset) as i32)
    }
}
