//! What code calls in the runtime.
//!
//! Every address, length and count comes from the guest: it is checked here without overflow. Indices come from
//! a valid body. None of these functions keeps a Rust reference to an object while it calls something else.

use crate::exceptions::{catch_exception, exception_tag, throw, throw_ref};
use crate::gc;
use crate::instance::Instance;
use crate::memory::Memory;
use crate::store::{GrowError, VmStore, copy_elements, grow_memory, grow_table};
use core::ops::Range;
use core::time::Duration;
use riser_abi::{Builtins, FuncRef, GROW_FAILED, GROW_REFUSED, Slot, Status, VmCtx};
use riser_module::ElementItems;
use riser_numerics::V128;
use riser_ops::{ElemIdx, FuncIdx, MemoryIdx, TableIdx, TrapCode, TypeId};

/// The functions of this file as the table that a `VmRuntime` points to.
pub static BUILTINS: Builtins = Builtins {
    memory_grow,
    memory_copy,
    memory_fill,
    memory_init,
    data_drop,
    memory_atomic_wait32,
    memory_atomic_wait64,
    memory_atomic_notify,
    table_grow,
    table_copy,
    table_fill,
    table_init,
    elem_drop,
    ref_func,
    throw,
    throw_ref,
    exception_tag,
    catch_exception,
    ref_test: gc::ref_test,
    struct_new: gc::struct_new,
    struct_new_default: gc::struct_new_default,
    array_new: gc::array_new,
    array_new_default: gc::array_new_default,
    array_new_fixed: gc::array_new_fixed,
    array_new_data: gc::array_new_data,
    array_new_elem: gc::array_new_elem,
    struct_get: gc::struct_get,
    struct_set: gc::struct_set,
    array_get: gc::array_get,
    array_set: gc::array_set,
    array_len: gc::array_len,
    array_fill: gc::array_fill,
    array_copy: gc::array_copy,
    array_init_data: gc::array_init_data,
    array_init_elem: gc::array_init_elem,
    epoch_reached,
    raise,
    pause,
    is_subtype,
    number_func: gc::number_func,
    hot,
    replace_loop,
    compile,
    f32x4_madd,
    f64x2_madd,
};

const MEMORY_TRAP: Status = Status::trap(TrapCode::MemoryOutOfBounds);
const TABLE_TRAP: Status = Status::trap(TrapCode::TableOutOfBounds);

/// The instance of a running `VmCtx`.
///
/// # Safety
/// `vmctx` is that of a live instance (not of a host function).
#[inline]
pub(crate) unsafe fn instance(vmctx: *mut VmCtx) -> *mut Instance {
    // SAFETY: the caller's promise.
    unsafe { (*vmctx).instance.cast() }
}

/// The running store.
///
/// # Safety
/// As for `instance`; and the store is running.
pub(crate) unsafe fn store(vmctx: *mut VmCtx) -> *mut VmStore {
    // SAFETY: the caller's promise; whoever enters Wasm sets the field.
    unsafe { (*(*vmctx).runtime).store.cast() }
}

/// The positions of `len` bytes from `start` on, if they all exist in something of `size` bytes.
fn range(start: u64, len: u64, size: usize) -> Option<Range<usize>> {
    let end = start.checked_add(len).filter(|&end| end <= size as u64)?;
    Some(start as usize..end as usize)
}

/// The address of a range of a memory, if it is all there.
///
/// # Safety
/// `memory` is valid.
unsafe fn bytes(memory: *mut Memory, start: u64, len: u64) -> Option<(*mut u8, usize)> {
    // SAFETY: the caller's promise; the range is in bounds.
    unsafe {
        let range = range(start, len, (*memory).len())?;
        Some(((*memory).base().add(range.start), range.len()))
    }
}

/// The outcome of growing as code gets it.
fn grown(outcome: Result<u64, GrowError>) -> i64 {
    match outcome {
        Ok(old) => old as i64,
        Err(GrowError::Refused) => GROW_REFUSED,
        Err(GrowError::Failed) => GROW_FAILED,
    }
}

