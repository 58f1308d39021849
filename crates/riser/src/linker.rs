//! The linker: finds imports by name.

use crate::link::Given;
use crate::raw::HostFunc;
use crate::{
    AsContext, AsContextMut, Caller, Engine, Error, Extern, ExternType, Func, FuncType, ImportType,
    Instance, InstancePre, IntoFunc, Module, Result, StoreContextMut, Val, bail, ensure,
    format_err,
};
use core::fmt;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Names and what they stand for, for instantiating modules.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "double", |x: i32| x * 2)?;
/// let mut store = Store::new(&engine, ());
/// let library = Module::new(&engine, r#"(module
///     (import "host" "double" (func $double (param i32) (result i32)))
///     (func (export "quadruple") (param i32) (result i32)
///         (call $double (call $double (local.get 0)))))"#)?;
/// linker.module(&mut store, "library", &library)?;
/// let main = Module::new(&engine, r#"(module
///     (import "library" "quadruple" (func $q (param i32) (result i32)))
///     (func (export "main") (result i32) (call $q (i32.const 5))))"#)?;
/// let main = linker.instantiate(&mut store, &main)?;
/// let main = main.get_typed_func::<(), i32>(&mut store, "main")?;
/// assert_eq!(main.call(&mut store, ())?, 20);
/// # Ok(()) }
/// ```
pub struct Linker<T: 'static> {
    engine: Engine,
    modules: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Definition>>,
    allow_shadowing: bool,
    allow_unknown_exports: bool,
    data: core::marker::PhantomData<fn() -> T>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Definition {
    /// An object of a store, with its type when it was defined.
    Object(Extern, Given),
    /// A host function, for any store.
    Host(Arc<HostFunc>),
}

impl Definition {
    fn of<T>(store: &StoreContextMut<'_, T>, object: Extern) -> Definition {
        let given = Given::of(store.opaque(), &object);
        Definition::Object(object, given)
    }

    pub(crate) fn given(&self) -> Given {
        match self {
            Definition::Object(_, given) => *given,
            Definition::Host(host) => Given::Func(host.ty().id()),
        }
    }

    /// The same definition, with the size that a memory or table has now.
    fn updated<T>(&self, store: &StoreContextMut<'_, T>) -> Definition {
        match self {
            Definition::Object(object, _) if object.belongs_to(store.opaque()) => {
                Definition::of(store, object.clone())
            }
            other => other.clone(),
        }
    }
}

impl<T: 'static> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Linker {
            engine: self.engine.clone(),
            modules: self.modules.clone(),
            allow_shadowing: self.allow_shadowing,
            allow_unknown_exports: self.allow_unknown_exports,
            data: core::marker::PhantomData,
        }
    }
}

impl<T: 'static> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").field("modules", &self.modules.keys()).finish_non_exhaustive()
    }
}

impl<T: 'static> Default for Linker<T> {
    fn default() -> Linker<T> {
        Linker::new(&Engine::default())
    }
}

