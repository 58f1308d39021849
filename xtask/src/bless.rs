//! `cargo xtask bless`: golden files are rewritten from what the code does now, and the style list shrinks.
//!
//! Read the difference before you commit it: a golden file is the claim that a test makes.

use crate::{tidy, tree};
use std::collections::BTreeSet;

/// The variable that golden tests look at: when it is set they rewrite their file instead of comparing.
const VARIABLE: &str = "BLESS";

/// Runs the tests of all packages that have golden files with `BLESS=1`, then shrinks the style list.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(argument) = args.first() {
        return Err(format!("bless takes no arguments, found `{argument}`"));
    }
    let files = tree::text_files(&tree::root())?;
    let packages = packages_with_golden_files(&files);
    if packages.is_empty() {
        println!("no package has golden files");
    } else {
        let mut command = vec!["test"];
        for package in &packages {
            command.extend(["--package", package]);
        }
        println!("rewriting the golden files of {}", packages.join(", "));
        tree::cargo(&command, &[(VARIABLE, "1")])?;
    }
    tidy::shrink(&tree::root())
}

/// The packages in `crates/` whose sources look at the variable themselves or call the test machinery that does.
fn packages_with_golden_files(files: &[tree::File]) -> Vec<&str> {
    let signs = [format!("\"{VARIABLE}\""), "golden::check(".to_string()];
    let has_golden = |file: &&tree::File| {
        file.path.ends_with(".rs") && signs.iter().any(|sign| file.text.contains(sign))
    };
    let with_golden = files.iter().filter(has_golden);
    let packages: BTreeSet<&str> = with_golden
        .filter_map(|file| file.path.strip_prefix("crates/")?.split('/').next())
        .collect();
    packages.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_read_the_variable_are_found() {
        let file = |path: &str, text: &str| tree::File { path: path.into(), text: text.into() };
        let files = [
            file("crates/b/src/golden.rs", "std::env::var_os(\"BLESS\")"),
            file("crates/b/tests/golden.rs", "std::env::var_os(\"BLESS\")"),
            file("crates/c/tests/text.rs", "golden::check(path, &text)"),
            file("crates/a/src/lib.rs", "bless you"),
            file("xtask/src/bless.rs", "\"BLESS\""),
        ];
        assert_eq!(packages_with_golden_files(&files), ["b", "c"]);
    }
}
