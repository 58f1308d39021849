//! Images: the compiled functions of one module as a file, which is mapped rather than read. An entry of the cache is one, and so is
//! what is compiled ahead of time, which has the module with it.
//!
//! All numbers are little-endian. The *head* is everything before the code:
//!
//! | part | content |
//! | --- | --- |
//! | header | 128 bytes, see [`Header`] |
//! | functions | a row of 32 bytes each, sorted by the position of the function |
//! | trampolines | a row of 40 bytes each, sorted by kind and key |
//! | keys | those of the trampolines, one after the other |
//! | engine | what the code was made for, in the words of who made it |
//! | module | the module's binary, or nothing |
//! | tables | the encoded tables of all functions and trampolines ([`crate::CodeTables`]) |
//!
//! The code begins at a multiple of [`CODE_ALIGNMENT`], so that it can be mapped executable and the head cannot. It lies in the order of the rows,
//! so that a row can be found by a place in it.
//!
//! *Wrong or damaged means miss, never failure.* The directory (header to engine) has a checksum, which is compared when an image is opened, in
//! about 0.1 ms for 20,000 functions. The code and the tables of a function have one in its row, which is compared when it
//! is asked for: opening an image touches no page of its code, and what is asked for is about to be touched anyway. Checksums are for accidents. An image is code, and
//! whoever can write it can make its reader run anything, so who may write it is for the owner of the file to decide.
//!
//! The same content always gives the same bytes. Read `image/writer.rs` for how it is written, `image/checksum.rs` for the sums.

mod checksum;
mod writer;

pub use writer::{ImageSource, ImageWriter, Piece, WriteError};

use crate::CodeTables;
pub(crate) use checksum::checksum;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Range;

/// What an image begins with. The line break tells of transfers that treat it as text.
pub const MAGIC: [u8; 8] = *b"\x7Friser\r\n";

/// The format that this code reads and writes. Every change of the format, of [`CodeTables`], or of what code expects at run time
/// makes a new one.
pub const VERSION: u32 = 2;

/// Where code begins: a multiple of this, which is the largest page of the machines that code is made for.
pub const CODE_ALIGNMENT: u64 = 64 << 10;

/// The highest alignment of a function.
const FUNCTION_ALIGNMENT_MAX: u32 = 64;

const HEADER_BYTES: usize = 128;
const FUNCTION_BYTES: usize = 32;
const TRAMPOLINE_BYTES: usize = 40;

/// The module's bodies are known to be valid. The other bits are what else is known of them.
const FLAG_VALIDATED: u32 = 1;

/// Why bytes are not an image that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// They are something else.
    NotAnImage,
    /// They are an image of another format.
    Version(u32),
    /// Something is missing or was changed.
    Damaged(&'static str),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::NotAnImage => f.write_str("this is not compiled code"),
            ImageError::Version(version) => {
                write!(f, "compiled code of format {version}, where {VERSION} is expected")
            }
            ImageError::Damaged(what) => write!(f, "compiled code is damaged: {what}"),
        }
    }
}

impl core::error::Error for ImageError {}

/// What a trampoline leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrampolineKind {
    /// Into compiled code, from the host.
    Entry = 0,
    /// To the host, from compiled code.
    Host = 1,
}

/// The numbers of a header behind the magic, in the order in which they stand: a checksum (8 bytes), format and flags (4 each), the hash of the
/// module (32), then these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Header {
    validated: Option<u32>,
    hash: [u8; 32],
    /// How many rows there are.
    functions: u32,
    trampolines: u32,
    keys_bytes: u32,
    engine_bytes: u32,
    module_start: u64,
    module_bytes: u64,
    module_checksum: u64,
    tables_start: u64,
    tables_bytes: u64,
    code_start: u64,
    code_bytes: u64,
}

