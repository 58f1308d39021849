//! Float operators: rounding, signs, NaNs, and agreement with independent implementations.

mod common;

use common::{Random, interesting_f32, interesting_f64};
use riser_numerics::*;
use std::hint::black_box;

/// The same bits, or two quiet NaNs.
#[track_caller]
fn assert_same_f32(found: f32, expected: f32) {
    let quiet = |x: f32| x.is_nan() && x.to_bits() & 0x0040_0000 != 0;
    let same = found.to_bits() == expected.to_bits() || quiet(found) && expected.is_nan();
    assert!(
        same,
        "found {found:?} {:#x}, expected {expected:?} {:#x}",
        found.to_bits(),
        expected.to_bits()
    );
}

/// The same bits, or two quiet NaNs.
#[track_caller]
fn assert_same_f64(found: f64, expected: f64) {
    let quiet = |x: f64| x.is_nan() && x.to_bits() & 0x0008_0000_0000_0000 != 0;
    let same = found.to_bits() == expected.to_bits() || quiet(found) && expected.is_nan();
    assert!(
        same,
        "found {found:?} {:#x}, expected {expected:?} {:#x}",
        found.to_bits(),
        expected.to_bits()
    );
}

#[test]
fn rounding_agrees_with_std() {
    for x in interesting_f32().into_iter().chain((0..=u32::MAX).step_by(99_991).map(f32::from_bits))
    {
        assert_same_f32(f32_ceil(x), x.ceil());
        assert_same_f32(f32_floor(x), x.floor());
        assert_same_f32(f32_trunc(x), x.trunc());
        assert_same_f32(f32_nearest(x), x.round_ties_even());
    }
    let mut random = Random(5);
    // Random exponents from 2^-12 up to 2^55, where rounding does something.
    let middling = (0..50_000).map(|_| {
        let bits = random.next();
        f64::from_bits(bits & !(0x7ff << 52) | (1011 + (bits >> 52) % 68) << 52)
    });
    for x in interesting_f64().into_iter().chain(middling) {
        assert_same_f64(f64_ceil(x), x.ceil());
        assert_same_f64(f64_floor(x), x.floor());
        assert_same_f64(f64_trunc(x), x.trunc());
        assert_same_f64(f64_nearest(x), x.round_ties_even());
    }
}

#[test]
fn rounding_keeps_the_sign_of_zero_and_breaks_ties_to_even() {
    let table = [
        // x, ceil, floor, trunc, nearest
        [-0.0, -0.0, -0.0, -0.0, -0.0],
        [-0.25, -0.0, -1.0, -0.0, -0.0],
        [-0.5, -0.0, -1.0, -0.0, -0.0],
        [-0.75, -0.0, -1.0, -0.0, -1.0],
        [0.5, 1.0, 0.0, 0.0, 0.0],
        [1.5, 2.0, 1.0, 1.0, 2.0],
        [2.5, 3.0, 2.0, 2.0, 2.0],
        [-2.5, -2.0, -3.0, -2.0, -2.0],
        [4_194_303.5, 4_194_304.0, 4_194_303.0, 4_194_303.0, 4_194_304.0],
        [8_388_609.0, 8_388_609.0, 8_388_609.0, 8_388_609.0, 8_388_609.0],
    ];
    for [x, ceil, floor, trunc, nearest] in table {
        let found = [f64_ceil(x), f64_floor(x), f64_trunc(x), f64_nearest(x)];
        assert_eq!(found.map(f64::to_bits), [ceil, floor, trunc, nearest].map(f64::to_bits), "{x}");
        let x = x as f32;
        let found = [f32_ceil(x), f32_floor(x), f32_trunc(x), f32_nearest(x)];
        let expected = [ceil, floor, trunc, nearest].map(|x| (x as f32).to_bits());
        assert_eq!(found.map(f32::to_bits), expected, "{x}");
    }
}

#[test]
fn square_root_and_multiply_add_agree_with_libm() {
    for x in interesting_f32() {
        assert_same_f32(f32_sqrt(x), libm::sqrtf(x));
    }
    for x in interesting_f64() {
        assert_same_f64(f64_sqrt(x), libm::sqrt(x));
    }
    let mut random = Random(6);
    for _ in 0..20_000 {
        let [x, y, z] = [(); 3].map(|()| random.vector());
        let (found, negated) = (f32x4_relaxed_madd(x, y, z), f32x4_relaxed_nmadd(x, y, z));
        for i in 0..4 {
            let [x, y, z] = [x, y, z].map(|v| v.to_f32x4()[i]);
            assert_same_f32(found.to_f32x4()[i], libm::fmaf(x, y, z));
            assert_same_f32(negated.to_f32x4()[i], libm::fmaf(-x, y, z));
        }
        let (found, negated) = (f64x2_relaxed_madd(x, y, z), f64x2_relaxed_nmadd(x, y, z));
        for i in 0..2 {
            let [x, y, z] = [x, y, z].map(|v| v.to_f64x2()[i]);
            assert_same_f64(found.to_f64x2()[i], libm::fma(x, y, z));
            assert_same_f64(negated.to_f64x2()[i], libm::fma(-x, y, z));
        }
    }
}

