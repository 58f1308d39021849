//! The operator table, value types, trap codes and feature bits of WebAssembly.
//!
//! This is the lowest layer: pure data that every other crate reads, and nothing that runs. Start with
//! `table.rs`, the list of all operators; `rows.rs` turns it into enums and constant rows, `lookup.rs`
//! finds an operator by its opcode. `types.rs` has the packed value types, `index.rs` the index
//! spaces, `features.rs` the proposals, `trap.rs` the reasons for traps.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[macro_use]
mod table;
mod features;
mod index;
mod lookup;
mod rows;
mod trap;
mod types;

pub use features::Features;
pub use index::*;
pub use lookup::{by_byte, by_bytes, by_prefix, is_prefix};
pub use rows::*;
pub use trap::TrapCode;
pub use types::*;
