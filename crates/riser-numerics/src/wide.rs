//! The wide-arithmetic proposal: 128-bit sums and products as pairs of `i64`, low half first.

operators! { #[inline(always)] (a_lo: i64, a_hi: i64, b_lo: i64, b_hi: i64) -> (i64, i64) {
    "i64.add128" i64_add128 = halves(whole(a_lo, a_hi).wrapping_add(whole(b_lo, b_hi)));
    "i64.sub128" i64_sub128 = halves(whole(a_lo, a_hi).wrapping_sub(whole(b_lo, b_hi)));
}}

// A product of two 64-bit factors always fits 128 bits, so the multiplications cannot overflow.
operators! { #[inline(always)] (a: i64, b: i64) -> (i64, i64) {
    "i64.mul_wide_s" i64_mul_wide_s = halves((i128::from(a) * i128::from(b)) as u128);
    "i64.mul_wide_u" i64_mul_wide_u = halves(u128::from(a as u64) * u128::from(b as u64));
}}

#[inline(always)]
fn whole(lo: i64, hi: i64) -> u128 {
    u128::from(hi as u64) << 64 | u128::from(lo as u64)
}

#[inline(always)]
fn halves(x: u128) -> (i64, i64) {
    (x as i64, (x >> 64) as i64)
}
