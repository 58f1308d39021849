//! The store's heap as code uses it: what makes objects and reads them, and where the collector finds its roots.
//!
//! A collection happens only in functions that make objects, and where the host asks for one. Every reference that
//! lives across that is a root: in frames (a hook installed from above knows them), globals, tables, evaluated element
//! segments, the exception that is under way, handles of the host, and in expressions that are being evaluated.

use crate::cell::Global;
use crate::instance::Instance;
use crate::store::{FuncPtr, GrowError, GrowHooks, Growable, Heap, VmStore};
use core::ops::Range;
use riser_abi::{FuncRef, REF_TEST_FAILED, Slot, Status, VmCtx, object_access};
use riser_heap::{
    AccessError, AllocError, EXTERN_BYTES, Extension, HeapCorrupted, HeapRef, Repr, Tracer,
};
use riser_module::{ElementItems, TypeRegistry};
use riser_ops::{ElemIdx, HeapType, Hierarchy, RefType, TrapCode, TypeId, ValType};

const NULL: Status = Status::trap(TrapCode::NullReference);
const CORRUPTED: Status = Status::trap(TrapCode::HeapCorrupted);
const TOO_LARGE: Status = Status::trap(TrapCode::AllocationTooLarge);
const MEMORY_TRAP: Status = Status::trap(TrapCode::MemoryOutOfBounds);
const TABLE_TRAP: Status = Status::trap(TrapCode::TableOutOfBounds);

/// The bytes that a heap has at least. A limiter that allows less allows none.
const HEAP_MIN: u64 = 4 << 10;

fn corrupted(_: HeapCorrupted) -> Status {
    CORRUPTED
}

pub(crate) fn access(error: AccessError) -> Status {
    match error {
        AccessError::OutOfBounds => Status::trap(TrapCode::ArrayOutOfBounds),
        AccessError::Full => TOO_LARGE,
        AccessError::Corrupted => CORRUPTED,
    }
}

fn alloc_status(error: AllocError) -> Status {
    match error {
        AllocError::Corrupted => CORRUPTED,
        AllocError::Full | AllocError::NeedsCollection { .. } => TOO_LARGE,
    }
}

/// The reference in a slot that must not be null.
fn object(slot: Slot) -> Result<HeapRef, Status> {
    HeapRef::from_bits(slot as u32).ok_or(NULL)
}

fn done(outcome: Result<(), Status>) -> Status {
    outcome.err().unwrap_or(Status::OK)
}

/// Collects garbage and makes room for `bytes` bytes, within the limits that the heap has now.
///
/// # Safety
/// `store` is the address of a store that is not borrowed otherwise. No reference into the heap lives elsewhere than
/// in a root.
pub(crate) unsafe fn collect(store: *mut VmStore, bytes: usize) -> Result<(), AllocError> {
    // SAFETY: the caller's promise. The heap is borrowed apart from the other fields, which are used through the store's
    // address; slots of frames belong to the stack area, which nobody borrows.
    unsafe {
        (*store).roots.prepare();
        let heap = &mut (*store).heap;
        heap.collect(bytes, &mut |tracer| trace(store, tracer))
    }
}

/// Gives each root to the collector, once.
///
/// # Safety
/// As for [`collect`].
unsafe fn trace(store: *mut VmStore, tracer: &mut Tracer<'_>) {
    // SAFETY: the caller's promise; elements of arenas are initialised.
    unsafe {
        (*store).roots.trace(tracer);
        if let Some(exception) = &mut (*store).pending_exception {
            tracer.visit(exception);
        }
        for waiting in &mut (*store).evaluating {
            if waiting.is_heap_reference {
                tracer.visit_slot(&mut waiting.cell.slots[0]);
            }
        }
        for global in (*store).globals.iter() {
            if global.as_ref().ty.ty.is_heap_reference() {
                tracer.visit_slot(&mut Global::cell(global).as_mut().slots[0]);
            }
        }
        for table in (*store).tables.iter() {
            let table = table.as_ptr();
            if (*table).ty().element.val_type().is_heap_reference() {
                for at in 0..(*table).len() {
                    tracer.visit_slot(&mut *(*table).base().add(at));
                }
            }
        }
        for instance in (*store).instances.iter() {
            (*instance.as_ptr()).trace(tracer);
        }
        let trace_frames = (*store).trace_frames;
        trace_frames(store, &mut |place| tracer.visit_bits(&mut *place));
    }
}

