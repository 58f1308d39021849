//! wasi-threads: a guest that imports `wasi.thread-spawn` starts real threads of the operating system.
//!
//! Each thread has a store of its own, with a clone of the host's data, and in it a new instance of the same module; what
//! threads have in common is the shared memory that the module imports and, through [`WasiCtx`], files and streams. The
//! program ends when its main thread does, when any thread exits, and when one traps. Then all others end as well,
//! wherever they are: in a loop, waiting at an address of the shared memory, or waiting for the system in a function of
//! WASI. (What cannot be cut short is opening a named pipe of the host that nobody has open at its other end, and what an
//! embedder's own functions and streams do.)
//!
//! ```
//! use riser::{Config, Engine, Linker, Module, Store};
//! use riser_wasi::{I32Exit, WasiCtx, threads::WasiThreads};
//!
//! # fn main() -> riser::Result<()> {
//! // One thread can only end another one if loops can be interrupted.
//! let engine = Engine::new(Config::new().epoch_interruption(true))?;
//! let module = Module::new(&engine, r#"(module
//!     (import "env" "memory" (memory 1 1 shared))
//!     (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
//!     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//!     (export "memory" (memory 0))
//!     (func (export "wasi_thread_start") (param $thread i32) (param $argument i32)
//!         (call $exit (local.get $argument)))
//!     (func (export "_start")
//!         (drop (call $spawn (i32.const 42)))
//!         (loop br 0)))"#)?;
//!
//! let mut linker = Linker::<WasiCtx>::new(&engine);
//! riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx)?;
//! let mut store = Store::new(&engine, WasiCtx::builder().build());
//! store.set_epoch_deadline(u64::MAX);
//! let threads = WasiThreads::new(|ctx: &mut WasiCtx| ctx);
//! threads.add_to_linker(&mut linker, &mut store, &module)?;
//!
//! let program = linker.instantiate_pre(&module)?;
//! let outcome = threads.run(&mut store, &program, |store, instance| {
//!     instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(store, ())
//! });
//! assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&I32Exit(42)));
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use riser::{
    Caller, Error, ExternType, Instance, InstancePre, InterruptHandle, Linker, Module, Result,
    SharedMemory, Store, bail,
};

use crate::WasiCtx;

/// The module and the function with which a guest starts a thread.
const MODULE: &str = "wasi";
const SPAWN: &str = "thread-spawn";

/// What a module exports for its threads to begin with: given the thread's number and what the guest said.
const THREAD_START: &str = "wasi_thread_start";

/// The largest number of a thread, as the proposal has it.
const THREAD_ID_MAX: i32 = 0x1fff_ffff;

/// How many threads a program may have at once unless the embedder says otherwise: far more than are of use.
const THREADS_MAX: usize = 256;

/// What a guest gets that cannot have another thread: the negative errno `again`.
const AGAIN: i32 = -6;

/// Whether a module wants to start threads.
pub fn is_threaded(module: &Module) -> bool {
    module.imports().any(|import| import.module() == MODULE && import.name() == SPAWN)
}

/// Lets one program start threads: see the [module's documentation](self).
pub struct WasiThreads<T: 'static> {
    program: Arc<Program<T>>,
}

type GetCtx<T> = Box<dyn Fn(&mut T) -> &mut WasiCtx + Send + Sync>;
type Prepare<T> = Box<dyn Fn(&mut Store<T>) -> Result<()> + Send + Sync>;

/// What the threads of a program have in common.
struct Program<T: 'static> {
    get: GetCtx<T>,
    /// What is done with the store of each new thread.
    prepare: Prepare<T>,
    threads_max: usize,
    /// Set when the program begins.
    instance: OnceLock<InstancePre<T>>,
    state: Mutex<State>,
    /// A thread has ended.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the last thread that was started.
    last_id: i32,
    /// The main thread's and those of the others, by their numbers. One that has ended is gone.
    running: Vec<(i32, InterruptHandle)>,
    /// Threads that were started and have not ended; some have no handle yet.
    started: usize,
    ended: bool,
    /// Why the program ended, if another thread than the main one decided it.
    reason: Option<Error>,
}

