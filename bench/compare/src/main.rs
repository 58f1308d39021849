//! Compares how fast Riser and `wasmparser` decode and validate modules: one thread, interleaved, best of some runs.
//!
//! `compare [--runs N] FILES…` prints a row per file with MB/s of both and the ratio, and the geometric mean.

use riser_front::{NullSink, Walker};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx};
use std::process::ExitCode;
use std::time::Instant;
use wasmparser::{FuncValidatorAllocations, Payload, ValidPayload, Validator, WasmFeatures};

/// Decodes and validates with Riser.
fn riser(bytes: &ModuleBytes) -> Result<(), String> {
    let registry = TypeRegistry::new();
    let limits = ModuleLimits::default();
    let module = Module::decode(bytes.clone(), &registry, Features::ALL, &limits)
        .map_err(|e| e.to_string())?;
    let mut walker = Walker::new();
    for func in module.imported.funcs..module.funcs.len() as u32 {
        walker.validate(&module, FuncIdx(func), &mut NullSink).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Decodes and validates with `wasmparser`, in the way that is fastest: allocations are reused.
fn wasmparser(bytes: &[u8]) -> Result<(), String> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut allocations = FuncValidatorAllocations::default();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| e.to_string())?;
        let is_end = matches!(payload, Payload::End(_));
        match validator.payload(&payload).map_err(|e| e.to_string())? {
            ValidPayload::Func(func, body) => {
                let mut func = func.into_validator(allocations);
                func.validate(&body).map_err(|e| e.to_string())?;
                allocations = func.into_allocations();
            }
            _ if is_end => break,
            _ => {}
        }
    }
    Ok(())
}

/// Seconds that `work` takes.
fn time(work: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// A file's row: rates of both in MB/s of the whole file, best of `runs`.
fn measure(path: &str, runs: usize) -> Result<(f64, f64, f64), String> {
    let vec = std::fs::read(path).map_err(|e| e.to_string())?;
    let megabytes = vec.len() as f64 / 1e6;
    let bytes = ModuleBytes::new(vec);
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..runs {
        ours = ours.min(time(|| riser(&bytes))?);
        theirs = theirs.min(time(|| wasmparser(&bytes))?);
    }
    Ok((megabytes, megabytes / ours, megabytes / theirs))
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut runs = 3;
    if args.first().is_some_and(|arg| arg == "--runs") && args.len() > 1 {
        runs = match args[1].parse() {
            Ok(runs) if runs > 0 => runs,
            _ => {
                eprintln!("error: --runs takes a number from 1");
                return ExitCode::from(2);
            }
        };
        args.drain(..2);
    }
    println!("| module | MB | riser MB/s | wasmparser MB/s | ratio |");
    println!("| --- | --: | --: | --: | --: |");
    let (mut logs, mut rows, mut failed) = (0.0, 0, false);
    for path in &args {
        match measure(path, runs) {
            Ok((megabytes, ours, theirs)) => {
                let ratio = ours / theirs;
                println!("| {path} | {megabytes:.1} | {ours:.0} | {theirs:.0} | {ratio:.2} |");
                logs += ratio.ln();
                rows += 1;
            }
            Err(e) => {
                println!("| {path} | error: {e} | | | |");
                failed = true;
            }
        }
    }
    if rows > 0 {
        println!("| geometric mean | | | | {:.2} |", (logs / f64::from(rows)).exp());
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
