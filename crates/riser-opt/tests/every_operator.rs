//! Every operator on numbers, vectors, memories and tables compiles: with Cranelift's verifier, for all machines, with
//! all options that these operators care about. What their code computes is tested where it runs.

use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{AccessOp, Features, SimpleImmediate, SimpleOp, ValType};
use riser_opt::{CodeOptions, Compiler};
use std::fmt::Write;

const TRIPLES: [&str; 4] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
];

/// Memories of all kinds: type, type of its addresses.
const MEMORIES: [(&str, &str); 7] = [
    ("1 2", "i32"),
    ("1 2 shared", "i32"),
    ("i64 1 2", "i64"),
    ("i64 1 2 shared", "i64"),
    ("100 1000 (pagesize 1)", "i32"),
    ("0", "i32"),
    ("i64 0", "i64"),
];

/// Tables of all kinds: type, type of its indices, type of its elements.
const TABLES: [(&str, &str, &str); 4] = [
    ("10 funcref", "i32", "funcref"),
    ("10 10 externref", "i32", "externref"),
    ("i64 10 externref", "i64", "externref"),
    ("i64 10 10 funcref", "i64", "funcref"),
];

/// Offsets within the guard, at its end, and behind it.
const OFFSETS_32: [u64; 4] = [0, 1 << 16, 1 << 25, u32::MAX as u64];
const OFFSETS_64: [u64; 4] = [0, 8, 1 << 40, u64::MAX];

fn name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        _ => "v128",
    }
}

/// A function whose parameters are the operands of one operator.
fn func(text: &mut String, params: &[&str], results: &[&str], op: &str) {
    let gets: String = (0..params.len()).map(|i| format!("(local.get {i}) ")).collect();
    let (params, results) = (params.join(" "), results.join(" "));
    writeln!(text, "(func (param {params}) (result {results}) {gets} {op})").unwrap();
}

fn simple_operators(text: &mut String) {
    for row in SimpleOp::ROWS {
        let params: Vec<_> = row.params.iter().map(|&ty| name(ty)).collect();
        let results: Vec<_> = row.results.iter().map(|&ty| name(ty)).collect();
        let immediates = match row.immediate {
            SimpleImmediate::None => vec![String::new()],
            SimpleImmediate::Lane(lanes) => vec!["0".into(), format!("{}", lanes - 1)],
            SimpleImmediate::Shuffle => vec![
                (0..16).map(|i| format!("{} ", 31 - i)).collect(),
                (0..16).map(|i| format!("{} ", i * 7 % 32)).collect(),
            ],
        };
        for immediate in immediates {
            func(text, &params, &results, &format!("{} {immediate}", row.mnemonic));
        }
    }
}

fn accesses(text: &mut String) {
    for (memory, &(_, address)) in MEMORIES.iter().enumerate() {
        for row in AccessOp::ROWS {
            let (operands, result) = row.signature();
            let params = operands.iter().map(|&ty| name(ty));
            let params: Vec<_> = [address].into_iter().chain(params).collect();
            let results: Vec<_> = result.iter().map(|&ty| name(ty)).collect();
            let lane = if row.kind.has_lane() { "1" } else { "" };
            for offset in if address == "i32" { OFFSETS_32 } else { OFFSETS_64 } {
                let op = format!("{} {memory} offset={offset} {lane}", row.mnemonic);
                func(text, &params, &results, &op);
            }
        }
    }
    func(text, &[], &[], "atomic.fence");
}

