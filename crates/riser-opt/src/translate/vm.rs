//! Reaching the runtime: its blocks, its memories, its builtins.

use super::{Failure, Translator, clif_trap};
use crate::signature;
use core::mem::offset_of;
use cranelift_codegen::ir::{
    AbiParam, AliasRegionData, Inst, InstBuilder, MemFlagsData, SigRef, Signature, StackSlot,
    StackSlotData, StackSlotKind, Type, UserStackMapEntry, Value, types,
};
use riser_abi::{BuiltinSignature, MachineType, VmCtx, VmRuntime, builtin};
use riser_module::ImportCounts;
use riser_ops::{TrapCode, ValType};

/// So many things of a kind have regions of their own.
const MOST_REGIONS: u32 = 500;

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
    /// The locals that are in the frame.
    Locals,
}

impl Region {
    /// The region as Cranelift knows it. Imported things may be the same thing twice, and so are one region; so are all
    /// behind the first [`MOST_REGIONS`], since Cranelift numbers regions, with the other flags of accesses, by 16 bits.
    fn data(self, imported: ImportCounts) -> AliasRegionData {
        let own = |at: u32, imported: u32| match at.checked_sub(imported) {
            None => 0,
            Some(at) => at.min(MOST_REGIONS) + 1,
        };
        let (kind, index, what) = match self {
            Region::Memory(at) => (0, own(at, imported.memories), "memory"),
            Region::MemoryDef(at) => (1, own(at, imported.memories), "memory def"),
            Region::Table(at) => (2, own(at, imported.tables), "table"),
            Region::TableDef(at) => (3, own(at, imported.tables), "table def"),
            Region::Global(at) => (4, own(at, imported.globals), "global"),
            Region::Code => (5, 0, "code"),
            Region::Runtime => (6, 0, "runtime"),
            Region::Heap => (7, 0, "heap"),
            Region::Locals => (8, 0, "locals"),
        };
        AliasRegionData { user_id: kind << 24 | index, description: what.into() }
    }
}

