//! What instructions work on: registers, places in memory, constants, widths and conditions.
//!
//! All of these are small plain values. [`Mem`] is kept as an instruction says it, so that what is known of a place when this compiler is
//! compiled costs nothing later.

/// A general register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gpr(u8);

/// The general registers by name.
#[allow(missing_docs, reason = "the names are the machine's")]
impl Gpr {
    pub const RAX: Self = Self(0);
    pub const RCX: Self = Self(1);
    pub const RDX: Self = Self(2);
    pub const RBX: Self = Self(3);
    pub const RSP: Self = Self(4);
    pub const RBP: Self = Self(5);
    pub const RSI: Self = Self(6);
    pub const RDI: Self = Self(7);
    pub const R8: Self = Self(8);
    pub const R9: Self = Self(9);
    pub const R10: Self = Self(10);
    pub const R11: Self = Self(11);
    pub const R12: Self = Self(12);
    pub const R13: Self = Self(13);
    pub const R14: Self = Self(14);
    pub const R15: Self = Self(15);
}

impl Gpr {
    /// The register of a number from 0 to 15; of a larger one only the low four bits count.
    #[inline]
    pub const fn new(number: u8) -> Self {
        Self(number & 15)
    }

    /// Its number, from 0 to 15.
    #[inline]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A vector register. It also holds single floats, in its lowest lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Xmm(u8);

/// The vector registers by name.
#[allow(missing_docs, reason = "the names are the machine's")]
impl Xmm {
    pub const XMM0: Self = Self(0);
    pub const XMM1: Self = Self(1);
    pub const XMM2: Self = Self(2);
    pub const XMM3: Self = Self(3);
    pub const XMM4: Self = Self(4);
    pub const XMM5: Self = Self(5);
    pub const XMM6: Self = Self(6);
    pub const XMM7: Self = Self(7);
    pub const XMM8: Self = Self(8);
    pub const XMM9: Self = Self(9);
    pub const XMM10: Self = Self(10);
    pub const XMM11: Self = Self(11);
    pub const XMM12: Self = Self(12);
    pub const XMM13: Self = Self(13);
    pub const XMM14: Self = Self(14);
    pub const XMM15: Self = Self(15);
}

impl Xmm {
    /// The register of a number from 0 to 15; of a larger one only the low four bits count.
    #[inline]
    pub const fn new(number: u8) -> Self {
        Self(number & 15)
    }

    /// Its number, from 0 to 15.
    #[inline]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// How many bits of an integer an instruction works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// 8 bits.
    W8,
    /// 16 bits.
    W16,
    /// 32 bits. A register that is written with this width has zeros in its upper half.
    W32,
    /// 64 bits.
    W64,
}

/// A place in memory: a register, perhaps another one times 1, 2, 4 or 8, and a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mem {
    /// ModRM and perhaps SIB, without the mode and without the other operand.
    pub(super) form: u16,
    /// How many bits of `form` there are, 8 or 16.
    pub(super) form_bits: u8,
    /// The extensions of the registers' numbers, X is 2 and B is 1, and [`NEEDS_DISP`].
    pub(super) flags: u8,
    pub(super) disp: i32,
}

/// The place must be said with a displacement, even if that is zero.
pub(super) const NEEDS_DISP: u8 = 0x80;
/// Instead of a base: a SIB follows. In the place of an index: there is none. It is the number of the stack pointer.
const SIB: u8 = 4;

/// `rbp` and `r13` without a displacement mean something else.
const fn needs_disp(base: Gpr) -> u8 {
    if base.0 & 7 == 5 { NEEDS_DISP } else { 0 }
}

impl Mem {
    /// `[base + disp]`
    #[inline]
    pub const fn at(base: Gpr, disp: i32) -> Self {
        let flags = base.0 >> 3 | needs_disp(base);
        let low = (base.0 & 7) as u16;
        // `rsp` and `r12` as a base mean that a SIB follows, and so need one.
        let (form, form_bits) = if base.0 & 7 == SIB {
            (SIB as u16 | (SIB as u16) << 11 | low << 8, 16)
        } else {
            (low, 8)
        };
        Self { form, form_bits, flags, disp }
    }

    /// `[base + (index << scale) + disp]`
    ///
    /// # Panics
    ///
    /// The stack pointer cannot be an index, and the scale is at most 3.
    #[inline]
    pub const fn indexed(base: Gpr, index: Gpr, scale: u8, disp: i32) -> Self {
        assert!(index.0 != SIB && scale < 4);
        let sib = (scale << 6 | (index.0 & 7) << 3 | base.0 & 7) as u16;
        let flags = index.0 >> 3 << 1 | base.0 >> 3 | needs_disp(base);
        Self { form: SIB as u16 | sib << 8, form_bits: 16, flags, disp }
    }

    /// The register that is added as it is.
    #[inline]
    pub const fn base(self) -> Gpr {
        let low = if self.form_bits == 16 { self.form >> 8 } else { self.form };
        Gpr(low as u8 & 7 | (self.flags & 1) << 3)
    }

    /// The register that is added scaled, and the binary logarithm of its factor.
    #[inline]
    pub const fn index(self) -> Option<(Gpr, u8)> {
        let index = (self.form >> 11) as u8 & 7 | (self.flags & 2) << 2;
        if self.form_bits == 8 || index == SIB {
            return None;
        }
        Some((Gpr(index), (self.form >> 14) as u8))
    }

