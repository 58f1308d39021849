//! What is the same for all functions of a module while they are compiled.

use crate::artifact;
use crate::signature::LowHalf;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use riser_abi::VmCtxLayout;
use riser_code::CodeOptions;
use riser_module::Module;
use riser_ops::MemoryIdx;

/// A module, and how its instances lie in memory.
pub(crate) struct Env<'a> {
    pub module: &'a Module,
    pub layout: VmCtxLayout,
    pub options: CodeOptions,
    /// The platform's C calling convention: how builtins are called.
    pub c_conv: CallConv,
    pub low_half: LowHalf,
    /// Whether functions call themselves by the distance between call and callee.
    pub calls_itself: bool,
    /// Whether the machine has multiply-add as an instruction.
    pub has_fma: bool,
}

impl<'a> Env<'a> {
    pub fn new(module: &'a Module, options: CodeOptions, isa: &dyn TargetIsa) -> Env<'a> {
        let layout = module.vmctx_layout();
        let c_conv = isa.default_call_conv();
        let low_half = LowHalf::of(isa);
        let (has_fma, calls_itself) = (has_fma(isa), artifact::calls_itself(isa));
        Env { module, layout, options, c_conv, low_half, calls_itself, has_fma }
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
