//! The stop core: tells all threads of a program that it has ended, also those that wait for the system.
//!
//! A program with threads has one [`Stop`]. Whoever waits for a descriptor or for time waits, in the same `poll`, for a
//! pipe whose other end is closed when the program ends. A context without threads has none, and waits in the plain way.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether a program has ended.
#[derive(Debug)]
pub(crate) struct Stop {
    ended: AtomicBool,
    reader: PipeReader,
    /// Nothing is ever written; it is dropped when the program ends.
    writer: Mutex<Option<PipeWriter>>,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { ended: AtomicBool::new(false), reader, writer: Mutex::new(Some(writer)) })
    }

    /// Ends the program for all its threads.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// A descriptor on which `poll` reports something once the program has ended.
    pub(crate) fn host_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
