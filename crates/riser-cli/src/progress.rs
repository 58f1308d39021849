//! Saying what takes long, on a terminal: a line on standard error that goes away when it is done.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::errors::clean;

/// What takes less than this is not worth a word.
const DELAY: Duration = Duration::from_millis(500);
/// How often the line changes after that.
const PACE: Duration = Duration::from_millis(250);

/// Goes to the start of the line and empties it.
const CLEAR: &str = "\r\x1b[K";

/// Something that is being done. The line is gone when this is.
#[derive(Debug)]
pub struct Progress {
    /// Dropped to say that it is done.
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Says `what` is being done, if it takes long and somebody watches.
    pub fn start(what: String, quiet: bool) -> Option<Progress> {
        let watched = !quiet && io::stderr().is_terminal();
        watched.then(|| Progress::start_on(io::stderr(), what, DELAY)).flatten()
    }

    /// The same on any stream. `None` if the system refuses a thread: nothing is said then.
    fn start_on(
        mut stream: impl Write + Send + 'static,
        what: String,
        delay: Duration,
    ) -> Option<Progress> {
        let (done, waiting) = mpsc::channel();
        let show = move || {
            let mut dots = 0;
            let mut pause = delay;
            while waiting.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                dots = dots % 3 + 1;
                let line = format!("{CLEAR}riser: {}{}", clean(&what), ".".repeat(dots));
                // A terminal that cannot be written to is nobody who watches.
                let _ = stream.write_all(line.as_bytes()).and_then(|()| stream.flush());
                pause = PACE;
            }
            if dots > 0 {
                let _ = stream.write_all(CLEAR.as_bytes()).and_then(|()| stream.flush());
            }
        };
        let thread = thread::Builder::new().name("progress".into()).spawn(show).ok()?;
        Some(Progress { done: Some(done), thread: Some(thread) })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done = None;
        if let Some(thread) = self.thread.take() {
            // The thread does not panic, and there would be nothing to do about it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_takes_long_is_said_and_then_taken_away() {
        let screen = Screen::default();
        let progress = Progress::start_on(screen.clone(), "reading \x1b".into(), Duration::ZERO);
        while screen.0.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        drop(progress);
        let text = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("\r\x1b[Kriser: reading \\u{1b}."), "{text:?}");
        assert!(text.ends_with(CLEAR), "{text:?}");
    }

    #[test]
    fn what_is_quick_is_not_said() {
        let screen = Screen::default();
        drop(Progress::start_on(screen.clone(), "reading".into(), Duration::from_secs(3600)));
        assert_eq!(screen.0.lock().unwrap().len(), 0);
    }
}
