//! Stops a guest that does not end, from another thread.

use riser::*;
use std::thread;
use std::time::Duration;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let module = Module::new(
        &engine,
        r#"(module
            (func (export "spin") (loop (br 0)))
            (func (export "answer") (result i32) (i32.const 42)))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;

    // One tick from now the store's time is up.
    store.set_epoch_deadline(1);
    let clock = engine.clone();
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        clock.increment_epoch();
    });
    let error = spin.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
    println!("{error:?}");
    timer.join().expect("the timer does not panic");

    // The store is as good as before, once it has time again.
    store.set_epoch_deadline(1);
    let answer = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
    assert_eq!(answer.call(&mut store, ())?, 42);
    Ok(())
}
