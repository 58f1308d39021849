//! The test machinery of Riser.
//!
//! - [`wast`]: runs the scripts of the official specification suite (`riser wast`, and the suite itself
//!   in `tests/spec.rs`);
//! - [`golden`]: compares text with files, and rewrites them when asked;
//! - [`corpus`]: finds the real programs that `cargo xtask corpus` installs;
//! - [`generated`]: functions of any size, and what they compute.
//!
//! Nothing here is part of the runtime.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod generated;
pub mod golden;
pub mod wast;
