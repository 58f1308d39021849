//! Validates one function body and drives a sink with typed, reachable operators.
//!
//! `sink.rs` is the border: what those who make code of a body hear.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod sink;

pub use sink::{
    BlockSignature, BodyFacts, BodySink, Catch, End, MemArg, SimpleImm, Target,
};
