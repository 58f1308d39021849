//! What compiled code of all compilers has in common: how functions are called, and what is known of memories.
//!
//! A function is called by Cranelift's `tail` convention. Its parameters are: the callee's `VmCtx`; if the results are
//! returned in an area ([`returns_in_area`]), the address of that area; the parameters of its type. References to
//! functions are 64-bit addresses, other references 32-bit numbers. The area is a row of slots, one result after the other, as in a
//! frame. A tail call forwards the address.
//!
//! Every function keeps a frame pointer, so that frames form a chain.

use crate::FrameLayout;
use riser_ops::{FuncType, ValType};

/// So many results of a class (integers and references; floats and vectors) are returned in registers. All machines have
/// as many; more results than these are rare.
const REGISTERS: usize = 4;

/// What the trampoline from the host gives if the function has returned.
pub const ENTRY_RETURNED: u32 = 0;
/// What it gives if the call was ended otherwise.
pub const ENTRY_ENDED: u32 = 1;
/// What it gives if it has called nothing, because somebody wants to interrupt the store.
pub const ENTRY_PAUSED: u32 = 2;

/// In `VmRuntime::exit_pc`: both numbers are on the stack, where `VmRuntime::exit_fp` leads, as a function has them that begins by saving the
/// frame pointer. No code goes on at this address.
pub const EXIT_ON_STACK: usize = 1;

/// Whether results are returned in an area that the caller provides, rather than in registers.
pub fn returns_in_area(results: &[ValType]) -> bool {
    let floats = |ty: &&ValType| matches!(**ty, ValType::F32 | ValType::F64 | ValType::V128);
    let floats = results.iter().filter(floats).count();
    floats > REGISTERS || results.len() - floats > REGISTERS
}

/// A trampoline for calls of the host has a row of slots on the stack, with the arguments and then the results. A row of at most so many has
/// room on every stack, below its limit, where hosts have some 64 KiB; trampolines with larger ones look at the limit.
pub const SMALL_ROW_SLOTS: u32 = 128;

/// How many slots hold the arguments of a type, and then the results.
pub fn row_slots(ty: &FuncType) -> u32 {
    FrameLayout::slots_of(ty.params()).max(FrameLayout::slots_of(ty.results())).max(1)
}

/// Bytes behind the 4 GiB that a 32-bit address reaches in a guarded memory which no access may touch: a static
/// offset plus the width of an access up to so many bytes needs no comparison.
pub const GUARD_BYTES: u64 = 32 << 20;

/// The address space of a guarded memory.
pub const GUARDED_BYTES: u64 = (1 << 32) + GUARD_BYTES;

/// Whether accesses to memories of a type rely on faults rather than comparisons, in engines whose memories have
/// guards: the memory reserves [`GUARDED_BYTES`], never moves, and what is beyond its length faults.
pub fn is_guarded(memory64: bool, page_size_log2: u32) -> bool {
    !memory64 && page_size_log2 >= 16
}

/// So much of a function's budget is a byte of operators that is executed ([`Budgets`]).
pub const BUDGET_UNIT: u32 = 8;

/// What is left of a budget is a multiple of this, less the entries since it was given.
pub const BUDGET_ENTRIES: u32 = 64;

/// How large the budgets of functions are: so many bytes of operators may be executed.
///
/// A budget is how much of a function may still be executed before better code of it is asked for, an `i32` in bytes of operators times
/// [`BUDGET_UNIT`], which all instances of a module share and whose address stands in code that counts. Such code asks when the number
/// becomes negative. An entry takes one more than a multiple of [`BUDGET_ENTRIES`], a turn of a loop takes a multiple: so what is left tells how many
/// entries there were. Threads may lose some of each other's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// What each has.
    pub base: u32,
    /// What each byte of a body adds.
    pub per_byte: u32,
}

impl Budgets {
    /// What functions have if nobody says otherwise. See "Totals" in docs/measurements.md for how little there is to choose.
    pub const USUAL: Budgets = Budgets { base: 7_500, per_byte: 1_000 };

    /// Budgets that are counted down, but nobody does anything about it.
    pub fn are_endless(self) -> bool {
        self.base == u32::MAX
    }

    /// The budget of a function of so many bytes, as code counts it.
    pub fn of(self, bytes: u32) -> i32 {
        let budget = self.base.saturating_add(self.per_byte.saturating_mul(bytes));
        let budget = budget.saturating_mul(BUDGET_UNIT).min(i32::MAX as u32);
        (budget / BUDGET_ENTRIES * BUDGET_ENTRIES) as i32
    }

    /// What it has when it is spent, until it is spent again.
    pub fn again(self, bytes: u32) -> i32 {
        let part = self.of(bytes).cast_unsigned() / 8;
        (part / BUDGET_ENTRIES * BUDGET_ENTRIES) as i32
    }

    /// In which parts it pays for turns of loops, as the logarithm to the base 2: about as large as what it has again. With 0, it pays for each
    /// turn. Endless budgets pay as usual ones do, so that it can be measured what that costs.
    pub fn part_log2(self, bytes: u32) -> u32 {
        let budgets = if self.are_endless() { Budgets::USUAL } else { self };
        let log2 = budgets.again(bytes).checked_ilog2().unwrap_or(0);
        if 1 << log2 < BUDGET_ENTRIES { 0 } else { log2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_results_are_returned_in_registers() {
        const I32: ValType = ValType::I32;
        const F64: ValType = ValType::F64;
        const V128: ValType = ValType::V128;
        assert!(!returns_in_area(&[]));
        assert!(!returns_in_area(&[I32, F64, I32, V128, I32, F64, I32, F64]));
        assert!(returns_in_area(&[I32; 5]));
        assert!(returns_in_area(&[F64, V128, F64, V128, F64]));
    }
}