    /// The constant that is added.
    #[inline]
    pub const fn disp(self) -> i32 {
        self.disp
    }

    /// The same place with another constant.
    #[inline]
    pub const fn with_disp(self, disp: i32) -> Self {
        Self { disp, ..self }
    }
}

/// An integer operand: a register or a place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rm {
    /// A register.
    Reg(Gpr),
    /// A place in memory.
    Mem(Mem),
}

impl From<Gpr> for Rm {
    #[inline]
    fn from(reg: Gpr) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for Rm {
    #[inline]
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

/// A constant behind the code, made by [`super::Asm::const128`] and its like. It belongs to the code that it was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Const(pub(super) u32);

/// A vector operand: a register, a place in memory, or a constant behind the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XmmRm {
    /// A register.
    Reg(Xmm),
    /// A place in memory.
    Mem(Mem),
    /// A constant behind the code.
    Const(Const),
}

impl From<Xmm> for XmmRm {
    #[inline]
    fn from(reg: Xmm) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for XmmRm {
    #[inline]
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

impl From<Const> for XmmRm {
    #[inline]
    fn from(constant: Const) -> Self {
        Self::Const(constant)
    }
}

/// Integer operations with two operands, whose result replaces the first. Numbered as the machine does.
#[allow(missing_docs, reason = "the names are the machine's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alu {
    Add,
    Or,
    /// Addition with carry.
    Adc,
    /// Subtraction with borrow.
    Sbb,
    And,
    Sub,
    Xor,
    /// Subtraction that only sets flags.
    Cmp,
}

/// Shifts and rotations. Numbered as the machine does.
#[allow(missing_docs, reason = "the names are the machine's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Shift {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// A condition of the flags. Numbered as the machine does: a condition and its opposite differ in the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cond {
    /// Overflow.
    O,
    /// No overflow.
    No,
    /// Below, unsigned: carry. After `ucomiss` also unordered.
    B,
    /// Above or equal, unsigned: no carry.
    Ae,
    /// Equal: zero. After `ucomiss` also unordered.
    E,
    /// Not equal: not zero.
    Ne,
    /// Below or equal, unsigned.
    Be,
    /// Above, unsigned.
    A,
    /// Sign: negative.
    S,
    /// No sign.
    Ns,
    /// Even parity. After `ucomiss`: unordered.
    P,
    /// Odd parity. After `ucomiss`: ordered.
    Np,
    /// Less, signed.
    L,
    /// Greater or equal, signed.
    Ge,
    /// Less or equal, signed.
    Le,
    /// Greater, signed.
    G,
}

impl Cond {
    /// All conditions, by number.
    pub const ALL: [Self; 16] = [
        Self::O,
        Self::No,
        Self::B,
        Self::Ae,
        Self::E,
        Self::Ne,
        Self::Be,
        Self::A,
        Self::S,
        Self::Ns,
        Self::P,
        Self::Np,
        Self::L,
        Self::Ge,
        Self::Le,
        Self::G,
    ];

    /// True exactly when this one is false.
    #[inline]
    pub const fn inverse(self) -> Self {
        Self::ALL[(self as u8 ^ 1) as usize]
    }

    /// What the condition of a comparison becomes when its operands change places. Conditions that are not of
    /// comparisons (overflow, sign, parity) stay.
    #[inline]
    pub const fn swapped(self) -> Self {
        match self {
            Self::B => Self::A,
            Self::A => Self::B,
            Self::Ae => Self::Be,
            Self::Be => Self::Ae,
            Self::L => Self::G,
            Self::G => Self::L,
            Self::Ge => Self::Le,
            Self::Le => Self::Ge,
            same => same,
        }
    }
}

/// A place in code that may not be known yet. It belongs to the code that it was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub(super) u32);

/// What a machine has beyond what every x86-64 processor that Riser runs on has (SSE2, SSSE3, SSE4.1).
///
/// Plain data: who asks the machine does not stand here. An instruction that needs one of these says so; nothing checks
/// that it is not emitted without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CpuFeatures {
    /// `lzcnt`. Without it the same bytes are `bsr`.
    pub lzcnt: bool,
    /// `tzcnt`. Without it the same bytes are `bsf`.
    pub bmi1: bool,
    /// `shlx`, `shrx`, `sarx`, `rorx`.
    pub bmi2: bool,
    /// `popcnt`.
    pub popcnt: bool,
    /// `pcmpgtq`.
    pub sse42: bool,
    /// `vfmadd` and `vfnmadd`. Implies `avx`.
    pub fma: bool,
    /// Instructions in VEX form on vector registers.
    pub avx: bool,
}

impl CpuFeatures {
    /// What a machine has: `has` is asked for each of these by the name that Rust gives it. `None` if it cannot say.
    pub fn find(has: impl Fn(&str) -> Option<bool>) -> Option<CpuFeatures> {
        Some(CpuFeatures {
            lzcnt: has("lzcnt")?,
            bmi1: has("bmi1")?,
            bmi2: has("bmi2")?,
            popcnt: has("popcnt")?,
            sse42: has("sse4.2")?,
            fma: has("fma")?,
            avx: has("avx")?,
        })
    }
}
