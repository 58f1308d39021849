//! Signals that interrupt compiled code arrive anywhere: in code, in the host, on the ways between, in handlers of other signals. They change no
//! result, and none is lost.
//!
//! The counts are small, since this is run often: `RISER_SIGNALS=1000000 cargo test -p riser --test signals` is the whole of it, in some minutes.

mod common;

use common::trap;
use riser::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// How many signals to send.
fn count(default: u64) -> u64 {
    std::env::var("RISER_SIGNALS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % end
    }

    fn wait(&mut self, turns: u64) {
        (0..self.below(turns)).for_each(|_| std::hint::spin_loop());
    }
}

fn engine() -> Result<Engine> {
    Engine::new(Config::new().epoch_interruption(true))
}

/// Goes all ways between code and runtime: calls of the host and of another store, builtins, exceptions, objects, tail calls, references,
/// functions that are called first.
const TRAVELLER: &str = r#"(module
    (import "host" "next" (func $next (param i64) (result i64)))
    (import "host" "other" (func $other (param i64) (result i64)))
    (import "host" "fail" (func $fail (param i64)))
    (type $f (func (param i64) (result i64)))
    (type $box (struct (field (mut i64)) (field (ref null $box))))
    (tag $odd (import "host" "odd") (param i64))
    (memory 1 2)
    (table funcref (elem $mix $twice $tail))
    (elem declare func $mix)
    (func $mix (type $f) (i64.rotl (i64.mul (local.get 0) (i64.const 0x9e3779b97f4a7c15)) (i64.const 29)))
    (func $twice (type $f) (call $mix (call $mix (local.get 0))))
    (func $tail (type $f) (return_call_indirect (type $f) (i64.add (local.get 0) (i64.const 3)) (i32.const 0)))
    (func $throws (type $f)
        (if (i64.ne (i64.const 0) (i64.and (local.get 0) (i64.const 1)))
            (then (throw $odd (local.get 0))))
        (call $mix (local.get 0)))
    (func $catches (type $f)
        (block $caught (result i64)
            (try_table (result i64) (catch $odd $caught) (call $throws (local.get 0))))
        (i64.const 5) (i64.add))
    (func $host_throws (type $f)
        (block $caught (result i64)
            (try_table (catch $odd $caught) (call $fail (local.get 0)))
            (i64.const 11)))
    (func $boxes (type $f) (local $last (ref null $box)) (local $n i32)
        (loop $again
            (local.set $last (struct.new $box (local.get 0) (local.get $last)))
            (local.set 0 (i64.add (i64.const 1) (struct.get $box 0 (local.get $last))))
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 9))))
        (struct.get $box 0 (ref.as_non_null (struct.get $box 1 (local.get $last)))))
    (func (export "travel") (param $n i64) (result i64) (local $hash i64)
        (loop $again
            (local.set $hash (i64.xor (local.get $hash) (call $next (local.get $n))))
            (local.set $hash (i64.add (local.get $hash) (call $catches (local.get $hash))))
            (local.set $hash (i64.add (local.get $hash) (call $host_throws (local.get $hash))))
            (local.set $hash (i64.add (local.get $hash) (i64.extend_i32_s (memory.grow (i32.const 5)))))
            (memory.fill (i32.wrap_i64 (i64.and (local.get $hash) (i64.const 255)))
                (i32.wrap_i64 (local.get $hash)) (i32.const 300))
            (local.set $hash (i64.add (local.get $hash) (i64.load (i32.const 250))))
            (local.set $hash (call_indirect (type $f) (local.get $hash)
                (i32.rem_u (i32.wrap_i64 (local.get $n)) (i32.const 3))))
            (local.set $hash (call_ref $f (local.get $hash) (ref.func $mix)))
            (local.set $hash (call $boxes (local.get $hash)))
            (if (i64.eqz (i64.and (local.get $n) (i64.const 15)))
                (then (local.set $hash (call $other (local.get $hash)))))
            (br_if $again (i64.ne (i64.const 0) (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $hash)))"#;

/// What the host runs in a store of its own while the traveller waits.
const OTHER: &str = r#"(module (func (export "run") (param i64) (result i64) (local i64)
    (loop $again
        (local.set 0 (i64.rotl (i64.add (local.get 0) (i64.const 0x123456789)) (i64.const 7)))
        (br_if $again (i64.lt_u (local.tee 1 (i64.add (local.get 1) (i64.const 1))) (i64.const 200))))
    (local.get 0)))"#;

