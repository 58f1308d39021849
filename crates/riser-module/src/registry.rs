//! The engine-wide registry of canonical types.
//!
//! Equal types have equal [`TypeId`]s, whatever module they come from. Equality is iso-recursive: a recursion
//! group is compared as a whole, references inside of it by position in the group, references to the outside
//! by canonical id. A group lives as long as somebody registered it or another group refers to it; then its
//! ids are free for other types. Groups are immutable, so what a module copies out of here needs no lock.
//! `sections/types.rs` reads groups from a binary and brings them here.
//! Source: WebAssembly 3.0, sections 2.3.9 to 2.3.12 and 3.3.

use crate::matching;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::BuildHasher;
use core::slice;
use hashbrown::{DefaultHashBuilder, HashTable};
use riser_ops::{
    CompositeType, FieldType, FuncType, HeapType, RefType, StorageType, SubType, TypeId, ValType,
};
use spin::RwLock;

/// Ids from here on are positions in the group at hand, not canonical types: a group that is not registered
/// yet refers to itself with them. They never leave this module's users in `sections/types.rs`.
const RELATIVE: u32 = (1 << 24) - (1 << 20);

/// The largest recursion group.
pub(crate) const GROUP_LEN_MAX: u32 = 1 << 20;

/// Ids that only host function types may take, so that guests cannot use them up.
const HOST_RESERVE: u32 = 1 << 16;

/// The id with which a group that is being read refers to its own member `position`.
pub(crate) fn relative(position: u32) -> TypeId {
    debug_assert!(position < GROUP_LEN_MAX);
    TypeId(RELATIVE + position)
}

/// The inverse of [`relative`]; `None` for canonical ids.
pub(crate) fn as_relative(id: TypeId) -> Option<usize> {
    id.0.checked_sub(RELATIVE).map(|position| position as usize)
}

/// The types of an engine. Clones share them.
#[derive(Clone)]
pub struct TypeRegistry(Arc<RwLock<Types>>);

/// The registry has no free type id left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryFull;

struct Types {
    slots: Vec<Slot>,
    free_slots: Vec<TypeId>,
    groups: Vec<Group>,
    free_groups: Vec<GroupId>,
    /// Finds a group by the hash of its relative form.
    index: HashTable<GroupId>,
    hasher: DefaultHashBuilder,
    live: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GroupId(u32);

struct Slot {
    group: GroupId,
    /// `None` while the id is free.
    content: Option<Content>,
}

struct Content {
    ty: Arc<SubType>,
    ancestors: Ancestors,
}

/// A group: free while `uses` is 0.
struct Group {
    hash: u64,
    members: Members,
    /// Registrations, and references from other groups.
    uses: usize,
}

/// The chain of supertypes of a type, the root first, without the type itself. `None` if there is none.
pub(crate) type Ancestors = Option<Arc<[TypeId]>>;

/// Most groups have one member, which needs no allocation.
enum Members {
    One(TypeId),
    Many(Box<[TypeId]>),
}

impl Members {
    fn ids(&self) -> &[TypeId] {
        match self {
            Members::One(id) => slice::from_ref(id),
            Members::Many(ids) => ids,
        }
    }
}

/// A registered type as a module keeps it.
pub(crate) struct Canonical {
    pub(crate) id: TypeId,
    pub(crate) ty: Arc<SubType>,
    pub(crate) ancestors: Ancestors,
}

impl TypeRegistry {
    /// A registry without types.
    pub fn new() -> TypeRegistry {
        TypeRegistry(Arc::new(RwLock::new(Types {
            slots: Vec::new(),
            free_slots: Vec::new(),
            groups: Vec::new(),
            free_groups: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            live: 0,
        })))
    }

    /// The number of types alive.
    pub fn len(&self) -> usize {
        self.0.read().live
    }

    /// Whether no type is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same registry: ids of different registries have nothing to do with each other.
    pub fn same(&self, other: &TypeRegistry) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What a canonical type looks like.
    ///
    /// # Panics
    /// If the type is not alive: whoever has a [`TypeId`] also holds a registration that keeps it.
    pub fn get(&self, id: TypeId) -> Arc<SubType> {
        self.0.read().content(id).ty.clone()
    }

    /// The chain of supertypes of a type that is alive, the root first, without the type itself.
    pub fn ancestors(&self, id: TypeId) -> Arc<[TypeId]> {
        self.0.read().content(id).ancestors.clone().unwrap_or_default()
    }

    /// Whether `a` is `b` or one of its declared subtypes, in constant time. Both must be alive.
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        a == b || self.0.read().declared(a, b)
    }

    /// Whether every value of type `a` is one of type `b`.
    pub fn val_type_matches(&self, a: ValType, b: ValType) -> bool {
        matching::val_type(a, b, |a, b| self.is_subtype(a, b))
    }

