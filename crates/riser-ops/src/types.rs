//! Value, reference and composite types.
//!
//! A [`ValType`] is one packed 32-bit word: the validator compares and stores millions of them. Concrete
//! reference types name *canonical* types ([`TypeId`]), never a module's own index, so that equality of
//! words is equality of types across modules. What a canonical type looks like is the registry's
//! business (`riser-module`); only its kind (function, structure, array) stands in the word, which is
//! enough for subtyping against abstract heap types.
//! Source: WebAssembly 3.0, section 2.3 (types) and 3.3 (matching).

use crate::TypeId;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

const REF: u32 = 1 << 31;
const NULLABLE: u32 = 1 << 30;
const CONCRETE: u32 = 1 << 29;
const KIND_SHIFT: u32 = 24;
const ID_MASK: u32 = TypeId::MAX;

/// The type of a value: a number, a vector or a reference, packed into one word.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct ValType(u32);

impl ValType {
    /// A 32-bit integer.
    pub const I32: ValType = ValType(0x7F);
    /// A 64-bit integer.
    pub const I64: ValType = ValType(0x7E);
    /// A 32-bit float.
    pub const F32: ValType = ValType(0x7D);
    /// A 64-bit float.
    pub const F64: ValType = ValType(0x7C);
    /// A 128-bit vector.
    pub const V128: ValType = ValType(0x7B);
    /// `(ref null func)`.
    pub const FUNCREF: ValType = RefType::FUNCREF.val_type();
    /// `(ref null extern)`.
    pub const EXTERNREF: ValType = RefType::EXTERNREF.val_type();
    /// `(ref null any)`.
    pub const ANYREF: ValType = RefType::ANYREF.val_type();
    /// `(ref null exn)`.
    pub const EXNREF: ValType = RefType::EXNREF.val_type();
    /// The bottom type of unreachable code: matches everything. It never leaves the validator.
    pub const BOTTOM: ValType = ValType(0);

    /// Whether this is a reference type.
    #[inline(always)]
    pub const fn is_ref(self) -> bool {
        self.0 & REF != 0
    }

    /// Whether this is a number type (not a vector, not a reference).
    #[inline(always)]
    pub const fn is_num(self) -> bool {
        self.0 >= 0x7C && self.0 <= 0x7F
    }

    /// The reference type, if this is one.
    #[inline(always)]
    pub const fn as_ref(self) -> Option<RefType> {
        if self.is_ref() { Some(RefType(self.0)) } else { None }
    }

    /// Whether values of this type are references into a store's heap, or null: of any hierarchy but that of functions.
    #[inline(always)]
    pub const fn is_heap_reference(self) -> bool {
        self.is_ref() && !matches!(RefType(self.0).heap().hierarchy(), Hierarchy::Func)
    }

    /// Whether a local of this type has a default value (everything but non-nullable references).
    #[inline(always)]
    pub const fn is_defaultable(self) -> bool {
        self.0 & (REF | NULLABLE) != REF
    }

    /// How many 8-byte slots of a frame a value takes: two for vectors, one for the rest.
    #[inline(always)]
    pub const fn slots(self) -> u32 {
        if self.0 == Self::V128.0 { 2 } else { 1 }
    }

    /// The packed word (see [`ValType::from_bits`]).
    #[inline(always)]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The inverse of [`ValType::to_bits`]; the word must come from there.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> ValType {
        ValType(bits)
    }
}

/// A reference type: what it refers to, and whether null is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct RefType(u32);

impl RefType {
    /// `(ref null func)`.
    pub const FUNCREF: RefType = RefType::new(true, HeapType::Func);
    /// `(ref null extern)`.
    pub const EXTERNREF: RefType = RefType::new(true, HeapType::Extern);
    /// `(ref null any)`.
    pub const ANYREF: RefType = RefType::new(true, HeapType::Any);
    /// `(ref null exn)`.
    pub const EXNREF: RefType = RefType::new(true, HeapType::Exn);

    /// A reference type from its parts.
    pub const fn new(nullable: bool, heap: HeapType) -> RefType {
        let null = if nullable { NULLABLE } else { 0 };
        RefType(REF | null | heap.pack())
    }

