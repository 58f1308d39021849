//! Two modules, one using the other's memory and functions, found by name.

use riser::{Caller, Context, Engine, Extern, Linker, Module, Result, Store};

/// Prints bytes of its own memory through the host.
const LOGGER: &str = r#"(module
    (import "host" "write" (func $write (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "log") (param $at i32) (param $len i32)
        (call $write (local.get $at) (local.get $len))))"#;

/// Puts text into the logger's memory.
const MAIN: &str = r#"(module
    (import "logger" "memory" (memory 1))
    (import "logger" "log" (func $log (param i32 i32)))
    (data (i32.const 0) "Hello, linked world!")
    (func (export "run") (call $log (i32.const 0) (i32.const 20))))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "write", |mut caller: Caller<'_, String>, at: u32, len: u32| {
        let memory = caller.get_export("memory").and_then(Extern::into_memory);
        let memory = memory.context("the guest exports no memory")?;
        let (bytes, written) = memory.data_and_store_mut(&mut caller);
        let text = bytes.get(at as usize..).and_then(|bytes| bytes.get(..len as usize));
        written.push_str(std::str::from_utf8(text.context("out of bounds")?)?);
        Ok(())
    })?;

    let mut store = Store::new(&engine, String::new());
    let logger = linker.instantiate(&mut store, &Module::new(&engine, LOGGER)?)?;
    linker.instance(&mut store, "logger", logger)?;

    let main = linker.instantiate(&mut store, &Module::new(&engine, MAIN)?)?;
    main.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
    println!("{}", store.data());
    assert_eq!(store.data(), "Hello, linked world!");
    Ok(())
}
