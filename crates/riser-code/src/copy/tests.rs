//! Copies that are whole, and all that may have happened to them.

use super::*;

fn source<'a>() -> CopySource<'a> {
    CopySource {
        hash: [7; 32],
        module: b"\0asm and so on",
        bodies: &[(3, 5), (6, 1 << 20)],
        images: &[(0, 4096, &[1; 5000]), (2, 0, b"two")],
        data_is_placed: true,
    }
}

fn written(source: &CopySource<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let put = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok::<(), core::convert::Infallible>(())
    };
    write(source, put).unwrap().unwrap();
    bytes
}

#[test]
fn what_was_written_is_read() {
    let (source, bytes) = (source(), written(&source()));
    let layout = CopyLayout::read(&bytes, bytes.len() as u64).unwrap();
    assert_eq!((layout.hash(), layout.data_is_placed()), (&[7; 32], true));
    assert!(layout.is_whole(&bytes));
    let part = |range: Range<u64>| &bytes[range.start as usize..range.end as usize];
    assert_eq!(part(layout.module_range()), source.module);
    assert_eq!(layout.bodies(&bytes).collect::<Vec<_>>(), source.bodies);
    let memories: Vec<_> = layout.memories(&bytes).collect();
    assert_eq!(memories.len(), 2);
    for (found, (memory, address, image)) in memories.iter().zip(source.images) {
        assert_eq!((found.memory, found.address), (*memory, *address));
        assert_eq!(found.start % ALIGNMENT, 0);
        assert_eq!(part(found.start..found.start + found.bytes), *image);
    }
    let empty = CopySource { bodies: &[], images: &[], module: b"", ..source };
    let bytes = written(&CopySource { data_is_placed: false, ..empty });
    let layout = CopyLayout::read(&bytes, bytes.len() as u64).unwrap();
    assert!(layout.is_whole(&bytes) && layout.module_range().is_empty());
    assert!(!layout.data_is_placed());
}

#[test]
fn every_change_is_noticed() {
    let bytes = written(&source());
    let len = bytes.len() as u64;
    let layout = CopyLayout::read(&bytes, len).unwrap();
    let head = layout.head_bytes() as usize;
    for at in 0..head {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        assert_eq!(CopyLayout::read(&changed, len), None, "{at}");
    }
    let module = layout.module_range();
    let images = layout.memories(&bytes).map(|memory| memory.start..memory.start + memory.bytes);
    for range in core::iter::once(module).chain(images) {
        for at in [range.start, range.end - 1] {
            let mut changed = bytes.clone();
            changed[at as usize] ^= 4;
            assert_eq!(CopyLayout::read(&changed, len).as_ref(), Some(&layout));
            assert!(!layout.is_whole(&changed), "{at}");
        }
    }
    for cut in [0, 7, 100, head - 1, head, bytes.len() - 1] {
        assert_eq!(CopyLayout::read(&bytes[..cut], cut as u64), None);
        assert!(!layout.is_whole(&bytes[..cut]));
    }
    assert_eq!(CopyLayout::read(&bytes, len + 1), None);
}
