//! The compiled way to run: an engine's compiler and trampolines, and the code of a module, which is made function by
//! function when they are called first.

use super::compilers::{CompileContext, Compilers};
use super::keeper::{Keeper, Pace};
use super::kept::Origin;
use super::optimizer::{Hot, Optimizer};
use crate::announce::{Announced, Announcer, ToldOf};
use crate::config::TierUp;
use crate::module::available_cores;
use crate::tiers::Account;
use crate::{Cache, Config, Error, Result, format_err};
use core::cmp::Reverse;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use riser_abi::BUDGET_ENTRIES;
use riser_code::image::{self, ImageSource, ImageView, ImageWriter, Owner, Piece, TrampolineKind};
use riser_code::{ArtifactView, CodeArtifact, CodeTables};
use riser_module::{EntityIdx, EntityType, Module};
use riser_ops::{FuncType, ValType};
use riser_sys::{CodePages, DebugObject};
use riser_vm::{CodeKind, CodeOwner, CodeSpace, CompileFailure, Published, StubTable};
use std::borrow::Cow;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod ahead;
#[cfg(test)]
mod tests;

/// What all modules of a compiled engine share.
pub(crate) struct CompiledEngine {
    compilers: Compilers,
    trampolines: Mutex<Trampolines>,
    /// Where host functions begin.
    host_stubs: StubTable,
    /// Memory that compilations use again.
    contexts: Mutex<Vec<CompileContext>>,
    /// Everything that code depends on besides its module.
    key: Vec<u8>,
    cache: Option<Cache>,
    keeper: Keeper,
    optimizer: Optimizer,
    tier_up: TierUp,
    /// How often a loop went on in better code.
    loops_replaced: AtomicU64,
    /// When the engine was made.
    made: Instant,
    announcer: Option<Announcer>,
}

/// Code between the host and functions of some machine type.
struct Trampolines {
    /// What debuggers were told of them. It goes before the code does.
    objects: Vec<DebugObject>,
    space: CodeSpace,
    known: HashMap<(TrampolineKind, Box<[u8]>), Trampoline>,
}

/// The address of a trampoline, and which of the published pieces it is.
#[derive(Clone, Copy)]
struct Trampoline {
    code: *const u8,
    published: usize,
}

// SAFETY: code may be run by any thread.
unsafe impl Send for Trampoline {}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a trampoline depends on: the machine types of parameters and results.
fn machine_types(ty: &FuncType) -> Box<[u8]> {
    let of = |ty: &ValType| match *ty {
        ValType::I32 => b'i',
        ValType::I64 => b'l',
        ValType::F32 => b'f',
        ValType::F64 => b'd',
        ValType::V128 => b'v',
        ty if ty.is_heap_reference() => b'r',
        _ => b'l',
    };
    ty.params().iter().map(of).chain([b'>']).chain(ty.results().iter().map(of)).collect()
}

impl CompiledEngine {
    /// # Errors
    /// If this machine or system cannot run compiled code.
    pub(crate) fn new(
        config: &Config,
        announcer: Option<Announcer>,
        account: Option<Arc<Account>>,
    ) -> Result<CompiledEngine> {
        if !riser_sys::COMPILED_CODE {
            return Err(Error::msg("compiled code cannot be run on this platform"));
        }
        let compilers = Compilers::new(config, account)?;
        riser_vm::install_traps().map_err(Error::new)?;
        // An address that nothing else has.
        let unique = Box::leak(Box::new(0_u8));
        let pages = announcer.as_ref().map_or_else(CodePages::default, Announcer::pages);
        let owner = CodeOwner(core::ptr::from_mut(unique).addr());
        let space = CodeSpace::new(owner, pages);
        let trampolines =
            Mutex::new(Trampolines { objects: Vec::new(), space, known: HashMap::new() });
        let host_stubs = StubTable::new(1)?;
        let key = key(&compilers, config);
        let cache = config.cache.clone().filter(|_| compilers.is_worth_keeping());
        let (contexts, keeper) = (Mutex::default(), Keeper::default());
        let (optimizer, tier_up) = (Optimizer::default(), config.tier_up);
        Ok(CompiledEngine {
            compilers,
            trampolines,
            host_stubs,
            contexts,
            key,
            cache,
            keeper,
            optimizer,
            tier_up,
            loops_replaced: AtomicU64::new(0),
            made: Instant::now(),
            announcer,
        })
    }

    /// Whether memories have guards.
    pub(crate) fn guards(&self) -> bool {
        self.compilers.guards()
    }

    /// On which pages code is.
    pub(super) fn pages(&self) -> CodePages {
        self.announcer.as_ref().map_or_else(CodePages::default, Announcer::pages)
    }

