//! Calls of the system as text: `fd_write(1, "hello\n") = 6`.
//!
//! A table says what the parameters of each function of WASI 0.1 mean; functions that it does not have are shown
//! with plain numbers. All that is shown comes from the guest and is not trusted: no address leads outside its memory, texts
//! are cut and what could command the terminal is escaped.
// tidy: table

use std::fmt::Write;

use riser::{Caller, Error, Extern, HostCall, Result, SharedMemory, Val};
use riser_wasi::I32Exit;

use super::host::Host;
use crate::values;

/// What a parameter means, or two of them.
#[derive(Clone, Copy)]
enum Param {
    /// A number without a sign.
    Number,
    /// A number with a sign.
    Signed,
    /// Rights.
    Bits,
    /// Flags with these names, from the lowest bit.
    Flags(&'static [&'static str]),
    /// Address and number of subscriptions to events, with the address of the events between them.
    Events,
    /// Address where `fdstat` is put.
    OutDescriptor,
    /// Address where `prestat` is put.
    OutGrant,
    /// One of these words, by its position.
    Word(&'static [&'static str]),
    /// Address and length of a text.
    Text,
    /// Address and number of buffers whose bytes are given.
    Given,
    /// Address and number of buffers into which bytes are put.
    Filled,
    /// Not shown.
    Hidden,
    /// Address where a 32-bit result is put.
    Out32,
    /// Address where a 64-bit result is put.
    Out64,
    /// Address where `filestat` is put.
    OutFile,
    /// Address and length of a text that is put there.
    OutText,
    /// Address of a text that is put there, its largest length, and the address of its length.
    OutTextSized,
}

use Param::{
    Bits, Events, Filled, Flags, Given, Hidden, Number, Out32, Out64, OutDescriptor, OutFile,
    OutGrant, OutText, OutTextSized, Signed, Text, Word,
};

const CLOCK_NAMES: [&str; 4] = ["realtime", "monotonic", "process_cputime", "thread_cputime"];
const CLOCKS: Param = Word(&CLOCK_NAMES);
const WHENCE: Param = Word(&["set", "cur", "end"]);
const ADVICE: Param = Word(&["normal", "sequential", "random", "willneed", "dontneed", "noreuse"]);
const FD_FLAGS: Param = Flags(&["append", "dsync", "nonblock", "rsync", "sync"]);
const OPEN_FLAGS: Param = Flags(&["creat", "directory", "excl", "trunc"]);
const FOLLOW: Param = Flags(&["follow"]);
const TIME_FLAGS: Param = Flags(&["atim", "atim_now", "mtim", "mtim_now"]);
const RECEIVE: Param = Flags(&["peek", "waitall"]);
const SHUTDOWN: Param = Flags(&["rd", "wr"]);
const FILE_TYPES: [&str; 8] = [
    "unknown",
    "block_device",
    "character_device",
    "directory",
    "regular_file",
    "socket_dgram",
    "socket_stream",
    "symbolic_link",
];

