//! Guests that run or take without end: each ends with a trap or an error, and its store goes on.
//!
//! A test per way: recursion by every kind of call, loops and tail calls that never return, growing. What guests do with
//! epochs in detail is in `epochs.rs`, with limits in `limits.rs`; modules that are hostile by their form are in
//! `hostile_modules.rs`.

mod common;

use common::{Clock, configs, trap};
use riser::*;

/// Recursion by every kind of call. `back` is the host's: it calls the export `to_host` again.
const RECURSION: &str = r#"(module
    (import "host" "back" (func $back))
    (type $f (func))
    (table funcref (elem $indirect))
    (memory 1)
    (elem declare func $ref)
    (func $call (export "call") (call $call))
    (func $indirect (export "call_indirect") (call_indirect (type $f) (i32.const 0)))
    (func $ref (export "call_ref") (call_ref $f (ref.func $ref)))
    (func $even (export "mutual") (call $odd))
    (func $odd (call $even))
    (func (export "to_host") (call $back))
    (func $wide (export "wide") (param i64) (result i64 i64 i64 i64 i64 i64 i64 i64)
        (call $wide (local.get 0)))
    (func $locals (export "locals") (local v128 v128 v128 v128 v128 v128 v128 v128) (call $locals))
    (func $through_try (export "inside_a_handler")
        (block $caught (try_table (catch_all $caught) (call $through_try))))
    (func $through_legacy (export "inside_a_legacy_handler")
        try call $through_legacy catch_all end)
    (tag $tag)
    (func $handler (export "in_a_handler")
        (block $caught (try_table (catch_all $caught) (throw $tag))) (call $handler))
    (func $with_ref (export "in_a_handler_with_its_exception")
        (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $tag)) unreachable)
        (call $with_ref) drop)
    (func $legacy (export "in_a_legacy_handler") try throw $tag catch_all call $legacy end)
    (func $loops (export "in_a_loop") (loop $again (call $loops) (br $again)))
    (func $halves (export "tree") (call $halves) (call $halves))
    (func (export "answer") (result i32) (i32.const 42)))"#;

/// A store with an instance of `text` whose import `host.back` calls the export `to_host`.
fn with_back(engine: &Engine, text: &str) -> Result<(Store<u32>, Instance)> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "back", |mut caller: Caller<'_, u32>| -> Result<()> {
        *caller.data_mut() += 1;
        let to_host = caller.get_export("to_host").and_then(Extern::into_func);
        to_host.expect("it is exported").call(&mut caller, &[], &mut [])
    })?;
    let mut store = Store::new(engine, 0);
    let instance = linker.instantiate(&mut store, &Module::new(engine, text)?)?;
    Ok((store, instance))
}

/// What calling the export `name` with zeros ends with.
fn call(store: &mut Store<u32>, instance: Instance, name: &str) -> Result<()> {
    let func = instance.get_func(&mut *store, name).unwrap_or_else(|| panic!("no export {name}"));
    let ty = func.ty(&*store);
    let zeros: Vec<Val> = ty.params().map(|ty| Val::default_for_ty(&ty).expect("a zero")).collect();
    let mut results = vec![Val::I32(0); ty.results().len()];
    func.call(store, &zeros, &mut results)
}

fn answer(store: &mut Store<u32>, instance: Instance) -> i32 {
    let answer = instance.get_typed_func::<(), i32>(&mut *store, "answer").unwrap();
    answer.call(store, ()).unwrap()
}

fn exports(module: &Module) -> Vec<String> {
    let names = module.exports().map(|export| export.name().to_string());
    names.filter(|name| name != "answer").collect()
}

#[test]
fn recursion_without_end_exhausts_the_stack() -> Result<()> {
    let clock = Clock::start();
    for config in configs() {
        let engine = Engine::new(&config)?;
        let names = exports(&Module::new(&engine, RECURSION)?);
        assert_eq!(names.len(), 14);
        let (mut store, instance) = with_back(&engine, RECURSION)?;
        // Twice: what the first round left behind is no less than before.
        for name in names.iter().chain(&names) {
            let error = call(&mut store, instance, name).unwrap_err();
            assert_eq!(trap(&error), Trap::StackOverflow, "{name}");
            assert!(!error.downcast_ref::<WasmBacktrace>().unwrap().frames().is_empty(), "{name}");
            assert_eq!(answer(&mut store, instance), 42, "after {name}");
        }
        assert!(*store.data() > 10, "the host was in between {} times", store.data());
    }
    clock.check();
    Ok(())
}

