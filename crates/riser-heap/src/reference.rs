//! References as code sees them.

use core::num::NonZeroU32;

/// A reference that is not null: to an object, or a 31-bit integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct HeapRef(NonZeroU32);

impl HeapRef {
    /// The reference in a slot; `None` for null.
    #[inline]
    pub fn from_bits(bits: u32) -> Option<HeapRef> {
        NonZeroU32::new(bits).map(HeapRef)
    }

    /// As it stands in a slot.
    #[inline]
    pub fn to_bits(self) -> u32 {
        self.0.get()
    }

    /// The reference to the 31-bit integer in the low bits of `value`.
    #[inline]
    pub fn from_i31(value: u32) -> HeapRef {
        HeapRef(NonZeroU32::MIN | (value << 1))
    }

    /// The 31-bit integer, if this is one, with its highest bit clear.
    #[inline]
    pub fn as_i31(self) -> Option<u32> {
        (self.0.get() & 1 == 1).then_some(self.0.get() >> 1)
    }

    /// Where the object is, if this refers to one.
    #[inline]
    pub(crate) fn offset(self) -> Option<usize> {
        (self.0.get() & 7 == 0).then_some(self.0.get() as usize)
    }

    /// The reference to the object at a place; `None` if there can be none.
    #[inline]
    pub(crate) fn at(offset: usize) -> Option<HeapRef> {
        HeapRef::from_bits(u32::try_from(offset).ok()?).filter(|at| at.offset().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_no_places() {
        let five = HeapRef::from_i31(5);
        assert_eq!(five.as_i31(), Some(5));
        assert_eq!(five.offset(), None);
        assert_eq!(HeapRef::from_i31(u32::MAX).as_i31(), Some(u32::MAX >> 1));
        assert_eq!(HeapRef::at(16).and_then(HeapRef::offset), Some(16));
        assert_eq!(HeapRef::at(16).and_then(HeapRef::as_i31), None);
        assert_eq!(HeapRef::at(12), None);
        assert_eq!(HeapRef::at(0), None);
        assert_eq!(HeapRef::from_bits(0), None);
    }
}
