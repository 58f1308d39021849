//! A store: everything that instances refer to, at addresses that do not change.
//!
//! Methods that take `&self` or `&mut self` are for the host, while no code of the store runs or while it
//! waits in a host call. Code itself, and what it calls (`builtins.rs`), goes through raw pointers.

use crate::arena::Arena;
use crate::builtins::BUILTINS;
use crate::cell::{Global, GlobalPlace, Tag};
use crate::compiled::{COMPILED_BUILTINS, CodeFrame, CodeSamples, EpochWatch};
use crate::const_expr::Waiting;
use crate::heap_memory::{HeapBytes, NO_FUNCS, TypeRows};
use crate::host::{HostEntryPoint, HostFunc, HostTrampoline, no_trampoline};
use crate::instance::Instance;
use crate::interrupt::Interrupter;
use crate::memory::{Memory, SharedMemory};
use crate::roots::HostRoots;
use crate::table::Table;
use core::any::Any;
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use riser_abi::{Builtins, FuncRef, GlobalCell, HostCall, Slot, Status, TagDef, VmCtx, VmRuntime};
use riser_heap::{HeapLimits, HeapRef};
use riser_module::{EntityIdx, GlobalType, MemoryType, TableType};
use riser_ops::{FuncIdx, TrapCode, TypeId};
use riser_sys::{MachineStack, MemoryImage, OutOfMemory, SlotStack};
use std::collections::HashMap;
use std::sync::Arc;

/// Declares ids: positions in a store's arenas.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The position in the store.
            pub fn index(self) -> u32 { self.0 }
        }
    )*};
}

ids! {
    /// A memory of a store.
    MemoryId;
    /// A table of a store.
    TableId;
    /// A global of a store.
    GlobalId;
    /// A tag of a store.
    TagId;
    /// An instance of a store.
    InstanceId;
}

impl TagId {
    pub(crate) fn of(tag: &Tag) -> TagId {
        TagId(tag.index)
    }
}

impl InstanceId {
    pub(crate) fn of(instance: &Instance) -> InstanceId {
        InstanceId(instance.index())
    }
}

/// A function of a store: the address of its [`FuncRef`], which lives as long as the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct FuncPtr(NonNull<FuncRef>);

// SAFETY: an address; using it takes the store.
unsafe impl Send for FuncPtr {}
// SAFETY: as above.
unsafe impl Sync for FuncPtr {}

impl FuncPtr {
    /// The function at an address; `None` for null.
    #[inline]
    pub fn new(at: *const FuncRef) -> Option<FuncPtr> {
        NonNull::new(at.cast_mut()).map(FuncPtr)
    }

    /// The function in a slot; `None` for null.
    #[inline]
    pub fn from_slot(slot: Slot) -> Option<FuncPtr> {
        FuncPtr::new(ptr::with_exposed_provenance(slot as usize))
    }

    /// As it stands in a slot.
    #[inline]
    pub fn to_slot(self) -> Slot {
        self.0.as_ptr().expose_provenance() as Slot
    }

    /// The address.
    #[inline]
    pub fn as_ptr(self) -> *const FuncRef {
        self.0.as_ptr()
    }

    /// The function's canonical type.
    ///
    /// # Safety
    /// The function's store lives.
    #[inline]
    pub unsafe fn type_id(self) -> TypeId {
        // SAFETY: the caller's promise.
        unsafe { (*self.0.as_ptr()).type_id }
    }

    /// The instance it belongs to; `None` for host functions.
    ///
    /// # Safety
    /// The function's store lives.
    pub unsafe fn instance(self) -> Option<InstanceId> {
        // SAFETY: the caller's promise.
        unsafe { instance_of((*self.0.as_ptr()).vmctx) }
    }
}

/// The instance behind a `VmCtx`; `None` for null and for that of a host function.
///
/// # Safety
/// The store that the `VmCtx` belongs to lives.
#[inline]
pub unsafe fn instance_of(vmctx: *const VmCtx) -> Option<InstanceId> {
    if vmctx.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; the field is null or the address of an instance of the store.
    let instance = unsafe { NonNull::new((*vmctx).instance.cast::<Instance>())? };
    // SAFETY: as above.
    Some(InstanceId::of(unsafe { instance.as_ref() }))
}

/// Something that can be imported and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A function.
    Func(FuncPtr),
    /// A table.
    Table(TableId),
    /// A memory.
    Memory(MemoryId),
    /// A global.
    Global(GlobalId),
    /// A tag.
    Tag(TagId),
}

