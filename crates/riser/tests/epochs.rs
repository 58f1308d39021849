//! Guests that do not end are stopped by epochs.

mod common;

use common::trap;
use riser::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ENDLESS: &str = r#"(module
    (type $f (func)) (table funcref (elem $tail $indirect $other))
    (memory 1)
    (func (export "loop") (loop br 0))
    (func $tail (export "tail") return_call $tail)
    (func $indirect (export "indirect") (return_call_indirect (type $f) (i32.const 1)))
    (func $other (export "ref") (return_call_ref $f (ref.func $other)))
    (func $calls (export "calls") (loop (call $leaf) (br 0)))
    (func $leaf)
    (func (export "switch") (param i32) (loop (br_table 0 0 0 (local.get 0))))
    (func $branches (export "branches") (param i32)
        (block (loop (br_if 0 (i32.eqz (i32.load (i32.const 0)))))))
    (func $deep (export "deep") (call $deep) (call $deep))
    (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add
                (call $fib (i32.sub (local.get 0) (i32.const 1)))
                (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "answer") (result i32) (local i64)
        (loop (br_if 0 (i64.lt_u (local.tee 0 (i64.add (local.get 0) (i64.const 1))) (i64.const 9))))
        (i32.wrap_i64 (local.get 0))))"#;

fn engine() -> Result<Engine> {
    Engine::new(Config::new().epoch_interruption(true))
}

fn ready(engine: &Engine) -> Result<(Store<u32>, Instance)> {
    let module = Module::new(engine, ENDLESS)?;
    let mut store = Store::new(engine, 0);
    let instance = Instance::new(&mut store, &module, &[])?;
    Ok((store, instance))
}

fn answer(store: &mut Store<u32>, instance: Instance) -> Result<i32> {
    instance.get_typed_func::<(), i32>(&mut *store, "answer")?.call(store, ())
}

#[test]
fn nothing_runs_for_ever() -> Result<()> {
    let engine = engine()?;
    let (mut store, instance) = ready(&engine)?;
    let arguments = [Val::I32(0)];
    for (name, count) in [
        ("loop", 0),
        ("tail", 0),
        ("indirect", 0),
        ("ref", 0),
        ("calls", 0),
        ("switch", 1),
        ("branches", 1),
    ] {
        let clock = engine.clone();
        store.set_epoch_deadline(2);
        let func = instance.get_func(&mut store, name).unwrap();
        let timer = thread::spawn(move || {
            for _ in 0..2 {
                thread::sleep(Duration::from_millis(5));
                clock.increment_epoch();
            }
        });
        let error = func.call(&mut store, &arguments[..count], &mut []).unwrap_err();
        timer.join().unwrap();
        assert_eq!(trap(&error), Trap::Interrupt, "{name}");
        let frames = error.downcast_ref::<WasmBacktrace>().map_or(0, |trace| trace.frames().len());
        // Time can be up while the function is being compiled: then it has not begun.
        assert!(frames > 0 || engine.is_compiled(), "{name}");
        store.set_epoch_deadline(1);
        assert_eq!(answer(&mut store, instance)?, 9);
    }
    Ok(())
}

#[test]
fn recursion_is_stopped() -> Result<()> {
    let engine = engine()?;
    let (mut store, instance) = ready(&engine)?;
    let clock = engine.clone();
    store.set_epoch_deadline(1);
    let fib = instance.get_typed_func::<i32, i32>(&mut store, "fib")?;
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        clock.increment_epoch();
    });
    // Would take years.
    assert_eq!(trap(&fib.call(&mut store, 80).unwrap_err()), Trap::Interrupt);
    timer.join().unwrap();
    store.set_epoch_deadline(1);
    assert_eq!(fib.call(&mut store, 10)?, 55);
    // Recursion without end meets the end of the stack first.
    let deep = instance.get_typed_func::<(), ()>(&mut store, "deep")?;
    assert_eq!(trap(&deep.call(&mut store, ()).unwrap_err()), Trap::StackOverflow);
    assert_eq!(answer(&mut store, instance)?, 9);
    Ok(())
}

#[test]
fn deadlines_are_counted_in_ticks() -> Result<()> {
    let engine = engine()?;
    let (mut store, instance) = ready(&engine)?;
    // A new store has no time.
    assert_eq!(trap(&answer(&mut store, instance).unwrap_err()), Trap::Interrupt);
    store.set_epoch_deadline(2);
    engine.increment_epoch();
    assert_eq!(answer(&mut store, instance)?, 9);
    engine.increment_epoch();
    assert_eq!(trap(&answer(&mut store, instance).unwrap_err()), Trap::Interrupt);
    store.set_epoch_deadline(u64::MAX);
    engine.increment_epoch();
    assert_eq!(answer(&mut store, instance)?, 9);
    // Without the option nobody looks.
    let (mut store, instance) = ready(&Engine::default())?;
    store.engine().increment_epoch();
    assert_eq!(answer(&mut store, instance)?, 9);
    Ok(())
}

