//! WASI 0.1: `wasi_snapshot_preview1`, and `wasi_unstable` for older modules.
//!
//! One file per topic holds the functions, each a plain function over the context and the guest's memory that
//! returns an errno. What happens is in the cores; here is how it looks to a guest: numbers, layouts, rights and
//! pointers (`types.rs`, `rights.rs`, `memory.rs`), and the descriptor table (`descriptors.rs`). `unstable.rs` has
//! the four functions whose layouts differ in the older version.

#![allow(clippy::too_many_arguments, reason = "the parameters are the specification's")]

mod cli;
mod clock;
mod descriptors;
mod fd;
mod fd_io;
mod memory;
mod path;
mod poll;
mod proc;
mod random;
mod rights;
mod sock;
mod types;
mod unstable;

use riser::{Caller, Error, Extern, Linker, Result, Trap};

pub(crate) use descriptors::Descriptors;

use crate::WasiCtx;
use crate::stop::Stop;
use memory::Guest;
use types::Errno;

/// The current module name, and that of the version before it.
const SNAPSHOT_1: &str = "wasi_snapshot_preview1";
const SNAPSHOT_0: &str = "wasi_unstable";

/// Makes each function available to the guest.
///
/// A line is `topic::name(parameter: type, …);`, where the types are those of the WebAssembly function. Every such
/// function returns an errno as `i32`.
macro_rules! define {
    ($linker:ident, $get:ident, $module:expr; $($topic:ident::$name:ident($($arg:ident: $type:ty),*);)*) => {$(
        $linker.func_wrap(
            $module,
            stringify!($name),
            move |mut caller: Caller<'_, T>, $($arg: $type),*| -> Result<i32> {
                call(&mut caller, $get, |ctx, guest| $topic::$name(ctx, guest, $($arg.unsigned()),*))
            },
        )?;
    )*};
}

/// Adds all functions of WASI 0.1 to a linker, under the module names `wasi_snapshot_preview1` and `wasi_unstable`.
///
/// `get` finds the guest's context in the store's data.
///
/// # Errors
///
/// If the linker has a definition with one of the names already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> Result<()> {
    for module in [SNAPSHOT_1, SNAPSHOT_0] {
        add_common(linker, module, get)?;
    }
    add_snapshot_1(linker, get)?;
    add_snapshot_0(linker, get)
}

/// The name that `wasmtime-wasi` has for a context of a guest of 0.1.
pub type WasiP1Ctx = WasiCtx;

/// The same as [`add_to_linker`], under the name that `wasmtime-wasi` has for it.
///
/// # Errors
///
/// If the linker has a definition with one of the names already.
pub fn add_to_linker_sync<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiP1Ctx + Send + Sync + Copy + 'static,
) -> Result<()> {
    add_to_linker(linker, get)
}