impl<T: Clone + Send + 'static> WasiThreads<T> {
    /// For one program. `get` finds the guest's context in the data of a thread's store.
    pub fn new(get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + 'static) -> Self {
        let prepare = |store: &mut Store<T>| {
            store.set_epoch_deadline(u64::MAX);
            Ok(())
        };
        Self {
            program: Arc::new(Program {
                get: Box::new(get),
                prepare: Box::new(prepare),
                threads_max: THREADS_MAX,
                instance: OnceLock::new(),
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Says what is done with the store of each new thread before anything runs in it: fuel, limits, an epoch deadline.
    /// Without this, threads run without a deadline. An error ends the program.
    ///
    /// # Panics
    /// If the functions were added to a linker already.
    pub fn prepare_store(
        mut self,
        prepare: impl Fn(&mut Store<T>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.not_yet_linked().prepare = Box::new(prepare);
        self
    }

    /// Limits how many threads there may be at once, besides the main one. 256 by default.
    ///
    /// # Panics
    /// If the functions were added to a linker already.
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.not_yet_linked().threads_max = threads;
        self
    }

    fn not_yet_linked(&mut self) -> &mut Program<T> {
        Arc::get_mut(&mut self.program).expect("threads are configured before they are linked")
    }

    /// Adds `wasi.thread-spawn` to a linker, and a new shared memory for each that the module imports and the linker
    /// does not have.
    ///
    /// # Errors
    /// If a memory cannot be made, or the linker has a `wasi.thread-spawn` already.
    pub fn add_to_linker(
        &self,
        linker: &mut Linker<T>,
        store: &mut Store<T>,
        module: &Module,
    ) -> Result<()> {
        // The linker does not keep the program alive, which keeps definitions of the linker.
        let program = Arc::downgrade(&self.program);
        linker.func_wrap(MODULE, SPAWN, move |caller: Caller<'_, T>, argument: i32| {
            spawn(&program, &caller, argument)
        })?;
        for import in module.imports() {
            let ExternType::Memory(ty) = import.ty() else { continue };
            if ty.is_shared() && linker.get_by_import(&mut *store, &import).is_none() {
                let memory = SharedMemory::new(module.engine(), ty)?;
                linker.define(&mut *store, import.module(), import.name(), memory)?;
            }
        }
        Ok(())
    }

    /// Runs the program: makes the main thread's instance, calls `main`, and ends all threads. Returns when all have
    /// ended, with why the program ended: what `main` returned, or the error of the thread that was first.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin); those of instantiation; that of the program.
    pub fn run<R>(
        &self,
        store: &mut Store<T>,
        program: &InstancePre<T>,
        main: impl FnOnce(&mut Store<T>, Instance) -> Result<R>,
    ) -> Result<R> {
        let running = self.begin(store, program)?;
        let outcome = program.instantiate(&mut *store).and_then(|instance| main(store, instance));
        let outcome = running.end(outcome);
        let mut state = self.program.locked();
        while state.started > 0 {
            state = self.program.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        outcome
    }

    /// Begins the program, whose main thread is the one that uses `store`. From now on threads can be started, each with
    /// an instance of `program`.
    ///
    /// # Errors
    /// If the engine was configured without [`epoch_interruption`](riser::Config::epoch_interruption); if the module has
    /// nothing for threads to begin with; if the program was begun before.
    pub fn begin(&self, store: &mut Store<T>, program: &InstancePre<T>) -> Result<Running<T>> {
        check_thread_start(program.module())?;
        let handle = store.interrupt_handle()?;
        (self.program.get)(store.data_mut()).make_stoppable()?;
        if self.program.instance.set(program.clone()).is_err() {
            bail!("a program with threads begins only once");
        }
        self.program.locked().running.push((0, handle));
        let ctx = (self.program.get)(store.data_mut()).clone();
        Ok(Running { program: self.program.clone(), ctx })
    }
}

impl<T> fmt::Debug for WasiThreads<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiThreads").finish_non_exhaustive()
    }
}

fn check_thread_start(module: &Module) -> Result<()> {
    let is_i32 = |ty: riser::ValType| matches!(ty, riser::ValType::I32);
    match module.get_export(THREAD_START) {
        Some(ExternType::Func(ty))
            if ty.params().len() == 2 && ty.params().all(is_i32) && ty.results().len() == 0 =>
        {
            Ok(())
        }
        _ => bail!(
            "a module that starts threads must export `{THREAD_START}`, a function that takes two `i32`"
        ),
    }
}

/// A program that was begun. When this is dropped, it ends.
pub struct Running<T: 'static> {
    program: Arc<Program<T>>,
    ctx: WasiCtx,
}

