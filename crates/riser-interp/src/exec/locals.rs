//! Handlers that move values: copies, constants, zeroing, `select`, globals; and making NaNs canonical.

use super::operand::{A, Dst, I, S, SLOT, Src, Value};
use super::simple::NONE;
use super::{Cx, Flow, Handler, Regs, Slot, handler, next_after};
use crate::code::select as at;
use riser_abi::GlobalCell;
use riser_numerics as numerics;
use riser_numerics::V128;

/// The cell of the global that the field at `at` names.
#[inline(always)]
unsafe fn global(r: &Regs, at: usize) -> *mut Slot {
    // SAFETY: the field is the place of a pointer to a global (fact 4).
    unsafe { (*r.vmctx_at::<*mut GlobalCell>(r.field(at))).cast() }
}

/// Sets `COUNT` slots to zero, one by one: where a vector was stored, reading one slot soon after takes longer.
#[inline(always)]
unsafe fn zero<const COUNT: usize>(r: Regs) -> Flow {
    // SAFETY: lowering made the frame large enough.
    unsafe {
        let first = r.fp.add(r.field::<u32>(0) as usize);
        for i in 0..COUNT {
            first.add(i).write_volatile(0);
        }
        next_after(r, 8)
    }
}

handler! {
    fn copy[](r) {
        *r.slot(0) = *r.slot(SLOT);
        next_after(r, 2 * SLOT)
    }
    fn copy_acc[T: Value](r) {
        T::acc(&r).store(r.slot(0));
        next_after(r, SLOT)
    }
    fn copy_int_acc[](r) {
        *r.slot(0) = r.acc;
        next_after(r, SLOT)
    }
    fn copy2[](r) {
        *r.slot(0) = *r.slot(SLOT);
        *r.slot(2 * SLOT) = *r.slot(3 * SLOT);
        next_after(r, 4 * SLOT)
    }
    fn copy128[](r) {
        V128::load(r.slot(SLOT)).store(r.slot(0));
        next_after(r, 2 * SLOT)
    }
    fn copy_many[](r) {
        let to = r.fp.add(r.field::<u32>(0) as usize);
        let from = r.fp.add(r.field::<u32>(4) as usize);
        to.copy_from(from, r.field::<u32>(8) as usize);
        next_after(r, 12)
    }
    fn const32[](r) {
        *r.slot(0) = i64::imm(&r, SLOT) as u64;
        next_after(r, SLOT + 4)
    }
    fn const64[](r) {
        *r.slot(0) = r.field::<u64>(SLOT);
        next_after(r, SLOT + 8)
    }
    fn const128[](r) {
        V128::imm(&r, SLOT).store(r.slot(0));
        next_after(r, SLOT + 16)
    }
    fn zero1[](r) { zero::<1>(r) }
    fn zero2[](r) { zero::<2>(r) }
    fn zero3[](r) { zero::<3>(r) }
    fn zero4[](r) { zero::<4>(r) }
    fn zero6[](r) { zero::<6>(r) }
    fn zero8[](r) { zero::<8>(r) }
    fn zero12[](r) {
        zero::<12>(r)
    }
    fn zero16[](r) {
        zero::<16>(r)
    }
    fn zero_many[](r) {
        let first = r.fp.add(r.field::<u32>(0) as usize);
        first.write_bytes(0, r.field::<u32>(4) as usize);
        next_after(r, 8)
    }
    fn far_load[](r) {
        *r.slot(0) = *r.fp.add(r.field::<u32>(SLOT) as usize);
        next_after(r, SLOT + 4)
    }
    fn far_store[](r) {
        *r.fp.add(r.field::<u32>(0) as usize) = *r.slot(4);
        next_after(r, 4 + SLOT)
    }
    fn select[T: Value, C: Src<i32>, X: Src<T>, Y: Src<T>, D: Dst](r) {
        let cond = C::read(&r, SLOT);
        let first = X::read(&r, SLOT + C::SIZE);
        let second = Y::read(&r, SLOT + C::SIZE + X::SIZE);
        D::write(&mut r, if cond != 0 { first } else { second });
        next_after(r, SLOT + C::SIZE + X::SIZE + Y::SIZE)
    }
    fn select_vector[](r) {
        let from = if *r.slot(SLOT) as u32 != 0 { 2 * SLOT } else { 3 * SLOT };
        V128::load(r.slot(from)).store(r.slot(0));
        next_after(r, 4 * SLOT)
    }
    fn global_get[T: Value, D: Dst](r) {
        let value = T::load(global(&r, SLOT));
        D::write(&mut r, value);
        next_after(r, SLOT + 4)
    }
    fn global_set[X: Src<i64>](r) {
        *global(&r, X::SIZE) = X::read(&r, 0) as u64;
        next_after(r, X::SIZE + 4)
    }
    fn global_set_sum[](r) {
        let sum = <S as Src<i32>>::read(&r, 0).wrapping_add(r.field(SLOT));
        sum.store(global(&r, SLOT + 4));
        next_after(r, SLOT + 8)
    }
    fn global_add[D: Dst](r) {
        let sum = i32::load(global(&r, SLOT)).wrapping_add(r.field(SLOT + 4));
        D::write(&mut r, sum);
        next_after(r, SLOT + 8)
    }
    fn global_move[](r) {
        let cell = global(&r, SLOT);
        let sum = i32::load(cell).wrapping_add(r.field(SLOT + 4));
        sum.store(cell);
        S::write(&mut r, sum);
        next_after(r, SLOT + 8)
    }
    fn global_set_vector[](r) {
        V128::load(r.slot(0)).store(global(&r, SLOT));
        next_after(r, SLOT + 4)
    }
    fn canon_f32[](r) {
        numerics::canonicalize_f32(f32::load(r.slot(SLOT))).store(r.slot(0));
        next_after(r, 2 * SLOT)
    }
    fn canon_f64[](r) {
        numerics::canonicalize_f64(f64::load(r.slot(SLOT))).store(r.slot(0));
        next_after(r, 2 * SLOT)
    }
    fn canon_f32x4[](r) {
        numerics::canonicalize_f32x4(V128::load(r.slot(SLOT))).store(r.slot(0));
        next_after(r, 2 * SLOT)
    }
    fn canon_f64x2[](r) {
        numerics::canonicalize_f64x2(V128::load(r.slot(SLOT))).store(r.slot(0));
        next_after(r, 2 * SLOT)
    }
}

