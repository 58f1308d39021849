//! The riser command.
#![forbid(unsafe_code)]

fn main() {}
