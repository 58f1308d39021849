//! `riser run`: gives a module what it imports and what it was granted, and calls it.
//!
//! Three kinds of modules run: commands (they export `_start`), reactors (`_initialize`, then what `--invoke` names)
//! and plain modules (what `--invoke` names). No thread or event loop is started on this path, unless an option
//! needs one, or the program imports what starts threads. `program.rs` is about the module, `grants.rs` about what it may use, `host.rs` about limits; `observe.rs`,
//! `trace.rs` and `report.rs` show what it does, `timeout.rs` ends it.

mod grants;
mod host;
mod observe;
mod program;
mod report;
mod timeout;
mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use riser::{
    Caller, Engine, Extern, ExternType, Func, FuncType, Instance, Linker, ResourceLimiter, Store,
    Trap, Val,
};
use riser_wasi::I32Exit;
use riser_wasi::threads::{self, WasiThreads};

use crate::engine;
use crate::errors::{
    Report, Running, call_failed, different_imports, link_failed, missing_imports, too_large,
};
use crate::input::Input;
use crate::options::{General, ReportFormat, RunOptions};
use crate::style;
use crate::values;
use host::{Host, Limits};
use observe::Observer;
use program::{Entry, INITIALIZE, Loaded, START, no_function, signature};
use report::Usage;
use timeout::Watch;

/// Runs the command. The result is the exit status.
pub fn run(options: &RunOptions, general: &General) -> Result<i32, Report> {
    let begun = Instant::now();
    let mut config = engine::run_config(options, general)?;
    let mut engine = engine::engine(&config)?;
    let mut program = Loaded::new(&engine, &options.file(), general)?;
    let threaded = threads::is_threaded(&program.module);
    if threaded {
        // One thread can only end another one if loops can be interrupted, which other programs need not pay for.
        engine = engine::engine(config.epoch_interruption(true))?;
        program = program.again(&engine, &options.file())?;
    }
    let linked: Vec<(&str, Loaded)> = options
        .link
        .iter()
        .map(|link| Ok((link.name.as_str(), Loaded::new(&engine, &link.file, general)?)))
        .collect::<Result<_, Report>>()?;
    let entry = Entry::of(options, &program)?;
    let mut session = Session::new(&engine, options, general, entry.takes_args())?;
    if threaded {
        session.provide_threads(&program)?;
    }
    let watch = session.watch(&program, begun)?;
    let outcome = session.run(&program, &linked, entry);
    if let Some(watch) = watch {
        watch.end();
    }
    engine.flush_cache();
    let Some(format) = options.report else { return outcome };
    // What went wrong is said before the report, so that the report is the last thing.
    let status = outcome.unwrap_or_else(|report| {
        report.print(general.quiet);
        report.exit_status().into()
    });
    let everyone = linked.iter().map(|(_, loaded)| loaded).chain([&program]);
    let functions = everyone.fold((0, 0), |(called, all), Loaded { module, .. }| {
        (called + module.functions_called(), all + module.decoded().bodies.len())
    });
    session.report(&program, begun, status, functions, format);
    Ok(status)
}

/// How running ends other than by returning.
enum End {
    /// The program exited by itself.
    Exit(i32),
    /// Something went wrong.
    Failed(Report),
}

impl From<Report> for End {
    fn from(report: Report) -> End {
        End::Failed(report)
    }
}

/// What bounds and observes each thread of the program.
#[derive(Clone)]
struct Watched {
    observer: Option<Arc<Observer>>,
    deadline: u64,
    fuel: Option<u64>,
}

impl Watched {
    fn prepare(&self, store: &mut Store<Host>) -> riser::Result<()> {
        store.limiter(|host| &mut host.limits);
        if let Some(observer) = &self.observer {
            store.observe_host_calls(observer.clone());
        }
        store.set_epoch_deadline(self.deadline);
        self.fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel))
    }
}

