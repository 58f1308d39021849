//! The instruction set of lowered code, and how an instruction is encoded.
//!
//! Code is a row of bytes without alignment. An instruction is an *opcode word* (the address of its handler,
//! see `exec`) followed by its fields in the machine's byte order. While a body is lowered the opcode
//! words are empty and the opcodes stand in a list beside the code ([`Instr`]), which also says which
//! operator of the body each instruction comes from; linking fills the words in and drops the list.
//!
//! | field | bytes | meaning |
//! | --- | --- | --- |
//! | slot | 2 | a slot of the frame |
//! | immediate | 4, for `f64` 8 | an operand: `i64` is sign-extended |
//! | jump | 4 | distance from the field itself to the target |
//!
//! Opcodes come in regions. In most of them an operator of the table has a block of 16 opcodes for the
//! places where its operands and its result can be: a slot (`S`), the accumulator of their type
//! (`A`), or an immediate (`I`). A result that goes to a slot goes to the accumulator as well; bit 3 of
//! the opcode ([`TO_ACC`]) says that only the accumulator gets it.

use crate::catches::Catches;
use riser_ops::{AccessOp, SimpleOp};

/// An opcode: a region and a position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opcode(pub(crate) u16);

/// Set in an opcode whose result goes to the accumulator alone.
pub(crate) const TO_ACC: u16 = 8;

/// How many scalar simple operators there are.
pub(crate) const SCALARS: usize = SimpleOp::I8x16Shuffle as usize;
/// How many comparisons stand at the start of the scalar operators; each can be fused with a branch.
pub(crate) const COMPARISONS: usize = SimpleOp::F64Ge as usize + 1;
/// How many accesses there are.
pub(crate) const ACCESSES: usize = AccessOp::ROWS.len();
/// How many vector operators there are.
pub(crate) const VECTORS: usize = SimpleOp::ROWS.len() - SCALARS;

/// How many operators on two `i64` there are: comparisons, then the others.
pub(crate) const WIDES: usize = WIDE_COMPARISONS + WIDE_ARITHMETIC;
/// Comparisons of two `i64`.
pub(crate) const WIDE_COMPARISONS: usize = SimpleOp::I64GeU as usize - SimpleOp::I64Eq as usize + 1;
const WIDE_ARITHMETIC: usize = SimpleOp::I64Rotr as usize - SimpleOp::I64Add as usize + 1;

/// The position of an operator on two `i64` among those.
pub(crate) fn wide_position(op: SimpleOp) -> Option<u16> {
    const EQ: u16 = SimpleOp::I64Eq as u16;
    const GE: u16 = SimpleOp::I64GeU as u16;
    const ADD: u16 = SimpleOp::I64Add as u16;
    const ROTR: u16 = SimpleOp::I64Rotr as u16;
    match op as u16 {
        op @ EQ..=GE => Some(op - EQ),
        op @ ADD..=ROTR => Some(op - ADD + WIDE_COMPARISONS as u16),
        _ => None,
    }
}

/// Where the regions begin. `Misc` is the first.
pub(crate) mod region {
    use super::{ACCESSES, COMPARISONS, SCALARS, VECTORS, WIDE_COMPARISONS, WIDES};

