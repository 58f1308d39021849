//! Simple operators: functions of their operands alone. What each means stands in `riser-numerics`; here every one has an
//! arm of its own kind, and no arm catches the rest.
//!
//! Helpers for numbers stand in `numbers.rs` and `truncate.rs`.

use super::Translator;
use super::numbers::Float::{F32, F64};
use super::numbers::Sign::{S, U};
use crate::asm::Width::{W8, W16, W32, W64};
use crate::asm::{Alu, Cond, Rounding, Shift, Sse};
use riser_front::SimpleImm;
use riser_ops::SimpleOp;

impl Translator<'_> {
    /// A simple operator.
    // tidy: flat match
    pub fn lower_simple(&mut self, op: SimpleOp, imm: SimpleImm) {
        use SimpleOp::*;
        match op {
            I32Eqz => self.eqz(W32),
            I32Eq => self.compare(Cond::E, W32),
            I32Ne => self.compare(Cond::Ne, W32),
            I32LtS => self.compare(Cond::L, W32),
            I32LtU => self.compare(Cond::B, W32),
            I32GtS => self.compare(Cond::G, W32),
            I32GtU => self.compare(Cond::A, W32),
            I32LeS => self.compare(Cond::Le, W32),
            I32LeU => self.compare(Cond::Be, W32),
            I32GeS => self.compare(Cond::Ge, W32),
            I32GeU => self.compare(Cond::Ae, W32),
            I64Eqz => self.eqz(W64),
            I64Eq => self.compare(Cond::E, W64),
            I64Ne => self.compare(Cond::Ne, W64),
            I64LtS => self.compare(Cond::L, W64),
            I64LtU => self.compare(Cond::B, W64),
            I64GtS => self.compare(Cond::G, W64),
            I64GtU => self.compare(Cond::A, W64),
            I64LeS => self.compare(Cond::Le, W64),
            I64LeU => self.compare(Cond::Be, W64),
            I64GeS => self.compare(Cond::Ge, W64),
            I64GeU => self.compare(Cond::Ae, W64),
            F32Eq => self.compare_equal(F32, true),
            F32Ne => self.compare_equal(F32, false),
            F32Lt => self.compare_order(F32, Cond::A, true),
            F32Gt => self.compare_order(F32, Cond::A, false),
            F32Le => self.compare_order(F32, Cond::Ae, true),
            F32Ge => self.compare_order(F32, Cond::Ae, false),
            F64Eq => self.compare_equal(F64, true),
            F64Ne => self.compare_equal(F64, false),
            F64Lt => self.compare_order(F64, Cond::A, true),
            F64Gt => self.compare_order(F64, Cond::A, false),
            F64Le => self.compare_order(F64, Cond::Ae, true),
            F64Ge => self.compare_order(F64, Cond::Ae, false),
            I32Clz => self.clz(W32),
            I32Ctz => self.ctz(W32),
            I32Popcnt => self.popcnt(W32),
            I32Add => self.int_binary(Alu::Add, W32),
            I32Sub => self.int_binary(Alu::Sub, W32),
            I32And => self.int_binary(Alu::And, W32),
            I32Or => self.int_binary(Alu::Or, W32),
            I32Xor => self.int_binary(Alu::Xor, W32),
            I32Mul => self.multiply(W32),
            I32DivS => self.divide(W32, S),
            I32DivU => self.divide(W32, U),
            I32RemS => self.remainder(W32, S),
            I32RemU => self.remainder(W32, U),
            I32Shl => self.shift(Shift::Shl, W32),
            I32ShrS => self.shift(Shift::Sar, W32),
            I32ShrU => self.shift(Shift::Shr, W32),
            I32Rotl => self.shift(Shift::Rol, W32),
            I32Rotr => self.shift(Shift::Ror, W32),
            I32Extend8S => self.extend(W8, W32),
            I32Extend16S => self.extend(W16, W32),
            I64Clz => self.clz(W64),
            I64Ctz => self.ctz(W64),
            I64Popcnt => self.popcnt(W64),
            I64Add => self.int_binary(Alu::Add, W64),
            I64Sub => self.int_binary(Alu::Sub, W64),
            I64And => self.int_binary(Alu::And, W64),
            I64Or => self.int_binary(Alu::Or, W64),
            I64Xor => self.int_binary(Alu::Xor, W64),
            I64Mul => self.multiply(W64),
            I64DivS => self.divide(W64, S),
            I64DivU => self.divide(W64, U),
            I64RemS => self.remainder(W64, S),
            I64RemU => self.remainder(W64, U),
            I64Shl => self.shift(Shift::Shl, W64),
            I64ShrS => self.shift(Shift::Sar, W64),
            I64ShrU => self.shift(Shift::Shr, W64),
            I64Rotl => self.shift(Shift::Rol, W64),
            I64Rotr => self.shift(Shift::Ror, W64),
            I64Extend8S => self.extend(W8, W64),
            I64Extend16S => self.extend(W16, W64),
            I64Extend32S | I64ExtendI32S => self.extend(W32, W64),
            I64Add128 => self.add_wide(Alu::Add, Alu::Adc),
            I64Sub128 => self.add_wide(Alu::Sub, Alu::Sbb),
            I64MulWideS => self.multiply_wide(S),
            I64MulWideU => self.multiply_wide(U),
            F32Abs => self.abs(F32),
            F32Neg => self.negate(F32),
            F32Copysign => self.copysign(F32),
            F32Ceil => self.round(F32, Rounding::Ceil),
            F32Floor => self.round(F32, Rounding::Floor),
            F32Trunc => self.round(F32, Rounding::Trunc),
            F32Nearest => self.round(F32, Rounding::Nearest),
            F32Sqrt => self.sqrt(F32),
            F32Add => self.float_binary(F32, Sse::Addss, Sse::Addsd),
            F32Sub => self.float_binary(F32, Sse::Subss, Sse::Subsd),
            F32Mul => self.float_binary(F32, Sse::Mulss, Sse::Mulsd),
            F32Div => self.float_binary(F32, Sse::Divss, Sse::Divsd),
            F32Min => self.extremum(F32, true),
            F32Max => self.extremum(F32, false),
            F64Abs => self.abs(F64),
            F64Neg => self.negate(F64),
            F64Copysign => self.copysign(F64),
            F64Ceil => self.round(F64, Rounding::Ceil),
            F64Floor => self.round(F64, Rounding::Floor),
            F64Trunc => self.round(F64, Rounding::Trunc),
            F64Nearest => self.round(F64, Rounding::Nearest),
            F64Sqrt => self.sqrt(F64),
            F64Add => self.float_binary(F64, Sse::Addss, Sse::Addsd),
            F64Sub => self.float_binary(F64, Sse::Subss, Sse::Subsd),
            F64Mul => self.float_binary(F64, Sse::Mulss, Sse::Mulsd),
            F64Div => self.float_binary(F64, Sse::Divss, Sse::Divsd),
            F64Min => self.extremum(F64, true),
            F64Max => self.extremum(F64, false),
            I32WrapI64 => self.wrap(),
            I64ExtendI32U => self.extend_unsigned(),
            I32TruncF32S => self.truncate(F32, W32, S, false),
            I32TruncF32U => self.truncate(F32, W32, U, false),
            I32TruncF64S => self.truncate(F64, W32, S, false),
            I32TruncF64U => self.truncate(F64, W32, U, false),
            I64TruncF32S => self.truncate(F32, W64, S, false),
            I64TruncF32U => self.truncate(F32, W64, U, false),
            I64TruncF64S => self.truncate(F64, W64, S, false),
            I64TruncF64U => self.truncate(F64, W64, U, false),
            I32TruncSatF32S => self.truncate(F32, W32, S, true),
            I32TruncSatF32U => self.truncate(F32, W32, U, true),
            I32TruncSatF64S => self.truncate(F64, W32, S, true),
            I32TruncSatF64U => self.truncate(F64, W32, U, true),
            I64TruncSatF32S => self.truncate(F32, W64, S, true),
            I64TruncSatF32U => self.truncate(F32, W64, U, true),
            I64TruncSatF64S => self.truncate(F64, W64, S, true),
            I64TruncSatF64U => self.truncate(F64, W64, U, true),
            F32ConvertI32S => self.convert(F32, W32, S),
            F32ConvertI32U => self.convert(F32, W32, U),
            F32ConvertI64S => self.convert(F32, W64, S),
            F32ConvertI64U => self.convert(F32, W64, U),
            F64ConvertI32S => self.convert(F64, W32, S),
            F64ConvertI32U => self.convert(F64, W32, U),
            F64ConvertI64S => self.convert(F64, W64, S),
            F64ConvertI64U => self.convert(F64, W64, U),
            F32DemoteF64 => self.change_float(F32),
            F64PromoteF32 => self.change_float(F64),
            I32ReinterpretF32 => self.reinterpret_as_int(W32),
            I64ReinterpretF64 => self.reinterpret_as_int(W64),
            F32ReinterpretI32 => self.reinterpret_as_float(F32),
            F64ReinterpretI64 => self.reinterpret_as_float(F64),

            I8x16Shuffle
            | I8x16ExtractLaneS
            | I8x16ExtractLaneU
            | I8x16ReplaceLane
            | I16x8ExtractLaneS
            | I16x8ExtractLaneU
            | I16x8ReplaceLane
            | I32x4ExtractLane
            | I32x4ReplaceLane
            | I64x2ExtractLane
            | I64x2ReplaceLane
            | F32x4ExtractLane
            | F32x4ReplaceLane
            | F64x2ExtractLane
            | F64x2ReplaceLane
            | I8x16Swizzle
            | I8x16Splat
            | I16x8Splat
            | I32x4Splat
            | I64x2Splat
            | F32x4Splat
            | F64x2Splat
            | I8x16Eq
            | I8x16Ne
            | I8x16LtS
            | I8x16LtU
            | I8x16GtS
            | I8x16GtU
            | I8x16LeS
            | I8x16LeU
            | I8x16GeS
            | I8x16GeU
            | I16x8Eq
            | I16x8Ne
            | I16x8LtS
            | I16x8LtU
            | I16x8GtS
            | I16x8GtU
            | I16x8LeS
            | I16x8LeU
            | I16x8GeS
            | I16x8GeU
            | I32x4Eq
            | I32x4Ne
            | I32x4LtS
            | I32x4LtU
            | I32x4GtS
            | I32x4GtU
            | I32x4LeS
            | I32x4LeU
            | I32x4GeS
            | I32x4GeU
            | I64x2Eq
            | I64x2Ne
            | I64x2LtS
            | I64x2GtS
            | I64x2LeS
            | I64x2GeS
            | F32x4Eq
            | F32x4Ne
            | F32x4Lt
            | F32x4Gt
            | F32x4Le
            | F32x4Ge
            | F64x2Eq
            | F64x2Ne
            | F64x2Lt
            | F64x2Gt
            | F64x2Le
            | F64x2Ge
            | V128Not
            | V128And
            | V128Andnot
            | V128Or
            | V128Xor
            | V128Bitselect
            | V128AnyTrue
            | I8x16Abs
            | I8x16Neg
            | I8x16Popcnt
            | I8x16AllTrue
            | I8x16Bitmask
            | I8x16NarrowI16x8S
            | I8x16NarrowI16x8U
            | I8x16Shl
            | I8x16ShrS
            | I8x16ShrU
            | I8x16Add
            | I8x16AddSatS
            | I8x16AddSatU
            | I8x16Sub
            | I8x16SubSatS
            | I8x16SubSatU
            | I8x16MinS
            | I8x16MinU
            | I8x16MaxS
            | I8x16MaxU
            | I8x16AvgrU
            | I16x8ExtaddPairwiseI8x16S
            | I16x8ExtaddPairwiseI8x16U
            | I16x8Abs
            | I16x8Neg
            | I16x8Q15mulrSatS
            | I16x8AllTrue
            | I16x8Bitmask
            | I16x8NarrowI32x4S
            | I16x8NarrowI32x4U
            | I16x8ExtendLowI8x16S
            | I16x8ExtendHighI8x16S
            | I16x8ExtendLowI8x16U
            | I16x8ExtendHighI8x16U
            | I16x8Shl
            | I16x8ShrS
            | I16x8ShrU
            | I16x8Add
            | I16x8AddSatS
            | I16x8AddSatU
            | I16x8Sub
            | I16x8SubSatS
            | I16x8SubSatU
            | I16x8Mul
            | I16x8MinS
            | I16x8MinU
            | I16x8MaxS
            | I16x8MaxU
            | I16x8AvgrU
            | I16x8ExtmulLowI8x16S
            | I16x8ExtmulHighI8x16S
            | I16x8ExtmulLowI8x16U
            | I16x8ExtmulHighI8x16U
            | I32x4ExtaddPairwiseI16x8S
            | I32x4ExtaddPairwiseI16x8U
            | I32x4Abs
            | I32x4Neg
            | I32x4AllTrue
            | I32x4Bitmask
            | I32x4ExtendLowI16x8S
            | I32x4ExtendHighI16x8S
            | I32x4ExtendLowI16x8U
            | I32x4ExtendHighI16x8U
            | I32x4Shl
            | I32x4ShrS
            | I32x4ShrU
            | I32x4Add
            | I32x4Sub
            | I32x4Mul
            | I32x4MinS
            | I32x4MinU
            | I32x4MaxS
            | I32x4MaxU
            | I32x4DotI16x8S
            | I32x4ExtmulLowI16x8S
            | I32x4ExtmulHighI16x8S
            | I32x4ExtmulLowI16x8U
            | I32x4ExtmulHighI16x8U
            | I64x2Abs
            | I64x2Neg
            | I64x2AllTrue
            | I64x2Bitmask
            | I64x2ExtendLowI32x4S
            | I64x2ExtendHighI32x4S
            | I64x2ExtendLowI32x4U
            | I64x2ExtendHighI32x4U
            | I64x2Shl
            | I64x2ShrS
            | I64x2ShrU
            | I64x2Add
            | I64x2Sub
            | I64x2Mul
            | I64x2ExtmulLowI32x4S
            | I64x2ExtmulHighI32x4S
            | I64x2ExtmulLowI32x4U
            | I64x2ExtmulHighI32x4U
            | F32x4Ceil
            | F32x4Floor
            | F32x4Trunc
            | F32x4Nearest
            | F32x4Abs
            | F32x4Neg
            | F32x4Sqrt
            | F32x4Add
            | F32x4Sub
            | F32x4Mul
            | F32x4Div
            | F32x4Min
            | F32x4Max
            | F32x4Pmin
            | F32x4Pmax
            | F64x2Ceil
            | F64x2Floor
            | F64x2Trunc
            | F64x2Nearest
            | F64x2Abs
            | F64x2Neg
            | F64x2Sqrt
            | F64x2Add
            | F64x2Sub
            | F64x2Mul
            | F64x2Div
            | F64x2Min
            | F64x2Max
            | F64x2Pmin
            | F64x2Pmax
            | I32x4TruncSatF32x4S
            | I32x4TruncSatF32x4U
            | F32x4ConvertI32x4S
            | F32x4ConvertI32x4U
            | I32x4TruncSatF64x2SZero
            | I32x4TruncSatF64x2UZero
            | F64x2ConvertLowI32x4S
            | F64x2ConvertLowI32x4U
            | F32x4DemoteF64x2Zero
            | F64x2PromoteLowF32x4
            | I8x16RelaxedSwizzle
            | I32x4RelaxedTruncF32x4S
            | I32x4RelaxedTruncF32x4U
            | I32x4RelaxedTruncF64x2SZero
            | I32x4RelaxedTruncF64x2UZero
            | F32x4RelaxedMadd
            | F32x4RelaxedNmadd
            | F64x2RelaxedMadd
            | F64x2RelaxedNmadd
            | I8x16RelaxedLaneselect
            | I16x8RelaxedLaneselect
            | I32x4RelaxedLaneselect
            | I64x2RelaxedLaneselect
            | F32x4RelaxedMin
            | F32x4RelaxedMax
            | F64x2RelaxedMin
            | F64x2RelaxedMax
            | I16x8RelaxedQ15mulrS
            | I16x8RelaxedDotI8x16I7x16S
            | I32x4RelaxedDotI8x16I7x16AddS => self.vector_operator(op, imm),
        }
    }
}