/// Makes room for `bytes` bytes: collects, and grows the heap as far as the store's hooks allow.
///
/// # Safety
/// As for [`collect`]; and `store` is what the grow hooks expect.
unsafe fn make_room(store: *mut VmStore, bytes: usize) -> Result<(), Status> {
    // SAFETY: the caller's promise. Nothing of the store is borrowed while a hook is asked.
    unsafe {
        let mut outcome = collect(store, bytes);
        if outcome != Err(AllocError::Corrupted) {
            let heap = &raw mut (*store).heap;
            let (now, wanted) = ((*heap).size(), (*heap).wanted_size(bytes));
            let mut granted = wanted > now && grant(store, wanted)?;
            if outcome.is_err() && !granted {
                let least = ((*heap).used() as u64 + bytes as u64 + 16).next_multiple_of(8) * 2;
                // A collection leaves a little room, or it would be the next allocation's turn at once.
                granted = grant(store, (least + least / 16).max(HEAP_MIN))?;
            }
            if granted {
                (*heap).enlarge(bytes);
                if outcome.is_err() {
                    outcome = collect(store, bytes);
                }
            }
        }
        outcome.map_err(alloc_status)
    }
}

/// Asks whether the heap may grow to so many bytes. What was allowed once stays so.
///
/// # Safety
/// As for [`make_room`].
unsafe fn grant(store: *mut VmStore, wanted: u64) -> Result<bool, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        let limits = (*store).heap.limits();
        if wanted <= limits.bytes_max {
            return Ok(true);
        }
        if wanted > 1 << 32 {
            return Ok(false);
        }
        // Where addresses have 32 bits, the largest heap is one byte more than can be said.
        let bytes = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let (now, max) = (bytes(limits.bytes_max), bytes(1 << 32));
        match GrowHooks::ask(store, Growable::Memory, now, bytes(wanted), Some(max)) {
            Ok(()) => {
                (*store).heap.set_limits(riser_heap::HeapLimits { bytes_max: wanted, ..limits });
                Ok(true)
            }
            Err(GrowError::Refused) => Ok(false),
            Err(GrowError::Failed) => Err(Status::HOST_ERROR),
        }
    }
}

/// Lets the heap, and code, know a type that is alive in a registry.
///
/// # Safety
/// `store` is the address of a store that is not borrowed otherwise.
#[inline]
unsafe fn register(store: *mut VmStore, registry: &TypeRegistry, id: TypeId) -> Result<(), Status> {
    // SAFETY: the caller's promise.
    unsafe {
        match (*store).heap.layouts().get(id) {
            Some(_) => Ok(()),
            None => (*store).register_layout(registry, id).map_err(|_| TOO_LARGE),
        }
    }
}

/// Makes an object of a type that is alive in a registry, after a collection if need be: `make` is called again after
/// one, and must not use references that it knew before.
///
/// # Safety
/// As for [`make_room`].
pub(crate) unsafe fn allocate(
    store: *mut VmStore,
    registry: &TypeRegistry,
    id: TypeId,
    mut make: impl FnMut(&mut Heap) -> Result<HeapRef, AllocError>,
) -> Result<HeapRef, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        register(store, registry, id)?;
        let bytes = match make(&mut (*store).heap) {
            Ok(object) => return Ok(object),
            Err(AllocError::NeedsCollection { bytes }) => bytes,
            Err(error) => return Err(alloc_status(error)),
        };
        make_room(store, bytes)?;
        make(&mut (*store).heap).map_err(alloc_status)
    }
}

impl VmStore {
    /// Makes an object of a type that is alive in a registry, after a collection if need be: `make` is called again after
    /// one. Its reference is no root.
    ///
    /// # Errors
    /// As code gets it: a trap, or [`Status::HOST_ERROR`] if a hook failed.
    ///
    /// # Safety
    /// `this` is the address of a store that is not borrowed otherwise, and what the grow hooks expect. All references
    /// into the heap that are still wanted stand in roots.
    pub unsafe fn allocate(
        this: *mut VmStore,
        registry: &TypeRegistry,
        id: TypeId,
        make: impl FnMut(&mut Heap) -> Result<HeapRef, AllocError>,
    ) -> Result<HeapRef, Status> {
        // SAFETY: the caller's promise.
        unsafe { allocate(this, registry, id, make) }
    }

