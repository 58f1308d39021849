//! The commands, a file each.

pub mod cache;
pub mod compile;
pub mod completions;
pub mod inspect;
pub mod man;
pub mod run;
pub mod validate;
pub mod wast;
pub mod wat;
