//! The canonical frame: where each local and operand of a function lies.
//!
//! A frame is a row of 8-byte [`Slot`]s: the parameters, then the declared locals, then the operand stack by
//! height. A vector takes two slots, low half first; everything else takes one.
//!
//! | type | in its slot |
//! | --- | --- |
//! | `i32`, `f32` | the value in the low half; the high half may hold anything |
//! | `i64`, `f64` | the value |
//! | function references | the address of a [`crate::FuncRef`], 0 for null |
//! | other references | an index into the store's heap in the low half, 0 for null; the high half is 0 |
//!
//! The interpreter's calls follow from this: a caller leaves the arguments on its operand stack, the
//! callee's frame begins at the first of them (they are its parameters already), and its results are
//! left from the same slot on, where the caller expects them.

use riser_ops::ValType;

/// An untyped cell of a frame.
pub type Slot = u64;

/// The number of slots of each part of a function's frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameLayout {
    /// Slots of the parameters.
    pub params: u32,
    /// Slots of all locals, the parameters included: the operand stack begins here.
    pub locals: u32,
}

impl FrameLayout {
    /// The layout for parameters and for declared locals given as runs of equal types.
    pub fn new(params: &[ValType], locals: &[(u32, ValType)]) -> FrameLayout {
        let params = Self::slots_of(params);
        let declared: u32 = locals.iter().map(|(count, ty)| count * ty.slots()).sum();
        FrameLayout { params, locals: params + declared }
    }

    /// How many slots values of these types take one after the other.
    pub fn slots_of(types: &[ValType]) -> u32 {
        types.iter().map(|ty| ty.slots()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_take_two_slots() {
        let layout = FrameLayout::new(
            &[ValType::I32, ValType::V128],
            &[(3, ValType::V128), (1, ValType::F32)],
        );
        assert_eq!(layout, FrameLayout { params: 3, locals: 10 });
    }
}
