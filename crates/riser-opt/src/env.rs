//! What is the same for all functions of a module while they are compiled.

use crate::signature::LowHalf;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use riser_abi::{VmCtxCounts, VmCtxLayout};
use riser_module::Module;
use riser_ops::MemoryIdx;

/// How functions are compiled. Code that was made with other options is other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OptOptions {
    /// Replace each NaN that an operator computes by the canonical one.
    pub canonicalize_nans: bool,
    /// Count fuel: see `docs/fuel.md`.
    pub fuel: bool,
    /// Memories with 32-bit addresses have guards (see [`riser_abi::is_guarded`]); otherwise every access is compared.
    pub guards: bool,
    /// Mask what a wrongly predicted comparison lets through: indices of tables and of compared accesses.
    pub spectre: bool,
    /// Let Cranelift check what it is given, which takes time: for tests.
    pub verify: bool,
}

impl Default for OptOptions {
    fn default() -> OptOptions {
        OptOptions {
            canonicalize_nans: false,
            fuel: false,
            guards: true,
            spectre: true,
            verify: cfg!(debug_assertions),
        }
    }
}

/// A module, and how its instances lie in memory.
pub(crate) struct Env<'a> {
    pub module: &'a Module,
    pub layout: VmCtxLayout,
    pub options: OptOptions,
    /// The platform's C calling convention: how builtins are called.
    pub c_conv: CallConv,
    pub low_half: LowHalf,
    /// Whether the machine has multiply-add as an instruction.
    pub has_fma: bool,
}

impl<'a> Env<'a> {
    pub fn new(module: &'a Module, options: OptOptions, isa: &dyn TargetIsa) -> Env<'a> {
        let layout = VmCtxLayout::new(VmCtxCounts {
            imported_funcs: module.imported.funcs,
            memories: module.memories.len() as u32,
            tables: module.tables.len() as u32,
            globals: module.globals.len() as u32,
            tags: module.tags.len() as u32,
        });
        let c_conv = isa.default_call_conv();
        let low_half = LowHalf::of(isa);
        Env { module, layout, options, c_conv, low_half, has_fma: has_fma(isa) }
    }

    /// Whether accesses to a memory rely on its guard.
    pub fn is_guarded(&self, memory: MemoryIdx) -> bool {
        let ty = &self.module.memories[memory.index()];
        self.options.guards && riser_abi::is_guarded(ty.memory64, ty.page_size_log2)
    }
}

/// Machines whose targets say nothing about it always have it.
fn has_fma(isa: &dyn TargetIsa) -> bool {
    let flags = isa.isa_flags();
    flags.iter().find(|flag| flag.name == "has_fma").is_none_or(|flag| flag.as_bool() == Some(true))
}
