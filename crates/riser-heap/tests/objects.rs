//! What objects hold, where their parts lie, and what they are.

mod common;

use common::{BYTES, EMPTY, FUNCS, NODE, REFS, SHORTS, TAG, VECTORS, WIDE, add_types};
use riser_heap::{
    AccessError, AllocError, Extension, Heap, HeapCorrupted, HeapLimits, HeapMemory, HeapRef,
    ObjectKind, Referent, Repr,
};
use riser_module::TypeRegistry;
use riser_ops::{CompositeKind, FuncType, HeapType, TypeId, ValType};

const ZERO: Extension = Extension::Zero;
const SIGN: Extension = Extension::Sign;

fn heap() -> Heap {
    let mut heap = Heap::new();
    add_types(&mut heap);
    heap
}

#[test]
fn fields_lie_at_multiples_of_their_size_and_subtypes_begin_like_their_supertypes() {
    let heap = heap();
    let offsets = |id: TypeId| -> Vec<u32> {
        heap.layouts().get(id).unwrap().fields().iter().map(|field| field.offset).collect()
    };
    assert_eq!(offsets(NODE), [4, 8, 12]);
    //                         node      i8  i64 i16 v128 funcref
    assert_eq!(offsets(WIDE), [4, 8, 12, 16, 24, 32, 40, 56]);
    assert_eq!(offsets(TAG), [8, 16, 20]);
    let size = |id: TypeId| heap.layouts().get(id).unwrap().size();
    assert_eq!([NODE, WIDE, EMPTY, BYTES, TAG].map(size), [16, 64, 8, 8, 24]);
    let wide = heap.layouts().get(WIDE).unwrap();
    assert_eq!(wide.refs(), [4, 12]);
    assert_eq!(wide.kind(), ObjectKind::Struct);
    assert_eq!(wide.element(), None);
    assert_eq!((wide.display(), wide.depth()), (&[NODE, WIDE][..], 1));
    assert_eq!(heap.layouts().get(VECTORS).unwrap().element(), Some(Repr::V128));
    assert!(heap.layouts().get(TypeId(4)).is_none());
    assert!(heap.layouts().get(TypeId(u32::MAX)).is_none());
}

#[test]
fn a_structure_keeps_its_fields() {
    let mut heap = heap();
    let at = heap.alloc_struct(WIDE).unwrap();
    for field in 0..8 {
        assert_eq!(heap.struct_get(at, field, SIGN), Ok([0, 0]));
    }
    let values = [
        [u64::from(HeapRef::from_i31(9).to_bits()), 0],
        [0xFFFF_FFFF, 0],
        [u64::from(at.to_bits()), 0],
        [0x1_80, 0],
        [u64::MAX - 1, 0],
        [0xFFFF_9000, 0],
        [1, u64::MAX],
        [0x7FFF_1234_5678, 0],
    ];
    for (field, value) in values.into_iter().enumerate() {
        heap.struct_set(at, field as u32, value).unwrap();
    }
    let read = |extension| (0..8).map(|f| heap.struct_get(at, f, extension).unwrap()).collect();
    let unsigned: Vec<_> = read(ZERO);
    let mut expected = values;
    (expected[3], expected[5]) = ([0x80, 0], [0x9000, 0]);
    assert_eq!(unsigned, expected);
    let signed: Vec<_> = read(SIGN);
    (expected[3], expected[5]) = ([0xFFFF_FF80, 0], [0xFFFF_9000, 0]);
    assert_eq!(signed, expected);
    assert_eq!(heap.load::<4>(at, 8), Ok([0xFF; 4]));
    assert_eq!(heap.struct_get(at, 8, ZERO), Err(HeapCorrupted));
    assert_eq!(heap.array_len(at), Err(HeapCorrupted));
}