    /// Makes room for a value of the host, which can then be put into the heap.
    ///
    /// # Errors
    /// As for [`VmStore::allocate`].
    ///
    /// # Safety
    /// As for [`VmStore::allocate`].
    pub unsafe fn make_extern_room(this: *mut VmStore) -> Result<(), Status> {
        // SAFETY: the caller's promise.
        unsafe {
            match (*this).heap.ensure_room(EXTERN_BYTES) {
                Ok(()) => Ok(()),
                Err(AllocError::NeedsCollection { bytes }) => make_room(this, bytes),
                Err(error) => Err(alloc_status(error)),
            }
        }
    }

    /// Collects garbage.
    ///
    /// # Errors
    /// If the heap is damaged.
    ///
    /// # Safety
    /// `this` is the address of a store that is not borrowed otherwise. All references into the heap stand in roots.
    pub unsafe fn collect_garbage(this: *mut VmStore) -> Result<(), HeapCorrupted> {
        // SAFETY: the caller's promise.
        match unsafe { collect(this, 0) } {
            Err(AllocError::Corrupted) => Err(HeapCorrupted),
            // Nothing was asked for.
            Ok(()) | Err(AllocError::Full | AllocError::NeedsCollection { .. }) => Ok(()),
        }
    }
}

/// Whether a reference is of a type.
///
/// # Safety
/// A reference of the hierarchy of functions is null or names a function of the store.
pub(crate) unsafe fn matches(
    heap: &Heap,
    registry: &TypeRegistry,
    value: Slot,
    ty: RefType,
) -> Result<bool, HeapCorrupted> {
    if value == 0 {
        return Ok(ty.is_nullable());
    }
    match (ty.heap(), ty.heap().hierarchy()) {
        (HeapType::Func, _) => Ok(true),
        (HeapType::Concrete(id, _), Hierarchy::Func) => {
            let func = FuncPtr::from_slot(value).ok_or(HeapCorrupted)?;
            // SAFETY: the caller's promise.
            Ok(registry.is_subtype(unsafe { func.type_id() }, id))
        }
        (_, Hierarchy::Func) => Ok(false),
        (heap_type, _) => {
            heap.matches(HeapRef::from_bits(value as u32).ok_or(HeapCorrupted)?, heap_type)
        }
    }
}

/// What a builtin works on.
struct Context {
    instance: *mut Instance,
    store: *mut VmStore,
}

impl Context {
    /// # Safety
    /// The contract of builtins.
    unsafe fn of(vmctx: *mut VmCtx) -> Context {
        // SAFETY: the contract of builtins.
        unsafe {
            let instance = (*vmctx).instance.cast();
            Context { instance, store: (*(*vmctx).runtime).store.cast() }
        }
    }

    /// # Safety
    /// The contract of builtins; the heap is borrowed only until the next function of this file is called.
    #[inline]
    unsafe fn heap<'a>(&self) -> &'a mut Heap {
        // SAFETY: the caller's promise.
        unsafe { &mut (*self.store).heap }
    }

    /// The registry of the engine.
    ///
    /// # Safety
    /// The contract of builtins.
    unsafe fn registry<'a>(&self) -> &'a TypeRegistry {
        // SAFETY: the instance keeps its module.
        unsafe { (*self.instance).module().module().registration.registry() }
    }

    /// # Safety
    /// The contract of builtins that make objects.
    unsafe fn allocate(
        &self,
        id: u32,
        make: impl FnMut(&mut Heap) -> Result<HeapRef, AllocError>,
    ) -> Result<HeapRef, Status> {
        // SAFETY: the caller's promise.
        unsafe { allocate(self.store, self.registry(), TypeId(id), make) }
    }
}

/// The value in slots, as objects take it.
///
/// # Safety
/// There are as many slots as `access` says.
#[inline]
unsafe fn load(slots: *const Slot, access: u32) -> riser_heap::Cell {
    // SAFETY: the caller's promise.
    unsafe {
        if access & object_access::VECTOR != 0 { [*slots, *slots.add(1)] } else { [*slots, 0] }
    }
}

/// Writes a value that was read from an object.
///
/// # Safety
/// As for [`load`].
#[inline]
unsafe fn store(slots: *mut Slot, access: u32, value: riser_heap::Cell) {
    // SAFETY: the caller's promise.
    unsafe {
        *slots = value[0];
        if access & object_access::VECTOR != 0 {
            *slots.add(1) = value[1];
        }
    }
}

