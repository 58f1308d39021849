//! Loops that are left for better code while operands wait below blocks between them and loops around: each function computes what it
//! computes without, wherever the better code begins. In each, something is left early, before the inner loops.

use riser::{Config, Engine, Instance, Module, Result, Store, Strategy};

/// What all functions use. `$work` has a loop's turns add to the sum; objects are made in it, so that references move.
const COMMON: &str = r#"
    (type $box (struct (field i64)))
    (tag $thrown (param i64 (ref $box)))
    (tag $other)
    (func $box (param i32) (result (ref $box))
        (struct.new $box (i64.extend_i32_u (i32.mul (local.get 0) (i32.const 1000)))))
    (func $vector (param i32) (result v128)
        (i32x4.mul (i32x4.splat (local.get 0)) (v128.const i32x4 1 10 100 1000)))
    (func $fold (param v128) (result i64)
        (i64.add (i64x2.extract_lane 0 (local.get 0)) (i64x2.extract_lane 1 (local.get 0))))
    (func $sometimes (param i32)
        (if (i32.eq (i32.rem_u (local.get 0) (i32.const 3)) (i32.const 1))
            (then (throw $thrown (i64.extend_i32_u (local.get 0)) (call $box (local.get 0)))))
        (if (i32.eq (i32.rem_u (local.get 0) (i32.const 3)) (i32.const 2))
            (then (throw $other))))"#;

/// Takes a vector, a reference and a number off the stack.
const TAKE: &str = "
    call $fold local.get $sum i64.add local.set $sum
    struct.get $box 0 local.get $sum i64.add local.set $sum
    local.get $sum i64.rotl local.set $sum";

/// Puts them there.
const PUT: &str = "
    (i64.extend_i32_u (local.get $i)) (call $box (local.get $i)) (call $vector (local.get $i))";

/// Loops in a loop, with values below both.
const LOOPS: &str = "
    (local.set $j (i32.const 0))
    (i64.extend_i32_s (i32.sub (local.get $i) (i32.const 5)))
    (call $box (i32.add (local.get $sure) (local.get $i)))
    (loop $middle
        (local.set $k (i32.const 0))
        (call $vector (local.get $j))
        (loop $inner
            (drop (struct.new $box (local.get $sum)))
            (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
            (local.set $k (i32.add (local.get $k) (i32.const 1)))
            (br_if $inner (i32.lt_u (local.get $k) (i32.const 4))))
        (call $fold) (local.set $sum (i64.add (local.get $sum)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $middle (i32.lt_u (local.get $j) (i32.const 3))))
    struct.get $box 0 local.get $sum i64.xor local.set $sum
    local.get $sum i64.sub local.set $sum";

/// The bodies of the outermost loops, by name: `PUT`, `TAKE` and `LOOPS` stand for what is above.
const CASES: [(&str, &str); 12] = [
    ("br_if", "PUT (block (br_if 0 (i32.and (local.get $i) (i32.const 1))) LOOPS) TAKE"),
    (
        "br_table",
        "PUT
        (block $a
            (i64.const 11)
            (block $b (call $box (local.get $i)) (block $c
                (br_table $c $b $a $c (i32.and (local.get $i) (i32.const 3))))
                LOOPS (struct.get $box 0) (local.set $sum (i64.add (local.get $sum))))
            LOOPS (local.set $sum (i64.add (local.get $sum))))
        TAKE",
    ),
    ("if", "PUT (if (i32.and (local.get $i) (i32.const 1)) (then LOOPS)) TAKE"),
    (
        "first arm",
        "PUT (if (i32.and (local.get $i) (i32.const 1))
            (then LOOPS) (else (local.set $sum (i64.add (local.get $sum) (i64.const 9))))) TAKE",
    ),
    (
        "both arms",
        "PUT (i64.const 77) (if (param i64) (result i64) (i32.and (local.get $i) (i32.const 1))
            (then LOOPS (i64.add (local.get $sum))) (else LOOPS (i64.sub (local.get $sum))))
        (local.set $sum) TAKE",
    ),
    (
        "on null",
        "PUT (block $null
            (br_on_null $null (select (result (ref null $box)) (ref.null $box) (call $box (local.get $i)) (i32.and (local.get $i) (i32.const 1))))
            LOOPS (struct.get $box 0) (local.set $sum (i64.add (local.get $sum))))
        TAKE",
    ),
    (
        "parameters",
        "PUT (i64.const 3) (call $box (local.get $i))
        (block (param i64 (ref $box)) (result v128 (ref $box))
            (struct.get $box 0) (i64.add) (local.set $sum (i64.add (local.get $sum)))
            (br_if 0 (call $vector (local.get $i)) (call $box (local.get $i)) (i32.and (local.get $i) (i32.const 1)))
            LOOPS)
        (struct.get $box 0) (local.set $sum (i64.add (local.get $sum)))
        (call $fold) (local.set $sum (i64.add (local.get $sum)))
        TAKE",
    ),
    (
        "deep",
        "PUT (block $one
            (br_if $one (i32.eqz (i32.rem_u (local.get $i) (i32.const 5))))
            (i64.const 8) (call $box (local.get $i)) (call $vector (local.get $i))
            (block $two
                (br_if $two (i32.eqz (i32.rem_u (local.get $i) (i32.const 2))))
                (local.set $l (i32.const 0))
                (call $box (i32.const 4))
                (loop $between
                    (call $vector (local.get $l))
                    (block $three
                        (br_if $one (i32.eq (i32.add (local.get $i) (local.get $l)) (i32.const 9)))
                        (br_if $two (i32.eq (i32.add (local.get $i) (local.get $l)) (i32.const 8)))
                        (br_if $three (local.get $l))
                        LOOPS)
                    (call $fold) (local.set $sum (i64.add (local.get $sum)))
                    (local.set $l (i32.add (local.get $l) (i32.const 1)))
                    (br_if $between (i32.lt_u (local.get $l) (i32.const 3))))
                (struct.get $box 0) (local.set $sum (i64.add (local.get $sum))))
            TAKE)
        TAKE",
    ),
    (
        "try_table",
        "PUT
        (block $all
            (i64.const 6)
            (block $caught (result i64 (ref $box))
                (try_table (catch $thrown $caught) (catch_all $all)
                    (call $sometimes (local.get $i))
                    LOOPS
                    (call $sometimes (i32.mul (local.get $i) (i32.const 7))))
                (i64.const 1) (call $box (i32.const 1)))
            (struct.get $box 0) (i64.add) (i64.add) (local.set $sum (i64.add (local.get $sum))))
        TAKE",
    ),
    (
        "behind a handler",
        "PUT
        (block $all
            (i64.const 6)
            (block $caught (result i64 (ref $box))
                (try_table (catch $thrown $caught) (catch_all $all) (call $sometimes (local.get $i)))
                (i64.const 1) (call $box (i32.const 1)))
            LOOPS
            (struct.get $box 0) (i64.add) (i64.add) (local.set $sum (i64.add (local.get $sum))))
        TAKE",
    ),
    (
        "try",
        "PUT
        try (result i64)
            (call $sometimes (local.get $i))
            LOOPS
            (call $sometimes (i32.mul (local.get $i) (i32.const 7)))
            (i64.const 5)
        catch $thrown
            LOOPS
            (struct.get $box 0) (i64.add)
        catch_all
            LOOPS
            (i64.const 2)
        end
        (local.set $sum (i64.add (local.get $sum)))
        TAKE",
    ),
    (
        "rethrow",
        "PUT
        try
            (i64.const 31)
            try
                try
                    (call $sometimes (local.get $i))
                    LOOPS
                delegate 0
                LOOPS
            catch $other
                LOOPS
                (br_if 0 (i32.and (local.get $i) (i32.const 4)))
                LOOPS
                (rethrow 0)
            catch_all
                LOOPS
                (rethrow 0)
            end
            (local.set $sum (i64.add (local.get $sum)))
        catch $thrown
            (struct.get $box 0) (i64.add) (local.set $sum (i64.add (local.get $sum)))
            LOOPS
        catch_all
            LOOPS
        end
        TAKE",
    ),
];

