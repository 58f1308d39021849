//! Imports that nothing provides: all of them at once, who needs each, and what may provide it.

use std::collections::HashMap;

use riser_module::{ElementItems, EntityIdx, EntityType, Module, ModuleError};
use riser_ops::{Features, FuncIdx};

use crate::decoded::{self, Decoded};
use crate::errors::{Report, clean, module, similar};
use crate::hosts;
use crate::input::Input;
use riser_front::Operators;

/// How many missing imports are listed: more than any module imports that could run with a few of them, fewer than
/// the tens of thousands that a module for another host may have.
const SHOWN: usize = 100;

/// The report of a module that does not fit what it was given.
pub fn link_failed(input: &Input, error: &riser::Error) -> Report {
    module::chain(Report::new(format!("{} cannot be linked: {error}", input.name)), error)
}

/// The report of imports that nothing provides. `missing` has their positions among the imports; `known` are all
/// names that were provided, each with its module.
pub fn missing_imports(
    input: &Input,
    missing: &[usize],
    known: &[(String, String)],
    verbose: bool,
) -> Report {
    let decoded = match Decoded::new(input, Features::ALL) {
        Ok(decoded) => decoded,
        Err(error) => return module::refused(input, &error),
    };
    let wanted: Vec<Wanted<'_>> = missing.iter().filter_map(|i| Wanted::at(&decoded, *i)).collect();
    let needs = Needs::of(&decoded.module);
    let report = match wanted.as_slice() {
        [one] => {
            Report::new(format!("{} imports `{}`, which nothing provides", input.name, one.path()))
                .detail(format!("it is a {} of type {}", one.kind(), one.ty))
                .detail(needs.describe(&decoded, one))
        }
        all => {
            let what = decoded::count(all.len() as u64, "thing");
            let report =
                Report::new(format!("{} imports {what} that nothing provides", input.name));
            let shown = if verbose { all.len() } else { all.len().min(SHOWN) };
            let report = all[..shown].iter().fold(report, |report, one| {
                let (kind, path, ty) = (one.kind(), one.path(), &one.ty);
                report
                    .detail(format!("{kind} `{path}`: {ty}\n    {}", needs.describe(&decoded, one)))
            });
            match all.len() - shown {
                0 => report,
                more => report.detail(format!(
                    "... and {} more; --verbose shows them",
                    decoded::number(more as u64)
                )),
            }
        }
    };
    advise(report, &decoded, &wanted, known)
}

/// The report of functions that are provided with another type. `different` has their positions among the imports, and
/// the types provided.
pub fn different_imports(input: &Input, different: &[(usize, String)]) -> Report {
    let decoded = match Decoded::new(input, Features::ALL) {
        Ok(decoded) => decoded,
        Err(error) => return module::refused(input, &error),
    };
    let what = decoded::count(different.len() as u64, "function");
    let report =
        Report::new(format!("{} imports {what} of another type than provided", input.name));
    let wanted = different.iter().filter_map(|(i, found)| Some((Wanted::at(&decoded, *i)?, found)));
    let report = wanted.fold(report, |report, (one, found)| {
        report.detail(format!("`{}`: wanted {}, provided {found}", one.path(), one.ty))
    });
    report.help("--stub-imports lets functions of another type trap when they are called")
}

/// A missing import.
struct Wanted<'a> {
    module: &'a str,
    name: &'a str,
    entity: EntityType,
    ty: String,
    /// Its function index, if it is a function.
    func: Option<FuncIdx>,
}

impl<'a> Wanted<'a> {
    fn at(decoded: &'a Decoded, position: usize) -> Option<Wanted<'a>> {
        let imports = &decoded.module.imports;
        let import = imports.get(position)?;
        let is_func = |ty| matches!(ty, EntityType::Func(_));
        let before = imports[..position].iter().filter(|import| is_func(import.ty)).count();
        Some(Wanted {
            module: &import.module,
            name: &import.name,
            entity: import.ty,
            ty: decoded.entity(import.ty),
            func: is_func(import.ty).then_some(FuncIdx(before as u32)),
        })
    }

    fn kind(&self) -> &'static str {
        decoded::kind(self.entity)
    }

