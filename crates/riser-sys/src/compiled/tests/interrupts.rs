//! Interrupts at any instruction.

#[cfg(target_arch = "x86_64")]
use super::guests::riser_sys_loops_wide;
use super::guests::{Landing, is_guest, riser_sys_hangs, riser_sys_loops};
use super::succeeds;
use crate::{
    Answer, Gate, InterruptHooks, Place, install_interrupt_hooks, interrupt_thread, prepare_thread,
    resume, thread_id,
};
use core::cell::Cell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

thread_local! {
    static LANDING: Cell<Landing> = const { Cell::new([0; 3]) };
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
}

static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
static ABANDONING: AtomicBool = AtomicBool::new(false);
static EARLIER: AtomicU64 = AtomicU64::new(0);

static AGAIN: AtomicU64 = AtomicU64::new(0);
static LATER: AtomicU64 = AtomicU64::new(0);
static GATE: Gate = Gate { mark: AtomicU32::new(0), inside: AtomicU32::new(1) };

/// What becomes of a thread: guests are always to be interrupted, and other handlers tell when they run.
fn stopped(place: &Place) -> Answer {
    if place.coming_back {
        AGAIN.fetch_add(1, Ordering::Relaxed);
        Answer::CallHook
    } else if is_guest(place.pc) {
        Answer::CallHook
    } else if IN_HANDLER.get() {
        LATER.fetch_add(1, Ordering::Relaxed);
        Answer::Later
    } else {
        Answer::GoOn
    }
}

/// What interrupts call: overwrites all it may, or leaves for good.
unsafe extern "C" fn interrupted(pc: usize, fp: usize) -> *const Gate {
    // Where a function begins or ends, the frame pointer is still or again that of its caller, which may use it for
    // something else.
    assert!(is_guest(pc), "{pc:x} {fp:x}");
    INTERRUPTED.fetch_add(1, Ordering::Relaxed);
    if ABANDONING.load(Ordering::Relaxed) {
        let [pc, sp, landing_fp] = LANDING.get();
        // The interrupt may come before the guest has its frame and its landing.
        if pc != 0 && landing_fp == fp {
            // SAFETY: the guest wrote where it can be resumed, and this frame has nothing to drop.
            unsafe { resume(pc, sp, fp, 500, 50) }
        }
    }
    clobber();
    &raw const GATE
}

fn clobber() {
    // SAFETY: says what it overwrites.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        if is_x86_feature_detected!("avx512f") {
            core::arch::asm!(
                "vpternlogd zmm0, zmm0, zmm0, 255",
                "vpternlogd zmm9, zmm9, zmm9, 255",
                "kxorw k1, k1, k1",
                "vpternlogd zmm15, zmm15, zmm15, 255",
                "vpternlogd zmm31, zmm31, zmm31, 255",
                "vzeroupper",
                clobber_abi("C")
            );
        }
        core::arch::asm!(
            "mov rax, -1",
            "mov rcx, -1",
            "mov rdx, -1",
            "mov rsi, -1",
            "mov rdi, -1",
            "mov r8, -1",
            "mov r9, -1",
            "mov r10, -1",
            "mov r11, -1",
            "pcmpeqd xmm0, xmm0",
            "pcmpeqd xmm1, xmm1",
            "pcmpeqd xmm2, xmm2",
            "pcmpeqd xmm7, xmm7",
            "pcmpeqd xmm8, xmm8",
            "pcmpeqd xmm14, xmm14",
            "pcmpeqd xmm15, xmm15",
            "cmp rax, 0",
            clobber_abi("C")
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!(
            "mov x0, #-1",
            "mov x1, #-1",
            "mov x8, #-1",
            "mov x9, #-1",
            "mov x10, #-1",
            "mov x16, #-1",
            "mov x17, #-1",
            "movi v0.16b, #255",
            "movi v1.16b, #255",
            "movi v7.16b, #255",
            "movi v16.16b, #255",
            "movi v31.16b, #255",
            "cmp x0, x0",
            clobber_abi("C")
        );
    }
}

fn install() {
    let hooks = InterruptHooks { stopped, interrupted };
    // SAFETY: guests run on a thread's stack, with room for all this.
    unsafe { install_interrupt_hooks(hooks).unwrap() };
    prepare_thread().unwrap();
}

pub(super) fn run(case: &str) {
    match case {
        "same-result" => same_result(),
        "abandoned" => abandoned(),
        "elsewhere" => elsewhere(),
        "in-handlers" => in_handlers(),
        other => panic!("no case {other}"),
    }
}

#[test]
fn interrupted_loops_compute_the_same() {
    println!("{}", succeeds("interrupts/same-result"));
}

/// A computation with as many registers as there are.
fn compute(rounds: u64) -> [u64; 2] {
    // SAFETY: guests that only compute, with instructions that this machine has.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            return [riser_sys_loops(rounds), riser_sys_loops_wide(rounds)];
        }
        [riser_sys_loops(rounds), 0]
    }
}

