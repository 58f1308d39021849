//! The files of a cache: found by a key, written, counted and removed.
//!
//! | name | is |
//! | --- | --- |
//! | 64 hexadecimal digits, `.rsr` | code, by its key |
//! | the same, `.add` | code that is to be added to it: what was compiled when there was no time to write all |
//! | the same, `.first` | functions that a run began with and that there is no code of, by the same key (`firsts.rs`) |
//! | the same, `.bin` | a module, by its hash (`copies.rs`) |
//! | 32 hexadecimal digits, `.mod` | the hash of a module, by its file (`known.rs`) |
//! | `.tmp-`, … | what is being written |
//!
//! Files with other names are not ours: they are not counted and not removed.

use super::Cache;
use riser_code::image::{ImageSource, ImageView, ImageWriter, Owner, Piece, WriteError};
use riser_sys::Writers;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// What code is found by: a hash of everything that it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of a module, by the hash of its bytes, for an engine, by what it says of itself.
    pub(crate) fn new(engine: &[u8], module: &[u8; 32]) -> CacheKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(engine.len() as u64).to_le_bytes());
        hasher.update(engine);
        hasher.update(module);
        CacheKey(hasher.finalize().into())
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}{CODE}", blake3::Hash::from_bytes(self.0).to_hex())
    }

    pub(super) fn firsts_name(&self) -> String {
        format!("{}{FIRSTS}", blake3::Hash::from_bytes(self.0).to_hex())
    }

    pub(super) fn added_name(&self) -> String {
        format!("{}{ADDED}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// What names of files with code end with.
const CODE: &str = ".rsr";
/// What names of files with more code end with.
const ADDED: &str = ".add";
/// What names of files with lists of functions end with.
const FIRSTS: &str = ".first";
/// What names of files with a module end with.
pub(super) const COPY: &str = ".bin";
/// What names of files with the hash of a module end with.
pub(super) const MODULE: &str = ".mod";
/// What names of files begin with that are being written.
const UNFINISHED: &str = ".tmp-";

/// A file that is being written is left over if it is older than this.
const UNFINISHED_MAX: Duration = Duration::from_secs(3600);

/// A file's last use is noted again after so much time.
const USE_PRECISION: Duration = Duration::from_secs(60);

/// What a small file takes on the disk.
const BLOCK_BYTES: u64 = 4096;

/// As much is written when there is no time: 0.5 ms.
const BRIEF_BYTES: u64 = 1 << 20;

/// How much is handed to the system at once.
const BUFFER_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Added,
    Firsts,
    Copy,
    Module,
    Unfinished,
}

fn kind(name: &str) -> Option<Kind> {
    let is_hex = |stem: &str, digits: usize| {
        stem.len() == digits && stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if name.strip_suffix(CODE).is_some_and(|stem| is_hex(stem, 64)) {
        Some(Kind::Code)
    } else if name.strip_suffix(ADDED).is_some_and(|stem| is_hex(stem, 64)) {
        Some(Kind::Added)
    } else if name.strip_suffix(FIRSTS).is_some_and(|stem| is_hex(stem, 64)) {
        Some(Kind::Firsts)
    } else if name.strip_suffix(COPY).is_some_and(|stem| is_hex(stem, 64)) {
        Some(Kind::Copy)
    } else if name.strip_suffix(MODULE).is_some_and(|stem| is_hex(stem, 32)) {
        Some(Kind::Module)
    } else {
        name.starts_with(UNFINISHED).then_some(Kind::Unfinished)
    }
}

impl Cache {
    /// The code that is kept for a key.
    pub(crate) fn lookup(&self, key: &CacheKey) -> Option<File> {
        let file = self.open(&key.file_name());
        let count = if file.is_some() { &self.inner.hits } else { &self.inner.misses };
        count.fetch_add(1, Ordering::Relaxed);
        file
    }

    /// The code that is to be added to that.
    pub(crate) fn lookup_added(&self, key: &CacheKey) -> Option<File> {
        self.open(&key.added_name())
    }

    /// What such a file has; nothing if there is none.
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some(mut file) = self.open(name) {
            file.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// A file of the folder, if nobody else may have written it. Notes that it was used.
    pub(super) fn open(&self, name: &str) -> Option<File> {
        self.open_noting(name, USE_PRECISION)
    }

    /// The same, noting the use if the last one that was noted is so long ago.
    pub(super) fn open_noting(&self, name: &str, precision: Duration) -> Option<File> {
        let file = File::open(self.directory().join(name)).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || riser_sys::writers(&metadata) != Writers::Us {
            return None;
        }
        let now = SystemTime::now();
        let age = metadata.modified().ok().and_then(|used| now.duration_since(used).ok());
        if age.is_none_or(|age| age > precision) {
            // If it cannot be noted, the file goes earlier than it would.
            let _ = file.set_modified(now);
        }
        Some(file)
    }

    /// Keeps functions, together with those that are kept already. Whether anything was new.
    ///
    /// # Errors
    /// Those of the system, and if there is too much code; nothing has changed then.
    pub(crate) fn extend<'a>(
        &self,
        source: ImageSource<'a>,
        pieces: impl IntoIterator<Item = (Owner<'a>, Piece<'a>)>,
    ) -> io::Result<bool> {
        let key = CacheKey::new(source.engine, &source.hash);
        let (kept, added) = (self.read(&key.file_name())?, self.read(&key.added_name())?);
        let (kept, added) = (view(&kept, &source), view(&added, &source));
        let mut source = source;
        let proved = source.validated;
        let were_validated = [kept, added].iter().flatten().find_map(ImageView::validated);
        source.validated = source.validated.or(were_validated);
        let mut image = ImageWriter::new(source);
        pieces.into_iter().for_each(|(owner, piece)| image.add(owner, piece));
        if let (Some(kept), None) = (kept, added)
            && (kept.validated().is_some() || proved.is_none())
            && image.is_within(&kept)
        {
            return Ok(false);
        }
        // What was made last is the best.
        [added, kept].iter().flatten().for_each(|other| image.inherit(other));
        self.store(&key, |to| write_image(&image, to))?;
        if added.is_some() {
            remove(&self.directory().join(key.added_name()))?;
        }
        Ok(true)
    }

    /// Keeps functions for a process that ends, in a time that does not depend on how much is kept already: beside the rest, unless that is
    /// little, and not all of them if there are many.
    ///
    /// # Errors
    /// As for [`Cache::extend`].
    pub(crate) fn extend_briefly<'a>(
        &self,
        source: ImageSource<'a>,
        pieces: impl Iterator<Item = (Owner<'a>, Piece<'a>)>,
    ) -> io::Result<()> {
        let key = CacheKey::new(source.engine, &source.hash);
        let length = |name: &str| {
            fs::metadata(self.directory().join(name)).map_or(0, |metadata| metadata.len())
        };
        let mut bytes = 0;
        let pieces: Vec<_> = pieces
            .take_while(|(_, piece)| {
                bytes += (piece.code.len() + piece.tables.len()) as u64;
                bytes <= BRIEF_BYTES
            })
            .collect();
        let added = length(&key.added_name());
        // So much is added by a hundred runs, if no longer one puts it to the rest.
        let is_full = added + bytes.min(BRIEF_BYTES) > 2 * BRIEF_BYTES;
        if is_full || length(&key.file_name()) + added + bytes <= BRIEF_BYTES {
            return self.extend(source, pieces).map(|_| ());
        }
        let added = self.read(&key.added_name())?;
        let added = view(&added, &source);
        let mut image = ImageWriter::new(source);
        pieces.into_iter().for_each(|(owner, piece)| image.add(owner, piece));
        added.iter().for_each(|added| image.inherit(added));
        self.put(&key.added_name(), |to| write_image(&image, to))?;
        self.shrink()
    }

    /// Keeps code for a key, in place of what was there. `write` is given where to write it.
    ///
    /// # Errors
    /// Those of `write` and of the system; nothing has changed then.
    pub(crate) fn store(
        &self,
        key: &CacheKey,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.put(&key.file_name(), write)?;
        self.shrink()
    }

    /// Writes a file of the folder.
    pub(super) fn put(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let (unfinished, file) = self.unfinished()?;
        let written = self.write_to(file, write).map(drop);
        let renamed = written.and_then(|()| fs::rename(&unfinished, self.directory().join(name)));
        if renamed.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        renamed
    }

    /// Writes a file that is there.
    fn write_to(
        &self,
        file: File,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<File> {
        let limit = riser_sys::file_bytes_max().unwrap_or(u64::MAX).min(self.inner.bytes_max);
        let mut to = BufWriter::with_capacity(BUFFER_BYTES, Limited { file, left: limit });
        let written = write(&mut to).and_then(|()| to.flush());
        // What could not be written must not be tried again when it is dropped.
        let (to, _) = to.into_parts();
        written.map(|()| to.file)
    }

    /// Writes a file of the folder that is not there. Where a file can be without a name until it is whole, a process that ends meanwhile
    /// leaves nothing.
    pub(super) fn put_new(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let Ok(file) = riser_sys::create_unnamed_file(self.directory()) else {
            return self.put(name, write);
        };
        let file = self.write_to(file, write)?;
        match riser_sys::name_file(&file, &self.directory().join(name)) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            named => named,
        }
    }

    /// Removes a file of the folder.
    pub(super) fn remove(&self, name: &str) {
        // One that cannot be removed is found damaged again.
        let _ = remove(&self.directory().join(name));
    }

    /// A file with a name that no other has.
    fn unfinished(&self) -> io::Result<(PathBuf, File)> {
        loop {
            let (process, nth) =
                (std::process::id(), self.inner.next.fetch_add(1, Ordering::Relaxed));
            let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let time = time.map_or(0, |time| time.as_nanos());
            let path = self.directory().join(format!("{UNFINISHED}{process}-{nth}-{time:x}"));
            match riser_sys::create_private_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return Ok((path, result?)),
            }
        }
    }

    /// Removes what was not used for longest until the rest is small enough, and what somebody began to write and left.
    pub(super) fn shrink(&self) -> io::Result<()> {
        let now = SystemTime::now();
        let mut files = Vec::new();
        let mut bytes = 0;
        for (kind, entry, metadata) in list(self.directory())? {
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if kind != Kind::Unfinished {
                bytes += on_disk(&metadata);
                files.push((used, entry.path(), on_disk(&metadata)));
            } else if now.duration_since(used).is_ok_and(|age| age > UNFINISHED_MAX) {
                remove(&entry.path())?;
            }
        }
        files.sort();
        for (_, path, size) in files {
            if bytes <= self.inner.bytes_max {
                break;
            }
            remove(&path)?;
            bytes -= size;
        }
        Ok(())
    }
}

