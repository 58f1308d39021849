//! The vector value, and its views as lanes.
//!
//! What operators do with lanes is in `lanes.rs` and the files named `simd_*`.

use core::fmt;

/// A 128-bit vector.
///
/// The bytes are kept in memory order, which WebAssembly defines as little-endian: lane 0 has the
/// lowest address and its least significant byte comes first, whatever the host's own order is.
/// There is no alignment requirement, so a vector can live in two adjacent 8-byte slots.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct V128([u8; 16]);

impl V128 {
    /// The vector with all bits zero.
    pub const ZERO: V128 = V128([0; 16]);

    /// The vector whose lane 0 is the least significant part of `bits`.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u128) -> V128 {
        V128(bits.to_le_bytes())
    }

    /// All bits, lane 0 in the least significant ones.
    #[inline(always)]
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        u128::from_le_bytes(self.0)
    }

    /// The vector with these bytes in memory.
    #[inline(always)]
    #[must_use]
    pub const fn from_le_bytes(bytes: [u8; 16]) -> V128 {
        V128(bytes)
    }

    /// The bytes as they are in memory.
    #[inline(always)]
    #[must_use]
    pub const fn to_le_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// Grammar: `lane_type from to "shape", …`. Makes a constructor and an accessor per shape.
macro_rules! shapes {
    ($($t:ident $from:ident $to:ident $shape:literal,)*) => { impl V128 { $(
        #[doc = concat!("The vector with these lanes of shape ", $shape, ".")]
        #[inline(always)]
        #[must_use]
        pub fn $from(lanes: [$t; 16 / size_of::<$t>()]) -> V128 {
            let mut bytes = [0; 16];
            let (chunks, _) = bytes.as_chunks_mut::<{ size_of::<$t>() }>();
            chunks.iter_mut().zip(lanes).for_each(|(chunk, lane)| *chunk = lane.to_le_bytes());
            V128(bytes)
        }
        #[doc = concat!("The lanes of shape ", $shape, ".")]
        #[inline(always)]
        #[must_use]
        pub fn $to(self) -> [$t; 16 / size_of::<$t>()] {
            let (chunks, _) = self.0.as_chunks::<{ size_of::<$t>() }>();
            core::array::from_fn(|i| $t::from_le_bytes(chunks[i]))
        }
    )* } };
}

shapes! {
    i8  from_i8x16 to_i8x16 "i8x16, signed",
    u8  from_u8x16 to_u8x16 "i8x16, unsigned",
    i16 from_i16x8 to_i16x8 "i16x8, signed",
    u16 from_u16x8 to_u16x8 "i16x8, unsigned",
    i32 from_i32x4 to_i32x4 "i32x4, signed",
    u32 from_u32x4 to_u32x4 "i32x4, unsigned",
    i64 from_i64x2 to_i64x2 "i64x2, signed",
    u64 from_u64x2 to_u64x2 "i64x2, unsigned",
    f32 from_f32x4 to_f32x4 "f32x4",
    f64 from_f64x2 to_f64x2 "f64x2",
}

impl fmt::Debug for V128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V128({:#034x})", self.to_bits())
    }
}
