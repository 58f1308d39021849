//! Lanewise comparisons: a lane of the result is all ones where the relation holds, else zero.

use crate::V128;
use crate::lanes::compare;

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i8x16.eq"   i8x16_eq   = compare(a, b, i8::eq);
    "i8x16.ne"   i8x16_ne   = compare(a, b, i8::ne);
    "i8x16.lt_s" i8x16_lt_s = compare(a, b, i8::lt);
    "i8x16.lt_u" i8x16_lt_u = compare(a, b, u8::lt);
    "i8x16.gt_s" i8x16_gt_s = compare(a, b, i8::gt);
    "i8x16.gt_u" i8x16_gt_u = compare(a, b, u8::gt);
    "i8x16.le_s" i8x16_le_s = compare(a, b, i8::le);
    "i8x16.le_u" i8x16_le_u = compare(a, b, u8::le);
    "i8x16.ge_s" i8x16_ge_s = compare(a, b, i8::ge);
    "i8x16.ge_u" i8x16_ge_u = compare(a, b, u8::ge);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i16x8.eq"   i16x8_eq   = compare(a, b, i16::eq);
    "i16x8.ne"   i16x8_ne   = compare(a, b, i16::ne);
    "i16x8.lt_s" i16x8_lt_s = compare(a, b, i16::lt);
    "i16x8.lt_u" i16x8_lt_u = compare(a, b, u16::lt);
    "i16x8.gt_s" i16x8_gt_s = compare(a, b, i16::gt);
    "i16x8.gt_u" i16x8_gt_u = compare(a, b, u16::gt);
    "i16x8.le_s" i16x8_le_s = compare(a, b, i16::le);
    "i16x8.le_u" i16x8_le_u = compare(a, b, u16::le);
    "i16x8.ge_s" i16x8_ge_s = compare(a, b, i16::ge);
    "i16x8.ge_u" i16x8_ge_u = compare(a, b, u16::ge);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i32x4.eq"   i32x4_eq   = compare(a, b, i32::eq);
    "i32x4.ne"   i32x4_ne   = compare(a, b, i32::ne);
    "i32x4.lt_s" i32x4_lt_s = compare(a, b, i32::lt);
    "i32x4.lt_u" i32x4_lt_u = compare(a, b, u32::lt);
    "i32x4.gt_s" i32x4_gt_s = compare(a, b, i32::gt);
    "i32x4.gt_u" i32x4_gt_u = compare(a, b, u32::gt);
    "i32x4.le_s" i32x4_le_s = compare(a, b, i32::le);
    "i32x4.le_u" i32x4_le_u = compare(a, b, u32::le);
    "i32x4.ge_s" i32x4_ge_s = compare(a, b, i32::ge);
    "i32x4.ge_u" i32x4_ge_u = compare(a, b, u32::ge);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "i64x2.eq"   i64x2_eq   = compare(a, b, i64::eq);
    "i64x2.ne"   i64x2_ne   = compare(a, b, i64::ne);
    "i64x2.lt_s" i64x2_lt_s = compare(a, b, i64::lt);
    "i64x2.gt_s" i64x2_gt_s = compare(a, b, i64::gt);
    "i64x2.le_s" i64x2_le_s = compare(a, b, i64::le);
    "i64x2.ge_s" i64x2_ge_s = compare(a, b, i64::ge);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "f32x4.eq" f32x4_eq = compare(a, b, f32::eq);
    "f32x4.ne" f32x4_ne = compare(a, b, f32::ne);
    "f32x4.lt" f32x4_lt = compare(a, b, f32::lt);
    "f32x4.gt" f32x4_gt = compare(a, b, f32::gt);
    "f32x4.le" f32x4_le = compare(a, b, f32::le);
    "f32x4.ge" f32x4_ge = compare(a, b, f32::ge);
}}

operators! { #[inline] (a: V128, b: V128) -> V128 {
    "f64x2.eq" f64x2_eq = compare(a, b, f64::eq);
    "f64x2.ne" f64x2_ne = compare(a, b, f64::ne);
    "f64x2.lt" f64x2_lt = compare(a, b, f64::lt);
    "f64x2.gt" f64x2_gt = compare(a, b, f64::gt);
    "f64x2.le" f64x2_le = compare(a, b, f64::le);
    "f64x2.ge" f64x2_ge = compare(a, b, f64::ge);
}}
