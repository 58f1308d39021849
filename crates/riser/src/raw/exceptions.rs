//! Exceptions: objects of the store's heap, whose values lie in slots on the way.

use super::gc::failed;
use super::store::StoreOpaque;
use super::values;
use crate::gc::{Place, corrupted};
use crate::{Error, ExnRef, FuncType, Result, Rooted, StoreContextMut, Tag, Val, format_err};
use core::ptr;
use riser_abi::FrameLayout;
use riser_ops::ValType;
use riser_vm::{TagId, VmStore};

/// Makes an exception of a tag whose type is `ty`.
///
/// # Panics
/// If a value belongs to another store.
pub(crate) fn new<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    tag: TagId,
    ty: &FuncType,
    fields: &[Val],
) -> Result<Rooted<ExnRef>> {
    let types = ty.func().params();
    // Once to see whether they fit: an object that was made must be filled.
    in_slots(store.opaque(), types, fields)?;
    let engine = store.opaque().engine().clone();
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: the store is borrowed exclusively, and its first field is the `VmStore`. The host holds references as
    // handles only.
    let made = unsafe { VmStore::new_exception(vm, engine.registry(), tag) };
    let at = made.map_err(|status| failed(store, status))?;
    // What the values refer to may have moved.
    let slots = in_slots(store.opaque(), types, fields)?;
    // SAFETY: the values were checked against the types of the tag, which has the type `ty`.
    let filled = unsafe { store.opaque_mut().vm.fill_exception(at, tag, slots.as_ptr()) };
    filled.map_err(|status| failed(store, status))?;
    Ok(Rooted::at(Place::new(store.opaque_mut(), at)))
}

fn in_slots(store: &StoreOpaque, types: &[ValType], vals: &[Val]) -> Result<Vec<u64>> {
    let mut slots = Vec::new();
    for (at, (val, ty)) in vals.iter().zip(types).enumerate() {
        let pushed = values::push(store, val, *ty, &mut slots);
        pushed.map_err(|error| error.context(format_err!("field {at}")))?;
    }
    Ok(slots)
}

/// The tag of an exception.
pub(crate) fn tag(store: &StoreOpaque, exception: Place) -> Result<Tag> {
    let id = store.vm.exception_tag(exception.get(store)?).map_err(corrupted)?;
    Ok(Tag { store: store.id(), id })
}

/// The values of an exception.
pub(crate) fn values(store: &mut StoreOpaque, exception: Place) -> Result<Vec<Val>> {
    let at = exception.get(store)?;
    let tag = store.vm.exception_tag(at).map_err(corrupted)?;
    let ty = store.engine().registry().get(store.vm.tag(tag).type_id());
    let ty = ty.composite.as_func().ok_or_else(|| Error::msg("a tag without a type"))?;
    let types = ty.params();
    let mut slots = vec![0; FrameLayout::slots_of(types) as usize];
    let mut vals = vec![Val::I32(0); types.len()];
    // SAFETY: there are as many slots as values of the tag's type take, which are then in them.
    unsafe {
        store.vm.exception_values(at, tag, slots.as_mut_ptr()).map_err(corrupted)?;
        values::load_all(store, types, &slots, &mut vals);
    }
    Ok(vals)
}

/// Makes an exception the pending one.
pub(crate) fn throw(store: &mut StoreOpaque, exception: Place) -> Result<()> {
    let at = exception.get(store)?;
    store.vm.exception_tag(at).map_err(corrupted)?;
    store.vm.pending_exception = Some(at);
    Ok(())
}

/// Takes the pending exception.
pub(crate) fn take(store: &mut StoreOpaque) -> Option<Rooted<ExnRef>> {
    let at = store.vm.pending_exception.take()?;
    Some(Rooted::at(Place::new(store, at)))
}
