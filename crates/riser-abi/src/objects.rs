//! How objects lie in a store's heap. What they are, and who collects them, is the business of `riser-heap`.
//!
//! A reference is 32 bits: 0 is null, a set lowest bit makes a 31-bit integer, anything else is the distance of an object from
//! the heap's first byte, a multiple of 8. The first [`FIRST_OBJECT`] bytes of the heap are 0: whoever reads the header of null
//! finds one that no object has.

use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;
use riser_ops::{CompositeType, FieldType, Hierarchy, StorageType, TypeId, ValType};

/// The first place for an object.
pub const FIRST_OBJECT: u32 = 8;

/// Where the fields of a structure begin, at the earliest.
pub const STRUCT_FIELDS: u32 = 4;

/// Where an array has its length.
pub const ARRAY_LENGTH: u32 = 4;

/// Where an array has its elements, and an exception its values.
pub const ARRAY_ELEMENTS: u32 = 8;

/// No structure is larger: 2²⁰ vectors (the validator allows far fewer fields). Any field of what any 32-bit reference leads
/// to is in the first [`crate::GUARDED_BYTES`].
pub const OBJECT_MAX: u32 = 1 << 24;

/// The kinds of objects, as they stand in bits 1 to 3 of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectKind {
    /// A structure.
    Struct = 1,
    /// An array.
    Array = 2,
    /// An exception.
    Exn = 3,
    /// A value of the host.
    Extern = 4,
}

/// How far the type's number stands above the kind in a header.
pub const HEADER_TYPE_SHIFT: u32 = 8;

/// The first word of an object: its type's number ([`type_number`]) in the upper 24 bits, its kind in bits 1 to 3.
#[inline]
pub const fn object_header(kind: ObjectKind, id: TypeId) -> u32 {
    type_number(id) << HEADER_TYPE_SHIFT | header_of_kind(kind)
}

/// The header of an object of this kind that has no type.
#[inline]
pub const fn header_of_kind(kind: ObjectKind) -> u32 {
    (kind as u32) << 1
}

/// How headers number canonical types: 0 is none. The largest ids are never given to types.
#[inline]
pub const fn type_number(id: TypeId) -> u32 {
    id.0 + 1
}

/// The canonical type that a header names, if any.
#[inline]
pub const fn header_type(header: u32) -> Option<TypeId> {
    match (header >> HEADER_TYPE_SHIFT).checked_sub(1) {
        Some(id) => Some(TypeId(id)),
        None => None,
    }
}

/// How a field or element is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Repr {
    /// One byte of an integer.
    I8,
    /// Two bytes of an integer.
    I16,
    /// Four bytes: `i32` or `f32`.
    B32,
    /// Eight bytes: `i64` or `f64`.
    B64,
    /// Sixteen bytes.
    V128,
    /// A reference into the heap, four bytes.
    Ref,
    /// The number of a function, four bytes: an address must not stand in memory that is not trusted.
    Func,
}

impl Repr {
    /// How values of a type are kept.
    pub fn of(storage: StorageType) -> Repr {
        match storage {
            StorageType::I8 => Repr::I8,
            StorageType::I16 => Repr::I16,
            StorageType::Val(ValType::I64 | ValType::F64) => Repr::B64,
            StorageType::Val(ValType::V128) => Repr::V128,
            StorageType::Val(ty) => match ty.as_ref().map(|ty| ty.heap().hierarchy()) {
                None => Repr::B32,
                Some(Hierarchy::Func) => Repr::Func,
                Some(Hierarchy::Any | Hierarchy::Extern | Hierarchy::Exn) => Repr::Ref,
            },
        }
    }

    /// In bytes.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            Repr::I8 => 1,
            Repr::I16 => 2,
            Repr::B32 | Repr::Ref | Repr::Func => 4,
            Repr::B64 => 8,
            Repr::V128 => 16,
        }
    }

    /// The slots that a value takes in a frame.
    #[inline]
    pub const fn slots(self) -> usize {
        if self.size() == 16 { 2 } else { 1 }
    }

    /// Whether it is neither kind of reference.
    #[inline]
    pub const fn is_plain(self) -> bool {
        !matches!(self, Repr::Ref | Repr::Func)
    }
}

