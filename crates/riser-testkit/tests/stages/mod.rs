//! The stages that a module goes through, each as text: what `tour.rs`, `ladder.rs` and `convention.rs` share.
#![allow(dead_code, reason = "each of them uses a part")]

use riser_front::{TraceSink, Walker};
use riser_interp::{InterpModule, InterpOptions};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx};
use riser_opt::{CodeOptions, Compiler};
use std::sync::Arc;

/// Decodes a module and validates everything but the bodies, with all features.
pub fn decode(bytes: &[u8]) -> Arc<Module> {
    let bytes = ModuleBytes::new(bytes.to_vec());
    let module = Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::DEFAULT);
    Arc::new(module.unwrap_or_else(|error| panic!("the module does not decode: {error}")))
}

/// Validates the body of a defined function and gives what a sink hears of it, a line per call.
pub fn events(module: &Module, defined: u32) -> String {
    let func = FuncIdx(module.imported.funcs + defined);
    let mut sink = TraceSink::new(String::new());
    if let Err(error) = Walker::new().validate(module, func, &mut sink) {
        panic!("func {func} is not valid: {error}");
    }
    sink.finish_writing().expect("strings take all text")
}

/// Prepares a validated module for the interpreter. Nothing is lowered yet.
pub fn interpreted(module: &Arc<Module>) -> InterpModule {
    InterpModule::new(module.clone(), InterpOptions::default())
}

/// A compiler for a machine, which has no more than all of its kind.
pub fn compiler(triple: &str) -> Compiler {
    Compiler::for_target(triple, CodeOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}
