//! Every instruction on vector registers, with every register in every place, decoded again.

mod decode;

use decode::*;
use iced_x86::{Decoder, DecoderOptions, OpKind};
use riser_baseline::asm::{
    Asm, Const, FloatCmp, Fma, Gpr, Mem, Rounding, Sse, SseImm, VecShift, Width, Xmm, XmmRm,
};

/// An operand, whatever of it is used.
fn xm(operand: XmmRm) -> Arg {
    match operand {
        XmmRm::Reg(reg) => x(reg),
        XmmRm::Mem(mem) => Arg::M(mem),
        XmmRm::Const(_) => unreachable!("constants are tested on their own"),
    }
}

/// What a row is called for a source: two have other names on registers.
fn mnemonic(op: Sse, src: XmmRm) -> &'static str {
    match (op, src) {
        (Sse::Movlps, XmmRm::Reg(_)) => "movhlps",
        (Sse::Movhps, XmmRm::Reg(_)) => "movlhps",
        _ => op.mnemonic(),
    }
}

#[test]
fn every_row_is_what_it_is_called() {
    for &op in Sse::ALL {
        for dst in xmms() {
            for src in some_xmm_rms() {
                expect(mnemonic(op, src), &[x(dst), xm(src)], |asm| asm.sse(op, dst, src));
            }
        }
    }
}

#[test]
fn every_row_with_an_immediate_is_what_it_is_called() {
    for &op in SseImm::ALL {
        for dst in xmms() {
            for src in some_xmm_rms() {
                for imm in [0, 7, 0xE4] {
                    let args = [x(dst), xm(src), Arg::I(imm)];
                    expect(op.mnemonic(), &args, |asm| asm.sse_imm(op, dst, src, imm as u8));
                }
            }
        }
    }
}

#[test]
fn every_place_in_memory() {
    for mem in all_mems() {
        for reg in [Xmm::XMM0, Xmm::XMM12] {
            expect("addps", &[x(reg), Arg::M(mem)], |asm| asm.sse(Sse::Addps, reg, mem));
            expect("pshufb", &[x(reg), Arg::M(mem)], |asm| asm.sse(Sse::Pshufb, reg, mem));
            let args = [x(reg), x(Xmm::XMM9), Arg::M(mem)];
            expect("vfmadd231pd", &args, |asm| {
                asm.fma(Fma::Vfmadd231pd, reg, Xmm::XMM9, mem);
            });
        }
    }
}

#[test]
fn shifts_by_a_constant() {
    for &op in VecShift::ALL {
        for dst in xmms() {
            for by in [0, 1, 15, 63] {
                let args = [x(dst), Arg::I(by)];
                expect(op.mnemonic(), &args, |asm| asm.sse_shift_imm(op, dst, by as u8));
            }
        }
    }
}

#[test]
fn fused_multiplication_and_addition() {
    for &op in Fma::ALL {
        for a in xmms() {
            for b in xmms() {
                for c in some_xmm_rms() {
                    let args = [x(a), x(b), xm(c)];
                    expect(op.mnemonic(), &args, |asm| asm.fma(op, a, b, c));
                }
            }
        }
    }
}

