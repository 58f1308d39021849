//! Every instruction on integers, with every register in every place, decoded again.

mod decode;

use decode::*;
use iced_x86::Register;
use riser_baseline::asm::{Alu, Asm, Cond, Gpr, Mem, Rm, Shift, Width};

const ALU: [(Alu, &str); 8] = [
    (Alu::Add, "add"),
    (Alu::Or, "or"),
    (Alu::Adc, "adc"),
    (Alu::Sbb, "sbb"),
    (Alu::And, "and"),
    (Alu::Sub, "sub"),
    (Alu::Xor, "xor"),
    (Alu::Cmp, "cmp"),
];

const SHIFT: [(Shift, &str); 5] = [
    (Shift::Rol, "rol"),
    (Shift::Ror, "ror"),
    (Shift::Shl, "shl"),
    (Shift::Shr, "shr"),
    (Shift::Sar, "sar"),
];

const COND: [&str; 16] =
    ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

/// `mnemonic dst, src` with every register as `dst`, and every register and many places in memory as `src`.
fn two(mnemonic: &str, w: Width, emit: impl Fn(&mut Asm, Gpr, Rm)) {
    for dst in gprs() {
        for src in some_rms() {
            expect(mnemonic, &[r(w, dst), rm(w, src)], |asm| emit(asm, dst, src));
        }
    }
}

/// As [`two`], the other way around.
fn two_back(mnemonic: &str, w: Width, emit: impl Fn(&mut Asm, Rm, Gpr)) {
    for src in gprs() {
        for dst in some_rms() {
            expect(mnemonic, &[rm(w, dst), r(w, src)], |asm| emit(asm, dst, src));
        }
    }
}

/// `mnemonic dst` with every register and many places in memory.
fn single(mnemonic: &str, w: Width, emit: impl Fn(&mut Asm, Rm)) {
    for dst in some_rms() {
        expect(mnemonic, &[rm(w, dst)], |asm| emit(asm, dst));
    }
}

/// The values that immediates of a width are tried with.
fn immediates(w: Width) -> Vec<i32> {
    let all = [0, 1, -1, 127, -128, 128, -129, 255, 32767, -32768, 32768, i32::MAX, i32::MIN];
    let fits = |&value: &i32| match w {
        Width::W8 => i8::try_from(value).is_ok(),
        Width::W16 => i16::try_from(value).is_ok(),
        Width::W32 | Width::W64 => true,
    };
    all.into_iter().filter(fits).collect()
}

/// An immediate of a width.
fn imm(w: Width, value: i32) -> Arg {
    Arg::Low(value.into(), 8 * bytes(w))
}

#[test]
fn a_place_in_memory_is_what_it_was_made_of() {
    for base in gprs() {
        for disp in [0, -1, 128, i32::MIN] {
            let mem = Mem::at(base, disp);
            assert_eq!((mem.base(), mem.index(), mem.disp()), (base, None, disp));
            assert_eq!(mem.with_disp(5), Mem::at(base, 5));
            for index in gprs().filter(|&index| index != Gpr::RSP) {
                for scale in 0..4 {
                    let mem = Mem::indexed(base, index, scale, disp);
                    assert_eq!(mem.base(), base);
                    assert_eq!((mem.index(), mem.disp()), (Some((index, scale)), disp));
                    assert_eq!(mem.with_disp(5), Mem::indexed(base, index, scale, 5));
                }
            }
        }
    }
}

#[test]
fn places_in_memory_are_said_as_asked_for() {
    for mem in all_mems() {
        for reg in [Gpr::RAX, Gpr::RSP, Gpr::R13] {
            for w in LARGE {
                expect("mov", &[r(w, reg), rm(w, mem.into())], |asm| asm.load(w, reg, mem));
                expect("lea", &[r(w, reg), Arg::M(mem)], |asm| asm.lea(w, reg, mem));
            }
        }
    }
}

#[test]
fn operations_on_two_operands() {
    for (op, name) in ALU {
        for w in WIDTHS {
            two(name, w, |asm, dst, src| asm.alu(op, w, dst, src));
            for src in gprs() {
                for dst in some_mems() {
                    let args = [rm(w, dst.into()), r(w, src)];
                    expect(name, &args, |asm| asm.alu_store(op, w, dst, src));
                    if op != Alu::Cmp {
                        let found = expect(name, &args, |asm| asm.lock_alu(op, w, dst, src));
                        assert!(found.has_lock_prefix());
                    }
                }
            }
        }
    }
    for w in WIDTHS {
        two_back("test", w, |asm, a, b| asm.test(w, a, b));
        two_back("xchg", w, |asm, a, b| asm.xchg(w, a, b));
    }
    for w in WORDS {
        two("imul", w, |asm, dst, src| asm.imul(w, dst, src));
    }
}