/// The functions of WASI 0.1 by name, with their parameters in order.
const FUNCTIONS: [(&str, &[Param]); 46] = [
    ("args_get", &[Hidden, Hidden]),
    ("args_sizes_get", &[Out32, Out32]),
    ("clock_res_get", &[CLOCKS, Out64]),
    ("clock_time_get", &[CLOCKS, Number, Out64]),
    ("environ_get", &[Hidden, Hidden]),
    ("environ_sizes_get", &[Out32, Out32]),
    ("fd_advise", &[Number, Number, Number, ADVICE]),
    ("fd_allocate", &[Number, Number, Number]),
    ("fd_close", &[Number]),
    ("fd_datasync", &[Number]),
    ("fd_fdstat_get", &[Number, OutDescriptor]),
    ("fd_fdstat_set_flags", &[Number, FD_FLAGS]),
    ("fd_fdstat_set_rights", &[Number, Bits, Bits]),
    ("fd_filestat_get", &[Number, OutFile]),
    ("fd_filestat_set_size", &[Number, Number]),
    ("fd_filestat_set_times", &[Number, Number, Number, TIME_FLAGS]),
    ("fd_pread", &[Number, Filled, Number, Out32]),
    ("fd_prestat_dir_name", &[Number, OutText]),
    ("fd_prestat_get", &[Number, OutGrant]),
    ("fd_pwrite", &[Number, Given, Number, Out32]),
    ("fd_read", &[Number, Filled, Out32]),
    ("fd_readdir", &[Number, Hidden, Number, Number, Out32]),
    ("fd_renumber", &[Number, Number]),
    ("fd_seek", &[Number, Signed, WHENCE, Out64]),
    ("fd_sync", &[Number]),
    ("fd_tell", &[Number, Out64]),
    ("fd_write", &[Number, Given, Out32]),
    ("path_create_directory", &[Number, Text]),
    ("path_filestat_get", &[Number, FOLLOW, Text, OutFile]),
    ("path_filestat_set_times", &[Number, FOLLOW, Text, Number, Number, TIME_FLAGS]),
    ("path_link", &[Number, FOLLOW, Text, Number, Text]),
    ("path_open", &[Number, FOLLOW, Text, OPEN_FLAGS, Bits, Bits, FD_FLAGS, Out32]),
    ("path_readlink", &[Number, Text, OutTextSized]),
    ("path_remove_directory", &[Number, Text]),
    ("path_rename", &[Number, Text, Number, Text]),
    ("path_symlink", &[Text, Number, Text]),
    ("path_unlink_file", &[Number, Text]),
    ("poll_oneoff", &[Events, Out32]),
    ("proc_exit", &[Number]),
    ("proc_raise", &[Number]),
    ("random_get", &[Hidden, Number]),
    ("sched_yield", &[]),
    ("sock_accept", &[Number, FD_FLAGS, Out32]),
    ("sock_recv", &[Number, Filled, RECEIVE, Out32, Hidden]),
    ("sock_send", &[Number, Given, Bits, Out32]),
    ("sock_shutdown", &[Number, SHUTDOWN]),
];

/// The names of errnos by number, with what they mean.
const ERRNOS: [(&str, &str); 77] = [
    ("success", "no error"),
    ("2big", "argument list too long"),
    ("acces", "permission denied"),
    ("addrinuse", "address in use"),
    ("addrnotavail", "address not available"),
    ("afnosupport", "address family not supported"),
    ("again", "try again"),
    ("already", "connection already in progress"),
    ("badf", "bad file descriptor"),
    ("badmsg", "bad message"),
    ("busy", "resource busy"),
    ("canceled", "operation canceled"),
    ("child", "no child processes"),
    ("connaborted", "connection aborted"),
    ("connrefused", "connection refused"),
    ("connreset", "connection reset"),
    ("deadlk", "resource deadlock would occur"),
    ("destaddrreq", "destination address required"),
    ("dom", "argument out of domain"),
    ("dquot", "quota exceeded"),
    ("exist", "file exists"),
    ("fault", "bad address"),
    ("fbig", "file too large"),
    ("hostunreach", "host is unreachable"),
    ("idrm", "identifier removed"),
    ("ilseq", "illegal byte sequence"),
    ("inprogress", "operation in progress"),
    ("intr", "interrupted"),
    ("inval", "invalid argument"),
    ("io", "input or output error"),
    ("isconn", "socket is connected"),
    ("isdir", "is a directory"),
    ("loop", "too many levels of symbolic links"),
    ("mfile", "too many open files"),
    ("mlink", "too many links"),
    ("msgsize", "message too large"),
    ("multihop", "multihop attempted"),
    ("nametoolong", "name too long"),
    ("netdown", "network is down"),
    ("netreset", "connection aborted by network"),
    ("netunreach", "network unreachable"),
    ("nfile", "too many open files in system"),
    ("nobufs", "no buffer space"),
    ("nodev", "no such device"),
    ("noent", "no such file or directory"),
    ("noexec", "not an executable"),
    ("nolck", "no locks available"),
    ("nolink", "link severed"),
    ("nomem", "not enough memory"),
    ("nomsg", "no message of that type"),
    ("noprotoopt", "protocol not available"),
    ("nospc", "no space left on device"),
    ("nosys", "function not supported"),
    ("notconn", "socket not connected"),
    ("notdir", "not a directory"),
    ("notempty", "directory not empty"),
    ("notrecoverable", "state not recoverable"),
    ("notsock", "not a socket"),
    ("notsup", "not supported"),
    ("notty", "not a terminal"),
    ("nxio", "no such device or address"),
    ("overflow", "value too large"),
    ("ownerdead", "previous owner died"),
    ("perm", "operation not permitted"),
    ("pipe", "broken pipe"),
    ("proto", "protocol error"),
    ("protonosupport", "protocol not supported"),
    ("prototype", "wrong protocol type"),
    ("range", "result too large"),
    ("rofs", "read-only file system"),
    ("spipe", "illegal seek"),
    ("srch", "no such process"),
    ("stale", "stale file handle"),
    ("timedout", "timed out"),
    ("txtbsy", "text file busy"),
    ("xdev", "cross-device link"),
    ("notcapable", "capabilities insufficient"),
];

