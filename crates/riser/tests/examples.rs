//! Runs the examples: each asserts what it shows.

#[path = "../examples/exceptions.rs"]
mod exceptions;
#[path = "../examples/externref.rs"]
mod externref;
#[path = "../examples/fuel.rs"]
mod fuel;
#[path = "../examples/gc.rs"]
mod gc;
#[path = "../examples/gcd.rs"]
mod gcd;
#[path = "../examples/hello.rs"]
mod hello;
#[path = "../examples/interrupt.rs"]
mod interrupt;
#[path = "../examples/limits.rs"]
mod limits;
#[path = "../examples/linking.rs"]
mod linking;
#[path = "../examples/memory.rs"]
mod memory;
#[path = "../examples/multi-value.rs"]
mod multi_value;
#[path = "../examples/tables.rs"]
mod tables;

#[test]
fn the_examples_hold() -> riser::Result<()> {
    hello::main()?;
    gc::main()?;
    gcd::main()?;
    linking::main()?;
    memory::main()?;
    multi_value::main()?;
    exceptions::main()?;
    externref::main()?;
    fuel::main()?;
    interrupt::main()?;
    limits::main()?;
    tables::main()
}