/// Where numbers stand in the header.
mod at {
    pub const CHECKSUM: usize = 8;
    pub const VERSION: usize = 16;
    pub const FLAGS: usize = 20;
    pub const HASH: usize = 24;
    pub const COUNTS: usize = 56;
    pub const SECTIONS: usize = 72;
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &MAGIC);
        put(at::VERSION, &VERSION.to_le_bytes());
        let flags = self.validated.map_or(0, |facts| FLAG_VALIDATED | facts << 1);
        put(at::FLAGS, &flags.to_le_bytes());
        put(at::HASH, &self.hash);
        let counts = [self.functions, self.trampolines, self.keys_bytes, self.engine_bytes];
        for (nth, count) in counts.into_iter().enumerate() {
            put(at::COUNTS + 4 * nth, &count.to_le_bytes());
        }
        let sections = [
            self.module_start,
            self.module_bytes,
            self.module_checksum,
            self.tables_start,
            self.tables_bytes,
            self.code_start,
            self.code_bytes,
        ];
        for (nth, number) in sections.into_iter().enumerate() {
            put(at::SECTIONS + 8 * nth, &number.to_le_bytes());
        }
        bytes
    }

    /// The header of bytes that begin as an image of this format.
    fn decode(bytes: &[u8]) -> Result<Header, ImageError> {
        if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(ImageError::NotAnImage);
        }
        let short = ImageError::Damaged("it has no whole header");
        let version = u32_at(bytes, at::VERSION).ok_or(short)?;
        if version != VERSION {
            return Err(ImageError::Version(version));
        }
        let flags = u32_at(bytes, at::FLAGS).ok_or(short)?;
        // Nothing is known of bodies that are not known to be valid.
        if flags & FLAG_VALIDATED == 0 && flags != 0 {
            return Err(ImageError::Damaged("it has unknown flags"));
        }
        let hash = bytes.get(at::HASH..at::HASH + 32).and_then(|hash| hash.try_into().ok());
        let count = |nth: usize| u32_at(bytes, at::COUNTS + 4 * nth).ok_or(short);
        let section = |nth: usize| u64_at(bytes, at::SECTIONS + 8 * nth).ok_or(short);
        Ok(Header {
            validated: (flags & FLAG_VALIDATED != 0).then_some(flags >> 1),
            hash: hash.ok_or(short)?,
            functions: count(0)?,
            trampolines: count(1)?,
            keys_bytes: count(2)?,
            engine_bytes: count(3)?,
            module_start: section(0)?,
            module_bytes: section(1)?,
            module_checksum: section(2)?,
            tables_start: section(3)?,
            tables_bytes: section(4)?,
            code_start: section(5)?,
            code_bytes: section(6)?,
        })
    }

    fn trampolines_start(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.functions) * FUNCTION_BYTES as u64
    }

    fn keys_start(&self) -> u64 {
        self.trampolines_start() + u64::from(self.trampolines) * TRAMPOLINE_BYTES as u64
    }

    fn engine_start(&self) -> u64 {
        self.keys_start() + u64::from(self.keys_bytes)
    }

    /// Where the directory ends.
    fn directory_bytes(&self) -> u64 {
        self.engine_start() + u64::from(self.engine_bytes)
    }

    /// Checks that the parts follow each other and end where the file does.
    fn check(&self, file_bytes: u64) -> Result<(), ImageError> {
        let follows = |before: u64, start: u64, bytes: u64| match start >= before {
            true => start.checked_add(bytes),
            false => None,
        };
        let end = follows(self.directory_bytes(), self.module_start, self.module_bytes)
            .and_then(|end| follows(end, self.tables_start, self.tables_bytes))
            .and_then(|end| follows(end, self.code_start, self.code_bytes));
        match end {
            Some(end) if end != file_bytes => Err(ImageError::Damaged("its length is wrong")),
            Some(_) if !self.code_start.is_multiple_of(CODE_ALIGNMENT) => {
                Err(ImageError::Damaged("its code is not aligned"))
            }
            Some(_) => Ok(()),
            None => Err(ImageError::Damaged("its parts overlap")),
        }
    }
}

/// What both kinds of rows say of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    code_start: u32,
    code_bytes: u32,
    alignment: u32,
    tables_start: u32,
    tables_bytes: u32,
    checksum: u64,
}

impl Extent {
    const BYTES: usize = 28;

    fn decode(row: &[u8]) -> Option<Extent> {
        Some(Extent {
            code_start: u32_at(row, 0)?,
            code_bytes: u32_at(row, 4)?,
            alignment: u32_at(row, 8)?,
            tables_start: u32_at(row, 12)?,
            tables_bytes: u32_at(row, 16)?,
            checksum: u64_at(row, 20)?,
        })
    }

