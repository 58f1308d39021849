//! What is run for measurements computes its checksums, with the arguments for tests, in every way to run.

use riser::{Config, Engine, Instance, Module, Result, Store, Strategy};
use riser_testkit::strategies;
use std::path::Path;

/// Runs all of a list: name, two numbers for measurements, argument and checksum for tests.
fn check(folder: &str, list: &str, extension: &str, strategy: Strategy) -> Result<usize> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench").join(folder);
    let engine = Engine::new(Config::new().strategy(strategy))?;
    let list = std::fs::read_to_string(folder.join(list)).expect("a list");
    let mut count = 0;
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let name = words.next().expect("a name");
        let argument: i32 = words.nth(2).expect("an argument").parse().expect("a number");
        let expected: i64 = words.next().expect("a checksum").parse().expect("a number");
        let module = Module::from_file(&engine, folder.join(format!("{name}.{extension}")))?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let run = instance.get_typed_func::<i32, i64>(&mut store, "run")?;
        assert_eq!(run.call(&mut store, argument)?, expected, "{name} {strategy:?}");
        count += 1;
    }
    Ok(count)
}

#[test]
fn kernels_and_programs_compute_their_checksums() -> Result<()> {
    for strategy in strategies() {
        assert_eq!(check("kernels", "kernels.txt", "wasm", strategy)?, 16);
        assert_eq!(check("programs", "programs.txt", "wasm", strategy)?, 12);
    }
    Ok(())
}

#[test]
fn programs_with_objects_compute_their_checksums() -> Result<()> {
    for strategy in strategies() {
        assert_eq!(check("gc", "programs.txt", "wat", strategy)?, 5);
    }
    Ok(())
}
