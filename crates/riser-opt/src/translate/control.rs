//! Not yet.

use super::Translator;
use riser_front::{BlockSignature, End, Target};
use riser_ops::{FuncType, RefType, ValType};

/// An open block.
#[derive(Debug)]
pub(super) struct Label;

impl Translator<'_> {
    pub fn lower_unreachable(&mut self) {
        self.fail("an operator");
    }

    pub fn lower_block(&mut self, _: BlockSignature<'_>) {
        self.fail("an operator");
    }

    pub fn lower_loop(&mut self, _: BlockSignature<'_>) {
        self.fail("an operator");
    }

    pub fn lower_if(&mut self, _: BlockSignature<'_>) {
        self.fail("an operator");
    }

    pub fn lower_else(&mut self, _: BlockSignature<'_>, _: bool) {
        self.fail("an operator");
    }

    pub fn lower_end(&mut self, _: End, _: &[ValType]) {
        self.fail("an operator");
    }

    pub fn lower_br(&mut self, _: Target) {
        self.fail("an operator");
    }

    pub fn lower_br_if(&mut self, _: Target) {
        self.fail("an operator");
    }

    pub fn lower_br_table(&mut self, _: &[Target], _: Target) {
        self.fail("an operator");
    }

    pub fn lower_return(&mut self, _: Target) {
        self.fail("an operator");
    }

    pub fn lower_br_on_null(&mut self, _: Target, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_br_on_non_null(&mut self, _: Target, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_br_on_cast(&mut self, _: Target, _: RefType, _: RefType) {
        self.fail("an operator");
    }

    pub fn lower_br_on_cast_fail(&mut self, _: Target, _: RefType, _: RefType) {
        self.fail("an operator");
    }

    pub(super) fn open_body(&mut self, _: &FuncType) {
        self.labels.push(Label);
    }
}
