//! Options as other runtimes spell them. Those that mean what one of ours means are taken as that one; of others the
//! error names what to use.
//!
//! Only words before the file are looked at: the rest belongs to the program.
// tidy: table

use std::ffi::OsString;

use clap::{ArgAction, Command};
use riser_ops::Features;

use crate::errors::Report;

/// What is done with an option of another runtime.
enum Meaning {
    /// It is one of ours, with the same value.
    Same(&'static str),
    /// It is one of ours without a value.
    Flag(&'static str),
    /// Its value has another form: ours is made of it. `None` if that cannot be.
    Form(fn(&str) -> Option<Vec<String>>, &'static str),
    /// It is what happens anyway.
    Always,
    /// It takes no value, and this is what to say.
    Says(&'static str),
    /// It takes a value, and this is what to say.
    SaysOfValue(&'static str),
    /// It is a list of keys, which this table explains.
    Keys(&'static [Key]),
}

use Meaning::{Always, Flag, Form, Keys, Same, Says, SaysOfValue};

/// A key in the list of an option like `-W fuel=1,timeout=2s`.
struct Key {
    name: &'static str,
    meaning: Meaning,
}

const fn key(name: &'static str, meaning: Meaning) -> Key {
    Key { name, meaning }
}

const ENVIRONMENT: &str = "name each variable that the program may see with --env NAME";
const NETWORK: &str = "a program can accept connections with --listen, and cannot open any";
const COMPILER: &str =
    "riser starts in quick code and makes better code meanwhile; --tier chooses one of them";
const TARGET: &str = "code is made for this machine; leave it out";
const PRECOMPILED: &str = "riser takes what `riser compile` made like a module; leave it out";
const CACHE: &str = "RISER_CACHE_DIR in the environment says where code is cached; leave it out";
const FEATURES: &str = "features are switched with --wasm FEATURE or --wasm FEATURE=off";
const RESERVED: &str = "riser needs no such size; --max-memory limits what a program takes";
const UNKNOWN_DEFAULT: &str = "--stub-imports lets missing functions trap when they are called";
const COMPONENTS: &str = "riser runs modules made for WASI 0.1, and no components yet";

/// The options, by the spelling. Where two runtimes disagree, the more widespread meaning stands here.
const SPELLINGS: [(&str, Meaning); 62] = [
    ("--preload", Same("--link")),
    ("--mapdir", Form(guest_first, "--dir HOST::GUEST")),
    ("--map-dir", Form(guest_first, "--dir HOST::GUEST")),
    ("--volume", Form(host_first, "--dir HOST::GUEST")),
    ("-mount", Form(host_first, "--dir HOST::GUEST")),
    ("-W", Keys(&WASM_KEYS)),
    ("-S", Keys(&WASI_KEYS)),
    ("--wasi", Keys(&WASI_KEYS)),
    ("-C", Keys(&CODEGEN_KEYS)),
    ("--codegen", Keys(&CODEGEN_KEYS)),
    ("-O", SaysOfValue(COMPILER)),
    ("--optimize", SaysOfValue(COMPILER)),
    ("-D", SaysOfValue("debug information is read whenever a program traps; leave it out")),
    ("--debug", SaysOfValue("debug information is read whenever a program traps; leave it out")),
    ("-g", Says("debug information is read whenever a program traps; leave it out")),
    ("--wasm-features", SaysOfValue(FEATURES)),
    ("--wasm-timeout", Same("--timeout")),
    ("--max-wasm-stack", Same("--max-stack")),
    ("--stack-size", Same("--max-stack")),
    ("--trap-unknown-imports", Flag("--stub-imports")),
    ("--default-values-unknown-imports", Says(UNKNOWN_DEFAULT)),
    ("--tcplisten", Same("--listen")),
    ("-listen", Same("--listen")),
    ("--listenfd", Says("riser opens sockets by itself, with --listen")),
    ("--inherit-env", Says(ENVIRONMENT)),
    ("--forward-host-env", Says(ENVIRONMENT)),
    ("-env-inherit", Says(ENVIRONMENT)),
    ("-env", Same("--env")),
    ("-timeout", Same("--timeout")),
    ("-interpreter", Flag("--interp")),
    ("-hostlogging", SaysOfValue("--trace prints each call of the system")),
    ("-cachedir", SaysOfValue(CACHE)),
    ("--cache-dir", SaysOfValue(CACHE)),
    ("--allow-precompiled", Says(PRECOMPILED)),
    ("--target", SaysOfValue(TARGET)),
    ("--disable-cache", Flag("--no-cache")),
    ("--entrypoint", Same("--invoke")),
    ("-e", Form(variable_or_function, "--env NAME=VALUE or --invoke NAME")),
    ("-i", Same("--invoke")),
    ("--function", Same("--invoke")),
    ("-f", Same("--invoke")),
    ("--func", Same("--invoke")),
    ("--command-name", Same("--argv0")),
    ("--net", Says(NETWORK)),
    ("--enable-all", Always),
    ("--enable-threads", Always),
    ("--enable-simd", Always),
    ("--enable-reference-types", Always),
    ("--enable-tail-call", Always),
    ("--disable-simd", Form(simd_off, "--wasm simd=off")),
    ("--singlepass", Says(COMPILER)),
    ("--cranelift", Says(COMPILER)),
    ("--llvm", Says(COMPILER)),
    ("--interpreter", Flag("--interp")),
    ("--reactor", Says("name the function with --invoke; `_initialize` is called before it")),
    ("--memory-page-limit", Form(pages, "--max-memory SIZE")),
    ("--gas-limit", Same("--fuel")),
    ("--time-limit", Form(milliseconds, "--timeout TIME")),
    ("--heap-size", SaysOfValue(RESERVED)),
    ("--max-threads", SaysOfValue("a program with threads may have 256 of them at once")),
    ("--addr-pool", SaysOfValue(NETWORK)),
    ("--experimental-wasi-threads", Always),
];

/// Keys of `-W`; besides these there are the names of features.
const WASM_KEYS: [Key; 10] = [
    key("fuel", Same("--fuel")),
    key("timeout", Same("--timeout")),
    key("max-memory-size", Same("--max-memory")),
    key("max-table-elements", Same("--max-table")),
    key("max-wasm-stack", Same("--max-stack")),
    key("unknown-imports-trap", Flag("--stub-imports")),
    key("unknown-imports-default", Says(UNKNOWN_DEFAULT)),
    key("all-proposals", Always),
    key("nan-canonicalization", Flag("--deterministic")),
    key("component-model", Says(COMPONENTS)),
];

/// Keys of `-S`.
const WASI_KEYS: [Key; 11] = [
    key("tcplisten", Same("--listen")),
    key("inherit-env", Says(ENVIRONMENT)),
    key("listenfd", Says("riser opens sockets by itself, with --listen")),
    key("inherit-network", Says(NETWORK)),
    key("network", Says(NETWORK)),
    key("http", Says(COMPONENTS)),
    key("preview2", Always),
    key("cli", Always),
    key("common", Always),
    key("threads", Always),
    key("p3", Says(COMPONENTS)),
];

/// Keys of `-C`.
const CODEGEN_KEYS: [Key; 4] = [
    key("cache", Flag("--no-cache")),
    key("compiler", Says(COMPILER)),
    key("cache-config", Says(CACHE)),
    key("parallel-compilation", Says(COMPILER)),
];

/// `GUEST::HOST`, or `GUEST:HOST`, to ours.
fn guest_first(value: &str) -> Option<Vec<String>> {
    let (guest, host) = value.split_once("::").or_else(|| value.split_once(':'))?;
    Some(vec!["--dir".into(), format!("{host}::{guest}")])
}

/// `HOST:GUEST`, perhaps with `:ro`, to ours.
fn host_first(value: &str) -> Option<Vec<String>> {
    let (rest, mode) = match value.strip_suffix(":ro") {
        Some(rest) => (rest, ":ro"),
        None => (value, ""),
    };
    let (host, guest) =
        rest.split_once("::").or_else(|| rest.split_once(':')).unwrap_or((rest, rest));
    Some(vec!["--dir".into(), format!("{host}::{guest}{mode}")])
}

/// `-e` is a variable for some and a function for others; only a variable has a `=`.
fn variable_or_function(value: &str) -> Option<Vec<String>> {
    let option = if value.contains('=') { "--env" } else { "--invoke" };
    (!value.is_empty()).then(|| vec![option.into(), value.into()])
}

fn pages(value: &str) -> Option<Vec<String>> {
    let bytes = value.parse::<u64>().ok()?.checked_mul(65536)?;
    Some(vec!["--max-memory".into(), bytes.to_string()])
}

fn milliseconds(value: &str) -> Option<Vec<String>> {
    Some(vec!["--timeout".into(), format!("{}ms", value.parse::<u64>().ok()?)])
}

fn simd_off(_: &str) -> Option<Vec<String>> {
    Some(vec!["--wasm".into(), "simd=off,relaxed-simd=off".into()])
}

/// Replaces what other runtimes spell differently, in the words of `riser run` from `position` on, which is behind
/// the word `run`. `run` is the declaration of that command.
pub fn translate(
    run: &Command,
    words: Vec<OsString>,
    position: usize,
) -> Result<Vec<OsString>, Report> {
    let mut rest = words.into_iter();
    let mut translated: Vec<OsString> = rest.by_ref().take(position).collect();
    while let Some(word) = rest.next() {
        let text = word.to_str().unwrap_or_default();
        if !text.starts_with('-') || matches!(text, "-" | "--") {
            translated.push(word);
            break;
        }
        let (name, value) = split(text);
        let (name, value) = (name.to_string(), value.map(String::from));
        let Some((_, meaning)) = SPELLINGS.iter().find(|row| row.0 == name) else {
            let takes_next = value.is_none() && takes_value(run, &name);
            translated.push(word);
            translated.extend(takes_next.then(|| rest.next()).flatten());
            continue;
        };
        let value = match (meaning.takes_value(), value) {
            (true, None) => rest.next().and_then(|value| value.into_string().ok()),
            (_, value) => value,
        };
        let ours = meaning.ours(&name, value.as_deref())?;
        translated.extend(ours.into_iter().map(OsString::from));
    }
    translated.extend(rest);
    Ok(translated)
}

/// The name and the value of a word like `--name=value`, `-Wvalue` or `-name=value`.
fn split(text: &str) -> (&str, Option<&str>) {
    let is_glued = ["-W", "-S", "-C", "-O", "-D"].iter().any(|name| text.starts_with(name));
    if is_glued && text.len() > 2 {
        return (&text[..2], Some(text[2..].trim_start_matches('=')));
    }
    match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    }
}

/// Whether one of our options takes the next word as its value.
fn takes_value(run: &Command, name: &str) -> bool {
    let matches =
        |arg: &&clap::Arg| name.strip_prefix("--").is_some_and(|long| arg.get_long() == Some(long));
    let arg = run.get_arguments().find(matches);
    // The options of all commands are not among those of `run` before clap has built it.
    name == "--color"
        || arg.is_some_and(|arg| {
            matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
                && !arg.is_require_equals_set()
        })
}

impl Meaning {
    fn takes_value(&self) -> bool {
        match self {
            Form(form, _) => !std::ptr::fn_addr_eq(*form, simd_off as fn(&str) -> _),
            Same(_) | SaysOfValue(_) | Keys(_) => true,
            Flag(_) | Always | Says(_) => false,
        }
    }

    /// Our words for an option called `name`.
    fn ours(&self, name: &str, value: Option<&str>) -> Result<Vec<String>, Report> {
        let refused = |help: &str| {
            Err(Report::usage(format!("riser has no option `{name}`")).help(help.to_string()))
        };
        match (self, value) {
            (Same(ours), Some(value)) => Ok(vec![(*ours).into(), value.into()]),
            (Same(ours), None) => refused(&format!("it is called {ours} here, and needs a value")),
            (Flag(ours), value) => Ok(if is_on(value) { vec![(*ours).into()] } else { vec![] }),
            (Form(form, ours), value) => match form(value.unwrap_or_default()) {
                Some(words) => Ok(words),
                None => refused(&format!("give it as {ours}")),
            },
            (Always, _) => Ok(Vec::new()),
            (Says(help) | SaysOfValue(help), _) => refused(help),
            (Keys(keys), list) => {
                let list = list.unwrap_or_default().split(',').filter(|item| !item.is_empty());
                let ours = list.map(|item| explain(keys, name, item));
                Ok(ours.collect::<Result<Vec<_>, _>>()?.concat())
            }
        }
    }
}

/// Our words for one entry of a list like `-W fuel=1`.
fn explain(keys: &[Key], option: &str, item: &str) -> Result<Vec<String>, Report> {
    let (name, value) = split(item);
    let full = format!("{option} {name}");
    let off = !is_on(value);
    if let Some(key) = keys.iter().find(|key| key.name == name) {
        return match key.meaning {
            // The one key whose absence is an option of ours.
            Flag("--no-cache") => Ok(if off { vec!["--no-cache".into()] } else { vec![] }),
            // What riser does not do need not be switched off.
            Says(_) if off && value.is_some() => Ok(Vec::new()),
            ref meaning => meaning.ours(&full, value),
        };
    }
    if option == "-W" && Features::by_name(name).is_some() {
        let state = if off { "off" } else { "on" };
        return Ok(vec!["--wasm".into(), format!("{name}={state}")]);
    }
    let report = Report::usage(format!("riser has no option `{full}`"));
    Err(match option {
        "-W" => report.help(FEATURES),
        "-C" | "--codegen" => report.help(COMPILER),
        _ => report.help("`riser help run` shows what a program can be given"),
    })
}

/// Whether the value of a switch says yes, which it does if there is none.
fn is_on(value: Option<&str>) -> bool {
    !matches!(value, Some("n" | "no" | "false" | "off" | "0"))
}

/// The table for the reference: what others spell, and what it is here.
#[cfg(test)]
pub fn described() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, meaning) in &SPELLINGS {
        match meaning {
            // The long form is the same again.
            Keys(_) if name.starts_with("--") => {}
            Keys(keys) => {
                let described = keys
                    .iter()
                    .map(|key| (format!("{name} {}", key.name), key.meaning.described()));
                rows.extend(described);
            }
            meaning => rows.push(((*name).to_string(), meaning.described())),
        }
    }
    rows
}

#[cfg(test)]
impl Meaning {
    fn described(&self) -> String {
        match self {
            Same(ours) | Flag(ours) | Form(_, ours) => format!("`{ours}`"),
            Always => "always so; ignored".into(),
            Says(help) | SaysOfValue(help) => format!("not there: {help}"),
            Keys(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::options::Cli;

    /// What the words become, or the error.
    fn translated(words: &str) -> String {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        let words = ["riser", "run"].into_iter().chain(words.split(' ')).map(OsString::from);
        match translate(run, words.collect(), 2) {
            Ok(words) => {
                let words: Vec<_> = words[2..].iter().map(|word| word.to_str().unwrap()).collect();
                words.join(" ")
            }
            Err(report) => {
                assert_eq!(report.exit_status(), 2);
                anstream::adapter::strip_str(&report.render(false)).to_string()
            }
        }
    }

    #[test]
    fn spellings_of_other_runtimes_become_ours() {
        for (theirs, ours) in [
            ("--preload env=lib.wasm a.wasm", "--link env=lib.wasm a.wasm"),
            ("--preload=env=lib.wasm a.wasm", "--link env=lib.wasm a.wasm"),
            ("--mapdir /data::/srv a.wasm", "--dir /srv::/data a.wasm"),
            ("--mapdir /data:/srv a.wasm", "--dir /srv::/data a.wasm"),
            ("--map-dir=/data::/srv a.wasm", "--dir /srv::/data a.wasm"),
            ("--volume /srv:/data a.wasm", "--dir /srv::/data a.wasm"),
            ("-mount=/srv:/data:ro a.wasm", "--dir /srv::/data:ro a.wasm"),
            ("-mount=. a.wasm", "--dir .::. a.wasm"),
            ("-W fuel=100 a.wasm", "--fuel 100 a.wasm"),
            ("-Wfuel=100,timeout=5s a.wasm", "--fuel 100 --timeout 5s a.wasm"),
            ("-W max-memory-size=1000000 a.wasm", "--max-memory 1000000 a.wasm"),
            ("-W simd=n,threads a.wasm", "--wasm simd=off --wasm threads=on a.wasm"),
            ("-W unknown-imports-trap=y a.wasm", "--stub-imports a.wasm"),
            ("-W component-model=n,all-proposals a.wasm", "a.wasm"),
            ("-S tcplisten=127.0.0.1:80 a.wasm", "--listen 127.0.0.1:80 a.wasm"),
            ("-S threads,preview2=n,inherit-env=n a.wasm", "a.wasm"),
            ("-C cache=n a.wasm", "--no-cache a.wasm"),
            ("-C cache=y a.wasm", "a.wasm"),
            ("--tcplisten 127.0.0.1:80 a.wasm", "--listen 127.0.0.1:80 a.wasm"),
            ("--trap-unknown-imports a.wasm", "--stub-imports a.wasm"),
            ("--wasm-timeout 5s a.wasm", "--timeout 5s a.wasm"),
            ("--max-wasm-stack 1000 a.wasm", "--max-stack 1000 a.wasm"),
            ("--stack-size=1000 a.wasm", "--max-stack 1000 a.wasm"),
            ("-e add a.wasm 1 2", "--invoke add a.wasm 1 2"),
            ("-e A=1 a.wasm", "--env A=1 a.wasm"),
            ("--function add a.wasm 1 2", "--invoke add a.wasm 1 2"),
            ("-env=A=1 a.wasm", "--env A=1 a.wasm"),
            ("-timeout=5s -interpreter a.wasm", "--timeout 5s --interp a.wasm"),
            ("--enable-all --disable-simd a.wasm", "--wasm simd=off,relaxed-simd=off a.wasm"),
            ("--memory-page-limit 2 a.wasm", "--max-memory 131072 a.wasm"),
            ("--gas-limit 9 --time-limit 10 a.wasm", "--fuel 9 --timeout 10ms a.wasm"),
            ("--command-name me --disable-cache a.wasm", "--argv0 me --no-cache a.wasm"),
        ] {
            assert_eq!(translated(theirs), ours, "{theirs}");
        }
    }

    #[test]
    fn of_other_options_the_error_names_ours() {
        for (theirs, named) in [
            ("--inherit-env a.wasm", "--env NAME"),
            ("-S inherit-env a.wasm", "--env NAME"),
            ("--forward-host-env a.wasm", "--env NAME"),
            ("--net a.wasm", "--listen"),
            ("-S inherit-network=y a.wasm", "--listen"),
            ("-W unknown-imports-default a.wasm", "--stub-imports"),
            ("--wasm-features all a.wasm", "--wasm FEATURE"),
            ("-W sidm=n a.wasm", "--wasm FEATURE"),
            ("--reactor a.wasm f", "--invoke"),
            ("-hostlogging=all a.wasm", "--trace"),
            ("--mapdir /data a.wasm", "--dir HOST::GUEST"),
            ("--memory-page-limit x a.wasm", "--max-memory"),
            ("--heap-size 1 a.wasm", "--max-memory"),
            ("-O opt-level=2 a.wasm", "--tier"),
            ("--cranelift a.wasm", "--tier"),
            ("-C compiler=winch a.wasm", "--tier"),
            ("--preload", "--link"),
        ] {
            let message = translated(theirs);
            assert!(message.starts_with("error: riser has no option `-"), "{theirs}: {message}");
            assert!(message.contains(named), "{theirs}: {message}");
        }
    }

    #[test]
    fn what_is_ours_stays_and_so_does_what_the_program_gets() {
        for words in [
            "--dir -W a.wasm",
            "--env --preload --report a.wasm --mapdir x",
            "--color always -v a.wasm -W fuel=1",
            "--report=json --invoke -e a.wasm",
            "- --preload x",
            "-- --preload x",
        ] {
            assert_eq!(translated(words), words);
        }
    }

    #[test]
    fn no_spelling_is_one_of_ours() {
        let mut command = Cli::command();
        command.build();
        let run = command.find_subcommand("run").unwrap();
        for (name, meaning) in &SPELLINGS {
            let taken = run.get_arguments().any(|arg| {
                name.strip_prefix("--").is_some_and(|long| arg.get_long() == Some(long))
                    || arg.get_short().is_some_and(|short| *name == format!("-{short}"))
            });
            assert!(!taken, "{name} has a meaning here");
            let named = match meaning {
                Same(ours) | Flag(ours) => Some(*ours),
                Form(_, ours) => ours.split(' ').next(),
                _ => None,
            };
            if let Some(ours) = named.and_then(|ours| ours.strip_prefix("--")) {
                assert!(run.get_arguments().any(|arg| arg.get_long() == Some(ours)), "{ours}");
            }
        }
    }
}
