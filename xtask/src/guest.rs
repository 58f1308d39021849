//! `cargo xtask guest`: builds Riser as a guest, `guests/riser` for `wasm32-unknown-unknown`, and runs the tests that use it.
//!
//! The module is committed as `guests/riser.wasm`, so that tests need no further toolchain; `--check` builds it and tests what was
//! built without replacing that. Paths of the machine that builds are no part of it.

use crate::tree;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
/// The module in the tree.
const COMMITTED: &str = "guests/riser.wasm";
/// What is committed stays below this.
const BYTES_MAX: u64 = 1_500_000;
/// The variable by which the tests are told to use another module.
const VARIABLE: &str = "RISER_NESTED";

/// Builds, tests, and replaces the committed module unless there is `--check`.
pub fn run(args: &[String]) -> Result<(), String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let replaces = match args[..] {
        [] => true,
        ["--check"] => false,
        _ => return Err("usage: cargo xtask guest [--check]".into()),
    };
    check_target()?;
    let built = build()?;
    let bytes = std::fs::metadata(&built).map_err(|e| format!("{}: {e}", built.display()))?.len();
    println!("{}: {bytes} bytes", built.display());
    if bytes > BYTES_MAX {
        return Err(format!("the module has more than {BYTES_MAX} bytes, too many to commit"));
    }
    let file = built.to_str().ok_or("the path of the target folder is not UTF-8")?;
    tree::cargo(&["test", "--package", "riser-testkit", "--test", "nested"], &[(VARIABLE, file)])?;
    if replaces {
        std::fs::read(&built)
            .and_then(|bytes| std::fs::write(tree::root().join(COMMITTED), bytes))
            .map_err(|e| format!("cannot write {COMMITTED}: {e}"))?;
        println!("{COMMITTED} is what was built");
    }
    Ok(())
}

/// Whether the compiler has a standard library for the target.
fn check_target() -> Result<(), String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let output = output.map_err(|e| format!("cannot start rustc: {e}"))?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if output.status.success() && Path::new(&folder).is_dir() {
        return Ok(());
    }
    Err(format!(
        "rustc has no standard library for {TARGET}\n  help: `rustup target add {TARGET}`; or a system's package with it, such as libstd-rust-dev-wasm32 of Debian"
    ))
}

fn build() -> Result<PathBuf, String> {
    let root = tree::root();
    let target = root.join("target/guest");
    let folder = target.to_str().ok_or("the path of the tree is not UTF-8")?;
    let flags = flags(&root);
    let manifest = "guests/riser/Cargo.toml";
    tree::cargo(
        &[
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            manifest,
            "--target",
            TARGET,
            "--target-dir",
            folder,
        ],
        &[("RUSTFLAGS", &flags)],
    )?;
    Ok(target.join(TARGET).join("release/riser_guest.wasm"))
}

/// Names in panic messages begin at the root of the tree, or of cargo's folder.
fn flags(root: &Path) -> String {
    let mut prefixes = vec![(root.to_path_buf(), ".")];
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    prefixes.extend(home.map(|home| (home, "cargo")));
    let remap =
        |(path, name): (PathBuf, &str)| format!("--remap-path-prefix={}={name}", path.display());
    prefixes.into_iter().map(remap).collect::<Vec<_>>().join(" ")
}
