//! The door: from a body to an artifact.

use crate::asm::CpuFeatures;
use crate::plan::Plan;
use crate::translate::{Buffers, Translator};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;
use riser_abi::{VmCtxCounts, VmCtxLayout};
use riser_code::CodeArtifact;
use riser_front::Walker;
use riser_module::{Module, ModuleError};
use riser_ops::{FuncIdx, MemoryIdx};

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    what: Cow<'static, str>,
}

impl CompileError {
    pub(crate) fn new(what: impl Into<Cow<'static, str>>) -> CompileError {
        CompileError { what: what.into() }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot compile: {}", self.what)
    }
}

impl core::error::Error for CompileError {}

/// How functions are compiled. All code of one engine is made with the same options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BaselineOptions {
    /// Replace each NaN that an operator computes by the canonical one.
    pub canonicalize_nans: bool,
    /// Count fuel: see `docs/fuel.md`.
    pub fuel: bool,
    /// Memories with 32-bit addresses have guards (see [`riser_abi::is_guarded`]); otherwise every access is compared.
    pub guards: bool,
    /// Mask what a wrongly predicted comparison lets through: indices of tables, of branches and of compared accesses.
    pub spectre: bool,
    /// Count what is executed, and ask for better code (`VmCtx::budgets`): of functions, and of loops while they run.
    pub tier_up: bool,
}

impl Default for BaselineOptions {
    fn default() -> BaselineOptions {
        BaselineOptions {
            canonicalize_nans: false,
            fuel: false,
            guards: true,
            spectre: true,
            tier_up: false,
        }
    }
}

/// Makes machine code for one machine, with one set of options. Threads share it; each has a [`CompileContext`] of its
/// own.
#[derive(Clone, Debug)]
pub struct Compiler {
    options: BaselineOptions,
    features: CpuFeatures,
}

/// The memory that compiling takes: used for one function after the other.
#[derive(Debug, Default)]
pub struct CompileContext {
    walker: Walker,
    plan: Plan,
    buffers: Buffers,
}

/// A module, and how its instances lie in memory.
#[derive(Debug)]
pub(crate) struct Env<'a> {
    pub module: &'a Module,
    pub layout: VmCtxLayout,
    pub options: BaselineOptions,
    pub features: CpuFeatures,
}

impl Env<'_> {
    /// Whether accesses to a memory rely on its guard.
    pub fn is_guarded(&self, memory: MemoryIdx) -> bool {
        let ty = &self.module.memories[memory.index()];
        self.options.guards && riser_abi::is_guarded(ty.memory64, ty.page_size_log2)
    }
}

impl Compiler {
    /// For a processor with these extensions.
    pub fn new(options: BaselineOptions, features: CpuFeatures) -> Compiler {
        Compiler { options, features }
    }

    /// The options.
    pub fn options(&self) -> &BaselineOptions {
        &self.options
    }

    /// Memory for one thread that compiles.
    pub fn new_context(&self) -> CompileContext {
        CompileContext::default()
    }

    /// Makes the code of a defined function (0 is the first one that is not imported), whose body was validated.
    ///
    /// # Errors
    /// If the function is larger than the compiler can take, or there is no such function.
    ///
    /// # Panics
    /// Perhaps, if the body is not valid.
    pub fn function(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
    ) -> Result<CodeArtifact, CompileError> {
        let func = FuncIdx(module.imported.funcs.saturating_add(defined));
        let layout = VmCtxLayout::new(VmCtxCounts {
            imported_funcs: module.imported.funcs,
            memories: module.memories.len() as u32,
            tables: module.tables.len() as u32,
            globals: module.globals.len() as u32,
            tags: module.tags.len() as u32,
        });
        let env = Env { module, layout, options: self.options, features: self.features };
        let CompileContext { walker, plan, buffers } = cx;
        plan.has_fma = self.features.fma;
        walker.trusted(module, func, plan).map_err(|error| invalid(&error))?;
        let mut translator = Translator::new(&env, plan, buffers, defined);
        walker.trusted(module, func, &mut translator).map_err(|error| invalid(&error))?;
        translator.finish()
    }
}

fn invalid(error: &ModuleError) -> CompileError {
    let error: String = format!("a body that is not valid: {error}");
    CompileError::new(error)
}