/// How many bytes of a text are shown.
const SHOWN_BYTES: usize = 48;
/// How many subscriptions of one call are shown.
const SHOWN_EVENTS: u64 = 8;
/// How many buffers of one call are looked at.
const BUFFERS: u32 = 64;

/// A call that has ended, in one line.
pub fn describe(
    caller: &mut Caller<'_, Host>,
    call: &HostCall<'_>,
    results: Result<&[Val], &Error>,
    label: &str,
) -> String {
    let is_unstable = call.module() == Some("wasi_unstable");
    let is_wasi = is_unstable || call.module() == Some("wasi_snapshot_preview1");
    let row = FUNCTIONS.iter().find(|row| is_wasi && Some(row.0) == call.name());
    let Some((_, params)) = row else { return plainly(call, results, label) };
    let bytes = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Bytes::Own(memory.data(&*caller)),
        Some(Extern::SharedMemory(memory)) => Bytes::Shared(memory),
        _ => Bytes::Own(&[]),
    };
    let errno = match results {
        Ok([Val::I32(errno), ..]) => *errno,
        _ => 0,
    };
    let mut shown = Shown {
        bytes,
        is_unstable,
        succeeded: results.is_ok() && errno == 0,
        args: vec![],
        outs: vec![],
    };
    let mut values = call.params().iter().map(bits);
    // Bytes that were read are as many as the last result says.
    let count =
        call.params().iter().map(bits).nth(filled_count(params)).and_then(|at| shown.u32(at));
    for param in params.iter() {
        shown.param(*param, &mut values, count);
    }
    let outcome = match results {
        Err(error) if error.is::<I32Exit>() => "?".into(),
        Err(error) => format!("trap: {}", crate::errors::clean(&error.root_cause().to_string())),
        Ok(_) if errno != 0 => errno_text(errno),
        Ok(_) if shown.outs.is_empty() => "ok".into(),
        Ok(_) => shown.outs.join(", "),
    };
    format!("{label}({}) = {outcome}", shown.args.join(", "))
}

/// The position of the parameter that says how many bytes were put into buffers.
fn filled_count(params: &[Param]) -> usize {
    let wide = |param: &Param| match param {
        Text | Given | Filled | OutText => 2,
        OutTextSized | Events => 3,
        _ => 1,
    };
    let before = params.iter().take_while(|param| !matches!(param, Out32));
    before.map(wide).sum()
}

fn errno_text(errno: i32) -> String {
    match usize::try_from(errno).ok().and_then(|errno| ERRNOS.get(errno)) {
        Some((name, meaning)) => format!("{name} ({meaning})"),
        None => format!("errno {errno}"),
    }
}

/// A call of a function that is not in the table.
fn plainly(call: &HostCall<'_>, results: Result<&[Val], &Error>, label: &str) -> String {
    let list = |vals: &[Val]| vals.iter().map(values::show).collect::<Vec<_>>().join(", ");
    let outcome = match results {
        Ok([]) => "ok".into(),
        Ok(results) => list(results),
        Err(error) => format!("trap: {}", crate::errors::clean(&error.root_cause().to_string())),
    };
    format!("{label}({}) = {outcome}", list(call.params()))
}

/// An argument without its type. Functions of WASI have integers only.
fn bits(val: &Val) -> u64 {
    match val {
        Val::I32(value) => value.cast_unsigned().into(),
        Val::I64(value) => value.cast_unsigned(),
        _ => 0,
    }
}

/// The guest's memory.
enum Bytes<'a> {
    Own(&'a [u8]),
    /// Other threads may change it meanwhile; then what is shown is what was there at some moment.
    Shared(SharedMemory),
}

