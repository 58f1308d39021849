//! Files that only one user may write, and how a file is known again.

use rustix::process::{Resource, geteuid, getrlimit};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
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

/// The largest file that the process may write: beyond that the system ends it.
pub fn file_bytes_max() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
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
