//! More memories than there are addresses for: each may reserve 4 GiB and what static offsets reach, and a process has 128 TiB.
//!
//! One test, alone in its process, since it takes nearly all of them.

use riser::*;

#[test]
fn more_memories_than_addresses_are_an_error() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module (memory 1)
            (func (export "answer") (result i32)
                (i32.store (i32.const 65532) (i32.const 42)) (i32.load (i32.const 65532))))"#,
    )?;
    // Twice: what was reserved is given back.
    for _ in 0..2 {
        let mut store = Store::new(&engine, ());
        let ty = MemoryType::new(1, None);
        let mut made = 0;
        let error = loop {
            match Memory::new(&mut store, ty.clone()) {
                Ok(_) => made += 1,
                Err(error) => break Some(error),
            }
            if made == 40_000 {
                break None;
            }
        };
        // The system may have more addresses than today's.
        if let Some(error) = error {
            assert!(made > 1000, "only {made}: {error:?}");
            assert!(format!("{error:?}").contains("out of memory"), "{error:?}");
            let refused = Instance::new(&mut store, &module, &[]).unwrap_err();
            assert!(format!("{refused:?}").contains("out of memory"), "{refused:?}");
        }
        drop(store);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        assert_eq!(
            instance.get_typed_func::<(), i32>(&mut store, "answer")?.call(&mut store, ())?,
            42
        );
    }
    Ok(())
}
