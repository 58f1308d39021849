//! Scalar float operators, and NaN canonicalisation.
//!
//! Rounding to an integer is written with additions rather than taken from a library: on baseline
//! x86-64 there is no instruction for it, so a library function would be a call, and calls neither
//! inline into an interpreter's handler nor vectorise. `tests/float.rs` compares with `std`.
//!
//! Conversions are in `convert.rs`, square root in `root.rs`.

use crate::root;

// f32

operators! { #[inline(always)] (x: f32) -> f32 {
    "f32.abs"     f32_abs     = f32::from_bits(x.to_bits() & !SIGN_32);
    "f32.neg"     f32_neg     = f32::from_bits(x.to_bits() ^ SIGN_32);
    "f32.sqrt"    f32_sqrt    = root::sqrt_f32(x);
    "f32.nearest" f32_nearest = if is_fractional_f32(x) { with_sign_f32(to_integer_f32(x), x) } else { quiet_f32(x) };
    "f32.ceil"    f32_ceil    = if is_fractional_f32(x) { with_sign_f32(ceil_f32(x), x) } else { quiet_f32(x) };
    "f32.floor"   f32_floor   = if is_fractional_f32(x) { with_sign_f32(floor_f32(x), x) } else { quiet_f32(x) };
    "f32.trunc"   f32_trunc   = if is_fractional_f32(x) { with_sign_f32(floor_f32(f32_abs(x)), x) } else { quiet_f32(x) };
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
    "f64.nearest" f64_nearest = if is_fractional_f64(x) { with_sign_f64(to_integer_f64(x), x) } else { quiet_f64(x) };
    "f64.ceil"    f64_ceil    = if is_fractional_f64(x) { with_sign_f64(ceil_f64(x), x) } else { quiet_f64(x) };
    "f64.floor"   f64_floor   = if is_fractional_f64(x) { with_sign_f64(floor_f64(x), x) } else { quiet_f64(x) };
    "f64.trunc"   f64_trunc   = if is_fractional_f64(x) { with_sign_f64(floor_f64(f64_abs(x)), x) } else { quiet_f64(x) };
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
const QUIET_32: u32 = 1 << 22;
const CANONICAL_NAN_32: u32 = 0x7fc0_0000;

/// 2^23: from here on every f32 is an integer.
const INTEGERS_32: f32 = (1_u64 << 23) as f32;

/// The canonical NaN if `x` is a NaN, else `x`.
#[inline(always)]
#[must_use]
pub fn canonicalize_f32(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(CANONICAL_NAN_32) } else { x }
}

/// Whether `x` is small enough to have a fraction; false for infinities and NaNs.
#[inline(always)]
fn is_fractional_f32(x: f32) -> bool {
    f32_abs(x) < INTEGERS_32
}

/// The nearest integer, ties to even, of a small enough `x`; the sign of a zero result is
/// arbitrary. Adding 2^23 leaves no room for a fraction, so the addition itself rounds.
#[inline(always)]
fn to_integer_f32(x: f32) -> f32 {
    with_sign_f32(f32_abs(x) + INTEGERS_32 - INTEGERS_32, x)
}

/// As [`to_integer_f32`], but rounding up.
#[inline(always)]
fn ceil_f32(x: f32) -> f32 {
    let nearest = to_integer_f32(x);
    if nearest < x { nearest + 1.0 } else { nearest }
}

/// As [`to_integer_f32`], but rounding down.
#[inline(always)]
fn floor_f32(x: f32) -> f32 {
    let nearest = to_integer_f32(x);
    if nearest > x { nearest - 1.0 } else { nearest }
}

/// `magnitude` with the sign of `x`. Rounding never crosses zero, so this only repairs the sign of
/// a zero: `ceil(-0.5)` is -0.
#[inline(always)]
fn with_sign_f32(magnitude: f32, x: f32) -> f32 {
    f32_copysign(magnitude, x)
}

/// `x`, with a signalling NaN made quiet, as an operator that computes must.
#[inline(always)]
fn quiet_f32(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(x.to_bits() | QUIET_32) } else { x }
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
const QUIET_64: u64 = 1 << 51;
const CANONICAL_NAN_64: u64 = 0x7ff8_0000_0000_0000;

/// 2^52: from here on every f64 is an integer.
const INTEGERS_64: f64 = (1_u64 << 52) as f64;

/// The canonical NaN if `x` is a NaN, else `x`.
#[inline(always)]
#[must_use]
pub fn canonicalize_f64(x: f64) -> f64 {
    if x.is_nan() { f64::from_bits(CANONICAL_NAN_64) } else { x }
}

/// Whether `x` is small enough to have a fraction; false for infinities and NaNs.
#[inline(always)]
fn is_fractional_f64(x: f64) -> bool {
    f64_abs(x) < INTEGERS_64
}

/// The nearest integer, ties to even, of a small enough `x`; the sign of a zero result is
/// arbitrary. Adding 2^52 leaves no room for a fraction, so the addition itself rounds.
#[inline(always)]
fn to_integer_f64(x: f64) -> f64 {
    with_sign_f64(f64_abs(x) + INTEGERS_64 - INTEGERS_64, x)
}

/// As [`to_integer_f64`], but rounding up.
#[inline(always)]
fn ceil_f64(x: f64) -> f64 {
    let nearest = to_integer_f64(x);
    if nearest < x { nearest + 1.0 } else { nearest }
}

/// As [`to_integer_f64`], but rounding down.
#[inline(always)]
fn floor_f64(x: f64) -> f64 {
    let nearest = to_integer_f64(x);
    if nearest > x { nearest - 1.0 } else { nearest }
}

/// `magnitude` with the sign of `x`. Rounding never crosses zero, so this only repairs the sign of
/// a zero: `ceil(-0.5)` is -0.
#[inline(always)]
fn with_sign_f64(magnitude: f64, x: f64) -> f64 {
    f64_copysign(magnitude, x)
}

/// `x`, with a signalling NaN made quiet, as an operator that computes must.
#[inline(always)]
fn quiet_f64(x: f64) -> f64 {
    if x.is_nan() { f64::from_bits(x.to_bits() | QUIET_64) } else { x }
}

/// Completes a minimum or maximum. `chosen` is right unless the operands are equal, when only zeros
/// of opposite sign make a difference, which `bits_if_equal` settles, or one is a NaN, which a sum
/// propagates. No branch depends on another, so that a loop over lanes becomes vector code.
#[inline(always)]
fn min_or_max_f64(a: f64, b: f64, chosen: f64, bits_if_equal: u64) -> f64 {
    let chosen = if a == b { f64::from_bits(bits_if_equal) } else { chosen };
    if a.is_nan() | b.is_nan() { a + b } else { chosen }
}
