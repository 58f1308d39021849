//! An open directory, and everything that takes a path relative to it.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, SystemTimeSpec};
use cap_std::ambient_authority;
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::file::set_fd_times;
use super::listing::{self, Kept, KeptListings};
use super::{
    DirPerms, Entry, File, FileFlags, FilePerms, FileType, Metadata, NewTime, OpenHow, require,
};
use crate::error::{ErrorCode, Result};

/// An open directory: either granted by the embedder, or opened beneath one that was.
#[derive(Debug)]
pub(crate) struct Dir {
    dir: cap_std::fs::Dir,
    perms: DirPerms,
    file_perms: FilePerms,
    /// What the directory held when its reading began.
    listing: Arc<Kept>,
    /// The listings of all this guest's directories.
    listings: Arc<KeptListings>,
}

/// What opening a path gave.
pub(crate) enum Opened {
    Dir(Dir),
    File(File),
}

impl Dir {
    /// Opens a directory of the host. The only place where a path of the host is used.
    pub(crate) fn grant(
        host_path: &Path,
        perms: DirPerms,
        file_perms: FilePerms,
        listings: Arc<KeptListings>,
    ) -> std::io::Result<Self> {
        let dir = cap_std::fs::Dir::open_ambient_dir(host_path, ambient_authority())?;
        Ok(Self { dir, perms, file_perms, listing: Arc::default(), listings })
    }

