//! How code enters host functions.
//!
//! A host function is known by its [`HostFunc`], made once per engine; a store that uses it gets a function
//! reference with its address. Code calls one `extern "C"` function per closure type, which borrows the store
//! anew, reads the arguments from their slots and writes the results to the same place. Nothing unwinds through
//! code: a panic is caught here, kept in the store, and goes on where the host called code.

use super::lower::{WasmRet, WasmTyList};
use super::run::{Pending, capture_backtrace};
use super::store::{StoreInner, StoreOpaque};
use super::values;
use crate::{
    Caller, Engine, Error, Func, FuncType, HostCall as ObservedCall, HostObserver, Result,
    StoreContextMut, ThrownException, Val, bail, ensure,
};
use core::any::Any;
use core::ffi::c_void;
use core::slice;
use riser_abi::{FrameLayout, HostCall, Slot, Status, VmCtx};
use riser_interp::HostEntry;
use riser_vm::HostEntryPoint;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// A host function, for any store of its engine whose data is that of its closure.
pub(crate) struct HostFunc {
    ty: FuncType,
    entry: HostEntry,
    call: HostCall,
    /// The address of what `_owner` keeps: the closure, with what the call needs.
    data: *const c_void,
    _owner: Arc<dyn Any + Send + Sync>,
    /// The two parts of the name under which a linker has it.
    name: OnceLock<(Arc<str>, Arc<str>)>,
}

// SAFETY: `data` belongs to `_owner`, which is `Send` and `Sync`; the entry does not change.
unsafe impl Send for HostFunc {}
// SAFETY: as above.
unsafe impl Sync for HostFunc {}

/// What a dynamically typed function needs.
struct Dynamic<F> {
    ty: FuncType,
    func: F,
}

impl HostFunc {
    fn make<D: Send + Sync + 'static>(ty: FuncType, call: HostCall, data: D) -> HostFunc {
        let params = FrameLayout::slots_of(ty.func().params());
        let results = FrameLayout::slots_of(ty.func().results());
        let owner = Arc::new(data);
        let data = Arc::as_ptr(&owner).cast();
        let entry = HostEntry::new(call, params, results);
        HostFunc { ty, entry, call, data, _owner: owner, name: OnceLock::new() }
    }

    /// From a closure whose types are known.
    pub(crate) fn wrap<T, F, P, R>(engine: &Engine, func: F) -> HostFunc
    where
        T: 'static,
        F: Fn(Caller<'_, T>, P) -> R + Send + Sync + 'static,
        P: WasmTyList,
        R: WasmRet,
    {
        let ty = FuncType::new(engine, P::valtypes(), R::valtypes());
        HostFunc::make(ty, typed::<T, F, P, R>, func)
    }

    /// From a closure that takes values of any types.
    pub(crate) fn new<T, F>(ty: FuncType, func: F) -> HostFunc
    where
        T: 'static,
        F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    {
        HostFunc::make(ty.clone(), dynamic::<T, F>, Dynamic { ty, func })
    }

    pub(crate) fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// Says under which name a linker has the function; the first one stays.
    pub(crate) fn set_name(&self, module: &Arc<str>, name: &Arc<str>) {
        let _ = self.name.set((module.clone(), name.clone()));
    }

    /// A new function in a store.
    ///
    /// # Panics
    /// If the store's engine is another one, or if it has four billion host functions.
    pub(crate) fn bind(self: &Arc<Self>, store: &mut StoreOpaque) -> Func {
        self.try_bind(store).expect("a host function of this engine, and room for it")
    }

    /// The same.
    ///
    /// # Errors
    /// Where [`HostFunc::bind`] panics.
    pub(crate) fn try_bind(self: &Arc<Self>, store: &mut StoreOpaque) -> Result<Func> {
        ensure!(
            Engine::same(self.ty.engine(), store.engine()),
            "a host function of another engine"
        );
        let engine = store.engine().clone();
        let entry = match engine.compiled() {
            Some(compiled) => HostEntryPoint::Compiled(compiled.host_stubs()),
            None => HostEntryPoint::Interp(self.entry.as_ptr()),
        };
        let (id, call, owner) = (self.ty.id(), self.call, self.clone());
        // SAFETY: the owner keeps entry, type and data; the call that the entry leads to finds what `make` gave
        // along. The data of the store is that of the closure: linkers and `Func` carry it in their types.
        let func = unsafe { store.vm.new_host_func(entry, id, call, self.data, owner) };
        let Some(func) = func else { bail!("the store has too many host functions") };
        Ok(Func { store: store.id(), func })
    }
}

