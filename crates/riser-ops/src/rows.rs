//! The table as Rust: an enum per class of operator, and a constant row per operator.

use crate::{Features, ValType};

/// What an operator does beyond computing its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing.
    Pure,
    /// May trap.
    Traps,
    /// Nothing, but a NaN in the result of the named type may have any payload the machine gives.
    ComputesNan(NanShape),
    /// Reads state outside the frame.
    Reads,
    /// Writes state outside the frame.
    Writes,
    /// Calls, grows, or allocates: control leaves the function for a while.
    Calls,
    /// Throws an exception.
    Throws,
    /// Transfers control within the function, or delimits a block.
    Control,
}

/// Where in a result a computed NaN may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NanShape {
    /// An `f32`.
    F32,
    /// An `f64`.
    F64,
    /// The four lanes of a vector.
    F32x4,
    /// The two lanes of a vector.
    F64x2,
}

/// The immediate of a simple operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimpleImmediate {
    /// None.
    None,
    /// A lane index below the bound.
    Lane(u8),
    /// Sixteen lane indices, each below 32.
    Shuffle,
}

/// A row of the table of simple operators.
#[derive(Clone, Copy, Debug)]
pub struct SimpleRow {
    /// The operator.
    pub op: SimpleOp,
    /// The lower-case name, also that of the function in `riser-numerics`.
    pub name: &'static str,
    /// The name in the text format.
    pub mnemonic: &'static str,
    /// The opcode: one byte, or `prefix << 16 | sub-opcode`.
    pub opcode: u32,
    /// The immediate.
    pub immediate: SimpleImmediate,
    /// Operand types, deepest first.
    pub params: &'static [ValType],
    /// Result types.
    pub results: &'static [ValType],
    /// The proposal.
    pub feature: Features,
    /// The effect.
    pub effect: Effect,
    /// Units of fuel.
    pub cost: u8,
}

/// What an access does with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessKind {
    /// Loads a number or a whole vector.
    Load,
    /// Stores a number or a whole vector.
    Store,
    /// Loads one element into all lanes.
    LoadSplat,
    /// Loads one element into lane 0 and clears the rest.
    LoadZero,
    /// Loads eight bytes as lanes of twice their width.
    LoadWiden,
    /// Loads one lane of a vector operand.
    LoadLane,
    /// Stores one lane of a vector operand.
    StoreLane,
    /// Loads atomically.
    AtomicLoad,
    /// Stores atomically.
    AtomicStore,
    /// Adds atomically and returns the old value.
    AtomicRmwAdd,
    /// Subtracts atomically and returns the old value.
    AtomicRmwSub,
    /// Ands atomically and returns the old value.
    AtomicRmwAnd,
    /// Ors atomically and returns the old value.
    AtomicRmwOr,
    /// Xors atomically and returns the old value.
    AtomicRmwXor,
    /// Exchanges atomically and returns the old value.
    AtomicRmwXchg,
    /// Compares and exchanges atomically and returns the old value.
    AtomicCmpxchg,
    /// Waits until notified, or until a timeout in nanoseconds.
    Wait,
    /// Wakes waiters.
    Notify,
}

impl AccessKind {
    /// Whether the access is atomic (its alignment must be exactly its width).
    pub const fn is_atomic(self) -> bool {
        !matches!(
            self,
            AccessKind::Load
                | AccessKind::Store
                | AccessKind::LoadSplat
                | AccessKind::LoadZero
                | AccessKind::LoadWiden
                | AccessKind::LoadLane
                | AccessKind::StoreLane
        )
    }

    /// Whether a lane index follows the memory argument.
    pub const fn has_lane(self) -> bool {
        matches!(self, AccessKind::LoadLane | AccessKind::StoreLane)
    }
}

/// How a loaded value narrower than its type is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// Not at all.
    None,
    /// By its sign.
    Sign,
    /// By zeros.
    Zero,
}

/// A row of the table of accesses.
#[derive(Clone, Copy, Debug)]
pub struct AccessRow {
    /// The operator.
    pub op: AccessOp,
    /// The lower-case name.
    pub name: &'static str,
    /// The name in the text format.
    pub mnemonic: &'static str,
    /// The opcode: one byte, or `prefix << 16 | sub-opcode`.
    pub opcode: u32,
    /// What it does.
    pub kind: AccessKind,
    /// The type of the value loaded or stored.
    pub ty: ValType,
    /// Bytes of memory that are touched.
    pub width: u8,
    /// Extension of a loaded value.
    pub extension: Extension,
    /// The proposal.
    pub feature: Features,
    /// Units of fuel.
    pub cost: u8,
}

impl AccessRow {
    /// The largest alignment exponent that the operator allows.
    pub const fn max_align_log2(&self) -> u32 {
        self.width.trailing_zeros()
    }

