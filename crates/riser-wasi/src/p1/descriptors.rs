//! What the guest has open: numbered descriptors with rights.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::rights;
use super::types::Errno;
use crate::ctx::{Preopen, Stdio};
use crate::error::ErrorCode;
use crate::files::{Dir, File, FileFlags, FileType, Metadata, Table};
use crate::poll::{self, Direction};
use crate::sockets::{Connection, Listener};
use crate::stop::Stop;
use crate::streams::{InputStream, OutputStream};

/// What a descriptor stands for.
pub(super) enum Resource {
    Input(Arc<dyn InputStream>),
    Output(Arc<dyn OutputStream>),
    File(File),
    Dir(Dir),
    Listener(Listener),
    Connection(Connection),
}

/// One open descriptor.
pub(super) struct Descriptor {
    pub(super) resource: Resource,
    /// The name under which a directory was granted.
    pub(super) preopen: Option<String>,
    base: AtomicU64,
    inheriting: AtomicU64,
    /// Whether the guest asked a stream not to wait. Not passed on to the host's descriptor, which other programs
    /// may share.
    nonblock: AtomicBool,
    /// Held by the thread that reads, and by the one that writes: see [`Descriptor::wait`].
    turns: [Mutex<()>; 2],
}

impl Descriptor {
    pub(super) fn new(resource: Resource, base: u64, inheriting: u64) -> Self {
        Self {
            resource,
            preopen: None,
            base: AtomicU64::new(base),
            inheriting: AtomicU64::new(inheriting),
            nonblock: AtomicBool::new(false),
            turns: Default::default(),
        }
    }

    /// A standard stream.
    fn stream(resource: Resource, access: u64) -> Self {
        let descriptor = Self::new(resource, rights::STREAM | access, 0);
        if descriptor.kind() == FileType::RegularFile {
            let seekable = rights::FD_SEEK | rights::FD_TELL;
            descriptor.base.fetch_or(seekable, Ordering::Relaxed);
        }
        descriptor
    }

    pub(super) fn base(&self) -> u64 {
        self.base.load(Ordering::Relaxed)
    }

    pub(super) fn inheriting(&self) -> u64 {
        self.inheriting.load(Ordering::Relaxed)
    }

    /// Checks that all the given rights are there.
    pub(super) fn require(&self, wanted: u64) -> Result<(), Errno> {
        match wanted & !self.base() {
            0 => Ok(()),
            missing => Err(rights::refusal(missing)),
        }
    }

    /// Gives rights up. They cannot be regained.
    pub(super) fn restrict(&self, base: u64, inheriting: u64) -> Result<(), Errno> {
        if base & !self.base() != 0 || inheriting & !self.inheriting() != 0 {
            return Err(Errno::NOTCAPABLE);
        }
        self.base.fetch_and(base, Ordering::Relaxed);
        self.inheriting.fetch_and(inheriting, Ordering::Relaxed);
        Ok(())
    }

    /// The directory this is.
    pub(super) fn dir(&self) -> Result<&Dir, Errno> {
        match &self.resource {
            Resource::Dir(dir) => Ok(dir),
            _ => Err(Errno::NOTDIR),
        }
    }

    /// The file this is; `stream` is the errno for a standard stream or socket.
    pub(super) fn file(&self, stream: Errno) -> Result<&File, Errno> {
        match &self.resource {
            Resource::File(file) => Ok(file),
            Resource::Dir(_) => Err(Errno::ISDIR),
            Resource::Input(_)
            | Resource::Output(_)
            | Resource::Listener(_)
            | Resource::Connection(_) => Err(stream),
        }
    }

