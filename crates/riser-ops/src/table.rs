//! The operator table: one row per operator of every supported proposal.
//!
//! Three macros each hand all rows of a class to a callback macro, so that a reader sees a table and a
//! tier gets one arm per row without listing operators again. `rows.rs` turns the same rows into
//! enums and constant tables; `lookup.rs` finds an operator by its opcode.
//!
//! An opcode is written as one number: a single byte as itself, a prefixed opcode as
//! `prefix << 16 | sub-opcode`. Costs are units of fuel (the operators that no machine executes cost
//! nothing). Sources: WebAssembly 3.0, sections 5.4 (binary format of instructions) and 6.5 (text
//! format); the threads, wide-arithmetic and legacy exception-handling proposals.

// tidy: table

/// Hands every *simple* operator on numbers (a function of its operands alone, implemented
/// in `riser-numerics`) to `$callback`. Tokens after the callback's name go before the rows.
///
/// Row: `Variant function "mnemonic" opcode immediate (params) -> (results) FEATURE effect cost;`
///
/// - immediate: `none`, `laneN` (one byte below N) or `shuffle` (sixteen bytes below 32);
/// - effect: `pure`, `traps`, or `nan_T` (pure, and its result of type T may be a computed NaN).
#[macro_export]
macro_rules! for_each_scalar {
    ($callback:ident $($before:tt)*) => {
        $callback! {
            $($before)*
            I32Eqz i32_eqz "i32.eqz" 0x45 none (i32) -> (i32) MVP pure 1;
            I32Eq i32_eq "i32.eq" 0x46 none (i32 i32) -> (i32) MVP pure 1;
            I32Ne i32_ne "i32.ne" 0x47 none (i32 i32) -> (i32) MVP pure 1;
            I32LtS i32_lt_s "i32.lt_s" 0x48 none (i32 i32) -> (i32) MVP pure 1;
            I32LtU i32_lt_u "i32.lt_u" 0x49 none (i32 i32) -> (i32) MVP pure 1;
            I32GtS i32_gt_s "i32.gt_s" 0x4A none (i32 i32) -> (i32) MVP pure 1;
            I32GtU i32_gt_u "i32.gt_u" 0x4B none (i32 i32) -> (i32) MVP pure 1;
            I32LeS i32_le_s "i32.le_s" 0x4C none (i32 i32) -> (i32) MVP pure 1;
            I32LeU i32_le_u "i32.le_u" 0x4D none (i32 i32) -> (i32) MVP pure 1;
            I32GeS i32_ge_s "i32.ge_s" 0x4E none (i32 i32) -> (i32) MVP pure 1;
            I32GeU i32_ge_u "i32.ge_u" 0x4F none (i32 i32) -> (i32) MVP pure 1;
            I64Eqz i64_eqz "i64.eqz" 0x50 none (i64) -> (i32) MVP pure 1;
            I64Eq i64_eq "i64.eq" 0x51 none (i64 i64) -> (i32) MVP pure 1;
            I64Ne i64_ne "i64.ne" 0x52 none (i64 i64) -> (i32) MVP pure 1;
            I64LtS i64_lt_s "i64.lt_s" 0x53 none (i64 i64) -> (i32) MVP pure 1;
            I64LtU i64_lt_u "i64.lt_u" 0x54 none (i64 i64) -> (i32) MVP pure 1;
            I64GtS i64_gt_s "i64.gt_s" 0x55 none (i64 i64) -> (i32) MVP pure 1;
            I64GtU i64_gt_u "i64.gt_u" 0x56 none (i64 i64) -> (i32) MVP pure 1;
            I64LeS i64_le_s "i64.le_s" 0x57 none (i64 i64) -> (i32) MVP pure 1;
            I64LeU i64_le_u "i64.le_u" 0x58 none (i64 i64) -> (i32) MVP pure 1;
            I64GeS i64_ge_s "i64.ge_s" 0x59 none (i64 i64) -> (i32) MVP pure 1;
            I64GeU i64_ge_u "i64.ge_u" 0x5A none (i64 i64) -> (i32) MVP pure 1;
            F32Eq f32_eq "f32.eq" 0x5B none (f32 f32) -> (i32) MVP pure 1;
            F32Ne f32_ne "f32.ne" 0x5C none (f32 f32) -> (i32) MVP pure 1;
            F32Lt f32_lt "f32.lt" 0x5D none (f32 f32) -> (i32) MVP pure 1;
            F32Gt f32_gt "f32.gt" 0x5E none (f32 f32) -> (i32) MVP pure 1;
            F32Le f32_le "f32.le" 0x5F none (f32 f32) -> (i32) MVP pure 1;
            F32Ge f32_ge "f32.ge" 0x60 none (f32 f32) -> (i32) MVP pure 1;
            F64Eq f64_eq "f64.eq" 0x61 none (f64 f64) -> (i32) MVP pure 1;
            F64Ne f64_ne "f64.ne" 0x62 none (f64 f64) -> (i32) MVP pure 1;
            F64Lt f64_lt "f64.lt" 0x63 none (f64 f64) -> (i32) MVP pure 1;
            F64Gt f64_gt "f64.gt" 0x64 none (f64 f64) -> (i32) MVP pure 1;
            F64Le f64_le "f64.le" 0x65 none (f64 f64) -> (i32) MVP pure 1;
            F64Ge f64_ge "f64.ge" 0x66 none (f64 f64) -> (i32) MVP pure 1;
            I32Clz i32_clz "i32.clz" 0x67 none (i32) -> (i32) MVP pure 1;
            I32Ctz i32_ctz "i32.ctz" 0x68 none (i32) -> (i32) MVP pure 1;
            I32Popcnt i32_popcnt "i32.popcnt" 0x69 none (i32) -> (i32) MVP pure 1;
            I32Add i32_add "i32.add" 0x6A none (i32 i32) -> (i32) MVP pure 1;
            I32Sub i32_sub "i32.sub" 0x6B none (i32 i32) -> (i32) MVP pure 1;
            I32Mul i32_mul "i32.mul" 0x6C none (i32 i32) -> (i32) MVP pure 1;
            I32DivS i32_div_s "i32.div_s" 0x6D none (i32 i32) -> (i32) MVP traps 1;
            I32DivU i32_div_u "i32.div_u" 0x6E none (i32 i32) -> (i32) MVP traps 1;
            I32RemS i32_rem_s "i32.rem_s" 0x6F none (i32 i32) -> (i32) MVP traps 1;
            I32RemU i32_rem_u "i32.rem_u" 0x70 none (i32 i32) -> (i32) MVP traps 1;
            I32And i32_and "i32.and" 0x71 none (i32 i32) -> (i32) MVP pure 1;
            I32Or i32_or "i32.or" 0x72 none (i32 i32) -> (i32) MVP pure 1;
            I32Xor i32_xor "i32.xor" 0x73 none (i32 i32) -> (i32) MVP pure 1;
            I32Shl i32_shl "i32.shl" 0x74 none (i32 i32) -> (i32) MVP pure 1;
            I32ShrS i32_shr_s "i32.shr_s" 0x75 none (i32 i32) -> (i32) MVP pure 1;
            I32ShrU i32_shr_u "i32.shr_u" 0x76 none (i32 i32) -> (i32) MVP pure 1;
            I32Rotl i32_rotl "i32.rotl" 0x77 none (i32 i32) -> (i32) MVP pure 1;
            I32Rotr i32_rotr "i32.rotr" 0x78 none (i32 i32) -> (i32) MVP pure 1;
            I64Clz i64_clz "i64.clz" 0x79 none (i64) -> (i64) MVP pure 1;
            I64Ctz i64_ctz "i64.ctz" 0x7A none (i64) -> (i64) MVP pure 1;
            I64Popcnt i64_popcnt "i64.popcnt" 0x7B none (i64) -> (i64) MVP pure 1;
            I64Add i64_add "i64.add" 0x7C none (i64 i64) -> (i64) MVP pure 1;
            I64Sub i64_sub "i64.sub" 0x7D none (i64 i64) -> (i64) MVP pure 1;
            I64Mul i64_mul "i64.mul" 0x7E none (i64 i64) -> (i64) MVP pure 1;
            I64DivS i64_div_s "i64.div_s" 0x7F none (i64 i64) -> (i64) MVP traps 1;
            I64DivU i64_div_u "i64.div_u" 0x80 none (i64 i64) -> (i64) MVP traps 1;
            I64RemS i64_rem_s "i64.rem_s" 0x81 none (i64 i64) -> (i64) MVP traps 1;
            I64RemU i64_rem_u "i64.rem_u" 0x82 none (i64 i64) -> (i64) MVP traps 1;
            I64And i64_and "i64.and" 0x83 none (i64 i64) -> (i64) MVP pure 1;
            I64Or i64_or "i64.or" 0x84 none (i64 i64) -> (i64) MVP pure 1;
            I64Xor i64_xor "i64.xor" 0x85 none (i64 i64) -> (i64) MVP pure 1;
            I64Shl i64_shl "i64.shl" 0x86 none (i64 i64) -> (i64) MVP pure 1;
            I64ShrS i64_shr_s "i64.shr_s" 0x87 none (i64 i64) -> (i64) MVP pure 1;
            I64ShrU i64_shr_u "i64.shr_u" 0x88 none (i64 i64) -> (i64) MVP pure 1;
            I64Rotl i64_rotl "i64.rotl" 0x89 none (i64 i64) -> (i64) MVP pure 1;
            I64Rotr i64_rotr "i64.rotr" 0x8A none (i64 i64) -> (i64) MVP pure 1;
            F32Abs f32_abs "f32.abs" 0x8B none (f32) -> (f32) MVP pure 1;
            F32Neg f32_neg "f32.neg" 0x8C none (f32) -> (f32) MVP pure 1;
            F32Ceil f32_ceil "f32.ceil" 0x8D none (f32) -> (f32) MVP nan_f32 1;
            F32Floor f32_floor "f32.floor" 0x8E none (f32) -> (f32) MVP nan_f32 1;
            F32Trunc f32_trunc "f32.trunc" 0x8F none (f32) -> (f32) MVP nan_f32 1;
            F32Nearest f32_nearest "f32.nearest" 0x90 none (f32) -> (f32) MVP nan_f32 1;
            F32Sqrt f32_sqrt "f32.sqrt" 0x91 none (f32) -> (f32) MVP nan_f32 1;
            F32Add f32_add "f32.add" 0x92 none (f32 f32) -> (f32) MVP nan_f32 1;
            F32Sub f32_sub "f32.sub" 0x93 none (f32 f32) -> (f32) MVP nan_f32 1;
            F32Mul f32_mul "f32.mul" 0x94 none (f32 f32) -> (f32) MVP nan_f32 1;
            F32Div f32_div "f32.div" 0x95 none (f32 f32) -> (f32) MVP nan_f32 1;
            F32Min f32_min "f32.min" 0x96 none (f32 f32) -> (f32) MVP nan_f32 1;
            F32Max f32_max "f32.max" 0x97 none (f32 f32) -> (f32) MVP nan_f32 1;
            F32Copysign f32_copysign "f32.copysign" 0x98 none (f32 f32) -> (f32) MVP pure 1;
            F64Abs f64_abs "f64.abs" 0x99 none (f64) -> (f64) MVP pure 1;
            F64Neg f64_neg "f64.neg" 0x9A none (f64) -> (f64) MVP pure 1;
            F64Ceil f64_ceil "f64.ceil" 0x9B none (f64) -> (f64) MVP nan_f64 1;
            F64Floor f64_floor "f64.floor" 0x9C none (f64) -> (f64) MVP nan_f64 1;
            F64Trunc f64_trunc "f64.trunc" 0x9D none (f64) -> (f64) MVP nan_f64 1;
            F64Nearest f64_nearest "f64.nearest" 0x9E none (f64) -> (f64) MVP nan_f64 1;
            F64Sqrt f64_sqrt "f64.sqrt" 0x9F none (f64) -> (f64) MVP nan_f64 1;
            F64Add f64_add "f64.add" 0xA0 none (f64 f64) -> (f64) MVP nan_f64 1;
            F64Sub f64_sub "f64.sub" 0xA1 none (f64 f64) -> (f64) MVP nan_f64 1;
            F64Mul f64_mul "f64.mul" 0xA2 none (f64 f64) -> (f64) MVP nan_f64 1;
            F64Div f64_div "f64.div" 0xA3 none (f64 f64) -> (f64) MVP nan_f64 1;
            F64Min f64_min "f64.min" 0xA4 none (f64 f64) -> (f64) MVP nan_f64 1;
            F64Max f64_max "f64.max" 0xA5 none (f64 f64) -> (f64) MVP nan_f64 1;
            F64Copysign f64_copysign "f64.copysign" 0xA6 none (f64 f64) -> (f64) MVP pure 1;
            I32WrapI64 i32_wrap_i64 "i32.wrap_i64" 0xA7 none (i64) -> (i32) MVP pure 1;
            I32TruncF32S i32_trunc_f32_s "i32.trunc_f32_s" 0xA8 none (f32) -> (i32) MVP traps 1;
            I32TruncF32U i32_trunc_f32_u "i32.trunc_f32_u" 0xA9 none (f32) -> (i32) MVP traps 1;
            I32TruncF64S i32_trunc_f64_s "i32.trunc_f64_s" 0xAA none (f64) -> (i32) MVP traps 1;
            I32TruncF64U i32_trunc_f64_u "i32.trunc_f64_u" 0xAB none (f64) -> (i32) MVP traps 1;
            I64ExtendI32S i64_extend_i32_s "i64.extend_i32_s" 0xAC none (i32) -> (i64) MVP pure 1;
            I64ExtendI32U i64_extend_i32_u "i64.extend_i32_u" 0xAD none (i32) -> (i64) MVP pure 1;
            I64TruncF32S i64_trunc_f32_s "i64.trunc_f32_s" 0xAE none (f32) -> (i64) MVP traps 1;
            I64TruncF32U i64_trunc_f32_u "i64.trunc_f32_u" 0xAF none (f32) -> (i64) MVP traps 1;
            I64TruncF64S i64_trunc_f64_s "i64.trunc_f64_s" 0xB0 none (f64) -> (i64) MVP traps 1;
            I64TruncF64U i64_trunc_f64_u "i64.trunc_f64_u" 0xB1 none (f64) -> (i64) MVP traps 1;
            F32ConvertI32S f32_convert_i32_s "f32.convert_i32_s" 0xB2 none (i32) -> (f32) MVP pure 1;
            F32ConvertI32U f32_convert_i32_u "f32.convert_i32_u" 0xB3 none (i32) -> (f32) MVP pure 1;
            F32ConvertI64S f32_convert_i64_s "f32.convert_i64_s" 0xB4 none (i64) -> (f32) MVP pure 1;
            F32ConvertI64U f32_convert_i64_u "f32.convert_i64_u" 0xB5 none (i64) -> (f32) MVP pure 1;
            F32DemoteF64 f32_demote_f64 "f32.demote_f64" 0xB6 none (f64) -> (f32) MVP nan_f32 1;
            F64ConvertI32S f64_convert_i32_s "f64.convert_i32_s" 0xB7 none (i32) -> (f64) MVP pure 1;
            F64ConvertI32U f64_convert_i32_u "f64.convert_i32_u" 0xB8 none (i32) -> (f64) MVP pure 1;
            F64ConvertI64S f64_convert_i64_s "f64.convert_i64_s" 0xB9 none (i64) -> (f64) MVP pure 1;
            F64ConvertI64U f64_convert_i64_u "f64.convert_i64_u" 0xBA none (i64) -> (f64) MVP pure 1;
            F64PromoteF32 f64_promote_f32 "f64.promote_f32" 0xBB none (f32) -> (f64) MVP nan_f64 1;
            I32ReinterpretF32 i32_reinterpret_f32 "i32.reinterpret_f32" 0xBC none (f32) -> (i32) MVP pure 1;
            I64ReinterpretF64 i64_reinterpret_f64 "i64.reinterpret_f64" 0xBD none (f64) -> (i64) MVP pure 1;
            F32ReinterpretI32 f32_reinterpret_i32 "f32.reinterpret_i32" 0xBE none (i32) -> (f32) MVP pure 1;
            F64ReinterpretI64 f64_reinterpret_i64 "f64.reinterpret_i64" 0xBF none (i64) -> (f64) MVP pure 1;
            I32Extend8S i32_extend8_s "i32.extend8_s" 0xC0 none (i32) -> (i32) SIGN_EXTENSION pure 1;
            I32Extend16S i32_extend16_s "i32.extend16_s" 0xC1 none (i32) -> (i32) SIGN_EXTENSION pure 1;
            I64Extend8S i64_extend8_s "i64.extend8_s" 0xC2 none (i64) -> (i64) SIGN_EXTENSION pure 1;
            I64Extend16S i64_extend16_s "i64.extend16_s" 0xC3 none (i64) -> (i64) SIGN_EXTENSION pure 1;
            I64Extend32S i64_extend32_s "i64.extend32_s" 0xC4 none (i64) -> (i64) SIGN_EXTENSION pure 1;
            I32TruncSatF32S i32_trunc_sat_f32_s "i32.trunc_sat_f32_s" 0xFC_0000 none (f32) -> (i32) SATURATING_FLOAT_TO_INT pure 1;
            I32TruncSatF32U i32_trunc_sat_f32_u "i32.trunc_sat_f32_u" 0xFC_0001 none (f32) -> (i32) SATURATING_FLOAT_TO_INT pure 1;
            I32TruncSatF64S i32_trunc_sat_f64_s "i32.trunc_sat_f64_s" 0xFC_0002 none (f64) -> (i32) SATURATING_FLOAT_TO_INT pure 1;
            I32TruncSatF64U i32_trunc_sat_f64_u "i32.trunc_sat_f64_u" 0xFC_0003 none (f64) -> (i32) SATURATING_FLOAT_TO_INT pure 1;
            I64TruncSatF32S i64_trunc_sat_f32_s "i64.trunc_sat_f32_s" 0xFC_0004 none (f32) -> (i64) SATURATING_FLOAT_TO_INT pure 1;
            I64TruncSatF32U i64_trunc_sat_f32_u "i64.trunc_sat_f32_u" 0xFC_0005 none (f32) -> (i64) SATURATING_FLOAT_TO_INT pure 1;
            I64TruncSatF64S i64_trunc_sat_f64_s "i64.trunc_sat_f64_s" 0xFC_0006 none (f64) -> (i64) SATURATING_FLOAT_TO_INT pure 1;
            I64TruncSatF64U i64_trunc_sat_f64_u "i64.trunc_sat_f64_u" 0xFC_0007 none (f64) -> (i64) SATURATING_FLOAT_TO_INT pure 1;
            I64Add128 i64_add128 "i64.add128" 0xFC_0013 none (i64 i64 i64 i64) -> (i64 i64) WIDE_ARITHMETIC pure 1;
            I64Sub128 i64_sub128 "i64.sub128" 0xFC_0014 none (i64 i64 i64 i64) -> (i64 i64) WIDE_ARITHMETIC pure 1;
            I64MulWideS i64_mul_wide_s "i64.mul_wide_s" 0xFC_0015 none (i64 i64) -> (i64 i64) WIDE_ARITHMETIC pure 1;
            I64MulWideU i64_mul_wide_u "i64.mul_wide_u" 0xFC_0016 none (i64 i64) -> (i64 i64) WIDE_ARITHMETIC pure 1;
        }
    };
}

