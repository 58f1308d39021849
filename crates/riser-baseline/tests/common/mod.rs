//! What the tests share: compiling modules of text.
#![allow(dead_code, reason = "each test uses a part")]

use riser_baseline::asm::CpuFeatures;
use riser_baseline::{CodeOptions, CompileError, Compiler};
use riser_code::{CodeArtifact, CodeTables};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::Features;

/// Decodes and validates.
pub fn module(wat: &str) -> Module {
    let bytes = wat::parse_str(wat).expect("the text is right");
    let bytes = ModuleBytes::new(bytes);
    let module = Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::DEFAULT);
    let module = module.expect("the module decodes");
    riser_front::validate_bodies(&module).expect("the module is valid");
    module
}

/// Compiles all functions.
pub fn functions(module: &Module, options: CodeOptions) -> Vec<CodeArtifact> {
    let compiler = Compiler::new(options, CpuFeatures::default());
    let mut cx = compiler.new_context();
    let compile = |defined| compiler.function(&mut cx, module, defined);
    let artifacts: Result<Vec<CodeArtifact>, CompileError> =
        (0..module.bodies.len() as u32).map(compile).collect();
    let artifacts = artifacts.unwrap_or_else(|error| panic!("{error}"));
    artifacts.iter().for_each(check);
    artifacts
}

/// Checks what holds of all code.
fn check(artifact: &CodeArtifact) {
    assert!(!artifact.code.is_empty() && artifact.alignment.is_power_of_two());
    let len = artifact.code.len() as u32;
    assert!(artifact.traps.is_sorted_by(|a, b| a.offset < b.offset), "{:?}", artifact.traps);
    assert!(artifact.positions.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(artifact.calls.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(artifact.traps.iter().all(|trap| trap.offset < len));
    for call in &artifact.calls {
        assert!(call.offset <= len && call.frame_bytes % 16 == 0);
        assert!(call.references.is_sorted_by(|a, b| a < b), "each place stands once");
        assert!(call.references.iter().all(|at| at + 4 <= call.frame_bytes));
        for handler in &call.handlers {
            assert!(handler.target < len && handler.vmctx + 8 <= call.frame_bytes);
        }
    }
    let bytes = artifact.encode_tables();
    let tables = CodeTables::new(&bytes);
    for trap in &artifact.traps {
        assert_eq!(tables.trap_at(trap.offset), Some(trap.code));
    }
}

/// Compiles all functions, in all ways that matter; gives what is made with the default options.
pub fn compile(wat: &str) -> Vec<CodeArtifact> {
    let module = module(wat);
    let default = CodeOptions::default();
    functions(&module, CodeOptions { fuel: true, ..default });
    functions(&module, CodeOptions { guards: false, spectre: false, ..default });
    functions(&module, default)
}
