//! Relaxed SIMD. The proposal lets an implementation choose among a few meanings of each operator;
//! here each has one, on every host: that of the proposal's deterministic profile.
//!
//! | operator | means |
//! | --- | --- |
//! | `relaxed_swizzle` | `swizzle` |
//! | `relaxed_trunc` | `trunc_sat` |
//! | `relaxed_madd` (a, b, c) | a · b + c, rounded once |
//! | `relaxed_nmadd` (a, b, c) | -a · b + c, rounded once |
//! | `relaxed_laneselect` | `bitselect` |
//! | `relaxed_min`, `relaxed_max` | `min`, `max` |
//! | `relaxed_q15mulr_s` | `q15mulr_sat_s` |
//! | `relaxed_dot_i8x16_i7x16_s` | both operands signed, the sum of two products saturates to 16 bits |
//! | `relaxed_dot_i8x16_i7x16_add_s` | that, its lanes added in pairs, plus the third operand |
//!
//! About multiply-add the texts differ: the proposal's deterministic profile rounds once, while
//! the 3.0 specification names rounding twice for its profile and allows both otherwise. Rounding
//! once is what optimized code gets from the hardware, so results agree between tiers.

use crate::V128;
use crate::lanes::{dot, map2, map3};
use crate::root::{fma_f32, fma_f64};
use crate::simd_convert::*;
use crate::simd_float::*;
use crate::simd_int::*;
use crate::simd_lanes::*;

operators! { #[inline] (v: V128, indices: V128) -> V128 {
    "i8x16.relaxed_swizzle" i8x16_relaxed_swizzle = i8x16_swizzle(v, indices);
}}

operators! { #[inline] (v: V128) -> V128 {
    "i32x4.relaxed_trunc_f32x4_s"      i32x4_relaxed_trunc_f32x4_s      = i32x4_trunc_sat_f32x4_s(v);
    "i32x4.relaxed_trunc_f32x4_u"      i32x4_relaxed_trunc_f32x4_u      = i32x4_trunc_sat_f32x4_u(v);
    "i32x4.relaxed_trunc_f64x2_s_zero" i32x4_relaxed_trunc_f64x2_s_zero = i32x4_trunc_sat_f64x2_s_zero(v);
    "i32x4.relaxed_trunc_f64x2_u_zero" i32x4_relaxed_trunc_f64x2_u_zero = i32x4_trunc_sat_f64x2_u_zero(v);
}}

operators! { #[inline] (a: V128, b: V128, c: V128) -> V128 {
    "f32x4.relaxed_madd"  f32x4_relaxed_madd  = map3(a, b, c, fma_f32);
    "f32x4.relaxed_nmadd" f32x4_relaxed_nmadd = map3(f32x4_neg(a), b, c, fma_f32);
    "f64x2.relaxed_madd"  f64x2_relaxed_madd  = map3(a, b, c, fma_f64);
    "f64x2.relaxed_nmadd" f64x2_relaxed_nmadd = map3(f64x2_neg(a), b, c, fma_f64);
}}

operators! { #[inline] (a: V128, b: V128, mask: V128) -> V128 {
    "i8x16.relaxed_laneselect" i8x16_relaxed_laneselect = v128_bitselect(a, b, mask);
    "i16x8.relaxed_laneselect" i16x8_relaxed_laneselect = v128_bitselect(a, b, mask);
    "i32x4.relaxed_laneselect" i32x4_relaxed_laneselect = v128_bitselect(a, b, mask);
    "i64x2.relaxed_laneselect" i64x2_relaxed_laneselect = v128_bitselect(a, b, mask);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "f32x4.relaxed_min"               f32x4_relaxed_min               = f32x4_min(a, b);
    "f32x4.relaxed_max"               f32x4_relaxed_max               = f32x4_max(a, b);
    "f64x2.relaxed_min"               f64x2_relaxed_min               = f64x2_min(a, b);
    "f64x2.relaxed_max"               f64x2_relaxed_max               = f64x2_max(a, b);
    "i16x8.relaxed_q15mulr_s"         i16x8_relaxed_q15mulr_s         = i16x8_q15mulr_sat_s(a, b);
    "i16x8.relaxed_dot_i8x16_i7x16_s" i16x8_relaxed_dot_i8x16_i7x16_s = dot(a, b, |a: i8, b| i16::from(a) * i16::from(b), i16::saturating_add);
}}

operators! { #[inline] (a: V128, b: V128, c: V128) -> V128 {
    "i32x4.relaxed_dot_i8x16_i7x16_add_s" i32x4_relaxed_dot_i8x16_i7x16_add_s =
        map2(i32x4_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)), c, i32::wrapping_add);
}}
