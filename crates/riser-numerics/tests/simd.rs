//! Vector operators lane by lane: integers against `i128` arithmetic on the lanes' values, floats
//! against the scalar operators, lane operators against tables.

mod common;

use common::{Random, interesting_f32, interesting_f64, interesting_vectors};
use riser_numerics::*;

/// The lanes of a vector of integers as numbers, by a formulation of its own: bytes, shifts.
fn lanes(v: V128, width: u32, signed: bool) -> Vec<i128> {
    let lane = |i: u32| {
        let bits = (v.to_bits() >> (i * width)) & ((1 << width) - 1);
        let negative = signed && bits >> (width - 1) == 1;
        bits as i128 - if negative { 1 << width } else { 0 }
    };
    (0..128 / width).map(lane).collect()
}

/// The vector with these lanes, each taken modulo 2 to the `width`.
fn vector(lanes: &[i128], width: u32) -> V128 {
    assert_eq!(lanes.len() as u32 * width, 128);
    let bits =
        |(i, lane): (usize, &i128)| (*lane as u128 & ((1 << width) - 1)) << (i as u32 * width);
    V128::from_bits(lanes.iter().enumerate().map(bits).fold(0, |all, lane| all | lane))
}

type Unary = fn(V128) -> V128;
type Binary = fn(V128, V128) -> V128;
type Scalar1<T> = fn(T) -> T;
type Scalar2<T, R> = fn(T, T) -> R;

#[track_caller]
fn check1(name: &str, f: Unary, width: u32, signed: bool, expected: impl Fn(i128) -> i128) {
    for v in interesting_vectors() {
        let expected: Vec<i128> = lanes(v, width, signed).into_iter().map(&expected).collect();
        assert_eq!(f(v), vector(&expected, width), "{name} {v:?}");
    }
}

#[track_caller]
fn check2(name: &str, f: Binary, width: u32, signed: bool, expected: impl Fn(i128, i128) -> i128) {
    for a in interesting_vectors() {
        for b in interesting_vectors() {
            let pairs = lanes(a, width, signed).into_iter().zip(lanes(b, width, signed));
            let expected: Vec<i128> = pairs.map(|(a, b)| expected(a, b)).collect();
            assert_eq!(f(a, b), vector(&expected, width), "{name} {a:?} {b:?}");
        }
    }
}

macro_rules! checks {
    ($check:ident: $($f:ident $width:literal $signed:literal $expected:expr;)*) => {
        $($check(stringify!($f), $f, $width, $signed, $expected);)*
    };
}

fn min(width: u32) -> i128 {
    -(1 << (width - 1))
}

fn max(width: u32) -> i128 {
    (1 << (width - 1)) - 1
}

#[test]
fn lanes_are_computed_modulo_their_width() {
    checks! { check2:
        i8x16_add 8 true |a, b| a + b;    i8x16_sub 8 true |a, b| a - b;
        i16x8_add 16 true |a, b| a + b;   i16x8_sub 16 true |a, b| a - b;   i16x8_mul 16 true |a, b| a * b;
        i32x4_add 32 true |a, b| a + b;   i32x4_sub 32 true |a, b| a - b;   i32x4_mul 32 true |a, b| a * b;
        i64x2_add 64 true |a, b| a + b;   i64x2_sub 64 true |a, b| a - b;   i64x2_mul 64 true i128::wrapping_mul;
    }
    checks! { check1:
        i8x16_neg 8 true |a| -a;   i8x16_abs 8 true i128::abs;
        i16x8_neg 16 true |a| -a;  i16x8_abs 16 true i128::abs;
        i32x4_neg 32 true |a| -a;  i32x4_abs 32 true i128::abs;
        i64x2_neg 64 true |a| -a;  i64x2_abs 64 true i128::abs;
        i8x16_popcnt 8 false |a| a.count_ones().into();
    }
}

