//! References and objects: every operator compiles for all kinds of fields, elements and types; and where calls have
//! references.

mod common;

use common::compile;
use std::fmt::Write;

/// Types of fields, what they are read as, and a value.
const STORAGES: [(&str, &str, &str); 11] = [
    ("i8", "i32", "(i32.const -1)"),
    ("i16", "i32", "(i32.const 0x12345)"),
    ("i32", "i32", "(i32.const -5)"),
    ("i64", "i64", "(i64.const 0x123456789ABC)"),
    ("f32", "f32", "(f32.const 1.5)"),
    ("f64", "f64", "(f64.const 2.5)"),
    ("anyref", "anyref", "(ref.i31 (i32.const 7))"),
    ("externref", "externref", "(ref.null extern)"),
    ("funcref", "funcref", "(ref.func $f)"),
    ("(ref null $leaf)", "(ref null $leaf)", "(ref.null $leaf)"),
    ("(ref null $open)", "(ref null $open)", "(ref.null $open)"),
];

const TYPES: &str = r#"
    (type $leaf (func (param i32)))
    (type $open (sub (func)))
    (type $below (sub $open (func)))
    (import "" "f" (func $f))
    (func $g (type $open))
    (data $data "0123456789abcdef")
    (elem $elem funcref (ref.func $f) (ref.func $g))"#;

