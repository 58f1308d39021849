//! Operands, and the registers that they are in.
//!
//! An operand is moved to a register when an operator needs it there, and to its slot when a block begins, before a call, or
//! when registers run out. Who pops an operand owns the register that it is in until it pushes or frees it. An `i32` or a reference in
//! a register is extended by zeros.
//!
//! `r11` and `xmm15` are nobody's: any of the functions here may use them.

use crate::asm::{Cond, Gpr, Mem, Rm, Width, Xmm, XmmRm};
use crate::convention::{Kind, VMCTX};
use crate::frame::OWN_VMCTX;
use crate::translate::{Place, Translator};
use alloc::vec::Vec;

/// For a moment only.
pub(crate) const SCRATCH: Gpr = Gpr::R11;
/// For a moment only.
pub(crate) const XMM_SCRATCH: Xmm = Xmm::XMM15;

/// The registers for operands: rax, rcx, rdx, rsi, rdi, r8, r9, r10.
const GPRS: u32 = 0b0000_0111_1100_0111;
/// The same for floats and vectors: xmm0 to xmm7.
const XMMS: u32 = 0x00FF;

/// Registers for locals, which callees preserve.
pub(crate) const PINNED_GPRS: [Gpr; 5] = [Gpr::RBX, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];
/// Registers for locals of functions that call nothing. Those are registers for operands otherwise, and parameters come in them.
pub(crate) const LEAF_GPRS: [Gpr; 2] = [Gpr::RSI, Gpr::R8];
/// The register for the first byte of the first memory in such functions.
pub(crate) const LEAF_BASE: Gpr = Gpr::R10;
/// The register in which such functions count the turns of loops, if locals want the others: three are left for operands. In memory, a count
/// costs loops of a few instructions up to 30% (docs/measurements.md, "Baseline code").
pub(crate) const LEAF_COUNT: Gpr = Gpr::R9;
/// The one that keeps the own `VmCtx` there: it comes in it, and is passed on in it.
pub(crate) const LEAF_VMCTX: Gpr = VMCTX;
/// Registers for locals, which nobody preserves.
pub(crate) const PINNED_XMMS: [Xmm; 7] =
    [Xmm::XMM8, Xmm::XMM9, Xmm::XMM10, Xmm::XMM11, Xmm::XMM12, Xmm::XMM13, Xmm::XMM14];

/// An operand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub kind: Kind,
    pub at: At,
    /// Its slot, whether or not it is there.
    pub slot: u32,
}

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// In its slot.
    Slot,
    /// Nowhere: it is known. What is narrow is extended by zeros. Never a vector.
    Const(u64),
    Gpr(Gpr),
    Xmm(Xmm),
    /// Where the local is, which was not changed since.
    Local(u32),
    /// In the flags: 1 if the condition holds. Only the top operand, and only until the next operator.
    Flags(Cond),
}

/// The stack of operands, and who has which register.
#[derive(Debug, Default)]
pub(crate) struct Operands {
    pub stack: Vec<Operand>,
    /// The slot of an operand that is pushed now.
    pub next_slot: u32,
    /// Whether an operand was put into the flags since the last operator.
    pub has_condition: bool,
    /// So many operands, from the bottom, are in their slots.
    settled: usize,
    /// Those among [`GPRS`] that no local has, a bit for each.
    for_operands: u32,
    /// The free ones among them.
    gprs: u32,
    xmms: u32,
    /// The operand that is in a register which is not free, unless who popped it owns the register.
    gpr_owners: [u32; 16],
    xmm_owners: [u32; 16],
    /// Which operands are references into the heap of objects.
    pub references: Vec<u32>,
}

/// The register is owned by the operator at hand.
const HELD: u32 = u32::MAX;

impl Operands {
    /// No operands.
    pub fn clear(&mut self) {
        self.stack.clear();
        self.next_slot = 0;
        self.has_condition = false;
        self.settled = 0;
        self.for_operands = GPRS;
        self.gprs = GPRS;
        self.xmms = XMMS;
        self.references.clear();
    }

    /// A register is none for operands in this function. To be called before there are any.
    pub fn give_away(&mut self, gpr: Gpr) {
        self.for_operands &= !bit(gpr);
        self.gprs = self.for_operands;
    }

    /// The operands begin at a slot.
    pub fn begin_at(&mut self, slot: u32) {
        self.next_slot = slot;
    }

