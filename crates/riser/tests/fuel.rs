//! What guests consume, computed by hand: operators cost 1, but `block`, `loop`, `else`, `end`, `nop` and `drop` nothing.

mod common;

use common::trap;
use riser::*;

fn fueled(text: &str) -> Result<(Store<Vec<u64>>, Instance)> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let module = Module::new(&engine, text)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "note", |mut caller: Caller<'_, Vec<u64>>| -> Result<()> {
        let fuel = caller.get_fuel()?;
        caller.data_mut().push(fuel);
        Ok(())
    })?;
    linker.func_wrap("", "refuel", |mut caller: Caller<'_, Vec<u64>>| caller.set_fuel(100))?;
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module)?;
    Ok((store, instance))
}

/// Calls with plenty of fuel: what was consumed, and how it ended.
fn consumed(
    store: &mut Store<Vec<u64>>,
    instance: Instance,
    name: &str,
    arg: i32,
) -> Result<(u64, Option<Trap>)> {
    let func = instance.get_typed_func::<i32, i32>(&mut *store, name)?;
    store.set_fuel(1000)?;
    let outcome = func.call(&mut *store, arg);
    Ok((1000 - store.get_fuel()?, outcome.err().map(|error| trap(&error))))
}

const PROGRAM: &str = r#"(module
    (import "" "note" (func $note))
    (import "" "refuel" (func $refuel))
    (memory 1) (table 1 funcref)
    (func (export "identity") (param i32) (result i32) (local.get 0))
    (func (export "free") (param i32) (result i32)
        nop (block nop) (drop (local.get 0)) (local.get 0) nop)
    (func (export "divide") (param i32) (result i32)
        (i32.add (i32.div_u (i32.const 100) (local.get 0)) (i32.mul (i32.const 2) (i32.const 3))))
    (func (export "load") (param i32) (result i32)
        (i32.add (i32.const 5) (i32.load (local.get 0))) (drop (i32.const 1)))
    (func (export "compare") (param i32) (result i32)
        (if (i32.lt_s (i32.load (local.get 0)) (i32.const 3)) (then unreachable))
        (i32.const 0))
    (func (export "choose") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 1))
            (else (i32.add (i32.const 1) (i32.const 2)))))
    (func (export "maybe") (param i32) (result i32)
        (if (local.get 0) (then (local.set 0 (i32.const 7))))
        (local.get 0))
    (func (export "count") (param i32) (result i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0))
    (func (export "switch") (param i32) (result i32)
        (block (block (br_table 0 1 (local.get 0))) (return (i32.const 5)))
        (i32.add (i32.const 1) (i32.const 1)))
    (func $leaf (result i32) (i32.const 4))
    (func (export "calls") (param i32) (result i32)
        (i32.add (call $leaf) (call $leaf)))
    (func $sum (export "tail") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call $sum (i32.sub (local.get 0) (i32.const 1))))
    (func (export "notes") (param i32) (result i32)
        (call $note) (drop (i32.const 1)) (call $note) (i32.const 2))
    (func (export "refuel") (param i32) (result i32) (call $refuel) (i32.const 2))
    (func (export "indirect") (param i32) (result i32)
        (call_indirect (result i32) (i32.const 0)))
    (func (export "vector") (param i32) (result i32)
        (i32x4.extract_lane 1 (i32x4.add
            (i32x4.splat (local.get 0)) (v128.const i32x4 1 2 3 4))))
    (func (export "truncate") (param i32) (result i32)
        (i32.trunc_sat_f32_s (f32.const 3)) (drop) (i32.trunc_f32_s (f32.const nan)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "dead") (param i32) (result i32)
        (block (br 0) (drop (i32.add (i32.const 1) (i32.const 2)))) (i32.const 1)))"#;

#[test]
fn consumption_is_what_the_operators_cost() -> Result<()> {
    let (mut store, instance) = fueled(PROGRAM)?;
    for (name, arg, fuel, end) in [
        ("identity", 3, 1, None),
        ("free", 3, 2, None),
        // const, get, div, const, const, mul, add
        ("divide", 3, 7, None),
        ("divide", 0, 3, Some(Trap::IntegerDivisionByZero)),
        // const, get, load, add, const
        ("load", 0, 5, None),
        ("load", -1, 3, Some(Trap::MemoryOutOfBounds)),
        // get, load, const, lt, if, unreachable
        ("compare", 0, 6, Some(Trap::UnreachableCodeReached)),
        ("compare", -1, 2, Some(Trap::MemoryOutOfBounds)),
        // get, eqz, if, const; or get, eqz, if, const, const, add
        ("choose", 0, 4, None),
        ("choose", 1, 6, None),
        // get, if, get; or get, if, const, set, get
        ("maybe", 0, 3, None),
        ("maybe", 1, 5, None),
        // five for each turn (get, const, sub, tee, br_if), and get
        ("count", 1, 6, None),
        ("count", 9, 46, None),
        // get, br_table, const, return; or get, br_table, const, const, add
        ("switch", 0, 4, None),
        ("switch", 1, 5, None),
        // twice call and const, add
        ("calls", 0, 5, None),
        // get, eqz, if, get, const, sub, return_call; last get, eqz, if, const, return
        ("tail", 10, 75, None),
        // call, const, call, const
        ("notes", 0, 4, None),
        // const, call_indirect
        ("indirect", 0, 2, Some(Trap::IndirectCallToNull)),
        // get, splat, const, add, extract
        ("vector", 0, 5, None),
        // const, trunc_sat, const, trunc
        ("truncate", 0, 4, Some(Trap::BadConversionToInteger)),
        ("grow", 1, 2, None),
        // br, const
        ("dead", 0, 2, None),
    ] {
        assert_eq!(consumed(&mut store, instance, name, arg)?, (fuel, end), "{name}({arg})");
    }
    // Host functions see what was consumed up to their call, and it included.
    assert_eq!(*store.data(), [999, 997]);
    Ok(())
}

