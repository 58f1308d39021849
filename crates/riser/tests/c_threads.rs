//! Threads that Rust did not make: an embedder's C program has them, with stacks of any size, and nothing was prepared on them. Wasm runs on
//! them, traps, overflows its stack and is interrupted like anywhere else.

mod common;

use common::{configs, trap};
use riser::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const GUEST: &str = r#"(module
    (import "host" "call" (func $call (param i32) (result i32)))
    (memory 1)
    (func $sum (export "sum") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (local.get 0) (call $sum (i32.sub (local.get 0) (i32.const 1)))))
            (else (call $call (i32.const 0)))))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func (export "unreachable") (param i32) (result i32) (unreachable))
    (func $deep (export "deep") (param i32) (result i32) (i32.add (call $deep (local.get 0)) (call $deep (i32.const 1))))
    ;; From the guest to the host and back, until a stack ends.
    (func (export "between") (param i32) (result i32) (call $call (i32.const 1)))
    (func (export "endless") (param i32) (result i32) (loop $more (br $more)) (unreachable))
)"#;

/// An instance in a store of its own, whose host function goes back to the guest if it is asked to.
fn guest(engine: &Engine) -> Result<(Store<()>, Instance)> {
    let module = Module::new(engine, GUEST)?;
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1);
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "call", |mut caller: Caller<'_, ()>, again: i32| -> Result<i32> {
        if again == 0 {
            return Ok(0);
        }
        let between = caller.get_export("between").and_then(Extern::into_func);
        between.expect("it is exported").typed::<i32, i32>(&caller)?.call(&mut caller, 1)
    })?;
    let instance = linker.instantiate(&mut store, &module)?;
    Ok((store, instance))
}

fn call(store: &mut Store<()>, instance: Instance, name: &str, argument: i32) -> Result<i32> {
    instance.get_typed_func::<i32, i32>(&mut *store, name)?.call(store, argument)
}

/// Runs, traps in all ways, overflows, and runs again.
fn all_ways(engine: &Engine) -> Result<()> {
    let (mut store, instance) = guest(engine)?;
    for _ in 0..3 {
        assert_eq!(call(&mut store, instance, "sum", 100)?, 5050);
        for (name, argument, expected) in [
            ("load", -1, Trap::MemoryOutOfBounds),
            ("load", 65533, Trap::MemoryOutOfBounds),
            ("divide", 0, Trap::IntegerDivisionByZero),
            ("unreachable", 0, Trap::UnreachableCodeReached),
            ("deep", 0, Trap::StackOverflow),
            ("between", 0, Trap::StackOverflow),
        ] {
            let error = call(&mut store, instance, name, argument).unwrap_err();
            assert_eq!(trap(&error), expected, "{name}");
        }
    }
    assert_eq!(call(&mut store, instance, "sum", 1000)?, 500_500);
    Ok(())
}

fn engines() -> Result<Vec<Engine>> {
    configs().into_iter().map(|mut config| Engine::new(config.epoch_interruption(true))).collect()
}

/// Runs something on a thread of the C library's, if this platform has them.
fn on_c_thread(stack_bytes: usize, body: &(dyn Fn() -> Result<()> + Sync)) -> Result<()> {
    let outcome = Mutex::new(Ok(()));
    let run = || *outcome.lock().unwrap() = body();
    match riser_sys::on_c_thread(stack_bytes, &run) {
        Ok(()) => outcome.into_inner().unwrap(),
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[test]
fn wasm_runs_traps_and_overflows_there() -> Result<()> {
    for engine in engines()? {
        for stack_bytes in [512 << 10, 1 << 20, 8 << 20] {
            on_c_thread(stack_bytes, &|| all_ways(&engine))?;
        }
    }
    Ok(())
}

#[test]
fn many_threads_come_and_go() -> Result<()> {
    for engine in engines()? {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let more = || on_c_thread(1 << 20, &|| all_ways(&engine));
                    scope.spawn(move || (0..3).try_for_each(|_| more()))
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap())
        })?;
    }
    Ok(())
}

#[test]
fn a_store_that_was_made_there_goes_on_elsewhere() -> Result<()> {
    for engine in engines()? {
        let made = Mutex::new(None);
        on_c_thread(1 << 20, &|| {
            let (mut store, instance) = guest(&engine)?;
            assert_eq!(call(&mut store, instance, "sum", 10)?, 55);
            *made.lock().unwrap() = Some((store, instance));
            Ok(())
        })?;
        let Some((mut store, instance)) = made.into_inner().unwrap() else { continue };
        assert_eq!(call(&mut store, instance, "sum", 20)?, 210);
        let error = call(&mut store, instance, "deep", 0).unwrap_err();
        assert_eq!(trap(&error), Trap::StackOverflow);
    }
    Ok(())
}

#[test]
fn loops_are_interrupted_there() -> Result<()> {
    for engine in engines()? {
        for _ in 0..20 {
            let running = AtomicBool::new(false);
            thread::scope(|scope| {
                let ticker = scope.spawn(|| {
                    while !running.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    thread::sleep(std::time::Duration::from_micros(200));
                    engine.increment_epoch();
                });
                let outcome = on_c_thread(1 << 20, &|| {
                    let (mut store, instance) = guest(&engine)?;
                    running.store(true, Ordering::Release);
                    let error = call(&mut store, instance, "endless", 0).unwrap_err();
                    assert_eq!(trap(&error), Trap::Interrupt);
                    store.set_epoch_deadline(1000);
                    assert_eq!(call(&mut store, instance, "sum", 10)?, 55);
                    Ok(())
                });
                // If there was no thread, or it has failed.
                running.store(true, Ordering::Release);
                ticker.join().unwrap();
                outcome
            })?;
        }
    }
    Ok(())
}
