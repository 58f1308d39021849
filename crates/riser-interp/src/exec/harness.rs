//! A small runtime for tests of the interpreter alone: instances built by hand, host functions, linking.

#![allow(clippy::vec_box, reason = "addresses of elements must not change")]

use crate::{Exit, ExitReason, HostEntry, InterpModule, InterpOptions, call};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use riser_abi::{
    Builtins, FrameLayout, FuncRef, GlobalCell, HostCall, ImportedFunc, MemoryDef, Slot, Status,
    TableDef, TagDef, VmCtx, VmCtxLayout, VmRuntime,
};
use riser_module::{
    ConstExpr, ConstOp, DataMode, ElementItems, ElementMode, EntityIdx, Module, ModuleBytes,
    ModuleLimits, TypeRegistry,
};
use riser_ops::{
    DataIdx, ElemIdx, Features, FuncIdx, GlobalIdx, MemoryIdx, TableIdx, TrapCode, TypeId,
};

// SAFETY (of the blocks in this file): a store is used by one test on one thread, its parts are boxed and
// live as long as it does, and the modules given to it are valid.

/// The largest memory and table.
const MEMORY_MAX: usize = 1 << 26;
const TABLE_MAX: usize = 1 << 16;

/// What an import is satisfied with.
#[derive(Clone, Copy)]
pub(crate) enum Import {
    /// A host function.
    Host(HostCall),
    /// A function of the store.
    Func(*const FuncRef),
}

/// A store: a stack, and the instances on it.
pub(crate) struct Store {
    pub(crate) runtime: Box<VmRuntime>,
    pub(crate) registry: TypeRegistry,
    pub(crate) instances: Vec<Box<Instance>>,
    _stack: Vec<Slot>,
    _builtins: Box<Builtins>,
}

/// An instance.
pub(crate) struct Instance {
    pub(crate) interp: Arc<InterpModule>,
    block: Vec<u128>,
    memories: Vec<(Box<MemoryDef>, Vec<u8>, u64)>,
    tables: Vec<(Box<TableDef>, Vec<Slot>, u64)>,
    funcs: Vec<Box<FuncRef>>,
    hosts: Vec<Box<HostEntry>>,
    type_ids: Vec<TypeId>,
    dropped_data: Vec<bool>,
    dropped_elems: Vec<bool>,
}

impl Store {
    /// A store with a stack of so many slots.
    pub(crate) fn new(slots: usize) -> Store {
        let mut stack = vec![0; slots];
        let builtins = Box::new(BUILTINS);
        let range = stack.as_mut_ptr_range();
        let mut runtime = Box::new(VmRuntime::new(&raw const *builtins, &raw const EPOCH));
        runtime.epoch_deadline = AtomicU64::new(u64::MAX);
        runtime.stack_base = range.start;
        runtime.stack_end = range.end;
        runtime.stack_top = range.start;
        let registry = TypeRegistry::new();
        Store { runtime, registry, instances: Vec::new(), _stack: stack, _builtins: builtins }
    }

    /// Decodes and validates a binary.
    pub(crate) fn module(&self, bytes: &[u8]) -> Arc<Module> {
        let bytes = ModuleBytes::new(Vec::from(bytes));
        let module = Module::decode(bytes, &self.registry, Features::ALL, &ModuleLimits::default())
            .expect("a valid module");
        riser_front::validate_bodies(&module).expect("valid bodies");
        Arc::new(module)
    }

    /// Instantiates a module; gives the number of the instance.
    pub(crate) fn instantiate(&mut self, bytes: &[u8], imports: &[Import]) -> usize {
        self.instantiate_with(bytes, imports, InterpOptions::default())
    }

    /// The same with options.
    pub(crate) fn instantiate_with(
        &mut self,
        bytes: &[u8],
        imports: &[Import],
        options: InterpOptions,
    ) -> usize {
        let module = self.module(bytes);
        let interp = Arc::new(InterpModule::new(module, options));
        let instance = Instance::new(interp, &mut self.runtime, imports);
        self.instances.push(instance);
        self.instances.len() - 1
    }