/// Whether something may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// It may.
    Allowed,
    /// It may not: the operator gives -1.
    Refused,
    /// It may not, and execution ends: the hook kept the error.
    Failed,
}

/// Why something did not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowError {
    /// The type, a limit or the system refused it.
    Refused,
    /// A hook failed, and kept the error.
    Failed,
}

/// Something that can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growable {
    /// A memory; its sizes are in bytes.
    Memory,
    /// A table; its sizes are in elements.
    Table,
}

/// What is asked before a memory or a table is made or grows, and told when growing fails all the same. Installed
/// by the embedding API, which knows the limits.
#[derive(Clone, Copy, Debug)]
pub struct GrowHooks {
    /// Before something grows: current size, wanted size (at least; a size that cannot be is the largest number), the
    /// largest that its type allows.
    pub growing: unsafe fn(*mut VmStore, Growable, usize, usize, Option<usize>) -> Growth,
    /// After growing was allowed, but the type or the system refused it: whether execution goes on
    /// (`Refused`) or not.
    pub failed: unsafe fn(*mut VmStore, Growable, Option<OutOfMemory>) -> Growth,
}

unsafe fn always(_: *mut VmStore, _: Growable, _: usize, _: usize, _: Option<usize>) -> Growth {
    Growth::Allowed
}

unsafe fn go_on(_: *mut VmStore, _: Growable, _: Option<OutOfMemory>) -> Growth {
    Growth::Refused
}

impl Default for GrowHooks {
    fn default() -> GrowHooks {
        GrowHooks { growing: always, failed: go_on }
    }
}

/// A function that gives the references in frames to another one.
pub type TraceFrames = unsafe fn(*mut VmStore, &mut dyn FnMut(*mut u32));

/// For stores in which no code runs.
unsafe fn no_frames(_: *mut VmStore, _: &mut dyn FnMut(*mut u32)) {}

/// A memory as a store has it.
#[derive(Debug)]
enum StoreMemory {
    Own(Memory),
    /// One that other stores may have as well.
    Shared(Arc<SharedMemory>),
}

/// The epoch of stores that were given none.
static NO_EPOCH: AtomicU64 = AtomicU64::new(0);

/// Ends execution.
///
/// # Safety
/// None are needed; hooks are unsafe functions.
pub unsafe fn interrupt(_: *mut VmStore) -> Status {
    Status::trap(TrapCode::Interrupt)
}

/// The heap of a store. It uses the store's block, and never leaves the store.
pub type Heap = riser_heap::Heap<HeapBytes>;

/// See the module's documentation. Code finds it through `VmRuntime::store`.
#[derive(Debug)]
pub struct VmStore {
    runtime: NonNull<VmRuntime>,
    memories: Arena<StoreMemory>,
    /// The position of each shared memory, by address.
    shared: HashMap<*const Memory, u32>,
    pub(crate) tables: Arena<Table>,
    pub(crate) globals: Arena<Global>,
    pub(crate) tags: Arena<Tag>,
    pub(crate) instances: Arena<Instance>,
    hosts: Arena<HostFunc>,
    /// What references other than functions refer to. Its limit is what the hooks have allowed so far.
    pub heap: Heap,
    /// What code knows of the types of objects, in stores whose code works on objects itself.
    pub(crate) type_rows: Option<TypeRows>,
    /// The exception that is under way: between functions, or until the host takes it.
    pub pending_exception: Option<HeapRef>,
    /// The slots of a frame on their way to better code: see `VmRuntime::replacement`.
    pub replacement: Vec<Slot>,
    /// Who is asked before something grows.
    pub hooks: GrowHooks,
    /// Handles of the host.
    pub roots: HostRoots,
    /// Values of constant expressions that are being evaluated.
    pub(crate) evaluating: Vec<Waiting>,
    /// Gives the slots of all active frames that hold references into the heap, each once.
    pub trace_frames: TraceFrames,
    /// What happens when the epoch has reached the deadline: whether execution goes on.
    pub(crate) on_deadline: unsafe fn(*mut VmStore) -> Status,
    interrupter: Option<Interrupter>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
    /// Used by code, through its address. Taken when the store is about to go.
    stack: Option<StoreStack>,
    /// How compiled code ended last, if not well.
    pub(crate) raised: Status,
    /// The frames that were active then, innermost first.
    pub raised_frames: Vec<CodeFrame>,
    /// How many of them are wanted.
    pub frames_max: usize,
    /// Whether memories have guards, which compiled code relies on (see [`riser_abi::is_guarded`]).
    pub guards: bool,
    /// Who tells when the epoch reaches the deadline, if compiled code is to be interrupted then.
    pub(crate) watch: Option<Arc<EpochWatch>>,
    /// Who looks where the store's code is.
    pub(crate) samples: Option<Arc<CodeSamples>>,
    /// Code waits between two instructions, and may have read any address: nothing may move. The heap is frozen then.
    pub(crate) suspended: bool,
    /// Makes trampolines to host functions.
    pub host_trampoline: HostTrampoline,
    /// Why a function could not be compiled.
    pub compile_error: Option<Box<dyn core::error::Error + Send + Sync>>,
    /// The entry trampolines that were used, by canonical type.
    pub entries: Vec<*const u8>,
}

