//! Modules that are hostile by their form: nested deep, as wide or as numerous as the limits allow, or just beyond. Each is
//! accepted and runs, or is refused, in time in proportion to its bytes; nothing recurses on the host's stack.
//!
//! What guests do when they run is in `hostile.rs`. The limits one by one are tested in `crates/riser-module`.

mod common;

use common::{Clock, trap};
use riser::*;

const DEPTH: usize = 100_000;

/// Everything that nests, as what opens a level and what closes it. Each level leaves local 0 as it was.
const NESTS: &[(&str, &str, &str)] = &[
    ("block", "block ", "end "),
    ("loop", "loop ", "end "),
    ("if", "local.get 0 if ", "end "),
    ("else", "local.get 1 if else ", "end "),
    ("both", "local.get 0 if nop else unreachable end local.get 0 if ", "else unreachable end "),
    ("result", "block (result i32) ", "local.get 0 end drop "),
    ("parameter", "local.get 0 block (param i32) drop ", "end "),
    ("loop with a parameter", "local.get 0 loop (param i32) drop ", "end "),
    ("br", "block ", "br 0 end "),
    ("br_if", "block ", "local.get 0 br_if 0 unreachable end "),
    ("br_table", "block ", "local.get 1 br_table 0 0 end "),
    ("br_on_null", "block ", "ref.null func br_on_null 0 unreachable end "),
    ("try_table", "block try_table (catch_all 0) ", "end end "),
    ("try", "try ", "catch_all end "),
    ("operand", "local.get 0 ", "local.get 0 i32.and local.set 0 "),
    ("operator", "local.get 0 ", "drop "),
];

/// A function whose body is `count` levels.
fn nested(open: &str, close: &str, count: usize) -> String {
    format!(
        r#"(module (func (export "f") (param i32 i32) {} {})
            (func (export "answer") (result i32) i32.const 42))"#,
        open.repeat(count),
        close.repeat(count)
    )
}

/// Works in a thread with a stack on which recursion would not get far.
fn on_a_small_stack(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn_scoped(scope, work).expect("a thread").join().expect("no panic");
    });
}

fn answer<T: 'static>(store: &mut Store<T>, instance: Instance) -> i32 {
    let answer = instance.get_typed_func::<(), i32>(&mut *store, "answer").unwrap();
    answer.call(store, ()).unwrap()
}

#[test]
fn whatever_nests_does_so_a_hundred_thousand_times() {
    let clock = Clock::start();
    let mut configs = [Config::new(), Config::new(), Config::new()];
    configs[1].consume_fuel(true);
    configs[2].epoch_interruption(true);
    for (name, open, close) in NESTS {
        // The text parser is not what this is about.
        let binary = wat::parse_str(nested(open, close, DEPTH)).unwrap();
        for config in &mut configs {
            let engine = Engine::new(config.strategy(Strategy::Interpreter)).unwrap();
            on_a_small_stack(|| {
                let module = Module::from_binary(&engine, &binary).unwrap();
                let mut store = Store::new(&engine, ());
                let _ = store.set_fuel(u64::MAX);
                store.set_epoch_deadline(1);
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                let f = instance.get_typed_func::<(i32, i32), ()>(&mut store, "f").unwrap();
                let called = f.call(&mut store, (1, 0));
                assert!(called.is_ok(), "{name}: {called:?}");
                assert_eq!(answer(&mut store, instance), 42, "{name}");
            });
        }
    }
    clock.check();
}