    /// An exported function.
    pub(crate) fn export(&self, instance: usize, name: &str) -> *const FuncRef {
        let instance = &self.instances[instance];
        match instance.interp.module().export(name) {
            Some(EntityIdx::Func(func)) => &raw const *instance.funcs[func.index()],
            _ => panic!("no function `{name}`"),
        }
    }

    /// Calls an exported function with slots; gives as many slots as its results take.
    pub(crate) fn call(
        &mut self,
        instance: usize,
        name: &str,
        args: &[Slot],
    ) -> Result<Vec<Slot>, Exit> {
        let func = self.export(instance, name);
        let module = self.instances[instance].interp.module();
        let Some(EntityIdx::Func(index)) = module.export(name) else { panic!("a function") };
        let ty = module.func_type(index).expect("a type");
        let results = FrameLayout::slots_of(ty.results()) as usize;
        let mut slots = Vec::from(args);
        slots.resize(args.len().max(results), 0);
        // SAFETY: see above.
        unsafe { call(&raw mut *self.runtime, func, &mut slots)? };
        slots.truncate(results);
        Ok(slots)
    }

    /// Calls a function with one `i32` or `i64` result.
    pub(crate) fn value(
        &mut self,
        instance: usize,
        name: &str,
        args: &[Slot],
    ) -> Result<Slot, ExitReason> {
        self.call(instance, name, args).map(|slots| slots[0]).map_err(|exit| exit.reason)
    }
}

impl Instance {
    fn new(
        interp: Arc<InterpModule>,
        runtime: &mut VmRuntime,
        imports: &[Import],
    ) -> Box<Instance> {
        let module = interp.module().clone();
        let layout = module.vmctx_layout();
        let mut instance = Box::new(Instance {
            interp,
            block: vec![0; layout.size().div_ceil(16)],
            memories: Vec::new(),
            tables: Vec::new(),
            funcs: Vec::new(),
            hosts: Vec::new(),
            type_ids: module.types.iter().map(|ty| ty.id).collect(),
            dropped_data: vec![false; module.data_len()],
            dropped_elems: vec![false; module.elements.len()],
        });
        let vmctx = instance.block.as_mut_ptr().cast::<VmCtx>();
        let fixed = VmCtx {
            runtime,
            instance: (&raw mut *instance).cast(),
            code: instance.interp.code_table(),
            type_ids: instance.type_ids.as_ptr(),
        };
        // SAFETY: see above.
        unsafe { vmctx.write(fixed) };
        instance.make_funcs(&module, imports);
        instance.make_parts(&module, layout);
        instance.fill(&module);
        instance
    }

    fn vmctx(&mut self) -> *mut VmCtx {
        self.block.as_mut_ptr().cast()
    }

    fn set<T>(&mut self, offset: u32, value: T) {
        // SAFETY: see above; the layout's offsets lie in the block.
        unsafe { self.vmctx().byte_add(offset as usize).cast::<T>().write(value) };
    }

    fn make_funcs(&mut self, module: &Module, imports: &[Import]) {
        let vmctx = self.vmctx();
        for (i, &ty) in module.funcs.iter().enumerate() {
            let type_id = module.types[ty.index()].id;
            let defined = i.checked_sub(module.imported.funcs as usize);
            let func = match defined {
                Some(defined) => {
                    FuncRef { entry: self.interp.entry(defined as u32), vmctx, type_id, number: 0 }
                }
                None => match imports[i] {
                    Import::Host(call) => {
                        let ty = module.func_type(FuncIdx(i as u32)).expect("a type");
                        let params = FrameLayout::slots_of(ty.params());
                        let results = FrameLayout::slots_of(ty.results());
                        let entry = Box::new(HostEntry::new(call, params, results));
                        let at = entry.as_ptr();
                        self.hosts.push(entry);
                        FuncRef { entry: at, vmctx: ptr::null_mut(), type_id, number: 0 }
                    }
                    // SAFETY: see above.
                    Import::Func(func) => unsafe { ptr::read(func) },
                },
            };
            self.funcs.push(Box::new(func));
        }
        let layout = module.vmctx_layout();
        for i in 0..module.imported.funcs {
            let func = &*self.funcs[i as usize];
            let import = ImportedFunc { entry: func.entry, vmctx: func.vmctx, func_ref: func };
            self.set(layout.imported_func(FuncIdx(i)), import);
        }
    }

