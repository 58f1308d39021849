//! What compiled code needs of Linux: pages that are executed (`code.rs`) and stacks (`stack.rs`). On other systems
//! `no_compiled.rs` stands in for all of it.

mod code;
mod stack;

pub use code::CodeMemory;
pub use stack::MachineStack;
