//! Bounds what a guest computes, by a measure that does not depend on the machine.

use riser::*;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let module = Module::new(
        &engine,
        r#"(module
            (func $fib (export "fib") (param i32) (result i32)
                (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
                    (then (local.get 0))
                    (else (i32.add
                        (call $fib (i32.sub (local.get 0) (i32.const 1)))
                        (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let fib = instance.get_typed_func::<u32, u32>(&mut store, "fib")?;

    for n in 1.. {
        store.set_fuel(10_000)?;
        match fib.call(&mut store, n) {
            Ok(result) => println!("fib({n}) = {result} took {}", 10_000 - store.get_fuel()?),
            Err(error) => {
                assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel));
                println!("fib({n}) takes more than 10000");
                break;
            }
        }
    }
    Ok(())
}
