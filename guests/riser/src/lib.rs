//! Riser inside another runtime: a module that compiles modules, instantiates them, and calls their functions.
//!
//! Everything is said in bytes and text. The one outside asks for room with [`input`], writes a module or a command there,
//! calls [`compile`] or [`call`], and reads what [`output`] and [`output_len`] give: results, or the error. A module may
//! import the functions `host.double`, an i32 times two, and `host.back`, which calls the module's export `back`.
//!
//! The test is `crates/riser-testkit/tests/nested.rs`; `cargo xtask guest` builds `guests/riser.wasm` from this.

use riser::{
    Caller, Config, Engine, Error, Extern, Instance, Linker, Module, Result, Store, Val, ValType,
    bail, format_err,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the one outside talks to.
struct Guest {
    input: Vec<u8>,
    output: String,
    running: Option<(Store<()>, Instance)>,
}

static GUEST: Mutex<Guest> =
    Mutex::new(Guest { input: Vec::new(), output: String::new(), running: None });

fn guest() -> MutexGuard<'static, Guest> {
    GUEST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room for `len` bytes of input.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    let mut guest = guest();
    guest.input = vec![0; len];
    guest.input.as_mut_ptr()
}

/// Where the output of the last call begins: text.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    guest().output.as_ptr()
}

/// How many bytes the output of the last call has.
#[unsafe(no_mangle)]
pub extern "C" fn output_len() -> usize {
    guest().output.len()
}

/// Compiles and instantiates the module in the input, in a new store; 1 if that is not possible, which the output explains.
#[unsafe(no_mangle)]
pub extern "C" fn compile() -> u32 {
    let mut guest = guest();
    guest.running = None;
    let started = start(&guest.input);
    let outcome = started.map(|started| guest.running = Some(started));
    finish(&mut guest, outcome.map(|()| String::new()))
}

/// Calls a function: the input is the name of an export and its arguments, with spaces between them. The output is its
/// results, or, if this gives 1, the error.
#[unsafe(no_mangle)]
pub extern "C" fn call() -> u32 {
    let mut guest = guest();
    let line = String::from_utf8_lossy(&guest.input).into_owned();
    let outcome = match &mut guest.running {
        Some((store, instance)) => run(store, instance, &line),
        None => Err(Error::msg("no module was compiled")),
    };
    finish(&mut guest, outcome)
}

fn finish(guest: &mut Guest, outcome: Result<String>) -> u32 {
    let failed = outcome.is_err();
    guest.output = outcome.unwrap_or_else(|error| format!("{error:?}"));
    u32::from(failed)
}

fn start(binary: &[u8]) -> Result<(Store<()>, Instance)> {
    // A fixed part of a memory that does not shrink.
    let engine = Engine::new(Config::new().max_wasm_stack(1 << 20))?;
    let module = Module::from_binary(&engine, binary)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "double", |n: i32| n.wrapping_mul(2))?;
    linker.func_wrap("host", "back", |mut caller: Caller<'_, ()>| -> Result<()> {
        let Some(Extern::Func(back)) = caller.get_export("back") else {
            bail!("the module exports no function `back`");
        };
        back.call(&mut caller, &[], &mut [])
    })?;
    let mut store = Store::try_new(&engine, ())?;
    let instance = linker.instantiate(&mut store, &module)?;
    Ok((store, instance))
}

fn run(store: &mut Store<()>, instance: &Instance, line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let name = words.next().ok_or_else(|| Error::msg("no function was named"))?;
    let func = instance
        .get_func(&mut *store, name)
        .ok_or_else(|| format_err!("the module exports no function `{name}`"))?;
    let ty = func.ty(&*store);
    let params: Vec<Val> = words.zip(ty.params()).map(parse).collect::<Result<_>>()?;
    let mut results = vec![Val::I32(0); ty.results().len()];
    func.call(&mut *store, &params, &mut results)?;
    let results = results.iter().map(|result| match result {
        Val::I32(n) => n.to_string(),
        Val::I64(n) => n.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        other => format!("{other:?}"),
    });
    Ok(results.collect::<Vec<_>>().join(" "))
}

fn parse((word, ty): (&str, ValType)) -> Result<Val> {
    let val = match ty {
        ValType::I32 => word.parse().ok().map(Val::I32),
        ValType::I64 => word.parse().ok().map(Val::I64),
        ValType::F32 => word.parse().ok().map(|n: f32| Val::F32(n.to_bits())),
        ValType::F64 => word.parse().ok().map(|n: f64| Val::F64(n.to_bits())),
        _ => None,
    };
    val.ok_or_else(|| format_err!("`{word}` is no {ty}"))
}
