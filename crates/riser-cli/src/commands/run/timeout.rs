//! `--timeout`: ends the program when its time is up, wherever it is.

use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::errors::{Report, STATUS_TIMEOUT, time_is_up};

/// How long the program may take to notice that its time is up. It notices at the next turn of a loop or call, and where
/// it waits for the system; if it still does not, the process is ended without it.
const GRACE: Duration = Duration::from_secs(2);

/// Whether the program has ended.
#[derive(Default)]
struct Ended {
    flag: Mutex<bool>,
    changed: Condvar,
}

impl Ended {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.flag.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the program has ended, at most this long. While the result lives, it cannot end.
    fn wait(&self, time: Duration) -> MutexGuard<'_, bool> {
        // A moment too far away to be told is as good as never.
        let until = Instant::now().checked_add(time);
        let mut ended = self.lock();
        while !*ended {
            let left = until.map_or(Duration::MAX, |until| until - Instant::now().min(until));
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(ended, left);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        ended
    }
}

/// Watches the time of a program.
pub struct Watch(Arc<Ended>);

impl Watch {
    /// Starts to watch. When `time` is over, `stop` is called; if that has no effect, `last_words` are said and the process
    /// ends.
    pub fn start(
        time: Duration,
        name: String,
        stop: impl FnOnce() + Send + 'static,
        last_words: impl FnOnce() + Send + 'static,
    ) -> Result<Watch, Report> {
        let ended = Arc::new(Ended::default());
        let seen = ended.clone();
        let watch = move || {
            if *seen.wait(time) {
                return;
            }
            stop();
            let ended = seen.wait(GRACE);
            if *ended {
                return;
            }
            time_is_up(&name, time)
                .detail("it was in a call of the system that does not come back")
                .print(false);
            last_words();
            process::exit(STATUS_TIMEOUT.into());
        };
        thread::Builder::new()
            .name("timeout".into())
            .spawn(watch)
            .map_err(|error| Report::new(format!("no thread can watch the time: {error}")))?;
        Ok(Watch(ended))
    }

    /// The program has ended: nothing more will happen.
    pub fn end(&self) {
        *self.0.lock() = true;
        self.0.changed.notify_all();
    }
}
