//! How many megabytes of bodies are compiled in a second.

use super::{geometric_mean, riser, time, wasmtime};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::Features;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a row is about: a module, or all of a folder.
pub struct Subject {
    pub name: String,
    pub modules: Vec<Vec<u8>>,
    pub body_bytes: usize,
}

/// Prints a row for each file or folder, the worst first.
pub fn run(files: &[String], runs: u32) -> Result<(), String> {
    let mut rows = Vec::new();
    for file in files {
        let subject = Subject::read(Path::new(file)).map_err(|e| format!("{file}: {e}"))?;
        rows.push(subject.measure(runs));
    }
    rows.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    println!("| eager, one thread | MB of bodies | riser MB/s | wasmtime MB/s | ratio of times |");
    println!("| --- | --: | --: | --: | --: |");
    for Row { name, megabytes, ours, theirs, ratio } in rows.iter().rev() {
        println!("| {name} | {megabytes:.2} | {ours:.2} | {theirs:.2} | {ratio:.2} |");
    }
    if !rows.is_empty() {
        let ratios: Vec<f64> = rows.iter().map(|row| row.ratio).collect();
        println!("| geometric mean | | | | {:.2} |", geometric_mean(&ratios));
    }
    Ok(())
}

struct Row {
    name: String,
    megabytes: f64,
    ours: f64,
    theirs: f64,
    ratio: f64,
}

impl Subject {
    /// Reads a module, or all of a folder.
    pub fn read(path: &Path) -> Result<Subject, String> {
        let mut files = vec![path.to_path_buf()];
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|e| e.to_string())?;
            let is_module = |path: &PathBuf| path.extension().is_some_and(|what| what == "wasm");
            files = entries.flatten().map(|entry| entry.path()).filter(is_module).collect();
        }
        let mut modules = Vec::new();
        let mut body_bytes = 0;
        for file in files {
            let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
            body_bytes +=
                decode(&bytes)?.bodies.iter().map(|body| body.range().len()).sum::<usize>();
            modules.push(bytes);
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Subject { name, modules, body_bytes })
    }

    fn measure(self, runs: u32) -> Row {
        let (ours, theirs) = (riser(), wasmtime());
        let mut best = [Duration::MAX; 2];
        for _ in 0..runs {
            best[0] = best[0].min(time(|| {
                for module in &self.modules {
                    riser::Module::new(&ours, module).expect("it was decoded");
                }
            }));
            best[1] = best[1].min(time(|| {
                for module in &self.modules {
                    wasmtime::Module::new(&theirs, module).expect("it was decoded");
                }
            }));
        }
        let megabytes = self.body_bytes as f64 / 1e6;
        let [ours, theirs] = best.map(|time| megabytes / time.as_secs_f64());
        Row { name: self.name, megabytes, ours, theirs, ratio: theirs / ours }
    }
}

/// The module, decoded.
pub fn decode(bytes: &[u8]) -> Result<Module, String> {
    let bytes = ModuleBytes::new(bytes.to_vec());
    Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::default())
        .map_err(|e| e.to_string())
}
