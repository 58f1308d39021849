//! The compilers of an engine: which one makes the code of a function.

use crate::tiers::{Account, Work};
use crate::{Config, Error, ProfilingStrategy, Result, Strategy};
use core::sync::atomic::AtomicI32;
use riser_baseline::asm::CpuFeatures;
use riser_code::image::TrampolineKind;
use riser_code::{ArtifactView, CodeArtifact, CodeOptions, CompileError};
use riser_module::Module;
use riser_ops::FuncType;
use riser_vm::CompileFailure;
use std::sync::Arc;
use std::time::Instant;

/// See the module's documentation.
pub(super) struct Compilers {
    opt: riser_opt::Compiler,
    baseline: Option<riser_baseline::Compiler>,
    /// Whether the optimizing compiler makes code of functions.
    optimizes: bool,
    /// What they do is counted here.
    account: Option<Arc<Account>>,
}

/// The memory that compiling takes: used for one function after the other.
#[derive(Default)]
pub(super) struct CompileContext {
    opt: Option<riser_opt::CompileContext>,
    baseline: riser_baseline::CompileContext,
}

impl CompileContext {
    fn opt(&mut self, compiler: &riser_opt::Compiler) -> &mut riser_opt::CompileContext {
        self.opt.get_or_insert_with(|| compiler.new_context())
    }
}

impl Compilers {
    /// # Errors
    /// If this machine has no such compiler.
    pub fn new(config: &Config, account: Option<Arc<Account>>) -> Result<Compilers> {
        let options = CodeOptions {
            canonicalize_nans: config.canonicalize_nan,
            fuel: config.consume_fuel,
            guards: !riser_sys::address_space_limited(),
            ..CodeOptions::default()
        };
        let opt = riser_opt::Compiler::host(options).map_err(Error::new)?;
        let optimizes = config.strategy != Strategy::Baseline;
        let features = match config.strategy {
            Strategy::Baseline | Strategy::Auto => cpu_features(),
            Strategy::Cranelift | Strategy::Interpreter => None,
        };
        if features.is_none() && config.strategy == Strategy::Baseline {
            return Err(Error::msg("there is no baseline compiler for this machine"));
        }
        let new = |features| {
            let compiler = riser_baseline::Compiler::new(options, features);
            // Whoever is told of code is told of each operator.
            let is_told = config.debug_info || config.profiling != ProfilingStrategy::None;
            let compiler = if is_told { compiler.noting_operators() } else { compiler };
            if optimizes { compiler.counting(config.tier_up.budgets) } else { compiler }
        };
        Ok(Compilers { opt, baseline: features.map(new), optimizes, account })
    }

    /// Whether memories have guards.
    pub fn guards(&self) -> bool {
        self.opt.options().guards
    }

    /// Whether functions get better code when they are hot.
    pub fn tiers_up(&self) -> bool {
        self.optimizes && self.baseline.is_some()
    }

    /// Whether any code is worth keeping. To make baseline code anew takes as long as to read it.
    pub fn is_worth_keeping(&self) -> bool {
        self.optimizes
    }

    /// Tells code of these compilers from code of others.
    pub fn fingerprint(&self) -> String {
        let first = if self.optimizes { "" } else { "baseline, " };
        format!("{first}{}", self.opt.fingerprint())
    }

    /// Makes a trampoline, by whichever compiler is quicker.
    pub fn trampoline(
        &self,
        context: &mut CompileContext,
        kind: TrampolineKind,
        ty: &FuncType,
    ) -> Result<CodeArtifact, CompileError> {
        let opt = &self.opt;
        match (&self.baseline, kind) {
            (Some(compiler), TrampolineKind::Entry) => {
                compiler.entry_trampoline(&mut context.baseline, ty)
            }
            (Some(compiler), TrampolineKind::Host) => {
                compiler.host_trampoline(&mut context.baseline, ty)
            }
            (None, TrampolineKind::Entry) => opt.entry_trampoline(context.opt(opt), ty),
            (None, TrampolineKind::Host) => opt.host_trampoline(context.opt(opt), ty),
        }
    }

    /// Makes the code that a function has first, and gives it to `take`. Code that counts does so in `budget`.
    pub fn first<R>(
        &self,
        context: &mut CompileContext,
        module: &Module,
        defined: u32,
        budget: *const AtomicI32,
        take: impl FnOnce(ArtifactView<'_>) -> Result<R, CompileFailure>,
    ) -> Result<R, CompileFailure> {
        match &self.baseline {
            Some(compiler) => take(self.counted(Work::Baseline, || {
                Ok(compiler.function_view(&mut context.baseline, module, defined, budget)?)
            })?),
            None => take(self.optimized(context, module, defined)?.view()),
        }
    }

    /// Makes the best code of a function.
    pub fn optimized(
        &self,
        context: &mut CompileContext,
        module: &Module,
        defined: u32,
    ) -> Result<CodeArtifact, CompileFailure> {
        self.counted(Work::Optimized, || {
            Ok(self.opt.function(context.opt(&self.opt), module, defined)?)
        })
    }

    /// Makes the best code for the rest of a function from a loop on.
    pub fn optimized_loop(
        &self,
        context: &mut CompileContext,
        module: &Module,
        defined: u32,
        at: u32,
    ) -> Result<CodeArtifact, CompileFailure> {
        self.counted(Work::Loop, || {
            Ok(self.opt.loop_entry(context.opt(&self.opt), module, defined, at)?)
        })
    }

    /// Who counts what is done, if somebody does.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_deref()
    }

    /// Compiles, and counts it.
    fn counted<T>(
        &self,
        work: Work,
        compile: impl FnOnce() -> Result<T, CompileFailure>,
    ) -> Result<T, CompileFailure> {
        let Some(account) = self.account() else { return compile() };
        let begun = Instant::now();
        let made = compile()?;
        account.made(work, begun);
        Ok(made)
    }
}

/// What the processor has, if there is a baseline compiler for it.
fn cpu_features() -> Option<CpuFeatures> {
    CpuFeatures::find(riser_sys::x86_64_extension)
}
