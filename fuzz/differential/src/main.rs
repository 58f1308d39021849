//! Runs generated modules in Riser and in wasmtime: results, traps, memories and globals must agree.
//!
//! `riser-differential [--from SEED] [--count N] [--save DIR] [--programs generated|throwing]`. A seed decides a module and the arguments of its
//! exports, so a finding repeats; `--save` keeps the modules that differ.
//!
//! Imports are satisfied alike on both sides (functions that return zeros, small memories …), every module ends by a
//! budget that is compiled into it, and NaNs are made canonical by the module itself.

mod generate;
mod ours;
mod theirs;
mod throwing;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, thread};

/// What a module did: a line per call, then the final memories and globals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No instance was made, for this reason.
    NotInstantiated(Stop),
    /// It ran.
    Ran(Vec<Event>),
}

/// Something that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call returned these values, as bits.
    Returned(String, Vec<String>),
    /// A call stopped.
    Stopped(String, Stop),
    /// A call threw an exception with these values.
    Threw(String, Vec<String>),
    /// The content of an exported memory: its size and a hash.
    Memory(String, u64, u64),
    /// The value of an exported global.
    Global(String, String),
    /// The size of an exported table.
    Table(String, u64),
}

/// Why a call, or an instantiation, did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A trap of a kind; the kinds are those that the specification tells apart.
    Trap(&'static str),
    /// The stack is exhausted, which depends on the implementation: nothing after it is compared.
    StackOverflow,
    /// Anything else, such as a limit of the implementation: nothing after it is compared.
    Other,
}

/// FNV-1a, to compare memories without keeping them.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}

/// How the comparison of a seed ended.
enum Verdict {
    Same,
    /// An implementation limit was met on one side: what came before agreed.
    Limited,
    Different(String),
}

fn compare(ours: &Outcome, theirs: &Outcome) -> Verdict {
    let limited = |stop: &Stop| !matches!(stop, Stop::Trap(_));
    match (ours, theirs) {
        (Outcome::NotInstantiated(a), Outcome::NotInstantiated(b)) if a == b => Verdict::Same,
        (Outcome::NotInstantiated(stop), _) | (_, Outcome::NotInstantiated(stop))
            if limited(stop) =>
        {
            Verdict::Limited
        }
        (Outcome::Ran(a), Outcome::Ran(b)) => {
            for (a, b) in a.iter().zip(b) {
                match (a, b) {
                    (Event::Stopped(_, stop), _) | (_, Event::Stopped(_, stop))
                        if limited(stop) =>
                    {
                        return Verdict::Limited;
                    }
                    _ if a == b => {}
                    _ => return Verdict::Different(format!("ours {a:?}, theirs {b:?}")),
                }
            }
            if a.len() == b.len() {
                Verdict::Same
            } else {
                Verdict::Different("events are missing".into())
            }
        }
        _ => Verdict::Different(format!("ours {ours:?}, theirs {theirs:?}")),
    }
}

/// How much was compared, so that "all agree" says something.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    instances: u64,
    returned: u64,
    trapped: u64,
    threw: u64,
}

impl Work {
    fn of(outcome: &Outcome) -> Work {
        let Outcome::Ran(events) = outcome else { return Work::default() };
        let count = |wanted: fn(&Event) -> bool| events.iter().filter(|e| wanted(e)).count() as u64;
        Work {
            instances: 1,
            returned: count(|event| matches!(event, Event::Returned(..))),
            trapped: count(|event| matches!(event, Event::Stopped(..))),
            threw: count(|event| matches!(event, Event::Threw(..))),
        }
    }

    fn add(&mut self, other: Work) {
        self.instances += other.instances;
        self.returned += other.returned;
        self.trapped += other.trapped;
        self.threw += other.threw;
    }
}

/// Where programs come from.
#[derive(Clone, Copy)]
enum Programs {
    /// The generator of modules of all kinds.
    Generated,
    /// Our own, of programs that throw and catch.
    Throwing,
}

fn run(programs: Programs, seed: u64) -> Option<(Vec<u8>, Work, Verdict)> {
    match programs {
        Programs::Generated => run_generated(seed),
        Programs::Throwing => Some(run_throwing(seed)),
    }
}

/// A program in both forms of exceptions: the newer one in both runtimes, the older one in ours, where each object is then
/// made after a collection.
fn run_throwing(seed: u64) -> (Vec<u8>, Work, Verdict) {
    let binary = |form| wat::parse_str(throwing::program(seed, form)).expect("well-formed text");
    let module = binary(throwing::Form::Table);
    let ours = ours::run(&module, seed, false);
    let mut verdict = compare(&ours, &theirs::run(&module, seed));
    if matches!(verdict, Verdict::Same) {
        let legacy = ours::run(&binary(throwing::Form::Legacy), seed, true);
        verdict = match compare(&legacy, &ours) {
            Verdict::Different(what) => Verdict::Different(format!("in the legacy form: {what}")),
            verdict => verdict,
        };
    }
    if matches!(verdict, Verdict::Same) {
        verdict = compare(&ours::run(&module, seed, true), &ours);
    }
    (module, Work::of(&ours), verdict)
}

fn run_generated(seed: u64) -> Option<(Vec<u8>, Work, Verdict)> {
    let module = generate::module(seed)?;
    let ours = ours::run(&module, seed, false);
    let theirs = theirs::run(&module, seed);
    let mut verdict = compare(&ours, &theirs);
    if matches!(verdict, Verdict::Same) {
        verdict = match compare(&ours::run(&module, seed, true), &ours) {
            Verdict::Different(what) => Verdict::Different(format!("under collections: {what}")),
            verdict => verdict,
        };
    }
    Some((module, Work::of(&ours), verdict))
}

struct Options {
    from: u64,
    count: u64,
    save: Option<PathBuf>,
    programs: Programs,
}

fn options() -> Result<Options, String> {
    let programs = Programs::Generated;
    let mut options = Options { from: 0, count: 10_000, save: None, programs };
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        let number = || value.parse().map_err(|e| format!("{arg} {value}: {e}"));
        match arg.as_str() {
            "--from" => options.from = number()?,
            "--count" => options.count = number()?,
            "--save" => options.save = Some(value.into()),
            "--programs" if value == "generated" => options.programs = Programs::Generated,
            "--programs" if value == "throwing" => options.programs = Programs::Throwing,
            _ => {
                let known = "--from, --count, --save and --programs (generated or throwing)";
                return Err(format!("{arg} {value} is not known; what is: {known}"));
            }
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(options.from);
    let end = options.from + options.count;
    let counts = Mutex::new(([0_u64; 4], Work::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let outcome = run(options.programs, seed);
            let mut guard = counts.lock().unwrap();
            let (counts, work) = &mut *guard;
            let Some((module, done, verdict)) = outcome else {
                counts[0] += 1;
                continue;
            };
            work.add(done);
            match verdict {
                Verdict::Same => counts[1] += 1,
                Verdict::Limited => counts[2] += 1,
                Verdict::Different(what) => {
                    counts[3] += 1;
                    println!("seed {seed}: {what}");
                    if let Some(folder) = &options.save {
                        fs::write(folder.join(format!("{seed}.wasm")), module).unwrap();
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(work);
        }
    });
    let ([none, same, limited, different], work) = counts.into_inner().unwrap();
    let Work { instances, returned, trapped, threw } = work;
    println!("{instances} instances, {returned} calls returned, {trapped} trapped, {threw} threw");
    println!(
        "seeds {}..{end}: {same} agree, {limited} agree up to a limit, {different} differ, {none} gave no module",
        options.from
    );
    if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