    fn encode(&self) -> [u8; Extent::BYTES] {
        let mut row = [0; Extent::BYTES];
        let numbers = [
            self.code_start,
            self.code_bytes,
            self.alignment,
            self.tables_start,
            self.tables_bytes,
        ];
        for (nth, number) in numbers.into_iter().enumerate() {
            row[4 * nth..4 * nth + 4].copy_from_slice(&number.to_le_bytes());
        }
        row[20..].copy_from_slice(&self.checksum.to_le_bytes());
        row
    }

    /// Where the code ends, if the row can be true: `before` is where that of the row before ended.
    fn check(&self, header: &Header, before: u64) -> Option<u64> {
        let tables_end = u64::from(self.tables_start) + u64::from(self.tables_bytes);
        let code_end = u64::from(self.code_start) + u64::from(self.code_bytes);
        let aligned = self.alignment.is_power_of_two()
            && self.alignment <= FUNCTION_ALIGNMENT_MAX
            && self.code_start.is_multiple_of(self.alignment);
        let inside = tables_end <= header.tables_bytes && code_end <= header.code_bytes;
        let behind = u64::from(self.code_start) >= before && self.code_bytes > 0;
        (aligned && inside && behind).then_some(code_end)
    }

    fn code_range(&self) -> Range<usize> {
        let start = self.code_start as usize;
        start..start.saturating_add(self.code_bytes as usize)
    }
}

/// The sum that a row has of code and tables.
fn piece_checksum(code: &[u8], tables: &[u8]) -> u64 {
    checksum(code) ^ checksum(tables).rotate_left(1)
}

/// Where the parts of an image are: checked once, and then good for as long as the bytes are not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLayout {
    header: Header,
}

impl ImageLayout {
    /// How many bytes are before the code of the image that begins with `start`, of which 128 bytes suffice: what
    /// [`ImageLayout::check`] has to be given.
    ///
    /// # Errors
    /// If it is not the start of an image.
    pub fn head_bytes(start: &[u8]) -> Result<u64, ImageError> {
        Header::decode(start).map(|header| header.code_start)
    }

    /// Checks the directory of a file of `file_bytes`, of which `head` is the start, up to the code at least.
    ///
    /// # Errors
    /// If it is not an image or a damaged one.
    pub fn check(head: &[u8], file_bytes: u64) -> Result<ImageLayout, ImageError> {
        let header = Header::decode(head)?;
        header.check(file_bytes)?;
        let directory = usize::try_from(header.directory_bytes()).ok();
        let head_bytes = usize::try_from(header.code_start).ok();
        let (Some(directory), Some(head)) =
            (directory.and_then(|end| head.get(..end)), head_bytes.and_then(|end| head.get(..end)))
        else {
            return Err(ImageError::Damaged("its end is missing"));
        };
        let sum = u64_at(directory, at::CHECKSUM).unwrap_or(0);
        // A fuzzer does not find checksums, and what is behind them must not rely on them.
        if !cfg!(fuzzing) && checksum(&directory[at::VERSION..]) != sum {
            return Err(ImageError::Damaged("its directory is not what was written"));
        }
        let layout = ImageLayout { header };
        layout.check_rows(head)?;
        Ok(layout)
    }

    fn check_rows(&self, head: &[u8]) -> Result<(), ImageError> {
        let damaged = ImageError::Damaged("a row of its directory is wrong");
        let view = ImageView { layout: *self, head, code: &[] };
        let mut code_end = 0;
        let mut last = None;
        for row in 0..self.header.functions {
            let (defined, extent) = view.function_row(row).ok_or(damaged)?;
            code_end = extent.check(&self.header, code_end).ok_or(damaged)?;
            if last.is_some_and(|last| last >= defined) {
                return Err(damaged);
            }
            last = Some(defined);
        }
        let mut last = None;
        for row in 0..self.header.trampolines {
            let (kind, key, extent) = view.trampoline_row(row).ok_or(damaged)?;
            code_end = extent.check(&self.header, code_end).ok_or(damaged)?;
            if last.is_some_and(|last| last >= (kind, key)) {
                return Err(damaged);
            }
            last = Some((kind, key));
        }
        Ok(())
    }

