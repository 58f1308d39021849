//! Enters code, and explains how it ended.

use super::lower::{WasmParams, WasmResults};
use super::store::{StoreInner, StoreOpaque};
use super::values;
use crate::{
    Engine, Error, Func, FuncType, Result, StoreContextMut, Trap, TypedFunc, Val, WasmBacktrace,
    bail, format_err,
};
use core::any::Any;
use core::ffi::c_void;
use core::ptr;
use riser_abi::{Slot, VmRuntime};
use riser_interp::{Backtrace, Exit, ExitReason, InterpModule, InterpOptions};
use riser_ops::{FuncIdx, TypeId};
use riser_vm::{FuncPtr, ModuleCode, instance_of};
use std::sync::Arc;

/// The code of a module in the engine's way to run.
pub(crate) struct CodeHolder {
    interp: InterpModule,
}

impl CodeHolder {
    pub(crate) fn new(engine: &Engine, module: Arc<riser_module::Module>) -> CodeHolder {
        let config = engine.config();
        let options = InterpOptions {
            canonicalize_nans: config.canonicalize_nan,
            epochs: config.epoch_interruption,
            fuel: config.consume_fuel,
        };
        CodeHolder { interp: InterpModule::new(module, options) }
    }
}

// SAFETY: the interpreter's module gives the addresses that the interpreter expects, and keeps them.
unsafe impl ModuleCode for CodeHolder {
    fn table(&self) -> *const u8 {
        self.interp.code_table()
    }

    fn entry(&self, defined: u32) -> *const u8 {
        self.interp.entry(defined)
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

/// How many functions of a module were called, in any store.
pub(crate) fn functions_called(module: &crate::Module) -> usize {
    let holder = module.vm().code().as_any().downcast_ref::<CodeHolder>();
    holder.map_or(0, |holder| holder.interp.functions_lowered())
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
}

impl Entered {
    /// # Safety
    /// `runtime` is that of the store at `store`, which is borrowed exclusively by the caller.
    #[inline]
    unsafe fn new(runtime: *mut VmRuntime, store: *mut c_void) -> Entered {
        // SAFETY: the caller's promise.
        unsafe {
            let outer = (*runtime).store;
            if outer.is_null() {
                (*runtime).host_stack_limit = riser_sys::host_stack_limit();
            }
            (*runtime).store = store;
            Entered { runtime, outer }
        }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the runtime block lives as long as its store, which is borrowed meanwhile.
        unsafe { (*self.runtime).store = self.outer };
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
    let outcome = unsafe {
        let _entered = Entered::new(runtime, address);
        riser_interp::call(runtime, func.as_ptr(), slots)
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(exit) => Err(explain(&mut store.opaque, exit)),
    }
}

/// The error of a call that did not end well. A panic of a host function goes on from here.
#[cold]
fn explain(store: &mut StoreOpaque, exit: Exit) -> Error {
    let error = match exit.reason {
        ExitReason::Trap(code) => Error::from(Trap::from(code)),
        ExitReason::Exception => Error::from(Trap::UncaughtException),
        ExitReason::Unsupported(error) => Error::msg(error.to_string()),
        ExitReason::HostError => raise(store),
    };
    with_backtrace(store, error, &exit.frames)
}

/// What the host left behind when it failed. A panic goes on from here.
pub(super) fn raise(store: &mut StoreOpaque) -> Error {
    match store.pending.take() {
        Some(Pending::Panic(panic)) => std::panic::resume_unwind(panic),
        Some(Pending::Error(error)) => error,
        None => Error::msg("a host function failed without an error"),
    }
}

/// Adds a backtrace to an error that has none.
fn with_backtrace(store: &StoreOpaque, error: Error, frames: &Backtrace) -> Error {
    let max = store.engine().config().backtrace_max;
    if max == 0 || error.is::<WasmBacktrace>() {
        return error;
    }
    let trace = backtrace(store, frames, max);
    if trace.frames().is_empty() { error } else { error.context(trace) }
}

fn backtrace(store: &StoreOpaque, frames: &Backtrace, max: usize) -> WasmBacktrace {
    let frames = frames.iter().take(max).filter_map(|frame| {
        // SAFETY: frames are of instances of this store.
        let instance = unsafe { instance_of(frame.vmctx) }?;
        let module = store.modules.get(instance.index() as usize)?;
        let holder = module.vm().code().as_any().downcast_ref::<CodeHolder>()?;
        let func = FuncIdx(module.decoded().imported.funcs + frame.func);
        let offset = holder.interp.wasm_offset(frame.func, frame.pc);
        Some((module.clone(), func, offset))
    });
    WasmBacktrace::new(frames.collect())
}

/// The frames that are active now.
pub(crate) fn capture_backtrace(store: &StoreOpaque) -> WasmBacktrace {
    // SAFETY: the runtime block lives as long as the store.
    let frames = unsafe { riser_interp::frames(store.vm.runtime()) };
    let max = store.engine().config().backtrace_max;
    backtrace(store, &frames, if max == 0 { usize::MAX } else { max })
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
