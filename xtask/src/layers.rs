//! `cargo xtask layers`: each crate mentions only lower layers, and a foreign crate stays at its border.
//!
//! The layer of a crate is the number in its `Cargo.toml` under `[package.metadata.riser]`. A dependency of a
//! crate on another one of the same or a higher layer is rejected, so the crates can be read in the order of
//! their numbers. A foreign crate may be named only by the crates that [`BORDERS`] gives for it, so that
//! replacing it touches one place. Development dependencies may be any foreign crate, and lower crates of ours.
//! What cargo says about the workspace is the input; no manifest is parsed here.

use crate::tree;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The highest layer that must build without the standard library.
const NO_STD_UP_TO: u64 = 5;

/// Crates of these layers that are no part of a build without an operating system.
const HOSTED: &[&str] = &["riser-opt"];

/// A foreign crate that ordinary code may use, and where.
struct Border {
    foreign: &'static str,
    crates: &'static [&'static str],
    why: &'static str,
}

/// The foreign crates. One that is not listed may be a development dependency only.
const BORDERS: &[Border] = &[
    Border {
        foreign: "hashbrown",
        crates: &["riser-module", "riser-front", "riser-interp"],
        why: "hash tables without the standard library",
    },
    Border {
        foreign: "spin",
        crates: &["riser-module", "riser-interp"],
        why: "a lock without the standard library",
    },
    Border {
        foreign: "libm",
        crates: &["riser-numerics"],
        why: "square root and fused multiply-add where there is no std",
    },
    Border {
        foreign: "libc",
        crates: &["riser-sys", "riser-wasi"],
        why: "system calls that rustix does not have",
    },
    Border { foreign: "rustix", crates: &["riser-sys", "riser-wasi"], why: "system calls" },
    Border { foreign: "cranelift-codegen", crates: &["riser-opt"], why: "the optimizing back end" },
    Border {
        foreign: "cranelift-frontend",
        crates: &["riser-opt"],
        why: "the optimizing back end",
    },
    Border { foreign: "cranelift-native", crates: &["riser-opt"], why: "what this machine can" },
    Border { foreign: "target-lexicon", crates: &["riser-opt"], why: "names of machines" },
    Border { foreign: "blake3", crates: &["riser"], why: "what compiled code is of" },
    Border { foreign: "cap-std", crates: &["riser-wasi"], why: "files that stay in their folder" },
    Border {
        foreign: "cap-fs-ext",
        crates: &["riser-wasi"],
        why: "files that stay in their folder",
    },
    Border { foreign: "getrandom", crates: &["riser-wasi"], why: "random bytes for guests" },
    Border {
        foreign: "wat",
        crates: &["riser", "riser-testkit", "riser-cli"],
        why: "the text format",
    },
    Border {
        foreign: "wast",
        crates: &["riser", "riser-testkit", "riser-cli"],
        why: "the text format and its scripts",
    },
    Border { foreign: "wasmprinter", crates: &["riser-cli"], why: "binary to text" },
    Border { foreign: "rustc-demangle", crates: &["riser-inspect"], why: "names of Rust" },
    Border { foreign: "cpp_demangle", crates: &["riser-inspect"], why: "names of C++" },
    Border { foreign: "gimli", crates: &["riser-inspect"], why: "debug information" },
    Border { foreign: "clap", crates: &["riser-cli"], why: "the command line" },
    Border {
        foreign: "clap_complete",
        crates: &["riser-cli"],
        why: "completions of the command line in shells",
    },
    Border { foreign: "clap_mangen", crates: &["riser-cli"], why: "man pages" },
    Border { foreign: "iced-x86", crates: &["riser-cli"], why: "machine code as text" },
    Border { foreign: "indicatif", crates: &["riser-cli"], why: "bars of progress" },
    Border { foreign: "anstream", crates: &["riser-cli"], why: "colour on terminals only" },
    Border { foreign: "anstyle", crates: &["riser-cli"], why: "colour on terminals only" },
    Border {
        foreign: "serde_json",
        crates: &["riser-cli", "riser-testkit", "xtask"],
        why: "JSON for people's scripts",
    },
    Border { foreign: "sha2", crates: &["xtask"], why: "hashes of downloads" },
];

