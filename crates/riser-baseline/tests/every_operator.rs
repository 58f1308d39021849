//! Every operator on numbers, vectors and memories compiles, with all options and for all machines that these operators care
//! about, to instructions that such a machine has. What the code computes is tested where it runs.

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use riser_baseline::asm::CpuFeatures;
use riser_baseline::{Budgets, CodeOptions, Compiler};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{AccessOp, Features, SimpleImmediate, SimpleOp, ValType};
use std::fmt::Write;

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

/// Offsets within the guard, at its end, and behind it.
const OFFSETS_32: [u64; 5] = [0, 3, 1 << 16, 1 << 25, u32::MAX as u64];
const OFFSETS_64: [u64; 5] = [0, 3, 8, 1 << 40, u64::MAX];

/// A machine with what every one has, and one with everything.
const MACHINES: [CpuFeatures; 2] = [
    CpuFeatures {
        lzcnt: false,
        bmi1: false,
        bmi2: false,
        popcnt: false,
        sse42: false,
        fma: false,
        avx: false,
    },
    CpuFeatures {
        lzcnt: true,
        bmi1: true,
        bmi2: true,
        popcnt: true,
        sse42: true,
        fma: true,
        avx: true,
    },
];

fn name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        _ => "v128",
    }
}

/// A constant of a type.
fn constant(ty: &str) -> &'static str {
    match ty {
        "i32" => "(i32.const 9) ",
        "i64" => "(i64.const -9) ",
        "f32" => "(f32.const 1.5) ",
        "f64" => "(f64.const -1.5) ",
        _ => "(v128.const i64x2 1 2) ",
    }
}

/// Functions whose parameters are the operands of one operator: operands in slots, in registers, in registers of locals, and
/// constants; and with as many operands below as need all registers.
fn funcs(text: &mut String, params: &[&str], results: &[&str], op: &str) {
    let gets: String = (0..params.len()).map(|i| format!("(local.get {i}) ")).collect();
    let select = |i| format!("(select (local.get {i}) (local.get {i}) (i32.const 1)) ");
    let registers: String = (0..params.len()).map(select).collect();
    let drop = |i| format!("(drop (local.get {i})) ").repeat(4);
    let pinned: String = (0..params.len()).map(drop).collect();
    let constants: String = params.iter().map(|&ty| constant(ty)).collect();
    let below = |ty| format!("(i32.const 0) ({ty}.load (i32.const 0)) ").repeat(12);
    let numbers: String = ["i32", "f32"].into_iter().map(below).collect();
    let below = format!("{numbers} {}", below("v128"));
    let drops = "(drop) (drop) ".repeat(36);
    // Locals that take all registers which functions that call nothing have for them.
    let locals = "(local i64 i64 i64 i64 i64 i64 i64 i64)";
    let first = params.len();
    let busy: String = (first..first + 8).map(drop).map(|text| text.repeat(8)).collect();
    let fewer_drops = "(drop) (drop) ".repeat(24);
    let unused: String = results.iter().map(|_| "(drop) ").collect();
    let (params, results) = (params.join(" "), results.join(" "));
    let bodies = [
        format!("{gets} {op}"),
        format!("{registers} {op}"),
        format!("{pinned} {gets} {op}"),
        format!("{constants} {op}"),
        format!("{below} {registers} {op} {unused} {drops} {gets} {op}"),
        format!("{locals} {busy} {numbers} {registers} {op} {unused} {fewer_drops} {gets} {op}"),
        format!("{locals} {busy} {numbers} {constants} {op} {unused} {fewer_drops} {gets} {op}"),
    ];
    for body in bodies {
        writeln!(text, "(func (param {params}) (result {results}) {body})").unwrap();
    }
}

fn simple_operators(text: &mut String) {
    for row in SimpleOp::ROWS {
        let params: Vec<_> = row.params.iter().map(|&ty| name(ty)).collect();
        let results: Vec<_> = row.results.iter().map(|&ty| name(ty)).collect();
        let shuffle = |lane: fn(u32) -> u32| (0..16).map(|i| format!("{} ", lane(i))).collect();
        let immediates = match row.immediate {
            SimpleImmediate::None => vec![String::new()],
            SimpleImmediate::Lane(lanes) => vec!["0".into(), format!("{}", lanes - 1)],
            SimpleImmediate::Shuffle => vec![
                shuffle(|i| 31 - i),
                shuffle(|i| i * 7 % 32),
                shuffle(|i| i),
                shuffle(|i| i + 5),
                shuffle(|i| i + 16),
            ],
        };
        for immediate in immediates {
            funcs(text, &params, &results, &format!("{} {immediate}", row.mnemonic));
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
                funcs(text, &params, &results, &op);
            }
        }
    }
    funcs(text, &[], &[], "atomic.fence");
}

