//! Value, reference and heap types.

use super::{ArrayType, FuncType, StructType};
use crate::{Engine, Val};
use core::fmt;
use riser_ops as ops;

/// Whether something can be written.
///
/// ```
/// use riser::{GlobalType, Mutability, ValType};
///
/// assert!(GlobalType::new(ValType::I32, Mutability::Const).mutability().is_const());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// It cannot.
    Const,
    /// It can.
    Var,
}

impl Mutability {
    /// Whether it cannot be written.
    pub fn is_const(&self) -> bool {
        *self == Mutability::Const
    }

    /// Whether it can be written.
    pub fn is_var(&self) -> bool {
        *self == Mutability::Var
    }

    pub(crate) fn of(mutable: bool) -> Mutability {
        if mutable { Mutability::Var } else { Mutability::Const }
    }
}

/// The type of a value.
///
/// ```
/// use riser::ValType;
///
/// assert!(ValType::FUNCREF.is_ref());
/// assert_eq!(ValType::I32.to_string(), "i32");
/// assert_eq!(ValType::EXTERNREF.to_string(), "externref");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ValType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// `(ref null extern)`
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);
    /// `(ref null noextern)`
    pub const NULLEXTERNREF: ValType = ValType::Ref(RefType::NULLEXTERNREF);
    /// `(ref null func)`
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `(ref null nofunc)`
    pub const NULLFUNCREF: ValType = ValType::Ref(RefType::NULLFUNCREF);
    /// `(ref null any)`
    pub const ANYREF: ValType = ValType::Ref(RefType::ANYREF);
    /// `(ref null eq)`
    pub const EQREF: ValType = ValType::Ref(RefType::EQREF);
    /// `(ref null i31)`
    pub const I31REF: ValType = ValType::Ref(RefType::I31REF);
    /// `(ref null array)`
    pub const ARRAYREF: ValType = ValType::Ref(RefType::ARRAYREF);
    /// `(ref null struct)`
    pub const STRUCTREF: ValType = ValType::Ref(RefType::STRUCTREF);
    /// `(ref null none)`
    pub const NULLREF: ValType = ValType::Ref(RefType::NULLREF);
    /// `(ref null exn)`
    pub const EXNREF: ValType = ValType::Ref(RefType::EXNREF);
    /// `(ref null noexn)`
    pub const NULLEXNREF: ValType = ValType::Ref(RefType::NULLEXNREF);

    /// Whether this is one of the four number types.
    pub fn is_num(&self) -> bool {
        matches!(self, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
    }

    /// Whether this is `i32`.
    pub fn is_i32(&self) -> bool {
        matches!(self, ValType::I32)
    }

    /// Whether this is `i64`.
    pub fn is_i64(&self) -> bool {
        matches!(self, ValType::I64)
    }

    /// Whether this is `f32`.
    pub fn is_f32(&self) -> bool {
        matches!(self, ValType::F32)
    }

    /// Whether this is `f64`.
    pub fn is_f64(&self) -> bool {
        matches!(self, ValType::F64)
    }

    /// Whether this is `v128`.
    pub fn is_v128(&self) -> bool {
        matches!(self, ValType::V128)
    }

    /// Whether this is a reference type.
    pub fn is_ref(&self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether this is `funcref`.
    pub fn is_funcref(&self) -> bool {
        *self == ValType::FUNCREF
    }

    /// Whether this is `externref`.
    pub fn is_externref(&self) -> bool {
        *self == ValType::EXTERNREF
    }

    /// Whether this is `anyref`.
    pub fn is_anyref(&self) -> bool {
        *self == ValType::ANYREF
    }

    /// The reference type, if this is one.
    pub fn as_ref(&self) -> Option<&RefType> {
        if let ValType::Ref(ty) = self { Some(ty) } else { None }
    }

    /// The reference type.
    ///
    /// # Panics
    /// If this is none.
    pub fn unwrap_ref(&self) -> &RefType {
        self.as_ref().expect("a reference type")
    }

    /// Whether every value of this type is one of type `other`.
    pub fn matches(&self, other: &ValType) -> bool {
        match (self, other) {
            (ValType::Ref(a), ValType::Ref(b)) => a.matches(b),
            (a, b) => a == b,
        }
    }

    /// Zero or null; `None` for references that cannot be null.
    pub fn default_value(&self) -> Option<Val> {
        Val::default_for_ty(self)
    }

    pub(crate) fn from_ops(engine: &Engine, ty: ops::ValType) -> ValType {
        match ty {
            ops::ValType::I32 => ValType::I32,
            ops::ValType::I64 => ValType::I64,
            ops::ValType::F32 => ValType::F32,
            ops::ValType::F64 => ValType::F64,
            ops::ValType::V128 => ValType::V128,
            ty => match ty.as_ref() {
                Some(ty) => ValType::Ref(RefType::from_ops(engine, ty)),
                None => unreachable!("the bottom type stays in the validator"),
            },
        }
    }

    pub(crate) fn to_ops(&self) -> ops::ValType {
        match self {
            ValType::I32 => ops::ValType::I32,
            ValType::I64 => ops::ValType::I64,
            ValType::F32 => ops::ValType::F32,
            ValType::F64 => ops::ValType::F64,
            ValType::V128 => ops::ValType::V128,
            ValType::Ref(ty) => ty.to_ops().val_type(),
        }
    }

    /// Whether the type belongs to `engine`, or to any.
    pub(crate) fn is_of(&self, engine: &Engine) -> bool {
        self.as_ref().is_none_or(|ty| ty.is_of(engine))
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}

impl fmt::Debug for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> ValType {
        ValType::Ref(ty)
    }
}

/// The type of a reference: what it refers to, and whether it may be null.
///
/// ```
/// use riser::{HeapType, RefType};
///
/// let function = RefType::new(false, HeapType::Func);
/// assert_eq!(function.to_string(), "(ref func)");
/// assert!(function.matches(&RefType::FUNCREF) && !RefType::FUNCREF.matches(&function));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RefType {
    is_nullable: bool,
    heap_type: HeapType,
}

