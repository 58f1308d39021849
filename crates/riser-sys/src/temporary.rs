//! Temporary.
#![allow(missing_docs)]
use std::sync::OnceLock;

#[derive(Clone, Copy, Debug)]
pub struct Redirect { pub pc: usize, pub args: [usize; 4] }
pub type Hook = fn(usize, usize, usize, usize) -> Option<Redirect>;
static HOOK: OnceLock<Hook> = OnceLock::new();
#[derive(Debug)]
pub struct SignalError;
impl core::fmt::Display for SignalError { fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { Ok(()) } }
impl core::error::Error for SignalError {}
unsafe extern "C" fn handler(_: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: temporary.
    unsafe {
        let context = &mut *context.cast::<libc::ucontext_t>();
        let regs = &mut context.uc_mcontext.gregs;
        let (pc, fp, sp) = (regs[libc::REG_RIP as usize] as usize, regs[libc::REG_RBP as usize] as usize, regs[libc::REG_RSP as usize] as usize);
        match HOOK.get().and_then(|hook| hook(pc, fp, sp, (*info).si_addr().addr())) {
            Some(to) => {
                regs[libc::REG_RIP as usize] = to.pc as i64;
                regs[libc::REG_RSP as usize] = (((sp - 128) & !15) - 8) as i64;
                regs[libc::REG_RDI as usize] = to.args[0] as i64;
                regs[libc::REG_RSI as usize] = to.args[1] as i64;
                regs[libc::REG_RDX as usize] = to.args[2] as i64;
                regs[libc::REG_RCX as usize] = to.args[3] as i64;
            }
            None => { for s in [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, libc::SIGBUS] { libc::signal(s, libc::SIG_DFL); } }
        }
    }
}
pub fn install_fault_hook(hook: Hook) -> Result<(), SignalError> {
    if HOOK.set(hook).is_ok() {
        // SAFETY: temporary.
        unsafe {
            let mut action: libc::sigaction = core::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            for s in [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, libc::SIGBUS] { libc::sigaction(s, &action, core::ptr::null_mut()); }
        }
    }
    Ok(())
}

pub fn thread_id() -> u32 { 1 }
pub fn interrupt_thread(_: u32) {}
