//! Internal references whose object may be of several kinds.

use super::{ArrayRef, ExternRef, I31, OwnedRooted, Place, Rooted, StructRef, corrupted, gc_ref};
use crate::raw::StoreOpaque;
use crate::{ArrayType, AsContext, AsContextMut, HeapType, Result, StructType};
use riser_heap::{HeapRef, Referent};

/// An internal value: a 31-bit integer, a structure, an array, or a value of the host that was converted.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let five = AnyRef::from_i31(&mut store, I31::wrapping_u32(5));
/// assert_eq!(five.unwrap_i31(&store)?.get_u32(), 5);
/// assert!(!five.is_struct(&store)?);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AnyRef(Place);

/// An internal value that `ref.eq` compares: a 31-bit integer, a structure, or an array.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let one = EqRef::from_i31(&mut store, I31::wrapping_u32(1));
/// assert!(one.is_i31(&store)?);
/// let any: Rooted<AnyRef> = one.to_anyref();
/// assert!(any.is_eqref(&store)?);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EqRef(Place);

gc_ref!(AnyRef, Any);
gc_ref!(EqRef, Eq);

fn referent(store: &StoreOpaque, place: Place) -> Result<Referent> {
    store.vm.heap.referent(place.get(store)?).map_err(corrupted)
}

/// The most exact heap type of an object.
fn heap_type(store: &StoreOpaque, place: Place) -> Result<HeapType> {
    let engine = store.engine();
    Ok(match referent(store, place)? {
        Referent::I31(_) => HeapType::I31,
        Referent::Struct(id) => HeapType::ConcreteStruct(StructType::of(engine, id)),
        Referent::Array(id) => HeapType::ConcreteArray(ArrayType::of(engine, id)),
        Referent::Extern => HeapType::Any,
        Referent::Exn(_) => HeapType::Exn,
    })
}

fn as_i31(store: &StoreOpaque, place: Place) -> Result<Option<I31>> {
    Ok(place.get(store)?.as_i31().map(I31::wrapping_u32))
}

fn as_struct(store: &StoreOpaque, place: Place) -> Result<Option<Rooted<StructRef>>> {
    let is_struct = matches!(referent(store, place)?, Referent::Struct(_));
    Ok(is_struct.then(|| Rooted::at(place)))
}

fn as_array(store: &StoreOpaque, place: Place) -> Result<Option<Rooted<ArrayRef>>> {
    let is_array = matches!(referent(store, place)?, Referent::Array(_));
    Ok(is_array.then(|| Rooted::at(place)))
}

fn as_eqref(store: &StoreOpaque, place: Place) -> Result<Option<Rooted<EqRef>>> {
    let is_eq = !matches!(referent(store, place)?, Referent::Extern | Referent::Exn(_));
    Ok(is_eq.then(|| Rooted::at(place)))
}

/// Declares three methods for each kind of object that a reference may turn out to refer to.
macro_rules! kinds {
    ($($name:ident $what:literal $result:ty, $is:ident $as:ident $unwrap:ident;)*) => {$(
        impl $name {
            #[doc = concat!("Whether it is ", $what, ".")]
            pub fn $is(&self, store: impl AsContext) -> Result<bool> {
                Ok(self.$as(store)?.is_some())
            }

            #[doc = concat!("As ", $what, ", if it is one. The handle lives as long as this one.")]
            pub fn $as(&self, store: impl AsContext) -> Result<Option<$result>> {
                $as(store.as_context().opaque(), self.0)
            }

            #[doc = concat!("As ", $what, ".\n\n# Panics\nIf it is none.")]
            pub fn $unwrap(&self, store: impl AsContext) -> Result<$result> {
                Ok(self.$as(store)?.expect(concat!("expected ", $what)))
            }
        }
    )*};
}

kinds! {
    AnyRef "an internal value that can be compared" Rooted<EqRef>, is_eqref as_eqref unwrap_eqref;
    AnyRef "a 31-bit integer" I31, is_i31 as_i31 unwrap_i31;
    AnyRef "a structure" Rooted<StructRef>, is_struct as_struct unwrap_struct;
    AnyRef "an array" Rooted<ArrayRef>, is_array as_array unwrap_array;
    EqRef "a 31-bit integer" I31, is_i31 as_i31 unwrap_i31;
    EqRef "a structure" Rooted<StructRef>, is_struct as_struct unwrap_struct;
    EqRef "an array" Rooted<ArrayRef>, is_array as_array unwrap_array;
}

/// Declares what references to several kinds of objects have.
macro_rules! common {
    ($($name:ident)*) => {$(
        impl $name {
            /// A 31-bit integer.
            pub fn from_i31(mut store: impl AsContextMut, value: I31) -> Rooted<$name> {
                let at = HeapRef::from_i31(value.get_u32());
                Rooted::at(Place::new(store.as_context_mut().opaque_mut(), at))
            }

            /// The most exact heap type of what this refers to.
            pub fn ty(&self, store: impl AsContext) -> Result<HeapType> {
                heap_type(store.as_context().opaque(), self.0)
            }

            /// Whether what this refers to is of a heap type.
            pub fn matches_ty(&self, store: impl AsContext, ty: &HeapType) -> Result<bool> {
                Ok(self.ty(store)?.matches(ty))
            }
        }
    )*};
}

common! { AnyRef EqRef }

impl AnyRef {
    /// An external reference as an internal one, as `any.convert_extern` makes it.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn convert_extern(
        mut store: impl AsContextMut,
        externref: Rooted<ExternRef>,
    ) -> Result<Rooted<AnyRef>> {
        let mut store = store.as_context_mut();
        let at = externref.place().get(store.opaque())?;
        Ok(Rooted::at(Place::new(store.opaque_mut(), at)))
    }
}

/// Declares conversions of handles to those of supertypes.
macro_rules! upcasts {
    ($($from:ident $to:ident $method:ident;)*) => {$(
        impl Rooted<$from> {
            #[doc = concat!("The same reference as a [`", stringify!($to), "`].")]
            pub fn $method(self) -> Rooted<$to> { self.cast() }
        }

        impl OwnedRooted<$from> {
            #[doc = concat!("The same reference as a [`", stringify!($to), "`].")]
            pub fn $method(self) -> OwnedRooted<$to> { self.cast() }
        }

        impl From<Rooted<$from>> for Rooted<$to> {
            fn from(from: Rooted<$from>) -> Rooted<$to> { from.cast() }
        }

        impl From<OwnedRooted<$from>> for OwnedRooted<$to> {
            fn from(from: OwnedRooted<$from>) -> OwnedRooted<$to> { from.cast() }
        }
    )*};
}

upcasts! {
    EqRef AnyRef to_anyref;
    StructRef AnyRef to_anyref;
    StructRef EqRef to_eqref;
    ArrayRef AnyRef to_anyref;
    ArrayRef EqRef to_eqref;
}
