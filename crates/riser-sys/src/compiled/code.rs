//! The twin with compiled code: pages that are executed. None is ever writable and executable at one address: code is
//! written to a second mapping of the same pages. Where the system refuses that, each publication gets pages of its own, which
//! are written first and made executable then.
//!
//! Code that nobody executes before all of it is there ([`CodeMemory::open`]) goes to private pages, which become executable together
//! ([`CodeMemory::seal`]): they need no second mapping, and may be large ones.
//!
//! Who looks at code from outside has wishes about the pages that it is on: see [`CodePages`].

use super::fork;
use crate::arch::machine::publish_instructions;
use crate::mapping::{FileUsage, Mapping};
use crate::{OutOfMemory, faults, file_bytes_max};
use core::ops::Range;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::sync::OnceLock;

/// The first chunk's bytes. Each is twice as large as the one before, up to [`CHUNK_BYTES_MAX`].
const CHUNK_BYTES_MIN: usize = 64 << 10;

/// Chunks of code that is published piece by piece are not larger.
const CHUNK_BYTES_MAX: usize = 4 << 20;

/// What most systems have for large pages. Where they are larger, there are none for code.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// On which pages code is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodePages {
    /// On those of a file without a name, which is mapped twice.
    #[default]
    File,
    /// On pages of no file, mapped twice: profilers look for names of code on such pages only in lists that were made for them.
    Anonymous,
    /// On pages that are private to the process, since debuggers can set breakpoints on no others. Each publication takes
    /// whole ones.
    Private,
}

/// Memory for code, which never moves and is given back as a whole.
#[derive(Debug)]
pub struct CodeMemory {
    chunks: Vec<Chunk>,
    next_bytes: usize,
    pages: CodePages,
    /// Whether code is added that is not executed yet, and how much more of it is expected.
    open: Option<usize>,
}

/// Pages that are executed. All but the last chunk are full.
#[derive(Debug)]
struct Chunk {
    executed: Mapping,
    /// Where more is written.
    written: Written,
    used: usize,
    /// Who writes to it. A copy of this process has the same pages, and must not.
    generation: u32,
}

#[derive(Debug)]
enum Written {
    /// Nowhere.
    Full,
    /// To the same pages at another address.
    Twice(Mapping),
    /// To pages that are not executable yet.
    InPlace,
    /// To the same pages, of which none is executable yet.
    Open,
}

impl Default for CodeMemory {
    fn default() -> CodeMemory {
        CodeMemory::new()
    }
}

impl CodeMemory {
    /// Memory without any code.
    pub const fn new() -> CodeMemory {
        CodeMemory::on(CodePages::File)
    }

    /// Memory without any code on such pages.
    pub const fn on(pages: CodePages) -> CodeMemory {
        CodeMemory { chunks: Vec::new(), next_bytes: CHUNK_BYTES_MIN, pages, open: None }
    }

    /// Copies code to where it can be executed, at a multiple of `align`. It stays there until all of this is dropped;
    /// whoever calls it sees to it that nobody executes it afterwards.
    ///
    /// # Panics
    /// If `align` is not a power of two or above 4,096.
    pub fn publish(&mut self, code: &[u8], align: usize) -> Result<*const u8, OutOfMemory> {
        self.publish_with(code.len(), align, |_, bytes| bytes.copy_from_slice(code))
    }

    /// As [`CodeMemory::publish`], for `len` bytes which `write` makes when it is told their final address. They are zero at first.
    ///
    /// # Panics
    /// If `align` is not a power of two or above 4,096.
    pub fn publish_with(
        &mut self,
        len: usize,
        align: usize,
        write: impl FnOnce(*const u8, &mut [u8]),
    ) -> Result<*const u8, OutOfMemory> {
        assert!(align.is_power_of_two() && align <= 4096);
        if self.open.is_some() {
            return self.publish_open(len, align, write);
        }
        if self.pages == CodePages::Private || self.make_room(len, align).is_err() {
            // A system that refuses the first chunk refuses all; otherwise it has little memory at the moment.
            if self.chunks.is_empty() {
                self.pages = CodePages::Private;
            }
            return self.publish_in_place(len, write);
        }
        let error = OutOfMemory { bytes: len };
        let chunk = self.chunks.last_mut().ok_or(error)?;
        let start = chunk.used.next_multiple_of(align);
        let Written::Twice(written) = &chunk.written else { return Err(error) };
        // SAFETY: `make_room` found that so many bytes are left in the chunk, of which none was given out yet.
        let (executed, bytes) = unsafe {
            let bytes = core::slice::from_raw_parts_mut(written.base().add(start), len);
            (chunk.executed.base().add(start), bytes)
        };
        write(executed, bytes);
        chunk.used = start + len;
        if !publish_instructions(bytes.as_ptr(), executed, len) {
            return Err(OutOfMemory { bytes: len });
        }
        Ok(executed)
    }

