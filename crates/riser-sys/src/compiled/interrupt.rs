//! Interrupting a thread in compiled code, at any instruction: a signal to that thread, whose handler lets it go on in a stub that
//! saves every register below the guest's stack pointer and calls a hook there. When the hook returns, the thread goes on where
//! it was, as if nothing had happened. A signal that arrives while the thread comes back from such a call, past its last look at the mark, makes it call the
//! hook again; one that arrives in the handler of another signal waits until that returns. So none is lost. This is how Go preempts loops, and the signal is the one that Go uses, for the same reasons:
//! ignored by default, passed on by debuggers, and hardly used for what it is meant for.

use super::{fork, machine, signals};
use crate::{Answer, Gate, InterruptHooks};
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use libc::{siginfo_t, ucontext_t};
use std::io;
use std::sync::OnceLock;

/// The signal: "urgent condition on a socket". Whoever has a handler for it is still called.
pub(super) const SIGNAL: c_int = libc::SIGURG;

static HOOKS: OnceLock<InterruptHooks> = OnceLock::new();

/// Installs the hooks for the whole process. Later calls change nothing and must come with the same hooks.
///
/// # Safety
/// Where `stopped` says so, the stack pointer is in a stack with room for the registers (up to 12 KiB) and for `interrupted`, and
/// `interrupted` may be called between any two instructions; addresses of `Answer::GoTo` are of code with which the thread can go on. Gates live as
/// long as control is in their code.
///
/// # Errors
/// If the system refuses, or if there are other hooks.
pub unsafe fn install_interrupt_hooks(hooks: InterruptHooks) -> io::Result<()> {
    let installed = HOOKS.get_or_init(|| hooks);
    if !core::ptr::fn_addr_eq(installed.stopped, hooks.stopped)
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
    let Some(hooks) = HOOKS.get() else { return };
    // SAFETY: the context is that of a signal.
    unsafe { machine::finish(context) };
    let mut place = machine::place(context);
    place.coming_back = machine::is_coming_back(place.pc);
    match (hooks.stopped)(&place) {
        Answer::GoOn => {}
        Answer::CallHook if place.coming_back => machine::set_pc(context, machine::again()),
        // SAFETY: `install_interrupt_hooks` was promised room on the stack.
        Answer::CallHook => unsafe { machine::divert(context) },
        Answer::GoTo(pc) => machine::set_pc(context, pc),
        Answer::Later => later(context),
    }
}

/// Lets the signal wait until the handler that it has stopped returns: that restores the mask which code has, and then the signal arrives.
fn later(context: &mut ucontext_t) {
    interrupt_thread(thread_id());
    // SAFETY: the mask is in the context, which nobody else uses meanwhile.
    unsafe { libc::sigaddset(&mut context.uc_sigmask, SIGNAL) };
}

/// What the stub calls.
pub(super) unsafe extern "C" fn call_hook(pc: usize, fp: usize) -> *const Gate {
    let Some(hooks) = HOOKS.get() else { std::process::abort() };
    // SAFETY: `install_interrupt_hooks` was promised that it may be called here.
    unsafe { (hooks.interrupted)(pc, fp) }
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
