//! What the largest functions of real programs cost to compile.

use super::{rate::decode, time};
use riser_opt::{CodeOptions, Compiler};
use std::path::Path;
use std::process::Command;

/// How many of each file.
const COUNT: usize = 5;

/// Prints a row for each of the largest functions of each file, the slowest first.
pub fn run(files: &[String]) -> Result<(), String> {
    println!("| function | KB of body | ms | KB/s | KB of code | MB of memory |");
    println!("| --- | --: | --: | --: | --: | --: |");
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut rows: Vec<(f64, String)> = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(|e| format!("{file}: {e}"))?;
        let module = decode(&bytes).map_err(|e| format!("{file}: {e}"))?;
        let mut sizes: Vec<(usize, usize)> = module
            .bodies
            .iter()
            .map(|body| body.range().len())
            .enumerate()
            .map(|(i, n)| (n, i))
            .collect();
        sizes.sort_unstable();
        let parent = Path::new(file).parent().and_then(Path::file_name);
        let name = parent.map_or(file.clone(), |name| name.to_string_lossy().into_owned());
        for (size, defined) in sizes.into_iter().rev().take(COUNT) {
            let output = Command::new(&this).args(["one", file, &defined.to_string()]).output();
            let output = output.map_err(|e| e.to_string())?;
            if !output.status.success() {
                let complaint = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{file}: function {defined}: {}", complaint.trim()));
            }
            let text = String::from_utf8_lossy(&output.stdout);
            let numbers: Vec<f64> =
                text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [ms, code, memory] = numbers[..] else {
                return Err(format!("{file}: function {defined}: `{text}`"));
            };
            let size = size as f64 / 1e3;
            let rate = size / ms * 1e3;
            let func = defined + module.imported.funcs as usize;
            let row = format!(
                "| {name} {func} | {size:.1} | {ms:.0} | {rate:.0} | {code:.1} | {memory:.1} |"
            );
            rows.push((ms, row));
        }
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    rows.iter().for_each(|(_, row)| println!("{row}"));
    Ok(())
}

/// Compiles one function and prints milliseconds, kilobytes of code, and by how many megabytes the process grew at most.
pub fn one(file: &str, defined: &str) -> Result<(), String> {
    let defined = defined.parse().map_err(|_| "not a number")?;
    let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
    let module = decode(&bytes)?;
    let compiler = Compiler::host(CodeOptions::default()).map_err(|e| e.to_string())?;
    let mut context = compiler.new_context();
    let before = memory("VmRSS:")?;
    let mut result = None;
    let time = time(|| result = Some(compiler.function(&mut context, &module, defined)));
    let artifact = result.ok_or("it did not run")?.map_err(|e| e.to_string())?;
    let grown = memory("VmHWM:")?.saturating_sub(before);
    let code = artifact.code.len() as f64 / 1e3;
    println!("{:.1} {code:.1} {:.1}", time.as_secs_f64() * 1e3, grown as f64 * 1024.0 / 1e6);
    Ok(())
}

/// A line of what the system says of this process, in KiB.
fn memory(what: &str) -> Result<u64, String> {
    let text = std::fs::read_to_string("/proc/self/status").map_err(|e| e.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix(what));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or(format!("the system does not tell {what}"))
}
