//! A guest whose functions are those of WASI, one by one, and whose memory the test can see.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use riser::{Engine, Extern, Instance, Linker, Module, Store, Val};
use riser_wasi::{DirPerms, FilePerms, WasiCtx, WasiCtxBuilder};

/// Size of the guest's memory: two pages.
pub const MEMORY_BYTES: u32 = 2 * 65536;

/// Where tests put paths, vectors and results.
pub const PATH: u32 = 0x1000;
pub const PATH2: u32 = 0x2000;
pub const IOVS: u32 = 0x3000;
pub const OUT: u32 = 0x4000;
pub const BUF: u32 = 0x8000;

/// The first descriptor of a granted directory.
pub const DIR: i64 = 3;

pub const O_CREAT: i64 = 1;
pub const O_DIRECTORY: i64 = 2;
pub const O_EXCL: i64 = 4;
pub const O_TRUNC: i64 = 8;
pub const FOLLOW: i64 = 1;

pub const FD_READ: i64 = 1 << 1;
pub const FD_SEEK: i64 = 1 << 2;
pub const FD_WRITE: i64 = 1 << 6;
/// All rights.
pub const ALL: i64 = (1 << 28) - 1;
/// What a program asks for to read a file.
pub const READING: i64 = ALL & !FD_WRITE;

pub const SUCCESS: i32 = 0;
pub const AGAIN: i32 = 6;
pub const BADF: i32 = 8;
pub const EXIST: i32 = 20;
pub const FAULT: i32 = 21;
pub const FBIG: i32 = 22;
pub const ILSEQ: i32 = 25;
pub const INVAL: i32 = 28;
pub const ISDIR: i32 = 31;
pub const LOOP: i32 = 32;
pub const NAMETOOLONG: i32 = 37;
pub const NOENT: i32 = 44;
pub const NOSPC: i32 = 51;
pub const NOTCONN: i32 = 53;
pub const NOTDIR: i32 = 54;
pub const NOTEMPTY: i32 = 55;
pub const NOTSOCK: i32 = 57;
pub const NOTSUP: i32 = 58;
pub const PERM: i32 = 63;
pub const PIPE: i32 = 64;
pub const ROFS: i32 = 69;
pub const SPIPE: i32 = 70;
pub const XDEV: i32 = 75;
pub const NOTCAPABLE: i32 = 76;

/// Each function that returns an errno, with its parameters: `i` is i32, `I` is i64.
pub const FUNCTIONS: &[(&str, &str)] = &[
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
];

/// A guest to be driven by hand.
pub struct Guest {
    pub store: Store<WasiCtx>,
    instance: Instance,
    memory: Extern,
}

impl Guest {
    /// A guest of `wasi_snapshot_preview1`.
    pub fn new(builder: &mut WasiCtxBuilder) -> Self {
        Self::of("wasi_snapshot_preview1", builder)
    }

    /// A guest of the given version.
    pub fn of(version: &str, builder: &mut WasiCtxBuilder) -> Self {
        Self::with(version, false, builder)
    }

    /// A guest of `wasi_snapshot_preview1` whose memory is shared, as that of a program with threads.
    pub fn shared(builder: &mut WasiCtxBuilder) -> Self {
        Self::with("wasi_snapshot_preview1", true, builder)
    }

