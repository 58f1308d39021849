//! The ladder: one small module per feature in `ladder/`, and beside each what every stage makes of it.
//!
//! The golden file of `NAME.wat` is `NAME.txt`: for each function that has a body, what a sink hears of it and
//! the interpreter's code. A change of the walker or of lowering shows here as a difference that can be
//! read; `BLESS=1 cargo test -p riser-testkit --test ladder` accepts it. `docs/tour.md` explains the text.

mod stages;

use riser_testkit::golden;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

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

/// All stages of a module.
fn describe(path: &Path) -> String {
    let bytes = wat::parse_file(path).unwrap_or_else(|error| panic!("{error}"));
    let module = stages::decode(&bytes);
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

#[test]
fn every_rung_is_as_recorded() {
    let rungs = names("wat");
    assert!(rungs.len() >= 12, "the ladder lost rungs: {} are left", rungs.len());
    for rung in &rungs {
        golden::check(rung.with_extension("txt"), &describe(&rung.with_extension("wat")));
    }
    assert_eq!(names("txt"), rungs, "each golden file has its module");
}
