//! Handlers of the simple operators: one generic handler per shape, over the functions of `riser-numerics`.
//!
//! [`operations`] turns each row of the table into a type that implements [`Operation`]; [`Handlers`] gives,
//! by the shape of its signature, the block of handlers for all places of operands and result.

use super::operand::{A, Dst, I, S, SLOT, Src, Value, W};
use super::{APART, At, Cx, Flow, Handler, Regs, Slot, handler, next_after, trap};
use riser_ops::TrapCode;

/// A simple operator.
pub(super) trait Operation {
    /// The operands as a tuple.
    type Params;
    /// The immediate.
    type Imm: Copy;
    /// The results as a tuple.
    type Results;

    /// What it does.
    fn apply(params: Self::Params, imm: Self::Imm) -> Result<Self::Results, TrapCode>;
}

/// What a function of `riser-numerics` gives, as a tuple of results or a trap.
trait Outcome<R> {
    fn outcome(self) -> Result<R, TrapCode>;
}

impl<T: Value> Outcome<(T,)> for T {
    #[inline(always)]
    fn outcome(self) -> Result<(T,), TrapCode> {
        Ok((self,))
    }
}

impl<T: Value> Outcome<(T,)> for Result<T, TrapCode> {
    #[inline(always)]
    fn outcome(self) -> Result<(T,), TrapCode> {
        self.map(|value| (value,))
    }
}

impl<T: Value> Outcome<(T, T)> for (T, T) {
    #[inline(always)]
    fn outcome(self) -> Result<(T, T), TrapCode> {
        Ok(self)
    }
}

/// A function of `riser-numerics` that takes these parameters and this immediate.
trait Numeric<P, I> {
    type Output;
    fn call(self, params: P, imm: I) -> Self::Output;
}

/// Implements [`Numeric`] for functions of one arity: `(parameters) immediate? ;`
macro_rules! numeric {
    ($(($($p:ident)*) ($($imm:ident: $ty:ty)?);)*) => { $(
        #[allow(non_snake_case, unused_parens, reason = "names of types as names of values")]
        impl<F: Fn($($p,)* $($ty)?) -> R, R, $($p),*> Numeric<($($p,)*), ($($ty)?)> for F {
            type Output = R;
            #[inline(always)]
            fn call(self, ($($p,)*): ($($p,)*), ($($imm)?): ($($ty)?)) -> R { self($($p,)* $($imm)?) }
        }
    )* };
}

numeric! {
    (P) ();
    (P Q) ();
    (P Q T) ();
    (P Q T U) ();
    (P) (imm: u8);
    (P Q) (imm: u8);
    (P Q) (imm: [u8; 16]);
}

/// Names of the table's words for types and immediates.
mod word {
    #![allow(non_camel_case_types, reason = "the table's words are lower case")]
    pub(super) type v128 = riser_numerics::V128;
    pub(super) use core::primitive::{f32, f64, i32, i64};
    pub(super) type none = ();
    pub(super) type lane16 = u8;
    pub(super) type lane8 = u8;
    pub(super) type lane4 = u8;
    pub(super) type lane2 = u8;
    pub(super) type shuffle = [u8; 16];
}

/// The operators as types.
mod operation {
    use super::{Numeric, Operation, Outcome, word};
    use riser_ops::TrapCode;

    macro_rules! operations {
        ($($op:ident $name:ident $mnemonic:literal $opcode:literal $imm:ident
           ($($param:ident)*) -> ($($result:ident)*) $feature:ident $effect:ident $cost:literal;)*) => { $(
            pub(in super::super) struct $op;
            impl Operation for $op {
                type Params = ($(word::$param,)*);
                type Imm = word::$imm;
                type Results = ($(word::$result,)*);
                #[inline(always)]
                fn apply(params: Self::Params, imm: Self::Imm) -> Result<Self::Results, TrapCode> {
                    riser_numerics::$name.call(params, imm).outcome()
                }
            }
        )* };
    }
    riser_ops::for_each_scalar!(operations);
    riser_ops::for_each_vector!(operations);
}

pub(super) use operation::*;

/// An operator with one operand and one result.
pub(super) trait Unary:
    Operation<Params = (Self::P,), Imm = (), Results = (Self::R,)>
{
    type P: Value;
    type R: Value;
}

impl<O: Operation<Params = (P,), Imm = (), Results = (R,)>, P: Value, R: Value> Unary for O {
    type P = P;
    type R = R;
}

/// An operator with two operands and one result.
pub(super) trait Binary:
    Operation<Params = (Self::P, Self::Q), Imm = (), Results = (Self::R,)>
{
    type P: Value;
    type Q: Value;
    type R: Value;
}

impl<O, P: Value, Q: Value, R: Value> Binary for O
where
    O: Operation<Params = (P, Q), Imm = (), Results = (R,)>,
{
    type P = P;
    type Q = Q;
    type R = R;
}

