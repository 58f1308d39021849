//! What one guest was granted, and the builder that grants it.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::cli::Cli;
use crate::clocks::{Clocks, HostMonotonicClock, HostWallClock};
use crate::files::{Dir, DirPerms, FilePerms, KeptListings};
use crate::p1::{Descriptors, WasiP1Ctx};
use crate::random::{RandomSource, SystemRandom};
use crate::sockets::Listener;
use crate::stop::Stop;
use crate::streams::{
    ClosedInput, InheritedStderr, InheritedStdin, InheritedStdout, InputStream, OutputStream, Sink,
};

/// Everything a guest can reach through WASI. Made by a [`WasiCtxBuilder`].
///
/// A clone is another handle to the same guest's state: the threads of one program each hold one.
#[derive(Clone)]
pub struct WasiCtx {
    pub(crate) cli: Arc<Cli>,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) random: Arc<dyn RandomSource>,
    pub(crate) descriptors: Arc<Descriptors>,
    stop: Arc<OnceLock<Stop>>,
}

impl WasiCtx {
    /// What tells that the program has ended, if it may have threads.
    pub(crate) fn stop(&self) -> Option<&Stop> {
        self.stop.get()
    }

    /// Lets the program be ended while it waits.
    pub(crate) fn make_stoppable(&self) -> io::Result<()> {
        if self.stop.get().is_none() {
            // Lost only to another thread that does the same.
            let _ = self.stop.set(Stop::new()?);
        }
        Ok(())
    }

    /// A handle with which another thread ends what the guest does with WASI: a function that waits returns at once,
    /// and each ends the guest with [`Trap::Interrupt`](riser::Trap::Interrupt) from then on. To be asked for before the guest
    /// runs, since it changes how guests wait.
    ///
    /// # Errors
    ///
    /// If the system has no descriptors left.
    pub fn stop_handle(&self) -> riser::Result<StopHandle> {
        self.make_stoppable()?;
        Ok(StopHandle { stop: self.stop.clone() })
    }

    /// A builder of a context that grants nothing.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtx").field("cli", &self.cli).finish_non_exhaustive()
    }
}

/// Ends what a guest does with WASI: see [`WasiCtx::stop_handle`].
#[derive(Clone, Debug)]
pub struct StopHandle {
    stop: Arc<OnceLock<Stop>>,
}

impl StopHandle {
    /// Ends it. There is no way back.
    pub fn stop(&self) {
        if let Some(stop) = self.stop.get() {
            stop.end();
        }
    }
}

/// A directory that could not be granted.
#[derive(Debug)]
pub struct PreopenError {
    host_path: PathBuf,
    source: io::Error,
}

impl fmt::Display for PreopenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot open the directory {}: {}", self.host_path.display(), self.source)
    }
}

impl std::error::Error for PreopenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The standard streams of a guest.
pub(crate) struct Stdio {
    pub(crate) stdin: Arc<dyn InputStream>,
    pub(crate) stdout: Arc<dyn OutputStream>,
    pub(crate) stderr: Arc<dyn OutputStream>,
}

impl Default for Stdio {
    fn default() -> Self {
        Self { stdin: Arc::new(ClosedInput), stdout: Arc::new(Sink), stderr: Arc::new(Sink) }
    }
}

/// What a guest has open when it starts, besides its standard streams.
pub(crate) enum Preopen {
    /// A directory and the name under which the guest finds it.
    Dir {
        dir: Dir,
        guest_path: String,
    },
    Listener(Listener),
}

/// Says what a guest is granted. Nothing, unless a method here says otherwise.
///
/// ```no_run
/// use riser_wasi::{DirPerms, FilePerms, SeededRandom, VirtualClock, WasiCtxBuilder};
///
/// # fn main() -> riser::Result<()> {
/// let ctx = WasiCtxBuilder::new()
///     .args(&["program", "--verbose"])
///     .env("LANG", "C.UTF-8")
///     .inherit_stdio()
///     .preopened_dir("/srv/data", "/data", DirPerms::READ, FilePerms::READ)?
///     .preopened_dir("/srv/out", "/out", DirPerms::all(), FilePerms::all())?
///     .preopened_socket(std::net::TcpListener::bind("127.0.0.1:8080")?)
///     // Every run sees the same time and the same random bytes, and waits for nothing.
///     .wall_clock(VirtualClock::new(1_700_000_000_000_000_000, 1_000))
///     .monotonic_clock(VirtualClock::new(0, 1_000))
///     .secure_random(SeededRandom::new(7))
///     .build();
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct WasiCtxBuilder {
    cli: Cli,
    clocks: Clocks,
    random: Option<Arc<dyn RandomSource>>,
    stdio: Stdio,
    preopens: Vec<Preopen>,
    listings: Arc<KeptListings>,
}

impl WasiCtxBuilder {
    /// A builder of a context that grants nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an argument. The first one is the program's own name by convention.
    ///
    /// Programs written in C see an argument or variable only up to its first NUL.
    pub fn arg(&mut self, arg: impl AsRef<str>) -> &mut Self {
        self.cli.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: &[impl AsRef<str>]) -> &mut Self {
        self.cli.args.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds all arguments of this process, its name included. What is not UTF-8 is replaced by U+FFFD.
    pub fn inherit_args(&mut self) -> &mut Self {
        self.cli.args.extend(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()));
        self
    }

