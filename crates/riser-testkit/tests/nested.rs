//! Riser inside Riser: the library, built for `wasm32-unknown-unknown`, compiles modules and runs them.
//!
//! `guests/riser.wasm` is made from `guests/riser` by `cargo xtask guest`; with `RISER_NESTED=FILE` another one is tested.
//! It is given modules and commands as bytes, and answers in text.

use riser::{Engine, Instance, Memory, Module, Result, Store, TypedFunc};
use std::path::Path;

/// A Riser that runs as a guest.
struct Nested {
    store: Store<()>,
    memory: Memory,
    input: TypedFunc<u32, u32>,
    compile: TypedFunc<(), u32>,
    call: TypedFunc<(), u32>,
    output: TypedFunc<(), u32>,
    output_len: TypedFunc<(), u32>,
}

impl Nested {
    fn new() -> Result<Nested> {
        let built = std::env::var_os("RISER_NESTED");
        let file = built.map_or_else(|| root().join("guests/riser.wasm"), Into::into);
        let engine = Engine::default();
        let module = Module::from_file(&engine, file)?;
        // Nothing of the system: the guest has no imports.
        assert_eq!(module.imports().len(), 0);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        Ok(Nested {
            memory: instance.get_memory(&mut store, "memory").expect("its memory"),
            input: instance.get_typed_func(&mut store, "input")?,
            compile: instance.get_typed_func(&mut store, "compile")?,
            call: instance.get_typed_func(&mut store, "call")?,
            output: instance.get_typed_func(&mut store, "output")?,
            output_len: instance.get_typed_func(&mut store, "output_len")?,
            store,
        })
    }

    /// Gives input, calls a function, and gives back its answer.
    fn ask(&mut self, func: TypedFunc<(), u32>, input: &[u8]) -> Result<String, String> {
        let store = &mut self.store;
        let at = self.input.call(&mut *store, input.len() as u32).unwrap();
        self.memory.write(&mut *store, at as usize, input).unwrap();
        let failed = func.call(&mut *store, ()).unwrap();
        let at = self.output.call(&mut *store, ()).unwrap() as usize;
        let len = self.output_len.call(&mut *store, ()).unwrap() as usize;
        let text = self.memory.data(&*store)[at..at + len].to_vec();
        let text = String::from_utf8(text).unwrap();
        if failed == 0 { Ok(text) } else { Err(text) }
    }

    fn compile(&mut self, binary: &[u8]) -> Result<String, String> {
        self.ask(self.compile.clone(), binary)
    }

    fn call(&mut self, line: &str) -> Result<String, String> {
        self.ask(self.call.clone(), line.as_bytes())
    }
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const MODULE: &str = r#"(module
    (import "host" "double" (func $double (param i32) (result i32)))
    (import "host" "back" (func $back))
    (memory (export "memory") 1 4)
    (memory $shared 1 1 shared)
    (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add
                (call $fib (i32.sub (local.get 0) (i32.const 1)))
                (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "quadruple") (param i32) (result i32) (call $double (call $double (local.get 0))))
    (func (export "half") (param f64) (result f64 i64)
        (f64.mul (local.get 0) (f64.const 0.5)) (i64.const -1))
    (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (type $node (struct (field i32) (field (ref null $node)) (field funcref)))
    (type $unary (func (param i32) (result i32)))
    (elem declare func $fib)
    (func (export "list") (param i32) (result i32)
        (local $list (ref null $node)) (local $sum i32)
        (loop (local.set $list
                (struct.new $node (local.get 0) (local.get $list) (ref.func $fib)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (loop (local.set $sum (i32.add (local.get $sum) (call_ref $unary
                (i32.and (struct.get $node 0 (local.get $list)) (i32.const 3))
                (ref.cast (ref $unary) (struct.get $node 2 (local.get $list))))))
            (local.set $list (struct.get $node 1 (local.get $list)))
            (br_if 0 (i32.eqz (ref.is_null (local.get $list)))))
        (local.get $sum))
    (tag $tag (param i32 i64))
    (func $throw (param i32) (throw $tag (local.get 0) (i64.const 3)))
    (func (export "catch") (param i32) (result i32 i64)
        (block $caught (result i32 i64)
            (try_table (catch $tag $caught) (call $throw (local.get 0)))
            unreachable))
    (func (export "throw") (call $throw (i32.const 1)))
    (func $deep (export "deep") (call $deep))
    (func (export "back") (call $back))
    (func (export "wait") (param i64) (result i32)
        (memory.atomic.wait32 $shared (i32.const 0) (i32.const 0) (local.get 0))))"#;

#[test]
fn a_module_runs_in_a_riser_that_is_a_guest() -> Result<()> {
    let mut nested = Nested::new()?;
    assert_eq!(nested.compile(&wat::parse_str(MODULE).unwrap()), Ok(String::new()));
    for (line, expected) in [
        ("fib 15", "610"),
        ("quadruple 10", "40"),
        ("half 3", "1.5 -1"),
        ("divide 7 -2", "-3"),
        ("load 65532", "0"),
        ("grow 3", "1"),
        ("grow 1", "-1"),
        ("load 262140", "0"),
        // Fibonacci numbers of 0 to 3, over and over.
        ("list 20000", "20000"),
        ("catch 7", "7 3"),
        // There is nobody to wait for, and no clock.
        ("wait 0", "2"),
    ] {
        assert_eq!(nested.call(line).as_deref(), Ok(expected), "{line}");
    }
    for (line, expected) in [
        ("divide 7 0", "integer divide by zero"),
        ("load 262141", "out of bounds memory access"),
        ("deep", "call stack exhausted"),
        ("back", "call stack exhausted"),
        ("throw", "a WebAssembly exception was thrown and not caught"),
        ("wait 1000", "atomic wait where threads cannot wait"),
        ("wait -1", "atomic wait where threads cannot wait"),
        ("nothing", "no function `nothing`"),
    ] {
        let error = nested.call(line).expect_err(line);
        assert!(error.contains(expected), "{line}: {error}");
        assert_eq!(nested.call("fib 5").as_deref(), Ok("5"), "after {line}");
    }
    Ok(())
}

#[test]
fn a_guest_gives_errors_for_what_is_no_module() -> Result<()> {
    let mut nested = Nested::new()?;
    let cases: [(&[u8], &str); 3] = [
        (b"(module)", "magic"),
        (b"\0asm\x01\0\0\0\x0a\x01\x01", "code"),
        (&wat::parse_str(r#"(module (import "a" "b" (func)))"#).unwrap(), "unknown import"),
    ];
    for (binary, expected) in cases {
        let error = nested.compile(binary).expect_err(expected);
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(nested.call("fib 5").unwrap_err(), "no module was compiled");
    Ok(())
}

#[test]
fn kernels_give_their_checksums_in_a_guest() -> Result<()> {
    let mut nested = Nested::new()?;
    // Arguments small enough for an interpreter that is interpreted. The checksums are those of Riser on this machine, which
    // `crates/riser-interp` compares with other runtimes.
    let engine = Engine::default();
    for (name, argument) in [("mandelbrot", 12), ("sha256", 1), ("matmul", 8), ("image", 1)] {
        let binary = std::fs::read(root().join(format!("bench/kernels/{name}.wasm")))?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, &binary)?, &[])?;
        let run = instance.get_typed_func::<i32, i64>(&mut store, "run")?;
        let expected = run.call(&mut store, argument)?;
        assert_ne!(expected, 0);
        assert_eq!(nested.compile(&binary), Ok(String::new()));
        assert_eq!(nested.call(&format!("run {argument}")), Ok(expected.to_string()), "{name}");
    }
    Ok(())
}
