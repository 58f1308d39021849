//! Linear memories.

use crate::raw::{self, StoreId};
use crate::{
    AsContext, AsContextMut, MemoryType, Result, StoreContext, StoreContextMut, format_err,
};
use core::fmt;
use riser_vm::MemoryId;

/// A linear memory of a store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let memory = Memory::new(&mut store, MemoryType::new(1, Some(2)))?;
/// memory.write(&mut store, 10, b"abc")?;
/// assert_eq!(&memory.data(&store)[10..13], b"abc");
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert!(memory.grow(&mut store, 1).is_err());
/// assert_eq!(memory.data_size(&store), 2 * 65536);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub(crate) store: StoreId,
    pub(crate) id: MemoryId,
}

/// A read or write beyond the end of a memory.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
/// let error: MemoryAccessError = memory.write(&mut store, 65535, b"ab").unwrap_err();
/// assert_eq!(error.to_string(), "out of bounds memory access");
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct MemoryAccessError {}

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds memory access")
    }
}

impl core::error::Error for MemoryAccessError {}

impl Memory {
    /// A memory of the type's smallest size, all zero.
    ///
    /// # Errors
    /// If the type is shared (that takes a [`SharedMemory`](crate::SharedMemory)), or if the store's limits or the system
    /// refuse the memory.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        if ty.is_shared() {
            crate::bail!("a shared memory must be made as a `SharedMemory`");
        }
        let mut store = store.as_context_mut();
        let id = raw::memory_new(&mut store, &ty)?;
        Ok(Memory { store: store.opaque().id(), id })
    }

    fn vm<'a>(&self, store: &'a raw::StoreOpaque) -> &'a riser_vm::Memory {
        store.check(self.store);
        store.vm.memory(self.id)
    }

    /// The memory's type. The minimum is its size now.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        let store = store.as_context();
        let memory = self.vm(store.opaque());
        let mut ty = *memory.ty();
        ty.limits.min = memory.pages();
        MemoryType::of(ty)
    }

    /// Copies from the memory.
    ///
    /// # Errors
    /// If the range is not all in the memory; nothing is copied then.
    pub fn read(
        &self,
        store: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), MemoryAccessError> {
        let store = store.as_context();
        let from = self.data(&store).get(offset..).and_then(|data| data.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(MemoryAccessError {})?);
        Ok(())
    }

    /// Copies into the memory.
    ///
    /// # Errors
    /// If the range is not all in the memory; nothing is copied then.
    pub fn write(
        &self,
        mut store: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), MemoryAccessError> {
        let mut store = store.as_context_mut();
        let data = self.data_mut(&mut store);
        let to = data.get_mut(offset..).and_then(|data| data.get_mut(..buffer.len()));
        to.ok_or(MemoryAccessError {})?.copy_from_slice(buffer);
        Ok(())
    }

    /// The content.
    ///
    /// # Panics
    /// If the memory is of another store; the same for the other methods.
    #[inline]
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        let opaque = store.into().opaque();
        opaque.check(self.store);
        opaque.vm.memory_data(self.id)
    }

    /// The content.
    #[inline]
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> &'a mut [u8] {
        self.data_and_store_mut(store).0
    }

    /// The content and the host's data, borrowed side by side.
    #[inline]
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let store = store.into().0;
        store.opaque.check(self.store);
        (store.opaque.vm.memory_data_mut(self.id), &mut store.data)
    }

    /// The address of the first byte. It may change when the memory grows.
    pub fn data_ptr(&self, store: impl AsContext) -> *mut u8 {
        self.vm(store.as_context().opaque()).base()
    }

    /// The size in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        self.vm(store.as_context().opaque()).len()
    }

    /// The size in pages.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.vm(store.as_context().opaque()).pages()
    }

    /// The size of a page in bytes.
    pub fn page_size(&self, store: impl AsContext) -> u64 {
        self.vm(store.as_context().opaque()).ty().page_size()
    }

    /// The binary logarithm of the size of a page.
    pub fn page_size_log2(&self, store: impl AsContext) -> u8 {
        self.vm(store.as_context().opaque()).ty().page_size_log2 as u8
    }

    /// Grows by `delta` pages: the old size in pages.
    ///
    /// # Errors
    /// If the type or the store's limits do not allow that, or the system refuses the memory.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::memory_grow(&mut store, self.id, delta)?
            .ok_or_else(|| format_err!("failed to grow memory by `{delta}`"))
    }
}
