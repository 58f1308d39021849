//! Conversions between scalar types. Rust's `as` already saturates, rounds to nearest and makes
//! NaNs quiet, which is what the specification asks of the non-trapping ones.

use riser_ops::TrapCode;

operators! { #[inline(always)] (x: i64) -> i32 { "i32.wrap_i64" i32_wrap_i64 = x as i32; }}
operators! { #[inline(always)] (x: i32) -> i64 {
    "i64.extend_i32_s" i64_extend_i32_s = i64::from(x);
    "i64.extend_i32_u" i64_extend_i32_u = i64::from(x as u32);
}}

operators! { #[inline(always)] (x: f32) -> i32 { "i32.reinterpret_f32" i32_reinterpret_f32 = x.to_bits() as i32; }}
operators! { #[inline(always)] (x: f64) -> i64 { "i64.reinterpret_f64" i64_reinterpret_f64 = x.to_bits() as i64; }}
operators! { #[inline(always)] (x: i32) -> f32 { "f32.reinterpret_i32" f32_reinterpret_i32 = f32::from_bits(x as u32); }}
operators! { #[inline(always)] (x: i64) -> f64 { "f64.reinterpret_i64" f64_reinterpret_i64 = f64::from_bits(x as u64); }}

operators! { #[inline(always)] (x: f64) -> f32 { "f32.demote_f64" f32_demote_f64 = x as f32; }}
operators! { #[inline(always)] (x: f32) -> f64 { "f64.promote_f32" f64_promote_f32 = f64::from(x); }}

operators! { #[inline(always)] (x: i32) -> f32 {
    "f32.convert_i32_s" f32_convert_i32_s = x as f32;
    "f32.convert_i32_u" f32_convert_i32_u = x as u32 as f32;
}}
operators! { #[inline(always)] (x: i64) -> f32 {
    "f32.convert_i64_s" f32_convert_i64_s = x as f32;
    "f32.convert_i64_u" f32_convert_i64_u = x as u64 as f32;
}}
operators! { #[inline(always)] (x: i32) -> f64 {
    "f64.convert_i32_s" f64_convert_i32_s = f64::from(x);
    "f64.convert_i32_u" f64_convert_i32_u = f64::from(x as u32);
}}
operators! { #[inline(always)] (x: i64) -> f64 {
    "f64.convert_i64_s" f64_convert_i64_s = x as f64;
    "f64.convert_i64_u" f64_convert_i64_u = x as u64 as f64;
}}

operators! { #[inline(always)] (x: f32) -> i32 {
    "i32.trunc_sat_f32_s" i32_trunc_sat_f32_s = x as i32;
    "i32.trunc_sat_f32_u" i32_trunc_sat_f32_u = x as u32 as i32;
}}
operators! { #[inline(always)] (x: f64) -> i32 {
    "i32.trunc_sat_f64_s" i32_trunc_sat_f64_s = x as i32;
    "i32.trunc_sat_f64_u" i32_trunc_sat_f64_u = x as u32 as i32;
}}
operators! { #[inline(always)] (x: f32) -> i64 {
    "i64.trunc_sat_f32_s" i64_trunc_sat_f32_s = x as i64;
    "i64.trunc_sat_f32_u" i64_trunc_sat_f32_u = x as u64 as i64;
}}
operators! { #[inline(always)] (x: f64) -> i64 {
    "i64.trunc_sat_f64_s" i64_trunc_sat_f64_s = x as i64;
    "i64.trunc_sat_f64_u" i64_trunc_sat_f64_u = x as u64 as i64;
}}

// The trapping truncations. A bound is exclusive where the first float beyond the integer's range
// is representable, inclusive where the range's own end is the last one that is: f64 has values
// between -2^31 and -2^31 - 1 that truncate to -2^31, f32 has none.
const P31: f32 = (1_u64 << 31) as f32;
const P32: f32 = (1_u64 << 32) as f32;
const P63: f32 = (1_u64 << 63) as f32;
const P64: f32 = P63 * 2.0;

operators! { #[inline(always)] (x: f32) -> Result<i32, TrapCode> {
    "i32.trunc_f32_s" i32_trunc_f32_s = truncated((-P31..P31).contains(&x), x.is_nan(), x as i32);
    "i32.trunc_f32_u" i32_trunc_f32_u = truncated(x > -1.0 && x < P32, x.is_nan(), x as u32 as i32);
}}
operators! { #[inline(always)] (x: f64) -> Result<i32, TrapCode> {
    "i32.trunc_f64_s" i32_trunc_f64_s = truncated(x > -2_147_483_649.0 && x < P31.into(), x.is_nan(), x as i32);
    "i32.trunc_f64_u" i32_trunc_f64_u = truncated(x > -1.0 && x < P32.into(), x.is_nan(), x as u32 as i32);
}}
operators! { #[inline(always)] (x: f32) -> Result<i64, TrapCode> {
    "i64.trunc_f32_s" i64_trunc_f32_s = truncated((-P63..P63).contains(&x), x.is_nan(), x as i64);
    "i64.trunc_f32_u" i64_trunc_f32_u = truncated(x > -1.0 && x < P64, x.is_nan(), x as u64 as i64);
}}
operators! { #[inline(always)] (x: f64) -> Result<i64, TrapCode> {
    "i64.trunc_f64_s" i64_trunc_f64_s = truncated((-f64::from(P63)..P63.into()).contains(&x), x.is_nan(), x as i64);
    "i64.trunc_f64_u" i64_trunc_f64_u = truncated(x > -1.0 && x < P64.into(), x.is_nan(), x as u64 as i64);
}}

/// `value`, if the float fits its type. Else it was a NaN, or too large (infinities included).
#[inline(always)]
fn truncated<T>(fits: bool, is_nan: bool, value: T) -> Result<T, TrapCode> {
    match (fits, is_nan) {
        (true, _) => Ok(value),
        (false, true) => Err(TrapCode::InvalidConversionToInteger),
        (false, false) => Err(TrapCode::IntegerOverflow),
    }
}
