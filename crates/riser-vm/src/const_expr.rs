//! Evaluates constant expressions.
//!
//! Values that wait for their operator lie in the store, where the collector finds them: an expression may make many
//! objects.

use crate::cell::Global;
use crate::gc;
use crate::instance::Instance;
use crate::store::{Heap, VmStore};
use core::ptr::NonNull;
use riser_abi::{GlobalCell, Status};
use riser_heap::{Cell, HeapRef};
use riser_module::{ConstExpr, ConstOp};
use riser_ops::{GlobalIdx, TypeId, TypeIdx};

/// A value that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) cell: GlobalCell,
    /// Whether it is a reference into the heap, or null.
    pub(crate) is_heap_reference: bool,
}

fn plain(value: u64) -> Waiting {
    Waiting { cell: GlobalCell { slots: [value, 0] }, is_heap_reference: false }
}

fn reference(object: HeapRef) -> Waiting {
    let cell = GlobalCell { slots: [object.to_bits().into(), 0] };
    Waiting { cell, is_heap_reference: true }
}

/// Evaluates a valid expression in an instance whose imports and earlier globals are there. The value is no root: it
/// must be put into one before anything else is evaluated.
///
/// # Errors
/// If an object cannot be made.
///
/// # Safety
/// `store` is the address of a store that is not borrowed otherwise, and what the grow hooks expect; `instance` is one
/// of its instances.
pub(crate) unsafe fn evaluate(
    store: *mut VmStore,
    instance: *mut Instance,
    expr: &ConstExpr,
) -> Result<GlobalCell, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        if let [op] = expr.ops()
            && let Some(value) = operand(instance, *op)
        {
            return Ok(value.cell);
        }
        let base = (*store).evaluating.len();
        let outcome = expr.ops().iter().try_for_each(|&op| step(store, instance, op));
        let value = (*store).evaluating.last().copied();
        (*store).evaluating.truncate(base);
        outcome?;
        Ok(value.expect("a valid expression leaves a value").cell)
    }
}

/// Evaluates one operator.
///
/// # Safety
/// As for [`evaluate`].
unsafe fn step(store: *mut VmStore, instance: *mut Instance, op: ConstOp) -> Result<(), Status> {
    // SAFETY: the caller's promise.
    unsafe {
        let value = match operand(instance, op) {
            Some(value) => value,
            None => match op {
                ConstOp::RefI31 => reference(HeapRef::from_i31(pop(store)[0] as u32)),
                ConstOp::StructNew(ty) => struct_new(store, instance, ty)?,
                ConstOp::StructNewDefault(ty) => {
                    let id = type_id(instance, ty);
                    reference(allocate(store, instance, id, |heap| heap.alloc_struct(id))?)
                }
                ConstOp::ArrayNew(ty) => {
                    let len = pop(store)[0] as u32;
                    let array = array_new(store, instance, ty, len)?;
                    let element = pop(store);
                    heap(store).array_fill(array, 0, element, len).map_err(gc::access)?;
                    reference(array)
                }
                ConstOp::ArrayNewDefault(ty) => {
                    let len = pop(store)[0] as u32;
                    reference(array_new(store, instance, ty, len)?)
                }
                ConstOp::ArrayNewFixed(ty, count) => {
                    let array = array_new(store, instance, ty, count)?;
                    for index in (0..count).rev() {
                        let element = pop(store);
                        heap(store).array_set(array, index, element).map_err(gc::access)?;
                    }
                    reference(array)
                }
                ConstOp::AnyConvertExtern | ConstOp::ExternConvertAny => return Ok(()),
                op => {
                    let b = pop(store)[0];
                    binary(op, pop(store)[0], b)
                }
            },
        };
        (*store).evaluating.push(value);
        Ok(())
    }
}

/// The heap, until the next allocation.
///
/// # Safety
/// As for [`evaluate`].
unsafe fn heap<'a>(store: *mut VmStore) -> &'a mut Heap {
    // SAFETY: the caller's promise.
    unsafe { &mut (*store).heap }
}

