//! Golden files: expected text beside the test, rewritten with `BLESS=1`.

use std::path::Path;
use std::{env, fs};

/// Compares `actual` with the content of `path`; with `BLESS=1` in the environment, writes it there instead.
///
/// # Panics
///
/// If they differ, with the first line that does, or if the file cannot be read or written.
pub fn check(path: impl AsRef<Path>, actual: &str) {
    let path = path.as_ref();
    if env::var_os("BLESS").is_some_and(|value| value == "1") {
        fs::write(path, actual).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        return;
    }
    let expected = fs::read_to_string(path)
        .unwrap_or_else(|e| panic!("cannot read {} (BLESS=1 creates it): {e}", path.display()));
    if let Some(difference) = first_difference(&expected, actual) {
        panic!("{} differs (BLESS=1 rewrites it): {difference}", path.display());
    }
}

/// The first line in which two texts differ, described; `None` if they are equal.
fn first_difference(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (mut left, mut right) = (expected.lines(), actual.lines());
    for number in 1.. {
        let pair = (left.next(), right.next());
        match pair {
            (None, None) => break,
            (Some(a), Some(b)) if a == b => {}
            (a, b) => {
                let show = |line: Option<&str>| line.map_or("no line".into(), |l| format!("`{l}`"));
                return Some(format!("line {number}: expected {}, found {}", show(a), show(b)));
            }
        }
    }
    Some("only the ends of lines differ".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            first_difference("a\nb\n", "a\nc\n").as_deref(),
            Some("line 2: expected `b`, found `c`")
        );
        assert_eq!(
            first_difference("a\n", "a\nb\n").as_deref(),
            Some("line 2: expected no line, found `b`")
        );
        assert_eq!(first_difference("a\n", "a").as_deref(), Some("only the ends of lines differ"));
    }
}
