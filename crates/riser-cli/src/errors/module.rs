//! Files that are not valid modules: what is wrong, at which offset, in which function.

use riser_module::{ErrorKind, ModuleError};
use riser_ops::{Features, FuncIdx};

use crate::decoded::{Decoded, func_label};
use crate::errors::Report;
use crate::input::Input;

const MAGIC: &[u8] = b"\0asm";
const HEADER_BYTES: usize = 8;

/// The report of an engine's refusal of a module.
pub fn module_failed(input: &Input, error: &riser::Error) -> Report {
    match error.downcast_ref::<ModuleError>() {
        Some(error) => refused(input, error),
        None => chain(Report::new(format!("{} cannot be used: {error}", input.name)), error),
    }
}

/// Adds the causes of an error, outermost first, but not the error itself.
pub fn chain(report: Report, error: &riser::Error) -> Report {
    error.chain().skip(1).fold(report, |report, cause| report.detail(format!("because {cause}")))
}

/// The report of what decoding and validation found.
pub fn refused(input: &Input, error: &ModuleError) -> Report {
    let name = &input.name;
    let what = error.message();
    if error.kind() == ErrorKind::NotAModule || is_no_header(input) {
        return not_wasm(name, what);
    }
    if let Some(report) = cut_off(input, error) {
        return report;
    }
    if let Some(feature) = named_feature(what) {
        let (_, reason) = what.rsplit_once(": ").unwrap_or(("", what));
        return Report::new(format!("{name} uses what is switched off: {reason}"))
            .detail(place(input, error))
            .help(format!("add `{feature}` to --wasm to switch it on"));
    }
    let report = Report::new(match error.kind() {
        ErrorKind::LimitExceeded => format!("{name} exceeds a limit: {what}"),
        ErrorKind::Malformed => format!("{name} is malformed: {what}"),
        ErrorKind::Invalid | ErrorKind::NotAModule => format!("{name} is not valid: {what}"),
    });
    let report = report.detail(place(input, error));
    match (error.kind(), input.from_text) {
        (ErrorKind::LimitExceeded, _) | (_, true) => report,
        (_, false) => report
            .help("the file is damaged, or the tool that made it has a bug; get or build it again"),
    }
}

fn place(input: &Input, error: &ModuleError) -> String {
    let offset = error.offset();
    let of = if input.from_text { " of the binary made from the text" } else { "" };
    match error.func() {
        Some(func) => format!("in {}, at offset {offset:#x}{of}", func_in(input, func)),
        None => format!("at offset {offset:#x}{of}"),
    }
}

/// A function with its name, if the sections at least can be read.
fn func_in(input: &Input, func: FuncIdx) -> String {
    match Decoded::new(input, Features::ALL) {
        Ok(decoded) => decoded.func_label(func),
        Err(_) => func_label(None, func.0),
    }
}

/// The feature that a message says is off.
fn named_feature(message: &str) -> Option<&'static str> {
    let (_, rest) = message.split_once("the feature ")?;
    let name = rest.trim_start_matches('`').split(['`', ',', ' ']).next()?;
    Features::TABLE.iter().map(|row| row.1).find(|known| *known == name)
}

fn is_no_header(input: &Input) -> bool {
    !input.bytes.starts_with(MAGIC) && !MAGIC.starts_with(&input.bytes) || input.bytes.is_empty()
}

/// Ends of names, what files are called so, and what to do with them.
const OTHER_FILES: [(&str, &str, &str); 10] = [
    (".py", "a script for Python", INTERPRETER),
    (".rb", "a script for Ruby", INTERPRETER),
    (".php", "a script for PHP", INTERPRETER),
    (".js", "a script for JavaScript", INTERPRETER),
    (".lua", "a script for Lua", INTERPRETER),
    (".c", "source in C", COMPILER),
    (".cpp", "source in C++", COMPILER),
    (".rs", "source in Rust", COMPILER),
    (".go", "source in Go", COMPILER),
    (".ts", "source in TypeScript", COMPILER),
];

const INTERPRETER: &str =
    "give it to an interpreter that is a module, as in `riser --dir . python.wasm script.py`";
const COMPILER: &str = "compile it for WASI 0.1 first (wasm32-wasip1)";

fn not_wasm(name: &str, what: &str) -> Report {
    let report = Report::new(format!("{name} is not WebAssembly"));
    if let Some((_, kind, help)) = OTHER_FILES.iter().find(|(end, ..)| name.ends_with(end)) {
        return report.detail(format!("by its name it is {kind}")).help(*help);
    }
    match what.split_once("this is ") {
        Some((_, what)) => report.detail(format!("it is {what}")),
        None if what.starts_with("unknown binary version") => report.detail(what),
        None if what.ends_with("the file is empty") => report.detail("it is empty"),
        None => report.detail(
            "a binary module begins with the bytes 00 61 73 6d, a text module with `(module`",
        ),
    }
}

/// The report for a file of which the end is missing: the likely cause if a section reaches beyond the end.
fn cut_off(input: &Input, error: &ModuleError) -> Option<Report> {
    let missing = missing_bytes(&input.bytes)?;
    let report = Report::new(format!("{} is cut off", input.name))
        .detail(format!(
            "it has {} bytes, and at least {missing} more are missing",
            input.bytes.len()
        ))
        .detail(format!("{}, {}", error.message(), place(input, error)));
    Some(report.help("get or build the file again"))
}

/// How many bytes the header or the last section lacks. `None` if all are there.
fn missing_bytes(bytes: &[u8]) -> Option<usize> {
    let Some(mut rest) = bytes.get(HEADER_BYTES..) else {
        return Some(HEADER_BYTES - bytes.len());
    };
    while let [_id, after @ ..] = rest {
        let mut size = 0u64;
        let mut length = 0;
        loop {
            let byte = *after.get(length)?;
            size |= u64::from(byte & 0x7F) << (7 * length);
            length += 1;
            if byte < 0x80 {
                break;
            }
            if length == 5 {
                return None;
            }
        }
        let content = &after[length..];
        let size = usize::try_from(size).ok()?;
        match content.get(size..) {
            Some(next) => rest = next,
            None => return Some(size - content.len()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_bytes_are_counted() {
        let whole = b"\0asm\x01\0\0\0\x01\x01\0\0\x05\x01abcd";
        assert_eq!(missing_bytes(whole), None);
        assert_eq!(missing_bytes(&whole[..16]), Some(2));
        assert_eq!(missing_bytes(&whole[..8]), None);
        assert_eq!(missing_bytes(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(missing_bytes(b"\0as"), Some(5));
    }

    #[test]
    fn features_are_found_in_messages() {
        assert_eq!(named_feature("vectors need the feature simd, which is off"), Some("simd"));
        assert_eq!(named_feature("illegal opcode: nop needs the feature `gc`"), Some("gc"));
        assert_eq!(named_feature("unknown function 3"), None);
    }
}
