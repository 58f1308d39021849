//! Conversions between floats and integers: the exact ends of every range, traps, rounding.

mod common;

use common::{interesting_f32, interesting_f64, interesting_i64};
use riser_numerics::*;
use riser_ops::TrapCode::{self, IntegerOverflow, InvalidConversionToInteger};

/// What truncation to an integer between `min` and `max` must do, by way of `i128`, whose range
/// holds every float that is not far outside all of ours.
fn truncated(x: f64, min: i128, max: i128) -> Result<i128, TrapCode> {
    match x as i128 {
        _ if x.is_nan() => Err(InvalidConversionToInteger),
        i if i < min || i > max => Err(IntegerOverflow),
        i => Ok(i),
    }
}

fn saturated(x: f64, min: i128, max: i128) -> i128 {
    if x.is_nan() { 0 } else { (x as i128).clamp(min, max) }
}

const S32: (i128, i128) = (i32::MIN as i128, i32::MAX as i128);
const U32: (i128, i128) = (0, u32::MAX as i128);
const S64: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);
const U64: (i128, i128) = (0, u64::MAX as i128);

#[test]
fn truncation_traps_exactly_outside_the_range() {
    for x in interesting_f64() {
        let expect = |(min, max)| truncated(x, min, max);
        assert_eq!(i32_trunc_f64_s(x).map(i128::from), expect(S32), "{x}");
        assert_eq!(i32_trunc_f64_u(x).map(|i| i128::from(i as u32)), expect(U32), "{x}");
        assert_eq!(i64_trunc_f64_s(x).map(i128::from), expect(S64), "{x}");
        assert_eq!(i64_trunc_f64_u(x).map(|i| i128::from(i as u64)), expect(U64), "{x}");
    }
    for x in interesting_f32() {
        let expect = |(min, max)| truncated(x.into(), min, max);
        assert_eq!(i32_trunc_f32_s(x).map(i128::from), expect(S32), "{x}");
        assert_eq!(i32_trunc_f32_u(x).map(|i| i128::from(i as u32)), expect(U32), "{x}");
        assert_eq!(i64_trunc_f32_s(x).map(i128::from), expect(S64), "{x}");
        assert_eq!(i64_trunc_f32_u(x).map(|i| i128::from(i as u64)), expect(U64), "{x}");
    }
}

#[test]
fn saturating_truncation_clamps_and_maps_nan_to_zero() {
    for x in interesting_f64() {
        let expect = |(min, max)| saturated(x, min, max);
        assert_eq!(i128::from(i32_trunc_sat_f64_s(x)), expect(S32), "{x}");
        assert_eq!(i128::from(i32_trunc_sat_f64_u(x) as u32), expect(U32), "{x}");
        assert_eq!(i128::from(i64_trunc_sat_f64_s(x)), expect(S64), "{x}");
        assert_eq!(i128::from(i64_trunc_sat_f64_u(x) as u64), expect(U64), "{x}");
    }
    for x in interesting_f32() {
        let expect = |(min, max)| saturated(x.into(), min, max);
        assert_eq!(i128::from(i32_trunc_sat_f32_s(x)), expect(S32), "{x}");
        assert_eq!(i128::from(i32_trunc_sat_f32_u(x) as u32), expect(U32), "{x}");
        assert_eq!(i128::from(i64_trunc_sat_f32_s(x)), expect(S64), "{x}");
        assert_eq!(i128::from(i64_trunc_sat_f32_u(x) as u64), expect(U64), "{x}");
    }
}

#[test]
fn the_ends_of_the_ranges() {
    assert_eq!(i32_trunc_f64_s(-2147483648.9), Ok(i32::MIN));
    assert_eq!(i32_trunc_f64_s(-2147483649.0), Err(IntegerOverflow));
    assert_eq!(i32_trunc_f64_s(2147483647.9), Ok(i32::MAX));
    assert_eq!(i32_trunc_f64_s(2147483648.0), Err(IntegerOverflow));
    assert_eq!(i32_trunc_f64_u(4294967295.9), Ok(-1));
    assert_eq!(i32_trunc_f64_u(-0.9), Ok(0));
    assert_eq!(i32_trunc_f64_u(-1.0), Err(IntegerOverflow));
    assert_eq!(i32_trunc_f32_s(-2147483648.0), Ok(i32::MIN));
    assert_eq!(i64_trunc_f64_s(-9223372036854775808.0), Ok(i64::MIN));
    assert_eq!(i64_trunc_f64_u(18446744073709551616.0), Err(IntegerOverflow));
    assert_eq!(i64_trunc_f32_s(f32::INFINITY), Err(IntegerOverflow));
    assert_eq!(i64_trunc_f32_u(f32::NAN), Err(InvalidConversionToInteger));
}

/// Rounds an integer to the nearest float with `precision` significant bits, ties to even, with
/// integer arithmetic only.
fn rounded(i: i128, precision: u32) -> i128 {
    let magnitude = i.unsigned_abs();
    let extra = (128 - magnitude.leading_zeros()).saturating_sub(precision);
    let (kept, lost) = (magnitude >> extra, magnitude & ((1 << extra) - 1));
    let half = (1 << extra) >> 1;
    let up = extra > 0 && (lost > half || lost == half && kept & 1 == 1);
    ((kept + u128::from(up)) << extra) as i128 * i.signum()
}

#[test]
fn integers_convert_to_the_nearest_float() {
    for i in interesting_i64() {
        let exact = |x: f64| x as i128;
        assert_eq!(exact(f64_convert_i64_s(i)), rounded(i.into(), 53));
        assert_eq!(exact(f64_convert_i64_u(i)), rounded((i as u64).into(), 53));
        assert_eq!(exact(f32_convert_i64_s(i).into()), rounded(i.into(), 24));
        assert_eq!(exact(f32_convert_i64_u(i).into()), rounded((i as u64).into(), 24));
        let i = i as i32;
        assert_eq!(exact(f64_convert_i32_s(i)), i.into());
        assert_eq!(exact(f64_convert_i32_u(i)), (i as u32).into());
        assert_eq!(exact(f32_convert_i32_s(i).into()), rounded(i.into(), 24));
        assert_eq!(exact(f32_convert_i32_u(i).into()), rounded((i as u32).into(), 24));
    }
    // Through f64 this would round twice, to 2^63 + 2^39 and then to even.
    assert_eq!(f32_convert_i64_u(0x8000_0080_0000_0001_u64 as i64).to_bits(), 0x5f00_0001);
}

#[test]
fn demotion_rounds_and_promotion_is_exact() {
    assert_eq!(f32_demote_f64(1.0 + 2_f64.powi(-24)), 1.0);
    assert_eq!(f32_demote_f64(f64::MAX), f32::INFINITY);
    assert_eq!(f32_demote_f64(-2_f64.powi(-150)).to_bits(), 1 << 31);
    for x in interesting_f32().into_iter().filter(|x| !x.is_nan()) {
        assert_eq!(f32_demote_f64(f64_promote_f32(x)).to_bits(), x.to_bits());
    }
    assert_eq!(f64_promote_f32(f32::from_bits(1)), 2_f64.powi(-149));
}
