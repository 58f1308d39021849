//! Telling `perf` which function compiled code is of: a map of symbols, or a dump with the code itself.
//!
//! The map is a text file whose name `perf report` knows, `/tmp/perf-PID.map`, with a line for each function: address and length in hexadecimal, then the
//! name. The dump is the format of Linux' `tools/perf/Documentation/jitdump-specification.txt`: `perf inject --jit` makes of it
//! what `perf annotate` shows instruction by instruction. `perf` finds the dump because the process maps it executable.

use crate::{CodeLine, Context, Result, bail};
use riser_sys::{CodeMemory, CodePages, ELF_MACHINE, create_private_file, profiler_time};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;

/// How profilers are told about compiled code. See [`Config::profiler`](crate::Config::profiler).
///
/// ```no_run
/// use riser::{Config, Engine, ProfilingStrategy};
///
/// // What runs in this engine has names in `perf report`.
/// let engine = Engine::new(Config::new().profiler(ProfilingStrategy::PerfMap))?;
/// # riser::Result::<()>::Ok(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfilingStrategy {
    /// Not at all.
    #[default]
    None,
    /// By `/tmp/perf-PID.map`, for `perf report`.
    PerfMap,
    /// By `jit-PID.dump` in the working directory, for `perf record -k mono` and then `perf inject --jit`.
    JitDump,
}

/// Where functions are made known.
pub(crate) struct Profiler {
    form: Form,
    to: Mutex<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Map,
    Dump,
}

struct Output {
    file: File,
    /// How many functions there were.
    functions: u64,
    /// Tells `perf` where the dump is.
    _mark: CodeMemory,
}

impl Profiler {
    /// `None` if nothing is to be told.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(crate) fn new(strategy: ProfilingStrategy) -> Result<Option<Profiler>> {
        // Where there are no processes, asking for their numbers panics.
        let (form, path) = match strategy {
            ProfilingStrategy::None => return Ok(None),
            ProfilingStrategy::PerfMap => (Form::Map, format!("/tmp/perf-{}.map", process::id())),
            ProfilingStrategy::JitDump => (Form::Dump, format!("jit-{}.dump", process::id())),
        };
        let path = PathBuf::from(path);
        let profiler = Profiler::at(form, &path);
        profiler.with_context(|| format!("failed to write {}", path.display())).map(Some)
    }

    fn at(form: Form, path: &Path) -> Result<Profiler> {
        // Another process had the number once. A link that somebody else put there is not followed.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = create_private_file(path)?;
        let mut mark = CodeMemory::new();
        if form == Form::Dump {
            let header = dump_header()?;
            file.write_all(&header)?;
            if mark.map_file(&file, 0, header.len()).is_err() {
                bail!("the system does not map it");
            }
        }
        Ok(Profiler { form, to: Mutex::new(Output { file, functions: 0, _mark: mark }) })
    }

    /// On which pages code must be. `perf report` looks into its map for addresses on pages of no file; what `perf inject` makes
    /// of a dump takes the place of whatever is mapped.
    pub(crate) fn pages(&self) -> CodePages {
        match self.form {
            Form::Map => CodePages::Anonymous,
            Form::Dump => CodePages::default(),
        }
    }

    /// Whether it can tell of source lines.
    pub(crate) fn wants_lines(&self) -> bool {
        self.form == Form::Dump
    }

    /// Makes a function known by its address and code.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn function(
        &self,
        name: &str,
        address: usize,
        code: &[u8],
        lines: &[CodeLine],
    ) -> io::Result<()> {
        let mut to = self.to.lock().unwrap_or_else(|e| e.into_inner());
        let nth = to.functions;
        to.functions += 1;
        // A record is written at once: processes that profile do not always end in order.
        match self.form {
            Form::Map => to.file.write_all(map_line(name, address, code.len()).as_bytes()),
            Form::Dump => {
                let mut records = code_lines(address, lines);
                records.extend(code_load(name, address, code, nth));
                to.file.write_all(&records)
            }
        }
    }
}

