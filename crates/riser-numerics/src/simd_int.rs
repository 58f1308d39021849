//! Lanewise integer operators: arithmetic, shifts, whole-vector logic, tests.
//!
//! Comparisons are in `simd_compare.rs`; widening and narrowing in `simd_convert.rs`.

use crate::V128;
use crate::lanes::{all, bits, high2, low2, map1, map2, map3, pairs};

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "v128.and"    v128_and    = map2(a, b, |a: u64, b| a & b);
    "v128.andnot" v128_andnot = map2(a, b, |a: u64, b| a & !b);
    "v128.or"     v128_or     = map2(a, b, |a: u64, b| a | b);
    "v128.xor"    v128_xor    = map2(a, b, |a: u64, b| a ^ b);
}}

operators! { #[inline] (v: V128) -> V128 {
    "v128.not" v128_not = map1(v, |v: u64| !v);
}}

operators! { #[inline] (a: V128, b: V128, mask: V128) -> V128 {
    "v128.bitselect" v128_bitselect = map3(a, b, mask, |a: u64, b, mask| a & mask | b & !mask);
}}

operators! { #[inline] (v: V128) -> i32 {
    "v128.any_true" v128_any_true = i32::from(v != V128::ZERO);
}}

operators! { #[inline] (v: V128) -> V128 {
    "i8x16.abs"    i8x16_abs    = map1(v, i8::wrapping_abs);
    "i8x16.neg"    i8x16_neg    = map1(v, i8::wrapping_neg);
    "i8x16.popcnt" i8x16_popcnt = map1(v, |x: u8| x.count_ones() as u8);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i8x16.add"       i8x16_add       = map2(a, b, i8::wrapping_add);
    "i8x16.add_sat_s" i8x16_add_sat_s = map2(a, b, i8::saturating_add);
    "i8x16.add_sat_u" i8x16_add_sat_u = map2(a, b, u8::saturating_add);
    "i8x16.sub"       i8x16_sub       = map2(a, b, i8::wrapping_sub);
    "i8x16.sub_sat_s" i8x16_sub_sat_s = map2(a, b, i8::saturating_sub);
    "i8x16.sub_sat_u" i8x16_sub_sat_u = map2(a, b, u8::saturating_sub);
    "i8x16.min_s"     i8x16_min_s     = map2(a, b, |a: i8, b| a.min(b));
    "i8x16.min_u"     i8x16_min_u     = map2(a, b, |a: u8, b| a.min(b));
    "i8x16.max_s"     i8x16_max_s     = map2(a, b, |a: i8, b| a.max(b));
    "i8x16.max_u"     i8x16_max_u     = map2(a, b, |a: u8, b| a.max(b));
    "i8x16.avgr_u"    i8x16_avgr_u    = map2(a, b, average_u8);
}}

operators! { #[inline] (v: V128, count: i32) -> V128 {
    "i8x16.shl"   i8x16_shl   = map1(v, |x: i8| x.wrapping_shl(count as u32));
    "i8x16.shr_s" i8x16_shr_s = map1(v, |x: i8| x.wrapping_shr(count as u32));
    "i8x16.shr_u" i8x16_shr_u = map1(v, |x: u8| x.wrapping_shr(count as u32));
}}

operators! { #[inline] (v: V128) -> i32 {
    "i8x16.all_true" i8x16_all_true = all(v, |x: i8| x != 0);
    "i8x16.bitmask"  i8x16_bitmask  = signs_i8x8(v.to_u64x2()[0]) | signs_i8x8(v.to_u64x2()[1]) << 8;
}}

