//! Arrays.

use super::{Place, Rooted, corrupted, gc_ref};
use crate::raw::{self, StoreId, StoreOpaque};
use crate::{
    ArrayType, AsContext, AsContextMut, Mutability, Result, StorageType, StoreContextMut, Val,
    bail, format_err,
};
use riser_heap::Referent;

/// An array.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let element = FieldType::new(Mutability::Var, ValType::I64.into());
/// let ty = ArrayType::new(store.engine(), element);
/// let pre = ArrayRefPre::new(&mut store, ty);
/// let array = ArrayRef::new(&mut store, &pre, &Val::I64(1), 3)?;
/// array.set(&mut store, 2, Val::I64(5))?;
/// let elements: Vec<i64> = array.elems(&mut store)?.map(|val| val.unwrap_i64()).collect();
/// assert_eq!(elements, [1, 1, 5]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ArrayRef(pub(super) Place);

gc_ref!(ArrayRef, Array);

/// An array type, prepared for making many arrays of it in one store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let ty = ArrayType::new(store.engine(), FieldType::new(Mutability::Const, StorageType::I8));
/// let pre = ArrayRefPre::new(&mut store, ty);
/// for len in 0..10 {
///     assert_eq!(ArrayRef::new(&mut store, &pre, &Val::I32(1), len)?.len(&store)?, len);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ArrayRefPre {
    store: StoreId,
    ty: ArrayType,
}

impl ArrayRefPre {
    /// Prepares a type.
    ///
    /// # Panics
    /// If the type belongs to another engine than the store.
    pub fn new(mut store: impl AsContextMut, ty: ArrayType) -> ArrayRefPre {
        let mut store = store.as_context_mut();
        let store = store.opaque_mut();
        assert!(crate::Engine::same(ty.engine(), store.engine()), "a type of another engine");
        ArrayRefPre { store: store.id(), ty }
    }
}

impl ArrayRef {
    /// Makes an array of `len` elements that are all `elem`.
    ///
    /// # Errors
    /// If the element is not of the type, or the heap is full.
    ///
    /// # Panics
    /// If something belongs to another store; so do the other methods.
    pub fn new(
        mut store: impl AsContextMut,
        pre: &ArrayRefPre,
        elem: &Val,
        len: u32,
    ) -> Result<Rooted<ArrayRef>> {
        let mut store = store.as_context_mut();
        store.opaque().check(pre.store);
        let (id, storage) = (pre.ty.id(), pre.ty.ops_element().storage);
        raw::gc::check(store.opaque(), elem, storage)?;
        let array = raw::gc::allocate(&mut store, id, |heap| heap.alloc_array(id, len))?;
        let opaque = store.opaque_mut();
        let cell = raw::gc::cell(opaque, elem, storage)?;
        opaque.vm.heap.array_fill(array, 0, cell, len).map_err(raw::gc::access_error)?;
        Ok(Rooted::at(Place::new(opaque, array)))
    }

    /// Makes an array of these elements.
    ///
    /// # Errors
    /// If an element is not of the type, or the heap is full.
    pub fn new_fixed(
        mut store: impl AsContextMut,
        pre: &ArrayRefPre,
        elems: &[Val],
    ) -> Result<Rooted<ArrayRef>> {
        let mut store = store.as_context_mut();
        store.opaque().check(pre.store);
        let (id, storage) = (pre.ty.id(), pre.ty.ops_element().storage);
        for (at, elem) in elems.iter().enumerate() {
            raw::gc::check(store.opaque(), elem, storage)
                .map_err(|error| error.context(format_err!("element {at}")))?;
        }
        let len = u32::try_from(elems.len()).map_err(|_| format_err!("too many elements"))?;
        let array = raw::gc::allocate(&mut store, id, |heap| heap.alloc_array(id, len))?;
        let opaque = store.opaque_mut();
        for (at, elem) in (0..).zip(elems) {
            let cell = raw::gc::cell(opaque, elem, storage)?;
            opaque.vm.heap.array_set(array, at, cell).map_err(raw::gc::access_error)?;
        }
        Ok(Rooted::at(Place::new(opaque, array)))
    }

