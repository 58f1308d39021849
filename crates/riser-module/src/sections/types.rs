//! The type section: recursion groups, brought to the registry as soon as they are read.
//! Source: WebAssembly 3.0, sections 5.3.5 to 5.3.9, 5.5.4 and 3.2.9 to 3.2.11.

use super::values::{TypeSpace, storage_type, val_type};
use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::matching;
use crate::module::ModuleType;
use crate::reader::Reader;
use crate::registry::{GROUP_LEN_MAX, as_relative, map_val_types, relative};
use alloc::format;
use alloc::vec::Vec;
use core::cell::Cell;
use riser_ops::{
    CompositeKind, CompositeType, Features, FieldType, FuncType, HeapType, RefType, SubType,
    ValType,
};

const REC: u8 = 0x4E;
const SUB: u8 = 0x50;
const SUB_FINAL: u8 = 0x4F;
const FUNC: u8 = 0x60;
const STRUCT: u8 = 0x5F;
const ARRAY: u8 = 0x5E;

/// The types that a group which is being read may refer to: those before it and, with garbage collection, its
/// own members.
struct GroupSpace<'a> {
    before: &'a [ModuleType],
    len: u32,
    recursive: bool,
    /// Whether the group refers to itself.
    refers_to_itself: Cell<bool>,
}

impl TypeSpace for GroupSpace<'_> {
    fn heap_type(&self, index: u32) -> Option<HeapType> {
        if let Some(before) = self.before.get(index as usize) {
            return Some(before.heap_type());
        }
        let position = index - self.before.len() as u32;
        if position >= self.len || !self.recursive {
            return None;
        }
        self.refers_to_itself.set(true);
        // The member's kind may not be known yet; `set_kinds` puts it right.
        Some(HeapType::Concrete(relative(position), CompositeKind::Func))
    }
}