/// A store that goes on whenever its time is up, and counts that.
fn patient(engine: &Engine) -> Store<u64> {
    let mut store = Store::new(engine, 0);
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        Ok(UpdateDeadline::Continue(1))
    });
    store.set_epoch_deadline(1);
    store
}

/// Throws an exception.
fn throw(mut store: impl AsContextMut, tag: Tag, values: &[Val]) -> Result<()> {
    let ty = ExnType::from_tag_type(&tag.ty(&store))?;
    let allocator = ExnRefPre::new(&mut store, ty);
    let exception = ExnRef::new(&mut store, &allocator, &tag, values)?;
    store.as_context_mut().throw(exception)
}

/// Runs the traveller in new stores: its result, and how often it was interrupted.
fn travel(engine: &Engine, module: &Module, other: &Module) -> Result<(i64, u64)> {
    let mut store = patient(engine);
    let mut inner = patient(engine);
    let instance = Instance::new(&mut inner, other, &[])?;
    let run = instance.get_typed_func::<i64, i64>(&mut inner, "run")?;
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "next", |n: i64| n.wrapping_mul(31) ^ 0x55)?;
    let inner = std::sync::Mutex::new(inner);
    let interrupted = std::sync::Arc::new(AtomicU64::new(0));
    let counts = interrupted.clone();
    linker.func_wrap("host", "other", move |n: i64| -> Result<i64> {
        let mut inner = inner.lock().unwrap();
        let result = run.call(&mut *inner, n)?;
        counts.store(*inner.data(), Ordering::Relaxed);
        Ok(result)
    })?;
    let tag = Tag::new(&mut store, &ExnType::new(engine, [ValType::I64])?.tag_type())?;
    linker.define(&store, "host", "odd", tag)?;
    linker.func_wrap("host", "fail", move |mut caller: Caller<'_, u64>, n: i64| -> Result<()> {
        if n & 2 != 0 { throw(&mut caller, tag, &[Val::I64(n)]) } else { Ok(()) }
    })?;
    let instance = linker.instantiate(&mut store, module)?;
    let travel = instance.get_typed_func::<i64, i64>(&mut store, "travel")?;
    let result = travel.call(&mut store, 400)?;
    Ok((result, *store.data() + interrupted.load(Ordering::Relaxed)))
}

#[test]
fn signals_at_random_change_no_result() -> Result<()> {
    let engine = engine()?;
    let (module, other) = (Module::new(&engine, TRAVELLER)?, Module::new(&engine, OTHER)?);
    let (expected, _) = travel(&engine, &module, &other)?;
    let (stop, wanted) = (AtomicBool::new(false), count(20_000));
    let (sender, threads) = channel();
    let (mut rounds, mut interrupts) = (0, 0);
    let sent = thread::scope(|scope| -> Result<u64> {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let (stop, sender) = (&stop, sender.clone());
                let (engine, module, other) = (&engine, &module, &other);
                scope.spawn(move || -> Result<(u64, u64)> {
                    sender.send(riser_sys::thread_id()).unwrap();
                    let (mut rounds, mut interrupts) = (0, 0);
                    while !stop.load(Ordering::Relaxed) {
                        let (result, count) = travel(engine, module, other)?;
                        ensure!(result == expected, "{result} for {expected}");
                        (rounds, interrupts) = (rounds + 1, interrupts + count);
                    }
                    Ok((rounds, interrupts))
                })
            })
            .collect();
        let threads = [threads.recv().unwrap(), threads.recv().unwrap()];
        let (mut dice, mut sent) = (Dice(1), 0);
        while sent < wanted && !workers.iter().any(|worker| worker.is_finished()) {
            // Some with a reason, some without.
            engine.increment_epoch();
            sent += 2;
            dice.wait(512);
            for &thread in &threads {
                riser_sys::interrupt_thread(thread);
                sent += 1;
                dice.wait(512);
            }
        }
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            let (more, counted) = worker.join().expect("no panic")?;
            (rounds, interrupts) = (rounds + more, interrupts + counted);
        }
        Ok(sent)
    })?;
    println!("{sent} signals, {interrupts} interrupts, {rounds} rounds");
    assert!(interrupts > 0 && rounds > 1);
    Ok(())
}