fn extension(access: u32) -> Extension {
    if access & object_access::SIGNED != 0 { Extension::Sign } else { Extension::Zero }
}

/// The bits for values of so many slots.
fn of_width(width: u32) -> u32 {
    if width == 2 { object_access::VECTOR } else { 0 }
}

pub(crate) unsafe extern "C" fn ref_test(vmctx: *mut VmCtx, value: Slot, ty: u32) -> u32 {
    let Some(ty) = ValType::from_bits(ty).as_ref() else { return REF_TEST_FAILED };
    // SAFETY: the contract of builtins; in a valid body the reference is of the type's hierarchy.
    unsafe {
        let context = Context::of(vmctx);
        match matches(context.heap(), context.registry(), value, ty) {
            Ok(fits) => fits.into(),
            Err(HeapCorrupted) => REF_TEST_FAILED,
        }
    }
}

pub(crate) unsafe extern "C" fn struct_new(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins: as many operands as the type has fields, of their types. The operands are read
    // after the collection, which rewrites them.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let object = context.allocate(type_id, |heap| heap.alloc_struct(TypeId(type_id)))?;
        let heap = context.heap();
        let count = heap.layouts().get(TypeId(type_id)).map_or(0, |layout| layout.fields().len());
        let mut at = operands;
        for field in 0..count {
            let layout = heap.layouts().get(TypeId(type_id)).ok_or(CORRUPTED)?;
            let is_vector = layout.fields()[field].repr == Repr::V128;
            let value = load(at, if is_vector { object_access::VECTOR } else { 0 });
            heap.struct_set(object, field as u32, value).map_err(access)?;
            at = at.add(if is_vector { 2 } else { 1 });
        }
        *operands = object.to_bits().into();
        Ok(())
    };
    done(make())
}

pub(crate) unsafe extern "C" fn struct_new_default(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let object = context.allocate(type_id, |heap| heap.alloc_struct(TypeId(type_id)))?;
        *operands = object.to_bits().into();
        Ok(())
    };
    done(make())
}

pub(crate) unsafe extern "C" fn array_new(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
    width: u32,
) -> Status {
    // SAFETY: the contract of builtins; the element is read after the collection.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let len = *operands.add(width as usize) as u32;
        let array = context.allocate(type_id, |heap| heap.alloc_array(TypeId(type_id), len))?;
        let value = load(operands, of_width(width));
        context.heap().array_fill(array, 0, value, len).map_err(access)?;
        *operands = array.to_bits().into();
        Ok(())
    };
    done(make())
}

pub(crate) unsafe extern "C" fn array_new_default(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let len = *operands as u32;
        let array = context.allocate(type_id, |heap| heap.alloc_array(TypeId(type_id), len))?;
        *operands = array.to_bits().into();
        Ok(())
    };
    done(make())
}

pub(crate) unsafe extern "C" fn array_new_fixed(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
    count: u32,
) -> Status {
    // SAFETY: the contract of builtins: `count` operands of the element type, which are read after the collection.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let array = context.allocate(type_id, |heap| heap.alloc_array(TypeId(type_id), count))?;
        let heap = context.heap();
        let width = if element_of(heap, TypeId(type_id))? == Repr::V128 { 2 } else { 1 };
        for index in 0..count {
            let value = load(operands.add(index as usize * width), of_width(width as u32));
            heap.array_set(array, index, value).map_err(access)?;
        }
        *operands = array.to_bits().into();
        Ok(())
    };
    done(make())
}

/// The bytes of `len` elements in a data segment from byte `start` on.
///
/// # Safety
/// `instance` is valid.
unsafe fn segment_bytes<'a>(
    instance: *mut Instance,
    data: u32,
    start: u32,
    len: u32,
    element: Repr,
) -> Result<&'a [u8], Status> {
    let len = u64::from(len) * element.size() as u64;
    let end = u64::from(start) + len;
    // SAFETY: the caller's promise; the bytes are the module's, which the instance keeps.
    let segment = unsafe { (*instance).data_bytes(data) };
    let range = usize::try_from(end).ok().map(|end| start as usize..end);
    range.and_then(|range| segment.get(range)).ok_or(MEMORY_TRAP)
}

