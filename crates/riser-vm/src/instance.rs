//! An instance: the block that code sees, and what stands beside it.

use crate::bits::Bits;
use crate::cell::{Global, Tag};
use crate::images::MemoryImages;
use crate::memory::Memory;
use crate::store::FuncPtr;
use crate::table::Table;
use core::any::Any;
use core::ptr::{self, NonNull};
use riser_abi::{FuncRef, GlobalCell, ImportedFunc, Slot, VmCtx, VmCtxLayout, VmRuntime};
use riser_heap::Tracer;
use riser_module::Module;
use riser_ops::{FuncIdx, GlobalIdx, MemoryIdx, TableIdx, TagIdx, TypeId};
use riser_sys::faults::allocate;
use std::alloc::{Layout, dealloc};
use std::sync::Arc;

/// The code of a module, in the way to run of its engine.
///
/// # Safety
/// The addresses must be what the engine's way to run expects in `VmCtx::code` and `FuncRef::entry`, for the
/// module that this code is of, and stay valid as long as this value lives.
pub unsafe trait ModuleCode: Send + Sync {
    /// For `VmCtx::code`.
    fn table(&self) -> *const u8;
    /// For `FuncRef::entry` of the defined function `defined`, which changes when the function has other code ([`ModuleCode::hot`]).
    fn entry(&self, defined: u32) -> *const u8;
    /// For `ImportedFunc::entry`, which never changes.
    fn import_entry(&self, defined: u32) -> *const u8 {
        self.entry(defined)
    }
    /// Makes the machine code of a function, unless it is there: its address, which stands in the table from now on.
    ///
    /// # Errors
    /// If it cannot be made; always, if this is not machine code.
    fn compile(&self, defined: u32) -> Result<*const u8, CompileFailure>;
    /// A function has spent its budget: asks for better code, which [`ModuleCode::entry`] tells when there is some.
    fn hot(&self, _defined: u32) {}
    /// The same in the loop that is the operator at byte `at`. Gives better code to go on with there, if it is made.
    fn loop_code(&self, _defined: u32, _at: u32) -> Option<*const u8> {
        None
    }
    /// Whether code of a module that has types of objects works on objects itself, rather than through builtins: then their
    /// heap lies in a reservation, where `VmRuntime::heap_base` and `VmRuntime::type_rows` say.
    fn accesses_objects(&self) -> bool {
        true
    }
    /// Itself, for those who made it and know its type.
    fn as_any(&self) -> &(dyn Any + Send + Sync);
}

/// Why there is no code.
pub type CompileFailure = Box<dyn core::error::Error + Send + Sync>;

/// What all instances of a module share.
pub struct InstanceModule {
    module: Arc<Module>,
    layout: VmCtxLayout,
    type_ids: Box<[TypeId]>,
    last_type_id: TypeId,
    code: Box<dyn ModuleCode>,
    images: MemoryImages,
}

impl InstanceModule {
    /// From a module and its code.
    pub fn new(module: Arc<Module>, code: Box<dyn ModuleCode>) -> InstanceModule {
        let layout = module.vmctx_layout();
        let type_ids: Box<[TypeId]> = module.types.iter().map(|ty| ty.id).collect();
        let last_type_id = type_ids.iter().copied().max().unwrap_or(TypeId(0));
        let images = MemoryImages::default();
        InstanceModule { module, layout, type_ids, last_type_id, code, images }
    }

    /// The module.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// The code.
    pub fn code(&self) -> &dyn ModuleCode {
        &*self.code
    }

    /// Where the arrays of its instances lie.
    pub fn layout(&self) -> &VmCtxLayout {
        &self.layout
    }

    /// What memories of its instances hold at first.
    pub(crate) fn images(&self) -> &MemoryImages {
        &self.images
    }

    /// Has images from now on.
    pub(crate) fn set_images(&mut self, images: MemoryImages) {
        self.images = images;
    }

    /// The largest id of the module's types.
    pub(crate) fn last_type_id(&self) -> TypeId {
        self.last_type_id
    }

    /// The canonical type of a function.
    pub fn func_type_id(&self, func: FuncIdx) -> TypeId {
        self.module.types[self.module.funcs[func.index()].index()].id
    }
}

