//! Modules in wasmtime.

use crate::outcome::{Outcome, Stop};
use std::cell::RefCell;
use wasmtime as runtime;
use wasmtime::{Config, Engine, FuncType, Module, SharedMemory, ThrownException, Trap, ValType};

#[path = "run.rs"]
#[allow(clippy::duplicate_mod, reason = "the same program for both runtimes")]
mod run;

fn stop(error: &wasmtime::Error) -> Stop {
    if error.is::<ThrownException>() {
        return Stop::Trap("exception");
    }
    let Some(trap) = error.downcast_ref::<Trap>() else { return Stop::Other };
    match trap {
        Trap::StackOverflow => Stop::StackOverflow,
        Trap::MemoryOutOfBounds => Stop::Trap("memory out of bounds"),
        Trap::HeapMisaligned => Stop::Trap("unaligned"),
        Trap::TableOutOfBounds => Stop::Trap("table out of bounds"),
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
        Trap::AllocationTooLarge => Stop::HeapFull,
        _ => Stop::Other,
    }
}

fn same_func_type(a: &FuncType, b: &FuncType) -> bool {
    FuncType::eq(a, b)
}

fn same_type(a: &ValType, b: &ValType) -> bool {
    ValType::eq(a, b)
}

fn bytes_of(memory: &SharedMemory) -> Vec<u8> {
    // SAFETY: the memory belongs to one store, whose only thread is here and not in the guest.
    memory.data().iter().map(|byte| unsafe { *byte.get() }).collect()
}

fn new_engine() -> Engine {
    let mut config = Config::new();
    config.wasm_memory64(true).wasm_multi_memory(true).wasm_tail_call(true);
    config
        .wasm_exceptions(true)
        .wasm_wide_arithmetic(true)
        .wasm_relaxed_simd(true)
        .relaxed_simd_deterministic(true)
        .wasm_function_references(true)
        .wasm_gc(true)
        .wasm_threads(true)
        .shared_memory(true)
        .wasm_custom_page_sizes(true);
    // Most of the time goes to compilers.
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    config.cranelift_regalloc_algorithm(wasmtime::RegallocAlgorithm::SinglePass);
    Engine::new(&config).expect("the configuration is fine")
}

/// After so many modules the engine is replaced by a new one.
const MODULES_PER_ENGINE: u32 = 256;

thread_local! {
    static ENGINE: RefCell<(Engine, u32)> = RefCell::new((new_engine(), 0));
}

/// Runs a module; `None` if it is not valid.
pub fn run(binary: &[u8], seed: u64, linked: bool) -> Option<Outcome> {
    let engine = ENGINE.with_borrow_mut(|(engine, modules)| {
        *modules += 1;
        if *modules > MODULES_PER_ENGINE {
            (*engine, *modules) = (new_engine(), 0);
        }
        engine.clone()
    });
    let module = Module::from_binary(&engine, binary).ok()?;
    Some(run::run(&engine, &module, run::Plan { seed, linked, fuel: false }))
}
