//! Images that are whole, and images that are not.

use super::*;
use crate::{CodeArtifact, Position, TrapSite};
use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;
use riser_ops::TrapCode;

fn artifact(seed: u8, bytes: usize, alignment: u32) -> CodeArtifact {
    CodeArtifact {
        code: (0..bytes).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect(),
        alignment,
        traps: vec![TrapSite { offset: u32::from(seed), code: TrapCode::Unreachable }],
        positions: vec![Position { offset: 0, wasm: 100 + u32::from(seed) }],
        calls: vec![],
        slots: None,
    }
}

fn source<'a>(module: Option<&'a [u8]>) -> ImageSource<'a> {
    ImageSource { engine: b"a machine", hash: [7; 32], validated: Some(5), module }
}

fn artifacts() -> [CodeArtifact; 5] {
    let sizes = [(1, 5, 1), (2, 33, 16), (3, 8, 64), (4, 17, 32), (5, 9, 4)];
    sizes.map(|(seed, bytes, alignment)| artifact(seed, bytes, alignment))
}

fn key(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

fn writer<'a>(of: &'a [CodeArtifact; 5], module: Option<&'a [u8]>) -> ImageWriter<'a> {
    let mut writer = ImageWriter::new(source(module));
    writer.trampoline(TrampolineKind::Host, key("(i32)"), (&of[4]).into());
    writer.function(9, (&of[2]).into());
    writer.function(0, (&of[0]).into());
    writer.trampoline(TrampolineKind::Entry, key("(i32)"), (&of[3]).into());
    writer.function(7, (&of[1]).into());
    writer
}

fn check(code: ImageCode<'_>, artifact: &CodeArtifact) {
    assert_eq!((code.code, code.alignment), (&*artifact.code, artifact.alignment));
    assert_eq!(code.start % code.alignment, 0);
    assert_eq!(code.tables.bytes(), artifact.encode_tables());
}

#[test]
fn what_is_written_is_found() {
    let of = artifacts();
    let bytes = writer(&of, Some(b"\0asm module")).to_vec().unwrap();
    let image = ImageView::parse(&bytes).unwrap();
    assert_eq!((image.engine(), *image.hash()), (&b"a machine"[..], [7; 32]));
    assert_eq!((image.validated(), image.module()), (Some(5), Some(&b"\0asm module"[..])));
    assert_eq!(image.functions().collect::<Vec<_>>(), [0, 7, 9]);
    check(image.function(0).unwrap(), &of[0]);
    check(image.function(7).unwrap(), &of[1]);
    check(image.function(9).unwrap(), &of[2]);
    assert!(image.function(1).is_none() && image.function(10).is_none());
    check(image.trampoline(TrampolineKind::Entry, b"(i32)").unwrap(), &of[3]);
    check(image.trampoline(TrampolineKind::Host, b"(i32)").unwrap(), &of[4]);
    assert!(image.trampoline(TrampolineKind::Host, b"(i64)").is_none());
    assert_eq!(image.function(9).unwrap().tables.position_at(3), Some(103));
    assert_eq!(image.layout().code_range().start % CODE_ALIGNMENT, 0);
    assert_eq!(image.layout().code_range().end, bytes.len() as u64);
}

#[test]
fn places_have_owners() {
    let of = artifacts();
    let bytes = writer(&of, None).to_vec().unwrap();
    let image = ImageView::parse(&bytes).unwrap();
    let mut owned = 0;
    for place in 0..image.code().len() as u32 + 9 {
        let Some((owner, found)) = image.owner(place) else { continue };
        let code = match owner {
            Owner::Function(defined) => image.function(defined),
            Owner::Trampoline(kind, key) => image.trampoline(kind, key),
        };
        let code = code.unwrap();
        assert_eq!((code.start, code.code), (found.start, found.code));
        assert_eq!(code.tables.bytes(), found.tables.bytes());
        assert!((code.start..code.start + code.code.len() as u32).contains(&place));
        owned += 1;
    }
    assert_eq!(owned, of.iter().map(|artifact| artifact.code.len()).sum::<usize>());
}

#[test]
fn order_does_not_matter() {
    let of = artifacts();
    let mut other = ImageWriter::new(source(None));
    other.function(0, (&of[0]).into());
    other.function(7, (&of[1]).into());
    other.function(9, (&of[2]).into());
    other.trampoline(TrampolineKind::Entry, key("(i32)"), (&of[3]).into());
    other.trampoline(TrampolineKind::Host, key("(i32)"), (&of[4]).into());
    assert_eq!(other.to_vec(), writer(&of, None).to_vec());
}

#[test]
fn an_image_can_be_extended() {
    let of = artifacts();
    let first = writer(&of, None).to_vec().unwrap();
    let replaced = artifact(40, 12, 8);
    let added = artifact(41, 70, 8);
    let mut second = ImageWriter::new(source(None));
    second.function(7, (&replaced).into());
    second.function(8, (&added).into());
    second.inherit(&ImageView::parse(&first).unwrap());
    assert_eq!(second.functions_len(), 4);
    let second = second.to_vec().unwrap();
    let image = ImageView::parse(&second).unwrap();
    assert_eq!(image.functions().collect::<Vec<_>>(), [0, 7, 8, 9]);
    check(image.function(7).unwrap(), &replaced);
    check(image.function(8).unwrap(), &added);
    check(image.function(9).unwrap(), &of[2]);
    check(image.trampoline(TrampolineKind::Host, b"(i32)").unwrap(), &of[4]);
}

#[test]
fn images_without_code_are_images() {
    let bytes = ImageWriter::new(source(None)).to_vec().unwrap();
    let image = ImageView::parse(&bytes).unwrap();
    assert_eq!((image.functions_len(), image.code().len(), image.module()), (0, 0, None));
    assert!(image.owner(0).is_none() && image.function(0).is_none());
}

#[test]
fn pieces_that_could_not_run_are_refused() {
    for (bytes, alignment) in [(0, 16), (8, 0), (8, 24), (8, 128)] {
        let artifact = artifact(1, bytes, alignment);
        let mut writer = ImageWriter::new(source(None));
        writer.function(0, (&artifact).into());
        assert_eq!(writer.to_vec(), None, "{bytes} bytes aligned to {alignment}");
    }
}

#[test]
fn the_head_alone_is_enough_to_check() {
    let of = artifacts();
    let bytes = writer(&of, None).to_vec().unwrap();
    let head_bytes = ImageLayout::head_bytes(&bytes[..128]).unwrap() as usize;
    let (head, code) = bytes.split_at(head_bytes);
    let layout = ImageLayout::check(head, bytes.len() as u64).unwrap();
    check(layout.view(head, code).unwrap().function(9).unwrap(), &of[2]);
    assert!(layout.view(&head[1..], code).is_none() && layout.view(head, &code[1..]).is_none());
    assert!(ImageLayout::check(&head[..head.len() - 1], bytes.len() as u64).is_err());
    assert!(ImageLayout::check(head, bytes.len() as u64 - 1).is_err());
}

/// Asks for everything that there is. What is found must be what was written.
fn look_into(image: &ImageView<'_>, of: &[CodeArtifact; 5]) {
    let functions = [(0, &of[0]), (7, &of[1]), (9, &of[2])];
    for (defined, artifact) in functions {
        if let Some(code) = image.function(defined) {
            check(code, artifact);
        }
    }
    for (kind, artifact) in [(TrampolineKind::Entry, &of[3]), (TrampolineKind::Host, &of[4])] {
        if let Some(code) = image.trampoline(kind, b"(i32)") {
            check(code, artifact);
        }
    }
    assert!(image.module().is_none_or(|module| module == b"\0asm module"));
    assert_eq!(
        (image.engine(), image.hash(), image.validated()),
        (&b"a machine"[..], &[7; 32], Some(5))
    );
}

#[test]
fn no_damage_goes_unnoticed() {
    let of = artifacts();
    let whole = writer(&of, Some(b"\0asm module")).to_vec().unwrap();
    let head = ImageLayout::head_bytes(&whole).unwrap() as usize;
    let tables_end = whole[..head].iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let mut refused = 0;
    for at in (0..tables_end + 8).chain(head..whole.len()) {
        for flip in [1, 0x80, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            match ImageView::parse(&bytes) {
                Ok(image) => look_into(&image, &of),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 3 * HEADER_BYTES);
    for end in (0..tables_end + 8).chain(head..whole.len()) {
        assert!(ImageView::parse(&whole[..end]).is_err(), "{end}");
    }
    let longer = [&whole[..], b"\0"].concat();
    assert!(ImageView::parse(&longer).is_err());
}

#[test]
fn damage_behind_the_checksum_does_no_harm() {
    let of = artifacts();
    let whole = writer(&of, Some(b"\0asm module")).to_vec().unwrap();
    let header = Header::decode(&whole).unwrap();
    let directory = header.directory_bytes() as usize;
    for at in at::VERSION..directory {
        for value in [0, 1, 2, 0x40, 0x7F, 0x80, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            // The sum is that of who wants to be believed.
            let Ok(header) = Header::decode(&bytes) else { continue };
            let Some(end) = usize::try_from(header.directory_bytes()).ok() else { continue };
            let Some(directory) = bytes.get(at::VERSION..end) else { continue };
            let sum = checksum(directory);
            bytes[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
            let Ok(image) = ImageView::parse(&bytes) else { continue };
            for defined in image.functions() {
                image.function(defined);
            }
            for (kind, key) in image.trampolines() {
                image.trampoline(kind, key);
            }
            for place in 0..image.code().len() as u32 {
                image.owner(place);
            }
            let _ = (image.module(), image.engine());
        }
    }
}

#[test]
fn other_files_are_told_apart() {
    let bytes = ImageWriter::new(source(None)).to_vec().unwrap();
    let error = |bytes: &[u8]| ImageView::parse(bytes).unwrap_err();
    assert_eq!(error(b"\0asm\x01\0\0\0"), ImageError::NotAnImage);
    assert_eq!(error(b""), ImageError::NotAnImage);
    let mut newer = bytes.clone();
    newer[at::VERSION] += 1;
    assert_eq!(error(&newer), ImageError::Version(VERSION + 1));
    assert!(matches!(error(&bytes[..100]), ImageError::Damaged(_)));
}
