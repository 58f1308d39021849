//! Instances.

use crate::link::{self, Given};
use crate::linker::Definition;
use crate::module::{ModuleExport, missing_export};
use crate::raw::{self, StoreId};
use crate::{
    AsContextMut, Export, Extern, Func, Global, Memory, Module, Result, SharedMemory, StoreContext,
    StoreContextMut, Table, Tag, TypedFunc, WasmParams, WasmResults, bail, ensure,
};
use riser_ops::FuncIdx;
use riser_vm::{Entity, InstanceId};
use std::sync::Arc;

/// An instance of a module in a store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "n" (global i32))
///     (func (export "n") (result i32) global.get 0))"#)?;
/// let mut store = Store::new(&engine, ());
/// let ty = GlobalType::new(ValType::I32, Mutability::Const);
/// let n = Global::new(&mut store, ty, Val::I32(42))?;
/// let instance = Instance::new(&mut store, &module, &[n.into()])?;
/// let get = instance.get_typed_func::<(), i32>(&mut store, "n")?;
/// assert_eq!(get.call(&mut store, ())?, 42);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    pub(crate) store: StoreId,
    pub(crate) id: InstanceId,
}

impl Instance {
    /// Makes an instance from a module and its imports, in order of their declarations, and runs its start
    /// function. [`Linker`](crate::Linker) finds imports by name.
    ///
    /// # Errors
    /// If imports are missing or of other types; if initialising or the start function traps.
    ///
    /// # Panics
    /// If an import is of another store, or a host function panics.
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Instance> {
        let mut store = store.as_context_mut();
        let declared = &module.decoded().imports;
        if declared.len() != imports.len() {
            bail!("expected {} imports, found {}", declared.len(), imports.len());
        }
        let opaque = store.opaque();
        check_engine(&store, module)?;
        for (declared, given) in declared.iter().zip(imports) {
            link::check_store(opaque, given)?;
            link::check(module, declared, Given::of(opaque, given))?;
        }
        let opaque = store.opaque_mut();
        let entities: Result<Vec<Entity>> =
            imports.iter().map(|import| import.entity(opaque)).collect();
        let entities = entities?;
        Instance::start(&mut store, module, &entities)
    }

    /// Instantiates with imports that were checked, and runs the start function.
    fn start<T: 'static>(
        store: &mut StoreContextMut<'_, T>,
        module: &Module,
        imports: &[Entity],
    ) -> Result<Instance> {
        let instance = raw::instantiate(store, module, imports)?;
        if let Some(start) = module.decoded().start {
            let func = instance.func(store, start);
            func.call(&mut *store, &[], &mut [])?;
        }
        Ok(instance)
    }

    fn func<T: 'static>(&self, store: &mut StoreContextMut<'_, T>, func: FuncIdx) -> Func {
        let opaque = store.opaque_mut();
        opaque.check(self.store);
        Func::of(self.store, opaque.vm.func(self.id, func))
    }

    /// The instance's module.
    pub fn module<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a Module {
        let opaque = store.into().opaque();
        opaque.check(self.store);
        &opaque.modules[self.id.index() as usize]
    }

    /// The exports in order of declaration.
    pub fn exports<'a, T: 'static>(
        &'a self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> impl ExactSizeIterator<Item = Export<'a>> + 'a {
        let opaque = &mut store.into().0.opaque;
        opaque.check(self.store);
        let items: Vec<_> = {
            let module = opaque.modules[self.id.index() as usize].clone();
            let exports = module.decoded().exports.iter();
            exports.map(|export| Extern::of(opaque, self.id, export.item)).collect()
        };
        let exports = &opaque.modules[self.id.index() as usize].decoded().exports;
        exports.iter().zip(items).map(|(export, object)| Export::new(&export.name, object))
    }

    /// An export by name.
    pub fn get_export(&self, mut store: impl AsContextMut, name: &str) -> Option<Extern> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        opaque.check(self.store);
        let item = opaque.modules[self.id.index() as usize].export(name)?;
        Some(Extern::of(opaque, self.id, item))
    }

    /// An export by its place. `None` if that is of another module.
    pub fn get_module_export(
        &self,
        mut store: impl AsContextMut,
        export: &ModuleExport,
    ) -> Option<Extern> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        opaque.check(self.store);
        let module = &opaque.modules[self.id.index() as usize];
        module.at(export).map(|item| Extern::of(opaque, self.id, item))
    }

    /// An exported function.
    pub fn get_func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// An exported function with its types.
    ///
    /// # Errors
    /// If there is no such function, or it has other types.
    pub fn get_typed_func<Params: WasmParams, Results: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>> {
        let mut store = store.as_context_mut();
        let func = self.get_func(&mut store, name);
        let func = func.ok_or_else(|| missing_export("function", name))?;
        let typed = func.typed::<Params, Results>(&store);
        crate::Context::with_context(typed, || {
            format!("failed to convert function `{name}` to given type")
        })
    }

    /// An exported table.
    pub fn get_table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// An exported shared memory.
    pub fn get_shared_memory(&self, store: impl AsContextMut, name: &str) -> Option<SharedMemory> {
        self.get_export(store, name)?.into_shared_memory()
    }

    /// An exported memory that is not shared.
    pub fn get_memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// An exported global.
    pub fn get_global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// An exported tag.
    pub fn get_tag(&self, store: impl AsContextMut, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }
}

fn check_engine<T>(store: &StoreContextMut<'_, T>, module: &Module) -> Result<()> {
    ensure!(
        crate::Engine::same(store.engine(), module.engine()),
        "the module and the store belong to different engines"
    );
    Ok(())
}

/// A module whose imports were found and checked once, to be instantiated many times.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let mut linker = Linker::<u32>::new(&engine);
/// linker.func_wrap("host", "id", |caller: Caller<'_, u32>| *caller.data())?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "id" (func (result i32))) (export "id" (func 0)))"#)?;
/// let pre = linker.instantiate_pre(&module)?;
/// for id in 0..3 {
///     let mut store = Store::new(&engine, id);
///     let instance = pre.instantiate(&mut store)?;
///     let get = instance.get_typed_func::<(), u32>(&mut store, "id")?;
///     assert_eq!(get.call(&mut store, ())?, id);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct InstancePre<T: 'static> {
    module: Module,
    items: Arc<[Definition]>,
    data: core::marker::PhantomData<fn() -> T>,
}

impl<T: 'static> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        let (module, items) = (self.module.clone(), self.items.clone());
        InstancePre { module, items, data: core::marker::PhantomData }
    }
}

impl<T: 'static> InstancePre<T> {
    /// From definitions that were compared with the module's imports.
    pub(crate) fn new(module: &Module, items: Vec<Definition>) -> Result<InstancePre<T>> {
        for (import, item) in module.decoded().imports.iter().zip(&items) {
            link::check(module, import, item.given())?;
        }
        let (module, items) = (module.clone(), items.into());
        Ok(InstancePre { module, items, data: core::marker::PhantomData })
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Makes an instance and runs its start function.
    ///
    /// # Errors
    /// If a definition belongs to another store; if initialising or the start function traps.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance> {
        let mut store = store.as_context_mut();
        check_engine(&store, &self.module)?;
        let opaque = store.opaque_mut();
        let mut entities = Vec::with_capacity(self.items.len());
        for item in &*self.items {
            entities.push(match item {
                Definition::Object(object, _) => {
                    link::check_store(opaque, object)?;
                    object.entity(opaque)?
                }
                Definition::Host(host) => Entity::Func(opaque.bind(host).func),
            });
        }
        Instance::start(&mut store, &self.module, &entities)
    }
}
