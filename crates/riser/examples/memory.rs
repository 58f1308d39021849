//! Reads, writes and grows a guest's memory from the host.

use riser::{Context, Engine, Instance, Memory, MemoryType, Module, Result, Store, Trap};

const MODULE: &str = r#"(module
    (memory (export "memory") 2 3)
    (func (export "size") (result i32) memory.size)
    (func (export "load") (param i32) (result i32) (i32.load8_s (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (data (i32.const 0x1000) "\01\02\03\04"))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, MODULE)?, &[])?;
    let memory = instance.get_memory(&mut store, "memory").context("no memory")?;
    let size = instance.get_typed_func::<(), u32>(&mut store, "size")?;
    let load = instance.get_typed_func::<u32, i32>(&mut store, "load")?;
    let write = instance.get_typed_func::<(u32, i32), ()>(&mut store, "store")?;

    println!("reading what the data segment put there");
    assert_eq!(memory.data(&store)[0x1000..0x1004], [1, 2, 3, 4]);
    assert_eq!(load.call(&mut store, 0x1003)?, 4);

    println!("writing from both sides");
    memory.data_mut(&mut store)[0x1003] = 5;
    assert_eq!(load.call(&mut store, 0x1003)?, 5);
    write.call(&mut store, (0x1002, 6))?;
    let mut bytes = [0; 2];
    memory.read(&store, 0x1002, &mut bytes)?;
    assert_eq!(bytes, [6, 5]);

    println!("beyond the end there is a trap for the guest and an error for the host");
    let error = load.call(&mut store, 0x20000).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds));
    assert!(memory.write(&mut store, 0x20000, &[0]).is_err());

    println!("growing");
    assert_eq!(memory.grow(&mut store, 1)?, 2);
    assert_eq!(size.call(&mut store, ())?, 3);
    assert_eq!(load.call(&mut store, 0x20000)?, 0);
    assert!(memory.grow(&mut store, 1).is_err(), "the module says at most 3 pages");

    println!("memories without a module");
    let own = Memory::new(&mut store, MemoryType::new(5, Some(5)))?;
    assert_eq!((own.size(&store), own.data_size(&store)), (5, 5 << 16));
    assert!(own.grow(&mut store, 1).is_err());
    Ok(())
}
