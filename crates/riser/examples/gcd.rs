//! Computes with a guest: the greatest common divisor.

use riser::{Engine, Instance, Module, Result, Store};

const GCD: &str = r#"(module
    (func $gcd (export "gcd") (param $a i32) (param $b i32) (result i32)
        (if (result i32) (i32.eqz (local.get $b))
            (then (local.get $a))
            (else (return_call $gcd
                (local.get $b)
                (i32.rem_u (local.get $a) (local.get $b)))))))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GCD)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;

    // The types are checked here, once; each call then goes straight in.
    let gcd = instance.get_typed_func::<(u32, u32), u32>(&mut store, "gcd")?;
    let result = gcd.call(&mut store, (6, 27))?;
    println!("gcd(6, 27) = {result}");
    assert_eq!(result, 3);
    assert_eq!(gcd.call(&mut store, (1 << 20, 48))?, 16);
    Ok(())
}
