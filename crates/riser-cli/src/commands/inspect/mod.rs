//! `riser inspect`: what a module consists of, for people (`text.rs`) or programs (`json.rs`); what the compilers
//! make of a function (`code.rs`, `listing.rs`).
//!
//! The module is decoded here and not given to an engine, so one that riser cannot run is shown too.

mod code;
mod json;
mod listing;
mod needs;
mod text;

use riser_front::validate_bodies;
use riser_module::{EntityIdx, EntityType, Module, ModuleError, Section};
use riser_ops::{Features, FuncIdx};

use crate::decoded::{Decoded, count};
use crate::errors::{Report, refused};
use crate::hosts;
use crate::input::Input;
use crate::options::{General, InspectOptions, ShownCompiler};
use crate::progress::Progress;
use crate::proposals::Proposals;
use crate::style;

/// How many of the largest functions are shown.
const LARGEST: usize = 10;

/// Runs the command.
pub fn run(options: &InspectOptions, general: &General) -> Result<i32, Report> {
    let what = format!("looking into {}", options.file.display());
    let progress = Progress::start(what, general.quiet);
    let input = Input::load(&options.file)?;
    let assembly = match options.compiler {
        ShownCompiler::Opt => code::Form::Assembly,
        ShownCompiler::Baseline => code::Form::Baseline,
    };
    let func = options.clif.as_ref().map(|func| (func, code::Form::Clif));
    if let Some((func, form)) = func.or(options.asm.as_ref().map(|func| (func, assembly))) {
        code::show(&input, func, form)?;
        return Ok(0);
    }
    let decoded = Decoded::new(&input, Features::ALL).map_err(|error| refused(&input, &error))?;
    let inspection = Inspection::new(&input, &decoded);
    drop(progress);
    match options.json {
        true => style::print_bytes(json::render(&inspection).as_bytes()),
        false => style::print(&text::render(&inspection, options.all)),
    }
    Ok(0)
}

/// What was found.
struct Inspection<'a> {
    input: &'a Input,
    decoded: &'a Decoded,
    proposals: Proposals,
    /// What is wrong with the bodies, if something is.
    invalid: Option<ModuleError>,
    /// The functions with the longest bodies, longest first.
    largest: Vec<FuncIdx>,
}

impl Inspection<'_> {
    fn new<'a>(input: &'a Input, decoded: &'a Decoded) -> Inspection<'a> {
        let module = &decoded.module;
        let invalid = validate_bodies(module).err();
        Inspection {
            input,
            decoded,
            proposals: Proposals::of(module),
            invalid,
            largest: largest(module),
        }
    }

    fn module(&self) -> &Module {
        &self.decoded.module
    }

    /// What sort of module this is, by what it imports and exports.
    fn kind(&self) -> &'static str {
        let module = self.module();
        let imports =
            |start: &str| module.imports.iter().any(|import| import.module.starts_with(start));
        let exports = |name: &str| matches!(module.export(name), Some(EntityIdx::Func(_)));
        let wasi = imports("wasi_snapshot_preview1") || imports("wasi_unstable");
        if let Some(purpose) = hosts::purpose(module) {
            purpose.what
        } else if exports("_start") {
            if wasi { "WASI 0.1 command" } else { "command" }
        } else if exports("_initialize") {
            if wasi { "WASI 0.1 reactor" } else { "reactor" }
        } else if wasi {
            "library for WASI 0.1"
        } else {
            "library"
        }
    }
}

fn largest(module: &Module) -> Vec<FuncIdx> {
    let mut funcs: Vec<FuncIdx> =
        (module.imported.funcs..module.funcs.len() as u32).map(FuncIdx).collect();
    let size = |func: &FuncIdx| module.body(*func).map_or(0, |body| body.len());
    // A stable order among equals, so that the output is always the same.
    funcs.sort_by_key(|func| (std::cmp::Reverse(size(func)), func.0));
    funcs.truncate(LARGEST);
    funcs
}

/// The name of a section; for a custom one, that it is custom.
fn section_name(section: &Section) -> &'static str {
    match section.id {
        0 => "custom",
        1 => "type",
        2 => "import",
        3 => "function",
        4 => "table",
        5 => "memory",
        6 => "global",
        7 => "export",
        8 => "start",
        9 => "element",
        10 => "code",
        11 => "data",
        12 => "data count",
        13 => "tag",
        _ => "unknown",
    }
}

/// The custom section that a section is, as a position among them.
fn custom_position(module: &Module, position: usize) -> usize {
    module.sections[..position].iter().filter(|section| section.id == 0).count()
}

/// How many entries a section has, with their noun.
fn section_entries(module: &Module, section: &Section) -> String {
    let imported = module.imported;
    let defined = |all: usize, imported: u32| (all - imported as usize) as u64;
    match section.id {
        1 => count(module.types.len() as u64, "type"),
        2 => count(module.imports.len() as u64, "import"),
        3 => count(defined(module.funcs.len(), imported.funcs), "function"),
        4 => count(defined(module.tables.len(), imported.tables), "table"),
        5 => count(defined(module.memories.len(), imported.memories), "memory"),
        6 => count(defined(module.globals.len(), imported.globals), "global"),
        7 => count(module.exports.len() as u64, "export"),
        9 => count(module.elements.len() as u64, "segment"),
        10 => count(module.bodies.len() as u64, "body"),
        11 => count(module.data_len() as u64, "segment"),
        13 => count(defined(module.tags.len(), imported.tags), "tag"),
        _ => String::new(),
    }
}

/// The imports of the module, each with its position in its index space.
fn numbered_imports(module: &Module) -> Vec<(u32, EntityType)> {
    let mut next = [0u32; 5];
    let number = |ty: EntityType| {
        let space = match ty {
            EntityType::Func(_) => 0,
            EntityType::Table(_) => 1,
            EntityType::Memory(_) => 2,
            EntityType::Global(_) => 3,
            EntityType::Tag(_) => 4,
        };
        next[space] += 1;
        (next[space] - 1, ty)
    };
    module.imports.iter().map(|import| import.ty).map(number).collect()
}

/// The position in its index space of what is exported.
fn position(item: EntityIdx) -> u32 {
    match item {
        EntityIdx::Func(i) => i.0,
        EntityIdx::Table(i) => i.0,
        EntityIdx::Memory(i) => i.0,
        EntityIdx::Global(i) => i.0,
        EntityIdx::Tag(i) => i.0,
    }
}