    /// Does something with memory for compiling.
    fn with_context<R>(&self, body: impl FnOnce(&mut CompileContext) -> R) -> R {
        let kept = lock(&self.contexts).pop();
        let mut context = kept.unwrap_or_default();
        let result = body(&mut context);
        lock(&self.contexts).push(context);
        result
    }

    /// What the host calls functions of a type through, and what the store that uses it must keep.
    pub(crate) fn entry_trampoline(&self, ty: &FuncType) -> Result<(*const u8, Option<CodeSpace>)> {
        self.trampoline(TrampolineKind::Entry, ty)
    }

    /// Where host functions begin.
    pub(crate) fn host_stubs(&self) -> &StubTable {
        &self.host_stubs
    }

    /// What code calls host functions of a type through, and what the store that uses it must keep.
    pub(crate) fn host_trampoline(&self, ty: &FuncType) -> Result<(*const u8, Option<CodeSpace>)> {
        self.trampoline(TrampolineKind::Host, ty)
    }

    fn trampoline(
        &self,
        kind: TrampolineKind,
        ty: &FuncType,
    ) -> Result<(*const u8, Option<CodeSpace>)> {
        let mut trampolines = lock(&self.trampolines);
        let key = (kind, machine_types(ty));
        if let Some(known) = trampolines.known.get(&key) {
            return Ok((known.code, None));
        }
        let made = self.with_context(|context| self.compilers.trampoline(context, kind, ty));
        let artifact = made.map_err(Error::new)?;
        if trampolines.known.len() < TRAMPOLINES_MAX {
            let code =
                trampolines.add(self, key, |space, kind| space.publish(artifact.view(), kind))?;
            return Ok((code, None));
        }
        let mut space = CodeSpace::new(trampolines.space.owner(), self.pages());
        let code = space.publish(artifact.view(), code_kind(kind))?;
        Ok((code, Some(space)))
    }

    /// Takes over the trampolines of code that was made before.
    fn adopt_trampolines(&self, image: &ImageView<'_>) -> Result<()> {
        let mut trampolines = lock(&self.trampolines);
        for (kind, types) in image.trampolines() {
            let key = (kind, types.into());
            if trampolines.known.contains_key(&key) || trampolines.known.len() >= TRAMPOLINES_MAX {
                continue;
            }
            let Some(code) = image.trampoline(kind, types) else { continue };
            let tables = code.tables.bytes().into();
            trampolines.add(self, key, |space, kind| {
                space.publish_encoded(code.code, code.alignment, tables, kind)
            })?;
        }
        Ok(())
    }

    /// The trampolines for functions of a module's types.
    fn trampolines_of(&self, module: &Module) -> Vec<Copied> {
        let trampolines = lock(&self.trampolines);
        let types = module.types.iter().filter_map(|ty| ty.ty.composite.as_func());
        let keys = types.map(machine_types).collect::<HashSet<_>>();
        let known = trampolines.known.iter().filter(|((_, types), _)| keys.contains(types));
        let copy = |(key, known): (&(TrampolineKind, Box<[u8]>), &Trampoline)| {
            let published = &trampolines.space.published()[known.published];
            Copied::of(CopiedOwner::Trampoline(key.0, key.1.clone()), published)
        };
        known.map(copy).collect()
    }

    /// Everything that code depends on besides its module.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// What keeps code in the cache.
    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Does something that nobody waits for, in the engine's thread.
    pub(super) fn in_background(&self, errand: impl FnOnce() + Send + 'static) {
        self.optimizer.run_first(errand);
    }

    /// How often a loop that was running went on in better code.
    pub(crate) fn loops_replaced(&self) -> u64 {
        self.loops_replaced.load(Ordering::Relaxed)
    }

    /// Keeps what was compiled and is not kept yet, before the process ends.
    pub(crate) fn save(&self) {
        self.keeper.save(Pace::Brief);
    }
}

fn code_kind(kind: TrampolineKind) -> CodeKind {
    match kind {
        TrampolineKind::Entry => CodeKind::Entry,
        TrampolineKind::Host => CodeKind::Host,
    }
}

/// What debuggers and profilers show.
fn trampoline_name(kind: TrampolineKind) -> &'static str {
    match kind {
        TrampolineKind::Entry => "riser_enter_wasm",
        TrampolineKind::Host => "riser_call_host",
    }
}

/// An engine keeps trampolines for so many machine types of functions, far more than programs have. What comes then belongs to the
/// stores that need it, so that no sequence of modules can fill memory for good.
const TRAMPOLINES_MAX: usize = 256;

