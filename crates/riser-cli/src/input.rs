//! Reading modules from files and standard input, binary or text.
//!
//! Whether a binary is a module is for the decoder to say; see `errors/module.rs` for how its errors are told.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use riser::Engine;
use riser_module::ModuleBytes;

use crate::errors::{Report, similar};

/// Modules larger than this cannot be addressed by the 32-bit offsets of the format's tools.
const SIZE_MAX: u64 = u32::MAX as u64;

const MAGIC: &[u8] = b"\0asm";
/// The second half of a component's version: layer 1.
const COMPONENT_LAYER: &[u8] = &[1, 0];

/// The binary of a module, and where it came from.
#[derive(Debug)]
pub struct Input {
    /// The file as it was named.
    pub name: String,
    /// The binary.
    pub bytes: ModuleBytes,
    /// Whether the binary was made from text.
    pub from_text: bool,
    /// Whether the binary was in a file of compiled code.
    pub from_compiled: bool,
}

impl Input {
    /// Wraps a binary that was read from `path`.
    pub fn of_binary(path: &Path, bytes: Vec<u8>) -> Result<Input, Report> {
        let name = display_name(path);
        if Content::of(&bytes) == Content::Component {
            return Err(component(&name));
        }
        Ok(Input::new(name, ModuleBytes::new(bytes)))
    }

    /// Reads a module, translating text. The content is not looked at beyond its header.
    pub fn load(path: &Path) -> Result<Input, Report> {
        let name = display_name(path);
        let bytes = read_module(path)?;
        let content = Content::of(&bytes);
        let bytes = match content {
            Content::Text => assemble(&name, &bytes)?,
            Content::Compiled => module_in(&name, &bytes)?,
            Content::Binary | Content::Component => bytes,
        };
        if Content::of(&bytes) == Content::Component {
            return Err(component(&name));
        }
        let (from_text, from_compiled) = (content == Content::Text, content == Content::Compiled);
        Ok(Input { name, bytes: ModuleBytes::new(bytes), from_text, from_compiled })
    }

    /// A binary that was read as such.
    pub fn new(name: String, bytes: ModuleBytes) -> Input {
        Input { name, bytes, from_text: false, from_compiled: false }
    }
}

/// The name of an input in messages.
pub fn display_name(path: &Path) -> String {
    if is_stdin(path) { "standard input".into() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What a file contains, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A binary component.
    Component,
    /// Text in the text format, perhaps.
    Text,
    /// What `riser compile` wrote.
    Compiled,
    /// A module, or something that its decoder refuses.
    Binary,
}

impl Content {
    /// Looks at the bytes of a file.
    pub fn of(bytes: &[u8]) -> Content {
        if bytes.starts_with(MAGIC) && bytes.get(6..8) == Some(COMPONENT_LAYER) {
            return Content::Component;
        }
        if Engine::detect_precompiled(bytes).is_some() {
            return Content::Compiled;
        }
        match begins_as_text(bytes) {
            true => Content::Text,
            false => Content::Binary,
        }
    }
}

/// What a file contains that can be opened more than once; `None` for others, and for those that are not there.
pub fn content_of_file(path: &Path) -> Option<Content> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let mut start = Vec::new();
    file.take(START_BYTES).read_to_end(&mut start).ok()?;
    let usable = !is_stdin(path) && metadata.is_file() && metadata.len() <= SIZE_MAX;
    usable.then(|| Content::of(&start))
}

/// So many bytes tell what a file contains, unless it is text after a long space.
const START_BYTES: u64 = 64;

/// The module in compiled code.
pub fn module_in(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Report> {
    Engine::module_in_precompiled(bytes).map_err(|error| {
        Report::new(format!("{name} cannot be used: {error:#}"))
            .help("make it again with `riser compile`")
    })
}

/// Whether the bytes begin as the text format does: with a parenthesis or a comment.
fn begins_as_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    bytes.starts_with(b"(") || bytes.starts_with(b";;")
}

/// Reads a file that should be a module. If it is missing, the error names those that are there.
pub fn read_module(path: &Path) -> Result<Vec<u8>, Report> {
    read(path).map_err(|report| {
        match !is_stdin(path) && !path.exists() && neighbour(path).is_none() {
            true => report.help(beside(path)),
            false => report,
        }
    })
}

/// Reads a file, or standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>, Report> {
    let name = display_name(path);
    let result = if is_stdin(path) {
        read_all(io::stdin().lock())
    } else {
        File::open(path).and_then(read_all)
    };
    let bytes = result.map_err(|error| unreadable(path, &error))?;
    match bytes.len() as u64 {
        0..=SIZE_MAX => Ok(bytes),
        _ => Err(Report::new(format!("{name} is larger than 4 GiB, which no module can be"))),
    }
}

