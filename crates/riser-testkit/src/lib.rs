//! The test machinery of Riser.
//!
//! - [`wast`]: runs the scripts of the official specification suite (`riser wast`, and the suite itself
//!   in `tests/spec.rs`);
//! - [`golden`]: compares text with files, and rewrites them when asked;
//! - [`corpus`]: finds the real programs that `cargo xtask corpus` installs;
//! - [`frames`]: the frames of running code as text;
//! - [`generated`]: functions of any size, and what they compute;
//! - [`strategies`]: the ways to run.
//!
//! Nothing here is part of the runtime.
#![forbid(unsafe_code)]

use riser::{Engine, Strategy};

pub mod corpus;
pub mod frames;
pub mod generated;
pub mod golden;
pub mod wast;

/// The ways to run that there are on this platform, first the interpreter.
pub fn strategies() -> Vec<Strategy> {
    let all = [Strategy::Interpreter, Strategy::Baseline, Strategy::Cranelift, Strategy::Auto];
    let is_here =
        |strategy: &Strategy| Engine::new(riser::Config::new().strategy(*strategy)).is_ok();
    all.into_iter().filter(is_here).collect()
}