/// Hands every simple operator on vectors to `$callback` (rows as in `for_each_scalar`).
#[macro_export]
macro_rules! for_each_vector {
    ($callback:ident $($before:tt)*) => {
        $callback! {
            $($before)*
            I8x16Shuffle i8x16_shuffle "i8x16.shuffle" 0xFD_000D shuffle (v128 v128) -> (v128) SIMD pure 1;
            I8x16ExtractLaneS i8x16_extract_lane_s "i8x16.extract_lane_s" 0xFD_0015 lane16 (v128) -> (i32) SIMD pure 1;
            I8x16ExtractLaneU i8x16_extract_lane_u "i8x16.extract_lane_u" 0xFD_0016 lane16 (v128) -> (i32) SIMD pure 1;
            I8x16ReplaceLane i8x16_replace_lane "i8x16.replace_lane" 0xFD_0017 lane16 (v128 i32) -> (v128) SIMD pure 1;
            I16x8ExtractLaneS i16x8_extract_lane_s "i16x8.extract_lane_s" 0xFD_0018 lane8 (v128) -> (i32) SIMD pure 1;
            I16x8ExtractLaneU i16x8_extract_lane_u "i16x8.extract_lane_u" 0xFD_0019 lane8 (v128) -> (i32) SIMD pure 1;
            I16x8ReplaceLane i16x8_replace_lane "i16x8.replace_lane" 0xFD_001A lane8 (v128 i32) -> (v128) SIMD pure 1;
            I32x4ExtractLane i32x4_extract_lane "i32x4.extract_lane" 0xFD_001B lane4 (v128) -> (i32) SIMD pure 1;
            I32x4ReplaceLane i32x4_replace_lane "i32x4.replace_lane" 0xFD_001C lane4 (v128 i32) -> (v128) SIMD pure 1;
            I64x2ExtractLane i64x2_extract_lane "i64x2.extract_lane" 0xFD_001D lane2 (v128) -> (i64) SIMD pure 1;
            I64x2ReplaceLane i64x2_replace_lane "i64x2.replace_lane" 0xFD_001E lane2 (v128 i64) -> (v128) SIMD pure 1;
            F32x4ExtractLane f32x4_extract_lane "f32x4.extract_lane" 0xFD_001F lane4 (v128) -> (f32) SIMD pure 1;
            F32x4ReplaceLane f32x4_replace_lane "f32x4.replace_lane" 0xFD_0020 lane4 (v128 f32) -> (v128) SIMD pure 1;
            F64x2ExtractLane f64x2_extract_lane "f64x2.extract_lane" 0xFD_0021 lane2 (v128) -> (f64) SIMD pure 1;
            F64x2ReplaceLane f64x2_replace_lane "f64x2.replace_lane" 0xFD_0022 lane2 (v128 f64) -> (v128) SIMD pure 1;
            I8x16Swizzle i8x16_swizzle "i8x16.swizzle" 0xFD_000E none (v128 v128) -> (v128) SIMD pure 1;
            I8x16Splat i8x16_splat "i8x16.splat" 0xFD_000F none (i32) -> (v128) SIMD pure 1;
            I16x8Splat i16x8_splat "i16x8.splat" 0xFD_0010 none (i32) -> (v128) SIMD pure 1;
            I32x4Splat i32x4_splat "i32x4.splat" 0xFD_0011 none (i32) -> (v128) SIMD pure 1;
            I64x2Splat i64x2_splat "i64x2.splat" 0xFD_0012 none (i64) -> (v128) SIMD pure 1;
            F32x4Splat f32x4_splat "f32x4.splat" 0xFD_0013 none (f32) -> (v128) SIMD pure 1;
            F64x2Splat f64x2_splat "f64x2.splat" 0xFD_0014 none (f64) -> (v128) SIMD pure 1;
            I8x16Eq i8x16_eq "i8x16.eq" 0xFD_0023 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16Ne i8x16_ne "i8x16.ne" 0xFD_0024 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16LtS i8x16_lt_s "i8x16.lt_s" 0xFD_0025 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16LtU i8x16_lt_u "i8x16.lt_u" 0xFD_0026 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16GtS i8x16_gt_s "i8x16.gt_s" 0xFD_0027 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16GtU i8x16_gt_u "i8x16.gt_u" 0xFD_0028 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16LeS i8x16_le_s "i8x16.le_s" 0xFD_0029 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16LeU i8x16_le_u "i8x16.le_u" 0xFD_002A none (v128 v128) -> (v128) SIMD pure 1;
            I8x16GeS i8x16_ge_s "i8x16.ge_s" 0xFD_002B none (v128 v128) -> (v128) SIMD pure 1;
            I8x16GeU i8x16_ge_u "i8x16.ge_u" 0xFD_002C none (v128 v128) -> (v128) SIMD pure 1;
            I16x8Eq i16x8_eq "i16x8.eq" 0xFD_002D none (v128 v128) -> (v128) SIMD pure 1;
            I16x8Ne i16x8_ne "i16x8.ne" 0xFD_002E none (v128 v128) -> (v128) SIMD pure 1;
            I16x8LtS i16x8_lt_s "i16x8.lt_s" 0xFD_002F none (v128 v128) -> (v128) SIMD pure 1;
            I16x8LtU i16x8_lt_u "i16x8.lt_u" 0xFD_0030 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8GtS i16x8_gt_s "i16x8.gt_s" 0xFD_0031 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8GtU i16x8_gt_u "i16x8.gt_u" 0xFD_0032 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8LeS i16x8_le_s "i16x8.le_s" 0xFD_0033 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8LeU i16x8_le_u "i16x8.le_u" 0xFD_0034 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8GeS i16x8_ge_s "i16x8.ge_s" 0xFD_0035 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8GeU i16x8_ge_u "i16x8.ge_u" 0xFD_0036 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4Eq i32x4_eq "i32x4.eq" 0xFD_0037 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4Ne i32x4_ne "i32x4.ne" 0xFD_0038 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4LtS i32x4_lt_s "i32x4.lt_s" 0xFD_0039 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4LtU i32x4_lt_u "i32x4.lt_u" 0xFD_003A none (v128 v128) -> (v128) SIMD pure 1;
            I32x4GtS i32x4_gt_s "i32x4.gt_s" 0xFD_003B none (v128 v128) -> (v128) SIMD pure 1;
            I32x4GtU i32x4_gt_u "i32x4.gt_u" 0xFD_003C none (v128 v128) -> (v128) SIMD pure 1;
            I32x4LeS i32x4_le_s "i32x4.le_s" 0xFD_003D none (v128 v128) -> (v128) SIMD pure 1;
            I32x4LeU i32x4_le_u "i32x4.le_u" 0xFD_003E none (v128 v128) -> (v128) SIMD pure 1;
            I32x4GeS i32x4_ge_s "i32x4.ge_s" 0xFD_003F none (v128 v128) -> (v128) SIMD pure 1;
            I32x4GeU i32x4_ge_u "i32x4.ge_u" 0xFD_0040 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2Eq i64x2_eq "i64x2.eq" 0xFD_00D6 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2Ne i64x2_ne "i64x2.ne" 0xFD_00D7 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2LtS i64x2_lt_s "i64x2.lt_s" 0xFD_00D8 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2GtS i64x2_gt_s "i64x2.gt_s" 0xFD_00D9 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2LeS i64x2_le_s "i64x2.le_s" 0xFD_00DA none (v128 v128) -> (v128) SIMD pure 1;
            I64x2GeS i64x2_ge_s "i64x2.ge_s" 0xFD_00DB none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Eq f32x4_eq "f32x4.eq" 0xFD_0041 none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Ne f32x4_ne "f32x4.ne" 0xFD_0042 none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Lt f32x4_lt "f32x4.lt" 0xFD_0043 none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Gt f32x4_gt "f32x4.gt" 0xFD_0044 none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Le f32x4_le "f32x4.le" 0xFD_0045 none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Ge f32x4_ge "f32x4.ge" 0xFD_0046 none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Eq f64x2_eq "f64x2.eq" 0xFD_0047 none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Ne f64x2_ne "f64x2.ne" 0xFD_0048 none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Lt f64x2_lt "f64x2.lt" 0xFD_0049 none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Gt f64x2_gt "f64x2.gt" 0xFD_004A none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Le f64x2_le "f64x2.le" 0xFD_004B none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Ge f64x2_ge "f64x2.ge" 0xFD_004C none (v128 v128) -> (v128) SIMD pure 1;
            V128Not v128_not "v128.not" 0xFD_004D none (v128) -> (v128) SIMD pure 1;
            V128And v128_and "v128.and" 0xFD_004E none (v128 v128) -> (v128) SIMD pure 1;
            V128Andnot v128_andnot "v128.andnot" 0xFD_004F none (v128 v128) -> (v128) SIMD pure 1;
            V128Or v128_or "v128.or" 0xFD_0050 none (v128 v128) -> (v128) SIMD pure 1;
            V128Xor v128_xor "v128.xor" 0xFD_0051 none (v128 v128) -> (v128) SIMD pure 1;
            V128Bitselect v128_bitselect "v128.bitselect" 0xFD_0052 none (v128 v128 v128) -> (v128) SIMD pure 1;
            V128AnyTrue v128_any_true "v128.any_true" 0xFD_0053 none (v128) -> (i32) SIMD pure 1;
            I8x16Abs i8x16_abs "i8x16.abs" 0xFD_0060 none (v128) -> (v128) SIMD pure 1;
            I8x16Neg i8x16_neg "i8x16.neg" 0xFD_0061 none (v128) -> (v128) SIMD pure 1;
            I8x16Popcnt i8x16_popcnt "i8x16.popcnt" 0xFD_0062 none (v128) -> (v128) SIMD pure 1;
            I8x16AllTrue i8x16_all_true "i8x16.all_true" 0xFD_0063 none (v128) -> (i32) SIMD pure 1;
            I8x16Bitmask i8x16_bitmask "i8x16.bitmask" 0xFD_0064 none (v128) -> (i32) SIMD pure 1;
            I8x16NarrowI16x8S i8x16_narrow_i16x8_s "i8x16.narrow_i16x8_s" 0xFD_0065 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16NarrowI16x8U i8x16_narrow_i16x8_u "i8x16.narrow_i16x8_u" 0xFD_0066 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16Shl i8x16_shl "i8x16.shl" 0xFD_006B none (v128 i32) -> (v128) SIMD pure 1;
            I8x16ShrS i8x16_shr_s "i8x16.shr_s" 0xFD_006C none (v128 i32) -> (v128) SIMD pure 1;
            I8x16ShrU i8x16_shr_u "i8x16.shr_u" 0xFD_006D none (v128 i32) -> (v128) SIMD pure 1;
            I8x16Add i8x16_add "i8x16.add" 0xFD_006E none (v128 v128) -> (v128) SIMD pure 1;
            I8x16AddSatS i8x16_add_sat_s "i8x16.add_sat_s" 0xFD_006F none (v128 v128) -> (v128) SIMD pure 1;
            I8x16AddSatU i8x16_add_sat_u "i8x16.add_sat_u" 0xFD_0070 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16Sub i8x16_sub "i8x16.sub" 0xFD_0071 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16SubSatS i8x16_sub_sat_s "i8x16.sub_sat_s" 0xFD_0072 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16SubSatU i8x16_sub_sat_u "i8x16.sub_sat_u" 0xFD_0073 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16MinS i8x16_min_s "i8x16.min_s" 0xFD_0076 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16MinU i8x16_min_u "i8x16.min_u" 0xFD_0077 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16MaxS i8x16_max_s "i8x16.max_s" 0xFD_0078 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16MaxU i8x16_max_u "i8x16.max_u" 0xFD_0079 none (v128 v128) -> (v128) SIMD pure 1;
            I8x16AvgrU i8x16_avgr_u "i8x16.avgr_u" 0xFD_007B none (v128 v128) -> (v128) SIMD pure 1;
            I16x8ExtaddPairwiseI8x16S i16x8_extadd_pairwise_i8x16_s "i16x8.extadd_pairwise_i8x16_s" 0xFD_007C none (v128) -> (v128) SIMD pure 1;
            I16x8ExtaddPairwiseI8x16U i16x8_extadd_pairwise_i8x16_u "i16x8.extadd_pairwise_i8x16_u" 0xFD_007D none (v128) -> (v128) SIMD pure 1;
            I16x8Abs i16x8_abs "i16x8.abs" 0xFD_0080 none (v128) -> (v128) SIMD pure 1;
            I16x8Neg i16x8_neg "i16x8.neg" 0xFD_0081 none (v128) -> (v128) SIMD pure 1;
            I16x8Q15mulrSatS i16x8_q15mulr_sat_s "i16x8.q15mulr_sat_s" 0xFD_0082 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8AllTrue i16x8_all_true "i16x8.all_true" 0xFD_0083 none (v128) -> (i32) SIMD pure 1;
            I16x8Bitmask i16x8_bitmask "i16x8.bitmask" 0xFD_0084 none (v128) -> (i32) SIMD pure 1;
            I16x8NarrowI32x4S i16x8_narrow_i32x4_s "i16x8.narrow_i32x4_s" 0xFD_0085 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8NarrowI32x4U i16x8_narrow_i32x4_u "i16x8.narrow_i32x4_u" 0xFD_0086 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8ExtendLowI8x16S i16x8_extend_low_i8x16_s "i16x8.extend_low_i8x16_s" 0xFD_0087 none (v128) -> (v128) SIMD pure 1;
            I16x8ExtendHighI8x16S i16x8_extend_high_i8x16_s "i16x8.extend_high_i8x16_s" 0xFD_0088 none (v128) -> (v128) SIMD pure 1;
            I16x8ExtendLowI8x16U i16x8_extend_low_i8x16_u "i16x8.extend_low_i8x16_u" 0xFD_0089 none (v128) -> (v128) SIMD pure 1;
            I16x8ExtendHighI8x16U i16x8_extend_high_i8x16_u "i16x8.extend_high_i8x16_u" 0xFD_008A none (v128) -> (v128) SIMD pure 1;
            I16x8Shl i16x8_shl "i16x8.shl" 0xFD_008B none (v128 i32) -> (v128) SIMD pure 1;
            I16x8ShrS i16x8_shr_s "i16x8.shr_s" 0xFD_008C none (v128 i32) -> (v128) SIMD pure 1;
            I16x8ShrU i16x8_shr_u "i16x8.shr_u" 0xFD_008D none (v128 i32) -> (v128) SIMD pure 1;
            I16x8Add i16x8_add "i16x8.add" 0xFD_008E none (v128 v128) -> (v128) SIMD pure 1;
            I16x8AddSatS i16x8_add_sat_s "i16x8.add_sat_s" 0xFD_008F none (v128 v128) -> (v128) SIMD pure 1;
            I16x8AddSatU i16x8_add_sat_u "i16x8.add_sat_u" 0xFD_0090 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8Sub i16x8_sub "i16x8.sub" 0xFD_0091 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8SubSatS i16x8_sub_sat_s "i16x8.sub_sat_s" 0xFD_0092 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8SubSatU i16x8_sub_sat_u "i16x8.sub_sat_u" 0xFD_0093 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8Mul i16x8_mul "i16x8.mul" 0xFD_0095 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8MinS i16x8_min_s "i16x8.min_s" 0xFD_0096 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8MinU i16x8_min_u "i16x8.min_u" 0xFD_0097 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8MaxS i16x8_max_s "i16x8.max_s" 0xFD_0098 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8MaxU i16x8_max_u "i16x8.max_u" 0xFD_0099 none (v128 v128) -> (v128) SIMD pure 1;
            I16x8AvgrU i16x8_avgr_u "i16x8.avgr_u" 0xFD_009B none (v128 v128) -> (v128) SIMD pure 1;
            I16x8ExtmulLowI8x16S i16x8_extmul_low_i8x16_s "i16x8.extmul_low_i8x16_s" 0xFD_009C none (v128 v128) -> (v128) SIMD pure 1;
            I16x8ExtmulHighI8x16S i16x8_extmul_high_i8x16_s "i16x8.extmul_high_i8x16_s" 0xFD_009D none (v128 v128) -> (v128) SIMD pure 1;
            I16x8ExtmulLowI8x16U i16x8_extmul_low_i8x16_u "i16x8.extmul_low_i8x16_u" 0xFD_009E none (v128 v128) -> (v128) SIMD pure 1;
            I16x8ExtmulHighI8x16U i16x8_extmul_high_i8x16_u "i16x8.extmul_high_i8x16_u" 0xFD_009F none (v128 v128) -> (v128) SIMD pure 1;
            I32x4ExtaddPairwiseI16x8S i32x4_extadd_pairwise_i16x8_s "i32x4.extadd_pairwise_i16x8_s" 0xFD_007E none (v128) -> (v128) SIMD pure 1;
            I32x4ExtaddPairwiseI16x8U i32x4_extadd_pairwise_i16x8_u "i32x4.extadd_pairwise_i16x8_u" 0xFD_007F none (v128) -> (v128) SIMD pure 1;
            I32x4Abs i32x4_abs "i32x4.abs" 0xFD_00A0 none (v128) -> (v128) SIMD pure 1;
            I32x4Neg i32x4_neg "i32x4.neg" 0xFD_00A1 none (v128) -> (v128) SIMD pure 1;
            I32x4AllTrue i32x4_all_true "i32x4.all_true" 0xFD_00A3 none (v128) -> (i32) SIMD pure 1;
            I32x4Bitmask i32x4_bitmask "i32x4.bitmask" 0xFD_00A4 none (v128) -> (i32) SIMD pure 1;
            I32x4ExtendLowI16x8S i32x4_extend_low_i16x8_s "i32x4.extend_low_i16x8_s" 0xFD_00A7 none (v128) -> (v128) SIMD pure 1;
            I32x4ExtendHighI16x8S i32x4_extend_high_i16x8_s "i32x4.extend_high_i16x8_s" 0xFD_00A8 none (v128) -> (v128) SIMD pure 1;
            I32x4ExtendLowI16x8U i32x4_extend_low_i16x8_u "i32x4.extend_low_i16x8_u" 0xFD_00A9 none (v128) -> (v128) SIMD pure 1;
            I32x4ExtendHighI16x8U i32x4_extend_high_i16x8_u "i32x4.extend_high_i16x8_u" 0xFD_00AA none (v128) -> (v128) SIMD pure 1;
            I32x4Shl i32x4_shl "i32x4.shl" 0xFD_00AB none (v128 i32) -> (v128) SIMD pure 1;
            I32x4ShrS i32x4_shr_s "i32x4.shr_s" 0xFD_00AC none (v128 i32) -> (v128) SIMD pure 1;
            I32x4ShrU i32x4_shr_u "i32x4.shr_u" 0xFD_00AD none (v128 i32) -> (v128) SIMD pure 1;
            I32x4Add i32x4_add "i32x4.add" 0xFD_00AE none (v128 v128) -> (v128) SIMD pure 1;
            I32x4Sub i32x4_sub "i32x4.sub" 0xFD_00B1 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4Mul i32x4_mul "i32x4.mul" 0xFD_00B5 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4MinS i32x4_min_s "i32x4.min_s" 0xFD_00B6 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4MinU i32x4_min_u "i32x4.min_u" 0xFD_00B7 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4MaxS i32x4_max_s "i32x4.max_s" 0xFD_00B8 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4MaxU i32x4_max_u "i32x4.max_u" 0xFD_00B9 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4DotI16x8S i32x4_dot_i16x8_s "i32x4.dot_i16x8_s" 0xFD_00BA none (v128 v128) -> (v128) SIMD pure 1;
            I32x4ExtmulLowI16x8S i32x4_extmul_low_i16x8_s "i32x4.extmul_low_i16x8_s" 0xFD_00BC none (v128 v128) -> (v128) SIMD pure 1;
            I32x4ExtmulHighI16x8S i32x4_extmul_high_i16x8_s "i32x4.extmul_high_i16x8_s" 0xFD_00BD none (v128 v128) -> (v128) SIMD pure 1;
            I32x4ExtmulLowI16x8U i32x4_extmul_low_i16x8_u "i32x4.extmul_low_i16x8_u" 0xFD_00BE none (v128 v128) -> (v128) SIMD pure 1;
            I32x4ExtmulHighI16x8U i32x4_extmul_high_i16x8_u "i32x4.extmul_high_i16x8_u" 0xFD_00BF none (v128 v128) -> (v128) SIMD pure 1;
            I64x2Abs i64x2_abs "i64x2.abs" 0xFD_00C0 none (v128) -> (v128) SIMD pure 1;
            I64x2Neg i64x2_neg "i64x2.neg" 0xFD_00C1 none (v128) -> (v128) SIMD pure 1;
            I64x2AllTrue i64x2_all_true "i64x2.all_true" 0xFD_00C3 none (v128) -> (i32) SIMD pure 1;
            I64x2Bitmask i64x2_bitmask "i64x2.bitmask" 0xFD_00C4 none (v128) -> (i32) SIMD pure 1;
            I64x2ExtendLowI32x4S i64x2_extend_low_i32x4_s "i64x2.extend_low_i32x4_s" 0xFD_00C7 none (v128) -> (v128) SIMD pure 1;
            I64x2ExtendHighI32x4S i64x2_extend_high_i32x4_s "i64x2.extend_high_i32x4_s" 0xFD_00C8 none (v128) -> (v128) SIMD pure 1;
            I64x2ExtendLowI32x4U i64x2_extend_low_i32x4_u "i64x2.extend_low_i32x4_u" 0xFD_00C9 none (v128) -> (v128) SIMD pure 1;
            I64x2ExtendHighI32x4U i64x2_extend_high_i32x4_u "i64x2.extend_high_i32x4_u" 0xFD_00CA none (v128) -> (v128) SIMD pure 1;
            I64x2Shl i64x2_shl "i64x2.shl" 0xFD_00CB none (v128 i32) -> (v128) SIMD pure 1;
            I64x2ShrS i64x2_shr_s "i64x2.shr_s" 0xFD_00CC none (v128 i32) -> (v128) SIMD pure 1;
            I64x2ShrU i64x2_shr_u "i64x2.shr_u" 0xFD_00CD none (v128 i32) -> (v128) SIMD pure 1;
            I64x2Add i64x2_add "i64x2.add" 0xFD_00CE none (v128 v128) -> (v128) SIMD pure 1;
            I64x2Sub i64x2_sub "i64x2.sub" 0xFD_00D1 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2Mul i64x2_mul "i64x2.mul" 0xFD_00D5 none (v128 v128) -> (v128) SIMD pure 1;
            I64x2ExtmulLowI32x4S i64x2_extmul_low_i32x4_s "i64x2.extmul_low_i32x4_s" 0xFD_00DC none (v128 v128) -> (v128) SIMD pure 1;
            I64x2ExtmulHighI32x4S i64x2_extmul_high_i32x4_s "i64x2.extmul_high_i32x4_s" 0xFD_00DD none (v128 v128) -> (v128) SIMD pure 1;
            I64x2ExtmulLowI32x4U i64x2_extmul_low_i32x4_u "i64x2.extmul_low_i32x4_u" 0xFD_00DE none (v128 v128) -> (v128) SIMD pure 1;
            I64x2ExtmulHighI32x4U i64x2_extmul_high_i32x4_u "i64x2.extmul_high_i32x4_u" 0xFD_00DF none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Ceil f32x4_ceil "f32x4.ceil" 0xFD_0067 none (v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Floor f32x4_floor "f32x4.floor" 0xFD_0068 none (v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Trunc f32x4_trunc "f32x4.trunc" 0xFD_0069 none (v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Nearest f32x4_nearest "f32x4.nearest" 0xFD_006A none (v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Abs f32x4_abs "f32x4.abs" 0xFD_00E0 none (v128) -> (v128) SIMD pure 1;
            F32x4Neg f32x4_neg "f32x4.neg" 0xFD_00E1 none (v128) -> (v128) SIMD pure 1;
            F32x4Sqrt f32x4_sqrt "f32x4.sqrt" 0xFD_00E3 none (v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Add f32x4_add "f32x4.add" 0xFD_00E4 none (v128 v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Sub f32x4_sub "f32x4.sub" 0xFD_00E5 none (v128 v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Mul f32x4_mul "f32x4.mul" 0xFD_00E6 none (v128 v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Div f32x4_div "f32x4.div" 0xFD_00E7 none (v128 v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Min f32x4_min "f32x4.min" 0xFD_00E8 none (v128 v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Max f32x4_max "f32x4.max" 0xFD_00E9 none (v128 v128) -> (v128) SIMD nan_f32x4 1;
            F32x4Pmin f32x4_pmin "f32x4.pmin" 0xFD_00EA none (v128 v128) -> (v128) SIMD pure 1;
            F32x4Pmax f32x4_pmax "f32x4.pmax" 0xFD_00EB none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Ceil f64x2_ceil "f64x2.ceil" 0xFD_0074 none (v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Floor f64x2_floor "f64x2.floor" 0xFD_0075 none (v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Trunc f64x2_trunc "f64x2.trunc" 0xFD_007A none (v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Nearest f64x2_nearest "f64x2.nearest" 0xFD_0094 none (v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Abs f64x2_abs "f64x2.abs" 0xFD_00EC none (v128) -> (v128) SIMD pure 1;
            F64x2Neg f64x2_neg "f64x2.neg" 0xFD_00ED none (v128) -> (v128) SIMD pure 1;
            F64x2Sqrt f64x2_sqrt "f64x2.sqrt" 0xFD_00EF none (v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Add f64x2_add "f64x2.add" 0xFD_00F0 none (v128 v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Sub f64x2_sub "f64x2.sub" 0xFD_00F1 none (v128 v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Mul f64x2_mul "f64x2.mul" 0xFD_00F2 none (v128 v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Div f64x2_div "f64x2.div" 0xFD_00F3 none (v128 v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Min f64x2_min "f64x2.min" 0xFD_00F4 none (v128 v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Max f64x2_max "f64x2.max" 0xFD_00F5 none (v128 v128) -> (v128) SIMD nan_f64x2 1;
            F64x2Pmin f64x2_pmin "f64x2.pmin" 0xFD_00F6 none (v128 v128) -> (v128) SIMD pure 1;
            F64x2Pmax f64x2_pmax "f64x2.pmax" 0xFD_00F7 none (v128 v128) -> (v128) SIMD pure 1;
            I32x4TruncSatF32x4S i32x4_trunc_sat_f32x4_s "i32x4.trunc_sat_f32x4_s" 0xFD_00F8 none (v128) -> (v128) SIMD pure 1;
            I32x4TruncSatF32x4U i32x4_trunc_sat_f32x4_u "i32x4.trunc_sat_f32x4_u" 0xFD_00F9 none (v128) -> (v128) SIMD pure 1;
            F32x4ConvertI32x4S f32x4_convert_i32x4_s "f32x4.convert_i32x4_s" 0xFD_00FA none (v128) -> (v128) SIMD pure 1;
            F32x4ConvertI32x4U f32x4_convert_i32x4_u "f32x4.convert_i32x4_u" 0xFD_00FB none (v128) -> (v128) SIMD pure 1;
            I32x4TruncSatF64x2SZero i32x4_trunc_sat_f64x2_s_zero "i32x4.trunc_sat_f64x2_s_zero" 0xFD_00FC none (v128) -> (v128) SIMD pure 1;
            I32x4TruncSatF64x2UZero i32x4_trunc_sat_f64x2_u_zero "i32x4.trunc_sat_f64x2_u_zero" 0xFD_00FD none (v128) -> (v128) SIMD pure 1;
            F64x2ConvertLowI32x4S f64x2_convert_low_i32x4_s "f64x2.convert_low_i32x4_s" 0xFD_00FE none (v128) -> (v128) SIMD pure 1;
            F64x2ConvertLowI32x4U f64x2_convert_low_i32x4_u "f64x2.convert_low_i32x4_u" 0xFD_00FF none (v128) -> (v128) SIMD pure 1;
            F32x4DemoteF64x2Zero f32x4_demote_f64x2_zero "f32x4.demote_f64x2_zero" 0xFD_005E none (v128) -> (v128) SIMD nan_f32x4 1;
            F64x2PromoteLowF32x4 f64x2_promote_low_f32x4 "f64x2.promote_low_f32x4" 0xFD_005F none (v128) -> (v128) SIMD nan_f64x2 1;
            I8x16RelaxedSwizzle i8x16_relaxed_swizzle "i8x16.relaxed_swizzle" 0xFD_0100 none (v128 v128) -> (v128) RELAXED_SIMD pure 1;
            I32x4RelaxedTruncF32x4S i32x4_relaxed_trunc_f32x4_s "i32x4.relaxed_trunc_f32x4_s" 0xFD_0101 none (v128) -> (v128) RELAXED_SIMD pure 1;
            I32x4RelaxedTruncF32x4U i32x4_relaxed_trunc_f32x4_u "i32x4.relaxed_trunc_f32x4_u" 0xFD_0102 none (v128) -> (v128) RELAXED_SIMD pure 1;
            I32x4RelaxedTruncF64x2SZero i32x4_relaxed_trunc_f64x2_s_zero "i32x4.relaxed_trunc_f64x2_s_zero" 0xFD_0103 none (v128) -> (v128) RELAXED_SIMD pure 1;
            I32x4RelaxedTruncF64x2UZero i32x4_relaxed_trunc_f64x2_u_zero "i32x4.relaxed_trunc_f64x2_u_zero" 0xFD_0104 none (v128) -> (v128) RELAXED_SIMD pure 1;
            F32x4RelaxedMadd f32x4_relaxed_madd "f32x4.relaxed_madd" 0xFD_0105 none (v128 v128 v128) -> (v128) RELAXED_SIMD nan_f32x4 1;
            F32x4RelaxedNmadd f32x4_relaxed_nmadd "f32x4.relaxed_nmadd" 0xFD_0106 none (v128 v128 v128) -> (v128) RELAXED_SIMD nan_f32x4 1;
            F64x2RelaxedMadd f64x2_relaxed_madd "f64x2.relaxed_madd" 0xFD_0107 none (v128 v128 v128) -> (v128) RELAXED_SIMD nan_f64x2 1;
            F64x2RelaxedNmadd f64x2_relaxed_nmadd "f64x2.relaxed_nmadd" 0xFD_0108 none (v128 v128 v128) -> (v128) RELAXED_SIMD nan_f64x2 1;
            I8x16RelaxedLaneselect i8x16_relaxed_laneselect "i8x16.relaxed_laneselect" 0xFD_0109 none (v128 v128 v128) -> (v128) RELAXED_SIMD pure 1;
            I16x8RelaxedLaneselect i16x8_relaxed_laneselect "i16x8.relaxed_laneselect" 0xFD_010A none (v128 v128 v128) -> (v128) RELAXED_SIMD pure 1;
            I32x4RelaxedLaneselect i32x4_relaxed_laneselect "i32x4.relaxed_laneselect" 0xFD_010B none (v128 v128 v128) -> (v128) RELAXED_SIMD pure 1;
            I64x2RelaxedLaneselect i64x2_relaxed_laneselect "i64x2.relaxed_laneselect" 0xFD_010C none (v128 v128 v128) -> (v128) RELAXED_SIMD pure 1;
            F32x4RelaxedMin f32x4_relaxed_min "f32x4.relaxed_min" 0xFD_010D none (v128 v128) -> (v128) RELAXED_SIMD nan_f32x4 1;
            F32x4RelaxedMax f32x4_relaxed_max "f32x4.relaxed_max" 0xFD_010E none (v128 v128) -> (v128) RELAXED_SIMD nan_f32x4 1;
            F64x2RelaxedMin f64x2_relaxed_min "f64x2.relaxed_min" 0xFD_010F none (v128 v128) -> (v128) RELAXED_SIMD nan_f64x2 1;
            F64x2RelaxedMax f64x2_relaxed_max "f64x2.relaxed_max" 0xFD_0110 none (v128 v128) -> (v128) RELAXED_SIMD nan_f64x2 1;
            I16x8RelaxedQ15mulrS i16x8_relaxed_q15mulr_s "i16x8.relaxed_q15mulr_s" 0xFD_0111 none (v128 v128) -> (v128) RELAXED_SIMD pure 1;
            I16x8RelaxedDotI8x16I7x16S i16x8_relaxed_dot_i8x16_i7x16_s "i16x8.relaxed_dot_i8x16_i7x16_s" 0xFD_0112 none (v128 v128) -> (v128) RELAXED_SIMD pure 1;
            I32x4RelaxedDotI8x16I7x16AddS i32x4_relaxed_dot_i8x16_i7x16_add_s "i32x4.relaxed_dot_i8x16_i7x16_add_s" 0xFD_0113 none (v128 v128 v128) -> (v128) RELAXED_SIMD pure 1;
        }
    };
}

/// Hands every *simple* operator, scalar rows first, to `$callback` (rows as in `for_each_scalar`).
#[macro_export]
macro_rules! for_each_simple {
    ($callback:ident) => {
        $crate::for_each_scalar! { __then_vector $callback }
    };
}

/// The second half of `for_each_simple`: appends the vector rows to the scalar ones.
#[doc(hidden)]
#[macro_export]
macro_rules! __then_vector {
    ($callback:ident $($scalar_rows:tt)*) => {
        $crate::for_each_vector! { $callback $($scalar_rows)* }
    };
}

/// Hands every *access* (load, store, atomic on linear memory) to `$callback`.
///
/// Row: `Variant function "mnemonic" opcode kind type width extension FEATURE cost;`
///
/// - kind: what is done, a variant of `AccessKind` in snake case;
/// - type: the value type loaded or stored; width: bytes of memory touched;
/// - extension of what is narrower than its type: `none`, `sign` or `zero`.
#[macro_export]
macro_rules! for_each_access {
    ($callback:ident $($before:tt)*) => {
        $callback! {
            $($before)*
            I32Load i32_load "i32.load" 0x28 load i32 4 none MVP 1;
            I64Load i64_load "i64.load" 0x29 load i64 8 none MVP 1;
            F32Load f32_load "f32.load" 0x2A load f32 4 none MVP 1;
            F64Load f64_load "f64.load" 0x2B load f64 8 none MVP 1;
            I32Load8S i32_load8_s "i32.load8_s" 0x2C load i32 1 sign MVP 1;
            I32Load8U i32_load8_u "i32.load8_u" 0x2D load i32 1 zero MVP 1;
            I32Load16S i32_load16_s "i32.load16_s" 0x2E load i32 2 sign MVP 1;
            I32Load16U i32_load16_u "i32.load16_u" 0x2F load i32 2 zero MVP 1;
            I64Load8S i64_load8_s "i64.load8_s" 0x30 load i64 1 sign MVP 1;
            I64Load8U i64_load8_u "i64.load8_u" 0x31 load i64 1 zero MVP 1;
            I64Load16S i64_load16_s "i64.load16_s" 0x32 load i64 2 sign MVP 1;
            I64Load16U i64_load16_u "i64.load16_u" 0x33 load i64 2 zero MVP 1;
            I64Load32S i64_load32_s "i64.load32_s" 0x34 load i64 4 sign MVP 1;
            I64Load32U i64_load32_u "i64.load32_u" 0x35 load i64 4 zero MVP 1;
            I32Store i32_store "i32.store" 0x36 store i32 4 none MVP 1;
            I64Store i64_store "i64.store" 0x37 store i64 8 none MVP 1;
            F32Store f32_store "f32.store" 0x38 store f32 4 none MVP 1;
            F64Store f64_store "f64.store" 0x39 store f64 8 none MVP 1;
            I32Store8 i32_store8 "i32.store8" 0x3A store i32 1 none MVP 1;
            I32Store16 i32_store16 "i32.store16" 0x3B store i32 2 none MVP 1;
            I64Store8 i64_store8 "i64.store8" 0x3C store i64 1 none MVP 1;
            I64Store16 i64_store16 "i64.store16" 0x3D store i64 2 none MVP 1;
            I64Store32 i64_store32 "i64.store32" 0x3E store i64 4 none MVP 1;
            V128Load v128_load "v128.load" 0xFD_0000 load v128 16 none SIMD 1;
            V128Load8x8S v128_load8x8_s "v128.load8x8_s" 0xFD_0001 load_widen v128 8 sign SIMD 1;
            V128Load8x8U v128_load8x8_u "v128.load8x8_u" 0xFD_0002 load_widen v128 8 zero SIMD 1;
            V128Load16x4S v128_load16x4_s "v128.load16x4_s" 0xFD_0003 load_widen v128 8 sign SIMD 1;
            V128Load16x4U v128_load16x4_u "v128.load16x4_u" 0xFD_0004 load_widen v128 8 zero SIMD 1;
            V128Load32x2S v128_load32x2_s "v128.load32x2_s" 0xFD_0005 load_widen v128 8 sign SIMD 1;
            V128Load32x2U v128_load32x2_u "v128.load32x2_u" 0xFD_0006 load_widen v128 8 zero SIMD 1;
            V128Load8Splat v128_load8_splat "v128.load8_splat" 0xFD_0007 load_splat v128 1 none SIMD 1;
            V128Load16Splat v128_load16_splat "v128.load16_splat" 0xFD_0008 load_splat v128 2 none SIMD 1;
            V128Load32Splat v128_load32_splat "v128.load32_splat" 0xFD_0009 load_splat v128 4 none SIMD 1;
            V128Load64Splat v128_load64_splat "v128.load64_splat" 0xFD_000A load_splat v128 8 none SIMD 1;
            V128Load32Zero v128_load32_zero "v128.load32_zero" 0xFD_005C load_zero v128 4 none SIMD 1;
            V128Load64Zero v128_load64_zero "v128.load64_zero" 0xFD_005D load_zero v128 8 none SIMD 1;
            V128Store v128_store "v128.store" 0xFD_000B store v128 16 none SIMD 1;
            V128Load8Lane v128_load8_lane "v128.load8_lane" 0xFD_0054 load_lane v128 1 none SIMD 1;
            V128Load16Lane v128_load16_lane "v128.load16_lane" 0xFD_0055 load_lane v128 2 none SIMD 1;
            V128Load32Lane v128_load32_lane "v128.load32_lane" 0xFD_0056 load_lane v128 4 none SIMD 1;
            V128Load64Lane v128_load64_lane "v128.load64_lane" 0xFD_0057 load_lane v128 8 none SIMD 1;
            V128Store8Lane v128_store8_lane "v128.store8_lane" 0xFD_0058 store_lane v128 1 none SIMD 1;
            V128Store16Lane v128_store16_lane "v128.store16_lane" 0xFD_0059 store_lane v128 2 none SIMD 1;
            V128Store32Lane v128_store32_lane "v128.store32_lane" 0xFD_005A store_lane v128 4 none SIMD 1;
            V128Store64Lane v128_store64_lane "v128.store64_lane" 0xFD_005B store_lane v128 8 none SIMD 1;
            MemoryAtomicNotify memory_atomic_notify "memory.atomic.notify" 0xFE_0000 notify i32 4 none THREADS 1;
            MemoryAtomicWait32 memory_atomic_wait32 "memory.atomic.wait32" 0xFE_0001 wait i32 4 none THREADS 1;
            MemoryAtomicWait64 memory_atomic_wait64 "memory.atomic.wait64" 0xFE_0002 wait i64 8 none THREADS 1;
            I32AtomicLoad i32_atomic_load "i32.atomic.load" 0xFE_0010 atomic_load i32 4 none THREADS 1;
            I64AtomicLoad i64_atomic_load "i64.atomic.load" 0xFE_0011 atomic_load i64 8 none THREADS 1;
            I32AtomicLoad8U i32_atomic_load8_u "i32.atomic.load8_u" 0xFE_0012 atomic_load i32 1 zero THREADS 1;
            I32AtomicLoad16U i32_atomic_load16_u "i32.atomic.load16_u" 0xFE_0013 atomic_load i32 2 zero THREADS 1;
            I64AtomicLoad8U i64_atomic_load8_u "i64.atomic.load8_u" 0xFE_0014 atomic_load i64 1 zero THREADS 1;
            I64AtomicLoad16U i64_atomic_load16_u "i64.atomic.load16_u" 0xFE_0015 atomic_load i64 2 zero THREADS 1;
            I64AtomicLoad32U i64_atomic_load32_u "i64.atomic.load32_u" 0xFE_0016 atomic_load i64 4 zero THREADS 1;
            I32AtomicStore i32_atomic_store "i32.atomic.store" 0xFE_0017 atomic_store i32 4 none THREADS 1;
            I64AtomicStore i64_atomic_store "i64.atomic.store" 0xFE_0018 atomic_store i64 8 none THREADS 1;
            I32AtomicStore8 i32_atomic_store8 "i32.atomic.store8" 0xFE_0019 atomic_store i32 1 none THREADS 1;
            I32AtomicStore16 i32_atomic_store16 "i32.atomic.store16" 0xFE_001A atomic_store i32 2 none THREADS 1;
            I64AtomicStore8 i64_atomic_store8 "i64.atomic.store8" 0xFE_001B atomic_store i64 1 none THREADS 1;
            I64AtomicStore16 i64_atomic_store16 "i64.atomic.store16" 0xFE_001C atomic_store i64 2 none THREADS 1;
            I64AtomicStore32 i64_atomic_store32 "i64.atomic.store32" 0xFE_001D atomic_store i64 4 none THREADS 1;
            I32AtomicRmwAdd i32_atomic_rmw_add "i32.atomic.rmw.add" 0xFE_001E atomic_rmw_add i32 4 none THREADS 1;
            I64AtomicRmwAdd i64_atomic_rmw_add "i64.atomic.rmw.add" 0xFE_001F atomic_rmw_add i64 8 none THREADS 1;
            I32AtomicRmw8AddU i32_atomic_rmw8_add_u "i32.atomic.rmw8.add_u" 0xFE_0020 atomic_rmw_add i32 1 zero THREADS 1;
            I32AtomicRmw16AddU i32_atomic_rmw16_add_u "i32.atomic.rmw16.add_u" 0xFE_0021 atomic_rmw_add i32 2 zero THREADS 1;
            I64AtomicRmw8AddU i64_atomic_rmw8_add_u "i64.atomic.rmw8.add_u" 0xFE_0022 atomic_rmw_add i64 1 zero THREADS 1;
            I64AtomicRmw16AddU i64_atomic_rmw16_add_u "i64.atomic.rmw16.add_u" 0xFE_0023 atomic_rmw_add i64 2 zero THREADS 1;
            I64AtomicRmw32AddU i64_atomic_rmw32_add_u "i64.atomic.rmw32.add_u" 0xFE_0024 atomic_rmw_add i64 4 zero THREADS 1;
            I32AtomicRmwSub i32_atomic_rmw_sub "i32.atomic.rmw.sub" 0xFE_0025 atomic_rmw_sub i32 4 none THREADS 1;
            I64AtomicRmwSub i64_atomic_rmw_sub "i64.atomic.rmw.sub" 0xFE_0026 atomic_rmw_sub i64 8 none THREADS 1;
            I32AtomicRmw8SubU i32_atomic_rmw8_sub_u "i32.atomic.rmw8.sub_u" 0xFE_0027 atomic_rmw_sub i32 1 zero THREADS 1;
            I32AtomicRmw16SubU i32_atomic_rmw16_sub_u "i32.atomic.rmw16.sub_u" 0xFE_0028 atomic_rmw_sub i32 2 zero THREADS 1;
            I64AtomicRmw8SubU i64_atomic_rmw8_sub_u "i64.atomic.rmw8.sub_u" 0xFE_0029 atomic_rmw_sub i64 1 zero THREADS 1;
            I64AtomicRmw16SubU i64_atomic_rmw16_sub_u "i64.atomic.rmw16.sub_u" 0xFE_002A atomic_rmw_sub i64 2 zero THREADS 1;
            I64AtomicRmw32SubU i64_atomic_rmw32_sub_u "i64.atomic.rmw32.sub_u" 0xFE_002B atomic_rmw_sub i64 4 zero THREADS 1;
            I32AtomicRmwAnd i32_atomic_rmw_and "i32.atomic.rmw.and" 0xFE_002C atomic_rmw_and i32 4 none THREADS 1;
            I64AtomicRmwAnd i64_atomic_rmw_and "i64.atomic.rmw.and" 0xFE_002D atomic_rmw_and i64 8 none THREADS 1;
            I32AtomicRmw8AndU i32_atomic_rmw8_and_u "i32.atomic.rmw8.and_u" 0xFE_002E atomic_rmw_and i32 1 zero THREADS 1;
            I32AtomicRmw16AndU i32_atomic_rmw16_and_u "i32.atomic.rmw16.and_u" 0xFE_002F atomic_rmw_and i32 2 zero THREADS 1;
            I64AtomicRmw8AndU i64_atomic_rmw8_and_u "i64.atomic.rmw8.and_u" 0xFE_0030 atomic_rmw_and i64 1 zero THREADS 1;
            I64AtomicRmw16AndU i64_atomic_rmw16_and_u "i64.atomic.rmw16.and_u" 0xFE_0031 atomic_rmw_and i64 2 zero THREADS 1;
            I64AtomicRmw32AndU i64_atomic_rmw32_and_u "i64.atomic.rmw32.and_u" 0xFE_0032 atomic_rmw_and i64 4 zero THREADS 1;
            I32AtomicRmwOr i32_atomic_rmw_or "i32.atomic.rmw.or" 0xFE_0033 atomic_rmw_or i32 4 none THREADS 1;
            I64AtomicRmwOr i64_atomic_rmw_or "i64.atomic.rmw.or" 0xFE_0034 atomic_rmw_or i64 8 none THREADS 1;
            I32AtomicRmw8OrU i32_atomic_rmw8_or_u "i32.atomic.rmw8.or_u" 0xFE_0035 atomic_rmw_or i32 1 zero THREADS 1;
            I32AtomicRmw16OrU i32_atomic_rmw16_or_u "i32.atomic.rmw16.or_u" 0xFE_0036 atomic_rmw_or i32 2 zero THREADS 1;
            I64AtomicRmw8OrU i64_atomic_rmw8_or_u "i64.atomic.rmw8.or_u" 0xFE_0037 atomic_rmw_or i64 1 zero THREADS 1;
            I64AtomicRmw16OrU i64_atomic_rmw16_or_u "i64.atomic.rmw16.or_u" 0xFE_0038 atomic_rmw_or i64 2 zero THREADS 1;
            I64AtomicRmw32OrU i64_atomic_rmw32_or_u "i64.atomic.rmw32.or_u" 0xFE_0039 atomic_rmw_or i64 4 zero THREADS 1;
            I32AtomicRmwXor i32_atomic_rmw_xor "i32.atomic.rmw.xor" 0xFE_003A atomic_rmw_xor i32 4 none THREADS 1;
            I64AtomicRmwXor i64_atomic_rmw_xor "i64.atomic.rmw.xor" 0xFE_003B atomic_rmw_xor i64 8 none THREADS 1;
            I32AtomicRmw8XorU i32_atomic_rmw8_xor_u "i32.atomic.rmw8.xor_u" 0xFE_003C atomic_rmw_xor i32 1 zero THREADS 1;
            I32AtomicRmw16XorU i32_atomic_rmw16_xor_u "i32.atomic.rmw16.xor_u" 0xFE_003D atomic_rmw_xor i32 2 zero THREADS 1;
            I64AtomicRmw8XorU i64_atomic_rmw8_xor_u "i64.atomic.rmw8.xor_u" 0xFE_003E atomic_rmw_xor i64 1 zero THREADS 1;
            I64AtomicRmw16XorU i64_atomic_rmw16_xor_u "i64.atomic.rmw16.xor_u" 0xFE_003F atomic_rmw_xor i64 2 zero THREADS 1;
            I64AtomicRmw32XorU i64_atomic_rmw32_xor_u "i64.atomic.rmw32.xor_u" 0xFE_0040 atomic_rmw_xor i64 4 zero THREADS 1;
            I32AtomicRmwXchg i32_atomic_rmw_xchg "i32.atomic.rmw.xchg" 0xFE_0041 atomic_rmw_xchg i32 4 none THREADS 1;
            I64AtomicRmwXchg i64_atomic_rmw_xchg "i64.atomic.rmw.xchg" 0xFE_0042 atomic_rmw_xchg i64 8 none THREADS 1;
            I32AtomicRmw8XchgU i32_atomic_rmw8_xchg_u "i32.atomic.rmw8.xchg_u" 0xFE_0043 atomic_rmw_xchg i32 1 zero THREADS 1;
            I32AtomicRmw16XchgU i32_atomic_rmw16_xchg_u "i32.atomic.rmw16.xchg_u" 0xFE_0044 atomic_rmw_xchg i32 2 zero THREADS 1;
            I64AtomicRmw8XchgU i64_atomic_rmw8_xchg_u "i64.atomic.rmw8.xchg_u" 0xFE_0045 atomic_rmw_xchg i64 1 zero THREADS 1;
            I64AtomicRmw16XchgU i64_atomic_rmw16_xchg_u "i64.atomic.rmw16.xchg_u" 0xFE_0046 atomic_rmw_xchg i64 2 zero THREADS 1;
            I64AtomicRmw32XchgU i64_atomic_rmw32_xchg_u "i64.atomic.rmw32.xchg_u" 0xFE_0047 atomic_rmw_xchg i64 4 zero THREADS 1;
            I32AtomicRmwCmpxchg i32_atomic_rmw_cmpxchg "i32.atomic.rmw.cmpxchg" 0xFE_0048 atomic_cmpxchg i32 4 none THREADS 1;
            I64AtomicRmwCmpxchg i64_atomic_rmw_cmpxchg "i64.atomic.rmw.cmpxchg" 0xFE_0049 atomic_cmpxchg i64 8 none THREADS 1;
            I32AtomicRmw8CmpxchgU i32_atomic_rmw8_cmpxchg_u "i32.atomic.rmw8.cmpxchg_u" 0xFE_004A atomic_cmpxchg i32 1 zero THREADS 1;
            I32AtomicRmw16CmpxchgU i32_atomic_rmw16_cmpxchg_u "i32.atomic.rmw16.cmpxchg_u" 0xFE_004B atomic_cmpxchg i32 2 zero THREADS 1;
            I64AtomicRmw8CmpxchgU i64_atomic_rmw8_cmpxchg_u "i64.atomic.rmw8.cmpxchg_u" 0xFE_004C atomic_cmpxchg i64 1 zero THREADS 1;
            I64AtomicRmw16CmpxchgU i64_atomic_rmw16_cmpxchg_u "i64.atomic.rmw16.cmpxchg_u" 0xFE_004D atomic_cmpxchg i64 2 zero THREADS 1;
            I64AtomicRmw32CmpxchgU i64_atomic_rmw32_cmpxchg_u "i64.atomic.rmw32.cmpxchg_u" 0xFE_004E atomic_cmpxchg i64 4 zero THREADS 1;
        }
    };
}

/// Hands every *structural* operator (control, calls, variables, tables, references, garbage
/// collection, exceptions, constants) to `$callback`.
///
/// Row: `Variant function "mnemonic" opcode (immediates) FEATURE effect cost;`
///
/// `function` is a unique lower-case name. Effects: `pure`, `traps`, `reads`, `writes` (state outside the
/// frame), `calls` (leaves the function, or may collect), `throws`, `control`.
#[macro_export]
macro_rules! for_each_structural {
    ($callback:ident $($before:tt)*) => {
        $callback! {
            $($before)*
            Unreachable unreachable "unreachable" 0x00 () MVP control 1;
            Nop nop "nop" 0x01 () MVP pure 0;
            Block block "block" 0x02 (block_type) MVP control 0;
            Loop loop "loop" 0x03 (block_type) MVP control 0;
            If if "if" 0x04 (block_type) MVP control 1;
            Else else "else" 0x05 () MVP control 0;
            Try try "try" 0x06 (block_type) LEGACY_EXCEPTIONS control 0;
            Catch catch "catch" 0x07 (tag) LEGACY_EXCEPTIONS control 0;
            Throw throw "throw" 0x08 (tag) ANY_EXCEPTIONS throws 1;
            Rethrow rethrow "rethrow" 0x09 (label) LEGACY_EXCEPTIONS throws 1;
            ThrowRef throw_ref "throw_ref" 0x0A () EXCEPTIONS throws 1;
            End end "end" 0x0B () MVP control 0;
            Br br "br" 0x0C (label) MVP control 1;
            BrIf br_if "br_if" 0x0D (label) MVP control 1;
            BrTable br_table "br_table" 0x0E (labels) MVP control 1;
            Return return "return" 0x0F () MVP control 1;
            Call call "call" 0x10 (func) MVP calls 1;
            CallIndirect call_indirect "call_indirect" 0x11 (type_idx table) MVP calls 1;
            ReturnCall return_call "return_call" 0x12 (func) TAIL_CALL calls 1;
            ReturnCallIndirect return_call_indirect "return_call_indirect" 0x13 (type_idx table) TAIL_CALL calls 1;
            CallRef call_ref "call_ref" 0x14 (type_idx) FUNCTION_REFERENCES calls 1;
            ReturnCallRef return_call_ref "return_call_ref" 0x15 (type_idx) FUNCTION_REFERENCES calls 1;
            Delegate delegate "delegate" 0x18 (label) LEGACY_EXCEPTIONS control 0;
            CatchAll catch_all "catch_all" 0x19 () LEGACY_EXCEPTIONS control 0;
            Drop drop "drop" 0x1A () MVP pure 0;
            Select select "select" 0x1B () MVP pure 1;
            SelectTyped typed_select "select" 0x1C (val_types) REFERENCE_TYPES pure 1;
            TryTable try_table "try_table" 0x1F (block_type catches) EXCEPTIONS control 0;
            LocalGet local_get "local.get" 0x20 (local) MVP pure 1;
            LocalSet local_set "local.set" 0x21 (local) MVP pure 1;
            LocalTee local_tee "local.tee" 0x22 (local) MVP pure 1;
            GlobalGet global_get "global.get" 0x23 (global) MVP reads 1;
            GlobalSet global_set "global.set" 0x24 (global) MVP writes 1;
            TableGet table_get "table.get" 0x25 (table) REFERENCE_TYPES reads 1;
            TableSet table_set "table.set" 0x26 (table) REFERENCE_TYPES writes 1;
            MemorySize memory_size "memory.size" 0x3F (memory) MVP reads 1;
            MemoryGrow memory_grow "memory.grow" 0x40 (memory) MVP calls 1;
            I32Const i32_const "i32.const" 0x41 (i32) MVP pure 1;
            I64Const i64_const "i64.const" 0x42 (i64) MVP pure 1;
            F32Const f32_const "f32.const" 0x43 (f32) MVP pure 1;
            F64Const f64_const "f64.const" 0x44 (f64) MVP pure 1;
            RefNull ref_null "ref.null" 0xD0 (heap_type) REFERENCE_TYPES pure 1;
            RefIsNull ref_is_null "ref.is_null" 0xD1 () REFERENCE_TYPES pure 1;
            RefFunc ref_func "ref.func" 0xD2 (func) REFERENCE_TYPES calls 1;
            RefEq ref_eq "ref.eq" 0xD3 () GC pure 1;
            RefAsNonNull ref_as_non_null "ref.as_non_null" 0xD4 () FUNCTION_REFERENCES traps 1;
            BrOnNull br_on_null "br_on_null" 0xD5 (label) FUNCTION_REFERENCES control 1;
            BrOnNonNull br_on_non_null "br_on_non_null" 0xD6 (label) FUNCTION_REFERENCES control 1;
            StructNew struct_new "struct.new" 0xFB_0000 (type_idx) GC calls 1;
            StructNewDefault struct_new_default "struct.new_default" 0xFB_0001 (type_idx) GC calls 1;
            StructGet struct_get "struct.get" 0xFB_0002 (type_idx field) GC reads 1;
            StructGetS struct_get_s "struct.get_s" 0xFB_0003 (type_idx field) GC reads 1;
            StructGetU struct_get_u "struct.get_u" 0xFB_0004 (type_idx field) GC reads 1;
            StructSet struct_set "struct.set" 0xFB_0005 (type_idx field) GC writes 1;
            ArrayNew array_new "array.new" 0xFB_0006 (type_idx) GC calls 1;
            ArrayNewDefault array_new_default "array.new_default" 0xFB_0007 (type_idx) GC calls 1;
            ArrayNewFixed array_new_fixed "array.new_fixed" 0xFB_0008 (type_idx count) GC calls 1;
            ArrayNewData array_new_data "array.new_data" 0xFB_0009 (type_idx data) GC calls 1;
            ArrayNewElem array_new_elem "array.new_elem" 0xFB_000A (type_idx elem) GC calls 1;
            ArrayGet array_get "array.get" 0xFB_000B (type_idx) GC reads 1;
            ArrayGetS array_get_s "array.get_s" 0xFB_000C (type_idx) GC reads 1;
            ArrayGetU array_get_u "array.get_u" 0xFB_000D (type_idx) GC reads 1;
            ArraySet array_set "array.set" 0xFB_000E (type_idx) GC writes 1;
            ArrayLen array_len "array.len" 0xFB_000F () GC reads 1;
            ArrayFill array_fill "array.fill" 0xFB_0010 (type_idx) GC writes 1;
            ArrayCopy array_copy "array.copy" 0xFB_0011 (type_idx type_idx) GC writes 1;
            ArrayInitData array_init_data "array.init_data" 0xFB_0012 (type_idx data) GC writes 1;
            ArrayInitElem array_init_elem "array.init_elem" 0xFB_0013 (type_idx elem) GC writes 1;
            RefTest ref_test_non_null "ref.test" 0xFB_0014 (heap_type) GC pure 1;
            RefTestNull ref_test_nullable "ref.test" 0xFB_0015 (heap_type) GC pure 1;
            RefCast ref_cast_non_null "ref.cast" 0xFB_0016 (heap_type) GC traps 1;
            RefCastNull ref_cast_nullable "ref.cast" 0xFB_0017 (heap_type) GC traps 1;
            BrOnCast br_on_cast "br_on_cast" 0xFB_0018 (cast_flags label heap_type heap_type) GC control 1;
            BrOnCastFail br_on_cast_fail "br_on_cast_fail" 0xFB_0019 (cast_flags label heap_type heap_type) GC control 1;
            AnyConvertExtern any_convert_extern "any.convert_extern" 0xFB_001A () GC pure 1;
            ExternConvertAny extern_convert_any "extern.convert_any" 0xFB_001B () GC pure 1;
            RefI31 ref_i31 "ref.i31" 0xFB_001C () GC pure 1;
            I31GetS i31_get_s "i31.get_s" 0xFB_001D () GC traps 1;
            I31GetU i31_get_u "i31.get_u" 0xFB_001E () GC traps 1;
            MemoryInit memory_init "memory.init" 0xFC_0008 (data memory) BULK_MEMORY writes 1;
            DataDrop data_drop "data.drop" 0xFC_0009 (data) BULK_MEMORY writes 1;
            MemoryCopy memory_copy "memory.copy" 0xFC_000A (memory memory) BULK_MEMORY writes 1;
            MemoryFill memory_fill "memory.fill" 0xFC_000B (memory) BULK_MEMORY writes 1;
            TableInit table_init "table.init" 0xFC_000C (elem table) BULK_MEMORY writes 1;
            ElemDrop elem_drop "elem.drop" 0xFC_000D (elem) BULK_MEMORY writes 1;
            TableCopy table_copy "table.copy" 0xFC_000E (table table) BULK_MEMORY writes 1;
            TableGrow table_grow "table.grow" 0xFC_000F (table) REFERENCE_TYPES calls 1;
            TableSize table_size "table.size" 0xFC_0010 (table) REFERENCE_TYPES reads 1;
            TableFill table_fill "table.fill" 0xFC_0011 (table) REFERENCE_TYPES writes 1;
            V128Const v128_const "v128.const" 0xFD_000C (v128) SIMD pure 1;
            AtomicFence atomic_fence "atomic.fence" 0xFE_0003 (zero_byte) THREADS writes 1;
        }
    };
}
