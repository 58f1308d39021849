//! The functions of WASI 0.1 called in any order, with any arguments, over a scratch folder: no host error, no panic, no
//! endless call, and nothing outside of the folder read or changed.
//!
//! The input decides what is in the guest's memory and what is called. The folder is made anew for each input; the clocks
//! are virtual, so that waiting takes no time. `fd_allocate` is kept from filling the disk.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use riser::{Engine, Extern, Linker, Module, Store, Val};
use riser_wasi::{
    DirPerms, FilePerms, I32Exit, MemoryInputPipe, MemoryOutputPipe, SeededRandom, VirtualClock,
    WasiCtx,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fuzz_target!(|bytes: &[u8]| {
    // An input that ends early has done what there is to do.
    let _ = run(&mut Unstructured::new(bytes));
});

/// Each function, with its parameters: `i` is i32, `I` is i64. Those of the older version begin with `0`.
const FUNCTIONS: &[(&str, &str)] = &[
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_raise", "i"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
    ("0fd_filestat_get", "ii"),
    ("0fd_seek", "iIii"),
    ("0path_filestat_get", "iiiii"),
    ("0poll_oneoff", "iiii"),
];

const MEMORY_BYTES: u32 = 65536;

/// Where paths, vectors and anything else lie.
const PATHS: u32 = 0x1000;
const VECTORS: u32 = 0x2000;
const BYTES: u32 = 0x4000;

/// Parts of paths.
const PARTS: &[&str] = &[
    "..",
    ".",
    "",
    "/",
    "f",
    "dir",
    "up",
    "root",
    "loop",
    "in",
    "new",
    "secret",
    "inside",
    "proc",
    "self",
    "fd",
    "\0",
    "\u{fc}",
    "etc/passwd",
    "other",
];

const FILE_BYTES_MAX: i64 = 1 << 20;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);
/// One whose memory is its own, and one whose memory is shared.
static MODULES: LazyLock<[Module; 2]> =
    LazyLock::new(|| ["1", "1 1 shared"].map(|memory| Module::new(&ENGINE, text(memory)).unwrap()));
static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("riser-fuzz-wasi-{}", std::process::id())));

/// A module that wraps each function.
fn text(memory: &str) -> String {
    let (mut imports, mut functions) = (String::new(), String::new());
    for (name, params) in FUNCTIONS {
        let (module, plain) = match name.strip_prefix('0') {
            Some(plain) => ("wasi_unstable", plain),
            None => ("wasi_snapshot_preview1", *name),
        };
        let types: String =
            params.chars().map(|kind| if kind == 'i' { " i32" } else { " i64" }).collect();
        let gets: String = (0..params.len()).map(|index| format!(" (local.get {index})")).collect();
        imports += &format!(
            "(import \"{module}\" \"{plain}\" (func $f{name} (param{types}) (result i32)))\n"
        );
        functions += &format!(
            "(func (export \"{name}\") (param{types}) (result i32) (call $f{name}{gets}))\n"
        );
    }
    format!("(module\n{imports}(memory (export \"memory\") {memory})\n{functions})")
}

/// The folder that is granted, with something in it, and what must not be reached beside it.
fn make_folder() -> PathBuf {
    let root = &*FOLDER;
    let _ = fs::remove_dir_all(root);
    let inside = root.join("inside");
    fs::create_dir_all(inside.join("dir")).unwrap();
    fs::create_dir_all(root.join("other")).unwrap();
    fs::write(root.join("secret"), "secret").unwrap();
    fs::write(root.join("other/secret"), "secret").unwrap();
    fs::write(inside.join("f"), "some bytes").unwrap();
    fs::write(inside.join("dir/f"), "more bytes").unwrap();
    for (target, name) in
        [("../secret", "up"), ("/", "root"), ("loop", "loop"), ("dir", "in"), ("../..", "dir/up")]
    {
        std::os::unix::fs::symlink(target, inside.join(name)).unwrap();
    }
    inside
}