    /// Sees to it that the last chunk has room.
    fn make_room(&mut self, len: usize, align: usize) -> Result<(), OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        if let Some(chunk) = self.chunks.last() {
            let end = chunk.used.next_multiple_of(align).checked_add(len).ok_or(error)?;
            let ours = chunk.generation == fork::generation();
            let is_open = matches!(chunk.written, Written::Twice(_));
            if is_open && ours && end <= chunk.executed.reserved() {
                return Ok(());
            }
        }
        let bytes = len.checked_next_multiple_of(rustix::param::page_size()).ok_or(error)?;
        let bytes = bytes.max(self.next_bytes);
        if faults::refuses() || file_bytes_max().is_some_and(|max| max < bytes as u64) {
            return Err(error);
        }
        let twice = match self.pages {
            CodePages::Anonymous => Mapping::twice(bytes),
            _ => file_twice(bytes),
        };
        let (executed, written) = twice.ok_or(error)?;
        self.add_chunk(executed, Written::Twice(written));
        Ok(())
    }

    /// Adds a chunk of which nothing is used, and where more is written from now on.
    fn add_chunk(&mut self, executed: Mapping, written: Written) {
        if let Some(full) = self.chunks.last_mut()
            && !matches!(full.written, Written::Open)
        {
            full.written = Written::Full;
        }
        self.next_bytes = (self.next_bytes * 2).min(CHUNK_BYTES_MAX);
        self.chunks.push(Chunk { executed, written, used: 0, generation: fork::generation() });
    }

    /// Publishes on pages of its own.
    fn publish_in_place(
        &mut self,
        len: usize,
        write: impl FnOnce(*const u8, &mut [u8]),
    ) -> Result<*const u8, OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let bytes = len.max(1).checked_next_multiple_of(rustix::param::page_size()).ok_or(error)?;
        let has_room = |chunk: &Chunk| {
            let left = chunk.executed.reserved() - chunk.used;
            matches!(chunk.written, Written::InPlace) && bytes <= left
        };
        if !self.chunks.last().is_some_and(has_room) {
            let chunk_bytes = match self.pages {
                CodePages::Private => bytes.max(self.next_bytes),
                // Only what is needed, since there is little.
                _ => bytes,
            };
            let pages = Mapping::new(chunk_bytes, chunk_bytes)?;
            self.add_chunk(pages, Written::InPlace);
        }
        let chunk = self.chunks.last_mut().ok_or(error)?;
        let pages = chunk.used..chunk.used + bytes;
        // SAFETY: so many bytes are left in the chunk, accessible, and nobody else has them yet.
        let (base, written) = unsafe {
            let base = chunk.executed.base().add(pages.start);
            (base, core::slice::from_raw_parts_mut(base, len))
        };
        write(base, written);
        // Whatever happens now, these pages are not given out again.
        chunk.used = pages.end;
        chunk.executed.make_executable(pages)?;
        if !publish_instructions(base, base, len) {
            return Err(error);
        }
        Ok(base)
    }

    /// Nobody executes what is published from now on before [`CodeMemory::seal`]: about `expected` bytes, it is thought. Nothing changes
    /// where the system lets no pages become executable that were written, and where somebody wants other pages than that gives.
    pub fn open(&mut self, expected: usize) {
        if self.pages != CodePages::Anonymous && pages_become_executable() {
            self.open = Some(expected);
        }
    }

    /// Makes executable what was published since [`CodeMemory::open`].
    ///
    /// # Errors
    /// If the system refuses that; then nobody may execute it.
    pub fn seal(&mut self) -> Result<(), OutOfMemory> {
        self.open = None;
        let page = rustix::param::page_size();
        for chunk in &mut self.chunks {
            if !matches!(chunk.written, Written::Open) {
                continue;
            }
            let (used, all) = (chunk.used, chunk.executed.reserved());
            // A large page has more than was asked for.
            chunk.executed.forget(used.next_multiple_of(page)..all);
            chunk.executed.make_executable(0..all)?;
            let base = chunk.executed.base();
            if !publish_instructions(base, base, used) {
                return Err(OutOfMemory { bytes: used });
            }
            chunk.written = Written::Full;
        }
        Ok(())
    }

    /// Publishes on pages that become executable later.
    fn publish_open(
        &mut self,
        len: usize,
        align: usize,
        write: impl FnOnce(*const u8, &mut [u8]),
    ) -> Result<*const u8, OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let place = |chunk: &Chunk| {
            let start = chunk.used.next_multiple_of(align);
            let end = start.checked_add(len)?;
            let fits = end <= chunk.executed.reserved() && matches!(chunk.written, Written::Open);
            fits.then_some(start..end)
        };
        let bytes = match self.chunks.last().and_then(place) {
            Some(bytes) => bytes,
            None => {
                self.add_open_chunk(len.checked_add(align).ok_or(error)?)?;
                self.chunks.last().and_then(place).ok_or(error)?
            }
        };
        let chunk = self.chunks.last_mut().ok_or(error)?;
        // SAFETY: so many bytes are in the chunk, accessible, and nobody else has them yet.
        let (base, written) = unsafe {
            let base = chunk.executed.base().add(bytes.start);
            (base, core::slice::from_raw_parts_mut(base, len))
        };
        write(base, written);
        chunk.used = bytes.end;
        Ok(base)
    }

    /// Adds a chunk for at least so many bytes, and for what is expected.
    fn add_open_chunk(&mut self, len: usize) -> Result<(), OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let expected = self.open.replace(0).unwrap_or(0);
        // To the nearest one: where the last would hardly be used there is none.
        let large = expected.saturating_add(LARGE_PAGE_BYTES / 2) / LARGE_PAGE_BYTES;
        let large = large.checked_mul(LARGE_PAGE_BYTES).ok_or(error)?;
        let bytes = len.max(self.next_bytes).max(expected.saturating_add(expected / 4));
        let before = if large > 0 { LARGE_PAGE_BYTES } else { 0 };
        let bytes = bytes.max(large).checked_add(before).ok_or(error)?;
        let bytes = bytes.checked_next_multiple_of(rustix::param::page_size()).ok_or(error)?;
        let mut pages = Mapping::new(bytes, bytes)?;
        let skipped = pages.base().align_offset(before.max(1));
        if large > 0 {
            pages.prefer_large(skipped..skipped + large);
        }
        self.add_chunk(pages, Written::Open);
        self.chunks.last_mut().ok_or(error)?.used = skipped;
        Ok(())
    }

    /// Makes `len` bytes of a file executable from `offset` on, a multiple of the page size. The file must not change
    /// or become shorter as long as the memory lives.
    pub fn map_file(
        &mut self,
        file: &File,
        offset: u64,
        len: usize,
    ) -> Result<*const u8, OutOfMemory> {
        let error = OutOfMemory { bytes: len };
        let size = file.metadata().map_err(|_| error)?.len();
        let there = offset.checked_add(len as u64).is_some_and(|end| end <= size);
        if !there || len == 0 || faults::refuses() {
            return Err(error);
        }
        let pages = Mapping::of_file(file, offset, len, FileUsage::ExecutePrivate).ok_or(error)?;
        let base = pages.base();
        if !publish_instructions(base, base, len) {
            return Err(error);
        }
        // The last chunk stays the one that has room.
        let at = self.chunks.len().saturating_sub(1);
        let (written, generation) = (Written::Full, 0);
        self.chunks.insert(at, Chunk { executed: pages, written, used: len, generation });
        Ok(base)
    }

    /// The addresses that code of this memory may have.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.chunks.iter().map(|chunk| {
            let base = chunk.executed.base().addr();
            base..base + chunk.executed.reserved()
        })
    }
}