/// Operands that wait below many loops, and many blocks around them, while the last loop gets better code.
#[test]
fn what_waits_below_many_loops_takes_bounded_work() {
    let clock = Clock::start();
    let (operands, loops, blocks) = (200, 300_000, 20_000);
    let waiting = "(i32.const 1) ".repeat(operands);
    let cases = [
        format!("{waiting} {} $LAST {}", "loop end ".repeat(loops), "drop ".repeat(operands)),
        format!(
            "{} {} $LAST {}",
            "block ".repeat(blocks),
            "i32.const 1 loop end drop ".repeat(loops / 2),
            "end ".repeat(blocks)
        ),
        format!(
            "{waiting} loop {} $LAST end {}",
            "block i32.const 0 br_if 0 end ".repeat(loops / 2),
            "drop ".repeat(operands)
        ),
        format!(
            "loop {} loop $LAST end {} end",
            "i32.const 1 block i32.const 0 br_if 0 ".repeat(blocks),
            "end drop ".repeat(blocks)
        ),
    ];
    for body in cases {
        let last = "loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end";
        let text =
            format!(r#"(module (func (export "f") (param i32) {}))"#, body.replace("$LAST", last));
        let binary = wat::parse_str(text).unwrap();
        let mut config = Config::new();
        config.tier_up_budget(0, 0).tier_up_in_background(false);
        let engine = Engine::new(&config).unwrap();
        let module = Module::from_binary(&engine, &binary).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
        f.call(&mut store, 10_000).unwrap();
    }
    clock.check();
}

const STRATEGIES: [Strategy; 3] = [Strategy::Baseline, Strategy::Cranelift, Strategy::Auto];

#[test]
fn whatever_nests_is_compiled_or_refused() {
    for (strategy, nest) in
        STRATEGIES.iter().flat_map(|strategy| NESTS.iter().map(|nest| (*strategy, *nest)))
    {
        let (name, open, close) = nest;
        let binary = wat::parse_str(nested(open, close, DEPTH / 16)).unwrap();
        let Ok(engine) = Engine::new(Config::new().strategy(strategy)) else { continue };
        // The optimizing compiler refuses loops within thousands of loops; where there is another, that one's code stays.
        let has_other = strategy != Strategy::Cranelift && cfg!(target_arch = "x86_64");
        on_a_small_stack(|| {
            let module = Module::from_binary(&engine, &binary).unwrap();
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let f = instance.get_typed_func::<(i32, i32), ()>(&mut store, "f").unwrap();
            let refused = f.call(&mut store, (1, 0)).err().map(|error| format!("{error:#}"));
            let is_long = name.contains("loop") && engine.is_compiled() && !has_other;
            let nested = "loops that are nested that deeply";
            assert_eq!(refused.is_some_and(|text| text.contains(nested)), is_long, "{name}");
            assert_eq!(answer(&mut store, instance), 42, "{name}");
        });
    }
}

/// Ends of blocks that only lead to the next end, with and without values. (With values, the time that register allocation takes still grows
/// with the square of their number.)
#[test]
fn a_hundred_thousand_ends_are_compiled_in_time() -> Result<()> {
    const SOME: usize = DEPTH / 16;
    let clock = Clock::start();
    // Not every platform has the compiler.
    let Ok(engine) = Engine::new(Config::new().strategy(Strategy::Cranelift)) else {
        return Ok(());
    };
    let level = "local.get 0 i32.const X i32.eq if (result i32 i32) i32.const X local.get 1 else ";
    let levels: String = (0..SOME).map(|n| level.replace('X', &n.to_string())).collect();
    let text = format!(
        r#"(module (func (export "which") (param i32 i32) (result i32 i32)
            {levels} local.get 1 i32.const -1 {})
          (func (export "none") (param i32) (result i32) {} {} i32.const 3))"#,
        "end ".repeat(SOME),
        "local.get 0 if else ".repeat(DEPTH),
        "end ".repeat(DEPTH),
    );
    let module = Module::new(&engine, text)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let none = instance.get_typed_func::<i32, i32>(&mut store, "none")?;
    assert_eq!((none.call(&mut store, 0)?, none.call(&mut store, 1)?), (3, 3));
    let which = instance.get_typed_func::<(i32, i32), (i32, i32)>(&mut store, "which")?;
    for n in [0, 1, 7, 999, SOME as i32 - 1] {
        assert_eq!(which.call(&mut store, (n, 5))?, (n, 5));
    }
    assert_eq!(which.call(&mut store, (-1, 5))?, (5, -1));
    clock.check();
    Ok(())
}

#[test]
fn nesting_that_does_not_end_is_an_error() {
    let engine = Engine::default();
    for (name, open, _) in NESTS {
        // The body ends before its blocks do, or with operands that are too many.
        let mut binary = wat::parse_str(nested(open, "", 1)).unwrap_or_default();
        if binary.is_empty() {
            binary = wat::parse_str(nested(open, "unreachable ", DEPTH)).unwrap();
        }
        on_a_small_stack(|| assert!(Module::from_binary(&engine, &binary).is_err(), "{name}"));
    }
}

