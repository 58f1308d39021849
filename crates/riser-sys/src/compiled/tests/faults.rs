//! Faults of ours and of others.

use super::guests::{Landing, is_guest, riser_sys_faults};
use super::{dies, exits, succeeds};
use crate::{
    MachineStack, Redirect, Region, call_on_stack, install_fault_hook, prepare_thread, resume,
};
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static LANDING: Cell<Landing> = const { Cell::new([0; 3]) };
}

/// The hook of the tests: faults of guests are ours.
fn hook(pc: usize, fp: usize, sp: usize, address: usize) -> Option<Redirect> {
    let landed = (landed as *const ()).expose_provenance();
    is_guest(pc).then_some(Redirect { pc: landed, args: [pc, address, fp, sp] })
}

/// Where guests go on after a fault: back to their landing, with the address of the fault and 1.
unsafe extern "C" fn landed(pc: usize, address: usize, fp: usize, sp: usize) -> ! {
    let [landing_pc, landing_sp, landing_fp] = LANDING.get();
    assert!(is_guest(pc) && fp == landing_fp && sp == landing_sp, "{pc:x} {fp:x} {sp:x}");
    // The frames below can be walked from here, and vectors may be used.
    let mut local = 0u128;
    assert_eq!((&raw mut local).addr() % 16, 0);
    // SAFETY: the guest wrote where it can be resumed, and this frame has nothing to drop.
    unsafe { resume(landing_pc, landing_sp, landing_fp, address, 1) }
}

/// Runs the guest: what it returns.
fn faults(address: usize, kind: u32) -> u64 {
    LANDING.with(|landing| {
        // SAFETY: a guest may fault, and is then resumed.
        unsafe {
            riser_sys_faults(landing.as_ptr(), core::ptr::with_exposed_provenance(address), kind)
        }
    })
}

fn install() {
    // SAFETY: guests run on stacks with room for `landed`.
    unsafe { install_fault_hook(hook).unwrap() };
    prepare_thread().unwrap();
}

pub(super) fn run(case: &str) {
    match case {
        "redirected" => redirected(),
        "machine-stack" => on_a_machine_stack(),
        "foreign-thread" => on_a_foreign_thread(),
        "many-threads" => on_many_threads(),
        "own-handler-stack" => keeps_handler_stacks(),
        "segv" => other(0),
        "ill" => other(1),
        "fpe" => other(2),
        "two-hooks" => two_hooks(),
        "previous-siginfo" => previous(with_info as *const (), libc::SA_SIGINFO),
        "previous-plain" => previous(plain as *const (), libc::SA_NODEFER),
        "previous-once" => previous(returns as *const (), libc::SA_RESETHAND),
        "ignored-sent" => sent(libc::SIG_IGN),
        "default-sent" => sent(libc::SIG_DFL),
        "ignored-fault" => ignored(),
        other => panic!("no case {other}"),
    }
}

#[test]
fn faults_of_guests_are_redirected() {
    succeeds("faults/redirected");
}

fn redirected() {
    install();
    install();
    let mut region = Region::guarded(64 << 10, 1 << 32, (1 << 32) + (32 << 20), None).unwrap();
    let base = region.base().expose_provenance();
    // SAFETY: the region has so many bytes.
    unsafe { region.base().add(65_535).write(200) };
    for _ in 0..1_000 {
        assert_eq!(faults(base + 65_535, 0), 200);
        assert_eq!(faults(base + 65_536, 0), (base + 65_536) as u64 + 2);
        let last = base + (1 << 32) + (32 << 20) - 1;
        assert_eq!(faults(last, 0), last as u64 + 2);
        assert_eq!(faults(16, 0), 18);
    }
    // What is known of the address of an undefined instruction is the instruction's.
    assert!(faults(0, 1) > 2);
    if cfg!(target_arch = "x86_64") {
        assert!(faults(0, 2) > 2);
    }
    region.grow(128 << 10).unwrap();
    assert_eq!((region.base().addr(), faults(base + 65_536, 0)), (base, 0));
    assert_eq!(faults(base + 131_072, 0), (base + 131_072) as u64 + 2);
}

#[test]
fn faults_on_other_stacks_and_threads_are_redirected() {
    succeeds("faults/machine-stack");
    succeeds("faults/foreign-thread");
}

unsafe extern "C" fn faults_here(_: *mut u8, _: *const u8, seen: *mut u64) -> u32 {
    let result = faults(16, 0);
    // SAFETY: the caller gives room for a number.
    unsafe { *seen = LANDING.get()[1] as u64 };
    result as u32
}

fn on_a_machine_stack() {
    install();
    let stack = MachineStack::new(64 << 10, 64 << 10).unwrap();
    let mut seen = 0;
    // SAFETY: nobody else uses the stack.
    let result = unsafe {
        let (a, b) = (core::ptr::null_mut(), core::ptr::null());
        call_on_stack(stack.top(), faults_here, a, b, &mut seen)
    };
    assert_eq!(result, 18);
    assert!((stack.limit().addr()..stack.top().addr()).contains(&(seen as usize)));
}

extern "C" fn foreign(_: *mut c_void) -> *mut c_void {
    prepare_thread().unwrap();
    core::ptr::without_provenance_mut(faults(16, 0) as usize)
}