/// A stack for the frames of guests.
#[derive(Debug)]
pub enum StoreStack {
    /// For the interpreter.
    Slots(SlotStack),
    /// For compiled code.
    Machine(MachineStack),
}

// SAFETY: all that the pointers lead to belongs to the store, and is used by the thread that has the store.
unsafe impl Send for VmStore {}
// SAFETY: a shared store can only be read.
unsafe impl Sync for VmStore {}

impl VmStore {
    /// An empty store with a stack for Wasm frames, whose content does not matter. Which kind of stack it is decides
    /// how its code is run.
    pub fn new(stack: StoreStack) -> VmStore {
        let (stack_base, slots, limit, builtins): (_, _, _, &'static Builtins) = match &stack {
            StoreStack::Slots(stack) => (stack.base(), stack.slots(), 0, &BUILTINS),
            StoreStack::Machine(stack) => {
                let base = stack.base();
                let slots = (stack.top().addr() - base.addr()) / size_of::<Slot>();
                (base.cast(), slots, stack.limit().addr(), &COMPILED_BUILTINS)
            }
        };
        let mut runtime = VmRuntime::new(builtins, &raw const NO_EPOCH);
        runtime.stack_base = stack_base;
        runtime.stack_end = stack_base.wrapping_add(slots);
        runtime.stack_top = stack_base;
        runtime.stack_limit = AtomicUsize::new(limit);
        runtime.funcs = NO_FUNCS.as_ptr();
        runtime.func_count = NO_FUNCS.len() as u64;
        let runtime = NonNull::from(Box::leak(Box::new(runtime)));
        // SAFETY: the block lives until the store is dropped.
        let heap_bytes = unsafe { HeapBytes::new(runtime) };
        VmStore {
            runtime,
            memories: Arena::new(),
            shared: HashMap::new(),
            tables: Arena::new(),
            globals: Arena::new(),
            tags: Arena::new(),
            instances: Arena::new(),
            hosts: Arena::new(),
            heap: Heap::with_memory(heap_bytes, HeapLimits { bytes_max: 0, ..HeapLimits::DEFAULT }),
            type_rows: None,
            roots: HostRoots::default(),
            evaluating: Vec::new(),
            trace_frames: no_frames,
            pending_exception: None,
            replacement: Vec::new(),
            hooks: GrowHooks::default(),
            on_deadline: interrupt,
            interrupter: None,
            kept: Vec::new(),
            stack: Some(stack),
            raised: Status::OK,
            raised_frames: Vec::new(),
            frames_max: 0,
            guards: false,
            watch: None,
            samples: None,
            suspended: false,
            host_trampoline: no_trampoline,
            compile_error: None,
            entries: Vec::new(),
        }
    }

    /// Takes the stack away, for use by another store. No code can be called afterwards: a call finds the stack
    /// exhausted.
    pub fn take_stack(&mut self) -> Option<StoreStack> {
        let runtime = self.runtime();
        // SAFETY: the store is borrowed exclusively, so no code runs, and the block is the store's.
        unsafe {
            (*runtime).stack_top = (*runtime).stack_base;
            (*runtime).stack_end = (*runtime).stack_base;
            (*runtime).stack_limit.store(usize::MAX, Ordering::Relaxed);
        }
        self.stack.take()
    }

    /// The block that code sees.
    #[inline]
    pub fn runtime(&self) -> *mut VmRuntime {
        self.runtime.as_ptr()
    }

    /// Fuel that is left.
    pub fn fuel(&self) -> u64 {
        // SAFETY: the block is the store's, and no code runs while the host looks.
        unsafe { (*self.runtime()).fuel }
    }

    /// Sets the fuel that is left.
    pub fn set_fuel(&mut self, fuel: u64) {
        // SAFETY: as for `fuel`.
        unsafe { (*self.runtime()).fuel = fuel };
    }

