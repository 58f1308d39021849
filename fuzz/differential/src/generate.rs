//! A seed becomes a module, and arguments for its exports.

use arbitrary::Unstructured;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasm_smith::{Config, Module};

/// How many loop iterations and calls a module may make.
const BUDGET: u32 = 1_000;

/// Bytes that look random, decided by a seed (SplitMix64).
#[derive(Clone, Copy)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number that finds corners: small, huge, or anything.
    pub fn interesting(&mut self) -> u64 {
        match self.next() % 4 {
            0 => self.next() % 16,
            1 => (self.next() % 16).wrapping_neg(),
            2 => 1 << (self.next() % 64),
            _ => self.next(),
        }
    }
}

/// The module of a seed; `None` if the generator gives none.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let mut random = Random::new(seed);
    let length = 2048 << (random.next() % 4);
    let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
    let mut u = Unstructured::new(&bytes);
    let mut config: Config = u.arbitrary().ok()?;
    allow(&mut config, seed);
    // The generator itself panics for a few seeds.
    let made = catch_unwind(AssertUnwindSafe(|| Module::new(config, &mut u)));
    let mut module = made.ok()?.ok()?;
    module.ensure_termination(BUDGET).ok()?;
    Some(module.to_bytes())
}

fn allow(config: &mut Config, seed: u64) {
    config.bulk_memory_enabled = true;
    config.extended_const_enabled = true;
    config.memory64_enabled = true;
    config.multi_value_enabled = true;
    config.reference_types_enabled = true;
    config.saturating_float_to_int_enabled = true;
    config.sign_extension_ops_enabled = true;
    config.simd_enabled = true;
    config.tail_call_enabled = true;
    config.wide_arithmetic_enabled = true;
    config.relaxed_simd_enabled = true;
    config.compact_imports_enabled = false;
    config.custom_page_sizes_enabled = true;
    config.exceptions_enabled = true;
    config.min_tags = 3;
    config.max_tags = config.max_tags.max(config.min_tags);
    config.gc_enabled = true;
    config.threads_enabled = true;
    config.canonicalize_nans = true;
    config.export_everything = true;
    config.allow_start_export = true;
    config.min_funcs = 4;
    config.max_funcs = config.max_funcs.max(config.min_funcs);
    config.min_exports = 1;
    config.max_exports = config.max_exports.max(config.min_exports);
    config.max_imports = if seed.is_multiple_of(2) { 0 } else { 8 };
    config.min_imports = 0;
    config.max_memories = 3;
    config.max_tables = 3;
    // Most memories are small: to compare large ones takes longer than to run.
    let memory_max = if seed.is_multiple_of(8) { 4 << 20 } else { 1 << 18 };
    config.max_memory32_bytes = memory_max;
    config.max_memory64_bytes = memory_max.into();
    config.max_table_elements = 1_000;
    config.memory_max_size_required = true;
    config.table_max_size_required = true;
}
