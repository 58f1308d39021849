//! Keeping what was compiled in the cache: while the program runs, by a thread of its own, and once more at the end.
//!
//! The thread begins when something was compiled, waits longer each time, and ends when nothing new was compiled in between. At the end
//! only what is left is written, into a file of its own unless all is little, and without waiting for the thread: so the end of
//! a program waits for less than a millisecond. The next run that lasts long enough for the thread puts it to the rest.

use super::compiled::{CompiledEngine, CompiledModule};
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How long the thread waits at first.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// How long it waits at most.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How much time there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Enough to put everything into one file.
    Whole,
    /// Somebody waits.
    Brief,
}

/// The modules of an engine whose code is kept.
#[derive(Default)]
pub(super) struct Keeper {
    modules: Mutex<Vec<Weak<CompiledModule>>>,
    /// Whether there is a thread.
    running: AtomicBool,
}

impl Keeper {
    /// From now on, keeps the code of a module.
    pub fn add(&self, module: &Arc<CompiledModule>) {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        modules.retain(|module| module.strong_count() > 0);
        modules.push(Arc::downgrade(module));
    }

    /// Something was compiled.
    pub fn wake(&self, engine: &Arc<CompiledEngine>) {
        if self.running.swap(true, Ordering::Relaxed) {
            return;
        }
        let engine = Arc::downgrade(engine);
        let thread = thread::Builder::new().name("riser-cache".into());
        if thread.spawn(move || keep(&engine)).is_err() {
            // Then it is kept at the end.
            self.running.store(false, Ordering::Relaxed);
        }
    }

    /// Keeps what is new now. Whether there was something.
    pub fn save(&self, pace: Pace) -> bool {
        let modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let alive = modules.iter().filter_map(Weak::upgrade);
        alive.filter(|module| module.save(pace)).count() > 0
    }
}

fn keep(engine: &Weak<CompiledEngine>) {
    let mut pause = PAUSE_MIN;
    loop {
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
        let Some(engine) = engine.upgrade() else { return };
        let keeper = engine.keeper();
        if !keeper.save(Pace::Whole) {
            keeper.running.store(false, Ordering::SeqCst);
            // What was compiled just before this found a thread that was running.
            if !keeper.save(Pace::Whole) {
                return;
            }
            keeper.running.store(true, Ordering::SeqCst);
        }
    }
}
