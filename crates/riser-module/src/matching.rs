//! Matching of value types, for whoever knows the declared supertypes: the registry, or a module alone.
//! Source: WebAssembly 3.0, section 3.3.

use crate::module::Module;
use crate::registry::Ancestors;
use alloc::sync::Arc;
use hashbrown::HashMap;
use riser_ops::{CompositeType, FieldType, RefType, StorageType, TypeId, ValType};

/// Whether `a` matches `b`. The bottom type matches everything.
pub(crate) fn val_type(
    a: ValType,
    b: ValType,
    declared: impl FnOnce(TypeId, TypeId) -> bool,
) -> bool {
    if a == b || a == ValType::BOTTOM {
        return true;
    }
    match (a.as_ref(), b.as_ref()) {
        (Some(a), Some(b)) => ref_type(a, b, declared),
        _ => false,
    }
}

/// Whether `a` matches `b`.
pub(crate) fn ref_type(
    a: RefType,
    b: RefType,
    declared: impl FnOnce(TypeId, TypeId) -> bool,
) -> bool {
    a == b || ((b.is_nullable() || !a.is_nullable()) && a.heap().matches(b.heap(), declared))
}

/// Whether a composite type may extend another.
/// Source: WebAssembly 3.0, sections 3.3.5 to 3.3.8.
pub(crate) fn composite(
    sub: &CompositeType,
    sup: &CompositeType,
    matches: impl Fn(ValType, ValType) -> bool,
) -> bool {
    let all = |a: &[ValType], b: &[ValType]| {
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| matches(a, b))
    };
    // What can be written must be equal: types that match each other are the same canonical type.
    let field = |a: &FieldType, b: &FieldType| match (a.storage, b.storage) {
        _ if a.mutable != b.mutable => false,
        (StorageType::Val(from), StorageType::Val(to)) if !a.mutable => matches(from, to),
        (from, to) => from == to,
    };
    match (sub, sup) {
        (CompositeType::Func(a), CompositeType::Func(b)) => {
            all(b.params(), a.params()) && all(a.results(), b.results())
        }
        (CompositeType::Struct(a), CompositeType::Struct(b)) => {
            a.len() >= b.len() && a.iter().zip(b).all(|(a, b)| field(a, b))
        }
        (CompositeType::Array(a), CompositeType::Array(b)) => field(a, b),
        _ => false,
    }
}

/// The declared supertypes of a module's types: what matching needs, without the registry and its lock.
#[derive(Clone, Debug, Default)]
pub struct Subtyping {
    /// Only types that have a supertype.
    ancestors: HashMap<TypeId, Arc<[TypeId]>>,
}

impl Subtyping {
    pub(crate) fn insert(&mut self, id: TypeId, ancestors: Ancestors) {
        if let Some(ancestors) = ancestors {
            self.ancestors.insert(id, ancestors);
        }
    }

    /// The chain of supertypes of a type, the root first, without the type itself: `a` is a declared subtype
    /// of `b` if `b` stands in `a`'s chain at the length of `b`'s own.
    pub fn ancestors(&self, id: TypeId) -> &[TypeId] {
        self.ancestors.get(&id).map_or(&[], |chain| chain)
    }

    /// Whether `a` is `b` or one of its declared subtypes.
    #[inline]
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        a == b || self.ancestors.get(&a).is_some_and(|chain| chain.contains(&b))
    }

    /// Whether every value of type `a` is one of type `b`.
    #[inline(always)]
    pub fn matches(&self, a: ValType, b: ValType) -> bool {
        a == b || self.matches_unequal(a, b)
    }

    #[inline(never)]
    fn matches_unequal(&self, a: ValType, b: ValType) -> bool {
        val_type(a, b, |a, b| self.is_subtype(a, b))
    }
}

impl Module {
    /// Whether `a` is `b` or one of its declared subtypes; both stand in this module's type section.
    #[inline]
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        self.subtyping.is_subtype(a, b)
    }

    /// Whether every value of type `a` is one of type `b`; types that they name stand in this module's type
    /// section. Takes no lock.
    #[inline(always)]
    pub fn matches(&self, a: ValType, b: ValType) -> bool {
        self.subtyping.matches(a, b)
    }
}
