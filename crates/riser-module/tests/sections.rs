//! Each section: what is read from it, and how what is wrong with it is called.

mod support;

use riser_module::{
    ConstOp, DataMode, ElementItems, ElementMode, EntityIdx, EntityType, ErrorKind,
};
use riser_ops::{
    DataIdx, Features, FuncIdx, GlobalIdx, MemoryIdx, RefType, TableIdx, TypeIdx, ValType,
};
use support::{decode, decode_wat, decode_with, module, section, vector};

/// `(type (func))`
fn func_type() -> Vec<u8> {
    vector(1, 1, b"\x60\0\0")
}

/// Decoding fails in this way, with a message that contains this.
#[track_caller]
fn rejects(kind: ErrorKind, message: &str, bytes: &[u8]) {
    let error = decode(bytes).map(drop).expect_err(message);
    assert!(error.message().contains(message), "expected {message:?}, found {error}");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.offset() <= bytes.len(), "{error}");
}

#[track_caller]
fn malformed(message: &str, sections: &[Vec<u8>]) {
    rejects(ErrorKind::Malformed, message, &module(sections));
}

#[track_caller]
fn invalid(message: &str, sections: &[Vec<u8>]) {
    rejects(ErrorKind::Invalid, message, &module(sections));
}

/// A text that is translated without validation.
#[track_caller]
fn invalid_wat(message: &str, text: &str) {
    let bytes = wat::parse_str(text).expect("the test's text is well-formed");
    rejects(ErrorKind::Invalid, message, &bytes);
}

#[test]
fn the_header_comes_first() {
    rejects(ErrorKind::Malformed, "unexpected end", b"");
    rejects(ErrorKind::Malformed, "unexpected end", b"\0asm");
    rejects(ErrorKind::Malformed, "magic header not detected", b"msa\0\x01\0\0\0");
    rejects(ErrorKind::NotAModule, "unknown binary version", b"\0asm\x02\0\0\0");
    rejects(ErrorKind::NotAModule, "component", b"\0asm\x0D\0\x01\0");
    rejects(ErrorKind::NotAModule, "text format", b"(module)");
}

#[test]
fn sections_have_an_order_and_a_size() {
    malformed("malformed section id", &[section(14, b"")]);
    malformed("unexpected content after last section", &[vector(2, 0, b""), func_type()]);
    malformed("unexpected content after last section", &[func_type(), func_type()]);
    malformed("section size mismatch", &[section(1, b"\0\0")]);
    malformed("unexpected end", &[section(1, b"\x01")]);
    malformed("length out of bounds", &[b"\x01\x05\0".to_vec()]);
    malformed("integer representation too long", &[b"\x01\x80\x80\x80\x80\x80\0".to_vec()]);
    malformed("malformed UTF-8 encoding", &[section(0, b"\x01\xFF")]);
    let customs =
        module(&[section(0, b"\x01aX"), func_type(), section(0, b"\x01a"), vector(3, 0, b"")]);
    let decoded = decode(&customs).unwrap();
    let names: Vec<&str> = decoded.customs.iter().map(|custom| &*custom.name).collect();
    assert_eq!(names, ["a", "a"]);
    assert_eq!(&decoded.bytes[decoded.customs[0].range.clone()], b"X");
    let ids: Vec<u8> = decoded.sections.iter().map(|section| section.id).collect();
    assert_eq!(ids, [0, 1, 0, 3]);
    assert_eq!(&decoded.bytes[decoded.sections[0].range.clone()], b"\x01aX");
}