/// Operands that all lie in slots.
pub(super) trait Slots: Sized {
    /// The bytes of their fields.
    const SIZE: usize;
    /// Reads them.
    ///
    /// # Safety
    ///
    /// There must be such fields at `at`.
    unsafe fn read(r: &Regs, at: usize) -> Self;
}

/// Implements [`Slots`] for tuples: `Type position, … ;`
macro_rules! slots {
    ($($($p:ident $i:literal),* ; $n:literal)*) => { $(
        impl<$($p: Value),*> Slots for ($($p,)*) {
            const SIZE: usize = $n * SLOT;
            #[inline(always)]
            unsafe fn read(r: &Regs, at: usize) -> Self {
                // SAFETY: the caller's promise.
                unsafe { ($($p::load(r.slot(at + $i * SLOT)),)*) }
            }
        }
    )* };
}

slots! {
    P 0; 1
    P 0, Q 1; 2
    P 0, Q 1, T 2; 3
    P 0, Q 1, T 2, U 3; 4
}

/// Results in slots side by side.
pub(super) trait Results {
    /// Writes them from the instruction's first slot on. One result goes to its accumulator as well.
    ///
    /// # Safety
    ///
    /// The instruction must begin with a slot, with another one behind for a second result.
    unsafe fn write(self, r: &Regs);

    /// Reads the accumulator from the slot.
    ///
    /// # Safety
    ///
    /// As for `write`, which must come first.
    unsafe fn set_acc(r: &mut Regs);
}

impl<T: Value> Results for (T,) {
    #[inline(always)]
    unsafe fn write(self, r: &Regs) {
        // SAFETY: the caller's promise.
        unsafe { self.0.store(r.slot(0)) };
    }

    #[inline(always)]
    unsafe fn set_acc(r: &mut Regs) {
        // SAFETY: the caller's promise.
        unsafe { T::load(r.slot(0)) }.set_acc(r);
    }
}

impl<T: Value> Results for (T, T) {
    #[inline(always)]
    unsafe fn write(self, r: &Regs) {
        // SAFETY: the caller's promise.
        unsafe {
            self.0.store(r.slot(0));
            self.1.store(r.slot(0).add(1));
        }
    }

    #[inline(always)]
    unsafe fn set_acc(_: &mut Regs) {}
}

/// The work of [`in_slots`]: reads the operands, applies the operator, writes the results.
#[inline(always)]
unsafe fn apply<O: Operation<Params: Slots, Results: Results>>(r: &Regs) {
    // SAFETY: as the handler's.
    unsafe {
        let operands = O::Params::read(r, SLOT);
        let imm = r.field::<O::Imm>(SLOT + O::Params::SIZE);
        // Neither vector operators nor the wide ones trap.
        if let Ok(results) = O::apply(operands, imm) {
            results.write(r);
        }
    }
}

/// The same in a function of its own.
#[inline(never)]
unsafe fn apply_apart<O: Operation<Params: Slots, Results: Results>>(at: At) {
    // SAFETY: as the handler's.
    unsafe { apply::<O>(&at.regs()) }
}

/// The bytes of the factor and the summand of a scaled sum.
pub(super) const SCALED: usize = 4 + SLOT;

/// An operand times a constant plus a slot; the fields begin at `at`.
#[inline(always)]
pub(super) unsafe fn scaled<X: Src<i32>>(r: &Regs, at: usize) -> i32 {
    // SAFETY: the handler's instruction has these fields.
    unsafe {
        let product = X::read(r, at).wrapping_mul(r.field(at + X::SIZE));
        product.wrapping_add(<S as Src<i32>>::read(r, at + X::SIZE + 4))
    }
}

handler! {
    fn unary[O: Unary, X: Src<O::P>, D: Dst](r) {
        match O::apply((X::read(&r, SLOT),), ()) {
            Ok((value,)) => { D::write(&mut r, value); next_after(r, SLOT + X::SIZE) }
            Err(code) => trap(r, code),
        }
    }
    fn binary[O: Binary, X: Src<O::P>, Y: Src<O::Q>, D: Dst](r) {
        let operands = (X::read(&r, SLOT), Y::read(&r, SLOT + X::SIZE));
        match O::apply(operands, ()) {
            Ok((value,)) => { D::write(&mut r, value); next_after(r, SLOT + X::SIZE + Y::SIZE) }
            Err(code) => trap(r, code),
        }
    }
    fn mul_add[X: Src<i32>, D: Dst](r) {
        let sum = scaled::<X>(&r, SLOT);
        D::write(&mut r, sum);
        next_after(r, SLOT + X::SIZE + SCALED)
    }
    fn in_slots[O: Operation<Params: Slots, Results: Results>](r) {
        if APART {
            apply_apart::<O>(At::of(&r));
        } else {
            apply::<O>(&r);
        }
        O::Results::set_acc(&mut r);
        next_after(r, SLOT + O::Params::SIZE + size_of::<O::Imm>())
    }
    #[cold]
    fn invalid[](r) {
        debug_assert!(false, "lowering uses only opcodes that have a handler");
        trap(r, TrapCode::Unreachable)
    }
}