/// How the elements of an array type are kept.
fn element_of(heap: &Heap, id: TypeId) -> Result<Repr, Status> {
    heap.layouts().get(id).and_then(|layout| layout.element()).ok_or(CORRUPTED)
}

pub(crate) unsafe extern "C" fn array_new_data(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
    data: u32,
) -> Status {
    // SAFETY: the contract of builtins.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let (start, len) = (*operands as u32, *operands.add(1) as u32);
        // The segment is checked before anything is allocated: `len` may be anything.
        register(context.store, context.registry(), TypeId(type_id))?;
        let element = element_of(context.heap(), TypeId(type_id))?;
        let bytes = segment_bytes(context.instance, data, start, len, element)?;
        let array = context.allocate(type_id, |heap| heap.alloc_array(TypeId(type_id), len))?;
        context.heap().array_write(array, 0, bytes).map_err(access)?;
        *operands = array.to_bits().into();
        Ok(())
    };
    done(make())
}

/// Checks a range of an element segment.
///
/// # Safety
/// `instance` is valid.
unsafe fn segment_range(
    instance: *mut Instance,
    elem: u32,
    start: u32,
    len: u32,
) -> Result<Range<usize>, Status> {
    // SAFETY: the caller's promise.
    unsafe {
        let module = (*instance).module().module();
        let segment = module.element(ElemIdx(elem)).ok_or(TABLE_TRAP)?;
        let size = if (*instance).is_elem_dropped(elem) { 0 } else { segment.items.len() };
        let end = u64::from(start) + u64::from(len);
        if end <= size as u64 { Ok(start as usize..end as usize) } else { Err(TABLE_TRAP) }
    }
}

/// Copies elements of a segment, in a range that was checked, to an array, from `index` on.
///
/// # Safety
/// `instance` is valid, and `array` an array of its store for elements of the segment's type.
unsafe fn write_elements(
    context: &Context,
    array: HeapRef,
    index: u32,
    elem: u32,
    range: Range<usize>,
) -> Result<(), Status> {
    // SAFETY: the caller's promise. Making a function reference touches no heap.
    unsafe {
        let instance = context.instance;
        let module = (*instance).module().module().clone();
        let segment = module.element(ElemIdx(elem)).ok_or(TABLE_TRAP)?;
        for (at, from) in (index..).zip(range) {
            let value = match &segment.items {
                ElementItems::Funcs(funcs) => (*instance).func_ref(funcs[from]).to_slot(),
                ElementItems::Exprs(_) => {
                    *(*instance).elem_values(elem).get(from).ok_or(TABLE_TRAP)?
                }
            };
            context.heap().array_set(array, at, [value, 0]).map_err(access)?;
        }
    }
    Ok(())
}

pub(crate) unsafe extern "C" fn array_new_elem(
    vmctx: *mut VmCtx,
    type_id: u32,
    operands: *mut Slot,
    elem: u32,
) -> Status {
    // SAFETY: the contract of builtins; elements are read after the collection.
    let make = || unsafe {
        let context = Context::of(vmctx);
        let (start, len) = (*operands as u32, *operands.add(1) as u32);
        let range = segment_range(context.instance, elem, start, len)?;
        let array = context.allocate(type_id, |heap| heap.alloc_array(TypeId(type_id), len))?;
        write_elements(&context, array, 0, elem, range)?;
        *operands = array.to_bits().into();
        Ok(())
    };
    done(make())
}

pub(crate) unsafe extern "C" fn struct_get(
    vmctx: *mut VmCtx,
    from: Slot,
    field: u32,
    bits: u32,
    result: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins: `result` has room for a value of the width that `bits` says.
    let read = || unsafe {
        let heap = Context::of(vmctx).heap();
        let value = heap.struct_get(object(from)?, field, extension(bits)).map_err(corrupted)?;
        store(result, bits, value);
        Ok(())
    };
    done(read())
}

pub(crate) unsafe extern "C" fn struct_set(
    vmctx: *mut VmCtx,
    to: Slot,
    field: u32,
    bits: u32,
    value: *const Slot,
) -> Status {
    // SAFETY: the contract of builtins: `value` is a value of the width that `bits` says.
    let write = || unsafe {
        let heap = Context::of(vmctx).heap();
        heap.struct_set(object(to)?, field, load(value, bits)).map_err(access)
    };
    done(write())
}