#[test]
fn operations_with_an_immediate() {
    for w in WIDTHS {
        for value in immediates(w) {
            for dst in some_rms() {
                let args = [rm(w, dst), imm(w, value)];
                for (op, name) in ALU {
                    expect(name, &args, |asm| asm.alu_imm(op, w, dst, value));
                }
                let small = matches!(dst, Rm::Reg(_)) && (0..128).contains(&value);
                let seen = if small { Width::W8 } else { w };
                let args = [rm(seen, dst), imm(seen, value)];
                expect("test", &args, |asm| asm.test_imm(w, dst, value));
                if let Rm::Mem(dst) = dst {
                    expect("mov", &[rm(w, dst.into()), imm(w, value)], |asm| {
                        asm.store_imm(w, dst, value);
                    });
                }
            }
        }
    }
}

#[test]
fn an_immediate_is_cut_to_the_width() {
    expect("add", &[r(Width::W8, Gpr::RCX), imm(Width::W8, -2)], |asm| {
        asm.alu_imm(Alu::Add, Width::W8, Gpr::RCX, 0x1FE);
    });
    // 0xFFFE is -2: one byte is enough.
    let found = expect("add", &[r(Width::W16, Gpr::RCX), imm(Width::W16, -2)], |asm| {
        asm.alu_imm(Alu::Add, Width::W16, Gpr::RCX, 0xFFFE);
    });
    assert_eq!(found.len(), 4);
}

#[test]
fn short_forms_are_used() {
    let len = |emit: &dyn Fn(&mut Asm)| one(|asm| emit(asm)).len();
    assert_eq!(len(&|asm| asm.alu_imm(Alu::Add, Width::W32, Gpr::RCX, 127)), 3);
    assert_eq!(len(&|asm| asm.alu_imm(Alu::Add, Width::W32, Gpr::RAX, 128)), 5);
    assert_eq!(len(&|asm| asm.alu_imm(Alu::Add, Width::W32, Gpr::RCX, 128)), 6);
    assert_eq!(len(&|asm| asm.alu_imm(Alu::Cmp, Width::W8, Gpr::RAX, 5)), 2);
    assert_eq!(len(&|asm| asm.test_imm(Width::W32, Gpr::RAX, 1)), 2);
    assert_eq!(len(&|asm| asm.test_imm(Width::W32, Gpr::RCX, 1)), 3);
    assert_eq!(len(&|asm| asm.test_imm(Width::W32, Gpr::RAX, 128)), 5);
    assert_eq!(len(&|asm| asm.imul_imm(Width::W32, Gpr::RAX, Gpr::RCX, -128)), 3);
    assert_eq!(len(&|asm| asm.imul_imm(Width::W32, Gpr::RAX, Gpr::RCX, -129)), 6);
    assert_eq!(len(&|asm| asm.shift_imm(Shift::Shl, Width::W32, Gpr::RCX, 1)), 2);
    assert_eq!(len(&|asm| asm.shift_imm(Shift::Shl, Width::W32, Gpr::RCX, 2)), 3);
    assert_eq!(len(&|asm| asm.mov_imm(Gpr::RCX, 1)), 5);
    assert_eq!(len(&|asm| asm.mov_imm(Gpr::R8, u64::from(u32::MAX))), 6);
    assert_eq!(len(&|asm| asm.mov_imm(Gpr::RCX, u64::MAX)), 7);
    assert_eq!(len(&|asm| asm.mov_imm(Gpr::RCX, 1 << 32)), 10);
    assert_eq!(len(&|asm| asm.zero(Gpr::RCX)), 2);
}

#[test]
fn an_immediate_of_four_bytes_can_be_replaced_later() {
    for w in LARGE {
        for (op, name) in ALU {
            for dst in some_rms() {
                let mut asm = Asm::new();
                asm.ud2();
                let at = asm.alu_imm32(op, w, dst, 0);
                assert_eq!(asm.offset(), at + 4);
                asm.patch_u32(at, 0x8765_4321);
                let code = asm.finish().unwrap().bytes[2..].to_vec();
                let mut decoder = iced_x86::Decoder::with_ip(64, &code, BASE, 0);
                let found = decoder.decode();
                assert_eq!(found.len(), code.len());
                assert_eq!(format!("{:?}", found.mnemonic()).to_lowercase(), name);
                let wanted = if w == Width::W32 { 0x8765_4321 } else { 0xFFFF_FFFF_8765_4321 };
                assert_eq!(found.immediate(1), wanted);
            }
        }
    }
}

