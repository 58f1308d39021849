//! What once gave a wrong result, found by comparing generated modules with another runtime.

mod common;

use common::configs;
use riser::{Config, Engine, Instance, Module, Result, Store, Strategy, Trap};

/// A computation whose operand is a constant in a slot, and constants returned behind it: they were written
/// to their slots before the computation read its own.
#[test]
fn constants_behind_a_computation_do_not_overwrite_its_operands() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module (func (export "f") (result i64 i64 i64 i64)
            i32.const 2555906
            i64.extend_i32_u
            i64.const 1099511627775
            i64.and
            i64.const -8652760957437749327
            i64.const -1025
            i64.const 739370491358288305))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<(), (i64, i64, i64, i64)>(&mut store, "f")?;
    let expected = (2555906, -8652760957437749327, -1025, 739370491358288305);
    assert_eq!(f.call(&mut store, ())?, expected);
    Ok(())
}

/// The same with a local in place of the constants, before a block.
#[test]
fn locals_behind_a_computation_do_not_overwrite_its_operands() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module (func (export "f") (param i64 i32) (result i64)
            local.get 1
            i64.extend_i32_u
            i64.const 1099511627775
            i64.and
            local.get 0
            block
                local.get 1
                br_if 0
                i64.const 9
                local.set 0
            end
            i64.add))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<(i64, i32), i64>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, (5, 7))?, 12);
    assert_eq!(f.call(&mut store, (5, 0))?, 5);
    Ok(())
}

/// A local whose value was in the accumulator, and an atomic access behind it, which leaves its result there.
#[test]
fn the_result_of_an_atomic_access_is_not_taken_for_a_local() -> Result<()> {
    let engine = Engine::default();
    let accesses = [
        "(i32.atomic.rmw.add offset=4 (local.get 1) (i32.const 1))",
        "(i32.atomic.rmw8.xchg_u offset=4 (local.get 1) (i32.const 1))",
        "(i32.atomic.rmw.cmpxchg offset=4 (local.get 1) (i32.const 1) (i32.const 2))",
        "(i32.atomic.load offset=4 (local.get 1))",
        "(i64.atomic.rmw16.sub_u offset=4 (local.get 1) (i64.const 1))",
        "(memory.atomic.notify offset=4 (local.get 1) (i32.const 1))",
    ];
    for access in accesses {
        let text = format!(
            "(module (memory 1) (data (i32.const 100) \"\\e8\\03\") (data (i32.const 204) \"\\01\")
                (func (export \"f\") (param i32 i32) (result i32) (local i32)
                    (local.set 2 (i32.load (local.get 0)))
                    (drop {access})
                    (local.get 2)))"
        );
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
        let f = instance.get_typed_func::<(u32, u32), u32>(&mut store, "f")?;
        assert_eq!(f.call(&mut store, (100, 200))?, 1000, "{access}");
    }
    Ok(())
}

/// A segment of expressions that only declares, from which none of its elements are copied.
#[test]
fn nothing_can_be_copied_from_a_segment_that_declares() -> Result<()> {
    for config in configs() {
        let engine = Engine::new(&config)?;
        let module = Module::new(
            &engine,
            r#"(module (table 3 funcref) (table $objects 3 structref)
                (elem $funcs declare funcref (ref.func $f) (ref.null func))
                (elem $none declare structref)
                (elem $active (table $objects) (i32.const 1) structref (ref.null struct))
                (func $f (export "init") (param $first i32) (param $count i32)
                    (table.init $objects $none (local.get $first) (i32.const 0) (local.get $count))
                    (table.init $objects $active (local.get $first) (i32.const 0) (local.get $count))
                    (table.init 0 $funcs (local.get $first) (i32.const 0) (local.get $count))))"#,
        )?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let init = instance.get_typed_func::<(i32, i32), ()>(&mut store, "init")?;
        init.call(&mut store, (0, 0))?;
        init.call(&mut store, (3, 0))?;
        for args in [(0, 1), (4, 0)] {
            let error = init.call(&mut store, args).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Trap::TableOutOfBounds), "{args:?}");
        }
    }
    Ok(())
}

