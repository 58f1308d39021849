//! Exceptions as objects.

use super::{Place, Rooted, gc_ref};
use crate::raw::{self, StoreId};
use crate::{
    AsContext, AsContextMut, Engine, ExnType, HeapType, Result, StoreContextMut, Tag, Val, bail,
    ensure,
};

/// An exception: a tag, and values of the types that the tag's type says.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let ty = ExnType::new(store.engine(), [ValType::I32, ValType::F64])?;
/// let tag = Tag::new(&mut store, &ty.tag_type())?;
/// let allocator = ExnRefPre::new(&mut store, ty.clone());
/// let exception = ExnRef::new(&mut store, &allocator, &tag, &[Val::I32(1), Val::from(2.5)])?;
/// assert!(Tag::eq(&exception.tag(&mut store)?, &tag, &store));
/// assert_eq!(exception.fields(&mut store)?.len(), 2);
/// assert_eq!(exception.field(&mut store, 1)?.f64(), Some(2.5));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExnRef(Place);

gc_ref!(ExnRef, Exn);

/// What is needed to make exceptions of a type in a store, again and again.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let ty = ExnType::new(store.engine(), [ValType::I32])?;
/// let allocator = ExnRefPre::new(&mut store, ty.clone());
/// let tag = Tag::new(&mut store, &ty.tag_type())?;
/// for i in 0..10 {
///     ExnRef::new(&mut store, &allocator, &tag, &[Val::I32(i)])?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ExnRefPre {
    store: StoreId,
    ty: ExnType,
}

impl ExnRefPre {
    /// For exceptions of type `ty`.
    ///
    /// # Panics
    /// If the type is of another engine than the store.
    pub fn new(mut store: impl AsContextMut, ty: ExnType) -> ExnRefPre {
        let mut store = store.as_context_mut();
        assert!(Engine::same(ty.engine(), store.engine()), "a type of another engine");
        ExnRefPre { store: store.opaque_mut().id(), ty }
    }
}

impl ExnRef {
    /// Makes an exception.
    ///
    /// # Errors
    /// If the values are not of the allocator's types, the tag is of another type, or the heap is full.
    ///
    /// # Panics
    /// If the allocator, the tag or a value belongs to another store.
    pub fn new(
        mut store: impl AsContextMut,
        allocator: &ExnRefPre,
        tag: &Tag,
        fields: &[Val],
    ) -> Result<Rooted<ExnRef>> {
        let mut store = store.as_context_mut();
        let ty = tag.ty(&store);
        store.opaque().check(allocator.store);
        ensure!(
            ty == allocator.ty.tag_type(),
            "incorrect signature for tag when creating exception object"
        );
        let (expected, actual) = (ty.ty().params().len(), fields.len());
        ensure!(expected == actual, "expected {expected} fields, got {actual}");
        raw::exceptions::new(&mut store, tag.id, ty.ty(), fields)
    }

    /// The exception's type.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> Result<ExnType> {
        let store = store.as_context();
        let tag = raw::exceptions::tag(store.opaque(), self.0)?;
        ExnType::from_tag_type(&tag.ty(store))
    }

    /// Whether this is one of `ty`.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn matches_ty(&self, store: impl AsContext, ty: &HeapType) -> Result<bool> {
        self.ty(store)?;
        Ok(matches!(ty, HeapType::Exn))
    }

    /// The exception's tag.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn tag(&self, mut store: impl AsContextMut) -> Result<Tag> {
        raw::exceptions::tag(store.as_context_mut().opaque(), self.0)
    }

    /// The values that it carries.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn fields<'a, T: 'static>(
        &'a self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<impl ExactSizeIterator<Item = Val> + 'a> {
        Ok(raw::exceptions::values(store.into().opaque_mut(), self.0)?.into_iter())
    }

    /// A value that it carries.
    ///
    /// # Errors
    /// If there is none, or the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store.
    pub fn field(&self, mut store: impl AsContextMut, index: usize) -> Result<Val> {
        let values = raw::exceptions::values(store.as_context_mut().opaque_mut(), self.0)?;
        match values.get(index) {
            Some(value) => Ok(*value),
            None => bail!("cannot access field {index}: exn only has {} fields", values.len()),
        }
    }
}
