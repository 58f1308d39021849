//! The heap over damaged memory: no bytes make an operation panic, hang or leave the memory.
//!
//! The input decides the limits, what is allocated, what then stands in the memory, and what is done with it.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use riser_heap::{AllocError, Extension, Heap, HeapLimits, HeapMemory, HeapRef};
use riser_ops::{
    CompositeKind, CompositeType, FieldType, FuncType, HeapType, RefType, StorageType, SubType,
    TypeId, ValType,
};

fuzz_target!(|bytes: &[u8]| {
    // An input that ends early has done what there is to do.
    let _ = run(&mut Unstructured::new(bytes));
});

const NODE: TypeId = TypeId(1);
const WIDE: TypeId = TypeId(2);
const REFS: TypeId = TypeId(3);
const BYTES: TypeId = TypeId(4);
const FUNCS: TypeId = TypeId(100);
const TAG: TypeId = TypeId(101);

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let limits =
        HeapLimits { bytes_max: u.int_in_range(0..=4096)?, bytes_first: u.int_in_range(0..=4096)? };
    let mut heap = Heap::with_limits(limits);
    add_types(&mut heap);
    heap.set_stress(u.ratio(1, 8)?);
    let mut refs = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        allocate(&mut heap, &mut refs, u)?;
    }
    scribble(&mut heap, u)?;
    while !u.is_empty() {
        match u.int_in_range(0..=3)? {
            0 => allocate(&mut heap, &mut refs, u)?,
            1 => refs.push(u.arbitrary()?),
            2 => scribble(&mut heap, u)?,
            _ => touch(&mut heap, &refs, u)?,
        }
        assert!(heap.memory().bytes().len() as u64 <= limits.bytes_max);
    }
    Ok(())
}

fn add_types(heap: &mut Heap) {
    let field = |storage| FieldType { storage, mutable: true };
    let any = field(StorageType::Val(RefType::ANYREF.val_type()));
    let func = field(StorageType::Val(ValType::FUNCREF));
    let vector = field(StorageType::Val(ValType::V128));
    let tag = FuncType::new([ValType::I64, ValType::EXTERNREF], []);
    let layouts = heap.layouts_mut();
    let mut add = |id, supertype: Option<TypeId>, composite| {
        let ty = SubType { is_final: false, supertype, composite };
        layouts.add(id, &ty, supertype.as_slice()).expect("there is memory for a layout");
    };
    add(NODE, None, CompositeType::Struct([any, any].into()));
    let wide = [any, any, field(StorageType::I8), vector, func, any];
    add(WIDE, Some(NODE), CompositeType::Struct(wide.into()));
    add(REFS, None, CompositeType::Array(any));
    add(BYTES, None, CompositeType::Array(field(StorageType::I8)));
    add(FUNCS, None, CompositeType::Array(func));
    add(TAG, None, CompositeType::Func(tag));
}

/// All references are roots.
fn allocate(heap: &mut Heap, refs: &mut Vec<u32>, u: &mut Unstructured<'_>) -> Result<()> {
    let (kind, len) = (u.int_in_range(0..=6)?, u.int_in_range(0..=300)?);
    let make = |heap: &mut Heap| match kind {
        0 => heap.alloc_struct(NODE),
        1 => heap.alloc_struct(WIDE),
        2 => heap.alloc_array(REFS, len),
        3 => heap.alloc_array(BYTES, len),
        4 => heap.alloc_array(FUNCS, len),
        5 => heap.alloc_exn(TAG, len),
        _ => heap.alloc_extern(Box::new(len)).map_err(AllocError::from),
    };
    let made = match make(heap) {
        Err(AllocError::NeedsCollection { bytes }) => {
            let mut roots = |tracer: &mut riser_heap::Tracer<'_>| {
                refs.iter_mut().for_each(|root| tracer.visit_bits(root));
            };
            heap.collect(bytes, &mut roots).and_then(|()| make(heap))
        }
        made => made,
    };
    assert!(!matches!(made, Err(AllocError::NeedsCollection { .. })), "room was promised");
    refs.extend(made.ok().map(HeapRef::to_bits));
    Ok(())
}

/// Writes the input to some place of the memory.
fn scribble(heap: &mut Heap, u: &mut Unstructured<'_>) -> Result<()> {
    let memory = heap.memory_mut().bytes_mut();
    let at = u.int_in_range(0..=memory.len())?;
    let len = u.int_in_range(0..=memory.len() - at)?.min(u.len());
    memory[at..at + len].copy_from_slice(u.bytes(len)?);
    Ok(())
}

/// Does something with two references.
fn touch(heap: &mut Heap, refs: &[u32], u: &mut Unstructured<'_>) -> Result<()> {
    if refs.is_empty() {
        return Ok(());
    }
    let (Some(at), Some(other)) =
        (HeapRef::from_bits(*u.choose(refs)?), HeapRef::from_bits(*u.choose(refs)?))
    else {
        return Ok(());
    };
    let (index, len) = (u.int_in_range(0..=20)?, u.int_in_range(0..=20)?);
    let value = [u.arbitrary()?, u.arbitrary()?];
    let _ = heap.referent(at);
    let _ = heap.matches(at, HeapType::Concrete(NODE, CompositeKind::Struct));
    let _ = heap.host_value(at).is_some();
    let _ = heap.exn_tag(at);
    let _ = heap.exn_get(at, index);
    let _ = heap.exn_set(at, index, value);
    let _ = heap.struct_get(at, index, Extension::Sign);
    let _ = heap.struct_set(at, index, value);
    let _ = heap.array_get(at, index, Extension::Zero);
    let _ = heap.array_set(at, index, value);
    let _ = heap.array_bytes(at).map(<[u8]>::len);
    let _ = heap.array_copy(at, index, other, len, index);
    let _ = heap.array_fill(at, index, value, len);
    let _ = heap.array_write(at, index, &[7; 16][..len as usize % 17]);
    let _ = heap.load::<8>(at, u.arbitrary()?);
    let _ = heap.store(at, u.arbitrary()?, [1; 4]);
    Ok(())
}
