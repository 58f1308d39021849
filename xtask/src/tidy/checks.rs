//! The checks, each a function from one file to what offends in it.
//!
//! A new check is a function and a line in [`check`], with a test that shows it a bad snippet. What it finds in
//! the tree on its first day goes to the list of known offenders by hand; from then on the list only shrinks.

use super::Offence;
use super::source::{Block, Source, closing_brace, words};
use crate::tree::File;

/// The most lines of a function, from its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// The most lines of a file.
const FILE_LINES_MAX: usize = 1_000;
/// The most lines between the braces of a macro.
const MACRO_LINES_MAX: usize = 20;
/// How many lines of a function marked as a flat `match` may lie outside of it.
const FLAT_MATCH_REST_MAX: usize = 20;
/// How many lines of a file may stand before its marker.
const MARKER_WITHIN: usize = 60;

/// In a file: it is a table, whose length (and that of the macros that hold its rows) is nobody's fault.
const TABLE_MARKER: &str = "// tidy: table";
/// Above a function: its body is one `match` with short arms.
const FLAT_MARKER: &str = "// tidy: flat match";

/// The checks themselves name what they look for.
const THE_CHECKS: &str = "xtask/src/tidy/";

/// Where `unsafe` may stand. Everything here has its contracts written down in docs/unsafe.md.
const UNSAFE_MAY: &[&str] = &[
    "crates/riser-sys/",
    "crates/riser-vm/",
    "crates/riser-interp/src/exec",
    "crates/riser/src/raw",
    // Tests of functions that are unsafe to call.
    "crates/riser/tests/kept.rs",
    "crates/riser-capi/",
    "fuzz/",
    "bench/",
    "guests/",
];

/// Crates in which only some files may hold `unsafe`, so that the whole crate cannot forbid it.
const PARTLY_UNSAFE: &[&str] = &[
    "crates/riser-sys/",
    "crates/riser-vm/",
    "crates/riser-capi/",
    "crates/riser-interp/",
    "crates/riser/",
];

/// Words in a `cfg` that tell one platform from another.
const PLATFORM: &[&str] = &[
    "unix",
    "windows",
    "target_os",
    "target_family",
    "target_arch",
    "target_env",
    "target_vendor",
    "target_endian",
    "target_pointer_width",
];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &["/work/", "/root/", "/home/", "/Users/"];

/// Pages that are not in the tree.
const FOREIGN_PAGES: &[&str] = &["DESIGN.md", "STYLE.md", "PERFORMANCE.md"];

/// Runs all checks on one file.
pub fn check(file: &File) -> Vec<Offence> {
    let mut report = Report { path: &file.path, offences: Vec::new() };
    if !file.path.starts_with(THE_CHECKS) {
        machine_paths(file, &mut report);
        references(file, &mut report);
    }
    if file.path.ends_with(".rs") {
        let source = Source::new(&file.text);
        opening(file, &mut report);
        file_length(file, &source, &mut report);
        function_length(&source, &mut report);
        macro_length(&source, &mut report);
        unfinished(&source, &mut report);
        platforms(&source, &file.text, &mut report);
        unsafe_places(&source, &mut report);
        forbids_unsafe(file, &mut report);
    }
    report.offences
}

/// Collects the offences of one file.
struct Report<'a> {
    path: &'a str,
    offences: Vec<Offence>,
}

impl Report<'_> {
    fn add(&mut self, rule: &'static str, line: usize, item: &str, amount: usize, message: String) {
        self.offences.push(Offence {
            path: self.path.into(),
            line,
            rule,
            item: item.into(),
            amount,
            message,
        });
    }
}

fn opening(file: &File, report: &mut Report<'_>) {
    if !file.text.starts_with("//!") {
        let message = "the file does not open with `//!`: say in a few sentences what it holds, why it is here and what is not".into();
        report.add("opening", 1, "", 1, message);
    }
}

fn file_length(file: &File, source: &Source, report: &mut Report<'_>) {
    let lines = file.text.lines().count();
    let is_table =
        source.comments.lines().take(MARKER_WITHIN).any(|line| line.trim() == TABLE_MARKER);
    if lines > FILE_LINES_MAX && !is_table {
        let message = format!(
            "the file has {lines} lines, at most {FILE_LINES_MAX} may be: split it by topic (`{TABLE_MARKER}` near the top if it is one)"
        );
        report.add("file-lines", 1, "", lines, message);
    }
}

fn is_table(source: &Source) -> bool {
    source.comments.lines().take(MARKER_WITHIN).any(|line| line.trim() == TABLE_MARKER)
}

