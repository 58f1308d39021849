//! Imports that nothing provides: all of them at once, who needs each, and what may provide it.

use std::collections::HashMap;

use riser_module::{ElementItems, EntityIdx, EntityType, Module, ModuleError};
use riser_ops::{Features, FuncIdx};

use crate::decoded::{self, Decoded};
use crate::errors::{Report, module, similar};
use crate::input::Input;
use riser_front::Operators;

/// The report of a module that does not fit what it was given.
pub fn link_failed(input: &Input, error: &riser::Error) -> Report {
    module::chain(Report::new(format!("{} cannot be linked: {error}", input.name)), error)
}

/// The report of imports that nothing provides. `missing` has their positions among the imports; `known` are all
/// names that were provided, each with its module.
pub fn missing_imports(input: &Input, missing: &[usize], known: &[(String, String)]) -> Report {
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
            all.iter().fold(report, |report, one| {
                let (kind, path, ty) = (one.kind(), one.path(), &one.ty);
                report
                    .detail(format!("{kind} `{path}`: {ty}\n    {}", needs.describe(&decoded, one)))
            })
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
        format!("{}.{}", self.module, self.name)
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

/// What to do with an object file.
pub const OBJECT_FILE: &str = "this is an object file, not a program yet: link it with wasm-ld";

/// Modules of hosts that are not here, by the beginning of the name of the module that is imported.
const OTHER_HOSTS: [(&str, &str); 10] = [
    ("wasi:", "this is part of a component for WASI 0.2; build for wasm32-wasip1 instead"),
    (
        "wasix_",
        "this is an extension of WASI that riser does not have; build for wasm32-wasip1 instead",
    ),
    (
        "wbg",
        "wasm-bindgen made this module for JavaScript; build it for wasm32-wasip1 without wasm-bindgen",
    ),
    (
        "__wbindgen",
        "wasm-bindgen made this module for JavaScript; build it for wasm32-wasip1 without wasm-bindgen",
    ),
    ("gojs", "Go made this module for JavaScript; build it with GOOS=wasip1"),
    ("go", "Go made this module for JavaScript; build it with GOOS=wasip1"),
    ("asyncify", "this module expects Binaryen's Asyncify runtime in JavaScript"),
    ("GOT.", "this is a dynamic library for Emscripten; link it statically"),
    ("spectest", "this is for test scripts; run them with `riser wast`"),
    (
        "a",
        "this looks like a module for JavaScript made by Emscripten; build it with -sSTANDALONE_WASM",
    ),
];

fn advise(
    mut report: Report,
    decoded: &Decoded,
    wanted: &[Wanted<'_>],
    known: &[(String, String)],
) -> Report {
    if decoded.is_object_file() {
        return report.help(OBJECT_FILE);
    }
    let mut modules: Vec<&str> = wanted.iter().map(|one| one.module).collect();
    modules.dedup();
    modules.sort_unstable();
    modules.dedup();
    let mut others = Vec::new();
    for name in modules {
        let here = wanted.iter().filter(|one| one.module == name);
        let host = OTHER_HOSTS.iter().find(|(start, _)| match start.len() {
            1 | 2 => name == *start,
            _ => name.starts_with(start),
        });
        if let Some((_, advice)) = host {
            report = report.help(*advice);
        } else if name.starts_with("wasi_snapshot_preview") || name == "wasi_unstable" {
            report = wasi_advice(report, &here.collect::<Vec<_>>(), known);
        } else if name == "wasi" {
            report = report.help("threads of WASI 0.1 are not there yet");
        } else {
            if here
                .clone()
                .any(|one| one.name.starts_with("emscripten_") || one.name == "__main_argc_argv")
            {
                report = report.help(
                    "Emscripten made this module for JavaScript; build it with -sSTANDALONE_WASM",
                );
            }
            others.push(name);
        }
    }
    if let [name, ..] = others.as_slice() {
        report =
            report.help(format!("give the module that exports it with --link {name}=FILE.wasm"));
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
