//! The heap of a store: which part of its memory is in use, and what takes from it.

use crate::funcs::FuncTable;
use crate::hosts::{HostTable, HostValue};
use crate::layout::{LONG_HEADER, LayoutTable, TypeLayout};
use crate::memory::{HeapMemory, store_word};
use crate::{AllocError, HeapCorrupted, HeapFull, HeapRef, Tracer};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use riser_abi::{BumpArea, FIRST_OBJECT, ObjectKind, header_of_kind, object_header};
use riser_ops::TypeId;

/// How large a heap may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapLimits {
    /// The most bytes of memory, both halves together; more than 4 GiB are never used.
    pub bytes_max: u64,
    /// The bytes that the first object takes, both halves together (the second is touched by the first
    /// collection). No object, no byte.
    pub bytes_first: u64,
}

impl HeapLimits {
    /// As much as references can address.
    pub const DEFAULT: HeapLimits = HeapLimits { bytes_max: 1 << 32, bytes_first: 512 << 10 };

    /// The most bytes of a half, a multiple of 8: two of them end before 2³², which 32 bits cannot hold. A heap
    /// of a few bytes is none.
    fn half_max(self) -> usize {
        let half = (self.bytes_max / 2).min((1 << 31) - 8) as usize & !7;
        if half < HALF_MIN { 0 } else { half }
    }

    fn half_first(self) -> usize {
        let half = (self.bytes_first / 2).min((1 << 31) - 8) as usize & !7;
        half.max(HALF_MIN).min(self.half_max())
    }
}

impl Default for HeapLimits {
    fn default() -> HeapLimits {
        HeapLimits::DEFAULT
    }
}

/// What takes part in allocating without a call: an object of a size that fits is at `next`, which moves behind it. Its
/// bytes must be written in full, since they are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bump {
    /// The first free byte, a multiple of 8.
    pub next: u32,
    /// The byte after the last free one.
    pub end: u32,
}

/// The bytes that a value of the host takes.
pub const EXTERN_BYTES: usize = LONG_HEADER as usize;

/// The first place for an object: 0 is null.
const FIRST: usize = FIRST_OBJECT as usize;

/// No half is smaller, so that there are two, and at different places.
const HALF_MIN: usize = 64;

/// See the crate's documentation.
#[derive(Debug)]
pub struct Heap<M = Vec<u8>> {
    pub(crate) memory: M,
    pub(crate) layouts: LayoutTable,
    pub(crate) funcs: FuncTable,
    pub(crate) hosts: HostTable,
    limits: HeapLimits,
    /// The bytes of a half, 0 before the first object: objects lie in `FIRST..half` or `half..2 * half - FIRST`.
    half: usize,
    /// Where the half in use begins.
    pub(crate) start: usize,
    end: usize,
    /// Where the next object goes, unless the memory has a place for that.
    own_bump: BumpArea,
    /// A collection has not come to its end: what is where, nobody knows.
    pub(crate) broken: bool,
    stress: bool,
    /// Nothing may be made, moved or noted: code waits where it relies on what it has read.
    frozen: bool,
    /// There was no allocation since the last collection.
    collected: bool,
    collections: u64,
}

impl Heap {
    /// An empty heap with [`HeapLimits::DEFAULT`].
    pub fn new() -> Heap {
        Heap::with_limits(HeapLimits::DEFAULT)
    }

    /// An empty heap.
    pub fn with_limits(limits: HeapLimits) -> Heap {
        Heap::with_memory(Vec::new(), limits)
    }
}

impl Default for Heap {
    fn default() -> Heap {
        Heap::new()
    }
}

impl<M: HeapMemory> Heap<M> {
    /// An empty heap in memory of the caller's, whose content is of no meaning.
    pub fn with_memory(memory: M, limits: HeapLimits) -> Heap<M> {
        let heap = Heap {
            memory,
            layouts: LayoutTable::default(),
            funcs: FuncTable::default(),
            hosts: HostTable::default(),
            limits,
            half: 0,
            start: FIRST,
            end: FIRST,
            own_bump: BumpArea::default(),
            broken: false,
            stress: false,
            frozen: false,
            collected: false,
            collections: 0,
        };
        heap.set_place(FIRST);
        heap.publish_end();
        heap
    }

    #[inline]
    fn area(&self) -> &BumpArea {
        self.memory.bump().unwrap_or(&self.own_bump)
    }

    /// Where the next object goes.
    #[inline]
    pub(crate) fn next(&self) -> usize {
        self.area().next.load(Ordering::Relaxed) as usize
    }

    #[inline]
    fn set_place(&self, next: usize) {
        self.area().next.store(next as u32, Ordering::Relaxed);
    }