    /// Operand types after the address, deepest first, and the result, if there is one.
    pub const fn signature(&self) -> (&'static [ValType], Option<ValType>) {
        use AccessKind as K;
        const V: &[ValType] = &[ValType::V128];
        const fn one(ty: ValType) -> &'static [ValType] {
            match ty {
                ValType::I32 => &[ValType::I32],
                ValType::I64 => &[ValType::I64],
                ValType::F32 => &[ValType::F32],
                ValType::F64 => &[ValType::F64],
                _ => V,
            }
        }
        const fn two(ty: ValType) -> &'static [ValType] {
            match ty {
                ValType::I32 => &[ValType::I32, ValType::I32],
                _ => &[ValType::I64, ValType::I64],
            }
        }
        match self.kind {
            K::Load | K::LoadSplat | K::LoadZero | K::LoadWiden | K::AtomicLoad => {
                (&[], Some(self.ty))
            }
            K::Store | K::AtomicStore => (one(self.ty), None),
            K::LoadLane => (V, Some(ValType::V128)),
            K::StoreLane => (V, None),
            K::AtomicRmwAdd
            | K::AtomicRmwSub
            | K::AtomicRmwAnd
            | K::AtomicRmwOr
            | K::AtomicRmwXor
            | K::AtomicRmwXchg => (one(self.ty), Some(self.ty)),
            K::AtomicCmpxchg => (two(self.ty), Some(self.ty)),
            K::Wait => match self.ty {
                ValType::I32 => (&[ValType::I32, ValType::I64], Some(ValType::I32)),
                _ => (&[ValType::I64, ValType::I64], Some(ValType::I32)),
            },
            K::Notify => (&[ValType::I32], Some(ValType::I32)),
        }
    }
}

/// An immediate of a structural operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Immediate {
    /// The type of a block.
    BlockType,
    /// A relative branch depth.
    Label,
    /// The targets of `br_table`.
    Labels,
    /// The handlers of `try_table`.
    Catches,
    /// A function index.
    Func,
    /// A type index.
    Type,
    /// A table index.
    Table,
    /// A memory index.
    Memory,
    /// A local index.
    Local,
    /// A global index.
    Global,
    /// A tag index.
    Tag,
    /// A data segment.
    Data,
    /// An element segment.
    Elem,
    /// A field of a structure.
    Field,
    /// A count of operands.
    Count,
    /// A heap type.
    HeapType,
    /// A list of value types.
    ValTypes,
    /// Two bits that say which types of a cast are nullable.
    CastFlags,
    /// A byte that must be zero.
    ZeroByte,
    /// A signed 32-bit integer.
    I32,
    /// A signed 64-bit integer.
    I64,
    /// The bits of a 32-bit float.
    F32,
    /// The bits of a 64-bit float.
    F64,
    /// The bits of a vector.
    V128,
}

/// A row of the table of structural operators.
#[derive(Clone, Copy, Debug)]
pub struct StructuralRow {
    /// The operator.
    pub op: StructuralOp,
    /// A unique lower-case name.
    pub name: &'static str,
    /// The name in the text format (not unique: `ref.test` has two opcodes).
    pub mnemonic: &'static str,
    /// The opcode: one byte, or `prefix << 16 | sub-opcode`.
    pub opcode: u32,
    /// The immediates, in order.
    pub immediates: &'static [Immediate],
    /// The proposal.
    pub feature: Features,
    /// The effect.
    pub effect: Effect,
    /// Units of fuel.
    pub cost: u8,
}

/// Words of the table's columns, as constants.
#[allow(non_upper_case_globals, reason = "the table's words are lower case")]
mod word {
    use super::{AccessKind, Effect, Extension, Immediate, NanShape, SimpleImmediate, ValType};