#[test]
fn a_branch_leaves_a_hundred_thousand_blocks() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    let depth = DEPTH - 1;
    for (branch, results) in [
        (format!("br {depth}"), ""),
        (format!("local.get 0 br_if {depth} unreachable"), ""),
        (format!("local.get 0 br_table 0 1 {depth}"), ""),
        (format!("i64.const 7 f64.const 2 local.get 0 br_table {depth} {depth}"), "i64 f64"),
        ("return".to_string(), ""),
    ] {
        let block = format!("block (result {results}) ");
        let close =
            format!("unreachable end {}", "drop ".repeat(results.split_whitespace().count()));
        let text = format!(
            r#"(module (func (export "f") (param i32) (result i32) {} {branch} {} i32.const 42))"#,
            block.repeat(DEPTH),
            close.repeat(DEPTH)
        );
        let text = text.replace("return ", "i32.const 42 return ");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
        let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
        assert_eq!(f.call(&mut store, 9)?, 42, "{branch}");
    }
    clock.check();
    Ok(())
}

#[test]
fn a_br_table_has_a_million_targets() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    // As many as a body holds, in turn out of one block and out of two, with values to carry.
    let targets = "0 1 ".repeat(500_000);
    let text = format!(
        r#"(module (func (export "f") (param i32) (result i32)
            (block $b (result i32 i64)
                (block $a (result i32 i64)
                    i32.const 1 i64.const 2 local.get 0 br_table {targets} 1)
                drop drop i32.const 10 i64.const 20)
            drop))"#
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    for (index, result) in [(0, 10), (1, 1), (999_998, 10), (999_999, 1), (1_000_000, 1), (-1, 1)] {
        assert_eq!(f.call(&mut store, index)?, result, "{index}");
    }
    clock.check();
    Ok(())
}

/// A number as binaries have it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A section of `count` entries, each made from its number.
fn section(id: u8, count: usize, entry: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut content = leb(count);
    (0..count).for_each(|at| content.extend(entry(at)));
    [vec![id], leb(content.len()), content].concat()
}

fn binary(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// A distinct function type for each number: its parameters are the number in base 4.
fn distinct_type(mut number: usize) -> Vec<u8> {
    let digits = (0..10).map(|_| {
        let digit = [0x7F, 0x7E, 0x7D, 0x7C][number % 4];
        number /= 4;
        digit
    });
    [vec![0x60, 10], digits.collect(), vec![0]].concat()
}

/// A name for each number.
fn name(number: usize) -> Vec<u8> {
    let text = number.to_string();
    [leb(text.len()), text.into_bytes()].concat()
}

#[test]
fn modules_have_as_many_of_everything_as_the_limits() -> Result<()> {
    let clock = Clock::start();
    const MILLION: usize = 1_000_000;
    let one_type = || section(1, 1, |_| vec![0x60, 0, 0]);
    type Make = fn(usize) -> Vec<u8>;
    let func: Make = |count| {
        let bodies = section(10, count, |_| vec![2, 0, 0x0B]);
        binary(&[section(1, 1, |_| vec![0x60, 0, 0]), section(3, count, |_| vec![0]), bodies])
    };
    let global: Make = |count| {
        binary(&[section(6, count, |at| [vec![0x7F, 1, 0x41], vec![at as u8 & 63, 0x0B]].concat())])
    };
    let table: Make = |count| binary(&[section(4, count, |_| vec![0x70, 0, 1])]);
    let memory: Make = |count| binary(&[section(5, count, |_| vec![0, 1])]);
    let elements: Make = |count| {
        let active = section(9, count, |_| vec![0, 0x41, 0, 0x0B, 1, 0]);
        let (funcs, tables) = (section(3, 1, |_| vec![0]), section(4, 1, |_| vec![0x70, 0, 1]));
        let types = section(1, 1, |_| vec![0x60, 0, 0]);
        binary(&[types, funcs, tables, active, section(10, 1, |_| vec![2, 0, 0x0B])])
    };
    let data: Make = |count| {
        let active = section(11, count, |_| vec![0, 0x41, 0, 0x0B, 1, 7]);
        binary(&[section(5, 1, |_| vec![0, 1]), active])
    };
    let segment: Make = |count| {
        let types = section(1, 1, |_| vec![0x60, 0, 0]);
        let items = section(9, 1, |_| [vec![1, 0], leb(count), vec![0; count]].concat());
        binary(&[types, section(3, 1, |_| vec![0]), items, section(10, 1, |_| vec![2, 0, 0x0B])])
    };
    let export: Make = |count| {
        let exports = section(7, count, |at| [name(at), vec![3, 0]].concat());
        binary(&[section(6, 1, |_| vec![0x7F, 0, 0x41, 0, 0x0B]), exports])
    };
    let tag: Make =
        |count| binary(&[section(1, 1, |_| vec![0x60, 0, 0]), section(13, count, |_| vec![0, 0])]);
    let ty: Make = |count| binary(&[section(1, count, distinct_type)]);
    let engine = Engine::default();
    for (what, limit, make) in [
        ("functions", MILLION, func),
        ("globals", MILLION, global),
        ("tables", 100_000, table),
        ("memories", 100, memory),
        ("element segments", 100_000, elements),
        ("data segments", 100_000, data),
        ("elements", 10_000_000, segment),
        ("exports", MILLION, export),
        ("tags", MILLION, tag),
        ("types", MILLION, ty),
    ] {
        let module = Module::from_binary(&engine, &make(limit)).context(what)?;
        let mut store = Store::new(&engine, ());
        Instance::new(&mut store, &module, &[]).context(what)?;
        drop((module, store));
        assert!(Module::from_binary(&engine, &make(limit + 1)).is_err(), "{what}");
    }
    // Functions that the host gives a million times.
    let imports = section(2, MILLION, |at| [name(at), vec![0, 0, 0]].concat());
    let module = Module::from_binary(&engine, &binary(&[one_type(), imports]))?;
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, || ());
    Instance::new(&mut store, &module, &vec![host.into(); MILLION])?;
    clock.check();
    Ok(())
}