    /// The bytes up to the end of the half in use.
    #[inline]
    fn room(&self) -> usize {
        self.end.saturating_sub(self.next())
    }

    /// Tells code how far it may allocate: to be called whenever that changes.
    fn publish_end(&self) {
        let end = if self.stress || self.broken || self.frozen { 0 } else { self.end };
        self.area().end.store(end as u32, Ordering::Relaxed);
    }

    /// The limits.
    pub fn limits(&self) -> HeapLimits {
        self.limits
    }

    /// Sets the limits. What is larger already stays so.
    pub fn set_limits(&mut self, limits: HeapLimits) {
        self.limits = limits;
    }

    /// Whether each allocation wants a collection before it, and each collection overwrites what it leaves: whoever
    /// keeps a reference that is no root finds out.
    pub fn set_stress(&mut self, stress: bool) {
        self.stress = stress;
        // Code may have allocated since the last collection.
        self.collected = false;
        self.publish_end();
    }

    /// Whether no object can be made, nothing is collected, and no function is given a number; objects can be read and
    /// written. Gives what it was before.
    pub fn set_frozen(&mut self, frozen: bool) -> bool {
        let before = core::mem::replace(&mut self.frozen, frozen);
        self.publish_end();
        before
    }

    /// The layouts of the types that objects have.
    #[inline]
    pub fn layouts(&self) -> &LayoutTable {
        &self.layouts
    }

    /// The layouts of the types that objects have. All types of objects must be added.
    #[inline]
    pub fn layouts_mut(&mut self) -> &mut LayoutTable {
        &mut self.layouts
    }

    /// The functions that stand in fields.
    #[inline]
    pub fn funcs(&self) -> &FuncTable {
        &self.funcs
    }

    /// The number of a function, 0 for null, which is 0.
    ///
    /// # Errors
    /// If there is no memory to note it, or the heap is frozen and does not know the function.
    #[inline]
    pub fn intern(&mut self, func: u64) -> Result<u32, HeapFull> {
        if self.frozen {
            return self.funcs.number(func).ok_or(HeapFull);
        }
        let known = self.funcs.all().len();
        let number = self.funcs.intern(func)?;
        if self.funcs.all().len() != known {
            self.memory.publish_funcs(self.funcs.all());
        }
        Ok(number)
    }

    /// The memory, which grows and moves with allocations and collections.
    #[inline]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// The memory. Anything may be written to it: see *Trust* in the crate's documentation.
    #[inline]
    pub fn memory_mut(&mut self) -> &mut M {
        &mut self.memory
    }

    /// The bytes that objects take, dead ones included.
    pub fn used(&self) -> usize {
        self.next().saturating_sub(self.start)
    }

    /// The bytes that objects can take before the next collection.
    pub fn capacity(&self) -> usize {
        self.end - self.start
    }

    /// The bytes of both halves.
    pub fn size(&self) -> u64 {
        self.half as u64 * 2
    }

    /// The bytes of both halves that would do for what is in the heap and `bytes` more, if there were no limit: so many
    /// that at most half of one is in use.
    pub fn wanted_size(&self, bytes: usize) -> u64 {
        let max = HeapLimits { bytes_max: 1 << 32, ..self.limits };
        let half = if self.half == 0 { max.half_first() } else { self.half };
        grown(half, self.used().saturating_add(bytes), max.half_max()) as u64 * 2
    }

    /// Grows as far as what is in the heap and `bytes` more make desirable, and the limits allow. Not always possible
    /// without a collection.
    pub fn enlarge(&mut self, bytes: usize) {
        if self.half > 0 && !self.broken {
            self.extend(self.wanted_half(bytes));
        }
    }

    /// The number of collections so far.
    pub fn collections(&self) -> u64 {
        self.collections
    }

    /// The number of values of the host, those behind objects that died since the last collection included.
    pub fn host_values(&self) -> usize {
        self.hosts.len()
    }

    /// Where the next object goes. Without room whenever an allocation must come here.
    #[inline]
    pub fn bump(&self) -> Bump {
        let next = self.next();
        let end = if self.stress || self.broken || self.frozen { next } else { self.end };
        Bump { next: next as u32, end: end as u32 }
    }

    /// Takes note of allocations that happened without a call.
    ///
    /// # Errors
    /// If `next` lies before the present one or after the end, or is not a multiple of 8; nothing has changed
    /// then.
    pub fn set_next(&mut self, next: u32) -> Result<(), HeapCorrupted> {
        let next = next as usize;
        if next < self.next() || next > self.end || !next.is_multiple_of(8) {
            return Err(HeapCorrupted);
        }
        self.collected &= next == self.next();
        self.set_place(next);
        Ok(())
    }

