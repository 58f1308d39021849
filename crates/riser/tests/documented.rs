//! Every public type has an example.

use std::fs;
use std::path::Path;

/// Types and traits that files of the folder declare, each with whether an example precedes it.
fn declared(folder: &Path, found: &mut Vec<(String, bool)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, found);
            continue;
        }
        let (text, mut has_example) = (fs::read_to_string(&path).unwrap(), false);
        for line in text.lines().map(str::trim_start) {
            let item = line.strip_prefix("pub ").map(|item| item.trim_start_matches("unsafe "));
            let declaration = ["struct ", "enum ", "trait "].iter();
            if let Some(name) =
                item.and_then(|item| declaration.clone().find_map(|kind| item.strip_prefix(kind)))
            {
                let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
                found.push((name[..end].to_string(), has_example));
            }
            match line.get(..3) {
                Some("///") => has_example |= line.starts_with("/// ```"),
                _ if line.starts_with("#[") => {}
                _ => has_example = false,
            }
        }
    }
}

#[test]
fn every_public_type_has_an_example() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    declared(&source, &mut found);
    let exports = fs::read_to_string(source.join("lib.rs")).unwrap();
    let is_exported = |name: &str| {
        let mut words = exports.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == name)
    };
    let public: Vec<_> = found.into_iter().filter(|(name, _)| is_exported(name)).collect();
    assert!(public.len() > 70, "found only {}", public.len());
    let missing: Vec<&String> =
        public.iter().filter(|(_, has_example)| !has_example).map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "no example: {missing:?}");
}
