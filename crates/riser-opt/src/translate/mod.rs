//! From operators to CLIF.
//!
//! The [`Translator`] is the sink of a walk. Operands are CLIF values on a stack of our own; locals are variables of
//! the function builder, which makes SSA of them. What values look like:
//!
//! | type | in CLIF |
//! | --- | --- |
//! | `i32`, `i64`, `f32`, `f64` | the type of that name |
//! | `v128` | `i8x16`, always: who wants other lanes casts (little-endian) and casts the result back |
//! | references to functions | `i64`, an address, 0 for null |
//! | other references | `i32`, a distance from the heap's start, 0 for null; declared to be in stack maps |

mod vm;

use crate::env::Env;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, TrapCode as ClifTrap, Value, types};
use cranelift_frontend::FunctionBuilder;
use riser_ops::{TrapCode, ValType};

/// See the module's documentation.
pub(crate) struct Translator<'a> {
    pub b: FunctionBuilder<'a>,
    pub env: &'a Env<'a>,
    /// The operands.
    pub stack: Vec<Value>,
    /// The function's own `VmCtx`.
    pub vmctx: Value,
}

/// The CLIF type of values of a type.
pub(crate) fn clif_type(ty: ValType) -> ir::Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
        ty if ty.is_heap_reference() => types::I32,
        _ => types::I64,
    }
}

/// The code by which Cranelift knows a trap of ours.
pub(crate) fn clif_trap(code: TrapCode) -> ClifTrap {
    ClifTrap::unwrap_user(code as u8)
}

impl Translator<'_> {
    pub fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// The walk is of a valid body, so there is an operand.
    pub fn pop(&mut self) -> Value {
        self.stack.pop().expect("a valid body has an operand here")
    }

    /// The operand below the top, and the top.
    pub fn pop2(&mut self) -> (Value, Value) {
        let top = self.pop();
        (self.pop(), top)
    }

    /// Traps if a condition holds.
    pub fn trap_if(&mut self, condition: Value, code: TrapCode) {
        self.b.ins().trapnz(condition, clif_trap(code));
    }

    /// Flags of an access to memory that can neither fault nor be misaligned: to the blocks of the runtime.
    pub fn trusted(&self) -> MemFlagsData {
        MemFlagsData::trusted()
    }
}