    /// Where the code is in the file.
    pub fn code_range(&self) -> Range<u64> {
        self.header.code_start..self.header.code_start + self.header.code_bytes
    }

    /// Where the module's binary is in the file; an empty range if it has none.
    pub fn module_range(&self) -> Range<u64> {
        self.header.module_start..self.header.module_start + self.header.module_bytes
    }

    /// The image whose directory was checked, with its head and its code; `None` if these have other lengths.
    pub fn view<'a>(&self, head: &'a [u8], code: &'a [u8]) -> Option<ImageView<'a>> {
        let head = head.get(..usize::try_from(self.header.code_start).ok()?)?;
        let code = code.get(..usize::try_from(self.header.code_bytes).ok()?)?;
        Some(ImageView { layout: *self, head, code })
    }
}

/// An image. Looking into it panics for no bytes.
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    layout: ImageLayout,
    head: &'a [u8],
    code: &'a [u8],
}

/// The code of a function or trampoline in an image.
#[derive(Clone, Copy, Debug)]
pub struct ImageCode<'a> {
    /// The machine code.
    pub code: &'a [u8],
    /// Where it begins, from the start of the code of the image.
    pub start: u32,
    /// What its address must be a multiple of.
    pub alignment: u32,
    /// What is known of places in it.
    pub tables: CodeTables<'a>,
}

/// Whose code a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A function, by its position among the defined ones.
    Function(u32),
    /// A trampoline.
    Trampoline(TrampolineKind, &'a [u8]),
}

impl<'a> ImageView<'a> {
    /// The image that `bytes` are, all of them.
    ///
    /// # Errors
    /// If they are none or a damaged one.
    pub fn parse(bytes: &'a [u8]) -> Result<ImageView<'a>, ImageError> {
        let layout = ImageLayout::check(bytes, bytes.len() as u64)?;
        let code = usize::try_from(layout.header.code_start).ok();
        let (head, code) = code
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or(ImageError::Damaged("its end is missing"))?;
        Ok(ImageView { layout, head, code })
    }

    /// Where the parts are.
    pub fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    /// What the code was made for, as its writer said it.
    pub fn engine(&self) -> &'a [u8] {
        let header = &self.layout.header;
        self.part(header.engine_start(), u64::from(header.engine_bytes)).unwrap_or_default()
    }

    /// The hash of the module's bytes.
    pub fn hash(&self) -> &[u8; 32] {
        &self.layout.header.hash
    }

    /// If all bodies of the module are known to be valid: [`ImageSource::validated`].
    pub fn validated(&self) -> Option<u32> {
        self.layout.header.validated
    }