/// Everything that lives as long as the program runs.
struct Session {
    linker: Linker<Host>,
    store: Store<Host>,
    observer: Arc<Observer>,
    stub_imports: bool,
    verbose: bool,
    /// Whether there are modules besides the program.
    linked: bool,
    /// What the program starts threads with, before it begins.
    threads: Option<WasiThreads<Host>>,
    /// The program with its threads, while it runs.
    running: Option<threads::Running<Host>>,
    watched: Watched,
    fuel: Option<u64>,
    timeout: Option<Duration>,
    format: Option<ReportFormat>,
}

impl Session {
    fn new(
        engine: &Engine,
        options: &RunOptions,
        general: &General,
        takes_args: bool,
    ) -> Result<Session, Report> {
        let wasi = grants::grants(options, general, takes_args)?;
        let host = Host { wasi, limits: Limits::new(options) };
        let mut store = Store::try_new(engine, host).map_err(|error| {
            Report::new(format!("the program cannot be given a stack: {error}"))
        })?;
        let observer = Arc::new(Observer::new(options.trace));
        let observed = options.trace || options.report.is_some();
        let watched = Watched {
            observer: observed.then(|| observer.clone()),
            deadline: if options.timeout.is_some() { 1 } else { u64::MAX },
            fuel: options.fuel,
        };
        watched.prepare(&mut store).map_err(|error| Report::new(error.to_string()))?;
        Ok(Session {
            linker: Linker::new(engine),
            store,
            observer,
            stub_imports: options.stub_imports,
            verbose: general.verbose,
            linked: false,
            threads: None,
            running: None,
            watched,
            fuel: options.fuel,
            timeout: options.timeout,
            format: options.report,
        })
    }

    /// Provides the program with threads and the memories that they share.
    fn provide_threads(&mut self, program: &Loaded) -> Result<(), Report> {
        // The memories that are made for them are the program's too.
        for import in program.module.imports() {
            let ExternType::Memory(ty) = import.ty() else { continue };
            let bytes = ty.minimum().saturating_mul(ty.page_size());
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            let limits = &mut self.store.data_mut().limits;
            if ty.is_shared() && !limits.memory_growing(0, bytes, None).unwrap_or(false) {
                return Err(too_large(&program.input, limits.refused_memory(), None));
            }
        }
        let watched = self.watched.clone();
        let threads = WasiThreads::new(|host: &mut Host| &mut host.wasi)
            .prepare_store(move |store| watched.prepare(store));
        threads
            .add_to_linker(&mut self.linker, &mut self.store, &program.module)
            .map_err(|error| Report::new(format!("threads cannot be provided: {error:#}")))?;
        self.threads = Some(threads);
        Ok(())
    }

    /// What a call came to, or what ended the program before in another thread. When a call has failed, all threads end.
    fn settle<R>(&mut self, outcome: riser::Result<R>) -> riser::Result<R> {
        match self.running.take_if(|_| outcome.is_err()) {
            Some(running) => running.end(outcome),
            None => outcome,
        }
    }

    /// Starts to watch the time, if there is a limit.
    fn watch(&mut self, program: &Loaded, begun: Instant) -> Result<Option<Watch>, Report> {
        let Some(time) = self.timeout else { return Ok(None) };
        let engine = self.store.engine().clone();
        let cannot =
            |error: riser::Error| Report::new(format!("the time cannot be watched: {error}"));
        // Wherever the program is: in a function or a loop, at an address of a shared memory, or in a function of WASI.
        let waits = self.store.interrupt_handle().map_err(cannot)?;
        let calls = self.store.data().wasi.stop_handle().map_err(cannot)?;
        let stop = move || {
            engine.increment_epoch();
            calls.stop();
            waits.interrupt();
        };
        let (limits, observer) = (self.store.data().limits.clone(), self.observer.clone());
        let watched = self.store.engine().clone();
        let (name, format) = (program.input.name.clone(), self.format);
        // Where the program stands is not known then: neither are its functions and its fuel.
        let last_words = {
            let name = name.clone();
            move || {
                let Some(format) = format else { return };
                let usage = Usage {
                    name: &name,
                    status: crate::errors::STATUS_TIMEOUT.into(),
                    begun,
                    limits: &limits,
                    observer: &observer,
                    functions: None,
                    tiers: watched.tier_statistics(),
                    fuel: None,
                };
                report::print(&usage, format);
            }
        };
        Watch::start(time, name, stop, last_words).map(Some)
    }

