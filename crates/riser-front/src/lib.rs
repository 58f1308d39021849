//! Validates one function body and drives a sink with typed, reachable operators.
#![no_std]
#![forbid(unsafe_code)]