    /// The host's descriptor behind this one, if there is one.
    pub(super) fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.resource {
            Resource::Input(stream) => stream.host_fd(),
            Resource::Output(stream) => stream.host_fd(),
            Resource::File(file) => Some(file.host_fd()),
            Resource::Dir(dir) => Some(dir.host_fd()),
            Resource::Listener(listener) => Some(listener.host_fd()),
            Resource::Connection(connection) => Some(connection.host_fd()),
        }
    }

    /// What kind of thing this is.
    pub(super) fn kind(&self) -> FileType {
        self.metadata().map_or(FileType::Unknown, |metadata| metadata.kind)
    }

    /// What is known about it. Of a stream that is not a regular file only the kind is told: a terminal is a
    /// character device, anything else (`/dev/null` too) is unknown, which is how programs tell terminals.
    pub(super) fn metadata(&self) -> Result<Metadata, Errno> {
        let stream = match &self.resource {
            Resource::File(file) => return Ok(file.metadata()?),
            Resource::Dir(dir) => return Ok(dir.metadata()?),
            Resource::Listener(_) | Resource::Connection(_) => {
                return Ok(stream_metadata(FileType::Socket));
            }
            Resource::Input(stream) => stream.host_fd(),
            Resource::Output(stream) => stream.host_fd(),
        };
        let Some(fd) = stream else {
            return Ok(stream_metadata(FileType::Unknown));
        };
        if rustix::termios::isatty(fd) {
            return Ok(stream_metadata(FileType::CharacterDevice));
        }
        let metadata = Metadata::of_fd(fd)?;
        if metadata.kind == FileType::RegularFile {
            return Ok(metadata);
        }
        Ok(stream_metadata(FileType::Unknown))
    }

    pub(super) fn flags(&self) -> FileFlags {
        match &self.resource {
            Resource::File(file) => file.flags(),
            _ => FileFlags {
                nonblock: self.nonblock.load(Ordering::Relaxed),
                ..FileFlags::default()
            },
        }
    }

    pub(super) fn set_flags(&self, flags: FileFlags) -> Result<(), Errno> {
        match &self.resource {
            Resource::File(file) => Ok(file.set_flags(flags)?),
            Resource::Dir(_) => Err(Errno::BADF),
            Resource::Input(_)
            | Resource::Output(_)
            | Resource::Listener(_)
            | Resource::Connection(_) => {
                if flags != (FileFlags { nonblock: flags.nonblock, ..FileFlags::default() }) {
                    return Err(Errno::NOTSUP);
                }
                self.nonblock.store(flags.nonblock, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// What comes before reading from, or writing to, what may make a thread wait in the system. A program with threads
    /// waits here until that would not wait, or the program has ended. Only one thread has its turn, so that none is
    /// left waiting in the system when another one was faster.
    pub(super) fn wait(
        &self,
        direction: Direction,
        stop: Option<&Stop>,
    ) -> Result<Option<MutexGuard<'_, ()>>, Errno> {
        self.check_wait(direction)?;
        let (Some(stop), Some(fd)) = (stop, self.host_fd()) else { return Ok(None) };
        if Metadata::of_fd(fd)?.kind == FileType::RegularFile {
            return Ok(None);
        }
        let turn = &self.turns[direction as usize];
        if self.flags().nonblock {
            return match turn.try_lock() {
                Ok(turn) => Ok(Some(turn)),
                Err(TryLockError::Poisoned(turn)) => Ok(Some(turn.into_inner())),
                Err(TryLockError::WouldBlock) => Err(Errno::AGAIN),
            };
        }
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        poll::wait_fd_or_stop(fd, direction, stop)?;
        Ok(Some(turn))
    }

    /// For a stream that the guest asked not to wait: fails if it would.
    pub(super) fn check_wait(&self, direction: Direction) -> Result<(), Errno> {
        if self.nonblock.load(Ordering::Relaxed)
            && let Some(fd) = self.host_fd()
            && !poll::is_ready(fd, direction)?
        {
            return Err(Errno::AGAIN);
        }
        Ok(())
    }
}

fn stream_metadata(kind: FileType) -> Metadata {
    let zero = Default::default();
    Metadata {
        device: 0,
        inode: 0,
        kind,
        links: 1,
        size: 0,
        accessed: zero,
        modified: zero,
        changed: zero,
    }
}

/// The descriptor of what was granted.
fn preopened(preopen: Preopen) -> Descriptor {
    match preopen {
        Preopen::Dir { dir, guest_path } => {
            let passed_on = rights::DIRECTORY | rights::FILE;
            let dir = Descriptor::new(Resource::Dir(dir), rights::DIRECTORY, passed_on);
            Descriptor { preopen: Some(guest_path), ..dir }
        }
        Preopen::Listener(listener) => {
            Descriptor::new(Resource::Listener(listener), rights::LISTENER, rights::CONNECTION)
        }
    }
}

/// The descriptor table of a guest.
pub(crate) struct Descriptors {
    table: Mutex<Table<Arc<Descriptor>>>,
}

impl Descriptors {
    /// The table a program starts with: 0, 1 and 2 are its standard streams; granted directories and sockets
    /// follow in the order in which they were granted.
    pub(crate) fn new(stdio: Stdio, preopens: Vec<Preopen>) -> Self {
        let descriptors = Self { table: Mutex::default() };
        let streams = [
            Descriptor::stream(Resource::Input(stdio.stdin), rights::FD_READ),
            Descriptor::stream(Resource::Output(stdio.stdout), rights::FD_WRITE),
            Descriptor::stream(Resource::Output(stdio.stderr), rights::FD_WRITE),
        ];
        for descriptor in streams.into_iter().chain(preopens.into_iter().map(preopened)) {
            // Cannot fail: a builder cannot hold as many things as the table has room for, since each
            // is an open file of the host.
            let _ = descriptors.insert(descriptor);
        }
        descriptors
    }

    pub(super) fn insert(&self, descriptor: Descriptor) -> Result<u32, Errno> {
        Ok(self.locked().insert(Arc::new(descriptor))?)
    }

    /// The descriptor under a number, if it has the given rights.
    pub(super) fn get(&self, fd: u32, rights: u64) -> Result<Arc<Descriptor>, Errno> {
        let descriptor = self.locked().get(fd).cloned().ok_or(ErrorCode::BadDescriptor)?;
        descriptor.require(rights)?;
        Ok(descriptor)
    }

    pub(super) fn close(&self, fd: u32) -> Result<(), Errno> {
        // The descriptor is dropped after the lock is released: closing a file can take time.
        let closed = self.locked().remove(fd);
        closed.map(drop).ok_or(Errno::BADF)
    }

    pub(super) fn renumber(&self, fd: u32, to: u32) -> Result<(), Errno> {
        let replaced = {
            let mut table = self.locked();
            if table.get(fd).is_none() || table.get(to).is_none() {
                return Err(Errno::BADF);
            }
            table.renumber(fd, to)
        };
        drop(replaced);
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Table<Arc<Descriptor>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
