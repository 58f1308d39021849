//! Functions get better code while much else happens: many threads call them first at the same time, guests trap, throw, grow memories, make
//! garbage and are interrupted, and engines go while their compilers work. What guests compute is what the interpreter computes.
//!
//! `RISER_RACE_SECONDS=N` lets each test go on for so long.
#![cfg(riser_compiled)]

use riser::{
    Caller, Config, Engine, Error, ExternRef, Instance, Linker, Module, Result, Rooted, Store,
    StoreContextMut, Strategy, Trap, TypedFunc, UpdateDeadline, WasmFrame,
};
use std::fmt::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// When a test is to end.
fn end() -> Instant {
    let seconds = std::env::var("RISER_RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    Instant::now() + Duration::from_secs(seconds.unwrap_or(1))
}

/// Better code is made when so much was executed, by another thread.
fn tiered(budget: u32) -> Config {
    let mut config = Config::new();
    config.tier_up_budget(budget, 0);
    config
}

/// How many functions there are below.
const FUNCTIONS: usize = 24;

/// Functions that call each other, directly and through a table, with loops of other lengths.
fn callers() -> String {
    let mut text = String::from("(module (type $f (func (param i64) (result i64)))");
    let names: Vec<String> = (0..FUNCTIONS).map(|nth| format!("$f{nth}")).collect();
    let _ = write!(text, "(table funcref (elem {}))", names.join(" "));
    for nth in 0..FUNCTIONS {
        let _ = write!(
            text,
            r#"(func $f{nth} (export "f{nth}") (param $n i64) (result i64) (local $sum i64) (local $k i32)
                (loop $next
                    (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const {odd})) (local.get $n)))
                    (local.set $k (i32.add (local.get $k) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $k) (i32.const {turns}))))
                (if (i64.le_s (local.get $n) (i64.const 0)) (then (return (local.get $sum))))
                (i64.add (local.get $sum) (i64.xor
                    (call $f{direct} (i64.sub (local.get $n) (i64.const 1)))
                    (call_indirect (type $f) (i64.shr_u (local.get $n) (i64.const 1)) (i32.const {indirect})))))"#,
            odd = 2 * nth + 3,
            turns = 5 + 7 * nth,
            direct = (nth * 5 + 1) % FUNCTIONS,
            indirect = (nth * 7 + 2) % FUNCTIONS,
        );
    }
    text.push(')');
    text
}

/// What all functions give, called in an order of one's own.
fn call_all(engine: &Engine, module: &Module, first: usize) -> Result<Vec<i64>> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    let mut results = vec![0; FUNCTIONS];
    for nth in (0..FUNCTIONS).map(|nth| (first + nth) % FUNCTIONS) {
        let func = instance.get_typed_func::<i64, i64>(&mut store, &format!("f{nth}"))?;
        results[nth] = func.call(&mut store, 6)?;
    }
    Ok(results)
}

#[test]
fn many_threads_call_the_same_cold_functions() -> Result<()> {
    const THREADS: usize = 8;
    let text = callers();
    let interpreter = Engine::new(Config::new().strategy(Strategy::Interpreter))?;
    let expected = call_all(&interpreter, &Module::new(&interpreter, &text)?, 0)?;
    let end = end();
    for round in 0.. {
        // All at once, early, and never.
        let config = tiered([0, 200, 5_000, 1 << 30][round % 4]);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, &text)?;
        let barrier = Barrier::new(THREADS);
        let call = |nth: usize| {
            barrier.wait();
            (0..3).map(|_| call_all(&engine, &module, nth * 3)).collect::<Result<Vec<_>>>()
        };
        thread::scope(|scope| {
            let call = &call;
            let threads: Vec<_> = (0..THREADS).map(|nth| scope.spawn(move || call(nth))).collect();
            for thread in threads {
                for results in thread.join().expect("no panic")? {
                    assert_eq!(results, expected);
                }
            }
            Ok::<_, Error>(())
        })?;
        assert_eq!(module.functions_called(), FUNCTIONS, "each is compiled once");
        if Instant::now() > end {
            println!("{round} rounds");
            break;
        }
    }
    Ok(())
}