    /// Whether every value of type `a` is one of type `b`.
    pub fn ref_type_matches(&self, a: RefType, b: RefType) -> bool {
        matching::ref_type(a, b, |a, b| self.is_subtype(a, b))
    }

    /// Whether everything that `a` describes, `b` describes too.
    pub fn heap_type_matches(&self, a: HeapType, b: HeapType) -> bool {
        a.matches(b, |a, b| self.is_subtype(a, b))
    }

    /// The canonical type of a host function: final, without supertype, in a group of its own. Types that
    /// `ty` refers to must be alive.
    ///
    /// # Panics
    /// If the host has tens of thousands of different types while guests have used up all other ids.
    pub fn register_func_type(&self, ty: &FuncType) -> Registered {
        let composite = CompositeType::Func(ty.clone());
        let sub = SubType { is_final: true, supertype: None, composite };
        self.register_type(sub).expect("the reserve of type ids is used up")
    }

    /// The canonical type of a type in a group of its own, which the host made. Types that it refers to must be alive;
    /// that it may extend its supertype, the caller knows.
    ///
    /// # Errors
    /// If there are as many types as ids.
    pub fn register_type(&self, ty: SubType) -> Result<Registered, RegistryFull> {
        let (group, id) = {
            let mut types = self.0.write();
            let group = types.register(alloc::vec![ty], RELATIVE)?;
            (group, types.group(group).members.ids()[0])
        };
        let registration = Registration { registry: self.clone(), groups: alloc::vec![group] };
        Ok(Registered { id, registration })
    }

    /// Whether a composite type may extend another. Types that they refer to must be alive.
    pub fn may_extend(&self, sub: &CompositeType, sup: &CompositeType) -> bool {
        matching::composite(sub, sup, |a, b| self.val_type_matches(a, b))
    }

    /// A handle of its own for a type that is alive.
    ///
    /// # Panics
    /// If the type is not alive.
    pub fn registered(&self, id: TypeId) -> Registered {
        let group = {
            let mut types = self.0.write();
            types.content(id);
            let group = types.slots[id.index()].group;
            types.groups[group.0 as usize].uses += 1;
            group
        };
        let groups = alloc::vec![group];
        Registered { id, registration: Registration { registry: self.clone(), groups } }
    }

    /// An empty registration, to be filled by [`Registration::add`].
    pub(crate) fn registration(&self) -> Registration {
        Registration { registry: self.clone(), groups: Vec::new() }
    }
}

impl Default for TypeRegistry {
    fn default() -> TypeRegistry {
        TypeRegistry::new()
    }
}

impl fmt::Debug for TypeRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeRegistry({} types)", self.len())
    }
}

/// Keeps groups of types alive until it is dropped.
pub struct Registration {
    registry: TypeRegistry,
    groups: Vec<GroupId>,
}

impl Registration {
    /// The registry that holds the types.
    pub fn registry(&self) -> &TypeRegistry {
        &self.registry
    }

    /// Registers a group (its references to itself are [`relative`]) and gives its canonical members to
    /// `each`. All other types that it refers to must be alive.
    pub(crate) fn add(
        &mut self,
        group: Vec<SubType>,
        mut each: impl FnMut(Canonical),
    ) -> Result<(), RegistryFull> {
        let mut types = self.registry.0.write();
        let group = types.register(group, RELATIVE - HOST_RESERVE)?;
        self.groups.push(group);
        for &id in types.group(group).members.ids() {
            let Content { ty, ancestors } = types.content(id);
            each(Canonical { id, ty: ty.clone(), ancestors: ancestors.clone() });
        }
        Ok(())
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registration({} groups)", self.groups.len())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.groups.is_empty() {
            let groups = core::mem::take(&mut self.groups);
            self.registry.0.write().release(groups);
        }
    }
}

/// A type that is kept alive by this handle.
#[derive(Debug)]
pub struct Registered {
    id: TypeId,
    registration: Registration,
}

impl Registered {
    /// The canonical type.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The registry that holds it.
    pub fn registry(&self) -> &TypeRegistry {
        self.registration.registry()
    }
}

impl Clone for Registered {
    fn clone(&self) -> Registered {
        let Registration { registry, groups } = &self.registration;
        let mut types = registry.0.write();
        for &group in groups {
            types.groups[group.0 as usize].uses += 1;
        }
        drop(types);
        let registration = Registration { registry: registry.clone(), groups: groups.clone() };
        Registered { id: self.id, registration }
    }
}

impl Types {
    fn group(&self, id: GroupId) -> &Group {
        &self.groups[id.0 as usize]
    }

