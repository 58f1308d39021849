//! Whatever stands in the memory: no operation panics, hangs or leaves it.

mod common;

use common::{BYTES, NODE, REFS, Random, TYPES, WIDE, add_types};
use riser_heap::{Extension, Heap, HeapLimits, HeapMemory, HeapRef};
use riser_ops::HeapType;

fn heap(random: &mut Random) -> Heap {
    let bytes_max = 128 << random.below(5);
    let mut heap = Heap::with_limits(HeapLimits { bytes_max, bytes_first: 1 << random.below(11) });
    add_types(&mut heap);
    heap.set_stress(random.below(8) == 0);
    for n in 0..random.below(4) {
        let _ = heap.alloc_extern(Box::new(n));
    }
    let _ = heap.intern(0xF00D);
    // In the upper half, or in the lower one.
    for _ in 0..random.below(3) {
        heap.collect(0, &mut |_| {}).unwrap();
    }
    let _ = heap.ensure_room(8);
    let room = (heap.bump().end - heap.bump().next) as usize / 8;
    let next = heap.bump().next + 8 * random.below(room + 1) as u32;
    heap.set_next(next).unwrap();
    heap
}

/// A reference that may or may not lead anywhere.
fn reference(random: &mut Random, len: usize) -> u32 {
    match random.below(16) {
        0 => random.next() as u32,
        1 => random.below(len + 9) as u32,
        _ => random.below(len / 8 + 1) as u32 * 8,
    }
}

/// Words that look like headers, references and lengths more often than not.
fn scribble(random: &mut Random, heap: &mut Heap) {
    let len = heap.memory().bytes().len();
    for at in (0..len / 4 * 4).step_by(4) {
        let word = match random.below(8) {
            0..3 => {
                let id = TYPES[random.below(TYPES.len())];
                let kind = heap.layouts().get(id).unwrap().kind() as u32;
                let noise = if random.below(32) == 0 { 1 << random.below(32) } else { 0 };
                ((id.0 + 1) << 8 | kind << 1) ^ noise
            }
            3 => 4 << 1,
            4 => random.next() as u32,
            5 => random.below(20) as u32,
            _ => reference(random, len),
        };
        heap.memory_mut().bytes_mut()[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
}

/// Asks everything of a reference, and writes through it.
fn touch(random: &mut Random, heap: &mut Heap, at: HeapRef, other: HeapRef) {
    let index = random.below(12) as u32;
    let len = random.below(12) as u32;
    let value = [random.next(), random.next()];
    let _ = heap.referent(at);
    let _ = heap.matches(at, HeapType::Eq);
    let _ = heap.matches(at, HeapType::Concrete(NODE, riser_ops::CompositeKind::Struct));
    let _ = heap.host_value(at).is_some();
    let _ = heap.struct_get(at, index, Extension::Sign);
    let _ = heap.exn_tag(at);
    let _ = heap.exn_get(at, index);
    let _ = heap.array_get(at, index, Extension::Sign);
    let _ = heap.array_bytes(at).map(|bytes| bytes.iter().map(|&b| u64::from(b)).sum::<u64>());
    let _ = heap.load::<16>(at, random.below(100) as u32);
    let _ = heap.array_copy(at, index, other, random.below(3) as u32, len);
    let _ = heap.array_fill(at, index, value, len);
    let _ = heap.array_write(at, index, &[7; 32][..2 * index as usize]);
    let _ = heap.struct_set(at, index, value);
    let _ = heap.array_set(at, index, value);
    let _ = heap.exn_set(at, index, value);
    let _ = heap.store(at, random.below(100) as u32, [1; 3]);
}

#[test]
fn random_bytes_never_lead_the_collector_astray() {
    let mut random = Random(0x5EED_1234_5678_9ABC);
    let (mut sound, mut damaged, mut moved) = (0, 0, 0);
    for _ in 0..100_000 {
        let mut heap = heap(&mut random);
        scribble(&mut random, &mut heap);
        let len = heap.memory().bytes().len();
        let mut roots: Vec<u32> =
            (0..random.below(4)).map(|_| reference(&mut random, len)).collect();
        for &bits in &roots {
            let other = HeapRef::from_bits(reference(&mut random, len));
            if let (Some(at), Some(other)) = (HeapRef::from_bits(bits), other)
                && random.below(4) == 0
            {
                touch(&mut random, &mut heap, at, other);
            }
        }
        for _ in 0..2 {
            let bytes = random.below(64);
            let result = heap.collect(bytes, &mut |tracer| {
                roots.iter_mut().for_each(|root| tracer.visit_bits(root));
            });
            match result {
                Ok(()) => sound += 1,
                Err(_) => damaged += 1,
            }
            moved += heap.used();
            assert!(heap.memory().bytes().len() <= heap.limits().bytes_max as usize);
            for id in [NODE, WIDE] {
                let _ = heap.alloc_struct(id);
            }
            let _ = heap.alloc_array(if bytes < 32 { REFS } else { BYTES }, bytes as u32);
            let _ = heap.alloc_extern(Box::new(bytes));
        }
    }
    // Otherwise this test would not test much.
    assert!(sound > 10_000 && damaged > 10_000, "{sound} sound, {damaged} damaged");
    assert!(moved > 1_000_000, "{moved} bytes in use");
}

#[test]
fn overlapping_objects_fill_the_other_half_and_no_more() {
    let mut heap = Heap::with_limits(HeapLimits { bytes_max: 4096, bytes_first: 4096 });
    add_types(&mut heap);
    let array = heap.alloc_array(REFS, 400).unwrap();
    // Each element refers to a place within the array, where the header of a long array of bytes stands.
    let header = (BYTES.0 + 1) << 8 | 2 << 1;
    let bytes = heap.memory_mut().bytes_mut();
    for at in (16..1600).step_by(8) {
        bytes[at..at + 4].copy_from_slice(&header.to_le_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&16_u32.to_le_bytes());
    }
    for (index, at) in (208..1400).step_by(8).enumerate() {
        bytes[16 + 4 * index..][..4].copy_from_slice(&(at as u32).to_le_bytes());
    }
    let mut root = array;
    let result = heap.collect(0, &mut |tracer| tracer.visit(&mut root));
    assert_eq!(result, Err(riser_heap::AllocError::Corrupted));
}
