//! Fault loops: the first, second, third … request for memory fails, or call of the host, or question to a limiter, until a
//! run needs fewer than that. Each failure is an error and nothing else: no panic, no abort, nothing lost, and the engine,
//! the module and, where it exists, the store go on.
//!
//! Requests are those whose size a guest has a say in: memories, stacks, tables, instances.

use riser::*;
use riser_sys::faults;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// Asks for everything that there is to ask for, at the start and while it runs.
const MODULE: &str = r#"(module
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (memory $small (export "memory") 1 100) (memory $large 20) (memory $wide i64 0)
    (memory $shared 1 4 shared)
    (table $t (export "table") 10 funcref) (table $empty 0 externref)
    (global $grown (mut i32) (i32.const 0))
    (global i64 (i64.const 5)) (global f64 (f64.const 1)) (global i32 (i32.const 1)) (global i32 (i32.const 2))
    (tag (param i32)) (tag) (tag)
    (data (memory $large) (i32.const 1000000) "far")
    (elem (table $t) (i32.const 0) func $run $twice)
    (elem $passive funcref (ref.func $run) (ref.null func))
    (func $note (param i32)
        (if (i32.ne (local.get 0) (i32.const -1))
            (then (global.set $grown (i32.add (global.get $grown) (i32.const 1))))))
    (func $run (export "run") (result i32)
        (global.set $grown (i32.const 0))
        (call $note (memory.grow $small (i32.const 1)))
        (call $note (memory.grow $small (i32.const 50)))
        (call $note (memory.grow $large (i32.const 100)))
        (call $note (i32.wrap_i64 (memory.grow $wide (i64.const 3))))
        (call $note (memory.grow $shared (i32.const 1)))
        (call $note (table.grow $t (ref.null func) (i32.const 1000)))
        (call $note (table.grow $empty (ref.null extern) (i32.const 100)))
        (table.init $t $passive (i32.const 2) (i32.const 0) (i32.const 2))
        (call $twice (call $twice (global.get $grown)))))"#;

/// What a guest that met no failure returns: it grew seven times.
const ALL_GROWN: i32 = 28;

/// A run from an empty store to a result; the host's data is `token`, so that somebody who forgets the store is seen.
fn run(engine: &Engine, module: &Module, token: &Arc<()>) -> Result<i32> {
    let mut store = Store::try_new(engine, token.clone())?;
    let kept = token.clone();
    let twice = Func::wrap(&mut store, move |n: i32| {
        let _ = &kept;
        n * 2
    });
    let instance = Instance::new(&mut store, module, &[twice.into()])?;
    let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    memory.grow(&mut store, 1)?;
    memory.grow(&mut store, 30)?;
    memory.write(&mut store, 31 << 16, b"end")?;
    let ty = TableType::new(RefType::FUNCREF, 1, None);
    Table::new(&mut store, ty, Ref::Func(Some(twice)))?.grow(&mut store, 70, Ref::Func(None))?;
    Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(1))?;
    SharedMemory::new(engine, MemoryType::shared(1, 40))?;
    let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
    let grown = run.call(&mut store, ())?;
    // What could not grow is as it was, and what could is there.
    let small = instance.get_memory(&mut store, "memory").expect("it is exported");
    let pages = small.size(&store);
    assert!([1, 2, 51, 52].contains(&pages), "{pages}");
    assert_eq!(small.data(&store)[pages as usize * 65536 - 1], 0);
    Ok(grown)
}

/// What the process occupies, resident or not, where the system tells.
fn occupied() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split_whitespace().next()?.parse::<usize>().ok()? * 4096)
}

/// Held by tests that take memory: one of them measures what all of the process occupies.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs with the n-th request refused, or all from the n-th on, for every n: how many requests there are.
fn fail_each(from_there_on: bool) -> u64 {
    let token = Arc::new(());
    // An engine that has no stack to reuse asks for one.
    let module_of = |engine: &Engine| Module::new(engine, MODULE).expect("it is valid");
    let mut failures = 0;
    for at in 0.. {
        let engine = Engine::default();
        let module = module_of(&engine);
        faults::plan(at..if from_there_on { u64::MAX } else { at + 1 });
        let outcome = run(&engine, &module, &token);
        let requests = faults::requests();
        faults::plan(0..0);
        assert_eq!(Arc::strong_count(&token), 1, "the {at}-th failure left a store");
        failures += u64::from(!matches!(outcome, Ok(ALL_GROWN)));
        if let Err(error) = &outcome {
            assert!(!format!("{error:?}").is_empty());
        }
        // The same engine and module go on.
        assert_eq!(run(&engine, &module, &token).expect("nothing fails"), ALL_GROWN);
        if requests <= at {
            assert!(matches!(outcome, Ok(ALL_GROWN)), "nothing was refused: {outcome:?}");
            assert!(failures >= 15, "{failures}");
            return at;
        }
    }
    unreachable!("a run has an end")
}

