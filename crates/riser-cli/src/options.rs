//! Every option of the command, declared once: the parser, the help and the messages about mistakes come from here.
//!
//! These are the options as typed. What they mean for an engine is in `engine.rs`, for a guest in
//! `commands/run/`; how their values are typed in `options/values.rs`. The comment on a field is its help: the first paragraph for `-h`, all of it for `--help`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::style;
use clap::builder::Styles;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

mod spellings;
mod values;

#[cfg(test)]
pub use spellings::described;
pub use spellings::translate;
pub use values::{GrantedDir, Link, WasmChange};

/// The headings that group options in the help.
mod heading {
    pub const PROGRAM: &str = "The program";
    pub const GRANTS: &str = "What the program may use";
    pub const LIMITS: &str = "Limits";
    pub const ENGINE: &str = "How it runs";
    pub const VIEW: &str = "What is shown of it";
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

Exit status: that of the program; 134 if it trapped; 124 if its time was up; 2
if riser was called wrongly; 1 for other errors.";

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
    Run(Box<RunOptions>),
    /// Compile a module ahead of time
    ///
    /// All functions are compiled, on all cores, and written to a file together with the module. `riser run` takes the file like a module and starts it at once.
    /// It is for this version of riser, for machines like this one (elsewhere it is compiled anew), and for the options given here.
    ///
    /// The file contains machine code. Run only files that you would run as programs.
    Compile(CompileOptions),
    /// Check that modules are valid
    ///
    /// Nothing is said of modules that are valid. For each that is not, the first error is printed with its place. FILE is binary or text, or `-` for standard input.
    ///
    /// Exit status: 0 if all are valid, 1 if not.
    Validate(ValidateOptions),
    /// Show what a module asks for and consists of
    ///
    /// That is what it will ask for when it runs (files, variables, sockets, threads, memory, other modules), its sections, types, imports, exports, memories, tables, globals, the proposals it uses and its largest functions.
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
    /// Show or empty the cache of compiled code
    ///
    /// Riser keeps the code that it makes of a module, so that the module starts faster the next time. `path` prints the folder, `stats`
    /// what is in it, and `clear` empties it. What was not used for longest goes by itself when there is more than 1 GiB.
    ///
    /// The folder is $RISER_CACHE_DIR, or `riser` in $XDG_CACHE_HOME, or `.cache/riser` in $HOME. It must be one that nobody else may write to; if it
    /// is not, nothing is kept.
    Cache(CacheOptions),
    /// Print what completes riser's options in a shell
    ///
    /// Bash: `riser completions bash > ~/.local/share/bash-completion/completions/riser`. Zsh: save it as `_riser` in a folder of `$fpath`. Fish:
    /// `riser completions fish > ~/.config/fish/completions/riser.fish`. PowerShell: add it to `$PROFILE`.
    Completions(CompletionsOptions),
    /// Print a manual page
    ///
    /// It is in the format of man(1): `riser man | man -l -`. With --output all pages are written to a folder, which is made if it is not there, such as
    /// `~/.local/share/man/man1`.
    Man(ManOptions),
}

/// The declarations with those of `run` also at the top, since `riser FILE` is `riser run FILE`: for what is generated of
/// them.
pub fn with_run() -> clap::Command {
    let run = RunOptions::augment_args(clap::Command::new("run"));
    let own = run.get_arguments().map(|arg| match arg.is_positional() {
        true => {
            arg.clone().required(false).help("The module to run, and the arguments of its program")
        }
        false => arg.clone(),
    });
    Cli::command().args(own.collect::<Vec<_>>())
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

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// For programs: one object on one line.
    Json,
}

/// How functions are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// Baseline code first, the best code where it pays.
    Auto,
    /// The optimizing compiler.
    Opt,
    /// The baseline compiler.
    Baseline,
    /// The interpreter.
    Interp,
}

/// How a profiler is told about functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProfileForm {
    /// A list of their addresses.
    Perfmap,
    /// A file with their code.
    Jitdump,
}

