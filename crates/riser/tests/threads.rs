//! Shared memories: atomics, waiting and growing, from several threads.

use riser::*;
use std::thread;
use std::time::{Duration, Instant};

/// What the threads of the tests run.
const GUEST: &str = r#"(module
    (import "host" "memory" (memory $m 1 100 shared))
    (export "memory" (memory $m))
    (func (export "count") (param $n i32)
        (loop $again
            (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
            (drop (i64.atomic.rmw8.add_u (i32.const 9) (i64.const 1)))
            (drop (i32.atomic.rmw16.sub_u (i32.const 10) (i32.const 1)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (local.get $n))))
    ;; A mutex at address 16 (0 free, 1 taken, 2 taken and awaited) guards the plain number at address 32.
    (func $lock
        (local $seen i32)
        (local.set $seen (i32.atomic.rmw.cmpxchg (i32.const 16) (i32.const 0) (i32.const 1)))
        (block $have
            (loop $again
                (br_if $have (i32.eqz (local.get $seen)))
                (if (i32.or (i32.eq (local.get $seen) (i32.const 2))
                        (i32.ne (i32.atomic.rmw.cmpxchg (i32.const 16) (i32.const 1) (i32.const 2)) (i32.const 0)))
                    (then (drop (memory.atomic.wait32 (i32.const 16) (i32.const 2) (i64.const -1)))))
                (local.set $seen (i32.atomic.rmw.cmpxchg (i32.const 16) (i32.const 0) (i32.const 2)))
                (br $again))))
    (func $unlock
        (if (i32.ne (i32.atomic.rmw.sub (i32.const 16) (i32.const 1)) (i32.const 1))
            (then
                (i32.atomic.store (i32.const 16) (i32.const 0))
                (drop (memory.atomic.notify (i32.const 16) (i32.const 1))))))
    (func (export "guarded") (param $n i32)
        (loop $again
            (call $lock)
            (i64.store (i32.const 32) (i64.add (i64.load (i32.const 32)) (i64.const 3)))
            (call $unlock)
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (local.get $n))))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "load64") (param i32) (result i64) (i64.atomic.load (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "wait") (param i32 i32 i64) (result i32)
        (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32)
        (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "notify") (param i32 i32) (result i32)
        (memory.atomic.notify (local.get 0) (local.get 1))))"#;

struct World {
    engine: Engine,
    module: Module,
    memory: SharedMemory,
}

impl World {
    fn new() -> Result<World> {
        let engine = Engine::default();
        let module = Module::new(&engine, GUEST)?;
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 100))?;
        Ok(World { engine, module, memory })
    }

    fn guest(&self) -> Result<(Store<()>, Instance)> {
        let mut store = Store::new(&self.engine, ());
        let imports = [self.memory.clone().into()];
        let instance = Instance::new(&mut store, &self.module, &imports)?;
        Ok((store, instance))
    }

    /// Calls a function in a new store.
    fn call<P: WasmParams, R: WasmResults>(&self, name: &str, params: P) -> Result<R> {
        let (mut store, instance) = self.guest()?;
        instance.get_typed_func::<P, R>(&mut store, name)?.call(&mut store, params)
    }
}

fn trap(error: &Error) -> Option<Trap> {
    error.downcast_ref::<Trap>().copied()
}

#[test]
fn atomic_additions_of_many_threads_are_all_there() -> Result<()> {
    let world = World::new()?;
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| world.call::<_, ()>("count", 5000).unwrap());
        }
    });
    assert_eq!(world.call::<_, i32>("load", 0)?, 40_000);
    // 40,000 mod 2^8 in byte 9, its negation mod 2^16 in bytes 10 and 11, and neighbours untouched.
    let expected = (40_000_u32 & 0xFF) << 8 | u32::from(40_000_u16.wrapping_neg()) << 16;
    assert_eq!(world.call::<_, u32>("load", 8)?, expected);
    Ok(())
}

