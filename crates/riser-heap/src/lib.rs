//! The store's heap: what references other than functions refer to.
//!
//! Code sees a reference as 32 bits, 0 for null (see `riser-abi`). [`HeapRef`] is such a reference that is not
//! null, [`Heap`] is what it refers into. Its lowest bit tells objects (0) from 31-bit integers (1), so that
//! `ref.i31` allocates nothing.
//!
//! The collector is not here yet: the only objects are values of the host behind `externref`, kept in a table
//! until their store goes. The interface is that of the collected heap to come: whoever holds a reference over
//! a call must be able to say where it is kept.
#![forbid(unsafe_code)]

use core::any::Any;
use core::num::NonZeroU32;

/// A value of the host that a guest may hold but not look into.
pub type HostValue = Box<dyn Any + Send + Sync>;

/// A reference that is not null.
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
    pub fn from_i31(value: u32) -> HeapRef {
        HeapRef(NonZeroU32::MIN | (value << 1))
    }

    /// The 31-bit integer, if this is one, with its highest bit clear.
    pub fn as_i31(self) -> Option<u32> {
        (self.0.get() & 1 == 1).then_some(self.0.get() >> 1)
    }

    fn of_entry(index: usize) -> Option<HeapRef> {
        let number = u32::try_from(index).ok()?.checked_add(1)?;
        number.checked_mul(2).and_then(HeapRef::from_bits)
    }

    fn entry(self) -> Option<usize> {
        self.as_i31().is_none().then(|| (self.0.get() / 2) as usize - 1)
    }
}

/// The heap has no room for another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapFull;

impl core::fmt::Display for HeapFull {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the store's heap is full")
    }
}

impl core::error::Error for HeapFull {}

/// The heap of a store.
#[derive(Debug, Default)]
pub struct Heap {
    externs: Vec<HostValue>,
}

impl Heap {
    /// An empty heap.
    pub fn new() -> Heap {
        Heap::default()
    }

    /// Takes a value of the host; the reference is a new one each time.
    pub fn alloc_extern(&mut self, value: HostValue) -> Result<HeapRef, HeapFull> {
        let new = HeapRef::of_entry(self.externs.len()).ok_or(HeapFull)?;
        self.externs.try_reserve(1).map_err(|_| HeapFull)?;
        self.externs.push(value);
        Ok(new)
    }

    /// The value behind a reference; `None` if it refers to something else.
    pub fn host_value(&self, at: HeapRef) -> Option<&HostValue> {
        self.externs.get(at.entry()?)
    }

    /// The value behind a reference; `None` if it refers to something else.
    pub fn host_value_mut(&mut self, at: HeapRef) -> Option<&mut HostValue> {
        self.externs.get_mut(at.entry()?)
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.externs.len()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.externs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_values_come_back() {
        let mut heap = Heap::new();
        let a = heap.alloc_extern(Box::new(7u8)).unwrap();
        let b = heap.alloc_extern(Box::new("text")).unwrap();
        assert_ne!(a, b);
        assert_eq!(heap.host_value(a).unwrap().downcast_ref::<u8>(), Some(&7));
        assert_eq!(heap.host_value(b).unwrap().downcast_ref::<&str>(), Some(&"text"));
        assert_eq!(heap.len(), 2);
    }

    #[test]
    fn integers_and_foreign_references_are_no_host_values() {
        let mut heap = Heap::new();
        let five = HeapRef::from_i31(5);
        assert_eq!(five.as_i31(), Some(5));
        assert_eq!(HeapRef::from_i31(u32::MAX).as_i31(), Some(u32::MAX >> 1));
        assert!(heap.host_value(five).is_none());
        let outside = HeapRef::from_bits(1000).unwrap();
        assert!(heap.host_value_mut(outside).is_none());
        assert_eq!(HeapRef::from_bits(0), None);
    }
}