#[test]
#[should_panic(expected = "was not written")]
fn what_was_not_written_is_not_replaced() {
    let mut asm = Asm::new();
    asm.ud2();
    asm.patch_u32(0, 1);
}

#[test]
fn operations_on_one_operand() {
    for w in WIDTHS {
        single("mul", w, |asm, rm| asm.mul(w, rm));
        single("imul", w, |asm, rm| asm.imul_wide(w, rm));
        single("div", w, |asm, rm| asm.div(w, rm));
        single("idiv", w, |asm, rm| asm.idiv(w, rm));
        single("neg", w, |asm, rm| asm.neg(w, rm));
        single("not", w, |asm, rm| asm.not(w, rm));
    }
    expect("cwd", &[], |asm| asm.cdq(Width::W16));
    expect("cdq", &[], |asm| asm.cdq(Width::W32));
    expect("cqo", &[], |asm| asm.cdq(Width::W64));
}

#[test]
fn multiplication_by_an_immediate() {
    for w in WORDS {
        for value in immediates(w) {
            for dst in gprs() {
                for src in some_rms() {
                    let args = [r(w, dst), rm(w, src), imm(w, value)];
                    expect("imul", &args, |asm| asm.imul_imm(w, dst, src, value));
                }
            }
        }
    }
}

#[test]
fn shifts_and_rotations() {
    for (op, name) in SHIFT {
        for w in WIDTHS {
            for dst in some_rms() {
                let args = [rm(w, dst), Arg::R(Register::CL)];
                expect(name, &args, |asm| asm.shift_cl(op, w, dst));
                for by in [0, 1, 2, 31, 63] {
                    let args = [rm(w, dst), Arg::I(by)];
                    expect(name, &args, |asm| asm.shift_imm(op, w, dst, by as u8));
                }
            }
        }
    }
    for w in LARGE {
        for dst in gprs() {
            for src in some_rms() {
                for by in gprs() {
                    let args = [r(w, dst), rm(w, src), r(w, by)];
                    for (op, name) in
                        [(Shift::Shl, "shlx"), (Shift::Shr, "shrx"), (Shift::Sar, "sarx")]
                    {
                        expect(name, &args, |asm| asm.shiftx(op, w, dst, src, by));
                    }
                }
                let args = [r(w, dst), rm(w, src), Arg::I(17)];
                expect("rorx", &args, |asm| asm.rorx(w, dst, src, 17));
            }
        }
    }
}

#[test]
fn counting_bits() {
    for w in WORDS {
        two("lzcnt", w, |asm, dst, src| asm.lzcnt(w, dst, src));
        two("tzcnt", w, |asm, dst, src| asm.tzcnt(w, dst, src));
        two("popcnt", w, |asm, dst, src| asm.popcnt(w, dst, src));
        two("bsr", w, |asm, dst, src| asm.bsr(w, dst, src));
        two("bsf", w, |asm, dst, src| asm.bsf(w, dst, src));
    }
}

#[test]
fn conditions() {
    for (cond, name) in Cond::ALL.into_iter().zip(COND) {
        for dst in gprs() {
            expect(&format!("set{name}"), &[r(Width::W8, dst)], |asm| asm.setcc(cond, dst));
        }
        for w in WORDS {
            two(&format!("cmov{name}"), w, |asm, dst, src| asm.cmov(cond, w, dst, src));
        }
    }
}

#[test]
fn moves_between_registers_and_constants() {
    const IMMEDIATES: [u64; 9] = [
        0,
        1,
        0x7FFF_FFFF,
        0x8000_0000,
        0xFFFF_FFFF,
        0x1_0000_0000,
        0xFFFF_FFFF_8000_0000,
        0xFFFF_FFFF_7FFF_FFFF,
        u64::MAX,
    ];
    for dst in gprs() {
        for src in gprs() {
            for (w, seen) in
                WIDTHS.into_iter().zip([Width::W32, Width::W32, Width::W32, Width::W64])
            {
                expect("mov", &[r(seen, dst), r(seen, src)], |asm| asm.mov(w, dst, src));
            }
        }
        for value in IMMEDIATES {
            let w = if value <= u64::from(u32::MAX) { Width::W32 } else { Width::W64 };
            expect("mov", &[r(w, dst), Arg::I(value as i64)], |asm| asm.mov_imm(dst, value));
        }
        expect("xor", &[r(Width::W32, dst), r(Width::W32, dst)], |asm| asm.zero(dst));
        expect("push", &[r(Width::W64, dst)], |asm| asm.push(dst));
        expect("pop", &[r(Width::W64, dst)], |asm| asm.pop(dst));
    }
}