#[test]
fn multiply_add_rounds_once() {
    // 2^-37 is what a separate multiplication would round away.
    let [x, y, z] =
        [1.0 + 2_f32.powi(-22), 1.0 + 2_f32.powi(-15), -(1.0 + 2_f32.powi(-15) + 2_f32.powi(-22))]
            .map(|x| V128::from_f32x4([x; 4]));
    assert_eq!(f32x4_relaxed_madd(x, y, z).to_f32x4(), [2_f32.powi(-37); 4]);
    assert_eq!(f32x4_relaxed_nmadd(f32x4_neg(x), y, z).to_f32x4(), [2_f32.powi(-37); 4]);
    let [x, y, z] = [f64::MAX, 2.0, -f64::MAX].map(|x| V128::from_f64x2([x; 2]));
    assert_eq!(f64x2_relaxed_madd(x, y, z).to_f64x2(), [f64::MAX; 2]);
}

/// Minimum by the specification's rules, in their order: NaN, zeros, then comparison.
fn specified_min(a: f64, b: f64) -> f64 {
    match a.partial_cmp(&b) {
        None => f64::NAN,
        _ if a == 0.0 && b == 0.0 => {
            if a.is_sign_negative() {
                a
            } else {
                b
            }
        }
        Some(std::cmp::Ordering::Less) => a,
        Some(_) => b,
    }
}

#[test]
fn min_and_max_propagate_nans_and_order_zeros() {
    for a in interesting_f64() {
        for b in interesting_f64() {
            assert_same_f64(f64_min(a, b), specified_min(a, b));
            assert_same_f64(f64_max(a, b), -specified_min(-a, -b));
        }
    }
    for a in interesting_f32() {
        for b in interesting_f32() {
            assert_same_f32(f32_min(a, b), specified_min(a.into(), b.into()) as f32);
            assert_same_f32(f32_max(a, b), -specified_min(-f64::from(a), -f64::from(b)) as f32);
        }
    }
    assert_eq!([f32_min(0.0, -0.0), f32_min(-0.0, 0.0)].map(f32::to_bits), [1 << 31; 2]);
    assert_eq!([f32_max(0.0, -0.0), f32_max(-0.0, 0.0)].map(f32::to_bits), [0; 2]);
}

#[test]
fn sign_operators_keep_every_other_bit_also_of_signalling_nans() {
    for x in interesting_f32() {
        let bits = x.to_bits();
        assert_eq!(f32_neg(x).to_bits(), bits ^ 0x8000_0000);
        assert_eq!(f32_abs(x).to_bits(), bits & 0x7fff_ffff);
        for y in [1.0, -1.0, f32::from_bits(0xffa0_0000)] {
            let expected = bits & 0x7fff_ffff | y.to_bits() & 0x8000_0000;
            assert_eq!(f32_copysign(x, y).to_bits(), expected);
        }
        assert_eq!(f32_reinterpret_i32(i32_reinterpret_f32(x)).to_bits(), bits);
    }
    for x in interesting_f64() {
        let (bits, sign) = (x.to_bits(), 1 << 63);
        assert_eq!(f64_neg(x).to_bits(), bits ^ sign);
        assert_eq!(f64_abs(x).to_bits(), bits & !sign);
        for y in [1.0, -1.0, f64::from_bits(0xfff4_0000_0000_0000)] {
            assert_eq!(f64_copysign(x, y).to_bits(), bits & !sign | y.to_bits() & sign);
        }
        assert_eq!(f64_reinterpret_i64(i64_reinterpret_f64(x)).to_bits(), bits);
    }
}

