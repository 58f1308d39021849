//! Scalar float operators, and NaN canonicalisation.
//!
//! Rounding to an integer is written with additions rather than taken from a library: on baseline
//! x86-64 there is no instruction for it, so a library function would be a call, and calls neither
//! inline into an interpreter's handler nor vectorise. `tests/float.rs` compares with `std`.
//!
//! Arithmetic is Rust's own. It makes NaNs quiet because the hardware does; Rust reserves the right
//! to simplify `x * 1.0` when it sees that constant, which operands of a guest never are.
//!
//! Conversions are in `convert.rs`, square root in `root.rs`.

use crate::root;

// f32

operators! { #[inline(always)] (x: f32) -> f32 {
    "f32.abs"     f32_abs     = f32::from_bits(x.to_bits() & !SIGN_32);
    "f32.neg"     f32_neg     = f32::from_bits(x.to_bits() ^ SIGN_32);
    "f32.sqrt"    f32_sqrt    = root::sqrt_f32(x);
    "f32.nearest" f32_nearest = nearest_f32(x);
    "f32.ceil"    f32_ceil    = ceil_f32(x).copysign(x);
    "f32.floor"   f32_floor   = floor_f32(x).copysign(x);
    "f32.trunc"   f32_trunc   = floor_f32(x.abs()).copysign(x);
}}

operators! { #[inline(always)] (a: f32, b: f32) -> f32 {
    "f32.add" f32_add = a + b;
    "f32.sub" f32_sub = a - b;
    "f32.mul" f32_mul = a * b;
    "f32.div" f32_div = a / b;
    "f32.copysign" f32_copysign = f32::from_bits(a.to_bits() & !SIGN_32 | b.to_bits() & SIGN_32);
    "f32.min" f32_min = min_or_max_f32(a, b, if a < b { a } else { b }, a.to_bits() | b.to_bits());
    "f32.max" f32_max = min_or_max_f32(a, b, if a > b { a } else { b }, a.to_bits() & b.to_bits());
}}

operators! { #[inline(always)] (a: f32, b: f32) -> i32 {
    "f32.eq" f32_eq = i32::from(a == b);
    "f32.ne" f32_ne = i32::from(a != b);
    "f32.lt" f32_lt = i32::from(a < b);
    "f32.gt" f32_gt = i32::from(a > b);
    "f32.le" f32_le = i32::from(a <= b);
    "f32.ge" f32_ge = i32::from(a >= b);
}}

// f64

operators! { #[inline(always)] (x: f64) -> f64 {
    "f64.abs"     f64_abs     = f64::from_bits(x.to_bits() & !SIGN_64);
    "f64.neg"     f64_neg     = f64::from_bits(x.to_bits() ^ SIGN_64);
    "f64.sqrt"    f64_sqrt    = root::sqrt_f64(x);
    "f64.nearest" f64_nearest = nearest_f64(x);
    "f64.ceil"    f64_ceil    = ceil_f64(x).copysign(x);
    "f64.floor"   f64_floor   = floor_f64(x).copysign(x);
    "f64.trunc"   f64_trunc   = floor_f64(x.abs()).copysign(x);
}}

operators! { #[inline(always)] (a: f64, b: f64) -> f64 {
    "f64.add" f64_add = a + b;
    "f64.sub" f64_sub = a - b;
    "f64.mul" f64_mul = a * b;
    "f64.div" f64_div = a / b;
    "f64.copysign" f64_copysign = f64::from_bits(a.to_bits() & !SIGN_64 | b.to_bits() & SIGN_64);
    "f64.min" f64_min = min_or_max_f64(a, b, if a < b { a } else { b }, a.to_bits() | b.to_bits());
    "f64.max" f64_max = min_or_max_f64(a, b, if a > b { a } else { b }, a.to_bits() & b.to_bits());
}}

operators! { #[inline(always)] (a: f64, b: f64) -> i32 {
    "f64.eq" f64_eq = i32::from(a == b);
    "f64.ne" f64_ne = i32::from(a != b);
    "f64.lt" f64_lt = i32::from(a < b);
    "f64.gt" f64_gt = i32::from(a > b);
    "f64.le" f64_le = i32::from(a <= b);
    "f64.ge" f64_ge = i32::from(a >= b);
}}

const SIGN_32: u32 = 1 << 31;
const CANONICAL_NAN_32: u32 = 0x7fc0_0000;