pub(crate) unsafe extern "C" fn memory_grow(vmctx: *mut VmCtx, memory: u32, delta: u64) -> i64 {
    // SAFETY: the contract of builtins: a live instance of the running store, valid indices.
    let outcome = unsafe {
        let memory = (*instance(vmctx)).memory(MemoryIdx(memory));
        grow_memory(store(vmctx), memory, delta)
    };
    grown(outcome)
}

pub(crate) unsafe extern "C" fn memory_copy(
    vmctx: *mut VmCtx,
    dst_memory: u32,
    src_memory: u32,
    dst: u64,
    src: u64,
    len: u64,
) -> Status {
    // SAFETY: the contract of builtins; both ranges are in bounds, and they may overlap.
    unsafe {
        let instance = instance(vmctx);
        let to = bytes((*instance).memory(MemoryIdx(dst_memory)), dst, len);
        let from = bytes((*instance).memory(MemoryIdx(src_memory)), src, len);
        let (Some((to, _)), Some((from, len))) = (to, from) else { return MEMORY_TRAP };
        to.copy_from(from, len);
    }
    Status::OK
}

pub(crate) unsafe extern "C" fn memory_fill(
    vmctx: *mut VmCtx,
    memory: u32,
    dst: u64,
    byte: u32,
    len: u64,
) -> Status {
    // SAFETY: the contract of builtins; the range is in bounds.
    unsafe {
        let memory = (*instance(vmctx)).memory(MemoryIdx(memory));
        let Some((to, len)) = bytes(memory, dst, len) else { return MEMORY_TRAP };
        to.write_bytes(byte as u8, len);
    }
    Status::OK
}

/// Copies from a data segment; also for active segments.
///
/// # Safety
/// `instance` is valid and its memories are there.
pub(crate) unsafe fn init_memory(
    instance: *mut Instance,
    data: u32,
    memory: MemoryIdx,
    dst: u64,
    (src, len): (u64, u64),
) -> Status {
    // SAFETY: the caller's promise; both ranges are in bounds, and a module's bytes are in no memory.
    unsafe {
        let memory = (*instance).memory(memory);
        let segment = (*instance).data_bytes(data);
        let Some(from) = range(src, len, segment.len()) else { return MEMORY_TRAP };
        let Some((to, _)) = bytes(memory, dst, len) else { return MEMORY_TRAP };
        let from = &segment[from];
        to.copy_from_nonoverlapping(from.as_ptr(), from.len());
    }
    Status::OK
}

pub(crate) unsafe extern "C" fn memory_init(
    vmctx: *mut VmCtx,
    data: u32,
    memory: u32,
    dst: u64,
    src: u32,
    len: u32,
) -> Status {
    let range = (u64::from(src), u64::from(len));
    // SAFETY: the contract of builtins.
    unsafe { init_memory(instance(vmctx), data, MemoryIdx(memory), dst, range) }
}

pub(crate) unsafe extern "C" fn data_drop(vmctx: *mut VmCtx, data: u32) -> Status {
    // SAFETY: the contract of builtins.
    unsafe { (*instance(vmctx)).drop_data(data) };
    Status::OK
}

/// Writes the outcome of a wait or a notification.
///
/// # Safety
/// `result` is valid.
unsafe fn outcome(result: *mut Slot, outcome: Result<u32, TrapCode>) -> Status {
    match outcome {
        Ok(value) => {
            // SAFETY: the caller's promise.
            unsafe { *result = value.into() };
            Status::OK
        }
        Err(code) => Status::trap(code),
    }
}

