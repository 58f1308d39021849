//! The compilers of an engine: which one makes the code of a function.

use crate::{Config, Error, Result, Strategy};
use riser_baseline::BaselineOptions;
use riser_baseline::asm::CpuFeatures;
use riser_code::CodeArtifact;
use riser_module::Module;
use riser_opt::OptOptions;
use riser_vm::CompileFailure;

/// See the module's documentation.
pub(super) struct Compilers {
    /// Makes the trampolines, too.
    pub opt: riser_opt::Compiler,
    /// Makes the code of functions, if it is there.
    baseline: Option<riser_baseline::Compiler>,
}

/// The memory that compiling takes: used for one function after the other.
pub(super) struct CompileContext {
    pub opt: riser_opt::CompileContext,
    baseline: riser_baseline::CompileContext,
}

impl Compilers {
    /// # Errors
    /// If this machine has no such compiler.
    pub fn new(config: &Config) -> Result<Compilers> {
        let guards = !riser_sys::address_space_limited();
        let options = OptOptions {
            canonicalize_nans: config.canonicalize_nan,
            fuel: config.consume_fuel,
            guards,
            ..OptOptions::default()
        };
        let opt = riser_opt::Compiler::host(options).map_err(Error::new)?;
        let baseline = match config.strategy {
            Strategy::Baseline => {
                let Some(features) = cpu_features() else {
                    return Err(Error::msg("there is no baseline compiler for this machine"));
                };
                let options = BaselineOptions {
                    canonicalize_nans: options.canonicalize_nans,
                    fuel: options.fuel,
                    guards: options.guards,
                    spectre: options.spectre,
                };
                Some(riser_baseline::Compiler::new(options, features))
            }
            _ => None,
        };
        Ok(Compilers { opt, baseline })
    }

    /// Whether memories have guards.
    pub fn guards(&self) -> bool {
        self.opt.options().guards
    }

    /// Whether code is worth keeping: making it anew takes longer than reading it.
    pub fn is_worth_keeping(&self) -> bool {
        self.baseline.is_none()
    }

    /// Tells code of these compilers from code of others.
    pub fn fingerprint(&self) -> String {
        let first = self.baseline.as_ref().map_or("", |_| "baseline, ");
        format!("{first}{}", self.opt.fingerprint())
    }

    /// Memory for one thread that compiles.
    pub fn new_context(&self) -> CompileContext {
        CompileContext { opt: self.opt.new_context(), baseline: Default::default() }
    }

    /// Makes the code of a function.
    pub fn function(
        &self,
        context: &mut CompileContext,
        module: &Module,
        defined: u32,
    ) -> Result<CodeArtifact, CompileFailure> {
        Ok(match &self.baseline {
            Some(compiler) => compiler.function(&mut context.baseline, module, defined)?,
            None => self.opt.function(&mut context.opt, module, defined)?,
        })
    }
}

/// What the processor has, if there is a baseline compiler for it.
#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Option<CpuFeatures> {
    use std::arch::is_x86_feature_detected as has;
    Some(CpuFeatures {
        lzcnt: has!("lzcnt"),
        bmi1: has!("bmi1"),
        bmi2: has!("bmi2"),
        popcnt: has!("popcnt"),
        sse42: has!("sse4.2"),
        fma: has!("fma"),
        avx: has!("avx"),
    })
}

/// What the processor has, if there is a baseline compiler for it.
#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Option<CpuFeatures> {
    None
}