    pub(super) mod ty {
        use super::ValType;
        pub const i32: ValType = ValType::I32;
        pub const i64: ValType = ValType::I64;
        pub const f32: ValType = ValType::F32;
        pub const f64: ValType = ValType::F64;
        pub const v128: ValType = ValType::V128;
    }
    pub(super) mod simple_immediate {
        use super::SimpleImmediate;
        pub const none: SimpleImmediate = SimpleImmediate::None;
        pub const lane16: SimpleImmediate = SimpleImmediate::Lane(16);
        pub const lane8: SimpleImmediate = SimpleImmediate::Lane(8);
        pub const lane4: SimpleImmediate = SimpleImmediate::Lane(4);
        pub const lane2: SimpleImmediate = SimpleImmediate::Lane(2);
        pub const shuffle: SimpleImmediate = SimpleImmediate::Shuffle;
    }
    pub(super) mod effect {
        use super::{Effect, NanShape};
        pub const pure: Effect = Effect::Pure;
        pub const traps: Effect = Effect::Traps;
        pub const nan_f32: Effect = Effect::ComputesNan(NanShape::F32);
        pub const nan_f64: Effect = Effect::ComputesNan(NanShape::F64);
        pub const nan_f32x4: Effect = Effect::ComputesNan(NanShape::F32x4);
        pub const nan_f64x2: Effect = Effect::ComputesNan(NanShape::F64x2);
        pub const reads: Effect = Effect::Reads;
        pub const writes: Effect = Effect::Writes;
        pub const calls: Effect = Effect::Calls;
        pub const throws: Effect = Effect::Throws;
        pub const control: Effect = Effect::Control;
    }
    pub(super) mod kind {
        use super::AccessKind;
        pub const load: AccessKind = AccessKind::Load;
        pub const store: AccessKind = AccessKind::Store;
        pub const load_splat: AccessKind = AccessKind::LoadSplat;
        pub const load_zero: AccessKind = AccessKind::LoadZero;
        pub const load_widen: AccessKind = AccessKind::LoadWiden;
        pub const load_lane: AccessKind = AccessKind::LoadLane;
        pub const store_lane: AccessKind = AccessKind::StoreLane;
        pub const atomic_load: AccessKind = AccessKind::AtomicLoad;
        pub const atomic_store: AccessKind = AccessKind::AtomicStore;
        pub const atomic_rmw_add: AccessKind = AccessKind::AtomicRmwAdd;
        pub const atomic_rmw_sub: AccessKind = AccessKind::AtomicRmwSub;
        pub const atomic_rmw_and: AccessKind = AccessKind::AtomicRmwAnd;
        pub const atomic_rmw_or: AccessKind = AccessKind::AtomicRmwOr;
        pub const atomic_rmw_xor: AccessKind = AccessKind::AtomicRmwXor;
        pub const atomic_rmw_xchg: AccessKind = AccessKind::AtomicRmwXchg;
        pub const atomic_cmpxchg: AccessKind = AccessKind::AtomicCmpxchg;
        pub const wait: AccessKind = AccessKind::Wait;
        pub const notify: AccessKind = AccessKind::Notify;
    }
    pub(super) mod extension {
        use super::Extension;
        pub const none: Extension = Extension::None;
        pub const sign: Extension = Extension::Sign;
        pub const zero: Extension = Extension::Zero;
    }
    pub(super) mod immediate {
        use super::Immediate;
        pub const block_type: Immediate = Immediate::BlockType;
        pub const label: Immediate = Immediate::Label;
        pub const labels: Immediate = Immediate::Labels;
        pub const catches: Immediate = Immediate::Catches;
        pub const func: Immediate = Immediate::Func;
        pub const type_idx: Immediate = Immediate::Type;
        pub const table: Immediate = Immediate::Table;
        pub const memory: Immediate = Immediate::Memory;
        pub const local: Immediate = Immediate::Local;
        pub const global: Immediate = Immediate::Global;
        pub const tag: Immediate = Immediate::Tag;
        pub const data: Immediate = Immediate::Data;
        pub const elem: Immediate = Immediate::Elem;
        pub const field: Immediate = Immediate::Field;
        pub const count: Immediate = Immediate::Count;
        pub const heap_type: Immediate = Immediate::HeapType;
        pub const val_types: Immediate = Immediate::ValTypes;
        pub const cast_flags: Immediate = Immediate::CastFlags;
        pub const zero_byte: Immediate = Immediate::ZeroByte;
        pub const i32: Immediate = Immediate::I32;
        pub const i64: Immediate = Immediate::I64;
        pub const f32: Immediate = Immediate::F32;
        pub const f64: Immediate = Immediate::F64;
        pub const v128: Immediate = Immediate::V128;
    }
}

macro_rules! simple_rows {
    ($($op:ident $name:ident $mnemonic:literal $opcode:literal $imm:ident
       ($($param:ident)*) -> ($($result:ident)*) $feature:ident $effect:ident $cost:literal;)*) => {
        /// A simple operator: a function of its operands and its immediate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum SimpleOp { $(#[doc = concat!("`", $mnemonic, "`")] $op),* }

        impl SimpleOp {
            /// All rows, in the order of the variants.
            pub const ROWS: &'static [SimpleRow] = &[$(SimpleRow {
                op: SimpleOp::$op, name: stringify!($name), mnemonic: $mnemonic, opcode: $opcode,
                immediate: word::simple_immediate::$imm,
                params: &[$(word::ty::$param),*], results: &[$(word::ty::$result),*],
                feature: Features::$feature, effect: word::effect::$effect, cost: $cost,
            }),*];
        }
    };
}
for_each_simple!(simple_rows);

