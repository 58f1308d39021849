//! Where operands come from and results go: slots, accumulators, immediates.

use super::Regs;
use riser_abi::Slot;
use riser_numerics::V128;

/// A value as instructions handle it.
pub(super) trait Value: Copy {
    /// The bytes of an immediate.
    const IMM: usize;

    /// Reads a slot (two for vectors).
    ///
    /// # Safety
    ///
    /// `slot` must be a slot of the frame.
    unsafe fn load(slot: *const Slot) -> Self;

    /// Writes whole slots.
    ///
    /// # Safety
    ///
    /// As for [`Value::load`].
    unsafe fn store(self, slot: *mut Slot);

    /// The accumulator of this type.
    fn acc(r: &Regs) -> Self;

    /// Writes the accumulator of this type. Vectors have none.
    fn set_acc(self, r: &mut Regs);

    /// Reads the immediate at `at`.
    ///
    /// # Safety
    ///
    /// There must be one.
    unsafe fn imm(r: &Regs, at: usize) -> Self;
}

// SAFETY (of the blocks in this file): each does what its function's contract asks of the caller.

impl Value for i32 {
    const IMM: usize = 4;

    #[inline(always)]
    unsafe fn load(slot: *const Slot) -> i32 {
        // SAFETY: see above.
        unsafe { *slot as i32 }
    }

    #[inline(always)]
    unsafe fn store(self, slot: *mut Slot) {
        // All 64 bits are written: a later read of the whole slot would otherwise wait for the store.
        // SAFETY: see above.
        unsafe { *slot = u64::from(self as u32) }
    }

    #[inline(always)]
    fn acc(r: &Regs) -> i32 {
        r.acc as i32
    }

    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = u64::from(self as u32);
    }

    #[inline(always)]
    unsafe fn imm(r: &Regs, at: usize) -> i32 {
        // SAFETY: see above.
        unsafe { r.field(at) }
    }
}

impl Value for i64 {
    const IMM: usize = 4;

    #[inline(always)]
    unsafe fn load(slot: *const Slot) -> i64 {
        // SAFETY: see above.
        unsafe { *slot as i64 }
    }

    #[inline(always)]
    unsafe fn store(self, slot: *mut Slot) {
        // SAFETY: see above.
        unsafe { *slot = self as u64 }
    }

    #[inline(always)]
    fn acc(r: &Regs) -> i64 {
        r.acc as i64
    }

    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = self as u64;
    }

    #[inline(always)]
    unsafe fn imm(r: &Regs, at: usize) -> i64 {
        // SAFETY: see above.
        unsafe { i64::from(r.field::<i32>(at)) }
    }
}

impl Value for f32 {
    const IMM: usize = 4;

    #[inline(always)]
    unsafe fn load(slot: *const Slot) -> f32 {
        // SAFETY: see above.
        unsafe { f32::from_bits(*slot as u32) }
    }

    #[inline(always)]
    unsafe fn store(self, slot: *mut Slot) {
        // SAFETY: see above.
        unsafe { *slot = u64::from(self.to_bits()) }
    }

    #[inline(always)]
    fn acc(r: &Regs) -> f32 {
        r.s
    }

    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.s = self;
    }

    #[inline(always)]
    unsafe fn imm(r: &Regs, at: usize) -> f32 {
        // SAFETY: see above.
        unsafe { f32::from_bits(r.field(at)) }
    }
}

impl Value for f64 {
    const IMM: usize = 8;

    #[inline(always)]
    unsafe fn load(slot: *const Slot) -> f64 {
        // SAFETY: see above.
        unsafe { f64::from_bits(*slot) }
    }

    #[inline(always)]
    unsafe fn store(self, slot: *mut Slot) {
        // SAFETY: see above.
        unsafe { *slot = self.to_bits() }
    }

    #[inline(always)]
    fn acc(r: &Regs) -> f64 {
        r.d
    }

    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.d = self;
    }

    #[inline(always)]
    unsafe fn imm(r: &Regs, at: usize) -> f64 {
        // SAFETY: see above.
        unsafe { f64::from_bits(r.field(at)) }
    }
}

impl Value for V128 {
    const IMM: usize = 16;

    #[inline(always)]
    unsafe fn load(slot: *const Slot) -> V128 {
        // SAFETY: see above; a vector takes two slots, its low half (lanes of low number) first.
        let (low, high) = unsafe { (*slot, *slot.add(1)) };
        V128::from_bits(u128::from(low) | u128::from(high) << 64)
    }

    #[inline(always)]
    unsafe fn store(self, slot: *mut Slot) {
        let bits = self.to_bits();
        // SAFETY: see above.
        unsafe {
            *slot = bits as u64;
            *slot.add(1) = (bits >> 64) as u64;
        }
    }

    #[inline(always)]
    fn acc(_: &Regs) -> V128 {
        V128::ZERO
    }

    #[inline(always)]
    fn set_acc(self, _: &mut Regs) {}

    #[inline(always)]
    unsafe fn imm(r: &Regs, at: usize) -> V128 {
        // SAFETY: see above.
        V128::from_le_bytes(unsafe { r.field(at) })
    }
}

/// Where an operand comes from.
pub(super) trait Src<T> {
    /// The bytes of its field.
    const SIZE: usize;

    /// Reads the operand whose field, if it has one, is at `at`.
    ///
    /// # Safety
    ///
    /// There must be such a field.
    unsafe fn read(r: &Regs, at: usize) -> T;
}

/// Where a result goes. Its field is the first one of the instruction and always there.
pub(super) trait Dst {
    /// Writes the result.
    ///
    /// # Safety
    ///
    /// The instruction must begin with a slot.
    unsafe fn write<T: Value>(r: &mut Regs, value: T);
}

/// A slot; a result goes to the accumulator as well.
pub(super) struct S;
/// The accumulator alone.
pub(super) struct A;
/// An immediate.
pub(super) struct I;

/// An immediate of 64 bits.
pub(super) struct W;

/// The bytes of a slot field.
pub(super) const SLOT: usize = 2;

impl<T: Value> Src<T> for S {
    const SIZE: usize = SLOT;

    #[inline(always)]
    unsafe fn read(r: &Regs, at: usize) -> T {
        // SAFETY: see above.
        unsafe { T::load(r.slot(at)) }
    }
}

impl<T: Value> Src<T> for A {
    const SIZE: usize = 0;

    #[inline(always)]
    unsafe fn read(r: &Regs, _: usize) -> T {
        T::acc(r)
    }
}

impl<T: Value> Src<T> for I {
    const SIZE: usize = T::IMM;

    #[inline(always)]
    unsafe fn read(r: &Regs, at: usize) -> T {
        // SAFETY: see above.
        unsafe { T::imm(r, at) }
    }
}

impl Src<i64> for W {
    const SIZE: usize = 8;

    #[inline(always)]
    unsafe fn read(r: &Regs, at: usize) -> i64 {
        // SAFETY: see above.
        unsafe { r.field(at) }
    }
}

impl Dst for S {
    #[inline(always)]
    unsafe fn write<T: Value>(r: &mut Regs, value: T) {
        // SAFETY: see above.
        unsafe { value.store(r.slot(0)) };
        value.set_acc(r);
    }
}

impl Dst for A {
    #[inline(always)]
    unsafe fn write<T: Value>(r: &mut Regs, value: T) {
        value.set_acc(r);
    }
}
