//! Compares what embedders do often: making and dropping an instance of a small module, calling a guest, and being called
//! by one.
//!
//! `embed [--runs N]` prints a row per thing: nanoseconds in Riser (compiled, and interpreted), wasmi and wasmtime, and the
//! ratios, the worst row first. One thread, interleaved, best of some runs. Modules are made once, before the clock starts; wasmtime's are compiled then.

mod ours;
mod with_wasmi;
mod with_wasmtime;

use std::process::ExitCode;
use std::time::Instant;

/// A small module: a memory, a table, globals, data, functions, and an import.
const MODULE: &str = r#"(module
    (import "host" "add" (func $host (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (table 4 funcref)
    (elem (i32.const 0) $add $twice)
    (global (mut i32) (i32.const 65536))
    (data (i32.const 8) "some bytes")
    (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "call_host") (param $n i32) (result i32)
        (local $sum i32)
        (loop $more
            (local.set $sum (call $host (local.get $sum) (local.get $n)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"#;

/// The calls of one measurement, and the sum that the guest computes with as many calls of the host.
const CALLS: u32 = 100_000;
const SUM: i32 = (CALLS as u64 * (CALLS as u64 + 1) / 2) as i32;
/// The instances of one measurement.
const INSTANCES: u32 = 2_000;

/// What is measured, in nanoseconds for one.
#[derive(Clone, Copy)]
struct Times {
    instance: f64,
    into_guest: f64,
    into_host: f64,
}

impl Times {
    const NEVER: Times =
        Times { instance: f64::INFINITY, into_guest: f64::INFINITY, into_host: f64::INFINITY };

    fn best(self, other: Times) -> Times {
        Times {
            instance: self.instance.min(other.instance),
            into_guest: self.into_guest.min(other.into_guest),
            into_host: self.into_host.min(other.into_host),
        }
    }
}

/// The nanoseconds that each of `count` takes.
fn each(count: u32, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

/// A runtime with the module.
trait Runtime: Sized {
    /// A store with an instance, and its functions.
    type Live;
    /// Makes the module.
    fn new(binary: &[u8]) -> Self;
    /// Makes an instance in a store of its own.
    fn live(&self) -> Self::Live;
    /// Calls `add`.
    fn add(live: &mut Self::Live, a: i32, b: i32) -> i32;
    /// Calls `call_host`.
    fn call_host(live: &mut Self::Live, n: i32) -> i32;
}

fn measure<R: Runtime>(runtime: &R) -> Times {
    let instance = each(INSTANCES, || {
        for _ in 0..INSTANCES {
            std::hint::black_box(runtime.live());
        }
    });
    let mut live = runtime.live();
    let into_guest = each(CALLS, || {
        let sum = (1..=CALLS as i32).fold(0, |sum, n| R::add(&mut live, sum, n));
        assert_eq!(sum, SUM);
    });
    let into_host = each(CALLS, || assert_eq!(R::call_host(&mut live, CALLS as i32), SUM));
    Times { instance, into_guest, into_host }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runs = match &args[..] {
        [] => 15,
        [flag, runs] if flag == "--runs" && runs.parse::<u32>().is_ok() => runs.parse().unwrap(),
        _ => {
            eprintln!("usage: embed [--runs N]");
            return ExitCode::from(2);
        }
    };
    let binary = wat::parse_str(MODULE).expect("well-formed text");
    let (ours, interpreted) = (ours::Ours::new(&binary), ours::Interpreted::new(&binary));
    let (wasmi, wasmtime) =
        (with_wasmi::Wasmi::new(&binary), with_wasmtime::Wasmtime::new(&binary));
    let mut best = [Times::NEVER; 4];
    for _ in 0..runs {
        let now = [measure(&ours), measure(&wasmtime), measure(&interpreted), measure(&wasmi)];
        best.iter_mut().zip(now).for_each(|(best, now)| *best = best.best(now));
    }
    println!("| ns | riser | wasmtime | ratio | riser interp | of wasmtime | wasmi | of wasmi |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    let mut rows: [(&str, fn(&Times) -> f64); 3] = [
        ("store, instance, and drop", |times| times.instance),
        ("host calls guest", |times| times.into_guest),
        ("guest calls host", |times| times.into_host),
    ];
    let ratio = |value: fn(&Times) -> f64| value(&best[0]) / value(&best[1]);
    rows.sort_by(|a, b| ratio(b.1).total_cmp(&ratio(a.1)));
    for (name, value) in rows {
        let [ours, wasmtime, interpreted, wasmi] = best.each_ref().map(value);
        println!(
            "| {name} | {ours:.1} | {wasmtime:.1} | {:.2} | {interpreted:.1} | {:.2} | {wasmi:.1} | {:.2} |",
            ours / wasmtime,
            interpreted / wasmtime,
            interpreted / wasmi
        );
    }
    ExitCode::SUCCESS
}
