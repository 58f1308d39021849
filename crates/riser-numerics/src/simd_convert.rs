//! Conversions between vector shapes: narrowing, widening, and between integers and floats.

use crate::V128;
use crate::lanes::{high, low, map1, narrow, narrow_zero};

// Narrowing reads its operands as signed, whatever the result is.
operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i8x16.narrow_i16x8_s" i8x16_narrow_i16x8_s = narrow(a, b, |x: i16| x.clamp(-0x80, 0x7f) as i8);
    "i8x16.narrow_i16x8_u" i8x16_narrow_i16x8_u = narrow(a, b, |x: i16| x.clamp(0, 0xff) as u8);
    "i16x8.narrow_i32x4_s" i16x8_narrow_i32x4_s = narrow(a, b, |x: i32| x.clamp(-0x8000, 0x7fff) as i16);
    "i16x8.narrow_i32x4_u" i16x8_narrow_i32x4_u = narrow(a, b, |x: i32| x.clamp(0, 0xffff) as u16);
}}

operators! { #[inline] (v: V128) -> V128 {
    "i16x8.extend_low_i8x16_s"  i16x8_extend_low_i8x16_s  = low(v, |x: i8| i16::from(x));
    "i16x8.extend_high_i8x16_s" i16x8_extend_high_i8x16_s = high(v, |x: i8| i16::from(x));
    "i16x8.extend_low_i8x16_u"  i16x8_extend_low_i8x16_u  = low(v, |x: u8| u16::from(x));
    "i16x8.extend_high_i8x16_u" i16x8_extend_high_i8x16_u = high(v, |x: u8| u16::from(x));
    "i32x4.extend_low_i16x8_s"  i32x4_extend_low_i16x8_s  = low(v, |x: i16| i32::from(x));
    "i32x4.extend_high_i16x8_s" i32x4_extend_high_i16x8_s = high(v, |x: i16| i32::from(x));
    "i32x4.extend_low_i16x8_u"  i32x4_extend_low_i16x8_u  = low(v, |x: u16| u32::from(x));
    "i32x4.extend_high_i16x8_u" i32x4_extend_high_i16x8_u = high(v, |x: u16| u32::from(x));
    "i64x2.extend_low_i32x4_s"  i64x2_extend_low_i32x4_s  = low(v, |x: i32| i64::from(x));
    "i64x2.extend_high_i32x4_s" i64x2_extend_high_i32x4_s = high(v, |x: i32| i64::from(x));
    "i64x2.extend_low_i32x4_u"  i64x2_extend_low_i32x4_u  = low(v, |x: u32| u64::from(x));
    "i64x2.extend_high_i32x4_u" i64x2_extend_high_i32x4_u = high(v, |x: u32| u64::from(x));
}}

operators! { #[inline] (v: V128) -> V128 {
    "i32x4.trunc_sat_f32x4_s"      i32x4_trunc_sat_f32x4_s      = map1(v, |x: f32| x as i32);
    "i32x4.trunc_sat_f32x4_u"      i32x4_trunc_sat_f32x4_u      = map1(v, |x: f32| x as u32);
    "i32x4.trunc_sat_f64x2_s_zero" i32x4_trunc_sat_f64x2_s_zero = narrow_zero(v, 0, |x: f64| x as i32);
    "i32x4.trunc_sat_f64x2_u_zero" i32x4_trunc_sat_f64x2_u_zero = narrow_zero(v, 0, |x: f64| x as u32);
    "f32x4.convert_i32x4_s"        f32x4_convert_i32x4_s        = map1(v, |x: i32| x as f32);
    "f32x4.convert_i32x4_u"        f32x4_convert_i32x4_u        = map1(v, |x: u32| x as f32);
    "f64x2.convert_low_i32x4_s"    f64x2_convert_low_i32x4_s    = low(v, |x: i32| f64::from(x));
    "f64x2.convert_low_i32x4_u"    f64x2_convert_low_i32x4_u    = low(v, |x: u32| f64::from(x));
    "f32x4.demote_f64x2_zero"      f32x4_demote_f64x2_zero      = narrow_zero(v, 0.0, |x: f64| x as f32);
    "f64x2.promote_low_f32x4"      f64x2_promote_low_f32x4      = low(v, |x: f32| f64::from(x));
}}
