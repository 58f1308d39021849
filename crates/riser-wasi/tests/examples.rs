//! Runs the examples: each asserts what it shows.

#[path = "../examples/sandbox.rs"]
mod sandbox;

#[test]
fn sandbox() {
    sandbox::main().unwrap();
}