const fn nullable(heap_type: HeapType) -> RefType {
    RefType { is_nullable: true, heap_type }
}

impl RefType {
    /// `(ref null extern)`
    pub const EXTERNREF: RefType = nullable(HeapType::Extern);
    /// `(ref null noextern)`
    pub const NULLEXTERNREF: RefType = nullable(HeapType::NoExtern);
    /// `(ref null func)`
    pub const FUNCREF: RefType = nullable(HeapType::Func);
    /// `(ref null nofunc)`
    pub const NULLFUNCREF: RefType = nullable(HeapType::NoFunc);
    /// `(ref null any)`
    pub const ANYREF: RefType = nullable(HeapType::Any);
    /// `(ref null eq)`
    pub const EQREF: RefType = nullable(HeapType::Eq);
    /// `(ref null i31)`
    pub const I31REF: RefType = nullable(HeapType::I31);
    /// `(ref null array)`
    pub const ARRAYREF: RefType = nullable(HeapType::Array);
    /// `(ref null struct)`
    pub const STRUCTREF: RefType = nullable(HeapType::Struct);
    /// `(ref null none)`
    pub const NULLREF: RefType = nullable(HeapType::None);
    /// `(ref null exn)`
    pub const EXNREF: RefType = nullable(HeapType::Exn);
    /// `(ref null noexn)`
    pub const NULLEXNREF: RefType = nullable(HeapType::NoExn);

    /// A reference type from its parts.
    pub fn new(is_nullable: bool, heap_type: HeapType) -> RefType {
        RefType { is_nullable, heap_type }
    }

    /// Whether null is a value of the type.
    pub fn is_nullable(&self) -> bool {
        self.is_nullable
    }

    /// What references of the type refer to.
    pub fn heap_type(&self) -> &HeapType {
        &self.heap_type
    }

    /// Whether every value of this type is one of type `other`.
    pub fn matches(&self, other: &RefType) -> bool {
        (other.is_nullable || !self.is_nullable) && self.heap_type.matches(&other.heap_type)
    }

    pub(crate) fn from_ops(engine: &Engine, ty: ops::RefType) -> RefType {
        RefType { is_nullable: ty.is_nullable(), heap_type: HeapType::from_ops(engine, ty.heap()) }
    }

    pub(crate) fn to_ops(&self) -> ops::RefType {
        ops::RefType::new(self.is_nullable, self.heap_type.to_ops())
    }

    pub(crate) fn is_of(&self, engine: &Engine) -> bool {
        self.heap_type.engine().is_none_or(|own| Engine::same(own, engine))
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.heap_type.is_abstract() {
            return self.to_ops().fmt(f);
        }
        let null = if self.is_nullable { "null " } else { "" };
        write!(f, "(ref {null}{})", self.heap_type)
    }
}

