//! Values as embedders see them when types are known only at run time.

use crate::{
    AnyRef, AsContext, ExnRef, ExternRef, Func, HeapType, RefType, Result, Rooted, ValType,
};
use core::fmt;

/// A 128-bit vector, lane 0 lowest.
///
/// ```
/// let v = riser::V128::from(7u128);
/// assert_eq!(u128::from(v), 7);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct V128(u128);

impl V128 {
    /// All bits as a number.
    pub fn as_u128(&self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> V128 {
        V128(bits)
    }
}

impl From<V128> for u128 {
    fn from(v: V128) -> u128 {
        v.0
    }
}

impl fmt::Debug for V128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#034x}", self.0)
    }
}

/// A value of any type. Floats are given by their bits, so that NaNs survive.
///
/// ```
/// use riser::{Val, ValType};
///
/// assert_eq!(Val::from(1.5f64).unwrap_f64(), 1.5);
/// assert_eq!(Val::default_for_ty(&ValType::I64).unwrap().i64(), Some(0));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A vector.
    V128(V128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// A value of the host, or null.
    ExternRef(Option<Rooted<ExternRef>>),
    /// An internal value, or null.
    AnyRef(Option<Rooted<AnyRef>>),
    /// An exception, or null.
    ExnRef(Option<Rooted<ExnRef>>),
}

/// Declares `i32()` and `unwrap_i32()` for each type of number.
macro_rules! accessors {
    ($($pattern:pat => $ty:ty, $get:ident, $unwrap:ident, $value:expr;)*) => {
        impl Val {$(
            /// The value, if it is of this type.
            #[inline]
            pub fn $get(&self) -> Option<$ty> {
                if let $pattern = *self { Some($value) } else { None }
            }

            /// The value.
            ///
            /// # Panics
            /// If it is of another type.
            #[inline]
            pub fn $unwrap(&self) -> $ty {
                self.$get().expect(concat!("expected ", stringify!($get)))
            }
        )*}
    };
}

accessors! {
    Val::I32(n) => i32, i32, unwrap_i32, n;
    Val::I64(n) => i64, i64, unwrap_i64, n;
    Val::F32(bits) => f32, f32, unwrap_f32, f32::from_bits(bits);
    Val::F64(bits) => f64, f64, unwrap_f64, f64::from_bits(bits);
    Val::V128(v) => V128, v128, unwrap_v128, v;
}

impl Val {
    /// The null of a hierarchy.
    pub fn null_ref(heap_type: &HeapType) -> Val {
        Ref::null(heap_type).into()
    }

    /// The null function reference.
    pub const fn null_func_ref() -> Val {
        Val::FuncRef(None)
    }

    /// The null external reference.
    pub const fn null_extern_ref() -> Val {
        Val::ExternRef(None)
    }

    /// The null internal reference.
    pub const fn null_any_ref() -> Val {
        Val::AnyRef(None)
    }

    /// Zero or null; `None` for references that cannot be null.
    pub fn default_for_ty(ty: &ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128(0)),
            ValType::Ref(ty) if ty.is_nullable() => Val::null_ref(ty.heap_type()),
            ValType::Ref(_) => return None,
        })
    }

    /// The most exact type that is known of the value.
    pub fn ty(&self, store: impl AsContext) -> Result<ValType> {
        Ok(match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            val => match val.ref_() {
                Some(reference) => reference.ty(store)?.into(),
                None => unreachable!("all others are references"),
            },
        })
    }

    /// Whether the value is one of type `ty`.
    pub fn matches_ty(&self, store: impl AsContext, ty: &ValType) -> Result<bool> {
        Ok(self.ty(store)?.matches(ty))
    }

    /// The reference, if the value is one.
    pub fn ref_(self) -> Option<Ref> {
        match self {
            Val::FuncRef(f) => Some(Ref::Func(f)),
            Val::ExternRef(e) => Some(Ref::Extern(e)),
            Val::AnyRef(a) => Some(Ref::Any(a)),
            Val::ExnRef(e) => Some(Ref::Exn(e)),
            _ => None,
        }
    }

    /// The function or null, if the value is a function reference.
    pub fn funcref(&self) -> Option<Option<&Func>> {
        if let Val::FuncRef(f) = self { Some(f.as_ref()) } else { None }
    }

    /// The function or null.
    ///
    /// # Panics
    /// If the value is no function reference.
    pub fn unwrap_funcref(&self) -> Option<&Func> {
        self.funcref().expect("expected funcref")
    }

    /// The host's value or null, if the value is an external reference.
    pub fn externref(&self) -> Option<Option<&Rooted<ExternRef>>> {
        if let Val::ExternRef(e) = self { Some(e.as_ref()) } else { None }
    }

    /// The host's value or null.
    ///
    /// # Panics
    /// If the value is no external reference.
    pub fn unwrap_externref(&self) -> Option<&Rooted<ExternRef>> {
        self.externref().expect("expected externref")
    }

    /// The internal value or null, if the value is an internal reference.
    pub fn anyref(&self) -> Option<Option<&Rooted<AnyRef>>> {
        if let Val::AnyRef(a) = self { Some(a.as_ref()) } else { None }
    }

    /// The internal value or null.
    ///
    /// # Panics
    /// If the value is no internal reference.
    pub fn unwrap_anyref(&self) -> Option<&Rooted<AnyRef>> {
        self.anyref().expect("expected anyref")
    }

    /// The exception or null, if the value is an exception reference.
    pub fn exnref(&self) -> Option<Option<&Rooted<ExnRef>>> {
        if let Val::ExnRef(e) = self { Some(e.as_ref()) } else { None }
    }
}

