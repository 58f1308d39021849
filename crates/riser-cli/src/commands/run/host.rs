//! What the store holds for the host: the grants, and the limits with what was taken of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use riser::{Error, ResourceLimiter, Result};
use riser_wasi::WasiCtx;

use crate::options::RunOptions;

/// The data of the store; threads of one program have clones.
#[derive(Clone)]
pub struct Host {
    /// What the program was granted.
    pub wasi: WasiCtx,
    /// What it may take.
    pub limits: Limits,
}

/// How much the program may take of memories and tables, all of them together. Clones count together.
#[derive(Clone)]
pub struct Limits {
    memory: Account,
    table: Account,
}

/// One limit, with what was taken.
#[derive(Clone)]
struct Account {
    max: usize,
    used: Arc<AtomicUsize>,
    /// The most that was asked for in vain.
    refused: Arc<AtomicUsize>,
    /// What was granted last, to be taken back if it cannot be had.
    last: usize,
}

impl Account {
    fn new(max: Option<u64>) -> Account {
        let max = max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        Account { max, used: Arc::default(), refused: Arc::default(), last: 0 }
    }

    fn grow(&mut self, now: usize, wanted: usize, most: Option<usize>) -> bool {
        if most.is_some_and(|most| wanted > most) {
            return false;
        }
        let more = wanted.saturating_sub(now);
        let taken = self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(more).filter(|sum| *sum <= self.max)
        });
        match taken {
            Ok(_) => self.last = more,
            Err(used) => drop(self.refused.fetch_max(used.saturating_add(more), Ordering::Relaxed)),
        }
        taken.is_ok()
    }

    fn give_back(&mut self) {
        self.used.fetch_sub(std::mem::take(&mut self.last), Ordering::Relaxed);
    }
}

impl Limits {
    /// The limits that the options set.
    pub fn new(options: &RunOptions) -> Limits {
        Limits {
            memory: Account::new(options.max_memory.map(|bytes| bytes as u64)),
            table: Account::new(options.max_table),
        }
    }

    /// The bytes of all memories.
    pub fn memory_bytes(&self) -> usize {
        self.memory.used.load(Ordering::Relaxed)
    }

    /// The bytes that memories would have had if a request had not been refused for the limit.
    pub fn refused_memory(&self) -> Option<usize> {
        Some(self.memory.refused.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    /// The same for the elements of tables.
    pub fn refused_table(&self) -> Option<usize> {
        Some(self.table.refused.load(Ordering::Relaxed)).filter(|elements| *elements > 0)
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, now: usize, wanted: usize, most: Option<usize>) -> Result<bool> {
        Ok(self.memory.grow(now, wanted, most))
    }

    fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
        self.memory.give_back();
        Ok(())
    }

    fn table_growing(&mut self, now: usize, wanted: usize, most: Option<usize>) -> Result<bool> {
        Ok(self.table.grow(now, wanted, most))
    }

    fn table_grow_failed(&mut self, _: Error) -> Result<()> {
        self.table.give_back();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_limited_together() {
        let mut account = Account::new(Some(100));
        assert!(account.grow(0, 60, None));
        assert!(!account.grow(0, 60, None), "another one");
        assert_eq!(account.refused.load(Ordering::Relaxed), 120);
        assert!(account.grow(60, 90, None));
        account.give_back();
        assert!(account.clone().grow(0, 40, None));
        assert!(!account.grow(60, 61, None));
    }

    #[test]
    fn without_a_limit_everything_is_counted() {
        let mut account = Account::new(None);
        assert!(account.grow(0, 1 << 40, None));
        assert!(!account.grow(0, 2, Some(1)), "the type allows less");
        assert!(!account.grow(0, usize::MAX, None), "the sum overflows");
        assert_eq!(account.used.load(Ordering::Relaxed), 1 << 40);
    }
}