#[test]
fn fields_and_elements_of_all_types() {
    let mut text = format!("(module {TYPES}");
    for (number, (storage, ty, value)) in STORAGES.iter().enumerate() {
        let suffixes: &[&str] =
            if matches!(*storage, "i8" | "i16") { &["_s", "_u"] } else { &[""] };
        let (s, a) = (format!("$s{number}"), format!("$a{number}"));
        writeln!(
            text,
            "(type {s} (struct (field i8) (field (mut {storage})) (field i64)))
             (type {a} (array (mut {storage})))
             (func (param {ty}) (result (ref {s}))
               (struct.new {s} (i32.const 1) (local.get 0) (i64.const 2)))
             (func (result (ref {s})) (struct.new {s} (i32.const 1) {value} (i64.const 2)))
             (func (param (ref null {s}) {ty}) (struct.set {s} 1 (local.get 0) (local.get 1)))
             (func (param (ref null {s})) (struct.set {s} 1 (local.get 0) {value}))
             (func (result anyref) (struct.new_default {s}))
             (func (param i32 {ty}) (result anyref) (array.new {a} (local.get 1) (local.get 0)))
             (func (param i32) (result anyref) (array.new_default {a} (local.get 0)))
             (func (param {ty}) (result anyref) (array.new_fixed {a} 2 {value} (local.get 0)))
             (func (result anyref) (array.new_fixed {a} 60 {}))
             (func (param (ref null {a}) i32 {ty}) (array.set {a} (local.get 0) (local.get 1) (local.get 2)))
             (func (param (ref null {a})) (array.set {a} (local.get 0) (i32.const 3) {value}))
             (func (param (ref null {a}) i32 {ty} i32)
               (array.fill {a} (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
             (func (param (ref null {a}) i32 i32)
               (array.copy {a} {a} (local.get 0) (local.get 1) (local.get 0) (local.get 2) (i32.const 3)))",
            value.repeat(60),
        )
        .unwrap();
        for suffix in suffixes {
            writeln!(
                text,
                "(func (param (ref null {s})) (result {ty}) (struct.get{suffix} {s} 1 (local.get 0)))
                 (func (param (ref null {a}) i32) (result {ty}) (array.get{suffix} {a} (local.get 0) (local.get 1)))
                 (func (param (ref null {a})) (result {ty}) (array.get{suffix} {a} (local.get 0) (i32.const 9)))"
            )
            .unwrap();
        }
    }
    writeln!(
        text,
        "(func (param arrayref) (result i32) (array.len (local.get 0)))
         (func (result anyref) (array.new_data $a1 $data (i32.const 0) (i32.const 8)))
         (func (result anyref) (array.new_elem $a8 $elem (i32.const 0) (i32.const 2)))
         (func (param (ref $a1)) (array.init_data $a1 $data (local.get 0) (i32.const 0) (i32.const 8) (i32.const 2)))
         (func (param (ref $a8)) (array.init_elem $a8 $elem (local.get 0) (i32.const 0) (i32.const 1) (i32.const 1)))
         (type $wide (struct {}))
         (func (result anyref) (struct.new_default $wide))
         (func (result anyref) (struct.new $wide {})))",
        "(field i64)".repeat(50),
        "(i64.const 1)".repeat(50),
    )
    .unwrap();
    compile(&text);
}

/// A chain of types, each below the one before; of the last, so many stand above it.
fn chain(length: u32) -> String {
    let mut text = String::from("(type $t0 (sub (struct)))");
    for number in 1..=length {
        write!(text, "(type $t{number} (sub $t{} (struct)))", number - 1).unwrap();
    }
    text
}

#[test]
fn casts_between_all_types() {
    let any =
        ["any", "eq", "i31", "struct", "array", "none", "$t0", "$t3", "$t20", "$final", "$array"];
    let func = ["func", "nofunc", "$leaf", "$open", "$below"];
    let mut text = format!("(module {TYPES} {}", chain(20));
    text.push_str("(type $final (sub final $t2 (struct))) (type $array (array i8))");
    for heaps in [&any[..], &func[..]] {
        let (top, all) = (heaps[0], heaps);
        for from in all {
            let from = format!("(ref null {from})");
            for to in all {
                for to in [format!("(ref null {to})"), format!("(ref {to})")] {
                    writeln!(
                        text,
                        "(func (param {from}) (result i32) (ref.test {to} (local.get 0)))"
                    )
                    .unwrap();
                    // Whether one is below the other, branches are told about types only where it is.
                    let top = format!("(ref null {top})");
                    writeln!(
                        text,
                        "(func (param {top}) (result {top}) (ref.cast {to} (local.get 0)))
                         (func (param {top}) (result {top})
                           (block $l (result {top}) (br_on_cast $l {top} {to} (local.get 0))))
                         (func (param {top}) (result {top})
                           (block $l (result {top}) (br_on_cast_fail $l {top} {to} (local.get 0))))"
                    )
                    .unwrap();
                }
            }
        }
    }
    text.push(')');
    compile(&text);
}

#[test]
fn references_without_types_of_objects() {
    compile(
        r#"(module
          (func (param arrayref) (result i32) (array.len (local.get 0)))
          (func (param anyref) (result i32) (ref.test (ref eq) (local.get 0)))
          (func (param anyref) (result i32) (i31.get_s (ref.cast i31ref (local.get 0))))
          (func (param externref) (result anyref) (any.convert_extern (local.get 0)))
          (func (param anyref) (result externref) (extern.convert_any (local.get 0)))
          (func (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1)))
          (func (param anyref) (result (ref any)) (ref.as_non_null (local.get 0)))
          (func (param anyref) (result i32) (if (result i32) (ref.is_null (local.get 0))
            (then (i32.const 1)) (else (i32.const 2)))))"#,
    );
}

#[test]
fn calls_know_where_references_are() {
    let code = compile(
        r#"(module
          (type $pair (struct (field anyref) (field i32)))
          (import "" "f" (func $f (param anyref) (result anyref)))
          (func (param anyref i32) (local externref funcref i64)
            (local.get 0)
            (i32.const 1)
            (call $f (local.get 0))
            (drop) (drop) (drop))
          (func (result anyref)
            (struct.new $pair (ref.i31 (i32.const 1)) (i32.const 2)))
          (type $long (array (mut anyref)))
          (func (param anyref) (result anyref)
            (array.new_fixed $long 60 (local.get 0) (local.get 0) (local.get 0)
              %)))"#
            .replace('%', &"(ref.null any)".repeat(57))
            .as_str(),
    );
    // Two locals and an operand below.
    assert_eq!(code[0].calls[0].references.len(), 3);
    // The field waits in its slot.
    assert_eq!(code[1].calls[0].references.len(), 1);
    // The local, and sixty in the row.
    assert_eq!(code[2].calls[0].references.len(), 61);
}