/// Names are the guest's: what ends a line or a string becomes something else.
fn clean(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn map_line(name: &str, address: usize, bytes: usize) -> String {
    format!("{address:x} {bytes:x} {}\n", clean(name))
}

fn nanoseconds() -> u64 {
    let time = profiler_time().unwrap_or_default().as_nanos();
    u64::try_from(time).unwrap_or(u64::MAX)
}

/// "JiTD", as a number.
const DUMP_MAGIC: u32 = 0x4A69_5444;
const DUMP_VERSION: u32 = 1;
const DUMP_HEADER_BYTES: u32 = 40;
/// The kind of record that has code.
const CODE_LOAD: u32 = 0;
const CODE_LOAD_BYTES: usize = 56;
/// The kind of record that has the lines of code that the next one has.
const CODE_DEBUG_INFO: u32 = 2;
const CODE_DEBUG_INFO_BYTES: usize = 32;

fn dump_header() -> Result<Vec<u8>> {
    if profiler_time().is_none() {
        bail!("this system has no clock that `perf` knows");
    }
    let mut header = Vec::new();
    for word in [DUMP_MAGIC, DUMP_VERSION, DUMP_HEADER_BYTES, ELF_MACHINE.into(), 0, process::id()]
    {
        header.extend(word.to_ne_bytes());
    }
    header.extend(nanoseconds().to_ne_bytes());
    header.extend(0_u64.to_ne_bytes());
    Ok(header)
}

/// The lines of the code that is told of next; nothing if none are known.
fn code_lines(address: usize, lines: &[CodeLine]) -> Vec<u8> {
    let mut record = vec![0; CODE_DEBUG_INFO_BYTES];
    for line in lines {
        record.extend(((address + line.offset()) as u64).to_ne_bytes());
        // The last number tells apart what is of one line, which addresses do already.
        record.extend([line.line(), 0].map(u32::to_ne_bytes).concat());
        // Each has the name of its file. The format has a mark for "the same as before", which `perf` 6.1 takes for a name.
        record.extend(clean(line.file()).as_bytes());
        record.push(0);
    }
    // The size has 32 bits. Such code has no lines, then.
    let (false, Ok(bytes)) = (lines.is_empty(), u32::try_from(record.len())) else {
        return Vec::new();
    };
    let kind_and_size = [CODE_DEBUG_INFO, bytes].map(u32::to_ne_bytes).concat();
    let numbers =
        [nanoseconds(), address as u64, lines.len() as u64].map(u64::to_ne_bytes).concat();
    let header = [kind_and_size, numbers].concat();
    record[..CODE_DEBUG_INFO_BYTES].copy_from_slice(&header);
    record
}

fn code_load(name: &str, address: usize, code: &[u8], nth: u64) -> Vec<u8> {
    let name = clean(name);
    let bytes = CODE_LOAD_BYTES + name.len() + 1 + code.len();
    let mut record = Vec::with_capacity(bytes);
    record.extend(CODE_LOAD.to_ne_bytes());
    record.extend((bytes as u32).to_ne_bytes());
    record.extend(nanoseconds().to_ne_bytes());
    // Any thread of the process will do, and the first has its number.
    record.extend([process::id(); 2].map(u32::to_ne_bytes).concat());
    let numbers = [address as u64, address as u64, code.len() as u64, nth];
    record.extend(numbers.map(u64::to_ne_bytes).concat());
    record.extend(name.as_bytes());
    record.push(0);
    record.extend(code);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: Form, name: &str, tell: impl FnOnce(&Profiler)) -> Vec<u8> {
        let path = std::env::temp_dir().join(format!("riser-{name}-{}", process::id()));
        fs::write(&path, "what an older process left").unwrap();
        tell(&Profiler::at(form, &path).unwrap());
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        bytes
    }

    #[test]
    fn a_map_has_a_line_per_function() {
        let bytes = written(Form::Map, "map", |profiler| {
            profiler.function("first", 0x7f00_1000, &[0; 0x2a], &[]).unwrap();
            profiler.function("se\ncond \0", 0x7f00_2000, &[0; 16], &[]).unwrap();
        });
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "7f001000 2a first\n7f002000 10 se?cond ?\n");
    }

    #[test]
    fn a_dump_has_the_code() {
        if !riser_sys::COMPILED_CODE {
            return;
        }
        let bytes = written(Form::Dump, "dump", |profiler| {
            profiler.function("first", 0x7f00_1000, b"\xc3\x90", &[]).unwrap();
            profiler.function("other", 0x7f00_2000, b"\xc3", &[]).unwrap();
        });
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!((word(0), word(4), word(8)), (DUMP_MAGIC, 1, 40));
        assert_eq!((word(12), word(20)), (ELF_MACHINE.into(), process::id()));
        let first = 40;
        assert_eq!((word(first), word(first + 4)), (0, 56 + 6 + 2));
        assert!(long(first + 8) >= long(24));
        assert_eq!((word(first + 16), word(first + 20)), (process::id(), process::id()));
        assert_eq!((long(first + 24), long(first + 32)), (0x7f00_1000, 0x7f00_1000));
        assert_eq!((long(first + 40), long(first + 48)), (2, 0));
        assert_eq!(&bytes[first + 56..first + 64], b"first\0\xc3\x90");
        let second = first + 64;
        assert_eq!((long(second + 24), long(second + 48)), (0x7f00_2000, 1));
        assert_eq!(bytes.len(), second + 56 + 6 + 1);
    }

    #[test]
    fn a_dump_has_lines_before_their_code() {
        if !riser_sys::COMPILED_CODE {
            return;
        }
        let lines = [(0, "a.c", 3), (4, "a.c", 7), (9, "b\n.c", 1)]
            .map(|(offset, file, line)| CodeLine::new(offset, file.into(), line, 0));
        let bytes = written(Form::Dump, "lines", |profiler| {
            profiler.function("f", 0x7f00_1000, &[0xc3; 12], &lines).unwrap();
        });
        let mut expected = Vec::new();
        for (address, line, name) in [
            (0x7f00_1000_u64, 3_u32, &b"a.c\0"[..]),
            (0x7f00_1004, 7, b"a.c\0"),
            (0x7f00_1009, 1, b"b?.c\0"),
        ] {
            expected.extend(address.to_ne_bytes());
            expected.extend(line.to_ne_bytes());
            expected.extend(0_u32.to_ne_bytes());
            expected.extend(name);
        }
        let (header, record) = (40, 32 + expected.len());
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((word(header), word(header + 4)), (CODE_DEBUG_INFO, record as u32));
        assert_eq!((word(header + 16), word(header + 24)), (0x7f00_1000, 3));
        assert_eq!(&bytes[header + 32..header + record], expected);
        assert_eq!(word(header + record), CODE_LOAD);
    }
}