fn module(memories: &[(&str, &str)], fields: impl Fn(&mut String)) -> Module {
    let mut text = String::from("(module\n");
    memories.iter().for_each(|(ty, _)| writeln!(text, "(memory {ty})").unwrap());
    fields(&mut text);
    text.push(')');
    let bytes = wat::parse_str(&text).expect("the text is well-formed");
    let registry = TypeRegistry::new();
    let limits = ModuleLimits::DEFAULT;
    let module = Module::decode(ModuleBytes::new(bytes), &registry, Features::ALL, &limits);
    let module = module.expect("the module is valid");
    riser_front::validate_bodies(&module).expect("the bodies are valid");
    module
}

/// Compiles everything, and reads it back.
fn compile(module: &Module, options: CodeOptions) {
    for machine in MACHINES {
        compile_with(&Compiler::new(options, machine), machine, module);
    }
}

/// The same with one compiler. The code of all functions.
fn compile_with(compiler: &Compiler, machine: CpuFeatures, module: &Module) -> Vec<Vec<u8>> {
    let mut context = compiler.new_context();
    let mut function = |defined| {
        let artifact = compiler.function(&mut context, module, defined);
        let artifact = artifact.unwrap_or_else(|error| panic!("function {defined}: {error}"));
        let faults: Vec<u32> = artifact.traps.iter().map(|trap| trap.offset).collect();
        check(&artifact.code, &faults, machine);
        artifact.code
    };
    (0..module.bodies.len() as u32).map(&mut function).collect()
}

/// Code is what the machine has, up to the constants that it reads; traps are where instructions are.
fn check(code: &[u8], traps: &[u32], machine: CpuFeatures) {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let mut end = code.len() as u64;
    let mut found = 0;
    while decoder.ip() < end && decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        found += usize::from(traps.contains(&(instruction.ip() as u32)));
        assert!(!instruction.is_invalid(), "at {:x}", instruction.ip());
        if instruction.is_ip_rel_memory_operand() {
            end = end.min(instruction.ip_rel_memory_address());
        } else if (0..instruction.op_count()).any(|op| instruction.op_kind(op) == OpKind::Memory) {
            let bytes = instruction.memory_size().size();
            let may_be_unaligned = bytes < 16 || instruction.mnemonic() == Mnemonic::Movups;
            assert!(may_be_unaligned, "{instruction:?}");
        }
        let is_there = match instruction.mnemonic() {
            Mnemonic::Pcmpgtq => machine.sse42,
            Mnemonic::Popcnt => machine.popcnt,
            Mnemonic::Lzcnt => machine.lzcnt,
            Mnemonic::Tzcnt => machine.bmi1,
            Mnemonic::Shlx | Mnemonic::Shrx | Mnemonic::Sarx | Mnemonic::Rorx => machine.bmi2,
            Mnemonic::Vfmadd213ps | Mnemonic::Vfmadd213pd => machine.fma,
            Mnemonic::Vfnmadd213ps | Mnemonic::Vfnmadd213pd => machine.fma,
            _ => true,
        };
        assert!(is_there, "{instruction:?}");
    }
    assert_eq!(found, traps.len(), "each trap is at an instruction");
}

#[test]
fn every_simple_operator_compiles_to_what_the_machine_has() {
    let module = module(&MEMORIES, simple_operators);
    for canonicalize_nans in [false, true] {
        compile(&module, CodeOptions { canonicalize_nans, ..CodeOptions::default() });
    }
}

#[test]
fn every_access_compiles_with_and_without_guards_and_masks() {
    let module = module(&MEMORIES, accesses);
    for (guards, spectre) in [(true, true), (false, true), (false, false)] {
        compile(&module, CodeOptions { guards, spectre, ..CodeOptions::default() });
    }
}

