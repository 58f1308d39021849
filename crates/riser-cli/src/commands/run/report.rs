//! `--report`: what a program used.

use std::fmt::Write;
use std::time::{Duration, Instant};

use riser::{TierStatistics, TierUse};
use serde_json::json;

use super::host::Limits;
use super::observe::Observer;
use crate::decoded::{count, number, size};
use crate::options::ReportFormat;
use crate::style::{self, HEADING, styled};

/// What is known when the program has ended.
pub struct Usage<'a> {
    /// The file.
    pub name: &'a str,
    /// The exit status of the process.
    pub status: i32,
    /// When riser began.
    pub begun: Instant,
    /// What the program took of its limits.
    pub limits: &'a Limits,
    /// Calls of the system.
    pub observer: &'a Observer,
    /// Functions that were called, and all that there are. `None` if that cannot be known.
    pub functions: Option<(usize, usize)>,
    /// What the compilers did. `None` if the program was interpreted.
    pub tiers: Option<TierStatistics>,
    /// The fuel that was consumed, if it was counted.
    pub fuel: Option<u64>,
}

/// Prints the report on standard error.
pub fn print(usage: &Usage<'_>, format: ReportFormat) {
    let wall = usage.begun.elapsed();
    match format {
        ReportFormat::Text => style::eprint(&text(usage, wall)),
        ReportFormat::Json => style::eprint(&json(usage, wall)),
    }
}

fn text(usage: &Usage<'_>, wall: Duration) -> String {
    let mut text = format!("\n{}\n", styled(HEADING, format!("Report of {}", usage.name)));
    let mut row = |what: &str, value: String| {
        let _ = writeln!(text, "  {what:<16}{value}");
    };
    row("exit status", usage.status.to_string());
    row("wall time", seconds(wall));
    if let Some(cpu) = riser_sys::cpu_time() {
        row("processor time", seconds(cpu));
    }
    let memories = size(usage.limits.memory_bytes() as u64);
    row("memory", format!("{memories} in the program's memories"));
    if let Some(peak) = riser_sys::peak_memory() {
        row("peak memory", format!("{} of the whole process", size(peak)));
    }
    if let Some((called, all)) = usage.functions {
        row("functions", format!("{} of {} called", number(called as u64), number(all as u64)));
    }
    if let Some(tiers) = &usage.tiers {
        tier_rows(&mut row, usage.begun, tiers);
    }
    match usage.fuel {
        Some(fuel) => row("fuel", format!("{} consumed", number(fuel))),
        None => row("fuel", "not counted; --fuel N counts it".into()),
    }
    let mut calls: Vec<_> = usage.observer.counts().into_iter().collect();
    calls.sort_by_key(|(_, calls)| std::cmp::Reverse(calls.count));
    let total: u64 = calls.iter().map(|call| call.1.count).sum();
    let time: Duration = calls.iter().map(|call| call.1.time).sum();
    row("system calls", format!("{}, which took {}", number(total), seconds(time)));
    for (name, calls) in calls {
        let _ = writeln!(text, "  {:>14}  {name}, {}", number(calls.count), seconds(calls.time));
    }
    text
}

/// What the compilers did, and where the program was when somebody looked.
fn tier_rows(row: &mut impl FnMut(&str, String), begun: Instant, tiers: &TierStatistics) {
    let looks = tiers.baseline.samples + tiers.optimized.samples;
    let mut tier = |name: &str, tier: &TierUse, loops: usize| {
        let mut what = count(tier.functions as u64, "function");
        if loops > 0 {
            what += &format!(" and {}", count(loops as u64, "loop"));
        }
        let share = match looks {
            0 => String::new(),
            _ => format!("; {}% of the running", 100 * tier.samples / looks),
        };
        row(name, format!("{what}, compiled in {}{share}", seconds(tier.time)));
    };
    tier("baseline", &tiers.baseline, 0);
    tier("optimized", &tiers.optimized, tiers.loops);
    if tiers.kept > 0 {
        row("from the cache", count(tiers.kept as u64, "function"));
    }
    if tiers.loops_replaced > 0 {
        row("loops replaced", format!("{} on the stack", times(tiers.loops_replaced)));
    }
    row(
        "90% optimized",
        match tiers.mostly_optimized {
            Some(when) => format!("from {} on", seconds(when.saturating_duration_since(begun))),
            None => "not reached".into(),
        },
    );
}

/// How often, in words.
fn times(count: u64) -> String {
    if count == 1 { "once".into() } else { format!("{} times", number(count)) }
}

fn tiers_json(begun: Instant, tiers: &TierStatistics) -> serde_json::Value {
    let tier = |tier: &TierUse| {
        json!({
            "functions": tier.functions,
            "compile_seconds": tier.time.as_secs_f64(),
            "samples": tier.samples,
        })
    };
    let since = |when: Instant| when.saturating_duration_since(begun).as_secs_f64();
    json!({
        "baseline": tier(&tiers.baseline),
        "optimized": tier(&tiers.optimized),
        "functions_from_cache": tiers.kept,
        "loops": tiers.loops,
        "loops_replaced": tiers.loops_replaced,
        "mostly_optimized_after_seconds": tiers.mostly_optimized.map(since),
    })
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 0.1 => format!("{seconds:.2} s"),
        seconds => format!("{:.2} ms", seconds * 1e3),
    }
}

fn json(usage: &Usage<'_>, wall: Duration) -> String {
    let counts = usage.observer.counts();
    let calls: serde_json::Map<_, _> = counts
        .iter()
        .map(|(name, calls)| {
            let value = json!({ "calls": calls.count, "seconds": calls.time.as_secs_f64() });
            (name.clone(), value)
        })
        .collect();
    let value = json!({
        "program": usage.name,
        "exit_status": usage.status,
        "wall_seconds": wall.as_secs_f64(),
        "cpu_seconds": riser_sys::cpu_time().map(|time| time.as_secs_f64()),
        "memory_bytes": usage.limits.memory_bytes(),
        "peak_process_bytes": riser_sys::peak_memory(),
        "functions_called": usage.functions.map(|functions| functions.0),
        "functions": usage.functions.map(|functions| functions.1),
        "tiers": usage.tiers.as_ref().map(|tiers| tiers_json(usage.begun, tiers)),
        "fuel": usage.fuel,
        "host_calls": calls,
    });
    format!("{value}\n")
}