fn memories(text: &mut String) {
    for (memory, &(_, address)) in MEMORIES.iter().enumerate() {
        func(text, &[], &[address], &format!("memory.size {memory}"));
        func(text, &[address], &[address], &format!("memory.grow {memory}"));
        func(text, &[address, "i32", "i32"], &[], &format!("memory.init {memory} 0"));
        func(text, &[address, "i32", address], &[], &format!("memory.fill {memory}"));
        for len in [0, 1, 2, 3, 5, 8, 15, 16, 17, 40, 128, 129] {
            let op = format!("({address}.const {len}) memory.fill {memory}");
            func(text, &[address, "i32"], &[], &op);
        }
        for (src, &(_, src_address)) in MEMORIES.iter().enumerate() {
            let len = if (address, src_address) == ("i64", "i64") { "i64" } else { "i32" };
            let op = format!("memory.copy {memory} {src}");
            func(text, &[address, src_address, len], &[], &op);
            let op = format!("({len}.const 100) memory.copy {memory} {src}");
            func(text, &[address, src_address], &[], &op);
        }
    }
    func(text, &[], &[], "data.drop 0");
}

fn tables(text: &mut String) {
    for (table, &(_, index, element)) in TABLES.iter().enumerate() {
        func(text, &[index], &[element], &format!("table.get {table}"));
        func(text, &[index, element], &[], &format!("table.set {table}"));
        func(text, &[], &[index], &format!("table.size {table}"));
        func(text, &[element, index], &[index], &format!("table.grow {table}"));
        func(text, &[index, element, index], &[], &format!("table.fill {table}"));
        let elem = format!("${element}");
        func(text, &[index, "i32", "i32"], &[], &format!("table.init {table} {elem}"));
        func(text, &[], &[], &format!("elem.drop {elem}"));
        for (src, &(_, src_index, src_element)) in TABLES.iter().enumerate() {
            if src_element == element {
                let len = if (index, src_index) == ("i64", "i64") { "i64" } else { "i32" };
                func(text, &[index, src_index, len], &[], &format!("table.copy {table} {src}"));
            }
        }
    }
}

fn module(fields: impl Fn(&mut String)) -> Module {
    let mut text = String::from("(module\n");
    MEMORIES.iter().for_each(|(ty, _)| writeln!(text, "(memory {ty})").unwrap());
    TABLES.iter().for_each(|(ty, ..)| writeln!(text, "(table {ty})").unwrap());
    text += "(data \"abc\")\n(elem $funcref funcref)\n(elem $externref externref)\n";
    fields(&mut text);
    text += ")";
    let bytes = wat::parse_str(&text).expect("the text is well-formed");
    let registry = TypeRegistry::new();
    let limits = ModuleLimits::DEFAULT;
    let module = Module::decode(ModuleBytes::new(bytes), &registry, Features::ALL, &limits);
    let module = module.expect("the module is valid");
    riser_front::validate_bodies(&module).expect("the bodies are valid");
    module
}

fn compile(module: &Module, triple: &str, options: CodeOptions) {
    let compiler = Compiler::for_target(triple, options);
    let compiler = compiler.expect("the compiler was built with this target");
    let mut context = compiler.new_context();
    for defined in 0..module.bodies.len() as u32 {
        if let Err(error) = compiler.function(&mut context, module, defined) {
            let clif = compiler.clif(&mut context, module, defined).unwrap_or_default();
            panic!("{triple}: {error}\n{clif}");
        }
    }
}

#[test]
fn every_simple_operator_compiles() {
    let module = module(simple_operators);
    for triple in TRIPLES {
        for canonicalize_nans in [false, true] {
            compile(&module, triple, CodeOptions { canonicalize_nans, ..CodeOptions::default() });
        }
    }
}

#[test]
fn every_access_compiles_with_and_without_guards_and_masks() {
    let module = module(accesses);
    for triple in TRIPLES {
        for (guards, spectre) in [(true, true), (false, true), (false, false)] {
            compile(&module, triple, CodeOptions { guards, spectre, ..CodeOptions::default() });
        }
    }
}

#[test]
fn every_operator_on_whole_memories_and_tables_compiles() {
    let module = module(|text| {
        memories(text);
        tables(text);
    });
    for triple in TRIPLES {
        for spectre in [true, false] {
            compile(&module, triple, CodeOptions { spectre, ..CodeOptions::default() });
        }
    }
}