/// Uses a good part of a stack.
fn takes_stack(depth: u32) -> u32 {
    let room = std::hint::black_box([1_u8; 64 << 10]);
    if depth == 0 { 0 } else { takes_stack(depth - 1) + u32::from(room[depth as usize]) }
}

#[test]
fn hosts_have_a_stack_however_deep_their_caller_is() -> Result<()> {
    for mut config in configs() {
        let engine = Engine::new(config.max_wasm_stack(64 << 10))?;
        let mut linker = Linker::new(&engine);
        // Where the guest's stack ends the host has its own room, here a megabyte.
        linker.func_wrap("host", "work", |mut caller: Caller<'_, u32>| {
            *caller.data_mut() += 1;
            takes_stack(16)
        })?;
        // What overflows in a guest that the host has called is an error there; who swallows it goes on.
        linker.func_wrap("host", "try", |mut caller: Caller<'_, u32>| -> Result<u32> {
            let deep = caller.get_export("deep").and_then(Extern::into_func).expect("exported");
            let error = deep.call(&mut caller, &[], &mut []).unwrap_err();
            assert_eq!(trap(&error), Trap::StackOverflow);
            Ok(takes_stack(16))
        })?;
        let text = r#"(module
            (import "host" "work" (func $work (result i32)))
            (import "host" "try" (func $try (result i32)))
            (func $deep (export "deep") (local i64 i64 i64 i64)
                (drop (call $work)) (call $deep))
            (func (export "catch") (result i32) (i32.add (call $try) (i32.add (call $try) (i32.const 10)))))"#;
        let mut store = Store::new(&engine, 0);
        let instance = linker.instantiate(&mut store, &Module::new(&engine, text)?)?;
        assert_eq!(trap(&call(&mut store, instance, "deep").unwrap_err()), Trap::StackOverflow);
        assert!(*store.data() > 100);
        let caught = instance.get_typed_func::<(), u32>(&mut store, "catch")?;
        assert_eq!(caught.call(&mut store, ())?, 42);
    }
    Ok(())
}

#[test]
fn recursion_on_a_small_stack_ends_the_same_way() -> Result<()> {
    // So small that some functions do not even begin.
    let sizes = [0, 8, 64, 100, 1000, 5000];
    let both = |bytes| configs().into_iter().map(move |config| (bytes, config));
    for (bytes, mut config) in sizes.into_iter().flat_map(both) {
        let engine = Engine::new(config.max_wasm_stack(bytes))?;
        let (mut store, instance) = with_back(&engine, RECURSION)?;
        for name in exports(&Module::new(&engine, RECURSION)?) {
            let error = call(&mut store, instance, &name).unwrap_err();
            assert_eq!(trap(&error), Trap::StackOverflow, "{name} with {bytes} bytes");
        }
    }
    Ok(())
}

#[test]
fn recursion_across_instances_exhausts_the_stack() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0);
    // Each calls the other: one by its import, one through the table that the first one filled.
    let first = Module::new(
        &engine,
        r#"(module (table (export "table") 2 funcref) (memory 1)
            (func (export "first") (call_indirect (i32.const 0)))
            (func (export "tail") (return_call_indirect (i32.const 1)))
            (func (export "answer") (result i32) (i32.const 42)))"#,
    )?;
    let first = Instance::new(&mut store, &first, &[])?;
    let second = Module::new(
        &engine,
        r#"(module (import "" "first" (func $first)) (import "" "tail" (func $tail))
            (import "" "table" (table 2 funcref))
            (elem (i32.const 0) $second $call)
            (func $second (export "second") (call $first))
            (func $call (call $tail)))"#,
    )?;
    let imports =
        ["first", "tail", "table"].map(|name| first.get_export(&mut store, name).unwrap());
    let second = Instance::new(&mut store, &second, &imports)?;
    for (instance, name) in [(first, "first"), (second, "second"), (first, "tail")] {
        let error = call(&mut store, instance, name).unwrap_err();
        assert_eq!(trap(&error), Trap::StackOverflow, "{name}");
        assert_eq!(answer(&mut store, first), 42, "after {name}");
    }
    clock.check();
    Ok(())
}

#[test]
fn recursion_in_a_start_function_is_an_error_of_instantiation() -> Result<()> {
    let engine = Engine::default();
    let (mut store, instance) = with_back(&engine, RECURSION)?;
    let endless = Module::new(&engine, "(module (func $f (call $f)) (start $f))")?;
    for _ in 0..10 {
        let error = Instance::new(&mut store, &endless, &[]).unwrap_err();
        assert_eq!(trap(&error), Trap::StackOverflow);
    }
    assert_eq!(answer(&mut store, instance), 42);
    Ok(())
}

