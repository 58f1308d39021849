//! Running a program of WASI 0.1 and looking at what it did.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use riser::{
    Caller, Config, Engine, Error, Extern, ExternType, FuncType, HostObserver, Instance, Linker,
    Module, Result, Store, Val,
};
use riser_wasi::threads::{WasiThreads, is_threaded};
use riser_wasi::{
    DirPerms, FilePerms, I32Exit, MemoryInputPipe, MemoryOutputPipe, SeededRandom, VirtualClock,
    WasiCtx, WasiCtxBuilder,
};

/// Far more than any of the programs writes.
const OUTPUT_BYTES_MAX: usize = 64 << 20;

/// What a program did.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Outcome {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output of a program that must have succeeded without a word on standard error.
    #[track_caller]
    pub fn quiet_success(&self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""), "{}", self.text());
        self.text()
    }

    /// Standard output of a program that must have succeeded.
    #[track_caller]
    pub fn success(&self) -> String {
        assert_eq!(self.status, 0, "{}\n{}", self.text(), self.stderr);
        self.text()
    }
}

/// A program and what it is granted.
pub struct Program {
    path: PathBuf,
    builder: WasiCtxBuilder,
    main: Main,
    config: Config,
    observer: Option<Arc<dyn HostObserver<WasiCtx>>>,
}

/// Runs what a program is made for, other than `_start`.
pub type Main = fn(&mut Store<WasiCtx>, &Instance) -> Result<()>;

impl Program {
    /// A program that is granted nothing, with its arguments, the first of which is its own name.
    pub fn new(path: impl Into<PathBuf>, args: &[&str]) -> Self {
        let mut builder = WasiCtx::builder();
        builder.args(args);
        let (config, observer) = (Config::new(), None);
        Self { path: path.into(), builder, main: call_start, config, observer }
    }

    /// In another way than usual.
    pub fn config(mut self, config: &Config) -> Self {
        self.config = config.clone();
        self
    }

    /// Tells `observer` of each call of the system.
    pub fn observer(mut self, observer: Arc<dyn HostObserver<WasiCtx>>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Lets every run see the same time and the same random bytes.
    pub fn repeatable(mut self) -> Self {
        let clock = |start| VirtualClock::new(start, 1_000);
        self.builder.wall_clock(clock(1_700_000_000_000_000_000)).monotonic_clock(clock(0));
        self.builder.secure_random(SeededRandom::new(7));
        self
    }

    /// Does this instead of calling `_start`.
    pub fn main(mut self, main: Main) -> Self {
        self.main = main;
        self
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.builder.stdin(MemoryInputPipe::new(text));
        self
    }

    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.builder.env(key, value);
        self
    }

    /// Grants a folder for reading and writing.
    pub fn dir(mut self, host: impl AsRef<Path>, guest: &str) -> Self {
        let granted = self.builder.preopened_dir(host, guest, DirPerms::all(), FilePerms::all());
        granted.map(drop).unwrap();
        self
    }

    /// Grants a folder for reading.
    pub fn dir_read_only(mut self, host: impl AsRef<Path>, guest: &str) -> Self {
        let granted = self.builder.preopened_dir(host, guest, DirPerms::READ, FilePerms::READ);
        granted.map(drop).unwrap();
        self
    }

    /// Grants a socket on which others connect.
    pub fn socket(mut self, listener: std::net::TcpListener) -> Self {
        self.builder.preopened_socket(listener);
        self
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run(self) -> Outcome {
        match self.try_run() {
            (Ok(()), outcome) => outcome,
            (Err(error), outcome) => {
                panic!("{error:?}\nstdout: {}\nstderr: {}", outcome.text(), outcome.stderr)
            }
        }
    }

    /// Runs the program to its end, which may be an error that is not an exit.
    pub fn try_run(mut self) -> (Result<()>, Outcome) {
        let outputs = [(); 2].map(|()| MemoryOutputPipe::new(OUTPUT_BYTES_MAX));
        self.builder.stdout(outputs[0].clone()).stderr(outputs[1].clone());
        let ended = start(&mut self);
        let exit = |error: &Error| error.downcast_ref::<I32Exit>().map(|exit| exit.0);
        let (ended, status) = match ended {
            Ok(()) => (Ok(()), 0),
            Err(error) => match exit(&error) {
                Some(status) => (Ok(()), status),
                None => (Err(error), 134),
            },
        };
        let [stdout, stderr] = outputs.map(|output| output.contents());
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        (ended, Outcome { status, stdout, stderr })
    }
}

fn call_start(store: &mut Store<WasiCtx>, instance: &Instance) -> Result<()> {
    instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(store, ())
}

/// Makes an instance, with threads if it wants some, and runs it.
fn start(program: &mut Program) -> Result<()> {
    let Program { path, builder, main, config, observer } = program;
    let (ctx, main) = (builder.build(), *main);
    let mut engine = Engine::new(config)?;
    let path = &*path;
    let mut module = Module::from_file(&engine, path)?;
    let threaded = is_threaded(&module);
    if threaded {
        engine = Engine::new(config.epoch_interruption(true))?;
        module = Module::from_file(&engine, path)?;
    }
    let mut linker = Linker::<WasiCtx>::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(&engine, ctx);
    store.set_epoch_deadline(u64::MAX);
    if let Some(observer) = observer.take() {
        store.observe_host_calls(observer);
    }
    if threaded {
        let threads = WasiThreads::new(|ctx: &mut WasiCtx| ctx);
        threads.add_to_linker(&mut linker, &mut store, &module)?;
        let program = linker.instantiate_pre(&module)?;
        return threads.run(&mut store, &program, |store, instance| main(store, &instance));
    }
    stub(&mut linker, &mut store, &module)?;
    let instance = linker.instantiate(&mut store, &module)?;
    main(&mut store, &instance)
}

/// Some programs import functions of sockets that are no part of WASI 0.1, or of another type than there, and call them only
/// for the network: such functions trap.
fn stub(linker: &mut Linker<WasiCtx>, store: &mut Store<WasiCtx>, module: &Module) -> Result<()> {
    linker.allow_shadowing(true);
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { continue };
        let given = linker.get_by_import(&mut *store, &import).and_then(Extern::into_func);
        if given.is_none_or(|func| !FuncType::eq(&func.ty(&*store), &ty)) {
            let trap = |_: Caller<'_, WasiCtx>, _: &[Val], _: &mut [Val]| {
                Err(riser::Trap::UnknownImport.into())
            };
            linker.func_new(import.module(), import.name(), ty, trap)?;
        }
    }
    Ok(())
}

/// A folder of its own for a test, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("riser-testkit-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Creates a file, and the folders that it is in.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// The content of a file.
    pub fn contents(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