/// A function that calls nothing, in a loop of which is an operator: with operands in every place where they may be, and others below them that need all registers.
/// Locals want all the registers that there are for them.
fn loops(text: &mut String, params: &[&str], results: &[&str], op: &str) {
    let locals = "(local i32 i32 i32 i32 i64 i64 i64 i64)";
    let first = params.len();
    let busy: String = (first..first + 8).map(|i| format!("(drop (local.get {i})) ")).collect();
    let below = "(i32.load (i32.const 0)) ".repeat(8);
    let place = |place: usize, i: usize| match (place, params[i]) {
        (0, _) => format!("(local.get {i}) "),
        (1, _) => format!("(select (local.get {i}) (local.get {i}) (i32.load (i32.const 0))) "),
        (2, ty) => constant(ty).to_string(),
        (_, "i32") => format!("(local.get {first}) "),
        (_, "i64") => format!("(local.get {}) ", first + 4),
        (_, ty) => format!("({ty}.load (i32.const 0)) "),
    };
    for places in 0..4_usize.pow(params.len() as u32) {
        let operands = (0..params.len()).map(|i| place(places >> (2 * i) & 3, i));
        let operands: String = operands.collect();
        let drops = "(drop) ".repeat(8 + results.len());
        let body = format!("(loop {} {below} {operands} {op} {drops})", busy.repeat(8));
        writeln!(text, "(func (param {}) {locals} {body})", params.join(" ")).unwrap();
    }
}

/// Operators of simple functions: of one byte, but for those that call something.
fn simple_functions(text: &mut String) {
    text.push_str("(global (mut i64) (i64.const 0)) ");
    let is_scalar = |types: &[ValType]| types.iter().all(|&ty| ty != ValType::V128);
    // Others have a prefix.
    let is_byte = |opcode: u32| opcode <= 0xFF;
    for row in SimpleOp::ROWS.iter().filter(|row| is_scalar(row.params) && is_scalar(row.results)) {
        let params: Vec<_> = row.params.iter().map(|&ty| name(ty)).collect();
        let results: Vec<_> = row.results.iter().map(|&ty| name(ty)).collect();
        if is_byte(row.opcode) {
            loops(text, &params, &results, row.mnemonic);
        }
    }
    for row in AccessOp::ROWS {
        let (operands, result) = row.signature();
        let is_vector = !is_scalar(operands) || result == Some(ValType::V128);
        if is_vector || !is_byte(row.opcode) {
            continue;
        }
        let operands = operands.iter().map(|&ty| name(ty));
        let params: Vec<_> = ["i32"].into_iter().chain(operands).collect();
        let results: Vec<_> = result.iter().map(|&ty| name(ty)).collect();
        for offset in OFFSETS_32 {
            loops(text, &params, &results, &format!("{} offset={offset}", row.mnemonic));
        }
    }
    for ty in ["i32", "i64", "f32", "f64"] {
        loops(text, &[ty, ty, "i32"], &[ty], "select");
        loops(text, &[ty], &[ty], "local.tee 0");
        loops(text, &[ty], &[], "local.set 0");
        let block = format!("(block (param {ty} i32) (result {ty}) (br_if 0))");
        loops(text, &[ty, "i32"], &[ty], &block);
        let table = format!("(block (param {ty} i32) (result {ty}) (br_table 0 0 0))");
        loops(text, &[ty, "i32"], &[ty], &table);
        let arms = format!("(if (param {ty}) (result {ty}) (then) (else (drop) (local.get 0)))");
        loops(text, &[ty, "i32"], &[ty], &arms);
    }
    loops(text, &["i32"], &[], "(if (then (br 1)))");
    loops(text, &["i32"], &[], "(br_if 0)");
    loops(text, &[], &["i32"], "memory.size");
    loops(text, &[], &["i64"], "global.get 0");
    loops(text, &["i64"], &[], "global.set 0");
}

#[test]
fn three_registers_are_enough_for_operators_of_functions_that_count_in_the_fourth() {
    let module = module(&[("1 2", "i32")], simple_functions);
    let mut counting = 0;
    for machine in MACHINES {
        for (canonicalize_nans, fuel) in [(false, false), (true, true)] {
            let options = CodeOptions { canonicalize_nans, fuel, ..CodeOptions::default() };
            let compiler = Compiler::new(options, machine).counting(Budgets::USUAL);
            // sub $…, %r9d
            let counts = |code: &Vec<u8>| code.windows(3).any(|bytes| bytes == [0x41, 0x81, 0xE9]);
            let codes = compile_with(&compiler, machine, &module);
            counting += codes.iter().filter(|code| counts(code)).count();
        }
    }
    assert_eq!(counting, 4 * module.bodies.len());
}
