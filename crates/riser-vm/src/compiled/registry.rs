//! Which function an address of code belongs to, for the whole process.
//!
//! Looking up takes no lock and allocates nothing, since signal handlers do it. Readers see a sorted list of ranges, which
//! is never changed: who adds or removes a range makes a new list, and frees the old one when nobody reads.

use super::image::CodeImage;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use riser_code::{CodeTables, Position};
use std::sync::{Arc, Mutex, PoisonError};

/// Whose code it is: the address of something that the embedder of this crate knows, only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeOwner(pub usize);

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// A function of a module, counted from the first defined one.
    Function(u32),
    /// The way from the host into code: the end of an activation's chain of frames.
    Entry,
    /// The way from code to a host function.
    Host,
    /// Where a function begins that has no code yet, or whose code is found in a table.
    Stub,
}

/// A piece of code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub start: usize,
    pub end: usize,
    pub kind: CodeKind,
    pub owner: CodeOwner,
    tables: NonNull<[u8]>,
}

impl Function {
    /// # Safety
    /// The tables are valid as long as the code is registered.
    pub unsafe fn new(
        code: (*const u8, usize),
        kind: CodeKind,
        owner: CodeOwner,
        tables: NonNull<[u8]>,
    ) -> Function {
        Function { start: code.0.addr(), end: code.0.addr() + code.1, kind, owner, tables }
    }

    /// Its tables.
    ///
    /// # Safety
    /// The code is still registered, as that of frames is.
    pub unsafe fn tables<'a>(&self) -> CodeTables<'a> {
        // SAFETY: the promise of `new`, and the caller's.
        CodeTables::new(unsafe { self.tables.as_ref() })
    }

    /// Of a trampoline: whether control is on its way to code at an address, and past the look at the mark. (There the frame of an entry is
    /// complete.)
    pub fn goes_to_code(&self, pc: usize) -> bool {
        // SAFETY: the code runs, so it is registered.
        let tables = unsafe { self.tables() };
        let offset = self.offset(pc);
        // An entry comes back from code too.
        let is_before = || tables.calls().all(|call| offset < call.offset());
        tables.position_at(offset) == Some(Position::TO_CODE)
            && (self.kind != CodeKind::Entry || is_before())
    }

    /// The place of an address in the code.
    pub fn offset(&self, pc: usize) -> u32 {
        (pc - self.start) as u32
    }
}

/// The functions in one piece of executable memory, by address. Only grows.
#[derive(Debug, Default)]
pub(crate) struct FunctionList {
    /// Segment `k` has room for `FIRST << k` functions.
    segments: [AtomicPtr<Function>; 24],
    len: AtomicUsize,
}

const FIRST: usize = 64;

/// The segment of a position, and the place in it.
fn place(at: usize) -> (usize, usize) {
    let segment = (at / FIRST + 1).ilog2() as usize;
    (segment, at + FIRST - (FIRST << segment))
}

impl FunctionList {
    /// Adds a function behind all others. Callers come one after the other.
    pub fn push(&self, function: Function) {
        let len = self.len.load(Ordering::Relaxed);
        let (segment, at) = place(len);
        let mut items = self.segments[segment].load(Ordering::Relaxed);
        if items.is_null() {
            let room = Vec::<Function>::with_capacity(FIRST << segment);
            items = room.leak().as_mut_ptr();
            self.segments[segment].store(items, Ordering::Release);
        }
        // SAFETY: the segment has room for this place, which nobody reads before the length says so.
        unsafe { items.add(at).write(function) };
        self.len.store(len + 1, Ordering::Release);
    }

    fn get(&self, at: usize) -> Function {
        let (segment, at) = place(at);
        // SAFETY: only asked for places below the length, which were written before it was raised.
        unsafe { *self.segments[segment].load(Ordering::Acquire).add(at) }
    }

    /// The function that contains an address.
    fn find(&self, pc: usize) -> Option<Function> {
        let (mut low, mut high) = (0, self.len.load(Ordering::Acquire));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).start <= pc {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let found = self.get(low.checked_sub(1)?);
        (pc < found.end).then_some(found)
    }
}

impl Drop for FunctionList {
    fn drop(&mut self) {
        for (at, segment) in self.segments.iter_mut().enumerate() {
            let items = *segment.get_mut();
            if !items.is_null() {
                // SAFETY: leaked by `push` with this capacity; functions need no drop.
                drop(unsafe { Vec::from_raw_parts(items, 0, FIRST << at) });
            }
        }
    }
}

