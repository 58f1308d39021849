//! Not yet.

use super::Translator;
use cranelift_codegen::ir::Value;
use riser_front::{BlockSignature, Catch, End};
use riser_ops::{FuncType, TagIdx, ValType};

/// What is known of handlers.
#[derive(Debug, Default)]
pub(super) struct Exceptions;

impl Translator<'_> {
    pub fn lower_throw(&mut self, _: TagIdx, _: &FuncType) {
        self.fail("an operator");
    }

    pub fn lower_throw_ref(&mut self) {
        self.fail("an operator");
    }

    pub fn lower_try_table(&mut self, _: BlockSignature<'_>, _: &[Catch]) {
        self.fail("an operator");
    }

    pub fn lower_try(&mut self, _: BlockSignature<'_>) {
        self.fail("an operator");
    }

    pub fn lower_catch(&mut self, _: TagIdx, _: &FuncType, _: BlockSignature<'_>, _: bool) {
        self.fail("an operator");
    }

    pub fn lower_catch_all(&mut self, _: BlockSignature<'_>, _: bool) {
        self.fail("an operator");
    }

    pub fn lower_delegate(&mut self, _: u32, _: End, _: &[ValType]) {
        self.fail("an operator");
    }

    pub fn lower_rethrow(&mut self, _: u32) {
        self.fail("an operator");
    }

    pub(super) fn raise_to_handlers(&mut self, _: Value, _: Value) -> bool {
        false
    }
}
