//! References to what lives in a store's heap: values of the host behind `externref`, later objects of guests.

use crate::raw::StoreId;
use crate::{AsContextMut, Result, StoreContext, StoreContextMut, bail};
use core::any::Any;
use core::fmt;
use riser_heap::HeapRef;

/// Where an object is: the store and the reference in its heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub(crate) store: StoreId,
    pub(crate) at: HeapRef,
}

/// What [`Rooted`] can hold.
pub trait GcRef: sealed::Sealed + Copy {}

pub(crate) mod sealed {
    use super::Place;

    pub trait Sealed: Sized {
        #[doc(hidden)]
        fn at(place: Place) -> Self;
        #[doc(hidden)]
        fn place(&self) -> Place;
    }
}

/// Declares the kinds of objects, each a place.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(Place);

        impl sealed::Sealed for $name {
            fn at(place: Place) -> $name { $name(place) }
            fn place(&self) -> Place { self.0 }
        }

        impl GcRef for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.at.to_bits())
            }
        }
    )*};
}

kinds! {
    /// A value of the host that a guest holds but cannot look into.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let mut store = Store::<()>::default();
    /// let text = ExternRef::new(&mut store, String::from("secret"))?;
    /// let data = text.data(&store)?.unwrap();
    /// assert_eq!(data.downcast_ref::<String>().unwrap(), "secret");
    /// # Ok(()) }
    /// ```
    ExternRef
    /// An internal value. Guests cannot make any yet.
    AnyRef
    /// An exception. Guests cannot make any yet.
    ExnRef
}

/// A reference that the host holds. It keeps its object alive as long as the store.
#[derive(Clone, Copy)]
pub struct Rooted<T: GcRef> {
    inner: T,
}

impl<T: GcRef> Rooted<T> {
    pub(crate) fn at(place: Place) -> Rooted<T> {
        Rooted { inner: sealed::Sealed::at(place) }
    }

    pub(crate) fn place(&self) -> Place {
        self.inner.place()
    }

    /// Whether both refer to the same object.
    ///
    /// # Panics
    /// If one of them belongs to another store.
    pub fn ref_eq(store: impl crate::AsContext, a: &Rooted<T>, b: &Rooted<T>) -> Result<bool> {
        let store = store.as_context();
        let (a, b) = (a.place(), b.place());
        store.opaque().check(a.store);
        store.opaque().check(b.store);
        Ok(a.at == b.at)
    }

    /// Whether both are the same reference.
    pub fn rooted_eq(a: Rooted<T>, b: Rooted<T>) -> bool {
        a.place() == b.place()
    }
}

impl<T: GcRef> core::ops::Deref for Rooted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: GcRef + fmt::Debug> fmt::Debug for Rooted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rooted({:?})", self.inner)
    }
}

impl ExternRef {
    /// Puts a value into the store's heap.
    ///
    /// # Errors
    /// If the heap is full.
    pub fn new<T: Any + Send + Sync>(
        mut store: impl AsContextMut,
        value: T,
    ) -> Result<Rooted<ExternRef>> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        let at = opaque.vm.heap.alloc_extern(Box::new(value))?;
        Ok(Rooted::at(Place { store: opaque.id(), at }))
    }

    /// The value. `None` if this is an internal value that was converted.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> Result<Option<&'a (dyn Any + Send + Sync)>> {
        let opaque = store.into().opaque();
        opaque.check(self.0.store);
        match opaque.vm.heap.host_value(self.0.at) {
            Some(value) => Ok(Some(&**value)),
            None => bail!("the reference does not lead to a value of the host"),
        }
    }

    /// The value. `None` if this is an internal value that was converted.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<Option<&'a mut (dyn Any + Send + Sync)>> {
        let opaque = &mut store.into().0.opaque;
        opaque.check(self.0.store);
        match opaque.vm.heap.host_value_mut(self.0.at) {
            Some(value) => Ok(Some(&mut **value)),
            None => bail!("the reference does not lead to a value of the host"),
        }
    }
}
