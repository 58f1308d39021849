//! `riser run`: gives a module what it imports and what it was granted, and calls it.
//!
//! Three kinds of modules run: commands (they export `_start`), reactors (`_initialize`, then what `--invoke` names)
//! and plain modules (what `--invoke` names). No thread or event loop is started on this path, unless the program imports
//! what starts threads.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Instant;

use riser::{
    Caller, Engine, Extern, ExternType, Func, FuncType, Instance, Linker, Module, Store, Trap, Val,
};
use riser_ops::Features;
use riser_wasi::threads::{self, Running, WasiThreads};
use riser_wasi::{
    DirPerms, FilePerms, I32Exit, InheritedStderr, InheritedStdout, InputFile, OutputStream,
    WasiCtx, WasiCtxBuilder,
};

use crate::decoded::{Decoded, count};
use crate::engine;
use crate::errors::{
    Report, call_failed, different_imports, link_failed, missing_imports, module_failed, similar,
    warn,
};
use crate::hosts::{self, Purpose};
use crate::input::{self, Input};
use crate::options::{General, GrantedDir, RunOptions};
use crate::style;
use crate::values;

/// The modules that WASI 0.1 is imported from.
const WASI_MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// What commands export, and reactors.
const START: &str = "_start";
const INITIALIZE: &str = "_initialize";

/// Most functions that an error lists.
const LISTED_FUNCTIONS: usize = 20;

/// Runs the command. The result is the exit status.
pub fn run(options: &RunOptions, general: &General) -> Result<i32, Report> {
    let mut config = engine::config(&options.wasm)?;
    engine::set_backtrace(&mut config, general.verbose);
    if let Some(bytes) = options.max_stack {
        config.max_wasm_stack(bytes);
    }
    let mut engine = engine::engine(&config)?;
    let mut program = Loaded::new(&engine, &options.file(), general)?;
    let threaded = threads::is_threaded(&program.module);
    if threaded {
        // One thread can only end another one if loops can be interrupted, which other programs need not pay for.
        engine = engine::engine(config.epoch_interruption(true))?;
        program = program.again(&engine)?;
    }
    let linked: Vec<(&str, Loaded)> = options
        .link
        .iter()
        .map(|link| Ok((link.name.as_str(), Loaded::new(&engine, &link.file, general)?)))
        .collect::<Result<_, Report>>()?;
    let entry = Entry::of(options, &program)?;

    let mut session = Session::new(&engine, options, general, entry.takes_args())?;
    let everyone = || linked.iter().map(|(_, loaded)| loaded).chain([&program]);
    if everyone().any(Loaded::imports_wasi) {
        session.provide_wasi()?;
    }
    if threaded {
        session.provide_threads(&program)?;
    }
    session.linked = !linked.is_empty();
    for (name, loaded) in &linked {
        match session.provide(name, loaded) {
            Ok(()) => {}
            Err(End::Exit(status)) => return Ok(status),
            Err(End::Failed(report)) => return Err(report),
        }
    }
    match session.start(&program, entry) {
        Ok(()) => Ok(0),
        Err(End::Exit(status)) => Ok(status),
        Err(End::Failed(report)) => Err(report),
    }
}

/// A module and where it came from.
struct Loaded {
    input: Input,
    module: Module,
}

impl Loaded {
    fn new(engine: &Engine, file: &Path, general: &General) -> Result<Loaded, Report> {
        let start = Instant::now();
        let mut input = Input::load(file)?;
        let module = Module::from_binary(engine, &input.bytes)
            .map_err(|error| module_failed(&input, &error))?;
        // The module has its own copy: ours need not take memory while the program runs.
        input.bytes = module.decoded().bytes.clone();
        if general.verbose {
            let bytes = count(input.bytes.len() as u64, "byte");
            let time = start.elapsed().as_secs_f64() * 1e3;
            style::eprint(&format!(
                "riser: {}: {bytes}, read and validated in {time:.1} ms\n",
                input.name
            ));
        }
        Ok(Loaded { input, module })
    }

    /// The same module for another engine.
    fn again(self, engine: &Engine) -> Result<Loaded, Report> {
        let module = Module::from_binary(engine, &self.input.bytes)
            .map_err(|error| module_failed(&self.input, &error))?;
        Ok(Loaded { module, ..self })
    }

    fn imports_wasi(&self) -> bool {
        self.module.imports().any(|import| WASI_MODULES.contains(&import.module()))
    }

    /// What it was made for, if not for a runtime like this.
    fn purpose(&self) -> Option<&'static Purpose> {
        hosts::purpose(&Decoded::new(&self.input, Features::ALL).ok()?.module)
    }

    fn func_type(&self, name: &str) -> Option<FuncType> {
        match self.module.get_export(name)? {
            ExternType::Func(ty) => Some(ty),
            _ => None,
        }
    }
}

