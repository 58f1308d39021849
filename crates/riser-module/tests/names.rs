//! The name section: found when it is good, harmless when it is not.

mod support;

use riser_ops::{
    DataIdx, ElemIdx, FuncIdx, GlobalIdx, LocalIdx, MemoryIdx, TableIdx, TagIdx, TypeIdx,
};
use support::{decode, decode_wat, module, section};

#[test]
fn everything_can_have_a_name() {
    let module = decode_wat(
        r#"(module $m (type $t (struct (field $x i32) (field $y i32)))
            (table $tab 0 funcref) (memory $mem 0) (tag $tag) (global $g i32 (i32.const 0))
            (func) (func $f (param $p i32) (local $l i64) (block $outer (block $inner)))
            (elem $e func) (data $d ""))"#,
    );
    let names = module.names();
    assert_eq!(names.module(), Some("m"));
    assert_eq!((names.func(FuncIdx(0)), names.func(FuncIdx(1))), (None, Some("f")));
    assert_eq!(names.local(FuncIdx(1), LocalIdx(0)), Some("p"));
    assert_eq!(names.local(FuncIdx(1), LocalIdx(1)), Some("l"));
    assert_eq!(names.local(FuncIdx(0), LocalIdx(0)), None);
    assert_eq!(names.label(FuncIdx(1), 1), Some("inner"));
    assert_eq!(names.ty(TypeIdx(0)), Some("t"));
    assert_eq!(names.field(TypeIdx(0), 1), Some("y"));
    assert_eq!(names.table(TableIdx(0)), Some("tab"));
    assert_eq!(names.memory(MemoryIdx(0)), Some("mem"));
    assert_eq!(names.tag(TagIdx(0)), Some("tag"));
    assert_eq!(names.global(GlobalIdx(0)), Some("g"));
    assert_eq!(names.element(ElemIdx(0)), Some("e"));
    assert_eq!(names.data(DataIdx(0)), Some("d"));
    assert_eq!(names.funcs().collect::<Vec<_>>(), [(FuncIdx(1), "f")]);
}

/// The names of a module with this name section.
fn names(content: &[u8]) -> riser_module::Names {
    let custom = section(0, &[b"\x04name", content].concat());
    decode(&module(&[custom])).expect("a name section is never an error").names()
}

#[test]
fn entries_out_of_order_are_found_and_the_first_of_two_counts() {
    let names = names(&section(1, b"\x03\x05\x01b\x02\x01a\x05\x01c"));
    assert_eq!(names.func(FuncIdx(2)), Some("a"));
    assert_eq!(names.func(FuncIdx(5)), Some("b"));
}

#[test]
fn what_is_malformed_is_left_out() {
    let cut = names(&section(1, b"\xFF\xFF\xFF\xFF\x0F\x01\x01a\x02\x09b"));
    assert_eq!((cut.func(FuncIdx(1)), cut.func(FuncIdx(2))), (Some("a"), None));
    let no_utf8 = names(&section(1, b"\x02\x01\x01\xFF\x02\x01b"));
    assert_eq!((no_utf8.func(FuncIdx(1)), no_utf8.func(FuncIdx(2))), (None, Some("b")));
    let unknown = names(&[section(99, b"??"), section(0, b"\x01m")].concat());
    assert_eq!(unknown.module(), Some("m"));
    let too_long = names(&[section(0, b"\x01m"), b"\x01\x7F\x01".to_vec()].concat());
    assert_eq!(too_long.module(), Some("m"));
    let locals = names(&section(2, b"\x02\x01\x02\0\x01a\x01\x09b\x02"));
    assert_eq!(locals.local(FuncIdx(1), LocalIdx(0)), Some("a"));
    assert_eq!(locals.local(FuncIdx(2), LocalIdx(0)), None);
}

#[test]
fn every_truncation_is_harmless() {
    let bytes = wat::parse_str(
        "(module $m (func $f (param $p i32) (block $b)) (type $t (struct (field $x i8))))",
    );
    let decoded = decode(&bytes.unwrap()).unwrap();
    let section = decoded.customs.iter().find(|custom| &*custom.name == "name").unwrap();
    let content = &decoded.bytes[section.range.clone()];
    for len in 0..content.len() {
        let names = names(&content[..len]);
        assert!(names.funcs().count() <= 1);
    }
}
