//! Atomic accesses and fences.

use super::Translator;

impl Translator<'_> {
    pub fn lower_atomic_fence(&mut self) {
        self.fail("an operator");
    }
}
