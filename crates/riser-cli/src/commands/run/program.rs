//! The module that runs: reading it, what of it is called, and with which arguments.

use std::path::Path;
use std::time::Instant;

use riser::{Engine, ExternType, FuncType, Module, Val};
use riser_ops::Features;

use crate::decoded::{Decoded, count};
use crate::errors::{Report, module_failed, similar, warn};
use crate::hosts::{self, Purpose};
use crate::input::{self, Content, Input};
use crate::options::{General, RunOptions};
use crate::progress::Progress;
use crate::style;
use crate::values;

/// The modules that WASI 0.1 is imported from.
pub const WASI_MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// What commands export.
pub const START: &str = "_start";
/// What reactors export, to be called before anything else.
pub const INITIALIZE: &str = "_initialize";

/// Most functions that an error lists.
const LISTED_FUNCTIONS: usize = 20;

/// A module and where it came from.
pub struct Loaded {
    /// The bytes.
    pub input: Input,
    /// The module made of them.
    pub module: Module,
}

impl Loaded {
    /// Reads and validates a file.
    pub fn new(engine: &Engine, file: &Path, general: &General) -> Result<Loaded, Report> {
        let start = Instant::now();
        let what = format!("reading and checking {}", file.display());
        let progress = Progress::start(what, general.quiet || file.as_os_str() == "-");
        let (input, module) = match input::content_of_file(file) {
            Some(Content::Compiled) => compiled(engine, file, general.quiet)?,
            Some(Content::Binary) => binary(engine, file)?,
            _ => read(engine, Input::load(file)?)?,
        };
        drop(progress);
        if general.verbose {
            let bytes = count(input.bytes.len() as u64, "byte");
            let time = start.elapsed().as_secs_f64() * 1e3;
            style::eprint(&format!("riser: {}: {bytes}, ready in {time:.1} ms\n", input.name));
        }
        Ok(Loaded { input, module })
    }

    /// The same module for another engine.
    pub fn again(self, engine: &Engine, file: &Path) -> Result<Loaded, Report> {
        // What cannot be used was said the first time.
        let (input, module) = match self.input.from_compiled {
            true => compiled(engine, file, true)?,
            false => read(engine, self.input)?,
        };
        Ok(Loaded { input, module })
    }

    /// Whether it asks for WASI 0.1.
    pub fn imports_wasi(&self) -> bool {
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

/// A file of compiled code. If it is for another machine, the module in it runs.
fn compiled(engine: &Engine, file: &Path, quiet: bool) -> Result<(Input, Module), Report> {
    match Module::run_compiled_file(engine, file) {
        Ok(module) => {
            let bytes = module.decoded().bytes.clone();
            let input = Input::new(input::display_name(file), bytes);
            Ok((Input { from_compiled: true, ..input }, module))
        }
        Err(error) => {
            let input = Input::load(file)?;
            if !quiet && engine.is_compiled() {
                warn(&format!("the code in {} is not used: {}", input.name, error.root_cause()));
            }
            read(engine, input)
        }
    }
}

/// A binary in a file, which a cache may know.
fn binary(engine: &Engine, file: &Path) -> Result<(Input, Module), Report> {
    match Module::from_file(engine, file) {
        Ok(module) => {
            let bytes = module.decoded().bytes.clone();
            Ok((Input::new(input::display_name(file), bytes), module))
        }
        // What is wrong is told better with the bytes at hand.
        Err(_) => read(engine, Input::load(file)?),
    }
}

/// What was read already.
fn read(engine: &Engine, input: Input) -> Result<(Input, Module), Report> {
    let module =
        Module::from_binary(engine, &input.bytes).map_err(|error| module_failed(&input, &error))?;
    // The module has its own copy: ours need not take memory while the program runs.
    let bytes = module.decoded().bytes.clone();
    Ok((Input { bytes, ..input }, module))
}

/// What to call once the module is instantiated.
pub enum Entry {
    /// `_start`.
    Command,
    /// A function with these arguments.
    Function {
        /// Its name.
        name: String,
        /// The arguments.
        args: Vec<Val>,
    },
    /// Nothing: the module did what it does when it was instantiated.
    Nothing,
}

impl Entry {
    /// What the options and the exports say.
    pub fn of(options: &RunOptions, program: &Loaded) -> Result<Entry, Report> {
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
    pub fn takes_args(&self) -> bool {
        !matches!(self, Entry::Function { .. })
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
pub fn signature(ty: &FuncType) -> String {
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

/// The report of a function that is not there.
pub fn no_function(program: &Loaded, name: &str) -> Report {
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
