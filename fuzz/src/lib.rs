//! What fuzz targets share: modules made from the fuzzer's bytes.
//!
//! A target that wants a valid module calls [`module`]; one that wants bytes that are almost a module calls
//! [`mutated`]. Both depend on the given bytes alone, so a finding repeats. Targets are in `fuzz_targets/`.
#![forbid(unsafe_code)]

use arbitrary::{Result, Unstructured};
use wasm_smith::{Config, Module};

/// What a generated module may use. Names are those of the proposals in [`wasm_smith::Config`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Everything that can be generated: to decode and to validate.
    Everything,
    /// What the interpreter executes: no garbage-collected objects, no exceptions, no shared memory. Every
    /// memory and table is small, and exports show what there is to compare after a run.
    Interpreted,
}

/// A valid module.
pub fn module(u: &mut Unstructured<'_>, profile: Profile) -> Result<Vec<u8>> {
    let mut config: Config = u.arbitrary()?;
    allow(&mut config, profile);
    Ok(Module::new(config, u)?.to_bytes())
}

/// A valid module without imports that uses everything, is small, exports all, ends after so many turns of loops and calls, and
/// knows one NaN.
pub fn ending_module(u: &mut Unstructured<'_>, turns: u32) -> Result<Vec<u8>> {
    let mut config: Config = u.arbitrary()?;
    allow(&mut config, Profile::Interpreted);
    config.exceptions_enabled = true;
    config.gc_enabled = true;
    config.canonicalize_nans = true;
    config.relaxed_simd_enabled = false;
    config.max_imports = 0;
    config.min_imports = 0;
    config.min_funcs = 3;
    config.max_funcs = config.max_funcs.max(config.min_funcs);
    let mut module = Module::new(config, u)?;
    if module.ensure_termination(turns).is_err() {
        return Err(arbitrary::Error::IncorrectFormat);
    }
    Ok(module.to_bytes())
}

/// A valid module in which some bytes were then changed, removed or repeated.
pub fn mutated(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    // What decides about the changes is taken first, since a module takes all that there is.
    let mut changes = Vec::new();
    for _ in 0..u.int_in_range(1..=8)? {
        changes.push((u.arbitrary::<u32>()?, u.arbitrary::<u8>()?, u.arbitrary::<u8>()?));
    }
    let mut bytes = module(u, Profile::Everything)?;
    for (place, kind, value) in changes {
        mutate(&mut bytes, place as usize, kind, value);
    }
    Ok(bytes)
}

fn mutate(bytes: &mut Vec<u8>, place: usize, kind: u8, value: u8) {
    if bytes.is_empty() {
        return;
    }
    let at = place % bytes.len();
    match kind % 5 {
        0 => bytes[at] = value,
        1 => bytes[at] ^= 1 << (value % 8),
        2 => bytes.insert(at, value),
        3 => {
            bytes.remove(at);
        }
        _ => bytes.truncate(at),
    }
}

fn allow(config: &mut Config, profile: Profile) {
    config.bulk_memory_enabled = true;
    config.extended_const_enabled = true;
    config.memory64_enabled = true;
    config.multi_value_enabled = true;
    config.reference_types_enabled = true;
    config.relaxed_simd_enabled = true;
    config.saturating_float_to_int_enabled = true;
    config.sign_extension_ops_enabled = true;
    config.simd_enabled = true;
    config.tail_call_enabled = true;
    config.custom_page_sizes_enabled = true;
    config.wide_arithmetic_enabled = true;
    config.max_memories = 4;
    config.max_tables = 4;
    match profile {
        Profile::Everything => {
            config.exceptions_enabled = true;
            config.gc_enabled = true;
            config.threads_enabled = true;
        }
        Profile::Interpreted => {
            config.exceptions_enabled = false;
            config.gc_enabled = false;
            config.threads_enabled = false;
            config.max_memory32_bytes = 1 << 20;
            config.max_memory64_bytes = 1 << 20;
            config.max_table_elements = 1_000;
            config.export_everything = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Validator, WasmFeatures};

    /// Bytes that look random and are always the same.
    fn bytes(seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let step = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..4096).map(step).collect()
    }

    #[test]
    fn generated_modules_are_valid_in_their_profile() {
        let without = WasmFeatures::GC | WasmFeatures::EXCEPTIONS | WasmFeatures::THREADS;
        for (profile, features) in [
            (Profile::Everything, WasmFeatures::all()),
            (Profile::Interpreted, WasmFeatures::all() - without),
        ] {
            for seed in 0..200 {
                let module = module(&mut Unstructured::new(&bytes(seed)), profile).unwrap();
                let verdict = Validator::new_with_features(features).validate_all(&module);
                verdict.unwrap_or_else(|e| panic!("seed {seed}, {profile:?}: {e}"));
            }
        }
    }

    #[test]
    fn some_mutated_modules_are_invalid_and_some_are_not() {
        let valid = (0..200).filter(|seed| {
            let module = mutated(&mut Unstructured::new(&bytes(*seed))).unwrap();
            Validator::new_with_features(WasmFeatures::all()).validate_all(&module).is_ok()
        });
        let valid = valid.count();
        assert!((1..200).contains(&valid), "{valid} of 200 are valid");
    }
}