operators! { #[inline] (v: V128) -> V128 {
    "i16x8.abs"                     i16x8_abs                     = map1(v, i16::wrapping_abs);
    "i16x8.neg"                     i16x8_neg                     = map1(v, i16::wrapping_neg);
    "i16x8.extadd_pairwise_i8x16_s" i16x8_extadd_pairwise_i8x16_s = pairs(v, |x: i8, y| i16::from(x) + i16::from(y));
    "i16x8.extadd_pairwise_i8x16_u" i16x8_extadd_pairwise_i8x16_u = pairs(v, |x: u8, y| u16::from(x) + u16::from(y));
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i16x8.add"                 i16x8_add                 = map2(a, b, i16::wrapping_add);
    "i16x8.add_sat_s"           i16x8_add_sat_s           = map2(a, b, i16::saturating_add);
    "i16x8.add_sat_u"           i16x8_add_sat_u           = map2(a, b, u16::saturating_add);
    "i16x8.sub"                 i16x8_sub                 = map2(a, b, i16::wrapping_sub);
    "i16x8.sub_sat_s"           i16x8_sub_sat_s           = map2(a, b, i16::saturating_sub);
    "i16x8.sub_sat_u"           i16x8_sub_sat_u           = map2(a, b, u16::saturating_sub);
    "i16x8.mul"                 i16x8_mul                 = map2(a, b, i16::wrapping_mul);
    "i16x8.min_s"               i16x8_min_s               = map2(a, b, |a: i16, b| a.min(b));
    "i16x8.min_u"               i16x8_min_u               = map2(a, b, |a: u16, b| a.min(b));
    "i16x8.max_s"               i16x8_max_s               = map2(a, b, |a: i16, b| a.max(b));
    "i16x8.max_u"               i16x8_max_u               = map2(a, b, |a: u16, b| a.max(b));
    "i16x8.avgr_u"              i16x8_avgr_u              = map2(a, b, average_u16);
    "i16x8.q15mulr_sat_s"       i16x8_q15mulr_sat_s       = map2(a, b, q15mulr_sat);
    "i16x8.extmul_low_i8x16_s"  i16x8_extmul_low_i8x16_s  = low2(a, b, |a: i8, b| i16::from(a) * i16::from(b));
    "i16x8.extmul_high_i8x16_s" i16x8_extmul_high_i8x16_s = high2(a, b, |a: i8, b| i16::from(a) * i16::from(b));
    "i16x8.extmul_low_i8x16_u"  i16x8_extmul_low_i8x16_u  = low2(a, b, |a: u8, b| u16::from(a) * u16::from(b));
    "i16x8.extmul_high_i8x16_u" i16x8_extmul_high_i8x16_u = high2(a, b, |a: u8, b| u16::from(a) * u16::from(b));
}}

operators! { #[inline] (v: V128, count: i32) -> V128 {
    "i16x8.shl"   i16x8_shl   = map1(v, |x: i16| x.wrapping_shl(count as u32));
    "i16x8.shr_s" i16x8_shr_s = map1(v, |x: i16| x.wrapping_shr(count as u32));
    "i16x8.shr_u" i16x8_shr_u = map1(v, |x: u16| x.wrapping_shr(count as u32));
}}

operators! { #[inline] (v: V128) -> i32 {
    "i16x8.all_true" i16x8_all_true = all(v, |x: i16| x != 0);
    "i16x8.bitmask"  i16x8_bitmask  = signs_i16x4(v.to_u64x2()[0]) | signs_i16x4(v.to_u64x2()[1]) << 4;
}}

operators! { #[inline] (v: V128) -> V128 {
    "i32x4.abs"                     i32x4_abs                     = map1(v, i32::wrapping_abs);
    "i32x4.neg"                     i32x4_neg                     = map1(v, i32::wrapping_neg);
    "i32x4.extadd_pairwise_i16x8_s" i32x4_extadd_pairwise_i16x8_s = pairs(v, |x: i16, y| i32::from(x) + i32::from(y));
    "i32x4.extadd_pairwise_i16x8_u" i32x4_extadd_pairwise_i16x8_u = pairs(v, |x: u16, y| u32::from(x) + u32::from(y));
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i32x4.add"                 i32x4_add                 = map2(a, b, i32::wrapping_add);
    "i32x4.sub"                 i32x4_sub                 = map2(a, b, i32::wrapping_sub);
    "i32x4.mul"                 i32x4_mul                 = map2(a, b, i32::wrapping_mul);
    "i32x4.min_s"               i32x4_min_s               = map2(a, b, |a: i32, b| a.min(b));
    "i32x4.min_u"               i32x4_min_u               = map2(a, b, |a: u32, b| a.min(b));
    "i32x4.max_s"               i32x4_max_s               = map2(a, b, |a: i32, b| a.max(b));
    "i32x4.max_u"               i32x4_max_u               = map2(a, b, |a: u32, b| a.max(b));
    "i32x4.dot_i16x8_s"         i32x4_dot_i16x8_s         = map2(a, b, dot_i16x2);
    "i32x4.extmul_low_i16x8_s"  i32x4_extmul_low_i16x8_s  = low2(a, b, |a: i16, b| i32::from(a) * i32::from(b));
    "i32x4.extmul_high_i16x8_s" i32x4_extmul_high_i16x8_s = high2(a, b, |a: i16, b| i32::from(a) * i32::from(b));
    "i32x4.extmul_low_i16x8_u"  i32x4_extmul_low_i16x8_u  = low2(a, b, |a: u16, b| u32::from(a) * u32::from(b));
    "i32x4.extmul_high_i16x8_u" i32x4_extmul_high_i16x8_u = high2(a, b, |a: u16, b| u32::from(a) * u32::from(b));
}}

