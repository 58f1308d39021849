//! Trampolines compile for types of all sizes, for all machines.

mod common;

use common::{TRIPLES, check, module};
use core::ops::Range;
use riser_code::{CodeArtifact, Position};
use riser_ops::TypeIdx;
use riser_opt::{CodeOptions, Compiler};

/// Where signal handlers take control to be on its way to code: all in one piece, so that no instruction between the look at the mark and code is
/// left out.
fn way_to_code(artifact: &CodeArtifact) -> Range<u32> {
    let positions = &artifact.positions;
    let is_way = |position: &Position| position.wasm == Position::TO_CODE;
    let at = positions.iter().position(is_way).expect("a way to code");
    assert!(!positions[at + 1..].iter().any(is_way), "{positions:?}");
    let end = positions.get(at + 1).map_or(artifact.code.len() as u32, |next| next.offset);
    positions[at].offset..end
}

#[test]
fn types_of_all_sizes() {
    let mut types = String::new();
    for (params, results) in [
        ("", ""),
        ("i32", "i64"),
        ("f32 f64", "f64 f32"),
        ("v128 i32 v128", "v128 i32"),
        ("externref funcref anyref exnref", "exnref anyref funcref externref"),
        ("i32 i32 i32 i32 i32 i32 i32 i32 i32 i32", "i32 i32 i32 i32 i32"),
        ("f32 f32 f32 f32 f32 f32 f32 f32 f32 f32", "f64 f64 v128 f32 f32 externref"),
        ("i32 f32 i64 f64", "i32 f32 i32 f32 i32 f32 i32 f32"),
    ] {
        types += &format!("(type (func (param {params}) (result {results})))");
    }
    for ty in ["i32", "f32", "v128", "externref"] {
        let row = vec![ty; 1000].join(" ");
        types += &format!("(type (func (param {row}) (result {row})))");
    }
    let module = module(&format!("(module {types})"));
    for triple in TRIPLES {
        let compiler = Compiler::for_target(triple, CodeOptions::default()).unwrap();
        let mut cx = compiler.new_context();
        for number in 0..module.types.len() as u32 {
            let ty = module.func_type_at(TypeIdx(number)).unwrap();
            let entry = compiler.entry_trampoline(&mut cx, ty).unwrap();
            check(&entry);
            assert_eq!(entry.calls.len(), 1);
            let handlers = &entry.calls[0].handlers;
            assert!(handlers.len() == 1 && handlers[0].tag.is_none());
            let to_code = way_to_code(&entry);
            assert!(to_code.contains(&(entry.calls[0].offset - 1)), "{triple} {ty:?}");
            let host = compiler.host_trampoline(&mut cx, ty).unwrap();
            check(&host);
            // The host, and what raises and pauses.
            assert_eq!(host.calls.len(), 3);
            assert!(way_to_code(&host).start >= host.calls[0].offset, "{triple} {ty:?}");
        }
    }
}