    /// Whether there is room for that many bytes.
    ///
    /// # Errors
    /// What an allocation would give.
    pub fn ensure_room(&mut self, bytes: usize) -> Result<(), AllocError> {
        if self.broken {
            return Err(AllocError::Corrupted);
        }
        if self.frozen {
            return Err(AllocError::Full);
        }
        if self.stress && !self.collected {
            return Err(AllocError::NeedsCollection { bytes });
        }
        if bytes <= self.room() {
            return Ok(());
        }
        self.find_room(bytes)
    }

    /// A structure of a type, all fields 0 or null.
    ///
    /// # Errors
    /// See [`AllocError`].
    pub fn alloc_struct(&mut self, id: TypeId) -> Result<HeapRef, AllocError> {
        let size = self.layout(id, ObjectKind::Struct)?.size();
        self.alloc(object_header(ObjectKind::Struct, id), None, u64::from(size))
    }

    /// An array of a type, all elements 0 or null.
    ///
    /// # Errors
    /// See [`AllocError`].
    pub fn alloc_array(&mut self, id: TypeId, len: u32) -> Result<HeapRef, AllocError> {
        let size = self.layout(id, ObjectKind::Array)?.array_size(len);
        self.alloc(object_header(ObjectKind::Array, id), Some(len), size)
    }

    /// An exception whose tag has the function type `id`, all values 0 or null. What `tag` is, the caller knows.
    ///
    /// # Errors
    /// See [`AllocError`].
    pub fn alloc_exn(&mut self, id: TypeId, tag: u32) -> Result<HeapRef, AllocError> {
        let size = self.layout(id, ObjectKind::Exn)?.size();
        self.alloc(object_header(ObjectKind::Exn, id), Some(tag), u64::from(size))
    }

    /// Takes a value of the host, to be dropped after the collection that no longer finds it; the reference is a
    /// new one each time. Never asks for a collection, not even under [`Heap::set_stress`]: see [`Heap::ensure_room`].
    ///
    /// # Errors
    /// If there is no room without a collection.
    pub fn alloc_extern(&mut self, value: HostValue) -> Result<HeapRef, HeapFull> {
        if self.broken || self.frozen {
            return Err(HeapFull);
        }
        if self.room() < EXTERN_BYTES {
            match self.half {
                0 => self.begin(EXTERN_BYTES)?,
                half => self.extend(half.saturating_mul(2).min(self.limits.half_max())),
            }
        }
        if self.room() < EXTERN_BYTES {
            return Err(HeapFull);
        }
        let index = self.hosts.add(value)?;
        let word = header_of_kind(ObjectKind::Extern);
        self.take(word, Some(index), EXTERN_BYTES).map_err(|_| HeapFull)
    }

    /// The value behind a reference; `None` if it refers to something else.
    pub fn host_value(&self, at: HeapRef) -> Option<&HostValue> {
        self.hosts.get(self.host_index(at)?)
    }

    /// The value behind a reference; `None` if it refers to something else.
    pub fn host_value_mut(&mut self, at: HeapRef) -> Option<&mut HostValue> {
        self.hosts.get_mut(self.host_index(at)?)
    }

