//! What can go wrong in a core: one code, named as WASI 0.2 names it.
//!
//! The cores speak only this language. Each interface turns it into its own: 0.1 into numbers
//! (`p1/types.rs`), later ones into their `error-code` variants. Faults that only exist where guest memory is
//! read (a pointer out of range) are not here: the cores never see guest memory.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// The result of an operation of a core.
pub(crate) type Result<T, E = ErrorCode> = std::result::Result<T, E>;

/// Why an operation of a core failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub(crate) enum ErrorCode {
    Access,
    WouldBlock,
    BadDescriptor,
    Busy,
    Deadlock,
    Quota,
    Exist,
    FileTooLarge,
    IllegalByteSequence,
    InProgress,
    Interrupted,
    Invalid,
    Io,
    IsDirectory,
    Loop,
    TooManyLinks,
    MessageSize,
    NameTooLong,
    NoDevice,
    NoEntry,
    NoLock,
    InsufficientMemory,
    InsufficientSpace,
    NotDirectory,
    NotEmpty,
    NotRecoverable,
    NotConnected,
    ConnectionAborted,
    ConnectionReset,
    ConnectionTimeout,
    Unsupported,
    NoTty,
    NoSuchDevice,
    Overflow,
    NotPermitted,
    Pipe,
    ReadOnly,
    InvalidSeek,
    TextFileBusy,
    CrossDevice,
    /// The process has as many open files as it may have.
    TooManyOpenFiles,
    /// The whole system has as many open files as it may have.
    TooManyOpenFilesInSystem,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for ErrorCode {}

impl From<Errno> for ErrorCode {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ACCESS => Self::Access,
            Errno::AGAIN => Self::WouldBlock,
            Errno::BADF => Self::BadDescriptor,
            Errno::BUSY => Self::Busy,
            Errno::DEADLK => Self::Deadlock,
            Errno::DQUOT => Self::Quota,
            Errno::EXIST => Self::Exist,
            Errno::FBIG => Self::FileTooLarge,
            Errno::ILSEQ => Self::IllegalByteSequence,
            Errno::INPROGRESS => Self::InProgress,
            Errno::INTR => Self::Interrupted,
            Errno::INVAL => Self::Invalid,
            Errno::ISDIR => Self::IsDirectory,
            Errno::LOOP => Self::Loop,
            Errno::MLINK => Self::TooManyLinks,
            Errno::MSGSIZE => Self::MessageSize,
            Errno::NAMETOOLONG => Self::NameTooLong,
            Errno::NODEV => Self::NoDevice,
            Errno::NOENT => Self::NoEntry,
            Errno::NOLCK => Self::NoLock,
            Errno::NOMEM => Self::InsufficientMemory,
            Errno::NOSPC => Self::InsufficientSpace,
            Errno::NOTDIR => Self::NotDirectory,
            Errno::NOTEMPTY => Self::NotEmpty,
            Errno::NOTRECOVERABLE => Self::NotRecoverable,
            Errno::NOTCONN => Self::NotConnected,
            Errno::CONNABORTED => Self::ConnectionAborted,
            Errno::CONNRESET => Self::ConnectionReset,
            Errno::TIMEDOUT => Self::ConnectionTimeout,
            Errno::NOTSUP | Errno::NOSYS => Self::Unsupported,
            Errno::NOTTY => Self::NoTty,
            Errno::NXIO => Self::NoSuchDevice,
            Errno::OVERFLOW => Self::Overflow,
            Errno::PERM => Self::NotPermitted,
            Errno::PIPE => Self::Pipe,
            Errno::ROFS => Self::ReadOnly,
            Errno::SPIPE => Self::InvalidSeek,
            Errno::TXTBSY => Self::TextFileBusy,
            Errno::XDEV => Self::CrossDevice,
            Errno::MFILE => Self::TooManyOpenFiles,
            Errno::NFILE => Self::TooManyOpenFilesInSystem,
            _ => Self::Io,
        }
    }
}

impl From<io::Error> for ErrorCode {
    fn from(error: io::Error) -> Self {
        if let Some(errno) = Errno::from_io_error(&error) {
            return errno.into();
        }
        // Errors made by a library rather than by the system, among them the sandbox's own refusals, which
        // cap-std reports as `PermissionDenied` without a number.
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::NotPermitted,
            io::ErrorKind::NotFound => Self::NoEntry,
            io::ErrorKind::AlreadyExists => Self::Exist,
            io::ErrorKind::WouldBlock => Self::WouldBlock,
            io::ErrorKind::InvalidInput => Self::Invalid,
            io::ErrorKind::InvalidData => Self::IllegalByteSequence,
            io::ErrorKind::BrokenPipe => Self::Pipe,
            io::ErrorKind::Interrupted => Self::Interrupted,
            io::ErrorKind::Unsupported => Self::Unsupported,
            io::ErrorKind::OutOfMemory => Self::InsufficientMemory,
            io::ErrorKind::StorageFull => Self::InsufficientSpace,
            _ => Self::Io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_keeps_its_meaning() {
        let error = io::Error::from(Errno::NOTEMPTY);
        assert_eq!(ErrorCode::from(error), ErrorCode::NotEmpty);
    }

    #[test]
    fn a_refusal_of_the_sandbox_is_not_permitted() {
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "outside");
        assert_eq!(ErrorCode::from(error), ErrorCode::NotPermitted);
    }
}
