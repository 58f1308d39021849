//! Makes instances, in the order of the specification: imports are bound, objects allocated, globals and tables
//! initialised, element segments and then data segments copied. The start function is the caller's to run.
//! Source: WebAssembly 3.0, section 4.7.2 (instantiation).

use crate::builtins::{init_memory, init_table};
use crate::cell::GlobalPlace;
use crate::const_expr::{self, Waiting};
use crate::host::HostFunc;
use crate::images::{self, Shown};
use crate::instance::{Instance, InstanceModule};
use crate::store::{Entity, GrowError, GrowHooks, Growable, InstanceId, VmStore};
use core::fmt;
use core::ptr::NonNull;
use riser_abi::{GlobalCell, ImportedFunc, Status};
use riser_module::{ConstExpr, DataMode, ElementItems, ElementMode, Module};
use riser_ops::{Features, FuncIdx, GlobalIdx, MemoryIdx, TableIdx, TagIdx, TrapCode, ValType};
use riser_sys::{MemoryImage, OutOfMemory};
use std::sync::Arc;

/// Why an instance could not be made. What was written to imported objects before stays written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstantiateError {
    /// An active segment does not fit its table or memory.
    Trap(TrapCode),
    /// The system refused memory.
    OutOfMemory(OutOfMemory),
    /// A limit of the store forbids the size of a memory (in bytes) or a table (in elements).
    Limit {
        /// "memory" or "table".
        what: &'static str,
        /// The size that was wanted.
        minimum: usize,
    },
    /// A hook failed, and kept the error.
    Hook,
    /// An active segment (of elements, of data) does not fit, in a module that is without bulk memory operations:
    /// then nothing was written.
    SegmentDoesNotFit(&'static str),
    /// The module uses something at instantiation that cannot be executed yet.
    Unsupported(&'static str),
}

impl fmt::Display for InstantiateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstantiateError::Trap(code) => write!(f, "wasm trap: {code}"),
            InstantiateError::OutOfMemory(error) => error.fmt(f),
            InstantiateError::Limit { what, minimum } => {
                write!(f, "{what} minimum size of {minimum} exceeds the store's limits")
            }
            InstantiateError::Hook => f.write_str("a limiter failed"),
            InstantiateError::SegmentDoesNotFit(what) => write!(f, "{what} segment does not fit"),
            InstantiateError::Unsupported(what) => write!(f, "{what} is not supported yet"),
        }
    }
}

impl core::error::Error for InstantiateError {}

impl InstantiateError {
    fn limit(error: GrowError, what: &'static str, minimum: usize) -> InstantiateError {
        match error {
            GrowError::Refused => InstantiateError::Limit { what, minimum },
            GrowError::Failed => InstantiateError::Hook,
        }
    }
}

impl From<OutOfMemory> for InstantiateError {
    fn from(error: OutOfMemory) -> InstantiateError {
        InstantiateError::OutOfMemory(error)
    }
}

impl From<Status> for InstantiateError {
    fn from(status: Status) -> InstantiateError {
        status.trap_code().map_or(InstantiateError::Hook, InstantiateError::Trap)
    }
}

type Result<T> = core::result::Result<T, InstantiateError>;

/// An arena cannot count further.
const FULL: InstantiateError =
    InstantiateError::OutOfMemory(OutOfMemory { bytes: size_of::<Instance>() });

impl VmStore {
    /// Makes an instance of `module`. `imports` are in the order of the module's import declarations.
    ///
    /// # Safety
    /// `this` is the address of a store that is not borrowed otherwise, and what the grow hooks expect. The
    /// imports are objects of this store, as many as the module declares, and match the declared types.
    pub unsafe fn instantiate(
        this: *mut VmStore,
        module: &Arc<InstanceModule>,
        imports: &[Entity],
    ) -> Result<InstanceId> {
        let decoded = &**module.module();
        check_supported(decoded)?;
        // SAFETY: the caller's promise, for all of the following steps. The order is the specification's; each
        // step uses only what earlier ones made, and no step borrows the store while hooks are asked.
        unsafe {
            if decoded.has_object_types && module.code().accesses_objects() {
                (*this).reserve_heap(module.last_type_id())?;
            }
            let runtime = (*this).runtime();
            let make = |index| Instance::new(module.clone(), runtime, index);
            let instance = (*this).instances.try_push(make).ok_or(FULL)?;
            Instance::bind(instance);
            bind_imports(&*this, instance, imports);
            let images = module.images().for_instance(decoded);
            let shown = make_memories(this, instance, decoded, images)?;
            let outcome = initialize(this, instance, decoded, shown);
            if outcome.is_err() && !shown.is_empty() {
                hide_images(instance, images, shown);
            }
            outcome?;
            Ok(InstanceId::of(instance.as_ref()))
        }
    }
}