/// A group as it was read.
struct Group {
    offset: usize,
    types: Vec<SubType>,
    /// The position of each member that has a supertype, and the supertype's index.
    supertypes: Vec<(usize, u32)>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn type_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let count = reader.count(self.limits.types, "types")?;
        self.types.reserve(reader.capacity(count, 3));
        for _ in 0..count {
            let group = self.read_group(reader)?;
            self.register_group(group)?;
        }
        Ok(())
    }

    fn read_group(&self, reader: &mut Reader<'a>) -> Result<Group> {
        let offset = reader.pos();
        let left = self.limits.types.min(GROUP_LEN_MAX).saturating_sub(self.types.len() as u32);
        let len = if reader.peek() == Some(REC) {
            reader.u8()?;
            self.require(Features::GC, "recursive types", offset)?;
            reader.count(left, "types")?
        } else if left == 0 {
            return Err(ModuleError::limit(offset, "too many types"));
        } else {
            1
        };
        let space = GroupSpace {
            before: &self.types,
            len,
            recursive: self.features.contains(Features::GC),
            refers_to_itself: Cell::new(false),
        };
        let mut group = Group {
            offset,
            types: Vec::with_capacity(reader.capacity(len, 3)),
            supertypes: Vec::new(),
        };
        for _ in 0..len {
            self.read_sub_type(reader, &space, &mut group)?;
        }
        if space.refers_to_itself.get() {
            set_kinds(&mut group.types);
        }
        self.check_depths(&group)?;
        Ok(group)
    }

    fn read_sub_type(
        &self,
        reader: &mut Reader<'a>,
        space: &GroupSpace<'_>,
        group: &mut Group,
    ) -> Result<()> {
        let offset = reader.pos();
        let position = group.types.len();
        let first = reader.u8()?;
        let mut ty = SubType {
            is_final: first != SUB,
            supertype: None,
            composite: CompositeType::Struct([].into()),
        };
        if !matches!(first, SUB | SUB_FINAL) {
            ty.composite = self.read_composite(first, reader, space)?;
            group.types.push(ty);
            return Ok(());
        }
        self.require(Features::GC, "subtypes", offset)?;
        let supertypes = reader.u32()?;
        if supertypes > 1 {
            return Err(ModuleError::invalid(offset, "sub type has more than one super type"));
        }
        if supertypes == 1 {
            let offset = reader.pos();
            let index = reader.u32()?;
            if index as usize >= space.before.len() + position {
                return Err(unknown("type", index, offset));
            }
            ty.supertype = Some(match space.before.get(index as usize) {
                Some(before) => before.id,
                None => relative(index - space.before.len() as u32),
            });
            group.supertypes.push((position, index));
        }
        let first = reader.u8()?;
        ty.composite = self.read_composite(first, reader, space)?;
        group.types.push(ty);
        Ok(())
    }

    fn read_composite(
        &self,
        first: u8,
        reader: &mut Reader<'a>,
        space: &GroupSpace<'_>,
    ) -> Result<CompositeType> {
        let offset = reader.pos() - 1;
        match first {
            FUNC => self.read_func_type(reader, space).map(CompositeType::Func),
            STRUCT => {
                self.require(Features::GC, "structure types", offset)?;
                let count = reader.count(self.limits.struct_fields, "fields")?;
                let mut fields = Vec::with_capacity(reader.capacity(count, 2));
                for _ in 0..count {
                    fields.push(self.read_field(reader, space)?);
                }
                Ok(CompositeType::Struct(fields.into()))
            }
            ARRAY => {
                self.require(Features::GC, "array types", offset)?;
                self.read_field(reader, space).map(CompositeType::Array)
            }
            _ => Err(ModuleError::malformed(offset, "malformed composite type")),
        }
    }

    fn read_func_type(&self, reader: &mut Reader<'a>, space: &GroupSpace<'_>) -> Result<FuncType> {
        let mut types = Vec::new();
        let count = reader.count(self.limits.params, "parameters")?;
        types.reserve(reader.capacity(count, 1));
        for _ in 0..count {
            types.push(val_type(reader, self.features, space)?);
        }
        let params = types.len();
        let offset = reader.pos();
        let count = reader.count(self.limits.results, "results")?;
        if count > 1 {
            self.require(Features::MULTI_VALUE, "several results", offset)?;
        }
        for _ in 0..count {
            types.push(val_type(reader, self.features, space)?);
        }
        let (params, results) = types.split_at(params);
        Ok(FuncType::new(params.iter().copied(), results.iter().copied()))
    }

    fn read_field(&self, reader: &mut Reader<'a>, space: &GroupSpace<'_>) -> Result<FieldType> {
        let storage = storage_type(reader, self.features, space)?;
        let mutable = mutability(reader)?;
        Ok(FieldType { storage, mutable })
    }

    /// Chains of supertypes are bounded: the registry keeps each type's whole chain.
    fn check_depths(&self, group: &Group) -> Result<()> {
        if group.supertypes.is_empty() {
            return Ok(());
        }
        let start = self.types.len();
        let limit = self.limits.subtyping_depth;
        let mut depths = alloc::vec![0; group.types.len()];
        for &(position, supertype) in &group.supertypes {
            let above = match self.types.get(supertype as usize) {
                Some(before) => self.subtyping.ancestors(before.id).len() as u32,
                None => depths[supertype as usize - start],
            };
            depths[position] = above + 1;
            if above >= limit {
                let message = format!("sub type hierarchy too deep: more than {limit} super types");
                return Err(ModuleError::limit(group.offset, message));
            }
        }
        Ok(())
    }

    fn register_group(&mut self, group: Group) -> Result<()> {
        let Group { offset, types, supertypes } = group;
        if types.is_empty() {
            return Ok(());
        }
        let start = self.types.len();
        let Decoder { registration, types: module_types, subtyping, .. } = self;
        let added = registration.add(types, |canonical| {
            let has_default = has_default(&canonical.ty.composite);
            module_types.push(ModuleType { id: canonical.id, ty: canonical.ty, has_default });
            subtyping.insert(canonical.id, canonical.ancestors);
        });
        if added.is_err() {
            return Err(ModuleError::limit(offset, "too many different types in this engine"));
        }
        for (position, supertype) in supertypes {
            self.check_supertype(start + position, supertype as usize, offset)?;
        }
        Ok(())
    }

    fn check_supertype(&self, index: usize, supertype: usize, offset: usize) -> Result<()> {
        let (sub, sup) = (&self.types[index].ty, &self.types[supertype].ty);
        if sup.is_final {
            let message = format!("sub type {index} extends type {supertype}, which is final");
            return Err(ModuleError::invalid(offset, message));
        }
        let matches = |a, b| self.subtyping.matches(a, b);
        if !matching::composite(&sub.composite, &sup.composite, matches) {
            let message = format!("sub type {index} does not match super type {supertype}");
            return Err(ModuleError::invalid(offset, message));
        }
        Ok(())
    }
}

/// Reads whether a field or global is mutable.
pub(crate) fn mutability(reader: &mut Reader<'_>) -> Result<bool> {
    let offset = reader.pos();
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ModuleError::malformed(offset, "malformed mutability")),
    }
}

fn has_default(ty: &CompositeType) -> bool {
    let field = |field: &FieldType| field.storage.unpacked().is_defaultable();
    match ty {
        CompositeType::Func(_) => false,
        CompositeType::Struct(fields) => fields.iter().all(field),
        CompositeType::Array(element) => field(element),
    }
}

/// Puts the kinds of the group's own types into its references to itself.
fn set_kinds(types: &mut [SubType]) {
    let kinds: Vec<CompositeKind> = types.iter().map(|ty| ty.composite.kind()).collect();
    let with_kind = |ty: ValType| match ty.as_ref().map(|ty| (ty.is_nullable(), ty.heap())) {
        Some((nullable, HeapType::Concrete(id, _))) => match as_relative(id) {
            Some(position) => {
                RefType::new(nullable, HeapType::Concrete(id, kinds[position])).into()
            }
            None => ty,
        },
        _ => ty,
    };
    for ty in types {
        let composite = core::mem::replace(&mut ty.composite, CompositeType::Struct([].into()));
        ty.composite = map_val_types(composite, with_kind);
    }
}
