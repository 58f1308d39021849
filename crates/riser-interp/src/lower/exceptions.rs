//! Exceptions: not executed yet. Nothing is ever thrown, so that a `try` is a block whose handlers are never
//! entered.

use super::Lowerer;
use crate::code::Misc;
use riser_front::{BlockSignature, End};
use riser_ops::{FuncType, Operator, StructuralOp, ValType};

impl Lowerer<'_> {
    /// An operator that is not executed yet: takes `operands` operands.
    fn gap(&mut self, op: StructuralOp, operands: usize) {
        self.flush_locals();
        for _ in 0..operands {
            self.pop();
        }
        self.emit(Misc::Unsupported);
        self.u32(Operator::Structural(op).opcode());
        self.u32(self.offset);
        self.forget_accs();
    }

    /// A `try` or `try_table`.
    pub(super) fn op_try(&mut self, op: StructuralOp, signature: BlockSignature<'_>) {
        self.gap(op, 0);
        self.op_block(signature);
    }

    /// `throw`, `rethrow`, `throw_ref`.
    pub(super) fn op_throw(&mut self, op: StructuralOp, operands: usize) {
        self.gap(op, operands);
        self.emit(Misc::Unreachable);
    }

    /// `catch` and `catch_all` begin a handler: what came before leaves the block.
    pub(super) fn op_catch(
        &mut self,
        payload: Option<&FuncType>,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.next_arm(signature, falls_through);
        for &ty in payload.map_or(&[][..], FuncType::params) {
            self.push_slot(ty);
        }
    }

    pub(super) fn op_delegate(&mut self, end: End, results: &[ValType]) {
        self.op_end(end, results);
    }
}
