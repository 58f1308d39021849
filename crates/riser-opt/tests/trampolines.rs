//! Trampolines compile for types of all sizes, for all machines.

mod common;

use common::{TRIPLES, check, module, options};
use riser_ops::TypeIdx;
use riser_opt::Compiler;

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
        let compiler = Compiler::for_target(triple, options()).unwrap();
        let mut cx = compiler.new_context();
        for number in 0..module.types.len() as u32 {
            let ty = module.func_type_at(TypeIdx(number)).unwrap();
            let entry = compiler.entry_trampoline(&mut cx, ty).unwrap();
            check(&entry);
            assert_eq!(entry.calls.len(), 1);
            let handlers = &entry.calls[0].handlers;
            assert!(handlers.len() == 1 && handlers[0].tag.is_none());
            let host = compiler.host_trampoline(&mut cx, ty).unwrap();
            check(&host);
            assert_eq!(host.calls.len(), 2);
        }
    }
}
