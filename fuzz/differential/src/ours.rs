//! Modules in Riser, in each of the ways to run.

use crate::outcome::{OUT_OF_FUEL, Outcome, Stop};
use riser as runtime;
use riser::{
    Cache, CacheConfig, Config, Engine, FuncType, Module, SharedMemory, Strategy, ThrownException,
    Trap, ValType,
};
use std::cell::RefCell;
use std::collections::HashMap;

#[path = "run.rs"]
mod run;

fn stop(error: &riser::Error) -> Stop {
    if error.is::<ThrownException>() {
        return Stop::Trap("exception");
    }
    let Some(trap) = error.downcast_ref::<Trap>() else { return Stop::Other };
    match trap {
        Trap::StackOverflow => Stop::StackOverflow,
        Trap::MemoryOutOfBounds => Stop::Trap("memory out of bounds"),
        Trap::HeapMisaligned => Stop::Trap("unaligned"),
        Trap::TableOutOfBounds | Trap::UndefinedElement => Stop::Trap("table out of bounds"),
        Trap::IndirectCallToNull => Stop::Trap("uninitialized element"),
        Trap::BadSignature => Stop::Trap("signature"),
        Trap::IntegerOverflow => Stop::Trap("integer overflow"),
        Trap::IntegerDivisionByZero => Stop::Trap("division by zero"),
        Trap::BadConversionToInteger => Stop::Trap("conversion"),
        Trap::UnreachableCodeReached => Stop::Trap("unreachable"),
        Trap::NullReference => Stop::Trap("null reference"),
        Trap::CastFailure => Stop::Trap("cast"),
        Trap::ArrayOutOfBounds => Stop::Trap("array out of bounds"),
        Trap::AtomicWaitNonSharedMemory => Stop::Trap("wait on memory of one thread"),
        Trap::OutOfFuel => Stop::Trap(OUT_OF_FUEL),
        Trap::AllocationTooLarge => Stop::HeapFull,
        _ => Stop::Other,
    }
}

fn same_func_type(a: &FuncType, b: &FuncType) -> bool {
    a == b
}

fn same_type(a: &ValType, b: &ValType) -> bool {
    a == b
}

fn bytes_of(memory: &SharedMemory) -> Vec<u8> {
    let mut bytes = vec![0; memory.data_size()];
    memory.read(0, &mut bytes).expect("it is as long");
    bytes
}

/// A way to run: what engines differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Way {
    pub strategy: Strategy,
    pub lazy: bool,
    /// Whether the module is run from what was written of it: everything, or in tiered ways what became hot in a run before.
    pub kept: bool,
    pub fuel: bool,
    /// Whether each object is made after a collection.
    pub stress: bool,
    /// What a function executes before it gets better code, if there is better code.
    pub budget: u32,
    /// Whether another thread makes better code.
    pub background: bool,
}

impl Way {
    /// Interpreted, with nothing else.
    pub const INTERPRETED: Way = Way {
        strategy: Strategy::Interpreter,
        lazy: true,
        kept: false,
        fuel: false,
        stress: false,
        budget: 0,
        background: false,
    };

    /// By one compiler or another, with all else as in this way.
    pub const fn by(self, strategy: Strategy) -> Way {
        Way { strategy, ..self }
    }

    fn engine(self, cache: Option<Cache>) -> Engine {
        let mut config = Config::new();
        config
            .cache(cache)
            .strategy(self.strategy)
            .lazy_compilation(self.lazy)
            .tier_up_budget(self.budget, 0)
            .tier_up_in_background(self.background)
            .consume_fuel(self.fuel)
            .gc_stress(self.stress)
            .relaxed_simd_deterministic(true)
            .parallel_compilation(false);
        Engine::new(&config).expect("the configuration is fine")
    }
}

/// After so many modules an engine is replaced by a new one.
const MODULES_PER_ENGINE: u32 = 256;

thread_local! {
    /// The engines that are in use, and how many modules they have seen.
    static ENGINES: RefCell<HashMap<Way, (Engine, u32)>> = RefCell::default();
}

fn engine(way: Way) -> Engine {
    if way.budget > 0 {
        // There are too many of these to keep.
        return way.engine(None);
    }
    ENGINES.with_borrow_mut(|engines| {
        let (engine, modules) = engines.entry(way).or_insert_with(|| (way.engine(None), 0));
        *modules += 1;
        if *modules > MODULES_PER_ENGINE {
            (*engine, *modules) = (way.engine(None), 0);
        }
        engine.clone()
    })
}

/// What a module did in a way.
pub struct Ran {
    /// Or why it is not valid.
    pub outcome: Result<Outcome, String>,
    /// How often a loop went on in better code.
    pub replaced: u64,
}

/// Runs a module in a way.
pub fn run(binary: &[u8], seed: u64, linked: bool, way: Way) -> Ran {
    let plan = run::Plan { seed, linked, fuel: way.fuel };
    if way.kept && way.strategy == Strategy::Auto {
        return run_again(binary, plan, way);
    }
    let engine = engine(way);
    let module = match Module::from_binary(&engine, binary) {
        Ok(module) => module,
        Err(error) => return Ran { outcome: Err(format!("{error:?}")), replaced: 0 },
    };
    if !way.kept {
        return run_module(&engine, &module, plan);
    }
    let kept = module.serialize().expect("it can be written");
    // SAFETY: the bytes were made by this program, in the line before.
    let module = unsafe { Module::deserialize(&engine, &kept) }.expect("it can be read");
    run_module(&engine, &module, plan)
}

fn run_module(engine: &Engine, module: &Module, plan: run::Plan) -> Ran {
    // An engine is used by one thread.
    let before = engine.loops_replaced();
    let outcome = run::run(engine, module, plan);
    Ran { outcome: Ok(outcome), replaced: engine.loops_replaced() - before }
}

/// Runs a module twice with a cache, in which the second run finds what became hot in the first. Both are to do the same.
fn run_again(binary: &[u8], plan: run::Plan, way: Way) -> Ran {
    let thread = std::thread::current().id();
    let folder = format!("riser-differential-{}-{thread:?}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    let mut config = CacheConfig::new();
    config.with_directory(&folder);
    let cache = Cache::new(config).expect("a cache");
    let mut first = None;
    for _ in 0..2 {
        let engine = way.engine(Some(cache.clone()));
        let module = match Module::from_binary(&engine, binary) {
            Ok(module) => module,
            Err(error) => return Ran { outcome: Err(format!("{error:?}")), replaced: 0 },
        };
        let mut ran = run_module(&engine, &module, plan);
        drop(module);
        engine.flush_cache();
        if let Some(Ran { outcome, replaced }) = first {
            assert!(ran.outcome == outcome, "{way:?}: the second run differs");
            ran.replaced += replaced;
        }
        first = Some(ran);
    }
    cache.clear().expect("the cache is ours");
    let _ = std::fs::remove_dir_all(&folder);
    first.expect("it ran")
}
