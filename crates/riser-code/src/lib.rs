//! Compiled code as data. A compiler gives one [`CodeArtifact`] per function: its machine code, which works at any
//! address and for any instance, and tables about places in it: where it may fault and what that means, which operator each piece is
//! of, what is where at its calls, which exceptions it handles. Those who run code look into the tables through a [`CodeTables`],
//! which reads their encoded form, since they may stand in a file that was mapped.
//!
//! Read `artifact.rs` first, then `tables.rs`, `compiler.rs` for what compilers are told, `image.rs` for the compiled code of a module as a file,
//! and `copy.rs` for a file that has the module itself.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod artifact;
mod compiler;
pub mod copy;
pub mod image;
mod tables;

pub use artifact::{ArtifactView, CallSite, CodeArtifact, Handler, Position, SlotLayout, TrapSite};
pub use compiler::{CodeOptions, CompileError};
pub use tables::{CallSiteRef, CodeTables};
