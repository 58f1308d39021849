//! What is noted of the code besides its bytes: traps, positions, calls.

use crate::asm::Label;
use alloc::vec::Vec;
use riser_code::{CallSite, Handler, Position, TrapSite};
use riser_ops::TrapCode;

/// A call, before the size of the frame is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The return address.
    pub offset: u32,
    /// Where its references begin in [`Notes::references`]; they end where those of the next call begin.
    pub references: u32,
    /// The scope whose clauses handle what it throws.
    pub scope: u32,
}

/// Where a reference is during a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Root {
    /// So many bytes below the frame pointer.
    Below(u32),
    /// So many bytes above the stack pointer.
    Row(u32),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub traps: Vec<TrapSite>,
    pub positions: Vec<Position>,
    pub calls: Vec<Call>,
    pub references: Vec<Root>,
    /// Traps that stand behind the code.
    pub far_traps: Vec<FarTrap>,
    /// The calls as the artifact has them.
    pub sites: Vec<CallSite>,
}

/// A trap that stands behind the code, and is jumped to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FarTrap {
    pub label: Label,
    pub code: TrapCode,
    /// The operator.
    pub wasm: u32,
}

impl Notes {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.traps.clear();
        self.positions.clear();
        self.calls.clear();
        self.references.clear();
        self.far_traps.clear();
        self.sites.clear();
    }

    /// Code at `offset` and behind is of an operator.
    pub fn position(&mut self, offset: u32, wasm: u32) {
        if let Some(last) = self.positions.last_mut() {
            if last.wasm == wasm {
                return;
            }
            if last.offset == offset {
                last.wasm = wasm;
                return;
            }
        }
        self.positions.push(Position { offset, wasm });
    }

    /// Makes the sites of the calls; `handlers` gives those of a call by its number.
    pub fn make_sites(&mut self, frame_bytes: u32, handlers: impl Fn(usize) -> Vec<Handler>) {
        let ends = self.calls.iter().skip(1).map(|call| call.references as usize);
        let ends = ends.chain([self.references.len()]);
        let site = |(number, (call, end)): (usize, (&Call, usize))| {
            let roots = self.references[call.references as usize..end].iter();
            let mut references: Vec<u32> = roots
                .map(|root| match *root {
                    Root::Below(distance) => frame_bytes - distance,
                    Root::Row(offset) => offset,
                })
                .collect();
            references.sort_unstable();
            let handlers = handlers(number);
            CallSite { offset: call.offset, frame_bytes, references, handlers }
        };
        self.sites.extend(self.calls.iter().zip(ends).enumerate().map(site));
    }
}
