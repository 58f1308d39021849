//! Fuel: see `docs/fuel.md`.

use super::Translator;
use crate::asm::{Alu, Cond, Mem, Width};
use core::mem::offset_of;
use riser_abi::VmRuntime;
use riser_ops::TrapCode;

impl Translator<'_> {
    /// An operator follows. What it costs, and the pure operators before it, is paid before it is executed, unless it
    /// is pure itself: so whoever looks at the fuel (a host function, or whoever gets a trap) finds that of exactly
    /// the operators that were executed.
    pub(super) fn meter(&mut self) {
        let bytes = self.env.bytes.get(self.offset as usize..);
        let Some(op) = bytes.and_then(riser_ops::by_bytes) else { return };
        // A body has fewer than 2^24 operators, and each costs less than 2^8.
        self.unpaid += u32::from(op.cost());
        if op.is_pure() || self.unpaid == 0 {
            return;
        }
        if self.operands.top_is_condition() {
            self.settle_condition();
        }
        let cost = core::mem::take(&mut self.unpaid) as i32;
        let runtime = self.runtime();
        let fuel = Mem::at(runtime, offset_of!(VmRuntime, fuel) as i32);
        self.asm.alu_imm(Alu::Cmp, Width::W64, fuel, cost);
        self.trap_if(Cond::B, TrapCode::OutOfFuel);
        self.asm.alu_imm(Alu::Sub, Width::W64, fuel, cost);
        self.free(runtime);
    }
}