/// What to call once the module is instantiated.
enum Entry {
    /// `_start`.
    Command,
    /// A function with these arguments.
    Function { name: String, args: Vec<Val> },
    /// Nothing: the module did what it does when it was instantiated.
    Nothing,
}

impl Entry {
    fn of(options: &RunOptions, program: &Loaded) -> Result<Entry, Report> {
        if let Some(name) = &options.invoke {
            let ty = program.func_type(name).ok_or_else(|| no_function(program, name))?;
            return Ok(Entry::Function {
                name: name.clone(),
                args: arguments(name, &ty, options)?,
            });
        }
        if program.func_type(START).is_some() {
            return Ok(Entry::Command);
        }
        let decoded = Decoded::new(&program.input, Features::ALL);
        if decoded.is_ok_and(|decoded| decoded.module.start.is_some()) {
            return Ok(Entry::Nothing);
        }
        Err(no_program(program))
    }

    /// Whether the words behind the file are for the program, rather than arguments of a function.
    fn takes_args(&self) -> bool {
        !matches!(self, Entry::Function { .. })
    }
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

/// Everything that lives as long as the program runs.
struct Session {
    linker: Linker<WasiCtx>,
    store: Store<WasiCtx>,
    stub_imports: bool,
    verbose: bool,
    /// Whether there are modules besides the program.
    linked: bool,
    /// What the program starts threads with, before it begins.
    threads: Option<WasiThreads<WasiCtx>>,
    /// The program with its threads, while it runs.
    running: Option<Running<WasiCtx>>,
}

impl Session {
    fn new(
        engine: &Engine,
        options: &RunOptions,
        general: &General,
        takes_args: bool,
    ) -> Result<Session, Report> {
        let ctx = grants(options, general, takes_args)?;
        Ok(Session {
            linker: Linker::new(engine),
            store: Store::new(engine, ctx),
            stub_imports: options.stub_imports,
            verbose: general.verbose,
            linked: false,
            threads: None,
            running: None,
        })
    }

    fn provide_wasi(&mut self) -> Result<(), Report> {
        riser_wasi::p1::add_to_linker(&mut self.linker, |ctx: &mut WasiCtx| ctx)
            .map_err(|error| Report::new(format!("WASI cannot be provided: {error:#}")))
    }

    /// Provides the program with threads and the memories that they share.
    fn provide_threads(&mut self, program: &Loaded) -> Result<(), Report> {
        self.store.set_epoch_deadline(u64::MAX);
        let threads = WasiThreads::new(|ctx: &mut WasiCtx| ctx);
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
        self.settle(instance).map_err(|error| self.ended(input, &error))
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
            None => End::Failed(call_failed(input, !self.linked, self.verbose, error)),
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
            let fail = move |_: Caller<'_, WasiCtx>, _: &[Val], _: &mut [Val]| {
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

/// What the options grant to the program.
fn grants(options: &RunOptions, general: &General, takes_args: bool) -> Result<WasiCtx, Report> {
    let mut builder = WasiCtx::builder();
    builder.inherit_stdin().stdout(Stdout).stderr(Stderr);
    if let Some(file) = &options.stdin {
        let opened = File::open(file).map_err(|error| input::unreadable(file, &error))?;
        builder.stdin(InputFile::new(opened));
    }
    let file = options.file();
    let own_name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    builder.arg(options.argv0.as_deref().unwrap_or(&own_name));
    if takes_args {
        for (i, arg) in options.args().iter().enumerate() {
            let text = arg.to_str().ok_or_else(|| {
                Report::usage(format!(
                    "argument {} of the program is not UTF-8, as WASI wants it",
                    i + 1
                ))
            })?;
            builder.arg(text);
        }
    }
    for variable in &options.env {
        grant_variable(&mut builder, variable, general)?;
    }
    for dir in &options.dir {
        grant_dir(&mut builder, dir)?;
    }
    Ok(builder.build())
}

fn grant_variable(
    builder: &mut WasiCtxBuilder,
    variable: &str,
    general: &General,
) -> Result<(), Report> {
    if let Some((name, value)) = variable.split_once('=') {
        builder.env(name, value);
        return Ok(());
    }
    match std::env::var(variable) {
        Ok(value) => drop(builder.env(variable, value)),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Report::usage(format!(
                "the variable `{variable}` is not UTF-8, as WASI wants it"
            )));
        }
        Err(std::env::VarError::NotPresent) if general.quiet => {}
        Err(std::env::VarError::NotPresent) => {
            warn(&format!("--env {variable}: there is no such variable to copy"));
        }
    }
    Ok(())
}

fn grant_dir(builder: &mut WasiCtxBuilder, dir: &GrantedDir) -> Result<(), Report> {
    let (dir_perms, file_perms) = match dir.read_only {
        true => (DirPerms::READ, FilePerms::READ),
        false => (DirPerms::all(), FilePerms::all()),
    };
    let host = dir.host.display();
    match builder.preopened_dir(&dir.host, &dir.guest, dir_perms, file_perms) {
        Ok(_) => Ok(()),
        Err(_) if dir.host.is_file() => {
            Err(Report::new(format!("{host} is a file, and --dir takes a folder"))
                .help("name the folder that it is in"))
        }
        Err(error) => {
            Err(Report::new(format!("the folder {host} cannot be granted: {}", error.root_cause()))
                .detail(format!("by --dir {host}")))
        }
    }
}

/// Standard output of the process. When its reader is gone, the program ends as other programs do: quietly.
///
/// WASI has no signals, so without this a program that does not look at errors of writing would go on forever.
struct Stdout;

/// Standard error of the process, likewise.
struct Stderr;

fn quiet_end(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => style::broken_pipe(),
        result => result,
    }
}

