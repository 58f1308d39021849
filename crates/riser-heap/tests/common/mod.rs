//! Types for the tests, and a small random generator.
#![allow(dead_code)]

use riser_heap::{AllocError, Heap, HeapRef, Tracer};
use riser_ops::{
    CompositeType, FieldType, FuncType, RefType, StorageType, SubType, TypeId, ValType,
};

/// `(struct (field anyref) (field i32) (field anyref))`, open.
pub const NODE: TypeId = TypeId(3);
/// A subtype of [`NODE`] with `(field i8) (field i64) (field i16) (field v128) (field funcref)` more.
pub const WIDE: TypeId = TypeId(70);
/// `(array anyref)`.
pub const REFS: TypeId = TypeId(5);
/// `(array i8)`.
pub const BYTES: TypeId = TypeId(200);
/// `(array i16)`.
pub const SHORTS: TypeId = TypeId(201);
/// `(array v128)`.
pub const VECTORS: TypeId = TypeId(202);
/// `(array funcref)`.
pub const FUNCS: TypeId = TypeId(203);
/// `(struct)`.
pub const EMPTY: TypeId = TypeId(204);
/// `(param i64 externref f32)`, of a tag.
pub const TAG: TypeId = TypeId(300);

/// All of them.
pub const TYPES: [TypeId; 9] = [NODE, WIDE, REFS, BYTES, SHORTS, VECTORS, FUNCS, EMPTY, TAG];

fn val(ty: ValType) -> FieldType {
    FieldType { storage: StorageType::Val(ty), mutable: true }
}

fn packed(storage: StorageType) -> FieldType {
    FieldType { storage, mutable: true }
}

fn sub(composite: CompositeType) -> SubType {
    SubType { is_final: false, supertype: None, composite }
}

/// Adds all types.
pub fn add_types(heap: &mut Heap) {
    let anyref = val(RefType::ANYREF.val_type());
    let funcref = val(ValType::FUNCREF);
    let node = [anyref, val(ValType::I32), anyref];
    let wide: Vec<FieldType> = node
        .into_iter()
        .chain([packed(StorageType::I8), val(ValType::I64), packed(StorageType::I16)])
        .chain([val(ValType::V128), funcref])
        .collect();
    let tag = FuncType::new([ValType::I64, ValType::EXTERNREF, ValType::F32], []);
    let array = |field| sub(CompositeType::Array(field));
    let layouts = heap.layouts_mut();
    let mut add = |id, ty: SubType, ancestors: &[TypeId]| layouts.add(id, &ty, ancestors).unwrap();
    add(NODE, sub(CompositeType::Struct(node.into())), &[]);
    let wide = CompositeType::Struct(wide.into());
    add(WIDE, SubType { is_final: true, supertype: Some(NODE), composite: wide }, &[NODE]);
    add(REFS, array(anyref), &[]);
    add(BYTES, array(packed(StorageType::I8)), &[]);
    add(SHORTS, array(packed(StorageType::I16)), &[]);
    add(VECTORS, array(val(ValType::V128)), &[]);
    add(FUNCS, array(funcref), &[]);
    add(EMPTY, sub(CompositeType::Struct([].into())), &[]);
    add(TAG, sub(CompositeType::Func(tag)), &[]);
}

/// Allocates as a caller does: a failed try, a collection with the given roots, another try.
pub fn alloc(
    heap: &mut Heap,
    roots: &mut [HeapRef],
    make: impl Fn(&mut Heap) -> Result<HeapRef, AllocError>,
) -> Result<HeapRef, AllocError> {
    match make(heap) {
        Err(AllocError::NeedsCollection { bytes }) => {
            heap.collect(bytes, &mut |tracer: &mut Tracer<'_>| {
                roots.iter_mut().for_each(|root| tracer.visit(root));
            })?;
            make(heap)
        }
        done => done,
    }
}

/// Xorshift (Marsaglia, 2003).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }
}