    /// Says which epoch the store's code watches.
    ///
    /// # Safety
    /// `epoch` outlives all execution in the store.
    pub unsafe fn watch_epoch(&mut self, epoch: *const AtomicU64) {
        // SAFETY: as for `fuel`.
        unsafe { (*self.runtime()).epoch = epoch };
    }

    /// Lets compiled code be interrupted when the epoch reaches the deadline, as `watch` will tell.
    pub fn watch_with(&mut self, watch: Arc<EpochWatch>) {
        // SAFETY: the block lives until the store is dropped, which takes it off the list.
        unsafe { watch.add(self.runtime) };
        self.watch = Some(watch);
        self.mark();
    }

    /// Lets somebody look where the store's code is.
    pub fn sample_with(&mut self, samples: Arc<CodeSamples>) {
        // SAFETY: as in `watch_with`.
        unsafe { samples.add(self.runtime) };
        self.samples = Some(samples);
    }

    /// What ends the store's execution from another thread. Execution in a loop ends only if code watches the epoch.
    pub fn interrupter(&mut self) -> Interrupter {
        let runtime = self.runtime;
        // SAFETY: the block lives until the store is dropped, which detaches.
        let new = || unsafe { Interrupter::new(runtime) };
        self.interrupter.get_or_insert_with(new).clone()
    }

    /// What ends the store's execution, if anybody asked for it.
    pub(crate) fn given_interrupter(&self) -> Option<&Interrupter> {
        self.interrupter.as_ref()
    }

    /// Whether the store is to execute nothing more.
    pub fn is_interrupted(&self) -> bool {
        self.interrupter.as_ref().is_some_and(Interrupter::is_interrupted)
    }

    /// Keeps something alive as long as the store: types that its objects refer to.
    pub fn keep(&mut self, what: Box<dyn Any + Send + Sync>) {
        self.kept.push(what);
    }

    /// Makes a host function.
    ///
    /// # Safety
    /// `entry` is one of the engine's way to run that fits `type_id`, leads to `call`, and stays valid as long as `owner`
    /// or the engine lives, and so does `data`, which `call` is prepared to find.
    pub unsafe fn new_host_func(
        &mut self,
        entry: HostEntryPoint,
        type_id: TypeId,
        call: HostCall,
        data: *const c_void,
        owner: Arc<dyn Any + Send + Sync>,
    ) -> Option<FuncPtr> {
        let runtime = self.runtime();
        let (entry, trampoline) = match entry {
            HostEntryPoint::Interp(entry) => (entry, ptr::null()),
            HostEntryPoint::Compiled(stubs) => (stubs.through_table(0), stubs.lazy(0)),
        };
        let func_ref = FuncRef { entry, vmctx: ptr::null_mut(), type_id, number: 0 };
        let make = |_| HostFunc::new(runtime, func_ref, call, trampoline, data, owner);
        let host = self.hosts.push(make)?;
        // SAFETY: just made, at its final place.
        FuncPtr::new(unsafe { HostFunc::bind(host.as_ptr()) })
    }

    /// Makes a memory.
    pub fn new_memory(&mut self, ty: MemoryType) -> Result<MemoryId, OutOfMemory> {
        if ty.shared {
            return self.add_shared_memory(Arc::new(SharedMemory::new(ty, self.guards)?));
        }
        self.new_memory_showing(ty, None)
    }

    /// Makes a memory that may show an image. A shared one cannot.
    pub(crate) fn new_memory_showing(
        &mut self,
        ty: MemoryType,
        image: Option<&Arc<MemoryImage>>,
    ) -> Result<MemoryId, OutOfMemory> {
        let index = self.memories.len() as u32;
        let memory = StoreMemory::Own(Memory::showing(ty, index, self.guards, image)?);
        self.memories
            .try_push(|_| Some(memory))
            .ok_or(OutOfMemory { bytes: size_of::<Memory>() })?;
        Ok(MemoryId(index))
    }

    /// Makes a shared memory one of this store's. Doing that again gives the same id.
    pub fn add_shared_memory(
        &mut self,
        memory: Arc<SharedMemory>,
    ) -> Result<MemoryId, OutOfMemory> {
        let address = core::ptr::from_ref(memory.memory());
        if let Some(&index) = self.shared.get(&address) {
            return Ok(MemoryId(index));
        }
        let index = self.memories.len() as u32;
        let memory = StoreMemory::Shared(memory);
        self.memories
            .try_push(|_| Some(memory))
            .ok_or(OutOfMemory { bytes: size_of::<Memory>() })?;
        self.shared.insert(address, index);
        Ok(MemoryId(index))
    }

