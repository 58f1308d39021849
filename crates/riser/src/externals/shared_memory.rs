//! Memories that stores on several threads have in common.

use super::memory::MemoryAccessError;
use crate::raw;
use crate::{Engine, Error, MemoryType, Result, Trap, ensure, format_err};
use core::cell::UnsafeCell;
use core::fmt;
use core::time::Duration;
use riser_vm::WaitResult;
use std::sync::Arc;

/// A linear memory of no store in particular: instances in several stores, on several threads, can import it.
/// Cloning gives another handle of the same memory.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let memory = SharedMemory::new(&engine, MemoryType::shared(1, 2))?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "memory" (memory 1 2 shared))
///     (func (export "add") (param i32) (result i32)
///         (i32.atomic.rmw.add (i32.const 0) (local.get 0))))"#)?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| -> Result<()> {
///             let mut store = Store::new(&engine, ());
///             let instance = Instance::new(&mut store, &module, &[memory.clone().into()])?;
///             let add = instance.get_typed_func::<i32, i32>(&mut store, "add")?;
///             add.call(&mut store, 10)?;
///             Ok(())
///         });
///     }
/// });
/// // The host's own code is a further instance here; it could also use the bytes as atomics.
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[memory.into()])?;
/// let add = instance.get_typed_func::<i32, i32>(&mut store, "add")?;
/// assert_eq!(add.call(&mut store, 0)?, 40);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SharedMemory {
    vm: Arc<riser_vm::SharedMemory>,
    engine: Engine,
}

impl SharedMemory {
    /// A memory of the type's smallest size, all zero. Its address space is taken at once, up to the type's
    /// largest size, so that it never moves.
    ///
    /// # Errors
    /// If the type is not shared, [`Config::shared_memory`](crate::Config::shared_memory) is off, or the system refuses
    /// the memory.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        ensure!(ty.is_shared(), "the type of a shared memory must be shared");
        SharedMemory::check_allowed(engine)?;
        let guards = engine.compiled().is_some_and(|compiled| compiled.guards());
        let vm = Arc::new(riser_vm::SharedMemory::new(ty.to_module(), guards)?);
        Ok(SharedMemory { vm, engine: engine.clone() })
    }

    /// Whether the engine allows shared memories to be made.
    ///
    /// # Errors
    /// If not.
    pub(crate) fn check_allowed(engine: &Engine) -> Result<()> {
        ensure!(engine.config().shared_memory, "shared memories are disabled in this engine");
        Ok(())
    }

    pub(crate) fn of(engine: &Engine, vm: Arc<riser_vm::SharedMemory>) -> SharedMemory {
        SharedMemory { vm, engine: engine.clone() }
    }

    pub(crate) fn vm(&self) -> &Arc<riser_vm::SharedMemory> {
        &self.vm
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The memory's type, with the smallest size that it was made with.
    pub fn ty(&self) -> MemoryType {
        MemoryType::of(*self.vm.memory().ty())
    }

    /// The size in pages. Another thread may grow it at any moment.
    pub fn size(&self) -> u64 {
        self.vm.memory().pages()
    }

    /// The size of a page in bytes.
    pub fn page_size(&self) -> u64 {
        self.vm.memory().ty().page_size()
    }

    /// The size in bytes. Another thread may grow it at any moment.
    pub fn data_size(&self) -> usize {
        self.vm.memory().len()
    }

    /// The bytes that there are now. They never move, and growing leaves them valid.
    ///
    /// Other threads may read and write them at any moment: access them through raw pointers, as atomics.
    pub fn data(&self) -> &[UnsafeCell<u8>] {
        raw::shared_memory_data(&self.vm)
    }

    /// Copies bytes from `offset` on into the buffer, each as it is at some moment while this runs: other threads may
    /// write at the same time.
    ///
    /// # Errors
    /// If they are not all there.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryAccessError> {
        if self.vm.read(offset, buffer) { Ok(()) } else { Err(MemoryAccessError {}) }
    }

    /// Copies the buffer to `offset`, one byte after the other: other threads may see a part of it.
    ///
    /// # Errors
    /// If there is no room for all of it; then nothing is written.
    pub fn write(&self, offset: u64, buffer: &[u8]) -> Result<(), MemoryAccessError> {
        if self.vm.write(offset, buffer) { Ok(()) } else { Err(MemoryAccessError {}) }
    }

    /// Grows by `delta` pages: the old size in pages.
    ///
    /// # Errors
    /// If the type does not allow that, or the system refuses the memory.
    pub fn grow(&self, delta: u64) -> Result<u64> {
        let grown: Option<u64> = self.vm.grow(delta);
        grown.ok_or_else(|| -> Error { format_err!("failed to grow memory by `{delta}`") })
    }

    /// Wakes at most `count` threads that wait at `addr`, in guests or hosts: how many it woke.
    ///
    /// # Errors
    /// If `addr` is beyond the end, or not a multiple of 4.
    pub fn atomic_notify(&self, addr: u64, count: u32) -> Result<u32, Trap> {
        Ok(self.vm.memory().atomic_notify(addr, count)?)
    }

    /// Blocks this thread until it is notified or `timeout` has passed, unless there is not `expected` at `addr`.
    ///
    /// # Errors
    /// If `addr` is beyond the end, or not a multiple of 4.
    pub fn atomic_wait32(
        &self,
        addr: u64,
        expected: u32,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Trap> {
        Ok(self.vm.memory().atomic_wait32(addr, expected, timeout)?)
    }

    /// The same for 64 bits.
    ///
    /// # Errors
    /// If `addr` is beyond the end, or not a multiple of 8.
    pub fn atomic_wait64(
        &self,
        addr: u64,
        expected: u64,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Trap> {
        Ok(self.vm.memory().atomic_wait64(addr, expected, timeout)?)
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory").field("ty", &self.ty()).finish_non_exhaustive()
    }
}
