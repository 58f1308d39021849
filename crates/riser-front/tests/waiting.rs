//! What a function has while it waits in a call, or where a loop begins.

mod common;

use riser_front::Walker;
use riser_module::Module;
use riser_ops::{Features, FuncIdx, ValType};

const TEXT: &str = r#"(module
    (type $pair (func (param i32 i64) (result f32)))
    (table 1 funcref)
    (func $callee (type $pair) (f32.const 0))
    (func (param i32) (local i64 i64) (local f64)
        (f64.const 1)
        (call $callee (local.get 0) (local.get 1))
        (loop (param f32)
            (call_indirect (type $pair) (local.get 0) (local.get 1) (i32.const 0))
            drop drop
            return
            (call $callee (i32.const 1) (i64.const 2)) drop)
        drop))"#;

/// The offset of the n-th byte of this value in the second body.
fn byte(module: &Module, value: u8, nth: usize) -> u32 {
    let range = module.bodies[1].range();
    let mut found = range.filter(|&at| module.bytes[at] == value);
    found.nth(nth).expect("there is one") as u32
}

fn module() -> Module {
    let bytes = wat::parse_str(TEXT).expect("the text is well-formed");
    common::validate(&bytes, Features::ALL).expect("it is valid")
}

#[test]
fn what_a_call_has_taken_is_not_there() {
    let (module, mut walker) = (module(), Walker::new());
    // The index of the callee is 0, and so are other bytes: those of the operators are looked for.
    let call = byte(&module, 0x10, 0);
    let waiting = walker.waiting(&module, FuncIdx(1), call).expect("it is a call");
    assert_eq!(waiting.locals, [(2, ValType::I64), (1, ValType::F64)]);
    assert_eq!(waiting.operands, [ValType::F64]);
    let indirect = byte(&module, 0x11, 0);
    let waiting = walker.waiting(&module, FuncIdx(1), indirect).expect("it is a call");
    assert_eq!(waiting.operands, [ValType::F64, ValType::F32]);
}

#[test]
fn a_loop_has_its_parameters() {
    let (module, mut walker) = (module(), Walker::new());
    let loop_ = byte(&module, 0x03, 0);
    let waiting = walker.waiting(&module, FuncIdx(1), loop_).expect("it is a loop");
    assert_eq!(waiting.operands, [ValType::F64, ValType::F32]);
}

#[test]
fn nothing_waits_where_no_live_call_is() {
    let (module, mut walker) = (module(), Walker::new());
    let dead = byte(&module, 0x10, 1);
    assert!(walker.waiting(&module, FuncIdx(1), dead).is_none());
    let found = (0..module.bytes.len() as u32 + 9)
        .filter(|&offset| walker.waiting(&module, FuncIdx(1), offset).is_some());
    assert_eq!(found.count(), 3);
    assert!(walker.waiting(&module, FuncIdx(7), 0).is_none());
    // The walker is as good as before.
    assert!(walker.validate(&module, FuncIdx(1), &mut riser_front::NullSink).is_ok());
}