fn read_all(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref().take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file of text.
pub fn read_text(path: &Path) -> Result<String, Report> {
    String::from_utf8(read(path)?).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        Report::new(format!("{} is not text", display_name(path)))
            .detail(format!("the byte at offset {offset:#x} is not UTF-8"))
    })
}

/// Says why a file cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Report {
    let name = display_name(path);
    match error.kind() {
        ErrorKind::NotFound => {
            let report = Report::new(format!("{name} does not exist"));
            match neighbour(path) {
                Some(other) => report.help(format!("did you mean `{other}`?")),
                None => report,
            }
        }
        ErrorKind::IsADirectory => {
            Report::new(format!("{name} is a folder, not a module")).help("name a file in it")
        }
        ErrorKind::PermissionDenied => Report::new(format!("{name} may not be read"))
            .help(format!("`ls -l {name}` shows who may")),
        _ => Report::new(format!("{name} cannot be read: {error}")),
    }
}

/// How many modules beside a missing file are named.
const NAMED_MODULES: usize = 5;

/// What there is where a file is missing.
fn beside(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let listed = folder.unwrap_or(Path::new("."));
    let Ok(entries) = listed.read_dir() else {
        return format!("there is no folder {} either", listed.display());
    };
    let is_module = |name: &String| name.ends_with(".wasm") || name.ends_with(".wat");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(is_module).collect();
    names.sort();
    let place = folder.map_or("this folder".into(), |folder| folder.display().to_string());
    match names.len() {
        0 => format!("{place} has no modules; name a .wasm or .wat file"),
        count => {
            let more = if count > NAMED_MODULES { ", ..." } else { "" };
            names.truncate(NAMED_MODULES);
            format!("the modules in {place} are {}{more}", names.join(", "))
        }
    }
}

/// A file beside a missing one whose name is that with an ending, or similar.
pub fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent()?;
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names: Vec<String> = listed
        .read_dir()
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let completed = |ending| names.iter().find(|name| name.strip_suffix(ending) == Some(wanted));
    let found = completed(".wasm").or_else(|| completed(".wat")).map(String::as_str);
    let found = found.or_else(|| similar(wanted, names.iter().map(String::as_str)))?;
    Some(folder.join(found).display().to_string())
}

/// Translates text to a binary.
pub fn assemble(name: &str, text: &[u8]) -> Result<Vec<u8>, Report> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let offset = error.valid_up_to();
        Report::new(format!("{name} is not WebAssembly")).detail(format!(
            "it begins as text does, but the byte at offset {offset:#x} is not UTF-8"
        ))
    })?;
    wat::Parser::new()
        .parse_str(Some(Path::new(name)), text)
        .map_err(|error| bad_text(name, &error.to_string()))
}

/// An error in text: the parser's message has the place and the line with a caret behind its first line.
fn bad_text(name: &str, message: &str) -> Report {
    let (what, place) = message.split_once('\n').unwrap_or((message, ""));
    let indent = place.lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let place: Vec<&str> = place.lines().map(|line| &line[indent..]).collect();
    let report = Report::new(format!("{name}: {what}")).detail(place.join("\n"));
    let report = match word_at(&place).and_then(|word| similar(word, mnemonics())) {
        Some(near) if what.contains("unknown operator") => {
            report.help(format!("did you mean `{near}`?"))
        }
        _ => report,
    };
    if name.ends_with(".wast") {
        return report
            .help(format!("this looks like a test script; run it with `riser wast {name}`"));
    }
    report
}

/// The word at which the caret below a line points.
fn word_at<'a>(place: &[&'a str]) -> Option<&'a str> {
    let at = place.iter().rposition(|line| line.trim_start_matches(['|', ' ']) == "^")?;
    let rest = place.get(at.checked_sub(1)?)?.get(place[at].find('^')?..)?;
    rest.split([' ', '(', ')']).next()
}

fn mnemonics() -> impl Iterator<Item = &'static str> {
    riser_ops::Operator::all().map(|operator| operator.mnemonic())
}

fn component(name: &str) -> Report {
    Report::new(format!("{name} is a component, which riser cannot run yet"))
        .detail("it was made for WASI 0.2 or later; riser runs modules made for WASI 0.1")
        .help("build it for wasm32-wasip1, as a module and not as a component")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_by_the_first_bytes() {
        assert_eq!(Content::of(b"\0asm\x01\0\0\0rest"), Content::Binary);
        assert_eq!(Content::of(b"\0asm\x0d\0\x01\0"), Content::Component);
        assert_eq!(Content::of(b"\0asm\x01\0"), Content::Binary);
        assert_eq!(Content::of(b""), Content::Binary);
        assert_eq!(Content::of(b" ;; a comment\n(module)"), Content::Text);
        assert_eq!(Content::of(b"(; a comment ;)"), Content::Text);
        assert_eq!(Content::of(b"hello"), Content::Binary);
    }
}
