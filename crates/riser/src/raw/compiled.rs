//! The compiled way to run: an engine's compiler and trampolines, and the code of a module, which is made function by
//! function when they are called first.

use crate::{Config, Error, Result, format_err};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use riser_code::CodeArtifact;
use riser_module::Module;
use riser_ops::{FuncType, ValType};
use riser_opt::{CompileContext, Compiler, OptOptions};
use riser_vm::{CodeKind, CodeOwner, CodeSpace, CompileFailure, StubTable};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What all modules of a compiled engine share.
pub(crate) struct CompiledEngine {
    compiler: Compiler,
    trampolines: Mutex<Trampolines>,
    /// Where host functions begin.
    host_stubs: StubTable,
    /// Memory that compilations use again.
    contexts: Mutex<Vec<CompileContext>>,
}

/// Code between the host and functions of some machine type.
struct Trampolines {
    space: CodeSpace,
    known: HashMap<(Direction, Box<[u8]>), Trampoline>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Direction {
    FromHost,
    ToHost,
}

/// The address of a trampoline.
#[derive(Clone, Copy)]
struct Trampoline(*const u8);

// SAFETY: code may be run by any thread.
unsafe impl Send for Trampoline {}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a trampoline depends on: the machine types of parameters and results.
fn machine_types(ty: &FuncType) -> Box<[u8]> {
    let of = |ty: &ValType| match *ty {
        ValType::I32 => b'i',
        ValType::I64 => b'l',
        ValType::F32 => b'f',
        ValType::F64 => b'd',
        ValType::V128 => b'v',
        ty if ty.is_heap_reference() => b'r',
        _ => b'l',
    };
    ty.params().iter().map(of).chain([b'>']).chain(ty.results().iter().map(of)).collect()
}

impl CompiledEngine {
    /// # Errors
    /// If this machine or system cannot run compiled code.
    pub(crate) fn new(config: &Config) -> Result<CompiledEngine> {
        if !riser_sys::COMPILED_CODE {
            return Err(Error::msg("compiled code cannot be run on this platform"));
        }
        let options = OptOptions {
            canonicalize_nans: config.canonicalize_nan,
            fuel: config.consume_fuel,
            guards: !riser_sys::address_space_limited(),
            ..OptOptions::default()
        };
        let compiler = Compiler::host(options).map_err(Error::new)?;
        riser_vm::install_traps().map_err(Error::new)?;
        // An address that nothing else has.
        let unique = Box::leak(Box::new(0_u8));
        let space = CodeSpace::new(CodeOwner(core::ptr::from_mut(unique).addr()));
        let trampolines = Mutex::new(Trampolines { space, known: HashMap::new() });
        let host_stubs = StubTable::new(1)?;
        Ok(CompiledEngine { compiler, trampolines, host_stubs, contexts: Mutex::default() })
    }

    /// Whether memories have guards.
    pub(crate) fn guards(&self) -> bool {
        self.compiler.options().guards
    }

    /// Does something with memory for compiling.
    fn with_context<R>(&self, body: impl FnOnce(&mut CompileContext) -> R) -> R {
        let kept = lock(&self.contexts).pop();
        let mut context = kept.unwrap_or_else(|| self.compiler.new_context());
        let result = body(&mut context);
        lock(&self.contexts).push(context);
        result
    }

    /// What the host calls functions of a type through.
    pub(crate) fn entry_trampoline(&self, ty: &FuncType) -> Result<*const u8> {
        self.trampoline(Direction::FromHost, ty)
    }

    /// Where host functions begin.
    pub(crate) fn host_stubs(&self) -> &StubTable {
        &self.host_stubs
    }

    /// What code calls host functions of a type through.
    pub(crate) fn host_trampoline(&self, ty: &FuncType) -> Result<*const u8> {
        self.trampoline(Direction::ToHost, ty)
    }

