//! The files core: directories that were granted, and what can be reached beneath them.
//!
//! A guest starts with the directories it was given and nothing else. Every path is resolved by cap-std beneath
//! the directory it is relative to; `..`, absolute paths and symbolic links that lead outside are refused there,
//! atomically (`openat2` with `RESOLVE_BENEATH` on Linux). No path is taken apart in this crate.
//!
//! Permissions belong to a granted directory and are inherited by everything opened through it. What 0.1 calls
//! *rights* is its own affair and lives in `p1/rights.rs`.
//!
//! Next: `dir.rs`, `file.rs`; `listing.rs` for reading directories; `table.rs` for numbering what is open.

mod dir;
mod file;
mod listing;
mod table;

use std::os::fd::AsFd;
use std::time::Duration;

use cap_std::fs::MetadataExt;
use rustix::fs::FileType as SystemFileType;

pub(crate) use dir::{Dir, Opened};
pub(crate) use file::{Advice, File, seek_fd};
pub(crate) use listing::{Entry, KeptListings};
pub(crate) use table::Table;

use crate::error::{ErrorCode, Result};

/// What a guest may do with a granted directory and the directories beneath it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirPerms(u8);

impl DirPerms {
    /// List the directory, look at what it holds, read symbolic links.
    pub const READ: Self = Self(1);
    /// Create, rename, remove, and change times.
    pub const MUTATE: Self = Self(2);

    /// Nothing but opening files by name.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Everything.
    pub const fn all() -> Self {
        Self(3)
    }

    /// Whether all of `other` is included.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for DirPerms {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a guest may do with files in a granted directory and beneath it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePerms(u8);

impl FilePerms {
    /// Read files.
    pub const READ: Self = Self(1);
    /// Write files.
    pub const WRITE: Self = Self(2);

    /// Nothing.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Everything.
    pub const fn all() -> Self {
        Self(3)
    }

    /// Whether all of `other` is included.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for FilePerms {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What kind of thing a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    Unknown,
    BlockDevice,
    CharacterDevice,
    Directory,
    RegularFile,
    Socket,
    SymbolicLink,
}

impl From<SystemFileType> for FileType {
    fn from(kind: SystemFileType) -> Self {
        match kind {
            SystemFileType::RegularFile => Self::RegularFile,
            SystemFileType::Directory => Self::Directory,
            SystemFileType::Symlink => Self::SymbolicLink,
            SystemFileType::Socket => Self::Socket,
            SystemFileType::CharacterDevice => Self::CharacterDevice,
            SystemFileType::BlockDevice => Self::BlockDevice,
            SystemFileType::Fifo | SystemFileType::Unknown => Self::Unknown,
        }
    }
}

/// A moment, as seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Timestamp {
    fn new(seconds: i64, nanoseconds: i64) -> Self {
        Self { seconds, nanoseconds: u32::try_from(nanoseconds).unwrap_or(0) }
    }

    /// The distance from 1970; moments before it become 1970.
    pub(crate) fn since_epoch(self) -> Duration {
        u64::try_from(self.seconds)
            .map_or(Duration::ZERO, |seconds| Duration::new(seconds, self.nanoseconds))
    }
}

/// What is known about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) kind: FileType,
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
}

impl Metadata {
    /// What is known about a file or stream that is open.
    pub(crate) fn of_fd(fd: impl AsFd) -> Result<Self> {
        let stat = rustix::fs::fstat(fd)?;
        Ok(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            kind: SystemFileType::from_raw_mode(stat.st_mode).into(),
            links: stat.st_nlink as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            accessed: Timestamp::new(stat.st_atime, stat.st_atime_nsec as i64),
            modified: Timestamp::new(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: Timestamp::new(stat.st_ctime, stat.st_ctime_nsec as i64),
        })
    }
}

impl From<cap_std::fs::Metadata> for Metadata {
    fn from(metadata: cap_std::fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            kind: SystemFileType::from_raw_mode(metadata.mode()).into(),
            links: metadata.nlink(),
            size: metadata.len(),
            accessed: Timestamp::new(metadata.atime(), metadata.atime_nsec()),
            modified: Timestamp::new(metadata.mtime(), metadata.mtime_nsec()),
            changed: Timestamp::new(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// How to change one of a file's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewTime {
    Unchanged,
    /// The host's current time.
    Now,
    At(Timestamp),
}

/// Flags of an open file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileFlags {
    /// Each write goes to the end of the file.
    pub(crate) append: bool,
    /// Reads and writes return rather than wait.
    pub(crate) nonblock: bool,
    /// Each write waits until data is on the disk.
    pub(crate) data_sync: bool,
    /// Each write waits until data and metadata are on the disk.
    pub(crate) sync: bool,
    /// Each read waits for writes under way.
    pub(crate) read_sync: bool,
}

/// How to open a path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenHow {
    pub(crate) read: bool,
    pub(crate) write: bool,
    /// Create the file if it does not exist.
    pub(crate) create: bool,
    /// With `create`: it must not exist.
    pub(crate) exclusive: bool,
    pub(crate) truncate: bool,
    /// It must be a directory.
    pub(crate) directory: bool,
    /// If the last component is a symbolic link, open what it points to.
    pub(crate) follow: bool,
    pub(crate) flags: FileFlags,
}

fn require(allowed: bool, refusal: ErrorCode) -> Result<()> {
    if allowed { Ok(()) } else { Err(refusal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_sets() {
        assert_eq!(DirPerms::READ | DirPerms::MUTATE, DirPerms::all());
        assert!(!DirPerms::READ.contains(DirPerms::MUTATE));
        assert!(FilePerms::all().contains(FilePerms::WRITE));
        assert!(!FilePerms::empty().contains(FilePerms::READ));
    }

    #[test]
    fn moments_before_1970_become_1970() {
        assert_eq!(Timestamp::new(-5, 1).since_epoch(), Duration::ZERO);
        assert_eq!(Timestamp::new(1, 2).since_epoch(), Duration::new(1, 2));
    }
}