/// Options of `riser run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "riser run [OPTIONS] FILE [ARGS]...\n       riser [OPTIONS] FILE [ARGS]...",
    after_long_help = RUN_EXAMPLES
)]
pub struct RunOptions {
    /// The module, and what the program gets as arguments
    #[arg(
        value_names = ["FILE", "ARGS"],
        num_args = 1..,
        required = true,
        trailing_var_arg = true,
        value_hint = ValueHint::FilePath
    )]
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
    #[arg(long, value_name = "NAME=FILE", value_parser = values::link, help_heading = heading::PROGRAM)]
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
        value_parser = values::dir,
        value_hint = ValueHint::DirPath,
        help_heading = heading::GRANTS
    )]
    pub dir: Vec<GrantedDir>,
    /// An environment variable; NAME alone copies riser's own
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = heading::GRANTS)]
    pub env: Vec<String>,
    /// A file of environment variables, one a line
    ///
    /// A line is `NAME=VALUE`, taken as it stands, or `NAME` to copy riser's own. Empty lines are skipped, and those that begin with `#`. What --env gives
    /// comes after it and wins.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = heading::GRANTS)]
    pub env_file: Vec<PathBuf>,
    /// A file as standard input, instead of riser's own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = heading::GRANTS)]
    pub stdin: Option<PathBuf>,
    /// An address at which the program accepts connections
    ///
    /// A port of this machine (`8080`), or `HOST:PORT`. The program finds the open sockets as descriptors 3, 4, ..., before the folders.
    /// It can open no connection itself. With port 0 the system chooses one, which is printed.
    #[arg(long, value_name = "[HOST:]PORT", value_parser = values::listen, help_heading = heading::GRANTS)]
    pub listen: Vec<String>,

    /// End the program after this time, such as 500ms, 5s or 2m
    ///
    /// The exit status is then 124. The time begins when the program does.
    #[arg(long, value_name = "TIME", value_parser = values::time, help_heading = heading::LIMITS)]
    pub timeout: Option<Duration>,
    /// End the program after so many instructions, such as 10M
    ///
    /// Each operator costs 1 except those that do nothing, the same on every machine. Each thread of a program has as many.
    #[arg(long, value_name = "N", value_parser = values::number, help_heading = heading::LIMITS)]
    pub fuel: Option<u64>,
    /// How large the program's memories may be together
    ///
    /// A size such as 64M or 1G. A program that asks for more is told that there is none, as on a machine without more.
    #[arg(long, value_name = "SIZE", value_parser = values::size, help_heading = heading::LIMITS)]
    pub max_memory: Option<usize>,
    /// How many elements the program's tables may have together
    #[arg(long, value_name = "N", value_parser = values::number, help_heading = heading::LIMITS)]
    pub max_table: Option<u64>,
    /// How much the program's calls may take, such as 512K or 64M
    ///
    /// It is 8M without this option.
    #[arg(long, value_name = "SIZE", value_parser = values::size, help_heading = heading::LIMITS)]
    pub max_stack: Option<usize>,

    /// Switch proposals on or off
    ///
    /// A list of features, each with `=off` or `=on` (`--wasm threads=off,simd=off`), or of versions that switch everything
    /// else off: `1.0`, `2.0`, `3.0`, `all`. Everything is on without it.
    #[arg(
        long,
        value_name = "FEATURE[=off]",
        value_delimiter = ',',
        value_parser = values::wasm,
        help_heading = heading::ENGINE
    )]
    pub wasm: Vec<WasmChange>,
    /// Run the same way each time
    ///
    /// The clocks begin on 2000-01-01 and advance by a microsecond at each look, waiting takes no time, random numbers are always the same
    /// ones, and results that WebAssembly leaves to the machine (bits of NaNs, relaxed vectors) are fixed. Functions get better code at the same
    /// moments, for which the program waits, and nothing is cached, unless --tier names one way: so a recursion always gets as deep. Files, standard
    /// input and sockets are still those of the machine.
    #[arg(long, help_heading = heading::ENGINE)]
    pub deterministic: bool,
    /// Run in the interpreter
    ///
    /// It takes less memory, and a program that computes takes much longer. Without this option functions are compiled when
    /// they are called first, where riser has a compiler: on Linux, x86-64 and aarch64.
    #[arg(long, help_heading = heading::ENGINE)]
    pub interp: bool,
    /// How functions are made: `auto`, `opt`, `baseline` or `interp`
    ///
    /// With `auto`, which is what happens without this option, a function begins in baseline code, and a thread makes the best code of what is executed
    /// most; the function goes on in that even in the middle of a loop. `baseline` compiles quickly to slower code, `opt` slowly to the fastest code, and
    /// `interp` compiles nothing, as `--interp`. The baseline compiler is for x86-64: on aarch64 `auto` is `opt`, and where riser has no compiler it is
    /// `interp`. The results are the same.
    #[arg(
        long,
        value_name = "TIER",
        value_enum,
        hide_possible_values = true,
        conflicts_with = "interp",
        help_heading = heading::ENGINE
    )]
    pub tier: Option<Tier>,
    /// How much a function executes before it gets better code
    ///
    /// In about as many bytes of operators, or `N,M` for M more with each byte of the function; `7500,1000` without this option.
    /// With `0` all functions that are called get better code, with `never` none. The results are the same.
    #[arg(
        long,
        value_name = "N[,M]",
        value_parser = values::budget,
        conflicts_with = "interp",
        help_heading = heading::ENGINE
    )]
    pub tier_up_budget: Option<(u32, u32)>,
    /// Neither read nor write cached code
    ///
    /// `riser help cache` says where that is.
    #[arg(long, help_heading = heading::ENGINE)]
    pub no_cache: bool,
    /// Tell `perf` about functions: perfmap or jitdump
    ///
    /// With `perfmap`, `perf record riser --profile=perfmap FILE` and then `perf report` show functions by name. With `jitdump`,
    /// `perf record -k mono`, `perf inject --jit` and `perf annotate` show their instructions too.
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        hide_possible_values = true,
        conflicts_with = "interp",
        help_heading = heading::ENGINE
    )]
    pub profile: Option<ProfileForm>,
    /// Tell `gdb` about functions: names, source lines, frames
    ///
    /// `gdb --args riser --debug-info FILE` then sets breakpoints at functions of the program and at lines of its source (`set breakpoint pending on`, since
    /// functions are compiled when they are called first), and shows both in backtraces.
    #[arg(long, conflicts_with = "interp", help_heading = heading::ENGINE)]
    pub debug_info: bool,

    /// Print each call of the system on standard error
    ///
    /// A line has the function, its arguments, its result and the time it took: `fd_write(1, "hello\n") = 6 <0.000012>`.
    #[arg(long, help_heading = heading::VIEW)]
    pub trace: bool,
    /// Print at the end what the program used, as text or json
    ///
    /// On standard error: wall and processor time, memory, functions that were called, what each compiler made and how much of the running was in its code, fuel (if --fuel is given), calls of the system by their number.
    #[arg(
        long,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text",
        value_enum,
        hide_possible_values = true,
        help_heading = heading::VIEW
    )]
    pub report: Option<ReportFormat>,
}

