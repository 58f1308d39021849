//! Writing an image: what was compiled is collected, in any order and without copying it, and then written in one go.

use super::checksum::checksum;
use super::{
    CODE_ALIGNMENT, Extent, FUNCTION_ALIGNMENT_MAX, Header, ImageCode, ImageView, Owner,
    TrampolineKind, at, piece_checksum,
};
use crate::CodeArtifact;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What an image is of.
#[derive(Clone, Copy, Debug)]
pub struct ImageSource<'a> {
    /// Everything that the code depends on besides the module: machine, options, version.
    pub engine: &'a [u8],
    /// The hash of the module's bytes.
    pub hash: [u8; 32],
    /// If all bodies of the module are known to be valid: what else is known of all of them together, as 31 bits that mean something to
    /// who runs it.
    pub validated: Option<u32>,
    /// The module's binary, to put into the image.
    pub module: Option<&'a [u8]>,
}

/// The code of a function or trampoline, to put into an image.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    /// The machine code.
    pub code: Cow<'a, [u8]>,
    /// What its address must be a multiple of: a power of two, at most 64.
    pub alignment: u32,
    /// Its encoded tables.
    pub tables: Cow<'a, [u8]>,
}

impl<'a> From<&'a CodeArtifact> for Piece<'a> {
    fn from(artifact: &'a CodeArtifact) -> Piece<'a> {
        Piece {
            code: Cow::Borrowed(&artifact.code),
            alignment: artifact.alignment,
            tables: Cow::Owned(artifact.encode_tables()),
        }
    }
}

/// An image that is being made.
#[derive(Clone, Debug)]
pub struct ImageWriter<'a> {
    source: ImageSource<'a>,
    functions: BTreeMap<u32, Piece<'a>>,
    trampolines: BTreeMap<(TrampolineKind, Cow<'a, [u8]>), Piece<'a>>,
}

/// Where everything goes.
struct Plan {
    header: Header,
    /// From the header to the name of the engine.
    directory: Vec<u8>,
}