#[test]
fn recursion_of_hosts_over_stores_exhausts_their_own_stack() -> Result<()> {
    // Every level has a store of its own, so no store knows how deep the others are; each begins to count anew
    // where it is entered. What the host itself recurses is the host's to bound.
    const LEVELS: u32 = 20;
    fn nested(level: u32) -> Result<u32> {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "deeper", move || -> Result<u32> {
            if level == LEVELS { Ok(level) } else { nested(level + 1) }
        })?;
        let text = r#"(module (import "host" "deeper" (func (result i32))) (export "deeper" (func 0))
            (func (export "f") (result i32) (call 0)))"#;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &Module::new(&engine, text)?)?;
        instance.get_typed_func::<(), u32>(&mut store, "f")?.call(&mut store, ())
    }
    assert_eq!(nested(0)?, LEVELS);
    Ok(())
}

/// What never returns, and takes no stack.
const ENDLESS: &str = r#"(module
    (import "host" "nothing" (func $nothing))
    (type $f (func))
    (table funcref (elem $indirect))
    (memory 1)
    (elem declare func $ref)
    (func (export "loop") (loop br 0))
    (func (export "br_if") (loop (br_if 0 (i32.eqz (memory.size))) (br 0)))
    (func (export "br_table") (loop (br_table 0 0 0 (i32.const 7))))
    (func (export "br_on_null") (loop (br_on_null 0 (ref.null func)) drop))
    (func $tail (export "return_call") (return_call $tail))
    (func $indirect (export "return_call_indirect") (return_call_indirect (type $f) (i32.const 0)))
    (func $ref (export "return_call_ref") (return_call_ref $f (ref.func $ref)))
    (func $ping (export "mutual") (return_call $pong))
    (func $pong (return_call $ping))
    (func (export "hosts") (loop (call $nothing) (br 0)))
    (func $leaf)
    (func (export "calls") (loop (call $leaf) (br 0)))
    (func $tree (export "tree") (param i32)
        (if (i32.gt_u (local.get 0) (i32.const 1000)) (then return))
        (call $tree (i32.add (local.get 0) (i32.const 1)))
        (call $tree (i32.add (local.get 0) (i32.const 1))))
    (func (export "bulk")
        (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))
    (func (export "grow") (loop (drop (memory.grow (i32.const 0))) (br 0)))
    (func (export "answer") (result i32) (i32.const 42)))"#;

fn endless(engine: &Engine) -> Result<(Store<u32>, Instance, Vec<String>)> {
    let module = Module::new(engine, ENDLESS)?;
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "nothing", || ())?;
    let mut store = Store::new(engine, 0);
    let instance = linker.instantiate(&mut store, &module)?;
    let names = exports(&module);
    assert_eq!(names.len(), 13);
    Ok((store, instance, names))
}

#[test]
fn what_never_returns_consumes_its_fuel() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let (mut store, instance, names) = endless(&engine)?;
    for fuel in [0, 1, 10, 20_000] {
        for name in &names {
            store.set_fuel(fuel)?;
            assert_eq!(trap(&call(&mut store, instance, name).unwrap_err()), Trap::OutOfFuel);
            store.set_fuel(100)?;
            assert_eq!(answer(&mut store, instance), 42, "after {name}");
        }
    }
    clock.check();
    Ok(())
}

#[test]
fn what_never_returns_meets_its_deadline() -> Result<()> {
    let clock = Clock::start();
    for mut config in configs() {
        let engine = Engine::new(config.epoch_interruption(true))?;
        let (mut store, instance, names) = endless(&engine)?;
        for name in &names {
            store.set_epoch_deadline(1);
            let timer = engine.clone();
            let timer = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(5));
                timer.increment_epoch();
            });
            assert_eq!(trap(&call(&mut store, instance, name).unwrap_err()), Trap::Interrupt);
            timer.join().unwrap();
            store.set_epoch_deadline(1);
            assert_eq!(answer(&mut store, instance), 42, "after {name}");
        }
    }
    clock.check();
    Ok(())
}