impl Trampolines {
    fn add(
        &mut self,
        engine: &CompiledEngine,
        key: (TrampolineKind, Box<[u8]>),
        publish: impl FnOnce(&mut CodeSpace, CodeKind) -> Result<*const u8, riser_sys::OutOfMemory>,
    ) -> Result<*const u8> {
        let kind = code_kind(key.0);
        let published = self.space.published().len();
        let code = publish(&mut self.space, kind)?;
        if let Some(announcer) = &engine.announcer {
            let told = &self.space.published()[published];
            let (bytes, tables) = (told.code(), CodeTables::new(told.tables()));
            let announced = Announced { address: code, bytes, tables };
            self.objects.extend(announcer.trampoline(trampoline_name(key.0), announced));
        }
        self.known.insert(key, Trampoline { code, published });
        Ok(code)
    }
}

/// A piece of code that was copied, to be written somewhere.
struct Copied {
    owner: CopiedOwner,
    code: Box<[u8]>,
    alignment: u32,
    tables: Box<[u8]>,
}

enum CopiedOwner {
    Function(u32),
    Trampoline(TrampolineKind, Box<[u8]>),
}

impl Copied {
    fn of(owner: CopiedOwner, published: &Published) -> Copied {
        let (code, tables) = (published.code().into(), published.tables().into());
        Copied { owner, code, alignment: published.alignment, tables }
    }

    fn piece(&self) -> (Owner<'_>, Piece<'_>) {
        let owner = match &self.owner {
            CopiedOwner::Function(defined) => Owner::Function(*defined),
            CopiedOwner::Trampoline(kind, key) => Owner::Trampoline(*kind, key),
        };
        let (code, tables) = (Cow::Borrowed(&*self.code), Cow::Borrowed(&*self.tables));
        (owner, Piece { code, alignment: self.alignment, tables })
    }
}

/// What an engine's code depends on.
fn key(compilers: &Compilers, config: &Config) -> Vec<u8> {
    let features: Vec<&str> = config.features.names().collect();
    let parts = [
        format!("riser {} {}", env!("CARGO_PKG_VERSION"), env!("RISER_SOURCES")),
        format!("image {}", image::VERSION),
        compilers.fingerprint(),
        // What decides whether a module is valid.
        format!("features {} {:?}", features.join(" "), config.limits),
    ];
    parts.join("\n").into_bytes()
}

/// The code of a module.
pub(crate) struct CompiledModule {
    /// What debuggers and profilers were told. It goes before the code does.
    told: ToldOf,
    engine: Arc<CompiledEngine>,
    module: Arc<Module>,
    stubs: StubTable,
    /// What `VmCtx::code` points to: where each function begins.
    table: Box<[AtomicPtr<u8>]>,
    state: Mutex<State>,
    /// What each function has; empty if functions have one kind of code only.
    progress: Box<[AtomicU8]>,
    /// Of each function; none where there is no choice of code. They stay where they are for as long as code does, which has their addresses.
    budgets: Box<[AtomicI32]>,
    /// Told when a function has code, or cannot have it.
    done: Condvar,
    functions: AtomicUsize,
    origin: Origin,
    /// How much of what was published is kept in the cache.
    saved: AtomicUsize,
    /// The functions that are listed to be made ahead in the next run.
    listed: Mutex<Vec<u32>>,
    /// Held by who puts everything together.
    saving: Mutex<()>,
}

struct State {
    /// Of the optimizing compiler, if there is one.
    space: CodeSpace,
    /// Of the baseline compiler, if there is another. It has addresses of budgets: none of it is kept.
    baseline: CodeSpace,
    /// Better code to go on with in loops, by function and offset.
    loops: HashMap<(u32, u32), LoopCode>,
    /// Functions that a thread is compiling.
    under_way: Vec<u32>,
    /// How many threads wait for another one that does.
    waiting: usize,
    /// Functions that were called, and would be kept if they were optimized: the number of bytes, and which.
    called: BinaryHeap<Reverse<(u32, u32)>>,
    /// Functions that began in code that is not kept, in this order.
    first: Vec<u32>,
    /// Functions that another run called and that are to be made before they are called.
    ahead: VecDeque<u32>,
    /// Functions that were made before they were called.
    made_ahead: HashSet<u32>,
    /// Better code of such functions that were still not called when it was made.
    ready: HashMap<u32, AtomicPtr<u8>>,
}

