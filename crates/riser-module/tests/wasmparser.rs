//! Decoding accepts exactly what `wasmparser`'s validator accepts, bodies aside.

mod support;

use riser_module::TypeRegistry;
use riser_ops::Features;
use support::decode_with;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// `wasmparser`'s name for a set of features.
fn translate(features: Features) -> WasmFeatures {
    let rows = [
        (Features::MUTABLE_GLOBAL, WasmFeatures::MUTABLE_GLOBAL),
        (Features::SATURATING_FLOAT_TO_INT, WasmFeatures::SATURATING_FLOAT_TO_INT),
        (Features::SIGN_EXTENSION, WasmFeatures::SIGN_EXTENSION),
        (Features::REFERENCE_TYPES, WasmFeatures::REFERENCE_TYPES),
        (Features::MULTI_VALUE, WasmFeatures::MULTI_VALUE),
        (Features::BULK_MEMORY, WasmFeatures::BULK_MEMORY),
        (Features::SIMD, WasmFeatures::SIMD),
        (Features::RELAXED_SIMD, WasmFeatures::RELAXED_SIMD),
        (Features::THREADS, WasmFeatures::THREADS),
        (Features::TAIL_CALL, WasmFeatures::TAIL_CALL),
        (Features::MULTI_MEMORY, WasmFeatures::MULTI_MEMORY),
        (Features::EXCEPTIONS, WasmFeatures::EXCEPTIONS),
        (Features::LEGACY_EXCEPTIONS, WasmFeatures::LEGACY_EXCEPTIONS),
        (Features::MEMORY64, WasmFeatures::MEMORY64),
        (Features::EXTENDED_CONST, WasmFeatures::EXTENDED_CONST),
        (Features::FUNCTION_REFERENCES, WasmFeatures::FUNCTION_REFERENCES),
        (Features::GC, WasmFeatures::GC),
        (Features::CUSTOM_PAGE_SIZES, WasmFeatures::CUSTOM_PAGE_SIZES),
        (Features::WIDE_ARITHMETIC, WasmFeatures::WIDE_ARITHMETIC),
    ];
    assert_eq!(rows.len(), Features::TABLE.len());
    let on = rows.iter().filter(|row| features.contains(row.0)).map(|row| row.1);
    on.fold(WasmFeatures::FLOATS | WasmFeatures::GC_TYPES, WasmFeatures::union)
}

/// What `wasmparser` says of everything but the bodies.
fn oracle(bytes: &[u8], features: Features) -> Result<(), String> {
    let features = translate(features);
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        match payload.map_err(|e| e.to_string())? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err("component".into());
            }
            Payload::CodeSectionEntry(body) => {
                // It says so only when it validates the body.
                if body.range().is_empty() {
                    return Err("empty body".into());
                }
                validator.code_section_entry(&body).map_err(|e| e.to_string())?;
            }
            payload => {
                validator.payload(&payload).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(())
}

/// Compares both on one input. Returns whether it was accepted.
fn check(bytes: &[u8], features: Features, registry: &TypeRegistry) -> bool {
    let ours = decode_with(bytes, registry, features).map(drop);
    let theirs = oracle(bytes, features);
    assert_eq!(
        ours.is_ok(),
        theirs.is_ok(),
        "we say {ours:?}, wasmparser {theirs:?} of {bytes:02x?} under {features:?}"
    );
    ours.is_ok()
}

