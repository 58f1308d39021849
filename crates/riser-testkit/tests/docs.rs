//! The pages say what is so: snippets stand in the files that they name, and paths lead somewhere.
//!
//! A line `<!-- from PATH -->` in a page stands before a block that is copied from that file. Paths from the root
//! of the tree that stand in backticks must exist.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which a path from the root can begin.
const FOLDERS: [&str; 6] = ["crates/", "docs/", "xtask/", "fuzz/", "bench/", "guests/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Path from the root and text of every page.
fn pages() -> Vec<(String, String)> {
    let mut paths: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(Into::into).into();
    for entry in fs::read_dir(root().join("docs")).expect("docs/") {
        paths.push(format!("docs/{}", entry.expect("an entry").file_name().to_string_lossy()));
    }
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines without what they are indented by in common.
fn dedent(lines: &[&str]) -> Vec<String> {
    let indents = lines.iter().filter(|line| !line.trim().is_empty());
    let indent = indents.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line.get(indent..).unwrap_or("").trim_end().to_string()).collect()
}

/// Whether the lines stand in the text one after the other, however far they are indented.
fn contains(text: &str, lines: &[&str]) -> bool {
    let wanted = dedent(lines);
    let all: Vec<&str> = text.lines().collect();
    all.windows(lines.len().max(1)).any(|window| dedent(window) == wanted)
}

#[test]
fn snippets_stand_in_the_files_that_they_name() {
    let mut found = 0;
    for (page, text) in pages() {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(rest) = line.strip_prefix("<!-- from ") else { continue };
            let path = rest.strip_suffix(" -->").expect("`<!-- from PATH -->`");
            let open = lines.next().unwrap_or_default();
            assert!(open.starts_with("```"), "{page}: a block must follow `{line}`");
            let snippet: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let source = fs::read_to_string(root().join(path))
                .unwrap_or_else(|error| panic!("{page} names {path}: {error}"));
            let first = snippet.first().expect("a snippet has lines");
            assert!(contains(&source, &snippet), "{page}: `{first}` … is not in {path}");
            found += 1;
        }
    }
    assert!(found >= 8, "only {found} snippets were found");
}

#[test]
fn paths_in_pages_exist() {
    let mut found = 0;
    for (page, text) in pages() {
        for word in text.split('`').skip(1).step_by(2) {
            let is_path = FOLDERS.iter().any(|folder| word.starts_with(folder))
                && !word.contains(['*', ' ', '<', '\n']);
            if is_path {
                assert!(root().join(word).exists(), "{page} names `{word}`, which is not there");
                found += 1;
            }
        }
    }
    assert!(found >= 20, "only {found} paths were found");
}