    /// `select`, a block for each of integers, `f32`, `f64`.
    pub(crate) const SELECT: u16 = 256;
    /// `global.get`, a block for integers.
    pub(crate) const GLOBAL: u16 = SELECT + 3 * 16;
    /// `global.get` and addition of a constant, a block.
    pub(crate) const GLOBAL_ADD: u16 = GLOBAL + 16;
    /// Scalar operators, a block each.
    pub(crate) const SCALAR: u16 = GLOBAL_ADD + 16;
    /// Fused compare and branch, a block for each comparison, and one for `i32.and`.
    pub(crate) const BRANCH: u16 = SCALAR + 16 * SCALARS as u16;
    /// Accesses, a block each.
    pub(crate) const ACCESS: u16 = BRANCH + 16 * (COMPARISONS as u16 + 1);
    /// Loads from a sum, a block for each access.
    pub(crate) const INDEXED: u16 = ACCESS + 16 * ACCESSES as u16;
    /// Operators on two `i64`, the second an immediate of 64 bits, a block each.
    pub(crate) const WIDE: u16 = INDEXED + 16 * ACCESSES as u16;
    /// The same fused with a branch, for the comparisons.
    pub(crate) const WIDE_BRANCH: u16 = WIDE + 16 * WIDES as u16;
    /// `i32.add` of a constant, fused with a branch on a comparison of the sum: a block for each comparison
    /// of `i32`.
    pub(crate) const ADD_BRANCH: u16 = WIDE_BRANCH + 16 * WIDE_COMPARISONS as u16;
    /// A product with a constant, added to an `i32`: a block.
    pub(crate) const MUL_ADD: u16 = ADD_BRANCH + 16 * 11;
    /// Vector operators.
    pub(crate) const VECTOR: u16 = MUL_ADD + 16;
    /// Behind the last region.
    pub(crate) const END: u16 = VECTOR + VECTORS as u16;
}

/// Positions in the block of a binary operator, and of a comparison fused with a branch (which has only the
/// first six, and at [`branch::NOT`] the same for a branch taken if the comparison fails).
pub(crate) mod binary {
    pub(crate) const SS: u16 = 0;
    pub(crate) const AS: u16 = 1;
    pub(crate) const SA: u16 = 2;
    pub(crate) const SI: u16 = 3;
    pub(crate) const AI: u16 = 4;
    pub(crate) const AA: u16 = 5;
    pub(crate) const IS: u16 = 6;
    pub(crate) const IA: u16 = 7;
}

/// Positions in the block of a unary operator or a load.
pub(crate) mod unary {
    pub(crate) const S: u16 = 0;
    pub(crate) const A: u16 = 1;
    /// Loads only: the address is a constant.
    pub(crate) const I: u16 = 2;
    /// Loads only: any memory with 32-bit addresses, any offset.
    pub(crate) const FAR32: u16 = 3;
    /// Loads only: any memory with 64-bit addresses, any offset.
    pub(crate) const FAR64: u16 = 4;
}

/// Positions in the block of a load from a sum. The summands' places; the last two are a product with a
/// constant and a slot.
pub(crate) mod indexed {
    pub(crate) const SS: u16 = 0;
    pub(crate) const AS: u16 = 1;
    pub(crate) const SI: u16 = 2;
    pub(crate) const AI: u16 = 3;
    pub(crate) const SCALED_S: u16 = 4;
    pub(crate) const SCALED_A: u16 = 5;
}

/// Positions in the block of an addition fused with a branch. [`branch::NOT`] applies as well.
pub(crate) mod add_branch {
    /// The sum is compared with a slot (or with zero).
    pub(crate) const S: u16 = 0;
    /// The sum is compared with an immediate.
    pub(crate) const I: u16 = 1;
}

/// Positions in the block of a store: where the address is, where the value is.
pub(crate) mod store {
    pub(crate) const SS: u16 = 0;
    pub(crate) const SA: u16 = 1;
    pub(crate) const SI: u16 = 2;
    pub(crate) const AS: u16 = 3;
    pub(crate) const AA: u16 = 4;
    pub(crate) const AI: u16 = 5;
    pub(crate) const IS: u16 = 6;
    pub(crate) const IA: u16 = 7;
    pub(crate) const II: u16 = 8;
    /// Any memory with 32-bit addresses, any offset.
    pub(crate) const FAR32: u16 = 9;
    /// Any memory with 64-bit addresses, any offset.
    pub(crate) const FAR64: u16 = 10;
}

/// Positions in the block of an atomic access, which has all operands in slots.
pub(crate) mod atomic {
    /// Any memory with 32-bit addresses.
    pub(crate) const FAR32: u16 = 0;
    /// Any memory with 64-bit addresses.
    pub(crate) const FAR64: u16 = 1;
}

/// Bits of a `select`'s position in its block.
pub(crate) mod select {
    /// The condition is in the accumulator.
    pub(crate) const COND_ACC: u16 = 1;
    /// The first operand is an immediate (integers only).
    pub(crate) const FIRST_IMM: u16 = 2;
    /// The second operand is an immediate (integers only).
    pub(crate) const SECOND_IMM: u16 = 4;
}