impl core::fmt::Debug for HostFunc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HostFunc").field("ty", &self.ty).finish_non_exhaustive()
    }
}

/// Runs `body` with the store borrowed anew and the closure's address; catches what it fails with.
///
/// # Safety
/// `callee` is the `VmCtx` of a host function that was bound to a running store whose data is `T`, and `D` is
/// what the function was made with. `caller` is null or the `VmCtx` of a live instance. `slots` begins with
/// arguments of the function's type; when `body` succeeds it has written results of that type there.
#[inline(always)]
unsafe fn border<T: 'static, D>(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    slots: *mut Slot,
    body: impl FnOnce(Caller<'_, T>, &D) -> Result<()>,
) -> Status {
    // SAFETY: the caller's promise.
    unsafe {
        let runtime = (*callee).runtime;
        let store = (*runtime).store.cast::<StoreInner<T>>();
        // What is rare is done elsewhere, from the beginning: it needs registers, and here saving them would be most of the work.
        if (*store).observer.is_some() {
            return watched_border(callee, caller, slots, body);
        }
        caught(callee, store, move |_, store, data| {
            let caller = Caller::new(StoreContextMut(store), riser_vm::instance_of(caller));
            body(caller, data)
        })
    }
}

/// The same for a store whose calls are observed.
///
/// # Safety
/// As for [`border`].
#[cold]
#[inline(never)]
unsafe fn watched_border<T: 'static, D>(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    slots: *mut Slot,
    body: impl FnOnce(Caller<'_, T>, &D) -> Result<()>,
) -> Status {
    // SAFETY: the caller's promise.
    unsafe {
        let store = (*(*callee).runtime).store.cast::<StoreInner<T>>();
        caught(callee, store, move |host, store, data| {
            let observer = store.observer.clone();
            let caller = Caller::new(StoreContextMut(store), riser_vm::instance_of(caller));
            match observer {
                None => body(caller, data),
                Some(observer) => {
                    observed(&*observer, host.owner(), caller, slots, |caller| body(caller, data))
                }
            }
        })
    }
}

/// Runs `body` with the function, the store and the closure, in a scope of handles of its own; catches what it fails with.
///
/// # Safety
/// As for [`border`]; `store` is the running one.
#[inline(always)]
unsafe fn caught<T: 'static, D>(
    callee: *mut VmCtx,
    store: *mut StoreInner<T>,
    body: impl FnOnce(&riser_vm::HostFunc, &mut StoreInner<T>, &D) -> Result<()>,
) -> Status {
    // SAFETY: the caller's promise. The function and its data live as long as the store; the store is borrowed exclusively by
    // the call of code that leads here, which waits.
    unsafe {
        let host = callee.cast::<riser_vm::HostFunc>();
        let scope = (*store).opaque.vm.roots.enter();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            body(&*host, &mut *store, &*(*host).data().cast::<D>())
        }));
        // The handles that were made for the call, and by it.
        (*store).opaque.vm.roots.exit(scope);
        match outcome {
            Ok(Ok(())) => Status::OK,
            Ok(Err(error)) => fail(&mut (*store).opaque, Ok(error)),
            Err(panic) => fail(&mut (*store).opaque, Err(panic)),
        }
    }
}

/// Runs `body`, and tells the observer of the store about it before and after.
///
/// # Safety
/// As for [`border`]; `owner` is what keeps the function.
unsafe fn observed<T: 'static>(
    observer: &dyn HostObserver<T>,
    owner: &Arc<dyn Any + Send + Sync>,
    mut caller: Caller<'_, T>,
    slots: *mut Slot,
    body: impl FnOnce(Caller<'_, T>) -> Result<()>,
) -> Result<()> {
    let Some(host) = owner.downcast_ref::<HostFunc>() else { return body(caller) };
    // SAFETY: `slots` holds arguments of the function's type, and results of it once `body` has succeeded.
    let load = |caller: &mut Caller<'_, T>, types: &[riser_ops::ValType]| unsafe {
        let mut vals = vec![Val::null_func_ref(); types.len()];
        let count = FrameLayout::slots_of(types) as usize;
        let cells = slice::from_raw_parts(slots, count);
        values::load_all(caller.store.opaque_mut(), types, cells, &mut vals);
        vals
    };
    let params = load(&mut caller, host.ty.func().params());
    let name = host.name.get().map(|(module, name)| (&**module, &**name));
    let call = ObservedCall { name, params: &params };
    observer.calling(&mut caller, &call);
    let outcome = body(caller.reborrow());
    match &outcome {
        Ok(()) => {
            let results = load(&mut caller, host.ty.func().results());
            observer.returned(&mut caller, &call, Ok(&results));
        }
        Err(error) => observer.returned(&mut caller, &call, Err(error)),
    }
    outcome
}

