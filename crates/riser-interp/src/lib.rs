//! The portable interpreter: lowering to register code, and its execution.