/// Whether the system lets pages become executable that were written. Some processes give that up.
fn pages_become_executable() -> bool {
    static BECOME: OnceLock<bool> = OnceLock::new();
    *BECOME.get_or_init(|| {
        let page = rustix::param::page_size();
        Mapping::new(page, page).is_ok_and(|mut pages| pages.make_executable(0..page).is_ok())
    })
}

/// The same bytes of a new file twice: to be executed, and to be written.
fn file_twice(bytes: usize) -> Option<(Mapping, Mapping)> {
    let file = executable_file()?;
    file.set_len(bytes as u64).ok()?;
    let executed = Mapping::of_file(&file, 0, bytes, FileUsage::Execute)?;
    Some((executed, Mapping::of_file(&file, 0, bytes, FileUsage::Write)?))
}

/// A file without a name that may be mapped to be executed.
fn executable_file() -> Option<File> {
    let with = |flags| memfd_create("riser-code", MemfdFlags::CLOEXEC | flags);
    // Systems before Linux 6.3 do not know the flag, and need none.
    with(MemfdFlags::EXEC).or_else(|_| with(MemfdFlags::empty())).ok().map(File::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A function that returns a number.
    fn returns(number: u32) -> Vec<u8> {
        let mut code = Vec::new();
        if cfg!(target_arch = "x86_64") {
            code.push(0xb8);
            code.extend_from_slice(&number.to_le_bytes());
            code.push(0xc3);
        } else {
            let (low, high) = (number & 0xffff, number >> 16);
            for word in [0x5280_0000 | low << 5, 0x72a0_0000 | high << 5, 0xd65f_03c0] {
                code.extend_from_slice(&word.to_le_bytes());
            }
        }
        code
    }

    fn call(code: *const u8) -> u32 {
        // SAFETY: the code is that of `returns`, and its memory is still there.
        unsafe { core::mem::transmute::<*const u8, extern "C" fn() -> u32>(code)() }
    }

    /// The permissions that `/proc` shows for an address.
    fn permissions(address: usize) -> String {
        mapped(address).0
    }

    /// The permissions and the name that `/proc` shows for an address.
    fn mapped(address: usize) -> (String, String) {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (start, rest) = line.split_once('-').unwrap();
            let end = rest.split(' ').next().unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(start)..number(end)).contains(&address)
        });
        let mut words = line.unwrap().split_whitespace();
        let permissions = words.nth(1).unwrap().to_string();
        (permissions, words.skip(3).collect::<Vec<_>>().join(" "))
    }

    fn publishes(mut memory: CodeMemory) {
        let mut published = Vec::new();
        for number in 0..2_000 {
            let align = 1 << (number % 8);
            let align = align.max(4);
            let code = memory.publish(&returns(number * 99), align).unwrap();
            assert_eq!(code.addr() % align, 0);
            assert!(memory.ranges().any(|range| range.contains(&code.addr())));
            published.push(code);
        }
        let mut large = vec![0; 5 << 20];
        large.extend_from_slice(&returns(7));
        let code = memory.publish(&large, 4).unwrap();
        // SAFETY: the function lies so many bytes behind the start.
        published.push(unsafe { code.add(5 << 20) });
        for (number, &code) in published[..2_000].iter().enumerate() {
            assert_eq!(call(code), number as u32 * 99);
        }
        assert_eq!(call(published[2_000]), 7);
        assert!(permissions(published[0].addr()).starts_with("r-x"));
        assert!(permissions(published[2_000].addr()).starts_with("r-x"));
        let mut address = core::ptr::null();
        let code = memory.publish_with(64, 64, |at, bytes| {
            address = at;
            let code = returns(5);
            bytes[..code.len()].copy_from_slice(&code);
        });
        assert_eq!((code.unwrap(), call(address)), (address, 5));
    }

    #[test]
    fn published_code_runs() {
        publishes(CodeMemory::new());
    }

    #[test]
    fn published_code_runs_where_pages_are_mapped_once() {
        publishes(CodeMemory::on(CodePages::Private));
    }

    #[test]
    fn published_code_runs_on_pages_of_no_file() {
        publishes(CodeMemory::on(CodePages::Anonymous));
    }

    #[test]
    fn open_code_runs_when_it_is_sealed() {
        for expected in [0, 10_000, 3 << 20, 5 << 20] {
            for pages in [CodePages::File, CodePages::Private, CodePages::Anonymous] {
                let mut memory = CodeMemory::on(pages);
                let before = memory.publish(&returns(1), 16).unwrap();
                memory.open(expected);
                let mut large = vec![0; 100_000];
                large.extend_from_slice(&returns(7));
                let mut code = Vec::new();
                for number in 0..60 {
                    code.push((number, memory.publish(&returns(number), 64).unwrap()));
                    // SAFETY: the function lies so many bytes behind the start.
                    code.push((7, unsafe { memory.publish(&large, 4).unwrap().add(100_000) }));
                }
                if pages != CodePages::Anonymous {
                    assert!(code.iter().all(|(_, code)| permissions(code.addr()) == "rw-p"));
                }
                memory.seal().unwrap();
                code.push((5, memory.publish(&returns(5), 16).unwrap()));
                code.push((1, before));
                for &(number, code) in &code {
                    assert!(memory.ranges().any(|range| range.contains(&code.addr())));
                    assert!(permissions(code.addr()).starts_with("r-x"));
                    assert_eq!(call(code), number);
                }
                memory.open(0);
                memory.seal().unwrap();
            }
        }
    }

    #[test]
    fn open_code_that_is_refused_is_an_error() {
        let mut memory = CodeMemory::new();
        memory.open(1 << 20);
        faults::plan(0..1);
        assert!(memory.publish(&returns(1), 16).is_err());
        faults::plan(0..0);
        let code = memory.publish(&returns(3), 16).unwrap();
        memory.seal().unwrap();
        assert_eq!(call(code), 3);
    }

    /// What tools that look from outside go by: whether pages are shared, and the name of what is mapped.
    #[test]
    fn code_is_on_the_pages_that_were_asked_for() {
        for (pages, sharing, name) in [
            (CodePages::File, "s", "/memfd:riser-code (deleted)"),
            (CodePages::Anonymous, "s", "/dev/zero (deleted)"),
            (CodePages::Private, "p", ""),
        ] {
            let mut memory = CodeMemory::on(pages);
            let code: Vec<_> =
                (0..40).map(|number| memory.publish(&returns(number), 16).unwrap()).collect();
            for (number, &code) in code.iter().enumerate() {
                assert_eq!(call(code), number as u32);
                let (permissions, path) = mapped(code.addr());
                assert_eq!((&*permissions, &*path), (&*format!("r-x{sharing}"), name));
            }
            assert!(memory.chunks.len() <= 3, "{pages:?}: pages are in few mappings");
        }
    }

    #[test]
    fn code_in_files_runs() {
        let page = rustix::param::page_size();
        let mut file = executable_file().unwrap();
        file.write_all(&vec![0; page]).unwrap();
        file.write_all(&returns(11)).unwrap();
        let mut memory = CodeMemory::new();
        let first = memory.publish(&returns(1), 16).unwrap();
        let code = memory.map_file(&file, page as u64, 6).unwrap();
        assert_eq!((call(code), call(first)), (11, 1));
        assert_eq!(call(memory.publish(&returns(2), 16).unwrap()), 2);
        assert_eq!(memory.chunks.len(), 2);
        assert!(memory.map_file(&file, page as u64, page).is_err());
        assert!(memory.map_file(&file, 1, 6).is_err());
        assert!(memory.map_file(&file, u64::MAX, 6).is_err());
    }

    #[test]
    fn refused_memory_is_an_error() {
        let mut memory = CodeMemory::new();
        faults::plan(0..2);
        assert!(memory.publish(&returns(1), 16).is_err());
        faults::plan(0..0);
        assert_eq!(call(memory.publish(&returns(3), 16).unwrap()), 3);
    }
}