/// Places fields one after the other, each at the next multiple of its size (of 8 for vectors), so that a structure begins like
/// each of its supertypes.
#[derive(Clone, Copy, Debug)]
pub struct FieldPlacer {
    end: u32,
}

impl FieldPlacer {
    /// For fields from a place on.
    pub const fn new(start: u32) -> FieldPlacer {
        FieldPlacer { end: start }
    }

    /// Where the next field lies; `None` if that is beyond [`OBJECT_MAX`].
    pub fn place(&mut self, repr: Repr) -> Option<u32> {
        let size = repr.size() as u32;
        let offset = self.end.next_multiple_of(size.min(8));
        self.end = offset + size;
        (self.end <= OBJECT_MAX).then_some(offset)
    }

    /// The size of an object that ends behind the last field.
    pub const fn size(self) -> u32 {
        self.end.next_multiple_of(8)
    }
}

/// The fields of a structure type and where they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructLayout {
    /// Their types, and their distances from the object's first byte.
    pub fields: Vec<(StorageType, u32)>,
    /// The bytes of an object; the largest number if there can be none.
    pub size: u32,
}

impl StructLayout {
    /// That of a type; of what is no structure, that of a structure without fields that cannot be.
    pub fn of(composite: &CompositeType) -> StructLayout {
        let CompositeType::Struct(fields) = composite else {
            return StructLayout { fields: Vec::new(), size: u32::MAX };
        };
        let mut placer = FieldPlacer::new(STRUCT_FIELDS);
        let mut exists = true;
        let place = |field: &FieldType| {
            let offset = placer.place(Repr::of(field.storage));
            exists &= offset.is_some();
            // Nothing is there, and nobody gets there: all references to objects of the type are null.
            (field.storage, offset.unwrap_or(OBJECT_MAX))
        };
        let fields = fields.iter().map(place).collect();
        StructLayout { fields, size: if exists { placer.size() } else { u32::MAX } }
    }
}

/// What takes part in allocating without a call: an object of a size that fits is at `next`, which moves behind it. Its
/// bytes must be written in full, since they are not zero. Only the thread that has the store uses it; it is shared between code
/// and the heap.
#[repr(C)]
#[derive(Debug, Default)]
pub struct BumpArea {
    /// The first free byte, a multiple of 8.
    pub next: AtomicU32,
    /// The byte after the last free one; less than `next` if all allocations must go through the runtime.
    pub end: AtomicU32,
}

/// How many types of a display stand in a [`TypeRow`].
pub const ROW_DISPLAY: usize = 15;

/// What a store tells code about a canonical type of objects, at the position of its number. All 0 before the first object of
/// the type, and at position 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeRow {
    /// The header of its objects.
    pub header: u32,
    /// The headers of its supertypes' objects, the root first, then its own: as many as there is room for.
    pub display: [u32; ROW_DISPLAY],
}

/// The bytes of a row for each number that a header can hold.
pub const TYPE_ROWS_BYTES: u64 = (1 << (32 - HEADER_TYPE_SHIFT)) * size_of::<TypeRow>() as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_at_multiples_of_their_sizes() {
        let mut placer = FieldPlacer::new(STRUCT_FIELDS);
        let reprs = [Repr::I8, Repr::I16, Repr::B64, Repr::Ref, Repr::V128, Repr::I8];
        let offsets = reprs.map(|repr| placer.place(repr).unwrap());
        assert_eq!(offsets, [4, 6, 8, 16, 24, 40]);
        assert_eq!(placer.size(), 48);
        let mut placer = FieldPlacer::new(OBJECT_MAX - 8);
        assert_eq!(placer.place(Repr::B64), Some(OBJECT_MAX - 8));
        assert_eq!(placer.place(Repr::I8), None);
    }

    #[test]
    fn headers_name_types_by_numbers_from_one() {
        assert_eq!(object_header(ObjectKind::Struct, TypeId(0)), 0x102);
        assert_eq!(object_header(ObjectKind::Array, TypeId(TypeId::MAX - 1)), 0xFFFF_FF04);
        assert_eq!(header_type(0xFFFF_FF04), Some(TypeId(TypeId::MAX - 1)));
        assert_eq!(header_type(header_of_kind(ObjectKind::Extern)), None);
        assert_eq!(size_of::<TypeRow>(), 64);
    }
}