#[test]
fn each_refusal_of_memory_is_an_error() {
    let _alone = ALONE.lock().unwrap();
    let requests = fail_each(false);
    assert!((20..1000).contains(&requests), "{requests}");
    // Once more, many times: what is refused leaves nothing behind, not even addresses.
    let before = occupied();
    (0..8).for_each(|_| _ = fail_each(false));
    if let Some((before, after)) = before.zip(occupied()) {
        assert!(after < before + (64 << 20), "{before} bytes, then {after}");
    }
}

#[test]
fn memory_that_stays_refused_is_an_error() {
    let _alone = ALONE.lock().unwrap();
    let requests = fail_each(true);
    assert!((15..1000).contains(&requests), "{requests}");
}

/// How something of the host fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    Error,
    Panic,
    /// Of a limiter only: what is asked for is not allowed.
    Refusal,
}

#[derive(Clone, Copy)]
struct Host {
    asked: u32,
    fails_at: u32,
    how: Failure,
}

impl Host {
    /// Counts a question or a call; the one that is to fail does.
    fn step(&mut self) -> Result<bool> {
        self.asked += 1;
        match self.how {
            _ if self.asked != self.fails_at => Ok(true),
            Failure::Error => bail!("failed as planned"),
            Failure::Panic => panic!("failed as planned"),
            Failure::Refusal => Ok(false),
        }
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        self.step()
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        self.step()
    }
}

/// The host and the guest call each other, and the host's calls and the limiter's answers are counted.
fn talk(engine: &Engine, module: &Module, store: &mut Store<Host>) -> Result<i32> {
    let mut linker = Linker::<Host>::new(engine);
    linker.func_wrap("host", "twice", |mut caller: Caller<'_, Host>, n: i32| {
        let allowed = caller.data_mut().step()?;
        ensure!(allowed, "refused as planned");
        if n > 3 {
            return Ok(n);
        }
        let again = caller.get_export("again").and_then(Extern::into_func).expect("its export");
        again.typed::<i32, i32>(&caller)?.call(&mut caller, n + 1)
    })?;
    let instance = linker.instantiate(&mut *store, module)?;
    instance.get_typed_func::<i32, i32>(&mut *store, "again")?.call(&mut *store, 0)
}

#[test]
fn each_failure_of_the_host_is_an_error_and_the_store_goes_on() -> Result<()> {
    let _alone = ALONE.lock().unwrap();
    const TALK: &str = r#"(module
        (import "host" "twice" (func $twice (param i32) (result i32)))
        (memory 1) (memory 2) (table 1 funcref)
        (func (export "again") (param i32) (result i32)
            (drop (memory.grow (i32.const 1)))
            (drop (table.grow (ref.null func) (i32.const 1)))
            (call $twice (local.get 0))))"#;
    let engine = Engine::default();
    let module = Module::new(&engine, TALK)?;
    for how in [Failure::Error, Failure::Panic, Failure::Refusal] {
        for fails_at in 1.. {
            let mut store = Store::new(&engine, Host { asked: 0, fails_at, how });
            store.limiter(|host| host);
            let outcome = catch_unwind(AssertUnwindSafe(|| talk(&engine, &module, &mut store)));
            let asked = store.data().asked;
            // Then the same store does it all.
            store.data_mut().fails_at = 0;
            let after = talk(&engine, &module, &mut store)?;
            assert_eq!(after, 4, "after {how:?} at {fails_at}");
            if asked < fails_at {
                assert_eq!(outcome.expect("no panic")?, 4);
                assert!(asked >= 18, "{asked}");
                break;
            }
            match (how, outcome) {
                (Failure::Panic, outcome) => assert!(outcome.is_err()),
                (Failure::Error, Ok(Err(error))) => {
                    assert!(format!("{error:?}").contains("failed as planned"), "{error:?}");
                }
                // A guest that may not grow goes on.
                (Failure::Refusal, Ok(outcome)) => {
                    assert!(outcome.is_err() || outcome.is_ok_and(|n| n == 4));
                }
                (how, outcome) => panic!("{how:?} gave {outcome:?}"),
            }
        }
    }
    Ok(())
}
