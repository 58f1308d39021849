//! Numeric operators.

use super::Translator;
use riser_front::SimpleImm;
use riser_ops::SimpleOp;

impl Translator<'_> {
    pub fn lower_simple(&mut self, _: SimpleOp, _: SimpleImm) {
        self.fail("an operator");
    }
}
