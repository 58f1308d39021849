//! How many megabytes of bodies are validated in a second, and compiled by the baseline compilers.
//!
//! - *Validation*: decoding and validating, by Riser and by `wasmparser`.
//! - *Trusted*: Riser's baseline compiler on bodies that were validated, as it runs by default, with counters for tier-up; against all
//!   that Winch takes to make a module.
//! - *Both*: all that Riser takes to make a module whose functions are all compiled at once; against the same.
//!
//! wasmtime cannot compile with Winch without validating; what it takes without the time that `wasmparser` takes is a column of its own.

use super::geometric_mean;
use super::rate::{Subject, decode};
use riser_baseline::asm::CpuFeatures;
use riser_code::CodeOptions;
use riser_front::{NullSink, Walker};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx};
use std::path::Path;
use std::sync::atomic::AtomicI32;
use std::time::{Duration, Instant};
use wasmparser::{FuncValidatorAllocations, ValidPayload, Validator, WasmFeatures};

const HEAD: &str = "| one thread, MB of bodies a second | MB of bodies | validation | wasmparser | ratio | trusted | winch | ratio \
    | without validation | ratio | both | ratio |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |";

/// Prints a row for each file or folder. In the last line only the means of the three goals are numbers.
pub fn run(files: &[String], runs: u32) -> Result<(), String> {
    println!("{HEAD}");
    let mut ratios: [Vec<f64>; 4] = Default::default();
    for file in files {
        let subject = Subject::read(Path::new(file)).map_err(|e| format!("{file}: {e}"))?;
        let times = Times::measure(&subject, runs);
        let megabytes = subject.body_bytes as f64 / 1e6;
        let rate = |time: Duration| megabytes / time.as_secs_f64();
        let of = [
            times.wasmparser.as_secs_f64() / times.validation.as_secs_f64(),
            times.winch.as_secs_f64() / times.trusted.as_secs_f64(),
            times.winch_alone().as_secs_f64() / times.trusted.as_secs_f64(),
            times.winch.as_secs_f64() / times.both.as_secs_f64(),
        ];
        println!(
            "| {} | {megabytes:.2} | {:.1} | {:.1} | {:.2} | {:.1} | {:.1} | {:.2} | {:.1} | {:.2} | {:.1} | {:.2} |",
            subject.name,
            rate(times.validation),
            rate(times.wasmparser),
            of[0],
            rate(times.trusted),
            rate(times.winch),
            of[1],
            rate(times.winch_alone()),
            of[2],
            rate(times.both),
            of[3],
        );
        for (ratios, ratio) in ratios.iter_mut().zip(of) {
            ratios.push(ratio);
        }
    }
    if !files.is_empty() {
        let mean = ratios.map(|ratios| geometric_mean(&ratios));
        // The column that is no goal is in words: who reads this line for the goals takes the numbers.
        println!(
            "| geometric mean | | | | {:.2} | | | {:.2} | | {:.2} times | | {:.2} |",
            mean[0], mean[1], mean[2], mean[3]
        );
    }
    Ok(())
}

/// The best times of some runs, in turn.
struct Times {
    validation: Duration,
    wasmparser: Duration,
    trusted: Duration,
    both: Duration,
    winch: Duration,
}

impl Times {
    fn measure(subject: &Subject, runs: u32) -> Times {
        let most = Duration::MAX;
        let mut best =
            Times { validation: most, wasmparser: most, trusted: most, both: most, winch: most };
        let (ours, theirs) = (riser(), winch());
        let modules: Vec<ModuleBytes> =
            subject.modules.iter().cloned().map(ModuleBytes::new).collect();
        let decoded: Vec<Module> =
            subject.modules.iter().map(|module| decode(module).expect("it was decoded")).collect();
        for _ in 0..runs {
            best.validation = best.validation.min(time(|| modules.iter().for_each(validate)));
            best.wasmparser = best.wasmparser.min(time(|| subject.modules.iter().for_each(parse)));
            best.trusted = best.trusted.min(time(|| decoded.iter().for_each(compile)));
            best.both = best.both.min(time(|| {
                for module in &subject.modules {
                    riser::Module::new(&ours, module).expect("it was decoded");
                }
            }));
            best.winch = best.winch.min(time(|| {
                for module in &subject.modules {
                    wasmtime::Module::new(&theirs, module).expect("Winch has all of its operators");
                }
            }));
        }
        best
    }

    fn winch_alone(&self) -> Duration {
        self.winch.saturating_sub(self.wasmparser)
    }
}

/// An engine that compiles all functions of a module with the baseline compiler when that is made, on this thread.
fn riser() -> riser::Engine {
    let mut config = riser::Config::new();
    config.strategy(riser::Strategy::Baseline).lazy_compilation(false).parallel_compilation(false);
    riser::Engine::new(&config).expect("this machine has a baseline compiler")
}

/// The same of wasmtime.
fn winch() -> wasmtime::Engine {
    let mut config = wasmtime::Config::new();
    config.strategy(wasmtime::Strategy::Winch);
    wasmtime::Engine::new(&config).expect("this machine has a baseline compiler")
}

/// Decodes and validates.
fn validate(bytes: &ModuleBytes) {
    let (registry, limits) = (TypeRegistry::new(), ModuleLimits::default());
    let module = Module::decode(bytes.clone(), &registry, Features::ALL, &limits);
    let module = module.expect("it was decoded");
    let mut walker = Walker::new();
    for func in module.imported.funcs..module.funcs.len() as u32 {
        walker.validate(&module, FuncIdx(func), &mut NullSink).expect("it is valid");
    }
}

/// The same with `wasmparser`, whose allocations are used again.
fn parse(bytes: &Vec<u8>) {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut allocations = FuncValidatorAllocations::default();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        let payload = validator.payload(&payload.expect("it was decoded")).expect("it is valid");
        if let ValidPayload::Func(func, body) = payload {
            let mut func = func.into_validator(allocations);
            func.validate(&body).expect("it is valid");
            allocations = func.into_allocations();
        }
    }
}

/// Makes the code of all functions, which is not kept.
fn compile(module: &Module) {
    let compiler = riser_baseline::Compiler::new(CodeOptions::default(), features())
        .counting(riser_baseline::Budgets::USUAL);
    let mut context = compiler.new_context();
    let budget = AtomicI32::new(0);
    for defined in 0..module.bodies.len() as u32 {
        compiler.function_view(&mut context, module, defined, &budget).expect("it is valid");
    }
}

/// The time of the processor that `work` takes once. The system looks at its clock so seldom that short work is done over and over.
fn time(work: impl Fn()) -> Duration {
    let start = Instant::now();
    work();
    let once = start.elapsed().max(Duration::from_micros(1));
    let times = (LEAST.as_nanos() / once.as_nanos()) as u32 + 1;
    let all = super::time(|| {
        for _ in 0..times {
            work();
        }
    });
    all / times
}

/// What is measured takes so long.
const LEAST: Duration = Duration::from_millis(300);

/// What the processor has.
fn features() -> CpuFeatures {
    let has = |name| riser_sys::x86_64_extension(name).unwrap_or(false);
    CpuFeatures {
        lzcnt: has("lzcnt"),
        bmi1: has("bmi1"),
        bmi2: has("bmi2"),
        popcnt: has("popcnt"),
        sse42: has("sse4.2"),
        fma: has("fma"),
        avx: has("avx"),
    }
}