impl Bytes<'_> {
    /// The first of `length` bytes at an address, at most `most`; nothing unless all of them are there.
    fn get(&self, at: u64, length: u64, most: usize) -> Option<Vec<u8>> {
        let end = at.checked_add(length)?;
        let size = match self {
            Bytes::Own(bytes) => bytes.len(),
            Bytes::Shared(memory) => memory.data_size(),
        };
        if end > size as u64 {
            return None;
        }
        let (at, length) = (at as usize, (length as usize).min(most));
        match self {
            Bytes::Own(bytes) => bytes.get(at..at + length).map(<[u8]>::to_vec),
            Bytes::Shared(memory) => {
                let mut copy = vec![0; length];
                memory.read(at as u64, &mut copy).ok().map(|()| copy)
            }
        }
    }
}

/// Arguments and results as far as they are text.
struct Shown<'a> {
    bytes: Bytes<'a>,
    is_unstable: bool,
    succeeded: bool,
    args: Vec<String>,
    outs: Vec<String>,
}

impl Shown<'_> {
    fn param(&mut self, param: Param, values: &mut dyn Iterator<Item = u64>, count: Option<u32>) {
        let mut next = || values.next().unwrap_or(0);
        let first = next();
        match param {
            Number => self.args.push(first.to_string()),
            Signed => self.args.push(first.cast_signed().to_string()),
            Bits => self.args.push(format!("{first:#x}")),
            Flags(names) => self.args.push(flags(first, names)),
            Events => {
                let (_, count) = (next(), next());
                let text = self.events(first, count);
                self.args.push(text);
            }
            OutDescriptor => {
                let kind = self.read(first).map(|[kind]: [u8; 1]| kind);
                self.out(
                    kind.and_then(|kind| FILE_TYPES.get(usize::from(kind)))
                        .map(|kind| (*kind).into()),
                );
            }
            // What can be granted before the start is a directory, or nothing that has a name.
            OutGrant => self.out(Some("directory".into())),
            Word(_) if self.is_unstable => self.args.push(first.to_string()),
            Word(words) => {
                let word = usize::try_from(first).ok().and_then(|at| words.get(at));
                self.args.push(word.map_or_else(|| first.to_string(), |word| (*word).into()));
            }
            Text => {
                let text = self.text(first, next());
                self.args.push(text);
            }
            Given => {
                let text = self.buffers(first, next(), u64::MAX);
                self.args.push(text);
            }
            Filled => {
                let (buffers, room) = (next(), count.map_or(0, u64::from));
                let text =
                    if self.succeeded { self.buffers(first, buffers, room) } else { "...".into() };
                self.args.push(text);
            }
            Hidden => {}
            Out32 => self.out(self.u32(first).map(|value| value.to_string())),
            Out64 => self.out(self.u64(first).map(|value| value.to_string())),
            OutFile => self.out(self.file(first)),
            OutText => {
                let text = self.text(first, next());
                self.out(Some(text));
            }
            OutTextSized => {
                let (_, length) = (next(), next());
                let length = self.u32(length).unwrap_or(0);
                self.out(Some(self.text(first, length.into())));
            }
        }
    }

    /// Subscriptions: to a time on a clock, or to a descriptor that can be read or written.
    fn events(&self, at: u64, count: u64) -> String {
        let (bytes, id, timeout) = if self.is_unstable { (56, 24, 32) } else { (48, 16, 24) };
        let one = |i: u64| {
            let place = at.checked_add(i.checked_mul(bytes)?)?;
            let [tag] = self.read(place.checked_add(8)?)?;
            Some(match tag {
                0 => {
                    let clock = self.u32(place.checked_add(id)?)?;
                    let time = self.u64(place.checked_add(timeout)?)?;
                    let name = CLOCK_NAMES.get(clock as usize).unwrap_or(&"clock");
                    format!("{name} {:?}", std::time::Duration::from_nanos(time))
                }
                1 => format!("read {}", self.u32(place.checked_add(16)?)?),
                2 => format!("write {}", self.u32(place.checked_add(16)?)?),
                _ => format!("kind {tag}"),
            })
        };
        let shown: Option<Vec<String>> = (0..count.min(SHOWN_EVENTS)).map(one).collect();
        let more = if count > SHOWN_EVENTS { ", ..." } else { "" };
        shown.map_or_else(
            || format!("{at:#x}[{count}]"),
            |shown| format!("[{}{more}]", shown.join(", ")),
        )
    }

    fn out(&mut self, text: Option<String>) {
        if self.succeeded {
            self.outs.push(text.unwrap_or_else(|| "?".into()));
        }
    }

    fn read<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        self.bytes.get(at, N as u64, N)?.try_into().ok()
    }

    fn u32(&self, at: u64) -> Option<u32> {
        self.read(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: u64) -> Option<u64> {
        self.read(at).map(u64::from_le_bytes)
    }

    /// The kind and the size in a `filestat`.
    fn file(&self, at: u64) -> Option<String> {
        let [kind] = self.read(at.checked_add(16)?)?;
        let size = self.u64(at.checked_add(if self.is_unstable { 24 } else { 32 })?)?;
        let kind = FILE_TYPES.get(usize::from(kind)).unwrap_or(&"unknown");
        Some(format!("{{{kind}, {size} bytes}}"))
    }

    fn text(&self, at: u64, length: u64) -> String {
        match self.bytes.get(at, length, SHOWN_BYTES + 1) {
            Some(bytes) => quoted(&bytes, false),
            None => format!("{at:#x}[{length}]"),
        }
    }

    /// The first bytes of buffers, of which `room` bytes count.
    fn buffers(&self, at: u64, count: u64, mut room: u64) -> String {
        let mut all = Vec::new();
        let mut more = count > BUFFERS.into();
        for i in 0..count.min(BUFFERS.into()) {
            let place = at.saturating_add(i * 8);
            let Some((start, length)) = self.u32(place).zip(self.u32(place.saturating_add(4)))
            else {
                return format!("{at:#x}[{count}]");
            };
            let length = u64::from(length).min(room);
            room -= length;
            let left = SHOWN_BYTES + 1 - all.len().min(SHOWN_BYTES + 1);
            let Some(bytes) = self.bytes.get(start.into(), length, left) else {
                return format!("{at:#x}[{count}]");
            };
            more |= length > left as u64;
            all.extend_from_slice(&bytes);
        }
        quoted(&all, more)
    }
}

