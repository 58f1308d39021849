//! Branches, and bodies that ask for more code than they are worth.

mod common;

use common::{compile, module};
use riser_baseline::asm::CpuFeatures;
use riser_baseline::{CodeOptions, Compiler};

#[test]
fn blocks_of_all_shapes_are_compiled() {
    compile(
        "(module (func (param i32) (result i32 i64 f64)
            (block $out (result i32 i64 f64)
                (loop $again (result i64)
                    (br_if $again (i32.eqz (local.get 0)))
                    (br_table $out $out (i32.const 1) (i64.const 2) (f64.const 3) (local.get 0)))
                (drop) (i32.const 4) (i64.const 5) (f64.const 6))))",
    );
}

/// Each `br_if` is two bytes and copies a thousand operands.
#[test]
fn much_code_of_few_bytes_is_an_error() {
    let results = "i64 ".repeat(1000);
    let values = "(i64.const 1) ".repeat(1000);
    let branches = "(br_if 0 (local.get 0)) ".repeat(20_000);
    let text = format!(
        "(module (func (param i32)
            (block (result {results}) (i32.const 0) {values} {branches} (br 0))
            {}))",
        "drop ".repeat(1000)
    );
    let module = module(&text);
    let compiler = Compiler::new(CodeOptions::default(), CpuFeatures::default());
    let error = compiler.function(&mut compiler.new_context(), &module, 0).unwrap_err();
    assert_eq!(error.to_string(), "cannot compile: that much code");
}