#[test]
fn a_callback_extends_the_deadline() -> Result<()> {
    let engine = engine()?;
    let (mut store, instance) = ready(&engine)?;
    // The function is entered, and its loop has nine turns: ten looks, each after a tick.
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        Ok(UpdateDeadline::Continue(0))
    });
    assert_eq!(answer(&mut store, instance)?, 9);
    // Compiled code does not look by itself: the callback is asked when code is entered, and when somebody ticks.
    let asked = *store.data();
    assert!(if engine.is_compiled() { asked >= 1 } else { asked == 10 }, "{asked}");
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Interrupt));
    assert_eq!(trap(&answer(&mut store, instance).unwrap_err()), Trap::Interrupt);
    store.epoch_deadline_callback(|_| bail!("enough"));
    assert!(format!("{:?}", answer(&mut store, instance).unwrap_err()).contains("enough"));
    store.epoch_deadline_callback(|_| panic!("enough"));
    assert!(catch_unwind(AssertUnwindSafe(|| answer(&mut store, instance))).is_err());
    store.epoch_deadline_trap();
    assert_eq!(trap(&answer(&mut store, instance).unwrap_err()), Trap::Interrupt);
    store.set_epoch_deadline(1);
    assert_eq!(answer(&mut store, instance)?, 9);
    Ok(())
}

#[test]
fn a_callback_may_use_the_store() -> Result<()> {
    let engine = engine()?;
    let (mut store, instance) = ready(&engine)?;
    let module = Module::new(
        &engine,
        r#"(module (memory (export "memory") 1)
            (func (export "reach") (result i32)
                (loop (br_if 0 (i32.eqz (memory.size))))
                (i32.load8_u (i32.const 65536))))"#,
    )?;
    let other = Instance::new(&mut store, &module, &[])?;
    let reach = other.get_typed_func::<(), i32>(&mut store, "reach")?;
    let memory = other.get_memory(&mut store, "memory").unwrap();
    let inner = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
    store.epoch_deadline_callback(move |mut store| {
        // A guest inside the callback has its own time, or traps.
        assert_eq!(trap(&inner.call(&mut store, ()).unwrap_err()), Trap::Interrupt);
        store.set_epoch_deadline(1);
        assert_eq!(inner.call(&mut store, ())?, 9);
        if memory.size(&store) == 1 {
            memory.grow(&mut store, 1)?;
            memory.data_mut(&mut store)[65536] = 77;
        }
        Ok(UpdateDeadline::Continue(1))
    });
    assert_eq!(reach.call(&mut store, ())?, 77);
    Ok(())
}

/// Compiled code waits between two instructions while the host decides: it may have read where a table is, or where the next
/// object goes.
#[test]
fn nothing_moves_under_interrupted_code() -> Result<()> {
    let engine = engine()?;
    let module = Module::new(
        &engine,
        r#"(module
            (type $f (func)) (type $s (struct (field i32)))
            (table $t (export "table") 4 funcref) (elem (i32.const 0) $nop)
            (memory (export "wide") i64 1)
            (func $nop)
            (func (export "grow") (result i32) (table.grow $t (ref.null func) (i32.const 1)))
            (func (export "make") (drop (struct.new $s (i32.const 1))))
            (func (export "spin") (loop (call_indirect $t (type $f) (i32.const 0)) (br 0))))"#,
    )?;
    let mut store = Store::new(&engine, 0);
    let instance = Instance::new(&mut store, &module, &[])?;
    let table = instance.get_table(&mut store, "table").unwrap();
    let grow = instance.get_typed_func::<(), i32>(&mut store, "grow")?;
    let make = instance.get_typed_func::<(), ()>(&mut store, "make")?;
    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;
    let may = !engine.is_compiled();
    let again = make.clone();
    store.epoch_deadline_callback(move |mut store| {
        store.set_epoch_deadline(u64::MAX / 2);
        assert_eq!(table.grow(&mut store, 100_000, Ref::Func(None)).is_ok(), may);
        assert_eq!(grow.call(&mut store, ())? >= 0, may);
        assert_eq!(again.call(&mut store, ()).is_ok(), may);
        assert_eq!(ExternRef::new(&mut store, 5_u32).is_ok(), may);
        *store.data_mut() += 1;
        Ok(match *store.data() < 20 {
            true => UpdateDeadline::Continue(1),
            false => UpdateDeadline::Interrupt,
        })
    });
    store.set_epoch_deadline(1);
    let weak = engine.weak();
    let ticker = thread::spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(trap(&spin.call(&mut store, ()).unwrap_err()), Trap::Interrupt);
    assert_eq!(*store.data(), 20);
    // Afterwards everything may grow again.
    store.set_epoch_deadline(u64::MAX / 2);
    assert!(table.grow(&mut store, 1, Ref::Func(None)).is_ok());
    make.call(&mut store, ())?;
    ExternRef::new(&mut store, 5_u32)?;
    drop((spin, make, module, store, engine));
    ticker.join().unwrap();
    Ok(())
}

/// A module that waits for ever in shared memory, or turns for ever.
const WAITING: &str = r#"(module
    (memory 1 1 shared)
    (func (export "wait") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
    (func (export "spin") (loop br 0)))"#;