#[test]
fn saturation_minima_maxima_and_averages() {
    checks! { check2:
        i8x16_add_sat_s 8 true |a, b| (a + b).clamp(min(8), max(8));
        i8x16_sub_sat_s 8 true |a, b| (a - b).clamp(min(8), max(8));
        i8x16_add_sat_u 8 false |a, b| (a + b).min(255);
        i8x16_sub_sat_u 8 false |a, b| (a - b).max(0);
        i16x8_add_sat_s 16 true |a, b| (a + b).clamp(min(16), max(16));
        i16x8_sub_sat_s 16 true |a, b| (a - b).clamp(min(16), max(16));
        i16x8_add_sat_u 16 false |a, b| (a + b).min(65535);
        i16x8_sub_sat_u 16 false |a, b| (a - b).max(0);
        i8x16_min_s 8 true i128::min;   i8x16_max_s 8 true i128::max;
        i8x16_min_u 8 false i128::min;  i8x16_max_u 8 false i128::max;
        i16x8_min_s 16 true i128::min;  i16x8_max_s 16 true i128::max;
        i16x8_min_u 16 false i128::min; i16x8_max_u 16 false i128::max;
        i32x4_min_s 32 true i128::min;  i32x4_max_s 32 true i128::max;
        i32x4_min_u 32 false i128::min; i32x4_max_u 32 false i128::max;
        i8x16_avgr_u 8 false |a, b| (a + b + 1) / 2;
        i16x8_avgr_u 16 false |a, b| (a + b + 1) / 2;
        i16x8_q15mulr_sat_s 16 true |a, b| ((a * b + 0x4000) >> 15).clamp(min(16), max(16));
        i16x8_relaxed_q15mulr_s 16 true |a, b| ((a * b + 0x4000) >> 15).clamp(min(16), max(16));
    }
}

#[test]
fn integer_comparisons_give_masks() {
    let mask = |b: bool| -i128::from(b);
    checks! { check2:
        i8x16_eq 8 true |a, b| mask(a == b);    i8x16_ne 8 true |a, b| mask(a != b);
        i8x16_lt_s 8 true |a, b| mask(a < b);   i8x16_lt_u 8 false |a, b| mask(a < b);
        i8x16_gt_s 8 true |a, b| mask(a > b);   i8x16_gt_u 8 false |a, b| mask(a > b);
        i8x16_le_s 8 true |a, b| mask(a <= b);  i8x16_le_u 8 false |a, b| mask(a <= b);
        i8x16_ge_s 8 true |a, b| mask(a >= b);  i8x16_ge_u 8 false |a, b| mask(a >= b);
        i16x8_eq 16 true |a, b| mask(a == b);   i16x8_ne 16 true |a, b| mask(a != b);
        i16x8_lt_s 16 true |a, b| mask(a < b);  i16x8_lt_u 16 false |a, b| mask(a < b);
        i16x8_gt_s 16 true |a, b| mask(a > b);  i16x8_gt_u 16 false |a, b| mask(a > b);
        i16x8_le_s 16 true |a, b| mask(a <= b); i16x8_le_u 16 false |a, b| mask(a <= b);
        i16x8_ge_s 16 true |a, b| mask(a >= b); i16x8_ge_u 16 false |a, b| mask(a >= b);
        i32x4_eq 32 true |a, b| mask(a == b);   i32x4_ne 32 true |a, b| mask(a != b);
        i32x4_lt_s 32 true |a, b| mask(a < b);  i32x4_lt_u 32 false |a, b| mask(a < b);
        i32x4_gt_s 32 true |a, b| mask(a > b);  i32x4_gt_u 32 false |a, b| mask(a > b);
        i32x4_le_s 32 true |a, b| mask(a <= b); i32x4_le_u 32 false |a, b| mask(a <= b);
        i32x4_ge_s 32 true |a, b| mask(a >= b); i32x4_ge_u 32 false |a, b| mask(a >= b);
        i64x2_eq 64 true |a, b| mask(a == b);   i64x2_ne 64 true |a, b| mask(a != b);
        i64x2_lt_s 64 true |a, b| mask(a < b);  i64x2_gt_s 64 true |a, b| mask(a > b);
        i64x2_le_s 64 true |a, b| mask(a <= b); i64x2_ge_s 64 true |a, b| mask(a >= b);
    }
}