    /// Whether null is a value of this type.
    #[inline(always)]
    pub const fn is_nullable(self) -> bool {
        self.0 & NULLABLE != 0
    }

    /// The same type, without null.
    #[inline(always)]
    pub const fn as_non_null(self) -> RefType {
        RefType(self.0 & !NULLABLE)
    }

    /// The same type, with null.
    #[inline(always)]
    pub const fn as_nullable(self) -> RefType {
        RefType(self.0 | NULLABLE)
    }

    /// What the reference refers to.
    pub const fn heap(self) -> HeapType {
        HeapType::unpack(self.0)
    }

    /// This reference type as a value type.
    #[inline(always)]
    pub const fn val_type(self) -> ValType {
        ValType(self.0)
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> ValType {
        ty.val_type()
    }
}

/// What kind of composite type a canonical type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CompositeKind {
    /// A function type.
    Func = 0,
    /// A structure type.
    Struct = 1,
    /// An array type.
    Array = 2,
}

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeapType {
    /// Any function.
    Func,
    /// Any external value.
    Extern,
    /// Any internal value.
    Any,
    /// Any value that `ref.eq` compares.
    Eq,
    /// 31-bit integers.
    I31,
    /// Any structure.
    Struct,
    /// Any array.
    Array,
    /// Any exception.
    Exn,
    /// Bottom of the internal hierarchy.
    None,
    /// Bottom of the function hierarchy.
    NoFunc,
    /// Bottom of the external hierarchy.
    NoExtern,
    /// Bottom of the exception hierarchy.
    NoExn,
    /// A canonical type, and its kind.
    Concrete(TypeId, CompositeKind),
}

/// The four disjoint hierarchies of reference types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hierarchy {
    /// Functions.
    Func,
    /// External values.
    Extern,
    /// Internal values (structures, arrays, 31-bit integers).
    Any,
    /// Exceptions.
    Exn,
}

impl HeapType {
    /// The abstract heap types with the byte that encodes them and their names.
    pub const ABSTRACT: [(HeapType, u8, &'static str); 12] = [
        (HeapType::NoExn, 0x74, "noexn"),
        (HeapType::NoFunc, 0x73, "nofunc"),
        (HeapType::NoExtern, 0x72, "noextern"),
        (HeapType::None, 0x71, "none"),
        (HeapType::Func, 0x70, "func"),
        (HeapType::Extern, 0x6F, "extern"),
        (HeapType::Any, 0x6E, "any"),
        (HeapType::Eq, 0x6D, "eq"),
        (HeapType::I31, 0x6C, "i31"),
        (HeapType::Struct, 0x6B, "struct"),
        (HeapType::Array, 0x6A, "array"),
        (HeapType::Exn, 0x69, "exn"),
    ];

    /// The abstract heap type that `byte` encodes.
    pub fn from_byte(byte: u8) -> Option<HeapType> {
        Self::ABSTRACT.iter().find(|row| row.1 == byte).map(|row| row.0)
    }

    const fn pack(self) -> u32 {
        match self {
            HeapType::Concrete(id, kind) => {
                CONCRETE | ((kind as u32) << KIND_SHIFT) | (id.0 & ID_MASK)
            }
            HeapType::NoExn => 0x74,
            HeapType::NoFunc => 0x73,
            HeapType::NoExtern => 0x72,
            HeapType::None => 0x71,
            HeapType::Func => 0x70,
            HeapType::Extern => 0x6F,
            HeapType::Any => 0x6E,
            HeapType::Eq => 0x6D,
            HeapType::I31 => 0x6C,
            HeapType::Struct => 0x6B,
            HeapType::Array => 0x6A,
            HeapType::Exn => 0x69,
        }
    }

    const fn unpack(word: u32) -> HeapType {
        if word & CONCRETE != 0 {
            let kind = match (word >> KIND_SHIFT) & 3 {
                0 => CompositeKind::Func,
                1 => CompositeKind::Struct,
                _ => CompositeKind::Array,
            };
            return HeapType::Concrete(TypeId(word & ID_MASK), kind);
        }
        match word & 0xFF {
            0x74 => HeapType::NoExn,
            0x73 => HeapType::NoFunc,
            0x72 => HeapType::NoExtern,
            0x71 => HeapType::None,
            0x70 => HeapType::Func,
            0x6F => HeapType::Extern,
            0x6E => HeapType::Any,
            0x6D => HeapType::Eq,
            0x6C => HeapType::I31,
            0x6B => HeapType::Struct,
            0x6A => HeapType::Array,
            _ => HeapType::Exn,
        }
    }

    /// The hierarchy this type belongs to.
    pub const fn hierarchy(self) -> Hierarchy {
        match self {
            HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_, CompositeKind::Func) => {
                Hierarchy::Func
            }
            HeapType::Extern | HeapType::NoExtern => Hierarchy::Extern,
            HeapType::Exn | HeapType::NoExn => Hierarchy::Exn,
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Struct
            | HeapType::Array
            | HeapType::None
            | HeapType::Concrete(_, CompositeKind::Struct | CompositeKind::Array) => Hierarchy::Any,
        }
    }

