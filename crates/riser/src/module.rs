//! Modules: decoded, validated, ready to be instantiated by any store of their engine.

use crate::cache::Sight;
use crate::raw::{CodeHolder, KnownModule, ModuleOfCopy, Origin};
use crate::types::{ExportType, ExternType, ImportType};
use crate::{Context, Engine, Result, format_err};
use riser_front::{Walker, body_ranges};
use riser_module::{EntityIdx, ModuleBytes, ModuleError, Names, Outline, TableWrites};
use riser_vm::{InstanceModule, ModuleCopy};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// A WebAssembly module. Cloning is cheap; a module can be used by stores on several threads.
///
/// ```
/// use riser::{Engine, Module};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module $m (func (export "f") (param i32)))"#)?;
/// assert_eq!(module.name(), Some("m"));
/// let export = module.exports().next().unwrap();
/// assert_eq!(export.name(), "f");
/// assert_eq!(export.ty().unwrap_func().to_string(), "(func (param i32))");
/// # riser::Result::<()>::Ok(())
/// ```
#[derive(Clone)]
pub struct Module {
    inner: Arc<ModuleInner>,
}

struct ModuleInner {
    /// Unique in the process, and not used again.
    id: u64,
    engine: Engine,
    vm: Arc<InstanceModule>,
    names: OnceLock<Names>,
    /// Positions of exports, sorted by name.
    by_name: OnceLock<Box<[u32]>>,
}

/// Bodies are validated in pieces of about this many bytes, small enough that threads end together.
const PIECE_BYTES: u64 = 64 << 10;