#[test]
fn shift_counts_are_taken_modulo_the_width() {
    type Shift = fn(V128, i32) -> V128;
    let table: [(u32, Shift, Shift, Shift); 4] = [
        (8, i8x16_shl, i8x16_shr_s, i8x16_shr_u),
        (16, i16x8_shl, i16x8_shr_s, i16x8_shr_u),
        (32, i32x4_shl, i32x4_shr_s, i32x4_shr_u),
        (64, i64x2_shl, i64x2_shr_s, i64x2_shr_u),
    ];
    for (width, shl, shr_s, shr_u) in table {
        for v in interesting_vectors() {
            for count in [0, 1, 3, 7, 8, 9, 15, 16, 31, 33, 63, 64, 65, -1, -8, i32::MIN, i32::MAX]
            {
                let n = count.rem_euclid(width as i32);
                let shifted = |signed, f: &dyn Fn(i128) -> i128| {
                    vector(&lanes(v, width, signed).into_iter().map(f).collect::<Vec<_>>(), width)
                };
                assert_eq!(shl(v, count), shifted(true, &|x| x << n), "{width} {count} {v:?}");
                assert_eq!(shr_s(v, count), shifted(true, &|x| x >> n), "{width} {count} {v:?}");
                assert_eq!(shr_u(v, count), shifted(false, &|x| x >> n), "{width} {count} {v:?}");
            }
        }
    }
}

#[test]
fn logic_and_selection_work_on_each_bit() {
    for a in interesting_vectors() {
        for b in interesting_vectors() {
            let (x, y, m) = (a.to_bits(), b.to_bits(), a.to_bits().rotate_left(37) ^ b.to_bits());
            assert_eq!(v128_and(a, b).to_bits(), x & y);
            assert_eq!(v128_andnot(a, b).to_bits(), x & !y);
            assert_eq!(v128_or(a, b).to_bits(), x | y);
            assert_eq!(v128_xor(a, b).to_bits(), x ^ y);
            assert_eq!(v128_not(a).to_bits(), !x);
            let mask = V128::from_bits(m);
            let selected = V128::from_bits(y ^ ((x ^ y) & m));
            let relaxed = [i8x16_relaxed_laneselect, i16x8_relaxed_laneselect];
            let relaxed_wide = [i32x4_relaxed_laneselect, i64x2_relaxed_laneselect, v128_bitselect];
            relaxed.iter().chain(&relaxed_wide).for_each(|f| assert_eq!(f(a, b, mask), selected));
        }
    }
}

#[test]
fn tests_and_bit_masks() {
    type Test = fn(V128) -> i32;
    let table: [(u32, Test, Test); 4] = [
        (8, i8x16_all_true, i8x16_bitmask),
        (16, i16x8_all_true, i16x8_bitmask),
        (32, i32x4_all_true, i32x4_bitmask),
        (64, i64x2_all_true, i64x2_bitmask),
    ];
    let single_bits = (0..128).flat_map(|i| [V128::from_bits(1 << i), V128::from_bits(!(1 << i))]);
    for v in interesting_vectors().into_iter().chain(single_bits) {
        assert_eq!(v128_any_true(v), i32::from(v.to_bits() != 0));
        for (width, all_true, bitmask) in table {
            let lanes = lanes(v, width, true);
            assert_eq!(all_true(v), i32::from(lanes.iter().all(|x| *x != 0)), "{width} {v:?}");
            let mask = lanes.iter().rev().fold(0, |bits, x| bits << 1 | i32::from(*x < 0));
            assert_eq!(bitmask(v), mask, "{width} {v:?}");
        }
    }
}

#[test]
fn widening_reads_one_half_and_keeps_values() {
    type Row = (u32, bool, [Unary; 2], [Binary; 2]);
    let table: [Row; 6] = [
        (
            8,
            true,
            [i16x8_extend_low_i8x16_s, i16x8_extend_high_i8x16_s],
            [i16x8_extmul_low_i8x16_s, i16x8_extmul_high_i8x16_s],
        ),
        (
            8,
            false,
            [i16x8_extend_low_i8x16_u, i16x8_extend_high_i8x16_u],
            [i16x8_extmul_low_i8x16_u, i16x8_extmul_high_i8x16_u],
        ),
        (
            16,
            true,
            [i32x4_extend_low_i16x8_s, i32x4_extend_high_i16x8_s],
            [i32x4_extmul_low_i16x8_s, i32x4_extmul_high_i16x8_s],
        ),
        (
            16,
            false,
            [i32x4_extend_low_i16x8_u, i32x4_extend_high_i16x8_u],
            [i32x4_extmul_low_i16x8_u, i32x4_extmul_high_i16x8_u],
        ),
        (
            32,
            true,
            [i64x2_extend_low_i32x4_s, i64x2_extend_high_i32x4_s],
            [i64x2_extmul_low_i32x4_s, i64x2_extmul_high_i32x4_s],
        ),
        (
            32,
            false,
            [i64x2_extend_low_i32x4_u, i64x2_extend_high_i32x4_u],
            [i64x2_extmul_low_i32x4_u, i64x2_extmul_high_i32x4_u],
        ),
    ];
    for (width, signed, extend, extmul) in table {
        for a in interesting_vectors() {
            let x = lanes(a, width, signed);
            let half = x.len() / 2;
            assert_eq!(extend[0](a), vector(&x[..half], 2 * width));
            assert_eq!(extend[1](a), vector(&x[half..], 2 * width));
            for b in interesting_vectors() {
                let y = lanes(b, width, signed);
                let products: Vec<i128> = x.iter().zip(y).map(|(x, y)| x * y).collect();
                assert_eq!(extmul[0](a, b), vector(&products[..half], 2 * width));
                assert_eq!(extmul[1](a, b), vector(&products[half..], 2 * width));
            }
        }
    }
}

