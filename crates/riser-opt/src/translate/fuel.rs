//! Fuel: see `docs/fuel.md`.

use super::{Translator, clif_trap};
use crate::translate::vm::Region;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, types};
use riser_abi::VmRuntime;
use riser_ops::{Operator, TrapCode};

impl Translator<'_> {
    /// An operator follows. What it costs, and the pure operators before it, is paid before it is executed, unless it
    /// is pure itself: so whoever looks at the fuel (a host function, or whoever gets a trap) finds that of exactly
    /// the operators that were executed.
    pub(super) fn meter(&mut self) {
        let Some(op) = self.operator() else { return };
        // A body has fewer than 2^24 operators, and each costs less than 2^8.
        self.unpaid += u32::from(op.cost());
        if op.is_pure() || self.unpaid == 0 {
            return;
        }
        let cost = i64::from(core::mem::take(&mut self.unpaid));
        let runtime = self.runtime();
        let flags = self.in_region(MemFlagsData::trusted(), Region::Runtime);
        let offset = offset_of!(VmRuntime, fuel) as i32;
        let fuel = self.b.ins().load(types::I64, flags, runtime, offset);
        let is_short = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, fuel, cost);
        self.b.ins().trapnz(is_short, clif_trap(TrapCode::OutOfFuel));
        let left = self.b.ins().iadd_imm_s(fuel, -cost);
        self.b.ins().store(flags, left, runtime, offset);
    }

    /// The operator at hand.
    fn operator(&self) -> Option<Operator> {
        riser_ops::by_bytes(self.env.module.bytes.get(self.offset as usize..)?)
    }
}
