//! The table has every operator that `wasmparser` knows of the supported proposals, under the same bytes
//! and with the same immediates.

use riser_ops::{
    AccessKind, Immediate, Operator, SimpleImmediate, StructuralOp, by_byte, by_prefix, is_prefix,
};
use std::collections::BTreeMap;
use wasmparser::{FrameKind, FrameStack};

/// Proposals that Riser does not have.
const UNSUPPORTED: [&str; 5] = [
    "custom_descriptors",
    "memory_control",
    "shared_everything_threads",
    "stack_switching",
    "acquire_release_atomics",
];

macro_rules! names {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $arity:tt)*) => {
        vec![$((stringify!($proposal), stringify!($visit))),*]
    };
}

/// All visitor methods of `wasmparser`: (proposal, method).
fn wasmparser_operators() -> Vec<(&'static str, &'static str)> {
    wasmparser::for_each_operator!(names)
}

/// Operators that `wasmparser` reads but that no module may contain.
const NEVER_VALID: [&str; 1] = ["typed_select_multi"];

#[test]
fn no_operator_is_missing_and_none_is_invented() {
    let ours: BTreeMap<&str, Operator> = Operator::all().map(|op| (op.name(), op)).collect();
    assert_eq!(ours.len(), Operator::all().count(), "names are unique");
    let mut seen = 0;
    for (proposal, visit) in wasmparser_operators() {
        let name = visit.strip_prefix("visit_").unwrap();
        if UNSUPPORTED.contains(&proposal) || NEVER_VALID.contains(&name) {
            continue;
        }
        assert!(ours.contains_key(name), "{name} of {proposal} is missing");
        seen += 1;
    }
    assert_eq!(seen, ours.len());
}

/// A body's expression with `op` alone, its immediates small and well-formed.
fn encode(op: Operator) -> Vec<u8> {
    let mut bytes = Vec::new();
    match op.opcode() {
        byte @ 0..=0xFF => bytes.push(byte as u8),
        opcode => {
            bytes.push((opcode >> 16) as u8);
            let mut sub = opcode & 0xFFFF;
            while sub >= 0x80 {
                bytes.push(sub as u8 | 0x80);
                sub >>= 7;
            }
            bytes.push(sub as u8);
        }
    }
    match op {
        Operator::Simple(op) => match op.row().immediate {
            SimpleImmediate::None => {}
            SimpleImmediate::Lane(_) => bytes.push(0),
            SimpleImmediate::Shuffle => bytes.extend([1; 16]),
        },
        Operator::Access(op) => {
            bytes.extend([op.row().max_align_log2() as u8, 0]);
            if matches!(op.row().kind, AccessKind::LoadLane | AccessKind::StoreLane) {
                bytes.push(0);
            }
        }
        Operator::Structural(op) => {
            for immediate in op.row().immediates {
                bytes.extend(encode_immediate(*immediate));
            }
        }
    }
    bytes
}

fn encode_immediate(immediate: Immediate) -> Vec<u8> {
    match immediate {
        Immediate::BlockType => vec![0x40],
        Immediate::Labels => vec![1, 0, 0],
        Immediate::HeapType => vec![0x70],
        Immediate::ValTypes => vec![1, 0x7F],
        Immediate::F32 => vec![0; 4],
        Immediate::F64 => vec![0; 8],
        Immediate::V128 => vec![0; 16],
        _ => vec![0],
    }
}

#[test]
fn bytes_and_immediates_are_read_alike() {
    for op in Operator::all() {
        let bytes = encode(op);
        let mut reader = wasmparser::BinaryReader::new(&bytes, 0);
        let visited = reader.visit_operator(&mut NameOf(enclosing(op)));
        let name = visited.unwrap_or_else(|e| panic!("{}: {e}", op.mnemonic()));
        assert_eq!(name.strip_prefix("visit_"), Some(op.name()), "{bytes:02x?}");
        assert!(reader.eof(), "{}: bytes are left of {bytes:02x?}", op.mnemonic());
    }
}

/// The block in which the reader accepts `op`.
fn enclosing(op: Operator) -> FrameKind {
    match op {
        Operator::Structural(StructuralOp::Else) => FrameKind::If,
        Operator::Structural(
            StructuralOp::Catch | StructuralOp::CatchAll | StructuralOp::Delegate,
        ) => FrameKind::LegacyTry,
        _ => FrameKind::Block,
    }
}

/// Answers with the name of the method that was called, in a block of the given kind.
struct NameOf(FrameKind);

impl FrameStack for NameOf {
    fn current_frame(&self) -> Option<FrameKind> {
        Some(self.0)
    }
}

macro_rules! name_of {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $arity:tt)*) => {
        $(fn $visit(&mut self $($(, _: $ty)*)?) -> &'static str { stringify!($visit) })*
    };
}

impl<'a> wasmparser::VisitOperator<'a> for NameOf {
    type Output = &'static str;

    fn simd_visitor(
        &mut self,
    ) -> Option<&mut dyn wasmparser::VisitSimdOperator<'a, Output = &'static str>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(name_of);
}

impl wasmparser::VisitSimdOperator<'_> for NameOf {
    wasmparser::for_each_visit_simd_operator!(name_of);
}

#[test]
fn free_opcodes_are_free_in_both() {
    for byte in (0..=255u8).filter(|byte| !is_prefix(*byte) && by_byte(*byte).is_none()) {
        let bytes = [byte, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut reader = wasmparser::BinaryReader::new(&bytes, 0);
        if let Ok(name) = reader.visit_operator(&mut NameOf(FrameKind::Block)) {
            let known = wasmparser_operators().into_iter().find(|row| row.1 == name);
            let proposal = known.map(|row| row.0).unwrap_or_default();
            assert!(UNSUPPORTED.contains(&proposal), "{byte:#x} is {name} of {proposal}");
        }
    }
    assert_eq!(by_prefix(0xFD, 0x9A), None);
    assert_eq!(by_prefix(0xFB, u32::MAX), None);
}
