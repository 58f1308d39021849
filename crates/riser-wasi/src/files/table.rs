//! A table of what is open, numbered from 0, each new item under the lowest free number.

use std::collections::BTreeSet;

use crate::error::{ErrorCode, Result};

/// How many things a guest may have open at once: as many as Linux gives a process at most by default, so that
/// the host's own limit is usually met first.
const ITEMS_MAX: usize = 1 << 20;

/// Items under small numbers.
#[derive(Debug)]
pub(crate) struct Table<T> {
    items: Vec<Option<T>>,
    /// The numbers below `items.len()` that are free.
    free: BTreeSet<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: BTreeSet::new() }
    }
}

impl<T> Table<T> {
    /// Puts an item under the lowest free number.
    pub(crate) fn insert(&mut self, item: T) -> Result<u32> {
        if let Some(number) = self.free.pop_first() {
            self.items[number as usize] = Some(item);
            return Ok(number);
        }
        if self.items.len() >= ITEMS_MAX {
            return Err(ErrorCode::TooManyOpenFiles);
        }
        self.items.push(Some(item));
        Ok(self.items.len() as u32 - 1)
    }

    /// The item under a number.
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.items.get(number as usize)?.as_ref()
    }

    /// Takes an item out.
    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        let item = self.items.get_mut(number as usize)?.take()?;
        self.free.insert(number);
        Some(item)
    }

    /// Moves an item to a number that is in use, and returns what was there. Both must be in use.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Option<T> {
        self.get(to)?;
        if from == to {
            return None;
        }
        let item = self.remove(from)?;
        self.items[to as usize].replace(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_used_first() {
        let mut table = Table::default();
        for item in 'a'..='d' {
            table.insert(item).unwrap();
        }
        assert_eq!(table.remove(2), Some('c'));
        assert_eq!(table.remove(0), Some('a'));
        assert_eq!(table.remove(0), None);
        assert_eq!(table.insert('e'), Ok(0));
        assert_eq!(table.insert('f'), Ok(2));
        assert_eq!(table.insert('g'), Ok(4));
        assert_eq!(table.get(3), Some(&'d'));
        assert_eq!(table.get(u32::MAX), None);
    }

    #[test]
    fn renumbering_frees_the_old_number() {
        let mut table = Table::default();
        for item in 'a'..='c' {
            table.insert(item).unwrap();
        }
        assert_eq!(table.renumber(0, 2), Some('c'));
        assert_eq!(table.get(0), None);
        assert_eq!(table.get(2), Some(&'a'));
        assert_eq!(table.renumber(0, 2), None);
        assert_eq!(table.get(2), Some(&'a'));
        assert_eq!(table.renumber(1, 1), None);
        assert_eq!(table.get(1), Some(&'b'));
    }
}
