//! What became of a script's directives.

use std::fmt;
use std::ops::AddAssign;

/// A directive that did not do what the script says.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The script.
    pub file: String,
    /// Line of the directive, from 1.
    pub line: usize,
    /// Column of the directive, from 1.
    pub column: usize,
    /// What happened, and what was expected.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// Counts of directives, and the failures one by one.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Directives read.
    pub parsed: usize,
    /// Directives that did what the script says.
    pub passed: usize,
    /// Directives that were not carried out.
    pub skipped: usize,
    /// Directives that did something else.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Whether everything passed.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && self.skipped == 0
    }
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Report) {
        self.parsed += other.parsed;
        self.passed += other.passed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { parsed, passed, skipped, failures } = self;
        let failed = failures.len();
        write!(f, "{parsed} directives parsed, {passed} passed, {failed} failed, {skipped} skipped")
    }
}
