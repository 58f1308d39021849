//! Evaluates constant expressions.

use crate::instance::Instance;
use riser_abi::GlobalCell;
use riser_module::{ConstExpr, ConstOp};
use riser_ops::GlobalIdx;

/// The name of an operator that cannot be evaluated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported(pub(crate) &'static str);

fn low(value: u64) -> GlobalCell {
    GlobalCell { slots: [value, 0] }
}

/// Evaluates a valid expression in an instance whose imports and earlier globals are there.
pub(crate) fn evaluate(
    instance: &mut Instance,
    expr: &ConstExpr,
) -> Result<GlobalCell, Unsupported> {
    if let [op] = expr.ops()
        && let Some(value) = operand(instance, *op)?
    {
        return Ok(value);
    }
    let mut stack: Vec<GlobalCell> = Vec::with_capacity(expr.ops().len());
    for &op in expr.ops() {
        let value = match operand(instance, op)? {
            Some(value) => value,
            None => {
                let b = pop(&mut stack);
                binary(op, pop(&mut stack), b)
            }
        };
        stack.push(value);
    }
    Ok(pop_cell(&mut stack))
}

fn pop_cell(stack: &mut Vec<GlobalCell>) -> GlobalCell {
    stack.pop().expect("a valid expression leaves a value")
}

fn pop(stack: &mut Vec<GlobalCell>) -> u64 {
    pop_cell(stack).slots[0]
}

/// The value of an operator without operands; `None` for the others.
fn operand(instance: &mut Instance, op: ConstOp) -> Result<Option<GlobalCell>, Unsupported> {
    Ok(Some(match op {
        ConstOp::I32Const(value) => low(u64::from(value as u32)),
        ConstOp::I64Const(value) => low(value as u64),
        ConstOp::F32Const(bits) => low(u64::from(bits)),
        ConstOp::F64Const(bits) => low(bits),
        ConstOp::V128Const(bits) => GlobalCell { slots: [bits as u64, (bits >> 64) as u64] },
        ConstOp::GlobalGet(global) => read_global(instance, global),
        ConstOp::RefNull(_) => low(0),
        ConstOp::RefFunc(func) => low(instance.func_ref(func).to_slot()),
        ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => return Ok(None),
        ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => return Ok(None),
        ConstOp::RefI31 => return Err(Unsupported("ref.i31")),
        ConstOp::StructNew(_) => return Err(Unsupported("struct.new")),
        ConstOp::StructNewDefault(_) => return Err(Unsupported("struct.new_default")),
        ConstOp::ArrayNew(_) => return Err(Unsupported("array.new")),
        ConstOp::ArrayNewDefault(_) => return Err(Unsupported("array.new_default")),
        ConstOp::ArrayNewFixed(..) => return Err(Unsupported("array.new_fixed")),
        ConstOp::AnyConvertExtern => return Err(Unsupported("any.convert_extern")),
        ConstOp::ExternConvertAny => return Err(Unsupported("extern.convert_any")),
    }))
}

fn read_global(instance: &Instance, global: GlobalIdx) -> GlobalCell {
    let global = instance.global(global);
    assert!(!global.is_null(), "a valid expression reads earlier globals only");
    // SAFETY: the address of a global of the store.
    unsafe { (*global).cell }
}

fn binary(op: ConstOp, a: u64, b: u64) -> GlobalCell {
    let i32 = |value: u32| low(u64::from(value));
    let (a32, b32) = (a as u32, b as u32);
    match op {
        ConstOp::I32Add => i32(a32.wrapping_add(b32)),
        ConstOp::I32Sub => i32(a32.wrapping_sub(b32)),
        ConstOp::I32Mul => i32(a32.wrapping_mul(b32)),
        ConstOp::I64Add => low(a.wrapping_add(b)),
        ConstOp::I64Sub => low(a.wrapping_sub(b)),
        ConstOp::I64Mul => low(a.wrapping_mul(b)),
        op => unreachable!("{op:?} is not a binary operator"),
    }
}
