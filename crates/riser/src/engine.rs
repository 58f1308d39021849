//! The engine: configuration and what all stores and modules share.

use crate::{Config, Result};
use core::sync::atomic::{AtomicU64, Ordering};
use riser_module::TypeRegistry;
use riser_sys::{OutOfMemory, SlotStack};
use std::sync::{Arc, Mutex, Weak};

/// Shared by modules and stores that work together. Cloning is cheap and gives the same engine.
///
/// ```
/// use riser::{Config, Engine};
///
/// let engine = Engine::default();
/// let same = engine.clone();
/// assert!(Engine::same(&engine, &same));
/// assert!(!Engine::same(&engine, &Engine::new(&Config::new()).unwrap()));
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

/// An engine that may be gone: see [`Engine::weak`]. The default one is.
///
/// ```
/// use riser::Engine;
///
/// let engine = Engine::default();
/// let weak = engine.weak();
/// assert!(weak.upgrade().is_some_and(|same| Engine::same(&same, &engine)));
/// drop(engine);
/// assert!(weak.upgrade().is_none());
/// ```
#[derive(Clone, Default)]
pub struct EngineWeak {
    inner: Weak<EngineInner>,
}

impl EngineWeak {
    /// The engine, unless nothing uses it any more.
    pub fn upgrade(&self) -> Option<Engine> {
        Some(Engine { inner: self.inner.upgrade()? })
    }
}

impl core::fmt::Debug for EngineWeak {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EngineWeak").finish_non_exhaustive()
    }
}

struct EngineInner {
    config: Config,
    registry: TypeRegistry,
    epoch: AtomicU64,
    /// Stacks of stores that are gone, for the next ones: mapping and first touching one takes about 20 µs.
    stacks: Mutex<Vec<SlotStack>>,
}

/// How many unused stacks are kept. What their deepest calls touched stays in memory.
const STACKS_MAX: usize = 4;

impl Engine {
    /// An engine with the given configuration.
    ///
    /// # Errors
    /// If the configuration asks for something that is not there.
    pub fn new(config: &Config) -> Result<Engine> {
        Ok(Engine::with(config.clone()))
    }

    fn with(config: Config) -> Engine {
        let (registry, epoch, stacks) = (TypeRegistry::new(), AtomicU64::new(0), Mutex::default());
        Engine { inner: Arc::new(EngineInner { config, registry, epoch, stacks }) }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Advances the epoch by one tick, from any thread. Stores whose deadline that reaches are interrupted, if
    /// [`Config::epoch_interruption`] is on. Costs an atomic addition, and may be called in a signal handler.
    pub fn increment_epoch(&self) {
        self.inner.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// The epoch. It lives as long as the engine.
    pub(crate) fn epoch(&self) -> &AtomicU64 {
        &self.inner.epoch
    }

    /// A reference that does not keep the engine alive: for a thread that ticks, as long as there is somebody to hear it.
    pub fn weak(&self) -> EngineWeak {
        EngineWeak { inner: Arc::downgrade(&self.inner) }
    }

    /// What [`Config::consume_fuel`] was set to.
    pub fn get_consume_fuel(&self) -> bool {
        self.config().consume_fuel
    }

    /// What [`Config::epoch_interruption`] was set to.
    pub fn get_epoch_interruption(&self) -> bool {
        self.config().epoch_interruption
    }

    /// What [`Config::max_wasm_stack`] was set to.
    pub fn get_max_wasm_stack(&self) -> usize {
        self.config().wasm_stack_bytes
    }

    /// What [`Config::parallel_compilation`] was set to.
    pub fn get_parallel_compilation(&self) -> bool {
        self.config().parallel
    }

    /// What [`Config::relaxed_simd_deterministic`] was set to.
    pub fn get_relaxed_simd_deterministic(&self) -> bool {
        self.config().relaxed_deterministic
    }

    /// What [`Config::cranelift_nan_canonicalization`] was set to. Never `None`.
    pub fn get_cranelift_nan_canonicalization(&self) -> Option<bool> {
        Some(self.config().canonicalize_nan)
    }

    /// What [`Config::wasm_backtrace_max_frames`] was set to; 0 for no backtraces.
    pub fn get_wasm_backtrace_max_frames(&self) -> usize {
        self.config().backtrace_max
    }

    /// What [`Config::shared_memory`] was set to.
    pub fn get_shared_memory(&self) -> bool {
        self.config().shared_memory
    }

    /// Whether both are the same engine.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// A stack for a store.
    pub(crate) fn take_stack(&self) -> Result<SlotStack, OutOfMemory> {
        let kept = self.inner.stacks.lock().unwrap_or_else(|e| e.into_inner()).pop();
        kept.map_or_else(|| SlotStack::new(self.inner.config.wasm_stack_bytes), Ok)
    }

    /// Takes back the stack of a store that goes.
    pub(crate) fn give_stack(&self, stack: SlotStack) {
        let mut kept = self.inner.stacks.lock().unwrap_or_else(|e| e.into_inner());
        if kept.len() < STACKS_MAX {
            kept.push(stack);
        }
    }

    pub(crate) fn registry(&self) -> &TypeRegistry {
        &self.inner.registry
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::with(Config::default())
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
