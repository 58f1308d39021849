//! Configuration of an engine.

use crate::describe::Describer;
use crate::symbols::Symbolizer;
use crate::{Cache, DescribeCode, ProfilingStrategy, Symbolize};
use core::num::NonZeroUsize;
use riser_abi::Budgets;
use riser_module::ModuleLimits;
use riser_ops::Features;
use std::sync::Arc;

/// What an [`Engine`](crate::Engine) accepts and how it runs it.
///
/// ```
/// use riser::{Config, Engine, Module};
///
/// let mut config = Config::new();
/// config.wasm_simd(false).wasm_relaxed_simd(false);
/// let engine = Engine::new(&config).unwrap();
/// assert!(Module::new(&engine, "(module (func (param v128)))").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) limits: ModuleLimits,
    pub(crate) wasm_stack_bytes: usize,
    pub(crate) canonicalize_nan: bool,
    pub(crate) relaxed_deterministic: bool,
    pub(crate) consume_fuel: bool,
    pub(crate) epoch_interruption: bool,
    pub(crate) gc_stress: bool,
    pub(crate) shared_memory: bool,
    pub(crate) parallel: bool,
    /// The most frames of a backtrace; 0 for none.
    pub(crate) backtrace_max: usize,
    pub(crate) symbolizer: Option<Symbolizer>,
    pub(crate) strategy: Strategy,
    pub(crate) tier_up: TierUp,
    pub(crate) lazy: bool,
    pub(crate) cache: Option<Cache>,
    pub(crate) profiling: ProfilingStrategy,
    pub(crate) describer: Option<Describer>,
    pub(crate) debug_info: bool,
    pub(crate) tier_statistics: bool,
}

/// A guest's stack holds all locals of its frames, 8 bytes each. CPython's deepest recursion that its own limit
/// allows takes about 3 MiB of it.
const WASM_STACK_BYTES: usize = 8 << 20;

/// As many frames as a person reads.
const BACKTRACE_MAX: usize = 20;

impl Default for Config {
    fn default() -> Config {
        Config {
            features: Features::default(),
            limits: ModuleLimits::default(),
            wasm_stack_bytes: WASM_STACK_BYTES,
            canonicalize_nan: false,
            relaxed_deterministic: false,
            consume_fuel: false,
            epoch_interruption: false,
            gc_stress: false,
            shared_memory: true,
            parallel: true,
            backtrace_max: BACKTRACE_MAX,
            symbolizer: None,
            strategy: Strategy::Auto,
            tier_up: TierUp::default(),
            lazy: true,
            cache: None,
            profiling: ProfilingStrategy::None,
            describer: None,
            debug_info: false,
            tier_statistics: false,
        }
    }
}

/// How guests are run.
///
/// ```
/// use riser::{Config, Engine, Strategy};
///
/// let mut config = Config::new();
/// config.strategy(Strategy::Interpreter);
/// assert!(!Engine::new(&config).unwrap().is_compiled());
/// assert_eq!(Strategy::default(), Strategy::Auto);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Whatever starts at once and becomes fast. On Linux on x86-64, the baseline compiler makes the first code of a function, and the optimizing one,
    /// in the background, better code of what is executed most: functions go on in that even in the middle of a loop. On aarch64
    /// the optimizing compiler makes all code. Elsewhere guests are interpreted;
    /// [`Engine::is_compiled`](crate::Engine::is_compiled) tells.
    #[default]
    Auto,
    /// Compiled by the baseline compiler, quickly, to slower code. For x86-64 only.
    Baseline,
    /// Compiled by the optimizing compiler, whose back end is Cranelift.
    Cranelift,
    /// Interpreted.
    Interpreter,
}

/// When functions get better code, where they get it while they run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TierUp {
    /// What functions may execute before.
    pub budgets: Budgets,
    /// Whether another thread makes the code, while the function goes on.
    pub in_background: bool,
}

impl Default for TierUp {
    fn default() -> TierUp {
        TierUp { budgets: Budgets::USUAL, in_background: true }
    }
}