/// Each function does one thing in a loop, and what it gives says that it was done.
const EVENTS: &str = r#"(module
    (type $node (struct (field i64) (field (ref null $node))))
    (import "host" "look" (func $look (param i64) (result i64)))
    (memory 1 600)
    (tag $odd (param i64 externref))

    (func $divide (param $a i64) (param $b i64) (result i64)
        (i64.div_s (local.get $a) (local.get $b)))
    (func (export "trap") (param $n i64) (result i64) (local $sum i64)
        (loop $next
            ;; In the last turn this is a division by zero.
            (local.set $n (i64.sub (local.get $n) (i64.const 1)))
            (local.set $sum (i64.add (local.get $sum)
                (call $divide (i64.const 1000) (local.get $n))))
            (br $next))
        (local.get $sum))

    (func $may_throw (param $n i64) (param $own externref) (result i64)
        (if (i64.eqz (i64.rem_u (local.get $n) (i64.const 3)))
            (then (throw $odd (local.get $n) (local.get $own))))
        (local.get $n))
    (func (export "throw") (param $n i64) (result i64) (local $sum i64) (local $own externref)
        (loop $next
            (block $done
                (block $caught (result i64 externref)
                    (try_table (catch $odd $caught)
                        (local.set $sum (i64.add (local.get $sum)
                            (call $may_throw (local.get $n) (local.get $own))))
                        (br $done))
                    (unreachable))
                (local.set $own)
                (local.set $sum (i64.rotl (i64.add (local.get $sum)) (i64.const 5))))
            (br_if $next (i64.ne (i64.const 0)
                (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $sum))

    (func (export "grow") (param $n i64) (result i64) (local $sum i64)
        (loop $next
            (if (i64.eqz (i64.rem_u (local.get $n) (i64.const 50)))
                (then (drop (memory.grow (i32.const 1)))))
            ;; In the last byte of what there is.
            (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.wrap_i64 (local.get $n)))
            (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31))
                (i64.load8_u (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)))))
            (br_if $next (i64.ne (i64.const 0)
                (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $sum))

    (func (export "collect") (param $n i64) (result i64) (local $list (ref null $node)) (local $sum i64) (local $v v128)
        (loop $next
            (local.set $list (struct.new $node (local.get $n) (local.get $list)))
            (local.set $v (i64x2.add (local.get $v) (i64x2.splat (local.get $n))))
            ;; What is longer than 64 is garbage.
            (if (i64.eqz (i64.and (local.get $n) (i64.const 63)))
                (then (local.set $list (struct.new $node (local.get $n) (ref.null $node)))))
            (br_if $next (i64.ne (i64.const 0)
                (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (loop $next
            (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 7))
                (struct.get $node 0 (local.get $list))))
            (local.set $list (struct.get $node 1 (local.get $list)))
            (br_if $next (i32.eqz (ref.is_null (local.get $list)))))
        (i64.add (local.get $sum) (i64x2.extract_lane 1 (local.get $v))))

    (func (export "nest") (param $n i64) (result i64) (local $i i64) (local $j i64) (local $f f64)
        (loop $outer
            (local.set $j (i64.const 17))
            (loop $inner
                (local.set $f (f64.add (f64.mul (local.get $f) (f64.const 0.75))
                    (f64.convert_i64_s (i64.mul (local.get $i) (local.get $j)))))
                (br_if $inner (i64.ne (i64.const 0)
                    (local.tee $j (i64.sub (local.get $j) (i64.const 1))))))
            (br_if $outer (i64.lt_u
                (local.tee $i (i64.add (local.get $i) (i64.const 1))) (local.get $n))))
        (i64.reinterpret_f64 (local.get $f)))

    (func (export "look") (param $n i64) (result i64) (local $list (ref null $node)) (local $sum i64)
        (loop $next
            (local.set $list (struct.new $node (local.get $n) (ref.null $node)))
            (local.get $sum)
            (call $look (local.get $n))
            (i64.add (struct.get $node 0 (local.get $list)))
            (local.set $sum (i64.add))
            (br_if $next (i64.ne (i64.const 0)
                (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $sum)))"#;

/// What each is called, and with what.
const CALLS: [(&str, i64); 6] =
    [("throw", 300), ("grow", 500), ("collect", 700), ("nest", 400), ("look", 10), ("trap", 100)];

/// What all calls give: a result, or a trap.
fn all_events(
    engine: &Engine,
    module: &Module,
    ticks: u64,
) -> Result<Vec<Result<i64, Option<Trap>>>> {
    let mut linker = Linker::<u64>::new(engine);
    linker.func_wrap("host", "look", |mut caller: Caller<'_, u64>, n: i64| {
        let frames = WasmFrame::capture(&mut caller);
        // Where values are known, they are the right ones.
        for frame in frames.iter().filter(|frame| frame.has_values()) {
            assert_eq!((frame.locals().len(), frame.operands().len()), (3, 1));
            assert_eq!(frame.locals()[0].unwrap_i64(), n);
            assert_eq!(frame.locals()[2].unwrap_i64(), frame.operands()[0].unwrap_i64());
        }
        assert_eq!(frames.len(), 1);
        n * n
    })?;
    let mut store = Store::new(engine, 0);
    store.set_epoch_deadline(ticks);
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        WasmFrame::capture(&mut store);
        Ok(UpdateDeadline::Continue(1))
    });
    let instance = linker.instantiate(&mut store, module)?;
    let mut results = Vec::new();
    for (name, n) in CALLS {
        let func: TypedFunc<i64, i64> = instance.get_typed_func(&mut store, name)?;
        for _ in 0..3 {
            let outcome = func.call(&mut store, n);
            results.push(outcome.map_err(|error| error.downcast_ref::<Trap>().copied()));
        }
    }
    Ok(results)
}

/// What would not end in our lifetime, in loops that are replaced meanwhile, ends when the epoch says so.
fn endless(engine: &Engine, module: &Module) -> Result<()> {
    let mut linker = Linker::<u64>::new(engine);
    linker.func_wrap("host", "look", |n: i64| n)?;
    for name in ["nest", "throw", "collect", "look"] {
        let mut store = Store::new(engine, 0);
        // Enough to begin.
        store.set_epoch_deadline(3);
        let instance = linker.instantiate(&mut store, module)?;
        let func: TypedFunc<i64, i64> = instance.get_typed_func(&mut store, name)?;
        let error = func.call(&mut store, i64::MAX).expect_err("it does not return");
        assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt), "{name}: {error:?}");
    }
    Ok(())
}

