//! The baseline compiler: machine code for x86-64, made quickly.
//!
//! `asm` writes instructions, and knows nothing of WebAssembly.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod asm;
