//! Execution inside of the fuzzer's process: functions without arguments, interpreted, in baseline code, and in code that is replaced at
//! once, must return and leave the same. Calls that any way runs out of a limit in are not compared.
//!
//! `fuzz/differential/` compares much more; here the point is that the runtime around the code is watched by AddressSanitizer.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use riser::{
    Config, Engine, Extern, Instance, Module, Store, StoreLimits, StoreLimitsBuilder, Strategy,
    Trap, Val,
};
use std::sync::LazyLock;

/// So many turns of loops and calls.
const BUDGET: u32 = 500;

/// So much memory.
const MEMORY_MAX: usize = 16 << 20;

static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
    let ways = [
        (Strategy::Interpreter, 0, false),
        (Strategy::Baseline, 0, false),
        (Strategy::Baseline, 0, true),
        (Strategy::Auto, 0, false),
        (Strategy::Auto, 300, true),
    ];
    let engine = |(strategy, budget, stress)| {
        let mut config = Config::new();
        config.strategy(strategy).tier_up_budget(budget, 0).tier_up_in_background(false);
        config.gc_stress(stress).relaxed_simd_deterministic(true).parallel_compilation(false);
        Engine::new(&config).expect("there are all compilers")
    };
    ways.into_iter().map(engine).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let mut u = Unstructured::new(bytes);
    let Ok(module) = riser_fuzz::ending_module(&mut u, BUDGET) else { return };
    let outcomes: Vec<Option<Vec<String>>> =
        ENGINES.iter().map(|engine| run(engine, &module)).collect();
    let Some(interpreted) = &outcomes[0] else { return };
    for (number, outcome) in outcomes.iter().enumerate() {
        let Some(outcome) = outcome else { continue };
        assert_eq!(outcome, interpreted, "way {number}");
    }
});

/// What a module does; `None` if it meets a limit.
fn run(engine: &Engine, module: &[u8]) -> Option<Vec<String>> {
    let module = Module::from_binary(engine, module).ok()?;
    let limits = StoreLimitsBuilder::new().memory_size(MEMORY_MAX).build();
    let mut store = Store::new(engine, limits);
    store.limiter(|limits: &mut StoreLimits| limits);
    let instance = Instance::new(&mut store, &module, &[]).ok()?;
    let mut events = Vec::new();
    for export in module.exports() {
        let Some(Extern::Func(func)) = instance.get_export(&mut store, export.name()) else {
            continue;
        };
        let ty = func.ty(&store);
        if ty.params().len() > 0 {
            continue;
        }
        let mut results = vec![Val::I32(0); ty.results().len()];
        let event = match func.call(&mut store, &[], &mut results) {
            Ok(()) => results.iter().map(show).collect::<Vec<_>>().join(" "),
            Err(error) => match error.downcast_ref() {
                Some(Trap::StackOverflow | Trap::AllocationTooLarge) => return None,
                Some(trap) => format!("{trap:?}"),
                None => {
                    let _ = store.take_pending_exception();
                    "another error".into()
                }
            },
        };
        events.push(event);
    }
    for export in module.exports() {
        let global = instance.get_export(&mut store, export.name()).and_then(Extern::into_global);
        if let Some(global) = global {
            events.push(show(&global.get(&mut store)));
        }
    }
    Some(events)
}

fn show(value: &Val) -> String {
    match value {
        Val::I32(_) | Val::I64(_) => format!("{value:?}"),
        // Which NaN it is may differ.
        Val::F32(bits) if f32::from_bits(*bits).is_nan() => "NaN".into(),
        Val::F64(bits) if f64::from_bits(*bits).is_nan() => "NaN".into(),
        Val::F32(_) | Val::F64(_) => format!("{value:?}"),
        _ => "a vector or a reference".into(),
    }
}
