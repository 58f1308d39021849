//! The interpreter's code takes at most four times the bytes of the bodies it was made from: in our kernels and guests,
//! and in the installed real programs.

use riser_interp::{InterpModule, InterpOptions};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{CompositeKind, Features};
use riser_testkit::corpus;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files beyond this size are left out: they would tell nothing new, in minutes.
const FILE_BYTES_MAX: u64 = 30_000_000;

/// All modules below `folder`.
fn modules(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.unwrap()) {
        let path = entry.path();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            modules(&path, found);
        } else if path.extension().is_some_and(|end| end == "wasm")
            && metadata.len() <= FILE_BYTES_MAX
        {
            found.push(path);
        }
    }
}

/// Bytes of bodies, and of the code made from all of them.
struct Sizes {
    bodies: u64,
    code: u64,
    has_objects: bool,
}

/// The sizes of a file; `None` for what is no core module.
fn sizes(path: &Path) -> Option<Sizes> {
    let bytes = ModuleBytes::new(fs::read(path).unwrap());
    let registry = TypeRegistry::new();
    let module = Module::decode(bytes, &registry, Features::ALL, &ModuleLimits::DEFAULT).ok()?;
    riser_front::validate_bodies(&module).unwrap();
    // What has objects of the garbage collector cannot be executed yet: it is shown, not judged.
    let has_objects = module.types.iter().any(|ty| ty.ty.composite.kind() != CompositeKind::Func);
    let bodies = module.bodies.iter().map(|body| u64::from(body.len())).sum();
    let count = module.bodies.len() as u32;
    let code = InterpModule::new(Arc::new(module), InterpOptions::default());
    (0..count).for_each(|defined| code.lower(defined));
    Some(Sizes { bodies, code: code.code_bytes() as u64, has_objects })
}

/// What a module of some ten functions may take beyond that: what each has whatever its size.
const SMALL: u64 = 256;

#[test]
fn code_takes_at_most_four_times_the_bytes_of_bodies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for folder in [root.join("bench/kernels"), root.join("guests"), corpus::folder()] {
        modules(&folder, &mut paths);
    }
    let mut checked = 0;
    for path in paths {
        let Some(Sizes { bodies, code, has_objects }) = sizes(&path) else { continue };
        let ratio = code as f64 / bodies as f64;
        println!("{ratio:.2}  {bodies:>9} bytes of bodies  {}", path.display());
        assert!(has_objects || code <= 4 * bodies + SMALL, "{}: {ratio:.2}", path.display());
        checked += 1;
    }
    assert!(checked >= 16, "the kernels are there");
}
