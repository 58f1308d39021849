//! The macros that make errors: `format_err!`, `bail!`, `ensure!`.

/// Makes an [`Error`](crate::Error) from a format string with arguments, or from one value: an error keeps
/// its type, anything else that can be shown becomes a message.
#[macro_export]
macro_rules! format_err {
    ($format:literal $(,)?) => { $crate::__private::message(::core::format_args!($format)) };
    ($format:literal, $($args:tt)*) => {
        $crate::__private::message(::core::format_args!($format, $($args)*))
    };
    ($value:expr $(,)?) => {{
        #[allow(unused_imports, reason = "one of the two is found")]
        use $crate::__private::{ErrorKind as _, MessageKind as _};
        match $value {
            value => (&value).__riser_kind().make(value),
        }
    }};
}

/// Returns an error from the function: `return Err(format_err!(…))`.
#[macro_export]
macro_rules! bail {
    ($($args:tt)*) => { return ::core::result::Result::Err($crate::format_err!($($args)*)) };
}

/// Returns an error from the function unless a condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr $(,)?) => {
        $crate::ensure!($condition, "condition failed: `{}`", ::core::stringify!($condition))
    };
    ($condition:expr, $($args:tt)*) => {
        if !$condition { $crate::bail!($($args)*); }
    };
}

/// What the macros expand to. Method resolution finds `ErrorKind` for errors and, one reference further,
/// `MessageKind` for everything else.
#[doc(hidden)]
pub mod __private {
    use crate::Error;
    use core::fmt::{Arguments, Debug, Display};

    #[cold]
    pub fn message(text: Arguments<'_>) -> Error {
        match text.as_str() {
            Some(text) => Error::msg(text),
            None => Error::msg(text.to_string()),
        }
    }

    #[derive(Debug)]
    pub struct OfError;

    #[derive(Debug)]
    pub struct OfMessage;

    pub trait ErrorKind: Sized {
        fn __riser_kind(&self) -> OfError {
            OfError
        }
    }

    impl<E: Into<Error>> ErrorKind for E {}

    pub trait MessageKind: Sized {
        fn __riser_kind(&self) -> OfMessage {
            OfMessage
        }
    }

    impl<M: Display + Debug + Send + Sync + 'static> MessageKind for &M {}

    impl OfError {
        pub fn make<E: Into<Error>>(self, error: E) -> Error {
            error.into()
        }
    }

    impl OfMessage {
        pub fn make<M: Display + Debug + Send + Sync + 'static>(self, message: M) -> Error {
            Error::msg(message)
        }
    }
}