#[test]
fn functions_and_bodies_are_as_many() {
    let inconsistent = "function and code section have inconsistent lengths";
    malformed(inconsistent, &[func_type(), vector(3, 1, b"\0")]);
    malformed(inconsistent, &[vector(10, 1, b"\x02\0\x0B")]);
    malformed(inconsistent, &[func_type(), vector(3, 2, b"\0\0"), vector(10, 1, b"\x02\0\x0B")]);
    malformed("empty", &[func_type(), vector(3, 1, b"\0"), vector(10, 1, b"\0")]);
    malformed(
        "length out of bounds",
        &[func_type(), vector(3, 1, b"\0"), vector(10, 1, b"\x03\0\x0B")],
    );
    invalid("unknown type", &[func_type(), vector(3, 1, b"\x01")]);
    let decoded =
        decode(&module(&[func_type(), vector(3, 1, b"\0"), vector(10, 1, b"\x02\0\x0B")]));
    let decoded = decoded.unwrap();
    let body = decoded.body(FuncIdx(0)).unwrap();
    assert_eq!(&decoded.bytes[body.range()], b"\0\x0B");
    assert_eq!(decoded.body(FuncIdx(1)), None);
}

#[test]
fn types_are_checked() {
    malformed("malformed composite type", &[vector(1, 1, b"\x61")]);
    malformed("malformed reference type", &[vector(1, 1, b"\x60\x01\x40\0")]);
    malformed("malformed heap type", &[vector(1, 1, b"\x60\x01\x63\x40\0")]);
    malformed("malformed mutability", &[vector(1, 1, b"\x5E\x7F\x02")]);
    invalid("unknown type 1", &[vector(1, 1, b"\x60\x01\x63\x01\0")]);
    invalid("more than one super type", &[vector(1, 1, b"\x50\x02\0\0\x5F\0")]);
    invalid("unknown type 0", &[vector(1, 1, b"\x50\x01\0\x5F\0")]);
    invalid_wat("which is final", "(module (type $a (struct)) (type (sub $a (struct))))");
    for (sup, sub) in [
        ("(struct (field i32))", "(struct)"),
        ("(struct (field i32))", "(struct (field i64))"),
        ("(struct (field i32))", "(struct (field (mut i32)))"),
        ("(struct (field (mut anyref)))", "(struct (field (mut eqref)))"),
        ("(array i8)", "(array i16)"),
        ("(array i8)", "(struct)"),
        ("(func (param eqref))", "(func (param i31ref))"),
        ("(func (result i31ref))", "(func (result eqref))"),
        ("(func)", "(func (param i32))"),
    ] {
        let text = format!("(module (type $a (sub {sup})) (type (sub $a {sub})))");
        invalid_wat("sub type 1 does not match super type 0", &text);
    }
    decode_wat(
        "(module (type $a (sub (func (param i31ref) (result eqref))))
        (type (sub $a (func (param eqref) (result i31ref)))))",
    );
}

#[test]
fn imports_are_read_and_checked() {
    let decoded = decode_wat(
        r#"(module (type $t (func (param i32)))
            (import "m" "f" (func (type $t))) (import "m" "g" (global (mut i64)))
            (import "n" "t" (table i64 1 2 externref)) (import "n" "m" (memory 3))
            (import "n" "e" (tag (type $t))))"#,
    );
    assert_eq!((&*decoded.imports[2].module, &*decoded.imports[2].name), ("n", "t"));
    assert_eq!(decoded.imports[0].ty, EntityType::Func(TypeIdx(0)));
    let EntityType::Global(global) = decoded.imports[1].ty else { panic!("not a global") };
    assert_eq!((global.ty, global.mutable), (ValType::I64, true));
    let EntityType::Table(table) = decoded.imports[2].ty else { panic!("not a table") };
    assert_eq!((table.element, table.table64), (RefType::EXTERNREF, true));
    assert_eq!((table.limits.min, table.limits.max), (1, Some(2)));
    let imported = decoded.imported;
    assert_eq!((imported.funcs, imported.tables, imported.memories), (1, 1, 1));
    assert_eq!((imported.globals, imported.tags), (1, 1));
    assert!(decoded.is_imported(FuncIdx(0)));

    malformed("malformed import kind", &[vector(2, 1, b"\x01a\x01b\x05")]);
    malformed("malformed limits flags", &[vector(2, 1, b"\x01a\x01b\x02\x10\0")]);
    malformed("malformed limits flags", &[vector(2, 1, b"\x01a\x01b\x01\x70\x08\0")]);
    malformed("malformed mutability", &[vector(2, 1, b"\x01a\x01b\x03\x7F\x02")]);
    malformed("malformed tag attribute", &[func_type(), vector(2, 1, b"\x01a\x01b\x04\x01\0")]);
    malformed("malformed UTF-8 encoding", &[vector(2, 1, b"\x01\x80\x01b\x02\0\0")]);
    invalid("unknown type 0", &[vector(2, 1, b"\x01a\x01b\0\0")]);
    invalid("not a function type", &[vector(1, 1, b"\x5F\0"), vector(2, 1, b"\x01a\x01b\0\0")]);
}

