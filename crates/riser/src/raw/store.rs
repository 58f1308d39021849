//! How a store lies in memory, and who it is.

use super::deadline::OnDeadline;
use super::host::HostFunc;
use super::limits::Limiter;
use super::run::Pending;
use crate::{Engine, Func, HostObserver, Module, Result, Val};
use core::num::NonZeroU64;
use core::sync::atomic::{AtomicU64, Ordering};
use riser_vm::VmStore;
use std::collections::HashMap;
use std::sync::Arc;

/// A store's identity, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(NonZeroU64);

impl StoreId {
    fn next() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        StoreId(NonZeroU64::new(id).expect("nobody makes 2^64 stores"))
    }
}

/// All of a store. `VmRuntime::store` holds its address while code runs, both as that of the [`VmStore`] that it
/// begins with, for builtins, and as its own, for host functions.
#[repr(C)]
pub struct StoreInner<T: 'static> {
    pub(crate) opaque: StoreOpaque,
    pub(crate) data: T,
    pub(super) limiter: Option<Limiter<T>>,
    pub(super) on_deadline: Option<OnDeadline<T>>,
    /// Who hears of calls of host functions.
    pub(crate) observer: Option<Arc<dyn HostObserver<T>>>,
}

impl<T: 'static> StoreInner<T> {
    pub(crate) fn new(engine: &Engine, data: T) -> Result<StoreInner<T>> {
        let opaque = StoreOpaque::new(engine)?;
        Ok(StoreInner { opaque, data, limiter: None, on_deadline: None, observer: None })
    }
}

/// The part of a store that does not depend on the host's data.
#[repr(C)]
pub struct StoreOpaque {
    pub(crate) vm: VmStore,
    id: StoreId,
    engine: Engine,
    /// The module of each instance, by the instance's position.
    pub(crate) modules: Vec<Module>,
    /// Host functions of linkers that were bound to this store, by address.
    bound: HashMap<*const HostFunc, Func>,
    /// What a host call leaves behind when it fails.
    pub(super) pending: Option<Pending>,
    /// Kept from one call to the next, so that dynamically typed calls allocate nothing in the long run.
    pub(super) vals: Vec<Val>,
    pub(super) slots: Vec<u64>,
}

// SAFETY: the addresses in `bound` are only compared; the functions they are of are kept by `vm`.
unsafe impl Send for StoreOpaque {}
// SAFETY: as above.
unsafe impl Sync for StoreOpaque {}

impl StoreOpaque {
    fn new(engine: &Engine) -> Result<StoreOpaque> {
        let mut vm = VmStore::new(engine.take_stack()?);
        // SAFETY: the store keeps its engine.
        unsafe { vm.watch_epoch(engine.epoch()) };
        if let Some(watch) = engine.watch() {
            vm.watch_with(watch.clone());
        }
        if let Some(samples) = engine.samples() {
            vm.sample_with(samples.clone());
        }
        vm.trace_frames = match engine.compiled() {
            Some(_) => super::gc::trace_compiled_frames,
            None => super::gc::trace_frames,
        };
        vm.guards = engine.compiled().is_some_and(|compiled| compiled.guards());
        vm.host_trampoline = super::run::host_trampoline;
        vm.frames_max = engine.config().backtrace_max;
        vm.heap.set_stress(engine.config().gc_stress);
        Ok(StoreOpaque {
            vm,
            id: StoreId::next(),
            engine: engine.clone(),
            modules: Vec::new(),
            bound: HashMap::new(),
            pending: None,
            vals: Vec::new(),
            slots: Vec::new(),
        })
    }

    #[inline]
    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// # Panics
    /// If `id` is that of another store.
    #[inline]
    #[track_caller]
    pub(crate) fn check(&self, id: StoreId) {
        #[cold]
        #[track_caller]
        fn wrong_store() -> ! {
            panic!("object used with the wrong store")
        }
        if self.id != id {
            wrong_store();
        }
    }

    /// A linker's host function in this store: the same one each time.
    pub(crate) fn bind(&mut self, host: &Arc<HostFunc>) -> Func {
        let key = Arc::as_ptr(host);
        match self.bound.get(&key) {
            Some(func) => *func,
            None => {
                let func = host.bind(self);
                self.bound.insert(key, func);
                func
            }
        }
    }
}

impl Drop for StoreOpaque {
    fn drop(&mut self) {
        if let Some(stack) = self.vm.take_stack() {
            self.engine.give_stack(stack);
        }
    }
}

impl core::fmt::Debug for StoreOpaque {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.id.0)
            .field("instances", &self.modules.len())
            .finish_non_exhaustive()
    }
}

impl<T> core::fmt::Debug for StoreInner<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.opaque.fmt(f)
    }
}
