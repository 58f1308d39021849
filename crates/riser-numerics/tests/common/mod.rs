//! Operands on which operators are likely to go wrong, and reproducible random ones.

// Each test file uses a part of this one.
#![allow(dead_code)]

use riser_numerics::V128;

/// A random number generator (a Weyl sequence, mixed); the same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 31).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x ^ x >> 29).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ x >> 32
    }

    pub fn vector(&mut self) -> V128 {
        V128::from_u64x2([self.next(), self.next()])
    }
}

pub fn interesting_i64() -> Vec<i64> {
    let mut all = vec![i64::MIN, i64::MAX, 0, 3, -3, 7, 10, -10, 31, 33, 63, 65];
    for i in [0, 1, 7, 8, 15, 16, 30, 31, 32, 33, 62, 63] {
        let bit = 1_i64 << i;
        all.extend([
            bit,
            bit.wrapping_sub(1),
            bit.wrapping_neg(),
            bit.wrapping_neg().wrapping_sub(1),
        ]);
    }
    let mut random = Random(1);
    all.extend((0..20).map(|i| random.next() as i64 >> i));
    all
}

pub fn interesting_i32() -> Vec<i32> {
    interesting_i64().into_iter().map(|x| x as i32).collect()
}

/// Zeros, ones, halves, bounds of the integer types and of the float's own range, NaNs, and the
/// neighbours of each, with both signs; then random bits.
pub fn interesting_f32() -> Vec<f32> {
    let mut all = Vec::new();
    for x in [0.0, 0.5, 1.0, 1.5, 2.5, 3.5, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NAN] {
        all.push(x.to_bits());
    }
    all.extend([0x7f80_0001, 0x7fa0_0000, 0x7fff_ffff]);
    all.extend([7, 8, 15, 16, 22, 23, 24, 31, 32, 63, 64].map(|e| f32::to_bits((e as f32).exp2())));
    let near: Vec<u32> = all.iter().flat_map(|x| [x.wrapping_sub(1), *x, x + 1]).collect();
    let mut random = Random(2);
    let random = (0..200).map(|_| random.next() as u32);
    near.into_iter().flat_map(|x| [x, x ^ 1 << 31]).chain(random).map(f32::from_bits).collect()
}

/// As [`interesting_f32`].
pub fn interesting_f64() -> Vec<f64> {
    let mut all = Vec::new();
    for x in [0.0, 0.5, 1.0, 1.5, 2.5, 3.5, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NAN] {
        all.push(x.to_bits());
    }
    all.extend([0x7ff0_0000_0000_0001, 0x7ff4_0000_0000_0000, 0x7fff_ffff_ffff_ffff]);
    all.extend(
        [2147483647.5, 2147483648.5, 2147483649.0, 4294967295.5, 4294967296.5].map(f64::to_bits),
    );
    all.extend([7, 8, 15, 16, 31, 32, 51, 52, 53, 63, 64].map(|e| f64::to_bits((e as f64).exp2())));
    let near: Vec<u64> = all.iter().flat_map(|x| [x.wrapping_sub(1), *x, x + 1]).collect();
    let mut random = Random(3);
    let random = (0..200).map(|_| random.next());
    near.into_iter().flat_map(|x| [x, x ^ 1 << 63]).chain(random).map(f64::from_bits).collect()
}

/// Vectors made of the interesting lanes of each shape, and random ones.
pub fn interesting_vectors() -> Vec<V128> {
    let mut random = Random(4);
    let mut all = vec![
        V128::ZERO,
        V128::from_bits(!0),
        V128::from_u8x16([0x80; 16]),
        V128::from_u8x16([0x7f; 16]),
    ];
    all.extend([
        V128::from_u16x8([0x8000; 8]),
        V128::from_u32x4([1 << 31; 4]),
        V128::from_u64x2([1 << 63; 2]),
    ]);
    all.push(V128::from_i8x16([
        0, 1, -1, 2, 127, -128, 126, -127, 64, -64, 15, 16, 17, -2, 100, 3,
    ]));
    all.push(V128::from_i16x8([0, 1, -1, 32767, -32768, 255, 256, -129]));
    all.push(V128::from_i32x4([i32::MIN, i32::MAX, 65536, -32769]));
    all.extend((0..24).map(|_| random.vector()));
    // Lanes that differ by little, so that comparisons and saturation see both sides.
    all.extend((0..8).map(|_| V128::from_bits(random.vector().to_bits() & (u128::MAX / 255 * 3))));
    all
}
