//! Faults of compiled code. The handlers are those of the process, installed once: a fault where the hook
//! knows the code is redirected, any other goes on to whoever had the signal before.

use super::interrupt;
use super::machine;
use crate::Place;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};
use libc::{SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL, SIG_IGN};
use libc::{sigaction, siginfo_t, ucontext_t};
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Where a thread goes on after a fault: in an `extern "C"` function that never returns, on the stack on which it was, with the frame
/// pointer that it had.
#[derive(Clone, Copy, Debug)]
pub struct Redirect {
    /// The function's address, exposed.
    pub pc: usize,
    /// Its arguments.
    pub args: [usize; 4],
}

/// Says where a thread goes on that faulted in compiled code; nothing if the fault is none of ours. The arguments are the
/// address of the instruction, the frame pointer, the stack pointer, and what the system says about the address that could
/// not be accessed (only a hint: 0 for some kinds of faults). It is called by a signal handler: it may neither lock nor allocate.
pub type FaultHook = fn(pc: usize, fp: usize, sp: usize, address: usize) -> Option<Redirect>;

/// The signals of faults. Undefined instructions are traps of compiled code, divisions by zero raise one on x86.
const FAULTS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// Another signal's number can be found among all of them.
const HANDLED: [c_int; 5] = [FAULTS[0], FAULTS[1], FAULTS[2], FAULTS[3], interrupt::SIGNAL];

/// Who had a signal before.
struct Previous {
    action: OnceLock<sigaction>,
    /// It was to be called once only, and has been.
    over: AtomicBool,
}

static PREVIOUS: [Previous; 5] =
    [const { Previous { action: OnceLock::new(), over: AtomicBool::new(false) } }; 5];

static HOOK: OnceLock<FaultHook> = OnceLock::new();

static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs the hook for the whole process. Later calls change nothing and must come with the same hook.
///
/// # Safety
/// If the hook redirects a fault, the thread's stack has room for the function, which may be called with these
/// arguments on top of the code that faulted.
///
/// # Errors
/// If the system refuses, or if there is another hook.
pub unsafe fn install_fault_hook(hook: FaultHook) -> io::Result<()> {
    let installed = *HOOK.get_or_init(|| hook);
    if !core::ptr::fn_addr_eq(installed, hook) {
        return Err(io::Error::other("faults of compiled code have another hook already"));
    }
    install_handlers()
}

/// Installs the handlers of faults.
pub(super) fn install_handlers() -> io::Result<()> {
    FAULTS.iter().try_for_each(|&signal| install(signal, on_fault, 0))
}

