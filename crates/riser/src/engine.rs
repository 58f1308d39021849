//! The engine: configuration and what all stores and modules share.

use crate::announce::Announcer;
use crate::raw::CompiledEngine;
use crate::tiers::{Account, TierStatistics, Watching};
use crate::{Cache, Config, Module, Result, Strategy, bail};
use core::sync::atomic::{AtomicU64, Ordering};
use riser_module::TypeRegistry;
use riser_sys::{MachineStack, OutOfMemory, SlotStack};
use riser_vm::{CodeSamples, EpochWatch, StoreStack};
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
    stacks: Mutex<Vec<StoreStack>>,
    /// How code is run: compiled, or else by the interpreter.
    compiled: Option<Arc<CompiledEngine>>,
    /// Stores whose compiled code epochs interrupt.
    watch: Option<Arc<EpochWatch>>,
    /// Looks in which code guests are.
    watching: Option<Watching>,
}

/// What compiled code is of: see [`Engine::detect_precompiled`].
///
/// ```
/// use riser::{Engine, Precompiled};
///
/// let engine = Engine::default();
/// if engine.is_compiled() {
///     let bytes = engine.precompile_module(b"(module)")?;
///     assert_eq!(Engine::detect_precompiled(&bytes), Some(Precompiled::Module));
/// }
/// assert_eq!(Engine::detect_precompiled(b"(module)"), None);
/// # riser::Result::<()>::Ok(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precompiled {
    /// A module.
    Module,
}

/// How many unused stacks are kept. What their deepest calls touched stays in memory.
const STACKS_MAX: usize = 4;

/// What functions of the host, and the compiler, may use of a guest's stack when that is used up. It takes memory when it is
/// touched.
const HOST_STACK_BYTES: usize = 4 << 20;

impl Engine {
    /// An engine with the given configuration.
    ///
    /// # Errors
    /// If the configuration asks for something that is not there.
    pub fn new(config: &Config) -> Result<Engine> {
        let announcer = Announcer::new(config)?;
        let account = config.tier_statistics.then(Arc::<Account>::default);
        let is_watched = announcer.is_some();
        let compiled = match config.strategy {
            Strategy::Interpreter => None,
            Strategy::Baseline | Strategy::Cranelift => {
                Some(CompiledEngine::new(config, announcer, account.clone())?)
            }
            Strategy::Auto => CompiledEngine::new(config, announcer, account.clone()).ok(),
        };
        if is_watched && compiled.is_none() {
            bail!("there is no compiled code that a debugger or profiler could be told about");
        }
        let (config, compiled) = (config.clone(), compiled.map(Arc::new));
        let (registry, epoch, stacks) = (TypeRegistry::new(), AtomicU64::new(0), Mutex::default());
        let watch = (compiled.is_some() && config.epoch_interruption).then(Arc::default);
        let watching = account.filter(|_| compiled.is_some()).map(Watching::begin);
        let inner = EngineInner { config, registry, epoch, stacks, compiled, watch, watching };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// Whether guests are compiled to machine code, rather than interpreted.
    #[inline]
    pub fn is_compiled(&self) -> bool {
        self.inner.compiled.is_some()
    }

    /// Compiles a module, binary or text, for [`Module::deserialize`].
    ///
    /// # Errors
    /// As for [`Module::new`] and [`Module::serialize`].
    pub fn precompile_module(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Module::new(self, bytes)?.serialize()
    }

    /// Whether bytes are what [`Engine::precompile_module`] gives, as far as their start tells.
    pub fn detect_precompiled(bytes: &[u8]) -> Option<Precompiled> {
        bytes.starts_with(&riser_code::image::MAGIC).then_some(Precompiled::Module)
    }

    /// The module's binary in what [`Engine::precompile_module`] gave, for an engine that cannot use its code.
    ///
    /// # Errors
    /// If it is something else, or damaged.
    pub fn module_in_precompiled(bytes: &[u8]) -> Result<Vec<u8>> {
        crate::raw::module_in(bytes)
    }

    /// Keeps what was compiled so far in the cache, if there is one. This happens by itself while programs run, and when modules are dropped; it has to be
    /// asked for where a process ends without dropping them.
    pub fn flush_cache(&self) {
        if let Some(compiled) = &self.inner.compiled {
            compiled.save();
        }
    }

    /// Who tells stores with compiled code of epochs.
    pub(crate) fn watch(&self) -> Option<&Arc<EpochWatch>> {
        self.inner.watch.as_ref()
    }

    /// What the compilers did so far, and in which code guests were. `None` if guests are interpreted, or if [`Config::tier_statistics`] is off.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let mut config = Config::new();
    /// config.tier_statistics(true);
    /// let engine = Engine::new(&config)?;
    /// let module = Module::new(&engine, r#"(module (func (export "f")) (func))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let f = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "f")?;
    /// f.call(&mut store, ())?;
    /// // There are none where nothing is compiled.
    /// let Some(statistics) = engine.tier_statistics() else { return Ok(()) };
    /// assert_eq!(statistics.baseline.functions + statistics.optimized.functions, 1);
    /// assert_eq!(statistics.loops_replaced, 0);
    /// # Ok(()) }
    /// ```
    pub fn tier_statistics(&self) -> Option<TierStatistics> {
        let statistics = self.inner.watching.as_ref()?.0.statistics();
        Some(TierStatistics { loops_replaced: self.loops_replaced(), ..statistics })
    }

    /// How often a loop that was running went on in better code so far, in any store. That happens only where functions get better code while they
    /// run ([`Strategy::Auto`] on x86-64).
    pub fn loops_replaced(&self) -> u64 {
        self.compiled().map_or(0, |compiled| compiled.loops_replaced())
    }

    /// Who looks in which code guests are.
    pub(crate) fn samples(&self) -> Option<&Arc<CodeSamples>> {
        self.inner.watching.as_ref().map(|watching| &watching.0.samples)
    }

    /// The compiler, if there is one.
    pub(crate) fn compiled(&self) -> Option<&Arc<CompiledEngine>> {
        self.inner.compiled.as_ref()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Advances the epoch by one tick, from any thread. Stores whose deadline that reaches are interrupted, if
    /// [`Config::epoch_interruption`] is on. Costs an atomic addition and, in a compiled engine, a look at each store, and may be called in a signal handler.
    pub fn increment_epoch(&self) {
        let now = self.inner.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(watch) = &self.inner.watch {
            watch.tick(now);
        }
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

    /// What [`Config::cache`] was set to.
    pub fn get_cache(&self) -> Option<&Cache> {
        self.config().cache.as_ref()
    }

    /// Whether both are the same engine.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// A stack for a store.
    pub(crate) fn take_stack(&self) -> Result<StoreStack, OutOfMemory> {
        let kept = self.inner.stacks.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let bytes = self.inner.config.wasm_stack_bytes;
        match kept {
            Some(stack) => Ok(stack),
            None if self.is_compiled() => {
                Ok(StoreStack::Machine(MachineStack::new(bytes, HOST_STACK_BYTES)?))
            }
            None => Ok(StoreStack::Slots(SlotStack::new(bytes)?)),
        }
    }

    /// Takes back the stack of a store that goes.
    pub(crate) fn give_stack(&self, stack: StoreStack) {
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
        Engine::new(&Config::default()).expect("the default configuration asks for nothing special")
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