    fn path(&self) -> String {
        decoded::import_path(self.module, self.name)
    }
}

/// Where imported functions are used.
struct Needs {
    /// The first body that names each function, and the offset.
    bodies: HashMap<FuncIdx, (FuncIdx, usize)>,
    /// Functions in element segments.
    elements: Vec<FuncIdx>,
    /// Functions that are exported again.
    exports: Vec<FuncIdx>,
}

impl Needs {
    fn of(module: &Module) -> Needs {
        let mut needs = Needs { bodies: HashMap::new(), elements: Vec::new(), exports: Vec::new() };
        for (body, func) in module.bodies.iter().zip(module.imported.funcs..) {
            let Ok((_, operators)) = Operators::new(module, *body) else { continue };
            for seen in operators.map_while(Result::<_, ModuleError>::ok) {
                let Some(named) = seen.func().filter(|named| module.is_imported(*named)) else {
                    continue;
                };
                needs.bodies.entry(named).or_insert((FuncIdx(func), seen.offset));
            }
        }
        for segment in &module.elements {
            if let ElementItems::Funcs(funcs) = &segment.items {
                needs.elements.extend(funcs.iter().filter(|func| module.is_imported(**func)));
            }
        }
        let exported = module.exports.iter().filter_map(|export| match export.item {
            EntityIdx::Func(func) => Some(func),
            _ => None,
        });
        needs.exports.extend(exported);
        needs
    }

    fn describe(&self, decoded: &Decoded, wanted: &Wanted<'_>) -> String {
        let Some(func) = wanted.func else { return "the whole module needs it".into() };
        if let Some((user, offset)) = self.bodies.get(&func) {
            return format!("needed by {} at offset {offset:#x}", decoded.func_label(*user));
        }
        if self.elements.contains(&func) {
            return "needed by a table, to be called through a pointer".into();
        }
        if self.exports.contains(&func) {
            return "exported again".into();
        }
        "no function calls it".into()
    }
}

fn advise(
    mut report: Report,
    decoded: &Decoded,
    wanted: &[Wanted<'_>],
    known: &[(String, String)],
) -> Report {
    if let Some(purpose) = hosts::purpose(&decoded.module) {
        return report.help(purpose.advice);
    }
    let mut modules: Vec<&str> = wanted.iter().map(|one| one.module).collect();
    modules.sort_unstable();
    modules.dedup();
    for name in modules {
        let here: Vec<_> = wanted.iter().filter(|one| one.module == name).collect();
        report = match name {
            "wasi" => {
                report.help("all that WASI 0.1 has besides its functions is `wasi.thread-spawn`")
            }
            "wasi_snapshot_preview1" | "wasi_unstable" => wasi_advice(report, &here, known),
            _ => {
                let name = clean(name);
                report.help(format!("give the module that exports it with --link {name}=FILE.wasm"))
            }
        };
    }
    if wanted.iter().any(|one| one.func.is_some()) {
        report =
            report.help("--stub-imports lets functions that are missing trap when they are called");
    }
    report
}

/// What to say of functions that are imported from a module of WASI, and not there.
fn wasi_advice(mut report: Report, wanted: &[&Wanted<'_>], known: &[(String, String)]) -> Report {
    let mut sockets = Vec::new();
    let mut strange = Vec::new();
    for one in wanted {
        let names =
            known.iter().filter(|(module, _)| module == one.module).map(|(_, name)| name.as_str());
        match similar(one.name, names) {
            Some(name) => {
                report = report.help(format!("WASI has no `{}`; there is `{name}`", one.name))
            }
            None if one.name.starts_with("sock_") => sockets.push(one.name),
            None => strange.push(format!("`{}`", one.name)),
        }
    }
    if !sockets.is_empty() {
        report = report.help("the functions of sockets are an extension by WasmEdge, which is not there; a program that\ndoes not use the network runs without them");
    }
    match strange.is_empty() {
        true => report,
        false => report.help(format!("WASI 0.1 as riser has it knows no {}", strange.join(", "))),
    }
}
