//! The engine: configuration and what all stores and modules share.

use crate::{Config, Result};
use core::sync::atomic::{AtomicU64, Ordering};
use riser_module::TypeRegistry;
use riser_sys::{OutOfMemory, SlotStack};
use std::sync::{Arc, Mutex};

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
