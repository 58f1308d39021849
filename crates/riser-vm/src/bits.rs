//! A set of small numbers: the first 64 without allocation.

/// Which segments of an instance were dropped.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    first: u64,
    more: Box<[u64]>,
}

impl Bits {
    /// An empty set for numbers below `count`.
    pub(crate) fn new(count: usize) -> Bits {
        Bits { first: 0, more: vec![0; count.saturating_sub(64).div_ceil(64)].into() }
    }

    fn word(&mut self, at: u32) -> Option<&mut u64> {
        match (at / 64) as usize {
            0 => Some(&mut self.first),
            word => self.more.get_mut(word - 1),
        }
    }

    /// Adds a number; numbers beyond the count are ignored.
    pub(crate) fn insert(&mut self, at: u32) {
        if let Some(word) = self.word(at) {
            *word |= 1 << (at % 64);
        }
    }

    /// Adds all numbers below the count.
    pub(crate) fn fill(&mut self) {
        self.first = u64::MAX;
        self.more.fill(u64::MAX);
    }

    /// Whether a number is in the set.
    pub(crate) fn contains(&self, at: u32) -> bool {
        let word = match (at / 64) as usize {
            0 => Some(&self.first),
            word => self.more.get(word - 1),
        };
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_those_inserted() {
        let mut bits = Bits::new(200);
        for at in [0, 63, 64, 199, 5000] {
            assert!(!bits.contains(at));
            bits.insert(at);
        }
        let members: Vec<u32> = (0..6000).filter(|&at| bits.contains(at)).collect();
        assert_eq!(members, [0, 63, 64, 199]);
        bits.fill();
        assert!((0..200).all(|at| bits.contains(at)));
    }
}