impl Translator<'_> {
    /// Adds a region to flags.
    pub fn in_region(&mut self, flags: MemFlagsData, region: Region) -> MemFlagsData {
        let data = region.data(self.env.module.imported);
        let region = self.b.func.dfg.alias_regions.insert(data);
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
        let call = self.builtin_call(builtin, args);
        self.b.inst_results(call)[0]
    }

    /// Calls a builtin.
    pub fn builtin_call(&mut self, builtin: BuiltinSignature, args: &[Value]) -> Inst {
        let runtime = self.runtime();
        let table = self.constant_load(types::I64, runtime, offset_of!(VmRuntime, builtins) as u32);
        let address = self.constant_load(types::I64, table, builtin.offset as u32);
        let signature = self.builtin_signature(builtin);
        let mut all = vec![self.vmctx];
        all.extend_from_slice(args);
        self.has_calls = true;
        self.b.ins().call_indirect(signature, address, &all)
    }

    /// How a builtin is called.
    fn builtin_signature(&mut self, builtin: BuiltinSignature) -> SigRef {
        if let Some(&signature) = self.builtin_signatures.get(&builtin.offset) {
            return signature;
        }
        let machine = |ty: &MachineType| match ty {
            MachineType::I32 => types::I32,
            MachineType::I64 => types::I64,
        };
        let mut signature = Signature::new(self.env.c_conv);
        signature.params.push(AbiParam::new(types::I64));
        signature.params.extend(builtin.params.iter().map(|ty| AbiParam::new(machine(ty))));
        signature.returns.push(AbiParam::new(machine(&builtin.result)));
        let signature = self.b.import_signature(signature);
        self.builtin_signatures.insert(builtin.offset, signature);
        signature
    }

    /// Goes on if a status says that all is well, and otherwise raises it.
    pub fn checked(&mut self, status: Value) {
        let (failed, well) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(failed);
        self.b.ins().brif(status, failed, &[], well, &[]);
        self.b.seal_block(failed);
        self.b.seal_block(well);
        self.b.switch_to_block(failed);
        self.raise(status);
        self.b.switch_to_block(well);
    }

    /// Raises a status that is not well: the block ends here. What builtins fail with is no exception, so nobody in the
    /// function handles it, except after [`builtin::throw`] and [`builtin::throw_ref`].
    fn raise(&mut self, status: Value) {
        let address = self.raise_address();
        let signature = self.builtin_signature(builtin::raise);
        self.has_calls = true;
        self.b.ins().call_indirect(signature, address, &[self.vmctx, status]);
        self.b.ins().trap(clif_trap(TrapCode::Unreachable));
    }

    /// The address of [`builtin::raise`].
    pub fn raise_address(&mut self) -> Value {
        // Not constant loads: those might be moved out of a loop, for the sake of a path that is hardly ever taken.
        let flags = MemFlagsData::trusted();
        let (vmctx, offset) = (self.vmctx, offset_of!(VmCtx, runtime) as i32);
        let runtime = self.b.ins().load(types::I64, flags, vmctx, offset);
        let offset = offset_of!(VmRuntime, builtins) as i32;
        let table = self.b.ins().load(types::I64, flags, runtime, offset);
        self.b.ins().load(types::I64, flags, table, builtin::raise.offset as i32)
    }

    /// So many slots in the frame, for what builtins take and give. All users share them: what is in them does not survive
    /// the next user.
    pub fn operand_slots(&mut self, count: usize) -> StackSlot {
        let size = 8 * count.max(1) as u32;
        let slot = *self.slots.get_or_insert_with(|| {
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
            self.b.create_sized_stack_slot(data)
        });
        let data = &mut self.b.func.sized_stack_slots[slot];
        data.size = data.size.max(size);
        slot
    }

    /// Writes operands of these types to [`Translator::operand_slots`], one after the other. Gives their address as well.
    pub fn spill_operands(&mut self, row: &[ValType], values: &[Value]) -> (StackSlot, Value) {
        let width: u32 = row.iter().map(|ty| ty.slots()).sum();
        let slots = self.operand_slots(width as usize);
        let base = self.b.ins().stack_addr(types::I64, slots, 0);
        let mut offset = 0;
        for (&ty, &value) in row.iter().zip(values) {
            self.store_slot(MemFlagsData::trusted(), ty, value, base, offset);
            offset += 8 * ty.slots() as i32;
        }
        (slots, base)
    }

    /// Tells the collector of the references that [`Translator::spill_operands`] wrote for a call.
    pub fn map_operands(&mut self, call: Inst, slot: StackSlot, row: &[ValType]) {
        let mut offset = 0;
        for ty in row {
            if ty.is_heap_reference() {
                let offset = self.env.low_half.of_slot(offset);
                let entry = UserStackMapEntry { ty: types::I32, slot, offset };
                self.b.func.dfg.append_user_stack_map_entry(call, entry);
            }
            offset += 8 * ty.slots();
        }
    }

    /// Reads a value of a type from a slot at an offset.
    pub fn load_slot(
        &mut self,
        flags: MemFlagsData,
        ty: ValType,
        base: Value,
        offset: i32,
    ) -> Value {
        signature::load_slot(&mut self.b, self.env.low_half, flags, ty, base, offset)
    }

    /// Writes a value of a type to a slot at an offset.
    pub fn store_slot(
        &mut self,
        flags: MemFlagsData,
        ty: ValType,
        value: Value,
        base: Value,
        offset: i32,
    ) {
        signature::store_slot(&mut self.b, self.env.low_half, flags, ty, value, base, offset);
    }

    /// Ends translation: there is no code for what the body has.
    pub fn fail(&mut self, what: &'static str) {
        self.failure.get_or_insert(Failure::Error(what));
    }

    /// Whether translation was not ended. If it was, the operands are not those that operators expect.
    pub fn goes_on(&self) -> bool {
        self.failure.is_none()
    }
}