#[test]
fn arrays_are_read_written_filled_and_copied() {
    let mut heap = heap();
    let at = heap.alloc_array(SHORTS, 10).unwrap();
    assert_eq!(heap.array_len(at), Ok(10));
    heap.array_write(at, 2, &[1, 0, 2, 0, 0xFF, 0xFF]).unwrap();
    assert_eq!(heap.array_get(at, 4, ZERO), Ok([0xFFFF, 0]));
    assert_eq!(heap.array_get(at, 4, SIGN), Ok([0xFFFF_FFFF, 0]));
    assert_eq!(heap.array_get(at, 10, ZERO), Err(AccessError::OutOfBounds));
    // Overlapping.
    heap.array_copy(at, 3, at, 2, 3).unwrap();
    heap.array_fill(at, 8, [0x1_0707, 0], 2).unwrap();
    let expected = [0, 0, 1, 1, 2, 0xFFFF, 0, 0, 0x707, 0x707_u16];
    let bytes: Vec<u8> = expected.iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(heap.array_bytes(at), Ok(&bytes[..]));
    for (index, len) in [(9, 2), (11, 0), (u32::MAX, 1), (1, u32::MAX)] {
        assert_eq!(heap.array_fill(at, index, [0, 0], len), Err(AccessError::OutOfBounds));
        assert_eq!(heap.array_copy(at, index, at, 0, len), Err(AccessError::OutOfBounds));
        assert_eq!(heap.array_copy(at, 0, at, index, len), Err(AccessError::OutOfBounds));
    }
    assert_eq!(heap.array_fill(at, 10, [0, 0], 0), Ok(()));
    assert_eq!(heap.array_write(at, 9, &[0; 4]), Err(AccessError::OutOfBounds));
    assert_eq!(heap.array_write(at, 0, &[0; 3]), Err(AccessError::Corrupted));
    assert_eq!(heap.array_bytes(at), Ok(&bytes[..]));

    let vectors = heap.alloc_array(VECTORS, 3).unwrap();
    heap.array_fill(vectors, 1, [5, 6], 2).unwrap();
    heap.array_set(vectors, 0, [7, 8]).unwrap();
    let read = [0, 1, 2].map(|index| heap.array_get(vectors, index, ZERO).unwrap());
    assert_eq!(read, [[7, 8], [5, 6], [5, 6]]);
    assert_eq!(heap.array_copy(vectors, 0, at, 0, 1), Err(AccessError::Corrupted));

    let funcs = heap.alloc_array(FUNCS, 3).unwrap();
    heap.array_fill(funcs, 0, [1 << 40, 0], 2).unwrap();
    heap.array_copy(funcs, 1, funcs, 0, 2).unwrap();
    assert_eq!(heap.array_get(funcs, 2, ZERO), Ok([1 << 40, 0]));
    assert_eq!(heap.array_write(funcs, 0, &[9; 4]), Err(AccessError::Corrupted));
    assert_eq!(heap.array_bytes(funcs), Err(HeapCorrupted));
}

#[test]
fn references_match_the_types_of_what_they_refer_to() {
    let mut heap = heap();
    let i31 = HeapRef::from_i31(1);
    let node = heap.alloc_struct(NODE).unwrap();
    let wide = heap.alloc_struct(WIDE).unwrap();
    let array = heap.alloc_array(REFS, 1).unwrap();
    let host = heap.alloc_extern(Box::new(1)).unwrap();
    let exn = heap.alloc_exn(TAG, 77).unwrap();
    use HeapType::{Any, Array, Concrete, Eq, Exn, Extern, I31, None, Struct};
    let concrete = |id| Concrete(id, CompositeKind::Struct);
    let rows: [(HeapRef, &[HeapType]); 6] = [
        (i31, &[I31, Eq, Any, Extern]),
        (node, &[concrete(NODE), Struct, Eq, Any, Extern]),
        (wide, &[concrete(NODE), concrete(WIDE), Struct, Eq, Any, Extern]),
        (array, &[concrete(REFS), Array, Eq, Any, Extern]),
        (host, &[Any, Extern]),
        (exn, &[Exn]),
    ];
    let all = [I31, Eq, Any, Extern, Struct, Array, Exn, None, HeapType::Func, HeapType::NoExn];
    let all = all.into_iter().chain([NODE, WIDE, REFS, TypeId(999), TAG].map(concrete));
    for ty in all {
        for (at, types) in rows {
            assert_eq!(heap.matches(at, ty), Ok(types.contains(&ty)), "{at:?} {ty}");
        }
    }
    let referents = rows.map(|(at, _)| heap.referent(at).unwrap());
    let (node, wide) = (Referent::Struct(NODE), Referent::Struct(WIDE));
    let rest = (Referent::Array(REFS), Referent::Extern, Referent::Exn(TAG));
    assert_eq!(referents, [Referent::I31(1), node, wide, rest.0, rest.1, rest.2]);
    assert_eq!(
        rows.map(|(at, _)| heap.type_of(at).unwrap()),
        [Option::None, Some(NODE), Some(WIDE), Some(REFS), Option::None, Option::None,]
    );
    assert!(heap.layouts().is_subtype(WIDE, NODE));
    assert!(!heap.layouts().is_subtype(NODE, WIDE));
    assert!(!heap.layouts().is_subtype(TypeId(999), NODE));
}

#[test]
fn an_exception_keeps_its_tag_and_values() {
    let mut heap = heap();
    let exn = heap.alloc_exn(TAG, 77).unwrap();
    heap.exn_set(exn, 0, [u64::MAX, 0]).unwrap();
    heap.exn_set(exn, 1, [u64::from(exn.to_bits()), 0]).unwrap();
    heap.exn_set(exn, 2, [0x3F80_0000, 0]).unwrap();
    assert_eq!(heap.exn_tag(exn), Ok(77));
    assert_eq!(heap.exn_get(exn, 0), Ok([u64::MAX, 0]));
    assert_eq!(heap.exn_get(exn, 1), Ok([u64::from(exn.to_bits()), 0]));
    assert_eq!(heap.exn_get(exn, 2), Ok([0x3F80_0000, 0]));
    assert_eq!(heap.exn_get(exn, 3), Err(HeapCorrupted));
    assert_eq!(heap.struct_get(exn, 0, ZERO), Err(HeapCorrupted));
    let node = heap.alloc_struct(NODE).unwrap();
    assert_eq!(heap.exn_tag(node), Err(HeapCorrupted));
    assert_eq!(heap.alloc_exn(NODE, 0), Err(AllocError::Corrupted));
    assert_eq!(heap.alloc_struct(TAG), Err(AllocError::Corrupted));
    assert_eq!(heap.alloc_array(TypeId(4), 0), Err(AllocError::Corrupted));
}

