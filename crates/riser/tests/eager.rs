//! Modules whose code is all made before anybody has them.

mod common;

use common::configs;
use riser::*;

/// Functions, as many as it takes for code to be on several pages and, if they are large, in several pieces of memory. Each calls the host and the one before.
fn text(functions: usize, statements: usize) -> String {
    let mut text = String::from(
        r#"(module (import "" "host" (func $host (param i32) (result i32))) (memory 1)
            (func $f0 (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0)))"#,
    );
    let statement = "(i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 3)))";
    let body = statement.repeat(statements);
    for at in 1..functions {
        let before = at - 1;
        text += &format!(
            "(func $f{at} (param i32) (result i32) {body} (call $host (call $f{before} (local.get 0))))"
        );
    }
    text + &format!(
        r#"(func (export "last") (param i32) (result i32) (call $f{} (local.get 0)))
           (func (export "peek") (param i32) (result i32) (i32.load (local.get 0))))"#,
        functions - 1
    )
}

fn runs(engine: &Engine, functions: usize, statements: usize) -> Result<()> {
    let module = Module::new(engine, text(functions, statements))?;
    let mut store = Store::new(engine, ());
    let host = Func::wrap(&mut store, |number: i32| number + 1);
    let instance = Instance::new(&mut store, &module, &[host.into()])?;
    let last = instance.get_typed_func::<i32, i32>(&mut store, "last")?;
    assert_eq!(last.call(&mut store, 20)?, 5 + functions as i32 - 1);
    let peek = instance.get_typed_func::<i32, i32>(&mut store, "peek")?;
    let stored = peek.call(&mut store, 20)?;
    assert_eq!(stored, (3 * statements * (functions - 1)) as i32);
    // Through all frames.
    let error = last.call(&mut store, 0).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivisionByZero));
    let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
    assert_eq!(trace.frames()[0].func_index(), 1);
    Ok(())
}

#[test]
fn all_code_is_made_before_it_runs() -> Result<()> {
    for mut config in configs() {
        for parallel in [false, true] {
            config.lazy_compilation(false).parallel_compilation(parallel);
            let engine = Engine::new(&config)?;
            for (functions, statements) in [(1, 0), (12, 1), (15, 300)] {
                runs(&engine, functions, statements)?;
            }
        }
    }
    Ok(())
}

/// More code than a large page has, and a module that is there beside others.
#[test]
fn much_code_is_made_before_it_runs() -> Result<()> {
    let mut config = Config::new();
    config.strategy(Strategy::Baseline).lazy_compilation(false);
    // Elsewhere so much code would take long.
    let Ok(engine) = Engine::new(&config) else { return Ok(()) };
    for statements in [2_000, 6_000, 1] {
        runs(&engine, 20, statements)?;
    }
    Ok(())
}