#[test]
fn sizes_are_checked() {
    let memory = |content: &[u8]| vector(5, 1, content);
    invalid("size minimum must not be greater than maximum", &[memory(b"\x01\x02\x01")]);
    invalid("memory size must be at most 65536 pages (4GiB)", &[memory(b"\0\x81\x80\x04")]);
    invalid("memory size must be at most 65536 pages (4GiB)", &[memory(b"\x01\0\x81\x80\x04")]);
    invalid("shared memory must have maximum", &[memory(b"\x02\0")]);
    invalid("invalid custom page size", &[memory(b"\x08\0\x01")]);
    malformed("invalid custom page size", &[memory(b"\x08\0\x40")]);
    invalid("table size must be at most 2^32 - 1", &[vector(4, 1, b"\x70\0\x80\x80\x80\x80\x10")]);
    invalid("size minimum must not be greater than maximum", &[vector(4, 1, b"\x70\x01\x02\x01")]);
    invalid("non-nullable references needs an initialiser", &[vector(4, 1, b"\x64\x70\0\0")]);
    let decoded = decode_wat("(module (memory i64 0x1000000000000) (memory 7 8 (pagesize 1)))");
    assert_eq!(decoded.memories[0].page_size(), 65536);
    assert_eq!(decoded.memories[1].page_size(), 1);
    assert_eq!(decoded.memories[0].index_type(), ValType::I64);
}

#[test]
fn without_their_proposal_there_is_one_table_and_one_memory() {
    let registry = riser_module::TypeRegistry::new();
    for (content, message) in [
        (vector(4, 2, b"\x70\0\0\x70\0\0"), "multiple tables"),
        (vector(5, 2, b"\0\0\0\0"), "multiple memories"),
    ] {
        let bytes = module(&[content]);
        let error = decode_with(&bytes, &registry, Features::WASM1).expect_err(message);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, message));
        assert!(decode(&bytes).is_ok());
    }
}

#[test]
fn exports_are_unique_and_exist() {
    let decoded = decode_wat(
        r#"(module (memory 0) (table 0 funcref) (global i32 (i32.const 0)) (tag) (func) (func)
            (export "" (memory 0)) (export "t" (table 0)) (export "g" (global 0))
            (export "e" (tag 0)) (export "f" (func 1)) (export "f2" (func 1)))"#,
    );
    assert_eq!(decoded.export(""), Some(EntityIdx::Memory(MemoryIdx(0))));
    assert_eq!(decoded.export("g"), Some(EntityIdx::Global(GlobalIdx(0))));
    assert_eq!(decoded.export("f2"), Some(EntityIdx::Func(FuncIdx(1))));
    assert_eq!(decoded.export("x"), None);
    assert!(decoded.declared_funcs.contains(FuncIdx(1)), "exported functions are declared");
    assert!(!decoded.declared_funcs.contains(FuncIdx(0)));

    invalid(
        "duplicate export name \"a\"",
        &[vector(5, 1, b"\0\0"), vector(7, 2, b"\x01a\x02\0\x01a\x02\0")],
    );
    malformed("malformed export kind", &[vector(7, 1, b"\x01a\x05\0")]);
    for (kind, space) in [(0, "function"), (1, "table"), (2, "memory"), (3, "global"), (4, "tag")] {
        invalid(&format!("unknown {space} 0"), &[vector(7, 1, &[1, b'a', kind, 0])]);
    }
}