#[test]
fn no_two_rows_are_the_same() {
    let mut names: Vec<&str> = Sse::ALL.iter().map(|op| op.mnemonic()).collect();
    names.extend(SseImm::ALL.iter().map(|op| op.mnemonic()));
    names.extend(Fma::ALL.iter().map(|op| op.mnemonic()));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn loads_and_stores() {
    for reg in xmms() {
        for mem in some_mems() {
            let (x, f32, f64, v128) =
                (x(reg), Arg::Sized(mem, 4), Arg::Sized(mem, 8), Arg::Sized(mem, 16));
            expect("movss", &[x, f32], |asm| asm.load_f32(reg, mem));
            expect("movsd", &[x, f64], |asm| asm.load_f64(reg, mem));
            expect("movups", &[x, v128], |asm| asm.load_v128(reg, mem));
            expect("movss", &[f32, x], |asm| asm.store_f32(mem, reg));
            expect("movsd", &[f64, x], |asm| asm.store_f64(mem, reg));
            expect("movups", &[v128, x], |asm| asm.store_v128(mem, reg));
            expect("movhps", &[f64, x], |asm| asm.store_high(mem, reg));
        }
        for src in xmms() {
            expect("movaps", &[x(reg), x(src)], |asm| asm.mov_xmm(reg, src));
        }
        expect("xorps", &[x(reg), x(reg)], |asm| asm.zero_xmm(reg));
    }
}

#[test]
fn what_is_read_from_memory_is_no_more_than_is_needed() {
    let mem = Mem::at(Gpr::RAX, 0);
    for (op, bytes) in [
        (Sse::Movss, 4),
        (Sse::Addss, 4),
        (Sse::Ucomisd, 8),
        (Sse::Movq, 8),
        (Sse::Movddup, 8),
        (Sse::Movlps, 8),
        (Sse::Movhps, 8),
        (Sse::Cvtps2pd, 8),
        (Sse::Cvtdq2pd, 8),
        (Sse::Pmovsxbw, 8),
        (Sse::Pmovzxdq, 8),
        (Sse::Addpd, 16),
    ] {
        expect(op.mnemonic(), &[x(Xmm::XMM1), Arg::Sized(mem, bytes)], |asm| {
            asm.sse(op, Xmm::XMM1, mem);
        });
    }
}

#[test]
fn moves_between_both_kinds_of_registers() {
    for (w, name) in [(Width::W32, "movd"), (Width::W64, "movq")] {
        for reg in xmms() {
            for src in some_rms() {
                expect(name, &[x(reg), rm(w, src)], |asm| asm.mov_to_xmm(w, reg, src));
            }
            for dst in gprs() {
                expect(name, &[r(w, dst), x(reg)], |asm| asm.mov_from_xmm(w, dst, reg));
            }
        }
    }
    for dst in gprs() {
        for src in xmms() {
            let args = [r(Width::W32, dst), x(src)];
            expect("movmskps", &args, |asm| asm.movmskps(dst, src));
            expect("movmskpd", &args, |asm| asm.movmskpd(dst, src));
            expect("pmovmskb", &args, |asm| asm.pmovmskb(dst, src));
        }
    }
}

#[test]
fn lanes() {
    use Width::*;
    for (w, seen, insert, extract) in [
        (W8, W32, "pinsrb", "pextrb"),
        (W16, W32, "pinsrw", "pextrw"),
        (W32, W32, "pinsrd", "pextrd"),
        (W64, W64, "pinsrq", "pextrq"),
    ] {
        for reg in xmms() {
            for lane in 0..16 / bytes(w) as i64 {
                for operand in some_rms() {
                    let arg = match operand {
                        riser_baseline::asm::Rm::Reg(operand) => r(seen, operand),
                        riser_baseline::asm::Rm::Mem(_) => rm(w, operand),
                    };
                    expect(insert, &[x(reg), arg, Arg::I(lane)], |asm| {
                        asm.pinsr(w, reg, operand, lane as u8);
                    });
                    expect(extract, &[arg, x(reg), Arg::I(lane)], |asm| {
                        asm.pextr(w, operand, reg, lane as u8);
                    });
                }
            }
        }
    }
}

#[test]
fn conversions_between_integers_and_floats() {
    for w in LARGE {
        for float in xmms() {
            for src in some_rms() {
                let args = [x(float), rm(w, src)];
                expect("cvtsi2ss", &args, |asm| asm.cvtsi2ss(w, float, src));
                expect("cvtsi2sd", &args, |asm| asm.cvtsi2sd(w, float, src));
            }
        }
        for dst in gprs() {
            for src in some_xmm_rms() {
                let args = [r(w, dst), xm(src)];
                expect("cvttss2si", &args, |asm| asm.cvttss2si(w, dst, src));
                expect("cvttsd2si", &args, |asm| asm.cvttsd2si(w, dst, src));
            }
        }
    }
}

#[test]
fn predicates_and_roundings_are_the_machines() {
    use iced_x86::{Formatter, NasmFormatter};
    let names = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"];
    let predicates = [
        FloatCmp::Eq,
        FloatCmp::Lt,
        FloatCmp::Le,
        FloatCmp::Unord,
        FloatCmp::Neq,
        FloatCmp::Nlt,
        FloatCmp::Nle,
        FloatCmp::Ord,
    ];
    for (name, predicate) in names.into_iter().zip(predicates) {
        let found = one(|asm| asm.sse_imm(SseImm::Cmpps, Xmm::XMM1, Xmm::XMM2, predicate as u8));
        let mut text = String::new();
        NasmFormatter::new().format(&found, &mut text);
        assert!(text.starts_with(&format!("cmp{name}ps ")), "{text}");
    }
    // Bits 0 and 1 are the direction, bit 3 keeps quiet about being inexact, bit 2 (the control register decides) is clear.
    let modes = [Rounding::Nearest, Rounding::Floor, Rounding::Ceil, Rounding::Trunc];
    assert_eq!(modes.map(|mode| mode as u8), [8, 9, 10, 11]);
}

/// What an instruction with an operand relative to itself refers to, as an offset from the beginning of the code.
fn refers_to(code: &[u8], index: usize) -> usize {
    let instructions = Decoder::with_ip(64, code, BASE, DecoderOptions::NONE);
    let found = instructions.into_iter().nth(index).expect("there are as many");
    assert!((0..found.op_count()).any(|operand| found.op_kind(operand) == OpKind::Memory));
    assert!(found.is_ip_rel_memory_operand(), "{found}");
    (found.ip_rel_memory_address() - BASE) as usize
}

#[test]
fn a_constant_is_where_its_instructions_say() {
    let mut asm = Asm::new();
    let sixteen = asm.const128(0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100);
    let eight = asm.const64(0x1122_3344_5566_7788);
    let four = asm.const32(0xAABB_CCDD);
    for dst in [Xmm::XMM3, Xmm::XMM11] {
        asm.sse(Sse::Pshufb, dst, sixteen);
        asm.sse(Sse::Addsd, dst, eight);
        asm.sse(Sse::Addss, dst, four);
        // An immediate follows the distance.
        asm.sse_imm(SseImm::Pshufd, dst, sixteen, 0x1B);
        asm.sse_imm(SseImm::Roundsd, dst, eight, Rounding::Floor as u8);
        asm.fma(Fma::Vfmadd213ps, dst, Xmm::XMM9, sixteen);
        asm.cvttsd2si(Width::W64, Gpr::R9, eight);
        asm.load_const(dst, sixteen);
        asm.load_const(dst, eight);
        asm.load_const(dst, four);
    }
    let code = asm.finish().unwrap();
    let wants = [16, 8, 4, 16, 8, 16, 8, 16, 8, 4];
    for (index, want) in wants.into_iter().chain(wants).enumerate() {
        let at = refers_to(code.bytes, index);
        assert!(at >= code.instruction_bytes as usize && at.is_multiple_of(want));
        let bytes = &code.bytes[at..at + want];
        match want {
            16 => assert_eq!(bytes, (0..16).collect::<Vec<u8>>()),
            8 => assert_eq!(bytes, 0x1122_3344_5566_7788_u64.to_le_bytes()),
            _ => assert_eq!(bytes, 0xAABB_CCDD_u32.to_le_bytes()),
        }
    }
    assert_eq!(code.bytes.len() - code.instruction_bytes.next_multiple_of(16) as usize, 28);
}

#[test]
fn a_constant_is_loaded_as_a_whole() {
    for (constant, name, bytes) in [
        (&(|asm: &mut Asm| asm.const128(1)) as &dyn Fn(&mut Asm) -> Const, "movaps", 16),
        (&|asm| asm.const64(1), "movsd", 8),
        (&|asm| asm.const32(1), "movss", 4),
    ] {
        let mut asm = Asm::new();
        let constant = constant(&mut asm);
        assert_eq!(constant.bytes(), bytes);
        asm.load_const(Xmm::XMM5, constant);
        let code = asm.finish().unwrap();
        let found = Decoder::with_ip(64, code.bytes, BASE, 0).decode();
        assert_eq!(format!("{:?}", found.mnemonic()).to_lowercase(), name);
        assert_eq!(found.memory_size().size(), bytes as usize);
    }
}

#[test]
fn constants_are_kept_once() {
    let mut asm = Asm::new();
    let first: Vec<Const> = (0..100).map(|value| asm.const128(value << 60)).collect();
    let same: Vec<Const> = (0..100).map(|value| asm.const128(value << 60)).collect();
    assert_eq!(first, same);
    // Constants of other sizes are others, even if their bits are the same.
    let (eight, four) = (asm.const64(7), asm.const32(7));
    assert_ne!(eight, four);
    assert_eq!((asm.const64(7), asm.const32(7)), (eight, four));
    assert_eq!(asm.finish().unwrap().bytes.len(), 100 * 16 + 8 + 4);
    // Nothing of it is left.
    asm.clear();
    let again = asm.const64(8);
    asm.load_const(Xmm::XMM0, again);
    let code = asm.finish().unwrap();
    let at = refers_to(code.bytes, 0);
    assert_eq!(code.bytes[at..], 8_u64.to_le_bytes());
}

#[test]
fn many_constants_are_all_there_and_cost_no_search() {
    const COUNT: u64 = 200_000;
    let mut asm = Asm::new();
    for value in 0..COUNT {
        let constant = asm.const64(value * value);
        asm.load_const(Xmm::XMM0, constant);
    }
    let code = asm.finish().unwrap();
    let mut decoder = Decoder::with_ip(64, code.bytes, BASE, DecoderOptions::NONE);
    for value in 0..COUNT {
        let at = (decoder.decode().ip_rel_memory_address() - BASE) as usize;
        assert_eq!(code.bytes[at..at + 8], (value * value).to_le_bytes());
    }
}
