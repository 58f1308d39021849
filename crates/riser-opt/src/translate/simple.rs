//! Simple operators: functions of their operands alone. What each means stands in `riser-numerics`; here every one has an
//! arm of its own kind, and no arm catches the rest.
//!
//! Helpers for numbers stand behind the table, those for vectors in `simd.rs`.

use super::Translator;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::*;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FuncInstBuilder;
use riser_front::SimpleImm;
use riser_ops::SimpleOp;

/// Where an instruction is inserted.
pub(super) type Ins<'short, 'long> = FuncInstBuilder<'short, 'long>;

/// Makes the instruction of an operator with one operand.
pub(super) type Make1 = fn(Ins<'_, '_>, Value) -> Value;

/// Makes the instruction of an operator with two operands.
pub(super) type Make2 = fn(Ins<'_, '_>, Value, Value) -> Value;

impl Translator<'_> {
    /// A simple operator.
    // tidy: flat match
    pub fn lower_simple(&mut self, op: SimpleOp, imm: SimpleImm) {
        use SimpleOp::*;
        match op {
            I32Eqz => self.eqz(I32),
            I64Eqz => self.eqz(I64),
            I32Eq | I64Eq => self.compare(IntCC::Equal),
            I32Ne | I64Ne => self.compare(IntCC::NotEqual),
            I32LtS | I64LtS => self.compare(IntCC::SignedLessThan),
            I32LtU | I64LtU => self.compare(IntCC::UnsignedLessThan),
            I32GtS | I64GtS => self.compare(IntCC::SignedGreaterThan),
            I32GtU | I64GtU => self.compare(IntCC::UnsignedGreaterThan),
            I32LeS | I64LeS => self.compare(IntCC::SignedLessThanOrEqual),
            I32LeU | I64LeU => self.compare(IntCC::UnsignedLessThanOrEqual),
            I32GeS | I64GeS => self.compare(IntCC::SignedGreaterThanOrEqual),
            I32GeU | I64GeU => self.compare(IntCC::UnsignedGreaterThanOrEqual),
            F32Eq | F64Eq => self.compare_floats(FloatCC::Equal),
            F32Ne | F64Ne => self.compare_floats(FloatCC::NotEqual),
            F32Lt | F64Lt => self.compare_floats(FloatCC::LessThan),
            F32Gt | F64Gt => self.compare_floats(FloatCC::GreaterThan),
            F32Le | F64Le => self.compare_floats(FloatCC::LessThanOrEqual),
            F32Ge | F64Ge => self.compare_floats(FloatCC::GreaterThanOrEqual),

            I32Clz | I64Clz => self.unary(|i, x| i.clz(x)),
            I32Ctz | I64Ctz => self.unary(|i, x| i.ctz(x)),
            I32Popcnt | I64Popcnt => self.unary(|i, x| i.popcnt(x)),
            I32Add | I64Add => self.binary(|i, x, y| i.iadd(x, y)),
            I32Sub | I64Sub => self.binary(|i, x, y| i.isub(x, y)),
            I32Mul | I64Mul => self.binary(|i, x, y| i.imul(x, y)),
            I32DivS | I64DivS => self.binary(|i, x, y| i.sdiv(x, y)),
            I32DivU | I64DivU => self.binary(|i, x, y| i.udiv(x, y)),
            I32RemS | I64RemS => self.binary(|i, x, y| i.srem(x, y)),
            I32RemU | I64RemU => self.binary(|i, x, y| i.urem(x, y)),
            I32And | I64And => self.binary(|i, x, y| i.band(x, y)),
            I32Or | I64Or => self.binary(|i, x, y| i.bor(x, y)),
            I32Xor | I64Xor => self.binary(|i, x, y| i.bxor(x, y)),
            I32Shl | I64Shl => self.binary(|i, x, y| i.ishl(x, y)),
            I32ShrS | I64ShrS => self.binary(|i, x, y| i.sshr(x, y)),
            I32ShrU | I64ShrU => self.binary(|i, x, y| i.ushr(x, y)),
            I32Rotl | I64Rotl => self.binary(|i, x, y| i.rotl(x, y)),
            I32Rotr | I64Rotr => self.binary(|i, x, y| i.rotr(x, y)),
            I32Extend8S => self.extend_low_bits(I8, I32),
            I32Extend16S => self.extend_low_bits(I16, I32),
            I64Extend8S => self.extend_low_bits(I8, I64),
            I64Extend16S => self.extend_low_bits(I16, I64),
            I64Extend32S => self.extend_low_bits(I32, I64),
            I64Add128 => self.add_wide(|i, x, y| i.iadd(x, y)),
            I64Sub128 => self.add_wide(|i, x, y| i.isub(x, y)),
            I64MulWideS => self.mul_wide(|i, x| i.sextend(I128, x)),
            I64MulWideU => self.mul_wide(|i, x| i.uextend(I128, x)),

            F32Abs | F64Abs => self.unary(|i, x| i.fabs(x)),
            F32Neg | F64Neg => self.unary(|i, x| i.fneg(x)),
            F32Ceil | F64Ceil => self.unary(|i, x| i.ceil(x)),
            F32Floor | F64Floor => self.unary(|i, x| i.floor(x)),
            F32Trunc | F64Trunc => self.unary(|i, x| i.trunc(x)),
            F32Nearest | F64Nearest => self.unary(|i, x| i.nearest(x)),
            F32Sqrt | F64Sqrt => self.unary(|i, x| i.sqrt(x)),
            F32Add | F64Add => self.binary(|i, x, y| i.fadd(x, y)),
            F32Sub | F64Sub => self.binary(|i, x, y| i.fsub(x, y)),
            F32Mul | F64Mul => self.binary(|i, x, y| i.fmul(x, y)),
            F32Div | F64Div => self.binary(|i, x, y| i.fdiv(x, y)),
            F32Min | F64Min => self.binary(|i, x, y| i.fmin(x, y)),
            F32Max | F64Max => self.binary(|i, x, y| i.fmax(x, y)),
            F32Copysign | F64Copysign => self.binary(|i, x, y| i.fcopysign(x, y)),

            I32WrapI64 => self.unary(|i, x| i.ireduce(I32, x)),
            I64ExtendI32S => self.unary(|i, x| i.sextend(I64, x)),
            I64ExtendI32U => self.unary(|i, x| i.uextend(I64, x)),
            I32TruncF32S | I32TruncF64S => self.unary(|i, x| i.fcvt_to_sint(I32, x)),
            I32TruncF32U | I32TruncF64U => self.unary(|i, x| i.fcvt_to_uint(I32, x)),
            I64TruncF32S | I64TruncF64S => self.unary(|i, x| i.fcvt_to_sint(I64, x)),
            I64TruncF32U | I64TruncF64U => self.unary(|i, x| i.fcvt_to_uint(I64, x)),
            I32TruncSatF32S | I32TruncSatF64S => self.unary(|i, x| i.fcvt_to_sint_sat(I32, x)),
            I32TruncSatF32U | I32TruncSatF64U => self.unary(|i, x| i.fcvt_to_uint_sat(I32, x)),
            I64TruncSatF32S | I64TruncSatF64S => self.unary(|i, x| i.fcvt_to_sint_sat(I64, x)),
            I64TruncSatF32U | I64TruncSatF64U => self.unary(|i, x| i.fcvt_to_uint_sat(I64, x)),
            F32ConvertI32S | F32ConvertI64S => self.unary(|i, x| i.fcvt_from_sint(F32, x)),
            F32ConvertI32U | F32ConvertI64U => self.unary(|i, x| i.fcvt_from_uint(F32, x)),
            F64ConvertI32S | F64ConvertI64S => self.unary(|i, x| i.fcvt_from_sint(F64, x)),
            F64ConvertI32U | F64ConvertI64U => self.unary(|i, x| i.fcvt_from_uint(F64, x)),
            F32DemoteF64 => self.unary(|i, x| i.fdemote(F32, x)),
            F64PromoteF32 => self.unary(|i, x| i.fpromote(F64, x)),
            I32ReinterpretF32 => self.unary(|i, x| i.bitcast(I32, MemFlagsData::new(), x)),
            I64ReinterpretF64 => self.unary(|i, x| i.bitcast(I64, MemFlagsData::new(), x)),
            F32ReinterpretI32 => self.unary(|i, x| i.bitcast(F32, MemFlagsData::new(), x)),
            F64ReinterpretI64 => self.unary(|i, x| i.bitcast(F64, MemFlagsData::new(), x)),

            I8x16Shuffle => self.shuffle(imm),
            I8x16Swizzle | I8x16RelaxedSwizzle => self.lanes2(I8X16, |i, x, y| i.swizzle(x, y)),
            I8x16Splat => self.splat_low_bits(I8X16),
            I16x8Splat => self.splat_low_bits(I16X8),
            I32x4Splat => self.splat(I32X4),
            I64x2Splat => self.splat(I64X2),
            F32x4Splat => self.splat(F32X4),
            F64x2Splat => self.splat(F64X2),
            I8x16ExtractLaneS => self.extract_lane_of(I8X16, imm, Some(|i, x| i.sextend(I32, x))),
            I8x16ExtractLaneU => self.extract_lane_of(I8X16, imm, Some(|i, x| i.uextend(I32, x))),
            I16x8ExtractLaneS => self.extract_lane_of(I16X8, imm, Some(|i, x| i.sextend(I32, x))),
            I16x8ExtractLaneU => self.extract_lane_of(I16X8, imm, Some(|i, x| i.uextend(I32, x))),
            I32x4ExtractLane => self.extract_lane_of(I32X4, imm, None),
            I64x2ExtractLane => self.extract_lane_of(I64X2, imm, None),
            F32x4ExtractLane => self.extract_lane_of(F32X4, imm, None),
            F64x2ExtractLane => self.extract_lane_of(F64X2, imm, None),
            I8x16ReplaceLane => self.replace_lane_of(I8X16, imm),
            I16x8ReplaceLane => self.replace_lane_of(I16X8, imm),
            I32x4ReplaceLane => self.replace_lane_of(I32X4, imm),
            I64x2ReplaceLane => self.replace_lane_of(I64X2, imm),
            F32x4ReplaceLane => self.replace_lane_of(F32X4, imm),
            F64x2ReplaceLane => self.replace_lane_of(F64X2, imm),

            I8x16Eq => self.compare_lanes(I8X16, IntCC::Equal),
            I8x16Ne => self.compare_lanes(I8X16, IntCC::NotEqual),
            I8x16LtS => self.compare_lanes(I8X16, IntCC::SignedLessThan),
            I8x16LtU => self.compare_lanes(I8X16, IntCC::UnsignedLessThan),
            I8x16GtS => self.compare_lanes(I8X16, IntCC::SignedGreaterThan),
            I8x16GtU => self.compare_lanes(I8X16, IntCC::UnsignedGreaterThan),
            I8x16LeS => self.compare_lanes(I8X16, IntCC::SignedLessThanOrEqual),
            I8x16LeU => self.compare_lanes(I8X16, IntCC::UnsignedLessThanOrEqual),
            I8x16GeS => self.compare_lanes(I8X16, IntCC::SignedGreaterThanOrEqual),
            I8x16GeU => self.compare_lanes(I8X16, IntCC::UnsignedGreaterThanOrEqual),
            I16x8Eq => self.compare_lanes(I16X8, IntCC::Equal),
            I16x8Ne => self.compare_lanes(I16X8, IntCC::NotEqual),
            I16x8LtS => self.compare_lanes(I16X8, IntCC::SignedLessThan),
            I16x8LtU => self.compare_lanes(I16X8, IntCC::UnsignedLessThan),
            I16x8GtS => self.compare_lanes(I16X8, IntCC::SignedGreaterThan),
            I16x8GtU => self.compare_lanes(I16X8, IntCC::UnsignedGreaterThan),
            I16x8LeS => self.compare_lanes(I16X8, IntCC::SignedLessThanOrEqual),
            I16x8LeU => self.compare_lanes(I16X8, IntCC::UnsignedLessThanOrEqual),
            I16x8GeS => self.compare_lanes(I16X8, IntCC::SignedGreaterThanOrEqual),
            I16x8GeU => self.compare_lanes(I16X8, IntCC::UnsignedGreaterThanOrEqual),
            I32x4Eq => self.compare_lanes(I32X4, IntCC::Equal),
            I32x4Ne => self.compare_lanes(I32X4, IntCC::NotEqual),
            I32x4LtS => self.compare_lanes(I32X4, IntCC::SignedLessThan),
            I32x4LtU => self.compare_lanes(I32X4, IntCC::UnsignedLessThan),
            I32x4GtS => self.compare_lanes(I32X4, IntCC::SignedGreaterThan),
            I32x4GtU => self.compare_lanes(I32X4, IntCC::UnsignedGreaterThan),
            I32x4LeS => self.compare_lanes(I32X4, IntCC::SignedLessThanOrEqual),
            I32x4LeU => self.compare_lanes(I32X4, IntCC::UnsignedLessThanOrEqual),
            I32x4GeS => self.compare_lanes(I32X4, IntCC::SignedGreaterThanOrEqual),
            I32x4GeU => self.compare_lanes(I32X4, IntCC::UnsignedGreaterThanOrEqual),
            I64x2Eq => self.compare_lanes(I64X2, IntCC::Equal),
            I64x2Ne => self.compare_lanes(I64X2, IntCC::NotEqual),
            I64x2LtS => self.compare_lanes(I64X2, IntCC::SignedLessThan),
            I64x2GtS => self.compare_lanes(I64X2, IntCC::SignedGreaterThan),
            I64x2LeS => self.compare_lanes(I64X2, IntCC::SignedLessThanOrEqual),
            I64x2GeS => self.compare_lanes(I64X2, IntCC::SignedGreaterThanOrEqual),
            F32x4Eq => self.compare_float_lanes(F32X4, FloatCC::Equal),
            F32x4Ne => self.compare_float_lanes(F32X4, FloatCC::NotEqual),
            F32x4Lt => self.compare_float_lanes(F32X4, FloatCC::LessThan),
            F32x4Gt => self.compare_float_lanes(F32X4, FloatCC::GreaterThan),
            F32x4Le => self.compare_float_lanes(F32X4, FloatCC::LessThanOrEqual),
            F32x4Ge => self.compare_float_lanes(F32X4, FloatCC::GreaterThanOrEqual),
            F64x2Eq => self.compare_float_lanes(F64X2, FloatCC::Equal),
            F64x2Ne => self.compare_float_lanes(F64X2, FloatCC::NotEqual),
            F64x2Lt => self.compare_float_lanes(F64X2, FloatCC::LessThan),
            F64x2Gt => self.compare_float_lanes(F64X2, FloatCC::GreaterThan),
            F64x2Le => self.compare_float_lanes(F64X2, FloatCC::LessThanOrEqual),
            F64x2Ge => self.compare_float_lanes(F64X2, FloatCC::GreaterThanOrEqual),

            V128Not => self.unary(|i, x| i.bnot(x)),
            V128And => self.binary(|i, x, y| i.band(x, y)),
            V128Andnot => self.binary(|i, x, y| i.band_not(x, y)),
            V128Or => self.binary(|i, x, y| i.bor(x, y)),
            V128Xor => self.binary(|i, x, y| i.bxor(x, y)),
            V128Bitselect => self.bitselect(),
            I8x16RelaxedLaneselect | I16x8RelaxedLaneselect => self.bitselect(),
            I32x4RelaxedLaneselect | I64x2RelaxedLaneselect => self.bitselect(),
            V128AnyTrue => self.test_lanes(I8X16, |i, x| i.vany_true(x)),
            I8x16AllTrue => self.test_lanes(I8X16, |i, x| i.vall_true(x)),
            I16x8AllTrue => self.test_lanes(I16X8, |i, x| i.vall_true(x)),
            I32x4AllTrue => self.test_lanes(I32X4, |i, x| i.vall_true(x)),
            I64x2AllTrue => self.test_lanes(I64X2, |i, x| i.vall_true(x)),
            I8x16Bitmask => self.bitmask(I8X16),
            I16x8Bitmask => self.bitmask(I16X8),
            I32x4Bitmask => self.bitmask(I32X4),
            I64x2Bitmask => self.bitmask(I64X2),

            I8x16Abs => self.lanes1(I8X16, |i, x| i.iabs(x)),
            I16x8Abs => self.lanes1(I16X8, |i, x| i.iabs(x)),
            I32x4Abs => self.lanes1(I32X4, |i, x| i.iabs(x)),
            I64x2Abs => self.lanes1(I64X2, |i, x| i.iabs(x)),
            I8x16Neg => self.lanes1(I8X16, |i, x| i.ineg(x)),
            I16x8Neg => self.lanes1(I16X8, |i, x| i.ineg(x)),
            I32x4Neg => self.lanes1(I32X4, |i, x| i.ineg(x)),
            I64x2Neg => self.lanes1(I64X2, |i, x| i.ineg(x)),
            I8x16Popcnt => self.lanes1(I8X16, |i, x| i.popcnt(x)),
            I8x16Shl => self.shift_lanes(I8X16, |i, x, y| i.ishl(x, y)),
            I8x16ShrS => self.shift_lanes(I8X16, |i, x, y| i.sshr(x, y)),
            I8x16ShrU => self.shift_lanes(I8X16, |i, x, y| i.ushr(x, y)),
            I16x8Shl => self.shift_lanes(I16X8, |i, x, y| i.ishl(x, y)),
            I16x8ShrS => self.shift_lanes(I16X8, |i, x, y| i.sshr(x, y)),
            I16x8ShrU => self.shift_lanes(I16X8, |i, x, y| i.ushr(x, y)),
            I32x4Shl => self.shift_lanes(I32X4, |i, x, y| i.ishl(x, y)),
            I32x4ShrS => self.shift_lanes(I32X4, |i, x, y| i.sshr(x, y)),
            I32x4ShrU => self.shift_lanes(I32X4, |i, x, y| i.ushr(x, y)),
            I64x2Shl => self.shift_lanes(I64X2, |i, x, y| i.ishl(x, y)),
            I64x2ShrS => self.shift_lanes(I64X2, |i, x, y| i.sshr(x, y)),
            I64x2ShrU => self.shift_lanes(I64X2, |i, x, y| i.ushr(x, y)),
            I8x16Add => self.lanes2(I8X16, |i, x, y| i.iadd(x, y)),
            I16x8Add => self.lanes2(I16X8, |i, x, y| i.iadd(x, y)),
            I32x4Add => self.lanes2(I32X4, |i, x, y| i.iadd(x, y)),
            I64x2Add => self.lanes2(I64X2, |i, x, y| i.iadd(x, y)),
            I8x16Sub => self.lanes2(I8X16, |i, x, y| i.isub(x, y)),
            I16x8Sub => self.lanes2(I16X8, |i, x, y| i.isub(x, y)),
            I32x4Sub => self.lanes2(I32X4, |i, x, y| i.isub(x, y)),
            I64x2Sub => self.lanes2(I64X2, |i, x, y| i.isub(x, y)),
            I16x8Mul => self.lanes2(I16X8, |i, x, y| i.imul(x, y)),
            I32x4Mul => self.lanes2(I32X4, |i, x, y| i.imul(x, y)),
            I64x2Mul => self.lanes2(I64X2, |i, x, y| i.imul(x, y)),
            I8x16AddSatS => self.lanes2(I8X16, |i, x, y| i.sadd_sat(x, y)),
            I8x16AddSatU => self.lanes2(I8X16, |i, x, y| i.uadd_sat(x, y)),
            I8x16SubSatS => self.lanes2(I8X16, |i, x, y| i.ssub_sat(x, y)),
            I8x16SubSatU => self.lanes2(I8X16, |i, x, y| i.usub_sat(x, y)),
            I16x8AddSatS => self.lanes2(I16X8, |i, x, y| i.sadd_sat(x, y)),
            I16x8AddSatU => self.lanes2(I16X8, |i, x, y| i.uadd_sat(x, y)),
            I16x8SubSatS => self.lanes2(I16X8, |i, x, y| i.ssub_sat(x, y)),
            I16x8SubSatU => self.lanes2(I16X8, |i, x, y| i.usub_sat(x, y)),
            I8x16MinS => self.lanes2(I8X16, |i, x, y| i.smin(x, y)),
            I8x16MinU => self.lanes2(I8X16, |i, x, y| i.umin(x, y)),
            I8x16MaxS => self.lanes2(I8X16, |i, x, y| i.smax(x, y)),
            I8x16MaxU => self.lanes2(I8X16, |i, x, y| i.umax(x, y)),
            I16x8MinS => self.lanes2(I16X8, |i, x, y| i.smin(x, y)),
            I16x8MinU => self.lanes2(I16X8, |i, x, y| i.umin(x, y)),
            I16x8MaxS => self.lanes2(I16X8, |i, x, y| i.smax(x, y)),
            I16x8MaxU => self.lanes2(I16X8, |i, x, y| i.umax(x, y)),
            I32x4MinS => self.lanes2(I32X4, |i, x, y| i.smin(x, y)),
            I32x4MinU => self.lanes2(I32X4, |i, x, y| i.umin(x, y)),
            I32x4MaxS => self.lanes2(I32X4, |i, x, y| i.smax(x, y)),
            I32x4MaxU => self.lanes2(I32X4, |i, x, y| i.umax(x, y)),
            I8x16AvgrU => self.lanes2(I8X16, |i, x, y| i.avg_round(x, y)),
            I16x8AvgrU => self.lanes2(I16X8, |i, x, y| i.avg_round(x, y)),
            I16x8Q15mulrSatS | I16x8RelaxedQ15mulrS => self.q15mulr(),
            I16x8ExtmulLowI8x16S => self.multiply_wide(I8X16, |i, x| i.swiden_low(x)),
            I16x8ExtmulHighI8x16S => self.multiply_wide(I8X16, |i, x| i.swiden_high(x)),
            I16x8ExtmulLowI8x16U => self.multiply_wide(I8X16, |i, x| i.uwiden_low(x)),
            I16x8ExtmulHighI8x16U => self.multiply_wide(I8X16, |i, x| i.uwiden_high(x)),
            I32x4ExtmulLowI16x8S => self.multiply_wide(I16X8, |i, x| i.swiden_low(x)),
            I32x4ExtmulHighI16x8S => self.multiply_wide(I16X8, |i, x| i.swiden_high(x)),
            I32x4ExtmulLowI16x8U => self.multiply_wide(I16X8, |i, x| i.uwiden_low(x)),
            I32x4ExtmulHighI16x8U => self.multiply_wide(I16X8, |i, x| i.uwiden_high(x)),
            I64x2ExtmulLowI32x4S => self.multiply_wide(I32X4, |i, x| i.swiden_low(x)),
            I64x2ExtmulHighI32x4S => self.multiply_wide(I32X4, |i, x| i.swiden_high(x)),
            I64x2ExtmulLowI32x4U => self.multiply_wide(I32X4, |i, x| i.uwiden_low(x)),
            I64x2ExtmulHighI32x4U => self.multiply_wide(I32X4, |i, x| i.uwiden_high(x)),
            I16x8ExtaddPairwiseI8x16S => self.add_pairs_of(I8X16, true),
            I16x8ExtaddPairwiseI8x16U => self.add_pairs_of(I8X16, false),
            I32x4ExtaddPairwiseI16x8S => self.add_pairs_of(I16X8, true),
            I32x4ExtaddPairwiseI16x8U => self.add_pairs_of(I16X8, false),
            I32x4DotI16x8S => self.dot_i16x8(),
            I16x8RelaxedDotI8x16I7x16S => self.dot_i8x16(),
            I32x4RelaxedDotI8x16I7x16AddS => self.dot_i8x16_add(),

            I8x16NarrowI16x8S => self.lanes2(I16X8, |i, x, y| i.snarrow(x, y)),
            I8x16NarrowI16x8U => self.lanes2(I16X8, |i, x, y| i.unarrow(x, y)),
            I16x8NarrowI32x4S => self.lanes2(I32X4, |i, x, y| i.snarrow(x, y)),
            I16x8NarrowI32x4U => self.lanes2(I32X4, |i, x, y| i.unarrow(x, y)),
            I16x8ExtendLowI8x16S => self.lanes1(I8X16, |i, x| i.swiden_low(x)),
            I16x8ExtendHighI8x16S => self.lanes1(I8X16, |i, x| i.swiden_high(x)),
            I16x8ExtendLowI8x16U => self.lanes1(I8X16, |i, x| i.uwiden_low(x)),
            I16x8ExtendHighI8x16U => self.lanes1(I8X16, |i, x| i.uwiden_high(x)),
            I32x4ExtendLowI16x8S => self.lanes1(I16X8, |i, x| i.swiden_low(x)),
            I32x4ExtendHighI16x8S => self.lanes1(I16X8, |i, x| i.swiden_high(x)),
            I32x4ExtendLowI16x8U => self.lanes1(I16X8, |i, x| i.uwiden_low(x)),
            I32x4ExtendHighI16x8U => self.lanes1(I16X8, |i, x| i.uwiden_high(x)),
            I64x2ExtendLowI32x4S => self.lanes1(I32X4, |i, x| i.swiden_low(x)),
            I64x2ExtendHighI32x4S => self.lanes1(I32X4, |i, x| i.swiden_high(x)),
            I64x2ExtendLowI32x4U => self.lanes1(I32X4, |i, x| i.uwiden_low(x)),
            I64x2ExtendHighI32x4U => self.lanes1(I32X4, |i, x| i.uwiden_high(x)),

            F32x4Ceil => self.lanes1(F32X4, |i, x| i.ceil(x)),
            F32x4Floor => self.lanes1(F32X4, |i, x| i.floor(x)),
            F32x4Trunc => self.lanes1(F32X4, |i, x| i.trunc(x)),
            F32x4Nearest => self.lanes1(F32X4, |i, x| i.nearest(x)),
            F32x4Abs => self.lanes1(F32X4, |i, x| i.fabs(x)),
            F32x4Neg => self.lanes1(F32X4, |i, x| i.fneg(x)),
            F32x4Sqrt => self.lanes1(F32X4, |i, x| i.sqrt(x)),
            F32x4Add => self.lanes2(F32X4, |i, x, y| i.fadd(x, y)),
            F32x4Sub => self.lanes2(F32X4, |i, x, y| i.fsub(x, y)),
            F32x4Mul => self.lanes2(F32X4, |i, x, y| i.fmul(x, y)),
            F32x4Div => self.lanes2(F32X4, |i, x, y| i.fdiv(x, y)),
            F32x4Min | F32x4RelaxedMin => self.lanes2(F32X4, |i, x, y| i.fmin(x, y)),
            F32x4Max | F32x4RelaxedMax => self.lanes2(F32X4, |i, x, y| i.fmax(x, y)),
            F32x4Pmin => self.pseudo_min(F32X4),
            F32x4Pmax => self.pseudo_max(F32X4),
            F64x2Ceil => self.lanes1(F64X2, |i, x| i.ceil(x)),
            F64x2Floor => self.lanes1(F64X2, |i, x| i.floor(x)),
            F64x2Trunc => self.lanes1(F64X2, |i, x| i.trunc(x)),
            F64x2Nearest => self.lanes1(F64X2, |i, x| i.nearest(x)),
            F64x2Abs => self.lanes1(F64X2, |i, x| i.fabs(x)),
            F64x2Neg => self.lanes1(F64X2, |i, x| i.fneg(x)),
            F64x2Sqrt => self.lanes1(F64X2, |i, x| i.sqrt(x)),
            F64x2Add => self.lanes2(F64X2, |i, x, y| i.fadd(x, y)),
            F64x2Sub => self.lanes2(F64X2, |i, x, y| i.fsub(x, y)),
            F64x2Mul => self.lanes2(F64X2, |i, x, y| i.fmul(x, y)),
            F64x2Div => self.lanes2(F64X2, |i, x, y| i.fdiv(x, y)),
            F64x2Min | F64x2RelaxedMin => self.lanes2(F64X2, |i, x, y| i.fmin(x, y)),
            F64x2Max | F64x2RelaxedMax => self.lanes2(F64X2, |i, x, y| i.fmax(x, y)),
            F64x2Pmin => self.pseudo_min(F64X2),
            F64x2Pmax => self.pseudo_max(F64X2),
            F32x4RelaxedMadd => self.multiply_add(F32X4, false),
            F32x4RelaxedNmadd => self.multiply_add(F32X4, true),
            F64x2RelaxedMadd => self.multiply_add(F64X2, false),
            F64x2RelaxedNmadd => self.multiply_add(F64X2, true),

            I32x4TruncSatF32x4S | I32x4RelaxedTruncF32x4S => {
                self.lanes1(F32X4, |i, x| i.fcvt_to_sint_sat(I32X4, x));
            }
            I32x4TruncSatF32x4U | I32x4RelaxedTruncF32x4U => {
                self.lanes1(F32X4, |i, x| i.fcvt_to_uint_sat(I32X4, x));
            }
            I32x4TruncSatF64x2SZero | I32x4RelaxedTruncF64x2SZero => self.trunc_f64x2(true),
            I32x4TruncSatF64x2UZero | I32x4RelaxedTruncF64x2UZero => self.trunc_f64x2(false),
            F32x4ConvertI32x4S => self.lanes1(I32X4, |i, x| i.fcvt_from_sint(F32X4, x)),
            F32x4ConvertI32x4U => self.lanes1(I32X4, |i, x| i.fcvt_from_uint(F32X4, x)),
            F64x2ConvertLowI32x4S => self.convert_low(true),
            F64x2ConvertLowI32x4U => self.convert_low(false),
            F32x4DemoteF64x2Zero => self.lanes1(F64X2, |i, x| i.fvdemote(x)),
            F64x2PromoteLowF32x4 => self.lanes1(F32X4, |i, x| i.fvpromote_low(x)),
        }
    }

    /// An operator with one operand of the type that its instruction takes.
    fn unary(&mut self, make: Make1) {
        let x = self.pop();
        let result = make(self.b.ins(), x);
        self.push(result);
    }

    /// An operator with two operands of the type that its instruction takes.
    fn binary(&mut self, make: Make2) {
        let (x, y) = self.pop2();
        let result = make(self.b.ins(), x, y);
        self.push(result);
    }

    /// Pushes the result of a comparison or test, which is a byte in CLIF.
    pub(super) fn push_truth(&mut self, truth: Value) {
        let result = self.b.ins().uextend(I32, truth);
        self.push(result);
    }

    fn eqz(&mut self, ty: Type) {
        let x = self.pop();
        let zero = self.b.ins().iconst(ty, 0);
        let truth = self.b.ins().icmp(IntCC::Equal, x, zero);
        self.push_truth(truth);
    }

    fn compare(&mut self, condition: IntCC) {
        let (x, y) = self.pop2();
        let truth = self.b.ins().icmp(condition, x, y);
        self.push_truth(truth);
    }

    fn compare_floats(&mut self, condition: FloatCC) {
        let (x, y) = self.pop2();
        let truth = self.b.ins().fcmp(condition, x, y);
        self.push_truth(truth);
    }

    /// Sign extension of the low bits of a number.
    fn extend_low_bits(&mut self, low: Type, ty: Type) {
        let x = self.pop();
        let x = self.b.ins().ireduce(low, x);
        let result = self.b.ins().sextend(ty, x);
        self.push(result);
    }

    /// A sum or difference of numbers that are two operands each, low half first.
    fn add_wide(&mut self, make: Make2) {
        let (lo, hi) = self.pop2();
        let y = self.b.ins().iconcat(lo, hi);
        let (lo, hi) = self.pop2();
        let x = self.b.ins().iconcat(lo, hi);
        let sum = make(self.b.ins(), x, y);
        self.push_halves(sum);
    }

    /// The whole product of two numbers, which are extended first.
    fn mul_wide(&mut self, extend: Make1) {
        let (x, y) = self.pop2();
        let (x, y) = (extend(self.b.ins(), x), extend(self.b.ins(), y));
        let product = self.b.ins().imul(x, y);
        self.push_halves(product);
    }

    fn push_halves(&mut self, wide: Value) {
        let (lo, hi) = self.b.ins().isplit(wide);
        self.push(lo);
        self.push(hi);
    }
}
