//! The portable interpreter: lowering of function bodies to register code, and its execution.
//!
//! A function is lowered when it is first called: `lower` hears its operators through `BodySink` and writes
//! compact code (`code.rs` describes the instruction set), `exec` runs it. Both have a file per topic,
//! with the same names. `module.rs` is what all instances of a module share. `catches.rs` is the table of what a function
//! catches, `disasm.rs` prints code.
//!
//! The interpreter sees what machine code would see: the blocks that `riser-abi` declares. It knows nothing of
//! stores, instances or the embedder; what it needs of them it calls through the table of builtins.
//!
//! All operators of all supported proposals are executed here.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

mod catches;
mod code;
mod disasm;
mod exec;
mod frame_map;
mod lower;
mod module;
mod trace;

pub use exec::{HostEntry, call, frames, visit_frames, visit_references};
pub use frame_map::{FrameSource, FrameState, FrameValue};
pub use module::{InterpModule, InterpOptions};
pub use trace::{Backtrace, Exit, ExitReason, FrameInfo};