fn on_a_foreign_thread() {
    install();
    let mut thread = 0;
    let mut result = core::ptr::null_mut();
    // SAFETY: the thread runs a function that ends, and is waited for.
    unsafe {
        let none = core::ptr::null_mut();
        assert_eq!(libc::pthread_create(&mut thread, core::ptr::null(), foreign, none), 0);
        assert_eq!(libc::pthread_join(thread, &mut result), 0);
    }
    assert_eq!(result.addr(), 18);
}

#[test]
fn stacks_of_handlers_go_with_their_threads() {
    succeeds("faults/many-threads");
    succeeds("faults/own-handler-stack");
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

fn on_many_threads() {
    install();
    let run = || std::thread::spawn(|| (prepare_thread().unwrap(), faults(16, 0))).join().unwrap();
    (0..10).for_each(|_| assert_eq!(run().1, 18));
    let before = mappings();
    (0..300).for_each(|_| assert_eq!(run().1, 18));
    assert!(mappings() < before + 20, "{before} {}", mappings());
}

fn handler_stack() -> (usize, usize, c_int) {
    let mut stack = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: writes to a local.
    unsafe { libc::sigaltstack(core::ptr::null(), &mut stack) };
    (stack.ss_sp.addr(), stack.ss_size, stack.ss_flags)
}

fn keeps_handler_stacks() {
    let memory = vec![0u8; 256 << 10].leak();
    let stack =
        libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
    // SAFETY: the memory is never freed.
    unsafe { libc::sigaltstack(&stack, core::ptr::null_mut()) };
    install();
    assert_eq!(handler_stack(), (memory.as_ptr().addr(), 256 << 10, 0));
    assert_eq!(faults(16, 0), 18);
    let ours = std::thread::spawn(|| {
        prepare_thread().unwrap();
        handler_stack()
    });
    assert!(ours.join().unwrap().1 >= 64 << 10);
}

#[test]
fn faults_of_others_end_the_process_as_ever() {
    dies("faults/segv", libc::SIGSEGV);
    dies("faults/ill", libc::SIGILL);
    if cfg!(target_arch = "x86_64") {
        dies("faults/fpe", libc::SIGFPE);
    }
    dies("faults/ignored-fault", libc::SIGSEGV);
    dies("faults/default-sent", libc::SIGFPE);
    exits("faults/ignored-sent", 44);
}

/// A fault outside of guests.
fn other(kind: u32) {
    install();
    fault_elsewhere(kind);
}

fn fault_elsewhere(kind: u32) {
    // SAFETY: none: this is to end the process.
    unsafe {
        match kind {
            0 => drop(core::ptr::without_provenance::<u8>(16).read_volatile()),
            #[cfg(target_arch = "x86_64")]
            1 => core::arch::asm!("ud2"),
            #[cfg(target_arch = "x86_64")]
            _ => core::arch::asm!("div {0:e}", in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _),
            #[cfg(not(target_arch = "x86_64"))]
            _ => core::arch::asm!("udf #0"),
        }
    }
    println!("the fault had no effect");
}

fn set_action(signal: c_int, handler: usize, flags: c_int) {
    // SAFETY: zeros are an action, whose handler and flags the cases match.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(signal, &action, core::ptr::null_mut()), 0);
    }
}

fn sent(action: usize) {
    set_action(libc::SIGFPE, action, 0);
    install();
    // SAFETY: sends a signal to this thread.
    unsafe { libc::raise(libc::SIGFPE) };
    std::process::exit(44);
}

fn ignored() {
    set_action(libc::SIGSEGV, libc::SIG_IGN, 0);
    other(0);
}

#[test]
fn earlier_handlers_are_called() {
    exits("faults/previous-siginfo", 42);
    exits("faults/previous-plain", 43);
    dies("faults/previous-once", libc::SIGSEGV);
    succeeds("faults/two-hooks");
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn with_info(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: as in every handler of this kind; then the process ends.
    unsafe {
        let address = (*info).si_addr().addr();
        let good = signal == libc::SIGSEGV && address == 16 && !context.is_null();
        libc::_exit(if good { 42 } else { 1 });
    }
}

unsafe extern "C" fn plain(signal: c_int) {
    let blocked = |signal| {
        // SAFETY: reads the mask into a local.
        unsafe {
            let mut mask = core::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, core::ptr::null(), &mut mask);
            libc::sigismember(&mask, signal) == 1
        }
    };
    // The handler asked for not being blocked.
    let good = signal == libc::SIGSEGV && !blocked(signal);
    // SAFETY: ends the process.
    unsafe { libc::_exit(if good { 43 } else { 1 }) };
}

unsafe extern "C" fn returns(_: c_int) {
    if CALLS.fetch_add(1, Ordering::Relaxed) > 0 {
        // SAFETY: ends the process.
        unsafe { libc::_exit(1) };
    }
}

fn previous(handler: *const (), flags: c_int) {
    set_action(libc::SIGSEGV, handler.expose_provenance(), flags);
    install();
    assert_eq!(faults(32, 0), 34);
    fault_elsewhere(0);
}

fn two_hooks() {
    fn other_hook(_: usize, _: usize, _: usize, _: usize) -> Option<Redirect> {
        core::hint::black_box(None)
    }
    install();
    // SAFETY: the hook redirects nothing.
    assert!(unsafe { install_fault_hook(other_hook) }.is_err());
}