#[test]
fn loads_and_stores() {
    for reg in gprs() {
        for mem in some_mems() {
            let from = |w| rm(w, Rm::Mem(mem));
            use Width::*;
            for (w, to, name) in
                [(W8, W32, "movzx"), (W16, W32, "movzx"), (W32, W32, "mov"), (W64, W64, "mov")]
            {
                expect(name, &[r(to, reg), from(w)], |asm| asm.load(w, reg, mem));
            }
            for (w, to, name) in SIGNED {
                let args = [r(to, reg), from(w)];
                expect(name, &args, |asm| asm.load_signed(w, to, reg, mem));
            }
            for w in WIDTHS {
                expect("mov", &[from(w), r(w, reg)], |asm| asm.store(w, mem, reg));
            }
        }
    }
}

const SIGNED: [(Width, Width, &str); 7] = [
    (Width::W8, Width::W32, "movsx"),
    (Width::W8, Width::W64, "movsx"),
    (Width::W16, Width::W32, "movsx"),
    (Width::W16, Width::W64, "movsx"),
    (Width::W32, Width::W64, "movsxd"),
    (Width::W32, Width::W32, "mov"),
    (Width::W64, Width::W64, "mov"),
];

#[test]
fn extensions() {
    use Width::*;
    for dst in gprs() {
        for src in gprs() {
            for (from, seen, to, name) in [
                (W8, W8, W32, "movzx"),
                (W16, W16, W32, "movzx"),
                (W32, W32, W32, "mov"),
                (W64, W64, W64, "mov"),
            ] {
                let args = [r(to, dst), r(seen, src)];
                expect(name, &args, |asm| asm.extend_unsigned(from, dst, src));
            }
            for (from, to, name) in SIGNED {
                let args = [r(to, dst), r(from, src)];
                expect(name, &args, |asm| asm.extend_signed(from, to, dst, src));
            }
        }
    }
}

#[test]
fn atomic_operations_are_locked() {
    for w in WIDTHS {
        for src in gprs() {
            for dst in some_mems() {
                let args = [rm(w, dst.into()), r(w, src)];
                let xadd = expect("xadd", &args, |asm| asm.lock_xadd(w, dst, src));
                let cmpxchg = expect("cmpxchg", &args, |asm| asm.lock_cmpxchg(w, dst, src));
                assert!(xadd.has_lock_prefix() && cmpxchg.has_lock_prefix());
            }
        }
    }
    expect("mfence", &[], Asm::mfence);
}

#[test]
fn a_condition_has_an_opposite_and_a_mirror_image() {
    for (cond, name) in Cond::ALL.into_iter().zip(COND) {
        assert_eq!(cond.inverse().inverse(), cond);
        assert_eq!(cond.swapped().swapped(), cond);
        // The opposite of a name without `n` is one with it, or a pair of comparisons.
        let opposite = COND[cond.inverse() as usize];
        let negated = opposite == format!("n{name}") || name == format!("n{opposite}");
        let pair = [("b", "ae"), ("be", "a"), ("l", "ge"), ("le", "g")];
        let pair = pair.contains(&(name, opposite)) || pair.contains(&(opposite, name));
        assert!(negated || pair, "{name} and {opposite}");
    }
    assert_eq!(Cond::L.swapped(), Cond::G);
    assert_eq!(Cond::Be.swapped(), Cond::Ae);
    assert_eq!(Cond::Ne.swapped(), Cond::Ne);
}

#[test]
#[should_panic(expected = "no form on bytes")]
fn what_the_machine_does_not_have_is_refused() {
    Asm::new().imul(Width::W8, Gpr::RAX, Gpr::RCX);
}

#[test]
#[should_panic]
fn the_stack_pointer_is_no_index() {
    let _ = Mem::indexed(Gpr::RAX, Gpr::RSP, 0, 0);
}