const MODULES: &[&str] = &[
    "(module)",
    r#"(module $names
        (type (func (param i32 i64) (result f32)))
        (import "env" "f" (func $f (type 0)))
        (import "env" "g" (global $g (mut i32)))
        (import "env" "t" (table 1 2 funcref))
        (import "env" "m" (memory 1 2))
        (func $h (export "h") (type 0) (local i32 i32 f64) (call $f (local.get 0) (local.get 1)))
        (func $start)
        (start $start)
        (global (export "k") i32 (i32.const 42))
        (export "g" (global $g)) (export "t" (table 0)) (export "m" (memory 0))
        (elem (i32.const 0) $h $f)
        (data (i32.const 8) "hello"))"#,
    r#"(module
        (table $t 2 funcref) (table 3 4 externref) (table i64 0 funcref)
        (memory 1) (memory i64 1 2) (memory 1 2 shared)
        (func $f) (func $g)
        (elem (table 0) (offset (i32.const 1)) func $f $g)
        (elem (table 2) (offset (i64.const 1)) funcref (ref.func $f) (ref.null func))
        (elem funcref (ref.func $f))
        (elem func $f)
        (elem declare func $g)
        (elem declare externref (ref.null extern))
        (elem (i32.const 0) funcref (ref.null func))
        (data (i32.const 0) "a") (data "passive") (data (memory 1) (i64.const 1) "c")
        (func (data.drop 0)))"#,
    r#"(module
        (global $a (import "a" "a") i32)
        (memory 0 (pagesize 1)) (memory i64 0 3 (pagesize 1)) (memory 1 (pagesize 65536))
        (global v128 (v128.const i64x2 1 2))
        (global i32 (i32.add (global.get $a) (i32.mul (i32.const 2) (i32.const 3))))
        (global i64 (i64.sub (i64.const 1) (i64.const -1)))
        (global f32 (f32.const 1.5)) (global (mut f64) (f64.const -0)))"#,
    r#"(module
        (type $e (func (param i32)))
        (import "a" "t" (tag $t (type $e)))
        (tag $u (param i64 i64)) (export "u" (tag $u))
        (global exnref (ref.null exn)) (global (ref null noexn) (ref.null noexn)))"#,
    r#"(module
        (rec (type $n (sub (struct (field (mut i32)) (field (ref null $m)))))
             (type $m (sub $n (struct (field (mut i32)) (field (ref null $m)) (field i8)))))
        (type $v (array (mut i16)))
        (type $f (sub final (func (param (ref $m)) (result (ref null $n)))))
        (type $w (sub (array (ref null any))))
        (type $x (sub final $w (array (ref null $v))))
        (func $h (type $f) unreachable)
        (global $s (ref $n) (struct.new $n (i32.const 1) (ref.null none)))
        (global $m (ref null $m) (struct.new_default $m))
        (global (ref $n) (global.get $s))
        (global (ref $v) (array.new $v (i32.const 7) (i32.const 3)))
        (global anyref (array.new_default $v (i32.const 3)))
        (global (ref array) (array.new_fixed $v 3 (i32.const 1) (i32.const 2) (i32.const 3)))
        (global (ref i31) (ref.i31 (i32.const 5)))
        (global externref (extern.convert_any (ref.i31 (i32.const 5))))
        (global (ref any) (any.convert_extern (extern.convert_any (ref.i31 (i32.const 5)))))
        (global (ref $f) (ref.func $h))
        (table 3 (ref $f) (ref.func $h))
        (table 0 (ref null $f))
        (elem (table 0) (i32.const 0) (ref $f) (ref.func $h))
        (elem (ref null struct) (struct.new_default $m)))"#,
];

const FEATURES: [Features; 6] = [
    Features::ALL,
    Features::MVP,
    Features::WASM1,
    Features::WASM2,
    Features::WASM3,
    // Typed function references without garbage collection: types refer backwards only.
    Features::WASM3.without(Features::GC),
];

fn binaries() -> impl Iterator<Item = Vec<u8>> {
    MODULES.iter().map(|text| wat::parse_str(text).expect("the module is well-formed"))
}

#[test]
fn verdicts_agree_under_every_set_of_features() {
    let registry = TypeRegistry::new();
    for bytes in binaries() {
        assert!(check(&bytes, Features::ALL, &registry));
        for features in FEATURES {
            check(&bytes, features, &registry);
        }
        for &(feature, _) in Features::TABLE {
            let alike = Features::EXCEPTIONS | Features::LEGACY_EXCEPTIONS;
            let off = if alike.contains(feature) { alike } else { feature };
            check(&bytes, Features::ALL.without(off), &registry);
            check(&bytes, Features::WASM1.union(off), &registry);
        }
    }
    assert!(registry.is_empty());
}

#[test]
fn verdicts_agree_on_every_truncation() {
    let registry = TypeRegistry::new();
    for bytes in binaries() {
        for len in 0..bytes.len() {
            check(&bytes[..len], Features::ALL, &registry);
        }
    }
}

