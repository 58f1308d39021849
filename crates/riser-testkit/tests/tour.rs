//! The tour: one small module walks through every stage by hand, from bytes to a result.
//!
//! `docs/tour.md` tells the story and shows the text that is made here. In that page a line `<!-- tour: NAME -->`
//! stands before each block that this test owns; the test puts the blocks together anew and compares.
//! `BLESS=1 cargo test -p riser-testkit --test tour` rewrites them. `ladder.rs` does the same for one module
//! per feature, in golden files.

mod stages;

use riser::{Engine, Instance, Module, Store};
use riser_module::EntityIdx;
use riser_testkit::golden;
use std::fmt::Write;
use std::path::Path;

/// The sum of the squares from 1 to n.
const SOURCE: &str = r#"(module
  (func $squares (export "squares") (param $n i32) (result i32)
    (local $sum i32)
    (block $done
      (br_if $done (i32.eqz (local.get $n)))
      (loop $next
        (local.set $sum
          (i32.add (local.get $sum) (i32.mul (local.get $n) (local.get $n))))
        (br_if $next
          (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (local.get $sum)))
"#;

/// Names of the section ids.
const SECTIONS: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

/// Bytes in rows of sixteen, the first with a remark.
fn hex(text: &mut String, bytes: &[u8], start: usize, remark: &str) {
    for (i, row) in bytes.chunks(16).enumerate() {
        let digits: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let remark = if i == 0 { remark } else { "" };
        let line = format!("{:#06x}: {:<48}{remark}", start + 16 * i, digits.join(" "));
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
}

/// Stage 1: the binary, section by section.
fn binary(bytes: &[u8], module: &riser_module::Module) -> String {
    let mut text = String::new();
    hex(&mut text, &bytes[..8], 0, "magic number, version");
    let mut at = 8;
    for section in &module.sections {
        let name = SECTIONS[usize::from(section.id)];
        hex(&mut text, &bytes[at..section.range.end], at, name);
        at = section.range.end;
    }
    assert_eq!(at, bytes.len(), "sections fill the module");
    text
}

/// Stage 2: what decoding made of it.
fn decoded(module: &riser_module::Module) -> String {
    let mut text = String::new();
    for (i, ty) in module.types.iter().enumerate() {
        writeln!(text, "types[{i}]    {}", ty.ty.composite.as_func().expect("a function type"))
            .unwrap();
    }
    for (i, ty) in module.funcs.iter().enumerate() {
        writeln!(text, "funcs[{i}]    has type {ty}").unwrap();
    }
    for (i, export) in module.exports.iter().enumerate() {
        let EntityIdx::Func(func) = export.item else { panic!("only functions are exported") };
        writeln!(text, "exports[{i}]  \"{}\" is func {func}", export.name).unwrap();
    }
    for (i, body) in module.bodies.iter().enumerate() {
        writeln!(text, "bodies[{i}]   bytes {:#x}..{:#x}", body.start, body.end).unwrap();
    }
    for (i, custom) in module.customs.iter().enumerate() {
        let range = &custom.range;
        writeln!(
            text,
            "customs[{i}]  \"{}\", bytes {:#x}..{:#x}",
            custom.name, range.start, range.end
        )
        .unwrap();
    }
    text
}

/// Stage 4: the interpreter's code, and that it is made late.
fn lowered(module: &std::sync::Arc<riser_module::Module>) -> String {
    let interp = stages::interpreted(module);
    assert_eq!(interp.code_bytes(), 0, "nothing is lowered before a call");
    interp.lower(0);
    let bytes = interp.code_bytes();
    assert!(bytes <= 8 * module.bodies[0].len() as usize, "{bytes} bytes of code");
    interp.disassemble(0)
}

/// Stages 5 to 7: instance, call, result.
fn run(bytes: &[u8]) -> riser::Result<String> {
    let engine = Engine::default();
    let module = Module::new(&engine, bytes)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let squares = instance.get_typed_func::<i32, i32>(&mut store, "squares")?;
    let mut text = String::new();
    for (n, expected) in [(0, 0), (3, 14), (1000, 333_833_500)] {
        let result = squares.call(&mut store, n)?;
        assert_eq!(result, expected, "squares({n})");
        writeln!(text, "squares({n}) = {result}")?;
    }
    Ok(text)
}

/// Puts the stages' texts into the blocks of the page.
fn fill_in(page: &str, stages: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    let mut left: Vec<&str> = stages.iter().map(|(name, _)| *name).collect();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        let Some(rest) = line.strip_prefix("<!-- tour: ") else { continue };
        let name = rest.strip_suffix(" -->").expect("`<!-- tour: NAME -->`");
        let (_, text) = stages.iter().find(|(n, _)| *n == name).expect("the name of a stage");
        left.retain(|n| *n != name);
        let open = lines.next().expect("a block behind the marker");
        assert!(open.starts_with("```"), "tour.md: a block must follow `{line}`");
        assert!(lines.any(|line| line == "```"), "tour.md: the block behind `{line}` has an end");
        write!(out, "{open}\n{text}```\n").unwrap();
    }
    assert!(left.is_empty(), "tour.md does not show {left:?}");
    out
}

#[test]
fn the_tour_shows_what_every_stage_makes() {
    let bytes = wat::parse_str(SOURCE).expect("the text is well-formed");
    let module = stages::decode(&bytes);
    let stages = [
        ("source", SOURCE.to_string()),
        ("bytes", binary(&bytes, &module)),
        ("module", decoded(&module)),
        ("events", stages::events(&module, 0)),
        ("interpreter", lowered(&module)),
        ("result", run(&bytes).expect("the module runs")),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tour.md");
    let page = std::fs::read_to_string(&path).expect("docs/tour.md");
    golden::check(&path, &fill_in(&page, &stages));
}
