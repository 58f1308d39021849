//! How an activation ends early, and the frames that were active.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use riser_abi::VmCtx;
use riser_ops::TrapCode;

/// An activation ended early.
#[derive(Debug)]
pub struct Exit {
    /// Why.
    pub reason: ExitReason,
    /// The frames that were active.
    pub frames: Backtrace,
}

/// Why an activation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// A trap.
    Trap(TrapCode),
    /// A host function failed; the store keeps its error.
    HostError,
    /// An exception left the activation; the store keeps it.
    Exception,
}

/// A frame of a Wasm function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The instance.
    pub vmctx: *mut VmCtx,
    /// The function, counted from the first defined one.
    pub func: u32,
    /// Where it is, as an offset into its lowered code (see [`crate::InterpModule::wasm_offset`]).
    pub pc: u32,
}

/// How many frames are kept of each end of a backtrace.
const KEPT: usize = 32;

/// The active frames, innermost first. Of a deep stack the middle is left out.
#[derive(Clone, Debug, Default)]
pub struct Backtrace {
    innermost: Vec<FrameInfo>,
    outermost: VecDeque<FrameInfo>,
    omitted: usize,
}

impl Backtrace {
    /// The frames at the inner end.
    pub fn innermost(&self) -> &[FrameInfo] {
        &self.innermost
    }

    /// How many frames follow that were not kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The frames at the outer end, those not among the innermost.
    pub fn outermost(&self) -> impl Iterator<Item = &FrameInfo> {
        self.outermost.iter()
    }

    /// All frames that were kept, innermost first.
    pub fn iter(&self) -> impl Iterator<Item = &FrameInfo> {
        self.innermost.iter().chain(&self.outermost)
    }

    /// Adds the next frame outwards.
    pub(crate) fn push(&mut self, frame: FrameInfo) {
        if self.innermost.len() < KEPT {
            self.innermost.push(frame);
            return;
        }
        if self.outermost.len() == KEPT {
            self.outermost.pop_front();
            self.omitted += 1;
        }
        self.outermost.push_back(frame);
    }
}