impl CompiledModule {
    /// No function has code yet, except what the origin says.
    pub(crate) fn new(
        engine: Arc<CompiledEngine>,
        module: Arc<Module>,
        origin: Origin,
    ) -> Result<Arc<CompiledModule>> {
        let functions = module.bodies.len() as u32;
        let stubs = StubTable::new(functions)?;
        let table: Box<[AtomicPtr<u8>]> =
            (0..functions).map(|defined| AtomicPtr::new(stubs.lazy(defined).cast_mut())).collect();
        let mut space = CodeSpace::new(CodeOwner(table.as_ptr().addr()), engine.pages());
        let baseline = CodeSpace::new(CodeOwner(table.as_ptr().addr()), engine.pages());
        let counted = if engine.compilers.tiers_up() { functions } else { 0 };
        for image in &origin.images {
            engine.adopt_trampolines(&image.view())?;
            space.adopt(image.clone());
        }
        let keeps = engine.cache.is_some() && origin.hash.is_some();
        let module = Arc::new(CompiledModule {
            told: ToldOf::default(),
            engine,
            module,
            stubs,
            table,
            progress: (0..counted).map(|_| AtomicU8::new(0)).collect(),
            budgets: (0..counted).map(|_| AtomicI32::new(0)).collect(),
            state: Mutex::new(State {
                space,
                baseline,
                loops: HashMap::new(),
                under_way: Vec::new(),
                waiting: 0,
                called: BinaryHeap::new(),
                first: Vec::new(),
                ahead: VecDeque::new(),
                made_ahead: HashSet::new(),
                ready: HashMap::new(),
            }),
            done: Condvar::new(),
            functions: AtomicUsize::new(0),
            origin,
            saved: AtomicUsize::new(0),
            listed: Mutex::default(),
            saving: Mutex::new(()),
        });
        if keeps {
            module.engine.keeper.add(&module);
            module.begin_ahead();
        }
        Ok(module)
    }

    /// By what its frames are known.
    pub(crate) fn owner(&self) -> CodeOwner {
        CodeOwner(self.table.as_ptr().addr())
    }

    /// The code table.
    pub(super) fn table(&self) -> *const u8 {
        self.table.as_ptr().cast()
    }

    /// How many functions were called, and have code.
    pub(crate) fn functions_compiled(&self) -> usize {
        let compiled = self.functions.load(Ordering::Relaxed);
        let state = lock(&self.state);
        let not_called = state.made_ahead.iter().filter(|&&defined| !self.was_called(defined));
        compiled.saturating_sub(not_called.count())
    }

    /// The code of a function, if it has some.
    fn code(&self, defined: u32) -> Option<*const u8> {
        let entry = self.table[defined as usize].load(Ordering::Acquire).cast_const();
        (entry != self.stubs.lazy(defined)).then_some(entry)
    }

    /// Where references to a function enter it: its code, or what makes that. Where there is better code later, the budget of the first is spent, and the reference
    /// gets it from there.
    pub(super) fn entry(&self, defined: u32) -> *const u8 {
        self.table[defined as usize].load(Ordering::Acquire)
    }

    /// Where imports of a function enter it, for ever.
    pub(super) fn import_entry(&self, defined: u32) -> *const u8 {
        let through_table = self.stubs.through_table(defined);
        if self.progress_of(defined).is_some_and(|progress| progress != OPTIMIZED) {
            // There will be better code.
            return through_table;
        }
        self.code(defined).unwrap_or(through_table)
    }

    /// The code of a function, made now unless somebody has. Two threads do not make the same.
    pub(crate) fn compile(self: &Arc<Self>, defined: u32) -> Result<*const u8, CompileFailure> {
        {
            let mut state = lock(&self.state);
            loop {
                if let Some(code) = self.code(defined) {
                    return Ok(code);
                }
                if let Some(ready) = state.ready.remove(&defined) {
                    return Ok(self.install(defined, ready.into_inner()));
                }
                if !state.under_way.contains(&defined) {
                    state.under_way.push(defined);
                    break;
                }
                state.waiting += 1;
                state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.waiting -= 1;
            }
        }
        let kept = self.kept(defined);
        // Nothing may unwind from here through code.
        let made = kept.map_or_else(
            || catch_unwind(AssertUnwindSafe(|| self.make(defined))),
            |kept| Ok(Ok(kept)),
        );
        let mut state = lock(&self.state);
        state.under_way.retain(|&other| other != defined);
        // The system is called even if nobody waits.
        if state.waiting > 0 {
            self.done.notify_all();
        }
        let code = made.unwrap_or_else(|_| {
            let func = self.module.imported.funcs + defined;
            Err(format_err!("the compiler panicked at function {func}").into())
        })?;
        if let (Some(account), true) = (self.engine.compilers.account(), kept.is_some()) {
            account.kept();
        }
        self.begin_budget(defined, kept.is_some());
        self.table[defined as usize].store(code.cast_mut(), Ordering::Release);
        self.functions.fetch_add(1, Ordering::Relaxed);
        if kept.is_none() && self.keeps() {
            if !self.engine.compilers.tiers_up() {
                self.engine.keeper.wake(&self.engine);
            } else if self.engine.tier_up.in_background {
                state.first.push(defined);
                let bytes = self.module.bodies[defined as usize].len();
                if bytes <= CALLED_BYTES_MAX {
                    state.called.push(Reverse((bytes, defined)));
                }
                drop(state);
                if self.engine.made.elapsed() > KEEPS_AFTER {
                    self.engine.optimizer.called(self);
                }
            }
        }
        Ok(code)
    }

