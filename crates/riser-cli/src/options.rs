//! Every option of the command, declared once: the parser, the help and the messages about mistakes come from here.
//!
//! These are the options as typed. What they mean for an engine is in `engine.rs`, for a guest in
//! `commands/run.rs`. The comment on a field is its help: the first paragraph for `-h`, all of it for `--help`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use riser_ops::Features;

use crate::errors::similar;
use crate::style;

/// The headings that group options in the help.
mod heading {
    pub const PROGRAM: &str = "The program";
    pub const GRANTS: &str = "What the program may use";
    pub const ENGINE: &str = "How it runs";
    pub const GENERAL: &str = "General";
}

const STYLES: Styles = Styles::styled()
    .header(style::HEADING)
    .usage(style::HEADING)
    .literal(style::LITERAL)
    .placeholder(style::PLACEHOLDER);

/// Runs WebAssembly programs and looks into them.
#[derive(Debug, Parser)]
#[command(
    name = "riser",
    version,
    styles = STYLES,
    max_term_width = 80,
    disable_help_flag = true,
    disable_version_flag = true,
    subcommand_required = true,
    arg_required_else_help = true,
    override_usage = "riser COMMAND [OPTIONS] [FILE]...\n       riser [OPTIONS] FILE [ARGS]...",
    subcommand_help_heading = "Commands",
    after_help = TOP_NOTE,
    after_long_help = TOP_EXAMPLES
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of all commands.
    #[command(flatten)]
    pub general: General,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = heading::GENERAL)]
    version: Option<bool>,
}

const TOP_NOTE: &str = "\
`riser FILE` is short for `riser run FILE`.
`riser help COMMAND` lists the options of a command and gives examples.";

const TOP_EXAMPLES: &str = "\
`riser FILE` is short for `riser run FILE`.
`riser help COMMAND` lists the options of a command and gives examples.

Examples:
  riser app.wasm --size 3             run a program; --size 3 is the program's own
  riser --dir . app.wasm data.txt     let it use the files of this folder
  riser --invoke add lib.wat 1 2      call an exported function
  riser inspect app.wasm              see what a module consists of

Exit status: that of the program; 134 if it trapped; 2 if riser was called
wrongly; 1 for other errors.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program, or call a function of a module
    ///
    /// FILE is a module, binary or text, or `-` for standard input. Everything after it belongs to the program (a `--` right
    /// after FILE is dropped). A module that exports `_start` is run as a program. Of any other module a function is called:
    /// name it with --invoke.
    ///
    /// A program gets no file, variable or argument that is not given to it here. Only the time, random numbers and the
    /// standard streams are always there.
    Run(RunOptions),
    /// Check that modules are valid
    ///
    /// Nothing is said of modules that are valid. For each that is not, the first error is printed with its place. FILE is binary or text, or `-` for standard input.
    ///
    /// Exit status: 0 if all are valid, 1 if not.
    Validate(ValidateOptions),
    /// Show what a module consists of
    ///
    /// That is its sections, types, imports, exports, memories, tables, globals, the proposals it uses and its largest functions.
    /// The module need not be one that could run, and its functions need not be valid.
    Inspect(InspectOptions),
    /// Translate between the binary and the text format
    ///
    /// A binary becomes text and text becomes a binary. Which of them FILE is, is told by its content. `-` is standard input.
    Wat(WatOptions),
    /// Run test scripts of the specification (.wast)
    ///
    /// They are in the format of the official specification suite. Each directive that does not do what the script says is printed with file, line and column; then how many passed.
    ///
    /// Exit status: 0 if all passed, 1 if not.
    Wast(WastOptions),
}