const RUN_EXAMPLES: &str = "\
Examples:
  riser run app.wasm --size 3            --size 3 is the program's own
  riser run --dir . app.wasm data.txt    it may use the files of this folder
  riser run --dir /srv/data::/data:ro --env HOME=/data app.wasm
  riser run --invoke add lib.wat 1 -0x2  call a function, print what it returns
  riser run --link env=sensor.wasm app.wasm
  riser run --timeout 5s --max-memory 256M app.wasm
  generate | riser run -                 the module comes from a pipe

Exit status: that of the program; 134 if it trapped; 124 if its time was up; 2
if riser was called wrongly; 1 for other errors.";

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

/// Options of `riser compile`.
#[derive(Debug, Args)]
#[command(after_long_help = COMPILE_EXAMPLES)]
pub struct CompileOptions {
    /// The module, binary or text, or `-` for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The file for the code, instead of FILE with the ending .rsr
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Switch proposals on or off, as for `riser run`
    #[arg(
        long,
        value_name = "FEATURE[=off]",
        value_delimiter = ',',
        value_parser = values::wasm
    )]
    pub wasm: Vec<WasmChange>,
    /// Make code for `riser run --deterministic`
    #[arg(long)]
    pub deterministic: bool,
    /// Make code that counts instructions, for `riser run --fuel N`
    #[arg(long)]
    pub fuel: bool,
}

const COMPILE_EXAMPLES: &str = "\
Examples:
  riser compile app.wasm && riser app.rsr
  riser compile app.wasm -o /srv/app.rsr";

