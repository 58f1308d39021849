//! Dynamically typed values in slots. Whatever is written is checked against the declared type.

use super::store::StoreOpaque;
use crate::gc::Place;
use crate::{Func, Ref, Result, Rooted, V128, Val, bail};
use riser_abi::{GlobalCell, Slot};
use riser_heap::HeapRef;
use riser_ops::{FuncType, HeapType, Hierarchy, RefType, ValType};
use riser_vm::FuncPtr;

fn low(bits: u64) -> GlobalCell {
    GlobalCell { slots: [bits, 0] }
}

/// A value in its cell, if it is one of type `ty`.
///
/// # Panics
/// If it is a reference of another store.
pub(super) fn to_cell(store: &StoreOpaque, val: &Val, ty: ValType) -> Result<GlobalCell> {
    Ok(match (*val, ty) {
        (Val::I32(n), ValType::I32) => low(u64::from(n as u32)),
        (Val::I64(n), ValType::I64) => low(n as u64),
        (Val::F32(bits), ValType::F32) => low(u64::from(bits)),
        (Val::F64(bits), ValType::F64) => low(bits),
        (Val::V128(v), ValType::V128) => {
            let bits = v.as_u128();
            GlobalCell { slots: [bits as u64, (bits >> 64) as u64] }
        }
        (val, ty) => match (val.ref_(), ty.as_ref()) {
            (Some(reference), Some(ty)) => low(to_slot(store, &reference, ty)?),
            _ => bail!("type mismatch: expected {ty}, got {val:?}"),
        },
    })
}

/// A reference in its slot, if it is one of type `ty`.
///
/// # Panics
/// If it is one of another store.
pub(super) fn to_slot(store: &StoreOpaque, reference: &Ref, ty: RefType) -> Result<Slot> {
    let (slot, fits) = match (reference, ty.heap().hierarchy()) {
        (Ref::Func(None), Hierarchy::Func)
        | (Ref::Extern(None), Hierarchy::Extern)
        | (Ref::Any(None), Hierarchy::Any)
        | (Ref::Exn(None), Hierarchy::Exn) => (0, ty.is_nullable()),
        (Ref::Func(Some(func)), Hierarchy::Func) => {
            store.check(func.store);
            (func.func.to_slot(), func_matches(store, func.func, ty.heap()))
        }
        (Ref::Extern(Some(value)), Hierarchy::Extern) => in_heap(store, value.place(), ty.heap())?,
        (Ref::Any(Some(value)), Hierarchy::Any) => in_heap(store, value.place(), ty.heap())?,
        (Ref::Exn(Some(value)), Hierarchy::Exn) => in_heap(store, value.place(), ty.heap())?,
        _ => (0, false),
    };
    if !fits {
        bail!("type mismatch: expected {ty}, got {reference:?}");
    }
    Ok(slot)
}

/// A reference into the heap as it stands in a slot, and whether it is of heap type `ty`.
fn in_heap(store: &StoreOpaque, place: Place, ty: HeapType) -> Result<(Slot, bool)> {
    let at = place.get(store)?;
    let fits = store.vm.heap.matches(at, ty).map_err(crate::gc::corrupted)?;
    Ok((at.to_bits().into(), fits))
}

/// Whether a function of the store is one of heap type `ty`.
fn func_matches(store: &StoreOpaque, func: FuncPtr, ty: HeapType) -> bool {
    match ty {
        HeapType::Func => true,
        HeapType::Concrete(id, _) => {
            // SAFETY: the function is of this store, which lives.
            let own = unsafe { func.type_id() };
            store.engine().registry().is_subtype(own, id)
        }
        _ => false,
    }
}

/// Adds a value to slots, if it is one of type `ty`.
pub(super) fn push(
    store: &StoreOpaque,
    val: &Val,
    ty: ValType,
    slots: &mut Vec<Slot>,
) -> Result<()> {
    let cell = to_cell(store, val, ty)?;
    slots.extend_from_slice(&cell.slots[..ty.slots() as usize]);
    Ok(())
}

/// The value in a cell.
///
/// # Safety
/// The cell holds a value of type `ty` of this store.
pub(super) unsafe fn from_cell(store: &mut StoreOpaque, cell: GlobalCell, ty: ValType) -> Val {
    let low = cell.slots[0];
    match ty {
        ValType::I32 => Val::I32(low as i32),
        ValType::I64 => Val::I64(low as i64),
        ValType::F32 => Val::F32(low as u32),
        ValType::F64 => Val::F64(low),
        ValType::V128 => Val::V128(V128::from(u128::from(low) | u128::from(cell.slots[1]) << 64)),
        // SAFETY: the caller's promise; all other types are references.
        ty => unsafe { from_slot(store, low, ty.as_ref().unwrap_or(RefType::FUNCREF)) }.into(),
    }
}

/// The value that was read from an object.
///
/// # Safety
/// As for [`from_cell`].
pub(super) unsafe fn from_heap(store: &mut StoreOpaque, slots: [Slot; 2], ty: ValType) -> Val {
    // SAFETY: the caller's promise.
    unsafe { from_cell(store, GlobalCell { slots }, ty) }
}

/// The reference in a slot. One into the heap becomes a handle.
///
/// # Safety
/// The slot holds a reference of type `ty` of this store.
pub(super) unsafe fn from_slot(store: &mut StoreOpaque, slot: Slot, ty: RefType) -> Ref {
    let mut place = || HeapRef::from_bits(slot as u32).map(|at| Place::new(store, at));
    match ty.heap().hierarchy() {
        Hierarchy::Func => {
            Ref::Func(FuncPtr::from_slot(slot).map(|func| Func { store: store.id(), func }))
        }
        Hierarchy::Extern => Ref::Extern(place().map(Rooted::at)),
        Hierarchy::Any => Ref::Any(place().map(Rooted::at)),
        Hierarchy::Exn => Ref::Exn(place().map(Rooted::at)),
    }
}

/// Reads values that lie one after the other.
///
/// # Safety
/// The slots hold values of `types` of this store; `vals` is as long as `types`.
pub(super) unsafe fn load_all(
    store: &mut StoreOpaque,
    types: &[ValType],
    slots: &[Slot],
    vals: &mut [Val],
) {
    let mut at = 0;
    for (ty, val) in types.iter().zip(vals) {
        let high = if ty.slots() == 2 { slots[at + 1] } else { 0 };
        // SAFETY: the caller's promise.
        *val = unsafe { from_cell(store, GlobalCell { slots: [slots[at], high] }, *ty) };
        at += ty.slots() as usize;
    }
}

/// Checks arguments whose Rust types do not say whether they are of the declared types: references to
/// functions of a certain type, and those that may not be null.
#[cold]
pub(super) fn check_references(store: &StoreOpaque, ty: &FuncType, slots: &[Slot]) -> Result<()> {
    let mut at = 0;
    for (number, ty) in ty.params().iter().enumerate() {
        if let Some(reference) = ty.as_ref() {
            let fits = match (slots[at], reference.heap().hierarchy()) {
                (0, _) => reference.is_nullable(),
                (slot, Hierarchy::Func) => FuncPtr::from_slot(slot)
                    .is_some_and(|func| func_matches(store, func, reference.heap())),
                (slot, _) => {
                    let matches = |at| store.vm.heap.matches(at, reference.heap());
                    let at = HeapRef::from_bits(slot as u32);
                    at.map_or(Ok(false), matches).map_err(crate::gc::corrupted)?
                }
            };
            if !fits {
                bail!("argument {number}: type mismatch: expected {ty}");
            }
        }
        at += ty.slots() as usize;
    }
    Ok(())
}
