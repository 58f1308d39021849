//! The portable twin of `usage.rs`: systems that do not tell.

use std::time::Duration;

/// Not known.
pub fn cpu_time() -> Option<Duration> {
    None
}

/// Not known.
pub fn profiler_time() -> Option<Duration> {
    None
}

/// Not known.
pub fn peak_memory() -> Option<u64> {
    None
}

/// Nothing is reserved here.
pub fn address_space_limited() -> bool {
    true
}
