//! One pure, safe function per simple WebAssembly operator.
#![no_std]
#![forbid(unsafe_code)]