    /// Makes an array of bytes.
    ///
    /// # Errors
    /// If the type is not one of arrays of `i8`, or the heap is full.
    pub fn new_from_i8_slice(
        mut store: impl AsContextMut,
        pre: &ArrayRefPre,
        elems: &[u8],
    ) -> Result<Rooted<ArrayRef>> {
        let mut store = store.as_context_mut();
        store.opaque().check(pre.store);
        let id = pre.ty.id();
        if pre.ty.element_type() != StorageType::I8 {
            bail!("the elements of `{}` are no bytes", pre.ty);
        }
        let len = u32::try_from(elems.len()).map_err(|_| format_err!("too many elements"))?;
        let array = raw::gc::allocate(&mut store, id, |heap| heap.alloc_array(id, len))?;
        let opaque = store.opaque_mut();
        opaque.vm.heap.array_write(array, 0, elems).map_err(raw::gc::access_error)?;
        Ok(Rooted::at(Place::new(opaque, array)))
    }

    /// Copies the elements of an array of bytes that is as long as `dst`.
    ///
    /// # Errors
    /// If the handle's scope has ended, the elements are no bytes, or the lengths differ.
    pub fn copy_to_i8_slice(&self, mut store: impl AsContextMut, dst: &mut [u8]) -> Result<()> {
        let store = store.as_context_mut();
        let store = store.opaque();
        let ty = self.ty_in(store)?;
        if ty.element_type() != StorageType::I8 {
            bail!("the elements of `{ty}` are no bytes");
        }
        let bytes = store.vm.heap.array_bytes(self.0.get(store)?).map_err(corrupted)?;
        if bytes.len() != dst.len() {
            bail!("the array has {} elements, not {}", bytes.len(), dst.len());
        }
        dst.copy_from_slice(bytes);
        Ok(())
    }

    /// Its type.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn ty(&self, store: impl AsContext) -> Result<ArrayType> {
        self.ty_in(store.as_context().opaque())
    }

    fn ty_in(&self, store: &StoreOpaque) -> Result<ArrayType> {
        match store.vm.heap.referent(self.0.get(store)?).map_err(corrupted)? {
            Referent::Array(id) => Ok(ArrayType::of(store.engine(), id)),
            _ => bail!("the reference does not lead to an array"),
        }
    }

    /// Whether it is of a type.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn matches_ty(&self, store: impl AsContext, ty: &ArrayType) -> Result<bool> {
        Ok(self.ty(store)?.matches(ty))
    }

    /// The number of elements.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn len(&self, store: impl AsContext) -> Result<u32> {
        let store = store.as_context();
        let store = store.opaque();
        store.vm.heap.array_len(self.0.get(store)?).map_err(corrupted)
    }

    /// Whether there are no elements.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn is_empty(&self, store: impl AsContext) -> Result<bool> {
        Ok(self.len(store)? == 0)
    }

    /// An element. Packed integers are zero-extended.
    ///
    /// # Errors
    /// If the handle's scope has ended, or there is no such element.
    pub fn get(&self, mut store: impl AsContextMut, index: u32) -> Result<Val> {
        let mut store = store.as_context_mut();
        let store = store.opaque_mut();
        let ty = self.ty_in(store)?.element_type();
        raw::gc::array_element(store, self.0.get(store)?, index, &ty)
    }

    /// All elements.
    ///
    /// # Errors
    /// If the handle's scope has ended.
    pub fn elems<'a, T: 'static>(
        &'a self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<impl ExactSizeIterator<Item = Val> + 'a> {
        let mut store = store.into();
        let len = self.len(&store)?;
        let elements: Result<Vec<Val>> = (0..len).map(|at| self.get(&mut store, at)).collect();
        Ok(elements?.into_iter())
    }

    /// Sets an element.
    ///
    /// # Errors
    /// If the handle's scope has ended, there is no such element, elements are immutable, or of another type.
    pub fn set(&self, mut store: impl AsContextMut, index: u32, value: Val) -> Result<()> {
        let mut store = store.as_context_mut();
        let store = store.opaque_mut();
        let ty = self.ty_in(store)?;
        if ty.mutability() == Mutability::Const {
            bail!("the elements of `{ty}` are immutable");
        }
        let cell = raw::gc::cell(store, &value, ty.ops_element().storage)?;
        let at = self.0.get(store)?;
        store.vm.heap.array_set(at, index, cell).map_err(raw::gc::access_error)
    }
}
