//! The optimizing compiler. A body goes through the same walk as everywhere; here the sink is a [`translate::Translator`],
//! which makes Cranelift's intermediate representation (CLIF) of it; Cranelift makes machine code of that.
//!
//! Code reaches everything through the `VmCtx` that it gets as its first parameter, so one artifact serves every instance,
//! at any address. How functions call each other stands in `riser-abi`, `compiled.rs`.
//!
//! Read `compiler.rs` first, then `translate/mod.rs`.
#![forbid(unsafe_code)]

mod artifact;
mod chains;
mod compiler;
mod env;
mod joins;
mod places;
mod signature;
mod trampolines;
mod translate;

pub use compiler::{CompileContext, Compiler};
pub use riser_code::{CodeOptions, CompileError};
