//! At each call of a host function, in the scripts of the official suite and in programs, the frames are the same whoever runs the guest:
//! the interpreter's and the baseline compiler's in everything, function, position, locals, operands and references; the optimizing
//! compiler's in the function and the position, and with no reference that the interpreter's have not.

mod common;
#[path = "common/suite.rs"]
mod suite;

use common::Program;
use riser::{Config, Engine, Strategy};
use riser_testkit::corpus;
use riser_testkit::frames::{FrameObserver, ShownCall};
use riser_testkit::wast::run_script_observed;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A way to run.
struct Way {
    name: &'static str,
    configure: fn(&mut Config),
    /// Whether frames have all values.
    has_values: bool,
}

/// What is compared with the interpreter.
const WAYS: [Way; 5] = [
    Way {
        name: "baseline",
        configure: |config| _ = config.strategy(Strategy::Baseline),
        has_values: true,
    },
    Way {
        name: "baseline-gc-stress",
        configure: |config| _ = config.strategy(Strategy::Baseline).gc_stress(true),
        has_values: true,
    },
    Way {
        // The entry of each function says that it is hot.
        name: "counting",
        configure: |config| {
            config.strategy(Strategy::Auto).tier_up_budget(1 << 30, 0);
        },
        has_values: true,
    },
    Way {
        name: "tiered-at-once",
        configure: |config| {
            config.strategy(Strategy::Auto).tier_up_budget(0, 0).tier_up_in_background(false);
        },
        has_values: false,
    },
    Way {
        name: "optimized",
        configure: |config| _ = config.strategy(Strategy::Cranelift),
        has_values: false,
    },
];

/// The ways that this machine has.
fn ways() -> impl Iterator<Item = &'static Way> {
    let has_baseline = Engine::new(Config::new().strategy(Strategy::Baseline)).is_ok();
    WAYS.iter().filter(move |way| {
        let mut config = Config::new();
        (way.configure)(&mut config);
        let is_optimized = way.name == "optimized";
        Engine::new(&config)
            .is_ok_and(|engine| engine.is_compiled() && (is_optimized || has_baseline))
    })
}

/// So many calls of a program are looked at.
const MOST: usize = 400;

/// Runs something as `config` says, and gives what was seen.
fn seen(mut config: Config, run: impl FnOnce(&Config, Arc<FrameObserver>)) -> Vec<ShownCall> {
    let observer = Arc::new(FrameObserver::new(MOST));
    config.wasm_backtrace_max_frames(None);
    run(&config, observer.clone());
    observer.take()
}

/// Compares what was seen in a way to run with what was seen in the interpreter; gives how many frames have values.
fn compare(what: &str, way: &Way, ours: &[ShownCall], theirs: &[ShownCall]) -> usize {
    let what = format!("{what}, {}", way.name);
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let mut known = 0;
    for (call, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let what = format!("{what}, call {call} of {}", theirs.name);
        assert_eq!((&ours.name, ours.frames.len()), (&theirs.name, theirs.frames.len()), "{what}");
        for (ours, theirs) in ours.frames.iter().zip(&theirs.frames) {
            assert_eq!(ours.place, theirs.place, "{what}");
            assert!(ours.values.is_some() || !way.has_values, "{what}: {}", ours.place);
            if ours.values.is_some() {
                known += 1;
                assert_eq!(ours, theirs, "{what}");
            }
            assert!(ours.references.is_subset(&theirs.references), "{what}: {}", ours.place);
        }
    }
    known
}

#[test]
fn frames_agree_at_the_host_calls_of_the_official_suite() {
    // Others call nothing of the host.
    let scripts: Vec<_> =
        suite::scripts().into_iter().filter(|script| script.text.contains("spectest")).collect();
    let (calls, known, next) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = |configure: fn(&mut Config)| {
                let mut config = Config::new();
                config.wasm_features_by_name(script.features.names()).unwrap();
                configure(&mut config);
                let mut seen = seen(config, |config, observer| {
                    let report = run_script_observed(&script.name, &script.text, config, observer);
                    assert!(report.failures.is_empty(), "{}", script.name);
                });
                // Threads of a script call in any order.
                seen.sort();
                seen
            };
            let theirs = run(|config| _ = config.strategy(Strategy::Interpreter));
            calls.fetch_add(theirs.len(), Ordering::Relaxed);
            for way in ways() {
                let ours = run(way.configure);
                let frames = compare(&script.name, way, &ours, &theirs);
                known.fetch_add(frames, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(work);
        }
    });
    let (calls, known) = (calls.into_inner(), known.into_inner());
    println!("{calls} calls; {known} frames of compiled code had values");
    assert!(calls > 50 && (known > calls || ways().count() < WAYS.len()));
}

/// Runs a program in all ways.
fn programs_agree(name: &str, program: impl Fn() -> Program) {
    let run = |config: Config| {
        seen(config, |config, observer| {
            let outcome = program().config(config).repeatable().observer(observer).run();
            assert_eq!(outcome.status, 0, "{name}: {}", outcome.stderr);
        })
    };
    let mut interpreter = Config::new();
    interpreter.strategy(Strategy::Interpreter);
    let theirs = run(interpreter);
    assert!(!theirs.is_empty() && theirs.iter().all(|call| !call.frames.is_empty()), "{name}");
    for way in ways() {
        let mut config = Config::new();
        (way.configure)(&mut config);
        let known = compare(name, way, &run(config), &theirs);
        println!("{name}, {}: {} calls, {known} frames with values", way.name, theirs.len());
    }
}

fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../guests/{name}.wasm"))
}

#[test]
fn frames_agree_at_the_calls_of_guests() {
    for name in ["hello", "mandelbrot", "sha256", "wc"] {
        programs_agree(name, || Program::new(guest(name), &[name]).stdin("some words\n"));
    }
}

#[test]
fn frames_agree_at_the_calls_of_real_programs() {
    if let Some(sqlite) = corpus::find("sqlite/sqlite.wasm") {
        let script = "create table t(n, s); insert into t values (1, 'a'), (2, 'b');
            select sum(n), group_concat(s) from t;\n";
        programs_agree("sqlite", || Program::new(&sqlite, &["sqlite", "-batch"]).stdin(script));
    }
    if let Some(qjs) = corpus::find("qjs/qjs.wasm") {
        let script = "for (const n of [1, 2n, 'three', [4]]) console.log(n)";
        programs_agree("qjs", || Program::new(&qjs, &["qjs", "-e", script]));
    }
}
