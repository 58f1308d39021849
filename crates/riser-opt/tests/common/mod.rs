//! What the tests share: compiling modules of text.
#![allow(dead_code, reason = "each test uses a part")]

use riser_code::{CodeArtifact, CodeTables};
use riser_front::{Operators, Walker};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx, Operator, StructuralOp};
use riser_opt::{CodeOptions, CompileError, Compiler};

/// The machines for which code is made.
pub const TRIPLES: [&str; 4] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
];

/// Decodes and validates.
pub fn module(wat: &str) -> Module {
    let bytes = wat::parse_str(wat).expect("the text is right");
    let bytes = ModuleBytes::new(bytes);
    let module = Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::DEFAULT);
    let mut module = module.expect("the module decodes");
    let writes = riser_front::validate_bodies(&module).expect("the module is valid");
    module.set_table_writes(writes);
    module
}

/// Compiles all functions.
pub fn functions(compiler: &Compiler, module: &Module) -> Vec<CodeArtifact> {
    let mut cx = compiler.new_context();
    let compile = |defined| compiler.function(&mut cx, module, defined);
    let artifacts: Result<Vec<CodeArtifact>, CompileError> =
        (0..module.bodies.len() as u32).map(compile).collect();
    let artifacts = artifacts.unwrap_or_else(|error| panic!("{error}; {compiler:?}"));
    artifacts.iter().for_each(check);
    artifacts
}

/// Compiles what is left of functions from each of their loops on, if it is ever entered.
pub fn loops(compiler: &Compiler, module: &Module) -> Vec<CodeArtifact> {
    let (mut cx, mut walker) = (compiler.new_context(), Walker::new());
    let mut artifacts = Vec::new();
    for defined in 0..module.bodies.len() as u32 {
        let func = FuncIdx(module.imported.funcs + defined);
        let body = module.body(func).expect("it is defined");
        let (_, operators) = Operators::new(module, body).expect("the body is valid");
        for seen in operators.map_while(Result::ok) {
            if !matches!(seen.op, Operator::Structural(StructuralOp::Loop)) {
                continue;
            }
            let at = seen.offset as u32;
            let is_live = walker.waiting(module, func, at).is_some();
            match compiler.loop_entry(&mut cx, module, defined, at) {
                Ok(artifact) if is_live => artifacts.push(artifact),
                Err(_) if !is_live => {}
                Ok(_) => panic!("code for a loop that is never entered"),
                Err(error) => panic!("{error}; {compiler:?}"),
            }
        }
    }
    artifacts.iter().for_each(check);
    artifacts
}

/// Where the last loop of the first function begins.
pub fn last_loop(module: &Module) -> u32 {
    let body = module.body(FuncIdx(module.imported.funcs)).expect("there is one");
    let (_, operators) = Operators::new(module, body).expect("the body is valid");
    let is_loop = |op| matches!(op, Operator::Structural(StructuralOp::Loop));
    let loops = operators.map_while(Result::ok).filter(|seen| is_loop(seen.op));
    loops.last().expect("there is one").offset as u32
}

/// Checks what holds of all code.
pub fn check(artifact: &CodeArtifact) {
    assert!(!artifact.code.is_empty() && artifact.alignment.is_power_of_two());
    assert!(artifact.alignment <= 64);
    let len = artifact.code.len() as u32;
    assert!(artifact.traps.is_sorted_by(|a, b| a.offset < b.offset), "{:?}", artifact.traps);
    assert!(artifact.positions.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(artifact.calls.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(artifact.traps.iter().all(|trap| trap.offset < len));
    for call in &artifact.calls {
        assert!(call.offset <= len && call.frame_bytes % 8 == 0);
        assert!(call.references.iter().all(|at| at + 4 <= call.frame_bytes));
        for handler in &call.handlers {
            assert!(handler.target < len);
            assert!(handler.tag.is_none() || handler.vmctx + 8 <= call.frame_bytes);
        }
    }
    let bytes = artifact.encode_tables();
    let tables = CodeTables::new(&bytes);
    for trap in &artifact.traps {
        assert_eq!(tables.trap_at(trap.offset), Some(trap.code));
    }
}

/// Compiles all functions for this machine.
pub fn host(wat: &str) -> Vec<CodeArtifact> {
    let compiler = Compiler::host(CodeOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    functions(&compiler, &module(wat))
}

/// Compiles all functions, and what is left of them from their loops on, for all machines, with and without fuel and guards.
pub fn everywhere(wat: &str) {
    let module = module(wat);
    for triple in TRIPLES {
        for other in [false, true] {
            let options = CodeOptions {
                fuel: other,
                guards: !other,
                spectre: !other,
                ..CodeOptions::default()
            };
            let compiler = Compiler::for_target(triple, options);
            let compiler = compiler.unwrap_or_else(|error| panic!("{error}"));
            functions(&compiler, &module);
            loops(&compiler, &module);
        }
    }
}

/// A function as CLIF before it was optimized.
pub fn clif(wat: &str, defined: u32, options: CodeOptions) -> String {
    let compiler =
        Compiler::for_target(TRIPLES[0], options).unwrap_or_else(|error| panic!("{error}"));
    let text = compiler.clif(&mut compiler.new_context(), &module(wat), defined);
    let text = text.unwrap_or_else(|error| panic!("{error}"));
    text.split("; optimized").next().unwrap_or_default().to_string()
}
