//! Compares what a module imports with what it is given.
//! Source: WebAssembly 3.0, section 3.3.12 (matching of external types).

use crate::raw::StoreOpaque;
use crate::{Engine, Error, Extern, FuncType, GlobalType, MemoryType, Module, TableType, TagType};
use crate::{ExternType, format_err};
use riser_module::{EntityType, Import, Limits};
use riser_ops::TypeId;

/// The type of a given object, in packed form.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given {
    Func(TypeId),
    Table(riser_module::TableType),
    Memory(riser_module::MemoryType),
    Global(riser_module::GlobalType),
    Tag(TypeId),
}

impl Given {
    /// The type of an object of this store; sizes are those of now.
    pub(crate) fn of(store: &StoreOpaque, object: &Extern) -> Given {
        assert!(object.belongs_to(store), "object used with the wrong store");
        match object {
            Extern::Func(func) => Given::Func(crate::raw::func_type_id(store, *func)),
            Extern::Table(table) => {
                let table = store.vm.table(table.id);
                let mut ty = *table.ty();
                ty.limits.min = table.len() as u64;
                Given::Table(ty)
            }
            Extern::Memory(memory) => {
                let memory = store.vm.memory(memory.id);
                let mut ty = *memory.ty();
                ty.limits.min = memory.pages();
                Given::Memory(ty)
            }
            Extern::SharedMemory(memory) => {
                let memory = memory.vm().memory();
                let mut ty = *memory.ty();
                ty.limits.min = memory.pages();
                Given::Memory(ty)
            }
            Extern::Global(global) => Given::Global(*store.vm.global(global.id).ty()),
            Extern::Tag(tag) => Given::Tag(store.vm.tag(tag.id).type_id()),
        }
    }

    fn to_public(self, engine: &Engine) -> ExternType {
        match self {
            Given::Func(id) => FuncType::of(engine, id).into(),
            Given::Table(ty) => TableType::of(engine, ty).into(),
            Given::Memory(ty) => MemoryType::of(ty).into(),
            Given::Global(ty) => GlobalType::of(engine, ty).into(),
            Given::Tag(id) => TagType::new(FuncType::of(engine, id)).into(),
        }
    }
}

/// Whether what is given satisfies an import.
fn matches(
    engine: &Engine,
    module: &riser_module::Module,
    given: Given,
    wanted: EntityType,
) -> bool {
    let registry = engine.registry();
    let id = |ty: riser_ops::TypeIdx| module.types[ty.index()].id;
    let same_ref = |a, b| registry.ref_type_matches(a, b) && registry.ref_type_matches(b, a);
    match (given, wanted) {
        (Given::Func(given), EntityType::Func(ty)) => registry.is_subtype(given, id(ty)),
        (Given::Table(given), EntityType::Table(ty)) => {
            given.table64 == ty.table64
                && given.shared == ty.shared
                && same_ref(given.element, ty.element)
                && limits_match(given.limits, ty.limits)
        }
        (Given::Memory(given), EntityType::Memory(ty)) => {
            given.memory64 == ty.memory64
                && given.shared == ty.shared
                && given.page_size_log2 == ty.page_size_log2
                && limits_match(given.limits, ty.limits)
        }
        (Given::Global(given), EntityType::Global(ty)) => {
            given.mutable == ty.mutable
                && given.shared == ty.shared
                && registry.val_type_matches(given.ty, ty.ty)
                && (!ty.mutable || registry.val_type_matches(ty.ty, given.ty))
        }
        (Given::Tag(given), EntityType::Tag(ty)) => given == id(ty),
        _ => false,
    }
}

fn limits_match(given: Limits, wanted: Limits) -> bool {
    let max_fits = match (given.max, wanted.max) {
        (_, None) => true,
        (Some(given), Some(wanted)) => given <= wanted,
        (None, Some(_)) => false,
    };
    given.min >= wanted.min && max_fits
}

/// Checks that what is given satisfies an import of `module`.
pub(crate) fn check(module: &Module, import: &Import, given: Given) -> Result<(), Error> {
    let engine = module.engine();
    if matches(engine, module.decoded(), given, import.ty) {
        return Ok(());
    }
    let wanted = ExternType::of(engine, module.decoded(), import.ty);
    let found = given.to_public(engine);
    let reason = format_err!("expected `{wanted}`, found `{found}`");
    Err(reason
        .context(format!("incompatible import type for `{}::{}`", import.module, import.name)))
}

/// Checks that an object is of a store.
pub(crate) fn check_store(store: &StoreOpaque, object: &Extern) -> Result<(), Error> {
    if object.belongs_to(store) {
        Ok(())
    } else {
        Err(format_err!("cross-`Store` instantiation is not currently supported"))
    }
}
