//! What the options grant to the program: streams, arguments, variables, folders, sockets, clocks and randomness.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::net::TcpListener;
use std::os::fd::BorrowedFd;

use riser_wasi::{
    DirPerms, FilePerms, InheritedStderr, InheritedStdout, InputFile, OutputStream, SeededRandom,
    VirtualClock, WasiCtx, WasiCtxBuilder,
};

use crate::errors::{Report, warn};
use crate::input;
use crate::options::{General, GrantedDir, RunOptions};
use crate::style;

/// Where the clock of `--deterministic` begins: 2000-01-01T00:00:00Z, in nanoseconds since 1970. A time in the past
/// that programs take for a real one, unlike 0.
const CLOCK_START: u64 = 946_684_800_000_000_000;
/// How far it advances with each look, in nanoseconds.
const CLOCK_STEP: u64 = 1_000;
/// The seed of the random numbers of `--deterministic`.
const SEED: u64 = 0;

/// What the options grant to the program.
pub fn grants(
    options: &RunOptions,
    general: &General,
    takes_args: bool,
) -> Result<WasiCtx, Report> {
    let mut builder = WasiCtx::builder();
    builder.inherit_stdin().stdout(Stdout).stderr(Stderr);
    if let Some(file) = &options.stdin {
        let opened = File::open(file).map_err(|error| input::unreadable(file, &error))?;
        builder.stdin(InputFile::new(opened));
    }
    let file = options.file();
    let own_name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    builder.arg(options.argv0.as_deref().unwrap_or(&own_name));
    if takes_args {
        for (i, arg) in options.args().iter().enumerate() {
            let text = arg.to_str().ok_or_else(|| {
                Report::usage(format!(
                    "argument {} of the program is not UTF-8, as WASI wants it",
                    i + 1
                ))
            })?;
            builder.arg(text);
        }
    }
    for (name, value) in variables(options, general)? {
        builder.env(name, value);
    }
    for address in &options.listen {
        builder.preopened_socket(listen(address, general)?);
    }
    for dir in &options.dir {
        grant_dir(&mut builder, dir)?;
    }
    if options.deterministic {
        builder.wall_clock(VirtualClock::new(CLOCK_START, CLOCK_STEP));
        builder.monotonic_clock(VirtualClock::new(0, CLOCK_STEP));
        builder.secure_random(SeededRandom::new(SEED));
    }
    Ok(builder.build())
}

/// The variables in the order in which their names were first given, each with its last value.
fn variables(options: &RunOptions, general: &General) -> Result<Vec<(String, String)>, Report> {
    let mut variables = Variables { list: Vec::new(), quiet: general.quiet };
    for file in &options.env_file {
        let place = format!("--env-file {}", file.display());
        for line in input::read_text(file)?.lines().map(str::trim_start) {
            if !line.is_empty() && !line.starts_with('#') {
                variables.add(line, &place)?;
            }
        }
    }
    for variable in &options.env {
        variables.add(variable, &format!("--env {variable}"))?;
    }
    Ok(variables.list)
}

struct Variables {
    list: Vec<(String, String)>,
    quiet: bool,
}

impl Variables {
    /// Adds `NAME=VALUE`, or `NAME` with the value that riser has. `place` is where it was said.
    fn add(&mut self, text: &str, place: &str) -> Result<(), Report> {
        if let Some((name, value)) = text.split_once('=') {
            self.set(name, value.into());
            return Ok(());
        }
        match std::env::var(text) {
            Ok(value) => self.set(text, value),
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Report::usage(format!(
                    "the variable `{text}` is not UTF-8, as WASI wants it"
                )));
            }
            Err(std::env::VarError::NotPresent) if self.quiet => {}
            Err(std::env::VarError::NotPresent) => {
                warn(&format!("{place}: there is no variable `{text}` to copy"));
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: String) {
        match self.list.iter_mut().find(|variable| variable.0 == name) {
            Some(variable) => variable.1 = value,
            None => self.list.push((name.into(), value)),
        }
    }
}

/// Opens a socket to listen on.
fn listen(address: &str, general: &General) -> Result<TcpListener, Report> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let report = Report::new(format!("cannot listen on {address}: {error}"));
        match error.kind() {
            ErrorKind::AddrInUse => {
                report.help("another program listens there; choose another port, or 0 for any")
            }
            ErrorKind::PermissionDenied => {
                report.help("ports below 1024 belong to the system; choose a higher one")
            }
            _ => report,
        }
    })?;
    let chosen = address.ends_with(":0") || general.verbose;
    if let Ok(address) = listener.local_addr()
        && chosen
    {
        style::eprint(&format!("riser: listening on {address}\n"));
    }
    Ok(listener)
}

fn grant_dir(builder: &mut WasiCtxBuilder, dir: &GrantedDir) -> Result<(), Report> {
    let (dir_perms, file_perms) = match dir.read_only {
        true => (DirPerms::READ, FilePerms::READ),
        false => (DirPerms::all(), FilePerms::all()),
    };
    let Err(error) = builder.preopened_dir(&dir.host, &dir.guest, dir_perms, file_perms) else {
        return Ok(());
    };
    let host = dir.host.display();
    if dir.host.is_file() {
        return Err(Report::new(format!("{host} is a file, and --dir takes a folder"))
            .help("name the folder that it is in"));
    }
    if dir.host.exists() {
        let cause = error.root_cause();
        return Err(Report::new(format!("the folder {host} cannot be granted: {cause}"))
            .detail(format!("by --dir {host}")));
    }
    let report = Report::new(format!("there is no folder {host} to grant"));
    let guest = dir.guest.split_once(':').filter(|_| dir.guest == dir.host.to_string_lossy());
    Err(match (guest, input::neighbour(&dir.host)) {
        (Some((host, guest)), _) => report.help(format!(
            "a name for the program stands behind two colons: --dir {host}::{guest}"
        )),
        (None, Some(other)) => report.help(format!("did you mean `--dir {other}`?")),
        (None, None) => {
            report.help("make it first, or grant another one; `--dir .` is this folder")
        }
    })
}

/// Standard output of the process. When its reader is gone, the program ends as other programs do: quietly.
///
/// WASI has no signals, so without this a program that does not look at errors of writing would go on forever.
struct Stdout;

/// Standard error of the process, likewise.
struct Stderr;

fn quiet_end(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => style::broken_pipe(),
        result => result,
    }
}

impl OutputStream for Stdout {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        quiet_end(InheritedStdout.write(buffers))
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        InheritedStdout.host_fd()
    }
}

impl OutputStream for Stderr {
    fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        quiet_end(InheritedStderr.write(buffers))
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        InheritedStderr.host_fd()
    }
}
