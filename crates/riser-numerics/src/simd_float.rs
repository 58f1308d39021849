//! Lanewise float operators: the scalar ones of `float.rs` applied to each lane, the
//! pseudo-minimum and -maximum, which exist only here, and NaN canonicalisation.

use crate::V128;
use crate::float::*;
use crate::lanes::{map1, map2};

operators! { #[inline] (v: V128) -> V128 {
    "f32x4.abs"     f32x4_abs     = map1(v, f32_abs);
    "f32x4.neg"     f32x4_neg     = map1(v, f32_neg);
    "f32x4.sqrt"    f32x4_sqrt    = map1(v, f32_sqrt);
    "f32x4.ceil"    f32x4_ceil    = map1(v, f32_ceil);
    "f32x4.floor"   f32x4_floor   = map1(v, f32_floor);
    "f32x4.trunc"   f32x4_trunc   = map1(v, f32_trunc);
    "f32x4.nearest" f32x4_nearest = map1(v, f32_nearest);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "f32x4.add"  f32x4_add  = map2(a, b, f32_add);
    "f32x4.sub"  f32x4_sub  = map2(a, b, f32_sub);
    "f32x4.mul"  f32x4_mul  = map2(a, b, f32_mul);
    "f32x4.div"  f32x4_div  = map2(a, b, f32_div);
    "f32x4.min"  f32x4_min  = map2(a, b, f32_min);
    "f32x4.max"  f32x4_max  = map2(a, b, f32_max);
    "f32x4.pmin" f32x4_pmin = map2(a, b, |a: f32, b| if b < a { b } else { a });
    "f32x4.pmax" f32x4_pmax = map2(a, b, |a: f32, b| if a < b { b } else { a });
}}

operators! { #[inline] (v: V128) -> V128 {
    "f64x2.abs"     f64x2_abs     = map1(v, f64_abs);
    "f64x2.neg"     f64x2_neg     = map1(v, f64_neg);
    "f64x2.sqrt"    f64x2_sqrt    = map1(v, f64_sqrt);
    "f64x2.ceil"    f64x2_ceil    = map1(v, f64_ceil);
    "f64x2.floor"   f64x2_floor   = map1(v, f64_floor);
    "f64x2.trunc"   f64x2_trunc   = map1(v, f64_trunc);
    "f64x2.nearest" f64x2_nearest = map1(v, f64_nearest);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "f64x2.add"  f64x2_add  = map2(a, b, f64_add);
    "f64x2.sub"  f64x2_sub  = map2(a, b, f64_sub);
    "f64x2.mul"  f64x2_mul  = map2(a, b, f64_mul);
    "f64x2.div"  f64x2_div  = map2(a, b, f64_div);
    "f64x2.min"  f64x2_min  = map2(a, b, f64_min);
    "f64x2.max"  f64x2_max  = map2(a, b, f64_max);
    "f64x2.pmin" f64x2_pmin = map2(a, b, |a: f64, b| if b < a { b } else { a });
    "f64x2.pmax" f64x2_pmax = map2(a, b, |a: f64, b| if a < b { b } else { a });
}}

/// Each lane of shape f32x4 that is a NaN replaced by the canonical NaN.
#[inline]
#[must_use]
pub fn canonicalize_f32x4(v: V128) -> V128 {
    map1(v, canonicalize_f32)
}

/// Each lane of shape f64x2 that is a NaN replaced by the canonical NaN.
#[inline]
#[must_use]
pub fn canonicalize_f64x2(v: V128) -> V128 {
    map1(v, canonicalize_f64)
}
