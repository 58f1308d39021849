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
    // Where the low half of a slot is.
    let half = usize::from(1_u16.to_ne_bytes()[0] == 0);
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

#[cfg(test)]
mod tests {
    use crate::{AsContextMut, Config, Engine, Instance, Module, Store, Strategy, Val};
    use riser_heap::HeapMemory;

    /// Functions that go through objects of every kind.
    const GUEST: &str = r#"(module
        (type $f (func (param i64 i64 i64) (result i64)))
        (type $g (func (result i32)))
        (rec (type $node (sub (struct (field $next (mut (ref null $node))) (field $call (mut (ref null $f)))
            (field $items (mut (ref null $refs))) (field (mut i64)))))
        (type $leaf (sub $node (struct (field (mut (ref null $node))) (field (mut (ref null $f)))
            (field (mut (ref null $refs))) (field (mut i64)) (field (mut (ref null $bytes))) (field (ref $g)))))
        (type $refs (array (mut anyref)))
        (type $bytes (array (mut i8))))
        (func $one (type $f) (i64.add (local.get 0) (local.get 2)))
        (func $two (type $g) (i32.const 2))
        (elem declare func $one $two)
        (global $root (mut (ref null $node)) (ref.null $node))
        (func (export "make") (local $at (ref null $node)) (local $i i32)
            (loop $next
                (local.set $at (struct.new $leaf (local.get $at) (ref.func $one)
                    (array.new $refs (local.get $at) (i32.const 5)) (i64.const 7)
                    (array.new $bytes (i32.const 9) (i32.const 50)) (ref.func $two)))
                (local.set $at (struct.new $node (local.get $at) (ref.func $one)
                    (array.new_fixed $refs 2 (local.get $at) (ref.i31 (i32.const 4))) (i64.const 8)))
                (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
            (global.set $root (local.get $at)))
        (func (export "walk") (result i64) (local $at (ref null $node)) (local $sum i64) (local $steps i32)
            (local.set $at (global.get $root))
            (loop $next
                (local.set $sum (i64.add (local.get $sum)
                    (call_ref $f (i64.const 1) (i64.const 2) (i64.const 3) (struct.get $node $call (local.get $at)))))
                (if (ref.test (ref $leaf) (local.get $at)) (then
                    (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call_ref $g
                        (struct.get $leaf 5 (ref.cast (ref $leaf) (local.get $at)))))))
                    (array.set $bytes (struct.get $leaf 4 (ref.cast (ref $leaf) (local.get $at)))
                        (i32.const 3) (i32.const 255))))
                (local.set $at (struct.get $node $next (local.get $at)))
                (br_if $next (i32.lt_u (local.tee $steps (i32.add (local.get $steps) (i32.const 1))) (i32.const 40))))
            (local.get $sum))
        (func (export "items") (result i64) (local $at anyref) (local $steps i32)
            (local.set $at (global.get $root))
            (loop $next
                (local.set $at (array.get $refs (struct.get $node $items (ref.cast (ref $node) (local.get $at)))
                    (i32.and (local.get $steps) (i32.const 3))))
                (struct.set $node $items (ref.cast (ref $node) (local.get $at)) (array.new_default $refs (i32.const 2)))
                (br_if $next (i32.lt_u (local.tee $steps (i32.add (local.get $steps) (i32.const 1))) (i32.const 40))))
            (i64.const 0))
        (func (export "fill") (result i64) (local $i i32)
            (loop $next
                (array.set $bytes (struct.get $leaf 4 (ref.cast (ref $leaf) (struct.get $node $next (global.get $root))))
                    (local.get $i) (local.get $i))
                (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))
            (i64.const 0)))"#;

    /// A generator of Marsaglia's (2003).
    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// Changes words of the heap: to anything, or to what stands elsewhere.
    fn damage(bytes: &mut [u8], state: &mut u64) {
        let words = bytes.len().min(8 << 10) / 4;
        for _ in 0..1 << (random(state) % 8) {
            let [from, to] = [(); 2].map(|()| 4 * (2 + random(state) as usize % (words - 2)));
            match random(state) % 4 {
                0 => bytes[to..to + 4].copy_from_slice(&(random(state) as u32).to_le_bytes()),
                1 => {
                    bytes[to..to + 4].copy_from_slice(&(random(state) as u32 & 0x3FF).to_le_bytes())
                }
                2 => bytes[to] ^= 1 << (random(state) % 8),
                _ => bytes.copy_within(from..from + 4, to),
            }
        }
    }

    #[test]
    fn code_that_meets_a_damaged_heap_traps_or_goes_on() {
        let mut state = 88_172_645_463_325_252;
        let (mut ends, mut traps) = (0, 0);
        for strategy in [Strategy::Auto, Strategy::Cranelift, Strategy::Interpreter] {
            // Not every platform has every compiler.
            let Ok(engine) = Engine::new(Config::new().strategy(strategy)) else { continue };
            let module = Module::new(&engine, GUEST).unwrap();
            for _ in 0..500 {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                let make = instance.get_func(&mut store, "make").unwrap();
                make.call(&mut store, &[], &mut []).unwrap();
                let mut context = store.as_context_mut();
                damage(context.opaque_mut().vm.heap.memory_mut().bytes_mut(), &mut state);
                for name in ["walk", "items", "fill", "walk"] {
                    let func = instance.get_func(&mut store, name).unwrap();
                    match func.call(&mut store, &[], &mut [Val::I64(0)]) {
                        Ok(()) => ends += 1,
                        Err(error) => {
                            assert!(error.downcast_ref::<crate::Trap>().is_some(), "{error:?}");
                            traps += 1;
                        }
                    }
                }
                let _ = store.gc(None);
            }
        }
        assert!(ends > 100 && traps > 100, "{ends} {traps}");
    }
}