impl<'a> ImageWriter<'a> {
    /// An image without code.
    pub fn new(source: ImageSource<'a>) -> ImageWriter<'a> {
        ImageWriter { source, functions: BTreeMap::new(), trampolines: BTreeMap::new() }
    }

    /// Adds a function by its position among the defined ones. One that is there already stays.
    pub fn function(&mut self, defined: u32, piece: Piece<'a>) {
        self.functions.entry(defined).or_insert(piece);
    }

    /// Adds a trampoline by a key that means something to who runs it. One that is there already stays.
    pub fn trampoline(&mut self, kind: TrampolineKind, key: Cow<'a, [u8]>, piece: Piece<'a>) {
        self.trampolines.entry((kind, key)).or_insert(piece);
    }

    /// Adds either.
    pub fn add(&mut self, owner: Owner<'a>, piece: Piece<'a>) {
        match owner {
            Owner::Function(defined) => self.function(defined, piece),
            Owner::Trampoline(kind, key) => self.trampoline(kind, Cow::Borrowed(key), piece),
        }
    }

    /// Adds what another image of the same module has and this one lacks, except what is damaged there.
    pub fn inherit(&mut self, other: &ImageView<'a>) {
        for defined in other.functions() {
            if self.functions.contains_key(&defined) {
                continue;
            }
            if let Some(code) = other.function(defined) {
                self.function(defined, code.into());
            }
        }
        for (kind, key) in other.trampolines() {
            if let Some(code) = other.trampoline(kind, key) {
                self.trampoline(kind, Cow::Borrowed(key), code.into());
            }
        }
    }

    /// Whether another image has all functions and trampolines that this one has, undamaged.
    pub fn is_within(&self, other: &ImageView<'_>) -> bool {
        self.functions.keys().all(|&defined| other.function(defined).is_some())
            && self.trampolines.keys().all(|(kind, key)| other.trampoline(*kind, key).is_some())
    }

    /// How many functions there are.
    pub fn functions_len(&self) -> usize {
        self.functions.len()
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece<'a>> {
        self.functions.values().chain(self.trampolines.values())
    }

    /// Lays everything out; `None` if there is too much of it, or a piece that cannot be run.
    fn plan(&self) -> Option<Plan> {
        let mut header = Header {
            validated: self.source.validated,
            hash: self.source.hash,
            functions: u32::try_from(self.functions.len()).ok()?,
            trampolines: u32::try_from(self.trampolines.len()).ok()?,
            engine_bytes: u32::try_from(self.source.engine.len()).ok()?,
            ..Header::default()
        };
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        for (defined, piece) in &self.functions {
            rows.extend(defined.to_le_bytes());
            rows.extend(place(&mut header, piece)?.encode());
        }
        for ((kind, key), piece) in &self.trampolines {
            rows.extend((*kind as u32).to_le_bytes());
            rows.extend(u32::try_from(keys.len()).ok()?.to_le_bytes());
            rows.extend(u32::try_from(key.len()).ok()?.to_le_bytes());
            rows.extend(place(&mut header, piece)?.encode());
            keys.extend_from_slice(key);
        }
        header.keys_bytes = u32::try_from(keys.len()).ok()?;
        let module = self.source.module.unwrap_or_default();
        header.module_start = header.directory_bytes();
        header.module_bytes = module.len() as u64;
        header.module_checksum = checksum(module);
        header.tables_start =
            header.module_start.checked_add(header.module_bytes)?.checked_next_multiple_of(8)?;
        header.code_start = header
            .tables_start
            .checked_add(header.tables_bytes)?
            .checked_next_multiple_of(CODE_ALIGNMENT)?;
        let mut directory = header.encode().to_vec();
        directory.extend(rows);
        directory.extend(keys);
        directory.extend_from_slice(self.source.engine);
        let sum = checksum(&directory[at::VERSION..]);
        directory[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
        Some(Plan { header, directory })
    }

    /// Hands over the image piece by piece, in order.
    ///
    /// # Errors
    /// Those of `put`; and [`WriteError::TooLarge`] if the code or its tables take more than 4 GiB, or a piece is empty or wants a
    /// stricter alignment than there is.
    pub fn write<E>(
        &self,
        mut put: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        let Plan { header, directory } = self.plan().ok_or(WriteError::TooLarge)?;
        let mut written = 0;
        let mut put = |start: u64, bytes: &[u8]| {
            while written < start {
                let zeros = &[0; 4096][..(start - written).min(4096) as usize];
                put(zeros)?;
                written += zeros.len() as u64;
            }
            written += bytes.len() as u64;
            put(bytes)
        };
        put(0, &directory)?;
        put(header.module_start, self.source.module.unwrap_or_default())?;
        let mut at = header.tables_start;
        for piece in self.pieces() {
            put(at, &piece.tables)?;
            at += piece.tables.len() as u64;
        }
        let mut at = header.code_start;
        for piece in self.pieces() {
            at = at.next_multiple_of(u64::from(piece.alignment));
            put(at, &piece.code)?;
            at += piece.code.len() as u64;
        }
        // An image without code ends where it would begin.
        put(header.code_start, &[])?;
        Ok(())
    }

    /// The image as bytes; `None` if it would be too large.
    pub fn to_vec(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let put = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok::<(), core::convert::Infallible>(())
        };
        self.write(put).ok()?;
        Some(bytes)
    }
}

/// Why an image was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError<E> {
    /// It would be larger than an image can be, or a piece cannot be part of one.
    TooLarge,
    /// What it was given to failed.
    Put(E),
}

impl<E> From<E> for WriteError<E> {
    fn from(error: E) -> WriteError<E> {
        WriteError::Put(error)
    }
}

/// Gives a piece its place behind those before.
fn place(header: &mut Header, piece: &Piece<'_>) -> Option<Extent> {
    let (code, tables) = (&*piece.code, &*piece.tables);
    let alignment = piece.alignment;
    if code.is_empty() || !alignment.is_power_of_two() || alignment > FUNCTION_ALIGNMENT_MAX {
        return None;
    }
    let code_start = header.code_bytes.next_multiple_of(u64::from(alignment));
    let extent = Extent {
        code_start: u32::try_from(code_start).ok()?,
        code_bytes: u32::try_from(code.len()).ok()?,
        alignment,
        tables_start: u32::try_from(header.tables_bytes).ok()?,
        tables_bytes: u32::try_from(tables.len()).ok()?,
        checksum: piece_checksum(code, tables),
    };
    header.code_bytes = code_start + code.len() as u64;
    header.tables_bytes += tables.len() as u64;
    let all = u64::from(u32::MAX);
    (header.code_bytes <= all && header.tables_bytes <= all).then_some(extent)
}

impl<'a> From<ImageCode<'a>> for Piece<'a> {
    fn from(code: ImageCode<'a>) -> Piece<'a> {
        Piece {
            code: Cow::Borrowed(code.code),
            alignment: code.alignment,
            tables: Cow::Borrowed(code.tables.bytes()),
        }
    }
}