/// Takes the last value.
///
/// # Safety
/// As for [`evaluate`].
unsafe fn pop(store: *mut VmStore) -> Cell {
    // SAFETY: the caller's promise.
    let value = unsafe { (*store).evaluating.pop() };
    value.expect("a valid expression has the operands of its operators").cell.slots
}

/// # Safety
/// As for [`evaluate`].
unsafe fn type_id(instance: *mut Instance, ty: TypeIdx) -> TypeId {
    // SAFETY: the caller's promise.
    unsafe { (*instance).module().module().types[ty.index()].id }
}

/// # Safety
/// As for [`evaluate`].
unsafe fn allocate(
    store: *mut VmStore,
    instance: *mut Instance,
    id: TypeId,
    make: impl FnMut(&mut Heap) -> Result<HeapRef, riser_heap::AllocError>,
) -> Result<HeapRef, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        let registry = (*instance).module().module().registration.registry();
        gc::allocate(store, registry, id, make)
    }
}

/// # Safety
/// As for [`evaluate`].
unsafe fn array_new(
    store: *mut VmStore,
    instance: *mut Instance,
    ty: TypeIdx,
    len: u32,
) -> Result<HeapRef, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        let id = type_id(instance, ty);
        allocate(store, instance, id, |heap| heap.alloc_array(id, len))
    }
}

/// Makes a structure of the values that wait. They are taken after the collection that making it may need.
///
/// # Safety
/// As for [`evaluate`].
unsafe fn struct_new(
    store: *mut VmStore,
    instance: *mut Instance,
    ty: TypeIdx,
) -> Result<Waiting, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        let id = type_id(instance, ty);
        let object = allocate(store, instance, id, |heap| heap.alloc_struct(id))?;
        let count = heap(store).layouts().get(id).map_or(0, |layout| layout.fields().len());
        for field in (0..count as u32).rev() {
            let value = pop(store);
            heap(store).struct_set(object, field, value).map_err(gc::access)?;
        }
        Ok(reference(object))
    }
}

/// The value of an operator without operands; `None` for the others.
///
/// # Safety
/// `instance` is valid.
unsafe fn operand(instance: *mut Instance, op: ConstOp) -> Option<Waiting> {
    Some(match op {
        ConstOp::I32Const(value) => plain(u64::from(value as u32)),
        ConstOp::I64Const(value) => plain(value as u64),
        ConstOp::F32Const(bits) => plain(u64::from(bits)),
        ConstOp::F64Const(bits) => plain(bits),
        ConstOp::V128Const(bits) => Waiting {
            cell: GlobalCell { slots: [bits as u64, (bits >> 64) as u64] },
            is_heap_reference: false,
        },
        // SAFETY: the caller's promise.
        ConstOp::GlobalGet(global) => unsafe { read_global(&*instance, global) },
        ConstOp::RefNull(_) => plain(0),
        // SAFETY: the caller's promise.
        ConstOp::RefFunc(func) => plain(unsafe { (*instance).func_ref(func).to_slot() }),
        _ => return None,
    })
}

fn read_global(instance: &Instance, global: GlobalIdx) -> Waiting {
    let global = NonNull::new(instance.global(global));
    let global = global.expect("a valid expression reads earlier globals only");
    // SAFETY: the address of a global of the store.
    unsafe {
        let is_heap_reference = global.as_ref().ty.ty.is_heap_reference();
        Waiting { cell: Global::cell(global).read(), is_heap_reference }
    }
}

fn binary(op: ConstOp, a: u64, b: u64) -> Waiting {
    let i32 = |value: u32| plain(u64::from(value));
    let (a32, b32) = (a as u32, b as u32);
    match op {
        ConstOp::I32Add => i32(a32.wrapping_add(b32)),
        ConstOp::I32Sub => i32(a32.wrapping_sub(b32)),
        ConstOp::I32Mul => i32(a32.wrapping_mul(b32)),
        ConstOp::I64Add => plain(a.wrapping_add(b)),
        ConstOp::I64Sub => plain(a.wrapping_sub(b)),
        ConstOp::I64Mul => plain(a.wrapping_mul(b)),
        op => unreachable!("{op:?} is not a binary operator"),
    }
}
