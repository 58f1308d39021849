//! How fast instructions are written: `cargo test --release -p riser-baseline --test asm_speed -- --ignored --nocapture`.

use riser_baseline::asm::{Alu, Asm, Cond, Gpr, Mem, Sse, Width, Xmm};
use std::hint::black_box;
use std::time::Instant;

/// Instructions as they are in the code of a loop: loads, stores, arithmetic and branches. Gives how many.
fn write(asm: &mut Asm, rounds: u8) -> u64 {
    let head = asm.label_here();
    for round in 0..rounds {
        let (a, b) = (Gpr::new(round | 8), Gpr::new(round >> 1));
        let slot = Mem::at(Gpr::RSP, i32::from(round) * 8);
        asm.load(Width::W32, a, slot);
        asm.alu_imm(Alu::Add, Width::W32, a, 1);
        asm.load(Width::W32, b, Mem::indexed(Gpr::R14, a, 0, 0x1000));
        asm.alu(Alu::Xor, Width::W32, a, b);
        asm.store(Width::W32, slot, a);
        asm.load_f64(Xmm::new(round), Mem::at(Gpr::R14, 16));
        asm.sse(Sse::Mulsd, Xmm::new(round), Xmm::new(round >> 1));
        let skip = asm.new_label();
        asm.jcc(Cond::E, skip);
        asm.mov_imm(Gpr::RAX, u64::from(round));
        asm.bind(skip);
        asm.jcc(Cond::B, head);
    }
    10 * u64::from(rounds)
}

#[test]
#[ignore = "a measurement"]
fn instructions_a_second() {
    let mut asm = Asm::new();
    let (mut count, mut bytes) = (0, 0);
    let start = Instant::now();
    while start.elapsed().as_millis() < 1_000 {
        for _ in 0..100 {
            asm.clear();
            count += write(&mut asm, black_box(100));
            bytes += black_box(asm.finish().unwrap().bytes).len();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = count as f64 / seconds / 1e6;
    println!("{rate:.1} million instructions, {:.1} MB a second", bytes as f64 / seconds / 1e6);
}