/// Installs a handler, unless ours is there already, and keeps what was there.
pub(super) fn install(
    signal: c_int,
    handler: unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void),
    flags: c_int,
) -> io::Result<()> {
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(previous) = previous(signal) else { return Err(io::ErrorKind::Unsupported.into()) };
    if previous.action.get().is_some() {
        return Ok(());
    }
    let mut action = empty_action();
    action.sa_sigaction = (handler as *const ()).expose_provenance();
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
    // Where a fault's handler lets the thread go on, a signal that came meanwhile arrives.
    // SAFETY: the mask is a local.
    unsafe { libc::sigaddset(&mut action.sa_mask, interrupt::SIGNAL) };
    // What was there is kept before a signal can arrive that asks for it.
    let mut before = empty_action();
    // SAFETY: reads the action of a signal into a local.
    if unsafe { libc::sigaction(signal, core::ptr::null(), &mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let _ = previous.action.set(before);
    // SAFETY: the handler has the signature that its flags announce, and does only what handlers may do.
    if unsafe { libc::sigaction(signal, &action, core::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn previous(signal: c_int) -> Option<&'static Previous> {
    PREVIOUS.get(HANDLED.iter().position(|&handled| handled == signal)?)
}

/// The default action, with an empty mask.
fn empty_action() -> sigaction {
    // SAFETY: all its fields are numbers or an absent function: zeros are a value.
    let mut action: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = SIG_DFL;
    // SAFETY: the mask is a local.
    unsafe { libc::sigemptyset(&mut action.sa_mask) };
    action
}

/// The handler of faults.
unsafe extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system calls a handler with these flags with pointers to both, which nobody else uses meanwhile.
    let (code, address, machine) =
        unsafe { ((*info).si_code, (*info).si_addr().addr(), &mut *context.cast::<ucontext_t>()) };
    // What some process has sent is no fault, wherever it arrives.
    if code > 0 {
        // SAFETY: the context is that of a fault.
        if unsafe { machine::come_back(machine) } {
            return;
        }
        let Place { pc, sp, fp, .. } = machine::place(machine);
        if let Some(hook) = HOOK.get()
            && let Some(Redirect { pc, args }) = hook(pc, fp, sp, address)
        {
            // SAFETY: `install_fault_hook` was promised what this asks for.
            unsafe { machine::redirect(machine, pc, args) };
            return;
        }
    }
    // SAFETY: these are the arguments of the handler.
    unsafe { pass_on(signal, info, context) };
}

/// Does what would have happened to a fault without us.
///
/// # Safety
/// The arguments are those of a handler of this signal.
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: as in the handler.
    let sent = unsafe { (*info).si_code } <= 0;
    match earlier_action(signal) {
        Some(action) if action.sa_sigaction != SIG_DFL && action.sa_sigaction != SIG_IGN => {
            // SAFETY: passed on.
            unsafe { call_handler(&action, signal, info, context) };
        }
        Some(action) if action.sa_sigaction == SIG_IGN && sent => {}
        // A fault that is ignored ends the process, as one that nobody handles: it repeats when this handler returns. What was sent
        // does not repeat; it is sent again, and arrives when this handler returns.
        _ => {
            // SAFETY: sets the default action, and sends a signal that the process expects.
            unsafe {
                libc::sigaction(signal, &empty_action(), core::ptr::null_mut());
                if sent {
                    libc::raise(signal);
                }
            }
        }
    }
}

/// Calls whoever handled this signal before us, if anybody did.
///
/// # Safety
/// The arguments are those of a handler of this signal.
pub(super) unsafe fn call_earlier(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    if let Some(action) = earlier_action(signal)
        && action.sa_sigaction != SIG_DFL
        && action.sa_sigaction != SIG_IGN
    {
        // SAFETY: passed on.
        unsafe { call_handler(&action, signal, info, context) };
    }
}

fn earlier_action(signal: c_int) -> Option<sigaction> {
    let previous = previous(signal)?;
    let action = *previous.action.get()?;
    let once = action.sa_flags & SA_RESETHAND != 0;
    if once && previous.over.swap(true, Ordering::Relaxed) {
        return Some(empty_action());
    }
    Some(action)
}

/// Calls somebody else's handler with the signals blocked that it asked for.
///
/// # Safety
/// The action has a handler, and the other arguments are those of a handler of this signal.
unsafe fn call_handler(
    action: &sigaction,
    signal: c_int,
    info: *mut siginfo_t,
    context: *mut c_void,
) {
    let handler: *const () = core::ptr::with_exposed_provenance(action.sa_sigaction);
    // SAFETY: whoever installed the handler says by the flags which kind it is. The mask is restored when the signal
    // returns.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, &action.sa_mask, core::ptr::null_mut());
        if action.sa_flags & SA_NODEFER != 0 {
            let mut this = empty_action().sa_mask;
            libc::sigaddset(&mut this, signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &this, core::ptr::null_mut());
        }
        if action.sa_flags & SA_SIGINFO != 0 {
            type Handler = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
            core::mem::transmute::<*const (), Handler>(handler)(signal, info, context);
        } else {
            core::mem::transmute::<*const (), unsafe extern "C" fn(c_int)>(handler)(signal);
        }
    }
}

/// A handler that lets system calls go on.
pub(super) const RESTARTING: c_int = SA_RESTART;

/// The stack of handlers must be at least so large, besides what the system writes to it: the standard library's 8 KiB
/// are little for a hook in an unoptimized build.
const HANDLER_STACK_BYTES: usize = 64 << 10;

/// A thread's stack for handlers, if it is ours.
struct HandlerStack {
    base: Cell<*mut c_void>,
    bytes: Cell<usize>,
    prepared: Cell<bool>,
}

thread_local! {
    static HANDLER_STACK: HandlerStack = const {
        HandlerStack { base: Cell::new(core::ptr::null_mut()), bytes: Cell::new(0), prepared: Cell::new(false) }
    };

    /// This thread's number once it is prepared, as long as it is; else 0.
    static PREPARED: Cell<u32> = const { Cell::new(0) };
}

/// Prepares this thread to run compiled code: handlers get a stack of their own, unless they have one that is large enough, and the signals
/// are not blocked. Gives the thread's number ([`thread_id`](super::thread_id)). Cheap when it has been done before.
///
/// # Errors
/// If the system refuses, or if the thread is about to end.
#[inline]
pub fn prepare_thread() -> io::Result<u32> {
    match PREPARED.get() {
        0 => prepare_now(),
        thread => Ok(thread),
    }
}

#[cold]
fn prepare_now() -> io::Result<u32> {
    let prepare =
        |stack: &HandlerStack| if stack.prepared.get() { Ok(()) } else { stack.prepare() };
    let prepared = HANDLER_STACK.try_with(prepare);
    prepared.map_err(|_| io::Error::other("the thread is about to end"))??;
    let thread = super::thread_id();
    PREPARED.set(thread);
    Ok(thread)
}

/// In a process that was copied: this thread has another number now.
pub(super) fn forget_prepared_thread() {
    PREPARED.set(0);
}

impl HandlerStack {
    #[cold]
    fn prepare(&self) -> io::Result<()> {
        let mut mask = empty_action().sa_mask;
        for signal in HANDLED {
            // SAFETY: the mask is a local.
            unsafe { libc::sigaddset(&mut mask, signal) };
        }
        // SAFETY: unblocks signals of this thread, which concerns no memory.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &mask, core::ptr::null_mut()) };
        let stack = current_handler_stack()?;
        if stack.ss_flags & libc::SS_DISABLE != 0 || stack.ss_size < HANDLER_STACK_BYTES {
            self.install()?;
        }
        self.prepared.set(true);
        Ok(())
    }

    fn install(&self) -> io::Result<()> {
        let page = rustix::param::page_size();
        // SAFETY: reads a number.
        let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let usable = (frame + HANDLER_STACK_BYTES).next_multiple_of(page);
        let bytes = usable + page;
        let (none, private) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address that the system chooses; all but its first page is made accessible, and the
        // system is told of that part, which stays until `drop` takes it back.
        unsafe {
            let base = libc::mmap(
                core::ptr::null_mut(),
                bytes,
                none,
                private | libc::MAP_NORESERVE,
                -1,
                0,
            );
            if base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            self.base.set(base);
            self.bytes.set(bytes);
            let start = base.wrapping_byte_add(page);
            if libc::mprotect(start, usable, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                return Err(io::Error::last_os_error());
            }
            let stack = libc::stack_t { ss_sp: start, ss_flags: 0, ss_size: usable };
            if libc::sigaltstack(&stack, core::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

fn current_handler_stack() -> io::Result<libc::stack_t> {
    let mut stack = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: writes to a local.
    if unsafe { libc::sigaltstack(core::ptr::null(), &mut stack) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(stack)
}

impl Drop for HandlerStack {
    fn drop(&mut self) {
        PREPARED.set(0);
        let (base, bytes) = (self.base.get(), self.bytes.get());
        if base.is_null() {
            return;
        }
        let ours = base.addr()..base.addr() + bytes;
        if current_handler_stack().is_ok_and(|stack| ours.contains(&stack.ss_sp.addr())) {
            let none = libc::stack_t {
                ss_sp: core::ptr::null_mut(),
                ss_flags: libc::SS_DISABLE,
                ss_size: 0,
            };
            // SAFETY: the thread ends, and runs on its own stack now.
            unsafe { libc::sigaltstack(&none, core::ptr::null_mut()) };
        }
        // SAFETY: exactly what `install` mapped, and the system does not know of it any more.
        unsafe { libc::munmap(base, bytes) };
    }
}
