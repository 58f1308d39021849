//! Functions with several results, in both directions.

use riser::{Context, Engine, Func, Instance, Module, Result, Store, Val};

const MODULE: &str = r#"(module
    (import "" "swap" (func $swap (param i32 i64) (result i64 i32)))
    (func (export "swapped") (param i32 i64) (result i64 i32)
        (call $swap (local.get 0) (local.get 1)))
    (func (export "reversed")
        (param i64 i64 i64 i64 i64) (result i64 i64 i64 i64 i64)
        local.get 4 local.get 3 local.get 2 local.get 1 local.get 0))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let swap = Func::wrap(&mut store, |a: i32, b: i64| (b, a));
    let module = Module::new(&engine, MODULE)?;
    let instance = Instance::new(&mut store, &module, &[swap.into()])?;

    let swapped = instance.get_typed_func::<(i32, i64), (i64, i32)>(&mut store, "swapped")?;
    let (a, b) = swapped.call(&mut store, (1, 2))?;
    println!("swapped: {a} {b}");
    assert_eq!((a, b), (2, 1));

    // The same without types at compile time.
    let reversed = instance.get_func(&mut store, "reversed").context("no export")?;
    let args = [1, 2, 3, 4, 5].map(Val::I64);
    let mut results = [Val::I64(0); 5];
    reversed.call(&mut store, &args, &mut results)?;
    println!("reversed: {:?}", results.map(|val| val.unwrap_i64()));
    assert_eq!(results.map(|val| val.unwrap_i64()), [5, 4, 3, 2, 1]);
    Ok(())
}
