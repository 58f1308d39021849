//! Integer operators against `i128` arithmetic, and their traps.

mod common;

use common::{interesting_i32, interesting_i64};
use riser_numerics::*;
use riser_ops::TrapCode::{IntegerDivideByZero, IntegerOverflow};

#[test]
fn i32_arithmetic_is_that_of_integers_modulo_2_to_the_32() {
    for a in interesting_i32() {
        for b in interesting_i32() {
            let (x, y) = (i128::from(a), i128::from(b));
            assert_eq!(i32_add(a, b), (x + y) as i32);
            assert_eq!(i32_sub(a, b), (x - y) as i32);
            assert_eq!(i32_mul(a, b), (x * y) as i32);
            let count = y.rem_euclid(32);
            assert_eq!(i32_shl(a, b), (x << count) as i32);
            assert_eq!(i32_shr_s(a, b), (x >> count) as i32);
            assert_eq!(i32_shr_u(a, b), (i128::from(a as u32) >> count) as i32);
            let twice = (a as u32 as u64) << 32 | a as u32 as u64;
            assert_eq!(i32_rotr(a, b), (twice >> count) as i32);
            assert_eq!(i32_rotl(a, b), (twice >> (32 - count)) as i32);
        }
    }
}

#[test]
fn i64_arithmetic_is_that_of_integers_modulo_2_to_the_64() {
    for a in interesting_i64() {
        for b in interesting_i64() {
            let (x, y) = (i128::from(a), i128::from(b));
            assert_eq!(i64_add(a, b), (x + y) as i64);
            assert_eq!(i64_sub(a, b), (x - y) as i64);
            assert_eq!(i64_mul(a, b), x.wrapping_mul(y) as i64);
            let count = y.rem_euclid(64);
            assert_eq!(i64_shl(a, b), (x << count) as i64);
            assert_eq!(i64_shr_s(a, b), (x >> count) as i64);
            assert_eq!(i64_shr_u(a, b), (i128::from(a as u64) >> count) as i64);
            let twice = (a as u64 as u128) << 64 | a as u64 as u128;
            assert_eq!(i64_rotr(a, b), (twice >> count) as i64);
            assert_eq!(i64_rotl(a, b), (twice >> (64 - count)) as i64);
        }
    }
}

#[test]
fn comparisons_are_those_of_the_mathematical_values() {
    for a in interesting_i64() {
        for b in interesting_i64() {
            let (s, t) = (i128::from(a), i128::from(b));
            let (u, v) = (i128::from(a as u64), i128::from(b as u64));
            let found =
                [i64_eq(a, b), i64_ne(a, b), i64_lt_s(a, b), i64_lt_u(a, b), i64_gt_s(a, b)];
            assert_eq!(found, [s == t, s != t, s < t, u < v, s > t].map(i32::from));
            let found =
                [i64_gt_u(a, b), i64_le_s(a, b), i64_le_u(a, b), i64_ge_s(a, b), i64_ge_u(a, b)];
            assert_eq!(found, [u > v, s <= t, u <= v, s >= t, u >= v].map(i32::from));

            let (a, b) = (a as i32, b as i32);
            let (s, t) = (i128::from(a), i128::from(b));
            let (u, v) = (i128::from(a as u32), i128::from(b as u32));
            let found =
                [i32_eq(a, b), i32_ne(a, b), i32_lt_s(a, b), i32_lt_u(a, b), i32_gt_s(a, b)];
            assert_eq!(found, [s == t, s != t, s < t, u < v, s > t].map(i32::from));
            let found =
                [i32_gt_u(a, b), i32_le_s(a, b), i32_le_u(a, b), i32_ge_s(a, b), i32_ge_u(a, b)];
            assert_eq!(found, [u > v, s <= t, u <= v, s >= t, u >= v].map(i32::from));
        }
    }
}

#[test]
fn division_truncates_and_the_remainder_has_the_dividends_sign() {
    for a in interesting_i64() {
        for b in interesting_i64().into_iter().filter(|b| *b != 0) {
            let (x, y) = (i128::from(a), i128::from(b));
            let quotient = i64::try_from(x / y).map_err(|_| IntegerOverflow);
            assert_eq!(i64_div_s(a, b), quotient);
            assert_eq!(i64_rem_s(a, b), Ok((x % y) as i64));
            let (x, y) = (i128::from(a as u64), i128::from(b as u64));
            assert_eq!(i64_div_u(a, b), Ok((x / y) as i64));
            assert_eq!(i64_rem_u(a, b), Ok((x % y) as i64));
        }
    }
    for a in interesting_i32() {
        for b in interesting_i32().into_iter().filter(|b| *b != 0) {
            let (x, y) = (i128::from(a), i128::from(b));
            let quotient = i32::try_from(x / y).map_err(|_| IntegerOverflow);
            assert_eq!(i32_div_s(a, b), quotient);
            assert_eq!(i32_rem_s(a, b), Ok((x % y) as i32));
            let (x, y) = (i128::from(a as u32), i128::from(b as u32));
            assert_eq!(i32_div_u(a, b), Ok((x / y) as i32));
            assert_eq!(i32_rem_u(a, b), Ok((x % y) as i32));
        }
    }
}

#[test]
fn dividing_by_zero_traps_also_for_the_smallest_integer() {
    for a in [0, 1, -1, i32::MIN, i32::MAX] {
        let results = [i32_div_s(a, 0), i32_div_u(a, 0), i32_rem_s(a, 0), i32_rem_u(a, 0)];
        assert_eq!(results, [Err(IntegerDivideByZero); 4]);
    }
    for a in [0, 1, -1, i64::MIN, i64::MAX] {
        let results = [i64_div_s(a, 0), i64_div_u(a, 0), i64_rem_s(a, 0), i64_rem_u(a, 0)];
        assert_eq!(results, [Err(IntegerDivideByZero); 4]);
    }
}

