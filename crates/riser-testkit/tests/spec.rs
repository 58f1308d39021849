//! The official specification suite: every script of every version and proposal, each folder under its
//! own features.
//!
//! Scripts that fail today are listed in `expected-failures/`, one file per way to run, each with its
//! reason. A listed script that passes is an error, so the lists only shrink. Our own scripts, in `scripts/`, run with all
//! features, and so do those of `DIR` with `RISER_EXTRA_WAST=DIR` in the environment; with
//! `RISER_SPEC_FILTER=TEXT`, only scripts whose name contains the text run; with `RISER_SPEC_WAY=NAME`, in that way only.

#[path = "common/suite.rs"]
mod suite;

use riser::{Cache, CacheConfig, Config, Engine, Strategy};
use riser_testkit::strategies;
use riser_testkit::wast::{Failure, Report, run_script};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::{env, fs, thread};
use suite::{Script, scripts};

/// A way to run everything: a name, and what it changes in the configuration.
struct Way {
    name: &'static str,
    configure: fn(&mut Config),
}

impl Way {
    /// Whether the baseline compiler takes part.
    fn is_baseline(&self) -> bool {
        self.name.starts_with("baseline") || self.name.starts_with("auto-at-once")
    }
}

/// The best code at once, also in the middle of each loop.
fn at_once(config: &mut Config) -> &mut Config {
    config.strategy(Strategy::Auto).tier_up_budget(0, 0).tier_up_in_background(false)
}

const WAYS: [Way; 11] = [
    Way { name: "interp", configure: |config| _ = config.strategy(Strategy::Interpreter) },
    Way {
        name: "interp-gc-stress",
        configure: |config| _ = config.strategy(Strategy::Interpreter).gc_stress(true),
    },
    Way { name: "baseline", configure: |config| _ = config.strategy(Strategy::Baseline) },
    Way {
        name: "baseline-gc-stress",
        // All code of a module at once, too.
        configure: |config| {
            config.strategy(Strategy::Baseline).gc_stress(true).lazy_compilation(false);
        },
    },
    Way { name: "opt", configure: |config| _ = config.strategy(Strategy::Cranelift) },
    Way {
        name: "opt-gc-stress",
        configure: |config| _ = config.strategy(Strategy::Cranelift).gc_stress(true),
    },
    Way {
        name: "opt-kept",
        configure: |config| _ = config.strategy(Strategy::Cranelift).cache(Some(cache().clone())),
    },
    Way { name: "auto", configure: |_| {} },
    Way { name: "auto-gc-stress", configure: |config| _ = config.gc_stress(true) },
    Way { name: "auto-at-once", configure: |config| _ = at_once(config) },
    Way { name: "auto-at-once-gc-stress", configure: |config| _ = at_once(config).gc_stress(true) },
];

/// A cache that has room for a module of each thread.
fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spec-cache");
        let mut config = CacheConfig::new();
        config.with_directory(folder).with_files_total_size_soft_limit(8 << 20);
        let cache = Cache::new(config).unwrap();
        cache.clear().unwrap();
        cache
    })
}

/// Runs all scripts on as many threads as there are processors.
fn run_all(scripts: &[Script], way: &Way) -> BTreeMap<String, Report> {
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut config = Config::new();
            config.wasm_features_by_name(script.features.names()).unwrap();
            (way.configure)(&mut config);
            let run = || run_script(&script.name, &script.text, &config);
            let report = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| panicked(script));
            reports.lock().unwrap().insert(script.name.clone(), report);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(work);
        }
    });
    reports.into_inner().unwrap()
}

/// The report of a script in which the engine panicked.
fn panicked(script: &Script) -> Report {
    let message = "the engine panicked".into();
    let failure = Failure { file: script.name.clone(), line: 1, column: 1, message };
    Report { parsed: 1, failures: vec![failure], ..Report::default() }
}

/// The scripts that are expected to fail in a way to run: name and reason.
fn expected_failures(way: &Way) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected-failures");
    let text = fs::read_to_string(folder.join(format!("{}.txt", way.name))).unwrap();
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let split = |line: &str| {
        let (name, reason) = line.split_once(char::is_whitespace).unwrap_or_else(|| {
            panic!("expected-failures/{}.txt: `{line}` gives no reason", way.name)
        });
        (name.to_string(), reason.trim().to_string())
    };
    lines.map(split).collect()
}

/// The counts, a line per folder and one for all.
fn table(reports: &BTreeMap<String, Report>, listed: &BTreeSet<&String>) -> String {
    let mut folders: BTreeMap<&str, (usize, Report)> = BTreeMap::new();
    let mut all = (0, Report::default());
    for (name, report) in reports {
        let folder = name.rsplit_once('/').map_or("", |parts| parts.0);
        for row in [folders.entry(folder).or_default(), &mut all] {
            row.0 += 1;
            row.1 += report.clone();
        }
    }
    let mut text = format!(
        "{:<48}{:>8}{:>8}{:>8}{:>8}{:>8}\n",
        "folder", "scripts", "parsed", "passed", "failed", "skipped"
    );
    for (folder, (scripts, r)) in folders.iter().chain([(&"all", &all)]) {
        let failed = r.failures.len();
        let Report { parsed, passed, skipped, .. } = r;
        writeln!(text, "{folder:<48}{scripts:>8}{parsed:>8}{passed:>8}{failed:>8}{skipped:>8}")
            .unwrap();
    }
    writeln!(text, "{} scripts are expected to fail", listed.len()).unwrap();
    text
}

#[test]
fn the_official_suite_passes_in_every_way_to_run() {
    let scripts = scripts();
    let mut wrong = String::new();
    let filter = env::var("RISER_SPEC_WAY").ok();
    for way in WAYS.iter().filter(|way| filter.as_ref().is_none_or(|name| way.name == name)) {
        if !way.name.starts_with("interp") && !Engine::default().is_compiled() {
            println!("{}: skipped: this platform runs no compiled code", way.name);
            continue;
        }
        if way.is_baseline() && !strategies().contains(&Strategy::Baseline) {
            println!("{}: skipped: this platform has no baseline compiler", way.name);
            continue;
        }
        let reports = run_all(&scripts, way);
        let expected = expected_failures(way);
        let listed = expected.keys().filter(|name| reports.contains_key(*name)).collect();
        println!("{}:\n{}", way.name, table(&reports, &listed));
        for (name, report) in &reports {
            match (report.is_success(), expected.get(name)) {
                (true, Some(_)) => {
                    writeln!(wrong, "{}: {name} passes: take it off the list", way.name).unwrap();
                }
                (false, None) => {
                    for failure in report.failures.iter().take(5) {
                        writeln!(wrong, "{}: {failure}", way.name).unwrap();
                    }
                    let more = report.failures.len().saturating_sub(5);
                    if more > 0 {
                        writeln!(wrong, "{}: {name}: and {more} more", way.name).unwrap();
                    }
                }
                _ => {}
            }
            assert_eq!(report.skipped, 0, "{name}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    if filter.is_none() && Engine::default().is_compiled() {
        // Modules without functions are looked for, and never found.
        let (hits, misses) = (cache().cache_hits(), cache().cache_misses());
        println!("opt-kept: {hits} modules were found in the cache, {misses} were not");
        assert!(hits > misses / 6, "{:?}", cache());
    }
}