impl core::fmt::Debug for InstanceModule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InstanceModule").field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// Function references are made in runs, so that an instance pays for those near the ones it uses.
const RUN: usize = 16;

type FuncRefRun = [FuncRef; RUN];

/// An instance. It owns its `VmCtx`.
#[derive(Debug)]
pub struct Instance {
    module: Arc<InstanceModule>,
    vmctx: NonNull<VmCtx>,
    index: u32,
    /// A run for every [`RUN`] defined functions, null until one of them is referred to. Empty until then.
    func_refs: Box<[*mut FuncRefRun]>,
    dropped_data: Bits,
    dropped_elems: Bits,
    /// Passive segments of expressions, evaluated, with their index. Sorted.
    elem_values: Vec<(u32, Box<[Slot]>)>,
}

// SAFETY: the blocks behind the pointers belong to this instance and are used by the thread that has its store.
unsafe impl Send for Instance {}
// SAFETY: as above; nothing is written through a shared reference.
unsafe impl Sync for Instance {}

fn block(layout: &VmCtxLayout) -> Layout {
    Layout::from_size_align(layout.size(), 16).expect("limited counts give a small block")
}

impl Instance {
    /// An instance whose arrays are still null; [`Instance::bind`] must follow at its final place. `None` if there is no
    /// memory for it.
    pub(crate) fn new(
        module: Arc<InstanceModule>,
        runtime: *mut VmRuntime,
        index: u32,
    ) -> Option<Instance> {
        let block = block(&module.layout);
        let vmctx = allocate(block, true)?.cast::<VmCtx>();
        let fixed = VmCtx {
            runtime,
            instance: ptr::null_mut(),
            code: module.code.table(),
            type_ids: module.type_ids.as_ptr(),
        };
        // SAFETY: the block begins with the fixed part and is aligned for it.
        unsafe { vmctx.write(fixed) };
        let dropped_data = Bits::new(module.module.data_len());
        let dropped_elems = Bits::new(module.module.elements.len());
        let func_refs = Box::default();
        let elem_values = Vec::new();
        Some(Instance { module, vmctx, index, func_refs, dropped_data, dropped_elems, elem_values })
    }

    /// Makes the `VmCtx` point to the instance at its final place.
    ///
    /// # Safety
    /// `this` is valid, and nobody else uses it.
    pub(crate) unsafe fn bind(this: NonNull<Instance>) {
        // SAFETY: the caller's promise; the block lives as long as the instance.
        unsafe { (*this.as_ref().vmctx.as_ptr()).instance = this.as_ptr().cast() };
    }

    /// What it shares with other instances of its module.
    pub fn module(&self) -> &Arc<InstanceModule> {
        &self.module
    }

    /// The block that code sees.
    #[inline]
    pub fn vmctx(&self) -> *mut VmCtx {
        self.vmctx.as_ptr()
    }

    /// Its position in the store.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The address of a field of the block.
    #[inline]
    fn field<T>(&self, offset: u32) -> *mut T {
        assert!(offset as usize + size_of::<T>() <= self.module.layout.size());
        // SAFETY: within the block, as just asserted.
        unsafe { self.vmctx.byte_add(offset as usize) }.as_ptr().cast()
    }

    /// The place of an imported function.
    pub(crate) fn imported_func(&self, func: FuncIdx) -> *mut ImportedFunc {
        assert!(self.module.module.is_imported(func));
        self.field(self.module.layout.imported_func(func))
    }

    pub(crate) fn memory_place(&self, memory: MemoryIdx) -> *mut *mut Memory {
        assert!(memory.index() < self.module.module.memories.len());
        self.field(self.module.layout.memory(memory))
    }

    /// Binds a memory.
    ///
    /// # Safety
    /// It is valid, and lives as long as the instance.
    pub(crate) unsafe fn bind_memory(&self, index: MemoryIdx, memory: NonNull<Memory>) {
        let base = self.field::<*mut u8>(self.module.layout.memory_base(index));
        // SAFETY: places of this instance; the rest is the caller's promise.
        unsafe {
            self.memory_place(index).write(memory.as_ptr());
            base.write(memory.as_ref().base());
        }
    }

