//! The operating system: memory reservations and the host stack.