/// The handlers of `select` between integers, between `f32`, between `f64`.
pub(super) static SELECT: &[[Handler; 16]] = &[ints(), floats::<f32>(), floats::<f64>()];

const fn ints() -> [Handler; 16] {
    [
        select::<i64, S, S, S, S>,
        select::<i64, A, S, S, S>,
        select::<i64, S, I, S, S>,
        select::<i64, A, I, S, S>,
        select::<i64, S, S, I, S>,
        select::<i64, A, S, I, S>,
        select::<i64, S, I, I, S>,
        select::<i64, A, I, I, S>,
        select::<i64, S, S, S, A>,
        select::<i64, A, S, S, A>,
        select::<i64, S, I, S, A>,
        select::<i64, A, I, S, A>,
        select::<i64, S, S, I, A>,
        select::<i64, A, S, I, A>,
        select::<i64, S, I, I, A>,
        select::<i64, A, I, I, A>,
    ]
}

const fn floats<T: Value>() -> [Handler; 16] {
    let mut block = NONE;
    block[0] = select::<T, S, S, S, S>;
    block[at::COND_ACC as usize] = select::<T, A, S, S, S>;
    block[8] = select::<T, S, S, S, A>;
    block[8 + at::COND_ACC as usize] = select::<T, A, S, S, A>;
    block
}

/// The handlers of `global.get` and addition of a constant.
pub(super) static GLOBAL_ADD: &[[Handler; 16]] = &[{
    let mut block = NONE;
    block[0] = global_add::<S>;
    block[8] = global_add::<A>;
    block
}];

/// The handlers of `global.get` of an integer.
pub(super) static GLOBAL: &[[Handler; 16]] = &[{
    let mut block = NONE;
    block[0] = global_get::<i64, S>;
    block[8] = global_get::<i64, A>;
    block
}];
