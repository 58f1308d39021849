//! The operator table, value types, trap codes and feature bits of WebAssembly.
//!
//! This is the lowest layer: pure data that every other crate reads, and nothing that runs.
#![no_std]
#![forbid(unsafe_code)]

mod trap;

pub use trap::TrapCode;