macro_rules! access_rows {
    ($($op:ident $name:ident $mnemonic:literal $opcode:literal $kind:ident $ty:ident
       $width:literal $extension:ident $feature:ident $cost:literal;)*) => {
        /// An access to linear memory.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum AccessOp { $(#[doc = concat!("`", $mnemonic, "`")] $op),* }

        impl AccessOp {
            /// All rows, in the order of the variants.
            pub const ROWS: &'static [AccessRow] = &[$(AccessRow {
                op: AccessOp::$op, name: stringify!($name), mnemonic: $mnemonic, opcode: $opcode,
                kind: word::kind::$kind, ty: word::ty::$ty, width: $width,
                extension: word::extension::$extension, feature: Features::$feature, cost: $cost,
            }),*];
        }
    };
}
for_each_access!(access_rows);

macro_rules! structural_rows {
    ($($op:ident $name:ident $mnemonic:literal $opcode:literal ($($imm:ident)*)
       $feature:ident $effect:ident $cost:literal;)*) => {
        /// A structural operator: control, calls, variables, tables, references, heap, exceptions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum StructuralOp { $(#[doc = concat!("`", $mnemonic, "`")] $op),* }

        impl StructuralOp {
            /// All rows, in the order of the variants.
            pub const ROWS: &'static [StructuralRow] = &[$(StructuralRow {
                op: StructuralOp::$op, name: stringify!($name), mnemonic: $mnemonic,
                opcode: $opcode, immediates: &[$(word::immediate::$imm),*],
                feature: Features::$feature, effect: word::effect::$effect, cost: $cost,
            }),*];
        }
    };
}
for_each_structural!(structural_rows);

impl SimpleOp {
    /// The operator's row.
    #[inline(always)]
    pub const fn row(self) -> &'static SimpleRow {
        &Self::ROWS[self as usize]
    }

    /// Whether an operand or a result is a vector (those rows stand behind the scalar ones).
    pub const fn is_vector(self) -> bool {
        self as u16 >= SimpleOp::I8x16Shuffle as u16
    }
}

impl AccessOp {
    /// The operator's row.
    #[inline(always)]
    pub const fn row(self) -> &'static AccessRow {
        &Self::ROWS[self as usize]
    }
}

impl StructuralOp {
    /// The operator's row.
    #[inline(always)]
    pub const fn row(self) -> &'static StructuralRow {
        &Self::ROWS[self as usize]
    }
}

/// Any operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// A function of its operands.
    Simple(SimpleOp),
    /// A load, store or atomic.
    Access(AccessOp),
    /// Everything else.
    Structural(StructuralOp),
}

impl Operator {
    /// Every operator, class by class.
    pub fn all() -> impl Iterator<Item = Operator> {
        let simple = SimpleOp::ROWS.iter().map(|row| Operator::Simple(row.op));
        let access = AccessOp::ROWS.iter().map(|row| Operator::Access(row.op));
        let structural = StructuralOp::ROWS.iter().map(|row| Operator::Structural(row.op));
        simple.chain(access).chain(structural)
    }

    /// The name in the text format.
    pub const fn mnemonic(self) -> &'static str {
        match self {
            Operator::Simple(op) => op.row().mnemonic,
            Operator::Access(op) => op.row().mnemonic,
            Operator::Structural(op) => op.row().mnemonic,
        }
    }

    /// The unique lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Operator::Simple(op) => op.row().name,
            Operator::Access(op) => op.row().name,
            Operator::Structural(op) => op.row().name,
        }
    }

    /// The opcode: one byte, or `prefix << 16 | sub-opcode`.
    pub const fn opcode(self) -> u32 {
        match self {
            Operator::Simple(op) => op.row().opcode,
            Operator::Access(op) => op.row().opcode,
            Operator::Structural(op) => op.row().opcode,
        }
    }

    /// The proposal.
    pub const fn feature(self) -> Features {
        match self {
            Operator::Simple(op) => op.row().feature,
            Operator::Access(op) => op.row().feature,
            Operator::Structural(op) => op.row().feature,
        }
    }

    /// Units of fuel.
    pub const fn cost(self) -> u8 {
        match self {
            Operator::Simple(op) => op.row().cost,
            Operator::Access(op) => op.row().cost,
            Operator::Structural(op) => op.row().cost,
        }
    }

    /// Whether nothing outside the frame can tell when it is executed: it neither traps nor touches state, and does
    /// not transfer control.
    pub const fn is_pure(self) -> bool {
        let effect = match self {
            Operator::Simple(op) => op.row().effect,
            Operator::Access(_) => return false,
            Operator::Structural(op) => op.row().effect,
        };
        matches!(effect, Effect::Pure | Effect::ComputesNan(_))
    }
}