pub(crate) unsafe extern "C" fn array_get(
    vmctx: *mut VmCtx,
    array: Slot,
    index: u32,
    bits: u32,
    result: *mut Slot,
) -> Status {
    // SAFETY: as for `struct_get`.
    let read = || unsafe {
        let heap = Context::of(vmctx).heap();
        let value = heap.array_get(object(array)?, index, extension(bits)).map_err(access)?;
        store(result, bits, value);
        Ok(())
    };
    done(read())
}

pub(crate) unsafe extern "C" fn array_set(
    vmctx: *mut VmCtx,
    array: Slot,
    index: u32,
    bits: u32,
    value: *const Slot,
) -> Status {
    // SAFETY: as for `struct_set`.
    let write = || unsafe {
        let heap = Context::of(vmctx).heap();
        heap.array_set(object(array)?, index, load(value, bits)).map_err(access)
    };
    done(write())
}

pub(crate) unsafe extern "C" fn array_len(
    vmctx: *mut VmCtx,
    array: Slot,
    result: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins.
    let read = || unsafe {
        let heap = Context::of(vmctx).heap();
        *result = heap.array_len(object(array)?).map_err(corrupted)?.into();
        Ok(())
    };
    done(read())
}

pub(crate) unsafe extern "C" fn array_fill(
    vmctx: *mut VmCtx,
    array: Slot,
    index: u32,
    value: *const Slot,
    width: u32,
    len: u32,
) -> Status {
    // SAFETY: the contract of builtins: `value` takes `width` slots.
    let write = || unsafe {
        let heap = Context::of(vmctx).heap();
        heap.array_fill(object(array)?, index, load(value, of_width(width)), len).map_err(access)
    };
    done(write())
}

pub(crate) unsafe extern "C" fn array_copy(
    vmctx: *mut VmCtx,
    dst: Slot,
    dst_index: u32,
    src: Slot,
    src_index: u32,
    len: u32,
) -> Status {
    // SAFETY: the contract of builtins.
    let copy = || unsafe {
        let heap = Context::of(vmctx).heap();
        let (to, from) = (object(dst)?, object(src)?);
        heap.array_copy(to, dst_index, from, src_index, len).map_err(access)
    };
    done(copy())
}

/// Whether an array has these elements.
fn check_elements(heap: &Heap, array: HeapRef, index: u32, len: u32) -> Result<(), Status> {
    let size = heap.array_len(array).map_err(corrupted)?;
    let end = index.checked_add(len).filter(|&end| end <= size);
    end.map(|_| ()).ok_or(Status::trap(TrapCode::ArrayOutOfBounds))
}

pub(crate) unsafe extern "C" fn array_init_data(
    vmctx: *mut VmCtx,
    array: Slot,
    data: u32,
    index: u32,
    start: u32,
    len: u32,
) -> Status {
    // SAFETY: the contract of builtins.
    let write = || unsafe {
        let context = Context::of(vmctx);
        let (heap, array) = (context.heap(), object(array)?);
        check_elements(heap, array, index, len)?;
        let id = heap.type_of(array).map_err(corrupted)?.ok_or(CORRUPTED)?;
        let bytes = segment_bytes(context.instance, data, start, len, element_of(heap, id)?)?;
        heap.array_write(array, index, bytes).map_err(access)
    };
    done(write())
}

pub(crate) unsafe extern "C" fn array_init_elem(
    vmctx: *mut VmCtx,
    array: Slot,
    elem: u32,
    index: u32,
    start: u32,
    len: u32,
) -> Status {
    // SAFETY: the contract of builtins.
    let write = || unsafe {
        let (context, array) = (Context::of(vmctx), object(array)?);
        check_elements(context.heap(), array, index, len)?;
        let range = segment_range(context.instance, elem, start, len)?;
        write_elements(&context, array, index, elem, range)
    };
    done(write())
}

pub(crate) unsafe extern "C" fn number_func(vmctx: *mut VmCtx, func: *const FuncRef) -> u32 {
    let Some(at) = FuncPtr::new(func) else { return 0 };
    // SAFETY: the contract of builtins: a function of the store, to which nobody has a Rust reference.
    unsafe {
        let Ok(number) = Context::of(vmctx).heap().intern(at.to_slot()) else { return 0 };
        (*func.cast_mut()).number = number;
        number
    }
}