    /// A memory that other stores can have as well; `None` if it is not shared.
    pub fn shared_memory(&self, id: MemoryId) -> Option<Arc<SharedMemory>> {
        // SAFETY: as for `memory`.
        match unsafe { self.memories.get(id.0).expect("an id of this store").as_ref() } {
            StoreMemory::Own(_) => None,
            StoreMemory::Shared(memory) => Some(memory.clone()),
        }
    }

    /// Where a memory is: in the arena, or, if it is shared, where all its stores find it. A shared memory must not be
    /// borrowed exclusively there.
    pub(crate) fn memory_address(&self, id: MemoryId) -> Option<NonNull<Memory>> {
        let memory = self.memories.get(id.0)?.as_ptr();
        // SAFETY: elements are initialised and live as long as the arena.
        unsafe {
            match &mut *memory {
                StoreMemory::Own(memory) => Some(NonNull::from(memory)),
                StoreMemory::Shared(memory) => Some(NonNull::from(memory.memory())),
            }
        }
    }

    /// Makes a table.
    ///
    /// # Safety
    /// `init` is a reference of the table's element type.
    pub unsafe fn new_table(&mut self, ty: TableType, init: Slot) -> Result<TableId, OutOfMemory> {
        let index = self.tables.len() as u32;
        let table = Table::new(ty, init, index)?;
        self.tables.try_push(|_| Some(table)).ok_or(OutOfMemory { bytes: size_of::<Table>() })?;
        Ok(TableId(index))
    }

    /// Makes a global of the host's.
    ///
    /// # Safety
    /// `cell` holds a value of the global's type.
    pub unsafe fn new_host_global(&mut self, ty: GlobalType, cell: GlobalCell) -> Option<GlobalId> {
        // SAFETY: the caller's promise.
        unsafe { self.new_global(ty, GlobalPlace::Here(cell.into())) }
    }

    /// Makes a global.
    ///
    /// # Safety
    /// At its place is a value of the global's type, from now on and as long as the store lives.
    pub(crate) unsafe fn new_global(
        &mut self,
        ty: GlobalType,
        place: GlobalPlace,
    ) -> Option<GlobalId> {
        let global = self.globals.try_push(|index| Some(Global { place, ty, index }))?;
        // SAFETY: just made.
        Some(GlobalId(unsafe { global.as_ref() }.index))
    }

    /// Makes a tag. Its type must be kept alive.
    pub fn new_tag(&mut self, type_id: TypeId) -> Option<TagId> {
        let tag = self.tags.try_push(|index| Some(Tag { def: TagDef { type_id }, index }))?;
        // SAFETY: just made.
        Some(TagId(unsafe { tag.as_ref() }.index))
    }

    /// The memory behind an id.
    ///
    /// # Panics
    /// If the id is of another store and there is no such memory here; the same for the other kinds.
    #[inline]
    pub fn memory(&self, id: MemoryId) -> &Memory {
        // SAFETY: elements are initialised and live as long as the arena; no code runs while the host looks.
        unsafe { self.memory_address(id).expect("an id of this store").as_ref() }
    }

    /// The table behind an id.
    pub fn table(&self, id: TableId) -> &Table {
        // SAFETY: as for memories.
        unsafe { self.tables.get(id.0).expect("an id of this store").as_ref() }
    }

    /// The global behind an id.
    pub fn global(&self, id: GlobalId) -> &Global {
        // SAFETY: as for memories.
        unsafe { self.globals.get(id.0).expect("an id of this store").as_ref() }
    }

    /// The tag behind an id.
    pub fn tag(&self, id: TagId) -> &Tag {
        // SAFETY: as for memories.
        unsafe { self.tags.get(id.0).expect("an id of this store").as_ref() }
    }

    /// The tag at a position.
    pub(crate) fn tag_at(&self, index: u32) -> Option<TagId> {
        self.tags.get(index).map(|_| TagId(index))
    }

    /// The instance behind an id.
    pub fn instance(&self, id: InstanceId) -> &Instance {
        // SAFETY: as for memories.
        unsafe { self.instances.get(id.0).expect("an id of this store").as_ref() }
    }

    /// How many instances there are.
    pub fn instance_count(&self) -> usize {
        self.instances.len()
    }

    /// How many memories there are.
    pub fn memory_count(&self) -> usize {
        self.memories.len()
    }

    /// How many tables there are.
    pub fn table_count(&self) -> usize {
        self.tables.len()
    }

    /// The content of a memory that is not shared.
    #[inline]
    pub fn memory_data(&self, id: MemoryId) -> &[u8] {
        let memory = self.memory(id);
        assert!(!memory.is_shared(), "other threads may write a shared memory");
        // SAFETY: `base` and `len` describe the memory, which no other thread has and which does not change while the store is borrowed.
        unsafe { core::slice::from_raw_parts(memory.base(), memory.len()) }
    }