/// A range of executable memory.
#[derive(Clone)]
struct Range {
    start: usize,
    end: usize,
    functions: Functions,
}

/// The functions of a range.
#[derive(Clone)]
pub(crate) enum Functions {
    /// They come one after the other.
    List(Arc<FunctionList>),
    /// They are those of an image, whose owner stands beside it.
    Image(Arc<CodeImage>, CodeOwner),
    /// They are stubs.
    Stubs,
}

impl Functions {
    fn find(&self, pc: usize) -> Option<Function> {
        match self {
            Functions::List(list) => list.find(pc),
            Functions::Image(image, owner) => image.find(pc, *owner),
            Functions::Stubs => {
                let (kind, owner, tables) = (CodeKind::Stub, CodeOwner(0), NonNull::from(&[]));
                Some(Function { start: pc, end: pc + 1, kind, owner, tables })
            }
        }
    }
}

/// The ranges, sorted. Null for none.
static RANGES: AtomicPtr<Vec<Range>> = AtomicPtr::new(ptr::null_mut());
/// How many look into `RANGES` now.
static READERS: AtomicUsize = AtomicUsize::new(0);
/// Held by who changes `RANGES`.
static WRITER: Mutex<()> = Mutex::new(());

/// The function that contains an address. For signal handlers too.
pub(crate) fn find(pc: usize) -> Option<Function> {
    READERS.fetch_add(1, Ordering::SeqCst);
    let ranges = RANGES.load(Ordering::SeqCst);
    // SAFETY: null, or a list that is not freed while somebody reads.
    let found = unsafe { ranges.as_ref() }.and_then(|ranges| {
        let at = ranges.partition_point(|range| range.start <= pc).checked_sub(1)?;
        let range = &ranges[at];
        if pc < range.end { range.functions.find(pc) } else { None }
    });
    READERS.fetch_sub(1, Ordering::SeqCst);
    found
}

/// The function that a frame which goes on at `pc` is of. (A call may be the last instruction of a function.)
pub(crate) fn find_return(pc: usize) -> Option<Function> {
    find(pc.wrapping_sub(1))
}

/// Changes the ranges.
fn change(edit: impl FnOnce(&mut Vec<Range>)) {
    let _writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    let old = RANGES.load(Ordering::SeqCst);
    // SAFETY: null, or a list that only the holder of the lock frees.
    let mut ranges = unsafe { old.as_ref() }.cloned().unwrap_or_default();
    edit(&mut ranges);
    RANGES.store(Box::into_raw(Box::new(ranges)), Ordering::SeqCst);
    if old.is_null() {
        return;
    }
    // Reading is short, and a handler that interrupts this thread has read to its end before this goes on.
    while READERS.load(Ordering::SeqCst) != 0 {
        core::hint::spin_loop();
    }
    // SAFETY: made by an earlier call; whoever reads from now on has the new list.
    drop(unsafe { Box::from_raw(old) });
}

/// Makes the functions of a range known.
pub(crate) fn add(range: core::ops::Range<usize>, functions: Functions) {
    change(|ranges| {
        let at = ranges.partition_point(|other| other.start < range.start);
        ranges.insert(at, Range { start: range.start, end: range.end, functions });
    });
}

/// Forgets ranges.
pub(crate) fn remove(starts: &[usize]) {
    if !starts.is_empty() {
        change(|ranges| ranges.retain(|range| !starts.contains(&range.start)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(start: usize, len: usize) -> Function {
        let code = (ptr::without_provenance(start), len);
        // SAFETY: nobody asks for the tables.
        unsafe { Function::new(code, CodeKind::Entry, CodeOwner(7), NonNull::from(&[])) }
    }

    #[test]
    fn addresses_are_found_while_ranges_come_and_go() {
        const BASE: usize = 1 << 50;
        let list = Arc::new(FunctionList::default());
        (0..1000).for_each(|at| list.push(function(BASE + at * 64, 48)));
        add(BASE..BASE + 64_000, Functions::List(list.clone()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..200 {
                    let start = BASE + round * (1 << 20);
                    add(start..start + 64, Functions::List(Arc::default()));
                    remove(&[start]);
                }
            });
            for _ in 0..20 {
                for at in 0..1000 {
                    let start = BASE + at * 64;
                    assert_eq!(find(start + 47).map(|found| found.start), Some(start));
                    assert!(find(start + 48).is_none());
                }
            }
        });
        assert!(find(BASE - 1).is_none() && find(BASE + 64_000).is_none());
        remove(&[BASE]);
        assert!(find(BASE).is_none());
    }
}
