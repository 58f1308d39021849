//! An open file that is not a directory.
//!
//! The file offset is the operating system's. What may be done was decided when the file was opened (`dir.rs`). The
//! host's descriptor may allow more (creating a file takes one that can be written), so it is checked here again.

use std::io::{IoSlice, IoSliceMut, SeekFrom};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

/// How a program says it will use a part of a file.
pub(crate) use rustix::fs::Advice;
use rustix::fs::{FallocateFlags, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use super::{FileFlags, FilePerms, Metadata, NewTime, OpenHow, require};
use crate::error::{ErrorCode, Result};

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    file: std::fs::File,
    perms: FilePerms,
    readable: bool,
    writable: bool,
    flags: Mutex<FileFlags>,
}

impl File {
    /// A file that was opened so.
    pub(super) fn new(file: std::fs::File, perms: FilePerms, how: &OpenHow) -> Self {
        let (readable, writable) = (how.read, how.write);
        Self { file, perms, readable, writable, flags: Mutex::new(how.flags) }
    }

    /// The host's descriptor.
    pub(crate) fn host_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Metadata::of_fd(&self.file)
    }

    /// Reads at the offset of the file and moves it.
    pub(crate) fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize> {
        require(self.readable, ErrorCode::BadDescriptor)?;
        Ok(rustix::io::readv(&self.file, buffers)?)
    }

    /// Reads at `offset`.
    pub(crate) fn read_at(&self, buffers: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize> {
        require(self.readable, ErrorCode::BadDescriptor)?;
        Ok(rustix::io::preadv(&self.file, buffers, offset)?)
    }

    /// Writes at the offset of the file, or at its end if it is in append mode, and moves the offset.
    pub(crate) fn write(&self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        require(self.writable, ErrorCode::BadDescriptor)?;
        Ok(rustix::io::writev(&self.file, buffers)?)
    }

    /// Writes at `offset`.
    pub(crate) fn write_at(&self, buffers: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        require(self.writable, ErrorCode::BadDescriptor)?;
        Ok(rustix::io::pwritev(&self.file, buffers, offset)?)
    }

    /// Moves the offset and returns the new one.
    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64> {
        seek_fd(self.host_fd(), to)
    }

    pub(crate) fn sync(&self) -> Result<()> {
        Ok(rustix::fs::fsync(&self.file)?)
    }

    pub(crate) fn data_sync(&self) -> Result<()> {
        Ok(rustix::fs::fdatasync(&self.file)?)
    }

    /// Says how a range will be used; a length of 0 means up to the end.
    pub(crate) fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<()> {
        check_range(offset, len)?;
        Ok(rustix::fs::fadvise(&self.file, offset, NonZeroU64::new(len), advice)?)
    }

    /// Makes room for a range, growing the file if it is shorter.
    pub(crate) fn allocate(&self, offset: u64, len: u64) -> Result<()> {
        require(self.writable, ErrorCode::BadDescriptor)?;
        check_range(offset, len)?;
        Ok(rustix::fs::fallocate(&self.file, FallocateFlags::empty(), offset, len)?)
    }

    pub(crate) fn set_size(&self, size: u64) -> Result<()> {
        require(self.writable, ErrorCode::Invalid)?;
        check_range(size, 0)?;
        Ok(rustix::fs::ftruncate(&self.file, size)?)
    }

    pub(crate) fn set_times(&self, accessed: NewTime, modified: NewTime) -> Result<()> {
        require(self.perms.contains(FilePerms::WRITE), ErrorCode::ReadOnly)?;
        set_fd_times(self.host_fd(), accessed, modified)
    }

    pub(crate) fn flags(&self) -> FileFlags {
        *self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes appending and waiting. Whether writes are synchronous is fixed when a file is opened.
    pub(crate) fn set_flags(&self, new: FileFlags) -> Result<()> {
        let mut flags = self.flags.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = FileFlags { append: flags.append, nonblock: flags.nonblock, ..new };
        require(wanted == *flags, ErrorCode::Unsupported)?;
        let mut system = rustix::fs::fcntl_getfl(&self.file)?;
        system.set(OFlags::APPEND, new.append);
        system.set(OFlags::NONBLOCK, new.nonblock);
        rustix::fs::fcntl_setfl(&self.file, system)?;
        *flags = new;
        Ok(())
    }
}

/// Moves the offset of a file or stream and returns the new one.
pub(crate) fn seek_fd(fd: BorrowedFd<'_>, to: SeekFrom) -> Result<u64> {
    let to = match to {
        SeekFrom::Start(offset) => rustix::fs::SeekFrom::Start(offset),
        SeekFrom::Current(distance) => rustix::fs::SeekFrom::Current(distance),
        SeekFrom::End(distance) => rustix::fs::SeekFrom::End(distance),
    };
    Ok(rustix::fs::seek(fd, to)?)
}

/// Changes the times of a file or directory that is open.
pub(super) fn set_fd_times(fd: BorrowedFd<'_>, accessed: NewTime, modified: NewTime) -> Result<()> {
    let times =
        Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) };
    Ok(rustix::fs::futimens(fd, &times)?)
}

fn timespec(time: NewTime) -> Timespec {
    match time {
        NewTime::Unchanged => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        NewTime::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        NewTime::At(time) => Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() },
    }
}

/// The system counts offsets in signed numbers.
fn check_range(offset: u64, len: u64) -> Result<()> {
    let end = offset.checked_add(len).ok_or(ErrorCode::Invalid)?;
    require(i64::try_from(end).is_ok(), ErrorCode::FileTooLarge)
}
