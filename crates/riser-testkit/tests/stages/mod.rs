//! The stages that a module goes through, each as text: what `tour.rs`, `ladder.rs` and `convention.rs` share.
#![allow(dead_code, reason = "each of them uses a part")]

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter};
use riser_baseline::asm::CpuFeatures;
use riser_code::Position;
use riser_front::{TraceSink, Walker};
use riser_interp::{InterpModule, InterpOptions};
use riser_module::{Module, ModuleBytes, ModuleLimits, TypeRegistry};
use riser_ops::{Features, FuncIdx};
use riser_opt::{CodeOptions, Compiler};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Decodes a module and validates everything but the bodies, with all features.
pub fn decode(bytes: &[u8]) -> Arc<Module> {
    let bytes = ModuleBytes::new(bytes.to_vec());
    let module = Module::decode(bytes, &TypeRegistry::new(), Features::ALL, &ModuleLimits::DEFAULT);
    Arc::new(module.unwrap_or_else(|error| panic!("the module does not decode: {error}")))
}

/// Validates the body of a defined function and gives what a sink hears of it, a line per call.
pub fn events(module: &Module, defined: u32) -> String {
    let func = FuncIdx(module.imported.funcs + defined);
    let mut sink = TraceSink::new(String::new());
    if let Err(error) = Walker::new().validate(module, func, &mut sink) {
        panic!("func {func} is not valid: {error}");
    }
    sink.finish_writing().expect("strings take all text")
}

/// Prepares a validated module for the interpreter. Nothing is lowered yet.
pub fn interpreted(module: &Arc<Module>) -> InterpModule {
    InterpModule::new(module.clone(), InterpOptions::default())
}

/// A compiler for a machine, which has no more than all of its kind.
pub fn compiler(triple: &str) -> Compiler {
    Compiler::for_target(triple, CodeOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The baseline compiler's code of a function, for a processor that has no more than all of its kind: each instruction below the operator
/// that it is of.
pub fn baseline(module: &Module, defined: u32) -> String {
    let compiler = riser_baseline::Compiler::new(CodeOptions::default(), CpuFeatures::default());
    let compiler = compiler.noting_operators();
    let artifact = compiler.function(&mut compiler.new_context(), module, defined);
    let artifact = artifact.unwrap_or_else(|error| panic!("{error}"));
    let events = events(module, defined);
    let operators: HashMap<&str, &str> =
        events.lines().filter_map(|line| line.split_once(": ")).collect();
    let mut formatter = GasFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_uppercase_hex(false);
    let (mut text, mut wasm) = (String::new(), None);
    // What instructions refer to stands behind them.
    let mut data = artifact.code.len() as u64;
    for instruction in Decoder::with_ip(64, &artifact.code, 0, DecoderOptions::NONE) {
        let offset = instruction.ip() as u32;
        if instruction.is_ip_rel_memory_operand() {
            data = data.min(instruction.ip_rel_memory_address());
        }
        if instruction.ip() >= data {
            break;
        }
        let behind = artifact.positions.partition_point(|position| position.offset <= offset);
        let here = behind.checked_sub(1).map(|at| artifact.positions[at].wasm);
        if here != wasm {
            wasm = here;
            let at = here.filter(|&at| at != Position::NONE).map(|at| format!("{at:#07x}"));
            let operator = at.as_deref().and_then(|at| operators.get(at)).copied();
            let at = at.as_deref().unwrap_or("no operator");
            writeln!(text, "{at} {}", operator.unwrap_or_default().trim()).unwrap();
        }
        write!(text, "{offset:6x}:  ").unwrap();
        formatter.format(&instruction, &mut text);
        let trap = artifact.traps.iter().find(|trap| trap.offset == offset);
        let remark = trap.map_or(String::new(), |trap| format!("  # {}", trap.code.message()));
        writeln!(text, "{remark}").unwrap();
    }
    for (row, bytes) in artifact.code[data as usize..].chunks(16).enumerate() {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{:6x}:  {}", data as usize + 16 * row, digits.join(" ")).unwrap();
    }
    text
}