    /// Moves all that the roots lead to, forgets the rest, and makes room for `bytes` bytes. `roots` gives each
    /// root to the [`Tracer`] exactly once; it may be called twice.
    ///
    /// # Errors
    /// [`AllocError::Full`] if there is no room for `bytes`, also if there would be so little that the next collection
    /// followed at once. [`AllocError::Corrupted`] if the memory is damaged, or a root is: no object can be reached any more.
    pub fn collect(
        &mut self,
        bytes: usize,
        roots: &mut dyn FnMut(&mut Tracer<'_>),
    ) -> Result<(), AllocError> {
        if self.broken {
            return Err(AllocError::Corrupted);
        }
        if self.frozen {
            return Err(AllocError::Full);
        }
        if self.half == 0 {
            // There are no objects.
            self.collected = true;
            return if bytes == 0 { Ok(()) } else { Ok(self.begin(bytes)?) };
        }
        self.copy_live(roots)?;
        self.extend(self.wanted_half(bytes));
        if self.is_tight(bytes) && self.is_upper() && self.wanted_half(bytes) > self.half {
            // Only the lower half can be extended.
            self.copy_live(roots)?;
            self.extend(self.wanted_half(bytes));
        }
        self.collected = true;
        self.hosts.sweep();
        if self.is_tight(bytes) { Err(AllocError::Full) } else { Ok(()) }
    }

    /// Whether there is no room for `bytes`, or so little that the next collection would follow soon. Without the reserve,
    /// a guest whose live objects almost fill the heap would spend all time collecting. One in 64 was not tuned: a
    /// collection then costs at most 63 times what allocating the rest costs.
    fn is_tight(&self, bytes: usize) -> bool {
        let reserve = if bytes == 0 { 0 } else { self.capacity() / 64 };
        self.room() < bytes.saturating_add(reserve)
    }

    fn layout(&self, id: TypeId, kind: ObjectKind) -> Result<&TypeLayout, HeapCorrupted> {
        self.layouts.get(id).filter(|layout| layout.kind() == kind).ok_or(HeapCorrupted)
    }

    #[inline]
    fn alloc(&mut self, word: u32, second: Option<u32>, size: u64) -> Result<HeapRef, AllocError> {
        let size = usize::try_from(size).map_err(|_| AllocError::Full)?;
        self.ensure_room(size)?;
        Ok(self.take(word, second, size)?)
    }

    /// Writes an object to the room that there is.
    #[inline]
    fn take(
        &mut self,
        word: u32,
        second: Option<u32>,
        size: usize,
    ) -> Result<HeapRef, HeapCorrupted> {
        let at = self.next();
        let bytes = self.memory.bytes_mut().get_mut(at..at + size).ok_or(HeapCorrupted)?;
        bytes.fill(0);
        store_word(bytes, 0, word).ok_or(HeapCorrupted)?;
        if let Some(second) = second {
            store_word(bytes, 4, second).ok_or(HeapCorrupted)?;
        }
        self.set_place(at + size);
        self.collected = false;
        HeapRef::at(at).ok_or(HeapCorrupted)
    }

    /// Room where there is none: at the beginning, or never, or after a collection.
    #[cold]
    fn find_room(&mut self, bytes: usize) -> Result<(), AllocError> {
        let unlimited = HeapLimits { bytes_max: 1 << 32, ..self.limits };
        if bytes > unlimited.half_max() - FIRST {
            return Err(AllocError::Full);
        }
        // If the limits are too low, the collection says so. The caller may raise them first.
        match self.half {
            0 if bytes <= self.limits.half_max().saturating_sub(FIRST) => Ok(self.begin(bytes)?),
            _ => Err(AllocError::NeedsCollection { bytes }),
        }
    }

    /// Takes the first memory.
    fn begin(&mut self, bytes: usize) -> Result<(), HeapFull> {
        let first = self.limits.half_first();
        let half = grown(first, bytes, self.limits.half_max());
        if half.saturating_sub(FIRST) < bytes {
            return Err(HeapFull);
        }
        self.memory.grow(half).map_err(|_| HeapFull)?;
        self.half = half;
        self.end = half.max(FIRST);
        self.publish_end();
        Ok(())
    }

    fn is_upper(&self) -> bool {
        self.start != FIRST
    }

    /// How large a half should be for what is in it and `bytes` more: at most half full.
    fn wanted_half(&self, bytes: usize) -> usize {
        grown(self.half, self.used().saturating_add(bytes), self.limits.half_max())
    }

    /// Makes the lower half larger, if it is the one in use and there is memory.
    fn extend(&mut self, half: usize) {
        if half > self.half && !self.is_upper() && self.memory.grow(half).is_ok() {
            self.half = half;
            self.end = half;
            self.publish_end();
        }
    }

    /// Moves what is live to the other half.
    fn copy_live(&mut self, roots: &mut dyn FnMut(&mut Tracer<'_>)) -> Result<(), AllocError> {
        let to = if self.is_upper() { FIRST } else { self.half };
        let to_end = to + self.half - FIRST;
        self.memory.grow(to_end).map_err(|_| AllocError::Full)?;
        // Until the end is reached; that is not so after an error, and not after a panic of the caller's.
        self.broken = true;
        self.publish_end();
        self.hosts.unmark_all();
        let from = self.start..self.next();
        let bytes = self.memory.bytes_mut();
        let mut tracer =
            Tracer::new(bytes, &self.layouts, &mut self.hosts, from.clone(), to..to_end);
        roots(&mut tracer);
        let next = tracer.finish()?;
        if self.stress {
            self.memory.bytes_mut().get_mut(from).ok_or(HeapCorrupted)?.fill(0xAA);
        }
        self.start = to;
        self.set_place(next);
        self.end = to_end;
        self.broken = false;
        self.publish_end();
        self.collections += 1;
        Ok(())
    }
}

/// `half`, not 0 unless `max` is, doubled until `live` bytes take at most half of it, or until `max`.
fn grown(half: usize, live: usize, max: usize) -> usize {
    let mut half = half;
    while half < max && live.saturating_mul(2) > half - FIRST {
        half = half.saturating_mul(2).min(max);
    }
    half
}