/// Everything behind the memories. Where it fails, no data was written to a memory that shows an image: that there is one means that
/// all data fits.
///
/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn initialize(
    this: *mut VmStore,
    instance: NonNull<Instance>,
    decoded: &Module,
    shown: Shown,
) -> Result<()> {
    // SAFETY: the caller's promise, for all steps.
    unsafe {
        make_tags(&mut *this, instance, decoded)?;
        make_globals(this, instance, decoded)?;
        make_tables(this, instance, decoded)?;
        evaluate_segments(this, instance, decoded)?;
        check_segments_fit(this, instance, decoded)?;
        copy_elements(this, instance, decoded)?;
        copy_data(this, instance, decoded, shown)
    }
}

/// Takes back what memories show, because their instance cannot be made: functions of it may be in a table.
///
/// # Safety
/// As for [`VmStore::instantiate`]; the memories that show something are bound.
unsafe fn hide_images(
    instance: NonNull<Instance>,
    images: &[Option<Arc<MemoryImage>>],
    shown: Shown,
) {
    for (at, image) in images.iter().enumerate() {
        let memory = MemoryIdx(at as u32);
        if let Some(image) = image.as_ref().filter(|_| shown.contains(memory)) {
            // SAFETY: the caller's promise; no code of the instance runs yet.
            unsafe { images::hide(instance.as_ref().memory(memory), image) };
        }
    }
}