    /// The code of a function that was made before.
    fn kept(&self, defined: u32) -> Option<*const u8> {
        let images = self.origin.images.iter();
        let (image, kept) =
            images.filter_map(|image| Some((image, image.view().function(defined)?))).next()?;
        let code = image.address(&kept);
        let (bytes, tables) = (kept.code, kept.tables);
        self.announce(defined, Announced { address: code, bytes, tables });
        Some(code)
    }

    /// Tells who watches of a function that is going to be called.
    fn announce(&self, defined: u32, code: Announced<'_>) {
        if let Some(announcer) = &self.engine.announcer {
            self.told.function(announcer, &self.module, defined, code);
        }
    }

    /// Whether what is compiled is to be kept.
    fn keeps(&self) -> bool {
        self.engine.cache.is_some() && self.origin.hash.is_some()
    }

    /// What was compiled by this process, from some point on.
    fn compiled_since(&self, from: usize) -> Vec<Copied> {
        let state = lock(&self.state);
        let copy = |published: &Published| match published.kind {
            CodeKind::Function(defined) => {
                Some(Copied::of(CopiedOwner::Function(defined), published))
            }
            _ => None,
        };
        state.space.published().iter().skip(from).filter_map(copy).collect()
    }

    /// Keeps what was compiled and is not kept yet. Whether there was something.
    pub(super) fn save(&self, pace: Pace) -> bool {
        let (Some(cache), Some(hash)) = (&self.engine.cache, self.origin.hash) else {
            return false;
        };
        self.list_firsts(cache, &hash);
        // At the end nobody waits for what another thread is writing: it is written once more.
        let _saving = (pace == Pace::Whole).then(|| lock(&self.saving));
        let saved = self.saved.load(Ordering::Acquire);
        let pieces = self.compiled_since(saved);
        if pieces.is_empty() {
            return false;
        }
        let trampolines = self.engine.trampolines_of(&self.module);
        let validated = Some(self.module.table_writes().bits());
        let source = ImageSource { engine: &self.engine.key, hash, validated, module: None };
        let all = trampolines.iter().chain(&pieces).map(Copied::piece);
        // What cannot be kept is made again next time.
        let _ = match pace {
            Pace::Whole => cache.extend(source, all).map(|_| ()),
            Pace::Brief => cache.extend_briefly(source, all),
        };
        self.saved.fetch_max(saved + pieces.len(), Ordering::Release);
        true
    }

    /// The module with the code of all functions.
    pub(super) fn serialize(self: &Arc<Self>) -> Result<Vec<u8>> {
        self.compile_all(true, &|_, _| ())?;
        self.make_trampolines()?;
        let (bytes, pieces) = (&self.module.bytes, self.compiled_since(0));
        let trampolines = self.engine.trampolines_of(&self.module);
        let hash = self.origin.hash.unwrap_or_else(|| crate::cache::hash(bytes));
        let (engine, module) = (&*self.engine.key, Some(&**bytes));
        let validated = Some(self.module.table_writes().bits());
        let mut image = ImageWriter::new(ImageSource { engine, hash, validated, module });
        for (owner, piece) in pieces.iter().chain(&trampolines).map(Copied::piece) {
            image.add(owner, piece);
        }
        self.origin.images.iter().for_each(|kept| image.inherit(&kept.view()));
        image.to_vec().ok_or_else(|| Error::msg("there is more code than a file can have"))
    }

    /// Makes the trampolines that the host will need.
    fn make_trampolines(&self) -> Result<()> {
        let module = &*self.module;
        for import in &module.imports {
            if let EntityType::Func(ty) = import.ty
                && let Some(ty) = module.func_type_at(ty)
            {
                self.engine.host_trampoline(ty)?;
            }
        }
        let exported = module.exports.iter().filter_map(|export| match export.item {
            EntityIdx::Func(func) => Some(func),
            _ => None,
        });
        for func in exported.chain(module.start) {
            if let Some(ty) = module.func_type(func) {
                self.engine.entry_trampoline(ty)?;
            }
        }
        Ok(())
    }

