//! What is done with a seed: in which ways its module runs, and which of them are compared.

use crate::generate::{self, Random};
use crate::ours::{self, Way};
use crate::outcome::{Likeness, Outcome, Verdict, Work, compare};
use crate::{theirs, throwing};
use riser::Strategy;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where programs come from.
#[derive(Clone, Copy)]
pub enum Programs {
    /// The generator of modules of all kinds.
    Generated,
    /// Our own, of programs that throw and catch.
    Throwing,
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
}

impl Comparison {
    /// Runs the program of a seed, and prints what it does if `show`; `None` if the generator gives no program.
    pub fn of(programs: Programs, seed: u64, show: bool) -> Option<Comparison> {
        let (module, linked) = match programs {
            Programs::Generated => (generate::module(seed)?, seed.is_multiple_of(3)),
            Programs::Throwing => (throwing::binary(seed, throwing::Form::Table), false),
        };
        let mut comparison = Comparison::new(module, show);
        let done = catch_unwind(AssertUnwindSafe(|| {
            let theirs = theirs::run(&comparison.module, seed, linked);
            if show {
                println!("theirs: {theirs:#x?}");
            }
            let ours = comparison.run(seed, linked, Some(&theirs));
            if let Programs::Throwing = programs {
                comparison.run_legacy(seed, &ours);
            }
        }));
        if done.is_err() {
            comparison.differs("a panic".into());
        }
        Some(comparison)
    }

    fn new(module: Vec<u8>, show: bool) -> Comparison {
        Comparison { module, work: Work::default(), limited: false, different: None, show }
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

    /// Runs a module in Riser in many ways, and compares them with each other and with what another runtime did.
    fn run(
        &mut self,
        seed: u64,
        linked: bool,
        theirs: Option<&Option<Outcome>>,
    ) -> Option<Outcome> {
        let mut random = Random::new(seed ^ 0x0F_A113_A751);
        let mut choose = |count: u64| random.next() % count;
        let module = self.module.clone();
        let run = |way| ours::run(&module, seed, linked, way);
        let interpreted = run(Way::INTERPRETED);
        if let Some(theirs) = theirs {
            self.compare("interpreter, wasmtime", &interpreted, theirs, Likeness::Specified);
        }
        let way = Way { lazy: choose(2) == 0, kept: choose(4) == 0, ..Way::COMPILED };
        let compiled = run(way);
        self.compare(&format!("{way:?}, interpreter"), &compiled, &interpreted, Likeness::All);
        self.work.add(compiled.as_ref().map(Work::of).unwrap_or_default());
        // One of the two, or both: to compile takes most of the time.
        let choice = choose(4);
        if choice < 3 {
            let way =
                Way { fuel: true, lazy: choose(4) != 0, stress: choose(4) == 0, ..Way::COMPILED };
            let fuelled = run(way);
            let with = run(Way { strategy: Strategy::Interpreter, lazy: true, ..way });
            self.compare(&format!("{way:?}, interpreter"), &fuelled, &with, Likeness::All);
            self.work.add(fuelled.as_ref().map(Work::of).unwrap_or_default());
        }
        if choice > 1 {
            let strategy = if choose(4) == 0 { Strategy::Interpreter } else { Strategy::Cranelift };
            let way = Way { stress: true, strategy, ..Way::COMPILED };
            let stressed = run(way);
            self.compare(&format!("{way:?}, plain"), &stressed, &interpreted, Likeness::Specified);
        }
        if self.show {
            for (way, outcome) in [("interpreted", &interpreted), ("compiled", &compiled)] {
                println!("{way}: {outcome:#x?}");
            }
        }
        interpreted
    }

    /// Runs the same program with the older form of exceptions.
    fn run_legacy(&mut self, seed: u64, ours: &Option<Outcome>) {
        let module = throwing::binary(seed, throwing::Form::Legacy);
        let mut legacy = Comparison::new(module, self.show);
        let outcome = legacy.run(seed, false, None);
        legacy.compare("the legacy form", &outcome, ours, Likeness::Specified);
        self.work.add(legacy.work);
        if let Some(what) = legacy.different {
            self.differs(what);
        }
    }
}
