//! Says where in the source a guest trapped.

use riser::{Config, Engine, Instance, Module, Result, Store, Trap, WasmBacktrace};

const PROGRAM: &[u8] = include_bytes!("../tests/fixtures/average.wasm");

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::new(Config::new().symbolizer(riser_inspect::symbolizer()))?;
    let module = Module::new(&engine, PROGRAM)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let main = instance.get_typed_func::<i32, i32>(&mut store, "main")?;

    let error = main.call(&mut store, 0).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::UnreachableCodeReached));
    let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a trap has frames");
    for frame in backtrace.frames() {
        for symbol in frame.symbols() {
            let name = symbol.name().unwrap_or("a function");
            println!("{name} in {}:{}", symbol.file().unwrap_or("?"), symbol.line().unwrap_or(0));
        }
    }
    Ok(())
}
