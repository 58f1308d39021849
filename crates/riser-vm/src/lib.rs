//! What exists while a program runs: instances, memories, tables, globals, tags, host functions.
//!
//! A [`VmStore`] owns all of it and gives out small ids; the addresses behind them never change, because code
//! holds them (`arena.rs`). `store.rs` is the place to begin; `instance.rs` lays out a `VmCtx`,
//! `instantiate.rs` makes instances in the specification's order, `builtins.rs` is what code calls, `gc.rs` the part of it that works on the heap and finds the collector's roots
//! (`roots.rs`: those of the host), `exceptions.rs` makes and catches exceptions.
//! `parking.rs` lets threads wait at addresses of a shared memory. `heap_memory.rs` has the bytes behind the heap, `memory.rs`, `table.rs` and `cell.rs` (globals and tags) have one kind of object each.
//!
//! Absences: this crate knows neither how code is made nor which tier runs it (entries arrive as addresses,
//! see [`ModuleCode`]), it does not check types of imports (`riser` does), and it never calls upward except
//! through [`GrowHooks`].

mod arena;
mod bits;
mod builtins;
mod cell;
mod compiled;
mod const_expr;
mod copies;
mod exceptions;
mod gc;
mod heap_memory;
mod host;
mod images;
mod instance;
mod instantiate;
mod interrupt;
mod memory;
mod parking;
mod roots;
mod store;
mod table;

pub use arena::Arena;
pub use builtins::BUILTINS;
pub use cell::{Global, Tag};
pub use compiled::{
    CodeFrame, CodeImage, CodeKind, CodeOwner, CodeSamples, CodeSpace, EpochWatch, FrameSlots,
    Published, StubTable, VisitedFrame, call_compiled, install_traps, visit_compiled_frames,
    visit_compiled_references, visit_compiled_values,
};
pub use copies::ModuleCopy;
pub use heap_memory::HeapBytes;
pub use host::{HostEntryPoint, HostFunc, HostTrampoline};
pub use instance::{CompileFailure, Instance, InstanceModule, ModuleCode};
pub use instantiate::InstantiateError;
pub use interrupt::Interrupter;
pub use memory::{Memory, SharedMemory};
pub use parking::WaitResult;
pub use roots::{HostRoots, RootId};
pub use store::{
    Entity, FuncPtr, GlobalId, GrowError, GrowHooks, Growable, Growth, Heap, InstanceId, MemoryId,
    StoreStack, TableId, TagId, TraceFrames, VmStore, instance_of, interrupt,
};
pub use table::Table;