#[test]
fn neighbours_are_added_and_multiplied_in_pairs() {
    let sums = |x: &[i128]| x.chunks(2).map(|pair| pair[0] + pair[1]).collect::<Vec<_>>();
    let products = |a, b, width| {
        let pairs = lanes(a, width, true).into_iter().zip(lanes(b, width, true));
        pairs.map(|(x, y)| x * y).collect::<Vec<_>>()
    };
    for a in interesting_vectors() {
        assert_eq!(i16x8_extadd_pairwise_i8x16_s(a), vector(&sums(&lanes(a, 8, true)), 16));
        assert_eq!(i16x8_extadd_pairwise_i8x16_u(a), vector(&sums(&lanes(a, 8, false)), 16));
        assert_eq!(i32x4_extadd_pairwise_i16x8_s(a), vector(&sums(&lanes(a, 16, true)), 32));
        assert_eq!(i32x4_extadd_pairwise_i16x8_u(a), vector(&sums(&lanes(a, 16, false)), 32));
        for b in interesting_vectors() {
            assert_eq!(i32x4_dot_i16x8_s(a, b), vector(&sums(&products(a, b, 16)), 32));
            let dot: Vec<i128> =
                sums(&products(a, b, 8)).into_iter().map(|x| x.min(32767)).collect();
            assert_eq!(i16x8_relaxed_dot_i8x16_i7x16_s(a, b), vector(&dot, 16));
            let c = V128::from_i32x4([1, -1, i32::MAX, i32::MIN]);
            let sum = sums(&dot).into_iter().zip(lanes(c, 32, true)).map(|(x, y)| x + y);
            let sum = vector(&sum.collect::<Vec<_>>(), 32);
            assert_eq!(i32x4_relaxed_dot_i8x16_i7x16_add_s(a, b, c), sum);
        }
    }
    let smallest = V128::from_i16x8([i16::MIN; 8]);
    assert_eq!(i32x4_dot_i16x8_s(smallest, smallest).to_i32x4(), [i32::MIN; 4]);
}

#[test]
fn narrowing_saturates_signed_operands() {
    let table: [(u32, i128, i128, Binary); 4] = [
        (16, min(8), max(8), i8x16_narrow_i16x8_s),
        (16, 0, 255, i8x16_narrow_i16x8_u),
        (32, min(16), max(16), i16x8_narrow_i32x4_s),
        (32, 0, 65535, i16x8_narrow_i32x4_u),
    ];
    for (width, min, max, narrow) in table {
        for a in interesting_vectors() {
            for b in interesting_vectors() {
                let both = [lanes(a, width, true), lanes(b, width, true)].concat();
                let expected: Vec<i128> = both.into_iter().map(|x| x.clamp(min, max)).collect();
                assert_eq!(narrow(a, b), vector(&expected, width / 2));
            }
        }
    }
}

/// Calls `f` with every two numbers, side by side in vectors.
fn in_lanes<T: Copy, const N: usize>(values: &[T], mut f: impl FnMut([T; N], [T; N])) {
    for (i, a) in values.iter().enumerate() {
        for chunk in values.chunks_exact(N) {
            let mut x = [*a; N];
            x[0] = values[(i + 1) % values.len()];
            f(x, chunk.try_into().expect("chunks of N"));
        }
    }
}

/// Equal bits, or NaNs: those of two calls need not be the same.
#[track_caller]
fn assert_lanes_f32(found: V128, expected: [f32; 4]) {
    for (found, expected) in found.to_f32x4().into_iter().zip(expected) {
        assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan());
    }
}

