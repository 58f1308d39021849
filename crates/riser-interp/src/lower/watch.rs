//! What bounds execution: instructions that are only emitted if the options ask for them.

use super::Lowerer;
use crate::code::Misc;
use riser_ops::{FuncIdx, Operator};

impl Lowerer<'_> {
    /// A function is entered.
    pub(super) fn watch_entry(&mut self, func: FuncIdx) {
        // Who is interrupted here is at the body's start.
        self.offset = self.module.body(func).map_or(0, |body| body.start);
        self.watch_epoch();
    }

    /// An operator follows. What it costs, and the pure operators before it, is paid before it is executed, unless it
    /// is pure itself: so whoever looks at the fuel (a host function, or whoever gets a trap) finds that of exactly
    /// the operators that were executed.
    pub(super) fn meter(&mut self) {
        let Some(op) = self.operator() else { return };
        // A body has fewer than 2^24 operators, and each costs less than 2^8.
        self.unpaid += u32::from(op.cost());
        if op.is_pure() || self.unpaid == 0 {
            return;
        }
        let cost = core::mem::take(&mut self.unpaid);
        let pay = |this: &mut Self| {
            this.emit(Misc::Fuel);
            this.u32(cost);
        };
        // A comparison does not trap, and a branch that follows is to be fused with it: pay before both.
        if self.last.is_some_and(|last| last.compare.is_some()) {
            self.before_last(pay);
        } else {
            pay(self);
        }
    }

    /// The operator at hand.
    fn operator(&self) -> Option<Operator> {
        riser_ops::by_bytes(self.module.bytes.get(self.offset as usize..)?)
    }

    /// Control comes here again and again.
    pub(super) fn watch_epoch(&mut self) {
        if self.options.epochs {
            self.emit(Misc::Epoch);
            self.safepoint();
        }
    }
}