/// The functions that are the same in both versions.
fn add_common<T: 'static>(
    linker: &mut Linker<T>,
    module: &str,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> Result<()> {
    define! { linker, get, module;
        cli::args_get(argv: i32, argv_buf: i32);
        cli::args_sizes_get(argc: i32, argv_buf_size: i32);
        cli::environ_get(environ: i32, environ_buf: i32);
        cli::environ_sizes_get(count: i32, environ_buf_size: i32);
        clock::clock_res_get(id: i32, resolution: i32);
        clock::clock_time_get(id: i32, precision: i64, time: i32);
        fd::fd_advise(fd: i32, offset: i64, len: i64, advice: i32);
        fd::fd_allocate(fd: i32, offset: i64, len: i64);
        fd::fd_close(fd: i32);
        fd::fd_datasync(fd: i32);
        fd::fd_fdstat_get(fd: i32, stat: i32);
        fd::fd_fdstat_set_flags(fd: i32, flags: i32);
        fd::fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64);
        fd::fd_filestat_set_size(fd: i32, size: i64);
        fd::fd_filestat_set_times(fd: i32, atim: i64, mtim: i64, fst_flags: i32);
        fd_io::fd_pread(fd: i32, iovs: i32, iovs_len: i32, offset: i64, nread: i32);
        fd::fd_prestat_get(fd: i32, prestat: i32);
        fd::fd_prestat_dir_name(fd: i32, path: i32, path_len: i32);
        fd_io::fd_pwrite(fd: i32, iovs: i32, iovs_len: i32, offset: i64, nwritten: i32);
        fd_io::fd_read(fd: i32, iovs: i32, iovs_len: i32, nread: i32);
        fd_io::fd_readdir(fd: i32, buf: i32, buf_len: i32, cookie: i64, bufused: i32);
        fd::fd_renumber(fd: i32, to: i32);
        fd::fd_sync(fd: i32);
        fd::fd_tell(fd: i32, offset: i32);
        fd_io::fd_write(fd: i32, iovs: i32, iovs_len: i32, nwritten: i32);
        path::path_create_directory(fd: i32, path: i32, path_len: i32);
        path::path_filestat_set_times(
            fd: i32, flags: i32, path: i32, path_len: i32, atim: i64, mtim: i64, fst_flags: i32
        );
        path::path_link(
            old_fd: i32, old_flags: i32, old_path: i32, old_len: i32, new_fd: i32, new_path: i32, new_len: i32
        );
        path::path_open(
            fd: i32, dirflags: i32, path: i32, path_len: i32, oflags: i32, base: i64, inheriting: i64,
            fdflags: i32, opened: i32
        );
        path::path_readlink(fd: i32, path: i32, path_len: i32, buf: i32, buf_len: i32, bufused: i32);
        path::path_remove_directory(fd: i32, path: i32, path_len: i32);
        path::path_rename(fd: i32, old_path: i32, old_len: i32, new_fd: i32, new_path: i32, new_len: i32);
        path::path_symlink(old_path: i32, old_len: i32, fd: i32, new_path: i32, new_len: i32);
        path::path_unlink_file(fd: i32, path: i32, path_len: i32);
        random::random_get(buf: i32, buf_len: i32);
        sock::sock_recv(fd: i32, data: i32, data_len: i32, flags: i32, len: i32, roflags: i32);
        sock::sock_send(fd: i32, data: i32, data_len: i32, flags: i32, len: i32);
        sock::sock_shutdown(fd: i32, how: i32);
    }
    linker.func_wrap(module, "proc_exit", proc::proc_exit)?;
    linker.func_wrap(module, "proc_raise", proc::proc_raise)?;
    linker.func_wrap(module, "sched_yield", proc::sched_yield)?;
    Ok(())
}

/// What is new, or has another layout, in `wasi_snapshot_preview1`.
fn add_snapshot_1<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> Result<()> {
    define! { linker, get, SNAPSHOT_1;
        fd::fd_filestat_get(fd: i32, stat: i32);
        fd::fd_seek(fd: i32, offset: i64, whence: i32, new_offset: i32);
        path::path_filestat_get(fd: i32, flags: i32, path: i32, path_len: i32, stat: i32);
        poll::poll_oneoff(subscriptions: i32, events: i32, count: i32, happened: i32);
        sock::sock_accept(fd: i32, flags: i32, accepted: i32);
    }
    Ok(())
}

/// The functions that had another layout in `wasi_unstable`.
fn add_snapshot_0<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> Result<()> {
    define! { linker, get, SNAPSHOT_0;
        unstable::fd_filestat_get(fd: i32, stat: i32);
        unstable::fd_seek(fd: i32, offset: i64, whence: i32, new_offset: i32);
        unstable::path_filestat_get(fd: i32, flags: i32, path: i32, path_len: i32, stat: i32);
        unstable::poll_oneoff(subscriptions: i32, events: i32, count: i32, happened: i32);
    }
    Ok(())
}

/// Runs one function with the guest's context and memory.
fn call<T: 'static>(
    caller: &mut Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    function: impl FnOnce(&WasiCtx, &mut Guest<'_>) -> Result<(), Errno>,
) -> Result<i32> {
    let (outcome, ctx) = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => {
            let (bytes, data) = memory.data_and_store_mut(caller);
            let ctx = get(data);
            (function(ctx, &mut Guest::Own(bytes)), ctx)
        }
        Some(Extern::SharedMemory(memory)) => {
            let ctx = get(caller.data_mut());
            (function(ctx, &mut Guest::Shared(memory)), ctx)
        }
        _ => {
            return Err(Error::msg(
                "the module calls WASI, which needs an exported memory named `memory`",
            ));
        }
    };
    if ctx.stop().is_some_and(Stop::has_ended) {
        // What the function says has no reader any more.
        return Err(Trap::Interrupt.into());
    }
    Ok(outcome.err().unwrap_or(Errno::SUCCESS).raw())
}

/// WebAssembly's integers have no sign; the host sees them as signed.
trait Unsigned {
    type Type;
    fn unsigned(self) -> Self::Type;
}

impl Unsigned for i32 {
    type Type = u32;

    fn unsigned(self) -> u32 {
        self.cast_unsigned()
    }
}

impl Unsigned for i64 {
    type Type = u64;

    fn unsigned(self) -> u64 {
        self.cast_unsigned()
    }
}
