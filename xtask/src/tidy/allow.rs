//! The list of known offenders, `xtask/tidy-allow.txt`, which may only shrink.

use super::Offence;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where the list lies, from the root.
pub const PATH: &str = "xtask/tidy-allow.txt";

const HEADING: &str = "\
# Known offenders against `cargo xtask tidy`: rule, file, amount, item.
# The list may only shrink: mend one, then run `cargo xtask bless`. Nothing is added to it for new code.
";

/// An entry is found by rule, file and item.
type Key = (String, String, String);

/// The known offenders with their amounts; several offences of one key are added up.
#[derive(Debug, PartialEq)]
pub struct AllowList(BTreeMap<Key, usize>);

impl AllowList {
    /// Reads the list; a missing file is an empty list.
    pub fn read(root: &Path) -> Result<Self, String> {
        match fs::read_to_string(root.join(PATH)) {
            Ok(text) => Self::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self(BTreeMap::new())),
            Err(e) => Err(format!("cannot read {PATH}: {e}")),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut parts = line.splitn(4, ' ');
            let entry = (|| {
                let (rule, path) = (parts.next()?, parts.next()?);
                let amount = parts.next()?.parse().ok()?;
                Some(((rule.into(), path.into(), parts.next().unwrap_or_default().into()), amount))
            })();
            let (key, amount) = entry.ok_or_else(|| {
                format!("{PATH}:{}: expected `rule file amount item`, found `{line}`", index + 1)
            })?;
            entries.insert(key, amount);
        }
        Ok(Self(entries))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Everything that is wrong: offences beyond the list, and entries that are no longer true.
    pub fn judge(&self, offences: &[Offence]) -> Vec<String> {
        let amounts = amounts(offences);
        let mut problems = Vec::new();
        for offence in offences {
            let (listed, found) = (self.0.get(&key(offence)), amounts[&key(offence)]);
            let known = match listed {
                Some(listed) if found <= *listed => continue,
                Some(listed) => format!(" (known with {listed}, now {found})"),
                None => String::new(),
            };
            problems.push(format!("{}:{}: {}{known}", offence.path, offence.line, offence.message));
        }
        for ((rule, path, item), listed) in &self.0 {
            let found =
                amounts.get(&(rule.clone(), path.clone(), item.clone())).copied().unwrap_or(0);
            if found < *listed {
                problems.push(format!(
                    "{PATH}: `{rule}` of {path} {item} is listed with {listed}, and is {found} now: run `cargo xtask bless` to shrink the list"
                ));
            }
        }
        problems
    }

    /// The list with what is gone left out and what shrank at its new size; nothing grows and nothing is added.
    pub fn shrunk(&self, offences: &[Offence]) -> Self {
        let amounts = amounts(offences);
        let still = self
            .0
            .iter()
            .filter_map(|(key, listed)| Some((key.clone(), *amounts.get(key)?.min(listed))));
        Self(still.collect())
    }

    /// Writes the list.
    pub fn write(&self, root: &Path) -> Result<(), String> {
        fs::write(root.join(PATH), self.text()).map_err(|e| format!("cannot write {PATH}: {e}"))
    }

    fn text(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|((rule, path, item), amount)| format!("{rule} {path} {amount} {item}"));
        lines.fold(HEADING.to_string(), |text, line| text + line.trim_end() + "\n")
    }
}

fn key(offence: &Offence) -> Key {
    (offence.rule.into(), offence.path.clone(), offence.item.clone())
}

fn amounts(offences: &[Offence]) -> BTreeMap<Key, usize> {
    let mut amounts = BTreeMap::new();
    for offence in offences {
        *amounts.entry(key(offence)).or_insert(0) += offence.amount;
    }
    amounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offence(item: &str, amount: usize) -> Offence {
        Offence {
            path: "a.rs".into(),
            line: 7,
            rule: "rule",
            item: item.into(),
            amount,
            message: format!("`{item}` offends"),
        }
    }

    fn list(text: &str) -> AllowList {
        AllowList::parse(text).unwrap()
    }

    #[test]
    fn an_offence_that_is_not_listed_is_a_problem() {
        assert_eq!(list("").judge(&[offence("f", 80)]), ["a.rs:7: `f` offends"]);
        assert!(list("rule a.rs 80 f\n").judge(&[offence("f", 80)]).is_empty());
    }

    #[test]
    fn a_listed_one_may_not_grow() {
        assert_eq!(
            list("rule a.rs 80 f\n").judge(&[offence("f", 81)]),
            ["a.rs:7: `f` offends (known with 80, now 81)"]
        );
        let twice = [offence("f", 1), offence("f", 1)];
        assert_eq!(list("rule a.rs 1 f\n").judge(&twice).len(), 2);
        assert!(list("rule a.rs 2 f\n").judge(&twice).is_empty());
    }

    #[test]
    fn a_listed_one_that_shrank_or_went_away_is_a_problem_until_the_list_shrinks() {
        let stale = list("# heading\nrule a.rs 80 f\nrule a.rs 90 g\n");
        let now = [offence("g", 85)];
        assert_eq!(stale.judge(&now).len(), 2);
        let shrunk = stale.shrunk(&now);
        assert_eq!(shrunk, list("rule a.rs 85 g\n"));
        assert!(shrunk.judge(&now).is_empty());
    }

    #[test]
    fn shrinking_never_adds_or_raises() {
        let shrunk = list("rule a.rs 80 f\n").shrunk(&[offence("f", 99), offence("new", 1)]);
        assert_eq!(shrunk, list("rule a.rs 80 f\n"));
    }

    #[test]
    fn the_list_reads_what_it_writes() {
        let read = list("rule a.rs 80 two words\nrule b.rs 1\n");
        assert_eq!(AllowList::parse(&read.text()), Ok(read));
        assert!(
            AllowList::parse("rule a.rs many f\n")
                .unwrap_err()
                .contains("tidy-allow.txt:1: expected")
        );
    }
}