#[test]
fn host_values_come_back() {
    let mut heap = Heap::new();
    let a = heap.alloc_extern(Box::new(7u8)).unwrap();
    let b = heap.alloc_extern(Box::new("text")).unwrap();
    assert_ne!(a, b);
    assert_eq!(heap.host_value(a).unwrap().downcast_ref::<u8>(), Some(&7));
    *heap.host_value_mut(b).unwrap() = Box::new("other");
    assert_eq!(heap.host_value(b).unwrap().downcast_ref::<&str>(), Some(&"other"));
    assert_eq!(heap.host_values(), 2);
    assert!(heap.host_value(HeapRef::from_i31(5)).is_none());
    let outside = HeapRef::from_bits(1000).unwrap();
    assert!(heap.host_value_mut(outside).is_none());
}

#[test]
fn host_values_take_room_up_to_the_limit_without_a_collection() {
    let limits = HeapLimits { bytes_max: 1 << 16, bytes_first: 256 };
    let mut heap = Heap::with_limits(limits);
    let mut count = 0;
    while heap.alloc_extern(Box::new(count)).is_ok() {
        count += 1;
    }
    assert_eq!(count, (1 << 15) / 8 - 1);
    assert_eq!(heap.host_values(), count);
}

#[test]
fn the_first_object_takes_the_first_memory_and_the_limit_holds() {
    let limits = HeapLimits { bytes_max: 1 << 20, bytes_first: 1 << 12 };
    let mut heap = Heap::with_limits(limits);
    add_types(&mut heap);
    assert_eq!(heap.memory().bytes().len(), 0);
    let large = (1 << 19) + 8;
    // The limits may be raised before the collection.
    let needed = Err(AllocError::NeedsCollection { bytes: large });
    assert_eq!(heap.alloc_array(BYTES, 1 << 19), needed);
    assert_eq!(heap.collect(large, &mut |_| {}), Err(AllocError::Full));
    assert_eq!(heap.alloc_array(VECTORS, u32::MAX), Err(AllocError::Full));
    assert_eq!(heap.memory().bytes().len(), 0);
    heap.alloc_struct(NODE).unwrap();
    assert_eq!(heap.memory().bytes().len(), 1 << 11);
    assert_eq!(
        heap.alloc_array(BYTES, 1 << 18),
        Err(AllocError::NeedsCollection { bytes: (1 << 18) + 8 })
    );
    let mut none = Heap::with_limits(HeapLimits { bytes_max: 100, bytes_first: 1 << 12 });
    add_types(&mut none);
    assert_eq!(none.alloc_struct(EMPTY), Err(AllocError::NeedsCollection { bytes: 8 }));
    assert_eq!(none.collect(0, &mut |_| {}), Ok(()));
    assert_eq!(none.collect(8, &mut |_| {}), Err(AllocError::Full));
    assert!(none.alloc_extern(Box::new(())).is_err());
}

#[test]
fn objects_made_without_a_call_are_noted() {
    let mut heap = heap();
    heap.alloc_struct(NODE).unwrap();
    let bump = heap.bump();
    let header = heap.load::<4>(HeapRef::from_bits(bump.next - 16).unwrap(), 0).unwrap();
    let at = HeapRef::from_bits(bump.next).unwrap();
    heap.store(at, 0, header).unwrap();
    heap.store(at, 4, [0; 12]).unwrap();
    assert_eq!(heap.referent(at), Err(HeapCorrupted));
    assert_eq!(heap.set_next(bump.next + 4), Err(HeapCorrupted));
    assert_eq!(heap.set_next(bump.next - 8), Err(HeapCorrupted));
    assert_eq!(heap.set_next(bump.end + 8), Err(HeapCorrupted));
    heap.set_next(bump.next + 16).unwrap();
    assert_eq!(heap.referent(at), Ok(Referent::Struct(NODE)));
}

#[test]
fn a_registered_type_stays_alive_with_the_heap() {
    let registry = TypeRegistry::new();
    let mut heap = Heap::new();
    {
        let ty = registry.register_func_type(&FuncType::new([ValType::EXTERNREF], []));
        heap.layouts_mut().register(&registry, ty.id()).unwrap();
        heap.layouts_mut().register(&registry, ty.id()).unwrap();
    }
    assert_eq!(registry.len(), 1);
    drop(heap);
    assert!(registry.is_empty());
}
