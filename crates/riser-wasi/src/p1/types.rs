//! Numbers and layouts of 0.1.

use std::time::Duration;

use super::memory::Guest;
use crate::error::ErrorCode;
use crate::files::{FileFlags, FileType, Metadata, NewTime, Timestamp};

/// What a function returns: 0, or why it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Errno(u16);

/// Names the errnos that are used. A line is `NAME = number;`.
macro_rules! errnos {
    ($($name:ident = $number:literal;)*) => {
        impl Errno {
            $(pub(super) const $name: Self = Self($number);)*
        }

        impl std::fmt::Debug for Errno {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match *self {
                    $(Self::$name => f.write_str(stringify!($name)),)*
                    Self(number) => write!(f, "errno {number}"),
                }
            }
        }
    };
}

errnos! {
    SUCCESS = 0;
    ACCES = 2;
    AGAIN = 6;
    BADF = 8;
    BUSY = 10;
    CONNABORTED = 13;
    CONNRESET = 15;
    DEADLK = 16;
    DQUOT = 19;
    EXIST = 20;
    FAULT = 21;
    FBIG = 22;
    ILSEQ = 25;
    INPROGRESS = 26;
    INTR = 27;
    INVAL = 28;
    IO = 29;
    ISDIR = 31;
    LOOP = 32;
    MFILE = 33;
    MLINK = 34;
    MSGSIZE = 35;
    NAMETOOLONG = 37;
    NFILE = 41;
    NODEV = 43;
    NOENT = 44;
    NOLCK = 46;
    NOMEM = 48;
    NOSPC = 51;
    NOTCONN = 53;
    NOTDIR = 54;
    NOTEMPTY = 55;
    NOTRECOVERABLE = 56;
    NOTSOCK = 57;
    NOTSUP = 58;
    NOTTY = 59;
    NXIO = 60;
    OVERFLOW = 61;
    PERM = 63;
    PIPE = 64;
    ROFS = 69;
    SPIPE = 70;
    TIMEDOUT = 73;
    TXTBSY = 74;
    XDEV = 75;
    NOTCAPABLE = 76;
}

impl Errno {
    /// The number as a function's result.
    pub(super) fn raw(self) -> i32 {
        self.0.into()
    }

    /// The number as it stands in an event.
    pub(super) fn number(self) -> u16 {
        self.0
    }
}

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Access => Self::ACCES,
            ErrorCode::WouldBlock => Self::AGAIN,
            ErrorCode::BadDescriptor => Self::BADF,
            ErrorCode::Busy => Self::BUSY,
            ErrorCode::Deadlock => Self::DEADLK,
            ErrorCode::Quota => Self::DQUOT,
            ErrorCode::Exist => Self::EXIST,
            ErrorCode::FileTooLarge => Self::FBIG,
            ErrorCode::IllegalByteSequence => Self::ILSEQ,
            ErrorCode::InProgress => Self::INPROGRESS,
            ErrorCode::Interrupted => Self::INTR,
            ErrorCode::Invalid => Self::INVAL,
            ErrorCode::Io => Self::IO,
            ErrorCode::IsDirectory => Self::ISDIR,
            ErrorCode::Loop => Self::LOOP,
            ErrorCode::TooManyLinks => Self::MLINK,
            ErrorCode::MessageSize => Self::MSGSIZE,
            ErrorCode::NameTooLong => Self::NAMETOOLONG,
            ErrorCode::NoDevice => Self::NODEV,
            ErrorCode::NoEntry => Self::NOENT,
            ErrorCode::NoLock => Self::NOLCK,
            ErrorCode::InsufficientMemory => Self::NOMEM,
            ErrorCode::InsufficientSpace => Self::NOSPC,
            ErrorCode::NotDirectory => Self::NOTDIR,
            ErrorCode::NotEmpty => Self::NOTEMPTY,
            ErrorCode::NotRecoverable => Self::NOTRECOVERABLE,
            ErrorCode::NotConnected => Self::NOTCONN,
            ErrorCode::ConnectionAborted => Self::CONNABORTED,
            ErrorCode::ConnectionReset => Self::CONNRESET,
            ErrorCode::ConnectionTimeout => Self::TIMEDOUT,
            ErrorCode::Unsupported => Self::NOTSUP,
            ErrorCode::NoTty => Self::NOTTY,
            ErrorCode::NoSuchDevice => Self::NXIO,
            ErrorCode::Overflow => Self::OVERFLOW,
            ErrorCode::NotPermitted => Self::PERM,
            ErrorCode::Pipe => Self::PIPE,
            ErrorCode::ReadOnly => Self::ROFS,
            ErrorCode::InvalidSeek => Self::SPIPE,
            ErrorCode::TextFileBusy => Self::TXTBSY,
            ErrorCode::CrossDevice => Self::XDEV,
            ErrorCode::TooManyOpenFiles => Self::MFILE,
            ErrorCode::TooManyOpenFilesInSystem => Self::NFILE,
        }
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        ErrorCode::from(error).into()
    }
}