impl OutputStream for Stdout {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        quiet_end(InheritedStdout.write(buffers))
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        InheritedStdout.host_fd()
    }
}

impl OutputStream for Stderr {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        quiet_end(InheritedStderr.write(buffers))
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        InheritedStderr.host_fd()
    }
}

/// The arguments of a function from the words behind the file.
fn arguments(name: &str, ty: &FuncType, options: &RunOptions) -> Result<Vec<Val>, Report> {
    let words = options.args();
    if words.len() != ty.params().len() {
        let wanted = count(ty.params().len() as u64, "argument");
        return Err(Report::usage(format!(
            "`{name}` takes {wanted}, and {} are given",
            words.len()
        ))
        .detail(format!("its type is {}", signature(ty))));
    }
    let parse = |(i, (ty, word)): (usize, (riser::ValType, &std::ffi::OsString))| {
        let text = word.to_string_lossy();
        values::parse(&ty, &text).map_err(|message| {
            Report::usage(format!("argument {} of `{name}` must be of type {ty}", i + 1))
                .detail(message)
        })
    };
    ty.params().zip(words).enumerate().map(parse).collect()
}

/// A function type: `(i32, i32) -> f64`.
fn signature(ty: &FuncType) -> String {
    let list = |types: &mut dyn Iterator<Item = riser::ValType>| {
        let types: Vec<String> = types.map(|ty| ty.to_string()).collect();
        types.join(", ")
    };
    let params = list(&mut ty.params());
    let results = list(&mut ty.results());
    if ty.results().len() == 1 {
        format!("({params}) -> {results}")
    } else {
        format!("({params}) -> ({results})")
    }
}

/// The exported functions, for an error to list.
fn functions(program: &Loaded) -> Vec<(String, FuncType)> {
    let exports = program.module.exports().filter_map(|export| match export.ty() {
        ExternType::Func(ty) => Some((export.name().to_string(), ty)),
        _ => None,
    });
    exports.filter(|(name, _)| name != INITIALIZE).collect()
}

fn list_functions(report: Report, functions: &[(String, FuncType)]) -> Report {
    let report = functions
        .iter()
        .take(LISTED_FUNCTIONS)
        .fold(report, |report, (name, ty)| report.detail(format!("  {name} {}", signature(ty))));
    match functions.len().saturating_sub(LISTED_FUNCTIONS) {
        0 => report,
        more => report.detail(format!(
            "  and {}; `riser inspect --all` shows them",
            count(more as u64, "more function")
        )),
    }
}

fn no_function(program: &Loaded, name: &str) -> Report {
    let report = Report::new(format!("{} exports no function `{name}`", program.input.name));
    if let Some(purpose) = program.purpose() {
        return report.help(purpose.advice);
    }
    let functions = functions(program);
    if functions.is_empty() {
        return report.detail("it exports no function at all");
    }
    let near = similar(name, functions.iter().map(|(name, _)| name.as_str()));
    let report = list_functions(report.detail("it exports these functions:"), &functions);
    match near {
        Some(near) => report.help(format!("did you mean `--invoke {near}`?")),
        None => report,
    }
}

fn no_program(program: &Loaded) -> Report {
    let name = &program.input.name;
    let report = Report::new(format!("{name} is not a program: it exports no `_start`"));
    if let Some(purpose) = program.purpose() {
        return report.help(purpose.advice);
    }
    let functions = functions(program);
    let Some((first, ty)) = functions.first() else {
        return report
            .detail("it exports no function at all")
            .help(format!("`riser inspect {name}` shows what it has"));
    };
    let words: String =
        ty.params().map(|ty| format!(" {}", ty.to_string().to_uppercase())).collect();
    list_functions(report.detail("it exports these functions:"), &functions)
        .help(format!("call one with --invoke, as in `riser run --invoke {first} {name}{words}`"))
}
