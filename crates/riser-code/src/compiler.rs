//! What all compilers have in common: what they are told, and how they refuse.

use alloc::borrow::Cow;
use core::fmt;

/// How functions are compiled. Code that was made with other options is other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeOptions {
    /// Replace each NaN that an operator computes by the canonical one.
    pub canonicalize_nans: bool,
    /// Count fuel: see `docs/fuel.md`.
    pub fuel: bool,
    /// Memories with 32-bit addresses have guards (see `riser_abi::is_guarded`); otherwise every access is compared.
    pub guards: bool,
    /// Mask what a wrongly predicted comparison lets through: indices of tables, and of compared accesses.
    pub spectre: bool,
}

impl Default for CodeOptions {
    fn default() -> CodeOptions {
        CodeOptions { canonicalize_nans: false, fuel: false, guards: true, spectre: true }
    }
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    what: Cow<'static, str>,
}

impl CompileError {
    /// What it was that could not be compiled.
    pub fn new(what: impl Into<Cow<'static, str>>) -> CompileError {
        CompileError { what: what.into() }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot compile: {}", self.what)
    }
}

impl core::error::Error for CompileError {}
