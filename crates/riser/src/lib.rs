//! A WebAssembly runtime: the embedding API.
