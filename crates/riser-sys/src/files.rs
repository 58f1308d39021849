//! Files that only one user may write, and how a file is known again.

use rustix::process::{Resource, geteuid, getrlimit};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::{FileIdentity, Writers};

/// What a file is known by.
pub fn file_identity(metadata: &Metadata) -> Option<FileIdentity> {
    Some(FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.size(),
        modified: (metadata.mtime(), u32::try_from(metadata.mtime_nsec()).ok()?),
        changed: (metadata.ctime(), u32::try_from(metadata.ctime_nsec()).ok()?),
    })
}

/// Who may change a file or the entries of a folder.
pub fn writers(metadata: &Metadata) -> Writers {
    let owner = metadata.uid();
    if owner != geteuid().as_raw() {
        return Writers::Other { owner };
    }
    match metadata.mode() & 0o022 {
        0 => Writers::Us,
        _ => Writers::Everyone { mode: metadata.mode() & 0o777 },
    }
}

/// Makes a folder, and those that it is in, for this user alone. One that is there stays as it is.
///
/// # Errors
/// Those of the system.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a file that is not there yet, which only this user may read and write.
///
/// # Errors
/// Those of the system.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a file without a name, which only this user may read and write, and which is gone when nobody has it open, unless [`name_file`]
/// gives it a name.
///
/// # Errors
/// Those of the system; and [`io::ErrorKind::Unsupported`] where there are no such files.
#[cfg(target_os = "linux")]
pub fn create_unnamed_file(folder: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::TMPFILE;
    Ok(File::from(open(folder, flags, Mode::RUSR | Mode::WUSR)?))
}

/// Gives a file a name that none has yet.
///
/// # Errors
/// Those of the system.
#[cfg(target_os = "linux")]
pub fn name_file(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    // With the empty path, a capability would be needed.
    let from = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, from, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// There are none.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn create_unnamed_file(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are none to be named.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn name_file(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What tells the times apart for which the system runs without being started anew. While it runs, what a program has read from a file is what another one
/// has written; after a crash it may not be.
pub fn boot_id() -> Option<[u8; 16]> {
    let mut text = String::new();
    let file = File::open("/proc/sys/kernel/random/boot_id").ok()?;
    file.take(100).read_to_string(&mut text).ok()?;
    let digits = text.chars().filter_map(|digit| digit.to_digit(16));
    let digits: Vec<u8> = digits.map(|digit| digit as u8).collect();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = pair[0] << 4 | pair[1];
    }
    (digits.len() == 32).then_some(id)
}

/// The largest file that the process may write: beyond that the system ends it.
pub fn file_bytes_max() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    /// A folder that goes away.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("riser-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            create_private_dir(&path.join("a/b")).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_made_is_ours_alone() {
        let scratch = Scratch::new("ours");
        let inner = scratch.0.join("a/b");
        create_private_dir(&inner).unwrap();
        let file = create_private_file(&inner.join("file")).unwrap();
        assert!(create_private_file(&inner.join("file")).is_err());
        for (metadata, mode) in [
            (fs::metadata(&scratch.0).unwrap(), 0o700),
            (fs::metadata(&inner).unwrap(), 0o700),
            (file.metadata().unwrap(), 0o600),
        ] {
            assert_eq!((writers(&metadata), metadata.mode() & 0o777), (Writers::Us, mode));
        }
    }

    #[test]
    fn others_who_may_write_are_seen() {
        let scratch = Scratch::new("others");
        for mode in [0o770, 0o702, 0o777] {
            fs::set_permissions(&scratch.0, fs::Permissions::from_mode(mode)).unwrap();
            let metadata = fs::metadata(&scratch.0).unwrap();
            assert_eq!(writers(&metadata), Writers::Everyone { mode });
        }
        // Root can give a folder away, and everybody else has one that root owns.
        let (path, owner) = match geteuid().is_root() {
            true => (&*scratch.0, 1),
            false => (Path::new("/"), 0),
        };
        if owner == 1 {
            chown(path, Some(1), None).unwrap();
        }
        assert_eq!(writers(&fs::metadata(path).unwrap()), Writers::Other { owner });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_without_a_name_gets_one() {
        let scratch = Scratch::new("unnamed");
        let mut file = create_unnamed_file(&scratch.0).unwrap();
        file.write_all(b"content").unwrap();
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "the folder that was there");
        let path = scratch.0.join("file");
        name_file(&file, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content");
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((writers(&metadata), metadata.mode() & 0o777), (Writers::Us, 0o600));
        let error = name_file(&file, &path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(boot_id(), boot_id());
        assert_ne!(boot_id(), Some([0; 16]));
    }

    #[test]
    fn a_file_is_known_until_it_changes() {
        let scratch = Scratch::new("known");
        let path = scratch.0.join("file");
        let identity = || file_identity(&fs::metadata(&path).unwrap()).unwrap();
        fs::write(&path, "one").unwrap();
        let first = identity();
        assert_eq!((first, first.bytes), (identity(), 3));
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::new(9, 7)).unwrap();
        assert_eq!(identity().modified, (9, 7));
        assert_ne!(identity().changed, first.changed);
    }
}
