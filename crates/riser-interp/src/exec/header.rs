//! What a function looks like to its callers: its header.
//!
//! The headers of a module's defined functions stand in one row, which `VmCtx.code` points to. Before the row
//! lies what all of them share ([`Owner`]). The row is allocated as zeros, and zeros mean "not lowered", so
//! that functions which are never called cost nothing.

use crate::module::Shared;
use alloc::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use riser_abi::HostCall;

/// A function as its callers see it: what `FuncRef.entry` points to.
#[repr(C)]
pub(crate) struct FuncHeader {
    /// Its code; null until it is lowered.
    code: AtomicPtr<u8>,
    /// The bytes of stack that a call takes: frame and [`super::activation::Record`]. Written before `code`.
    frame_bytes: AtomicU32,
    /// How far behind `code` the table lies of what it catches, in bytes; 0 if it catches nothing. Written before
    /// `code`. [`HOST`] if this is the start of a [`HostEntry`].
    catches: AtomicU32,
}

/// In [`FuncHeader::catches`]: this is a host function.
const HOST: u32 = u32::MAX;

impl FuncHeader {
    /// The code, if the function is lowered.
    #[inline(always)]
    pub(crate) fn code(&self) -> *const u8 {
        self.code.load(Ordering::Acquire)
    }

    /// The bytes of stack that a call takes. Only after `code` gave the code.
    #[inline(always)]
    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes.load(Ordering::Relaxed) as usize
    }

    /// Whether this is the start of a [`HostEntry`].
    #[inline(always)]
    pub(super) fn is_host(&self) -> bool {
        self.catches.load(Ordering::Relaxed) == HOST
    }

    /// Where the table lies of what the function catches. Only after `code` gave the code, and not of a host function.
    #[inline(always)]
    pub(super) fn catches(&self) -> Option<*const u8> {
        let distance = self.catches.load(Ordering::Relaxed) as usize;
        (distance != 0).then(|| self.code().wrapping_add(distance))
    }

    /// Makes lowered code known.
    pub(crate) fn publish(&self, code: *const u8, frame_slots: u32, catches: Option<u32>) {
        self.catches.store(catches.unwrap_or(0), Ordering::Relaxed);
        let bytes = u64::from(frame_slots) * 8 + size_of::<super::activation::Record>() as u64;
        self.frame_bytes.store(u32::try_from(bytes).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.code.store(code.cast_mut(), Ordering::Release);
    }
}

/// What a module's headers share; it stands before the first of them.
#[repr(C, align(16))]
pub(super) struct Owner {
    pub(super) shared: *const Shared,
    /// Where a `VmCtx` has the pointer to memory 0; 0 if there is no memory.
    pub(super) memory0: u32,
}

/// The bytes before the first header.
const OWNER_BYTES: usize = size_of::<Owner>();

/// The owner of the headers that begin at `code_table`.
///
/// # Safety
///
/// `code_table` must be a live [`HeaderTable::first`].
#[inline(always)]
pub(super) unsafe fn owner<'a>(code_table: *const u8) -> &'a Owner {
    // SAFETY: `HeaderTable::new` put it there.
    unsafe { &*code_table.sub(OWNER_BYTES).cast::<Owner>() }
}

/// The headers of a module's defined functions.
#[derive(Debug)]
pub(crate) struct HeaderTable {
    block: NonNull<u8>,
    len: usize,
}

// SAFETY: the headers are atomics; the owner is written once, before the table is shared.
unsafe impl Send for HeaderTable {}
// SAFETY: as for `Send`.
unsafe impl Sync for HeaderTable {}

impl HeaderTable {
    /// Headers for `len` functions, none lowered.
    pub(crate) fn new(len: usize) -> HeaderTable {
        let layout = Self::layout(len);
        // SAFETY: the layout is not empty: the owner is part of it.
        let block = unsafe { alloc_zeroed(layout) };
        let block = NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout));
        HeaderTable { block, len }
    }

    fn layout(len: usize) -> Layout {
        let bytes = OWNER_BYTES + len * size_of::<FuncHeader>();
        // A module has at most ten million functions, so this is far below the largest layout.
        Layout::from_size_align(bytes, align_of::<Owner>())
            .expect("a module's functions fit memory")
    }

    /// Says whose headers these are. `shared` must not move and must outlive the table.
    pub(crate) fn set_owner(&mut self, shared: *const Shared, memory0: Option<u32>) {
        let owner = Owner { shared, memory0: memory0.unwrap_or(0) };
        // SAFETY: the block begins with room for it, and is borrowed exclusively.
        unsafe { self.block.cast::<Owner>().write(owner) };
    }

    /// The first header; the others follow.
    pub(crate) fn first(&self) -> *const u8 {
        // SAFETY: the owner is part of the block.
        unsafe { self.block.as_ptr().add(OWNER_BYTES) }
    }

    /// A header.
    pub(crate) fn get(&self, defined: usize) -> Option<&FuncHeader> {
        // SAFETY: there are `len` headers, and all zeros is a header.
        (defined < self.len).then(|| unsafe { &*self.first().cast::<FuncHeader>().add(defined) })
    }
}

impl Drop for HeaderTable {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.block.as_ptr(), Self::layout(self.len)) };
    }
}

/// The entry of a host function: what `FuncRef.entry` points to. It must not move while a `FuncRef` names it.
#[repr(C)]
pub struct HostEntry {
    header: FuncHeader,
    pub(super) call: HostCall,
    /// The slots that the call may touch: the larger of parameters and results.
    pub(super) slots: u32,
}

impl HostEntry {
    /// An entry for a host function whose parameters and results take that many slots.
    pub fn new(call: HostCall, params_slots: u32, results_slots: u32) -> HostEntry {
        let header = FuncHeader {
            code: AtomicPtr::new(ptr::null_mut()),
            frame_bytes: AtomicU32::new(0),
            catches: AtomicU32::new(HOST),
        };
        HostEntry { header, call, slots: params_slots.max(results_slots) }
    }

    /// What goes to `FuncRef.entry`.
    pub fn as_ptr(&self) -> *const u8 {
        (&raw const *self).cast()
    }
}

impl core::fmt::Debug for HostEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HostEntry").field("slots", &self.slots).finish_non_exhaustive()
    }
}
