//! Emitted code, read back by `iced-x86`: what every test of the emitter compares with what was asked for.
#![allow(dead_code, reason = "each test file uses a part")]

use iced_x86::{Decoder, DecoderOptions, Encoder, Instruction, OpKind, Register};
use riser_baseline::asm::{Asm, Gpr, Mem, Rm, Width, Xmm, XmmRm};

/// Where the decoder is told that the code lies.
pub const BASE: u64 = 0x10_0000;

/// An operand as it should be read back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg {
    R(Register),
    M(Mem),
    /// A place in memory of which so many bytes are used.
    Sized(Mem, usize),
    I(i64),
    /// An immediate, of which so many low bits count: the decoder extends some and others not.
    Low(i64, usize),
}

/// All widths.
pub const WIDTHS: [Width; 4] = [Width::W8, Width::W16, Width::W32, Width::W64];
/// The widths that have registers of their own.
pub const WORDS: [Width; 3] = [Width::W16, Width::W32, Width::W64];
/// The widths of WebAssembly's integers.
pub const LARGE: [Width; 2] = [Width::W32, Width::W64];

pub fn bytes(w: Width) -> usize {
    match w {
        Width::W8 => 1,
        Width::W16 => 2,
        Width::W32 => 4,
        Width::W64 => 8,
    }
}

pub fn gprs() -> impl Iterator<Item = Gpr> {
    (0..16).map(Gpr::new)
}

pub fn xmms() -> impl Iterator<Item = Xmm> {
    (0..16).map(Xmm::new)
}

/// The decoder's name of a register. The names are written out: no arithmetic is shared with the emitter.
pub fn name(w: Width, reg: Gpr) -> Register {
    use Register::*;
    let names = match w {
        Width::W8 => {
            [AL, CL, DL, BL, SPL, BPL, SIL, DIL, R8L, R9L, R10L, R11L, R12L, R13L, R14L, R15L]
        }
        Width::W16 => {
            [AX, CX, DX, BX, SP, BP, SI, DI, R8W, R9W, R10W, R11W, R12W, R13W, R14W, R15W]
        }
        Width::W32 => {
            [EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, R8D, R9D, R10D, R11D, R12D, R13D, R14D, R15D]
        }
        Width::W64 => {
            [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15]
        }
    };
    names[usize::from(reg.number())]
}

pub fn xmm_name(reg: Xmm) -> Register {
    use Register::*;
    [
        XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13,
        XMM14, XMM15,
    ][usize::from(reg.number())]
}

/// A register of a width.
pub fn r(w: Width, reg: Gpr) -> Arg {
    Arg::R(name(w, reg))
}

/// A vector register.
pub fn x(reg: Xmm) -> Arg {
    Arg::R(xmm_name(reg))
}

/// An integer operand of a width.
pub fn rm(w: Width, operand: Rm) -> Arg {
    match operand {
        Rm::Reg(reg) => r(w, reg),
        Rm::Mem(mem) => Arg::Sized(mem, bytes(w)),
    }
}

/// Every base, index, scale, and displacement of every length.
pub fn all_mems() -> Vec<Mem> {
    const DISPS: [i32; 9] = [0, 1, -1, 127, -128, 128, -129, i32::MAX, i32::MIN];
    let plain = gprs().flat_map(|base| DISPS.map(|disp| Mem::at(base, disp)));
    let indexed = gprs().flat_map(|base| {
        gprs().filter(|&index| index != Gpr::RSP).flat_map(move |index| {
            (0..4).flat_map(move |scale| {
                [0, 8, -0x1234].map(|disp| Mem::indexed(base, index, scale, disp))
            })
        })
    });
    plain.chain(indexed).collect()
}

/// Every base and every index, and what is special.
pub fn some_mems() -> Vec<Mem> {
    let plain = gprs().map(|base| Mem::at(base, 0));
    let near = gprs().map(|base| Mem::at(base, -8));
    let far = gprs().map(|base| Mem::at(base, 0x1000));
    let indexed = gprs().filter(|&index| index != Gpr::RSP).map(|index| {
        let base = Gpr::new(index.number() + 5);
        Mem::indexed(base, index, index.number() & 3, 16)
    });
    plain.chain(near).chain(far).chain(indexed).collect()
}

/// All registers, and [`some_mems`].
pub fn some_rms() -> Vec<Rm> {
    gprs().map(Rm::Reg).chain(some_mems().into_iter().map(Rm::Mem)).collect()
}

/// All vector registers, and [`some_mems`].
pub fn some_xmm_rms() -> Vec<XmmRm> {
    xmms().map(XmmRm::Reg).chain(some_mems().into_iter().map(XmmRm::Mem)).collect()
}

/// What one call emits, decoded: exactly one instruction, in a form that is not longer than it needs be.
pub fn one(emit: impl FnOnce(&mut Asm)) -> Instruction {
    let mut asm = Asm::new();
    emit(&mut asm);
    let code = asm.finish().expect("nothing to resolve").bytes.to_vec();
    let mut decoder = Decoder::with_ip(64, &code, BASE, DecoderOptions::NONE);
    let instruction = decoder.decode();
    assert!(!instruction.is_invalid(), "{code:02X?} is no instruction");
    assert_eq!(instruction.len(), code.len(), "{instruction} ends early: {code:02X?}");
    let mut encoder = Encoder::new(64);
    let len = encoder.encode(&instruction, BASE).expect("what was decoded can be encoded");
    assert!(code.len() <= len, "{instruction} could be shorter: {code:02X?}");
    instruction
}

/// Checks that one call emits an instruction with these operands.
pub fn expect(mnemonic: &str, args: &[Arg], emit: impl FnOnce(&mut Asm)) -> Instruction {
    let found = one(emit);
    let name = format!("{:?}", found.mnemonic()).to_lowercase();
    assert_eq!(name, mnemonic, "{found}, wanted {mnemonic} {args:?}");
    assert_eq!(found.op_count() as usize, args.len(), "{found}, wanted {mnemonic} {args:?}");
    for (index, &arg) in args.iter().enumerate() {
        assert!(is(&found, index as u32, arg), "operand {index} of {found} is not {arg:?}");
    }
    found
}

/// Whether an operand is as it should be.
fn is(found: &Instruction, index: u32, arg: Arg) -> bool {
    match arg {
        Arg::R(register) => {
            found.op_kind(index) == OpKind::Register && found.op_register(index) == register
        }
        Arg::M(mem) => found.op_kind(index) == OpKind::Memory && is_mem(found, mem),
        Arg::Sized(mem, bytes) => {
            is(found, index, Arg::M(mem)) && found.memory_size().size() == bytes
        }
        // `shl reg, 1` has an immediate that is not in the bytes; the decoder gives it all the same.
        Arg::I(value) => found.try_immediate(index).is_ok_and(|found| found as i64 == value),
        Arg::Low(value, bits) => {
            found.try_immediate(index).is_ok_and(|found| (found as i64 ^ value) << (64 - bits) == 0)
        }
    }
}

fn is_mem(found: &Instruction, mem: Mem) -> bool {
    let index = mem.index().map_or(Register::None, |(index, _)| name(Width::W64, index));
    let scale = mem.index().map_or(1, |(_, scale)| 1 << scale);
    found.memory_base() == name(Width::W64, mem.base())
        && found.memory_index() == index
        && found.memory_index_scale() == scale
        && found.memory_displacement64() as i64 == i64::from(mem.disp())
        && found.segment_prefix() == Register::None
}
