//! The commands, a file each.

pub mod inspect;
pub mod run;
pub mod validate;
pub mod wast;
pub mod wat;
