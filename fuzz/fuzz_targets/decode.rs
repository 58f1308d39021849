//! Decoding: no bytes panic, nothing stays behind in the registry, and `wasmparser` gives the same verdict.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx, LocalIdx};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

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
    let ours = Module::decode(ModuleBytes::new(bytes.to_vec()), &registry, Features::ALL, &limits);
    if let Ok(module) = &ours {
        look_at(module);
    }
    let ours = ours.map(drop);
    assert!(registry.is_empty(), "types stay behind");
    let theirs = oracle(bytes);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "we say {ours:?}, wasmparser {theirs:?}");
}

/// Whatever can be asked of a module has an answer.
fn look_at(module: &Module) {
    let names = module.names();
    for index in 0..module.funcs.len() as u32 {
        let func = FuncIdx(index);
        assert!(module.func_type(func).is_some());
        assert_eq!(module.body(func).is_none(), module.is_imported(func));
        let (_, _) = (names.func(func), names.local(func, LocalIdx(0)));
    }
    for export in &module.exports {
        module.entity_type(export.item);
    }
    for custom in &module.customs {
        assert!(module.bytes.get(custom.range.clone()).is_some());
    }
}

/// What `wasmparser` says of everything but the bodies, which are only looked for here.
fn oracle(bytes: &[u8]) -> Result<(), String> {
    let features = WasmFeatures::WASM3
        | WasmFeatures::THREADS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::WIDE_ARITHMETIC;
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        match payload.map_err(|e| e.to_string())? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err("component".into());
            }
            Payload::CodeSectionEntry(body) => {
                if body.range().is_empty() {
                    return Err("empty body".into());
                }
                validator.code_section_entry(&body).map_err(|e| e.to_string())?;
            }
            payload => {
                validator.payload(&payload).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(())
}
