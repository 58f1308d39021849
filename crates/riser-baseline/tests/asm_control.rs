//! Labels, jumps, jump tables and padding.

mod decode;

use decode::*;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, Register};
use riser_baseline::asm::{Asm, AsmError, Code, Cond, Gpr, Label, Mem, Width};

fn instructions(code: &Code<'_>) -> Vec<Instruction> {
    let bytes = &code.bytes[..code.instruction_bytes as usize];
    Decoder::with_ip(64, bytes, BASE, DecoderOptions::NONE).into_iter().collect()
}

/// Where a jump goes, as an offset.
fn target(instruction: &Instruction) -> u64 {
    instruction.near_branch_target() - BASE
}

/// So many bytes of instructions.
fn fill(asm: &mut Asm, bytes: u32) {
    (0..bytes).for_each(|_| asm.int3());
}

const CONDITIONS: [&str; 16] = [
    "jo", "jno", "jb", "jae", "je", "jne", "jbe", "ja", "js", "jns", "jp", "jnp", "jl", "jge",
    "jle", "jg",
];

#[test]
fn jumps_back_are_short_if_they_can_be() {
    for (between, len) in [(0, 2), (126, 2), (127, 5), (1000, 5)] {
        let mut asm = Asm::new();
        let label = asm.label_here();
        fill(&mut asm, between);
        asm.jmp(label);
        let code = asm.finish().unwrap();
        let jump = instructions(&code)[between as usize];
        assert_eq!((target(&jump), jump.len()), (0, len));
    }
    for (cond, name) in Cond::ALL.into_iter().zip(CONDITIONS) {
        for (between, len) in [(0, 2), (126, 2), (127, 6), (1000, 6)] {
            let mut asm = Asm::new();
            let label = asm.label_here();
            fill(&mut asm, between);
            asm.jcc(cond, label);
            let code = asm.finish().unwrap();
            let jump = instructions(&code)[between as usize];
            assert_eq!((target(&jump), jump.len()), (0, len));
            assert_eq!(format!("{:?}", jump.mnemonic()).to_lowercase(), name);
        }
    }
}

#[test]
fn jumps_ahead_reach_their_label_from_everywhere() {
    for between in [0, 1, 200, 70_000] {
        let mut asm = Asm::new();
        let label = asm.new_label();
        assert!(!asm.is_bound(label));
        asm.jmp(label);
        Cond::ALL.into_iter().for_each(|cond| asm.jcc(cond, label));
        asm.call(label);
        asm.lea_label(Gpr::R10, label);
        fill(&mut asm, between);
        asm.bind(label);
        assert_eq!(asm.label_offset(label), Some(asm.offset()));
        let bound = u64::from(asm.offset());
        asm.ret(0);
        let code = asm.finish().unwrap();
        let found = instructions(&code);
        assert!(found[..18].iter().all(|jump| target(jump) == bound));
        assert_eq!(found[0].mnemonic(), Mnemonic::Jmp);
        for (jump, name) in found[1..17].iter().zip(CONDITIONS) {
            assert_eq!(format!("{:?}", jump.mnemonic()).to_lowercase(), name);
        }
        assert_eq!(found[17].mnemonic(), Mnemonic::Call);
        assert_eq!(found[18].op0_register(), Register::R10);
        assert_eq!(found[18].ip_rel_memory_address() - BASE, bound);
        assert_eq!(found.len(), 19 + between as usize + 1);
    }
}

#[test]
fn short_jumps_ahead() {
    for between in [0, 127] {
        let mut asm = Asm::new();
        let label = asm.new_label();
        asm.jcc_short(Cond::A, label);
        fill(&mut asm, between);
        asm.bind(label);
        let code = asm.finish().unwrap();
        let jump = instructions(&code)[0];
        assert_eq!((jump.len(), target(&jump)), (2, 2 + u64::from(between)));
    }
    let mut asm = Asm::new();
    let label = asm.new_label();
    asm.ud2();
    asm.jmp_short(label);
    fill(&mut asm, 128);
    asm.bind(label);
    assert_eq!(asm.finish().unwrap_err(), AsmError::TooFar(3));
}

