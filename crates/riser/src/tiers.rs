//! What became of a program's functions: which compilers made their code, how long that took, and in which code guests were.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use riser_vm::CodeSamples;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a compiler has done.
///
/// ```
/// let nothing = riser::TierUse::default();
/// assert_eq!((nothing.functions, nothing.samples), (0, 0));
/// assert!(nothing.time.is_zero());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierUse {
    /// How many functions it has made code of.
    pub functions: usize,
    /// How long it worked, on all threads together.
    pub time: Duration,
    /// How often a guest was in its code, of the times that somebody looked.
    pub samples: u64,
}

/// What [`Engine::tier_statistics`](crate::Engine::tier_statistics) gives.
///
/// ```
/// use riser::TierStatistics;
///
/// /// How much of the running was in optimized code, if anybody looked while there was some.
/// fn optimized_share(statistics: &TierStatistics) -> Option<f64> {
///     let [slow, fast] = [&statistics.baseline, &statistics.optimized].map(|tier| tier.samples as f64);
///     (slow + fast > 0.0).then(|| fast / (slow + fast))
/// }
/// assert_eq!(optimized_share(&TierStatistics::default()), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierStatistics {
    /// The baseline compiler.
    pub baseline: TierUse,
    /// The optimizing compiler. Loops that functions went on with count for its time, and so does code from the cache for its samples.
    pub optimized: TierUse,
    /// How many functions have code that was made before: by an earlier run, or ahead of time.
    pub kept: usize,
    /// How many loops got code for functions to go on with.
    pub loops: usize,
    /// How often a function went on in such code.
    pub loops_replaced: u64,
    /// When guests began to be in optimized code for nine tenths of the time: when the first 20 looks in a row began of which 18 or more found a guest
    /// there. `None` if that has not happened.
    pub mostly_optimized: Option<Instant>,
}

/// How often somebody looks.
const PERIOD: Duration = Duration::from_millis(1);

/// So many looks in a row are compared with each other.
const WINDOW: usize = 20;
/// So many of them are nine tenths.
const MOST: u32 = 18;

/// Which compiler worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Baseline,
    Optimized,
    /// The optimizing one, at the rest of a function from a loop on.
    Loop,
}

/// An engine's account of its compilers. The engine that has it is the only one whose compilers are timed.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// By [`Work`]: how much was made, and how long that took, in nanoseconds.
    made: [AtomicUsize; 3],
    nanos: [AtomicU64; 3],
    kept: AtomicUsize,
    pub samples: Arc<CodeSamples>,
    mostly_optimized: Mutex<Option<Instant>>,
    is_over: AtomicBool,
}

#[cfg_attr(not(riser_compiled), expect(dead_code, reason = "nothing is compiled"))]
impl Account {
    /// A piece of code was made; the compiler began at `begun`.
    pub fn made(&self, work: Work, begun: Instant) {
        self.made[work as usize].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos[work as usize].fetch_add(nanos, Ordering::Relaxed);
    }

    /// A function has code that was made before.
    pub fn kept(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }
}

impl Account {
    /// What is known now, but for how often loops were replaced.
    pub fn statistics(&self) -> TierStatistics {
        let made = |work: Work| self.made[work as usize].load(Ordering::Relaxed);
        let nanos = |work: Work| self.nanos[work as usize].load(Ordering::Relaxed);
        let used = |work: Work, nanos: u64, samples: u64| TierUse {
            functions: made(work),
            time: Duration::from_nanos(nanos),
            samples,
        };
        let [in_baseline, in_optimized] = self.samples.counts();
        let optimizing = nanos(Work::Optimized) + nanos(Work::Loop);
        TierStatistics {
            baseline: used(Work::Baseline, nanos(Work::Baseline), in_baseline),
            optimized: used(Work::Optimized, optimizing, in_optimized),
            kept: self.kept.load(Ordering::Relaxed),
            loops: made(Work::Loop),
            mostly_optimized: *self.mostly_optimized(),
            ..TierStatistics::default()
        }
    }

    fn mostly_optimized(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.mostly_optimized.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks where guests are until the engine is gone.
    fn watch(&self) {
        let mut window = Window::default();
        let mut seen = self.samples.counts();
        while !self.is_over.load(Ordering::Relaxed) {
            self.samples.look();
            thread::sleep(PERIOD);
            let now = self.samples.counts();
            let at = Instant::now();
            for (tier, (now, seen)) in now.iter().zip(seen).enumerate() {
                for _ in seen..*now {
                    window.add(tier == 1, at);
                }
            }
            seen = now;
            let mut mostly = self.mostly_optimized();
            *mostly = mostly.or_else(|| window.mostly_optimized());
        }
    }
}

/// The last looks.
#[derive(Debug, Default)]
struct Window {
    /// When, and whether a guest was in optimized code.
    looks: VecDeque<(Instant, bool)>,
}

impl Window {
    fn add(&mut self, is_optimized: bool, at: Instant) {
        if self.looks.len() == WINDOW {
            self.looks.pop_front();
        }
        self.looks.push_back((at, is_optimized));
    }

    /// When the looks began, if there are enough and nine tenths of them saw optimized code.
    fn mostly_optimized(&self) -> Option<Instant> {
        let optimized = self.looks.iter().filter(|look| look.1).count() as u32;
        let is_most = self.looks.len() == WINDOW && optimized >= MOST;
        self.looks.front().filter(|_| is_most).map(|look| look.0)
    }
}

/// Looks where guests are, as long as it lives.
#[derive(Debug)]
pub(crate) struct Watching(pub Arc<Account>);

impl Watching {
    /// Begins. A system that refuses a thread leaves the looks out.
    pub fn begin(account: Arc<Account>) -> Watching {
        let watched = account.clone();
        let _ = thread::Builder::new().name("riser-samples".into()).spawn(move || watched.watch());
        Watching(account)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_a_window_are_enough() {
        let mut window = Window::default();
        let begun = Instant::now();
        let at = |look: u64| begun + Duration::from_millis(look);
        (0..30).for_each(|look| window.add(look % 2 == 0, at(look)));
        assert_eq!(window.mostly_optimized(), None);
        let mut found = None;
        for look in 30..60 {
            window.add(true, at(look));
            found = found.or_else(|| window.mostly_optimized());
        }
        // Looks 27 and 29 saw something else: the window that begins with the former has no more than two such.
        assert_eq!(found, Some(at(26)));
        let mut short = Window::default();
        (0..WINDOW as u64 - 1).for_each(|look| short.add(true, at(look)));
        assert_eq!(short.mostly_optimized(), None);
    }
}
