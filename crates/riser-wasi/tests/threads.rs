//! Programs with threads: what they share, and how they end.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::Scratch;
use riser::{Config, Engine, Error, Linker, Module, Result, Store, Trap};
use riser_wasi::threads::{WasiThreads, is_threaded};
use riser_wasi::{I32Exit, InputFile, MemoryOutputPipe, OutputFile, WasiCtx, WasiCtxBuilder};

/// What every program here begins with. Address 0 counts threads that have begun to block, 4 is never notified,
/// 64 has an `iovec` of one byte at 128, and one of a megabyte follows. At 256 is a subscription to standard input, and
/// behind it one to a clock that rings in an hour.
const PRELUDE: &str = r#"
    (import "env" "memory" (memory 18 18 shared))
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
    (export "memory" (memory 0))
    (data (i32.const 64) "\80\00\00\00\01\00\00\00\00\00\01\00\00\00\10\00")
    (data (i32.const 264) "\01")
    (data (i32.const 304) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\a0\b8\30\46\03\00\00")
    (func $begin (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
    (func $await (param $count i32)
        (loop $again
            (br_if $again (i32.lt_u (i32.atomic.load (i32.const 0)) (local.get $count)))))
    (func $wait (drop (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const -1))))
    (func $spin (loop $again (br $again)))
    (func $print (param $byte i32)
        (i32.atomic.store8 (i32.const 128) (local.get $byte))
        (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 32))))
"#;

/// The ways to block, and how a thread blocks so.
const BLOCKING: [(&str, &str); 9] = [
    ("waiting in memory", "(call $wait)"),
    ("a loop", "(call $spin)"),
    ("a read", "(drop (call $read (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 32)))"),
    (
        "a full pipe",
        "(loop $again
            (drop (call $write (i32.const 1) (i32.const 72) (i32.const 1) (i32.const 32)))
            (br $again))",
    ),
    ("a poll", "(drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 32)))"),
    (
        "a poll with a clock",
        "(drop (call $poll (i32.const 256) (i32.const 512) (i32.const 2) (i32.const 32)))",
    ),
    ("a sleep", "(drop (call $poll (i32.const 304) (i32.const 512) (i32.const 1) (i32.const 32)))"),
    ("an accept", "(drop (call $accept (i32.const 3) (i32.const 0) (i32.const 32)))"),
    ("starting threads", "(loop $again (drop (call $spawn (i32.const 100))) (br $again))"),
];

fn engine() -> Engine {
    Engine::new(Config::new().epoch_interruption(true)).unwrap()
}

/// Runs `_start` of a program.
fn run_with(builder: &mut WasiCtxBuilder, threads: WasiThreads<WasiCtx>, text: &str) -> Result<()> {
    let engine = engine();
    let module = Module::new(&engine, format!("(module {PRELUDE} {text})")).unwrap();
    assert!(is_threaded(&module));
    let mut linker = Linker::<WasiCtx>::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(&engine, builder.build());
    store.set_epoch_deadline(u64::MAX);
    threads.add_to_linker(&mut linker, &mut store, &module)?;
    let program = linker.instantiate_pre(&module)?;
    threads.run(&mut store, &program, |store, instance| {
        instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(store, ())
    })
}

fn threads() -> WasiThreads<WasiCtx> {
    WasiThreads::new(|ctx: &mut WasiCtx| ctx)
}

fn run(text: &str) -> Result<()> {
    run_with(&mut WasiCtx::builder(), threads(), text)
}

fn exit_status(error: &Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}

