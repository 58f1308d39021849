//! The machine contract: what code (interpreted or compiled) and the runtime agree on.
//!
//! Machine code sees an instance as one block, [`VmCtx`], and a store as another, [`VmRuntime`]. Both are
//! declared once, in `layout.rs`, with the access each field allows; structs, offsets and the
//! descriptions that compilers read come from those declarations. `vmctx.rs` says where the arrays
//! behind the fixed part of a `VmCtx` lie, `builtins.rs` lists what code may call in the runtime,
//! `compiled.rs` how compiled functions call each other, `frame.rs` says where values lie in a frame, `objects.rs` where
//! in the heap, `status.rs` how a call ends.
//!
//! This crate has no behaviour and no `unsafe`: pointers here are only declared.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod builtins;
mod compiled;
mod frame;
mod layout;
mod objects;
mod status;
mod vmctx;

pub use builtins::{
    BuiltinSignature, Builtins, GROW_FAILED, GROW_REFUSED, HostCall, MachineType, REF_TEST_FAILED,
    builtin, object_access,
};
pub use compiled::{
    BUDGET_ENTRIES, BUDGET_UNIT, Budgets, ENTRY_ENDED, ENTRY_PAUSED, ENTRY_RETURNED, EXIT_ON_STACK,
    GUARD_BYTES, GUARDED_BYTES, SMALL_ROW_SLOTS, is_guarded, returns_in_area, row_slots,
};
pub use frame::{FrameLayout, Slot};
pub use layout::{
    FieldAccess, FieldLayout, FuncRef, GlobalCell, HostCtx, ImportedFunc, MemoryDef, TableDef,
    TagDef, VmCtx, VmRuntime,
};
pub use objects::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, BumpArea, FIRST_OBJECT, FieldPlacer, HEADER_TYPE_SHIFT,
    OBJECT_MAX, ObjectKind, ROW_DISPLAY, Repr, STRUCT_FIELDS, StructLayout, TYPE_ROWS_BYTES,
    TypeRow, header_of_kind, header_type, object_header, type_number,
};
pub use status::Status;
pub use vmctx::{VmCtxCounts, VmCtxLayout};