/// The image in bytes, if it is one for the same engine and module.
fn view<'a>(bytes: &'a [u8], source: &ImageSource<'_>) -> Option<ImageView<'a>> {
    let image = ImageView::parse(bytes).ok()?;
    (image.engine() == source.engine && *image.hash() == source.hash).then_some(image)
}

fn write_image(image: &ImageWriter<'_>, to: &mut dyn Write) -> io::Result<()> {
    image.write(|bytes| to.write_all(bytes)).map_err(|error| match error {
        WriteError::Put(error) => error,
        WriteError::TooLarge => io::ErrorKind::FileTooLarge.into(),
    })
}

/// Refuses to write more than it may. The system would end the process when a file becomes larger than a limit of the process.
struct Limited {
    file: File,
    left: u64,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        let left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        let written = self.file.write(bytes)?;
        self.left = left + (bytes.len() - written) as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn on_disk(metadata: &Metadata) -> u64 {
    metadata.len().next_multiple_of(BLOCK_BYTES)
}

/// Our files in a folder.
fn list(directory: &Path) -> io::Result<Vec<(Kind, DirEntry, Metadata)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some(kind) = entry.file_name().to_str().and_then(kind) else { continue };
        // A file may be gone by now.
        let Ok(metadata) = entry.metadata() else { continue };
        if !metadata.is_dir() {
            files.push((kind, entry, metadata));
        }
    }
    Ok(files)
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// How many modules there is code of, and what all files take.
pub(super) fn measure(directory: &Path) -> io::Result<(u64, u64)> {
    Ok(list(directory)?.iter().fold((0, 0), |(modules, bytes), (kind, _, metadata)| {
        (modules + u64::from(*kind == Kind::Code), bytes + on_disk(metadata))
    }))
}

/// Removes everything, and says what it was.
pub(super) fn remove_all(directory: &Path) -> io::Result<(u64, u64)> {
    let (mut modules, mut bytes) = (0, 0);
    for (kind, entry, metadata) in list(directory)? {
        remove(&entry.path())?;
        modules += u64::from(kind == Kind::Code);
        bytes += on_disk(&metadata);
    }
    Ok((modules, bytes))
}
