//! Vectors. A vector is an `i8x16` on the operand stack; the helpers here cast operands to the lanes that an operator is
//! about, and results back. Lane 0 is the lowest in every cast, whatever the machine.
//!
//! Which operator does what stands in `simple.rs`. Relaxed operators have one meaning each on all machines, that of
//! `riser-numerics`.

use super::Translator;
use super::simple::{Make1, Make2};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::*;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value};
use riser_abi::builtin;
use riser_front::SimpleImm;
use riser_ops::ValType;

/// The lane that an operator names.
fn lane(imm: SimpleImm) -> u8 {
    match imm {
        SimpleImm::Lane(lane) => lane,
        SimpleImm::None | SimpleImm::Shuffle(_) => unreachable!("the operator has a lane"),
    }
}

impl Translator<'_> {
    /// A vector with other lanes.
    pub(super) fn cast(&mut self, vector: Value, ty: Type) -> Value {
        if self.b.func.dfg.value_type(vector) == ty {
            return vector;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.b.ins().bitcast(ty, flags, vector)
    }

    pub(super) fn pop_lanes(&mut self, ty: Type) -> Value {
        let vector = self.pop();
        self.cast(vector, ty)
    }

    pub(super) fn push_lanes(&mut self, vector: Value) {
        let vector = self.cast(vector, I8X16);
        self.push(vector);
    }

    fn zero_vector(&mut self, ty: Type) -> Value {
        let zero = self.b.func.dfg.constants.insert(vec![0; 16].into());
        self.b.ins().vconst(ty, zero)
    }

    pub(super) fn lanes1(&mut self, ty: Type, make: Make1) {
        let x = self.pop_lanes(ty);
        let result = make(self.b.ins(), x);
        self.push_lanes(result);
    }

    pub(super) fn lanes2(&mut self, ty: Type, make: Make2) {
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        let result = make(self.b.ins(), x, y);
        self.push_lanes(result);
    }

    /// A shift of all lanes; CLIF takes the count modulo the lanes' width, too.
    pub(super) fn shift_lanes(&mut self, ty: Type, make: Make2) {
        let count = self.pop();
        let x = self.pop_lanes(ty);
        let result = make(self.b.ins(), x, count);
        self.push_lanes(result);
    }

    pub(super) fn compare_lanes(&mut self, ty: Type, condition: IntCC) {
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        let result = self.b.ins().icmp(condition, x, y);
        self.push_lanes(result);
    }

    pub(super) fn compare_float_lanes(&mut self, ty: Type, condition: FloatCC) {
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        let result = self.b.ins().fcmp(condition, x, y);
        self.push_lanes(result);
    }

    /// A test of the whole vector.
    pub(super) fn test_lanes(&mut self, ty: Type, make: Make1) {
        let x = self.pop_lanes(ty);
        let truth = make(self.b.ins(), x);
        self.push_truth(truth);
    }

    pub(super) fn bitmask(&mut self, ty: Type) {
        let x = self.pop_lanes(ty);
        let bits = self.b.ins().vhigh_bits(I32, x);
        self.push(bits);
    }

    pub(super) fn bitselect(&mut self) {
        let mask = self.pop();
        let (x, y) = self.pop2();
        let result = self.b.ins().bitselect(mask, x, y);
        self.push(result);
    }

    pub(super) fn shuffle(&mut self, imm: SimpleImm) {
        let SimpleImm::Shuffle(lanes) = imm else { unreachable!("the operator has sixteen lanes") };
        let (x, y) = self.pop2();
        let mask = self.b.func.dfg.immediates.push(lanes.to_vec().into());
        let result = self.b.ins().shuffle(x, y, mask);
        self.push(result);
    }

    pub(super) fn splat(&mut self, ty: Type) {
        let x = self.pop();
        let result = self.b.ins().splat(ty, x);
        self.push_lanes(result);
    }

    /// Every lane is the low bits of an `i32`.
    pub(super) fn splat_low_bits(&mut self, ty: Type) {
        let x = self.pop();
        let x = self.b.ins().ireduce(ty.lane_type(), x);
        self.push(x);
        self.splat(ty);
    }

    /// A lane, which is extended if it is narrower than an operand.
    pub(super) fn extract_lane_of(&mut self, ty: Type, imm: SimpleImm, extend: Option<Make1>) {
        let x = self.pop_lanes(ty);
        let value = self.b.ins().extractlane(x, lane(imm));
        let value = extend.map_or(value, |extend| extend(self.b.ins(), value));
        self.push(value);
    }

    pub(super) fn replace_lane_of(&mut self, ty: Type, imm: SimpleImm) {
        let value = self.pop();
        let x = self.pop_lanes(ty);
        let is_narrow = ty.lane_bits() < 32;
        let value = if is_narrow { self.b.ins().ireduce(ty.lane_type(), value) } else { value };
        let result = self.b.ins().insertlane(x, value, lane(imm));
        self.push_lanes(result);
    }

    pub(super) fn q15mulr(&mut self) {
        self.lanes2(I16X8, |i, x, y| i.sqmul_round_sat(x, y));
    }

    /// The products of lanes that are widened first, half of them.
    pub(super) fn multiply_wide(&mut self, ty: Type, widen: Make1) {
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        let (x, y) = (widen(self.b.ins(), x), widen(self.b.ins(), y));
        let result = self.b.ins().imul(x, y);
        self.push_lanes(result);
    }

    /// Both halves of a vector, with wider lanes.
    fn widened(&mut self, x: Value, signed: bool) -> (Value, Value) {
        if signed {
            (self.b.ins().swiden_low(x), self.b.ins().swiden_high(x))
        } else {
            (self.b.ins().uwiden_low(x), self.b.ins().uwiden_high(x))
        }
    }

    /// The sums of neighbouring lanes, which are wider.
    fn pair_sums(&mut self, x: Value, signed: bool) -> Value {
        let (low, high) = self.widened(x, signed);
        self.b.ins().iadd_pairwise(low, high)
    }

    pub(super) fn add_pairs_of(&mut self, ty: Type, signed: bool) {
        let x = self.pop_lanes(ty);
        let result = self.pair_sums(x, signed);
        self.push_lanes(result);
    }

    pub(super) fn dot_i16x8(&mut self) {
        let y = self.pop_lanes(I16X8);
        let x = self.pop_lanes(I16X8);
        let ((x_low, x_high), (y_low, y_high)) = (self.widened(x, true), self.widened(y, true));
        let low = self.b.ins().imul(x_low, y_low);
        let high = self.b.ins().imul(x_high, y_high);
        let result = self.b.ins().iadd_pairwise(low, high);
        self.push_lanes(result);
    }

    /// The even and the odd bytes of a vector, sign-extended to 16 bits.
    fn even_and_odd_bytes(&mut self, x: Value) -> (Value, Value) {
        let x = self.cast(x, I16X8);
        let eight = self.b.ins().iconst(I32, 8);
        let even = self.b.ins().ishl(x, eight);
        (self.b.ins().sshr(even, eight), self.b.ins().sshr(x, eight))
    }

    /// The sums of neighbouring products of bytes; only four times -128 is too large for 16 bits.
    fn byte_dot(&mut self, x: Value, y: Value) -> Value {
        let (x_even, x_odd) = self.even_and_odd_bytes(x);
        let (y_even, y_odd) = self.even_and_odd_bytes(y);
        let even = self.b.ins().imul(x_even, y_even);
        let odd = self.b.ins().imul(x_odd, y_odd);
        self.b.ins().sadd_sat(even, odd)
    }

    pub(super) fn dot_i8x16(&mut self) {
        let (x, y) = self.pop2();
        let result = self.byte_dot(x, y);
        self.push_lanes(result);
    }

    pub(super) fn dot_i8x16_add(&mut self) {
        let addend = self.pop_lanes(I32X4);
        let (x, y) = self.pop2();
        let products = self.byte_dot(x, y);
        let sums = self.pair_sums(products, true);
        let result = self.b.ins().iadd(sums, addend);
        self.push_lanes(result);
    }

    /// `y` where it is less than `x`, else `x`.
    pub(super) fn pseudo_min(&mut self, ty: Type) {
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        self.select_lanes((y, x), y, x);
    }

    /// `y` where it is greater than `x`, else `x`.
    pub(super) fn pseudo_max(&mut self, ty: Type) {
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        self.select_lanes((x, y), y, x);
    }

    /// `yes` where the first of a pair is less than the second, else `no`.
    fn select_lanes(&mut self, less: (Value, Value), yes: Value, no: Value) {
        let mask = self.b.ins().fcmp(FloatCC::LessThan, less.0, less.1);
        let ty = self.b.func.dfg.value_type(yes);
        let mask = self.cast(mask, ty);
        let result = self.b.ins().bitselect(mask, yes, no);
        self.push_lanes(result);
    }

    pub(super) fn trunc_f64x2(&mut self, signed: bool) {
        let x = self.pop_lanes(F64X2);
        let zero = self.zero_vector(I64X2);
        let result = if signed {
            let x = self.b.ins().fcvt_to_sint_sat(I64X2, x);
            self.b.ins().snarrow(x, zero)
        } else {
            let x = self.b.ins().fcvt_to_uint_sat(I64X2, x);
            self.b.ins().uunarrow(x, zero)
        };
        self.push_lanes(result);
    }

    pub(super) fn convert_low(&mut self, signed: bool) {
        let x = self.pop_lanes(I32X4);
        let result = if signed {
            let x = self.b.ins().swiden_low(x);
            self.b.ins().fcvt_from_sint(F64X2, x)
        } else {
            let x = self.b.ins().uwiden_low(x);
            self.b.ins().fcvt_from_uint(F64X2, x)
        };
        self.push_lanes(result);
    }

    /// `x * y + z`, rounded once, with the sign of the product changed if asked for.
    pub(super) fn multiply_add(&mut self, ty: Type, negate: bool) {
        let z = self.pop_lanes(ty);
        let y = self.pop_lanes(ty);
        let x = self.pop_lanes(ty);
        let x = if negate { self.b.ins().fneg(x) } else { x };
        let result = if self.env.has_fma {
            self.b.ins().fma(x, y, z)
        } else {
            self.call_multiply_add(ty, [x, y, z])
        };
        self.push_lanes(result);
    }

    /// Multiply-add where the machine has no instruction for it.
    fn call_multiply_add(&mut self, ty: Type, operands: [Value; 3]) -> Value {
        let slots = self.operand_slots(6);
        let address = self.b.ins().stack_addr(I64, slots, 0);
        for (i, operand) in operands.into_iter().enumerate() {
            let (flags, operand) = (self.trusted(), self.cast(operand, I8X16));
            self.store_slot(flags, ValType::V128, operand, address, 16 * i as i32);
        }
        let callee = if ty == F32X4 { builtin::f32x4_madd } else { builtin::f64x2_madd };
        let status = self.builtin(callee, &[address]);
        self.checked(status);
        let flags = self.trusted();
        let result = self.load_slot(flags, ValType::V128, address, 0);
        let result = self.cast(result, ty);
        self.canonical_lanes(ty, result)
    }

    /// What is not computed by an instruction is not seen by Cranelift's own replacement of NaNs.
    fn canonical_lanes(&mut self, ty: Type, x: Value) -> Value {
        if !self.env.options.canonicalize_nans {
            return x;
        }
        let nan = if ty == F32X4 {
            let nan = self.b.ins().f32const(f32::from_bits(0x7fc0_0000));
            self.b.ins().splat(ty, nan)
        } else {
            let nan = self.b.ins().f64const(f64::from_bits(0x7ff8_0000_0000_0000));
            self.b.ins().splat(ty, nan)
        };
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, x, x);
        let is_nan = self.cast(is_nan, ty);
        self.b.ins().bitselect(is_nan, nan, x)
    }
}
