//! What is done with a seed: in which ways its module runs, and which of them are compared.

use crate::attempts::Form;
use crate::generate::{self, Random};
use crate::ours::{self, Way};
use crate::outcome::{Likeness, Outcome, Verdict, Work, compare};
use crate::{PANICS, loops, theirs, throwing};
use riser::Strategy;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

/// Where programs come from.
#[derive(Clone, Copy)]
pub enum Programs {
    /// The generator of modules of all kinds.
    Generated,
    /// Our own, of programs that are in loops.
    Loops,
    /// Our own, of programs that throw and catch.
    Throwing,
    /// This module, whatever the seed.
    Given(&'static [u8]),
}

/// How the comparison of a seed ended.
pub struct Comparison {
    pub module: Vec<u8>,
    /// What compiled code did.
    pub work: Work,
    /// Whether a limit was met in a way.
    pub limited: bool,
    /// What differs.
    pub different: Option<String>,
    show: bool,
    is_generated: bool,
}

impl Comparison {
    /// Runs the program of a seed, and prints what it does if `show`; `None` if the generator gives no program.
    pub fn of(programs: Programs, seed: u64, show: bool) -> Option<Comparison> {
        let (module, linked) = match programs {
            Programs::Generated => (generate::module(seed)?, seed.is_multiple_of(3)),
            Programs::Loops => (loops::binary(seed, Form::Table), false),
            Programs::Throwing => (throwing::binary(seed, Form::Table), false),
            Programs::Given(module) => (module.to_vec(), false),
        };
        let is_generated = matches!(programs, Programs::Generated | Programs::Given(_));
        let mut comparison = Comparison::new(module, is_generated, show);
        let panics = PANICS.load(Ordering::Relaxed);
        let done = catch_unwind(AssertUnwindSafe(|| {
            let theirs = theirs::run(&comparison.module, seed, linked);
            if show {
                println!("theirs: {theirs:#x?}");
            }
            let ours = comparison.run(seed, linked, Some(&theirs));
            let legacy = match programs {
                Programs::Generated | Programs::Given(_) => return,
                // Half of them, since these take longer.
                Programs::Loops if seed.is_multiple_of(2) => return,
                Programs::Loops => loops::binary(seed, Form::Legacy),
                Programs::Throwing => throwing::binary(seed, Form::Legacy),
            };
            comparison.run_legacy(seed, legacy, &ours);
        }));
        // With several threads it may have been another one's.
        if done.is_err() || PANICS.load(Ordering::Relaxed) > panics {
            comparison.differs("a panic".into());
        }
        Some(comparison)
    }

    fn new(module: Vec<u8>, is_generated: bool, show: bool) -> Comparison {
        let work = Work::default();
        Comparison { module, work, limited: false, different: None, show, is_generated }
    }

    /// Compares two outcomes.
    fn compare(&mut self, of: &str, a: &Option<Outcome>, b: &Option<Outcome>, likeness: Likeness) {
        match (a, b) {
            (Some(a), Some(b)) => match compare(a, b, likeness) {
                Verdict::Same => {}
                Verdict::Limited => self.limited = true,
                Verdict::Different(what) => self.differs(format!("{of}: {what}")),
            },
            (None, None) => {}
            _ => self.differs(format!("{of}: valid for one")),
        }
    }

    /// Notes a difference.
    fn differs(&mut self, what: String) {
        let all = self.different.get_or_insert_default();
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(&what);
    }

    /// Runs a module in Riser in some ways, and compares them with each other and with what another runtime did. Always among them are the
    /// interpreter, the baseline compiler, and better code for what is hot.
    fn run(
        &mut self,
        seed: u64,
        linked: bool,
        theirs: Option<&Option<Outcome>>,
    ) -> Option<Outcome> {
        let mut random = Random::new(seed ^ 0x0F_A113_A751);
        let mut choose = |count: u64| random.next() % count;
        let plain = self.run_in(seed, linked, Way::INTERPRETED);
        if let Some(theirs) = theirs {
            self.compare("interpreter, wasmtime", &plain, theirs, Likeness::Specified);
        }
        let with = Way { fuel: choose(2) == 0, stress: choose(3) == 0, ..Way::INTERPRETED };
        let interpreted =
            if with == Way::INTERPRETED { plain.clone() } else { self.run_in(seed, linked, with) };
        if with.stress && !with.fuel {
            self.compare(&format!("{with:?}, plain"), &interpreted, &plain, Likeness::Specified);
        }
        let mut ways = vec![Way { lazy: choose(4) != 0, ..with.by(Strategy::Baseline) }];
        // At once, or after some entries and turns; a few of those while the guest goes on.
        let tiered = Way { kept: choose(16) == 0, ..with.by(Strategy::Auto) };
        ways.push(if choose(2) == 0 {
            tiered
        } else {
            let most = 32 << choose(9);
            Way { budget: 1 + choose(most) as u32, background: choose(16) == 0, ..tiered }
        });
        if choose(2) == 0 {
            let optimized = with.by(Strategy::Cranelift);
            ways.push(Way { lazy: choose(2) == 0, kept: choose(4) == 0, ..optimized });
        }
        for way in ways {
            let compiled = self.run_in(seed, linked, way);
            self.compare(&format!("{way:?}, interpreter"), &compiled, &interpreted, Likeness::All);
            self.work.add(compiled.as_ref().map(Work::of).unwrap_or_default());
        }
        plain
    }

    /// Runs the module in a way.
    fn run_in(&mut self, seed: u64, linked: bool, way: Way) -> Option<Outcome> {
        let ours::Ran { outcome, replaced } = ours::run(&self.module, seed, linked, way);
        if self.show {
            println!("{way:?}: {outcome:#x?}, {replaced} loops replaced");
        }
        self.work.replaced += replaced;
        self.work.modules_replaced += u64::from(replaced > 0);
        match outcome {
            Ok(outcome) => Some(outcome),
            // The generator may give what only some accept; what is written here is meant to be valid.
            Err(_) if self.is_generated => None,
            Err(error) => panic!("it is not valid: {error}"),
        }
    }

    /// Runs the same program with the older form of exceptions.
    fn run_legacy(&mut self, seed: u64, module: Vec<u8>, ours: &Option<Outcome>) {
        let mut legacy = Comparison::new(module, false, self.show);
        let outcome = legacy.run(seed, false, None);
        legacy.compare("the legacy form", &outcome, ours, Likeness::Specified);
        self.work.add(legacy.work);
        if let Some(what) = legacy.different {
            self.differs(what);
        }
    }
}
