//! Integers of 31 bits that need no object.

use core::fmt;

/// An integer of 31 bits, the value of an `i31ref`.
///
/// ```
/// use riser::I31;
///
/// assert_eq!(I31::new_i32(-5).unwrap().get_i32(), -5);
/// assert!(I31::new_u32(1 << 31).is_none());
/// assert_eq!(I31::wrapping_u32(u32::MAX).get_u32(), u32::MAX >> 1);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct I31(u32);

impl I31 {
    /// From an unsigned integer, if it fits 31 bits.
    pub fn new_u32(value: u32) -> Option<I31> {
        (value >> 31 == 0).then_some(I31(value))
    }

    /// From a signed integer, if it fits 31 bits.
    pub fn new_i32(value: i32) -> Option<I31> {
        let wrapped = I31::wrapping_i32(value);
        (wrapped.get_i32() == value).then_some(wrapped)
    }

    /// From the low 31 bits.
    pub fn wrapping_u32(value: u32) -> I31 {
        I31(value & (u32::MAX >> 1))
    }

    /// From the low 31 bits.
    pub fn wrapping_i32(value: i32) -> I31 {
        I31::wrapping_u32(value as u32)
    }

    /// As an unsigned integer.
    pub fn get_u32(&self) -> u32 {
        self.0
    }

    /// As a signed integer.
    pub fn get_i32(&self) -> i32 {
        (self.0 << 1) as i32 >> 1
    }
}

impl fmt::Debug for I31 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I31({})", self.get_i32())
    }
}