    /// The host's descriptor.
    pub(crate) fn host_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// What is known about the directory itself.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Metadata::of_fd(&self.dir)
    }

    /// What is known about the file at a path.
    pub(crate) fn metadata_at(&self, path: &str, follow: bool) -> Result<Metadata> {
        self.require_read()?;
        let metadata =
            if follow { self.dir.metadata(path) } else { self.dir.symlink_metadata(path) };
        Ok(metadata?.into())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        Ok(rustix::fs::fsync(&self.dir)?)
    }

    pub(crate) fn set_times(&self, accessed: NewTime, modified: NewTime) -> Result<()> {
        self.require_mutate()?;
        set_fd_times(self.host_fd(), accessed, modified)
    }

    pub(crate) fn set_times_at(
        &self,
        path: &str,
        follow: bool,
        accessed: NewTime,
        modified: NewTime,
    ) -> Result<()> {
        self.require_mutate()?;
        let (accessed, modified) = (time_spec(accessed)?, time_spec(modified)?);
        if follow {
            self.dir.set_times(path, accessed, modified)?;
        } else {
            self.dir.set_symlink_times(path, accessed, modified)?;
        }
        Ok(())
    }

    pub(crate) fn create_dir(&self, path: &str) -> Result<()> {
        self.require_mutate()?;
        Ok(self.dir.create_dir(path)?)
    }

    pub(crate) fn remove_dir(&self, path: &str) -> Result<()> {
        self.require_mutate()?;
        Ok(self.dir.remove_dir(path)?)
    }

    /// Removes a file or symbolic link.
    pub(crate) fn remove_file(&self, path: &str) -> Result<()> {
        self.require_mutate()?;
        Ok(self.dir.remove_file(path)?)
    }

    /// Creates a symbolic link at `path`. A target that is an absolute path is refused: it could only ever lead
    /// outside.
    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.require_mutate()?;
        Ok(self.dir.symlink(target, path)?)
    }

    /// What a symbolic link says. A link to an absolute path is refused, since that names a place of the host.
    pub(crate) fn read_link(&self, path: &str) -> Result<Vec<u8>> {
        self.require_read()?;
        let target = self.dir.read_link(path)?;
        Ok(std::os::unix::ffi::OsStringExt::into_vec(target.into_os_string()))
    }

    pub(crate) fn rename(&self, from: &str, to_dir: &Self, to: &str) -> Result<()> {
        self.require_mutate()?;
        to_dir.require_mutate()?;
        self.require_no_gain(to_dir)?;
        // A name that ends with a slash is a directory's. The sandbox leaves the slash out when it renames.
        if to.ends_with('/') {
            let kind = self.metadata_at(from, false)?.kind;
            require(kind == FileType::Directory, ErrorCode::NotDirectory)?;
        }
        Ok(self.dir.rename(from, &to_dir.dir, to)?)
    }

    /// Creates a second name for a file. With `follow`, for what a symbolic link points to rather than for the link.
    pub(crate) fn hard_link(
        &self,
        from: &str,
        follow: bool,
        to_dir: &Self,
        to: &str,
    ) -> Result<()> {
        self.require_mutate()?;
        to_dir.require_mutate()?;
        self.require_no_gain(to_dir)?;
        if follow {
            let target = self.dir.canonicalize(from)?;
            return Ok(self.dir.hard_link(target, &to_dir.dir, to)?);
        }
        Ok(self.dir.hard_link(from, &to_dir.dir, to)?)
    }

    /// The entries from position `start` on, `.` and `..` among them.
    ///
    /// The listing is made once and kept, so that a reader who comes back with the position of the next entry
    /// finds it there in constant time; position 0 reads the directory anew.
    pub(crate) fn entries(&self, start: u64) -> Result<Entries> {
        self.require_read()?;
        let entries = if start == 0 { None } else { self.kept().clone() };
        let entries = match entries {
            Some(entries) => entries,
            None => self.read_anew()?,
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(entries.len());
        Ok(Entries { entries, start })
    }

    fn read_anew(&self) -> Result<Arc<[Entry]>> {
        let entries: Arc<[Entry]> = listing::read(&self.dir)?.into();
        // The lock is held for this line only: the next one may make another directory drop its listing.
        *self.kept() = Some(entries.clone());
        self.listings.note(&self.listing, entries.len());
        Ok(entries)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<[Entry]>>> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a path. Whether it is a directory or another file is looked up on the opened descriptor, so there is
    /// no moment between check and use.
    pub(crate) fn open(&self, path: &str, how: OpenHow) -> Result<Opened> {
        let how = self.permitted(how)?;
        let file = match self.open_existing(path, &how) {
            Err(ErrorCode::NoEntry) if how.create => self.open_new(path, &how)?,
            result => result?,
        };
        if Metadata::of_fd(&file)?.kind == FileType::Directory {
            let dir = cap_std::fs::Dir::from_std_file(file);
            let (perms, file_perms) = (self.perms, self.file_perms);
            let (listing, listings) = (Arc::default(), self.listings.clone());
            return Ok(Opened::Dir(Self { dir, perms, file_perms, listing, listings }));
        }
        Ok(Opened::File(File::new(file, self.file_perms, &how)))
    }

    /// Checks what is asked against what was granted.
    fn permitted(&self, mut how: OpenHow) -> Result<OpenHow> {
        if how.directory {
            require(!how.create && !how.exclusive && !how.truncate, ErrorCode::Invalid)?;
            // A directory is not read as a file is, so this needs no permission for files. Writing to one fails in
            // the system, with the error for whatever is there.
            how.read = true;
            return Ok(how);
        }
        require(
            !(how.write || how.truncate) || self.file_perms.contains(FilePerms::WRITE),
            ErrorCode::ReadOnly,
        )?;
        require(!how.read || self.file_perms.contains(FilePerms::READ), ErrorCode::NotPermitted)?;
        Ok(how)
    }

    /// Opens what is there. With `create` and `exclusive` nothing may be there, which only creating can tell.
    fn open_existing(&self, path: &str, how: &OpenHow) -> Result<std::fs::File> {
        if how.create && how.exclusive {
            return match self.dir.symlink_metadata(path) {
                Ok(_) => Err(ErrorCode::Exist),
                Err(error) => Err(error.into()),
            };
        }
        let mut options = options(how);
        // A file opened without any access, or only to be truncated, still needs some in the host's eyes.
        options.write(how.write || how.truncate).truncate(how.truncate);
        options.read(how.read || !(how.write || how.truncate));
        Ok(self.dir.open_with(path, &options)?.into_std())
    }

    fn open_new(&self, path: &str, how: &OpenHow) -> Result<std::fs::File> {
        self.require_mutate()?;
        let mut options = options(how);
        options.write(true).read(how.read).truncate(how.truncate);
        if how.exclusive {
            options.create_new(true);
        } else {
            options.create(true);
        }
        Ok(self.dir.open_with(path, &options)?.into_std())
    }

    fn require_read(&self) -> Result<()> {
        require(self.perms.contains(DirPerms::READ), ErrorCode::NotPermitted)
    }

    fn require_mutate(&self) -> Result<()> {
        require(self.perms.contains(DirPerms::MUTATE), ErrorCode::ReadOnly)
    }

    /// A file must not gain permissions by getting a name in another granted directory. The error is the one for
    /// different file systems, upon which programs copy instead.
    fn require_no_gain(&self, to: &Self) -> Result<()> {
        let gains_nothing =
            self.perms.contains(to.perms) && self.file_perms.contains(to.file_perms);
        require(gains_nothing, ErrorCode::CrossDevice)
    }
}

/// Entries of a directory from some position on.
pub(crate) struct Entries {
    entries: Arc<[Entry]>,
    start: usize,
}

impl Entries {
    /// Each entry with the position of the one after it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        let numbered = self.entries.iter().enumerate().skip(self.start);
        numbered.map(|(index, entry)| (index as u64 + 1, entry))
    }
}

fn options(how: &OpenHow) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.follow(if how.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
    options.custom_flags(system_flags(how).bits() as i32);
    options
}

fn system_flags(how: &OpenHow) -> OFlags {
    let FileFlags { append, nonblock, data_sync, sync, read_sync } = how.flags;
    let mut flags = OFlags::NOCTTY;
    flags.set(OFlags::DIRECTORY, how.directory);
    flags.set(OFlags::APPEND, append);
    flags.set(OFlags::NONBLOCK, nonblock);
    if data_sync {
        flags |= OFlags::DSYNC;
    }
    if sync {
        flags |= OFlags::SYNC;
    }
    if read_sync {
        flags |= OFlags::RSYNC;
    }
    flags
}

fn time_spec(time: NewTime) -> Result<Option<SystemTimeSpec>> {
    Ok(match time {
        NewTime::Unchanged => None,
        NewTime::Now => Some(SystemTimeSpec::SymbolicNow),
        NewTime::At(time) => {
            let since_epoch: Duration = time.since_epoch();
            let epoch = cap_std::time::SystemTime::from_std(std::time::UNIX_EPOCH);
            let time = epoch.checked_add(since_epoch).ok_or(ErrorCode::Overflow)?;
            Some(SystemTimeSpec::Absolute(time))
        }
    })
}
