//! For tests: handlers of a signal that has nothing to do with code, as programs have them that embed it.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use std::io;
use std::sync::OnceLock;

const SIGNAL: c_int = libc::SIGUSR1;

static HANDLER: OnceLock<fn()> = OnceLock::new();

unsafe extern "C" fn handle(_: c_int) {
    if let Some(handler) = HANDLER.get() {
        handler();
    }
}

/// Calls a function, always the same, in a handler of `SIGUSR1`: on the stack that is interrupted, or on one for handlers.
///
/// # Errors
/// If the system refuses.
#[doc(hidden)]
pub fn handle_user_signal(handler: fn(), on_own_stack: bool) -> io::Result<()> {
    HANDLER.get_or_init(|| handler);
    // SAFETY: all fields of an action are numbers or an absent function: zeros are a value.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = (handle as *const ()).expose_provenance();
    action.sa_flags = libc::SA_RESTART | if on_own_stack { libc::SA_ONSTACK } else { 0 };
    // SAFETY: the handler has the signature that its flags announce, and is for tests to fill.
    match unsafe { libc::sigaction(SIGNAL, &action, core::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends a thread of this process that signal.
#[doc(hidden)]
pub fn send_user_signal(thread: u32) {
    let process = rustix::process::getpid().as_raw_pid();
    // SAFETY: sends a signal; who sends it without a handler wants this process to end.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, SIGNAL) };
}
