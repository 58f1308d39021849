//! Tables of references.

use core::ops::Range;
use riser_abi::{Slot, TableDef};
use riser_module::TableType;
use riser_sys::OutOfMemory;
use riser_sys::faults::refuses;

/// The most elements of any table, whatever its type allows (the limit of the WebAssembly JavaScript interface).
pub(crate) const ELEMENTS_MAX: u64 = 10_000_000;

/// A table. What code sees comes first, so that the address of one is the address of the other.
#[repr(C)]
#[derive(Debug)]
pub struct Table {
    /// `base` is the address of `elements`.
    def: TableDef,
    elements: Vec<Slot>,
    ty: TableType,
    index: u32,
}

impl Table {
    /// A table of its type's smallest size.
    pub(crate) fn new(ty: TableType, init: Slot, index: u32) -> Result<Table, OutOfMemory> {
        let def = TableDef { base: core::ptr::NonNull::dangling().as_ptr(), len: 0 };
        let mut table = Table { def, elements: Vec::new(), ty, index };
        let len = usize::try_from(ty.limits.min).ok().filter(|&n| n as u64 <= ELEMENTS_MAX);
        table.grow_to(len.ok_or(OutOfMemory { bytes: usize::MAX })?, init)?;
        Ok(table)
    }

    /// Its position in the store.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its type, with the size that it was made with.
    pub fn ty(&self) -> &TableType {
        &self.ty
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.def.len
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.def.len == 0
    }

    /// Its first element. Valid until it grows.
    pub(crate) fn base(&self) -> *mut Slot {
        self.def.base
    }

    /// An element.
    pub fn get(&self, at: u64) -> Option<Slot> {
        let at = usize::try_from(at).ok().filter(|&at| at < self.def.len)?;
        // SAFETY: in bounds; `base` and `len` describe `elements`, which only this store's thread touches.
        Some(unsafe { *self.def.base.add(at) })
    }

    /// The positions of `len` elements from `start` on, if they all exist.
    pub(crate) fn range(&self, start: u64, len: u64) -> Option<Range<usize>> {
        let end = start.checked_add(len).filter(|&end| end <= self.def.len as u64)?;
        Some(start as usize..end as usize)
    }

    /// Writes the same value to a range that came from [`Table::range`].
    pub(crate) fn fill(&mut self, range: Range<usize>, value: Slot) {
        assert!(range.start <= range.end && range.end <= self.def.len);
        for at in range {
            // SAFETY: in bounds, as just asserted.
            unsafe { *self.def.base.add(at) = value };
        }
    }

    /// The size after growing by `delta`, if type and limits allow that.
    pub(crate) fn grown(&self, delta: u64) -> Option<usize> {
        let max = self.ty.limits.max.unwrap_or(u64::MAX).min(ELEMENTS_MAX);
        let len = (self.def.len as u64).checked_add(delta).filter(|&len| len <= max)?;
        usize::try_from(len).ok()
    }

    /// Grows to `len` elements; the new ones are `init`.
    pub(crate) fn grow_to(&mut self, len: usize, init: Slot) -> Result<(), OutOfMemory> {
        let more = len.saturating_sub(self.elements.len());
        let refused = OutOfMemory { bytes: len.saturating_mul(size_of::<Slot>()) };
        if more > 0 && refuses() {
            return Err(refused);
        }
        self.elements.try_reserve(more).map_err(|_| refused)?;
        self.elements.resize(len, init);
        self.def = TableDef { base: self.elements.as_mut_ptr(), len };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use riser_module::Limits;
    use riser_ops::RefType;

    fn ty(min: u64, max: Option<u64>) -> TableType {
        let limits = Limits { min, max };
        TableType { element: RefType::FUNCREF, limits, table64: false, shared: false }
    }

    #[test]
    fn ranges_are_checked_without_overflow() {
        let table = Table::new(ty(10, None), 3, 0).unwrap();
        assert_eq!(table.range(4, 6), Some(4..10));
        assert_eq!(table.range(10, 0), Some(10..10));
        assert_eq!(table.range(5, 6), None);
        assert_eq!(table.range(u64::MAX, 2), None);
        assert_eq!(table.get(9), Some(3));
        assert_eq!(table.get(10), None);
    }

    #[test]
    fn growth_is_limited() {
        let mut table = Table::new(ty(1, Some(4)), 1, 0).unwrap();
        assert_eq!(table.grown(4), None);
        assert_eq!(table.grown(u64::MAX), None);
        table.grow_to(table.grown(3).unwrap(), 8).unwrap();
        assert_eq!((table.get(0), table.get(3)), (Some(1), Some(8)));
        assert!(Table::new(ty(ELEMENTS_MAX + 1, None), 0, 0).is_err());
        assert_eq!(Table::new(ty(0, None), 0, 0).unwrap().grown(ELEMENTS_MAX + 1), None);
    }
}
