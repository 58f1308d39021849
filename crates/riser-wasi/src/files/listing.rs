//! Reading a whole directory.

use std::os::unix::fs::DirEntryExt;

use cap_std::fs::{DirEntry, FileTypeExt, MetadataExt};

use super::FileType;
use crate::error::Result;

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    pub(crate) inode: u64,
    pub(crate) kind: FileType,
}

/// Reads all entries, `.` and `..` first.
///
/// A name that is not UTF-8 cannot be said in WASI, and a file that has one cannot be opened by the guest: it is left
/// out. The inode given for `..` is that of the directory itself, so that a granted directory does not tell where it
/// lies.
pub(super) fn read(dir: &cap_std::fs::Dir) -> Result<Vec<Entry>> {
    let own = dir.dir_metadata()?.ino();
    let special = |name: &str| Entry { name: name.into(), inode: own, kind: FileType::Directory };
    let mut entries = vec![special("."), special("..")];
    for entry in dir.entries()? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            entries.push(Entry { name: name.into(), inode: entry.ino(), kind: kind(&entry) });
        }
    }
    Ok(entries)
}

fn kind(entry: &DirEntry) -> FileType {
    let Ok(kind) = entry.file_type() else {
        return FileType::Unknown;
    };
    if kind.is_file() {
        FileType::RegularFile
    } else if kind.is_dir() {
        FileType::Directory
    } else if kind.is_symlink() {
        FileType::SymbolicLink
    } else if kind.is_char_device() {
        FileType::CharacterDevice
    } else if kind.is_block_device() {
        FileType::BlockDevice
    } else if kind.is_socket() {
        FileType::Socket
    } else {
        FileType::Unknown
    }
}