    /// The top type of this type's hierarchy.
    pub const fn top(self) -> HeapType {
        match self.hierarchy() {
            Hierarchy::Func => HeapType::Func,
            Hierarchy::Extern => HeapType::Extern,
            Hierarchy::Any => HeapType::Any,
            Hierarchy::Exn => HeapType::Exn,
        }
    }

    /// The bottom type of this type's hierarchy.
    pub const fn bottom(self) -> HeapType {
        match self.hierarchy() {
            Hierarchy::Func => HeapType::NoFunc,
            Hierarchy::Extern => HeapType::NoExtern,
            Hierarchy::Any => HeapType::None,
            Hierarchy::Exn => HeapType::NoExn,
        }
    }

    /// Whether this type matches `other`, where `declared(a, b)` says whether canonical type `a` is `b` or
    /// one of its declared subtypes (asked only for two different canonical types of one kind).
    /// Source: WebAssembly 3.0, section 3.3.3.
    pub fn matches(self, other: HeapType, declared: impl FnOnce(TypeId, TypeId) -> bool) -> bool {
        use HeapType::{Any, Array, Concrete, Eq, I31, Struct};
        if self == other {
            return true;
        }
        match (self, other) {
            (Concrete(a, ka), Concrete(b, kb)) => ka == kb && declared(a, b),
            _ if self == other.bottom() => true,
            (Concrete(_, CompositeKind::Func), HeapType::Func) => true,
            (Concrete(_, CompositeKind::Struct), Struct | Eq | Any) => true,
            (Concrete(_, CompositeKind::Array), Array | Eq | Any) => true,
            (Struct | Array | I31, Eq | Any) | (Eq, Any) => true,
            _ => false,
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let HeapType::Concrete(id, _) = self {
            return write!(f, "type#{id}");
        }
        let row = Self::ABSTRACT.iter().find(|row| row.0 == *self);
        f.write_str(row.map_or("?", |row| row.2))
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_nullable(), self.heap()) {
            (true, HeapType::None) => f.write_str("nullref"),
            (true, HeapType::NoFunc) => f.write_str("nullfuncref"),
            (true, HeapType::NoExtern) => f.write_str("nullexternref"),
            (true, HeapType::NoExn) => f.write_str("nullexnref"),
            (true, heap @ HeapType::Concrete(..)) => write!(f, "(ref null {heap})"),
            (true, heap) => write!(f, "{heap}ref"),
            (false, heap) => write!(f, "(ref {heap})"),
        }
    }
}

impl fmt::Debug for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::BOTTOM => f.write_str("bottom"),
            ty => fmt::Display::fmt(&RefType(ty.0), f),
        }
    }
}

impl fmt::Debug for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The parameters and results of a function.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FuncType {
    /// Parameters, then results.
    types: Box<[ValType]>,
    params: u32,
}

impl FuncType {
    /// A function type from its parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let params = types.len() as u32;
        types.extend(results);
        FuncType { types: types.into(), params }
    }

    /// The parameters' types.
    #[inline]
    pub fn params(&self) -> &[ValType] {
        &self.types[..self.params as usize]
    }

    /// The results' types.
    #[inline]
    pub fn results(&self) -> &[ValType] {
        &self.types[self.params as usize..]
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.params())?;
        f.write_str(" -> ")?;
        list(f, self.results())
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes `(i32, f64)`.
fn list(f: &mut fmt::Formatter<'_>, types: &[ValType]) -> fmt::Result {
    f.write_str("(")?;
    for (i, ty) in types.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{ty}")?;
    }
    f.write_str(")")
}