    /// Binds a table.
    ///
    /// # Safety
    /// It is valid, and lives as long as the instance.
    pub(crate) unsafe fn bind_table(&self, index: TableIdx, table: NonNull<Table>) {
        let base = self.field::<*mut Slot>(self.module.layout.table_base(index));
        // SAFETY: places of this instance; the rest is the caller's promise.
        unsafe {
            self.table_place(index).write(table.as_ptr());
            base.write(table.as_ref().base());
        }
    }

    fn table_place(&self, table: TableIdx) -> *mut *mut Table {
        assert!(table.index() < self.module.module.tables.len());
        self.field(self.module.layout.table(table))
    }

    fn global_place(&self, global: GlobalIdx) -> *mut *mut Global {
        assert!(global.index() < self.module.module.globals.len());
        self.field(self.module.layout.global_object(global))
    }

    /// Where the value of a global is that is not imported.
    pub(crate) fn own_global(&self, global: GlobalIdx) -> NonNull<GlobalCell> {
        let place = self.module.layout.own_global(global).expect("a global that is not imported");
        NonNull::new(self.field(place)).expect("a block is not at address 0")
    }

    /// Binds a global.
    ///
    /// # Safety
    /// It is valid, and lives as long as the instance; if it is not imported, its value is where [`Instance::own_global`] says.
    pub(crate) unsafe fn bind_global(&self, index: GlobalIdx, global: NonNull<Global>) {
        let cell = self.field::<*mut GlobalCell>(self.module.layout.global(index));
        // SAFETY: places of this instance; the rest is the caller's promise.
        unsafe {
            self.global_place(index).write(global.as_ptr());
            cell.write(Global::cell(global).as_ptr());
        }
    }

    pub(crate) fn tag_place(&self, tag: TagIdx) -> *mut *mut Tag {
        assert!(tag.index() < self.module.module.tags.len());
        self.field(self.module.layout.tag(tag))
    }

    /// A memory. Null while the instance is being made.
    #[inline]
    pub(crate) fn memory(&self, memory: MemoryIdx) -> *mut Memory {
        // SAFETY: the place holds null or the address of a memory of the store.
        unsafe { *self.memory_place(memory) }
    }

    /// A table. Null while the instance is being made.
    #[inline]
    pub(crate) fn table(&self, table: TableIdx) -> *mut Table {
        // SAFETY: the place holds null or the address of a table of the store.
        unsafe { *self.table_place(table) }
    }

    /// A global. Null while the instance is being made.
    pub(crate) fn global(&self, global: GlobalIdx) -> *mut Global {
        // SAFETY: the place holds null or the address of a global of the store.
        unsafe { *self.global_place(global) }
    }

    /// A tag. Null while the instance is being made.
    pub(crate) fn tag(&self, tag: TagIdx) -> *mut Tag {
        // SAFETY: the place holds null or the address of a tag of the store.
        unsafe { *self.tag_place(tag) }
    }

    /// The reference to a function, made on first use.
    ///
    /// # Panics
    /// If the module has no such function.
    pub(crate) fn func_ref(&mut self, func: FuncIdx) -> FuncPtr {
        let module = &self.module.module;
        assert!(func.index() < module.funcs.len());
        if module.is_imported(func) {
            // SAFETY: imports are bound before anything asks for a function.
            let imported = unsafe { (*self.imported_func(func)).func_ref };
            return FuncPtr::new(imported).expect("imports are bound first");
        }
        let defined = func.0 - module.imported.funcs;
        let run = self.run(defined as usize / RUN);
        // SAFETY: a run has `RUN` references; the address is not shared as a Rust reference with anyone.
        let at = unsafe { run.cast::<FuncRef>().add(defined as usize % RUN) };
        // SAFETY: runs are initialised. A null entry marks a reference that nobody has yet.
        unsafe {
            if (*at).entry.is_null() {
                let entry = self.module.code.entry(defined);
                let type_id = self.module.func_type_id(func);
                let vmctx = self.vmctx.as_ptr();
                at.write(FuncRef { entry, vmctx, type_id, number: 0 });
            }
        }
        FuncPtr::new(at).expect("a run is not at address 0")
    }