/// Grows without end, by one, by more each time, and by what no system has.
const GREEDY: &str = r#"(module
    (memory 0) (memory $wide i64 0) (memory $bytes 0 (pagesize 1))
    (table $t 0 funcref) (table $long i64 0 funcref)
    (func (export "memory.grow")
        (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
    (func (export "memory.grow of 64 bits") (local $by i64)
        (loop (local.set $by (i64.add (local.get $by) (i64.const 1)))
            (br_if 0 (i64.ne (memory.grow $wide (local.get $by)) (i64.const -1)))))
    (func (export "memory.grow of bytes")
        (loop (br_if 0 (i32.ne (memory.grow $bytes (i32.const 4099)) (i32.const -1)))))
    (func (export "table.grow")
        (loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 7)) (i32.const -1)))))
    (func (export "table.grow of 64 bits")
        (loop (br_if 0 (i64.ne (table.grow $long (ref.null func) (i64.const 7)) (i64.const -1)))))
    (func (export "at once") (result i32 i64 i32 i32 i64)
        (memory.grow (i32.const -1)) (memory.grow $wide (i64.const -1))
        (memory.grow $bytes (i32.const -1))
        (table.grow $t (ref.null func) (i32.const -1))
        (table.grow $long (ref.null func) (i64.const -1)))
    (func (export "answer") (result i32) (i32.const 42)))"#;

#[test]
fn growing_without_end_meets_the_limits() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    let module = Module::new(&engine, GREEDY)?;
    let limits = StoreLimitsBuilder::new().memory_size(64 << 20).table_elements(100_000).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    for name in exports(&module) {
        let func = instance.get_func(&mut store, &name).unwrap();
        let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
        func.call(&mut store, &[], &mut results)?;
        for result in results {
            assert!(matches!(result, Val::I32(-1) | Val::I64(-1)), "{result:?}");
        }
        let answer = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
        assert_eq!(answer.call(&mut store, ())?, 42, "after {name}");
    }
    clock.check();
    Ok(())
}

/// Objects without end: a list that stays, one that is dropped again and again, arrays that double.
const OBJECTS: &str = r#"(module
    (type $node (struct (field (ref null $node))))
    (type $bytes (array (mut i8)))
    (type $refs (array (mut anyref)))
    (global $list (mut (ref null $node)) (ref.null $node))
    (func (export "list")
        (loop (global.set $list (struct.new $node (global.get $list))) (br 0)))
    (func (export "local list") (local (ref null $node))
        (loop (local.set 0 (struct.new $node (local.get 0))) (br 0)))
    (func (export "doubling") (local i32)
        (local.set 0 (i32.const 1))
        (loop
            (drop (array.new_default $bytes (local.get 0)))
            (local.set 0 (i32.shl (local.get 0) (i32.const 1))) (br 0)))
    (func (export "at once") (drop (array.new_default $refs (i32.const -1))))
    (func (export "nested") (local anyref)
        (loop (local.set 0 (array.new $refs (local.get 0) (i32.const 100))) (br 0)))
    (func (export "forget") (global.set $list (ref.null $node)))
    (func (export "garbage") (param i32) (result i32)
        (loop
            (drop (array.new_default $bytes (i32.const 1000)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.const 42)))"#;

#[test]
fn objects_without_end_meet_the_limit_and_garbage_does_not() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    let module = Module::new(&engine, OBJECTS)?;
    let mut store = Store::new(&engine, StoreLimitsBuilder::new().memory_size(8 << 20).build());
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    for name in ["list", "local list", "doubling", "at once", "nested"] {
        let func = instance.get_typed_func::<(), ()>(&mut store, name)?;
        let error = func.call(&mut store, ()).unwrap_err();
        assert_eq!(trap(&error), Trap::AllocationTooLarge, "{name}");
        instance.get_typed_func::<(), ()>(&mut store, "forget")?.call(&mut store, ())?;
        // A hundred megabytes, of which none stays.
        let garbage = instance.get_typed_func::<u32, i32>(&mut store, "garbage")?;
        assert_eq!(garbage.call(&mut store, 100_000)?, 42, "after {name}");
    }
    clock.check();
    Ok(())
}

#[test]
fn tables_have_a_limit_of_their_own() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    let text = r#"(module (table 0 funcref)
        (func (export "f") (result i32)
            (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1))))
            (table.size)))"#;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    let f = instance.get_typed_func::<(), i32>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, ())?, 10_000_000);
    for size in ["10000001", "0xffffffff"] {
        let large = Module::new(&engine, format!("(module (table {size} funcref))"))?;
        assert!(Instance::new(&mut store, &large, &[]).is_err(), "{size}");
    }
    assert_eq!(f.call(&mut store, ())?, 10_000_000);
    clock.check();
    Ok(())
}

#[test]
fn instances_without_end_meet_the_limits() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, "(module (memory 1) (table 10 funcref))")?;
    let mut store = Store::new(&engine, StoreLimits::default());
    store.limiter(|limits| limits);
    let made = (0..).take_while(|_| Instance::new(&mut store, &module, &[]).is_ok()).count();
    assert_eq!(made, 10_000);
    Ok(())
}
