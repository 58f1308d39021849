//! Interrupting a thread in compiled code, at any instruction: a signal to that thread, whose handler lets it go on in a stub that
//! saves every register below the guest's stack pointer and calls a hook there. When the hook returns, the thread goes on where
//! it was, as if nothing had happened. This is how Go preempts loops, and the signal is the one that Go uses, for the same reasons:
//! ignored by default, passed on by debuggers, and hardly used for what it is meant for.

use super::signals::{self, Registers};
use super::{fork, machine};
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use libc::{siginfo_t, ucontext_t};
use std::io;
use std::sync::OnceLock;

/// The signal: "urgent condition on a socket". Whoever has a handler for it is still called.
pub(super) const SIGNAL: c_int = libc::SIGURG;

/// What interrupts do.
#[derive(Clone, Copy, Debug)]
pub struct InterruptHooks {
    /// Whether an address is in code that may be interrupted. It is called by a signal handler: it may neither lock nor
    /// allocate.
    pub is_compiled: fn(pc: usize) -> bool,
    /// Called with where the code was and its frame pointer, on its stack, outside of the handler. It may return, or never.
    pub interrupted: unsafe extern "C" fn(pc: usize, fp: usize),
}

static HOOKS: OnceLock<InterruptHooks> = OnceLock::new();

/// Installs the hooks for the whole process. Later calls change nothing and must come with the same hooks.
///
/// # Safety
/// Where `is_compiled` says so, the stack pointer is in a stack with room for the registers (up to 12 KiB) and for `interrupted`, and
/// `interrupted` may be called between any two instructions.
///
/// # Errors
/// If the system refuses, or if there are other hooks.
pub unsafe fn install_interrupt_hooks(hooks: InterruptHooks) -> io::Result<()> {
    let installed = HOOKS.get_or_init(|| hooks);
    if !core::ptr::fn_addr_eq(installed.is_compiled, hooks.is_compiled)
        || !core::ptr::fn_addr_eq(installed.interrupted, hooks.interrupted)
    {
        return Err(io::Error::other("interrupts of compiled code have other hooks already"));
    }
    machine::prepare_interrupts();
    // Coming back from an interrupt may take a fault.
    signals::install_handlers()?;
    signals::install(SIGNAL, on_interrupt, signals::RESTARTING)
}

/// The handler.
unsafe extern "C" fn on_interrupt(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: these are the arguments of the handler.
    unsafe { signals::call_earlier(signal, info, context) };
    // SAFETY: the system calls a handler with these flags with a pointer to a context, which nobody else uses meanwhile.
    let context = unsafe { &mut *context.cast::<ucontext_t>() };
    let Registers { pc, .. } = machine::registers(context);
    if HOOKS.get().is_some_and(|hooks| (hooks.is_compiled)(pc)) {
        // SAFETY: `install_interrupt_hooks` was promised room on the stack.
        unsafe { machine::divert(context) };
    }
}

/// What the stub calls.
pub(super) unsafe extern "C" fn call_hook(pc: usize, fp: usize) {
    if let Some(hooks) = HOOKS.get() {
        // SAFETY: `install_interrupt_hooks` was promised that it may be called here.
        unsafe { (hooks.interrupted)(pc, fp) };
    }
}

thread_local! {
    /// This thread's number, or 0.
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

/// In a process that was copied: this thread has another number now.
pub(super) fn forget_thread_id() {
    THREAD.set(0);
}

/// This thread, as the system knows it as long as it runs: never 0. Later the system may give its number to another thread.
pub fn thread_id() -> u32 {
    // A variable without a destructor is there as long as the thread is.
    let mut thread = THREAD.get();
    if thread == 0 {
        // The number is forgotten when the process is copied.
        fork::generation();
        thread = rustix::thread::gettid().as_raw_pid().cast_unsigned();
        THREAD.set(thread);
    }
    thread
}

/// Sends a thread the signal. If it is in compiled code when that arrives, it calls the hook; otherwise nothing happens to it, except that
/// a system call may end early that cannot be restarted. Whether there is such a thread in this process: one that has ended is not
/// harmed, nor is another one that has its number now. May be called by a signal handler.
pub fn interrupt_thread(thread: u32) -> bool {
    let process = rustix::process::getpid().as_raw_pid();
    // SAFETY: sends a signal that has a handler, or is ignored by default.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, SIGNAL) == 0 }
}
