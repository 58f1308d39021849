//! Telling debuggers and profilers of the system about compiled code, as the configuration says.

use crate::describe::Describer;
use crate::profile::Profiler;
use crate::{CompiledCode, Config, DescribeFunctions, ModuleSections, Result, bail};
use riser_code::CodeTables;
use riser_module::{Module, Names};
use riser_ops::FuncIdx;
use riser_sys::{CodePages, DebugObject};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Who is told.
pub(crate) struct Announcer {
    profiler: Option<Profiler>,
    describer: Option<Describer>,
    /// Whether debuggers get object files.
    debug_info: bool,
}

/// A piece of code where it runs.
#[derive(Clone, Copy)]
pub(crate) struct Announced<'a> {
    pub address: *const u8,
    pub bytes: &'a [u8],
    pub tables: CodeTables<'a>,
}

impl<'a> Announced<'a> {
    fn named(self, name: &'a str) -> CompiledCode<'a> {
        let Announced { address, bytes, tables } = self;
        CompiledCode { name, address: address.addr(), bytes, tables }
    }
}

impl Announcer {
    /// `None` if nobody is to be told.
    ///
    /// # Errors
    /// If a file for a profiler cannot be made, or nobody describes what debuggers want to know.
    pub fn new(config: &Config) -> Result<Option<Announcer>> {
        let (describer, debug_info) = (config.describer.clone(), config.debug_info);
        if debug_info && describer.is_none() {
            bail!(
                "`Config::debug_info` needs somebody who writes it: see `Config::code_describer`"
            );
        }
        let profiler = Profiler::new(config.profiling)?;
        let is_needed = profiler.is_some() || debug_info;
        Ok(is_needed.then_some(Announcer { profiler, describer, debug_info }))
    }

    /// On which pages code must be, so that who looks from outside finds it there.
    pub fn pages(&self) -> CodePages {
        match &self.profiler {
            _ if self.debug_info => CodePages::Private,
            Some(profiler) => profiler.pages(),
            None => CodePages::default(),
        }
    }

    /// Tells of code between functions and the host. What it gives must go before the code does.
    pub fn trampoline(&self, name: &str, code: Announced<'_>) -> Option<DebugObject> {
        let code = code.named(name);
        if let Some(profiler) = &self.profiler {
            let _ = profiler.function(name, code.address, code.bytes, &[]);
        }
        let describer = self.describer.as_ref().filter(|_| self.debug_info)?;
        register(|| describer.0.trampoline(&code))
    }
}

/// Has an object file made and tells debuggers. Code waits meanwhile, through which nothing may unwind.
fn register(make: impl FnOnce() -> Vec<u8>) -> Option<DebugObject> {
    let object = catch_unwind(AssertUnwindSafe(make)).ok()?;
    (!object.is_empty()).then(|| DebugObject::register(object.into()))
}

/// What was told of a module's functions. It must go before their code does.
#[derive(Default)]
pub(crate) struct ToldOf {
    names: OnceLock<Names>,
    described: OnceLock<Option<Box<dyn DescribeFunctions>>>,
    objects: Mutex<Vec<DebugObject>>,
}

impl ToldOf {
    /// Tells of a function. Who watches may miss something, and the program runs on.
    pub fn function(
        &self,
        announcer: &Announcer,
        module: &Module,
        defined: u32,
        code: Announced<'_>,
    ) {
        let func = FuncIdx(module.imported.funcs + defined);
        let names = self.names.get_or_init(|| module.names());
        let name = names.func(func).map_or_else(|| format!("wasm[{}]", func.0), String::from);
        let code = code.named(&name);
        let sections = ModuleSections { module };
        let described = self.described.get_or_init(|| {
            let describer = announcer.describer.as_ref()?;
            catch_unwind(AssertUnwindSafe(|| describer.0.module(&sections))).ok()
        });
        let described = described.as_deref();
        if let Some(profiler) = &announcer.profiler {
            let described = described.filter(|_| profiler.wants_lines());
            let lines = described.map(|described| {
                catch_unwind(AssertUnwindSafe(|| described.lines(&sections, &code)))
            });
            let lines = lines.and_then(Result::ok).unwrap_or_default();
            let _ = profiler.function(&name, code.address, code.bytes, &lines);
        }
        if let Some(described) = described.filter(|_| announcer.debug_info)
            && let Some(object) = register(|| described.object(&sections, &code))
        {
            self.objects.lock().unwrap_or_else(PoisonError::into_inner).push(object);
        }
    }
}
