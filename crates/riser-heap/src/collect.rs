//! The collector: Cheney's algorithm (1970) between two halves of memory that is not trusted.
//!
//! What is copied becomes the queue of what is to be scanned, so that no structure is too deep. Each object is copied
//! at most once if the memory is sound; if it is not (objects may then overlap), the other half is full at some point.

use crate::hosts::HostTable;
use crate::layout::{LONG_HEADER, LayoutTable};
use crate::memory::{load_word, store_word};
use crate::object::{self, Body};
use crate::{HeapCorrupted, HeapRef};
use core::ops::Range;
use riser_abi::Repr;

/// Takes the roots of a collection and rewrites them. After an error, which the collection then ends with, it leaves them.
pub struct Tracer<'a> {
    bytes: &'a mut [u8],
    layouts: &'a LayoutTable,
    hosts: &'a mut HostTable,
    from: Range<usize>,
    /// What is copied lies in `to.start..next`.
    to: Range<usize>,
    next: usize,
    failed: bool,
}

impl<'a> Tracer<'a> {
    pub(crate) fn new(
        bytes: &'a mut [u8],
        layouts: &'a LayoutTable,
        hosts: &'a mut HostTable,
        from: Range<usize>,
        to: Range<usize>,
    ) -> Tracer<'a> {
        let next = to.start;
        Tracer { bytes, layouts, hosts, from, to, next, failed: false }
    }

    /// A root.
    #[inline]
    pub fn visit(&mut self, root: &mut HeapRef) {
        let mut bits = root.to_bits();
        self.visit_bits(&mut bits);
        *root = HeapRef::from_bits(bits).unwrap_or(*root);
    }

    /// A root or null, as a field or table has it.
    #[inline]
    pub fn visit_bits(&mut self, root: &mut u32) {
        if self.failed {
            return;
        }
        match self.forward(*root) {
            Ok(bits) => *root = bits,
            Err(HeapCorrupted) => self.failed = true,
        }
    }

    /// A root or null in the low half of a slot, as frames and globals have it. The high half becomes 0.
    #[inline]
    pub fn visit_slot(&mut self, root: &mut u64) {
        let mut bits = *root as u32;
        self.visit_bits(&mut bits);
        *root = u64::from(bits);
    }

    /// Follows what the roots lead to; gives the end of what is live.
    pub(crate) fn finish(mut self) -> Result<usize, HeapCorrupted> {
        if self.failed {
            return Err(HeapCorrupted);
        }
        let mut at = self.to.start;
        while at < self.next {
            let layouts = self.layouts;
            let object = object::read(self.bytes, layouts, at, self.next)?;
            match object.body {
                Body::Struct(layout) | Body::Exn { layout, .. } => {
                    for &offset in layout.refs() {
                        self.rewrite(at + offset as usize)?;
                    }
                }
                Body::Array { element: Repr::Ref, len, .. } => {
                    let first = at + LONG_HEADER as usize;
                    for index in 0..len as usize {
                        self.rewrite(first + index * Repr::Ref.size())?;
                    }
                }
                Body::Array { .. } | Body::Extern { .. } => {}
            }
            at += object.size;
        }
        Ok(self.next)
    }

    /// Rewrites the reference that stands at a place.
    #[inline]
    fn rewrite(&mut self, at: usize) -> Result<(), HeapCorrupted> {
        let bits = load_word(self.bytes, at).ok_or(HeapCorrupted)?;
        if bits == 0 || bits & 1 == 1 {
            return Ok(());
        }
        let bits = self.forward(bits)?;
        store_word(self.bytes, at, bits).ok_or(HeapCorrupted)
    }

    /// The new reference for an old one, null or not.
    #[inline]
    fn forward(&mut self, bits: u32) -> Result<u32, HeapCorrupted> {
        if bits == 0 || bits & 1 == 1 {
            return Ok(bits);
        }
        let at = bits as usize;
        if !at.is_multiple_of(8) || !self.from.contains(&at) {
            return Err(HeapCorrupted);
        }
        let word = load_word(self.bytes, at).ok_or(HeapCorrupted)?;
        if let Some(to) = object::moved(word) {
            let known = (self.to.start..self.next).contains(&to) && to.is_multiple_of(8);
            return known.then_some(to as u32).ok_or(HeapCorrupted);
        }
        self.copy(at)
    }

    /// Copies an object to the other half.
    fn copy(&mut self, at: usize) -> Result<u32, HeapCorrupted> {
        let object = object::read(self.bytes, self.layouts, at, self.from.end)?;
        if object.size > self.to.end - self.next {
            return Err(HeapCorrupted);
        }
        if let Body::Extern { index } = object.body {
            self.hosts.mark(index).ok_or(HeapCorrupted)?;
        }
        let to = self.next;
        let bits = u32::try_from(to).map_err(|_| HeapCorrupted)?;
        self.bytes.copy_within(object.at..object.at + object.size, to);
        self.next = to + object.size;
        object::set_moved(self.bytes, at, bits).ok_or(HeapCorrupted)?;
        Ok(bits)
    }
}
