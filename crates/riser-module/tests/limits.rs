//! Limits: each has its own error, and what is within them takes linear time.

mod support;

use riser_module::{ErrorKind, Module, ModuleBytes, ModuleError, ModuleLimits, TypeRegistry};
use riser_ops::Features;
use std::time::{Duration, Instant};
use support::{decode, leb, module, vector};

fn decode_limited(bytes: &[u8], limits: &ModuleLimits) -> Result<Module, ModuleError> {
    let bytes = ModuleBytes::new(bytes.to_vec());
    Module::decode(bytes, &TypeRegistry::new(), Features::ALL, limits)
}

/// A change to the limits.
type Change = fn(&mut ModuleLimits, u32);

#[test]
fn each_limit_has_its_error() {
    let limits: &[(&str, &str, u32, Change)] = &[
        ("(type (func)) (type (struct))", "types", 2, |l, n| l.types = n),
        ("(rec (type (func)) (type (struct)))", "types", 2, |l, n| l.types = n),
        ("(func) (func)", "functions", 2, |l, n| l.funcs = n),
        (r#"(import "" "" (func)) (func)"#, "functions", 2, |l, n| l.funcs = n),
        (r#"(import "" "" (func)) (import "" "" (func))"#, "functions", 2, |l, n| l.funcs = n),
        (r#"(import "" "" (func)) (import "" "" (func))"#, "imports", 2, |l, n| l.imports = n),
        (r#"(func) (export "a" (func 0)) (export "b" (func 0))"#, "exports", 2, |l, n| {
            l.exports = n
        }),
        ("(global i32 (i32.const 0)) (global i32 (i32.const 0))", "globals", 2, |l, n| {
            l.globals = n
        }),
        ("(tag) (tag)", "tags", 2, |l, n| l.tags = n),
        ("(table 0 funcref) (table 0 funcref)", "tables", 2, |l, n| l.tables = n),
        ("(memory 0) (memory 0)", "memories", 2, |l, n| l.memories = n),
        ("(elem func) (elem func)", "element segments", 2, |l, n| l.element_segments = n),
        ("(func) (elem func 0 0 0)", "elements", 3, |l, n| l.segment_elements = n),
        ("(elem funcref (ref.null func))", "elements", 1, |l, n| l.segment_elements = n),
        (r#"(data "") (data "")"#, "data segments", 2, |l, n| l.data_segments = n),
        (r#"(memory 0) (export "abcd" (memory 0))"#, "name", 4, |l, n| l.name_bytes = n),
        ("(func nop nop)", "function body of 4 bytes", 4, |l, n| l.body_bytes = n),
        ("(type (func (param i32 i32)))", "parameters", 2, |l, n| l.params = n),
        ("(type (func (result i32 i32)))", "results", 2, |l, n| l.results = n),
        ("(type (struct (field i8) (field i8)))", "fields", 2, |l, n| l.struct_fields = n),
        (
            "(type (sub (struct))) (type (sub 0 (struct))) (rec (type (sub 1 (struct))))",
            "hierarchy too deep",
            2,
            |l, n| l.subtyping_depth = n,
        ),
        (
            "(type $a (array i8)) (global anyref (array.new_fixed $a 2 (i32.const 0) (i32.const 0)))",
            "operands",
            2,
            |l, n| l.array_new_fixed = n,
        ),
        ("", "8 bytes exceed", 8, |l, n| l.module_bytes = n),
    ];
    for &(text, message, enough, change) in limits {
        let bytes = wat::parse_str(format!("(module {text})")).expect(text);
        let mut limits = ModuleLimits::DEFAULT;
        change(&mut limits, enough);
        if let Err(error) = decode_limited(&bytes, &limits) {
            panic!("{text} is within {enough}: {error}");
        }
        change(&mut limits, enough - 1);
        let error = decode_limited(&bytes, &limits).map(drop).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{text}: {error}");
        assert!(error.message().contains(message), "{text}: {error}");
    }
}

#[test]
fn a_chain_of_63_super_types_is_the_longest() {
    let chain = |len: u64, grouped: bool| {
        let mut types = b"\x50\0\x5F\0".to_vec();
        for supertype in 0..len {
            types.extend([&b"\x50\x01"[..], &leb(supertype), b"\x5F\0"].concat());
        }
        match grouped {
            true => module(&[vector(1, 1, &[&b"\x4E"[..], &leb(len + 1), &types].concat())]),
            false => module(&[vector(1, len + 1, &types)]),
        }
    };
    for grouped in [false, true] {
        let decoded = decode(&chain(63, grouped)).unwrap();
        assert!(decoded.is_subtype(decoded.types[63].id, decoded.types[0].id));
        assert!(!decoded.is_subtype(decoded.types[0].id, decoded.types[63].id));
        let error = decode(&chain(64, grouped)).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    }
}

#[test]
fn long_chains_of_groups_are_dropped_without_recursion() {
    // Each group refers to the one before it, so that dropping the last drops all.
    let mut types = vec![];
    types.extend(b"\x5F\0");
    let count = 100_000;
    for before in 0..count - 1 {
        types.extend([&b"\x5F\x01\x63"[..], &leb_signed(before), b"\0"].concat());
    }
    let bytes = module(&[vector(1, count as u64, &types)]);
    let registry = TypeRegistry::new();
    let decoded = support::decode_with(&bytes, &registry, Features::ALL).unwrap();
    assert_eq!(registry.len(), count as usize);
    drop(decoded);
    assert!(registry.is_empty());
}

#[test]
fn default_operators_of_wide_structures_take_constant_time() {
    let fields = b"\x7F\0".repeat(10_000);
    let ty = [&b"\x5F"[..], &leb(10_000), &fields].concat();
    let count = 100_000;
    let globals = b"\x6E\0\xFB\x01\0\x0B".repeat(count);
    let bytes = module(&[vector(1, 1, &ty), vector(6, count as u64, &globals)]);
    let start = Instant::now();
    assert_eq!(decode(&bytes).unwrap().globals.len(), count);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// A positive signed LEB128 integer.
fn leb_signed(value: i32) -> Vec<u8> {
    let mut bytes = leb(value as u64);
    let last = bytes.last_mut().expect("never empty");
    if *last & 0x40 != 0 {
        *last |= 0x80;
        bytes.push(0);
    }
    bytes
}
