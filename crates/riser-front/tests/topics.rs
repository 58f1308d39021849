//! What is valid and what is not, topic by topic, with the message that says why.

mod common;

use riser_module::ErrorKind;
use riser_ops::Features;

/// Asserts that the body is valid in a module that has one of everything; `body` is the inside of a `func`.
#[track_caller]
fn valid(body: &str) {
    let module = module(body);
    let bytes = wat::parse_str(&module).expect("the text is well-formed");
    match common::validate(&bytes, Features::ALL) {
        Ok(module) => drop(common::trace(&module)),
        Err(error) => panic!("{body}: {error}"),
    }
    common::wasmparser(&bytes, Features::ALL).expect("wasmparser agrees");
}

/// Asserts that the body is not valid, and why.
#[track_caller]
fn invalid(body: &str, message: &str) {
    let module = module(body);
    let bytes = wat::parse_str(&module).expect("the text is well-formed");
    let error = common::validate(&bytes, Features::ALL).expect_err(body);
    assert_eq!(error.message(), message, "{body}");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{body}");
    assert_eq!(error.func(), Some(riser_ops::FuncIdx(3)), "{body}");
    common::wasmparser(&bytes, Features::ALL).expect_err("wasmparser agrees");
}

fn module(body: &str) -> String {
    format!(
        "(module
          (type $void (func))
          (type $unary (func (param i32) (result i32)))
          (type $pair (func (param i32 i64) (result i32 i64)))
          (rec
            (type $point (sub (struct (field i32) (field $x (mut i32)) (field (mut i8)))))
            (type $point3 (sub $point (struct (field i32) (field (mut i32)) (field (mut i8)) (field i64)))))
          (type $holder (struct (field (ref $point))))
          (type $bytes (array (mut i8)))
          (type $longs (array (mut i64)))
          (type $funcs (array (mut funcref)))
          (type $fixed (array i32))
          (func $void (type $void))
          (func $unary (type $unary) (local.get 0))
          (func $pair (type $pair) (local.get 0) (local.get 1))
          (func $test {body})
          (memory $m32 1) (memory $m64 i64 1)
          (table $t 1 funcref) (table $t64 i64 1 funcref) (table $externs 1 externref)
          (global $const i32 (i32.const 1)) (global $var (mut i64) (i64.const 1))
          (tag $e (param i32)) (tag $e0)
          (elem $elem declare func $void $unary) (elem $passive func $void)
          (elem $expr externref)
          (data $data \"abc\"))"
    )
}

#[test]
fn simple() {
    valid("(result i32) (i32.add (i32.const 1) (i32.clz (i32.const 2)))");
    valid("(result v128) (i8x16.extract_lane_s 15 (v128.const i64x2 1 2)) (i8x16.splat)");
    valid("(result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 2))");
    valid("(drop (select (f64.const 1) (f64.const 2) (i32.const 3)))");
    valid("(drop (select (result funcref) (ref.null func) (ref.null func) (i32.const 3)))");
    valid("unreachable select drop");
    invalid(
        "(drop (i32.add (i32.const 1) (f64.const 2)))",
        "type mismatch: expected i32, found f64",
    );
    invalid("i32.const 1 i32.add drop", "type mismatch: expected i32 but nothing on stack");
    invalid("drop", "type mismatch: expected a value but nothing on stack");
    invalid("i32.const 1", "type mismatch: values remaining on stack at end of block: 1 too many");
    invalid(
        "(drop (select (i32.const 1) (i64.const 2) (i32.const 3)))",
        "type mismatch: expected i32, found i64",
    );
    invalid(
        "(drop (select (ref.null func) (ref.null func) (i32.const 3)))",
        "type mismatch: select without a type needs numbers or vectors",
    );
    invalid(
        "(i32.const 1) (i32.const 2) (i32.const 3) (select (result i32 i32)) drop",
        "invalid result arity",
    );
    invalid(
        "(drop (i64x2.extract_lane 2 (v128.const i64x2 1 2)))",
        "invalid lane index 2: must be below 2",
    );
    invalid(
        "(drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 32 \
           (v128.const i64x2 1 2) (v128.const i64x2 1 2)))",
        "invalid lane index 32: must be below 32",
    );
}

#[test]
fn access() {
    valid("(i32.store offset=4294967295 (i32.const 1) (i32.load (i32.const 2)))");
    valid("(drop (i32.load $m64 offset=4294967296 (i64.const 2)))");
    valid("(drop (v128.load8_lane align=1 15 (i32.const 1) (v128.const i64x2 1 2)))");
    valid("(drop (i64.atomic.rmw16.cmpxchg_u (i32.const 1) (i64.const 2) (i64.const 3)))");
    valid("(drop (memory.atomic.wait32 (i32.const 1) (i32.const 2) (i64.const 3)))");
    valid("(local i32) atomic.fence unreachable i32.load drop");
    invalid("(drop (i32.load (i64.const 1)))", "type mismatch: expected i32, found i64");
    invalid("(drop (i32.load $m64 (i32.const 1)))", "type mismatch: expected i64, found i32");
    invalid("(i64.store (i32.const 1) (i32.const 1))", "type mismatch: expected i64, found i32");
    invalid("(drop (i32.load align=8 (i32.const 1)))", "alignment must not be larger than natural");
    invalid("(drop (i32.atomic.load align=2 (i32.const 1)))", "atomic alignment must be natural");
    invalid(
        "(drop (i32.load offset=4294967296 (i32.const 2)))",
        "offset out of range: 0x100000000 for a 32-bit memory",
    );
    invalid(
        "(drop (v128.load64_lane 2 (i32.const 1) (v128.const i64x2 1 2)))",
        "invalid lane index 2: must be below 2",
    );
    invalid("(drop (i32.load 7 (i32.const 1)))", "unknown memory 7");
}

#[test]
fn locals() {
    valid(
        "(param i32) (local i64 f32) (local.set 1 (i64.const 1)) (drop (local.tee 0 (local.get 0)))",
    );
    valid("(local (ref func)) (local.set 0 (ref.func $void)) (drop (local.get 0))");
    valid("(local (ref func)) (block (local.set 0 (ref.func $void)) (drop (local.get 0)))");
    valid("(global.set $var (i64.const 2)) (drop (global.get $const))");
    invalid("(drop (local.get 7))", "unknown local 7");
    invalid("(param i32) (local.set 0 (i64.const 1))", "type mismatch: expected i32, found i64");
    invalid("(local (ref func)) (drop (local.get 0))", "uninitialized local: 0");
    invalid(
        "(local (ref func)) (block (local.set 0 (ref.func $void))) (drop (local.get 0))",
        "uninitialized local: 0",
    );
    invalid(
        "(local (ref func)) (if (i32.const 1) (then (local.set 0 (ref.func $void))) \
           (else (drop (local.get 0))))",
        "uninitialized local: 0",
    );
    invalid("(drop (global.get 9))", "unknown global 9");
    invalid("(global.set $const (i32.const 1))", "immutable global");
    invalid("(global.set $var (i32.const 1))", "type mismatch: expected i64, found i32");
}

#[test]
fn control() {
    valid("(block (br_if 0 (i32.const 1)) (br 1)) (loop (br 0))");
    valid("(i32.const 1) (loop (param i32) (br_if 0 (i32.const 1)) drop)");
    valid(
        "(result i32) (if (result i32) (i32.const 1) (then (i32.const 2)) (else (return (i32.const 3))))",
    );
    valid("(i32.const 1) (if (param i32) (result i32) (i32.const 1) (then)) drop");
    valid("(block (block (br_table 0 1 2 (i32.const 1))))");
    valid(
        "(block (result i32) (block (result i64) unreachable (br_table 0 1 1)) unreachable) drop",
    );
    valid("(block (result i32) (unreachable) (i32.add)) drop");
    valid("(drop (br_on_null 0 (ref.func $void)))");
    valid("(drop (block (result (ref func)) (br_on_non_null 0 (ref.null func)) (ref.func $void)))");
    invalid("(br 1)", "unknown label 1");
    invalid("(br_table 0 4 (i32.const 1))", "unknown label 4");
    invalid("(block (result i32))", "type mismatch: expected i32 but nothing on stack");
    invalid("(block (result i32) (i64.const 1)) drop", "type mismatch: expected i32, found i64");
    invalid(
        "(block (i32.const 1))",
        "type mismatch: values remaining on stack at end of block: 1 too many",
    );
    invalid(
        "(if (result i32) (i32.const 1) (then (i32.const 1))) drop",
        "type mismatch: an `if` without `else` must leave what it takes: expected [i32], found []",
    );
    invalid(
        "(block (result i32) (block (br_table 0 1 (i32.const 1) (i32.const 1))) (i32.const 1)) drop",
        "type mismatch: the targets of br_table carry different numbers of operands: \
         expected [i32], found []",
    );
    invalid(
        "unreachable (block (result i32) (i64.const 1) (br_if 0 (i32.const 1))) drop",
        "type mismatch: expected i32, found i64",
    );
    invalid(
        "(return (i32.const 1)) (i32.const 1)",
        "type mismatch: values remaining on stack at end of block: 1 too many",
    );
    invalid(
        "(br_on_non_null 0 (ref.null func))",
        "type mismatch: the label's last type must be a reference",
    );
    invalid(
        "(drop (br_on_null 0 (i32.const 1)))",
        "type mismatch: expected a reference, found i32",
    );
}

#[test]
fn calls() {
    valid("(drop (call $unary (i32.const 1)))");
    valid(
        "(result i32 i64) (call $pair (call_indirect (type $pair) (i32.const 1) (i64.const 1) (i32.const 1)))",
    );
    valid("(drop (call_ref $unary (i32.const 1) (ref.func $unary)))");
    valid("(drop (call_indirect $t64 (type $unary) (i32.const 1) (i64.const 1)))");
    valid("(param i32) (result i32) (return_call $unary (local.get 0))");
    valid("(param i32) (result i32) (return_call_ref $unary (local.get 0) (ref.func $unary))");
    valid("unreachable call_ref $unary drop");
    invalid("(call 99)", "unknown function 99");
    invalid("(drop (call $unary))", "type mismatch: expected i32 but nothing on stack");
    invalid("(drop (call $unary (f32.const 1)))", "type mismatch: expected i32, found f32");
    invalid("(call_indirect 5 (type $void) (i32.const 1))", "unknown table 5");
    invalid(
        "(call_indirect $externs (type $void) (i32.const 1))",
        "type mismatch: indirect call through a table: externref does not match funcref",
    );
    invalid(
        "(return_call $unary (i32.const 1))",
        "type mismatch: the callee's results are not the function's: expected [], found [i32]",
    );
    invalid("(call_ref $point (ref.null $point))", "type mismatch: type 3 is not a function type");
    invalid("(call_ref $void (i32.const 1))", "type mismatch: expected (ref null 0), found i32");
}

#[test]
fn memory() {
    valid(
        "(drop (memory.grow (memory.size))) (memory.fill (i32.const 1) (i32.const 2) (i32.const 3))",
    );
    valid("(memory.copy $m64 $m32 (i64.const 1) (i32.const 2) (i32.const 3))");
    valid("(memory.copy $m64 $m64 (i64.const 1) (i64.const 2) (i64.const 3))");
    valid("(memory.init $m64 $data (i64.const 1) (i32.const 2) (i32.const 3)) (data.drop $data)");
    invalid("(drop (memory.size 9))", "unknown memory 9");
    invalid("(data.drop 9)", "unknown data segment 9");
    invalid(
        "(memory.copy $m64 $m32 (i64.const 1) (i32.const 2) (i64.const 3))",
        "type mismatch: expected i32, found i64",
    );
    invalid(
        "(memory.fill $m64 (i64.const 1) (i32.const 2) (i32.const 3))",
        "type mismatch: expected i64, found i32",
    );
}

#[test]
fn table() {
    valid("(table.set $t (i32.const 1) (table.get $t64 (i64.const 1)))");
    valid("(drop (table.grow $t64 (ref.null func) (i64.const 1))) (drop (table.size $t))");
    valid("(table.copy $t64 $t (i64.const 1) (i32.const 2) (i32.const 3))");
    valid("(table.init $t64 $passive (i64.const 1) (i32.const 2) (i32.const 3)) (elem.drop $elem)");
    valid("(table.fill $externs (i32.const 1) (ref.null extern) (i32.const 3))");
    invalid("(drop (table.size 9))", "unknown table 9");
    invalid("(elem.drop 9)", "unknown elem segment 9");
    invalid(
        "(table.set $t (i32.const 1) (ref.null extern))",
        "type mismatch: expected funcref, found externref",
    );
    invalid(
        "(table.copy $t $externs (i32.const 1) (i32.const 2) (i32.const 3))",
        "type mismatch: table to table: externref does not match funcref",
    );
    invalid(
        "(table.init $t $expr (i32.const 1) (i32.const 2) (i32.const 3))",
        "type mismatch: element segment to table: externref does not match funcref",
    );
}

#[test]
fn gc() {
    valid(
        "(drop (struct.get $point $x (struct.new $point3 (i32.const 1) (i32.const 2) (i32.const 3) (i64.const 4))))",
    );
    valid("(struct.set $point 2 (struct.new_default $point) (i32.const 1))");
    valid("(drop (struct.get_u $point 2 (ref.null none)))");
    valid("(drop (array.new_fixed $longs 2 (i64.const 1) (i64.const 2)))");
    valid(
        "(array.copy $bytes $bytes (array.new_default $bytes (i32.const 1)) (i32.const 0) (ref.null $bytes) (i32.const 0) (i32.const 1))",
    );
    valid(
        "(drop (array.get_s $bytes (array.new_data $bytes $data (i32.const 0) (i32.const 1)) (i32.const 0)))",
    );
    valid(
        "(array.init_elem $funcs $passive (ref.null $funcs) (i32.const 0) (i32.const 0) (i32.const 0))",
    );
    valid("(drop (ref.eq (ref.i31 (i32.const 1)) (ref.null $point)))");
    valid(
        "(drop (block (result (ref $point3)) (br_on_cast 0 (ref null $point) (ref $point3) (ref.null $point)) unreachable))",
    );
    valid(
        "(drop (ref.test (ref $point) (ref.cast anyref (any.convert_extern (ref.null extern)))))",
    );
    valid("unreachable ref.as_non_null any.convert_extern ref.is_null drop");
    valid("unreachable array.new_fixed $longs 10000 drop");
}

#[test]
fn gc_mismatches() {
    invalid("(ref.func 99) drop", "unknown function 99");
    invalid("(ref.func $pair) drop", "undeclared function reference: function 2");
    invalid("(struct.new $holder) drop", "type mismatch: expected (ref 3) but nothing on stack");
    invalid(
        "(struct.new_default $holder) drop",
        "type mismatch: field type (ref 3) is not defaultable",
    );
    invalid("(struct.new $bytes) drop", "type mismatch: type 6 is not a structure type");
    invalid("(struct.get $point 9 (ref.null none)) drop", "unknown field 9");
    invalid("(struct.set $point 0 (ref.null none) (i32.const 1))", "immutable field");
    invalid(
        "(struct.get $point 2 (ref.null none)) drop",
        "type mismatch: the field is packed, which needs a signed or unsigned access",
    );
    invalid(
        "(array.get_s $longs (ref.null none) (i32.const 1)) drop",
        "type mismatch: the field is not packed",
    );
    invalid("(array.set $fixed (ref.null none) (i32.const 1) (i32.const 1))", "immutable array");
    invalid(
        "(array.copy $bytes $longs (ref.null none) (i32.const 0) (ref.null none) (i32.const 0) (i32.const 1))",
        "array types do not match: expected i8, found i64",
    );
    invalid(
        "(array.new_data $funcs $data (i32.const 0) (i32.const 1)) drop",
        "type mismatch: array type is not numeric or vector",
    );
    invalid(
        "(array.new_elem $funcs $expr (i32.const 0) (i32.const 1)) drop",
        "type mismatch: expected funcref, found externref",
    );
    invalid(
        "(drop (ref.cast (ref $point) (ref.null func)))",
        "type mismatch: expected anyref, found funcref",
    );
    invalid(
        "(drop (block (result (ref $point)) (br_on_cast 0 (ref null $point3) (ref $point) (ref.null $point3)) unreachable))",
        "type mismatch: cast: (ref 3) does not match (ref null 4)",
    );
    invalid(
        "(i31.get_s (ref.null $point)) drop",
        "type mismatch: expected i31ref, found (ref null 3)",
    );
    invalid(
        "unreachable ref.as_non_null i32.eqz drop",
        "type mismatch: expected i32, found a reference",
    );
    invalid("(ref.is_null (i32.const 1)) drop", "type mismatch: expected a reference, found i32");
}

#[test]
fn exceptions() {
    valid("(block (result i32) (try_table (catch $e 0)) (throw $e (i32.const 1))) drop");
    valid(
        "(block (result i32 exnref) (try_table (catch_ref $e 0) (catch_all 1)) unreachable) throw_ref",
    );
    valid("(block (result exnref) (try_table (catch_all_ref 0)) unreachable) throw_ref");
    valid("try (result i32) i32.const 1 catch $e catch_all rethrow 0 end drop");
    valid("try try throw $e0 delegate 0 catch_all end");
    invalid("(throw $e)", "type mismatch: expected i32 but nothing on stack");
    invalid("(throw 9)", "unknown tag 9");
    invalid("(throw_ref (ref.null func))", "type mismatch: expected exnref, found funcref");
    invalid(
        "(try_table (catch $e 0))",
        "type mismatch: the label cannot take what the handler passes: expected [], found [i32]",
    );
    invalid("(try_table (catch_all 7))", "unknown label 7");
    invalid("(block (rethrow 0))", "invalid rethrow label: not a `catch`");
    invalid("try delegate 7", "unknown label 7");
    invalid(
        "try (result i32) i32.const 1 catch $e0 end drop",
        "type mismatch: expected i32 but nothing on stack",
    );
}

/// A module with one function of type `[] -> []` and that body.
fn binary(body: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0A".to_vec();
    assert!(body.len() < 100);
    bytes.extend([body.len() as u8 + 2, 1, body.len() as u8]);
    bytes.extend(body);
    bytes
}

#[track_caller]
fn refused(body: &[u8], features: Features, kind: ErrorKind, message: &str) {
    let bytes = binary(body);
    let error = common::validate(&bytes, features).expect_err(message);
    assert_eq!((error.kind(), error.message()), (kind, message));
    common::wasmparser(&bytes, features).expect_err("wasmparser agrees");
}

#[test]
fn the_binary_grammar() {
    use ErrorKind::{LimitExceeded, Malformed};
    let all = Features::ALL;
    common::validate(&binary(&[0, 0x0B]), all).expect("an empty body");
    refused(&[0], all, Malformed, "unexpected end");
    refused(&[0, 0x01], all, Malformed, "unexpected end");
    refused(&[0, 0x41], all, Malformed, "unexpected end");
    refused(
        &[0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x40, 0x1A, 0x0B],
        all,
        Malformed,
        "integer too large",
    );
    refused(
        &[0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x1A, 0x0B],
        all,
        Malformed,
        "integer representation too long",
    );
    refused(&[0, 0xFF, 0x0B], all, Malformed, "illegal opcode 0xff");
    refused(&[0, 0xFC, 0x7F, 0x0B], all, Malformed, "illegal opcode 0xfc 0x7f");
    refused(
        &[0, 0x0B, 0x0B],
        all,
        Malformed,
        "END opcode expected: the body goes on after its last `end`",
    );
    refused(&[0, 0x05, 0x0B], all, Malformed, "END opcode expected: `else` outside of an `if`");
    refused(&[0, 0x07, 0, 0x0B], all, Malformed, "END opcode expected: `catch` outside of a `try`");
    refused(&[0, 0x02, 0x7A, 0x0B, 0x0B], all, Malformed, "malformed value type 0x7a");
    refused(&[0, 0xD0, 0x40, 0x1A, 0x0B], all, Malformed, "malformed heap type 0x40");
    refused(&[0, 0xFE, 0x03, 0x01, 0x0B], all, Malformed, "zero byte expected");
    refused(
        &[0, 0x41, 0, 0x28, 0x80, 0x01, 0, 0x1A, 0x0B],
        all,
        Malformed,
        "malformed memop flags 0x80",
    );
    refused(&[0, 0xFC, 0x09, 0, 0x0B], all, Malformed, "data count section required");
    let many = &[1, 0xD1, 0x86, 0x03, 0x7F, 0x0B];
    refused(many, all, LimitExceeded, "too many locals: 50001, at most 50000 are allowed");
    let more = &[2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7F, 1, 0x7F, 0x0B];
    refused(more, all, Malformed, "too many locals: more than fit 32 bits");
}

#[test]
fn operators_of_features_that_are_off() {
    use ErrorKind::Malformed;
    let mvp = Features::WASM1;
    let gate = |feature: &str| format!("illegal opcode: {feature}");
    refused(
        &[0, 0x41, 0, 0xC0, 0x1A, 0x0B],
        mvp,
        Malformed,
        &gate("i32.extend8_s needs the feature `sign-extension`"),
    );
    refused(
        &[0, 0x08, 0, 0x0B],
        mvp,
        Malformed,
        &gate("throw needs the feature `exceptions` or `legacy-exceptions`"),
    );
    refused(
        &[0, 0x02, 0x70, 0x00, 0x0B, 0x1A, 0x0B],
        mvp,
        Malformed,
        "malformed value type: funcref needs a feature that is off",
    );
    refused(
        &[0, 0x02, 0x00, 0x0B, 0x0B],
        mvp,
        Malformed,
        &gate("a block type by index needs the feature `multi-value`"),
    );
}

#[test]
fn operands_are_limited_however_few_bytes_ask_for_them() {
    // Each `call` takes two bytes and pushes a thousand operands.
    let mut text = String::from("(module (func $f (result");
    text += &" i32".repeat(1000);
    text += ") unreachable) (func";
    text += &" call $f".repeat(8001);
    text += " unreachable))";
    let bytes = wat::parse_str(&text).expect("the text is well-formed");
    let error = common::validate(&bytes, Features::ALL).expect_err("there is a limit");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(error.message(), "too many operands: 8001000, at most 8000000 are allowed");
}
