//! What the values of options look like when typed, and what they mean.

use std::path::PathBuf;
use std::time::Duration;

use riser_ops::Features;

use crate::errors::similar;

/// A module that provides imports.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The module name of the imports.
    pub name: String,
    /// The module that provides them.
    pub file: PathBuf,
}

/// A directory that a program may use.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantedDir {
    /// Where it is.
    pub host: PathBuf,
    /// Its name for the program.
    pub guest: String,
    /// Whether the program can change nothing in it.
    pub read_only: bool,
}

/// One entry of `--wasm`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WasmChange {
    /// A version: exactly these features.
    Version(Features),
    /// A feature, on or off.
    Feature(Features, bool),
}

impl WasmChange {
    /// The features that a list of changes leads to, starting with all.
    pub fn apply(changes: &[WasmChange]) -> Features {
        changes.iter().fold(Features::ALL, |features, change| match *change {
            WasmChange::Version(version) => version,
            WasmChange::Feature(feature, on) => features.with(feature, on),
        })
    }
}

/// The names of versions.
const VERSIONS: [(&str, Features); 4] = [
    ("1.0", Features::WASM1),
    ("2.0", Features::WASM2),
    ("3.0", Features::WASM3),
    ("all", Features::ALL),
];

/// Parses an entry of `--wasm`.
pub fn wasm(text: &str) -> Result<WasmChange, String> {
    if let Some((_, features)) = VERSIONS.iter().find(|(name, _)| *name == text) {
        return Ok(WasmChange::Version(*features));
    }
    let (name, on) = match text.split_once('=') {
        None => (text, true),
        Some((name, "on")) => (name, true),
        Some((name, "off")) => (name, false),
        Some(_) => return Err("a feature is `NAME`, `NAME=on` or `NAME=off`".into()),
    };
    match Features::by_name(name) {
        Some(feature) => Ok(WasmChange::Feature(feature, on)),
        None => {
            let known = || Features::TABLE.iter().map(|row| row.1);
            Err(match similar(name, known()) {
                Some(candidate) => {
                    format!("there is no feature `{name}`; did you mean `{candidate}`?")
                }
                None => {
                    let known: Vec<&str> = known().collect();
                    format!(
                        "there is no feature `{name}`; there are the versions 1.0, 2.0, 3.0, all and the features {}",
                        known.join(", ")
                    )
                }
            })
        }
    }
}

/// Parses `NAME=FILE`.
pub fn link(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((name, file)) if !file.is_empty() => Ok(Link { name: name.into(), file: file.into() }),
        _ => Err(
            "give the name that is imported and the module that provides it, as in `env=lib.wasm`"
                .into(),
        ),
    }
}

/// Parses `HOST[::GUEST][:ro]`.
pub fn dir(text: &str) -> Result<GrantedDir, String> {
    let (rest, read_only) = match text.strip_suffix(":ro") {
        Some(rest) => (rest, true),
        None => (text.strip_suffix(":rw").unwrap_or(text), false),
    };
    let (host, guest) = rest.split_once("::").unwrap_or((rest, rest));
    if host.is_empty() || guest.is_empty() {
        return Err("give a folder, as in `data`, `data::/srv` or `data::/srv:ro`".into());
    }
    Ok(GrantedDir { host: host.into(), guest: guest.into(), read_only })
}

/// Parses what a function may execute before it gets better code: `N`, `N,M` or `never`.
pub fn budget(text: &str) -> Result<(u32, u32), String> {
    if text == "never" {
        return Ok((u32::MAX, 0));
    }
    let (budget, per_byte) = text.split_once(',').unwrap_or((text, "0"));
    match (budget.parse(), per_byte.parse()) {
        (Ok(budget), Ok(per_byte)) if budget != u32::MAX => Ok((budget, per_byte)),
        _ => Err("give a number as in 100000, two as in 7500,1000, or `never`".into()),
    }
}

/// Parses a size in bytes with an optional unit of 1024 to a power.
pub fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        unit => return Err(format!("`{unit}` is not a unit of size; there are K, M and G")),
    };
    let number: usize =
        digits.parse().map_err(|_| "give a number of bytes, as in 65536, 512K or 8M")?;
    match number.checked_mul(1 << shift) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("the size is out of range".into()),
    }
}