    fn make_parts(&mut self, module: &Module, layout: VmCtxLayout) {
        for (i, ty) in module.memories.iter().enumerate() {
            let len = (ty.limits.min * ty.page_size()) as usize;
            let mut bytes = vec![0; MEMORY_MAX];
            let def = Box::new(MemoryDef { base: bytes.as_mut_ptr(), len: AtomicUsize::new(len) });
            self.set(layout.memory(MemoryIdx(i as u32)), &raw const *def);
            let max = ty.limits.max.unwrap_or(u64::MAX).saturating_mul(ty.page_size());
            self.memories.push((def, bytes, max.min(MEMORY_MAX as u64)));
        }
        for (i, table) in module.tables.iter().enumerate() {
            let init = table.init.as_ref().map_or(0, |init| self.eval(init));
            let mut slots = vec![init; TABLE_MAX];
            let len = table.ty.limits.min as usize;
            let def = Box::new(TableDef { base: slots.as_mut_ptr(), len });
            self.set(layout.table(TableIdx(i as u32)), &raw const *def);
            let max = table.ty.limits.max.unwrap_or(u64::MAX).min(TABLE_MAX as u64);
            self.tables.push((def, slots, max));
        }
        for (i, global) in module.globals.iter().enumerate() {
            let value = global.init.as_ref().map_or(0, |init| self.eval(init));
            let cell = layout.own_global(GlobalIdx(i as u32)).expect("no imported globals here");
            self.set(cell, GlobalCell { slots: [value, 0] });
            let cell = self.vmctx().wrapping_byte_add(cell as usize).cast::<GlobalCell>();
            self.set(layout.global(GlobalIdx(i as u32)), cell);
        }
    }