#[test]
fn a_mutex_of_wait_and_notify_guards_plain_accesses() -> Result<()> {
    let world = World::new()?;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| world.call::<_, ()>("guarded", 2000).unwrap());
        }
    });
    assert_eq!(world.call::<_, i64>("load64", 32)?, 24_000);
    Ok(())
}

#[test]
fn growth_is_seen_by_all_threads_and_moves_nothing() -> Result<()> {
    let world = World::new()?;
    let (mut store, instance) = world.guest()?;
    let load = instance.get_typed_func::<i32, i32>(&mut store, "load")?;
    let base = world.memory.data().as_ptr();
    let error = load.call(&mut store, 3 << 16).unwrap_err();
    assert_eq!(trap(&error), Some(Trap::MemoryOutOfBounds));
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(world.call::<_, i32>("grow", 3).unwrap(), 1);
            world.call::<_, ()>("store", (3 << 16, 77)).unwrap();
        });
    });
    assert_eq!(load.call(&mut store, 3 << 16)?, 77);
    assert_eq!((world.memory.size(), world.memory.data_size()), (4, 4 << 16));
    assert_eq!(world.memory.grow(96)?, 4);
    assert!(world.memory.grow(1).is_err());
    let size = instance.get_typed_func::<(), i32>(&mut store, "size")?;
    assert_eq!(size.call(&mut store, ())?, 100);
    assert_eq!(world.memory.data().as_ptr(), base);
    assert_eq!(world.memory.ty().minimum(), 1);
    Ok(())
}

#[test]
fn a_running_loop_sees_growth_by_another_thread() -> Result<()> {
    let world = World::new()?;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    world.call::<_, i32>("grow", 1).unwrap();
                }
            });
        }
        while world.call::<_, i32>("size", ()).unwrap() < 81 {
            thread::yield_now();
        }
    });
    assert_eq!(world.memory.size(), 81);
    Ok(())
}

#[test]
fn waiting_ends_by_mismatch_timeout_or_notification() -> Result<()> {
    let world = World::new()?;
    assert_eq!(world.call::<_, i32>("wait", (0, 1, -1_i64))?, 1);
    assert_eq!(world.call::<_, i32>("wait64", (8, 1_i64, -1_i64))?, 1);
    let start = Instant::now();
    assert_eq!(world.call::<_, i32>("wait", (0, 0, 5_000_000_i64))?, 2);
    assert!(start.elapsed() >= Duration::from_millis(5));
    assert_eq!(world.call::<_, i32>("wait64", (8, 0_i64, 0_i64))?, 2);
    assert_eq!(world.call::<_, i32>("notify", (0, -1))?, 0);
    let timeout = Some(Duration::from_millis(1));
    assert_eq!(world.memory.atomic_wait32(0, 0, timeout)?, WaitResult::TimedOut);
    assert_eq!(world.memory.atomic_wait64(8, 5, None)?, WaitResult::Mismatch);

    thread::scope(|scope| {
        let guest = scope.spawn(|| world.call::<_, i32>("wait", (64, 0, -1_i64)).unwrap());
        let host = scope.spawn(|| world.memory.atomic_wait64(64, 0, None).unwrap());
        let mut woken = 0;
        while woken < 2 {
            woken += world.memory.atomic_notify(64, 1).unwrap();
        }
        assert_eq!((guest.join().unwrap(), host.join().unwrap()), (0, WaitResult::Ok));
    });
    Ok(())
}