    fn with(version: &str, shared: bool, builder: &mut WasiCtxBuilder) -> Self {
        static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);
        static MODULES: LazyLock<[(&str, bool, Module); 3]> = LazyLock::new(|| {
            [
                ("wasi_snapshot_preview1", false),
                ("wasi_unstable", false),
                ("wasi_snapshot_preview1", true),
            ]
            .map(|(version, shared)| {
                (version, shared, Module::new(&ENGINE, text(version, shared)).unwrap())
            })
        });
        let is_wanted = |module: &&(&str, bool, Module)| (module.0, module.1) == (version, shared);
        let (_, _, module) = MODULES.iter().find(is_wanted).unwrap();
        let mut linker = Linker::<WasiCtx>::new(&ENGINE);
        riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx).unwrap();
        let mut store = Store::new(&ENGINE, builder.build());
        let instance = linker.instantiate(&mut store, module).unwrap();
        let memory = instance.get_export(&mut store, "memory").unwrap();
        Self { store, instance, memory }
    }

    /// A guest that was granted one folder as `/`.
    pub fn in_dir(dir: &Path) -> Self {
        let mut builder = WasiCtx::builder();
        builder.preopened_dir(dir, "/", DirPerms::all(), FilePerms::all()).unwrap();
        Self::new(&mut builder)
    }

    /// Calls a function and returns the errno.
    pub fn call(&mut self, name: &str, args: &[i64]) -> i32 {
        self.try_call(name, args).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    /// Calls a function.
    pub fn try_call(&mut self, name: &str, args: &[i64]) -> riser::Result<i32> {
        let (_, params) = FUNCTIONS.iter().find(|function| function.0 == name).unwrap();
        assert_eq!(args.len(), params.len(), "arguments of {name}");
        let value = |(arg, kind): (&i64, char)| {
            if kind == 'i' { Val::I32(*arg as i32) } else { Val::I64(*arg) }
        };
        let args: Vec<Val> = args.iter().zip(params.chars()).map(value).collect();
        let mut results = [Val::I32(-1)];
        let function = self.instance.get_func(&mut self.store, name).unwrap();
        function.call(&mut self.store, &args, &mut results)?;
        Ok(results[0].unwrap_i32())
    }

    pub fn bytes(&self, address: u32, len: u32) -> Vec<u8> {
        let mut bytes = vec![0; len as usize];
        match &self.memory {
            Extern::SharedMemory(memory) => memory.read(address.into(), &mut bytes),
            Extern::Memory(memory) => memory.read(&self.store, address as usize, &mut bytes),
            other => panic!("{other:?}"),
        }
        .unwrap();
        bytes
    }

    pub fn u32(&self, address: u32) -> u32 {
        u32::from_le_bytes(self.bytes(address, 4).try_into().unwrap())
    }

    pub fn u64(&self, address: u32) -> u64 {
        u64::from_le_bytes(self.bytes(address, 8).try_into().unwrap())
    }

    pub fn put(&mut self, address: u32, bytes: &[u8]) {
        match &self.memory {
            Extern::SharedMemory(memory) => memory.write(address.into(), bytes),
            Extern::Memory(memory) => memory.write(&mut self.store, address as usize, bytes),
            other => panic!("{other:?}"),
        }
        .unwrap();
    }

    /// Puts an array of vectors at `IOVS` and returns its address and length.
    pub fn iovs(&mut self, iovs: &[(u32, u32)]) -> [i64; 2] {
        let bytes: Vec<u8> = iovs
            .iter()
            .flat_map(|(address, len)| [address.to_le_bytes(), len.to_le_bytes()].concat())
            .collect();
        self.put(IOVS, &bytes);
        [IOVS.into(), iovs.len() as i64]
    }

    /// Puts a path at `PATH` and returns its address and length.
    pub fn path(&mut self, path: &str) -> [i64; 2] {
        self.put(PATH, path.as_bytes());
        [PATH.into(), path.len() as i64]
    }

    /// Puts a second path at `PATH2`.
    pub fn path2(&mut self, path: &str) -> [i64; 2] {
        self.put(PATH2, path.as_bytes());
        [PATH2.into(), path.len() as i64]
    }

    /// Opens a path in the granted directory.
    pub fn open(&mut self, path: &str, oflags: i64, rights: i64) -> Result<i64, i32> {
        self.open_at(DIR, FOLLOW, path, oflags, rights, 0)
    }

    pub fn open_at(
        &mut self,
        dir: i64,
        lookup: i64,
        path: &str,
        oflags: i64,
        rights: i64,
        fdflags: i64,
    ) -> Result<i64, i32> {
        let [path, len] = self.path(path);
        match self
            .call("path_open", &[dir, lookup, path, len, oflags, rights, ALL, fdflags, OUT.into()])
        {
            SUCCESS => Ok(self.u32(OUT).into()),
            errno => Err(errno),
        }
    }

    /// Writes to a descriptor and returns how many bytes it took.
    pub fn write(&mut self, fd: i64, bytes: &[u8]) -> Result<u32, i32> {
        self.put(BUF, bytes);
        let [iovs, count] = self.iovs(&[(BUF, bytes.len() as u32)]);
        match self.call("fd_write", &[fd, iovs, count, OUT.into()]) {
            SUCCESS => Ok(self.u32(OUT)),
            errno => Err(errno),
        }
    }

    /// Reads up to `len` bytes from a descriptor.
    pub fn read(&mut self, fd: i64, len: u32) -> Result<Vec<u8>, i32> {
        let [iovs, count] = self.iovs(&[(BUF, len)]);
        match self.call("fd_read", &[fd, iovs, count, OUT.into()]) {
            SUCCESS => Ok(self.bytes(BUF, self.u32(OUT))),
            errno => Err(errno),
        }
    }

    /// The names in a directory from a position on, with the position after each.
    pub fn readdir(
        &mut self,
        fd: i64,
        cookie: i64,
        buf_len: u32,
    ) -> Result<Vec<(u64, String)>, i32> {
        match self.call("fd_readdir", &[fd, BUF.into(), buf_len.into(), cookie, OUT.into()]) {
            SUCCESS => Ok(dirents(&self.bytes(BUF, self.u32(OUT)))),
            errno => Err(errno),
        }
    }
}

