//! References to functions in fields: numbers in a table, since an address must not stand in memory that is not
//! trusted.

use crate::HeapFull;
use alloc::vec::Vec;

/// The functions that ever stood in a field. Functions live as long as their store, so none is ever removed.
#[derive(Debug, Default)]
pub struct FuncTable {
    /// What the caller calls each function, by number. Number 0 is null, once there is any.
    funcs: Vec<u64>,
    /// An open hash table of numbers, 0 for free, a power of two long and at most half full.
    index: Vec<u32>,
}

impl FuncTable {
    /// The number of a function, 0 for null, which is 0.
    ///
    /// # Errors
    /// If there is no memory to note it.
    pub fn intern(&mut self, func: u64) -> Result<u32, HeapFull> {
        if func == 0 {
            return Ok(0);
        }
        if self.index.len() <= self.funcs.len() * 2 {
            self.rehash()?;
        }
        let at = find(&self.index, &self.funcs, func);
        if self.index[at] == 0 {
            self.funcs.try_reserve(2).map_err(|_| HeapFull)?;
            if self.funcs.is_empty() {
                self.funcs.push(0);
            }
            self.index[at] = u32::try_from(self.funcs.len()).map_err(|_| HeapFull)?;
            self.funcs.push(func);
        }
        Ok(self.index[at])
    }

    /// The number of a function, 0 for null; `None` if it has none.
    pub fn number(&self, func: u64) -> Option<u32> {
        if func == 0 {
            return Some(0);
        }
        if self.index.is_empty() {
            return None;
        }
        Some(self.index[find(&self.index, &self.funcs, func)]).filter(|&number| number != 0)
    }

    /// The function with a number, 0 for null; `None` if none has it.
    #[inline]
    pub fn get(&self, number: u32) -> Option<u64> {
        match number {
            0 => Some(0),
            _ => self.funcs.get(number as usize).copied(),
        }
    }

    /// All functions by number; null is the first, if there is any.
    #[inline]
    pub fn all(&self) -> &[u64] {
        &self.funcs
    }

    #[cold]
    fn rehash(&mut self) -> Result<(), HeapFull> {
        let len = (self.index.len() * 2).max(16);
        let mut index = Vec::new();
        index.try_reserve_exact(len).map_err(|_| HeapFull)?;
        index.resize(len, 0);
        for (number, &func) in self.funcs.iter().enumerate().skip(1) {
            let at = find(&index, &self.funcs, func);
            index[at] = number as u32;
        }
        self.index = index;
        Ok(())
    }
}

/// Where in `index` the number of `func` is or belongs. Ends because `index` is not full.
fn find(index: &[u32], funcs: &[u64], func: u64) -> usize {
    // Multiplicative hashing (Knuth, volume 3, section 6.4): the keys are addresses, whose low bits are alike.
    let hash = func.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let mut at = hash as usize & (index.len() - 1);
    while index[at] != 0 && funcs[index[at] as usize] != func {
        at = (at + 1) & (index.len() - 1);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_one_number() {
        let mut table = FuncTable::default();
        assert_eq!((table.intern(0), table.number(48)), (Ok(0), None));
        assert_eq!(table.get(0), Some(0));
        for round in 0..2 {
            for n in 1..5_000_u32 {
                assert_eq!(table.intern(u64::from(n) * 48), Ok(n), "round {round}");
            }
        }
        assert_eq!((table.number(0), table.number(48), table.number(7)), (Some(0), Some(1), None));
        assert_eq!(table.get(4_999), Some(4_999 * 48));
        assert_eq!(table.get(5_000), None);
        assert_eq!(table.get(u32::MAX), None);
    }
}
