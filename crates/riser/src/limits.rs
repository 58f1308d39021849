//! Limits on what the guests of a store may take.

use crate::{Error, Result, bail};

/// How many instances a store may have, unless its [`ResourceLimiter`] says otherwise.
pub const DEFAULT_INSTANCE_LIMIT: usize = 10_000;
/// The same for tables.
pub const DEFAULT_TABLE_LIMIT: usize = 10_000;
/// The same for memories.
pub const DEFAULT_MEMORY_LIMIT: usize = 10_000;

/// Decides how much memory the guests of a store may take; [`Store::limiter`](crate::Store::limiter) installs one.
/// [`StoreLimits`] is one that most embedders need no other than.
///
/// It is asked when a memory or a table is made (by a guest or by the host; then `current` is 0), and when one
/// grows. Growing by nothing is always allowed.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// /// So many bytes for all memories together.
/// struct Budget(usize);
///
/// impl ResourceLimiter for Budget {
///     fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
///         let Some(left) = self.0.checked_sub(desired - current) else { return Ok(false) };
///         self.0 = left;
///         Ok(true)
///     }
///
///     fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
///         Ok(desired <= 1000)
///     }
/// }
///
/// let mut store = Store::new(&Engine::default(), Budget(3 << 16));
/// store.limiter(|budget| budget);
/// let first = Memory::new(&mut store, MemoryType::new(2, None))?;
/// assert!(Memory::new(&mut store, MemoryType::new(2, None)).is_err());
/// assert!(first.grow(&mut store, 1).is_ok());
/// # Ok(()) }
/// ```
pub trait ResourceLimiter: Send {
    /// Whether a memory may grow from `current` to `desired` bytes. `maximum` is what its type allows, if it
    /// says; `desired` may be more than that.
    ///
    /// With `false`, the guest's `memory.grow` gives -1.
    ///
    /// # Errors
    /// If the limiter wants execution to end. The call of the guest gives the error.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool>;

    /// Hears that a memory did not grow although [`ResourceLimiter::memory_growing`] allowed it, since its type or
    /// the system did not.
    ///
    /// # Errors
    /// If the limiter wants execution to end; else the guest's `memory.grow` gives -1.
    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// Whether a table may grow from `current` to `desired` elements; otherwise as for memories.
    ///
    /// # Errors
    /// As for memories.
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool>;

    /// Hears that a table did not grow although it was allowed to.
    ///
    /// # Errors
    /// As for memories.
    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// How many instances the store may have. 10,000 by default.
    fn instances(&self) -> usize {
        DEFAULT_INSTANCE_LIMIT
    }

    /// How many tables the store may have, those that the host made included. 10,000 by default.
    fn tables(&self) -> usize {
        DEFAULT_TABLE_LIMIT
    }

    /// How many memories the store may have, those that the host made included. 10,000 by default.
    fn memories(&self) -> usize {
        DEFAULT_MEMORY_LIMIT
    }
}

/// A [`ResourceLimiter`] with fixed limits, made by [`StoreLimitsBuilder`].
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let limits = StoreLimitsBuilder::new().memory_size(1 << 20).instances(1).build();
/// let mut store = Store::new(&engine, limits);
/// store.limiter(|limits| limits);
/// let small = Module::new(&engine, "(module (memory 16))")?;
/// let large = Module::new(&engine, "(module (memory 17))")?;
/// assert!(Instance::new(&mut store, &large, &[]).is_err());
/// // The one that failed counts.
/// assert!(Instance::new(&mut store, &small, &[]).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            memory_size: None,
            table_elements: None,
            instances: DEFAULT_INSTANCE_LIMIT,
            tables: DEFAULT_TABLE_LIMIT,
            memories: DEFAULT_MEMORY_LIMIT,
            trap_on_grow_failure: false,
        }
    }
}

impl StoreLimits {
    fn growing(&self, what: &str, desired: usize, limits: [Option<usize>; 2]) -> Result<bool> {
        let is_allowed = limits.into_iter().flatten().all(|limit| desired <= limit);
        if !is_allowed && self.trap_on_grow_failure {
            bail!("growing a {what} to {desired} is not allowed, and was asked to trap");
        }
        Ok(is_allowed)
    }

    fn failed(&self, what: &str, error: Error) -> Result<()> {
        if self.trap_on_grow_failure {
            return Err(error.context(format!("growing a {what} failed, and was asked to trap")));
        }
        Ok(())
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.growing("memory", desired, [self.memory_size, maximum])
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed("memory", error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.growing("table", desired, [self.table_elements, maximum])
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed("table", error)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

/// Makes [`StoreLimits`].
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let limits = StoreLimitsBuilder::new().table_elements(10).trap_on_grow_failure(true).build();
/// let mut store = Store::new(&Engine::default(), limits);
/// store.limiter(|limits| limits);
/// let ty = TableType::new(RefType::FUNCREF, 11, None);
/// assert!(Table::new(&mut store, ty, Ref::Func(None)).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// No limits on sizes, 10,000 instances, memories and tables.
    pub fn new() -> StoreLimitsBuilder {
        StoreLimitsBuilder::default()
    }

    /// The most bytes that each memory may have.
    pub fn memory_size(mut self, limit: usize) -> Self {
        self.0.memory_size = Some(limit);
        self
    }

    /// The most elements that each table may have.
    pub fn table_elements(mut self, limit: usize) -> Self {
        self.0.table_elements = Some(limit);
        self
    }

    /// The most instances that the store may have.
    pub fn instances(mut self, limit: usize) -> Self {
        self.0.instances = limit;
        self
    }

    /// The most tables that the store may have.
    pub fn tables(mut self, limit: usize) -> Self {
        self.0.tables = limit;
        self
    }

    /// The most memories that the store may have.
    pub fn memories(mut self, limit: usize) -> Self {
        self.0.memories = limit;
        self
    }

    /// Whether a guest's `memory.grow` or `table.grow` that is not granted ends the call with an error, instead of
    /// giving -1.
    pub fn trap_on_grow_failure(mut self, trap: bool) -> Self {
        self.0.trap_on_grow_failure = trap;
        self
    }

    /// The limits.
    pub fn build(self) -> StoreLimits {
        self.0
    }
}
