//! Runs WebAssembly test scripts (`.wast`).
//!
//! `script.rs` walks the directives of a script; `state.rs` is what a script acts on (a store, named
//! modules and instances); `spectest.rs` is the module that scripts import from; `values.rs` turns
//! arguments into values and compares results; `traps.rs` knows which trap an expected text means;
//! `report.rs` counts; `folded.rs` rewrites what the text parser does not read.

mod folded;
mod report;
mod script;
mod spectest;
mod state;
mod traps;
mod values;

pub use report::{Failure, Report};
pub use script::{run_script, run_script_observed};
