//! Values of the host.

use super::{AnyRef, Place, Rooted, corrupted, gc_ref};
use crate::{AsContextMut, Result, StoreContext, StoreContextMut, raw};
use core::any::Any;
use riser_heap::Referent;

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
#[derive(Clone, Copy, Debug)]
pub struct ExternRef(Place);

gc_ref!(ExternRef, Extern);

impl ExternRef {
    /// Puts a value into the store's heap. It is dropped after no one refers to it any more, at a collection or with
    /// the store.
    ///
    /// # Errors
    /// [`GcHeapOutOfMemory<T>`](crate::GcHeapOutOfMemory) with the value, if the heap is full and may not grow.
    pub fn new<T: Any + Send + Sync>(
        mut store: impl AsContextMut,
        value: T,
    ) -> Result<Rooted<ExternRef>> {
        let mut store = store.as_context_mut();
        let at = raw::gc::alloc_extern(&mut store, value)?;
        Ok(Rooted::at(Place::new(store.opaque_mut(), at)))
    }

    /// An internal reference as an external one, as `extern.convert_any` makes it.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn convert_any(
        mut store: impl AsContextMut,
        anyref: Rooted<AnyRef>,
    ) -> Result<Rooted<ExternRef>> {
        let mut store = store.as_context_mut();
        let at = anyref.place().get(store.opaque())?;
        Ok(Rooted::at(Place::new(store.opaque_mut(), at)))
    }

    /// The value. `None` if this is an internal value that was converted.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> Result<Option<&'a (dyn Any + Send + Sync)>> {
        let opaque = store.into().opaque();
        let at = self.0.get(opaque)?;
        match opaque.vm.heap.referent(at).map_err(corrupted)? {
            Referent::Extern => Ok(opaque.vm.heap.host_value(at).map(|value| &**value)),
            _ => Ok(None),
        }
    }

    /// The value. `None` if this is an internal value that was converted.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<Option<&'a mut (dyn Any + Send + Sync)>> {
        let opaque = &mut store.into().0.opaque;
        let at = self.0.get(opaque)?;
        match opaque.vm.heap.referent(at).map_err(corrupted)? {
            Referent::Extern => Ok(opaque.vm.heap.host_value_mut(at).map(|value| &mut **value)),
            _ => Ok(None),
        }
    }
}
