//! How compile time grows with the size of a body: `growth [SHAPE]` prints milliseconds for bodies of 10 KB, 20 KB, … 640 KB of several
//! shapes, and by how much each step multiplies them.

use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::Features;
use riser_opt::{CodeOptions, Compiler};
use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

/// A shape: its name, and its body as text, of about so many bytes.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 14] = [
    ("straight", straight),
    ("memory", memory),
    ("blocks", |bytes| nested(bytes, "block ", 7)),
    ("loops", |bytes| nested(bytes, "loop ", 7)),
    ("ifs", |bytes| nested(bytes, "local.get 0 if ", 10)),
    ("diamonds", diamonds),
    ("br_table", br_table),
    ("br_tables", br_tables),
    ("locals", locals),
    ("locals and blocks", locals_and_blocks),
    ("calls", |bytes| "call $f ".repeat(bytes / 2)),
    ("calls of references", references),
    ("tries", tries),
    ("returns", |bytes| "local.get 0 if local.get 0 local.set 1 return end ".repeat(bytes / 10)),
];

fn straight(bytes: usize) -> String {
    "local.get 0 local.get 1 i32.add local.get 0 i32.xor local.set 1 ".repeat(bytes / 10)
}

fn memory(bytes: usize) -> String {
    "local.get 0 local.get 1 i32.load offset=8 i32.store local.get 0 i32.load local.set 1 "
        .repeat(bytes / 15)
}

fn nested(bytes: usize, open: &str, each: usize) -> String {
    let count = bytes / each;
    format!("{} {}", open.repeat(count), "local.get 0 br_if 0 end ".repeat(count))
}

fn diamonds(bytes: usize) -> String {
    "local.get 0 if local.get 1 local.set 0 else local.get 0 local.set 1 end ".repeat(bytes / 13)
}

fn br_table(bytes: usize) -> String {
    format!("block block local.get 0 br_table {} end end", "0 1 ".repeat(bytes / 2))
}

fn br_tables(bytes: usize) -> String {
    let one = "block block local.get 0 br_table 0 1 1 1 0 1 end local.get 0 local.set 1 end ";
    one.repeat(bytes / 21)
}

fn locals(bytes: usize) -> String {
    let mut text = String::new();
    for at in 0..bytes / 9 {
        let (from, to) = (at * 7919 % 20_000, at * 104_729 % 20_000);
        write!(text, "local.get {from} local.get 0 i32.add local.set {to} ").expect("memory");
    }
    text
}

fn locals_and_blocks(bytes: usize) -> String {
    let mut text = String::new();
    for at in 0..bytes / 17 {
        let (from, to) = (at * 7919 % 20_000, at * 104_729 % 20_000);
        write!(text, "local.get 0 if local.get {from} local.get 0 i32.add local.set {to} end ")
            .expect("memory");
    }
    text
}

fn references(bytes: usize) -> String {
    "local.get $r call $g local.set $r ".repeat(bytes / 6)
}

fn tries(bytes: usize) -> String {
    let count = bytes / 9;
    format!("{} {}", "try_table (catch $t 0) call $f ".repeat(count), "end ".repeat(count))
}

fn module(body: &str) -> Result<Module, Box<dyn Error>> {
    let locals = "i32 ".repeat(20_000);
    let text = format!(
        "(module (import \"\" \"f\" (func $f)) (import \"\" \"g\" (func $g (param externref) (result externref)))
           (memory 1) (tag $t) (func (param i32 i32) (local {locals}) (local $r externref) {body}))"
    );
    let bytes = ModuleBytes::new(wat::parse_str(text)?);
    let module =
        Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::DEFAULT)?;
    riser_front::validate_bodies(&module)?;
    Ok(module)
}

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1);
    let compiler = Compiler::host(CodeOptions::default())?;
    for (name, body) in SHAPES {
        if wanted.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let mut before = None;
        print!("{name:20}");
        for step in 0..7 {
            let module = module(&body(10_000 << step))?;
            let start = Instant::now();
            let outcome = compiler.function(&mut compiler.new_context(), &module, 0);
            let taken = start.elapsed().as_secs_f64() * 1000.0;
            match (outcome, before.replace(taken)) {
                (Err(error), _) => {
                    print!("  {error}");
                    break;
                }
                (Ok(_), None) => print!("  {taken:.0}"),
                (Ok(_), Some(before)) => print!("  {taken:.0} ({:.1})", taken / before),
            }
        }
        println!();
    }
    Ok(())
}