    /// Makes the first code of a function, and publishes it.
    fn make(&self, defined: u32) -> Result<*const u8, CompileFailure> {
        let engine = &*self.engine;
        let publish = |artifact: ArtifactView<'_>| {
            let mut state = lock(&self.state);
            let State { space, baseline, .. } = &mut *state;
            let space = if engine.compilers.tiers_up() { baseline } else { space };
            let code = space.publish(artifact, CodeKind::Function(defined))?;
            self.announce_artifact(defined, code, artifact);
            Ok(code)
        };
        let budget = self.budgets.get(defined as usize).map_or(ptr::null(), ptr::from_ref);
        let (compilers, module) = (&engine.compilers, &self.module);
        engine.with_context(|context| compilers.first(context, module, defined, budget, publish))
    }

    /// Makes the code of all functions of a module that nobody has yet, so that none of it is run before there is all.
    pub(crate) fn compile_first(self: &Arc<Self>, parallel: bool) -> Result<()> {
        let bodies: usize = self.module.bodies.iter().map(|body| body.len() as usize).sum();
        // Baseline code of real programs has 1.7 to 2.2 times as many bytes.
        lock(&self.state).space.open(2 * bodies);
        self.compile_all(parallel, &|_, _| ())?;
        Ok(lock(&self.state).space.seal()?)
    }

    /// Makes the code of all functions, on several threads if that is wanted.
    /// `progress` is told how many are done, and of how many.
    pub(crate) fn compile_all(
        self: &Arc<Self>,
        parallel: bool,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<()> {
        let done = AtomicUsize::new(0);
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = || {
            loop {
                let defined = next.fetch_add(1, Ordering::Relaxed);
                if defined >= self.table.len() {
                    return;
                }
                if let Err(error) = self.compile_best(defined as u32) {
                    next.store(self.table.len(), Ordering::Relaxed);
                    lock(&failure).get_or_insert(error);
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, self.table.len());
            }
        };
        let cores = if parallel { available_cores() } else { 1 };
        let others = cores.min(self.table.len()).saturating_sub(1);
        std::thread::scope(|scope| {
            for _ in 0..others {
                // A system that refuses a thread leaves the work to the others.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(Error::msg(error.to_string())),
            None => Ok(()),
        }
    }
}

/// What is over sooner starts no slower the next time for having nothing in the cache.
const KEEPS_AFTER: Duration = Duration::from_millis(5);

/// Functions with more bytes than this are optimized when they are hot, and not because they were called. Ruby begins with one of 251 KB, which runs once: the optimizing
/// compiler takes 0.3 s and 90 MB for it, the baseline compiler 4 ms.
const CALLED_BYTES_MAX: u32 = 128 << 10;

/// Those with more than this wait until the program has run for as long as making them takes: it may be expected to run as long again then. Otherwise a program of
/// 25 ms would begin with the same one in each run and never keep it: CPython's largest, of 91 KB, took half of the processor's time of such runs, and 13 MB.
const PROMPT_BYTES_MAX: u32 = 32 << 10;

/// What the optimizing compiler makes in a millisecond, from bytes of bodies (CPython, one thread).
const OPTIMIZED_BYTES_PER_MS: u32 = 1300;

/// What a function has, in engines that have two kinds of code.
const FIRST: u8 = 0;
/// Better code was asked for.
const ASKED: u8 = 1;
/// Nothing better can be made.
const REFUSED: u8 = 2;
const OPTIMIZED: u8 = 3;

/// What became of a budget.
#[derive(Clone, Copy)]
struct Spent {
    /// How often the function was entered meanwhile, at least.
    entries: u32,
    /// What better code is worth.
    worth: u64,
}

/// What better code is worth, for a function that has executed so much: the more, the sooner it is made.
fn worth(executed: u32, bytes: u32) -> u64 {
    (u64::from(executed) << 16) / u64::from(bytes + FIXED)
}

/// To compile anything takes as long as so many bytes do: an estimate, without which functions of no bytes would come first.
const FIXED: u32 = 100;

/// Better code to go on with in a loop.
#[derive(Clone, Copy)]
enum LoopCode {
    Refused,
    Made(*const u8),
}

// SAFETY: code may be run by any thread.
unsafe impl Send for LoopCode {}

/// Better code, where functions get it while they run.
impl CompiledModule {
    /// What a function has, if there is a choice.
    fn progress_of(&self, defined: u32) -> Option<u8> {
        Some(self.progress.get(defined as usize)?.load(Ordering::Acquire))
    }

    /// A function has its first code.
    fn begin_budget(&self, defined: u32, is_optimized: bool) {
        let at = defined as usize;
        let Some((budget, progress)) = self.budgets.get(at).zip(self.progress.get(at)) else {
            return;
        };
        if is_optimized {
            progress.store(OPTIMIZED, Ordering::Release);
        }
        let bytes = self.module.bodies[at].len();
        budget.store(self.engine.tier_up.budgets.of(bytes), Ordering::Relaxed);
    }

    /// A function has spent its budget: gives it a new one. What was spent, unless nothing better is ever made.
    fn renew_budget(&self, defined: u32) -> Option<Spent> {
        let at = defined as usize;
        let budget = self.budgets.get(at)?;
        let bytes = self.module.bodies[at].len();
        let budgets = self.engine.tier_up.budgets;
        let left = budget.swap(budgets.again(bytes), Ordering::Relaxed);
        let entries = left.wrapping_neg().cast_unsigned() % BUDGET_ENTRIES;
        let is_first = self.progress_of(defined) == Some(FIRST);
        let executed = if is_first { budgets.of(bytes) } else { budgets.again(bytes) };
        let worth = worth(executed.cast_unsigned(), bytes);
        (!budgets.are_endless()).then_some(Spent { entries, worth })
    }

    /// A function has spent its budget: asks for better code.
    pub(super) fn hot(self: &Arc<Self>, defined: u32) {
        if let Some(spent) = self.renew_budget(defined) {
            self.ask_for_function(defined, spent);
        }
    }

    fn ask_for_function(self: &Arc<Self>, defined: u32, spent: Spent) {
        let progress = &self.progress[defined as usize];
        let first = progress.compare_exchange(FIRST, ASKED, Ordering::Relaxed, Ordering::Relaxed);
        if matches!(first, Ok(_) | Err(ASKED)) {
            self.ask(Hot::Function(defined), spent);
        }
    }

    /// The same in a loop. The code that the function goes on with, if it is made.
    pub(super) fn loop_code(self: &Arc<Self>, defined: u32, at: u32) -> Option<*const u8> {
        let spent = self.renew_budget(defined)?;
        let code = match self.known_loop(defined, at) {
            None => self.ask_in_loop(defined, at, spent),
            // The function was entered again, if it is here again.
            known => {
                self.ask_for_function(defined, spent);
                known.flatten()
            }
        }?;
        self.engine.loops_replaced.fetch_add(1, Ordering::Relaxed);
        Some(code)
    }

    /// Asks for what serves a loop best, which is hot and has no code of its own: that, if it is executed by the same call for long; otherwise
    /// better code for later calls. Whoever does not mind waiting gets both.
    fn ask_in_loop(self: &Arc<Self>, defined: u32, at: u32, spent: Spent) -> Option<*const u8> {
        let waits = !self.engine.tier_up.in_background;
        // Calls have got better code, if they can, and this one goes on.
        let is_old = matches!(self.progress_of(defined), Some(OPTIMIZED | REFUSED));
        let is_long = spent.entries <= 1 || is_old;
        if waits || !is_long {
            self.ask_for_function(defined, spent);
        }
        if waits || is_long {
            self.ask(Hot::Loop(defined, at), spent);
        }
        self.known_loop(defined, at).flatten()
    }

    /// The code of a loop, if something is known of it: there may be none.
    fn known_loop(&self, defined: u32, at: u32) -> Option<Option<*const u8>> {
        let state = lock(&self.state);
        Some(match state.loops.get(&(defined, at))? {
            LoopCode::Made(code) => Some(*code),
            LoopCode::Refused => None,
        })
    }

    fn ask(self: &Arc<Self>, what: Hot, spent: Spent) {
        if self.engine.tier_up.in_background {
            self.engine.optimizer.ask(self, what, spent.worth);
        } else {
            self.make_better(what);
        }
    }

    /// Nobody has asked for the better code of a function for long: it begins anew.
    pub(super) fn forget(&self, what: Hot) {
        let Hot::Function(defined) = what else { return };
        let progress = &self.progress[defined as usize];
        let asked = progress.compare_exchange(ASKED, FIRST, Ordering::Relaxed, Ordering::Relaxed);
        if asked.is_ok() {
            self.begin_budget(defined, false);
        }
    }

    /// A function that was called, whose code is not what would be kept: the smallest. A program that is over after a moment would never get beyond a
    /// large one, and begin with it again each time.
    pub(super) fn next_called(&self) -> Option<u32> {
        let mut state = lock(&self.state);
        let elapsed = u32::try_from(self.engine.made.elapsed().as_millis()).unwrap_or(u32::MAX);
        let bytes_max = elapsed.saturating_mul(OPTIMIZED_BYTES_PER_MS).max(PROMPT_BYTES_MAX);
        while let Some(&Reverse((bytes, defined))) = state.called.peek()
            && bytes <= bytes_max
        {
            state.called.pop();
            if self.progress_of(defined) == Some(FIRST) {
                return Some(defined);
            }
        }
        None
    }

    /// Makes better code now.
    pub(super) fn make_better(self: &Arc<Self>, what: Hot) {
        // Whoever fails leaves the code that there is.
        let _ = match what {
            Hot::Function(defined) => self.optimize(defined),
            Hot::Loop(defined, at) => self.optimize_loop(defined, at),
        };
    }

    /// A function has the best code from now on.
    fn optimize(&self, defined: u32) -> Result<(), CompileFailure> {
        let progress = &self.progress[defined as usize];
        if matches!(progress.load(Ordering::Acquire), OPTIMIZED | REFUSED) {
            return Ok(());
        }
        let ready = lock(&self.state).ready.remove(&defined);
        if let Some(ready) = ready {
            self.install(defined, ready.into_inner());
            return Ok(());
        }
        let made = self.with_optimizer(defined, |compilers, context| {
            compilers.optimized(context, &self.module, defined)
        });
        let artifact = match made {
            Ok(artifact) => artifact,
            Err(error) => {
                progress.store(REFUSED, Ordering::Release);
                return Err(error);
            }
        };
        let mut state = lock(&self.state);
        if progress.load(Ordering::Acquire) == OPTIMIZED {
            return Ok(());
        }
        let code = state.space.publish(artifact.view(), CodeKind::Function(defined))?;
        self.announce_artifact(defined, code, artifact.view());
        if state.made_ahead.contains(&defined) && !self.was_called(defined) {
            // It may never be, and only its first code counts whether it is. The first call finds what is ready.
            state.ready.insert(defined, AtomicPtr::new(code.cast_mut()));
            let lazy = self.stubs.lazy(defined).cast_mut();
            self.table[defined as usize].store(lazy, Ordering::Release);
        } else {
            self.install(defined, code);
        }
        drop(state);
        if self.keeps() {
            self.engine.keeper.wake(&self.engine);
        }
        Ok(())
    }

    /// Lets calls of a function go to its best code.
    fn install(&self, defined: u32, code: *const u8) -> *const u8 {
        self.table[defined as usize].store(code.cast_mut(), Ordering::Release);
        self.progress[defined as usize].store(OPTIMIZED, Ordering::Release);
        // References lead to the code that was, until it asks.
        self.spend_budget(defined);
        code
    }

    /// There is better code for the rest of a function from now on.
    fn optimize_loop(&self, defined: u32, at: u32) -> Result<(), CompileFailure> {
        if self.known_loop(defined, at).is_some() {
            return Ok(());
        }
        let made = self.with_optimizer(defined, |compilers, context| {
            compilers.optimized_loop(context, &self.module, defined, at)
        });
        let mut state = lock(&self.state);
        let made = made.and_then(|artifact| {
            let code = state.baseline.publish(artifact.view(), CodeKind::Function(defined))?;
            self.announce_artifact(defined, code, artifact.view());
            Ok(code)
        });
        let outcome = match &made {
            Ok(code) => LoopCode::Made(*code),
            Err(_) => LoopCode::Refused,
        };
        state.loops.insert((defined, at), outcome);
        drop(state);
        // A turn finds it soon.
        self.spend_budget(defined);
        made.map(|_| ())
    }

    /// Lets code of a function that counts ask for better code as soon as it can.
    fn spend_budget(&self, defined: u32) {
        if let Some(budget) = self.budgets.get(defined as usize) {
            budget.store(0, Ordering::Relaxed);
        }
    }

    /// Compiles, without ever unwinding.
    fn with_optimizer(
        &self,
        defined: u32,
        make: impl FnOnce(&Compilers, &mut CompileContext) -> Result<CodeArtifact, CompileFailure>,
    ) -> Result<CodeArtifact, CompileFailure> {
        let engine = &*self.engine;
        let make = || engine.with_context(|context| make(&engine.compilers, context));
        catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|_| {
            let func = self.module.imported.funcs + defined;
            Err(format_err!("the compiler panicked at function {func}").into())
        })
    }

    /// Makes the best code of a function now.
    fn compile_best(self: &Arc<Self>, defined: u32) -> Result<(), CompileFailure> {
        if self.progress.is_empty() {
            return self.compile(defined).map(|_| ());
        }
        if self.code(defined).is_none() && self.kept(defined).is_some() {
            return self.compile(defined).map(|_| ());
        }
        self.optimize(defined)
    }

    fn announce_artifact(&self, defined: u32, code: *const u8, artifact: ArtifactView<'_>) {
        if self.engine.announcer.is_some() {
            let (bytes, tables) = (artifact.code, artifact.encode_tables());
            let tables = CodeTables::new(&tables);
            self.announce(defined, Announced { address: code, bytes, tables });
        }
    }
}

impl Drop for CompiledModule {
    fn drop(&mut self) {
        self.save(Pace::Brief);
    }
}