/// Code for the rest of a function from an inner loop on took operands that wait below the outer loops from code before those,
/// which is not executed; its compiler panicked, and the loop was not replaced.
#[test]
fn what_waits_below_outer_loops_is_there_after_a_replacement() -> Result<()> {
    const TEXT: &str = r#"(module
        (type $box (struct (field i64)))
        (func (export "f") (param i64 i32) (result i64) (local $i i32) (local $j i32) (local $sum i64)
            ;; These wait below both loops, ...
            (local.get 0)
            (struct.new $box (i64.mul (local.get 0) (i64.const 1000)))
            (if (result i64) (local.get 1)
                (then
                    ;; ... and these in an arm.
                    (i64.xor (local.get 0) (i64.const -1))
                    (struct.new $box (i64.const 70000))
                    (block $out
                        (loop $outer
                            (local.set $j (i32.const 0))
                            (i64.extend_i32_u (local.get $i))
                            (loop $inner
                                (drop (struct.new $box (local.get $sum)))
                                (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
                                (local.set $j (i32.add (local.get $j) (i32.const 1)))
                                (br_if $inner (i32.lt_u (local.get $j) (i32.const 10))))
                            (local.set $sum (i64.add (local.get $sum)))
                            (local.set $i (i32.add (local.get $i) (i32.const 1)))
                            (br_if $outer (i32.lt_u (local.get $i) (i32.const 10)))))
                    (struct.get $box 0)
                    (i64.add))
                (else (i64.const 5)))
            (local.set $sum (i64.add (local.get $sum)))
            (struct.get $box 0)
            (i64.add)
            (i64.add (local.get $sum))))"#;
    let tiered = |budget| {
        let mut config = Config::new();
        config.strategy(Strategy::Auto).tier_up_budget(budget, 0).tier_up_in_background(false);
        config
    };
    let mut configs: Vec<Config> = [0, 100, 500, 1500].into_iter().map(tiered).collect();
    configs[2].gc_stress(true);
    let counted = configs.len();
    configs.push(Config::new().strategy(Strategy::Interpreter).clone());
    let baseline = Config::new().strategy(Strategy::Baseline).clone();
    for (number, config) in configs.iter().enumerate() {
        let engine = Engine::new(config)?;
        let module = Module::new(&engine, TEXT)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let f = instance.get_typed_func::<(i64, i32), i64>(&mut store, "f")?;
        assert_eq!(f.call(&mut store, (7, 1))?, 7 + 7000 + (!7 + 70_000) + 100 + 45);
        // There is not for every machine a first compiler.
        let is_replaced = number < counted && Engine::new(&baseline).is_ok();
        assert_eq!(engine.loops_replaced() > 0, is_replaced, "{config:?}");
        assert_eq!(f.call(&mut store, (7, 0))?, 7 + 7000 + 5);
    }
    Ok(())
}

/// Operands that wait below a block were put into variables in a loop in it, and had no values where the block had been left before.
/// (`tests/replaced.rs` has more of such loops.)
#[test]
fn what_waits_below_a_block_that_is_left_early_is_there_after_a_replacement() -> Result<()> {
    const TEXT: &str = r#"(module
        (func (export "closed") (result i64) (local $i i32) (local $j i32) (local $sum i64)
            (loop $outer
                (i64.extend_i32_u (local.get $i))
                (block $early
                    (br_if $early (i32.const 1))
                    (loop $not_around))
                (local.set $j (i32.const 0))
                (loop $inner (param i64) (result i64)
                    (local.set $sum (i64.add (local.get $sum)))
                    (i64.const 1)
                    (local.set $j (i32.add (local.get $j) (i32.const 1)))
                    (br_if $inner (i32.lt_u (local.get $j) (i32.const 10))))
                (drop)
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $outer (i32.lt_u (local.get $i) (i32.const 10))))
            (local.get $sum))
        (func (export "around") (result i64)
            (local $i i32) (local $j i32) (local $k i32) (local $sum i64)
            (loop $outer
                (i64.extend_i32_u (local.get $i))
                (block $early
                    (br_if $early (i32.and (local.get $i) (i32.const 1)))
                    (local.set $j (i32.const 0))
                    (loop $middle
                        (local.set $k (i32.const 0))
                        (loop $inner
                            (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
                            (local.set $k (i32.add (local.get $k) (i32.const 1)))
                            (br_if $inner (i32.lt_u (local.get $k) (i32.const 10))))
                        (local.set $j (i32.add (local.get $j) (i32.const 1)))
                        (br_if $middle (i32.lt_u (local.get $j) (i32.const 3)))))
                (local.set $sum (i64.add (local.get $sum)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $outer (i32.lt_u (local.get $i) (i32.const 10))))
            (local.get $sum)))"#;
    for (name, expected) in [("closed", 45 + 90), ("around", 150 + 45)] {
        for budget in (0..6000).step_by(100) {
            let mut config = Config::new();
            config.tier_up_budget(budget, 0).tier_up_in_background(false);
            let engine = Engine::new(&config)?;
            let module = Module::new(&engine, TEXT)?;
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[])?;
            let f = instance.get_typed_func::<(), i64>(&mut store, name)?;
            assert_eq!(f.call(&mut store, ())?, expected, "{name} {budget}");
        }
    }
    Ok(())
}
