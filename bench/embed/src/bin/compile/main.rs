//! Compares how fast Riser's compilers and wasmtime's are, all functions of a module on one thread.
//!
//! - `compile rate [--runs N] FILES…`: megabytes of bodies in a second. A folder is all of its modules together.
//! - `compile rates [--runs N] FILES…`: the same for validation, against `wasmparser`, and for the baseline compiler, against Winch.
//! - `compile growth [--runs N]`: generated bodies, each twice as long as the one before, and the factor between their times.
//! - `compile largest FILES…`: time and memory for the largest functions of a module, each in a process of its own.
//!
//! Times are of the processor, for this thread, where the system tells them: they change little when something else runs.

mod growth;
mod largest;
mod rate;
mod rates;

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The time of the processor that `work` takes.
fn time(work: impl FnOnce()) -> Duration {
    let (start, cpu) = (Instant::now(), thread_time());
    work();
    match cpu.zip(thread_time()) {
        Some((before, after)) => after - before,
        None => start.elapsed(),
    }
}

/// How long this thread has run.
fn thread_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// An engine that compiles all functions of a module when that is made, on this thread.
fn riser() -> riser::Engine {
    let mut config = riser::Config::new();
    config.strategy(riser::Strategy::Cranelift).lazy_compilation(false).parallel_compilation(false);
    riser::Engine::new(&config).expect("this machine has a compiler")
}

/// The same of wasmtime, whose crate is built to compile on one thread.
fn wasmtime() -> wasmtime::Engine {
    wasmtime::Engine::new(&wasmtime::Config::new()).expect("this machine has a compiler")
}

/// The geometric mean of some ratios.
fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut runs = 3;
    if let Some(at) = args.iter().position(|arg| arg == "--runs") {
        let value = args.get(at + 1).and_then(|value| value.parse().ok()).filter(|runs| *runs > 0);
        let Some(value) = value else {
            eprintln!("error: --runs takes a number from 1");
            return ExitCode::from(2);
        };
        runs = value;
        args.drain(at..at + 2);
    }
    let result = match args.split_first() {
        Some((what, files)) if what == "rate" => rate::run(files, runs),
        Some((what, files)) if what == "rates" => rates::run(files, runs),
        Some((what, [])) if what == "growth" => growth::run(runs),
        Some((what, files)) if what == "largest" => largest::run(files),
        Some((what, [file, func])) if what == "one" => largest::one(file, func),
        _ => Err("usage: compile rate|rates|growth|largest [--runs N] [FILES]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::FAILURE
        }
    }
}
