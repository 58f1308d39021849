//! Machine code as people read it: each instruction with its offset, below the operator that it is of, with what happens when it
//! faults or when what it calls throws.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction, OpKind};
use riser_code::{CodeArtifact, Position};
use riser_front::{TraceSink, Walker};
use riser_module::Module;
use riser_ops::FuncIdx;

use crate::style::{DIM, NAME, styled};

/// What x86-64 is called in ELF files.
const X86_64: u16 = 62;

/// The instructions of a function for this machine; `None` if its instructions cannot be read.
pub fn listing(module: &Module, func: FuncIdx, artifact: &CodeArtifact) -> Option<String> {
    if riser_sys::ELF_MACHINE != X86_64 {
        return None;
    }
    let operators = operators(module, func);
    let layout = Layout::of(&artifact.code);
    let mut out = String::new();
    let mut formatter = GasFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    formatter.options_mut().set_rip_relative_addresses(true);
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_uppercase_hex(false);
    let mut positions = artifact.positions.iter().peekable();
    let mut wasm = None;
    for piece in &layout.pieces {
        let mut here = wasm;
        while let Some(position) = positions.next_if(|position| position.offset <= piece.offset) {
            here = Some(position.wasm);
        }
        if here != wasm {
            wasm = here;
            heading(&mut out, here.unwrap_or(Position::NONE), &operators);
        }
        let text = match &piece.content {
            Content::Instruction(instruction) => {
                let mut text = String::new();
                formatter.format(instruction, &mut text);
                text
            }
            Content::Target(to) => format!(".long {to:#x}"),
            Content::Data(bytes) => {
                let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
                format!(".byte {}", digits.join(", "))
            }
        };
        let remark = remark(artifact, piece, &layout);
        let remark = if remark.is_empty() { remark } else { styled(DIM, format!("  # {remark}")) };
        let offset = styled(DIM, format!("{:6x}:", piece.offset));
        writeln!(out, "  {offset}  {text}{remark}").ok()?;
    }
    Some(out)
}

/// The line above the code of an operator.
fn heading(out: &mut String, wasm: u32, operators: &HashMap<u32, String>) {
    let line = match (wasm, operators.get(&wasm)) {
        (Position::NONE, _) => styled(DIM, "of no operator"),
        (_, None) => styled(DIM, format!("{wasm:#07x}")),
        (_, Some(text)) => {
            format!("{} {}", styled(DIM, format!("{wasm:#07x}")), styled(NAME, text))
        }
    };
    let _ = writeln!(out, "{line}");
}

/// The text of each operator, by its offset in the module.
fn operators(module: &Module, func: FuncIdx) -> HashMap<u32, String> {
    let mut sink = TraceSink::new(String::new());
    let walked = Walker::new().validate(module, func, &mut sink);
    let text = walked.ok().and_then(|_| sink.finish_writing().ok()).unwrap_or_default();
    let line = |line: &str| {
        let (offset, text) = line.split_once(':')?;
        let offset = u32::from_str_radix(offset.strip_prefix("0x")?, 16).ok()?;
        Some((offset, text.trim().to_string()))
    };
    text.lines().filter_map(line).collect()
}

/// What is said of an instruction beside its text.
fn remark(artifact: &CodeArtifact, piece: &Piece, layout: &Layout) -> String {
    let mut remarks = Vec::new();
    let traps = artifact.traps.binary_search_by_key(&piece.offset, |trap| trap.offset);
    if let Ok(at) = traps {
        remarks.push(format!("traps: {}", artifact.traps[at].code.message()));
    }
    if let Content::Instruction(instruction) = &piece.content {
        let end = piece.offset + instruction.len() as u32;
        if let Ok(at) = artifact.calls.binary_search_by_key(&end, |call| call.offset) {
            let call = &artifact.calls[at];
            let references: Vec<String> =
                call.references.iter().map(|at| format!("{at:#x}(%rsp)")).collect();
            if !references.is_empty() {
                remarks.push(format!("references at {}", references.join(", ")));
            }
            for handler in &call.handlers {
                let what = handler.tag.map_or("exceptions".into(), |tag| format!("tag {tag}"));
                remarks.push(format!("{what} to {:x}", handler.target));
            }
        }
        if instruction.is_ip_rel_memory_operand() {
            remarks.push(format!("{:x}", instruction.ip_rel_memory_address()));
        }
    }
    if layout.targets.contains(&piece.offset) && remarks.is_empty() {
        remarks.push("jumped to".into());
    }
    remarks.join("; ")
}

