//! Instances, memories, tables, stacks, traps and builtins.