impl fmt::Debug for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a reference refers to.
///
/// ```
/// use riser::{ArrayType, Engine, FieldType, HeapType, Mutability, StorageType};
///
/// let element = FieldType::new(Mutability::Var, StorageType::I8);
/// let bytes = HeapType::from(ArrayType::new(&Engine::default(), element));
/// assert!(bytes.matches(&HeapType::Array) && HeapType::Array.matches(&HeapType::Eq));
/// assert!(bytes.is_concrete_array() && bytes.top().is_any());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeapType {
    /// Any value of the host.
    Extern,
    /// No external value: only null.
    NoExtern,
    /// Any function.
    Func,
    /// Functions of a certain type.
    ConcreteFunc(FuncType),
    /// No function: only null.
    NoFunc,
    /// Any internal value.
    Any,
    /// Any internal value that can be compared.
    Eq,
    /// 31-bit integers.
    I31,
    /// Any array.
    Array,
    /// Arrays of a certain type.
    ConcreteArray(ArrayType),
    /// Any structure.
    Struct,
    /// Structures of a certain type.
    ConcreteStruct(StructType),
    /// Any exception.
    Exn,
    /// No internal value: only null.
    None,
    /// No exception: only null.
    NoExn,
}

impl HeapType {
    /// Whether this is [`HeapType::Extern`].
    pub fn is_extern(&self) -> bool {
        matches!(self, HeapType::Extern)
    }

    /// Whether this is [`HeapType::Func`].
    pub fn is_func(&self) -> bool {
        matches!(self, HeapType::Func)
    }

    /// Whether this is [`HeapType::NoFunc`].
    pub fn is_no_func(&self) -> bool {
        matches!(self, HeapType::NoFunc)
    }

    /// Whether this is [`HeapType::Any`].
    pub fn is_any(&self) -> bool {
        matches!(self, HeapType::Any)
    }

    /// Whether this is [`HeapType::I31`].
    pub fn is_i31(&self) -> bool {
        matches!(self, HeapType::I31)
    }

    /// Whether this is [`HeapType::None`].
    pub fn is_none(&self) -> bool {
        matches!(self, HeapType::None)
    }

    /// Whether this is [`HeapType::Exn`].
    pub fn is_exn(&self) -> bool {
        matches!(self, HeapType::Exn)
    }

    /// Whether this is [`HeapType::NoExn`].
    pub fn is_no_exn(&self) -> bool {
        matches!(self, HeapType::NoExn)
    }

    /// Whether this is the top of its hierarchy.
    pub fn is_top(&self) -> bool {
        *self == self.top()
    }

    /// Whether this is the bottom of its hierarchy.
    pub fn is_bottom(&self) -> bool {
        *self == self.bottom()
    }

    /// Whether this names no type that somebody declared.
    pub fn is_abstract(&self) -> bool {
        !self.is_concrete()
    }

    /// Whether this names a declared type.
    pub fn is_concrete(&self) -> bool {
        self.engine().is_some()
    }

    /// Whether this names a function type.
    pub fn is_concrete_func(&self) -> bool {
        self.as_concrete_func().is_some()
    }

    /// Whether this names an array type.
    pub fn is_concrete_array(&self) -> bool {
        self.as_concrete_array().is_some()
    }

    /// Whether this names a structure type.
    pub fn is_concrete_struct(&self) -> bool {
        self.as_concrete_struct().is_some()
    }

    /// The function type, if this names one.
    pub fn as_concrete_func(&self) -> Option<&FuncType> {
        if let HeapType::ConcreteFunc(ty) = self { Some(ty) } else { None }
    }

    /// The function type.
    ///
    /// # Panics
    /// If this names none.
    pub fn unwrap_concrete_func(&self) -> &FuncType {
        self.as_concrete_func().expect("a function type")
    }

    /// The array type, if this names one.
    pub fn as_concrete_array(&self) -> Option<&ArrayType> {
        if let HeapType::ConcreteArray(ty) = self { Some(ty) } else { None }
    }

    /// The array type.
    ///
    /// # Panics
    /// If this names none.
    pub fn unwrap_concrete_array(&self) -> &ArrayType {
        self.as_concrete_array().expect("an array type")
    }

    /// The structure type.
    ///
    /// # Panics
    /// If this names none.
    pub fn unwrap_concrete_struct(&self) -> &StructType {
        self.as_concrete_struct().expect("a structure type")
    }

    /// The structure type, if this names one.
    pub fn as_concrete_struct(&self) -> Option<&StructType> {
        if let HeapType::ConcreteStruct(ty) = self { Some(ty) } else { None }
    }

