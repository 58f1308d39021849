//! Where parameters and results are passed: Cranelift's `tail` convention on x86-64, as `riser-abi` says (`compiled.rs`).

use crate::asm::{Gpr, Xmm};
use riser_abi::returns_in_area;
use riser_ops::{FuncType, ValType};

/// What a value is to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    I32,
    I64,
    F32,
    F64,
    V128,
    /// A reference into the heap of objects: 32 bits, and the collector must find it.
    Ref,
    /// A reference to a function: an address.
    Func,
}

impl Kind {
    pub fn of(ty: ValType) -> Kind {
        match ty {
            ValType::I32 => Kind::I32,
            ValType::I64 => Kind::I64,
            ValType::F32 => Kind::F32,
            ValType::F64 => Kind::F64,
            ValType::V128 => Kind::V128,
            ty if ty.is_heap_reference() => Kind::Ref,
            _ => Kind::Func,
        }
    }

    /// How many slots of a frame it takes.
    pub fn slots(self) -> u32 {
        if self == Kind::V128 { 2 } else { 1 }
    }

    /// Whether it is in registers for floats and vectors.
    pub fn is_float(self) -> bool {
        matches!(self, Kind::F32 | Kind::F64 | Kind::V128)
    }

    /// Whether only the low half of a register counts; the other half is zero in registers of ours.
    pub fn is_narrow(self) -> bool {
        matches!(self, Kind::I32 | Kind::Ref)
    }
}

/// Where a value is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Gpr(Gpr),
    Xmm(Xmm),
    /// On the stack, so many bytes from the first.
    Stack(u32),
}

/// The callee's `VmCtx`.
pub(crate) const VMCTX: Gpr = Gpr::RDI;

/// The address of the area for results, if there is one.
pub(crate) const AREA: Gpr = Gpr::RSI;

const PARAMS: [Gpr; 6] = [Gpr::RDI, Gpr::RSI, Gpr::RDX, Gpr::RCX, Gpr::R8, Gpr::R9];
const RESULTS: [Gpr; 4] = [Gpr::RAX, Gpr::RCX, Gpr::RDX, Gpr::RSI];
const XMM_PARAMS: u8 = 8;

/// The parameters of the C convention, all of them integers.
pub(crate) const C_PARAMS: [Gpr; 6] = PARAMS;

/// Where an integer is returned, and the single result of a block is.
pub(crate) const RESULT: Gpr = Gpr::RAX;
/// The same for floats and vectors.
pub(crate) const XMM_RESULT: Xmm = Xmm::XMM0;

/// Gives each parameter its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params {
    gprs: usize,
    xmms: u8,
    stack: u32,
}

impl Params {
    /// For functions of a type: the first parameters are taken already.
    pub fn of(ty: &FuncType) -> Params {
        Params { gprs: 1 + usize::from(returns_in_area(ty.results())), xmms: 0, stack: 0 }
    }

    /// Where the next one is.
    pub fn next(&mut self, kind: Kind) -> Passed {
        if kind.is_float() {
            if self.xmms < XMM_PARAMS {
                self.xmms += 1;
                return Passed::Xmm(Xmm::new(self.xmms - 1));
            }
        } else if let Some(&gpr) = PARAMS.get(self.gprs) {
            self.gprs += 1;
            return Passed::Gpr(gpr);
        }
        let bytes = 8 * kind.slots();
        let at = self.stack.next_multiple_of(bytes);
        self.stack = at + bytes;
        Passed::Stack(at)
    }

    /// The bytes that the callee takes off the stack.
    pub fn stack_bytes(self) -> u32 {
        self.stack.next_multiple_of(16)
    }

    /// The same for all parameters of a type.
    pub fn stack_bytes_of(ty: &FuncType) -> u32 {
        let mut params = Params::of(ty);
        for &param in ty.params() {
            params.next(Kind::of(param));
        }
        params.stack_bytes()
    }
}

/// Gives each result its register, where results are not in an area.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Results {
    gprs: usize,
    xmms: u8,
}

impl Results {
    /// Where the next one is.
    pub fn next(&mut self, kind: Kind) -> Passed {
        if kind.is_float() {
            self.xmms += 1;
            return Passed::Xmm(Xmm::new(self.xmms - 1));
        }
        self.gprs += 1;
        Passed::Gpr(RESULTS[self.gprs - 1])
    }
}
