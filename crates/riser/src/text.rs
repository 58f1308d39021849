//! The text format: input that is no binary is taken for text.

use crate::{Error, Result};
use std::path::Path;

/// Every binary of WebAssembly, modules and components alike, begins so.
const MAGIC: &[u8] = b"\0asm";

/// The binary form of `bytes`, which are a binary or text. `file` is named in errors.
pub(crate) fn to_binary(bytes: Vec<u8>, file: Option<&Path>) -> Result<Vec<u8>> {
    if bytes.starts_with(MAGIC) {
        return Ok(bytes);
    }
    let text = match core::str::from_utf8(&bytes) {
        // What begins with a zero byte is a damaged binary rather than text.
        Ok(text) if !bytes.starts_with(b"\0") && !bytes.is_empty() => text,
        _ => return Ok(bytes),
    };
    wat::parse_str(text).map_err(|mut error| {
        if let Some(file) = file {
            error.set_path(file);
        }
        Error::msg(error.to_string())
    })
}
