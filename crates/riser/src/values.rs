//! Values as embedders see them when types are known only at run time.

use crate::{
    AnyRef, ArrayRef, AsContext, EqRef, ExnRef, ExternRef, Func, HeapType, RefType, Result, Rooted,
    StructRef, ValType,
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

    /// The exception or null.
    ///
    /// # Panics
    /// If the value is no exception reference.
    pub fn unwrap_exnref(&self) -> Option<&Rooted<ExnRef>> {
        self.exnref().expect("expected exnref")
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
    Val: Rooted<EqRef> => |e| Val::AnyRef(Some(e.into()));
    Val: Option<Rooted<EqRef>> => |e| Val::AnyRef(e.map(Into::into));
    Val: Rooted<StructRef> => |s| Val::AnyRef(Some(s.into()));
    Val: Option<Rooted<StructRef>> => |s| Val::AnyRef(s.map(Into::into));
    Val: Rooted<ArrayRef> => |a| Val::AnyRef(Some(a.into()));
    Val: Option<Rooted<ArrayRef>> => |a| Val::AnyRef(a.map(Into::into));
    Ref: Func => |f| Ref::Func(Some(f));
    Ref: Option<Func> => |f| Ref::Func(f);
    Ref: Rooted<ExternRef> => |e| Ref::Extern(Some(e));
    Ref: Option<Rooted<ExternRef>> => |e| Ref::Extern(e);
    Ref: Rooted<AnyRef> => |a| Ref::Any(Some(a));
    Ref: Option<Rooted<AnyRef>> => |a| Ref::Any(a);
    Ref: Rooted<ExnRef> => |e| Ref::Exn(Some(e));
    Ref: Option<Rooted<ExnRef>> => |e| Ref::Exn(e);
    Ref: Rooted<EqRef> => |e| Ref::Any(Some(e.into()));
    Ref: Option<Rooted<EqRef>> => |e| Ref::Any(e.map(Into::into));
    Ref: Rooted<StructRef> => |s| Ref::Any(Some(s.into()));
    Ref: Option<Rooted<StructRef>> => |s| Ref::Any(s.map(Into::into));
    Ref: Rooted<ArrayRef> => |a| Ref::Any(Some(a.into()));
    Ref: Option<Rooted<ArrayRef>> => |a| Ref::Any(a.map(Into::into));
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
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let five = Ref::from(AnyRef::from_i31(&mut store, I31::wrapping_u32(5)));
/// assert_eq!(five.unwrap_any().unwrap().as_i31(&store)?.unwrap().get_u32(), 5);
/// assert!(five.matches_ty(&store, &RefType::new(false, HeapType::I31))?);
/// assert!(Ref::null(&HeapType::Func).unwrap_func().is_none());
/// # Ok(()) }
/// ```
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

    /// The internal value or null, if this is an internal reference.
    pub fn as_any(&self) -> Option<Option<&Rooted<AnyRef>>> {
        if let Ref::Any(a) = self { Some(a.as_ref()) } else { None }
    }

    /// The internal value or null.
    ///
    /// # Panics
    /// If this is no internal reference.
    pub fn unwrap_any(&self) -> Option<&Rooted<AnyRef>> {
        self.as_any().expect("an internal reference")
    }

    /// The exception or null, if this is an exception reference.
    pub fn as_exn(&self) -> Option<Option<&Rooted<ExnRef>>> {
        if let Ref::Exn(e) = self { Some(e.as_ref()) } else { None }
    }

    /// The exception or null.
    ///
    /// # Panics
    /// If this is no exception reference.
    pub fn unwrap_exn(&self) -> Option<&Rooted<ExnRef>> {
        self.as_exn().expect("an exception reference")
    }

    /// The most exact type that is known of the reference.
    ///
    /// # Errors
    /// If it is a handle whose scope has ended.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> Result<RefType> {
        let heap = match self {
            Ref::Func(None) => HeapType::NoFunc,
            Ref::Func(Some(func)) => HeapType::ConcreteFunc(func.ty(store)),
            Ref::Extern(None) => HeapType::NoExtern,
            Ref::Extern(Some(_)) => HeapType::Extern,
            Ref::Any(None) => HeapType::None,
            Ref::Any(Some(any)) => any.ty(store)?,
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
