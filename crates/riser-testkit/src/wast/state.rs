//! What a script acts on: a store, and modules and instances by name.

use super::spectest;
use riser::{
    Config, Engine, Error, Extern, HostObserver, Instance, Linker, Module, Result, SharedMemory,
    Store, Trap, Val, WasmBacktrace,
};
use riser::{bail, format_err};
use std::collections::HashMap;
use std::sync::Arc;
use wast::WastInvoke;
use wast::token::Id;

/// The state of a running script.
pub(super) struct State {
    engine: Engine,
    pub(super) store: Store<()>,
    linker: Linker<()>,
    /// Modules by identifier; the empty name is the latest.
    modules: HashMap<String, Module>,
    /// Instances by identifier; the empty name is the latest.
    instances: HashMap<String, Instance>,
    /// In a thread: the shared memories that instances of the thread that started it export, by identifier.
    shared: HashMap<String, Vec<(String, SharedMemory)>>,
    observer: Observer,
}

/// Who hears of calls of host functions.
pub(super) type Observer = Option<Arc<dyn HostObserver<()>>>;

/// How an attempt to make an instance ended early.
pub(super) enum Refused {
    /// The module's imports cannot be satisfied.
    Link(Error),
    /// Initialisation or the start function failed.
    Start(Error),
}

impl Refused {
    /// The reason, whatever the stage.
    pub(super) fn into_error(self) -> Error {
        match self {
            Refused::Link(error) | Refused::Start(error) => error,
        }
    }
}

impl State {
    pub(super) fn new(config: &Config, observer: Observer) -> Result<State> {
        State::of(Engine::new(config)?, observer)
    }

    fn of(engine: Engine, observer: Observer) -> Result<State> {
        let mut store = Store::new(&engine, ());
        if let Some(observer) = &observer {
            store.observe_host_calls(observer.clone());
        }
        let linker = spectest::linker(&engine, &mut store)?;
        let (modules, instances, shared) = (HashMap::new(), HashMap::new(), HashMap::new());
        Ok(State { engine, store, linker, modules, instances, shared, observer })
    }

    /// The state of a thread: a store of its own, with the shared memories of an instance.
    pub(super) fn for_thread(&mut self, shared: Option<Id<'_>>) -> Result<State> {
        let mut state = State::of(self.engine.clone(), self.observer.clone())?;
        if let Some(id) = shared {
            let instance = self.instance(Some(id))?;
            let exports = instance.exports(&mut self.store).filter_map(|export| {
                let name = export.name().to_string();
                Some((name, export.into_shared_memory()?))
            });
            state.shared.insert(id.name().into(), exports.collect());
        }
        Ok(state)
    }

    /// Decodes and validates. If the engine has a cache, what runs is what was kept there.
    pub(super) fn compile(&self, binary: &[u8]) -> Result<Module> {
        let module = Module::from_binary(&self.engine, binary)?;
        if self.engine.get_cache().is_none() || !self.engine.is_compiled() {
            return Ok(module);
        }
        module.compile_all(|_, _| ())?;
        // Dropping would do it too, if nobody else had the module at that moment.
        self.engine.flush_cache();
        drop(module);
        Module::from_binary(&self.engine, binary)
    }

    /// Remembers a module definition.
    pub(super) fn define_module(&mut self, id: Option<Id<'_>>, module: Module) {
        if let Some(id) = id {
            self.modules.insert(id.name().into(), module.clone());
        }
        self.modules.insert(String::new(), module);
    }

    /// Makes an instance.
    pub(super) fn instantiate(&mut self, module: &Module) -> Result<Instance, Refused> {
        let made = self.linker.instantiate(&mut self.store, module);
        made.map_err(|error| match error.is::<Trap>() || error.is::<WasmBacktrace>() {
            true => Refused::Start(error),
            false => Refused::Link(error),
        })
    }

    /// Makes an instance of a defined module and remembers it.
    pub(super) fn instantiate_defined(
        &mut self,
        instance: Option<Id<'_>>,
        module: Option<Id<'_>>,
    ) -> Result<()> {
        let name = module.map_or("", |id| id.name());
        let module = self.modules.get(name).cloned();
        let module = module.ok_or_else(|| format_err!("no module definition `{name}`"))?;
        let made = self.instantiate(&module).map_err(Refused::into_error)?;
        self.remember(instance, made);
        Ok(())
    }

    /// Remembers an instance under its identifier, and as the latest.
    pub(super) fn remember(&mut self, id: Option<Id<'_>>, instance: Instance) {
        if let Some(id) = id {
            self.instances.insert(id.name().into(), instance);
        }
        self.instances.insert(String::new(), instance);
    }

    /// Forgets the latest instance, whose successor could not be made.
    pub(super) fn forget_latest(&mut self) {
        self.instances.remove("");
    }

    /// Makes an instance's exports importable under `name`.
    pub(super) fn register(&mut self, name: &str, id: Option<Id<'_>>) -> Result<()> {
        let given = id.filter(|id| !self.instances.contains_key(id.name()));
        if let Some(memories) = given.and_then(|id| self.shared.get(id.name())) {
            for (export, memory) in memories {
                self.linker.define(&self.store, name, export, memory.clone())?;
            }
            return Ok(());
        }
        let instance = self.instance(id)?;
        self.linker.instance(&mut self.store, name, instance)?;
        Ok(())
    }

    fn instance(&self, id: Option<Id<'_>>) -> Result<Instance> {
        let name = id.map_or("", |id| id.name());
        let instance = self.instances.get(name).copied();
        instance.ok_or_else(|| match name {
            "" => format_err!("no instance was made"),
            name => format_err!("no instance `{name}`"),
        })
    }

    fn export(&mut self, id: Option<Id<'_>>, name: &str) -> Result<Extern> {
        let instance = self.instance(id)?;
        let export = instance.get_export(&mut self.store, name);
        export.ok_or_else(|| format_err!("no export `{name}`"))
    }

    /// Calls an exported function.
    pub(super) fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Vec<Val>> {
        let Extern::Func(func) = self.export(invoke.module, invoke.name)? else {
            bail!("the export `{}` is not a function", invoke.name);
        };
        let mut args = Vec::new();
        for arg in &invoke.args {
            args.push(super::values::argument(&mut self.store, arg)?);
        }
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        func.call(&mut self.store, &args, &mut results)?;
        Ok(results)
    }

    /// Reads an exported global.
    pub(super) fn global(&mut self, id: Option<Id<'_>>, name: &str) -> Result<Val> {
        let Extern::Global(global) = self.export(id, name)? else {
            bail!("the export `{name}` is not a global");
        };
        Ok(global.get(&mut self.store))
    }
}
