//! The bytes of a store's heap.
//!
//! Where code works on objects itself, they lie in a reservation: every 32-bit reference, with whatever offset, leads into it,
//! so nothing that stands in the heap can make code touch anything else, and the first byte never moves. Elsewhere they are an
//! ordinary allocation.

use core::fmt;
use core::ptr::NonNull;
use riser_abi::{BumpArea, FIRST_OBJECT, GUARDED_BYTES, ROW_DISPLAY, TYPE_ROWS_BYTES, TypeRow};
use riser_abi::{VmRuntime, object_header};
use riser_heap::{HeapMemory, TypeLayout};
use riser_ops::TypeId;
use riser_sys::{OutOfMemory, Region};

/// See the module's documentation.
pub struct HeapBytes {
    backing: Backing,
    runtime: NonNull<VmRuntime>,
}

enum Backing {
    Ordinary(Vec<u8>),
    /// All of [`GUARDED_BYTES`]; as many are accessible as the heap has, and [`FIRST_OBJECT`] at least.
    Reserved(Region),
}

impl HeapBytes {
    /// No bytes yet.
    ///
    /// # Safety
    /// `runtime` is the block of a store, and outlives this.
    pub(crate) unsafe fn new(runtime: NonNull<VmRuntime>) -> HeapBytes {
        HeapBytes { backing: Backing::Ordinary(Vec::new()), runtime }
    }

    /// Moves the bytes to a reservation, unless they are in one: its first byte.
    pub(crate) fn reserve(&mut self) -> Result<*mut u8, OutOfMemory> {
        match &self.backing {
            Backing::Reserved(region) => Ok(region.base()),
            Backing::Ordinary(bytes) => {
                let error = OutOfMemory { bytes: usize::MAX };
                let max = usize::try_from(GUARDED_BYTES).map_err(|_| error)?;
                let region = Region::fixed(bytes.len().max(FIRST_OBJECT as usize), max)?;
                let base = region.base();
                // SAFETY: the region is new and has room for all bytes.
                unsafe { base.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                self.backing = Backing::Reserved(region);
                Ok(base)
            }
        }
    }
}

impl HeapMemory for HeapBytes {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.backing {
            Backing::Ordinary(bytes) => bytes,
            // SAFETY: so many bytes are accessible and initialised, and change only through this value or by code, which
            // does not run while they are borrowed.
            Backing::Reserved(region) => unsafe {
                core::slice::from_raw_parts(region.base(), region.len())
            },
        }
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.backing {
            Backing::Ordinary(bytes) => bytes,
            // SAFETY: as for `bytes`, and this value is borrowed exclusively.
            Backing::Reserved(region) => unsafe {
                core::slice::from_raw_parts_mut(region.base(), region.len())
            },
        }
    }

    fn grow(&mut self, len: usize) -> Result<(), riser_heap::OutOfMemory> {
        match &mut self.backing {
            Backing::Ordinary(bytes) => bytes.grow(len),
            Backing::Reserved(region) => {
                region.grow_in_place(len).map_err(|_| riser_heap::OutOfMemory)
            }
        }
    }

    #[inline]
    fn bump(&self) -> Option<&BumpArea> {
        // SAFETY: the block outlives this value; code and the heap write the fields as atomics, or while nothing else runs.
        Some(unsafe { &(*self.runtime.as_ptr()).bump })
    }
}

impl fmt::Debug for HeapBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeapBytes({})", self.bytes().len())
    }
}

/// What code knows of the types of objects: a row for each id that a header can hold, whether or not there is such a type.
pub(crate) struct TypeRows(Region);

impl TypeRows {
    pub(crate) fn new() -> Result<TypeRows, OutOfMemory> {
        let error = OutOfMemory { bytes: usize::MAX };
        let max = usize::try_from(TYPE_ROWS_BYTES).map_err(|_| error)?;
        Ok(TypeRows(Region::fixed(0, max)?))
    }

    pub(crate) fn base(&self) -> *const TypeRow {
        self.0.base().cast()
    }

    /// Makes room for the row of a type.
    pub(crate) fn reserve(&mut self, id: TypeId) -> Result<(), OutOfMemory> {
        self.0.grow_in_place((id.index() + 1) * size_of::<TypeRow>())
    }

    /// Lets code know a type.
    pub(crate) fn add(&mut self, layout: &TypeLayout) -> Result<(), OutOfMemory> {
        let Some(id) = layout.display().last() else { return Ok(()) };
        self.reserve(*id)?;
        let mut row =
            TypeRow { header: object_header(layout.kind(), *id), display: [0; ROW_DISPLAY] };
        for (place, &id) in row.display.iter_mut().zip(layout.display()) {
            // All types of a display are of one kind.
            *place = object_header(layout.kind(), id);
        }
        // SAFETY: an id of a type has a row, which is accessible now; regions that large are aligned to pages.
        unsafe { self.0.base().cast::<TypeRow>().add(id.index()).write(row) };
        Ok(())
    }
}

impl fmt::Debug for TypeRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeRows({} bytes)", self.0.len())
    }
}