    /// The content of a memory that is not shared.
    #[inline]
    pub fn memory_data_mut(&mut self, id: MemoryId) -> &mut [u8] {
        let memory = self.memory(id);
        assert!(!memory.is_shared(), "other threads may use a shared memory");
        // SAFETY: as for `memory_data`, and the store is borrowed exclusively.
        unsafe { core::slice::from_raw_parts_mut(memory.base(), memory.len()) }
    }

    /// Writes an element of a table. `false` if there is no such element.
    ///
    /// # Safety
    /// `value` is a reference of the table's element type.
    pub unsafe fn table_set(&mut self, id: TableId, at: u64, value: Slot) -> bool {
        // SAFETY: the store is borrowed exclusively, and no code runs.
        let table = unsafe { self.tables.get(id.0).expect("an id of this store").as_mut() };
        let range = table.range(at, 1);
        range.is_some_and(|range| {
            table.fill(range, value);
            true
        })
    }

    /// Writes a range of a table. `false` if it is not all there.
    ///
    /// # Safety
    /// `value` is a reference of the table's element type.
    pub unsafe fn table_fill(&mut self, id: TableId, at: u64, value: Slot, len: u64) -> bool {
        // SAFETY: the store is borrowed exclusively, and no code runs.
        let table = unsafe { self.tables.get(id.0).expect("an id of this store").as_mut() };
        table.range(at, len).is_some_and(|range| {
            table.fill(range, value);
            true
        })
    }

    /// Copies between tables. `false` if a range is not all there.
    ///
    /// # Safety
    /// Elements of `src` are references of the element type of `dst`.
    pub unsafe fn table_copy(
        &mut self,
        (dst, dst_at): (TableId, u64),
        (src, src_at): (TableId, u64),
        len: u64,
    ) -> bool {
        let tables = (self.tables.get(dst.0), self.tables.get(src.0));
        let (Some(dst), Some(src)) = tables else { return false };
        // SAFETY: both are tables of this store, which is borrowed exclusively.
        unsafe { copy_elements((dst.as_ptr(), dst_at), (src.as_ptr(), src_at), len) }
    }

    /// The value of a global.
    pub fn global_get(&self, id: GlobalId) -> GlobalCell {
        let global = self.globals.get(id.0).expect("an id of this store");
        // SAFETY: a global of this store, in which no code runs while the host looks.
        unsafe { Global::cell(global).read() }
    }

    /// Writes a global.
    ///
    /// # Safety
    /// The global is mutable, and `cell` holds a value of its type.
    pub unsafe fn global_set(&mut self, id: GlobalId, cell: GlobalCell) {
        let global = self.globals.get(id.0).expect("an id of this store");
        // SAFETY: the store is borrowed exclusively, and no code runs.
        unsafe { Global::cell(global).write(cell) };
    }

    /// What an item of an instance's index spaces is.
    ///
    /// # Panics
    /// If the module has no such item.
    pub fn entity(&mut self, instance: InstanceId, item: EntityIdx) -> Entity {
        let at = self.instances.get(instance.0).expect("an id of this store").as_ptr();
        // SAFETY: the store is borrowed exclusively; places of a finished instance hold addresses of its objects.
        unsafe {
            match item {
                EntityIdx::Func(func) => Entity::Func((*at).func_ref(func)),
                EntityIdx::Table(i) => Entity::Table(TableId((*(*at).table(i)).index())),
                EntityIdx::Memory(i) => {
                    let memory: *const Memory = (*at).memory(i);
                    let index = (*memory).index().or_else(|| self.shared.get(&memory).copied());
                    Entity::Memory(MemoryId(index.expect("an instance's memories are its store's")))
                }
                EntityIdx::Global(i) => Entity::Global(GlobalId((*(*at).global(i)).index())),
                EntityIdx::Tag(i) => Entity::Tag(TagId((*(*at).tag(i)).index())),
            }
        }
    }

    /// The reference to a function of an instance, made on first use.
    pub fn func(&mut self, instance: InstanceId, func: FuncIdx) -> FuncPtr {
        let at = self.instances.get(instance.0).expect("an id of this store").as_ptr();
        // SAFETY: the store is borrowed exclusively.
        unsafe { (*at).func_ref(func) }
    }
}

