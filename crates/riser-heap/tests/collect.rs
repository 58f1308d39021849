//! What survives a collection, what does not, and how much memory that takes.

mod common;

use common::{BYTES, NODE, REFS, TAG, WIDE, add_types, alloc};
use riser_heap::{
    AllocError, Extension, Heap, HeapCorrupted, HeapLimits, HeapMemory, HeapRef, OutOfMemory,
    Referent, Tracer,
};
use riser_ops::{CompositeType, SubType};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn heap(bytes_max: u64) -> Heap {
    let mut heap = Heap::with_limits(HeapLimits { bytes_max, bytes_first: 4 << 10 });
    add_types(&mut heap);
    heap
}

fn bits(at: HeapRef) -> [u64; 2] {
    [u64::from(at.to_bits()), 0]
}

fn get(heap: &Heap, at: HeapRef, field: u32) -> u32 {
    heap.struct_get(at, field, Extension::Zero).unwrap()[0] as u32
}

fn node(heap: &mut Heap, roots: &mut [HeapRef], value: u32) -> Result<HeapRef, AllocError> {
    let at = alloc(heap, roots, |heap| heap.alloc_struct(NODE))?;
    heap.struct_set(at, 1, [u64::from(value), 0]).unwrap();
    Ok(at)
}

/// Drops of its clones are counted.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_million_dead_objects_fit_in_little_memory() {
    let mut heap = heap(64 << 10);
    let mut roots = [HeapRef::from_i31(0)];
    for n in 0..1_000_000 {
        let at = node(&mut heap, &mut roots, n).unwrap();
        heap.struct_set(at, 0, bits(roots[0])).unwrap();
        // The last hundred are live.
        roots[0] = if n % 100 == 0 { HeapRef::from_i31(n) } else { at };
    }
    assert!(heap.collections() > 100);
    assert!(heap.memory().bytes().len() <= 64 << 10);
}

#[test]
fn a_live_list_of_a_million_is_kept_in_order() {
    let mut heap = heap(256 << 20);
    let mut roots = [HeapRef::from_i31(0)];
    for n in 0..1_000_000 {
        let at = node(&mut heap, &mut roots, n).unwrap();
        heap.struct_set(at, 2, bits(roots[0])).unwrap();
        roots[0] = at;
    }
    heap.collect(0, &mut |tracer| tracer.visit(&mut roots[0])).unwrap();
    let mut at = roots[0];
    for n in (0..1_000_000).rev() {
        assert_eq!(get(&heap, at, 1), n);
        at = HeapRef::from_bits(get(&heap, at, 2)).unwrap();
    }
    assert_eq!(at.as_i31(), Some(0));
    assert_eq!(heap.used(), 16 * 1_000_000);
    // Doubling costs few collections.
    assert!(heap.collections() < 40, "{} collections", heap.collections());
    assert!(heap.memory().bytes().len() <= 128 << 20);
}

