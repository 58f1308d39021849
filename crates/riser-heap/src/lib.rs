//! The store's heap: structures, arrays, exceptions and values of the host, collected by copying.
//!
//! # References
//!
//! Code sees a reference as 32 bits ([`HeapRef`]): 0 is null, a set lowest bit makes a 31-bit integer, anything
//! else is the distance in bytes, a multiple of 8, of an object from the start of the heap's memory. Internal and
//! external references are the same: `any.convert_extern` and `extern.convert_any` do nothing. References to
//! functions are no heap references; in a field stands their number in a [`FuncTable`].
//!
//! # Objects
//!
//! | bytes | structure | array | exception | value of the host |
//! | --- | --- | --- | --- | --- |
//! | 0 to 3 | header | header | header | header |
//! | 4 to 7 | fields … | length | tag | index of the value |
//! | 8 … | fields … | elements … | values … | |
//!
//! The header has the number of the canonical type ([`riser_abi::type_number`]; values of the host have none, and 0 instead) in
//! its upper 24 bits and an [`ObjectKind`] in bits 1 to 3; bits 4 to 7 are 0. Bit 0 is set
//! while a collection runs, in objects that have moved; the header is then the new place. All numbers are
//! little-endian. Fields lie in their order at the next multiple of their size (of 8 for vectors), so that a
//! structure begins like each of its supertypes; references take four bytes. An exception's type is the
//! function type of its tag. Sizes are rounded up to a multiple of 8 ([`TypeLayout`]).
//!
//! # Allocation and collection
//!
//! Half of the memory is in use. [`Heap`] allocates from `next` up to `end` ([`Heap::bump`]), as code may do itself if
//! the memory shares a [`riser_abi::BumpArea`] with it, and says
//! [`AllocError::NeedsCollection`] when it gets there. The caller then gives all roots to [`Heap::collect`], which
//! moves what they reach into the other half and rewrites them. A reference that was not given is worthless after
//! that. The halves double, up to the limit, when more than half of one is live after a collection.
//! Under [`Heap::set_stress`] each allocation wants a collection before it, and the half that was left is overwritten.
//!
//! # Trust
//!
//! Nothing that stands in the memory is trusted: every header, length and reference read there is checked before
//! it is used, and what cannot be is [`HeapCorrupted`], to be made a trap. A collection that fails so leaves
//! the heap unusable, which it then says of itself. Whatever stands in the memory, no operation panics, hangs or
//! touches anything outside of the memory. Types are another matter: who reads a function reference or an
//! object out of damaged memory may get one of another type than declared.
//!
//! Start with `heap.rs`; `access.rs` reads and writes objects, `collect.rs` is the collector, `object.rs` the only place
//! that reads headers, `layout.rs` where fields lie (as `riser-abi` says, for compilers). This crate knows nothing of frames, instances or threads.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod access;
mod collect;
mod error;
mod funcs;
mod heap;
mod hosts;
mod layout;
mod memory;
mod object;
mod reference;

pub use access::{Cell, Extension};
pub use collect::Tracer;
pub use error::{AccessError, AllocError, HeapCorrupted, HeapFull};
pub use funcs::FuncTable;
pub use heap::{Bump, EXTERN_BYTES, Heap, HeapLimits};
pub use hosts::HostValue;
pub use layout::{FieldLayout, LayoutTable, TypeLayout};
pub use memory::{HeapMemory, OutOfMemory};
pub use object::Referent;
pub use reference::HeapRef;
pub use riser_abi::{ObjectKind, Repr};
