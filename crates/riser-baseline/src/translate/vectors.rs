//! Vectors.
use super::Translator;
use riser_front::SimpleImm;
use riser_ops::SimpleOp;
impl Translator<'_> {
    /// An operator on vectors.
    pub(super) fn vector_operator(&mut self, _: SimpleOp, _: SimpleImm) {
        self.fail("vectors, yet");
    }
}