    /// Prints what was used.
    fn report(
        &self,
        program: &Loaded,
        begun: Instant,
        status: i32,
        functions: (usize, usize),
        format: ReportFormat,
    ) {
        let left = self.store.get_fuel().ok();
        let fuel = self.fuel.zip(left).map(|(given, left)| given.saturating_sub(left));
        let usage = Usage {
            name: &program.input.name,
            status,
            begun,
            limits: &self.store.data().limits,
            observer: &self.observer,
            functions: Some(functions),
            tiers: self.store.engine().tier_statistics(),
            fuel,
        };
        report::print(&usage, format);
    }

    /// Runs everything. The result is the exit status.
    fn run(
        &mut self,
        program: &Loaded,
        linked: &[(&str, Loaded)],
        entry: Entry,
    ) -> Result<i32, Report> {
        let mut everyone = linked.iter().map(|(_, loaded)| loaded).chain([program]);
        if everyone.any(Loaded::imports_wasi) {
            self.provide_wasi()?;
        }
        self.linked = !linked.is_empty();
        let all = || {
            for (name, loaded) in linked {
                self.provide(name, loaded)?;
            }
            self.start(program, entry)
        };
        match all() {
            Ok(()) => Ok(0),
            Err(End::Exit(status)) => Ok(status),
            Err(End::Failed(report)) => Err(report),
        }
    }

    fn provide_wasi(&mut self) -> Result<(), Report> {
        riser_wasi::p1::add_to_linker(&mut self.linker, |host: &mut Host| &mut host.wasi)
            .map_err(|error| Report::new(format!("WASI cannot be provided: {error:#}")))
    }

    /// Instantiates a module and lets others import its exports from `name`.
    fn provide(&mut self, name: &str, loaded: &Loaded) -> Result<(), End> {
        let instance = self.instantiate(loaded)?;
        self.initialize(loaded, &instance)?;
        match self.linker.instance(&mut self.store, name, instance) {
            Ok(_) => Ok(()),
            Err(error) => Err(link_failed(&loaded.input, &error).into()),
        }
    }

    /// Runs the program. When its main thread has ended, so have the others.
    fn start(&mut self, program: &Loaded, entry: Entry) -> Result<(), End> {
        self.main(program, entry)?;
        match self.running.take().map(|running| running.end(Ok(()))) {
            Some(Err(error)) => Err(self.ended(&program.input, &error)),
            _ => Ok(()),
        }
    }

    fn main(&mut self, program: &Loaded, entry: Entry) -> Result<(), End> {
        let instance = self.instantiate(program)?;
        match entry {
            Entry::Nothing => Ok(()),
            Entry::Command => {
                let start = self.exported(program, &instance, START)?;
                self.call(program, start, &[]).map(drop)
            }
            Entry::Function { name, args } => {
                self.initialize(program, &instance)?;
                let func = self.exported(program, &instance, &name)?;
                let results = self.call(program, func, &args)?;
                let lines: String =
                    results.iter().map(|value| values::show(value) + "\n").collect();
                style::print(&lines);
                Ok(())
            }
        }
    }

    fn instantiate(&mut self, loaded: &Loaded) -> Result<Instance, End> {
        let Loaded { input, module } = loaded;
        if self.stub_imports {
            self.stub(loaded).map_err(|error| link_failed(input, &error))?;
        }
        let prepared = match self.linker.instantiate_pre(module) {
            Ok(prepared) => prepared,
            Err(error) => return Err(self.unlinkable(loaded, &error).into()),
        };
        if let Some(threads) = &self.threads
            && threads::is_threaded(module)
        {
            let begun = threads.begin(&mut self.store, &prepared);
            self.running = Some(begun.map_err(|error| link_failed(input, &error))?);
        }
        let instance = prepared.instantiate(&mut self.store);
        self.settle(instance).map_err(|error| {
            let limits = &self.store.data().limits;
            // Nothing has run yet that could ask for more than the module itself does.
            let refused = limits.refused_memory().is_some() || limits.refused_table().is_some();
            match refused && !error.is::<Trap>() {
                true => too_large(input, limits.refused_memory(), limits.refused_table()).into(),
                false => self.ended(input, &error),
            }
        })
    }

