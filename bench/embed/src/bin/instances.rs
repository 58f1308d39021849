//! Compares what small instances cost in Riser and in `wasmi`: resident bytes while they live, time to make and drop one.
//!
//! `cargo run --release --manifest-path bench/embed/Cargo.toml --bin instances` prints a row per module. Times are those of
//! a store with one instance, made and dropped, with and without a call; interleaved, best of some rounds.

use std::time::Instant;

const MODULES: &[(&str, &str)] = &[
    ("a function", r#"(module (func (export "f") (result i32) (i32.const 1)))"#),
    (
        "and a memory of a page",
        r#"(module (memory 1) (func (export "f") (result i32) (i32.const 1)))"#,
    ),
    (
        "and a table, a global, segments",
        r#"(module (memory 1) (table 4 funcref) (global (mut i32) (i32.const 0))
            (data (i32.const 1024) "hello") (elem (i32.const 1) $f)
            (func $f (export "f") (result i32) (i32.const 1)))"#,
    ),
];

/// How many instances live when memory is measured.
const LIVE: usize = 10_000;
/// How many stores come and go for one measurement of time.
const STORES: u32 = 10_000;
const ROUNDS: u32 = 15;

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split_whitespace().nth(1).and_then(|n| n.parse::<usize>().ok());
    pages.expect("the second number") * 4096
}

/// What `make` leaves resident, per instance.
fn bytes_each(mut make: impl FnMut()) -> usize {
    make();
    let before = resident();
    (0..LIVE).for_each(|_| make());
    resident().saturating_sub(before) / LIVE
}

fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..STORES).for_each(|_| work());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(STORES)
}

fn main() {
    println!(
        "| module | riser B | wasmi B | riser ns | wasmi ns | ratio | with a call ns | wasmi ns | ratio |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    for (what, text) in MODULES {
        let wasm = wat::parse_str(text).expect("valid");
        let engine = riser::Engine::default();
        let module = riser::Module::new(&engine, &wasm).expect("valid");
        let pre = riser::Linker::<()>::new(&engine).instantiate_pre(&module).expect("no imports");
        let their_engine = wasmi::Engine::default();
        let their_module = wasmi::Module::new(&their_engine, &wasm).expect("valid");
        let linker = wasmi::Linker::<()>::new(&their_engine);

        let mut store = riser::Store::new(&engine, ());
        let ours = bytes_each(|| _ = pre.instantiate(&mut store).expect("it can be made"));
        drop(store);
        let mut store = wasmi::Store::new(&their_engine, ());
        let make = || _ = linker.instantiate_and_start(&mut store, &their_module).expect("made");
        let theirs = bytes_each(make);
        drop(store);

        let mut best = [f64::INFINITY; 4];
        for _ in 0..ROUNDS {
            let riser = |call: bool| {
                let mut store = riser::Store::new(&engine, ());
                let instance = pre.instantiate(&mut store).expect("it can be made");
                if call {
                    let f = instance.get_typed_func::<(), i32>(&mut store, "f").expect("exported");
                    assert_eq!(f.call(&mut store, ()).expect("no trap"), 1);
                }
            };
            let wasmi = |call: bool| {
                let mut store = wasmi::Store::new(&their_engine, ());
                let instance =
                    linker.instantiate_and_start(&mut store, &their_module).expect("made");
                if call {
                    let f = instance.get_typed_func::<(), i32>(&store, "f").expect("exported");
                    assert_eq!(f.call(&mut store, ()).expect("no trap"), 1);
                }
            };
            let now = [
                nanoseconds(|| riser(false)),
                nanoseconds(|| wasmi(false)),
                nanoseconds(|| riser(true)),
                nanoseconds(|| wasmi(true)),
            ];
            best.iter_mut().zip(now).for_each(|(best, now)| *best = best.min(now));
        }
        let [a, b, c, d] = best;
        println!(
            "| {what} | {ours} | {theirs} | {a:.0} | {b:.0} | {:.2} | {c:.0} | {d:.0} | {:.2} |",
            a / b,
            c / d
        );
    }
}
