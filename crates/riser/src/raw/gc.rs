//! Objects that the host makes and looks into.

use super::run::raise;
use super::store::StoreOpaque;
use super::values;
use crate::{Error, GcHeapOutOfMemory, Result, StorageType, StoreContextMut, Trap, Val, bail};
use core::any::Any;
use core::ptr;
use riser_abi::Status;
use riser_heap::{AccessError, AllocError, Cell, Extension, HeapRef};
use riser_ops::{StorageType as OpsStorage, TrapCode, TypeId};
use riser_vm::{Heap, VmStore};

/// Why the runtime did not make an object.
pub(super) fn failed<T>(store: &mut StoreContextMut<'_, T>, status: Status) -> Error {
    match status.trap_code() {
        Some(TrapCode::AllocationTooLarge) => Error::new(GcHeapOutOfMemory::new(())),
        Some(code) => Trap::from(code).into(),
        None => raise(store.opaque_mut()),
    }
}

/// Makes an object. Its reference is good until the next one is made.
pub(crate) fn allocate<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    id: TypeId,
    make: impl FnMut(&mut Heap) -> Result<HeapRef, AllocError>,
) -> Result<HeapRef> {
    let engine = store.opaque().engine().clone();
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: the store is borrowed exclusively, and its first field is the `VmStore`. The host holds references as
    // handles only.
    let made = unsafe { VmStore::allocate(vm, engine.registry(), id, make) };
    made.map_err(|status| failed(store, status))
}

/// Takes a value of the host.
pub(crate) fn alloc_extern<T: 'static, V: Any + Send + Sync>(
    store: &mut StoreContextMut<'_, T>,
    value: V,
) -> Result<HeapRef> {
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: as for `allocate`.
    match unsafe { VmStore::make_extern_room(vm) } {
        Ok(()) => {}
        Err(status) if status.trap_code() == Some(TrapCode::AllocationTooLarge) => {
            return Err(Error::new(GcHeapOutOfMemory::new(value)));
        }
        Err(status) => return Err(failed(store, status)),
    }
    let made = store.opaque_mut().vm.heap.alloc_extern(Box::new(value));
    made.map_err(|_| Error::new(GcHeapOutOfMemory::new(())))
}

/// Collects garbage.
pub(crate) fn collect<T: 'static>(store: &mut StoreContextMut<'_, T>) -> Result<()> {
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: as for `allocate`.
    unsafe { VmStore::collect_garbage(vm) }.map_err(crate::gc::corrupted)
}

/// Gives the slots of active frames that hold references into the heap.
///
/// # Safety
/// `store` is the address of a live store that runs on this thread, or runs no code.
pub(super) unsafe fn trace_frames(store: *mut VmStore, visit: &mut dyn FnMut(*mut u32)) {
    // The low half of a slot.
    let half = usize::from(cfg!(target_endian = "big"));
    // SAFETY: the caller's promise.
    unsafe {
        riser_interp::visit_references((*store).runtime(), &mut |slot| {
            visit(slot.cast::<u32>().add(half));
        });
    }
}

/// The same for compiled code.
///
/// # Safety
/// As for [`trace_frames`].
pub(super) unsafe fn trace_compiled_frames(store: *mut VmStore, visit: &mut dyn FnMut(*mut u32)) {
    // SAFETY: the caller's promise.
    unsafe { riser_vm::visit_compiled_references((*store).runtime(), visit) };
}

/// Whether a value may be put into a field or element.
pub(crate) fn check(store: &StoreOpaque, val: &Val, ty: OpsStorage) -> Result<()> {
    cell(store, val, ty).map(|_| ())
}

/// A value for a field or element, if it is of the type. It is good until the next object is made.
pub(crate) fn cell(store: &StoreOpaque, val: &Val, ty: OpsStorage) -> Result<Cell> {
    Ok(values::to_cell(store, val, ty.unpacked())?.slots)
}

pub(crate) fn access_error(error: AccessError) -> Error {
    match error {
        AccessError::OutOfBounds => Trap::ArrayOutOfBounds.into(),
        AccessError::Full => Trap::AllocationTooLarge.into(),
        AccessError::Corrupted => Trap::HeapCorrupted.into(),
    }
}

/// A field of a structure, of this type.
pub(crate) fn struct_field(
    store: &mut StoreOpaque,
    at: HeapRef,
    field: u32,
    ty: &StorageType,
) -> Result<Val> {
    let cell = store.vm.heap.struct_get(at, field, Extension::Zero);
    let cell = cell.map_err(crate::gc::corrupted)?;
    // SAFETY: the field holds a value of its type.
    Ok(unsafe { values::from_heap(store, cell, ty.unpack().to_ops()) })
}

/// An element of an array, of this type.
pub(crate) fn array_element(
    store: &mut StoreOpaque,
    at: HeapRef,
    index: u32,
    ty: &StorageType,
) -> Result<Val> {
    let cell = match store.vm.heap.array_get(at, index, Extension::Zero) {
        Ok(cell) => cell,
        Err(AccessError::OutOfBounds) => bail!("the array has no element {index}"),
        Err(error) => return Err(access_error(error)),
    };
    // SAFETY: as for `struct_field`.
    Ok(unsafe { values::from_heap(store, cell, ty.unpack().to_ops()) })
}