/// Loops without end that are reached on each of the ways to code.
const ENDLESS: &str = r#"(module
    (import "host" "nothing" (func $nothing))
    (import "host" "fails" (func $fails))
    (import "host" "odd" (tag $odd))
    (type $f (func))
    (memory 1)
    (table funcref (elem $leaf $spin $again))
    (func $spin (export "entered") (loop br 0))
    (func (export "after_a_builtin") (drop (memory.grow (i32.const 0))) (loop br 0))
    (func (export "after_the_host") (call $nothing) (loop br 0))
    (func (export "in_a_handler")
        (block $caught (try_table (catch $odd $caught) (throw $odd))) (loop br 0))
    (func (export "after_the_host_has_thrown")
        (block $caught (try_table (catch $odd $caught) (call $fails))) (loop br 0))
    (func $leaf)
    (func (export "calling") (loop (call $leaf) (br 0)))
    (func (export "through_the_table") (loop (call_indirect (type $f) (i32.const 0)) (br 0)))
    (func $again (export "tail_calling") (return_call $again))
    (func (export "tail_calling_through_the_table") (return_call_indirect (type $f) (i32.const 2)))
    (func $tree (param i32)
        (if (i32.gt_u (local.get 0) (i32.const 1000)) (then (return)))
        (call $tree (i32.add (local.get 0) (i32.const 1)))
        (call $tree (i32.add (local.get 0) (i32.const 1))))
    (func (export "recursing") (call $tree (i32.const 0)))
    (func (export "with_memory") (loop (i32.store (i32.const 8) (i32.load (i32.const 12))) (br 0))))"#;

/// Exports with their names.
type Named = Vec<(String, TypedFunc<(), ()>)>;

/// An instance, and its exports.
fn endless(engine: &Engine) -> Result<(Store<()>, Named)> {
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(u64::MAX / 2);
    let module = Module::new(engine, ENDLESS)?;
    let mut linker = Linker::new(engine);
    let tag = Tag::new(&mut store, &ExnType::new(engine, [])?.tag_type())?;
    linker.define(&store, "host", "odd", tag)?;
    linker.func_wrap("host", "nothing", || ())?;
    linker.func_wrap("host", "fails", move |mut caller: Caller<'_, ()>| -> Result<()> {
        throw(&mut caller, tag, &[])
    })?;
    let instance = linker.instantiate(&mut store, &module)?;
    let names: Vec<String> = module.exports().map(|export| export.name().to_string()).collect();
    let mut funcs = Vec::new();
    for name in names {
        let func = instance.get_typed_func(&mut store, &name)?;
        funcs.push((name, func));
    }
    Ok((store, funcs))
}

/// Ticks once in each round, so that a signal that is lost leaves a loop that never ends. In each round `begin` is given what it calls when the
/// deadline is set, and ends with the trap; `wait` comes between. What the times from tick to end were, in nanoseconds.
fn ticks(
    engine: &Engine,
    rounds: u64,
    mut begin: impl FnMut(&dyn Fn()) -> Result<()>,
    mut wait: impl FnMut() + Send,
) -> Result<Vec<u64>> {
    let (round, ticked, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=rounds {
                let mut turns = 0;
                while round.load(Ordering::Acquire) < n && !over.load(Ordering::Relaxed) {
                    turns += 1;
                    // Begin together if there is a processor for both.
                    if turns < 1000 { std::hint::spin_loop() } else { thread::yield_now() }
                }
                wait();
                ticked.store(start.elapsed().as_nanos() as u64, Ordering::Release);
                engine.increment_epoch();
                let sent = Instant::now();
                while round.load(Ordering::Acquire) == n
                    && n < rounds
                    && !over.load(Ordering::Relaxed)
                {
                    if sent.elapsed() > Duration::from_secs(60) {
                        println!("round {n}: the signal was lost");
                        std::process::abort();
                    }
                    thread::yield_now();
                }
            }
        });
        let mut times = Vec::new();
        for n in 1..=rounds {
            if let Err(error) = begin(&|| round.store(n, Ordering::Release)) {
                over.store(true, Ordering::Relaxed);
                return Err(error);
            }
            times.push(start.elapsed().as_nanos() as u64 - ticked.load(Ordering::Acquire));
        }
        Ok(times)
    })
}