    /// Active segments.
    fn fill(&mut self, module: &Module) {
        for (i, segment) in module.data().iter().enumerate() {
            if let DataMode::Active { memory, offset } = &segment.mode {
                let at = self.eval(offset) as u32 as usize;
                let bytes = module.data_bytes(DataIdx(i as u32));
                self.memories[memory.index()].1[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
        for (i, segment) in module.elements.iter().enumerate() {
            if let ElementMode::Active { table, offset } = &segment.mode {
                let at = self.eval(offset) as u32 as usize;
                let values = self.elements(module, i);
                self.tables[table.index()].1[at..at + values.len()].copy_from_slice(&values);
            }
        }
    }

    fn func_ref(&self, func: FuncIdx) -> Slot {
        (&raw const *self.funcs[func.index()]) as usize as Slot
    }

    fn elements(&self, module: &Module, elem: usize) -> Vec<Slot> {
        match &module.elements[elem].items {
            ElementItems::Funcs(funcs) => funcs.iter().map(|&func| self.func_ref(func)).collect(),
            ElementItems::Exprs(exprs) => exprs.iter().map(|expr| self.eval(expr)).collect(),
        }
    }

    fn eval(&self, expr: &ConstExpr) -> Slot {
        match expr.ops() {
            [ConstOp::I32Const(value)] => *value as u32 as Slot,
            [ConstOp::I64Const(value)] => *value as Slot,
            [ConstOp::F32Const(bits)] => Slot::from(*bits),
            [ConstOp::F64Const(bits)] => *bits,
            [ConstOp::RefNull(_)] => 0,
            [ConstOp::RefFunc(func)] => self.func_ref(*func),
            ops => panic!("no test needs {ops:?}"),
        }
    }
}

unsafe fn instance<'a>(vmctx: *mut VmCtx) -> &'a mut Instance {
    // SAFETY: see above.
    unsafe { &mut *(*vmctx).instance.cast::<Instance>() }
}

/// The range of `len` entries at `at`, if it lies below `end`.
fn range(at: u64, len: u64, end: usize) -> Option<core::ops::Range<usize>> {
    let behind = at.checked_add(len).filter(|&behind| behind <= end as u64)?;
    Some(at as usize..behind as usize)
}

const MEMORY: Status = Status::trap(TrapCode::MemoryOutOfBounds);
const TABLE: Status = Status::trap(TrapCode::TableOutOfBounds);

unsafe extern "C" fn memory_grow(vmctx: *mut VmCtx, memory: u32, delta: u64) -> i64 {
    // SAFETY: see above.
    let instance = unsafe { instance(vmctx) };
    let page = instance.interp.module().memories[memory as usize].page_size();
    let (def, _, max) = &mut instance.memories[memory as usize];
    let len = def.len.load(Ordering::Relaxed) as u64;
    match delta.checked_mul(page).and_then(|delta| len.checked_add(delta)) {
        Some(new) if new <= *max => {
            def.len.store(new as usize, Ordering::Relaxed);
            (len / page) as i64
        }
        _ => -1,
    }
}

unsafe extern "C" fn memory_copy(
    vmctx: *mut VmCtx,
    dst_memory: u32,
    src_memory: u32,
    dst: u64,
    src: u64,
    len: u64,
) -> Status {
    // SAFETY: see above.
    let instance = unsafe { instance(vmctx) };
    let size = |memory: u32| instance.memories[memory as usize].0.len.load(Ordering::Relaxed);
    let ranges = (range(src, len, size(src_memory)), range(dst, len, size(dst_memory)));
    let (Some(from), Some(to)) = ranges else { return MEMORY };
    let bytes = Vec::from(&instance.memories[src_memory as usize].1[from]);
    instance.memories[dst_memory as usize].1[to].copy_from_slice(&bytes);
    Status::OK
}

unsafe extern "C" fn memory_fill(
    vmctx: *mut VmCtx,
    memory: u32,
    dst: u64,
    byte: u32,
    len: u64,
) -> Status {
    // SAFETY: see above.
    let (def, bytes, _) = unsafe { &mut instance(vmctx).memories[memory as usize] };
    let Some(to) = range(dst, len, def.len.load(Ordering::Relaxed)) else { return MEMORY };
    bytes[to].fill(byte as u8);
    Status::OK
}

unsafe extern "C" fn memory_init(
    vmctx: *mut VmCtx,
    data: u32,
    memory: u32,
    dst: u64,
    src: u32,
    len: u32,
) -> Status {
    // SAFETY: see above.
    let instance = unsafe { instance(vmctx) };
    let module = instance.interp.module().clone();
    let dropped = instance.dropped_data[data as usize];
    let content = if dropped { &[] } else { module.data_bytes(DataIdx(data)) };
    let (def, bytes, _) = &mut instance.memories[memory as usize];
    let from = range(src.into(), len.into(), content.len());
    let to = range(dst, len.into(), def.len.load(Ordering::Relaxed));
    let (Some(from), Some(to)) = (from, to) else { return MEMORY };
    bytes[to].copy_from_slice(&content[from]);
    Status::OK
}

unsafe extern "C" fn data_drop(vmctx: *mut VmCtx, data: u32) -> Status {
    // SAFETY: see above.
    unsafe { instance(vmctx).dropped_data[data as usize] = true };
    Status::OK
}

unsafe extern "C" fn table_grow(vmctx: *mut VmCtx, table: u32, init: Slot, delta: u64) -> i64 {
    // SAFETY: see above.
    let (def, slots, max) = unsafe { &mut instance(vmctx).tables[table as usize] };
    let old = def.len;
    match (old as u64).checked_add(delta) {
        Some(new) if new <= *max => {
            slots[old..new as usize].fill(init);
            def.len = new as usize;
            old as i64
        }
        _ => -1,
    }
}

unsafe extern "C" fn table_copy(
    vmctx: *mut VmCtx,
    dst_table: u32,
    src_table: u32,
    dst: u64,
    src: u64,
    len: u64,
) -> Status {
    // SAFETY: see above.
    let instance = unsafe { instance(vmctx) };
    let size = |table: u32| instance.tables[table as usize].0.len;
    let ranges = (range(src, len, size(src_table)), range(dst, len, size(dst_table)));
    let (Some(from), Some(to)) = ranges else { return TABLE };
    let values = Vec::from(&instance.tables[src_table as usize].1[from]);
    instance.tables[dst_table as usize].1[to].copy_from_slice(&values);
    Status::OK
}

unsafe extern "C" fn table_fill(
    vmctx: *mut VmCtx,
    table: u32,
    dst: u64,
    value: Slot,
    len: u64,
) -> Status {
    // SAFETY: see above.
    let (def, slots, _) = unsafe { &mut instance(vmctx).tables[table as usize] };
    let Some(to) = range(dst, len, def.len) else { return TABLE };
    slots[to].fill(value);
    Status::OK
}

unsafe extern "C" fn table_init(
    vmctx: *mut VmCtx,
    elem: u32,
    table: u32,
    dst: u64,
    src: u32,
    len: u32,
) -> Status {
    // SAFETY: see above.
    let instance = unsafe { instance(vmctx) };
    let module = instance.interp.module().clone();
    let dropped = instance.dropped_elems[ElemIdx(elem).index()];
    let values = if dropped { Vec::new() } else { instance.elements(&module, elem as usize) };
    let (def, slots, _) = &mut instance.tables[table as usize];
    let ranges = (range(src.into(), len.into(), values.len()), range(dst, len.into(), def.len));
    let (Some(from), Some(to)) = ranges else { return TABLE };
    slots[to].copy_from_slice(&values[from]);
    Status::OK
}

unsafe extern "C" fn elem_drop(vmctx: *mut VmCtx, elem: u32) -> Status {
    // SAFETY: see above.
    unsafe { instance(vmctx).dropped_elems[elem as usize] = true };
    Status::OK
}

unsafe extern "C" fn ref_func(vmctx: *mut VmCtx, func: u32) -> *const FuncRef {
    // SAFETY: see above.
    unsafe { &raw const *instance(vmctx).funcs[func as usize] }
}

/// No memory of these tests is shared: nobody can wait, and nobody waits.
unsafe extern "C" fn wait<T>(_: *mut VmCtx, _: u32, _: u64, _: T, _: i64, _: *mut Slot) -> Status {
    Status::trap(TrapCode::AtomicWaitOnUnsharedMemory)
}

unsafe extern "C" fn memory_atomic_notify(
    _: *mut VmCtx,
    _: u32,
    _: u64,
    _: u32,
    result: *mut Slot,
) -> Status {
    // SAFETY: see above.
    unsafe { *result = 0 };
    Status::OK
}

/// An epoch that does not end.
static EPOCH: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" fn epoch_reached(_: *mut VmCtx) -> Status {
    Status::trap(TrapCode::Interrupt)
}

// These tests have no heap: that code finds its objects is tested where the heap is.
const NO_HEAP: Status = Status::trap(TrapCode::HeapCorrupted);
unsafe extern "C" fn no_type(_: *mut VmCtx, _: Slot, _: u32) -> u32 {
    riser_abi::REF_TEST_FAILED
}
unsafe extern "C" fn no_object(_: *mut VmCtx, _: u32, _: *mut Slot) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_array(_: *mut VmCtx, _: u32, _: *mut Slot, _: u32) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_access(_: *mut VmCtx, _: Slot, _: u32, _: u32, _: *mut Slot) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_write(_: *mut VmCtx, _: Slot, _: u32, _: u32, _: *const Slot) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_len(_: *mut VmCtx, _: Slot, _: *mut Slot) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_fill(
    _: *mut VmCtx,
    _: Slot,
    _: u32,
    _: *const Slot,
    _: u32,
    _: u32,
) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_copy(_: *mut VmCtx, _: Slot, _: u32, _: Slot, _: u32, _: u32) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_init(_: *mut VmCtx, _: Slot, _: u32, _: u32, _: u32, _: u32) -> Status {
    NO_HEAP
}
unsafe extern "C" fn no_throw(_: *mut VmCtx, _: u32, _: *const Slot) -> Status {
    NO_HEAP
}

unsafe extern "C" fn no_throw_ref(_: *mut VmCtx, _: Slot) -> Status {
    NO_HEAP
}

unsafe extern "C" fn no_exception_tag(_: *mut VmCtx) -> *const TagDef {
    ptr::null()
}

unsafe extern "C" fn no_catch(_: *mut VmCtx, _: *mut Slot, _: *mut Slot) -> Status {
    NO_HEAP
}

/// Nothing is compiled here.
unsafe extern "C" fn no_raise(_: *mut VmCtx, status: Status) -> Status {
    status
}

unsafe extern "C" fn no_compile(_: *mut VmCtx, _: u32) -> *const u8 {
    ptr::null()
}

unsafe extern "C" fn no_subtype(_: *mut VmCtx, _: u32, _: u32) -> u32 {
    0
}

unsafe extern "C" fn no_number(_: *mut VmCtx, _: *const FuncRef) -> u32 {
    0
}

unsafe extern "C" fn no_madd(_: *mut VmCtx, _: *mut Slot) -> Status {
    Status::trap(TrapCode::Unreachable)
}

unsafe extern "C" fn no_pause(_: *mut VmCtx) -> Status {
    Status::trap(TrapCode::Unreachable)
}

unsafe extern "C" fn no_hot(_: *mut VmCtx, _: u32) -> Status {
    Status::trap(TrapCode::Unreachable)
}

unsafe extern "C" fn no_loop(_: *mut VmCtx, _: u32, _: u32, _: *const Slot, _: u32) -> *const u8 {
    core::ptr::null()
}

const BUILTINS: Builtins = Builtins {
    hot: no_hot,
    replace_loop: no_loop,
    pause: no_pause,
    f32x4_madd: no_madd,
    f64x2_madd: no_madd,
    raise: no_raise,
    compile: no_compile,
    is_subtype: no_subtype,
    number_func: no_number,
    memory_grow,
    memory_copy,
    memory_fill,
    memory_init,
    data_drop,
    memory_atomic_wait32: wait,
    memory_atomic_wait64: wait,
    memory_atomic_notify,
    table_grow,
    table_copy,
    table_fill,
    table_init,
    elem_drop,
    ref_func,
    ref_test: no_type,
    struct_new: no_object,
    struct_new_default: no_object,
    array_new: no_array,
    array_new_default: no_object,
    array_new_fixed: no_array,
    array_new_data: no_array,
    array_new_elem: no_array,
    struct_get: no_access,
    struct_set: no_write,
    array_get: no_access,
    array_set: no_write,
    array_len: no_len,
    array_fill: no_fill,
    array_copy: no_copy,
    array_init_data: no_init,
    array_init_elem: no_init,
    throw: no_throw,
    throw_ref: no_throw_ref,
    exception_tag: no_exception_tag,
    catch_exception: no_catch,
    epoch_reached,
};