#[test]
fn code_gets_better_while_everything_else_happens() -> Result<()> {
    let interpreter = Engine::new(Config::new().strategy(Strategy::Interpreter))?;
    let expected = all_events(&interpreter, &Module::new(&interpreter, EVENTS)?, u64::MAX / 2)?;
    assert_eq!(expected.last(), Some(&Err(Some(Trap::IntegerDivisionByZero))));
    let end = end();
    for round in 0_u32.. {
        let mut config = tiered([100, 0, 3_000, 30_000][round as usize % 4]);
        config.epoch_interruption(true).tier_statistics(round % 3 == 0).gc_stress(round % 5 == 4);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, EVENTS)?;
        let stop = AtomicBool::new(false);
        let run = || -> Result<()> {
            for _ in 0..2 {
                assert_eq!(all_events(&engine, &module, 1)?, expected, "round {round}");
                endless(&engine, &module)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    engine.increment_epoch();
                    thread::sleep(Duration::from_micros(u64::from(round % 7) * 100 + 50));
                }
            });
            let other = scope.spawn(run);
            let outcome = run();
            let others = other.join().expect("no panic");
            stop.store(true, Ordering::Relaxed);
            outcome.and(others)
        })?;
        if Instant::now() > end {
            println!("{round} rounds");
            break;
        }
    }
    Ok(())
}

/// A function for which the optimizing compiler takes a while, and that says at once that it is hot.
fn long() -> String {
    let mut text =
        String::from(r#"(module (func (export "f") (param i64) (result i64) (local i64 i64 i64)"#);
    for nth in 0..2_000 {
        let (to, other) = (1 + nth % 3, 1 + (nth + 1) % 3);
        let _ = write!(
            text,
            "(local.set {to} (i64.add (local.get {other}) (i64.mul (local.get {to}) (i64.const {}))))
             (if (i64.lt_u (local.get {to}) (local.get 0)) (then (local.set {other} (i64.const {nth}))))",
            2 * nth + 1
        );
    }
    text + "(local.get 1)))"
}

#[test]
fn engines_go_while_their_compilers_work() -> Result<()> {
    let text = long();
    let (end, binary) = (end(), wat::parse_str(&text)?);
    let rounds = |pause: u64| -> Result<u32> {
        let mut expected = None;
        for round in 0.. {
            let mut config = tiered(0);
            config.tier_statistics(round % 2 == 0);
            let engine = Engine::new(&config)?;
            let module = Module::from_binary(&engine, &binary)?;
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[])?;
            let f = instance.get_typed_func::<i64, i64>(&mut store, "f")?;
            let result = f.call(&mut store, 1_000)?;
            assert_eq!(*expected.get_or_insert(result), result);
            thread::sleep(Duration::from_micros(pause * u64::from(round % 8) * 100));
            // In any order.
            if round % 2 == 0 {
                drop(engine);
                drop(store);
                drop(module);
            } else {
                drop(store);
                drop(module);
                drop(engine);
            }
            if Instant::now() > end {
                return Ok(round);
            }
        }
        Ok(0)
    };
    thread::scope(|scope| {
        let rounds = &rounds;
        let threads: Vec<_> = (0..3).map(|pause| scope.spawn(move || rounds(pause))).collect();
        let outcomes = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        let rounds = outcomes.collect::<Result<Vec<u32>>>()?;
        println!("{rounds:?} rounds");
        Ok(())
    })
}

