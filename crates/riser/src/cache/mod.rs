//! Compiled code that is kept between runs: a folder with a file for each module and engine.
//!
//! Files are written under another name and then renamed, so that readers see whole ones only, and writers need no lock: of two
//! that write the same file, the last one wins. Nothing is forced to the disk; a file that was not written whole is found
//! out by its checksums. What goes wrong here is never an error of the program that runs: code that is not found is made.
//!
//! Code from a file is run as it is, so nobody else may be able to write there: [`Cache::new`] refuses a folder that others own or may write,
//! and a file of theirs is not used.
//!
//! `entries.rs` reads, writes and removes files; `known.rs` knows the hashes of modules without reading these, and `copies.rs` has modules so
//! that they need not be read; `firsts.rs` says which functions a program will need.

mod copies;
mod entries;
mod firsts;
mod known;
#[cfg(all(test, riser_compiled))]
mod tests;

use crate::{Context, Result, bail, format_err};
use riser_sys::Writers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub(crate) use entries::CacheKey;
pub(crate) use known::{Known, Sight};

/// How much is kept if nothing else is said: ten times the compiled code of a C compiler.
const BYTES_MAX: u64 = 1 << 30;

/// Where a [`Cache`] is, and how large it may become.
///
/// ```
/// use riser::CacheConfig;
///
/// let mut config = CacheConfig::new();
/// config.with_directory("/var/cache/app/code").with_files_total_size_soft_limit(64 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct CacheConfig {
    directory: Option<PathBuf>,
    bytes_max: u64,
}

impl CacheConfig {
    /// The usual folder, and at most 1 GiB.
    pub fn new() -> CacheConfig {
        CacheConfig { directory: None, bytes_max: BYTES_MAX }
    }

    /// Uses this folder, which is made when the cache is opened. Without it, it is `$RISER_CACHE_DIR`, `$XDG_CACHE_HOME/riser` or
    /// `$HOME/.cache/riser`, the first that is set.
    pub fn with_directory(&mut self, directory: impl Into<PathBuf>) -> &mut Self {
        self.directory = Some(directory.into());
        self
    }

    /// Removes what was not used for longest as soon as all files together take more bytes than this.
    pub fn with_files_total_size_soft_limit(&mut self, bytes: u64) -> &mut Self {
        self.bytes_max = bytes;
        self
    }
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig::new()
    }
}

/// A folder with compiled code, for modules that were compiled before. Cloning is cheap; engines, and processes, can use the same folder
/// at the same time.
///
/// ```no_run
/// use riser::{Cache, CacheConfig};
///
/// let cache = Cache::new(CacheConfig::new())?;
/// println!("{} bytes in {}", cache.stats()?.bytes, cache.directory().display());
/// # riser::Result::<()>::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    bytes_max: u64,
    /// Makes the names of files that are being written differ.
    next: AtomicU64,
    hits: AtomicUsize,
    misses: AtomicUsize,
}

/// What a [`Cache`] holds.
///
/// ```
/// use riser::CacheStats;
///
/// fn shown(stats: CacheStats) -> String {
///     format!("code of {} modules, {} MiB", stats.modules, stats.bytes >> 20)
/// }
/// assert_eq!(shown(CacheStats::default()), "code of 0 modules, 0 MiB");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// How many modules there is code of; a module counts once for each engine that compiled it differently.
    pub modules: u64,
    /// What all files take.
    pub bytes: u64,
    /// What they may take.
    pub bytes_max: u64,
}

impl Cache {
    /// Opens the cache, and makes its folder if there is none.
    ///
    /// # Errors
    /// If there is no folder to use, if it cannot be made, and if somebody else may write there.
    pub fn new(config: CacheConfig) -> Result<Cache> {
        let directory = match config.directory {
            Some(directory) => directory,
            None => Cache::default_directory()?,
        };
        prepare(&directory)?;
        let inner = Inner {
            directory,
            bytes_max: config.bytes_max,
            next: AtomicU64::new(0),
            hits: AtomicUsize::new(0),
            misses: AtomicUsize::new(0),
        };
        Ok(Cache { inner: Arc::new(inner) })
    }

    /// The folder that is used if none is configured.
    ///
    /// # Errors
    /// If no variable of the environment says where it is.
    pub fn default_directory() -> Result<PathBuf> {
        default_directory(|name| std::env::var_os(name))
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// How often code was found here, by this value and its clones.
    pub fn cache_hits(&self) -> usize {
        self.inner.hits.load(Ordering::Relaxed)
    }

    /// How often there was none.
    pub fn cache_misses(&self) -> usize {
        self.inner.misses.load(Ordering::Relaxed)
    }

    /// What the folder holds now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn stats(&self) -> Result<CacheStats> {
        let (modules, bytes) = entries::measure(self.directory())
            .with_context(|| format!("failed to read {}", self.directory().display()))?;
        Ok(CacheStats { modules, bytes, bytes_max: self.inner.bytes_max })
    }

    /// Removes everything that caches have written to the folder, and says what it was. Files of others stay.
    ///
    /// # Errors
    /// If the folder cannot be read, or a file not be removed.
    pub fn clear(&self) -> Result<CacheStats> {
        let (modules, bytes) = entries::remove_all(self.directory())
            .with_context(|| format!("failed to empty {}", self.directory().display()))?;
        Ok(CacheStats { modules, bytes, bytes_max: self.inner.bytes_max })
    }
}

/// What tells modules apart.
pub(crate) fn hash(module: &[u8]) -> [u8; 32] {
    *blake3::hash(module).as_bytes()
}

fn default_directory(get: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<PathBuf> {
    let folder = |name: &str| get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name: &str| folder(name).filter(|path| path.is_absolute());
    folder("RISER_CACHE_DIR")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|cache| cache.join("riser")))
        .or_else(|| absolute("HOME").map(|home| home.join(".cache/riser")))
        .ok_or_else(|| format_err!("neither RISER_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set"))
}

/// Tells tools that make backups that there is nothing to save: <https://bford.info/cachedir/>.
const TAG: (&str, &str) =
    ("CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# Compiled code of riser\n");

/// Makes the folder if it is missing, and checks who may write there.
fn prepare(directory: &Path) -> Result<()> {
    let shown = directory.display();
    let metadata = match std::fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(_) => {
            riser_sys::create_private_dir(directory)
                .with_context(|| format!("failed to make the folder {shown}"))?;
            // Without it the folder is as good.
            let _ = std::fs::write(directory.join(TAG.0), TAG.1);
            std::fs::metadata(directory).with_context(|| format!("failed to read {shown}"))?
        }
    };
    if !metadata.is_dir() {
        bail!("{shown} is not a folder");
    }
    match riser_sys::writers(&metadata) {
        Writers::Us => Ok(()),
        Writers::Other { owner } => bail!("{shown} belongs to another user ({owner})"),
        Writers::Everyone { mode } => {
            bail!("other users may write to {shown} (its mode is {mode:o}, and should be 700)")
        }
        Writers::Unknown => bail!("this system does not tell who may write to {shown}"),
    }
}
