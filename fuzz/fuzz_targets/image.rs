//! Images of compiled code: whatever a file is, opening it and looking for everything in it ends without a panic, and what is
//! found lies inside.
//!
//! An input is tried as it is, and as changes of an image that is whole: three bytes for each, the place and what it becomes. The
//! checksums are not compared when fuzzing, so that what is behind them is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use riser_code::image::{ImageLayout, ImageSource, ImageView, ImageWriter, Owner, TrampolineKind};
use riser_code::{CallSite, CodeArtifact, Handler, Position, SlotLayout, TrapSite};
use riser_ops::TrapCode;
use std::borrow::Cow;
use std::sync::OnceLock;

fn artifact(bytes: usize) -> CodeArtifact {
    let handler = Handler { tag: Some(3), vmctx: 8, target: 4 };
    CodeArtifact {
        code: vec![0x90; bytes],
        alignment: 16,
        traps: vec![TrapSite { offset: 2, code: TrapCode::Unreachable }],
        positions: vec![Position { offset: 0, wasm: 40 }, Position { offset: 3, wasm: 41 }],
        calls: vec![CallSite {
            offset: 5,
            frame_bytes: 32,
            references: vec![8, 16],
            handlers: vec![handler],
        }],
        slots: Some(SlotLayout { below: 8, first_operand: 1 }),
    }
}

/// An image that is whole.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let artifacts: Vec<CodeArtifact> = (1..6).map(|nth| artifact(7 * nth)).collect();
        let mut writer = ImageWriter::new(ImageSource {
            engine: b"engine",
            hash: [5; 32],
            validated: Some(3),
            module: Some(b"\0asm\x01\0\0\0"),
        });
        for (defined, artifact) in artifacts.iter().enumerate() {
            writer.function(defined as u32 * 3, artifact.into());
        }
        for kind in [TrampolineKind::Entry, TrampolineKind::Host] {
            writer.trampoline(kind, Cow::Borrowed(b"key"), (&artifacts[0]).into());
        }
        writer.to_vec().expect("it is small")
    })
}

/// Looks for everything.
fn look(bytes: &[u8]) {
    let Ok(image) = ImageView::parse(bytes) else { return };
    let functions: Vec<u32> = image.functions().collect();
    assert_eq!(functions.len(), image.functions_len() as usize);
    for &defined in &functions {
        let found = image.function(defined).expect("its row was checked");
        let last = found.start + found.code.len() as u32 - 1;
        for place in [found.start, last] {
            let (owner, code) = image.owner(place).expect("it is in the code of a function");
            assert_eq!((owner, code.start), (Owner::Function(defined), found.start));
        }
        for offset in [0, 2, 5, last, u32::MAX] {
            found.tables.trap_at(offset);
            found.tables.position_at(offset);
            if let Some(call) = found.tables.call_at(offset) {
                let count = call.references().count() + call.handlers().count();
                assert!(count <= found.tables.bytes().len());
            }
        }
    }
    for (kind, key) in image.trampolines() {
        let found = image.trampoline(kind, key).expect("its row was checked");
        assert!(found.code.len() <= image.code().len());
    }
    let _ = (image.module(), image.engine(), image.hash());
    let head = ImageLayout::head_bytes(bytes).expect("the header was read") as usize;
    let layout = ImageLayout::check(&bytes[..head], bytes.len() as u64);
    assert_eq!(layout.as_ref(), Ok(image.layout()));
    let mut again = ImageWriter::new(ImageSource {
        engine: image.engine(),
        hash: *image.hash(),
        validated: image.validated(),
        module: image.module(),
    });
    again.inherit(&image);
    let again = again.to_vec().expect("it fitted before");
    let again = ImageView::parse(&again).expect("it was just written");
    assert!(again.functions().eq(functions));
}

fuzz_target!(|bytes: &[u8]| {
    look(bytes);
    let mut changed = whole().to_vec();
    // Most of what there is to break is in the directory.
    let directory = 128 + 5 * 32 + 2 * 40 + 6 + 6;
    for change in bytes.as_chunks::<3>().0 {
        let place = usize::from(change[0]) | usize::from(change[1] & 1) << 8;
        let place = if change[1] & 2 == 0 { place % directory } else { place };
        if let Some(byte) = changed.get_mut(place) {
            *byte = change[2];
        }
    }
    look(&changed);
});
