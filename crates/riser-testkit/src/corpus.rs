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
    find_or_skip(relative, "", &["1", "all"])
}

/// The same for a file that only `cargo xtask corpus --all` installs: a missing one is a failure only if
/// `RISER_REQUIRE_CORPUS=all`.
///
/// # Panics
///
/// If the file is missing and `RISER_REQUIRE_CORPUS=all`.
pub fn find_big(relative: &str) -> Option<PathBuf> {
    find_or_skip(relative, " --all", &["all"])
}

/// The same for a file that not every system can install: a missing one is never a failure.
pub fn find_optional(relative: &str) -> Option<PathBuf> {
    find_or_skip(relative, "", &[])
}

fn find_or_skip(relative: &str, option: &str, required_by: &[&str]) -> Option<PathBuf> {
    let path = folder().join(relative);
    if path.exists() {
        return Some(path);
    }
    let value = env::var_os("RISER_REQUIRE_CORPUS");
    assert!(
        value.is_none_or(|value| required_by.iter().all(|one| value != **one)),
        "{} is missing: run `cargo xtask corpus{option}`",
        path.display()
    );
    println!("skipped: {relative} is not installed (`cargo xtask corpus{option}` installs it)");
    None
}
