//! Constants that stand behind the code, each of them once.

use super::{Asm, Const};
use alloc::vec::Vec;

/// How many places there are to find a constant again. Code with more constants than that may hold some of them twice.
const PLACES: usize = 256;
/// How many places are looked at. Bounded, so that no choice of constants makes looking them up slow.
const PROBES: usize = 8;

/// Which of the lists a constant is in; the low bits of its [`Const`].
const SIXTEEN: u32 = 0;
const EIGHT: u32 = 1;
const FOUR: u32 = 2;

/// Constants of 16, 8 and 4 bytes.
#[derive(Debug, Default)]
pub(super) struct Pool {
    sixteen: Vec<u128>,
    eight: Vec<u64>,
    four: Vec<u32>,
    /// A hash table of constants, by their numbers plus one.
    places: Vec<u32>,
}

impl Pool {
    pub(super) fn clear(&mut self) {
        if !self.is_empty() {
            self.sixteen.clear();
            self.eight.clear();
            self.four.clear();
            self.places.fill(0);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sixteen.is_empty() && self.eight.is_empty() && self.four.is_empty()
    }

    /// The greatest alignment that a constant needs.
    pub(super) fn align(&self) -> u32 {
        match (self.sixteen.is_empty(), self.eight.is_empty()) {
            (false, _) => 16,
            (true, false) => 8,
            (true, true) => 4,
        }
    }

    /// Where a constant is, counted from the beginning of all.
    pub(super) fn offset(&self, constant: u32) -> usize {
        let index = constant as usize >> 2;
        let (sixteen, eight) = (16 * self.sixteen.len(), 8 * self.eight.len());
        match constant & 3 {
            SIXTEEN => 16 * index,
            EIGHT => sixteen + 8 * index,
            _ => sixteen + eight + 4 * index,
        }
    }

    /// Hands over all constants in words with their size in bytes, those with the greatest alignment first.
    pub(super) fn each(&self, mut hear: impl FnMut(u64, u32)) {
        for &value in &self.sixteen {
            hear(value as u64, 8);
            hear((value >> 64) as u64, 8);
        }
        self.eight.iter().for_each(|&value| hear(value, 8));
        self.four.iter().for_each(|&value| hear(value.into(), 4));
    }

    fn get(&self, constant: u32) -> u128 {
        let index = constant as usize >> 2;
        match constant & 3 {
            SIXTEEN => self.sixteen[index],
            EIGHT => u128::from(self.eight[index]),
            _ => u128::from(self.four[index]),
        }
    }

    fn add(&mut self, class: u32, value: u128) -> Const {
        if self.places.is_empty() {
            self.places.resize(PLACES, 0);
        }
        let hash = hash(value);
        let mut free = hash % PLACES;
        for probe in 0..PROBES {
            let place = (hash + probe) % PLACES;
            let Some(found) = self.places[place].checked_sub(1) else {
                free = place;
                break;
            };
            if found & 3 == class && self.get(found) == value {
                return Const(found);
            }
        }
        let number = self.push(class, value) << 2 | class;
        self.places[free] = number + 1;
        Const(number)
    }

    fn push(&mut self, class: u32, value: u128) -> u32 {
        let index = match class {
            SIXTEEN => push(&mut self.sixteen, value),
            EIGHT => push(&mut self.eight, value as u64),
            _ => push(&mut self.four, value as u32),
        };
        index as u32
    }
}

/// Appends, and gives the index.
fn push<T>(list: &mut Vec<T>, value: T) -> usize {
    list.push(value);
    list.len() - 1
}

/// Spreads constants over the places.
fn hash(value: u128) -> usize {
    // Fibonacci hashing: the factor is 2^64 divided by the golden ratio.
    let folded = (value >> 64) as u64 ^ (value as u64).rotate_left(29);
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

/// Constants behind the code.
impl Asm {
    /// A constant of 16 bytes.
    pub fn const128(&mut self, value: u128) -> Const {
        self.pool.add(SIXTEEN, value)
    }

    /// A constant of 8 bytes.
    pub fn const64(&mut self, value: u64) -> Const {
        self.pool.add(EIGHT, value.into())
    }

    /// A constant of 4 bytes.
    pub fn const32(&mut self, value: u32) -> Const {
        self.pool.add(FOUR, value.into())
    }
}

impl Const {
    /// How many bytes it has: 16, 8 or 4.
    pub const fn bytes(self) -> u32 {
        16 >> (self.0 & 3)
    }
}
