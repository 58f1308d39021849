//! WASI for Riser: the system interface of programs compiled to WebAssembly.
//!
//! A guest gets nothing that was not granted: no file, clock reading, variable or argument comes from the
//! surroundings unless the embedder said so in a [`WasiCtxBuilder`]. (Time, randomness and the three standard
//! streams always exist; the streams are empty unless redirected.)
//!
//! ```no_run
//! use riser::{Engine, Linker, Module, Store};
//! use riser_wasi::{DirPerms, FilePerms, I32Exit, WasiCtx};
//!
//! # fn main() -> riser::Result<()> {
//! let engine = Engine::default();
//! let module = Module::from_file(&engine, "program.wasm")?;
//! let mut linker = Linker::<WasiCtx>::new(&engine);
//! riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx)?;
//!
//! let ctx = WasiCtx::builder()
//!     .arg("program.wasm")
//!     .env("HOME", "/")
//!     .inherit_stdio()
//!     .preopened_dir("/srv/data", "/data", DirPerms::all(), FilePerms::all())?
//!     .build();
//! let mut store = Store::new(&engine, ctx);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
//! match start.call(&mut store, ()) {
//!     Ok(()) => println!("done"),
//!     Err(error) => match error.downcast_ref::<I32Exit>() {
//!         Some(exit) => println!("exit status {}", exit.0),
//!         None => return Err(error),
//!     },
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! One core per topic, which knows nothing of guest memory: `files`, `streams`, `sockets`, `clocks`,
//! `random`, `poll`, `stop`, `cli`.
//! One folder per version of WASI, which translates between guest memory and the cores: [`p1`] is 0.1. `ctx.rs`
//! ties them together. [`threads`] lets a guest start threads.
//!
//! # What is not here yet
//!
//! - `clock_res_get` and `clock_time_get` return `inval` for the two processor-time clocks, as the specification
//!   says for unsupported clocks.
#![forbid(unsafe_code)]

mod cli;
mod clocks;
mod ctx;
mod error;
mod files;
pub mod p1;
mod poll;
mod random;
mod sockets;
mod stop;
mod streams;
pub mod threads;

pub use cli::I32Exit;
pub use clocks::{HostMonotonicClock, HostWallClock, VirtualClock};
pub use ctx::{PreopenError, StopHandle, WasiCtx, WasiCtxBuilder};
pub use files::{DirPerms, FilePerms};
pub use random::{RandomSource, SeededRandom};
pub use streams::{
    ClosedInput, InheritedStderr, InheritedStdin, InheritedStdout, InputFile, InputStream,
    MemoryInputPipe, MemoryOutputPipe, OutputFile, OutputStream, Sink,
};