#[test]
fn verdicts_agree_on_every_changed_byte() {
    let registry = TypeRegistry::new();
    let mut accepted = 0;
    for bytes in binaries() {
        for at in 8..bytes.len() {
            let mut changed = bytes.clone();
            for value in 0..=255 {
                changed[at] = value;
                accepted += u32::from(check(&changed, Features::ALL, &registry));
            }
            for features in FEATURES {
                for bit in 0..8 {
                    changed[at] = bytes[at] ^ 1 << bit;
                    check(&changed, features, &registry);
                }
            }
        }
    }
    assert!(accepted > 1_000, "only {accepted} changed modules were accepted");
    assert!(registry.is_empty());
}

#[test]
fn verdicts_agree_on_inserted_and_removed_bytes() {
    let registry = TypeRegistry::new();
    for bytes in binaries() {
        for at in 8..=bytes.len() {
            for value in [0x00, 0x01, 0x0B, 0x40, 0x4E, 0x60, 0x63, 0x70, 0x7F, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed.insert(at, value);
                check(&changed, Features::ALL, &registry);
                // With the section's size put right, if it is the first.
                if let Some(size) = changed.get_mut(9) {
                    *size = size.wrapping_add(1);
                    check(&changed, Features::ALL, &registry);
                }
            }
            if at < bytes.len() {
                let mut changed = bytes.clone();
                changed.remove(at);
                check(&changed, Features::ALL, &registry);
            }
        }
    }
}

/// A small generator of numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// Damages the content of a random section and puts its size right, so that errors are not only of size.
fn damage_section(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.expect("the module is well-formed");
        if let Some((id, range)) = payload.as_section() {
            sections.push((id, bytes[range.start as usize..range.end as usize].to_vec()));
        }
    }
    if sections.is_empty() {
        return bytes.to_vec();
    }
    for _ in 0..=random.next(3) {
        let which = random.next(sections.len());
        let content = &mut sections[which].1;
        let at = random.next(content.len() + 1);
        let byte = [0, 1, 2, 3, 0x63, 0x64, 0x6B, 0x70, 0x7E, 0x7F, 0x80, 0xFF][random.next(12)];
        match random.next(4) {
            0 => content.insert(at, byte),
            1 if at < content.len() => content[at] = byte,
            2 if at < content.len() => content[at] = content[at].wrapping_add(1),
            3 if at < content.len() => drop(content.remove(at)),
            _ => {}
        }
    }
    let parts: Vec<Vec<u8>> = sections.iter().map(|(id, c)| support::section(*id, c)).collect();
    support::module(&parts)
}

#[test]
fn verdicts_agree_on_damaged_sections() {
    let registry = TypeRegistry::new();
    let mut random = Random(0x5EED);
    let mut accepted = 0;
    for bytes in binaries() {
        for _ in 0..10_000 {
            let damaged = damage_section(&bytes, &mut random);
            accepted += u32::from(check(&damaged, Features::ALL, &registry));
        }
    }
    assert!(accepted > 1_000, "only {accepted} damaged modules were accepted");
    assert!(registry.is_empty());
}

#[test]
fn verdicts_agree_on_generated_modules() {
    let registry = TypeRegistry::new();
    let mut random = Random(0xACCE55);
    for round in 0..400 {
        let seed: Vec<u8> = (0..2048).map(|_| random.next(256) as u8).collect();
        let mut u = arbitrary::Unstructured::new(&seed);
        let config = wasm_smith::Config {
            gc_enabled: round % 2 == 0,
            exceptions_enabled: true,
            memory64_enabled: true,
            custom_page_sizes_enabled: true,
            threads_enabled: true,
            max_memories: 3,
            max_tables: 3,
            extended_const_enabled: true,
            // A proposal that Riser does not have.
            compact_imports_enabled: false,
            ..wasm_smith::Config::default()
        };
        let Ok(module) = wasm_smith::Module::new(config, &mut u) else { continue };
        let bytes = module.to_bytes();
        let valid = check(&bytes, Features::ALL, &registry);
        assert!(valid, "generated modules are valid: {:?}", oracle(&bytes, Features::ALL));
        for features in FEATURES {
            check(&bytes, features, &registry);
        }
        for _ in 0..20 {
            check(&damage_section(&bytes, &mut random), Features::ALL, &registry);
        }
    }
    assert!(registry.is_empty());
}
