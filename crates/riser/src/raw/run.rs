//! Enters code, and explains how it ended.

use super::compiled::CompiledModule;
use super::kept::Origin;
use super::lower::{WasmParams, WasmResults};
use super::store::{StoreInner, StoreOpaque};
use super::values;
use crate::{
    Engine, Error, Func, FuncType, Result, StoreContextMut, ThrownException, Trap, TypedFunc, Val,
    WasmBacktrace, bail, format_err,
};
use core::any::Any;
use core::ffi::c_void;
use core::ops::ControlFlow;
use core::ptr;
use riser_abi::{Slot, Status, VmRuntime};
use riser_interp::{Backtrace, Exit, ExitReason, InterpModule, InterpOptions};
use riser_ops::{FuncIdx, TypeId};
use riser_vm::{
    CodeFrame, CompileFailure, FuncPtr, ModuleCode, VmStore, call_compiled, instance_of,
    visit_compiled_frames,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The code of a module in the engine's way to run.
pub(crate) enum CodeHolder {
    Interp(InterpModule),
    Compiled(Arc<CompiledModule>),
}

impl CodeHolder {
    /// # Errors
    /// If there is no memory for code, or if all of it is to be made now and cannot be.
    pub(crate) fn new(
        engine: &Engine,
        module: Arc<riser_module::Module>,
        origin: Origin,
    ) -> Result<CodeHolder> {
        let config = engine.config();
        if let Some(compiled) = engine.compiled() {
            let module = CompiledModule::new(compiled.clone(), module, origin)?;
            if !config.lazy {
                module.compile_first(config.parallel)?;
            }
            return Ok(CodeHolder::Compiled(module));
        }
        let options = InterpOptions {
            canonicalize_nans: config.canonicalize_nan,
            epochs: config.epoch_interruption,
            fuel: config.consume_fuel,
        };
        Ok(CodeHolder::Interp(InterpModule::new(module, options)))
    }

    /// The code of a module.
    pub(super) fn of(module: &crate::Module) -> Option<&CodeHolder> {
        module.vm().code().as_any().downcast_ref()
    }
}

// SAFETY: both give the addresses that their way to run expects, and keep them.
unsafe impl ModuleCode for CodeHolder {
    fn table(&self) -> *const u8 {
        match self {
            CodeHolder::Interp(interp) => interp.code_table(),
            CodeHolder::Compiled(compiled) => compiled.table(),
        }
    }

    fn entry(&self, defined: u32) -> *const u8 {
        match self {
            CodeHolder::Interp(interp) => interp.entry(defined),
            CodeHolder::Compiled(compiled) => compiled.entry(defined),
        }
    }

    fn import_entry(&self, defined: u32) -> *const u8 {
        match self {
            CodeHolder::Interp(interp) => interp.entry(defined),
            CodeHolder::Compiled(compiled) => compiled.import_entry(defined),
        }
    }

    fn compile(&self, defined: u32) -> Result<*const u8, CompileFailure> {
        match self {
            CodeHolder::Interp(_) => Err("interpreted functions are not compiled".into()),
            CodeHolder::Compiled(compiled) => compiled.compile(defined),
        }
    }

    fn hot(&self, defined: u32) {
        if let CodeHolder::Compiled(compiled) = self {
            compiled.hot(defined);
        }
    }

    fn loop_code(&self, defined: u32, at: u32) -> Option<*const u8> {
        match self {
            CodeHolder::Interp(_) => None,
            CodeHolder::Compiled(compiled) => compiled.loop_code(defined, at),
        }
    }

    fn accesses_objects(&self) -> bool {
        matches!(self, CodeHolder::Compiled(_))
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

/// How many functions of a module were called, in any store.
pub(crate) fn functions_called(module: &crate::Module) -> usize {
    CodeHolder::of(module).map_or(0, |holder| match holder {
        CodeHolder::Interp(interp) => interp.functions_lowered(),
        CodeHolder::Compiled(compiled) => compiled.functions_compiled(),
    })
}

/// What a host call leaves in the store when it fails.
pub(crate) enum Pending {
    Error(Error),
    Panic(Box<dyn Any + Send>),
}

/// While this lives, code of the store may run.
struct Entered {
    runtime: *mut VmRuntime,
    outer: *mut c_void,
    /// Of the host's stack before: how far down it may go, and whose it is.
    limit: usize,
    thread: usize,
}

impl Entered {
    /// # Safety
    /// `runtime` is that of the store at `store`, which is borrowed exclusively by the caller.
    #[inline]
    unsafe fn new(runtime: *mut VmRuntime, store: *mut c_void) -> Entered {
        // SAFETY: the caller's promise.
        unsafe {
            let outer = (*runtime).store;
            let (limit, thread) = ((*runtime).host_stack_limit, (*runtime).host_thread);
            let here = riser_sys::thread_mark();
            // A host function may let another thread use the store.
            if outer.is_null() || thread != here {
                (*runtime).host_stack_limit = riser_sys::host_stack_limit();
                (*runtime).host_thread = here;
            }
            (*runtime).store = store;
            Entered { runtime, outer, limit, thread }
        }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the runtime block lives as long as its store, which is borrowed meanwhile.
        unsafe {
            (*self.runtime).store = self.outer;
            (*self.runtime).host_stack_limit = self.limit;
            (*self.runtime).host_thread = self.thread;
        }
    }
}

/// Calls a function: arguments are in `slots`, results are there afterwards.
///
/// # Safety
/// The function is one of this store. `slots` begins with arguments of its types, and has room for results.
#[inline]
unsafe fn run<T>(store: &mut StoreInner<T>, func: FuncPtr, slots: &mut [Slot]) -> Result<()> {
    let runtime = store.opaque.vm.runtime();
    let address = ptr::from_mut(store).cast::<c_void>();
    // SAFETY: the store is borrowed exclusively, and everything is derived anew from `address` until code has
    // ended; the rest is the caller's promise.
    unsafe {
        if store.opaque.engine().is_compiled() {
            let trampoline = entry_trampoline(&mut store.opaque, func.type_id())?;
            let _entered = Entered::new(runtime, address);
            let outcome = call_compiled(runtime, func.as_ptr(), trampoline, slots);
            drop(_entered);
            return outcome.map_err(|status| explain_status(&mut store.opaque, status));
        }
        let outcome = {
            let _entered = Entered::new(runtime, address);
            riser_interp::call(runtime, func.as_ptr(), slots)
        };
        outcome.map_err(|exit| explain(&mut store.opaque, exit))
    }
}

/// What functions of a type are entered through, in a compiled engine.
#[inline]
fn entry_trampoline(store: &mut StoreOpaque, id: TypeId) -> Result<*const u8> {
    match store.vm.entries.get(id.index()) {
        Some(&known) if !known.is_null() => Ok(known),
        _ => new_entry_trampoline(store, id),
    }
}

#[cold]
fn new_entry_trampoline(store: &mut StoreOpaque, id: TypeId) -> Result<*const u8> {
    let engine = store.engine().clone();
    let ty = engine.registry().get(id);
    let ty = ty.composite.as_func().ok_or_else(|| Error::msg("a function without a type"))?;
    let compiled = engine.compiled().ok_or_else(|| Error::msg("an interpreted engine"))?;
    let (code, keep) = compiled.entry_trampoline(ty)?;
    if let Some(keep) = keep {
        store.vm.keep(Box::new(keep));
    }
    let entries = &mut store.vm.entries;
    if entries.len() <= id.index() {
        entries.resize(id.index() + 1, ptr::null());
    }
    entries[id.index()] = code;
    Ok(code)
}

/// What code calls host functions of a type through.
///
/// # Safety
/// `store` is the address of a live store that runs on this thread, and nobody borrows it.
pub(super) unsafe fn host_trampoline(
    store: *mut VmStore,
    id: TypeId,
) -> Result<*const u8, CompileFailure> {
    // SAFETY: the caller's promise; a `StoreOpaque` begins with its `VmStore`.
    let engine = unsafe { (*store.cast::<StoreOpaque>()).engine().clone() };
    let compiled = engine.compiled().ok_or("an interpreted engine")?;
    let ty = engine.registry().get(id);
    let ty = ty.composite.as_func().ok_or("a function without a type")?;
    // Nothing may unwind from here through code.
    let made = catch_unwind(AssertUnwindSafe(|| compiled.host_trampoline(ty)));
    let made = made.map_err(|_| "the compiler panicked at a trampoline")?;
    let (code, keep) = made.map_err(|error| error.to_string())?;
    if let Some(keep) = keep {
        // SAFETY: the caller's promise.
        unsafe { (*store).keep(Box::new(keep)) };
    }
    Ok(code)
}

/// The error of a call of compiled code that did not end well.
#[cold]
fn explain_status(store: &mut StoreOpaque, status: Status) -> Error {
    let error = match status.trap_code() {
        Some(code) => Error::from(Trap::from(code)),
        None if status == Status::EXCEPTION => Error::from(ThrownException),
        None => raise(store),
    };
    let frames = core::mem::take(&mut store.vm.raised_frames);
    with_backtrace(store, error, |store, max| compiled_backtrace(store, &frames, max))
}

/// The error of a call that did not end well. A panic of a host function goes on from here.
#[cold]
fn explain(store: &mut StoreOpaque, exit: Exit) -> Error {
    let error = match exit.reason {
        ExitReason::Trap(code) => Error::from(Trap::from(code)),
        ExitReason::Exception => Error::from(ThrownException),
        ExitReason::HostError => raise(store),
    };
    with_backtrace(store, error, |store, max| backtrace(store, &exit.frames, max))
}

/// What the host left behind when it failed. A panic goes on from here.
pub(super) fn raise(store: &mut StoreOpaque) -> Error {
    match store.pending.take() {
        Some(Pending::Panic(panic)) => std::panic::resume_unwind(panic),
        Some(Pending::Error(error)) => error,
        None => match store.vm.compile_error.take() {
            Some(error) => Error::msg(format!("a function cannot be compiled: {error}")),
            None => Error::msg("a host function failed without an error"),
        },
    }
}

/// Adds a backtrace to an error that has none.
fn with_backtrace(
    store: &StoreOpaque,
    error: Error,
    backtrace: impl FnOnce(&StoreOpaque, usize) -> WasmBacktrace,
) -> Error {
    let max = store.engine().config().backtrace_max;
    if max == 0 || error.is::<WasmBacktrace>() {
        return error;
    }
    let trace = backtrace(store, max);
    if trace.frames().is_empty() { error } else { error.context(trace) }
}

fn backtrace(store: &StoreOpaque, frames: &Backtrace, max: usize) -> WasmBacktrace {
    let frames = frames.iter().take(max).filter_map(|frame| {
        // SAFETY: frames are of instances of this store.
        let instance = unsafe { instance_of(frame.vmctx) }?;
        let module = store.modules.get(instance.index() as usize)?;
        let CodeHolder::Interp(interp) = CodeHolder::of(module)? else { return None };
        let func = FuncIdx(module.decoded().imported.funcs + frame.func);
        let offset = interp.wasm_offset(frame.func, frame.pc);
        Some((module.clone(), func, offset))
    });
    WasmBacktrace::new(frames.collect())
}

/// The module of a frame of compiled code.
pub(super) fn module_of(store: &StoreOpaque, frame: &CodeFrame) -> Option<crate::Module> {
    let is_owner = |module: &&crate::Module| matches!(CodeHolder::of(module), Some(CodeHolder::Compiled(c)) if c.owner() == frame.owner);
    store.modules.iter().find(is_owner).cloned()
}

fn compiled_backtrace(store: &StoreOpaque, frames: &[CodeFrame], max: usize) -> WasmBacktrace {
    let frames = frames.iter().take(max).filter_map(|frame| {
        let module = module_of(store, frame)?;
        let func = FuncIdx(module.decoded().imported.funcs + frame.func);
        // A function for which the stack has no room is at no operator: it was not entered.
        Some((module, func, frame.wasm_offset?))
    });
    WasmBacktrace::new(frames.collect())
}

/// The frames that are active now.
pub(crate) fn capture_backtrace(store: &StoreOpaque) -> WasmBacktrace {
    let max = store.engine().config().backtrace_max;
    let max = if max == 0 { usize::MAX } else { max };
    if store.engine().is_compiled() {
        let mut frames = Vec::new();
        // SAFETY: the store's code waits for the host, or there is none.
        unsafe {
            visit_compiled_frames(store.vm.runtime(), &mut |frame| {
                frames.push(frame);
                if frames.len() < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
        }
        return compiled_backtrace(store, &frames, max);
    }
    // SAFETY: the runtime block lives as long as the store.
    let frames = unsafe { riser_interp::frames(store.vm.runtime()) };
    backtrace(store, &frames, max)
}

/// The canonical type of a function.
///
/// # Panics
/// If the function is of another store.
pub(crate) fn func_type_id(store: &StoreOpaque, func: Func) -> TypeId {
    store.check(func.store);
    // SAFETY: the function is of this store, which lives.
    unsafe { func.func.type_id() }
}

/// Calls a function whose type was compared with `P` and `R` when the typed handle was made.
///
/// # Panics
/// If the function is of another store.
#[inline]
pub(crate) fn call_typed<T: 'static, P: WasmParams, R: WasmResults>(
    mut store: StoreContextMut<'_, T>,
    typed: &TypedFunc<P, R>,
    params: P,
) -> Result<R> {
    let (func, dynamic) = (*typed.func(), typed.dynamic());
    let opaque = store.opaque_mut();
    opaque.check(func.store);
    if !params.compatible_with_store(opaque) {
        bail!("attempt to pass a value of another store as an argument");
    }
    // SAFETY: `Func::typed`, which alone makes typed handles, compared the types. Which branch is taken is known
    // when this is compiled.
    unsafe {
        match if P::SLOTS > R::SLOTS { P::SLOTS } else { R::SLOTS } {
            0 => typed_in::<T, P, R>(store, func, dynamic, params, &mut []),
            1 => typed_in::<T, P, R>(store, func, dynamic, params, &mut [0; 1]),
            2 => typed_in::<T, P, R>(store, func, dynamic, params, &mut [0; 2]),
            3 => typed_in::<T, P, R>(store, func, dynamic, params, &mut [0; 3]),
            4 => typed_in::<T, P, R>(store, func, dynamic, params, &mut [0; 4]),
            n @ 5..=32 => typed_in::<T, P, R>(store, func, dynamic, params, &mut [0; 32][..n]),
            n => typed_in::<T, P, R>(store, func, dynamic, params, &mut vec![0; n]),
        }
    }
}

/// # Safety
/// The function is of this store. Its parameters are those of `P`, its results match those of `R`; or `dynamic` is
/// its type, and only references differ. `slots` has room for parameters and results.
#[inline(always)]
unsafe fn typed_in<T: 'static, P: WasmParams, R: WasmResults>(
    mut store: StoreContextMut<'_, T>,
    func: Func,
    dynamic: Option<&FuncType>,
    params: P,
    slots: &mut [Slot],
) -> Result<R> {
    params.store(store.opaque_mut(), slots);
    if let Some(ty) = dynamic {
        values::check_references(store.opaque(), ty.func(), slots)?;
    }
    // SAFETY: the caller's promise.
    unsafe {
        run(&mut *store.0, func.func, slots)?;
        Ok(R::load(store.opaque_mut(), slots))
    }
}

/// Calls a function with values whose types are checked here.
pub(crate) fn call_dynamic<T: 'static>(
    mut store: StoreContextMut<'_, T>,
    func: Func,
    params: &[Val],
    results: &mut [Val],
) -> Result<()> {
    let opaque = store.opaque_mut();
    opaque.check(func.store);
    let ty = func.ops_type(opaque);
    let ty = ty.composite.as_func().ok_or_else(|| Error::msg("a function without a type"))?;
    if ty.params().len() != params.len() {
        bail!("expected {} arguments, got {}", ty.params().len(), params.len());
    }
    if ty.results().len() != results.len() {
        bail!("expected {} results, got {}", ty.results().len(), results.len());
    }
    let mut slots = core::mem::take(&mut opaque.slots);
    slots.clear();
    for (at, (val, ty)) in params.iter().zip(ty.params()).enumerate() {
        if let Err(error) = values::push(opaque, val, *ty, &mut slots) {
            opaque.slots = slots;
            return Err(error.context(format_err!("argument {at}")));
        }
    }
    let needed = riser_abi::FrameLayout::slots_of(ty.results()) as usize;
    slots.resize(slots.len().max(needed), 0);
    // SAFETY: the function is of this store, its arguments were checked, and there is room for the results.
    let outcome = unsafe { run(&mut *store.0, func.func, &mut slots) };
    let opaque = store.opaque_mut();
    if outcome.is_ok() {
        // SAFETY: the slots hold the results.
        unsafe { values::load_all(opaque, ty.results(), &slots, results) };
    }
    opaque.slots = slots;
    outcome
}