impl Drop for VmStore {
    fn drop(&mut self) {
        if let Some(interrupter) = &self.interrupter {
            interrupter.detach();
        }
        if let Some(watch) = &self.watch {
            watch.remove(self.runtime);
        }
        if let Some(samples) = &self.samples {
            samples.remove(self.runtime);
        }
        // SAFETY: leaked by `new`, and no code runs any more; nobody else has the address.
        drop(unsafe { Box::from_raw(self.runtime.as_ptr()) });
    }
}

/// Copies elements between two tables, or within one. `false` if a range is not all there.
///
/// # Safety
/// Both are valid, and elements of `src` are references of the element type of `dst`.
pub(crate) unsafe fn copy_elements(
    (dst, dst_at): (*mut Table, u64),
    (src, src_at): (*mut Table, u64),
    len: u64,
) -> bool {
    // SAFETY: the caller's promise; the two may be the same table, hence no references that live on.
    unsafe {
        let (Some(to), Some(from)) = ((*dst).range(dst_at, len), (*src).range(src_at, len)) else {
            return false;
        };
        let (to, source) = ((*dst).base().add(to.start), (*src).base().add(from.start));
        to.copy_from(source, from.len());
    }
    true
}

impl GrowHooks {
    /// Asks for permission.
    ///
    /// # Safety
    /// `store` is the address of a store that is not borrowed otherwise, and what the hooks expect.
    pub(crate) unsafe fn ask(
        store: *mut VmStore,
        what: Growable,
        now: usize,
        wanted: usize,
        max: Option<usize>,
    ) -> Result<(), GrowError> {
        // SAFETY: the caller's promise. The hook gets the store itself, so nothing of it is borrowed meanwhile.
        match unsafe { ((*store).hooks.growing)(store, what, now, wanted, max) } {
            Growth::Allowed => Ok(()),
            Growth::Refused => Err(GrowError::Refused),
            Growth::Failed => Err(GrowError::Failed),
        }
    }

    /// Tells that growing failed although it was allowed.
    ///
    /// # Safety
    /// As for [`GrowHooks::ask`].
    unsafe fn tell(store: *mut VmStore, what: Growable, why: Option<OutOfMemory>) -> GrowError {
        // SAFETY: as for `ask`.
        match unsafe { ((*store).hooks.failed)(store, what, why) } {
            Growth::Failed => GrowError::Failed,
            Growth::Allowed | Growth::Refused => GrowError::Refused,
        }
    }
}

/// Grows a memory as far as its type, the store's limits and the system allow: the old size in pages.
///
/// # Safety
/// `store` is the address of a store that is not borrowed otherwise, `memory` that of one of its memories.
pub(crate) unsafe fn grow_memory(
    store: *mut VmStore,
    memory: *mut Memory,
    delta: u64,
) -> Result<u64, GrowError> {
    // SAFETY: the caller's promise. Nothing of the store is borrowed while a hook is asked.
    unsafe {
        let ask = |now, wanted, max| GrowHooks::ask(store, Growable::Memory, now, wanted, max);
        let tell = |why| GrowHooks::tell(store, Growable::Memory, why);
        if (*memory).is_shared() {
            return (*memory).grow_shared(delta, ask, tell);
        }
        let (old, len, max) = ((*memory).pages(), (*memory).grown(delta), (*memory).max_bytes());
        if delta > 0 {
            ask((*memory).len(), len.unwrap_or((*memory).wanted(delta)), max)?;
        }
        let Some(len) = len.filter(|&len| !(*store).suspended || (*memory).stays(len)) else {
            return Err(tell(None));
        };
        match (*memory).grow_to(len) {
            Ok(()) => Ok(old),
            Err(error) => Err(tell(Some(error))),
        }
    }
}

/// Grows a table as far as its type, the store's limits and the system allow: the old size.
///
/// # Safety
/// As for memories; and `init` is a reference of the table's element type.
pub(crate) unsafe fn grow_table(
    store: *mut VmStore,
    table: *mut Table,
    delta: u64,
    init: Slot,
) -> Result<u64, GrowError> {
    // SAFETY: as for memories.
    unsafe {
        let (old, len) = ((*table).len(), (*table).grown(delta));
        let len = len.filter(|&len| !(*store).suspended || len == old);
        let max = (*table).ty().limits.max.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
        if delta > 0 {
            let wanted = usize::try_from((old as u64).saturating_add(delta));
            let wanted = wanted.unwrap_or(usize::MAX);
            GrowHooks::ask(store, Growable::Table, old, wanted, max)?;
        }
        let Some(len) = len else { return Err(GrowHooks::tell(store, Growable::Table, None)) };
        match (*table).grow_to(len, init) {
            Ok(()) => Ok(old as u64),
            Err(error) => Err(GrowHooks::tell(store, Growable::Table, Some(error))),
        }
    }
}