    fn content(&self, id: TypeId) -> &Content {
        let slot = self.slots.get(id.index()).and_then(|slot| slot.content.as_ref());
        slot.expect("a type id is used only while its type is registered")
    }

    /// Whether `b` is among the declared supertypes of `a`. The chain of `a` begins as that of `b` does, so
    /// `b` can stand only where `b`'s own chain ends.
    fn declared(&self, a: TypeId, b: TypeId) -> bool {
        let Some(ancestors) = &self.content(a).ancestors else { return false };
        let depth = self.content(b).ancestors.as_ref().map_or(0, |chain| chain.len());
        ancestors.get(depth) == Some(&b)
    }

    /// Finds or adds a group and counts one more use of it. No type id gets as large as `limit`.
    fn register(&mut self, group: Vec<SubType>, limit: u32) -> Result<GroupId, RegistryFull> {
        debug_assert!(!group.is_empty());
        let hash = self.hasher.hash_one(&group);
        let found = self.index.find(hash, |&id| self.equal(id, hash, &group)).copied();
        if let Some(id) = found {
            self.groups[id.0 as usize].uses += 1;
            return Ok(id);
        }
        let fresh = group.len().saturating_sub(self.free_slots.len());
        if self.slots.len() + fresh > limit as usize {
            return Err(RegistryFull);
        }
        Ok(self.insert(hash, group))
    }

    /// Whether the group `id` is the one whose relative form is `other`.
    fn equal(&self, id: GroupId, hash: u64, other: &[SubType]) -> bool {
        let group = self.group(id);
        let ids = group.members.ids();
        group.hash == hash
            && ids.len() == other.len()
            && ids.iter().zip(other).all(|(&member, other)| self.equal_type(id, member, other))
    }

    fn equal_type(&self, group: GroupId, member: TypeId, other: &SubType) -> bool {
        let ty = &*self.content(member).ty;
        // A canonical id equals a relative one if it is the group's member at that position, and equals itself
        // only if it is not the group's: a reference from within is never equal to one from outside.
        let id = |a: TypeId, b: TypeId| match as_relative(b) {
            Some(position) => self.group(group).members.ids().get(position) == Some(&a),
            None => a == b && self.slots[a.index()].group != group,
        };
        let val = |a: ValType, b: ValType| match (concrete(a), concrete(b)) {
            (Some(a_id), Some(b_id)) => {
                id(a_id, b_id) && with_concrete(a, TypeId(0)) == with_concrete(b, TypeId(0))
            }
            _ => a == b,
        };
        let field = |a: &FieldType, b: &FieldType| {
            a.mutable == b.mutable
                && match (a.storage, b.storage) {
                    (StorageType::Val(a), StorageType::Val(b)) => val(a, b),
                    (a, b) => a == b,
                }
        };
        let vals = |a: &[ValType], b: &[ValType]| {
            a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| val(a, b))
        };
        let composite = match (&ty.composite, &other.composite) {
            (CompositeType::Func(a), CompositeType::Func(b)) => {
                vals(a.params(), b.params()) && vals(a.results(), b.results())
            }
            (CompositeType::Struct(a), CompositeType::Struct(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| field(a, b))
            }
            (CompositeType::Array(a), CompositeType::Array(b)) => field(a, b),
            _ => false,
        };
        let supertype = match (ty.supertype, other.supertype) {
            (Some(a), Some(b)) => id(a, b),
            (None, None) => true,
            _ => false,
        };
        ty.is_final == other.is_final && supertype && composite
    }

    /// Adds a group that is not there yet.
    fn insert(&mut self, hash: u64, group: Vec<SubType>) -> GroupId {
        let id = self.free_groups.pop().unwrap_or(GroupId(self.groups.len() as u32));
        let ids: Vec<TypeId> = group.iter().map(|_| self.new_slot(id)).collect();
        self.live += ids.len();
        for (&member, ty) in ids.iter().zip(group) {
            for_each_id(&ty, |id| {
                if as_relative(id).is_none() {
                    let group = self.slots[id.index()].group;
                    self.groups[group.0 as usize].uses += 1;
                }
            });
            let ty = map_ids(ty, |id| as_relative(id).map_or(id, |position| ids[position]));
            let ancestors = ty.supertype.map(|id| self.chain_through(id));
            self.slots[member.index()].content = Some(Content { ty: Arc::new(ty), ancestors });
        }
        let members = match *ids {
            [one] => Members::One(one),
            _ => Members::Many(ids.into()),
        };
        let group = Group { hash, members, uses: 1 };
        match self.groups.get_mut(id.0 as usize) {
            Some(free) => *free = group,
            None => self.groups.push(group),
        }
        let groups = &self.groups;
        self.index.insert_unique(hash, id, |id| groups[id.0 as usize].hash);
        id
    }

    fn new_slot(&mut self, group: GroupId) -> TypeId {
        let slot = Slot { group, content: None };
        match self.free_slots.pop() {
            Some(id) => {
                self.slots[id.index()] = slot;
                id
            }
            None => {
                self.slots.push(slot);
                TypeId(self.slots.len() as u32 - 1)
            }
        }
    }

    /// The ancestors of a direct subtype of `id`. A supertype stands before its subtypes in a group.
    fn chain_through(&self, id: TypeId) -> Arc<[TypeId]> {
        let above = self.content(id).ancestors.as_deref().unwrap_or(&[]);
        above.iter().copied().chain([id]).collect()
    }

    /// Gives up one use of each of `groups`, and of what becomes unused by that. Chains of groups can be as
    /// long as a module, hence the list instead of recursion.
    fn release(&mut self, mut groups: Vec<GroupId>) {
        while let Some(id) = groups.pop() {
            let group = &mut self.groups[id.0 as usize];
            group.uses -= 1;
            if group.uses > 0 {
                continue;
            }
            let hash = group.hash;
            let members = core::mem::replace(&mut group.members, Members::Many(Box::default()));
            if let Ok(entry) = self.index.find_entry(hash, |&other| other == id) {
                entry.remove();
            }
            for &member in members.ids() {
                let content = self.slots[member.index()].content.take();
                let Some(Content { ty, .. }) = content else { continue };
                for_each_id(&ty, |other| {
                    let owner = self.slots[other.index()].group;
                    if owner != id {
                        groups.push(owner);
                    }
                });
            }
            self.live -= members.ids().len();
            self.free_slots.extend_from_slice(members.ids());
            self.free_groups.push(id);
        }
    }
}

