//! One pure, safe function per *simple* WebAssembly operator: those that only take operands from
//! the stack and put results there. The interpreter, constant folding and the differential tests
//! all call these, so each operator's meaning stands in one place.
//!
//! A function's name is the text mnemonic with `.` replaced by `_`: `i32.add` is [`i32_add`].
//! Operands come first, in stack order, then immediates (a lane, the sixteen lanes of a shuffle).
//! Integers are passed as `i32` and `i64`, vectors as [`V128`]; comparisons and tests give 0 or 1.
//! Operators that can trap return `Result<_, TrapCode>`, those with two results return a pair.
//!
//! Not here: constants, loads and stores, `select`, reference operators and anything that needs an
//! instance.
//!
//! | topic | file |
//! | --- | --- |
//! | integers | `int.rs` |
//! | 128-bit arithmetic on pairs of `i64` | `wide.rs` |
//! | floats | `float.rs`, with the two functions that need hardware or a library in `root.rs` |
//! | conversions between numbers | `convert.rs` |
//! | the vector type, and how a function of lanes becomes one of vectors | `v128.rs`, `lanes.rs` |
//! | vectors of integers, of floats | `simd_int.rs`, `simd_compare.rs`, `simd_float.rs` |
//! | lanes in and out, shuffles, conversions between shapes | `simd_lanes.rs`, `simd_convert.rs` |
//! | relaxed SIMD, with one deterministic meaning | `relaxed.rs` |
//!
//! NaNs: operators that compute make quiet NaNs whose sign and payload are unspecified, as the
//! specification allows; [`canonicalize_f32`] and its siblings remove that freedom. Operators that
//! only move or flip bits (`neg`, `abs`, `copysign`, `reinterpret`, lanes) keep every bit.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "none"))]
extern crate std;

#[macro_use]
mod macros;

mod convert;
mod float;
mod int;
mod lanes;
mod relaxed;
mod root;
mod simd_compare;
mod simd_convert;
mod simd_float;
mod simd_int;
mod simd_lanes;
mod v128;
mod wide;

pub use convert::*;
pub use float::*;
pub use int::*;
pub use relaxed::*;
pub use simd_compare::*;
pub use simd_convert::*;
pub use simd_float::*;
pub use simd_int::*;
pub use simd_lanes::*;
pub use v128::V128;
pub use wide::*;
