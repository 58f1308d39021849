//! Stand-ins for compiled code, in instructions.

use core::arch::global_asm;

/// Where a guest is prepared to be resumed: pc, sp, fp.
pub(super) type Landing = [usize; 3];

unsafe extern "C" {
    /// Reads a byte, or, if the last number says so, executes an undefined instruction (1) or divides by zero (2: x86-64 only). If resumed
    /// it returns the first payload plus twice the second.
    pub(super) fn riser_sys_faults(landing: *mut Landing, address: *const u8, kind: u32) -> u64;
    /// Computes something in so many rounds, with all registers and flags, and nothing in memory but below the stack pointer.
    pub(super) fn riser_sys_loops(rounds: u64) -> u64;
    /// The same with what AVX-512 adds: wide vectors, more of them, and masks.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn riser_sys_loops_wide(rounds: u64) -> u64;
    /// Never returns, unless it is resumed: then the first payload plus twice the second.
    pub(super) fn riser_sys_hangs(landing: *mut Landing) -> u64;
    static riser_sys_guests_start: u8;
    static riser_sys_guests_end: u8;
}

/// Whether an address is in one of the guests.
pub(super) fn is_guest(pc: usize) -> bool {
    let (start, end) = (&raw const riser_sys_guests_start, &raw const riser_sys_guests_end);
    (start.addr()..end.addr()).contains(&pc)
}

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".text; .globl riser_sys_guests_start; .globl riser_sys_guests_end",
    ".globl riser_sys_faults; .globl riser_sys_loops; .globl riser_sys_hangs",
    ".globl riser_sys_loops_wide",
    "riser_sys_guests_start:",
    "riser_sys_loops_wide:",
    "push rbp; mov rbp, rsp; mov rax, 0x9e3779b97f4a7c15; mov ecx, 0x5a; kmovw k2, ecx; mov ecx, 0xa7; kmovw k5, ecx",
    "vpbroadcastq zmm0, rax; vpaddq zmm1, zmm0, zmm0; vpaddq zmm15, zmm1, zmm0; vpaddq zmm16, zmm15, zmm1; vpaddq zmm31, zmm16, zmm0",
    "1: vpaddq zmm0 {{k2}}, zmm0, zmm1; vpaddq zmm1 {{k5}}, zmm1, zmm15; vpaddq zmm15, zmm15, zmm16",
    "vpaddq zmm16 {{k2}}, zmm16, zmm31; vpxorq zmm31 {{k5}}, zmm31, zmm0; kxorw k2, k2, k5; kshiftlw k5, k5, 1; korw k5, k5, k2",
    "lea rdi, [rdi - 1]; test rdi, rdi; jne 1b",
    "vpaddq zmm0, zmm0, zmm15; vpaddq zmm0, zmm0, zmm31; vextracti64x4 ymm2, zmm0, 1; vpaddq ymm0, ymm0, ymm2",
    "vextracti64x2 xmm2, ymm0, 1; vpxorq xmm0, xmm0, xmm2; vmovq rax, xmm0; vpextrq rcx, xmm0, 1; xor rax, rcx",
    "kmovw ecx, k5; xor rax, rcx; vzeroupper; pop rbp; ret",
    "riser_sys_faults:",
    "push rbp; mov rbp, rsp; push rbx; push r12; push r13; push r14; push r15",
    "lea rax, [rip + 2f]; mov [rdi], rax; mov [rdi + 8], rsp; mov [rdi + 16], rbp",
    "cmp edx, 1; je 4f; cmp edx, 2; je 5f; movzx eax, byte ptr [rsi]; jmp 3f",
    "4: ud2",
    "5: xor edx, edx; xor ecx, ecx; mov eax, 1; std; div ecx",
    "2: lea rax, [rax + 2 * rdx]",
    "3: pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp; ret",
    "riser_sys_hangs:",
    "push rbp; mov rbp, rsp; push rbx; push r12; push r13; push r14; push r15",
    "lea rax, [rip + 2f]; mov [rdi], rax; mov [rdi + 8], rsp; mov [rdi + 16], rbp",
    "9: jmp 9b",
    "2: lea rax, [rax + 2 * rdx]; pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp; ret",
    "riser_sys_loops:",
    "push rbp; mov rbp, rsp; push rbx; push r12; push r13; push r14; push r15",
    "mov eax, 1; mov ecx, 2; mov edx, 3; mov rbx, 0x9e3779b97f4a7c15; mov esi, 5; mov r8d, 6; mov r9d, 7; mov r10d, 8",
    "mov r11d, 9; mov r12d, 10; mov r13d, 11; mov r14d, 12; mov r15d, 13; movq xmm0, rbx; movq xmm1, rcx",
    "punpcklqdq xmm0, xmm0; punpcklqdq xmm1, xmm1; movdqa xmm2, xmm0; movdqa xmm3, xmm1; movdqa xmm4, xmm0",
    "movdqa xmm5, xmm1; movdqa xmm6, xmm0; movdqa xmm7, xmm1; movdqa xmm8, xmm0; movdqa xmm9, xmm1",
    "movdqa xmm10, xmm0; movdqa xmm11, xmm1; movdqa xmm12, xmm0; movdqa xmm13, xmm1; movdqa xmm14, xmm0; movdqa xmm15, xmm1",
    "1: add rax, rbx; adc rdx, rcx; adc r8, r9; adc r10, r11; adc r12, r13; adc r14, r15; adc rsi, rax; adc rcx, 0",
    "mov [rsp - 8], rax; mov [rsp - 128], rdx; rol rbx, 7; adc r9, rsi; adc r11, r14; adc r13, r12; adc r15, r10",
    "paddq xmm0, xmm1; paddq xmm1, xmm2; paddq xmm2, xmm3; paddq xmm3, xmm4; paddq xmm4, xmm5; paddq xmm5, xmm6",
    "paddq xmm6, xmm7; paddq xmm7, xmm8; paddq xmm8, xmm9; paddq xmm9, xmm10; paddq xmm10, xmm11; paddq xmm11, xmm12",
    "paddq xmm12, xmm13; paddq xmm13, xmm14; paddq xmm14, xmm15; paddq xmm15, xmm0",
    "xor rcx, [rsp - 8]; xor r9, [rsp - 128]; lea rdi, [rdi - 1]; test rdi, rdi; jne 1b",
    "paddq xmm0, xmm7; movq rdi, xmm0; psrldq xmm0, 8; movq rbx, xmm0",
    "xor rax, rdi; add rax, rbx; xor rax, rdx; add rax, r8; xor rax, r10; add rax, r12; xor rax, r14; add rax, rsi",
    "xor rax, rcx; add rax, r9; xor rax, r11; add rax, r13; xor rax, r15",
    "pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp; ret",
    "riser_sys_guests_end: ud2",
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".text; .balign 4; .globl riser_sys_guests_start; .globl riser_sys_guests_end",
    ".globl riser_sys_faults; .globl riser_sys_loops; .globl riser_sys_hangs",
    ".macro riser_sys_save",
    "stp x29, x30, [sp, #-160]!; mov x29, sp; stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]",
    "stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]; stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]",
    "stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]",
    ".endm",
    ".macro riser_sys_restore",
    "ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]; ldp x25, x26, [sp, #64]",
    "ldp x27, x28, [sp, #80]; ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]",
    "ldp d14, d15, [sp, #144]; ldp x29, x30, [sp], #160",
    ".endm",
    "riser_sys_guests_start:",
    "riser_sys_faults:",
    "riser_sys_save",
    "adr x9, 2f; mov x10, sp; str x9, [x0]; str x10, [x0, #8]; str x29, [x0, #16]",
    "cmp w2, #1; b.eq 4f; ldrb w0, [x1]; b 3f",
    "4: udf #0",
    "2: add x0, x0, x1, lsl #1",
    "3: riser_sys_restore",
    "ret",
    "riser_sys_hangs:",
    "riser_sys_save",
    "adr x9, 2f; mov x10, sp; str x9, [x0]; str x10, [x0, #8]; str x29, [x0, #16]",
    "9: b 9b",
    "2: add x0, x0, x1, lsl #1",
    "riser_sys_restore",
    "ret",
    "riser_sys_loops:",
    "riser_sys_save",
    "mov x1, #1; mov x2, #2; mov x3, #3; mov x4, #4; mov x5, #5; mov x6, #6; mov x7, #7; mov x8, #8; mov x9, #9",
    "mov x10, #0x7c15; movk x10, #0x9e37, lsl #48; mov x11, #11; mov x12, #12; mov x13, #13; mov x14, #14; mov x15, #15",
    "mov x16, #16; mov x17, #17; mov x18, #18; mov x19, #19; mov x20, #20; mov x21, #21; mov x22, #22; mov x23, #23",
    "mov x24, #24; mov x25, #25; mov x26, #26; mov x27, #27; mov x28, #28; mov x30, #30",
    "dup v0.2d, x10; dup v1.2d, x2; dup v7.2d, x7; dup v8.2d, x8; dup v15.2d, x15; dup v16.2d, x16; dup v30.2d, x30; dup v31.2d, x1",
    "1: adds x1, x1, x10; adcs x2, x2, x1; adcs x3, x3, x2; adcs x4, x4, x3; adcs x5, x5, x4; adcs x6, x6, x5; adcs x7, x7, x6",
    "adcs x8, x8, x7; adcs x9, x9, x8; adcs x11, x11, x9; adcs x12, x12, x11; adcs x13, x13, x12; adcs x14, x14, x13",
    "adcs x15, x15, x14; adcs x16, x16, x15; adcs x17, x17, x16; adcs x18, x18, x17; adcs x19, x19, x18; adcs x20, x20, x19",
    "adcs x21, x21, x20; adcs x22, x22, x21; adcs x23, x23, x22; adcs x24, x24, x23; adcs x25, x25, x24; adcs x26, x26, x25",
    "adcs x27, x27, x26; adcs x28, x28, x27; adcs x30, x30, x28; adc x10, x10, x30; ror x10, x10, #7",
    "add v0.2d, v0.2d, v1.2d; add v1.2d, v1.2d, v7.2d; add v7.2d, v7.2d, v8.2d; add v8.2d, v8.2d, v15.2d",
    "add v15.2d, v15.2d, v16.2d; add v16.2d, v16.2d, v30.2d; add v30.2d, v30.2d, v31.2d; add v31.2d, v31.2d, v0.2d",
    "sub x0, x0, #1; cbnz x0, 1b",
    "eor v0.16b, v0.16b, v8.16b; add v0.2d, v0.2d, v16.2d; mov x0, v0.d[0]; mov x1, v0.d[1]; eor x0, x0, x1",
    "add x0, x0, x30; eor x0, x0, x28; add x0, x0, x10; eor x0, x0, x18; add x0, x0, x9",
    "riser_sys_restore",
    "ret",
    "riser_sys_guests_end: udf #0",
);
