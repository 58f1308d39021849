//! WASI for Riser.
#![forbid(unsafe_code)]
