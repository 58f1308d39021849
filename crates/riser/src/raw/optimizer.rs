//! Making better code of what is hot, in the background.
//!
//! An engine has one thread for it, which begins with the first request and takes first what was executed most for what it takes to
//! compile. Nobody waits for it, not even the end of the program.
//!
//! What is optimized is kept in the cache, what is made quickly is not. So that the next run starts in optimized code, the thread
//! goes on with functions that were called and are not hot, when nothing else is to be done: the smallest first, so that also programs that are over
//! after a moment have something to keep. It does so only where there is a cache, and another processor for the program.
//! What was called in a run and is still not kept is listed in the cache, and the thread of the next run begins with making that as quickly as it can be made,
//! before the program gets there.

use super::compiled::CompiledModule;
use crate::module::available_cores;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// What is to be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hot {
    /// A function.
    Function(u32),
    /// The rest of a function from a loop on, which is the operator at this byte. It runs at the moment.
    Loop(u32, u32),
}

struct Job {
    module: Weak<CompiledModule>,
    what: Hot,
    /// What better code is worth: what was executed, of what there is to compile.
    worth: u64,
    /// When it was asked for last.
    asked: Instant,
}

impl Job {
    /// Whether it serves who asks for something: the same, or another loop of the same call, since better code of a loop is all
    /// of the function that comes after.
    fn serves(&self, module: &Arc<CompiledModule>, what: Hot) -> bool {
        let is_same = match (self.what, what) {
            (Hot::Loop(known, _), Hot::Loop(asked, _)) => known == asked,
            (known, asked) => known == asked,
        };
        is_same && self.module.as_ptr() == Arc::as_ptr(module)
    }
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    /// What is being compiled.
    under_way: Option<Job>,
    /// What has nothing to do with code, and is done before all else.
    errands: Vec<Box<dyn FnOnce() + Send>>,
    /// Modules of which functions are to be made before they are called.
    ahead: Vec<Weak<CompiledModule>>,
    /// Modules whose code is kept.
    kept: Vec<Weak<CompiledModule>>,
    /// Whether functions of theirs were called since the thread looked.
    were_called: bool,
    /// Whether there is a thread.
    has_thread: bool,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Optimizer {
    shared: Arc<Shared>,
}

/// What was not asked for again for so long is not hot any more.
const STALE: Duration = Duration::from_secs(1);

/// So many jobs wait at most: a guest that makes more functions hot than anybody can compile does not make others wait while jobs are
/// compared.
const MOST_JOBS: usize = 1024;

impl Optimizer {
    /// Asks for better code.
    pub fn ask(&self, module: &Arc<CompiledModule>, what: Hot, worth: u64) {
        let mut queue = self.shared.lock();
        if queue.under_way.as_ref().is_some_and(|job| job.serves(module, what)) {
            return;
        }
        let is_full = queue.jobs.len() >= MOST_JOBS;
        let asked = Instant::now();
        match queue.jobs.iter_mut().find(|job| job.serves(module, what)) {
            Some(job) => {
                // The guest is in this loop now.
                (job.what, job.asked) = (what, asked);
                job.worth = job.worth.saturating_add(worth);
            }
            // It is asked for again.
            None if is_full => return,
            None => queue.jobs.push(Job { module: Arc::downgrade(module), what, worth, asked }),
        }
        self.wake(queue);
    }

    /// Does something before all else, without anybody waiting for it. Another thread besides this one would take the program's processor where there are two.
    pub fn run_first(&self, errand: impl FnOnce() + Send + 'static) {
        let mut queue = self.shared.lock();
        queue.errands.push(Box::new(errand));
        self.wake(queue);
    }

    /// There are functions that will be called soon.
    pub fn begin(&self, module: &Arc<CompiledModule>) {
        let mut queue = self.shared.lock();
        queue.ahead.retain(|known| known.strong_count() > 0);
        queue.ahead.push(Arc::downgrade(module));
        self.wake(queue);
    }

    /// There is a function that was called, in a module whose code is kept.
    pub fn called(&self, module: &Arc<CompiledModule>) {
        let mut queue = self.shared.lock();
        if !queue.kept.iter().any(|known| known.as_ptr() == Arc::as_ptr(module)) {
            queue.kept.retain(|known| known.strong_count() > 0);
            queue.kept.push(Arc::downgrade(module));
        }
        // Otherwise the thread has not looked since somebody woke it.
        if !core::mem::replace(&mut queue.were_called, true) {
            self.wake(queue);
        }
    }

    /// There is something to do.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        if !queue.has_thread {
            let shared = self.shared.clone();
            let builder = thread::Builder::new().name("riser-opt".into());
            // A system that refuses a thread leaves everything as it is: slower.
            queue.has_thread = builder.spawn(move || work(&shared)).is_ok();
        }
        // They keep modules, and so this engine. What goes with them must find the lock free.
        let never_done =
            if queue.has_thread { Vec::new() } else { core::mem::take(&mut queue.errands) };
        drop(queue);
        drop(never_done);
        self.shared.wake.notify_one();
    }
}

impl Drop for Optimizer {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.is_over = true;
        queue.jobs.clear();
        drop(queue);
        self.shared.wake.notify_one();
    }
}

/// What the thread does.
fn work(shared: &Shared) {
    let may_go_on = available_cores() > 1;
    let mut queue = shared.lock();
    while !queue.is_over {
        if let Some(errand) = queue.errands.pop() {
            drop(queue);
            errand();
            queue = shared.lock();
            continue;
        }
        // What a program will wait for goes first, and takes least.
        if let Some(known) = queue.ahead.last().filter(|_| may_go_on).cloned() {
            drop(queue);
            let goes_on = known.upgrade().is_some_and(|module| module.make_ahead());
            queue = shared.lock();
            if !goes_on {
                queue.ahead.retain(|other| !other.ptr_eq(&known));
            }
            continue;
        }
        let hottest = queue.jobs.iter().enumerate().max_by_key(|(_, job)| job.worth);
        let Some((at, _)) = hottest else {
            let kept = if may_go_on { queue.kept.clone() } else { Vec::new() };
            queue.were_called = false;
            drop(queue);
            let next = kept.iter().filter_map(Weak::upgrade).find_map(|module| {
                let func = module.next_called()?;
                Some((module, func))
            });
            if let Some((module, func)) = &next {
                module.make_better(Hot::Function(*func));
            }
            queue = shared.lock();
            // Whoever asked meanwhile found the thread awake.
            let is_ahead = may_go_on && !queue.ahead.is_empty();
            let has_work = is_ahead || !queue.jobs.is_empty() || !queue.errands.is_empty();
            let is_quiet = !has_work && !queue.were_called && !queue.is_over;
            if next.is_none() && is_quiet {
                queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            continue;
        };
        let job = queue.jobs.swap_remove(at);
        let (module, what) = (job.module.upgrade(), job.what);
        let is_stale = job.asked.elapsed() > STALE;
        queue.under_way = Some(job);
        drop(queue);
        // Nobody needs code of a module that is gone.
        match &module {
            Some(module) if is_stale => module.forget(what),
            Some(module) => module.make_better(what),
            None => {}
        }
        drop(module);
        queue = shared.lock();
        queue.under_way = None;
    }
}
