//! Large generated bodies are compiled and compute what they must, in every way to run.
//!
//! How long compiling them takes is measured by `cargo xtask bench compile`, not here.

use riser::{Config, Engine, Instance, Module, Result, Store, Strategy};
use riser_testkit::generated::Shape;
use riser_testkit::strategies;

/// How long the bodies are: the largest that are measured are for measurements, where compilers are optimised.
const SIZES: [usize; 3] = [300, 10_000, 80_000];

fn check(strategy: Strategy) -> Result<()> {
    let engine = Engine::new(Config::new().strategy(strategy))?;
    for shape in Shape::ALL {
        for size in SIZES {
            let generated = shape.generate(size);
            let near = size / 2..size * 3 / 2;
            assert!(near.contains(&generated.body_bytes), "{shape:?} {}", generated.body_bytes);
            let module = Module::new(&engine, &generated.wasm)?;
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[])?;
            let f = instance.get_typed_func::<i32, i64>(&mut store, "f")?;
            for (argument, expected) in generated.results {
                let result = f.call(&mut store, argument)?;
                assert_eq!(result, expected, "{shape:?} {size} f({argument})");
            }
        }
    }
    Ok(())
}

#[test]
fn large_bodies_are_right_when_interpreted() -> Result<()> {
    check(Strategy::Interpreter)
}

#[test]
fn large_bodies_are_right_when_compiled() -> Result<()> {
    strategies().into_iter().skip(1).try_for_each(check)
}