#[test]
fn what_is_unaligned_or_out_of_bounds_traps() -> Result<()> {
    let world = World::new()?;
    let error = world.call::<_, i32>("wait", (2, 0, 0_i64)).unwrap_err();
    assert_eq!(trap(&error), Some(Trap::HeapMisaligned));
    let error = world.call::<_, i32>("notify", (65536, 0)).unwrap_err();
    assert_eq!(trap(&error), Some(Trap::MemoryOutOfBounds));
    let error = world.call::<_, i64>("load64", 65532).unwrap_err();
    assert_eq!(trap(&error), Some(Trap::HeapMisaligned));
    let error = world.call::<_, i64>("load64", -8).unwrap_err();
    assert_eq!(trap(&error), Some(Trap::MemoryOutOfBounds));
    assert_eq!(world.memory.atomic_notify(u64::MAX - 3, 1), Err(Trap::MemoryOutOfBounds));
    assert_eq!(world.memory.atomic_wait64(4, 0, None), Err(Trap::HeapMisaligned));
    Ok(())
}

#[test]
fn memories_of_one_store_have_atomics_but_nobody_waits() -> Result<()> {
    let text = r#"(module (memory 1) (memory $wide i64 1)
        (func (export "add") (result i32)
            (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 5)))
            (i64.atomic.store32 $wide (i64.const 8) (i64.const 0x1_0000_0007))
            (atomic.fence)
            (i32.add (i32.atomic.load (i32.const 4))
                (i32.atomic.rmw.cmpxchg $wide offset=4 (i64.const 4) (i32.const 7) (i32.const 1))))
        ;; What is expected is cut to the width of the access.
        (func (export "narrow") (result i32)
            (i32.store (i32.const 16) (i32.const 0x55667788))
            (i32.add
                (i32.atomic.rmw8.cmpxchg_u (i32.const 16) (i32.const 0x1188) (i32.const 0x2299))
                (i32.load (i32.const 16))))
        (func (export "notify") (result i32) (memory.atomic.notify (i32.const 0) (i32.const 1)))
        (func (export "wait") (result i32)
            (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))"#;
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    let mut call = |name: &str| -> Result<i32> {
        instance.get_typed_func::<(), i32>(&mut store, name)?.call(&mut store, ())
    };
    assert_eq!((call("add")?, call("notify")?), (12, 0));
    assert_eq!(call("narrow")?, 0x5566_7799 + 0x88);
    let error = call("wait").unwrap_err();
    assert_eq!(trap(&error), Some(Trap::AtomicWaitNonSharedMemory));
    Ok(())
}

#[test]
fn an_exported_shared_memory_goes_to_other_stores() -> Result<()> {
    let engine = Engine::default();
    let text = r#"(module (memory (export "memory") 1 100 shared) (data (i32.const 0) "\2A"))"#;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    assert!(instance.get_memory(&mut store, "memory").is_none());
    let memory = instance.get_shared_memory(&mut store, "memory").unwrap();
    drop(store);
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.define(&store, "host", "memory", memory.clone())?;
    let instance = linker.instantiate(&mut store, &module)?;
    let load = instance.get_typed_func::<i32, i32>(&mut store, "load")?;
    assert_eq!(load.call(&mut store, 0)?, 42);
    // The same linker serves another store, and the export is the same memory again.
    let mut other = Store::new(&engine, ());
    let pre = linker.instantiate_pre(&module)?;
    let instance = pre.instantiate(&mut other)?;
    let again = instance.get_shared_memory(&mut other, "memory").unwrap();
    assert_eq!(again.data().as_ptr(), memory.data().as_ptr());
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let world = World::new()?;
    let mut store = Store::new(&world.engine, ());
    assert!(Memory::new(&mut store, MemoryType::shared(1, 1)).is_err());
    assert!(SharedMemory::new(&world.engine, MemoryType::new(1, Some(1))).is_err());
    let own = Memory::new(&mut store, MemoryType::new(1, Some(100)))?;
    assert!(Instance::new(&mut store, &world.module, &[own.into()]).is_err());
    let large = SharedMemory::new(&world.engine, MemoryType::shared(1, 101))?;
    assert!(Instance::new(&mut store, &world.module, &[large.into()]).is_err());
    let foreign = SharedMemory::new(&Engine::default(), MemoryType::shared(1, 100))?;
    assert!(Instance::new(&mut store, &world.module, &[foreign.into()]).is_err());
    Ok(())
}
