//! Loads and stores.

use super::Translator;
use riser_front::MemArg;
use riser_ops::AccessOp;

impl Translator<'_> {
    pub fn lower_access(&mut self, _: AccessOp, _: MemArg) {
        self.fail("an operator");
    }
}
