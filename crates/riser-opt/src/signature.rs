//! What functions of a type look like in CLIF, and values in slots.

use core::mem::offset_of;
use cranelift_codegen::ir::{
    self, AbiParam, ArgumentPurpose, GlobalValue, GlobalValueData, InstBuilder, MemFlagsData,
    Signature, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::FunctionBuilder;
use riser_abi::{VmCtx, VmRuntime, returns_in_area};
use riser_ops::{FuncType, ValType};

/// The CLIF type of values of a type.
pub(crate) fn clif_type(ty: ValType) -> ir::Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
        ty if ty.is_heap_reference() => types::I32,
        _ => types::I64,
    }
}

/// How functions of a type are called.
pub(crate) fn function(ty: &FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.push(AbiParam::special(types::I64, ArgumentPurpose::VMContext));
    let value = |ty: &ValType| AbiParam::new(clif_type(*ty));
    if returns_in_area(ty.results()) {
        signature.params.push(AbiParam::new(types::I64));
    } else {
        signature.returns.extend(ty.results().iter().map(value));
    }
    signature.params.extend(ty.params().iter().map(value));
    signature
}

/// The lowest address that the stack pointer may have in a function with the signature of [`function`]. `None` if the function
/// accesses memory in too many ways.
pub(crate) fn stack_limit(b: &mut FunctionBuilder<'_>) -> Option<GlobalValue> {
    let vmctx = b.create_global_value(GlobalValueData::VMContext);
    // Cranelift reads this when the function is entered, and never combines it with other loads.
    let flags = b.func.dfg.mem_flags.insert(MemFlagsData::trusted()).ok()?;
    let field = |offset: usize, base| GlobalValueData::Load {
        base,
        offset: (offset as i32).into(),
        global_type: types::I64,
        flags,
    };
    let runtime = b.create_global_value(field(offset_of!(VmCtx, runtime), vmctx));
    Some(b.create_global_value(field(offset_of!(VmRuntime, stack_limit), runtime)))
}

/// Where the low half of a slot is, in bytes from its start, on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LowHalf(i32);

impl LowHalf {
    /// In bytes.
    pub fn offset(self) -> u32 {
        self.0 as u32
    }

    pub fn of(isa: &dyn TargetIsa) -> LowHalf {
        match isa.endianness() {
            ir::Endianness::Little => LowHalf(0),
            ir::Endianness::Big => LowHalf(4),
        }
    }

    /// Where the low half of the slot at an offset is.
    pub fn of_slot(self, offset: u32) -> u32 {
        offset + self.0 as u32
    }
}

/// Reads a value of a type from a slot at an offset.
pub(crate) fn load_slot(
    b: &mut FunctionBuilder<'_>,
    LowHalf(low): LowHalf,
    flags: MemFlagsData,
    ty: ValType,
    base: Value,
    offset: i32,
) -> Value {
    match clif_type(ty) {
        ty @ (types::I32 | types::F32) => b.ins().load(ty, flags, base, offset + low),
        ty @ types::I8X16 => b.ins().load(ty, vector(flags), base, offset),
        ty => b.ins().load(ty, flags, base, offset),
    }
}

/// Writes a value of a type to a slot at an offset.
pub(crate) fn store_slot(
    b: &mut FunctionBuilder<'_>,
    LowHalf(low): LowHalf,
    flags: MemFlagsData,
    ty: ValType,
    value: Value,
    base: Value,
    offset: i32,
) {
    match clif_type(ty) {
        types::I32 if ty.is_ref() => {
            // The high half is read as well.
            let word = b.ins().uextend(types::I64, value);
            b.ins().store(flags, word, base, offset)
        }
        types::I32 | types::F32 => b.ins().store(flags, value, base, offset + low),
        types::I8X16 => b.ins().store(vector(flags), value, base, offset),
        _ => b.ins().store(flags, value, base, offset),
    };
}

/// Slots are aligned for 8 bytes only. The low half of a vector comes first on every machine.
fn vector(flags: MemFlagsData) -> MemFlagsData {
    MemFlagsData::new()
        .with_notrap()
        .with_alias_region(flags.alias_region())
        .with_endianness(ir::Endianness::Little)
}
