//! A growing list whose elements never move.
//!
//! Elements lie in chunks, each twice as large as the one before: a store with one memory pays for four, a
//! store with a million pays nothing per element. Code holds the addresses, so the elements are reached
//! through raw pointers and this list never makes references to them.

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use riser_sys::faults::allocate;
use std::alloc::Layout;

/// The binary logarithm of the first chunk's length.
const FIRST_LOG2: u32 = 2;
const FIRST: usize = 1 << FIRST_LOG2;

/// The addresses of an arena's chunks. The first one stands here: most stores have one instance, one memory, and so on.
#[derive(Debug)]
struct Chunks<T> {
    first: Option<NonNull<MaybeUninit<T>>>,
    /// Empty as long as there is no first one.
    more: Vec<NonNull<MaybeUninit<T>>>,
}

impl<T> Chunks<T> {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    #[inline]
    fn get(&self, chunk: usize) -> Option<NonNull<MaybeUninit<T>>> {
        match chunk.checked_sub(1) {
            None => self.first,
            Some(more) => self.more.get(more).copied(),
        }
    }

    fn try_reserve(&mut self) -> Option<()> {
        if self.first.is_some() { self.more.try_reserve(1).ok() } else { Some(()) }
    }

    fn push(&mut self, chunk: NonNull<MaybeUninit<T>>) {
        match self.first {
            None => self.first = Some(chunk),
            Some(_) => self.more.push(chunk),
        }
    }

    fn iter(&self) -> impl Iterator<Item = NonNull<MaybeUninit<T>>> + '_ {
        self.first.into_iter().chain(self.more.iter().copied())
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Arena<T> {
    chunks: Chunks<T>,
    len: usize,
}

// SAFETY: the arena owns its elements like a vector does.
unsafe impl<T: Send> Send for Arena<T> {}
// SAFETY: as above; through a shared arena only addresses can be had.
unsafe impl<T: Sync> Sync for Arena<T> {}

/// The chunk of an element, its place there, and the chunk's length.
#[inline]
fn place(index: usize) -> (usize, usize, usize) {
    let shifted = index + FIRST;
    let log2 = shifted.ilog2();
    ((log2 - FIRST_LOG2) as usize, shifted - (1 << log2), 1 << log2)
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena { chunks: Chunks { first: None, more: Vec::new() }, len: 0 }
    }
}

impl<T> Arena<T> {
    /// Elements are at addresses of their own.
    const HAS_SIZE: () = assert!(size_of::<T>() > 0);

    /// An empty arena.
    pub fn new() -> Arena<T> {
        Arena::default()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an element; `make` is told its index. `None` if there are as many as an index can count. Without memory the
    /// process ends: for what hosts add.
    pub fn push(&mut self, make: impl FnOnce(u32) -> T) -> Option<NonNull<T>> {
        let (chunk, _, chunk_len) = place(self.len);
        if chunk == self.chunks.len() {
            let block: Box<[MaybeUninit<T>]> = Box::new_uninit_slice(chunk_len);
            self.chunks.push(NonNull::from(Box::leak(block)).cast());
        }
        self.try_push(|index| Some(make(index)))
    }

    /// Adds an element if `make` can make one, and if there is memory for it: for what guests add.
    pub fn try_push(&mut self, make: impl FnOnce(u32) -> Option<T>) -> Option<NonNull<T>> {
        let index = u32::try_from(self.len).ok()?;
        let (chunk, offset, chunk_len) = place(self.len);
        if chunk == self.chunks.len() {
            const { Self::HAS_SIZE };
            let layout = Layout::array::<T>(chunk_len).ok()?;
            self.chunks.try_reserve()?;
            self.chunks.push(allocate(layout, false)?.cast());
        }
        let value = make(index)?;
        // SAFETY: `place` puts the element within its chunk, and nothing was there before.
        let element = unsafe {
            let element = self.chunks.get(chunk)?.add(offset);
            element.write(MaybeUninit::new(value));
            element.cast()
        };
        self.len += 1;
        Some(element)
    }

    /// The address of an element. It is initialised and stays where it is as long as the arena lives.
    #[inline]
    pub fn get(&self, index: u32) -> Option<NonNull<T>> {
        let index = index as usize;
        if index >= self.len {
            return None;
        }
        let (chunk, offset, _) = place(index);
        // SAFETY: the element exists, so its chunk does and is long enough.
        Some(unsafe { self.chunks.get(chunk)?.add(offset) }.cast())
    }

    /// The addresses of all elements in order.
    pub fn iter(&self) -> impl Iterator<Item = NonNull<T>> + '_ {
        (0..self.len as u32).filter_map(|index| self.get(index))
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for element in self.iter() {
            // SAFETY: initialised, and dropped only here.
            unsafe { element.drop_in_place() };
        }
        for (chunk, start) in self.chunks.iter().enumerate() {
            let block = NonNull::slice_from_raw_parts(start, FIRST << chunk);
            // SAFETY: leaked by `push` with this length, or allocated by `try_push` with its layout.
            drop(unsafe { Box::from_raw(block.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn elements_stay_where_they_are() {
        let mut arena = Arena::new();
        let addresses: Vec<_> = (0..1000u32).map(|n| arena.push(|i| (i, n)).unwrap()).collect();
        for (n, address) in addresses.iter().enumerate() {
            assert_eq!(arena.get(n as u32), Some(*address));
            // SAFETY: the element lives as long as the arena.
            assert_eq!(unsafe { *address.as_ptr() }, (n as u32, n as u32));
        }
        assert_eq!(arena.get(1000), None);
        assert_eq!(arena.iter().count(), 1000);
    }

    #[test]
    fn elements_are_dropped_once() {
        let counter = Rc::new(());
        let mut arena = Arena::new();
        for _ in 0..37 {
            arena.push(|_| Rc::clone(&counter)).unwrap();
        }
        assert_eq!(Rc::strong_count(&counter), 38);
        drop(arena);
        assert_eq!(Rc::strong_count(&counter), 1);
    }
}