#[test]
fn functions_are_as_wide_as_the_limits() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    // The last local, parameter and result are used; then the function calls itself without end.
    let params = " i64".repeat(1000);
    let pass = |count: usize| (0..count).map(|at| format!("local.get {at} ")).collect::<String>();
    let wide = format!(
        r#"(module
            (func $f (export "f") (param{params}) (result{params}) (local{locals})
                (local.set 49999 (local.get 999)) {} local.get 49999)
            (func $deep (export "deep") (param{params}) (result{params}) (local{locals})
                {} call $deep)
            (func $through (export "block") (param{params}) (result{params})
                {} block (param{params}) (result{params}) loop (param{params}) (result{params}) end end)
            (func (export "answer") (result i32) i32.const 42))"#,
        pass(999),
        pass(1000),
        pass(1000),
        locals = " i64".repeat(49_000),
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, wide)?, &[])?;
    let params: Vec<Val> = (0..1000).map(Val::I64).collect();
    for name in ["f", "block"] {
        let f = instance.get_func(&mut store, name).unwrap();
        let mut results = vec![Val::I32(0); 1000];
        f.call(&mut store, &params, &mut results)?;
        let numbers: Vec<i64> = results.iter().map(|result| result.unwrap_i64()).collect();
        assert!(numbers.into_iter().eq(0..1000), "{name}");
    }
    let deep = instance.get_func(&mut store, "deep").unwrap();
    let error = deep.call(&mut store, &params, &mut vec![Val::I32(0); 1000]).unwrap_err();
    assert_eq!(trap(&error), Trap::StackOverflow);
    assert_eq!(answer(&mut store, instance), 42);
    // One more of each is refused.
    for beyond in [
        format!("(func (local{}))", " i32".repeat(50_001)),
        format!("(func (param i32) (local{}))", " i32".repeat(50_000)),
        format!("(func (param{}))", " i32".repeat(1001)),
        format!("(func (result{}) unreachable)", " i32".repeat(1001)),
        format!("(func (block (param{}) unreachable))", " i32".repeat(1001)),
    ] {
        assert!(Module::new(&engine, format!("(module {beyond})")).is_err());
    }
    clock.check();
    Ok(())
}

#[test]
fn a_function_has_more_operands_than_an_instruction_can_name() -> Result<()> {
    let clock = Clock::start();
    let engine = Engine::default();
    // More than 65,536 slots: values that are no constants, at different depths, and a vector beyond them all.
    let count = 70_000;
    let text = format!(
        r#"(module (func $f (export "f") (param i32) (result i32 v128)
            {} (i32x4.splat (local.get 0)) call $g i32x4.extract_lane 3 {}
            (i32x4.splat (local.get 0)))
            (func $g (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0))))"#,
        "local.get 0 i32.const 1 i32.add ".repeat(count),
        "i32.add ".repeat(count),
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    let f = instance.get_typed_func::<i32, (i32, V128)>(&mut store, "f")?;
    let (sum, vector) = f.call(&mut store, 5)?;
    assert_eq!(sum, 6 * count as i32 + 10);
    assert_eq!(vector.as_u128() as u32, 5);
    clock.check();
    Ok(())
}
