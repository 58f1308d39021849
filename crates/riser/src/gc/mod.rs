//! References to what lives in a store's heap: structures, arrays, exceptions and values of the host.
//!
//! The collector moves objects, so a handle is not an address but a place in the store's list of what the host holds.
//! [`Rooted`] handles are cheap and live until their scope ends: the host call in which they were made, or a
//! [`RootScope`]; without either, as long as the store. [`OwnedRooted`] handles live as long as somebody has them.

mod any_ref;
mod array_ref;
mod exn_ref;
mod extern_ref;
mod i31;
mod none;
mod struct_ref;

pub use any_ref::{AnyRef, EqRef};
pub use array_ref::{ArrayRef, ArrayRefPre};
pub use exn_ref::{ExnRef, ExnRefPre};
pub use extern_ref::ExternRef;
pub use i31::I31;
pub use none::{NoExtern, NoneRef};
pub use struct_ref::{StructRef, StructRefPre};

use crate::raw::{StoreId, StoreOpaque};
use crate::{AsContext, AsContextMut, Result, StoreContext, StoreContextMut, format_err};
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use riser_heap::{HeapCorrupted, HeapRef};
use riser_vm::RootId;
use std::sync::Arc;

/// A handle's place: its store, and where the store keeps the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub(crate) store: StoreId,
    root: RootId,
}

impl Place {
    /// Makes a handle that lives until the present scope ends.
    pub(crate) fn new(store: &mut StoreOpaque, at: HeapRef) -> Place {
        Place { store: store.id(), root: store.vm.roots.push(at) }
    }

    /// What the handle refers to.
    ///
    /// # Errors
    /// If its scope has ended.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub(crate) fn get(self, store: &StoreOpaque) -> Result<HeapRef> {
        store.check(self.store);
        store.vm.roots.get(self.root).ok_or_else(|| {
            format_err!("attempted to use a garbage-collected object that has been unrooted")
        })
    }

    /// Whether the handle belongs to a store and still refers to something.
    pub(crate) fn is_alive_in(self, store: &StoreOpaque) -> bool {
        self.store == store.id() && store.vm.roots.get(self.root).is_some()
    }
}

pub(crate) fn corrupted(error: HeapCorrupted) -> crate::Error {
    crate::Error::msg(error.to_string()).context(crate::Trap::HeapCorrupted)
}

/// There is no room for an object. It has a value that was to be put into the heap, so that it is not lost.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let limits = StoreLimitsBuilder::new().memory_size(0).build();
/// let mut store = Store::new(&Engine::default(), limits);
/// store.limiter(|limits| limits);
/// let error = ExternRef::new(&mut store, String::from("precious")).unwrap_err();
/// let full = error.downcast::<GcHeapOutOfMemory<String>>()?;
/// assert_eq!(full.into_inner(), "precious");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GcHeapOutOfMemory<T> {
    inner: T,
}

impl<T> GcHeapOutOfMemory<T> {
    pub(crate) fn new(inner: T) -> GcHeapOutOfMemory<T> {
        GcHeapOutOfMemory { inner }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// The value, and the error without it.
    pub fn take_inner(self) -> (T, GcHeapOutOfMemory<()>) {
        (self.inner, GcHeapOutOfMemory { inner: () })
    }
}

impl<T> fmt::Debug for GcHeapOutOfMemory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> fmt::Display for GcHeapOutOfMemory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store's heap is full")
    }
}

impl<T> core::error::Error for GcHeapOutOfMemory<T> {}

/// What [`Rooted`] and [`OwnedRooted`] can hold.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn keep<T: GcRef>(store: &mut Store<()>, handle: Rooted<T>) -> Result<OwnedRooted<T>> {
///     handle.to_owned_rooted(store)
/// }
///
/// let mut store = Store::<()>::default();
/// let handle = ExternRef::new(&mut store, 1)?;
/// keep(&mut store, handle)?;
/// # Ok(()) }
/// ```
pub trait GcRef: sealed::Sealed + Copy + Send + Sync + 'static {}

