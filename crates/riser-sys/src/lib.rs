//! The operating system, as far as Riser needs it: memory that grows, the interpreter's stack, and where the
//! host's own stack stands.
//!
//! Every platform `cfg` of the project is in this crate, as twin modules with equal signatures. `heap.rs` is
//! the portable twin: plain zeroed allocations. `mapping.rs` is the Unix one: address space is reserved first
//! and made accessible as a memory grows, so that its base does not move. `slots.rs` has
//! many small memories in one mapping. `region.rs` chooses between them,
//! `faults.rs` lets tests refuse memory, `stack.rs` is the interpreter's stack and the measure of the host's,
//! `usage.rs` what the process has used, `files.rs` files that one user alone may write. `arch/` has what compiled code needs in instructions,
//! `compiled/` what it needs of the system; `guarded.rs` and `image.rs` are the memories that it accesses without comparing.
//!
//! What is deliberately not here: anything that knows of WebAssembly. Sizes are bytes.

mod arch;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(riser_portable)
))]
mod compiled;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(riser_portable)
)))]
#[path = "no_compiled.rs"]
mod compiled;
#[doc(hidden)]
pub mod faults;
#[cfg(all(unix, not(riser_portable)))]
mod files;
#[cfg(not(all(unix, not(riser_portable))))]
#[path = "no_files.rs"]
mod files;
#[cfg(all(target_os = "linux", not(riser_portable)))]
mod guarded;
#[cfg(not(all(target_os = "linux", not(riser_portable))))]
#[path = "no_guarded.rs"]
mod guarded;
mod heap;
mod hooks;
#[cfg(all(target_os = "linux", not(riser_portable)))]
mod image;
#[cfg(not(all(target_os = "linux", not(riser_portable))))]
#[path = "no_image.rs"]
mod image;
#[cfg(all(unix, not(riser_portable)))]
mod mapping;
#[cfg(not(all(unix, not(riser_portable))))]
#[path = "no_mapping.rs"]
mod mapping;
mod region;
#[cfg(all(target_os = "linux", not(riser_portable)))]
mod slots;
#[cfg(not(all(target_os = "linux", not(riser_portable))))]
#[path = "no_slots.rs"]
mod slots;
mod stack;
#[cfg(all(target_os = "linux", not(riser_portable)))]
mod thread_stack;
#[cfg(not(any(target_family = "wasm", all(target_os = "linux", not(riser_portable)))))]
#[path = "no_thread_stack.rs"]
mod thread_stack;
#[cfg(all(unix, not(riser_portable)))]
mod usage;
#[cfg(not(all(unix, not(riser_portable))))]
#[path = "no_usage.rs"]
mod usage;

pub use arch::{
    COMPILED_CODE, ELF_MACHINE, EXIT_HEAD_BYTES, LAZY_STUBS_HEADER, LAZY_STUBS_MAX, STUB_BYTES,
    StackEntry, TABLE_STUB_INDEX_MAX, WAY_BACK_BYTES, call_on_stack, lazy_stubs, resume,
    table_stubs, x86_64_extension,
};
pub use compiled::{
    CodeMemory, CodePages, DebugObject, FaultHook, FileMapping, MachineStack, Redirect,
    install_fault_hook, install_interrupt_hooks, interrupt_thread, prepare_thread, thread_id,
};
#[doc(hidden)]
pub use compiled::{handle_user_signal, on_c_thread, send_user_signal};
pub use files::{
    boot_id, create_private_dir, create_private_file, create_unnamed_file, file_bytes_max,
    file_identity, name_file, writers,
};
pub use hooks::{Answer, Gate, InterruptHooks, Place};
pub use image::MemoryImage;
pub use region::Region;
pub use stack::{SlotStack, host_stack_limit, stack_pointer, thread_mark};
pub use usage::{address_space_limited, cpu_time, peak_memory, profiler_time};

/// Whether a thread can wait for another one, and for a time to pass. In a browser and in other runtimes of WebAssembly
/// there is one thread and no clock; there the standard library would panic.
pub const CAN_WAIT: bool = cfg!(not(target_family = "wasm"));

/// What a file is known by: if all of this is as it was, then so is its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// The file system that it is on.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// Its length.
    pub bytes: u64,
    /// When its content was changed, as said: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// When anything about it was changed, which nobody can set.
    pub changed: (i64, u32),
}

/// Who may change a file or the entries of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// This user alone (and who administers the machine).
    Us,
    /// The other user that owns it.
    Other {
        /// The user's number.
        owner: u32,
    },
    /// This user, and others.
    Everyone {
        /// What is allowed to whom, as for `chmod`.
        mode: u32,
    },
    /// The system does not tell.
    Unknown,
}

/// The system has no memory (or no address space) left for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// The bytes that were asked for.
    pub bytes: usize,
}

impl OutOfMemory {
    /// A request for so many bytes was refused.
    pub const fn new(requested_allocation_size: usize) -> OutOfMemory {
        OutOfMemory { bytes: requested_allocation_size }
    }

    /// The bytes that were asked for.
    pub const fn requested_allocation_size(&self) -> usize {
        self.bytes
    }
}

impl core::fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "out of memory: the system refused {} bytes", self.bytes)
    }
}

impl core::error::Error for OutOfMemory {}