/// What a field or an array element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// A packed 8-bit integer.
    I8,
    /// A packed 16-bit integer.
    I16,
    /// A value.
    Val(ValType),
}

impl StorageType {
    /// The type that a value has after it was read: packed integers become `i32`.
    pub const fn unpacked(self) -> ValType {
        match self {
            StorageType::I8 | StorageType::I16 => ValType::I32,
            StorageType::Val(ty) => ty,
        }
    }

    /// Whether this is a packed integer.
    pub const fn is_packed(self) -> bool {
        matches!(self, StorageType::I8 | StorageType::I16)
    }

    /// The bytes that a stored value takes (a reference on the heap takes four).
    pub const fn size(self) -> u32 {
        match self {
            StorageType::I8 => 1,
            StorageType::I16 => 2,
            StorageType::Val(ValType::I64 | ValType::F64) => 8,
            StorageType::Val(ValType::V128) => 16,
            StorageType::Val(_) => 4,
        }
    }
}

impl fmt::Display for StorageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageType::I8 => f.write_str("i8"),
            StorageType::I16 => f.write_str("i16"),
            StorageType::Val(ty) => fmt::Display::fmt(ty, f),
        }
    }
}

/// A field of a structure, or the element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// What it holds.
    pub storage: StorageType,
    /// Whether it can be written after creation.
    pub mutable: bool,
}

/// A function, structure or array type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// A function.
    Func(FuncType),
    /// A structure with its fields.
    Struct(Box<[FieldType]>),
    /// An array with its element.
    Array(FieldType),
}

impl CompositeType {
    /// The kind alone.
    pub fn kind(&self) -> CompositeKind {
        match self {
            CompositeType::Func(_) => CompositeKind::Func,
            CompositeType::Struct(_) => CompositeKind::Struct,
            CompositeType::Array(_) => CompositeKind::Array,
        }
    }

    /// The function type, if this is one.
    pub fn as_func(&self) -> Option<&FuncType> {
        if let CompositeType::Func(ty) = self { Some(ty) } else { None }
    }
}

/// A composite type with its place in the subtype hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// Whether no other type may extend it.
    pub is_final: bool,
    /// The type that it extends.
    pub supertype: Option<TypeId>,
    /// Its structure.
    pub composite: CompositeType,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_reversible() {
        for (heap, byte, _) in HeapType::ABSTRACT {
            assert_eq!(RefType::new(true, heap).heap(), heap);
            assert_eq!(HeapType::from_byte(byte), Some(heap));
            assert!(!RefType::new(false, heap).is_nullable());
        }
        for kind in [CompositeKind::Func, CompositeKind::Struct, CompositeKind::Array] {
            let heap = HeapType::Concrete(TypeId(TypeId::MAX), kind);
            assert_eq!(RefType::new(false, heap).heap(), heap);
        }
    }

    #[test]
    fn matching_follows_the_lattice() {
        let never = |_, _| false;
        let s = HeapType::Concrete(TypeId(1), CompositeKind::Struct);
        assert!(s.matches(HeapType::Any, never));
        assert!(s.matches(HeapType::Struct, never));
        assert!(!s.matches(HeapType::Array, never));
        assert!(!s.matches(HeapType::Func, never));
        assert!(HeapType::None.matches(s, never));
        assert!(HeapType::NoFunc.matches(HeapType::Func, never));
        assert!(!HeapType::None.matches(HeapType::Func, never));
        assert!(HeapType::I31.matches(HeapType::Eq, never));
        assert!(!HeapType::Any.matches(HeapType::Eq, never));
        assert!(HeapType::NoExn.matches(HeapType::Exn, never));
        assert!(!HeapType::Func.matches(HeapType::NoFunc, never));
    }

    #[test]
    fn only_non_nullable_references_lack_a_default() {
        assert!(ValType::I32.is_defaultable());
        assert!(ValType::FUNCREF.is_defaultable());
        assert!(!RefType::new(false, HeapType::Func).val_type().is_defaultable());
    }
}
