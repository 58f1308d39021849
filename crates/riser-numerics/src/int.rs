//! Scalar integer operators. Values are signed in Rust; an operator with `_u` reinterprets them.
//!
//! Wide results (`i64.add128` …) are in `wide.rs`, wrapping and extension in `convert.rs`.

use riser_ops::TrapCode;

operators! { #[inline(always)] (a: i32) -> i32 {
    "i32.eqz"        i32_eqz        = i32::from(a == 0);
    "i32.clz"        i32_clz        = a.leading_zeros() as i32;
    "i32.ctz"        i32_ctz        = a.trailing_zeros() as i32;
    "i32.popcnt"     i32_popcnt     = a.count_ones() as i32;
    "i32.extend8_s"  i32_extend8_s  = i32::from(a as i8);
    "i32.extend16_s" i32_extend16_s = i32::from(a as i16);
}}

operators! { #[inline(always)] (a: i32, b: i32) -> i32 {
    "i32.eq"    i32_eq    = i32::from(a == b);
    "i32.ne"    i32_ne    = i32::from(a != b);
    "i32.lt_s"  i32_lt_s  = i32::from(a < b);
    "i32.lt_u"  i32_lt_u  = i32::from((a as u32) < b as u32);
    "i32.gt_s"  i32_gt_s  = i32::from(a > b);
    "i32.gt_u"  i32_gt_u  = i32::from(a as u32 > b as u32);
    "i32.le_s"  i32_le_s  = i32::from(a <= b);
    "i32.le_u"  i32_le_u  = i32::from(a as u32 <= b as u32);
    "i32.ge_s"  i32_ge_s  = i32::from(a >= b);
    "i32.ge_u"  i32_ge_u  = i32::from(a as u32 >= b as u32);
    "i32.add"   i32_add   = a.wrapping_add(b);
    "i32.sub"   i32_sub   = a.wrapping_sub(b);
    "i32.mul"   i32_mul   = a.wrapping_mul(b);
    "i32.and"   i32_and   = a & b;
    "i32.or"    i32_or    = a | b;
    "i32.xor"   i32_xor   = a ^ b;
    "i32.shl"   i32_shl   = a.wrapping_shl(b as u32);
    "i32.shr_s" i32_shr_s = a.wrapping_shr(b as u32);
    "i32.shr_u" i32_shr_u = (a as u32).wrapping_shr(b as u32) as i32;
    "i32.rotl"  i32_rotl  = a.rotate_left(b as u32 & 31);
    "i32.rotr"  i32_rotr  = a.rotate_right(b as u32 & 31);
}}

operators! { #[inline(always)] (a: i32, b: i32) -> Result<i32, TrapCode> {
    "i32.div_s" i32_div_s = a.checked_div(b).ok_or_else(|| division_trap(b == 0));
    "i32.div_u" i32_div_u = (a as u32).checked_div(b as u32).map(|q| q as i32).ok_or(DIVIDE_BY_ZERO);
    "i32.rem_s" i32_rem_s = if b == 0 { Err(DIVIDE_BY_ZERO) } else { Ok(a.wrapping_rem(b)) };
    "i32.rem_u" i32_rem_u = (a as u32).checked_rem(b as u32).map(|r| r as i32).ok_or(DIVIDE_BY_ZERO);
}}

operators! { #[inline(always)] (a: i64) -> i32 {
    "i64.eqz" i64_eqz = i32::from(a == 0);
}}

operators! { #[inline(always)] (a: i64) -> i64 {
    "i64.clz"        i64_clz        = i64::from(a.leading_zeros());
    "i64.ctz"        i64_ctz        = i64::from(a.trailing_zeros());
    "i64.popcnt"     i64_popcnt     = i64::from(a.count_ones());
    "i64.extend8_s"  i64_extend8_s  = i64::from(a as i8);
    "i64.extend16_s" i64_extend16_s = i64::from(a as i16);
    "i64.extend32_s" i64_extend32_s = i64::from(a as i32);
}}

operators! { #[inline(always)] (a: i64, b: i64) -> i32 {
    "i64.eq"   i64_eq   = i32::from(a == b);
    "i64.ne"   i64_ne   = i32::from(a != b);
    "i64.lt_s" i64_lt_s = i32::from(a < b);
    "i64.lt_u" i64_lt_u = i32::from((a as u64) < b as u64);
    "i64.gt_s" i64_gt_s = i32::from(a > b);
    "i64.gt_u" i64_gt_u = i32::from(a as u64 > b as u64);
    "i64.le_s" i64_le_s = i32::from(a <= b);
    "i64.le_u" i64_le_u = i32::from(a as u64 <= b as u64);
    "i64.ge_s" i64_ge_s = i32::from(a >= b);
    "i64.ge_u" i64_ge_u = i32::from(a as u64 >= b as u64);
}}

// A shift count may be any i64: truncating it to u32 keeps the six bits that count.
operators! { #[inline(always)] (a: i64, b: i64) -> i64 {
    "i64.add"   i64_add   = a.wrapping_add(b);
    "i64.sub"   i64_sub   = a.wrapping_sub(b);
    "i64.mul"   i64_mul   = a.wrapping_mul(b);
    "i64.and"   i64_and   = a & b;
    "i64.or"    i64_or    = a | b;
    "i64.xor"   i64_xor   = a ^ b;
    "i64.shl"   i64_shl   = a.wrapping_shl(b as u32);
    "i64.shr_s" i64_shr_s = a.wrapping_shr(b as u32);
    "i64.shr_u" i64_shr_u = (a as u64).wrapping_shr(b as u32) as i64;
    "i64.rotl"  i64_rotl  = a.rotate_left(b as u32 & 63);
    "i64.rotr"  i64_rotr  = a.rotate_right(b as u32 & 63);
}}

operators! { #[inline(always)] (a: i64, b: i64) -> Result<i64, TrapCode> {
    "i64.div_s" i64_div_s = a.checked_div(b).ok_or_else(|| division_trap(b == 0));
    "i64.div_u" i64_div_u = (a as u64).checked_div(b as u64).map(|q| q as i64).ok_or(DIVIDE_BY_ZERO);
    "i64.rem_s" i64_rem_s = if b == 0 { Err(DIVIDE_BY_ZERO) } else { Ok(a.wrapping_rem(b)) };
    "i64.rem_u" i64_rem_u = (a as u64).checked_rem(b as u64).map(|r| r as i64).ok_or(DIVIDE_BY_ZERO);
}}

const DIVIDE_BY_ZERO: TrapCode = TrapCode::IntegerDivideByZero;

/// Why a signed division has no result: the divisor is zero, or the smallest integer was divided
/// by -1.
#[inline(always)]
fn division_trap(by_zero: bool) -> TrapCode {
    if by_zero { DIVIDE_BY_ZERO } else { TrapCode::IntegerOverflow }
}