/// A function's code, taken apart.
#[derive(Default)]
struct Layout {
    pieces: Vec<Piece>,
    /// Where jumps go.
    targets: BTreeSet<u32>,
}

struct Piece {
    offset: u32,
    content: Content,
}

enum Content {
    Instruction(Instruction),
    /// An entry of a table of jumps.
    Target(u32),
    Data(Vec<u8>),
}

impl Layout {
    /// Tables of jumps lie among the instructions, behind the jump that uses them; constants behind all.
    fn of(code: &[u8]) -> Layout {
        let mut layout = Layout::default();
        // Where data begins that some instruction refers to, and whether it is a table.
        let mut data: BTreeMap<u32, bool> = BTreeMap::new();
        let mut at = 0;
        while let Some(rest) = code.get(at as usize..).filter(|rest| !rest.is_empty()) {
            // Constants are aligned.
            if let Some((&next, _)) = data.range(at..).next()
                && code
                    .get(at as usize..next as usize)
                    .is_some_and(|gap| gap.iter().all(|byte| *byte == 0))
            {
                at = next;
            }
            let rest = code.get(at as usize..).unwrap_or(rest);
            match data.get(&at) {
                Some(true) => at = layout.table(code, at),
                Some(false) => return layout.data(rest, at),
                None => {
                    let mut decoder = Decoder::with_ip(64, rest, at.into(), DecoderOptions::NONE);
                    let instruction = decoder.decode();
                    if instruction.is_invalid() {
                        return layout.data(rest, at);
                    }
                    layout.note(&instruction, &mut data);
                    layout
                        .pieces
                        .push(Piece { offset: at, content: Content::Instruction(instruction) });
                    at += instruction.len() as u32;
                }
            }
        }
        layout
    }

    /// Notes what an instruction refers to.
    fn note(&mut self, instruction: &Instruction, data: &mut BTreeMap<u32, bool>) {
        let is_jump = matches!(
            instruction.op0_kind(),
            OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
        );
        if is_jump {
            self.targets.extend(u32::try_from(instruction.near_branch_target()));
        }
        if instruction.is_ip_rel_memory_operand()
            && let Ok(to) = u32::try_from(instruction.ip_rel_memory_address())
        {
            data.insert(to, instruction.mnemonic() == iced_x86::Mnemonic::Lea);
        }
    }

    /// The entries of a table, which are distances from its start, and lead behind it or before: it ends where the nearest jump behind it goes to.
    fn table(&mut self, code: &[u8], start: u32) -> u32 {
        let mut at = start;
        loop {
            let is_end = self.targets.range(start + 1..).next().is_some_and(|next| *next <= at);
            let entry = code.get(at as usize..at as usize + 4).filter(|_| !is_end);
            let Some(entry) = entry.and_then(|bytes| bytes.try_into().ok()) else { return at };
            let to = start.wrapping_add_signed(i32::from_le_bytes(entry));
            if to as usize >= code.len() {
                return at;
            }
            self.targets.insert(to);
            self.pieces.push(Piece { offset: at, content: Content::Target(to) });
            at += 4;
        }
    }

    /// What is left is data.
    fn data(mut self, rest: &[u8], start: u32) -> Layout {
        for (row, bytes) in rest.chunks(16).enumerate() {
            let offset = start + 16 * row as u32;
            self.pieces.push(Piece { offset, content: Content::Data(bytes.to_vec()) });
        }
        self
    }
}
