//! Lanes in and out of vectors, and rearranging bytes.
//!
//! Lane numbers are immediates that validation has checked; here a number that is too large wraps
//! around, so that nothing can panic.

use crate::V128;
use crate::lanes::{extract, replace, splat};

operators! { #[inline] (x: i32) -> V128 {
    "i8x16.splat" i8x16_splat = splat(x as i8);
    "i16x8.splat" i16x8_splat = splat(x as i16);
    "i32x4.splat" i32x4_splat = splat(x);
}}

operators! { #[inline] (x: i64) -> V128 { "i64x2.splat" i64x2_splat = splat(x); }}
operators! { #[inline] (x: f32) -> V128 { "f32x4.splat" f32x4_splat = splat(x); }}
operators! { #[inline] (x: f64) -> V128 { "f64x2.splat" f64x2_splat = splat(x); }}

operators! { #[inline] (v: V128, lane: u8) -> i32 {
    "i8x16.extract_lane_s" i8x16_extract_lane_s = i32::from(extract::<i8, _>(v, lane));
    "i8x16.extract_lane_u" i8x16_extract_lane_u = i32::from(extract::<u8, _>(v, lane));
    "i16x8.extract_lane_s" i16x8_extract_lane_s = i32::from(extract::<i16, _>(v, lane));
    "i16x8.extract_lane_u" i16x8_extract_lane_u = i32::from(extract::<u16, _>(v, lane));
    "i32x4.extract_lane"   i32x4_extract_lane   = extract(v, lane);
}}

operators! { #[inline] (v: V128, lane: u8) -> i64 { "i64x2.extract_lane" i64x2_extract_lane = extract(v, lane); }}
operators! { #[inline] (v: V128, lane: u8) -> f32 { "f32x4.extract_lane" f32x4_extract_lane = extract(v, lane); }}
operators! { #[inline] (v: V128, lane: u8) -> f64 { "f64x2.extract_lane" f64x2_extract_lane = extract(v, lane); }}

operators! { #[inline] (v: V128, x: i32, lane: u8) -> V128 {
    "i8x16.replace_lane" i8x16_replace_lane = replace(v, x as i8, lane);
    "i16x8.replace_lane" i16x8_replace_lane = replace(v, x as i16, lane);
    "i32x4.replace_lane" i32x4_replace_lane = replace(v, x, lane);
}}

operators! { #[inline] (v: V128, x: i64, lane: u8) -> V128 { "i64x2.replace_lane" i64x2_replace_lane = replace(v, x, lane); }}
operators! { #[inline] (v: V128, x: f32, lane: u8) -> V128 { "f32x4.replace_lane" f32x4_replace_lane = replace(v, x, lane); }}
operators! { #[inline] (v: V128, x: f64, lane: u8) -> V128 { "f64x2.replace_lane" f64x2_replace_lane = replace(v, x, lane); }}

operators! { #[inline] (a: V128, b: V128, lanes: [u8; 16]) -> V128 {
    "i8x16.shuffle" i8x16_shuffle = shuffle(a, b, lanes);
}}

operators! { #[inline] (v: V128, indices: V128) -> V128 {
    "i8x16.swizzle" i8x16_swizzle = swizzle(v, indices);
}}

/// Byte `i` of the result is byte `lanes[i]` of `a` followed by `b`.
#[inline(always)]
fn shuffle(a: V128, b: V128, lanes: [u8; 16]) -> V128 {
    let mut both = [0; 32];
    both[..16].copy_from_slice(&a.to_le_bytes());
    both[16..].copy_from_slice(&b.to_le_bytes());
    V128::from_le_bytes(lanes.map(|lane| both[usize::from(lane & 31)]))
}

/// Byte `i` of the result is byte `indices[i]` of `v`, or zero where there is none. The table has an
/// entry for every index there can be: clearing it costs less than sixteen comparisons.
#[inline(always)]
fn swizzle(v: V128, indices: V128) -> V128 {
    let mut table = [0; 256];
    table[..16].copy_from_slice(&v.to_le_bytes());
    V128::from_le_bytes(indices.to_le_bytes().map(|i| table[usize::from(i)]))
}