/// Checks the real workspace.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(argument) = args.first() {
        return Err(format!("layers takes no arguments, found `{argument}`"));
    }
    let root = tree::root();
    let metadata = metadata(&root)?;
    let mut problems = check(&metadata, BORDERS)?;
    problems.extend(check_no_std(&metadata, |path| std::fs::read_to_string(root.join(path)).ok())?);
    if problems.is_empty() {
        println!(
            "layers: each crate names lower layers only, and foreign crates stay at their borders"
        );
        return Ok(());
    }
    Err(format!("layers found {}:\n{}", problems.len(), problems.join("\n")))
}

/// What cargo says about the packages of the workspace.
fn metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(root);
    let output = command.output().map_err(|e| format!("cannot start cargo: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata is not JSON: {e}"))
}

/// A package of the workspace, as far as the checks need it.
struct Package<'a> {
    name: &'a str,
    /// The path of its manifest from the root.
    manifest: &'a str,
    layer: u64,
    dependencies: &'a [Value],
}

fn packages(metadata: &Value) -> Result<Vec<Package<'_>>, String> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    packages.iter().map(|value| package(value, root)).collect()
}

fn package<'a>(value: &'a Value, root: &str) -> Result<Package<'a>, String> {
    let name = value["name"].as_str().ok_or("cargo metadata has a package without a name")?;
    let manifest = value["manifest_path"].as_str().unwrap_or("Cargo.toml");
    let manifest = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/');
    let layer = value["metadata"]["riser"]["layer"].as_u64().ok_or_else(|| {
        format!(
            "{manifest}: {name} has no layer\n  help: add `[package.metadata.riser]` with `layer = N`; ARCHITECTURE.md lists the layers"
        )
    })?;
    let dependencies = value["dependencies"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    Ok(Package { name, manifest, layer, dependencies })
}

/// The dependencies that break a rule, one message each.
fn check(metadata: &Value, borders: &[Border]) -> Result<Vec<String>, String> {
    let packages = packages(metadata)?;
    let layers: BTreeMap<&str, u64> =
        packages.iter().map(|package| (package.name, package.layer)).collect();
    let mut problems = Vec::new();
    for package in &packages {
        for dependency in package.dependencies {
            let name = dependency["name"].as_str().unwrap_or_default();
            let only_in_tests = dependency["kind"].as_str() == Some("dev");
            let problem = match layers.get(name) {
                Some(layer) => check_own(package, name, *layer),
                None if only_in_tests => None,
                None => check_foreign(package, name, borders),
            };
            problems.extend(problem.map(|problem| format!("{}: {problem}", package.manifest)));
        }
    }
    Ok(problems)
}

fn check_own(package: &Package<'_>, name: &str, layer: u64) -> Option<String> {
    if layer < package.layer {
        return None;
    }
    let way = if layer == package.layer { "sideways" } else { "upwards" };
    Some(format!(
        "{} (layer {}) depends {way} on {name} (layer {layer})\n  help: move what both need to a lower layer, or let the upper one install a table of functions in the lower one",
        package.name, package.layer
    ))
}

fn check_foreign(package: &Package<'_>, name: &str, borders: &[Border]) -> Option<String> {
    let Some(border) = borders.iter().find(|border| border.foreign == name) else {
        return Some(format!(
            "{} names the foreign crate {name}, which has no border\n  help: do without it, or give it a row in BORDERS (xtask/src/layers.rs) with the one crate that may name it",
            package.name
        ));
    };
    if border.crates.contains(&package.name) {
        return None;
    }
    Some(format!(
        "{} names {name} ({}), which belongs to {}\n  help: ask that crate for what you need in terms of our own types",
        package.name,
        border.why,
        border.crates.join(", ")
    ))
}

