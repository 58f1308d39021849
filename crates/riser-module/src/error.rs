//! What can be wrong with a module: one error for decoding, section-level and body validation.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;
use riser_ops::FuncIdx;

/// In which sense a module is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The bytes are not a module: the binary grammar is violated.
    Malformed,
    /// The module is well-formed but not valid.
    Invalid,
    /// The module exceeds a limit of the implementation.
    LimitExceeded,
    /// The bytes are something else that is well known (a component, text …).
    NotAModule,
}

/// An error in a module: what, where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    offset: usize,
    func: Option<FuncIdx>,
    message: Cow<'static, str>,
}

impl ModuleError {
    /// An error of `kind` at byte `offset` of the module.
    #[cold]
    pub fn new(
        kind: ErrorKind,
        offset: usize,
        message: impl Into<Cow<'static, str>>,
    ) -> ModuleError {
        ModuleError(Box::new(Inner { kind, offset, func: None, message: message.into() }))
    }

    /// A violation of the binary grammar.
    #[cold]
    pub fn malformed(offset: usize, message: impl Into<Cow<'static, str>>) -> ModuleError {
        Self::new(ErrorKind::Malformed, offset, message)
    }

    /// A violation of the validation rules.
    #[cold]
    pub fn invalid(offset: usize, message: impl Into<Cow<'static, str>>) -> ModuleError {
        Self::new(ErrorKind::Invalid, offset, message)
    }

    /// An implementation limit.
    #[cold]
    pub fn limit(offset: usize, message: impl Into<Cow<'static, str>>) -> ModuleError {
        Self::new(ErrorKind::LimitExceeded, offset, message)
    }

    /// The same error, in the body of `func`.
    pub fn in_func(mut self, func: FuncIdx) -> ModuleError {
        self.0.func = Some(func);
        self
    }

    /// In which sense the module is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The byte offset in the module.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The function in whose body the error is.
    pub fn func(&self) -> Option<FuncIdx> {
        self.0.func
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { offset, func, message, .. } = &*self.0;
        match func {
            Some(func) => write!(f, "{message} (func {func}, at offset {offset:#x})"),
            None => write!(f, "{message} (at offset {offset:#x})"),
        }
    }
}

impl core::error::Error for ModuleError {}
