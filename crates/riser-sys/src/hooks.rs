//! How the handler of interrupts (`compiled/interrupt.rs`) and whoever knows the code speak to each other.

use core::sync::atomic::AtomicU32;

/// What a thread looks at on its way back to code.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Gate {
    /// Not 0 if code is to be interrupted.
    pub mark: AtomicU32,
    /// Not 0 if control is in code, or on its way there and past the look at the mark.
    pub inside: AtomicU32,
}

/// Where a thread is that was stopped by a signal.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The address of the next instruction.
    pub pc: usize,
    /// The frame pointer.
    pub fp: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The register that has the return address where a function begins, on machines that have one.
    pub link: usize,
    /// Whether the thread comes back from an interrupt, past the look at the mark; for the rest it is then where it was.
    pub coming_back: bool,
}

impl Place {
    /// Where the caller goes on, if the next instruction is the first of a function.
    ///
    /// # Safety
    /// It is.
    pub unsafe fn return_address(&self) -> usize {
        if cfg!(target_arch = "x86_64") {
            // SAFETY: a call has just written it there.
            unsafe { core::ptr::with_exposed_provenance::<usize>(self.sp).read() }
        } else {
            self.link
        }
    }
}

/// What becomes of a thread that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It goes on: it is not wanted, or it will look at the mark before it goes to code.
    GoOn,
    /// It calls the hook, and goes on afterwards where it was.
    CallHook,
    /// It goes on at another instruction.
    GoTo(usize),
    /// It is in the handler of another signal, which stopped code: it is asked again when that handler has returned.
    Later,
}

/// What interrupts do.
#[derive(Clone, Copy, Debug)]
pub struct InterruptHooks {
    /// What becomes of a thread. It is called by a signal handler: it may neither lock nor allocate. Before it says
    /// [`Answer::CallHook`] it has noted that control is not in code.
    pub stopped: fn(&Place) -> Answer,
    /// Called with where the code was and its frame pointer, on its stack, outside of the handler. It may return, or never. When it has returned
    /// its gate, the thread passes that: it notes that control is in code, looks at the mark, and calls the hook
    /// again if there is one.
    pub interrupted: unsafe extern "C" fn(pc: usize, fp: usize) -> *const Gate,
}