    /// The module's binary: `None` if the image has none, or not the one that was written.
    pub fn module(&self) -> Option<&'a [u8]> {
        let header = &self.layout.header;
        let module = self.part(header.module_start, header.module_bytes)?;
        let intact = cfg!(fuzzing) || checksum(module) == header.module_checksum;
        (!module.is_empty() && intact).then_some(module)
    }

    /// All code, of which functions are parts.
    pub fn code(&self) -> &'a [u8] {
        self.code
    }

    /// How many functions there are.
    pub fn functions_len(&self) -> u32 {
        self.layout.header.functions
    }

    /// The functions' positions among the defined ones, in order, whether or not their code is what was written.
    pub fn functions(&self) -> impl Iterator<Item = u32> + use<'a> {
        let view = *self;
        (0..self.functions_len())
            .map_while(move |row| view.function_row(row).map(|(defined, _)| defined))
    }

    /// The trampolines in order, whether or not their code is what was written.
    pub fn trampolines(&self) -> impl Iterator<Item = (TrampolineKind, &'a [u8])> + use<'a> {
        let view = *self;
        (0..self.layout.header.trampolines)
            .map_while(move |row| view.trampoline_row(row).map(|(kind, key, _)| (kind, key)))
    }

    /// A function by its position among the defined ones: `None` if there is none, or not what was written.
    pub fn function(&self, defined: u32) -> Option<ImageCode<'a>> {
        let extent = search(self.functions_len(), |row| {
            let (other, extent) = self.function_row(row)?;
            Some((other.cmp(&defined), extent))
        })?;
        self.intact(extent)
    }

    /// A trampoline: `None` if there is none, or not what was written.
    pub fn trampoline(&self, kind: TrampolineKind, key: &[u8]) -> Option<ImageCode<'a>> {
        let extent = search(self.layout.header.trampolines, |row| {
            let (other_kind, other_key, extent) = self.trampoline_row(row)?;
            Some(((other_kind, other_key).cmp(&(kind, key)), extent))
        })?;
        self.intact(extent)
    }

    /// Whose code has the byte at `place` of all code, and that code. Whether it is what was written is not asked again: whoever runs it
    /// got it from [`ImageView::function`] or [`ImageView::trampoline`].
    pub fn owner(&self, place: u32) -> Option<(Owner<'a>, ImageCode<'a>)> {
        let compare = |extent: Extent| match extent.code_range() {
            range if range.end <= place as usize => Ordering::Less,
            range if range.start > place as usize => Ordering::Greater,
            _ => Ordering::Equal,
        };
        let function = search(self.functions_len(), |row| {
            let (defined, extent) = self.function_row(row)?;
            Some((compare(extent), (Owner::Function(defined), extent)))
        });
        let (owner, extent) = function.or_else(|| {
            search(self.layout.header.trampolines, |row| {
                let (kind, key, extent) = self.trampoline_row(row)?;
                Some((compare(extent), (Owner::Trampoline(kind, key), extent)))
            })
        })?;
        Some((owner, self.piece(extent)?))
    }

    fn part(&self, start: u64, bytes: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(start).ok()?;
        self.head.get(start..start.checked_add(usize::try_from(bytes).ok()?)?)
    }

    fn function_row(&self, row: u32) -> Option<(u32, Extent)> {
        let start = HEADER_BYTES as u64 + u64::from(row) * FUNCTION_BYTES as u64;
        let row = self.part(start, FUNCTION_BYTES as u64)?;
        Some((u32_at(row, 0)?, Extent::decode(&row[4..])?))
    }

    fn trampoline_row(&self, row: u32) -> Option<(TrampolineKind, &'a [u8], Extent)> {
        let header = &self.layout.header;
        let start = header.trampolines_start() + u64::from(row) * TRAMPOLINE_BYTES as u64;
        let row = self.part(start, TRAMPOLINE_BYTES as u64)?;
        let kind = match u32_at(row, 0)? {
            0 => TrampolineKind::Entry,
            1 => TrampolineKind::Host,
            _ => return None,
        };
        let (key_start, key_bytes) = (u32_at(row, 4)?, u32_at(row, 8)?);
        let keys = self.part(header.keys_start(), u64::from(header.keys_bytes))?;
        let key_end = (key_start as usize).checked_add(key_bytes as usize)?;
        let key = keys.get(key_start as usize..key_end)?;
        Some((kind, key, Extent::decode(&row[12..])?))
    }

    /// The code of a row, if it and its tables are what was written.
    fn intact(&self, extent: Extent) -> Option<ImageCode<'a>> {
        let piece = self.piece(extent)?;
        let sum = piece_checksum(piece.code, piece.tables.bytes());
        (cfg!(fuzzing) || sum == extent.checksum).then_some(piece)
    }

    fn piece(&self, extent: Extent) -> Option<ImageCode<'a>> {
        let header = &self.layout.header;
        let code = self.code.get(extent.code_range())?;
        let start = header.tables_start.checked_add(u64::from(extent.tables_start))?;
        let tables = CodeTables::new(self.part(start, u64::from(extent.tables_bytes))?);
        Some(ImageCode { code, start: extent.code_start, alignment: extent.alignment, tables })
    }
}

/// Finds a row among sorted ones: `compare` says how one is to what is searched.
fn search<T>(rows: u32, compare: impl Fn(u32) -> Option<(Ordering, T)>) -> Option<T> {
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            (Ordering::Less, _) => low = middle + 1,
            (Ordering::Greater, _) => high = middle,
            (Ordering::Equal, found) => return Some(found),
        }
    }
    None
}

#[cfg(test)]
mod tests;
