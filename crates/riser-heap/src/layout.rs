//! Where the parts of objects lie, by canonical type.

use crate::HeapFull;
use alloc::boxed::Box;
use alloc::vec::Vec;
use riser_abi::{ARRAY_ELEMENTS, FieldPlacer, ObjectKind, Repr, STRUCT_FIELDS};
use riser_module::{Registered, TypeRegistry};
use riser_ops::{CompositeType, StorageType, SubType, TypeId, ValType};

/// A field of a structure, or a value of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Bytes from the object's start.
    pub offset: u32,
    /// How it is kept.
    pub repr: Repr,
}

/// Where the parts of objects of one type lie. Never changes, nor does its display's address.
#[derive(Debug)]
pub struct TypeLayout {
    kind: ObjectKind,
    /// Of the object, header included; for arrays, without elements.
    size: u32,
    fields: Box<[FieldLayout]>,
    /// The offsets of the fields that are [`Repr::Ref`].
    refs: Box<[u32]>,
    /// Of arrays; something for others.
    element: Repr,
    display: Box<[TypeId]>,
}

/// Arrays, exceptions and values of the host have a word after their header.
pub(crate) const LONG_HEADER: u32 = ARRAY_ELEMENTS;

impl TypeLayout {
    /// The layout of objects of a type with the given supertypes, the root first, without itself.
    fn new(id: TypeId, ty: &SubType, ancestors: &[TypeId]) -> Result<TypeLayout, HeapFull> {
        let mut display = Vec::new();
        display.try_reserve_exact(ancestors.len() + 1).map_err(|_| HeapFull)?;
        display.extend_from_slice(ancestors);
        display.push(id);
        let (kind, start, fields, element) = match &ty.composite {
            CompositeType::Struct(fields) => {
                let fields = fields.iter().map(|field| Repr::of(field.storage)).collect();
                (ObjectKind::Struct, STRUCT_FIELDS, fields, Repr::I8)
            }
            CompositeType::Array(field) => {
                (ObjectKind::Array, LONG_HEADER, Vec::new(), Repr::of(field.storage))
            }
            CompositeType::Func(func) => {
                let repr = |&ty: &ValType| Repr::of(StorageType::Val(ty));
                let fields = func.params().iter().map(repr).collect();
                (ObjectKind::Exn, LONG_HEADER, fields, Repr::I8)
            }
        };
        let (size, fields) = place(start, &fields)?;
        let refs = fields.iter().filter(|field| field.repr == Repr::Ref);
        let refs = refs.map(|field| field.offset).collect();
        Ok(TypeLayout { kind, size, fields, refs, element, display: display.into() })
    }

    /// What kind of object it is.
    #[inline]
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The bytes of an object, a multiple of 8; those of an array without elements.
    #[inline]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The fields of a structure, the values of an exception; none for arrays.
    #[inline]
    pub fn fields(&self) -> &[FieldLayout] {
        &self.fields
    }

    /// Where the references into the heap are in a structure or exception.
    #[inline]
    pub fn refs(&self) -> &[u32] {
        &self.refs
    }

    /// The elements of an array; `None` for others.
    #[inline]
    pub fn element(&self) -> Option<Repr> {
        (self.kind == ObjectKind::Array).then_some(self.element)
    }

    /// The supertypes, the root first, and the type itself at the end. A type is a subtype of another exactly
    /// if the other stands here at the position [`TypeLayout::depth`] of the other.
    #[inline]
    pub fn display(&self) -> &[TypeId] {
        &self.display
    }

    /// The number of supertypes.
    #[inline]
    pub fn depth(&self) -> usize {
        self.display.len() - 1
    }

    /// The bytes of an array with `len` elements.
    #[inline]
    pub(crate) fn array_size(&self, len: u32) -> u64 {
        let elements = u64::from(len) * self.element.size() as u64;
        (u64::from(LONG_HEADER) + elements).next_multiple_of(8)
    }
}

/// Places fields one after the other, the first not before `start`; also gives the size.
fn place(start: u32, fields: &[Repr]) -> Result<(u32, Box<[FieldLayout]>), HeapFull> {
    let mut placer = FieldPlacer::new(start);
    let mut placed = Vec::new();
    placed.try_reserve_exact(fields.len()).map_err(|_| HeapFull)?;
    for &repr in fields {
        let offset = placer.place(repr).ok_or(HeapFull)?;
        placed.push(FieldLayout { offset, repr });
    }
    Ok((placer.size(), placed.into()))
}

/// Types per page of the table. Canonical ids are dense in an engine but not in a store.
const PAGE: usize = 64;

type Page = Box<[Option<TypeLayout>; PAGE]>;

/// The layouts of the types of a store, found by indexing.
#[derive(Debug, Default)]
pub struct LayoutTable {
    pages: Vec<Option<Page>>,
    /// Keeps the ids from being given to other types.
    registered: Vec<Registered>,
}

impl LayoutTable {
    /// The layout of a type; `None` if it was not added.
    #[inline]
    pub fn get(&self, id: TypeId) -> Option<&TypeLayout> {
        let index = id.index();
        self.pages.get(index / PAGE)?.as_ref()?[index % PAGE].as_ref()
    }

    /// The layouts of all types that were added.
    pub fn iter(&self) -> impl Iterator<Item = &TypeLayout> {
        self.pages.iter().flatten().flat_map(|page| page.iter().flatten())
    }

    /// Adds a type that is alive in a registry, unless it is here, and keeps it alive. A function type is
    /// added for the exceptions whose tags have it.
    ///
    /// # Errors
    /// If the host has no memory, or objects of the type would be absurdly large.
    ///
    /// # Panics
    /// If the type is not alive.
    pub fn register(&mut self, registry: &TypeRegistry, id: TypeId) -> Result<(), HeapFull> {
        if self.get(id).is_none() {
            self.registered.try_reserve(1).map_err(|_| HeapFull)?;
            self.add(id, &registry.get(id), &registry.ancestors(id))?;
            self.registered.push(registry.registered(id));
        }
        Ok(())
    }

    /// Adds a type that looks like `ty` and has the given supertypes (the root first, without itself), unless it
    /// is here. The caller sees to it that the id is not given to another type.
    ///
    /// # Errors
    /// As [`LayoutTable::register`].
    pub fn add(&mut self, id: TypeId, ty: &SubType, ancestors: &[TypeId]) -> Result<(), HeapFull> {
        if self.get(id).is_some() {
            return Ok(());
        }
        if id.0 >= TypeId::MAX {
            return Err(HeapFull);
        }
        let (page, position) = (id.index() / PAGE, id.index() % PAGE);
        if self.pages.len() <= page {
            self.pages.try_reserve(page + 1 - self.pages.len()).map_err(|_| HeapFull)?;
            self.pages.resize_with(page + 1, || None);
        }
        let layout = TypeLayout::new(id, ty, ancestors)?;
        let page = self.pages[page].get_or_insert_with(|| Box::new([const { None }; PAGE]));
        page[position] = Some(layout);
        Ok(())
    }

    /// Whether `a`, which was added, is `b` or one of its declared subtypes.
    #[inline]
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        a == b || self.get(a).is_some_and(|a| self.is_below(a, b))
    }

    #[inline]
    pub(crate) fn is_below(&self, a: &TypeLayout, b: TypeId) -> bool {
        match self.get(b) {
            Some(layout) => a.display.get(layout.depth()) == Some(&b),
            None => a.display.contains(&b),
        }
    }
}
