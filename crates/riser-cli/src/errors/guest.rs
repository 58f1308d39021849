//! What goes wrong while a program runs: traps with their reason and the calls that led there, and errors of the host.

use std::fmt::Write;
use std::time::Duration;

use riser::{FrameSymbol, ThrownException, Trap, WasmBacktrace};
use riser_ops::{Features, FuncIdx};

use crate::decoded::{self, Decoded, count, demangle, func_label, size};
use crate::errors::{Report, STATUS_TIMEOUT, STATUS_TRAP, clean_name};
use crate::input::Input;

/// How many frames of a backtrace are shown: as many as fit a screen with what else there is to read.
pub const SHOWN_FRAMES: usize = 20;

/// What is known of the run besides the error.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Whether frames can be of no other module.
    pub alone: bool,
    /// Whether everything is to be said.
    pub verbose: bool,
    /// How long the program might run.
    pub timeout: Option<Duration>,
    /// How much fuel it was given.
    pub fuel: Option<u64>,
    /// The bytes of its memories that were refused to it, all memories together.
    pub refused_memory: Option<usize>,
}

/// The longest line of a backtrace that is not broken.
const LINE_MAX: usize = 84;

/// The report of a module that wants more than the limits allow before it begins.
pub fn too_large(input: &Input, memory: Option<usize>, table: Option<usize>) -> Report {
    let name = &input.name;
    match (memory, table) {
        (Some(bytes), _) => {
            let bytes = size(bytes as u64);
            Report::new(format!("{name} needs {bytes} of memory, more than --max-memory allows"))
        }
        (None, elements) => {
            let elements = count(elements.unwrap_or(0) as u64, "element");
            Report::new(format!("{name} needs tables of {elements}, more than --max-table allows"))
        }
    }
}

/// The report of a call into the program that failed.
pub fn call_failed(input: &Input, running: &Running, error: &riser::Error) -> Report {
    let name = &input.name;
    let trap = error.downcast_ref::<Trap>().copied();
    let report = match trap {
        Some(Trap::Interrupt) if let Some(time) = running.timeout => time_is_up(name, time),
        Some(trap) => {
            Report::new(format!("{name} trapped: {}", reason(trap, error))).status(STATUS_TRAP)
        }
        None if error.is::<ThrownException>() => {
            let text = format!("{name} threw an exception that nothing catches");
            Report::new(text).status(STATUS_TRAP)
        }
        None => stopped(name, error),
    };
    let (report, frames) = match error.downcast_ref::<WasmBacktrace>() {
        Some(backtrace) => {
            let frames = Frame::all(backtrace, running.alone.then_some(input));
            (frames_shown(report, &frames, running.verbose), frames)
        }
        None => (report, Vec::new()),
    };
    let report = match trap.and_then(advice) {
        Some(advice) => report.help(advice),
        None => report,
    };
    let report = match (trap, running.fuel, running.refused_memory) {
        (Some(Trap::OutOfFuel), Some(fuel), _) => report.help(format!(
            "it was given {} by --fuel; allow more, or leave the option out",
            decoded::number(fuel)
        )),
        (Some(_), _, Some(bytes)) => report.help(format!(
            "it was refused {} of memory before; allow more with --max-memory",
            size(bytes as u64)
        )),
        _ => report,
    };
    let nameless = frames.iter().filter(|frame| frame.name.is_none()).count();
    if nameless * 2 > frames.len() {
        return report.help(
            "the module does not name its functions; build it without -s or --strip to see them",
        );
    }
    report
}

/// The report of a program that took too long.
pub fn time_is_up(name: &str, time: Duration) -> Report {
    Report::new(format!("{name} was stopped: its time of {time:?} was up"))
        .status(STATUS_TIMEOUT)
        .help("allow more with --timeout, as in --timeout 1m")
}

/// The report of an error that is no trap: of a host function, or of the engine.
fn stopped(name: &str, error: &riser::Error) -> Report {
    // The backtrace is a part of the chain, and is shown in our own form.
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(|backtrace| backtrace.to_string());
    let causes = error.chain().map(|cause| cause.to_string());
    let mut causes = causes.filter(|cause| Some(cause) != backtrace.as_ref());
    let report = Report::new(format!("{name} cannot go on: {}", causes.next().unwrap_or_default()));
    causes.fold(report, |report, cause| report.detail(format!("because {cause}")))
}

/// The reason for a trap in words; for a stub of an import, which one it stands for.
fn reason(trap: Trap, error: &riser::Error) -> String {
    let text = match trap {
        Trap::UnknownImport => error.root_cause().to_string(),
        _ => trap.to_string(),
    };
    text.strip_prefix("wasm trap: ").unwrap_or(&text).into()
}

/// What may have led to a trap, and what to do.
fn advice(trap: Trap) -> Option<&'static str> {
    match trap {
        Trap::UnreachableCodeReached => Some(
            "compilers end a program like this after a panic, an abort or a failed assertion;\nwhat it printed before may say why",
        ),
        Trap::MemoryOutOfBounds => Some(
            "the program used an address outside its memory: a wild pointer, or an index too large",
        ),
        Trap::StackOverflow => Some(
            "if the calls are meant to nest that deep, allow more with --max-stack, as in --max-stack 64M",
        ),
        Trap::BadSignature => Some(
            "a function was called through a pointer to a function of another type;\nlook for casts of function pointers",
        ),
        Trap::UndefinedElement | Trap::IndirectCallToNull => {
            Some("the program called through a function pointer that is null or wild")
        }
        Trap::UnknownImport => {
            Some("--stub-imports put a stub in its place; provide it with --link")
        }
        _ => None,
    }
}