/// Fewer bytes of bodies than this are validated by one thread: starting another takes longer (about 30 µs each).
const PARALLEL_MIN_BYTES: usize = 256 << 10;

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Module {
    /// From a binary, or from text, told apart by how they begin.
    ///
    /// # Errors
    /// If the input is malformed, not valid under the engine's proposals, or beyond a limit.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        Module::load(engine, bytes.as_ref().to_vec(), None)
    }

    /// From a binary.
    ///
    /// # Errors
    /// As for [`Module::new`].
    pub fn from_binary(engine: &Engine, binary: &[u8]) -> Result<Module> {
        Module::from_bytes(engine, ModuleBytes::new(binary.to_vec()))
    }

    /// From a file that holds a binary or text. If the engine has a cache, it remembers what large files contain, so
    /// that loading them again is faster than reading them by other means. Of a large binary that was loaded before, it makes a copy in the
    /// cache; then the file is not read any more, unless it changes.
    ///
    /// # Errors
    /// If the file cannot be read, and as for [`Module::new`].
    pub fn from_file(engine: &Engine, file: impl AsRef<Path>) -> Result<Module> {
        let path = file.as_ref();
        let error = || format!("failed to read module file `{}`", path.display());
        let mut file = File::open(path).with_context(error)?;
        let known = KnownModule::of(engine, &file);
        if let Some(known) = &known
            && let Some(copy) = known.copy()
        {
            let bytes = ModuleBytes::new(ModuleOfCopy(copy.clone()));
            let origin = Origin::in_cache(engine, |_| known.hash());
            return Module::from_owned(engine, bytes, origin, Some(&copy));
        }
        let mut read = || -> std::io::Result<_> {
            let sight = engine.config().cache.as_ref().and_then(|_| Sight::of(&file));
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((sight, bytes))
        };
        let (sight, bytes) = read().with_context(error)?;
        let length = bytes.len();
        let bytes = crate::text::to_binary(bytes, Some(path))?;
        // Text is another content than that of the file.
        let sight = sight.filter(|_| bytes.len() == length);
        let origin = Origin::in_cache(engine, |cache| cache.module_hash(&file, sight, &bytes));
        let hash = origin.hash();
        let module = Module::from_owned(engine, ModuleBytes::new(bytes), origin, None)?;
        // What runs for the second time is copied; and what was read may be another file than that which was known.
        if let Some(known) = known.filter(|known| hash == Some(known.hash())) {
            known.make_copy(engine, &module.inner.vm);
        }
        Ok(module)
    }

    fn load(engine: &Engine, bytes: Vec<u8>, file: Option<&Path>) -> Result<Module> {
        let bytes = crate::text::to_binary(bytes, file)?;
        Module::from_bytes(engine, ModuleBytes::new(bytes))
    }

    fn from_bytes(engine: &Engine, bytes: ModuleBytes) -> Result<Module> {
        let origin = Origin::in_cache(engine, |_| crate::cache::hash(&bytes));
        Module::from_owned(engine, bytes, origin, None)
    }

    pub(crate) fn from_owned(
        engine: &Engine,
        bytes: ModuleBytes,
        origin: Origin,
        copy: Option<&ModuleCopy>,
    ) -> Result<Module> {
        let decoded = match origin.validated() {
            Some(writes) => {
                // What an outline does not fit is decoded as if there were none.
                let outline = copy.map(ModuleCopy::outline);
                let again = outline.and_then(|it| decode_again(engine, bytes.clone(), it).ok());
                let mut decoded = again.map_or_else(|| decode_valid(engine, bytes), Ok)?;
                decoded.set_table_writes(writes);
                decoded
            }
            None => decode(engine, bytes)?,
        };
        let decoded = Arc::new(decoded);
        let code = CodeHolder::new(engine, decoded.clone(), origin)?;
        let mut vm = InstanceModule::new(decoded, Box::new(code));
        if let Some(copy) = copy {
            vm.show_copy(copy);
        }
        let vm = Arc::new(vm);
        let (names, by_name) = (OnceLock::new(), OnceLock::new());
        let inner = ModuleInner { id: next_id(), engine: engine.clone(), vm, names, by_name };
        Ok(Module { inner: Arc::new(inner) })
    }

    /// Whether a binary is a valid module.
    ///
    /// # Errors
    /// If it is not: why.
    pub fn validate(engine: &Engine, binary: &[u8]) -> Result<()> {
        decode(engine, ModuleBytes::new(binary.to_vec()))?;
        Ok(())
    }

    /// The name that the module gives itself, in its name section.
    pub fn name(&self) -> Option<&str> {
        self.names().module()
    }

    /// The engine that the module was made for.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The imports in order of declaration.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> + '_ {
        self.decoded().imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: ExternType::of(self.engine(), self.decoded(), import.ty),
        })
    }

    /// The exports in order of declaration.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> + '_ {
        self.decoded()
            .exports
            .iter()
            .map(|export| ExportType { name: &export.name, ty: self.type_of(export.item) })
    }

    /// The type of an export.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        self.export(name).map(|item| self.type_of(item))
    }

    /// An export's place, for looking it up without its name: [`Instance::get_module_export`].
    ///
    /// [`Instance::get_module_export`]: crate::Instance::get_module_export
    pub fn get_export_index(&self, name: &str) -> Option<ModuleExport> {
        self.export(name).map(|item| ModuleExport { module: self.inner.id, item })
    }

    /// What an instance takes of its store.
    pub fn resources_required(&self) -> ResourcesRequired {
        let (decoded, imported) = (self.decoded(), self.decoded().imported);
        let memories = &decoded.memories[imported.memories as usize..];
        let tables = &decoded.tables[imported.tables as usize..];
        ResourcesRequired {
            num_memories: memories.len() as u32,
            max_initial_memory_size: memories.iter().map(|memory| memory.limits.min).max(),
            num_tables: tables.len() as u32,
            max_initial_table_size: tables.iter().map(|table| table.ty.limits.min).max(),
        }
    }

    /// The custom sections: names and contents, in order.
    pub fn custom_sections(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> + '_ {
        let bytes: &[u8] = &self.decoded().bytes;
        self.decoded()
            .customs
            .iter()
            .map(move |custom| (&*custom.name, &bytes[custom.range.clone()]))
    }

    /// Whether both are the same module (not merely equal ones).
    pub fn same(a: &Module, b: &Module) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// How many of the module's own functions were called so far, in any store.
    pub fn functions_called(&self) -> usize {
        crate::raw::functions_called(self)
    }

    /// What the binary says, for tools that show modules to people. Not part of the stable interface.
    #[doc(hidden)]
    pub fn decoded(&self) -> &riser_module::Module {
        self.inner.vm.module()
    }

    /// What a place names, if it is one of this module.
    pub(crate) fn at(&self, export: &ModuleExport) -> Option<EntityIdx> {
        (export.module == self.inner.id).then_some(export.item)
    }

    pub(crate) fn vm(&self) -> &Arc<InstanceModule> {
        &self.inner.vm
    }

    pub(crate) fn names(&self) -> &Names {
        self.inner.names.get_or_init(|| self.decoded().names())
    }

    fn type_of(&self, item: EntityIdx) -> ExternType {
        ExternType::of(self.engine(), self.decoded(), self.decoded().entity_type(item))
    }

    /// What an export names.
    pub(crate) fn export(&self, name: &str) -> Option<EntityIdx> {
        let exports = &self.decoded().exports;
        let by_name = self.inner.by_name.get_or_init(|| {
            let mut order: Box<[u32]> = (0..exports.len() as u32).collect();
            order.sort_unstable_by_key(|&at| &*exports[at as usize].name);
            order
        });
        let found = by_name.binary_search_by_key(&name, |&at| &*exports[at as usize].name);
        Some(exports[by_name[found.ok()?] as usize].item)
    }
}

