//! The table of vector and float instructions in their legacy encodings: one row each, of which the emitter and the
//! tests are made.
//!
//! A row says the name, the mandatory prefix (`NP` for none), the opcode map and the opcode. A variant's number *is* its encoding
//! (see `encode.rs`), so that looking a row up costs nothing. Where the machine's meaning depends on whether the source is a register or in memory, the row says so.
// tidy: table

use super::encode::{M0F, M3A, M38, NP, P66, PF2, PF3, W0, W1, group, row, row_w};

/// Makes an enum of rows `Name "mnemonic" PREFIX MAP OPCODE;`, each numbered with its encoding.
macro_rules! instructions {
    ($(#[$meta:meta])* $enum:ident $encode:ident: $($(#[$doc:meta])* $name:ident $mnemonic:literal $($part:expr),+;)+) => {
        $(#[$meta])*
        #[allow(missing_docs, reason = "the names are the machine's")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u64)]
        pub enum $enum { $($(#[$doc])* $name = $encode($($part),+),)+ }

        impl $enum {
            /// All rows.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name in assembly.
            pub const fn mnemonic(self) -> &'static str {
                match self { $(Self::$name => $mnemonic,)+ }
            }
        }
    };
}

instructions! {
    /// Instructions `op dst, src` on vector registers.
    ///
    /// The suffixes are `ss`, `sd`: one float in the lowest lane, the others stay; `ps`, `pd`: all floats; `b`, `w`, `d`,
    /// `q`: integers of 8, 16, 32 and 64 bits.
    Sse row:
    // Moving.
    Movaps "movaps" NP, M0F, 0x28;
    Movups "movups" NP, M0F, 0x10;
    /// From a register: replaces the lowest lane. From memory: the other lanes become zero.
    Movss "movss" PF3, M0F, 0x10;
    /// From a register: replaces the lowest lane. From memory: the other lane becomes zero.
    Movsd "movsd" PF2, M0F, 0x10;
    /// The low half, the high half becomes zero.
    Movq "movq" PF3, M0F, 0x7E;
    /// From memory: replaces the low half. From a register it is `movhlps`: the high half replaces the low half.
    Movlps "movlps" NP, M0F, 0x12;
    /// From memory: replaces the high half. From a register it is `movlhps`: the low half replaces the high half.
    Movhps "movhps" NP, M0F, 0x16;
    /// The low half, twice.
    Movddup "movddup" PF2, M0F, 0x12;
    Unpcklps "unpcklps" NP, M0F, 0x14;
    Unpckhps "unpckhps" NP, M0F, 0x15;
    Unpcklpd "unpcklpd" P66, M0F, 0x14;
    Unpckhpd "unpckhpd" P66, M0F, 0x15;
    // Arithmetic on floats.
    Addps "addps" NP, M0F, 0x58;
    Addpd "addpd" P66, M0F, 0x58;
    Addss "addss" PF3, M0F, 0x58;
    Addsd "addsd" PF2, M0F, 0x58;
    Subps "subps" NP, M0F, 0x5C;
    Subpd "subpd" P66, M0F, 0x5C;
    Subss "subss" PF3, M0F, 0x5C;
    Subsd "subsd" PF2, M0F, 0x5C;
    Mulps "mulps" NP, M0F, 0x59;
    Mulpd "mulpd" P66, M0F, 0x59;
    Mulss "mulss" PF3, M0F, 0x59;
    Mulsd "mulsd" PF2, M0F, 0x59;
    Divps "divps" NP, M0F, 0x5E;
    Divpd "divpd" P66, M0F, 0x5E;
    Divss "divss" PF3, M0F, 0x5E;
    Divsd "divsd" PF2, M0F, 0x5E;
    Sqrtps "sqrtps" NP, M0F, 0x51;
    Sqrtpd "sqrtpd" P66, M0F, 0x51;
    Sqrtss "sqrtss" PF3, M0F, 0x51;
    Sqrtsd "sqrtsd" PF2, M0F, 0x51;
    /// The second operand where one is a NaN or both are zeros.
    Minps "minps" NP, M0F, 0x5D;
    Minpd "minpd" P66, M0F, 0x5D;
    Minss "minss" PF3, M0F, 0x5D;
    Minsd "minsd" PF2, M0F, 0x5D;
    /// The second operand where one is a NaN or both are zeros.
    Maxps "maxps" NP, M0F, 0x5F;
    Maxpd "maxpd" P66, M0F, 0x5F;
    Maxss "maxss" PF3, M0F, 0x5F;
    Maxsd "maxsd" PF2, M0F, 0x5F;
    // Comparisons that set flags.
    Ucomiss "ucomiss" NP, M0F, 0x2E;
    Ucomisd "ucomisd" P66, M0F, 0x2E;
    // Bits.
    Andps "andps" NP, M0F, 0x54;
    Andpd "andpd" P66, M0F, 0x54;
    /// `!dst & src`
    Andnps "andnps" NP, M0F, 0x55;
    Andnpd "andnpd" P66, M0F, 0x55;
    Orps "orps" NP, M0F, 0x56;
    Orpd "orpd" P66, M0F, 0x56;
    Xorps "xorps" NP, M0F, 0x57;
    Xorpd "xorpd" P66, M0F, 0x57;
    Pand "pand" P66, M0F, 0xDB;
    /// `!dst & src`
    Pandn "pandn" P66, M0F, 0xDF;
    Por "por" P66, M0F, 0xEB;
    Pxor "pxor" P66, M0F, 0xEF;
    /// Sets the zero flag if `dst & src` is zero, and the carry flag if `!dst & src` is.
    Ptest "ptest" P66, M38, 0x17;
    // Conversions.
    Cvtss2sd "cvtss2sd" PF3, M0F, 0x5A;
    Cvtsd2ss "cvtsd2ss" PF2, M0F, 0x5A;
    Cvtps2pd "cvtps2pd" NP, M0F, 0x5A;
    Cvtpd2ps "cvtpd2ps" P66, M0F, 0x5A;
    Cvtdq2ps "cvtdq2ps" NP, M0F, 0x5B;
    Cvtps2dq "cvtps2dq" P66, M0F, 0x5B;
    Cvttps2dq "cvttps2dq" PF3, M0F, 0x5B;
    Cvtdq2pd "cvtdq2pd" PF3, M0F, 0xE6;
    Cvttpd2dq "cvttpd2dq" P66, M0F, 0xE6;
    // Arithmetic on integers.
    Paddb "paddb" P66, M0F, 0xFC;
    Paddw "paddw" P66, M0F, 0xFD;
    Paddd "paddd" P66, M0F, 0xFE;
    Paddq "paddq" P66, M0F, 0xD4;
    Paddsb "paddsb" P66, M0F, 0xEC;
    Paddsw "paddsw" P66, M0F, 0xED;
    Paddusb "paddusb" P66, M0F, 0xDC;
    Paddusw "paddusw" P66, M0F, 0xDD;
    Psubb "psubb" P66, M0F, 0xF8;
    Psubw "psubw" P66, M0F, 0xF9;
    Psubd "psubd" P66, M0F, 0xFA;
    Psubq "psubq" P66, M0F, 0xFB;
    Psubsb "psubsb" P66, M0F, 0xE8;
    Psubsw "psubsw" P66, M0F, 0xE9;
    Psubusb "psubusb" P66, M0F, 0xD8;
    Psubusw "psubusw" P66, M0F, 0xD9;
    Pmullw "pmullw" P66, M0F, 0xD5;
    Pmulhw "pmulhw" P66, M0F, 0xE5;
    Pmulhuw "pmulhuw" P66, M0F, 0xE4;
    Pmulhrsw "pmulhrsw" P66, M38, 0x0B;
    Pmulld "pmulld" P66, M38, 0x40;
    /// The even lanes, unsigned, to 64 bits.
    Pmuludq "pmuludq" P66, M0F, 0xF4;
    /// The even lanes, signed, to 64 bits.
    Pmuldq "pmuldq" P66, M38, 0x28;
    Pmaddwd "pmaddwd" P66, M0F, 0xF5;
    /// Unsigned bytes of `dst` times signed bytes of `src`, neighbours added with saturation.
    Pmaddubsw "pmaddubsw" P66, M38, 0x04;
    Psadbw "psadbw" P66, M0F, 0xF6;
    Pavgb "pavgb" P66, M0F, 0xE0;
    Pavgw "pavgw" P66, M0F, 0xE3;
    Pminub "pminub" P66, M0F, 0xDA;
    Pminuw "pminuw" P66, M38, 0x3A;
    Pminud "pminud" P66, M38, 0x3B;
    Pminsb "pminsb" P66, M38, 0x38;
    Pminsw "pminsw" P66, M0F, 0xEA;
    Pminsd "pminsd" P66, M38, 0x39;
    Pmaxub "pmaxub" P66, M0F, 0xDE;
    Pmaxuw "pmaxuw" P66, M38, 0x3E;
    Pmaxud "pmaxud" P66, M38, 0x3F;
    Pmaxsb "pmaxsb" P66, M38, 0x3C;
    Pmaxsw "pmaxsw" P66, M0F, 0xEE;
    Pmaxsd "pmaxsd" P66, M38, 0x3D;
    Pabsb "pabsb" P66, M38, 0x1C;
    Pabsw "pabsw" P66, M38, 0x1D;
    Pabsd "pabsd" P66, M38, 0x1E;
    Psignb "psignb" P66, M38, 0x08;
    Psignw "psignw" P66, M38, 0x09;
    Psignd "psignd" P66, M38, 0x0A;
    Phaddw "phaddw" P66, M38, 0x01;
    Phaddd "phaddd" P66, M38, 0x02;
    // Comparisons of integers: all ones where true.
    Pcmpeqb "pcmpeqb" P66, M0F, 0x74;
    Pcmpeqw "pcmpeqw" P66, M0F, 0x75;
    Pcmpeqd "pcmpeqd" P66, M0F, 0x76;
    Pcmpeqq "pcmpeqq" P66, M38, 0x29;
    Pcmpgtb "pcmpgtb" P66, M0F, 0x64;
    Pcmpgtw "pcmpgtw" P66, M0F, 0x65;
    Pcmpgtd "pcmpgtd" P66, M0F, 0x66;
    /// Needs SSE4.2.
    Pcmpgtq "pcmpgtq" P66, M38, 0x37;
    // Shifts of all lanes by the number in the low half of the source.
    Psllw "psllw" P66, M0F, 0xF1;
    Pslld "pslld" P66, M0F, 0xF2;
    Psllq "psllq" P66, M0F, 0xF3;
    Psrlw "psrlw" P66, M0F, 0xD1;
    Psrld "psrld" P66, M0F, 0xD2;
    Psrlq "psrlq" P66, M0F, 0xD3;
    Psraw "psraw" P66, M0F, 0xE1;
    Psrad "psrad" P66, M0F, 0xE2;
    // Moving lanes of integers.
    Pshufb "pshufb" P66, M38, 0x00;
    Packsswb "packsswb" P66, M0F, 0x63;
    Packssdw "packssdw" P66, M0F, 0x6B;
    Packuswb "packuswb" P66, M0F, 0x67;
    Packusdw "packusdw" P66, M38, 0x2B;
    Punpcklbw "punpcklbw" P66, M0F, 0x60;
    Punpcklwd "punpcklwd" P66, M0F, 0x61;
    Punpckldq "punpckldq" P66, M0F, 0x62;
    Punpcklqdq "punpcklqdq" P66, M0F, 0x6C;
    Punpckhbw "punpckhbw" P66, M0F, 0x68;
    Punpckhwd "punpckhwd" P66, M0F, 0x69;
    Punpckhdq "punpckhdq" P66, M0F, 0x6A;
    Punpckhqdq "punpckhqdq" P66, M0F, 0x6D;
    Pmovsxbw "pmovsxbw" P66, M38, 0x20;
    Pmovsxwd "pmovsxwd" P66, M38, 0x23;
    Pmovsxdq "pmovsxdq" P66, M38, 0x25;
    Pmovzxbw "pmovzxbw" P66, M38, 0x30;
    Pmovzxwd "pmovzxwd" P66, M38, 0x33;
    Pmovzxdq "pmovzxdq" P66, M38, 0x35;
    /// Lanes of the source where the sign of `xmm0`'s lane is set.
    Pblendvb "pblendvb" P66, M38, 0x10;
    /// Lanes of the source where the sign of `xmm0`'s lane is set.
    Blendvps "blendvps" P66, M38, 0x14;
    /// Lanes of the source where the sign of `xmm0`'s lane is set.
    Blendvpd "blendvpd" P66, M38, 0x15;
}

instructions! {
    /// Instructions `op dst, src, immediate` on vector registers.
    SseImm row:
    Pshufd "pshufd" P66, M0F, 0x70;
    Pshuflw "pshuflw" PF2, M0F, 0x70;
    Pshufhw "pshufhw" PF3, M0F, 0x70;
    Shufps "shufps" NP, M0F, 0xC6;
    Shufpd "shufpd" P66, M0F, 0xC6;
    Palignr "palignr" P66, M3A, 0x0F;
    Pblendw "pblendw" P66, M3A, 0x0E;
    Blendps "blendps" P66, M3A, 0x0C;
    Blendpd "blendpd" P66, M3A, 0x0D;
    Insertps "insertps" P66, M3A, 0x21;
    /// The immediate is a [`super::FloatCmp`]; all ones where it holds.
    Cmpps "cmpps" NP, M0F, 0xC2;
    Cmppd "cmppd" P66, M0F, 0xC2;
    Cmpss "cmpss" PF3, M0F, 0xC2;
    Cmpsd "cmpsd" PF2, M0F, 0xC2;
    /// The immediate is a [`super::Rounding`].
    Roundps "roundps" P66, M3A, 0x08;
    Roundpd "roundpd" P66, M3A, 0x09;
    Roundss "roundss" P66, M3A, 0x0A;
    Roundsd "roundsd" P66, M3A, 0x0B;
}

instructions! {
    /// Shifts of all lanes by a constant; those in `dq` shift the register by bytes.
    VecShift group:
    Psllw "psllw" 0x71, 6;
    Pslld "pslld" 0x72, 6;
    Psllq "psllq" 0x73, 6;
    Pslldq "pslldq" 0x73, 7;
    Psrlw "psrlw" 0x71, 2;
    Psrld "psrld" 0x72, 2;
    Psrlq "psrlq" 0x73, 2;
    Psrldq "psrldq" 0x73, 3;
    Psraw "psraw" 0x71, 4;
    Psrad "psrad" 0x72, 4;
}

instructions! {
    /// Fused multiplication and addition of three vectors, rounded once. Needs FMA.
    ///
    /// The digits say which operands are multiplied and which one is added: of `op a, b, c`, `231` is `a = b * c + a`, `213` is
    /// `a = b * a + c`, `132` is `a = a * c + b`. `fnmadd` negates the product.
    Fma row_w:
    Vfmadd132ps "vfmadd132ps" P66, M38, 0x98, W0;
    Vfmadd213ps "vfmadd213ps" P66, M38, 0xA8, W0;
    Vfmadd231ps "vfmadd231ps" P66, M38, 0xB8, W0;
    Vfnmadd132ps "vfnmadd132ps" P66, M38, 0x9C, W0;
    Vfnmadd213ps "vfnmadd213ps" P66, M38, 0xAC, W0;
    Vfnmadd231ps "vfnmadd231ps" P66, M38, 0xBC, W0;
    Vfmadd132pd "vfmadd132pd" P66, M38, 0x98, W1;
    Vfmadd213pd "vfmadd213pd" P66, M38, 0xA8, W1;
    Vfmadd231pd "vfmadd231pd" P66, M38, 0xB8, W1;
    Vfnmadd132pd "vfnmadd132pd" P66, M38, 0x9C, W1;
    Vfnmadd213pd "vfnmadd213pd" P66, M38, 0xAC, W1;
    Vfnmadd231pd "vfnmadd231pd" P66, M38, 0xBC, W1;
}
