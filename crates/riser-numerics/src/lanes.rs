//! How a function of lanes becomes a function of vectors.
//!
//! The helpers are generic over the lane's type, which the given function determines, and the
//! number of lanes follows from it. They are loops over arrays of known size without branches: the
//! compiler turns them into the host's vector instructions.

use crate::V128;
use core::array::from_fn;

/// A lane of which `N` make a vector.
pub(crate) trait Lane<const N: usize>: Copy {
    /// The signed integer of the same width, which holds the result of a comparison.
    type Mask: Lane<N>;
    fn split(v: V128) -> [Self; N];
    fn join(lanes: [Self; N]) -> V128;
    /// All ones if `b`, else all zeros.
    fn mask(b: bool) -> Self::Mask;
}

/// Grammar: `lane_type count mask_type from to, …`.
macro_rules! lanes {
    ($($t:ident $n:literal $mask:ident $from:ident $to:ident,)*) => { $(
        impl Lane<$n> for $t {
            type Mask = $mask;
            #[inline(always)]
            fn split(v: V128) -> [Self; $n] {
                v.$to()
            }
            #[inline(always)]
            fn join(lanes: [Self; $n]) -> V128 {
                V128::$from(lanes)
            }
            #[inline(always)]
            fn mask(b: bool) -> $mask {
                -$mask::from(b)
            }
        }
    )* };
}

lanes! {
    i8  16 i8  from_i8x16 to_i8x16,
    u8  16 i8  from_u8x16 to_u8x16,
    i16 8  i16 from_i16x8 to_i16x8,
    u16 8  i16 from_u16x8 to_u16x8,
    i32 4  i32 from_i32x4 to_i32x4,
    u32 4  i32 from_u32x4 to_u32x4,
    i64 2  i64 from_i64x2 to_i64x2,
    u64 2  i64 from_u64x2 to_u64x2,
    f32 4  i32 from_f32x4 to_f32x4,
    f64 2  i64 from_f64x2 to_f64x2,
}

/// `f` of each lane. The result may have another type of the same width.
#[inline(always)]
pub(crate) fn map1<T: Lane<N>, R: Lane<N>, const N: usize>(v: V128, f: impl Fn(T) -> R) -> V128 {
    R::join(T::split(v).map(f))
}

/// `f` of each two lanes of the same number.
#[inline(always)]
pub(crate) fn map2<T: Lane<N>, R: Lane<N>, const N: usize>(
    a: V128,
    b: V128,
    f: impl Fn(T, T) -> R,
) -> V128 {
    let (a, b) = (T::split(a), T::split(b));
    R::join(from_fn(|i| f(a[i], b[i])))
}

/// `f` of each three lanes of the same number.
#[inline(always)]
pub(crate) fn map3<T: Lane<N>, const N: usize>(
    a: V128,
    b: V128,
    c: V128,
    f: impl Fn(T, T, T) -> T,
) -> V128 {
    let (a, b, c) = (T::split(a), T::split(b), T::split(c));
    T::join(from_fn(|i| f(a[i], b[i], c[i])))
}

/// A lane of ones where `f` holds of the two lanes, of zeros elsewhere.
#[inline(always)]
pub(crate) fn compare<T: Lane<N>, const N: usize>(
    a: V128,
    b: V128,
    f: impl Fn(&T, &T) -> bool,
) -> V128 {
    let (a, b) = (T::split(a), T::split(b));
    T::Mask::join(from_fn(|i| T::mask(f(&a[i], &b[i]))))
}

/// `f` of each of the first lanes; the results are wider, so that fewer fit.
#[inline(always)]
pub(crate) fn low<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    v: V128,
    f: impl Fn(T) -> R,
) -> V128 {
    let v = T::split(v);
    R::join(from_fn(|i| f(v[i])))
}

