//! Reaching the runtime: its blocks, its memories, its builtins.

use super::Translator;
use core::mem::offset_of;
use cranelift_codegen::ir::{
    AbiParam, AliasRegionData, InstBuilder, MemFlagsData, Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use riser_abi::{BuiltinSignature, MachineType, VmCtx, VmRuntime};

/// Kinds of state that nothing else can change when one of them is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// A linear memory.
    Memory(u32),
    /// Base and length of a memory.
    MemoryDef(u32),
    /// The elements of a table.
    Table(u32),
    /// Base and length of a table.
    TableDef(u32),
    /// A global.
    Global(u32),
    /// Function references, and the code table.
    Code,
    /// The store's block.
    Runtime,
    /// The heap of objects.
    Heap,
}

impl Region {
    fn data(self) -> AliasRegionData {
        let (kind, index, what) = match self {
            Region::Memory(at) => (0, at, "memory"),
            Region::MemoryDef(at) => (1, at, "memory def"),
            Region::Table(at) => (2, at, "table"),
            Region::TableDef(at) => (3, at, "table def"),
            Region::Global(at) => (4, at, "global"),
            Region::Code => (5, 0, "code"),
            Region::Runtime => (6, 0, "runtime"),
            Region::Heap => (7, 0, "heap"),
        };
        // Imported things may be the same thing twice, and then are one region: see `Translator::flags`.
        AliasRegionData { user_id: kind << 24 | index, description: what.into() }
    }
}

impl Translator<'_> {
    /// Adds a region to flags.
    pub fn in_region(&mut self, flags: MemFlagsData, region: Region) -> MemFlagsData {
        let region = self.b.func.dfg.alias_regions.insert(region.data());
        flags.with_alias_region(Some(region))
    }

    /// What never changes: a field of a block, or what such a field leads to.
    pub fn constant_load(&mut self, ty: Type, base: Value, offset: u32) -> Value {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        self.b.ins().load(ty, flags, base, offset as i32)
    }

    /// The store's block.
    pub fn runtime(&mut self) -> Value {
        self.constant_load(types::I64, self.vmctx, offset_of!(VmCtx, runtime) as u32)
    }

    /// Calls a builtin, and gives its result, whatever that says.
    pub fn builtin(&mut self, builtin: BuiltinSignature, args: &[Value]) -> Value {
        let runtime = self.runtime();
        let table = self.constant_load(types::I64, runtime, offset_of!(VmRuntime, builtins) as u32);
        let address = self.constant_load(types::I64, table, builtin.offset as u32);
        let machine = |ty: &MachineType| match ty {
            MachineType::I32 => types::I32,
            MachineType::I64 => types::I64,
        };
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.push(AbiParam::new(types::I64));
        signature.params.extend(builtin.params.iter().map(|ty| AbiParam::new(machine(ty))));
        signature.returns.push(AbiParam::new(machine(&builtin.result)));
        let signature = self.b.import_signature(signature);
        let mut all = vec![self.vmctx];
        all.extend_from_slice(args);
        let call = self.b.ins().call_indirect(signature, address, &all);
        self.b.inst_results(call)[0]
    }
}