/// What is decoded and validated, but cannot be executed yet.
fn check_supported(module: &Module) -> Result<()> {
    let shared = module.tables.iter().any(|table| table.ty.shared)
        || module.globals.iter().any(|global| global.ty.shared);
    if shared { Err(InstantiateError::Unsupported("a shared table or global")) } else { Ok(()) }
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn bind_imports(store: &VmStore, instance: NonNull<Instance>, imports: &[Entity]) {
    let (mut funcs, mut tables, mut memories, mut globals, mut tags) = (0, 0, 0, 0, 0);
    let next = |counter: &mut u32| {
        *counter += 1;
        *counter - 1
    };
    // SAFETY: the caller's promise; the places are those of this instance.
    unsafe {
        let instance = instance.as_ref();
        for import in imports {
            match *import {
                Entity::Func(func) => {
                    let func_ref = func.as_ptr();
                    let vmctx = (*func_ref).vmctx;
                    let exporter = (*vmctx).instance.cast::<Instance>();
                    let entry = match exporter.as_ref() {
                        Some(exporter) => exporter.import_entry(func),
                        None => (*func_ref).entry,
                    };
                    let imported = ImportedFunc { entry, vmctx, func_ref };
                    let import = instance.imported_func(FuncIdx(next(&mut funcs)));
                    import.write(imported);
                    if (*vmctx).instance.is_null() {
                        (*vmctx.cast::<HostFunc>()).note_import(import);
                    }
                }
                Entity::Table(id) => {
                    let table = store.tables.get(id.index()).expect("an import of this store");
                    instance.bind_table(TableIdx(next(&mut tables)), table);
                }
                Entity::Memory(id) => {
                    let memory = store.memory_address(id).expect("an import of this store");
                    instance.bind_memory(MemoryIdx(next(&mut memories)), memory);
                }
                Entity::Global(id) => {
                    let global = store.globals.get(id.index()).expect("an import of this store");
                    instance.bind_global(GlobalIdx(next(&mut globals)), global);
                }
                Entity::Tag(id) => {
                    let tag = store.tags.get(id.index()).expect("an import of this store");
                    instance.tag_place(TagIdx(next(&mut tags))).write(tag.as_ptr());
                }
            }
        }
        let expected = instance.module().module().imported;
        let bound = riser_module::ImportCounts { funcs, tables, memories, globals, tags };
        assert_eq!(bound, expected, "imports match their declarations");
    }
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn make_memories(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
    images: &[Option<Arc<MemoryImage>>],
) -> Result<Shown> {
    let mut shown = Shown::default();
    for (at, ty) in module.memories.iter().enumerate().skip(module.imported.memories as usize) {
        let minimum = ty.limits.min.saturating_mul(ty.page_size());
        let max = ty.limits.max.map(|max| max.saturating_mul(ty.page_size()));
        let (minimum, max) = (saturate(minimum), max.map(saturate));
        // SAFETY: the caller's promise.
        unsafe {
            let asked = GrowHooks::ask(store, Growable::Memory, 0, minimum, max);
            asked.map_err(|error| InstantiateError::limit(error, "memory", minimum))?;
            let image = images.get(at).and_then(Option::as_ref);
            // Where an image cannot be mapped, its data is copied.
            let showing = image.and_then(|_| (*store).new_memory_showing(*ty, image).ok());
            let id = match showing {
                Some(id) => {
                    shown.insert(MemoryIdx(at as u32));
                    id
                }
                None => (*store).new_memory(*ty)?,
            };
            let memory = (*store).memory_address(id).ok_or(FULL)?;
            instance.as_ref().bind_memory(MemoryIdx(at as u32), memory);
        }
    }
    Ok(shown)
}

fn saturate(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn make_tags(
    store: &mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
) -> Result<()> {
    for (at, ty) in module.tags.iter().enumerate().skip(module.imported.tags as usize) {
        let id = store.new_tag(module.types[ty.index()].id).ok_or(FULL)?;
        let tag = store.tags.get(id.index()).ok_or(FULL)?;
        // SAFETY: the place is this instance's.
        unsafe { instance.as_ref().tag_place(TagIdx(at as u32)).write(tag.as_ptr()) };
    }
    Ok(())
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn make_globals(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
) -> Result<()> {
    for (at, global) in module.globals.iter().enumerate().skip(module.imported.globals as usize) {
        let Some(init) = &global.init else { continue };
        // SAFETY: the instance is used by this thread alone; a valid expression has the global's type.
        unsafe {
            let value = const_expr::evaluate(store, instance.as_ptr(), init)?;
            let at = GlobalIdx(at as u32);
            let cell = instance.as_ref().own_global(at);
            cell.write(value);
            let id = (*store).new_global(global.ty, GlobalPlace::Instance(cell)).ok_or(FULL)?;
            let global = (*store).globals.get(id.index()).ok_or(FULL)?;
            instance.as_ref().bind_global(at, global);
        }
    }
    Ok(())
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn make_tables(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
) -> Result<()> {
    for (at, table) in module.tables.iter().enumerate().skip(module.imported.tables as usize) {
        let limits = table.ty.limits;
        let (minimum, max) = (saturate(limits.min), limits.max.map(saturate));
        // SAFETY: the caller's promise; a valid expression has the table's element type.
        unsafe {
            let init = match &table.init {
                Some(init) => const_expr::evaluate(store, instance.as_ptr(), init)?.slots[0],
                None => 0,
            };
            let asked = GrowHooks::ask(store, Growable::Table, 0, minimum, max);
            asked.map_err(|error| InstantiateError::limit(error, "table", minimum))?;
            let id = (*store).new_table(table.ty, init)?;
            let table = (*store).tables.get(id.index()).ok_or(FULL)?;
            instance.as_ref().bind_table(TableIdx(at as u32), table);
        }
    }
    Ok(())
}

/// Evaluates the elements of segments that are made of expressions.
///
/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn evaluate_segments(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
) -> Result<()> {
    for (at, segment) in module.elements.iter().enumerate() {
        let ElementItems::Exprs(exprs) = &segment.items else { continue };
        if matches!(segment.mode, ElementMode::Declared) {
            continue;
        }
        let refused = || OutOfMemory { bytes: exprs.len() * size_of::<Waiting>() };
        let is_heap_reference = segment.ty.val_type().is_heap_reference();
        // SAFETY: the caller's promise. What was evaluated waits where the collector finds it.
        unsafe {
            let base = (*store).evaluating.len();
            (*store).evaluating.try_reserve(exprs.len()).map_err(|_| refused())?;
            for expr in exprs {
                let cell = const_expr::evaluate(store, instance.as_ptr(), expr);
                let cell = cell.inspect_err(|_| (*store).evaluating.truncate(base))?;
                (*store).evaluating.push(Waiting { cell, is_heap_reference });
            }
            let values = (*store).evaluating.drain(base..).map(|value| value.cell.slots[0]);
            (*instance.as_ptr()).keep_elem_values(at as u32, values.collect());
        }
    }
    Ok(())
}

/// The offset of an active segment: the width of its value is that of the table's or memory's indices.
///
/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn offset(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    expr: &ConstExpr,
    index: ValType,
) -> Result<u64> {
    // SAFETY: the caller's promise.
    let GlobalCell { slots } = unsafe { const_expr::evaluate(store, instance.as_ptr(), expr)? };
    Ok(if index == ValType::I64 { slots[0] } else { u64::from(slots[0] as u32) })
}

/// Until bulk memory operations came, all active segments were checked before any was copied, and one that does not
/// fit meant that the module does not link.
/// Source: the bulk memory operations proposal, "Design, segment initialization".
///
/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn check_segments_fit(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
) -> Result<()> {
    if module.features.contains(Features::BULK_MEMORY) {
        return Ok(());
    }
    let fits = |dst: u64, len: usize, size: usize| {
        dst.checked_add(len as u64).is_some_and(|end| end <= size as u64)
    };
    for segment in &module.elements {
        let ElementMode::Active { table, offset: start } = &segment.mode else { continue };
        let index = module.tables[table.index()].ty.index_type();
        // SAFETY: the caller's promise; the instance's tables are bound.
        let (dst, size) = unsafe {
            let dst = offset(store, instance, start, index)?;
            (dst, (*(*instance.as_ptr()).table(*table)).len())
        };
        if !fits(dst, segment.items.len(), size) {
            return Err(InstantiateError::SegmentDoesNotFit("elements"));
        }
    }
    for segment in module.data() {
        let DataMode::Active { memory, offset: start } = &segment.mode else { continue };
        let index = module.memories[memory.index()].index_type();
        // SAFETY: the caller's promise; the instance's memories are bound.
        let (dst, size) = unsafe {
            let dst = offset(store, instance, start, index)?;
            (dst, (*(*instance.as_ptr()).memory(*memory)).len())
        };
        if !fits(dst, segment.range.len(), size) {
            return Err(InstantiateError::SegmentDoesNotFit("data"));
        }
    }
    Ok(())
}

fn check(status: Status) -> Result<()> {
    match status.trap_code() {
        Some(code) => Err(InstantiateError::Trap(code)),
        None => Ok(()),
    }
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn copy_elements(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
) -> Result<()> {
    for (at, segment) in module.elements.iter().enumerate() {
        let elem = at as u32;
        if let ElementMode::Active { table, offset: start } = &segment.mode {
            let index = module.tables[table.index()].ty.index_type();
            // SAFETY: the caller's promise.
            let dst = unsafe { offset(store, instance, start, index)? };
            let range = (0, segment.items.len() as u64);
            // SAFETY: the tables are there, and in a valid module the types fit.
            check(unsafe { init_table(instance.as_ptr(), elem, *table, dst, range) })?;
        }
        if !matches!(segment.mode, ElementMode::Passive) {
            // SAFETY: the instance is used by this thread alone.
            unsafe { (*instance.as_ptr()).drop_elem(elem) };
        }
    }
    Ok(())
}

/// # Safety
/// As for [`VmStore::instantiate`].
unsafe fn copy_data(
    store: *mut VmStore,
    instance: NonNull<Instance>,
    module: &Module,
    shown: Shown,
) -> Result<()> {
    // SAFETY: the instance is used by this thread alone.
    let instance_ref = unsafe { instance.as_ref() };
    if instance_ref.module().images().have_all(shown) {
        // SAFETY: as before.
        unsafe { (*instance.as_ptr()).drop_all_data() };
        return Ok(());
    }
    for (at, segment) in module.data().iter().enumerate() {
        let data = at as u32;
        let DataMode::Active { memory, offset: start } = &segment.mode else { continue };
        if shown.contains(*memory) {
            // SAFETY: the instance is used by this thread alone.
            unsafe { (*instance.as_ptr()).drop_data(data) };
            continue;
        }
        let index = module.memories[memory.index()].index_type();
        // SAFETY: the caller's promise.
        let dst = unsafe { offset(store, instance, start, index)? };
        let range = (0, segment.range.len() as u64);
        // SAFETY: the memories are there.
        check(unsafe { init_memory(instance.as_ptr(), data, *memory, dst, range) })?;
        // SAFETY: the instance is used by this thread alone.
        unsafe { (*instance.as_ptr()).drop_data(data) };
    }
    Ok(())
}
