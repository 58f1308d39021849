//! The guest's memory as the functions of 0.1 see it: little-endian values at 32-bit addresses.
//!
//! Every access is checked; what lies outside is the errno `fault`. Addresses need no alignment.

use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

use super::types::Errno;

/// How many buffers one vectored call takes, the limit of Linux. A call with more transfers fewer bytes than asked.
const BUFFERS_MAX: usize = 1024;

/// How many bytes one call transfers at most, the limit of Linux.
const TRANSFER_BYTES_MAX: usize = 0x7fff_f000;

/// Size of the buffer through which data goes to buffers that overlap each other.
const BOUNCE_BYTES_MAX: usize = 64 * 1024;

/// How long a path may be, the limit of Linux without the NUL at its end.
const PATH_BYTES_MAX: u32 = 4095;

/// Size of an `iovec` in guest memory.
const IOVEC_BYTES: u32 = 8;

/// A view of the guest's memory for the length of one call.
pub(super) struct Guest<'a> {
    bytes: &'a mut [u8],
}

impl<'a> Guest<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    /// Checks that a range lies within memory. Functions check where their results go before they act, so that
    /// nothing is opened or consumed for a caller who cannot be told.
    pub(super) fn check(&self, address: u32, len: u32) -> Result<Range<usize>, Errno> {
        let start = address as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::FAULT)?;
        if end <= self.bytes.len() { Ok(start..end) } else { Err(Errno::FAULT) }
    }

    /// Checks that an array lies within memory.
    pub(super) fn check_array(
        &self,
        address: u32,
        count: u32,
        item_bytes: u32,
    ) -> Result<Range<usize>, Errno> {
        let len = count.checked_mul(item_bytes).ok_or(Errno::FAULT)?;
        self.check(address, len)
    }

    pub(super) fn slice(&self, address: u32, len: u32) -> Result<&[u8], Errno> {
        Ok(&self.bytes[self.check(address, len)?])
    }

    pub(super) fn slice_mut(&mut self, address: u32, len: u32) -> Result<&mut [u8], Errno> {
        let range = self.check(address, len)?;
        Ok(&mut self.bytes[range])
    }

    /// Bytes at a fixed offset from an address.
    pub(super) fn read<const N: usize>(&self, address: u32, offset: u32) -> Result<[u8; N], Errno> {
        let address = address.checked_add(offset).ok_or(Errno::FAULT)?;
        let bytes = self.slice(address, N as u32)?;
        Ok(std::array::from_fn(|index| bytes[index]))
    }

    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::FAULT)?;
        self.slice_mut(address, len)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// A path: UTF-8 without NUL.
    pub(super) fn path(&self, address: u32, len: u32) -> Result<&str, Errno> {
        let bytes = self.slice(address, len)?;
        if len > PATH_BYTES_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let path = std::str::from_utf8(bytes).map_err(|_| Errno::ILSEQ)?;
        if path.contains('\0') { Err(Errno::INVAL) } else { Ok(path) }
    }

    /// Calls `transfer` with the buffers of a `ciovec` array and returns how many bytes it took.
    pub(super) fn gather(
        &self,
        iovs: u32,
        count: u32,
        transfer: impl FnOnce(&[IoSlice<'_>]) -> Result<usize, Errno>,
    ) -> Result<u32, Errno> {
        let buffers: Vec<IoSlice<'_>> = self
            .iovecs(iovs, count)?
            .into_iter()
            .map(|range| IoSlice::new(&self.bytes[range]))
            .collect();
        transferred(transfer(&buffers)?)
    }

    /// Calls `transfer` with the buffers of an `iovec` array and returns how many bytes it gave.
    pub(super) fn scatter(
        &mut self,
        iovs: u32,
        count: u32,
        transfer: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, Errno>,
    ) -> Result<u32, Errno> {
        let ranges = self.iovecs(iovs, count)?;
        let read = match disjoint(self.bytes, &ranges) {
            Some(mut buffers) => transfer(&mut buffers)?,
            None => self.scatter_overlapping(&ranges, transfer)?,
        };
        transferred(read)
    }

    /// Buffers that overlap are filled one after the other from a buffer of our own.
    fn scatter_overlapping(
        &mut self,
        ranges: &[Range<usize>],
        transfer: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let len: usize = ranges.iter().map(Range::len).sum();
        let mut bounce = vec![0; len.min(BOUNCE_BYTES_MAX)];
        let read = transfer(&mut [IoSliceMut::new(&mut bounce)])?;
        let mut rest = bounce.get(..read).ok_or(Errno::IO)?;
        for range in ranges {
            let (now, later) = rest.split_at(range.len().min(rest.len()));
            self.bytes[range.start..range.start + now.len()].copy_from_slice(now);
            rest = later;
        }
        Ok(read)
    }

    /// The non-empty buffers of an array, as many as one call can take.
    fn iovecs(&self, address: u32, count: u32) -> Result<Vec<Range<usize>>, Errno> {
        let array = self.check_array(address, count, IOVEC_BYTES)?;
        let mut ranges = Vec::with_capacity((count as usize).min(BUFFERS_MAX));
        let mut room = TRANSFER_BYTES_MAX;
        for iovec in self.bytes[array].as_chunks::<{ IOVEC_BYTES as usize }>().0 {
            let [a, b, c, d, e, f, g, h] = *iovec;
            let len = u32::from_le_bytes([e, f, g, h]);
            if len == 0 {
                continue;
            }
            if ranges.len() == BUFFERS_MAX || room == 0 {
                break;
            }
            let mut range = self.check(u32::from_le_bytes([a, b, c, d]), len)?;
            range.end = range.end.min(range.start + room);
            room -= range.len();
            ranges.push(range);
        }
        Ok(ranges)
    }
}

fn transferred(bytes: usize) -> Result<u32, Errno> {
    u32::try_from(bytes).map_err(|_| Errno::OVERFLOW)
}

/// The given ranges as separate buffers in the given order, unless two of them overlap.
fn disjoint<'m>(memory: &'m mut [u8], ranges: &[Range<usize>]) -> Option<Vec<IoSliceMut<'m>>> {
    if let [range] = ranges {
        return Some(vec![IoSliceMut::new(&mut memory[range.clone()])]);
    }
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_unstable_by_key(|index| ranges[*index].start);
    let mut buffers: Vec<(usize, IoSliceMut<'m>)> = Vec::with_capacity(ranges.len());
    let (mut rest, mut base) = (memory, 0);
    for index in order {
        let range = &ranges[index];
        let (_, from_start) = rest.split_at_mut(range.start.checked_sub(base)?);
        let (buffer, after) = from_start.split_at_mut(range.len());
        buffers.push((index, IoSliceMut::new(buffer)));
        (rest, base) = (after, range.end);
    }
    buffers.sort_unstable_by_key(|(index, _)| *index);
    Some(buffers.into_iter().map(|(_, buffer)| buffer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory of 64 bytes whose first bytes are an array of (address, length).
    fn memory(iovs: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes: Vec<u8> = iovs
            .iter()
            .flat_map(|(address, len)| [address.to_le_bytes(), len.to_le_bytes()].concat())
            .collect();
        bytes.extend(bytes.len() as u8..64);
        bytes
    }

    fn fill(buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        let mut next = b'a';
        for byte in buffers.iter_mut().flat_map(|buffer| buffer.iter_mut()) {
            *byte = next;
            next += 1;
        }
        Ok(usize::from(next - b'a'))
    }

    #[test]
    fn ranges_are_checked_without_wrapping() {
        let mut bytes = [0; 16];
        let guest = Guest::new(&mut bytes);
        assert_eq!(guest.check(16, 0), Ok(16..16));
        assert_eq!(guest.check(17, 0), Err(Errno::FAULT));
        assert_eq!(guest.check(15, 2), Err(Errno::FAULT));
        assert_eq!(guest.check(u32::MAX, u32::MAX), Err(Errno::FAULT));
        assert_eq!(guest.check_array(0, 0x2000_0000, 8), Err(Errno::FAULT));
        assert_eq!(guest.read::<4>(u32::MAX, 4), Err(Errno::FAULT));
    }

    #[test]
    fn separate_buffers_are_filled_in_the_order_given() {
        let mut bytes = memory(&[(60, 3), (0, 0), (40, 2), (50, 1)]);
        assert_eq!(Guest::new(&mut bytes).scatter(0, 4, fill), Ok(6));
        assert_eq!((&bytes[60..63], &bytes[40..42], bytes[50]), (&b"abc"[..], &b"de"[..], b'f'));
    }

    #[test]
    fn overlapping_buffers_are_filled_one_after_the_other() {
        let mut bytes = memory(&[(40, 4), (42, 4)]);
        assert_eq!(Guest::new(&mut bytes).scatter(0, 2, fill), Ok(8));
        assert_eq!(&bytes[40..46], b"abefgh");
    }

    #[test]
    fn a_buffer_outside_memory_is_a_fault() {
        let mut bytes = memory(&[(40, 4), (62, 3)]);
        let mut guest = Guest::new(&mut bytes);
        assert_eq!(guest.gather(0, 2, |_| unreachable!()), Err(Errno::FAULT));
        assert_eq!(guest.scatter(0, 2, |_| unreachable!()), Err(Errno::FAULT));
        assert_eq!(guest.gather(60, 1, |_| unreachable!()), Err(Errno::FAULT));
    }

    #[test]
    fn many_buffers_are_cut_at_the_limit() {
        let mut bytes =
            [(0u32, 1u32); 3000].map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()].concat()).concat();
        let guest = Guest::new(&mut bytes);
        assert_eq!(guest.gather(0, 3000, |buffers| Ok(buffers.len())), Ok(1024));
    }

    #[test]
    fn paths_are_utf8_without_nul() {
        let mut bytes = *b"a/b\0\xff";
        let guest = Guest::new(&mut bytes);
        assert_eq!(guest.path(0, 3), Ok("a/b"));
        assert_eq!(guest.path(0, 4), Err(Errno::INVAL));
        assert_eq!(guest.path(4, 1), Err(Errno::ILSEQ));
        assert_eq!(guest.path(0, 6), Err(Errno::FAULT));
    }
}