    fn trampoline(&self, direction: Direction, ty: &FuncType) -> Result<*const u8> {
        let mut trampolines = lock(&self.trampolines);
        let key = (direction, machine_types(ty));
        if let Some(known) = trampolines.known.get(&key) {
            return Ok(known.0);
        }
        let made = self.with_context(|context| match direction {
            Direction::FromHost => self.compiler.entry_trampoline(context, ty),
            Direction::ToHost => self.compiler.host_trampoline(context, ty),
        });
        let kind = match direction {
            Direction::FromHost => CodeKind::Entry,
            Direction::ToHost => CodeKind::Host,
        };
        let code = trampolines.space.publish(&made.map_err(Error::new)?, kind)?;
        trampolines.known.insert(key, Trampoline(code));
        Ok(code)
    }
}

/// The code of a module.
pub(crate) struct CompiledModule {
    engine: Arc<CompiledEngine>,
    module: Arc<Module>,
    stubs: StubTable,
    /// What `VmCtx::code` points to: where each function begins.
    table: Box<[AtomicPtr<u8>]>,
    state: Mutex<State>,
    /// Told when a function has code, or cannot have it.
    done: Condvar,
    functions: AtomicUsize,
}

struct State {
    space: CodeSpace,
    /// Functions that a thread is compiling.
    under_way: HashSet<u32>,
}

impl CompiledModule {
    /// No function has code yet.
    pub(crate) fn new(engine: Arc<CompiledEngine>, module: Arc<Module>) -> Result<CompiledModule> {
        let functions = module.bodies.len() as u32;
        let stubs = StubTable::new(functions)?;
        let table: Box<[AtomicPtr<u8>]> =
            (0..functions).map(|defined| AtomicPtr::new(stubs.lazy(defined).cast_mut())).collect();
        let space = CodeSpace::new(CodeOwner(table.as_ptr().addr()));
        let state = Mutex::new(State { space, under_way: HashSet::new() });
        let (done, functions) = (Condvar::new(), AtomicUsize::new(0));
        Ok(CompiledModule { engine, module, stubs, table, state, done, functions })
    }

    /// By what its frames are known.
    pub(crate) fn owner(&self) -> CodeOwner {
        CodeOwner(self.table.as_ptr().addr())
    }

    /// The code table.
    pub(super) fn table(&self) -> *const u8 {
        self.table.as_ptr().cast()
    }

    /// How many functions have code.
    pub(crate) fn functions_compiled(&self) -> usize {
        self.functions.load(Ordering::Relaxed)
    }

    /// The code of a function, if it has some.
    fn code(&self, defined: u32) -> Option<*const u8> {
        let entry = self.table[defined as usize].load(Ordering::Acquire).cast_const();
        (entry != self.stubs.lazy(defined)).then_some(entry)
    }

    /// Where references to a function enter it.
    pub(super) fn entry(&self, defined: u32) -> *const u8 {
        self.code(defined).unwrap_or_else(|| self.stubs.through_table(defined))
    }

    /// The code of a function, made now unless somebody has. Two threads do not make the same.
    pub(crate) fn compile(&self, defined: u32) -> Result<*const u8, CompileFailure> {
        {
            let mut state = lock(&self.state);
            loop {
                if let Some(code) = self.code(defined) {
                    return Ok(code);
                }
                if state.under_way.insert(defined) {
                    break;
                }
                state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        // Nothing may unwind from here through code.
        let made = catch_unwind(AssertUnwindSafe(|| self.artifact(defined)));
        let mut state = lock(&self.state);
        state.under_way.remove(&defined);
        self.done.notify_all();
        let artifact = match made {
            Ok(artifact) => artifact?,
            Err(_) => {
                let func = self.module.imported.funcs + defined;
                return Err(format_err!("the compiler panicked at function {func}").into());
            }
        };
        let code = state.space.publish(&artifact, CodeKind::Function(defined))?;
        self.table[defined as usize].store(code.cast_mut(), Ordering::Release);
        self.functions.fetch_add(1, Ordering::Relaxed);
        Ok(code)
    }

    fn artifact(&self, defined: u32) -> Result<CodeArtifact, riser_opt::CompileError> {
        let engine = &*self.engine;
        engine.with_context(|context| engine.compiler.function(context, &self.module, defined))
    }

    /// Makes the code of all functions, on several threads if that is wanted.
    pub(crate) fn compile_all(&self, parallel: bool) -> Result<()> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = || {
            loop {
                let defined = next.fetch_add(1, Ordering::Relaxed);
                if defined >= self.table.len() {
                    return;
                }
                if let Err(error) = self.compile(defined as u32) {
                    next.store(self.table.len(), Ordering::Relaxed);
                    lock(&failure).get_or_insert(error);
                }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let others = if parallel { cores.min(self.table.len()).saturating_sub(1) } else { 0 };
        std::thread::scope(|scope| {
            for _ in 0..others {
                // A system that refuses a thread leaves the work to the others.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(Error::msg(error.to_string())),
            None => Ok(()),
        }
    }
}