/// Options of all commands.
#[derive(Debug, Args)]
pub struct General {
    /// When to use colours
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t = Color::Auto,
        hide_possible_values = true,
        global = true,
        help_heading = heading::GENERAL,
        help = "When to use colours: auto, always or never",
        long_help = "When to use colours: `auto` (on a terminal, unless NO_COLOR is set), `always` or `never`"
    )]
    pub color: Color,
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = heading::GENERAL)]
    pub verbose: bool,
    /// Say nothing but errors, and these in one line
    #[arg(short, long, global = true, help_heading = heading::GENERAL)]
    pub quiet: bool,
    /// Print help
    #[arg(
        short,
        long,
        action = ArgAction::Help,
        global = true,
        help_heading = heading::GENERAL,
        help = "Print help (-h: short, --help: with examples)"
    )]
    help: Option<bool>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options of `riser run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "riser run [OPTIONS] FILE [ARGS]...\n       riser [OPTIONS] FILE [ARGS]...",
    after_long_help = RUN_EXAMPLES
)]
pub struct RunOptions {
    /// The module, and what the program gets as arguments
    #[arg(value_names = ["FILE", "ARGS"], num_args = 1.., required = true, trailing_var_arg = true)]
    program: Vec<OsString>,

    /// Call this exported function instead of `_start`
    ///
    /// ARGS are its arguments: integers (decimal, hexadecimal, negative), floats, vectors as lanes (`i32x4:1,2,3,4`), `null` for
    /// references. Results are printed one a line. If the module exports `_initialize`, that is called before.
    #[arg(long, value_name = "NAME", help_heading = heading::PROGRAM)]
    pub invoke: Option<String>,
    /// Provide the imports named NAME from another module
    ///
    /// FILE is instantiated first, and what it exports can be imported from NAME. May be repeated; a later module can import from
    /// an earlier one.
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_link, help_heading = heading::PROGRAM)]
    pub link: Vec<Link>,
    /// Let functions that nothing provides trap when called
    #[arg(long, help_heading = heading::PROGRAM)]
    pub stub_imports: bool,
    /// The name of the program as it sees it itself
    ///
    /// That is its first argument, by convention the program's name. Without this option it is the name of FILE without the folder.
    #[arg(long, value_name = "NAME", help_heading = heading::PROGRAM)]
    pub argv0: Option<String>,

    /// A folder that the program may use
    ///
    /// With `::GUEST` the program sees it under that name, else under the name given. With `:ro` it can read but not change anything.
    /// May be repeated. Nothing outside the folder can be reached.
    #[arg(
        long,
        value_name = "HOST[::GUEST][:ro]",
        value_parser = parse_dir,
        help_heading = heading::GRANTS
    )]
    pub dir: Vec<GrantedDir>,
    /// An environment variable; NAME alone copies riser's own
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = heading::GRANTS)]
    pub env: Vec<String>,
    /// A file as standard input, instead of riser's own
    #[arg(long, value_name = "FILE", help_heading = heading::GRANTS)]
    pub stdin: Option<PathBuf>,

    /// Switch proposals on or off
    ///
    /// A list of features, each with `=off` or `=on` (`--wasm threads=off,simd=off`), or of versions that switch everything
    /// else off: `1.0`, `2.0`, `3.0`, `all`. Everything is on without it.
    #[arg(
        long,
        value_name = "FEATURE[=off]",
        value_delimiter = ',',
        value_parser = parse_wasm,
        help_heading = heading::ENGINE
    )]
    pub wasm: Vec<WasmChange>,
    /// How much the program's calls may take, such as 512K or 8M
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = heading::ENGINE)]
    pub max_stack: Option<usize>,
    /// Run in the interpreter
    ///
    /// The interpreter is the only way to run at present, so this changes nothing yet.
    #[arg(long, help_heading = heading::ENGINE)]
    pub interp: bool,
    /// Neither read nor write cached code
    ///
    /// There is no cache at present, so this changes nothing yet.
    #[arg(long, help_heading = heading::ENGINE)]
    pub no_cache: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
  riser run app.wasm --size 3            --size 3 is the program's own
  riser run --dir . app.wasm data.txt    it may use the files of this folder
  riser run --dir /srv/data::/data:ro --env HOME=/data app.wasm
  riser run --invoke add lib.wat 1 -0x2  call a function, print what it returns
  riser run --link env=sensor.wasm app.wasm
  generate | riser run -                 the module comes from a pipe

Exit status: that of the program; 134 if it trapped; 2 if riser was called
wrongly; 1 for other errors.";

impl RunOptions {
    /// The file to run.
    pub fn file(&self) -> PathBuf {
        self.program.first().map(PathBuf::from).unwrap_or_default()
    }

    /// What belongs to the program.
    pub fn args(&self) -> &[OsString] {
        match self.program.get(1..).unwrap_or_default() {
            [dashes, rest @ ..] if dashes == "--" => rest,
            args => args,
        }
    }
}

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

/// Options of `riser validate`.
#[derive(Debug, Args)]
#[command(after_long_help = VALIDATE_EXAMPLES)]
pub struct ValidateOptions {
    /// The modules
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The version and the proposals to check against
    ///
    /// `1.0`, `2.0`, `3.0` or `all` (everything that Riser knows; this is the default), then features to add, or to leave out with
    /// `=off`: `--wasm 2.0,tail-call`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_wasm)]
    pub wasm: Vec<WasmChange>,
}

const VALIDATE_EXAMPLES: &str = "\
Examples:
  riser validate app.wasm
  riser validate --wasm 2.0,tail-call *.wasm";

/// Options of `riser inspect`.
#[derive(Debug, Args)]
#[command(after_long_help = INSPECT_EXAMPLES)]
pub struct InspectOptions {
    /// The module, binary or text, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON, for other programs to read
    #[arg(long)]
    pub json: bool,
    /// Show lists to their ends, instead of the first entries of long ones
    #[arg(long, conflicts_with = "json")]
    pub all: bool,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  riser inspect app.wasm
  riser inspect --json app.wasm | jq .proposals";

/// Options of `riser wat`.
#[derive(Debug, Args)]
#[command(after_long_help = WAT_EXAMPLES)]
pub struct WatOptions {
    /// The module
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to write, instead of standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
}

const WAT_EXAMPLES: &str = "\
Examples:
  riser wat app.wasm | less
  riser wat lib.wat -o lib.wasm";

/// Options of `riser wast`.
#[derive(Debug, Args)]
#[command(after_long_help = WAST_EXAMPLES)]
pub struct WastOptions {
    /// The scripts
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The version and the proposals that are on
    ///
    /// `1.0`, `2.0`, `3.0` or `all` (everything that Riser knows; this is the default), then features to add, or to leave out with
    /// `=off`: `--wasm 3.0,threads`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_wasm)]
    pub wasm: Vec<WasmChange>,
}

const WAST_EXAMPLES: &str = "\
Examples:
  riser wast i32.wast
  riser wast --wasm 2.0 *.wast";

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

const VERSIONS: [(&str, Features); 4] = [
    ("1.0", Features::WASM1),
    ("2.0", Features::WASM2),
    ("3.0", Features::WASM3),
    ("all", Features::ALL),
];

fn parse_wasm(text: &str) -> Result<WasmChange, String> {
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

fn parse_link(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((name, file)) if !file.is_empty() => Ok(Link { name: name.into(), file: file.into() }),
        _ => Err(
            "give the name that is imported and the module that provides it, as in `env=lib.wasm`"
                .into(),
        ),
    }
}

fn parse_dir(text: &str) -> Result<GrantedDir, String> {
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

/// Parses a size in bytes with an optional unit of 1024 to a power.
fn parse_size(text: &str) -> Result<usize, String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_are_consistent() {
        Cli::command().debug_assert();
    }

    fn run_options(args: &[&str]) -> RunOptions {
        let args = ["riser", "run"].iter().chain(args);
        match Cli::try_parse_from(args).unwrap().command {
            Command::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_after_the_file_belongs_to_the_program() {
        let options = run_options(&["--env", "A=1", "app.wasm", "--dir", ".", "-v", "--", "x"]);
        assert_eq!(options.file(), PathBuf::from("app.wasm"));
        assert_eq!(options.args(), ["--dir", ".", "-v", "--", "x"]);
        assert!(options.dir.is_empty());
        let options = run_options(&["app.wasm", "--", "-c", "--", "x"]);
        assert_eq!(options.args(), ["-c", "--", "x"]);
        let options = run_options(&["-", "--help"]);
        assert_eq!((options.file(), options.args().len()), (PathBuf::from("-"), 1));
    }

    #[test]
    fn directories_have_names_and_modes() {
        let dir = |host: &str, guest: &str, read_only| {
            Ok(GrantedDir { host: host.into(), guest: guest.into(), read_only })
        };
        assert_eq!(parse_dir("a"), dir("a", "a", false));
        assert_eq!(parse_dir("a:ro"), dir("a", "a", true));
        assert_eq!(parse_dir("a::/b"), dir("a", "/b", false));
        assert_eq!(parse_dir("a::/b:ro"), dir("a", "/b", true));
        assert_eq!(parse_dir("a::/b:rw"), dir("a", "/b", false));
        assert!(parse_dir("::/b").is_err() && parse_dir("a::").is_err() && parse_dir("").is_err());
    }

    #[test]
    fn features_are_changed_in_order() {
        let features = |list: &str| {
            let changes: Vec<_> = list.split(',').map(|item| parse_wasm(item).unwrap()).collect();
            WasmChange::apply(&changes)
        };
        assert_eq!(features("2.0"), Features::WASM2);
        assert_eq!(features("2.0,tail-call"), Features::WASM2 | Features::TAIL_CALL);
        assert_eq!(features("simd=off"), Features::ALL.without(Features::SIMD));
        assert_eq!(features("simd=off,3.0"), Features::WASM3);
        assert_eq!(
            parse_wasm("simdd").unwrap_err(),
            "there is no feature `simdd`; did you mean `simd`?"
        );
        assert!(parse_wasm("simd=maybe").is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("65536"), Ok(65536));
        assert_eq!(parse_size("512K"), Ok(512 << 10));
        assert_eq!(parse_size("8MiB"), Ok(8 << 20));
        assert!(parse_size("0").is_err() && parse_size("M").is_err() && parse_size("8X").is_err());
        assert!(
            parse_size("99999999999999999999").is_err() && parse_size("99999999999999G").is_err()
        );
    }
}
