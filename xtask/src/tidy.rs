//! `cargo xtask tidy`: the style of the tree, held by checks that only ratchet.
//!
//! A check gives [`Offence`]s. Those that were there when a check was introduced stand in `xtask/tidy-allow.txt`
//! with their size; anything beyond the list is an error, and so is a listed one that shrank or went away, until
//! `cargo xtask bless` has rewritten the list downward. So the list never grows by itself and never goes stale.
//!
//! `tidy/source.rs` tells code from comments and strings, `tidy/checks.rs` holds the checks, `tidy/allow.rs` the list.

mod allow;
mod checks;
mod source;

use crate::tree;
use allow::AllowList;
use std::path::Path;

/// Something in the tree that a check does not like.
#[derive(Clone, Debug, PartialEq)]
pub struct Offence {
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    /// The name of the check.
    pub rule: &'static str,
    /// What offends: the name of a function or macro, or the offending words.
    pub item: String,
    /// How much: lines of a function or file, 1 for everything else.
    pub amount: usize,
    /// What it is, and what to do.
    pub message: String,
}

/// Checks the real tree.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(argument) = args.first() {
        return Err(format!("tidy takes no arguments, found `{argument}`"));
    }
    let root = tree::root();
    let problems = AllowList::read(&root)?.judge(&offences(&root)?);
    if problems.is_empty() {
        println!("tidy: nothing to say");
        return Ok(());
    }
    Err(format!("tidy found {}:\n{}", problems.len(), problems.join("\n")))
}

/// Rewrites the list of known offenders without what is gone, and with what shrank at its new size.
pub fn shrink(root: &Path) -> Result<(), String> {
    let list = AllowList::read(root)?;
    let shrunk = list.shrunk(&offences(root)?);
    let gone = list.len() - shrunk.len();
    shrunk.write(root)?;
    println!("{}: {} entries, {gone} fewer than before", allow::PATH, shrunk.len());
    Ok(())
}

fn offences(root: &Path) -> Result<Vec<Offence>, String> {
    let files = tree::text_files(root)?;
    Ok(files.iter().flat_map(checks::check).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        if let Err(message) = run(&[]) {
            panic!("{message}");
        }
    }
}