#[track_caller]
fn assert_lanes_f64(found: V128, expected: [f64; 2]) {
    for (found, expected) in found.to_f64x2().into_iter().zip(expected) {
        assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan());
    }
}

#[test]
fn f32x4_operators_are_the_scalar_ones_in_each_lane() {
    let unary: [(Unary, Scalar1<f32>); 7] = [
        (f32x4_abs, f32_abs),
        (f32x4_neg, f32_neg),
        (f32x4_sqrt, f32_sqrt),
        (f32x4_ceil, f32_ceil),
        (f32x4_floor, f32_floor),
        (f32x4_trunc, f32_trunc),
        (f32x4_nearest, f32_nearest),
    ];
    let binary: [(Binary, Scalar2<f32, f32>); 8] = [
        (f32x4_add, f32_add),
        (f32x4_sub, f32_sub),
        (f32x4_mul, f32_mul),
        (f32x4_div, f32_div),
        (f32x4_min, f32_min),
        (f32x4_max, f32_max),
        (f32x4_relaxed_min, f32_min),
        (f32x4_relaxed_max, f32_max),
    ];
    let relations: [(Binary, Scalar2<f32, i32>); 6] = [
        (f32x4_eq, f32_eq),
        (f32x4_ne, f32_ne),
        (f32x4_lt, f32_lt),
        (f32x4_gt, f32_gt),
        (f32x4_le, f32_le),
        (f32x4_ge, f32_ge),
    ];
    in_lanes(&interesting_f32(), |x, y| {
        let (a, b) = (V128::from_f32x4(x), V128::from_f32x4(y));
        for (f, scalar) in unary {
            assert_lanes_f32(f(b), y.map(scalar));
        }
        for (f, scalar) in binary {
            assert_lanes_f32(f(a, b), std::array::from_fn(|i| scalar(x[i], y[i])));
        }
        for (f, scalar) in relations {
            assert_eq!(f(a, b).to_i32x4(), std::array::from_fn(|i| -scalar(x[i], y[i])));
        }
    });
}

#[test]
fn f64x2_operators_are_the_scalar_ones_in_each_lane() {
    let unary: [(Unary, Scalar1<f64>); 7] = [
        (f64x2_abs, f64_abs),
        (f64x2_neg, f64_neg),
        (f64x2_sqrt, f64_sqrt),
        (f64x2_ceil, f64_ceil),
        (f64x2_floor, f64_floor),
        (f64x2_trunc, f64_trunc),
        (f64x2_nearest, f64_nearest),
    ];
    let binary: [(Binary, Scalar2<f64, f64>); 8] = [
        (f64x2_add, f64_add),
        (f64x2_sub, f64_sub),
        (f64x2_mul, f64_mul),
        (f64x2_div, f64_div),
        (f64x2_min, f64_min),
        (f64x2_max, f64_max),
        (f64x2_relaxed_min, f64_min),
        (f64x2_relaxed_max, f64_max),
    ];
    let relations: [(Binary, Scalar2<f64, i32>); 6] = [
        (f64x2_eq, f64_eq),
        (f64x2_ne, f64_ne),
        (f64x2_lt, f64_lt),
        (f64x2_gt, f64_gt),
        (f64x2_le, f64_le),
        (f64x2_ge, f64_ge),
    ];
    in_lanes(&interesting_f64(), |x, y| {
        let (a, b) = (V128::from_f64x2(x), V128::from_f64x2(y));
        for (f, scalar) in unary {
            assert_lanes_f64(f(b), y.map(scalar));
        }
        for (f, scalar) in binary {
            assert_lanes_f64(f(a, b), std::array::from_fn(|i| scalar(x[i], y[i])));
        }
        for (f, scalar) in relations {
            assert_eq!(f(a, b).to_i64x2(), std::array::from_fn(|i| -i64::from(scalar(x[i], y[i]))));
        }
    });
}