#[test]
fn the_start_function_takes_and_returns_nothing() {
    assert_eq!(decode_wat("(module (func) (func $s) (start $s))").start, Some(FuncIdx(1)));
    invalid_wat("start function", "(module (func $s (param i32)) (start $s))");
    invalid_wat("start function", "(module (func $s (result i32) i32.const 0) (start $s))");
    invalid("unknown function 0", &[section(8, b"\0")]);
}

#[test]
fn element_segments_of_every_kind_are_read() {
    let decoded = decode_wat(
        "(module (table 4 funcref) (table i64 4 externref) (func $f) (func $g)
            (elem (i32.const 1) $f $g)
            (elem func $g)
            (elem (table 0) (i32.const 1) func $f)
            (elem declare func $f)
            (elem (i32.const 0) funcref (ref.func $g) (ref.null func))
            (elem externref (ref.null extern))
            (elem (table 1) (i64.const 1) externref (ref.null extern))
            (elem declare funcref (ref.func $f)))",
    );
    let kinds = decoded.elements.iter().map(|segment| match segment.mode {
        ElementMode::Active { table, .. } => table.0 as u8,
        ElementMode::Passive => b'p',
        ElementMode::Declared => b'd',
    });
    let kinds: Vec<u8> = kinds.collect();
    assert_eq!(kinds, [0, b'p', 0, b'd', 0, b'p', 1, b'd']);
    let ElementItems::Funcs(funcs) = &decoded.elements[0].items else { panic!("not functions") };
    assert_eq!(**funcs, [FuncIdx(0), FuncIdx(1)]);
    let ElementItems::Exprs(exprs) = &decoded.elements[4].items else { panic!("not expressions") };
    assert_eq!(exprs[0].ops(), [ConstOp::RefFunc(FuncIdx(1))]);
    assert_eq!(decoded.elements[6].ty, RefType::EXTERNREF);
    assert!(decoded.declared_funcs.contains(FuncIdx(0)));

    malformed("malformed elements segment kind", &[vector(9, 1, b"\x08")]);
    malformed("malformed element kind", &[vector(9, 1, b"\x01\x01\0")]);
    invalid("unknown table 0", &[vector(9, 1, b"\0\x41\0\x0B\0")]);
    invalid("unknown function 0", &[vector(9, 1, b"\x01\0\x01\0")]);
    invalid_wat("type mismatch", "(module (table 1 externref) (func $f) (elem (i32.const 0) $f))");
    invalid_wat("type mismatch: expected i32", "(module (table 1 funcref) (elem (i64.const 0)))");
    invalid_wat("type mismatch", "(module (elem externref (ref.null func)))");
}

#[test]
fn data_segments_of_every_kind_are_read() {
    let decoded = decode_wat(
        r#"(module (memory 1) (memory i64 1)
            (data (i32.const 1) "abc") (data "p") (data (memory 1) (i64.const 2) "") (func data.drop 0))"#,
    );
    assert_eq!(decoded.data_bytes(DataIdx(0)), b"abc");
    assert_eq!(decoded.data_bytes(DataIdx(1)), b"p");
    assert_eq!(decoded.data_bytes(DataIdx(9)), b"");
    assert_eq!(decoded.data_count, Some(3));
    let DataMode::Active { memory, offset } = &decoded.data()[2].mode else { panic!("not active") };
    assert_eq!((*memory, offset.ops()), (MemoryIdx(1), &[ConstOp::I64Const(2)][..]));
    assert!(matches!(decoded.data()[1].mode, DataMode::Passive));

    let inconsistent = "data count and data section have inconsistent lengths";
    malformed(inconsistent, &[section(12, b"\x01")]);
    malformed(inconsistent, &[section(12, b"\x01"), vector(11, 2, b"\x01\0\x01\0")]);
    malformed(inconsistent, &[section(12, b"\0"), vector(11, 1, b"\x01\0")]);
    malformed("malformed data segment kind", &[vector(11, 1, b"\x03")]);
    malformed("length out of bounds", &[vector(11, 1, b"\x01\x02a")]);
    invalid("unknown memory 0", &[vector(11, 1, b"\0\x41\0\x0B\0")]);
    invalid_wat("type mismatch: expected i32", "(module (memory 1) (data (i64.const 0)))");
}

