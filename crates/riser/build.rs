//! Says to the rest of the crate whether this platform can run compiled code: where `Cargo.toml` names the compiler.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(riser_compiled)");
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, values: &[&str]| {
        std::env::var(variable).is_ok_and(|value| values.contains(&value.as_str()))
    };
    let portable = std::env::var_os("CARGO_CFG_RISER_PORTABLE").is_some();
    if !portable
        && is("CARGO_CFG_TARGET_OS", &["linux"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
    {
        println!("cargo::rustc-cfg=riser_compiled");
    }
    println!("cargo::rustc-env=RISER_SOURCES={:016x}", sources());
}

/// The crates on which compiled code depends: those that make it, and those that it runs with.
const CRATES: [&str; 10] =
    ["ops", "numerics", "abi", "module", "front", "code", "baseline", "opt", "sys", "vm"];

/// A hash of what code is made by, since code that is kept must not be run by a program that would make another: the sources, if this is
/// built where they are. (Elsewhere the version says it.)
fn sources() -> u64 {
    let mut hasher = DefaultHasher::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in CRATES {
        add(&mut hasher, &crates.join(format!("riser-{name}/src")));
    }
    add(&mut hasher, &crates.join("../Cargo.lock"));
    hasher.finish()
}

/// Adds a file or a folder.
fn add(hasher: &mut DefaultHasher, path: &Path) {
    if let Ok(entries) = path.read_dir() {
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| add(hasher, path));
    } else if let Ok(content) = fs::read(path) {
        println!("cargo::rerun-if-changed={}", path.display());
        path.file_name().hash(hasher);
        content.hash(hasher);
    }
}