impl<T: 'static> Running<T> {
    /// Ends the program, whose main thread has ended with `outcome`, and tells all other threads, without waiting for
    /// them.
    ///
    /// # Errors
    /// Why the program ended, if another thread was first; else that of `outcome`.
    pub fn end<R>(self, outcome: Result<R>) -> Result<R> {
        self.program.end(None, &self.ctx);
        match self.program.locked().reason.take() {
            Some(reason) => Err(reason),
            None => outcome,
        }
    }
}

impl<T: 'static> Drop for Running<T> {
    fn drop(&mut self) {
        self.program.end(None, &self.ctx);
    }
}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl<T: 'static> Program<T> {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the program for all its threads, the first time that it is called.
    fn end(&self, reason: Option<Error>, ctx: &WasiCtx) {
        let handles = {
            let mut state = self.locked();
            if state.ended {
                return;
            }
            state.ended = true;
            state.reason = reason;
            std::mem::take(&mut state.running)
        };
        if let Some(stop) = ctx.stop() {
            stop.end();
        }
        for (_, handle) in handles {
            handle.interrupt();
        }
    }
}

/// `wasi.thread-spawn`: the new thread's number, or a negative errno.
fn spawn<T: Clone + Send + 'static>(
    program: &Weak<Program<T>>,
    caller: &Caller<'_, T>,
    argument: i32,
) -> Result<i32> {
    let Some(program) = program.upgrade().filter(|program| program.instance.get().is_some()) else {
        bail!("a thread was started before the program was begun with `WasiThreads`");
    };
    let id = {
        let mut state = program.locked();
        if state.ended || state.started >= program.threads_max || state.last_id == THREAD_ID_MAX {
            return Ok(AGAIN);
        }
        state.started += 1;
        state.last_id += 1;
        state.last_id
    };
    let data = caller.data().clone();
    let thread = program.clone();
    let name = format!("wasm thread {id}");
    let spawned = std::thread::Builder::new()
        .name(name)
        .spawn(move || run_thread(&thread, id, argument, data));
    if spawned.is_err() {
        program.locked().started -= 1;
        return Ok(AGAIN);
    }
    Ok(id)
}

/// The whole life of a thread.
fn run_thread<T: Clone + Send + 'static>(
    program: &Program<T>,
    id: i32,
    argument: i32,
    mut data: T,
) {
    let ctx = (program.get)(&mut data).clone();
    // A panic of the host must not leave the others waiting for this thread; it was reported where it happened.
    let outcome = catch_unwind(AssertUnwindSafe(|| call_thread(program, id, argument, data)))
        .unwrap_or_else(|_| Err(Error::msg(format!("thread {id} panicked"))));
    if let Err(error) = outcome {
        program.end(Some(error.context(format!("thread {id}"))), &ctx);
    }
    let mut state = program.locked();
    state.running.retain(|thread| thread.0 != id);
    state.started -= 1;
    program.changed.notify_all();
}

fn call_thread<T: Clone + Send + 'static>(
    program: &Program<T>,
    id: i32,
    argument: i32,
    data: T,
) -> Result<()> {
    let Some(instance) = program.instance.get() else { return Ok(()) };
    let mut store = Store::try_new(instance.module().engine(), data)?;
    (program.prepare)(&mut store)?;
    let handle = store.interrupt_handle()?;
    {
        let mut state = program.locked();
        if state.ended {
            return Ok(());
        }
        state.running.push((id, handle));
    }
    let instance = instance.instantiate(&mut store)?;
    let start = instance.get_typed_func::<(i32, i32), ()>(&mut store, THREAD_START)?;
    start.call(&mut store, (id, argument))
}
