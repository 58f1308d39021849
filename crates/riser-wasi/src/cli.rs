//! The command-line core: arguments, environment, and how a program ends.
//!
//! Nothing is inherited unless the embedder asked for it in `ctx.rs`.

use std::fmt;

/// Arguments and environment of a guest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cli {
    /// The program's arguments; the first is its own name by convention.
    pub(crate) args: Vec<String>,
    /// The environment, in the order in which it was given.
    pub(crate) env: Vec<(String, String)>,
}

impl Cli {
    /// The environment in the form `KEY=VALUE`.
    pub(crate) fn env_strings(&self) -> Vec<String> {
        let join = |(key, value): &(String, String)| format!("{key}={value}");
        self.env.iter().map(join).collect()
    }
}

/// The error with which a call ends when the guest exits by itself.
///
/// A guest that calls `proc_exit` never returns from that call. The call that entered the guest fails with this
/// value, which the embedder finds by downcasting:
///
/// ```
/// fn exit_code(error: &riser::Error) -> Option<i32> {
///     error.downcast_ref::<riser_wasi::I32Exit>().map(|exit| exit.0)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I32Exit(pub i32);

impl fmt::Display for I32Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exited with status {}", self.0)
    }
}

impl std::error::Error for I32Exit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_strings_join_key_and_value() {
        let cli = Cli {
            env: vec![("A".into(), "1=2".into()), ("B".into(), String::new())],
            ..Cli::default()
        };
        assert_eq!(cli.env_strings(), ["A=1=2", "B="]);
    }
}
