//! A WebAssembly runtime: the embedding API.
//!
//! Names and shapes follow the `wasmtime` crate, since embedders know them: a program written to the core part of
//! that API should compile with the crate's name changed.
//!
//! ```
//! use riser::{Engine, Linker, Module, Store};
//!
//! fn main() -> riser::Result<()> {
//!     let engine = Engine::default();
//!     let module = Module::new(&engine, r#"(module
//!         (import "host" "log" (func $log (param i32)))
//!         (func (export "run") (param i32) (result i32)
//!             (call $log (local.get 0))
//!             (i32.mul (local.get 0) (local.get 0))))"#)?;
//!
//!     let mut linker = Linker::new(&engine);
//!     linker.func_wrap("host", "log", |mut caller: riser::Caller<'_, Vec<i32>>, n: i32| {
//!         caller.data_mut().push(n);
//!     })?;
//!
//!     let mut store = Store::new(&engine, Vec::new());
//!     let instance = linker.instantiate(&mut store, &module)?;
//!     let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
//!     assert_eq!(run.call(&mut store, 7)?, 49);
//!     assert_eq!(store.data(), &[7]);
//!     Ok(())
//! }
//! ```
//!
//! # What is where
//!
//! An [`Engine`] holds configuration and is shared by everything. A [`Module`] is decoded and validated code. A
//! [`Store`] owns [`Instance`]s and what they refer to; handles ([`Func`], [`Memory`], …) mean something only
//! together with their store. A [`Linker`] finds imports by name. Errors are [`Error`]s, in which a [`Trap`] and a
//! [`WasmBacktrace`] can be found by `downcast_ref`.
//!
//! # What is not there yet
//!
//! Asynchronous calls and components. *Coming from wasmtime*, in
//! `docs/embedding.md`, lists what that crate has and this one has not, and why.
#![deny(unsafe_code)]

#[cfg_attr(not(riser_compiled), expect(dead_code, reason = "only compiled code is told of"))]
mod announce;
#[cfg_attr(not(riser_compiled), expect(dead_code, reason = "only compiled code is kept"))]
mod cache;
mod config;
mod describe;
mod engine;
mod ensure;
mod error_chain;
mod exceptions;
mod externals;
mod frame;
mod func;
mod gc;
mod instance;
mod limits;
mod link;
mod linker;
mod module;
mod observe;
mod profile;
mod raw;
mod store;
mod symbols;
mod text;
mod tiers;
mod trap;
mod types;
mod values;

pub use cache::{Cache, CacheConfig, CacheStats};
pub use config::{Config, Strategy};
pub use describe::{CodeLine, CompiledCode, DescribeCode, DescribeFunctions, ModuleSections};
pub use engine::{Engine, EngineWeak, Precompiled};
#[doc(hidden)]
pub use ensure::__private;
pub use error_chain::{Context, Error, Result};
pub use exceptions::{ExnType, ThrownException};
pub use externals::{Export, Extern, Global, Memory, MemoryAccessError, SharedMemory, Table, Tag};
pub use frame::WasmFrame;
pub use func::{Caller, Func, IntoFunc, NoFunc, TypedFunc, WrappedFunc};
pub use gc::{
    AnyRef, ArrayRef, ArrayRefPre, EqRef, ExnRef, ExnRefPre, ExternRef, GcHeapOutOfMemory, GcRef,
    I31, NoExtern, NoneRef, OwnedRooted, RootScope, Rooted, RootedGcRef, StructRef, StructRefPre,
};
pub use instance::{Instance, InstancePre};
pub use limits::{
    DEFAULT_INSTANCE_LIMIT, DEFAULT_MEMORY_LIMIT, DEFAULT_TABLE_LIMIT, ResourceLimiter,
    StoreLimits, StoreLimitsBuilder,
};
pub use linker::{Linker, UnknownImportError};
pub use module::{Module, ModuleExport, ResourcesRequired};
pub use observe::{HostCall, HostObserver};
pub use profile::ProfilingStrategy;
pub use raw::{WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList};
/// ```
/// use riser::{Memory, MemoryType, OutOfMemory, Store};
///
/// let mut store = Store::<()>::default();
/// let error = Memory::new(&mut store, MemoryType::new64(1 << 47, None)).unwrap_err();
/// assert!(error.downcast_ref::<OutOfMemory>().is_some());
/// ```
#[doc(inline)]
pub use riser_sys::OutOfMemory;
/// ```
/// # use riser::*;
/// # use std::time::Duration;
/// # fn main() -> Result<()> {
/// let memory = SharedMemory::new(&Engine::default(), MemoryType::shared(1, 1))?;
/// assert_eq!(memory.atomic_wait32(0, 1, None)?, WaitResult::Mismatch);
/// assert_eq!(memory.atomic_wait32(0, 0, Some(Duration::from_millis(1)))?, WaitResult::TimedOut);
/// # Ok(()) }
/// ```
#[doc(inline)]
pub use riser_vm::WaitResult;
pub use store::{
    AsContext, AsContextMut, InterruptHandle, Store, StoreContext, StoreContextMut, UpdateDeadline,
};
pub use symbols::{FrameSymbol, Symbolize};
pub use tiers::{TierStatistics, TierUse};
pub use trap::{FrameInfo, Trap, WasmBacktrace};
pub use types::{
    ArrayType, ExportType, ExternType, FieldType, Finality, FuncType, GlobalType, HeapType,
    ImportType, MemoryType, MemoryTypeBuilder, Mutability, RefType, StorageType, StructType,
    TableType, TagType, ValType,
};
pub use values::{Ref, V128, Val};

/// Errors, their macros, and what helps with them.
pub mod error {
    pub use crate::error_chain::{Chain, Context, Error, Result};
    pub use crate::{bail, ensure, format_err};
    pub use riser_sys::OutOfMemory;

    /// `Ok` of a [`Result`] whose error is [`Error`], where the compiler cannot find that out.
    #[allow(non_snake_case, reason = "it stands for the variant")]
    pub fn Ok<T>(value: T) -> Result<T> {
        Result::Ok(value)
    }
}

/// The decoded form of modules, for tools that show them to people. Not part of the stable interface.
#[doc(hidden)]
pub mod inspect {
    pub use riser_front as front;
    pub use riser_module as module;
    pub use riser_ops as ops;
}