/// The handlers of an operator, by the shape of its signature.
trait Handlers<O> {
    /// For all places of operands and result.
    const BLOCK: [Handler; 16];
}

/// A block without handlers.
pub(super) const NONE: [Handler; 16] = [invalid; 16];

impl<O, P: Value, R: Value> Handlers<O> for ((P,), (), (R,))
where
    O: Operation<Params = (P,), Imm = (), Results = (R,)>,
{
    const BLOCK: [Handler; 16] = {
        let mut block = NONE;
        block[0] = unary::<O, S, S>;
        block[1] = unary::<O, A, S>;
        block[8] = unary::<O, S, A>;
        block[9] = unary::<O, A, A>;
        block
    };
}

impl<O, P: Value, Q: Value, R: Value> Handlers<O> for ((P, Q), (), (R,))
where
    O: Operation<Params = (P, Q), Imm = (), Results = (R,)>,
{
    const BLOCK: [Handler; 16] = [
        binary::<O, S, S, S>,
        binary::<O, A, S, S>,
        binary::<O, S, A, S>,
        binary::<O, S, I, S>,
        binary::<O, A, I, S>,
        binary::<O, A, A, S>,
        binary::<O, I, S, S>,
        binary::<O, I, A, S>,
        binary::<O, S, S, A>,
        binary::<O, A, S, A>,
        binary::<O, S, A, A>,
        binary::<O, S, I, A>,
        binary::<O, A, I, A>,
        binary::<O, A, A, A>,
        binary::<O, I, S, A>,
        binary::<O, I, A, A>,
    ];
}

/// The handlers of an operator on two `i64`, the second an immediate of 64 bits.
const fn wide<O: Binary<P = i64, Q = i64>>() -> [Handler; 16] {
    let mut block = NONE;
    block[0] = binary::<O, S, W, S>;
    block[1] = binary::<O, A, W, S>;
    block[8] = binary::<O, S, W, A>;
    block[9] = binary::<O, A, W, A>;
    block
}

/// The blocks of the operators on two `i64`: comparisons, then the others.
pub(super) static WIDE: &[[Handler; 16]] = &{
    macro_rules! blocks {
        ($($op:ident)*) => { [$(wide::<$op>()),*] };
    }
    blocks! {
        I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU
        I64Add I64Sub I64Mul I64DivS I64DivU I64RemS I64RemU I64And I64Or I64Xor
        I64Shl I64ShrS I64ShrU I64Rotl I64Rotr
    }
};
const _: () = assert!(WIDE.len() == crate::code::WIDES);

/// The handlers of a product with a constant, added to an `i32`.
pub(super) static MUL_ADD: &[[Handler; 16]] = &[{
    let mut block = NONE;
    block[0] = mul_add::<S, S>;
    block[1] = mul_add::<A, S>;
    block[8] = mul_add::<S, A>;
    block[9] = mul_add::<A, A>;
    block
}];

/// The wide operators have two results and all operands in slots.
impl<O, P: Slots, R: Value> Handlers<O> for (P, (), (R, R))
where
    O: Operation<Params = P, Imm = (), Results = (R, R)>,
{
    const BLOCK: [Handler; 16] = {
        let mut block = NONE;
        block[0] = in_slots::<O>;
        block
    };
}

/// The block of a scalar operator.
const fn block<O: Operation>() -> [Handler; 16]
where
    (O::Params, O::Imm, O::Results): Handlers<O>,
{
    <(O::Params, O::Imm, O::Results) as Handlers<O>>::BLOCK
}

macro_rules! scalar_blocks {
    ($($op:ident $name:ident $mnemonic:literal $opcode:literal $imm:ident $params:tt -> $results:tt
       $feature:ident $effect:ident $cost:literal;)*) => {
        /// The handlers of each scalar operator.
        pub(super) static SCALAR: &[[Handler; 16]] = &[$(block::<$op>()),*];
    };
}
riser_ops::for_each_scalar!(scalar_blocks);

macro_rules! vector_handlers {
    ($($op:ident $name:ident $mnemonic:literal $opcode:literal $imm:ident $params:tt -> $results:tt
       $feature:ident $effect:ident $cost:literal;)*) => {
        /// The handler of each vector operator.
        pub(super) static VECTOR: &[Handler] = &[$(in_slots::<$op>),*];
    };
}
riser_ops::for_each_vector!(vector_handlers);