/// Checks that what uses a label that is nowhere cannot be finished.
fn refused(emit: impl FnOnce(&mut Asm, Label)) {
    let mut asm = Asm::new();
    let label = asm.new_label();
    emit(&mut asm, label);
    let error = asm.finish().unwrap_err();
    assert_eq!(error, AsmError::Unbound(label));
    assert_eq!(error.to_string(), "label 0 is nowhere");
}

#[test]
fn a_label_that_is_nowhere_is_an_error() {
    refused(|asm, label| asm.jmp(label));
    refused(|asm, label| asm.jcc_short(Cond::E, label));
    refused(|asm, label| asm.lea_label(Gpr::RAX, label));
    refused(|asm, label| {
        asm.jump_table([label]);
    });
    // One that nobody uses may stay there.
    let mut asm = Asm::new();
    asm.new_label();
    assert!(asm.finish().unwrap().bytes.is_empty());
}

#[test]
#[should_panic(expected = "one place")]
fn a_label_is_bound_once() {
    let mut asm = Asm::new();
    let label = asm.label_here();
    asm.bind(label);
}

#[test]
fn jump_tables_hold_distances_from_themselves() {
    let mut asm = Asm::new();
    let ahead = asm.new_label();
    let back = asm.label_here();
    let first = asm.jump_table([back, ahead, back]);
    let none = asm.jump_table([]);
    let second = asm.jump_table([ahead]);
    let constant = asm.const32(5);
    for table in [first, none, second] {
        asm.lea_label(Gpr::RCX, table);
    }
    asm.load_const(riser_baseline::asm::Xmm::XMM0, constant);
    asm.bind(ahead);
    let offset = asm.offset();
    asm.int3();
    let code = asm.finish().unwrap();
    let found = instructions(&code);
    let place = |index: usize| (found[index].ip_rel_memory_address() - BASE) as usize;
    let entry = |table: usize, index: usize| {
        let at = place(table) + 4 * index;
        let distance = i32::from_le_bytes(code.bytes[at..at + 4].try_into().unwrap());
        i64::from(distance) + place(table) as i64
    };
    assert!(place(0) >= code.instruction_bytes as usize && place(0).is_multiple_of(4));
    let entries = [entry(0, 0), entry(0, 1), entry(0, 2), entry(2, 0)];
    assert_eq!(entries, [0, offset.into(), 0, offset.into()]);
    assert_eq!(place(2) - place(0), 12);
    assert_eq!(code.bytes.len(), place(2) + 4);
    assert_eq!(code.bytes[place(3)..place(3) + 4], [5, 0, 0, 0]);
}

#[test]
fn jumps_and_calls_to_addresses() {
    for target in some_rms() {
        expect("jmp", &[rm(Width::W64, target)], |asm| asm.jmp_rm(target));
        expect("call", &[rm(Width::W64, target)], |asm| asm.call_rm(target));
    }
    expect("ret", &[], |asm| asm.ret(0));
    expect("ret", &[Arg::I(0x1238)], |asm| asm.ret(0x1238));
    expect("ud2", &[], Asm::ud2);
    expect("int3", &[], Asm::int3);
}

#[test]
fn padding_does_nothing_and_ends_where_it_should() {
    for align in [1, 2, 16, 32, 64] {
        for before in 0..64 {
            let mut asm = Asm::new();
            fill(&mut asm, before);
            asm.align(align);
            assert_eq!(asm.offset(), before.next_multiple_of(align));
            let code = asm.finish().unwrap();
            assert!(code.align >= align);
            let found = instructions(&code);
            assert!(found[before as usize..].iter().all(|nop| { nop.mnemonic() == Mnemonic::Nop }));
        }
    }
}

#[test]
fn the_buffer_grows_and_is_used_again() {
    let mut asm = Asm::new();
    for round in 0..3 {
        asm.clear();
        let end = asm.new_label();
        for index in 0..10_000 {
            asm.store_imm(Width::W64, Mem::indexed(Gpr::R12, Gpr::R13, 3, 1 << 20), index);
            asm.jmp(end);
        }
        asm.bind(end);
        asm.ret(round);
        let code = asm.finish().unwrap();
        let found = instructions(&code);
        assert_eq!(found.len(), 20_001);
        for (index, pair) in found.chunks_exact(2).enumerate() {
            assert_eq!(pair[0].immediate(1), index as u64);
            assert_eq!(
                target(&pair[1]),
                u64::from(code.instruction_bytes) - found[20_000].len() as u64
            );
        }
    }
}