/// 2^23: from here on every f32 is an integer.
const INTEGERS_32: f32 = (1_u64 << 23) as f32;

/// The canonical NaN if `x` is a NaN, else `x`.
#[inline(always)]
#[must_use]
pub fn canonicalize_f32(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(CANONICAL_NAN_32) } else { x }
}

/// The nearest integer, ties to even. Beyond 2^23 there is no room for a fraction, so adding that
/// much rounds. A number that is so large already is an integer: nothing is added to it, which
/// makes a NaN quiet all the same. There is no branch, so that a loop over lanes becomes vector code.
#[inline(always)]
fn nearest_f32(x: f32) -> f32 {
    let magnitude = x.abs();
    let shift = if magnitude < INTEGERS_32 { INTEGERS_32 } else { 0.0 };
    ((magnitude + shift) - shift).copysign(x)
}

/// The integer above. The caller repairs the sign of a zero (`ceil(-0.5)` is -0): as rounding never
/// crosses zero, the result has the sign of `x`.
#[inline(always)]
fn ceil_f32(x: f32) -> f32 {
    let nearest = nearest_f32(x);
    nearest + if nearest < x { 1.0 } else { 0.0 }
}

/// The integer below. The caller repairs the sign of a zero, as for [`ceil_f32`].
#[inline(always)]
fn floor_f32(x: f32) -> f32 {
    let nearest = nearest_f32(x);
    nearest - if nearest > x { 1.0 } else { 0.0 }
}

/// Completes a minimum or maximum. `chosen` is right unless the operands are equal, when only zeros
/// of opposite sign make a difference, which `bits_if_equal` settles, or one is a NaN, which a sum
/// propagates. No branch depends on another, so that a loop over lanes becomes vector code.
#[inline(always)]
fn min_or_max_f32(a: f32, b: f32, chosen: f32, bits_if_equal: u32) -> f32 {
    let chosen = if a == b { f32::from_bits(bits_if_equal) } else { chosen };
    if a.is_nan() | b.is_nan() { a + b } else { chosen }
}

const SIGN_64: u64 = 1 << 63;
const CANONICAL_NAN_64: u64 = 0x7ff8_0000_0000_0000;

/// 2^52: from here on every f64 is an integer.
const INTEGERS_64: f64 = (1_u64 << 52) as f64;

/// The canonical NaN if `x` is a NaN, else `x`.
#[inline(always)]
#[must_use]
pub fn canonicalize_f64(x: f64) -> f64 {
    if x.is_nan() { f64::from_bits(CANONICAL_NAN_64) } else { x }
}

/// The nearest integer, ties to even. Beyond 2^52 there is no room for a fraction, so adding that
/// much rounds. A number that is so large already is an integer: nothing is added to it, which
/// makes a NaN quiet all the same. There is no branch, so that a loop over lanes becomes vector code.
#[inline(always)]
fn nearest_f64(x: f64) -> f64 {
    let magnitude = x.abs();
    let shift = if magnitude < INTEGERS_64 { INTEGERS_64 } else { 0.0 };
    ((magnitude + shift) - shift).copysign(x)
}

/// The integer above. The caller repairs the sign of a zero (`ceil(-0.5)` is -0): as rounding never
/// crosses zero, the result has the sign of `x`.
#[inline(always)]
fn ceil_f64(x: f64) -> f64 {
    let nearest = nearest_f64(x);
    nearest + if nearest < x { 1.0 } else { 0.0 }
}

/// The integer below. The caller repairs the sign of a zero, as for [`ceil_f64`].
#[inline(always)]
fn floor_f64(x: f64) -> f64 {
    let nearest = nearest_f64(x);
    nearest - if nearest > x { 1.0 } else { 0.0 }
}

/// Completes a minimum or maximum. `chosen` is right unless the operands are equal, when only zeros
/// of opposite sign make a difference, which `bits_if_equal` settles, or one is a NaN, which a sum
/// propagates. No branch depends on another, so that a loop over lanes becomes vector code.
#[inline(always)]
fn min_or_max_f64(a: f64, b: f64, chosen: f64, bits_if_equal: u64) -> f64 {
    let chosen = if a == b { f64::from_bits(bits_if_equal) } else { chosen };
    if a.is_nan() | b.is_nan() { a + b } else { chosen }
}
