//! Decoding of WebAssembly modules and the engine-wide registry of canonical types.
//!
//! Start with `module.rs`, what a decoded module is. `decode.rs` makes one from bytes, with a file per
//! section in `sections/` and the atoms of the format in `reader.rs`. `registry.rs` gives equal types of
//! different modules equal ids, `matching.rs` is subtyping, `limits.rs` what is too much, `error.rs` how
//! all of this fails, `names.rs` what the producer called things, `tables.rs` what is certain of tables. Function bodies are only found here, not
//! looked into: that is `riser-front`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod bytes;
mod decode;
mod error;
mod header;
mod limits;
mod matching;
mod module;
mod names;
mod reader;
mod registry;
mod sections;
mod tables;

pub use bytes::ModuleBytes;
pub use error::{ErrorKind, ModuleError};
pub use limits::ModuleLimits;
pub use matching::Subtyping;
pub use module::*;
pub use names::Names;
pub use reader::Reader;
pub use registry::{Registered, Registration, RegistryFull, TypeRegistry};
pub use tables::{ConstantTable, TableWrites};