/// The names of the bits that are set, or 0; the rest as a number.
fn flags(bits: u64, names: &[&str]) -> String {
    let mut set: Vec<String> = Vec::new();
    let mut rest = bits;
    for (i, name) in names.iter().enumerate() {
        if rest & (1 << i) != 0 {
            rest &= !(1 << i);
            set.push((*name).into());
        }
    }
    if rest != 0 || set.is_empty() {
        set.push(if rest == 0 { "0".into() } else { format!("{rest:#x}") });
    }
    set.join("|")
}

/// Bytes as a text in quotes, cut where it is long.
fn quoted(bytes: &[u8], more: bool) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let mut text = String::from("\"");
    for chunk in shown.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' | '\n' | '\t' | '\r' | '\0' => text.extend(c.escape_default()),
                c => text += &crate::errors::clean(c.encode_utf8(&mut [0; 4])),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text += "\"";
    if more || bytes.len() > SHOWN_BYTES {
        text += "...";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_cut() {
        assert_eq!(quoted(b"a\"\n\x1b[2J\xff\xc3\xa9", false), "\"a\\\"\\n\\u{1b}[2J\\xff\u{e9}\"");
        assert_eq!(quoted(&[b'x'; 60], false), format!("\"{}\"...", "x".repeat(SHOWN_BYTES)));
    }

    #[test]
    fn errnos_have_their_numbers() {
        for (number, name) in
            [(2, "acces"), (8, "badf"), (28, "inval"), (44, "noent"), (76, "notcapable")]
        {
            assert_eq!(ERRNOS[number].0, name);
        }
        assert_eq!(errno_text(-1), "errno -1");
    }

    #[test]
    fn flags_have_names() {
        assert_eq!(flags(0, &["a"]), "0");
        assert_eq!(flags(0b1011, &["a", "b"]), "a|b|0x8");
    }

    #[test]
    fn wild_addresses_are_shown_as_numbers() {
        let shown = Shown {
            bytes: Bytes::Own(&[0; 16]),
            is_unstable: false,
            succeeded: true,
            args: vec![],
            outs: vec![],
        };
        assert_eq!(shown.text(8, u64::MAX), format!("0x8[{}]", u64::MAX));
        assert_eq!(shown.buffers(0xFFFF_FFF8, 3, 9), "0xfffffff8[3]");
        assert_eq!(shown.u32(u64::MAX), None);
        assert_eq!(shown.file(u64::MAX - 10), None);
        assert_eq!(shown.events(0, u64::MAX), format!("0x0[{}]", u64::MAX));
    }
}
