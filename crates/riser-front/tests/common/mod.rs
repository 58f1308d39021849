//! What the tests share: decoding and walking a module here, and asking wasmparser about the same bytes.
#![allow(dead_code, reason = "each test uses a part")]

use riser_front::{TraceSink, Walker};
use riser_module::{Module, ModuleBytes, ModuleError, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx};
use wasmparser::WasmFeatures;

/// Decodes and validates.
pub fn validate(bytes: &[u8], features: Features) -> Result<Module, ModuleError> {
    let registry = TypeRegistry::new();
    let bytes = ModuleBytes::new(bytes.to_vec());
    let module = Module::decode(bytes, &registry, features, &ModuleLimits::DEFAULT)?;
    riser_front::validate_bodies(&module)?;
    Ok(module)
}

/// The text of every sink event of every body, and whether both modes of the walker agree on it.
pub fn trace(module: &Module) -> String {
    let mut walker = Walker::new();
    let mut text = String::new();
    for defined in 0..module.bodies.len() as u32 {
        let func = FuncIdx(module.imported.funcs + defined);
        let mut validated = TraceSink::new(String::new());
        let mut trusted = TraceSink::new(String::new());
        let facts = walker.validate(module, func, &mut validated).expect("it was valid before");
        let again = walker.trusted(module, func, &mut trusted).expect("it was valid before");
        assert_eq!(facts, again, "func {func}");
        let validated = validated.finish_writing().expect("strings take all text");
        let trusted = trusted.finish_writing().expect("strings take all text");
        assert_eq!(validated, trusted, "func {func}");
        text += &validated;
    }
    text
}

/// Lets the trusted mode loose on bodies that may not be valid: it may say anything but must end. Nothing
/// happens if the module does not decode.
pub fn trust_blindly(bytes: &[u8]) {
    let registry = TypeRegistry::new();
    let bytes = ModuleBytes::new(bytes.to_vec());
    if let Ok(module) = Module::decode(bytes, &registry, Features::ALL, &ModuleLimits::DEFAULT) {
        let mut walker = Walker::new();
        for defined in 0..module.bodies.len() as u32 {
            let func = FuncIdx(module.imported.funcs + defined);
            let _ = walker.trusted(&module, func, &mut TraceSink::new(String::new()));
        }
    }
}

/// The same features for wasmparser.
pub fn wasmparser_features(features: Features) -> WasmFeatures {
    let table = [
        (Features::MUTABLE_GLOBAL, WasmFeatures::MUTABLE_GLOBAL),
        (Features::SATURATING_FLOAT_TO_INT, WasmFeatures::SATURATING_FLOAT_TO_INT),
        (Features::SIGN_EXTENSION, WasmFeatures::SIGN_EXTENSION),
        (Features::REFERENCE_TYPES, WasmFeatures::REFERENCE_TYPES),
        (Features::MULTI_VALUE, WasmFeatures::MULTI_VALUE),
        (Features::BULK_MEMORY, WasmFeatures::BULK_MEMORY),
        (Features::SIMD, WasmFeatures::SIMD),
        (Features::RELAXED_SIMD, WasmFeatures::RELAXED_SIMD),
        (Features::THREADS, WasmFeatures::THREADS),
        (Features::TAIL_CALL, WasmFeatures::TAIL_CALL),
        (Features::MULTI_MEMORY, WasmFeatures::MULTI_MEMORY),
        (Features::EXCEPTIONS, WasmFeatures::EXCEPTIONS),
        (Features::LEGACY_EXCEPTIONS, WasmFeatures::LEGACY_EXCEPTIONS),
        (Features::MEMORY64, WasmFeatures::MEMORY64),
        (Features::EXTENDED_CONST, WasmFeatures::EXTENDED_CONST),
        (Features::FUNCTION_REFERENCES, WasmFeatures::FUNCTION_REFERENCES),
        (Features::GC, WasmFeatures::GC),
        (Features::CUSTOM_PAGE_SIZES, WasmFeatures::CUSTOM_PAGE_SIZES),
        (Features::WIDE_ARITHMETIC, WasmFeatures::WIDE_ARITHMETIC),
    ];
    assert_eq!(table.len(), Features::TABLE.len());
    let mut set = WasmFeatures::FLOATS | WasmFeatures::GC_TYPES;
    for (ours, theirs) in table {
        if features.contains(ours) {
            set |= theirs;
        }
    }
    set
}

/// What wasmparser says.
pub fn wasmparser(bytes: &[u8], features: Features) -> Result<(), wasmparser::Error> {
    let features = wasmparser_features(features);
    // The whole-module entry point also takes components; none of the features allow them.
    wasmparser::Validator::new_with_features(features).validate_all(bytes).map(|_| ())
}
