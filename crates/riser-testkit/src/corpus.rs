//! Finding the real programs that `cargo xtask corpus` installs.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the real programs: `RISER_CORPUS`, or `corpus/` at the root of the repository.
pub fn folder() -> PathBuf {
    env::var_os("RISER_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus"), PathBuf::from)
}

/// The path of an installed file, or `None` with a line that says it is skipped.
///
/// # Panics
///
/// If the file is missing and `RISER_REQUIRE_CORPUS=1`: then a missing program is a failure.
pub fn find(relative: &str) -> Option<PathBuf> {
    let path = folder().join(relative);
    if path.exists() {
        return Some(path);
    }
    assert!(
        env::var_os("RISER_REQUIRE_CORPUS").is_none_or(|value| value != "1"),
        "{} is missing: run `cargo xtask corpus`",
        path.display()
    );
    println!("skipped: {relative} is not installed (`cargo xtask corpus` installs it)");
    None
}