/// `filetype`.
pub(super) fn file_type(kind: FileType) -> u8 {
    match kind {
        FileType::Unknown => 0,
        FileType::BlockDevice => 1,
        FileType::CharacterDevice => 2,
        FileType::Directory => 3,
        FileType::RegularFile => 4,
        FileType::Socket => 6,
        FileType::SymbolicLink => 7,
    }
}

/// `fdflags` to the flags of a file. Unknown bits are refused.
pub(super) fn file_flags(flags: u32) -> Result<FileFlags, Errno> {
    let bit = |bit: u32| flags & bit != 0;
    refuse_unknown(flags, 0x1f)?;
    Ok(FileFlags {
        append: bit(1),
        data_sync: bit(2),
        nonblock: bit(4),
        read_sync: bit(8),
        sync: bit(16),
    })
}

/// The flags of a file as `fdflags`.
pub(super) fn fd_flags(flags: FileFlags) -> u16 {
    let FileFlags { append, nonblock, data_sync, sync, read_sync } = flags;
    u16::from(append)
        | u16::from(data_sync) << 1
        | u16::from(nonblock) << 2
        | u16::from(read_sync) << 3
        | u16::from(sync) << 4
}

/// `oflags`, taken apart.
pub(super) struct OpenFlags {
    pub(super) create: bool,
    pub(super) directory: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
}

/// Takes `oflags` apart. Unknown bits are refused.
pub(super) fn open_flags(flags: u32) -> Result<OpenFlags, Errno> {
    let bit = |bit: u32| flags & bit != 0;
    refuse_unknown(flags, 0xf)?;
    Ok(OpenFlags { create: bit(1), directory: bit(2), exclusive: bit(4), truncate: bit(8) })
}

/// `lookupflags`: whether a symbolic link at the end of a path is followed.
pub(super) fn follows(flags: u32) -> Result<bool, Errno> {
    refuse_unknown(flags, 1)?;
    Ok(flags == 1)
}

/// The times that `fstflags` says to set: access, modification.
pub(super) fn new_times(atim: u64, mtim: u64, flags: u32) -> Result<(NewTime, NewTime), Errno> {
    refuse_unknown(flags, 0xf)?;
    Ok((new_time(atim, flags)?, new_time(mtim, flags >> 2)?))
}

fn new_time(nanoseconds: u64, flags: u32) -> Result<NewTime, Errno> {
    match flags & 3 {
        0 => Ok(NewTime::Unchanged),
        1 => Ok(NewTime::At(timestamp(nanoseconds))),
        2 => Ok(NewTime::Now),
        _ => Err(Errno::INVAL),
    }
}

fn timestamp(nanoseconds: u64) -> Timestamp {
    let duration = Duration::from_nanos(nanoseconds);
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timestamp { seconds, nanoseconds: duration.subsec_nanos() }
}

fn refuse_unknown(flags: u32, known: u32) -> Result<(), Errno> {
    if flags & !known == 0 { Ok(()) } else { Err(Errno::INVAL) }
}

/// Size of a `filestat`.
pub(super) const FILESTAT_BYTES: u32 = 64;

/// Size of an `fdstat`.
pub(super) const FDSTAT_BYTES: u32 = 24;

/// Size of a `dirent`, without the name that follows it.
pub(super) const DIRENT_BYTES: usize = 24;

/// Writes a `filestat`.
pub(super) fn write_filestat(
    guest: &mut Guest<'_>,
    address: u32,
    metadata: &Metadata,
) -> Result<(), Errno> {
    let mut stat = [0; FILESTAT_BYTES as usize];
    stat[0..8].copy_from_slice(&metadata.device.to_le_bytes());
    stat[8..16].copy_from_slice(&metadata.inode.to_le_bytes());
    stat[16] = file_type(metadata.kind);
    stat[24..32].copy_from_slice(&metadata.links.to_le_bytes());
    stat[32..40].copy_from_slice(&metadata.size.to_le_bytes());
    stat[40..64].copy_from_slice(&times(metadata));
    guest.write(address, &stat)
}

/// The three times of a file, one after the other.
pub(super) fn times(metadata: &Metadata) -> [u8; 24] {
    let mut bytes = [0; 24];
    let times = [metadata.accessed, metadata.modified, metadata.changed];
    for (chunk, time) in bytes.chunks_exact_mut(8).zip(times) {
        chunk.copy_from_slice(&crate::clocks::nanoseconds(time.since_epoch()).to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_survive_a_round_trip() {
        for flags in 0..32 {
            assert_eq!(u32::from(fd_flags(file_flags(flags).unwrap())), flags);
        }
        assert_eq!(file_flags(32), Err(Errno::INVAL));
    }

    #[test]
    fn a_time_cannot_be_both_given_and_now() {
        assert_eq!(new_times(1, 2, 3), Err(Errno::INVAL));
        assert_eq!(new_times(1, 2, 12), Err(Errno::INVAL));
        assert_eq!(new_times(1, 2, 2), Ok((NewTime::Now, NewTime::Unchanged)));
        let given = NewTime::At(Timestamp { seconds: 1, nanoseconds: 5 });
        assert_eq!(new_times(1, 1_000_000_005, 4), Ok((NewTime::Unchanged, given)));
    }
}