fn interruptible() -> Result<(Store<()>, Instance)> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(u64::MAX);
    let instance = Instance::new(&mut store, &Module::new(&engine, WAITING)?, &[])?;
    Ok((store, instance))
}

#[test]
fn a_handle_interrupts_waiting_and_turning() -> Result<()> {
    for name in ["wait", "spin"] {
        for pause in [0, 1, 20] {
            let (mut store, instance) = interruptible()?;
            let handle = store.interrupt_handle()?;
            let endless = instance.get_typed_func::<(), ()>(&mut store, name)?;
            let thread = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(pause));
                handle.interrupt();
            });
            let error = endless.call(&mut store, ()).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt), "{name}");
            thread.join().unwrap();
        }
    }
    Ok(())
}

#[test]
fn an_interrupted_store_stays_so() -> Result<()> {
    let (mut store, instance) = interruptible()?;
    let handle = store.interrupt_handle()?;
    assert!(!handle.is_interrupted());
    handle.clone().interrupt();
    assert!(handle.is_interrupted());
    for name in ["wait", "spin"] {
        store.set_epoch_deadline(u64::MAX);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(u64::MAX)));
        let endless = instance.get_typed_func::<(), ()>(&mut store, name)?;
        let error = endless.call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt), "{name}");
    }
    Ok(())
}

#[test]
fn a_handle_may_outlive_its_store() -> Result<()> {
    let (mut store, _) = interruptible()?;
    let handle = store.interrupt_handle()?;
    drop(store);
    handle.interrupt();
    let mut other = Store::new(&Engine::default(), ());
    let error = other.interrupt_handle().unwrap_err();
    assert!(error.to_string().contains("epoch_interruption"), "{error}");
    Ok(())
}

/// Computes with numbers of all types, with memory, calls and a recursion.
const MIXER: &str = r#"(module
    (memory 1)
    (type $fib (func (param i64) (result i64)))
    (table funcref (elem $fib))
    (func $fib (type $fib)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
            (then (local.get 0))
            (else (i64.add
                (call $fib (i64.sub (local.get 0) (i64.const 1)))
                (call_indirect (type $fib) (i64.sub (local.get 0) (i64.const 2)) (i32.const 0))))))
    (func (export "mix") (param $n i64) (result i64)
        (local $hash i64) (local $float f64) (local $vector v128) (local $at i32)
        (loop $again
            (local.set $float (f64.add (f64.sqrt (f64.add (local.get $float) (f64.const 3.7)))
                (f64.convert_i64_u (local.get $n))))
            (local.set $vector (i64x2.add (i64x2.splat (local.get $hash))
                (v128.xor (local.get $vector) (i32x4.splat (i32.wrap_i64 (local.get $n))))))
            (local.set $at (i32.and (i32.wrap_i64 (local.get $hash)) (i32.const 0xfff8)))
            (i64.store (local.get $at) (i64.add (i64.load (local.get $at)) (i64.const 1)))
            (local.set $hash (i64.rotl (i64.mul (i64.const 0x9e3779b97f4a7c15)
                (i64.xor (i64.xor (local.get $hash) (i64.reinterpret_f64 (local.get $float)))
                    (i64.add (i64x2.extract_lane 1 (local.get $vector)) (i64.load (local.get $at)))))
                (i64.const 23)))
            (local.set $hash (i64.add (local.get $hash)
                (call $fib (i64.and (local.get $hash) (i64.const 7)))))
            (br_if $again (i64.ne (i64.const 0) (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $hash)))"#;

#[test]
fn interrupted_code_goes_on_as_if_nothing_had_happened() -> Result<()> {
    let engine = engine()?;
    let module = Module::new(&engine, MIXER)?;
    let seconds = std::env::var("RISER_RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(1));
    let mix = |ticks: u64| -> Result<(i64, u32)> {
        let mut store = Store::new(&engine, 0);
        let instance = Instance::new(&mut store, &module, &[])?;
        store.set_epoch_deadline(ticks);
        store.epoch_deadline_callback(|mut store| {
            *store.data_mut() += 1;
            Ok(UpdateDeadline::Continue(1))
        });
        let mix = instance.get_typed_func::<i64, i64>(&mut store, "mix")?;
        Ok((mix.call(&mut store, 10_000)?, *store.data()))
    };
    let (expected, _) = mix(u64::MAX / 2)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut ticks = 0;
            while !stop.load(Ordering::Relaxed) {
                engine.increment_epoch();
                ticks += 1;
                (0..ticks % 1024).for_each(|_| std::hint::spin_loop());
            }
        });
        let mut interrupts = 0;
        let outcome = loop {
            match mix(1) {
                Ok((result, _)) if result != expected => break Err(format_err!("{result}")),
                Ok((_, count)) => interrupts += count,
                Err(error) => break Err(error),
            }
            if Instant::now() > end {
                break Ok(interrupts);
            }
        };
        stop.store(true, Ordering::Relaxed);
        let interrupts = outcome?;
        println!("{interrupts} interrupts");
        assert!(interrupts > 0);
        Ok(())
    })
}
