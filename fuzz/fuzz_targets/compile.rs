//! Compilers, with every combination of options and extensions of the machine: whatever valid module they get, the baseline compiler makes
//! code of each function, or says why not, and its tables agree with it; sometimes the optimizing compiler does, too, of functions and
//! of what is left of them from a loop on.
//!
//! The code is not executed; `execute.rs` does that.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use riser_baseline::asm::CpuFeatures;
use riser_code::{CodeArtifact, CodeOptions, CodeTables, Position};
use riser_front::Operators;
use riser_fuzz::Profile;
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx, Operator, StructuralOp};

fuzz_target!(|bytes: &[u8]| {
    let [options, extensions, bytes @ ..] = bytes else { return };
    let choices = [*options, *extensions];
    check(bytes, choices);
    if let Ok(module) = riser_fuzz::module(&mut Unstructured::new(bytes), Profile::Everything) {
        check(&module, choices);
    }
    // Damaged modules that are valid still have bodies that the generator never makes.
    if options & 0x80 != 0
        && let Ok(module) = riser_fuzz::mutated(&mut Unstructured::new(bytes))
    {
        check(&module, choices);
    }
});

fn check(bytes: &[u8], choices: [u8; 2]) {
    let (registry, limits) = (TypeRegistry::new(), ModuleLimits::DEFAULT);
    let bytes = ModuleBytes::new(bytes.to_vec());
    let Ok(module) = Module::decode(bytes, &registry, Features::ALL, &limits) else { return };
    if riser_front::validate_bodies(&module).is_err() {
        return;
    }
    let [options, extensions] = choices;
    let has = |bit: u32| extensions >> bit & 1 != 0;
    let features = CpuFeatures {
        lzcnt: has(0),
        bmi1: has(1),
        bmi2: has(2),
        popcnt: has(3),
        sse42: has(4),
        fma: has(5) && has(6),
        avx: has(6),
    };
    let is = |bit: u32| options >> bit & 1 != 0;
    let options =
        CodeOptions { canonicalize_nans: is(0), fuel: is(1), guards: is(2), spectre: is(3) };
    let mut compiler = riser_baseline::Compiler::new(options, features);
    if is(4) {
        let usual = riser_baseline::Budgets::USUAL;
        let small = riser_baseline::Budgets { base: 0, per_byte: 0 };
        compiler = compiler.counting(if is(5) { usual } else { small });
    }
    let mut cx = compiler.new_context();
    for defined in 0..module.bodies.len() as u32 {
        if let Ok(artifact) = compiler.function(&mut cx, &module, defined) {
            agrees(&module, defined, &artifact);
        }
    }
    if is(5) && is(6) {
        optimize(&module, options);
    }
}

/// Compiles everything, and each loop once more.
fn optimize(module: &Module, options: CodeOptions) {
    let Ok(compiler) = riser_opt::Compiler::host(options) else { return };
    let mut cx = compiler.new_context();
    for defined in 0..module.bodies.len() as u32 {
        if let Ok(artifact) = compiler.function(&mut cx, module, defined) {
            agrees(module, defined, &artifact);
        }
        let func = FuncIdx(module.imported.funcs + defined);
        let body = module.body(func).expect("it is defined");
        let (_, operators) = Operators::new(module, body).expect("a valid body");
        for seen in operators.map_while(Result::ok) {
            if let Operator::Structural(StructuralOp::Loop) = seen.op
                && let Ok(artifact) =
                    compiler.loop_entry(&mut cx, module, defined, seen.offset as u32)
            {
                agrees(module, defined, &artifact);
            }
        }
    }
}

/// The tables speak of places in the code, in their order, and of operators in the body, and are the same when they are read again.
fn agrees(module: &Module, defined: u32, artifact: &CodeArtifact) {
    let func = FuncIdx(module.imported.funcs + defined);
    let body = module.body(func).expect("it is defined").range();
    let len = artifact.code.len() as u32;
    assert!(len > 0 && artifact.alignment.is_power_of_two() && artifact.alignment <= 64);
    let encoded = artifact.encode_tables();
    let tables = CodeTables::new(&encoded);
    assert!(artifact.traps.is_sorted_by_key(|trap| trap.offset));
    for trap in &artifact.traps {
        assert!(trap.offset < len);
        assert_eq!(tables.trap_at(trap.offset), Some(trap.code));
    }
    assert!(artifact.positions.is_sorted_by_key(|position| position.offset));
    for position in &artifact.positions {
        assert!(position.offset <= len);
        let at = position.wasm as usize;
        assert!(position.wasm == Position::NONE || (body.start..body.end).contains(&at));
    }
    assert!(artifact.calls.is_sorted_by_key(|call| call.offset));
    for call in &artifact.calls {
        assert!(call.offset <= len);
        let found = tables.call_at(call.offset).expect("it is in the tables");
        assert!(found.references().eq(call.references.iter().copied()));
        assert!(found.handlers().all(|handler| handler.target < len));
    }
}
