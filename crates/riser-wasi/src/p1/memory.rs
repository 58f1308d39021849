//! The guest's memory as the functions of 0.1 see it: little-endian values at 32-bit addresses.
//!
//! Every access is checked; what lies outside is the errno `fault`. Addresses need no alignment.
//!
//! A memory of one store is borrowed for the length of a call, and the system reads and writes it directly. A shared one
//! changes at any moment, so what is in it is copied out before it is looked at, once, and copied in afterwards.

use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

use riser::SharedMemory;

use super::types::Errno;

/// How many buffers one vectored call takes, the limit of Linux. A call with more transfers fewer bytes than asked.
const BUFFERS_MAX: usize = 1024;

/// How many bytes one call transfers at most, the limit of Linux.
const TRANSFER_BYTES_MAX: usize = 0x7fff_f000;

/// Size of the buffer through which data goes to and from shared memory, and to buffers that overlap each other. A call
/// for more transfers fewer bytes than asked.
const BOUNCE_BYTES_MAX: usize = 64 * 1024;

/// How long a path may be, the limit of Linux without the NUL at its end.
const PATH_BYTES_MAX: u32 = 4095;

/// Size of an `iovec` in guest memory.
const IOVEC_BYTES: u32 = 8;

/// A view of the guest's memory for the length of one call.
pub(super) enum Guest<'a> {
    /// The bytes of a memory that nobody else uses meanwhile.
    Own(&'a mut [u8]),
    /// A memory that other threads use as well. It does not shrink, so what was checked stays so.
    Shared(SharedMemory),
}