/// Declares `From` for what goes into a [`Val`].
macro_rules! from {
    ($($into:ident: $ty:ty => |$value:ident| $make:expr;)*) => {$(
        impl From<$ty> for $into {
            #[inline]
            fn from($value: $ty) -> $into { $make }
        }
    )*};
}

from! {
    Val: i32 => |n| Val::I32(n);
    Val: i64 => |n| Val::I64(n);
    Val: f32 => |x| Val::F32(x.to_bits());
    Val: f64 => |x| Val::F64(x.to_bits());
    Val: u128 => |bits| Val::V128(V128(bits));
    Val: V128 => |v| Val::V128(v);
    Val: Func => |f| Val::FuncRef(Some(f));
    Val: Option<Func> => |f| Val::FuncRef(f);
    Val: Rooted<ExternRef> => |e| Val::ExternRef(Some(e));
    Val: Option<Rooted<ExternRef>> => |e| Val::ExternRef(e);
    Val: Rooted<AnyRef> => |a| Val::AnyRef(Some(a));
    Val: Option<Rooted<AnyRef>> => |a| Val::AnyRef(a);
    Val: Rooted<ExnRef> => |e| Val::ExnRef(Some(e));
    Val: Option<Rooted<ExnRef>> => |e| Val::ExnRef(e);
    Ref: Func => |f| Ref::Func(Some(f));
    Ref: Option<Func> => |f| Ref::Func(f);
    Ref: Rooted<ExternRef> => |e| Ref::Extern(Some(e));
    Ref: Option<Rooted<ExternRef>> => |e| Ref::Extern(e);
    Ref: Rooted<AnyRef> => |a| Ref::Any(Some(a));
    Ref: Option<Rooted<AnyRef>> => |a| Ref::Any(a);
    Ref: Rooted<ExnRef> => |e| Ref::Exn(Some(e));
    Ref: Option<Rooted<ExnRef>> => |e| Ref::Exn(e);
}

impl From<Ref> for Val {
    #[inline]
    fn from(reference: Ref) -> Val {
        match reference {
            Ref::Func(f) => Val::FuncRef(f),
            Ref::Extern(e) => Val::ExternRef(e),
            Ref::Any(a) => Val::AnyRef(a),
            Ref::Exn(e) => Val::ExnRef(e),
        }
    }
}

/// A reference of any type.
#[derive(Clone, Copy, Debug)]
pub enum Ref {
    /// A function, or null.
    Func(Option<Func>),
    /// A value of the host, or null.
    Extern(Option<Rooted<ExternRef>>),
    /// An internal value, or null.
    Any(Option<Rooted<AnyRef>>),
    /// An exception, or null.
    Exn(Option<Rooted<ExnRef>>),
}

impl Ref {
    /// The null of a hierarchy.
    pub fn null(heap_type: &HeapType) -> Ref {
        match heap_type.top() {
            HeapType::Func => Ref::Func(None),
            HeapType::Extern => Ref::Extern(None),
            HeapType::Exn => Ref::Exn(None),
            _ => Ref::Any(None),
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Ref::Func(None) | Ref::Extern(None) | Ref::Any(None) | Ref::Exn(None))
    }

    /// Whether this is not null.
    pub fn is_non_null(&self) -> bool {
        !self.is_null()
    }

    /// Whether this is a function reference.
    pub fn is_func(&self) -> bool {
        matches!(self, Ref::Func(_))
    }

    /// Whether this is an external reference.
    pub fn is_extern(&self) -> bool {
        matches!(self, Ref::Extern(_))
    }

    /// Whether this is an internal reference.
    pub fn is_any(&self) -> bool {
        matches!(self, Ref::Any(_))
    }

    /// Whether this is an exception reference.
    pub fn is_exn(&self) -> bool {
        matches!(self, Ref::Exn(_))
    }

    /// The function or null, if this is a function reference.
    pub fn as_func(&self) -> Option<Option<&Func>> {
        if let Ref::Func(f) = self { Some(f.as_ref()) } else { None }
    }

    /// The function or null.
    ///
    /// # Panics
    /// If this is no function reference.
    pub fn unwrap_func(&self) -> Option<&Func> {
        self.as_func().expect("a function reference")
    }

    /// The host's value or null, if this is an external reference.
    pub fn as_extern(&self) -> Option<Option<&Rooted<ExternRef>>> {
        if let Ref::Extern(e) = self { Some(e.as_ref()) } else { None }
    }

    /// The host's value or null.
    ///
    /// # Panics
    /// If this is no external reference.
    pub fn unwrap_extern(&self) -> Option<&Rooted<ExternRef>> {
        self.as_extern().expect("an external reference")
    }

    /// The most exact type that is known of the reference.
    pub fn ty(&self, store: impl AsContext) -> Result<RefType> {
        let heap = match self {
            Ref::Func(None) => HeapType::NoFunc,
            Ref::Func(Some(func)) => HeapType::ConcreteFunc(func.ty(store)),
            Ref::Extern(None) => HeapType::NoExtern,
            Ref::Extern(Some(_)) => HeapType::Extern,
            Ref::Any(None) => HeapType::None,
            Ref::Any(Some(_)) => HeapType::Any,
            Ref::Exn(None) => HeapType::NoExn,
            Ref::Exn(Some(_)) => HeapType::Exn,
        };
        Ok(RefType::new(self.is_null(), heap))
    }

    /// Whether the reference is one of type `ty`.
    pub fn matches_ty(&self, store: impl AsContext, ty: &RefType) -> Result<bool> {
        Ok(self.ty(store)?.matches(ty))
    }
}