/// Options of `riser validate`.
#[derive(Debug, Args)]
#[command(after_long_help = VALIDATE_EXAMPLES)]
pub struct ValidateOptions {
    /// The modules
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// The version and the proposals to check against
    ///
    /// `1.0`, `2.0`, `3.0` or `all` (everything that Riser knows; this is the default), then features to add, or to leave out with
    /// `=off`: `--wasm 2.0,tail-call`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::wasm)]
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
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Print JSON, for other programs to read
    #[arg(long)]
    pub json: bool,
    /// Show lists to their ends, instead of the first entries of long ones
    #[arg(long, conflicts_with = "json")]
    pub all: bool,
    /// Show instead what the compiler makes of a function, as CLIF
    ///
    /// FUNC is its index or its name. The compiler's intermediate representation is printed twice, before and after it was optimized.
    #[arg(long, value_name = "FUNC", conflicts_with_all = ["json", "all"])]
    pub clif: Option<String>,
    /// Show instead the machine code of a function
    ///
    /// Each instruction stands below the operator that it is of. Remarks say where it traps, which references a call leaves in the frame, and what handles exceptions.
    /// `--asm=baseline FUNC` is the same as `--asm FUNC --compiler baseline`.
    #[arg(long, value_name = "FUNC", conflicts_with_all = ["json", "all", "clif"])]
    pub asm: Option<String>,
    /// Whose machine code is shown
    #[arg(long, value_enum, default_value = "opt", requires = "asm")]
    pub compiler: ShownCompiler,
}

/// Whose code is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShownCompiler {
    /// The optimizing compiler's.
    Opt,
    /// The baseline compiler's, which counts what it executes (at address 0, here).
    Baseline,
}

/// Separates the compiler from the function in `--asm=COMPILER FUNC`, in the words of `riser inspect` from `position` on.
pub fn separate_compiler(words: &mut Vec<OsString>, position: usize) {
    let is_compiler = |word: &OsString| {
        let name = word.to_str()?.strip_prefix("--asm=")?;
        ShownCompiler::value_variants()
            .iter()
            .find_map(|known| known.to_possible_value().filter(|value| value.matches(name, false)))
    };
    let found = words.iter().skip(position).position(|word| is_compiler(word).is_some());
    if let Some(at) = found.map(|at| at + position)
        && let Some(compiler) = is_compiler(&words[at])
    {
        words[at] = "--asm".into();
        words.insert(at, format!("--compiler={}", compiler.get_name()).into());
    }
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  riser inspect app.wasm
  riser inspect --json app.wasm | jq .proposals
  riser inspect --asm main app.wasm
  riser inspect --asm=baseline main app.wasm";

/// Options of `riser wat`.
#[derive(Debug, Args)]
#[command(after_long_help = WAT_EXAMPLES)]
pub struct WatOptions {
    /// The module
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Where to write, instead of standard output
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

const WAT_EXAMPLES: &str = "\
Examples:
  riser wat app.wasm | less
  riser wat lib.wat -o lib.wasm";

/// Options of `riser cache`.
#[derive(Debug, Args)]
#[command(after_long_help = CACHE_EXAMPLES)]
pub struct CacheOptions {
    /// What to do: path, stats or clear
    #[arg(value_name = "WHAT", value_enum, hide_possible_values = true)]
    pub what: CacheAction,
    /// Print JSON, for other programs to read
    #[arg(long)]
    pub json: bool,
}

/// What `riser cache` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CacheAction {
    /// Print the folder.
    Path,
    /// Print what is in it.
    Stats,
    /// Empty it.
    Clear,
}

const CACHE_EXAMPLES: &str = "\
Examples:
  riser cache stats
  riser cache stats --json | jq .bytes
  riser cache clear";

/// Options of `riser completions`.
#[derive(Debug, Args)]
pub struct CompletionsOptions {
    /// The shell: bash, zsh, fish, powershell or elvish
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    pub shell: clap_complete::Shell,
}

/// Options of `riser man`.
#[derive(Debug, Args)]
pub struct ManOptions {
    /// The command that the page is about; riser as a whole without it
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
    /// Write all pages to this folder
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

/// Options of `riser wast`.
#[derive(Debug, Args)]
#[command(after_long_help = WAST_EXAMPLES)]
pub struct WastOptions {
    /// The scripts
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// The version and the proposals that are on
    ///
    /// `1.0`, `2.0`, `3.0` or `all` (everything that Riser knows; this is the default), then features to add, or to leave out with
    /// `=off`: `--wasm 3.0,threads`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::wasm)]
    pub wasm: Vec<WasmChange>,
}

const WAST_EXAMPLES: &str = "\
Examples:
  riser wast i32.wast
  riser wast --wasm 2.0 *.wast";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_consistent() {
        Cli::command().debug_assert();
    }

    fn run_options(args: &[&str]) -> RunOptions {
        let args = ["riser", "run"].iter().chain(args);
        match Cli::try_parse_from(args).unwrap().command {
            Command::Run(options) => *options,
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
}
