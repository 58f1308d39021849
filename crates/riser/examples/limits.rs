//! Limits on what a guest may take.

use riser::*;

/// The host's data: limits, beside whatever else a host has.
struct State {
    limits: StoreLimits,
}

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (memory (export "memory") 1)
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    )?;
    let limits = StoreLimitsBuilder::new().memory_size(10 << 16).instances(1).build();
    let mut store = Store::new(&engine, State { limits });
    store.limiter(|state| &mut state.limits);

    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow")?;
    assert_eq!(grow.call(&mut store, 9)?, 1, "the old size");
    assert_eq!(grow.call(&mut store, 1)?, -1, "more than ten pages");
    assert!(Instance::new(&mut store, &module, &[]).is_err(), "a second instance");

    // Instead of an answer that the guest may handle, an error that ends it.
    store.data_mut().limits =
        StoreLimitsBuilder::new().memory_size(10 << 16).trap_on_grow_failure(true).build();
    let error = grow.call(&mut store, 1).unwrap_err();
    println!("{error:?}");
    Ok(())
}