/// Runs a program that must be over soon.
fn run_blocking(main: &str, thread: &str) -> Result<()> {
    // Both ends of each pipe live as long as the program.
    let (stdin, _stdin) = std::io::pipe().unwrap();
    let (_stdout, stdout) = std::io::pipe().unwrap();
    let mut builder = WasiCtx::builder();
    builder.stdin(InputFile::new(stdin)).stdout(OutputFile::new(stdout));
    builder.preopened_socket(TcpListener::bind("127.0.0.1:0").unwrap());
    let text = format!(
        "(func (export \"_start\") {main})
         (func (export \"wasi_thread_start\") (param i32 i32) {thread})"
    );
    let started = Instant::now();
    let outcome = run_with(&mut builder, threads(), &text);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    outcome
}

#[test]
fn threads_share_memory_and_streams() {
    let stdout = MemoryOutputPipe::new(1000);
    let mut builder = WasiCtx::builder();
    builder.stdout(stdout.clone());
    // Each thread adds its argument at 8 a thousand times, and wakes the main thread when it is done.
    let text = r#"
        (func (export "_start")
            (local $left i32) (local $done i32)
            (local.set $left (i32.const 4))
            (loop $more
                (if (i32.lt_s (call $spawn (local.get $left)) (i32.const 1)) (then unreachable))
                (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (loop $more
                (local.set $done (i32.atomic.load (i32.const 12)))
                (if (i32.lt_u (local.get $done) (i32.const 4)) (then
                    (drop (memory.atomic.wait32 (i32.const 12) (local.get $done) (i64.const -1)))
                    (br $more))))
            (call $print (i32.const 77))
            (call $exit (i32.atomic.load (i32.const 8))))
        (func (export "wasi_thread_start") (param $id i32) (param $argument i32)
            (local $left i32)
            (local.set $left (i32.const 1000))
            (loop $more
                (drop (i32.atomic.rmw.add (i32.const 8) (local.get $argument)))
                (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (drop (i32.atomic.rmw.add (i32.const 12) (i32.const 1)))
            (drop (memory.atomic.notify (i32.const 12) (i32.const 1))))"#;
    let error = run_with(&mut builder, threads(), text).unwrap_err();
    assert_eq!(exit_status(&error), Some(10_000), "{error:?}");
    assert_eq!(stdout.contents(), b"M");
}

#[test]
fn an_exit_ends_threads_that_block() {
    for (name, block) in BLOCKING {
        // One thread exits when the main thread and two others are about to block.
        let main = format!(
            "(drop (call $spawn (i32.const 1))) (drop (call $spawn (i32.const 1)))
             (drop (call $spawn (i32.const 2))) (call $begin) {block}"
        );
        let thread = format!(
            "(if (i32.eq (local.get 1) (i32.const 2))
                (then (call $await (i32.const 3)) (call $exit (i32.const 9))))
             (if (i32.eq (local.get 1) (i32.const 1)) (then (call $begin) {block}))"
        );
        let error = run_blocking(&main, &thread).unwrap_err();
        assert_eq!(exit_status(&error), Some(9), "{name}: {error:?}");
    }
}

#[test]
fn the_end_of_the_main_thread_ends_threads_that_block() {
    for (name, block) in BLOCKING {
        let main = "(drop (call $spawn (i32.const 1))) (drop (call $spawn (i32.const 1)))
            (call $await (i32.const 2))";
        let thread =
            format!("(if (i32.eq (local.get 1) (i32.const 1)) (then (call $begin) {block}))");
        run_blocking(main, &thread).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

#[test]
fn a_trap_ends_all_threads_and_is_the_programs() {
    for (name, block) in BLOCKING {
        let main = format!("(drop (call $spawn (i32.const 2))) (call $begin) {block}");
        let thread = "(if (i32.eq (local.get 1) (i32.const 2))
            (then (call $await (i32.const 1)) (drop (i32.div_u (i32.const 1) (i32.const 0)))))";
        let error = run_blocking(&main, thread).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::IntegerDivisionByZero), "{name}: {error:?}");
    }
}

#[test]
fn a_trap_of_the_main_thread_is_its_own() {
    let main = "(drop (call $spawn (i32.const 1))) (call $await (i32.const 1)) unreachable";
    let error = run_blocking(main, "(call $begin) (call $wait)").unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::UnreachableCodeReached), "{error:?}");
}

#[test]
fn threads_have_numbers_and_their_arguments() {
    // A thread writes its argument to the place of its number.
    let text = r#"
        (func (export "_start")
            (local $id i32)
            (local.set $id (call $spawn (i32.const 11)))
            (call $await (i32.const 1))
            (if (i32.ne (i32.load (i32.shl (local.get $id) (i32.const 10))) (i32.const 11))
                (then unreachable))
            (call $exit (i32.const 5)))
        (func (export "wasi_thread_start") (param $id i32) (param $argument i32)
            (i32.store (i32.shl (local.get $id) (i32.const 10)) (local.get $argument))
            (call $begin))"#;
    assert_eq!(exit_status(&run(text).unwrap_err()), Some(5));
}

#[test]
fn a_program_has_no_more_threads_than_it_may() {
    let text = r#"
        (func (export "_start")
            (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
            (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
            (call $exit (i32.sub (i32.const 0) (call $spawn (i32.const 0)))))
        (func (export "wasi_thread_start") (param i32 i32) (call $wait))"#;
    let error = run_with(&mut WasiCtx::builder(), threads().max_threads(2), text).unwrap_err();
    assert_eq!(exit_status(&error), Some(6), "the errno `again`: {error:?}");
}

#[test]
fn the_store_of_a_thread_can_be_prepared() {
    let text = r#"
        (func (export "_start") (drop (call $spawn (i32.const 0))) (call $wait))
        (func (export "wasi_thread_start") (param i32 i32))"#;
    let threads = threads().prepare_store(|_| Err(Error::msg("not today")));
    let error = run_with(&mut WasiCtx::builder(), threads, text).unwrap_err();
    assert!(format!("{error:#}").contains("thread 1: not today"), "{error:#}");
}

#[test]
fn what_threads_need_is_said() {
    let error = run("(func (export \"_start\"))").unwrap_err();
    assert!(error.to_string().contains("must export `wasi_thread_start`"), "{error}");

    let engine = Engine::default();
    let text = "(module (import \"wasi\" \"thread-spawn\" (func $spawn (param i32) (result i32)))
        (func (export \"wasi_thread_start\") (param i32 i32))
        (func (export \"_start\") (drop (call $spawn (i32.const 0)))))";
    let module = Module::new(&engine, text).unwrap();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    let mut store = Store::new(&engine, WasiCtx::builder().build());
    let threads = threads();
    threads.add_to_linker(&mut linker, &mut store, &module).unwrap();
    let program = linker.instantiate_pre(&module).unwrap();
    let error = threads.begin(&mut store, &program).unwrap_err();
    assert!(error.to_string().contains("epoch_interruption"), "{error}");
    let instance = program.instantiate(&mut store).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert!(format!("{error:?}").contains("before the program was begun"), "{error:?}");
}

#[test]
fn threads_use_files_at_the_same_time() {
    let scratch = Scratch::new();
    let mut builder = WasiCtx::builder();
    let file = std::fs::File::create(scratch.inside().join("out")).unwrap();
    builder.stdout(OutputFile::new(file));
    let text = r#"
        (func (export "_start")
            (drop (call $spawn (i32.const 65))) (drop (call $spawn (i32.const 66)))
            (call $await (i32.const 2)))
        (func (export "wasi_thread_start") (param $id i32) (param $byte i32)
            (local $left i32)
            (local.set $left (i32.const 500))
            (loop $more
                (call $print (local.get $byte))
                (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (call $begin))"#;
    run_with(&mut builder, threads(), text).unwrap();
    assert_eq!(scratch.contents("out").len(), 1000);
}