#[test]
fn tags_have_no_results() {
    invalid_wat("non-empty tag result type", "(module (tag (result i32)))");
    assert_eq!(*decode_wat("(module (type (func)) (tag (param i32)))").tags, [TypeIdx(1)]);
}

#[test]
fn globals_see_only_what_stands_before_them() {
    let constant = "constant expression required";
    invalid_wat(
        "unknown global 1",
        "(module (global i32 (global.get 1)) (global i32 (i32.const 0)))",
    );
    invalid_wat("unknown global 0", "(module (global i32 (global.get 0)))");
    invalid_wat(constant, "(module (global (mut i32) (i32.const 0)) (global i32 (global.get 0)))");
    invalid_wat(constant, "(module (global i32 (i32.ctz (i32.const 1))))");
    invalid_wat(constant, "(module (global i32 (block (result i32) (i32.const 1))))");
    invalid_wat(constant, "(module (memory 1) (global i32 (i32.load (i32.const 1))))");
    invalid_wat("type mismatch: expected i32, found i64", "(module (global i32 (i64.const 0)))");
    invalid_wat("type mismatch: expected i32, found nothing", "(module (global i32))");
    invalid_wat(
        "type mismatch: several values",
        "(module (global i32 (i32.const 0) (i32.const 0)))",
    );
    invalid_wat("unknown function 0", "(module (global funcref (ref.func 0)))");
    malformed("illegal opcode 0xff", &[vector(6, 1, b"\x7F\0\xFF\x0B")]);
    malformed("unexpected end", &[vector(6, 1, b"\x7F\0\x41\0")]);
    let registry = riser_module::TypeRegistry::new();
    let own =
        wat::parse_str("(module (global i32 (i32.const 0)) (global i32 (global.get 0)))").unwrap();
    assert!(decode(&own).is_ok());
    let error = decode_with(&own, &registry, Features::WASM2).unwrap_err();
    assert!(error.message().contains("not imported"), "{error}");
}

#[test]
fn constant_expressions_are_operators_in_order() {
    let decoded = decode_wat(
        "(module (type $s (struct (field i32) (field f32)))
            (table 3 (ref $s) (struct.new $s (i32.const 1) (f32.const 2)))
            (global v128 (v128.const i64x2 1 2))
            (global i64 (i64.mul (i64.const -1) (i64.const 5)))
            (global anyref (struct.new_default $s)))",
    );
    let init = |global: u32| decoded.globals[global as usize].init.as_ref().unwrap().ops();
    assert_eq!(init(0), [ConstOp::V128Const(2 << 64 | 1)]);
    assert_eq!(init(1), [ConstOp::I64Const(-1), ConstOp::I64Const(5), ConstOp::I64Mul]);
    assert_eq!(init(2), [ConstOp::StructNewDefault(TypeIdx(0))]);
    let table = decoded.tables[TableIdx(0).index()].init.as_ref().unwrap();
    let bits = 2f32.to_bits();
    assert_eq!(
        table.ops(),
        [ConstOp::I32Const(1), ConstOp::F32Const(bits), ConstOp::StructNew(TypeIdx(0))]
    );
    invalid_wat(
        "has no default value",
        "(module (type $s (struct (field (ref any)))) (global anyref (struct.new_default $s)))",
    );
}
