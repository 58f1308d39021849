//! What options mean for an engine.

use std::num::NonZeroUsize;

use riser::{Cache, CacheConfig, Config, Engine, ProfilingStrategy, Strategy};
use riser_ops::Features;

use crate::errors::{Report, SHOWN_FRAMES};
use crate::options::{CompileOptions, General, ProfileForm, RunOptions, Tier, WasmChange};
use crate::style;

/// How many frames of a backtrace `--verbose` shows.
const VERBOSE_FRAMES: usize = 10_000;

/// The configuration with the features that `--wasm` asks for.
pub fn config(wasm: &[WasmChange]) -> Result<Config, Report> {
    let mut config = Config::new();
    let features = WasmChange::apply(wasm);
    if features != Features::ALL {
        let known = config.wasm_features_by_name(features.names()).is_some();
        known
            .then_some(())
            .ok_or_else(|| Report::new("the engine does not know one of the features"))?;
    }
    Ok(config)
}

/// The configuration for running a program.
pub fn run_config(options: &RunOptions, general: &General) -> Result<Config, Report> {
    let mut config = config(&options.wasm)?;
    set_backtrace(&mut config, general.verbose);
    config.symbolizer(riser_inspect::symbolizer());
    if let Some(bytes) = options.max_stack {
        config.max_wasm_stack(bytes);
    }
    config.consume_fuel(options.fuel.is_some());
    config.epoch_interruption(options.timeout.is_some());
    config.cranelift_nan_canonicalization(options.deterministic);
    config.relaxed_simd_deterministic(options.deterministic);
    let tier = if options.interp { Some(Tier::Interp) } else { options.tier };
    config.strategy(match tier {
        None | Some(Tier::Auto) => Strategy::Auto,
        Some(Tier::Opt) => Strategy::Cranelift,
        Some(Tier::Baseline) => Strategy::Baseline,
        Some(Tier::Interp) => Strategy::Interpreter,
    });
    if let Some((budget, per_byte)) = options.tier_up_budget {
        config.tier_up_budget(budget, per_byte);
    }
    // How deep a recursion can be depends on when functions get better code, and on what earlier runs have left.
    let is_repeatable = options.deterministic && matches!(tier, None | Some(Tier::Auto));
    config.tier_up_in_background(!is_repeatable);
    if tier != Some(Tier::Interp) && !options.no_cache && !is_repeatable {
        config.cache(cache(general.verbose));
    }
    config.profiler(match options.profile {
        None => ProfilingStrategy::None,
        Some(ProfileForm::Perfmap) => ProfilingStrategy::PerfMap,
        Some(ProfileForm::Jitdump) => ProfilingStrategy::JitDump,
    });
    config.code_describer(riser_inspect::describer());
    config.debug_info(options.debug_info);
    config.tier_statistics(options.report.is_some());
    Ok(config)
}

/// The configuration for compiling ahead of time. What decides about code is the same as for running.
pub fn compile_config(options: &CompileOptions) -> Result<Config, Report> {
    let mut config = config(&options.wasm)?;
    config.strategy(Strategy::Cranelift);
    config.consume_fuel(options.fuel);
    config.cranelift_nan_canonicalization(options.deterministic);
    config.relaxed_simd_deterministic(options.deterministic);
    Ok(config)
}

/// The cache, if there can be one. Programs run without it too.
fn cache(verbose: bool) -> Option<Cache> {
    let cache = Cache::new(CacheConfig::new());
    if let (true, Err(error)) = (verbose, &cache) {
        style::eprint(&format!("riser: nothing is cached: {error:#}\n"));
    }
    cache.ok()
}

/// Sets how many frames a backtrace has: one more than is shown, to know that there are more.
fn set_backtrace(config: &mut Config, verbose: bool) {
    let frames = if verbose { VERBOSE_FRAMES } else { SHOWN_FRAMES + 1 };
    config.wasm_backtrace_max_frames(NonZeroUsize::new(frames));
}

/// The engine.
pub fn engine(config: &Config) -> Result<Engine, Report> {
    Engine::new(config)
        .map_err(|error| Report::new(format!("the engine cannot be set up: {error:#}")))
}
