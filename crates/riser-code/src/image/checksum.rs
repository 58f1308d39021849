//! Checksums against accidents: a disk that was full, a file that was cut, a bit that turned.
//!
//! Four lanes take the words of 8 bytes in turn. What a word does to a lane, and what a lane does to the sum, can be
//! undone, so that a change of one word (and so of any one byte) always changes the sum; other changes by accident go unnoticed once in 2^64 or so. There are four lanes
//! because the multiplications of one wait for each other.

const LANES: usize = 4;
const BLOCK: usize = 8 * LANES;
/// An odd number without pattern: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

fn step(lane: u64, word: u64) -> u64 {
    // Once before, so that high bits come down, and once after, so that these go up again.
    (lane ^ word.wrapping_mul(FACTOR)).rotate_left(29).wrapping_mul(FACTOR)
}

fn block(lanes: &mut [u64; LANES], block: &[u8; BLOCK]) {
    for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = step(*lane, u64::from_le_bytes(*word));
    }
}

/// The sum of `bytes`.
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut lanes = [1, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().for_each(|bytes| block(&mut lanes, bytes));
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    block(&mut lanes, &last);
    let sum = lanes.iter().fold(bytes.len() as u64, |sum, &lane| step(sum, lane));
    // The words that came last have been multiplied least.
    let sum = (sum ^ sum >> 32).wrapping_mul(FACTOR);
    sum ^ sum >> 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_byte_and_the_length_count() {
        let noise = |at: u64| (at.wrapping_mul(FACTOR) >> 51) as u8;
        let bytes: Vec<u8> = (0..200).map(noise).collect();
        let mut sums: Vec<u64> = (0..=bytes.len()).map(|end| checksum(&bytes[..end])).collect();
        sums.extend((2..64).map(|zeros| checksum(&[0; 64][..zeros])));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                sums.push(checksum(&changed));
            }
        }
        let count = sums.len();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), count);
    }
}
