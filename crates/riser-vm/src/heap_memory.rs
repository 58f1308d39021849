//! The bytes of a store's heap.
//!
//! Where code works on objects itself, they lie in a reservation: every 32-bit reference, with whatever offset, leads into it,
//! so nothing that stands in the heap can make code touch anything else, and the first byte never moves. Elsewhere they are an
//! ordinary allocation.

use crate::store::VmStore;
use core::fmt;
use core::ptr::NonNull;
use riser_abi::{BumpArea, FIRST_OBJECT, GUARDED_BYTES, ROW_DISPLAY, TYPE_ROWS_BYTES, TypeRow};
use riser_abi::{VmRuntime, object_header, type_number};
use riser_heap::{HeapFull, HeapMemory, TypeLayout};
use riser_module::TypeRegistry;
use riser_ops::TypeId;
use riser_sys::{OutOfMemory, Region};

/// The functions by number in a store where none stood in a field: null.
pub(crate) static NO_FUNCS: [u64; 1] = [0];

/// No heap is larger.
const BYTES_MAX: u64 = 1 << 32;

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
                let max = usize::try_from(BYTES_MAX).map_err(|_| error)?;
                let total = usize::try_from(GUARDED_BYTES).map_err(|_| error)?;
                let len = bytes.len().max(FIRST_OBJECT as usize);
                let region = Region::guarded(len, max, total, None)?;
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

    fn publish_funcs(&mut self, funcs: &[u64]) {
        let runtime = self.runtime.as_ptr();
        // SAFETY: the block outlives this value, and no code runs meanwhile.
        unsafe {
            (*runtime).funcs = funcs.as_ptr();
            (*runtime).func_count = funcs.len() as u64;
        }
    }
}

impl fmt::Debug for HeapBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeapBytes({})", self.bytes().len())
    }
}

/// What code knows of the types of objects: a row for each number that a header can hold, whether or not there is such a type.
pub(crate) struct TypeRows(Region);

impl TypeRows {
    pub(crate) fn new() -> Result<TypeRows, OutOfMemory> {
        let error = OutOfMemory { bytes: usize::MAX };
        let max = usize::try_from(TYPE_ROWS_BYTES).map_err(|_| error)?;
        // The first row is no type's, and is read for what is no object.
        Ok(TypeRows(Region::guarded(size_of::<TypeRow>(), max, max, None)?))
    }

    pub(crate) fn base(&self) -> *const TypeRow {
        self.0.base().cast()
    }

    /// Makes room for the row of a type.
    pub(crate) fn reserve(&mut self, id: TypeId) -> Result<(), OutOfMemory> {
        self.0.grow_in_place((type_number(id) as usize + 1) * size_of::<TypeRow>())
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
        // SAFETY: each number has a row, which is accessible now; regions that large are aligned to pages.
        unsafe { self.0.base().cast::<TypeRow>().add(type_number(*id) as usize).write(row) };
        Ok(())
    }
}

impl fmt::Debug for TypeRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeRows({} bytes)", self.0.len())
    }
}

impl VmStore {
    /// Prepares for code that works on objects itself, of types with ids up to `last`: the heap moves to a reservation, where it
    /// stays, and code learns where that is.
    ///
    /// # Errors
    /// If there is not so much address space. Nothing that matters has changed then.
    pub fn reserve_heap(&mut self, last: TypeId) -> Result<(), OutOfMemory> {
        if let Some(rows) = &mut self.type_rows {
            return rows.reserve(last);
        }
        let heap_base = self.heap.memory_mut().reserve()?;
        let mut rows = TypeRows::new()?;
        rows.reserve(last)?;
        for layout in self.heap.layouts().iter() {
            rows.add(layout)?;
        }
        // SAFETY: the block is the store's, and no code runs that reads these fields.
        unsafe {
            (*self.runtime()).heap_base = heap_base;
            (*self.runtime()).type_rows = rows.base();
        }
        self.type_rows = Some(rows);
        Ok(())
    }