#[test]
fn no_signal_is_lost_on_the_ways_to_code() -> Result<()> {
    let engine = engine()?;
    let (mut store, funcs) = endless(&engine)?;
    let rounds = count(20_000) / 100;
    for (name, func) in &funcs {
        let mut dice = Dice(rounds);
        let begin = |ready: &dyn Fn()| -> Result<()> {
            store.set_epoch_deadline(1);
            ready();
            match func.call(&mut store, ()) {
                Err(error) if error.downcast_ref() == Some(&Trap::Interrupt) => Ok(()),
                other => bail!("{name}: {other:?}"),
            }
        };
        ticks(&engine, rounds, begin, || dice.wait(64))?;
    }
    Ok(())
}

/// Prints what it measures: `cargo test -p riser --test signals latency -- --ignored --nocapture`, on a machine that does nothing else.
#[test]
#[ignore = "a measurement"]
fn latency_from_request_to_stop() -> Result<()> {
    let engine = engine()?;
    let (mut store, funcs) = endless(&engine)?;
    for (name, func) in &funcs {
        let begin = |ready: &dyn Fn()| -> Result<()> {
            store.set_epoch_deadline(1);
            ready();
            assert_eq!(trap(&func.call(&mut store, ()).unwrap_err()), Trap::Interrupt);
            Ok(())
        };
        let mut times = ticks(&engine, 2000, begin, || thread::sleep(Duration::from_micros(200)))?;
        times.sort_unstable();
        let at = |per_cent: usize| times[(times.len() - 1) * per_cent / 100] as f64 / 1000.0;
        println!("{name}: median {:.1} µs, 99 % {:.1} µs", at(50), at(99));
    }
    Ok(())
}

static TICKING: OnceLock<Engine> = OnceLock::new();

/// A program that has a timer, and ticks in the handler of its signal: the thread that is to be interrupted is in that handler.
#[test]
fn ticks_in_a_handler_stop_the_thread_that_it_interrupted() -> Result<()> {
    let engine = TICKING.get_or_init(|| engine().expect("an engine"));
    if !engine.is_compiled() {
        return Ok(());
    }
    for on_own_stack in [false, true] {
        let tick = || TICKING.get().into_iter().for_each(Engine::increment_epoch);
        riser_sys::handle_user_signal(tick, on_own_stack)?;
        let (mut store, funcs) = endless(engine)?;
        let this = riser_sys::thread_id();
        for (name, func) in &funcs {
            for _ in 0..count(20_000) / 1000 {
                store.set_epoch_deadline(1);
                let timer = thread::spawn(move || {
                    thread::sleep(Duration::from_micros(100));
                    riser_sys::send_user_signal(this);
                });
                let error = func.call(&mut store, ()).unwrap_err();
                assert_eq!(trap(&error), Trap::Interrupt, "{name}");
                timer.join().unwrap();
            }
        }
    }
    Ok(())
}

/// Where a thread waits in the host, another one that has borrowed the store cannot know how far the store's stack is used: it gets another
/// stack.
#[test]
fn a_store_whose_code_waits_is_entered_on_another_thread() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap(
        "host",
        "elsewhere",
        |mut caller: Caller<'_, Option<String>>| -> Result<()> {
            let func = caller.get_export("deep").and_then(Extern::into_func).expect("exported");
            let outcome = thread::scope(|scope| {
                let call = scope.spawn(|| {
                    let mut results = [Val::I32(0)];
                    let called = func.call(&mut caller, &[Val::I32(50)], &mut results);
                    called.map(|()| results[0].unwrap_i32())
                });
                call.join().unwrap()
            });
            *caller.data_mut() = Some(match outcome {
                Ok(sum) => sum.to_string(),
                Err(error) => format!("{error:?}"),
            });
            Ok(())
        },
    )?;
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "elsewhere" (func $elsewhere))
            (func $deep (export "deep") (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (local.get 0) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0))))
            (func (export "run") (param i64 i64) (result i64) (local i64)
                (local.set 2 (i64.mul (local.get 0) (local.get 1)))
                (call $elsewhere)
                (i64.add (local.get 2) (i64.sub (local.get 0) (local.get 1)))))"#,
    )?;
    let mut store = Store::new(&engine, None);
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<(i64, i64), i64>(&mut store, "run")?;
    assert_eq!(run.call(&mut store, (1000, 10))?, 10_990);
    assert_eq!(store.data().as_deref(), Some("1275"));
    Ok(())
}