#[test]
fn pseudo_minimum_and_maximum_pick_an_operand_bit_for_bit() {
    let smaller = |a: f64, b: f64| if b < a { b } else { a };
    let larger = |a: f64, b: f64| if a < b { b } else { a };
    in_lanes(&interesting_f64(), |x: [f64; 2], y| {
        let (a, b) = (V128::from_f64x2(x), V128::from_f64x2(y));
        let expected = |f: fn(f64, f64) -> f64| V128::from_f64x2([f(x[0], y[0]), f(x[1], y[1])]);
        assert_eq!(f64x2_pmin(a, b), expected(smaller));
        assert_eq!(f64x2_pmax(a, b), expected(larger));
    });
    let signalling = f32::from_bits(0x7f80_0001);
    let (a, b) = ([signalling, 1.0, -0.0, 2.0], [1.0, signalling, 0.0, 1.0]);
    let (a, b) = (V128::from_f32x4(a), V128::from_f32x4(b));
    let bits = [0x7f80_0001, 0x3f80_0000, 0x8000_0000];
    assert_eq!(f32x4_pmin(a, b).to_u32x4(), [bits[0], bits[1], bits[2], 0x3f80_0000]);
    assert_eq!(f32x4_pmax(a, b).to_u32x4(), [bits[0], bits[1], bits[2], 0x4000_0000]);
}

#[test]
fn vector_conversions_are_the_scalar_ones() {
    in_lanes(&interesting_f32(), |_, x: [f32; 4]| {
        let v = V128::from_f32x4(x);
        for f in [i32x4_trunc_sat_f32x4_s, i32x4_relaxed_trunc_f32x4_s] {
            assert_eq!(f(v).to_i32x4(), x.map(i32_trunc_sat_f32_s));
        }
        for f in [i32x4_trunc_sat_f32x4_u, i32x4_relaxed_trunc_f32x4_u] {
            assert_eq!(f(v).to_i32x4(), x.map(i32_trunc_sat_f32_u));
        }
        assert_lanes_f64(f64x2_promote_low_f32x4(v), [x[0], x[1]].map(f64_promote_f32));
    });
    in_lanes(&interesting_f64(), |_, x: [f64; 2]| {
        let v = V128::from_f64x2(x);
        let [a, b] = x.map(i32_trunc_sat_f64_s);
        for f in [i32x4_trunc_sat_f64x2_s_zero, i32x4_relaxed_trunc_f64x2_s_zero] {
            assert_eq!(f(v).to_i32x4(), [a, b, 0, 0]);
        }
        let [a, b] = x.map(i32_trunc_sat_f64_u);
        for f in [i32x4_trunc_sat_f64x2_u_zero, i32x4_relaxed_trunc_f64x2_u_zero] {
            assert_eq!(f(v).to_i32x4(), [a, b, 0, 0]);
        }
        let [a, b] = x.map(f32_demote_f64);
        assert_lanes_f32(f32x4_demote_f64x2_zero(v), [a, b, 0.0, 0.0]);
    });
    for v in interesting_vectors() {
        let x = v.to_i32x4();
        assert_lanes_f32(f32x4_convert_i32x4_s(v), x.map(f32_convert_i32_s));
        assert_lanes_f32(f32x4_convert_i32x4_u(v), x.map(f32_convert_i32_u));
        assert_lanes_f64(f64x2_convert_low_i32x4_s(v), [x[0], x[1]].map(f64_convert_i32_s));
        assert_lanes_f64(f64x2_convert_low_i32x4_u(v), [x[0], x[1]].map(f64_convert_i32_u));
    }
}

#[test]
fn splat_extract_and_replace_agree() {
    let v = V128::from_bits(0xff0e_0d0c_0b0a_8908_8706_0504_0302_0180);
    assert_eq!([i8x16_extract_lane_s(v, 0), i8x16_extract_lane_u(v, 0)], [-128, 128]);
    assert_eq!([i8x16_extract_lane_s(v, 15), i8x16_extract_lane_u(v, 15)], [-1, 255]);
    assert_eq!(
        [i16x8_extract_lane_s(v, 3), i16x8_extract_lane_u(v, 3)],
        [0x8706 - 0x10000, 0x8706]
    );
    assert_eq!(
        [i32x4_extract_lane(v, 0), i32x4_extract_lane(v, 3)],
        [0x0302_0180, 0xff0e_0d0c_u32 as i32]
    );
    assert_eq!(i64x2_extract_lane(v, 0) as u64, 0x8706_0504_0302_0180);
    assert_eq!(f32x4_extract_lane(v, 1).to_bits(), 0x8706_0504);
    assert_eq!(f64x2_extract_lane(v, 1).to_bits(), 0xff0e_0d0c_0b0a_8908);

    for lane in 0..16 {
        let replaced = i8x16_replace_lane(i8x16_splat(0x1ff), 0x102, lane);
        assert_eq!(i8x16_extract_lane_u(replaced, lane), 2);
        assert_eq!(replaced.to_bits(), !(0xfd << (8 * lane)));
    }
    let nan = f32::from_bits(0x7f80_0001);
    assert_eq!(f32x4_splat(nan).to_u32x4(), [0x7f80_0001; 4]);
    assert_eq!(f32x4_replace_lane(V128::ZERO, nan, 2).to_u32x4(), [0, 0, 0x7f80_0001, 0]);
    assert_eq!(f64x2_replace_lane(f64x2_splat(1.0), -0.0, 1).to_u64x2(), [0x3ff0 << 48, 1 << 63]);
    assert_eq!(
        i16x8_replace_lane(i16x8_splat(-1), 0x1_0002, 7).to_u16x8(),
        [!0, !0, !0, !0, !0, !0, !0, 2]
    );
    assert_eq!(i32x4_replace_lane(i32x4_splat(7), 5, 1).to_i32x4(), [7, 5, 7, 7]);
    assert_eq!(i64x2_replace_lane(i64x2_splat(7), -5, 0).to_i64x2(), [-5, 7]);
}

