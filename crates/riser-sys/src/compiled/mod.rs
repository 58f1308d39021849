//! What compiled code needs of Linux: pages that are executed (`code.rs`), stacks (`stack.rs`), being told of its faults
//! (`signals.rs`) and interrupting it (`interrupt.rs`); the last two have a twin for each machine, `x86_64.rs` and `aarch64.rs`; debuggers (`debugger.rs`). On other
//! systems `no_compiled.rs` stands in for all of it.

mod c_thread;
mod code;
mod debugger;
mod file;
mod fork;
mod handlers;
mod interrupt;
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod machine;
mod signals;
mod stack;
#[cfg(test)]
mod tests;

pub use c_thread::on_c_thread;
pub use code::{CodeMemory, CodePages};
pub use debugger::DebugObject;
pub use file::FileMapping;
pub use handlers::{handle_user_signal, send_user_signal};
pub use interrupt::{install_interrupt_hooks, interrupt_thread, thread_id};
pub use signals::{FaultHook, Redirect, install_fault_hook, prepare_thread};
pub use stack::MachineStack;