// The operands are hidden from the compiler, which may turn `x * 1.0` into `x`.
#[test]
fn operators_that_compute_make_nans_quiet() {
    let signalling = [0x7f80_0001, 0x7fa0_0000, 0xff80_0001, 0xffbf_ffff].map(f32::from_bits);
    let unary = [f32_sqrt, f32_ceil, f32_floor, f32_trunc, f32_nearest];
    let binary = [f32_add, f32_sub, f32_mul, f32_div, f32_min, f32_max];
    for x in signalling.map(black_box) {
        unary.iter().for_each(|f| assert_same_f32(f(x), f32::NAN));
        binary.iter().for_each(|f| assert_same_f32(f(x, black_box(1.0)), f32::NAN));
        binary.iter().for_each(|f| assert_same_f32(f(black_box(1.0), x), f32::NAN));
        assert_same_f64(f64_promote_f32(x), f64::NAN);
    }
    let signalling = [0x7ff0_0000_0000_0001, 0xfff4_0000_0000_0000].map(f64::from_bits);
    let unary = [f64_sqrt, f64_ceil, f64_floor, f64_trunc, f64_nearest];
    let binary = [f64_add, f64_sub, f64_mul, f64_div, f64_min, f64_max];
    for x in signalling.map(black_box) {
        unary.iter().for_each(|f| assert_same_f64(f(x), f64::NAN));
        binary.iter().for_each(|f| assert_same_f64(f(x, black_box(1.0)), f64::NAN));
        binary.iter().for_each(|f| assert_same_f64(f(black_box(1.0), x), f64::NAN));
        assert_same_f32(f32_demote_f64(x), f32::NAN);
    }
}

#[test]
fn a_canonical_nan_stays_canonical_or_changes_only_its_sign() {
    let nan = black_box(f64::from_bits(0x7ff8_0000_0000_0000));
    let results =
        [f64_add(nan, 1.0), f64_min(nan, 1.0), f64_max(1.0, nan), f64_nearest(nan), f64_floor(nan)];
    for x in results {
        assert_eq!(x.to_bits() & !(1 << 63), 0x7ff8_0000_0000_0000);
    }
    assert_eq!(f32_demote_f64(nan).to_bits() & !(1 << 31), 0x7fc0_0000);
}

#[test]
fn canonicalisation_changes_nans_alone() {
    for x in interesting_f32() {
        let expected = if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
        assert_eq!(canonicalize_f32(x).to_bits(), expected);
        let v = canonicalize_f32x4(V128::from_f32x4([1.0, x, -0.0, x])).to_f32x4();
        assert_eq!(v.map(f32::to_bits), [0x3f80_0000, expected, 0x8000_0000, expected]);
    }
    for x in interesting_f64() {
        let expected = if x.is_nan() { 0x7ff8_0000_0000_0000 } else { x.to_bits() };
        assert_eq!(canonicalize_f64(x).to_bits(), expected);
        let v = canonicalize_f64x2(V128::from_f64x2([x, -0.0])).to_f64x2();
        assert_eq!(v.map(f64::to_bits), [expected, 1 << 63]);
    }
}

#[test]
fn comparisons_with_nan_are_false_except_inequality() {
    let table = [
        (1.0, 2.0, [0, 1, 1, 0, 1, 0]),
        (2.0, 1.0, [0, 1, 0, 1, 0, 1]),
        (0.0, -0.0, [1, 0, 0, 0, 1, 1]),
    ];
    let nans = [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN)]
        .map(|(a, b)| (a, b, [0, 1, 0, 0, 0, 0]));
    for (a, b, expected) in table.into_iter().chain(nans) {
        let found =
            [f64_eq(a, b), f64_ne(a, b), f64_lt(a, b), f64_gt(a, b), f64_le(a, b), f64_ge(a, b)];
        assert_eq!(found, expected, "{a} {b}");
        let (a, b) = (a as f32, b as f32);
        let found =
            [f32_eq(a, b), f32_ne(a, b), f32_lt(a, b), f32_gt(a, b), f32_le(a, b), f32_ge(a, b)];
        assert_eq!(found, expected, "{a} {b}");
    }
}

#[test]
fn arithmetic_is_ieee_with_one_rounding() {
    assert_eq!(
        [f32_add(1.0, 2_f32.powi(-24)), f32_add(1.0, 3.0 * 2_f32.powi(-24))],
        [1.0, 1.0 + 2_f32.powi(-22)]
    );
    assert_eq!([f64_div(1.0, 0.0), f64_div(-1.0, 0.0)], [f64::INFINITY, f64::NEG_INFINITY]);
    assert!(f64_div(0.0, 0.0).is_nan() && f64_sub(f64::INFINITY, f64::INFINITY).is_nan());
    assert_eq!(f32_mul(2_f32.powi(-149), 0.5).to_bits(), 0);
    assert_eq!(f32_sub(0.5, 0.25), 0.25);
    assert_eq!([f64_add(0.1, 0.2), f64_mul(0.1, 3.0)], [0.30000000000000004; 2]);
    assert_eq!(f64_sqrt(-0.0).to_bits(), 1 << 63);
    assert!(f64_sqrt(-1.0).is_nan());
}