/// What is outside is as it was made.
fn check_outside(root: &Path) {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(root), ["inside", "other", "secret"]);
    assert_eq!(names(&root.join("other")), ["secret"]);
    for file in ["secret", "other/secret"] {
        assert_eq!(fs::read(root.join(file)).unwrap(), b"secret");
        let age = fs::metadata(root.join(file)).unwrap().modified().unwrap().elapsed();
        assert!(age.is_ok_and(|age| age.as_secs() < 3600), "its time was set");
    }
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let inside = make_folder();
    let mut builder = WasiCtx::builder();
    builder.args(&["program", "-x"]).env("KEY", "value");
    builder.stdin(MemoryInputPipe::new("input")).stdout(MemoryOutputPipe::new(1000));
    builder
        .wall_clock(VirtualClock::new(1_000_000_000, 1))
        .monotonic_clock(VirtualClock::new(1, 1));
    builder.secure_random(SeededRandom::new(1));
    let file_perms = if u.ratio(1, 4)? { FilePerms::READ } else { FilePerms::all() };
    builder.preopened_dir(&inside, "/", DirPerms::all(), file_perms).unwrap();
    builder.preopened_dir(inside.join("dir"), "/dir", DirPerms::READ, FilePerms::READ).unwrap();
    let mut linker = Linker::<WasiCtx>::new(&ENGINE);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&ENGINE, builder.build());
    let module = &MODULES[usize::from(u.ratio(1, 3)?)];
    let instance = linker.instantiate(&mut store, module).unwrap();
    let memory = instance.get_export(&mut store, "memory").unwrap();
    for _ in 0..64 {
        if u.is_empty() {
            break;
        }
        match &memory {
            Extern::Memory(memory) => fill(memory.data_mut(&mut store), u)?,
            Extern::SharedMemory(memory) => {
                let mut bytes = vec![0; MEMORY_BYTES as usize];
                memory.read(0, &mut bytes).unwrap();
                fill(&mut bytes, u)?;
                memory.write(0, &bytes).unwrap();
            }
            other => panic!("{other:?}"),
        }
        let (name, params) = *u.choose(FUNCTIONS)?;
        let mut args = Vec::new();
        for kind in params.chars() {
            let value = argument(u)?;
            args.push(if kind == 'i' { Val::I32(value as i32) } else { Val::I64(value) });
        }
        if name == "fd_allocate" {
            spare_the_disk(&mut args);
        }
        let mut results = [Val::I32(-1)];
        let func = instance.get_func(&mut store, name).unwrap();
        match func.call(&mut store, &args, &mut results) {
            Ok(()) => {
                let errno = results[0].unwrap_i32();
                assert!((0..=76).contains(&errno), "{name}{args:?}: {errno}");
            }
            Err(error) => {
                assert!(error.downcast_ref::<I32Exit>().is_some(), "{name}{args:?}: {error:?}");
                break;
            }
        }
    }
    drop(store);
    check_outside(&FOLDER);
    Ok(())
}

/// Puts a path, vectors and bytes into memory.
fn fill(memory: &mut [u8], u: &mut Unstructured<'_>) -> Result<()> {
    for slot in 0..2 {
        if u.ratio(1, 2)? {
            continue;
        }
        let mut path = String::new();
        for _ in 0..u.int_in_range(1..=4)? {
            path += u.choose(PARTS)?;
            path += if u.ratio(3, 4)? { "/" } else { "" };
        }
        let at = PATHS as usize + 256 * slot;
        memory[at..][..path.len()].copy_from_slice(path.as_bytes());
    }
    if u.ratio(1, 2)? {
        for word in 0..8 {
            let value = argument(u)? as u32;
            memory[VECTORS as usize + 4 * word..][..4].copy_from_slice(&value.to_le_bytes());
        }
    }
    if u.ratio(1, 8)? {
        let len = u.int_in_range(0..=64)?.min(u.len());
        let at = u.int_in_range(0..=MEMORY_BYTES as usize - len)?;
        memory[at..at + len].copy_from_slice(u.bytes(len)?);
    }
    Ok(())
}

/// A number that means something to some function, or nothing to any.
fn argument(u: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match u.int_in_range(0..=9)? {
        0..=3 => u.int_in_range(0..=16)?,
        4 => i64::from(PATHS) + 256 * u.int_in_range(0..=1)?,
        5 => i64::from(VECTORS),
        6 => i64::from(BYTES),
        7 => *u.choose(&[-1, -2, i64::MAX, i64::MIN, 1 << 31, (1 << 31) - 1, (1 << 32) - 8])?,
        8 => i64::from(MEMORY_BYTES) - u.int_in_range(0..=16)?,
        _ => u.arbitrary()?,
    })
}

/// Keeps a range that could be given small; one that cannot be given stays.
fn spare_the_disk(args: &mut [Val]) {
    for arg in &mut args[1..] {
        if let Val::I64(value @ 0..) = arg
            && *value < 1 << 60
        {
            *value %= FILE_BYTES_MAX;
        }
    }
}
