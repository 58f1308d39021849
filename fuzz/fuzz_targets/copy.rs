//! Copies of modules: whatever a file is, opening it and looking for everything in it ends without a panic, and what is found lies inside. The
//! same for modules that are decoded with an outline that may be another module's.
//!
//! An input is tried as it is, and as changes of a copy that is whole: three bytes for each, the place and what it becomes. The
//! checksums are not compared when fuzzing, so that what is behind them is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use riser_code::copy::{CopyLayout, CopySource, write};
use riser_module::{Body, Module, ModuleBytes, ModuleLimits, Outline, TypeRegistry};
use riser_ops::{DataIdx, Features};
use std::sync::OnceLock;

/// Two functions, a memory, and two segments: `(module (func) (func) (memory 1) (data (i32.const 1) "ab") (data (i32.const 9) "c"))`.
const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x03\x02\0\0\x05\x03\x01\0\x01\
    \x0a\x07\x02\x02\0\x0b\x02\0\x0b\x0b\x0e\x02\0\x41\x01\x0b\x02ab\0\x41\x09\x0b\x01c";

/// A copy that is whole.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let decoded = decode(MODULE, None).expect("it is valid");
        let bodies: Vec<(u32, u32)> =
            decoded.bodies.iter().map(|body| (body.start, body.end)).collect();
        let mut bytes = Vec::new();
        let source = CopySource {
            hash: [5; 32],
            module: MODULE,
            bodies: &bodies,
            images: &[(0, 0, &[7; 4096]), (1, 65536, &[8; 10])],
            data_is_placed: true,
        };
        let put = |part: &[u8]| {
            bytes.extend_from_slice(part);
            Ok::<(), std::convert::Infallible>(())
        };
        let _ = write(&source, put).expect("it is small");
        bytes
    })
}

fn decode(bytes: &[u8], outline: Option<Outline>) -> Option<Module> {
    let (registry, limits) = (TypeRegistry::default(), ModuleLimits::default());
    let bytes = ModuleBytes::new(bytes.to_vec());
    match outline {
        Some(outline) => Module::decode_again(bytes, &registry, Features::ALL, &limits, outline),
        None => Module::decode(bytes, &registry, Features::ALL, &limits),
    }
    .ok()
}

/// Looks for everything.
fn look(bytes: &[u8]) {
    let Some(layout) = CopyLayout::read(bytes, bytes.len() as u64) else { return };
    let range = layout.module_range();
    let module = &bytes[range.start as usize..range.end as usize];
    for memory in layout.memories(bytes) {
        let _ = &bytes[memory.start as usize..][..memory.bytes as usize];
    }
    let _ = (layout.is_whole(bytes), layout.hash());
    let bodies = layout.bodies(bytes).map(|(start, end)| Body { start, end }).collect();
    let outline = Outline { bodies, data_is_placed: layout.data_is_placed() };
    let Some(decoded) = decode(module, Some(outline)) else { return };
    for body in &decoded.bodies {
        let _ = &module[body.range()];
    }
    for (at, segment) in decoded.data().iter().enumerate() {
        assert_eq!(decoded.data_bytes(DataIdx(at as u32)), &module[segment.range.clone()]);
    }
    // What both accept is the same.
    if let Some(plain) = decode(module, None)
        && decoded.data().len() == plain.data().len()
    {
        assert_eq!(decoded.bodies.len(), plain.bodies.len());
        let ranges = |module: &Module| -> Vec<_> {
            module.data().iter().map(|segment| segment.range.clone()).collect()
        };
        assert_eq!(ranges(&decoded), ranges(&plain));
    }
}

fuzz_target!(|bytes: &[u8]| {
    look(bytes);
    let mut changed = whole().to_vec();
    let (head, module) = (128 + 2 * 24 + 2 * 8, 64 << 10);
    for change in bytes.as_chunks::<3>().0 {
        let place = usize::from(change[0]) | usize::from(change[1] & 1) << 8;
        let place = match change[1] & 2 {
            0 => place % head,
            _ => module + place % MODULE.len(),
        };
        if let Some(byte) = changed.get_mut(place) {
            *byte = change[2];
        }
    }
    look(&changed);
});
