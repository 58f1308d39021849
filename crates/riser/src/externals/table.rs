//! Tables.

use crate::raw::{self, StoreId, StoreOpaque};
use crate::{AsContext, AsContextMut, Ref, Result, TableType, format_err};
use riser_vm::TableId;

/// A table of a store: references by index.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let ty = TableType::new(RefType::FUNCREF, 2, None);
/// let table = Table::new(&mut store, ty, Ref::Func(None))?;
/// let func = Func::wrap(&mut store, || 7);
/// table.set(&mut store, 1, func.into())?;
/// assert!(table.get(&mut store, 0).unwrap().is_null());
/// assert!(table.get(&mut store, 1).unwrap().is_non_null());
/// assert!(table.get(&mut store, 2).is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub(crate) store: StoreId,
    pub(crate) id: TableId,
}

impl Table {
    /// A table of the type's smallest size, full of `init`.
    ///
    /// # Errors
    /// If `init` is not of the element type, or the store's limits or the system refuse the memory.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let mut store = store.as_context_mut();
        let id = raw::table_new(&mut store, &ty, &init)?;
        Ok(Table { store: store.opaque().id(), id })
    }

    fn vm<'a>(&self, store: &'a StoreOpaque) -> &'a riser_vm::Table {
        store.check(self.store);
        store.vm.table(self.id)
    }

    /// The table's type. The minimum is its size now.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        let store = store.as_context();
        let table = self.vm(store.opaque());
        let mut ty = *table.ty();
        ty.limits.min = table.len() as u64;
        TableType::of(store.engine(), ty)
    }

    /// An element; `None` beyond the end.
    pub fn get(&self, mut store: impl AsContextMut, index: u64) -> Option<Ref> {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::table_get(store.opaque_mut(), self.id, index)
    }

    /// Writes an element.
    ///
    /// # Errors
    /// If there is no such element, or `value` is not of the element type.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, value: Ref) -> Result<()> {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::table_set(store.opaque_mut(), self.id, index, &value)
    }

    /// The number of elements.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.vm(store.as_context().opaque()).len() as u64
    }

    /// Grows by `delta` elements that start as `init`: the old size.
    ///
    /// # Errors
    /// If the type or the store's limits do not allow that, `init` is not of the element type, or the system refuses
    /// the memory.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::table_grow(&mut store, self.id, delta, &init)?
            .ok_or_else(|| format_err!("failed to grow table by `{delta}`"))
    }

    /// Copies `len` elements between two tables, or within one.
    ///
    /// # Errors
    /// If the element types do not fit, or a range is not all in its table; nothing is copied then.
    pub fn copy(
        mut store: impl AsContextMut,
        dst_table: &Table,
        dst_index: u64,
        src_table: &Table,
        src_index: u64,
        len: u64,
    ) -> Result<()> {
        let mut store = store.as_context_mut();
        store.opaque().check(dst_table.store);
        store.opaque().check(src_table.store);
        let (dst, src) = ((dst_table.id, dst_index), (src_table.id, src_index));
        raw::table_copy(store.opaque_mut(), dst, src, len)
    }

    /// Writes `value` to `len` elements.
    ///
    /// # Errors
    /// If the range is not all in the table, or `value` is not of the element type; nothing is written then.
    pub fn fill(&self, mut store: impl AsContextMut, dst: u64, value: Ref, len: u64) -> Result<()> {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::table_fill(store.opaque_mut(), self.id, dst, &value, len)
    }
}
