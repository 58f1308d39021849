//! Runs generated modules in Riser, interpreted and compiled, and in wasmtime: what they do must agree.
//!
//! `riser-differential [--from SEED] [--count N] [--save DIR] [--programs generated|loops|throwing] [--threads N] [--show yes]
//! [--module FILE]`. A seed decides
//! a module, the arguments of its exports, what the host does, and in which ways Riser runs it, so a finding repeats; `--save` keeps the
//! modules that differ, `--show` prints all that happens; `--module` runs a module, binary or text, as seeds would run theirs.
//!
//! Every module ends by a budget that is compiled into it, and NaNs are made canonical by the module itself. Imports are
//! functions of the host, which record their arguments, fail, or call back, and for a second instance what the first exports.
//! Read `run.rs` for what is done with a module, `outcome.rs` for what is compared.

mod attempts;
mod comparison;
mod generate;
mod loops;
mod ours;
mod outcome;
mod theirs;
mod throwing;

use comparison::{Comparison, Programs};
use outcome::Work;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, panic, thread};

struct Options {
    from: u64,
    count: u64,
    save: Option<PathBuf>,
    show: bool,
    threads: usize,
    programs: Programs,
}

fn options() -> Result<Options, String> {
    let programs = Programs::Generated;
    let threads = thread::available_parallelism().map_or(1, |n| n.get());
    let mut options =
        Options { from: 0, count: 10_000, save: None, show: false, threads, programs };
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        let number = || value.parse().map_err(|e| format!("{arg} {value}: {e}"));
        match arg.as_str() {
            "--from" => options.from = number()?,
            "--count" => options.count = number()?,
            "--threads" => options.threads = number()? as usize,
            "--save" => options.save = Some(value.into()),
            "--show" if value == "yes" => options.show = true,
            "--module" => {
                let bytes = wat::parse_file(&value).map_err(|e| e.to_string())?;
                options.programs = Programs::Given(bytes.leak());
            }
            "--programs" if value == "generated" => options.programs = Programs::Generated,
            "--programs" if value == "loops" => options.programs = Programs::Loops,
            "--programs" if value == "throwing" => options.programs = Programs::Throwing,
            _ => {
                let known = "--from, --count, --save, --threads, --show yes, --module and --programs (generated, loops or throwing)";
                return Err(format!("{arg} {value} is not known; what is: {known}"));
            }
        }
    }
    Ok(options)
}

/// How seeds ended, and what they did.
#[derive(Default)]
struct Counts {
    none: u64,
    same: u64,
    limited: u64,
    different: u64,
    work: Work,
}

impl Counts {
    fn add(&mut self, seed: u64, outcome: Option<Comparison>, save: &Option<PathBuf>) {
        let Some(comparison) = outcome else {
            self.none += 1;
            return;
        };
        self.work.add(comparison.work);
        match comparison.different {
            Some(what) => {
                self.different += 1;
                println!("seed {seed}: {what}");
                if let Some(folder) = save {
                    fs::write(folder.join(format!("{seed}.wasm")), comparison.module).unwrap();
                }
            }
            None if comparison.limited => self.limited += 1,
            None => self.same += 1,
        }
    }

    fn print(&self, from: u64, end: u64) {
        let Work { instances, returned, trapped, threw, host_calls, out_of_fuel, .. } = self.work;
        let Work { replaced, modules_replaced, .. } = self.work;
        let Counts { none, same, limited, different, .. } = self;
        println!(
            "compiled code: {instances} instances, {returned} calls returned, {trapped} trapped, {threw} threw, {out_of_fuel} ran out of fuel, {host_calls} calls of the host"
        );
        println!("loops went on in better code {replaced} times, in {modules_replaced} modules");
        println!(
            "seeds {from}..{end}: {same} agree, {limited} agree up to a limit, {different} differ, {none} gave no module"
        );
    }
}

/// A seed that takes longer has met an endless loop.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the program, with the seed, if one takes too long.
fn watch(current: &Mutex<Vec<(u64, Instant)>>) {
    loop {
        thread::sleep(Duration::from_secs(5));
        for (seed, since) in &*current.lock().unwrap() {
            if since.elapsed() > PATIENCE {
                println!("seed {seed}: it takes longer than {PATIENCE:?}");
                std::process::exit(3);
            }
        }
    }
}

/// How many panics there were, in any thread.
pub static PANICS: AtomicU64 = AtomicU64::new(0);

/// The seeds that are being tried.
static CURRENT: Mutex<Vec<(u64, Instant)>> = Mutex::new(Vec::new());

/// Notes panics: a compiler that panics leaves its function to others, and nobody would hear of it.
fn note_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        // The generator panics for a few seeds.
        if !what.location().is_some_and(|at| at.file().contains("wasm-smith")) {
            PANICS.fetch_add(1, Ordering::Relaxed);
            print(what);
        }
    }));
}

fn main() -> ExitCode {
    note_panics();
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(options.from);
    let end = options.from + options.count;
    let counts = Mutex::new(Counts::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            CURRENT.lock().unwrap().push((seed, Instant::now()));
            let outcome = Comparison::of(options.programs, seed, options.show);
            CURRENT.lock().unwrap().retain(|(other, _)| *other != seed);
            counts.lock().unwrap().add(seed, outcome, &options.save);
        }
    };
    thread::spawn(|| watch(&CURRENT));
    thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().unwrap();
    counts.print(options.from, end);
    let panics = PANICS.load(Ordering::Relaxed);
    if counts.different == 0 && panics == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
