//! The tree on disk: where its root is, which text files it holds, and running a program in it.
//!
//! Reading is done by walking folders rather than by asking git, so that the checks also work in an unpacked archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Folders that hold what is built or downloaded, relative to the root. They are also in `.gitignore`.
const SKIPPED: &[&str] = &[
    ".git",
    "target",
    "corpus",
    "fuzz/target",
    "fuzz/corpus",
    "fuzz/artifacts",
    "fuzz/coverage",
    "bench/compare/target",
    "guests/riser/target",
];

/// Kinds of text files that people write and read.
const TEXT: &[&str] =
    &["rs", "md", "toml", "wat", "wast", "c", "h", "py", "sh", "ts", "yml", "txt"];

/// A text file of the tree.
pub struct File {
    /// Path from the root, with `/` between its parts.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the workspace").to_path_buf()
}

/// All text files under `root`, sorted by path.
pub fn text_files(root: &Path) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, under: &str, files: &mut Vec<File>) -> Result<(), String> {
    let folder = root.join(under);
    let entries = fs::read_dir(&folder)
        .map_err(|e| format!("cannot read the folder {}: {e}", folder.display()))?;
    for entry in entries {
        let entry =
            entry.map_err(|e| format!("cannot read the folder {}: {e}", folder.display()))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if under.is_empty() { name } else { format!("{under}/{name}") };
        let kind = entry.file_type().map_err(|e| format!("cannot look at {path}: {e}"))?;
        if kind.is_dir() && !SKIPPED.contains(&path.as_str()) {
            walk(root, &path, files)?;
        } else if kind.is_file() && is_text(&path) {
            // A file that is not UTF-8 is data for a test, and one that went away since was scratch.
            if let Ok(text) = fs::read_to_string(root.join(&path)) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    path.starts_with(".ci/") || extension.is_some_and(|extension| TEXT.contains(&extension))
}

/// Runs cargo in the root with inherited output, and fails if it does.
pub fn cargo(args: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(args).envs(env.iter().copied());
    let status = command.status().map_err(|e| format!("cannot start cargo: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`cargo {}` failed ({status})", args.join(" ")))
    }
}

/// Runs cargo in the root; what it prints, unless it fails.
pub fn cargo_output(args: &[&str]) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(args).stderr(Stdio::inherit());
    let output = command.output().map_err(|e| format!("cannot start cargo: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("`cargo {}` failed ({})", args.join(" "), output.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_finds_sources_and_skips_what_is_built() {
        let files = text_files(&root()).unwrap();
        assert!(files.iter().any(|file| file.path == "xtask/src/tree.rs"));
        assert!(files.iter().any(|file| file.path == "Cargo.toml"));
        for file in &files {
            assert!(
                !SKIPPED.iter().any(|skipped| file.path.starts_with(&format!("{skipped}/"))),
                "{}",
                file.path
            );
        }
    }
}