#[cold]
fn fail(store: &mut StoreOpaque, failure: Result<Error, Box<dyn Any + Send>>) -> Status {
    let is_thrown = failure.as_ref().is_ok_and(|error| error.is::<ThrownException>());
    if is_thrown && store.vm.pending_exception.is_some() {
        return Status::EXCEPTION;
    }
    store.pending = Some(match failure {
        Err(panic) => Pending::Panic(panic),
        Ok(error) => Pending::Error(with_backtrace(store, error)),
    });
    Status::HOST_ERROR
}

/// The frames are known best here, before code is left.
fn with_backtrace(store: &StoreOpaque, error: Error) -> Error {
    if store.engine().config().backtrace_max == 0 || error.is::<crate::WasmBacktrace>() {
        return error;
    }
    let trace = capture_backtrace(store);
    if trace.frames().is_empty() { error } else { error.context(trace) }
}

unsafe extern "C" fn typed<T, F, P, R>(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    slots: *mut Slot,
) -> Status
where
    T: 'static,
    F: Fn(Caller<'_, T>, P) -> R + Send + Sync + 'static,
    P: WasmTyList,
    R: WasmRet,
{
    // SAFETY: code calls this through an entry that `HostFunc::wrap` made, with arguments of the types of `P` in
    // as many slots, and room for the results.
    unsafe {
        border::<T, F>(callee, caller, slots, |mut caller, func| {
            let args = slice::from_raw_parts(slots, P::SLOTS);
            let params = P::load(caller.store.opaque_mut(), args);
            let result = func(caller.reborrow(), params);
            let store = caller.store.opaque_mut();
            if !result.compatible_with_store(store) {
                bail!("a host function returned a value of another store");
            }
            result.store(store, slice::from_raw_parts_mut(slots, R::SLOTS))
        })
    }
}

unsafe extern "C" fn dynamic<T, F>(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    slots: *mut Slot,
) -> Status
where
    T: 'static,
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
{
    // SAFETY: code calls this through an entry that `HostFunc::new` made, with arguments of the function's type
    // in as many slots, and room for the results.
    unsafe {
        border::<T, Dynamic<F>>(callee, caller, slots, |mut caller, data| {
            let store = caller.store.opaque_mut();
            let mut vals = core::mem::take(&mut store.vals);
            vals.clear();
            let outcome = dynamic_in(&mut caller, data, slots, &mut vals);
            caller.store.opaque_mut().vals = vals;
            outcome
        })
    }
}

/// # Safety
/// `slots` begins with arguments of the function's type and has room for its results.
unsafe fn dynamic_in<T, F>(
    caller: &mut Caller<'_, T>,
    data: &Dynamic<F>,
    slots: *mut Slot,
    vals: &mut Vec<Val>,
) -> Result<()>
where
    T: 'static,
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()>,
{
    let ty = data.ty.func();
    let params = ty.params().len();
    vals.resize(params + ty.results().len(), Val::null_func_ref());
    let args = FrameLayout::slots_of(ty.params()) as usize;
    // SAFETY: the caller's promise.
    unsafe {
        let args = slice::from_raw_parts(slots, args);
        values::load_all(caller.store.opaque_mut(), ty.params(), args, &mut vals[..params]);
    }
    let (args, results) = vals.split_at_mut(params);
    (data.func)(caller.reborrow(), args, results)?;
    let store = caller.store.opaque_mut();
    let mut at = 0;
    for (val, ty) in results.iter().zip(ty.results()) {
        let cell = values::to_cell(store, val, *ty).map_err(|error| {
            error.context("a host function returned a value of an incompatible type")
        })?;
        for half in 0..ty.slots() as usize {
            // SAFETY: there is room for all results.
            unsafe { *slots.add(at + half) = cell.slots[half] };
        }
        at += ty.slots() as usize;
    }
    Ok(())
}
