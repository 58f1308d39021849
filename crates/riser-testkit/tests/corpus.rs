//! Every installed real program decodes and validates exactly as `wasmparser` says; time and peak memory are
//! printed, never judged.

use riser::{Engine, Module};
use riser_testkit::corpus;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use wasmparser::{Validator, WasmFeatures};

/// All files below `folder` that begin like a core module.
fn modules(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.unwrap()) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            modules(&path, found);
        } else if path.extension().is_some_and(|end| end == "wasm") {
            found.push(path);
        }
    }
}

/// The most memory this process ever used, in MiB, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

#[test]
fn real_programs_validate_as_in_wasmparser() {
    let mut paths = Vec::new();
    modules(&corpus::folder(), &mut paths);
    paths.sort_by_key(|path| fs::metadata(path).unwrap().len());
    if paths.is_empty() && corpus::find("quickjs").is_none() {
        return;
    }
    let engine = Engine::default();
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let start = Instant::now();
        let ours = Module::validate(&engine, &bytes);
        let elapsed = start.elapsed();
        let theirs = Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes);
        let is_core = bytes.get(4..8) == Some(&[1, 0, 0, 0]);
        println!(
            "{:>8.1} MB {:>8.3} s  peak so far {} MiB  {}",
            bytes.len() as f64 / 1e6,
            elapsed.as_secs_f64(),
            peak_mib().map_or("?".into(), |mib| mib.to_string()),
            path.display()
        );
        match (is_core, &ours, &theirs) {
            (true, Ok(()), Ok(_)) | (true, Err(_), Err(_)) | (false, Err(_), _) => {}
            (_, ours, theirs) => {
                panic!("{}: ours {ours:?}, theirs {:?}", path.display(), theirs.is_ok())
            }
        }
    }
}