operators! { #[inline] (v: V128, count: i32) -> V128 {
    "i32x4.shl"   i32x4_shl   = map1(v, |x: i32| x.wrapping_shl(count as u32));
    "i32x4.shr_s" i32x4_shr_s = map1(v, |x: i32| x.wrapping_shr(count as u32));
    "i32x4.shr_u" i32x4_shr_u = map1(v, |x: u32| x.wrapping_shr(count as u32));
}}

operators! { #[inline] (v: V128) -> i32 {
    "i32x4.all_true" i32x4_all_true = all(v, |x: i32| x != 0);
    "i32x4.bitmask"  i32x4_bitmask  = bits(v, |x: i32| x < 0);
}}

operators! { #[inline] (v: V128) -> V128 {
    "i64x2.abs" i64x2_abs = map1(v, i64::wrapping_abs);
    "i64x2.neg" i64x2_neg = map1(v, i64::wrapping_neg);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i64x2.add"                 i64x2_add                 = map2(a, b, i64::wrapping_add);
    "i64x2.sub"                 i64x2_sub                 = map2(a, b, i64::wrapping_sub);
    "i64x2.mul"                 i64x2_mul                 = map2(a, b, i64::wrapping_mul);
    "i64x2.extmul_low_i32x4_s"  i64x2_extmul_low_i32x4_s  = low2(a, b, |a: i32, b| i64::from(a) * i64::from(b));
    "i64x2.extmul_high_i32x4_s" i64x2_extmul_high_i32x4_s = high2(a, b, |a: i32, b| i64::from(a) * i64::from(b));
    "i64x2.extmul_low_i32x4_u"  i64x2_extmul_low_i32x4_u  = low2(a, b, |a: u32, b| u64::from(a) * u64::from(b));
    "i64x2.extmul_high_i32x4_u" i64x2_extmul_high_i32x4_u = high2(a, b, |a: u32, b| u64::from(a) * u64::from(b));
}}

operators! { #[inline] (v: V128, count: i32) -> V128 {
    "i64x2.shl"   i64x2_shl   = map1(v, |x: i64| x.wrapping_shl(count as u32));
    "i64x2.shr_s" i64x2_shr_s = map1(v, |x: i64| x.wrapping_shr(count as u32));
    "i64x2.shr_u" i64x2_shr_u = map1(v, |x: u64| x.wrapping_shr(count as u32));
}}

operators! { #[inline] (v: V128) -> i32 {
    "i64x2.all_true" i64x2_all_true = all(v, |x: i64| x != 0);
    "i64x2.bitmask"  i64x2_bitmask  = bits(v, |x: i64| x < 0);
}}

/// The mean, rounded up.
#[inline(always)]
fn average_u8(a: u8, b: u8) -> u8 {
    (u16::from(a) + u16::from(b)).div_ceil(2) as u8
}

/// The mean, rounded up.
#[inline(always)]
fn average_u16(a: u16, b: u16) -> u16 {
    (u32::from(a) + u32::from(b)).div_ceil(2) as u16
}

/// The product of two fractions in Q15 format, rounded; only -1 times -1 does not fit.
#[inline(always)]
fn q15mulr_sat(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + 0x4000) >> 15;
    product.min(i32::from(i16::MAX)) as i16
}

/// The sum of the products of the two halves. Written on whole 32-bit lanes so that it becomes
/// vector code. It wraps only for four times -2^15.
#[inline(always)]
fn dot_i16x2(a: i32, b: i32) -> i32 {
    let low = i32::from(a as i16) * i32::from(b as i16);
    low.wrapping_add((a >> 16) * (b >> 16))
}

/// The sign bits of eight bytes, the first byte's lowest. The factor has a bit for each of them that
/// moves it to its place at the top; no two bits of the product meet, so nothing carries.
#[inline(always)]
fn signs_i8x8(bytes: u64) -> i32 {
    let signs = bytes >> 7 & 0x0101_0101_0101_0101;
    (signs.wrapping_mul(0x0102_0408_1020_4080) >> 56) as i32
}

/// The sign bits of four 16-bit lanes, in the same manner.
#[inline(always)]
fn signs_i16x4(lanes: u64) -> i32 {
    let signs = lanes >> 15 & 0x0001_0001_0001_0001;
    (signs.wrapping_mul(1 << 48 | 1 << 33 | 1 << 18 | 1 << 3) >> 48 & 15) as i32
}
