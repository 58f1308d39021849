//! The first eight bytes: a module's, or else a guess at what somebody passed instead.

use crate::decode::Result;
use crate::error::{ErrorKind, ModuleError};
use crate::reader::Reader;
use alloc::format;

const MAGIC: &[u8; 4] = b"\0asm";
const VERSION: [u8; 4] = [1, 0, 0, 0];

/// Beginnings of files that are easily taken for a module, and what they are.
const LOOKALIKES: &[(&[u8], &str)] = &[
    (b"\x7FELF", "a native program or library (ELF)"),
    (b"MZ", "a Windows program or library"),
    (b"\xCF\xFA\xED\xFE", "a macOS program or library (Mach-O)"),
    (b"\xCA\xFE\xBA\xBE", "a Java class or a macOS universal binary"),
    (b"BC\xC0\xDE", "LLVM bitcode: it was not linked for WebAssembly"),
    (b"!<arch>", "a static library (ar archive)"),
    (b"\x1F\x8B", "compressed with gzip: unpack it first"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd: unpack it first"),
    (b"\xFD7zXZ", "compressed with xz: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"#!", "a script"),
    (b"<", "markup (HTML or XML), perhaps the error page of a failed download"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with `git lfs pull`"),
];

/// Reads the header of a module.
pub(crate) fn read(reader: &mut Reader<'_>) -> Result<()> {
    let bytes = reader.rest();
    if !bytes.starts_with(MAGIC) {
        return Err(not_wasm(bytes));
    }
    reader.take(4)?;
    let offset = reader.pos();
    match reader.array::<4>()? {
        VERSION => Ok(()),
        [low, high, 1, 0] => {
            let version = u16::from_le_bytes([low, high]);
            let message = format!(
                "unknown binary version: this is a component (version {version:#x}), not a core module"
            );
            Err(ModuleError::new(ErrorKind::NotAModule, offset, message))
        }
        [low, high, 0, 0] => {
            let version = u16::from_le_bytes([low, high]);
            let message = format!("unknown binary version {version}: only version 1 is known");
            Err(ModuleError::new(ErrorKind::NotAModule, offset, message))
        }
        _ => Err(ModuleError::malformed(offset, "unknown binary version")),
    }
}

/// The error for bytes that do not begin as WebAssembly does.
fn not_wasm(bytes: &[u8]) -> ModuleError {
    if bytes.is_empty() {
        return ModuleError::malformed(0, "unexpected end: the file is empty");
    }
    if MAGIC.starts_with(bytes) {
        return ModuleError::malformed(bytes.len(), "unexpected end");
    }
    let what = if is_text(bytes) {
        Some("the text format: translate it to binary first")
    } else {
        LOOKALIKES.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
    };
    match what {
        Some(what) => {
            let message = format!("magic header not detected: this is {what}");
            ModuleError::new(ErrorKind::NotAModule, 0, message)
        }
        None => ModuleError::malformed(0, "magic header not detected"),
    }
}

/// Whether the first thing behind white space and comments is a parenthesis with a letter behind it.
fn is_text(bytes: &[u8]) -> bool {
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    loop {
        rest = rest.trim_ascii_start();
        if let Some(comment) = rest.strip_prefix(b";;") {
            let Some(end) = comment.iter().position(|&byte| byte == b'\n') else { return true };
            rest = &comment[end..];
        } else if let Some(comment) = rest.strip_prefix(b"(;") {
            let Some(end) = comment.windows(2).position(|pair| pair == b";)") else { return true };
            rest = &comment[end + 2..];
        } else {
            return matches!(rest, [b'(', letter, ..] if letter.is_ascii_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> ModuleError {
        read(&mut Reader::new(bytes)).unwrap_err()
    }

    #[test]
    fn a_header_is_magic_and_version() {
        assert!(read(&mut Reader::new(b"\0asm\x01\0\0\0")).is_ok());
        assert_eq!(error(b"").message(), "unexpected end: the file is empty");
        assert_eq!(error(b"\0as").message(), "unexpected end");
        assert_eq!(error(b"\0asm\x01\0").message(), "unexpected end");
        assert_eq!(error(b"wasm\x01\0\0\0").message(), "magic header not detected");
    }

    #[test]
    fn what_is_not_a_module_is_named() {
        for (bytes, word) in [
            (&b"\0asm\x0D\0\x01\0"[..], "component"),
            (b"\0asm\x02\0\0\0", "version 2"),
            (b" (; a (;) ;; b\n (module)", "text format"),
            (b"\x7FELF\x02", "ELF"),
            (b"\x1F\x8B\x08", "gzip"),
            (b"PK\x03\x04", "zip"),
            (b"<!DOCTYPE html>", "HTML"),
        ] {
            let error = error(bytes);
            assert_eq!(error.kind(), ErrorKind::NotAModule, "{error}");
            assert!(error.message().contains(word), "{error}");
        }
    }
}