#[test]
fn a_guest_that_keeps_everything_is_told_that_the_heap_is_full_in_time() {
    let mut heap = heap(1 << 20);
    let mut roots = [HeapRef::from_i31(0)];
    let error = loop {
        match node(&mut heap, &mut roots, 0) {
            Ok(at) => {
                heap.struct_set(at, 0, bits(roots[0])).unwrap();
                roots[0] = at;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(error, AllocError::Full);
    assert!(heap.used() > (1 << 19) / 64 * 62);
    assert!(heap.memory().bytes().len() <= 1 << 20);
    assert!(heap.collections() < 100, "{} collections", heap.collections());
    // It goes on when something dies.
    roots[0] = HeapRef::from_i31(0);
    node(&mut heap, &mut roots, 0).unwrap();
}

#[test]
fn cycles_shared_objects_and_integers_keep_their_shape() {
    let mut heap = heap(1 << 20);
    let a = heap.alloc_struct(NODE).unwrap();
    let b = heap.alloc_struct(WIDE).unwrap();
    let array = heap.alloc_array(REFS, 4).unwrap();
    let exn = heap.alloc_exn(TAG, 3).unwrap();
    heap.alloc_struct(NODE).unwrap();
    heap.struct_set(a, 0, bits(b)).unwrap();
    heap.struct_set(a, 2, bits(a)).unwrap();
    heap.struct_set(b, 0, bits(array)).unwrap();
    heap.struct_set(b, 7, [1 << 40, 0]).unwrap();
    heap.array_set(array, 0, bits(a)).unwrap();
    heap.array_set(array, 1, bits(HeapRef::from_i31(42))).unwrap();
    heap.array_set(array, 3, bits(exn)).unwrap();
    heap.exn_set(exn, 1, bits(b)).unwrap();
    let (mut root, mut slot, mut word) = (a, u64::from(exn.to_bits()), array.to_bits());
    for _ in 0..3 {
        let mut null = 0;
        heap.collect(0, &mut |tracer| {
            tracer.visit_slot(&mut slot);
            tracer.visit(&mut root);
            tracer.visit_bits(&mut word);
            tracer.visit_slot(&mut null);
        })
        .unwrap();
        assert_eq!(heap.used(), 16 + 64 + 24 + 24);
        let (a, exn) = (root, HeapRef::from_bits(slot as u32).unwrap());
        assert_eq!(null, 0);
        assert_eq!(get(&heap, a, 2), a.to_bits());
        let b = HeapRef::from_bits(get(&heap, a, 0)).unwrap();
        assert_eq!(heap.struct_get(b, 7, Extension::Zero), Ok([1 << 40, 0]));
        assert_eq!(get(&heap, b, 0), word);
        let array = HeapRef::from_bits(word).unwrap();
        let elements = [0, 1, 2, 3].map(|i| heap.array_get(array, i, Extension::Zero).unwrap());
        assert_eq!(elements, [bits(a), bits(HeapRef::from_i31(42)), [0, 0], bits(exn)]);
        assert_eq!(heap.exn_get(exn, 1), Ok(bits(b)));
        assert_eq!(heap.exn_tag(exn), Ok(3));
    }
}

#[test]
fn host_values_are_dropped_after_the_collection_that_no_longer_finds_them() {
    let mut heap = heap(1 << 20);
    let drops = Arc::new(AtomicUsize::new(0));
    let mut kept = heap.alloc_extern(Box::new(Counted(drops.clone()))).unwrap();
    for _ in 0..10 {
        heap.alloc_extern(Box::new(Counted(drops.clone()))).unwrap();
    }
    let mut inner = heap.alloc_extern(Box::new("inner")).unwrap();
    let array = heap.alloc_array(REFS, 1).unwrap();
    heap.array_set(array, 0, bits(inner)).unwrap();
    let mut root = array;
    heap.collect(0, &mut |tracer| {
        tracer.visit(&mut kept);
        tracer.visit(&mut root);
    })
    .unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 10);
    assert_eq!(heap.host_values(), 2);
    assert!(heap.host_value(kept).unwrap().is::<Counted>());
    let element = heap.array_get(root, 0, Extension::Zero).unwrap()[0] as u32;
    inner = HeapRef::from_bits(element).unwrap();
    assert!(heap.host_value(inner).unwrap().is::<&str>());
    // Indices are used again, and their old values are gone.
    let other = heap.alloc_extern(Box::new(5_u64)).unwrap();
    assert_eq!(heap.host_value(other).unwrap().downcast_ref(), Some(&5_u64));
    heap.collect(0, &mut |_| {}).unwrap();
    assert_eq!((heap.host_values(), drops.load(Ordering::Relaxed)), (0, 11));
}

#[test]
fn an_object_larger_than_the_heap_makes_it_grow() {
    let mut heap = heap(8 << 20);
    let mut roots = [node(&mut heap, &mut [], 5).unwrap()];
    for round in 0..20 {
        let at = alloc(&mut heap, &mut roots, |heap| heap.alloc_array(BYTES, 2 << 20)).unwrap();
        heap.array_fill(at, 0, [round, 0], 2 << 20).unwrap();
        assert_eq!(get(&heap, roots[0], 1), 5);
    }
    let two = alloc(&mut heap, &mut roots, |heap| heap.alloc_array(BYTES, (4 << 20) - (1 << 17)));
    assert_eq!(heap.array_len(two.unwrap()), Ok((4 << 20) - (1 << 17)));
    let more = alloc(&mut heap, &mut roots, |heap| heap.alloc_array(BYTES, 4 << 20));
    assert_eq!(more, Err(AllocError::Full));
    assert!(heap.memory().bytes().len() <= 8 << 20);
}

#[test]
fn growth_from_the_upper_half_goes_through_the_lower() {
    let mut heap = heap(1 << 20);
    let mut roots = [node(&mut heap, &mut [], 5).unwrap()];
    let at = alloc(&mut heap, &mut roots, |heap| heap.alloc_array(BYTES, 100_000)).unwrap();
    // To the upper half, where it does not fit, and back.
    assert_eq!(heap.collections(), 2);
    assert_eq!((heap.array_len(at), get(&heap, roots[0], 1)), (Ok(100_000), 5));
}

#[test]
fn raised_limits_are_used() {
    let mut heap = heap(4 << 10);
    let big = |heap: &mut Heap| heap.alloc_array(BYTES, 3_000);
    assert_eq!(alloc(&mut heap, &mut [], big), Err(AllocError::Full));
    heap.alloc_struct(NODE).unwrap();
    heap.set_limits(HeapLimits { bytes_max: 10_000, ..heap.limits() });
    assert!(alloc(&mut heap, &mut [], big).is_ok());
    assert!(heap.memory().bytes().len() <= 10_000);
}

#[test]
fn stress_collects_before_each_object_and_leaves_nothing_behind() {
    let mut heap = heap(1 << 20);
    heap.set_stress(true);
    let mut roots = [HeapRef::from_i31(0)];
    for n in 0..100 {
        assert_eq!(heap.bump().end, heap.bump().next);
        let old = roots[0];
        let at = node(&mut heap, &mut roots, n).unwrap();
        if old.as_i31().is_none() {
            assert_ne!(old, roots[0]);
            assert_eq!(heap.load(old, 0), Ok([0xAA; 8]));
            assert_eq!(heap.referent(old), Err(HeapCorrupted));
        }
        heap.struct_set(at, 0, bits(roots[0])).unwrap();
        roots[0] = at;
    }
    assert_eq!(heap.collections(), 99);
    for n in (0..100).rev() {
        assert_eq!(get(&heap, roots[0], 1), n);
        roots[0] = HeapRef::from_bits(get(&heap, roots[0], 0)).unwrap();
    }
}

#[test]
fn a_stale_root_is_found_and_ends_the_heap() {
    let mut heap = heap(1 << 20);
    let stale = node(&mut heap, &mut [], 1).unwrap();
    let mut root = stale;
    heap.collect(0, &mut |tracer| tracer.visit(&mut root)).unwrap();
    let (mut again, mut fresh) = (stale, root);
    let result = heap.collect(0, &mut |tracer| {
        tracer.visit(&mut again);
        tracer.visit(&mut fresh);
    });
    assert_eq!(result, Err(AllocError::Corrupted));
    assert_eq!((again, fresh), (stale, root));
    assert_eq!(heap.referent(root), Err(HeapCorrupted));
    assert_eq!(heap.alloc_struct(NODE), Err(AllocError::Corrupted));
    assert_eq!(heap.collect(0, &mut |_| {}), Err(AllocError::Corrupted));
    assert!(heap.alloc_extern(Box::new(())).is_err());
}

#[test]
fn a_root_given_twice_is_found() {
    let mut heap = heap(1 << 20);
    let mut root = node(&mut heap, &mut [], 1).unwrap();
    let result = heap.collect(0, &mut |tracer| {
        tracer.visit(&mut root);
        tracer.visit(&mut root);
    });
    assert_eq!(result, Err(AllocError::Corrupted));
}

/// Memory that ends at some point.
struct Scarce(Vec<u8>, usize);

impl HeapMemory for Scarce {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if len > self.1 {
            return Err(OutOfMemory);
        }
        self.0.resize(len.max(self.0.len()), 0xEE);
        Ok(())
    }
}

#[test]
fn a_heap_without_memory_is_full_but_sound() {
    for available in [0, 2_000, 3_000, 4_096, 5_000, 10_000, 20_000] {
        let limits = HeapLimits { bytes_max: 1 << 20, bytes_first: 4 << 10 };
        let mut heap = Heap::with_memory(Scarce(Vec::new(), available), limits);
        let ty = SubType {
            is_final: true,
            supertype: None,
            composite: CompositeType::Struct([].into()),
        };
        heap.layouts_mut().add(NODE, &ty, &[]).unwrap();
        let mut live = Vec::new();
        let error = loop {
            let made = match heap.alloc_struct(NODE) {
                Err(AllocError::NeedsCollection { bytes }) => {
                    let mut roots = |tracer: &mut Tracer<'_>| {
                        live.iter_mut().for_each(|root| tracer.visit(root));
                    };
                    let room = heap.collect(bytes, &mut roots);
                    room.and_then(|()| heap.alloc_struct(NODE))
                }
                made => made,
            };
            match made {
                Ok(at) => live.push(at),
                Err(error) => break error,
            }
        };
        assert_eq!(error, AllocError::Full);
        assert!(heap.memory().0.len() <= available);
        assert_eq!(live.is_empty(), available < 2_048);
        for at in live {
            assert_eq!(heap.referent(at), Ok(Referent::Struct(NODE)));
        }
    }
}
