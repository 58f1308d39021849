//! Square root and fused multiply-add, the two float operations that `core` does not offer on
//! stable Rust and that cannot be put together from the four basic ones at a sensible price.
//!
//! Where `std` exists they come from it: square root is then one instruction, scalar and vector
//! alike. On bare machines `libm` computes them. Both are correctly rounded, so which of the two is
//! used cannot be seen in a result; `tests/float.rs` compares them. This choice depends on the
//! presence of `std`, not on an operating system's services, which is why it is not in `riser-sys`.

#[cfg(not(target_os = "none"))]
mod provider {
    #[inline(always)]
    pub(crate) fn sqrt_f32(x: f32) -> f32 {
        x.sqrt()
    }

    #[inline(always)]
    pub(crate) fn sqrt_f64(x: f64) -> f64 {
        x.sqrt()
    }

    #[inline(always)]
    pub(crate) fn fma_f32(x: f32, y: f32, z: f32) -> f32 {
        x.mul_add(y, z)
    }

    #[inline(always)]
    pub(crate) fn fma_f64(x: f64, y: f64, z: f64) -> f64 {
        x.mul_add(y, z)
    }
}

#[cfg(target_os = "none")]
mod provider {
    pub(crate) use libm::{fma as fma_f64, fmaf as fma_f32, sqrt as sqrt_f64, sqrtf as sqrt_f32};
}

pub(crate) use provider::{fma_f32, fma_f64, sqrt_f32, sqrt_f64};