/// A call in progress.
struct Frame {
    name: Option<String>,
    func: u32,
    offset: Option<usize>,
    /// Functions that were inlined there, innermost first, each with its place in the source.
    inlined: Vec<(String, Option<String>)>,
    /// The place in the source.
    source: Option<String>,
}

impl Frame {
    /// The frames of a backtrace, innermost first. Functions without a name of their own get that of an export, if
    /// `input` is the only module.
    fn all(backtrace: &WasmBacktrace, input: Option<&Input>) -> Vec<Frame> {
        let frames = backtrace.frames();
        let nameless = frames.iter().any(|frame| frame.func_name().is_none());
        let decoded =
            input.filter(|_| nameless).and_then(|input| Decoded::new(input, Features::ALL).ok());
        let name = |frame: &riser::FrameInfo| match frame.func_name() {
            Some(name) => Some(clean_name(&demangle(name))),
            None => decoded.as_ref()?.func_name(FuncIdx(frame.func_index())),
        };
        frames.iter().map(|frame| Frame::new(frame, name(frame))).collect()
    }

    fn new(frame: &riser::FrameInfo, name: Option<String>) -> Frame {
        let (own, inlined) = match frame.symbols().split_last() {
            Some((own, inlined)) => (Some(own), inlined),
            None => (None, &[][..]),
        };
        let inlined = inlined.iter().map(|symbol| {
            let name = clean_name(symbol.name().unwrap_or("a function"));
            (name, place(symbol))
        });
        Frame {
            // The debug information knows a function whose name was stripped.
            name: name.or_else(|| own?.name().map(clean_name)),
            func: frame.func_index(),
            offset: frame.module_offset(),
            inlined: inlined.collect(),
            source: own.and_then(place),
        }
    }

    /// The lines that tell of the frame: the functions that were inlined, then the function itself.
    fn lines(&self) -> Vec<String> {
        let inlined = self.inlined.iter().map(|(name, place)| match place {
            Some(place) => located(format!("`{name}` (inlined)"), place),
            None => format!("`{name}` (inlined)"),
        });
        let mut lines: Vec<String> = inlined.collect();
        let mut text = func_label(self.name.as_deref(), self.func);
        if let Some(offset) = self.offset {
            let _ = write!(text, " at offset {offset:#x}");
        }
        lines.push(match &self.source {
            Some(place) => located(text, place),
            None => text,
        });
        lines
    }
}

/// A function with its place in the source, on a line of its own if that would be a long one.
fn located(function: String, place: &str) -> String {
    match function.len() + place.len() {
        ..=LINE_MAX => format!("{function} in {place}"),
        _ => format!("{function}\n    in {place}"),
    }
}

/// The place of a symbol in the source.
fn place(symbol: &FrameSymbol) -> Option<String> {
    let mut text = clean_name(symbol.file()?);
    for number in [symbol.line(), symbol.column()].into_iter().flatten() {
        let _ = write!(text, ":{number}");
    }
    Some(text)
}

fn frames_shown(report: Report, frames: &[Frame], verbose: bool) -> Report {
    let shown = if verbose { frames.len() } else { frames.len().min(SHOWN_FRAMES) };
    let hidden = match verbose {
        true => 0,
        false => panic_frames(frames[..shown].iter().map(|frame| frame.name.as_deref())),
    };
    let mut lines: Vec<(String, usize)> = Vec::new();
    if hidden > 0 {
        let calls = count(hidden as u64, "call");
        let text = format!("what Rust does after a panic ({calls}; --verbose shows them)");
        lines.push((text, 1));
    }
    for (i, frame) in frames[..shown].iter().enumerate().skip(hidden) {
        for text in frame.lines() {
            match lines.last_mut() {
                // Recursion is told in one line, but not the place itself.
                Some((last, times)) if *last == text && i > 1 => *times += 1,
                _ => lines.push((text, 1)),
            }
        }
    }
    let report = lines.iter().enumerate().fold(report, |report, (i, (text, times))| {
        let lead = if i == 0 { "in" } else { "called by" };
        report.detail(match times {
            1 => format!("{lead} {text}"),
            times => format!("{lead} {text}, {times} times"),
        })
    });
    match shown < frames.len() {
        true => report.detail("... and so on; --verbose shows more"),
        false => report,
    }
}

/// How many of the innermost frames are of the standard library of Rust, which handles a panic there: those up to its
/// own mark for that, and those that led to it.
fn panic_frames<'a>(
    names: impl DoubleEndedIterator<Item = Option<&'a str>> + ExactSizeIterator + Clone,
) -> usize {
    let is_mark =
        |name: Option<&str>| name.is_some_and(|name| name.contains("__rust_end_short_backtrace"));
    let Some(mark) = names.clone().rposition(is_mark) else { return 0 };
    let leads = |name: &Option<&str>| {
        name.is_some_and(|name| {
            name.ends_with("rust_begin_unwind") || name.starts_with("core::panicking::")
        })
    };
    let before = names.clone().skip(mark + 1).take_while(leads).count();
    // The last one is the place that panicked, if nothing else is left.
    (mark + 1 + before).min(names.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rust_does_after_a_panic_is_told_by_its_mark() {
        let hidden = |names: &[&str]| panic_frames(names.iter().map(|name| Some(*name)));
        let mark = "std::sys::backtrace::__rust_end_short_backtrace::<closure, !>";
        let after = ["std::panicking::rust_panic", mark, "__rustc::rust_begin_unwind"];
        let whole = [&after[..], &["core::panicking::panic_fmt", "app::work", "main"]].concat();
        assert_eq!(hidden(&whole), 4);
        assert_eq!(hidden(&["core::panicking::panic_fmt", "main"]), 0);
        assert_eq!(hidden(&after), 2);
        assert_eq!(panic_frames([None, Some(mark), None, Some("main")].into_iter()), 2);
    }
}