/// The timeout of a wait: none if the guest's number is negative.
fn timeout(nanoseconds: i64) -> Option<Duration> {
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

pub(crate) unsafe extern "C" fn memory_atomic_wait32(
    vmctx: *mut VmCtx,
    memory: u32,
    address: u64,
    expected: u32,
    nanoseconds: i64,
    result: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins. The memory lives while this waits, since its instance does; it is borrowed
    // shared, and only a shared memory waits. The store is not changed while its thread waits here.
    unsafe {
        let memory = &*(*instance(vmctx)).memory(MemoryIdx(memory));
        let interrupter = (*store(vmctx)).given_interrupter();
        let waited = memory.wait32(address, expected, timeout(nanoseconds), interrupter);
        outcome(result, waited.map(|result| result as u32))
    }
}

pub(crate) unsafe extern "C" fn memory_atomic_wait64(
    vmctx: *mut VmCtx,
    memory: u32,
    address: u64,
    expected: u64,
    nanoseconds: i64,
    result: *mut Slot,
) -> Status {
    // SAFETY: as for 32 bits.
    unsafe {
        let memory = &*(*instance(vmctx)).memory(MemoryIdx(memory));
        let interrupter = (*store(vmctx)).given_interrupter();
        let waited = memory.wait64(address, expected, timeout(nanoseconds), interrupter);
        outcome(result, waited.map(|result| result as u32))
    }
}

pub(crate) unsafe extern "C" fn memory_atomic_notify(
    vmctx: *mut VmCtx,
    memory: u32,
    address: u64,
    count: u32,
    result: *mut Slot,
) -> Status {
    // SAFETY: as for waiting.
    unsafe {
        let memory = &*(*instance(vmctx)).memory(MemoryIdx(memory));
        outcome(result, memory.atomic_notify(address, count))
    }
}

pub(crate) unsafe extern "C" fn table_grow(
    vmctx: *mut VmCtx,
    table: u32,
    init: Slot,
    delta: u64,
) -> i64 {
    // SAFETY: the contract of builtins; a valid body passes a reference of the element type.
    let outcome = unsafe {
        let table = (*instance(vmctx)).table(TableIdx(table));
        grow_table(store(vmctx), table, delta, init)
    };
    grown(outcome)
}

pub(crate) unsafe extern "C" fn table_copy(
    vmctx: *mut VmCtx,
    dst_table: u32,
    src_table: u32,
    dst: u64,
    src: u64,
    len: u64,
) -> Status {
    // SAFETY: the contract of builtins; in a valid body the element types fit.
    let done = unsafe {
        let instance = instance(vmctx);
        let to = (*instance).table(TableIdx(dst_table));
        let from = (*instance).table(TableIdx(src_table));
        copy_elements((to, dst), (from, src), len)
    };
    if done { Status::OK } else { TABLE_TRAP }
}

pub(crate) unsafe extern "C" fn table_fill(
    vmctx: *mut VmCtx,
    table: u32,
    dst: u64,
    value: Slot,
    len: u64,
) -> Status {
    // SAFETY: the contract of builtins; a valid body passes a reference of the element type.
    unsafe {
        let table = (*instance(vmctx)).table(TableIdx(table));
        let Some(range) = (*table).range(dst, len) else { return TABLE_TRAP };
        (*table).fill(range, value);
    }
    Status::OK
}

/// Copies from an element segment whose values are known; also for active segments.
///
/// # Safety
/// `instance` is valid and its tables are there; the segment's type fits the table's.
pub(crate) unsafe fn init_table(
    instance: *mut Instance,
    elem: u32,
    table: TableIdx,
    dst: u64,
    (src, len): (u64, u64),
) -> Status {
    // SAFETY: the caller's promise; ranges are checked. Making a function reference allocates, but touches no table.
    unsafe {
        let table = (*instance).table(table);
        let module = (*instance).module().module().clone();
        let Some(segment) = module.element(ElemIdx(elem)) else { return TABLE_TRAP };
        let size = if (*instance).is_elem_dropped(elem) { 0 } else { segment.items.len() };
        let Some(from) = range(src, len, size) else { return TABLE_TRAP };
        let Some(to) = (*table).range(dst, len) else { return TABLE_TRAP };
        let base = (*table).base().add(to.start);
        match &segment.items {
            ElementItems::Funcs(funcs) => {
                for (at, func) in funcs[from].iter().enumerate() {
                    *base.add(at) = (*instance).func_ref(*func).to_slot();
                }
            }
            ElementItems::Exprs(_) => {
                let values = (*instance).elem_values(elem).get(from);
                let Some(values) = values else { return TABLE_TRAP };
                base.copy_from_nonoverlapping(values.as_ptr(), values.len());
            }
        }
    }
    Status::OK
}

pub(crate) unsafe extern "C" fn table_init(
    vmctx: *mut VmCtx,
    elem: u32,
    table: u32,
    dst: u64,
    src: u32,
    len: u32,
) -> Status {
    let range = (u64::from(src), u64::from(len));
    // SAFETY: the contract of builtins.
    unsafe { init_table(instance(vmctx), elem, TableIdx(table), dst, range) }
}

pub(crate) unsafe extern "C" fn elem_drop(vmctx: *mut VmCtx, elem: u32) -> Status {
    // SAFETY: the contract of builtins.
    unsafe { (*instance(vmctx)).drop_elem(elem) };
    Status::OK
}

pub(crate) unsafe extern "C" fn ref_func(vmctx: *mut VmCtx, func: u32) -> *const FuncRef {
    // SAFETY: the contract of builtins.
    unsafe { (*instance(vmctx)).func_ref(FuncIdx(func)).as_ptr() }
}

pub(crate) unsafe extern "C" fn epoch_reached(vmctx: *mut VmCtx) -> Status {
    // SAFETY: the contract of builtins. The hook gets the store itself, so nothing of it is borrowed meanwhile.
    unsafe {
        let store = store(vmctx);
        if (*store).is_interrupted() {
            return Status::trap(TrapCode::Interrupt);
        }
        ((*store).on_deadline)(store)
    }
}

/// Only compiled code raises; see `compiled/unwind.rs`.
pub(crate) unsafe extern "C" fn raise(_: *mut VmCtx, status: Status) -> Status {
    status
}

/// What there is to do is done on the way back; see `compiled/entries.rs`.
pub(crate) unsafe extern "C" fn pause(_: *mut VmCtx) -> Status {
    Status::OK
}

pub(crate) unsafe extern "C" fn is_subtype(vmctx: *mut VmCtx, actual: u32, expected: u32) -> u32 {
    // SAFETY: the contract of builtins; the instance keeps its module, whose types are alive.
    unsafe {
        let registry = (*instance(vmctx)).module().module().registration.registry();
        registry.is_subtype(TypeId(actual), TypeId(expected)).into()
    }
}

pub(crate) unsafe extern "C" fn hot(vmctx: *mut VmCtx, defined: u32) -> Status {
    // SAFETY: the contract of builtins: the instance lives, and nobody else uses it while this thread is in its code.
    unsafe {
        let instance = instance(vmctx);
        (*instance).module().code().hot(defined);
        (*instance).update_entry(defined);
    }
    Status::OK
}

pub(crate) unsafe extern "C" fn replace_loop(
    vmctx: *mut VmCtx,
    defined: u32,
    at: u32,
    slots: *const Slot,
    count: u32,
) -> *const u8 {
    // SAFETY: the contract of builtins; the slots are those of the frame that calls.
    unsafe {
        let instance = instance(vmctx);
        let code = (*instance).module().code().loop_code(defined, at);
        (*instance).update_entry(defined);
        let Some(code) = code else { return core::ptr::null() };
        let kept = &mut (*store(vmctx)).replacement;
        kept.clear();
        if kept.try_reserve(count as usize).is_err() {
            return core::ptr::null();
        }
        kept.extend((0..count as usize).map(|number| slots.add(number).read()));
        (*(*vmctx).runtime).replacement = kept.as_ptr();
        code
    }
}

/// Only compiled code has functions to compile; see `compiled/entries.rs`.
pub(crate) unsafe extern "C" fn compile(_: *mut VmCtx, _: u32) -> *const u8 {
    core::ptr::null()
}

/// Replaces the first of three vectors by a function of all.
///
/// # Safety
/// `operands` are six slots.
unsafe fn vectors(operands: *mut Slot, f: fn(V128, V128, V128) -> V128) -> Status {
    // SAFETY: the caller's promise.
    let slots = unsafe { &mut *operands.cast::<[Slot; 6]>() };
    let vector = |at: usize| V128::from_u64x2([slots[at], slots[at + 1]]);
    let result = f(vector(0), vector(2), vector(4)).to_u64x2();
    slots[..2].copy_from_slice(&result);
    Status::OK
}

pub(crate) unsafe extern "C" fn f32x4_madd(_: *mut VmCtx, operands: *mut Slot) -> Status {
    // SAFETY: the contract of builtins.
    unsafe { vectors(operands, riser_numerics::f32x4_relaxed_madd) }
}

pub(crate) unsafe extern "C" fn f64x2_madd(_: *mut VmCtx, operands: *mut Slot) -> Status {
    // SAFETY: the contract of builtins.
    unsafe { vectors(operands, riser_numerics::f64x2_relaxed_madd) }
}