/// The id in a concrete reference type.
fn concrete(ty: ValType) -> Option<TypeId> {
    match ty.as_ref()?.heap() {
        HeapType::Concrete(id, _) => Some(id),
        _ => None,
    }
}

/// A concrete reference type with another id; other types stay as they are.
fn with_concrete(ty: ValType, id: TypeId) -> ValType {
    match ty.as_ref().map(|ty| (ty.is_nullable(), ty.heap())) {
        Some((nullable, HeapType::Concrete(_, kind))) => {
            RefType::new(nullable, HeapType::Concrete(id, kind)).val_type()
        }
        _ => ty,
    }
}

/// Calls `f` with each type id that stands in `ty`.
fn for_each_id(ty: &SubType, mut f: impl FnMut(TypeId)) {
    if let Some(id) = ty.supertype {
        f(id);
    }
    for_each_val_type(&ty.composite, |ty| {
        if let Some(id) = concrete(ty) {
            f(id);
        }
    });
}

fn for_each_val_type(ty: &CompositeType, mut f: impl FnMut(ValType)) {
    let mut field = |ty: &FieldType| {
        if let StorageType::Val(ty) = ty.storage {
            f(ty);
        }
    };
    match ty {
        CompositeType::Func(ty) => ty.params().iter().chain(ty.results()).copied().for_each(f),
        CompositeType::Struct(fields) => fields.iter().for_each(field),
        CompositeType::Array(element) => field(element),
    }
}

/// `ty` with other ids.
fn map_ids(ty: SubType, mut f: impl FnMut(TypeId) -> TypeId) -> SubType {
    let supertype = ty.supertype.map(&mut f);
    let composite =
        map_val_types(ty.composite, |ty| concrete(ty).map_or(ty, |id| with_concrete(ty, f(id))));
    SubType { supertype, composite, ..ty }
}

/// `ty` with other value types.
pub(crate) fn map_val_types(
    ty: CompositeType,
    mut f: impl FnMut(ValType) -> ValType,
) -> CompositeType {
    let storage = |storage, f: &mut dyn FnMut(ValType) -> ValType| match storage {
        StorageType::Val(ty) => StorageType::Val(f(ty)),
        packed => packed,
    };
    match ty {
        CompositeType::Func(ty) => {
            if !ty.params().iter().chain(ty.results()).any(|ty| ty.is_ref()) {
                return CompositeType::Func(ty);
            }
            let params: Vec<ValType> = ty.params().iter().map(|&ty| f(ty)).collect();
            CompositeType::Func(FuncType::new(params, ty.results().iter().map(|&ty| f(ty))))
        }
        CompositeType::Struct(mut fields) => {
            for field in &mut fields {
                field.storage = storage(field.storage, &mut f);
            }
            CompositeType::Struct(fields)
        }
        CompositeType::Array(element) => {
            CompositeType::Array(FieldType { storage: storage(element.storage, &mut f), ..element })
        }
    }
}
