//! What is dropped is given back: resident memory stays flat however many instances and modules come and go.
//!
//! One test, since all tests of a process share what is measured. `RISER_CHURN=10` makes it ten times as long: a million
//! instances, twenty thousand modules. `cargo test --release -p riser --test residence -- --nocapture` prints the numbers.

use riser::*;
use std::fmt::Write as _;

/// Resident bytes of this process, where the system tells.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// What may be different at the end, for caches and for the allocator's own bookkeeping: far less than a leak of some bytes
/// each time would take.
const SLACK_BYTES: usize = 3 << 20;

/// Repeats `work`, which is told how often it was done before, and compares what is resident after a tenth with the end.
fn stays_flat(what: &str, count: usize, mut work: impl FnMut(usize) -> Result<()>) -> Result<()> {
    let warm = count / 10;
    (0..warm).try_for_each(&mut work)?;
    let before = resident();
    let started = std::time::Instant::now();
    (warm..count).try_for_each(&mut work)?;
    let each = started.elapsed() / (count - warm) as u32;
    let Some((before, after)) = before.zip(resident()) else {
        println!("skipped: the system does not tell how much memory is resident");
        return Ok(());
    };
    println!(
        "{what}: {count} times, {each:?} each, {} KiB, then {} KiB",
        before >> 10,
        after >> 10
    );
    assert!(after < before + SLACK_BYTES, "{what}: {before} bytes, then {after}");
    Ok(())
}

/// Uses something of everything that instances own.
const SMALL: &str = r#"(module
    (import "host" "double" (func $double (param i32) (result i32)))
    (memory (export "memory") 1)
    (table (export "table") 10 funcref)
    (global $count (export "count") (mut i32) (i32.const 0))
    (tag (export "tag") (param i32))
    (data (i32.const 100) "\07")
    (data $passive "abc")
    (elem (i32.const 1) $f $g)
    (elem $kept funcref (ref.func $f) (ref.null func))
    (func $f (export "f") (param i32) (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 3))
        (table.init $kept (i32.const 4) (i32.const 0) (i32.const 2))
        (call_indirect (param i32) (result i32) (local.get 0) (i32.const 2)))
    (func $g (param i32) (result i32)
        (i32.add (i32.load8_u (i32.const 100)) (call $double (local.get 0)))))"#;

/// A module whose types no other number's has, among them recursive ones and a structure.
fn distinct(number: usize) -> String {
    let mut bits = String::new();
    for at in 0..20 {
        let _ = write!(bits, "{} ", if number >> at & 1 == 1 { "i64" } else { "i32" });
    }
    format!(
        r#"(module
            (type $f (func (param {bits}) (result i32)))
            (rec (type $a (func (param (ref null $b) {bits}))) (type $b (func (result (ref null $a)))))
            (type $s (struct (field (ref null $f)) (field i8)))
            (type $t (sub (struct (field (ref null $s)))))
            (type $u (sub $t (struct (field (ref null $s)) (field i64))))
            (import "host" "n" (func $n (result i32)))
            (table 1 (ref null $f))
            (tag (param (ref null $f)))
            (func $wide (type $f) (i32.const 1))
            (func (export "f") (result i32) (i32.add (call $n) (i32.const {number})))
            (elem declare func $wide))"#
    )
}

#[test]
fn what_is_dropped_is_given_back() -> Result<()> {
    let scale = std::env::var("RISER_CHURN").map_or(1, |n| n.parse().expect("a number"));
    let engine = Engine::default();
    let module = Module::new(&engine, SMALL)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "double", |n: i32| n * 2)?;
    let pre = linker.instantiate_pre(&module)?;

    stays_flat("instances, four to a store", 25_000 * scale, |_| {
        let mut store = Store::new(&engine, ());
        for _ in 0..4 {
            let instance = pre.instantiate(&mut store)?;
            let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
            assert_eq!(f.call(&mut store, 4)?, 15);
        }
        Ok(())
    })?;
    stays_flat("modules with types of their own", 2_000 * scale, |number| {
        let module = Module::new(&engine, distinct(number))?;
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "n", || 1)?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module)?;
        let f = instance.get_typed_func::<(), i32>(&mut store, "f")?;
        assert_eq!(f.call(&mut store, ())?, number as i32 + 1);
        Ok(())
    })?;
    stays_flat("modules that are invalid", 2_000 * scale, |number| {
        let text = distinct(number).replace("(i32.const 1))", "(i64.const 1))");
        assert!(Module::new(&engine, text).is_err());
        Ok(())
    })?;
    stays_flat("instances that fail", 2_000 * scale, |number| {
        let segments = "(memory 1) (data (i32.const 65536) \"x\")";
        let text = distinct(number).replace("(table 1", &format!("{segments} (table 1"));
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, || 1);
        assert!(Instance::new(&mut store, &module, &[host.into()]).is_err());
        Ok(())
    })?;
    stays_flat("host functions with types of their own", 10_000 * scale, |number| {
        let params =
            (0..20).map(|at| if number >> at & 1 == 1 { ValType::I64 } else { ValType::F32 });
        let mut store = Store::new(&engine, vec![number]);
        let ty = FuncType::new(&engine, params, []);
        let func = Func::new(&mut store, ty.clone(), |_, _, _| bail!("called"));
        let params: Vec<Val> = ty.params().map(|ty| Val::default_for_ty(&ty).unwrap()).collect();
        assert!(func.call(&mut store, &params, &mut []).is_err());
        Ok(())
    })?;
    stays_flat("memories and tables that grow", 2_000 * scale, |_| {
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
        memory.grow(&mut store, 20)?;
        memory.data_mut(&mut store)[20 << 16] = 1;
        let table =
            Table::new(&mut store, TableType::new(RefType::FUNCREF, 1, None), Ref::Func(None))?;
        table.grow(&mut store, 20_000, Ref::Func(None))?;
        Ok(())
    })?;
    stays_flat("engines", 2_000 * scale, |number| {
        let engine = Engine::default();
        let module = Module::new(&engine, "(module (func (export \"f\")))")?;
        let mut store = Store::new(&engine, number);
        Instance::new(&mut store, &module, &[])?;
        Ok(())
    })
}