    /// Adds an environment variable.
    pub fn env(&mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> &mut Self {
        self.cli.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds environment variables.
    pub fn envs(&mut self, vars: &[(impl AsRef<str>, impl AsRef<str>)]) -> &mut Self {
        for (key, value) in vars {
            self.env(key, value);
        }
        self
    }

    /// Adds all environment variables of this process. What is not UTF-8 is replaced by U+FFFD.
    pub fn inherit_env(&mut self) -> &mut Self {
        for (key, value) in std::env::vars_os() {
            self.env(key.to_string_lossy(), value.to_string_lossy());
        }
        self
    }

    /// Gives the guest the standard streams of this process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Gives the guest the standard input of this process.
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stdin(InheritedStdin)
    }

    /// Gives the guest the standard output of this process.
    pub fn inherit_stdout(&mut self) -> &mut Self {
        self.stdout(InheritedStdout)
    }

    /// Gives the guest the standard error of this process.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stderr(InheritedStderr)
    }

    /// Sets the standard input; without it, the guest finds it at its end.
    pub fn stdin(&mut self, stream: impl InputStream + 'static) -> &mut Self {
        self.stdio.stdin = Arc::new(stream);
        self
    }

    /// Sets the standard output; without it, what the guest writes is forgotten.
    pub fn stdout(&mut self, stream: impl OutputStream + 'static) -> &mut Self {
        self.stdio.stdout = Arc::new(stream);
        self
    }

    /// Sets the standard error; without it, what the guest writes is forgotten.
    pub fn stderr(&mut self, stream: impl OutputStream + 'static) -> &mut Self {
        self.stdio.stderr = Arc::new(stream);
        self
    }

    /// Grants a directory of the host, with all that is beneath it, under the name `guest_path`.
    ///
    /// The directory is opened now: it stays the same one even if it is renamed later. Nothing outside of it can
    /// be reached through it.
    ///
    /// # Errors
    ///
    /// A [`PreopenError`] if the directory cannot be opened.
    pub fn preopened_dir(
        &mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl AsRef<str>,
        dir_perms: DirPerms,
        file_perms: FilePerms,
    ) -> riser::Result<&mut Self> {
        let host_path = host_path.as_ref();
        let dir = Dir::grant(host_path, dir_perms, file_perms, self.listings.clone())
            .map_err(|source| PreopenError { host_path: host_path.to_owned(), source })?;
        self.preopens.push(Preopen::Dir { dir, guest_path: guest_path.as_ref().to_owned() });
        Ok(self)
    }

    /// Grants a socket on which others connect: a `std::net::TcpListener`, a `std::os::unix::net::UnixListener`, …
    ///
    /// Directories and sockets are numbered from 3 in the order in which they are granted. Many programs expect
    /// their sockets first.
    pub fn preopened_socket(&mut self, listener: impl Into<OwnedFd>) -> &mut Self {
        self.preopens.push(Preopen::Listener(Listener::new(listener.into())));
        self
    }

    /// Replaces the clock that tells the time of day.
    pub fn wall_clock(&mut self, clock: impl HostWallClock + 'static) -> &mut Self {
        self.clocks.wall = Box::new(clock);
        self
    }

    /// Replaces the monotonic clock, and with it what waiting means.
    pub fn monotonic_clock(&mut self, clock: impl HostMonotonicClock + 'static) -> &mut Self {
        self.clocks.monotonic = Box::new(clock);
        self
    }

    /// Replaces the source of random bytes, which is the operating system's by default.
    pub fn secure_random(&mut self, source: impl RandomSource + 'static) -> &mut Self {
        self.random = Some(Arc::new(source));
        self
    }

    /// Makes the context. The builder is left as new, since directories can be granted only once.
    pub fn build(&mut self) -> WasiCtx {
        let Self { cli, clocks, random, stdio, preopens, listings: _ } = std::mem::take(self);
        WasiCtx {
            cli: Arc::new(cli),
            clocks: Arc::new(clocks),
            random: random.unwrap_or_else(|| Arc::new(SystemRandom)),
            descriptors: Arc::new(Descriptors::new(stdio, preopens)),
            stop: Arc::default(),
        }
    }

    /// The same as [`build`](Self::build), under the name that `wasmtime-wasi` has for guests of 0.1.
    pub fn build_p1(&mut self) -> WasiP1Ctx {
        self.build()
    }
}

impl fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtxBuilder").field("cli", &self.cli).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_shared_between_threads<T: Clone + Send + Sync + 'static>() {}

    #[test]
    fn a_context_can_be_shared_between_threads() {
        assert_shared_between_threads::<WasiCtx>();
    }

    #[test]
    fn a_stopped_context_stays_so() {
        let ctx = WasiCtx::builder().build();
        assert!(ctx.stop().is_none());
        let handle = ctx.stop_handle().unwrap();
        assert!(ctx.stop().is_some_and(|stop| !stop.has_ended()));
        handle.clone().stop();
        handle.stop();
        assert!(ctx.clone().stop().is_some_and(Stop::has_ended));
    }

    #[test]
    fn a_missing_directory_is_named_in_the_error() {
        let error = WasiCtx::builder()
            .preopened_dir("/no/such/directory", "/", DirPerms::all(), FilePerms::all())
            .unwrap_err();
        assert!(error.to_string().contains("/no/such/directory"), "{error}");
        assert!(error.downcast_ref::<PreopenError>().is_some());
    }
}
