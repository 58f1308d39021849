//! Reading a whole directory, and keeping what was read.

use std::collections::VecDeque;
use std::os::unix::fs::DirEntryExt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

/// How many entries a guest's open directories may keep all together. Ten directories of 100,000 entries, some
/// 100 MB; a guest that opens one large directory again and again must not fill the host's memory.
const KEPT_ENTRIES_MAX: usize = 1 << 20;

/// A listing that is kept for a reader who comes back.
pub(crate) type Kept = Mutex<Option<Arc<[Entry]>>>;

/// The listings that are kept by the directories of one guest. When they become too many, the oldest go: their
/// readers, when they come back, have the directory read anew.
#[derive(Debug, Default)]
pub(crate) struct KeptListings {
    order: Mutex<VecDeque<(Weak<Kept>, usize)>>,
}

impl KeptListings {
    /// Notes that a directory keeps so many entries, and makes the oldest drop theirs if that is too many.
    pub(super) fn note(&self, owner: &Arc<Kept>, entries: usize) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = |kept: &(Weak<Kept>, usize)| {
            kept.0.strong_count() > 0 && !Weak::ptr_eq(&kept.0, &Arc::downgrade(owner))
        };
        order.retain(is_other);
        order.push_back((Arc::downgrade(owner), entries));
        let mut sum: usize = order.iter().map(|kept| kept.1).sum();
        while sum > KEPT_ENTRIES_MAX && order.len() > 1 {
            let Some((oldest, entries)) = order.pop_front() else { break };
            sum -= entries;
            if let Some(oldest) = oldest.upgrade() {
                *oldest.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(entries: usize) -> Arc<Kept> {
        let entry = Entry { name: "x".into(), inode: 1, kind: FileType::Unknown };
        Arc::new(Mutex::new(Some(vec![entry; entries].into())))
    }

    fn is_kept(kept: &Kept) -> bool {
        kept.lock().unwrap().is_some()
    }

    #[test]
    fn the_oldest_listings_go_when_there_are_too_many() {
        let listings = KeptListings::default();
        let third = KEPT_ENTRIES_MAX / 3;
        let kept = [third, third, third].map(keep);
        for kept in &kept {
            listings.note(kept, third);
        }
        // Noting one again makes it the newest.
        listings.note(&kept[0], third);
        assert!(kept.iter().all(|kept| is_kept(kept)));
        let large = keep(third + 1);
        listings.note(&large, third + 1);
        assert_eq!(
            [&kept[0], &kept[1], &kept[2], &large].map(|kept| is_kept(kept)),
            [true, false, true, true]
        );
        // One that is too large alone is kept as long as it is the only one.
        let huge = keep(KEPT_ENTRIES_MAX + 1);
        listings.note(&huge, KEPT_ENTRIES_MAX + 1);
        assert_eq!(
            [&kept[0], &kept[2], &large, &huge].map(|kept| is_kept(kept)),
            [false, false, false, true]
        );
        drop(huge);
        listings.note(&large, 1);
        assert_eq!(listings.order.lock().unwrap().len(), 1, "what is closed is forgotten");
    }
}
