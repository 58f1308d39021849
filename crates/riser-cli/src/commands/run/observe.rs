//! Hearing of each call of the system: to print it (`--trace`), and to count it (`--report`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use riser::{Caller, Error, HostCall, HostObserver, Result, Val};

use super::host::Host;
use super::program::WASI_MODULES;
use super::trace;
use crate::errors::clean_name;
use crate::style::{self, DIM, styled};

/// What the calls of a function amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calls {
    /// How many there were.
    pub count: u64,
    /// How long they took.
    pub time: Duration,
}

/// Prints and counts calls.
#[derive(Debug, Default)]
pub struct Observer {
    print: bool,
    counts: Mutex<BTreeMap<String, Calls>>,
}

thread_local! {
    /// When the calls began in which this thread is, outermost first.
    static BEGUN: RefCell<Vec<Instant>> = const { RefCell::new(Vec::new()) };
}

impl Observer {
    /// One that counts, and prints if `print`.
    pub fn new(print: bool) -> Observer {
        Observer { print, counts: Mutex::default() }
    }

    /// The functions that were called.
    pub fn counts(&self) -> BTreeMap<String, Calls> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Calls>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a function is called in reports: that of WASI without its module.
fn label(call: &HostCall<'_>) -> String {
    match (call.module(), call.name()) {
        (Some(module), Some(name)) if WASI_MODULES.contains(&module) => clean_name(name),
        (Some(module), Some(name)) => clean_name(&format!("{module}.{name}")),
        _ => "a function of the host".into(),
    }
}

impl HostObserver<Host> for Observer {
    fn calling(&self, _: &mut Caller<'_, Host>, _: &HostCall<'_>) {
        BEGUN.with_borrow_mut(|begun| begun.push(Instant::now()));
    }

    fn returned(
        &self,
        caller: &mut Caller<'_, Host>,
        call: &HostCall<'_>,
        results: Result<&[Val], &Error>,
    ) {
        let begun = BEGUN.with_borrow_mut(Vec::pop);
        let time = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        let label = label(call);
        if self.print {
            let text = trace::describe(caller, call, results, &label);
            let time = styled(DIM, format!("<{:.6}>", time.as_secs_f64()));
            style::eprint(&format!("{text} {time}\n"));
        }
        let mut counts = self.lock();
        let calls = counts.entry(label).or_default();
        calls.count += 1;
        calls.time += time;
    }
}