/// `f` of each of the last lanes; the results are wider.
#[inline(always)]
pub(crate) fn high<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    v: V128,
    f: impl Fn(T) -> R,
) -> V128 {
    let v = T::split(v);
    R::join(from_fn(|i| f(v[i + N - M])))
}

/// `f` of each two of the first lanes; the results are wider.
#[inline(always)]
pub(crate) fn low2<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    a: V128,
    b: V128,
    f: impl Fn(T, T) -> R,
) -> V128 {
    let (a, b) = (T::split(a), T::split(b));
    R::join(from_fn(|i| f(a[i], b[i])))
}

/// `f` of each two of the last lanes; the results are wider.
#[inline(always)]
pub(crate) fn high2<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    a: V128,
    b: V128,
    f: impl Fn(T, T) -> R,
) -> V128 {
    let (a, b) = (T::split(a), T::split(b));
    R::join(from_fn(|i| f(a[i + N - M], b[i + N - M])))
}

/// `f` of each lane of `a`, then of each lane of `b`; the results are half as wide.
#[inline(always)]
pub(crate) fn narrow<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    a: V128,
    b: V128,
    f: impl Fn(T) -> R,
) -> V128 {
    let (a, b) = (T::split(a), T::split(b));
    R::join(from_fn(|i| f(if i < N { a[i] } else { b[i - N] })))
}

/// `f` of each lane, then zeros; the results are half as wide.
#[inline(always)]
pub(crate) fn narrow_zero<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    v: V128,
    zero: R,
    f: impl Fn(T) -> R,
) -> V128 {
    let v = T::split(v);
    R::join(from_fn(|i| if i < N { f(v[i]) } else { zero }))
}

/// `f` of each two neighbouring lanes.
#[inline(always)]
pub(crate) fn pairs<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    v: V128,
    f: impl Fn(T, T) -> R,
) -> V128 {
    let v = T::split(v);
    R::join(from_fn(|i| f(v[2 * i], v[2 * i + 1])))
}

/// `sum` of the `product`s of two neighbouring lanes.
#[inline(always)]
pub(crate) fn dot<T: Lane<N>, R: Lane<M>, const N: usize, const M: usize>(
    a: V128,
    b: V128,
    product: impl Fn(T, T) -> R,
    sum: impl Fn(R, R) -> R,
) -> V128 {
    let (a, b) = (T::split(a), T::split(b));
    R::join(from_fn(|i| sum(product(a[2 * i], b[2 * i]), product(a[2 * i + 1], b[2 * i + 1]))))
}

/// Every lane is `x`.
#[inline(always)]
pub(crate) fn splat<T: Lane<N>, const N: usize>(x: T) -> V128 {
    T::join([x; N])
}

/// The lane of that number. Validation has checked the number; a larger one wraps around.
#[inline(always)]
pub(crate) fn extract<T: Lane<N>, const N: usize>(v: V128, lane: u8) -> T {
    T::split(v)[usize::from(lane) % N]
}

/// The vector with one lane replaced. The number is treated as in [`extract`].
#[inline(always)]
pub(crate) fn replace<T: Lane<N>, const N: usize>(v: V128, x: T, lane: u8) -> V128 {
    let mut lanes = T::split(v);
    lanes[usize::from(lane) % N] = x;
    T::join(lanes)
}

/// Whether `f` holds of every lane, as 0 or 1. It looks at all of them: stopping early would keep
/// this from becoming vector code.
#[inline(always)]
pub(crate) fn all<T: Lane<N>, const N: usize>(v: V128, f: impl Fn(T) -> bool) -> i32 {
    i32::from(T::split(v).into_iter().fold(true, |all, lane| all & f(lane)))
}

/// Bit `i` says whether `f` holds of lane `i`.
#[inline(always)]
pub(crate) fn bits<T: Lane<N>, const N: usize>(v: V128, f: impl Fn(T) -> bool) -> i32 {
    T::split(v).into_iter().enumerate().fold(0, |bits, (i, lane)| bits | i32::from(f(lane)) << i)
}