/// An export of a module by its place.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func (export "f") (result i32) (i32.const 7)))"#)?;
/// let place = module.get_export_index("f").unwrap();
/// for _ in 0..3 {
///     let mut store = Store::new(&engine, ());
///     let instance = Instance::new(&mut store, &module, &[])?;
///     let f = instance.get_module_export(&mut store, &place).and_then(Extern::into_func).unwrap();
///     assert_eq!(f.typed::<(), i32>(&store)?.call(&mut store, ())?, 7);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ModuleExport {
    /// The module's id.
    module: u64,
    item: EntityIdx,
}

/// What an instance of a module takes of its store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let module = Module::new(&Engine::default(), "(module (memory 2) (memory 5))")?;
/// let required = module.resources_required();
/// assert_eq!((required.num_memories, required.max_initial_memory_size), (2, Some(5)));
/// assert_eq!((required.num_tables, required.max_initial_table_size), (0, None));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourcesRequired {
    /// How many memories it makes.
    pub num_memories: u32,
    /// The largest initial size among them, in pages.
    pub max_initial_memory_size: Option<u64>,
    /// How many tables it makes.
    pub num_tables: u32,
    /// The largest initial size among them, in elements.
    pub max_initial_table_size: Option<u64>,
}

impl core::fmt::Debug for Module {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Module").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Decodes a binary whose bodies are known to be valid.
fn decode_valid(engine: &Engine, bytes: ModuleBytes) -> Result<riser_module::Module> {
    let config = engine.config();
    let (registry, features) = (engine.registry(), config.features);
    Ok(riser_module::Module::decode(bytes, registry, features, &config.limits)?)
}

/// The same of one that was decoded before.
fn decode_again(
    engine: &Engine,
    bytes: ModuleBytes,
    outline: Outline,
) -> Result<riser_module::Module> {
    let config = engine.config();
    let (registry, features) = (engine.registry(), config.features);
    let limits = &config.limits;
    Ok(riser_module::Module::decode_again(bytes, registry, features, limits, outline)?)
}

/// Decodes a binary and validates all of it.
fn decode(engine: &Engine, bytes: ModuleBytes) -> Result<riser_module::Module> {
    let mut module = decode_valid(engine, bytes)?;
    let writes = validate_bodies(&module, engine.config().parallel).map_err(|error| {
        let Some(func) = error.func() else { return error.into() };
        match module.names().func(func) {
            Some(name) => {
                let name = name.to_string();
                crate::Error::new(error).context(format!("invalid function `{name}` (func {func})"))
            }
            None => error.into(),
        }
    })?;
    module.set_table_writes(writes);
    Ok(module)
}

/// How many threads run at the same time, as it was when it was asked first.
pub(crate) fn available_cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
}

/// Validates all bodies, on several threads if there is much to do. The error is that of the first function that
/// has one, however many threads there are.
fn validate_bodies(
    module: &riser_module::Module,
    parallel: bool,
) -> Result<TableWrites, ModuleError> {
    let bytes = || module.bodies.iter().map(|body| body.len() as usize).sum::<usize>();
    let is_large = parallel && bytes() >= PARALLEL_MIN_BYTES;
    // Asked last: to know it, the standard library reads files of the system, which takes longer than a small module.
    let cores = if is_large { available_cores() } else { 1 };
    if cores == 1 {
        return riser_front::validate_bodies(module);
    }
    let pieces: Vec<_> = body_ranges(module, PIECE_BYTES).collect();
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None::<(usize, ModuleError)>);
    let writes = Mutex::new(TableWrites::NONE);
    let work = || {
        let mut walker = Walker::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = pieces.get(at) else { return };
            let error = match walker.validate_range(module, piece.clone()) {
                Ok(more) => {
                    writes.lock().unwrap_or_else(|e| e.into_inner()).add(more);
                    continue;
                }
                Err(error) => error,
            };
            // Pieces are handed out in order: all earlier ones were begun, and later ones need not be.
            next.store(pieces.len(), Ordering::Relaxed);
            let mut first = first_error.lock().unwrap_or_else(|e| e.into_inner());
            if first.as_ref().is_none_or(|(other, _)| at < *other) {
                *first = Some((at, error));
            }
            return;
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..cores.min(pieces.len()) {
            // A system that refuses a thread leaves the work to the others.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    match first_error.into_inner().unwrap_or_else(|e| e.into_inner()) {
        Some((_, error)) => Err(error),
        None => Ok(writes.into_inner().unwrap_or_else(|e| e.into_inner())),
    }
}

/// The export that must be there.
pub(crate) fn missing_export(what: &str, name: &str) -> crate::Error {
    format_err!("failed to find {what} export `{name}`")
}