    /// The top of this type's hierarchy.
    pub fn top(&self) -> HeapType {
        Self::from_abstract(self.to_ops().top())
    }

    /// The bottom of this type's hierarchy.
    pub fn bottom(&self) -> HeapType {
        Self::from_abstract(self.to_ops().bottom())
    }

    /// Whether everything that this describes, `other` describes too.
    pub fn matches(&self, other: &HeapType) -> bool {
        match (self.engine(), other.engine()) {
            (Some(a), Some(b)) if !Engine::same(a, b) => false,
            (Some(engine), _) | (_, Some(engine)) => {
                engine.registry().heap_type_matches(self.to_ops(), other.to_ops())
            }
            (None, None) => self.to_ops().matches(other.to_ops(), |_, _| false),
        }
    }

    /// The engine that the declared type belongs to, if this names one.
    fn engine(&self) -> Option<&Engine> {
        match self {
            HeapType::ConcreteFunc(ty) => Some(ty.engine()),
            HeapType::ConcreteArray(ty) => Some(ty.engine()),
            HeapType::ConcreteStruct(ty) => Some(ty.engine()),
            _ => None,
        }
    }

    pub(crate) fn from_ops(engine: &Engine, ty: ops::HeapType) -> HeapType {
        let ops::HeapType::Concrete(id, kind) = ty else { return Self::from_abstract(ty) };
        match kind {
            ops::CompositeKind::Func => HeapType::ConcreteFunc(FuncType::of(engine, id)),
            ops::CompositeKind::Struct => HeapType::ConcreteStruct(StructType::of(engine, id)),
            ops::CompositeKind::Array => HeapType::ConcreteArray(ArrayType::of(engine, id)),
        }
    }

    fn from_abstract(ty: ops::HeapType) -> HeapType {
        match ty {
            ops::HeapType::Func => HeapType::Func,
            ops::HeapType::Extern => HeapType::Extern,
            ops::HeapType::Any => HeapType::Any,
            ops::HeapType::Eq => HeapType::Eq,
            ops::HeapType::I31 => HeapType::I31,
            ops::HeapType::Struct => HeapType::Struct,
            ops::HeapType::Array => HeapType::Array,
            ops::HeapType::Exn => HeapType::Exn,
            ops::HeapType::None => HeapType::None,
            ops::HeapType::NoFunc => HeapType::NoFunc,
            ops::HeapType::NoExtern => HeapType::NoExtern,
            ops::HeapType::NoExn => HeapType::NoExn,
            ops::HeapType::Concrete(..) => unreachable!("tops and bottoms are abstract"),
        }
    }

    pub(crate) fn to_ops(&self) -> ops::HeapType {
        match self {
            HeapType::Extern => ops::HeapType::Extern,
            HeapType::NoExtern => ops::HeapType::NoExtern,
            HeapType::Func => ops::HeapType::Func,
            HeapType::NoFunc => ops::HeapType::NoFunc,
            HeapType::Any => ops::HeapType::Any,
            HeapType::Eq => ops::HeapType::Eq,
            HeapType::I31 => ops::HeapType::I31,
            HeapType::Array => ops::HeapType::Array,
            HeapType::Struct => ops::HeapType::Struct,
            HeapType::Exn => ops::HeapType::Exn,
            HeapType::None => ops::HeapType::None,
            HeapType::NoExn => ops::HeapType::NoExn,
            HeapType::ConcreteFunc(ty) => {
                ops::HeapType::Concrete(ty.id(), ops::CompositeKind::Func)
            }
            HeapType::ConcreteArray(ty) => {
                ops::HeapType::Concrete(ty.id(), ops::CompositeKind::Array)
            }
            HeapType::ConcreteStruct(ty) => {
                ops::HeapType::Concrete(ty.id(), ops::CompositeKind::Struct)
            }
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeapType::ConcreteFunc(ty) => ty.fmt(f),
            HeapType::ConcreteArray(ty) => ty.fmt(f),
            HeapType::ConcreteStruct(ty) => ty.fmt(f),
            ty => ty.to_ops().fmt(f),
        }
    }
}

impl From<FuncType> for HeapType {
    fn from(ty: FuncType) -> HeapType {
        HeapType::ConcreteFunc(ty)
    }
}

impl From<ArrayType> for HeapType {
    fn from(ty: ArrayType) -> HeapType {
        HeapType::ConcreteArray(ty)
    }
}

impl From<StructType> for HeapType {
    fn from(ty: StructType) -> HeapType {
        HeapType::ConcreteStruct(ty)
    }
}