#[test]
fn what_is_consumed_suffices_and_less_does_not() -> Result<()> {
    let (mut store, instance) = fueled(PROGRAM)?;
    for (name, arg) in [("count", 9), ("tail", 10), ("choose", 1), ("calls", 0), ("switch", 1)] {
        let func = instance.get_typed_func::<i32, i32>(&mut store, name)?;
        let (needed, end) = consumed(&mut store, instance, name, arg)?;
        assert_eq!(end, None);
        store.set_fuel(needed)?;
        func.call(&mut store, arg)?;
        assert_eq!(store.get_fuel()?, 0, "{name}");
        for less in 0..needed {
            store.set_fuel(less)?;
            let error = func.call(&mut store, arg).unwrap_err();
            assert_eq!(trap(&error), Trap::OutOfFuel, "{name} with {less} of {needed}");
            assert!(!error.downcast_ref::<WasmBacktrace>().unwrap().frames().is_empty());
        }
    }
    Ok(())
}

#[test]
fn nothing_happens_that_is_not_paid() -> Result<()> {
    let (mut store, instance) = fueled(
        r#"(module (global (export "g") (mut i32) (i32.const 0))
            (func (export "count")
                (loop (global.set 0 (i32.add (global.get 0) (i32.const 1))) (br 0))))"#,
    )?;
    let count = instance.get_typed_func::<(), ()>(&mut store, "count")?;
    let global = instance.get_global(&mut store, "g").unwrap();
    // A turn is get, const, add, set, br.
    for (fuel, turns, left) in
        [(0, 0, 0), (3, 0, 2), (4, 1, 0), (8, 1, 2), (9, 2, 0), (500, 100, 0)]
    {
        global.set(&mut store, Val::I32(0))?;
        store.set_fuel(fuel)?;
        assert_eq!(trap(&count.call(&mut store, ()).unwrap_err()), Trap::OutOfFuel);
        assert_eq!(global.get(&mut store).i32(), Some(turns), "{fuel}");
        // What did not suffice for the next effect is left.
        assert_eq!(store.get_fuel()?, left, "{fuel}");
    }
    Ok(())
}

#[test]
fn fuel_is_set_by_the_host_only() -> Result<()> {
    let (mut store, instance) = fueled(PROGRAM)?;
    // A new store has none.
    assert_eq!(store.get_fuel()?, 0);
    let identity = instance.get_typed_func::<i32, i32>(&mut store, "identity")?;
    assert_eq!(trap(&identity.call(&mut store, 1).unwrap_err()), Trap::OutOfFuel);
    store.set_fuel(u64::MAX)?;
    assert_eq!(identity.call(&mut store, 1)?, 1);
    assert_eq!(store.get_fuel()?, u64::MAX - 1);
    let refuel = instance.get_typed_func::<i32, i32>(&mut store, "refuel")?;
    store.set_fuel(1)?;
    assert_eq!(refuel.call(&mut store, 1)?, 2);
    assert_eq!(store.get_fuel()?, 99);
    // Where fuel is not counted, asking is an error.
    let mut store = Store::<()>::default();
    assert!(store.get_fuel().is_err());
    assert!(store.set_fuel(1).is_err());
    Ok(())
}

#[test]
fn fuel_and_epochs_go_together() -> Result<()> {
    let engine = Engine::new(Config::new().consume_fuel(true).epoch_interruption(true))?;
    let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    let mut store = Store::new(&engine, ());
    let spin =
        Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
    store.set_fuel(100)?;
    assert_eq!(trap(&spin.call(&mut store, ()).unwrap_err()), Trap::Interrupt);
    assert_eq!(store.get_fuel()?, 100);
    store.set_epoch_deadline(1);
    assert_eq!(trap(&spin.call(&mut store, ()).unwrap_err()), Trap::OutOfFuel);
    assert_eq!(store.get_fuel()?, 0);
    Ok(())
}