impl Guest<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::Shared(memory) => memory.data_size(),
        }
    }

    /// Checks that a range lies within memory. Functions check where their results go before they act, so that
    /// nothing is opened or consumed for a caller who cannot be told.
    pub(super) fn check(&self, address: u32, len: u32) -> Result<Range<usize>, Errno> {
        let start = address as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::FAULT)?;
        if end <= self.len() { Ok(start..end) } else { Err(Errno::FAULT) }
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

    /// Copies from memory.
    fn read_into(&self, start: usize, buffer: &mut [u8]) -> Result<(), Errno> {
        match self {
            Self::Own(bytes) => {
                let from = bytes.get(start..).and_then(|bytes| bytes.get(..buffer.len()));
                buffer.copy_from_slice(from.ok_or(Errno::FAULT)?);
                Ok(())
            }
            Self::Shared(memory) => memory.read(start as u64, buffer).map_err(|_| Errno::FAULT),
        }
    }

    /// Bytes at a fixed offset from an address.
    pub(super) fn read<const N: usize>(&self, address: u32, offset: u32) -> Result<[u8; N], Errno> {
        let address = address.checked_add(offset).ok_or(Errno::FAULT)?;
        let mut bytes = [0; N];
        self.read_into(address as usize, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        self.write_at(address as usize, bytes)
    }

    /// Writes at a place that was checked.
    pub(super) fn write_at(&mut self, start: usize, bytes: &[u8]) -> Result<(), Errno> {
        match self {
            Self::Own(memory) => {
                let to = memory.get_mut(start..).and_then(|memory| memory.get_mut(..bytes.len()));
                to.ok_or(Errno::FAULT)?.copy_from_slice(bytes);
                Ok(())
            }
            Self::Shared(memory) => memory.write(start as u64, bytes).map_err(|_| Errno::FAULT),
        }
    }

    /// Fills a range piece by piece.
    pub(super) fn fill(
        &mut self,
        address: u32,
        len: u32,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let range = self.check(address, len)?;
        match self {
            Self::Own(bytes) => fill(&mut bytes[range]),
            Self::Shared(memory) => {
                let mut bounce = vec![0; range.len().min(BOUNCE_BYTES_MAX)];
                for start in range.clone().step_by(BOUNCE_BYTES_MAX) {
                    let bounce = &mut bounce[..BOUNCE_BYTES_MAX.min(range.end - start)];
                    fill(bounce)?;
                    memory.write(start as u64, bounce).map_err(|_| Errno::FAULT)?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// A path: UTF-8 without NUL.
    pub(super) fn path(&self, address: u32, len: u32) -> Result<String, Errno> {
        let range = self.check(address, len)?;
        if len > PATH_BYTES_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let mut bytes = vec![0; range.len()];
        self.read_into(range.start, &mut bytes)?;
        let path = String::from_utf8(bytes).map_err(|_| Errno::ILSEQ)?;
        if path.contains('\0') { Err(Errno::INVAL) } else { Ok(path) }
    }

    /// Calls `transfer` with the buffers of a `ciovec` array and returns how many bytes it took.
    pub(super) fn gather(
        &self,
        iovs: u32,
        count: u32,
        transfer: impl FnOnce(&[IoSlice<'_>]) -> Result<usize, Errno>,
    ) -> Result<u32, Errno> {
        let ranges = self.iovecs(iovs, count)?;
        let taken = match self {
            Self::Own(bytes) => {
                let buffers: Vec<IoSlice<'_>> =
                    ranges.into_iter().map(|range| IoSlice::new(&bytes[range])).collect();
                transfer(&buffers)?
            }
            Self::Shared(_) => {
                let bounce = self.copied(&ranges)?;
                if bounce.is_empty() { transfer(&[])? } else { transfer(&[IoSlice::new(&bounce)])? }
            }
        };
        transferred(taken)
    }

    /// What is in the ranges, as far as it fits the buffer for that.
    fn copied(&self, ranges: &[Range<usize>]) -> Result<Vec<u8>, Errno> {
        let len: usize = ranges.iter().map(Range::len).sum();
        let mut bounce = vec![0; len.min(BOUNCE_BYTES_MAX)];
        let mut rest = &mut bounce[..];
        for range in ranges {
            let (now, later) = rest.split_at_mut(range.len().min(rest.len()));
            self.read_into(range.start, now)?;
            rest = later;
        }
        Ok(bounce)
    }

    /// Calls `transfer` with the buffers of an `iovec` array and returns how many bytes it gave.
    pub(super) fn scatter(
        &mut self,
        iovs: u32,
        count: u32,
        transfer: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, Errno>,
    ) -> Result<u32, Errno> {
        let ranges = self.iovecs(iovs, count)?;
        let separate = match self {
            Self::Own(bytes) => disjoint(bytes, &ranges),
            Self::Shared(_) => None,
        };
        let read = match separate {
            Some(mut buffers) => transfer(&mut buffers)?,
            None => self.scatter_copied(&ranges, transfer)?,
        };
        transferred(read)
    }

    /// Buffers that overlap, or that other threads see, are filled one after the other from a buffer of our own.
    fn scatter_copied(
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
            self.write_at(range.start, now)?;
            rest = later;
        }
        Ok(read)
    }

    /// The non-empty buffers of an array, as many as one call can take.
    fn iovecs(&self, address: u32, count: u32) -> Result<Vec<Range<usize>>, Errno> {
        self.check_array(address, count, IOVEC_BYTES)?;
        let mut ranges = Vec::with_capacity((count as usize).min(BUFFERS_MAX));
        let mut room = TRANSFER_BYTES_MAX;
        for index in 0..count {
            let [a, b, c, d, e, f, g, h] = self.read(address, index * IOVEC_BYTES)?;
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
        let guest = Guest::Own(&mut bytes);
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
        assert_eq!(Guest::Own(&mut bytes).scatter(0, 4, fill), Ok(6));
        assert_eq!((&bytes[60..63], &bytes[40..42], bytes[50]), (&b"abc"[..], &b"de"[..], b'f'));
    }

    #[test]
    fn overlapping_buffers_are_filled_one_after_the_other() {
        let mut bytes = memory(&[(40, 4), (42, 4)]);
        assert_eq!(Guest::Own(&mut bytes).scatter(0, 2, fill), Ok(8));
        assert_eq!(&bytes[40..46], b"abefgh");
    }

    #[test]
    fn a_buffer_outside_memory_is_a_fault() {
        let mut bytes = memory(&[(40, 4), (62, 3)]);
        let mut guest = Guest::Own(&mut bytes);
        assert_eq!(guest.gather(0, 2, |_| unreachable!()), Err(Errno::FAULT));
        assert_eq!(guest.scatter(0, 2, |_| unreachable!()), Err(Errno::FAULT));
        assert_eq!(guest.gather(60, 1, |_| unreachable!()), Err(Errno::FAULT));
    }

    #[test]
    fn many_buffers_are_cut_at_the_limit() {
        let mut bytes =
            [(0u32, 1u32); 3000].map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()].concat()).concat();
        let guest = Guest::Own(&mut bytes);
        assert_eq!(guest.gather(0, 3000, |buffers| Ok(buffers.len())), Ok(1024));
    }

    #[test]
    fn a_shared_memory_is_read_and_written_through_copies() {
        let engine = riser::Engine::default();
        let memory = SharedMemory::new(&engine, riser::MemoryType::shared(3, 3)).unwrap();
        memory.write(0, &memory_of_iovecs()).unwrap();
        let mut guest = Guest::Shared(memory.clone());
        assert_eq!(guest.scatter(0, 3, fill_all), Ok(BOUNCE_BYTES_MAX as u32));
        let mut bytes = vec![0; 3 << 16];
        memory.read(0, &mut bytes).unwrap();
        assert!(bytes[100..110].iter().all(|byte| *byte == 7));
        assert!(bytes[(1 << 16)..][..BOUNCE_BYTES_MAX - 10].iter().all(|byte| *byte == 7));
        assert!(bytes[(1 << 16)..][BOUNCE_BYTES_MAX - 10..].iter().all(|byte| *byte == 0));
        let first = |buffers: &[IoSlice<'_>]| Ok(buffers[0].iter().map(|b| usize::from(*b)).sum());
        assert_eq!(guest.gather(0, 3, first), Ok(7 * BOUNCE_BYTES_MAX as u32));
        let mut pieces = 0;
        let fill = |buffer: &mut [u8]| {
            pieces += 1;
            buffer.fill(pieces);
            Ok(())
        };
        guest.fill(1, (2 << 16) + 5, fill).unwrap();
        assert_eq!(guest.read(0, 0), Ok([100, 1]));
        assert_eq!(guest.read(2 << 16, 0), Ok([2, 3, 3, 3, 3, 3, 0]));
        assert_eq!(guest.path(3 << 16, 1), Err(Errno::FAULT));
        assert_eq!(guest.write((3 << 16) - 1, &[1, 2]), Err(Errno::FAULT));
    }

    /// Ten bytes at 100, nothing, and more than fits at 65536.
    fn memory_of_iovecs() -> Vec<u8> {
        [100u32, 10, 0, 0, 1 << 16, 2 << 16].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn fill_all(buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        buffers.iter_mut().for_each(|buffer| buffer.fill(7));
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }

    #[test]
    fn paths_are_utf8_without_nul() {
        let mut bytes = *b"a/b\0\xff";
        let guest = Guest::Own(&mut bytes);
        assert_eq!(guest.path(0, 3), Ok("a/b".into()));
        assert_eq!(guest.path(0, 4), Err(Errno::INVAL));
        assert_eq!(guest.path(4, 1), Err(Errno::ILSEQ));
        assert_eq!(guest.path(0, 6), Err(Errno::FAULT));
    }
}
