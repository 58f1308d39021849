//! The automation of the project: `cargo xtask TASK`.
#![forbid(unsafe_code)]

fn main() {}