    /// Lets the heap, and code, know a type that is alive in a registry.
    pub(crate) fn register_layout(
        &mut self,
        registry: &TypeRegistry,
        id: TypeId,
    ) -> Result<(), HeapFull> {
        if let Some(rows) = &mut self.type_rows {
            // First, so that there is no type without a row.
            rows.reserve(id).map_err(|_| HeapFull)?;
        }
        if self.heap.layouts().get(id).is_none() {
            self.heap.layouts_mut().register(registry, id)?;
        }
        match (&mut self.type_rows, self.heap.layouts().get(id)) {
            (Some(rows), Some(layout)) => rows.add(layout).map_err(|_| HeapFull),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::VmStore;
    use core::sync::atomic::Ordering;
    use riser_abi::{BumpArea, FIRST_OBJECT, VmRuntime, type_number};
    use riser_heap::{Extension, HeapLimits, HeapMemory, HeapRef, Referent};
    use riser_module::{Registered, TypeRegistry};
    use riser_ops::{CompositeType, FieldType, StorageType, SubType, TypeId, ValType};
    use riser_sys::SlotStack;

    fn store() -> VmStore {
        let mut store = VmStore::new(crate::StoreStack::Slots(SlotStack::new(64).unwrap()));
        store.heap.set_limits(HeapLimits { bytes_max: 1 << 20, ..HeapLimits::DEFAULT });
        store
    }

    /// A structure with an `i32`, below another.
    fn point(registry: &TypeRegistry, supertype: Option<TypeId>) -> Registered {
        let field = FieldType { storage: StorageType::Val(ValType::I32), mutable: true };
        let composite = CompositeType::Struct([field].into());
        registry.register_type(SubType { is_final: false, supertype, composite }).unwrap()
    }

    fn allocate(store: &mut VmStore, registry: &TypeRegistry, id: TypeId) -> HeapRef {
        // SAFETY: the store is not borrowed otherwise, and the test holds no other reference.
        unsafe { VmStore::allocate(store, registry, id, |heap| heap.alloc_struct(id)) }.unwrap()
    }

    fn runtime(store: &VmStore) -> &VmRuntime {
        // SAFETY: the block is the store's, and no code runs.
        unsafe { &*store.runtime() }
    }

    #[test]
    fn objects_survive_the_move_to_a_reservation_which_never_moves() {
        if !riser_sys::COMPILED_CODE {
            println!("skipped: there is no compiled code here, and nothing is reserved for it");
            return;
        }
        let registry = TypeRegistry::new();
        let mut store = store();
        let root = point(&registry, None);
        let sub = point(&registry, Some(root.id()));
        let object = allocate(&mut store, &registry, sub.id());
        store.heap.struct_set(object, 0, [77, 0]).unwrap();
        assert!(runtime(&store).heap_base.is_null());
        store.reserve_heap(TypeId(0)).unwrap();
        let base = runtime(&store).heap_base;
        assert_eq!(store.heap.struct_get(object, 0, Extension::Zero), Ok([77, 0]));
        store.heap.memory_mut().grow(1 << 20).unwrap();
        assert_eq!(base.cast_const(), store.heap.memory().bytes().as_ptr());
        assert_eq!(store.heap.memory().bytes()[..FIRST_OBJECT as usize], [0; 8]);
        store.reserve_heap(TypeId(0)).unwrap();
        assert_eq!(base, runtime(&store).heap_base);
    }

    #[test]
    fn code_knows_the_types_of_all_objects() {
        if !riser_sys::COMPILED_CODE {
            println!("skipped: there is no compiled code here, and nothing is reserved for it");
            return;
        }
        let registry = TypeRegistry::new();
        let mut store = store();
        let first = point(&registry, None);
        allocate(&mut store, &registry, first.id());
        store.reserve_heap(TypeId(0)).unwrap();
        let second = point(&registry, Some(first.id()));
        let object = allocate(&mut store, &registry, second.id());
        let rows = runtime(&store).type_rows;
        // SAFETY: both types have rows, since there are objects of them.
        let rows =
            [first.id(), second.id()].map(|id| unsafe { *rows.add(type_number(id) as usize) });
        let header = store.heap.load::<4>(object, 0).map(u32::from_le_bytes).unwrap();
        assert_eq!(rows[1].header, header);
        assert_eq!(rows[0].display[..2], [rows[0].header, 0]);
        assert_eq!(rows[1].display[..3], [rows[0].header, header, 0]);
    }

    #[test]
    fn what_code_allocates_is_an_object() {
        if !riser_sys::COMPILED_CODE {
            println!("skipped: there is no compiled code here, and nothing is reserved for it");
            return;
        }
        let registry = TypeRegistry::new();
        let mut store = store();
        store.reserve_heap(TypeId(0)).unwrap();
        let ty = point(&registry, None);
        let room = |bump: &BumpArea| {
            let (next, end) = (bump.next.load(Ordering::Relaxed), bump.end.load(Ordering::Relaxed));
            i64::from(end) - i64::from(next)
        };
        assert!(room(&runtime(&store).bump) <= 0);
        allocate(&mut store, &registry, ty.id());
        let bump = &runtime(&store).bump;
        let next = bump.next.load(Ordering::Relaxed);
        assert!(room(bump) >= 8);
        // As code does it.
        // SAFETY: the object lies in the half in use, whose bytes are accessible.
        unsafe {
            let row = *runtime(&store).type_rows.add(type_number(ty.id()) as usize);
            let at = runtime(&store).heap_base.add(next as usize).cast::<u32>();
            at.write(row.header.to_le());
            at.add(1).write(5u32.to_le());
        }
        bump.next.store(next + 8, Ordering::Relaxed);
        let object = HeapRef::from_bits(next).unwrap();
        assert_eq!(store.heap.referent(object), Ok(Referent::Struct(ty.id())));
        assert_eq!(store.heap.struct_get(object, 0, Extension::Zero), Ok([5, 0]));
        // Under stress, code finds no room.
        store.heap.set_stress(true);
        assert!(room(&runtime(&store).bump) <= 0);
    }
}