#[test]
fn the_only_overflowing_quotient_traps_and_its_remainder_is_zero() {
    assert_eq!(i32_div_s(i32::MIN, -1), Err(IntegerOverflow));
    assert_eq!(i32_rem_s(i32::MIN, -1), Ok(0));
    assert_eq!(i64_div_s(i64::MIN, -1), Err(IntegerOverflow));
    assert_eq!(i64_rem_s(i64::MIN, -1), Ok(0));
}

#[test]
fn counting_bits() {
    let zeros_32 = [i32_clz(0), i32_ctz(0), i32_popcnt(0), i32_eqz(0)];
    assert_eq!(zeros_32, [32, 32, 0, 1]);
    assert_eq!((i64_clz(0), i64_ctz(0), i64_popcnt(0), i64_eqz(0)), (64, 64, 0, 1));
    for i in 0..32 {
        let bit = 1_i32 << i;
        assert_eq!([i32_clz(bit), i32_ctz(bit), i32_popcnt(bit), i32_eqz(bit)], [31 - i, i, 1, 0]);
        assert_eq!([i32_clz(i32_sub(0, bit)), i32_popcnt(i32_sub(0, bit))], [0, 32 - i]);
    }
    for i in 0..64 {
        let bit = 1_i64 << i;
        assert_eq!([i64_clz(bit), i64_ctz(bit), i64_popcnt(bit)], [63 - i, i, 1]);
        let negative = i64_sub(0, bit);
        assert_eq!((i64_clz(negative), i64_popcnt(negative), i64_eqz(bit)), (0, 64 - i, 0));
    }
}

#[test]
fn extension_repeats_the_sign_bit() {
    assert_eq!([i32_extend8_s(0x17f), i32_extend8_s(0x180)], [127, -128]);
    assert_eq!([i32_extend16_s(0x1_7fff), i32_extend16_s(0x1_8000)], [32767, -32768]);
    assert_eq!([i64_extend8_s(0x17f), i64_extend8_s(0x180)], [127, -128]);
    assert_eq!([i64_extend16_s(0x1_7fff), i64_extend16_s(0x1_8000)], [32767, -32768]);
    assert_eq!(
        [i64_extend32_s(0x1_7fff_ffff), i64_extend32_s(0x1_8000_0000)],
        [0x7fff_ffff, -0x8000_0000]
    );
    assert_eq!([i64_extend_i32_s(-1), i64_extend_i32_u(-1)], [-1, 0xffff_ffff]);
    assert_eq!(i32_wrap_i64(0x1_8000_0001), i32::MIN + 1);
}

#[test]
fn logic_works_on_each_bit() {
    assert_eq!([i32_and(12, 10), i32_or(12, 10), i32_xor(12, 10)], [8, 14, 6]);
    assert_eq!([i64_and(12, 10), i64_or(12, 10), i64_xor(12, 10)], [8, 14, 6]);
}

#[test]
fn wide_sums_carry_between_the_halves() {
    for (a_lo, a_hi) in wide_operands() {
        for (b_lo, b_hi) in wide_operands() {
            // Independent of 128-bit integers: add the halves and look for the carry.
            let lo = a_lo.wrapping_add(b_lo);
            let carry = i64::from((lo as u64) < a_lo as u64);
            let sum = (lo, a_hi.wrapping_add(b_hi).wrapping_add(carry));
            assert_eq!(i64_add128(a_lo, a_hi, b_lo, b_hi), sum);
            assert_eq!(i64_sub128(sum.0, sum.1, b_lo, b_hi), (a_lo, a_hi));
        }
    }
    assert_eq!(i64_sub128(0, 0, 1, 0), (-1, -1));
    assert_eq!(i64_add128(-1, 0, 1, 0), (0, 1));
}

#[test]
fn wide_products_agree_with_schoolbook_multiplication() {
    for a in interesting_i64() {
        for b in interesting_i64() {
            let (lo, hi) = schoolbook(a as u64, b as u64);
            assert_eq!(i64_mul_wide_u(a, b), (lo as i64, hi as i64));
            // Reading a factor as negative subtracts the other from the high half.
            let hi = hi.wrapping_sub(if a < 0 { b as u64 } else { 0 });
            let hi = hi.wrapping_sub(if b < 0 { a as u64 } else { 0 });
            assert_eq!(i64_mul_wide_s(a, b), (lo as i64, hi as i64));
        }
    }
    assert_eq!(i64_mul_wide_s(-1, -1), (1, 0));
    assert_eq!(i64_mul_wide_u(-1, -1), (1, -2));
}

fn wide_operands() -> Vec<(i64, i64)> {
    let few = [0, 1, -1, i64::MIN, i64::MAX, 0x1234_5678_9abc_def0];
    few.into_iter().flat_map(|lo| few.map(|hi| (lo, hi))).collect()
}

/// The product's low and high half, by 32-bit digits.
fn schoolbook(a: u64, b: u64) -> (u64, u64) {
    let digits = |x: u64| [x & 0xffff_ffff, x >> 32];
    let ([a0, a1], [b0, b1]) = (digits(a), digits(b));
    let middle = a1 * b0 + ((a0 * b0) >> 32);
    let other = a0 * b1 + (middle & 0xffff_ffff);
    (a.wrapping_mul(b), a1 * b1 + (middle >> 32) + (other >> 32))
}