    /// Calls what prepares a reactor, if the module is one.
    fn initialize(&mut self, loaded: &Loaded, instance: &Instance) -> Result<(), End> {
        match instance.get_func(&mut self.store, INITIALIZE) {
            Some(func) => self.call(loaded, func, &[]).map(drop),
            None => Ok(()),
        }
    }

    fn exported(
        &mut self,
        loaded: &Loaded,
        instance: &Instance,
        name: &str,
    ) -> Result<Func, Report> {
        instance.get_func(&mut self.store, name).ok_or_else(|| no_function(loaded, name))
    }

    fn call(&mut self, loaded: &Loaded, func: Func, args: &[Val]) -> Result<Vec<Val>, End> {
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        let outcome = func.call(&mut self.store, args, &mut results);
        match self.settle(outcome) {
            Ok(()) => Ok(results),
            Err(error) => Err(self.ended(&loaded.input, &error)),
        }
    }

    /// What an error of a call means: the program's own exit, or a failure.
    fn ended(&self, input: &Input, error: &riser::Error) -> End {
        match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(status)) => End::Exit(*status),
            None => End::Failed(call_failed(input, &self.running(), error)),
        }
    }

    /// What an error of the program is told with.
    fn running(&self) -> Running {
        let limits = &self.store.data().limits;
        Running {
            alone: !self.linked,
            verbose: self.verbose,
            timeout: self.timeout,
            fuel: self.fuel,
            refused_memory: limits.refused_memory(),
        }
    }

    /// Puts functions that trap behind the imports of functions that are missing or of another type.
    fn stub(&mut self, loaded: &Loaded) -> riser::Result<()> {
        for import in loaded.module.imports() {
            let ExternType::Func(ty) = import.ty() else { continue };
            let provided =
                self.linker.get_by_import(&mut self.store, &import).and_then(Extern::into_func);
            if provided.is_some_and(|func| FuncType::eq(&func.ty(&self.store), &ty)) {
                continue;
            }
            let path = format!("{}.{}", import.module(), import.name());
            let fail = move |_: Caller<'_, Host>, _: &[Val], _: &mut [Val]| {
                let message = format!("`{path}` was called, and nothing provides it");
                Err(riser::Error::msg(message).context(Trap::UnknownImport))
            };
            self.linker.allow_shadowing(true);
            self.linker.func_new(import.module(), import.name(), ty, fail)?;
        }
        Ok(())
    }

    /// Why a module does not link: imports that are missing, or that are of another type, or what the linker says.
    fn unlinkable(&mut self, loaded: &Loaded, error: &riser::Error) -> Report {
        let mut missing = Vec::new();
        let mut different = Vec::new();
        for (i, import) in loaded.module.imports().enumerate() {
            let provided = self.linker.get_by_import(&mut self.store, &import);
            match (import.ty(), provided) {
                (_, None) => missing.push(i),
                (ExternType::Func(wanted), Some(Extern::Func(func))) => {
                    let found = func.ty(&self.store);
                    if !FuncType::eq(&wanted, &found) {
                        different.push((i, signature(&found)));
                    }
                }
                _ => {}
            }
        }
        if !missing.is_empty() {
            let known = self.linker.iter(&mut self.store);
            let known: Vec<_> =
                known.map(|(module, name, _)| (module.to_string(), name.to_string())).collect();
            return missing_imports(&loaded.input, &missing, &known, self.verbose);
        }
        match different.is_empty() {
            true => link_failed(&loaded.input, error),
            false => different_imports(&loaded.input, &different),
        }
    }
}