pub(crate) mod sealed {
    use super::Place;
    use crate::HeapType;

    pub trait Sealed: Sized {
        #[doc(hidden)]
        fn at(place: Place) -> Self;
        #[doc(hidden)]
        fn place(&self) -> Place;
        #[doc(hidden)]
        fn heap_type() -> HeapType;
    }
}

/// A handle of either kind.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn same<T: GcRef>(store: &Store<()>, a: &impl RootedGcRef<T>, b: &impl RootedGcRef<T>) -> Result<bool> {
///     Rooted::ref_eq(store, a, b)
/// }
///
/// let mut store = Store::<()>::default();
/// let handle = ExternRef::new(&mut store, 1)?;
/// let owned = handle.to_owned_rooted(&mut store)?;
/// assert!(same(&store, &handle, &owned)?);
/// # Ok(()) }
/// ```
pub trait RootedGcRef<T: GcRef>: sealed_root::Sealed {}

mod sealed_root {
    use super::Place;

    pub trait Sealed {
        #[doc(hidden)]
        fn root(&self) -> Place;
    }
}

impl<T: GcRef> sealed_root::Sealed for Rooted<T> {
    fn root(&self) -> Place {
        self.place()
    }
}

impl<T: GcRef> sealed_root::Sealed for OwnedRooted<T> {
    fn root(&self) -> Place {
        self.inner.place()
    }
}

impl<T: GcRef> RootedGcRef<T> for Rooted<T> {}
impl<T: GcRef> RootedGcRef<T> for OwnedRooted<T> {}

/// Makes a type one that [`Rooted`] can hold, and says what it stands for.
macro_rules! gc_ref {
    ($name:ident, $heap_type:ident) => {
        impl $crate::gc::sealed::Sealed for $name {
            fn at(place: $crate::gc::Place) -> $name {
                $name(place)
            }
            fn place(&self) -> $crate::gc::Place {
                self.0
            }
            fn heap_type() -> $crate::HeapType {
                $crate::HeapType::$heap_type
            }
        }

        impl $crate::gc::GcRef for $name {}
    };
}
pub(crate) use gc_ref;

/// A reference that the host holds, until the scope ends in which it was made. It keeps its object alive.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let outer = ExternRef::new(&mut store, 1)?;
/// let inner = {
///     let mut scope = RootScope::new(&mut store);
///     ExternRef::new(&mut scope, 2)?
/// };
/// assert!(outer.data(&store).is_ok());
/// // Its scope is over.
/// assert!(inner.data(&store).is_err());
/// # Ok(()) }
/// ```
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

    /// The same handle for another type, which its object is known to have.
    pub(crate) fn cast<U: GcRef>(self) -> Rooted<U> {
        Rooted::at(self.place())
    }

    /// A handle to the same object that lives as long as somebody has it.
    ///
    /// # Errors
    /// If this one's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn to_owned_rooted(&self, mut store: impl AsContextMut) -> Result<OwnedRooted<T>> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        let at = self.place().get(opaque)?;
        Ok(OwnedRooted::of(opaque, at))
    }

    /// Whether both refer to the same object.
    ///
    /// # Errors
    /// If the scope of one has ended.
    ///
    /// # Panics
    /// If one of them belongs to another store.
    pub fn ref_eq(
        store: impl AsContext,
        a: &impl RootedGcRef<T>,
        b: &impl RootedGcRef<T>,
    ) -> Result<bool> {
        let store = store.as_context();
        Ok(a.root().get(store.opaque())? == b.root().get(store.opaque())?)
    }

    /// Whether both are the same handle.
    pub fn rooted_eq(a: Rooted<T>, b: Rooted<T>) -> bool {
        a.place() == b.place()
    }

    /// Hashes the handle, as [`Rooted::rooted_eq`] compares it.
    pub fn rooted_hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
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

