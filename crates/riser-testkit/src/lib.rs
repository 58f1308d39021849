//! The test machinery of Riser: the script runner and golden files.
#![forbid(unsafe_code)]