/// Positions in the block of a fused branch.
pub(crate) mod branch {
    /// Added when the branch is taken if the comparison is false.
    pub(crate) const NOT: u16 = 8;
    /// The comparison that stands for `i32.and`: is any bit of the conjunction set?
    pub(crate) const AND: u16 = super::COMPARISONS as u16;
}

/// What an instruction's field is, for those who print code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A slot that is written.
    D,
    /// A slot that is read.
    S,
    /// The first of several slots (arguments, results).
    B,
    /// A small number.
    N16,
    /// A number.
    N32,
    /// An immediate operand.
    I32,
    /// An immediate operand.
    I64,
    /// A vector.
    I128,
    /// A jump.
    J,
    /// A count of jumps, and as many jumps.
    Jumps,
}

/// Declares the instructions that belong to no block: `Name "name" [fields];`
macro_rules! misc {
    ($($(#[$doc:meta])* $name:ident $text:literal [$($field:ident)*];)*) => {
        /// The instructions of the first region.
        #[allow(clippy::upper_case_acronyms, reason = "one letter per operand")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum Misc { $($(#[$doc])* $name),* }

        impl Misc {
            /// Name and fields of each, in order.
            pub(crate) const ROWS: &'static [(&'static str, &'static [Field])] =
                &[$(($text, &[$(Field::$field),*])),*];
        }

        /// Hands the names of all instructions of the first region to a macro.
        macro_rules! for_each_misc { ($callback:ident) => { $callback! { $($name)* } } }
        pub(crate) use for_each_misc;
    };
}

misc! {
    Unreachable "unreachable" [];
    AtomicFence "atomic.fence" [];
    Br "br" [J];
    /// A copy, or two, before the branch.
    BrCopy "br_copy" [D S J];
    BrCopy2 "br_copy2" [D S D S J];
    /// The index, what is added to it.
    BrTableS "br_table" [S I32 Jumps];
    BrTableA "br_table a" [I32 Jumps];

    Ret "return" [];
    RetIntS "return.int" [S];
    RetIntA "return.int a" [];
    RetIntI "return.int" [I32];
    RetF32S "return.f32" [S];
    RetF32A "return.f32 a" [];
    RetF64S "return.f64" [S];
    RetF64A "return.f64 a" [];

    CopyS "copy" [D S];
    CopyIntA "copy.int a" [D];
    CopyF32A "copy.f32 a" [D];
    CopyF64A "copy.f64 a" [D];
    /// Two copies, the first one first.
    Copy2 "copy2" [D S D S];
    Copy128 "copy.v128" [D S];
    /// Many slots side by side: where to, where from, how many.
    CopyMany "copy_many" [N32 N32 N32];
    Const32 "const" [D I32];
    Const64 "const" [D I64];
    Const128 "const.v128" [D I128];

    /// The first slot, and how many are needed. All of these are equally long: which it is becomes clear
    /// late.
    Zero1 "zero1" [N32 N32];
    Zero2 "zero2" [N32 N32];
    Zero3 "zero3" [N32 N32];
    Zero4 "zero4" [N32 N32];
    Zero6 "zero6" [N32 N32];
    Zero8 "zero8" [N32 N32];
    Zero12 "zero12" [N32 N32];
    Zero16 "zero16" [N32 N32];
    ZeroN "zero" [N32 N32];

    /// Copies from a slot that a field cannot name.
    FarLoad "far_load" [D N32];
    /// Copies to a slot that a field cannot name.
    FarStore "far_store" [N32 S];

    SelectV128 "select.v128" [D S S S];
    GlobalGetF32 "global.get.f32" [D N32];
    GlobalGetF64 "global.get.f64" [D N32];
    GlobalGetV128 "global.get.v128" [D N32];
    GlobalSetS "global.set" [S N32];
    GlobalSetIntA "global.set.int a" [N32];
    GlobalSetI "global.set" [I32 N32];
    GlobalSetV128 "global.set.v128" [S N32];
    /// A sum with a constant.
    GlobalSetSum "global.set.sum" [S I32 N32];
    /// `global.get`, addition of a constant, and `global.set` of the sum, which goes to a slot as well.
    GlobalMove "global.move" [D N32 I32];

    /// Offset of the callee's header, first argument.
    Call "call" [N32 B];
    CallFar "call_far" [N32 N32];
    /// A copy, or two, before the call.
    CallCopy "call_copy" [D S N32 B];
    CallCopy2 "call_copy2" [D S D S N32 B];
    CallImport "call_import" [N32 N32];
    /// Index, table, canonical type, first argument.
    CallIndirectS "call_indirect" [S N32 N32 N32];
    CallIndirectA "call_indirect a" [N32 N32 N32];
    CallIndirect64 "call_indirect64" [S N32 N32 N32];
    CallRef "call_ref" [S N32];
    /// As above, and the number of argument slots.
    ReturnCall "return_call" [N32 N32 N16];
    ReturnCallImport "return_call_import" [N32 N32 N16];
    ReturnCallIndirect "return_call_indirect" [S N32 N32 N32 N16];
    ReturnCallIndirect64 "return_call_indirect64" [S N32 N32 N32 N16];
    ReturnCallRef "return_call_ref" [S N32 N16];

    /// The memory, the binary logarithm of the page size.
    MemorySize "memory.size" [D N32 N16];
    /// Delta, memory, whether it is 64-bit.
    MemoryGrow "memory.grow" [D S N32 N16];
    /// Destination, source, length; memories; which operands are 32-bit.
    MemoryCopy "memory.copy" [S S S N32 N32 N16];
    MemoryFill "memory.fill" [S S S N32 N16];
    MemoryInit "memory.init" [S S S N32 N32 N16];
    DataDrop "data.drop" [N32];

    TableGet "table.get" [D S N32 N16];
    TableSet "table.set" [S S N32 N16];
    TableSize "table.size" [D N32];
    TableGrow "table.grow" [D S S N32 N16];
    TableFill "table.fill" [S S S N32 N16];
    TableCopy "table.copy" [S S S N32 N32 N16];
    TableInit "table.init" [S S S N32 N32 N16];
    ElemDrop "elem.drop" [N32];

    /// The tag's index, the first value.
    Throw "throw" [N32 N32];
    ThrowRef "throw_ref" [S];

    RefFunc "ref.func" [D N32];
    RefAsNonNull "ref.as_non_null" [S];

    /// The result, the reference, the type.
    RefTest "ref.test" [D S N32];
    RefCast "ref.cast" [S N32];
    /// The canonical type, the first of the operands, which becomes the result.
    StructNew "struct.new" [N32 N32];
    StructNewDefault "struct.new_default" [N32 N32];
    /// As above, and how many slots the element takes.
    ArrayNew "array.new" [N32 N32 N32];
    ArrayNewDefault "array.new_default" [N32 N32];
    /// As above, and the number of elements.
    ArrayNewFixed "array.new_fixed" [N32 N32 N32];
    /// As above, and the segment.
    ArrayNewData "array.new_data" [N32 N32 N32];
    ArrayNewElem "array.new_elem" [N32 N32 N32];
    /// The object, the field; how it is read or written (`riser_abi::object_access`).
    StructGet "struct.get" [D S N32 N16];
    StructSet "struct.set" [S S N32 N16];
    ArrayGet "array.get" [D S S N16];
    ArraySet "array.set" [S S S N16];
    ArrayLen "array.len" [D S];
    /// The first operand, and how many slots the element takes.
    ArrayFill "array.fill" [N32 N32];
    ArrayCopy "array.copy" [N32];
    /// The first operand, the segment.
    ArrayInitData "array.init_data" [N32 N32];
    ArrayInitElem "array.init_elem" [N32 N32];

    /// Looks whether the epoch has reached its deadline.
    Epoch "epoch" [];
    /// Takes fuel.
    Fuel "fuel" [N32];

    CanonF32 "canonicalize.f32" [D S];
    CanonF64 "canonicalize.f64" [D S];
    CanonF32x4 "canonicalize.f32x4" [D S];
    CanonF64x2 "canonicalize.f64x2" [D S];
}

const _: () = assert!(Misc::ROWS.len() <= region::SELECT as usize);

impl From<Misc> for Opcode {
    fn from(op: Misc) -> Opcode {
        Opcode(op as u16)
    }
}

impl Opcode {
    /// A scalar operator with its operands at `variant`.
    pub(crate) fn scalar(op: SimpleOp, variant: u16) -> Opcode {
        Opcode(region::SCALAR + op as u16 * 16 + variant)
    }

    /// A branch on a comparison (or on [`branch::AND`]).
    pub(crate) fn branch(comparison: u16, variant: u16) -> Opcode {
        Opcode(region::BRANCH + comparison * 16 + variant)
    }

    /// An operator on two `i64` with an immediate of 64 bits.
    pub(crate) fn wide(position: u16, variant: u16) -> Opcode {
        Opcode(region::WIDE + position * 16 + variant)
    }

    /// A branch on a comparison of two `i64` with an immediate of 64 bits.
    pub(crate) fn wide_branch(position: u16, variant: u16) -> Opcode {
        Opcode(region::WIDE_BRANCH + position * 16 + variant)
    }

    /// An addition of a constant fused with a branch on a comparison of the sum.
    pub(crate) fn add_branch(comparison: SimpleOp, variant: u16) -> Opcode {
        Opcode(region::ADD_BRANCH + comparison as u16 * 16 + variant)
    }

    /// An access.
    pub(crate) fn access(op: AccessOp, variant: u16) -> Opcode {
        Opcode(region::ACCESS + op as u16 * 16 + variant)
    }

    /// A load from a sum.
    pub(crate) fn indexed(op: AccessOp, variant: u16) -> Opcode {
        Opcode(region::INDEXED + op as u16 * 16 + variant)
    }

    /// Whether this is a scalar operator, and if so, its position in its block.
    pub(crate) fn as_scalar(self, op: SimpleOp) -> Option<u16> {
        let variant = self.0.checked_sub(region::SCALAR + op as u16 * 16)?;
        (variant < 16).then_some(variant)
    }

    /// A vector operator.
    pub(crate) fn vector(op: SimpleOp) -> Opcode {
        Opcode(region::VECTOR + (op as u16 - SCALARS as u16))
    }

    /// The same instruction with its result in the accumulator alone. Only for instructions that put it
    /// there.
    pub(crate) fn to_acc(self) -> Opcode {
        debug_assert!(self.0 >= region::SELECT && self.0 < region::VECTOR);
        Opcode(self.0 | TO_ACC)
    }
}

/// An instruction as lowering knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instr {
    /// Where its opcode word stands in the code.
    pub(crate) at: u32,
    /// Offset in the module of the operator it was made for.
    pub(crate) wasm_offset: u32,
    /// What it is.
    pub(crate) opcode: Opcode,
}

/// The lowered code of one function, before linking.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    /// The code, its opcode words empty.
    pub(crate) code: alloc::vec::Vec<u8>,
    /// The instructions in order.
    pub(crate) instrs: alloc::vec::Vec<Instr>,
    /// The slots that its frame takes at most.
    pub(crate) frame_slots: u32,
    /// Where execution begins. What stands before turned out not to be needed.
    pub(crate) entry: u32,
    /// What it catches.
    pub(crate) catches: Catches,
}

impl Lowered {
    /// The offset in the module of the operator to which the code at `pc`, counted from the entry, belongs.
    pub(crate) fn wasm_offset(&self, pc: u32) -> u32 {
        let at = pc + self.entry;
        let behind = self.instrs.partition_point(|instr| instr.at <= at);
        behind.checked_sub(1).map_or(0, |i| self.instrs[i].wasm_offset)
    }
}

const _: () = {
    assert!(region::SELECT.is_multiple_of(16) && region::SCALAR.is_multiple_of(16));
    assert!(region::ACCESS.is_multiple_of(16));
    assert!((region::END as usize) < u16::MAX as usize);
};
