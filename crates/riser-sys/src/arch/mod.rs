//! What must be said in instructions: entering and leaving compiled code, its stubs, switching stacks. A twin module for each
//! machine, with equal signatures: `x86_64.rs`, `aarch64.rs`, and `none.rs` for all others.

/// Whether this machine and system can run compiled code. Where this is false nothing of this crate that
/// compiled code needs can be had: what would make it gives errors.
pub const COMPILED_CODE: bool = cfg!(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(riser_portable)
));

/// What this machine is called in ELF files: 62 is x86-64, 183 aarch64; 0 is none.
pub const ELF_MACHINE: u16 = if cfg!(target_arch = "x86_64") {
    62
} else if cfg!(target_arch = "aarch64") {
    183
} else {
    0
};

/// What [`call_on_stack`] calls: what it does with its arguments is its own affair.
pub type StackEntry = unsafe extern "C" fn(a: *mut u8, b: *const u8, c: *mut u64) -> u32;

/// The bytes of a stub.
pub const STUB_BYTES: usize = 16;

/// So many lazy stubs a block may have: aarch64 reaches 1 MiB back.
pub const LAZY_STUBS_MAX: usize = 1 << 15;

/// Entries of a table that stubs jump through are below this: aarch64 adds 24 bits in one instruction.
pub const TABLE_STUB_INDEX_MAX: u32 = 1 << 21;

#[cfg(all(
    target_os = "linux",
    target_arch = "x86_64",
    target_pointer_width = "64",
    not(riser_portable)
))]
#[path = "x86_64.rs"]
pub(crate) mod machine;

#[cfg(all(
    target_os = "linux",
    target_arch = "aarch64",
    target_pointer_width = "64",
    target_endian = "little",
    not(riser_portable)
))]
#[path = "aarch64.rs"]
pub(crate) mod machine;

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(riser_portable)
)))]
#[path = "none.rs"]
pub(crate) mod machine;

pub use machine::{
    EXIT_HEAD_BYTES, LAZY_STUBS_HEADER, WAY_BACK_BYTES, call_on_stack, lazy_stubs, resume,
    table_stubs, x86_64_extension,
};

#[cfg(all(test, target_arch = "x86_64", target_os = "linux", not(riser_portable)))]
mod tests;

#[cfg(all(
    test,
    target_arch = "aarch64",
    target_os = "linux",
    target_endian = "little",
    not(riser_portable)
))]
#[path = "tests_aarch64.rs"]
mod tests;
