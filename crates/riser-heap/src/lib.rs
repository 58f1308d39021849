//! The interface of the garbage-collected heap.
#![forbid(unsafe_code)]
