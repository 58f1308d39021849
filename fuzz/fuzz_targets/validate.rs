//! Validation: the same verdict as `wasmparser`'s, and both modes of the walker tell a sink the same.
//!
//! The trusted mode, meant for bodies that were validated, is also let loose on those that are not valid: it may say
//! anything but must end.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use riser_front::{TraceSink, Walker};
use riser_module::{ErrorKind, Module, ModuleBytes, ModuleError, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx};
use wasmparser::{Validator, WasmFeatures};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // The same bytes as the seed of a module that is almost valid.
    if let Ok(module) = riser_fuzz::mutated(&mut Unstructured::new(bytes)) {
        check(&module);
    }
});

fn check(bytes: &[u8]) {
    let registry = TypeRegistry::new();
    let limits = ModuleLimits::DEFAULT;
    let decoded =
        Module::decode(ModuleBytes::new(bytes.to_vec()), &registry, Features::ALL, &limits);
    let ours = decoded.and_then(|module| {
        let verdict = riser_front::validate_bodies(&module);
        both_modes(&module, verdict.is_ok());
        verdict
    });
    let features = WasmFeatures::WASM3
        | WasmFeatures::THREADS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::WIDE_ARITHMETIC;
    let theirs = Validator::new_with_features(features).validate_all(bytes).map(drop);
    if ours.is_ok() == theirs.is_ok() || ours.as_ref().is_err_and(beyond_a_limit) {
        return;
    }
    panic!("we say {ours:?}, wasmparser {theirs:?}");
}

/// Limits that `wasmparser` does not have: those of the JavaScript API on `array.new_fixed`, and ours on operands.
fn beyond_a_limit(error: &ModuleError) -> bool {
    let message = error.message();
    error.kind() == ErrorKind::LimitExceeded
        && (message.contains("array.new_fixed") || message.contains("too many operands"))
}

fn both_modes(module: &Module, valid: bool) {
    let mut walker = Walker::new();
    for defined in 0..module.bodies.len() as u32 {
        let func = FuncIdx(module.imported.funcs + defined);
        let mut validated = TraceSink::new(String::new());
        let mut trusted = TraceSink::new(String::new());
        let facts = walker.validate(module, func, &mut validated);
        let again = walker.trusted(module, func, &mut trusted);
        assert!(!valid || facts.is_ok(), "a body is judged twice, differently: {facts:?}");
        if facts.is_ok() {
            assert_eq!(facts, again);
            assert_eq!(validated.finish_writing(), trusted.finish_writing());
        }
    }
}
