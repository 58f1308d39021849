//! Generated modules compile, with Cranelift's checks: whatever is valid has code.

mod common;

use arbitrary::Unstructured;
use common::{TRIPLES, functions, loops};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::Features;
use riser_opt::{CodeOptions, Compiler};

/// A generator of numbers that needs nothing and repeats itself.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A module of noise.
fn generate(numbers: &mut XorShift) -> Option<Module> {
    let noise: Vec<u8> = (0..2000).flat_map(|_| numbers.next().to_le_bytes()).collect();
    let config = wasm_smith::Config {
        compact_imports_enabled: false,
        max_imports: 8,
        min_funcs: 3,
        max_funcs: 12,
        max_instructions: 600,
        memory64_enabled: true,
        max_memories: 4,
        max_tables: 4,
        relaxed_simd_enabled: true,
        tail_call_enabled: true,
        gc_enabled: true,
        reference_types_enabled: true,
        exceptions_enabled: true,
        threads_enabled: true,
        extended_const_enabled: true,
        wide_arithmetic_enabled: true,
        custom_page_sizes_enabled: true,
        ..wasm_smith::Config::default()
    };
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(&noise)).ok()?;
    let bytes = ModuleBytes::new(module.to_bytes());
    let module = Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::DEFAULT);
    let module = module.ok()?;
    riser_front::validate_bodies(&module).ok()?;
    Some(module)
}

#[test]
fn whatever_is_valid_has_code() {
    let seed = std::env::var("RISER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count =
        std::env::var("RISER_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(150);
    let mut numbers = XorShift(seed);
    let (mut compiled, mut entered) = (0, 0);
    let compilers: Vec<Compiler> = (TRIPLES.iter().zip(0..))
        .map(|(triple, number)| {
            let fuel = number % 2 == 1;
            let options = CodeOptions { fuel, guards: !fuel, ..CodeOptions::default() };
            Compiler::for_target(triple, options).unwrap()
        })
        .collect();
    for _ in 0..count {
        let Some(module) = generate(&mut numbers) else { continue };
        for compiler in &compilers {
            compiled += functions(compiler, &module).len();
            entered += loops(compiler, &module).len();
        }
    }
    println!("{compiled} functions, {entered} loops");
    assert!(compiled > 4 * count && entered > count, "{compiled} {entered}");
}
