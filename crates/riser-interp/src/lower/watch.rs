//! What bounds execution: instructions that are only emitted if the options ask for them.

use super::Lowerer;
use crate::code::Misc;
use riser_ops::FuncIdx;

impl Lowerer<'_> {
    /// A function is entered.
    pub(super) fn watch_entry(&mut self, func: FuncIdx) {
        // Who is interrupted here is at the body's start.
        self.offset = self.module.body(func).map_or(0, |body| body.start);
        self.watch_epoch();
    }

    /// Control comes here again and again.
    pub(super) fn watch_epoch(&mut self) {
        if self.options.epochs {
            self.emit(Misc::Epoch);
        }
    }
}
