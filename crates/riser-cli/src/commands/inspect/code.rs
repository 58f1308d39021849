//! `riser inspect --clif`, `--asm`: what the compiler makes of a function.

use riser_baseline::asm::CpuFeatures;
use riser_code::{CodeOptions, CompileError};
use riser_front::validate_bodies;
use riser_module::{EntityIdx, Module};
use riser_ops::{Features, FuncIdx};
use riser_opt::Compiler;

use crate::decoded::{Decoded, count};
use crate::errors::{Report, refused, similar};
use crate::input::Input;
use crate::style;

use super::listing::listing;

/// What is shown of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The intermediate representation.
    Clif,
    /// The optimizing compiler's machine code.
    Assembly,
    /// The baseline compiler's.
    Baseline,
}

/// Prints a function that is named by its index or its name.
pub fn show(input: &Input, func: &str, form: Form) -> Result<(), Report> {
    let mut decoded = Decoded::new(input, Features::ALL).map_err(|error| refused(input, &error))?;
    // Compilers rely on that.
    let writes = validate_bodies(&decoded.module).map_err(|error| refused(input, &error))?;
    decoded.module.set_table_writes(writes);
    let module = &decoded.module;
    let func = find(input, &decoded, func)?;
    let label = decoded.func_label(func);
    let Some(defined) = func.0.checked_sub(module.imported.funcs) else {
        return Err(Report::new(format!("{label} is imported: {} has no code of it", input.name)));
    };
    let refused = |error: CompileError| Report::new(format!("{label} of {}: {error}", input.name));
    let text = match form {
        Form::Baseline => baseline(module, func, defined, refused)?,
        Form::Clif | Form::Assembly => optimized(module, func, defined, form, refused)?,
    };
    let comment = if form == Form::Clif { ";" } else { "#" };
    let heading =
        format!("{comment} {label}: {}", decoded.func_type_at(module.funcs[func.index()]));
    style::print(&format!("{}\n{}\n", style::styled(style::HEADING, heading), text.trim_end()));
    Ok(())
}

/// What the optimizing compiler makes of a function.
fn optimized(
    module: &Module,
    func: FuncIdx,
    defined: u32,
    form: Form,
    refused: impl Fn(CompileError) -> Report,
) -> Result<String, Report> {
    let compiler = Compiler::host(CodeOptions::default())
        .map_err(|error| Report::new(format!("there is no compiler for this machine: {error}")))?;
    let mut context = compiler.new_context();
    if form == Form::Clif {
        let clif = compiler.clif(&mut context, module, defined).map_err(refused)?;
        return Ok(positions(&clif));
    }
    let artifact = compiler.function(&mut context, module, defined).map_err(&refused)?;
    match listing(module, func, &artifact) {
        Some(text) => Ok(text),
        None => compiler.assembly(&mut context, module, defined).map_err(refused),
    }
}

/// What the baseline compiler makes of a function that counts what it executes.
fn baseline(
    module: &Module,
    func: FuncIdx,
    defined: u32,
    refused: impl Fn(CompileError) -> Report,
) -> Result<String, Report> {
    let none = || Report::new("there is no baseline compiler for this machine");
    let features = CpuFeatures::find(riser_sys::x86_64_extension).ok_or_else(none)?;
    let compiler = riser_baseline::Compiler::new(CodeOptions::default(), features);
    let compiler = compiler.counting(riser_baseline::Budgets::USUAL).noting_operators();
    let made = compiler.function(&mut compiler.new_context(), module, defined);
    listing(module, func, &made.map_err(refused)?).ok_or_else(none)
}

/// CLIF, in which the offsets of operators stand out.
fn positions(clif: &str) -> String {
    let line = |line: &str| match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
        Some((offset, rest)) => {
            format!("{} {rest}\n", style::styled(style::NAME, format!("@{offset}")))
        }
        None => format!("{line}\n"),
    };
    clif.lines().map(line).collect()
}

/// The function that is meant.
fn find(input: &Input, decoded: &Decoded, func: &str) -> Result<FuncIdx, Report> {
    let module = &decoded.module;
    let all = module.funcs.len() as u32;
    if let Ok(index) = func.parse::<u32>() {
        return (index < all).then_some(FuncIdx(index)).ok_or_else(|| {
            Report::new(format!("{} has no function {index}", input.name))
                .detail(format!("it has {}, counted from 0", count(all.into(), "function")))
        });
    }
    let name = func.strip_prefix('$').unwrap_or(func);
    if let Some(EntityIdx::Func(func)) = module.export(name) {
        return Ok(func);
    }
    let named = || decoded.names().funcs().filter(|(func, _)| func.0 < all);
    if let Some((func, _)) = named().find(|(_, other)| *other == name) {
        return Ok(func);
    }
    // People copy names from backtraces, where they are demangled.
    let shown = |func: FuncIdx| decoded.func_name(func).is_some_and(|other| other == name);
    if let Some(func) = (0..all).map(FuncIdx).find(|&func| shown(func)) {
        return Ok(func);
    }
    // Profilers show functions without a name by their index.
    let index = name.strip_prefix("wasm[").and_then(|rest| rest.strip_suffix(']'));
    if let Some(index) = index.and_then(|index| index.parse().ok()).filter(|&index| index < all) {
        return Ok(FuncIdx(index));
    }
    let report = Report::new(format!("{} has no function `{name}`", input.name));
    let shown: Vec<String> = (0..all).filter_map(|func| decoded.func_name(FuncIdx(func))).collect();
    let near = near(name, &shown, &named().map(|(_, name)| name).collect::<Vec<_>>());
    Err(report.help(match near.is_empty() {
        true => "name it as backtraces do, or give its index".to_string(),
        false => format!("did you mean {}?", near.join(" or ")),
    }))
}

/// As many suggestions as a person reads.
const NEAR_MAX: usize = 5;

/// What somebody may have meant: a name that is similar, or else names that contain what was given.
fn near(name: &str, shown: &[String], raw: &[&str]) -> Vec<String> {
    let quoted = |name: &str| format!("`{name}`");
    let all = shown.iter().map(String::as_str).chain(raw.iter().copied());
    if let Some(similar) = similar(name, all) {
        return vec![quoted(similar)];
    }
    let lower = name.to_lowercase();
    let contains = |shown: &&String| shown.to_lowercase().contains(&lower);
    let mut found: Vec<&String> =
        shown.iter().filter(|_| !lower.is_empty()).filter(contains).collect();
    // What is added to the name is least in the likeliest.
    found.sort_by_key(|name| name.len());
    found.dedup();
    found.iter().take(NEAR_MAX).map(|name| quoted(name)).collect()
}