impl VmStore {
    /// Grows a memory by `delta` pages as far as its type, the limits and the system allow: the old size.
    ///
    /// # Safety
    /// `this` is the address of a store that is not borrowed otherwise, and what the grow hooks expect.
    pub unsafe fn memory_grow(
        this: *mut VmStore,
        id: MemoryId,
        delta: u64,
    ) -> Result<u64, GrowError> {
        // SAFETY: the caller's promise.
        unsafe {
            let memory = (*this).memory_address(id).ok_or(GrowError::Refused)?;
            grow_memory(this, memory.as_ptr(), delta)
        }
    }

    /// Grows a table by `delta` elements that start as `init`: the old size.
    ///
    /// # Safety
    /// As for memories; and `init` is a reference of the table's element type.
    pub unsafe fn table_grow(
        this: *mut VmStore,
        id: TableId,
        delta: u64,
        init: Slot,
    ) -> Result<u64, GrowError> {
        // SAFETY: the caller's promise.
        unsafe {
            let table = (*this).tables.get(id.0).ok_or(GrowError::Refused)?;
            grow_table(this, table.as_ptr(), delta, init)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use riser_module::Limits;
    use riser_ops::RefType;

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    /// Allows growing to at most 128 KiB, or 128 Ki elements.
    unsafe fn limit(
        store: *mut VmStore,
        _: Growable,
        now: usize,
        wanted: usize,
        max: Option<usize>,
    ) -> Growth {
        // SAFETY: the store is not borrowed while its hooks are asked.
        assert!(unsafe { (*store).memories.len() + (*store).tables.len() } > 0);
        assert!(now < wanted && max.is_none());
        ASKED.fetch_add(1, Ordering::Relaxed);
        if wanted <= 128 << 10 { Growth::Allowed } else { Growth::Refused }
    }

    /// Lets the type or the system refuse, but not silently.
    unsafe fn fail(_: *mut VmStore, _: Growable, _: Option<OutOfMemory>) -> Growth {
        Growth::Failed
    }

    #[test]
    fn growing_asks_and_obeys_the_hooks() {
        let mut store = VmStore::new(StoreStack::Slots(SlotStack::new(4096).unwrap()));
        store.hooks = GrowHooks { growing: limit, failed: fail };
        let limits = Limits { min: 1, max: None };
        let ty = MemoryType { limits, memory64: false, shared: false, page_size_log2: 16 };
        let memory = store.new_memory(ty).unwrap();
        let ty = TableType { element: RefType::FUNCREF, limits, table64: false, shared: false };
        // SAFETY: null is a reference of the element type.
        let table = unsafe { store.new_table(ty, 0).unwrap() };
        let this = &raw mut store;
        // SAFETY: the store is not borrowed otherwise, and null is a reference of the element type.
        let results = unsafe {
            [
                VmStore::memory_grow(this, memory, 1),
                VmStore::memory_grow(this, memory, 1),
                VmStore::memory_grow(this, memory, 0),
                VmStore::table_grow(this, table, 99, 0),
                VmStore::table_grow(this, table, 128 << 10, 0),
            ]
        };
        let refused = Err(GrowError::Refused);
        assert_eq!(results, [Ok(1), refused, Ok(2), Ok(1), refused]);
        assert_eq!(store.memory(memory).pages(), 2);
        assert_eq!(store.table(table).len(), 100);
        // Growing by nothing needs no permission.
        assert_eq!(ASKED.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn hooks_hear_of_failures() {
        let mut store = VmStore::new(StoreStack::Slots(SlotStack::new(4096).unwrap()));
        store.hooks.failed = fail;
        let limits = Limits { min: 1, max: Some(1) };
        let ty = MemoryType { limits, memory64: false, shared: false, page_size_log2: 16 };
        let memory = store.new_memory(ty).unwrap();
        let this = &raw mut store;
        // SAFETY: the store is not borrowed otherwise.
        assert_eq!(unsafe { VmStore::memory_grow(this, memory, 1) }, Err(GrowError::Failed));
        // SAFETY: as above.
        assert_eq!(unsafe { VmStore::memory_grow(this, memory, u64::MAX) }, Err(GrowError::Failed));
    }

    #[test]
    fn ids_of_nothing_panic() {
        let store = VmStore::new(StoreStack::Slots(SlotStack::new(4096).unwrap()));
        let lookup = || store.memory(MemoryId(0)).len();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(lookup)).is_err());
    }
}