fn function_length(source: &Source, report: &mut Report<'_>) {
    for function in source.functions() {
        let lines = function.last - function.first + 1;
        if lines <= FUNCTION_LINES_MAX {
            continue;
        }
        let name = &function.name;
        if !has_marker_above(source, function.first) {
            let message = format!(
                "`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX} may be: give its steps names (`{FLAT_MARKER}` above it if it is one)"
            );
            report.add("function-lines", function.first, name, lines, message);
        } else if lines_outside_match(source, &function) > FLAT_MATCH_REST_MAX {
            let message = format!(
                "`{name}` is marked as a flat match, but more than {FLAT_MATCH_REST_MAX} of its lines are outside of one"
            );
            report.add("function-lines", function.first, name, lines, message);
        }
    }
}

/// Whether the marker stands among the comments and attributes right above a line.
fn has_marker_above(source: &Source, line: usize) -> bool {
    let code: Vec<&str> = source.code.lines().collect();
    let comments: Vec<&str> = source.comments.lines().collect();
    let above = (0..line - 1).rev().take_while(|&at| {
        let code = code[at].trim();
        let attribute = code.starts_with("#[") || code.ends_with(")]");
        attribute || (code.is_empty() && !comments[at].trim().is_empty())
    });
    above.into_iter().any(|at| comments[at].trim() == FLAT_MARKER)
}

/// The lines of a function that are not in its longest `match`.
fn lines_outside_match(source: &Source, function: &Block) -> usize {
    let body = &source.code[function.inside.clone()];
    let lines = |text: &str| text.bytes().filter(|&byte| byte == b'\n').count();
    let longest = words(body).filter(|(_, word)| *word == "match").filter_map(|(at, _)| {
        let open = at + body[at..].find('{')?;
        let close = open + closing_brace(&body.as_bytes()[open..])?;
        Some(lines(&body[open..close]))
    });
    lines(body) - longest.max().unwrap_or(0)
}

/// In a table the rows stand inside a macro that hands them on.
fn macro_length(source: &Source, report: &mut Report<'_>) {
    if is_table(source) {
        return;
    }
    for found in source.macros() {
        let lines = (found.last - found.first).saturating_sub(1);
        if lines > MACRO_LINES_MAX {
            let name = &found.name;
            let message = format!(
                "the macro `{name}` has {lines} lines, at most {MACRO_LINES_MAX} may be: let it iterate a table and call functions"
            );
            report.add("macro-lines", found.first, name, lines, message);
        }
    }
}

fn unfinished(source: &Source, report: &mut Report<'_>) {
    for (at, word) in words(&source.code) {
        if matches!(word, "todo" | "unimplemented")
            && source.code[at + word.len()..].starts_with('!')
        {
            let message = format!("`{word}!` is left: finish it, or give a clear error");
            report.add("unfinished", source.line(at), word, 1, message);
        }
    }
    for (at, word) in words(&source.comments) {
        if matches!(word, "TODO" | "FIXME" | "XXX") {
            let message =
                format!("{word} is left: do it, or write in a sentence why it is as it is");
            report.add("unfinished", source.line(at), word, 1, message);
        }
    }
}

fn machine_paths(file: &File, report: &mut Report<'_>) {
    for (number, line) in file.text.lines().enumerate() {
        for path in MACHINE_PATHS.iter().filter(|path| begins_path(line, path)) {
            let message = format!(
                "a path under `{path}` is of one machine: name it relative to the tree, or ask the environment"
            );
            report.add("machine-path", number + 1, path, 1, message);
        }
    }
}

/// Whether `path` stands in the line at the beginning of a path (`a/home/b` is not under `/home/`).
fn begins_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_-./}".contains(c))
    })
}

/// The project speaks for itself: no page outside the tree, no number of somebody's list of things to do.
fn references(file: &File, report: &mut Report<'_>) {
    for (number, line) in file.text.lines().enumerate() {
        for page in FOREIGN_PAGES.iter().filter(|page| line.contains(**page)) {
            let message = format!(
                "{page} is not in the tree: say the thing itself, or point to ARCHITECTURE.md or docs/"
            );
            report.add("reference", number + 1, page, 1, message);
        }
        if let Some(reference) = tracker_reference(line) {
            let message = format!(
                "`{reference}` means nothing to a reader: say the thing itself, or name a public issue as owner/repo#n"
            );
            report.add("reference", number + 1, &reference, 1, message);
        }
    }
}

/// The word "issue" followed by a number.
fn tracker_reference(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare =
            word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
        let next = words.peek().map(|next| next.trim_start_matches('#'));
        if matches!(bare.as_str(), "issue" | "issues")
            && next.is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Some(format!("{word} {}", words.next()?));
        }
    }
    None
}