impl<T: 'static> Linker<T> {
    /// A linker without definitions.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker {
            engine: engine.clone(),
            modules: BTreeMap::new(),
            allow_shadowing: false,
            allow_unknown_exports: false,
            data: core::marker::PhantomData,
        }
    }

    /// The linker's engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again; the last definition counts. Off by default.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    /// Whether [`Linker::module`] ignores exports of a command that are not functions. Off by default: they are errors.
    pub fn allow_unknown_exports(&mut self, allow: bool) -> &mut Self {
        self.allow_unknown_exports = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, item: Definition) -> Result<&mut Self> {
        let module: Arc<str> = match self.modules.get_key_value(module) {
            Some((known, _)) => known.clone(),
            None => module.into(),
        };
        let name: Arc<str> = name.into();
        if let Definition::Host(host) = &item {
            host.set_name(&module, &name);
        }
        match self.modules.entry(module.clone()).or_default().entry(name.clone()) {
            Entry::Occupied(_) if !self.allow_shadowing => {
                bail!("import of `{module}::{name}` defined twice");
            }
            Entry::Occupied(mut entry) => drop(entry.insert(item)),
            Entry::Vacant(entry) => drop(entry.insert(item)),
        }
        Ok(self)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.modules.get(module)?.get(name)
    }

    /// Defines a name as an object of a store.
    ///
    /// # Errors
    /// If the name is defined already; the same for the other methods that define.
    ///
    /// # Panics
    /// If the object is of another store.
    pub fn define(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self> {
        let item = item.into();
        let given = Given::of(store.as_context().opaque(), &item);
        self.insert(module, name, Definition::Object(item, given))
    }

    /// Defines a name whose first part is empty.
    pub fn define_name(
        &mut self,
        store: impl AsContext<Data = T>,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self> {
        self.define(store, "", name, item)
    }

    /// Defines a host function as [`Func::wrap`] does, for any store.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self> {
        let host = Arc::new(func.into_func(&self.engine).0);
        self.insert(module, name, Definition::Host(host))
    }

    /// Defines a host function as [`Func::new`] does, for any store.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        ensure!(Engine::same(ty.engine(), &self.engine), "a function type of another engine");
        let host = Arc::new(HostFunc::new(ty, func));
        self.insert(module, name, Definition::Host(host))
    }

    /// Defines all exports of an instance under a module name.
    pub fn instance(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        instance: Instance,
    ) -> Result<&mut Self> {
        let mut store = store.as_context_mut();
        let exports: Vec<(String, Extern)> = instance
            .exports(&mut store)
            .map(|export| (export.name().to_string(), export.into_extern()))
            .collect();
        for (name, object) in exports {
            let item = Definition::of(&store, object);
            self.insert(module_name, &name, item)?;
        }
        Ok(self)
    }

    /// Instantiates a module and defines its exports under a module name.
    ///
    /// A *command*, which exports `_start`, is instantiated anew each time that one of its functions is called; a
    /// *reactor* once, and its `_initialize` is called.
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        module: &Module,
    ) -> Result<&mut Self> {
        if module.get_export("_start").is_some() {
            return self.command(module_name, module);
        }
        let mut store = store.as_context_mut();
        let instance = self.instantiate(&mut store, module)?;
        if let Some(initialize) = instance.get_func(&mut store, "_initialize") {
            initialize.typed::<(), ()>(&store)?.call(&mut store, ())?;
        }
        self.instance(store, module_name, instance)
    }

    fn command(&mut self, module_name: &str, module: &Module) -> Result<&mut Self> {
        let pre = self.instantiate_pre(module)?;
        for export in module.exports() {
            let ty = match export.ty() {
                ExternType::Func(ty) => ty,
                // Toolchains export these from every command.
                _ if matches!(export.name(), "memory" | "__indirect_function_table") => continue,
                _ if self.allow_unknown_exports => continue,
                _ => bail!("command export `{}` is not a function", export.name()),
            };
            let (pre, name) = (pre.clone(), export.name().to_string());
            let call = move |mut caller: Caller<'_, T>, params: &[Val], results: &mut [Val]| {
                let instance = pre.instantiate(&mut caller)?;
                let func = instance.get_func(&mut caller, &name);
                let func = func.ok_or_else(|| crate::module::missing_export("function", &name))?;
                func.call(&mut caller, params, results)
            };
            self.func_new(module_name, export.name(), ty, call)?;
        }
        Ok(self)
    }

    /// Gives a definition a second name.
    ///
    /// # Errors
    /// If the first name is not defined, or the second one is.
    pub fn alias(
        &mut self,
        module: &str,
        name: &str,
        as_module: &str,
        as_name: &str,
    ) -> Result<&mut Self> {
        let item = self.find(module, name).cloned();
        let item = item.ok_or_else(|| format_err!("`{module}::{name}` has not been defined"))?;
        self.insert(as_module, as_name, item)
    }

    /// Gives all definitions of a module name a second one.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<()> {
        let items = self.modules.get(module).cloned().unwrap_or_default();
        for (name, item) in items {
            self.insert(as_module, &name, item)?;
        }
        Ok(())
    }

    /// Defines every function that `module` imports and that is not defined as one that fails when it is called. Other
    /// missing imports stay missing.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<()> {
        for import in module.imports() {
            if self.find(import.module(), import.name()).is_some() {
                continue;
            }
            let ExternType::Func(ty) = import.ty() else { continue };
            let unknown = UnknownImportError::new(&import);
            let fail = move |_: Caller<'_, T>, _: &[Val], _: &mut [Val]| {
                Err(Error::new(unknown.clone()).context(crate::Trap::UnknownImport))
            };
            self.func_new(import.module(), import.name(), ty, fail)?;
        }
        Ok(())
    }

    /// Defines everything that `module` imports and that is not defined as zeros, nulls, and functions that return
    /// those.
    ///
    /// # Errors
    /// If a missing import's type has no default value.
    pub fn define_unknown_imports_as_default_values(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<()> {
        let mut store = store.as_context_mut();
        for import in module.imports() {
            if self.find(import.module(), import.name()).is_some() {
                continue;
            }
            let object = import.ty().default_value(&mut store)?;
            let item = Definition::of(&store, object);
            self.insert(import.module(), import.name(), item)?;
        }
        Ok(())
    }

    /// Instantiates a module with the definitions of its imports' names, and runs its start function.
    ///
    /// # Errors
    /// If an import is not defined or of another type; if initialising or the start function traps.
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance> {
        let mut store = store.as_context_mut();
        self.prepare(module, |item| item.updated(&store))?.instantiate(&mut store)
    }

    /// Finds and checks the imports of a module once, to instantiate it many times.
    ///
    /// # Errors
    /// If an import is not defined or of another type.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>> {
        self.prepare(module, Definition::clone)
    }

    fn prepare(
        &self,
        module: &Module,
        item: impl Fn(&Definition) -> Definition,
    ) -> Result<InstancePre<T>> {
        ensure!(
            Engine::same(&self.engine, module.engine()),
            "the module and the linker belong to different engines"
        );
        let mut items = Vec::with_capacity(module.decoded().imports.len());
        for (at, import) in module.decoded().imports.iter().enumerate() {
            match self.find(&import.module, &import.name) {
                Some(found) => items.push(item(found)),
                None => match module.imports().nth(at) {
                    Some(import) => return Err(UnknownImportError::new(&import).into()),
                    None => bail!("a module lost an import"),
                },
            }
        }
        InstancePre::new(module, items)
    }

    /// All definitions, as objects of `store`, in order of their names.
    pub fn iter<'a: 'p, 'p>(
        &'a self,
        mut store: impl AsContextMut<Data = T> + 'p,
    ) -> impl Iterator<Item = (&'a str, &'a str, Extern)> + 'p {
        self.modules
            .iter()
            .flat_map(|(module, names)| {
                names.iter().map(move |(name, item)| (&**module, &**name, item))
            })
            .map(move |(module, name, item)| {
                (module, name, object(&mut store.as_context_mut(), item))
            })
    }

    /// A definition, as an object of `store`.
    ///
    /// # Errors
    /// If the name is not defined.
    pub fn get(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        name: &str,
    ) -> Result<Extern> {
        let item = self.find(module, name);
        let item = item.ok_or_else(|| format_err!("`{module}::{name}` has not been defined"))?;
        Ok(object(&mut store.as_context_mut(), item))
    }

    /// The definition of an import's names.
    pub fn get_by_import(
        &self,
        mut store: impl AsContextMut<Data = T>,
        import: &ImportType<'_>,
    ) -> Option<Extern> {
        let item = self.find(import.module(), import.name())?;
        Some(object(&mut store.as_context_mut(), item))
    }

    /// The function to call when somebody runs `module`: its export with the empty name, else `_start`, else one
    /// that does nothing.
    ///
    /// # Errors
    /// If one of those is no function.
    pub fn get_default(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
    ) -> Result<Func> {
        let mut store = store.as_context_mut();
        for name in ["", "_start"] {
            match self.find(module, name).map(|item| object(&mut store, item)) {
                Some(Extern::Func(func)) => return Ok(func),
                Some(_) => bail!("default export in `{module}` is not a function"),
                None => {}
            }
        }
        Ok(Func::wrap(&mut store, || {}))
    }
}

/// A definition as an object of a store.
fn object<T>(store: &mut StoreContextMut<'_, T>, item: &Definition) -> Extern {
    match item {
        Definition::Object(object, _) => object.clone(),
        Definition::Host(host) => Extern::Func(store.opaque_mut().bind(host)),
    }
}

/// An import that nothing defines.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (import "host" "tick" (func)))"#)?;
/// let error = Linker::<()>::new(&engine).instantiate_pre(&module).unwrap_err();
/// let unknown = error.downcast_ref::<UnknownImportError>().unwrap();
/// assert_eq!((unknown.module(), unknown.name()), ("host", "tick"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct UnknownImportError {
    module: String,
    name: String,
    ty: ExternType,
}

impl UnknownImportError {
    fn new(import: &ImportType<'_>) -> UnknownImportError {
        let (module, name) = (import.module().to_string(), import.name().to_string());
        UnknownImportError { module, name, ty: import.ty() }
    }

    /// The first part of the name.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The second part of the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wanted.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

impl fmt::Display for UnknownImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown import: `{}::{}` has not been defined", self.module, self.name)
    }
}

impl core::error::Error for UnknownImportError {}
