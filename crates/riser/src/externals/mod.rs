//! What can be imported and exported, besides functions: memories, tables, globals, tags, and the sum of all.

mod global;
mod memory;
mod shared_memory;
mod table;
mod tag;

pub use global::Global;
pub use memory::{Memory, MemoryAccessError};
pub use shared_memory::SharedMemory;
pub use table::Table;
pub use tag::Tag;

use crate::raw::{StoreId, StoreOpaque};
use crate::{AsContext, Engine, ExternType, Func, Result};
use riser_module::EntityIdx;
use riser_vm::{Entity, InstanceId};

/// Anything that can be imported and exported.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let object = Extern::from(Memory::new(&mut store, MemoryType::new(1, None))?);
/// assert_eq!(object.ty(&store).unwrap_memory().minimum(), 1);
/// assert!(object.clone().into_func().is_none());
/// assert!(object.into_memory().is_some());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A global.
    Global(Global),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A memory that other stores may have as well.
    SharedMemory(SharedMemory),
    /// A tag.
    Tag(Tag),
}

/// Declares conversions for each kind.
macro_rules! kinds {
    ($($kind:ident $into:ident;)*) => {
        impl Extern {$(
            /// The object, if it is of this kind.
            #[inline]
            pub fn $into(self) -> Option<$kind> {
                if let Extern::$kind(object) = self { Some(object) } else { None }
            }
        )*}

        $(impl From<$kind> for Extern {
            fn from(object: $kind) -> Extern { Extern::$kind(object) }
        })*

        impl Export<'_> {$(
            /// The object, if it is of this kind.
            pub fn $into(self) -> Option<$kind> { self.object.$into() }
        )*}
    };
}

kinds! {
    Func into_func;
    Global into_global;
    Table into_table;
    Memory into_memory;
    SharedMemory into_shared_memory;
    Tag into_tag;
}

impl Extern {
    /// The object's type. Of memories and tables, the minimum is their size now.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        match self {
            Extern::Func(func) => func.ty(store).into(),
            Extern::Global(global) => global.ty(store).into(),
            Extern::Table(table) => table.ty(store).into(),
            Extern::Memory(memory) => memory.ty(store).into(),
            Extern::SharedMemory(memory) => memory.ty().into(),
            Extern::Tag(tag) => tag.ty(store).into(),
        }
    }

    /// The store of objects that have one.
    fn store(&self) -> Option<StoreId> {
        Some(match self {
            Extern::Func(func) => func.store,
            Extern::Global(global) => global.store,
            Extern::Table(table) => table.store,
            Extern::Memory(memory) => memory.store,
            Extern::SharedMemory(_) => return None,
            Extern::Tag(tag) => tag.store,
        })
    }

    /// Whether the object can be used with a store: it is the store's, or a shared memory of its engine.
    pub(crate) fn belongs_to(&self, store: &StoreOpaque) -> bool {
        match self {
            Extern::SharedMemory(memory) => Engine::same(memory.engine(), store.engine()),
            object => object.store() == Some(store.id()),
        }
    }

    /// What an instance has at a position of its index spaces.
    pub(crate) fn of(store: &mut StoreOpaque, instance: InstanceId, item: EntityIdx) -> Extern {
        let entity = store.vm.entity(instance, item);
        if let Entity::Memory(id) = entity
            && let Some(memory) = store.vm.shared_memory(id)
        {
            return Extern::SharedMemory(SharedMemory::of(store.engine(), memory));
        }
        let store = store.id();
        match entity {
            Entity::Func(func) => Extern::Func(Func::of(store, func)),
            Entity::Global(id) => Extern::Global(Global { store, id }),
            Entity::Table(id) => Extern::Table(Table { store, id }),
            Entity::Memory(id) => Extern::Memory(Memory { store, id }),
            Entity::Tag(id) => Extern::Tag(Tag { store, id }),
        }
    }

    /// The object as an import of the store that it belongs to.
    pub(crate) fn entity(&self, store: &mut StoreOpaque) -> Result<Entity> {
        Ok(match self {
            Extern::Func(func) => Entity::Func(func.func),
            Extern::Global(global) => Entity::Global(global.id),
            Extern::Table(table) => Entity::Table(table.id),
            Extern::Memory(memory) => Entity::Memory(memory.id),
            Extern::SharedMemory(memory) => {
                Entity::Memory(store.vm.add_shared_memory(memory.vm().clone())?)
            }
            Extern::Tag(tag) => Entity::Tag(tag.id),
        })
    }
}

/// An export of an instance: a name and an object.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func (export "f")) (memory (export "m") 1))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let exports: Vec<Export<'_>> = instance.exports(&mut store).collect();
/// assert_eq!(exports[1].name(), "m");
/// assert!(exports[1].clone().into_memory().is_some());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Export<'instance> {
    name: &'instance str,
    object: Extern,
}

impl<'instance> Export<'instance> {
    pub(crate) fn new(name: &'instance str, object: Extern) -> Export<'instance> {
        Export { name, object }
    }

    /// The name.
    pub fn name(&self) -> &'instance str {
        self.name
    }

    /// The object's type.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        self.object.ty(store)
    }

    /// The object.
    pub fn into_extern(self) -> Extern {
        self.object
    }
}