/// Parses a span of time: a number with `ms`, `s` (also without a unit), `m` or `h`.
pub fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("`{unit}` is not a unit of time; there are ms, s, m and h")),
    };
    let number: f64 = match digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        true => digits.parse().map_err(|_| "give a span of time, as in 500ms, 5s or 2m")?,
        false => return Err("give a span of time, as in 500ms, 5s or 2m".into()),
    };
    match Duration::try_from_secs_f64(number * unit) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("the time is out of range".into()),
    }
}

/// Parses a count, perhaps with `_` between digits or a unit of 1000 to a power.
pub fn number(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['k', 'K', 'M', 'G', 'T']);
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        unit => return Err(format!("`{unit}` is not a unit; there are k, M, G and T")),
    };
    let number: u64 =
        digits.replace('_', "").parse().map_err(|_| "give a number, as in 1000000, 1M or 2G")?;
    number.checked_mul(unit).ok_or_else(|| "the number is out of range".into())
}

/// Parses an address to listen on: `PORT` (of this machine alone), `HOST:PORT` or `[HOST]:PORT`.
pub fn listen(text: &str) -> Result<String, String> {
    let form = "give an address to listen on, as in 8080, 127.0.0.1:8080 or [::1]:8080";
    let (host, port) = match text.rsplit_once(':') {
        None => ("127.0.0.1", text),
        Some((host, port)) => (host, port),
    };
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(form.into());
    }
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_have_names_and_modes() {
        let granted = |host: &str, guest: &str, read_only| {
            Ok(GrantedDir { host: host.into(), guest: guest.into(), read_only })
        };
        assert_eq!(dir("a"), granted("a", "a", false));
        assert_eq!(dir("a:ro"), granted("a", "a", true));
        assert_eq!(dir("a::/b"), granted("a", "/b", false));
        assert_eq!(dir("a::/b:ro"), granted("a", "/b", true));
        assert_eq!(dir("a::/b:rw"), granted("a", "/b", false));
        assert!(dir("::/b").is_err() && dir("a::").is_err() && dir("").is_err());
    }

    #[test]
    fn budgets_are_one_number_or_two_or_none() {
        assert_eq!((budget("5"), budget("7500,1000")), (Ok((5, 0)), Ok((7500, 1000))));
        assert_eq!(budget("never"), Ok((u32::MAX, 0)));
        for wrong in ["", "5,", "-1", "4294967295", "always", "1,2,3"] {
            assert!(budget(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn features_are_changed_in_order() {
        let features = |list: &str| {
            let changes: Vec<_> = list.split(',').map(|item| wasm(item).unwrap()).collect();
            WasmChange::apply(&changes)
        };
        assert_eq!(features("2.0"), Features::WASM2);
        assert_eq!(features("2.0,tail-call"), Features::WASM2 | Features::TAIL_CALL);
        assert_eq!(features("simd=off"), Features::ALL.without(Features::SIMD));
        assert_eq!(features("simd=off,3.0"), Features::WASM3);
        assert_eq!(wasm("simdd").unwrap_err(), "there is no feature `simdd`; did you mean `simd`?");
        assert!(wasm("simd=maybe").is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("512K"), Ok(512 << 10));
        assert_eq!(size("8MiB"), Ok(8 << 20));
        assert!(size("0").is_err() && size("M").is_err() && size("8X").is_err());
        assert!(size("99999999999999999999").is_err() && size("99999999999999G").is_err());
    }

    #[test]
    fn times_have_units() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("5"), Ok(Duration::from_secs(5)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        for bad in
            ["", "s", "5x", "-1s", "0", "inf", "nan", "1e5", "1e30h", "9".repeat(40).as_str()]
        {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!(number("1_000"), Ok(1000));
        assert_eq!(number("2M"), Ok(2_000_000));
        assert_eq!(number("0"), Ok(0));
        for bad in ["", "M", "1X", "-1", "99999999999G"] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        assert_eq!(listen("8080").as_deref(), Ok("127.0.0.1:8080"));
        assert_eq!(listen("[::1]:80").as_deref(), Ok("[::1]:80"));
        for bad in ["", ":80", "localhost", "80:", "1.2.3.4:99999"] {
            assert!(listen(bad).is_err(), "{bad}");
        }
    }
}