#[test]
fn impossible_lane_numbers_do_not_panic() {
    let v = interesting_vectors()[8];
    for lane in 0..=255 {
        assert_eq!(i8x16_extract_lane_u(v, lane), i8x16_extract_lane_u(v, lane % 16));
        assert_eq!(
            f64x2_extract_lane(v, lane).to_bits(),
            f64x2_extract_lane(v, lane % 2).to_bits()
        );
        assert_eq!(i32x4_replace_lane(v, 1, lane), i32x4_replace_lane(v, 1, lane % 4));
        assert_eq!(
            i8x16_shuffle(v, v128_not(v), [lane; 16]),
            i8x16_shuffle(v, v128_not(v), [lane % 32; 16])
        );
    }
}

#[test]
fn shuffle_and_swizzle_pick_bytes() {
    let a = V128::from_le_bytes(std::array::from_fn(|i| 100 + i as u8));
    let b = V128::from_le_bytes(std::array::from_fn(|i| 200 + i as u8));
    let lanes = [0, 16, 1, 17, 15, 31, 14, 30, 7, 7, 7, 23, 23, 0, 31, 16];
    let expected = [100, 200, 101, 201, 115, 215, 114, 214, 107, 107, 107, 207, 207, 100, 215, 200];
    assert_eq!(i8x16_shuffle(a, b, lanes).to_le_bytes(), expected);

    let indices =
        V128::from_le_bytes([0, 15, 16, 17, 127, 128, 255, 3, 3, 14, 31, 32, 143, 240, 8, 7]);
    let expected = [100, 115, 0, 0, 0, 0, 0, 103, 103, 114, 0, 0, 0, 0, 108, 107];
    assert_eq!(i8x16_swizzle(a, indices).to_le_bytes(), expected);
    assert_eq!(i8x16_relaxed_swizzle(a, indices).to_le_bytes(), expected);
}

#[test]
fn every_view_of_a_vector_is_little_endian() {
    let v = V128::from_bits(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);
    assert_eq!(v.to_le_bytes(), std::array::from_fn(|i| i as u8));
    assert_eq!(v.to_u16x8()[..2], [0x0100, 0x0302]);
    assert_eq!(v.to_u32x4()[0], 0x0302_0100);
    assert_eq!(v.to_u64x2()[1], 0x0f0e_0d0c_0b0a_0908);
    let mut random = Random(7);
    for v in (0..100).map(|_| random.vector()) {
        let views = [
            V128::from_le_bytes(v.to_le_bytes()),
            V128::from_bits(v.to_bits()),
            V128::from_i8x16(v.to_i8x16()),
            V128::from_u8x16(v.to_u8x16()),
            V128::from_i16x8(v.to_i16x8()),
            V128::from_u16x8(v.to_u16x8()),
            V128::from_i32x4(v.to_i32x4()),
            V128::from_u32x4(v.to_u32x4()),
            V128::from_i64x2(v.to_i64x2()),
            V128::from_u64x2(v.to_u64x2()),
            V128::from_f32x4(v.to_f32x4()),
            V128::from_f64x2(v.to_f64x2()),
        ];
        assert_eq!(views, [v; 12]);
    }
    assert_eq!(format!("{:?}", V128::from_bits(0xff)), "V128(0x000000000000000000000000000000ff)");
}
