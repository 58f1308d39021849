//! Handlers of branches and of what ends an activation.

use super::operand::{A, Dst, I, S, SLOT, Src, W};
use super::simple::{self, Binary, NONE, Operation};
use super::{Cx, Flow, Handler, Regs, Slot, handler, next, next_after, trap};
use crate::code::{COMPARISONS, branch as at};
use riser_abi::Status;
use riser_ops::TrapCode;

/// Jumps if `taken`, over the field at `field`; else goes on behind it.
#[inline(always)]
unsafe fn branch(mut r: Regs, taken: bool, field: usize) -> Flow {
    // SAFETY: the instruction's last field is a jump.
    unsafe {
        if taken {
            r.jump(field);
            return next(r);
        }
        next_after(r, field + 4)
    }
}

handler! {
    fn unreachable[](r) {
        trap(r, TrapCode::Unreachable)
    }
    fn exit[](r) {
        (*r.cx).exit = Status::OK;
        Flow::Left
    }
    fn br[](r) {
        r.jump(0);
        next(r)
    }
    fn br_copy[](r) {
        *r.slot(0) = *r.slot(SLOT);
        r.jump(2 * SLOT);
        next(r)
    }
    fn br_copy2[](r) {
        *r.slot(0) = *r.slot(SLOT);
        *r.slot(2 * SLOT) = *r.slot(3 * SLOT);
        r.jump(4 * SLOT);
        next(r)
    }
    fn br_table[X: Src<i32>](r) {
        let index = X::read(&r, 0).wrapping_add(r.field(X::SIZE)) as u32;
        let last = r.field::<u32>(X::SIZE + 4) - 1;
        let entry = X::SIZE + 8 + 4 * index.min(last) as usize;
        r.jump(entry);
        next(r)
    }
    fn branch_binary[O: Binary<R = i32>, X: Src<O::P>, Y: Src<O::Q>, const NOT: bool](r) {
        let operands = (X::read(&r, 0), Y::read(&r, X::SIZE));
        // A comparison does not trap.
        let holds = matches!(O::apply(operands, ()), Ok((value,)) if value != 0);
        branch(r, holds != NOT, X::SIZE + Y::SIZE)
    }
    /// Adds a constant to an `i32`, then branches on the sum.
    fn add_branch[O: Binary<P = i32, Q = i32, R = i32>, Y: Src<i32>, const NOT: bool](r) {
        let sum = <S as Src<i32>>::read(&r, SLOT).wrapping_add(r.field(2 * SLOT));
        S::write(&mut r, sum);
        let operands = (sum, Y::read(&r, ADDED));
        let holds = matches!(O::apply(operands, ()), Ok((value,)) if value != 0);
        branch(r, holds != NOT, ADDED + Y::SIZE)
    }
    /// The same; the sum is compared with zero.
    fn add_branch_zero[const NOT: bool](r) {
        let sum = <S as Src<i32>>::read(&r, SLOT).wrapping_add(r.field(2 * SLOT));
        S::write(&mut r, sum);
        branch(r, (sum == 0) != NOT, ADDED)
    }
    fn branch_unary[O: simple::Unary<R = i32>, X: Src<O::P>, const NOT: bool](r) {
        let holds = matches!(O::apply((X::read(&r, 0),), ()), Ok((value,)) if value != 0);
        branch(r, holds != NOT, X::SIZE)
    }
}

/// The bytes of the fields of an addition of a constant.
const ADDED: usize = 2 * SLOT + 4;

/// The blocks of additions fused with a branch, for `i32.eqz` and the comparisons of two `i32`.
pub(super) static ADD_BRANCH: &[[Handler; 16]] = &{
    const fn block<O: Binary<P = i32, Q = i32, R = i32>>() -> [Handler; 16] {
        let mut block = NONE;
        block[0] = add_branch::<O, S, false>;
        block[1] = add_branch::<O, I, false>;
        block[at::NOT as usize] = add_branch::<O, S, true>;
        block[at::NOT as usize + 1] = add_branch::<O, I, true>;
        block
    }
    const fn zero() -> [Handler; 16] {
        let mut block = NONE;
        block[0] = add_branch_zero::<false>;
        block[at::NOT as usize] = add_branch_zero::<true>;
        block
    }
    /// The blocks of the comparisons listed.
    macro_rules! blocks {
        ($($op:ident)*) => { [zero(), $(block::<simple::$op>()),*] };
    }
    blocks! { I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU }
};

/// The blocks of comparisons with an immediate of 64 bits fused with a branch.
pub(super) static WIDE_BRANCH: &[[Handler; 16]] = &{
    const fn block<O: Binary<P = i64, Q = i64, R = i32>>() -> [Handler; 16] {
        let mut block = NONE;
        block[0] = branch_binary::<O, S, W, false>;
        block[1] = branch_binary::<O, A, W, false>;
        block[at::NOT as usize] = branch_binary::<O, S, W, true>;
        block[at::NOT as usize + 1] = branch_binary::<O, A, W, true>;
        block
    }
    /// The blocks of the comparisons listed.
    macro_rules! blocks {
        ($($op:ident)*) => { [$(block::<simple::$op>()),*] };
    }
    blocks! { I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU }
};

/// The handlers of a comparison fused with a branch, by the shape of its signature.
trait Branches<O> {
    const BLOCK: [Handler; 16];
}

impl<O, P: super::operand::Value> Branches<O> for (P,)
where
    O: Operation<Params = (P,), Imm = (), Results = (i32,)>,
{
    const BLOCK: [Handler; 16] = {
        let mut block = NONE;
        block[0] = branch_unary::<O, S, false>;
        block[1] = branch_unary::<O, A, false>;
        block[at::NOT as usize] = branch_unary::<O, S, true>;
        block[at::NOT as usize + 1] = branch_unary::<O, A, true>;
        block
    };
}

impl<O, P: super::operand::Value, Q: super::operand::Value> Branches<O> for (P, Q)
where
    O: Operation<Params = (P, Q), Imm = (), Results = (i32,)>,
{
    const BLOCK: [Handler; 16] = {
        let mut block = NONE;
        block[0] = branch_binary::<O, S, S, false>;
        block[1] = branch_binary::<O, A, S, false>;
        block[2] = branch_binary::<O, S, A, false>;
        block[3] = branch_binary::<O, S, I, false>;
        block[4] = branch_binary::<O, A, I, false>;
        block[5] = branch_binary::<O, A, A, false>;
        block[8] = branch_binary::<O, S, S, true>;
        block[9] = branch_binary::<O, A, S, true>;
        block[10] = branch_binary::<O, S, A, true>;
        block[11] = branch_binary::<O, S, I, true>;
        block[12] = branch_binary::<O, A, I, true>;
        block[13] = branch_binary::<O, A, A, true>;
        block
    };
}

/// The blocks of the comparisons, and last that of `i32.and`.
pub(super) static BRANCH: &[[Handler; 16]] = &blocks();

const fn blocks() -> [[Handler; 16]; COMPARISONS + 1] {
    /// The blocks of the operators listed.
    macro_rules! blocks {
        ($($op:ident)*) => {
            [$(<<simple::$op as Operation>::Params as Branches<simple::$op>>::BLOCK),*]
        };
    }
    blocks! {
        I32Eqz I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU
        I64Eqz I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU
        F32Eq F32Ne F32Lt F32Gt F32Le F32Ge
        F64Eq F64Ne F64Lt F64Gt F64Le F64Ge
        I32And
    }
}