/// The complete entries in a buffer.
fn dirents(mut bytes: &[u8]) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(24) {
        let next = u64::from_le_bytes(head[..8].try_into().unwrap());
        let len = u32::from_le_bytes(head[16..20].try_into().unwrap());
        let Some((name, rest)) = rest.split_at_checked(len as usize) else { break };
        found.push((next, String::from_utf8(name.to_vec()).unwrap()));
        bytes = rest;
    }
    found
}

/// A module that wraps each function, since a function of the host can only find the memory of a guest that
/// calls it.
fn text(version: &str, shared: bool) -> String {
    let (mut imports, mut functions) = (String::new(), String::new());
    for (name, params) in FUNCTIONS {
        if version == "wasi_unstable" && *name == "sock_accept" {
            continue;
        }
        let types: String =
            params.chars().map(|kind| if kind == 'i' { " i32" } else { " i64" }).collect();
        let gets: String = (0..params.len()).map(|index| format!(" (local.get {index})")).collect();
        imports += &format!(
            "(import \"{version}\" \"{name}\" (func ${name} (param{types}) (result i32)))\n"
        );
        functions += &format!(
            "(func (export \"{name}\") (param{types}) (result i32) (call ${name}{gets}))\n"
        );
    }
    let limits = if shared { "2 2 shared" } else { "2" };
    format!("(module\n{imports}(memory (export \"memory\") {limits})\n{functions})")
}

/// A folder of its own for a test, removed at the end. The guest is given `inside`.
pub struct Scratch {
    root: PathBuf,
}

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("riser-wasi-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("inside")).unwrap();
        fs::write(root.join("secret"), "secret").unwrap();
        Self { root }
    }

    /// The folder that is granted.
    pub fn inside(&self) -> PathBuf {
        self.root.join("inside")
    }

    /// A path next to the folder that is granted.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Creates a file in the folder that is granted.
    pub fn file(&self, name: &str, contents: &str) {
        fs::write(self.inside().join(name), contents).unwrap();
    }

    /// Reads a file in the folder that is granted.
    pub fn contents(&self, name: &str) -> String {
        fs::read_to_string(self.inside().join(name)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