/// `target_os = "none"` is let through: it tells whether there is a standard library, not which system it is.
fn platforms(source: &Source, text: &str, report: &mut Report<'_>) {
    let path = report.path;
    if path.starts_with("crates/riser-sys/")
        || path.starts_with("fuzz/")
        || path.starts_with("bench/")
        || path.contains("/tests/")
    {
        return;
    }
    for (at, word) in words(&source.code) {
        if !matches!(word, "cfg" | "cfg_attr") {
            continue;
        }
        let from = at + word.len();
        for (inside, found) in words(condition(&source.code[from..])) {
            let bare_machine = text[from + inside..].starts_with("target_os = \"none\"");
            if PLATFORM.contains(&found) && !bare_machine {
                let message = format!(
                    "`cfg({found})` outside riser-sys: give riser-sys a function with the same signature on every platform"
                );
                report.add("platform", source.line(at), found, 1, message);
            }
        }
    }
}

/// What follows `cfg` up to the parenthesis that closes its condition.
fn condition(after: &str) -> &str {
    if !after.strip_prefix('!').unwrap_or(after).starts_with('(') {
        return "";
    }
    let mut depth = 0;
    for (at, c) in after.char_indices() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 && c == ')' {
            return &after[..at];
        }
    }
    after
}

fn unsafe_places(source: &Source, report: &mut Report<'_>) {
    if UNSAFE_MAY.iter().any(|place| report.path.starts_with(place)) {
        return;
    }
    let found = words(&source.code).filter(|(_, word)| *word == "unsafe");
    for (at, word) in found.filter(|(at, word)| !is_pointer_type(&source.code[at + word.len()..])) {
        let message =
            "`unsafe` outside its places: docs/unsafe.md names them and what they offer instead"
                .into();
        report.add("unsafe", source.line(at), word, 1, message);
    }
}

/// Whether `unsafe` begins the type of a function pointer: naming the type does nothing unsafe.
fn is_pointer_type(after: &str) -> bool {
    let mut after = after.trim_start();
    after = after.strip_prefix("extern").map_or(after, str::trim_start);
    after.strip_prefix("fn").is_some_and(|rest| rest.trim_start().starts_with('('))
}