/// How long to try: `RISER_RACE_SECONDS`, or one second.
fn same_result() {
    let seconds = std::env::var("RISER_RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    install();
    let rounds = if cfg!(target_arch = "x86_64") { 20_000 } else { 2_000 };
    let expected = compute(rounds);
    let done = AtomicBool::new(false);
    let (sender, receiver) = channel();
    let (mut runs, mut sent) = (0, 0u64);
    std::thread::scope(|scope| {
        let done = &done;
        let guest = scope.spawn(move || {
            prepare_thread().unwrap();
            sender.send(thread_id()).unwrap();
            let mut runs = 0;
            while !done.load(Ordering::Relaxed) || runs == 0 {
                assert_eq!(compute(rounds), expected, "run {runs}");
                runs += 1;
            }
            runs
        });
        let thread = receiver.recv().unwrap();
        let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(1));
        while Instant::now() < end && !guest.is_finished() {
            assert!(interrupt_thread(thread) || guest.is_finished());
            sent += 1;
            (0..sent % 512).for_each(|_| core::hint::spin_loop());
        }
        done.store(true, Ordering::Relaxed);
        runs = guest.join().unwrap();
    });
    let interrupted = INTERRUPTED.load(Ordering::Relaxed);
    let again = AGAIN.load(Ordering::Relaxed);
    println!(
        "{runs} runs, {sent} signals, {interrupted} interrupts, {again} of them on the way back"
    );
    assert!(interrupted > 0);
}

#[test]
fn a_guest_that_hangs_is_left() {
    succeeds("interrupts/abandoned");
}

fn abandoned() {
    install();
    ABANDONING.store(true, Ordering::Relaxed);
    let main = thread_id();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_micros(200));
                interrupt_thread(main);
            }
        });
        for _ in 0..200 {
            LANDING.set([0; 3]);
            // SAFETY: a guest that only hangs, and is resumed.
            let result = LANDING.with(|landing| unsafe { riser_sys_hangs(landing.as_ptr()) });
            assert_eq!(result, 600);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn interrupts_in_other_handlers_wait_for_their_end() {
    succeeds("interrupts/in-handlers");
}

unsafe extern "C" fn interrupts_itself(_: c_int) {
    IN_HANDLER.set(true);
    let before = INTERRUPTED.load(Ordering::Relaxed);
    assert!(interrupt_thread(thread_id()));
    (0..1000).for_each(|_| core::hint::spin_loop());
    assert_eq!(INTERRUPTED.load(Ordering::Relaxed), before);
    IN_HANDLER.set(false);
}

/// Handlers on the guest's stack and on one of their own.
fn in_handlers() {
    install();
    for flags in [0, libc::SA_ONSTACK] {
        // SAFETY: zeros are an action; the handler has no other flags.
        unsafe {
            let mut action: libc::sigaction = core::mem::zeroed();
            action.sa_sigaction = (interrupts_itself as *const ()).expose_provenance();
            action.sa_flags = flags;
            assert_eq!(libc::sigaction(libc::SIGUSR1, &action, core::ptr::null_mut()), 0);
        }
        let rounds = if cfg!(target_arch = "x86_64") { 20_000 } else { 2_000 };
        let expected = compute(rounds);
        let (main, done) = (thread_id().cast_signed(), AtomicBool::new(false));
        let (interrupted, later) = (&INTERRUPTED, &LATER);
        let before = [interrupted, later].map(|count| count.load(Ordering::Relaxed));
        let enough = || {
            let now = [interrupted, later].map(|count| count.load(Ordering::Relaxed));
            now[0] > before[0] + 100 && now[1] > before[1] + 100
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_micros(50));
                    // SAFETY: sends a signal that has a handler.
                    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), main, libc::SIGUSR1) };
                }
            });
            let end = Instant::now() + Duration::from_secs(20);
            while !enough() && Instant::now() < end {
                assert_eq!(compute(rounds), expected);
            }
            done.store(true, Ordering::Relaxed);
        });
        // Nobody else sends interrupts: those that arrived in guests have waited in handlers.
        assert!(enough(), "{flags}");
    }
}

#[test]
fn interrupts_elsewhere_change_nothing() {
    succeeds("interrupts/elsewhere");
}

unsafe extern "C" fn earlier(_: c_int) {
    EARLIER.fetch_add(1, Ordering::Relaxed);
}

fn elsewhere() {
    // SAFETY: zeros are an action; the handler has no flags.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = (earlier as *const ()).expose_provenance();
        assert_eq!(libc::sigaction(libc::SIGURG, &action, core::ptr::null_mut()), 0);
    }
    install();
    install();
    assert!(interrupt_thread(thread_id()));
    assert_eq!((EARLIER.load(Ordering::Relaxed), INTERRUPTED.load(Ordering::Relaxed)), (1, 0));
    // A thread that has ended: nobody is interrupted, whether its number is used again or not.
    let ended = std::thread::spawn(thread_id).join().unwrap();
    std::thread::sleep(Duration::from_millis(10));
    interrupt_thread(ended);
    assert_eq!(INTERRUPTED.load(Ordering::Relaxed), 0);
    assert_ne!(ended, thread_id());
}
