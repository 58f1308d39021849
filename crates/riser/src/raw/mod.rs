//! The only place of this crate with `unsafe`: where typed handles meet untyped slots and running code.
//!
//! `store.rs` lays a store out so that running code finds it, `compiled.rs` makes machine code, `kept.rs` takes what was made before, `keeper.rs` keeps it, `run.rs` enters code and explains how it ended,
//! `host.rs` is how code enters host functions. `lower.rs` puts statically typed values into slots, `values.rs`
//! dynamically typed ones. `objects.rs` makes and changes what a store owns, `gc.rs` objects on its heap, `exceptions.rs`
//! exceptions; `frames.rs` looks into frames; `limits.rs` asks
//! how much of it there may be, `deadline.rs` what to do when time is up.
//!
//! # What the `unsafe` relies on
//!
//! 1. *Handles*. A handle names its store. Every use compares that with the store at hand and panics if they
//!    differ; then the object behind it is alive, since a store drops nothing before it is dropped itself.
//! 2. *Types*. Slots hold values of the types that a function, table or global declares. Whoever writes one checks
//!    that (`values.rs`) or has it checked once, by comparing Rust types with declared ones (`lower.rs`).
//! 3. *Borrows*. Whoever enters code borrows the whole store exclusively, and leaves its address in
//!    `VmRuntime::store`. Host functions and builtins borrow it again from there, while everything above on the
//!    stack waits.
#![allow(unsafe_code, reason = "see above")]

mod arity;
#[cfg(riser_compiled)]
mod compiled;
#[cfg(not(riser_compiled))]
#[path = "no_compiled.rs"]
mod compiled;
#[cfg(riser_compiled)]
mod compilers;
mod deadline;
pub(crate) mod exceptions;
mod frames;
pub(crate) mod gc;
mod host;
#[cfg(riser_compiled)]
mod keeper;
mod kept;
mod limits;
mod lower;
mod objects;
#[cfg(riser_compiled)]
mod optimizer;
mod run;
mod store;
mod values;

pub use lower::{WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList};

pub(crate) use arity::each_arity;
pub(crate) use compiled::CompiledEngine;
pub(crate) use deadline::{set_on_deadline, trap_on_deadline};
pub(crate) use frames::wasm_frames;
pub(crate) use host::HostFunc;
pub(crate) use kept::{KnownModule, ModuleOfCopy, Origin, module_in};
pub(crate) use limits::set_limiter;
pub(crate) use objects::{
    global_get, global_new, global_set, instantiate, memory_grow, memory_new, shared_memory_data,
    table_copy, table_fill, table_get, table_grow, table_new, table_set, tag_new,
};
pub(crate) use run::{
    CodeHolder, call_dynamic, call_typed, capture_backtrace, func_type_id, functions_called,
};
pub use store::{StoreId, StoreInner, StoreOpaque};
