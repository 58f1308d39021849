//! Makes and changes what a store owns: instances, memories, tables, globals, tags.

use super::limits::{check_counts, check_new};
use super::run::raise;
use super::store::StoreOpaque;
use super::values;
use crate::{
    Error, GlobalType, Instance, MemoryType, Module, Ref, Result, SharedMemory, StoreContextMut,
    TableType, TagType, Trap, Val,
};
use core::cell::UnsafeCell;
use core::{ptr, slice};
use riser_vm::{
    Entity, GlobalId, GrowError, Growable, InstantiateError, MemoryId, TableId, TagId, VmStore,
};

/// Makes an instance, without running its start function. The imports must have been checked: objects of this store, as
/// many as the module declares, that match the declared types.
pub(crate) fn instantiate<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    module: &Module,
    imports: &[Entity],
) -> Result<Instance> {
    let (decoded, imported) = (module.decoded(), module.decoded().imported);
    let memories = decoded.memories.len() - imported.memories as usize;
    if decoded.memories[imported.memories as usize..].iter().any(|memory| memory.shared) {
        SharedMemory::check_allowed(store.engine())?;
    }
    check_counts(store, [1, memories, decoded.tables.len() - imported.tables as usize])?;
    let opaque = store.opaque_mut();
    // An instance exists even if it fails to initialise: functions of it may be in tables already.
    let before = opaque.vm.instance_count();
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: the store is borrowed exclusively, and its first field is the `VmStore`; the two callers, `Instance::new` and
    // `InstancePre::instantiate`, checked the imports.
    let made = unsafe { VmStore::instantiate(vm, module.vm(), imports) };
    let opaque = store.opaque_mut();
    if opaque.vm.instance_count() > before {
        opaque.modules.push(module.clone());
    }
    match made {
        Ok(id) => Ok(Instance { store: opaque.id(), id }),
        Err(InstantiateError::Trap(code)) => Err(Trap::from(code).into()),
        Err(InstantiateError::Hook) => Err(raise(opaque)),
        Err(InstantiateError::OutOfMemory(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

/// A size that cannot be is the largest number.
fn saturate(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

pub(crate) fn memory_new<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    ty: &MemoryType,
) -> Result<MemoryId> {
    let ty = ty.to_module();
    let bytes = |pages: u64| saturate(pages.saturating_mul(ty.page_size()));
    check_new(store, Growable::Memory, bytes(ty.limits.min), ty.limits.max.map(bytes))?;
    Ok(store.opaque_mut().vm.new_memory(ty)?)
}

/// `None` if growing was refused.
fn grown<T>(
    store: &mut StoreContextMut<'_, T>,
    outcome: Result<u64, GrowError>,
) -> Result<Option<u64>> {
    match outcome {
        Ok(old) => Ok(Some(old)),
        Err(GrowError::Refused) => Ok(None),
        Err(GrowError::Failed) => Err(raise(store.opaque_mut())),
    }
}

pub(crate) fn memory_grow<T>(
    store: &mut StoreContextMut<'_, T>,
    id: MemoryId,
    delta: u64,
) -> Result<Option<u64>> {
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: the store is borrowed exclusively, and its first field is the `VmStore`.
    let outcome = unsafe { VmStore::memory_grow(vm, id, delta) };
    grown(store, outcome)
}

/// The bytes of a shared memory.
pub(crate) fn shared_memory_data(memory: &riser_vm::SharedMemory) -> &[UnsafeCell<u8>] {
    let memory = memory.memory();
    // SAFETY: `base` and `len` describe the memory, which neither moves nor shrinks while it lives. Cells promise nothing
    // about what is in them.
    unsafe { slice::from_raw_parts(memory.base().cast(), memory.len()) }
}

pub(crate) fn table_new<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    ty: &TableType,
    init: &Ref,
) -> Result<TableId> {
    let module_ty = ty.to_module();
    let slot = values::to_slot(store.opaque(), init, module_ty.element)?;
    let limits = module_ty.limits;
    check_new(store, Growable::Table, saturate(limits.min), limits.max.map(saturate))?;
    let store = store.opaque_mut();
    store.vm.keep(Box::new(ty.clone()));
    // SAFETY: the reference was checked.
    Ok(unsafe { store.vm.new_table(module_ty, slot)? })
}

pub(crate) fn table_get(store: &mut StoreOpaque, id: TableId, at: u64) -> Option<Ref> {
    let table = store.vm.table(id);
    let (slot, element) = (table.get(at)?, table.ty().element);
    // SAFETY: tables hold references of their element type.
    Some(unsafe { values::from_slot(store, slot, element) })
}

fn out_of_bounds() -> Error {
    Trap::TableOutOfBounds.into()
}

pub(crate) fn table_set(store: &mut StoreOpaque, id: TableId, at: u64, value: &Ref) -> Result<()> {
    let slot = values::to_slot(store, value, store.vm.table(id).ty().element)?;
    // SAFETY: the reference was checked.
    let done = unsafe { store.vm.table_set(id, at, slot) };
    if done { Ok(()) } else { Err(out_of_bounds()) }
}

pub(crate) fn table_grow<T>(
    store: &mut StoreContextMut<'_, T>,
    id: TableId,
    delta: u64,
    init: &Ref,
) -> Result<Option<u64>> {
    let opaque = store.opaque();
    let slot = values::to_slot(opaque, init, opaque.vm.table(id).ty().element)?;
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: the store is borrowed exclusively, and its first field is the `VmStore`; the reference was checked.
    let outcome = unsafe { VmStore::table_grow(vm, id, delta, slot) };
    grown(store, outcome)
}

pub(crate) fn table_fill(
    store: &mut StoreOpaque,
    id: TableId,
    at: u64,
    value: &Ref,
    len: u64,
) -> Result<()> {
    let slot = values::to_slot(store, value, store.vm.table(id).ty().element)?;
    // SAFETY: the reference was checked.
    let done = unsafe { store.vm.table_fill(id, at, slot, len) };
    if done { Ok(()) } else { Err(out_of_bounds()) }
}

pub(crate) fn table_copy(
    store: &mut StoreOpaque,
    dst: (TableId, u64),
    src: (TableId, u64),
    len: u64,
) -> Result<()> {
    let (to, from) = (store.vm.table(dst.0).ty().element, store.vm.table(src.0).ty().element);
    if !store.engine().registry().ref_type_matches(from, to) {
        crate::bail!("tables do not have the same element type: {to} and {from}");
    }
    // SAFETY: the element types were compared.
    let done = unsafe { store.vm.table_copy(dst, src, len) };
    if done { Ok(()) } else { Err(out_of_bounds()) }
}

pub(crate) fn global_new(store: &mut StoreOpaque, ty: &GlobalType, val: &Val) -> Result<GlobalId> {
    let module_ty = ty.to_module();
    let cell = values::to_cell(store, val, module_ty.ty)?;
    store.vm.keep(Box::new(ty.clone()));
    // SAFETY: the value was checked.
    let id = unsafe { store.vm.new_host_global(module_ty, cell) };
    id.ok_or_else(|| Error::msg("the store has too many globals, or no memory for one more"))
}

pub(crate) fn global_get(store: &mut StoreOpaque, id: GlobalId) -> Val {
    let (ty, cell) = (store.vm.global(id).ty().ty, store.vm.global_get(id));
    // SAFETY: globals hold values of their type.
    unsafe { values::from_cell(store, cell, ty) }
}

pub(crate) fn global_set(store: &mut StoreOpaque, id: GlobalId, val: &Val) -> Result<()> {
    let ty = *store.vm.global(id).ty();
    if !ty.mutable {
        crate::bail!("immutable global cannot be set");
    }
    let cell = values::to_cell(store, val, ty.ty)?;
    // SAFETY: the global is mutable, and the value was checked.
    unsafe { store.vm.global_set(id, cell) };
    Ok(())
}

pub(crate) fn tag_new(store: &mut StoreOpaque, ty: &TagType) -> Result<TagId> {
    store.vm.keep(Box::new(ty.clone()));
    store
        .vm
        .new_tag(ty.ty().id())
        .ok_or_else(|| Error::msg("the store has too many tags, or no memory for one more"))
}
