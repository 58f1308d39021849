//! The ladder: one small module per feature in `ladder/`, and beside each what every stage makes of it.
//!
//! For each function that has a body, `NAME.txt` has what a sink hears of it and the interpreter's code, `NAME.clif` what the optimizing
//! compiler makes of it for Cranelift, and `NAME.x86-64`, `NAME.riscv64` and `NAME.s390x` the machine code that Cranelift makes of that, and `NAME.baseline` that of the baseline compiler. (Machines
//! with the least extensions that Riser asks for, so that nothing depends on where the test runs.) A change of the walker, of lowering or of translation
//! shows here as a difference that can be read, and so does another version of Cranelift; `BLESS=1 cargo test -p riser-testkit --test ladder` accepts
//! it. `docs/tour.md` explains the text.
//!
//! `convention.rs` beside this does the same for how functions call each other.

mod stages;

use riser_module::Module;
use riser_opt::{CompileContext, CompileError, Compiler};
use riser_testkit::golden;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ladder")
}

/// The files with this extension, sorted, without it.
fn names(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of the ladder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<PathBuf> = paths
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .map(|path| path.with_extension(""))
        .collect();
    names.sort();
    names
}

fn decode(path: &Path) -> Arc<Module> {
    let bytes = wat::parse_file(path).unwrap_or_else(|error| panic!("{error}"));
    stages::decode(&bytes)
}

/// The events and the interpreter's code of a module.
fn describe(path: &Path) -> String {
    let module = decode(path);
    let interp = stages::interpreted(&module);
    let mut text = String::new();
    for defined in 0..module.bodies.len() as u32 {
        let func = module.imported.funcs + defined;
        let body = module.bodies[defined as usize];
        writeln!(text, "== func {func}: {} bytes, events", body.len()).unwrap();
        text += &stages::events(&module, defined);
        writeln!(text, "\n== func {func}: interpreter").unwrap();
        text += &interp.disassemble(defined);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What a compiler makes of each function of a module.
fn compiled(
    path: &Path,
    compiler: &Compiler,
    text: impl Fn(&mut CompileContext, &Module, u32) -> Result<String, CompileError>,
) -> String {
    let mut module = Arc::into_inner(decode(path)).expect("nobody else has it");
    let writes = riser_front::validate_bodies(&module).expect("a rung is valid");
    module.set_table_writes(writes);
    let mut context = compiler.new_context();
    let mut all = String::new();
    for defined in 0..module.bodies.len() as u32 {
        let func = module.imported.funcs + defined;
        let code = text(&mut context, &module, defined);
        let code = code.unwrap_or_else(|error| panic!("{}, func {func}: {error}", path.display()));
        writeln!(all, "== func {func}\n{}\n", code.trim_end()).unwrap();
    }
    all.truncate(all.trim_end().len());
    all.push('\n');
    all
}

/// Compares a golden file of each rung, and that there are no others.
fn check_rungs(extension: &str, describe: impl Fn(&Path) -> String) {
    let rungs = names("wat");
    assert!(rungs.len() >= 20, "the ladder lost rungs: {} are left", rungs.len());
    for rung in &rungs {
        golden::check(rung.with_extension(extension), &describe(&rung.with_extension("wat")));
    }
    assert_eq!(names(extension), rungs, "each golden file has its module");
}

#[test]
fn every_rung_is_as_recorded() {
    check_rungs("txt", describe);
}

#[test]
fn every_rung_is_translated_as_recorded() {
    let compiler = stages::compiler("x86_64-unknown-linux-gnu");
    // What Cranelift makes of it shows in the machine code.
    let before =
        |text: String| text.split("\n; optimized\n").next().unwrap_or_default().to_string();
    check_rungs("clif", |path| {
        compiled(path, &compiler, |cx, module, defined| {
            compiler.clif(cx, module, defined).map(before)
        })
    });
}

#[test]
fn every_rung_is_compiled_as_recorded() {
    for (extension, triple) in [
        ("x86-64", "x86_64-unknown-linux-gnu"),
        ("riscv64", "riscv64gc-unknown-linux-gnu"),
        ("s390x", "s390x-unknown-linux-gnu"),
    ] {
        let compiler = stages::compiler(triple);
        check_rungs(extension, |path| {
            compiled(path, &compiler, |cx, module, defined| compiler.assembly(cx, module, defined))
        });
    }
}

#[test]
fn every_rung_is_compiled_by_the_baseline_compiler_as_recorded() {
    check_rungs("baseline", |path| {
        let module = decode(path);
        riser_front::validate_bodies(&module).expect("a rung is valid");
        let mut all = String::new();
        for defined in 0..module.bodies.len() as u32 {
            let func = module.imported.funcs + defined;
            let code = stages::baseline(&module, defined);
            writeln!(all, "== func {func}\n{}\n", code.trim_end()).unwrap();
        }
        all.truncate(all.trim_end().len());
        all.push('\n');
        all
    });
}