/// Declares a switch per proposal.
macro_rules! proposals {
    ($($(#[$doc:meta])* $name:ident = $feature:ident;)*) => {
        impl Config {$(
            $(#[$doc])*
            pub fn $name(&mut self, enable: bool) -> &mut Self {
                self.features = self.features.with(Features::$feature, enable);
                self
            }
        )*}
    };
}

proposals! {
    /// Calls that replace their caller. On by default, as all proposals are.
    wasm_tail_call = TAIL_CALL;
    /// Memories with pages of one byte.
    wasm_custom_page_sizes = CUSTOM_PAGE_SIZES;
    /// Shared memories and atomics.
    wasm_threads = THREADS;
    /// `externref`, several tables, table operators.
    wasm_reference_types = REFERENCE_TYPES;
    /// Typed function references.
    wasm_function_references = FUNCTION_REFERENCES;
    /// 128-bit arithmetic on pairs of integers.
    wasm_wide_arithmetic = WIDE_ARITHMETIC;
    /// Structures, arrays, recursive types, casts.
    wasm_gc = GC;
    /// 128-bit vectors.
    wasm_simd = SIMD;
    /// Vector operators whose result may depend on the machine.
    wasm_relaxed_simd = RELAXED_SIMD;
    /// Bulk memory and table operators.
    wasm_bulk_memory = BULK_MEMORY;
    /// Several results, block types from the type section.
    wasm_multi_value = MULTI_VALUE;
    /// Several memories.
    wasm_multi_memory = MULTI_MEMORY;
    /// 64-bit memories and tables.
    wasm_memory64 = MEMORY64;
    /// Integer arithmetic in constant expressions.
    wasm_extended_const = EXTENDED_CONST;
    /// Tags and exceptions.
    wasm_exceptions = EXCEPTIONS;
    /// The older form of exceptions.
    wasm_legacy_exceptions = LEGACY_EXCEPTIONS;
}

impl Config {
    /// The default configuration: every proposal on, nothing counted, nothing interrupted.
    pub fn new() -> Config {
        Config::default()
    }

    /// Sets the whole set of proposals by the names that options use, such as `tail-call`; `None` if one is
    /// unknown.
    pub fn wasm_features_by_name<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Option<&mut Self> {
        let mut features = Features::MVP;
        for name in names {
            features = features | Features::by_name(name)?;
        }
        self.features = features;
        Some(self)
    }

    /// The names of the proposals that are on.
    pub fn wasm_feature_names(&self) -> impl Iterator<Item = &'static str> {
        self.features.names()
    }

    /// How guests are run: [`Strategy::Auto`] by default. The results are the same.
    ///
    /// ```
    /// use riser::{Config, Engine, Strategy};
    ///
    /// let engine = Engine::new(Config::new().strategy(Strategy::Interpreter)).unwrap();
    /// assert!(!engine.is_compiled());
    /// ```
    pub fn strategy(&mut self, strategy: Strategy) -> &mut Self {
        self.strategy = strategy;
        self
    }

    /// How much a function may execute before the optimizing compiler makes better code of it, with [`Strategy::Auto`] on x86-64: in about as
    /// many bytes of operators, and so much more for each byte of the function. With 0 and 0, every function that is called gets it at
    /// once; with [`u32::MAX`], none ever does. The results are the same.
    ///
    /// ```
    /// use riser::{Config, Engine};
    ///
    /// let mut config = Config::new();
    /// config.tier_up_budget(100_000, 0);
    /// let engine = Engine::new(&config).unwrap();
    /// ```
    pub fn tier_up_budget(&mut self, budget: u32, per_byte: u32) -> &mut Self {
        self.tier_up.budgets = Budgets { base: budget, per_byte };
        self
    }

    /// Whether better code is made by another thread while the guest goes on. On by default; otherwise the guest waits for it, and
    /// what is executed when depends on nothing but the guest.
    pub fn tier_up_in_background(&mut self, enable: bool) -> &mut Self {
        self.tier_up.in_background = enable;
        self
    }

    /// Whether functions are compiled when they are called first, rather than all when their module is made (then on
    /// several threads, unless [`Config::parallel_compilation`] is off). On by default.
    pub fn lazy_compilation(&mut self, enable: bool) -> &mut Self {
        self.lazy = enable;
        self
    }

    /// How many bytes the Wasm frames of a store may take. A guest that needs more traps with
    /// [`Trap::StackOverflow`](crate::Trap::StackOverflow). The memory is taken from the system as it is used.
    pub fn max_wasm_stack(&mut self, bytes: usize) -> &mut Self {
        self.wasm_stack_bytes = bytes;
        self
    }

    /// Whether results that are NaN have the canonical bits, on every machine. (The name is that of the `wasmtime`
    /// API; no Cranelift is involved.)
    pub fn cranelift_nan_canonicalization(&mut self, enable: bool) -> &mut Self {
        self.canonicalize_nan = enable;
        self
    }

    /// Whether relaxed vector operators have the same results on every machine.
    pub fn relaxed_simd_deterministic(&mut self, enable: bool) -> &mut Self {
        self.relaxed_deterministic = enable;
        self
    }

    /// Whether execution consumes fuel, of which a new store has none: see
    /// [`Store::set_fuel`](crate::Store::set_fuel). Off by default.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Self {
        self.consume_fuel = enable;
        self
    }

    /// Whether stores collect garbage before each allocation and overwrite what they leave: for tests of the runtime and
    /// of embedders, which then find out about references that are no longer good. Off by default.
    pub fn gc_stress(&mut self, enable: bool) -> &mut Self {
        self.gc_stress = enable;
        self
    }

    /// Whether execution can be interrupted by epochs: each function and each turn of a loop looks whether
    /// [`Engine::increment_epoch`](crate::Engine::increment_epoch) has reached the store's deadline. Off by default.
    ///
    /// A new store's deadline is reached already: set one with
    /// [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline) before guests run.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Self {
        self.epoch_interruption = enable;
        self
    }

    /// Whether shared memories can be made, by the host or by an instance. On by default. Unlike
    /// [`Config::wasm_threads`], which decides whether modules may have them and atomic operators at all, this leaves
    /// modules as valid as they are.
    ///
    /// ```
    /// use riser::{Config, Engine, MemoryType, SharedMemory};
    ///
    /// let engine = Engine::new(Config::new().shared_memory(false)).unwrap();
    /// assert!(SharedMemory::new(&engine, MemoryType::shared(1, 1)).is_err());
    /// ```
    pub fn shared_memory(&mut self, enable: bool) -> &mut Self {
        self.shared_memory = enable;
        self
    }

    /// Whether large modules are validated on several threads. On by default.
    pub fn parallel_compilation(&mut self, enable: bool) -> &mut Self {
        self.parallel = enable;
        self
    }

    /// Whether errors carry a [`WasmBacktrace`](crate::WasmBacktrace). On by default.
    pub fn wasm_backtrace(&mut self, enable: bool) -> &mut Self {
        self.backtrace_max = if enable { BACKTRACE_MAX } else { 0 };
        self
    }

    /// The most frames that a backtrace lists; `None` turns backtraces off.
    pub fn wasm_backtrace_max_frames(&mut self, limit: Option<NonZeroUsize>) -> &mut Self {
        self.backtrace_max = limit.map_or(0, NonZeroUsize::get);
        self
    }

    /// Lets `hook` find the functions, files and lines of the source to which the frames of backtraces belong:
    /// [`FrameInfo::symbols`](crate::FrameInfo::symbols). Without it there are none.
    pub fn symbolizer(&mut self, hook: Arc<dyn Symbolize>) -> &mut Self {
        self.symbolizer = Some(Symbolizer(hook));
        self
    }

    /// Keeps compiled code between runs, and uses what was kept. Without it, which is the default, every run begins anew.
    pub fn cache(&mut self, cache: Option<Cache>) -> &mut Self {
        self.cache = cache;
        self
    }

    /// Lets `hook` describe compiled code to debuggers and profilers of the system: the lines of the source, and object files. `riser-inspect` has
    /// one. It is asked only if [`Config::debug_info`] is on, or for [`ProfilingStrategy::JitDump`].
    pub fn code_describer(&mut self, hook: Arc<dyn DescribeCode>) -> &mut Self {
        self.describer = Some(Describer(hook));
        self
    }

    /// Whether debuggers such as `gdb` are told about compiled functions, by GDB's interface for code that is made while a program runs: with
    /// their names, their frames, and what [`Config::code_describer`] knows of their source. Off by default.
    pub fn debug_info(&mut self, enable: bool) -> &mut Self {
        self.debug_info = enable;
        self
    }

    /// Whether the engine counts what its compilers do, measures how long they take, and looks a thousand times a second, from a thread of its own, in which code
    /// guests are: for [`Engine::tier_statistics`](crate::Engine::tier_statistics). Off by default; then nothing of it is done. What guests do is the same.
    pub fn tier_statistics(&mut self, enable: bool) -> &mut Self {
        self.tier_statistics = enable;
        self
    }

    /// Tells a profiler of the system about compiled code. Off by default.
    pub fn profiler(&mut self, strategy: ProfilingStrategy) -> &mut Self {
        self.profiling = strategy;
        self
    }
}
