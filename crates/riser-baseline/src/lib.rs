//! The baseline compiler: bodies to x86-64 machine code, in one pass over the operators.
//!
//! It makes code fast, not fast code: no graph of the body is made, and each operator's instructions are emitted when the
//! walk meets it. Operands are known by where they are (a constant, a register, a local, a place in the frame) and are
//! moved as late as possible; the most used locals live in registers ([`plan`]). Everything lies in the *canonical frame* of
//! `riser-abi` whenever somebody may look: before every call, all operands and locals are in their slots.
//!
//! What is compiled here is called as what the optimizing compiler makes, and does the same: see `compiled.rs` of `riser-abi`.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `plan.rs` | a first, quick look: which locals get registers |
//! | `convention.rs` | where parameters and results are passed |
//! | `frame.rs` | where slots are; how functions begin and end |
//! | `operands.rs` | the operands, and the registers they are in |
//! | `emit.rs` | what is noted of the code besides its bytes |
//! | `translate/` | the operators, a file for each topic |
//! | `trampolines.rs` | the code between the host and functions |
//! | `asm/` | the instructions |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod asm;
mod compiler;
mod convention;
mod emit;
mod frame;
mod operands;
mod plan;
mod trampolines;
mod translate;

pub use compiler::{CompileContext, Compiler};
pub use riser_abi::Budgets;
pub use riser_code::{CodeOptions, CompileError};
