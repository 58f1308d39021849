//! A guest that calls the host.

use riser::{Caller, Engine, Func, Instance, Module, Result, Store};

/// What the store holds for the host.
struct Greeter {
    name: &'static str,
    greeted: u32,
}

/// Runs the example.
pub fn main() -> Result<()> {
    // Everything begins with an engine; modules are decoded and validated for one.
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "hello" (func $hello))
            (func (export "run") (call $hello)))"#,
    )?;

    // A store owns instances, functions and the like, and some data of ours.
    let mut store = Store::new(&engine, Greeter { name: "wasm", greeted: 0 });
    let hello = Func::wrap(&mut store, |mut caller: Caller<'_, Greeter>| {
        println!("Hello, {}!", caller.data().name);
        caller.data_mut().greeted += 1;
    });

    // Imports are given in the order of their declarations.
    let instance = Instance::new(&mut store, &module, &[hello.into()])?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    run.call(&mut store, ())?;
    assert_eq!(store.data().greeted, 1);
    Ok(())
}