/// A module with such a function.
fn text(case: &str) -> String {
    // Labels of text may be the same in blocks that follow each other.
    let body = case.replace("PUT", PUT).replace("TAKE", TAKE).replace("LOOPS", LOOPS);
    format!(
        r#"(module {COMMON}
            (func (export "f") (param $sure i32) (result i64)
                (local $i i32) (local $j i32) (local $k i32) (local $l i32) (local $sum i64)
                (call $box (i32.const 3))
                (loop $outer
                    {body}
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $outer (i32.lt_u (local.get $i) (i32.const 12))))
                (struct.get $box 0)
                (i64.add (local.get $sum))))"#
    )
}

/// What it computes in a configuration, called twice, and how many loops were replaced.
fn run(config: &mut Config, text: &str) -> Result<(Vec<i64>, u64)> {
    let engine = Engine::new(config.wasm_legacy_exceptions(true))?;
    let module = Module::new(&engine, text)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<i32, i64>(&mut store, "f")?;
    let results: Result<_> = [7, 8].into_iter().map(|sure| f.call(&mut store, sure)).collect();
    Ok((results?, engine.loops_replaced()))
}

#[test]
fn loops_below_which_operands_wait_compute_the_same_in_better_code() -> Result<()> {
    for (name, case) in CASES {
        let text = text(case);
        let (expected, _) = run(Config::new().strategy(Strategy::Interpreter), &text)?;
        let others: Result<Vec<_>> = [Strategy::Baseline, Strategy::Cranelift]
            .into_iter()
            .filter_map(|strategy| {
                let mut config = Config::new();
                Engine::new(config.strategy(strategy)).ok()?;
                Some(run(&mut config, &text))
            })
            .collect();
        for (results, _) in others? {
            assert_eq!(results, expected, "{name}");
        }
        let has_tiers = Engine::new(Config::new().strategy(Strategy::Baseline)).is_ok();
        let mut replaced = 0;
        // The budgets are such that each loop is the one that is left for one of them.
        for budget in (0..20_000).step_by(137) {
            let mut config = Config::new();
            config.strategy(Strategy::Auto).tier_up_budget(budget, 0).tier_up_in_background(false);
            let (results, loops) = run(config.gc_stress(budget % 3 == 0), &text)?;
            assert_eq!(results, expected, "{name} {budget}");
            replaced += loops;
        }
        assert!(!has_tiers || replaced > 20, "{name}: {replaced}");
    }
    Ok(())
}
