//! The hashes of modules, by their files: hashing a large module takes longer than all else that is done to start it from the cache.
//!
//! What a file is known by (device, number, length, times) stands in a small file of the cache, together with the hash of
//! its content. The hash decides which code runs, so it is used only if the content cannot be another one:
//!
//! - what the file is known by is compared before the content is read and after it (where there is a copy of the module, `copies.rs`, nothing
//!   is read);
//! - the file was last changed some seconds before. A change right after it was looked at could leave its times as they are, since
//!   a clock of files may be as coarse as that;
//! - the time of its last change, which nobody can set, is of a clock that tells fractions of seconds. Images of file systems have made-up
//!   times, and of two images every file may look the same.

use super::Cache;
use super::entries::MODULE;
use riser_sys::{FileIdentity, file_identity};
use std::fs::File;
use std::io::Read;
use std::time::{Duration, SystemTime};

/// Hashing less than this takes as long as looking for the hash (about 100 µs).
pub(super) const MODULE_BYTES_MIN: usize = 512 << 10;

/// How long a file must not have changed. File systems of networks and of memory cards have clocks of two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// What was seen of a file before it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    identity: FileIdentity,
    at: SystemTime,
}

impl Sight {
    /// Looks at a file that is about to be read. `None` if it could not be known again.
    pub(crate) fn of(file: &File) -> Option<Sight> {
        let at = SystemTime::now();
        Sight::at(file_identity(&file.metadata().ok()?)?, at)
    }

    pub(super) fn at(identity: FileIdentity, at: SystemTime) -> Option<Sight> {
        let sight = Sight { identity, at };
        (identity.changed.1 != 0 && sight.is_settled()).then_some(sight)
    }

    fn is_settled(&self) -> bool {
        let Ok(now) = self.at.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let before = |(seconds, nanoseconds): (i64, u32)| {
            let time = u64::try_from(seconds).map(|seconds| Duration::new(seconds, nanoseconds));
            time.is_ok_and(|time| time + SETTLED < now)
        };
        before(self.identity.modified) && before(self.identity.changed)
    }

    /// The name of the file that has the hash, and what it begins with.
    fn record(&self) -> (String, Vec<u8>) {
        let FileIdentity { device, inode, bytes, modified, changed } = self.identity;
        let mut record = b"riser 2\n".to_vec();
        record.extend([device, inode].map(u64::to_le_bytes).concat());
        let name = blake3::hash(&record).to_hex();
        put_identity(&mut record, &FileIdentity { device, inode, bytes, modified, changed });
        (format!("{}{MODULE}", &name[..32]), record)
    }
}

impl Cache {
    /// The hash of a module that was read from `file` after `sight` was taken.
    pub(crate) fn module_hash(&self, file: &File, sight: Option<Sight>, module: &[u8]) -> [u8; 32] {
        let hash = || *blake3::hash(module).as_bytes();
        let unchanged = sight.filter(|sight| {
            let now = file.metadata().ok().and_then(|metadata| file_identity(&metadata));
            now == Some(sight.identity) && sight.identity.bytes == module.len() as u64
        });
        let Some(sight) = unchanged.filter(|_| module.len() >= MODULE_BYTES_MIN) else {
            return hash();
        };
        if let Some(known) = self.known(&sight) {
            return known.hash;
        }
        let hash = hash();
        self.remember(&sight, &Known { hash, checked: None });
        hash
    }

    /// Notes what is known of a file.
    pub(super) fn remember(&self, sight: &Sight, known: &Known) {
        let (name, mut record) = sight.record();
        record.extend(known.hash);
        record.extend(known.checked.as_ref().map_or([0; CHECKED_BYTES], Checked::record));
        record.extend(blake3::hash(&record).as_bytes());
        // Without it, the module is hashed again next time.
        let _ = self.put(&name, |to| to.write_all(&record));
    }

    /// What is known of a file that was seen.
    pub(crate) fn known(&self, sight: &Sight) -> Option<Known> {
        if sight.identity.bytes < MODULE_BYTES_MIN as u64 {
            return None;
        }
        let (name, record) = sight.record();
        let mut found = Vec::new();
        self.open(&name)?.take(1 << 10).read_to_end(&mut found).ok()?;
        let (signed, sum) = found.split_last_chunk::<32>()?;
        if blake3::hash(signed) != *sum {
            return None;
        }
        let (rest, checked) = signed.split_last_chunk::<CHECKED_BYTES>()?;
        let (begin, hash) = rest.split_last_chunk::<32>()?;
        let checked = Some(Checked(*checked)).filter(|checked| checked.0 != [0; CHECKED_BYTES]);
        (begin == record).then_some(Known { hash: *hash, checked })
    }
}

/// What is known of a file.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The hash of its content.
    pub(crate) hash: [u8; 32],
    /// Which copy of the module was looked at as a whole.
    pub(super) checked: Option<Checked>,
}

/// What is noted of a copy that was looked at as a whole: what it is known by, and for as long as the system runs. After a crash, a file
/// may have other content than what was read from it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checked([u8; CHECKED_BYTES]);

/// Sixteen of the system's, three numbers of the file, and two times.
const CHECKED_BYTES: usize = 16 + 3 * 8 + 2 * 12;

impl Checked {
    /// Stands for a copy that somebody has begun to make. No file is known by this.
    pub(super) const BEGUN: Checked = Checked([1; CHECKED_BYTES]);

    pub(super) fn new(boot: [u8; 16], identity: &FileIdentity) -> Option<Checked> {
        let mut record = boot.to_vec();
        record.extend([identity.device, identity.inode].map(u64::to_le_bytes).concat());
        put_identity(&mut record, identity);
        record.try_into().ok().map(Checked)
    }

    fn record(&self) -> [u8; CHECKED_BYTES] {
        self.0
    }
}

fn put_identity(record: &mut Vec<u8>, identity: &FileIdentity) {
    record.extend(identity.bytes.to_le_bytes());
    for (seconds, nanoseconds) in [identity.modified, identity.changed] {
        record.extend(seconds.to_le_bytes());
        record.extend(nanoseconds.to_le_bytes());
    }
}