/// The root of each crate that has no business with `unsafe` says so.
fn forbids_unsafe(file: &File, report: &mut Report<'_>) {
    let root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
    let in_workspace = file.path.starts_with("crates/") || file.path.starts_with("xtask/");
    if !root || !in_workspace || PARTLY_UNSAFE.iter().any(|place| file.path.starts_with(place)) {
        return;
    }
    if !file.text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]") {
        let message =
            "the crate does not say `#![forbid(unsafe_code)]`: add it below the opening comment"
                .into();
        report.add("forbid-unsafe", 1, "", 1, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offences of a file, as `rule:line`.
    fn rules(path: &str, text: &str) -> Vec<String> {
        let file = File { path: path.into(), text: text.into() };
        check(&file).iter().map(|offence| format!("{}:{}", offence.rule, offence.line)).collect()
    }

    /// The offences of a snippet in an ordinary Rust file that opens as it should.
    fn snippet(text: &str) -> Vec<String> {
        rules("crates/riser-front/src/x.rs", &format!("//! X.\n{text}"))
    }

    fn repeated(line: &str, count: usize) -> String {
        line.repeat(count)
    }

    #[test]
    fn a_file_opens_with_what_it_is() {
        assert_eq!(rules("crates/a/src/x.rs", "use std::fmt;\n"), ["opening:1"]);
        assert!(rules("crates/a/src/x.rs", "//! X.\n").is_empty());
    }

    #[test]
    fn long_files_offend_unless_they_are_tables() {
        let long = repeated("const X: u8 = 0;\n", FILE_LINES_MAX);
        assert_eq!(snippet(&long), ["file-lines:1"]);
        assert!(snippet(&format!("//\n{TABLE_MARKER}\n{long}")).is_empty());
        assert!(!snippet(&format!("const M: &str = \"{TABLE_MARKER}\";\n{long}")).is_empty());
    }

    #[test]
    fn long_functions_offend() {
        let body = |lines| format!("fn f() {{\n{}}}\n", repeated("    g();\n", lines));
        assert!(snippet(&body(FUNCTION_LINES_MAX - 2)).is_empty());
        assert_eq!(snippet(&body(FUNCTION_LINES_MAX - 1)), ["function-lines:2"]);
    }

    #[test]
    fn a_marked_flat_match_may_be_long_but_must_be_one() {
        let flat = format!(
            "fn f(x: u8) {{\n    match x {{\n{}    }}\n}}\n",
            repeated("        1 => {}\n", 100)
        );
        assert_eq!(snippet(&flat), ["function-lines:2"]);
        assert!(snippet(&format!("{FLAT_MARKER}\n#[inline]\n{flat}")).is_empty());
        assert!(snippet(&format!("/// Docs.\n{FLAT_MARKER}\n#[inline]\n{flat}")).is_empty());
        let other = format!("{FLAT_MARKER}\nfn f() {{\n{}}}\n", repeated("    g();\n", 100));
        assert_eq!(snippet(&other), ["function-lines:3"]);
    }

    #[test]
    fn long_macros_offend() {
        let body = |lines| format!("macro_rules! m {{\n{}}}\n", repeated("    () => {};\n", lines));
        assert!(snippet(&body(MACRO_LINES_MAX)).is_empty());
        assert_eq!(snippet(&body(MACRO_LINES_MAX + 1)), ["macro-lines:2"]);
        assert!(snippet(&format!("{TABLE_MARKER}\n{}", body(100))).is_empty());
    }

    #[test]
    fn unfinished_code_offends() {
        assert_eq!(snippet("fn f() { todo!() }\n"), ["unfinished:2"]);
        assert_eq!(snippet("fn f() { unimplemented!(\"x\") }\n"), ["unfinished:2"]);
        assert_eq!(snippet("// TODO: think\n/* FIXME */\n"), ["unfinished:2", "unfinished:3"]);
        assert!(snippet("const S: &str = \"TODO\";\n").is_empty());
    }

    #[test]
    fn paths_of_a_machine_offend_everywhere() {
        assert_eq!(snippet("const P: &str = \"/home/me/x\";\n"), ["machine-path:2"]);
        assert_eq!(rules("docs/x.md", "see `/root/x`\n"), ["machine-path:1"]);
        assert_eq!(rules(".ci/run", "cd /work/x\n"), ["machine-path:1"]);
        assert!(rules("docs/x.md", "see https://example.org/home/x and a/work/b\n").is_empty());
    }

    #[test]
    fn references_to_what_a_reader_does_not_have_offend() {
        assert_eq!(snippet("// As issue 2 says.\n"), ["reference:2"]);
        assert_eq!(rules("docs/x.md", "(Issue #12)\n"), ["reference:1"]);
        assert_eq!(rules("docs/x.md", "see DESIGN.md\n"), ["reference:1"]);
        assert!(
            rules("docs/x.md", "bytecodealliance/wasm-tools#12, and this issue: 2 things\n")
                .is_empty()
        );
    }

    #[test]
    fn platforms_are_told_apart_in_one_crate_only() {
        let text = "#[cfg(all(unix, not(target_os = \"macos\")))]\nfn f() {}\n";
        assert_eq!(snippet(text), ["platform:2", "platform:2"]);
        assert_eq!(snippet("fn f() { if cfg!(windows) {} }\n"), ["platform:2"]);
        assert!(rules("crates/riser-sys/src/x.rs", &format!("//! X.\n{text}")).is_empty());
        assert!(snippet("#[cfg(test)]\nmod unix {}\n").is_empty());
        assert!(snippet("#[cfg(not(target_os = \"none\"))]\nextern crate std;\n").is_empty());
    }

    #[test]
    fn unsafe_has_its_places() {
        let text = "fn f() { unsafe { g() } }\n";
        assert_eq!(snippet(text), ["unsafe:2"]);
        assert!(snippet("// unsafe\n").is_empty());
        assert!(
            snippet("type F = unsafe extern \"C\" fn(u8);\ntype G = unsafe fn(u8);\n").is_empty()
        );
        assert_eq!(snippet("unsafe extern \"C\" fn f(x: u8) {}\n"), ["unsafe:2"]);
        for path in [
            "crates/riser-sys/src/x.rs",
            "crates/riser-interp/src/exec/x.rs",
            "crates/riser/src/raw.rs",
        ] {
            assert!(rules(path, &format!("//! X.\n{text}")).is_empty(), "{path}");
        }
        assert_eq!(
            rules("crates/riser-interp/src/lower.rs", &format!("//! X.\n{text}")),
            ["unsafe:2"]
        );
    }

    #[test]
    fn crates_without_unsafe_forbid_it() {
        assert_eq!(rules("crates/riser-ops/src/lib.rs", "//! X.\n"), ["forbid-unsafe:1"]);
        assert!(
            rules("crates/riser-ops/src/lib.rs", "//! X.\n#![forbid(unsafe_code)]\n").is_empty()
        );
        assert!(rules("crates/riser-vm/src/lib.rs", "//! X.\n").is_empty());
        assert!(rules("guests/hello/src/main.rs", "//! X.\n").is_empty());
    }
}