    /// Where another instance that imports a function enters it, to which a reference leads.
    ///
    /// # Panics
    /// If the function is not one that this instance defines.
    pub(crate) fn import_entry(&self, func: FuncPtr) -> *const u8 {
        let at = func.as_ptr();
        let size = size_of::<FuncRef>();
        let offset = |run: *mut FuncRefRun| at.addr().wrapping_sub(run.addr()) / size;
        let is_in = |run: *mut FuncRefRun| !run.is_null() && offset(run) < RUN;
        let number = self.func_refs.iter().position(|&run| is_in(run));
        let number = number.expect("a reference to a function of this instance");
        // There are at most a million functions.
        self.module.code.import_entry((number * RUN + offset(self.func_refs[number])) as u32)
    }

    /// Lets those who call a function through its reference enter its code at once, now that there is some or better one.
    pub(crate) fn update_entry(&mut self, defined: u32) {
        let entry = self.module.code.entry(defined);
        let Some(&run) = self.func_refs.get(defined as usize / RUN) else { return };
        if run.is_null() {
            return;
        }
        // SAFETY: as for `func_ref`.
        unsafe {
            let at = run.cast::<FuncRef>().add(defined as usize % RUN);
            if !(*at).entry.is_null() {
                (*at).entry = entry;
            }
        }
    }

    fn run(&mut self, number: usize) -> *mut FuncRefRun {
        if self.func_refs.is_empty() {
            let runs = self.module.module.bodies.len().div_ceil(RUN);
            self.func_refs = vec![ptr::null_mut(); runs].into();
        }
        let run = &mut self.func_refs[number];
        if run.is_null() {
            const EMPTY: FuncRef = FuncRef {
                entry: ptr::null(),
                vmctx: ptr::null_mut(),
                type_id: TypeId(0),
                number: 0,
            };
            *run = Box::into_raw(Box::new([EMPTY; RUN]));
        }
        *run
    }

    /// Marks a data segment as dropped.
    pub(crate) fn drop_data(&mut self, data: u32) {
        self.dropped_data.insert(data);
    }

    /// Marks all data segments as dropped.
    pub(crate) fn drop_all_data(&mut self) {
        self.dropped_data.fill();
    }

    /// The bytes of a data segment; none if it was dropped.
    pub(crate) fn data_bytes(&self, data: u32) -> &[u8] {
        if self.dropped_data.contains(data) {
            return &[];
        }
        self.module.module.data_bytes(riser_ops::DataIdx(data))
    }

    /// Drops an element segment.
    pub(crate) fn drop_elem(&mut self, elem: u32) {
        self.dropped_elems.insert(elem);
        if let Ok(at) = self.elem_values.binary_search_by_key(&elem, |entry| entry.0) {
            self.elem_values[at].1 = Box::default();
        }
    }

    pub(crate) fn is_elem_dropped(&self, elem: u32) -> bool {
        self.dropped_elems.contains(elem)
    }

    /// Keeps the evaluated elements of a passive segment. Segments must come in order.
    pub(crate) fn keep_elem_values(&mut self, elem: u32, values: Box<[Slot]>) {
        debug_assert!(self.elem_values.last().is_none_or(|last| last.0 < elem));
        self.elem_values.push((elem, values));
    }

    /// Gives the evaluated elements to the collector.
    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        for (elem, values) in &mut self.elem_values {
            let segment = &self.module.module.elements[*elem as usize];
            if segment.ty.val_type().is_heap_reference() {
                values.iter_mut().for_each(|value| tracer.visit_slot(value));
            }
        }
    }

    /// The evaluated elements of a segment of expressions; none if it was dropped, or only declares.
    pub(crate) fn elem_values(&self, elem: u32) -> &[Slot] {
        let at = self.elem_values.binary_search_by_key(&elem, |entry| entry.0);
        at.map_or(&[], |at| &self.elem_values[at].1)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for run in self.func_refs.iter().filter(|run| !run.is_null()) {
            // SAFETY: made by `run` from a box, and function references die with their store.
            drop(unsafe { Box::from_raw(*run) });
        }
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.vmctx.as_ptr().cast(), block(&self.module.layout)) };
    }
}
