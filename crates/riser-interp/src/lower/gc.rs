//! Operators on the garbage-collected heap: not executed yet. Each becomes an instruction that ends the
//! activation and names it; the operand stack is followed as if it worked.

use super::Lowerer;
use super::operands::Class;
use crate::code::Misc;
use riser_ops::{CompositeType, Operator, StorageType, StructuralOp, TypeIdx, ValType};

impl Lowerer<'_> {
    /// An operator that is not executed yet: takes `operands` operands and gives `results`.
    pub(super) fn unsupported(&mut self, op: Operator, operands: usize, results: &[ValType]) {
        self.flush_locals();
        for _ in 0..operands {
            self.pop();
        }
        self.emit(Misc::Unsupported);
        self.u32(op.opcode());
        self.u32(self.offset);
        for &result in results {
            self.push_slot(result);
        }
        self.forget_accs();
    }

    /// The same for a structural operator.
    pub(super) fn gap(&mut self, op: StructuralOp, operands: usize, results: &[ValType]) {
        self.unsupported(Operator::Structural(op), operands, results);
    }

    /// The field types of a structure.
    pub(super) fn fields(&self, ty: TypeIdx) -> usize {
        match self.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Struct(fields)) => fields.len(),
            _ => 0,
        }
    }

    /// The type of a structure's field, as it is read.
    pub(super) fn field_type(&self, ty: TypeIdx, field: u32) -> ValType {
        match self.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Struct(fields)) => {
                fields.get(field as usize).map_or(ValType::I32, |field| field.storage.unpacked())
            }
            _ => ValType::I32,
        }
    }

    /// The type of an array's elements, as they are read.
    pub(super) fn element_type(&self, ty: TypeIdx) -> ValType {
        match self.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Array(field)) => field.storage.unpacked(),
            _ => StorageType::I8.unpacked(),
        }
    }

    /// A branch on a cast: not executed yet, and does not change the operands' number or places.
    pub(super) fn cast_branch(&mut self, op: StructuralOp) {
        let operand = self.pop();
        debug_assert_eq!(operand.class, Class::Int);
        self.push(super::operands::Place::Slot, operand.class);
        self.gap(op, 0, &[]);
    }
}
