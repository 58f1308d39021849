//! Running compiled code.
//!
//! Code arrives as artifacts (`riser-code`): bytes that work at any address, and tables about places in them. `space.rs` puts
//! them into executable memory, `image.rs` what was compiled before; `registry.rs` finds the function that an address belongs to, also in a signal
//! handler; `activation.rs` is the way in, on a stack of the store's own, and `walk.rs` the way along the frames; `unwind.rs` ends what
//! is executed: at a handler of an exception, or back to the host. `entries.rs` is the table of builtins as compiled code
//! calls them, and the ways back; `interrupts.rs` stops code that would not stop by itself, `sampling.rs` looks where it is; `stubs.rs` is where functions begin before they have code.
//!
//! # What this relies on
//!
//! 1. *Frames.* Every compiled function keeps a frame pointer: the caller's frame pointer lies where it points to, the
//!    return address above. So frames form a chain, up to the trampoline through which the host entered.
//! 2. *Leaving.* Whenever control leaves compiled code for the runtime or the host, `exit_fp` and `exit_pc` of the store's
//!    block say which frame was left and where it goes on: the entries of builtins, host trampolines and lazy stubs record them, and so does
//!    the landing of a trap. Some host trampolines say instead that both are on the stack, and where ([`riser_abi::EXIT_ON_STACK`]): there they stay until
//!    the trampoline has returned.
//! 3. *Tables.* The tables of code are those that its compiler made for it. They are looked into without trust (no index of them is
//!    used unchecked), but where they say that a reference or a handler is, there it is.
//! 4. *Lifetime.* Code lives as long as its `CodeSpace`, which every instance that could call it keeps.

mod activation;
mod entries;
mod image;
mod interrupts;
mod registry;
mod sampling;
mod space;
mod stubs;
mod unwind;
mod walk;

pub use activation::call_compiled;
pub use entries::COMPILED_BUILTINS;
pub use image::CodeImage;
pub use interrupts::EpochWatch;
pub(crate) use interrupts::interrupt;
pub use registry::{CodeKind, CodeOwner};
pub use sampling::CodeSamples;
pub use space::{CodeSpace, Published};
pub use stubs::StubTable;
pub use unwind::install_traps;
pub use walk::{
    CodeFrame, FrameSlots, VisitedFrame, visit_compiled_frames, visit_compiled_references,
    visit_compiled_values,
};