/// `$outer` waits with values on its stack while `$spin` is interrupted anywhere.
const SPIN: &str = r#"(module
    (func $spin (param $n i64) (result i64) (local $sum i64)
        (loop $next
            (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 3)) (local.get $n)))
            (br_if $next (i64.ne (i64.const 0)
                (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $sum))
    (func $outer (export "outer") (param $n i64) (param $ref externref) (result i64)
        (local $wide v128) (local $f f32)
        (local.set $wide (v128.const i64x2 5 6))
        (local.set $f (f32.const 1.5))
        (i32.const -7)
        (f64.const 2.5)
        (local.get $wide)
        (call $spin (local.get $n))
        (local.set $n)
        (drop) (drop) (drop)
        (local.get $n)))"#;

const TURNS: i64 = 200_000;

/// Counts which of the two frames have values, and compares these.
fn look_at_interrupted(mut store: StoreContextMut<'_, [i32; 2]>) -> Result<UpdateDeadline> {
    let frames = WasmFrame::capture(&mut store);
    for (at, frame) in frames.iter().enumerate() {
        store.data_mut()[at] += i32::from(frame.has_values());
    }
    if let Some(outer) = frames.get(1).filter(|outer| outer.has_values()) {
        let (locals, operands) = (outer.locals(), outer.operands());
        assert_eq!((locals.len(), operands.len()), (4, 3));
        let mine = locals[1].unwrap_externref().expect("not null").data(&store)?;
        assert_eq!(mine.and_then(|mine| mine.downcast_ref()), Some(&"mine"));
        let wide = [&locals[2], &operands[2]].map(|wide| wide.unwrap_v128().as_u128());
        assert_eq!((locals[0].unwrap_i64(), wide), (TURNS, [6 << 64 | 5; 2]));
        assert_eq!((locals[3].unwrap_f32(), operands[1].unwrap_f64()), (1.5, 2.5));
        assert_eq!(operands[0].unwrap_i32(), -7);
    }
    if let Some(spin) = frames.first().filter(|spin| frames.len() == 2 && spin.has_values()) {
        assert!((0..=TURNS).contains(&spin.locals()[0].unwrap_i64()));
        assert_eq!((spin.locals().len(), spin.operands().len()), (2, 0));
    }
    Ok(UpdateDeadline::Continue(1))
}

#[test]
fn frames_below_an_interrupted_one_can_be_read() -> Result<()> {
    let end = end();
    let mut with_values = [0; 2];
    for round in 0_u32.. {
        let mut config = Config::new();
        match round % 3 {
            0 => _ = config.strategy(Strategy::Interpreter),
            1 => _ = config.tier_up_budget(1 << 30, 0),
            // Its loop asks for better code again and again, until there is some.
            _ => _ = config.tier_up_budget(0, 0),
        }
        let engine = Engine::new(config.epoch_interruption(true))?;
        let mut store = Store::new(&engine, [0; 2]);
        let instance = Instance::new(&mut store, &Module::new(&engine, SPIN)?, &[])?;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(look_at_interrupted);
        let mine = ExternRef::new(&mut store, "mine")?;
        let outer = instance
            .get_typed_func::<(i64, Option<Rooted<ExternRef>>), i64>(&mut store, "outer")?;
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    engine.increment_epoch();
                    thread::sleep(Duration::from_micros(50));
                }
            });
            let outcome = outer.call(&mut store, (TURNS, Some(mine)));
            stop.store(true, Ordering::Relaxed);
            outcome
        })?;
        if engine.is_compiled() {
            (0..2).for_each(|at| with_values[at] += store.data()[at]);
        }
        if Instant::now() > end && round >= 3 {
            break;
        }
    }
    println!("{with_values:?} compiled frames had values");
    let has_baseline = Engine::new(Config::new().strategy(Strategy::Baseline)).is_ok();
    assert_eq!(with_values[1] > 0, has_baseline);
    Ok(())
}
