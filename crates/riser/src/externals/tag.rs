//! Tags of exceptions.

use crate::raw::{self, StoreId};
use crate::{AsContext, AsContextMut, FuncType, Result, TagType};
use riser_vm::TagId;

/// A tag of a store: exceptions are told apart by it.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let payload = FuncType::new(store.engine(), [ValType::I32], []);
/// let ty = TagType::new(payload);
/// let tag = Tag::new(&mut store, &ty)?;
/// assert_eq!(tag.ty(&store), ty);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub(crate) store: StoreId,
    pub(crate) id: TagId,
}

impl Tag {
    /// A new tag, different from all others.
    ///
    /// # Errors
    /// If the store has four billion tags.
    pub fn new(mut store: impl AsContextMut, ty: &TagType) -> Result<Tag> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        let id = raw::tag_new(opaque, ty)?;
        Ok(Tag { store: opaque.id(), id })
    }

    /// The tag's type.
    pub fn ty(&self, store: impl AsContext) -> TagType {
        let store = store.as_context();
        store.opaque().check(self.store);
        let id = store.opaque().vm.tag(self.id).type_id();
        TagType::new(FuncType::of(store.engine(), id))
    }

    /// Whether both are the same tag.
    pub fn eq(a: &Tag, b: &Tag, store: impl AsContext) -> bool {
        let store = store.as_context();
        store.opaque().check(a.store);
        store.opaque().check(b.store);
        a.id == b.id
    }
}
