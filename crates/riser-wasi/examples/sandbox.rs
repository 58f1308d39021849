//! Runs a program in a sandbox: it gets an argument, one folder to read and no other files, and limits on memory and time;
//! what it prints is kept.

use std::path::Path;
use std::thread;
use std::time::Duration;

use riser::{Config, Engine, Linker, Module, Result, Store, StoreLimits, StoreLimitsBuilder};
use riser_wasi::{DirPerms, FilePerms, I32Exit, MemoryOutputPipe, WasiCtx};

/// What the store holds for the host.
struct State {
    wasi: WasiCtx,
    limits: StoreLimits,
}

/// Runs the program with one argument, and gives what it printed and its exit status.
pub fn run(program: &Path, folder: &Path, argument: &str) -> Result<(Vec<u8>, i32)> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let module = Module::from_file(&engine, program)?;
    let mut linker = Linker::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |state: &mut State| &mut state.wasi)?;

    let output = MemoryOutputPipe::new(1 << 20);
    let wasi = WasiCtx::builder()
        .arg("program")
        .arg(argument)
        .stdout(output.clone())
        .preopened_dir(folder, "/data", DirPerms::READ, FilePerms::READ)?
        .build();
    let limits = StoreLimitsBuilder::new().memory_size(64 << 20).build();
    let mut store = Store::new(&engine, State { wasi, limits });
    store.limiter(|state| &mut state.limits);

    // A tick after ten seconds ends whatever still runs.
    store.set_epoch_deadline(1);
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(10));
        engine.increment_epoch();
    });

    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    let status = match start.call(&mut store, ()) {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => exit.0,
            None => return Err(error),
        },
    };
    Ok((output.contents(), status))
}

/// Shows the README through `cat`.
pub fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cat = root.join("guests/cat.wasm");
    let (printed, status) = run(&cat, &root, "/data/README.md")?;
    assert!(printed.starts_with(b"# Riser"));
    assert_eq!(status, 0);
    // Only what was granted is there.
    let (printed, status) = run(&cat, &root.join("docs"), "/data/../README.md")?;
    assert_eq!((printed.len(), status), (0, 1));
    Ok(())
}