    /// Whether the top operand is in the flags.
    pub fn top_is_condition(&self) -> bool {
        matches!(self.stack.last(), Some(Operand { at: At::Flags(_), .. }))
    }
}

fn bit(gpr: Gpr) -> u32 {
    1 << gpr.number()
}

fn xmm_bit(xmm: Xmm) -> u32 {
    1 << xmm.number()
}

/// How integers of a kind are moved.
pub(crate) fn width(kind: Kind) -> Width {
    if kind == Kind::I32 { Width::W32 } else { Width::W64 }
}

impl Translator<'_> {
    /// The slot of an operand that is pushed now.
    pub fn next_slot(&self) -> u32 {
        self.operands.next_slot
    }

    /// How many operands there are.
    #[inline]
    pub fn height(&self) -> usize {
        self.operands.stack.len()
    }

    /// Pushes an operand.
    pub fn push(&mut self, kind: Kind, at: At) {
        match at {
            At::Gpr(gpr) => self.push_gpr(kind, gpr),
            At::Xmm(xmm) => self.push_xmm(kind, xmm),
            At::Local(local) => self.push_local(local),
            At::Flags(_) => {
                self.operands.has_condition = true;
                self.push_at(kind, at);
            }
            At::Slot | At::Const(_) => self.push_at(kind, at),
        }
    }

    #[inline(always)]
    fn push_at(&mut self, kind: Kind, at: At) {
        let slot = self.operands.next_slot;
        if kind == Kind::Ref {
            self.operands.references.push(self.operands.stack.len() as u32);
        }
        self.operands.next_slot = slot + kind.slots();
        self.operands.stack.push(Operand { kind, at, slot });
    }

    /// Pushes a local.
    #[inline]
    pub fn push_local(&mut self, local: u32) {
        let known = &mut self.locals[local as usize];
        known.aliases += 1;
        let kind = known.kind;
        self.push_at(kind, At::Local(local));
    }

    /// Pushes what is known.
    #[inline]
    pub fn push_const(&mut self, kind: Kind, bits: u64) {
        self.push_at(kind, At::Const(bits));
    }

    /// Pushes what is in a register that the operator at hand owns.
    #[inline]
    pub fn push_gpr(&mut self, kind: Kind, gpr: Gpr) {
        self.operands.gpr_owners[usize::from(gpr.number() & 15)] = self.height() as u32;
        self.push_at(kind, At::Gpr(gpr));
    }

    /// The same for floats and vectors.
    pub fn push_xmm(&mut self, kind: Kind, xmm: Xmm) {
        self.operands.xmm_owners[usize::from(xmm.number() & 15)] = self.height() as u32;
        self.push_at(kind, At::Xmm(xmm));
    }

    /// Takes the top operand. A register that it is in is owned by the operator at hand.
    #[inline]
    pub fn pop(&mut self) -> Operand {
        // The walk is of a valid body, so there is an operand.
        let operand = self.operands.stack.pop().expect("a valid body has an operand here");
        self.operands.settled = self.operands.settled.min(self.operands.stack.len());
        self.operands.next_slot = operand.slot;
        if operand.kind == Kind::Ref {
            self.operands.references.pop();
        }
        match operand.at {
            At::Gpr(gpr) => self.operands.gpr_owners[usize::from(gpr.number() & 15)] = HELD,
            At::Xmm(xmm) => self.operands.xmm_owners[usize::from(xmm.number() & 15)] = HELD,
            At::Local(local) => self.locals[local as usize].aliases -= 1,
            At::Slot | At::Const(_) | At::Flags(_) => {}
        }
        operand
    }

    /// The register of the top operand, and one that the operator at hand owns, for what the operand becomes; `None` if it is in no register,
    /// or none is free. The next thing to do is [`Translator::become_gpr`].
    #[inline]
    pub fn top_in_gpr(&mut self) -> Option<(Gpr, Gpr)> {
        match self.operands.stack.last()?.at {
            At::Gpr(gpr) => Some((gpr, gpr)),
            At::Local(local) if self.operands.gprs != 0 => {
                let known = &mut self.locals[local as usize];
                let Place::Gpr(gpr, _) = known.place else { return None };
                known.aliases -= 1;
                Some((gpr, self.alloc()))
            }
            _ => None,
        }
    }

    /// The top operand, which takes one slot and is no reference, becomes another one of which that is true, in a register that the operator at hand
    /// owns.
    #[inline]
    pub fn become_gpr(&mut self, kind: Kind, gpr: Gpr) {
        let number = self.height().saturating_sub(1);
        self.operands.settled = self.operands.settled.min(number);
        self.operands.gpr_owners[usize::from(gpr.number() & 15)] = number as u32;
        if let Some(top) = self.operands.stack.last_mut() {
            (top.kind, top.at) = (kind, At::Gpr(gpr));
        }
    }

    /// Takes the top operand and throws it away.
    pub fn pop_and_free(&mut self) {
        let operand = self.pop();
        self.free_operand(operand);
    }

    /// Throws operands away until so many are left.
    pub fn cut(&mut self, height: u32) {
        while self.height() > height as usize {
            self.pop_and_free();
        }
    }

    /// Whether a register is one for operands, which whoever has it owns; and not for locals.
    pub fn is_for_operands(&self, gpr: Gpr) -> bool {
        bit(gpr) & self.operands.for_operands != 0
    }

    /// The register of an operand that was popped is not needed any more.
    pub fn free_operand(&mut self, operand: Operand) {
        match operand.at {
            At::Gpr(gpr) => self.free(gpr),
            At::Xmm(xmm) => self.free_xmm(xmm),
            _ => {}
        }
    }

    /// A register that the operator at hand owns is not needed any more. Registers of locals are never freed.
    #[inline]
    pub fn free(&mut self, gpr: Gpr) {
        self.operands.gprs |= bit(gpr) & self.operands.for_operands;
    }

    /// The same for floats and vectors.
    pub fn free_xmm(&mut self, xmm: Xmm) {
        self.operands.xmms |= xmm_bit(xmm) & XMMS;
    }

    /// The same for what was used as an operand of an instruction.
    pub fn free_rm(&mut self, rm: Rm) {
        if let Rm::Reg(gpr) = rm {
            self.free(gpr);
        }
    }

    /// The same for floats and vectors.
    pub fn free_xmm_rm(&mut self, rm: XmmRm) {
        if let XmmRm::Reg(xmm) = rm {
            self.free_xmm(xmm);
        }
    }

    /// A register for the operator at hand.
    #[inline]
    pub fn alloc(&mut self) -> Gpr {
        if self.operands.gprs == 0 {
            self.make_room();
        }
        let number = self.operands.gprs.trailing_zeros() as u8;
        self.hold(Gpr::new(number));
        Gpr::new(number)
    }

    /// Frees a register.
    #[inline(never)]
    fn make_room(&mut self) {
        while self.operands.gprs == 0 {
            self.settle_lowest();
        }
    }

    /// The same for floats and vectors.
    pub fn alloc_xmm(&mut self) -> Xmm {
        while self.operands.xmms == 0 {
            self.settle_lowest();
        }
        let number = self.operands.xmms.trailing_zeros() as u8;
        self.hold_xmm(Xmm::new(number));
        Xmm::new(number)
    }

    /// Takes a free register for the operator at hand.
    fn hold(&mut self, gpr: Gpr) {
        self.operands.gprs &= !bit(gpr);
        self.operands.gpr_owners[usize::from(gpr.number())] = HELD;
    }

    fn hold_xmm(&mut self, xmm: Xmm) {
        self.operands.xmms &= !xmm_bit(xmm);
        self.operands.xmm_owners[usize::from(xmm.number())] = HELD;
    }

    /// Takes a certain register for the operator at hand, which owns no operand in it: to be called before it pops any. The
    /// operand that is there goes elsewhere.
    pub fn take(&mut self, gpr: Gpr) {
        if self.operands.gprs & bit(gpr) == 0 {
            let owner = self.operands.gpr_owners[usize::from(gpr.number())] as usize;
            if self.operands.gprs == 0 {
                self.settle(owner);
            } else {
                let other = self.alloc();
                self.asm.mov(Width::W64, other, gpr);
                self.operands.gpr_owners[usize::from(other.number())] = owner as u32;
                self.operands.stack[owner].at = At::Gpr(other);
            }
        }
        self.hold(gpr);
    }

    /// Takes a certain register, which is free or was just given up.
    pub fn claim(&mut self, gpr: Gpr) {
        self.hold(gpr);
    }

    /// The same for floats and vectors.
    pub fn claim_xmm(&mut self, xmm: Xmm) {
        self.hold_xmm(xmm);
    }

    /// Moves the lowest operands that are not in their slots there, up to one that was in a register.
    fn settle_lowest(&mut self) {
        // An operator owns fewer registers than there are.
        assert!(self.operands.settled < self.height(), "registers for an operator");
        let number = self.operands.settled;
        self.settle(number);
        self.operands.settled = number + 1;
    }

    /// Moves all but the top operands to their slots.
    pub fn settle_below(&mut self, top: usize) {
        let height = self.height() - top;
        while self.operands.settled < height {
            self.settle_lowest();
        }
    }

    /// Moves all operands to their slots. Flags survive it, though not the operand in them.
    pub fn settle_all(&mut self) {
        self.settle_below(0);
    }

    /// Moves an operand to its slot. Changes no flags.
    pub fn settle(&mut self, number: usize) {
        let operand = self.operands.stack[number];
        if operand.at == At::Slot {
            return;
        }
        let slot = self.frame.slot(operand.slot, operand.kind);
        self.store_operand(operand, slot);
        match operand.at {
            At::Gpr(gpr) => self.free(gpr),
            At::Xmm(xmm) => self.free_xmm(xmm),
            At::Local(local) => self.locals[local as usize].aliases -= 1,
            At::Slot | At::Const(_) | At::Flags(_) => {}
        }
        self.operands.stack[number].at = At::Slot;
    }

    /// Writes an operand to a slot of the frame or the row. Changes no flags, and frees nothing.
    pub fn store_operand(&mut self, operand: Operand, to: Mem) {
        let kind = operand.kind;
        match operand.at {
            At::Const(bits) => self.store_const(kind, bits, to),
            At::Gpr(gpr) => self.asm.store(width(kind), to, gpr),
            At::Xmm(xmm) => self.store_xmm(kind, to, xmm),
            At::Flags(cond) => {
                self.asm.setcc(cond, SCRATCH);
                self.asm.extend_unsigned(Width::W8, SCRATCH, SCRATCH);
                self.asm.store(Width::W32, to, SCRATCH);
            }
            At::Local(local) => match self.locals[local as usize].place {
                Place::Gpr(gpr, _) => self.asm.store(width(kind), to, gpr),
                Place::Xmm(xmm, _) => self.store_xmm(kind, to, xmm),
                Place::Slot => {
                    let from = self.frame.slot(self.locals[local as usize].slot, kind);
                    self.copy(kind, from, to);
                }
            },
            At::Slot => {
                let from = self.frame.slot(operand.slot, kind);
                if from != to {
                    self.copy(kind, from, to);
                }
            }
        }
    }

    /// Copies a value between places in memory. Changes no flags.
    pub fn copy(&mut self, kind: Kind, from: Mem, to: Mem) {
        if kind == Kind::V128 {
            self.load_xmm(kind, XMM_SCRATCH, from);
            self.store_xmm(kind, to, XMM_SCRATCH);
        } else {
            let width = if kind == Kind::F32 { Width::W32 } else { width(kind) };
            self.asm.load(width, SCRATCH, from);
            self.asm.store(width, to, SCRATCH);
        }
    }

    fn store_const(&mut self, kind: Kind, bits: u64, to: Mem) {
        let narrow = matches!(kind, Kind::I32 | Kind::F32);
        let immediate =
            if narrow { Some(bits as u32 as i32) } else { i32::try_from(bits as i64).ok() };
        let width = if narrow { Width::W32 } else { Width::W64 };
        match immediate {
            Some(immediate) => self.asm.store_imm(width, to, immediate),
            None => {
                self.asm.mov_imm(SCRATCH, bits);
                self.asm.store(width, to, SCRATCH);
            }
        }
    }

    /// Writes a float or vector.
    pub fn store_xmm(&mut self, kind: Kind, to: Mem, xmm: Xmm) {
        match kind {
            Kind::F32 => self.asm.store_f32(to, xmm),
            Kind::F64 => self.asm.store_f64(to, xmm),
            _ => self.asm.store_v128(to, xmm),
        }
    }

    /// Reads a float or vector.
    pub fn load_xmm(&mut self, kind: Kind, xmm: Xmm, from: Mem) {
        match kind {
            Kind::F32 => self.asm.load_f32(xmm, from),
            Kind::F64 => self.asm.load_f64(xmm, from),
            _ => self.asm.load_v128(xmm, from),
        }
    }

    /// Copies a float or vector.
    pub fn move_xmm(&mut self, to: Xmm, from: Xmm) {
        if to != from {
            self.asm.mov_xmm(to, from);
        }
    }

    /// Where an operand is that is not in a register, unless it is a constant or a condition.
    #[inline]
    fn memory_of(&self, operand: Operand) -> Option<Mem> {
        match operand.at {
            At::Slot => Some(self.frame.slot(operand.slot, operand.kind)),
            At::Local(local) => {
                let local = &self.locals[local as usize];
                (local.place == Place::Slot).then(|| self.frame.slot(local.slot, operand.kind))
            }
            _ => None,
        }
    }

    /// The register that an operand is in, if it is in one: its own, or that of a local.
    #[inline]
    pub fn gpr_of(&self, operand: Operand) -> Option<Gpr> {
        match operand.at {
            At::Gpr(gpr) => Some(gpr),
            At::Local(local) => match self.locals[local as usize].place {
                Place::Gpr(gpr, _) => Some(gpr),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same for floats and vectors.
    pub fn xmm_of(&self, operand: Operand) -> Option<Xmm> {
        match operand.at {
            At::Xmm(xmm) => Some(xmm),
            At::Local(local) => match self.locals[local as usize].place {
                Place::Xmm(xmm, _) => Some(xmm),
                _ => None,
            },
            _ => None,
        }
    }

    /// Puts a popped operand into a register. Changes no flags. Frees nothing.
    pub fn move_to(&mut self, operand: Operand, gpr: Gpr) {
        if let Some(from) = self.gpr_of(operand) {
            if from != gpr {
                self.asm.mov(Width::W64, gpr, from);
            }
        } else if let Some(from) = self.memory_of(operand) {
            self.asm.load(width(operand.kind), gpr, from);
        } else if let At::Const(bits) = operand.at {
            self.asm.mov_imm(gpr, bits);
        } else if let At::Flags(cond) = operand.at {
            self.asm.setcc(cond, gpr);
            self.asm.extend_unsigned(Width::W8, gpr, gpr);
        }
    }

    /// The same for floats and vectors.
    pub fn move_to_xmm(&mut self, operand: Operand, xmm: Xmm) {
        if let Some(from) = self.xmm_of(operand) {
            self.move_xmm(xmm, from);
        } else if let Some(from) = self.memory_of(operand) {
            self.load_xmm(operand.kind, xmm, from);
        } else if let At::Const(bits) = operand.at {
            self.xmm_const(operand.kind, xmm, bits);
        }
    }

    /// Puts a float into a register. Changes no flags.
    pub fn xmm_const(&mut self, kind: Kind, xmm: Xmm, bits: u64) {
        if kind == Kind::F32 {
            let bits = self.asm.const32(bits as u32);
            self.asm.load_const(xmm, bits);
        } else {
            let bits = self.asm.const64(bits);
            self.asm.load_const(xmm, bits);
        }
    }

    /// A register that has a popped operand, to be read only: it may be that of a local. To be freed.
    #[inline]
    pub fn gpr(&mut self, operand: Operand) -> Gpr {
        match self.gpr_of(operand) {
            Some(gpr) => gpr,
            None => self.loaded(operand),
        }
    }

    /// A register into which a popped operand was moved.
    #[inline(never)]
    fn loaded(&mut self, operand: Operand) -> Gpr {
        let gpr = self.alloc();
        self.move_to(operand, gpr);
        gpr
    }

    /// A register that has a popped operand, and may be changed. To be freed or pushed.
    #[inline]
    pub fn owned(&mut self, operand: Operand) -> Gpr {
        match operand.at {
            At::Gpr(gpr) => gpr,
            _ => self.loaded(operand),
        }
    }

    /// A popped operand as one of an instruction, to be read only. To be freed.
    #[inline]
    pub fn rm(&mut self, operand: Operand) -> Rm {
        match self.memory_of(operand) {
            Some(memory) => Rm::Mem(memory),
            None => Rm::Reg(self.gpr(operand)),
        }
    }

    /// As [`Translator::gpr`], for floats and vectors.
    pub fn xmm(&mut self, operand: Operand) -> Xmm {
        if let Some(xmm) = self.xmm_of(operand) {
            return xmm;
        }
        let xmm = self.alloc_xmm();
        self.move_to_xmm(operand, xmm);
        xmm
    }

    /// As [`Translator::owned`], for floats and vectors.
    pub fn owned_xmm(&mut self, operand: Operand) -> Xmm {
        if let At::Xmm(xmm) = operand.at {
            return xmm;
        }
        let xmm = self.alloc_xmm();
        self.move_to_xmm(operand, xmm);
        xmm
    }

    /// As [`Translator::rm`], for floats. (Vectors in slots are not aligned as most instructions want them.)
    pub fn xmm_rm(&mut self, operand: Operand) -> XmmRm {
        if let At::Const(bits) = operand.at {
            let bits = match operand.kind {
                Kind::F32 => self.asm.const32(bits as u32),
                _ => self.asm.const64(bits),
            };
            return XmmRm::Const(bits);
        }
        match self.memory_of(operand) {
            Some(memory) if operand.kind != Kind::V128 => XmmRm::Mem(memory),
            _ => XmmRm::Reg(self.xmm(operand)),
        }
    }

    /// The value of a constant operand.
    #[inline]
    pub fn const_of(operand: Operand) -> Option<u64> {
        match operand.at {
            At::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// The value of a constant operand, if it can be an immediate of an instruction on values of its kind.
    #[inline]
    pub fn immediate_of(operand: Operand) -> Option<i32> {
        let bits = Self::const_of(operand)?;
        match operand.kind {
            Kind::I32 => Some(bits as u32 as i32),
            _ => i32::try_from(bits as i64).ok(),
        }
    }

    /// Makes the top operand, a condition, a number.
    pub fn settle_condition(&mut self) {
        let operand = self.pop();
        let gpr = self.owned(operand);
        self.push_gpr(Kind::I32, gpr);
    }

    /// A local is about to be changed: operands that are that local get its value.
    pub fn unalias(&mut self, local: u32) {
        let mut number = self.height();
        while self.locals[local as usize].aliases > 0 {
            number -= 1;
            let operand = self.operands.stack[number];
            if operand.at != At::Local(local) {
                continue;
            }
            let is_free = match operand.kind.is_float() {
                true => self.operands.xmms != 0,
                false => self.operands.gprs != 0,
            };
            if !is_free {
                self.settle(number);
                continue;
            }
            self.locals[local as usize].aliases -= 1;
            let at = if operand.kind.is_float() {
                let xmm = self.alloc_xmm();
                self.move_to_xmm(operand, xmm);
                self.operands.xmm_owners[usize::from(xmm.number())] = number as u32;
                At::Xmm(xmm)
            } else {
                let gpr = self.alloc();
                self.move_to(operand, gpr);
                self.operands.gpr_owners[usize::from(gpr.number())] = number as u32;
                At::Gpr(gpr)
            };
            self.operands.stack[number].at = at;
        }
    }

    /// Writes the slots of pinned locals that are outdated.
    pub fn clean(&mut self) {
        let mut dirty = core::mem::take(&mut self.dirty);
        while dirty != 0 {
            let number = dirty.trailing_zeros();
            dirty &= dirty - 1;
            let local = self.locals[self.pinned[number as usize] as usize];
            let slot = self.frame.slot(local.slot, local.kind);
            match local.place {
                Place::Gpr(gpr, _) => self.asm.store(width(local.kind), slot, gpr),
                Place::Xmm(xmm, _) => self.store_xmm(local.kind, slot, xmm),
                Place::Slot => {}
            }
        }
    }

    /// Reads what is pinned and was not preserved by a call: what is in registers for floats or, in functions that call nothing, for operands; or
    /// all locals.
    pub fn reload(&mut self, all: bool) {
        for number in 0..self.pinned.len() {
            let local = self.locals[self.pinned[number] as usize];
            let slot = self.frame.slot(local.slot, local.kind);
            match local.place {
                Place::Gpr(gpr, _) if all || bit(gpr) & GPRS != 0 => {
                    self.asm.load(width(local.kind), gpr, slot)
                }
                Place::Xmm(xmm, _) => self.load_xmm(local.kind, xmm, slot),
                _ => {}
            }
        }
        if self.keeps_vmctx {
            self.asm.load(Width::W64, LEAF_VMCTX, OWN_VMCTX);
            if self.memory_base == Some(LEAF_BASE) {
                self.load_memory_base(LEAF_VMCTX);
            }
        }
    }
}
