//! Several threads, each with a store of its own, work in one shared memory and wake each other.

use riser::{Engine, Linker, Module, Result, SharedMemory, Store, WaitResult};
use riser::{Error, MemoryType};
use std::thread;

/// Adds up the numbers from `first` to `last`, then adds the sum to address 0 and counts itself at address 8.
const WORKER: &str = r#"(module
    (import "host" "memory" (memory 1 1 shared))
    (func (export "work") (param $first i64) (param $last i64)
        (local $sum i64)
        (loop $next
            (local.set $sum (i64.add (local.get $sum) (local.get $first)))
            (local.set $first (i64.add (local.get $first) (i64.const 1)))
            (br_if $next (i64.le_u (local.get $first) (local.get $last))))
        (drop (i64.atomic.rmw.add (i32.const 0) (local.get $sum)))
        (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
        (drop (memory.atomic.notify (i32.const 8) (i32.const 1))))
    (func (export "finished") (result i32) (i32.atomic.load (i32.const 8)))
    (func (export "sum") (result i64) (i64.atomic.load (i32.const 0))))"#;

const WORKERS: u32 = 4;
const EACH: i64 = 100_000;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, WORKER)?;
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1))?;

    let workers: Vec<thread::JoinHandle<Result<()>>> = (0..i64::from(WORKERS))
        .map(|number| {
            let (engine, module, memory) = (engine.clone(), module.clone(), memory.clone());
            thread::spawn(move || {
                let mut store = Store::new(&engine, ());
                let mut linker = Linker::new(&engine);
                linker.define(&store, "host", "memory", memory)?;
                let instance = linker.instantiate(&mut store, &module)?;
                let work = instance.get_typed_func::<(i64, i64), ()>(&mut store, "work")?;
                work.call(&mut store, (number * EACH + 1, (number + 1) * EACH))
            })
        })
        .collect();

    // The host waits as a guest would: while the count is what it was, until somebody changes it and says so.
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.define(&store, "host", "memory", memory.clone())?;
    let instance = linker.instantiate(&mut store, &module)?;
    let finished = instance.get_typed_func::<(), u32>(&mut store, "finished")?;
    loop {
        let count = finished.call(&mut store, ())?;
        if count == WORKERS {
            break;
        }
        let woken = memory.atomic_wait32(8, count, None)?;
        println!("{}", if woken == WaitResult::Ok { "a worker is done" } else { "too late" });
    }
    for worker in workers {
        worker.join().map_err(|_| Error::msg("a worker panicked"))??;
    }

    let sum = instance.get_typed_func::<(), i64>(&mut store, "sum")?.call(&mut store, ())?;
    println!("1 + 2 + … + {} = {sum}", i64::from(WORKERS) * EACH);
    assert_eq!(sum, 80_000_200_000);
    Ok(())
}
