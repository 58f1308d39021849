//! Names as they stand in the source, from what compilers make of them.

use std::fmt::{self, Write};

use cpp_demangle::{BorrowedSymbol, DemangleOptions};

/// The longest name that comes out. Names are mangled with references to their own parts, so a short one can stand for
/// one of any length.
const DEMANGLED_MAX: usize = 4096;

/// Longer names of C++ are left as they are: taking them apart can take longer than their length would tell.
const CPP_MAX: usize = 2048;

/// The name as it was in the source, if it is one that Rust or C++ mangled. Names of C++ come without the types of
/// parameters.
///
/// ```
/// use riser_inspect::demangle;
/// assert_eq!(demangle("_ZN3app4work17h05af221e174051e9E").as_deref(), Some("app::work"));
/// assert_eq!(demangle("_ZN3app5abortEv").as_deref(), Some("app::abort"));
/// assert_eq!(demangle("main"), None);
/// ```
pub fn demangle(name: &str) -> Option<String> {
    rust(name).or_else(|| cpp(name))
}

/// Text up to a length; what would make it longer is an error.
#[derive(Default)]
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > DEMANGLED_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

fn rust(name: &str) -> Option<String> {
    let mut short = Short::default();
    write!(short, "{:#}", rustc_demangle::try_demangle(name).ok()?).ok()?;
    Some(short.0)
}

fn cpp(name: &str) -> Option<String> {
    // The parser takes what begins like a mangled name and ignores the rest; tools append suffixes after a dot.
    if !name.starts_with("_Z") || name.len() > CPP_MAX {
        return None;
    }
    let (symbol, rest) = BorrowedSymbol::with_tail(name.as_bytes()).ok()?;
    if !rest.is_empty() && !rest.starts_with(b".") {
        return None;
    }
    let mut short = Short::default();
    let options = DemangleOptions::new().no_params().no_return_type();
    symbol.structured_demangle(&mut short, &options).ok()?;
    Some(short.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_and_cpp_are_told_apart() {
        for (mangled, name) in [
            ("_ZN3foo3bar17h05af221e174051e9E", "foo::bar"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_ZN3foo3barEv", "foo::bar"),
            (
                "_ZNSt6vectorIiSaIiEE9push_backEOi",
                "std::vector<int, std::allocator<int> >::push_back",
            ),
            ("_Z4workv.llvm.123", "work"),
        ] {
            assert_eq!(demangle(mangled).as_deref(), Some(name), "{mangled}");
        }
        for name in ["main", "", "_Z", "_ZN", "_ZN3fo", "é", "_Z4workv\u{1}\u{2}"] {
            assert_eq!(demangle(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_stand_for_endless_ones_are_refused() {
        // Each template argument doubles the one before.
        let mut bomb = String::from("_Z1fI1aE");
        for _ in 0..200 {
            bomb += "I_S_S_S_S_S_E";
        }
        assert_eq!(demangle(&bomb), None);
        assert_eq!(demangle(&format!("_ZN{}E", "1a".repeat(100_000))), None);
        let nested = format!("_Z1f{}i", "P".repeat(2000));
        assert!(demangle(&nested).is_none_or(|name| name.len() <= DEMANGLED_MAX));
    }
}
