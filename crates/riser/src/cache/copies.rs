//! Copies of modules: to start a program from the cache, its file is looked at and not read.
//!
//! Reading a large module takes longer than all else (CPython, 20 MB: 10 of 40 ms, into 5,000 new pages), and its file cannot be mapped: others may change
//! it, or cut it, while it is in use. A file of the cache does not change. So a copy of a large module is made there, with what its memories hold at first
//! (`riser_vm::ModuleCopy`), when a program runs for the second time, by the engine's thread in the background, which nobody waits for.
//! A program that is over before that is done (Yosys says its version in 60 ms, and is 69 MB) waits for it in its next run, once.
//!
//! What is in a copy is trusted as code in the cache is: nobody else may write there, and checksums find accidents. That of all bytes is compared when
//! a copy is used for the first time since the system was started; then what the file is known by is noted (`known.rs`), and as long as it
//! is the same file nothing but its head is checked. A copy that is damaged is removed, and the module read as if there had been none.

use super::entries::COPY;
use super::known::{Checked, MODULE_BYTES_MIN};
use super::{Cache, Known, Sight};
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

/// A copy's last use is noted once a day. When it is noted, the file is not known any more.
const USE_PRECISION: Duration = Duration::from_secs(24 * 3600);

/// A copy takes this part of what the cache may take, or less.
const SHARE: u64 = 8;

impl Known {
    fn copy_name(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // What memories hold at first, and where bodies are, is what this source makes of a module.
        hasher.update(concat!("copy ", env!("RISER_SOURCES"), " ").as_bytes());
        hasher.update(&self.hash);
        format!("{}{COPY}", hasher.finalize().to_hex())
    }
}

/// A file with a copy that was found.
pub(crate) struct FoundCopy {
    /// The file.
    pub(crate) file: File,
    /// Whether it was looked at as a whole before, since when it was not changed.
    pub(crate) is_checked: bool,
    /// What to note when it is.
    now: Option<Checked>,
}

impl Cache {
    /// The file with the copy of a module.
    pub(crate) fn copy(&self, known: &Known) -> Option<FoundCopy> {
        let file = self.open_noting(&known.copy_name(), USE_PRECISION)?;
        // That it was not changed just now, as `known.rs` asks of other files, is not needed: nobody changes it at all, and what somebody
        // does to it by accident is done in another moment.
        let identity =
            file.metadata().ok().and_then(|metadata| riser_sys::file_identity(&metadata));
        let now = identity.and_then(|identity| Checked::new(riser_sys::boot_id()?, &identity));
        let is_checked = now.is_some() && now == known.checked;
        Some(FoundCopy { file, is_checked, now })
    }

    /// Notes that a copy was looked at, and is whole or not.
    pub(crate) fn copy_checked(&self, sight: &Sight, known: &Known, copy: FoundCopy, whole: bool) {
        if !whole {
            self.remove(&known.copy_name());
        } else if copy.now.is_some() {
            self.remember(sight, &Known { hash: known.hash, checked: copy.now });
        }
    }

    /// Notes that somebody begins to make a copy. Whether that was noted before: then that process ended before the copy was whole, as this one may.
    pub(crate) fn begin_copy(&self, sight: &Sight, known: &Known) -> bool {
        let was_begun = known.checked == Some(Checked::BEGUN);
        if !was_begun {
            self.remember(sight, &Known { hash: known.hash, checked: Some(Checked::BEGUN) });
        }
        was_begun
    }

    /// Whether a module of so many bytes is copied.
    pub(crate) fn copies(&self, module_bytes: usize) -> bool {
        let most = self.inner.bytes_max / SHARE;
        module_bytes >= MODULE_BYTES_MIN && module_bytes as u64 <= most
    }

    /// Keeps a copy.
    ///
    /// # Errors
    /// Those of `write` and of the system.
    pub(crate) fn put_copy(
        &self,
        known: &Known,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.put_new(&known.copy_name(), write)?;
        self.shrink()
    }
}