/// A reference that the host holds as long as it has this, or a copy of it.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let owned = {
///     let mut scope = RootScope::new(&mut store);
///     let object = ExternRef::new(&mut scope, "kept")?;
///     object.to_owned_rooted(&mut scope)?
/// };
/// store.gc(None)?;
/// let data = owned.data(&store)?.unwrap();
/// assert_eq!(data.downcast_ref::<&str>(), Some(&"kept"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct OwnedRooted<T: GcRef> {
    inner: T,
    /// The store forgets the handle when it has the only other one.
    _alive: Arc<()>,
}

impl<T: GcRef> OwnedRooted<T> {
    /// A handle to the same object that lives until the present scope ends.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn to_rooted(&self, mut store: impl AsContextMut) -> Rooted<T> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        let at = self.inner.place().get(opaque).expect("an owned handle refers to something");
        Rooted::at(Place::new(opaque, at))
    }

    /// Whether both refer to the same object.
    ///
    /// # Errors
    /// If one is a [`Rooted`] handle whose scope has ended.
    ///
    /// # Panics
    /// If one of them belongs to another store.
    pub fn ref_eq(
        store: impl AsContext,
        a: &impl RootedGcRef<T>,
        b: &impl RootedGcRef<T>,
    ) -> Result<bool> {
        Rooted::ref_eq(store, a, b)
    }

    /// Hashes the handle: copies of it have the same hash, other handles to the same object another one.
    pub fn rooted_hash<H: Hasher>(&self, state: &mut H) {
        self.inner.place().hash(state);
    }

    pub(crate) fn place(&self) -> Place {
        self.inner.place()
    }

    /// A handle for what the store refers to.
    pub(crate) fn of(store: &mut StoreOpaque, at: HeapRef) -> OwnedRooted<T> {
        let (root, alive) = store.vm.roots.own(at);
        let inner = sealed::Sealed::at(Place { store: store.id(), root });
        OwnedRooted { inner, _alive: alive }
    }

    pub(crate) fn cast<U: GcRef>(self) -> OwnedRooted<U> {
        OwnedRooted { inner: sealed::Sealed::at(self.inner.place()), _alive: self._alive }
    }
}

impl<T: GcRef> core::ops::Deref for OwnedRooted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: GcRef + fmt::Debug> fmt::Debug for OwnedRooted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedRooted({:?})", self.inner)
    }
}

/// A store, borrowed for a scope: [`Rooted`] handles that are made meanwhile end with it.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// for n in 0..10 {
///     let mut scope = RootScope::new(&mut store);
///     let object = ExternRef::new(&mut scope, n)?;
///     assert!(object.data(&scope)?.is_some());
/// }
/// # Ok(()) }
/// ```
pub struct RootScope<C: AsContextMut> {
    store: C,
    scope: usize,
    /// Scopes end in the opposite order, on the thread where they began.
    _not_send: PhantomData<*mut ()>,
}

impl<C: AsContextMut> RootScope<C> {
    /// Begins a scope.
    pub fn new(store: C) -> RootScope<C> {
        let scope = store.as_context().opaque().vm.roots.enter();
        RootScope { store, scope, _not_send: PhantomData }
    }

    /// Makes room for so many more handles at once.
    ///
    /// # Panics
    /// If there is no memory for them.
    pub fn reserve(&mut self, additional: usize) {
        self.store.as_context_mut().opaque_mut().vm.roots.reserve(additional);
    }
}

impl<C: AsContextMut> Drop for RootScope<C> {
    fn drop(&mut self) {
        self.store.as_context_mut().opaque_mut().vm.roots.exit(self.scope);
    }
}

impl<C: AsContextMut> AsContext for RootScope<C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for RootScope<C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.store.as_context_mut()
    }
}

impl<C: AsContextMut> fmt::Debug for RootScope<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootScope").finish_non_exhaustive()
    }
}
