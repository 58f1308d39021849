//! `riser inspect --clif`, `--asm`: what the compiler makes of a function.

use riser_front::validate_bodies;
use riser_module::EntityIdx;
use riser_ops::{Features, FuncIdx};
use riser_opt::{Compiler, OptOptions};

use crate::decoded::{Decoded, count};
use crate::errors::{Report, refused, similar};
use crate::input::Input;
use crate::style;

/// What is shown of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The intermediate representation.
    Clif,
    /// The machine code.
    Assembly,
}

/// Prints a function that is named by its index or its name.
pub fn show(input: &Input, func: &str, form: Form) -> Result<(), Report> {
    let decoded = Decoded::new(input, Features::ALL).map_err(|error| refused(input, &error))?;
    let module = &decoded.module;
    let func = find(input, &decoded, func)?;
    let label = decoded.func_label(func);
    let Some(defined) = func.0.checked_sub(module.imported.funcs) else {
        return Err(Report::new(format!("{label} is imported: {} has no code of it", input.name)));
    };
    // Compilers rely on that.
    validate_bodies(module).map_err(|error| refused(input, &error))?;
    let compiler = Compiler::host(OptOptions::default())
        .map_err(|error| Report::new(format!("there is no compiler for this machine: {error}")))?;
    let mut context = compiler.new_context();
    let text = match form {
        Form::Clif => compiler.clif(&mut context, module, defined),
        Form::Assembly => compiler.assembly(&mut context, module, defined),
    };
    let text = text.map_err(|error| Report::new(format!("{label} of {}: {error}", input.name)))?;
    let comment = if form == Form::Clif { ";" } else { "#" };
    let text = format!(
        "{comment} {label}: {}\n{}\n",
        decoded.func_type_at(module.funcs[func.index()]),
        text.trim_end()
    );
    style::print_bytes(text.as_bytes());
    Ok(())
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
    let report = Report::new(format!("{} has no function `{name}`", input.name));
    match similar(name, named().map(|(_, name)| name)) {
        Some(near) => Err(report.help(format!("did you mean `{near}`?"))),
        None => Err(report.help("name it as backtraces do, or give its index")),
    }
}
