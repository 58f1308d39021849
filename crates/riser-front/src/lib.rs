//! Validates one function body and drives a sink with typed, reachable operators.
//!
//! `sink.rs` is the border: what those who make code of a body hear. `walker.rs` is the walk itself, with a
//! file per topic beside it; `stack.rs` explains what is live and what is merely reachable by the
//! specification's rules. `null.rs` is a sink for validation alone, `trace.rs` one that writes text.
//! `scan.rs` goes over operators without understanding them, `survey.rs` more quickly over those that are frequent; `waiting.rs` says what a function has while it waits.
//! Sections, indices and types outside of bodies are checked before, in `riser-module`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod access;
mod calls;
mod control;
mod cursor;
mod exceptions;
mod gc;
mod locals;
mod memory;
mod messages;
mod null;
mod plain;
mod scan;
mod simple;
mod sink;
mod stack;
mod survey;
mod table;
mod trace;
mod types;
mod waiting;
mod walker;

pub use null::NullSink;
pub use scan::{Locals, Operators, Seen};
pub use sink::{BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target};
pub use survey::{Survey, survey};
pub use trace::TraceSink;
pub use waiting::Waiting;
pub use walker::{Walker, body_ranges, validate_bodies};
