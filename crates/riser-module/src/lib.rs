//! Decoding of WebAssembly modules and the engine-wide registry of canonical types.
#![forbid(unsafe_code)]
