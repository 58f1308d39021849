//! Values of the host that objects stand for.

use crate::HeapFull;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

/// A value of the host that a guest may hold but not look into.
pub type HostValue = Box<dyn Any + Send + Sync>;

/// The values by their index.
#[derive(Default)]
pub(crate) struct HostTable {
    entries: Vec<Entry>,
    /// Indices without a value; has room for all of them.
    free: Vec<u32>,
}

struct Entry {
    value: Option<HostValue>,
    /// Whether the running collection has met an object that stands for it.
    marked: bool,
}

impl HostTable {
    pub(crate) fn add(&mut self, value: HostValue) -> Result<u32, HeapFull> {
        let entry = Entry { value: Some(value), marked: false };
        if let Some(index) = self.free.pop() {
            self.entries[index as usize] = entry;
            return Ok(index);
        }
        let index = u32::try_from(self.entries.len()).map_err(|_| HeapFull)?;
        self.entries.try_reserve(1).map_err(|_| HeapFull)?;
        self.free.try_reserve(self.entries.len() + 1).map_err(|_| HeapFull)?;
        self.entries.push(entry);
        Ok(index)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&HostValue> {
        self.entries.get(index as usize)?.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut HostValue> {
        self.entries.get_mut(index as usize)?.value.as_mut()
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(crate) fn unmark_all(&mut self) {
        for entry in &mut self.entries {
            entry.marked = false;
        }
    }

    /// Notes that a value is still referred to; `None` if there is no such value.
    pub(crate) fn mark(&mut self, index: u32) -> Option<()> {
        let entry = self.entries.get_mut(index as usize)?;
        entry.value.as_ref()?;
        entry.marked = true;
        Some(())
    }

    /// Drops the values that are not marked. Their `drop` is foreign code: should it panic, the others are
    /// left for the next time.
    pub(crate) fn sweep(&mut self) {
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            if !entry.marked && entry.value.is_some() {
                let dead = entry.value.take();
                self.free.push(index as u32);
                drop(dead);
            }
        }
    }
}

impl fmt::Debug for HostTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostTable({} values)", self.len())
    }
}