/// The low layers that do not declare `no_std`; `read` gives the text of a file.
fn check_no_std(
    metadata: &Value,
    read: impl Fn(&Path) -> Option<String>,
) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for package in packages(metadata)?
        .iter()
        .filter(|package| package.layer <= NO_STD_UP_TO && !HOSTED.contains(&package.name))
    {
        let library = Path::new(package.manifest).with_file_name("src").join("lib.rs");
        let declared = read(&library).is_some_and(|text| {
            text.lines().any(|line| {
                line.starts_with("#![no_std]")
                    || line.starts_with("#![cfg_attr(not(test), no_std)]")
            })
        });
        if !declared {
            problems.push(format!(
                "{}: {} (layer {}) does not declare `#![no_std]`\n  help: layers 0 to {NO_STD_UP_TO} use core and alloc alone, so that they run on devices and in browsers",
                library.display(),
                package.name,
                package.layer
            ));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEST_BORDERS: &[Border] =
        &[Border { foreign: "clap", crates: &["top"], why: "the command line" }];

    fn workspace(dependencies_of_low: Value, dependencies_of_top: Value) -> Value {
        let package = |name: &str, layer: u64, dependencies: Value| {
            json!({
                "name": name,
                "manifest_path": format!("crates/{name}/Cargo.toml"),
                "metadata": { "riser": { "layer": layer } },
                "dependencies": dependencies,
            })
        };
        json!({ "packages": [
            package("low", 1, dependencies_of_low),
            package("beside", 1, json!([])),
            package("top", 9, dependencies_of_top),
        ] })
    }

    fn problems(low: Value, top: Value) -> Vec<String> {
        check(&workspace(low, top), TEST_BORDERS).unwrap()
    }

    #[test]
    fn a_dependency_on_a_lower_layer_is_fine() {
        assert!(
            problems(
                json!([]),
                json!([{ "name": "low", "kind": null }, { "name": "clap", "kind": null }])
            )
            .is_empty()
        );
    }

    #[test]
    fn upward_and_sideways_dependencies_are_rejected_also_for_build_scripts_and_tests() {
        for kind in [json!(null), json!("build"), json!("dev")] {
            let found = problems(json!([{ "name": "top", "kind": kind }]), json!([]));
            assert!(
                found[0].contains("low (layer 1) depends upwards on top (layer 9)"),
                "{found:?}"
            );
            assert!(found[0].starts_with("crates/low/Cargo.toml: "), "{found:?}");
        }
        let found = problems(json!([{ "name": "beside", "kind": null }]), json!([]));
        assert!(found[0].contains("depends sideways on beside"), "{found:?}");
    }

    #[test]
    fn a_foreign_crate_outside_its_border_is_rejected_except_for_tests() {
        let found = problems(json!([{ "name": "clap", "kind": null }]), json!([]));
        assert!(
            found[0].contains("low names clap (the command line), which belongs to top"),
            "{found:?}"
        );
        assert!(problems(json!([{ "name": "clap", "kind": "dev" }]), json!([])).is_empty());
        let found = problems(json!([]), json!([{ "name": "left-pad", "kind": "build" }]));
        assert!(found[0].contains("left-pad, which has no border"), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_layer_is_rejected() {
        let workspace = json!({ "packages": [{ "name": "new", "manifest_path": "crates/new/Cargo.toml", "metadata": null }] });
        let message = check(&workspace, &[]).unwrap_err();
        assert!(message.contains("new has no layer"), "{message}");
    }

    #[test]
    fn the_low_layers_declare_no_std() {
        let workspace = workspace(json!([]), json!([]));
        let found = check_no_std(&workspace, |path| {
            path.starts_with("crates/low").then(|| "//! Low.\n#![no_std]\n".into())
        })
        .unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("beside (layer 1) does not declare"), "{found:?}");
    }

    #[test]
    fn every_border_names_crates_once() {
        for border in BORDERS {
            assert_eq!(
                BORDERS.iter().filter(|other| other.foreign == border.foreign).count(),
                1,
                "{}",
                border.foreign
            );
            assert!(!border.crates.is_empty(), "{}", border.foreign);
        }
    }

    #[test]
    fn the_workspace_keeps_its_layers() {
        if let Err(message) = run(&[]) {
            panic!("{message}");
        }
    }
}
