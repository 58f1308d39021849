//! What the tests share: building binaries by hand, and decoding with the defaults.
#![allow(dead_code, reason = "each test uses a part")]

use riser_module::{Module, ModuleBytes, ModuleError, ModuleLimits, TypeRegistry};
use riser_ops::Features;

/// Decodes under all features and the default limits.
pub fn decode(bytes: &[u8]) -> Result<Module, ModuleError> {
    decode_with(bytes, &TypeRegistry::new(), Features::ALL)
}

/// Decodes under the default limits.
pub fn decode_with(
    bytes: &[u8],
    registry: &TypeRegistry,
    features: Features,
) -> Result<Module, ModuleError> {
    Module::decode(ModuleBytes::new(bytes.to_vec()), registry, features, &ModuleLimits::DEFAULT)
}

/// Decodes the text format.
pub fn decode_wat(text: &str) -> Module {
    decode(&wat::parse_str(text).expect("the test's text is well-formed")).expect("valid")
}

/// An unsigned LEB128 integer.
pub fn leb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (value & 0x7F) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// A section: id, size, content.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len() as u64), content].concat()
}

/// A section of `count` entries.
pub fn vector(id: u8, count: u64, entries: &[u8]) -> Vec<u8> {
    section(id, &[&leb(count), entries].concat())
}

/// A module of the given sections.
pub fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [&b"\0asm\x01\0\0\0"[..], &sections.concat()].concat()
}
