//! The door: from a body to an artifact.

use crate::asm::{Asm, CpuFeatures};
use crate::plan::Plan;
use crate::translate::{Buffers, Translator};
use alloc::format;
use alloc::string::String;
use core::ptr;
use core::sync::atomic::AtomicI32;
use riser_abi::{Budgets, VmCtxLayout};
use riser_code::{ArtifactView, CodeArtifact, CodeOptions, CompileError};
use riser_front::Walker;
use riser_module::{Module, ModuleError};
use riser_ops::{FuncIdx, MemoryIdx};

/// Makes machine code for one machine, with one set of options. Threads share it; each has a [`CompileContext`] of its
/// own.
#[derive(Clone, Debug)]
pub struct Compiler {
    options: CodeOptions,
    features: CpuFeatures,
    budgets: Option<Budgets>,
    notes_operators: bool,
}

/// The memory that compiling takes: used for one function after the other.
#[derive(Debug, Default)]
pub struct CompileContext {
    walker: Walker,
    plan: Plan,
    buffers: Buffers,
}

impl CompileContext {
    /// For code that is not of a body.
    pub(crate) fn asm(&mut self) -> &mut Asm {
        &mut self.buffers.asm
    }
}

/// A module, and how its instances lie in memory.
#[derive(Debug)]
pub(crate) struct Env<'a> {
    pub module: &'a Module,
    /// The module's bytes.
    pub bytes: &'a [u8],
    pub layout: VmCtxLayout,
    pub options: CodeOptions,
    pub features: CpuFeatures,
    /// The budgets of functions, if code counts what it executes.
    pub budgets: Option<Budgets>,
    /// Where the function's own budget is then.
    pub budget: *const AtomicI32,
    /// Whether it is noted where each operator's code begins.
    pub notes_operators: bool,
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
    pub fn new(options: CodeOptions, features: CpuFeatures) -> Compiler {
        Compiler { options, features, budgets: None, notes_operators: false }
    }

    /// The same, whose code counts what it executes, and asks for better code ([`Budgets`]): of functions, and of loops while they run.
    pub fn counting(self, budgets: Budgets) -> Compiler {
        Compiler { budgets: Some(budgets), ..self }
    }

    /// The same, which notes of all code which operator it is of, for people who read it. Otherwise it does so where code may trap or calls
    /// something.
    pub fn noting_operators(self) -> Compiler {
        Compiler { notes_operators: true, ..self }
    }

    /// The options.
    pub fn options(&self) -> &CodeOptions {
        &self.options
    }

    /// Memory for one thread that compiles.
    pub fn new_context(&self) -> CompileContext {
        CompileContext::default()
    }

    /// Makes the code of a defined function (0 is the first one that is not imported), whose body was validated: to look at. Code that
    /// counts has its budget nowhere, so it cannot be run.
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
        Ok(self.function_view(cx, module, defined, ptr::null())?.to_artifact())
    }

    /// The same, in memory that the next function is made in. `budget` is the function's own if code counts: it must be there for as long as the
    /// code is.
    ///
    /// # Errors
    /// As for [`Compiler::function`].
    ///
    /// # Panics
    /// As for [`Compiler::function`].
    pub fn function_view<'c>(
        &self,
        cx: &'c mut CompileContext,
        module: &Module,
        defined: u32,
        budget: *const AtomicI32,
    ) -> Result<ArtifactView<'c>, CompileError> {
        let func = FuncIdx(module.imported.funcs.saturating_add(defined));
        let Compiler { options, features, budgets, notes_operators } = *self;
        let layout = module.vmctx_layout();
        let bytes: &[u8] = &module.bytes;
        let env =
            Env { module, bytes, layout, options, features, budgets, budget, notes_operators };
        let CompileContext { walker, plan, buffers } = cx;
        plan.has_fma = self.features.fma;
        plan.make(walker, module, func).map_err(|error| invalid(&error))?;
        loop {
            let mut translator = Translator::new(&env, plan, buffers, defined);
            walker.trusted(module, func, &mut translator).map_err(|error| invalid(&error))?;
            if translator.frame_fits() {
                let slots = translator.finish()?;
                return Ok(buffers.view(slots));
            }
            plan.has_large_frame = true;
        }
    }
}

fn invalid(error: &ModuleError) -> CompileError {
    let error: String = format!("a body that is not valid: {error}");
    CompileError::new(error)
}
