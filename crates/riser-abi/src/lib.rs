//! The machine contract: what compiled code, the interpreter and the runtime agree on.
#![no_std]
#![forbid(unsafe_code)]
