//! Structures.

use super::{Place, Rooted, corrupted, gc_ref};
use crate::raw::{self, StoreId, StoreOpaque};
use crate::{
    AsContext, AsContextMut, FieldType, Mutability, Result, StoreContextMut, StructType, Val, bail,
    format_err,
};
use riser_heap::Referent;

/// A structure.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let field = FieldType::new(Mutability::Var, StorageType::I8);
/// let ty = StructType::new(store.engine(), [field])?;
/// let pre = StructRefPre::new(&mut store, ty);
/// let object = StructRef::new(&mut store, &pre, &[Val::I32(0x1FF)])?;
/// assert_eq!(object.field(&mut store, 0)?.unwrap_i32(), 0xFF);
/// object.set_field(&mut store, 0, Val::I32(7))?;
/// assert_eq!(object.field(&mut store, 0)?.unwrap_i32(), 7);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StructRef(pub(super) Place);

gc_ref!(StructRef, Struct);

/// A structure type, prepared for making many structures of it in one store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let ty = StructType::new(store.engine(), [FieldType::new(Mutability::Const, ValType::I32.into())])?;
/// let pre = StructRefPre::new(&mut store, ty);
/// for n in 0..10 {
///     assert_eq!(StructRef::new(&mut store, &pre, &[Val::I32(n)])?.field(&mut store, 0)?.i32(), Some(n));
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct StructRefPre {
    store: StoreId,
    ty: StructType,
}

impl StructRefPre {
    /// Prepares a type.
    ///
    /// # Panics
    /// If the type belongs to another engine than the store.
    pub fn new(mut store: impl AsContextMut, ty: StructType) -> StructRefPre {
        let mut store = store.as_context_mut();
        let store = store.opaque_mut();
        assert!(crate::Engine::same(ty.engine(), store.engine()), "a type of another engine");
        StructRefPre { store: store.id(), ty }
    }
}

impl StructRef {
    /// Makes a structure with these fields.
    ///
    /// # Errors
    /// If the fields do not fit the type, or the heap is full.
    ///
    /// # Panics
    /// If something belongs to another store.
    pub fn new(
        mut store: impl AsContextMut,
        pre: &StructRefPre,
        fields: &[Val],
    ) -> Result<Rooted<StructRef>> {
        let mut store = store.as_context_mut();
        store.opaque().check(pre.store);
        let expected = pre.ty.ops_fields();
        if expected.len() != fields.len() {
            bail!("expected {} fields, got {}", expected.len(), fields.len());
        }
        for (at, (val, ty)) in fields.iter().zip(expected).enumerate() {
            raw::gc::check(store.opaque(), val, ty.storage)
                .map_err(|error| error.context(format_err!("field {at}")))?;
        }
        let id = pre.ty.id();
        let object = raw::gc::allocate(&mut store, id, |heap| heap.alloc_struct(id))?;
        let opaque = store.opaque_mut();
        for (at, (val, ty)) in (0..).zip(fields.iter().zip(expected)) {
            let cell = raw::gc::cell(opaque, val, ty.storage)?;
            opaque.vm.heap.struct_set(object, at, cell).map_err(raw::gc::access_error)?;
        }
        Ok(Rooted::at(Place::new(opaque, object)))
    }

    /// Its type.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    ///
    /// # Panics
    /// If this belongs to another store; so do the other methods.
    pub fn ty(&self, store: impl AsContext) -> Result<StructType> {
        self.ty_in(store.as_context().opaque())
    }

    fn ty_in(&self, store: &StoreOpaque) -> Result<StructType> {
        match store.vm.heap.referent(self.0.get(store)?).map_err(corrupted)? {
            Referent::Struct(id) => Ok(StructType::of(store.engine(), id)),
            _ => bail!("the reference does not lead to a structure"),
        }
    }

    /// Whether it is of a type.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn matches_ty(&self, store: impl AsContext, ty: &StructType) -> Result<bool> {
        Ok(self.ty(store)?.matches(ty))
    }

    fn field_type(&self, store: &StoreOpaque, index: usize) -> Result<FieldType> {
        let ty = self.ty_in(store)?;
        ty.field(index).ok_or_else(|| format_err!("`{ty}` has no field {index}"))
    }

    /// A field. Packed integers are zero-extended.
    ///
    /// # Errors
    /// If the handle's scope has ended, or there is no such field.
    pub fn field(&self, mut store: impl AsContextMut, index: usize) -> Result<Val> {
        let mut store = store.as_context_mut();
        let store = store.opaque_mut();
        let ty = self.field_type(store, index)?;
        raw::gc::struct_field(store, self.0.get(store)?, index as u32, ty.element_type())
    }

    /// All fields.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn fields<'a, T: 'static>(
        &'a self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<impl ExactSizeIterator<Item = Val> + 'a> {
        let mut store = store.into();
        let count = self.ty_in(store.opaque())?.fields().len();
        let fields: Result<Vec<Val>> = (0..count).map(|at| self.field(&mut store, at)).collect();
        Ok(fields?.into_iter())
    }

    /// Sets a field.
    ///
    /// # Errors
    /// If the handle's scope has ended, there is no such field, it is immutable, or of another type.
    pub fn set_field(&self, mut store: impl AsContextMut, index: usize, value: Val) -> Result<()> {
        let mut store = store.as_context_mut();
        let store = store.opaque_mut();
        let ty = self.field_type(store, index)?;
        if ty.mutability() == Mutability::Const {
            bail!("field {index} is immutable");
        }
        let cell = raw::gc::cell(store, &value, ty.to_ops().storage)?;
        let at = self.0.get(store)?;
        store.vm.heap.struct_set(at, index as u32, cell).map_err(raw::gc::access_error)
    }
}
